// A part of the page: a custom element that draws itself from the store whenever something of it changed.

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").State} State */
/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./player.js").Player} Player */
/** @typedef {{store: Store, api: Api, player: Player}} Studio */
/** @typedef {(changed: Set<string>, state: State) => void} Draw */

/**
 * Define an element whose `build` fills it once and returns how it is drawn.
 * @param {string} name
 * @param {Studio} studio
 * @param {(element: HTMLElement, studio: Studio) => Draw} build
 */
export function definePart(name, studio, build) {
  class Part extends HTMLElement {
    connectedCallback() {
      if (this.childElementCount) return;
      const draw = build(this, studio);
      const all = new Set([...Object.keys(studio.store.state), "all"]);
      draw(all, studio.store.state);
      studio.store.listen((changed) => draw(changed, studio.store.state));
    }
  }
  customElements.define(name, Part);
}

/**
 * Whether this tab steers; another only watches.
 * @param {State} state
 */
export function steers(state) {
  const driver = state.frame?.driver ?? null;
  return driver === null || driver === state.client;
}

/**
 * Whether it is time again for what need not follow every picture of a training that runs: five times a second.
 * @param {{last: number}} clock
 * @param {State} state
 */
export function isTime(clock, { frame }) {
  const now = performance.now();
  if (frame?.playing && (frame.speed === 0 || frame.speed > 5) && now - clock.last < 200) return false;
  clock.last = now;
  return true;
}
