// A pen that writes what is drawn on a canvas down as SVG: for pictures that are taken along.

import { s } from "../make.js";

/** The pens that stand in for a canvas while it is drawn again. @type {Map<HTMLCanvasElement, VectorPen>} */
export const PENS = new Map();

export class VectorPen {
  constructor() {
    this.group = s("g", {});
    this.path = "";
    this.dash = /** @type {number[]} */ ([]);
    this.lineWidth = 1;
    this.lineCap = "butt";
    this.lineJoin = "miter";
    this.strokeStyle = /** @type {any} */ ("currentColor");
    this.fillStyle = /** @type {any} */ ("currentColor");
    this.globalAlpha = 1;
    this.font = "";
    this.textAlign = "";
    this.textBaseline = "";
    this.imageSmoothingEnabled = true;
    /** Whether something was drawn that is no line and no surface; then the canvas is kept as an image. */
    this.beyond = false;
  }

  /** @param {string} piece */
  add(piece) {
    this.path += piece;
  }

  beginPath() {
    this.path = "";
  }

  /** @param {number} x @param {number} y */
  moveTo(x, y) {
    this.add(`M${round(x)} ${round(y)}`);
  }

  /** @param {number} x @param {number} y */
  lineTo(x, y) {
    this.add(`${this.path ? "L" : "M"}${round(x)} ${round(y)}`);
  }

  closePath() {
    this.add("Z");
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  rect(x, y, width, height) {
    this.add(`M${round(x)} ${round(y)}h${round(width)}v${round(height)}h${round(-width)}Z`);
  }

  /** A whole circle. @param {number} x @param {number} y @param {number} r */
  arc(x, y, r) {
    this.add(`M${round(x - r)} ${round(y)}a${round(r)} ${round(r)} 0 1 0 ${round(2 * r)} 0a${round(r)} ${round(r)} 0 1 0 ${round(-2 * r)} 0Z`);
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  fillRect(x, y, width, height) {
    const kept = this.path;
    this.path = "";
    this.rect(x, y, width, height);
    this.fill();
    this.path = kept;
  }

  /** @param {number[]} dash */
  setLineDash(dash) {
    this.dash = dash;
  }

  stroke() {
    this.draw({ fill: "none", stroke: this.strokeStyle, "stroke-width": round(this.lineWidth), "stroke-dasharray": this.dash.map(round).join(" ") || null, "stroke-linecap": this.lineCap === "butt" ? null : this.lineCap, "stroke-linejoin": this.lineJoin === "miter" ? null : this.lineJoin });
  }

  fill() {
    this.draw({ fill: this.fillStyle });
  }

  /** @param {Record<string, any>} how */
  draw(how) {
    if (typeof (how.fill ?? "") !== "string" || typeof (how.stroke ?? "") !== "string") this.beyond = true;
    if (this.path) this.group.append(s("path", { d: this.path, ...how, opacity: this.globalAlpha < 1 ? round(this.globalAlpha) : null }));
  }

  clearRect() {
    this.group.replaceChildren();
  }

  save() {}

  restore() {}

  setTransform() {}

  drawImage() {
    this.beyond = true;
  }

  /** What is drawn inside of a form only is kept as an image. */
  clip() {
    this.beyond = true;
  }

  /** @param {string} words @param {number} x @param {number} y */
  fillText(words, x, y) {
    const anchor = { center: "middle", right: "end" }[this.textAlign] ?? null;
    const [size, ...family] = this.font.split(" ");
    this.group.append(s("text", { x: round(x), y: round(y), fill: this.fillStyle, "font-size": size, "font-family": family.join(" "), "text-anchor": anchor }, words));
  }

  /** About how long words are. @param {string} words */
  measureText(words) {
    return { width: words.length * 0.55 * Number.parseFloat(this.font) };
  }

  createLinearGradient() {
    this.beyond = true;
    return { addColorStop() {} };
  }
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}
