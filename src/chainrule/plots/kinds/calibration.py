"""Calibration: how often what was predicted with a probability came true, and how many rows say so."""

from typing import Any

import numpy as np

from chainrule.errors import SettingsError
from chainrule.plots.axes import fitted
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.kinds.rows import finite_rows
from chainrule.plots.marks import Bars, Curve, Intervals, Points, floats

BINS = 10


def calibration_chart(
    is_true: Any, probability: Any, *, bins: int = BINS, title: str = "Calibration"
) -> Charts:
    """Return the share that came true by predicted probability (n,), with 95 % intervals, and the rows in each bin.

    The intervals are Wilson's (E. B. Wilson, JASA 22, 1927), which hold for few rows and shares near 0 and 1.
    """
    from scipy.stats import binomtest

    is_true, probability = finite_rows(is_true=is_true, probability=probability)
    for name, values, wrong, wanted in (
        ("is_true", is_true, (is_true != 0) & (is_true != 1), "0 or 1"),
        ("probability", probability, (probability < 0) | (probability > 1), "between 0 and 1"),
    ):
        if wrong.any():
            raise SettingsError(f"{name}: {values[wrong][0]:g} is not {wanted}")
    edges = np.linspace(0, 1, bins + 1)
    places = np.searchsorted(edges[1:-1], probability)
    counts = np.bincount(places, minlength=bins)
    filled = counts[counts > 0]
    share, mean = (
        np.bincount(places, one, minlength=bins)[counts > 0] / filled for one in (is_true, probability)
    )
    ends = [
        binomtest(round(p * n), int(n)).proportion_ci(method="wilson")
        for p, n in zip(share, filled, strict=True)
    ]
    gap = float(np.sum(np.abs(share - mean) * filled) / max(filled.sum(), 1))
    x_axis = fitted([[0, 1]], "predicted probability", pad=0.02)
    names = tuple(f"{n} rows, predicted {m:.3f} on average" for n, m in zip(filled, mean, strict=True))
    top = Chart(
        "Share that came true",
        f"Shares by predicted probability; on average {gap:.3f} off the diagonal.",
        x_axis,
        fitted([[0, 1]], "came true", pad=0.02),
        (
            Curve((0.0, 1.0), (0.0, 1.0), "quiet", dash="dotted", width=1.2),
            Intervals(
                floats(mean), floats([e.low for e in ends]), floats([e.high for e in ends]), names=names
            ),
            Curve(floats(mean), floats(share), width=1.4),
            Points(floats(mean), floats(share), size=4.5, names=names),
        ),
        aspect=0.62,
    )
    below = Chart(
        "Rows",
        "How many rows have each probability.",
        x_axis,
        fitted([counts], "rows", zero=True, whole=True),
        (
            Bars(
                floats((edges[1:] + edges[:-1]) / 2),
                floats(np.zeros(bins)),
                floats(counts),
                0.9 / bins,
                color="quiet",
            ),
        ),
        height=74.0,
    )
    words = f"{len(probability)} rows in {bins} bins; the mean gap between prediction and truth is {gap:.3f}."
    return Charts(title, words, (top, below), 1, "x", note=f"Mean gap {gap:.3f}. Intervals: 95 %, Wilson.")
