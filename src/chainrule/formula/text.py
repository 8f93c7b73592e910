"""Formulas written as plain text."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import IntEnum
from typing import ClassVar, NamedTuple, TypeAlias

from chainrule.formula import written
from chainrule.formula.nodes import (
    AppliedLetter,
    Binary,
    Call,
    Compare,
    Constant,
    Derivative,
    Indexed,
    Negate,
    Node,
    Number,
    PartialDerivative,
    SumOver,
    Symbol,
    nodes_in,
)

Substitute: TypeAlias = Mapping[str, str | float | written.Name]
"""How a symbol is to be shown: a number, a name or number as plain text, which is escaped as needed, or a name laid out."""


_NUMBER = re.compile(r"([-−+]?)((?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eE]([+-]?[0-9]+))?")


def text(node: Node, substitute: Substitute | None = None) -> str:
    """Return the formula in the formula language, such as ``1/(1 + exp(-z))``.

    ``parse`` reads it again, unless it holds a ``Derivative`` or a substituted name that isn't one.

    >>> from chainrule.formula.parse import parse
    >>> text(parse("alpha*z^2").root, {"z": -3})
    'alpha*(-3)^2'
    """
    return _Text(substitute).piece(node).markup


class _Level(IntEnum):
    """How tightly a piece holds together; an operand below what its place asks for gets brackets."""

    LOOSE = 0
    SUM = 1
    PRODUCT = 2
    FRACTION = 3
    POWER = 4
    ATOM = 5


class _Piece(NamedTuple):
    markup: str
    level: _Level
    minus: bool = False
    """It begins with a minus sign, so it can only stand first."""


class _Renderer(ABC):
    """The precedence rules, which are the same in every format; subclasses know the marks."""

    marks: ClassVar[Mapping[str, str]]
    """How each operation is written, {} for its parts; by its sign, or its opening bracket."""

    shows_association = True
    """Print the brackets of a + (b + c), which change how it is computed but not what it means."""

    def __init__(self, substitute: Substitute | None) -> None:
        self.substitute = substitute or {}

    def piece(self, node: Node) -> _Piece:
        match node:
            case Number(value):
                return self.number(_digits(value))
            case Symbol(name):
                return self.symbol(name)
            case Constant(name):
                return _Piece(self.name(name), _Level.ATOM)
            case Negate(operand):
                body = self.fit(self.piece(operand), _Level.PRODUCT)
                return _Piece(self.mark("negate", body), _Level.PRODUCT, minus=True)
            case Binary(op, left, right):
                return self.binary(op, self.piece(left), self.piece(right))
            case Compare(op, left, right):
                sides = (self.fit(self.piece(side), _Level.SUM, first=True) for side in (left, right))
                return _Piece(self.mark(op, *sides), _Level.LOOSE)
            case Derivative(symbol, operand):
                body = self.mark("derivative", self.name(symbol), self.markup(operand))
                return _Piece(body, _Level.FRACTION)
            case Call():
                return self.call(node)
            case Indexed():
                return self.indexed(node)
            case SumOver(index, last, operand):
                inner = self.piece(operand)
                # A sum of sums needs no brackets: each reaches to the end.
                body = inner.markup if isinstance(operand, SumOver) else self.fit(inner, _Level.PRODUCT)
                return _Piece(self.mark("over", self.name(index), self.markup(last), body), _Level.SUM)
            case PartialDerivative(of, by):
                sides = (
                    self.mark("partial", self.fit(self.piece(side), _Level.FRACTION)) for side in (of, by)
                )
                made = self.quotient(*(_Piece(side, _Level.ATOM) for side in sides))
                return made._replace(level=_Level.FRACTION)
            case AppliedLetter(function, operand):
                brackets = self.mark("(", self.argument(operand))
                return _Piece(self.mark("beside", self.markup(function), brackets), _Level.ATOM)

    def binary(self, op: str, left: _Piece, right: _Piece) -> _Piece:
        match op:
            case "+" | "-":
                idle = op == "+" and not self.shows_association
                second = self.fit(right, _Level.SUM if idle else _Level.PRODUCT)
                body = self.mark(op, self.fit(left, _Level.SUM, first=True), second)
                return _Piece(body, _Level.SUM, left.minus)
            case "*" | "@" | "⊙" | "×":
                loosest = _Level.FRACTION if self.shows_association else _Level.PRODUCT
                body = self.mark(op, self.fit(left, _Level.PRODUCT, first=True), self.fit(right, loosest))
                return _Piece(body, _Level.PRODUCT, left.minus)
            case "/":
                return self.quotient(left, right)
            case _:
                body = self.mark("^", self.fit(left, _Level.ATOM), self.exponent(right))
                return _Piece(body, _Level.POWER)

    def mark(self, what: str, *parts: str | int) -> str:
        """Return an operation on parts as it is written."""
        return self.marks[what].format(*parts)

    def markup(self, node: Node) -> str:
        """Return the markup of a node whose place needs no brackets."""
        return self.piece(node).markup

    def argument(self, node: Node) -> str:
        """Return the markup of what a letter is applied to."""
        return self.markup(node)

    def fit(self, piece: _Piece, level: _Level, *, first: bool = False) -> str:
        """Return the markup of an operand, in brackets unless it holds together at ``level``.

        ``first``: it is the first of its expression, so it may begin with a minus sign.
        """
        if piece.level < level or (piece.minus and not first):
            return self.mark("(", piece.markup)
        return piece.markup

    def symbol(self, name: str) -> _Piece:
        shown = self.substitute.get(name, name)
        if isinstance(shown, written.Lettered | written.Partial | written.Applied):
            return self.laid_out(shown)
        if isinstance(shown, str) and not _NUMBER.fullmatch(shown):
            return self.named(shown)
        return self.number(shown if isinstance(shown, str) else _digits(shown))

    def named(self, name: str) -> _Piece:
        """Return a symbol shown by its name."""
        return _Piece(self.name(name), _Level.ATOM)

    def laid_out(self, name: written.Name) -> _Piece:
        """Return a name that is given by its parts; what is raised or a fraction needs brackets to have an exponent."""
        is_raised = isinstance(name, written.Partial) or (
            isinstance(name, written.Lettered) and bool(name.above)
        )
        return _Piece(written.plain(name), _Level.FRACTION if is_raised else _Level.ATOM)

    def number(self, digits: str) -> _Piece:
        """Return a number from its digits, ``inf`` or ``nan``, with or without a sign."""
        match = _NUMBER.fullmatch(digits)
        if match is None:
            sign = "-" if digits.startswith("-") else ""
            piece = _Piece(self.mark(digits.removeprefix("-")), _Level.ATOM)
        else:
            sign, mantissa, exponent = match.groups()
            piece = self.unsigned(mantissa, None if exponent is None else int(exponent))
        if sign in ("-", "−"):
            return _Piece(self.mark("negate", piece.markup), _Level.PRODUCT, minus=True)
        return piece

    @abstractmethod
    def name(self, name: str) -> str: ...

    @abstractmethod
    def unsigned(self, mantissa: str, exponent: int | None) -> _Piece: ...

    @abstractmethod
    def quotient(self, above: _Piece, below: _Piece) -> _Piece: ...

    @abstractmethod
    def exponent(self, exponent: _Piece) -> str: ...

    @abstractmethod
    def call(self, node: Call) -> _Piece: ...

    @abstractmethod
    def indexed(self, node: Indexed) -> _Piece: ...


class _Text(_Renderer):
    """The formula language itself."""

    marks: ClassVar[Mapping[str, str]] = {
        **{op: f"{{}} {op} {{}}" for op in ("+", "-", "@", "⊙", "×", "<", "<=", ">", ">=", "==")},
        **{op: f"{{}}{op}{{}}" for op in "*/^"},
        "(": "({})",
        "negate": "-{}",
        "derivative": "d/d{}[{}]",
        "partial": "∂{}",
        "over": "Σ_{{{}=1..{}}} {}",
        "beside": "{}{}",
        "inf": "inf",
        "nan": "nan",
    }

    def name(self, name: str) -> str:
        return name

    def unsigned(self, mantissa: str, exponent: int | None) -> _Piece:
        return _Piece(mantissa if exponent is None else f"{mantissa}e{exponent}", _Level.ATOM)

    def quotient(self, above: _Piece, below: _Piece) -> _Piece:
        body = self.mark("/", self.fit(above, _Level.PRODUCT, first=True), self.fit(below, _Level.POWER))
        return _Piece(body, _Level.PRODUCT, above.minus)

    def exponent(self, exponent: _Piece) -> str:
        return self.fit(exponent, _Level.POWER)

    def call(self, node: Call) -> _Piece:
        return _Piece(f"{node.name}({', '.join(self.markup(arg) for arg in node.args)})", _Level.ATOM)

    def argument(self, node: Node) -> str:
        # An index stays as close as it does in brackets: #(i-1).
        is_index = (
            isinstance(node, Binary) and isinstance(node.left, Symbol) and isinstance(node.right, Number)
        )
        return self.markup(node).replace(" ", "") if is_index else self.markup(node)

    def indexed(self, node: Indexed) -> _Piece:
        accent, letter = accented(node.letter)
        above, below = (
            [self.markup(index).replace(" ", "") for index in side] for side in (node.above, node.below)
        )
        if not node.order:
            inside = "".join(f"[{','.join(side)}]" for side in (above, below) if side)
            return _Piece(letter + inside, _Level.ATOM)
        above = [f"({','.join(above)})"] if above and node.bracketed else above
        sides = {"^": ",".join(above), "_": ("" if node.close else ",").join(below)}
        one = {"^": len(above) == 1 and above[0].isalnum(), "_": len(below) == 1 and below[0].isalnum()}
        scripts = (
            f"{sign}{sides[sign] if one[sign] else f'{{{sides[sign]}}}'}"
            for sign in node.order
            if sides[sign]
        )
        body = written.plain(written.Lettered(letter, accent=accent)) + "".join(scripts)
        return _Piece(body, _Level.FRACTION if above else _Level.ATOM)


def accented(letter: str) -> tuple[str, str]:
    """Return the accent of an indexed letter, which may be empty, and the letter itself."""
    accent, mark, bare = letter.partition("_")
    return (accent, bare) if mark and accent in written.COMBINING else ("", letter)


def _digits(value: float) -> str:
    """Return the shortest digits that give the number back; whole numbers without a point."""
    value = float(value)
    if value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    return re.sub(r"e([+-])0*", lambda match: "e" + match[1].replace("+", ""), repr(value))


def _is_tall(node: Node) -> bool:
    """Tell whether a node is too tall to be read as an exponent."""
    return any(
        isinstance(part, Derivative)
        or (isinstance(part, Binary) and part.op == "/")
        or (isinstance(part, Call) and part.name in ("where", "sum"))
        for part in nodes_in(node)
    )
