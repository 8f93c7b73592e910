"""The gradient against central differences of the cost: (C(w + h) - C(w - h)) / 2h.

**The step.** Moving w by h moves the z behind it by h times what w multiplies. z, the argument of every activation, has
scale 1; so h = eps^(1/3) / A with A the largest |input| that w multiplies on these rows (1 for a bias), which moves z
by at most eps^(1/3) = 6.1e-6, where the errors of truncation (of order h^2) and of rounding (of order eps/h) balance
(Press et al., Numerical Recipes, 3rd ed., section 5.7). h is at least 1000 eps |w|, so that w ± h are other
numbers.

**Kinks.** Where the two disagree and a number changes branch inside ±h, the step is made 10, 100 and 1000 times smaller;
if the branch still changes, there is no derivative, and the gradient must lie between the one-sided differences.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.explain.check_base import Batch, Check, Comparison, Kink, blocks
from chainrule.explain.check_kinks import crossed

EPS = float(np.finfo(np.float64).eps)
ROOT = EPS ** (1 / 3)

RELATIVE = 1e-6
"""What the gradient may differ by, as a share of itself: truncation is about ROOT² = 4e-11 of it."""

OF_TERMS = 1e-7
"""And as a share of the terms it is the sum of: where they cancel, truncation doesn't."""

LEAST_INPUT = 1e-3
"""The least A of the rule, so that a weight behind inputs near 0 isn't moved without bound."""

SMALLER = (10.0, 100.0, 1000.0)

RULE = "C(w+h) - C(w-h) over 2h, h = eps^(1/3) / largest input"
TOLERANCE = "1e-6 of the gradient + 1e-7 of its terms + rounding of the costs / h"


class Differences(NamedTuple):
    """Central differences (m,) and what rounding may add to them."""

    slopes: FloatArray
    rounding: FloatArray
    low: FloatArray
    high: FloatArray


def steps_of(batch: Batch) -> FloatArray:
    """Return the step h of every parameter, (p,)."""
    h = np.full(batch.layout.size, ROOT)
    for slot in batch.layout.slots:
        if slot.name == "W":
            largest = np.abs(batch.record.inputs_of(slot.layer - 1)).max(axis=0)
            each = np.broadcast_to((ROOT / np.maximum(largest, LEAST_INPUT))[:, None], slot.shape)
            h[slot.start : slot.stop] = each.reshape(-1)
    return np.asarray(np.maximum(h, 1000 * EPS * np.abs(batch.flat)))


def rounding_of_cost(batch: Batch) -> float:
    """Return how far rounding may move the cost: each z is off by eps of its terms, which delta carries to the cost."""
    total = abs(float(batch.gradients.cost))
    for number, layer in enumerate(batch.network.layers):
        p = {name: np.abs(array) for name, array in batch.p[number].items()}
        z = layer.forward(p, np.abs(batch.record.inputs_of(number)), None, np).z
        total += float(np.sum(np.abs(batch.gradients.deltas[number]) * (z + 1)))
    return 4 * EPS * total


def differences(batch: Batch, chosen: IntArray, h: FloatArray) -> Differences:
    """Return the central differences by the chosen parameters (m,) with steps ``h`` (m,)."""
    slopes, lows, highs = [], [], []
    for some in blocks(len(chosen), batch.flat.size):
        low, high = moved(batch, chosen[some], h[some])
        costs = batch.costs(np.concatenate([low, high]))
        place = np.arange(len(some))
        # What was really moved, since w + h is rounded.
        width = high[place, chosen[some]] - low[place, chosen[some]]
        with np.errstate(all="ignore"):
            slopes.append((costs[len(some) :] - costs[: len(some)]) / width)
        lows.append(costs[: len(some)])
        highs.append(costs[len(some) :])
    return Differences(
        np.concatenate(slopes), rounding_of_cost(batch) / h, np.concatenate(lows), np.concatenate(highs)
    )


def moved(batch: Batch, chosen: IntArray, h: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the parameters (m, p) with the chosen ones lower by h, and higher."""
    low = np.repeat(batch.flat[None], len(chosen), axis=0)
    high = low.copy()
    place = np.arange(len(chosen))
    low[place, chosen] -= h
    high[place, chosen] += h
    return low, high


def check_differences(batch: Batch, gradient: FloatArray, chosen: IntArray, notes: tuple[str, ...]) -> Check:
    """Compare a gradient (p,) with central differences at the chosen parameters."""
    h = steps_of(batch)[chosen]
    g = gradient[chosen]
    terms = batch.size_of_terms[chosen]
    found = differences(batch, chosen, h)
    allowed = RELATIVE * np.abs(found.slopes) + OF_TERMS * terms + found.rounding
    expected = found.slopes.copy()
    comparison = Comparison(g, expected, allowed, lambda i: batch.address(int(chosen[i])))
    kinks = []
    suspects = comparison.bad
    if len(suspects):
        names = _names(batch, chosen[suspects], h[suspects])
        for place, name in zip(suspects, names, strict=True):
            if not name:
                continue
            kink = _at_kink(batch, int(chosen[place]), float(h[place]), float(g[place]), float(terms[place]))
            if isinstance(kink, Kink):
                kinks.append(kink)
                expected[place] = g[place]
            else:
                expected[place], allowed[place] = kink
    bad = comparison.bad
    return Check(
        "central differences",
        RULE,
        TOLERANCE,
        len(chosen),
        len(bad),
        comparison.worst,
        tuple(kinks),
        notes=notes,
    )


def _names(batch: Batch, chosen: IntArray, h: FloatArray) -> list[str]:
    found: list[str] = []
    for some in blocks(len(chosen), batch.flat.size):
        found += crossed(batch, *moved(batch, chosen[some], h[some]))
    return found


def _at_kink(batch: Batch, index: int, h: float, g: float, terms: float) -> Kink | tuple[float, float]:
    """Return the kink that no smaller step avoids, or the difference of one that does and what it may be off."""
    chosen = np.array([index])
    name = ""
    for smaller in SMALLER:
        step = np.array([h / smaller])
        (name,) = _names(batch, chosen, step)
        if not name:
            found = differences(batch, chosen, step)
            slope = float(found.slopes[0])
            return slope, RELATIVE * abs(slope) + OF_TERMS * terms + float(found.rounding[0])
    # One-sided differences are off by about h f''/2.
    step = np.array([h / SMALLER[0]])
    found = differences(batch, chosen, step)
    at = float(batch.gradients.cost)
    left, right = (at - float(found.low[0])) / step[0], (float(found.high[0]) - at) / step[0]
    slack = float(found.rounding[0]) + float(step[0] / h * 10 * ROOT) * (terms + abs(g))
    if min(left, right) - slack <= g <= max(left, right) + slack:
        return Kink(batch.address(index), name, float(left), float(right), g)
    nearest = left if abs(g - left) < abs(g - right) else right
    return float(nearest), slack
