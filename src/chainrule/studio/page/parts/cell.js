// A cell of the row where it stands in the table, a button that becomes a field with the words that its column knows, and
// the inputs that it becomes; how, is in their titles and asked for by a click.

import { brief } from "../arrays.js";
import { breakable, h, say, setAll } from "../make.js";

/** The name of the list of words that a field proposes. */
const LIST = "cell-words";

/** @typedef {{column: string, name: string, kind: string, words: string[], inputs: string[]}} CellPlace */

export class Cell {
  /**
   * @param {CellPlace} place
   * @param {() => number | null} row that is shown
   * @param {(column: string, text: string, row: number | null) => void} set
   */
  constructor({ column, name, kind, words, inputs }, row, set) {
    this.text = "";
    this.inputs = inputs;
    this.name = h("dt", { title: column }, ...breakable(name), kind ? h("span", { class: "quiet" }, ` ${kind}`) : null);
    const open = () => this.open(column, words, row(), set);
    this.raw = /** @type {HTMLButtonElement} */ (h("button", { type: "button", class: "raw", "data-cell": column, title: "Change this cell", onclick: open }));
    this.numbers = inputs.map((input) => {
      const number = h("output", {});
      return { number, button: h("button", { type: "button", class: "number", "data-address": input }, h("span", { class: "label" }, input), number) };
    });
    const links = inputs.length ? h("span", { class: "links" }, ...this.numbers.map((one) => one.button)) : null;
    this.made = h("dd", { class: "cell" }, this.raw, links);
  }

  /**
   * Write what stands in the cell, empty where it is missing.
   * @param {string} text
   * @param {boolean} mine whether one may change it
   * @param {{words: string}[]} steps
   * @param {(address: string) => number | null} value
   */
  fill(text, mine, steps, value) {
    this.text = text;
    say(this.raw, text === "" ? "(missing)" : text);
    if (this.raw.disabled === mine) this.raw.disabled = !mine;
    this.numbers.forEach(({ number, button }, k) => {
      const now = value(this.inputs[k]);
      say(number, brief(now, 3));
      setAll(button, { title: steps[k]?.words ?? null });
      button.classList.toggle("nothing", now === 0);
    });
  }

  /**
   * @param {string} column
   * @param {string[]} words
   * @param {number | null} row
   * @param {(column: string, text: string, row: number | null) => void} set
   */
  open(column, words, row, set) {
    const field = /** @type {HTMLInputElement} */ (h("input", { type: "text", class: "raw", "aria-label": `${column}; empty is missing`, placeholder: "missing", list: words.length ? LIST : null, autocomplete: "off", spellcheck: "false" }));
    const list = h("datalist", { id: LIST }, ...words.map((word) => h("option", { value: word })));
    const before = this.text;
    field.value = before;
    /** @param {boolean} sends */
    const close = (sends) => {
      field.onblur = null;
      const text = field.value.trim();
      list.remove();
      field.replaceWith(this.raw);
      this.raw.focus();
      if (sends && text !== before) set(column, text, row);
    };
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      close(event.key === "Enter");
    });
    field.onblur = () => close(true);
    this.raw.replaceWith(field);
    field.after(list);
    field.select();
  }
}
