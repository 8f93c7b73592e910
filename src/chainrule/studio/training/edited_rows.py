"""Rows changed or added by hand: cells become numbers as the fitted encoder makes them, missing and unseen ones too."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from chainrule._numbers import number_text
from chainrule.engines.base import Data
from chainrule.errors import SettingsError, TableError
from chainrule.model.model import Model
from chainrule.studio.training.course import Course
from chainrule.tables.files.aside import in_memory
from chainrule.tables.spelling.dress import Dress, as_typed, given_number
from chainrule.tables.spelling.values import BLANKS, DEFAULT_MISSING
from chainrule.tables.table import Table, from_frame, suggestion

MISSING = "missing"
"""How a missing cell is called."""

Changed = list[tuple[str, str, str]]
"""The name of each column that was changed, what stood there, and what stands there now."""


def cells_set(course: Course, place: int, cells: Mapping[str, Any]) -> tuple[Course, Changed]:
    """Return the course with some cells of a row (by its place, from 0) set, its target's too; None is a missing cell.

    Raises SettingsError for a column that there isn't, or a cell that can't be.
    """
    data = course.data
    if course.reads is None or course.rows is None:
        x, y, changed = _numbers_set(course, data.x[place], data.y[place], cells)
        rows = course.own_rows
    else:
        single, changed = _table_set(course.reads, course.row_table(place), cells)
        x, y = _encoded(course.reads, course, single, data.y[place], cells)
        rows = {**course.own_rows, place: single}
    new_x, new_y = data.x.copy(), data.y.copy()
    new_x[place], new_y[place] = x, y
    return replace(course, data=replace(data, x=new_x, y=new_y), own_rows=rows), changed


def row_added(course: Course, like: int | None, cells: Mapping[str, Any]) -> Course:
    """Return the course with one more row that is trained on: another one's (or the first one's) with some cells set."""
    place, n, data = like or 0, len(course.data.x), course.data
    known = [*course.numbers.tolist()] + ([] if course.prepared is None else [course.prepared.table.n_rows])
    weights = None if data.weights is None else np.append(data.weights, 1.0)
    train = data.train
    own = np.full((*train.shape[:-1], 1), n, train.dtype)
    size, full = course.settings.batch_size, train.shape[-1]
    more = Data(
        np.append(data.x, data.x[place : place + 1], axis=0),
        np.append(data.y, data.y[place : place + 1], axis=0),
        np.concatenate([train, own], axis=-1),
        data.validation,
        weights,
    )
    rows = dict(course.own_rows)
    if course.rows is not None:
        rows[n] = course.row_table(place)
    made = replace(
        course,
        data=more,
        numbers=np.append(course.numbers, max(known) + 1),
        n_training=course.n_training + 1,
        own_rows=rows,
        # What is one batch stays one.
        settings=replace(course.settings, batch_size=full + 1) if size == full else course.settings,
    )
    return cells_set(made, n, cells)[0]


def _numbers_set(
    course: Course, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], cells: Mapping[str, Any]
) -> tuple[Any, Any, Changed]:
    """Return a row of numbers with some set, by the names of inputs and outputs, or as x[1] and y[1]."""
    x, y, changed = x.copy(), y.copy(), []
    names = {f"x[{i}]": (x, i - 1) for i in range(1, len(x) + 1)} | {
        f"y[{j}]": (y, j - 1) for j in range(1, len(y) + 1)
    }
    names |= {name: (x, i) for i, name in enumerate(course.inputs)}
    names |= {name: (y, j) for j, name in enumerate(course.outputs)}
    for name, cell in cells.items():
        if name not in names:
            raise SettingsError(
                f"there is no number {name!r} in a row; {suggestion(name, list(names), 'numbers')}"
            )
        array, at = names[name]
        try:
            value = float(cell)
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            raise SettingsError(
                f"{name} is set to a number here, not to {cell!r}: the rows are no cells of a table"
            )
        changed.append((name, number_text(float(array[at])), number_text(value)))
        array[at] = value
    return x, y, changed


def _table_set(model: Model, single: Table, cells: Mapping[str, Any]) -> tuple[Table, Changed]:
    """Return a table of one row with some cells set, as they would be written."""
    known = [*(column.name for column in model.encoder.columns), *model.target.names]
    frame, changed = in_memory(single.frame), []
    raw = None if single.raw is None else in_memory(single.raw)
    dresses = {column.name: column.dress for column in model.encoder.columns if column.kind == "number"}
    dresses |= {part.name: part.dress for part in model.target.parts if not part.n_classes}
    for name, cell in cells.items():
        if name not in known:
            raise SettingsError(f"there is no column {name!r} that is used; {suggestion(name, known)}")
        text = None if cell is None else str(cell).strip(BLANKS)
        if text in ("", *DEFAULT_MISSING, *model.reading.missing):
            text = None
        if text is None and name in model.target.names:
            raise SettingsError(
                f"the target {name!r} of a row that is trained on can't be missing: give it a value"
            )
        if text is not None and name in dresses:
            dress = dresses[name] or Dress(single.decimal)
            # What comes as a number is one; text may be written in two ways.
            is_number = isinstance(cell, int | float) and not isinstance(cell, bool)
            text = (
                as_typed(text, dress)
                if is_number
                else _as_written(name, text, dress, needed=name in model.target.names)
            )
        changed.append((name, single.cell(0, name) or MISSING, text or MISSING))
        frame = frame.with_columns(pl.Series(name, [text], pl.String))
        if raw is not None and name in raw.columns:
            raw = raw.drop(name)
    made = from_frame(frame, single.name)
    return replace(single, frame=made.frame, raw=None if raw is None or not raw.width else raw), changed


def _as_written(name: str, text: str, dress: Dress, *, needed: bool = False) -> str:
    """Return a number as its column writes numbers, however it was given; raises SettingsError for what is none, or two.

    One that is ``needed`` can't be missing.
    """
    try:
        number = given_number(text, dress)
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from error
    if number is None or not math.isfinite(number):
        raise SettingsError(
            f"{name}: {text!r} is not a number; give one such as {as_typed(12.5, dress)}"
            + ("" if needed else ", or nothing for a missing cell")
        )
    return text if dress.reader()(text) is not None else text.replace(".", dress.decimal)


def _encoded(
    model: Model, course: Course, single: Table, y: np.ndarray[Any, Any], cells: Mapping[str, Any]
) -> tuple[Any, Any]:
    """Return the inputs and the targets of a table of one row."""
    try:
        x = model.encoder.transform(single)[0]
        if set(cells) & set(model.target.names):
            classes = model.task == "classification"
            y = model.target.transform(single, single=classes and course.network.output.n_out == 1)[0]
    except TableError as error:
        what = str(error).removeprefix(f"{single.name}: ").partition(";")[0]
        needed = set(cells) <= set(model.target.names)
        raise SettingsError(
            f"{what}; give another one{'' if needed else ', or nothing for a missing cell'}"
        ) from error
    return x, y
