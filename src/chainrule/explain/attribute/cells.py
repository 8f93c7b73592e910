"""How the prediction answers to each original column: a derivative for numbers, the change of a swap for the rest.

For a number v, by the chain rule through the encoder: dQ/dv = sum over its inputs i of dQ/dx_i · dx_i/dv, in units of
the prediction per unit of the column. Nothing lies between two categories, so they get the change of Q when the cell
is swapped; a text the change when a word of it is taken out; a date the change when it is a day (a time of day: an hour)
later; a missing number the change when the value that stands in for it is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from chainrule._blas import one_blas_thread
from chainrule._plain import Plain
from chainrule._types import FloatArray
from chainrule.explain.attribute.gradients import encoded_cell
from chainrule.explain.attribute.outcome import Outcome, encoded_row, outcome_of
from chainrule.formula.differentiate import derivative
from chainrule.formula.parse import parse
from chainrule.model.model import Model
from chainrule.tables.cells import date_cells
from chainrule.tables.encoding.columns import ColumnEncoder
from chainrule.tables.encoding.scalings import ARITHMETIC
from chainrule.tables.encoding.texts import words_of
from chainrule.tables.table import Table

MOST_TAKEN_OUT = 20
"""The most words of a text that are taken out, one at a time."""


@dataclass(frozen=True)
class ColumnEffect(Plain):
    """What moving one cell does to the prediction: ``slope`` of a number, else ``changes`` by the other cell.

    ``kind`` is the column's. ``slope`` is dQ/dv, None where the cell is no number; ``changes`` has Q(other cell) -
    Q(this cell) for each other cell that is tried.
    """

    column: str
    kind: str
    cell: str | None
    slope: float | None
    changes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Effects(Plain):
    """The effects of all columns on one prediction; ``value`` is the prediction itself."""

    quantity: str
    row: int
    member: int | None
    value: float
    columns: tuple[ColumnEffect, ...]


@one_blas_thread()
@np.errstate(all="ignore")
def column_effects(
    model: Model,
    table: Table,
    row: int,
    *,
    of: str | None = None,
    label: object = None,
    member: int | None = None,
    target: str | None = None,
) -> Effects:
    """Return dQ/d(column), or the changes of swaps, for every column and one row (from 0).

    ``of``, ``label``, ``member`` and ``target`` choose Q as in `outcome_of`. Raises SettingsError for words that don't fit the
    model.

    >>> import chainrule
    >>> rows = {"a": [float(i % 5) for i in range(40)], "b": ["u", "v"] * 20, "y": [float(i) for i in range(40)]}
    >>> model = chainrule.train(rows, "y", hidden=[4], members=1, epochs=5).model
    >>> effects = column_effects(model, model.table(rows), 0).columns
    >>> [(effect.column, effect.slope is None, list(effect.changes)) for effect in effects]
    [('a', False, []), ('b', True, ['v'])]
    """
    x, single = encoded_row(model, table, row), table.take([row])
    outcome = outcome_of(model, x, of=of, label=label, member=member, target=target)
    value, gradient = float(outcome.values(x[None])[0]), outcome.gradients(x[None])[0]
    effects, start = [], 0
    for column in model.encoder.columns:
        own = slice(start, start + len(column.inputs))
        start = own.stop
        cell = single.cell(0, column.name)
        slope = None
        if column.kind == "number" and cell is not None:
            slope = float(gradient[own.start] * slope_of_part(column, single))
        changes = {} if slope is not None else _changes(outcome, x, value, own, column, single)
        effects.append(ColumnEffect(column.name, column.kind, cell, slope, changes))
    return Effects(outcome.name, row + 1, None if member is None else member + 1, value, tuple(effects))


def slope_of_part(column: ColumnEncoder, table: Table) -> float:
    """Return dx/dv of a number's input at the cell of the first row: the derivative of the scaling's formula."""
    part, cell = column.parts[0], column.numbers(table)[:1]
    v = part.numbers(cell)
    if v[0] != cell[0]:
        return 0.0  # drawn in to the largest value the formula is used for, beyond which it stays the same
    formula = derivative(parse(ARITHMETIC[part.arithmetic].formula), "v")
    return float(formula.evaluate_like({"v": v, **part.parameters}, v, np)[0])


def _changes(
    outcome: Outcome, x: FloatArray, value: float, own: slice, column: ColumnEncoder, single: Table
) -> dict[str, float]:
    others = _other_cells(column, single, x[own])
    if not others:
        return {}
    rows = np.repeat(x[None], len(others), axis=0)
    rows[:, own] = list(others.values())
    return dict(zip(others, (outcome.values(rows) - value).tolist(), strict=True))


def _without_a_word(column: ColumnEncoder, single: Table) -> dict[str, FloatArray]:
    """Return a text's cell without each of its words."""
    words = list(dict.fromkeys(words_of(single.cell(0, column.name) or "")))
    return {
        f"without {word!r}": encoded_cell(column, [" ".join(each for each in words if each != word) or "-"])
        for word in words[:MOST_TAKEN_OUT]
    }


def _other_cells(column: ColumnEncoder, single: Table, now: FloatArray) -> dict[str, FloatArray]:
    """Return the cells to try instead, as text, each with the column's inputs (inputs,)."""
    if column.kind == "category":
        return {
            neuron.name.removeprefix(f"{column.name}: "): one
            for neuron, one, here in zip(column.inputs, np.eye(len(now)), now, strict=True)
            if neuron.seen and not here
        }
    missing = single.cell(0, column.name) is None
    if column.kind == "boolean":
        others = (False, True) if missing else (not now[0],)
        return {str(other).lower(): encoded_cell(column, [bool(other)]) for other in others}
    if column.words is not None:
        return _without_a_word(column, single)
    if not column.parts:
        return {}
    if column.kind == "number" or missing:
        # Only a missing cell comes here; its input stays the same, and the word that it is missing goes.
        filled = now.copy()
        filled[len(column.parts) :] = 0
        return {"the value that stands in": filled} if missing else {}
    cells = date_cells(single, column.name, column.spelling)
    if cells.dtype == pl.Time:
        hour = 3_600_000_000_000
        later = ((cells.cast(pl.Int64) + hour) % (24 * hour)).cast(pl.Time)
        return {"an hour later": encoded_cell(column, later)}
    return {"a day later": encoded_cell(column, pl.select(cells + pl.duration(days=1)).to_series())}
