// The neurons of the network as small heat maps of the plane that is open.

import { floats } from "../arrays.js";
import { heatColors, smallHeats } from "./heat.js";

/** @typedef {import("./network.js").NetworkPicture} NetworkPicture */
/** @typedef {import("../types.js").PlaneHeats} PlaneHeats */
/** @typedef {import("./heat.js").HeatColors} HeatColors */

/** @type {{dark: boolean | null, colors: HeatColors | null, of: PlaneHeats | null, pictures: HTMLCanvasElement[]}} */
const kept = { dark: null, colors: null, of: null, pictures: [] };

/**
 * Draw each neuron's map inside its ring; without maps the neurons are as they were.
 * @param {CanvasRenderingContext2D} context
 * @param {NetworkPicture} picture
 * @param {PlaneHeats | null} heats
 */
export function drawHeats(context, picture, heats) {
  const drawn = heats && heats.pictures.shape[0] === picture.drawn.length ? heats : null;
  picture.svg.classList.toggle("heated", drawn !== null);
  if (!drawn) return;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  if (kept.dark !== dark || !kept.colors) [kept.dark, kept.colors, kept.of] = [dark, heatColors(), null];
  if (kept.of !== drawn) {
    kept.of = drawn;
    kept.pictures = smallHeats(/** @type {any} */ (floats(drawn.pictures)), drawn.pictures.shape, kept.colors, kept.pictures);
  }
  const { at } = picture;
  kept.pictures.forEach((small, i) => {
    const r = at.r[i];
    context.save();
    context.beginPath();
    context.arc(at.x[i], at.y[i], r, 0, 2 * Math.PI);
    context.clip();
    context.imageSmoothingEnabled = true;
    context.drawImage(small, at.x[i] - r, at.y[i] - r, 2 * r, 2 * r);
    context.restore();
  });
}
