// A surface in perspective on a canvas, by a camera of our own: turned, tilted, farther faces first; paths at their true heights.

import { rampColor } from "./heat.js";

/** @typedef {import("../arrays.js").Floats} Floats */
/** @typedef {import("./heat.js").HeatColors} HeatColors */
/** @typedef {import("./scales.js").Palette} Palette */
/** @typedef {import("../types.js").HillAnswer} HillAnswer */
/** @typedef {import("../types.js").HillPath} HillPath */
/** @typedef {{x: number, y: number, depth: number}} Seen */
/** @typedef {(x: number, y: number, height: number) => Seen} Camera */

const TALL = 0.62;
const FAR = 3.2;
/** The most faces on a side: of a finer grid every second row and column is drawn. */
const FACES = 48;

/**
 * A camera that looks at a surface: places and heights to pixels, and how far behind they are.
 * @param {HillAnswer} hill
 * @param {{turn: number, tilt: number}} angles in degrees
 * @param {number} width
 * @param {number} height
 * @returns {Camera}
 */
export function cameraOf(hill, { turn, tilt }, width, height) {
  const { x, y } = hill;
  const [low, high] = reachOf(hill);
  const [cos, sin] = [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)];
  const [up, down] = [Math.cos((tilt * Math.PI) / 180), Math.sin((tilt * Math.PI) / 180)];
  const size = Math.min(width / 1.62, height / 1.46);
  return (px, py, cost) => {
    const a = (px - x.low) / (x.high - x.low) - 0.5;
    const b = (py - y.low) / (y.high - y.low) - 0.5;
    const c = TALL * ((cost - low) / (high - low || 1) - 0.5);
    const side = a * cos - b * sin;
    const back = a * sin + b * cos;
    const depth = back * up - c * down;
    const near = FAR / (FAR + depth);
    return { x: width / 2 + size * side * near, y: height * 0.44 - size * (c * up + back * down) * near, depth };
  };
}

/**
 * The lowest and the highest cost that there is room for: the surface's, and those of the paths as far as that is not far off.
 * @param {HillAnswer} hill
 * @returns {[number, number]}
 */
export function reachOf({ low, high, paths }) {
  const tall = high - low || 1;
  const costs = paths.flatMap((path) => path.cost.filter((one) => one !== null)).map(Number);
  return [Math.max(low - tall, Math.min(low, ...costs)), Math.min(high + 1.5 * tall, Math.max(high, ...costs))];
}

/**
 * Draw the surface with all that stands on it.
 * @param {CanvasRenderingContext2D} context
 * @param {HillAnswer} hill
 * @param {Floats} heights
 * @param {Floats} shares
 * @param {Camera} camera
 * @param {HeatColors} colors
 * @param {Palette} palette
 */
export function drawHill(context, hill, heights, shares, camera, colors, palette) {
  drawFloor(context, hill, camera, palette);
  const { side: columns } = hill.x;
  const { side: rows } = hill.y;
  const every = Math.max(1, Math.ceil((columns - 1) / FACES));
  /** @type {Seen[]} */
  const seen = [];
  for (let j = 0; j < rows; j += every) for (let i = 0; i < columns; i += every) seen[j * columns + i] = camera(numberAt(hill.x, i), numberAt(hill.y, j), heights[j * columns + i]);
  /** @type {{depth: number, corners: number[]}[]} */
  const faces = [];
  for (let j = 0; j + every < rows; j += every) {
    for (let i = 0; i + every < columns; i += every) {
      const corners = [j * columns + i, j * columns + i + every, (j + every) * columns + i + every, (j + every) * columns + i];
      const depth = (seen[corners[0]].depth + seen[corners[1]].depth + seen[corners[2]].depth + seen[corners[3]].depth) / 4;
      if (Number.isFinite(depth)) faces.push({ depth, corners });
    }
  }
  faces.sort((a, b) => b.depth - a.depth);
  context.lineJoin = "round";
  context.lineWidth = 0.6;
  for (const { corners } of faces) {
    const share = (shares[corners[0]] + shares[corners[1]] + shares[corners[2]] + shares[corners[3]]) / 4;
    const color = `rgb(${rampColor(colors.sequential, share).map(Math.round).join(" ")})`;
    context.beginPath();
    corners.forEach((at, k) => (k ? context.lineTo(seen[at].x, seen[at].y) : context.moveTo(seen[at].x, seen[at].y)));
    context.closePath();
    context.fillStyle = color;
    context.fill();
    context.strokeStyle = palette.line;
    context.globalAlpha = 0.55;
    context.stroke();
    context.globalAlpha = 1;
  }
}

