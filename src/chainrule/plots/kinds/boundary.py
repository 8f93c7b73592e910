"""What a model answers over two columns: cells by probability or by class, the boundary, and the rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.plots.axes import Axis
from chainrule.plots.bins import scatter
from chainrule.plots.chart import Chart
from chainrule.plots.contour import contours
from chainrule.plots.marks import PALETTE, SHAPES, AnyMark, Tiles, nth, numbers


def boundary_chart(
    x: Any, y: Any, answers: Any, *, x_name: str, y_name: str, classes: Sequence[object], points: tuple[Any, Any, Any] | None = None,
    held: str = "", title: str = "",
) -> Chart:  # fmt: skip
    """Return the answers over a grid of two columns' values x (columns,) and y (rows,).

    ``answers`` (rows, columns, classes) are probabilities: of two classes, the second's is the color and a line stands at one
    half; of more, the color is that of the surest class by how sure it is, and lines part the classes. ``points`` are rows: x, y and
    class index (n,). ``held`` says what the other columns are held at.
    """
    x, y, answers = (np.asarray(v, np.float64) for v in (x, y, answers))
    x_axis, y_axis = Axis(*_ends(x), x_name, grid=False), Axis(*_ends(y), y_name, grid=False)
    two = len(classes) == 2
    surest = answers.max(axis=2)
    shown, low, high = (answers[:, :, 1], 0.0, 1.0) if two else (surest, 1 / len(classes), 1.0)
    legend = f"probability of {classes[1]}" if two else "probability of the surest class"
    ramp = "diverging" if two else "sequential"
    marks: list[AnyMark] = [Tiles(_edges(x), _edges(y), numbers(shown), low, high, ramp, legend)]  # type: ignore[arg-type]
    if two:
        marks.append(contours(x, y, answers[:, :, 1], [0.5], color="ink", width=1.6))
    else:
        for i in range(len(classes)):
            others = np.delete(answers, i, axis=2).max(axis=2)
            marks.append(contours(x, y, answers[:, :, i] - others, [0.0], color="ink", width=1.4))
    if points is not None:
        px, py, which = (np.asarray(v) for v in points)
        for i, name in enumerate(classes):
            mine = which == i
            color = ("minus", "plus")[i] if two else nth(PALETTE, i)
            marks.append(scatter(px[mine], py[mine], x_axis, y_axis, color=color, series=str(name), shape=nth(SHAPES[:4], i)))
    words = f"The answer over {x_name} and {y_name} for the classes {', '.join(map(str, classes))}; lines part the classes."
    return Chart(title or f"{x_name} and {y_name}", f"{words} {held}".strip(), x_axis, y_axis, tuple(marks), held, aspect=0.72)


def _edges(middles: Any) -> tuple[float, ...]:
    """Return the edges of cells around their middles."""
    between = (middles[1:] + middles[:-1]) / 2
    return numbers([middles[0], *between, middles[-1]])


def _ends(values: Any) -> tuple[float, float]:
    return float(values[0]), float(values[-1])
