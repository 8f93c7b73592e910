"""What a model answers over two number columns: classes with the lines that part them, or a number with lines of equal height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule._types import FloatArray
from chainrule.explain.attribute.outcome import place_of
from chainrule.explain.columns.boundary import PLACES, Boundary, answered_grid, boundary
from chainrule.explain.columns.dial import dial_of
from chainrule.model.model import Model
from chainrule.model.scoring import of_target
from chainrule.plots.chart import Chart
from chainrule.plots.kinds.boundary import heights_chart
from chainrule.tables.table import Table


@dataclass(frozen=True, eq=False)
class AnsweredNumbers:
    """A number that a model answers over two columns: ``values`` (places of the second, places of the first), in its units.

    ``rows`` are the two columns' numbers of rows with a target (n, 2), ``truth`` (n,) what stands there.
    """

    columns: tuple[str, str]
    target: str
    first: FloatArray
    second: FloatArray
    values: FloatArray
    rows: FloatArray
    truth: FloatArray
    held: str

    def chart(self) -> Chart:
        """Return the picture: the answer as color and as lines of equal height, with the rows."""
        return heights_chart(
            self.first,
            self.second,
            self.values,
            x_name=self.columns[0],
            y_name=self.columns[1],
            unit=self.target,
            points=(*self.rows.T, self.truth) if len(self.rows) else None,
            held=self.held,
        )


def answered_plane(
    model: Model,
    table: Table,
    columns: tuple[str, str],
    *,
    target: str | None = None,
    places: int = PLACES,
    points: Table | None = None,
) -> Boundary | AnsweredNumbers:
    """Return a model's answers over two number columns of a table, the others held at typical cells.

    ``points`` is the table whose rows are drawn; the same one if None. Raises SettingsError for columns that aren't two numbers.
    """
    place = place_of(model, target)
    one = model.target.parts[place]
    if one.n_classes:
        return boundary(model, table, columns, target=model.target.names[place], places=places, points=points)
    grid = answered_grid(model, table, columns, places=places)
    values = np.asarray(of_target(model.answer(grid.x), place).labels, np.float64).reshape(places, places)
    rows, known = grid.rows_of(model, points or table, place)
    return AnsweredNumbers(
        columns,
        model.target.names[place],
        grid.first,
        grid.second,
        values,
        rows,
        one.numbers(known),
        grid.held,
    )


def number_columns(model: Model, table: Table, names: Sequence[str]) -> list[str]:
    """Return those of some inputs, in their order, that a plane can have as an axis: numbers that differ in the table."""
    kinds = {column.name: column.kind for column in model.encoder.columns}
    numbers = (name for name in names if kinds[name] == "number")
    return [name for name in numbers if len(np.unique(dial_of(model, table, name).values)) > 1]
