// The model that a file carries, as chainrule exports it to JavaScript: in such a file that stands in the place of this module.

/** @typedef {{address: string, formula: string, numbers: string, result: number}} CarriedLine */
/** @typedef {Record<string, string | null>} CarriedRow */
/** @typedef {{name: string, kind: string, blanks: string, missing: string[], decimal?: string, thousands?: string, pattern?: RegExp}} CarriedColumn how a column's cells are read */
/**
 * What the page uses of an export.
 * @typedef {object} CarriedModel
 * @property {(row: CarriedRow) => Record<string, {value?: number, label?: any, probabilities?: Record<string, number>}>} predict
 * @property {(row: CarriedRow) => Record<string, number>} numbers
 * @property {(row: CarriedRow, address: string) => CarriedLine} formula
 * @property {(row: CarriedRow, columns: CarriedColumn[]) => number[]} readRow
 * @property {CarriedColumn[]} columns
 */

export const carried = /** @type {CarriedModel | null} */ (null);
