"""Running SQL: by SQLite, of the standard library, and by DuckDB."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import polars as pl

from chainrule.exports.program import Program
from chainrule.exports.run.base import CantRun, ExportError, SaidOfRows, plain_form
from chainrule.exports.run.made_rows import CellRows
from chainrule.exports.written.dialects import sql_name
from chainrule.exports.written.sql import key_name
from chainrule.tables.encoding.steps import LookUp, ReadDate
from chainrule.tables.spelling.values import is_plain_number


def run_sqlite(program: Program, content: bytes, rows: CellRows) -> SaidOfRows:
    """Run SQL by SQLite, of the standard library."""
    import sqlite3

    with closing(sqlite3.connect(":memory:")) as database:
        types = {"number": "REAL", "text": "TEXT"}
        _filled(database, program, rows, types)
        try:
            said = database.execute(content.decode()).fetchall()
        except sqlite3.Error as error:
            raise ExportError(f"the export doesn't run by SQLite: {error}") from error
    return _from_table(program, said, f"SQLite {sqlite3.sqlite_version}")


def run_duckdb(program: Program, content: bytes, rows: CellRows) -> SaidOfRows:
    """Run SQL by DuckDB."""
    try:
        import duckdb
    except ImportError as error:
        raise CantRun("duckdb is not installed") from error
    with closing(duckdb.connect(":memory:")) as database:
        _filled(database, program, rows, {"number": "DOUBLE", "text": "VARCHAR"})
        try:
            said = database.execute(content.decode()).fetchall()
        except duckdb.Error as error:
            raise ExportError(f"the export doesn't run by DuckDB: {error}") from error
    return _from_table(program, said, f"DuckDB {duckdb.__version__}")


def _filled(database: Any, program: Program, rows: CellRows, types: Mapping[str, str]) -> None:
    """Make the table that the query reads, of rows as `sql_columns` has them."""
    columns = sql_columns(program, rows)
    told = [f"{sql_name(key_name(program))} INTEGER"]
    told += [
        f"{sql_name(name)} {types['number' if isinstance(cells, np.ndarray) else 'text']}"
        for name, cells in columns.items()
    ]
    database.execute(f'CREATE TABLE "input" ({", ".join(told)})')
    values = [
        [
            None if isinstance(cell, float) and math.isnan(cell) else cell
            for cell in (cells.tolist() if isinstance(cells, np.ndarray) else cells)
        ]
        for cells in columns.values()
    ]
    marks = ", ".join("?" * len(told))
    database.executemany(
        f'INSERT INTO "input" VALUES ({marks})',
        [(k, *row) for k, row in enumerate(zip(*values, strict=True))],
    )


def sql_columns(program: Program, rows: CellRows) -> dict[str, Any]:
    """Return the columns of a table for a query: numbers, texts as they are but numbers plain, dates as ISO 8601 has them."""
    made: dict[str, Any] = {}
    for cell in program.cells:
        reads = cell.steps.reads
        if isinstance(reads, LookUp):
            texts = rows.table.text(cell.name)
            made[cell.name] = [
                plain_form(text) if text is not None and is_plain_number(text) else _as_sql(row[cell.name])
                for text, row in zip(texts, rows.cells, strict=True)
            ]
        elif isinstance(reads, ReadDate):
            moments = reads.column(rows.table, cell.name)
            form = "%H:%M:%S%.6f" if moments.dtype == pl.Time else "%Y-%m-%d %H:%M:%S%.6f"
            made[cell.name] = moments.dt.strftime(form).to_list()
        else:
            made[cell.name] = np.asarray(reads.column(rows.table, cell.name), np.float64)
    return made


def _as_sql(cell: Any) -> Any:
    return str(cell).lower() if isinstance(cell, bool) else cell


def _from_table(program: Program, said: Sequence[Sequence[Any]], by: str) -> SaidOfRows:
    """Return what a query says, row by row: the key, the labels, the numbers."""
    targets = program.model.target.parts
    n = 0 if program.answers.kind == "number" else len(targets)
    numbers = [[math.nan if value is None else value for value in row[1 + n :]] for row in said]
    places = (
        [[list(part.labels).index(row[1 + j]) for j, part in enumerate(targets)] for row in said]
        if n
        else None
    )
    return SaidOfRows(np.array(numbers, np.float64), None if places is None else np.array(places), by)


def run_postgres(program: Program, content: bytes, rows: CellRows) -> SaidOfRows:
    """Say that PostgreSQL is not run: it is a server, and which one to use is not ours to choose."""
    raise CantRun("PostgreSQL is a server, and none is started for this")
