// The line of time: how far training has come, where one looks, and the cost on the way; it can be dragged.

import { brief } from "../arrays.js";
import { h, s, say, setAll } from "../make.js";
import { isTime, steers } from "../part.js";
import { ticksOf } from "../draw/scales.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */
/** @typedef {import("../store.js").State} State */

const HIGH = 46;
const FLOOR = 28;

/**
 * @param {HTMLElement} element
 * @param {Studio} studio
 * @returns {Draw}
 */
export function buildTimeline(element, { store, api }) {
  const done = s("rect", { class: "done", x: 0, y: FLOOR, height: 4, rx: 2 });
  const track = s("rect", { class: "track", x: 0, y: FLOOR, height: 4, rx: 2 });
  const cost = s("path", { class: "cost" });
  const ticks = s("g", { class: "ticks" });
  const handle = s("g", { class: "handle" }, s("line", { y1: 2, y2: FLOOR + 8 }), s("circle", { cy: FLOOR + 2, r: 7 }));
  const svg = s("svg", { class: "time", height: HIGH, "aria-hidden": "true" }, cost, track, done, ticks, handle);
  const where = h("output", { class: "clock" });
  const slider = h("div", { class: "slider", role: "slider", tabindex: 0, "aria-label": "Update", "aria-valuemin": 0 }, svg);
  element.append(slider, where);
  let width = 0;

  const span = () => {
    const { hello, frame } = store.state;
    if (!hello || !frame) return 1;
    const all = frame.updates ?? (hello.epochs ?? 0) * hello.steps_per_epoch;
    return Math.max(1, all, frame.frontier);
  };
  /** @param {number} t */
  const place = (t) => 8 + (t / span()) * Math.max(1, width - 16);

  const scale = () => {
    const { hello } = store.state;
    if (!hello || width < 20) return;
    setAll(svg, { width, viewBox: `0 0 ${width} ${HIGH}` });
    setAll(track, { x: 8, width: Math.max(1, width - 16) });
    const each = hello.steps_per_epoch;
    const epochs = span() / each;
    const found = epochs >= 1.5 ? ticksOf(0, epochs, width / 90).filter(Number.isInteger) : [0];
    ticks.replaceChildren(
      ...found.flatMap((epoch, k) => [
        s("line", { x1: place(epoch * each), x2: place(epoch * each), y1: FLOOR + 5, y2: FLOOR + 8 }),
        s("text", { x: place(epoch * each), y: HIGH - 1, "text-anchor": k ? "middle" : "start" }, k ? String(epoch) : "epoch 0"),
      ]),
    );
  };
  const curve = () => {
    const { curves, hello } = store.state;
    if (!hello) return;
    const known = curves.training.flatMap((value, i) => (value !== null && Number.isFinite(value) ? [{ t: curves.epochs[i] * hello.steps_per_epoch, value }] : []));
    const values = known.map((one) => one.value);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const skip = Math.max(1, Math.floor(known.length / 400));
    const points = known.filter((_, i) => i % skip === 0 || i === known.length - 1);
    const line = points.map(({ t, value }) => `${place(t).toFixed(1)} ${(4 + (FLOOR - 7) * (high > low ? 1 - (value - low) / (high - low) : 0.5)).toFixed(1)}`);
    setAll(cost, { d: line.length > 1 ? `M${line.join("L")}` : "" });
  };
  const move = () => {
    const { hello, frame } = store.state;
    if (!hello || !frame || width < 20) return;
    setAll(done, { x: 8, width: Math.max(0, place(frame.frontier) - 8) });
    const inside = frame.place.of > 0 && frame.place.pass !== "rest" ? frame.place.index / frame.place.of : 0;
    setAll(handle, { transform: `translate(${place(Math.min(span(), frame.t + inside)).toFixed(1)} 0)` });
    const total = frame.updates === null ? "" : ` of ${frame.updates.toLocaleString("en")}`;
    const told = `update ${frame.t.toLocaleString("en")}${total} · epoch ${frame.epoch.toLocaleString("en")}`;
    say(where, told);
    setAll(slider, { "aria-valuemax": span(), "aria-valuenow": frame.t, "aria-valuetext": `${told}, cost ${brief(frame.cost)}`, "aria-disabled": String(!steers(store.state)) });
  };

  new ResizeObserver(([entry]) => {
    if (Math.abs(entry.contentRect.width - width) < 1) return;
    width = entry.contentRect.width;
    scale();
    curve();
    move();
  }).observe(slider);

  /** @param {number} t */
  const seek = (t) => {
    if (steers(store.state)) api.send({ do: "seek", t: Math.round(Math.max(0, Math.min(span(), t))), place: null });
  };
  /** @param {PointerEvent} event */
  const drag = (event) => seek(((event.offsetX - 8) / Math.max(1, width - 16)) * span());
  slider.addEventListener("pointerdown", (event) => {
    slider.setPointerCapture(event.pointerId);
    slider.focus();
    drag(event);
  });
  slider.addEventListener("pointermove", (event) => {
    if (slider.hasPointerCapture(event.pointerId)) drag(event);
  });
  slider.addEventListener("keydown", (event) => {
    const { frame, hello } = store.state;
    if (!frame || !hello || event.ctrlKey || event.altKey || event.metaKey) return;
    const each = hello.steps_per_epoch;
    const to = { ArrowLeft: frame.t - 1, ArrowDown: frame.t - 1, ArrowRight: frame.t + 1, ArrowUp: frame.t + 1, PageDown: frame.t - each, PageUp: frame.t + each, Home: 0, End: frame.frontier }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    seek(to);
  });

  let last = 0;
  let late = false;
  const clock = { last: 0 };
  return (changed, state) => {
    const now = span();
    late ||= changed.has("curves");
    if (changed.has("hello") || now !== last) {
      last = now;
      scale();
      curve();
    } else if (late && isTime(clock, state)) {
      late = false;
      curve();
    }
    if (changed.has("frame") || changed.has("hello") || changed.has("client")) move();
  };
}
