// A lesson as a file for a class: what stands behind a question is sealed, and its right answer opens it.

import { h, nodesOf } from "./make.js";
import { QuestionCard } from "./parts/question.js";

/** @typedef {import("./types.js").Nested} Nested */
/** @typedef {import("./types.js").QuestionShown} QuestionShown */
/** @typedef {{title: string, place: string, nodes?: Nested[], question?: QuestionShown, given?: Nested[], digits?: number, locks?: {lock: string}[], hint?: Nested[], seal?: number}} ClassStep */
/** @typedef {{steps: ClassStep[], truth: any, nodes: Nested[], secret: string}} Part */

const TAG = 16;
const place = /** @type {HTMLElement} */ (document.getElementById("class-steps"));
const data = JSON.parse(document.getElementById("class-data")?.textContent ?? "{}");

/** @param {string | Uint8Array} from @param {number} rounds @param {number} length @returns {Promise<Uint8Array>} */
async function stretched(from, rounds, length) {
  const bytes = typeof from === "string" ? new TextEncoder().encode(from) : from;
  const key = await crypto.subtle.importKey("raw", /** @type {BufferSource} */ (bytes), "PBKDF2", false, ["deriveBits"]);
  const salt = new TextEncoder().encode(data.salt);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations: rounds }, key, length * 8));
}

/**
 * What a text holds that an answer seals; null where the answer is another one.
 * @param {string} sealed
 * @param {Uint8Array} key
 */
async function opened(sealed, key) {
  const bytes = Uint8Array.from(atob(sealed), (sign) => sign.charCodeAt(0));
  const stream = await stretched(key, 1, bytes.length);
  const plain = bytes.map((byte, k) => byte ^ stream[k]);
  if (plain.subarray(0, TAG).some((byte) => byte)) return null;
  return JSON.parse(new TextDecoder().decode(plain.subarray(TAG)));
}

/** The teacher's word, once it has opened an answer: then it opens those that come, too. */
let known = "";

/** A number as the file writes it, to so many digits. @param {string} given @param {number} digits */
function written(given, digits) {
  const value = Number(given.trim().replace(",", ".").replace("−", "-"));
  if (!Number.isFinite(value)) return null;
  if (value === 0) return "0";
  const [mantissa, power] = value.toExponential(digits - 1).split("e");
  return `${mantissa}e${Number(power)}`;
}

/**
 * Show the steps of a part, up to its question.
 * @param {Part} part
 */
function show(part) {
  for (const step of part.steps) {
    const title = h("h2", { tabindex: -1 }, step.title);
    const section = h("section", { class: "class-step" }, h("p", { class: "quiet" }, step.place), title);
    if (step.nodes) section.append(h("div", { class: "answer-lines lesson-lines" }, nodesOf(step.nodes)));
    place.append(section);
    reachable(section);
    if (step.question) ask(section, step, part.secret);
  }
}

/** What is wider than its place is scrolled by keys, too. @param {Element} section */
function reachable(section) {
  for (const box of section.querySelectorAll(".equation .right, .formula, .scroll, .arrays figure, .table, .gap-place")) box.setAttribute("tabindex", "0");
}

/**
 * @param {HTMLElement} section
 * @param {ClassStep} step
 * @param {string} secret what the question before gave
 */
function ask(section, step, secret) {
  const question = /** @type {QuestionShown} */ (step.question);
  let tries = 0;
  const card = new QuestionCard((given) => answer(given), () => {});
  const word = /** @type {HTMLInputElement} */ (h("input", { type: "text", size: 12, autocomplete: "off", "aria-label": "The teacher's word" }));
  const teacher = h("details", { class: "quiet" }, h("summary", {}, "The teacher's word"), word);
  const wrong = h("p", { class: "quiet", role: "status" });
  teacher.append(wrong);
  word.addEventListener("change", () => teach(word.value.trim()));
  if (step.given?.length) section.append(h("p", { class: "quiet" }, nodesOf(step.given)));
  section.append(card.element);
  if (data.word) section.append(teacher);
  card.show(question, true);

  /** @param {string} given */
  const teach = async (given) => {
    wrong.textContent = "";
    if (await answer(given, `word ${given}`)) known = given;
    else wrong.textContent = `“${given}” isn't the word of this page.`;
  };

  /** Open what an answer opens; gives whether it did. @param {string} given @param {string} [as] */
  const answer = async (given, as) => {
    if (!as) tries += 1;
    const own = as ?? (question.options.length ? given : question.guess ? "guess" : written(given, step.digits ?? 3));
    if (own === null) {
      card.number.setAttribute("aria-invalid", "true");
      return false;
    }
    const number = Number(question.id.split("-")[1]);
    const key = await stretched(`${secret} ${number} ${own}`, data.rounds, 32);
    let found = null;
    for (const { lock } of step.locks ?? []) found ??= await opened(lock, key);
    if (!found?.secret) {
      if (as) return false;
      const nodes = found?.nodes ? ["Not yet: ", ...found.nodes] : ["Not yet. ", ...(step.hint ?? [])];
      card.show({ ...question, reply: { given, right: false, tries, nodes } }, true);
      return false;
    }
    const part = /** @type {Part} */ (await opened(data.parts[step.seal ?? 0].sealed, await stretched(found.secret, data.rounds, 32)));
    const right = found.right === true;
    const words = right ? "Right." : as ? "" : "A guess; compare:";
    card.show({ ...question, opened: true, reply: words ? { given, right, tries, nodes: [words] } : null, truth: part.truth }, true);
    teacher.remove();
    section.append(h("div", { class: "answer-lines lesson-lines" }, nodesOf(part.nodes)));
    reachable(section);
    show(part);
    return true;
  };
  if (known) teach(known);
}

place.append(h("header", {}, h("h1", {}, data.title), data.source ? h("p", { class: "quiet" }, `After: ${data.source}`) : null));
if (!globalThis.crypto?.subtle) place.append(h("p", { class: "notice bad" }, "This browser opens no seals here: open the file in a recent one."));
else show(data.parts[0]);
