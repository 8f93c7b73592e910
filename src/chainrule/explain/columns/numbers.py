"""Numbers of one column of a table, written with as many decimals each: four digits for the largest."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

DIGITS = 4


def alike_numbers(
    values: Iterable[float], digits: int = DIGITS, signed: bool = False
) -> Callable[[float], str]:
    """Return what writes numbers like these: the largest with so many digits, all with as many decimals.

    >>> write = alike_numbers([283.8636, 4.1], signed=True)
    >>> write(283.8636), write(-4.1), write(float("nan"))
    ('+283.9', '-4.1', '–')
    """
    finite = [abs(value) for value in values if math.isfinite(value)]
    largest = max(finite, default=0.0)
    places = digits - 1 - math.floor(math.log10(largest)) if largest else digits - 1
    decimals = min(max(0, places), digits)
    shape = f"{'+' if signed else ''},.{decimals}f"

    def write(value: float) -> str:
        if not math.isfinite(value):
            return "–" if math.isnan(value) else f"{value:g}"
        # What rounds to 0 has no sign.
        return format(value, shape) if round(value, decimals) else format(0.0, f",.{decimals}f")

    return write
