"""Cells, faces and lines of equal height as SVG."""

import itertools
import math
from collections.abc import Iterator, Sequence

from chainrule.plots.colors import text_on
from chainrule.plots.marks import Contours, Faces, Tiles
from chainrule.plots.svg.element import Attribute, element, escaped, group, paint, path, shade
from chainrule.plots.svg.frame import Frame
from chainrule.plots.svg.marks import announced
from chainrule.plots.widths import text_width

MOST_CELLS = 600
"""Of more cells, runs of one color are drawn as one, and only the record has their numbers."""


def tiles(mark: Tiles, frame: Frame) -> Iterator[str]:
    """Cells, each with its text where that fits."""
    x, y = frame.x(mark.x).tolist(), frame.y(mark.y).tolist()
    columns = len(mark.x) - 1
    if len(mark) > MOST_CELLS:
        yield from _merged(mark, x, y)
        return
    gap = 0.5
    wide, tall = (min(abs(b - a) for a, b in itertools.pairwise(side)) for side in (x, y))
    longest = max((text_width(text, 1) for text in mark.texts), default=0.0)
    # All or none of the texts, so that an empty cell doesn't look like one without rows.
    size = next((s for s in (12.0, 11.0, 10.0) if s * longest <= wide - 4 and s <= tall - 2), 0.0)
    rects, words = [], []
    for i, shown in enumerate(mark.shown):
        if math.isnan(shown):
            continue
        row, column = divmod(i, columns)
        (left, right), (up, down) = sorted(x[column : column + 2]), sorted(y[row : row + 2])
        data, label = announced(mark, i, shown)
        rects.append(
            element(
                "rect",
                label,
                x=left + gap,
                y=up + gap,
                width=right - left - 2 * gap,
                height=down - up - 2 * gap,
                **_fill(mark, shown),
                **data,
            )
        )
        text = mark.texts[i] if mark.texts else ""
        if text and size:
            color = paint("ink" if mark.color else text_on(mark.ramp, mark.step(shown)))
            words.append(
                element(
                    "text",
                    escaped(text),
                    x=(left + right) / 2,
                    y=(up + down) / 2 + 4,
                    **color,
                    font_size=size,
                )
            )
    yield group(rects)
    yield group(words, text_anchor="middle", pointer_events="none")


def _merged(mark: Tiles, x: Sequence[float], y: Sequence[float]) -> Iterator[str]:
    """Return one path for each color, around its cells; on whole pixels, as edges between them would shine through as lines."""
    columns = len(mark.x) - 1
    x, y = ([round(at) for at in side] for side in (x, y))
    drawn: dict[tuple[tuple[str, Attribute], ...], set[tuple[int, int]]] = {}
    for i, shown in enumerate(mark.shown):
        if not math.isnan(shown):
            drawn.setdefault(tuple(_fill(mark, shown).items()), set()).add(divmod(i, columns))
    made = [element("path", d=_around(cells, x, y), **dict(fill)) for fill, cells in drawn.items()]
    yield group(made, shape_rendering="crispEdges")


def _around(cells: set[tuple[int, int]], x: Sequence[int], y: Sequence[int]) -> str:
    """Return the ``d`` of what goes around cells (row, column), once for each piece and the other way around each hole."""
    ways: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row, column in sorted(cells):
        corners = [(row, column), (row, column + 1), (row + 1, column + 1), (row + 1, column)]
        beside = [(row - 1, column), (row, column + 1), (row + 1, column), (row, column - 1)]
        for k, neighbor in enumerate(beside):
            if neighbor not in cells:
                ways.setdefault(corners[k], []).append(corners[(k + 1) % 4])
    made = []
    while ways:
        start = next(iter(ways))
        loop = [start]
        while len(loop) < 2 or loop[-1] != start:
            ahead = ways[loop[-1]]
            loop.append(ahead.pop())
            if not ahead:
                del ways[loop[-2]]
        # A corner is where the way from the one before isn't that to the next.
        ways_on = zip([loop[-2], *loop], loop[:-1], loop[1:], strict=False)
        turns = [at for before, at, after in ways_on if (before[0] == at[0]) != (at[0] == after[0])]
        d = f"M{x[turns[0][1]]} {y[turns[0][0]]}"
        for before, (row, column) in itertools.pairwise(turns):
            d += f"V{y[row]}" if row != before[0] else f"H{x[column]}"
        made.append(d + "Z")
    return "".join(made)


def _fill(mark: Tiles, shown: float) -> dict[str, Attribute]:
    """Return the color of a cell."""
    if mark.color is None:
        return shade(mark.ramp, mark.step(shown))
    return {**paint(mark.color), "fill_opacity": mark.opacity(shown)}


def faces(mark: Faces, frame: Frame) -> Iterator[str]:
    """Polygons, from the back to the front."""
    made = []
    for i, (x, y, shown) in enumerate(zip(mark.x, mark.y, mark.shown, strict=True)):
        d = path(frame.x(x).tolist(), frame.y(y).tolist(), closed=True)
        data, label = announced(mark, i, shown)
        made.append(element("path", label, d=d, **shade(mark.ramp, mark.step(shown)), **data))
    yield group(made, **{k: v for k, v in paint(None, "paper").items() if k != "fill"}, stroke_width=0.5)


def contour_lines(mark: Contours, frame: Frame) -> Iterator[str]:
    """Lines of equal height."""
    made = []
    for i, (level, x, y) in enumerate(zip(mark.levels, mark.x, mark.y, strict=True)):
        data, label = announced(mark, i, level)
        made.append(element("path", label, d=path(frame.x(x).tolist(), frame.y(y).tolist()), **data))
    yield group(made, **paint(None, mark.color), stroke_width=mark.width, stroke_linejoin="round")
