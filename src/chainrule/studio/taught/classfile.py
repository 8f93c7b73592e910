"""A lesson for a class: one HTML file with its questions, whose answers and what follows them are shut until they are found.

What a question hides is sealed with a secret; the secret is locked once for each answer that counts as right, each slip is
locked by the number that it gives, and each question's locks need the secret of the one before. Who reads the file's text finds
no answer in it; who has a program try all choices will, as with any sealed letter. A teacher's word opens all.
"""

from __future__ import annotations

import hashlib
import json
import math
from base64 import b64encode
from importlib import resources
from typing import Any

from markupsafe import escape

from chainrule._numbers import number_text
from chainrule.explain.notation.naming import Naming
from chainrule.lessons.asking import LessonQuestion
from chainrule.lessons.lesson import Lesson
from chainrule.lessons.setup import Setup
from chainrule.studio.protocol.nested import Node
from chainrule.studio.taught.replies import HINTS, question_told
from chainrule.studio.taught.tutor import Tutor, words_nodes
from chainrule.studio.web.assets import assets, modules
from chainrule.studio.web.link import integrity, linked

ROUNDS = 20_000
"""How often an answer is stretched before it opens anything."""

TAG = 16
"""The bytes by which one sees that an answer fits."""

MOST_ROWS, MOST_NUMBERS = 4, 6
"""The most rows, and the most inputs or targets of one, that a question tells of."""

SHEETS = ("/page/math.css", "/page/plots.css", "/page/studio.css")


def class_file(lesson: Lesson, word: str | None = None) -> str:
    """Return the file of a lesson; ``word`` opens all its answers, for a teacher. The same bytes each time."""
    tutor = Tutor(lesson)
    salt = hashlib.sha256(f"{lesson.name}\n{lesson.title}\n{word or ''}".encode()).hexdigest()[:32]
    sections: list[dict[str, Any]] = []
    begin = _Part(secret="", salt=salt)
    parts = [begin]
    for number in range(1, len(tutor.walk) + 1):
        tutor.go(number, passed=number - 1)
        shown, question = tutor.shown, tutor.question
        step: dict[str, Any] = {
            "title": tutor.titles[number - 1],
            "place": f"Step {number} of {len(tutor.walk)}",
        }
        nodes = tutor.nodes_of(shown, drawn=True)
        if question is None:
            parts[-1].steps.append({**step, "nodes": nodes})
            continue
        secret = hashlib.sha256(f"{salt} {number} {question.words} {question.values}".encode()).hexdigest()[
            :32
        ]
        asked = question_told(
            question, f"step-{number}", None, opened=False, may_reveal=False, naming=shown.naming
        )  # fmt: skip
        kept = question_told(
            question, f"step-{number}", None, opened=True, may_reveal=False, naming=shown.naming
        )
        locks = _locks(question, shown.naming, parts[-1].secret, secret, salt, word, number)
        given = words_nodes(given_words(tutor.setup), shown.naming) if question.told == () else []
        hint = words_nodes(question.hint or HINTS[question.kind], shown.naming)
        parts[-1].steps.append(
            {
                **step,
                "question": asked,
                "given": given,
                "digits": question.digits,
                "locks": locks,
                "hint": hint,
                "seal": len(parts),
            }
        )
        parts.append(_Part(secret=secret, salt=salt, truth=kept["truth"], nodes=nodes))
    for place, part in enumerate(parts):
        told = {"steps": part.steps, "truth": part.truth, "nodes": part.nodes, "secret": part.secret}
        sections.append(told if not place else {"sealed": sealed(told, part.secret, salt)})
    data = {
        "title": lesson.title, "source": lesson.source, "salt": salt, "rounds": ROUNDS, "parts": sections,
        "word": word is not None,
    }  # fmt: skip
    return _page(lesson.title, data)


