"""Rows that are made to be hostile, for exports to be judged by: every level, each missing word, edges of floats, leap days.

Each odd cell comes once beside ordinary ones; then rows are drawn whose cells are odd now and then. They are the same for the
same model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from chainrule._random import Purpose, generator
from chainrule.errors import TableError
from chainrule.exports.program import Cell, Program
from chainrule.model.model import Model
from chainrule.tables.encoding.steps import (
    DrawIn,
    Fill,
    HashWords,
    LookUp,
    MissingWords,
    ReadDate,
    ReadNumber,
    ReadTruth,
)
from chainrule.tables.spelling.dress import Dress
from chainrule.tables.spelling.spellings import is_time_only
from chainrule.tables.table import Table

COUNT = 2000
"""How many rows are made."""

ODD_SHARE = 0.15
"""How many of the cells of a row that is drawn are odd."""

_EDGES = (
    "0", "-0.0", "5e-324", "-2.2250738585072014e-308", "1e-300", "1.7976931348623157e308", "-1.7976931348623157e308",
    "1e400", "inf", "-inf", "1e22", "9007199254740993", "16777217", "+3", ".5", "7.", "1E3", "0.1e-2", "007",
)  # fmt: skip
_MOMENTS = (
    "2000-02-29 00:00:00", "2024-02-29 23:59:59.999999", "1900-02-28 12:00:00", "1999-12-31 23:59:00", "1970-01-01 00:00:00",
    "1969-12-31 23:59:59.5", "0001-01-01 00:00:00", "9999-12-31 23:59:59", "2023-03-01 06:30:15.25", "2038-01-19 03:14:08",
)  # fmt: skip

Row = Mapping[str, Any]


@dataclass(frozen=True)
class CellRows:
    """Rows for an export and for the engine: cells by column, and the same as a table."""

    cells: Sequence[Row]
    table: Table

    def __len__(self) -> int:
        return len(self.cells)


def table_rows(program: Program, table: Table) -> CellRows:
    """Return a table's rows as cells: texts as written, else what a data frame holds."""
    columns: dict[str, list[Any]] = {}
    for cell in program.cells:
        raw = table.raw is not None or table.column(cell.name).dtype == pl.String
        raw = raw or isinstance(cell.steps.reads, HashWords)
        values = table.text(cell.name) if raw else table.column(cell.name)
        columns[cell.name] = [_as_cell(value) for value in values.to_list()]
    return CellRows(
        [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)], table
    )


def made_rows(program: Program, count: int = COUNT) -> CellRows:
    """Return the rows that are made for a model."""
    rng = generator(0, Purpose.EXPORT, program.n_inputs)
    plain = {cell.name: list(_plain_cells(cell, rng)) for cell in program.cells}
    odd = {cell.name: _readable(cell, program.model, list(_odd_cells(cell))) for cell in program.cells}

    def drawn() -> dict[str, Any]:
        return {name: cells[rng.integers(len(cells))] for name, cells in plain.items()}

    # One odd cell a row, or several where there are more of them than rows.
    odd_rows = min(sum(map(len, odd.values())), count - 1)
    made = [drawn() for _ in range(max(odd_rows, *map(len, odd.values())))]
    at = 0
    for name, cells in odd.items():
        for k, cell in enumerate(cells):
            made[(at + k) % len(made)][name] = cell
        at += len(cells)
    made.append(dict.fromkeys(plain))  # nothing is known
    while len(made) < count:
        row = drawn()
        for name, cells in odd.items():
            if rng.random() < ODD_SHARE:
                row[name] = cells[rng.integers(len(cells))]
        made.append(row)
    texts = {name: [_as_text(row[name]) for row in made] for name in plain}
    return CellRows(made, program.model.table(texts))


def _readable(cell: Cell, model: Model, cells: list[Any]) -> list[Any]:
    """Return those cells that the model doesn't refuse."""

    def is_read(some: list[Any]) -> bool:
        try:
            cell.steps.reads.column(model.table({cell.name: list(map(_as_text, some))}), cell.name)
        except TableError:
            return False
        return True

    return cells if is_read(cells) else [each for each in cells if is_read([each])]


