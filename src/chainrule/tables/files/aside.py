"""Frames that are written aside: their columns lie in a temporary file, in pieces, and are read when they are asked for.

The file has no name, or loses it with the process that made it, so that nothing is left behind however that ends.
"""

from __future__ import annotations

import io
import os
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule._types import IntArray
from chainrule.errors import TableError

LARGE = 2**22
"""From so many cells on, those of a file are written aside, where there are rows enough (`TALL`)."""

TALL = 2**14
"""The fewest rows of a table that is written aside: a piece of a few cells would take as long to find as one of many."""

_PIECE, _LEAST = 2**21, 2**10
"""About how many cells are in a piece of all columns, and the fewest rows that are."""

_KEPT = 2**25
"""The most bytes of a column that is kept until another is read, as it is most often asked for several times."""


@dataclass(frozen=True)
class _Piece:
    """Some cells of a column: where they lie in the file, and what they are; ``is_plain``: nothing but numbers."""

    start: int
    size: int
    dtype: pl.DataType
    n: int
    n_missing: int
    is_plain: bool


Pieces: TypeAlias = tuple[_Piece, ...]
"""A column, piece by piece."""


class _File:
    """A temporary file, which is gone with the last that has a column in it; ``where`` begins what is said if there's no room."""

    def __init__(self, where: str) -> None:
        self.where = where
        self._end = 0
        self._recent: tuple[Pieces, pl.Series] | None = None
        self._lock = threading.Lock()
        try:
            self._file: Any = tempfile.TemporaryFile(prefix="chainrule-")  # noqa: SIM115
        except OSError as error:
            raise self._no_room(error) from error
        self._closed = weakref.finalize(self, self._file.close)

    def put(self, column: pl.Series) -> _Piece:
        """Write some cells; raises TableError where there is no room."""
        numbers = _plain(column)
        if numbers is None:
            made = io.BytesIO()
            # In the oldest form text is in one piece; else what it was cut from is written, too.
            pl.DataFrame([column]).write_ipc_stream(made, compat_level=pl.CompatLevel.oldest())
            data = made.getbuffer()
        else:
            data = numbers.data.cast("B")
        with self._lock:
            start = self._end
            try:
                self._file.seek(start)
                self._file.write(data)
                self._file.flush()
            except OSError as error:
                raise self._no_room(error) from error
            self._end += len(data)
        what = (column.dtype, len(column), column.null_count(), numbers is not None)
        return _Piece(start, len(data), *what)

    def get(self, pieces: Pieces) -> pl.Series:
        """Return the cells of some pieces, one after the other."""
        recent = self._recent  # which another thread may change meanwhile
        if recent is not None and recent[0] == pieces:
            return recent[1]
        numbers = self.numbers(pieces)
        if numbers is not None:
            found = _series(numbers, pieces)
        else:
            each = [self._cells(piece) for piece in pieces]
            found = each[0] if len(each) == 1 else pl.concat(each, rechunk=True)
        if sum(piece.size for piece in pieces) <= _KEPT:
            self._recent = pieces, found
        return found

    def numbers(self, pieces: Pieces, room: NDArray[np.int64] | None = None) -> NDArray[Any] | None:
        """Return the numbers of some pieces, in ``room`` (of as many) if given, NaN where missing; None of what isn't plain."""
        dtype = pieces[0].dtype
        if not all(piece.is_plain and piece.dtype == dtype for piece in pieces):
            return None
        found = np.empty(sum(piece.n for piece in pieces), np.int64) if room is None else room
        first = 0
        for piece in pieces:
            self._read(found[first : first + piece.n].data.cast("B"), piece.start)
            first += piece.n
        return found.view(np.float64) if dtype == pl.Float64 else found

    def _cells(self, piece: _Piece) -> pl.Series:
        if piece.is_plain:
            return self.get((piece,))
        data = bytearray(piece.size)
        self._read(memoryview(data), piece.start)
        return pl.read_ipc_stream(io.BytesIO(data)).to_series()

    def _read(self, into: memoryview, start: int) -> None:
        done = 0
        while done < len(into):
            if hasattr(os, "preadv"):  # which other processes and threads don't move
                found = os.preadv(self._file.fileno(), [into[done:]], start + done)
            else:
                with self._lock:
                    self._file.seek(start + done)
                    found = self._file.readinto(into[done:])
            if not found:
                raise TableError(
                    f"{self.where}: what was written aside of it has been cut off; read the table again"
                )
            done += found

    def _no_room(self, error: OSError) -> TableError:
        try:
            folder = tempfile.gettempdir()
        except OSError:
            folder = "any folder for temporary files"
        return TableError(
            f"{self.where}: is large, so its columns are written aside, and in {folder} they can't be "
            f"({error.strerror or error}): make room there, or set TMPDIR to a folder that has some"
        )


