// Pictures taken along: each that is to be seen, as SVG that needs no sheet, or as PNG.

import { PENS, VectorPen } from "../draw/vector.js";
import { h, s } from "../make.js";

/** @typedef {import("../store.js").Store} Store */

const PLACES = "cr-net .sheet, cr-panels .chart-box, cr-panels .plane-box, cr-panels .pictures figure, cr-stage .curve, cr-inspector figure, cr-inspector .plot";
const DRAWN = ["fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity", "visibility", "font-family", "font-size", "font-weight", "font-style", "text-anchor", "dominant-baseline", "paint-order", "letter-spacing"];
const GEOMETRY = new Set(["d", "x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "cx", "cy", "r", "rx", "ry", "points", "width", "height", "viewBox", "transform", "preserveAspectRatio", "offset", "id", "clip-path", "href"]);
const SHARP = 2;

/**
 * The pictures that are to be seen, with what they are called.
 * @returns {{name: string, element: HTMLElement}[]}
 */
export function picturesShown() {
  const found = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(PLACES)]).filter((one) => one.getClientRects().length && layersOf(one).length);
  return found.map((element) => ({ element, name: nameOf(element) }));
}

/** @param {HTMLElement} element */
function nameOf(element) {
  if (element.closest("cr-net")) return "The network";
  if (element.closest("cr-stage")) return "The curve of this step";
  const tab = document.querySelector("cr-panels [aria-selected=true]")?.textContent;
  const title = element.querySelector("svg title, figcaption")?.textContent || element.getAttribute("aria-label");
  return element.matches("figure") && title ? title : (element.closest("cr-panels") && tab) || title || "Picture";
}

/** The drawings in an element, from the back to the front. @param {Element} element */
function layersOf(element) {
  const all = /** @type {(HTMLCanvasElement | SVGSVGElement)[]} */ ([...element.querySelectorAll("canvas, svg")]);
  return all.filter((one) => one.getClientRects().length && !one.parentElement?.closest("svg") && !one.matches(".icon, .over"));
}

/**
 * A picture as SVG on its own: colors and letters in it, its background, and nothing that needs this page.
 * @param {HTMLElement} element
 * @param {Store} store
 */
export function pictureSvg(element, store) {
  const layers = layersOf(element);
  const canvases = /** @type {HTMLCanvasElement[]} */ (layers.filter((one) => one instanceof HTMLCanvasElement));
  const pens = redrawn(canvases, store);
  const boxes = layers.map((one) => one.getBoundingClientRect());
  const left = Math.min(...boxes.map((box) => box.left));
  const top = Math.min(...boxes.map((box) => box.top));
  const width = Math.ceil(Math.max(...boxes.map((box) => box.right)) - left);
  const height = Math.ceil(Math.max(...boxes.map((box) => box.bottom)) - top);
  const root = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
  root.append(s("title", {}, nameOf(element)), s("rect", { width, height, fill: paperOf(element) }));
  layers.forEach((layer, i) => {
    const place = { x: boxes[i].left - left, y: boxes[i].top - top, width: boxes[i].width, height: boxes[i].height };
    if (layer instanceof HTMLCanvasElement) {
      const pen = pens.get(layer);
      if (pen && !pen.beyond && pen.group.childElementCount) root.append(s("g", { transform: `translate(${place.x} ${place.y})` }, pen.group));
      else if (layer.width && layer.height) root.append(s("image", { ...place, href: layer.toDataURL(), preserveAspectRatio: "none" }));
      return;
    }
    const copy = copied(layer);
    if (!copy) return;
    for (const [name, value] of Object.entries(place)) copy.setAttribute(name, String(value));
    root.append(copy);
  });
  return { text: new XMLSerializer().serializeToString(root), width, height };
}

/**
 * Draw canvases again with pens that write down.
 * @param {HTMLCanvasElement[]} canvases
 * @param {Store} store
 */
function redrawn(canvases, store) {
  const pens = new Map(canvases.map((canvas) => [canvas, new VectorPen()]));
  for (const [canvas, pen] of pens) PENS.set(canvas, pen);
  store.change({ frame: store.state.frame, view: store.state.view });
  store.flush();
  PENS.clear();
  store.change({ frame: store.state.frame, view: store.state.view });
  return pens;
}

/**
 * An element of a drawing with what the page's sheet says of it in its own attributes; null where it isn't to be seen.
 * @param {Element} own
 * @returns {Element | null}
 */
function copied(own) {
  const style = getComputedStyle(own);
  if (style.display === "none") return null;
  const copy = document.createElementNS(own.namespaceURI, own.localName);
  for (const { name, value } of own.attributes) if (GEOMETRY.has(name)) copy.setAttribute(name, value);
  if (!["title", "desc", "defs", "clipPath", "stop"].includes(own.localName)) {
    // What is inherited is said once.
    const above = own.localName === "svg" || !own.parentElement ? null : getComputedStyle(own.parentElement);
    for (const name of DRAWN) {
      const value = style.getPropertyValue(name);
      const otherwise = name === "opacity" ? "1" : (above?.getPropertyValue(name) ?? "");
      if (value && value !== otherwise && value !== "normal" && value !== "auto") copy.setAttribute(name, value);
    }
  }
  for (const child of own.childNodes) {
    const made = child instanceof Element ? copied(child) : child.cloneNode();
    if (made) copy.append(made);
  }
  return copy;
}

/** The color behind an element. @param {Element | null} element */
function paperOf(element) {
  for (let one = element; one; one = one.parentElement) {
    const color = getComputedStyle(one).backgroundColor;
    if (color && color !== "transparent" && !color.endsWith(", 0)")) return color;
  }
  return "white";
}

/**
 * A picture as a file.
 * @param {HTMLElement} element
 * @param {"svg" | "png"} kind
 * @param {Store} store
 * @returns {Promise<Blob>}
 */
export async function pictureFile(element, kind, store) {
  const { text, width, height } = pictureSvg(element, store);
  const drawn = new Blob([text], { type: "image/svg+xml" });
  if (kind === "svg") return drawn;
  const image = new Image();
  image.src = await new Promise((done) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => done(String(reader.result)));
    reader.readAsDataURL(drawn);
  });
  await image.decode();
  const canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { width: width * SHARP, height: height * SHARP }));
  canvas.getContext("2d")?.drawImage(image, 0, 0, width * SHARP, height * SHARP);
  return new Promise((done, fail) => canvas.toBlob((made) => (made ? done(made) : fail(new Error("the picture is too large"))), "image/png"));
}
