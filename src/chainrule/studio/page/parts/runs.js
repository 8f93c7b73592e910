// The runs side by side: which there are, to go to and to close; their curves and numbers at the same epoch, and what differs.

import { button, h, nodesOf } from "../make.js";
import { steers } from "../part.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */
/** @typedef {import("../types.js").RunLine} RunLine */

const CURVES = ["validation", "training"];
/** The least milliseconds between two comparisons while something trains. */
const PACE = 600;

/**
 * @param {HTMLElement} element
 * @param {Studio} studio
 * @returns {Draw}
 */
export function buildRuns(element, { store, api }) {
  let name = "validation";
  let asked = "";
  let last = 0;
  let late = 0;
  /** @type {AbortController | null} */
  let asking = null;
  const list = h("ul", { class: "runs-list", "aria-label": "The runs" });
  const kinds = h("div", { class: "segments", role: "group", "aria-label": "Which loss" });
  for (const one of CURVES) {
    kinds.append(h("button", { type: "button", "data-curve": one, "aria-pressed": String(one === name), onclick: () => {
      name = one;
      for (const each of kinds.children) each.setAttribute("aria-pressed", String(each.getAttribute("data-curve") === name));
      ask();
    } }, one));
  }
  const body = h("div", { class: "pictures" });
  element.append(list, h("div", { class: "tools" }, kinds), body);

  const ask = async () => {
    const { frame, hello } = store.state;
    if (!frame || !hello || !frame.runs) return;
    const key = JSON.stringify([name, hello.generation, frame.run, frame.epoch, frame.runs]);
    if (key === asked) return;
    const now = performance.now();
    if (now - last < PACE) return void (late ||= setTimeout(again, PACE));
    [asked, last] = [key, now];
    asking?.abort();
    asking = new AbortController();
    const width = Math.max(320, Math.min(760, Math.round(element.clientWidth) - 24));
    const found = await api.ask("picture", { kind: "compare", name, width }, asking.signal);
    if (asked !== key) return;
    if (!found) return void (asked = "");
    const problem = typeof found.problem === "string" ? found.problem : found.problem?.words;
    body.replaceChildren(problem ? h("p", { class: "quiet" }, problem) : nodesOf(found.nodes));
    // A wide table is scrolled, by keys too.
    const table = body.querySelector("table");
    if (table) table.replaceWith(h("div", { class: "runs-box", tabindex: 0, role: "group", "aria-label": "The runs in numbers" }, table.cloneNode(true)));
  };
  const again = () => {
    late = 0;
    ask();
  };

  /** @param {RunLine[]} runs @param {number | undefined} shown @param {boolean} mine */
  const fill = (runs, shown, mine) => {
    const held = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.key : undefined;
    list.replaceChildren(...runs.map((run) => {
      const go = h("button", { type: "button", "data-key": `go ${run.number}`, "aria-pressed": String(run.number === shown), onclick: () => api.send({ do: "run", number: run.number }) }, `Run ${run.number}`);
      const from = run.from === null ? "" : `, from run ${run.from} after its update ${run.at.toLocaleString("en")}`;
      const close = button(`Close run ${run.number}`, () => api.send({ do: "close_run", number: run.number }), { icon: "close", kind: "flat" });
      for (const one of [/** @type {HTMLButtonElement} */ (go), close]) one.disabled = !mine;
      close.hidden = run.number === shown;
      return h("li", {}, go, h("span", { class: "words" }, run.words), h("span", { class: "quiet" }, `${run.epochs.toLocaleString("en")} epoch${run.epochs === 1 ? "" : "s"}${from}`), close);
    }));
    if (held) /** @type {HTMLElement | null} */ (list.querySelector(`[data-key="${held}"]`))?.focus();
  };

  let told = "";
  return (changed, state) => {
    const { frame, hello, view } = state;
    if (view.tab !== "runs" || !frame || !(changed.has("frame") || changed.has("client") || changed.has("view.tab"))) return;
    const mine = steers(state);
    const key = JSON.stringify([frame.runs, frame.run, mine]);
    if (key !== told) fill(frame.runs ?? [], frame.run, mine);
    told = key;
    if (!frame.runs) return body.replaceChildren(h("p", { class: "quiet" }, hello?.recorded ? "This file holds one run; in a studio, several are compared here." : "There is one run. Change a number, or start again beside it with other settings: then they are compared here."));
    ask();
  };
}
