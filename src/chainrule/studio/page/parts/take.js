// What can be taken along: a file that plays all this, the model, the words that make it, its weights, and the pictures.

import { button, h, hide, icon, say } from "../make.js";
import { pictureFile, picturesShown } from "./shots.js";

/** @typedef {import("../part.js").Studio} Studio */

const TAKES = {
  page: "One file that plays all this (HTML)",
  model: "The model file",
  command: "The command that makes it",
  python: "The Python lines that make it",
  tape: "All weights by epoch (CSV)",
};

/**
 * The menu of what can be taken along.
 * @param {Studio} studio
 */
export function takeMenu({ api, store }) {
  const said = h("div", { class: "taken", "aria-live": "polite" });
  const shots = h("div", { class: "shots" });
  const list = Object.entries(TAKES).map(([what, words]) => button(words, () => take(what), {}));
  const menu = h("details", { class: "menu" }, h("summary", {}, icon("take"), h("span", { class: "words" }, "Take along")), h("div", { class: "pop" }, ...list, shots, said));

  /** @param {Blob} blob @param {string} name */
  const save = (blob, name) => {
    const link = /** @type {HTMLAnchorElement} */ (h("a", { href: URL.createObjectURL(blob), download: name }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    say(said, `${name} is in the downloads.`);
  };
  /** @param {string} what */
  const take = async (what) => {
    say(said, what === "page" ? "Being recorded; this takes a few seconds …" : "");
    const found = await api.ask("take", { what });
    if (!found) return say(said, "");
    if (found.problem) return say(said, typeof found.problem === "string" ? found.problem : found.problem.words);
    if (found.base64 !== undefined) return save(new Blob([Uint8Array.from(atob(found.base64), (sign) => sign.charCodeAt(0))], { type: found.mime }), found.name);
    const text = h("pre", { tabindex: 0 }, found.text ?? "");
    const copy = button("Copy", async () => {
      await navigator.clipboard.writeText(found.text ?? "");
      copy.textContent = "Copied";
    }, {});
    said.replaceChildren(text, copy);
  };
  /** The pictures that are to be seen now. */
  const offer = () => {
    shots.replaceChildren(...picturesShown().map(({ name, element }) => {
      /** @param {"svg" | "png"} kind */
      const as = (kind) => button(kind.toUpperCase(), async () => {
        const stem = name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
        try {
          save(await pictureFile(element, kind, store), `${stem || "picture"}.${kind}`);
        } catch (error) {
          if (!(error instanceof Error)) throw error;
          say(said, `The picture can't be written: ${error.message}`);
        }
      }, { kind: "small", hint: `${name} as ${kind.toUpperCase()}` });
      return h("div", { class: "shot" }, h("span", {}, name), as("svg"), as("png"));
    }));
  };
  menu.addEventListener("toggle", () => {
    if (!menu.hasAttribute("open")) return;
    // A file has the words that make its model, and its pictures.
    const words = ["command", "python"];
    Object.keys(TAKES).forEach((what, i) => hide(list[i], Boolean(store.state.hello?.recorded) && !words.includes(what)));
    offer();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!menu.contains(/** @type {Node} */ (event.target))) menu.removeAttribute("open");
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.removeAttribute("open");
    menu.querySelector("summary")?.focus();
    event.stopPropagation();
  });
  return menu;
}
