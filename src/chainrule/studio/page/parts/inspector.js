// Asked for: any number's formula, the numbers in it, its result and its check; in several forms, again with every frame.

import { Places, exact } from "../arrays.js";
import { button, fitted, h, hide, nodesOf, say } from "../make.js";
import { steers } from "../part.js";
import { Change } from "./change.js";
import { beside } from "./readout.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */
/** @typedef {import("../types.js").NumberAnswer} NumberAnswer */

const FORMS = { short: "as a product", paths: "over paths", matrix: "as a matrix" };

/**
 * @param {HTMLElement} element
 * @param {Studio} studio
 * @returns {Draw}
 */
export function buildInspector(element, studio) {
  const { store, api } = studio;
  const change = new Change(studio);
  const was = h("span", { class: "was" });
  const title = h("h2", { tabindex: -1 });
  const address = h("code", { class: "where" });
  const value = h("output", { class: "exact" });
  const check = h("p", { class: "agrees" });
  const body = h("div", { class: "answer-lines" });
  const waits = h("p", { class: "quiet", hidden: true }, "While it plays the number above goes on, and the lines wait.");
  const forms = h("div", { class: "segments", role: "group", "aria-label": "How it is written" });
  for (const [form, words] of Object.entries(FORMS)) {
    forms.append(h("button", { type: "button", "data-form": form, onclick: () => store.look({ form }) }, words));
  }
  const before = button("Back", () => back(), { icon: "left", kind: "flat" });
  const close = button("Close", () => shut(), { icon: "close", kind: "flat", key: "Escape" });
  const links = h("p", { class: "beside moves" });
  element.append(h("div", { class: "inspector-head" }, before, title, close), h("p", { class: "value-line" }, address, " = ", value, was), links, change.element, forms, check, waits, body);
  element.setAttribute("role", "region");
  element.setAttribute("aria-label", "The number asked for");
  /** @type {string[]} */
  const past = [];
  /** @type {Places | null} */
  let places = null;
  /** @type {AbortController | null} */
  let asking = null;
  /** @type {Element | null} */
  let from = null;
  let asked = "";
  let pinned = /** @type {string | null} */ (null);

  const back = () => {
    const last = past.pop();
    if (!last) return;
    store.look({ pinned: last });
    store.flush();
    past.pop();
    before.disabled = !past.length;
  };
  const shut = () => {
    past.length = 0;
    store.look({ pinned: null });
    if (from instanceof HTMLElement || from instanceof SVGElement) from.focus();
  };
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    shut();
  });

  const ask = async () => {
    const { frame, view } = store.state;
    if (!frame || !view.pinned) return;
    const key = [frame.generation, frame.run, (frame.branch ?? frame.whatif)?.edits.map((one) => one.words).join(), whoSteers(store.state), frame.t, frame.row, frame.member, frame.notation, view.pinned, view.form].join(" ");
    if (key === asked) return;
    asked = key;
    asking?.abort();
    asking = new AbortController();
    element.setAttribute("aria-busy", "true");
    const query = { address: view.pinned, t: frame.t, row: frame.row, member: frame.member, form: view.form, notation: frame.notation };
    const found = await api.ask("number", query, asking.signal);
    if (asked !== key) return;
    element.setAttribute("aria-busy", "false");
    if (!found) asked = "";
    else if (found.problem) {
      say(title, view.pinned);
      say(check, typeof found.problem === "string" ? found.problem : found.problem.words);
      check.className = "agrees wrong";
      body.replaceChildren();
      change.show(null);
    } else show(found);
  };

  /** @param {NumberAnswer} found */
  const show = (found) => {
    const called = store.state.frame?.names?.[found.address];
    say(title, called && called !== found.address ? `${called}, ${found.title}` : found.title);
    say(address, found.address);
    say(value, exact(found.value));
    value.setAttribute("data-value", String(found.value));
    change.show(found.change);
    const has = found.forms ?? Object.keys(FORMS);
    for (const each of forms.children) hide(/** @type {HTMLElement} */ (each), !has.includes(String(each.getAttribute("data-form"))));
    hide(forms, has.length < 2);
    check.className = `agrees ${found.ok === null ? "" : found.ok ? "ok" : "wrong"}`;
    say(check, found.ok === null ? "" : found.ok ? "✓ The checks beside its lines agree." : "✗ A check beside its lines does not agree.");
    body.replaceChildren(nodesOf(found.nodes));
    fitted(body);
  };

  return (changed, state) => {
    const { hello, frame, view } = state;
    if (changed.has("hello") && hello) places = new Places(hello);
    if (view.pinned !== pinned) {
      if (!pinned && view.pinned) from = document.activeElement;
      if (pinned && view.pinned) past.push(pinned);
      before.disabled = !past.length;
      pinned = view.pinned;
      document.body.classList.toggle("inspecting", Boolean(pinned));
      if (pinned) {
        say(title, pinned);
        say(address, pinned);
        body.replaceChildren();
        say(check, "");
        change.show(null);
        asked = "";
        element.scrollTop = 0;
        title.focus({ preventScroll: true });
        if (matchMedia("(max-width: 68rem)").matches) element.scrollIntoView({ block: "nearest" });
      }
    }
    hide(element, !pinned || !frame);
    if (!pinned || !frame) return;
    for (const each of forms.children) each.setAttribute("aria-pressed", String(each.getAttribute("data-form") === view.form));
    const old = places?.was(pinned, frame) ?? null;
    say(was, old === null ? "" : `was ${exact(old)}`);
    const others = places ? beside(pinned, places, frame) : [];
    const told = JSON.stringify([others, frame.notation, frame.generation]);
    if (told !== links.dataset.told) {
      links.dataset.told = told;
      links.replaceChildren(...(others.length ? [h("span", { class: "label" }, "beside it")] : []), ...others.map((one) => h("button", { type: "button", class: "number", "data-address": one }, frame.names?.[one] ?? one)));
    }
    const live = places?.value(pinned, frame);
    if (live !== null && live !== undefined) {
      say(value, exact(live));
      value.setAttribute("data-value", String(live));
    }
    // While it runs fast, the digits go on and the lines wait.
    const rests = !frame.playing || (frame.speed > 0 && frame.speed <= 2);
    hide(waits, rests);
    body.classList.toggle("stale", !rests);
    if (rests) ask();
  };
}

/** Who steers, in a word: what can be changed depends on it. @param {import("../store.js").State} state */
function whoSteers(state) {
  return steers(state) ? "mine" : "";
}
