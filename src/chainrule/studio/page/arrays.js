// Packed floats unpacked, and the number that stands at an address.

/** @typedef {import("./types.js").Packed} Packed */
/** @typedef {import("./types.js").Hello} Hello */
/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {Float64Array | Float32Array} Floats */

/** @type {WeakMap<Packed, Floats>} */
const unpacked = new WeakMap();
const NONE = new Float64Array(0);

/**
 * The floats of a packed array; nothing where there is none.
 * @param {Packed | undefined} packed
 * @returns {Floats}
 */
export function floats(packed) {
  if (!packed) return NONE;
  let found = unpacked.get(packed);
  if (!found) {
    const text = atob(packed.base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
    found = packed.dtype === "int8" ? Float32Array.from(new Int8Array(bytes.buffer)) : packed.dtype === "float32" ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
    unpacked.set(packed, found);
  }
  return found;
}

/** Where each address of the draw list stands in a frame's arrays. */
export class Places {
  /** @param {Hello} hello */
  constructor(hello) {
    /** @type {Map<string, [string, string, number]>} */
    this.found = new Map();
    /** @type {Map<string, number>} */
    this.neuron = new Map();
    /** @type {Map<string, number>} */
    this.edge = new Map();
    /** @type {Map<string, number>} */
    this.bias = new Map();
    hello.network.neurons.forEach((neuron, i) => {
      const tail = neuron.address.slice(neuron.address.indexOf("["));
      this.add(neuron.address, "neurons", "a", i);
      this.neuron.set(neuron.address, i);
      if (neuron.z) {
        for (const [name, kind] of [[neuron.z, "z"], [`delta${tail}`, "delta"]]) {
          this.add(name, "neurons", kind, i);
          this.neuron.set(name, i);
        }
      }
      if (neuron.bias) this.parameter(neuron.bias, "biases", i, this.bias);
    });
    hello.network.edges.list.forEach(([, , address], i) => this.parameter(address, "edges", i, this.edge));
  }

  /**
   * @param {string} address
   * @param {string} group
   * @param {number} i
   * @param {Map<string, number>} index
   */
  parameter(address, group, i, index) {
    this.add(address, group, "weight", i);
    this.add(`dC/d${address}`, group, "gradient", i);
    index.set(address, i);
    index.set(`dC/d${address}`, i);
    index.set(newOf(address), i);
    this.add(newOf(address), group, "weight", i);
  }

  /**
   * @param {string} address
   * @param {string} group
   * @param {string} kind
   * @param {number} i
   */
  add(address, group, kind, i) {
    if (!this.found.has(address)) this.found.set(address, [group, kind, i]);
  }

  /**
   * The number at an address in a frame: NaN where it isn't known there, null where no mark shows it.
   * @param {string} address
   * @param {Frame} frame
   * @returns {number | null}
   */
  value(address, frame) {
    const said = said_of(address, frame);
    if (said !== undefined) return said;
    const own = `@row=${frame.row}`;
    const place = this.found.get(address.startsWith("dC/d") && address.endsWith(own) ? address.slice(0, -own.length) : address);
    if (!place) return null;
    const [group, kind, i] = place;
    const arrays = /** @type {Record<string, Record<string, Packed>>} */ (frame.arrays);
    if (group !== "neurons" && this.meant(address, frame) !== address) return null;
    const list = floats(arrays[group]?.[kind]);
    return i < list.length ? list[i] : null;
  }

  /**
   * Whose number the mark of a parameter or its gradient shows in a frame: after its update the new one's, before the rows'
   * parts are added up the row's own part.
   * @param {string} address
   * @param {Frame} frame
   */
  meant(address, frame) {
    const own = `@row=${frame.row}`;
    const whole = address.endsWith(own) ? address.slice(0, -own.length) : address;
    const [group, , i] = this.found.get(whole) ?? ["neurons", "", 0];
    if (group !== "edges" && group !== "biases") return address;
    const code = floats(frame.arrays[group].meant)[i] ?? 0;
    if (whole.startsWith("dC/d")) return code & 1 ? `${whole}${own}` : whole;
    const old = whole.replace("_new[", "[");
    return code & 2 ? newOf(old) : old;
  }

  /**
   * What stood at an address before the edits that a branch begins with; null where it is the same, or nothing is told.
   * @param {string} address
   * @param {Frame} frame
   * @returns {number | null}
   */
  was(address, frame) {
    if (!frame.was || this.value(address, frame) === null) return null;
    const arrays = { ...frame.was.arrays };
    for (const group of /** @type {const} */ (["edges", "biases"])) arrays[group] = { ...arrays[group], meant: frame.arrays[group].meant };
    const old = this.value(address, { ...frame, ...frame.was, arrays });
    return old === null || Number.isNaN(old) || old === this.value(address, frame) ? null : old;
  }
}

/** What a parameter is called after its update. @param {string} address */
export function newOf(address) {
  return address.replace("[", "_new[");
}

/**
 * The numbers that a frame says by name.
 * @param {string} address
 * @param {Frame} frame
 * @returns {number | null | undefined}
 */
function said_of(address, frame) {
  if (address === "C") return frame.cost;
  if (address === "C_new") return frame.cost_new;
  if (address === "eta") return frame.eta;
  if (address === "loss") return frame.row_loss;
  return undefined;
}

/**
 * A number in a few digits, for reading.
 * @param {number | null | undefined} value
 * @param {number} [digits]
 */
export function brief(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e6 || size < 1e-4 ? value.toExponential(Math.max(0, digits - 1)) : plain(value, digits);
  return text.replace(/(\.\d*?)0+(?=e|$)/, "$1").replace(/\.(?=e|$)/, "").replace("e+", "e").replaceAll("-", "−");
}

/**
 * @param {number} value
 * @param {number} digits
 */
function plain(value, digits) {
  const text = value.toPrecision(digits);
  return text.includes("e") ? String(Number(text)) : text;
}

/**
 * A number with every digit it has.
 * @param {number | null | undefined} value
 */
export function exact(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "not known here";
  return String(value).replace("e+", "e").replaceAll("-", "−");
}
