"""Each kind of mark as SVG: one function a kind, from a mark and its frame to elements.

Items carry ``data-address`` and ``data-value`` (all digits), and a title that a pointer shows.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule._numbers import number_text
from chainrule.plots.colors import is_strong, step_of
from chainrule.plots.marks import (
    Arrows, Band, Bars, Contours, Curve, Dash, Faces, Intervals, Points, Quantiles, Rules, Tiles, Words,
)  # fmt: skip
from chainrule.plots.svg.element import Attribute, element, escaped, exact, group, paint, path, shade, short, title
from chainrule.plots.svg.frame import Frame
from chainrule.plots.svg.shapes import shape
from chainrule.plots.widths import text_width

MOST_TITLES = 150
"""Marks of more items have no titles: their addresses and values are enough for a page with a script."""
MOST_HITS = 120
"""Curves of at most so many points have a spot at each that tells its numbers."""
MOST_CELLS = 600
"""Of more cells, runs of one color are drawn as one, and only the record has their numbers."""
DASHES: dict[Dash, str | None] = {"solid": None, "dashed": "6 4", "dotted": "1.5 3.5"}


def told(mark: Any, item: int, value: float | None = None) -> tuple[dict[str, Attribute], str]:
    """Return an item's data attributes, and its title: its name (or address, or series) and its value."""
    value = mark.values[item] if getattr(mark, "values", ()) else value
    addresses, names = getattr(mark, "addresses", ()), getattr(mark, "names", ())
    data: dict[str, Attribute] = {}
    if addresses and addresses[item]:
        data["data_address"] = addresses[item]
    if value is not None and not math.isnan(value):
        data["data_value"] = exact(value)
    if len(mark) > MOST_TITLES:
        return data, ""
    name = (names and names[item]) or (addresses and addresses[item]) or getattr(mark, "series", "")
    shown = "" if value is None or math.isnan(value) else number_text(value)
    return data, title(": ".join(filter(None, (name, shown))))


def points(mark: Points, frame: Frame) -> Iterator[str]:
    """Dots."""
    x, y = frame.x(mark.x).tolist(), frame.y(mark.y).tolist()
    radii = mark.radii()
    hollow = mark.shape in ("ring", "cross")
    colors = paint("paper" if mark.shape == "ring" else None if hollow else mark.color, mark.color if hollow else "paper")
    made = []
    for i in np.argsort([-radius for radius in radii], kind="stable").tolist():
        data, label = told(mark, i, float(mark.counts[i]) if mark.counts else mark.y[i])
        if label and not mark.counts and not mark.values:
            label = title(_point_text(mark, i, frame))
        made.append(shape(mark.shape, x[i], y[i], radii[i], label, data))
    opacity = 0.85 if len(mark) > 60 else None
    width = 1.6 if hollow else 0.6
    yield group(made, **colors, stroke_width=width, fill_opacity=opacity)  # fmt: skip


def _point_text(mark: Points | Curve, item: int, frame: Frame) -> str:
    name = (mark.names and mark.names[item]) or (mark.addresses and mark.addresses[item]) or mark.series
    parts = []
    for axis, value in ((frame.chart.x, mark.x[item]), (frame.chart.y, mark.y[item])):
        if axis.names:
            parts.append(axis.names[min(max(round(value), 0), len(axis.names) - 1)])
        elif axis.shown:
            parts.append(f"{axis.label} {number_text(value)}".strip())
    return ": ".join(filter(None, (name, ", ".join(parts))))


def curve(mark: Curve, frame: Frame) -> Iterator[str]:
    """A line, and spots on it that tell their numbers."""
    x, y = mark.corners()
    one = {"data_address": mark.addresses[0]} if len(mark.addresses) == 1 != len(mark) else {}
    line = element(
        "path", title(mark.series), d=path(frame.x(x).tolist(), frame.y(y).tolist()), **paint(None, mark.color), stroke_width=mark.width,
        stroke_dasharray=DASHES[mark.dash], stroke_linejoin="round", stroke_linecap="round", **one,
    )  # fmt: skip
    yield line
    if len(mark) > MOST_HITS:
        return
    spots = []
    for i, (a, b) in enumerate(zip(frame.x(mark.x).tolist(), frame.y(mark.y).tolist(), strict=True)):
        if math.isfinite(a) and math.isfinite(b):
            data, _ = told(mark, i, mark.y[i])
            spots.append(element("circle", title(_point_text(mark, i, frame)), cx=a, cy=b, r=5.0, **data))
    yield group(spots, fill_opacity=0.0)


