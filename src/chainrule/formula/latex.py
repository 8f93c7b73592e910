"""Formulas written as LaTeX."""

from __future__ import annotations

import re

from chainrule.formula.book import _GREEK, NameLayout, _Book, _split_name
from chainrule.formula.nodes import (
    Node,
)
from chainrule.formula.text import Substitute, _Level, _Piece

_LATEX_FUNCTIONS = frozenset(
    {"exp", "ln", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "max", "min"}
)


_LATEX_OPERATORS = {"*": r"\cdot", "@": r"\,", "⊙": r"\odot"}


_LATEX_RELATIONS = {"<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "==": "="}


_LATEX_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{sign: "\\" + sign for sign in "{}$&#_%"},
    }
)


_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def latex(node: Node, substitute: Substitute | None = None) -> str:
    r"""Return the formula in LaTeX's math mode, without dollar signs.

    >>> from chainrule.formula.parse import parse
    >>> latex(parse("alpha/(1+exp(-z))").root)
    '\\frac{\\alpha}{1 + e^{-z}}'
    """
    return _Latex(substitute).piece(node).markup


class LatexNames(NameLayout):
    """The marks of LaTeX."""

    def digits(self, number: int) -> str:
        """Return a whole number."""
        return str(number)

    def small_fence(self, body: str) -> str:
        """Return a body in brackets of plain size."""
        return f"({body})"

    def word(self, text: str) -> str:
        """Return upright words."""
        return rf"\text{{{text}}}"

    def row(self, parts: list[str]) -> str:
        """Return parts with commas between."""
        return (r",\," if any("\\" in part for part in parts) else ",").join(parts)

    def scripts(self, body: str, above: str, below: str) -> str:
        """Return a body with superscript and subscript."""
        return body + (f"^{{{above}}}" if above else "") + (f"_{{{below}}}" if below else "")

    def hat(self, body: str) -> str:
        """Return a body under a hat."""
        return rf"\hat{{{body}}}"

    def bar(self, body: str) -> str:
        """Return a body under a bar."""
        return rf"\bar{{{body}}}"

    def partial(self, body: str) -> str:
        """Return ∂ before a body."""
        return rf"\partial {body}"

    def prime(self) -> str:
        """Return the prime, as a superscript."""
        return r"\prime"

    def beside(self, left: str, right: str) -> str:
        """Return two parts side by side."""
        return left + right


class _Latex(LatexNames, _Book):
    def name(self, name: str) -> str:
        base, subscript = _split_name(name)
        if base in _GREEK:
            shown = r"\varepsilon" if base == "epsilon" else f"\\{base}"
        elif len(base) == 1 and base.isalpha():
            shown = base
        elif _IDENTIFIER.fullmatch(base):
            shown = rf"\mathrm{{{base.translate(_LATEX_ESCAPES)}}}"
        else:
            shown = rf"\text{{{base.translate(_LATEX_ESCAPES)}}}"
        return (
            f"{shown}_{{{subscript if subscript.isdigit() else self.name(subscript)}}}"
            if subscript
            else shown
        )

    def unsigned(self, mantissa: str, exponent: int | None) -> _Piece:
        if exponent is None:
            return _Piece(mantissa, _Level.ATOM)
        return _Piece(rf"{mantissa} \times 10^{{{exponent}}}", _Level.PRODUCT)

    def not_finite(self, digits: str) -> str:
        return r"\infty" if digits == "inf" else r"\mathrm{NaN}"

    def fence(self, opening: str, body: str, closing: str) -> str:
        floor = {"⌊": r"\lfloor ", "⌋": r"\rfloor "}
        return rf"\left{floor.get(opening, opening)}{body}\right{floor.get(closing, closing).rstrip()}"

    def negate(self, body: str) -> str:
        return f"-{body}"

    def infix(self, op: str, left: str, right: str) -> str:
        return f"{left} {_LATEX_OPERATORS.get(op, op)} {right}"

    def relation(self, op: str, left: str, right: str) -> str:
        return f"{left} {_LATEX_RELATIONS[op]} {right}"

    def fraction(self, above: str, below: str) -> str:
        return rf"\frac{{{above}}}{{{below}}}"

    def power(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent}}}"

    def root(self, body: str) -> str:
        return rf"\sqrt{{{body}}}"

    def total(self, body: str) -> str:
        return rf"\sum {body}"

    def cases(self, rows: list[tuple[str, str]]) -> str:
        lines = [rf"{value} & \text{{{'if ' if when else 'otherwise'}}}{when}" for value, when in rows]
        return r"\begin{cases}" + r" \\ ".join(lines) + r"\end{cases}"

    def function(self, name: str, subscript: str, args: list[str]) -> str:
        command = f"\\{name}" if name in _LATEX_FUNCTIONS else rf"\operatorname{{{name}}}"
        lower = f"_{{{subscript}}}" if subscript else ""
        return command + lower + self.fence("(", ", ".join(args), ")")

    def derivative(self, symbol: str, body: str) -> str:
        return rf"\frac{{\mathrm{{d}}}}{{\mathrm{{d}}{symbol}}}\left[{body}\right]"
