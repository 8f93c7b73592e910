"""The table twin of a plot: what is drawn, as a header and rows."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from chainrule.plots.all_marks import AnyMark
from chainrule.plots.axes import Axis
from chainrule.plots.marks import (
    Arrows,
    Band,
    Bars,
    Contours,
    Curve,
    Faces,
    Intervals,
    Numbers,
    Points,
    Quantiles,
    Tiles,
)
from chainrule.plots.network.marks import Boxes, Edges, Neurons

Cell: TypeAlias = str | float


class Twin(NamedTuple):
    """A table: each row has a cell for each name of the header."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


# The columns of a mark, besides its series, names, addresses and values: fields, and what they are called.
_COLUMNS: dict[type, dict[str, str]] = {
    Points: {"x": "{x}", "y": "{y}", "counts": "rows"},
    Curve: {"x": "{x}", "y": "{y}"},
    Band: {"x": "{x}", "low": "{y}, low", "high": "{y}, high"},
    Bars: {"at": "{at}", "start": "from", "stop": "to"},
    Intervals: {"at": "{at}", "low": "{along}, low", "high": "{along}, high"},
    Quantiles: {
        "at": "{at}", "low": "low", "first": "first quartile", "median": "median", "third": "third quartile", "high": "high",
    },
    Arrows: {"x": "{x}", "y": "{y}", "x2": "{x}, to", "y2": "{y}, to"},
    Contours: {"levels": "level"},
    Faces: {"shown": "{shown}"},
    Neurons: {},
    Edges: {},
    Boxes: {"texts": "text"},
}  # fmt: skip


def stacked(parts: Sequence[tuple[str, Twin]]) -> Twin:
    """Return tables below each other, each row with its title."""
    header = tuple(dict.fromkeys(name for _, part in parts for name in part.header))
    rows: list[tuple[Cell, ...]] = []
    for title, part in parts:
        for row in part.rows:
            cells = dict(zip(part.header, row, strict=True))
            rows.append((title, *(cells.get(name, "") for name in header)))
    return Twin(("plot", *header), tuple(rows))


def twin_of(x: Axis, y: Axis, marks: Sequence[AnyMark]) -> Twin:
    """Return what marks show as a table.

    Curves over the same x are columns beside each other, a grid of cells is a table of its rows and columns; all else is
    one row an item. Lines that only help the eye are left out, and so is where a network's parts stand.
    """
    told = _told(marks)
    tiles = [mark for mark in told if isinstance(mark, Tiles)]
    if tiles and len(told) == len(tiles) == 1:
        return _grid(x, y, tiles[0])
    lines = [mark for mark in told if isinstance(mark, Curve | Band)]
    if lines and len(told) == len(lines) and all(_same(mark.x, lines[0].x) for mark in lines):
        return _beside(x, y, lines)
    columns = [_columns(x, y, mark) for mark in told]
    header = tuple(dict.fromkeys(name for part in columns for name in part))
    rows = [
        tuple(part[name][i] if name in part else "" for name in header)
        for mark, part in zip(told, columns, strict=True)
        for i in range(len(mark))
    ]
    return Twin(header, tuple(rows))


def _same(one: Numbers, other: Numbers) -> bool:
    """Return whether numbers are the same, nan like nan."""
    return len(one) == len(other) and all(
        a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(one, other, strict=True)
    )


def _told(marks: Sequence[AnyMark]) -> list[AnyMark]:
    """Return the marks with numbers of their own: of points and a curve at the same places, those with names or the curve."""
    known = [
        mark
        for mark in marks
        if (type(mark) in _COLUMNS or isinstance(mark, Tiles))
        and not (isinstance(mark, Curve) and mark.color in ("quiet", "line") and not mark.series)
    ]
    places = {
        id(mark): set(zip(mark.x, mark.y, strict=True)) for mark in known if isinstance(mark, Curve | Points)
    }
    curves = [mark for mark in known if isinstance(mark, Curve)]
    dots = [mark for mark in known if isinstance(mark, Points)]
    named = [mark for mark in dots if mark.names]
    double = {
        id(dot) for dot in dots if not dot.names for curve in curves if places[id(dot)] <= places[id(curve)]
    }
    double |= {id(curve) for curve in curves for dot in named if places[id(dot)] == places[id(curve)]}
    return [mark for mark in known if id(mark) not in double]


