"""The gradient against central differences of the cost: (C(w + h) - C(w - h)) / 2h.

**The step.** Moving w by h moves the z behind it by h times what w multiplies. z, the argument of every activation, has
scale 1; so h = eps^(1/3) / A with A the largest |number| that w multiplies on these rows (1 for a bias), which moves z
by at most eps^(1/3) = 6.1e-6, where the errors of truncation (of order h^2) and of rounding (of order eps/h) balance
(Press et al., Numerical Recipes, 3rd ed., section 5.7). h is at least 1000 eps |w|, so that w ± h are other
numbers.

**Where the two disagree**, the step is made 10, 100 and 1000 times smaller, and the one that can be trusted most decides: a
deep network with large weights bends more than one of scale 1. Steps inside which a number changes branch (at a kink of
ReLU, say) don't count; if all do, there is no derivative, and the gradient must lie between the one-sided differences.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from chainrule._types import BoolArray, FloatArray, IntArray
from chainrule.explain.check.batch import Batch, blocks
from chainrule.explain.check.kinks import crossed
from chainrule.explain.check.result import About, Check, Comparison, Kink

EPS = float(np.finfo(np.float64).eps)
ROOT = EPS ** (1 / 3)

RELATIVE = 1e-6
"""What the gradient may differ by, as a share of itself: truncation is about ROOT² = 4e-11 of it."""

OF_TERMS = 1e-7
"""And as a share of the terms it is the sum of: where they cancel, truncation doesn't."""

LEAST_INPUT = 1e-3
"""The least A of the rule, so that a weight behind inputs near 0 isn't moved without bound."""

SMALLER = (10.0, 100.0, 1000.0)

ABOUT = About(
    "central differences",
    "the cost at w + h less that at w - h, over 2h; h is the cube root of eps over the largest input",
    "1e-6 of the gradient + 1e-7 of its terms + rounding of the costs / h",
)


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
        by = _moved_by_stage(batch, slot.name) if slot.layer == 0 else _moved_by(batch, slot.layer, slot.name)
        each = ROOT / np.maximum(by, LEAST_INPUT)
        h[slot.start : slot.stop] = np.broadcast_to(each, slot.shape).reshape(-1)
    return np.asarray(np.maximum(h, 1000 * EPS * np.abs(batch.flat)))


def _moved_by(batch: Batch, number: int, name: str) -> FloatArray:
    """Return what a parameter of a layer multiplies, at most; 1 for what is added."""
    layer, mixed = batch.network.layers[number - 1], batch.record.layers[number - 1].mixed
    term = layer.term(name)
    if term.enters == "x":
        return np.asarray(np.abs(batch.x).max(axis=0)[:, None])
    if term.enters:
        largest = np.abs(batch.record.entering(number)).max(axis=0)
        largest *= layer.scale(len(largest))
        return np.asarray(largest[:, None] if term.counts == "ij" else largest)
    return np.ones(()) if term.enters == "" or mixed is None else np.asarray(np.abs(mixed).max(axis=0))


def _moved_by_stage(batch: Batch, name: str) -> FloatArray:
    """Return what a parameter of the feature stage multiplies, at most: its angle, or what enters layer 1."""
    stage, features = batch.record.stage, batch.network.features
    assert stage is not None
    assert features is not None
    if name == "f":
        # Beside the angle's own scale of 1, which makes the step for small numbers.
        turns = 2 * np.pi * np.abs(batch.x[:, features.column_map.numbers]).max(axis=0)
        return np.asarray(np.maximum(turns, 1.0)[:, None])
    if name == "s":
        return np.asarray(np.maximum(np.abs(stage.e).max(axis=0), 1.0))
    return np.ones(())


def _rounding_of_stage(batch: Batch) -> float:
    """Return the stage's part of `rounding_of_cost`: each angle and each sum is off by eps of its terms."""
    stage, back, features = batch.record.stage, batch.gradients.stage, batch.network.features
    if stage is None or back is None or features is None:
        return 0.0
    p = batch.unsigned(0)
    terms = features.forward(p, np.abs(batch.x), np).e + 1
    total = float(np.sum(np.abs(back.de) * terms)) + float(np.sum(np.abs(back.da * stage.a)))
    if back.du is not None and stage.v is not None:
        angles = features.angles(p, np.abs(batch.x), np) + 1
        widest = np.sum(p["V"], axis=-1, keepdims=True).swapaxes(-1, -2) + 1
        total += float(np.sum(np.abs(back.du * stage.v) * angles))
        total += float(np.sum(np.abs(back.du))) + float(np.sum(np.abs(back.de))) * float(np.max(widest))
    return total


