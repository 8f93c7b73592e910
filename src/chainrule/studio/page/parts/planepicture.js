// The picture of a plane: the heat map on a canvas, axes, lines and points in SVG above it, a cross that keys and pointer move.

import { floats } from "../arrays.js";
import { paintHeat, rampColor, scaleEnds } from "../draw/heat.js";
import { PlotPlace, formPath } from "../draw/plot.js";
import { h, s, setAll } from "../make.js";
import { PlaneHand } from "./planehand.js";

/** @typedef {import("../types.js").PlaneAnswer} PlaneAnswer */
/** @typedef {import("../types.js").PlanePoints} PlanePoints */
/** @typedef {import("../draw/heat.js").HeatColors} HeatColors */

export class PlanePicture {
  /** @param {string} label */
  constructor(label) {
    this.canvas = h("canvas", { class: "heat", "aria-hidden": "true" });
    this.axes = s("g");
    this.lines = s("g", { class: "level-lines" });
    this.points = s("g", { class: "points" });
    this.levels = s("g", { class: "level-lines" });
    this.mark = s("g", { class: "mark" });
    // What moves with each picture apart from what stays, so that the points aren't drawn again each time.
    this.moving = s("svg", { class: "upon", "aria-hidden": "true" }, this.lines);
    this.svg = s("svg", { class: "upon still", "aria-hidden": "true" }, this.points, this.axes, this.mark);
    this.over = s("svg", { class: "upon", "aria-hidden": "true" }, this.levels);
    this.element = h("div", { class: "plane-box", role: "application", tabindex: 0, "aria-label": label, "aria-roledescription": "heat map" }, this.canvas, this.moving, this.svg, this.over);
    /** @type {PlotPlace | null} */
    this.plot = null;
    /** @type {PlaneAnswer | null} */
    this.shown = null;
    /** @type {PlanePoints | null} */
    this.rows = null;
    this.picked = -1;
    /** @type {[number, number] | null} */
    this.place = null;
    /** @type {(place: [number, number] | null, near: number | null) => void} */
    this.onpoint = () => {};
    /** @type {(row: number) => void} */
    this.onpick = () => {};
    /** @type {(row: number, x: number, y: number, done: boolean) => void} */
    this.ondrag = () => {};
    /** @type {(x: number, y: number) => void} */
    this.onadd = () => {};
    this.adds = false;
    this.drags = true;
    new PlaneHand(this);
  }

