// Where the draw list's marks stand in a window of this size: places are scaled, letters and lines are not.

/** @typedef {import("../types.js").NetworkList} NetworkList */
/** @typedef {{width: number, height: number, radius: number, r: number[], pitch: number[], top: number, left: number, right: number, step: number, x: number[], y: number[], heads: number[], mapX: (x: number) => number, mapY: (one: {layer: number, y: number}) => number}} Placed */

const HEAD = 40;
const LEAST_ROW = 5.5;
const LEAST_NAMED = 15;
const MOST_ROW = 150;

/** @type {CanvasRenderingContext2D | null} */
let measure = null;

/**
 * The width of a text in pixels.
 * @param {string} text
 * @param {number} size
 */
export function widthOfText(text, size) {
  measure ??= document.createElement("canvas").getContext("2d");
  if (!measure) return text.length * size * 0.55;
  measure.font = `${size}px "Source Sans 3", "Source Sans Pro", "Segoe UI", -apple-system, "Helvetica Neue", "Liberation Sans", sans-serif`;
  return measure.measureText(text).width;
}

/**
 * A text cut to so many pixels, with dots in it where something is missing: names often differ at their ends.
 * @param {string} text
 * @param {number} size
 * @param {number} most
 */
export function cutText(text, size, most) {
  if (widthOfText(text, size) <= most) return text;
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (widthOfText(shortened(text, middle), size) <= most) low = middle;
    else high = middle - 1;
  }
  return shortened(text, low);
}

/**
 * So many letters of a text: its beginning, and its last word where that leaves room for both.
 * @param {string} text
 * @param {number} letters
 */
function shortened(text, letters) {
  const last = text.slice(text.lastIndexOf(" "));
  const tail = last.startsWith(" ") && last.length <= letters * 0.75 ? last : "";
  return `${text.slice(0, letters - tail.length)}…${tail}`;
}

/** The block that stands for a column, if one does. @param {NetworkList} network @param {{x: number}} head */
export function blockAt({ blocks }, head) {
  return blocks.find((one) => Math.abs(one.x + one.width / 2 - head.x) < 2) ?? null;
}

/**
 * @param {NetworkList} network
 * @param {number} width
 * @param {number} height
 * @returns {Placed}
 */
export function placed(network, width, height) {
  const { neurons, layers, more } = network;
  const [first, last] = [layers[0], layers[layers.length - 1]];
  const most = Math.min(190, width * (width < 520 ? 0.22 : 0.28));
  const xs = layers.map((layer) => layer.x);
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  const all = [...neurons, ...more];
  // Each column stands in the middle, its marks as far apart as there is room: neither touching nor straying.
  const room = Math.max(80, height - HEAD - 34);
  const columns = new Map(layers.filter((head) => !blockAt(network, head)).map((head) => [head.number, columnOf(all.filter((one) => one.layer === head.number).map((one) => one.y))]));
  const pitch = new Map([...columns].map(([number, { count }]) => {
    const named = number === first.number || number === last.number;
    return [number, Math.max(named ? LEAST_NAMED : LEAST_ROW, Math.min(MOST_ROW, room / Math.max(1, count)))];
  }));
  // Columns of nearly the same length look best alike.
  const least = Math.min(MOST_ROW, ...[...pitch.values()].filter((one) => one >= LEAST_NAMED));
  for (const [number, own] of pitch) if (own > least) pitch.set(number, Math.min(own, least * (columns.size > 1 && least < 60 ? 1.6 : 1)));
  const tall = Math.max(height, ...[...columns].map(([number, { count }]) => HEAD + count * (pitch.get(number) ?? 0) + 26));
  const largest = Math.min(25, (0.13 * width) / layers.length);
  /** @param {number} layer */
  const radiusOf = (layer) => Math.max(2.8, Math.min(largest, 0.36 * (pitch.get(layer) ?? MOST_ROW)));
  /** @param {import("../types.js").LayerHead} head */
  const aside = (head) => {
    if (blockAt(network, head)) return Math.min(80, width / (2.4 * layers.length));
    const words = all.filter((one) => one.layer === head.number).map((one) => ("words" in one ? one.words : one.name));
    return Math.max(26, Math.min(most, Math.max(0, ...words.map((word) => widthOfText(word, 13) + 14)))) + radiusOf(head.number) + 8;
  };
  const [left, right] = [aside(first), aside(last)];
  const middle = HEAD + (tall - HEAD - 8) / 2;
  /** @param {number} x */
  const mapX = (x) => (x1 > x0 ? left + ((x - x0) / (x1 - x0)) * (width - left - right) : width / 2);
  /** @param {{layer: number, y: number}} one */
  const mapY = ({ layer, y }) => {
    const column = columns.get(layer);
    return column ? middle + ((y - column.middle) / column.gap) * (pitch.get(layer) ?? MOST_ROW) : middle;
  };
  const r = neurons.map((one) => radiusOf(one.layer));
  return {
    width,
    height: tall,
    radius: Math.max(2.8, ...r),
    r,
    pitch: neurons.map((one) => pitch.get(one.layer) ?? MOST_ROW),
    left,
    right,
    top: HEAD,
    step: layers.length > 1 ? (width - left - right) / (layers.length - 1) : width,
    x: neurons.map((one) => mapX(one.x)),
    y: neurons.map(mapY),
    heads: layers.map((one) => mapX(one.x)),
    mapX,
    mapY,
  };
}

/** The middle of a column, its least gap, and how many such gaps it is long. @param {number[]} ys */
function columnOf(ys) {
  const sorted = [...ys].sort((a, b) => a - b);
  const gaps = sorted.slice(1).map((y, i) => y - sorted[i]).filter((gap) => gap > 0);
  const gap = gaps.length ? Math.min(...gaps) : 1;
  const [top, bottom] = [sorted[0] ?? 0, sorted[sorted.length - 1] ?? 0];
  return { middle: (top + bottom) / 2, gap, count: (bottom - top) / gap + 1 };
}