def band(mark: Band, frame: Frame) -> Iterator[str]:
    """An area."""
    x = frame.x(mark.x).tolist()
    low, high = frame.y(mark.low).tolist(), frame.y(mark.high).tolist()
    around = path([*x, *reversed(x)], [*high, *reversed(low)], closed=True)
    yield element("path", title(mark.series), d=around, **paint(mark.color), fill_opacity=0.2)


def bars(mark: Bars, frame: Frame) -> Iterator[str]:
    """Bars, and texts at their ends: outside, or inside where there is no room left."""
    half = mark.width / 2
    along, beside = (frame.x, frame.y) if mark.across else (frame.y, frame.x)
    start, stop = along(mark.start).tolist(), along(mark.stop).tolist()
    places = [sorted(beside([at - half, at + half]).tolist()) for at in mark.at]
    rects, words = [], []
    for i, (low, high) in enumerate(places):
        color = mark.colors[i] if mark.colors else mark.color
        near, far = sorted((start[i], stop[i]))
        data, label = told(mark, i, mark.stop[i])
        where = (near, low, far - near, high - low) if mark.across else (low, near, high - low, far - near)
        rects.append(
            element("rect", label, **dict(zip(("x", "y", "width", "height"), where, strict=True)), **paint(color), **data)
        )  # fmt: skip
        if mark.texts and mark.texts[i]:
            words.append(_end_text(mark, i, start[i], stop[i], (low + high) / 2, high - low, frame))
    yield group(rects)
    yield group(words, font_size=11.0)


def _end_text(mark: Bars, item: int, start: float, stop: float, middle: float, room: float, frame: Frame) -> str:
    """Return the text at a bar's end."""
    text = mark.texts[item]
    wide = text_width(text, 11)
    if not mark.across:
        return "" if wide > room + 8 else element(
            "text", escaped(text), x=middle, y=stop - 4 if stop <= start else stop + 13, text_anchor="middle", **paint("ink")
        )  # fmt: skip
    ahead = stop > start or (stop == start and mark.stop[item] >= mark.start[item])
    room_ahead = frame.right - stop if ahead else stop - frame.left
    inside = wide + 8 > room_ahead and abs(stop - start) > wide + 10
    side = (-1 if inside else 1) * (1 if ahead else -1)
    if not inside and wide + 8 > room_ahead:  # neither before nor inside: behind
        side = -side
        stop = start
    return element(
        "text", escaped(text), x=stop + 5 * side, y=middle + 4, text_anchor="start" if side > 0 else "end",
        **paint("over" if inside else "ink"),  # type: ignore[arg-type]
    )  # fmt: skip


def intervals(mark: Intervals, frame: Frame) -> Iterator[str]:
    """Lines with short bars at their ends."""
    along, beside = (frame.x, frame.y) if mark.across else (frame.y, frame.x)
    made = []
    for i, (low, high, at) in enumerate(
        zip(along(mark.low).tolist(), along(mark.high).tolist(), beside(mark.at).tolist(), strict=True)
    ):
        lines = [((low, at), (high, at)), ((low, at - 3.5), (low, at + 3.5)), ((high, at - 3.5), (high, at + 3.5))]
        d = "".join(path(*zip(*((p if mark.across else p[::-1]) for p in line), strict=True)) for line in lines)
        ends = f"{number_text(mark.low[i])} to {number_text(mark.high[i])}"
        made.append(element("path", title(": ".join(filter(None, ((mark.names or ("",) * len(mark))[i], ends)))), d=d))
    yield group(made, **paint(None, mark.color), stroke_width=1.4)


