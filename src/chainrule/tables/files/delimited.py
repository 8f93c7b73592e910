"""Delimited text (CSV, TSV and their kin): its delimiter, its records, and the number of their fields."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule._doors import setting
from chainrule._types import BoolArray, IntArray
from chainrule.errors import TableError
from chainrule.tables.files.aside import Frame
from chainrule.tables.files.frames import check_names
from chainrule.tables.files.gathered import Gathered
from chainrule.tables.spelling.values import clean_text, in_points, to_typed
from chainrule.tables.table import check_width

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_CHARACTERS = 1_000_000
_SAMPLE_RECORDS = 200
_FEW_RECORDS, _MOSTLY = 3, 0.7
_PIECE = 2**23
_BLOCK = 2**22
_LEAST_ROWS = 128
_NEWLINE = np.uint8(10)
_LONGEST_FIELD = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Delimited:
    """Delimited text taken apart: the names of its columns, its cells, the line of each row.

    ``raw`` has the text of the columns of text, and of numbers that polars writes otherwise than it is.
    """

    names: tuple[str, ...]
    cells: Frame
    raw: Frame
    lines: IntArray
    notes: tuple[str, ...]

    @property
    def first_unnamed(self) -> bool:
        """Whether the first column has no name of its own."""
        return any(note.startswith("column 1 has no name") for note in self.notes)


@dataclass(frozen=True, eq=False)
class _Layout:
    """Where the records of a text are: byte offsets, first line of each, number of its fields."""

    starts: IntArray
    ends: IntArray
    lines: IntArray
    fields: IntArray


@contextmanager
def _long_fields() -> Iterator[None]:
    """Let Python's reader take fields of any length, which it refuses above 131,072 characters."""
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def sniff_delimiter(text: str, candidates: Sequence[str] = DELIMITERS, where: str = "the table") -> str:
    """Choose the delimiter under which the most records of the beginning have the header's number of fields.

    Among equals the one that makes the most fields wins, then the earlier candidate. Where no candidate
    divides the header, the table has one column, and the first candidate that occurs nowhere is taken. Raises TableError
    where nearly all records but the header have the same number of fields.
    """
    sample = text[:_SAMPLE_CHARACTERS]
    best, best_score, below = "", (0.0, 0), ""
    for delimiter in candidates:
        try:
            reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
            with _long_fields():
                counts = [len(record) for record in islice(filter(None, reader), _SAMPLE_RECORDS)]
        except csv.Error:
            continue
        if len(sample) < len(text) and 1 < len(counts) < _SAMPLE_RECORDS:
            counts.pop()
        if counts and counts[0] > 1:
            agree = sum(count == counts[0] for count in counts) / len(counts)
            if (agree, counts[0]) > best_score:
                best, best_score = delimiter, (agree, counts[0])
        elif len(counts) > _FEW_RECORDS and not below:
            fields, rows = Counter(counts[1:]).most_common(1)[0]
            if fields > 1 and rows >= _MOSTLY * (len(counts) - 1):
                below = f"most lines have {fields} fields with {delimiter!r}, and the first has none"
    if not best and below:
        raise TableError(
            f"{where}: {below}: leave out what stands above the line of names, or name the {setting('delimiter')}"
        )
    return best or next((delimiter for delimiter in candidates if delimiter not in sample), candidates[0])


def read_delimited(
    data: bytes, delimiter: str, where: str, missing: Sequence[str] = (), decimal: str = "."
) -> Delimited:
    """Take delimited text in UTF-8 apart; raises TableError naming the line of a record that does not fit.

    Cells are without the blanks around them, and null where they are empty or a ``missing`` word; columns whose cells are all
    numbers, with this ``decimal`` sign, are such. The first record is the header. Quotes are as in RFC 4180; blank lines are
    skipped.
    """
    layout = _scan(data, delimiter)
    if layout is None:
        return _read_record_by_record(data.decode(), delimiter, where, missing, decimal)
    records = enumerate(data[a:b] for a, b in zip(layout.starts, layout.ends, strict=True))
    first, line = next(((i, record) for i, record in records if record.strip(b" \t")), (-1, b""))
    if first < 0:
        raise TableError(f"{where}: the file is empty")
    with _long_fields():
        header = next(csv.reader([line.decode()], delimiter=delimiter))
    names, notes = _name_columns(header, where)
    body = slice(first + 1, None)
    blank = (layout.ends == layout.starts)[body] | _only_spaces(data, layout, body, len(names))
    lines = layout.lines[body][~blank]
    _check_fields(layout.fields[body][~blank], lines, len(names), delimiter, where)
    notes += _blank_note(layout.lines[body][blank])
    taken = partial(_taken, missing=missing, decimal=decimal)
    at_once = partial(_taken_at_once, missing=missing, decimal=decimal)
    made = Gathered(names, len(lines), decimal, where)
    if not _read_cells(data, layout, body, blank, made, delimiter, taken, at_once):
        return _read_record_by_record(data.decode(), delimiter, where, missing, decimal)
    del data, layout
    return Delimited(names, *made.frames(), lines, notes)


