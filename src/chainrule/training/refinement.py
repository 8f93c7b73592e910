"""Refinement: the log-loss that is left at the best temperature for the same rows."""

from __future__ import annotations

import numpy as np

from chainrule._types import FloatArray, IntArray

SHARPEST = 100.0
"""The largest β (or the network's own), where the differences that count have a root mean square of 1.

Rows that are all told apart have no best β. At this one the loss still tells a wide margin from a narrow one.
"""

MOST_ITERATIONS = 60
"""Newton's method takes 4 to 8; the bracket that guards it is halved in the others."""

CLOSE = 1e-12
"""The part of the loss that another step would gain at most, when it is left at that."""


def refinement(codes: IntArray, z: FloatArray, weights: FloatArray | None = None) -> float:
    """Return min over β >= 0 of the rows' weighted mean of -log softmax(β z)[true class], in nats.

    ``codes`` (n,) are the true classes, ``z`` (n, classes) weighted sums, ``weights`` (n,) the rows'. A network
    that is too sure of itself has the same refinement as one that is as sure as it is right, so what is watched goes on
    falling as long as the classes are told apart better. The loss is convex in β = 1/T; Newton's method finds the
    zero of its derivative, within a bracket. NaN where a number is not finite.

    Source: Berta, Holzmüller, Jordan & Bach, "Rethinking early stopping: refine, then calibrate", 2025.
    """
    d = np.asarray(z, np.float64)
    if not np.isfinite(d).all():
        return float("nan")
    if weights is not None and not np.all(weights):
        d, codes, weights = d[weights > 0], codes[weights > 0], weights[weights > 0]
    n, classes = d.shape
    shares = np.full(n, 1 / n) if weights is None else np.asarray(weights, np.float64) / np.sum(weights)
    others = np.arange(classes) != codes[:, None]
    d = (d - d[np.arange(n), codes, None])[others].reshape(n, classes - 1)
    scale = float(np.max(np.abs(d)))
    if scale == 0:
        return float(np.log(classes))
    # The largest one first, so that no square overflows.
    scale *= float(np.sqrt(np.sum(shares[:, None] * (d / scale) ** 2)))
    d /= scale
    low, high = 0.0, max(SHARPEST, scale)
    value, slope, _ = _loss(d, shares, high)
    if slope <= 0:
        return value
    beta = min(1.0, scale)
    for _ in range(MOST_ITERATIONS):
        value, slope, curvature = _loss(d, shares, beta)
        if slope * slope <= 2 * CLOSE * value * curvature:
            break
        low, high = (low, beta) if slope > 0 else (beta, high)
        if high - low <= CLOSE * high:
            break
        to = beta - slope / curvature if curvature > 0 else low
        beta = to if low < to < high else _between(low, high)
    return value


def _between(low: float, high: float) -> float:
    """Return a place in the bracket: the middle of the logarithms, or far down where it reaches to 0."""
    return float(np.sqrt(low * high)) if low > 0 else high / 8


def _loss(d: FloatArray, shares: FloatArray, beta: float) -> tuple[float, float, float]:
    """Return the loss at β and its first two derivatives; ``d`` (n, classes - 1): z of the others less the true one's."""
    t = beta * d
    top = np.maximum(t.max(axis=1), 0.0)
    e = np.exp(t - top[:, None])
    true, rest = np.exp(-top), e.sum(axis=1)
    p = e / (true + rest)[:, None]
    mean = np.vecdot(p, d)
    # log1p keeps the digits of a row that is all but right.
    losses = np.where(top > 0, top + np.log(true + rest), np.log1p(rest))
    return (
        float(np.sum(shares * losses)),
        float(np.sum(shares * mean)),
        float(np.sum(shares * (np.vecdot(p, d * d) - mean * mean))),
    )
