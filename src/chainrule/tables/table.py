"""A table in memory, with what is needed to say where each of its cells came from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import polars as pl

from chainrule._forks import check_polars
from chainrule._kept import cached_property
from chainrule._types import Array, IntArray
from chainrule.errors import TableError
from chainrule.tables.files.aside import Aside, Frame, columns_typed
from chainrule.tables.files.frames import duration_notes, plain_types, rounded_notes, said_kinds, to_polars
from chainrule.tables.spelling.dressing import proven_decimal
from chainrule.tables.spelling.spellings import proven_order
from chainrule.tables.spelling.values import DEFAULT_MISSING, as_text, clean

_SHOWN = 5000

MOST_COLUMNS = 100_000
"""The most columns that a table may have."""

MANY = 2**22
"""From so many cells on, rows of a table are not copied as a whole before they are asked for."""

INFINITE = ("missing", "refuse")
"""What an infinite number can be: a missing cell, or in the way."""


class NoRowsError(TableError):
    """A table, or a part of one, has no row."""


@dataclass(frozen=True, eq=False)
class Table:
    """A data frame with ``n`` rows, its name for messages, and the place of every row in its source.

    ``raw`` holds the cells as they were written, where the source was delimited text, but not those of numbers that polars
    writes as they were written; ``lines`` their line numbers. Of a large file both
    are written aside. ``rows`` are their places in the table that they were taken
    from, where they were.
    """

    frame: Frame
    name: str
    raw: Frame | None = None
    lines: IntArray | None = None
    untyped: bool = False
    """Whether the source says nothing about types, so that one odd cell turns a number column into text."""
    decimal: str = "."
    notes: tuple[str, ...] = ()
    rows: IntArray | None = None
    thousands: str = ""
    """The sign between groups of digits, where it was asked for."""
    dates: str = ""
    """Whether the day or the month is first in dates, where it was asked for."""
    infinite: str = "missing"
    """What an infinite number is: a missing cell, or in the way."""
    delimiter: str = ""
    """What is between the cells of a text file."""
    files: tuple[tuple[str, int], ...] = ()
    """The files that it is made of, each with its first row, where there are several."""
    said: Mapping[str, str] = field(default_factory=dict)
    """The kinds of columns that the source says itself."""

    @cached_property
    def proven_decimal(self) -> str:
        """The decimal sign that some column's text shows, "" where none does."""
        return proven_decimal(self._texts())

    @cached_property
    def proven_order(self) -> str:
        """Whether the day or the month is first, if a column of dates shows it, else ""."""
        return proven_order(self._texts())

    def _texts(self) -> list[pl.Series]:
        if self.raw is None:
            return list(columns_typed(self.frame, pl.String))
        first = replace(self, frame=self.frame.head(_SHOWN), raw=self.raw.head(_SHOWN))
        return [first.text(name) for name in self.columns]

    @property
    def n_rows(self) -> int:
        """The number of rows ``n``, the header not counted."""
        return self.frame.height

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in the order of the source."""
        return tuple(self.frame.columns)

    def place(self, row: int) -> str:
        """Say where row ``row`` (from 0) is: "line 17" of a text file, else "row 16" (from 1)."""
        own = row if self.rows is None else int(self.rows[row])
        file, start = next((one for one in reversed(self.files) if one[1] <= own), ("", 0))
        of = f" of {file}" if file else ""
        return f"row {1 + own - start}{of}" if self.lines is None else f"line {int(self.lines[row])}{of}"

    def column(self, name: str) -> pl.Series:
        """Return a column; raises TableError with the nearest names if there is none of that name."""
        try:
            return self.frame.get_column(name)
        except pl.exceptions.ColumnNotFoundError as error:
            hint = suggestion(name, self.columns)
            raise TableError(f"{self.name}: there is no column {name!r}; {hint}") from error

    def text(self, name: str) -> pl.Series:
        """Return a column as text: as written in the source where that is known."""
        column = self.column(name)
        if self.raw is None:
            return as_text(column)
        return self.raw.get_column(name) if name in self.raw.columns else column.cast(pl.String)

    def cell(self, row: int, name: str) -> str | None:
        """Return one cell as text, or None if it is missing."""
        value = self.text(name)[row]
        return None if value is None else str(value)

    def narrowed(self, names: Sequence[str]) -> "Table":
        """Return the table of some of its columns, which are not copied; those that aren't there are left out."""
        kept = [name for name in self.columns if name in frozenset(names)]
        raw = self.raw
        if raw is not None:
            written = frozenset(raw.columns)
            raw = raw.select([name for name in kept if name in written])
        return replace(self, frame=self.frame.select(kept), raw=raw)

    def take(self, rows: Sequence[int] | IntArray) -> "Table":
        """Return the table of the given rows; each keeps its place in the source."""
        index = np.asarray(rows, dtype=np.int64)
        raw = self.raw if self.raw is None or not self.raw.width else self.raw[index]
        lines = None if self.lines is None else self.lines[index]
        rows = index if self.rows is None else self.rows[index]
        return replace(self, frame=self.frame[index], raw=raw, lines=lines, rows=rows)

    def part(self, start: int, n: int) -> "Table":
        """Return the table of n rows from ``start`` on, or as many as there are."""
        raw = self.raw if self.raw is None or not self.raw.width else self.raw.slice(start, n)
        lines = None if self.lines is None else self.lines[start : start + n]
        rows = (
            np.arange(start, min(start + n, self.n_rows))
            if self.rows is None
            else self.rows[start : start + n]
        )
        return replace(self, frame=self.frame.slice(start, n), raw=raw, lines=lines, rows=rows)

    @property
    def at_once(self) -> int | None:
        """How many rows are well taken at once, where others than all of them are slow to find."""
        return self.frame.at_once if isinstance(self.frame, Aside) else None

    def picked(self, rows: Sequence[int] | IntArray) -> "Table":
        """Return what `take` returns; of many cells one whose columns are only copied when they are asked for."""
        index = np.asarray(rows, dtype=np.int64)
        return self.take(index) if len(index) * len(self.columns) < MANY else _picked(self, index)


