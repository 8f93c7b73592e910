"""Formulas written as MathML."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import ClassVar, TypeAlias

from chainrule.formula.book import GREEK, _Book, _split_name
from chainrule.formula.nodes import Node
from chainrule.formula.text import Substitute, _Level, _Piece
from chainrule.formula.written import TOKENS

Attributes: TypeAlias = Callable[[str], Mapping[str, str]]
"""The XML attributes of a symbol's element, such as ``{"data-address": "z[2][1]"}``."""

_INFIX = {"-": "−", "*": "·", "@": "&#x2062;", "<=": "≤", ">=": "≥", "==": "="}
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


def xml_escape(text: str) -> str:
    """Return a text as it stands in XML.

    The standard library has this in `xml.sax.saxutils`, which loads all of the web's protocols.
    """
    return text.replace("&", "&amp;").replace(">", "&gt;").replace("<", "&lt;")


def xml_attribute(value: str) -> str:
    """Return the value of an attribute with its quotes: single ones where only double ones are in it."""
    text = xml_escape(value).replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;")
    if '"' in text and "'" not in text:
        return f"'{text}'"
    return '"{}"'.format(text.replace('"', "&quot;"))


def _fenced(opening: str, closing: str) -> str:
    return f'<mrow><mo form="prefix">{opening}</mo>{{}}<mo form="postfix">{closing}</mo></mrow>'


_FROM_ONE = "<mrow>{}<mo>=</mo><mn>1</mn></mrow>"


class _MathML(_Book):
    """Every mark and method is exactly one element, as fractions and powers need of their parts."""

    marks: ClassVar[Mapping[str, str]] = {
        **{op: f"<mrow>{{}}<mo>{_INFIX.get(op) or xml_escape(op)}</mo>{{}}</mrow>" for op in ("+", "⊙", "×", "<", ">", *_INFIX)},
        "/": "<mfrac>{}{}</mfrac>", "^": "<msup>{}{}</msup>", "sqrt": "<msqrt>{}</msqrt>",
        "(": _fenced("(", ")"), "[": _fenced("[", "]"), "abs": _fenced("|", "|"), "floor": _fenced("⌊", "⌋"),
        "sum": "<mrow><mo>∑</mo>{}</mrow>", "negate": "<mrow><mo>−</mo>{}</mrow>",
        "derivative": f"<mrow><mfrac><mi>d</mi><mrow><mi>d</mi>{{}}</mrow></mfrac>{_fenced('[', ']')}</mrow>",
        "inf": "<mi>∞</mi>", "nan": "<mi>NaN</mi>", "digits": "<mn>{}</mn>",
        "layer": _fenced("(", ")"), "word": "<mtext>{}</mtext>",
        "hat": '<mover accent="true">{}<mo>^</mo></mover>', "bar": '<mover accent="true">{}<mo>¯</mo></mover>',
        "vec": '<mover accent="true">{}<mo>→</mo></mover>',
        "over": f"<mrow><munderover><mo>∑</mo>{_FROM_ONE}{{}}</munderover>{{}}</mrow>",
        "partial": "<mrow><mi>∂</mi>{}</mrow>", "prime": "<mo>′</mo>", "beside": "<mrow>{}{}</mrow>",
    }  # fmt: skip

    def __init__(self, substitute: Substitute | None, attributes: Attributes | None) -> None:
        super().__init__(substitute)
        self.attributes = attributes

    def symbol(self, name: str) -> _Piece:
        piece = super().symbol(name)
        given = self.attributes(name) if self.attributes else {}
        for attribute in given:
            if not _XML_NAME.fullmatch(attribute):
                raise ValueError(f"{attribute!r} can't be the name of an XML attribute")
        marks = "".join(
            f" {attribute}={xml_attribute(_printable(value))}" for attribute, value in given.items()
        )
        return piece._replace(markup=piece.markup.replace(">", f"{marks}>", 1))

    def word(self, name: str) -> str:
        return f"<mi>{xml_escape(_printable(name))}</mi>"

    def script(self, text: str) -> str:
        def one(token: str) -> str:
            tag = "mn" if token.isdigit() else "mi" if token.isalpha() or token == "#" else "mo"
            return f"<{tag}>{xml_escape(_printable(token))}</{tag}>"

        tokens = list(map(one, TOKENS.findall(text)))
        return tokens[0] if len(tokens) == 1 else f"<mrow>{''.join(tokens)}</mrow>"

    def name(self, name: str) -> str:
        base, subscript = _split_name(name)
        shown = f"<mi>{xml_escape(_printable(GREEK.get(base, base)))}</mi>"
        if subscript:
            subscript = f"<mn>{subscript}</mn>" if subscript.isdigit() else self.name(subscript)
        return self.scripts(shown, "", subscript)

    def unsigned(self, mantissa: str, exponent: int | None) -> _Piece:
        if exponent is None:
            return _Piece(f"<mn>{mantissa}</mn>", _Level.ATOM)
        raised = f"<mn>{abs(exponent)}</mn>"
        scale = self.mark("^", "<mn>10</mn>", raised if exponent >= 0 else self.mark("negate", raised))
        return _Piece(f"<mrow><mn>{mantissa}</mn><mo>×</mo>{scale}</mrow>", _Level.PRODUCT)

    def row(self, parts: list[str]) -> str:
        return "".join(parts) if len(parts) < 2 else f"<mrow>{'<mo>,</mo>'.join(parts)}</mrow>"

    def beside(self, parts: list[str]) -> str:
        return "".join(parts) if len(parts) < 2 else f"<mrow>{''.join(parts)}</mrow>"

    def scripts(self, body: str, above: str, below: str) -> str:
        if above and below:
            return f"<msubsup>{body}{below}{above}</msubsup>"
        if above:
            return f"<msup>{body}{above}</msup>"
        return f"<msub>{body}{below}</msub>" if below else body

    def cases(self, rows: list[tuple[str, str]]) -> str:
        def line(value: str, when: str) -> str:
            words = f"<mrow><mtext>if\u00a0</mtext>{when}</mrow>" if when else "<mtext>otherwise</mtext>"
            return f"<mtr><mtd>{value}</mtd><mtd>{words}</mtd></mtr>"

        table = "".join(line(value, when) for value, when in rows)
        return f'<mrow><mo form="prefix">{{</mo><mtable columnalign="left">{table}</mtable></mrow>'

    def function(self, name: str, subscript: str, args: list[str]) -> str:
        shown = self.scripts(f"<mi>{name}</mi>", "", f"<mn>{subscript}</mn>" if subscript else "")
        return f"<mrow>{shown}<mo>&#x2061;</mo>{self.mark('(', self.row(args))}</mrow>"


def _printable(text: str) -> str:
    """Return the text without the control signs that XML can't hold."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
