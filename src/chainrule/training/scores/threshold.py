"""The probability from which on a class is answered: the best one by a stated rule, for rows that a network hasn't seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from chainrule._types import BoolArray, FloatArray

_Counts = Callable[[FloatArray, FloatArray, float, float], FloatArray]

RULES: Mapping[str, _Counts] = {
    "f1": lambda tp, fp, p, n: 2 * tp / (tp + fp + p),
    "balanced_accuracy": lambda tp, fp, p, n: (tp / p + (n - fp) / n) / 2,
    "accuracy": lambda tp, fp, p, n: (tp + n - fp) / (p + n),
}
"""What is largest at the threshold, of the rows answered with the class, right (``tp``) and wrong (``fp``), and of all ``p``
rows that have it and ``n`` that don't."""


def best_threshold(rule: str, has: BoolArray, probabilities: FloatArray) -> float:
    """Return the threshold at which a rule is largest: rows with at least that probability are answered with the class.

    ``has`` (n,): which rows have the class; ``probabilities`` (n,): what the network gives it. It lies halfway between two
    of them; of several as good ones the nearest to 1/2 counts. 1/2 where no row has the class, or all have it.

    >>> best_threshold("f1", np.array([False, False, True, True]), np.array([0.1, 0.2, 0.3, 0.5]))
    0.25
    """
    p, n = float(np.count_nonzero(has)), float(np.count_nonzero(~has))
    if not p or not n:
        return 0.5
    order = np.argsort(-probabilities, kind="stable")
    sorted_p, hits = probabilities[order], has[order]
    tp, fp = np.cumsum(hits, dtype=np.float64), np.cumsum(~hits, dtype=np.float64)
    last = np.append(np.diff(sorted_p) < 0, True)  # rows of one probability are on one side
    found = RULES[rule](tp[last], fp[last], p, n)
    ends = np.flatnonzero(last)
    below = np.append(sorted_p[1:], 0.0)[ends]
    halfway = np.clip((sorted_p[ends] + below) / 2, np.finfo(np.float64).tiny, np.nextafter(1, 0))
    # What float32 makes of a sum must not be another side.
    best = np.flatnonzero(found >= found.max() - 1e-12)
    return float(halfway[best[np.argmin(np.abs(halfway[best] - 0.5))]])
