"""The cost over two directions as a surface in perspective, with the path of a training at its true cost."""

from typing import Any, Literal

import numpy as np

from chainrule._types import FloatArray
from chainrule.plots.all_marks import AnyMark
from chainrule.plots.axes import blank
from chainrule.plots.chart import Chart
from chainrule.plots.kinds.mountain import shown_costs
from chainrule.plots.kinds.rows import grid_of
from chainrule.plots.marks import Arrows, Curve, Faces, Points, Writing, ends_of, floats
from chainrule.plots.ticks import short_number

_HONEST = "The surface is a slice: stems show how far the true cost is from it."


def surface_chart(
    x: Any,
    y: Any,
    costs: Any,
    *,
    path: tuple[Any, Any, Any] | None = None,
    on_surface: Any = None,
    turn: float = 35.0,
    tilt: float = 32.0,
    x_name: str = "W[1][1,1]",
    y_name: str = "W[2][1,1]",
    title: str = "The cost as a surface",
    note: str = "",
) -> Chart:
    """Return the surface of costs (rows of y, columns of x) seen from ``turn`` degrees aside (0 to 90) and ``tilt`` above.

    ``path`` are x, y and true cost of each step (n,); a stem joins it to ``on_surface`` (n,), the surface's cost
    there: its length is the error of the picture. At most 40 cells a side are drawn: every second, third, … row and column.
    """
    x, y, costs = grid_of("costs", costs, x, y)
    every = max(1, -(-max(len(x), len(y)) // 40))
    x, y, costs = x[::every], y[::every], costs[::every, ::every]
    low, high = float(np.nanmin(costs)), float(np.nanmax(costs))
    look = _Look(x, y, low, high, turn, tilt)
    grid_x, grid_y = np.meshgrid(x, y)
    sx, sy, depth = look.screen(grid_x, grid_y, costs)
    cells = []
    for row in range(len(y) - 1):
        for column in range(len(x) - 1):
            corners = [(row, column), (row, column + 1), (row + 1, column + 1), (row + 1, column)]
            far = float(np.mean([depth[c] for c in corners]))
            if np.isfinite(far):
                cells.append((far, corners))
    cells.sort(key=lambda cell: -cell[0])
    heights = np.array([np.mean([costs[c] for c in corners]) for _, corners in cells])
    seen, legend = shown_costs(costs)
    shown = np.log10(heights) if seen is not costs else heights
    faces = Faces(
        tuple(tuple(float(sx[c]) for c in corners) for _, corners in cells),
        tuple(tuple(float(sy[c]) for c in corners) for _, corners in cells),
        floats(shown),
        float(np.nanmin(seen)),
        float(np.nanmax(seen)),
        legend=legend,
        ends=(short_number(low), short_number(high)),
        values=floats(heights),
    )
    marks: list[AnyMark] = [look.floor(), faces]
    if path is not None:
        px, py, true = (np.asarray(v, np.float64) for v in path)
        ax, ay, _ = look.screen(px, py, true)
        if on_surface is not None:
            bx, by, _ = look.screen(px, py, np.asarray(on_surface, np.float64))
            off = floats(true - np.asarray(on_surface, np.float64))
            stems = floats(bx), floats(by), floats(ax), floats(ay)
            marks.append(Arrows(*stems, "quiet", plain=True, width=1.0, values=off))
            note = note or _HONEST
        marks += [
            Curve(floats(ax), floats(ay), "2", width=2.2, values=floats(true)),
            Points(floats(ax[:1]), floats(ay[:1]), "2", "start", "ring", 4.5, values=floats(true[:1])),
            Points(floats(ax[-1:]), floats(ay[-1:]), "2", "end", size=4.5, values=floats(true[-1:])),
        ]
    marks += look.sides(x_name, y_name)
    others = [mark for mark in marks if isinstance(mark, Writing | Curve)]
    left, right = ends_of([*faces.x, *(mark.x for mark in others)])
    bottom, top = ends_of([*faces.y, *(mark.y for mark in others)])
    wide, tall = right - left, top - bottom
    told = f"The cost from {short_number(low)} to {short_number(high)} over {x_name} and {y_name}."
    return Chart(
        title,
        told,
        blank(left - 0.1 * wide, right + 0.1 * wide),
        blank(bottom - 0.1 * tall, top + 0.03 * tall),
        tuple(marks),
        note,
        aspect=1.13 * tall / (1.2 * wide),
    )


class _Look:
    """A camera: data to the unit cube, turned, tilted, and made smaller with distance."""

    def __init__(
        self, x: FloatArray, y: FloatArray, low: float, high: float, turn: float, tilt: float
    ) -> None:
        self.x, self.y = (float(x[0]), float(x[-1])), (float(y[0]), float(y[-1]))
        self.low, self.tall = low, (high - low) or 1.0
        self.turn, self.tilt = np.radians(turn), np.radians(tilt)

    def screen(self, x: Any, y: Any, cost: Any) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return where places are on the screen, and how far behind it."""
        a = (np.asarray(x) - self.x[0]) / (self.x[1] - self.x[0]) - 0.5
        b = (np.asarray(y) - self.y[0]) / (self.y[1] - self.y[0]) - 0.5
        c = 0.62 * ((np.asarray(cost) - self.low) / self.tall - 0.5)
        side = a * np.cos(self.turn) - b * np.sin(self.turn)
        back = a * np.sin(self.turn) + b * np.cos(self.turn)
        up = c * np.cos(self.tilt) + back * np.sin(self.tilt)
        depth = back * np.cos(self.tilt) - c * np.sin(self.tilt)
        near = 3.2 / (3.2 + depth)
        return side * near, up * near, depth

    def floor(self) -> Curve:
        """Return the edges of the lower plane, drawn before the surface."""
        (x0, x1), (y0, y1), z = self.x, self.y, self.low
        px, py, _ = self.screen([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], [z] * 5)
        return Curve(floats(px), floats(py), "line", width=1.0)

    def sides(self, x_name: str, y_name: str) -> list[AnyMark]:
        """Return the two lower edges in front, with the axes' names and ends."""
        (x0, x1), (y0, y1), z = self.x, self.y, self.low
        px, py, _ = self.screen([x1, x0, x0], [y0, y0, y1], [z, z, z])
        mx, my, _ = self.screen([(x0 + x1) / 2, x0], [y0, (y0 + y1) / 2], [z, z])
        quiet: dict[str, Any] = {"color": "quiet"}
        ends = [short_number(x1), f"{short_number(x0)}, {short_number(y0)}", short_number(y1)]
        anchors: tuple[tuple[Literal["start", "middle", "end"], float, float], ...] = (
            ("start", 6.0, 6.0), ("middle", 0.0, 11.0), ("end", -6.0, 6.0),
        )  # fmt: skip
        corners = [
            Writing(floats(px[i]), floats(py[i]), (ends[i],), anchor, dx, dy, 11.0, **quiet)
            for i, (anchor, dx, dy) in enumerate(anchors)
        ]
        return [
            Curve(floats(px), floats(py), "quiet", width=1.0),
            Writing(floats(mx[0]), floats(my[0]), (x_name,), "start", 8.0, 14.0, plate=True, **quiet),
            Writing(floats(mx[1]), floats(my[1]), (y_name,), "end", -8.0, 14.0, plate=True, **quiet),
            *corners,
        ]