def quantiles(mark: Quantiles, frame: Frame) -> Iterator[str]:
    """Boxes on lines."""
    along, beside = (frame.x, frame.y) if mark.across else (frame.y, frame.x)
    made = []
    for i, at in enumerate(mark.at):
        side, other = sorted(beside([at - mark.width / 2, at + mark.width / 2]).tolist())
        low, first, median, third, high = along(
            [mark.low[i], mark.first[i], mark.median[i], mark.third[i], mark.high[i]]
        ).tolist()
        center = (side + other) / 2

        def line(a: float, b: float, c: float, d: float) -> str:
            return path((a, c), (b, d)) if mark.across else path((b, d), (a, c))

        near, far = sorted((first, third))
        where = (near, side, far - near, other - side) if mark.across else (side, near, other - side, far - near)
        box = element("rect", **dict(zip(("x", "y", "width", "height"), where, strict=True)), fill_opacity=0.28, stroke_width=1.2)  # fmt: skip
        whiskers = element("path", d=line(low, center, near if low < near else far, center) + line(high, center, far if high > far else near, center))  # fmt: skip
        middle = element("path", d=line(median, side, median, other), stroke_width=2.6)
        data, label = told(mark, i, mark.median[i])
        made.append(group([label, whiskers, box, middle], **data))
    yield group(made, **paint(mark.color, mark.color), stroke_width=1.2)


def tiles(mark: Tiles, frame: Frame) -> Iterator[str]:
    """Cells, each with its text where that fits."""
    x, y = frame.x(mark.x).tolist(), frame.y(mark.y).tolist()
    columns = len(mark.x) - 1
    if len(mark) > MOST_CELLS:
        yield from _merged(mark, x, y)
        return
    gap = 0.5
    rects, words = [], []
    for i, shown in enumerate(mark.shown):
        if math.isnan(shown):
            continue
        row, column = divmod(i, columns)
        (left, right), (up, down) = sorted(x[column : column + 2]), sorted(y[row : row + 2])
        step = step_of(shown, mark.low, mark.high)
        data, label = told(mark, i, shown)
        rects.append(
            element(
                "rect", label, x=left + gap, y=up + gap, width=right - left - 2 * gap, height=down - up - 2 * gap,
                **shade(mark.ramp, step), **data,
            )
        )  # fmt: skip
        text = mark.texts[i] if mark.texts else ""
        size = 12.0 if text_width(text, 12) <= right - left - 6 else 10.0
        if text and text_width(text, size) <= right - left - 4 and down - up >= size + 2:
            color = paint("over" if is_strong(mark.ramp, step) else "ink")  # type: ignore[arg-type]
            words.append(element("text", escaped(text), x=(left + right) / 2, y=(up + down) / 2 + 4, **color, font_size=size))
    yield group(rects)
    yield group(words, text_anchor="middle", pointer_events="none")


def _merged(mark: Tiles, x: Sequence[float], y: Sequence[float]) -> Iterator[str]:
    """Return one path for each color, of runs of cells; crisp, because edges between pixels would shine through as lines."""
    columns = len(mark.x) - 1
    drawn: dict[int, list[str]] = {}
    for row in range(len(mark.y) - 1):
        steps = [
            -1 if math.isnan(shown) else step_of(shown, mark.low, mark.high)
            for shown in mark.shown[row * columns : (row + 1) * columns]
        ]
        for step, run in itertools.groupby(range(columns), key=steps.__getitem__):
            run = list(run)
            corners = x[run[0]], x[run[-1] + 1], y[row], y[row + 1]
            left, right, up, down = map(short, corners)
            drawn.setdefault(step, []).append(f"M{left} {up}H{right}V{down}H{left}Z")
    made = [element("path", d="".join(parts), **shade(mark.ramp, step)) for step, parts in sorted(drawn.items()) if step >= 0]
    yield group(made, shape_rendering="crispEdges")


def rules(mark: Rules, frame: Frame) -> Iterator[str]:
    """Lines from side to side, with their names."""
    for i, at in enumerate((frame.y if mark.across else frame.x)(mark.at).tolist()):
        ends = ((frame.left, frame.right), (at, at)) if mark.across else ((at, at), (frame.top, frame.bottom))
        yield element("path", d=path(*ends), **paint(None, mark.color), stroke_width=1.2, stroke_dasharray=DASHES[mark.dash])  # fmt: skip
        if mark.names and mark.names[i]:
            wide = text_width(mark.names[i], 11)
            if mark.across:
                x, y, anchor = frame.right - 2, at - 4 if at - frame.top > 16 else at + 13, "end"
            else:
                fits = at + 4 + wide <= frame.width
                x, y, anchor = (at + 4, frame.top + 9, "start") if fits else (at - 4, frame.top + 9, "end")
            yield text_at(mark.names[i], x, y, anchor=anchor, size=11.0, color=mark.color, halo=True)


