// The line of a branch: where it begins, what was changed, the way back; in a file, that of what if: what follows from cells.

import { brief } from "../arrays.js";
import { button, h, say } from "../make.js";
import { steers } from "../part.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */
/** @typedef {import("../types.js").EditShown} EditShown */

const MOST_TOLD = 3;

/**
 * @param {HTMLElement} element
 * @param {Studio} studio
 * @returns {Draw}
 */
export function buildBranch(element, { store, api }) {
  const where = h("span", { class: "words" });
  const list = h("ul", { class: "edits" });
  const undo = button("Undo", () => api.send({ do: "undo" }), { hint: "Take the last change back (Ctrl Z)" });
  const back = button("Back to where it began", () => api.send({ do: "run", number: store.state.frame?.branch?.from }), { hint: "The branch stays, to be compared" });
  const recorded = button("As recorded", () => api.send({ do: "as_recorded" }), { hint: "The cells as they stand in the table" });
  const line = h("p", { class: "notice branch", hidden: true }, where, list, undo, back, recorded);
  element.append(line);
  document.addEventListener("keydown", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || target.matches("input[type=text], textarea")) return;
    if (!(store.state.frame?.branch || store.state.frame?.whatif) || !steers(store.state)) return;
    event.preventDefault();
    api.send({ do: "undo" });
  });
  let shown = "";
  return (changed, state) => {
    const { frame } = state;
    if (!frame || !(changed.has("frame") || changed.has("client"))) return;
    const { branch, whatif } = frame;
    const edited = branch ?? whatif;
    line.hidden = !edited;
    if (!edited) return void (shown = "");
    undo.disabled = back.disabled = !steers(state);
    const key = JSON.stringify(edited);
    if (key === shown) return;
    shown = key;
    back.hidden = !branch;
    recorded.hidden = Boolean(branch);
    say(where, branch ? `Run ${branch.number}, a branch of run ${branch.from} after its update ${branch.at.toLocaleString("en")}:` : `What if, of row ${whatif?.row} after update ${whatif?.at.toLocaleString("en")}, worked out in this page by the exported model, not by the engine:`);
    const told = edited.edits.slice(-MOST_TOLD);
    list.replaceChildren(...told.map((edit) => editItem(edit, frame.names ?? {}, (address) => store.look({ pinned: address }))));
    const rest = edited.edits.length - told.length;
    if (rest) list.append(h("li", { class: "quiet", title: edited.edits.slice(0, rest).map((one) => one.words).join("; ") }, `and ${rest} more`));
  };
}

/**
 * @param {EditShown} edit
 * @param {Record<string, string>} names
 * @param {(address: string) => void} ask
 */
function editItem({ words, address, old, new: now }, names, ask) {
  const about = words.split(" from ")[0];
  if (old === "") return h("li", {}, words);
  const what = address ? h("button", { type: "button", class: "number", "data-address": address, onclick: () => ask(address) }, names[address] ?? about) : h("span", {}, about.replace(/\w+\[\d+\]\[[\d,]+\]/, (one) => names[one] ?? one));
  return h("li", {}, what, " ", h("s", {}, few(old)), " → ", h("b", {}, few(now)));
}

/** A number that is told in all its digits with fewer; anything else as it is. @param {string} text */
function few(text) {
  return text !== "" && Number.isFinite(Number(text)) ? brief(Number(text)) : text;
}
