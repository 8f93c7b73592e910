"""Lines as MathML in which every number and symbol carries its address, its value, and room to break long sums."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from xml.etree import ElementTree

from markupsafe import Markup

from chainrule.equations.formula import Node, Number, Symbol
from chainrule.equations.render import Attributes, Substitute, mathml_content
from chainrule.explain.lines import Line, Matrix
from chainrule.explain.showing import Showing, address_of


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
        shown: list[Substitute] = [self.showing.names(line)]
        if line.values and not isinstance(line.symbols, Symbol):
            shown.append(line.numbers(self.showing.number))
        return [self.formula(line.symbols, substitute, marks) for substitute in shown]

    def formula(
        self, node: Node, shown: Substitute | None = None, marks: Attributes | None = None
    ) -> list[Markup]:
        """Return a tree as pieces of MathML: the terms of its outermost sum."""
        return [_math(piece) for piece in terms(mathml_content(node, shown, marks))]

    def name(self, name: str, value: float | None = None, part: str = "") -> Markup:
        """Return a symbol by its name."""
        shown = {name: self.showing.name(name)}
        return _math(mathml_content(Symbol(name), shown, lambda _: _marks(name, value, part)))

    def number(self, name: str, value: float, engine: float | None = None, part: str = "") -> Markup:
        """Return a number, of an address where there is one."""
        marks = _marks(name, value, part) | ({} if engine is None else {"data-engine": repr(float(engine))})
        return _math(mathml_content(Symbol(name), {name: self.showing.number(value)}, lambda _: marks))

    def matrix(self, matrix: Matrix) -> Markup:
        """Return a matrix in brackets, every number with its address; dots stand for what isn't shown."""
        rows = []
        for i, row in enumerate(matrix.rows):
            cells = [
                f"<mtd>{_content(self.number(element_name(matrix, i, j), value))}</mtd>"
                for j, value in enumerate(row)
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
    if place.quantity.place == "weight":
        return f"{base}[{i + 1},{j + 1}]{at}{qualifiers}"
    return f"{base}[{j + 1}]{at}{qualifiers}" if len(matrix.rows) == 1 else ""


def terms(content: str) -> list[str]:
    """Return the terms of the outermost sum of one MathML element, each but the first with its sign before it.

    >>> terms("<mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow>")
    ['<mi>a</mi>', '<mrow><mo lspace="0" rspace="0.25em">+</mo><mi>b</mi></mrow>']
    """
    element = ElementTree.fromstring(content)
    pieces: list[str] = []
    while (
        element.tag == "mrow" and len(element) == 3 and not element.attrib and element[1].text in ("+", "−")
    ):
        left, sign, right = element
        # At the beginning of an element it would be set close, as the sign of a number.
        pieces.append(f'<mrow><mo lspace="0" rspace="0.25em">{sign.text}</mo>{_xml(right)}</mrow>')
        element = left
    return [_xml(element), *reversed(pieces)]


def _marks(name: str, value: float | None, part: str) -> dict[str, str]:
    if address_of(name) is not None:
        marks = {"data-address": name}
    else:
        marks = {"data-name": name, "data-in": part} if name and part else {}
    return marks if value is None else {**marks, "data-value": repr(float(value))}


def _math(content: str) -> Markup:
    # Everything in it comes from `mathml_content`, which escapes names and numbers.
    return Markup(f'<math displaystyle="true">{content}</math>')


def _content(math: Markup) -> str:
    return str(math).removeprefix('<math displaystyle="true">').removesuffix("</math>")


def _xml(element: ElementTree.Element) -> str:
    return ElementTree.tostring(element, encoding="unicode", short_empty_elements=False)
