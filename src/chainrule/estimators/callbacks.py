"""Callbacks for estimators: a metric on rows of one's own, and checkpoints in files that can't run code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from os import fspath
from typing import Any

from chainrule._files import PathLike
from chainrule._version import __version__
from chainrule.equations.answers import Answers
from chainrule.errors import ModelFileError
from chainrule.estimators.files import Arrays, Description
from chainrule.estimators.parameters import ParameterError
from chainrule.model.file import read_model_file, write_model_file
from chainrule.training.callbacks import NetworkMonitor
from chainrule.training.checkpoint import Checkpoint
from chainrule.training.result import EpochState
from chainrule.training.scores.metrics import Metric
from chainrule.training.scores.watch import Watch, watch

VERSION = 2
"""The version of the description that is written. In version 1 the numbers of the epochs are in it, not in arrays."""

VERSIONS = (1, VERSION)
"""Those that are read."""


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
        self.X, self.y, self.metric = X, y, metric
        self.patience, self.tolerance = patience, tolerance
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


class SaveCheckpoint:
    """A callback that writes where a training stands, so that ``fit(X, y, resume=path)`` can go on from there.

    The training that goes on with the same parameters and data ends with the same bits as one that was never
    interrupted. The file replaces the one before; it can't run code.

    Parameters
    ----------
    path : str or path
        The file.
    every : int, default=1
        After how many epochs it is written; in any case when the training is over.
    """

    def __init__(self, path: PathLike, every: int = 1) -> None:
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise ParameterError(f"every={every!r} must be a whole number of epochs, at least 1")
        self.path, self.every = path, every
        self._training: tuple[Arrays, Description] | None = None

    def begin(self, estimator: Any, training: Any) -> None:
        """Note what is being trained; called when the training begins."""
        arrays, words = estimator._identity(training)
        self._training = arrays, {**words, "checkpoint_of": type(estimator).__name__}

    def __enter__(self) -> SaveCheckpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self._training = None  # no pickle should hold the rows' places

    def __call__(self, state: EpochState) -> None:
        """Write the checkpoint where it is time to."""
        if self._training is None:
            raise ParameterError("give it to an estimator: callbacks=[SaveCheckpoint(path)]")
        if state.line.epoch % self.every and state.line.epoch < state.epochs and state.active:
            return
        arrays, words = self._training
        description = {**words, "estimator_version": VERSION, "chainrule": __version__}
        made = dict(arrays)
        add_checkpoint(state.checkpoint(), made, description)
        write_model_file(self.path, made, description, overwrite=True)


def read_checkpoint(path: PathLike, estimator: Any) -> tuple[Arrays, Description, Checkpoint]:
    """Return what `SaveCheckpoint` wrote; raises ModelFileError where it is no checkpoint of such an estimator."""
    arrays, data = read_model_file(path)
    kind = type(estimator).__name__
    if data.get("checkpoint_of") != kind or data.get("estimator_version") not in VERSIONS:
        raise ModelFileError(f"{fspath(path)} is not a checkpoint of a {kind}")
    with reading_checkpoint(path, estimator):
        return arrays, data, checkpoint_of(arrays, data)


@contextmanager
def reading_checkpoint(path: PathLike, estimator: Any) -> Iterator[None]:
    """Raise ModelFileError for what fails because the file is no checkpoint of such an estimator."""
    try:
        yield
    except (KeyError, TypeError, ValueError, ModelFileError) as error:
        kind = type(estimator).__name__
        raise ModelFileError(f"{fspath(path)} is not a checkpoint of a {kind}: {error}") from error


def add_checkpoint(point: Checkpoint, arrays: Arrays, data: Description) -> None:
    """Add a checkpoint to the arrays and the plain data of a file."""
    parts, data["checkpoint"] = point.to_parts()
    arrays |= {f"checkpoint.{name}": array for name, array in parts.items()}


def checkpoint_of(arrays: Mapping[str, Any], data: Mapping[str, Any]) -> Checkpoint:
    """Return the checkpoint that `add_checkpoint` added; raises SettingsError where it is none."""
    prefix = "checkpoint."
    parts = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    return Checkpoint.from_parts(parts, data["checkpoint"])
