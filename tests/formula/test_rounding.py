"""Values with a bound on their rounding error, judged by mpmath."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.equations.activations import ACTIVATIONS
from chainrule.formula.parse import parse
from chainrule.formula.rounding import UNIT, evaluate_rounded
from judges import exact

FORMULAS = [
    *(record.text for record in ACTIVATIONS.values() if record.elementwise and not record.parameters),
    "(1 + z) - 1",
    "(z - 1)^3/(z^2 + 1) - z",
    "sqrt(abs(z))*tanh(z)",
    "1 - z*exp(-z)/3",
]


@pytest.mark.parametrize("formula", FORMULAS)
@given(z=st.floats(-30, 30))
def test_the_exact_value_is_within_the_bound(formula, z):
    value, bound = evaluate_rounded(parse(formula).root, {"z": z})
    judge = exact(formula, "z").limit(z)
    # The judge is rounded as well, to the nearest number.
    assert abs(value - judge) <= bound * 1.01 + UNIT * abs(judge) + 1e-300


@given(st.floats(0.1, 10), st.floats(0.1, 10), st.floats(-1e-3, 1e-3))
def test_errors_of_the_symbols_are_passed_on(x, y, e):
    root = parse("x^y*log(x) - x/y").root
    value, bound = evaluate_rounded(root, {"x": x, "y": y}, {"x": abs(e)})
    moved, _ = evaluate_rounded(root, {"x": x + e, "y": y})
    with mpmath.workdps(30):
        curve = abs(mpmath.diff(lambda t: t**y * mpmath.log(t) - t / y, x, 2))
    assert abs(moved - value) <= bound + float(curve) * e * e + 1e-12 * (1 + abs(value))


@pytest.mark.parametrize(
    ("formula", "values", "value", "bound"),
    [
        ("x", {"x": 0.1}, 0.1, 0),
        ("-x", {"x": 0.1}, -0.1, 0),
        ("2*x", {"x": 3.0}, 6.0, 6 * UNIT),
        ("max(x, y)", {"x": 1.0, "y": 2.0}, 2.0, 0),
        ("where(x > y, x, y)", {"x": 1.0, "y": 2.0}, 2.0, 0),
        ("x/y", {"x": 1.0, "y": 0.0}, math.inf, math.inf),
    ],
)
def test_by_hand(formula, values, value, bound):
    found = evaluate_rounded(parse(formula).root, values)
    assert found.value == value
    assert found.bound == bound


def test_a_lost_digit_is_in_the_bound():
    # 1 - tanh(z)^2 at z = 15 is 1.1e-13 in floats only to 0.1 %.
    value, bound = evaluate_rounded(parse("1 - tanh(z)^2").root, {"z": 15.0})
    true = float(4 * np.exp(-30) / (1 + np.exp(-30)) ** 2)
    assert abs(value - true) <= bound
    assert 1e-4 < bound / true < 1e-1
