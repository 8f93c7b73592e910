// The stops of a recording: where one can stand in it, and which is the next one.

/** @typedef {[number, number, number, number, number]} Stop update, place, row, grains as bits, number of the frame */

/**
 * Where a step of a grain, by its number, leads to.
 * @param {Stop[]} stops
 * @param {number} grain
 * @param {number} at
 * @param {number} by
 */
export function stepped(stops, grain, at, by) {
  for (let left = Math.abs(by); left > 0; left -= 1) {
    let next = at + Math.sign(by);
    while (next >= 0 && next < stops.length && !(stops[next][3] & (1 << grain))) next += Math.sign(by);
    if (next < 0 || next >= stops.length) break;
    at = next;
  }
  return at;
}

/** The stop between updates that is nearest to one. @param {Stop[]} stops @param {number} t */
export function nearest(stops, t) {
  let best = 0;
  stops.forEach((stop, i) => {
    if (stop[1] === 0 && Math.abs(stop[0] - t) < Math.abs(stops[best][0] - t)) best = i;
  });
  return best;
}

/** The stop of some that is closest to one. @param {Stop[]} stops @param {Stop} here */
export function closest(stops, here) {
  const far = (/** @type {Stop} */ stop) => Math.abs(stop[0] - here[0]) + (stop[1] === here[1] ? 0 : 0.5) + (stop[1] ? 0.25 : 0);
  return stops.reduce((best, stop) => (far(stop) < far(best) ? stop : best));
}

/** Updates that are recorded step by step, by their numbers: "update 1 and 1,600". @param {number[]} whole after how many each begins */
export function updatesNamed(whole) {
  return `update ${whole.map((t) => (t + 1).toLocaleString("en")).join(", ").replace(/, (\S+)$/, " and $1")}`;
}

/** @param {number[]} whole */
export function noWalk(whole) {
  return `The walk through this update isn't in this file, which has that of ${updatesNamed(whole)}: go there on the line of time, or step by updates.`;
}

/**
 * Whether a step inside an update would leave it, as its walk wasn't recorded.
 * @param {number[][]} stops each with its update and its place in it
 * @param {number} at
 * @param {number} to
 * @param {{grain?: string, by?: number}} command
 */
export function leaps(stops, at, to, { grain = "", by = 0 }) {
  return by > 0 && !["update", "epoch"].includes(grain) && stops[at][1] === 0 && stops[to][0] > stops[at][0];
}
