// The row that is shown: which one, its cells as they stand in the table, what they become, and the answer.

import { Places, brief } from "../arrays.js";
import { button, h, hide, say, setAll } from "../make.js";
import { isTime, steers } from "../part.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */
/** @typedef {import("../types.js").Frame} Frame */
/** @typedef {{name: HTMLElement, made: HTMLElement, raw: HTMLElement, numbers: {number: HTMLElement, button: HTMLElement}[]}} DrawnCell */

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
  element.append(head, many, cells, batch);
  let shown = "";
  let formed = "";
  /** @type {DrawnCell[]} */
  let drawn = [];
  const clock = { last: 0 };
  /** @type {Places | null} */
  let places = null;
  return (changed, state) => {
    const { hello, frame } = state;
    if (!hello || !frame || !(changed.has("frame") || changed.has("hello") || changed.has("client"))) return;
    if (changed.has("hello") || !places) places = new Places(hello);
    const mine = steers(state);
    for (const each of [before, after]) each.disabled = !mine || numbers().length < 2;
    number.disabled = follow.disabled = !mine;
    hide(many, numbers().length < 2);
    if (document.activeElement !== number) number.value = String(frame.row ?? "");
    follow.checked = (frame.row_picked === undefined ? frame.row : frame.row_picked) === null;
    const now = JSON.stringify([frame.generation, frame.row, frame.place.pass === "cell" ? frame.place.index : "", frame.cells]);
    if (now !== shown && isTime(clock, state)) {
      shown = now;
      const told = frame.cells.slice(0, MOST_CELLS);
      const form = JSON.stringify([frame.generation, frame.cells.length, told.map(({ column, inputs }) => [column, inputs])]);
      if (form !== formed) {
        drawn = told.map(cellOf);
        cells.replaceChildren(...drawn.flatMap(({ name, made }) => [name, made]));
        const rest = frame.cells.length - MOST_CELLS;
        if (rest > 0) cells.append(h("dt", {}, "…"), h("dd", { class: "quiet" }, `${rest.toLocaleString("en")} more columns`));
      }
      formed = form;
      told.forEach((cell, i) => fillCell(drawn[i], cell, (address) => places?.value(address, frame) ?? null));
    }
    hide(cells, !frame.cells.length);
    say(batch, batchWords(frame));
  };
}

/**
 * The place of a cell and of the inputs that it becomes.
 * @param {import("../types.js").CellShown} cell
 * @returns {DrawnCell}
 */
function cellOf({ column, inputs }) {
  const raw = h("span", { class: "raw" });
  const numbers = inputs.map((input) => {
    const number = h("output", {});
    return { number, button: h("button", { type: "button", class: "number", "data-address": input }, h("span", { class: "label" }, input), number) };
  });
  const links = h("span", { class: "links" }, ...numbers.map((one) => one.button));
  return { name: h("dt", { title: column }, column), made: h("dd", { class: "cell" }, raw, links), raw, numbers };
}

/**
 * Write a cell as it stands in the table, and the inputs that it becomes; how, is in the title and asked for by a click.
 * @param {DrawnCell} drawn
 * @param {import("../types.js").CellShown} cell
 * @param {(address: string) => number | null} value
 */
function fillCell({ raw, numbers }, { cell, steps, inputs }, value) {
  say(raw, cell === "" ? "(missing)" : cell);
  numbers.forEach(({ number, button: one }, k) => {
    const now = value(inputs[k]);
    say(number, brief(now, 3));
    setAll(one, { title: steps[k]?.words ?? null });
    one.classList.toggle("nothing", now === 0);
  });
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
 * @param {Studio} _studio
 * @returns {Draw}
 */
export function buildReadings(element, _studio) {
  element.classList.add("moves");
  /** @param {string} words @param {string} address */
  const reading = (words, address) => {
    const number = h("button", { type: "button", class: "number", "data-address": address });
    const box = h("span", { class: "reading" }, h("span", { class: "label" }, words), number);
    return { box, number };
  };
  const cost = reading("cost", "C");
  const after = reading("after it", "C_new");
  const loss = reading("loss", "loss");
  const rate = reading("rate", "eta");
  const answer = h("span", { class: "reading answer" });
  element.append(answer, loss.box, cost.box, after.box, rate.box);
  return (changed, { frame }) => {
    if (!frame || !changed.has("frame")) return;
    for (const [part, value] of /** @type {const} */ ([[cost, frame.cost], [after, frame.cost_new], [loss, frame.row_loss], [rate, frame.eta]])) {
      hide(part.box, value === null);
      say(part.number, brief(value, 5));
      setAll(part.number, { "data-value": value });
    }
    const told = frame.answer;
    if (!told) {
      if (answer.dataset.key !== "") answer.replaceChildren(h("span", { class: "label" }, "answer"), h("span", { class: "label" }, "not there yet"));
      answer.dataset.key = "";
      return;
    }
    const key = JSON.stringify(told);
    if (answer.dataset.key === key) return;
    answer.dataset.key = key;
    answer.replaceChildren(h("span", { class: "label" }, "answer"), h("strong", { title: told.words }, answerWords(told)));
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
