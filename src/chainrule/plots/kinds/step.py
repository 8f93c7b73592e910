"""A function of one number with its tangent at a place, and the step along it."""

from typing import Any

import numpy as np

from chainrule.plots.all_marks import AnyMark
from chainrule.plots.axes import fitted
from chainrule.plots.chart import Chart
from chainrule.plots.marks import Arrows, Curve, Points, floats
from chainrule.plots.ticks import short_number

ROOM = 0.06
"""How much room the curve has above and below it, as a share of its height: the tangent may leave the frame."""


def step_chart(
    x: Any,
    values: Any,
    *,
    start: tuple[float, float],
    slope: float,
    landing: tuple[float, float],
    x_name: str,
    y_name: str = "C",
    title: str = "",
    addresses: tuple[str, str] = ("", ""),
) -> Chart:
    """Return a curve over x (n,), its tangent at ``start`` (place, value), and the step from there to ``landing``.

    The step goes along the tangent; a dotted line joins what the tangent says of the landing with the value there.
    ``addresses`` are those of the two values.
    """
    x, values = np.asarray(x, np.float64), np.asarray(values, np.float64)
    (at, value), (end, found) = start, landing
    said = value + slope * (end - at)
    x_axis = fitted([x, [at, end]], x_name, pad=0)
    y_axis = fitted([values, [value, found]], y_name, pad=ROOM)
    ends = (x_axis.low, x_axis.high)
    marks: list[AnyMark] = [
        Curve(ends, tuple(value + slope * (w - at) for w in ends), "quiet", "tangent", "dashed", 1.4),
        Curve(floats(x), floats(values), "1", y_name, width=2.4),
        Arrows((end,), (said,), (end,), (found,), "quiet", plain=True, dash="dotted", width=1.2),
        Points(
            (at,),
            (value,),
            "ink",
            "A: where it stands",
            "ring",
            5.0,
            addresses=(addresses[0],),
            values=(value,),
        ),
        Points(
            (end,),
            (found,),
            "2",
            "Z: after the step",
            "diamond",
            5.5,
            addresses=(addresses[1],),
            values=(found,),
        ),
    ]
    if at != end:
        marks.insert(
            2, Arrows((at,), (value,), (end,), (said,), "2", width=2.0, names=("step",), values=(end - at,))
        )
    numbers = [short_number(number, 4) for number in (at, value, slope, end, found, said)]
    words = "At {} {y} is {} and rises by {}; the step lands at {}, where it is {}, and the tangent says {}."
    return Chart(
        title or f"{y_name} over {x_name}",
        words.format(*numbers, y=y_name),
        x_axis,
        y_axis,
        tuple(marks),
        f"Slope {numbers[2]}; the tangent says {numbers[5]} of the landing, where {y_name} is {numbers[4]}.",
    )
