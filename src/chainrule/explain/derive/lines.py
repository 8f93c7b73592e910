"""The data model of an explanation: a `Derivation` is titled lines, each with symbols, numbers, result and check.

A line's right side is a tree of `formula.nodes` whose symbols are addresses. The same tree shows the numbers:
``values`` has the number of every symbol, and `formula.text`, `latex` and `mathml` put them in its place, so every number
on a page keeps its address. Nothing here computes anything of a network; `derivation.derive` fills it in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Annotated, TypeAlias

from chainrule._notebook import Shown
from chainrule._numbers import number_text
from chainrule._plain import IF_SET, AnyNumber, Form, Plain, made_by
from chainrule.explain.derive.grid import Grid
from chainrule.formula.nodes import Binary, Node, Symbol
from chainrule.formula.plain import tree_from_data, tree_to_data
from chainrule.formula.rounding import evaluate_rounded
from chainrule.formula.text import text

Tree: TypeAlias = Annotated[Node, Form(tree_to_data, made_by(tree_from_data))]
"""A formula's tree, in plain data as `tree_to_data` writes it."""


@dataclass(frozen=True)
class LineCheck(Plain):
    """A line's result beside the engine's number at the same address.

    ``tolerance`` is what rounding can make of it: a bound worked out along the line's own arithmetic.
    ``against`` says in words what ``value`` is. ``exact`` is for lines by hand: ``value`` with the digits of the result,
    where that is another number than the result.
    """

    value: AnyNumber
    difference: AnyNumber
    tolerance: AnyNumber
    ok: bool
    against: str = "engine"
    exact: Annotated[str, IF_SET] = ""

    @property
    def words(self) -> str:
        """What there is to say of a result that is wrong, or by hand not the exact one; empty for a tick alone."""
        off = number_text(self.difference, 2)
        if not self.ok:
            explained = number_text(self.tolerance, 2)
            found = f"{self.against} says {number_text(self.value, 17)}"
            return f"{found}: off by {off}, and rounding explains {explained}"
        return f"exactly {self.exact}, off by {off} through rounding" if self.exact else ""


@dataclass(frozen=True)
class Instances(Plain):
    """A line of symbols put to the test with numbers: on ``count`` instances, of which ``wrong`` did not come out.

    ``difference`` is the largest between the two sides, as a share of 1 and the side's size, ``tolerance`` what is let
    pass; ``against`` says in words what the other side is.
    """

    count: int
    wrong: int
    difference: AnyNumber
    tolerance: AnyNumber
    against: str

    @property
    def ok(self) -> bool:
        """Whether there were instances, and all came out."""
        return self.count > 0 and self.wrong == 0

    @property
    def words(self) -> str:
        """How many instances, or how many of them went wrong."""
        if self.ok:
            return f"{self.count:,} instances"
        off = f", by up to {number_text(self.difference, 2)}" if math.isfinite(self.difference) else ""
        return f"{self.wrong:,} of {self.count:,} instances differ from {self.against}{off}"


class _Written:
    """What has a formula."""

    symbols: Tree

    @property
    def text(self) -> str:
        """The tree as text."""
        return text(self.symbols)


@dataclass(frozen=True)
class Line(
    _Written,
    Plain,
    names=("rule", "address", "label", "symbols", "text", "values", "result", "shown", "check", "note"),
):
    """One line: the rule in words · ``address`` = symbols · = numbers · = result · check.

    ``symbols`` is the right side; ``values`` gives the number of each of its symbols by name. A name is an address,
    or ``rest``, ``rest_2``, …: an exact sum of terms that are not shown one by one, which ``note`` describes.
    ``address`` is empty where the result is no number of the network (a path's product, a predicted change); ``label``
    then says what it is. ``check`` is None where there is nothing to compare with. ``shown`` is there by hand: how each
    of the values is written, and by ``left`` the result.
    """

    rule: str
    address: str
    symbols: Tree
    values: Mapping[str, AnyNumber]
    result: AnyNumber
    check: LineCheck | None = None
    note: str = ""
    label: str = ""
    shown: Annotated[Mapping[str, str], IF_SET] = field(default_factory=dict)

    @property
    def left(self) -> str:
        """What stands left of the equals sign: the address, or else the label."""
        return self.address or self.label

    def numbers(self, show: Callable[[float], str] | None = None) -> dict[str, str | float]:
        """Return each symbol's number for the renderers' ``substitute``, as text where ``show`` or hand mode rounds it."""
        values = {name: value if show is None else show(value) for name, value in self.values.items()}
        return {**values, **{name: self.shown[name] for name in self.shown if name in values}}

    def products(self) -> tuple[Node, dict[str, float]] | None:
        """Return a sum that has a ``rest`` with each product in it worked out: a tree, and the number of each of its symbols.

        None for other lines, and by hand, where products are rounded.
        """
        if "rest" not in self.values or self.shown:
            return None
        terms: list[Node] = []
        node = self.symbols
        while isinstance(node, Binary) and node.op == "+":
            terms.append(node.right)
            node = node.left
        terms.append(node)
        worked: list[Node] = []
        numbers: dict[str, float] = {}
        for term in reversed(terms):
            name = f"p_{len(worked) + 1}"
            numbers[name] = evaluate_rounded(term, self.values).value
            worked.append(Symbol(name))
        return reduce(lambda left, right: Binary("+", left, right), worked), numbers


