// Playing waits while one points at something in it, and goes on when the pointer leaves.

/** @typedef {import("../part.js").Studio} Studio */

const GRAINS = new Set(["term", "neuron", "layer", "pass"]);
const FAST = 6;

/**
 * @param {HTMLElement[]} places
 * @param {Studio} studio
 * @param {(held: boolean) => void} tell
 */
export function holdOnPointing(places, { store, api, player }, tell) {
  /** @type {{grain: string, speed: number, direction: number} | null} */
  let held = null;
  let due = 0;
  const release = () => {
    due = 0;
    if (!held) return;
    const how = held;
    held = null;
    player.hold(false);
    tell(false);
    // Whoever pressed a key meanwhile has said what is wanted.
    if (store.state.frame && !store.state.frame.playing && !store.state.view.pinned) api.send({ do: "play", ...how });
  };
  for (const place of places) {
    place.addEventListener("pointerover", (event) => {
      const { frame } = store.state;
      const number = /** @type {Element} */ (event.target).closest?.("[data-address]");
      if (event.pointerType === "touch" || !number) return;
      if (held) {
        clearTimeout(due);
        due = 0;
      } else if (frame?.playing && GRAINS.has(frame.grain) && frame.speed > 0 && frame.speed <= FAST) {
        held = { grain: frame.grain, speed: frame.speed, direction: frame.direction };
        player.hold(true);
        tell(true);
        api.send({ do: "pause" });
      }
    });
    place.addEventListener("pointerout", () => {
      if (held && !due) due = setTimeout(release, 250);
    });
  }
  document.addEventListener("keydown", () => forget());
  document.addEventListener("pointerdown", () => forget());
  const forget = () => {
    if (!held) return;
    held = null;
    player.hold(false);
    tell(false);
  };
}
