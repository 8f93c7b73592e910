"""A plot as SVG: its frame, axes, marks and legend put together; small multiples in rows."""

import math

from chainrule.plots.all_marks import AnyMark
from chainrule.plots.axes import Axis
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.colors import STEPS, Color
from chainrule.plots.marks import (
    Arrows,
    Band,
    Contours,
    Curve,
    Faces,
    Points,
    Quantiles,
    Rules,
    Tiles,
    Writing,
)
from chainrule.plots.svg.drawn import DRAWN
from chainrule.plots.svg.element import element, escaped, group, paint, path, shade, title
from chainrule.plots.svg.frame import LINE, SIZE, SMALL, TITLE_SIZE, TURN, Frame, Panel, Tick, frame_of
from chainrule.plots.svg.legend import BAR, Legend, legend_of
from chainrule.plots.svg.marks import DASHES, text_at
from chainrule.plots.svg.shapes import shape
from chainrule.plots.svg.sheet import SHEET
from chainrule.plots.widths import text_width, wrap

WIDE, NARROW = 640, 350
"""The widths that pages draw a plot at: beside a page's text, and on a telephone of 390 pixels."""
FONT = 'Helvetica, Arial, "Liberation Sans", sans-serif'
_LEAST_PANEL = 150.0
_GAP = 22.0


def to_svg(plot: Chart | Charts, width: float = WIDE, *, alone: bool = False) -> str:
    """Return a plot as an SVG element that is at most ``width`` pixels wide and shrinks with what it stands in.

    ``alone`` makes it a file or a cell of a notebook: with a description, the style sheet and a background.
    On a page its label describes it, `SHEET` stands once, and its hash in the page's policy; no style stands in the element.
    """
    body, wide, high = _panel(plot, width) if isinstance(plot, Chart) else _panels(plot, width)
    wide, high = math.ceil(wide), math.ceil(high)
    behind = [f"<style>{SHEET}</style>", element("rect", width=wide, height=high, **paint("paper"))]
    return element(
        "svg",
        title(plot.title),
        *([element("desc", escaped(plot.description)), *behind] if alone else []),
        body,
        xmlns="http://www.w3.org/2000/svg",
        class_="plot",
        viewBox=f"0 0 {wide} {high}",
        width=wide,
        height=high,
        role="img",
        aria_label=f"{plot.title}. {plot.description}",
        font_family=FONT,
        font_size=SIZE,
    )


def _panel(chart: Chart, width: float) -> tuple[str, float, float]:
    frame = frame_of(chart, width)
    return draw_frame(frame), frame.width, frame.height


def _panels(plot: Charts, width: float) -> tuple[str, float, float]:
    """Return small multiples: as many columns as have room, what is shared written once."""
    columns = max(1, min(plot.columns, len(plot.charts), int((width + _GAP) / (_LEAST_PANEL + _GAP))))
    shares_x, shares_y = plot.shared in ("x", "both"), plot.shared in ("y", "both")
    legend = legend_of(plot.charts, width, 0.0, SIZE)
    small = Panel(shows_legend=False, title_size=12.5, keeps_row=any(chart.y.label for chart in plot.charts))
    if not shares_y:
        widest = max(frame_of(chart, width / columns, small).left for chart in plot.charts)
        small = small._replace(least_left=widest)
    lead = 0.0  # what the first column needs more than the others, where only it has labels
    if shares_y and columns > 1:
        measured = [
            frame_of(plot.charts[0], width / columns, small._replace(shows_y=y)).left for y in (True, False)
        ]
        lead = measured[0] - measured[1]
    each = (width - lead - _GAP * (columns - 1)) / columns
    made, y = [], 0.0
    lines = wrap(plot.title, width, TITLE_SIZE, bold=True)
    for line in lines:
        y += TITLE_SIZE + 4
        made.append(text_at(line, 0, y - 4, anchor="start", size=TITLE_SIZE, bold=True))
    y += 8
    made.append(group([_legend(legend)], transform=f"translate(0 {y:g})"))
    y += legend.height + (8 if legend.height else 0)
    for start in range(0, len(plot.charts), columns):
        x, tallest = 0.0, 0.0
        for column, chart in enumerate(plot.charts[start : start + columns]):
            first = column == 0
            part = small._replace(
                shows_x=not shares_x or start + column + columns >= len(plot.charts),
                shows_y=not shares_y or first,
            )
            frame = frame_of(chart, each + (lead if first else 0.0), part)
            made.append(element("g", draw_frame(frame), transform=f"translate({x:.6g} {y:.6g})"))
            x += each + (lead if first else 0.0) + _GAP
            tallest = max(tallest, frame.height)
        y += tallest + 14
    for line in wrap(plot.note, width, SMALL):
        y += 4
        made.append(text_at(line, 0, y, anchor="start", size=SMALL, color="quiet"))
        y += 11
    return "".join(made), width, y


