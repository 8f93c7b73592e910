"""The part of a report about where numbers are wrong: predicted against true, residuals, quantiles of the errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from chainrule._numbers import number_text
from chainrule._types import FloatArray
from chainrule.explain.show.document import Block, Picture, TableBlock
from chainrule.model.scoring import of_target
from chainrule.plots.chart import Charts
from chainrule.plots.kinds.regression import predicted_chart, residuals_chart
from chainrule.reports.part import ReportPart
from chainrule.reports.reported import Reported
from chainrule.reports.sections.targets import OfTarget, by_target
from chainrule.tables.encoding.target import TargetEncoder

SHARES = (0.5, 0.8, 0.9, 0.95, 1.0)
"""The shares of the rows of which the largest error is told."""

LEANS = 0.1
"""A mean of the residuals beyond this share of their root mean square is named, where the rows are enough to tell."""


def numbers_part(subject: Reported) -> ReportPart | None:
    """Return how far predicted numbers are from the true ones, and where."""
    model = subject.model
    if subject.evaluation is None or model.task != "regression":
        return None

    def of_one(place: int, target: TargetEncoder) -> OfTarget:
        truth = target.numbers(subject.part)
        predicted = np.asarray(of_target(subject.prediction, place).labels, np.float64)
        sizes = np.quantile(np.abs(truth - predicted), SHARES).tolist()
        data = {
            "mean_residual": float(np.mean(truth - predicted)),
            "error_quantiles": [[share, size] for share, size in zip(SHARES, sizes, strict=True)],
        }
        return OfTarget(_of_one(target.name, truth, predicted), data, _doubts(target.name, truth, predicted))

    return by_target("numbers", "Predicted and true", model.target.parts, of_one)


def _of_one(name: str, truth: FloatArray, predicted: FloatArray) -> Iterator[Block]:
    first, second = (
        predicted_chart(truth, predicted, target=name),
        residuals_chart(truth, predicted, target=name),
    )
    pair = (replace(first, note=""), replace(second, note="", aspect=1.0))
    said = " ".join(f"{chart.title}: {chart.description}" for chart in (first, second))
    yield Picture(Charts(f"{name}: predicted, true, and what is left", said, pair, 2, note=first.note))
    sizes = np.quantile(np.abs(truth - predicted), SHARES)
    rows = tuple(
        (f"{share:.0%} of the rows", number_text(size, 4)) for share, size in zip(SHARES, sizes, strict=True)
    )
    yield TableBlock(("of", f"{name} is off by at most"), rows, (1,))


def _doubts(name: str, truth: FloatArray, predicted: FloatArray) -> Iterator[str]:
    left = truth - predicted
    spread = float(np.sqrt(np.mean(left**2)))
    mean, error = float(left.mean()), spread / np.sqrt(len(left))
    if abs(mean) > LEANS * spread and abs(mean) > 2 * error:
        way = "too low" if mean > 0 else "too high"
        yield f"on average {name} is predicted {way} by {number_text(abs(mean), 3)}"
