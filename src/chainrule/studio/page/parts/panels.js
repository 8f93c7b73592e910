// What stands below the network, one at a time: the curves, the score beside the baselines, and where it is wrong.

import { button, h, nodesOf, say } from "../make.js";
import { steers } from "../part.js";
import { doctorWords } from "./doctor.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */

/** @type {Record<string, {words: string, kinds: (task: string) => string[]}>} */
const TABS = {
  curves: { words: "Curves", kinds: () => [] },
  score: { words: "Score", kinds: () => ["score"] },
  wrong: { words: "Mistakes", kinds: (task) => [task === "regression" ? "residuals" : "confusion"] },
  plane: { words: "Plane", kinds: () => [] },
  mountain: { words: "Mountain", kinds: () => [] },
  layers: { words: "Doctor", kinds: () => ["gradients"] },
  runs: { words: "Compare", kinds: () => [] },
};

/**
 * @param {HTMLElement} element
 * @param {Studio} studio
 * @returns {Draw}
 */
export function buildPanels(element, { store, api }) {
  const list = h("div", { class: "tabs", role: "tablist", "aria-label": "About the training" });
  const curves = h("cr-curves", { id: "panel-curves", role: "tabpanel", "aria-labelledby": "tab-curves" });
  const plane = h("cr-plane", { id: "panel-plane", role: "tabpanel", "aria-labelledby": "tab-plane", hidden: true });
  const mountain = h("cr-hill", { id: "panel-mountain", role: "tabpanel", "aria-labelledby": "tab-mountain", hidden: true });
  const runs = h("cr-runs", { id: "panel-runs", role: "tabpanel", "aria-labelledby": "tab-runs", hidden: true });
  /** The tabs that have a part of their own. @type {Record<string, HTMLElement>} */
  const parts = { curves, plane, mountain, runs };
  const body = h("div", { class: "pictures" });
  const part = h("div", { class: "tools" });
  const doctor = h("cr-doctor", { hidden: true });
  const panel = h("div", { id: "panel-other", class: "panel", role: "tabpanel", hidden: true }, part, doctor, body);
  for (const [tab, { words }] of Object.entries(TABS)) {
    list.append(h("button", { type: "button", role: "tab", id: `tab-${tab}`, "data-tab": tab, "aria-controls": parts[tab]?.id ?? "panel-other", onclick: () => store.look({ tab }) }, words));
  }
  list.addEventListener("keydown", (event) => {
    const tabs = Object.keys(TABS);
    const i = tabs.indexOf(store.state.view.tab);
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    store.look({ tab: tabs[(to + tabs.length) % tabs.length] });
    store.flush();
    document.getElementById(`tab-${store.state.view.tab}`)?.focus();
  });
  element.append(list, ...Object.values(parts), panel);

  let which = "validation";
  let asked = "";
  let opened = -1;
  /** @type {AbortController | null} */
  let asking = null;
  const choose = h("div", { class: "segments", role: "group", "aria-label": "Of which rows" });
  for (const [name, words] of [["validation", "validation rows"], ["test", "test rows"]]) {
    choose.append(h("button", { type: "button", "data-part": name, onclick: () => {
      which = name;
      asked = "";
      ask();
    } }, words));
  }
  const open = button("Open the test rows", async () => {
    const generation = store.state.hello?.generation ?? -1;
    const said = await api.command({ do: "open_test" });
    if (!said?.ok) return;
    opened = generation;
    asked = "";
    ask();
  }, { kind: "primary" });
  const shut = h("div", { class: "shut" }, h("p", {}, "The test rows are kept shut: looked at while one still chooses settings, they no longer tell how good the network is on rows that nobody has seen. Open them once, at the end."), open);
  part.append(choose);

  const ask = async () => {
    const { hello, frame, view } = store.state;
    if (!hello || !frame || parts[view.tab]) return;
    const tab = TABS[view.tab] ?? TABS.score;
    const scored = view.tab !== "layers";
    part.hidden = !scored || !hello.rows.test;
    for (const each of choose.children) each.setAttribute("aria-pressed", String(each.getAttribute("data-part") === which));
    if (scored && which === "test" && opened !== hello.generation) {
      asked = "";
      open.disabled = !steers(store.state);
      body.replaceChildren(shut);
      return;
    }
    const key = [view.tab, which, hello.generation, frame.run, frame.t, frame.frontier, frame.phase].join(" ");
    if (key === asked) return;
    asked = key;
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    if (!body.childElementCount || body.contains(shut)) body.replaceChildren(h("p", { class: "quiet" }, "Being worked out …"));
    panel.setAttribute("aria-busy", "true");
    const width = Math.max(320, Math.min(720, Math.round(element.clientWidth) - 24));
    const found = await Promise.all(tab.kinds(hello.target.task).map((kind) => api.ask("picture", { kind, t: frame.t, width, part: scored ? which : null }, signal)));
    if (asked !== key) return;
    panel.setAttribute("aria-busy", "false");
    body.replaceChildren(...found.flatMap((one) => (one ? pictureOf(one) : [])));
  };

  return (changed, state) => {
    const { view } = state;
    if (changed.has("view.tab")) {
      asked = "";
      body.replaceChildren();
    }
    if (changed.has("view") || changed.has("all")) {
      const tab = TABS[view.tab] ? view.tab : "curves";
      for (const each of list.children) {
        const on = each.getAttribute("data-tab") === tab;
        each.setAttribute("aria-selected", String(on));
        each.setAttribute("tabindex", on ? "0" : "-1");
      }
      for (const [name, part] of Object.entries(parts)) part.hidden = name !== tab;
      panel.hidden = tab in parts;
      doctor.hidden = tab !== "layers";
      document.body.classList.toggle("wide-panel", tab in parts && tab !== "curves");
      panel.setAttribute("aria-labelledby", `tab-${tab}`);
    }
    const layers = list.querySelector("[data-tab=layers]");
    if (layers && changed.has("frame") && !state.frame?.follows) {
      say(layers, doctorWords(state.frame?.findings));
      layers.classList.toggle("found", Boolean(state.frame?.findings?.some((one) => one.grave)));
    }
    if (!state.frame?.playing && (changed.has("view.tab") || changed.has("frame") || changed.has("hello"))) ask();
  };
}

/** @param {any} found */
function pictureOf(found) {
  if (found.problem) return [h("p", { class: "quiet" }, typeof found.problem === "string" ? found.problem : found.problem.words)];
  const twin = found.table?.length ? h("details", { class: "as-table" }, h("summary", {}, "As a table"), h("div", { class: "twin-box" }, nodesOf(found.table))) : null;
  return [h("figure", { class: "picture", "aria-label": found.title }, nodesOf(found.nodes), twin)];
}
