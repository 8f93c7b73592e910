// Rows that are moved or added in the plane: each a branch of the training, asked for one at a time while one drags.

/** @typedef {import("../api.js").Api} Api */
/** @typedef {import("../types.js").PlaneAnswer} PlaneAnswer */
/** @typedef {import("../types.js").PlaneSide} PlaneSide */

export class PlaneEdit {
  /** @param {Api} api */
  constructor(api) {
    this.api = api;
    this.busy = false;
    this.again = false;
    /** @type {{row: number, cells: Record<string, any>, done: boolean} | null} */
    this.next = null;
  }

  /**
   * Move a row; what is dragged is one edit, so that one undo takes it back.
   * @param {PlaneAnswer} shown
   * @param {number} row
   * @param {number} x
   * @param {number} y
   * @param {boolean} done
   */
  async drag(shown, row, x, y, done) {
    this.next = { row, cells: { ...cellAt(shown.x, x), ...cellAt(shown.y, y) }, done };
    if (this.busy) return;
    this.busy = true;
    while (this.next) {
      const { row: number, cells, done: last } = this.next;
      this.next = null;
      const said = await this.api.command({ do: "edit", edits: [{ kind: "cells", row: number, cells }], again: this.again });
      this.again = Boolean(said?.ok) && !last;
    }
    this.busy = false;
  }

  /**
   * Add a row like another one, at a place and with an answer.
   * @param {PlaneAnswer} shown
   * @param {number | null} like
   * @param {number} x
   * @param {number} y
   * @param {Record<string, string>} target
   */
  add(shown, like, x, y, target) {
    return this.api.command({ do: "edit", edits: [{ kind: "row", row: like, cells: { ...cellAt(shown.x, x), ...cellAt(shown.y, y), ...target } }] });
  }
}

/**
 * The cell at a place of an axis; a date is left as it is.
 * @param {PlaneSide} side
 * @param {number} value
 * @returns {Record<string, any>}
 */
function cellAt(side, value) {
  if (side.kind === "datetime") return {};
  if (side.kind === "words") return { [side.name]: side.ticks[Math.max(0, Math.min(side.ticks.length - 1, Math.round(value)))].words };
  return { [side.name]: Number(value.toPrecision(4)) };
}
