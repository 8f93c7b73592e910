// What if a cell were another: answered by the model that the file carries, which first works out the numbers that are recorded
// and is not asked where it finds others. Whose numbers those are stands beside them.

import { brief, floats } from "../arrays.js";
import { given } from "./given.js";
import { carried } from "./model.js";

/** @typedef {import("../types.js").Frame} Frame */
/** @typedef {import("../types.js").BlockPicture} BlockPicture */
/** @typedef {import("../types.js").Hello} Hello */
/** @typedef {import("../types.js").AnswerShown} AnswerShown */
/** @typedef {import("../types.js").EditShown} EditShown */
/** @typedef {import("../types.js").WhatIfAbout} WhatIfAbout */
/** @typedef {import("./model.js").CarriedRow} CarriedRow */
/** @typedef {{t: number, rows: Record<string, CarriedRow>, columns: Record<string, string>, undropped: Record<string, number>}} ModelRows cells by the page's columns, the model's names of these, and by row the frame in which no output is dropped */

/** How far a number may be from the recorded one, as a share of it or of 1 if that is more. */
const MOST_OFF = 1e-9;

export class WhatIf {
  /** @param {Hello} hello @param {ModelRows} model */
  constructor(hello, model) {
    this.hello = hello;
    this.model = model;
    /** @type {{column: string, text: string | null, number: number | null}[][]} what was changed, in order: the cells of each edit */
    this.done = [];
    /** @type {number | null} */
    this.row = null;
    this.about = /** @type {WhatIfAbout} */ (hello.recorded?.whatif);
  }

  get edits() {
    return this.done.flat();
  }

  get on() {
    return this.done.length > 0;
  }

  /** Take back the last edit, or all of them by any other command that was followed. @param {string} command */
  followed(command) {
    if (command === "undo") this.done.pop();
    else if (command !== "edit") this.done = [];
  }

  /**
   * Work out what is recorded, and refuse from then on where it is something else.
   * @param {Frame[]} frames after the last update, of each row
   */
  prove(frames) {
    if (this.about.refused !== null || !carried) return;
    let [numbers, off] = [0, 0];
    let first = "";
    for (const frame of frames) {
      /** @type {[string, number, number][]} */
      let pairs;
      try {
        pairs = this.pairs(frame, this.cells(frame.row));
      } catch (error) {
        first ||= `of row ${frame.row} it answers nothing: ${error instanceof Error ? error.message : error}`;
        continue;
      }
      for (const [name, own, recorded] of pairs) {
        const far = own === recorded || (Number.isNaN(own) && Number.isNaN(recorded)) ? 0 : Math.abs(own - recorded) / Math.max(1, Math.abs(recorded));
        numbers += 1;
        if (far > off) off = far;
        if (!(far <= MOST_OFF)) first ||= `of row ${frame.row} it works out ${Number.isNaN(own) ? `no ${name}` : `${name} = ${own}`}, and ${recorded} was recorded`;
      }
    }
    const refused = first || (numbers ? null : "nothing is recorded to be held against");
    Object.assign(this.about, { numbers, off, refused });
  }

  /**
   * Each number of a frame that is worked out here, too: its address, as it is here, as it is recorded.
   * @param {Frame} frame
   * @param {CarriedRow} row
   * @returns {[string, number, number][]}
   */
  pairs(frame, row) {
    const found = this.numbers(row);
    const [a, z] = [floats(frame.arrays.neurons.a), floats(frame.arrays.neurons.z)];
    /** @type {[string, number, number][]} */
    const pairs = [];
    this.hello.network.neurons.forEach((one, i) => {
      if (i < a.length && !Number.isNaN(a[i])) pairs.push([one.address, found[one.address] ?? NaN, a[i]]);
      if (one.z && i < z.length && !Number.isNaN(z[i])) pairs.push([one.z, found[one.z] ?? NaN, z[i]]);
    });
    const own = this.answer(row, frame.answer);
    frame.answer?.each.forEach(({ name, value }, k) => value !== null && pairs.push([name, own.each[k].value ?? NaN, value]));
    return pairs;
  }

  /** The cells of a row as they are now. @param {number | null} number @returns {CarriedRow} */
  cells(number) {
    const cells = { ...this.model.rows[String(number)] };
    if (number === this.row) for (const { column, text } of this.edits) cells[column] = text;
    return cells;
  }

  /** A row as the model calls its columns; an empty cell is a missing one. @param {CarriedRow} cells @returns {CarriedRow} */
  named(cells) {
    return Object.fromEntries(Object.entries(this.model.columns).map(([own, name]) => [name, cells[own] === "" ? null : cells[own] ?? null]));
  }

  /** @param {CarriedRow} cells @returns {Record<string, number>} */
  numbers(cells) {
    return carried?.numbers(this.named(cells)) ?? {};
  }

  /**
   * The answer for a row as a frame has it, with the truth of another.
   * @param {CarriedRow} cells
   * @param {AnswerShown | null} like
   * @returns {AnswerShown}
   */
  answer(cells, like) {
    const { names, classes } = this.hello.target;
    const said = carried?.predict(this.named(cells)) ?? {};
    const truth = like?.truth ?? null;
    if (names.length === 1 && classes.length) {
      const { label, probabilities = {} } = said[names[0]];
      const value = textOf(label);
      const each = like?.each.length ? classes.map((name) => ({ name, value: probabilities[name] ?? probabilities[String(label === true || label === false ? name === "True" : name)] ?? null })) : [];
      const own = each.find((one) => one.name === value);
      return { words: `${names[0]} = ${value}${own ? `, with probability ${brief(own.value, 3)}` : ""}`, value, truth, right: truth === value, each };
    }
    const one = (/** @type {string} */ name) => said[name].value ?? Object.values(said[name].probabilities ?? {}).at(-1) ?? null;
    const each = names.map((name) => ({ name, value: one(name) }));
    const told = names.map((name) => (said[name].label === undefined ? brief(one(name), 6) : textOf(said[name].label)));
    const words = this.hello.cells ? names.map((name, k) => `${name} = ${told[k]}`).join(", ") : told.join(", ");
    const labels = names.some((name) => said[name].label !== undefined);
    const value = names.length === 1 ? each[0].value : labels ? told : each.map((each_) => each_.value);
    return { words, value, truth, right: labels && Array.isArray(truth) ? truth.join() === told.join() : null, each };
  }

