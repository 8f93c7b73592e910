// From numbers to widths, shades and places on an axis. The only arithmetic of the page, and none of it a network's.

import { PENS } from "./vector.js";

/** @typedef {import("../arrays.js").Floats} Floats */

export const STEPS = 21;

/**
 * The largest size among numbers, those that aren't known left out; 1 where there is none.
 * @param {Iterable<number>} numbers
 */
export function largest(numbers) {
  let found = 0;
  for (const number of numbers) {
    const size = Math.abs(number);
    if (size > found && size < Infinity) found = size;
  }
  return found || 1;
}

/**
 * The share of the largest, from 0 to 1; 1 for what is infinite.
 * @param {number} value
 * @param {number} most
 */
export function shareOf(value, most) {
  return Math.min(1, Math.abs(value) / most);
}

/**
 * Which of the colors of the diverging ramp shows a value between -most and most.
 * @param {number} value
 * @param {number} most
 */
export function stepOf(value, most) {
  const share = Math.min(1, Math.max(0, (value / most + 1) / 2));
  return Math.round(share * (STEPS - 1));
}

/** Whether text on a color of the ramp is written in the color for strong ones. @param {number} step */
export function isStrong(step) {
  return Math.abs(step - (STEPS - 1) / 2) >= 8;
}

/**
 * Round places for the marks of an axis, about so many.
 * @param {number} low
 * @param {number} high
 * @param {number} count
 */
export function ticksOf(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  if (!(rough > 0) || !Number.isFinite(rough)) return [low];
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * size).find((one) => one >= rough) ?? size;
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high + step * 1e-9; k += 1) found.push(Number((k * step).toPrecision(12)));
  return found;
}

/** @typedef {{plus: string, minus: string, quiet: string, line: string, ink: string, paper: string, lit: string, bad: string, ok: string, accent: string}} Palette */

/** The colors of the sheet that canvases draw with. @returns {Palette} */
export function paletteOf() {
  const style = getComputedStyle(document.body);
  const probe = document.createElement("i");
  document.body.append(probe);
  /** @param {string} name */
  const read = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color || style.color;
  };
  const names = /** @type {(keyof Palette)[]} */ (["plus", "minus", "quiet", "line", "ink", "paper", "lit", "bad", "ok", "accent"]);
  const found = /** @type {Palette} */ (Object.fromEntries(names.map((name) => [name, read(name)])));
  probe.remove();
  return found;
}

/**
 * A canvas made as large as its place, for sharp lines; returns its context, scaled to pixels of the page.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
export function sized(canvas, width, height) {
  const pen = PENS.get(canvas);
  if (pen) return /** @type {CanvasRenderingContext2D} */ (/** @type {unknown} */ (pen));
  const dense = Math.min(2, devicePixelRatio || 1);
  const [wide, high] = [Math.round(width * dense), Math.round(height * dense)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(dense, 0, 0, dense, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
