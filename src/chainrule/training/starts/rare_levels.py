"""The start of an embedding where a category has many levels: a level of few rows begins near 0, one that isn't there at 0."""

from __future__ import annotations

import numpy as np

from chainrule._types import FloatArray
from chainrule.engines.base import Data
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.training.settings.recipe import MANY_LEVELS

PRIOR = 10.0
"""So many rows of a level are worth as much as what is known before any: half of the start is left."""

BLOCK = 2**21
"""About how many numbers are looked at together."""


def on_rare_levels(network: Network, start: FloatArray, data: Data, sharing: str = "none") -> FloatArray:
    """Return the parameters with which a training begins, (k, p), with the embeddings of rare levels drawn in.

    Of a category of many inputs a level with n of a member's own training rows begins at::

        E[r,q] = n / (n + 10) · E[r,q]

    as the mean of n numbers is drawn in to 0 where ten are known to be 0. Rows that have weights count by them: as they are
    divided by their mean over the member's rows. What a member never sees then says nothing,
    rather than something by chance. Nothing is changed where no category has so many, nor of members
    that share.
    """
    features = network.features
    if features is None or sharing != "none":
        return start
    wide = [
        (columns, rows)
        for columns, rows in zip(features.column_map.levels, features.column_map.level_rows, strict=True)
        if columns.stop - columns.start >= MANY_LEVELS
    ]
    if not wide:
        return start
    counts = _counts(data)
    made = start.copy()
    E = Layout(network).unflatten(made)[0]["E"]
    for columns, rows in wide:
        n = counts[:, columns]
        E[:, rows] *= (n / (n + PRIOR))[..., None]
    return made


def _counts(data: Data) -> FloatArray:
    """Return for each member and input in how many of its training rows the input isn't 0, (k, d), or (1, d) for all alike.

    A row counts as its weight over the mean of the member's.
    """
    lines = np.atleast_2d(data.train)
    own = np.zeros((len(lines), len(data.x)))
    for line, rows in zip(own, lines, strict=True):
        line[rows] = 1.0 if data.weights is None else data.weights[rows] / np.mean(data.weights[rows])
    found = np.zeros((len(lines), data.x.shape[1]))
    size = max(1, BLOCK // data.x.shape[1])
    for first in range(0, len(data.x), size):
        found += own[:, first : first + size] @ (np.asarray(data.x[first : first + size]) != 0)
    return found
