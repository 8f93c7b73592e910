// A question before something is shown: answered by keys or pointer; then the guess beside the truth.

import { button, h, nodesOf, say } from "../make.js";

/** @typedef {import("../types.js").QuestionShown} QuestionShown */
/** @typedef {import("../types.js").ReplyShown} ReplyShown */

/** A question's form and its reply, drawn again where it changes. */
export class QuestionCard {
  /**
   * @param {(given: string) => void} answer
   * @param {() => void} reveal
   */
  constructor(answer, reveal) {
    this.answer = answer;
    this.id = "";
    this.kind = "";
    this.legend = h("legend", {});
    this.options = h("div", { class: "options" });
    this.number = /** @type {HTMLInputElement} */ (h("input", { type: "text", inputmode: "decimal", size: 9, autocomplete: "off", "aria-label": "Your number" }));
    this.number.addEventListener("input", () => this.number.removeAttribute("aria-invalid"));
    this.submit = button("Answer", () => {}, { kind: "primary" });
    this.submit.type = "submit";
    this.shows = button("Show me", reveal, {});
    this.free = h("span", { class: "quiet" }, "A guess is enough.");
    this.form = h("form", { class: "ask-form", onsubmit: (/** @type {Event} */ event) => this.given(event) });
    this.form.append(h("fieldset", {}, this.legend, this.options, h("div", { class: "pair" }, this.number, this.submit, this.shows, this.free)));
    this.said = h("p", { class: "said-to" });
    this.truth = h("p", { class: "truth" });
    this.gap = h("div", { class: "gap-place" });
    this.element = h("section", { class: "question", "aria-label": "Question" }, this.form, h("div", { "aria-live": "polite" }, this.said, this.truth), this.gap);
  }

  /** @param {Event} event */
  given(event) {
    event.preventDefault();
    if (this.submit.disabled) return;
    if (!this.options.hidden) {
      const chosen = /** @type {HTMLInputElement | null} */ (this.options.querySelector("input:checked"));
      if (chosen) this.answer(chosen.value);
      else /** @type {HTMLInputElement | null} */ (this.options.querySelector("input"))?.focus();
    } else if (/\d/.test(this.number.value)) this.answer(this.number.value);
    else {
      this.number.setAttribute("aria-invalid", "true");
      say(this.free, "Give a number, such as 0.5.");
      this.number.focus();
    }
  }

  /**
   * @param {QuestionShown | null} question
   * @param {boolean} mine whether this window steers
   */
  show(question, mine) {
    this.element.hidden = !question;
    this.element.closest(".root")?.classList.toggle("questioned", question !== null);
    if (!question) {
      this.id = "";
      return;
    }
    const key = JSON.stringify([question.id, question.nodes, question.options]);
    if (key !== this.id) this.pose(question, key);
    const open = question.opened;
    for (const each of this.options.querySelectorAll("input")) each.disabled = open || !mine;
    this.number.disabled = open || !mine;
    this.submit.disabled = !mine;
    this.submit.hidden = open;
    this.free.hidden = open || !question.guess;
    this.number.hidden = open || question.options.length > 0;
    this.shows.hidden = open || !question.may_reveal;
    this.shows.disabled = !mine;
    this.replied(question);
  }

  /** @param {QuestionShown} question @param {string} key */
  pose(question, key) {
    this.id = key;
    this.legend.replaceChildren(nodesOf(question.nodes));
    this.element.setAttribute("aria-label", `Question ${question.id.split("-").at(-1)}: ${this.legend.textContent}`);
    this.options.hidden = !question.options.length;
    this.options.replaceChildren(...question.options.map((nodes, k) => {
      const words = h("span", {}, nodesOf(nodes));
      // A name of mathematics alone would be none to some readers.
      const input = h("input", { type: "radio", name: "answer", value: String(k + 1), "aria-label": words.textContent });
      return h("label", { class: "option", "data-option": String(k + 1) }, input, words);
    }));
    this.number.value = "";
    this.number.removeAttribute("aria-invalid");
  }

  /** @param {QuestionShown} question */
  replied({ reply, truth, opened }) {
    this.said.hidden = !reply;
    this.said.className = `said-to ${reply?.right ? "ok" : ""}`;
    const key = JSON.stringify(reply);
    if (this.said.dataset.key !== key) {
      this.said.dataset.key = key;
      this.said.replaceChildren(...(reply ? [h("b", { class: "mark", "aria-hidden": "true" }, reply.right ? "✓ " : opened ? "· " : "✗ "), nodesOf(reply.nodes)] : []));
      if (reply && !opened && !this.number.hidden) this.number.select();
    }
    const told = JSON.stringify(truth);
    if (this.truth.dataset.key === told) return;
    this.truth.dataset.key = told;
    this.truth.hidden = this.gap.hidden = !truth;
    this.truth.replaceChildren(...(truth ? [h("span", { class: "label" }, reply ? "It is: " : "Shown: "), nodesOf(truth.nodes)] : []));
    this.gap.replaceChildren(truth ? nodesOf(truth.gap) : "");
    for (const option of this.options.children) {
      const own = Number(option.getAttribute("data-option"));
      option.classList.toggle("is-right", truth?.right === own);
      option.classList.toggle("is-wrong", Boolean(truth) && truth?.right !== own && reply?.given === String(own));
    }
  }

  /** Put the keyboard where the answer goes. */
  focus() {
    if (this.element.hidden) return false;
    const first = this.options.hidden ? this.number : /** @type {HTMLElement | null} */ (this.options.querySelector("input"));
    if (!first || /** @type {HTMLInputElement} */ (first).disabled) return false;
    first.focus({ preventScroll: true });
    return true;
  }
}

/**
 * What is asked at each update, outside of lessons, is asked for here.
 * @param {HTMLElement} element
 * @param {import("../part.js").Studio} studio
 * @returns {import("../part.js").Draw}
 */
export function buildOffer(element, { store, api }) {
  const box = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox" }));
  box.addEventListener("change", () => api.send({ do: "predict", on: box.checked }));
  const asks = h("label", { class: "check-line", title: "Predict, then see: the sign of a derivative, the weight that moves most, the next cost" }, box, h("span", {}, "Ask me first at each update, then show it"));
  const words = h("span", {});
  const begin = button("", () => {
    const offer = store.state.lesson?.offer;
    if (offer) api.send({ do: "lesson", name: offer.name });
  }, {});
  begin.replaceChildren(words);
  element.append(begin, asks);
  return (changed, state) => {
    const { lesson, frame, client, hello } = state;
    const plays = Boolean(hello && "recorded" in hello);
    element.hidden = !lesson || Boolean(lesson.lesson) || plays || Boolean(frame?.stage && !lesson.asks);
    if (!lesson || element.hidden) return;
    const mine = !frame || frame.driver === null || frame.driver === client;
    box.checked = lesson.asks;
    box.disabled = begin.disabled = !mine;
    begin.hidden = !lesson.offer || lesson.asks;
    say(words, lesson.offer ? "Take the lesson, step by step" : "");
    begin.title = lesson.offer?.title ?? "";
  };
}
