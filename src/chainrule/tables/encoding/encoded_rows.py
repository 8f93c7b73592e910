"""Encoded rows of a large table, made when they are asked for: what stands in the place of an array of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike

from chainrule._memory import give_back
from chainrule._types import FloatArray, IntArray
from chainrule.tables.encoding.encode import Encoder
from chainrule.tables.table import Table

LARGE = 2**22
"""From so many numbers on, float64 of all rows is not kept beside what an engine keeps in its own dtype."""

BLOCK = 2**19
"""About how many numbers are encoded at once."""


@dataclass(frozen=True, eq=False)
class EncodedRows:
    """The inputs (n, d) of some ``rows`` of tables, one after the other, which are encoded block by block.

    NumPy takes it for an array: ``np.asarray(rows, np.float32)`` has the bits of the whole array in float64, rounded. A slice
    is another one of these, rows by number are an array of float64 where they are few.
    """

    encoder: Encoder
    parts: tuple[tuple[Table, IntArray], ...]

    def __len__(self) -> int:
        """Return the number of rows."""
        return sum(len(rows) for _, rows in self.parts)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and inputs."""
        return len(self), self.encoder.n_inputs

    @property
    def ndim(self) -> int:
        """Two, as rows and inputs are."""
        return 2

    @property
    def dtype(self) -> np.dtype[np.float64]:
        """What a single row is made in."""
        return np.dtype(np.float64)

    def blocks(self) -> Iterator[FloatArray]:
        """Yield the rows in order, as arrays of float64."""
        size = max(1, BLOCK // max(1, self.encoder.n_inputs))
        for table, rows in self.parts:
            many = max(1, (table.at_once or 0) // size) * size
            for first in range(0, len(rows), many):
                some = table.take(rows[first : first + many])
                for start in range(0, some.n_rows, size):
                    yield self.encoder.transform(some.part(start, size))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> FloatArray:
        """Return all rows as an array (n, d)."""
        if copy is False:
            raise ValueError("encoded rows are made when they are asked for: an array of them is a copy")
        made: FloatArray = np.empty(self.shape, np.float64 if dtype is None else dtype)
        start = 0
        with np.errstate(over="ignore"):  # as where a whole array is rounded
            for block in self.blocks():
                made[start : start + len(block)] = block
                start += len(block)
        if made.size >= LARGE:
            give_back(circles=False)
        return made

    def __getitem__(self, which: Any) -> Any:
        """Return a slice of rows as another of these, rows by their numbers as an array."""
        first, parts = 0, []
        if isinstance(which, slice):
            start, stop, step = which.indices(len(self))
            if step != 1:
                return self[np.arange(start, stop, step)]
            for table, rows in self.parts:
                own = rows[max(start - first, 0) : max(stop - first, 0)]
                first += len(rows)
                parts.append((table, own))
            return EncodedRows(self.encoder, tuple(parts))
        wanted = np.asarray(which)
        if wanted.dtype == np.bool_:
            wanted = np.flatnonzero(wanted)
        if len(self.parts) == 1:
            ((table, rows),) = self.parts
            some = EncodedRows(self.encoder, ((table, rows[wanted]),))
            return some if len(some) * self.encoder.n_inputs >= LARGE else np.asarray(some)
        made: FloatArray = np.empty((len(wanted), self.encoder.n_inputs))
        for table, rows in self.parts:
            own = np.flatnonzero((wanted >= first) & (wanted < first + len(rows)))
            made[own] = np.asarray(EncodedRows(self.encoder, ((table, rows[wanted[own] - first]),)))
            first += len(rows)
        return made


def encoded_rows(encoder: Encoder, parts: Sequence[tuple[Table, IntArray]]) -> FloatArray:
    """Return the inputs of some rows of tables: an array, or `EncodedRows` where that would be large.

    Raises TableError for a cell that is not of its column's kind.
    """
    needed = [column.name for column in encoder.columns]
    made = EncodedRows(encoder, tuple((_narrowed(table, needed), rows) for table, rows in parts))
    if len(made) * encoder.n_inputs >= LARGE:
        return cast(FloatArray, made)
    return np.asarray(made)


def blocks_of(x: FloatArray) -> Iterator[FloatArray]:
    """Yield encoded rows in order, in blocks of float64 in the order of C."""
    if isinstance(x, EncodedRows):
        yield from x.blocks()
    else:
        yield np.ascontiguousarray(x, np.float64)


def _narrowed(table: Table, needed: Sequence[str]) -> Table:
    """Return a table of the columns that are needed; whole where one is missing, as what is said of that names all."""
    return table.narrowed(needed) if set(needed) <= set(table.columns) else table
