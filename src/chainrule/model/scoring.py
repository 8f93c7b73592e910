"""One score of a model's answers, counted exactly as `Model.evaluate` counts it, for rows asked again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray
from chainrule.errors import SettingsError
from chainrule.model.model import Model, check_finite
from chainrule.tables.cells import number_cells
from chainrule.tables.table import Table

if TYPE_CHECKING:
    from chainrule.training.scores.metrics import Metric


@dataclass(frozen=True, eq=False)
class Scorer:
    """A metric of a model on the rows of a table, all of which have a target.

    ``y`` (n,) and `answers` are what `compare` takes: classes by number, their probabilities (n, classes), or numbers in
    the target's units.
    """

    model: Model
    table: Table
    metric: Metric

    @property
    def y(self) -> np.ndarray[Any, Any]:
        """The targets (n,): classes by number, or numbers."""
        target = self.model.target
        return target.codes(self.table) if target.n_classes else number_cells(self.table, target.name)

    def answers(self, x: FloatArray) -> np.ndarray[Any, Any]:
        """Return the answers to encoded rows (n, d); raises TableError for one that is not finite."""
        made = check_finite(self.model.answer(x), self.table)
        found = {"labels": made.codes, "probabilities": made.probabilities, "numbers": made.labels}
        return np.asarray(found[self.metric.of])

    def compare(
        self, y: np.ndarray[Any, Any], answers: np.ndarray[Any, Any], weights: FloatArray | None
    ) -> float:
        """Return the metric of targets and answers; NaN where it has no value, such as AUC without one of the classes."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.metric.function(y, answers, weights) if self.metric.counted(y, answers) else np.nan


def scorer(model: Model, table: Table, metric: str | None = None) -> Scorer:
    """Return the scorer of a metric of `evaluate` by name, the first one shown if None; SettingsError for another."""
    # A model can be read and asked without what trains it.
    from chainrule.training.scores.metrics import METRICS, PRIMARY

    kinds = ["numbers"]
    if model.task == "classification":
        kinds = ["labels", "probabilities"] if model.gives_probabilities else ["labels"]
    known = [name for name, one in METRICS.items() if one.shown and one.of in kinds]
    name = PRIMARY[model.task] if metric is None else metric
    if name not in known:
        raise SettingsError(f"{setting('metric', name)} is no score of this model: choose {', '.join(known)}")
    return Scorer(model, table, METRICS[name])
