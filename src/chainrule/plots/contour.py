"""Lines of equal height over a grid, by marching squares with straight interpolation along the sides.

Source: W. Lorensen, H. Cline, "Marching cubes", SIGGRAPH 1987, in two dimensions.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.plots.colors import Color
from chainrule.plots.marks import Contours, Numbers
from chainrule.plots.ticks import linear_ticks

# Which sides a line joins, by the corners above the level (bits: lower left, lower right, upper right, upper left).
# Sides: 0 below, 1 right, 2 above, 3 left. The two saddles, 5 and 10, are told apart by the middle.
_JOINED: dict[int, list[tuple[int, int]]] = {
    1: [(3, 0)], 2: [(0, 1)], 3: [(3, 1)], 4: [(1, 2)], 6: [(0, 2)], 7: [(3, 2)], 8: [(2, 3)], 9: [(2, 0)],
    11: [(2, 1)], 12: [(1, 3)], 13: [(1, 0)], 14: [(0, 3)],
}  # fmt: skip
_SADDLES = {
    (5, True): [(3, 2), (1, 0)], (5, False): [(3, 0), (1, 2)],
    (10, True): [(0, 3), (2, 1)], (10, False): [(0, 1), (2, 3)],
}  # fmt: skip

_Side = tuple[int, int, bool]
"""A side of the grid: its row, its column, and whether it stands."""


def contours(
    x: Any,
    y: Any,
    heights: Any,
    levels: Sequence[float] | int = 8,
    *,
    color: Color = "quiet",
    width: float = 1.0,
    series: str = "",
) -> Contours:
    """Return the lines at some levels (or at so many round ones) of heights (rows of y, columns of x)."""
    x, y, heights = (np.asarray(values, np.float64) for values in (x, y, heights))
    if isinstance(levels, int):
        low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
        levels = linear_ticks(low, high, levels) if high > low else ()
    found = [(level, *line) for level in levels for line in _lines(x, y, heights, level)]
    return Contours(
        tuple(float(level) for level, _, _ in found),
        tuple(xs for _, xs, _ in found),
        tuple(ys for _, _, ys in found),
        color,
        width,
        series,
    )


def _lines(x: Any, y: Any, heights: Any, level: float) -> list[tuple[Numbers, Numbers]]:
    above = heights >= level
    codes = above[:-1, :-1] + 2 * above[:-1, 1:] + 4 * above[1:, 1:] + 8 * above[1:, :-1]
    middle = (heights[:-1, :-1] + heights[:-1, 1:] + heights[1:, 1:] + heights[1:, :-1]) / 4 >= level
    usable = np.isfinite(heights[:-1, :-1] + heights[:-1, 1:] + heights[1:, 1:] + heights[1:, :-1])
    after: dict[_Side, _Side] = {}
    for row, column in np.argwhere(usable & (codes > 0) & (codes < 15)).tolist():
        code = int(codes[row, column])
        sides = [(row, column, False), (row, column + 1, True), (row + 1, column, False), (row, column, True)]
        for a, b in _JOINED.get(code) or _SADDLES[code, bool(middle[row, column])]:
            after[sides[a]] = sides[b]

    def place(side: _Side) -> tuple[float, float]:
        row, column, stands = side
        other = (row + 1, column) if stands else (row, column + 1)
        here, there = heights[row, column], heights[other]
        share = (level - here) / (there - here)
        return (
            float(x[column] + share * (x[other[1]] - x[column])),
            float(y[row] + share * (y[other[0]] - y[row])),
        )

    made = []
    ends = set(after.values())
    # Open lines first, from their beginnings; what is left are rings.
    for start in [*sorted(side for side in after if side not in ends), *sorted(after)]:
        line, side = [], start
        while side in after:
            line.append(side)
            side = after.pop(side)
        if line:
            places = [place(one) for one in [*line, side]]
            made.append((tuple(p[0] for p in places), tuple(p[1] for p in places)))
    return made
