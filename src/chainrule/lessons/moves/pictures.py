"""Pictures made of signs in a frame with numbers at the ends of its axes, so that they fit 80 columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from chainrule._types import FloatArray
from chainrule.errors import SettingsError
from chainrule.explain.show.document import Plot
from chainrule.lessons.fields import Where, listing, toml_number
from chainrule.plots.chart import Chart

Ends: TypeAlias = tuple[float, float]
"""The lowest and the highest number of an axis."""

COLUMNS, LINES = 61, 21
"""The size of a picture, so that it fits 80 columns with its axes."""

CURVES = "*o+x#=%&"
"""The signs of curves, in their order."""

MOST_CURVES = len(CURVES)

WIDE = 100.0
"""Where all is positive and the highest is more than so many times the lowest, heights are logarithms."""


def read_ends(value: Any, where: Where) -> Ends:
    """Read the two ends of an axis."""
    found = listing(toml_number)(value, where)
    if len(found) != 2 or not found[0] < found[1]:
        what = "must be the two ends of an axis, the lower one first, such as [-1, 2]"
        raise where.wrong(f"{list(found)} {what}")
    return found[0], found[1]


def framed(
    signs: Sequence[Sequence[str]], across: Ends, up: Ends, number: Callable[[float], str]
) -> tuple[str, ...]:
    """Return lines of signs in a frame with numbers at the ends of both axes."""
    ends = {0: number(up[1]), len(signs) - 1: number(up[0])}
    width = max(len(end) for end in ends.values())
    lines = [f"{ends.get(place, ''):>{width}} |{''.join(row)}" for place, row in enumerate(signs)]
    left, right = number(across[0]), number(across[1])
    lines.append(" " * (width + 1) + "+" + "-" * COLUMNS)
    lines.append(" " * (width + 2) + left + f"{right:>{COLUMNS - len(left)}}")
    return tuple(lines)


def curves_picture(
    x: FloatArray,
    curves: Mapping[str, FloatArray],
    *,
    labels: tuple[str, str],
    number: Callable[[float], str],
    lines: int = LINES,
    log: bool | None = None,
    chart: Chart | None = None,
) -> Plot:
    """Return several curves (k,) over x (k,), evenly spaced, as signs; where two meet, the sign of the later one is seen.

    ``labels`` say what goes to the right and up; ``log`` whether heights are logarithms, None where that shows more.
    Raises SettingsError for more curves than there are signs.
    """
    if len(curves) > MOST_CURVES:
        raise SettingsError(f"the picture has signs for {MOST_CURVES} curves, not for {len(curves)}")
    values = np.concatenate(list(curves.values()))
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    logarithmic = low > 0 and high > WIDE * low if log is None else log
    if low == high:
        low, high = low - 0.5, high + 0.5
    scale = math.log if logarithmic else float
    rows = [[" "] * COLUMNS for _ in range(lines)]
    for sign, heights in zip(CURVES, curves.values(), strict=False):
        for column in range(COLUMNS):
            place = x[0] + (x[-1] - x[0]) * column / (COLUMNS - 1)
            height = float(np.interp(place, x, heights))
            if math.isfinite(height):
                share = (scale(high) - scale(height)) / (scale(high) - scale(low))
                rows[min(max(round(share * (lines - 1)), 0), lines - 1)][column] = sign
    shown = framed(rows, (float(x[0]), float(x[-1])), (low, high), number)
    steps = ", in equal steps of its logarithm" if logarithmic else ""
    key = f"{labels[0]} to the right, {labels[1]} up{steps}; "
    return Plot(shown, key + ", ".join(map("{} {}".format, CURVES, curves)), chart)