  /**
   * Change cells of a row; gives what is wrong where it can't, and then nothing is changed.
   * @param {{kind: string, cells?: Record<string, any>}[]} edits
   * @param {number} row
   * @param {string} live how to do the rest
   * @returns {string | null}
   */
  edit(edits, row, live) {
    const cells = Object.entries(edits.length === 1 && edits[0].kind === "cells" ? edits[0].cells ?? {} : {});
    if (this.about.refused !== null) return `This file plays what was recorded; what if isn't answered in it: ${this.about.refused}.${live}`;
    if (!cells.length || !cells.every(([column]) => column in this.model.columns)) return `This file plays what was recorded; what can be changed in it are the cells of its row.${live}`;
    const [before, of] = [this.done, this.row];
    try {
      const own = cells.map(([column, text]) => ({ column, ...given(/** @type {import("./model.js").CarriedModel} */ (carried), this.model.columns[column], text === null ? null : String(text)) }));
      this.done = [...(row === of ? before : []), own];
      this.row = row;
      this.answer(this.cells(row), null);
      return null;
    } catch (error) {
      [this.done, this.row] = [before, of];
      return `${error instanceof Error ? error.message : error}: nothing is changed.`;
    }
  }

  /** A recorded frame after the last update, with what follows from the changed cells. @param {Frame} frame @returns {Frame} */
  frame(frame) {
    const cells = this.cells(frame.row);
    const found = this.numbers(cells);
    const { neurons, edges, biases } = frame.arrays;
    const [a, z] = [floats(neurons.a), floats(neurons.z)];
    const list = this.hello.network.neurons;
    const now = { a: list.map((one, i) => found[one.address] ?? a[i]), z: list.map((one, i) => (one.z ? found[one.z] ?? z[i] : NaN)) };
    const old = (/** @type {number[]} */ values, /** @type {import("../arrays.js").Floats} */ were) => packed(values.map((value, i) => (value === were[i] ? NaN : were[i])));
    const none = { eta: null, cost: null, cost_new: null, row_loss: null };
    return {
      ...frame,
      ...none,
      together: null,
      checks: null,
      stage: null,
      findings: undefined,
      batch: { size: 0, rows: [] },
      row_in_batch: null,
      answer: this.answer(cells, frame.answer),
      ...(frame.blocks && { blocks: frame.blocks.map(({ layer, pictures: { weight } }) => ({ layer, pictures: /** @type {Record<string, BlockPicture>} */ (weight ? { weight } : {}) })) }),
      cells: frame.cells.map((one) => ({ ...one, cell: cells[one.column] ?? "", steps: one.inputs.map((address) => ({ words: this.line(cells, address) })) })),
      arrays: { neurons: { a: packed(now.a), z: packed(now.z) }, edges: { weight: edges.weight }, biases: { weight: biases.weight } },
      was: { ...none, answer: frame.answer, arrays: { neurons: { a: old(now.a, a), z: old(now.z, z) }, edges: {}, biases: {} } },
      whatif: { at: this.model.t, row: frame.row, edits: this.told() },
    };
  }

  /** @returns {EditShown[]} */
  told() {
    const were = this.model.rows[String(this.row)];
    // Of each cell what it was and what it is: not each try.
    const last = new Map(this.edits.map((one) => [one.column, one]));
    return [...last.values()].filter(({ column, text }) => text !== (were[column] ?? "")).map(({ column, text, number }) => {
      const read = number === null || Number.isNaN(number) || String(number) === text ? "" : ` (the number ${number})`;
      const [old, now] = [were[column] || "(missing)", text || "(missing)"];
      return { address: this.hello.cells ? null : column, words: `${this.model.columns[column]} from ${old} to ${now}${read}`, old, new: now };
    });
  }

  /** How a number comes about, in a line. @param {CarriedRow} cells @param {string} address */
  line(cells, address) {
    const made = carried?.formula(this.named(cells), address);
    return made ? `${address} = ${made.formula} = ${made.numbers} = ${brief(made.result, 6)}` : "";
  }

  /**
   * Where a number comes from, as an answer of the page; what is wrong where it isn't worked out here.
   * @param {string} address
   */
  number(address) {
    try {
      const made = /** @type {import("./model.js").CarriedLine} */ (carried?.formula(this.named(this.cells(this.row)), address));
      const lines = [made.formula, made.numbers, brief(made.result, 12)].map((text, k) => ["p", { class: "formula" }, ["code", {}, `${k ? "" : address} = ${text}`]]);
      return { address, title: address, value: made.result, ok: null, nodes: [...lines, ["p", { class: "quiet" }, "Worked out in this page by the exported model, not by the engine."]] };
    } catch {
      return null;
    }
  }
}

/** A label as Python writes it. @param {any} label */
function textOf(label) {
  return label === true ? "True" : label === false ? "False" : String(label);
}

/** @param {number[]} values */
function packed(values) {
  const bytes = new Uint8Array(Float64Array.from(values).buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return { dtype: "float64", shape: [values.length], base64: btoa(text) };
}
