"""Lines of calculus put to the test: the values of two trees at points, in arithmetic of 50 digits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from chainrule.explain.derive.exact import mp, mpf, one_at_a_time, precise_value
from chainrule.explain.derive.lines import Instances
from chainrule.formula.nodes import Derivative, Node, Symbol, children, with_children

POINTS = 12
"""The points at which a line is looked at; those where a formula has no real value are left out."""

NUMBERS = (
    "0.37",
    "-0.61",
    "1.3",
    "0.82",
    "-1.7",
    "2.4",
    "0.11",
    "-0.29",
    "0.53",
    "3.1",
    "-2.3",
    "0.94",
    "1.6",
)
"""Where symbols are put: inside and outside of (0, 1), of both signs, and no number at which a function has a kink.

They are as many as no other than 1 divides, so that a symbol's numbers are all different, and
at no point two symbols have the same.
"""

H = mpf(1e-15)
"""The step of central differences: with 50 digits their own error is about 1e-30."""

TOLERANCE = 1e-15
"""How far two lines may differ, as a share of 1 and their size: far above the differences' error, far below a mistake's."""


class Slope(NamedTuple):
    """A formula's difference quotients at a point: from the left, and from the right."""

    left: Any
    right: Any

    @property
    def middle(self) -> Any:
        """The central difference."""
        return (self.left + self.right) / 2

    @property
    def is_kink(self) -> bool:
        """Whether the two sides have slopes of their own, so that there is no derivative."""
        return bool(abs(self.left - self.right) > 1e-9 * (1 + abs(self.left) + abs(self.right)))


def sample_points(names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield `POINTS` points: for each name a number of `NUMBERS`, in other company at every turn."""
    for turn in range(POINTS):
        yield {
            name: mpf(NUMBERS[(turn + (turn + 1) * (place % POINTS)) % len(NUMBERS)])
            for place, name in enumerate(names)
        }


def slope_at(node: Node, symbol: str, values: Mapping[str, Any]) -> Slope | None:
    """Return the slopes of a tree by a symbol at a point, None where there is no real value around it."""
    found = [value_at(node, {**values, symbol: values[symbol] + step}) for step in (-H, mpf(0), H)]
    if any(value is None for value in found):
        return None
    low, middle, high = found
    return Slope((middle - low) / H, (high - middle) / H)


def value_at(node: Node, values: Mapping[str, Any]) -> Any:
    """Return a tree's value at a point, derivatives not yet taken as central differences; None where it has no real one.

    Numbers in a formula count as the decimals that they are written as.
    """
    known = dict(values)
    fresh = (f" {number}" for number in count())

    def plain(node: Node) -> Node | None:
        if isinstance(node, Derivative):
            slope = slope_at(node.operand, node.symbol, values)
            if slope is None or slope.is_kink:
                return None
            name = next(fresh)
            known[name] = slope.middle
            return Symbol(name)
        operands = [plain(child) for child in children(node)]
        if any(operand is None for operand in operands):
            return None
        return with_children(node, tuple(operand for operand in operands if operand is not None))

    tree = plain(node)
    if tree is None:
        return None
    try:
        found = mp.convert(precise_value(tree, known, lambda value: mpf(repr(float(value)))))
    except (ArithmeticError, ValueError):
        return None
    return found if isinstance(found, mpf) and mp.isfinite(found) else None


def compared(first: Node, second: Node, names: Sequence[str], fixed: Mapping[str, float]) -> Instances | None:
    """Return how two trees compare at points of the ``names``; ``fixed`` are parameters that keep their values.

    None where the first has no real value at any point.
    """
    differences = []
    constants = {name: mpf(repr(float(value))) for name, value in fixed.items()}
    with one_at_a_time:
        for values in sample_points(names):
            wanted = value_at(first, values | constants)
            if wanted is None:
                continue
            found = value_at(second, values | constants)
            off = mp.inf if found is None else abs(found - wanted) / (1 + abs(wanted))
            differences.append(float(off))
    if not differences:
        return None
    wrong = sum(not off <= TOLERANCE for off in differences)
    against = "the difference quotient" if isinstance(first, Derivative) else "the formula above"
    return Instances(len(differences), wrong, max(differences), TOLERANCE, against)
