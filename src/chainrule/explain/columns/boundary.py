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
    points: Table | None = None,
) -> Boundary:
    """Return a model's answers over two number columns of a table, with its rows, or those of another table, as ``points``.

    The other columns are held at the cells of a ``row`` (from 0), or at typical ones (as `integrated_gradients` has them).
    ``target``: which one, where there are several. Raises SettingsError for columns that aren't two numbers, and for a target
    that is one: see `dependence`.
    """
    place = place_of(model, target)
    one = model.target.parts[place]
    if not one.n_classes:
        raise SettingsError(f"the target {one.name!r} is a number, which has no boundary: see dependence")
    grid = answered_grid(model, model.table(table), columns, row=row, places=places)
    made = of_target(model.answer(grid.x), place)
    assert made.codes is not None
    found = np.eye(one.n_classes)[made.codes] if made.probabilities is None else made.probabilities
    rows, known = grid.rows_of(model, points or grid.table, place)
    return Boundary(
        (columns[0], columns[1]),
        grid.first,
        grid.second,
        found.reshape(places, places, -1),
        tuple(map(str, one.labels)),
        rows,
        one.codes(known),
        grid.held,
    )


@dataclass(frozen=True, eq=False)
class AnsweredGrid:
    """A grid over two columns: their numbers on it, the encoded rows ``x`` (places², d), and where the others are held."""

    table: Table
    dials: tuple[Dial, Dial]
    first: FloatArray
    second: FloatArray
    x: FloatArray
    held: str

    def rows_of(self, model: Model, table: Table, place: int) -> tuple[FloatArray, Table]:
        """Return the two columns' numbers (n, 2) of rows with a target, and these rows; none where there is no target."""
        if model.target.names[place] not in table.columns:
            return np.zeros((0, 2)), table.take([])
        part = table.take(drawn(model.target.known(table), MOST_ROWS, 0))
        numbers = np.stack([dial.of_rows(part) for dial in self.dials], axis=1)
        known = np.flatnonzero(np.isfinite(numbers).all(axis=1))
        return numbers[known], part.take(known)


def answered_grid(
    model: Model, table: Table, columns: tuple[str, str], *, row: int | None = None, places: int = PLACES
) -> AnsweredGrid:
    """Return the grid over two number columns; raises SettingsError for others."""
    if len(columns) != 2 or columns[0] == columns[1]:
        raise SettingsError(f"columns: two different ones are expected, not {', '.join(columns)}")
    if places < 2:
        raise SettingsError(f"{setting('places', places)} must be at least 2")
    first, second = (_number(dial_of(model, table, name)) for name in columns)
    base, _, words = baseline_row(model, table, "typical")
    if row is not None:
        base, words = encoded_row(model, table, row), f"row {row + 1}"
    across, up = _places(first, places), _places(second, places)
    x = np.repeat(base[None], places * places, axis=0)
    x[:, first.own] = np.tile(first.inputs(across), (places, 1))
    x[:, second.own] = np.repeat(second.inputs(up), places, axis=0)
    others = len(model.encoder.columns) - 2
    held = f"The other {others} columns are held at: {words}." if others else ""
    return AnsweredGrid(table, (first, second), across, up, x, held)


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
