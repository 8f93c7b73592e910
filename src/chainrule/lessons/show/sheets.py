"""Exercise sheets and their keys as one HTML file or LaTeX document, a page for each variant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from markupsafe import Markup

from chainrule._numbers import visible
from chainrule.explain.derive.lines import Derivation, Line
from chainrule.explain.show.document import GridBlock, Words, Worked
from chainrule.explain.show.html import environment, section_data
from chainrule.explain.show.latex import HEAD, MARGINS, TAIL, latex_block, latex_name, latex_text
from chainrule.explain.show.prose import shown_name
from chainrule.explain.show.showing import Showing
from chainrule.formula.latex import latex
from chainrule.formula.names import split_name
from chainrule.formula.nodes import Symbol
from chainrule.lessons.lesson import Lesson
from chainrule.lessons.sheets import Variant
from chainrule.lessons.show.pictures import chart_latex
from chainrule.plots.svg.sheet import SHEET

Part = Literal["both", "sheets", "keys"]
DIGITS = 6
ROOMS = 2
"""The lines to write on where a line of the calculation is left blank: in symbols, then in numbers with the result."""
ROOM = "7mm"
"""The height of one of them on LaTeX's page."""

GAP = "¬"
"""What stands for a number that is left blank until it is drawn as room to write; nothing is called so."""
_GAP = re.compile(rf"<mi[^>]*>{GAP}</mi>")
_LATEX_GAP = re.compile(rf"\\(?:text|mathrm)\{{{GAP}\}}|{GAP}")

SHEET_HEAD = (
    HEAD.replace("11pt", "10pt")
    .replace(MARGINS, "margin=12mm")
    .replace("{amsmath,amssymb}", "{amsmath,amssymb,color,multicol,pict2e}")
    .replace("4pt plus 2pt", "1pt plus 1pt")
    .replace(r"\begin{document}", "\\pagestyle{empty}\n\\begin{document}\n\\small")
)
"""A page without margins to speak of, in two columns; pict2e draws the network."""


def sheets_html(lesson: Lesson, variants: Sequence[Variant], part: Part = "both") -> str:
    """Return a complete page that loads nothing: all sheets, then all keys."""
    pages = [_page(variant, key) for variant, key in _pages(variants, part)]
    template = environment("chainrule.lessons.show").get_template("sheet.html")
    return visible(template.render(title=lesson.title, pages=pages, count=len(variants), sheet=Markup(SHEET)))


def sheets_latex(lesson: Lesson, variants: Sequence[Variant], part: Part = "both") -> str:
    """Return a complete document: all sheets, then all keys."""
    shown = (_latex_page(lesson, *page, len(variants)) for page in _pages(variants, part))
    return SHEET_HEAD + "\n\\newpage\n".join(map("\n".join, shown)) + "\n" + TAIL


def _pages(variants: Sequence[Variant], part: Part) -> Iterator[tuple[Variant, bool]]:
    """Yield each variant, and whether its key is meant."""
    for key, other in ((False, "keys"), (True, "sheets")):
        if part != other:
            yield from ((variant, key) for variant in variants)


def _page(variant: Variant, key: bool) -> dict[str, Any]:
    naming = variant.naming
    shown = variant.lines if key else tuple(variant.line(place, GAP) for place in range(len(variant.lines)))
    root = section_data(Worked(Derivation("", "", shown), DIGITS, naming))
    lines = [{**line, "id": "", "rooms": 0} for line in root["lines"]]
    for place, line in enumerate(variant.lines):
        if key:
            continue
        lines[place]["sides"] = [list(map(_with_gaps, side)) for side in lines[place]["sides"]]
        if variant.is_blank(place):
            # The left side must not carry the result in an attribute.
            left = shown_name(line.address, naming) if line.address else ""
            lines[place] |= {"left": left, "result": "", "check": None, "rooms": 1 if variant.keep else ROOMS}
            lines[place]["sides"] = lines[place]["sides"] if variant.keep else []
    return {
        "number": variant.number,
        "key": key,
        "words": [block.text for block in variant.given if isinstance(block, Words)],
        "grids": [block for block in variant.given if isinstance(block, GridBlock)],
        "picture": variant.solved if key else variant.drawn,
        "wanted": variant.wanted,
        "naming": naming,
        "hand": variant.hand,
        "lines": lines,
    }


def _with_gaps(piece: Markup) -> Markup:
    """Return a piece of a formula with room to write where a number is left blank."""
    return Markup(_GAP.sub('<mspace class="gap"></mspace>', piece))


def _latex_page(lesson: Lesson, variant: Variant, key: bool, count: int) -> Iterator[str]:
    what, name = ("answer key", "") if key else ("exercise", r"\hfill Name: \rule{6cm}{0.4pt}")
    yield rf"{{\large\bfseries {latex_text(lesson.title)}\par}}"
    yield rf"\textbf{{Variant {variant.number} of {count}, {what}}}{name}"
    showing = Showing(naming=variant.naming)
    yield r"\begin{multicols}{2}"
    yield chart_latex((variant.solved if key else variant.drawn).chart)
    for block in variant.given:
        if isinstance(block, Words):
            yield rf"\par {latex_text(block.text, showing)}\par"
        else:
            yield latex_block(block).replace(r"\medskip", r"\smallskip")
    yield r"\par Wanted: " + "; ".join(_wanted(words, showing) for words in variant.wanted) + "."
    yield rf"\par\emph{{{latex_text(variant.hand)}}}\par"
    yield r"\end{multicols}\vspace{-4mm}"
    yield r"\begin{multicols}{2}"
    rule = ""
    for place in range(len(variant.lines)):
        line = variant.lines[place] if key else variant.line(place, GAP)
        if line.rule != rule:
            rule = line.rule
            yield rf"\par\smallskip\textit{{{latex_text(rule, showing)}}}\nopagebreak"
        yield from _latex_line(line, showing, not key and variant.is_blank(place), variant.keep)
    yield r"\end{multicols}"


def _latex_line(line: Line, showing: Showing, blank: bool, keep: bool) -> Iterator[str]:
    """Yield a line as a paragraph, which breaks where it must, or room to write it down."""
    named = line.address or split_name(line.label) is not None
    left = (
        latex(Symbol(line.left), showing.names([line.left]))
        if named
        else rf"\text{{{latex_text(line.label, showing)}}}"
    )
    if blank and not keep:
        room = rf"\rule[-1mm]{{0pt}}{{{ROOM}}}\hrulefill"
        yield rf"\par\noindent${left} = ${room}\par"
        yield from [rf"\noindent\phantom{{${left}$}}$= ${room}\par"] * (ROOMS - 1)
        return
    result = latex(Symbol("v"), {"v": showing.result(line)})
    sides = [left, *showing.sides(line, latex, result), *([] if blank else [result])]
    written = _LATEX_GAP.sub(lambda _: r"\underline{\hspace{8mm}}", " = ".join(sides))
    room = rf"\rule[-1mm]{{0pt}}{{{ROOM}}}\hrulefill" if blank else ""
    yield rf"\par\noindent\hangindent=1em ${written}{' = ' if blank else ''}${room}\par"


def _wanted(words: str, showing: Showing) -> str:
    name, _, what = words.partition(": ")
    return f"{latex_name(name, showing)}, {latex_text(what, showing)}"
