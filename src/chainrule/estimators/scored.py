"""`score` of the estimators: scikit-learn's, with weights that are checked, and an R² of numbers of any size."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import assert_all_finite, check_array, check_consistent_length

from chainrule.estimators.base import checked_weights
from chainrule.training.scores.metrics import r2


class ScoredClasses(ClassifierMixin):
    """A classifier's `score`."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of rows that are predicted right; with several labels a row, all of them.

        Raises ValueError for weights that can't be.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Their classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights.

        Returns
        -------
        accuracy : float
            From 0 to 1.
        """
        return float(super().score(X, self._as_predicted(y), checked_weights(sample_weight, y)))

    def _as_predicted(self, y: Any) -> Any:
        """Return classes as `predict` spells them."""
        return y


class ScoredNumbers(RegressorMixin):
    """A regressor's `score`."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R², averaged over the outputs; NaN, with a warning, of fewer than two rows that count.

        Raises ValueError for weights that can't be.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights.

        Returns
        -------
        r2 : float
            At most 1.
        """
        predicted = self.predict(X)
        with np.errstate(invalid="ignore"):  # numbers near the largest of both signs add up to none
            y = check_array(self._as_predicted(y), ensure_2d=False, dtype=np.float64, input_name="y")
            assert_all_finite(predicted, input_name="predictions")
        check_consistent_length(y, predicted)
        if y.size != predicted.size:
            given, made = (array.size // len(array) for array in (y, predicted))
            raise ValueError(f"y has {given} columns, but {made} are predicted")
        weights = checked_weights(sample_weight, y)
        if (len(y) if weights is None else np.count_nonzero(weights)) < 2:
            counted = "" if weights is None else " that count (a sample_weight above 0)"
            said = f"R^2 score is not well-defined with less than two samples{counted}."
            warnings.warn(said, UndefinedMetricWarning, stacklevel=2)
            return float("nan")
        return r2(y.reshape(predicted.shape), predicted, weights)

    def _as_predicted(self, y: Any) -> Any:
        """Return numbers as they are predicted."""
        return y