@dataclass(frozen=True)
class Matrix(Plain):
    """A whole array on a page: its address, its shape, and its numbers by rows, or a corner of them.

    ``rows`` holds at most `MOST_SHOWN` rows and columns; ``is_whole`` tells whether that is all. With ``columns`` it is
    the transpose of the array at the address.
    """

    address: str
    shape: tuple[int, ...]
    rows: tuple[tuple[AnyNumber, ...], ...]
    columns: Annotated[bool, IF_SET] = False

    @property
    def is_whole(self) -> bool:
        """Whether all numbers are among ``rows``."""
        return sum(len(row) for row in self.rows) == math.prod(self.shape)


MOST_SHOWN = 8
"""The most rows and columns of a matrix that are kept for showing."""


@dataclass(frozen=True)
class MatrixLine(
    _Written, Plain, names=("rule", "address", "symbols", "text", "operands", "result", "check", "note")
):
    """One line of matrix algebra: the rule, ``address`` = product, the shapes, the arrays, and a check.

    ``symbols`` is a tree with ``Binary("@", …)`` for the matrix product, ``Binary("⊙", …)`` for the product number by
    number, ``Call("transpose", …)``, and ``Call("sum", …)`` over the first axis, the rows; its symbols are names of
    ``operands``. `formula.text`, `latex` and `mathml` know them all.
    """

    rule: str
    address: str
    symbols: Tree
    operands: Mapping[str, Matrix]
    result: Matrix
    check: LineCheck | None = None
    note: str = ""

    @property
    def shapes(self) -> str:
        """The shapes in words: ``(4, 1) = (4, 1) (1, 1)``."""
        inner = " · ".join(f"{name} {_shape(matrix.shape)}" for name, matrix in self.operands.items())
        return f"{self.address} {_shape(self.result.shape)} from {inner}"


@dataclass(frozen=True)
class RuleLine(_Written, Plain, names=("rule", "symbols", "text", "law", "convention", "check")):
    """One line of calculus, as in the derivation of f': the rule, the whole expression after it, the rule in general.

    ``symbols`` may hold ``Derivative`` nodes, parts not yet differentiated; ``convention`` says what is agreed where
    no derivative exists. ``check`` is there where the line was put to the test.
    """

    rule: str
    symbols: Tree
    law: str = ""
    convention: str = ""
    check: Annotated[Instances | None, IF_SET] = None


@dataclass(frozen=True)
class Range(Plain):
    """An index of a statement, and the first and last number that it stands for."""

    index: str
    first: Tree
    last: Tree


@dataclass(frozen=True)
class Shaped(Plain):
    """A whole array of a statement, and its numbers of rows and columns in symbols."""

    array: Tree
    rows: Tree
    columns: Tree


@dataclass(frozen=True)
class Statement(Plain, names=("rule", "left", "sides", "text", "ranges", "shapes", "why", "check")):
    """An equation in indexed symbols, true of networks of any size: ``left`` = each of ``sides``, in all ``ranges``.

    The trees hold `Indexed` and `AppliedLetter`, `SumOver` an index and `PartialDerivative`. ``shapes`` are those of the whole
    arrays in a line of matrices. ``why`` justifies the step; ``check`` says on how many numbers it held.
    """

    rule: str
    left: Tree
    sides: tuple[Tree, ...]
    ranges: tuple[Range, ...] = ()
    shapes: tuple[Shaped, ...] = ()
    why: str = ""
    check: Annotated[Instances | None, IF_SET] = None

    @property
    def text(self) -> str:
        """The equation as text."""
        return " = ".join(text(side) for side in (self.left, *self.sides))


@dataclass(frozen=True)
class Factor(Plain):
    """One factor of a product: its address, value, and what it is in words; ``blame`` if it is the guilty one."""

    address: str
    value: AnyNumber
    words: str
    blame: str = ""


@dataclass(frozen=True)
class Derivation(Shown, Plain, names=(..., "ok")):
    """How one number comes about: ``address`` = ``result``, by ``lines`` in the order of the calculation.

    What follows the lines is there where it helps; ``parts`` are derivations of their own that a page may fold away;
    ``notes`` are sentences; ``hand`` states the rounding where lines are rounded as on paper; ``statements`` hold for
    networks of any size. A text shows what is ``folded`` by its title alone.
    """

    _shown_by = "chainrule.explain.show.notebook:derivation"

    address: str
    title: str
    lines: tuple[Line, ...] = ()
    matrices: tuple[MatrixLine, ...] = ()
    calculus: tuple[RuleLine, ...] = ()
    factors: tuple[Factor, ...] = ()
    grids: tuple[Grid, ...] = ()
    parts: tuple[Derivation, ...] = ()
    notes: tuple[str, ...] = ()
    hand: str = ""
    statements: Annotated[tuple[Statement, ...], IF_SET] = ()
    folded: Annotated[bool, IF_SET] = False

    @property
    def result(self) -> float:
        """The result of the last line; NaN without lines."""
        return self.lines[-1].result if self.lines else math.nan

    @property
    def ok(self) -> bool:
        """Whether every check in it and its parts holds."""
        return all(check.ok for check in self.checks)

    @property
    def checks(self) -> tuple[LineCheck | Instances, ...]:
        """All checks of its lines, matrices, rules and parts."""
        of_numbers = (*(line.check for line in self.lines), *(line.check for line in self.matrices))
        of_symbols = (*(line.check for line in self.calculus), *(line.check for line in self.statements))
        own = (*of_numbers, *of_symbols)
        inner = (check for part in self.parts for check in part.checks)
        return (*(check for check in own if check is not None), *inner)


def _shape(shape: Sequence[int]) -> str:
    return f"({', '.join(str(size) for size in shape)})"
