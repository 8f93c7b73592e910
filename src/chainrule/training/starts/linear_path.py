"""The start of a linear path: the linear model of a member's own training rows, its strength chosen out of fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._types import FloatArray, IntArray
from chainrule.engines.base import Data
from chainrule.equations.layout import TabMLayout, updated_layout
from chainrule.equations.network import Network
from chainrule.training.settings.recipe import LONGEST_PATH
from chainrule.training.starts.drawn_in import drawn_in, leave_out, wide_blocks
from chainrule.training.starts.linear_cost import LinearCost, Slopes

STRENGTHS = tuple(10.0 ** (power / 2) for power in range(-10, 5))
"""The strengths of ridge that are tried, and beyond them the infinite one, at which there is no slope but the mean alone."""

MOST_NUMBERS = 2**22
"""The most numbers of rows that are looked at together; of more, an eighth of it at a time."""

EXACT = 500
"""The most inputs, or rows, of a ridge that is solved by a decomposition, in operations by their number cubed."""

MOST_TRIED = 4_000
"""There it is tried on at most this many of a member's rows, evenly taken, by how much wide categories enter."""

STEPS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
"""The strengths where the solution is searched for, the strongest first: each begins where the one before it ended."""

MOST_ROWS = 20_000
"""There a member's line is searched for on at most this many of its rows, evenly taken."""

DENSE = 0.3
"""From this share of numbers other than 0 on, the products with a table of inputs leave none out."""


@dataclass(frozen=True)
class Ridge(Slopes):
    """Ridge's solution, the strength, and the mean square left out of fold for each one.

    Of y (n, n_out) from x (n, d) with weights w (n,) of the rows, 1 without any::

        S, b = argmin sum over rows of w (y - x S - b)² / sum of w + strength · sum of S²

    The strength is the one whose answers for each row, had that been left out, have the least weighted mean square; they
    follow from one decomposition: the row's residual over 1 - H[i,i], for the matrix H that makes answers of y.
    Sources: Hoerl & Kennard, "Ridge regression", Technometrics 1970; Allen, "The relationship between variable selection
    and data augmentation and a method for prediction" (PRESS), Technometrics 1974.
    """

    strength: float
    left_out: FloatArray


