// The row that is shown: which one, its cells as they stand in the table, what they become, and the answer.

import { Places, brief } from "../arrays.js";
import { button, h, hide, say, setAll } from "../make.js";
import { isTime, steers } from "../part.js";
import { Cell } from "./cell.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */
/** @typedef {import("../types.js").Frame} Frame */
/** @typedef {import("./cell.js").CellPlace & {text: string, steps: {words: string}[]}} CellNow */

const MOST_CELLS = 60;

/**
 * @param {HTMLElement} element
 * @param {Studio} studio
 * @returns {Draw}
 */
export function buildRow(element, { store, api }) {
  const number = /** @type {HTMLInputElement} */ (h("input", { type: "text", inputmode: "numeric", size: 6, "aria-label": "Row of the table" }));
  const follow = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox" }));
  const numbers = () => store.state.hello?.rows.numbers ?? [];
  /** @param {number} by */
  const beside = (by) => {
    const list = numbers();
    const i = list.indexOf(store.state.frame?.row ?? NaN);
    const next = list[(i + by + list.length) % list.length];
    if (next !== undefined) api.send({ do: "row", number: next });
  };
  const before = button("The row before", () => beside(-1), { icon: "left", kind: "flat" });
  const after = button("The next row", () => beside(1), { icon: "right", kind: "flat" });
  number.addEventListener("change", () => {
    const wanted = Number(number.value);
    if (number.value.trim() && Number.isInteger(wanted)) api.send({ do: "row", number: wanted });
    else number.value = String(store.state.frame?.row ?? "");
  });
  follow.addEventListener("change", () => api.send({ do: "row", number: follow.checked ? null : (numbers()[0] ?? 1) }));
  const many = h("label", { class: "check-line" }, follow, h("span", {}, "go along with the batch"));
  const head = h("div", { class: "row-head" }, h("h2", {}, "Row"), before, number, after);
  const cells = h("dl", { class: "cells-list moves" });
  const batch = h("p", { class: "quiet" });
  const add = button("Add a row like this", () => api.send({ do: "edit", edits: [{ kind: "row", row: store.state.frame?.row ?? null }] }), { kind: "small", hint: "A row that is trained on, too; then change its cells" });
  element.append(head, many, cells, add, batch);
  let shown = "";
  let formed = "";
  /** @type {Cell[]} */
  let drawn = [];
  const clock = { last: 0 };
  /** @type {Places | null} */
  let places = null;
  /** @param {string} column @param {string} text @param {number | null} row */
  const change = (column, text, row) => {
    api.send({ do: "edit", edits: [{ kind: "cells", row, cells: { [column]: text === "" ? null : text } }] });
  };
  const row = () => store.state.frame?.row ?? null;
  /** @param {CellNow[]} now @param {number} rest */
  const build = (now, rest) => {
    drawn = now.map((place) => new Cell(place, row, change));
    cells.replaceChildren(...drawn.flatMap(({ name, made }) => [name, made]));
    if (rest > 0) cells.append(h("dt", {}, "…"), h("dd", { class: "quiet" }, `${rest.toLocaleString("en")} more columns: the walk through an update comes to their cells`));
  };
  return (changed, state) => {
    const { hello, frame } = state;
    if (changed.has("problem") && state.problem) number.value = String(frame?.row ?? "");
    if (!hello || !frame || !(changed.has("frame") || changed.has("hello") || changed.has("client"))) return;
    if (changed.has("hello") || !places) places = new Places(hello);
    const mine = steers(state);
    for (const each of [before, after]) each.disabled = !mine || numbers().length < 2;
    number.disabled = follow.disabled = !mine;
    hide(many, numbers().length < 2 || Boolean(hello.recorded));
    if (document.activeElement !== number) number.value = String(frame.row ?? "");
    follow.checked = (frame.row_picked === undefined ? frame.row : frame.row_picked) === null;
    add.disabled = !mine;
    /** @param {string} address */
    const value = (address) => places?.value(address, frame) ?? null;
    const now = cellsNow(hello, frame, value);
    const all = JSON.stringify([frame.generation, mine, frame.place.pass === "cell" ? frame.place.index : "", now]);
    if (all !== shown && isTime(clock, state)) {
      shown = all;
      const form = JSON.stringify([frame.generation, frame.cells.length, now.map(({ column, inputs }) => [column, inputs])]);
      if (form !== formed) build(now, hello.cells ? hello.columns.filter((one) => one.used).length - Math.min(frame.cells.length, MOST_CELLS) : 0);
      formed = form;
      now.forEach(({ text, steps }, i) => drawn[i].fill(text, mine, steps, value));
    }
    say(batch, batchWords(frame));
  };
}

/**
 * The row's cells, or its numbers where it is nothing else, and its truth by the names of the targets.
 * @param {import("../types.js").Hello} hello
 * @param {Frame} frame
 * @param {(address: string) => number | null} value
 * @returns {CellNow[]}
 */
