// The controls, made from the settings' own fields; nothing happens until "Start again with these" is pressed.

import { button, h, say } from "../make.js";
import { steers } from "../part.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */
/** @typedef {import("../types.js").Field} Field */
/** @typedef {import("../types.js").FieldGroup} FieldGroup */
/** @typedef {{field: Field, box: HTMLElement, read: () => any, before: string}} Control */

const OWN = new Set(["target", "inputs"]);

/**
 * @param {HTMLElement} element
 * @param {Studio} studio
 * @returns {Draw}
 */
export function buildSettings(element, { store, api }) {
  /** @type {Control[]} */
  let controls = [];
  let filled = "{}";
  const form = h("form", { class: "settings", novalidate: true });
  const groups = h("div", { class: "groups" });
  const state = h("p", { class: "quiet", "aria-live": "polite" });
  const apply = /** @type {HTMLButtonElement} */ (h("button", { type: "submit", class: "primary" }, "Start again with these"));
  const undo = button("Leave as it is", () => fill(store.state.hello?.form ?? []), {});
  const small = button("The small network", () => api.send({ do: "build", recipe: "small", ...aside() }), {});
  const full = button("The full recipe", () => api.send({ do: "build", recipe: "full", ...aside() }), { hint: "What chainrule train would choose: several members, a wider network, early stopping" });
  const beside = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox" }));
  let chosen = false;
  beside.addEventListener("change", () => (chosen = true));
  /** Whether there is something that a new run would take the place of. */
  const worthKeeping = () => {
    const { frame } = store.state;
    return Boolean(frame && (frame.t > 0 || frame.branch || (frame.runs?.length ?? 0) > 1 || frame.phase === "ended"));
  };
  const aside = () => (beside.checked || (!chosen && worthKeeping()) ? { beside: true } : {});
  const kept = h("label", { class: "check-line", title: "Both are there then, to be compared epoch by epoch" }, beside, h("span", {}, "beside this run, to compare"));
  const recipes = h("div", { class: "pair" }, small, full);
  form.append(groups, state, kept, h("div", { class: "pair apply" }, apply, undo), recipes);
  element.append(h("h2", {}, "Settings"), form);

  const changes = () => controls.filter((one) => JSON.stringify(one.read()) !== one.before);
  const tell = () => {
    const found = changes();
    for (const one of controls) one.box.classList.toggle("changed", found.includes(one));
    apply.hidden = undo.hidden = kept.hidden = !found.length;
    if (!found.length) chosen = false;
    if (!chosen) beside.checked = worthKeeping();
    say(state, found.length ? `Changed: ${found.map((one) => one.field.label).join(", ")}.` : "");
    state.hidden = !found.length;
  };
  form.addEventListener("input", tell);
  form.addEventListener("change", tell);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    /** @type {Record<string, any>} */
    const asked = {};
    /** @type {Record<string, any>} */
    const settings = {};
    for (const { field, read } of changes()) {
      if (OWN.has(field.name)) asked[field.name] = read();
      else settings[field.name] = read();
    }
    if (Object.keys(asked).length || Object.keys(settings).length) api.send({ do: "build", ...asked, settings, ...aside() });
  });

  /** @param {FieldGroup[]} list */
  const fill = (list) => {
    const own = store.state.frame?.settings ?? {};
    filled = JSON.stringify(own);
    list = list.map(({ group, fields }) => ({ group, fields: fields.map((one) => (one.name in own ? { ...one, value: /** @type {any} */ (own[one.name]) } : one)) }));
    controls = [];
    const first = h("div", { class: "fields" });
    const made = [];
    for (const { group, fields } of list) {
      const rest = fields.filter((field) => field.more);
      for (const field of fields.filter((one) => !one.more)) first.append(add(field));
      if (rest.length) made.push(h("details", { class: "group" }, h("summary", {}, group), h("div", { class: "fields" }, ...rest.map(add))));
    }
    const more = made.length ? h("details", { class: "all" }, h("summary", {}, "All settings"), ...made) : null;
    groups.replaceChildren(first, ...(more ? [more] : []));
    tell();
  };
  /** @param {Field} field */
  const add = (field) => {
    const one = controlOf(field);
    controls.push(one);
    return one.box;
  };

  return (changed, state_) => {
    const { hello } = state_;
    if (changed.has("hello") && hello) {
      fill(hello.form);
      recipes.hidden = hello.source.kind !== "table";
      element.hidden = !hello.form.length;
    }
    // What was changed on the way is shown as it is in the run that is on show, unless somebody is about to change more.
    if (hello && state_.frame && JSON.stringify(state_.frame.settings ?? {}) !== filled && !changes().length) fill(hello.form);
    if (!chosen && beside.checked !== worthKeeping()) beside.checked = worthKeeping();
    if (changed.has("frame") || changed.has("client")) {
      const mine = steers(state_);
      if (apply.disabled === mine) for (const each of [apply, undo, small, full]) each.disabled = !mine;
    }
  };
}

