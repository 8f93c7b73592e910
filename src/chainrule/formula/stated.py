"""Formulas as somebody states them, in their own letters: read from text, to be written by any renderer; never evaluated.

``vec(a)^{i+1} <- σ(W^{i,i+1} × vec(a)^i + vec(b)^{i+1})``: names are letters with scripts, as `formula.written` has them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from chainrule.errors import FormulaError
from chainrule.formula.evaluate import quote
from chainrule.formula.functions import FUNCTIONS
from chainrule.formula.nodes import (
    AppliedLetter,
    Binary,
    Call,
    Compare,
    Derivative,
    Negate,
    Node,
    Number,
    PartialDerivative,
    SumOver,
    Symbol,
)
from chainrule.formula.text import Substitute
from chainrule.formula.written import Lettered, Name, Partial, lettered

MAX_LENGTH = 500
MAX_DEPTH = 20


@dataclass(frozen=True)
class StatedMatrix:
    """A matrix, or a row or column of one, by its rows; None stands for dots."""

    rows: tuple[tuple[Node | None, ...], ...]


Side: TypeAlias = Node | StatedMatrix


@dataclass(frozen=True)
class StatedRange:
    """An index, and the first and last that it stands for."""

    index: Node
    first: Node
    last: Node


@dataclass(frozen=True)
class Stated:
    """A formula in somebody's letters: ``sides`` with ``signs`` between them, for all of ``runs``.

    A single side is a letter by itself. Its symbols are shown as ``names`` has them; ``words`` say what it is.
    """

    sides: tuple[Side, ...]
    signs: tuple[str, ...] = ()
    runs: tuple[StatedRange, ...] = ()
    names: Substitute = field(default_factory=dict)
    words: str = ""


SIGNS: Mapping[str, str] = {
    ":=": ":=",
    "<-": "←",
    "<=": "≤",
    ">=": "≥",
    **{sign: sign for sign in "←≤≥≈=<>"},
}
"""The signs between sides: as they may be typed, and as they are shown."""

_SPACE = re.compile(r"\s*")
_SCRIPT = r"[_^](?:\{[^{}]+\}|[A-Za-z]+[0-9]*|[0-9]+|\+|\*)"
_NAME = rf"(?:(?:hat|bar|vec)\([^()\s]+\)|[^\W\d_][^\W_²³]*'?|#)(?:{_SCRIPT}){{0,2}}"
_TOKEN = re.compile(
    rf"(?P<half>½)|(?P<inner>∂\()|(?P<partial>∂{_NAME}/∂{_NAME})|(?P<total>d/d[A-Za-z][A-Za-z0-9_]*\[)|(?P<comparison><=|>=|==|<|>)|(?P<name>{_NAME})"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:e-?[0-9]+)?)|(?P<dots>…|\.\.\.)"
    r"|(?P<operator>[-−+*·×⊙/^(),∂|'²³\]])"
)
_OPERATORS = {"−": "-", "·": "*"}
_RAISED = {"²": 2.0, "³": 3.0}
_PRIME = "′"
_FOR = re.compile(r"\s+for\s+")
_RUN = re.compile(r"(.+?)\s*=\s*(.+?)\s*\.\.\s*(.+)")


def stated(text: str, words: str = "") -> Stated:
    """Return what a text states; raises FormulaError that names the place and the remedy.

    A name is a letter or word with scripts: ``w_{j,k}^{i-1,i}``, ``net_h1``, ``hat(y)``, ``vec(a)^i``, ``w5^+``;
    ``∂E/∂w5`` a partial derivative, ``∂(…)/∂w5`` one of a formula, ``d/dz[…]`` and ``(…)'`` a derivative still to be taken;
    ``σ(…)``, ``#(i)`` a letter of something; ``sum(i, n, …)`` a sum from 1 to n, ``sum(…)`` and ``Σ`` before a product one
    over all there is. Operators are + - * · × ⊙ / ^ ² ³ and ``|…|``; between sides
    stand = := <- <= >= < > ≈. A side in square brackets is a matrix, ``;`` between its rows, ``…`` for what is left out.
    ``for i = 1..n`` says of which i it holds.

    >>> from chainrule.formula.text import text
    >>> made = stated("∂C/∂w_i = ∂C/∂hat(y) * x_i for i = 1..n")
    >>> [text(side, made.names) for side in made.sides], len(made.runs)
    (['∂C/∂w_i', '∂C/∂ŷ*x_i'], 1)
    """
    return _Reader(text).stated(words)


class _Reader:
    """Reads one text, and keeps the names that it comes upon."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: dict[str, str | float | Name] = {}

    def stated(self, words: str) -> Stated:
        if not self.text.strip() or len(self.text) > MAX_LENGTH:
            raise self.error(f"must have 1 to {MAX_LENGTH} signs")
        body, *ranges = _FOR.split(self.text)
        pieces, signs = _parted(body, tuple(SIGNS))
        sides = tuple(map(self.side, pieces))
        runs = tuple(self.run(piece) for part in ranges for piece in _parted(part, (",",))[0])
        return Stated(sides, tuple(SIGNS[sign] for sign in signs), runs, dict(self.names), words)

    def side(self, piece: str) -> Side:
        piece = piece.strip()
        if not (piece.startswith("[") and piece.endswith("]")):
            return self.node(piece)
        rows = [[cell.strip() for cell in _parted(row, (",",))[0]] for row in _parted(piece[1:-1], (";",))[0]]
        if len({len(row) for row in rows}) > 1:
            raise self.error(f"the rows of {quote(piece)} are not equally long; write … for what is left out")
        return StatedMatrix(
            tuple(tuple(None if cell in ("…", "...") else self.node(cell) for cell in row) for row in rows)
        )

    def run(self, piece: str) -> StatedRange:
        match = _RUN.fullmatch(piece.strip())
        if match is None:
            raise self.error(f"{quote(piece.strip())} says of no index; write for i = 1..n")
        return StatedRange(*(self.node(part) for part in match.groups()))

    def node(self, piece: str) -> Node:
        self.tokens = self.tokens_of(piece)
        self.place = 0
        found = self.sum(1)
        if self.peek:
            raise self.error(f"not a formula from {quote(self.peek)} on; check operators and brackets")
        return found

    def tokens_of(self, piece: str) -> list[tuple[str, str]]:
        found, place = [], 0
        while (place := _SPACE.match(piece, place).end()) < len(piece):  # type: ignore[union-attr]
            match = _TOKEN.match(piece, place)
            if match is None:
                remedy = "write names with scripts, such as w_{j,k}^{i}, numbers, + - * · × ⊙ / ^ ( ) and ,"
                raise self.error(f"{quote(piece[place])} is not allowed here; {remedy}")
            place = match.end()
            kind = str(match.lastgroup)
            # A letter that a bracket follows at once is one of what stands in it.
            if kind == "name" and piece.startswith("(", place):
                kind = "function"
            found.append((kind, _OPERATORS.get(match[0], match[0])))
        return found

    @property
    def peek(self) -> str:
        """The next token, empty at the end."""
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    def take(self) -> tuple[str, str]:
        if self.place == len(self.tokens):
            raise self.error("something is missing at the end of a side; check operators and brackets")
        self.place += 1
        return self.tokens[self.place - 1]

    def close(self, sign: str = ")") -> None:
        if self.peek != sign:
            raise self.error("a bracket isn't closed")
        self.place += 1

    def sum(self, depth: int) -> Node:
        left = self.product(depth)
        while self.peek in ("+", "-"):
            left = Binary(self.take()[1], left, self.product(depth))
        return left

    def product(self, depth: int) -> Node:
        left = self.power(depth)
        while self.peek in ("*", "×", "⊙", "/"):
            left = Binary(self.take()[1], left, self.power(depth))
        return left

    def power(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self.error(f"nested too deeply; at most {MAX_DEPTH} levels are allowed")
        if self.peek == "-":
            self.place += 1
            return Negate(self.power(depth + 1))
        base = self.atom(depth)
        if self.peek == "'":
            self.place += 1
            base = Binary("^", base, self.symbol(_PRIME, Lettered(_PRIME)))
        if self.peek in _RAISED:
            return Binary("^", base, Number(_RAISED[self.take()[1]]))
        if self.peek == "^":
            self.place += 1
            return Binary("^", base, self.power(depth + 1))
        return base

    def atom(self, depth: int) -> Node:
        kind, token = self.take()
        match kind:
            case "number":
                self.names[token] = token  # with as many digits as are stated
                return Symbol(token)
            case "dots":
                return self.symbol("…", Lettered("…"))
            case "inner":
                return self.derivative(depth)
            case "total":
                found = Derivative(token[3:-1], self.sum(depth + 1))
                self.close("]")
                return found
            case "half":
                return Binary("/", Number(1.0), Number(2.0))
            case "name" if (
                token == "Σ" and self.place < len(self.tokens) and self._begins(self.tokens[self.place])
            ):
                return Call("sum", (self.product(depth + 1),))
            case "name" if token == "inf":
                return Number(math.inf)
            case "name":
                return self.symbol(token, lettered(token))
            case "partial":
                of, by = (lettered(part[1:]) for part in re.split(r"/(?=∂)", token))
                return self.symbol(token, None if of is None or by is None else Partial(of, by))
            case "function":
                return self.function(token, depth)
        if token == "|":
            inner = self.sum(depth + 1)
            self.close("|")
            return Call("abs", (inner,))
        if token != "(":
            raise self.error(f"{quote(token)} stands where a number or name is expected")
        inner = self.sum(depth + 1)
        self.close()
        return inner

    @staticmethod
    def _begins(token: tuple[str, str]) -> bool:
        """Tell whether a token begins what a sign before it is of."""
        return token[0] in ("name", "function", "partial", "number") or token[1] == "("

    def derivative(self, depth: int) -> Node:
        of = self.sum(depth + 1)
        self.close()
        rest = self.tokens[self.place : self.place + 3]
        if [token for _, token in rest[:2]] != ["/", "∂"] or rest[2:3] == [] or rest[2][0] != "name":
            raise self.error("a partial derivative is by something; write ∂(…)/∂z")
        self.place += 3
        return PartialDerivative(of, self.symbol(rest[2][1], lettered(rest[2][1])))

    def symbol(self, token: str, name: Name | None) -> Node:
        if name is None:
            raise self.error(f"{quote(token)} is no name; write a letter and its scripts, as in a_j^i")
        self.names[token] = name
        return Symbol(token)

    def function(self, token: str, depth: int) -> Node:
        self.place += 1
        args = [self.condition(depth + 1) if token == "where" else self.sum(depth + 1)]
        while self.peek == ",":
            self.place += 1
            args.append(self.sum(depth + 1))
        self.close()
        if token == "sum" and len(args) == 3:
            index, last, operand = args
            if not (isinstance(index, Symbol) and isinstance(self.names[index.name], Lettered)):
                raise self.error("a sum runs over a letter; write sum(i, n, …)")
            return SumOver(index.name, last, operand)
        known = FUNCTIONS.get(token)
        if known is not None:
            if len(args) != known.arity:
                raise self.error(f"{token}(…) takes {known.arity}, not {len(args)}")
            return Call(token, tuple(args))
        if len(args) > 1:
            raise self.error(f"{token}(…) is of one thing, not of {len(args)}")
        return AppliedLetter(self.symbol(token, lettered(token)), args[0])

    def condition(self, depth: int) -> Node:
        """Return the condition of a ``where``, which compares two sides."""
        left = self.sum(depth)
        if self.place == len(self.tokens) or self.tokens[self.place][0] != "comparison":
            raise self.error("where(…) begins with a condition; write such as where(z > 0, z, 0)")
        return Compare(self.take()[1], left, self.sum(depth))

    def error(self, message: str) -> FormulaError:
        return FormulaError(f"formula {quote(self.text)}: {message}")


def _parted(text: str, signs: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return a text's pieces between signs that stand in no bracket, and the signs."""
    pieces, found, depth, start, place = [], [], 0, 0, 0
    while place < len(text):
        depth += (text[place] in "([{") - (text[place] in ")]}")
        sign = next((sign for sign in signs if text.startswith(sign, place)), "") if depth == 0 else ""
        if sign:
            pieces.append(text[start:place])
            found.append(sign)
            start = place + len(sign)
        place += len(sign) or 1
    return [*pieces, text[start:]], found
