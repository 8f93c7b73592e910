"""A document as one HTML file that loads nothing: formulas in MathML, and every number says its address.

The template, the styles and the script are files in the folder ``page``; the script moves light and focus and
computes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from chainrule._numbers import DIGITS, number_text
from chainrule._version import __version__
from chainrule.explain.derive.grid import Grid
from chainrule.explain.derive.lines import Check, Derivation, Line, MatrixLine, RuleLine
from chainrule.explain.show.document import (
    Block,
    Cell,
    Cells,
    Checked,
    Compared,
    Document,
    Erratum,
    Facts,
    Finding,
    Plot,
    Section,
    Styled,
    Table,
    Words,
    Worked,
    styled,
)
from chainrule.explain.show.explanation import explanation
from chainrule.explain.show.mathml import MathWriter
from chainrule.explain.show.showing import Showing, address_of, all_parts
from chainrule.explain.show.text import shape_text
from chainrule.explain.trace.trace import Trace
from chainrule.formula.mathml import mathml
from chainrule.formula.names import split_name
from chainrule.formula.nodes import Symbol

if TYPE_CHECKING:
    from jinja2 import Environment

LONG = 9
"""The most signs of a line's left side that leave room beside it on a phone."""


def render(document: Document) -> str:
    """Return a document as a complete page in one file; only one about a single derivation has a script."""
    worked = document.worked
    data: dict[str, Any] = {
        "title": document.title,
        "heading": document.title,
        "source": document.source,
        "facts": dict(document.facts),
        "verdict": document.verdict,
        "about": None,
    }
    if worked is not None:
        showing = Showing.of(worked.derivation, worked.digits)
        data["heading"] = MathWriter(showing).words(document.title)
        data["facts"] |= _where(showing)
        data["about"] = _about(document, worked)
    return _rendered("page.html", data | {"blocks": _Blocks(worked).all(document.blocks, 2)})


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
    return render(explanation(derivation, trace, digits=digits, facts=facts))


def html_fragment(derivation: Derivation, *, digits: int = DIGITS) -> str:
    """Return a derivation as a part of a page, for notebooks: with styles of its own and without a script."""
    where = _where(Showing.of(derivation, digits))
    return _rendered("fragment.html", {"root": section_data(derivation, digits), "facts": where})


def section_data(derivation: Derivation, digits: int, level: int = 1, prefix: str = "") -> dict[str, Any]:
    """Return what the templates show of a derivation, as plain data with formulas in MathML.

    ``level`` is that of its heading. On a page with several, ``prefix`` begins the ids of each.
    """
    sections = _Sections(MathWriter(Showing.of(derivation, digits)), level, prefix)
    return sections.section(derivation, level)


def _where(showing: Showing) -> dict[str, str]:
    return {"where": showing.where()} if showing.dropped else {}


def _about(document: Document, worked: Worked) -> dict[str, Any]:
    """Return what the head of a page about one derivation says, and the words that its script shows."""
    derivation = worked.derivation
    names = {
        name for part in all_parts(derivation) for line in part.lines for name in (line.address, *line.values)
    }
    quantities = [found.quantity for found in map(address_of, names) if found is not None]
    words = {quantity.name: quantity.words for quantity in quantities}
    for block in document.blocks:
        if isinstance(block, Cells):
            words |= {strip["name"]: strip["words"] for layer in block.layers for strip in layer["strips"]}
    failed = sum(not check.ok for check in derivation.checks)
    return {"digits": worked.digits, "words": words, "checks": len(derivation.checks), "failed": failed}


