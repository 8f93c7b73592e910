// What is said beside a plane: its legend with the ends of its scale, the numbers at a place, a row, and the whole as a table.

import { brief, exact, floats } from "../arrays.js";
import { rampColor, scaleEnds } from "../draw/heat.js";
import { formPath } from "../draw/plot.js";
import { h, s } from "../make.js";

/** @typedef {import("../types.js").PlaneAnswer} PlaneAnswer */
/** @typedef {import("../types.js").PlaneSide} PlaneSide */
/** @typedef {import("../types.js").PlanePoints} PlanePoints */
/** @typedef {import("../draw/heat.js").HeatColors} HeatColors */

const CELLS = 9;

/**
 * The classes with their colors and forms, or the scale with its ends; which points are which.
 * @param {PlaneAnswer} shown
 * @param {PlaneAnswer} about
 * @param {HeatColors} colors
 */
export function legendOf(shown, about, colors) {
  const points = about.points;
  const made = [h("p", { class: "plane-title" }, shown.title)];
  if (shown.kind !== "classes") made.push(scaleOf(shown, colors));
  const classes = points?.classes ?? [];
  if (classes.length) {
    made.push(h("ul", { class: "class-key" }, ...classes.slice(0, 12).map((name, i) => h("li", {}, s("svg", { class: "points", width: 14, height: 14, viewBox: "-7 -7 14 14", "aria-hidden": "true" }, s("path", { class: `train ${classes.length === 2 ? `two${i}` : `c${(i % 6) + 1}`}`, d: formPath(i, 0, 0, 4) })), name)), classes.length > 12 ? h("li", { class: "quiet" }, `… ${classes.length - 12} more`) : null));
  }
  if (shown.kind === "classes") made.push(h("p", { class: "quiet" }, "The stronger the color, the surer the answer."));
  if (points) {
    const share = points.rows.length < points.of ? `${points.rows.length} of ${points.of.toLocaleString("en")} rows` : points.of === 1 ? "the row" : `${points.of} rows`;
    made.push(h("p", { class: "quiet" }, `Points: ${share}${points.training.includes(false) ? "; hollow ones are for validation" : ""}.`));
  }
  return made;
}

/**
 * A bar of the colors with the numbers at its ends.
 * @param {PlaneAnswer} shown
 * @param {HeatColors} colors
 */
export function scaleOf(shown, colors) {
  const [low, high] = scaleEnds(shown.kind, shown.low ?? 0, shown.high ?? 0);
  const ramp = shown.kind === "number" ? colors.sequential : colors.diverging;
  const bar = s("svg", { class: "scale-bar", viewBox: "0 0 42 6", preserveAspectRatio: "none", "aria-hidden": "true" });
  for (let k = 0; k < 42; k += 1) {
    const part = s("rect", { x: k, y: 0, width: 1.2, height: 6 });
    part.style.fill = `rgb(${rampColor(ramp, k / 41).join(" ")})`;
    bar.append(part);
  }
  const ends = shown.kind === "share" ? [shown.classes[0], shown.classes[1]] : [brief(low), brief(high)];
  const inside = shown.kind === "neuron" || shown.kind === "share" ? h("p", { class: "quiet" }, `here ${brief(shown.low)} to ${brief(shown.high)}`) : null;
  return h("div", { class: "scale" }, bar, h("div", { class: "scale-ends" }, h("span", { class: "low", "data-value": low }, ends[0]), h("span", { class: "high", "data-value": high }, ends[1])), inside);
}

/** A place on an axis in words. @param {PlaneSide} side @param {number} k */
function placeWords(side, k) {
  if (side.kind === "words") return side.ticks[k]?.words ?? "";
  const value = side.low + (k / Math.max(1, side.side - 1)) * (side.high - side.low);
  if (side.kind === "datetime") return side.ticks.reduce((best, tick) => (Math.abs(tick.at - value) < Math.abs(best.at - value) ? tick : best)).words;
  return brief(value, 5);
}

/**
 * The numbers at a place of the grid.
 * @param {PlaneAnswer} shown
 * @param {[number, number]} place
 */
export function pixelWords(shown, [i, j]) {
  const { x, y } = shown;
  const where = `${x.name} ${placeWords(x, i)}, ${y.name} ${placeWords(y, j)}`;
  return `${where}: ${numberWords(shown, j * x.side + i)}`;
}

/**
 * @param {PlaneAnswer} shown
 * @param {number} at
 */
function numberWords(shown, at) {
  const values = floats(shown.values);
  const size = shown.x.side * shown.y.side;
  if (shown.kind === "classes") {
    const code = shown.codes ? floats(shown.codes)[at] : 0;
    if (values.length === size) return `${shown.classes[code]} ${brief(values[at])}`;
    return shown.classes.map((name, k) => `${name} ${brief(values[k * size + at])}`).join(", ");
  }
  if (shown.kind === "share") return `${shown.classes[1]} ${exact(values[at])}`;
  return `${shown.unit} = ${exact(values[at])}`;
}

/** @param {PlanePoints} points @param {number} i */
export function pointWords(points, i) {
  const truth = points.truth[i];
  const what = truth === null ? "" : `, ${points.classes.length ? points.classes[truth] : brief(truth, 6)}`;
  return `row ${points.rows[i]}${what}, for ${points.training[i] ? "training" : "validation"}`;
}

/** Some of the places as a table. @param {PlaneAnswer} shown */
export function twinOf(shown) {
  const { x, y } = shown;
  /** @param {PlaneSide} side */
  const some = (side) => Array.from({ length: Math.min(CELLS, side.side) }, (_, k) => Math.round((k * (side.side - 1)) / Math.max(1, Math.min(CELLS, side.side) - 1)));
  const [columns, rows] = [some(x), some(y).reverse()];
  const head = h("tr", {}, h("th", { scope: "col" }, `${y.name} ↓, ${x.name} →`), ...columns.map((i) => h("th", { scope: "col" }, placeWords(x, i))));
  const values = floats(shown.values);
  const size = x.side * y.side;
  /** @param {number} at */
  const cell = (at) => {
    if (shown.kind !== "classes") return brief(values[at]);
    const code = shown.codes ? floats(shown.codes)[at] : 0;
    return `${shown.classes[code]} ${brief(values[values.length === size ? at : code * size + at], 3)}`;
  };
  const body = rows.map((j) => h("tr", {}, h("th", { scope: "row" }, placeWords(y, j)), ...columns.map((i) => h("td", {}, cell(j * x.side + i)))));
  return h("table", { class: "twin" }, h("thead", {}, head), h("tbody", {}, ...body));
}
