"""Rows in the order of their scores, and what is counted along it: the curves of ROC and of precision and recall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule._types import BoolArray, FloatArray


@dataclass(frozen=True)
class Ranked:
    """What weight of rows has a score of at least each threshold, which fall: the different scores, (t,).

    ``true`` (t,) is the weight of those that are positive, ``false`` (t,) of the others; the last ones are all there is.
    """

    thresholds: FloatArray
    true: FloatArray
    false: FloatArray

    @property
    def roc(self) -> tuple[FloatArray, FloatArray]:
        """The false and the true positive rates from (0, 0) to (1, 1), without points on a line between their neighbors."""
        bends = (np.diff(self.false, 2) != 0) | (np.diff(self.true, 2) != 0)
        kept = _with_ends(bends, len(self.true))
        return _from_zero(self.false[kept]) / self.false[-1], _from_zero(self.true[kept]) / self.true[-1]

    @property
    def area(self) -> float:
        """The area under the ROC curve: the share of pairs whose positive row has the greater score, equal ones by half.

        Source: Hanley & McNeil, "The meaning and use of the area under a ROC curve", Radiology 1982.
        """
        true, false = _from_zero(self.true), _from_zero(self.false)
        pairs = np.diff(false) @ (true[1:] + true[:-1])
        return float(pairs / (2 * true[-1] * false[-1]))

    @property
    def precision_recall(self) -> tuple[FloatArray, FloatArray]:
        """Precision and recall at each threshold, (t,) each; where no row has weight yet, precision is 0."""
        answered = self.true + self.false
        precision = np.divide(self.true, answered, out=np.zeros_like(answered), where=answered > 0)
        return precision, self.true / self.true[-1]

    @property
    def steps(self) -> BoolArray:
        """At which thresholds (t,) recall begins or ends to be what it is: all that a curve of precision by recall needs."""
        grows = np.diff(self.true) != 0
        return _with_ends(grows[:-1] | grows[1:], len(self.true))

    @property
    def average_precision(self) -> float:
        """The precisions at all thresholds, each as often as recall grows by it."""
        precision, recall = self.precision_recall
        return float(np.diff(_from_zero(recall)) @ precision)


def ranked(positive: BoolArray, scores: FloatArray, weights: FloatArray | None = None) -> Ranked:
    """Return what is counted of rows by their scores (n,), finite, with weights (n,), 1 each without any.

    >>> found = ranked(np.array([True, False, True, False]), np.array([0.9, 0.5, 0.5, 0.1]))
    >>> found.area, found.true.tolist(), found.false.tolist()
    (0.875, [1.0, 2.0, 2.0], [0.0, 1.0, 2.0])
    """
    order = np.argsort(-scores, kind="stable")
    scores, positive = scores[order], positive[order]
    w = np.ones(len(order)) if weights is None else np.asarray(weights, np.float64)[order]
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    return Ranked(scores[last], np.cumsum(w * positive)[last], np.cumsum(w * ~positive)[last])


def _from_zero(counts: FloatArray) -> FloatArray:
    return np.concatenate([[0.0], counts])


def _with_ends(inner: BoolArray, n: int) -> BoolArray:
    return np.concatenate([[True], inner, [True]]) if n > 2 else np.ones(n, dtype=np.bool_)
