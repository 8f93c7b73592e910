"""What columns do to a prediction: attributions as a waterfall, partial dependence, interactions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.plots.all_marks import AnyMark
from chainrule.plots.axes import fitted, names_axis
from chainrule.plots.chart import Chart
from chainrule.plots.colors import Color
from chainrule.plots.kinds.rows import same_length
from chainrule.plots.marks import Bars, Curve, Points, Quantiles, Rules, Tiles, floats
from chainrule.plots.ticks import short_number

MOST_STEPS = 12
MOST_ROWS_DRAWN = 60


def waterfall_chart(
    names: Sequence[object],
    contributions: Any,
    base: float,
    *,
    unit: str = "prediction",
    base_name: str = "average row",
    title: str = "From the average to this prediction",
    addresses: Sequence[str] = (),
) -> Chart:
    """Return how contributions (n,) lead from a base to the prediction, the largest first.

    Beyond `MOST_STEPS` their sum is one bar.
    """
    same_length(names=names, contributions=contributions, addresses=addresses or None)
    contributions = np.asarray(contributions, np.float64)
    order = np.argsort(-np.abs(contributions), kind="stable")
    few, rest = (
        (order, order[:0]) if len(order) <= MOST_STEPS else (order[: MOST_STEPS - 1], order[MOST_STEPS - 1 :])
    )
    steps = [(str(names[i]), float(contributions[i]), addresses[i] if addresses else "") for i in few]
    if len(rest):
        steps.append((f"{len(rest)} others", float(contributions[rest].sum()), ""))
    ends = np.concatenate([[base], base + np.cumsum([value for _, value, _ in steps])])
    texts = [base_name, *(name for name, _, _ in steps), unit]
    at = np.arange(1, len(steps) + 1)
    signs: tuple[Color, ...] = tuple("plus" if value >= 0 else "minus" for _, value, _ in steps)
    total = (floats([base, base]), floats([base, ends[-1]]))
    marks: list[AnyMark] = [
        Bars(
            floats(at),
            floats(ends[:-1]),
            floats(ends[1:]),
            0.66,
            across=True,
            colors=signs,
            texts=tuple(("+" if value > 0 else "") + short_number(value) for _, value, _ in steps),
            names=tuple(name for name, _, _ in steps),
            addresses=tuple(a for _, _, a in steps) if addresses else (),
            values=floats([value for _, value, _ in steps]),
        ),
        *(
            Curve(floats([end, end]), floats([i + 0.33, i + 0.67]), "quiet", width=1.0)
            for i, end in enumerate(ends)
        ),
        Points(
            total[1],
            floats([0, len(texts) - 1]),
            "ink",
            shape="diamond",
            size=5.0,
            names=(base_name, unit),
            values=total[1],
        ),
        Rules((float(base),), color="quiet", dash="dotted"),
    ]
    words = (
        f"From {short_number(base, 4)} ({base_name}) to {short_number(ends[-1], 4)} ({unit}): "
        + ", ".join(f"{name} {'+' if value > 0 else ''}{short_number(value)}" for name, value, _ in steps)
    )
    note = f"{base_name} {short_number(base, 4)}, {unit} {short_number(ends[-1], 4)}."
    return Chart(
        title, f"{words}.", fitted([ends], unit, pad=0.05), names_axis(texts, down=True), tuple(marks), note
    )


def dependence_chart(
    x: Any,
    mean: Any,
    *,
    rows: Any = None,
    values: Any = None,
    column: str,
    unit: str = "prediction",
    title: str = "",
) -> Chart:
    """Return the mean prediction over values of a column x (n,), and single rows' predictions (rows, n) behind it (ICE).

    ``values`` are the column's own values in the table, drawn as ticks below. At most `MOST_ROWS_DRAWN` rows
    are drawn, evenly chosen. Where x are texts, the rows of each are a box with its quartiles.
    """
    same_length(x=x, mean=mean)
    if any(isinstance(one, str) for one in x):
        return _by_word(list(map(str, x)), np.asarray(mean, np.float64), rows, column, unit, title)
    x, mean = np.asarray(x, np.float64), np.asarray(mean, np.float64)
    lines = np.zeros((0, len(x))) if rows is None else np.asarray(rows, np.float64)
    few = (
        lines[np.unique(np.linspace(0, len(lines) - 1, min(len(lines), MOST_ROWS_DRAWN)).round().astype(int))]
        if len(lines)
        else lines
    )
    y_axis, x_axis = fitted([mean, few], unit), fitted([x], column, pad=0)
    marks: list[AnyMark] = []
    if len(few):
        # One mark for all rows: nan lifts the pen.
        joined = np.concatenate([few, np.full((len(few), 1), np.nan)], axis=1).ravel()
        at = np.tile([*x, np.nan], len(few))
        marks.append(Curve(floats(at), floats(joined), "quiet", "single rows", width=0.7, faint=True))
    marks.append(Curve(floats(x), floats(mean), "1", "mean", width=2.8))
    if values is not None and np.isfinite(np.asarray(values, np.float64)).any():
        marks.append(_rug(values, y_axis.low, 0.025 * (y_axis.high - y_axis.low)))
    low, high = int(mean.argmin()), int(mean.argmax())
    ends = [f"{short_number(mean[i])}, at {short_number(x[i])}" for i in (low, high)]
    words = f"The mean {unit} is lowest, {ends[0]}, and highest, {ends[1]}."
    note = f"{len(few)} of {len(lines)} rows are drawn." if len(few) < len(lines) else ""
    return Chart(title or f"{unit} by {column}", words, x_axis, y_axis, tuple(marks), note)


def _by_word(words: Sequence[str], mean: FloatArray, rows: Any, column: str, unit: str, title: str) -> Chart:
    """Return a box of the rows' predictions for each word, with the mean as a dot."""
    lines = np.zeros((0, len(words))) if rows is None else np.asarray(rows, np.float64)
    at = floats(np.arange(len(words)))
    marks: list[AnyMark] = []
    if len(lines):
        low, first, half, third, high = map(floats, np.quantile(lines, [0, 0.25, 0.5, 0.75, 1], axis=0))
        made = Quantiles(at, low, first, half, third, high, 0.5, series="single rows", names=tuple(words))
        marks.append(made)
    points = Points(
        at, floats(mean), "ink", "mean", shape="diamond", size=5.0, names=tuple(words), values=floats(mean)
    )
    marks.append(points)
    told = [f"{short_number(mean[i])}, at {words[i]}" for i in (int(mean.argmin()), int(mean.argmax()))]
    said = f"The mean {unit} is lowest, {told[0]}, and highest, {told[1]}."
    note = f"Boxes: the quartiles of {len(lines)} rows, lines: all of them." if len(lines) else ""
    y_axis = fitted([mean, lines], unit)
    return Chart(title or f"{unit} by {column}", said, names_axis(words, column), y_axis, tuple(marks), note)


