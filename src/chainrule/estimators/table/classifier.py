"""`TableClassifier`: a neural network that tells classes of raw tables apart, as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from chainrule._plain import read_record
from chainrule._types import FloatArray
from chainrule.engines import ENGINES
from chainrule.equations.answers import Answers
from chainrule.equations.dense import BiasMode, Parametrization
from chainrule.equations.features import CategoryEmbedding, NumericEmbedding
from chainrule.estimators.base import available
from chainrule.estimators.docs import documented
from chainrule.estimators.parameters import store
from chainrule.estimators.scored import ScoredClasses
from chainrule.estimators.table.base import BaseTable
from chainrule.estimators.table.data import AnyArray, check_differ, class_values, spelled_as
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.score import Ensemble
from chainrule.training.settings.record import Task


def _gives_probabilities(estimator: TableClassifier) -> bool:
    """Whether there is `predict_proba`; raises AttributeError where the trained loss has no probabilities."""
    model = getattr(estimator, "model_", None)
    if model is not None and not model.gives_probabilities:
        raise AttributeError(f"the loss {model.loss.name} gives no probabilities; choose another loss")
    return True


@documented
class TableClassifier(ScoredClasses, BaseTable):
    """Classes of the rows of a raw table: numbers, categories, dates and missing values as they come.

    The columns are understood and encoded as `chainrule train` does it, and the mean of the members' probabilities
    decides.

    Parameters
    ----------
    {settings}
    {scaling}
    {splits}
    {table}

    Attributes
    ----------
    {fitted}
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    temperature_ : float
        1 without calibration.

    Examples
    --------
    >>> from chainrule import TableClassifier
    >>> X = {"size": [1, 2, 8, 9] * 10, "color": ["red", None, "blue", "red"] * 10}
    >>> model = TableClassifier(hidden=[8], members=2, epochs=60, random_state=0).fit(X, ["s", "s", "l", "l"] * 10)
    >>> model.predict({"color": ["green", "red"], "size": [1, 9]}).tolist()
    ['s', 'l']
    """

    task: Task = "classification"
    calibrate: bool | None

    def __init__(
        self,
        *,
        # made from Settings by tests/estimators/signatures.py
        hidden: Sequence[int] | None = None,
        activation: str | Sequence[str] | None = None,
        output_activation: str | None = None,
        bias: BiasMode = "neuron",
        init: str | None = None,
        initial: Mapping[str, float] | None = None,
        frozen: Sequence[str] | None = None,
        weights_from: str | None = None,
        activation_mix: bool | None = None,
        parametrization: Parametrization | None = None,
        numeric_embedding: NumericEmbedding | None = None,
        category_embedding: CategoryEmbedding | None = None,
        scaling_layer: bool | None = None,
        linear_path: bool | None = None,
        fitted_start: bool | None = None,
        split_start: float | None = None,
        members: int | None = None,
        sharing: str = "none",
        loss: str | None = None,
        label_smoothing: float | None = None,
        optimizer: str | None = None,
        learning_rate: float | None = None,
        schedule: str | None = None,
        rate_factors: Mapping[str, float] | None = None,
        warmup: float = 0.0,
        momentum: float | None = None,
        batch_size: int | Literal["all"] | None = None,
        shuffle: bool | None = None,
        epochs: int | None = None,
        early_stopping: bool | None = None,
        patience: int | None = None,
        more_waves: int | None = None,
        tolerance: float = 0.0,
        stop_together: bool | None = None,
        watch: str | None = None,
        validation_share: float | None = None,
        bagging: bool | None = None,
        fold_members: int | None = None,
        refit: bool = False,
        recipe: bool | None = None,
        fast: bool = False,
        calibrate: bool | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        threshold: float | str | None = None,
        time_limit: float | None = None,
        search: int | None = None,
        weight_decay: float | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        dropout: float | None = None,
        regularization_schedule: str | None = None,
        clip_norm: float | None = None,
        # until here
        scaling: str = "robust",
        groups: str | None = None,
        time: str | None = None,
        split: str | None = None,
        kinds: Mapping[str, str] | None = None,
        missing: Sequence[str] | None = None,
        decimal: str | None = None,
        thousands: str | None = None,
        dates: str | None = None,
        infinite: str | None = None,
        stopping_metric: Any = None,
        callbacks: Any = None,
        random_state: Any = None,
        engine: str = ENGINES[0],
        threads: int | None = None,
    ) -> None:
        store(self, locals())

    # ---- fitting

    def _learn_target(self, y: Any, X: Any, weights: FloatArray | None) -> AnyArray:
        values = class_values(y, X)
        counted = values if weights is None else values[weights > 0]
        self.classes_ = np.unique(counted)
        check_differ(counted, f"is of the class {self.classes_[0]}", "y", among=weights is not None)
        return values

    def _taught_columns(self, targets: Sequence[str]) -> list[str]:
        return [str(one) for one in self.classes_.tolist()]

    def _as_predicted(self, y: Any) -> Any:
        return spelled_as(y, self.classes_)

    def _target(self, y: Any, X: Any, name: str = "y") -> AnyArray:
        return class_values(y, X, name)

    def _answers(self, prepared: Prepared) -> Answers:
        return Answers("class", prepared.resolved.network.loss.signed, self.classes_)

    def _ready(self, prepared: Prepared) -> Prepared:
        labels = prepared.target.labels
        if len(labels) < len(self.classes_):  # some class was in rows alone that are left out, or for a test
            self.classes_ = np.array(labels, dtype=self.classes_.dtype)
        return prepared

    def _finish(self, made: Ensemble) -> None:
        self.temperature_ = float(made.model.card["temperature"] or 1.0)

    # ---- prediction

    def predict(self, X: Any) -> AnyArray:
        """Return the likeliest class of each row.

        Parameters
        ----------
        {X_table}

        Returns
        -------
        classes : ndarray of shape (n_samples,)
            Of the type of y.
        """
        codes = self._prediction(X).codes
        return self.classes_[codes]

    @available(_gives_probabilities)
    def predict_proba(self, X: Any) -> FloatArray:
        """Return the probability of each class, the mean of the members'.

        Parameters
        ----------
        X : frame, dict of columns, array-like or sparse matrix, (n_samples, n_features)
            The rows.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        probabilities = self._prediction(X).probabilities
        assert probabilities is not None
        return probabilities

    # ---- files

    def _from_dict(self, data: object) -> None:
        read_record(data, "fitted.more", ())
        self.classes_ = np.array(self.model_.target.labels)
        self.temperature_ = float(self.model_.card.get("temperature") or 1.0)