def _taken_at_once(cells: pl.DataFrame, missing: Sequence[str], decimal: str) -> list[pl.Series]:
    """Return what `_taken` returns for each column of text, of which all cells are looked at together."""
    n, d = cells.shape
    flat = clean_text(pl.concat(cells.get_columns()).rechunk(), missing)

    def in_all(which: pl.Series) -> BoolArray:
        found: BoolArray = np.all(which.to_numpy().reshape(d, n), axis=1)
        return found

    text = flat if decimal == "." else in_points(flat)
    gaps = flat.is_null()
    made = []
    for kind in (pl.Int64, pl.Float64):
        numbers = text.cast(kind, strict=False)
        numbers = numbers.fill_nan(None) if kind == pl.Float64 else numbers
        fits = in_all(numbers.is_null() == gaps)
        made.append((numbers, fits, fits & in_all(numbers.cast(pl.String).eq_missing(flat))))
    (whole, _, as_whole), (floats, _, as_floats) = made
    # Whole numbers that aren't written as such (007, +1) stay text, even where they could be written as floats.
    as_floats &= ~made[0][1]
    empty = in_all(gaps)
    return [
        (flat if empty[i] or not (as_whole[i] or as_floats[i]) else whole if as_whole[i] else floats)
        .slice(i * n, n)
        .alias(name)
        for i, name in enumerate(cells.columns)
    ]


def _taken(text: pl.Series, missing: Sequence[str], decimal: str) -> pl.Series:
    """Return a part of a column as numbers where its text can be written again from them, else as text, cleaned."""
    cleaned = clean_text(text, missing)
    typed = to_typed(cleaned, decimal)
    return typed if typed.dtype != pl.String and typed.cast(pl.String).equals(cleaned) else cleaned


def _scan(data: bytes, delimiter: str) -> _Layout | None:
    """Find the records by counting quotes; None where quotes are not around fields, or lines end in CR."""
    if data.count(b"\r") != data.count(b"\r\n"):
        return None
    octets = np.frombuffer(data, np.uint8)
    newlines = _places(data, "\n")
    breaks, delimiters = newlines, _places(data, delimiter)
    quotes = _places(data, '"')
    if len(quotes):
        if not _quotes_are_regular(octets, quotes, ord(delimiter)):
            return None
        breaks = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
        delimiters = delimiters[np.searchsorted(quotes, delimiters) % 2 == 0]
    breaks = breaks.astype(np.int64)
    starts = np.concatenate(([0], breaks + 1))
    ends = np.concatenate((breaks, [len(octets)]))
    if starts[-1] == len(octets):
        starts, ends = starts[:-1], ends[:-1]
    # In the type of what is searched, of which there would be a larger copy otherwise.
    first, last = (np.searchsorted(delimiters, some.astype(delimiters.dtype)) for some in (starts, ends))
    fields = 1 + last - first
    lines = 1 + np.searchsorted(newlines, starts.astype(newlines.dtype))
    filled = ends > starts
    ends = ends - (filled & (octets[np.maximum(ends - 1, 0)] == ord("\r")) if len(octets) else 0)
    return _Layout(starts, ends, lines, fields)


def _places(data: bytes, sign: str) -> NDArray[Any]:
    """Return where a sign is, found piece by piece: a truth value for every byte at once would be as large as the text."""
    octets = np.frombuffer(data, np.uint8)
    found: NDArray[Any] = np.empty(data.count(sign.encode()), np.uint32 if len(octets) < 2**32 else np.int64)
    n = 0
    for start in range(0, len(octets), _PIECE):
        own = np.flatnonzero(octets[start : start + _PIECE] == ord(sign)) + start
        found[n : n + len(own)] = own
        n += len(own)
    return found


def _at(octets: NDArray[np.uint8], places: IntArray) -> NDArray[np.uint8]:
    """Return the bytes at places, a line's end beyond the last."""
    return np.where(places < len(octets), octets[np.minimum(places, len(octets) - 1)], _NEWLINE)


def _quotes_are_regular(octets: NDArray[np.uint8], quotes: IntArray, cut: int) -> bool:
    """Whether each quote opens a field, closes one, or is half of a doubled quote inside one."""
    if len(quotes) % 2:
        return False
    opening, closing = quotes[0::2].astype(np.int64), quotes[1::2].astype(np.int64)
    before = np.where(opening > 0, octets[np.maximum(opening - 1, 0)], _NEWLINE)
    after, second = (_at(octets, closing + ahead) for ahead in (1, 2))
    around = (cut, ord("\n"), ord('"'))
    closes = np.isin(after, around) | (after == ord("\r")) & (second == ord("\n"))
    return bool(np.isin(before, around).all() and closes.all())