def _rug(values: Any, low: float, tall: float) -> Curve:
    """Return short lines at the quantiles of a column, at most 100."""
    found = np.asarray(values, np.float64).ravel()
    found = np.quantile(found[np.isfinite(found)], np.linspace(0, 1, min(100, len(found))))
    x = np.stack([found, found, np.full(len(found), np.nan)], 1)
    y = np.tile([low, low + tall, np.nan], (len(found), 1))
    return Curve(floats(x), floats(y), "quiet", width=1.0)


def interactions_chart(
    x: Any,
    y: Any,
    values: Any,
    *,
    x_name: str,
    y_name: str,
    unit: str = "prediction",
    center: float | None = None,
    within: tuple[float, float] | None = None,
    title: str = "",
) -> Chart:
    """Return predictions over two columns' values: cells (rows of y, columns of x), texts or numbers.

    ``center`` makes the color that of differences from it; ``within`` are the ends of the colors, for plots that share them.
    """
    values = np.asarray(values, np.float64)
    shown = values if center is None else values - center
    low, high = within or (float(np.nanmin(shown)), float(np.nanmax(shown)))
    if center is not None:
        low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
    columns, rows = ([v if isinstance(v, str) else short_number(float(v)) for v in side] for side in (x, y))
    edges = [floats(np.arange(len(side) + 1) - 0.5) for side in (columns, rows)]
    names = tuple(f"{x_name} {a}, {y_name} {b}" for b in rows for a in columns)
    tiles = Tiles(
        edges[0],
        edges[1],
        floats(shown),
        low,
        high,
        "sequential" if center is None else "diverging",
        unit if center is None else f"{unit} − {short_number(center)}",
        names=names,
        values=floats(values),
        texts=tuple(short_number(v) for v in values.ravel()) if values.size <= 144 else (),
    )
    least, most = (short_number(float(end)) for end in (np.nanmin(values), np.nanmax(values)))
    words = f"{unit} over {x_name} and {y_name}, from {least} to {most}."
    x_axis, y_axis = names_axis(columns, x_name), names_axis(rows, y_name)
    return Chart(title or f"{x_name} and {y_name} together", words, x_axis, y_axis, (tiles,))
