"""Read a table from a file or from standard input, whatever its format."""

import codecs
import gzip
import io
import json
import os
import stat
import sys
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from chainrule._doors import setting
from chainrule._forks import check_polars
from chainrule.errors import SettingsError, TableError
from chainrule.tables.delimited import DELIMITERS, read_delimited, sniff_delimiter
from chainrule.tables.table import Table, listed_names, typed_table, with_finite
from chainrule.tables.values import DEFAULT_MISSING, clean, to_typed

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NDJSON = (".ndjson", ".jsonl", ".json")
_PARQUET = (".parquet", ".pq")


def read_table(
    source: str | os.PathLike[str],
    *,
    delimiter: str | None = None,
    decimal: str = ".",
    encoding: str | None = None,
    missing: Sequence[str] = DEFAULT_MISSING,
    thousands: str = "",
    dates: str = "",
    infinite: str = "missing",
) -> Table:
    r"""Read a table from a CSV, TSV, NDJSON or Parquet file, or from standard input ("-").

    The format follows from the content and the extension; the text formats may be gzipped. What is not given is found
    out: the delimiter (one of , ; tab |), the encoding (by its byte-order mark, else UTF-8, else Latin-1 with a note).
    ``decimal`` is "." or ",", ``thousands`` what is between groups of digits ("" where the cells say it), ``dates``
    "day-first" or "month-first" ("" where they say it); ``infinite`` is "refuse" where infinite numbers are not to be
    taken for missing cells. ``missing`` are the cells that count as missing, the empty one always. A column of
    delimited text whose cells are all numbers is a number column, every other is text. Raises TableError naming file,
    line and remedy for whatever can't be read, SettingsError for an option that makes no sense.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "abc.csv")
    ...     _ = path.write_text("A;Target\n1,5;yes\n;no\n")
    ...     read_table(path, decimal=",").frame.rows()
    [(1.5, 'yes'), (None, 'no')]
    """
    check_decimal(decimal)
    check_polars()
    cut = None if delimiter is None else _checked_delimiter(delimiter)
    table = _read(source, cut, decimal, encoding, missing, infinite)
    return replace(table, decimal=decimal, thousands=thousands, dates=dates)


def _read(
    source: str | os.PathLike[str],
    cut: str | None,
    decimal: str,
    encoding: str | None,
    missing: Sequence[str],
    infinite: str,
) -> Table:
    data, name = _load(source)
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            remedy = "fetch or compress the file again"
            raise TableError(f"{name}: the gzip data is damaged or cut short ({error}); {remedy}") from error
        suffixes = [suffix for suffix in suffixes if suffix not in (".gz", ".gzip")]
    elif suffixes[-1:] == [".gz"]:
        remedy = "rename it if it is plain text"
        raise TableError(f"{name}: is not gzip data, though its name ends in .gz; {remedy}")
    suffix = suffixes[-1] if suffixes else ""
    if not data.strip():
        raise TableError(f"{name}: the file is empty")
    if data[:4] == b"PAR1" or suffix in _PARQUET:
        return _read_parquet(data, name, missing, infinite)
    if data[:2] == b"PK":
        raise TableError(f"{name}: is a spreadsheet or another zip file; save the sheet as CSV")
    text, notes = _decode(data, name, encoding)
    if suffix in _NDJSON or (suffix not in (".csv", ".tsv", ".tab", ".txt") and text.lstrip()[:1] == "{"):
        return _read_ndjson(text, name, missing, notes, infinite)
    if cut is None and suffix in (".tsv", ".tab"):
        cut = "\t"
    cut = cut or sniff_delimiter(text, [c for c in DELIMITERS if c != decimal])
    parts = read_delimited(text, cut, name)
    if not len(parts.lines):
        raise TableError(f"{name}: there is a header ({listed_names(parts.names)}) but no row below it")
    raw = clean(parts.cells, missing)
    frame = pl.DataFrame([to_typed(column, decimal) for column in raw.get_columns()])
    notes += parts.notes
    made = Table(frame, name, raw, parts.lines, True, notes=notes, delimiter=cut)
    return with_finite(made, infinite)


def check_decimal(sign: object) -> None:
    """Raise SettingsError for what is no decimal sign."""
    if not isinstance(sign, str) or sign not in (".", ","):
        raise SettingsError(f"{setting('decimal')} {sign!r} is unknown: choose . or ,")


def _checked_delimiter(delimiter: str) -> str:
    cut = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
    if len(cut) != 1 or not cut.isascii() or cut in '"\r\n':
        known = "one character such as , ; | or the word tab"
        raise SettingsError(f"{setting('delimiter')} {delimiter!r} must be {known}")
    return cut


