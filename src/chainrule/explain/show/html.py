"""A document as one HTML file that loads nothing: formulas in MathML, and every number says its address.

The template, the styles and the script are files in the folder ``page``; the script moves light and focus and
computes nothing.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from hashlib import sha256
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from chainrule._numbers import DIGITS, number_text, visible
from chainrule._version import __version__
from chainrule.explain.derive.grid import Grid
from chainrule.explain.derive.lines import Derivation, Factor, Line, MatrixLine, Statement
from chainrule.explain.notation.naming import Naming
from chainrule.explain.show import document as doc
from chainrule.explain.show.formulas import formula_mathml, run_mathml
from chainrule.explain.show.glossary import explained
from chainrule.explain.show.mathml import MathWriter
from chainrule.explain.show.prose import (
    laws,
    number_name,
    shown_formula,
    shown_name,
    shown_words,
    typed,
    with_formula,
)
from chainrule.explain.show.reading import how_to_read
from chainrule.explain.show.showing import Showing, address_of, all_parts
from chainrule.explain.show.text import shape_text
from chainrule.formula.mathml import mathml
from chainrule.formula.names import split_name, spoken
from chainrule.formula.nodes import Symbol
from chainrule.formula.stated import Stated
from chainrule.plots.svg.page import figure
from chainrule.plots.svg.sheet import SHEET

if TYPE_CHECKING:
    from jinja2 import Environment

LONG = 9
"""The most signs of a line's left side that leave room beside it on a phone."""


def render(document: doc.Document) -> str:
    """Return a document as a complete page in one file; only one that works something out, or has steps, has a script."""
    worked = document.worked
    lines = _whole(document)
    data: dict[str, Any] = {"document": document, "origin": document.origin, "about": None, "main": worked}
    data["sheet"] = Markup(SHEET) if any(doc.pictures(document.blocks)) else ""
    data["sides"] = _image_sides(document)
    data["steps"] = [block for block in document.blocks if isinstance(block, doc.Section) and block.place]
    data["moves"] = lines is not None or len(data["steps"]) > 1
    data["names"] = {} if lines is None else _words_of(document, lines)
    data["read"] = how_to_read(document)
    data["lead"], data["blocks"] = document.parts
    if worked is not None:
        data["origin"] = {
            **document.origin,
            **_where(Showing.of(worked.derivation, worked.digits, worked.naming)),
        }
        folded = any(isinstance(block, doc.Section) for block in data["lead"])
        data["about"] = {**_about(worked), "root": section_data(worked, folded=folded)}
    return _rendered("page.html", data)


def _whole(document: doc.Document) -> tuple[Derivation, ...] | None:
    """Return all derivations of a document, None where it has none."""
    return tuple(block.derivation for block in doc.worked_blocks(document.blocks)) or None


def policy(style: str, script: str = "") -> str:
    """Return the content security policy of a page: nothing but its one style sheet and its one script, by their hashes."""
    style_hash, script_hash = (b64encode(sha256(text.encode()).digest()).decode() for text in (style, script))
    runs = f"script-src 'sha256-{script_hash}'; " if script else ""
    return f"default-src 'none'; style-src 'sha256-{style_hash}'; {runs}img-src data:; base-uri 'none'; form-action 'none'"


def _figure(item: doc.Picture | doc.Plot) -> Markup:
    shown = item if isinstance(item, doc.Picture) else next(doc.pictures([item]))
    return Markup(figure(shown.chart, shown.narrow, width=shown.width, rows=shown.rows))


def _image_sides(document: doc.Document) -> list[int]:
    """Return the sides of the images among the cells, in pixels, which only some pages have."""
    layers = [layer for block in document.blocks if isinstance(block, doc.Cells) for layer in block.layers]
    return sorted({strip["columns"] for layer in layers for strip in layer["strips"]} - {0})


def html_fragment(derivation: Derivation, *, digits: int = DIGITS) -> str:
    """Return a derivation as a part of a page, for notebooks: with styles of its own and without a script."""
    where = _where(Showing.of(derivation, digits))
    return _rendered("fragment.html", {"root": section_data(doc.Worked(derivation, digits)), "origin": where})


def section_data(
    worked: doc.Worked, level: int = 1, prefix: str = "", *, folded: bool = False
) -> dict[str, Any]:
    """Return what the templates show of a derivation, as plain data with formulas in MathML.

    ``level`` is that of its heading. On a page with several, ``prefix`` begins the ids of each. ``folded`` shows
    the titles of its parts alone, until they are opened.
    """
    sections = _Sections(
        MathWriter(Showing.of(worked.derivation, worked.digits, worked.naming)), level, prefix, folded=folded
    )
    return sections.section(worked.derivation, level)


def _where(showing: Showing) -> dict[str, str]:
    return {"where": showing.where()} if showing.dropped else {}


