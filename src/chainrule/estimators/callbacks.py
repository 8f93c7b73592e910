"""Callbacks for estimators: a metric on rows of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.equations.answers import Answers
from chainrule.estimators.parameters import ParameterError
from chainrule.training.callbacks import NetworkMonitor
from chainrule.training.result import EpochState
from chainrule.training.scores.metrics import Metric
from chainrule.training.scores.watch import Watch, watch


def watch_of(metric: Any, answers: Answers) -> Watch:
    """Return what watches a metric, as `watch` takes it; None is accuracy for classes, R² for numbers."""
    if metric is None:
        metric = "r2" if answers.kind == "number" else "accuracy"
    return watch(metric, answers)


class MetricMonitor:
    """A metric on rows of your own after every epoch: a callback for the estimators.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The rows.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets.
    metric : str, Metric or callable, default=None
        A name of `chainrule.training.scores.metrics.METRICS`, or a function of targets and predictions of which more is
        better. None: accuracy for classes, R² for numbers.
    patience : int, default=None
        End the training when the metric has not got better by more than ``tolerance`` for so many epochs.
    tolerance : float, default=0.0
        What counts as better.

    Attributes
    ----------
    curve : list of float
        The metric after each epoch of the last training.
    """

    def __init__(
        self,
        X: Any,
        y: Any,
        metric: str | Metric | Callable[[Any, Any], float] | None = None,
        *,
        patience: int | None = None,
        tolerance: float = 0.0,
    ) -> None:
        self.X, self.y = X, y
        self.metric = metric
        self.patience = patience
        self.tolerance = tolerance
        self.curve: list[float] = []
        self._monitor: NetworkMonitor | None = None

    def begin(self, estimator: Any, training: Any) -> None:
        """Take the rows as the estimator's network has them; called when its training begins."""
        stopping = {"patience": self.patience, "tolerance": self.tolerance}
        self._monitor = estimator._monitor(training, self.X, self.y, self.metric, **stopping)
        self.curve = self._monitor.curve

    def __enter__(self) -> MetricMonitor:
        return self

    def __exit__(self, *_: object) -> None:
        # The rows as the network has them would be a second copy, in every pickle too.
        self._monitor = None

    def __call__(self, state: EpochState) -> bool:
        """Add the metric's value of now; return whether training is to end."""
        if self._monitor is None:
            raise ParameterError("give the monitor to an estimator: callbacks=[MetricMonitor(X, y)]")
        return self._monitor(state)
