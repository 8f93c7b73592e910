"""The marks of a drawn network as SVG: edges, neurons, boxes."""

import math
from collections.abc import Iterator

import numpy as np

from chainrule.plots.colors import Color, text_on
from chainrule.plots.network.marks import Boxes, Edges, Neurons
from chainrule.plots.svg.element import Attribute, element, escaped, group, paint, path, shade
from chainrule.plots.svg.frame import Frame
from chainrule.plots.svg.marks import announced, text_at
from chainrule.plots.widths import text_width


def edges(mark: Edges, frame: Frame) -> Iterator[str]:
    """Lines, the widest last; those of negative weights are dashed."""
    x, y, x2, y2 = (
        place(values).tolist()
        for place, values in ((frame.x, mark.x), (frame.y, mark.y), (frame.x, mark.x2), (frame.y, mark.y2))
    )
    drawn: dict[Color, list[str]] = {"quiet": [], "minus": [], "plus": []}
    fans: dict[float, str] = {}
    for i in np.argsort([mark.width(i) for i in range(len(mark))], kind="stable").tolist():
        value, width = mark.values[i], mark.width(i)
        data, label = announced(mark, i, value)
        sign: Color = "quiet" if math.isnan(value) else "minus" if value < 0 else "plus"
        dash = f"{max(3.0, 2 * width):.3g} {max(2.0, 1.2 * width):.3g}" if sign == "minus" else None
        if sign == "quiet" and not data and not label:
            # Lines that only say what leads where, such as those of a block: all of a width are one path.
            fans[width] = fans.get(width, "") + path((x[i], x2[i]), (y[i], y2[i]))
            continue
        share = 0.4 if math.isnan(value) else min(1.0, abs(value) / (mark.largest or 1.0))
        drawn[sign].append(
            element(
                "path",
                label,
                d=path((x[i], x2[i]), (y[i], y2[i])),
                stroke_width=width,
                stroke_dasharray=dash,
                stroke_opacity=round(0.36 + 0.6 * share, 2),
                **data,
            )
        )
    drawn["quiet"] += [
        element("path", d=fan, stroke_width=width, stroke_opacity=0.6) for width, fan in fans.items()
    ]
    for sign, lines in drawn.items():
        yield group(lines, **paint(None, sign))


def neurons(mark: Neurons, frame: Frame) -> Iterator[str]:
    """Circles filled by value; a dead neuron is crossed out, a saturated one has a second ring."""
    made = []
    r = mark.radius
    for i, (x, y) in enumerate(zip(frame.x(mark.x).tolist(), frame.y(mark.y).tolist(), strict=True)):
        value, flag = mark.values[i], mark.flags[i] if mark.flags else ""
        data, label = announced(mark, i, value)
        ring = {k: v for k, v in paint(None, "bad" if flag else "ink").items() if k in ("class_", "stroke")}
        parts = [label]
        if flag == "saturated":
            parts.append(element("circle", cx=x, cy=y, r=r + 3.2, **paint(None, "bad"), stroke_width=1.4))
        color: Color = "ink"
        fill: dict[str, Attribute] = paint("paper")
        if not math.isnan(value):
            step = mark.step(value)
            color = text_on("diverging", step)
            fill = shade("diverging", step)
        both: dict[str, Attribute] = {
            **fill,
            **ring,
            "class_": f"{fill['class_']} {ring['class_']}",
            "stroke_width": 1.2 if r > 5 else 0.8,
        }
        if mark.square:
            side = 0.8 * r
            parts.append(
                element("rect", x=x - side, y=y - side, width=2 * side, height=2 * side, rx=2.0, **both)
            )
        else:
            parts.append(element("circle", cx=x, cy=y, r=r, **both))
        if flag == "dead":
            d = 0.62 * r
            crossed = path((x - d, x + d), (y - d, y + d)) + path((x - d, x + d), (y + d, y - d))
            parts.append(element("path", d=crossed, **paint(None, "bad"), stroke_width=1.6))
        text = mark.texts[i] if mark.texts else ""
        size = next((s for s in (11.0, 10.0, 9.0) if text_width(text, s) <= 2 * r - 3), 0.0)
        if text and size and flag != "dead":
            parts.append(text_at(text, x, y + size * 0.35, size=size, color=color))
        made.append(group(parts, **data))
    yield group(made)


def boxes(mark: Boxes, frame: Frame) -> Iterator[str]:
    """Rounded rectangles with lines of text."""
    for i, text in enumerate(mark.texts):
        (x, x2), (y, y2) = (
            frame.x([mark.x[i], mark.x2[i]]).tolist(),
            frame.y([mark.y[i], mark.y2[i]]).tolist(),
        )
        data, label = announced(mark, i)
        box = element(
            "rect",
            x=min(x, x2),
            y=min(y, y2),
            width=abs(x2 - x),
            height=abs(y2 - y),
            rx=6.0,
            **paint("paper", "quiet"),
            stroke_width=1.2,
        )
        lines = text.split("\n")
        top = (y + y2) / 2 - (len(lines) - 1) * 7.5 + 4
        texts = [
            element(
                "text",
                escaped(line),
                x=(x + x2) / 2,
                y=top + 15 * k,
                **paint("ink" if k == 0 else "quiet"),
                text_anchor="middle",
                font_size=11.0,
            )
            for k, line in enumerate(lines)
        ]
        yield group([label, box, *texts], **data)
