"""A question and the reply to an answer as a page shows them: the guess beside the truth, and the gap between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainrule._numbers import number_text
from chainrule.explain.notation.naming import Naming
from chainrule.explain.show.prose import shown_words
from chainrule.studio.protocol.nested import Node, nested, text_of

if TYPE_CHECKING:  # a table needs no lessons, which take a while to be loaded
    from chainrule.lessons.asking import LessonQuestion

HINTS = {
    "number": "Write down the formula first, then put each number in.",
    "sign": "Follow the chain from there to the cost: the sign of a product is that of its factors.",
    "moves": "An update goes by the learning rate times the derivative: the largest in size moves most, up or down.",
    "largest": "Compare what they are made of.",
    "least": "Think of what makes it fall faster.",
    "choices": "Look again at the network and its numbers.",
}
"""What helps on where neither the file nor a known mistake does, by kind."""

WIDTH, LINE = 320.0, 44.0
"""The picture of a gap."""


@dataclass(frozen=True)
class Reply:
    """An answer as it was given and read, whether it is right, the slip that it looks like, and the how-manieth it was."""

    given: str
    value: float | int
    right: bool
    slip: str
    tries: int


def question_told(
    question: LessonQuestion,
    name: str,
    reply: Reply | None,
    *,
    opened: bool,
    may_reveal: bool,
    naming: Naming | None,
) -> dict[str, Any]:
    """Return what a page is told of a question: without its answer until that is ``opened``."""

    def words(text: str) -> list[Node]:
        return nested(str(shown_words(text, naming, True)))

    told: dict[str, Any] = {
        "id": name,
        "kind": question.kind,
        "nodes": words(question.words),
        "options": [words(option) for option in question.told],
        "guess": question.enough == "guess",
        "may_reveal": may_reveal,
        "opened": opened,
        "reply": None,
        "truth": None,
    }
    if reply is not None:
        told["reply"] = {
            "given": reply.given,
            "right": reply.right,
            "tries": reply.tries,
            "nodes": words(_said(question, reply, opened=opened)),
        }
    if opened:
        told["truth"] = {
            "nodes": words(_truth_words(question)),
            "right": None if question.right is None else question.right + 1,
            "gap": _gap(question, reply, naming),
        }
    return told


def _said(question: LessonQuestion, reply: Reply, *, opened: bool) -> str:
    """Return what is said to an answer."""
    right = question.because[int(reply.value)] if question.because and reply.right else ""
    if reply.right:
        return f"Right. {right}".strip()
    if question.enough == "guess" and not question.told:
        return _how_far(question, float(reply.value))
    if reply.slip:
        return (
            f"Not yet: {reply.slip}."
            if not reply.slip.endswith((".", "?", "!"))
            else f"Not yet: {reply.slip}"
        )
    if opened and question.enough == "guess":
        return "It is another one."
    return f"Not yet. {question.hint or HINTS[question.kind]}"


def _how_far(question: LessonQuestion, guess: float) -> str:
    truth = question.truth
    if not math.isfinite(truth):
        return "It is beyond all numbers."
    off = guess - truth
    side = "too high" if off > 0 else "too low"
    if truth and guess and guess / truth > 0 and not 0.5 < guess / truth < 2:
        times = guess / truth if abs(guess) > abs(truth) else truth / guess
        return f"Your guess is {number_text(times, 2)} times too {'large' if abs(guess) > abs(truth) else 'small'}."
    return f"Your guess is {number_text(abs(off), 2)} {side}."


def _truth_words(question: LessonQuestion) -> str:
    if question.kind == "choices":
        assert question.right is not None
        return question.told[question.right]
    if question.kind == "sign":
        return f"`{question.names[0]}` = {number_text(question.truth, 6)}"
    if question.kind == "number":
        name = question.names[0]
        shown = (
            f"`{name}`" if "[" in name or name in ("C", "C_new", "loss") else f"the {name.replace('_', ' ')}"
        )
        return f"{shown} = {number_text(question.truth, 6)}"
    assert question.right is not None
    value = number_text(question.values[question.right], 4)
    verb = "moves most: by" if question.kind == "moves" else f"is the {question.kind}:"
    return f"{question.told[question.right]} {verb} {value}"


def _gap(question: LessonQuestion, reply: Reply | None, naming: Naming | None) -> list[Node]:
    """Return the guess beside the truth: two marks on a line, or the options with their numbers as bars."""
    if question.kind in ("number", "sign"):
        guess = None if reply is None or question.kind == "sign" else float(reply.value)
        # Where it is right, what digits were rounded away is no gap to be seen.
        right = reply is not None and reply.right
        return _number_line(question.truth, guess, zero=right) if math.isfinite(question.truth) else []
    if len(question.values) != len(question.told):
        return []
    chosen = None if reply is None else int(reply.value)
    largest = max((abs(value) for value in question.values if math.isfinite(value)), default=0.0) or 1.0
    rows: list[Node] = []
    for place, (option, value) in enumerate(zip(question.told, question.values, strict=True)):
        marks = [
            mark for mark, on in (("your answer", place == chosen), ("right", place == question.right)) if on
        ]
        share = min(1.0, abs(value) / largest) if math.isfinite(value) else 1.0
        sign = "plus" if value >= 0 else "minus"
        bar: Node = [
            "svg", {"viewBox": "0 0 100 10", "class": "bar-line", "aria-hidden": "true", "preserveAspectRatio": "none"},
            ["rect", {"x": "0", "y": "1", "height": "8", "width": f"{100 * share:.2f}", "class": sign}],
        ]  # fmt: skip
        shown = nested(str(shown_words(option, naming, True)))
        # A header of mathematics alone is an empty one to some readers.
        name = [["span", {"class": "unseen"}, text_of(shown)], ["span", {"aria-hidden": "true"}, *shown]]
        rows.append(["tr", {"class": "right" if place == question.right else ""},
                     ["th", {"scope": "row"}, *name], ["td", {"class": "mono"}, number_text(value, 4)],
                     ["td", {"class": "bars"}, bar], ["td", {}, ", ".join(marks)]])  # fmt: skip
    head: Node = ["thead", {}, ["tr", {}, ["td", {}], ["th", {"scope": "col"}, _column(question)],
                  ["td", {}], ["th", {"scope": "col", "class": "unseen-head"}, "which"]]]  # fmt: skip
    return [["table", {"class": "gap-table"}, head, ["tbody", {}, *rows]]]


def _column(question: LessonQuestion) -> str:
    return "change" if question.kind == "moves" else "value"


def _number_line(truth: float, guess: float | None, *, zero: bool = False) -> list[Node]:
    """Return a line with the truth, and the guess where there is one; with 0, where that belongs to it."""
    known = [truth] if guess is None or not math.isfinite(guess) else [truth, guess]
    zero = zero or len(known) == 1 or truth * known[1] <= 0 or not 1 / 3 < abs(truth / known[1]) < 3
    ends = [*known, *([0.0] if zero else [])]
    low, high = min(ends), max(ends)
    room = (high - low) * 0.18 or abs(truth) * 0.1 or 1.0
    low, high = low - room, high + room
    middle = LINE / 2

    def x(value: float) -> str:
        return f"{8 + (WIDTH - 16) * (value - low) / (high - low):.1f}"

    def across(kind: str, begin: str, end: str) -> Node:
        return ["line", {"class": kind, "x1": begin, "x2": end, "y1": f"{middle:g}", "y2": f"{middle:g}"}]

    marks: list[Node] = [across("axis", "8", f"{WIDTH - 8:g}")]
    if zero:
        marks.append(
            [
                "line",
                {
                    "class": "zero",
                    "x1": x(0.0),
                    "x2": x(0.0),
                    "y1": f"{middle - 5:g}",
                    "y2": f"{middle + 5:g}",
                },
            ]
        )
        marks.append(_label(x(0.0), LINE - 3, "0", "zero"))
    said = f"It is {number_text(truth, 4)}"
    if len(known) > 1:
        marks += [across("gap", x(truth), x(known[1])),
                  ["path", {"class": "guess", "d": f"M{x(known[1])} {middle - 1:g}l-5 -9h10z"}],
                  _label(x(known[1]), 9.0, f"you {number_text(known[1], 4)}", "guess")]  # fmt: skip
        said += f", your guess is {number_text(known[1], 4)}"
    marks += [["circle", {"class": "truth", "cx": x(truth), "cy": f"{middle:g}", "r": "5"}],
              _label(x(truth), LINE - 3 if len(known) > 1 else 13.0, number_text(truth, 4), "truth")]  # fmt: skip
    view = {
        "viewBox": f"0 0 {WIDTH:g} {LINE:g}",
        "class": "gap-line",
        "role": "img",
        "aria-label": f"{said}.",
    }
    return [["svg", view, *marks]]


def _label(x: str, y: float, words: str, kind: str) -> Node:
    place = float(x)
    anchor = "start" if place < 60 else "end" if place > WIDTH - 60 else "middle"
    return ["text", {"class": kind, "x": x, "y": f"{y:g}", "text-anchor": anchor}, words]
