// The names of a surface's axes, along the edges in front of it.

import { reachOf } from "./hill.js";

/** @typedef {import("./scales.js").Palette} Palette */
/** @typedef {import("../types.js").HillAnswer} HillAnswer */
/** @typedef {import("./hill.js").Seen} Seen */
/** @typedef {import("./hill.js").Camera} Camera */

/**
 * The names and the ends of both axes, along the edges that are in front.
 * @param {CanvasRenderingContext2D} context
 * @param {HillAnswer} hill
 * @param {Camera} camera
 * @param {Palette} palette
 * @param {[string, string]} names
 * @param {number} width of the picture
 */
export function nameAxes(context, hill, camera, palette, names, width) {
  const { x, y } = hill;
  const [low] = reachOf(hill);
  context.fillStyle = palette.quiet;
  /** @type {[import("../types.js").PlaneSide, (along: number, across: number) => Seen, [number, number], string][]} */
  const axes = [
    [x, (along, across) => camera(along, across, low), [y.low, y.high], names[0]],
    [y, (along, across) => camera(across, along, low), [x.low, x.high], names[1]],
  ];
  for (const [side, seen, ends, name] of axes) {
    const middle = (side.low + side.high) / 2;
    const across = seen(middle, ends[0]).depth < seen(middle, ends[1]).depth ? ends[0] : ends[1];
    const [a, b] = [seen(side.low, across), seen(side.high, across)];
    const steep = Math.abs(b.y - a.y) > 2.2 * Math.abs(b.x - a.x);
    const at = seen(middle, across);
    const left = (a.y < b.y ? b.x - a.x : a.x - b.x) > 0;
    const out = steep ? 0 : left ? -1 : 1;
    write(context, name, at.x + 10 * out, at.y + 19, out, 12, width);
    for (const [where, end] of /** @type {[Seen, number][]} */ ([[a, side.low], [b, side.high]])) write(context, endWords(end), where.x + 7 * out, where.y + 14, out, 11, width);
  }
}

/**
 * Write to the left (-1) or the right (1) of a place, or around it, and within the picture.
 * @param {CanvasRenderingContext2D} context
 * @param {string} words
 * @param {number} x
 * @param {number} y
 * @param {number} out
 * @param {number} size
 * @param {number} width
 */
function write(context, words, x, y, out, size, width) {
  context.font = `${size}px sans-serif`;
  const long = context.measureText(words).width;
  const left = out < 0 ? x - long : out > 0 ? x : x - long / 2;
  context.fillText(words, Math.max(2, Math.min(width - long - 2, left)), y);
}

/** @param {number} value */
function endWords(value) {
  return String(Number(value.toPrecision(3))).replace("-", "−");
}
