// What happens at this place: its title, its terms flowing into their sum, the curve, the line with its numbers and check.

import { button, fitted, h, hide, nodesOf, say } from "../make.js";
import { steers } from "../part.js";
import { Terms } from "./terms.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */
/** @typedef {import("../types.js").Frame} Frame */

/** The passes of an update in their order. */
const PASSES = { cell: "cells", forward: "forward", answer: "answer", loss: "loss", backward: "backward", update: "update" };

/**
 * @param {HTMLElement} element
 * @param {Studio} studio
 * @returns {Draw}
 */
export function buildStage(element, { store, api, player }) {
  const terms = new Terms();
  const passes = h("ol", { class: "passes", "aria-label": "The passes of an update" });
  for (const [pass, words] of Object.entries(PASSES)) passes.append(h("li", { "data-pass": pass }, h("button", { type: "button", title: `To the pass: ${words}`, onclick: () => api.send({ do: "seek", t: store.state.frame?.t ?? 0, place: { pass } }) }, words)));
  const count = h("span", { class: "count" });
  const progress = h("i");
  const head = h("div", { class: "crumbs" }, passes, count, h("div", { class: "progress", "aria-hidden": "true" }, progress));
  const title = h("h2", { tabindex: -1 });
  const said = h("p", { class: "said" });
  const curve = h("div", { class: "curve" });
  const lines = h("div", { class: "stage-lines" });
  const rest = h("div", { class: "rest" });
  const body = h("div", { class: "stage-body" }, title, said, terms.element, curve, lines);
  element.append(head, body, rest);
  const into = button("Walk through this update", () => {
    store.look({ grain: "neuron" });
    api.send({ do: "step", grain: "neuron", by: 1 });
  }, { kind: "primary" });
  const watch = button("Train, and watch", () => api.send({ do: "play", grain: "epoch", speed: 8, direction: 1 }), {});
  const score = button("See how good it is", () => store.look({ tab: "score" }), { kind: "primary" });
  const touch = h("span", { class: "on-touch" }, "Press ▶ to play, the keys beside it for one step on or back. ");
  const keyed = h("span", { class: "on-keys" }, "Press ", h("kbd", {}, "Space"), " to play, ", h("kbd", {}, "→"), " for one step, ", h("kbd", {}, "←"), " to take it back. ");
  const alter = h("span", {}, ", and to change it");
  const guide = h("p", { class: "guide" }, keyed, touch, "Choose any number, line or circle to see where it comes from", alter, ".");
  const ready = h("p", { class: "said" });
  const heading = h("h2", {});
  const kept = button("", () => api.send({ do: "seek", t: (store.state.frame?.kept ?? 0) * (store.state.hello?.steps_per_epoch ?? 1) }), {});
  rest.append(heading, ready, h("div", { class: "pair" }, into, watch, score, kept), guide);
  let shown = "";
  let seen = /** @type {Frame | null} */ (null);

  return (changed, state) => {
    const { frame, hello, view } = state;
    if (changed.has("hello")) shown = "";
    alter.hidden = Boolean(hello && "recorded" in hello);
    if (!frame || !hello || !(changed.has("frame") || changed.has("hello") || changed.has("client"))) return;
    const stage = frame.stage;
    const { place } = frame;
    const at = `${frame.generation} ${frame.t} ${frame.member} ${frame.row} ${frame.notation} ${place.index}`;
    element.classList.toggle("at-rest", !stage);
    hide(body, !stage);
    if (stage && rest.contains(document.activeElement)) title.focus({ preventScroll: true });
    hide(rest, Boolean(stage));
    hide(head, !stage);
    hide(guide, view.begun && frame.t > 0);
    for (const item of passes.children) {
      const own = item.getAttribute("data-pass");
      item.toggleAttribute("hidden", own === "cell" && !hello.cells);
      const press = /** @type {HTMLButtonElement} */ (item.firstElementChild);
      if (press.disabled === steers(state)) press.disabled = !steers(state);
      if (own === place.pass) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
    say(count, place.of > 1 ? `${place.index.toLocaleString("en")}/${(place.of - 1).toLocaleString("en")}` : "");
    progress.style.width = `${place.of > 1 ? (100 * place.index) / (place.of - 1) : 0}%`;
    for (const each of [into, watch]) hide(each, ended(frame));
    hide(score, !ended(frame) || !(hello.rows.validation || hello.rows.test));
    hide(kept, !ended(frame) || !frame.kept || frame.kept * frame.steps_per_epoch >= frame.t);
    say(kept.querySelector(".words") ?? kept, `Look at epoch ${(frame.kept ?? 0).toLocaleString("en")}, which is kept`);
    into.disabled = watch.disabled = kept.disabled = !steers(state);
    say(heading, frame.t === 0 && frame.branch ? "Where the branch begins" : frame.t === 0 ? "Before the first update" : ended(frame) ? "The end of the training" : `After update ${frame.t.toLocaleString("en")}`);
    say(ready, between(frame));
    if (!stage) {
      terms.show(null, "", 0);
      for (const each of [lines, curve]) if (each.firstChild) each.replaceChildren();
      shown = "";
      seen = frame;
      return;
    }
    say(title, stage.title);
    say(said, stage.said);
    hide(said, !stage.said);
    said.classList.toggle("tag", !stage.said.includes(" "));
    const pace = frame.playing && frame.speed > 0 ? Math.min(0.9, 0.85 / frame.speed) : frame.playing ? 0 : 0.6;
    const next = seen && seen.t === frame.t && seen.generation === frame.generation;
    const on = Boolean(next) && seen !== null && place.index > seen.place.index;
    const moves = terms.show(stage, `${frame.t} ${place.pass} ${stage.sum?.address ?? ""}`, pace, on);
    if (moves.length && next && pace > 0.1) player.add(moves);
    else for (const move of moves) move.draw(1);
    if (at !== shown) {
      lines.replaceChildren(nodesOf(stage.nodes));
      if (!frame.playing) fitted(lines);
      const compared = lines.querySelector(":scope > .before-after");
      if (compared) lines.prepend(compared);
      curve.replaceChildren(stage.curve ? nodesOf(stage.curve.nodes) : "");
      curve.hidden = !stage.curve;
      if (seen?.place.pass !== place.pass || seen?.place.neuron !== place.neuron || seen?.place.layer !== place.layer) element.scrollTop = 0;
    }
    shown = at;
    seen = frame;
  };
}

/** @param {Frame} frame */
function ended(frame) {
  return frame.updates !== null && frame.t >= frame.updates;
}

/** What is known between two updates. @param {Frame} frame */
function between(frame) {
  const parts = [...(frame.told ?? [])];
  if (frame.answer) parts.push(`For ${frame.row === null ? "this row" : `row ${frame.row}`} the network says ${frame.answer.words}.`);
  return parts.join(" ");
}
