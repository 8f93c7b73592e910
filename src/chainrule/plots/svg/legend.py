"""What series and colors are called: above a plot, in rows that never cover data, or beside the ends of its lines."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from chainrule.plots.all_marks import AnyMark
from chainrule.plots.chart import Chart
from chainrule.plots.colors import Color
from chainrule.plots.marks import Curve, Faces, Tiles
from chainrule.plots.ticks import short_number
from chainrule.plots.widths import cut, text_width

KEY = 20.0
"""The width of a key: the short line, dot or square before its name."""
ROW = 19.0
BAR = 96.0
"""The width of a ramp's legend."""


class LegendEntry(NamedTuple):
    """A series in a legend: the mark it is drawn like, its name, and where its row begins, in pixels."""

    mark: AnyMark
    text: str
    whole: str
    x: float
    y: float


class RampEntry(NamedTuple):
    """A ramp in a legend: the mark it is for, what it shows, the texts at its ends, and where it begins."""

    mark: Tiles | Faces
    text: str
    low: str
    high: str
    x: float
    y: float


class Legend(NamedTuple):
    """All entries, and the height of their rows."""

    entries: tuple[LegendEntry, ...]
    ramps: tuple[RampEntry, ...]
    height: float


class LineEnd(NamedTuple):
    """A name beside the end of a line: where the line ends, and where the name stands, as shares of the frame from below."""

    text: str
    color: Color
    share: float
    x: float
    y: float


def legend_of(
    charts: Sequence[Chart], width: float, top: float, size: float, *, lines: bool = True
) -> Legend:
    """Return the legend of plots; ``lines`` says whether curves are among what it names."""
    keys: dict[str, AnyMark] = {}
    ramps: dict[str, Tiles | Faces] = {}
    for chart in charts:
        if chart.legend == "none":
            continue
        for mark in chart.marks:
            series = getattr(mark, "series", "")
            if series and (lines or not isinstance(mark, Curve)) and not _is_named(chart, series, lines):
                keys.setdefault(series, mark)
            if isinstance(mark, Tiles | Faces) and mark.legend:
                ramps.setdefault(mark.legend, mark)
    x, y = 0.0, top
    entries, made = [], []
    for series, mark in keys.items():
        text = cut(series, width - KEY - 8, size)
        wide = KEY + text_width(text, size) + 18
        if x and x + wide - 18 > width:
            x, y = 0.0, y + ROW
        entries.append(LegendEntry(mark, text, series, x, y))
        x += wide
    for text, mark in ramps.items():
        low, high = mark.ends or (short_number(mark.low), short_number(mark.high))
        wide = sum(text_width(t, size) for t in (text, low, high)) + BAR + 18
        if x and x + wide > width:
            x, y = 0.0, y + ROW
        short = cut(text, width - wide + text_width(text, size) - 4, size)
        made.append(RampEntry(mark, short, low, high, x, y))
        x += wide + 18
    return Legend(tuple(entries), tuple(made), y + ROW - top if entries or made else 0.0)


def _is_named(chart: Chart, series: str, lines: bool) -> bool:
    """Return whether a series is named at the end of a line already."""
    return not lines and any(isinstance(mark, Curve) and mark.series == series for mark in chart.marks)


def line_ends(chart: Chart, height: float, most: float, size: float) -> tuple[LineEnd, ...]:
    """Return the names beside the ends of a plot's curves, moved apart; none if they can't stand there.

    They can where each curve ends in the last fifth, there are at most six, and the names are at most ``most`` pixels wide.
    """
    found: list[LineEnd] = []
    for mark in chart.marks:
        if not isinstance(mark, Curve) or not mark.series or any(end.text == mark.series for end in found):
            continue
        known = [i for i, value in enumerate(mark.y) if math.isfinite(value) and math.isfinite(mark.x[i])]
        if not known or float(chart.x.share(mark.x[known[-1]])) < 0.8 or text_width(mark.series, size) > most:
            return ()
        x, share = mark.x[known[-1]], float(np.clip(chart.y.share(mark.y[known[-1]]), 0, 1))
        found.append(LineEnd(mark.series, mark.color, share, x, share))
    if len(found) > 6 or len(found) * (size + 3) > height:
        return ()
    return _apart(found, (size + 3) / height)


def _apart(ends: Sequence[LineEnd], least: float) -> tuple[LineEnd, ...]:
    """Return the names moved so that they stand ``least`` apart, each as near to its line as that lets it."""
    ordered = sorted(ends, key=lambda end: end.share)
    groups: list[list[int]] = []

    def middle(group: list[int]) -> float:
        wanted = [ordered[i].share - (k - (len(group) - 1) / 2) * least for k, i in enumerate(group)]
        half = (len(group) - 1) / 2 * least
        return min(max(sum(wanted) / len(wanted), half), 1 - half)

    for i in range(len(ordered)):
        groups.append([i])
        while len(groups) > 1:
            upper, lower = groups[-1], groups[-2]
            if middle(upper) - middle(lower) >= ((len(upper) + len(lower)) / 2) * least - 1e-12:
                break
            groups[-2:] = [lower + upper]
    made = []
    for group in groups:
        start = middle(group) - (len(group) - 1) / 2 * least
        made += [ordered[i]._replace(y=start + k * least) for k, i in enumerate(group)]
    return tuple(made)
