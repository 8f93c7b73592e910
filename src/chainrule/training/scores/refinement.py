"""Refinement: the log-loss that is left at the best temperature for the same rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from chainrule._types import FloatArray, IntArray

SHARPEST = 100.0
"""The largest β (or the network's own), where the differences that count have a root mean square of 1.

Rows that are all told apart have no best β. At this one the loss still tells a wide margin from a narrow one.
"""

MOST_ITERATIONS = 60
"""Newton's method takes 4 to 7, more where the network's own boldness is far off; else the bracket around it is halved."""

OF_ITS_OWN = 1.3
"""Where the search begins, as a part of the network's own β: training with dropout leaves networks a little timid."""

LONGEST_STEP = 1.5
"""The most that a step changes ln β."""

PATIENT = 5
"""Steps that only went up, after which the largest β is looked at: the loss of rows told apart falls all the way there."""

CLOSE = 1e-12
"""The part of the loss that another step would gain at most, when it is left at that."""


def refinement(codes: IntArray, z: FloatArray, weights: FloatArray | None = None) -> float:
    """Return min over β >= 0 of the rows' weighted mean of -log softmax(β z)[true class], in nats.

    ``codes`` (n,) are the true classes, ``z`` (n, classes) weighted sums, ``weights`` (n,) the rows'. A network
    that is too sure of itself has the same refinement as one that is as sure as it is right, so what is watched goes on
    falling as long as the classes are told apart better. The loss is convex in β = 1/T; Newton's method in ln β
    finds the zero of its derivative, within a bracket. NaN where a number is not finite.

    Source: Berta, Holzmüller, Jordan & Bach, "Rethinking early stopping: refine, then calibrate", 2025.
    """
    d = np.array(np.transpose(z), np.float64, order="C")
    if not np.isfinite(d).all():
        return float("nan")
    if weights is not None and not np.all(weights):
        d, codes, weights = d[:, weights > 0], codes[weights > 0], weights[weights > 0]
    classes, n = d.shape
    shares = np.full(n, 1 / n) if weights is None else np.asarray(weights, np.float64) / np.sum(weights)
    rows = np.arange(n)
    d -= d[codes, rows]
    # The last class takes the place of the true one, whose difference is 0.
    d[codes, rows] = d[-1]
    d = d[:-1]
    scale = float(np.max(np.abs(d)))
    if scale == 0:
        return float(np.log(classes))
    # The largest one first, so that no square overflows.
    scale *= float(np.sqrt(np.sum(shares * (d / scale) ** 2)))
    d /= scale
    margins = _Margins(d, d * d, d.max(axis=0), shares)
    highest = max(SHARPEST, scale)
    # Beyond the sharpest the loss is a line in β, down which Newton's step in ln β is a short one.
    low, high, beta, to = 0.0, np.inf, min(OF_ITS_OWN * scale, SHARPEST), np.inf
    for steps in range(MOST_ITERATIONS):
        value, slope, curvature = _loss(margins, beta)
        if steps == 0 and slope > 0 and float(np.sum(shares * np.sum(d, axis=0))) >= 0:
            # The loss is convex and rises at β = 0 already: nothing is told apart.
            return float(np.log(classes))
        if slope * slope <= 2 * CLOSE * value * curvature or (slope <= 0 and beta == highest):
            break
        low, high = (low, beta) if slope > 0 else (beta, high)
        if high - low <= CLOSE * low:
            break
        if beta < highest:
            to = _newton(beta, slope, curvature)
        if high == np.inf and (to >= highest or steps >= PATIENT):
            beta = highest
        else:
            beta = to if low < to < high else _between(low, min(high, highest))
    return value


def _newton(beta: float, slope: float, curvature: float) -> float:
    """Return where Newton's step in ln β leads, or in β where the loss is not convex in ln β; 0 where it is flat."""
    bend = beta * curvature + slope
    if bend > 0:
        return float(beta * np.exp(np.clip(-slope / bend, -LONGEST_STEP, LONGEST_STEP)))
    return beta - slope / curvature if curvature > 0 else 0.0


def _between(low: float, high: float) -> float:
    """Return a place in the bracket: the middle of the logarithms, or far down where it reaches to 0."""
    return float(np.sqrt(low * high)) if low > 0 else high / 8


class _Margins(NamedTuple):
    """z of the others less the true one's, (classes - 1, n), its squares, its largest of each row, the rows' shares."""

    d: FloatArray
    squares: FloatArray
    most: FloatArray
    shares: FloatArray


def _loss(margins: _Margins, beta: float) -> tuple[float, float, float]:
    """Return the loss at β and its first two derivatives."""
    d, squares, most, shares = margins
    top = np.maximum(beta * most, 0.0)
    e = beta * d
    e -= top
    np.exp(e, out=e)
    rest = np.sum(e, axis=0)
    total = np.exp(-top) + rest
    mean = np.einsum("ij,ij->j", e, d) / total
    square = np.einsum("ij,ij->j", e, squares) / total
    # log1p keeps the digits of a row that is all but right.
    losses = np.where(top > 0, top + np.log(total), np.log1p(rest))
    value, slope, curvature = (float(np.sum(shares * of)) for of in (losses, mean, square - mean * mean))
    return value, slope, curvature
