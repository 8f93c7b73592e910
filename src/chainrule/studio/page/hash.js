// How the page is looked at, in its address: a copied address or a reload shows the same again.

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./api.js").Api} Api */

const COLORS = new Set(["weight", "gradient", "change", "activation"]);

/** What stands behind the `#`, read once; a code that was there is wiped from the address. */
export function readHash() {
  const words = new URLSearchParams(location.hash.slice(1));
  const code = words.get("code");
  if (code) {
    words.delete("code");
    history.replaceState(null, "", `#${words}`);
  }
  return { code, words };
}

/**
 * Look as the address says, and write into it how one looks from then on.
 * @param {Store} store
 * @param {Api} api
 * @param {URLSearchParams} words
 */
export function followHash(store, api, words) {
  const color = words.get("color");
  if (color && COLORS.has(color)) store.look({ color: /** @type {any} */ (color) });
  if (words.get("pin")) store.look({ pinned: words.get("pin") });
  if (words.get("form")) store.look({ form: words.get("form") ?? "short" });
  if (words.get("tab")) store.look({ tab: words.get("tab") ?? "curves" });
  if (words.get("plane")) store.look({ plane: Object.fromEntries(new URLSearchParams(words.get("plane") ?? "")) });
  if (words.get("mountain")) store.look({ hill: Object.fromEntries(new URLSearchParams(words.get("mountain") ?? "")) });
  if (words.get("heat") === "off") store.look({ heat: false });
  if (words.get("keys") === "off") store.look({ keys: false });
  let asked = !(words.has("t") || words.has("row"));
  store.listen((changed) => {
    const { frame, hello, view, client } = store.state;
    if (!frame || !hello) return;
    if (!asked) {
      asked = true;
      const t = Number(words.get("t"));
      const row = Number(words.get("row"));
      if (!frame.playing && (frame.driver === null || frame.driver === client)) {
        if (words.has("row") && row !== frame.row) api.send({ do: "row", number: row });
        const place = words.get("place") ?? "";
        if (words.has("t") && (t !== frame.t || place !== placeWords(frame.place))) api.send({ do: "seek", t, place: placeOf(place) });
      }
      return;
    }
    if (frame.playing || !(changed.has("frame") || changed.has("view"))) return;
    const now = new URLSearchParams();
    now.set("t", String(frame.t));
    if (placeWords(frame.place)) now.set("place", placeWords(frame.place));
    if (frame.row_picked) now.set("row", String(frame.row_picked));
    if (view.color !== "weight") now.set("color", view.color);
    if (view.tab !== "curves") now.set("tab", view.tab);
    if (view.pinned) now.set("pin", view.pinned);
    if (view.form !== "short") now.set("form", view.form);
    if (Object.keys(view.plane).length) now.set("plane", String(new URLSearchParams(Object.entries(view.plane))));
    if (Object.keys(view.hill).length) now.set("mountain", String(new URLSearchParams(view.hill)));
    if (!view.heat) now.set("heat", "off");
    if (!view.keys) now.set("keys", "off");
    if (`#${now}` !== location.hash) history.replaceState(null, "", `#${now}`);
  });
}

/**
 * A place inside an update in one word, its pass and its number: `forward.10`; nothing at rest.
 * @param {import("./types.js").Place} place
 */
function placeWords(place) {
  return place.pass === "rest" ? "" : `${place.pass}.${place.index}`;
}

/** @param {string} words */
function placeOf(words) {
  if (!words) return null;
  const [pass, index] = words.split(".");
  return { pass, index: Number(index) || null };
}
