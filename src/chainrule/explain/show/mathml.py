"""Lines as MathML in which every number and symbol carries its address, its value, and room to break long sums."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from xml.etree import ElementTree

from markupsafe import Markup, escape

from chainrule.explain.derive.lines import Line, Matrix
from chainrule.explain.show.formulas import side_names, sides_mathml
from chainrule.explain.show.showing import Piece, Showing, address_of
from chainrule.formula.mathml import Attributes, mathml_content
from chainrule.formula.nodes import Node, Number, Symbol
from chainrule.formula.stated import Stated
from chainrule.formula.text import Substitute

SLOPE = "f'(z)"
"""The letters of a slope among words, which are a formula wherever they stand."""

_SLOPE_MATHML = Markup(
    "<math><msup><mi>f</mi><mo>′</mo></msup><mo form='prefix'>(</mo><mi>z</mi><mo form='postfix'>)</mo></math>"
)


@dataclass(frozen=True)
class MathWriter:
    """Writes formulas and numbers for a page.

    An element that stands for a number has ``data-address``, or, where it is a rest, a setting or a product that a
    line names, ``data-name`` with ``data-in`` the part of the page in which that name is one thing; and
    ``data-value`` with all digits. A line's result also has ``data-engine``, the engine's number at its address.
    """

    showing: Showing

    def sides(self, line: Line, part: str, labels: Collection[str]) -> list[list[Markup]]:
        """Return the right sides of a line, symbols and then numbers, each as pieces between which it may break.

        Names among ``labels`` are those of other lines of the same ``part``; others belong to the line alone.
        """
        own = f"{part} {line.left}"

        def marks(name: str) -> dict[str, str]:
            return _marks(name, line.values.get(name), part if name in labels else own)

        if isinstance(line.symbols, Number):
            return []
        before = [self.formula(*side) for side in self.showing.before(line)]
        shown: list[Substitute] = [self.showing.names(line.values)]
        if line.values and not isinstance(line.symbols, Symbol):
            shown.append(line.numbers(self.showing.number))
        written = [self.formula(line.symbols, substitute, marks) for substitute in shown]
        return [*before, *written, *(self.formula(*side) for side in self.showing.products(line))]

    def formula(
        self, node: Node, shown: Substitute | None = None, marks: Attributes | None = None
    ) -> list[Markup]:
        """Return a tree as pieces of MathML: the terms of its outermost sum."""
        return [_math(piece) for piece in terms(mathml_content(node, shown, marks))]

    def symbols(self, node: Node) -> Markup:
        """Return a tree in one piece, without numbers in it."""
        return _math(mathml_content(node))

    def words(self, words: str) -> Markup:
        """Return words with the addresses among them as formulas have them."""
        return Markup("").join(map(self._piece, self.showing.pieces(words)))

    def _piece(self, piece: Piece) -> Markup:
        if piece.formula is not None:
            return self.stated(piece.formula)
        if piece.is_name:
            return _math(self._name(piece.text), display=False)
        return _SLOPE_MATHML.join(map(escape, piece.text.split(SLOPE)))

    def stated(self, given: Stated, *, display: bool = False) -> Markup:
        """Return a formula among words; the addresses in it have the names of the notation, and light as everywhere."""
        found = {name for side in given.sides for name in side_names(side) if address_of(name) is not None}
        shown = {**given.names, **{name: self.showing.written(name) for name in found}}

        def marks(name: str) -> dict[str, str]:
            return _marks(name, None, "") if name in found else {}

        written = sides_mathml(given, shown, marks)
        if display:
            return _math(written)
        return Markup("<wbr>").join(Markup(f"<math>{piece}</math>") for piece in loose(written))

    def name(self, name: str, value: float | None = None, part: str = "") -> Markup:
        """Return a symbol by its name."""
        return _math(self._name(name, value, part))

    def _name(self, name: str, value: float | None = None, part: str = "") -> str:
        shown = {name: self.showing.written(name)}
        return mathml_content(Symbol(name), shown, lambda _: _marks(name, value, part))

    def number(self, name: str, value: float) -> Markup:
        """Return a number, of an address where there is one."""
        return _math(self._number(name, value))

    def result(self, line: Line, name: str, engine: float | None, part: str) -> Markup:
        """Return a line's result, of a name where there is one; ``engine`` is the engine's number at its address."""
        marks = _marks(name, line.result, part) | (
            {} if engine is None else {"data-engine": repr(float(engine))}
        )
        return _math(mathml_content(Symbol(name), {name: self.showing.result(line)}, lambda _: marks))

    def _number(self, name: str, value: float) -> str:
        return mathml_content(
            Symbol(name), {name: self.showing.number(value)}, lambda _: _marks(name, value, "")
        )

    def matrix(self, matrix: Matrix) -> Markup:
        """Return a matrix in brackets, every number with its address; dots stand for what isn't shown."""
        rows = []
        for i, row in enumerate(matrix.rows):
            cells = [
                f"<mtd>{self._number(element_name(matrix, i, j), value)}</mtd>" for j, value in enumerate(row)
            ]
            if matrix.shape[-1] > len(row):
                cells.append("<mtd><mo>⋯</mo></mtd>")
            rows.append(f"<mtr>{''.join(cells)}</mtr>")
        if len(matrix.shape) > 1 and matrix.shape[0] > len(matrix.rows):
            rows.append("<mtr><mtd><mo>⋮</mo></mtd></mtr>")
        table = f"<mtable>{''.join(rows)}</mtable>"
        return _math(f'<mrow><mo form="prefix">[</mo>{table}<mo form="postfix">]</mo></mrow>')


