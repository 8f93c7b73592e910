"""What a column can be set to: cells to be tried in place of a row's own, each with the inputs that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from chainrule._doors import setting
from chainrule._numbers import number_text
from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError, TableError
from chainrule.model.model import Model
from chainrule.tables.cells import date_cells
from chainrule.tables.encoding.columns import ColumnEncoder
from chainrule.tables.spelling.dress import Dress, as_typed, given_number
from chainrule.tables.spelling.spellings import is_time_only
from chainrule.tables.spelling.values import BLANKS, DEFAULT_MISSING, level_counts
from chainrule.tables.table import Table, from_frame, suggestion

DAY = 86_400_000_000
"""Microseconds."""

MOST_WORDS = 30
"""The most levels of a category, and cells of a text, that are tried: the most frequent ones."""

MISSING = "missing"


@dataclass(frozen=True, eq=False)
class Dial:
    """One column of a model with the cells that a table has in it.

    ``own`` are the places of its inputs among all. A number or a date has ``values`` (m,), the table's, sorted, dates in
    microseconds since 1970 and times of day since midnight; anything else has ``words``, each with its row of ``encoded``.
    """

    column: ColumnEncoder
    own: IntArray
    values: FloatArray
    words: tuple[str, ...]
    encoded: FloatArray
    decimal: str = "."
    missing_words: tuple[str, ...] = DEFAULT_MISSING
    known: frozenset[str] = frozenset()
    """The words that a category has, in the model or in the table."""

    @property
    def name(self) -> str:
        """The column."""
        return self.column.name

    @property
    def is_number(self) -> bool:
        """Whether it turns without steps: a number or a date."""
        return self.column.kind in ("number", "datetime")

    @property
    def is_time(self) -> bool:
        """Whether it is a time of day."""
        return self.column.kind == "datetime" and is_time_only(self.column.spelling)

    @property
    def has_missing(self) -> bool:
        """Whether the model has an input that says that the cell is missing."""
        return self.column.missing

    def inputs(self, values: Sequence[float] | FloatArray) -> FloatArray:
        """Return the inputs (m, inputs) for numbers (m,), dates as numbers; NaN is a missing cell."""
        found = np.asarray(values, np.float64)
        cells = pl.Series(self.name, found, nan_to_null=True)
        if self.column.kind == "datetime":
            whole = cells.round().cast(pl.Int64)
            cells = (whole * 1000).cast(pl.Time) if self.is_time else whole.cast(pl.Datetime("us"))
        out = np.zeros((len(found), len(self.own)))
        if len(found):
            self.column.write(from_frame({self.name: cells}, "the cells tried"), out)
        return out

    def text(self, value: float) -> str:
        """Return a number, or a date as a number, as a cell is written."""
        if np.isnan(value):
            return MISSING
        if self.column.kind == "number":
            return as_typed(number_text(value, 6), self.column.dress)
        microseconds = round(value)
        if self.is_time:
            return str(pl.Series([microseconds * 1000]).cast(pl.Time)[0])
        date = pl.Series([microseconds]).cast(pl.Datetime("us"))[0]
        return str(date.date()) if microseconds % DAY == 0 else date.isoformat(" ", "seconds")

    def read(self, cell: object) -> tuple[FloatArray, str | None]:
        """Return the inputs (inputs,) of a cell that a user gives, and the cell as text, None for a missing one.

        Raises SettingsError for a cell that the column can't have.
        """
        text = None if cell is None else str(cell).strip(BLANKS)
        if self.column.kind == "number" and isinstance(cell, int | float) and not isinstance(cell, bool):
            text = as_typed(text or "", self.column.dress)
        known = {*self.missing_words, ""}
        if text is None or text in known:
            return self._encoded(None), None
        if self.column.kind == "category" and text not in self.known:
            hint = suggestion(text, sorted(self.known), "words")
            raise SettingsError(f"{setting('set')}: {text!r} is no word of column {self.name!r}; {hint}")
        return self._encoded(text), text

    @property
    def _example(self) -> str:
        """A cell that the column can have, in words."""
        if not self.is_number:
            return "true or false"
        kind = "a number" if self.column.kind == "number" else "a time of day" if self.is_time else "a date"
        middle = self.text(float(np.median(self.values))) if len(self.values) else ""
        return f"{kind} such as {middle}" if middle else kind

    def _cell(self, text: str | None) -> Table:
        if self.column.kind == "number" and text is not None:
            number = given_number(text, self.column.dress or Dress(self.decimal))
            if number is not None:
                return from_frame({self.name: [number]}, "the cells tried")
        made = from_frame({self.name: pl.Series([text], dtype=pl.String)}, "the cells tried")
        return replace(made, decimal=self.decimal)

    def _encoded(self, text: str | None) -> FloatArray:
        out = np.zeros((1, len(self.own)))
        try:
            cell = self._cell(text)
        except SettingsError as error:
            raise SettingsError(f"{setting('set')}: {self.name}: {error}") from error
        try:
            self.column.write(cell, out)
        except TableError as error:
            what = str(error).partition(f"column {self.name!r}: ")[2] or str(error)
            what = f"{what.partition(';')[0]}; give {self._example}, or nothing for a missing cell"
            raise SettingsError(f"{setting('set')}: {self.name}: {what}") from error
        return np.asarray(out[0])

    def of_text(self, text: str) -> float:
        """Return a number, or a date as a number, that `read` has accepted."""
        return float(_numbers(self.column, self._cell(text))[0])

    def of_rows(self, table: Table) -> FloatArray:
        """Return the cells (n,) of a number or a date as numbers, NaN where missing."""
        return _numbers(self.column, table)

    def of_row(self, table: Table, row: int) -> float:
        """Return a row's own cell as a number, NaN where it is missing; for words their place, NaN where it is none."""
        single = table.take([row])
        if self.is_number:
            return float(_numbers(self.column, single)[0])
        out = np.zeros((1, len(self.own)))
        self.column.write(single, out)
        same = np.flatnonzero((self.encoded == out[0]).all(axis=1))
        return float(same[0]) if len(same) else float("nan")

    def share_below(self, value: float) -> float:
        """Return the share of the table's values that are below a number, those equal counted half."""
        if not len(self.values):
            return 0.0
        low, high = (np.searchsorted(self.values, value, side) for side in ("left", "right"))
        return float((low + high) / (2 * len(self.values)))


