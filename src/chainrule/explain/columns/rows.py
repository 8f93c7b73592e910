"""Which rows of a table are looked at: those with a target, held out where that is known, and not too many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule._random import Purpose, generator
from chainrule._types import IntArray
from chainrule.errors import TableError
from chainrule.model.model import Model
from chainrule.tables.table import Table

MOST_ROWS = 20_000
"""The most rows that are looked at; of more, so many are drawn."""

DRAW = 3
"""The counter of the draw of rows, beside those of splits and of `diagnose`."""


@dataclass(frozen=True, eq=False)
class Looked:
    """The rows (from 0) of a table that are looked at, and what they are in words."""

    table: Table
    rows: IntArray
    words: str

    @property
    def part(self) -> Table:
        """The table of these rows."""
        return self.table.take(self.rows)


def drawn(rows: IntArray, most: int, seed: int) -> IntArray:
    """Return at most ``most`` of the rows, drawn by the seed, in their order."""
    if len(rows) <= most:
        return rows
    return np.sort(generator(seed, Purpose.SPLIT, DRAW).permutation(rows)[:most])


def scored_rows(model: Model, table: Table, seed: int, most: int = MOST_ROWS) -> Looked:
    """Return the rows to score on: those held out for the score where the table is that of the training, else all with a target.

    Raises TableError where fewer than two rows have a target.
    """
    from chainrule.fitting.replay import tested_rows

    name, target = table.name, model.target.name
    known = model.target.known(table)
    try:
        held = tested_rows(model, table)
        rows = held if len(held) else known
        which = "held out of the training" if len(held) else "most of which it was trained on: that flatters"
    except TableError:
        rows, which = known, ""
    if len(rows) < 2:
        count = f"{len(rows)} {'row has' if len(rows) == 1 else 'rows have'}"
        raise TableError(f"{name}: {count} a value in the target {target!r}; at least 2 are needed")
    return looked(table, rows, seed, most, which)


def looked(table: Table, rows: IntArray, seed: int, most: int = MOST_ROWS, which: str = "") -> Looked:
    """Return at most ``most`` of some rows with what they are in words: "68 rows of penguins.csv, held out …"."""
    chosen = drawn(rows, most, seed)
    words = f"{len(chosen):,} rows of {table.name}"
    if len(chosen) < len(rows):
        words = f"{len(chosen):,} of the {len(rows):,} rows of {table.name}, drawn with seed {seed}"
    return Looked(table, chosen, f"{words}, {which}" if which else words)