def _as_cell(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _as_text(cell: Any) -> str | None:
    """Return a cell as a table of text has it."""
    if cell is None or isinstance(cell, str):
        return cell
    return str(cell).lower() if isinstance(cell, bool) else repr(cell)


def _words(cell: Cell) -> list[str]:
    return [word for step in cell.steps.cell if isinstance(step, MissingWords) for word in step.words]


def _plain_cells(cell: Cell, rng: np.random.Generator) -> Iterator[Any]:
    """Yield cells as most rows have them."""
    match cell.steps.reads:
        case ReadNumber(dress):
            center, spread = _middle(cell)
            for value in center + spread * rng.standard_normal(60):
                yield _written(f"{value:.6g}", dress)
        case ReadTruth(true, false):
            yield from (true[0], false[0], "1", "0")
        case ReadDate():
            for days in rng.uniform(0, 20_000, 40):
                yield _spelled(datetime(1970, 1, 1) + timedelta(seconds=int(days * 86_400)), cell)
        case LookUp(levels):
            yield from levels or ("other",)
        case HashWords():
            words = cell.words or ("word",)
            for size in rng.integers(1, 6, 60).tolist():
                yield " ".join(words[place] for place in rng.integers(len(words), size=size))


def _odd_cells(cell: Cell) -> Iterator[Any]:
    """Yield every cell that a reader could stumble over."""
    yield from (None, "", " \t", *_words(cell), *(f"  {word} " for word in _words(cell)[:3]))
    match cell.steps.reads:
        case ReadNumber(dress):
            yield from (_written(text, dress) for text in _EDGES)
            yield from _numbers(cell, dress)
        case ReadTruth(true, false):
            yield from (True, False, 1, 0.0, " 1.0", "0e5")
            for word in (*true, *false):
                yield from (word, word.upper(), word.title(), f"\t{word} ")
        case ReadDate():
            yield from (_spelled(datetime.fromisoformat(text), cell) for text in _MOMENTS)
            yield from _otherwise_spelled(cell)
        case LookUp(levels):
            yield from levels
            yield from (f" {level}\t" for level in levels)
            yield from (
                changed for level in levels for changed in (level.upper(), level.lower(), f"{level}x")
            )
            yield from ("never seen", "ünsehen", '"', "0", "1.0", "+1", "1e0", True, 1, 2.0, 1.5)
            yield from (text for level in levels if level.isdigit() for text in (f"{level}.0", f"0{level}"))
        case HashWords(piece=piece):
            words = cell.words or ("word",)
            yield from _texts(words, piece)


_HOSTILE_TEXTS = (
    "x", "qzx vjq unseen", "ÉCOLE Straße ŁÓDŹ İstanbul ΣΊΣΥΦΟΣ МЕНЕДЖЕР Ёлка ԱՐԱՐԱՏ", "日本語 エンジニア", "👩‍🔬🧪 e\u0301cole",
    "C++ c# R&D a/b_c-d", "--- ... !!!", "<tag> <<", "“quoted” – dash…",
    "ＦＵＬＬ ｗｉｄｔｈ", "\U0010ffff\ud7ff\ue000", "0 1.0 -7 1e3",
    "ａ\u3000ｂ\u00a0c\u2028d", "ǅ ǈ ﬁ ŉ ß ẞ", "a" * 700, "lang " * 130,
)  # fmt: skip


def _texts(words: Sequence[str], piece: int) -> Iterator[str]:
    """Yield texts that a reader of words could stumble over: letters of many scripts, long ones, words as short as a piece."""
    yield from _HOSTILE_TEXTS
    yield from (
        changed for word in words[:20] for changed in (word.upper(), f"  {word},{word}; ", f"{word}s")
    )
    yield from (word[:size] for word in words[:10] for size in range(1, piece + 1))
    yield " ".join(words[:60])
    yield "-".join([*words[:3]] * 20)


def _middle(cell: Cell) -> tuple[float, float]:
    """Return about where a number's cells are, and how far apart."""
    steps = cell.steps.inputs[0].steps
    fill = next((step.value for step in steps if isinstance(step, Fill)), 0.0)
    draw = next((step for step in steps if isinstance(step, DrawIn)), DrawIn(-1e30, 1e30))
    if draw.high >= 1e30 and draw.low <= -1e30:
        return fill, max(1.0, abs(fill))
    return fill, (draw.high / 2 - draw.low / 2) / 1e9


def _numbers(cell: Cell, dress: Dress) -> Iterator[Any]:
    """Yield numbers at the ends of where they are drawn in to, typed and as text, and dressed."""
    center, spread = _middle(cell)
    steps = cell.steps.inputs[0].steps
    ends = [end for step in steps if isinstance(step, DrawIn) for end in (step.low, step.high)]
    for end in (*ends, center):
        for value in (end, math.nextafter(end, math.inf), math.nextafter(end, -math.inf)):
            yield float(value)
            yield _written(repr(float(value)), dress)
    for factor in (-30.0, -3.0, -1.0, 1.0, 3.0, 30.0):
        yield center + factor * spread
    yield from (7, -0.0, 123456789)
    for text in ("1234567", "12345.5", "999", "-1234", "0.25"):
        yield _dressed(text, dress)
        yield _dressed(text, dress).translate({ord(str(k)): chr(0xFF10 + k) for k in range(10)})


def _written(text: str, dress: Dress) -> str:
    """Return a plain number with the decimal sign of a dress."""
    return text.replace(".", dress.decimal)


def _dressed(text: str, dress: Dress) -> str:
    """Return a number in all of a dress."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, point, rest = digits.partition(".")
    if dress.thousands:
        whole = f"{int(whole):,}".replace(",", dress.thousands)
    before = dress.before[0] if dress.before else ""
    after = f" {dress.after[0]}" if dress.after else ""
    return f"{sign}{before}{whole}{dress.decimal if point else ''}{rest}{after}"


def _spelled(moment: datetime, cell: Cell) -> str:
    """Return a moment as the column's dates are written."""
    reads = cell.steps.reads
    assert isinstance(reads, ReadDate)
    return _in_spelling(moment, reads.spellings[0])


def _in_spelling(moment: datetime, spelling: str) -> str:
    text = spelling.replace("%.f", f".{moment.microsecond:06d}").replace("%z", "+02:00")
    text = text.replace("%Y", f"{moment.year:04d}").replace("%y", f"{moment.year % 100:02d}")
    text = text.replace("%b", moment.strftime("%b")).replace("%p", "PM" if moment.hour > 11 else "AM")
    for sign, value in (
        ("%m", moment.month),
        ("%d", moment.day),
        ("%M", moment.minute),
        ("%S", moment.second),
    ):
        text = text.replace(sign, f"{value:02d}")
    return text.replace("%H", f"{moment.hour:02d}").replace("%I", f"{(moment.hour + 11) % 12 + 1:02d}")


_DATES_AS_PEOPLE_WRITE = (
    "4. März 2021", "13 de noviembre de 2019", "1er juillet 2020", "4th of July, 2020", "7 АПР 2020", "13\u00a0Nov\u00a02019",
    "Wed Nov 13 21:07:31 2019", "5 ŞUBAT 2021", "9 déc. 2020", "2020-02-04 9:05 p.\u00a0m.", "20200204", "2020-02-04 03:04 CET",
    "Tue 2020-02-04", "2020-02-04 03:04:05,678",
)  # fmt: skip
"""Dates with names of months in several languages, blanks that don't break, ordinals."""


def _otherwise_spelled(cell: Cell) -> Iterator[str]:
    """Yield a date in each of the spellings that are read."""
    reads = cell.steps.reads
    assert isinstance(reads, ReadDate)
    moment = datetime(2021, 11, 3, 14, 5, 9, 250_000)
    yield from (_in_spelling(moment, spelling) for spelling in reads.spellings)
    yield from (f" {_in_spelling(moment, spelling)} " for spelling in reads.spellings[:2])
    if not is_time_only(reads.spellings[0]):
        yield from _DATES_AS_PEOPLE_WRITE
