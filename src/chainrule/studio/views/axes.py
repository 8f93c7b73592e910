"""The axes of a plane: a column of the table, or an input of a lesson's network, with places and what the inputs are there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError
from chainrule.explain.attribute.gradients import baseline_row
from chainrule.explain.columns.dial import Dial, dial_of
from chainrule.plots.axes import Axis
from chainrule.plots.ticks import short_number, ticks
from chainrule.studio.training.course import Course
from chainrule.tables.table import Table, suggestion

MARGIN = 0.06
"""How far beyond the rows' numbers an axis goes, as a share of them."""

DATES = 4
"""The marks of an axis of dates."""

MOST_HELD = 6
"""The most held cells that are said."""


@dataclass(frozen=True, eq=False)
class PlaneAxis:
    """One axis: a column's ``low`` and ``high`` end, and the place of each of the course's rows on it (n,), NaN where missing.

    Words stand at 0, 1, 2 …, each in the middle of its cell. ``own`` are the places of its inputs among all of the network's.
    """

    name: str
    kind: Literal["number", "datetime", "words"]
    low: float
    high: float
    own: IntArray
    rows: FloatArray
    ticks: tuple[tuple[float, str], ...]
    dial: Dial | None = None

    def places(self, side: int) -> FloatArray:
        """Return so many places from end to end, of words one each."""
        if self.kind == "words":
            return np.arange(len(self.ticks), dtype=np.float64)
        return np.linspace(self.low, self.high, side)

    def inputs(self, places: FloatArray) -> FloatArray:
        """Return what the inputs of the axis are at places (m,), shape (m, inputs)."""
        if self.dial is None:
            return np.asarray(places, np.float64)[:, None]
        if self.kind == "words":
            return self.dial.encoded[np.asarray(places).astype(np.int64)]
        return self.dial.inputs(places)

    def text(self, place: float) -> str:
        """Return a place as a cell is written."""
        if self.kind == "words":
            return self.ticks[int(place)][1]
        return short_number(place, 6) if self.dial is None else self.dial.text(place)

    def told(self) -> dict[str, Any]:
        """Return what a page draws the axis with."""
        marks = [{"at": at, "words": words} for at, words in self.ticks]
        return {"name": self.name, "kind": self.kind, "low": self.low, "high": self.high, "ticks": marks}


def axis_names(course: Course) -> tuple[str, ...]:
    """Return what can be an axis: the columns, or the inputs where there are none; numbers and dates first."""
    if course.reads is None or course.rows is None:
        return course.inputs
    columns = course.reads.encoder.columns
    return tuple(one.name for one in sorted(columns, key=lambda one: one.kind not in ("number", "datetime")))


def axis_of(course: Course, name: str, ends: tuple[float, float] | None = None) -> PlaneAxis:
    """Return the axis of a name; raises SettingsError for one that is none.

    ``ends`` are those that it had before, which it keeps as long as they hold all rows: under a row that is moved it stays.
    """
    model, table = course.reads, course.rows
    if model is None or table is None:
        if name not in course.inputs:
            raise SettingsError(f"{name!r} is no input; {suggestion(name, list(course.inputs))}")
        i = course.inputs.index(name)
        return _of_numbers(name, course.data.x[:, i], np.array([i]), None, ends)
    dial = dial_of(model, table, name)
    if dial.is_number:
        found = _own(course, dial.of_rows(table), lambda one: float(dial.of_rows(one)[0]))
        return _of_numbers(name, found, dial.own, dial, ends)
    if len(dial.words) < 2:
        raise SettingsError(f"column {name!r} has one word in all rows: choose another")
    out = np.zeros((table.n_rows, len(dial.own)))
    dial.column.write(table, out)
    same = (out[:, None] == dial.encoded[None]).all(axis=2)
    places = _own(
        course,
        np.where(same.any(axis=1), same.argmax(axis=1), np.nan),
        lambda one: dial.of_row(one, 0),
    )
    marks = tuple((float(at), words) for at, words in enumerate(dial.words))
    return PlaneAxis(name, "words", -0.5, len(marks) - 0.5, dial.own, places, marks, dial)


def _own(course: Course, found: FloatArray, of: Callable[[Table], float]) -> FloatArray:
    """Return the rows' places (n,) with those of rows that were changed or added by hand; NaN where a row has no cells."""
    made = np.full(len(course.numbers), np.nan)
    made[: len(found)] = found
    for place, table in course.own_rows.items():
        made[place] = of(table)
    return made


def _of_numbers(
    name: str, rows: FloatArray, own: IntArray, dial: Dial | None, ends: tuple[float, float] | None
) -> PlaneAxis:
    known = rows[np.isfinite(rows)]
    if not len(known):
        raise SettingsError(f"column {name!r} has no number in these rows: choose another")
    low, high = float(known.min()), float(known.max())
    room = MARGIN * (high - low) or 1.0
    kept = ends is not None and ends[0] <= low and high <= ends[1]
    low, high = ends if ends is not None and kept else (low - room, high + room)
    if dial is not None and dial.column.kind == "datetime":
        at = np.linspace(low, high, 2 * DATES + 1)[1::2]
        marks = tuple((float(place), dial.text(float(place))) for place in at)
        return PlaneAxis(name, "datetime", low, high, own, rows, marks, dial)
    marks = tuple((float(at), short_number(float(at))) for at in ticks(Axis(low, high), 5))
    return PlaneAxis(name, "number", low, high, own, rows, marks, dial)


def base_row(course: Course, row: int | None, free: tuple[str, ...]) -> tuple[FloatArray, str]:
    """Return the encoded row (d,) at which all but the ``free`` columns are held, and where that is in words.

    ``row`` is a row's number; None holds them at typical cells.
    """
    others = [name for name in axis_names(course) if name not in free]
    if row is not None and row not in course.places:
        raise SettingsError(f"row {row} is none of the rows that are trained on or watched")
    if course.reads is None or course.rows is None:
        x = course.data.x
        at = np.median(x[: course.n_training], axis=0) if row is None else x[course.places[row]]
        cells = [f"{name} = {short_number(float(at[course.inputs.index(name)]))}" for name in others]
        return np.asarray(at, np.float64), _held(
            cells, "the training rows' medians" if row is None else f"row {row}"
        )
    place = None if row is None else course.places[row]
    if place is None or (place >= course.rows.n_rows and place not in course.own_rows):
        at, known, _ = baseline_row(course.reads, course.rows, "typical")
        cells = [f"{name} = {known[name]}" for name in others]
        return at, _held(cells, "typical cells (medians, most frequent words)")
    table = course.row_table(place)
    cells = [f"{name} = {_written(table.cell(0, name))}" for name in others]
    return np.asarray(course.data.x[place], np.float64), _held(cells, f"row {row}")


def _written(cell: object) -> str:
    return "missing" if cell is None else str(cell)


def _held(cells: list[str], where: str) -> str:
    if not cells:
        return ""
    more = f" and {len(cells) - MOST_HELD} more" if len(cells) > MOST_HELD else ""
    which = "The other column is" if len(cells) == 1 else f"The other {len(cells)} columns are"
    return f"{which} held at {where}: {', '.join(cells[:MOST_HELD])}{more}."
