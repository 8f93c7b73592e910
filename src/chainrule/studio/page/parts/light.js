// One address is lit wherever it stands; a click asks for it; arrow keys go from number to number in a group.

/** @typedef {import("../part.js").Studio} Studio */

const STOPS = "[data-address]";

/** @param {Event} event */
function addressUnder(event) {
  return /** @type {Element} */ (event.target).closest?.(STOPS)?.getAttribute("data-address") ?? null;
}

/**
 * @param {HTMLElement} root in which the numbers stand
 * @param {Studio} studio
 */
export function followLight(root, { store }) {
  root.addEventListener("pointerover", (event) => store.look({ pointed: addressUnder(event) }));
  root.addEventListener("pointerleave", () => store.look({ pointed: null }));
  root.addEventListener("focusin", (event) => {
    const address = addressUnder(event);
    if (address) store.look({ pointed: address });
  });
  root.addEventListener("click", (event) => {
    const address = addressUnder(event);
    if (address && !(/** @type {Element} */ (event.target).closest("a, summary, select, input"))) store.look({ pinned: address });
  });
  root.addEventListener("keydown", (event) => walkGroup(event, store));
  new MutationObserver((changes) => {
    if (changes.some((one) => [...one.addedNodes].some((node) => node instanceof Element))) reachable(root);
  }).observe(root, { childList: true, subtree: true });
  store.listen((changed) => {
    const { frame, view } = store.state;
    if (!(changed.has("frame") || changed.has("view.pointed") || changed.has("view.pinned"))) return;
    const strong = new Set([frame?.stage?.lit[0], view.pointed, view.pinned].flatMap((one) => (one ? [one] : [])));
    const weak = new Set((frame?.stage?.lit ?? []).filter((one) => !strong.has(one)));
    mark(root, "lit", strong);
    mark(root, "near", weak);
  });
}

/**
 * Mark what stands for these addresses, outside of the drawn network, which marks its own.
 * @param {HTMLElement} root
 * @param {string} name of the mark
 * @param {Set<string>} addresses
 */
function mark(root, name, addresses) {
  for (const element of root.querySelectorAll(`.${name}[data-address]`)) {
    if (!addresses.has(element.getAttribute("data-address") ?? "") && !element.closest("svg.net")) element.classList.remove(name);
  }
  for (const address of addresses) {
    for (const element of root.querySelectorAll(`[data-address=${JSON.stringify(address)}]`)) {
      if (!element.closest("svg.net")) element.classList.add(name);
    }
  }
}

/**
 * What came in from the server has one tab stop for each group of numbers, and none is out of reach.
 * @param {HTMLElement} root
 */
function reachable(root) {
  for (const group of root.querySelectorAll(".moves")) {
    const stops = [...group.querySelectorAll(STOPS)];
    if (stops.length && !stops.some((stop) => stop.getAttribute("tabindex") === "0")) {
      for (const stop of stops) stop.setAttribute("tabindex", "-1");
      stops[0].setAttribute("tabindex", "0");
    }
  }
  for (const box of root.querySelectorAll(".equation .right, .formula, .scroll, .arrays figure, .table")) {
    if (!box.hasAttribute("tabindex")) box.setAttribute("tabindex", "0");
  }
}

/**
 * @param {KeyboardEvent} event
 * @param {import("../store.js").Store} store
 */
function walkGroup(event, store) {
  const here = /** @type {Element} */ (event.target);
  const group = here.closest(".moves");
  if (!group || !here.matches(STOPS) || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "Enter" && here.tagName !== "BUTTON") {
    store.look({ pinned: here.getAttribute("data-address") });
    event.preventDefault();
    return;
  }
  const stops = [...group.querySelectorAll(STOPS)];
  const i = stops.indexOf(here);
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -i, End: stops.length - 1 - i }[event.key];
  if (by === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  const next = stops[i + by];
  if (!(next instanceof HTMLElement || next instanceof SVGElement || next instanceof MathMLElement)) return;
  for (const stop of stops) stop.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
}
