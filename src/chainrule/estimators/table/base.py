"""What `TableClassifier` and `TableRegressor` share: X and y to a table, and the table to a trained model."""

from __future__ import annotations

import math
import os
import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from chainrule._doors import PYTHON, through
from chainrule._files import PathLike
from chainrule._plain import IF_SET, Count, Plain
from chainrule._types import FloatArray
from chainrule.engines.threads import limited_threads
from chainrule.equations.answers import Answers
from chainrule.errors import ModelFileError, SettingsError
from chainrule.estimators.base import INTERRUPTED, Given, Trainable, checked_weights
from chainrule.estimators.callbacks import watch_of
from chainrule.estimators.docs import settings_for
from chainrule.estimators.files import FITTED, Arrays, Description, from_data, parameters_of, to_data
from chainrule.estimators.table.data import (
    WEIGHT,
    AnyArray,
    as_table,
    columns_of,
    container,
    dress_of_target,
    is_frame,
    renamed,
    target_names,
)
from chainrule.estimators.table.watch import checkpoint_for, identity, resumed_seed, with_stopping_metric
from chainrule.fitting.encode import encode_target
from chainrule.fitting.fit import fit_prepared
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.question import Question
from chainrule.fitting.score import Ensemble, ensemble_of
from chainrule.fitting.search.search import search_prepared
from chainrule.fitting.target_units import in_units
from chainrule.fitting.timing import check_not_limited, within_time
from chainrule.fitting.train import prepare
from chainrule.model.model import Model, Prediction
from chainrule.model.source import Reading
from chainrule.tables.files.write import free_name
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table, with_columns
from chainrule.training.callbacks import NetworkMonitor, combined
from chainrule.training.checkpoint import Epoch, history_from_bits, history_to_bits
from chainrule.training.scores.weights import check_counted, check_range
from chainrule.training.settings.fields import listed, numpydoc
from chainrule.training.settings.record import Settings, Task

if TYPE_CHECKING:
    from chainrule.explain.columns.importance import Importance

PARAMETERS: Mapping[str, str] = {"inputs": "kinds", "seed": "random_state"}
"""What errors call otherwise than the estimators do: a column that is left out becomes an input by its kind."""

SPLITS = ("groups", "time", "split")
"""What may say by which column of X rows are parted into those to train on and those to watch."""

_HISTORY = f"{FITTED}.history"

OF_TEXT = ("decimal", "missing", "thousands", "dates", "infinite")
"""The parameters that say how the text of a frame is read."""

ARRAY_CHECKS: Mapping[str, Any] = {"dtype": None, "ensure_all_finite": "allow-nan"}


@dataclass(frozen=True)
class Fitted(Plain):
    """What an estimator adds to its model's file; ``more`` is what one of the two keeps besides.

    The ``history`` was here before it was an array of the file, where a long one has room.
    """

    parameters: Mapping[str, Any]
    schema: Schema
    notes: tuple[str, ...]
    n_features: Count
    named: bool
    more: Mapping[str, Any]
    history: Annotated[tuple[Epoch, ...], IF_SET] = ()


