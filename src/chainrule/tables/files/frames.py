"""Data frames of other programs, polars, pandas and Arrow, as frames of the few types that tables have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from chainrule.errors import TableError
from chainrule.tables.files.aside import Frame, columns_typed
from chainrule.tables.spelling.values import as_text, float_text

CATEGORY = "category"
INDEX = "index"
"""What a source may say of a column: that it is a category, whatever its levels look like, or that it numbers the rows."""

MOST_EXACT = 2**53
"""Whole numbers up to this are exact as floats."""


def to_polars(frame: Any, name: str) -> tuple[pl.DataFrame, dict[str, str]]:
    """Return whatever ``polars.DataFrame`` accepts as a frame, and what it says of its columns; raises TableError."""
    if isinstance(frame, pl.DataFrame):
        return frame, {}
    if isinstance(frame, pl.LazyFrame):
        return frame.collect(), {}
    if type(frame).__module__.split(".")[0] == "pandas":
        return _from_pandas(frame, name)
    said = {}
    if hasattr(frame, "column_names") and hasattr(frame, "schema"):
        said = {one.name: CATEGORY for one in frame.schema if str(one.type).startswith("dictionary")}
    try:
        made = pl.DataFrame(frame, strict=False, nan_to_null=True)
    except UnicodeEncodeError as error:
        raise TableError(
            f"{name}: {error.object!r:.60} has half a character, which no table can hold; write it again as UTF-8"
        ) from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, TypeError, ValueError) as error:
        raise TableError(f"{name}: can't be made a table of columns: {error}") from error
    if not isinstance(frame, Mapping) and all(c.startswith("column_") for c in made.columns):
        made.columns = [f"column_{i}" for i in range(1, made.width + 1)]
    return made, said


def _from_pandas(frame: Any, name: str) -> tuple[pl.DataFrame, dict[str, str]]:
    # Column by column, because polars' own conversion wants pyarrow for text, which pandas does not require.
    names = [str(column) for column in frame.columns]
    check_names(names, name)
    columns, said = {}, {}
    for position, column in enumerate(names):
        values = frame.iloc[:, position]
        kind = type(values.dtype).__name__
        if kind in ("CategoricalDtype", "IntervalDtype"):
            said[column] = CATEGORY
            columns[column] = _of_levels(
                column, values if kind == "CategoricalDtype" else values.astype(CATEGORY)
            )
            continue
        if kind == "PeriodDtype":
            values = values.dt.to_timestamp()
        elif kind == "SparseDtype":
            values = values.sparse.to_dense()
        elif values.dtype == np.longdouble:
            values = values.astype(np.float64)
        try:
            if values.dtype.kind in "biufM" and isinstance(values.dtype, np.dtype):
                columns[column] = pl.Series(column, values.to_numpy(), nan_to_null=True)
            else:
                cells = values.astype(object).where(values.notna(), None).tolist()
                columns[column] = pl.Series(column, cells, strict=False)
        except UnicodeEncodeError as error:
            what = f"column {column!r}: {error.object!r:.60} has half a character, which no table can hold"
            raise TableError(f"{name}: {what}; write it again as UTF-8") from error
    return pl.DataFrame(columns), said


def _of_levels(name: str, values: Any) -> pl.Series:
    """Return a pandas column of categories as text: numbers in their plain form, intervals and periods as pandas writes them."""
    levels = [_level_text(level) for level in values.cat.categories]
    codes = values.cat.codes.tolist()
    return pl.Series(name, [None if code < 0 else levels[code] for code in codes], pl.String)


def _level_text(level: Any) -> str:
    if isinstance(level, bool | np.bool_):
        return "true" if level else "false"
    if isinstance(level, int | np.integer):
        return str(int(level))
    if isinstance(level, datetime):  # pandas' own is one
        return str(as_text(pl.Series([level], dtype=pl.Datetime("us")))[0])
    return float_text(float(level)) if isinstance(level, float | np.floating) else str(level)


def said_kinds(frame: pl.DataFrame) -> dict[str, str]:
    """Return what the types of a frame say of its columns."""
    return {name: CATEGORY for name, dtype in frame.schema.items() if dtype in (pl.Categorical, pl.Enum)}


def rounded_notes(frame: Frame) -> list[str]:
    """Say which columns have whole numbers that floats don't have."""
    notes = []
    for column in columns_typed(frame, pl.Int64, pl.UInt64, pl.Int128):
        if column.count():
            low, high = column.min(), column.max()
            if isinstance(low, int) and isinstance(high, int) and max(-low, high) > MOST_EXACT:
                beyond = "whole numbers beyond 2^53, of which only the first 15 digits count"
                notes.append(f"column {column.name!r} has {beyond}; as text they would be kept")
    return notes


def duration_notes(frame: pl.DataFrame) -> list[str]:
    """Say which columns are durations, which become numbers."""
    of = [name for name, dtype in frame.schema.items() if dtype == pl.Duration]
    return [f"column {name!r} is durations, read as seconds" for name in of]


def plain_types(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame with its types brought to the few that tables have."""
    changes = []
    for name, dtype in frame.schema.items():
        column = pl.col(name)
        if dtype.is_float():
            changes.append(column.cast(pl.Float64).fill_nan(None))
        elif dtype.is_decimal() or dtype in (pl.Int128, pl.UInt64):
            changes.append(column.cast(pl.Float64))
        elif dtype.is_integer():
            changes.append(column.cast(pl.Int64))
        elif dtype in (pl.Categorical, pl.Enum, pl.Null):
            changes.append(column.cast(pl.String))
        elif dtype == pl.Date:
            changes.append(column.cast(pl.Datetime("us")))
        elif dtype == pl.Datetime:
            # Clock time as written: dropping the zone keeps the hour that the table shows.
            changes.append(column.dt.replace_time_zone(None).cast(pl.Datetime("us")))
        elif dtype == pl.Duration:
            changes.append(column.dt.total_microseconds() / 1e6)
    return frame.with_columns(changes) if changes else frame


def check_names(names: Sequence[str], where: str) -> None:
    """Raise TableError if two columns have the same name."""
    seen: dict[str, int] = {}
    for position, column in enumerate(names, start=1):
        if column in seen:
            both = f"{seen[column]} and {position}"
            raise TableError(f"{where}: columns {both} are both named {column!r}; rename one of them")
        seen[column] = position