class _Picked(Table):
    """Some rows of a large table; where what is wanted is a few columns or rows of it, the others aren't copied."""

    _of: Table
    _index: IntArray

    def __new__(cls, *words: Any, **named: Any) -> Any:
        # What `replace` makes of it has its columns.
        return Table(*words, **named) if words or named else object.__new__(cls)

    @cached_property
    def frame(self) -> Frame:
        """All of it."""
        return self._of.frame[self._index]

    @cached_property
    def raw(self) -> Frame | None:
        """The cells as written of all of it."""
        raw = self._of.raw
        return raw if raw is None or not raw.width else raw[self._index]

    @property
    def n_rows(self) -> int:
        return len(self._index)

    @property
    def at_once(self) -> int | None:
        return self._of.at_once

    @property
    def columns(self) -> tuple[str, ...]:
        return self._of.columns

    def column(self, name: str) -> pl.Series:
        return self._of.column(name)[self._index]

    def text(self, name: str) -> pl.Series:
        raw = self._of.raw
        if raw is not None and name in raw.columns:
            return raw.get_column(name)[self._index]
        column = self.column(name)
        return as_text(column) if raw is None else column.cast(pl.String)

    def cell(self, row: int, name: str) -> str | None:
        return self._of.cell(int(self._index[row]), name)

    def narrowed(self, names: Sequence[str]) -> Table:
        return self._of.narrowed(names).picked(self._index)

    def part(self, start: int, n: int) -> Table:
        return self._of.take(self._index[start : start + n])

    def take(self, rows: Sequence[int] | IntArray) -> Table:
        return self._of.take(self._index[np.asarray(rows, dtype=np.int64)])

    def picked(self, rows: Sequence[int] | IntArray) -> Table:
        return self._of.picked(self._index[np.asarray(rows, dtype=np.int64)])


def _picked(table: Table, index: IntArray) -> Table:
    made = object.__new__(_Picked)
    own = {one.name: getattr(table, one.name) for one in fields(table) if one.name not in ("frame", "raw")}
    lines = None if table.lines is None else table.lines[index]
    rows = index if table.rows is None else table.rows[index]
    vars(made).update(own, lines=lines, rows=rows, _of=table, _index=index)
    return made