function cellsNow(hello, frame, value) {
  const words = new Map(hello.columns.map((one) => [one.name, one.words ?? []]));
  const inputs = hello.cells ? [] : hello.network.neurons.filter((one) => one.layer === 0).slice(0, MOST_CELLS);
  return [
    ...frame.cells.slice(0, MOST_CELLS).map((one) => ({ column: one.column, name: one.column, kind: "", words: words.get(one.column) ?? [], inputs: one.inputs, text: one.cell, steps: one.steps })),
    ...inputs.map(({ address, name }) => ({ column: address, name: name || address, kind: "", words: [], inputs: [], text: brief(value(address), 6).replace("−", "-"), steps: [] })),
    ...truthsOf(hello, frame).map((one) => ({ ...one, kind: "target", words: hello.target.classes, inputs: [], steps: [] })),
  ];
}

/** The row's truth by the names of the targets. @param {import("../types.js").Hello} hello @param {Frame} frame */
function truthsOf(hello, frame) {
  if (!frame.answer) return [];
  const all = Array.isArray(frame.answer.truth) ? frame.answer.truth : [frame.answer.truth];
  const last = hello.network.layers.length - 1;
  const outputs = hello.network.neurons.filter((one) => one.layer === last);
  return hello.target.names.slice(0, MOST_CELLS).map((name, k) => ({
    column: hello.cells ? name : `y[${k + 1}]`,
    name: hello.cells ? name : outputs[k]?.name || name,
    text: all[k] === null || all[k] === undefined ? "" : String(all[k]),
  }));
}

/** @param {Frame} frame */
function batchWords(frame) {
  if (frame.batch.size <= 1) return "";
  const where = frame.row === null ? "" : frame.row_in_batch ? ", this row among them" : ", this row not among them";
  return `The next update is made with ${frame.batch.size.toLocaleString("en")} rows${where}.`;
}

/**
 * The line of readings below the network: cost, loss, rate, and the answer.
 * @param {HTMLElement} element
 * @param {Studio} studio
 * @returns {Draw}
 */
export function buildReadings(element, { store }) {
  element.classList.add("moves");
  /** @param {string} words @param {string} address */
  const reading = (words, address) => {
    const number = h("button", { type: "button", class: "number", "data-address": address });
    const was = h("span", { class: "was" });
    const box = h("span", { class: "reading" }, h("span", { class: "label" }, words), number, was);
    return { box, number, was };
  };
  const cost = reading("cost", "C");
  const after = reading("after it", "C_new");
  const loss = reading("loss", "loss");
  const rate = reading("rate", "eta");
  const answer = h("span", { class: "reading answer" });
  const all = h("span", { class: "reading all", hidden: true });
  element.append(answer, all, loss.box, cost.box, after.box, rate.box);
  return (changed, { frame }) => {
    if (!frame || !changed.has("frame")) return;
    const old = frame.was;
    const rows = frame.batch.size > 1 ? `of the ${frame.batch.size.toLocaleString("en")} rows of the next update` : "of the row of the next update";
    if (cost.box.title !== rows) setAll(cost.box, { title: rows });
    for (const [part, value, before] of /** @type {const} */ ([[cost, frame.cost, old?.cost], [after, frame.cost_new, old?.cost_new], [loss, frame.row_loss, old?.row_loss], [rate, frame.eta, old?.eta]])) {
      say(part.was, before === undefined || before === null || before === value ? "" : `was ${brief(before, 4)}`);
      hide(part.box, value === null);
      say(part.number, brief(value, 5));
      setAll(part.number, { "data-value": value });
    }
    const told = frame.answer;
    all.hidden = !frame.together || !told;
    if (frame.together) all.replaceChildren(h("span", { class: "label", title: "The answer of all members together" }, `mean of ${store.state.hello?.members ?? ""}`), h("strong", { title: frame.together.words }, answerWords(frame.together)));
    if (!told) {
      if (answer.dataset.key !== "") answer.replaceChildren(h("span", { class: "label" }, "answer"), h("span", { class: "label" }, "not there yet"));
      answer.dataset.key = "";
      return;
    }
    const earlier = old?.answer && old.answer.words !== told.words ? old.answer : null;
    const key = JSON.stringify([told, earlier]);
    if (answer.dataset.key === key) return;
    answer.dataset.key = key;
    answer.replaceChildren(h("span", { class: "label" }, "answer"), h("strong", { title: told.words }, answerWords(told)), earlier ? h("span", { class: "was", title: earlier.words }, `was ${answerWords(earlier)}`) : "");
    if (told.truth !== null && told.truth !== undefined) {
      const mark = told.right === null ? "" : told.right ? " ✓" : " ✗";
      answer.append(h("span", { class: "label" }, "truth"), h("span", { class: told.right === false ? "wrong" : told.right ? "ok" : "" }, `${Array.isArray(told.truth) ? told.truth.join(", ") : told.truth}${mark}`));
    }
  };
}

/** The answer in few words: a class and its probability, else as it is told. @param {import("../types.js").AnswerShown} told */
function answerWords(told) {
  const own = told.each.find((one) => one.name === told.value);
  return own ? `${own.name} ${brief(own.value, 3)}` : told.words;
}
