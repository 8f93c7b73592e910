"""How well numbers are predicted: residuals, and predictions against the truth."""

from typing import Any

import numpy as np

from chainrule.plots.axes import fitted
from chainrule.plots.bins import scatter
from chainrule.plots.chart import Chart
from chainrule.plots.kinds.rows import finite_rows
from chainrule.plots.marks import Curve, Rules, floats
from chainrule.plots.ticks import count_text, short_number


def residuals_chart(truth: Any, predicted: Any, *, target: str = "target", title: str = "Residuals") -> Chart:
    """Return truth minus prediction by prediction (n,): a good model leaves no pattern."""
    truth, predicted = finite_rows(truth=truth, predicted=predicted)
    left = truth - predicted
    x_axis, y_axis = (
        fitted([predicted], f"predicted {target}"),
        fitted([left], "truth − prediction", zero=True),
    )
    root = float(np.sqrt(np.mean(left**2)))
    marks = (scatter(predicted, left, x_axis, y_axis), Rules((0.0,), across=True, color="ink", dash="solid"))
    mean = short_number(float(left.mean()))
    words = f"{count_text(len(truth))} rows; the residuals' root mean square is {short_number(root)}, their mean {mean}."
    return Chart(title, words, x_axis, y_axis, marks, _note(len(truth), marks[0].counts, words))


def predicted_chart(
    truth: Any, predicted: Any, *, target: str = "target", title: str = "Predicted against true"
) -> Chart:
    """Return predictions by truth (n,) on equal axes, with the line on which a perfect model is."""
    truth, predicted = finite_rows(truth=truth, predicted=predicted)
    x_axis = fitted([truth, predicted], f"true {target}")
    y_axis = fitted([truth, predicted], f"predicted {target}")
    ends = floats([x_axis.low, x_axis.high])
    dots = scatter(truth, predicted, x_axis, y_axis)
    spread = float(np.sum((truth - truth.mean()) ** 2))
    share = 1 - float(np.sum((truth - predicted) ** 2)) / spread if spread else float("nan")
    words = f"{count_text(len(truth))} rows; R² is {short_number(share)}."
    marks = (Curve(ends, ends, "quiet", dash="dashed", width=1.2), dots)
    return Chart(title, words, x_axis, y_axis, marks, _note(len(truth), dots.counts, words), aspect=1.0)


def _note(rows: int, counts: tuple[int, ...], words: str) -> str:
    return (
        f"{words} Dots stand for up to {count_text(max(counts))} rows each, by their area."
        if counts
        else words
    )
