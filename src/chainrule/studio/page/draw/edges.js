// The connections on one canvas: width by size, color and dash by sign, the lit ones on top in the light.

import { largest, shareOf } from "./scales.js";

/** @typedef {import("./scales.js").Palette} Palette */
/** @typedef {import("./place.js").Placed} Placed */
/** @typedef {[number, number, string]} Edge */
/** @typedef {import("../arrays.js").Floats} Floats */
/** @typedef {{x: number, y: number, x2: number, y2: number, layer: number}} Stroke */

const THIN = 0.6;

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
 * @param {{widest: number, lit: Set<number>, dimmed: boolean}} how
 */
export function drawEdges(context, strokes, values, palette, { widest, lit, dimmed }) {
  const most = scalesOf(strokes, values);
  // Among many the weak ones step back.
  const [faint, more] = strokes.length > 120 ? [0.1, 0.82] : [0.34, 0.6];
  const order = Array.from(strokes.keys()).sort((a, b) => shareOf(values[a] || 0, most[strokes[a].layer]) - shareOf(values[b] || 0, most[strokes[b].layer]));
  for (const pass of lit.size ? [false, true] : [false]) {
    for (const i of order) {
      if (lit.has(i) !== pass) continue;
      const { x, y, x2, y2, layer } = strokes[i];
      const value = values[i];
      const known = !Number.isNaN(value) && i < values.length;
      const share = known ? shareOf(value, most[layer]) : 0;
      const width = THIN + (widest - THIN) * share;
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(x2, y2);
      if (pass) {
        context.globalAlpha = 1;
        context.setLineDash([]);
        context.lineWidth = width + 7;
        context.strokeStyle = palette.lit;
        context.lineCap = "round";
        context.stroke();
        context.lineCap = "butt";
      }
      context.lineWidth = width;
      context.globalAlpha = pass ? 1 : (known ? faint + more * share : 0.3) * (dimmed ? 0.45 : 1);
      context.strokeStyle = known && value !== 0 ? (value < 0 ? palette.minus : palette.plus) : palette.quiet;
      context.setLineDash(known && value < 0 ? [Math.max(3, 2 * width), Math.max(2.5, 1.3 * width)] : known ? [] : [1, 3]);
      context.stroke();
    }
  }
  context.globalAlpha = 1;
  context.setLineDash([]);
}

/**
 * The largest size among each layer's numbers.
 * @param {Stroke[]} strokes
 * @param {Floats} values
 * @returns {Record<number, number>}
 */
export function scalesOf(strokes, values) {
  /** @type {Record<number, number[]>} */
  const found = {};
  strokes.forEach(({ layer }, i) => (found[layer] ??= []).push(values[i]));
  return Object.fromEntries(Object.entries(found).map(([layer, list]) => [layer, largest(list)]));
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