def element_name(matrix: Matrix, i: int, j: int) -> str:
    """Return the address of a number of a whole array, from its row and column (from 0); empty where it has none.

    Arrays of one dimension are shown as one row, and so are the numbers of a single table row.
    """
    place = address_of(matrix.address)
    if place is None or place.index:
        return ""
    base, at, qualifiers = matrix.address.partition("@")
    if matrix.columns:
        i, j = j, i
    if place.quantity.place == "weight":
        return f"{base}[{i + 1},{j + 1}]{at}{qualifiers}"
    return f"{base}[{j + 1}]{at}{qualifiers}" if _is_vector(matrix) else ""


def _is_vector(matrix: Matrix) -> bool:
    return (len(matrix.rows[0]) if matrix.columns and matrix.rows else len(matrix.rows)) == 1


WIDE = 48
"""The signs from which on brackets and fractions around a sum may be broken with it."""


def terms(content: str) -> list[str]:
    """Return one MathML element as pieces between which a line may break: before the signs of its outermost sum.

    Where it is wide, a sum in brackets or above a fraction's bar is broken too; the fraction is then written (…)/n.

    >>> terms("<mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow>")
    ['<mi>a</mi>', '<mrow><mo lspace="0" rspace="0.25em">+</mo><mi>b</mi></mrow>']
    """
    found = _pieces(ElementTree.fromstring(content))
    return [piece[0] if len(piece) == 1 else f"<mrow>{''.join(piece)}</mrow>" for piece in found]


def _pieces(element: ElementTree.Element) -> list[list[str]]:
    """Return the pieces of an element, each as elements side by side."""
    if element.attrib:
        return [[_xml(element)]]
    inner = list(element) if element.tag == "mrow" else []
    signs = [child.text if child.tag == "mo" else "" for child in inner]
    if signs[1:] in (["+", ""], ["−", ""]):
        # At the beginning of an element a sign would be set close, as that of a number.
        right = _pieces(inner[2])
        right[0].insert(0, f'<mo lspace="0" rspace="0.25em">{signs[1]}</mo>')
        return [*_pieces(inner[0]), *right]
    if len("".join(element.itertext())) < WIDE:
        return [[_xml(element)]]
    if signs == ["−", ""]:
        return _surrounded(_pieces(inner[1]), [_xml(inner[0])], [])
    if signs[1:] == ["·", ""]:
        left, right = _pieces(inner[0]), _pieces(inner[2])
        return [*left[:-1], [*left[-1], _xml(inner[1]), *right[0]], *right[1:]]
    if signs == ["(", "", ")"]:
        body = _pieces(inner[1])
        return _surrounded(body, [_OPENING], [_CLOSING]) if len(body) > 1 else [[_xml(element)]]
    if element.tag == "mfrac":
        above = _pieces(element[0])
        if len(above) > 1:
            below = _xml(element[1])
            is_one = element[1].tag in ("mn", "mi") or bool(element[1].attrib)
            under = [below] if is_one else [_OPENING, below, _CLOSING]
            return _surrounded(above, [_OPENING], [_CLOSING, "<mo>/</mo>", *under])
    return [[_xml(element)]]


