"""A plot as lines of signs: what of it can be seen without colors and pixels."""

from collections.abc import Iterator, Sequence

import numpy as np

from chainrule.plots.axes import Axis
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.marks import Bars, Curve, Points, Quantiles, Rules, Tiles
from chainrule.plots.signs.canvas import Canvas
from chainrule.plots.ticks import short_number, tick_texts, ticks

WIDTH, HEIGHT = 76, 14
"""The signs across a picture with its axes, and the rows of its canvas, if not told otherwise."""

BAR, SHADES = "█▇", " ░▒▓█"
ASCII_BAR, ASCII_SHADES = "#", " .:*#"
LINES = "*+ox%@"
"""What the lines of a picture are made of in ASCII."""

MOST_SERIES = 6


def sign_lines(
    plot: Chart | Charts, width: int = WIDTH, height: int = HEIGHT, *, ascii_only: bool = False
) -> tuple[str, ...]:
    r"""Return a plot as lines of at most ``width`` signs, small multiples below each other; nothing where signs can't show it.

    ``height`` is that of the canvas of curves and cells, in rows; bars have a row each. With ``ascii_only`` no sign is beyond
    ASCII but those of the plot's own words.

    >>> from chainrule.plots.kinds.scores import importance_chart
    >>> print(*sign_lines(importance_chart(["length", "sex"], [0.5, 0.25]), 40, ascii_only=True), sep="\n")
    length ########################### 0.5
       sex ############# 0.25
           0.0                      0.5
             loss added when shuffled
    """
    if isinstance(plot, Charts):
        parts = [(one.title, sign_lines(one, width, height, ascii_only=ascii_only)) for one in plot.charts]
        return tuple(line for title, lines in parts if lines for line in ("", title, *lines))[1:]
    if plot.y.names and any(isinstance(mark, Bars | Quantiles) for mark in plot.marks):
        return tuple(line.rstrip() for line in _rows(plot, width, ascii_only))
    if plot.x.names or plot.y.names or not plot.x.shown:
        return ()
    if any(isinstance(mark, Curve | Points | Tiles) for mark in plot.marks):
        return tuple(line.rstrip() for line in _canvas(plot, width, height, ascii_only))
    return ()


# ---- names with bars