def dial_of(model: Model, table: Table, name: str, option: str = "column") -> Dial:
    """Return the dial of a column; raises SettingsError for a name that is no input of the model."""
    start = 0
    for column in model.encoder.columns:
        own = np.arange(start, start + len(column.inputs))
        start += len(own)
        if column.name == name:
            values: FloatArray = np.zeros(0)
            words: tuple[str, ...] = ()
            encoded: FloatArray = np.zeros((0, len(own)))
            if column.kind in ("number", "datetime"):
                found = _numbers(column, table)
                values = np.sort(found[~np.isnan(found)])
            else:
                words, encoded = _words(column, table)
            read = (model.reading.decimal, model.reading.words)
            levels = table.text(name).drop_nulls().to_list() if column.kind == "category" else []
            return Dial(column, own, values, words, encoded, *read, frozenset([*column.levels, *levels]))
    names = [column.name for column in model.encoder.columns]
    raise SettingsError(f"{setting(option)}: {name!r} is no input of the model; {suggestion(name, names)}")


def _numbers(column: ColumnEncoder, table: Table) -> FloatArray:
    """Return a column's cells as numbers (n,), NaN where missing."""
    if column.kind == "number":
        return column.numbers(table)
    cells = date_cells(table, column.name, column.spelling)
    if cells.dtype == pl.Time:
        return (cells.cast(pl.Int64) / 1000).cast(pl.Float64).to_numpy()
    return cells.cast(pl.Datetime("us")).cast(pl.Int64).cast(pl.Float64).to_numpy()


def _words(column: ColumnEncoder, table: Table) -> tuple[tuple[str, ...], FloatArray]:
    """Return words with their inputs: a category's levels or a text's cells most frequent in the table, or truth values."""
    out = np.zeros((table.n_rows, len(column.inputs)))
    column.write(table, out)
    if column.kind == "boolean":
        rows = np.zeros((2, out.shape[1]))
        column.write(from_frame({column.name: [False, True]}, "the cells tried"), rows)
        if not column.missing:
            return ("false", "true"), rows
        gap = np.zeros((1, out.shape[1]))
        column.write(from_frame({column.name: pl.Series([None], dtype=pl.Boolean)}, "the cells tried"), gap)
        return ("false", "true", MISSING), np.concatenate([rows, gap])
    if column.words is not None:
        often = level_counts(table.text(column.name)).get_column("level").head(MOST_WORDS).to_list()
        words = (*often, MISSING) if column.missing else tuple(often)
        cells = pl.Series(column.name, [None if word is MISSING else word for word in words], dtype=pl.String)
        rows = np.zeros((len(words), out.shape[1]))
        column.write(from_frame({column.name: cells}, "the cells tried"), rows)
        return words, rows
    seen = [place for place, neuron in enumerate(column.inputs) if neuron.seen]
    counts = out.sum(axis=0)
    most = sorted(sorted(seen, key=lambda place: -counts[place])[:MOST_WORDS])
    names = tuple(column.inputs[place].name.removeprefix(f"{column.name}: ") for place in most)
    return names, np.eye(out.shape[1])[most]
