"""The steps from a cell to the numbers of its inputs, as data: what trims, reads, looks up, fills in and scales.

A column has steps for its cell, which end in a number, a date or a place among its levels, and then for each of its inputs
steps that end in the input's value. Tables are encoded by them column by column, explanations and exports read them, and
`by_row` makes functions of them for single rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import polars as pl

from chainrule._plain import Plain
from chainrule._types import FloatArray, IntArray
from chainrule.tables.cells import boolean_cells, date_cells, level_codes, number_cells
from chainrule.tables.encoding.dates import date_parts
from chainrule.tables.encoding.hashing import counter
from chainrule.tables.encoding.scalings import ARITHMETIC
from chainrule.tables.spelling.dress import Dress
from chainrule.tables.table import Table


@dataclass(frozen=True)
class Trim(Plain, kind="trim"):
    """Take these signs off both ends of a text."""

    signs: str


@dataclass(frozen=True)
class MissingWords(Plain, kind="missing words"):
    """A text that is one of these words is a missing cell; so is a number that is infinite or none."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class ReadNumber(Plain, kind="read a number"):
    """Read the cell as a number, in a dress or plain."""

    dress: Dress

    def column(self, table: Table, name: str) -> FloatArray:
        """Return the numbers of a column (n,), NaN where missing."""
        return number_cells(table, name, self.dress)


@dataclass(frozen=True)
class ReadTruth(Plain, kind="read a truth value"):
    """Read words of any case, or 1 and 0, as 1 and 0."""

    true: tuple[str, ...]
    false: tuple[str, ...]

    def column(self, table: Table, name: str) -> FloatArray:
        """Return 1 and 0 for a column (n,), NaN where missing."""
        return boolean_cells(table, name)


@dataclass(frozen=True)
class ReadDate(Plain, kind="read a date"):
    """Read the cell by the first of the spellings that it has."""

    spellings: tuple[str, ...]

    def column(self, table: Table, name: str) -> pl.Series:
        """Return the dates or the times of a column, null where missing."""
        return date_cells(table, name, self.spellings[0])


@dataclass(frozen=True)
class LookUp(Plain, kind="look up"):
    """Find the cell's place among the levels; a number in its plain form, too."""

    levels: tuple[str, ...]

    def column(self, table: Table, name: str) -> IntArray:
        """Return the places (n,), or LEVEL_MISSING and LEVEL_UNSEEN."""
        return level_codes(table, name, self.levels)


Places: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]
"""Where the tokens of a text lie among the kept buckets, in order, and how many are in each."""


@dataclass(frozen=True)
class HashWords(Plain, kind="hash words"):
    """Count a text's words, and the pieces of ``piece`` signs of each, by the bucket that FNV-1a says; `hashing` tells how.

    Of the ``buckets`` the ``kept`` ones are counted, at their place among these. ``cases`` are the capital letters that
    become small, ``separators`` the signs between words.
    """

    buckets: int
    piece: int
    kept: tuple[int, ...]
    separators: str
    cases: tuple[tuple[int, int, int, int], ...]

    def counter(self) -> Callable[[str], Places]:
        """Return the function from a text to its counts by place; it remembers words, also from call to call."""
        return _counter(self)

    def column(self, table: Table, name: str) -> Iterator[Places | None]:
        """Yield the counts of each cell by place, None where missing."""
        count = self.counter()
        return (None if cell is None else count(cell) for cell in table.text(name))


@lru_cache(16)
def _counter(step: HashWords) -> Callable[[str], Places]:
    return counter(step.buckets, step.piece, step.kept, step.separators, step.cases)


@dataclass(frozen=True)
class CountIn(Plain, kind="count in"):
    """Take the count in the kept bucket at a place."""

    place: int


@dataclass(frozen=True)
class TakePart(Plain, kind="take a part"):
    """Take a part of a date, such as its year."""

    part: str


@dataclass(frozen=True)
class Fill(Plain, kind="fill in"):
    """Put a number in the place of a missing one."""

    value: float

    def apply(self, values: FloatArray) -> FloatArray:
        """Return the numbers, of the same shape."""
        return np.where(np.isnan(values), self.value, values)


@dataclass(frozen=True)
class DrawIn(Plain, kind="draw in"):
    """Limit a number to where the scaling's value is finite."""

    low: float
    high: float

    def apply(self, values: FloatArray) -> FloatArray:
        """Return the numbers, of the same shape."""
        return np.clip(values, self.low, self.high)


@dataclass(frozen=True)
class Scale(Plain, kind="scale"):
    """Work out a formula in ``v``, the number so far, and the names of ``parameters``."""

    arithmetic: str
    formula: str
    parameters: Mapping[str, float]

    def apply(self, values: FloatArray) -> FloatArray:
        """Return the values, of the same shape."""
        return ARITHMETIC[self.arithmetic].evaluate(values, self.parameters)


@dataclass(frozen=True)
class IsMissing(Plain, kind="is missing"):
    """1 where the cell is missing, else 0."""


@dataclass(frozen=True)
class IsPlace(Plain, kind="is at"):
    """1 where the cell's place among the levels is this one, else 0: they are followed by missing and by all others."""

    place: int


Reads: TypeAlias = ReadNumber | ReadTruth | ReadDate | LookUp | HashWords
CellStep: TypeAlias = Trim | MissingWords | Reads
InputStep: TypeAlias = TakePart | CountIn | Fill | DrawIn | Scale | IsMissing | IsPlace


@dataclass(frozen=True)
class InputSteps(Plain):
    """The steps from what a cell was read as to the value of one input."""

    name: str
    steps: tuple[InputStep, ...]


@dataclass(frozen=True)
class ColumnSteps(Plain):
    """The steps of a column: those of its cell, then those of each input; ``has_missing``: one says that it is missing."""

    column: str
    cell: tuple[CellStep, ...]
    inputs: tuple[InputSteps, ...]

    @property
    def reads(self) -> Reads:
        """The step that makes a number, a date or a place of the cell."""
        found = self.cell[-1]
        if isinstance(found, Trim | MissingWords):
            raise ValueError(f"the steps of column {self.column!r} read nothing")
        return found


def parts_read(reads: Reads, table: Table, name: str) -> dict[str, FloatArray]:
    """Return the numbers of a column's cells (n,), NaN where missing: the ``value``, or those of a date by part."""
    if isinstance(reads, ReadDate):
        return date_parts(reads.column(table, name))
    if isinstance(reads, HashWords):
        raise ValueError(f"the cells of column {name!r} are counted, and no numbers")
    return {"value": np.asarray(reads.column(table, name), np.float64)}
