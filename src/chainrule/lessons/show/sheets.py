"""Exercise sheets and their keys as one HTML file or LaTeX document, a page for each variant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Literal

from chainrule._numbers import visible
from chainrule.explain.derive.lines import Derivation
from chainrule.explain.show.document import GridBlock, Words, Worked
from chainrule.explain.show.html import environment, section_data, shown_name
from chainrule.explain.show.latex import HEAD, TAIL, latex_block, latex_body, latex_name, latex_text
from chainrule.explain.show.showing import Showing
from chainrule.formula.latex import latex
from chainrule.formula.nodes import Symbol
from chainrule.lessons.lesson import Lesson
from chainrule.lessons.sheets import Variant

Part = Literal["both", "sheets", "keys"]
DIGITS = 6
ROOM = "18mm"
"""The height that a blank line has on LaTeX's page."""


def sheets_html(lesson: Lesson, variants: Sequence[Variant], part: Part = "both") -> str:
    """Return a complete page that loads nothing: all sheets, then all keys."""
    pages = [_page(variant, key) for variant, key in _pages(variants, part)]
    template = environment("chainrule.lessons.show").get_template("sheet.html")
    return visible(template.render(title=lesson.title, pages=pages, count=len(variants)))


def sheets_latex(lesson: Lesson, variants: Sequence[Variant], part: Part = "both") -> str:
    """Return a complete document: all sheets, then all keys."""
    shown = (_latex_page(lesson, *page, len(variants)) for page in _pages(variants, part))
    return HEAD + "\n\\newpage\n".join(map("\n".join, shown)) + "\n" + TAIL


def _pages(variants: Sequence[Variant], part: Part) -> Iterator[tuple[Variant, bool]]:
    """Yield each variant, and whether its key is meant."""
    for key, other in ((False, "keys"), (True, "sheets")):
        if part != other:
            yield from ((variant, key) for variant in variants)


def _page(variant: Variant, key: bool) -> dict[str, Any]:
    naming = variant.naming
    root = section_data(Worked(Derivation("", "", variant.lines), DIGITS, naming))
    lines = [{**line, "id": "", "blank": False} for line in root["lines"]]
    for place, line in enumerate(variant.lines):
        if not key and variant.is_blank(place):
            # The left side must not carry the result in an attribute.
            left = shown_name(line.address, naming) if line.address else ""
            lines[place] |= {"blank": True, "left": left, "sides": [], "result": "", "check": None}
    return {
        "number": variant.number,
        "key": key,
        "words": [block.text for block in variant.given if isinstance(block, Words)],
        "grids": [block for block in variant.given if isinstance(block, GridBlock)],
        "wanted": variant.wanted,
        "naming": naming,
        "hand": variant.hand,
        "lines": lines,
    }


def _latex_page(lesson: Lesson, variant: Variant, key: bool, count: int) -> Iterator[str]:
    what, name = ("answer key", "") if key else ("exercise", r"\hfill Name: \rule{6cm}{0.4pt}")
    yield rf"{{\Large\bfseries {latex_text(lesson.title)}\par}}"
    yield rf"\textbf{{Variant {variant.number} of {count}, {what}}}{name}"
    showing = Showing(naming=variant.naming)
    for block in variant.given:
        if isinstance(block, Words):
            yield rf"\par {latex_text(block.text, showing)}\par"
        else:
            yield latex_block(block)
    yield r"\par Wanted: " + "; ".join(_wanted(words, showing) for words in variant.wanted) + "."
    yield rf"\par\emph{{{latex_text(variant.hand)}}}\par"
    places = range(len(variant.lines))
    for blank, group in groupby(places, lambda place: not key and variant.is_blank(place)):
        lines = tuple(variant.lines[place] for place in group)
        if not blank:
            body = latex_body(Derivation("", "", lines), digits=DIGITS, naming=variant.naming)
            yield body.partition("\n")[2]
            continue
        rule = ""
        for line in lines:
            if line.rule != rule:
                rule = line.rule
                yield rf"\par {latex_text(rule, showing)}"
            shown = {line.left: showing.written(line.left)}
            left = (
                latex(Symbol(line.left), shown)
                if line.address
                else rf"\text{{{latex_text(line.label, showing)}}}"
            )
            yield rf"\par\noindent${left} = $\rule[-{ROOM}]{{0pt}}{{{ROOM}}}\hrulefill\par"


def _wanted(words: str, showing: Showing) -> str:
    name, _, what = words.partition(": ")
    return f"{latex_name(name, showing)}, {latex_text(what, showing)}"
