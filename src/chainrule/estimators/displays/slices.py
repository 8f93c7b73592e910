"""Scores by slice: the rows that have the same word in a column, or a number in the same quarter."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from chainrule._types import FloatArray
from chainrule.errors import SettingsError
from chainrule.estimators.displays.answered import Answered
from chainrule.plots.ticks import short_number
from chainrule.reports.intervals import wilson

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


def _parts(of: Answered, column: str) -> dict[str, Any]:
    """Return the places (m,) of the rows of each slice by name."""
    cells = of.rows.column(column)
    missing = cells.is_null().to_numpy()
    if cells.dtype.is_float() or cells.dtype.is_integer():
        values = cells.cast(float).to_numpy()
        missing = missing | np.isnan(values)
        known = np.unique(values[~missing])
        if len(known) > 6:
            made = _quarters(values, missing)
        else:
            made = {short_number(value): np.flatnonzero(values == value) for value in known.tolist()}
    else:
        texts = np.array([str(value) for value in cells.to_list()], object)
        names, counts = np.unique(texts[~missing].astype(str), return_counts=True)
        kept = sorted(names[np.argsort(-counts, kind="stable")][:MOST_SLICES].tolist())
        made = {name: np.flatnonzero((texts == name) & ~missing) for name in kept}
        if len(kept) < len(names):
            made["others"] = np.flatnonzero(~np.isin(texts.astype(str), kept) & ~missing)
    if missing.any():
        made["missing"] = np.flatnonzero(missing)
    if not made:
        raise SettingsError(f"{column}: there is no row to score")
    return made


def _quarters(values: FloatArray, missing: Any) -> dict[str, Any]:
    cuts = np.unique(np.quantile(values[~missing], [0.25, 0.5, 0.75]))
    where = np.searchsorted(cuts, values, side="left")
    texts = list(map(short_number, cuts.tolist()))
    names = [f"up to {texts[0]}", *(f"{a} to {b}" for a, b in pairwise(texts))]
    names.append(f"above {texts[-1]}")
    parts = {name: np.flatnonzero((where == i) & ~missing) for i, name in enumerate(names)}
    return {name: rows for name, rows in parts.items() if len(rows)}


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
