"""`TableRegressor`: a neural network that predicts numbers from raw tables, as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule._plain import read_record
from chainrule._types import FloatArray
from chainrule.engines import ENGINES
from chainrule.equations.answers import Answers
from chainrule.equations.dense import BiasMode, Parametrization
from chainrule.equations.features import CategoryEmbedding, NumericEmbedding
from chainrule.errors import SettingsError
from chainrule.estimators.base import checked_weights
from chainrule.estimators.docs import documented
from chainrule.estimators.parameters import store
from chainrule.estimators.scored import ScoredNumbers
from chainrule.estimators.table.base import BaseTable
from chainrule.estimators.table.data import AnyArray, check_differ, container, dress_of_target, number_values
from chainrule.estimators.table.intervals import Errors
from chainrule.fitting.parts import answers_held_out, rows_held_out
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.score import Ensemble
from chainrule.model.model import Model, check_finite
from chainrule.tables.table import with_columns
from chainrule.training.settings.record import Task


@documented
class TableRegressor(ScoredNumbers, BaseTable):
    """A number for the rows of a raw table: numbers, categories, dates and missing values as they come.

    The columns are understood and encoded as `chainrule train` does it, and the mean of the members' outputs is the
    prediction.

    Parameters
    ----------
    {settings}
    {scaling}
    target_scaling : {'standard', 'minmax', 'none'}, default=None
        Of y; None: what suits the output layer.
    {splits}
    {table}

    Attributes
    ----------
    {fitted}
    intervals_ : Errors or None
        The errors on the validation rows, or with bagging on all rows, each by the member that held it out, which
        quantiles are made of; None where there were no such rows.
        `fit_intervals` takes them from other rows.

    Examples
    --------
    >>> from chainrule import TableRegressor
    >>> X = {"size": [1.0, 2.0, 3.0, None] * 20, "kind": ["a", "b"] * 40}
    >>> y = [10, 20, 30, 40] * 20
    >>> model = TableRegressor(hidden=[16], members=2, learning_rate=0.02, random_state=0).fit(X, y)
    >>> model.predict({"kind": ["b", "b"], "size": [2.0, None]}).round().tolist()
    [20.0, 40.0]
    """

    task: Task = "regression"
    intervals_: Errors | None

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
        clamp: bool | None = None,
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
        target_scaling: str | None = None,
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

    def _as_predicted(self, y: Any) -> Any:
        return y if dress_of_target(y, self._reading()) is None else number_values(y, y, "y", self._reading())

    def _target(self, y: Any, X: Any, name: str = "y") -> AnyArray:
        return number_values(y, X, name, self._reading())

    def _learn_target(self, y: Any, X: Any, weights: FloatArray | None) -> AnyArray:
        values = self._target(y, X)
        counted = values if weights is None else values[weights > 0]
        columns = (
            [("y", counted)]
            if counted.ndim == 1
            else [(f"y[:, {j}]", one) for j, one in enumerate(counted.T)]
        )
        for name, one in columns:
            check_differ(one, f"is {one[0]:g}", name, among=weights is not None)
        return values

    def _answers(self, prepared: Prepared) -> Answers:
        return Answers("number")

    def _finish(self, made: Ensemble) -> None:
        model, rows = made.model, rows_held_out(made.parts)
        self.intervals_ = None
        if len(rows) and len(model.target.names) == 1:
            outputs, shares = answers_held_out(model, made.parts, rows, model.engine)
            arrays = made.parts[0].prepared.arrays
            some = None if arrays.weights is None else arrays.weights[rows]
            single = outputs[:, :, 0]
            self.intervals_ = Errors.of(
                arrays.y[rows, 0], single, some, _answers(model, single, shares), shares
            )

    def fit_intervals(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Take the errors that quantiles are made of from these rows, instead of the validation rows.

        Early stopping has chosen the networks that do well on the validation rows, so their errors are a little too
        small, most of all where they are few. With rows that nothing has looked at, quantiles are exact.

        Parameters
        ----------
        X : frame, dict of columns, array-like or sparse matrix, (n_samples, n_features)
            Rows that were neither trained on nor watched.
        y : array-like of shape (n_samples,)
            Their numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights.

        Returns
        -------
        self : estimator
            With other ``intervals_``; its predictions are the same.
        """
        table, model, X = self._table(X), self.model_, container(X)
        _check_one(model)
        table = with_columns(table, {model.target.names[0]: self._target(y, X)})
        weights = checked_weights(sample_weight, X)
        with self._threads():
            outputs = model.outputs(model.encoder.transform(table))[:, :, 0]
        y_scaled, shares = model.target.transform(table)[:, 0], _shares(model)
        self.intervals_ = Errors.of(y_scaled, outputs, weights, _answers(model, outputs, shares), shares)
        return self

    # ---- prediction

    def predict(self, X: Any, quantiles: float | Sequence[float] | None = None) -> FloatArray:
        """Return the number predicted for each row, or quantiles of it.

        The p-quantile is the mean prediction and the p-quantile of the errors on the validation rows, which are larger
        where the members disagree (`Errors` has the formula): a share p of new rows lies below it if they are like the
        validation rows. It is a statement about all rows together, not about each. With ``clamp`` the prediction is
        drawn in to the range of the training rows and the quantiles, which begin from it, are not: new rows can lie
        outside.

        Parameters
        ----------
        {X_table}
        quantiles : float or sequence of float, default=None
            Such as ``[0.1, 0.5, 0.9]``; None: the prediction itself. Raises SettingsError where there were too few
            validation rows for one.

        Returns
        -------
        predictions : ndarray of shape (n_samples,), or (n_samples, n_quantiles) for a sequence of quantiles
            In the units of y; (n_samples, n_targets) where y had several columns.
        """
        if quantiles is None:
            return self._prediction(X).labels
        wanted = np.asarray(quantiles, np.float64)
        if wanted.ndim > 1 or not ((wanted > 0) & (wanted < 1)).all():
            raise SettingsError(
                f"quantiles {quantiles!r} must be numbers between 0 and 1, such as [0.1, 0.9]"
            )
        check_is_fitted(self)
        _check_one(self.model_)
        if self.intervals_ is None:
            raise SettingsError(
                "quantiles come from the errors on validation rows, and there were none: set validation_share, give X_val "
                "and y_val to fit, or call fit_intervals"
            )
        table, model = self._table(X), self.model_
        x = model.encoder.transform(table)
        with self._threads():
            check_finite(model.answer(x), table)
            outputs = model.outputs(x)[:, :, 0]
            shares = _shares(model)
            made = _answers(model, outputs, shares)
            found = self.intervals_.quantiles(outputs, wanted.reshape(-1), made, shares)
        in_units = model.target.undo(found)
        return in_units if wanted.ndim else in_units[:, 0]

    def predict_interval(self, X: Any, coverage: float = 0.8) -> FloatArray:
        """Return for each row an interval that holds a share ``coverage`` of new rows' true values.

        Its ends are the quantiles (1 - coverage)/2 and (1 + coverage)/2 of `predict`.

        Parameters
        ----------
        X : frame, dict of columns, array-like or sparse matrix, (n_samples, n_features)
            The rows.
        coverage : float, default=0.8
            Between 0 and 1.

        Returns
        -------
        interval : ndarray of shape (n_samples, 2)
            Lower and upper end, in the units of y.
        """
        if not 0 < coverage < 1:
            raise SettingsError(f"coverage {coverage!r} must be a number between 0 and 1, such as 0.8")
        return self.predict(X, quantiles=[(1 - coverage) / 2, (1 + coverage) / 2])

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks of an estimator."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    # ---- files

    def _to_dict(self) -> dict[str, Any]:
        return {"intervals": None if self.intervals_ is None else self.intervals_.to_dict()}

    def _from_dict(self, data: object) -> None:
        found = read_record(data, "fitted.more", ("intervals",))["intervals"]
        self.intervals_ = None if found is None else Errors.from_dict(found)


def _check_one(model: Model) -> None:
    """Raise SettingsError for quantiles of several targets."""
    if len(model.target.names) > 1:
        names = ", ".join(model.target.names)
        raise SettingsError(
            f"quantiles are of one target, and there are several ({names}): fit an estimator for each"
        )


def _answers(model: Model, outputs: FloatArray, shares: FloatArray | None) -> FloatArray:
    """Return what outputs (k, n) are answered with (n,), as the network has it: their mean by ``shares``, clamped if so."""
    mean = outputs.mean(axis=0) if shares is None else shares @ outputs
    return model.target.drawn_in(mean)


def _shares(model: Model) -> FloatArray | None:
    """Return what members' outputs count in the answer (K,); None where all of them count the same."""
    return None if len(model.groups) == 1 else model.member_shares
