// The network's neurons, names and places to point at, in SVG: made once for a window, then only their numbers change.

import { brief, newOf } from "../arrays.js";
import { h, s, say, setAll } from "../make.js";
import { biasStrokes, numberPlace, strokesOf } from "./edges.js";
import { blockAt, cutText, placed } from "./place.js";
import { isStrong, largest, stepOf } from "./scales.js";

/** @typedef {import("../types.js").Hello} Hello */
/** @typedef {import("../arrays.js").Floats} Floats */
/** @typedef {import("./place.js").Placed} Placed */
/** @typedef {import("./edges.js").Stroke} Stroke */
/** @typedef {{group: SVGElement, circle: SVGElement, text: SVGElement, flag: SVGElement}} Drawn */

const NUMBERED = 14;

export class NetworkPicture {
  /**
   * @param {Hello} hello
   * @param {number} width
   * @param {number} height
   */
  constructor(hello, width, height) {
    const { neurons, edges } = hello.network;
    this.hello = hello;
    /** @type {Placed} */
    this.at = placed(hello.network, width, height);
    this.layers = neurons.map((one) => one.layer);
    /** @type {Stroke[]} */
    this.strokes = strokesOf(this.at, edges.list, this.layers);
    this.biased = neurons.flatMap((one, i) => (one.bias ? [i] : []));
    /** @type {Stroke[]} */
    this.biases = biasStrokes(this.at, this.biased, this.layers);
    this.numbered = edges.list.length <= NUMBERED && edges.drawn === edges.of && width >= 440;
    /** @type {Drawn[]} */
    this.drawn = [];
    /** @type {{text: SVGElement, bias: boolean, i: number}[]} */
    this.numbers = [];
    /** @type {Record<string, string>} */
    this.names = {};
    this.svg = this.build();
  }

  build() {
    const { at } = this;
    const svg = s("svg", { class: "plot net", viewBox: `0 0 ${at.width} ${at.height}`, width: at.width, height: at.height, role: "grid", "aria-label": this.label() });
    svg.append(this.heads(), this.hits(), this.rows());
    if (this.numbered) svg.append(this.written());
    return svg;
  }

  label() {
    const { layers } = this.hello.network;
    return `The network: ${layers.map((layer) => layer.size).join("-")}. Arrow keys go from neuron to neuron, Enter explains.`;
  }

  heads() {
    const { at } = this;
    const made = s("g", { class: "heads", "aria-hidden": "true" });
    this.hello.network.layers.forEach((layer, k) => {
      const lines = layer.title.split(/\n|, /).slice(0, 2);
      const half = Math.min(at.step, 2 * Math.min(at.heads[k], at.width - at.heads[k])) - 6;
      lines.forEach((line, i) => made.append(s("text", { x: at.heads[k], y: 14 + 15 * i, class: i ? "sub" : "head" }, cutText(line, 12, Math.max(40, half)))));
      if (layer.formula) made.append(s("title", {}, layer.formula));
    });
    return made;
  }

  /** Wide unseen lines to point at: what is drawn thin is still hit. */
  hits() {
    const made = s("g", { class: "hits", "aria-hidden": "true" });
    const { edges, neurons } = this.hello.network;
    this.strokes.forEach(({ x, y, x2, y2 }, i) => made.append(s("line", { x1: round(x), y1: round(y), x2: round(x2), y2: round(y2), "data-address": edges.list[i][2] })));
    this.biases.forEach(({ x, y, x2, y2 }, k) => {
      const address = /** @type {string} */ (neurons[this.biased[k]].bias);
      made.append(s("line", { class: "bias", x1: round(x), y1: round(y), x2: round(x2), y2: round(y2), "data-address": address }));
      if (this.numbered) made.append(s("rect", { class: "one", x: round(x - 3), y: round(y - 3), width: 6, height: 6, rx: 1, "data-address": address }));
    });
    return made;
  }

