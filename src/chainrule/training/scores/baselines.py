"""The two baselines every score is shown beside: knowing nothing, and a straight line."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._types import FloatArray, IntArray
from chainrule.equations.dense import Dense
from chainrule.equations.network import Network
from chainrule.tables.encoding.encoded_rows import EncodedRows, blocks_of
from chainrule.training.scores.metrics import mean_of
from chainrule.training.starts.linear_cost import LinearCost, Slopes

Answered = dict[str, FloatArray | IntArray]
"""What a baseline answers for rows, by what metrics are of: ``labels`` and ``probabilities``, or ``numbers``."""

TRIVIAL = {
    "majority class": "always answering the most frequent class",
    "mean": "always answering the mean",
}
"""The baselines that know nothing, and what they do."""

MOST_ROWS = 50_000
"""Logistic regression is fitted on at most this many rows, evenly taken, so that it can't outlast the network."""

MOST_ODDS = 20_000_000
"""There is no logistic regression where rows times classes are more: it would need gigabytes."""

FEW_INPUTS, MOSTLY = 500, 0.3
"""More inputs than these, of which no more than this part isn't 0, are kept without their zeros."""

MOST_WORK = 2e10
"""About the most multiplications for logistic regression: what bounds its iterations, 1000 at most."""

ENDS: Mapping[str, Any] = MappingProxyType({"gtol": 1e-4, "ftol": 64 * np.finfo(np.float64).eps, "maxls": 50})
"""When logistic regression is found: no part of the slope is above ``gtol``, or an iteration brings no more than rounding."""


@one_blas_thread()
def class_answers(
    x: FloatArray,
    y: IntArray,
    x_test: FloatArray,
    n_classes: int,
    weights: FloatArray | None = None,
    row_weights: FloatArray | None = None,
) -> dict[str, Answered]:
    """Return the answers of the majority class (with the classes' shares) and of logistic regression.

    ``weights`` (n,) are those of the training rows, ``row_weights`` (n,) what the majority is counted by, if not by these.
    Logistic regression is left out where there is no input, one class only, or too much of both.
    """
    counts = np.bincount(y, weights if row_weights is None else row_weights, minlength=n_classes)
    shares = counts / counts.sum()
    constant = np.tile(shares, (len(x_test), 1))
    guesses = np.full(len(x_test), int(np.argmax(shares)))
    found: dict[str, Answered] = {"majority class": {"labels": guesses, "probabilities": constant}}
    rows = _evenly(len(y))
    if x.shape[1] and np.ptp(y[rows]) > 0 and len(rows) * n_classes <= MOST_ODDS:
        iterations = int(np.clip(MOST_WORK / (len(rows) * x.shape[1] * n_classes), 20, 1000))
        own = None if weights is None else weights[rows]
        probabilities = np.zeros((len(x_test), n_classes))
        classes, answers = logistic(_products(x[rows]), y[rows], own, iterations)
        probabilities[:, classes] = np.concatenate([answers(_products(some)) for some in blocks_of(x_test)])
        guesses = np.argmax(probabilities, axis=1)
        found["logistic regression"] = {"labels": guesses, "probabilities": probabilities}
    return found


@one_blas_thread()
def number_answers(
    x: FloatArray, y: FloatArray, x_test: FloatArray, weights: FloatArray | None = None
) -> dict[str, Answered]:
    """Return the answers of the mean and of linear regression; ``y`` (n,) in the target's units.

    ``weights`` (n,) are those of the training rows.
    """
    mean = np.full(len(x_test), mean_of(y, weights))
    found: dict[str, Answered] = {"mean": {"numbers": mean}}
    if x.shape[1]:
        slopes, level = (
            _line(x, y, weights) if x.shape[1] <= FEW_INPUTS else _long_line(_products(x), y, weights)
        )
        answers = [_products(some) @ slopes + level for some in blocks_of(x_test)]
        found["linear regression"] = {"numbers": np.concatenate(answers)}
    return found


