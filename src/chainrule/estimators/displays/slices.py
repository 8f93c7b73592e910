"""Scores by slice: the rows that have the same word in a column, or a number in the same quarter."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError
from chainrule.estimators.displays.answered import Answered
from chainrule.reports.intervals import wilson
from chainrule.tables.cells import number_cells
from chainrule.tables.rows.slices import slices_of

MOST_SLICES = 12
"""The most words that are slices of their own: the most frequent ones."""


class Slices(NamedTuple):
    """The score of each slice (slices,) with the ends of its interval, and that of all rows."""

    names: tuple[str, ...]
    scores: FloatArray
    low: FloatArray
    high: FloatArray
    counts: tuple[int, ...]
    overall: float
    score: str


def scored_slices(of: Answered, column: str) -> Slices:
    """Return the scores of answers by the values of a column; raises TableError for one that isn't there."""
    parts = _parts(of, column)
    if of.classes:
        right = np.asarray(of.truth == of.predicted, np.float64)
        name, each = "accuracy", [_share(right[rows]) for rows in parts.values()]
    else:
        right = np.abs(np.asarray(of.truth) - np.asarray(of.predicted))
        name, each = f"mean absolute error of {of.target}", [_mean(right[rows]) for rows in parts.values()]
    scores, low, high = np.array(each).T
    counts = tuple(len(rows) for rows in parts.values())
    return Slices(tuple(parts), scores, low, high, counts, float(right.mean()), name)


def _parts(of: Answered, column: str) -> dict[str, IntArray]:
    """Return the places (m,) of the rows of each slice by name."""
    dtype = of.rows.column(column).dtype
    numbers = number_cells(of.rows, column) if dtype.is_float() or dtype.is_integer() else None
    made = {
        words.removeprefix("= "): rows
        for words, rows in slices_of(of.rows, column, numbers=numbers, most=MOST_SLICES)
    }
    if not made:
        raise SettingsError(f"{column}: there is no row to score")
    return made


def _share(right: FloatArray) -> tuple[float, float, float]:
    """Return a share with Wilson's 95 % interval."""
    share = float(right.mean())
    interval = wilson(share, len(right))
    return share, interval.low, interval.high


def _mean(values: FloatArray) -> tuple[float, float, float]:
    """Return a mean with Student's 95 % interval, NaN of a single row."""
    from scipy.stats import t

    mean = float(values.mean())
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    reach = float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return mean, mean - reach, mean + reach
