"""One row at a time in plain Python, by the same steps and to the same bits as a whole table: for small requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, Protocol, TypeAlias

import numpy as np

from chainrule._kept import cached_property
from chainrule._types import FloatArray
from chainrule.formula.on_numbers import on_numbers
from chainrule.tables.encoding.dates import parts_of
from chainrule.tables.encoding.scalings import parsed
from chainrule.tables.encoding.steps import (
    ColumnSteps,
    DrawIn,
    Fill,
    HashWords,
    InputStep,
    IsMissing,
    LookUp,
    MissingWords,
    ReadDate,
    ReadNumber,
    Scale,
    TakePart,
    Trim,
)
from chainrule.tables.spelling.spellings import date_reader, is_time_only
from chainrule.tables.spelling.values import float_text, is_plain_number
from chainrule.tables.table import Table, from_frame

Values: TypeAlias = Sequence[float]
_Cell: TypeAlias = Callable[[Any], Values | None]

_NAN = float("nan")
_MOST = 2.0**63


class Encodes(Protocol):
    """What encodes whole tables, and says by which steps."""

    def steps(self, missing: Sequence[str], decimal: str) -> Sequence[ColumnSteps]:
        """Return the steps of each column."""

    def transform(self, table: Table) -> FloatArray:
        """Return the values of the input neurons (n, d)."""


@dataclass(frozen=True)
class RowEncoder:
    """A function of one row, a mapping of cells by column, that gives its inputs (d,).

    Cells are what a data frame holds: text, numbers, truth values, dates, None. What is unusual, or wrong, is read as a table
    of one row, which says what is wrong with it. ``missing`` are the words for a missing cell, ``decimal`` the sign of
    numbers in text.
    """

    encoder: Encodes
    missing: tuple[str, ...]
    decimal: str
    dtype: str

    @cached_property
    def _columns(self) -> list[tuple[str, _Cell]]:
        steps = self.encoder.steps(self.missing, self.decimal)
        return [(one.column, cell_function(one)) for one in steps]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_columns"}

    def __call__(self, row: Mapping[str, Any]) -> FloatArray:
        """Return the values of the input neurons (d,); raises TableError for a column that lacks, or a cell in the way."""
        values: list[float] = []
        for name, function in self._columns:
            try:
                found = function(row[name])
            except (KeyError, ArithmeticError, UnicodeEncodeError):
                found = None
            if found is None:
                return self._as_table(row)
            values += found
        return np.array(values, self.dtype)

    def _as_table(self, row: Mapping[str, Any]) -> FloatArray:
        cells = {name: [row[name]] for name, _ in self._columns if name in row}
        table = replace(from_frame(cells, "the row", missing=self.missing), decimal=self.decimal)
        encoded: FloatArray = self.encoder.transform(table)[0].astype(self.dtype, copy=False)
        return encoded


def cell_function(steps: ColumnSteps) -> _Cell:
    """Return the function of a cell that gives a column's inputs, None for a cell that is not read here."""
    trim = "".join(step.signs for step in steps.cell if isinstance(step, Trim))
    words = frozenset(word for step in steps.cell if isinstance(step, MissingWords) for word in step.words)
    reads = steps.reads
    if isinstance(reads, LookUp):
        return _category(reads, steps, trim, words)
    if isinstance(reads, HashWords):
        return _text(reads, steps, trim, words)
    if isinstance(reads, ReadDate):
        return _date(reads, steps, trim, words)
    of_text = _number_of(reads) if isinstance(reads, ReadNumber) else _truth_of(reads.true, reads.false)
    most = _MOST if isinstance(reads, ReadNumber) else 1.0
    values = _values_of([one.steps for one in steps.inputs])
    gap = values({"value": _NAN})

    def of_number(v: float) -> Values | None:
        if most == 1.0 and v not in (0.0, 1.0):
            return None
        return values({"value": v})

    if len(steps.inputs) == 1 or isinstance(steps.inputs[1].steps[0], IsMissing):
        # One number, and perhaps the word that it is missing: the most frequent kind, without a mapping.
        scaled, more = _chain(steps.inputs[0].steps), [0.0] * (len(steps.inputs) - 1)

        def of_number(v: float) -> Values | None:
            return None if most == 1.0 and v not in (0.0, 1.0) else [scaled(v), *more]

    def function(cell: Any) -> Values | None:
        kind = type(cell)
        if kind is float:
            number = cell
        elif kind is str:
            text = cell.strip(trim)
            if text in words:
                return gap
            found = of_text(text)
            if found is None:
                return None
            number = found
        elif kind is int or kind is bool:
            number = float(cell)
            if abs(number) >= _MOST:
                return None
        elif cell is None:
            return gap
        else:
            return None
        return of_number(number) if -_INFINITE < number < _INFINITE else gap

    return function


