// The mountain: the cost over two weights or over the plane of the path, descents beside each other, and the cost along a line.

import { brief } from "../arrays.js";
import { button, h, hide, nodesOf, say } from "../make.js";
import { HillPicture } from "./hillpicture.js";
import { hillTable, pathKey, placeWordsOf, shadeBar } from "./hillwords.js";
import { Follower, offer, press } from "./follow.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */
/** @typedef {import("../types.js").HillAnswer} HillAnswer */

const KINDS = { slice: "two weights", path: "the path's plane", race: "descents", weight: "one weight", line: "along the step" };
const SURFACES = new Set(["slice", "path", "race"]);

/** @param {HTMLElement} element @param {Studio} studio @returns {Draw} */
export function buildHill(element, studio) {
  return new Hill(element, studio).draw;
}

class Hill {
  /**
   * @param {HTMLElement} element
   * @param {Studio} studio
   */
  constructor(element, { store, api }) {
    this.element = element;
    this.store = store;
    this.api = api;
    /** @type {HillAnswer | null} */
    this.shown = null;
    this.taken = "";
    this.pictures = 0;
    this.coarse = "";
    this.follower = new Follower();
    this.picture = new HillPicture();
    this.kinds = this.group("What is seen", KINDS, (kind) => this.set({ kind }));
    this.views = this.group("From where", { surface: "surface", map: "from above" }, (view) => this.set({ view }));
    this.rows = this.group("Whose cost", { training: "training rows", batch: "this batch" }, (rows) => this.set({ rows }));
    this.along = this.group("Along what", { gradient: "the gradient", step: "its own step" }, (along) => this.set({ along }));
    this.a = this.select("a", "weight");
    this.b = this.select("b", "and");
    this.steps = this.select("steps", "steps");
    this.pace = this.select("pace", "first step");
    offer(this.steps.select, ["10", "20", "40", "100", "200"].map((name) => ({ name, title: name })), "40");
    offer(this.pace.select, [["-4", "× ¼"], ["-2", "× ½"], ["0", "as here"], ["2", "× 2"], ["4", "× 4"], ["7", "× 11"], ["10", "× 32"]].map(([name, title]) => ({ name, title })), "0");
    this.zoom = h("div", { class: "segments", role: "group", "aria-label": "Zoom" }, ...[["−", -1, "farther"], ["+", 1, "nearer"]].map(([words, by, name]) => button(String(words), () => this.set({ zoom: String(Number(this.view.zoom ?? 0) + Number(by)) }), { hint: String(name) })));
    this.back = button("start here", () => this.set({ start: "" }));
    this.none = h("p", { class: "quiet", hidden: true });
    this.legend = h("div", { class: "plane-legend" });
    this.said = h("ul", { class: "hill-said" });
    this.read = h("output", { class: "plane-read" });
    this.still = h("div", { class: "pictures" });
    this.table = h("div", { class: "twin-box", tabindex: 0, role: "region", "aria-label": "The picture as a table" });
    this.twin = /** @type {HTMLDetailsElement} */ (h("details", { class: "as-table" }, h("summary", {}, "As a table"), this.table));
    this.twin.addEventListener("toggle", () => this.fill());
    const seen = h("div", { class: "pair" }, this.views, this.zoom);
    this.weights = h("div", { class: "pair" }, this.a.label, this.b.label);
    this.pacing = h("div", { class: "pair" }, this.steps.label, this.pace.label, this.back);
    const side = h("div", { class: "plane-side" }, seen, this.pacing, this.legend, this.read, this.said, this.rows, this.twin);
    this.body = h("div", { class: "plane-body", hidden: true }, this.picture.element, side);
    element.append(h("div", { class: "tools" }, this.kinds, this.weights, this.along), this.none, this.body, this.still);
    this.picture.onpoint = (place) => this.point(place);
    this.picture.onstart = (x, y) => this.set({ start: `${x},${y}` });
    this.picture.onturn = (turn, tilt) => this.set({ turn: String(turn), tilt: String(tilt) });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint(true));
    new ResizeObserver(() => this.paint()).observe(this.picture.element);
    this.draw = this.draw.bind(this);
  }

  /** What is chosen. */
  get view() {
    return this.store.state.view.hill;
  }

  get kind() {
    return this.view.kind ?? "slice";
  }

  /**
   * @param {string} label
   * @param {Record<string, string>} choices
   * @param {(value: string) => void} choose
   */
  group(label, choices, choose) {
    return h("div", { class: "segments", role: "group", "aria-label": label }, ...Object.entries(choices).map(([value, words]) => h("button", { type: "button", "data-value": value, onclick: () => choose(value) }, words)));
  }

  /** @param {string} key @param {string} words */
  select(key, words) {
    const select = /** @type {HTMLSelectElement} */ (h("select", { onchange: () => this.set({ [key]: select.value }) }));
    return { select, label: h("label", { class: "choice" }, h("span", { class: "label" }, words), select) };
  }

  /**
   * Choose something else; of two weights that would be one, they change places.
   * @param {Record<string, string>} patch
   */
  set(patch) {
    const now = { a: this.shown?.a ?? "", b: this.shown?.b ?? "", ...this.view };
    const made = { ...this.view, ...patch };
    if (patch.a && patch.a === now.b) made.b = now.a;
    if (patch.b && patch.b === now.a) made.a = now.b;
    if (patch.a || patch.b) delete made.start;
    this.store.look({ hill: made });
  }

  /** @type {Draw} */
  draw(changed, state) {
    if (state.view.tab !== "mountain" || !state.frame || !state.hello) return;
    if (changed.has("hello")) this.follower.forget();
    // What is only looked at otherwise, or taken along, is drawn at once.
    const only = changed.has("view.hill") || (changed.has("view") && changed.has("frame"));
    if (changed.has("frame") || changed.has("view") || changed.has("hello") || changed.has("all")) {
      this.choices();
      if (only) this.paint();
      this.ask();
    }
  }

  ask() {
    const { api, store } = this;
    const next = () => {
      const { frame, hello, view } = store.state;
      if (!frame || !hello || view.tab !== "mountain") return null;
      const { a, b, rows, zoom, start, steps, pace, along } = this.view;
      const { kind } = this;
      // While it plays, and at once after a step, a coarser picture; then the finer one.
      const now = [kind, frame.t, frame.seq, hello.generation].join(" ");
      const quick = !hello.recorded && (frame.playing || (kind !== "race" && now !== this.coarse)) ? 1 : null;
      const width = Math.max(300, Math.min(430, Math.round(this.element.clientWidth) - 24));
      const address = a || this.shown?.a || hello.network.edges.list[0]?.[2] || null;
      const asked = SURFACES.has(kind)
        ? { kind, a: a || null, b: b || null, rows: rows || null, zoom: zoom || null, t: frame.t, quick, ...(kind === "race" ? { start: start || null, steps: steps || null, pace: pace || null } : {}) }
        : { kind, name: kind === "weight" ? address : along || "gradient", t: frame.t, width };
      const key = JSON.stringify([asked, hello.generation, frame.run ?? 0, frame.playing ? 0 : frame.seq]);
      this.coarse = now;
      return { key, ask: async () => ({ found: await api.ask(SURFACES.has(kind) ? "mountain" : "picture", asked), kind }) };
    };
    return this.follower.follow(next, ({ found, kind }) => {
      if (found) this.take(found, kind);
      this.element.classList.toggle("waits", this.taken !== this.kind);
      this.store.flush();
    });
  }

  /** @param {any} found @param {string} kind */
  take(found, kind) {
    const surface = SURFACES.has(kind);
    this.taken = kind;
    say(this.none, found.problem ? (typeof found.problem === "string" ? found.problem : found.problem.words) : "");
    this.none.hidden = !found.problem;
    this.body.hidden = Boolean(found.problem) || !surface;
    this.still.hidden = Boolean(found.problem) || surface;
    if (found.problem) return;
    this.pictures += 1;
    this.element.setAttribute("data-pictures", String(this.pictures));
    if (!surface) {
      const twin = h("details", { class: "as-table", open: Boolean(this.still.querySelector("details[open]")) }, h("summary", {}, "As a table"), h("div", { class: "twin-box", tabindex: 0, role: "region", "aria-label": "The picture as a table" }, nodesOf(found.table)));
      this.still.replaceChildren(h("figure", { class: "picture", "aria-label": found.title }, nodesOf(found.nodes), twin));
      return;
    }
    this.shown = found;
    this.choices();
    this.paint();
  }

  /** Show what is chosen, and of the choices those that there are. */
  choices() {
    const { kind, view, shown } = this;
    const recorded = Boolean(this.store.state.hello?.recorded);
    press(this.kinds, kind);
    // Until the picture that was asked for is there, the one before stands back.
    this.element.classList.toggle("waits", this.taken !== kind);
    // A file has the slice, the path's plane and the lines at some updates.
    hide(/** @type {HTMLElement} */ (this.kinds.querySelector("[data-value=race]")), recorded);
    for (const one of [this.rows, this.zoom]) hide(one, recorded);
    for (const one of [this.a, this.b]) one.select.disabled = recorded;
    press(this.views, this.from());
    press(this.rows, view.rows ?? "training");
    press(this.along, view.along ?? "gradient");
    this.a.label.hidden = kind === "path" || kind === "line";
    this.b.label.hidden = kind !== "slice" && kind !== "race";
    this.weights.hidden = this.a.label.hidden;
    this.pacing.hidden = kind !== "race";
    this.back.hidden = !view.start;
    this.along.hidden = kind !== "line";
    if (view.steps) this.steps.select.value = view.steps;
    if (view.pace) this.pace.select.value = view.pace;
    if (!shown) return;
    const list = shown.parameters.map((name) => ({ name, title: this.called(name) }));
    offer(this.a.select, list, view.a || shown.a);
    offer(this.b.select, list, view.b || shown.b);
  }

  /** What a parameter is called in the notation. @param {string} address */
  called(address) {
    return this.store.state.frame?.names?.[address] ?? address;
  }

  /** From where it is seen. */
  from() {
    return this.view.view ?? (this.kind === "race" ? "map" : "surface");
  }

  /** @param {boolean} [colors] read the colors anew */
  paint(colors = false) {
    const { shown, view, picture } = this;
    if (colors) picture.recolor();
    if (!shown || this.body.hidden || this.store.state.view.tab !== "mountain") return;
    const names = /** @type {[string, string]} */ ([shown.x.name, shown.y.name].map((name) => this.called(name)));
    picture.show(shown, { from: this.from(), turn: Number(view.turn ?? 35), tilt: Number(view.tilt ?? 32), names });
    const { cost } = shown.here;
    const whose = h("p", { class: "quiet" }, `C of ${shown.rows}`);
    this.legend.replaceChildren(h("p", { class: "plane-title" }, `cost here ${brief(cost, 5)}`), whose, shadeBar(shown, picture.colors), ...pathKey(shown));
    this.said.replaceChildren(...shown.said.map((words) => h("li", {}, words)));
    this.point(picture.place);
    if (this.twin.open && !this.store.state.frame?.playing) this.fill();
  }

  /** @param {[number, number] | null} place */
  point(place) {
    const { shown } = this;
    const words = shown && place ? placeWordsOf(shown, place, [this.called(shown.x.name), this.called(shown.y.name)]) : "";
    say(this.read, words || (this.from() === "surface" ? "Drag, or use the arrow keys, to turn it." : this.kind === "race" ? "Drag the start, or move the cross with the arrow keys and press Enter." : ""));
  }

  fill() {
    this.table.replaceChildren(...(this.twin.open && this.shown ? [hillTable(this.shown)] : []));
  }
}
