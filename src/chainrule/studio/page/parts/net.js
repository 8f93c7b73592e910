// The network: edges on a canvas below, what moves on a second, neurons in SVG above; pointing, pinning, walking with keys.

import { Places, brief, floats } from "../arrays.js";
import { markChanges } from "../draw/changes.js";
import { drawEdges, drawTravel } from "../draw/edges.js";
import { NetworkPicture, networkTable } from "../draw/network.js";
import { blockForm, blockMarks, drawBands, drawShades } from "../draw/blocks.js";
import { paletteOf, sized } from "../draw/scales.js";
import { drawHeats } from "../draw/heats.js";
import { nextNeuron } from "../draw/walk.js";
import { h, hide, say } from "../make.js";
import { readings, spotOf } from "./readout.js";
import { intoSight } from "./insight.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */
/** @typedef {import("../store.js").State} State */
/** @typedef {import("../types.js").Frame} Frame */

/** What of a frame's arrays each color shows, on the edges and in the neurons. */
const SHOWN = /** @type {const} */ ({
  weight: { edges: "weight", neurons: "a", says: "" },
  gradient: { edges: "gradient", neurons: "delta", says: "∂C/∂w, δ inside: " },
  change: { edges: "change", neurons: "a", says: "added by the update: " },
  activation: { edges: "weight", neurons: "a", says: "" },
});
const BACKWARD = new Set(["backward", "loss"]);

/** @param {HTMLElement} element @param {Studio} studio @returns {Draw} */
export function buildNet(element, studio) {
  return new Net(element, studio).draw;
}

