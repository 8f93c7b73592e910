// What a hand does over a plane: points at places and rows, drags a row elsewhere, adds one, or goes with the keys.

import { formPath } from "../draw/plot.js";
import { setAll } from "../make.js";

/** @typedef {import("./planepicture.js").PlanePicture} PlanePicture */

const NEAR = 9;
/** How far a pointer goes, in pixels, before it drags. */
const DRAG = 4;
const KEYS = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1], PageUp: [0, 10], PageDown: [0, -10], Home: [-1e6, 0], End: [1e6, 0] });

export class PlaneHand {
  /** @param {PlanePicture} picture */
  constructor(picture) {
    this.picture = picture;
    /** @type {{i: number | null, x: number, y: number, moved: boolean} | null} */
    this.held = null;
    const { element } = picture;
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.over(event));
    element.addEventListener("pointerup", (event) => this.up(event));
    element.addEventListener("pointerleave", () => this.move(null, null));
    element.addEventListener("blur", () => this.move(null, null));
    element.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {PointerEvent} event */
  down(event) {
    const { picture } = this;
    if (event.button || !picture.plot) return;
    const [x, y] = this.offset(event);
    const i = this.nearest(x, y, NEAR);
    this.held = { i, x, y, moved: false };
    if (i !== null && picture.drags && event.pointerType !== "touch") picture.element.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  over(event) {
    const { picture, held } = this;
    const { plot, rows } = picture;
    if (!plot || !picture.shown) return;
    const [x, y] = this.offset(event);
    const { left, right, top, bottom } = plot.box;
    if (held && held.i !== null && picture.drags && rows && picture.element.hasPointerCapture(event.pointerId)) {
      held.moved ||= (x - held.x) ** 2 + (y - held.y) ** 2 > DRAG ** 2;
      if (!held.moved) return;
      document.body.classList.add("dragging");
      const [px, py] = [Math.max(left, Math.min(right, x)), Math.max(top, Math.min(bottom, y))];
      const truth = rows.classes.length ? (rows.truth[held.i] ?? 0) : 0;
      setAll(picture.points.children[held.i], { d: formPath(truth, px, py, 5) });
      picture.ondrag(rows.rows[held.i], ...plot.at(px, py), false);
      return;
    }
    const inside = x >= left && x <= right && y >= top && y <= bottom;
    this.move(inside ? this.cellAt(...plot.at(x, y)) : null, this.nearest(x, y, NEAR));
  }

  /** @param {PointerEvent} event */
  up(event) {
    const { picture, held } = this;
    const [x, y] = this.offset(event); // before anything moves
    this.held = null;
    document.body.classList.remove("dragging");
    const { plot, rows } = picture;
    if (!held || !plot) return;
    if (held.moved && held.i !== null && rows) picture.ondrag(rows.rows[held.i], ...plot.at(x, y), true);
    else if (picture.adds) picture.onadd(...plot.at(x, y));
    else this.pick(x, y, NEAR);
  }

  /** @param {MouseEvent} event @returns {[number, number]} */
  offset(event) {
    const { left, top } = this.picture.element.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  /** @param {number} x @param {number} y @returns {[number, number]} */
  cellAt(x, y) {
    const shown = /** @type {import("../types.js").PlaneAnswer} */ (this.picture.shown);
    /** @param {import("../types.js").PlaneSide} side @param {number} value */
    const one = (side, value) => Math.max(0, Math.min(side.side - 1, Math.round(side.kind === "words" ? value : ((value - side.low) / (side.high - side.low || 1)) * (side.side - 1))));
    return [one(shown.x, x), one(shown.y, y)];
  }

  /** @param {[number, number] | null} place @param {number | null} near */
  move(place, near) {
    this.picture.place = place;
    this.picture.cross();
    this.picture.onpoint(place, near);
  }

  /**
   * The point that is nearest to a pixel, within so many.
   * @param {number} x
   * @param {number} y
   * @param {number} within
   */
  nearest(x, y, within) {
    const { picture } = this;
    const { plot, rows } = picture;
    if (!plot || !rows) return null;
    let [best, least] = [-1, within * within];
    rows.rows.forEach((_, i) => {
      const [dx, dy] = [plot.px(picture.spread(rows, "x", i)) - x, plot.py(picture.spread(rows, "y", i)) - y];
      if (dx * dx + dy * dy <= least) [best, least] = [i, dx * dx + dy * dy];
    });
    return best < 0 ? null : best;
  }

  /** @param {number} x @param {number} y @param {number} within */
  pick(x, y, within) {
    const near = this.nearest(x, y, within);
    if (near !== null && this.picture.rows) this.picture.onpick(this.picture.rows.rows[near]);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { picture } = this;
    const { plot, shown, rows } = picture;
    if (!plot || !shown || event.ctrlKey || event.metaKey || event.altKey) return;
    const { x, y } = shown;
    const [i, j] = picture.place ?? [Math.floor(x.side / 2), Math.floor(y.side / 2)];
    const [px, py] = picture.numbersAt([i, j]);
    const step = KEYS[event.key];
    if (event.key === "Enter" && picture.adds) picture.onadd(px, py);
    else if (event.key === "Enter") this.pick(plot.px(px), plot.py(py), 1e6);
    else if (event.key.toLowerCase() === "m" && rows && picture.picked >= 0 && picture.drags) picture.ondrag(rows.rows[picture.picked], px, py, true);
    else if (step) {
      const far = picture.place ? (event.shiftKey ? 10 : 1) : 0;
      this.move([Math.max(0, Math.min(x.side - 1, i + far * step[0])), Math.max(0, Math.min(y.side - 1, j + far * step[1]))], null);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