@dataclass(eq=False)
class Aside:
    """A frame of n rows whose columns lie in a file; it has what is used of a polars frame, and gives polars columns.

    ``starts`` are the first rows of the pieces that each column is in, and n.
    """

    starts: tuple[int, ...]
    pieces: Mapping[str, Pieces]
    file: _File = field(repr=False)
    _recent: tuple[int, pl.DataFrame] | None = field(default=None, repr=False)

    @property
    def height(self) -> int:
        """The number of rows."""
        return self.starts[-1]

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.pieces)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.pieces)

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        """The types of the columns, by name."""
        return {name: pieces[0].dtype for name, pieces in self.pieces.items()}

    @property
    def at_once(self) -> int:
        """How many rows are well read at once: many, so that pieces are seldom read twice, and few beside all."""
        return min(3 * self.starts[1], self.height // 4)

    def get_column(self, name: str) -> pl.Series:
        """Return a column; raises polars' ColumnNotFoundError."""
        return self._read(name, 0, len(self.starts) - 1)

    def select(self, names: Sequence[str]) -> Aside:
        """Return the frame of some columns."""
        return self.replaced({name: self.pieces[name] for name in names})

    def __getitem__(self, rows: IntArray) -> pl.DataFrame:
        """Return a frame in memory of some rows (from 0); those that lie near each other are soonest read."""
        if not len(rows):
            return pl.DataFrame(schema=self.schema)
        ends = np.array([rows.min(), rows.max()])
        first, last = (np.searchsorted(self.starts, ends, "right") - 1).tolist()
        index = rows - self.starts[first]
        if first == last:
            found: pl.DataFrame = self._piece(first)[index]
            return found
        # One room for all columns: to touch new memory takes longer than to read.
        room = np.empty(self.starts[last + 1] - self.starts[first], np.int64)
        columns = []
        for name, pieces in self.pieces.items():
            numbers = self.file.numbers(pieces[first : last + 1], room)
            columns.append(
                self._read(name, first, last + 1)[index]
                if numbers is None
                else _series(numbers[index], pieces).alias(name)
            )
        return pl.DataFrame(columns)

    def slice(self, start: int, n: int) -> pl.DataFrame:
        """Return a frame in memory of n rows from ``start`` on."""
        return self[np.arange(start, min(start + n, self.height))]

    def head(self, n: int) -> pl.DataFrame:
        """Return a frame in memory of the first rows."""
        return self.slice(0, n)

    def collect(self) -> pl.DataFrame:
        """Return all of it as a frame in memory."""
        return pl.DataFrame([self.get_column(name) for name in self.pieces])

    def with_columns(self, columns: Iterable[pl.Series]) -> Aside:
        """Return a frame with some more columns, or others in their place, which are written aside as they come."""
        pieces = dict(self.pieces)
        for column in columns:
            pieces[column.name] = self.put(column)
        return self.replaced(pieces)

    def put(self, column: pl.Series) -> Pieces:
        """Write a column of n cells into the file, and return its pieces."""
        return _put(self.file, column, self.starts)

    def cast(self, name: str, dtype: pl.DataType) -> Pieces:
        """Return a column's pieces as cells of a type: those of another are written again."""
        return tuple(
            piece if piece.dtype == dtype else self.file.put(self.file.get((piece,)).cast(dtype))
            for piece in self.pieces[name]
        )

    def replaced(self, pieces: Mapping[str, Pieces]) -> Aside:
        """Return the frame of other columns in the same file."""
        return Aside(self.starts, dict(pieces), self.file)

    def _piece(self, place: int) -> pl.DataFrame:
        """Return the frame of a piece of all columns; it is kept, as whoever asks for a few rows most often asks for the next."""
        recent = self._recent
        if recent is None or recent[0] != place:
            recent = place, pl.DataFrame([self._read(name, place, place + 1) for name in self.pieces])
            self._recent = recent
        return recent[1]

    def _read(self, name: str, first: int, last: int) -> pl.Series:
        """Return the cells of a column in the pieces from ``first`` to before ``last``."""
        if name not in self.pieces:
            raise pl.exceptions.ColumnNotFoundError(name)
        return self.file.get(self.pieces[name][first:last]).alias(name)


class AsideWriter:
    """Writes a frame aside that comes some rows after others, best ``rows`` at once."""

    def __init__(self, names: Sequence[str], where: str) -> None:
        self.rows = _rows_of_piece(len(names))
        self._file = _File(where)
        self._starts = [0]
        self._pieces: dict[str, list[_Piece]] = {name: [] for name in names}

    def add(self, columns: Iterable[pl.Series]) -> None:
        """Write some more rows: a series for each column."""
        for pieces, column in zip(self._pieces.values(), columns, strict=True):
            pieces.append(self._file.put(column))
        self._starts.append(self._starts[-1] + pieces[-1].n)

    def frame(self) -> Aside:
        """Return what has been written; pieces of a column may have several types."""
        pieces = {name: tuple(own) for name, own in self._pieces.items()}
        return Aside(tuple(self._starts), pieces, self._file)


Frame: TypeAlias = pl.DataFrame | Aside
"""The cells of a table: in memory, or written aside."""


def is_large(rows: int, columns: int) -> bool:
    """Tell whether a table of a file is written aside."""
    return rows >= TALL and rows * columns >= LARGE


def columns_typed(frame: Frame, *dtypes: type[pl.DataType]) -> Iterator[pl.Series]:
    """Yield the columns of some types."""
    if isinstance(frame, Aside):
        yield from (frame.get_column(name) for name, dtype in frame.schema.items() if dtype in dtypes)
    else:
        yield from (column for column in frame.iter_columns() if column.dtype in dtypes)


def in_memory(frame: Frame) -> pl.DataFrame:
    """Return all cells in memory."""
    return frame.collect() if isinstance(frame, Aside) else frame


def put_aside(frame: Frame, where: str) -> Frame:
    """Return a frame written aside if it is large; raises TableError that begins with ``where`` if there is no room."""
    if isinstance(frame, Aside):
        return frame
    return frame_or_aside(frame.iter_columns(), frame.height, frame.width, where)


def frame_or_aside(columns: Iterable[pl.Series], rows: int, n_columns: int, where: str) -> Frame:
    """Return a frame of columns, each written aside as it comes where they are many; raises TableError as `put_aside` does."""
    if not is_large(rows, n_columns):
        return pl.DataFrame(list(columns))
    size = _rows_of_piece(n_columns)
    starts = (*range(0, rows, size), rows)
    file = _File(where)
    return Aside(starts, {column.name: _put(file, column, starts) for column in columns}, file)


def _rows_of_piece(columns: int) -> int:
    return max(_LEAST, _PIECE // columns)


def _put(file: _File, column: pl.Series, starts: Sequence[int]) -> Pieces:
    return tuple(file.put(column.slice(a, b - a)) for a, b in pairwise(starts))


def _series(numbers: NDArray[Any], pieces: Pieces) -> pl.Series:
    """Return numbers of some pieces as cells."""
    return pl.Series(numbers, nan_to_null=any(piece.n_missing for piece in pieces))


def _plain(column: pl.Series) -> NDArray[Any] | None:
    """Return a column's cells as nothing but numbers, NaN where missing; None where they can't be."""
    are_floats = column.dtype == pl.Float64 and not column.is_nan().any()
    are_whole = column.dtype == pl.Int64 and not column.null_count()
    return np.ascontiguousarray(column.to_numpy()) if are_floats or are_whole else None
