// A network that is higher than its window: at first its middle is seen, then whatever neuron the stage is about.

/** @typedef {import("../draw/network.js").NetworkPicture} NetworkPicture */
/** @typedef {import("../types.js").Hello} Hello */
/** @typedef {import("../types.js").Frame} Frame */

/** How near to an edge of the window a neuron may be, in pixels. */
const EDGE = 24;

/**
 * Scroll the window where what is told of isn't seen; once for each place, so that who scrolls is left alone.
 * @param {HTMLElement} box
 * @param {NetworkPicture} picture
 * @param {Hello} hello
 * @param {Frame | null} frame
 */
export function intoSight(box, picture, hello, frame) {
  const high = box.clientHeight;
  const { at } = picture;
  if (!high || at.height <= high + 4 || frame?.playing) return;
  const window_ = `${hello.generation}|${high}`;
  const key = frame?.stage ? `${window_} ${frame.t} ${frame.place.index}` : window_;
  if (box.dataset.seen === key || (!frame?.stage && box.dataset.seen?.split(" ")[0] === key)) return;
  box.dataset.seen = key;
  if (!frame?.stage) return void (box.scrollTop = (at.height - high) / 2);
  const about = new Set(frame.stage.lit.slice(0, 3));
  const one = hello.network.neurons.find(({ address, z }) => about.has(address) || (z && about.has(z)));
  if (!one) return;
  const y = at.mapY(one);
  if (y < box.scrollTop + EDGE || y > box.scrollTop + high - EDGE) box.scrollTop = y - high / 2;
}
