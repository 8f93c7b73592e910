// A number that somebody gives for a cell: as its column writes numbers, or as a program does, and refused where both are one and
// not the same; as the studio takes it (`tables.spelling.dress.given_number`).

/** @typedef {import("./model.js").CarriedColumn} CarriedColumn */
/** @typedef {import("./model.js").CarriedModel} CarriedModel */

/**
 * A cell as its column writes it, and the number that is read of it: NaN for a missing one, null in a column of other cells.
 * @param {CarriedModel} carried
 * @param {string} name the model's name of the column
 * @param {string | null} cell
 * @returns {{text: string | null, number: number | null}}
 */
export function given(carried, name, cell) {
  const column = carried.columns.find((one) => one.name === name);
  if (column?.kind !== "number" || cell === null) return { text: cell, number: null };
  const text = trimmed(cell, column.blanks);
  if (text === "" || column.missing.includes(text)) return { text: null, number: NaN };
  const read = (/** @type {Partial<CarriedColumn>} */ other) => {
    try {
      return carried.readRow({ [name]: text }, [{ ...column, ...other }])[0];
    } catch {
      return null;
    }
  };
  const [own, plain] = [read({}), read({ decimal: ".", thousands: "", pattern: /(?!)/ })];
  const typed = (/** @type {number} */ number) => String(number).replace(".", column.decimal ?? ".");
  const number = own ?? plain;
  if (number === null || !Number.isFinite(number)) throw new TypeError(`${name}: ${JSON.stringify(text)} is not a number; give one such as ${typed(12.5)}, or nothing for a missing cell`);
  if (own !== null && plain !== null && own !== plain) {
    throw new TypeError(`${name}: ${JSON.stringify(text)} can be read in two ways: ${own} as its column writes numbers, ${plain} as a program does; give ${typed(own)} or ${typed(plain)}`);
  }
  return { text: own === null ? text.replace(".", column.decimal ?? ".") : text, number };
}

/** @param {string} text @param {string} blanks */
function trimmed(text, blanks) {
  let [start, end] = [0, text.length];
  while (start < end && blanks.includes(text[start])) start += 1;
  while (start < end && blanks.includes(text[end - 1])) end -= 1;
  return text.slice(start, end);
}
