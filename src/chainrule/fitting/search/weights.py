"""Weights for trainings by their answers out of fold: greedy picks, and a guard against picking what only looks good.

Let o_t (n, n_out) be what training t answers for the rows that it hasn't seen. Picks are made one after the other, with
replacement: after m picks with the sum S, the next is the t for which the loss of (S + o_t)/(m + 1) is least. A training's
weight is its share of the picks (Caruana, Niculescu-Mizil, Crew & Ksikes, "Ensemble selection from libraries of models",
ICML 2004). They begin from the best, the two best, or the three best, whichever mean is best.

The guard: rows are dealt out to `PARTS` parts, by chance or as the rows of the table are parted. Picks made by the rows outside
of a part are judged on that part; the number of picks is the one with the least loss so, over all parts. Unless the gain over
training 0 on these rows is larger than its standard error, training 0 is kept alone; so it is where either isn't known.
The weights are the mean of those that each part's outside has picked ("bagged" selection, in the same paper), so that what is
weighed at the end is what was judged, and no single draw of rows decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from chainrule._random import Purpose, generator
from chainrule._types import FloatArray, IntArray

PARTS = 5
"""The parts that the rows are dealt out to, to judge picks on rows that they weren't made by."""

MOST_PICKS = 25
"""The most picks."""

BEST_FEW = 3
"""With at most so many of the best the picks begin."""


ROUNDING = 1e-9
"""A gain of a smaller part of the loss is rounding: the mean of m times the same answers, say."""


@dataclass(frozen=True, eq=False)
class Judge:
    """What a loss is of: ``loss(answers (r, m, …), rows (r,))`` by m members, lower is better, and how sure a gain is.

    ``gain(before, after, rows)`` is what loss of ``before`` less that of ``after`` is, and its standard error.
    """

    loss: Callable[[FloatArray, IntArray], float]
    gain: Callable[[FloatArray, FloatArray, IntArray], tuple[float, float]]


@dataclass(frozen=True)
class Picked:
    """The ``weights`` (trainings,), which add up to 1, and how the guard judged: the number of picks, the gain and its error.

    ``curve`` is the loss by the number of picks on rows that they weren't made by. A gain or an error that isn't known is NaN.
    """

    weights: tuple[float, ...]
    picks: int
    gain: float
    error: float
    curve: tuple[float, ...]

    @property
    def is_default(self) -> bool:
        """Whether training 0 was kept alone."""
        return self.weights[0] == 1.0


def greedy(answers: Sequence[FloatArray], loss: Callable[[FloatArray], float], picks: int) -> tuple[int, ...]:
    """Return which answers (each (n, …)) are picked, in order; the best few come first. Of equals the first is taken."""
    alone = [loss(one) for one in answers]
    order = np.argsort(alone, kind="stable").tolist()
    few = range(1, min(BEST_FEW, len(answers), picks) + 1)
    begun = min(few, key=lambda m: loss(_mean([answers[t] for t in order[:m]])))
    chosen: list[int] = order[:begun]
    total = _sum([answers[t] for t in chosen])
    while len(chosen) < picks:
        m = len(chosen) + 1
        losses = [loss((total + one) / m) for one in answers]
        best = int(np.argmin(losses))
        chosen.append(best)
        total = total + answers[best]
    return tuple(chosen)


def picked(
    answers: Sequence[FloatArray],
    judge: Judge,
    seed: int,
    parts: Sequence[IntArray] | None = None,
    *,
    most: int = MOST_PICKS,
) -> Picked:
    """Return the weights of trainings by their answers for n rows that they haven't seen, the first that of the default.

    ``parts`` are the rows (from 0) that the guard judges on, each once; None: `PARTS` by chance.
    """
    alone = tuple(float(t == 0) for t in range(len(answers)))
    n = len(answers[0])
    if len(answers) < 2:
        return Picked(alone, 1, 0.0, 0.0, ())
    if parts is None:
        parts = np.array_split(generator(seed, Purpose.SEARCH, 0).permutation(n), min(PARTS, n))
    if len(parts) < 2:
        return Picked(alone, 1, math.nan, math.nan, ())

    def loss(mean: FloatArray, rows: IntArray) -> float:
        # Where the rows don't have a metric, nothing is better than the default.
        return math.inf if math.isnan(found := judge.loss(mean, rows)) else found

    by_picks, counts = np.empty((most, *answers[0].shape)), np.zeros((most, len(answers)))
    for part in parts:
        rest = np.setdiff1d(np.arange(n), part)
        own = [one[rest] for one in answers]
        order = greedy(own, partial(loss, rows=rest), most)
        total = np.zeros_like(answers[0][part])
        for m, t in enumerate(order, 1):
            total = total + answers[t][part]
            by_picks[m - 1, part] = total / m
            counts[m - 1 :, t] += 1
    every = np.arange(n)
    curve = tuple(loss(by_picks[m], every) for m in range(most))
    best = int(np.argmin(curve))
    gain, error = judge.gain(answers[0], by_picks[best], every)
    known = math.isfinite(gain) and math.isfinite(error)
    if not known or gain <= max(error, ROUNDING * abs(loss(answers[0], every))):
        return Picked(alone, best + 1, gain, error, curve)
    weights = tuple((counts[best] / counts[best].sum()).tolist())
    return Picked(weights, best + 1, gain, error, curve)


def _sum(parts: Sequence[FloatArray]) -> FloatArray:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _mean(parts: Sequence[FloatArray]) -> FloatArray:
    return _sum(parts) / len(parts)
