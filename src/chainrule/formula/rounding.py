"""The value of a formula at single numbers, with a bound on what rounding made of it.

The bound is a running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.3): every
operation passes on the errors of its operands to first order and adds its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from chainrule.formula.differentiate import outer_derivative
from chainrule.formula.evaluate import Formula, apply_to_numbers
from chainrule.formula.nodes import Binary, Call, Compare, Negate, Node, Symbol

UNIT = 2.0**-53
"""The unit roundoff of float64."""

OF_A_FUNCTION = 4.0
"""The relative error, in units, that exp, log, tanh and their like are granted."""


class Rounded(NamedTuple):
    """A number, and how far it may be from the exact result of the formula at the same values."""

    value: float
    bound: float


def evaluate_rounded(
    root: Node, values: Mapping[str, float], errors: Mapping[str, float] | None = None
) -> Rounded:
    """Return a formula's value at numbers, with its rounding error's bound to first order.

    ``values``: the number of each symbol by name; ``errors``: how far they may be off, exact where not named.

    >>> from chainrule.formula.parse import parse
    >>> value, bound = evaluate_rounded(parse("(1 + x) - 1").root, {"x": 1e-16})
    >>> value, 1e-16 < bound < 1e-15
    (0.0, True)
    """
    with np.errstate(all="ignore"):
        return _evaluate(root, values, errors or {})


def _evaluate(node: Node, values: Mapping[str, float], errors: Mapping[str, float]) -> Rounded:
    match node:
        case Symbol(name):
            return Rounded(float(values[name]), errors.get(name, 0.0))
        case Negate(operand):
            inner = _evaluate(operand, values, errors)
            return Rounded(-inner.value, inner.bound)
        case Binary(op, left, right):
            return _binary(node, op, _evaluate(left, values, errors), _evaluate(right, values, errors))
        case Call("where", (Compare(_, left, right) as condition, chosen, other)):
            sides = [_evaluate(left, values, errors).value, _evaluate(right, values, errors).value]
            return _evaluate(chosen if apply_to_numbers(condition, sides) else other, values, errors)
        case Call(name, args):
            inside = [_evaluate(arg, values, errors) for arg in args]
            value = float(apply_to_numbers(node, [arg.value for arg in inside]))
            if len(inside) > 1:  # max and min pass on the error of either
                return Rounded(value, max(arg.bound for arg in inside))
            (u,) = inside
            slope = float(Formula("", outer_derivative(name)).evaluate({"u": u.value}, np))
            passed = abs(slope) * u.bound if u.bound else 0.0
            return Rounded(value, _finite(passed) + OF_A_FUNCTION * UNIT * abs(value))
    return Rounded(float(apply_to_numbers(node, [])), 0.0)


def _binary(node: Node, op: str, left: Rounded, right: Rounded) -> Rounded:
    value = float(apply_to_numbers(node, [left.value, right.value]))
    a, b = abs(left.value), abs(right.value)
    match op:
        case "+" | "-":
            passed = left.bound + right.bound
        case "*":
            passed = a * right.bound + b * left.bound
        case "/":
            passed = (left.bound + abs(value) * right.bound) / b if b else 0.0
        case _:
            passed = abs(value) * (b * left.bound / a if a else 0.0)
            passed += abs(value) * (abs(math.log(a)) * right.bound if a else 0.0)
    own = UNIT if op != "^" else OF_A_FUNCTION * UNIT
    return Rounded(value, _finite(passed) + own * abs(value))


def _finite(bound: float) -> float:
    return bound if math.isfinite(bound) else 0.0
