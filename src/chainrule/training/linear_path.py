"""The start of a linear path: ridge regression on a member's own training rows, its strength chosen by leaving each out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._types import FloatArray
from chainrule.engines.base import Data
from chainrule.equations.layout import TabMLayout, updated_layout
from chainrule.equations.network import Network
from chainrule.training.settings.recipe import LONGEST_PATH

STRENGTHS = tuple(10.0 ** (power / 2) for power in range(-10, 5))
"""The strengths that are tried, and beyond them all the infinite one, at which there is no slope but the mean alone."""


@dataclass(frozen=True)
class Ridge:
    """A solution: slopes ``S`` (d, n_out), ``b`` (n_out,), the strength, and the mean square left out of fold for each one.

    Of y (n, n_out) from x (n, d) with weights w (n,) of the rows, 1 without any::

        S, b = argmin sum over rows of w (y - x S - b)² / sum of w + strength · sum of S²

    The strength is the one whose answers for each row, had that been left out, have the least weighted mean square; they
    follow from one decomposition: the row's residual over 1 - H[i,i], for the matrix H that makes answers of y.
    Sources: Hoerl & Kennard, "Ridge regression", Technometrics 1970; Allen, "The relationship between variable selection
    and data augmentation and a method for prediction" (PRESS), Technometrics 1974.
    """

    S: FloatArray
    b: FloatArray
    strength: float
    left_out: FloatArray


def ridge(x: FloatArray, y: FloatArray, weights: FloatArray | None = None) -> Ridge:
    """Return ridge's solution for rows ``x`` (n, d) and ``y`` (n, n_out), at the best strength of `STRENGTHS` or at infinity."""
    n = len(x)
    w = np.full(n, 1 / n) if weights is None else weights / weights.sum()
    mean_x, mean_y = w @ x, w @ y
    root = np.sqrt(w)[:, None]
    u, t = (x - mean_x) * root, (y - mean_y) * root
    values, vectors = np.linalg.eigh(u.T @ u)
    values = np.maximum(values, 0.0)
    along = u @ vectors
    onto = along.T @ t
    squares = along**2
    left_out = []
    for strength in (*STRENGTHS, np.inf):
        shrunk = 1 / (values + strength)
        own = np.minimum(squares @ shrunk + w, 1 - 1e-9)[:, None]
        left_out.append(float(np.sum(((t - along @ (shrunk[:, None] * onto)) / (1 - own)) ** 2)))
    best = int(np.argmin(left_out))
    strength = (*STRENGTHS, np.inf)[best]
    S = vectors @ (onto / (values + strength)[:, None])
    return Ridge(S, mean_y - mean_x @ S, strength, np.array(left_out))


@one_blas_thread()
def on_linear_path(network: Network, start: FloatArray, data: Data, sharing: str = "none") -> FloatArray:
    """Return the parameters with which a training begins, (k, p) or (1, q), with the linear path at ridge's solution.

    Of the output layer S and b are set, and W is 0: at the start a member answers as ridge does, and the hidden layers learn
    what that leaves. Nothing is changed where there is no linear path, too many inputs, an output that isn't linear or has
    parameters that are set by hand.
    """
    output, last = network.output, len(network.layers)
    suits = output.activation.name == "identity" and output.bias == "neuron"
    by_hand = output.initial or output.frozen
    if not output.linear_path or not suits or by_hand or network.n_inputs > LONGEST_PATH:
        return start
    made = start.copy()
    x, y = (np.asarray(each, np.float64) for each in (data.x, data.y))
    lines = np.atleast_2d(data.train)
    weights = [None if data.weights is None else data.weights[rows] for rows in lines]
    found = [ridge(x[rows], y[rows], w) for rows, w in zip(lines, weights, strict=True)]
    p = updated_layout(network, _members(network, start, sharing), sharing).unflatten(made)[last]
    shape = p["S"].shape
    # Of members that share there is one row, and their own arrays have the members' axis within it.
    p["S"][:] = np.stack([one.S for one in found]).reshape(-1, *shape[-2:])
    p["b"][:] = np.stack([one.b for one in found])
    p["W"][:] = 0.0
    return made


def _members(network: Network, start: FloatArray, sharing: str) -> int:
    return len(start) if sharing == "none" else TabMLayout.of_theta(network, start).members