def _rows(chart: Chart, width: int, ascii_only: bool) -> Iterator[str]:
    """Yield a row for each name, with its bar or its box."""
    first = min(max(map(len, chart.y.names)), width // 3)
    texts = {
        round(at): text
        for mark in chart.marks
        if isinstance(mark, Bars)
        for at, text in zip(mark.at, mark.texts or map(short_number, mark.values or mark.stop), strict=True)
    }
    last = max((len(text) + 1 for text in texts.values()), default=0)
    room = max(8, width - first - 1 - last)
    for place, name in enumerate(chart.y.names):
        row = [" "] * room
        for mark in chart.marks:
            if isinstance(mark, Bars):
                _bar(chart.x, mark, place, row, ascii_only)
            elif isinstance(mark, Quantiles):
                _box(chart.x, mark, place, row, ascii_only)
        bar = "".join(row).rstrip() if place in texts else "".join(row)
        yield f"{_cut(name, first):>{first}} {bar} {texts.get(place, '')}"
    yield from _below(chart.x, first + 1, room)


def _span(axis: Axis, low: float, high: float, room: int) -> tuple[int, int]:
    ends = np.clip(axis.share([low, high]), 0, 1) * room
    first, last = sorted(round(float(end)) for end in ends)
    return min(first, room - 1), max(last, first + 1)


def _bar(axis: Axis, mark: Bars, place: int, row: list[str], ascii_only: bool) -> None:
    for at, start, stop in zip(mark.at, mark.start, mark.stop, strict=True):
        if round(at) == place and start != stop:
            first, last = _span(axis, start, stop, len(row))
            sign = (ASCII_BAR if ascii_only else BAR[0]) if stop >= start else ("-" if ascii_only else "░")
            row[first:last] = [sign] * (last - first)


def _box(axis: Axis, mark: Quantiles, place: int, row: list[str], ascii_only: bool) -> None:
    """Write the line from low to high, the box of the middle half, the median."""
    line, box, middle = "-=|" if ascii_only else "─▒█"
    columns = zip(mark.at, mark.low, mark.first, mark.median, mark.third, mark.high, strict=True)
    for at, low, first, median, third, high in columns:
        if round(at) == place:
            for sign, ends in ((line, (low, high)), (box, (first, third)), (middle, (median, median))):
                start, stop = _span(axis, *ends, len(row))
                row[start:stop] = [sign] * (stop - start)


# ---- curves and cells


def _canvas(chart: Chart, width: int, height: int, ascii_only: bool) -> Iterator[str]:
    y_ticks = ticks(chart.y, max(2, height // 3))
    labels = dict(
        zip((_row(chart.y, at, height) for at in y_ticks), tick_texts(chart.y, y_ticks), strict=True)
    )
    first = max(map(len, labels.values()), default=0)
    named = _named(chart)
    last = max((len(mark.series) + 1 for mark in named), default=0) if chart.legend == "ends" else 0
    room = max(12, width - first - 2 - last)
    canvas = Canvas(room, height, ascii_only=ascii_only)
    legend = list(_cells(canvas, chart, ascii_only))
    for mark in chart.marks:
        if isinstance(mark, Rules):
            _rule(canvas, chart, mark, ascii_only)
    curves = [mark for mark in chart.marks if isinstance(mark, Curve) and not _is_rug(mark)]
    for place, mark in enumerate(sorted(curves, key=lambda mark: not mark.faint)):
        x, y = (axis.share(side) for axis, side in zip((chart.x, chart.y), mark.corners(), strict=True))
        sign = LINES[place % len(LINES)]
        if mark.faint:
            sign = "." if ascii_only else "·"
            canvas.faint(x, y, sign)
        else:
            canvas.line(x, y, mark.dash, sign)
        if mark.series and (ascii_only or not last):
            legend.append(f"{sign if ascii_only or mark.faint else _DASHES[mark.dash]} {mark.series}")
    legend += _dots(canvas, chart)
    ends = _ends(chart, named, height) if last else {}
    bar = "|" if ascii_only else "│"
    if chart.y.label:
        yield f"{'':{first + 2}}{chart.y.label}"
    for row, line in enumerate(canvas.lines()):
        yield f"{labels.get(row, ''):>{first}} {bar}{line} {ends.get(row, '')}"
    yield f"{'':{first + 1}}{'+' if ascii_only else '└'}{('-' if ascii_only else '─') * room}"
    yield from _below(chart.x, first + 2, room)
    line = ""
    for part in dict.fromkeys(legend):
        if line and len(line) + len(part) > room:
            yield " " * (first + 2) + line
            line = ""
        line += f"{part}   "
    if line:
        yield " " * (first + 2) + line


_DASHES = {"solid": "──", "dashed": "╌╌", "dotted": "··"}


def _is_rug(mark: Curve) -> bool:
    """Return whether it is short lines at a column's values, which signs can't tell from a curve."""
    return mark.color == "quiet" and mark.dash == "solid" and not mark.series


def _named(chart: Chart) -> list[Curve]:
    return [mark for mark in chart.marks if isinstance(mark, Curve) and mark.series and not mark.faint][
        :MOST_SERIES
    ]


def _row(axis: Axis, value: float, height: int) -> int:
    share = min(max(float(axis.share(value)), 0.0), 1.0)
    return height - 1 - min(int(share * height), height - 1)


def _ends(chart: Chart, named: Sequence[Curve], height: int) -> dict[int, str]:
    """Return the names of lines at the rows where they end, each at a row of its own."""
    found: dict[int, str] = {}
    for mark in named:
        known = [value for value in mark.y if np.isfinite(value)]
        if not known:
            continue
        wanted = _row(chart.y, known[-1], height)
        free = sorted((row for row in range(height) if row not in found), key=lambda row: abs(row - wanted))
        if free:
            found[free[0]] = mark.series
    return found


def _cells(canvas: Canvas, chart: Chart, ascii_only: bool) -> Iterator[str]:
    """Fill the canvas with the shades of cells: classes have one each, amounts the more the darker; yield what they mean."""
    tiles = [mark for mark in chart.marks if isinstance(mark, Tiles)]
    shades = ASCII_SHADES if ascii_only else SHADES
    names = [mark.series for mark in chart.marks if isinstance(mark, Points) and mark.series]
    classes = len(tiles) > 1
    for place, mark in enumerate(tiles):
        grid = np.reshape(mark.shown, (len(mark.y) - 1, len(mark.x) - 1))
        edges = [np.asarray(side, np.float64) for side in (mark.x, mark.y)]
        for row in range(canvas.rows):
            for column in range(canvas.columns):
                at = (column + 0.5) / canvas.columns, (row + 0.5) / canvas.rows
                where = [float(axis.value(share)) for axis, share in zip((chart.x, chart.y), at, strict=True)]
                i, j = (
                    int(np.searchsorted(side, v, "right")) - 1 for side, v in zip(edges, where, strict=True)
                )
                if not (0 <= j < grid.shape[0] and 0 <= i < grid.shape[1]) or np.isnan(grid[j, i]):
                    continue
                share = (grid[j, i] - mark.low) / (mark.high - mark.low or 1.0)
                shade = place % len(shades) if classes else min(int(share * len(shades)), len(shades) - 1)
                canvas.sign(*at, shades[max(shade, 0)])
        if classes and place < len(names):
            yield f"[{shades[place % len(shades)]}] {names[place]}"
    if tiles and not classes:
        mark = tiles[0]
        low, high = mark.ends or (f"{mark.low:g}", f"{mark.high:g}")
        yield f"{mark.legend or 'value'}: {low} [{shades}] {high}"


def _dots(canvas: Canvas, chart: Chart) -> Iterator[str]:
    """Write a letter for each point, a series' own; yield what the letters mean."""
    for place, mark in enumerate(mark for mark in chart.marks if isinstance(mark, Points)):
        letter = chr(ord("A") + place) if mark.series else "o"
        shares = zip(chart.x.share(mark.x).tolist(), chart.y.share(mark.y).tolist(), strict=True)
        for x, y in shares:
            canvas.sign(x, y, letter)
        if mark.series:
            yield f"{letter} {mark.series}"


def _rule(canvas: Canvas, chart: Chart, mark: Rules, ascii_only: bool) -> None:
    axis = chart.y if mark.across else chart.x
    for at in mark.at:
        share = float(axis.share(at))
        for place in range(canvas.columns if mark.across else canvas.rows):
            along = (place + 0.5) / (canvas.columns if mark.across else canvas.rows)
            sign = ("-" if mark.across else ":") if ascii_only else ("╌" if mark.across else "┊")
            canvas.sign(*((along, share) if mark.across else (share, along)), sign)


def _below(axis: Axis, left: int, room: int) -> Iterator[str]:
    """Yield the ticks' texts below an axis, and its label."""
    at = ticks(axis, max(2, room // 12))
    row = [" "] * (left + room + 8)
    free = 0
    for share, text in zip(axis.share(at).tolist(), tick_texts(axis, at), strict=True):
        start = min(max(left + round(share * (room - 1)) - len(text) // 2, left), left + room - len(text))
        if start >= free and start + len(text) <= len(row):
            row[start : start + len(text)] = text
            free = start + len(text) + 1
    yield "".join(row)
    if axis.label:
        yield " " * max(left, left + (room - len(axis.label)) // 2) + axis.label


def _cut(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
