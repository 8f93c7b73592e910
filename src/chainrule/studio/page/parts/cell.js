// A cell of the row that is changed where it stands: a button that becomes a field, with the words that its column knows.

import { h } from "../make.js";

/** The name of the list of words that a field proposes. */
const LIST = "cell-words";

/**
 * @param {string} column
 * @param {string} cell as it stands in the table, empty where it is missing
 * @param {string[]} words
 * @param {boolean} mine whether one may change it
 * @param {(text: string) => void} set
 * @param {(open: boolean) => void} held told when a field opens and closes
 */
export function cellButton(column, cell, words, mine, set, held) {
  const shown = cell === "" ? "(missing)" : cell;
  const open = () => {
    const field = /** @type {HTMLInputElement} */ (h("input", { type: "text", class: "raw", "aria-label": `${column}; empty is missing`, placeholder: "missing", list: words.length ? LIST : null, autocomplete: "off", spellcheck: "false" }));
    const list = h("datalist", { id: LIST }, ...words.map((word) => h("option", { value: word })));
    field.value = cell;
    /** @param {boolean} sends */
    const close = (sends) => {
      field.onblur = null;
      const text = field.value.trim();
      list.remove();
      field.replaceWith(made);
      made.focus();
      held(false);
      if (sends && text !== cell) set(text);
    };
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      close(event.key === "Enter");
    });
    field.onblur = () => close(true);
    held(true);
    made.replaceWith(field);
    field.after(list);
    field.select();
  };
  const made = h("button", { type: "button", class: "raw", "data-cell": column, title: "Change this cell", onclick: open, disabled: !mine }, shown);
  return made;
}
