// The model that a file carries, as chainrule exports it to JavaScript: in such a file that stands in the place of this module.

/** @typedef {{address: string, formula: string, numbers: string, result: number}} CarriedLine */
/** @typedef {Record<string, string | null>} CarriedRow */
/**
 * What the page uses of an export.
 * @typedef {object} CarriedModel
 * @property {(row: CarriedRow) => Record<string, {value?: number, label?: any, probabilities?: Record<string, number>}>} predict
 * @property {(row: CarriedRow) => Record<string, number>} numbers
 * @property {(row: CarriedRow, address: string) => CarriedLine} formula
 */

export const carried = /** @type {CarriedModel | null} */ (null);