def draw_frame(frame: Frame) -> str:
    """Return all that stands in and around a plot's frame."""
    chart = frame.chart
    y = 0.0
    made = []
    for line in frame.title:
        y += frame.title_size + 4
        made.append(text_at(line, 0, y - 4, anchor="start", size=frame.title_size, bold=True))
    made.append(_legend(frame.legend))
    if frame.y_label:
        above = (
            LINE
            if frame.rule_names and frame.rule_names[0].at < text_width(frame.y_label, SIZE) + 12
            else 0.0
        )
        made.append(text_at(frame.y_label, 0, frame.top - 9 - above, anchor="start", color="quiet"))
    for name in frame.rule_names:
        made.append(
            text_at(
                name.text,
                name.at,
                frame.top - 5,
                anchor="start",
                size=SMALL,
                color="quiet",
                inside=_whole(name),
            )
        )
    made.append(_grid(frame))
    behind = [mark for mark in chart.marks if not isinstance(mark, Rules)]
    drawn = group(part for mark in behind for part in DRAWN[type(mark)](mark, frame))
    # Marks that leave the frame are cut at it, by an inner svg: it needs no name, as a clip path would.
    if chart.x.shown and _leaves(chart):
        x, top, wide, high = frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top
        box = f"{x:.6g} {top:.6g} {wide:.6g} {high:.6g}"
        drawn = element("svg", drawn, x=x, y=top, width=wide, height=high, viewBox=box, overflow="hidden")
    made.append(drawn)
    made += [part for mark in chart.marks if isinstance(mark, Rules) for part in DRAWN[Rules](mark, frame)]
    made.append(_axis_texts(frame))
    height = frame.bottom - frame.top
    for end in frame.ends:
        x = float(frame.x(end.x))
        at, from_y = frame.bottom - end.y * height, frame.bottom - end.share * height
        if abs(at - from_y) > 4:
            made.append(
                element(
                    "path", d=path((x + 2, x + 8), (from_y, at)), **paint(None, end.color), stroke_width=1.0
                )
            )
        made.append(text_at(end.text, x + 10, at + 4, anchor="start", color=end.color, bold=True))
    at = frame.height - 4 - (len(frame.note) - 1) * 15
    for k, line in enumerate(frame.note):
        made.append(text_at(line, 0, at + 15 * k, anchor="start", size=SMALL, color="quiet"))
    return "".join(made)


def _leaves(chart: Chart) -> bool:
    """Return whether a mark has numbers beyond the ends of the axes."""

    def beyond(axis: Axis, values: object) -> bool:
        low, high = sorted((axis.low, axis.high))
        room = 1e-9 * (high - low)
        return isinstance(values, tuple) and any(v < low - room or v > high + room for v in values)

    for mark in chart.marks:
        if isinstance(mark, Contours | Faces | Writing):
            continue
        along = chart.x if getattr(mark, "across", False) else chart.y
        sides = ((chart.x, ("x", "x2")), (chart.y, ("y", "y2")), (along, ("low", "high", "start", "stop")))
        if any(beyond(axis, getattr(mark, name, ())) for axis, names in sides for name in names):
            return True
    return False


