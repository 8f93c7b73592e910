"""Curves over the epochs: losses, metrics, rates, norms, with bands and the best epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.plots.all_marks import AnyMark
from chainrule.plots.axes import fitted
from chainrule.plots.bins import thinned
from chainrule.plots.chart import Chart
from chainrule.plots.marks import PALETTE, Band, Curve, Points, Rules, floats, line_style, nth
from chainrule.plots.ticks import count_text, short_number


def curves_chart(
    series: Mapping[str, Any],
    *,
    x: Sequence[float] | None = None,
    bands: Mapping[str, tuple[Any, Any]] | None = None,
    best: float | None = None,
    title: str = "Loss by epoch",
    x_label: str = "epoch",
    y_label: str = "loss",
    log: bool | None = None,
    addresses: Mapping[str, str] | None = None,
) -> Chart:
    """Return several curves (n,) by name over the same x (the epochs 1 to n, unless given).

    ``bands`` are the lowest and highest of the folds or members by the name of their series; ``best`` is the x to mark. ``log``
    makes y logarithmic; None does so where all is positive and spans more than two powers of ten. ``addresses`` name the series
    as a trace does (``C``).
    """
    given = {name: np.asarray(values, np.float64) for name, values in series.items()}
    length = max((len(values) for values in given.values()), default=0)
    at = np.arange(1, length + 1, dtype=np.float64) if x is None else np.asarray(x, np.float64)
    areas = {name: tuple(np.asarray(end, np.float64) for end in ends) for name, ends in (bands or {}).items()}
    every = [*given.values(), *(end for ends in areas.values() for end in ends)]
    joined = np.concatenate(every) if every else np.ones(1)
    joined = joined[np.isfinite(joined)]
    if log is None:
        log = bool(len(joined) and joined.min() > 0 and joined.max() > 100 * joined.min())
    y_axis = fitted(every, y_label, scale="log" if log else "linear", zero=False)
    x_axis = fitted([at], x_label, pad=0, whole=x is None)
    marks: list[AnyMark] = []
    for i, (name, (low, high)) in enumerate(areas.items()):
        i = list(given).index(name) if name in given else i
        marks.append(Band(floats(at[: len(low)]), floats(low), floats(high), nth(PALETTE, i)))
    left_out = 0
    for i, (name, values) in enumerate(given.items()):
        xs, ys = thinned(at[: len(values)], values)
        left_out += len(values) - len(xs)
        address = (addresses or {}).get(name, "")
        color, dash = line_style(i)
        marks.append(Curve(floats(xs), floats(ys), color, name, dash, address=address))
    if best is not None:
        marks.append(
            Rules(
                (float(best),),
                names=(f"best: {short_number(best, 6).rstrip('0').rstrip('.') if best % 1 else int(best)}",),
            )
        )
        where = [
            (float(v[at[: len(v)] == best][0]), i)
            for i, v in enumerate(given.values())
            if best in at[: len(v)]
        ]
        marks += [Points((float(best),), (value,), nth(PALETTE, i), size=4.5) for value, i in where]
    last = ", ".join(f"{name} ends at {short_number(v[-1], 4)}" for name, v in given.items() if len(v))
    note = (
        f"{count_text(left_out)} points between the ends, lows and highs of short stretches are not drawn."
        if left_out
        else ""
    )
    return Chart(
        title, f"{y_label} over {x_label}: {last}.", x_axis, y_axis, tuple(marks), note, legend="ends"
    )
