// What can be changed at the number asked for: set it, freeze it, choose another activation; what follows is a branch.

import { brief } from "../arrays.js";
import { h, say } from "../make.js";
import { steers } from "../part.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../types.js").ChangeOffered} ChangeOffered */
/** @typedef {Record<string, any>} EditAsked */

const STEPS = 400;

/** The controls below a number; shown anew whenever the server says what can be changed there. */
export class Change {
  /** @param {Studio} studio */
  constructor({ store, api }) {
    this.store = store;
    this.api = api;
    /** @type {ChangeOffered | null} */
    this.now = null;
    this.dragged = false;
    this.element = h("form", { class: "change", hidden: true, novalidate: true });
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.set();
    });
  }

  /** @param {EditAsked} edit @param {boolean} [again] */
  send(edit, again = false) {
    this.api.send({ do: "edit", edits: [edit], ...(again ? { again } : {}) });
  }

  /** @param {ChangeOffered | null | undefined} offered */
  show(offered) {
    const key = (/** @type {ChangeOffered | null} */ one) => (one ? [one.kind, one.address, one.name, one.layer, one.column, one.row].join(" ") : "");
    const same = this.now !== null && key(this.now) === key(offered ?? null);
    this.now = offered ?? null;
    this.element.hidden = !offered;
    if (!offered) return this.element.replaceChildren();
    if (!same) this.build(offered);
    this.fill(offered);
  }

  /** @param {ChangeOffered} offered */
  build(offered) {
    const { kind, choices = [] } = offered;
    this.slider = this.mark = this.list = null;
    const words = { number: "Set it to", setting: "Set it to", activation: "Activation of its layer", cells: `${offered.column} of row ${offered.row}` }[kind];
    if (kind === "activation") {
      this.list = /** @type {HTMLSelectElement} */ (h("select", { onchange: () => this.set() }, ...choices.map((one) => h("option", { value: one }, one))));
      this.element.replaceChildren(h("label", {}, h("span", {}, words), this.list));
      return;
    }
    const id = choices.length ? "change-choices" : null;
    this.field = /** @type {HTMLInputElement} */ (h("input", { type: "text", inputmode: kind === "cells" ? null : "decimal", size: 12, list: id, autocomplete: "off", spellcheck: "false", placeholder: kind === "cells" ? "missing" : null }));
    const parts = [h("label", {}, h("span", {}, words), this.field), h("button", { type: "submit" }, "Set")];
    if (id) parts.push(h("datalist", { id }, ...choices.map((one) => h("option", { value: one }))));
    if (kind === "number") {
      this.slider = /** @type {HTMLInputElement} */ (h("input", { type: "range", min: -STEPS, max: STEPS, step: 1, "aria-label": "Drag it" }));
      this.slider.addEventListener("input", () => this.drag());
      this.slider.addEventListener("change", () => (this.dragged = false));
      parts.push(this.slider);
      if (offered.frozen !== null) {
        const mark = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox" }));
        mark.addEventListener("change", () => this.send({ kind: "frozen", address: this.now?.address, frozen: mark.checked }));
        this.mark = mark;
        parts.push(h("label", { class: "check-line" }, mark, h("span", {}, "frozen: training leaves it alone")));
      }
    }
    this.element.replaceChildren(...parts);
  }

  /** @param {ChangeOffered} offered */
  fill(offered) {
    const mine = steers(this.store.state);
    for (const one of [this.field, this.slider, this.mark, this.list]) if (one) one.disabled = !mine;
    if (offered.kind === "activation" && this.list) this.list.value = String(offered.value);
    const text = offered.value === null ? "" : typeof offered.value === "number" ? brief(offered.value, 6).replace("−", "-") : offered.value;
    if (this.field && document.activeElement !== this.field) this.field.value = text;
    if (this.mark) this.mark.checked = Boolean(offered.frozen);
    if (this.slider && !this.dragged && document.activeElement !== this.slider) {
      this.reach = offered.reach ?? 1;
      this.slider.value = String(Math.round((STEPS * Number(offered.value)) / this.reach));
    }
    if (this.slider) this.slider.setAttribute("aria-valuetext", text);
  }

  /** Send what stands in the field. */
  set() {
    const { now } = this;
    if (!now) return;
    if (now.kind === "activation") return this.send({ kind: "activation", layer: now.layer, name: this.list?.value });
    const text = this.field?.value.trim().replace("−", "-") ?? "";
    if (now.kind === "cells") return this.send({ kind: "cells", row: now.row, cells: { [String(now.column)]: text === "" ? null : text } });
    const value = text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
    this.send(now.kind === "number" ? { kind: "number", address: now.address, value } : { kind: "setting", name: now.name, value });
  }

  /** Send where the slider stands; all of one drag is one change. */
  drag() {
    const { now, slider } = this;
    if (!now || !slider || this.api.busy) return;
    const value = Number(((Number(slider.value) * (this.reach ?? 1)) / STEPS).toPrecision(4));
    this.send({ kind: "number", address: now.address, value }, this.dragged);
    this.dragged = true;
    if (this.field) this.field.value = String(value);
    say(slider, "");
  }
}
