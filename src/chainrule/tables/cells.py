"""A column's cells as numbers, truth values, dates or levels, or an error that names the cell in the way."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from chainrule._doors import setting
from chainrule._types import FloatArray, IntArray
from chainrule.errors import TableError
from chainrule.tables.spelling.dress import Dress
from chainrule.tables.spelling.spellings import is_time_only, read_dates
from chainrule.tables.spelling.values import (
    FALSE_WORDS,
    TRUE_WORDS,
    as_text,
    is_plain_number,
    to_booleans,
    to_numbers,
    to_plain_form,
)
from chainrule.tables.table import Table, listed_names

LEVEL_MISSING = -1
LEVEL_UNSEEN = -2


def known_rows(table: Table, names: Sequence[str]) -> IntArray:
    """Return the rows (from 0) with a cell in each of these columns, in order."""
    known = np.ones(table.n_rows, dtype=np.bool_)
    for name in names:
        known &= table.column(name).is_not_null().to_numpy()
    return np.flatnonzero(known)


def no_row(table: Table, names: Sequence[str]) -> str:
    """Say that no row has these targets."""
    which = (
        f"the target {names[0]!r}"
        if len(names) == 1
        else f"all targets, {listed_names(list(map(repr, names)))}"
    )
    return f"{table.name}: no row has a value in {which}"


def number_cells(table: Table, name: str, dress: Dress | None = None) -> FloatArray:
    """Return a column as float64, shape (n,), NaN where a cell is missing.

    Text is read in its ``dress``, or as plain numbers. An infinite number is missing, too. Raises TableError naming the first
    cell that is no number, or not a finite one where these are refused.
    """
    column = table.column(name)
    if dress is not None and dress.thousands == "." and table.raw is not None:
        # What a program takes for 1.2 is 1,200 in this dress.
        column = table.text(name)
    if column.dtype == pl.String:
        numbers = (dress or Dress(table.decimal)).read(column)
        _refuse(table, name, numbers.is_null() & column.is_not_null(), "is not a number")
    elif column.dtype.is_numeric() or column.dtype == pl.Boolean:
        numbers = column
    else:
        numbers = pl.Series([None] * len(column), dtype=pl.Float64)
        _refuse(table, name, column.is_not_null(), "is not a number")
    values = numbers.cast(pl.Float64).to_numpy()
    infinite = np.isinf(values)
    if not infinite.any():
        return values
    if table.infinite == "refuse":
        _refuse(table, name, pl.Series(infinite), "is not a finite number (beyond ±1.8e308)")
    return np.where(infinite, np.nan, values)


def boolean_cells(table: Table, name: str) -> FloatArray:
    """Return a column as 1.0 for true, yes or 1, 0.0 for false, no or 0, NaN where missing; shape (n,)."""
    column = table.column(name)
    if column.dtype == pl.Boolean:
        return column.cast(pl.Float64).to_numpy()
    text = as_text(column)
    numbers = to_numbers(text, table.decimal).cast(pl.Float64)
    found = to_booleans(text).cast(pl.Float64)
    found = found.zip_with(found.is_not_null() | ~numbers.is_in([0.0, 1.0]), numbers)
    words = ", ".join((*TRUE_WORDS, "1", *FALSE_WORDS, "0"))
    _refuse(table, name, found.is_null() & column.is_not_null(), f"is not a truth value ({words})")
    return found.to_numpy()


def date_cells(table: Table, name: str, spelling: str) -> pl.Series:
    """Return a column as Datetime, or as Time where ``spelling`` (of DATE_FORMATS) has no date.

    A column of dates is taken as it is, text is read by ``spelling``, else as ISO 8601.
    """
    column = table.column(name)
    wanted = pl.Time if is_time_only(spelling) else pl.Datetime
    what = f"is not a date or time such as {'23:59' if wanted == pl.Time else '2024-12-31'}"
    if column.dtype == pl.Datetime and wanted == pl.Time:
        return column.dt.time()
    if column.dtype == wanted:
        return column
    if column.dtype != pl.String:
        # An all-missing column of another type has nothing in the way.
        _refuse(table, name, column.is_not_null(), what)
        return pl.Series(name, [None] * len(column), pl.Time if wanted == pl.Time else pl.Datetime("us"))
    best = read_dates(column, spelling)
    _refuse(table, name, best.is_null() & column.is_not_null(), what)
    return best


def as_levels(table: Table, name: str) -> pl.Series:
    """Return a column whose cells are levels: as they are, but numbers with zeros before them, such as 007, as written."""
    column = table.column(name)
    if table.raw is None or column.dtype == pl.String:
        return column
    text = table.text(name)
    return text if bool(text.str.contains(r"^[-+]?0[0-9]").any()) else column


def level_codes(table: Table, name: str, levels: Sequence[str]) -> IntArray:
    """Return for every cell its place in ``levels``, LEVEL_MISSING or LEVEL_UNSEEN; shape (n,).

    Cells are compared as text, as written in the source; a number also in its plain form, so that 1.0 is 1.
    """
    column = table.column(name)
    text = table.text(name)
    known = pl.Enum(levels)
    codes = _places(text, known)
    unseen = codes == LEVEL_UNSEEN
    if unseen.any() and any(map(is_plain_number, levels)):
        numbers = to_plain_form(column) if column.dtype == pl.String else as_text(column)
        codes = np.where(unseen, _places(numbers, known), codes)
    if text.null_count():
        codes[text.is_null().to_numpy()] = LEVEL_MISSING
    return codes


def _places(text: pl.Series, known: pl.Enum) -> IntArray:
    """Return for every cell its place among the known words, LEVEL_UNSEEN where it is none of them."""
    places = text.cast(known, strict=False).to_physical()
    found = places.to_numpy()
    if places.null_count():
        found = np.where(np.isnan(found), LEVEL_UNSEEN, found)
    return found.astype(np.int64)


def _refuse(table: Table, name: str, wrong: pl.Series, what: str) -> None:
    """Raise TableError about the first cell that ``wrong`` marks, if any."""
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise TableError(f"{located(table, row, name)} {what}; {remedy(table, row, name)}")


def located(table: Table, row: int, name: str) -> str:
    """Begin a message about a cell: the table, the line, the column and the cell itself."""
    cell = "" if table.cell(row, name) is None else " " + shown(table, row, name)
    return f"{table.name}: {table.place(row)}, column {name!r}:{cell}"


def shown(table: Table, row: int, name: str) -> str:
    """Write a cell for a message, in quotes, cut at 40 characters."""
    cell = table.cell(row, name) or ""
    return repr(cell if len(cell) <= 40 else cell[:39] + "…")


def remedy(table: Table, row: int, name: str) -> str:
    """Say what can be done about a cell that is in the way."""
    if table.raw is None and table.column(name).dtype != pl.String:
        return "correct it, or make it missing"
    cell = table.cell(row, name) or ""
    if len(cell) > 40:
        return "correct it, or make it missing"
    return f"correct it, or name it as missing with {setting('missing', [cell])}"
