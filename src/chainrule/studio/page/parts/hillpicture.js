// The picture of a mountain, from above as a map with lines of equal cost, or as a surface that turns; a start that can be moved.

import { floats } from "../arrays.js";
import { heatColors, paintHeat } from "../draw/heat.js";
import { cameraOf, drawHill, drawPath, pathSeen } from "../draw/hill.js";
import { nameAxes } from "../draw/hillnames.js";
import { PlotPlace } from "../draw/plot.js";
import { paletteOf, sized } from "../draw/scales.js";
import { h, s, setAll } from "../make.js";

/** @typedef {import("../types.js").HillAnswer} HillAnswer */
/** @typedef {{from: string, turn: number, tilt: number, names: [string, string]}} HillLook */

/** The color and the dash of each path, so that they are told apart without color, too. */
export const PATHS = /** @type {Record<string, {color: "bad" | "minus" | "ok", dash: number[], words: string}>} */ ({
  training: { color: "minus", dash: [], words: "the training's path" },
  sgd: { color: "minus", dash: [], words: "plain descent" },
  momentum: { color: "ok", dash: [7, 4], words: "with momentum" },
  adam: { color: "bad", dash: [2, 3.5], words: "Adam" },
});
const TURN = 5;
const KEYS = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] });

export class HillPicture {
  constructor() {
    this.canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { class: "hill", "aria-hidden": "true" }));
    this.heat = /** @type {HTMLCanvasElement} */ (h("canvas", { class: "heat", "aria-hidden": "true" }));
    this.axes = s("g");
    this.lines = s("g", { class: "level-lines" });
    this.paths = s("g", { class: "hill-paths" });
    this.mark = s("g", { class: "mark" });
    this.handle = s("circle", { class: "start", r: 8, hidden: true });
    this.svg = s("svg", { class: "upon", "aria-hidden": "true" }, this.lines, this.axes, this.paths, this.mark, this.handle);
    this.element = h("div", { class: "plane-box hill-box", role: "application", tabindex: 0, "aria-roledescription": "landscape" }, this.heat, this.svg, this.canvas);
    this.colors = heatColors();
    this.palette = paletteOf();
    /** @type {HillAnswer | null} */
    this.shown = null;
    /** @type {HillLook} */
    this.look = { from: "surface", turn: 35, tilt: 32, names: ["", ""] };
    /** @type {PlotPlace | null} */
    this.plot = null;
    /** @type {[number, number] | null} */
    this.place = null;
    /** @type {{x: number, y: number, what: "turn" | "start", moved: boolean} | null} */
    this.held = null;
    /** @type {(place: [number, number] | null) => void} */
    this.onpoint = () => {};
    /** @type {(x: number, y: number) => void} */
    this.onstart = () => {};
    /** @type {(turn: number, tilt: number) => void} */
    this.onturn = () => {};
    this.listen();
  }

  recolor() {
    this.colors = heatColors();
    this.palette = paletteOf();
  }

  /** @param {HillAnswer} shown @param {HillLook} look */
  show(shown, look) {
    const { width, height } = this.element.getBoundingClientRect();
    if (width < 80 || height < 80) return;
    this.shown = shown;
    this.look = look;
    const surface = look.from === "surface";
    this.canvas.hidden = !surface;
    this.heat.hidden = surface;
    this.svg.toggleAttribute("hidden", surface);
    this.element.classList.toggle("turns", surface);
    const start = shown.paths[0];
    this.element.setAttribute("aria-label", surface ? "The cost as a surface; arrow keys turn it" : shown.kind === "race" ? "The cost from above; arrow keys go from place to place, Enter puts the start there" : "The cost from above; arrow keys go from place to place");
    if (surface) this.surface(width, height);
    else this.map(width, height, shown.kind === "race" ? [start.x[0], start.y[0]] : null);
  }

  /** @param {number} width @param {number} height */
  surface(width, height) {
    const { shown, look, colors, palette } = this;
    if (!shown) return;
    const context = sized(this.canvas, width, height);
    const camera = cameraOf(shown, look, width, height);
    drawHill(context, shown, floats(shown.heights), floats(shown.shares), camera, colors, palette);
    nameAxes(context, shown, camera, palette, look.names, width);
    for (const path of shown.paths) drawPath(context, pathSeen(shown, path, camera), palette[PATHS[path.name].color], PATHS[path.name].dash, palette);
    if (shown.here.cost === null) return;
    const at = camera(shown.here.x, shown.here.y, shown.here.cost);
    context.beginPath();
    context.arc(at.x, at.y, 5, 0, 2 * Math.PI);
    context.fillStyle = palette.ink;
    context.fill();
  }

  /** @param {number} width @param {number} height @param {[number, number] | null} start */
  map(width, height, start) {
    const { shown, look } = this;
    if (!shown) return;
    this.plot = new PlotPlace({ ...shown.x, name: look.names[0] }, { ...shown.y, name: look.names[1] }, width, height);
    const { plot } = this;
    const { box } = plot;
    setAll(this.svg, { width, height, viewBox: `0 0 ${width} ${height}` });
    const { style } = this.heat;
    [style.left, style.top, style.width, style.height] = [`${box.left}px`, `${box.top}px`, `${box.right - box.left}px`, `${box.bottom - box.top}px`];
    paintHeat(this.heat, { kind: "number", values: floats(shown.shares), codes: floats(undefined), classes: 0, low: 0, high: 1, width: shown.x.side, height: shown.y.side }, this.colors);
    this.axes.replaceChildren(plot.axes());
    this.lines.replaceChildren(s("path", { class: "equal", d: plot.path(shown.lines.map((line) => line.points)) }), ...labelsOf(shown, plot));
    const within = /** @param {number} x @param {number} y */ (x, y) => x >= shown.x.low && x <= shown.x.high && y >= shown.y.low && y <= shown.y.high;
    this.paths.replaceChildren(
      ...shown.paths.flatMap((path) => {
        const ways = [];
        for (let k = 0; k < path.x.length; k += 1) if (within(path.x[k], path.y[k])) ways.push(path.x[k], path.y[k]);
        const { dash } = PATHS[path.name];
        const last = path.x.length - 1;
        const d = plot.pathOf(ways);
        return [
          s("path", { d, class: "under" }),
          s("path", { d, class: path.name, "stroke-dasharray": dash.join(" ") }),
          ...path.x.flatMap((x, k) => (within(x, path.y[k]) && (k === last || path.x.length < 60) ? [s("circle", { cx: plot.px(x), cy: plot.py(path.y[k]), r: k === last ? 4.4 : 1.8, class: path.name })] : [])),
        ];
      }),
      s("circle", { cx: plot.px(shown.here.x), cy: plot.py(shown.here.y), r: 4.5, class: "here" }),
    );
    this.handle.toggleAttribute("hidden", !start);
    if (start && this.held?.what !== "start") setAll(this.handle, { cx: plot.px(start[0]), cy: plot.py(start[1]) });
    this.cross();
  }

  cross() {
    const { plot, shown, place } = this;
    if (!plot || !shown || !place) return this.mark.replaceChildren();
    const [px, py] = [plot.px(along(shown.x, place[0])), plot.py(along(shown.y, place[1]))];
    const { left, right, top, bottom } = plot.box;
    this.mark.replaceChildren(s("path", { d: `M${px} ${top}V${bottom}M${left} ${py}H${right}` }), s("circle", { cx: px, cy: py, r: 3.5 }));
  }

  /** @param {[number, number] | null} place */
  move(place) {
    this.place = place;
    if (this.look.from === "map") this.cross();
    this.onpoint(place);
  }

  listen() {
    const { element } = this;
    element.addEventListener("pointerdown", (event) => {
      if (event.button || !this.shown) return;
      const [x, y] = this.offset(event);
      const near = this.look.from === "map" && this.shown.kind === "race" && (x - Number(this.handle.getAttribute("cx"))) ** 2 + (y - Number(this.handle.getAttribute("cy"))) ** 2 < 18 ** 2;
      if (this.look.from !== "surface" && !near) return;
      this.held = { x, y, what: near ? "start" : "turn", moved: false };
      element.setPointerCapture(event.pointerId);
      event.preventDefault();
      element.focus({ preventScroll: true });
    });
    element.addEventListener("pointermove", (event) => this.drag(event));
    element.addEventListener("pointerup", (event) => {
      const { held, plot } = this;
      this.held = null;
      if (held?.what === "start" && held.moved && plot) this.onstart(...plot.at(...this.offset(event)));
    });
    element.addEventListener("pointerleave", () => this.move(null));
    element.addEventListener("blur", () => this.move(null));
    element.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {MouseEvent} event @returns {[number, number]} */
  offset(event) {
    const { left, top } = this.element.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  /** @param {PointerEvent} event */
  drag(event) {
    const { held, plot, shown } = this;
    if (!shown) return;
    const [x, y] = this.offset(event);
    if (held?.what === "turn") {
      this.turn((held.x - x) * 0.4, (y - held.y) * 0.3);
      [held.x, held.y] = [x, y];
    } else if (this.look.from === "map" && plot) {
      const { left, right, top, bottom } = plot.box;
      const inside = x >= left && x <= right && y >= top && y <= bottom;
      if (held?.what === "start" && inside) {
        held.moved = true;
        setAll(this.handle, { cx: x, cy: y });
      }
      const [a, b] = plot.at(x, y);
      this.move(inside ? [near(shown.x, a), near(shown.y, b)] : null);
    }
  }

  /** @param {number} by @param {number} tilt in degrees */
  turn(by, tilt) {
    const { look } = this;
    this.onturn((((look.turn + by) % 360) + 360) % 360, Math.max(4, Math.min(88, look.tilt + tilt)));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { shown, look } = this;
    if (!shown || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = KEYS[event.key];
    const far = event.shiftKey ? 5 : 1;
    if (look.from === "surface" && step) this.turn(-TURN * far * step[0], TURN * far * step[1]);
    else if (look.from === "map" && step) {
      const [i, j] = this.place ?? [near(shown.x, shown.here.x), near(shown.y, shown.here.y)];
      const by = this.place ? far : 0;
      this.move([Math.max(0, Math.min(shown.x.side - 1, i + by * step[0])), Math.max(0, Math.min(shown.y.side - 1, j + by * step[1]))]);
    } else if (look.from === "map" && event.key === "Enter" && this.place && shown.kind === "race") this.onstart(along(shown.x, this.place[0]), along(shown.y, this.place[1]));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** @param {import("../types.js").PlaneSide} side @param {number} k */
export function along(side, k) {
  return side.low + (k / Math.max(1, side.side - 1)) * (side.high - side.low);
}

/** @param {import("../types.js").PlaneSide} side @param {number} value */
function near(side, value) {
  return Math.max(0, Math.min(side.side - 1, Math.round(((value - side.low) / (side.high - side.low || 1)) * (side.side - 1))));
}

/** The cost on some of the lines. @param {HillAnswer} shown @param {PlotPlace} plot */
function labelsOf(shown, plot) {
  /** @type {Set<string>} */
  const said = new Set();
  return shown.lines.flatMap(({ label, points }) => {
    const at = floats(points);
    if (said.has(label) || at.length < 24) return [];
    said.add(label);
    const i = 2 * Math.floor(at.length / 4);
    const [x, y] = [plot.px(at[i]), plot.py(at[i + 1])];
    return x > plot.box.left + 18 && x < plot.box.right - 18 ? [s("text", { x, y: y + 3.5, "text-anchor": "middle" }, label)] : [];
  });
}