  /**
   * @param {PlaneAnswer} shown
   * @param {PlanePoints | null} rows
   * @param {HeatColors} colors
   * @param {number | null} row the one that is looked at
   * @param {boolean} anew also axes and points
   */
  show(shown, rows, colors, row, anew) {
    const { width, height } = this.element.getBoundingClientRect();
    if (width < 80 || height < 80) return;
    this.shown = shown;
    this.rows = rows;
    const { x, y } = shown;
    if (anew || !this.plot || this.plot.width !== width || this.plot.height !== height) {
      this.plot = new PlotPlace(x, y, width, height);
      const { box } = this.plot;
      for (const svg of [this.svg, this.moving, this.over]) setAll(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
      const { style } = /** @type {HTMLCanvasElement} */ (this.canvas);
      [style.left, style.top, style.width, style.height] = [`${box.left}px`, `${box.top}px`, `${box.right - box.left}px`, `${box.bottom - box.top}px`];
      this.axes.replaceChildren(this.plot.axes());
      this.points.replaceChildren(...(rows ? this.marks(rows, shown, colors) : []));
    }
    const map = { kind: shown.kind, values: floats(shown.values), codes: shown.codes ? floats(shown.codes) : floats(undefined), classes: shown.classes.length, low: shown.low ?? 0, high: shown.high ?? 0, width: x.side, height: y.side };
    this.canvas.classList.toggle("cells", x.kind === "words" || y.kind === "words");
    paintHeat(/** @type {HTMLCanvasElement} */ (this.canvas), map, colors);
    this.level(shown);
    this.ring(row);
    this.cross();
  }

  /** The lines that part classes, and those of equal height with their numbers. @param {PlaneAnswer} shown */
  level(shown) {
    const { plot } = this;
    if (!plot) return;
    const parts = shown.kind === "share" || shown.kind === "classes";
    this.lines.replaceChildren(s("path", { class: parts ? "parting" : "equal", d: plot.path(shown.lines.map((line) => line.points)) }));
    this.levels.replaceChildren();
    if (parts) return;
    /** @type {Set<string>} */
    const said = new Set();
    for (const { label, points } of shown.lines) {
      const at = floats(points);
      if (!label || said.has(label) || at.length < 24) continue;
      said.add(label);
      const i = 2 * Math.floor(at.length / 4);
      const [px, py] = [plot.px(at[i]), plot.py(at[i + 1])];
      if (px > plot.box.left + 16 && px < plot.box.right - 16) this.levels.append(s("text", { x: px, y: py + 3.5, "text-anchor": "middle" }, label));
    }
  }

  /**
   * The rows: filled where they are trained on, hollow where they are watched; classes by color and form.
   * @param {PlanePoints} rows
   * @param {PlaneAnswer} shown
   * @param {HeatColors} colors
   */
  marks(rows, shown, colors) {
    const { plot } = this;
    if (!plot) return [];
    const r = rows.rows.length > 250 ? 2.7 : 3.3;
    const classes = rows.classes.length;
    const [low, high] = scaleEnds("number", shown.low ?? 0, shown.high ?? 1);
    return rows.rows.map((_, i) => {
      const truth = rows.truth[i];
      const kind = classes && truth !== null ? (classes === 2 ? `two${truth}` : `c${(truth % 6) + 1}`) : "plain";
      const mark = s("path", { class: `${rows.training[i] ? "train" : "watch"} ${kind}`, d: formPath(classes && truth !== null ? truth : 0, plot.px(this.spread(rows, "x", i)), plot.py(this.spread(rows, "y", i)), r) });
      if (!classes && truth !== null && shown.kind === "number") mark.style.fill = `rgb(${rampColor(colors.sequential, (truth - low) / (high - low || 1)).join(" ")})`;
      return mark;
    });
  }

  /**
   * Where a point stands on an axis; among words beside the middle of its cell, so that not all lie on each other.
   * @param {PlanePoints} rows
   * @param {"x" | "y"} axis
   * @param {number} i
   */
  spread(rows, axis, i) {
    const value = rows[axis][i];
    if (this.shown?.[axis].kind !== "words") return value;
    return value + 0.7 * (((i * 0.6180339887) % 1) - 0.5);
  }

  /** A ring around the row that is looked at. @param {number | null} row */
  ring(row) {
    const { plot, rows } = this;
    const i = row === null || !rows ? -1 : rows.rows.indexOf(row);
    this.picked = i;
    if (!plot || !rows || i < 0) this.points.querySelector(".picked")?.remove();
    else {
      const made = this.points.querySelector(".picked") ?? this.points.appendChild(s("circle", { class: "picked", r: 8 }));
      setAll(made, { cx: plot.px(this.spread(rows, "x", i)), cy: plot.py(this.spread(rows, "y", i)) });
    }
  }

  cross() {
    const { plot, shown, place } = this;
    if (!plot || !shown || !place) return this.mark.replaceChildren();
    const [x, y] = this.numbersAt(place);
    const [px, py] = [plot.px(x), plot.py(y)];
    const { left, right, top, bottom } = plot.box;
    this.mark.replaceChildren(s("path", { d: `M${px} ${top}V${bottom}M${left} ${py}H${right}` }), s("circle", { cx: px, cy: py, r: 3.5 }));
  }

  /** The numbers in a cell's middle. @param {[number, number]} place @returns {[number, number]} */
  numbersAt([i, j]) {
    const { x, y } = /** @type {PlaneAnswer} */ (this.shown);
    /** @param {import("../types.js").PlaneSide} side @param {number} k */
    const one = (side, k) => (side.kind === "words" ? k : side.low + (k / Math.max(1, side.side - 1)) * (side.high - side.low));
    return [one(x, i), one(y, j)];
  }
}