class BaseTable(Trainable):
    """Fitting and prediction of both estimators; how targets are read is what differs."""

    _texts: ClassVar[Mapping[str, str]] = {
        "splits": numpydoc([one for one in listed(Question) if one.name in SPLITS]),
        "fit": "Fit to a table",
        "X_fit": "frame, dict of columns, array-like or sparse matrix, (n_samples, n_features)",
        "rows_fit": """
    pandas or polars frames, or arrays. Text, numbers, truth values, dates and missing values are taken as
    they come; a sparse matrix is made dense.
""",
        "shape": "(n_samples,)",
        "y_fit": "The classes, or the numbers.",
        "weights_fit": "The rows' weights; rows of weight 0 are left out.",
        "rows_val": """
X_val : like X, default=None
    Rows for early stopping, instead of a share of X.
y_val : array-like, default=None
    Their targets.
""",
        "weights_of": "Their weights.",
        "taught": "(n_samples,) or (n_samples, n_classes)",
        "teacher": """
    Another program's answers for the rows, which the network learns in place of y: best each by a model that hasn't seen the
    row. What watches, calibrates and scores goes by y. An array has the probabilities of ``classes_`` in their order, or the
    numbers; a frame or a file has columns of those names.
""",
        "self": "estimator",
        "done": "Fitted.",
        "readers": "`load` and `chainrule.load` read it",
        "loaded": "Fitted.",
    }

    task: Task
    scaling: str
    target_scaling: str | None = None
    groups: str | None
    time: str | None
    split: str | None

    model_: Model
    schema_: Schema
    notes_: tuple[str, ...]
    stopped_: str
    history_: tuple[Epoch, ...]
    n_features_in_: int

    # ---- how targets are read

    @abstractmethod
    def _target(self, y: Any, X: Any, name: str = "y") -> AnyArray:
        """Return y as an array (n,), or (n, targets); raises ValueError for what can't be a target."""

    def _learn_target(self, y: Any, X: Any, weights: FloatArray | None) -> AnyArray:
        """Return the same, and take its classes."""
        return self._target(y, X)

    @abstractmethod
    def _answers(self, prepared: Prepared) -> Answers:
        """Return how the network's outputs are read."""

    def _ready(self, prepared: Prepared) -> Prepared:
        """Return the prepared table with the weights of its classes; raises SettingsError for what can't be done."""
        return prepared

    @abstractmethod
    def _finish(self, made: Ensemble) -> None:
        """Take what one of the two estimators keeps besides, from the rows that the network was not trained on."""

    # ---- fitting

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        *,
        sample_weight_val: Any = None,
        teacher: Any = None,
        resume: PathLike | None = None,
    ) -> Self:
        """{fit}.

        Parameters
        ----------
        X : {X_fit}
            {rows_fit}
        y : array-like of shape {shape}
            {y_fit}
        sample_weight : array-like of shape (n_samples,), default=None
            {weights_fit}
        {rows_val}
        sample_weight_val : array-like of shape (n_validation_samples,), default=None
            {weights_of}
        teacher : array-like of shape {taught}, frame or path, default=None
            {teacher}
        resume : str or path, default=None
            A file of `SaveCheckpoint` to go on from, with the same parameters and data.

        Returns
        -------
        self : {self}
            {done}
        """
        given = Given(X, y, sample_weight, X_val, y_val, sample_weight_val, resume, teacher=teacher)
        return self._fit(given)

    def _fit(self, given: Given) -> Self:
        given.check()
        if hasattr(self, "model_"):
            del self.model_  # a training that fails leaves nothing that would answer in its place
        with through(PYTHON, PARAMETERS):
            question = self._question(given)
            seed = self._seed() if given.resume is None else resumed_seed(given.resume, self)
            with self._threads():
                prepared = prepare(question, self._settings(seed))
                more = checked_weights(given.sample_weight_val, given.X_val, "sample_weight_val")
                if more is not None:
                    arrays, n = prepared.arrays, prepared.arrays.n_training
                    known = np.ones(len(arrays.x)) if arrays.weights is None else arrays.weights
                    arrays = replace(arrays, weights=np.concatenate([known[:n], known[n:] * more]))
                    prepared = replace(prepared, arrays=arrays)
                prepared = self._ready(prepared)
                _check_weights(prepared, given.weighing(getattr(self, "class_weight", None)))
                self._train(prepared, given.resume)
        return self

    def _question(self, given: Given) -> Question:
        """Return what is asked of the rows that were given."""
        reading = self._reading()
        table, target, weight = self._table_to_learn(given, reading)
        validation = None
        if given.X_val is not None:
            names = [name for name in table.columns if name not in (*target, weight)]
            validation = self._labeled(given.X_val, given.y_val, names, reading, target, "_val")
        return Question(
            table,
            target,
            self.task,
            weights=weight,
            scaling=self.scaling,
            target_scaling=self.target_scaling,
            test_share=None if self.split else 0.0,
            validation=validation,
            teacher=None if given.teacher is None else self._teacher(given.teacher, target),
            kinds=self.kinds,
            **{by: getattr(self, by) for by in SPLITS},
            reading=reading,
        )

    def _table_to_learn(self, given: Given, reading: Reading) -> tuple[Table, tuple[str, ...], str | None]:
        """Return X with the columns of y, and the weights where there are some, and what their columns are called."""
        y = given.y
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None."
            )
        X = container(given.X)
        if is_frame(X):
            validate_data(self, X, skip_check_array=True)
        else:
            X = validate_data(self, X, ensure_min_samples=2, **ARRAY_CHECKS)
        table = as_table(X, reading)
        weights = checked_weights(given.sample_weight, X)
        if weights is not None:
            check_range(weights, "sample_weight")
        targets = target_names(y, table.columns)
        if self.task == "regression" and (found := dress_of_target(y, reading)) is not None:
            table = replace(table, notes=(*table.notes, found.say(targets[0])))
        columns = columns_of(targets, self._learn_target(y, X, weights))
        if weights is None:
            return with_columns(table, columns), targets, None
        weight = free_name(WEIGHT, [*table.columns, *targets], "_")
        return with_columns(table, {**columns, weight: weights}), targets, weight

    def _teacher(self, teacher: Any, targets: Sequence[str]) -> Any:
        """Return a teacher's answers as a table: of an array the columns are the targets, or the classes in their order."""
        teacher = container(teacher)
        if is_frame(teacher) or isinstance(teacher, str | os.PathLike | Table):
            return teacher
        try:
            values = np.asarray(teacher, np.float64)
        except (TypeError, ValueError):
            raise ValueError(
                "teacher: has something that is no number; give numbers, a frame or a path"
            ) from None
        values = values[:, None] if values.ndim == 1 else values
        names = self._taught_columns(targets)
        if values.ndim != 2 or values.shape[1] != len(names):
            raise ValueError(
                f"teacher has shape {values.shape}, and (n_samples, {len(names)}) is expected: {', '.join(names)}"
            )
        return replace(Reading().table(dict(zip(names, values.T, strict=True))), name="teacher")

    def _taught_columns(self, targets: Sequence[str]) -> list[str]:
        """Return what the columns of a teacher's array are."""
        return list(targets)

    def _reading(self) -> Reading:
        """Return how text is read."""
        return Reading().changed(**{name: getattr(self, name) for name in OF_TEXT})

    def _seed(self) -> int:
        random = self.random_state
        if isinstance(random, int | np.integer) and not isinstance(random, bool):
            return int(random)
        return int(check_random_state(random).randint(np.iinfo(np.int32).max))

    def _settings(self, seed: int) -> Settings:
        words = {one.name: _plain(getattr(self, one.name)) for one in settings_for(self.task)}
        if self.stopping_metric is not None and words["watch"] is None:
            words["watch"] = "loss"  # what is watched is said, so the recipe has nothing to choose
        return Settings(**words, seed=seed)

    def _train(self, prepared: Prepared, resume: PathLike | None) -> None:
        answers = self._answers(prepared)
        prepared = with_stopping_metric(self.stopping_metric, prepared, answers)
        if resume is not None:
            check_not_limited(prepared)
        how: dict[str, Any] = {"engine": self.engine, "threads": _plain(self.threads)}
        prepared = within_time(prepared, **how)
        point = None if resume is None else checkpoint_for(resume, self, prepared)
        searches = (prepared.settings.search or 1) > 1
        if searches and resume is not None:
            raise SettingsError("a search has no checkpoint to go on from: leave search out, or resume")
        with combined(self._begin(prepared)) as on_epoch_end:
            if searches:
                made = search_prepared(prepared, **how, on_epoch_end=on_epoch_end)
            else:
                made = ensemble_of(
                    prepared,
                    fit_prepared(prepared, **how, on_epoch_end=on_epoch_end, resume=point),
                    self.engine,
                )
        model, notes, result = made.model, list(made.notes), made.parts[0].result
        if result.stopped == "interrupted":
            notes = [
                f"training was interrupted after {len(result.history):,} epochs: the best so far is kept",
                *notes,
            ]
            warnings.warn(INTERRUPTED, stacklevel=4)
        if result.diverged or not any(result.best_epochs):
            warnings.warn(notes[result.stopped == "interrupted"], ConvergenceWarning, stacklevel=4)
        self._finish(made)
        self.model_, self.schema_, self.stopped_ = model, prepared.schema, result.stopped
        self.notes_ = (*prepared.schema.notes, *notes)
        self._keep_history(result.watched.history)

    def _monitor(self, training: Prepared, X: Any, y: Any, metric: Any, **stopping: Any) -> NetworkMonitor:
        names = [column.name for column in training.schema.columns[: self.n_features_in_]]
        rows = self._labeled(X, y, names, training.question.reading, training.target.names)
        targets = encode_target(rows, training.target, training.resolved)
        watch = in_units(watch_of(metric, self._answers(training)), training.target)
        return NetworkMonitor(training.encoder.transform(rows), targets, watch, **stopping)

    def _identity(self, training: Prepared) -> tuple[Arrays, Description]:
        return {}, identity(training)

    def _threads(self) -> AbstractContextManager[None]:
        return limited_threads(_plain(self.threads))

    def _keep_history(self, history: Sequence[Epoch]) -> None:
        self.history_ = tuple(history)
        self.n_iter_ = len(history)
        self.loss_curve_ = [line.training_loss for line in history]
        self.validation_loss_curve_ = [line.validation_loss for line in history]

    # ---- prediction

    def _table(self, X: Any) -> Table:
        """Return new rows as the fitted model's table; raises ValueError where they don't fit it."""
        check_is_fitted(self)
        names = [column.name for column in self.schema_.columns[: self.n_features_in_]]
        return self._named(container(X), names, self.model_.reading, "X")

    def _named(self, X: Any, names: Sequence[str], reading: Reading, name: str) -> Table:
        """Return rows as a table: columns found by name where training had names and X has, else by place."""
        if is_frame(X) and hasattr(self, "feature_names_in_") and all(isinstance(c, str) for c in X.columns):
            return as_table(X, reading, name)
        checks = {"skip_check_array": True} if is_frame(X) else ARRAY_CHECKS
        return renamed(as_table(validate_data(self, X, reset=False, **checks), reading, name), names)

    def _labeled(
        self, X: Any, y: Any, names: Sequence[str], reading: Reading, targets: Sequence[str], suffix: str = ""
    ) -> Table:
        """Return rows with their targets as a table; errors name X and y with the suffix."""
        X = container(X)
        table = self._named(X, names, reading, f"X{suffix}")
        values = self._target(y, X, f"y{suffix}")
        if (n := 1 if values.ndim == 1 else values.shape[1]) != len(targets):
            raise ValueError(
                f"y{suffix} has {n} columns, and training had {len(targets)} targets; give as many"
            )
        return with_columns(table, columns_of(targets, values))

    def _prediction(self, X: Any) -> Prediction:
        with through(PYTHON, PARAMETERS), self._threads():
            table = self._table(X)
            return self.model_.predict(table)

    def _importance(self, X: Any, y: Any, **how: Any) -> Importance:
        from chainrule.explain.columns.importance import importance

        names = [column.name for column in self.schema_.columns[: self.n_features_in_]]
        with through(PYTHON, {**PARAMETERS, "repeats": "n_repeats", "group": "groups"}), self._threads():
            table = self._labeled(X, y, names, self.model_.reading, self.model_.target.names)
            return importance(self.model_, table, **how)

    # ---- files

    def __getstate__(self) -> dict[str, Any]:
        """Return what pickle and skops keep: the model as plain data and arrays."""
        state = super().__getstate__()
        if "model_" in state:
            state["model_"] = self.model_.to_dict(), self.model_.arrays()
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Take what pickle and skops have kept."""
        super().__setstate__(state)
        if "model_" in state:
            self.model_ = Model.from_dict(*state["model_"])

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether there is a model: a training that fails has already looked at X."""
        return hasattr(self, "model_")

    def _parts(self) -> tuple[Arrays, Description]:
        fitted = Fitted(
            parameters_of(self, lambda name, value: to_data(value)),
            self.schema_,
            tuple(self.notes_),
            self.n_features_in_,
            hasattr(self, "feature_names_in_"),
            self._to_dict(),
        )
        # No seconds, so that the same seed gives the same file.
        history = history_to_bits([line._replace(seconds=math.nan) for line in self.history_])
        return {**self.model_.arrays(), _HISTORY: history}, {
            **self.model_.to_dict(),
            FITTED: fitted.to_dict(),
        }

    @classmethod
    def _from_parts(cls, arrays: Arrays, data: Description) -> Self:
        model, fitted = Model.from_dict(data, arrays), Fitted.from_dict(data.get(FITTED))
        if not set(fitted.parameters) <= set(cls._get_param_names()):
            raise ModelFileError("fitted.parameters: these are not the parameters")
        made = cls(**{name: from_data(value) for name, value in fitted.parameters.items()})
        if model.task != made.task:
            raise ModelFileError(f"its model's task is {model.task}")
        made.model_, made.schema_, made.notes_ = model, fitted.schema, fitted.notes
        made.stopped_ = model.card.get("stopped", "epochs")
        written = arrays.get(_HISTORY)
        made._keep_history(fitted.history if written is None else history_from_bits(written, _HISTORY))
        made.n_features_in_ = fitted.n_features
        names = [column.name for column in fitted.schema.columns[: fitted.n_features]]
        if len(names) < fitted.n_features or set(model.target.names) & set(names):
            raise ModelFileError("fitted.n_features: doesn't fit the schema")
        if fitted.named:
            made.feature_names_in_ = np.array(names, dtype=object)
        made._from_dict(fitted.more)
        return made

    def _to_dict(self) -> dict[str, Any]:
        """Return what one of the two estimators keeps besides, as plain data."""
        return {}

    def _from_dict(self, data: object) -> None:
        """Take what `_to_dict` returned; raises ModelFileError for anything else."""

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks of an estimator."""
        tags = super().__sklearn_tags__()
        tags.input_tags = replace(tags.input_tags, allow_nan=True, categorical=True, string=True, sparse=True)
        return tags


def _check_weights(prepared: Prepared, by: Sequence[str]) -> None:
    """Raise SettingsError where no row of a training, or of its validation rows, weighs anything."""
    weights, n, folds = prepared.arrays.weights, prepared.arrays.n_training, prepared.folds
    if weights is not None:
        places = np.arange(len(weights))
        training, validation = ([places[:n]], [places[n:]]) if folds is None else (folds.rest, folds.held)
        check_counted(weights, training, validation, by)
        check_range(weights, " and ".join(by))


def _plain(value: Any) -> Any:
    """Return NumPy's numbers, and those in a list, as Python's, which is what settings are."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple | np.ndarray):
        return tuple(_plain(item) for item in value)
    return value
