"""Many numbers made few before they are drawn, by stated rules: points binned in hexagons, curves thinned."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.plots.axes import Axis
from chainrule.plots.colors import Color
from chainrule.plots.marks import MOST_POINTS, Points, Shape, Texts, floats

COLUMNS = 40
"""The hexagons beside each other along x."""
ROW = 1.5
"""From one row of hexagons to the next, by their width in shares of the sides: regular in a frame 0.58 as high as wide."""
MOST_ON_CURVE = 400
"""The most points of a curve."""


def scatter(
    x: Any,
    y: Any,
    x_axis: Axis,
    y_axis: Axis,
    *,
    color: Color = "1",
    series: str = "",
    shape: Shape = "circle",
    size: float = 3.5,
    names: Sequence[str] = (),
    addresses: Sequence[str] = (),
) -> Points:
    """Return points, one for each row (n,) where both numbers are finite; above `MOST_POINTS` one for each hexagon.

    A hexagon's point stands at its middle, with the number of rows in it, and has no name and no address.
    """
    x, y = (np.asarray(values, np.float64).ravel() for values in (x, y))
    known = np.isfinite(x) & np.isfinite(y)

    def kept(texts: Sequence[str]) -> Texts:
        return tuple(np.asarray(texts, object)[known]) if len(texts) else ()

    if known.sum() <= MOST_POINTS:
        few = min(size, 3.5) if known.sum() <= 300 else 2.2
        return Points(
            floats(x[known]),
            floats(y[known]),
            color,
            series,
            shape,
            few,
            names=kept(names),
            addresses=kept(addresses),
        )
    at_x, at_y, counts = _hexagons(x_axis.share(x[known]), y_axis.share(y[known]))
    return Points(
        floats(x_axis.value(at_x)),
        floats(y_axis.value(at_y)),
        color,
        series,
        shape,
        7.0,
        tuple(counts.tolist()),
    )


def _hexagons(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, Any]:
    """Return the middles and counts of the hexagons with points in them; of shares (n,), as d3-hexbin finds them."""
    wide, high = 1 / COLUMNS, ROW / COLUMNS
    row = np.round(y / high)
    column = np.round(x / wide - (row % 2) / 2)
    # The nearer of this hexagon and that of the next row.
    next_row = row + np.where(y / high >= row, 1, -1)
    next_column = np.round(x / wide - (next_row % 2) / 2)

    def distance(r: FloatArray, c: FloatArray) -> FloatArray:
        return np.asarray((x / wide - c - (r % 2) / 2) ** 2 + 0.75 * (y / high - r) ** 2)

    nearer = distance(next_row, next_column) < distance(row, column)
    row, column = np.where(nearer, next_row, row), np.where(nearer, next_column, column)
    rows, row_of = np.unique(row, return_inverse=True)
    columns, column_of = np.unique(column, return_inverse=True)
    cells, counts = np.unique(row_of * len(columns) + column_of, return_counts=True)
    row, column = rows[cells // len(columns)], columns[cells % len(columns)]
    return (column + (row % 2) / 2) * wide, row * high, counts


def thinned(x: Any, y: Any) -> tuple[FloatArray, FloatArray]:
    """Return at most `MOST_ON_CURVE` points of a curve (n,) whose x only rises or falls.

    Of each stretch the first, the lowest, the highest and the last are kept.
    What is drawn on a screen is then the same (U. Jugel et al., "M4", VLDB 2014).
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(x) <= MOST_ON_CURVE:
        return x, y
    kept: set[int] = {0, len(x) - 1}
    for part in np.array_split(np.arange(len(x)), MOST_ON_CURVE // 4):
        kept |= {int(part[0]), int(part[-1])}
        known = part[np.isfinite(y[part])]
        if len(known):
            kept |= {int(known[y[known].argmin()]), int(known[y[known].argmax()])}
    chosen = sorted(kept)
    return x[chosen], y[chosen]
