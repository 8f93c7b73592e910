"""Read a table from a file or from standard input, whatever its format."""

import codecs
import os
import re
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from chainrule._doors import setting
from chainrule._forks import check_polars
from chainrule._memory import give_back
from chainrule.errors import SettingsError, TableError
from chainrule.tables.files.aside import put_aside
from chainrule.tables.files.binary import read_binary
from chainrule.tables.files.delimited import DELIMITERS, read_delimited, sniff_delimiter
from chainrule.tables.files.foreign import refuse_foreign
from chainrule.tables.files.frames import INDEX, rounded_notes
from chainrule.tables.files.parts import as_one_table, files_of, with_folders
from chainrule.tables.files.records import read_json_lines, read_json_list
from chainrule.tables.files.unpack import PACKED, UNPACK_LIMIT, size_of, unpacked
from chainrule.tables.spelling.values import DEFAULT_MISSING
from chainrule.tables.table import NoRowsError, Table, listed_names, with_finite

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NDJSON = (".ndjson", ".jsonl", ".json")
_FIRST = 4_000_000
_PIECE = 2**23
_MANY = 2**25
_DELIMITED = (".csv", ".tsv", ".tab", ".txt")
_RECORDS = re.compile(r"\s*(?:\[\s*)?\{\s*\"")
_SAID = re.compile(rb"\"?sep=([^\r\n\"])\"?(?=\r?\n)", re.IGNORECASE)


@dataclass(frozen=True)
class _How:
    """How the files of a table are read."""

    delimiter: str | None
    decimal: str
    encoding: str | None
    missing: tuple[str, ...]
    infinite: str
    unpack_limit: int