  rows() {
    const made = s("g", { class: "neurons", role: "rowgroup" });
    const { neurons, layers, more } = this.hello.network;
    for (const layer of layers.filter((one) => !blockAt(this.hello.network, one))) {
      const row = s("g", { role: "row", "aria-label": layer.title.replace("\n", ", ") });
      neurons.forEach((neuron, i) => {
        if (neuron.layer === layer.number) row.append(this.neuron(i));
      });
      if (row.childElementCount) made.append(row);
    }
    for (const rest of more) {
      const outer = rest.layer === layers[0].number ? "end" : rest.layer === layers[layers.length - 1].number ? "start" : "middle";
      made.append(s("text", { x: this.at.mapX(rest.x) + (outer === "end" ? this.at.radius : outer === "start" ? -this.at.radius : 0), y: this.at.mapY(rest) + 4, class: "more", "text-anchor": outer, "aria-hidden": "true" }, rest.words));
    }
    return made;
  }

  /** @param {number} i */
  neuron(i) {
    const { at } = this;
    const { layers, neurons } = this.hello.network;
    const neuron = neurons[i];
    const [x, y] = [at.x[i], at.y[i]];
    const circle = s("circle", { cx: x, cy: y, r: at.r[i], class: "ring" });
    const text = s("text", { x, y: y + 3.6, class: "inside", "aria-hidden": "true" });
    const flag = s("path", { class: "flag", d: "" });
    const name = neuron.name && neuron.name !== neuron.address ? `${neuron.name}, ${neuron.address}` : neuron.address;
    const group = s("g", { role: "gridcell", tabindex: i === 0 ? 0 : -1, "data-address": neuron.address, "data-neuron": i, "aria-label": name }, s("title", {}, name));
    group.append(s("circle", { cx: x, cy: y, r: Math.max(Math.min(12.5, at.pitch[i] / 2), at.r[i] + 1.5), class: "hit" }), circle, flag, text);
    const outer = neuron.layer === layers[0].number ? -1 : neuron.layer === layers[layers.length - 1].number ? 1 : 0;
    if (outer && neuron.name) {
      const room = (outer < 0 ? at.left : at.right) - at.r[i] - 14;
      group.append(s("text", { x: x + outer * (at.r[i] + 9), y: y + 4.5, class: "name", "text-anchor": outer < 0 ? "end" : "start", "aria-hidden": "true" }, cutText(neuron.name, 13, room)));
    }
    this.drawn[i] = { group, circle, text, flag };
    return group;
  }

  written() {
    const made = s("g", { class: "written", "aria-hidden": "true" });
    const { edges, neurons } = this.hello.network;
    this.strokes.forEach((stroke, i) => {
      const { x, y } = numberPlace(stroke);
      const text = s("text", { x, y: y + 4, "data-address": edges.list[i][2] });
      this.numbers.push({ text, bias: false, i });
      made.append(text);
    });
    this.biases.forEach(({ x, y }, k) => {
      const text = s("text", { x: x - 2, y: y + 16, "data-address": neurons[this.biased[k]].bias });
      this.numbers.push({ text, bias: true, i: this.biased[k] });
      made.append(text);
    });
    return made;
  }

  /**
   * Write a frame's numbers into the neurons and onto the edges.
   * @param {Floats} shown of the neurons
   * @param {Floats} edges
   * @param {Floats} biases by neuron
   * @param {Record<string, string>} flags
   * @param {Record<string, string>} names that the notation has
   */
  fill(shown, edges, biases, flags, names) {
    if (this.names !== names && JSON.stringify(this.names) !== JSON.stringify(names)) this.call(names);
    const { neurons } = this.hello.network;
    const most = this.mostOf(shown);
    this.drawn.forEach(({ circle, text, flag }, i) => {
      const value = shown[i];
      const known = i < shown.length && !Number.isNaN(value);
      const step = known ? stepOf(value, most[neurons[i].layer]) : -1;
      setAll(circle, { class: known ? `ring d${step}` : "ring unknown" });
      if (this.at.r[i] >= 12.5) {
        const told = known ? fitting(value, 2 * this.at.r[i] - 5) : "";
        setAll(text, { class: known ? `inside ${isStrong(step) ? "f-over" : "f-under"}` : "inside" });
        say(text, told);
      }
      const said = flags[neurons[i].address] ?? "";
      setAll(flag, { d: said ? this.flag(i, said) : "", class: `flag ${said}` });
    });
    for (const { text, bias, i } of this.numbers) say(text, fitting(bias ? biases[i] : edges[i], bias ? 70 : (this.strokes[i].x2 - this.strokes[i].x) * 0.6));
  }

