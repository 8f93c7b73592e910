"""A function of one number with its derivative, and the tangent at a place."""

from typing import Any

import numpy as np

from chainrule.plots.all_marks import AnyMark
from chainrule.plots.axes import fitted
from chainrule.plots.chart import Chart
from chainrule.plots.marks import Arrows, Curve, Points, floats
from chainrule.plots.ticks import short_number


def function_chart(
    x: Any,
    values: Any,
    derivatives: Any,
    *,
    name: str,
    at: tuple[float, float, float] | None = None,
    address: str = "",
    title: str = "",
) -> Chart:
    """Return a function and its derivative over x (n,); ``at`` is a place, the value and the slope there, drawn as a tangent.

    ``address`` is that of the value at the place: ``a[1][2]``.
    """
    x, values, derivatives = (np.asarray(v, np.float64) for v in (x, values, derivatives))
    x_axis, y_axis = fitted([x], "z", pad=0), fitted([values, derivatives], "", zero=True, pad=0.06)
    marks: list[AnyMark] = [
        Curve(floats(x), floats(values), "1", name),
        Curve(floats(x), floats(derivatives), "2", f"{name}′", "dashed"),
    ]
    words = f"{name} and its derivative from {short_number(x_axis.low)} to {short_number(x_axis.high)}."
    if at is not None:
        place, value, slope = (float(number) for number in at)
        reach = 0.16 * (x_axis.high - x_axis.low)
        tall = 0.3 * (y_axis.high - y_axis.low)
        reach = min(reach, tall / abs(slope)) if slope else reach
        marks += [
            Arrows(
                (place - reach,),
                (value - slope * reach,),
                (place + reach,),
                (value + slope * reach,),
                "ink",
                plain=True,
                width=1.6,
                names=("tangent",),
                values=(slope,),
            ),
            Arrows((place,), (0.0,), (place,), (value,), "quiet", plain=True, dash="dotted", width=1.0),
            Points((place,), (value,), size=4.5, addresses=(address,), values=(value,)),
            Points((place,), (slope,), "2", shape="square", size=4.5, names=(f"{name}′",), values=(slope,)),
        ]
        words += f" At {short_number(place, 4)} it is {short_number(value, 4)} and rises by {short_number(slope, 4)}."
    return Chart(title or f"{name} and its derivative", words, x_axis, y_axis, tuple(marks), legend="ends")
