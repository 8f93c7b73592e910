"""Rows that are equal in all that a model looks at: copies of each other, unless a table is of the kind where rows coincide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule._types import BoolArray, IntArray
from chainrule.tables.cells import boolean_cells, date_cells, number_cells
from chainrule.tables.encoding.columns import ColumnEncoder
from chainrule.tables.kinds import weight_cells
from chainrule.tables.schema import Column
from chainrule.tables.spelling.values import as_text, one_spelling
from chainrule.tables.table import Table

_ODD = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio, by which hashes of a row's cells are mixed in their order."""

OF_FEW = 20
"""A column of more values than this, and of a different one in every second row, tells rows apart: equal ones are copies."""

COPIES = 5
"""Of rows that no column tells apart, so many copies in the mean are as many as there may be; more are the table's kind."""

BY_CHANCE = 10
"""Equal rows are copies where there are so many times more of them than columns that know nothing of each other would make."""


def cells_of(
    table: Table, inputs: Sequence[Column | ColumnEncoder], targets: Sequence[str], *, by_class: bool
) -> pl.DataFrame:
    """Return the cells of the inputs and the targets as two tables of one kind of contents can be compared by them.

    Numbers, truth values and dates are compared as such, categories and classes as text. Raises TableError for a cell that is
    none of its column's kind.
    """
    made = _each(table, inputs, targets, by_class=by_class)
    return pl.DataFrame([series.alias(str(place)) for place, series in enumerate(made)])


def _each(
    table: Table, inputs: Sequence[Column | ColumnEncoder], targets: Sequence[str], *, by_class: bool
) -> Iterator[pl.Series]:
    for one in inputs:
        yield _cells(table, one)
    for name in targets:
        yield as_text(one_spelling(table.column(name))) if by_class else pl.Series(weight_cells(table, name))


def all_differ(
    table: Table,
    inputs: Sequence[Column | ColumnEncoder],
    targets: Sequence[str],
    rows: IntArray,
    *,
    by_class: bool,
) -> bool:
    """Tell whether no two of some rows have equal hashes of what `cells_of` compares, and so are not equal.

    One column is looked at after the other, so that a large table is not copied.
    """
    found: NDArray[np.uint64] = np.zeros(table.n_rows, np.uint64)
    for series in _each(table, inputs, targets, by_class=by_class):
        # Adding 0 makes one zero of both.
        own = (series + 0.0 if series.dtype.is_float() else series).hash().to_numpy()
        found = (found ^ own) * _ODD
    return len(np.unique(found[rows])) == len(rows)


def _cells(table: Table, column: Column | ColumnEncoder) -> pl.Series:
    name = column.name
    if column.kind == "number":
        return pl.Series(number_cells(table, name, column.dress), dtype=pl.Float64)
    if column.kind == "boolean":
        return pl.Series(boolean_cells(table, name), dtype=pl.Float64)
    if column.kind == "datetime":
        return date_cells(table, name, column.spelling)
    return as_text(table.column(name))


def units_of_equal(cells: pl.DataFrame) -> IntArray:
    """Return a number for each row (n,) that equal rows have in common, the place of the first of them."""
    n = cells.height
    index = cells.with_row_index("row")
    first = index.group_by(cells.columns, maintain_order=True).agg(pl.col("row"))
    rows = first.get_column("row")
    lengths = rows.list.len().to_numpy()
    found = np.empty(n, np.int64)
    found[rows.explode().to_numpy()] = np.repeat(rows.list.first().to_numpy().astype(np.int64), lengths)
    return found


def are_copies(cells: pl.DataFrame, n_targets: int) -> bool:
    """Tell whether equal rows of cells (the last ``n_targets`` columns are targets) are copies rather than coincidences.

    They are where an input tells rows apart (`OF_FEW`), or where there are few of each (`COPIES`) and far more than columns
    that know nothing of each other would make (`BY_CHANCE`): in a table of a few columns of a few levels rows are equal
    as a matter of course, and to keep them together would leave whole kinds of rows untrained.
    """
    n = cells.height
    if n < 2 or not cells.is_duplicated().any():
        return False
    counts = cells.group_by(cells.columns).len().get_column("len").to_numpy().astype(np.float64)
    different = len(counts)
    inputs = cells.columns[: cells.width - n_targets]
    most = max((cells.get_column(name).n_unique() for name in inputs), default=0)
    if most > OF_FEW and 2 * most >= different:
        return True
    if n > COPIES * different:
        return False
    chance = 1.0
    for name in cells.columns:
        shares = cells.get_column(name).value_counts().get_column("count").to_numpy() / n
        chance *= float((shares**2).sum())
    return bool((counts * (counts - 1)).sum() / n > BY_CHANCE * (n - 1) * chance)


def found_in(cells: pl.DataFrame, others: pl.DataFrame) -> BoolArray:
    """Return which rows of cells (n,) are equal to one of the others."""
    marked = cells.with_row_index("row").join(others.unique(), on=cells.columns, how="semi", nulls_equal=True)
    found = np.zeros(cells.height, np.bool_)
    found[marked.get_column("row").to_numpy()] = True
    return found
