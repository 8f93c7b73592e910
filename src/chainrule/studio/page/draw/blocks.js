// Layers too large for neurons: a block each, bands between neighbors, and a way in to any one of its neurons.

import { h, s } from "../make.js";

/** @typedef {import("../types.js").NetworkList} NetworkList */
/** @typedef {import("../types.js").Block} Block */
/** @typedef {import("./place.js").Placed} Placed */
/** @typedef {import("./scales.js").Palette} Palette */
/** @typedef {{layer: number, x: number, half: number, top: number, bottom: number}} Box */

/**
 * Where a column stands: that of a block, or that of its neurons.
 * @param {NetworkList} network
 * @param {Placed} at
 * @returns {Box[]}
 */
function boxesOf(network, at) {
  const wide = Math.max(46, Math.min(130, at.step * 0.56));
  const middle = (at.top + at.height) / 2;
  return network.layers.map(({ number, x }) => {
    const block = network.blocks.find((one) => one.layer === number);
    if (block) {
      const half = Math.min(at.height - at.top - 20, Math.max(110, Math.min(260, 60 + 22 * Math.log2(1 + sizeOf(network, block))))) / 2;
      return { layer: number, x: at.mapX(x), half: wide / 2, top: middle - half, bottom: middle + half };
    }
    const ys = network.neurons.flatMap((one, i) => (one.layer === number ? [at.y[i]] : []));
    return { layer: number, x: at.mapX(x), half: at.radius, top: Math.min(...ys) - at.radius, bottom: Math.max(...ys) + at.radius };
  });
}

/** @param {NetworkList} network @param {Block} block */
function sizeOf(network, block) {
  return network.layers.find((one) => one.number === block.layer)?.size ?? block.rows;
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
  const isBlock = new Set(network.blocks.map((one) => one.layer));
  const boxes = boxesOf(network, at);
  context.fillStyle = palette.line;
  context.globalAlpha = 0.55;
  for (let k = 1; k < boxes.length; k += 1) {
    const [a, b] = [boxes[k - 1], boxes[k]];
    if (!isBlock.has(a.layer) && !isBlock.has(b.layer)) continue;
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
 * The blocks themselves; each opens to any one of its neurons.
 * @param {NetworkList} network
 * @param {Placed} at
 * @param {(block: Block, x: number, y: number) => void} open
 */
export function blockMarks(network, at, open) {
  const boxes = boxesOf(network, at);
  return network.blocks.map((block) => {
    const { x, half, top, bottom } = /** @type {Box} */ (boxes.find((one) => one.layer === block.layer));
    const lines = block.words.split("\n").flatMap((line) => (line.length > half / 3.4 ? line.split(" ") : [line]));
    const middle = (top + bottom) / 2;
    const act = () => open(block, x, middle);
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
    return s("g", { role: "row" }, group);
  });
}

/**
 * What a block opens to: which of its neurons is asked for.
 * @param {NetworkList} network
 * @param {Block} block
 * @param {(address: string) => void} ask
 * @param {() => void} close
 */
export function blockForm(network, block, ask, close) {
  const size = sizeOf(network, block);
  const input = /** @type {HTMLInputElement} */ (h("input", { type: "text", inputmode: "numeric", size: 5, value: "1", "aria-label": `Which of the ${size}, from 1` }));
  const form = h("form", { class: "block-form pop" }, h("span", {}, block.layer ? "Neuron" : "Input"), input, h("span", { class: "quiet" }, `of ${size.toLocaleString("en")}`), h("button", { type: "submit", class: "primary" }, "Explain"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const number = Number(input.value);
    if (!Number.isInteger(number) || number < 1 || number > size) return input.setAttribute("aria-invalid", "true");
    close();
    ask(block.layer ? `a[${block.layer}][${number}]` : `x[${number}]`);
  });
  form.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") close();
  });
  return { form, input };
}
