// What the network's widths and colors show.

import { h } from "../make.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */

const COLORS = /** @type {const} */ (["weight", "gradient", "change", "activation"]);

/**
 * @param {HTMLElement} element
 * @param {Studio} studio
 * @returns {Draw}
 */
export function buildColors(element, { store }) {
  const box = h("div", { class: "segments", role: "group", "aria-label": "What widths and colors show" });
  for (const color of COLORS) box.append(h("button", { type: "button", "data-color": color, onclick: () => store.look({ color }) }, color));
  element.append(box);
  return (changed, { view }) => {
    if (!changed.has("view") && !changed.has("all")) return;
    for (const each of box.children) each.setAttribute("aria-pressed", String(each.getAttribute("data-color") === view.color));
  };
}
