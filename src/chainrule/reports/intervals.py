"""How far a score may be from that on all rows there could be: Wilson's interval of a share, the bootstrap of anything else.

The bootstrap draws as many rows as there are, with replacement, and takes the score's quantiles (B. Efron, "Bootstrap
methods", Annals of Statistics 7, 1979). Of many rows it works on fewer and brings the spread to all of them by the root of
their number: ``score ± 1.96 · se · sqrt(m / n)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule._plain import AnyNumber, Plain
from chainrule._random import Purpose, generator
from chainrule._types import IntArray
from chainrule.explain.columns.rows import MOST_ROWS, drawn

RESAMPLES = 200
"""The resamples of a bootstrap."""

LEVEL = 0.95
Z = 1.959963984540054
"""Between -Z and Z lies 95 % of the normal distribution."""

RESAMPLED = 6
"""The counter of the draws, beside those of splits, of `diagnose` and of the columns' importance."""


@dataclass(frozen=True)
class Interval(Plain):
    """The ends of a 95 % interval and how it was made; NaN where there is none."""

    low: AnyNumber
    high: AnyNumber
    method: str

    @property
    def is_known(self) -> bool:
        """Whether it has two different ends."""
        return math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high

    def holds(self, value: float) -> bool:
        """Tell whether a value lies in it; none lies in one that isn't known."""
        return self.is_known and self.low <= value <= self.high


UNKNOWN = Interval(math.nan, math.nan, "")


def wilson(share: float, n: int) -> Interval:
    """Return the interval of a share of n rows that are right (E. B. Wilson, JASA 22, 1927).

    >>> found = wilson(1.0, 69)
    >>> round(found.low, 4), found.high
    (0.9473, 1.0)
    """
    if n < 1:
        return UNKNOWN
    scale = 1 + Z * Z / n
    middle = (share + Z * Z / (2 * n)) / scale
    half = Z / scale * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    # The ends of nothing and of all are exact, which rounding would miss.
    low = 0.0 if share == 0 else middle - half
    high = 1.0 if share == 1 else middle + half
    return Interval(low, high, "Wilson")


def bootstrap(score: Callable[[IntArray], float], n: int, value: float, seed: int) -> Interval:
    """Return the interval of a score of n rows; ``score`` gives that of some of the rows (from 0), ``value`` is that of all."""
    if n < 2:
        return UNKNOWN
    rows = drawn(np.arange(n), MOST_ROWS, seed)
    draws = generator(seed, Purpose.SPLIT, RESAMPLED)
    with np.errstate(all="ignore"):
        made = np.array([score(rows[draws.integers(0, len(rows), len(rows))]) for _ in range(RESAMPLES)])
    made = made[np.isfinite(made)]
    if len(made) < RESAMPLES / 2:
        return UNKNOWN
    method = f"bootstrap, {RESAMPLES} resamples, seed {seed}"
    if len(rows) == n:
        low, high = np.quantile(made, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Interval(float(low), float(high), method)
    half = Z * float(made.std(ddof=1)) * math.sqrt(len(rows) / n)
    return Interval(value - half, value + half, f"{method}, of {len(rows):,} rows, brought to all {n:,}")
