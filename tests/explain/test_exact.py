"""Formulas at exact numbers: fractions stay fractions, functions are right to 40 digits where floats have lost all."""

import time
from fractions import Fraction

import mpmath
import pytest

from chainrule.explain.derive.exact import exact_value, mp
from chainrule.formula.parse import parse


def value(formula, **numbers):
    return exact_value(parse(formula).root, {name: Fraction(text) for name, text in numbers.items()})


@pytest.mark.parametrize(
    ("formula", "z", "right"),
    [
        ("0.1 + 0.2 - z", "0.3", "0"),
        ("z/3", "1", "1/3"),
        ("(z - 1)^3 * 0.5", "0.7", "-0.0135"),
        ("z^-2", "0.25", "16"),
        ("sqrt(z)", "0.0625", "0.25"),
        ("z^0.5 + z^1.5", "0.01", "0.101"),
        ("tanh(z) + exp(z) + erfc(z)", "0", "2"),
        ("z*log(z)", "0", "0"),
        ("max(z, 0.5) - min(z, 0.5)", "-1.5", "2"),
        ("where(z >= 0.3, z, 0.01*z)", "0.3", "0.3"),
        ("where(z > 0.3, z, 0.01*z)", "0.3", "0.003"),
        ("abs(z)/(1 + abs(z))*sign(z)", "-3", "-0.75"),
        ("tanh(z) - tanh(z)", "0.7", "0"),
        ("z - log(exp(z))", "0.7", "0"),
        ("floor(z)*step(z)", "2.5", "2"),
        ("exp(z)/(exp(z) + exp(z) + exp(z) + exp(z))", "0.3", "0.25"),
    ],
)
def test_what_is_rational_is_exact(formula, z, right):
    assert value(formula, z=z) == Fraction(right)


@pytest.mark.parametrize(
    ("formula", "z", "right"),
    [
        ("log(1 + exp(z))", "-300", lambda z: mpmath.log1p(mpmath.exp(z))),
        ("1 - tanh(z)^2", "150", lambda z: mpmath.sech(z) ** 2),
        ("z/2*erfc(-z/sqrt(2))", "-16.25", lambda z: z / 2 * mpmath.erfc(-z / mpmath.sqrt(2))),
        ("cos(2*pi*z)", "0.25000001", lambda z: mpmath.cos(2 * mpmath.pi * z)),
        ("expm1(z)", "1e-30", mpmath.expm1),
        ("1/(1 + exp(-z))", "-1e4", lambda z: 1 / (1 + mpmath.exp(-z))),
    ],
)
def test_no_digit_is_lost_in_a_difference(formula, z, right):
    with mpmath.workdps(1000):
        wanted = right(mpmath.mpf(z))
        found = value(formula, z=z)
        assert abs(mpmath.mpf(found.numerator) / found.denominator / wanted - 1) < mpmath.mpf("1e-38")
    assert mp.dps == 50


@pytest.mark.parametrize(
    ("formula", "z"),
    [("1/z", "0"), ("log(z)", "0"), ("log(z)", "-1"), ("z^0.5", "-2"), ("exp(exp(z))", "30")],
)
def test_what_has_no_finite_real_value(formula, z):
    assert value(formula, z=z) is None


POWERS = {
    "((z^999)^999)^999 + z": lambda z: ((z**999) ** 999) ** 999 + z,
    "(1/z^997)^998*z": lambda z: (1 / z**997) ** 998 * z,
    "(z*z)^4000000": lambda z: (z * z) ** 4000000,
}


@pytest.mark.parametrize("formula", POWERS)
def test_powers_of_powers_end(formula):
    began = time.process_time()
    for z in ("1.0000000123", "0.999999", "1.5", "-0.5"):
        value(formula, z=z)
    assert time.process_time() - began < 100
    judge = mpmath.MPContext()
    judge.dps = 60
    right = POWERS[formula](judge.mpf("1.0000000123"))
    found = value(formula, z="1.0000000123")
    assert abs(judge.mpf(found.numerator) / found.denominator / right - 1) < judge.mpf("1e-35")