def ridge(
    x: FloatArray,
    y: FloatArray,
    weights: FloatArray | None = None,
    rows: IntArray | None = None,
    scale: FloatArray | None = None,
) -> Ridge:
    """Return ridge's solution for rows ``x`` (n, d) and ``y`` (n, n_out), at the best strength of `STRENGTHS` or at infinity.

    ``rows`` are those that count, all without any. They are looked at in blocks, so that of a large table there is no copy.
    ``scale`` (d,), 1 without any: by how much each input enters, so S is that much T, and T is what is penalized. With more
    inputs than rows the matrix that is decomposed is that of the rows' products (the same values by fewer operations).
    """
    rows = np.arange(len(x)) if rows is None else rows
    n, d = len(rows), max(1, x.shape[1])
    size = max(1, n if n * d <= MOST_NUMBERS else MOST_NUMBERS // (8 * d))
    of_rows = None if weights is None else weights[rows]
    w = np.full(n, 1 / n) if of_rows is None else of_rows / of_rows.sum()
    cuts = [slice(start, start + size) for start in range(0, n, size)]
    means: list[Any] = [sum(w[cut] @ each[rows[cut]] for cut in cuts) for each in (x, y)]
    mean_x, mean_y = means

    def centered(cut: slice) -> tuple[FloatArray, FloatArray]:
        root = np.sqrt(w[cut])[:, None]
        u = (x[rows[cut]] - mean_x) * root
        return u if scale is None else u * scale, (y[rows[cut]] - mean_y) * root

    kept = [centered(cut) for cut in cuts] if len(cuts) == 1 else []
    dual = bool(kept) and n < x.shape[1]
    if dual:
        u, t = kept[0]
        square, cross = u @ u.T, t
    else:
        square, cross = np.zeros((x.shape[1],) * 2), np.zeros((x.shape[1], y.shape[1]))
        for u, t in kept or map(centered, cuts):
            square, cross = square + u.T @ u, cross + u.T @ t
    if not np.isfinite(square).all() or not np.isfinite(cross).all():
        # Squares are beyond all floats: there is no solution, and what is returned says so.
        nothing = np.full(1 + len(STRENGTHS), np.inf)
        return Ridge(np.full((x.shape[1], y.shape[1]), np.inf), mean_y, np.inf, nothing)
    values, vectors = np.linalg.eigh(square)
    values = np.maximum(values, 0.0)
    if dual:
        onto = np.sqrt(values)[:, None] * (vectors.T @ cross)
    else:
        onto = (kept[0][0] @ vectors).T @ kept[0][1] if kept else vectors.T @ cross
    tried = (*STRENGTHS, np.inf)
    left_out = np.zeros(len(tried))
    for cut, (u, t) in zip(cuts, kept or map(centered, cuts), strict=True):
        along = vectors * np.sqrt(values) if dual else u @ vectors
        squares = along**2
        for place, strength in enumerate(tried):
            shrunk = 1 / (values + strength)
            own = np.minimum(squares @ shrunk + w[cut], 1 - 1e-9)[:, None]
            left_out[place] += float(np.sum(((t - along @ (shrunk[:, None] * onto)) / (1 - own)) ** 2))
    strength = tried[int(np.argmin(left_out))]
    if dual:
        S = kept[0][0].T @ (vectors @ ((vectors.T @ cross) / (values + strength)[:, None]))
    else:
        S = vectors @ (onto / (values + strength)[:, None])
    S = S if scale is None else S * scale[:, None]
    return Ridge(S, mean_y - mean_x @ S, strength, left_out, scale=scale)


def penalized(network: Network, data: Data) -> Sequence[Slopes]:
    """Return for each line of training rows the linear model of the network's own output and loss.

    The strength is the one of `STEPS`, or infinite (no slope), with the least cost of all lines on the rows
    that each leaves to others; where all have the same rows, on every fifth of them.
    """
    lines = np.atleast_2d(data.train)
    held = _held_out(lines)
    parts = [(lines[i], held[i]) for i in range(len(lines))]
    if len(lines) == 1:
        fifth = np.arange(lines.shape[1]) % 5 == 0
        parts = [(lines[0][~fifth], lines[0][fifth])]
    rows = partial(_rows, network, data)
    learned, judged = ([rows(some) for some in each] for each in zip(*parts, strict=True))
    shape = (network.n_inputs, network.output.n_out)
    nothing = Slopes(np.zeros((0, shape[1])), np.zeros(shape[1]))
    path = [[Slopes(np.zeros(shape), one.solved(0.0, nothing).b) for one in map(_constant, learned)]]
    costs = [_mean_cost(judged, path[0])]
    scale: FloatArray | None = None

    def solved(strength: float, scale: FloatArray | None) -> tuple[list[Slopes], float]:
        ones = [replace(one, scale=scale) for one in learned]
        found = [one.solved(strength, line) for one, line in zip(ones, path[-1], strict=True)]
        return found, _mean_cost(judged, found)

    def go_on() -> None:
        for strength in STEPS[len(path) - 1 :]:
            found, cost = solved(strength, scale)
            path.append(found)
            costs.append(cost)
            if cost > costs[-2]:
                break  # the weaker ones follow the rows still more closely

    go_on()
    blocks = wide_blocks(network)
    if blocks:
        best, n = max(1, int(np.argmin(costs))), sum(len(one.y) for one in judged)
        del path[best + 1 :], costs[best + 1 :]
        scale = drawn_in(
            blocks, network.n_inputs, n, lambda tried: solved(STEPS[best - 1], tried)[1], costs[best]
        )
        if (scale != 1).any():
            path[best], costs[best] = solved(STEPS[best - 1], scale)
            go_on()
    best = int(np.argmin(costs))
    if len(lines) == 1 and best:
        return [replace(rows(lines[0]), scale=scale).solved(STEPS[best - 1], path[best][0])]
    return path[best]


def _constant(one: LinearCost) -> LinearCost:
    return LinearCost(one.network, np.zeros((len(one.y), 0)), one.y, one.weights)


def _mean_cost(judged: list[LinearCost], lines: list[Slopes]) -> float:
    return float(np.mean([one.cost(line) for one, line in zip(judged, lines, strict=True)]))


def _held_out(lines: IntArray) -> list[IntArray]:
    """Return for each line of rows those that only others have."""
    everyone = np.unique(lines)
    return [np.setdiff1d(everyone, line) for line in lines]


def _rows(network: Network, data: Data, rows: IntArray) -> LinearCost:
    if len(rows) > MOST_ROWS:
        rows = rows[np.linspace(0, len(rows) - 1, MOST_ROWS).astype(np.int64)]
    x = _without_zeros(data.x, rows)
    weights = np.full(len(rows), 1.0) if data.weights is None else data.weights[rows].astype(np.float64)
    return LinearCost(network, x, np.asarray(data.y[rows], np.float64), weights / weights.sum())


def _without_zeros(x: FloatArray, rows: IntArray) -> Any:
    """Return some rows of inputs in float64, without the zeros where most are; of a large table block by block."""
    from scipy.sparse import csr_array, vstack

    size = max(1, MOST_NUMBERS // max(1, x.shape[1]))
    parts = []
    for start in range(0, max(1, len(rows)), size):
        block = np.asarray(x[rows[start : start + size]], np.float64)
        if np.count_nonzero(block) >= DENSE * block.size:
            return np.asarray(x[rows], np.float64)
        parts.append(csr_array(block))
    return parts[0] if len(parts) == 1 else vstack(parts, format="csr")


def _ridges(network: Network, data: Data) -> Sequence[Slopes]:
    """Return ridge's solution for each line of training rows."""
    x, y = (np.asarray(each, np.float64) for each in (data.x, data.y))
    blocks = wide_blocks(network)
    found = []
    for rows in np.atleast_2d(data.train):
        scale = None
        if blocks:
            some = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_TRIED)).astype(np.int64)]

            def cost(tried: FloatArray, some: IntArray = some) -> float:
                return float(np.min(ridge(x, y, data.weights, some, tried).left_out))

            scale = drawn_in(blocks, x.shape[1], len(some), cost, cost(np.ones(x.shape[1])))
        found.append(ridge(x, y, data.weights, rows, scale))
    return found


