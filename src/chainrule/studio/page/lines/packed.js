// What a file holds, unpacked: pieces of deflated text, frames as what differs from the one before, explanations by number.

/** @typedef {import("../types.js").Frame} Frame */
/** @typedef {Record<string, any>} Flat */

const SIZES = /** @type {Record<string, number>} */ ({ float64: 8, float32: 4 });

/** @param {string} text */
function bytesOf(text) {
  return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
}

/** @param {Uint8Array} bytes */
function textOf(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

/**
 * What a piece holds.
 * @param {string} piece
 * @returns {Promise<any>}
 */
export async function pieceOpened(piece) {
  const stream = new Blob([bytesOf(piece)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

/**
 * The bytes of an array from byte planes that say how it differs from the one before.
 * @param {{x: string, dtype?: string, shape?: number[]}} packed
 * @param {{dtype: string, shape: number[], bytes: Uint8Array} | undefined} before
 */
function arrayOf(packed, before) {
  const { dtype, shape } = packed.dtype && packed.shape ? { dtype: packed.dtype, shape: packed.shape } : /** @type {{dtype: string, shape: number[]}} */ (before);
  const planes = bytesOf(packed.x);
  const size = SIZES[dtype] ?? 1;
  const count = planes.length / size;
  const bytes = new Uint8Array(planes.length);
  for (let k = 0; k < size; k += 1) for (let i = 0; i < count; i += 1) bytes[i * size + k] = planes[k * count + i];
  if (before && !packed.shape) for (let i = 0; i < bytes.length; i += 1) bytes[i] ^= before.bytes[i];
  return { dtype, shape, bytes, base64: textOf(bytes) };
}

/**
 * The frames of a piece.
 * @param {[Flat, string[]?][]} differences
 * @returns {Frame[]}
 */
export function framesOf(differences) {
  /** @type {Flat} */
  let flat = {};
  return differences.map(([changed, gone]) => {
    const before = flat;
    flat = { ...before };
    for (const path of gone ?? []) delete flat[path];
    for (const [path, value] of Object.entries(changed)) flat[path] = value && typeof value.x === "string" ? arrayOf(value, before[path]) : value;
    return frameOf(flat);
  });
}

/**
 * A frame from its parts by their paths.
 * @param {Flat} flat
 */
function frameOf(flat) {
  /** @type {Flat} */
  const frame = { arrays: { neurons: {}, edges: {}, biases: {} } };
  for (const [path, value] of Object.entries(flat)) {
    const parts = path.split(".");
    let into = frame;
    for (const part of parts.slice(0, -1)) into = into[part] ??= {};
    into[parts[parts.length - 1]] = value?.bytes ? { dtype: value.dtype, shape: value.shape, base64: value.base64 } : value;
  }
  return /** @type {Frame} */ (frame);
}

/** Explanations by their numbers, unpacked when they are first wanted. */
export class NodePieces {
  /** @param {[number, string][]} pieces */
  constructor(pieces) {
    this.pieces = pieces;
    /** @type {Map<number, Promise<any[]>>} */
    this.opened = new Map();
  }

  /**
   * The nodes in the place of `{"$": number}`; other nodes as they are.
   * @param {any} nodes
   */
  async of(nodes) {
    const number = nodes?.$;
    if (number === undefined) return nodes;
    let k = this.pieces.length - 1;
    while (this.pieces[k][0] > number) k -= 1;
    let piece = this.opened.get(k);
    if (!piece) this.opened.set(k, (piece = pieceOpened(this.pieces[k][1])));
    return (await piece)[number - this.pieces[k][0]];
  }
}
