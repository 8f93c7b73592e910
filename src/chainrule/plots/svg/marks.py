"""Marks as SVG, one function a kind: points, lines, areas, rules, texts, arrows; and what all kinds have.

Items carry ``data-address`` and ``data-value`` (all digits), and a title that a pointer shows.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule._numbers import number_text
from chainrule.plots.marks import Arrows, Band, Curve, Dash, Points, Rules, Writing
from chainrule.plots.svg.element import Attribute, element, escaped, exact, group, paint, path, title
from chainrule.plots.svg.frame import Frame
from chainrule.plots.svg.shapes import shape
from chainrule.plots.widths import text_width

MOST_TITLES = 150
"""Marks of more items have no titles: their addresses and values are enough for a page with a script."""
MOST_HITS = 120
"""Curves of at most so many points have a spot at each that tells its numbers."""
DASHES: dict[Dash, str | None] = {"solid": None, "dashed": "6 4", "dotted": "1.5 3.5"}


def announced(mark: Any, item: int, value: float | None = None) -> tuple[dict[str, Attribute], str]:
    """Return an item's data attributes, and its title: its name (or address, or series) and its value."""
    value = mark.values[item] if getattr(mark, "values", ()) else value
    addresses, _names = getattr(mark, "addresses", ()), getattr(mark, "names", ())
    data: dict[str, Attribute] = {}
    if addresses and addresses[item]:
        data["data_address"] = addresses[item]
    if value is not None and not math.isnan(value):
        data["data_value"] = exact(value)
    if len(mark) > MOST_TITLES:
        return data, ""
    name = named_by(mark, item)
    shown = "" if value is None or math.isnan(value) else number_text(value)
    return data, title(": ".join(filter(None, (name, shown))))


def named_by(mark: Any, item: int) -> str:
    """Return what an item is called: by its name, its address, or its series."""
    for field in ("names", "addresses"):
        found: tuple[str, ...] = getattr(mark, field, ())
        if found and found[item]:
            return found[item]
    return str(getattr(mark, "series", ""))


def points(mark: Points, frame: Frame) -> Iterator[str]:
    """Dots."""
    x, y = frame.x(mark.x).tolist(), frame.y(mark.y).tolist()
    radii = mark.radii()
    hollow = mark.shape in ("ring", "cross")
    colors = paint(
        "paper" if mark.shape == "ring" else None if hollow else mark.color, mark.color if hollow else "paper"
    )
    made = []
    for i in np.argsort([-radius for radius in radii], kind="stable").tolist():
        if not (math.isfinite(x[i]) and math.isfinite(y[i])):
            continue
        data, label = announced(mark, i, float(mark.counts[i]) if mark.counts else mark.y[i])
        if label and not mark.counts and not mark.values:
            label = title(_point_text(mark, i, frame))
        made.append(shape(mark.shape, x[i], y[i], radii[i], label, data))
    opacity = 0.85 if len(mark) > 60 else None
    width = 1.6 if hollow else 0.0 if mark.counts else 0.6
    yield group(made, **colors, stroke_width=width, fill_opacity=opacity)


def _point_text(mark: Points | Curve, item: int, frame: Frame) -> str:
    name = named_by(mark, item)
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
    line = element(
        "path",
        title(mark.series),
        d=path(frame.x(x).tolist(), frame.y(y).tolist()),
        **paint(None, mark.color),
        stroke_width=mark.width,
        stroke_dasharray=DASHES[mark.dash],
        stroke_linejoin="round",
        stroke_linecap="round",
        stroke_opacity=0.45 if mark.faint else None,
        data_address=mark.address or None,
    )
    yield line
    if len(mark) > MOST_HITS:
        return
    spots = []
    for i, (a, b) in enumerate(zip(frame.x(mark.x).tolist(), frame.y(mark.y).tolist(), strict=True)):
        if math.isfinite(a) and math.isfinite(b):
            data, _ = announced(mark, i, mark.y[i])
            spots.append(element("circle", title(_point_text(mark, i, frame)), cx=a, cy=b, r=5.0, **data))
    yield group(spots, fill_opacity=0.0)


