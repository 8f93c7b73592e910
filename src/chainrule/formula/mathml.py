"""Formulas written as MathML."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias
from xml.sax.saxutils import escape, quoteattr

from chainrule.formula.book import _GREEK, NameLayout, _Book, _split_name
from chainrule.formula.nodes import (
    Node,
)
from chainrule.formula.text import Substitute, _Level, _Piece

Attributes: TypeAlias = Callable[[str], Mapping[str, str]]
"""The XML attributes of a symbol's element, such as ``{"data-address": "z[2][1]"}``."""


_MATHML_OPERATORS = {"-": "−", "*": "·", "@": "\u2062"}


_MATHML_RELATIONS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "="}


_XML_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def mathml(
    node: Node,
    substitute: Substitute | None = None,
    attributes: Attributes | None = None,
    *,
    block: bool = False,
) -> str:
    """Return the formula as a complete ``<math>`` element of MathML Core; ``block``: on a line of its own.

    >>> from chainrule.formula.parse import parse
    >>> mathml(parse("z^2").root)
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><msup><mi>z</mi><mn>2</mn></msup></math>'
    """
    display = ' display="block"' if block else ""
    content = mathml_content(node, substitute, attributes)
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"{display}>{content}</math>'


def mathml_content(
    node: Node, substitute: Substitute | None = None, attributes: Attributes | None = None
) -> str:
    """Return one element of MathML, to be placed in a larger ``<math>`` element.

    Raises ValueError for an attribute whose name XML doesn't allow.
    """
    return _MathML(substitute, attributes).piece(node).markup


class MathMLNames(NameLayout):
    """The marks of MathML; each method returns one element, or nothing for nothing."""

    def digits(self, number: int) -> str:
        """Return a whole number."""
        return f"<mn>{number}</mn>"

    def small_fence(self, body: str) -> str:
        """Return a body in brackets."""
        return self.fence("(", body, ")")

    def word(self, text: str) -> str:
        """Return upright words."""
        return f"<mtext>{text}</mtext>"

    def row(self, parts: list[str]) -> str:
        """Return parts with commas between."""
        if len(parts) < 2:
            return "".join(parts)
        return f"<mrow>{'<mo>,</mo>'.join(parts)}</mrow>"

    def scripts(self, body: str, above: str, below: str) -> str:
        """Return a body with superscript and subscript."""
        if above and below:
            return f"<msubsup>{body}{below}{above}</msubsup>"
        if above:
            return f"<msup>{body}{above}</msup>"
        return f"<msub>{body}{below}</msub>" if below else body

    def hat(self, body: str) -> str:
        """Return a body under a hat."""
        return f'<mover accent="true">{body}<mo>^</mo></mover>'

    def bar(self, body: str) -> str:
        """Return a body under a bar."""
        return f'<mover accent="true">{body}<mo>¯</mo></mover>'

    def partial(self, body: str) -> str:
        """Return ∂ before a body."""
        return f"<mrow><mi>∂</mi>{body}</mrow>"

    def prime(self) -> str:
        """Return the prime."""
        return "<mo>′</mo>"

    def beside(self, left: str, right: str) -> str:
        """Return two parts side by side."""
        return f"<mrow>{left}{right}</mrow>"


class _MathML(MathMLNames, _Book):
    """Every method returns exactly one element, as fractions and powers need of their parts."""

    def __init__(self, substitute: Substitute | None, attributes: Attributes | None) -> None:
        super().__init__(substitute)
        self.attributes = attributes

    def symbol(self, name: str) -> _Piece:
        piece = super().symbol(name)
        given = self.attributes(name) if self.attributes else {}
        for attribute in given:
            if not _XML_NAME.fullmatch(attribute):
                raise ValueError(f"{attribute!r} can't be the name of an XML attribute")
        marks = "".join(f" {attribute}={quoteattr(_printable(value))}" for attribute, value in given.items())
        return piece._replace(markup=piece.markup.replace(">", f"{marks}>", 1))

    def name(self, name: str) -> str:
        base, subscript = _split_name(name)
        shown = f"<mi>{escape(_printable(_GREEK.get(base, base)))}</mi>"
        if not subscript:
            return shown
        lower = f"<mn>{subscript}</mn>" if subscript.isdigit() else self.name(subscript)
        return f"<msub>{shown}{lower}</msub>"

    def unsigned(self, mantissa: str, exponent: int | None) -> _Piece:
        if exponent is None:
            return _Piece(f"<mn>{mantissa}</mn>", _Level.ATOM)
        raised = f"<mn>{exponent}</mn>" if exponent >= 0 else self.negate(f"<mn>{-exponent}</mn>")
        scale = self.power("<mn>10</mn>", raised)
        return _Piece(f"<mrow><mn>{mantissa}</mn><mo>×</mo>{scale}</mrow>", _Level.PRODUCT)

    def not_finite(self, digits: str) -> str:
        return "<mi>∞</mi>" if digits == "inf" else "<mi>NaN</mi>"

    def fence(self, opening: str, body: str, closing: str) -> str:
        return f'<mrow><mo form="prefix">{opening}</mo>{body}<mo form="postfix">{closing}</mo></mrow>'

    def negate(self, body: str) -> str:
        return f"<mrow><mo>−</mo>{body}</mrow>"

    def infix(self, op: str, left: str, right: str) -> str:
        return f"<mrow>{left}<mo>{_MATHML_OPERATORS.get(op, op)}</mo>{right}</mrow>"

    def relation(self, op: str, left: str, right: str) -> str:
        return f"<mrow>{left}<mo>{escape(_MATHML_RELATIONS[op])}</mo>{right}</mrow>"

    def fraction(self, above: str, below: str) -> str:
        return f"<mfrac>{above}{below}</mfrac>"

    def power(self, base: str, exponent: str) -> str:
        return f"<msup>{base}{exponent}</msup>"

    def root(self, body: str) -> str:
        return f"<msqrt>{body}</msqrt>"

    def total(self, body: str) -> str:
        return f"<mrow><mo>∑</mo>{body}</mrow>"

    def cases(self, rows: list[tuple[str, str]]) -> str:
        def line(value: str, when: str) -> str:
            words = f"<mrow><mtext>if\u00a0</mtext>{when}</mrow>" if when else "<mtext>otherwise</mtext>"
            return f"<mtr><mtd>{value}</mtd><mtd>{words}</mtd></mtr>"

        table = "".join(line(value, when) for value, when in rows)
        return f'<mrow><mo form="prefix">{{</mo><mtable columnalign="left">{table}</mtable></mrow>'

    def function(self, name: str, subscript: str, args: list[str]) -> str:
        shown = f"<mi>{name}</mi>"
        if subscript:
            shown = f"<msub>{shown}<mn>{subscript}</mn></msub>"
        inside = "<mo>,</mo>".join(args)
        if len(args) > 1:
            inside = f"<mrow>{inside}</mrow>"
        return f"<mrow>{shown}<mo>\u2061</mo>{self.fence('(', inside, ')')}</mrow>"

    def derivative(self, symbol: str, body: str) -> str:
        bar = f"<mfrac><mi>d</mi><mrow><mi>d</mi>{symbol}</mrow></mfrac>"
        return f"<mrow>{bar}{self.fence('[', body, ']')}</mrow>"


def _printable(text: str) -> str:
    """Return the text without the control signs that XML can't hold."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
