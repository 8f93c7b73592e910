"""Formulas written as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from chainrule.formula.book import GREEK, _Book, _split_name
from chainrule.formula.nodes import Node
from chainrule.formula.text import Substitute, _Level, _Piece
from chainrule.formula.written import TOKENS

_LATEX_FUNCTIONS = {"exp", "ln", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "max", "min"}
_INFIX = {"*": r"\cdot", "@": r"\,", "⊙": r"\odot", "×": r"\times", "<=": r"\le", ">=": r"\ge", "==": "="}
_LATEX_ESCAPES = str.maketrans(
    {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {sign: "\\" + sign for sign in "{}$&#_%"}
)
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def latex(node: Node, substitute: Substitute | None = None) -> str:
    r"""Return the formula in LaTeX's math mode, without dollar signs.

    >>> from chainrule.formula.parse import parse
    >>> latex(parse("alpha/(1+exp(-z))").root)
    '\\frac{\\alpha}{1 + e^{-z}}'
    """
    return _Latex(substitute).piece(node).markup


class _Latex(_Book):
    marks: ClassVar[Mapping[str, str]] = {
        **{op: f"{{}} {_INFIX.get(op, op)} {{}}" for op in ("+", "-", "<", ">", *_INFIX)},
        "/": r"\frac{{{}}}{{{}}}", "^": "{}^{{{}}}", "sqrt": r"\sqrt{{{}}}", "sum": r"\sum {}", "negate": "-{}",
        "(": r"\left({}\right)", "[": r"\left[{}\right]", "abs": r"\left|{}\right|",
        "floor": r"\left\lfloor {}\right\rfloor",
        "derivative": r"\frac{{\mathrm{{d}}}}{{\mathrm{{d}}{}}}\left[{}\right]",
        "inf": r"\infty", "nan": r"\mathrm{{NaN}}", "digits": "{}", "layer": "({})", "word": r"\text{{{}}}",
        "hat": r"\hat{{{}}}", "bar": r"\bar{{{}}}", "vec": r"\vec{{{}}}", "partial": r"\partial {}",
        "over": r"\sum_{{{}=1}}^{{{}}} {}", "prime": r"\prime", "beside": "{}{}",
    }  # fmt: skip

    def row(self, parts: list[str]) -> str:
        return (r",\," if any("\\" in part for part in parts) else ",").join(parts)

    def beside(self, parts: list[str]) -> str:
        return " ".join(parts)

    def scripts(self, body: str, above: str, below: str) -> str:
        return body + (f"^{{{above}}}" if above else "") + (f"_{{{below}}}" if below else "")

    def word(self, name: str) -> str:
        return f"{{{name.translate(_LATEX_ESCAPES)}}}"

    def script(self, text: str) -> str:
        def one(token: str) -> str:
            if token in GREEK.values():
                return self.letter(token, has_index=False)
            return (
                rf"\mathrm{{{token}}}"
                if token.isalpha() and len(token) > 1
                else token.translate(_LATEX_ESCAPES)
            )

        return "".join(map(one, TOKENS.findall(text)))

    def name(self, name: str) -> str:
        base, subscript = _split_name(name)
        if base in GREEK:
            shown = r"\varepsilon" if base == "epsilon" else f"\\{base}"
        elif len(base) == 1 and base.isalpha():
            shown = base
        elif base == "…":
            shown = r"\cdots"
        elif _IDENTIFIER.fullmatch(base):
            shown = rf"\mathrm{{{base.translate(_LATEX_ESCAPES)}}}"
        else:
            shown = rf"\text{{{base.translate(_LATEX_ESCAPES)}}}"
        if subscript and not subscript.isdigit():
            subscript = self.name(subscript)
        return self.scripts(shown, "", subscript)

    def unsigned(self, mantissa: str, exponent: int | None) -> _Piece:
        if exponent is None:
            return _Piece(mantissa, _Level.ATOM)
        return _Piece(rf"{mantissa} \times 10^{{{exponent}}}", _Level.PRODUCT)

    def cases(self, rows: list[tuple[str, str]]) -> str:
        lines = [rf"{value} & \text{{{'if ' if when else 'otherwise'}}}{when}" for value, when in rows]
        return r"\begin{cases}" + r" \\ ".join(lines) + r"\end{cases}"

    def function(self, name: str, subscript: str, args: list[str]) -> str:
        command = f"\\{name}" if name in _LATEX_FUNCTIONS else rf"\operatorname{{{name}}}"
        return self.scripts(command, "", subscript) + self.mark("(", ", ".join(args))
