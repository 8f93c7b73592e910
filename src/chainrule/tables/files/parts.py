"""A table in several files: a list of them, a folder, or a pattern such as ``part-*.csv``."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from chainrule.errors import TableError
from chainrule.tables.files.aside import frame_or_aside
from chainrule.tables.files.foreign import refuse_lake, refuse_url
from chainrule.tables.files.unpack import PACKED
from chainrule.tables.spelling.values import clean_text, to_typed
from chainrule.tables.table import Table, listed_names

_ENDINGS = (
    *(
        ".csv",
        ".tsv",
        ".tab",
        ".txt",
        ".ndjson",
        ".jsonl",
        ".json",
        ".parquet",
        ".pq",
        ".arrow",
        ".feather",
        ".ipc",
    ),
    *(".arrows", ".xlsx", ".xlsm", ".xlsb", ".ods"),
)

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


def files_of(source: Paths) -> tuple[list[str], str]:
    """Return the files of a table, in the order of their names if that is not given, and what the whole is called.

    Raises TableError for a folder or a pattern without tables, and for an address of the net.
    """
    if not isinstance(source, str | os.PathLike):
        names = [os.fspath(one) for one in source]
        if not names:
            raise TableError("no file was given; name one")
        found = [name for each in names for name in files_of(each)[0]]
        return found, f"{found[0]} and {len(found) - 1} more" if len(found) > 1 else found[0]
    name = os.fspath(source)
    refuse_url(name)
    if os.path.isdir(name):
        refuse_lake(Path(name))
        inside = [path for path in sorted(Path(name).rglob("*")) if _is_part(path, Path(name))]
        if not inside:
            raise TableError(
                f"{name}: is a folder without a table in it; name a file, or a folder of {', '.join(_ENDINGS[:3])} …"
            )
        return [str(path) for path in inside], f"{name} ({len(inside)} files)"
    if name != "-" and not os.path.lexists(name) and glob.has_magic(name):
        matching = [path for path in sorted(glob.glob(name, recursive=True)) if os.path.isfile(path)]
        if not matching:
            raise TableError(f"{name}: no file fits this pattern; check the path")
        return matching, f"{name} ({len(matching)} files)"
    return [name], name


def _is_part(path: Path, folder: Path) -> bool:
    """Tell whether a file of a folder is a table: no file that is hidden, or a writer's own such as ``_SUCCESS``."""
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in PACKED]
    return path.is_file() and not hidden and bool(suffixes) and suffixes[-1] in _ENDINGS


def as_one_table(tables: Sequence[Table], name: str, decimal: str) -> Table:
    """Return the rows of all tables as one; raises TableError where they haven't the same columns."""
    first = tables[0]
    for other in tables[1:]:
        if (other.raw is None) != (first.raw is None):
            raise TableError(
                f"{other.name}: is of another format than {first.name}; give parts of one format"
            )
        if set(other.columns) != set(first.columns):
            own, others = set(first.columns), set(other.columns)
            lacking = listed_names(sorted(map(repr, own - others)), most=5) or "none"
            more = listed_names(sorted(map(repr, others - own)), most=5) or "none"
            raise TableError(
                f"{other.name}: has not the columns of {first.name} (lacking: {lacking}; more: {more}); give parts that have "
                "the same"
            )
    raw, names = None, first.columns
    sizes = np.cumsum([0, *(table.n_rows for table in tables)])
    of = int(sizes[-1]), len(names), name
    if first.raw is None:
        frame = frame_or_aside(
            (pl.concat(_alike([table.column(one) for table in tables])) for one in names), *of
        )
    else:
        texts = (pl.concat([table.text(one).alias(one) for table in tables]) for one in names)
        raw = frame_or_aside(texts, *of)
        frame = frame_or_aside((to_typed(raw.get_column(one), decimal) for one in names), *of)
    lines = None
    if all(table.lines is not None for table in tables):
        lines = np.concatenate([table.lines for table in tables if table.lines is not None])
    notes = [f"{table.name}: {note}" for table in tables for note in table.notes]
    return replace(
        first, frame=frame, name=name, raw=raw, lines=lines, notes=tuple(notes),
        files=tuple((table.name, int(start)) for table, start in zip(tables, sizes, strict=False)),
    )  # fmt: skip


def with_folders(table: Table) -> Table:
    """Return the table with a column for each ``name=value`` that stands in the folders of all its parts, as Hive writes them."""
    named = [
        dict(part.split("=", 1) for part in Path(name).parent.parts if "=" in part.strip("="))
        for name, _ in table.files
    ]
    keys = [key for key in (named[0] if named else {}) if key and key not in table.columns]
    keys = [key for key in keys if all(key in own for own in named)]
    if not keys:
        return table
    sizes = np.diff([*(start for _, start in table.files), table.n_rows])
    text = [
        clean_text(pl.Series(key, np.repeat([own[key] for own in named], sizes), pl.String), [_NO_VALUE])
        for key in keys
    ]
    raw = None if table.raw is None else table.raw.with_columns(text)
    note = f"{listed_names(keys)}: as the names of the folders say"
    typed = [to_typed(column, ".") for column in text]
    return replace(table, frame=table.frame.with_columns(typed), raw=raw, notes=(*table.notes, note))


def _alike(parts: list[pl.Series]) -> list[pl.Series]:
    """Return parts of a column in the same type: whole numbers beside others are floats, and what differs is text."""
    kinds = {part.dtype for part in parts if part.dtype != pl.String or part.count()}
    if not kinds:
        return parts
    numbers = pl.Float64() if kinds <= {pl.Int64, pl.Float64} else pl.String()
    return [part.cast(kinds.copy().pop() if len(kinds) == 1 else numbers) for part in parts]