def _words_of(document: doc.Document, derivations: Iterable[Derivation]) -> dict[str, str]:
    """Return what the names of numbers stand for, which the script shows."""
    names = {
        name
        for derivation in derivations
        for part in all_parts(derivation)
        for line in part.lines
        for name in (line.address, *line.values)
    }
    quantities = [found.quantity for found in map(address_of, sorted(names)) if found is not None]
    words = {quantity.name: quantity.words for quantity in quantities}
    for block in document.blocks:
        if isinstance(block, doc.Cells):
            words |= {strip["name"]: strip["words"] for layer in block.layers for strip in layer["strips"]}
    return words


def _about(worked: doc.Worked) -> dict[str, Any]:
    """Return what the head of a page about one derivation says."""
    derivation = worked.derivation
    numbers = any(part.lines or part.matrices for part in all_parts(derivation))
    failed = sum(not check.ok for check in derivation.checks)
    return {
        "digits": worked.digits,
        "checks": len(derivation.checks),
        "failed": failed,
        "numbers": numbers,
    }


def _cell(cell: doc.Cell, naming: Naming | None = None) -> Markup:
    """Return a text in its style."""
    shown = doc.styled(cell)
    has_math = shown.is_name or shown.formulas
    if shown.as_typed:
        return Markup("<code>{}</code>").format(shown.text)
    text = shown_words(shown.text, naming, shown.formulas) if has_math else typed(shown.text)
    return Markup('<span class="{}">{}</span>').format(shown.style, text) if shown.style else text


def _stated(item: Stated) -> dict[str, Any]:
    """Return what the template shows of a stated formula."""
    runs = [tuple(map(Markup, run_mathml(run, item))) for run in item.runs]
    return {"words": item.words, "math": Markup(formula_mathml(item)), "runs": runs}


def _table(block: doc.TableBlock | Grid | doc.GridBlock | doc.Checked) -> dict[str, Any]:
    match block:
        case Grid():
            return grid_data(block, shown_name)
        case doc.GridBlock(grid, naming):
            named = block.names
            made = grid_data(grid, lambda text: shown_name(text, naming) if text in named else text)
            own = block.kept | named
            headers = [
                text if name in own else spoken(name)
                for name, text in zip(grid.headers, made["headers"], strict=True)
            ]
            told = Showing(naming=naming)
            labels = [told.name(name) if name in named else spoken(name) for name in grid.headers]
            return {**made, "headers": headers, "labels": labels}
        case doc.Checked(items, naming):
            verdicts = [doc.Styled("✗ wrong", "check wrong"), doc.Styled("✓", "check ok")]
            rows = [(number_name(i.name, naming), i.expected, i.shown, _cell(verdicts[i.ok])) for i in items]
            names = ("number", "expected", "found", "verdict")
            return _table_data("expected numbers", "", names, (1, 2), rows)
        case doc.TableBlock():
            table = block.without_bars
            label = ", ".join(filter(None, table.headers)).replace("$", "")
            cells = [[_cell(cell, table.naming) for cell in row] for row in table.rows]
            return _table_data(label, "", table.headers, table.right, cells) | {
                "more": table.more,
                "wraps": True,
            }


def grid_data(
    grid: Grid, cell: Callable[[str], str], number: Callable[[float], str] = number_text
) -> dict[str, Any]:
    """Return what the template shows of a table; ``cell`` writes a text, and ``number`` a number."""
    label = spoken(grid.caption) or ", ".join(grid.headers)
    right = [place for place, header in enumerate(grid.headers) if header not in grid.words]
    writers = [shown_formula if header in grid.formulas else cell for header in grid.headers]
    rows = [
        [
            write(item) if isinstance(item, str) else number(item)
            for write, item in zip(writers, row, strict=True)
        ]
        for row in grid.rows
    ]
    return _table_data(label, cell(grid.caption), list(map(cell, grid.headers)), right, rows)


def _table_data(
    label: str, caption: str, headers: Sequence[str], right: Collection[int], rows: Sequence[Sequence[str]]
) -> dict[str, Any]:
    words = [place not in right for place in range(len(headers))]
    named = {"label": label, "caption": caption, "headers": headers, "words": words, "labels": ()}
    return {**named, "rows": rows, "more": "", "wraps": False}


def array_letter(strip: Mapping[str, Any], naming: Naming | None) -> Markup:
    """Return the letter of a strip of cells; in a notation the name of its array, where it has one."""
    place = address_of(strip["address"])
    written = None if naming is None or place is None else naming.write(place.plain)
    shown = {} if written is None or isinstance(written, str) else {strip["name"]: written}
    return Markup(mathml(Symbol(strip["name"]), shown))


