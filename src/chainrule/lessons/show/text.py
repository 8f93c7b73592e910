"""A lesson's steps as text for terminals and files; derivations as `explain.render_text` writes them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from chainrule._numbers import number_text
from chainrule.explain.derive.grid import Grid, grid_rows
from chainrule.explain.show.text import UNICODE, Row, Signs, text_rows
from chainrule.lessons.lesson import Lesson
from chainrule.lessons.show.blocks import Block, Checked, Compared, Erratum, Plot, Shown, Words, Worked

MOST_DIGITS = 17
"""All digits that a float has."""


def head_rows(lesson: Lesson, width: int, signs: Signs = UNICODE) -> list[Row]:
    """Return a lesson's title and source."""
    rows = list(_paragraph(lesson.title, width, "title"))
    rows.append([(signs.bar * min(width, len(lesson.title)), "dim")])
    if lesson.source:
        rows += _paragraph(f"After: {lesson.source}", width, "dim")
    return [[(signs.text(piece), style) for piece, style in row] for row in rows]


def step_rows(shown: Shown, width: int, signs: Signs = UNICODE) -> list[Row]:
    """Return the lines of a step in styled pieces, an empty one first."""
    title = f"Step {shown.number} of {shown.count}" + (f": {shown.title}" if shown.title else "")
    rows: list[Row] = [[], *_paragraph(title, width, "title")]
    for block in shown.blocks:
        rows += [[], *_block(block, width, signs)]
    return [[(signs.text(piece), style) for piece, style in row] for row in rows]


def plain(rows: list[Row]) -> str:
    """Return styled lines as text."""
    return "".join("".join(piece for piece, _ in row).rstrip() + "\n" for row in rows)


def _block(block: Block, width: int, signs: Signs) -> Iterator[Row]:
    match block:
        case Words(words):
            yield from _paragraph(words, width)
        case Worked(derivation, digits):
            yield from text_rows(derivation, digits=digits, width=width, signs=signs)
        case Grid():
            yield from grid_rows(block, width, number_text)
        case Plot(lines, key):
            yield from ([(line, "")] for line in lines)
            yield from _paragraph(key, width, "dim")
        case Erratum(printed, right, why):
            for label, words in (("Erratum. Printed:", printed), ("Right:", right), ("Why:", why)):
                yield from _paragraph(f"{label} {words}", width, "wrong" if label.startswith("E") else "")
        case Checked(items):
            yield from _checked(items, signs)


def _paragraph(words: str, width: int, style: str = "") -> Iterator[Row]:
    for line in textwrap.wrap(words, width, break_on_hyphens=False):
        yield [(line, style)]


def _checked(items: tuple[Compared, ...], signs: Signs) -> Iterator[Row]:
    first = max(*(len(item.name) for item in items), len("number")) + 2
    second = max(*(len(item.expected) for item in items), 8)
    yield [(f"  {'number':{first}}{'expected':>{second}}     found", "rule")]
    for item in items:
        # All digits of a wrong one.
        found = number_text(item.found, 10 if item.ok else MOST_DIGITS)
        yield [
            (f"  {item.name:{first}}{item.expected:>{second}}  ", ""),
            (signs.ok if item.ok else signs.wrong, "ok" if item.ok else "wrong"),
            (f"  {found}", "dim" if item.ok else "wrong"),
        ]