@one_blas_thread()
def on_linear_path(
    network: Network, start: FloatArray, data: Data, sharing: str = "none", *, stage: bool = False
) -> FloatArray:
    """Return the parameters with which a training begins, (k, p) or (1, q), with the linear path at the linear model's.

    That is ridge regression where the output is linear, and for classes logistic regression.
    Of the output layer S and b are set, and W is 0: at the start a member answers as that model does, and the hidden layers
    learn what it leaves; with ``stage`` these do without categories of rare levels that the linear model does without
    (`leave_out`). Nothing is changed where there is no linear path, too many inputs, another output, or one that has
    parameters that are set by hand; nor where numbers are so large that the linear model isn't finite.
    """
    output, last = network.output, len(network.layers)
    linear = output.activation.name == "identity"
    suits = linear or output.activation.name in network.loss.links
    by_hand = output.initial or output.frozen
    if not output.linear_path or not suits or output.bias != "neuron" or by_hand:
        return start
    if network.n_inputs > LONGEST_PATH:
        return start
    exact = linear and min(network.n_inputs, np.atleast_2d(data.train).shape[1]) <= EXACT
    with np.errstate(all="ignore"):
        found = _ridges(network, data) if exact else penalized(network, data)
    if not all(np.isfinite(one.S).all() and np.isfinite(one.b).all() for one in found):
        return start
    made = start.copy()
    p = updated_layout(network, _members(network, start, sharing), sharing).unflatten(made)[last]
    shape = p["S"].shape
    # Of members that share there is one row, and their own arrays have the members' axis within it.
    p["S"][:] = np.stack([one.S for one in found]).reshape(-1, *shape[-2:])
    p["b"][:] = np.stack([one.b for one in found])
    p["W"][:] = 0.0
    if stage and sharing == "none":
        for member, (line, rows) in enumerate(zip(found, np.atleast_2d(data.train), strict=True)):
            leave_out(network, made[member if len(found) > 1 else slice(None)], line.scale, data.x, rows)
    return made


def _members(network: Network, start: FloatArray, sharing: str) -> int:
    return len(start) if sharing == "none" else TabMLayout.of_theta(network, start).members
