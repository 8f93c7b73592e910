// What is said beside a mountain: the scale of its colors, what each path is, the cost at a place, and all steps as a table.

import { brief, exact, floats } from "../arrays.js";
import { rampColor } from "../draw/heat.js";
import { h, s } from "../make.js";
import { PATHS, along } from "./hillpicture.js";

/** @typedef {import("../types.js").HillAnswer} HillAnswer */
/** @typedef {import("../draw/heat.js").HeatColors} HeatColors */

/** The colors from the lowest cost to the highest. @param {HillAnswer} shown @param {HeatColors} colors */
export function shadeBar(shown, colors) {
  const bar = s("svg", { class: "scale-bar", viewBox: "0 0 42 6", preserveAspectRatio: "none", "aria-hidden": "true" });
  for (let k = 0; k < 42; k += 1) {
    const part = s("rect", { x: k, y: 0, width: 1.2, height: 6 });
    part.style.fill = `rgb(${rampColor(colors.sequential, k / 41).join(" ")})`;
    bar.append(part);
  }
  const ends = h("div", { class: "scale-ends" }, h("span", { class: "low", "data-value": shown.low }, brief(shown.low)), h("span", { class: "quiet" }, shown.legend), h("span", { class: "high", "data-value": shown.high }, brief(shown.high)));
  return h("div", { class: "scale" }, bar, ends);
}

/** What each path is, with its color and dash, and where it ends. @param {HillAnswer} shown */
export function pathKey(shown) {
  if (!shown.paths.length) return [];
  return [
    h(
      "ul",
      { class: "path-key" },
      ...shown.paths.map((path) => {
        const last = path.cost[path.cost.length - 1];
        const line = s("svg", { class: "hill-paths", width: 26, height: 10, viewBox: "0 0 26 10", "aria-hidden": "true" }, s("path", { class: path.name, d: "M1 5H25", "stroke-dasharray": PATHS[path.name].dash.join(" ") }));
        const words = path.words ? `${PATHS[path.name].words}, ${path.words}` : PATHS[path.name].words;
        return h("li", {}, line, h("span", {}, `${words}: C ${brief(path.cost[0])} → ${brief(last)}`));
      }),
    ),
  ];
}

/**
 * The cost at a place of the grid.
 * @param {HillAnswer} shown
 * @param {[number, number]} place
 * @param {[string, string]} names
 */
export function placeWordsOf(shown, [i, j], names) {
  return `${names[0]} ${brief(along(shown.x, i))}, ${names[1]} ${brief(along(shown.y, j))}: C = ${exact(floats(shown.heights)[j * shown.x.side + i])}`;
}

/** Every step of every path, with its true cost, the surface's, and the stem between them. @param {HillAnswer} shown */
export function hillTable(shown) {
  const head = ["path", "step", shown.x.name, shown.y.name, "true cost", "surface", "stem"];
  const rows = shown.paths.flatMap((path) =>
    path.steps.map((step, k) => {
      const [cost, on] = [path.cost[k], path.surface[k]];
      const stem = cost === null || on === null ? null : cost - on;
      return h("tr", {}, h("th", { scope: "row" }, path.name), ...[step, path.x[k], path.y[k], cost, on, stem].map((value) => h("td", { "data-value": value }, brief(value, 6))));
    }),
  );
  if (!rows.length) rows.push(h("tr", {}, h("th", { scope: "row" }, "here"), ...["", shown.here.x, shown.here.y, shown.here.cost, shown.here.surface, ""].map((value) => h("td", {}, typeof value === "string" ? value : brief(value, 6)))));
  return h("table", { class: "twin" }, h("thead", {}, h("tr", {}, ...head.map((words) => h("th", { scope: "col" }, words)))), h("tbody", {}, ...rows));
}
