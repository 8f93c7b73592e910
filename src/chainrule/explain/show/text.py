"""Derivations as aligned text for terminals, files and mail: nothing but signs, and colors where they can be shown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TypeAlias

from chainrule.explain.derive.grid import grid_rows
from chainrule.explain.derive.lines import (
    Derivation,
    Factor,
    Instances,
    Line,
    LineCheck,
    Matrix,
    MatrixLine,
    Range,
    RuleLine,
    Shaped,
    Statement,
)
from chainrule.explain.notation.naming import Naming
from chainrule.explain.show.showing import Showing, split_at
from chainrule.formula.text import text

NARROWEST = 40
"""Narrower than this, lines are no longer wrapped: they would be one sign wide."""

Row: TypeAlias = "list[tuple[str, str]]"
"""One line of text in pieces, each with its style: ``""``, ``title``, ``rule``, ``result``, ``ok``, ``wrong``, ``dim``."""


@dataclass(frozen=True)
class Signs:
    """The signs beyond the formula language; ``plain`` spells the others in ASCII."""

    ok: str = "✓"
    wrong: str = "✗"
    bar: str = "─"
    plain: Mapping[int, str] | None = None

    def text(self, words: str) -> str:
        """Return words with no sign that can't be shown."""
        return words if self.plain is None else words.translate(self.plain)


UNICODE = Signs()
_SPELLED = (
    "−=- –=- —=- ·=* ×=x ⊙=.* √=sqrt ∑=sum Σ=sum ∂=d ∇=grad ‖=|| ²=^2 ′=' ’=' “=\" ”=\" …=... ≈=~ ≤=<= ≥=>= ≠=!= "
    "→=-> ∞=inf ─=- ±=+- ✓=ok α=alpha β=beta γ=gamma δ=delta ε=eps η=eta θ=theta λ=lambda μ=mu σ=sigma τ=tau "
    "ŷ=y_hat ⁺=^+ ▇=# ░=. \u20d7= \u0302=_hat"
)
ASCII = Signs("ok", "WRONG", "-", str.maketrans(dict(pair.split("=", 1) for pair in _SPELLED.split(" "))))
"""What a terminal shows whose encoding has no ✓."""


def text_rows(
    derivation: Derivation,
    *,
    digits: int,
    width: int,
    signs: Signs = UNICODE,
    origin: Mapping[str, str] | None = None,
    naming: Naming | None = None,
    lead: Iterable[Row] = (),
) -> list[Row]:
    """Return a derivation as lines in styled pieces, its long sums broken at ``width`` columns.

    ``origin`` stands below the title: ``{"model": "penguins.safetensors"}``; ``naming`` has the names, if not ours;
    ``lead`` are lines that come before its own.
    """
    writer = _Text(Showing.of(derivation, digits, naming), max(width, NARROWEST), signs, origin or {})
    rows = chain(writer.heading(derivation, 0), lead, writer.body(derivation, 0))
    return [[(signs.text(piece), style) for piece, style in row] for row in rows]