def read_table(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    delimiter: str | None = None,
    decimal: str = ".",
    encoding: str | None = None,
    missing: Sequence[str] = DEFAULT_MISSING,
    thousands: str = "",
    dates: str = "",
    infinite: str = "missing",
    unpack_limit: int | str = UNPACK_LIMIT,
) -> Table:
    r"""Read a table from a CSV, TSV, NDJSON, JSON, Parquet, Arrow or Excel file, or from standard input ("-").

    Several files, a folder of them, or a pattern such as ``part-*.csv`` are the parts of one table. The format follows from
    the content and the extension; files may be compressed (gzip, bzip2, xz, Zstandard), and unpack to ``unpack_limit`` bytes
    at most. The cells of a large table are written aside, into a temporary file that is gone with it, and read from there column
    by column. What is not given is found out: the delimiter (one of , ; tab |), the encoding (by its byte-order mark, else
    UTF-8, else Latin-1 with a note). ``decimal`` is "." or ",", ``thousands`` what is between groups of digits ("" where the
    cells say it), ``dates`` what is first in them, "day-first", "month-first" or "year-first" ("" where they say it);
    ``infinite`` is "refuse" where infinite numbers are not to be taken for missing cells. ``missing`` are the cells that count
    as missing, the empty one always. A column of delimited text whose cells are all numbers is a number column, every other
    is text. Raises TableError naming file, line and remedy for whatever can't be read, SettingsError for an option that
    makes no sense.

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
    how = _How(cut, decimal, encoding, tuple(missing), infinite, size_of(unpack_limit))
    names, whole = files_of(source)
    table = _read_file(names[0], how) if len(names) == 1 else with_folders(_read_parts(names, whole, how))
    if table.raw is not None:
        table = with_finite(replace(table, notes=(*table.notes, *rounded_notes(table.frame))), infinite)
    frame = put_aside(table.frame, table.name)
    return replace(table, frame=frame, decimal=decimal, thousands=thousands, dates=dates)


def _read_parts(names: Sequence[str], whole: str, how: _How) -> Table:
    """Return the table in several files, of which those without a row add nothing; raises TableError where all are so."""
    tables, empty = [], []
    for name in names:
        try:
            tables.append(_read_file(name, how))
        except NoRowsError as error:
            empty.append(error)
    if not tables:
        raise empty[0]
    made = as_one_table(tables, whole, how.decimal)
    without = (
        f"{len(empty)} file{'s have' if len(empty) > 1 else ' has'} no row (the first: {empty[0]})"
        if empty
        else ""
    )
    return replace(made, notes=(*made.notes, without)) if empty else made


def _read_file(name: str, how: _How) -> Table:
    """Return the table of a file, whatever its format."""
    data, name = _load(name)
    data = unpacked(data, name, how.unpack_limit)
    if len(data) >= _MANY:
        give_back()
    suffixes = [suffix.lower() for suffix in Path(name).suffixes if suffix.lower() not in PACKED]
    suffix = suffixes[-1] if suffixes else ""
    if not data or data.isspace():
        raise NoRowsError(f"{name}: the file is empty")
    if (binary := read_binary(data, name, suffix, how.missing, how.infinite)) is not None:
        return binary
    refuse_foreign(data, name)
    data, notes = _in_utf_8(data, name, how.encoding)
    data, cut = _without_marks(data, how.delimiter)
    begins = data[:_FIRST].decode("utf-8", "ignore")
    start = begins.lstrip()[:1] if suffix not in _DELIMITED or _RECORDS.match(begins) else ""
    is_list = start == "[" and (suffix == ".json" or begins.lstrip()[1:].lstrip()[:1] in ("{", "]"))
    if is_list or suffix in _NDJSON or start == "{":
        read = read_json_list if is_list else read_json_lines
        return read(data.decode(), name, how.missing, notes, how.infinite)
    if cut is None and suffix in (".tsv", ".tab"):
        cut = "\t"
    cut = cut or sniff_delimiter(begins, [c for c in DELIMITERS if c != how.decimal], name)
    held = [data]
    del data
    parts = read_delimited(
        held.pop(), cut, name, how.missing, how.decimal
    )  # which lets go of the text as soon as it can
    if not len(parts.lines):
        raise NoRowsError(f"{name}: there is a header ({listed_names(parts.names)}) but no row below it")
    # A first column without a name is what pandas and R write the rows' numbers into.
    said = {parts.names[0]: INDEX} if parts.first_unnamed else {}
    return Table(
        parts.cells, name, parts.raw, parts.lines, True, notes=notes + parts.notes, delimiter=cut, said=said
    )


def _without_marks(data: bytes, delimiter: str | None) -> tuple[bytes, str | None]:
    """Return text without the first line in which Excel names the delimiter, and without the sign that ends files of DOS."""
    if data.endswith(b"\x1a"):
        data = data[:-1]
    said = _SAID.match(data)
    if said is None:
        return data, delimiter
    return data[said.end() :], delimiter or said[1].decode("latin-1")


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


def _load(name: str) -> tuple[bytes, str]:
    if name == "-":
        try:
            return sys.stdin.buffer.read(), "standard input"
        except (AttributeError, OSError) as error:  # Python has no stream where it is closed
            reason = error.strerror if isinstance(error, OSError) else "it is closed"
            remedy = "name a file, or let a table come through a pipe"
            raise TableError(f"standard input: can't be read ({reason}); {remedy}") from error
    try:
        mode = os.stat(name).st_mode
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


def _in_utf_8(data: bytes, name: str, encoding: str | None) -> tuple[bytes, tuple[str, ...]]:
    """Return text in UTF-8 without a byte-order mark, and what is worth a note of the encoding that it was in."""
    marked = next((codec for mark, codec in _BYTE_ORDER_MARKS if data.startswith(mark)), None)
    codec = encoding or marked or "utf-8"
    _check_encoding(codec)
    notes: tuple[str, ...] = ()
    if codecs.lookup(codec).name == "utf-8" and marked is None and _is_utf_8(data):
        return _without_nul(data, name), notes  # as most text is, which needs no copy of itself
    try:
        data = data.decode(codec).removeprefix("\ufeff").encode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        if encoding or marked:
            remedy = f"choose another {setting('encoding')}"
            raise TableError(f"{name}: line {line}: can't be decoded as {codec}; {remedy}") from error
        data = data.decode("latin-1").encode()
        notes = (
            f"is not UTF-8 (first at line {line}), so it was read as Latin-1; if letters are wrong, name the encoding",
        )
    except UnicodeEncodeError as error:
        raise TableError(
            f"{name}: has half a character in {codec}; choose another {setting('encoding')}"
        ) from error
    return _without_nul(data, name), notes


def _is_utf_8(data: bytes) -> bool:
    """Tell whether data is text in UTF-8, piece by piece."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _PIECE):
            decoder.decode(data[start : start + _PIECE])
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _without_nul(data: bytes, name: str) -> bytes:
    """Return the data; raises TableError for what is no text table, as a NUL byte shows."""
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise TableError(
            f"{name}: line {line} holds a NUL byte; this is not a text table, or it wants {setting('encoding')}"
        )
    return data


def _check_encoding(encoding: str) -> None:
    """Raise SettingsError for what is no encoding of text: an unknown one, or one that only Python's own names have."""
    try:
        known = codecs.lookup(encoding)
        # Some are of bytes to bytes, some of names in the net, and one refuses everything.
        is_text = getattr(known, "_is_text_encoding", True) and known.name not in (
            "idna",
            "punycode",
            "undefined",
        )
        "ab".encode(encoding).decode(encoding)
    except (LookupError, ValueError):
        is_text = False
    if not is_text:
        words = "choose utf-8, latin-1, cp1252, …"
        raise SettingsError(f"{setting('encoding')} {encoding!r} is unknown: {words}")
