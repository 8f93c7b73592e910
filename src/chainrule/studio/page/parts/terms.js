// A sum as it is made: a row for each term, its numbers, its share as a bar; what is done flows down into the sum.
// A product, and a sum that isn't whole, are parts of the number at an address (data-part), which is none's value (data-value).

import { brief } from "../arrays.js";
import { h, hide, say, setAll } from "../make.js";
import { largest } from "../draw/scales.js";

/** @typedef {import("../types.js").Stage} Stage */
/** @typedef {import("../types.js").Term} Term */
/** @typedef {import("../player.js").Move} Move */
/** @typedef {{row: HTMLElement, product: HTMLElement, bar: HTMLElement, done: boolean}} Row */

const ROW = 44;
const DENSE_ROW = 40;
const FEW = 8;

export class Terms {
  constructor() {
    this.list = h("ol", { class: "terms moves" });
    this.ghosts = h("div", { class: "ghosts", "aria-hidden": "true" });
    this.total = h("div", { class: "total" });
    this.element = h("div", { class: "sum", hidden: true }, this.list, this.total, this.ghosts);
    this.key = "";
    /** @type {Row[]} */
    this.rows = [];
    this.high = ROW;
  }

  /**
   * Show a stage's terms; returns how what is new flows into the sum.
   * @param {Stage | null} stage
   * @param {string} key of the sum that it is about
   * @param {number} seconds that there are
   * @param {boolean} [on] whether one comes from before it, so that all of it is new
   * @returns {Move[]}
   */
  show(stage, key, seconds, on = false) {
    this.element.hidden = !stage || (!stage.terms.length && !stage.sum);
    if (!stage || this.element.hidden) {
      this.key = "";
      this.rows = [];
      this.list.replaceChildren();
      this.total.replaceChildren();
      return [];
    }
    const same = this.key === key && this.rows.length === stage.terms.length;
    if (!same) this.build(stage);
    this.key = key;
    const most = largest([...stage.terms.map((term) => term.product ?? 0), stage.sum?.so_far ?? 0, stage.sum?.value ?? 0, stage.rest?.value ?? 0]);
    /** @type {Row[]} */
    const fresh = [];
    stage.terms.forEach((term, i) => {
      const row = this.rows[i];
      if (term.done && (same ? !row.done : on)) fresh.push(row);
      row.done = term.done;
      row.row.classList.toggle("done", term.done);
      say(row.product, term.product === null ? "" : brief(term.product));
      setAll(row.product, { "data-part": term.product });
      this.bar(row.bar, term.done ? term.product : null, most);
    });
    this.sum(stage, most);
    return this.flow(fresh, seconds);
  }

  /** @param {Stage} stage */
  build(stage) {
    this.high = stage.terms.length > FEW ? DENSE_ROW : ROW;
    this.element.style.setProperty("--row", `${this.high}px`);
    this.rows = stage.terms.map((term) => {
      const product = h("button", { type: "button", class: "product number", "data-address": term.address });
      const bar = h("span", { class: "bar" }, h("i"));
      const row = h("li", { class: "term" }, factors(term), h("span", { class: "equals", "aria-hidden": "true" }, "="), product, bar);
      return { row, product, bar, done: term.done };
    });
    this.list.replaceChildren(...this.rows.map((row) => row.row));
    if (stage.rest) {
      const words = `… and ${stage.rest.count.toLocaleString("en")} more`;
      this.list.append(h("li", { class: "term rest" }, h("span", { class: "factors" }, words), h("span", { class: "equals", "aria-hidden": "true" }, "="), h("span", { class: "product" }, brief(stage.rest.value)), h("span", { class: "bar" })));
    }
  }

  /**
   * @param {Stage} stage
   * @param {number} most
   */
  sum(stage, most) {
    const { sum } = stage;
    hide(this.total, !sum);
    if (!sum) return;
    const bar = h("span", { class: "bar" }, h("i"));
    this.bar(bar, sum.so_far, most);
    const number = h("button", { type: "button", class: "product number", "data-address": sum.address, [sum.done ? "data-value" : "data-part"]: sum.so_far }, brief(sum.so_far, 6));
    const count = stage.terms.filter((term) => term.done).length;
    const words = sum.done ? (stage.terms.length > 1 || stage.rest ? "the sum" : "the product") : count ? "the sum so far" : "nothing added yet";
    this.total.replaceChildren(h("span", { class: "factors" }, h("span", { class: "symbols" }, sum.name ?? sum.address), h("span", { class: "numbers" }, words)), h("span", { class: "equals", "aria-hidden": "true" }, "="), number, bar);
    this.total.classList.toggle("done", sum.done);
  }

  /**
   * @param {HTMLElement} bar
   * @param {number | null} value
   * @param {number} most
   */
  bar(bar, value, most) {
    const inner = /** @type {HTMLElement | null} */ (bar.firstElementChild);
    if (!inner) return;
    const share = value === null || !Number.isFinite(value) ? 0 : Math.min(1, Math.abs(value) / most);
    inner.className = value !== null && value < 0 ? "minus" : "plus";
    inner.style.width = `${(share * 50).toFixed(2)}%`;
  }

  /**
   * @param {Row[]} fresh
   * @param {number} seconds
   * @returns {Move[]}
   */
  flow(fresh, seconds) {
    const each = Math.min(0.5, seconds * 0.7);
    const apart = fresh.length > 1 ? Math.max(0, seconds - each) / (fresh.length - 1) : 0;
    const end = this.list.childElementCount;
    this.ghosts.replaceChildren();
    const moves = fresh.map((row, k) => {
      const i = this.rows.indexOf(row);
      const ghost = h("span", { class: "ghost" }, row.product.textContent);
      this.ghosts.append(ghost);
      return {
        from: k * apart,
        lasts: each,
        /** @param {number} share */
        draw: (share) => {
          ghost.style.transform = `translateY(${(i + (end - i) * share) * this.high}px)`;
          ghost.style.opacity = share <= 0 ? "0" : String(Math.min(1, 4 * (1 - share)));
          if (share >= 1) ghost.remove();
        },
      };
    });
    // The sum is told when all that flows has come.
    const number = /** @type {HTMLElement | null} */ (this.total.querySelector(".product"));
    const arrive = { from: 0, lasts: each + apart * Math.max(0, fresh.length - 1), draw: (/** @type {number} */ share) => number?.classList.toggle("coming", share < 0.9) };
    return moves.length ? [...moves, arrive] : [];
  }
}

/** @param {Term} term */
function factors(term) {
  const symbols = h("span", { class: "symbols" });
  const numbers = h("span", { class: "numbers" });
  term.factors.forEach(([address, value], k) => {
    if (k) {
      symbols.append(" × ");
      numbers.append(h("span", { class: "times", "aria-hidden": "true" }, "×"));
    }
    symbols.append(term.names?.[k] ?? address);
    numbers.append(h("button", { type: "button", class: "number", "data-address": address, "data-value": value, title: address }, brief(value)));
  });
  return h("span", { class: "factors" }, numbers, symbols);
}
