// What an edit changed, and what is frozen, marked in the network: rings where an activation is another, old and new where a parameter was set.

import { brief, floats } from "../arrays.js";
import { s, say } from "../make.js";
import { numberPlace } from "./edges.js";

/** @typedef {import("../types.js").Frame} Frame */
/** @typedef {import("./network.js").NetworkPicture} NetworkPicture */

/** The most changed parameters whose old and new numbers are written beside them. */
const MOST_WRITTEN = 12;

/**
 * @param {NetworkPicture} picture
 * @param {Frame | null} frame
 */
export function markChanges(picture, frame) {
  const was = frame?.was?.arrays;
  const neurons = floats(was?.neurons.a);
  picture.drawn.forEach(({ group }, i) => group.classList.toggle("changed", i < neurons.length && !Number.isNaN(neurons[i])));
  picture.svg.querySelector(".changes")?.remove();
  const frozen = new Set(frame?.frozen);
  for (const { text } of picture.numbers) text.classList.toggle("frozen", frozen.has(text.getAttribute("data-address") ?? ""));
  for (const { text, bias, i } of picture.numbers) {
    const old = floats(bias ? was?.biases.weight : was?.edges.weight)[i];
    text.classList.toggle("changed", old !== undefined && !Number.isNaN(old));
    if (frame && old !== undefined && !Number.isNaN(old)) say(text, `${brief(old, 3)} → ${brief(floats(bias ? frame.arrays.biases.weight : frame.arrays.edges.weight)[i], 3)}`);
  }
  if (!frame || !was || picture.numbered) return;
  const group = s("g", { class: "changes", "aria-hidden": "true" });
  const edges = floats(was.edges.weight);
  const now = floats(frame.arrays.edges.weight);
  edges.forEach((old, i) => {
    if (Number.isNaN(old) || group.childElementCount >= MOST_WRITTEN) return;
    const { x, y } = numberPlace(picture.strokes[i]);
    group.append(s("text", { x, y: y + 4 }, `${brief(old, 3)} → ${brief(now[i], 3)}`));
  });
  const biases = floats(was.biases.weight);
  biases.forEach((old, i) => {
    if (Number.isNaN(old) || group.childElementCount >= MOST_WRITTEN) return;
    group.append(s("text", { x: picture.at.x[i] + picture.at.r[i] + 6, y: picture.at.y[i] + 4, class: "beside" }, `b ${brief(old, 3)} → ${brief(floats(frame.arrays.biases.weight)[i], 3)}`));
  });
  if (group.childElementCount) picture.svg.append(group);
}
