"""How much worse answers get when columns are shuffled: on encoded rows, for anything that answers them.

The inputs of a column are permuted together over the rows, so that each row gets another row's cell, missing or not, and
all else stays. With e the score of the answers and e_j that after column j was permuted (the mean over R permutations)::

    drop_j = e - e_j   (e_j - e for scores of which less is better)

Source: Breiman, "Random forests", Machine Learning 45, 2001, section 10; for any model Fisher, Rudin & Dominici, "All models
are wrong, but many are useful", JMLR 20, 2019.

The interval says how far the drop may be from that on all rows there could be. The rows are dealt out to G groups, the
drop is worked out again without each of them — without its rows, and without those that were given one of its cells, as a
shuffled row is made of two — and with D_(g) these drops and D their mean::

    se² = (G - 1)/G · sum over g of (D_(g) - D)²,   drop ± t(0.975; G - 1) · se

the delete-a-group jackknife (Kott, Journal of Official Statistics 17, 2001; with groups of one row it is that of Tukey,
1958; of averages over pairs, which this is, Arvesen, Annals of Mathematical Statistics 40, 1969). It holds for every score,
smooth or, with groups of many rows, not (Shao & Wu, Annals of Statistics 17, 1989). What few permutations leave to chance
makes it wider.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._random import Purpose, generator
from chainrule._types import FloatArray, IntArray

GROUPS = 30
"""The groups of the jackknife; of fewer rows each is one."""

ORDERS, DEALT = 4, 5
"""The counters of the draws of permutations and of groups."""

AnyArray = np.ndarray[Any, Any]
Order = Callable[[int, int], IntArray]


@dataclass(frozen=True, eq=False)
class Scored:
    """What is scored: the answers to encoded rows, compared with targets ``y`` (n, …) and the rows' weights (n,)."""

    y: AnyArray
    answers: Callable[[FloatArray], AnyArray]
    compare: Callable[[AnyArray, AnyArray, FloatArray | None], float]
    greater_is_better: bool
    weights: FloatArray | None = None

    def score(self, answers: AnyArray, rows: Any = slice(None)) -> float:
        """Return the score of answers (n, …), on some of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        return float(self.compare(self.y[rows], answers[rows], weights))


@dataclass(frozen=True)
class Drop:
    """How much worse the score gets: the mean over ``repeats`` permutations, and the ends of a 95 % interval.

    NaN where the score has no value.
    """

    mean: float
    low: float
    high: float
    repeats: tuple[float, ...]


class Permuted:
    """Shuffles inputs of encoded rows ``x`` (n, d) and scores the answers.

    ``order(column, repeat)`` are the permutations (n,); those of the seed if None.
    """

    def __init__(
        self, scored: Scored, x: FloatArray, repeats: int, seed: int, order: Order | None = None
    ) -> None:
        n = len(x)
        self.scored, self.x, self.repeats = scored, np.array(x), repeats
        self.order = order or (
            lambda column, repeat: generator(seed, Purpose.SPLIT, ORDERS, column, repeat).permutation(n)
        )
        self.count = min(GROUPS, n)
        self.groups = generator(seed, Purpose.SPLIT, DEALT).permutation(n) % self.count
        self.sign = 1.0 if scored.greater_is_better else -1.0
        self.before = np.array(scored.answers(self.x))  # not a view of what is shuffled
        self.score = scored.score(self.before)

    def drop(self, inputs: Sequence[int] | IntArray, column: int) -> Drop:
        """Return what permuting some inputs together does; ``column`` numbers the draw."""
        own, x = np.asarray(inputs), self.x
        kept = x[:, own].copy()
        drops, without = [], []
        for repeat in range(self.repeats):
            order = self.order(column, repeat)
            x[:, own] = kept[order]
            after = self.scored.answers(x)
            drops.append(self.sign * (self.score - self.scored.score(after)))
            without.append(self._without(after, order))
        x[:, own] = kept
        mean = float(np.mean(drops))
        half = half_interval(np.mean(without, axis=0))
        return Drop(mean, mean - half, mean + half, tuple(drops))

    def _without(self, after: AnyArray, order: IntArray) -> FloatArray:
        """Return the drop without each of the groups (groups,): without its rows, and those that got its cells."""
        own, given, found = self.groups, self.groups[order], []
        for group in range(self.count):
            rows = (own != group) & (given != group)
            if not rows.any():
                return np.full(self.count, np.nan)
            found.append(self.sign * (self.scored.score(self.before, rows) - self.scored.score(after, rows)))
        return np.array(found, np.float64)


def half_interval(without: FloatArray) -> float:
    """Return half of the 95 % interval of a number, from those without each of G groups of rows (G,).

    >>> round(half_interval(np.array([2.5, 2.0, 1.5])), 4)  # of 1, 2, 3 without one: 4.3027 · 1/sqrt(3)
    2.4841
    """
    from scipy.stats import t

    count = len(without)
    spread = float(np.sum((without - without.mean()) ** 2))
    return float(t.ppf(0.975, count - 1) * np.sqrt((count - 1) / count * spread))
