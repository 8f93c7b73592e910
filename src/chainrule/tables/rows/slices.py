"""The rows of a table cut into slices by a column: those with the same word, or with a number in the same quarter."""

from __future__ import annotations

import itertools

import numpy as np

from chainrule._numbers import number_text
from chainrule._types import FloatArray, IntArray
from chainrule.tables.spelling.values import level_counts
from chainrule.tables.table import Table

MOST_LEVELS = 5
"""The most words with a slice of their own: the most frequent ones."""
FEW_NUMBERS = 6
"""So many different numbers are a slice each; more are cut at the quartiles."""

Cuts = list[tuple[str, IntArray]]


def slices_of(table: Table, name: str, *, numbers: FloatArray | None = None, most: int = MOST_LEVELS) -> Cuts:
    """Return the slices of a column: what their cells are in words, and their rows (from 0); every row is in one.

    ``numbers`` (n,) are the cells where they are numbers, NaN where one is missing; a slice of one word or number begins
    with "= ". Raises TableError for a column that isn't there.
    """
    made = _of_words(table, name, most) if numbers is None else _of_numbers(numbers)
    return [(words, rows) for words, rows in made if len(rows)]


def _of_numbers(values: FloatArray) -> Cuts:
    known = np.isfinite(values)
    different = np.unique(values[known])
    missing = ("missing", np.flatnonzero(~known))
    if len(different) <= FEW_NUMBERS:
        each = [(f"= {number_text(value)}", np.flatnonzero(values == value)) for value in different.tolist()]
        return [*each, missing]
    cuts = np.unique(np.quantile(values[known], [0.25, 0.5, 0.75]))
    where = np.searchsorted(cuts, values, side="left")
    ends = [different[0], *cuts.tolist(), different[-1]]
    parts = [
        (_between(low, high), np.flatnonzero(known & (where == place)))
        for place, (low, high) in enumerate(itertools.pairwise(ends))
    ]
    return [*parts, missing]


def _between(low: float, high: float) -> str:
    return f"= {number_text(low)}" if low == high else f"{number_text(low, 4)} … {number_text(high, 4)}"


def _of_words(table: Table, name: str, most: int) -> Cuts:
    cells = table.text(name)
    levels = level_counts(table.column(name).drop_nulls()).get_column("level").to_list()
    each = [
        (f"= {level}", np.flatnonzero((cells == level).fill_null(value=False).to_numpy()))
        for level in levels[:most]
    ]
    others = cells.is_not_null() & ~cells.is_in(levels[:most])
    return [
        *each,
        ("others", np.flatnonzero(others.to_numpy())),
        ("missing", np.flatnonzero(cells.is_null().to_numpy())),
    ]
