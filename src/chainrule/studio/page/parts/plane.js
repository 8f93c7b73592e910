// The plane of two columns: what the network answers there, or what one neuron is, with the rows as points.

import { h, say } from "../make.js";
import { steers } from "../part.js";
import { heatColors } from "../draw/heat.js";
import { Follower, offer, press } from "./follow.js";
import { PlaneEdit } from "./planeedit.js";
import { PlanePicture } from "./planepicture.js";
import { legendOf, pixelWords, pointWords, twinOf } from "./planewords.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */
/** @typedef {import("../types.js").PlaneAnswer} PlaneAnswer */

const NEURON = /^a\[[1-9]\d*\]\[\d+\]$/;

/** @param {HTMLElement} element @param {Studio} studio @returns {Draw} */
export function buildPlane(element, studio) {
  return new Plane(element, studio).draw;
}

class Plane {
  /**
   * @param {HTMLElement} element
   * @param {Studio} studio
   */
  constructor(element, { store, api }) {
    this.element = element;
    this.store = store;
    this.api = api;
    /** @type {PlaneAnswer | null} */
    this.shown = null;
    /** @type {PlaneAnswer | null} */
    this.about = null;
    this.basis = "";
    this.follower = new Follower();
    this.pictures = 0;
    this.colors = heatColors();
    this.picture = new PlanePicture("The plane; arrow keys go from place to place, Enter picks the nearest row");
    this.selects = { x: this.select("across", "x"), y: this.select("up", "y"), show: this.select("shown", "show") };
    this.adding = this.select("a click");
    this.adding.select.onchange = () => this.choices(this.heldAt);
    this.heldAt = "typical";
    this.heat = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", onchange: () => store.look({ heat: this.heat.checked }) }));
    this.held = h("div", { class: "segments", role: "group", "aria-label": "Where the other columns are held" });
    for (const [name, words] of [["typical", "typical cells"], ["row", "the row"]]) this.held.append(h("button", { type: "button", "data-value": name, onclick: () => this.set({ held: name }) }, words));
    this.which = h("div", { class: "segments", role: "group", "aria-label": "Whose answer" });
    for (const [name, words] of [["0", "mean of all"], ["1", "this member"]]) this.which.append(h("button", { type: "button", "data-value": name, onclick: () => this.set({ whose: name }) }, words));
    this.legend = h("div", { class: "plane-legend" });
    this.words = h("p", { class: "quiet held-at" });
    this.read = h("output", { class: "plane-read" });
    this.none = h("p", { class: "quiet" });
    this.table = h("div", { class: "twin-box", tabindex: 0, role: "region", "aria-label": "The picture as a table" });
    this.twin = /** @type {HTMLDetailsElement} */ (h("details", { class: "as-table" }, h("summary", {}, "As a table"), this.table));
    this.twin.addEventListener("toggle", () => this.fill());
    const label = h("label", { class: "check-line" }, this.heat, "maps in the neurons");
    const side = h("div", { class: "plane-side" }, this.legend, this.read, this.held, this.words, this.which, this.adding.label, label, this.twin);
    this.body = h("div", { class: "plane-body", hidden: true }, this.picture.element, side);
    element.append(h("div", { class: "tools" }, ...Object.values(this.selects).map((one) => one.label)), this.none, this.body);
    const edit = new PlaneEdit(api);
    this.picture.ondrag = (row, x, y, done) => {
      if (this.shown) edit.drag(this.shown, row, x, y, done);
    };
    this.picture.onadd = (x, y) => {
      const { hello, frame } = store.state;
      const name = this.adding.select.value.slice(1);
      const { plane } = store.state.view;
      // The new row is picked; where the others are held stays what it was.
      if (!plane.held) store.look({ plane: { ...plane, held: this.heldAt } });
      if (this.shown && hello) edit.add(this.shown, frame?.row ?? null, x, y, name ? { [hello.target.names[0]]: name } : {});
    };
    this.picture.onpoint = (place, near) => this.point(place, near);
    this.picture.onpick = (row) => {
      if (steers(store.state)) api.send({ do: "row", number: row });
    };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.colors = heatColors();
      if (this.shown) this.paint();
    });
    new ResizeObserver(() => {
      if (this.shown) this.paint(true);
    }).observe(this.picture.element);
    this.draw = this.draw.bind(this);
  }

  /** @param {string} words @param {string} [key] of what is chosen */
  select(words, key) {
    const select = /** @type {HTMLSelectElement} */ (h("select"));
    if (key) select.addEventListener("change", () => this.set({ [key]: select.value }));
    return { select, label: h("label", { class: "choice" }, h("span", { class: "label" }, words), select) };
  }

  /**
   * Choose something else to be seen; a column that is the other axis already changes places with it.
   * @param {Record<string, string>} patch
   */
  set(patch) {
    const { plane } = this.store.state.view;
    const now = { x: this.about?.x.name ?? "", y: this.about?.y.name ?? "", ...plane };
    const made = { ...plane, ...patch };
    if (patch.x && patch.x === now.y) made.y = now.x;
    if (patch.y && patch.y === now.x) made.x = now.y;
    this.store.look({ plane: made });
  }

  /** @type {Draw} */
  draw(changed, state) {
    const { view, frame, hello } = state;
    if (view.tab !== "plane" || !frame || !hello) {
      if (state.heats) this.store.change({ heats: null });
      return;
    }
    if (changed.has("hello")) this.basis = "";
    if (changed.has("view.pinned") && view.pinned && NEURON.test(view.pinned) && this.about?.shows?.some((one) => one.name === view.pinned)) this.set({ show: view.pinned });
    this.heat.checked = view.heat;
    if (!view.heat && state.heats) this.store.change({ heats: null });
    // Who comes back finds them as they were, until something else is answered.
    if (view.heat && !state.heats && changed.has("view.tab") && this.shown?.heats) this.store.change({ heats: this.shown.heats });
    if (changed.has("frame") || changed.has("view") || changed.has("hello") || changed.has("all")) this.ask();
  }

  /** What is asked for, of the state as it is now. */
  query() {
    const { view, frame, hello } = this.store.state;
    if (!frame || !hello || view.tab !== "plane") return null;
    // A file has one plane at some updates.
    if (hello.recorded) return { asked: { t: frame.t }, held: "typical", heat: 1, quick: null, basis: `recorded ${frame.t}` };
    const { plane } = view;
    const held = plane.held || (frame.row_picked ? "row" : "typical");
    const member = hello.members > 1 && plane.whose === "1" ? frame.member : null;
    const asked = { x: plane.x || null, y: plane.y || null, show: plane.show || null, row: held === "row" ? frame.row : null, member, t: frame.t };
    return { asked, held, heat: view.heat ? 1 : null, quick: frame.playing ? 1 : null, basis: [hello.generation, frame.run ?? 0, JSON.stringify(frame.branch?.edits ?? ""), plane.x, plane.y, plane.show].join("|") };
  }

  ask() {
    const next = () => {
      const now = this.query();
      if (!now) return null;
      const { frame, hello } = this.store.state;
      const points = now.basis === this.basis && !hello?.recorded ? null : 1;
      const key = JSON.stringify([now, frame?.playing ? 0 : frame?.seq, points]);
      const ask = async () => {
        const found = await this.api.ask("plane", { ...now.asked, heat: now.heat, quick: now.quick, points });
        if (found) this.basis = now.basis;
        return found && { found, held: now.held };
      };
      return { key, ask };
    };
    return this.follower.follow(next, ({ found, held }) => {
      this.take(found, held);
      this.store.flush();
    });
  }

  /**
   * @param {any} found
   * @param {string} held
   */
  take(found, held) {
    this.none.hidden = !found.problem;
    this.body.hidden = Boolean(found.problem);
    if (found.problem) {
      say(this.none, typeof found.problem === "string" ? found.problem : found.problem.words);
      return;
    }
    this.pictures += 1;
    this.element.setAttribute("data-pictures", String(this.pictures));
    if (found.points) this.about = found;
    this.shown = found;
    this.choices(held);
    this.paint(Boolean(found.points));
    if (found.heats) this.store.change({ heats: found.heats });
  }

  /** @param {string} held */
  choices(held) {
    const { about, shown, selects } = this;
    const { hello, frame } = this.store.state;
    if (!about || !shown) return;
    for (const [key, value] of /** @type {["x" | "y", string][]} */ ([["x", shown.x.name], ["y", shown.y.name]])) {
      offer(selects[key].select, (about.columns ?? []).map((name) => ({ name, title: this.called(name) })), value);
    }
    offer(selects.show.select, about.shows ?? [], shown.show === "answer" ? (about.shows?.[0].name ?? "answer") : shown.show);
    this.heldAt = held;
    const can = steers(this.store.state) && !hello?.recorded;
    const classes = about.points?.classes ?? [];
    offer(this.adding.select, [{ name: "", title: "picks a row" }, ...(classes.length ? classes.map((name) => ({ name: `+${name}`, title: `adds ${name}` })) : [{ name: "+", title: "adds a row like this" }])], this.adding.select.value);
    for (const one of Object.values(selects)) one.select.disabled = Boolean(hello?.recorded);
    this.adding.label.hidden = !can;
    this.picture.drags = can;
    this.picture.adds = can && this.adding.select.value !== "";
    this.held.hidden = !shown.held || Boolean(hello?.recorded);
    press(this.held, held);
    say(/** @type {Element} */ (this.held.lastElementChild), frame?.row ? `row ${frame.row}` : "the row");
    this.which.hidden = (hello?.members ?? 1) < 2;
    press(this.which, this.store.state.view.plane.whose || "0");
    say(this.words, shown.held);
  }

  /** @param {boolean} [anew] also the axes and the points */
  paint(anew = false) {
    const { about, picture, legend } = this;
    const shown = this.named();
    if (!shown || !about) return;
    picture.show(shown, about.points ?? null, this.colors, this.store.state.frame?.row ?? null, anew);
    legend.replaceChildren(...legendOf(shown, about, this.colors));
    this.point(picture.place, null);
    if (this.twin.open && !this.store.state.frame?.playing) this.fill();
  }

  /**
   * Say what stands at a place of the grid, and which row is near.
   * @param {[number, number] | null} place column and row of the grid
   * @param {number | null} near a point
   */
  point(place, near) {
    const { about } = this;
    const shown = this.named();
    if (!shown || !about) return;
    say(this.read, near !== null && about.points ? pointWords(about.points, near) : place ? pixelWords(shown, place) : "");
  }

  /** What a column is called in the notation. @param {string} name */
  called(name) {
    return this.store.state.frame?.names?.[name] ?? name;
  }

  /** The picture with its axes called as the notation does. */
  named() {
    const { shown } = this;
    return shown && { ...shown, x: { ...shown.x, name: this.called(shown.x.name) }, y: { ...shown.y, name: this.called(shown.y.name) } };
  }

  fill() {
    const shown = this.named();
    this.table.replaceChildren(...(this.twin.open && shown ? [twinOf(shown)] : []));
  }
}