class _Text:
    def __init__(self, showing: Showing, width: int, signs: Signs, origin: Mapping[str, str]) -> None:
        self.origin = origin
        self.showing = showing
        self.width = width
        self.signs = signs

    def derivation(self, derivation: Derivation, depth: int) -> Iterator[Row]:
        yield from self.heading(derivation, depth)
        yield from self.body(derivation, depth)

    def body(self, derivation: Derivation, depth: int) -> Iterator[Row]:
        """Yield what stands below a derivation's title."""
        if derivation.hand:
            yield []
            yield from self.paragraph(derivation.hand, "dim")
        rule = ""
        for line in derivation.lines:
            if line.rule != rule:
                yield []
                yield from self.paragraph(line.rule, "rule")
                rule = line.rule
            yield from self.line(line)
        for rows in self.sections(derivation, depth):
            yield []
            yield from rows

    def sections(self, derivation: Derivation, depth: int) -> Iterator[Iterator[Row]]:
        """Yield what stands below a derivation's lines, each below an empty line."""
        for matrix in derivation.matrices:
            yield chain(self.paragraph(matrix.rule, "rule"), self.matrix_line(matrix))
        if derivation.calculus:
            yield self.calculus(derivation.calculus)
        yield from map(self.statement, derivation.statements)
        if derivation.factors:
            yield self.factors(derivation.factors)
        yield from (grid_rows(grid, self.width, self.showing.number) for grid in derivation.grids)
        yield from map(self.paragraph, derivation.notes)
        folded = self.paragraph
        yield from (
            folded(f"{part.title}. {self.fold(part)}", "dim")
            if part.folded
            else self.derivation(part, depth + 1)
            for part in derivation.parts
        )

    def fold(self, part: Derivation) -> str:
        """Say what is in a part that isn't shown, and how to see it."""
        checks = "all checked" if part.ok else f"{sum(not check.ok for check in part.checks)} of them wrong"
        first = next((line.address for line in part.lines if line.address), "")
        return f"{len(part.lines)} lines, {checks}" + (
            f": one is told by its address, such as {first}" if first else ""
        )

    def heading(self, derivation: Derivation, depth: int) -> Iterator[Row]:
        title, bar = self.showing.words(derivation.title), self.signs.bar
        if depth == 0:
            title += f" ({self.showing.where()})" if self.showing.dropped else ""
            yield from self.wrapped_words(title, "title")
            yield [(bar * min(len(title), self.width), "dim")]
            yield from self.paragraph(", ".join(map(" ".join, self.origin.items())), "dim")
        elif depth == 1:
            first, *others = textwrap.wrap(title, self.width - 6, break_long_words=False)
            line = "" if others else " " + bar * max(2, self.width - len(title) - 4)
            yield [(bar * 2 + " ", "dim"), (first, "title"), (line, "dim")]
            yield from ([("   ", ""), (other, "title")] for other in others)
        else:
            yield from self.wrapped_words(title, "title")

    def paragraph(self, words: str, style: str = "") -> Iterator[Row]:
        yield from self.wrapped_words(self.showing.words(words), style)

    def wrapped_words(self, words: str, style: str) -> Iterator[Row]:
        """Yield words that are as they are shown."""
        lines = textwrap.wrap(words, self.width, break_long_words=False, break_on_hyphens=False)
        yield from ([(line, style)] for line in lines)

    def line(self, line: Line) -> Iterator[Row]:
        left = self.showing.name(line.left)
        result = self.showing.result(line)
        indent = len(left) + 3
        if indent > self.width // 3:
            yield [("  ", ""), (left, "")]
            left, indent = "", 4
        head = f"  {left} " if left else "    "
        for side in self.showing.sides(line, text, result):
            for equals, piece in self.wrapped(side, self.width - indent - 2):
                yield [(head, ""), (equals, "dim"), (piece, "")]
                head = " " * len(head)
        yield [(head, ""), ("= ", "dim"), (result, "result"), *self.check(line.check)]
        yield from self.found(line.check, len(head) + 2)
        yield from self.note(line.note, len(head) + 2)

    def wrapped(self, formula: str, width: int) -> Iterator[tuple[str, str]]:
        """Yield a formula's lines, each with the sign before it."""
        return zip(chain(["= "], repeat("  ")), wrap_sum(formula, width), strict=False)

    def note(self, words: str, indent: int, style: str = "dim") -> Iterator[Row]:
        for piece in textwrap.wrap(self.showing.words(words), self.width - indent, break_long_words=False):
            yield [(" " * indent, ""), (piece, style)]

    def check(self, check: LineCheck | Instances | None) -> Row:
        if check is None or (isinstance(check, LineCheck) and check.exact):
            return []
        tick = [("  ", ""), (self.signs.ok, "ok") if check.ok else (self.signs.wrong, "wrong")]
        return [*tick, (f" {check.words}", "dim")] if isinstance(check, Instances) and check.ok else tick

    def found(self, check: LineCheck | Instances | None, indent: int) -> Iterator[Row]:
        """Say what a check has found beside a tick."""
        if check is not None and not (isinstance(check, Instances) and check.ok):
            yield from self.note(check.words, indent, "dim" if check.ok else "wrong")

    def matrix_line(self, line: MatrixLine) -> Iterator[Row]:
        line = self.showing.oriented(line)
        left = self.showing.name(line.address)
        yield [("  ", ""), (f"{left} = {text(line.symbols, self.showing.names(line.operands))}", "")]
        matrices = [*line.operands.items(), (line.address, line.result)]
        labels = [f"{self.showing.name(name)} {shape_text(matrix.shape)}" for name, matrix in matrices]
        widest = max(map(len, labels))
        made: list[Row] = []
        for label, (_, matrix) in zip(labels, matrices, strict=True):
            for row in self.matrix(matrix):
                made.append([("  ", ""), (f"{label:{widest}}  ", "dim"), (row, "")])
                label = ""
        made[-1] += self.check(line.check)
        yield from made
        yield from self.found(line.check, 2)
        yield from self.note(line.note, 2)

    def matrix(self, matrix: Matrix) -> Iterator[str]:
        """Write the rows in brackets, in columns; dots stand for what isn't shown."""
        columns = matrix.shape[-1]
        cells = [[self.showing.number(value) for value in row] for row in matrix.rows]
        if not cells or not cells[0]:
            yield "[ ]"
            return
        most = max(1, (self.width - 30) // (2 + max(len(cell) for row in cells for cell in row)))
        cells = [row[:most] + (["…"] if columns > min(len(row), most) else []) for row in cells]
        widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
        for row in cells:
            yield "[ " + "  ".join(f"{cell:>{size}}" for cell, size in zip(row, widths, strict=True)) + " ]"
        if not matrix.is_whole and len(matrix.shape) > 1 and matrix.shape[0] > len(cells):
            yield f"[ … ] {matrix.shape[0] - len(cells)} more rows"

    def calculus(self, lines: Sequence[RuleLine]) -> Iterator[Row]:
        for line in lines:
            law = f"  [{line.law}]" if line.law else ""
            yield from self.paragraph(f"{line.rule}{law}", "rule")
            rows: list[Row] = [
                [("  ", ""), (equals, "dim"), (piece, "")]
                for equals, piece in self.wrapped(text(line.symbols), self.width - 4)
            ]
            check = self.check(line.check)
            if sum(len(piece) for piece, _ in (*rows[-1], *check)) > self.width:
                rows.append([("  ", "")])
            rows[-1] += check
            yield from rows
            yield from self.found(line.check, 4)
            yield from self.note(line.convention, 4)

    def statement(self, line: Statement) -> Iterator[Row]:
        yield from self.paragraph(line.rule, "rule")
        left = text(line.left)
        rows: list[Row] = []
        for side in line.sides:
            for equals, piece in self.wrapped(text(side), self.width - len(left) - 5):
                rows.append([(f"  {'' if rows else left:{len(left)}} ", ""), (equals, "dim"), (piece, "")])
        check = self.check(line.check)
        if sum(len(piece) for piece, _ in (*rows[-1], *check)) > self.width:
            rows.append([(" " * (len(left) + 2), "")])
        rows[-1] += check
        yield from rows
        yield from self.found(line.check, 4)
        where = [f"for {', '.join(map(range_text, line.ranges))}"] if line.ranges else []
        where += map(shaped_text, line.shapes)
        yield from self.note("; ".join(where), 4)
        yield from self.note(line.why, 4)

    def factors(self, factors: Sequence[Factor]) -> Iterator[Row]:
        names = [self.showing.name(factor.address) for factor in factors]
        values = [self.showing.number(factor.value) for factor in factors]
        first, second = (max(map(len, column)) for column in (names, values))
        yield [("factors", "rule")]
        room = max(self.width - first - second - 6, NARROWEST // 4)
        for factor, name, value in zip(factors, names, values, strict=True):
            style = "wrong" if factor.blame else "result"
            words, *others = textwrap.wrap(self.showing.words(factor.words), room) or [""]
            yield [(f"  {name:{first}}  ", ""), (f"{value:>{second}}", style), (f"  {words}", "dim")]
            yield from ([(" " * (first + second + 6), ""), (other, "dim")] for other in others)
            yield from self.note(factor.blame, 4)


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as a reader writes it: 4 × 3."""
    return " × ".join(map(str, shape)) if shape else "1"


def range_text(given: Range) -> str:
    """Return an index and its range as a reader writes it: k = 1..n[l]."""
    first, last = (_close(text(node)) for node in (given.first, given.last))
    return f"{given.index} = {first}" + (f"..{last}" if given.first != given.last else "")


def shaped_text(given: Shaped) -> str:
    """Return a whole array and its shape in symbols: W[l]: n[l-1] × n[l]."""
    return f"{text(given.array)}: {_close(text(given.rows))} × {_close(text(given.columns))}"


def _close(index: str) -> str:
    return index.replace(" ", "")


def wrap_sum(formula: str, width: int) -> list[str]:
    """Break a formula that is wider than ``width``: before the + and - of its sum, else before its factors, else deeper.

    >>> wrap_sum("a*b + c*(d + e) - f", 12)
    ['a*b', '+ c*(d + e)', '- f']
    >>> wrap_sum("aaaa*(bbbb + cccc)*d", 12)
    ['aaaa', '*(bbbb', '  + cccc)*d']
    """
    if len(formula) <= width:
        return [formula]
    kind, cuts = next(((kind, cuts) for kind, cuts in _levels(formula) if cuts), ("", []))
    if not cuts:
        return [formula]
    rows = [""]
    has_room = True
    for piece in split_at(formula, cuts):
        if has_room and len(rows[-1]) + len(piece.rstrip()) <= width:
            rows[-1] += piece
            continue
        term = piece.strip()
        first, *others = [term] if len(term) <= width else wrap_sum(term, max(width - 2, 1))
        rows += [first, *(f"  {other}" for other in others)]
        has_room = kind == "*/" or not others
        if has_room and piece.endswith(" "):
            rows[-1] += " "
    return [row.rstrip() for row in rows if row]


def _levels(formula: str) -> Iterator[tuple[str, list[int]]]:
    """Yield the places where a formula may be broken, each kind of sign by itself, the outermost first."""
    depths, depth = [], 0
    for sign in formula:
        depth -= sign in ")]}"
        depths.append(depth)
        depth += sign in "([{"
    for level in range(max(depths) + 1):
        for kind in ("+-", "*/", ","):
            places = [
                place + (kind == ",")
                for place, sign in enumerate(formula)
                if depths[place] == level and sign in kind and place and _may_break(formula, place)
            ]
            yield kind, places


def _may_break(formula: str, place: int) -> bool:
    """Tell whether a sign is an operator: not part of a number such as 1e-9, of dC/dW[2][1,3] or of d/dz[…]."""
    before, after = formula[place - 1], formula[place + 1 : place + 2]
    match formula[place]:
        case "+" | "-":
            return before == after == " "
        case ",":
            return after == " "
        case "/":
            return after != "∂" and not (after == "d" and before.isalpha())
    return True
