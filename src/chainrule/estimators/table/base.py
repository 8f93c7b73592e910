"""What `TableClassifier` and `TableRegressor` share: X and y to a table, and the table to a trained model."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from os import PathLike
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from chainrule._doors import PYTHON, through
from chainrule._types import FloatArray
from chainrule.engines.threads import limited_threads
from chainrule.equations.answers import Answers
from chainrule.errors import SettingsError
from chainrule.estimators import files
from chainrule.estimators.table.data import (
    TARGET,
    WEIGHT,
    AnyArray,
    container,
    free_name,
    is_frame,
    positive_weights,
    renamed,
    table_of,
    with_columns,
)
from chainrule.estimators.table.watch import begin, resumed, resumed_seed, with_stopping_metric
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.question import Question
from chainrule.fitting.score import trained_model
from chainrule.fitting.timing import check_not_limited, within_time
from chainrule.fitting.train import fit_prepared, prepare
from chainrule.model.model import Model, Prediction
from chainrule.model.source import Reading
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table
from chainrule.training.callbacks import as_callbacks, combined
from chainrule.training.checkpoint import Epoch
from chainrule.training.result import FitResult
from chainrule.training.settings.record import Settings, Task

SETTINGS = tuple(name for name in Settings.__dataclass_fields__ if name != "seed")
"""The settings of a training that are parameters, if not of both estimators; its seed comes from ``random_state``."""

PARAMETERS: Mapping[str, str] = {"inputs": "kinds", "seed": "random_state"}
"""What errors call otherwise than the estimators do: a column that is left out becomes an input by its kind."""

ARRAY_CHECKS: Mapping[str, Any] = {"dtype": None, "ensure_all_finite": "allow-nan"}


class BaseTable(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn has no types
    """Fitting and prediction of both estimators; how targets are read is what differs."""

    task: Task
    scaling: str
    target_scaling: str | None = None
    kinds: Mapping[str, str] | None
    missing: Sequence[str] | None
    random_state: Any
    stopping_metric: Any
    callbacks: Any
    engine: str
    threads: int | None

    model_: Model
    schema_: Schema
    notes_: tuple[str, ...]
    history_: tuple[Epoch, ...]
    n_features_in_: int

    # ---- how targets are read

    @abstractmethod
    def _learn_target(self, y: Any, X: Any, weights: FloatArray | None) -> AnyArray:
        """Return y as an array (n,), and take its classes; raises ValueError for what can't be a target."""

    @abstractmethod
    def _target(self, y: Any, X: Any, name: str) -> AnyArray:
        """Return more of y as an array (n,); raises ValueError for what can't be a target."""

    @abstractmethod
    def _answers(self, prepared: Prepared) -> Answers:
        """Return how the network's outputs are read."""

    def _ready(self, prepared: Prepared) -> Prepared:
        """Return the prepared table with the weights of its classes; raises SettingsError for what can't be done."""
        return prepared

    @abstractmethod
    def _finish(self, model: Model, prepared: Prepared, result: FitResult) -> None:
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
        resume: str | PathLike[str] | None = None,
    ) -> Self:
        """Fit to a table.

        Parameters
        ----------
        X : frame, dict of columns, array-like or sparse matrix, (n_samples, n_features)
            pandas or polars frames, or arrays. Text, numbers, truth values, dates and missing values are taken as
            they come; a sparse matrix is made dense.
        y : array-like of shape (n_samples,)
            The classes, or the numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            The rows' weights; rows of weight 0 are left out.
        X_val : like X, default=None
            Rows for early stopping, instead of a share of X.
        y_val : array-like, default=None
            Their targets.
        sample_weight_val : array-like of shape (n_validation_samples,), default=None
            Their weights.
        resume : str or path, default=None
            A file of `SaveCheckpoint` to go on from, with the same parameters and data.

        Returns
        -------
        self : estimator
            Fitted.
        """
        if (X_val is None) != (y_val is None):
            raise SettingsError("X_val and y_val belong together: give both, or neither")
        if sample_weight_val is not None and X_val is None:
            raise SettingsError("sample_weight_val weighs the rows of X_val: give X_val and y_val")
        if hasattr(self, "model_"):
            del self.model_  # a training that fails leaves nothing that would answer in its place
        with through(PYTHON, PARAMETERS):
            reading = Reading().changed(None, None, None, self.missing)
            table, target, weight = self._table_to_learn(X, y, sample_weight, reading)
            validation = None
            if X_val is not None:
                X_val = container(X_val)
                names = [name for name in table.columns if name not in (target, weight)]
                validation = with_columns(
                    self._named(X_val, names, reading, "X_val"), {target: self._target(y_val, X_val, "y_val")}
                )
            seed = self._seed() if resume is None else resumed_seed(resume, self)
            with self._threads():
                question = Question(
                    table,
                    target,
                    self.task,
                    weights=weight,
                    scaling=self.scaling,
                    target_scaling=self.target_scaling,
                    test_share=0.0,
                    validation=validation,
                    kinds=self.kinds,
                    reading=reading,
                )
                prepared = prepare(question, self._settings(seed))
                if sample_weight_val is not None:
                    prepared = with_validation_weights(prepared, positive_weights(sample_weight_val, X_val))
                self._train(self._ready(prepared), resume)
        return self

    def _table_to_learn(
        self, X: Any, y: Any, sample_weight: Any, reading: Reading
    ) -> tuple[Table, str, str | None]:
        """Return X with y, and the weights where there are some, and what their columns are called."""
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None."
            )
        X = container(X)
        if is_frame(X):
            validate_data(self, X, skip_check_array=True)
        else:
            X = validate_data(self, X, ensure_min_samples=2, **ARRAY_CHECKS)
        table = table_of(X, reading.missing)
        weights = None if sample_weight is None else positive_weights(sample_weight, X)
        target = free_name(getattr(y, "name", None), TARGET, table.columns)
        columns = {target: self._learn_target(y, X, weights)}
        if weights is None:
            return with_columns(table, columns), target, None
        weight = free_name(None, WEIGHT, [*table.columns, target])
        return with_columns(table, {**columns, weight: weights}), target, weight

    def _seed(self) -> int:
        random = self.random_state
        if isinstance(random, int | np.integer) and not isinstance(random, bool):
            return int(random)
        return int(check_random_state(random).randint(np.iinfo(np.int32).max))

    def _settings(self, seed: int) -> Settings:
        names = [name for name in SETTINGS if name in self._get_param_names()]
        words = {name: _plain(getattr(self, name)) for name in names}
        if self.stopping_metric is not None and words["watch"] is None:
            words["watch"] = "loss"  # what is watched is said, so the recipe has nothing to choose
        return Settings(**words, seed=seed)

    def _train(self, prepared: Prepared, resume: str | PathLike[str] | None) -> None:
        answers = self._answers(prepared)
        prepared = with_stopping_metric(self.stopping_metric, prepared, answers)
        if resume is not None:
            check_not_limited(prepared)
        prepared = within_time(prepared, engine=self.engine, threads=_plain(self.threads))
        callbacks = as_callbacks(self.callbacks)
        point = None if resume is None else resumed(resume, self, prepared)
        begin(callbacks, self, prepared, answers)
        with combined(callbacks) as on_epoch_end:
            result = fit_prepared(
                prepared,
                engine=self.engine,
                threads=_plain(self.threads),
                on_epoch_end=on_epoch_end,
                resume=point,
            )
        model, notes = trained_model(prepared, result, engine=self.engine)
        if result.diverged or not any(result.best_epochs):
            warnings.warn(notes[0], ConvergenceWarning, stacklevel=3)
        self._finish(model, prepared, result)
        self.model_ = model
        self.schema_ = prepared.schema
        self.notes_ = (*prepared.schema.notes, *notes)
        self._keep_history(result.watched.history)

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
        check_is_fitted(self, "model_")
        names = [column.name for column in self.schema_.columns[: self.n_features_in_]]
        return self._named(container(X), names, self.model_.reading, "X")

    def _named(self, X: Any, names: Sequence[str], reading: Reading, name: str) -> Table:
        """Return rows as a table: columns found by name where training had names and X has, else by place."""
        if is_frame(X) and hasattr(self, "feature_names_in_") and all(isinstance(c, str) for c in X.columns):
            return table_of(X, reading.missing, name)
        checks = {"skip_check_array": True} if is_frame(X) else ARRAY_CHECKS
        return renamed(table_of(validate_data(self, X, reset=False, **checks), reading.missing, name), names)

    def _prediction(self, X: Any) -> Prediction:
        with through(PYTHON, PARAMETERS), self._threads():
            table = self._table(X)
            return self.model_.predict(table)

    # ---- files

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the fitted estimator to one file that can't run code; `load` and `chainrule.load` read it.

        Callbacks, a metric that is a function, and a RandomState are left out, with a warning. Raises OutputError
        where the file can't be written.

        Parameters
        ----------
        path : str or path
            The file.
        overwrite : bool, default=False
            Whether it may replace one that exists.
        """
        check_is_fitted(self, "model_")
        files.save(self, path, files.table_parts, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Return the estimator that `save` wrote; raises ModelFileError where the file holds none of this class.

        Parameters
        ----------
        path : str or path
            The file.

        Returns
        -------
        estimator : estimator
            Fitted.
        """
        return files.load(cls, path, files.table_from_parts)

    def _to_dict(self) -> dict[str, Any]:
        """Return what one of the two estimators keeps besides, as plain data."""
        return {}

    def _from_dict(self, data: object) -> None:
        """Take what `_to_dict` returned; raises ModelFileError for anything else."""

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks of an estimator."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.sparse = True
        return tags


def with_validation_weights(prepared: Prepared, weights: FloatArray) -> Prepared:
    """Return the prepared table with weights for its validation rows."""
    arrays, known = prepared.arrays, prepared.arrays.training.weights
    of_training = np.ones(arrays.n_training) if known is None else known
    return replace(prepared, arrays=replace(arrays, weights=np.concatenate([of_training, weights])))


def _plain(value: Any) -> Any:
    """Return NumPy's numbers, and those in a list, as Python's, which is what settings are."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple | np.ndarray):
        return tuple(_plain(item) for item in value)
    return value
