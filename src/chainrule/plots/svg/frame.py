"""Where everything of a plot stands, in pixels, for a width: margins from the widths of what is written there.

Nothing is drawn here. Texts that don't fit are cut, turned or left out by the rules below, never set over each other.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from chainrule._types import FloatArray
from chainrule.plots.axes import Axis
from chainrule.plots.chart import Chart
from chainrule.plots.marks import Bars, Rules, Tiles
from chainrule.plots.svg.legend import Legend, LineEnd, legend_of, line_ends
from chainrule.plots.ticks import tick_texts, ticks
from chainrule.plots.widths import cut, cut_apart, text_width, wrap

SIZE = 12.0
"""The size of ticks and labels in pixels."""
TITLE_SIZE = 14.0
SMALL = 11.0
LINE = 17.0
TICK_GAP = 10.0
"""The room between the labels of two ticks, at least."""
TALLEST = 420.0
TURN = -40.0
"""The degrees by which names below a plot are turned where they don't fit."""
_SQUARE_WIDTH = 470.0
_ROW, _LEAST_ROW, _LARGEST_CELL = 24.0, 13.0, 72.0


class Tick(NamedTuple):
    """A tick: where it stands in pixels, what is written, and the whole text where that is cut."""

    at: float
    text: str
    whole: str


