"""Which columns tell what another one says: from the rows alone, whatever the columns' kinds.

How much of column B column A tells is the share of B's variance that a regression of B's inputs on A explains, adjusted for
the number of terms::

    told = 1 - (1 - R²) · (n - 1)/(n - k),   R² = sum over B's inputs of explained / sum of all variance

Numbers are ranked before, and enter the regression with ranks and as bins of equal counts, so that bends are seen as well;
words enter as what they are, 0 and 1: then R² is Goodman and Kruskal's tau (JASA 49, 1954), or for a number told by words the
correlation ratio. Columns that tell each other can't be told apart by shuffling one of them: the model reads it from the
other (Hooker, Mentch & Zhou, "Unrestricted permutation forces extrapolation", Statistics and Computing 31, 2021).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._types import FloatArray, IntArray

TOLD = 0.9
"""From which share on a column tells another: a rank correlation of about 0.95."""

BINS = 20
"""The bins of equal counts of a number."""

LEAST_PER_TERM = 10
"""The least rows for each bin."""

MOST_ROWS = 5000
"""The most rows that are compared: the first of those looked at."""


@one_blas_thread()
def told_shares(x: FloatArray, inputs: Sequence[IntArray]) -> FloatArray:
    """Return how much each column (its ``inputs`` in x (n, d)) tells of each other one, (columns, columns), row tells column."""
    x = x[:MOST_ROWS]
    seen = [_ranked(x[:, own]) for own in inputs]
    sizes = [part.shape[1] for part in seen]
    together = np.concatenate(seen, axis=1) if seen else np.zeros((len(x), 0))
    together = together - together.mean(axis=0)
    starts = np.cumsum([0, *sizes[:-1]])
    total = np.add.reduceat((together**2).sum(axis=0), starts)
    found = np.zeros((len(inputs), len(inputs)))
    n = len(x)
    for place, part in enumerate(seen):
        basis = _basis(part)
        terms = basis.shape[1] + 1
        if terms >= n:
            continue
        explained = np.add.reduceat(((basis.T @ together) ** 2).sum(axis=0), starts)
        with np.errstate(all="ignore"):
            missed = 1 - explained / total
            found[place] = np.where(total > 1e-12 * n, 1 - missed * (n - 1) / (n - terms), 0.0)
    return np.asarray(np.clip(found, 0.0, 1.0))


def alike_groups(told: FloatArray, least: float = TOLD) -> list[tuple[int, ...]]:
    """Return groups of two or more columns that all tell each other at least so much, the most alike first joined.

    >>> alike_groups(np.array([[1, 0.95, 0.1], [0.9, 1, 0.2], [0.1, 0.1, 1]]))
    [(0, 1)]
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(told) < 2:
        return []
    apart = 1 - np.minimum(told, told.T)
    np.fill_diagonal(apart, 0.0)
    labels = fcluster(linkage(squareform(apart), "complete"), 1 - least + 1e-12, "distance")
    groups = [tuple(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)]
    return sorted(group for group in groups if len(group) > 1)


def _ranked(values: FloatArray) -> FloatArray:
    """Return inputs (n, k) as ranks from 0 to 1, those that are equal as their mean."""
    from scipy.stats import rankdata

    return np.asarray((rankdata(values, axis=0) - 1) / max(1, len(values) - 1))


def _basis(ranks: FloatArray) -> FloatArray:
    """Return what a column's ranks (n, k) let a regression say: orthonormal columns, with mean 0."""
    n = len(ranks)
    count = max(2, min(BINS, n // LEAST_PER_TERM))
    parts = [ranks]
    for column in ranks.T:
        if len(np.unique(column)) > 2:
            parts.append(np.eye(count)[np.minimum((column * count).astype(int), count - 1)])
    terms = np.concatenate(parts, axis=1)
    terms = terms - terms.mean(axis=0)
    # By the products of the few terms, not of the many rows: what is nearly told by the others is left out.
    sizes, turned = np.linalg.eigh(terms.T @ terms)
    kept = sizes > 1e-9 * max(1.0, float(sizes.max(initial=0.0)))
    return np.asarray(terms @ (turned[:, kept] / np.sqrt(sizes[kept])))
