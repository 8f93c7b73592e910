// The keyboard: single keys for the player, which can be turned off, and the list of them.

import { button, h } from "../make.js";
import { controlsOf } from "./transport.js";

/** @typedef {import("../part.js").Studio} Studio */

const COLORS = /** @type {const} */ (["weight", "gradient", "change", "activation"]);
const LIST = [
  ["Space", "play, pause"],
  ["→ ←", "one step on, one step back"],
  ["[ ]", "coarser steps, finer steps"],
  ["1 … 6", "steps of a term, neuron, layer, pass, update, epoch"],
  ["R", "back to the start"],
  ["T", "train to the end"],
  ["N", "the next step of a lesson"],
  ["C", "the next coloring of the network"],
  ["Enter", "on a neuron or number: where it comes from"],
  ["Ctrl Z", "take the last change back"],
  ["Escape", "close what was opened"],
  ["?", "this list"],
];

/**
 * Listen to the keys; returns what opens their list.
 * @param {Studio} studio
 */
export function listenToKeys(studio) {
  const { store } = studio;
  const act = controlsOf(studio);
  const dialog = /** @type {HTMLDialogElement} */ (h("dialog", { class: "help", "aria-labelledby": "keys-title" }));
  const off = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox" }));
  off.addEventListener("change", () => store.look({ keys: off.checked }));
  const rows = LIST.map(([keys, words]) => h("div", {}, h("dt", {}, ...keys.split(" ").map((key) => (key === "…" ? " … " : h("kbd", {}, key)))), h("dd", {}, words)));
  dialog.append(h("h2", { id: "keys-title" }, "Keys"), h("dl", {}, ...rows), h("label", { class: "check-line" }, off, h("span", {}, "single keys do this (Enter and Escape always do)")), h("p", { class: "quiet" }, "In the network, arrow keys go from neuron to neuron. On the line of time and on curves, they go from update to update and from epoch to epoch."), button("Close", () => dialog.close(), { kind: "primary" }));
  document.body.append(dialog);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  const help = () => {
    off.checked = store.state.view.keys;
    if (!dialog.open) dialog.showModal();
  };
  /** @type {Record<string, () => void>} */
  const keys = {
    " ": () => act.toggle(),
    ArrowRight: () => act.step(1),
    ArrowLeft: () => act.step(-1),
    "[": () => act.finer(1),
    "]": () => act.finer(-1),
    r: () => act.reset(),
    t: () => act.train(),
    c: () => store.look({ color: COLORS[(COLORS.indexOf(store.state.view.color) + 1) % COLORS.length] }),
    "?": help,
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    const target = /** @type {Element} */ (event.target);
    if (event.key === "Escape" && store.state.view.pinned) return store.look({ pinned: null });
    if (!store.state.view.keys || target.matches("input:not([type=checkbox]), select, textarea, [role=slider]")) return;
    if (event.key === " " && store.state.frame?.playing && target.closest(".transport") && target.matches("button")) {
      event.preventDefault();
      return act.toggle();
    }
    if (event.key === " " && target.matches("button, summary, input, [role=gridcell]")) return;
    const grains = store.state.hello?.grains ?? [];
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const grain = /^[1-9]$/.test(name) ? grains[Number(name) - 1] : undefined;
    const found = grain ? () => act.choose(grain) : keys[name];
    if (!found || !store.state.frame) return;
    event.preventDefault();
    found();
  });
  return help;
}
