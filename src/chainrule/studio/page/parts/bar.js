// The head of the page: what is trained, how it stands, who steers; notation, member, what can be taken along, keys.

import { button, h, hide, say } from "../make.js";
import { steers } from "../part.js";
import { takeMenu } from "./take.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */

const PHASES = { ready: "ready", training: "training", paused: "paused", ended: "trained to its end", diverged: "diverged", failed: "stopped" };

/**
 * @param {HTMLElement} element
 * @param {Studio & {help: () => void}} studio
 * @returns {Draw}
 */
export function buildBar(element, { store, api, player, help }) {
  const title = h("h1", {});
  const phase = h("span", { class: "phase" });
  const notation = /** @type {HTMLSelectElement} */ (h("select", { onchange: () => api.send({ do: "notation", name: notation.value }) }));
  const written = h("label", { class: "choice" }, h("span", {}, "Notation"), notation);
  const member = /** @type {HTMLSelectElement} */ (h("select", { onchange: () => api.send({ do: "member", number: Number(member.value) }) }));
  const members = h("label", { class: "choice" }, h("span", {}, "Member"), member);
  const take = takeMenu({ store, api, player });
  const keys = button("Keys", help, { icon: "keys", kind: "flat", key: "?" });
  const end = button("End", () => api.send({ do: "end" }), { icon: "power", kind: "flat", hint: "End the studio: the terminal gets its line back" });
  const checks = h("span", { class: "checks" });
  element.append(h("span", { class: "mark", "aria-hidden": "true" }, "chainrule"), title, phase, checks, h("span", { class: "space" }), written, members, take, keys, end);

  return (changed, state) => {
    const { hello, frame } = state;
    if (changed.has("hello") && hello) {
      const of = hello.source.kind === "lesson" ? "" : hello.target.names.join(", ");
      title.replaceChildren(hello.source.kind === "lesson" ? hello.title : (hello.title.split(/[\\/]/).at(-1) ?? hello.title), ...(of ? [h("span", { class: "arrow" }, " → "), of] : []));
      document.title = `${hello.title} · chainrule studio`;
      end.hidden = !api.line.ends;
      notation.replaceChildren(...hello.notations.map((one) => h("option", { value: one.name }, one.title)));
      written.hidden = hello.notations.length < 2;
      members.hidden = hello.members < 2;
      member.replaceChildren(...Array.from({ length: hello.members }, (_, i) => h("option", { value: i + 1 }, `${i + 1} of ${hello.members}`)));
    }
    if (!frame || !(changed.has("frame") || changed.has("client") || changed.has("hello"))) return;
    checked(checks, frame, (address) => store.look({ pinned: address }));
    notation.value = frame.notation;
    member.value = String(frame.member);
    const mine = steers(state);
    notation.disabled = member.disabled = end.disabled = !mine;
    const words = frame.playing && frame.phase !== "training" ? "playing" : PHASES[frame.phase] ?? frame.phase;
    if (phase.dataset.phase !== frame.phase || phase.textContent !== words) {
      phase.dataset.phase = frame.phase;
      say(phase, words);
    }
  };
}

/**
 * How many of the step's derivatives were held against differences, and which are wrong.
 * @param {HTMLElement} box
 * @param {import("../types.js").Frame} frame
 * @param {(address: string) => void} ask
 */
function checked(box, { checks, playing, follows }, ask) {
  if (playing || follows) return;
  box.hidden = !checks;
  if (!checks) return;
  const { compared, wrong, worst } = checks;
  const key = `${compared} ${wrong} ${worst}`;
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  box.title = `${compared} derivatives held against central differences`;
  if (!wrong) box.replaceChildren(h("span", { class: "ok" }, `${compared} checks ✓`));
  else box.replaceChildren(h("span", { class: "wrong" }, `✗ ${wrong} of ${compared} checks fail`), worst ? h("button", { type: "button", class: "number", "data-address": worst, onclick: () => ask(worst) }, worst) : "");
}

/**
 * Problems and states, one line each: what is wrong and what to do about it; who steers; the way back.
 * @param {HTMLElement} element
 * @param {Studio} studio
 * @returns {Draw}
 */
export function buildNotices(element, { store, api }) {
  const problem = h("span", { class: "words" });
  const away = button("Understood", () => store.change({ problem: null }), { icon: "close", kind: "flat" });
  const bad = h("p", { class: "notice bad", role: "alert", hidden: true }, problem, away);
  const watching = h("p", { class: "notice watch", hidden: true }, h("span", {}, "Another window steers; this one watches. "), button("Take over", () => api.send({ do: "take_over" }), { kind: "primary" }));
  const lost = h("p", { class: "notice", role: "status", hidden: true }, "The studio does not answer; trying again …");
  element.append(bad, watching, lost);
  const live = h("p", { class: "unseen", "aria-live": "polite" });
  element.append(live);
  let due = 0;
  const speak = () => {
    due = 0;
    const { frame, status } = store.state;
    if (!frame) return;
    const place = frame.stage ? `${frame.stage.title}. ${frame.stage.said}` : `Update ${frame.t}, epoch ${frame.epoch}.`;
    say(live, frame.playing ? `${status?.words ?? "Playing"}. Epoch ${frame.epoch}.` : place);
  };
  let heard = false;
  return (changed, state) => {
    heard ||= state.online;
    if (changed.has("problem")) {
      bad.hidden = !state.problem;
      say(problem, state.problem ? [state.problem.words, state.problem.remedy].filter(Boolean).join(" ") : "");
    }
    if (changed.has("frame") || changed.has("client")) hide(watching, !state.frame || steers(state));
    if (changed.has("online")) lost.hidden = state.online || !heard || state.problem !== null;
    if (changed.has("frame") || changed.has("status")) due ||= setTimeout(speak, 1000);
  };
}
