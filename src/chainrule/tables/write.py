"""Data frames to the bytes of a file, by its ending."""

from __future__ import annotations

import io

import polars as pl

from chainrule.errors import OutputError


def table_bytes(frame: pl.DataFrame, suffix: str) -> bytes:
    """Return a frame as the content of a .csv, .tsv, .parquet, .ndjson or .jsonl file.

    Raises OutputError for another ending.
    """
    buffer = io.BytesIO()
    match suffix.lower():
        case ".csv":
            frame.write_csv(buffer)
        case ".tsv" | ".tab":
            frame.write_csv(buffer, separator="\t")
        case ".parquet" | ".pq":
            frame.write_parquet(buffer)
        case ".ndjson" | ".jsonl":
            frame.write_ndjson(buffer)
        case _:
            raise OutputError(
                f"can't write a table as {suffix or 'a file without ending'!r}: use .csv, .tsv, .parquet or .ndjson"
            )
    return buffer.getvalue()
