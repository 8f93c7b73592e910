"""How a number becomes the value of an input neuron: one formula for each scaling, and its fit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from chainrule._types import FloatArray
from chainrule.formula.evaluate import Formula
from chainrule.formula.parse import parse

LARGEST = 8e307
"""Numbers beyond ± this are drawn in to it, so that the difference of two of them is finite."""

_REACH = 1e9
_REACH_UNSCALED = 1e30


@dataclass(frozen=True)
class Scaling:
    """A scaling: its formula in ``v``, how its parameters come from the training rows, and its way back.

    ``center`` and ``spread`` are formulas in the parameters: ``v`` is drawn in to center ± 1e9 spread before
    the formula is evaluated, which keeps its value finite for every finite ``v``; with no spread, to ± 1e30.
    ``inverse`` is a formula in ``y``, the scaled value; empty where there is no way back.
    """

    name: str
    formula: str
    parameters: tuple[str, ...] = ()
    fit: Callable[[FloatArray], dict[str, float]] = lambda values: {}
    center: str = "0"
    spread: str = ""
    inverse: str = ""

    def reach(self, parameters: Mapping[str, float]) -> tuple[float, float]:
        """Return the lowest and the highest number for which the formula's value is finite."""
        if not self.spread:
            return -_REACH_UNSCALED, _REACH_UNSCALED
        center = _number(self.center, parameters)
        reach = min(_REACH * self.spread_of(parameters), LARGEST)
        return max(center - reach, -LARGEST), min(center + reach, LARGEST)

    def evaluate(self, v: FloatArray, parameters: Mapping[str, float]) -> FloatArray:
        """Return the formula's value, of the same shape."""
        scaled: FloatArray = parsed(self.formula).evaluate_like({"v": v, **parameters}, v, np)
        return scaled

    def undo(self, values: FloatArray, parameters: Mapping[str, float]) -> FloatArray:
        """Return scaled values in the units of the table, of the same shape."""
        original: FloatArray = parsed(self.inverse).evaluate_like({"y": values, **parameters}, values, np)
        return original

    def spread_of(self, parameters: Mapping[str, float]) -> float:
        """Return what the formula divides by."""
        return _number(self.spread, parameters)

    def are_sound(self, parameters: Mapping[str, float]) -> bool:
        """Tell whether the formula is finite with these parameters: none too large, the spread above 0."""
        if any(not abs(value) <= LARGEST for value in parameters.values()):
            return False
        return not self.spread or 0 < self.spread_of(parameters) < np.inf


@cache
def parsed(formula: str) -> Formula:
    """Return a formula, parsed once."""
    return parse(formula)


def _number(formula: str, parameters: Mapping[str, float]) -> float:
    return float(parsed(formula).evaluate(parameters, np))


def _fit_standard(values: FloatArray) -> dict[str, float]:
    # Dividing by a power of two is exact, and keeps sums and squares within the range of floats.
    unit = np.ldexp(1.0, int(np.frexp(np.abs(values).max())[1]))
    scaled = values / unit
    mean = scaled.mean()
    std = np.sqrt(np.mean((scaled - mean) ** 2))
    return {"mean": float(mean * unit), "std": float(std * unit)}


def _fit_robust(values: FloatArray) -> dict[str, float]:
    q25, median, q75 = np.quantile(values, [0.25, 0.5, 0.75])
    scale = q75 - q25
    if scale == 0:
        scale = values.max() / 2 - values.min() / 2
    return {"median": float(median), "scale": float(scale)}


def fit_scaling(scaling: str, values: FloatArray) -> tuple[str, dict[str, float]]:
    """Return the scaling and its parameters; "constant" where the values have no spread.

    ``values``: shape (n,), finite, n > 0.
    """
    drawn = np.clip(values, -LARGEST, LARGEST)
    if drawn.min() == drawn.max() and SCALINGS[scaling].spread:
        return "constant", {}
    parameters = SCALINGS[scaling].fit(drawn)
    return (scaling, parameters) if SCALINGS[scaling].are_sound(parameters) else ("constant", {})


def _by_name(*scalings: Scaling) -> Mapping[str, Scaling]:
    return {scaling.name: scaling for scaling in scalings}


_BENT = "(v - median)/scale/sqrt(1 + ((v - median)/scale/3)^2)"
SCALINGS = _by_name(
    Scaling("robust", _BENT, ("median", "scale"), _fit_robust, "median", "scale"),
    Scaling("standard", "(v - mean)/std", ("mean", "std"), _fit_standard, "mean", "std", "y*std + mean"),
    Scaling(
        *("minmax", "(v - low)/(high - low)", ("low", "high")),
        lambda values: {"low": float(values.min()), "high": float(values.max())},
        *("low", "high - low", "y*(high - low) + low"),
    ),
    Scaling("none", "v", inverse="y"),
)
"""The scalings that can be chosen.

``robust`` divides by the distance of the quartiles (half the range where that is 0) and bends the result into (-3, 3):
the robust scaling and smooth clipping of Holzmüller, Grinsztajn and Steinwart, "Better by default: Strong pre-tuned
MLPs and boosted trees on tabular data", 2024. ``standard`` uses the population's standard deviation (divisor n).
"""

FIXED = _by_name(
    Scaling("constant", "0"),
    Scaling("sine", "sin(2*pi*v/period)", ("period",), spread="period"),
    Scaling("cosine", "cos(2*pi*v/period)", ("period",), spread="period"),
    Scaling("equals", "where(v == k, 1, 0)", ("k",)),
    Scaling("count", "v/size", ("size",)),
)
"""The arithmetic that is not chosen: of numbers without spread, of the parts of a date, and of what is counted in a text."""

ARITHMETIC: Mapping[str, Scaling] = {**SCALINGS, **FIXED}