class _Blocks:
    """Makes the data of blocks; ``main`` is the derivation that the whole page is about, if there is one."""

    def __init__(self, main: Worked | None) -> None:
        self.main = main
        self.count = 0

    def all(self, blocks: Sequence[Block], level: int) -> list[dict[str, Any]]:
        return [{"level": level, **self.block(block, level)} for block in blocks]

    def block(self, block: Block, level: int) -> dict[str, Any]:
        self.count += 1
        name = f"block-{self.count}"
        match block:
            case Words(text, style, label):
                return {"kind": "words", "text": shown_words(text), "style": style, "label": label}
            case Facts(rows):
                return {"kind": "facts", "rows": [list(map(_cell, row)) for row in rows]}
            case Table():
                return {"kind": "table", "table": _table(block)}
            case Worked(derivation, digits):
                if block is self.main:
                    return {"kind": "worked", "root": section_data(derivation, digits), "heading": ""}
                root = section_data(derivation, digits, level, f"{name}-")
                return {"kind": "worked", "root": root, "heading": root["heading"]}
            case Grid():
                return {"kind": "table", "table": grid_data(block, shown_name)}
            case Plot(lines, key):
                return {"kind": "plot", "lines": lines, "key": key}
            case Cells(title, layers):
                return {"kind": "network", "title": title, "layers": layers}
            case Checked(items):
                return {"kind": "table", "table": _checked(items)}
            case Finding(what, said):
                return self.finding(what, said)
            case Erratum(printed, right, why):
                return self.finding("Erratum", (("printed", printed), ("right", right), ("why", why)))
            case Section(title, blocks, place):
                inner = self.all(blocks, level + bool(block.heading))
                return {"kind": "section", "id": name, "title": title, "place": place, "blocks": inner}

    def finding(self, what: str, said: Sequence[tuple[str, str]]) -> dict[str, Any]:
        rows = [(name.strip(), shown_words(words)) for name, words in said]
        return {"kind": "finding", "what": shown_words(what), "rows": rows}


def _cell(cell: Cell) -> Markup:
    """Return a text in its style."""
    shown = styled(cell)
    text = shown_words(shown.text) if shown.is_name else escape(shown.text)
    return Markup('<span class="{}">{}</span>').format(shown.style, text) if shown.style else text


def _table(table: Table) -> dict[str, Any]:
    return {
        "label": ", ".join(filter(None, table.headers)),
        "caption": "",
        "headers": table.headers,
        "words": [place not in table.right for place in range(len(table.headers))],
        "rows": [list(map(_cell, row)) for row in table.rows],
        "more": table.more,
    }


def _checked(items: Sequence[Compared]) -> dict[str, Any]:
    verdicts = {True: Styled("✓", "check ok"), False: Styled("✗ wrong", "check wrong")}
    return {
        "label": "expected numbers",
        "caption": "",
        "more": None,
        "headers": ("number", "expected", "found", "verdict"),
        "words": (True, False, False, True),
        "rows": [
            (shown_name(item.name), item.expected, item.shown, _cell(verdicts[item.ok])) for item in items
        ],
    }


def shown_name(text: str) -> str | Markup:
    """Return an address as the formulas write it; any other text as it is."""
    if address_of(text) is None or not ("[" in text or text in ("C", "C_new", "loss")):
        return text
    return MathWriter(Showing()).name(text, None)


def shown_words(text: str) -> Markup:
    """Return words with the addresses among them as the formulas write them."""
    return MathWriter(Showing()).words(text)


class _Sections:
    """Makes the data of sections; ``count`` numbers them, so that each has an id."""

    def __init__(self, math: MathWriter, top: int, prefix: str) -> None:
        self.math = math
        self.top = top
        self.prefix = prefix
        self.count = 0
        self.seen: set[str] = set()

    def section(self, derivation: Derivation, level: int) -> dict[str, Any]:
        self.count += 1
        name = f"{self.prefix}part-{self.count}"
        return {
            "id": name,
            "level": min(level, 6),
            "open": level <= self.top + 1 or not derivation.ok,
            "heading": self.math.words(derivation.title),
            "hand": derivation.hand,
            "lines": list(self.lines(derivation, name)),
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
            "id": f"line:{line.address}" if line.address and first and not self.prefix else "",
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
        "more": None,
        "rows": [
            [cell(item) if isinstance(item, str) else number(item) for item in row] for row in grid.rows
        ],
    }


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


@lru_cache
def environment(*packages: str) -> Environment:
    """Return what finds templates, styles and the script in the folder ``page`` of packages and then of this one."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folders = [files(package) / "page" for package in (*packages, "chainrule.explain.show")]

    def file(name: str) -> str:
        path = next(path for folder in folders if (path := folder / name).is_file())
        return path.read_text("utf-8")

    made = Environment(
        loader=FunctionLoader(file),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Styles and script are our own files; escaped they would be neither.
    made.globals["file"] = lambda name: Markup(file(name))
    made.globals["letter"] = lambda name: Markup(mathml(Symbol(name)))
    made.globals["name"] = shown_name
    made.globals["words"] = shown_words
    made.globals["version"] = __version__
    return made


def _rendered(name: str, data: Mapping[str, Any]) -> str:
    text: str = environment().get_template(name).render(data)
    return text
