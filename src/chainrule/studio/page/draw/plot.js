// A frame with two axes around a heat map: its place on the page, its marks, lines in its numbers, and what stands at a pixel.

import { floats } from "../arrays.js";
import { s } from "../make.js";

/** @typedef {{at: number, words: string}} PlotTick */
/** @typedef {{name: string, low: number, high: number, ticks: PlotTick[]}} PlotAxis */
/** @typedef {{left: number, right: number, top: number, bottom: number}} PlotBox */
/** @typedef {import("../types.js").Packed} Packed */

const LETTER = 6.4;

/** Where numbers stand in a picture of a size. */
export class PlotPlace {
  /**
   * @param {PlotAxis} x
   * @param {PlotAxis} y
   * @param {number} width
   * @param {number} height
   */
  constructor(x, y, width, height) {
    this.x = x;
    this.y = y;
    const widest = Math.max(...y.ticks.map((tick) => cut(tick.words, 12).length), 2);
    /** @type {PlotBox} */
    this.box = { left: Math.round(24 + LETTER * widest), right: width - 8, top: 8, bottom: height - 38 };
    this.width = width;
    this.height = height;
  }

  /** @param {number} value */
  px(value) {
    return this.box.left + ((value - this.x.low) / (this.x.high - this.x.low || 1)) * (this.box.right - this.box.left);
  }

  /** @param {number} value */
  py(value) {
    return this.box.bottom - ((value - this.y.low) / (this.y.high - this.y.low || 1)) * (this.box.bottom - this.box.top);
  }

  /**
   * The numbers at a pixel.
   * @param {number} x
   * @param {number} y
   * @returns {[number, number]}
   */
  at(x, y) {
    const { left, right, top, bottom } = this.box;
    return [this.x.low + ((x - left) / (right - left)) * (this.x.high - this.x.low), this.y.low + ((bottom - y) / (bottom - top)) * (this.y.high - this.y.low)];
  }

  /** The axes: names, marks and the frame. */
  axes() {
    const { left, right, top, bottom } = this.box;
    const made = s("g", { class: "axes" });
    const room = (right - left) / Math.max(1, this.x.ticks.length);
    for (const { at, words } of this.x.ticks) {
      const x = this.px(at);
      made.append(s("line", { x1: x, x2: x, y1: bottom, y2: bottom + 4 }), s("text", { x: Math.min(x, right - 10), y: bottom + 16, "text-anchor": "middle" }, cut(words, Math.max(3, room / LETTER))));
    }
    for (const { at, words } of this.y.ticks) {
      const y = this.py(at);
      made.append(s("line", { x1: left - 4, x2: left, y1: y, y2: y }), s("text", { x: left - 7, y: y + 4, "text-anchor": "end" }, cut(words, 12)));
    }
    made.append(s("rect", { class: "rim", x: left, y: top, width: right - left, height: bottom - top }));
    made.append(s("text", { class: "name", x: (left + right) / 2, y: bottom + 33, "text-anchor": "middle" }, this.x.name));
    made.append(s("text", { class: "name", x: 0, y: 0, "text-anchor": "middle", transform: `translate(11 ${(top + bottom) / 2}) rotate(-90)` }, this.y.name));
    return made;
  }

  /**
   * A line through packed points, in one path.
   * @param {Packed[]} lines
   */
  path(lines) {
    return lines.map((line) => this.pathOf(floats(line))).join("");
  }

  /** @param {ArrayLike<number>} points x and y in turn */
  pathOf(points) {
    let path = "";
    for (let i = 0; i + 1 < points.length; i += 2) path += `${i ? "L" : "M"}${this.px(points[i]).toFixed(1)} ${this.py(points[i + 1]).toFixed(1)}`;
    return path;
  }
}

/** @param {string} words @param {number} most */
function cut(words, most) {
  return words.length > most ? `${words.slice(0, Math.max(1, Math.floor(most) - 1))}…` : words;
}

/** The forms of points, so that a class is told by more than its color. */
const FORMS = ["circle", "square", "triangle", "diamond"];

/**
 * The path of a point's form.
 * @param {number} form
 * @param {number} x
 * @param {number} y
 * @param {number} r
 */
export function formPath(form, x, y, r) {
  const [a, b] = [x.toFixed(1), y.toFixed(1)];
  const name = FORMS[form % FORMS.length];
  if (name === "circle") return `M${(x - r).toFixed(1)} ${b}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
  if (name === "square") return `M${(x - 0.88 * r).toFixed(1)} ${(y - 0.88 * r).toFixed(1)}h${1.76 * r}v${1.76 * r}h${-1.76 * r}z`;
  if (name === "triangle") return `M${a} ${(y - 1.15 * r).toFixed(1)}l${1.1 * r} ${1.95 * r}h${-2.2 * r}z`;
  return `M${a} ${(y - 1.25 * r).toFixed(1)}l${1.25 * r} ${1.25 * r}l${-1.25 * r} ${1.25 * r}l${-1.25 * r} ${-1.25 * r}z`;
}
