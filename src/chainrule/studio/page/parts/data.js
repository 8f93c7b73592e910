// The table: what each column is, how many cells are missing, what was left out and why.

import { h } from "../make.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */
/** @typedef {import("../types.js").Hello} Hello */

const MOST_COLUMNS = 100;

/**
 * @param {HTMLElement} element
 * @param {Studio} _studio
 * @returns {Draw}
 */
export function buildData(element, _studio) {
  const list = h("ul", { class: "columns-list" });
  const counts = h("p", { class: "quiet" });
  const notes = h("ul", { class: "notes" });
  element.append(h("h2", {}, "Columns"), counts, list, notes);
  return (changed, { hello }) => {
    if (!changed.has("hello") || !hello) return;
    element.hidden = !hello.columns.length && !hello.notes.length;
    counts.textContent = rowsOf(hello);
    list.replaceChildren(...hello.columns.slice(0, MOST_COLUMNS).map((column) => columnOf(column, hello.target.names.includes(column.name))));
    const rest = hello.columns.length - MOST_COLUMNS;
    if (rest > 0) list.append(h("li", { class: "quiet" }, `… ${rest.toLocaleString("en")} more`));
    notes.replaceChildren(...hello.notes.map((note) => h("li", {}, note)));
    notes.hidden = !hello.notes.length;
  };
}

/** @param {Hello} hello */
function rowsOf({ rows }) {
  const parts = [["for training", rows.training], ["for validation", rows.validation], ["kept back as test rows", rows.test]];
  return parts.filter(([, n]) => n).map(([words, n]) => `${n.toLocaleString("en")} rows ${words}`).join(", ") + ".";
}

/**
 * @param {import("../types.js").Column} column
 * @param {boolean} target
 */
function columnOf({ name, kind, gaps, used, why, note }, target) {
  const state = target ? "the target" : used ? "" : "left out";
  const more = [why === state ? "" : why, note === state ? "" : note, gaps ? `${gaps.toLocaleString("en")} ${gaps === 1 ? "cell is" : "cells are"} missing` : ""].filter(Boolean).join("; ");
  return h("li", { class: used || target ? "" : "out" }, h("span", { class: "name" }, name), h("span", { class: "kind" }, kind), state ? h("span", { class: "state" }, state) : null, more ? h("span", { class: "why" }, more) : null);
}