def _grid(frame: Frame) -> str:
    """Return the quiet lines at the ticks, and the line that the plot stands on."""
    chart, lines = frame.chart, []
    if chart.y.grid:
        lines += [path((frame.left, frame.right), (tick.at, tick.at)) for tick in frame.y_ticks]
    if chart.x.grid:
        lines += [path((tick.at, tick.at), (frame.top, frame.bottom)) for tick in frame.x_ticks]
    made = [element("path", d="".join(lines), **paint(None, "line"), stroke_width=1.0)] if lines else []
    if chart.x.shown and not any(isinstance(mark, Tiles) for mark in chart.marks):
        ends = (frame.left, frame.left) if chart.y.names else (frame.left, frame.right)
        base = path(ends, (frame.top if chart.y.names else frame.bottom, frame.bottom))
        made.append(element("path", d=base, **paint(None, "quiet"), stroke_width=1.0))
    return "".join(made)


def _axis_texts(frame: Frame) -> str:
    made = []
    for tick in (tick for tick in frame.y_ticks if tick.text):
        made.append(_tick_text(tick, frame.left - 7, tick.at + 4, "end"))
    for tick in (tick for tick in frame.x_ticks if tick.text):
        if frame.turned:
            y = frame.bottom + 13
            turned = element(
                "text",
                _whole(tick),
                escaped(tick.text),
                x=tick.at + 4,
                y=y,
                **paint("quiet"),
                text_anchor="end",
                transform=f"rotate({TURN:g} {tick.at + 4:.6g} {y:.6g})",
            )
            made.append(turned)
        else:
            made.append(_tick_text(tick, tick.at, frame.bottom + LINE, "middle"))
    if frame.x_label:
        longest = max((text_width(tick.text, SIZE) for tick in frame.x_ticks), default=0.0)
        below = 20 + longest * math.sin(math.radians(-TURN)) + LINE if frame.turned else 2 * LINE + 3
        half = text_width(frame.x_label, SIZE) / 2
        middle = min(max((frame.left + frame.right) / 2, half), frame.width - half)
        made.append(text_at(frame.x_label, middle, frame.bottom + below, color="quiet"))
    return "".join(made)


def _tick_text(tick: Tick, x: float, y: float, anchor: str) -> str:
    return text_at(tick.text, x, y, anchor=anchor, color="quiet", inside=_whole(tick))


def _whole(tick: Tick) -> str:
    return title(tick.whole) if tick.whole != tick.text else ""


def _legend(legend: Legend) -> str:
    made = []
    for entry in legend.entries:
        made.append(_key(entry.mark, entry.x, entry.y + 8))
        whole = title(entry.whole) if entry.whole != entry.text else ""
        made.append(text_at(entry.text, entry.x + 24, entry.y + 12, anchor="start", inside=whole))
    for scale in legend.ramps:
        x, y = scale.x, scale.y
        made.append(text_at(scale.text, x, y + 12, anchor="start"))
        x += text_width(scale.text, SIZE) + 10
        made.append(text_at(scale.low, x, y + 12, anchor="start", color="quiet"))
        x += text_width(scale.low, SIZE) + 5
        each, mark = BAR / STEPS, scale.mark
        steps = [mark.step(mark.low + (mark.high - mark.low) * i / (STEPS - 1)) for i in range(STEPS)]
        made.append(
            group(
                element(
                    "rect", x=x + i * each, y=y + 3, width=each + 0.3, height=10.0, **shade(mark.ramp, step)
                )
                for i, step in enumerate(steps)
            )
        )
        made.append(text_at(scale.high, x + BAR + 5, y + 12, anchor="start", color="quiet"))
    return "".join(made)


def _key(mark: AnyMark, x: float, y: float) -> str:
    """Return the short line, dot or square before a name in a legend."""
    color: Color = getattr(mark, "color", "ink")
    if isinstance(mark, Curve | Contours | Arrows):
        dash = None if isinstance(mark, Contours) else DASHES[mark.dash]
        line = path((x, x + 18), (y, y))
        return element("path", d=line, **paint(None, color), stroke_width=mark.width, stroke_dasharray=dash)
    if isinstance(mark, Points):
        hollow = mark.shape in ("ring", "cross")
        fill: Color | None = "paper" if mark.shape == "ring" else None if hollow else color
        colors = paint(fill, color if hollow else None)
        return group([shape(mark.shape, x + 10, y, 4.5)], **colors, stroke_width=1.6 if hollow else None)
    opacity = 0.28 if isinstance(mark, Band | Quantiles) else None
    return element(
        "rect", x=x + 3, y=y - 6, width=13.0, height=12.0, rx=2.0, **paint(color), fill_opacity=opacity
    )
