"""A prediction's answer before its calculation: what is predicted, which columns pushed it, where the row stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule._numbers import number_text, percent
from chainrule._plain import AnyNumber, Plain
from chainrule._types import BoolArray, FloatArray
from chainrule.explain.attribute.gradients import TOLERANCE, integrated_gradients
from chainrule.explain.attribute.outcome import Outcome, encoded_row, outcome_of
from chainrule.model.model import Model
from chainrule.tables.cells import date_cells
from chainrule.tables.encoding.columns import ColumnEncoder
from chainrule.tables.table import Table

FEWEST_ROWS = 10
"""Among fewer rows than these a cell isn't said to stand anywhere."""


@dataclass(frozen=True)
class Reason(Plain):
    """One column's part in an answer: its cell, where that stands among the table's rows, and what it adds.

    ``standing`` is in words, "" in a table of fewer than `FEWEST_ROWS` rows. ``adds`` is its integrated gradient, in the
    unit of the answer's quantity.
    """

    column: str
    cell: str | None
    standing: str
    adds: AnyNumber


@dataclass(frozen=True)
class AnsweredRow(Plain):
    """What is predicted for one row (from 1), of one target, and why.

    ``quantity`` is the number that is explained (a probability, or the target itself in its units), ``value`` what it is for
    the row, ``typical_value`` for the row that the reasons start from. ``words`` say how sure or how exact that is.
    ``reasons`` are all columns, those that add most first; they add up to ``value - typical_value`` where ``holds``.
    """

    row: int
    target: str
    predicted: str
    quantity: str
    value: AnyNumber
    words: str
    typical_value: AnyNumber
    reasons: tuple[Reason, ...]
    holds: bool


def answer(
    model: Model,
    table: Table,
    row: int,
    *,
    member: int | None = None,
    target: str | None = None,
    tolerance: float = TOLERANCE,
) -> AnsweredRow:
    """Return the answer for a row (from 0): the mean of the members' or one ``member``'s (from 0), of one ``target``.

    ``tolerance`` is how far the reasons may be from adding up, as `integrated_gradients` has it.
    Raises SettingsError for what the model or the table doesn't have.

    >>> import chainrule
    >>> rows = {"a": [float(i % 5) for i in range(40)], "b": ["u", "v"] * 20, "y": [float(i % 7) for i in range(40)]}
    >>> model = chainrule.train(rows, "y", hidden=[4], members=1, epochs=5).model
    >>> found = answer(model, model.table(rows), 4)
    >>> found.quantity, sorted((reason.column, reason.standing) for reason in found.reasons)
    ('y', [('a', 'the largest, as in 20% of the rows'), ('b', 'as in 50% of the rows')])
    """
    found = integrated_gradients(model, table, row, member=member, target=target, tolerance=tolerance)
    outcome = outcome_of(model, encoded_row(model, table, row), member=member, target=target)
    columns = {column.name: column for column in model.encoder.columns}
    reasons = [
        Reason(share.column, share.cell, standing(columns[share.column], table, row), share.value)
        for share in found.columns
    ]
    reasons.sort(key=lambda reason: -abs(reason.adds))
    one = outcome.target
    predicted = number_text(found.value) if one.task == "regression" else str(one.labels[outcome.label])
    words = _exactness(model, outcome, member) if one.task == "regression" else sureness(outcome, found.value)
    start = found.baseline_value
    return AnsweredRow(
        row + 1,
        one.name,
        predicted,
        found.quantity,
        found.value,
        words,
        start,
        tuple(reasons),
        found.holds,
    )


def sureness(outcome: Outcome, value: float) -> str:
    """Say a probability in plain words: "in about 93 of 100 such cases, if the model is as right as it says"."""
    if outcome.scale != "probability":
        return ""
    for cases in (100, 1000, 10_000):
        right = round(cases * value)
        if right < cases:
            return (
                f"right in about {right:,} of {cases:,} such cases, if the model is as sure as it should be"
            )
    return "right in more than 9,999 of 10,000 such cases, if the model is as sure as it should be"


def _exactness(model: Model, outcome: Outcome, member: int | None) -> str:
    """Say how far off the model was on rows that it never saw, if that is known."""
    scores: Mapping[str, float] = model.card.get("scores") or {}
    if member is not None or "mae" not in scores or len(model.target.parts) > 1:
        return ""
    return f"on rows that it never saw the model was off by {number_text(scores['mae'], 3)} on average"


def standing(column: ColumnEncoder, table: Table, row: int) -> str:
    """Say where a row's cell stands among the table's: "above 80% of the rows", "as in 44% of the rows"."""
    if table.n_rows < FEWEST_ROWS:
        return ""
    if column.kind == "number":
        return _rank(column.numbers(table), row, "above", "below", "the largest", "the smallest")
    if column.kind == "datetime":
        times = date_cells(table, column.name, column.spelling).to_physical().cast(pl.Float64).to_numpy()
        return _rank(times, row, "later than", "earlier than", "the latest", "the earliest")
    cells = table.text(column.name)
    same = cells.is_null() if cells[row] is None else (cells == cells[row]).fill_null(value=False)
    return f"{'missing, ' if cells[row] is None else ''}as in {_share(same.to_numpy())} of the rows"


def _rank(values: FloatArray, row: int, above: str, below: str, largest: str, smallest: str) -> str:
    """Say where one of some numbers stands among them; NaN is a missing one."""
    value, known = values[row], values[~np.isnan(values)]
    if np.isnan(value):
        return f"missing, as in {_share(np.isnan(values))} of the rows"
    less, more = known < value, known > value
    if not (less.any() or more.any()):
        return "the same in all rows"
    if less.any() and more.any():
        word, share = (above, less) if less.sum() >= more.sum() else (below, more)
        return f"{word} {_share(share)} of the rows"
    end = smallest if more.any() else largest
    same = known == value
    return end if same.sum() == 1 else f"{end}, as in {_share(same)} of the rows"


def _share(rows: BoolArray) -> str:
    return percent(float(rows.mean()))
