"""Bars, intervals and boxes of quantiles as SVG."""

import math
from collections.abc import Iterator

from chainrule._numbers import number_text
from chainrule.plots.marks import Bars, Intervals, Quantiles
from chainrule.plots.svg.element import Attribute, element, escaped, exact, group, paint, path, title
from chainrule.plots.svg.frame import Frame
from chainrule.plots.svg.marks import announced, named_by
from chainrule.plots.widths import text_width


def bars(mark: Bars, frame: Frame) -> Iterator[str]:
    """Bars, and texts at their ends."""
    half = mark.width / 2
    along, beside = (frame.x, frame.y) if mark.across else (frame.y, frame.x)
    start, stop = along(mark.start).tolist(), along(mark.stop).tolist()
    places = [sorted(beside([at - half, at + half]).tolist()) for at in mark.at]
    rects, words = [], []
    for i, (low, high) in enumerate(places):
        if not (math.isfinite(start[i]) and math.isfinite(stop[i])):
            continue
        color = mark.colors[i] if mark.colors else mark.color
        near, far = sorted((start[i], stop[i]))
        data, label = announced(mark, i, mark.stop[i])
        where = (near, low, far - near, high - low) if mark.across else (low, near, high - low, far - near)
        rects.append(element("rect", label, **_sides(where), **paint(color), **data))
        if mark.texts and mark.texts[i]:
            words.append(_end_text(mark, i, start[i], stop[i], (low + high) / 2, high - low, frame))
    yield group(rects)
    yield group(words, font_size=11.0)


def _sides(where: tuple[float, float, float, float]) -> dict[str, Attribute]:
    return dict(zip(("x", "y", "width", "height"), where, strict=True))


def _end_text(
    mark: Bars, item: int, start: float, stop: float, middle: float, room: float, frame: Frame
) -> str:
    """Return the text at a bar's end."""
    text = mark.texts[item]
    wide = text_width(text, 11)
    if not mark.across:
        if wide > room + 8:
            return ""
        y = stop - 4 if stop <= start else stop + 13
        return element("text", escaped(text), x=middle, y=y, text_anchor="middle", **paint("ink"))
    side = 1 if stop > start or (stop == start and mark.stop[item] >= mark.start[item]) else -1
    if side < 0 and stop - wide - 8 < frame.left:  # over the names of the axis: on the other side of the bar
        side, stop = 1, start
    anchor = "start" if side > 0 else "end"
    return element("text", escaped(text), x=stop + 5 * side, y=middle + 4, text_anchor=anchor, **paint("ink"))


def intervals(mark: Intervals, frame: Frame) -> Iterator[str]:
    """Lines with short bars at their ends."""
    along, beside = (frame.x, frame.y) if mark.across else (frame.y, frame.x)
    made = []
    for i, (low, high, at) in enumerate(
        zip(along(mark.low).tolist(), along(mark.high).tolist(), beside(mark.at).tolist(), strict=True)
    ):
        if not (math.isfinite(low) and math.isfinite(high)):
            continue
        lines = [
            ((low, at), (high, at)),
            ((low, at - 3.5), (low, at + 3.5)),
            ((high, at - 3.5), (high, at + 3.5)),
        ]
        d = "".join(
            path(*zip(*((p if mark.across else p[::-1]) for p in line), strict=True)) for line in lines
        )
        data, _ = announced(mark, i)
        ends = f"{number_text(mark.low[i])} to {number_text(mark.high[i])}"
        label = title(": ".join(filter(None, (named_by(mark, i), ends))))
        made.append(
            element("path", label, d=d, **data, data_low=exact(mark.low[i]), data_high=exact(mark.high[i]))
        )
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
        where = (
            (near, side, far - near, other - side) if mark.across else (side, near, other - side, far - near)
        )
        box = element("rect", **_sides(where), fill_opacity=0.28, stroke_width=1.2)
        # On an axis that runs the other way, low is at the far end.
        ends = (near, far) if low <= high else (far, near)
        whiskers = element("path", d=line(low, center, ends[0], center) + line(high, center, ends[1], center))
        middle = element("path", d=line(median, side, median, other), stroke_width=2.6)
        data, label = announced(mark, i, mark.median[i])
        made.append(group([label, whiskers, box, middle], **data))
    yield group(made, **paint(mark.color, mark.color), stroke_width=1.2)
