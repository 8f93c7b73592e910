// What a file holds that was taken along, and how to do what it can't. A studio has nothing to say here.

import { brief } from "../arrays.js";
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
    const { command, whatif } = file;
    if (file.whole.length) element.append(h("div", { class: "pair" }, ...file.whole.map((t) => button(`Update ${(t + 1).toLocaleString("en")}`, () => api.send({ do: "seek", t, place: null }), {}))));
    if (command) element.append(h("p", { class: "quiet" }, "To change anything, see every update and ask for every number, run:"), h("pre", { class: "command", tabindex: 0 }, command));
    element.append(h("h2", {}, "What if?"), h("p", { class: "quiet" }, whatIfWords(whatif)));
  };
}

/** @param {import("../types.js").WhatIfAbout} about */
function whatIfWords({ at, kept, refused, numbers, off }) {
  if (refused !== null) return `This file doesn't answer what if a cell were another: ${refused}.`;
  const other = kept === null ? "" : ` What is kept of the training, in a model file, is epoch ${kept.toLocaleString("en")}, which may answer otherwise.`;
  const held = `${numbers.toLocaleString("en")} recorded numbers ${off ? `within ${brief(off, 1)}` : "to the last digit"}`;
  return `Change a cell of the row below: this page answers by itself, by the network after update ${at.toLocaleString("en")}, exported as JavaScript, not by the engine. It has found ${held} again.${other}`;
}

/** @param {RecordedFile} file */
function wordsOf({ run, stops, updates, rows, whole }) {
  const several = whole.length > 1;
  const inside = whole.length ? ` ${several ? "These updates are in it step by step, and say" : "This update is in it step by step, and says"} where ${several ? "their" : "its"} numbers come from:` : "";
  const which = run === null ? "" : `It holds ${run}. `;
  return `${which}Of ${updates.toLocaleString("en")} updates this file shows ${stops.toLocaleString("en")} moments, for row ${rows.join(", ").replace(/, (\d+)$/, " or $1")}.${inside}`;
}
