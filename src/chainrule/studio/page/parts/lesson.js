// A lesson that drives the page: its steps, what each asks first, what it shows then, and when it goes on.

import { button, h, nodesOf, say } from "../make.js";
import { steers } from "../part.js";
import { QuestionCard } from "./question.js";

/** @typedef {import("../part.js").Studio} Studio */
/** @typedef {import("../part.js").Draw} Draw */
/** @typedef {import("../types.js").LessonShown} LessonShown */

const KEPT = "chainrule-lesson-";

/** How many steps of a lesson were passed in this browser. @param {string} name */
function remembered(name) {
  try {
    return Number(localStorage.getItem(KEPT + name)) || 0;
  } catch {
    return 0; // a page without storage begins anew
  }
}

/** @param {string} name @param {number} passed */
function remember(name, passed) {
  try {
    if (passed > remembered(name)) localStorage.setItem(KEPT + name, String(passed));
  } catch {
    return; // a page without storage begins anew
  }
}

/**
 * @param {HTMLElement} element
 * @param {Studio} studio
 * @returns {Draw}
 */
export function buildLesson(element, { store, api }) {
  const card = new QuestionCard((given) => api.send({ do: "answer", given }), () => api.send({ do: "reveal" }));
  const list = h("ol", { class: "lesson-list" });
  const where = h("span", {});
  const contents = /** @type {HTMLDetailsElement} */ (h("details", { class: "lesson-contents" }, h("summary", {}, where), list));
  const others = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": "Lesson", onchange: () => api.send({ do: "lesson", name: others.value, passed: remembered(others.value) }) }));
  const leave = button("Leave the lesson", () => api.send({ do: "lesson", name: null }), { icon: "close", kind: "flat" });
  const head = h("div", { class: "lesson-head" }, others, leave);
  const source = h("p", { class: "quiet source" });
  contents.append(source);
  const title = h("h2", { tabindex: -1 });
  const resume = button("", () => go(remembered(told()?.name ?? "") + 1), { kind: "resume" });
  const body = h("div", { class: "answer-lines lesson-lines" });
  const doing = h("p", { class: "doing" });
  const back = button("Back", () => go((told()?.number ?? 1) - 1), {});
  const next = button("Next step", () => go((told()?.number ?? 0) + 1), { kind: "primary", key: "N" });
  const why = h("span", { class: "quiet" });
  const foot = h("div", { class: "lesson-foot" }, doing, h("div", { class: "pair" }, back, next, why));
  element.append(head, contents, title, resume, card.element, body, foot);
  element.setAttribute("role", "region");
  element.setAttribute("aria-label", "Lesson");
  const told = () => store.state.lesson?.lesson ?? null;
  let seen = "";
  let shown = "";
  let asked = "";

  /** @param {number} number */
  const go = (number) => {
    const lesson = told();
    if (!lesson || number < 1 || number > lesson.of) return;
    api.send({ do: "lesson", number, passed: Math.min(remembered(lesson.name), lesson.of) });
  };
  document.addEventListener("keydown", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (event.key.toLowerCase() !== "n" || event.ctrlKey || event.altKey || event.metaKey || !store.state.view.keys) return;
    if (target.matches("input:not([type=checkbox], [type=radio]), select, textarea") || document.querySelector("dialog[open]")) return;
    if (told()?.may_go && !next.disabled) go((told()?.number ?? 0) + 1);
  });

  /** @param {LessonShown} lesson */
  const turn = (lesson) => {
    others.replaceChildren(...[...new Map([...lesson.others, { name: lesson.name, title: lesson.title }].map((one) => [one.name, one.title]))].map(([name, words]) => h("option", { value: name }, words)));
    others.value = lesson.name;
    say(source, lesson.source ? `After: ${lesson.source}` : "");
    say(title, lesson.titles[lesson.number - 1] ?? "");
    element.scrollTop = 0;
    contents.removeAttribute("open");
    if (seen && !card.focus()) title.focus({ preventScroll: true });
  };

  /** @param {LessonShown} lesson @param {boolean} mine */
  const rows = (lesson, mine) => {
    const reach = Math.max(lesson.passed, remembered(lesson.name)) + 1;
    list.replaceChildren(...lesson.titles.map((words, k) => h("li", {}, h("button", { type: "button", class: "flat-line", disabled: k + 1 > reach || !mine, "aria-current": k + 1 === lesson.number ? "step" : null, onclick: () => go(k + 1) }, h("span", { class: "label", "aria-hidden": "true" }, k + 1 <= lesson.passed ? "✓" : String(k + 1)), words))));
    say(where, `Step ${lesson.number} of ${lesson.of}`);
    resume.hidden = !mine || lesson.number > 1 || remembered(lesson.name) < 1 || lesson.passed >= remembered(lesson.name);
    say(resume, `Go on where you were: step ${Math.min(lesson.of, remembered(lesson.name) + 1)}`);
  };

  return (changed, state) => {
    const { lesson: news, frame } = state;
    const lesson = news?.lesson ?? null;
    const question = news?.question ?? null;
    if (!(changed.has("lesson") || changed.has("frame") || changed.has("client"))) return;
    element.hidden = !lesson && !question;
    document.body.classList.toggle("in-lesson", Boolean(lesson));
    for (const each of [head, contents, title, body, foot]) each.hidden = !lesson;
    if (!lesson) resume.hidden = true;
    if (!changed.has("lesson") && !changed.has("client")) return;
    const mine = !frame || steers(state);
    card.show(question, mine);
    if (!lesson) {
      if (question && !question.opened && question.id !== asked && frame && !frame.playing) card.focus();
      asked = question?.id ?? "";
      seen = shown = "";
      return;
    }
    remember(lesson.name, lesson.may_go && lesson.number === lesson.of ? lesson.of : lesson.passed);
    const at = `${lesson.name} ${lesson.number}`;
    if (at !== seen) turn(lesson);
    rows(lesson, mine);
    const now = `${at} ${lesson.nodes.length} ${frame?.notation ?? ""}`;
    if (now !== shown) {
      body.replaceChildren(nodesOf(lesson.nodes));
      if (lesson.tab) store.look({ tab: lesson.tab });
      if (seen === at && lesson.nodes.length && shown) title.focus({ preventScroll: true });
    }
    seen = at;
    shown = now;
    doing.hidden = !lesson.until;
    doing.replaceChildren(...(lesson.until ? [h("b", { "aria-hidden": "true" }, lesson.until.done ? "✓ " : "→ "), nodesOf(lesson.until.nodes), lesson.until.done ? h("span", { class: "unseen" }, " Done.") : ""] : []));
    back.disabled = !mine || lesson.number < 2;
    const last = lesson.number === lesson.of;
    next.disabled = !mine || !lesson.may_go || last;
    next.hidden = last && lesson.may_go;
    say(why, last && lesson.may_go ? "That was the last step." : lesson.may_go ? "" : question && !question.opened ? "first the answer" : "first do this");
  };
}
