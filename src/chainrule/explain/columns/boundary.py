"""What a model answers over two of its columns, with the others held at one row's cells or at typical ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError
from chainrule.explain.attribute.gradients import baseline_row
from chainrule.explain.attribute.outcome import encoded_row, place_of
from chainrule.explain.columns.dial import Dial, dial_of
from chainrule.explain.columns.rows import MOST_ROWS, drawn
from chainrule.model.model import Model
from chainrule.model.scoring import of_target
from chainrule.model.source import Source
from chainrule.plots.chart import Chart
from chainrule.plots.kinds.boundary import boundary_chart
from chainrule.tables.table import Table

PLACES = 61
"""The numbers at which each of the two columns is set."""

MARGIN = 0.06
"""How far beyond the table's numbers the picture goes, as a share of them."""


@dataclass(frozen=True, eq=False)
class Boundary:
    """A model's answers over two columns.

    ``probabilities`` (places of the second, places of the first, classes) are 0 and 1 where the model gives none. ``rows`` are
    the two columns' numbers of the table's rows with a target (n, 2), ``codes`` (n,) their classes. ``held`` says where the
    other columns are held.
    """

    columns: tuple[str, str]
    first: FloatArray
    second: FloatArray
    probabilities: FloatArray
    classes: tuple[str, ...]
    rows: FloatArray
    codes: IntArray
    held: str

    def chart(self) -> Chart:
        """Return the picture: the classes over the two columns, the lines that part them, the rows."""
        points = (*self.rows.T, self.codes) if len(self.rows) else None
        return boundary_chart(
            self.first,
            self.second,
            self.probabilities,
            x_name=self.columns[0],
            y_name=self.columns[1],
            classes=self.classes,
            points=points,
            held=self.held,
        )


def boundary(
    model: Model,
    table: Source,
    columns: tuple[str, str],
    *,
    row: int | None = None,
    target: str | None = None,
    places: int = PLACES,
) -> Boundary:
    """Return a model's answers over two number columns of a table.

    The other columns are held at the cells of a ``row`` (from 0), or at typical ones (as `integrated_gradients` has them).
    ``target``: which one, where there are several. Raises SettingsError for columns that aren't two numbers, and for a target
    that is one: see `dependence`.
    """
    if len(columns) != 2 or columns[0] == columns[1]:
        raise SettingsError(f"columns: two different ones are expected, not {', '.join(columns)}")
    if places < 2:
        raise SettingsError(f"{setting('places', places)} must be at least 2")
    read = model.table(table)
    place = place_of(model, target)
    one = model.target.parts[place]
    if not one.n_classes:
        raise SettingsError(f"the target {one.name!r} is a number, which has no boundary: see dependence")
    dials = [_number(dial_of(model, read, name)) for name in columns]
    base, _, words = baseline_row(model, read, "typical")
    if row is not None:
        base, words = encoded_row(model, read, row), f"row {row + 1}"
    first, second = (_places(dial, places) for dial in dials)
    x = np.repeat(base[None], places * places, axis=0)
    x[:, dials[0].own] = np.tile(dials[0].inputs(first), (places, 1))
    x[:, dials[1].own] = np.repeat(dials[1].inputs(second), places, axis=0)
    made = of_target(model.answer(x), place)
    assert made.codes is not None
    found = np.eye(one.n_classes)[made.codes] if made.probabilities is None else made.probabilities
    others = len(model.encoder.columns) - 2
    return Boundary(
        (columns[0], columns[1]),
        first,
        second,
        found.reshape(places, places, -1),
        tuple(map(str, one.labels)),
        *_rows(model, read, dials, place),
        f"The other {others} columns are held at: {words}." if others else "",
    )


def _number(dial: Dial) -> Dial:
    if dial.column.kind != "number":
        raise SettingsError(
            f"columns: {dial.name!r} is a {dial.column.kind}, and the two are numbers: see dependence"
        )
    if len(dial.values) < 2 or dial.values[0] == dial.values[-1]:
        raise SettingsError(f"columns: {dial.name!r} has one number in all rows")
    return dial


def _places(dial: Dial, count: int) -> FloatArray:
    low, high = float(dial.values[0]), float(dial.values[-1])
    room = MARGIN * (high - low)
    return np.linspace(low - room, high + room, count)


def _rows(model: Model, table: Table, dials: list[Dial], place: int) -> tuple[FloatArray, IntArray]:
    """Return the two columns' numbers of the rows with a target, and their classes; nothing where the table has no target."""
    if model.target.names[place] not in table.columns:
        return np.zeros((0, 2)), np.zeros(0, np.int64)
    part = table.take(drawn(model.target.known(table), MOST_ROWS, 0))
    numbers = np.stack([dial.of_rows(part) for dial in dials], axis=1)
    known = np.isfinite(numbers).all(axis=1)
    return numbers[known], model.target.parts[place].codes(part)[known]
