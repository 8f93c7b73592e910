"""Axes: from numbers of the data to shares of the plot's side, and back; and axes that fit what is to be drawn.

``linear``; ``log``; ``symlog``, sign(v) ln(1 + |v| / threshold), for numbers of both signs and many sizes; ``names``, where a
category stands at its index. ``low`` may be the larger end: the axis then runs the other way.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np

from chainrule._plain import IF_SET, Plain
from chainrule._types import FloatArray
from chainrule.errors import SettingsError
from chainrule.plots.marks import Numbers, Texts

ScaleName = Literal["linear", "log", "symlog", "names"]


@dataclass(frozen=True)
class Axis(Plain):
    """One side of a plot."""

    low: float
    high: float
    label: str = ""
    scale: Annotated[ScaleName, IF_SET] = "linear"
    names: Annotated[Texts, IF_SET] = ()
    threshold: Annotated[float, IF_SET] = 1.0
    ticks: Annotated[Numbers, IF_SET] = ()
    """Where ticks stand, if the data says so."""
    texts: Annotated[Texts, IF_SET] = ()
    """What is written at these ticks instead of the numbers."""
    whole: Annotated[bool, IF_SET] = False
    """Whether only whole numbers have a meaning: epochs, counts."""
    percent: Annotated[bool, IF_SET] = False
    grid: Annotated[bool, IF_SET] = True
    shown: Annotated[bool, IF_SET] = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high)) or self.low == self.high:
            raise SettingsError(f"high: {self.low!r} to {self.high!r} is no range")
        if self.scale == "log" and min(self.low, self.high) <= 0:
            raise SettingsError(
                f"low: a logarithmic axis needs positive ends, not {min(self.low, self.high)!r}"
            )
        if self.scale == "symlog" and not self.threshold > 0:
            raise SettingsError(f"threshold: a positive number was expected, not {self.threshold!r}")
        if self.texts and len(self.texts) != len(self.ticks):
            raise SettingsError(f"texts: {len(self.ticks)} ticks have {len(self.texts)} texts")

    def curve(self, values: Any) -> FloatArray:
        """Return the values bent by the scale: equal distances are then equally long; nan where it has no value."""
        found = np.asarray(values, np.float64)
        if self.scale == "log":
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.asarray(np.where(found > 0, np.log(found), np.nan))
        if self.scale == "symlog":
            return np.asarray(np.sign(found) * np.log1p(np.abs(found) / self.threshold))
        return found

    def uncurve(self, bent: Any) -> FloatArray:
        """Return the values of `curve`."""
        found = np.asarray(bent, np.float64)
        if self.scale == "log":
            return np.asarray(np.exp(np.clip(found, -708.0, 709.0)))  # what a float holds
        if self.scale == "symlog":
            return np.asarray(np.sign(found) * np.expm1(np.abs(found)) * self.threshold)
        return found

    def share(self, values: Any) -> FloatArray:
        """Return where values stand, 0 at ``low`` and 1 at ``high``."""
        low, high = self.curve([self.low, self.high])
        return np.asarray((self.curve(values) - low) / (high - low))

    def value(self, shares: Any) -> FloatArray:
        """Return the values that stand at these shares."""
        low, high = self.curve([self.low, self.high])
        return self.uncurve(low + np.asarray(shares, np.float64) * (high - low))


def fitted(
    parts: Sequence[Any],
    label: str = "",
    *,
    scale: ScaleName = "linear",
    zero: bool = False,
    pad: float = 0.04,
    within: tuple[float, float] = (-math.inf, math.inf),
    **others: Any,
) -> Axis:
    """Return the axis that all finite numbers of some arrays stand on, with a little room at its ends.

    ``zero`` puts 0 on it, without room beyond where 0 is an end. Ends don't leave ``within``. On a logarithmic axis numbers
    that aren't positive don't count.
    """
    found = np.concatenate([np.asarray(part, np.float64).ravel() for part in parts] or [np.zeros(0)])
    found = found[np.isfinite(found) & ((found > 0) if scale == "log" else True)]
    low, high = (float(found.min()), float(found.max())) if len(found) else (0.1, 1.0)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        room = abs(low) / 2 or 1.0
        low, high = (low / 2, high * 2) if scale == "log" else (low - room, high + room)
    axis = Axis(low, high, label, scale, **others)
    first, last = (float(end) for end in axis.value([-pad, 1 + pad]))
    low = low if zero and low == 0 else max(first, within[0])
    high = high if zero and high == 0 else min(last, within[1])
    return Axis(low, high, label, scale, **others)


def names_axis(names: Sequence[object], label: str = "", *, down: bool = False, **others: Any) -> Axis:
    """Return the axis of categories; ``down`` is one beside which they are read from above."""
    texts = tuple(str(name) for name in names)
    ends = (-0.5, max(len(texts), 1) - 0.5)
    low, high = reversed(ends) if down else ends
    return Axis(low, high, label, "names", names=texts, grid=False, **others)


def blank(low: float, high: float) -> Axis:
    """Return an axis that is not drawn."""
    return Axis(low, high, shown=False, grid=False)