_INFINITE = float("inf")


def _number_of(reads: ReadNumber) -> Callable[[str], float | None]:
    return reads.dress.reader()


def _truth_of(true: Sequence[str], false: Sequence[str]) -> Callable[[str], float | None]:
    known = dict.fromkeys(true, 1.0) | dict.fromkeys(false, 0.0)

    def read(text: str) -> float | None:
        found = known.get(text.lower())
        return float(text) if found is None and is_plain_number(text) else found

    return read


def _chain(steps: Sequence[InputStep]) -> Callable[[float], float]:
    """Return the steps from a number to an input's value as one function."""
    fill, draw, scale = _NAN, None, None
    for step in steps:
        if isinstance(step, Fill):
            fill = step.value
        elif isinstance(step, DrawIn):
            draw = step
        elif isinstance(step, Scale):
            scale = step
    if draw is None or scale is None:
        raise ValueError("a number's input is filled in, drawn in and scaled")
    low, high = draw.low, draw.high
    function = on_numbers(parsed(scale.formula), "v", scale.parameters)

    def chain(v: float) -> float:
        if v != v:
            v = fill
        value: float = function(low if v < low else high if v > high else v)
        return value

    return chain


def _values_of(inputs: Sequence[Sequence[InputStep]]) -> Callable[[Mapping[str, float]], list[float]]:
    """Return the function from a cell's numbers by part to the values of its inputs."""
    made: list[tuple[str, Callable[[float], float]]] = []
    for steps in inputs:
        if isinstance(steps[0], IsMissing):
            made.append((made[0][0] if made else "value", lambda v: float(v != v)))
            continue
        part = next((step.part for step in steps if isinstance(step, TakePart)), "value")
        made.append((part, _chain(steps)))
    return lambda numbers: [function(numbers[part]) for part, function in made]


def _category(reads: LookUp, steps: ColumnSteps, trim: str, words: frozenset[str]) -> _Cell:
    n, levels = len(steps.inputs), reads.levels
    hot = [tuple(float(j == place) for j in range(n)) for place in range(n)]
    known = {level: hot[place] for place, level in enumerate(levels)}
    other = hot[-1]
    gap = hot[len(levels)] if n > len(levels) + 1 else other
    has_numbers = any(map(is_plain_number, levels))

    def function(cell: Any) -> Values | None:
        if type(cell) is str:
            text = cell.strip(trim)
            if text in words:
                return gap
            found = known.get(text)
            if found is None and has_numbers and is_plain_number(text):
                found = known.get(_plain_form(text))
            if found is None:
                text.encode()  # half a character is wrong here, too
                return other
            return found
        if cell is None:
            return gap
        if type(cell) is bool:
            return known.get("true" if cell else "false", other)
        if type(cell) is int:
            return known.get(str(cell), other) if abs(cell) < _MOST else None
        if type(cell) is float:
            return known.get(float_text(cell), other) if -_INFINITE < cell < _INFINITE else gap
        return None

    return function


def _text(reads: HashWords, steps: ColumnSteps, trim: str, words: frozenset[str]) -> _Cell:
    n, count_in = len(steps.inputs), reads.counter()
    zeros = [0.0] * n
    # All counts are scaled alike.
    scaled = _chain(steps.inputs[0].steps) if reads.kept else float
    gap = list(zeros)
    if n > len(reads.kept):
        gap[-1] = 1.0

    def function(cell: Any) -> Values | None:
        if cell is None:
            return gap
        if type(cell) is not str:
            return None
        text = cell.strip(trim)
        if text in words:
            return gap
        made = list(zeros)
        for place, count in zip(*count_in(text), strict=True):
            made[place] = scaled(count)
        return made

    return function


def _plain_form(text: str) -> str:
    try:
        whole = int(text)
    except ValueError:
        return float_text(float(text))
    return str(whole) if abs(whole) < _MOST else float_text(float(text))


def _date(reads: ReadDate, steps: ColumnSteps, trim: str, words: frozenset[str]) -> _Cell:
    readers = [date_reader(spelling) for spelling in reads.spellings]
    only_time = is_time_only(reads.spellings[0])
    values = _values_of([one.steps for one in steps.inputs])
    gap = values(dict.fromkeys(("year", "month", "day", "weekday", "hour", "days"), _NAN))

    def function(cell: Any) -> Values | None:
        found: Any = cell
        if type(cell) is str:
            text = cell.strip(trim)
            if text in words:
                return gap
            found = next((moment for read in readers if (moment := read(text)) is not None), None)
            if found is None:
                return None
        elif cell is None:
            return gap
        kind = type(found)
        if kind is datetime:
            found = found.time() if only_time else found
        elif kind is date and not only_time:
            found = datetime(found.year, found.month, found.day)
        elif kind is not time or not only_time:
            return None
        return values(parts_of(found))

    return function
