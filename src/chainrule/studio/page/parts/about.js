// What a file holds that was taken along, and how to do what it can't. A studio has nothing to say here.

import { button, h } from "../make.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */
/** @typedef {import("../types.js").RecordedFile} RecordedFile */

/**
 * @param {HTMLElement} element
 * @param {Studio} studio
 * @returns {Draw}
 */
export function buildAbout(element, { api }) {
  element.hidden = true;
  return (changed, { hello }) => {
    const file = hello?.recorded;
    if (!changed.has("hello") || !hello) return;
    document.body.classList.toggle("recorded", Boolean(file));
    element.hidden = !file;
    if (!file) return;
    const holds = h("p", { class: "quiet" }, wordsOf(file));
    element.replaceChildren(h("h2", {}, "A recording"), holds);
    const { command } = file;
    if (file.whole.length) element.append(h("div", { class: "pair" }, ...file.whole.map((t) => button(`Update ${(t + 1).toLocaleString("en")}`, () => api.send({ do: "seek", t, place: null }), {}))));
    if (command) element.append(h("p", { class: "quiet" }, "To change anything, see every update and ask for every number, run:"), h("pre", { class: "command", tabindex: 0 }, command));
  };
}

/** @param {RecordedFile} file */
function wordsOf({ stops, updates, rows, whole }) {
  const several = whole.length > 1;
  const inside = whole.length ? ` ${several ? "These updates are" : "This update is"} in it step by step, and says where its numbers come from:` : "";
  return `Of ${updates.toLocaleString("en")} updates this file shows ${stops.toLocaleString("en")} moments, for row ${rows.join(", ").replace(/, (\d+)$/, " or $1")}.${inside}`;
}