/** @param {import("../types.js").PlaneSide} side @param {number} k */
function numberAt(side, k) {
  return side.low + (k / (side.side - 1)) * (side.high - side.low);
}

/**
 * The edges of the lowest plane, with the axes' names and ends.
 * @param {CanvasRenderingContext2D} context
 * @param {HillAnswer} hill
 * @param {Camera} camera
 * @param {Palette} palette
 */
function drawFloor(context, hill, camera, palette) {
  const { x, y } = hill;
  const [low] = reachOf(hill);
  const corners = [[x.low, y.low], [x.high, y.low], [x.high, y.high], [x.low, y.high]].map(([a, b]) => camera(a, b, low));
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.beginPath();
  corners.forEach((at, k) => (k ? context.lineTo(at.x, at.y) : context.moveTo(at.x, at.y)));
  context.closePath();
  context.stroke();
}

/** Whether a place is in the window. @param {HillAnswer} hill @param {number} px @param {number} py */
function inside({ x, y }, px, py) {
  return px >= x.low && px <= x.high && py >= y.low && py <= y.high;
}

/**
 * Where a path's steps are seen, those within the window; of each its true place and its place on the surface.
 * @param {HillAnswer} hill
 * @param {HillPath} path
 * @param {Camera} camera
 */
export function pathSeen(hill, path, camera) {
  return path.x.map((px, k) => {
    const [cost, surface] = [path.cost[k], path.surface[k]];
    if (cost === null || surface === null || !inside(hill, px, path.y[k])) return null;
    return { k, at: camera(px, path.y[k], cost), on: camera(px, path.y[k], surface) };
  });
}

/**
 * Draw a path at its true heights with the stems that join it to the surface.
 * @param {CanvasRenderingContext2D} context
 * @param {ReturnType<typeof pathSeen>} seen
 * @param {string} color
 * @param {number[]} dash
 * @param {Palette} palette
 */
export function drawPath(context, seen, color, dash, palette) {
  context.lineWidth = 1;
  context.strokeStyle = palette.ink;
  context.globalAlpha = 0.55;
  context.setLineDash([]);
  context.beginPath();
  for (const one of seen) {
    if (!one || (one.at.x - one.on.x) ** 2 + (one.at.y - one.on.y) ** 2 < 0.5) continue;
    context.moveTo(one.at.x, one.at.y);
    context.lineTo(one.on.x, one.on.y);
  }
  context.stroke();
  context.globalAlpha = 1;
  for (const [width, style] of /** @type {[number, string][]} */ ([[4.4, palette.paper], [2.2, color]])) {
    context.lineWidth = width;
    context.strokeStyle = style;
    context.setLineDash(width > 3 ? [] : dash);
    context.beginPath();
    let pen = false;
    for (const one of seen) {
      if (!one) pen = false;
      else if (pen) context.lineTo(one.at.x, one.at.y);
      else {
        context.moveTo(one.at.x, one.at.y);
        pen = true;
      }
    }
    context.stroke();
  }
  context.setLineDash([]);
  dots(context, seen, color, palette);
}

/**
 * The steps of a path as points, its start hollow, its end larger.
 * @param {CanvasRenderingContext2D} context
 * @param {ReturnType<typeof pathSeen>} seen
 * @param {string} color
 * @param {Palette} palette
 */
function dots(context, seen, color, palette) {
  seen.forEach((one, k) => {
    if (!one) return;
    const end = k === 0 || k === seen.length - 1;
    if (!end && seen.length > 70) return;
    context.beginPath();
    context.arc(one.at.x, one.at.y, end ? 4.4 : 1.9, 0, 2 * Math.PI);
    context.fillStyle = k === 0 ? palette.paper : color;
    context.fill();
    if (!end) return;
    context.lineWidth = 1.8;
    context.strokeStyle = k === 0 ? color : palette.paper;
    context.stroke();
  });
}