def _load(source: str | os.PathLike[str]) -> tuple[bytes, str]:
    name = os.fspath(source)
    if name == "-":
        try:
            return sys.stdin.buffer.read(), "standard input"
        except (AttributeError, OSError) as error:  # Python has no stream where it is closed
            reason = error.strerror if isinstance(error, OSError) else "it is closed"
            remedy = "name a file, or let a table come through a pipe"
            raise TableError(f"standard input: can't be read ({reason}); {remedy}") from error
    try:
        mode = os.stat(name).st_mode
        if stat.S_ISDIR(mode):
            raise TableError(f"{name}: is a folder; name a file in it")
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise TableError(f"{name}: is a device, not a file")
        return Path(name).read_bytes(), name
    except FileNotFoundError as error:
        raise TableError(f"{name}: there is no such file; check the path") from error
    except TableError:  # is a ValueError, too
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no file can have this name"
        raise TableError(f"{name}: can't be read: {reason}") from error


def _decode(data: bytes, name: str, encoding: str | None) -> tuple[str, tuple[str, ...]]:
    marked = next((codec for mark, codec in _BYTE_ORDER_MARKS if data.startswith(mark)), None)
    codec = encoding or marked or "utf-8"
    notes: tuple[str, ...] = ()
    try:
        text = data.decode(codec)
    except LookupError as error:
        raise SettingsError(
            f"{setting('encoding')} {encoding!r} is unknown: choose utf-8, latin-1, cp1252, …"
        ) from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        if encoding or marked:
            remedy = f"choose another {setting('encoding')}"
            raise TableError(f"{name}: line {line}: can't be decoded as {codec}; {remedy}") from error
        text = data.decode("latin-1")
        notes = (
            f"is not UTF-8 (first at line {line}), so it was read as Latin-1; if letters are wrong, name the encoding",
        )
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise TableError(
            f"{name}: line {line} holds a NUL byte; this is not a text table, or it wants {setting('encoding')}"
        )
    return text.removeprefix("\ufeff"), notes


def _read_parquet(data: bytes, name: str, missing: Sequence[str], infinite: str) -> Table:
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise TableError(f"{name}: is not a Parquet file, or is damaged: {reason}") from error
    return typed_table(frame, name, missing, infinite=infinite)


def _read_ndjson(
    text: str, name: str, missing: Sequence[str], notes: tuple[str, ...], infinite: str
) -> Table:
    cells: dict[str, list[object]] = {}
    lines: list[int] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        for key, value in _parse_object(line, number, name).items():
            cells.setdefault(key, [None] * len(lines)).append(value)
        lines.append(number)
        for column in cells.values():
            if len(column) < len(lines):
                column.append(None)
    frame = pl.DataFrame([_typed_cells(key, column) for key, column in cells.items()])
    table = typed_table(frame, name, missing, untyped=True, notes=notes, infinite=infinite)
    return replace(table, lines=np.array(lines, dtype=np.int64))


def _parse_object(line: str, number: int, name: str) -> dict[str, object]:
    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        keys = [key for key, _ in pairs]
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise TableError(f"{name}: line {number}: the key {twice!r} is there twice; rename one of them")
        return dict(pairs)

    try:
        record = json.loads(line, object_pairs_hook=unique)
    except TableError:  # is a ValueError, too
        raise
    except (ValueError, RecursionError) as error:
        remedy = "NDJSON has one whole object in every line"
        raise TableError(f"{name}: line {number}: is not JSON ({error}); {remedy}") from error
    if not isinstance(record, dict):
        raise TableError(
            f"{name}: line {number}: is not a JSON object; NDJSON has one object {{…}} in every line"
        )
    return record


def _typed_cells(name: str, cells: list[object]) -> pl.Series:
    """Make a column of JSON values: all truth values, all numbers or all text; a mixture becomes text."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds <= {bool}:
        return pl.Series(name, cells, pl.Boolean if kinds else pl.String)
    if kinds == {int} and all(-(2**63) <= cell < 2**63 for cell in cells if isinstance(cell, int)):
        return pl.Series(name, cells, pl.Int64)
    if kinds <= {int, float}:
        # By way of text, a whole number beyond all floats is infinite, and refused where it is used.
        return pl.Series(name, [None if cell is None else float(str(cell)) for cell in cells], pl.Float64)
    texts = [cell if cell is None or isinstance(cell, str) else json.dumps(cell) for cell in cells]
    return pl.Series(name, texts, pl.String)