class _Sections:
    """Makes the data of sections; ``count`` numbers them, so that each has an id."""

    def __init__(self, math: MathWriter, top: int, prefix: str, *, folded: bool) -> None:
        self.math = math
        self.prefix = prefix
        self.opened = top if folded else top + 1
        self.count = 0
        self.seen: set[str] = set()

    def section(self, derivation: Derivation, level: int) -> dict[str, Any]:
        self.count += 1
        name = f"{self.prefix}part-{self.count}"
        return {
            "id": name,
            "level": min(level, 6),
            "open": level <= self.opened or not derivation.ok,
            "heading": (not derivation.address and with_formula(derivation.title))
            or self.math.words(derivation.title),
            "hand": derivation.hand,
            "lines": list(self.lines(derivation, name)),
            "matrices": [self.matrix(line) for line in derivation.matrices],
            "calculus": [
                {
                    **vars(line),
                    "pieces": self.math.formula(line.symbols),
                    "rule": self.told(line.rule),
                    "law": laws(line.law),
                }
                for line in derivation.calculus
            ],
            "statements": [self.statement(line) for line in derivation.statements],
            "factors": [self.factor(factor) for factor in derivation.factors],
            "grids": [grid_data(grid, escape, partial(self.math.number, "")) for grid in derivation.grids],
            "notes": [self.math.words(note) for note in derivation.notes],
            "parts": [self.section(part, level + 1) for part in derivation.parts],
        }

    def statement(self, line: Statement) -> dict[str, Any]:
        math = self.math.symbols
        return {
            **vars(line),
            "why": self.told(line.why) if line.why else "",
            "left": math(line.left),
            "sides": [self.math.formula(side) for side in line.sides],
            "ranges": [
                (
                    math(Symbol(given.index)),
                    math(given.first),
                    math(given.last) if given.first != given.last else "",
                )
                for given in line.ranges
            ],
            "shapes": [tuple(map(math, (given.array, given.rows, given.columns))) for given in line.shapes],
        }

    def factor(self, factor: Factor) -> dict[str, Any]:
        name, number = (write(factor.address, factor.value) for write in (self.math.name, self.math.number))
        said = {"words": self.told(factor.words), "blame": self.math.words(factor.blame)}
        return {**vars(factor), "name": name, "number": number, **said}

    def told(self, words: str) -> str | Markup:
        """Return words, the names of numbers and the formulas in them as such."""
        return with_formula(words) or self.math.words(words)

    def lines(self, derivation: Derivation, part: str) -> Iterator[dict[str, Any]]:
        labels = {line.label for line in derivation.lines if line.label}
        for rule, lines in groupby(derivation.lines, lambda line: line.rule):
            for place, line in enumerate(lines):
                yield {**self.line(line, part, labels), "rule": "" if place else self.told(rule)}

    def line(self, line: Line, part: str, labels: Collection[str]) -> dict[str, Any]:
        first = line.address not in self.seen
        self.seen.add(line.address)
        engine = None if line.check is None or not line.address else line.check.value
        value = line.result if engine is None else engine
        is_name = bool(line.address) or split_name(line.label) is not None
        return {
            **vars(line),
            # Where an address is worked out more than once, its first line is the one to go to.
            "id": f"{self.prefix}line:{line.address}" if line.address and first else "",
            "left": self.math.name(line.left, value, part) if is_name else "",
            "long": len(self.math.showing.name(line.left)) > LONG,
            "note": self.told(line.note),
            "sides": self.math.sides(line, part, labels),
            "result": self.math.result(line, line.left if is_name else "", engine, part),
        }

    def matrix(self, line: MatrixLine) -> dict[str, Any]:
        line = self.math.showing.oriented(line)
        shown = self.math.showing.names(line.operands)
        given = [*line.operands.items(), (line.address, line.result)]
        return {
            **vars(line),
            "rule": self.told(line.rule),
            "note": self.told(line.note),
            "left": self.math.name(line.address),
            "symbols": self.math.formula(line.symbols, shown, lambda name: {"data-address": name}),
            "arrays": [
                {
                    "name": self.math.name(name),
                    "shape": shape_text(one.shape),
                    "numbers": self.math.matrix(one),
                }
                for name, one in given
            ],
        }


@lru_cache
def environment(*packages: str) -> Environment:
    """Return what finds templates, styles and the script in the folder ``page`` of packages and then of this one."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folders = [files(package) / "page" for package in (*packages, "chainrule.explain.show")]

    def file(name: str) -> str:
        path = next(path for folder in folders if (path := folder / name).is_file())
        return path.read_text("utf-8")

    how: dict[str, Any] = {"autoescape": True, "trim_blocks": True, "lstrip_blocks": True}
    made = Environment(loader=FunctionLoader(file), undefined=StrictUndefined, **how)
    # Styles and script are our own files; escaped they would be neither.
    made.globals |= {
        "file": lambda name: Markup(file(name)),
        "array_letter": array_letter,
        "kind_of": doc.kind_of,
        "name": shown_name,
        "number": number_text,
        "shown_formula": shown_formula,
        "stated": _stated,
        "formulas": partial(shown_words, formulas=True),
        "words": shown_words,
        "cell": _cell,
        "explained": explained,
        "figure": _figure,
        "policy": policy,
        "sheet_of": lambda names, more: Markup("\n".join([*map(file, names), *([more] if more else [])])),
        "table_data": _table,
        "section_data": section_data,
        "version": __version__,
    }
    return made


def _rendered(name: str, data: Mapping[str, Any]) -> str:
    return visible(environment().get_template(name).render(data))
