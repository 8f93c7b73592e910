// Layers too large for neurons: a block with its words.

/** @typedef {import("../types.js").NetworkList} NetworkList */
/** @typedef {import("./place.js").Placed} Placed */
/** @typedef {import("./scales.js").Palette} Palette */

/**
 * @param {CanvasRenderingContext2D} context
 * @param {NetworkList} network
 * @param {Placed} at
 * @param {Palette} palette
 */
export function drawBlocks(context, network, at, palette) {
  if (!network.blocks.length) return;
  const wide = Math.max(44, Math.min(150, at.step * 0.62));
  context.textAlign = "center";
  network.blocks.forEach((block) => {
    const [x, middle] = [at.mapX(block.x), (at.top + at.height) / 2];
    const high = Math.min(at.height - at.top - 24, Math.max(120, wide * Math.min(2, block.rows / Math.max(1, block.columns))));
    context.fillStyle = palette.paper;
    context.strokeStyle = palette.quiet;
    context.lineWidth = 1.2;
    context.beginPath();
    context.roundRect(x - wide / 2, middle - high / 2, wide, high, 7);
    context.fill();
    context.stroke();
    context.fillStyle = palette.ink;
    context.font = `13px "Source Sans 3", "Segoe UI", system-ui, sans-serif`;
    const lines = block.words.split("\n");
    lines.forEach((line, i) => {
      context.fillStyle = i ? palette.quiet : palette.ink;
      context.fillText(line, x, middle + 4 + 16 * (i - (lines.length - 1) / 2), wide - 8);
    });
  });
}