def _only_spaces(data: bytes, layout: _Layout, body: slice, width: int) -> BoolArray:
    found = np.zeros(len(layout.starts[body]), dtype=np.bool_)
    if width > 1:
        for i in np.flatnonzero(layout.fields[body] == 1):
            found[i] = not data[layout.starts[body][i] : layout.ends[body][i]].strip(b" \t")
    return found


def _read_cells(
    data: bytes, layout: _Layout, body: slice, blank: BoolArray, made: Gathered, delimiter: str,
    taken: Callable[[pl.Series], pl.Series], at_once: Callable[[pl.DataFrame], list[pl.Series]],
) -> bool:  # fmt: skip
    """Add the parts of each column to ``made``, block of rows by block of rows, and tell whether the quotes allow it.

    They are as ``taken`` from text, or of many columns ``at_once``.
    """
    starts = np.append(layout.starts[body], len(data))
    n = len(starts) - 1
    rows = max(_LEAST_ROWS, int(_BLOCK * n / max(len(data), 1)))
    for first in range(0, n, rows):
        last = min(first + rows, n)
        gone = blank[first:last]
        if gone.all():
            continue
        content = data[starts[first] : starts[last]]
        if gone.any():
            lengths = np.diff(starts[first : last + 1])
            content = np.frombuffer(content, np.uint8)[np.repeat(~gone, lengths)].tobytes()
        try:
            cells = pl.read_csv(
                content,
                has_header=False,
                separator=delimiter,
                quote_char='"' if b'"' in content else None,
                schema=dict.fromkeys(made.names, pl.String()),
            )
        except pl.exceptions.PolarsError:
            return False
        if cells.height != int((~gone).sum()):
            return False
        wide = cells.width > cells.height
        made.add(at_once(cells) if wide else map(taken, cells.get_columns()))
    return True


def _read_record_by_record(
    text: str, delimiter: str, where: str, missing: Sequence[str], decimal: str
) -> Delimited:
    """Read text whose quotes are unusual with the standard library, which says where they go wrong."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[list[str]] = []
    lines: list[int] = []
    skipped: list[int] = []
    line = 1
    try:
        for record in _read_long(reader):
            wide = not records or len(records[0]) > 1
            if not record or (wide and len(record) == 1 and record[0] and not record[0].strip(" \t")):
                skipped.append(line)
            else:
                records.append(record)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise TableError(
            f"{where}: line {line}: the quotes are not right ({error}); close every quote, "
            'and double a quote that belongs to the text ("")'
        ) from error
    if not records:
        raise TableError(f"{where}: the file is empty")
    names, notes = _name_columns(records[0], where)
    places = np.array(lines[1:], dtype=np.int64)
    counts = np.array([len(record) for record in records[1:]], dtype=np.int64)
    _check_fields(counts, places, len(names), delimiter, where)
    columns = zip(*records[1:], strict=True) if len(records) > 1 else [[] for _ in names]
    made = Gathered(names, len(counts), decimal, where)
    made.add(
        clean_text(pl.Series(n, list(c), pl.String), missing) for n, c in zip(names, columns, strict=True)
    )
    after_header = np.array([at for at in skipped if at > lines[0]], dtype=np.int64)
    return Delimited(names, *made.frames(), places, notes + _blank_note(after_header))


def _read_long(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield the records of a reader, however long their fields are."""
    with _long_fields():
        yield from reader


def _name_columns(header: Sequence[str], where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names, notes = [], []
    for position, cell in enumerate(header, start=1):
        name = cell.strip(" \t")
        if not name:
            name = f"column_{position}"
            notes.append(f"column {position} has no name; it is called {name}")
        names.append(name)
    check_width(len(names), where)
    check_names(names, where)
    if all(_is_number(name) for name in names):
        notes.append(
            "the first line holds numbers only, and was taken as the names of the columns; "
            "if it is data, add a line of names above it"
        )
    return tuple(names), tuple(notes)


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _check_fields(fields: IntArray, lines: IntArray, expected: int, delimiter: str, where: str) -> None:
    wrong = np.flatnonzero(fields != expected)
    if not len(wrong):
        return
    found, n_more = int(fields[wrong[0]]), len(wrong) - 1
    more = f" ({n_more} more {'line is' if n_more == 1 else 'lines are'} like it)" if n_more else ""
    shown = "tab" if delimiter == "\t" else repr(delimiter)
    raise TableError(
        f"{where}: line {lines[wrong[0]]} has {found} field{'s' * (found != 1)}, where the header has {expected}{more}; "
        f"quote the cells that hold the delimiter ({shown}), or name another with {setting('delimiter')}"
    )


def _blank_note(at: IntArray) -> tuple[str, ...]:
    if not len(at):
        return ()
    return (f"{len(at)} blank line{'s' * (len(at) > 1)} skipped, the first at line {at[0]}",)
