"""Data frames to the bytes of a file, by its ending."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import polars as pl

from chainrule.errors import OutputError


def table_bytes(frame: pl.DataFrame, suffix: str) -> bytes:
    """Return a frame as the content of a .csv, .tsv, .parquet, .ndjson or .jsonl file.

    Raises OutputError for another ending.
    """
    check_suffix(suffix)
    buffer = io.BytesIO()
    _WRITERS[suffix.lower()](frame, buffer)
    return buffer.getvalue()


def check_suffix(suffix: str) -> None:
    """Raise OutputError where `table_bytes` knows no format for a file's ending."""
    if suffix.lower() not in _WRITERS:
        ending = f"with the ending {suffix!r}" if suffix else "without an ending"
        raise OutputError(f"can't write a table to a file {ending}; use {', '.join(_WRITERS)}")


_WRITERS: Mapping[str, Callable[[pl.DataFrame, io.BytesIO], None]] = {
    ".csv": pl.DataFrame.write_csv,
    **dict.fromkeys((".tsv", ".tab"), lambda frame, buffer: frame.write_csv(buffer, separator="\t")),
    **dict.fromkeys((".parquet", ".pq"), pl.DataFrame.write_parquet),
    **dict.fromkeys((".ndjson", ".jsonl"), pl.DataFrame.write_ndjson),
}
