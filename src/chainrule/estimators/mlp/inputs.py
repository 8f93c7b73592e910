"""Inputs: what scikit-learn's validation lets in, as the dense rows that the engine takes, missing values filled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from chainrule._forks import check_polars
from chainrule._types import FloatArray, IntArray
from chainrule.errors import TableError

MOST_CELLS = 4_000_000
"""A sparse X is made dense in blocks of at most this many numbers where it is only predicted for."""


@dataclass(frozen=True)
class Filling:
    """What stands for missing values: ``means`` (d,) of the training rows, and which columns get an indicator."""

    means: FloatArray
    indicators: IntArray

    @property
    def n_inputs(self) -> int:
        """The network's input neurons."""
        return len(self.means) + len(self.indicators)

    def fill(self, X: FloatArray) -> FloatArray:
        """Return the rows (n, n_inputs) without missing values, and 1 where an indicator's value was missing."""
        missing = np.isnan(X)
        filled = np.where(missing, self.means.astype(X.dtype), X)
        return np.concatenate([filled, missing[:, self.indicators].astype(X.dtype)], axis=1)


def fitted_filling(X: Any, weights: FloatArray | None, how: str) -> Filling | None:
    """Return the filling for validated training rows ``X`` (n, d); None where a missing value is an error.

    The mean is that of the values that are there, by the rows' weights; a column without any gets 0.
    """
    if how == "error":
        return None
    X = dense(X, None, X.dtype)
    there = ~np.isnan(X)
    counted = there if weights is None else there * weights[:, None]
    # Shares before the sum, so that large values don't overflow.
    total = counted.sum(axis=0, dtype=np.float64)
    shares = counted / np.where(total > 0, total, 1.0)
    means = np.sum(np.where(there, X, 0.0) * shares, axis=0)
    columns = np.flatnonzero(~there.all(axis=0)) if how == "mean+indicator" else np.zeros(0, np.int64)
    return Filling(means, columns)


def validated(estimator: Any, X: Any, *y: Any, reset: bool, **options: Any) -> Any:
    """Return X, or X and y, as scikit-learn validates them; NaN is let in where the estimator says what it means."""
    if any(type(given).__module__.startswith("polars.") for given in (X, *y)):
        check_polars()
    return validate_data(
        estimator,
        X,
        *y,
        reset=reset,
        accept_sparse=["csr", "csc"],
        dtype=(np.float64, np.float32),
        ensure_all_finite=True if estimator.missing == "error" else "allow-nan",
        **options,
    )


def as_dtype(values: FloatArray, dtype: Any, name: str) -> FloatArray:
    """Return numbers (n, m) of a dtype; raises TableError, by its place, for one that the dtype has no room for."""
    with np.errstate(over="ignore"):
        made: FloatArray = np.ascontiguousarray(values, dtype)
    if made.dtype.itemsize < values.dtype.itemsize and np.isinf(made).any():
        row, column = (int(place[0]) for place in np.nonzero(np.isinf(made)))
        where = f"row {row + 1}" + f", column {column + 1}" * (values.shape[1] > 1)
        limits = np.finfo(made.dtype)
        raise TableError(
            f"{name}: {where}: {float(values[row, column]):g} is beyond the largest number of {limits.dtype}, "
            f"{float(limits.max):.3g}: scale {name}, or set dtype='float64'"
        )
    return made


def dense(X: Any, filling: Filling | None, dtype: Any) -> FloatArray:
    """Return validated rows as the network's inputs (n, n_inputs), of the engine's dtype."""
    rows: FloatArray = X if isinstance(X, np.ndarray) else X.toarray()
    if filling is not None:
        rows = filling.fill(rows)
    return as_dtype(rows, dtype, "X")


def dense_blocks(X: Any, filling: Filling | None, dtype: Any) -> Iterator[FloatArray]:
    """Yield validated rows as the network's inputs: all at once, or a sparse X in blocks."""
    if isinstance(X, np.ndarray):
        yield dense(X, filling, dtype)
        return
    rows = X.tocsr()
    size = max(1, MOST_CELLS // max(1, X.shape[1]))
    for start in range(0, X.shape[0], size):
        yield dense(rows[start : start + size], filling, dtype)
