"""Callbacks for estimators: scikit-learn's messages, and a metric on rows of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chainrule.estimators.parameters import ParameterError
from chainrule.training.callbacks import MetricMonitor as NetworkMonitor
from chainrule.training.result import EpochState
from chainrule.training.scores.metrics import Metric
from chainrule.training.scores.watch import watch

if TYPE_CHECKING:
    from chainrule.estimators.mlp.fitting import Fitting


class Messages:
    """Prints what scikit-learn prints after each epoch."""

    def __init__(self, fitting: Fitting, tol: float, patience: float) -> None:
        self.fitting = fitting
        self.limits = f"tol={tol:f} for {patience} consecutive epochs."
        self.epochs = 0
        self.rate: float | None = None

    @property
    def _what(self) -> str:
        watched = "Validation score" if self.fitting.plan.rows == "validation" else "Training loss"
        return f"{watched} did not improve more than {self.limits}"

    def __call__(self, state: EpochState) -> None:
        """Print the loss, and the validation score."""
        line = state.line
        if self.rate is not None and self.fitting.plan.least_rate and line.learning_rate < self.rate:
            print(f"{self._what} Setting learning rate to {line.learning_rate:f}")
        self.rate = line.learning_rate
        self.epochs += 1
        print(f"Iteration {self.epochs}, loss = {line.training_loss + self.fitting.offset:.8f}")
        if self.fitting.plan.rows == "validation":
            print(f"Validation score: {line.watched:f}")

    def stopped(self) -> None:
        """Print why early stopping ended the training."""
        small = "Learning rate too small. " if self.fitting.plan.least_rate else ""
        print(f"{self._what} {small}Stopping.")


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

    def begin(self, estimator: Any, fitting: Fitting) -> None:
        """Take the rows as the estimator's network has them; called when its training begins."""
        rows = estimator._rows(self.X, self.y, None, fitting.engine.dtype)
        answers = estimator._answers()
        metric = self.metric or ("r2" if answers.kind == "number" else "accuracy")
        self._monitor = NetworkMonitor(
            rows.x, rows.y, watch(metric, answers), patience=self.patience, tolerance=self.tolerance
        )
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
