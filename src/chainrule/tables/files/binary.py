"""Tables in files that are no text: Parquet, Arrow and Feather, Excel."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

import polars as pl

from chainrule.errors import TableError
from chainrule.tables.table import Table, listed_names, typed_table

_PARQUET = (".parquet", ".pq")
_ARROW = (".arrow", ".feather", ".ipc", ".arrows")
_PANDAS = b'{"index_columns"'
_LONGEST = 10_000_000
_SHEETS = (".xlsx", ".xlsm", ".xlsb", ".ods")


def read_binary(data: bytes, name: str, suffix: str, missing: Sequence[str], infinite: str) -> Table | None:
    """Return the table of a file that is no text, None for one that may be; raises TableError for a damaged one."""
    read: Callable[[], pl.DataFrame]
    if data[:4] == b"PAR1" or suffix in _PARQUET:
        what, read = "a Parquet file", lambda: pl.read_parquet(io.BytesIO(data))
    elif data[:6] == b"ARROW1":
        what, read = "an Arrow file", lambda: pl.read_ipc(io.BytesIO(data))
    elif data[:4] == b"\xff\xff\xff\xff" or (suffix in _ARROW and data[:4] != b"FEA1"):
        what, read = "an Arrow stream", lambda: pl.read_ipc_stream(io.BytesIO(data))
    elif data[:2] == b"PK":
        return _read_sheet(data, name, suffix, missing, infinite)
    else:
        return None
    try:
        frame = read()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise TableError(f"{name}: is not {what}, or is damaged: {reason}") from error
    about = _pandas_words(data, what)
    index = [
        column
        for column in about.get("index_columns", ())
        if isinstance(column, str) and column in frame.columns
    ]
    left = [column for column in index if len(frame.columns) > len(index)]
    notes = [f"{listed_names(left)}: the saved index of a pandas frame, which is no input"] if left else []
    table = typed_table(frame.drop(left), name, missing, notes=notes, infinite=infinite)
    kinds = {
        str(column.get("name")): "category"
        for column in about.get("columns", ())
        if isinstance(column, dict)
        and column.get("pandas_type") == "categorical"
        and column.get("name") in table.columns
    }
    return replace(table, said={**table.said, **kinds})


def _pandas_words(data: bytes, what: str) -> dict[str, list[Any]]:
    """Return what pandas has written about its frame into a file, nothing where it hasn't."""
    try:
        if what == "a Parquet file":
            read = getattr(pl, "read_parquet_metadata", None)  # which polars has from 1.25 on
            found = {} if read is None else json.loads(read(io.BytesIO(data)).get("pandas", "{}"))
        else:  # stands in the schema of an Arrow file as it is
            start = max(data.find(_PANDAS), 0)
            found, _ = json.JSONDecoder().raw_decode(
                data[start : start + _LONGEST].decode("utf-8", "replace")
            )
    except (pl.exceptions.PolarsError, ValueError, OSError):
        return {}
    return found if isinstance(found, dict) else {}


def _read_sheet(data: bytes, name: str, suffix: str, missing: Sequence[str], infinite: str) -> Table:
    """Return the table of the first sheet of a spreadsheet."""
    if b"xl/" not in data and b"opendocument.spreadsheet" not in data[:200] and suffix not in _SHEETS:
        raise TableError(f"{name}: is a zip archive; unpack it, and give a file or the folder")
    try:
        fastexcel = import_module("fastexcel")
    except ImportError as error:
        remedy = 'install chainrule with it: pip install "chainrule[excel]", or save the sheet as CSV'
        raise TableError(
            f"{name}: is a spreadsheet, for which the package fastexcel is missing; {remedy}"
        ) from error
    try:
        book = fastexcel.read_excel(data)
        frame = book.load_sheet(0).to_polars()
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError) as error:
        reason = str(error).strip().splitlines()[0]
        raise TableError(
            f"{name}: is not a spreadsheet, or is damaged: {reason}; save the sheet as CSV"
        ) from error
    sheets = list(book.sheet_names)
    notes = []
    if len(sheets) > 1:
        notes.append(f"the sheet {sheets[0]!r} was read, the first of {listed_names(sheets)}")
    return typed_table(frame, name, missing, untyped=True, notes=notes, infinite=infinite)
