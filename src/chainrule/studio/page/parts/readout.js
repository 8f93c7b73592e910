// The card beside what is pointed at: its number and those that belong to it, with all their digits.

import { exact, newOf } from "../arrays.js";
import { h } from "../make.js";

/** @typedef {import("../arrays.js").Places} Places */
/** @typedef {import("../types.js").Frame} Frame */

/**
 * @param {string} address
 * @param {Places} places
 * @param {Frame} frame
 */
export function readings(address, places, frame) {
  const tail = address.slice(address.indexOf("["));
  const inner = address.startsWith("a[") ? [`z${tail}`, `delta${tail}`] : [];
  const more = places.edge.has(address) || places.bias.has(address) ? [`dC/d${address}`] : inner;
  const mark = frame.frozen?.includes(address) ? [h("div", { class: "was" }, h("span", {}, "frozen: training leaves it alone"))] : [];
  return [address, ...more].map((name) => places.meant(name, frame)).flatMap((name) => {
    const value = places.value(name, frame);
    if (value === null) return [];
    const old = places.was(name, frame);
    const line = h("div", {}, h("span", { class: "name" }, frame.names?.[name] ?? name), h("output", { "data-address": name, "data-value": String(value) }, exact(value)));
    return old === null ? [line] : [line, h("div", { class: "was" }, h("span", {}, "was"), h("span", {}, exact(old)))];
  }).concat(mark);
}

/**
 * The numbers beside one that is asked for: of a weight its derivative and what becomes of it, of an activation its sum and delta.
 * @param {string} address
 * @param {Places} places
 * @param {Frame} frame
 * @returns {string[]}
 */
export function beside(address, places, frame) {
  const whole = address.replace(/@.*$/, "");
  const parameter = whole.replace(/^dC\/d/, "").replace("_new[", "[");
  const tail = whole.slice(whole.indexOf("["));
  const ends = frame.updates !== null && frame.t >= frame.updates;
  const all = places.edge.has(parameter) || places.bias.has(parameter) ? [parameter, `dC/d${parameter}`, ...(ends ? [] : [newOf(parameter)])] : [`a${tail}`, `z${tail}`, `delta${tail}`];
  return whole.includes("[") ? all.filter((one) => one !== whole && places.found.has(one)) : [];
}

/**
 * Where the mark of an address stands.
 * @param {string} address
 * @param {import("../draw/network.js").NetworkPicture} picture
 * @param {Places} places
 */
export function spotOf(address, picture, places) {
  const i = places.neuron.get(address);
  if (i !== undefined) return { x: picture.at.x[i], y: picture.at.y[i] };
  const edge = places.edge.get(address);
  const bias = places.bias.get(address);
  const stroke = edge !== undefined ? picture.strokes[edge] : bias !== undefined ? picture.biases[picture.biased.indexOf(bias)] : null;
  return stroke ? { x: (stroke.x + stroke.x2) / 2, y: (stroke.y + stroke.y2) / 2 } : null;
}
