"""The cost over two directions as lines of equal cost, with the path of a training."""

from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.plots.all_marks import AnyMark
from chainrule.plots.axes import Axis
from chainrule.plots.chart import Chart
from chainrule.plots.contour import contours
from chainrule.plots.kinds.boundary import cell_edges
from chainrule.plots.kinds.rows import grid_of
from chainrule.plots.marks import Curve, Points, Tiles, floats
from chainrule.plots.ticks import short_number, ticks


def mountain_chart(
    x: Any,
    y: Any,
    costs: Any,
    *,
    path: tuple[Any, Any] | None = None,
    stands: tuple[float, float] | None = None,
    x_name: str = "W[1][1,1]",
    y_name: str = "W[2][1,1]",
    levels: int = 10,
    title: str = "The cost over two weights",
    note: str = "",
) -> Chart:
    """Return lines of equal cost over x (columns,) and y (rows,), the path of a training, or where it ``stands``."""
    x, y, costs = grid_of("costs", costs, x, y)
    low, high = float(np.nanmin(costs)), float(np.nanmax(costs))
    shown, legend = shown_costs(costs)
    at = ticks(Axis(low, high, scale="log" if _spans(low, high) else "linear"), levels) if high > low else ()
    marks: list[AnyMark] = [
        Tiles(
            cell_edges(x),
            cell_edges(y),
            floats(shown),
            float(np.nanmin(shown)),
            float(np.nanmax(shown)),
            legend=legend,
            ends=(short_number(low), short_number(high)),
            values=floats(costs),
            strength=0.8,
        ),
        contours(x, y, costs, at),
    ]
    words = f"The cost from {short_number(low)} to {short_number(high)} over {x_name} and {y_name}."
    if path is not None:
        px, py = (np.asarray(v, np.float64) for v in path)
        marks += [
            Curve(floats(px), floats(py), "2", width=2.2),
            Points(floats(px[:1]), floats(py[:1]), "2", "start", "ring", 4.5),
            Points(floats(px[-1:]), floats(py[-1:]), "2", "end", "circle", 4.5),
        ]
        words += f" The path has {len(px)} steps."
    if stands is not None:
        marks.append(
            Points(floats(stands[:1]), floats(stands[1:]), "2", "where training left them", "circle", 5.0)
        )
    x_axis = Axis(float(x[0]), float(x[-1]), x_name, grid=False)
    y_axis = Axis(float(y[0]), float(y[-1]), y_name, grid=False)
    return Chart(title, words, x_axis, y_axis, tuple(marks), note, aspect=0.72)


def _spans(low: float, high: float) -> bool:
    """Return whether costs are of so many sizes that a logarithm shows them better."""
    return low > 0 and high > 20 * low


def shown_costs(costs: FloatArray) -> tuple[FloatArray, str]:
    """Return what the color shows, and its words."""
    if _spans(float(np.nanmin(costs)), float(np.nanmax(costs))):
        return np.log10(costs), "cost, by its logarithm"
    return costs, "cost"
