// Layers too large for neurons: a block each, bands between neighbors, and a way in to any one of its neurons.

import { floats } from "../arrays.js";
import { h, s } from "../make.js";
import { blockAt } from "./place.js";

/** @typedef {import("../types.js").NetworkList} NetworkList */
/** @typedef {import("../types.js").Block} Block */
/** @typedef {import("./place.js").Placed} Placed */
/** @typedef {import("./scales.js").Palette} Palette */
/** @typedef {import("../types.js").LayerHead} LayerHead */
/** @typedef {{block: Block | null, head: LayerHead, x: number, half: number, top: number, bottom: number}} Box */

/**
 * Where a column stands: that of a block, or that of its neurons.
 * @param {NetworkList} network
 * @param {Placed} at
 * @returns {Box[]}
 */
function boxesOf(network, at) {
  const wide = Math.max(46, Math.min(130, at.step * 0.56));
  const middle = (at.top + at.height) / 2;
  return network.layers.map((head) => {
    const block = blockAt(network, head);
    if (block) {
      const half = Math.min(at.height - at.top - 20, Math.max(110, Math.min(260, 60 + 22 * Math.log2(1 + head.size)))) / 2;
      return { block, head, x: at.mapX(head.x), half: wide / 2, top: middle - half, bottom: middle + half };
    }
    const own = network.neurons.flatMap((one, i) => (one.layer === head.number ? [i] : []));
    const r = at.r[own[0]] ?? at.radius;
    const ys = own.map((i) => at.y[i]);
    return { block, head, x: at.mapX(head.x), half: r, top: Math.min(...ys) - r, bottom: Math.max(...ys) + r };
  });
}

/**
 * Bands from column to column where there are blocks: more connections than can be drawn.
 * @param {CanvasRenderingContext2D} context
 * @param {NetworkList} network
 * @param {Placed} at
 * @param {Palette} palette
 */
export function drawBands(context, network, at, palette) {
  if (!network.blocks.length) return;
  const boxes = boxesOf(network, at);
  context.fillStyle = palette.line;
  context.globalAlpha = 0.55;
  for (let k = 1; k < boxes.length; k += 1) {
    const [a, b] = [boxes[k - 1], boxes[k]];
    if (!a.block && !b.block) continue;
    const [x, x2] = [a.x + a.half, b.x - b.half];
    const bend = (x2 - x) * 0.45;
    context.beginPath();
    context.moveTo(x, a.top);
    context.bezierCurveTo(x + bend, a.top, x2 - bend, b.top, x2, b.top);
    context.lineTo(x2, b.bottom);
    context.bezierCurveTo(x2 - bend, b.bottom, x + bend, a.bottom, x, a.bottom);
    context.fill();
  }
  context.globalAlpha = 1;
}

/**
 * What is shown of each block as a picture of shades: of weights a row for each that enters and a column for each neuron, of
 * activations a sign for each neuron, line by line.
 * @param {CanvasRenderingContext2D} context
 * @param {NetworkList} network
 * @param {Placed} at
 * @param {Palette} palette
 * @param {import("../types.js").Frame["blocks"]} pictures
 * @param {string} shown which of them
 */
export function drawShades(context, network, at, palette, pictures, shown) {
  const colors = [palette.plus, palette.minus].map((color) => (color.match(/[\d.]+/g) ?? ["0", "0", "0"]).map(Number));
  for (const { block, head, x, half, top, bottom } of pictures?.length ? boxesOf(network, at) : []) {
    const found = block ? pictures?.find((one) => one.layer === head.number)?.pictures[shown] : null;
    if (!found) continue;
    const values = floats(found.shares);
    const [rows, columns] = found.shares.shape;
    const small = document.createElement("canvas");
    [small.width, small.height] = [columns, rows];
    const pen = /** @type {CanvasRenderingContext2D} */ (small.getContext("2d"));
    const image = pen.createImageData(columns, rows);
    values.forEach((value, i) => image.data.set([...colors[value < 0 ? 1 : 0], Math.min(255, 2 * Math.abs(value))], 4 * i));
    pen.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, x - half + 4, top + 4, 2 * half - 8, bottom - top - 8);
  }
}

/**
 * The blocks themselves; each opens to any one of its neurons.
 * @param {NetworkList} network
 * @param {Placed} at
 * @param {(head: LayerHead, x: number, y: number) => void} open
 */
export function blockMarks(network, at, open) {
  return boxesOf(network, at).flatMap(({ block, head, x, half, top, bottom }) => {
    if (!block) return [];
    const lines = block.words.split(/: |\n/).slice(0, 2).flatMap((line) => (line.length > half / 3.4 && !line.includes("→") ? line.split(" ") : [line]));
    const middle = (top + bottom) / 2;
    const act = () => open(head, x, middle);
    const group = s("g", { role: "gridcell", tabindex: 0, class: "block-mark", "aria-label": `${block.words.replace("\n", ", ")}: choose one`, onclick: act });
    group.addEventListener("keydown", (event) => {
      const { key } = /** @type {KeyboardEvent} */ (event);
      if (key !== "Enter" && key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      act();
    });
    group.append(s("rect", { x: x - half, y: top, width: 2 * half, height: bottom - top, rx: 8 }));
    lines.forEach((line, i) => group.append(s("text", { x, y: middle + 4 + 17 * (i - (lines.length - 1) / 2), class: i ? "sub" : "" }, line)));
    group.append(s("title", {}, block.words));
    return [s("g", { role: "row" }, group)];
  });
}

/**
 * What a block opens to: which of its neurons is asked for.
 * @param {NetworkList} network
 * @param {LayerHead} head
 * @param {(address: string) => void} ask
 * @param {() => void} close
 */
export function blockForm(network, head, ask, close) {
  const { size } = head;
  const first = head === network.layers[0];
  const input = /** @type {HTMLInputElement} */ (h("input", { type: "text", inputmode: "numeric", size: 5, value: "1", "aria-label": `Which of the ${size}, from 1` }));
  const form = h("form", { class: "block-form pop" }, h("span", {}, first ? "Input" : "Neuron"), input, h("span", { class: "quiet" }, `of ${size.toLocaleString("en")}`), h("button", { type: "submit", class: "primary" }, "Explain"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const number = Number(input.value);
    if (!Number.isInteger(number) || number < 1 || number > size) return input.setAttribute("aria-invalid", "true");
    close();
    ask(first ? `x[${number}]` : `a[${head.number}][${number}]`);
  });
  form.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") close();
  });
  return { form, input };
}
