// Curves by epoch: each point exact on focus or under the pointer, and a table beside the picture.

import { brief, exact } from "../arrays.js";
import { h, s, say, setAll } from "../make.js";
import { isTime, steers } from "../part.js";
import { ticksOf } from "../draw/scales.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */
/** @typedef {import("../store.js").Curves} Curves */
/** @typedef {{name: string, style: string, values: (number | null)[]}} Line */

/** What there is to see, and the lines of each. */
const KINDS = {
  loss: { words: "loss", lines: /** @param {Curves} c */ (c) => [{ name: "training", style: "one", values: c.training }, { name: "validation", style: "two", values: c.validation }] },
  gradient: { words: "gradient", lines: /** @param {Curves} c */ (c) => [{ name: "gradient", style: "one", values: c.gradient }] },
  rate: { words: "rate", lines: /** @param {Curves} c */ (c) => [{ name: "rate", style: "one", values: c.rate }] },
};
const BOX = { left: 58, right: 16, top: 12, bottom: 26 };

/**
 * @param {HTMLElement} element
 * @param {Studio} studio
 * @returns {Draw}
 */
export function buildCurves(element, { store, api }) {
  /** @type {keyof typeof KINDS} */
  let kind = "loss";
  let point = -1;
  let late = false;
  const clock = { last: 0 };
  let [width, height] = [0, 0];
  const kinds = h("div", { class: "segments", role: "group", "aria-label": "Which curve" });
  for (const [name, { words }] of Object.entries(KINDS)) {
    kinds.append(h("button", { type: "button", "aria-pressed": String(name === kind), "data-kind": name, onclick: () => {
      kind = /** @type {keyof typeof KINDS} */ (name);
      for (const each of kinds.children) each.setAttribute("aria-pressed", String(each.getAttribute("data-kind") === kind));
      draw();
    } }, words));
  }
  const read = h("output", { class: "read" });
  const axes = s("g", { class: "axes" });
  const paths = s("g", { class: "paths" });
  const mark = s("g", { class: "mark" });
  const svg = s("svg", { class: "chart", "aria-hidden": "true" }, axes, paths, mark);
  const frame = h("div", { class: "chart-box", role: "slider", tabindex: 0, "aria-label": "A point of the curve, by epoch; Enter goes there", title: "Choose a point to go to that epoch", "aria-valuemin": 0, "aria-valuemax": 0, "aria-valuenow": 0 }, svg);
  const none = h("p", { class: "quiet" }, "The curve begins with the first epochs: press Play.");
  const table = h("div", { class: "twin-box" });
  const twin = /** @type {HTMLDetailsElement} */ (h("details", { class: "as-table" }, h("summary", {}, "As a table"), table));
  const legend = h("span", { class: "key" });
  element.append(h("div", { class: "tools" }, kinds), none, h("div", { class: "chart-place" }, frame, read, legend), twin);

  const lines = () => KINDS[kind].lines(store.state.curves).filter((line) => line.values.some((value) => value !== null));

  const draw = () => {
    const { curves } = store.state;
    const shown = lines();
    const values = shown.flatMap((line) => line.values.filter((value) => value !== null && Number.isFinite(value))).map(Number);
    const enough = curves.epochs.length > 1;
    none.hidden = enough;
    frame.hidden = twin.hidden = legend.hidden = !enough || !values.length;
    if (!enough || !values.length || width < 60) return;
    setAll(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
    const ends = [curves.epochs[0], curves.epochs[curves.epochs.length - 1]];
    const low = Math.min(...values, kind === "loss" ? Infinity : 0);
    const high = Math.max(...values);
    const pad = (high - low || Math.abs(high) || 1) * 0.06;
    const [y0, y1] = [low >= 0 ? Math.max(0, low - pad) : low - pad, high + pad];
    const x = scale(ends[0], Math.max(ends[1], ends[0] + 1), BOX.left, width - BOX.right);
    const y = scale(y0, y1, height - BOX.bottom, BOX.top);
    axes.replaceChildren(
      ...ticksOf(y0, y1, height / 46).flatMap((at) => [s("line", { x1: BOX.left, x2: width - BOX.right, y1: y(at), y2: y(at) }), s("text", { x: BOX.left - 8, y: y(at) + 4, "text-anchor": "end" }, brief(at, 3))]),
      ...ticksOf(ends[0], Math.max(ends[1], ends[0] + 1), width / 90).filter(Number.isInteger).map((at) => s("text", { x: x(at), y: height - 8, "text-anchor": "middle" }, String(at))),
    );
    paths.replaceChildren(...shown.map((line) => s("path", { class: line.style, d: pathOf(curves.epochs, line.values, x, y) })));
    legend.replaceChildren(...(shown.length > 1 ? shown.map((line) => h("span", { class: `key-${line.style}` }, line.name)) : []));
    setAll(frame, { "aria-valuemin": ends[0], "aria-valuemax": ends[1] });
    show(x, y);
    if (twin.open) fill();
  };

  /**
   * @param {(value: number) => number} x
   * @param {(value: number) => number} y
   */
  const show = (x, y) => {
    const { curves, frame: now } = store.state;
    const last = curves.epochs.length - 1;
    const i = point >= 0 ? Math.min(point, last) : -1;
    const at = i >= 0 ? curves.epochs[i] : (now?.epoch ?? 0);
    const shown = lines();
    const dots = shown.flatMap((line) => {
      const value = i >= 0 ? line.values[i] : null;
      return value === null ? [] : [s("circle", { cx: x(at), cy: y(value), r: 4.5, class: line.style })];
    });
    mark.replaceChildren(s("line", { x1: x(at), x2: x(at), y1: BOX.top, y2: height - BOX.bottom, class: i >= 0 ? "held" : "here" }), ...dots);
    const words = i >= 0 ? `epoch ${at}: ${shown.map((line) => `${line.name} ${exact(line.values[i])}`).join(", ")}` : "";
    say(read, words);
    setAll(frame, { "aria-valuenow": at, "aria-valuetext": words || `epoch ${at}` });
  };

  const fill = () => {
    const { curves } = store.state;
    const shown = lines();
    const every = Math.max(1, Math.ceil(curves.epochs.length / 400));
    const rows = curves.epochs.flatMap((epoch, i) => (i % every && i !== curves.epochs.length - 1 ? [] : [h("tr", {}, h("th", { scope: "row" }, String(epoch)), ...shown.map((line) => h("td", {}, exact(line.values[i]))))]));
    const head = h("tr", {}, h("th", { scope: "col" }, "epoch"), ...shown.map((line) => h("th", { scope: "col" }, line.name)));
    table.replaceChildren(h("table", { class: "twin" }, h("thead", {}, head), h("tbody", {}, ...rows)), ...(shown.some((line) => line.name === "training") ? [h("p", { class: "quiet" }, "Training: the mean over the epoch's updates, each before its step; validation: after all of them.")] : []));
  };

  /** @param {PointerEvent} event */
  const near = (event) => {
    const { epochs } = store.state.curves;
    if (!epochs.length) return;
    const epoch = epochs[0] + ((event.offsetX - BOX.left) / Math.max(1, width - BOX.left - BOX.right)) * (epochs[epochs.length - 1] - epochs[0]);
    point = epochs.reduce((best, each, i) => (Math.abs(each - epoch) < Math.abs(epochs[best] - epoch) ? i : best), 0);
    draw();
  };
  frame.addEventListener("pointermove", near);
  const visit = () => {
    const { curves, hello } = store.state;
    if (hello && point >= 0 && steers(store.state)) api.send({ do: "seek", t: curves.epochs[point] * hello.steps_per_epoch, place: null });
  };
  frame.addEventListener("click", visit);
  frame.addEventListener("pointerleave", () => {
    if (document.activeElement !== frame) point = -1;
    draw();
  });
  frame.addEventListener("blur", () => {
    point = -1;
    draw();
  });
  frame.addEventListener("keydown", (event) => {
    const last = store.state.curves.epochs.length - 1;
    if (event.key === "Enter") visit();
    const at = point < 0 ? last : point;
    const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: last, PageUp: at + 10, PageDown: at - 10 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    point = Math.max(0, Math.min(last, to));
    draw();
  });
  twin.addEventListener("toggle", () => (twin.open ? fill() : table.replaceChildren()));
  new ResizeObserver(([entry]) => {
    [width, height] = [entry.contentRect.width, Math.max(120, entry.contentRect.height)];
    draw();
  }).observe(frame);
  return (changed, state) => {
    if (state.view.tab !== "curves") return;
    late ||= changed.has("curves");
    if (late && isTime(clock, state)) {
      late = false;
      draw();
    } else if (changed.has("hello") || changed.has("view.tab") || (changed.has("frame") && !state.frame?.playing)) draw();
  };
}

/**
 * @param {number} low
 * @param {number} high
 * @param {number} from
 * @param {number} to
 */
function scale(low, high, from, to) {
  return /** @param {number} value */ (value) => from + ((value - low) / (high - low || 1)) * (to - from);
}

/**
 * @param {number[]} epochs
 * @param {(number | null)[]} values
 * @param {(value: number) => number} x
 * @param {(value: number) => number} y
 */
function pathOf(epochs, values, x, y) {
  let path = "";
  let pen = "M";
  values.forEach((value, i) => {
    if (value === null || !Number.isFinite(value)) pen = "M";
    else {
      path += `${pen}${x(epochs[i]).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    }
  });
  return path;
}
