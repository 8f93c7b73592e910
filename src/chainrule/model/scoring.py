"""One score of a model's answers, counted exactly as `Model.evaluate` counts it, for rows asked again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray
from chainrule.errors import SettingsError
from chainrule.model.model import Model, Prediction, check_finite
from chainrule.tables.table import Table

if TYPE_CHECKING:
    from chainrule.training.scores.metrics import Metric

AnyArray = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Scorer:
    """A metric of a model on the rows of a table, all of which have a target; of several targets its mean.

    `y` (n, targets) and `answers` (n, targets, …) are what `compare` takes: classes by number, their probabilities (n,
    targets, classes), or numbers in the targets' units. ``places`` are the targets that count.
    """

    model: Model
    table: Table
    metric: Metric
    places: tuple[int, ...]

    @property
    def y(self) -> AnyArray:
        """The targets (n, targets): classes by number, or numbers."""
        parts = (self.model.target.parts[place] for place in self.places)
        return np.stack(
            [part.codes(self.table) if part.n_classes else part.numbers(self.table) for part in parts], axis=1
        )

    def answers(self, x: FloatArray) -> AnyArray:
        """Return the answers to encoded rows (n, d); raises TableError for one that is not finite."""
        return self.answers_of(check_finite(self.model.answer(x), self.table))

    def answers_of(self, made: Prediction) -> AnyArray:
        """Return the answers in predictions that were made already."""
        return np.stack([self._compared(of_target(made, place)) for place in self.places], axis=1)

    def _compared(self, one: Prediction) -> AnyArray:
        found = {"labels": one.codes, "probabilities": one.probabilities, "numbers": one.labels}
        return np.asarray(found[self.metric.of])

    def compare(self, y: AnyArray, answers: AnyArray, weights: FloatArray | None) -> float:
        """Return the metric of targets and answers; NaN where it has no value, such as AUC without one of the classes."""
        with np.errstate(over="ignore", invalid="ignore"):
            each = [self._of_one(y[:, j], answers[:, j], weights) for j in range(y.shape[1])]
        return each[0] if len(each) == 1 else float(np.mean(each))

    def _of_one(self, y: AnyArray, answers: AnyArray, weights: FloatArray | None) -> float:
        counted = self.metric.counted(y, answers)
        return float(self.metric.function(y, answers, weights)) if counted else float("nan")


def of_target(made: Prediction, place: int) -> Prediction:
    """Return what is predicted for a target (from 0), where there are several or it is the only one."""
    return made.of_target(place) if made.labels.ndim > 1 else made


def scorer(
    model: Model, table: Table, metric: str | None = None, places: tuple[int, ...] | None = None
) -> Scorer:
    """Return the scorer of a metric of `evaluate` by name, the first one shown if None; SettingsError for another.

    ``places``: of several targets those that count, all if None.
    """
    # A model can be read and asked without what trains it.
    from chainrule.training.scores.metrics import METRICS, PRIMARY

    kinds = ["numbers"]
    if model.task == "classification":
        kinds = ["labels", "probabilities"] if model.gives_probabilities else ["labels"]
    known = [name for name, one in METRICS.items() if one.shown and one.of in kinds]
    name = PRIMARY[model.task] if metric is None else metric
    if name not in known:
        raise SettingsError(f"{setting('metric', name)} is no score of this model: choose {', '.join(known)}")
    every = tuple(range(len(model.target.parts)))
    return Scorer(model, table, METRICS[name], every if places is None else places)
