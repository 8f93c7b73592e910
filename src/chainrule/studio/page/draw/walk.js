// The keyboard's way through the network: up and down in a layer, left and right to the nearest in the next.

/**
 * Where an arrow key leads: -1 nowhere, null for another key.
 * @param {string} key
 * @param {number} i
 * @param {import("./network.js").NetworkPicture} picture
 */
export function nextNeuron(key, i, { at, layers }) {
  if (key === "Home") return layers.indexOf(layers[i]);
  if (key === "End") return layers.lastIndexOf(layers[i]);
  if (key === "ArrowUp" || key === "ArrowDown") {
    const next = i + (key === "ArrowDown" ? 1 : -1);
    return layers[next] === layers[i] ? next : -1;
  }
  if (key !== "ArrowLeft" && key !== "ArrowRight") return null;
  const sign = key === "ArrowRight" ? 1 : -1;
  const beside = [...new Set(layers)].sort((a, b) => sign * (a - b)).find((layer) => sign * layer > sign * layers[i]);
  let best = -1;
  layers.forEach((layer, k) => {
    if (layer === beside && (best < 0 || Math.abs(at.y[k] - at.y[i]) < Math.abs(at.y[best] - at.y[i]))) best = k;
  });
  return best;
}
