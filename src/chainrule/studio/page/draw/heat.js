// Heat maps: numbers of a grid as colors, a pixel each, which the browser then makes larger.

import { h } from "../make.js";

/** @typedef {import("../arrays.js").Floats} Floats */
/** @typedef {[number, number, number]} Rgb */
/** @typedef {{diverging: Rgb[], sequential: Rgb[], series: Rgb[], paper: Rgb}} HeatColors */
/** @typedef {{kind: string, values: Floats, codes: Floats, classes: number, low: number, high: number, width: number, height: number}} HeatMap */

const RAMP = 21;
const SERIES = 6;
/** How much of a class's color there is where it is barely ahead, and where it is sure. */
const [FAINT, SURE] = [0.12, 0.6];
/** How strong a ramp is, so that points are seen on it. */
const STRENGTH = 0.82;

/** The colors of the sheet of plots: both ramps, the series, the paper. @returns {HeatColors} */
export function heatColors() {
  const inner = h("i");
  const probe = h("span", { class: "plot unseen" }, inner);
  document.body.append(probe);
  /** @param {string} name @returns {Rgb} */
  const read = (name) => {
    inner.className = name;
    const [r, g, b] = (getComputedStyle(inner).fill.match(/[\d.]+/g) ?? ["0", "0", "0"]).map(Number);
    return [r, g, b];
  };
  const made = {
    diverging: Array.from({ length: RAMP }, (_, i) => read(`d${i}`)),
    sequential: Array.from({ length: RAMP }, (_, i) => read(`s${i}`)),
    series: Array.from({ length: SERIES }, (_, i) => read(`f-${i + 1}`)),
    paper: read("f-paper"),
  };
  probe.remove();
  return made;
}

/**
 * The color of a share from 0 to 1 of a ramp.
 * @param {Rgb[]} ramp
 * @param {number} share
 * @returns {Rgb}
 */
export function rampColor(ramp, share) {
  const at = Math.max(0, Math.min(1, share)) * (ramp.length - 1);
  const i = Math.min(ramp.length - 2, Math.floor(at));
  return mixed(ramp[i], ramp[i + 1], at - i);
}

/**
 * @param {Rgb} from
 * @param {Rgb} to
 * @param {number} share
 * @returns {Rgb}
 */
function mixed(from, to, share) {
  return [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share, from[2] + (to[2] - from[2]) * share];
}

/**
 * The color of each pixel: of shares and neurons around a middle, of numbers from little to much, of classes the surest's own.
 * @param {HeatMap} map
 * @param {HeatColors} colors
 * @returns {(i: number) => Rgb}
 */
export function shadeOf(map, colors) {
  const { kind, values, codes, low, high } = map;
  const size = map.width * map.height;
  if (kind === "classes") {
    const chance = 1 / map.classes;
    const whole = values.length === size;
    return (i) => {
      const code = codes[i];
      const sure = (values[whole ? i : code * size + i] - chance) / (1 - chance);
      return mixed(colors.paper, colors.series[code % SERIES], FAINT + (SURE - FAINT) * Math.max(0, sure));
    };
  }
  const ramp = kind === "number" ? colors.sequential : colors.diverging;
  const [from, to] = scaleEnds(kind, low, high);
  return (i) => mixed(colors.paper, rampColor(ramp, (values[i] - from) / (to - from || 1)), STRENGTH);
}

/**
 * The ends of a map's scale of colors.
 * @param {string} kind
 * @param {number} low
 * @param {number} high
 * @returns {[number, number]}
 */
export function scaleEnds(kind, low, high) {
  if (kind === "share") return [0, 1];
  if (kind === "number") return [low, high];
  const most = Math.max(Math.abs(low), Math.abs(high)) || 1;
  return [-most, most];
}

/**
 * Paint a map, a pixel for each place, the lowest row at the bottom.
 * @param {HTMLCanvasElement} canvas
 * @param {HeatMap} map
 * @param {HeatColors} colors
 */
export function paintHeat(canvas, map, colors) {
  const { width, height } = map;
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = pen.createImageData(width, height);
  const shade = shadeOf(map, colors);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const i = row * width + column;
      const at = 4 * ((height - 1 - row) * width + column);
      const [r, g, b] = Number.isFinite(map.values[i]) ? shade(i) : colors.paper;
      image.data[at] = r;
      image.data[at + 1] = g;
      image.data[at + 2] = b;
      image.data[at + 3] = 255;
    }
  }
  pen.putImageData(image, 0, 0);
}

/**
 * Small pictures of neurons, in shares of -127 to 127, each a canvas of its own.
 * @param {Floats} shares
 * @param {number[]} shape (neurons, rows, columns)
 * @param {HeatColors} colors
 * @param {HTMLCanvasElement[]} kept from before, painted anew
 */
export function smallHeats(shares, [count, height, width], colors, kept) {
  const size = width * height;
  for (let k = 0; k < count; k += 1) {
    kept[k] ??= document.createElement("canvas");
    const values = shares.subarray(k * size, (k + 1) * size);
    paintHeat(kept[k], { kind: "neuron", values, codes: values, classes: 0, low: -127, high: 127, width, height }, colors);
  }
  kept.length = count;
  return kept;
}
