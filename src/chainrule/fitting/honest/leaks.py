"""Columns that alone nearly tell the target: a copy of it, a recoding, a near copy, most often known only after it.

The rows to learn from are halved by the rule that parts all rows. In one half each column's values are dealt out to levels or
quantile bins, whose most frequent class, or mean, answers for the other half. A column is named where that leaves at most a
twentieth of the errors that the most frequent class alone makes, or a fiftieth of the variance of numbers, where a straight
line counts as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from chainrule._types import FloatArray, IntArray
from chainrule.fitting.prepared import Encoded, Leak
from chainrule.fitting.rows import LEAKS_STREAM, strata_of
from chainrule.tables.cells import date_cells
from chainrule.tables.encoding.columns import ColumnEncoder
from chainrule.tables.encoding.target import TargetEncoder
from chainrule.tables.encoding.targets import Target
from chainrule.tables.table import Table

FEWEST = 20
"""The fewest rows of a half."""

MOST_ROWS, MOST_COLUMNS = 20_000, 500
"""The rows, evenly taken, and the columns that are looked at."""

BINS = 128
"""The quantile bins of a number of more values than this."""

ERRORS_LEFT, VARIANCE_LEFT = 0.05, 0.02
"""The largest shares of errors, or of the variance, that are left where a column nearly tells the target."""


def leaks(encoded: Encoded, target: Target) -> tuple[Leak, ...]:
    """Return the columns that alone nearly tell a target; none of a table whose only column it is, or of few rows."""
    columns = encoded.encoder.columns
    if len(columns) < 2 or len(encoded.left) < 2 * FEWEST:
        return ()
    rows, table = encoded.left, encoded.table
    if len(rows) > MOST_ROWS:
        rows = rows[np.linspace(0, len(rows) - 1, MOST_ROWS).astype(np.int64)]
    strata = strata_of(table, target.names, rows, by_class=encoded.by_class)
    seed = encoded.settings.seed
    learned, asked = encoded.parting.validated(rows, 0.5, seed, strata, LEAKS_STREAM)
    if len(learned) < FEWEST or len(asked) < FEWEST:
        return ()
    halves = table.take(learned), table.take(asked)
    found = (leak for part in target.parts for leak in _leaks_of(part, columns[:MOST_COLUMNS], *halves))
    each = {leak.column: leak for leak in found}
    return tuple(each.values())


def _leaks_of(
    target: TargetEncoder, columns: Sequence[ColumnEncoder], learned: Table, asked: Table
) -> Iterator[Leak]:
    """Yield what is left of a target by each column that nearly tells it."""
    is_class = target.n_classes > 0
    y: FloatArray | IntArray
    wanted: FloatArray | IntArray
    if is_class:
        y, wanted = target.codes(learned), target.codes(asked)
        blind = np.mean(wanted != np.bincount(y).argmax())
        most = ERRORS_LEFT
    else:
        y, wanted = target.numbers(learned), target.numbers(asked)
        with np.errstate(over="ignore"):
            blind = np.mean((wanted - y.mean()) ** 2)
        most = VARIANCE_LEFT
    if not blind > 0 or not np.isfinite(blind):
        return
    for column in columns:
        least = min(_errors(column, learned, asked, y, wanted, is_class=is_class)) / blind
        if least <= most:
            yield Leak(column.name, target.name, float(least), is_class)


def _errors(
    column: ColumnEncoder,
    learned: Table,
    asked: Table,
    y: FloatArray | IntArray,
    wanted: FloatArray | IntArray,
    *,
    is_class: bool,
) -> Iterator[float]:
    """Yield the mean errors of answers by levels or bins, and of a straight line between numbers."""
    places, others, numbers = _places(column, learned, asked)
    n = int(max(places.max(), others.max())) + 1
    if is_class:
        k = int(max(y.max(), wanted.max())) + 1
        counts = np.bincount(places * k + y, minlength=n * k).reshape(n, k)
        answers = np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1), np.bincount(y).argmax())
        yield float(np.mean(answers[others] != wanted))
        return
    counts = np.bincount(places, minlength=n)
    means = np.bincount(places, y, minlength=n) / np.maximum(counts, 1)
    answers = np.where(counts > 0, means, y.mean())
    with np.errstate(over="ignore", invalid="ignore"):
        yield float(np.mean((answers[others] - wanted) ** 2))
        if numbers is not None and not np.isnan(np.concatenate(numbers)).any():
            x, new = numbers
            spread = np.mean((x - x.mean()) ** 2)
            if spread > 0:
                slope = np.mean((x - x.mean()) * (y - y.mean())) / spread
                line = np.mean((y.mean() + slope * (new - x.mean()) - wanted) ** 2)
                yield float(line) if np.isfinite(line) else np.inf


def _places(
    column: ColumnEncoder, learned: Table, asked: Table
) -> tuple[IntArray, IntArray, tuple[FloatArray, FloatArray] | None]:
    """Return the level or bin of each row of both tables, from 0 and missing cells last, and the numbers if they are some."""
    if column.kind in ("number", "datetime"):
        x, new = (_numbers(column, one) for one in (learned, asked))
        known = np.unique(x[~np.isnan(x)])
        if len(known) > BINS:
            edges = np.unique(np.quantile(x[~np.isnan(x)], np.linspace(0, 1, BINS + 1)[1:-1]))
            places, others = (np.searchsorted(edges, one, side="right") for one in (x, new))
            places[np.isnan(x)], others[np.isnan(new)] = len(edges) + 1, len(edges) + 1
            return places, others, (x, new)
        if len(known):
            nearest = (known[1:] + known[:-1]) / 2
            places, others = (np.searchsorted(nearest, one, side="right") for one in (x, new))
            places[np.isnan(x)], others[np.isnan(new)] = len(known), len(known)
            return places, others, (x, new)
        return np.zeros(len(x), np.int64), np.zeros(len(new), np.int64), None
    levels = pl.concat([learned.text(column.name).fill_null(""), asked.text(column.name).fill_null("")])
    codes = np.unique(levels.to_numpy(), return_inverse=True)[1].astype(np.int64)
    return codes[: learned.n_rows], codes[learned.n_rows :], None


def _numbers(column: ColumnEncoder, table: Table) -> FloatArray:
    if column.kind == "number":
        return column.numbers(table)
    dates = date_cells(table, column.name, column.spelling).to_physical().cast(pl.Float64)
    return dates.fill_null(float("nan")).to_numpy()
