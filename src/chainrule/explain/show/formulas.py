"""Stated formulas in every format: text in lines, LaTeX, MathML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from chainrule.explain.show.text import wrap_sum
from chainrule.formula.latex import latex
from chainrule.formula.mathml import Attributes, mathml, mathml_content, xml_escape
from chainrule.formula.nodes import Node, names_in
from chainrule.formula.stated import Side, Stated, StatedMatrix, StatedRange
from chainrule.formula.text import Substitute, text

_LATEX_SIGNS = {"←": r"\leftarrow", "≈": r"\approx", "≤": r"\le", "≥": r"\ge"}
_FENCE = "<mrow><mo form='prefix'>{}</mo><mtable>{}</mtable><mo form='postfix'>{}</mo></mrow>"


def formula_lines(given: Stated, width: int) -> Iterator[str]:
    """Yield a formula's lines of text; what is wider than ``width`` is broken where a sum or product may be.

    >>> from chainrule.formula.stated import stated
    >>> list(formula_lines(stated("vec(a)^i := [a_1^i; …] for i = 1..n"), 40))
    ['a⃗^i := [ a_1^i ]', '       [ …     ]', '  for i = 1..n']
    """
    left, *others = given.sides
    start = text(left, given.names) if not isinstance(left, StatedMatrix) else ""
    lead = start
    if isinstance(left, StatedMatrix):
        yield from _array_lines(left, given)
    if not others:
        yield lead
    for sign, side in zip(given.signs, others, strict=True):
        lead = f"{lead} {sign} "
        room = width - _printed(lead)
        lines = _side_lines(side, given, room)
        if max(map(_printed, lines)) > room and _printed(lead) > 4 and lead.strip() != sign:
            yield lead.rstrip()
            lead = "  "
            lines = _side_lines(side, given, width - 2)
        yield lead + lines[0]
        yield from (" " * _printed(lead) + line for line in lines[1:])
        lead = " " * _printed(start)
    for run in given.runs:
        yield f"  for {_run_text(run, given)}"


def _side_lines(side: Side, given: Stated, room: int) -> list[str]:
    if isinstance(side, StatedMatrix):
        return list(_array_lines(side, given))
    return wrap_sum(text(side, given.names), max(room, 12))


def _array_lines(array: StatedMatrix, given: Stated) -> Iterator[str]:
    rows = [[_cell_text(cell, given) for cell in row] for row in array.rows]
    widths = [max(map(_printed, column)) for column in zip(*rows, strict=True)]
    is_number = all(re.fullmatch(r"-?[0-9.e-]+|…", cell) for row in rows for cell in row)
    for row in rows:
        gaps = (" " * (size - _printed(cell)) for cell, size in zip(row, widths, strict=True))
        cells = (gap + cell if is_number else cell + gap for cell, gap in zip(row, gaps, strict=True))
        yield f"[ {'  '.join(cells)} ]"


def _cell_text(cell: Node | None, given: Stated) -> str:
    return "…" if cell is None else text(cell, given.names)


def _run_text(run: StatedRange, given: Stated) -> str:
    index, first, last = (
        text(node, given.names).replace(" ", "") for node in (run.index, run.first, run.last)
    )
    return f"{index} = {first}..{last}"


def _printed(line: str) -> int:
    """Return how many places a line takes: the arrow over a letter takes none."""
    from rich.cells import cell_len

    return cell_len(line)


def formula_latex(given: Stated) -> Iterator[str]:
    """Yield the rows of an alignment: the first side, and each other one with its sign before it."""
    left, *others = (_side_latex(side, given) for side in given.sides)
    signs = [_LATEX_SIGNS.get(sign, sign) for sign in given.signs]
    runs = "".join(rf"\quad \text{{for }} {_run_latex(run, given)}" for run in given.runs)
    rows = [
        f"{'' if place else f'{left} '}&{sign} {side}"
        for place, (sign, side) in enumerate(zip(signs, others, strict=True))
    ]
    rows = rows or [f"{left} &"]
    yield from rows[:-1]
    yield rows[-1] + runs


def _side_latex(side: Side, given: Stated) -> str:
    if not isinstance(side, StatedMatrix):
        return latex(side, given.names)
    inner = r" \\ ".join(
        " & ".join(r"\cdots" if cell is None else latex(cell, given.names) for cell in row)
        for row in side.rows
    )
    return rf"\begin{{bmatrix}} {inner} \end{{bmatrix}}"


def _run_latex(run: StatedRange, given: Stated) -> str:
    index, first, last = (latex(node, given.names) for node in (run.index, run.first, run.last))
    return rf"{index} = {first}, \dots, {last}"


def formula_mathml(given: Stated) -> str:
    """Return a formula as one element of MathML."""
    content = sides_mathml(given, given.names)
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">{content}</math>'


def sides_mathml(given: Stated, names: Substitute, marks: Attributes | None = None) -> str:
    """Return a formula's sides as one element of MathML, with ``names`` for its symbols and ``marks`` for their attributes."""

    def side_mathml(side: Side) -> str:
        if not isinstance(side, StatedMatrix):
            return mathml_content(side, names, marks)
        cells = [
            ["<mo>…</mo>" if cell is None else mathml_content(cell, names, marks) for cell in row]
            for row in side.rows
        ]
        return _matrix_mathml(cells)

    left, *others = map(side_mathml, given.sides)
    more = "".join(
        f"<mo>{xml_escape(sign)}</mo>{side}" for sign, side in zip(given.signs, others, strict=True)
    )
    return f"<mrow>{left}{more}</mrow>"


def side_names(side: Side) -> Iterator[str]:
    """Yield the names of the symbols in a side."""
    nodes = [side] if not isinstance(side, StatedMatrix) else [cell for row in side.rows for cell in row]
    for node in nodes:
        yield from names_in(node) if node is not None else ()


def _matrix_mathml(cells: Sequence[Sequence[str]]) -> str:
    rows = ("".join(f"<mtd>{cell}</mtd>" for cell in row) for row in cells)
    return _FENCE.format("[", "".join(f"<mtr>{row}</mtr>" for row in rows), "]")


def run_mathml(run: StatedRange, given: Stated) -> tuple[str, str, str]:
    """Return an index and its first and last as MathML."""
    index, first, last = (mathml(node, given.names) for node in (run.index, run.first, run.last))
    return index, first, last


def formula_data(given: Stated) -> dict[str, Any]:
    """Return a formula as plain data: as text, LaTeX and MathML, and its words."""
    lines = list(formula_lines(given, 10_000))
    return {
        "text": "\n".join(lines),
        "latex": r" \\ ".join(formula_latex(given)),
        "mathml": formula_mathml(given),
        **({"words": given.words} if given.words else {}),
    }