def logistic(
    x: Any, y: IntArray, weights: FloatArray | None, iterations: int
) -> tuple[IntArray, Callable[[Any], FloatArray]]:
    """Return the classes among ``y`` (n,), and what gives their probabilities (m, classes) by logistic regression.

    It is a network without hidden layers, sigmoid for two classes and softmax for more, trained on rows x (n, d) of ``weights``
    (n,), or 1 each, by the cost::

        sum over rows of weight · loss + sum of squared slopes / 2

    That is scikit-learn's LogisticRegression as it comes, from L-BFGS begun at 0 that ends as there.
    """
    classes, codes = np.unique(y, return_inverse=True)
    two = len(classes) == 2
    layer, loss = (
        (Dense(1, "sigmoid"), "binary_cross_entropy")
        if two
        else (Dense(len(classes), "softmax"), "categorical_cross_entropy")
    )
    aims = codes[:, None] == ([1] if two else np.arange(len(classes)))
    w = np.ones(len(y)) if weights is None else np.asarray(weights, np.float64)
    cost = LinearCost(Network([x.shape[1], layer], loss), x, aims, w / w.sum())
    start = Slopes(np.zeros((x.shape[1], layer.n_out)), np.zeros(layer.n_out))
    with np.errstate(all="ignore"):
        line = cost.solved(0.5 / w.sum(), start, {**ENDS, "maxiter": iterations})

    def answers(rows: Any) -> FloatArray:
        a = cost.outputs(line, rows)
        return np.hstack([1 - a, a]) if two else a

    return classes, answers


def _line(x: FloatArray, y: FloatArray, weights: FloatArray | None) -> tuple[FloatArray, float]:
    """Return the slopes (d,) and the level of the least squares, block by block.

    The triangle R of x = QR, and Q'y beside it, are all that the smallest solution needs: each block is put below those of the
    blocks before it, and taken apart again.
    """
    w = np.ones(len(x)) if weights is None else weights / weights.mean()
    middle, start = np.zeros(x.shape[1]), 0
    for block in blocks_of(x):
        middle += w[start : start + len(block)] @ block / w.sum()
        start += len(block)
    level = float(w @ y / w.sum())
    triangle: FloatArray = np.zeros((0, x.shape[1] + 1))
    start = 0
    for block in blocks_of(x):
        rows = slice(start, start + len(block))
        both = np.column_stack([block - middle, y[rows] - level]) * np.sqrt(w[rows])[:, None]
        triangle = np.asarray(np.linalg.qr(np.concatenate([triangle, both]), mode="r"))
        start += len(block)
    slopes: FloatArray = np.linalg.lstsq(
        triangle[:, :-1], triangle[:, -1], rcond=max(x.shape) * np.finfo(np.float64).eps
    )[0]
    return slopes, level - float(middle @ slopes)


def _long_line(x: Any, y: FloatArray, weights: FloatArray | None) -> tuple[FloatArray, float]:
    """Return the slopes (d,) and the level of the least squares of many inputs, dense or without their zeros, by LSQR.

    Source: Paige & Saunders, "LSQR: an algorithm for sparse linear equations and sparse least squares", ACM TOMS 1982.
    """
    from scipy.sparse.linalg import LinearOperator, lsqr

    w = np.ones(len(y)) if weights is None else weights / weights.mean()
    middle, level, root = x.T @ w / w.sum(), float(w @ y / w.sum()), np.sqrt(w)
    centered = LinearOperator(
        x.shape,
        matvec=lambda s: root * (x @ s.ravel() - middle @ s.ravel()),
        rmatvec=lambda r: x.T @ (root * r.ravel()) - middle * float(root @ r.ravel()),
        dtype=np.float64,
    )
    slopes: FloatArray = lsqr(centered, root * (y - level), atol=1e-6, btol=1e-6)[0]
    return slopes, level - float(middle @ slopes)


def _products(x: FloatArray) -> Any:
    """Return a table of many inputs that are mostly 0 without these, since products with it are made again and again."""
    if x.shape[1] <= FEW_INPUTS:
        return np.asarray(x)
    from scipy.sparse import csr_array, vstack

    if isinstance(x, EncodedRows):
        made = vstack([csr_array(block) for block in x.blocks()], format="csr")
        return made if made.nnz < MOSTLY * math.prod(x.shape) else np.asarray(x)
    return csr_array(x) if np.count_nonzero(x) < MOSTLY * x.size else x


def linearly_separable(x: FloatArray, y: IntArray) -> bool:
    """Return whether some w, b put all rows of class 1 above 0 and all of class 0 below.

    A linear program finds them, with (2y - 1)(x·w + b) >= 1 for every row: ``x`` (n, d), ``y`` (n,) of 0 and 1.
    """
    from scipy.optimize import linprog

    signs = (2.0 * y - 1.0)[:, None]
    rows = -signs * np.hstack([x, np.ones((len(x), 1))])
    cost, bounds = np.zeros(rows.shape[1]), (None, None)
    found = linprog(cost, A_ub=rows, b_ub=-np.ones(len(x)), bounds=bounds, method="highs")
    return bool(found.status == 0)


def _evenly(n: int) -> IntArray:
    return np.arange(n) if n <= MOST_ROWS else np.linspace(0, n - 1, MOST_ROWS).astype(np.int64)
