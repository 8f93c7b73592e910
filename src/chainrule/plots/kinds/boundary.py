"""What a model answers over two columns: cells by probability or by class, the boundary, and the rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.plots.all_marks import AnyMark
from chainrule.plots.axes import Axis
from chainrule.plots.bins import scatter
from chainrule.plots.chart import Chart
from chainrule.plots.colors import Color
from chainrule.plots.contour import contours
from chainrule.plots.kinds.rows import class_indices, grid_of, same_length
from chainrule.plots.marks import PALETTE, SHAPES, Tiles, floats, nth
from chainrule.plots.ticks import linear_ticks, short_number

LEVELS = 8
"""About how many lines of equal height a plane of numbers has."""


def boundary_chart(
    x: Any,
    y: Any,
    answers: Any,
    *,
    x_name: str,
    y_name: str,
    classes: Sequence[object],
    points: tuple[Any, Any, Any] | None = None,
    held: str = "",
    title: str = "",
) -> Chart:
    """Return the answers over a grid of two columns' values x (columns,) and y (rows,).

    ``answers`` (rows, columns, classes) are probabilities: of two classes, the second's is the color and a line stands at one
    half; of more, the color is that of the surest class, the stronger the surer, and lines part the classes.
    ``points`` are rows: x, y and
    class index (n,). ``held`` says what the other columns are held at.
    """
    x, y, answers = grid_of("answers", answers, x, y, len(classes))
    x_axis, y_axis = Axis(*_ends(x), x_name, grid=False), Axis(*_ends(y), y_name, grid=False)
    two = len(classes) == 2
    marks: list[AnyMark] = []
    if two:
        legend = f"probability of {classes[1]}"
        marks.append(
            Tiles(
                cell_edges(x),
                cell_edges(y),
                floats(answers[:, :, 1]),
                0.0,
                1.0,
                "diverging",
                legend,
                strength=0.55,
            )
        )
        marks.append(contours(x, y, answers[:, :, 1], [0.5], color="ink", width=1.6))
    else:
        first = answers.argmax(axis=2)
        for i in range(len(classes)):
            mine = np.where(first == i, answers[:, :, i], np.nan)
            marks.append(
                Tiles(
                    cell_edges(x), cell_edges(y), floats(mine), 1 / len(classes), 1.0, color=nth(PALETTE, i)
                )
            )
        # The last class's line is those of all others.
        for i in range(len(classes) - 1):
            others = np.delete(answers, i, axis=2).max(axis=2)
            marks.append(contours(x, y, answers[:, :, i] - others, [0.0], color="ink", width=1.4))
    if points is not None:
        px, py, which = (
            np.asarray(points[0]),
            np.asarray(points[1]),
            class_indices("points", points[2], classes),
        )
        same_length(points=px, y=py, classes=which)
        for i, name in enumerate(classes):
            mine = which == i
            color: Color = ("minus", "plus")[i] if two else nth(PALETTE, i)
            marks.append(
                scatter(
                    px[mine],
                    py[mine],
                    x_axis,
                    y_axis,
                    color=color,
                    series=str(name),
                    shape=nth(SHAPES[:4], i),
                )
            )
    words = f"The answer over {x_name} and {y_name} for the classes {', '.join(map(str, classes))}; lines part the classes."
    note = " ".join(filter(None, ("" if two else "The stronger the color, the surer the answer.", held)))
    return Chart(
        title or f"{x_name} and {y_name}",
        f"{words} {held}".strip(),
        x_axis,
        y_axis,
        tuple(marks),
        note,
        aspect=0.72,
    )


def heights_chart(
    x: Any,
    y: Any,
    heights: Any,
    *,
    x_name: str,
    y_name: str,
    unit: str,
    points: tuple[Any, Any, Any] | None = None,
    held: str = "",
    title: str = "",
) -> Chart:
    """Return a number that is answered over a grid of two columns' values x (columns,) and y (rows,): color and lines.

    ``heights`` (rows, columns) are in the ``unit`` that the color's legend names. ``points`` are rows: x, y and the true number
    (n,), which is a point's name.
    """
    x, y, heights = grid_of("heights", heights, x, y)
    x_axis, y_axis = Axis(*_ends(x), x_name, grid=False), Axis(*_ends(y), y_name, grid=False)
    low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
    at = linear_ticks(low, high, LEVELS) if high > low else ()
    cells = Tiles(
        cell_edges(x),
        cell_edges(y),
        floats(heights),
        low,
        high,
        legend=unit,
        ends=(short_number(low), short_number(high)),
        strength=0.8,
    )
    marks: list[AnyMark] = [cells, contours(x, y, heights, at)]
    if points is not None:
        px, py, truth = (np.asarray(one, np.float64) for one in points)
        same_length(points=px, y=py, truth=truth)
        names = [f"{unit} = {short_number(float(one), 4)}" for one in truth]
        marks.append(scatter(px, py, x_axis, y_axis, color="2", series="rows", shape="ring", names=names))
    words = f"{unit} as it is answered over {x_name} and {y_name}, from {short_number(low)} to {short_number(high)}."
    return Chart(
        title or f"{x_name} and {y_name}",
        f"{words} {held}".strip(),
        x_axis,
        y_axis,
        tuple(marks),
        held,
        aspect=0.72,
    )


def cell_edges(middles: Any) -> tuple[float, ...]:
    """Return the edges of cells around their middles."""
    between = (middles[1:] + middles[:-1]) / 2
    return floats([middles[0], *between, middles[-1]])


def _ends(values: Any) -> tuple[float, float]:
    return float(values[0]), float(values[-1])