def band(mark: Band, frame: Frame) -> Iterator[str]:
    """An area."""
    x = frame.x(mark.x).tolist()
    low, high = frame.y(mark.low).tolist(), frame.y(mark.high).tolist()
    around = path([*x, *reversed(x)], [*high, *reversed(low)], closed=True)
    whole = mark.address or None
    yield element(
        "path", title(mark.series), d=around, **paint(mark.color), fill_opacity=0.2, data_address=whole
    )


def rules(mark: Rules, frame: Frame) -> Iterator[str]:
    """Lines from side to side; the names of those at an x stand above the frame."""
    for i, at in enumerate((frame.y if mark.across else frame.x)(mark.at).tolist()):
        ends = ((frame.left, frame.right), (at, at)) if mark.across else ((at, at), (frame.top, frame.bottom))
        data, label = announced(mark, i, mark.at[i])
        dash = DASHES[mark.dash]
        yield element(
            "path",
            label,
            d=path(*ends),
            **paint(None, mark.color),
            stroke_width=1.2,
            stroke_dasharray=dash,
            **data,
        )
        if mark.across and mark.names and mark.names[i]:
            y = at - 5 if at - frame.top > 16 else at + 13
            yield text_at(
                mark.names[i], frame.left + 6, y, anchor="start", size=11.0, color=mark.color, halo=True
            )


def writing(mark: Writing, frame: Frame) -> Iterator[str]:
    """Texts."""
    x, y = (frame.x(mark.x) + mark.dx).tolist(), (frame.y(mark.y) + mark.dy).tolist()
    for i, text in enumerate(mark.texts):
        data, label = announced(mark, i)
        if mark.plate:
            wide, tall = text_width(text, mark.size, bold=mark.bold) + 3, mark.size + 2
            left = x[i] - wide * {"start": 0.0, "middle": 0.5, "end": 1.0}[mark.anchor]
            yield element(
                "rect",
                x=left,
                y=y[i] - tall / 2,
                width=wide,
                height=tall,
                rx=3.0,
                **paint("paper"),
                fill_opacity=0.92,
            )
        yield text_at(
            text,
            x[i],
            y[i] + mark.size * 0.35,
            anchor=mark.anchor,
            size=mark.size,
            color=mark.color,
            bold=mark.bold,
            inside=label,
            data=data,
        )


def text_at(
    text: str,
    x: float,
    y: float,
    *,
    anchor: str = "middle",
    size: float = 12.0,
    color: Any = "ink",
    halo: bool = False,
    bold: bool = False,
    inside: str = "",
    data: dict[str, Attribute] | None = None,
) -> str:
    """Return a line of text whose baseline is at y; ``halo`` is a rim of paper that keeps it apart from what it stands on."""
    rim = paint(color, "paper") | {"stroke_width": 3.0, "stroke_linejoin": "round", "paint_order": "stroke"}
    return element(
        "text",
        inside,
        escaped(text),
        x=x,
        y=y,
        text_anchor=None if anchor == "start" else anchor,
        font_size=None if size == 12 else size,
        font_weight="600" if bold else None,
        **(rim if halo else paint(color)),
        **(data or {}),
    )


def arrows(mark: Arrows, frame: Frame) -> Iterator[str]:
    """Lines with heads."""
    made = []
    starts = zip(frame.x(mark.x).tolist(), frame.y(mark.y).tolist(), strict=True)
    ends = zip(frame.x(mark.x2).tolist(), frame.y(mark.y2).tolist(), strict=True)
    for i, ((x, y), (x2, y2)) in enumerate(zip(starts, ends, strict=True)):
        data, label = announced(mark, i)
        d = path((x, x2), (y, y2))
        length = math.hypot(x2 - x, y2 - y)
        if not math.isfinite(length):
            continue
        if not mark.plain and length > 0.5:
            size = min(6.0, length)
            a, b = (x2 - x) / length * size, (y2 - y) / length * size
            d += path((x2 - a - b / 2, x2, x2 - a + b / 2), (y2 - b + a / 2, y2, y2 - b - a / 2))
        made.append(element("path", label, d=d, **data))
    yield group(
        made,
        **paint(None, mark.color),
        stroke_width=mark.width,
        stroke_dasharray=DASHES[mark.dash],
        stroke_linecap="round",
        stroke_linejoin="round",
    )
