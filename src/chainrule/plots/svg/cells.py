"""Cells, faces and lines of equal height as SVG."""

import itertools
import math
from collections.abc import Iterator, Sequence

from chainrule.plots.colors import text_on
from chainrule.plots.marks import Contours, Faces, Tiles
from chainrule.plots.svg.element import (
    Attribute,
    element,
    escaped,
    group,
    paint,
    path,
    shade,
    short,
)
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
    """Return one path for each color, of runs of cells; crisp, because edges between pixels would shine through as lines."""
    columns = len(mark.x) - 1
    drawn: dict[tuple[tuple[str, Attribute], ...], list[str]] = {}
    for row in range(len(mark.y) - 1):
        cells = mark.shown[row * columns : (row + 1) * columns]
        fills = [() if math.isnan(shown) else tuple(_fill(mark, shown).items()) for shown in cells]
        for fill, run in itertools.groupby(range(columns), key=fills.__getitem__):
            members = list(run)
            corners = x[members[0]], x[members[-1] + 1], y[row], y[row + 1]
            left, right, up, down = map(short, corners)
            drawn.setdefault(fill, []).append(f"M{left} {up}H{right}V{down}H{left}Z")
    made = [element("path", d="".join(parts), **dict(fill)) for fill, parts in drawn.items() if fill]
    yield group(made, shape_rendering="crispEdges")


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
