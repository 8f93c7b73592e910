"""Hand mode: every line rounded as on paper, and the next line worked out from the rounded number."""

from __future__ import annotations

import math
from dataclasses import dataclass

from chainrule._doors import setting
from chainrule.errors import SettingsError


@dataclass(frozen=True)
class Hand:
    """How a line is rounded: activations to ``places`` decimal places, all else to one significant digit more.

    That is how worked examples on paper do it: with 2, the activation 0.5744… is written 0.57, and its product with
    0.4 stays 0.228.

    >>> Hand(2).rounded(0.57444, is_activation=True), Hand(2).rounded(-0.00265188)
    (0.57, -0.00265)
    """

    places: int

    def __post_init__(self) -> None:
        if isinstance(self.places, bool) or not isinstance(self.places, int) or not 1 <= self.places <= 15:
            raise SettingsError(
                f"{setting('hand')} {self.places!r} must be a whole number of digits from 1 to 15, such as 2"
            )

    def rounded(self, value: float, *, is_activation: bool = False) -> float:
        """Return the number as it is written down."""
        if not math.isfinite(value):
            return value
        return round(value, self.places) if is_activation else float(f"{value:.{self.places}e}")

    def error(self, value: float, *, is_activation: bool = False) -> float:
        """Return the most that rounding a number can change it: half a unit of its last digit."""
        if is_activation:
            return 0.5 * 10.0**-self.places
        if value == 0 or not math.isfinite(value):
            return 0.0
        return 0.5 * 10.0 ** (math.floor(math.log10(abs(value))) - self.places)

    def __str__(self) -> str:
        places = f"{self.places} decimal place{'s' * (self.places > 1)}"
        return (
            f"Rounded as by hand: an activation to {places}, every other line to {self.places + 1} significant digits, "
            "and each line works on with the rounded numbers."
        )
