"""JSON records as a table: an object in every line, or one list of objects."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl

from chainrule._types import IntArray
from chainrule.errors import TableError
from chainrule.tables.table import Table, check_width, listed_names, typed_table

MOST_GAPS = 200_000_000
"""The most cells that objects may leave out: what has a key of its own in every line is no table."""


class _Cells:
    """The cells of a table by column, with the rows that they are in: most objects have the keys of the one before."""

    def __init__(self) -> None:
        self.columns: dict[str, tuple[list[int], list[object]]] = {}
        self.rows = 0

    def add(self, record: dict[str, object]) -> None:
        for key, value in record.items():
            if key not in self.columns:
                self.columns[key] = ([], [])
            rows, values = self.columns[key]
            rows.append(self.rows)
            values.append(value)
        self.rows += 1

    def frame(self, name: str) -> pl.DataFrame:
        gaps = sum(self.rows - len(rows) for rows, _ in self.columns.values())
        check_width(len(self.columns), name)
        if gaps > MOST_GAPS:
            some = listed_names(list(self.columns), most=3)
            raise TableError(
                f"{name}: its {self.rows:,} objects have {len(self.columns):,} different keys ({some}), most in few of them; "
                "give the objects the same keys"
            )
        return pl.DataFrame([self._column(key, name) for key in self.columns])

    def _column(self, key: str, name: str) -> pl.Series:
        rows, values = self.columns[key]
        if len(rows) == self.rows:
            return _typed_cells(key, values, name)
        made = _typed_cells(key, values, name)
        return made.clear(self.rows).scatter(np.array(rows, dtype=np.uint32), made)


def read_json_lines(
    text: str, name: str, missing: tuple[str, ...], notes: tuple[str, ...], infinite: str
) -> Table:
    """Return the table of an object in every line; raises TableError naming the line of what is none."""
    cells, lines = _Cells(), []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            cells.add(_parsed(line, f"line {number}", name, "NDJSON has one whole object in every line"))
            lines.append(number)
    _refuse_layout(cells, name)
    table = typed_table(cells.frame(name), name, missing, untyped=True, notes=notes, infinite=infinite)
    found: IntArray = np.array(lines, dtype=np.int64)
    return replace(table, lines=found)


def read_json_list(
    text: str, name: str, missing: tuple[str, ...], notes: tuple[str, ...], infinite: str
) -> Table:
    """Return the table of a list of objects; raises TableError naming what is none."""
    try:
        listed = json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, "an object", name))
    except TableError:  # is a ValueError, too
        raise
    except (ValueError, RecursionError) as error:
        raise TableError(
            f"{name}: is not JSON ({error}); a list of objects [{{…}}, {{…}}] was expected"
        ) from error
    cells = _Cells()
    for row, record in enumerate(listed, start=1):
        if not isinstance(record, dict):
            raise TableError(
                f"{name}: item {row} of the list is no object; a list of objects [{{…}}, {{…}}] was expected"
            )
        cells.add(record)
    if not cells.rows:
        raise TableError(f"{name}: the list is empty")
    return typed_table(cells.frame(name), name, missing, untyped=True, notes=notes, infinite=infinite)


def _refuse_layout(cells: _Cells, name: str) -> None:
    """Raise TableError for one object that holds a whole table in another layout."""
    if cells.rows != 1:
        return
    inner = {key: values[0] for key, (_, values) in cells.columns.items()}
    many = [key for key, value in inner.items() if isinstance(value, list | dict) and len(value) > 1]
    objects = [key for key in many if isinstance(inner[key], list) and isinstance(inner[key][0], dict)]  # type: ignore[index]
    if objects or (many and len(many) == len(inner)):
        which = f"is one object, whose {(objects or many)[0]!r} holds many"
        raise TableError(
            f"{name}: {which}; a list of objects [{{…}}, {{…}}] was expected, as pandas' orient='records' writes it"
        )


def _parsed(line: str, place: str, name: str, remedy: str) -> dict[str, object]:
    try:
        record = json.loads(line, object_pairs_hook=lambda pairs: _unique(pairs, place, name))
    except TableError:  # is a ValueError, too
        raise
    except (ValueError, RecursionError) as error:
        raise TableError(f"{name}: {place}: is not JSON ({error}); {remedy}") from error
    if not isinstance(record, dict):
        raise TableError(f"{name}: {place}: is not a JSON object; NDJSON has one object {{…}} in every line")
    return record


def _unique(pairs: list[tuple[str, object]], place: str, name: str) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        last = {key: at for at, (key, _) in enumerate(pairs)}
        twice = next(key for at, (key, _) in enumerate(pairs) if last[key] > at)
        raise TableError(f"{name}: {place}: the key {twice!r} is there twice; rename one of them")
    return found


def _typed_cells(key: str, cells: list[object], name: str) -> pl.Series:
    """Make a column of JSON values: all truth values, all numbers or all text; a mixture becomes text."""
    _check_text(key, "the key", name)
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds <= {bool}:
        return pl.Series(key, cells, pl.Boolean if kinds else pl.String)
    if kinds == {int} and all(-(2**63) <= cell < 2**63 for cell in cells if isinstance(cell, int)):
        return pl.Series(key, cells, pl.Int64)
    if kinds <= {int, float}:
        # By way of text, a whole number beyond all floats is infinite.
        return pl.Series(key, [None if cell is None else float(str(cell)) for cell in cells], pl.Float64)
    texts = [cell if cell is None or isinstance(cell, str) else json.dumps(cell) for cell in cells]
    try:
        return pl.Series(key, texts, pl.String)
    except UnicodeEncodeError:
        for text in texts:
            _check_text(text, f"column {key!r}:", name)
        raise


def _check_text(text: str | None, what: str, name: str) -> None:
    """Raise TableError for half a character of UTF-16, which no table can hold."""
    if text is not None and any("\ud800" <= sign <= "\udfff" for sign in text):
        raise TableError(f"{name}: {what} {text!r} has half a character; write the file again as UTF-8")
