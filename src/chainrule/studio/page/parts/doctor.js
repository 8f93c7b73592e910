// The doctor: what is wrong at this place, on which neuron, by which numbers; and buttons that try a way out on a branch.

import { button, h, say } from "../make.js";
import { isTime, steers } from "../part.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */
/** @typedef {import("../types.js").FindingShown} FindingShown */

/** The most addresses that a finding names. */
const MOST_NAMED = 8;

/**
 * @param {HTMLElement} element
 * @param {Studio} studio
 * @returns {Draw}
 */
export function buildDoctor(element, { store, api }) {
  const list = h("ul", { class: "findings" });
  const none = h("p", { class: "quiet" });
  const when = h("p", { class: "quiet" });
  element.append(when, none, list);
  let shown = "";
  const clock = { last: 0 };
  return (changed, state) => {
    const { frame, view } = state;
    if (view.tab !== "layers" || !frame || frame.follows || !(changed.has("frame") || changed.has("client") || changed.has("view.tab"))) return;
    const found = frame.findings ?? [];
    const looked = frame.findings !== undefined;
    const mine = steers(state);
    const compares = Boolean(state.hello?.rows.validation) && frame.t > 0;
    const key = JSON.stringify([found, mine, frame.names, frame.t, compares, looked]);
    if (key === shown || !isTime(clock, state)) return;
    shown = key;
    when.hidden = !looked;
    none.hidden = found.some((one) => one.grave);
    say(none, !looked ? "What the doctor says of this place isn't in this file." : found.length ? "Nothing is wrong here as far as these rows show; a remark:" : `Nothing is wrong here as far as these rows show: no dead or saturated layer, no gradient that vanishes or explodes${compares ? ", no sign of overfitting" : ""}.`);
    say(when, `Looked at: the parameters after update ${frame.t.toLocaleString("en")}, epoch ${frame.epoch.toLocaleString("en")}.`);
    const held = document.activeElement?.closest?.(".findings") ? document.activeElement.textContent : null;
    list.replaceChildren(...found.map((one) => item(one, frame.names ?? {}, mine)));
    if (held) [...list.querySelectorAll("button")].find((one) => one.textContent === held)?.focus();
  };

  /**
   * @param {FindingShown} finding
   * @param {Record<string, string>} names
   * @param {boolean} mine
   */
  function item(finding, names, mine) {
    const where = finding.where.slice(0, MOST_NAMED).map((address) => h("button", { type: "button", class: "number", "data-address": address }, names[address] ?? address));
    if (finding.where.length > MOST_NAMED) where.push(h("span", { class: "quiet" }, `and ${finding.where.length - MOST_NAMED} more`));
    const numbers = finding.numbers.flatMap(({ name, value }) => [h("dt", {}, name), h("dd", {}, value)]);
    const ways = finding.ways.map(({ words, edits, anew }) => {
      const hint = anew ? "Try it from the beginning, on a branch" : "Try it from here, on a branch";
      const one = button(words, () => api.send({ do: "edit", edits, ...(anew ? { anew } : {}) }), { hint });
      one.disabled = !mine;
      return one;
    });
    return h(
      "li",
      { class: finding.grave ? "grave" : "remark" },
      h("h3", {}, finding.what),
      h("p", { class: "places" }, ...where),
      h("p", { class: "why" }, `${finding.why.charAt(0).toUpperCase()}${finding.why.slice(1)}.`),
      h("dl", { class: "evidence" }, ...numbers),
      ways.length ? h("div", { class: "pair", role: "group", "aria-label": "Try on a branch" }, h("span", { class: "label" }, "Try:"), ...ways) : h("p", { class: "quiet" }, `To try: ${finding.remedy}.`),
    );
  }
}

/**
 * What the tab of the doctor says: how many findings there are.
 * @param {FindingShown[] | undefined} findings
 */
export function doctorWords(findings) {
  const count = (findings ?? []).filter((one) => one.grave).length;
  return count ? `Doctor · ${count}` : "Doctor";
}