/**
 * @param {Field} field
 * @returns {Control}
 */
function controlOf(field) {
  const id = `set-${field.name}`;
  const { input, read } = inputOf(field, id);
  const help = field.help ? h("small", { id: `${id}-help`, class: "help" }, field.help) : null;
  if (help && input.matches("input, select")) input.setAttribute("aria-describedby", help.id);
  const flag = input.matches("[type=checkbox]");
  const label = flag ? h("label", { class: "check-line" }, input, h("span", {}, field.label)) : input.matches("details") ? null : h("label", { for: id }, field.label);
  const box = h("div", { class: `field kind-${field.kind}`, title: field.help ?? null }, label, flag ? null : input, help);
  return { field, box, read, before: JSON.stringify(read()) };
}

/**
 * @param {Field} field
 * @param {string} id
 * @returns {{input: HTMLElement, read: () => any}}
 */
function inputOf(field, id) {
  const { kind, value, choices = [], titles, unset } = field;
  if (kind === "flag") {
    if (value === null || value === undefined) return select(id, ["yes", "no"], null, unset, (text) => (text === "yes" ? true : text === "no" ? false : null));
    const input = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", id }));
    input.checked = Boolean(value);
    return { input, read: () => input.checked };
  }
  if (kind === "choice" || kind === "column") return select(id, choices, value === null || value === undefined ? null : String(value), kind === "choice" ? unset : "", (text) => text || null, titles);
  if (kind === "columns") return columns(field, id);
  const list = choices.length ? `${id}-list` : null;
  const number = kind === "number" ? "decimal" : null;
  const input = /** @type {HTMLInputElement} */ (h("input", { type: "text", id, inputmode: number, list, placeholder: unset || null, autocomplete: "off", spellcheck: "false" }));
  input.value = value === null || value === undefined ? "" : Array.isArray(value) ? value.join(", ") : String(value);
  const read = () => {
    const text = input.value.trim();
    if (!text) return null;
    return kind === "number" && Number.isFinite(Number(text)) ? Number(text) : text;
  };
  if (!list) return { input, read };
  const box = h("span", { class: "with-list" }, input, h("datalist", { id: list }, ...choices.map((one) => h("option", { value: one }))));
  return { input: box, read };
}

/**
 * @param {string} id
 * @param {string[]} choices
 * @param {string | null} value
 * @param {string} unset
 * @param {(text: string) => any} meaning
 * @param {string[]} [titles] what is read for each choice
 */
function select(id, choices, value, unset, meaning, titles = choices) {
  const input = /** @type {HTMLSelectElement} */ (h("select", { id }));
  if (unset || value === null) input.append(h("option", { value: "" }, unset || "–"));
  for (const [k, one] of choices.entries()) input.append(h("option", { value: one }, titles[k]));
  if (value !== null && !choices.includes(value)) input.append(h("option", { value }, value));
  input.value = value ?? "";
  return { input, read: () => meaning(input.value) };
}

/**
 * @param {Field} field
 * @param {string} id
 */
function columns({ label, value, choices = [], unset }, id) {
  const before = new Set(Array.isArray(value) ? value : []);
  /** @type {HTMLInputElement[] | null} */
  let boxes = null;
  const told = h("summary", {});
  const list = h("div", { class: "choices", role: "group", "aria-label": label });
  const chosen = () => (boxes ? boxes.filter((box) => box.checked).map((box) => box.value) : choices.filter((name) => before.has(name)));
  const count = () => say(told, `${label}: ${chosen().length ? `${chosen().length} chosen` : unset || "as chosen"}`);
  const input = h("details", { class: "columns", id }, told, list);
  // Many columns are many boxes: made when they are looked at.
  input.addEventListener("toggle", () => {
    if (boxes) return;
    boxes = choices.map((name) => /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", value: name, checked: before.has(name) })));
    list.append(...boxes.map((box) => h("label", { class: "check-line" }, box, h("span", {}, box.value))));
  });
  input.addEventListener("change", count);
  count();
  return { input, read: () => (chosen().length ? chosen() : null) };
}
