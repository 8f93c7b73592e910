"""A lesson's steps as text for terminals and files; derivations as `explain.render_text` writes them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from chainrule.explain.render_text import UNICODE, Row, Signs, text_rows
from chainrule.explain.showing import number_text
from chainrule.lessons.blocks import Block, Checked, Compared, Erratum, Grid, Plot, Shown, Words, Worked
from chainrule.lessons.lesson import Lesson

MOST_DIGITS = 17
"""All digits that a float has."""

GAP = "  "


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
            yield from _grid(block, width)
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


def _grid(grid: Grid, width: int) -> Iterator[Row]:
    if grid.caption:
        yield from _paragraph(grid.caption, width, "dim")
    table = [grid.headers, *grid.rows]
    sizes = [max(len(row[i]) for row in table) for i in range(len(grid.headers))]
    left = [header in grid.words for header in grid.headers]
    for place, group in enumerate(_groups(sizes, width)):
        if place:
            yield []
        for number, row in enumerate(table):
            cells = [row[i].ljust(sizes[i]) if left[i] else row[i].rjust(sizes[i]) for i in group]
            yield [(f"  {GAP.join(cells)}", "" if number else "rule")]


def _groups(sizes: list[int], width: int) -> list[list[int]]:
    """Divide columns into tables one below the other where they don't fit side by side; each begins with the first."""
    groups: list[list[int]] = [[0]]
    for column in range(1, len(sizes)):
        wide = 2 + sum(sizes[i] + len(GAP) for i in groups[-1]) + sizes[column]
        if wide > width and len(groups[-1]) > 1:
            groups.append([0])
        groups[-1].append(column)
    return groups


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
