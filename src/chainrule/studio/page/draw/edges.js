// The connections on one canvas: width by size, color and dash by sign, the lit ones on top in the light.

import { shareOf } from "./scales.js";

/** @typedef {import("./scales.js").Palette} Palette */
/** @typedef {import("./place.js").Placed} Placed */
/** @typedef {[number, number, string]} Edge */
/** @typedef {import("../arrays.js").Floats} Floats */
/** @typedef {{x: number, y: number, x2: number, y2: number, layer: number}} Stroke */

const THIN = 0.6;
const LEVELS = 20;

/**
 * The lines from neuron to neuron, from rim to rim.
 * @param {Placed} at
 * @param {Edge[]} edges
 * @param {number[]} layers of the neurons
 * @returns {Stroke[]}
 */
export function strokesOf(at, edges, layers) {
  return edges.map(([from, to]) => ({ x: at.x[from] + at.r[from], y: at.y[from], x2: at.x[to] - at.r[to], y2: at.y[to], layer: layers[to] }));
}

/**
 * The short lines of the biases into their neurons, from below.
 * @param {Placed} at
 * @param {number[]} places of the neurons that have one
 * @param {number[]} layers
 * @returns {Stroke[]}
 */
export function biasStrokes(at, places, layers) {
  return places.map((i) => {
    const reach = Math.max(6, at.r[i] * 1.05);
    return { x: at.x[i] - reach, y: at.y[i] + reach * 1.2, x2: at.x[i] - 0.6 * at.r[i], y2: at.y[i] + 0.8 * at.r[i], layer: layers[i] };
  });
}

/**
 * Draw lines by their numbers. Each layer has a scale of its own, unless they share one.
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke[]} strokes
 * @param {Floats} values
 * @param {Palette} palette
 * @param {{widest: number, lit: Set<number>, near: Set<number>, dimmed: boolean}} how which are lit, and which stay as they are where the rest is dimmed
 */
export function drawEdges(context, strokes, values, palette, { widest, lit, near, dimmed }) {
  const most = scalesOf(strokes, values);
  // Among many the weak ones step back.
  const [faint, more] = strokes.length > 120 ? [0.1, 0.82] : [0.34, 0.6];
  /** @param {number} i */
  const shareAt = (i) => (i < values.length && !Number.isNaN(values[i]) ? shareOf(values[i], most[strokes[i].layer]) : NaN);
  // Lines of one kind and nearly one width are one path: a drawing of 1,500 lines is 60 strokes.
  /** @type {Map<string, {share: number, sign: number, dim: boolean, list: number[]}>} */
  const kinds = new Map();
  strokes.forEach((_, i) => {
    if (lit.has(i)) return;
    const share = Math.round(shareAt(i) * LEVELS) / LEVELS;
    const sign = Number.isNaN(share) ? NaN : Math.sign(values[i]);
    const dim = dimmed && !near.has(i);
    const kind = kinds.get(`${share} ${sign} ${dim}`);
    if (kind) kind.list.push(i);
    else kinds.set(`${share} ${sign} ${dim}`, { share, sign, dim, list: [i] });
  });
  for (const { share, sign, dim, list } of [...kinds.values()].sort((a, b) => (a.share || 0) - (b.share || 0))) {
    const known = !Number.isNaN(share);
    context.globalAlpha = (known ? faint + more * share : 0.3) * (dim ? 0.45 : 1);
    trace(context, list.map((i) => strokes[i]), known ? share : 0, sign, widest, palette);
  }
  context.globalAlpha = 1;
  for (const i of lit) {
    const share = shareAt(i);
    const known = !Number.isNaN(share);
    context.setLineDash([]);
    context.lineCap = "round";
    context.lineWidth = THIN + (widest - THIN) * (known ? share : 0) + (lit.size > 8 ? 3 : 7);
    context.strokeStyle = palette.lit;
    line(context, [strokes[i]]);
    context.lineCap = "butt";
    trace(context, [strokes[i]], known ? share : 0, known ? Math.sign(values[i]) : NaN, widest, palette);
  }
  context.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke[]} list
 * @param {number} share of the largest
 * @param {number} sign NaN where the number isn't known
 * @param {number} widest
 * @param {Palette} palette
 */
function trace(context, list, share, sign, widest, palette) {
  const width = THIN + (widest - THIN) * share;
  context.lineWidth = width;
  context.strokeStyle = sign > 0 ? palette.plus : sign < 0 ? palette.minus : palette.quiet;
  context.setLineDash(sign < 0 ? [Math.max(3, 2 * width), Math.max(2.5, 1.3 * width)] : Number.isNaN(sign) ? [1, 3] : []);
  line(context, list);
}

/** @param {CanvasRenderingContext2D} context @param {Stroke[]} list */
function line(context, list) {
  context.beginPath();
  for (const { x, y, x2, y2 } of list) {
    context.moveTo(x, y);
    context.lineTo(x2, y2);
  }
  context.stroke();
}

/**
 * The largest size among each layer's numbers.
 * @param {Stroke[]} strokes
 * @param {Floats} values
 * @returns {Record<number, number>}
 */
export function scalesOf(strokes, values) {
  /** @type {Record<number, number>} */
  const found = {};
  strokes.forEach(({ layer }, i) => {
    const size = Math.abs(values[i]);
    found[layer] = size > (found[layer] ?? 0) && size < Infinity ? size : (found[layer] ?? 0);
  });
  for (const layer in found) found[layer] ||= 1;
  return found;
}

/**
 * Dots that run along lines; each is somewhere between its beginning and its end.
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke[]} strokes
 * @param {number} share
 * @param {boolean} back
 * @param {Palette} palette
 */
export function drawTravel(context, strokes, share, back, palette) {
  if (share <= 0 || share >= 1) return;
  const at = back ? 1 - share : share;
  for (const { x, y, x2, y2 } of strokes) {
    context.beginPath();
    context.arc(x + (x2 - x) * at, y + (y2 - y) * at, 4.5, 0, 7);
    context.fillStyle = palette.lit;
    context.fill();
    context.lineWidth = 1.4;
    context.strokeStyle = palette.ink;
    context.stroke();
  }
}

/**
 * Where a number stands on its line: near the beginning, where lines that cross are still apart.
 * @param {Stroke} stroke
 */
export function numberPlace({ x, y, x2, y2 }) {
  return { x: x + (x2 - x) * 0.27, y: y + (y2 - y) * 0.27 };
}