SHORT = 24
"""The most signs of a formula among words that are kept on one line."""

_BREAKS = frozenset("=←≤≥<>≈+−·×") | {":="}


def loose(content: str) -> list[str]:
    """Return one MathML element among words as pieces between which a line may break: before the signs of its sides and terms.

    A short one is a single piece.
    """
    root = ElementTree.fromstring(content)
    if len("".join(root.itertext())) <= SHORT:
        return [content]
    return [piece[0] if len(piece) == 1 else f"<mrow>{''.join(piece)}</mrow>" for piece in _loosened(root)]


def _loosened(element: ElementTree.Element) -> list[list[str]]:
    inner = list(element) if element.tag == "mrow" and not element.attrib else []
    signs = [child.text if child.tag == "mo" else None for child in inner]
    if len(inner) < 2 or "(" in signs or "[" in signs or "|" in signs:
        return [[_xml(element)]]
    if len(inner) == 2 and signs[0] == "−":
        first, *others = _loosened(inner[1])
        return [[_xml(inner[0]), *first], *others]
    if len(inner) % 2 == 0 or not all(sign in _BREAKS for sign in signs[1::2]):
        return [[_xml(element)]]
    found = _loosened(inner[0])
    for sign, side in zip(inner[1::2], inner[2::2], strict=True):
        first, *others = _loosened(side)
        found += [[f'<mo form="infix">{escape(sign.text or "")}</mo>', *first], *others]
    return found


_OPENING = '<mo form="prefix" stretchy="false">(</mo>'
_CLOSING = '<mo form="postfix" stretchy="false">)</mo>'


def _surrounded(pieces: list[list[str]], before: list[str], after: list[str]) -> list[list[str]]:
    pieces[0] = [*before, *pieces[0]]
    pieces[-1] = [*pieces[-1], *after]
    return pieces


def _marks(name: str, value: float | None, part: str) -> dict[str, str]:
    if address_of(name) is not None:
        marks = {"data-address": name}
    else:
        marks = {"data-name": name, "data-in": part} if name and part else {}
    return marks if value is None else {**marks, "data-value": repr(float(value))}


def _math(content: str, *, display: bool = True) -> Markup:
    # Everything in it comes from `mathml_content`, which escapes names and numbers.
    return Markup(f'<math displaystyle="true">{content}</math>' if display else f"<math>{content}</math>")


def _xml(element: ElementTree.Element) -> str:
    """Return an element, its signs that aren't printed, of products and functions, as references: `visible` spells others out.

    It is what ElementTree.tostring writes, of elements without namespaces, in a fifth of the time.
    """
    return _written(element).replace("\u2061", "&#x2061;").replace("\u2062", "&#x2062;")


def _written(element: ElementTree.Element) -> str:
    marks = "".join([f' {name}="{_quoted(value)}"' for name, value in element.attrib.items()])
    inner = "".join([f"{_written(child)}{_text(child.tail)}" for child in element])
    return f"<{element.tag}{marks}>{_text(element.text)}{inner}</{element.tag}>"


def _text(text: str | None) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") if text else ""


def _quoted(text: str) -> str:
    return (
        _text(text)
        .replace('"', "&quot;")
        .replace("\r", "&#13;")
        .replace("\n", "&#10;")
        .replace("\t", "&#09;")
    )