def given_words(setup: Setup) -> str:
    """Return what a number of a small network is worked out from, beside its weights: rows and rate; "" for many rows."""
    rows, most = len(setup.x), max(setup.x.shape[1], 0 if setup.y is None else setup.y.shape[1])
    if rows > MOST_ROWS or most > MOST_NUMBERS:
        return ""
    if rows == 1:
        inputs = ", ".join(f"`x[{i}]` = {number_text(float(v))}" for i, v in enumerate(setup.x[0], 1))
        targets = [] if setup.y is None else setup.y[0].tolist()
        wanted = ", ".join(f"`y[{j}]` = {number_text(float(v))}" for j, v in enumerate(targets, 1))
        told = [inputs, f"target{'s' * (len(targets) > 1)} {wanted}" if wanted else ""]
    else:
        each = (
            _listed(x) + ("" if setup.y is None else f" with target {_listed(y)}")
            for x, y in zip(setup.x, setup.x if setup.y is None else setup.y, strict=True)
        )
        told = [f"row {number}: {row}" for number, row in enumerate(each, 1)]
    told.append(f"learning rate {number_text(float(setup.eta))}")
    return f"Given: {'; '.join(filter(None, told))}."


def _listed(values: Any) -> str:
    return f"({', '.join(number_text(float(v)) for v in values)})"


class _Part:
    """What is shown from one question to the next; sealed, but for the first."""

    def __init__(self, secret: str, salt: str, truth: Any = None, nodes: list[Node] | None = None) -> None:
        self.secret, self.salt, self.truth, self.nodes = secret, salt, truth, nodes or []
        self.steps: list[dict[str, Any]] = []


def canonical(value: float, digits: int) -> str:
    """Return a number to so many digits, in the one way that both sides write it.

    >>> canonical(0.298371, 3), canonical(-120.0, 2), canonical(0.0, 3)
    ('2.98e-1', '-1.2e2', '0')
    """
    if value == 0:
        return "0"
    mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
    return f"{mantissa}e{int(power)}"


def _locks(
    question: LessonQuestion,
    naming: Naming | None,
    before: str,
    secret: str,
    salt: str,
    word: str | None,
    number: int,
) -> list[dict[str, str]]:
    """Return what answers open: the secret for the right ones and for the teacher's word, words for the slips."""
    found: dict[str, dict[str, Any]] = {}
    opens = {"secret": secret}
    if question.told:
        for place, _ in enumerate(question.told):
            right = question.is_right(place)
            said = question.slip(place)
            if right or question.enough == "guess":
                found[str(place + 1)] = {**opens, "right": right}
            elif said:
                found[str(place + 1)] = {"nodes": words_nodes(said, naming)}
    elif question.enough == "guess" or not math.isfinite(question.truth):
        found["guess"] = opens
    else:
        for slip in question.slips:
            found[canonical(slip.value, question.digits)] = {"nodes": words_nodes(f"{slip.words}.", naming)}
        unit = question.room / (1 + 1e-9) if question.truth else 0.0
        for value in dict.fromkeys((question.truth - unit, question.truth, question.truth + unit)):
            found[canonical(value, question.digits)] = {**opens, "right": True}
    if word is not None:
        found[f"word {word}"] = opens
    # Sorted by what they look like, so that their order tells nothing.
    return sorted(
        ({"lock": sealed(told, f"{before} {number} {answer}", salt)} for answer, told in found.items()),
        key=lambda one: one["lock"],
    )


def sealed(data: Any, answer: str, salt: str) -> str:
    """Return data that an answer opens: its JSON, and a tag before it, with a stream of bytes that the answer gives."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    plain = bytes(TAG) + text
    key = hashlib.pbkdf2_hmac("sha256", answer.encode(), salt.encode(), ROUNDS)
    stream = hashlib.pbkdf2_hmac("sha256", key, salt.encode(), 1, len(plain))
    return b64encode(bytes(a ^ b for a, b in zip(plain, stream, strict=True))).decode()


def _page(title: str, data: dict[str, Any]) -> str:
    files = {name: content.decode() for name, (_, content) in assets().items()}
    style = "\n".join(files[name] for name in SHEETS)
    script = linked(modules(resources.files("chainrule.studio") / "page"), "classroom.js")
    policy = (
        f"default-src 'none'; script-src '{integrity(script)}'; style-src '{integrity(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    told = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n"
        '<body class="root class-file">\n<svg class="icons" width="0" height="0" aria-hidden="true"></svg>\n'
        '<math class="icons" aria-hidden="true"><mn>0</mn></math>\n<main id="class-steps"></main>\n'
        f'<script type="application/json" id="class-data">{told}</script>\n'
        f'<script type="module">{script}</script>\n</body>\n</html>\n'
    )