class Net {
  /**
   * @param {HTMLElement} element
   * @param {Studio} studio
   */
  constructor(element, { store, player }) {
    this.element = element;
    this.store = store;
    this.player = player;
    this.lines = h("canvas", { class: "lines", "aria-hidden": "true" });
    this.over = h("canvas", { class: "over", "aria-hidden": "true" });
    this.sheet = h("div", { class: "sheet" }, this.lines, this.over);
    this.readout = h("div", { class: "readout", hidden: true });
    this.twin = h("div", { class: "twin-box" });
    this.details = /** @type {HTMLDetailsElement} */ (h("details", { class: "as-table" }, h("summary", {}, "As a table"), this.twin));
    this.note = h("p", { class: "legend" });
    this.window = h("div", { class: "window" }, this.sheet, this.readout);
    element.append(this.window, h("div", { class: "under-net" }, h("cr-colors"), this.note, this.details));
    /** @type {NetworkPicture | null} */
    this.picture = null;
    /** @type {Places | null} */
    this.places = null;
    this.size = { width: 0, height: 0 };
    this.stage = "";
    this.redraws = 0;
    this.palette = paletteOf();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.palette = paletteOf();
      this.paint();
    });
    new ResizeObserver(([entry]) => this.resize(entry.contentRect.width, entry.contentRect.height)).observe(this.window);
    this.details.addEventListener("toggle", () => this.table());
    this.draw = this.draw.bind(this);
    this.listen();
  }

  /** @type {Draw} */
  draw(changed, state) {
    if (changed.has("hello")) this.build();
    else if (["frame", "lesson", "view.color", "heats", "view.pointed", "view.pinned", "view.focused"].some((one) => changed.has(one))) this.paint();
    if (changed.has("frame")) this.flow(state);
    if (changed.has("frame") || changed.has("view.pointed")) this.read(state);
    if ((changed.has("frame") || changed.has("view.color")) && this.details.open && !state.frame?.playing) this.table();
  }

  /** @param {number} width @param {number} height */
  resize(width, height) {
    if (Math.abs(width - this.size.width) < 1 && Math.abs(height - this.size.height) < 1) return;
    this.size = { width, height };
    this.build();
  }

  build() {
    const { hello } = this.store.state;
    const { width, height } = this.size;
    if (!hello || width < 50) return;
    const focused = this.picture?.svg.contains(document.activeElement) ? this.store.state.view.focused : null;
    this.places = new Places(hello);
    this.picture?.svg.remove();
    this.picture = new NetworkPicture(hello, width, height);
    this.picture.svg.prepend(...blockMarks(hello.network, this.picture.at, (head, x, y) => this.open(head, x, y)));
    this.sheet.append(this.picture.svg);
    this.sheet.style.height = `${this.picture.at.height}px`;
    const { drawn, of } = hello.network.edges;
    this.share = drawn < of ? ` · ${drawn.toLocaleString("en")} of ${of.toLocaleString("en")} weights drawn${drawn ? ", the largest" : ""}` : "";
    this.paint();
    if (focused) this.focus(focused);
  }

  /**
   * Ask which neuron of a block is meant.
   * @param {import("../types.js").LayerHead} head
   * @param {number} x
   * @param {number} y
   */
  open(head, x, y) {
    const { hello } = this.store.state;
    if (!hello) return;
    this.window.querySelector(".block-form")?.remove();
    const { form, input } = blockForm(hello.network, head, (address) => this.store.look({ pinned: address }), () => form.remove());
    form.style.left = `${Math.max(4, Math.min(x - 110, this.size.width - 270))}px`;
    form.style.top = `${y + 24}px`;
    this.window.append(form);
    input.select();
  }

  /** What the stage is about; of a sum the term that comes in. */
  staged() {
    const { frame } = this.store.state;
    const own = frame?.stage?.lit ?? [];
    return frame?.place.step === "term" ? own.slice(0, 2) : own;
  }

  /** The lit places: what the stage is about, what is pointed at, what is pinned. */
  lit() {
    const { view, frame, lesson } = this.store.state;
    const told = frame?.stage ? [] : (lesson?.lesson?.light ?? []);
    return new Set([...told, ...this.staged(), ...[view.pointed, view.pinned, view.focused].flatMap((one) => (one ? [one] : []))]);
  }

  paint() {
    const { picture, places } = this;
    const { hello, frame, view } = this.store.state;
    if (!picture || !places || !hello) return;
    this.redraws += 1;
    const { at } = picture;
    const shown = SHOWN[view.color];
    const lit = this.lit();
    const edges = floats(frame?.arrays.edges[shown.edges]);
    const biases = floats(frame?.arrays.biases[shown.edges]);
    const context = sized(/** @type {HTMLCanvasElement} */ (this.lines), at.width, at.height);
    const dimmed = (frame?.stage?.lit.length ?? 0) > 0 || view.color === "activation";
    const widest = Math.max(2.6, Math.min(6.5, at.radius * 0.42)) * (picture.strokes.length > 120 ? 0.75 : 1);
    /** @param {Map<string, number>} index @param {Set<string>} [names] */
    const among = (index, names = lit) => new Set([...names].flatMap((one) => index.get(one) ?? []));
    const about = new Set(frame?.stage?.lit ?? []);
    drawBands(context, hello.network, at, this.palette);
    drawShades(context, hello.network, at, this.palette, frame?.blocks, view.color);
    drawEdges(context, picture.strokes, edges, this.palette, { widest, lit: among(places.edge), near: among(places.edge, about), dimmed });
    const own = new Set([...among(places.bias)].map((i) => picture.biased.indexOf(i)));
    drawEdges(context, picture.biases, Float64Array.from(picture.biased, (i) => biases[i]), this.palette, { widest: widest * 0.6, lit: own, near: own, dimmed });
    picture.fill(floats(frame?.arrays.neurons[shown.neurons]), edges, biases, frame?.flags ?? {}, frame?.names ?? {});
    drawHeats(context, picture, this.store.state.heats);
    markChanges(picture, frame);
    const on = among(places.neuron, new Set([...about, ...lit]));
    picture.drawn.forEach(({ group }, i) => group.classList.toggle("lit", on.has(i)));
    picture.svg.classList.toggle("staged", Boolean(frame?.stage?.lit.length)), intoSight(this.window, picture, hello, frame);
    say(this.note, `${shown.says}blue above 0, dashed orange below${this.share ?? ""}${frame?.was ? " · ringed: changed by the edit" : ""}${picture.numbered && frame?.frozen?.length ? " · slanted: frozen" : ""}`);
  }

  /**
   * When a stage comes, dots run along its edges: forward to the sum, backward to what caused it.
   * @param {State} state
   */
  flow({ frame }) {
    const { picture, places } = this;
    if (!frame || !picture || !places) return;
    const stage = `${frame.t} ${frame.place.index}`;
    const before = this.stage;
    this.stage = stage;
    if (stage === before || before === "" || !frame.stage) return;
    const found = this.staged().flatMap((one) => places.edge.get(one) ?? []);
    if (!found.length || (frame.playing && (frame.speed === 0 || frame.speed > 6))) return;
    const strokes = found.map((i) => picture.strokes[i]);
    const back = BACKWARD.has(frame.place.pass);
    const over = /** @type {HTMLCanvasElement} */ (this.over);
    const { width, height } = picture.at;
    this.player.add([{ from: 0, lasts: frame.playing ? Math.min(0.7, 0.8 / frame.speed) : 0.55, draw: (share) => drawTravel(sized(over, width, height), strokes, share, back, this.palette) }]);
  }

  /**
   * The number under the pointer, with all its digits, again with every frame.
   * @param {State} state
   */
  read({ frame, view }) {
    const address = view.pointed;
    const value = address && frame && this.places ? this.places.value(this.places.meant(address, frame), frame) : undefined;
    const place = address && this.picture && this.places ? spotOf(address, this.picture, this.places) : null;
    hide(this.readout, !place || value === undefined || value === null);
    if (this.readout.hidden || !place || !address || !frame || !this.picture) return this.readout.replaceChildren();
    this.readout.replaceChildren(...readings(address, /** @type {Places} */ (this.places), frame));
    const right = place.x + this.picture.at.radius + 8 + this.readout.offsetWidth > this.picture.at.width;
    this.readout.style.left = right ? "" : `${place.x + this.picture.at.radius + 8}px`;
    this.readout.style.right = right ? `${this.picture.at.width - place.x + this.picture.at.radius + 8}px` : "";
    this.readout.style.top = `${Math.max(4, place.y - 46)}px`;
  }

  table() {
    const { hello, frame } = this.store.state;
    this.twin.replaceChildren(...(this.details.open && hello && frame && this.places ? [networkTable(hello, this.places, frame, this.store.state.view.color)] : []));
  }

  listen() {
    const { store, sheet } = this;
    /** @param {Event} event */
    const under = (event) => /** @type {Element} */ (event.target).closest?.("[data-address]")?.getAttribute("data-address") ?? null;
    sheet.addEventListener("pointerover", (event) => store.look({ pointed: under(event) }));
    sheet.addEventListener("pointerleave", () => store.look({ pointed: null }));
    sheet.addEventListener("focusin", (event) => store.look({ focused: under(event) }));
    sheet.addEventListener("focusout", () => store.look({ focused: null }));
    sheet.addEventListener("click", (event) => store.look({ pinned: under(event) }));
    sheet.addEventListener("keydown", (event) => this.walk(event));
  }

  /** @param {KeyboardEvent} event */
  walk(event) {
    const { picture } = this;
    const { hello, frame } = this.store.state;
    const here = /** @type {Element} */ (event.target).closest("[data-neuron]");
    if (!picture || !hello || !here || event.ctrlKey || event.metaKey || event.altKey) return;
    const i = Number(here.getAttribute("data-neuron"));
    const { neurons } = hello.network;
    if (event.key === "Enter" || event.key === " ") this.store.look({ pinned: neurons[i].address });
    else {
      const next = nextNeuron(event.key, i, picture);
      if (next === null) return;
      if (next >= 0) this.focus(neurons[next].address);
    }
    event.preventDefault();
    event.stopPropagation();
    const now = this.store.state.view.focused ?? neurons[i].address;
    const group = picture.drawn[this.places?.neuron.get(now) ?? i].group;
    const name = neurons[this.places?.neuron.get(now) ?? i].name;
    if (frame) group.setAttribute("aria-label", `${name ? `${name}, ` : ""}${now} is ${brief(this.places?.value(now, frame), 6)}`);
  }

  /** @param {string} address */
  focus(address) {
    const i = this.places?.neuron.get(address);
    if (i === undefined || !this.picture) return;
    for (const { group } of this.picture.drawn) if (group.getAttribute("tabindex") === "0") group.setAttribute("tabindex", "-1");
    const { group } = this.picture.drawn[i];
    group.setAttribute("tabindex", "0");
    group.focus();
    this.store.flush();
  }
}