def rounding_of_cost(batch: Batch) -> float:
    """Return how far rounding may move the cost: each z is off by eps of its terms, which delta carries to the cost."""
    total = abs(float(batch.gradients.cost)) + _rounding_of_stage(batch)
    for number, back in enumerate(batch.gradients.layers, 1):
        total += float(np.sum(np.abs(back.delta) * (batch.terms_of_z(number) + 1)))
    return 4 * EPS * total


@np.errstate(all="ignore")
def differences(batch: Batch, chosen: IntArray, h: FloatArray) -> Differences:
    """Return the central differences by the chosen parameters (m,) with steps ``h`` (m,)."""
    slopes, costs = [], []
    for some in blocks(len(chosen), batch.flat.size):
        flats = moved(batch, chosen[some], h[some])
        low, high = batch.costs(np.concatenate(flats)).reshape(2, -1)
        # What was really moved, since w + h is rounded.
        lower, higher = (flat[np.arange(len(some)), chosen[some]] for flat in flats)
        slopes.append((high - low) / (higher - lower))
        costs.append((low, high))
    lows, highs = np.concatenate(costs, axis=1)
    return Differences(np.concatenate(slopes), rounding_of_cost(batch) / h, lows, highs)


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
    h, g, terms = steps_of(batch)[chosen], gradient[chosen], batch.size_of_terms[chosen]
    found = differences(batch, chosen, h)
    expected, allowed = found.slopes.copy(), _allowed(found, terms)
    comparison = Comparison(g, expected, allowed, lambda i: batch.address(int(chosen[i])))
    kinks: list[Kink] = []
    bad = comparison.bad
    if len(bad):
        expected[bad], allowed[bad] = _closer(batch, chosen[bad], h[bad], found.slopes[bad], terms[bad])
        for place in bad[np.isinf(allowed[bad])]:
            kink, expected[place], allowed[place] = _at_kink(
                batch, int(chosen[place]), float(h[place]), float(g[place]), float(terms[place])
            )
            kinks += [kink] if kink is not None else []
    return comparison.check(ABOUT, kinks, notes)


def _allowed(found: Differences, terms: FloatArray) -> FloatArray:
    return RELATIVE * np.abs(found.slopes) + OF_TERMS * terms + found.rounding


def _closer(
    batch: Batch, chosen: IntArray, h: FloatArray, slopes: FloatArray, terms: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return differences by smaller steps, and what they may be off by; infinite where every step crosses a kink.

    Of two steps, one a tenth of the other, the smaller has about a hundredth of the truncation, so their difference
    bounds it. The step with the least allowance counts, whatever the gradient.
    """
    best, least = slopes.copy(), np.full(len(chosen), np.inf)
    smooth, before = _smooth(batch, chosen, h), slopes
    for smaller in SMALLER:
        found = differences(batch, chosen, h / smaller)
        truncation = np.where(smooth, np.abs(found.slopes - before) / 50, 0.0)
        smooth = _smooth(batch, chosen, h / smaller)
        allowed = np.where(smooth, _allowed(found, terms) + truncation, np.inf)
        better = allowed < least
        best[better], least[better] = found.slopes[better], allowed[better]
        before = found.slopes
    return best, least


def _names(batch: Batch, chosen: IntArray, h: FloatArray) -> list[str]:
    parts = blocks(len(chosen), batch.flat.size)
    return [name for some in parts for name in crossed(batch, *moved(batch, chosen[some], h[some]))]


def _smooth(batch: Batch, chosen: IntArray, h: FloatArray) -> BoolArray:
    return np.array([not name for name in _names(batch, chosen, h)])


def _at_kink(batch: Batch, index: int, h: float, g: float, terms: float) -> tuple[Kink | None, float, float]:
    """Return the kink if the gradient lies between the one-sided differences; what it is compared with; the slack."""
    chosen, step = np.array([index]), np.array([h / SMALLER[0]])
    (name,) = _names(batch, chosen, step)
    found = differences(batch, chosen, step)
    at = float(batch.gradients.cost)
    left = float((at - found.low[0]) / step[0])
    right = float((found.high[0] - at) / step[0])
    # One-sided differences are off by about step · f''/2.
    slack = float(found.rounding[0]) + ROOT * (terms + abs(g))
    if min(left, right) - slack <= g <= max(left, right) + slack:
        return Kink(batch.address(index), name, left, right, g), g, slack
    return None, left if abs(g - left) < abs(g - right) else right, slack