def suggestion(name: str, names: Sequence[str], what: str = "columns") -> str:
    """Propose the columns, or ``what`` they are, whose names are nearest to ``name``, else list them."""
    folded = [known for known in names if known.casefold() == name.casefold()]
    if found := dict.fromkeys([*folded, *get_close_matches(name, names, n=3, cutoff=0.6)]):
        return f"did you mean {' or '.join(map(repr, found))}? The {what} are {listed_names(names)}"
    return f"the {what} are {listed_names(names)}"


def listed_names(names: Sequence[object], most: int = 20) -> str:
    """Write names with commas, at most ``most`` of them."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more


def from_frame(
    frame: Any,
    name: str = "the table",
    *,
    missing: Sequence[str] = DEFAULT_MISSING,
    infinite: str = "missing",
) -> Table:
    """Make a Table of a polars or pandas frame, a dict of columns, or whatever ``polars.DataFrame`` accepts.

    Types are taken as they are: text stays text even where it looks like numbers, unless these are in dress ($1,200). NaN,
    infinite numbers (unless ``infinite`` is "refuse") and the words in ``missing`` are missing. Raises TableError for what is
    no table, or has no columns or no rows.

    >>> from_frame({"a": [1.0, float("nan")], "b": ["x", "NA"]}).frame.null_count().row(0)
    (1, 1)
    """
    check_polars()
    made, said = to_polars(frame, name)
    table = typed_table(made, name, missing, infinite=infinite)
    return replace(table, said={**table.said, **said})


def with_columns(table: Table, columns: Mapping[str, Array]) -> Table:
    """Return the table with more columns, whose text is kept as it is: no class is taken for a missing value."""
    made = [pl.Series(name, values.tolist()) for name, values in columns.items()]
    return replace(table, frame=table.frame.with_columns(made))


def typed_table(
    frame: pl.DataFrame,
    name: str,
    missing: Sequence[str],
    *,
    untyped: bool = False,
    notes: Sequence[str] = (),
    infinite: str = "missing",
) -> Table:
    """Bring the types of a frame to the few the rest of the room knows."""
    if frame.width == 0:
        raise TableError(f"{name}: the table has no columns")
    check_width(frame.width, name)
    if frame.height == 0:
        raise NoRowsError(f"{name}: the table has columns ({listed_names(frame.columns)}) but no rows")
    made = Table(
        clean(plain_types(frame), missing), name, untyped=untyped, notes=(*notes, *rounded_notes(frame), *duration_notes(frame)),
        said=said_kinds(frame),
    )  # fmt: skip
    return with_finite(made, infinite)


def with_finite(table: Table, infinite: str) -> Table:
    """Return a table whose infinite numbers are missing cells, with a note that counts them, unless they are refused."""
    if infinite != "missing":
        return replace(table, infinite=infinite)
    notes: list[str] = []
    frame = table.frame.with_columns(_changed_to_finite(table, notes))
    return replace(table, frame=frame, notes=(*table.notes, *notes)) if notes else table


def _changed_to_finite(table: Table, notes: list[str]) -> Iterator[pl.Series]:
    """Yield the columns that have infinite numbers without these, and add a note about each."""
    for column in columns_typed(table.frame, pl.Float64):
        found = column.is_infinite()
        count = int(found.sum())
        if count:
            row = int(found.arg_max() or 0)
            what = "infinite number is a missing cell" if count == 1 else "infinite numbers are missing cells"
            first = "" if count == 1 else "the first: "
            cell = table.cell(row, column.name) or ""
            cell = cell if len(cell) <= 40 else cell[:39] + "…"
            notes.append(f"column {column.name!r}: {count} {what} ({first}{cell!r} in {table.place(row)})")
            yield column.zip_with(~found, column.clear(len(column)))


def check_width(columns: int, where: str) -> None:
    """Raise TableError for more columns than are read."""
    if columns > MOST_COLUMNS:
        raise TableError(
            f"{where}: has {columns:,} columns, and at most {MOST_COLUMNS:,} are read; leave some out, or make rows of them"
        )
