// The keys of the player: back, play, on, how far at a time, how fast, where to.

import { button, h, icon, say, setAll } from "../make.js";
import { steers } from "../part.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */
/** @typedef {import("../store.js").State} State */

const SPEEDS = [0.5, 1, 2, 4, 8, 16, 0];

/**
 * What the keys do, for buttons and for the keyboard.
 * @param {Studio} studio
 */
export function controlsOf({ store, api }) {
  const grain = () => store.state.view.grain ?? store.state.frame?.grain ?? "update";
  const speed = () => store.state.view.speed ?? store.state.frame?.speed ?? 4;
  const grains = () => store.state.hello?.grains ?? [];
  /** @param {number} direction */
  const play = (direction) => api.send({ do: "play", grain: grain(), speed: speed(), direction });
  /** @param {number} by */
  const step = (by) => api.send({ do: "step", grain: grain(), by });
  const again = () => {
    const { frame } = store.state;
    if (frame?.playing) play(frame.direction);
  };
  return {
    grain,
    speed,
    step,
    play,
    toggle: () => (store.state.frame?.playing ? api.send({ do: "pause" }) : play(1)),
    reverse: () => (store.state.frame?.playing && store.state.frame.direction < 0 ? api.send({ do: "pause" }) : play(-1)),
    reset: () => api.send({ do: "reset" }),
    train: () => api.send({ do: "train" }),
    /** @param {string} name */
    choose(name) {
      if (!grains().includes(name)) return;
      store.look({ grain: name });
      again();
    },
    /** @param {number} by */
    finer(by) {
      const next = grains()[grains().indexOf(grain()) + by];
      if (next) this.choose(next);
    },
    /** @param {number} value */
    pace(value) {
      store.look({ speed: value });
      again();
    },
  };
}

/**
 * @param {HTMLElement} element
 * @param {Studio} studio
 * @returns {Draw}
 */
export function buildTransport(element, studio) {
  const act = controlsOf(studio);
  const { api, store } = studio;
  const reset = button("Back to the start", act.reset, { icon: "start", kind: "round", key: "R" });
  const reverse = button("Play backward", () => act.reverse(), { icon: "reverse", kind: "round" });
  const back = button("Step back", () => act.step(-1), { icon: "back", kind: "round", key: "←" });
  const playing = button("Play", act.toggle, { icon: "play", kind: "main", key: "Space" });
  const onward = button("Step on", () => act.step(1), { icon: "on", kind: "round", key: "→" });
  const train = button("Train to the end", act.train, { icon: "end", kind: "wide", key: "T" });
  const grains = h("div", { class: "segments grains", role: "group", "aria-label": "How far a step goes" });
  const few = /** @type {HTMLSelectElement} */ (h("select", { class: "few", "aria-label": "How far a step goes", onchange: () => act.choose(few.value) }));
  const speed = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": "Speed", onchange: () => act.pace(Number(speed.value)) }));
  for (const each of SPEEDS) speed.append(h("option", { value: each }, each ? `${each} a second` : "as fast as it goes"));
  const to = /** @type {HTMLInputElement} */ (h("input", { type: "text", inputmode: "numeric", size: 5, "aria-label": "Number to run to", placeholder: "N" }));
  const unit = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": "What the number counts" }, h("option", { value: "epoch" }, "epoch"), h("option", { value: "t" }, "update")));
  const run = h("form", { class: "run", onsubmit: (/** @type {Event} */ event) => {
    event.preventDefault();
    const number = Number(to.value);
    if (to.value.trim() && Number.isInteger(number) && number >= 0) api.send({ do: "run_to", [unit.value]: number });
    else {
      to.setAttribute("aria-invalid", "true");
      store.change({ problem: { words: `Run to ${unit.value === "t" ? "an update" : "an epoch"}: ${to.value.trim() ? `“${to.value.trim()}” is no whole number from 0 on` : "no number is given"}; give one such as 3.` } });
    }
  } }, h("span", {}, "Run to"), unit, to, h("button", { type: "submit" }, "Go"));
  to.addEventListener("input", () => to.removeAttribute("aria-invalid"));
  const more = h("details", { class: "more-keys" }, h("summary", { title: "Speed, run to a place, train to the end" }, icon("dots"), h("span", { class: "words" }, "More")),
    h("div", { class: "pop" }, h("label", { class: "pace" }, h("span", {}, "Speed"), speed), run, h("div", { class: "pair" }, reverse, reset, train)));
  element.append(h("div", { class: "keys" }, back, playing, onward), h("div", { class: "grain" }, grains, few), more);
  const wide = matchMedia("(min-width: 79rem)");
  const arrange = () => {
    if (wide.matches) more.setAttribute("open", "");
    else more.removeAttribute("open");
  };
  wide.addEventListener("change", arrange);
  arrange();
  document.addEventListener("pointerdown", (event) => {
    if (!wide.matches && !more.contains(/** @type {Node} */ (event.target))) more.removeAttribute("open");
  });
  more.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !wide.matches && more.hasAttribute("open")) {
      more.removeAttribute("open");
      more.querySelector("summary")?.focus();
      event.stopPropagation();
    }
  });
  return (changed, state) => {
    const { hello, frame } = state;
    if (changed.has("hello") && hello) {
      grains.replaceChildren(...hello.grains.map((name) => h("button", { type: "button", "aria-pressed": "false", "data-grain": name, onclick: () => act.choose(name) }, name)));
      few.replaceChildren(...hello.grains.map((name) => h("option", { value: name }, name)));
    }
    if (!(changed.has("frame") || changed.has("view") || changed.has("hello") || changed.has("client"))) return;
    const mine = steers(state) && Boolean(frame);
    for (const each of [reset, reverse, back, playing, onward, train]) each.disabled = !mine;
    if (!frame) return;
    const grain = act.grain();
    for (const each of grains.children) setAll(each, { "aria-pressed": String(each.getAttribute("data-grain") === grain), disabled: !mine });
    few.value = grain;
    speed.value = String(act.speed());
    few.disabled = speed.disabled = !mine;
    const name = frame.playing ? "Pause" : "Play";
    if (playing.dataset.shows !== name) {
      playing.dataset.shows = name;
      playing.replaceChildren(icon(frame.playing ? "pause" : "play"), h("span", { class: "words" }, name));
      playing.title = `${name} (Space)`;
    }
    back.disabled ||= frame.t === 0 && frame.place.pass === "rest";
    say(train.querySelector(".words") ?? train, frame.updates !== null && frame.frontier >= frame.updates ? "Go to the end" : "Train to the end");
  };
}
