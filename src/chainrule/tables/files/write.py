"""Data frames to the bytes of a file, by its ending."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Container, Mapping

import polars as pl

from chainrule._doors import setting
from chainrule.errors import OutputError

DELIMITED = (".csv", ".tsv", ".tab")

FORMULA_SIGNS = tuple("=+-@\t\r\n\0\ufeff\uff1d\uff0b\uff0d\uff20")
"""What a text begins with that a spreadsheet takes for a formula, or cuts before one."""

_NUMBER = r"^[+-]?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?$"
"""A text that a spreadsheet takes for a number, and for nothing else."""


def table_bytes(frame: pl.DataFrame, suffix: str, *, safe: bool = False) -> bytes:
    """Return a frame as the content of a .csv, .tsv, .parquet, .ndjson or .jsonl file.

    ``safe``: a spreadsheet takes no text for a formula (`without_formulas`). Raises OutputError for another ending.
    """
    check_suffix(suffix, safe=safe)
    buffer = io.BytesIO()
    _WRITERS[suffix.lower()](without_formulas(frame) if safe else frame, buffer)
    return buffer.getvalue()


def check_suffix(suffix: str, *, safe: bool = False) -> None:
    """Raise OutputError where `table_bytes` knows no format for a file's ending, or none with texts that need care."""
    if suffix.lower() not in _WRITERS:
        ending = f"with the ending {suffix!r}" if suffix else "without an ending"
        raise OutputError(f"can't write a table to a file {ending}; use {', '.join(_WRITERS)}")
    if safe and suffix.lower() not in DELIMITED:
        why = f"{setting('safe_csv')} is about {', '.join(DELIMITED)}: programs take no text in {suffix} for a formula"
        raise OutputError(f"{why}; leave it out")


def without_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame with an apostrophe before each text, and each name, that a spreadsheet takes for a formula.

    Those are texts that begin with = + - @ (of full width, too), a tab or a line end (OWASP, "CSV Injection"), or with what
    is cut off, a zero or a byte order mark. Numbers stay as they are, those that stand in a column of texts among them.
    """
    texts = [name for name, kind in frame.schema.items() if kind in (pl.String, pl.Categorical, pl.Enum)]
    for name, cells in zip(texts, map(pl.col, texts), strict=True):
        cells = cells.cast(pl.String)
        acts = cells.str.slice(0, 1).is_in(FORMULA_SIGNS) & ~cells.str.contains(_NUMBER)
        frame = frame.with_columns(pl.when(acts).then(pl.lit("'") + cells).otherwise(cells).alias(name))
    names: dict[str, str] = {}
    for name in frame.columns:
        taken = {*frame.columns, *names.values()} - {name}
        acts_as_name = name.startswith(FORMULA_SIGNS) and not re.match(_NUMBER, name)
        names[name] = free_name(f"'{name}", taken, "'") if acts_as_name else name
    return frame.rename(names)


def free_name(name: str, taken: Container[str], mark: str) -> str:
    """Return a column's name with a mark behind it, such as `` (predicted)``, as often as the name is taken."""
    while name in taken:
        name += mark
    return name


_WRITERS: Mapping[str, Callable[[pl.DataFrame, io.BytesIO], None]] = {
    ".csv": pl.DataFrame.write_csv,
    **dict.fromkeys((".tsv", ".tab"), lambda frame, buffer: frame.write_csv(buffer, separator="\t")),
    **dict.fromkeys((".parquet", ".pq"), pl.DataFrame.write_parquet),
    **dict.fromkeys((".ndjson", ".jsonl"), pl.DataFrame.write_ndjson),
}
