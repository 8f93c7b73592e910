// Where the draw list's marks stand in a window of this size: places are scaled, letters and lines are not.

/** @typedef {import("../types.js").NetworkList} NetworkList */
/** @typedef {{width: number, height: number, radius: number, top: number, left: number, right: number, step: number, x: number[], y: number[], heads: number[], mapX: (x: number) => number, mapY: (one: {layer: number, y: number}) => number}} Placed */

const HEAD = 40;
const LEAST_ROW = 15;
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

/**
 * @param {NetworkList} network
 * @param {number} width
 * @param {number} height
 * @returns {Placed}
 */
export function placed(network, width, height) {
  const { neurons, layers, blocks, more } = network;
  const last = layers.length ? layers[layers.length - 1].number : 0;
  const first = layers.length ? layers[0].number : 0;
  const most = Math.min(190, width * (width < 520 ? 0.22 : 0.28));
  /** @param {number} layer */
  const gutter = (layer) => {
    const words = [...neurons.filter((one) => one.layer === layer).map((one) => one.name), ...more.filter((one) => one.layer === layer).map((one) => one.words)];
    return Math.min(most, Math.max(0, ...words.map((word) => widthOfText(word, 13) + 14)));
  };
  const xs = layers.map((layer) => layer.x);
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  const row = leastGap(network);
  // Each column stands in the middle.
  const shift = new Map(layers.map(({ number }) => {
    const own = [...neurons, ...more].filter((one) => one.layer === number).map((one) => one.y);
    return [number, own.length ? (Math.min(...own) + Math.max(...own)) / 2 : 0];
  }));
  const tallest = Math.max(0, ...layers.map(({ number }) => {
    const own = [...neurons, ...more].filter((one) => one.layer === number).map((one) => one.y);
    return own.length ? Math.max(...own) - Math.min(...own) : 0;
  }), ...blocks.map((one) => one.height));
  // As high as the window, but rows neither touch nor stray.
  const room = Math.max(80, height - HEAD - 30);
  const scale = Math.max(LEAST_ROW / row, Math.min(room / (tallest + row), MOST_ROW / row));
  const tall = Math.max(height, HEAD + (tallest + row) * scale + 22);
  const radius = Math.max(5.5, Math.min(25, 0.36 * row * scale, (0.13 * width) / layers.length));
  /** @param {number} layer */
  const aside = (layer) => (blocks.some((one) => one.layer === layer) ? Math.min(80, width / (2.4 * layers.length)) : Math.max(gutter(layer), 26) + radius + 8);
  const left = aside(first);
  const right = aside(last);
  const middle = HEAD + (tall - HEAD - 8) / 2;
  /** @param {number} x */
  const mapX = (x) => (x1 > x0 ? left + ((x - x0) / (x1 - x0)) * (width - left - right) : width / 2);
  /** @param {{layer: number, y: number}} one */
  const mapY = ({ layer, y }) => middle + (y - (shift.get(layer) ?? y)) * scale;
  return {
    width,
    height: tall,
    radius,
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

/** The least distance of two marks in one column. @param {NetworkList} network */
function leastGap({ neurons, more }) {
  /** @type {Map<number, number[]>} */
  const columns = new Map();
  for (const { layer, y } of [...neurons, ...more]) columns.set(layer, [...(columns.get(layer) ?? []), y]);
  let least = Infinity;
  for (const list of columns.values()) {
    list.sort((a, b) => a - b);
    for (let i = 1; i < list.length; i += 1) least = Math.min(least, list[i] - list[i - 1] || Infinity);
  }
  return least < Infinity ? least : 40;
}