def words(mark: Words, frame: Frame) -> Iterator[str]:
    """Texts."""
    x, y = (frame.x(mark.x) + mark.dx).tolist(), (frame.y(mark.y) + mark.dy).tolist()
    for i, text in enumerate(mark.texts):
        data, label = told(mark, i)
        yield text_at(
            text, x[i], y[i] + mark.size * 0.35, anchor=mark.anchor, size=mark.size, color=mark.color, halo=mark.halo,
            bold=mark.bold, inside=label, data=data,
        )  # fmt: skip


def text_at(
    text: str, x: float, y: float, *, anchor: str = "middle", size: float = 12.0, color: Any = "ink", halo: bool = False,
    bold: bool = False, inside: str = "", data: dict[str, Attribute] | None = None,
) -> str:  # fmt: skip
    """Return a line of text whose baseline is at y; ``halo`` is a rim of paper that keeps it apart from what it stands on."""
    rim = paint(color, "paper") | {"stroke_width": 3.0, "stroke_linejoin": "round", "paint_order": "stroke"}
    return element(
        "text", inside, escaped(text), x=x, y=y, text_anchor=None if anchor == "start" else anchor,
        font_size=None if size == 12 else size, font_weight="600" if bold else None, **(rim if halo else paint(color)), **(data or {}),
    )  # fmt: skip


def contours(mark: Contours, frame: Frame) -> Iterator[str]:
    """Lines of equal height."""
    made = []
    for level, x, y in zip(mark.levels, mark.x, mark.y, strict=True):
        label = title(": ".join(filter(None, (mark.series, number_text(level)))))
        made.append(element("path", label, d=path(frame.x(x).tolist(), frame.y(y).tolist()), data_value=exact(level)))
    yield group(made, **paint(None, mark.color), stroke_width=mark.width, stroke_linejoin="round")


def arrows(mark: Arrows, frame: Frame) -> Iterator[str]:
    """Lines with heads."""
    made = []
    starts = zip(frame.x(mark.x).tolist(), frame.y(mark.y).tolist(), strict=True)
    ends = zip(frame.x(mark.x2).tolist(), frame.y(mark.y2).tolist(), strict=True)
    for i, ((x, y), (x2, y2)) in enumerate(zip(starts, ends, strict=True)):
        data, label = told(mark, i)
        d = path((x, x2), (y, y2))
        length = math.hypot(x2 - x, y2 - y)
        if not mark.plain and length > 0.5:
            size = min(6.0, length)
            a, b = (x2 - x) / length * size, (y2 - y) / length * size
            d += path((x2 - a - b / 2, x2, x2 - a + b / 2), (y2 - b + a / 2, y2, y2 - b - a / 2))
        made.append(element("path", label, d=d, **data))
    yield group(
        made, **paint(None, mark.color), stroke_width=mark.width, stroke_dasharray=DASHES[mark.dash], stroke_linecap="round",
        stroke_linejoin="round",
    )  # fmt: skip


def faces(mark: Faces, frame: Frame) -> Iterator[str]:
    """Polygons, from the back to the front."""
    made = []
    for x, y, shown in zip(mark.x, mark.y, mark.shown, strict=True):
        d = path(frame.x(x).tolist(), frame.y(y).tolist(), closed=True)
        made.append(element("path", d=d, **shade(mark.ramp, step_of(shown, mark.low, mark.high)), data_value=exact(shown)))
    yield group(made, **{k: v for k, v in paint(None, "paper").items() if k != "fill"}, stroke_width=0.5)


DRAWN: dict[type, Callable[[Any, Frame], Iterator[str]]] = {
    Points: points, Curve: curve, Band: band, Bars: bars, Intervals: intervals, Quantiles: quantiles, Tiles: tiles, Rules: rules,
    Words: words, Contours: contours, Arrows: arrows, Faces: faces,
}  # fmt: skip
"""What draws each kind of mark; those of a network are in `svg.network`."""