@dataclass(frozen=True)
class Frame:
    """A plot's rectangle and the texts around it; y counts from above."""

    chart: Chart
    width: float
    height: float
    left: float
    top: float
    right: float
    bottom: float
    title: tuple[str, ...]
    title_size: float
    legend: Legend
    ends: tuple[LineEnd, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    turned: bool
    note: tuple[str, ...]
    x_label: str
    y_label: str
    rule_names: tuple[Tick, ...]
    """The names of lines at an x, above the frame; they begin there."""

    def x(self, values: object) -> FloatArray:
        """Return where numbers of the x axis stand in pixels."""
        return np.asarray(self.left + self.chart.x.share(values) * (self.right - self.left))

    def y(self, values: object) -> FloatArray:
        """Return where numbers of the y axis stand in pixels."""
        return np.asarray(self.bottom - self.chart.y.share(values) * (self.bottom - self.top))


class Panel(NamedTuple):
    """How a plot is drawn among small multiples: what it writes itself, and the room it leaves as its neighbors do."""

    shows_x: bool = True
    shows_y: bool = True
    shows_legend: bool = True
    title_size: float = TITLE_SIZE
    keeps_row: bool = False
    """Whether there is a row for the name of the y axis, also where it has none."""
    least_left: float = 0.0


ALONE = Panel()


def frame_of(chart: Chart, width: float, part: Panel = ALONE) -> Frame:
    """Return the layout of a plot that is at most ``width`` pixels wide."""
    sides = _sides(chart, width, part)
    above = _above(chart, sides, part)
    right, bottom, total = sides.left + sides.inner, above.top + sides.height, sides.total
    turned, x_ticks, below = False, tuple[Tick, ...](), 2.0
    x_label = ""
    if chart.x.shown and part.shows_x:
        turned, x_ticks = _x_ticks(chart.x, sides.left, right, sides.left)
        longest = max((text_width(tick.text, SIZE) for tick in x_ticks), default=0.0)
        x_label = cut(chart.x.label, total, SIZE)
        below += 10 + (longest * math.sin(math.radians(-TURN)) + 10 if turned else LINE)
        below += LINE + 2 if x_label else 0
    elif chart.x.shown:  # the lines of the grid, without labels
        _, marked = _x_ticks(chart.x, sides.left, right, sides.left)
        x_ticks = tuple(tick._replace(text="", whole="") for tick in marked)
    note = tuple(wrap(chart.note, total, SMALL))
    below += len(note) * 15 + (4 if note else 0)
    y_ticks = _y_ticks(chart.y, sides, bottom) if chart.y.shown else ()
    if not part.shows_y:
        y_ticks = tuple(tick._replace(text="", whole="") for tick in y_ticks)
    return Frame(
        chart, total, bottom + below, sides.left, above.top, right, bottom, above.title, part.title_size, above.legend,
        sides.ends, x_ticks, y_ticks, turned, note, x_label, above.y_label, above.rule_names,
    )  # fmt: skip


class _Sides(NamedTuple):
    total: float
    left: float
    inner: float
    height: float
    y_at: tuple[float, ...]
    y_texts: Sequence[str]
    ends: tuple[LineEnd, ...]


def _sides(chart: Chart, width: float, part: Panel) -> _Sides:
    """Return how wide and how high the frame is, and what stands beside it."""
    names_by_names = bool(chart.x.names and chart.y.names)
    if chart.aspect >= 0.9 and not chart.height and chart.x.shown and not names_by_names:
        width = min(width, _SQUARE_WIDTH)
    y_names = cut_apart(chart.y.names, 0.36 * width, SIZE) if chart.y.names else []
    height = 200.0
    ends: tuple[LineEnd, ...] = ()
    for _ in range(3):  # the ticks need the height, the height the width, the width the ticks' labels
        y_at = ticks(chart.y, max(2, int(height / 42)))
        y_texts = y_names or tick_texts(chart.y, y_at)
        widest = max((text_width(text, SIZE) for text in y_texts), default=0.0)
        left = (
            max(widest + 9 if chart.y.shown and part.shows_y else 6.0, part.least_left)
            if chart.x.shown
            else 1.0
        )
        right_room = _right_room(chart, width - left)
        if chart.legend == "ends" and part.shows_legend:
            ends = line_ends(chart, height, 0.3 * width, SIZE)
            right_room = max([right_room, *(text_width(end.text, SIZE, bold=True) + 12 for end in ends)])
        inner = width - left - right_room
        if names_by_names:
            inner = min(inner, _LARGEST_CELL * len(chart.x.names))
        height = _height(chart, inner)
    total = max(left + inner + right_room, min(width, 300.0)) if names_by_names else width
    return _Sides(total, left, inner, height, y_at, y_texts, ends)


class _Above(NamedTuple):
    title: tuple[str, ...]
    legend: Legend
    y_label: str
    rule_names: tuple[Tick, ...]
    top: float


def _above(chart: Chart, sides: _Sides, part: Panel) -> _Above:
    """Return what stands above the frame, and where the frame begins."""
    total = sides.total
    title = tuple(wrap(chart.title, total, part.title_size, bold=True))
    top = len(title) * (part.title_size + 4) + 4
    legend = Legend((), (), 0.0)
    if part.shows_legend:
        legend = legend_of((chart,), total, top, SIZE, lines=not sides.ends)
        top += legend.height + (3 if legend.height else 0)
    y_label = cut(chart.y.label, total, SIZE) if chart.y.shown and part.shows_y else ""
    beside = text_width(y_label, SIZE) + 12 if y_label else 0.0
    names = _rule_names(chart, sides, beside)
    if names is None:  # they would touch the axis's name: a row of their own
        top += LINE
        names = _rule_names(chart, sides, 0.0) or ()
    top += LINE + 3 if y_label or names or part.keeps_row else 5
    return _Above(title, legend, y_label, names, top)


def _y_ticks(axis: Axis, sides: _Sides, bottom: float) -> tuple[Tick, ...]:
    row = sides.height / max(len(axis.names), 1)
    every = max(1, math.ceil(_LEAST_ROW / row)) if axis.names else 1
    places = (bottom - axis.share(sides.y_at) * sides.height).tolist()
    return tuple(map(Tick, places, sides.y_texts, tick_texts(axis, sides.y_at)))[::every]


def _height(chart: Chart, inner: float) -> float:
    if chart.height:
        return chart.height
    rows = len(chart.y.names)
    if rows and chart.x.names and any(isinstance(mark, Tiles) for mark in chart.marks):
        return min(inner * rows / len(chart.x.names), _LARGEST_CELL * rows)
    if rows:
        return rows * (_ROW if rows <= 20 else _ROW - 6)
    least = 185.0 if chart.x.shown else 1.0
    return min(max(chart.aspect * inner, least), TALLEST if chart.x.shown else math.inf)


def _rule_names(chart: Chart, sides: _Sides, beside: float) -> tuple[Tick, ...] | None:
    """Return where the names of lines at an x begin, above the frame; None where one would stand on what is ``beside``."""
    found: list[Tick] = []
    for mark in chart.marks:
        if not isinstance(mark, Rules) or mark.across:
            continue
        for at, name in zip(mark.at, mark.names, strict=False):
            text = cut(name, sides.total, SMALL)
            wide = text_width(text, SMALL)
            middle = sides.left + float(chart.x.share(at)) * sides.inner
            start = min(max(middle - wide / 2, 0.0), sides.total - wide)
            if start < beside or any(abs(start - other.at) < wide + TICK_GAP for other in found):
                return None
            found.append(Tick(start, text, name))
    return tuple(found)


def _right_room(chart: Chart, inner: float) -> float:
    """Return what the last label below, and texts at the ends of bars, need beyond the frame."""
    if not chart.x.shown:
        return 1.0
    needs = [8.0]
    if not chart.x.names:
        at = ticks(chart.x, max(2, int(inner / 76)))
        halves = [text_width(text, SIZE) / 2 for text in tick_texts(chart.x, at)]
        needs += [
            half - (1 - share) * inner for half, share in zip(halves, chart.x.share(at).tolist(), strict=True)
        ]
    for mark in chart.marks:
        if isinstance(mark, Bars) and mark.across:
            ends = chart.x.share(np.maximum(mark.start, mark.stop)).tolist()
            needs += [
                text_width(text, SMALL) + 9 - (1 - end) * inner
                for text, end in zip(mark.texts, ends, strict=False)
            ]
    return max(needs)


def _x_ticks(axis: Axis, left: float, right: float, room: float) -> tuple[bool, tuple[Tick, ...]]:
    """Return the ticks below a plot, and whether their names are turned."""
    inner = right - left
    if axis.names:
        slot = inner / len(axis.names)
        places = (left + axis.share(ticks(axis, 0)) * inner).tolist()
        widest = max(text_width(name, SIZE) for name in axis.names)
        if widest <= slot - 6 or slot >= 64:
            texts = cut_apart(axis.names, slot - 6, SIZE)
            return False, tuple(map(Tick, places, texts, axis.names))
        every = max(1, math.ceil((SIZE + 3) / slot / math.sin(math.radians(-TURN))))
        most = min(110.0, (room + slot / 2) / math.cos(math.radians(TURN)) - 4)
        texts = cut_apart(axis.names, max(most, 24.0), SIZE)
        return True, tuple(map(Tick, places, texts, axis.names))[::every]
    most = max(2, int(inner / 60))
    while True:
        at = ticks(axis, most)
        texts = list(tick_texts(axis, at))
        places = (left + axis.share(at) * inner).tolist()
        if not _touch(places, texts) or most <= 2:
            break
        most -= 1
    if _touch(
        places, texts
    ):  # two ticks at most, or those that the data has asked for: every second, third, …
        every = next((n for n in range(1, len(at)) if not _touch(places[::n], texts[::n])), len(at))
        places, texts = places[::every], texts[::every]
    return False, tuple(map(Tick, places, texts, texts))


def _touch(places: Sequence[float], texts: Sequence[str]) -> bool:
    spans = sorted(
        (x - text_width(t, SIZE) / 2, x + text_width(t, SIZE) / 2) for x, t in zip(places, texts, strict=True)
    )
    return any(b[0] - a[1] < TICK_GAP for a, b in itertools.pairwise(spans))
