"""Hand mode: every line rounded as on paper, and the next line worked out from the rounded number.

Nothing is binary here: a line takes the numbers as they are written, works them out exactly, and rounds half up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal
from fractions import Fraction

from chainrule._doors import setting
from chainrule._numbers import DIGITS, LONGEST_WHOLE, number_text
from chainrule.errors import SettingsError
from chainrule.formula.nodes import Node

TICKS = "✓: the exact number is the same to the digits shown; where it isn't, it stands there, with what rounding made of it."
"""What the marks beside lines by hand mean."""


@dataclass(frozen=True)
class Hand:
    """How a line is rounded: activations to ``places`` decimal places, all else to one significant digit more.

    That is how worked examples on paper do it: with 2, the activation 0.5744… is written 0.57, and its product with
    0.4 stays 0.228. A tie goes up, below 0 down (half away from zero), and zeros at the end stay.

    >>> Hand(2).written(0.57444, is_activation=True), Hand(2).written(-0.0026549), Hand(2).written(0.3)
    ('0.57', '-0.00265', '0.300')
    >>> Hand(2).written(Fraction("0.2475")), Hand(3).written(Fraction("-0.0014405"))
    ('0.248', '-0.001441')
    """

    places: int

    def __post_init__(self) -> None:
        if isinstance(self.places, bool) or not isinstance(self.places, int) or not 1 <= self.places <= 15:
            raise SettingsError(
                f"{setting('hand')} {self.places!r} must be a whole number of digits from 1 to 15, such as 2"
            )

    def written(self, value: Fraction | float, *, is_activation: bool = False) -> str:
        """Return a number that was worked out as it is written down; a float stands for its shortest decimals."""
        if isinstance(value, float):
            if not math.isfinite(value):
                return str(value)
            value = Fraction(repr(float(value)))
        if is_activation:
            return f"{_decimal(value, -self.places):f}"
        if value == 0:
            return "0"
        made = _significant(value, self.places + 1)
        if -5 < made.adjusted() < LONGEST_WHOLE:
            return f"{made:f}"
        return f"{made.scaleb(-made.adjusted()):f}e{made.adjusted()}"

    def given(self, value: float) -> str:
        """Return a number that was given as it is written down: with six digits at most, or as many as others have."""
        if value == 0 or not math.isfinite(value):
            return number_text(value)
        exact = Fraction(repr(float(value)))
        whole = _power_of_ten(exact) + 1
        digits = max(DIGITS, self.places + 1, whole if whole <= LONGEST_WHOLE else 0)
        return number_text(float(_significant(exact, digits)), digits)

    def worked(self, node: Node, written: Mapping[str, str]) -> Fraction | None:
        """Return what a tree comes to exactly from numbers as they are written; None where that isn't finite."""
        from chainrule.explain.derive.exact import exact_value

        try:
            return exact_value(node, {name: Fraction(text) for name, text in written.items()})
        except ValueError:  # one of them is inf or nan
            return None

    def error(self, written: str, *, is_activation: bool = False) -> float:
        """Return the most that rounding a number can have changed it: half a unit of its last digit."""
        value = Decimal(written)
        if is_activation:
            return 0.5 * 10.0**-self.places
        return 0.5 * 10.0 ** (value.adjusted() - self.places) if value.is_finite() and value else 0.0

    def __str__(self) -> str:
        places = f"{self.places} decimal place{'s' * (self.places > 1)}"
        return (
            f"Rounded as by hand: an activation to {places}, every other line to {self.places + 1} significant digits, "
            "halves up (away from zero); each line is worked out from the numbers as they are shown."
        )


_DOWN = Context(prec=1, rounding=ROUND_DOWN)


def _power_of_ten(value: Fraction) -> int:
    """Return the power of ten of a number's first digit."""
    return _DOWN.divide(Decimal(value.numerator), Decimal(value.denominator)).adjusted()


def _significant(value: Fraction, digits: int) -> Decimal:
    """Return a number with so many significant digits."""
    power = _power_of_ten(value)
    made = _decimal(value, power + 1 - digits)
    return made if made.adjusted() == power else _decimal(value, power + 2 - digits)  # 9.996 becomes 10.00


def _decimal(value: Fraction, power: int) -> Decimal:
    """Return a number as a whole multiple of a power of ten, a tie away from zero."""
    units = math.floor(abs(value) / Fraction(10) ** power + Fraction(1, 2))
    return Decimal((int(value < 0 and units > 0), tuple(map(int, str(units))), power))
