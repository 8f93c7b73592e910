"""Scores of predictions on rows with known targets, by scikit-learn's metrics."""

from __future__ import annotations

import numpy as np

from chainrule._types import FloatArray, IntArray

Scores = dict[str, float]

PRIMARY = {"classification": "accuracy", "regression": "rmse"}
"""The score that is shown first and compared with the baselines."""

SMALLER_IS_BETTER = frozenset({"log_loss", "rmse", "mae", "median_absolute_error"})


def classification_scores(
    y: IntArray, predicted: IntArray, probabilities: FloatArray | None, n_classes: int
) -> Scores:
    """Return accuracy, balanced accuracy and, from probabilities (n, classes), log-loss and AUC.

    ``y`` and ``predicted`` (n,) are numbers of classes. AUC is one against the rest, averaged over the
    classes, where every class has a row; log-loss is in nats, with probabilities bounded away from 0 by
    scikit-learn's rule.
    """
    from sklearn import metrics

    present = np.unique(y)
    recall = [float(np.mean(predicted[y == c] == c)) for c in present]
    scores = {"accuracy": float(np.mean(y == predicted)), "balanced_accuracy": float(np.mean(recall))}
    if probabilities is not None:
        rows = probabilities / probabilities.sum(axis=1, keepdims=True)
        scores["log_loss"] = float(metrics.log_loss(y, rows, labels=np.arange(n_classes)))
        if len(present) == n_classes == 2:
            scores["auc"] = float(metrics.roc_auc_score(y, rows[:, 1]))
        elif len(present) == n_classes:
            scores["auc"] = float(
                metrics.roc_auc_score(y, rows, multi_class="ovr", labels=np.arange(n_classes))
            )
    return scores


def confusion(y: IntArray, predicted: IntArray, n_classes: int) -> IntArray:
    """Return the confusion matrix, shape (classes, classes): row = true class, column = predicted class."""
    return np.bincount(y * n_classes + predicted, minlength=n_classes * n_classes).reshape(
        n_classes, n_classes
    )


def regression_scores(y: FloatArray, predicted: FloatArray) -> Scores:
    """Return RMSE, MAE, median absolute error (in the target's units) and R² of predictions (n,).

    R² is left out where the targets are all equal, since it has no value there. An error too large for a
    float is infinite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        error = predicted - y
        rmse = _root_mean_square(error)
        scores = {
            "rmse": rmse,
            "mae": float(np.sum(np.abs(error) / len(error))),
            "median_absolute_error": float(np.median(np.abs(error))),
        }
        spread = _root_mean_square(y - np.sum(y / len(y)))
        # The mean of equal targets may be a rounding away from them: that is no spread.
        if np.ptp(y) > 0 and 0 < spread < np.inf:
            ratio = rmse / spread
            scores["r2"] = 1.0 - ratio * ratio
    return scores


def _root_mean_square(values: FloatArray) -> float:
    """Return sqrt(mean(v²)), where the squares of large values don't overflow."""
    largest = float(np.max(np.abs(values)))
    if largest == 0 or not np.isfinite(largest):
        return largest
    return largest * float(np.sqrt(np.mean((values / largest) ** 2)))
