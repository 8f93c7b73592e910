"""The start of a scaling layer where there are more inputs than rows: how much more an input tells than one by chance would."""

from __future__ import annotations

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._types import FloatArray, IntArray
from chainrule.engines.base import Data
from chainrule.equations.features import Features, ranges
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network

BY_CHANCE = 0.5
"""The share of the inputs that pass which may do so by chance."""

BLOCK = 2**21
"""About how many numbers are looked at together."""


def telling(x: FloatArray, y: FloatArray, rows: IntArray, weights: FloatArray | None = None) -> FloatArray:
    """Return for each input how much it tells of the targets, from 0 to 1, (d,), by rows of ``x`` (n, d) and ``y`` (n, n_out).

    The share R² of an input's variance that the targets explain gives, with r independent targets::

        F = R²/r / ((1 - R²)/(n - 1 - r))        g = sqrt(max(0, 1 - c/F))

    Of d inputs that tell nothing d · P(F > c) are beyond c by chance. c is the least at which these are no more than half of
    those that are beyond it; where there is no such c, no input stands out, and all are 1. ``weights`` (n,) are of all rows.
    Sources: Fisher's F of an analysis of variance; Benjamini & Hochberg, "Controlling the false discovery rate", JRSS B 1995.
    """
    # SciPy's special functions take time to import, and most trainings don't need them.
    from scipy.special import fdtrc, fdtri

    of_rows = np.ones(len(rows)) if weights is None else np.asarray(weights[rows], np.float64)
    root, share = np.sqrt(of_rows)[:, None], of_rows / of_rows.sum()
    t = np.asarray(y[rows], np.float64)
    left, sizes, _ = np.linalg.svd((t - share @ t) * root, full_matrices=False)
    basis = left[:, sizes > 1e-9 * max(1e-300, sizes.max(initial=0.0))]
    n, r, d = len(rows), basis.shape[1], x.shape[1]
    if not r or n - 1 - r < 1:
        return np.ones(d)
    known, every = np.zeros(d), np.zeros(d)
    size = max(1, BLOCK // n)
    block = np.asarray(x[rows], np.float64)
    for first in range(0, d, size):
        part = block[:, first : first + size]
        part = (part - share @ part) * root
        known[first : first + size] = np.sum((basis.T @ part) ** 2, axis=0)
        every[first : first + size] = np.sum(part**2, axis=0)
    left_over = np.maximum(every - known, 1e-12 * every)
    F = np.divide(known / r, left_over / (n - 1 - r), out=np.zeros(d), where=every > 0)
    p = fdtrc(r, n - 1 - r, F)
    passed = int(np.max(np.flatnonzero(np.sort(p) <= BY_CHANCE * np.arange(1, d + 1) / d) + 1, initial=0))
    if not passed:
        return np.ones(d)
    c = fdtri(r, n - 1 - r, 1 - BY_CHANCE * passed / d)
    made: FloatArray = np.sqrt(np.maximum(0.0, 1 - c / np.maximum(F, 1e-300)))
    return made


@one_blas_thread()
def on_scales(network: Network, start: FloatArray, data: Data, sharing: str = "none") -> FloatArray:
    """Return the parameters with which a training begins, (k, p), with the scaling layer at how much the inputs tell.

    That is by each member's own training rows, where there are more inputs than these, and weights W of layer 1 grow by
    sqrt(outputs of the stage / sum of s²), so that z is as large as if all entered. Embedded numbers and levels have the
    scale of what they are made of: of a category that of its most telling level. Nothing is changed without a scaling layer,
    nor of members that share.
    """
    features, lines = network.features, np.atleast_2d(data.train)
    if features is None or not features.scale or sharing != "none" or network.n_inputs <= lines.shape[1]:
        return start
    found = [telling(data.x, data.y, line, data.weights) for line in lines]
    if all((each == 1).all() for each in found):
        return start
    made = start.copy()
    own = Layout(network).unflatten(made)
    for member in range(len(made)):
        s = _of_outputs(features, found[member if len(found) > 1 else 0])
        own[0]["s"][member] = s
        own[1]["W"][member] *= np.sqrt(len(s) / np.sum(s * s))
    return made


def _of_outputs(features: Features, g: FloatArray) -> FloatArray:
    """Return the scales of the stage's outputs by those of its inputs."""
    parts: list[FloatArray] = []
    for group, columns in zip(features.groups, ranges(group.size for group in features.groups), strict=True):
        own = g[columns.start : columns.stop]
        parts.append(own if group.kind == "plain" else np.full(features.outputs_of(group), own.max()))
    return np.concatenate(parts)
