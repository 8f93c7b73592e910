"""Ticks stand where they help, and are written so that they can be read."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.plots.axes import Axis, names_axis
from chainrule.plots.ticks import linear_ticks, short_number, tick_texts, ticks

ENDS = st.floats(-1e9, 1e9, allow_nan=False).filter(lambda v: v == 0 or abs(v) > 1e-9)


@given(ENDS, st.floats(1e-6, 1e9), st.integers(2, 12))
def test_linear_ticks_are_inside_rising_even_and_not_too_many(low, width, most):
    high = low + width
    if high - low < 1e-7 * max(abs(low), abs(high)):  # no room for two round numbers between two floats
        return
    found = linear_ticks(low, high, most)
    assert all(low <= tick <= high for tick in found)
    assert len(found) >= 2
    steps = [b - a for a, b in itertools.pairwise(found)]
    assert all(step > 0 for step in steps)
    assert max(steps) - min(steps) <= 1e-6 * max(steps) + 1e-7 * max(abs(low), abs(high))
    # More than asked for only where fewer than two would be left: from a step of 5 to one of 2 there may be five.
    assert len(found) <= max(most, 5)


@given(st.floats(-1e5, 1e5), st.floats(1e-2, 1e6), st.integers(2, 12))
def test_a_step_is_1_2_or_5_times_a_power_of_ten(low, width, most):
    found = linear_ticks(low, low + width, most)
    step = min(b - a for a, b in itertools.pairwise(found))
    mantissa = step / 10.0 ** math.floor(math.log10(step) + 1e-6)
    assert min(abs(mantissa - digit) for digit in (1, 2, 5, 10)) < 1e-3


@given(st.floats(-12, 12), st.floats(0.2, 12), st.integers(2, 9))
def test_ticks_of_a_logarithmic_axis(power, decades, most):
    axis = Axis(10.0**power, 10.0 ** (power + decades), scale="log")
    found = ticks(axis, most)
    assert list(found) == sorted(set(found))
    assert len(found) >= 2 or decades > 1
    assert all(axis.low * (1 - 1e-9) <= tick <= axis.high * (1 + 1e-9) for tick in found)
    assert len(set(tick_texts(axis, found))) == len(found)


@given(st.floats(0.1, 1e4), st.floats(0.1, 1e4), st.integers(3, 9))
def test_ticks_of_an_axis_of_both_signs(below, above, most):
    axis = Axis(-below, above, scale="symlog", threshold=1.0)
    found = ticks(axis, most)
    assert len(found) >= 2
    assert list(found) == sorted(set(found))
    assert all(-below <= tick <= above for tick in found)


@pytest.mark.parametrize(
    ("axis", "most", "texts"),
    [
        (Axis(0, 1), 4, ("0.0", "0.5", "1.0")),
        (Axis(-0.03, 0.97), 8, ("0.0", "0.2", "0.4", "0.6", "0.8")),
        (Axis(1, 4, whole=True), 9, ("1", "2", "3", "4")),
        (Axis(-20_000, 20_000), 3, ("−20 000", "0", "20 000")),
        (Axis(0, 9000), 4, ("0", "5000")),
        (Axis(0, 12_345_678), 4, ("0", "5×10⁶", "10×10⁶")),
        (Axis(1e-5, 3e-5), 3, ("1×10⁻⁵", "2×10⁻⁵", "3×10⁻⁵")),
        (Axis(0, 1, percent=True), 3, ("0 %", "50 %", "100 %")),
        (Axis(1, 1000, scale="log"), 6, ("1", "10", "100", "1000")),
        (Axis(1e-6, 1, scale="log"), 4, ("10⁻⁶", "10⁻⁴", "10⁻²", "10⁰")),
        (Axis(0.2, 3, scale="log"), 6, ("0.2", "0.5", "1", "2")),
        (Axis(-100, 1000, scale="symlog"), 8, ("−100", "−10", "−1", "0", "1", "10", "100", "1000")),
        (Axis(0, 2, ticks=(0, 2), texts=("none", "both")), 9, ("none", "both")),
        (names_axis(["a", "b"]), 2, ("a", "b")),
    ],
)
def test_what_is_written(axis, most, texts):
    assert tick_texts(axis, ticks(axis, most)) == tuple(text.replace(" ", "\u2009") for text in texts)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_short_number_is_the_number_to_its_digits(value):
    text = short_number(value).replace("−", "-").replace("\u2009", "")
    mantissa, _, power = text.partition("×10")
    powers = power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    read = float(mantissa) * 10.0 ** int(powers or 0) if abs(int(powers or 0)) < 300 else value
    assert read == pytest.approx(value, rel=5.1e-3)


def test_short_numbers_keep_the_zeros_of_what_is_not_exact():
    assert [short_number(v) for v in (0.15, 0.1500001, 100.0, 0.0, float("-inf"))] == [
        "0.15",
        "0.150",
        "100",
        "0",
        "−inf",
    ]