  /** Call the neurons as the notation does. @param {Record<string, string>} names */
  call(names) {
    this.names = names;
    const { neurons } = this.hello.network;
    this.drawn.forEach(({ group }, i) => {
      const { address, name } = neurons[i];
      const called = names[address];
      const words = [name, called === name ? "" : called, address].filter((one, k, all) => one && all.indexOf(one) === k).join(", ");
      setAll(group, { "aria-label": words });
      const title = group.querySelector("title");
      if (title) say(title, words);
    });
  }

  /** @param {Floats} shown @returns {Record<number, number>} */
  mostOf(shown) {
    /** @type {Record<number, number[]>} */
    const found = {};
    this.layers.forEach((layer, i) => (found[layer] ??= []).push(shown[i]));
    return Object.fromEntries(Object.entries(found).map(([layer, list]) => [layer, largest(list)]));
  }

  /**
   * A cross for a dead neuron, a second ring for a saturated one.
   * @param {number} i
   * @param {string} said
   */
  flag(i, said) {
    const [x, y, r] = [this.at.x[i], this.at.y[i], this.at.r[i]];
    if (said === "dead") {
      const d = r * 0.66;
      return `M${x - d} ${y - d}L${x + d} ${y + d}M${x - d} ${y + d}L${x + d} ${y - d}`;
    }
    const q = r + 3.4;
    return `M${x - q} ${y}A${q} ${q} 0 1 1 ${x + q} ${y}A${q} ${q} 0 1 1 ${x - q} ${y}`;
  }
}

/**
 * A number in as many digits as have room, up to four.
 * @param {number} value
 * @param {number} room in pixels
 */
function fitting(value, room) {
  for (let digits = 4; digits > 0; digits -= 1) {
    const text = brief(value, digits);
    if (text.length * 5.7 <= room) return text;
  }
  return "";
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}

/**
 * The picture as a table: every neuron and every connection that is drawn, with its number.
 * @param {Hello} hello
 * @param {import("../arrays.js").Places} places
 * @param {import("../types.js").Frame} frame
 * @param {string} color what the lines show: of weights and biases that stands in it, where it is known
 */
export function networkTable(hello, places, frame, color) {
  /** What stood there before an edit. @type {((address: string) => number | null) | null} */
  const was = frame.was ? (address) => places.was(address, frame) : null;
  const { neurons, edges } = hello.network;
  const body = h("tbody");
  const names = [...neurons.map((one) => one.address), ...new Set(neurons.flatMap((one) => (one.bias ? [one.bias] : []))), ...edges.list.map((one) => one[2])];
  const words = new Map(neurons.map((one) => [one.address, one.name]));
  /** @param {string} name */
  const drawn = (name) => {
    const other = words.has(name) ? name : color === "gradient" ? `dC/d${name}` : color === "change" ? newOf(name) : name;
    return places.value(places.meant(other, frame), frame) === null ? name : other;
  };
  for (const address of names.map((one) => places.meant(drawn(one), frame))) {
    const number = places.value(address, frame);
    const cell = h("button", { type: "button", class: "number", "data-address": address, "data-value": number }, brief(number, 6));
    body.append(h("tr", {}, h("th", { scope: "row" }, address), h("td", { class: "words" }, words.get(address) ?? ""), h("td", {}, cell), was ? h("td", { class: "was" }, was(address) === null ? "" : brief(was(address), 6)) : null));
  }
  const head = h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "address"), h("th", { scope: "col" }, "name"), h("th", { scope: "col" }, "number"), was ? h("th", { scope: "col" }, "before the edit") : null));
  return h("table", { class: "twin" }, head, body);
}
