"""Derivations as one HTML file that loads nothing: MathML, and every number lights wherever its address stands.

The template, the styles and the script are files in the folder ``page``; the script moves light and focus and
computes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from chainrule._numbers import DIGITS, number_text
from chainrule._version import __version__
from chainrule.explain.derive.grid import Grid
from chainrule.explain.derive.lines import Check, Derivation, Line, MatrixLine, RuleLine
from chainrule.explain.show.blocks import blocks, blocks_title
from chainrule.explain.show.mathml import MathWriter
from chainrule.explain.show.showing import Showing, address_of
from chainrule.explain.show.text import shape_text
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.trace import Trace
from chainrule.formula.names import split_name

LONG = 9
"""The most signs of a line's left side that leave room beside it on a phone."""


def render_html(
    derivation: Derivation,
    trace: Trace | None = None,
    *,
    digits: int = DIGITS,
    facts: Mapping[str, str] | None = None,
) -> str:
    """Return a derivation as a complete page in one file.

    With its ``trace`` the page begins with the whole network, a cell for every neuron. ``facts`` are shown below the
    title: ``{"model": "penguins.safetensors"}``.
    """
    return _rendered("page.html", page_data(derivation, trace, digits=digits, facts=facts))


def html_fragment(derivation: Derivation, *, digits: int = DIGITS) -> str:
    """Return a derivation as a part of a page, for notebooks: with styles of its own and without a script."""
    return _rendered("fragment.html", page_data(derivation, None, digits=digits))


def page_data(
    derivation: Derivation,
    trace: Trace | None,
    *,
    digits: int = DIGITS,
    facts: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return what the templates show, as plain data with formulas in MathML."""
    showing = Showing.of(derivation, digits)
    explained = {line.address for part in _all(derivation) for line in part.lines if line.address}
    place = address_of(derivation.address) or Address("C")
    strips = [] if trace is None else blocks(trace, place, explained, showing)
    names = {
        name for part in _all(derivation) for line in part.lines for name in (line.address, *line.values)
    }
    quantities = [found.quantity for found in map(address_of, names) if found is not None]
    words = {quantity.name: quantity.words for quantity in quantities}
    words |= {strip["name"]: strip["words"] for block in strips for strip in block["strips"]}
    return {
        "root": _Sections(MathWriter(showing)).section(derivation, 1),
        "blocks": strips,
        "blocks_title": "The network" if trace is None else blocks_title(trace, place),
        "facts": dict(facts or {}) | ({"where": showing.where()} if showing.dropped else {}),
        "digits": digits,
        "words": words,
        "version": __version__,
        "checks": len(derivation.checks),
        "failed": sum(not check.ok for check in derivation.checks),
    }


class _Sections:
    """Makes the data of sections; ``count`` numbers them, so that each has an id."""

    def __init__(self, math: MathWriter) -> None:
        self.math = math
        self.count = 0
        self.seen: set[str] = set()

    def section(self, derivation: Derivation, level: int) -> dict[str, Any]:
        self.count += 1
        number = self.count
        return {
            "id": f"part-{number}",
            "level": min(level, 6),
            "title": derivation.title,
            "heading": self.math.words(derivation.title),
            "hand": derivation.hand,
            "ok": derivation.ok,
            "lines": list(self.lines(derivation, f"part-{number}")),
            "matrices": [self.matrix(line) for line in derivation.matrices],
            "calculus": [self.calculus(line) for line in derivation.calculus],
            "factors": [
                {
                    "name": self.math.name(factor.address, factor.value),
                    "number": self.math.number(factor.address, factor.value),
                    "words": factor.words,
                    "blame": self.math.words(factor.blame),
                }
                for factor in derivation.factors
            ],
            "grids": [
                grid_data(grid, escape, lambda value: self.math.number("", value))
                for grid in derivation.grids
            ],
            "notes": [self.math.words(note) for note in derivation.notes],
            "parts": [self.section(part, level + 1) for part in derivation.parts],
        }

    def lines(self, derivation: Derivation, part: str) -> Iterator[dict[str, Any]]:
        labels = {line.label for line in derivation.lines if line.label}
        rule = ""
        for line in derivation.lines:
            yield {**self.line(line, part, labels), "rule": line.rule if line.rule != rule else ""}
            rule = line.rule

    def line(self, line: Line, part: str, labels: Collection[str]) -> dict[str, Any]:
        first = line.address not in self.seen
        self.seen.add(line.address)
        engine = None if line.check is None or not line.address else line.check.value
        value = line.result if engine is None else engine
        is_name = bool(line.address) or split_name(line.label) is not None
        return {
            # Where an address is worked out more than once, its first line is the one to go to.
            "id": f"line:{line.address}" if line.address and first else "",
            "left": self.math.name(line.left, value, part) if is_name else "",
            "label": line.label,
            "long": len(self.math.showing.name(line.left)) > LONG,
            "sides": self.math.sides(line, part, labels),
            "result": self.math.number(line.left if is_name else "", line.result, engine, part),
            "check": _check(line.check),
            "note": line.note,
        }

    def matrix(self, line: MatrixLine) -> dict[str, Any]:
        shown = {name: self.math.showing.name(name) for name in line.operands}
        given = [*line.operands.items(), (line.address, line.result)]
        return {
            "rule": line.rule,
            "left": self.math.name(line.address),
            "symbols": self.math.formula(line.symbols, shown, lambda name: {"data-address": name}),
            "arrays": [
                {
                    "name": self.math.name(name),
                    "shape": shape_text(matrix.shape),
                    "numbers": self.math.matrix(matrix),
                }
                for name, matrix in given
            ],
            "check": _check(line.check),
            "note": line.note,
        }

    def calculus(self, line: RuleLine) -> dict[str, Any]:
        return {
            "rule": line.rule,
            "law": line.law,
            "pieces": self.math.formula(line.symbols),
            "convention": line.convention,
        }


def grid_data(
    grid: Grid, cell: Callable[[str], str], number: Callable[[float], str] = number_text
) -> dict[str, Any]:
    """Return what the template shows of a table; ``cell`` writes a text, and ``number`` a number."""
    return {
        "label": grid.caption or ", ".join(grid.headers),
        "caption": grid.caption,
        "headers": [cell(header) for header in grid.headers],
        "words": [header in grid.words for header in grid.headers],
        "rows": [
            [cell(item) if isinstance(item, str) else number(item) for item in row] for row in grid.rows
        ],
    }


def _all(derivation: Derivation) -> Iterator[Derivation]:
    yield derivation
    for part in derivation.parts:
        yield from _all(part)


def _check(check: Check | None) -> dict[str, Any] | None:
    if check is None:
        return None
    return {
        "ok": check.ok,
        "against": check.against,
        "value": number_text(check.value, 17),
        "difference": number_text(check.difference, 2),
        "tolerance": number_text(check.tolerance, 2),
    }


@lru_cache(maxsize=1)
def _environment() -> Environment:
    folder = files("chainrule.explain.show") / "page"
    made = Environment(
        loader=FunctionLoader(lambda name: (folder / name).read_text("utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Styles and script are our own files; escaped they would be neither.
    made.globals["file"] = lambda name: Markup((folder / name).read_text("utf-8"))
    return made


def _rendered(name: str, data: Mapping[str, Any]) -> str:
    text: str = _environment().get_template(name).render(data)
    return text