def _grid(x: Axis, y: Axis, tiles: Tiles) -> Twin:
    columns, rows = _middles(x.names, tiles.x), _middles(y.names, tiles.y)
    values = tiles.values or tiles.shown
    found = [(name, *values[i * len(columns) : (i + 1) * len(columns)]) for i, name in enumerate(rows)]
    corner = " \\ ".join(filter(None, (y.label, x.label)))
    return Twin((corner, *(_word(name) for name in columns)), tuple(found))


def _beside(x: Axis, y: Axis, lines: Sequence[Curve | Band]) -> Twin:
    columns: dict[str, Sequence[Cell]] = {x.label or "x": _placed(x.names, lines[0].x)}
    for mark in lines:
        name = mark.series or y.label or "y"
        if isinstance(mark, Band):
            name = next(
                (line.series for line in lines if isinstance(line, Curve) and line.color == mark.color), name
            )
            columns |= {f"{name}, low": mark.low, f"{name}, high": mark.high}
        else:
            columns[name if name not in columns else f"{name} {len(columns)}"] = mark.values or mark.y
    first, *_ = columns
    rows = zip(*columns.values(), strict=True)
    # Where x is nan, lines are interrupted, and there is nothing to tell.
    lifted = (isinstance(x, float) and math.isnan(x) for x in columns[first])
    return Twin(tuple(columns), tuple(row for row, none in zip(rows, lifted, strict=True) if not none))


def _columns(x_axis: Axis, y_axis: Axis, mark: AnyMark) -> dict[str, Sequence[Cell]]:
    """Return the columns of a mark by name."""
    x, y = x_axis.label or "x", y_axis.label or "y"
    across = getattr(mark, "across", False)
    words = {"x": x, "y": y, "at": y if across else x, "along": x if across else y}
    found: dict[str, Sequence[Cell]] = {}
    series = getattr(mark, "series", "")
    if series:
        found["series"] = [series] * len(mark)
    if isinstance(mark, Tiles):
        places = [mark.corner(i) for i in range(len(mark))]
        found[x] = [(left + right) / 2 for left, right, _, _ in places]
        found[y] = [(low + high) / 2 for _, _, low, high in places]
        return found | {(mark.legend or "value"): mark.values or mark.shown}
    for field in ("names", "addresses"):
        if getattr(mark, field, ()):
            found[field[:-1] if field == "names" else "address"] = getattr(mark, field)
    for field, told in _COLUMNS[type(mark)].items():
        name = told.format(**words, shown=getattr(mark, "legend", "") or "value")
        entries = getattr(mark, field)
        axis = y_axis if (field == "y" or (field == "at" and across)) else x_axis
        if field in ("x", "y", "at"):
            entries = _placed(axis.names, entries)
        if len(entries):
            found[name] = entries
    if values := getattr(mark, "values", ()):
        found["value"] = ["" if math.isnan(value) else value for value in values]
    return found


def _placed(names: Sequence[str], values: Numbers) -> Sequence[Cell]:
    """Return the names at places of an axis of names, or the values themselves."""
    if not names:
        return values
    return [names[min(max(round(value), 0), len(names) - 1)] for value in values]


def _middles(names: Sequence[str], edges: Numbers) -> Sequence[Cell]:
    return names or [(low + high) / 2 for low, high in itertools.pairwise(edges)]


def _word(cell: Cell) -> str:
    return cell if isinstance(cell, str) else f"{cell:g}"
