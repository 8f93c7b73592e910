"""Scores of predictions on rows with known targets; `METRICS` is the only list of them.

A record there is all that a metric is: `scores` counts it, reports and docs/training.md show it, early stopping can watch it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from chainrule._ranking import ranked
from chainrule._types import BoolArray, FloatArray, IntArray
from chainrule.equations.registry import unknown_name
from chainrule.errors import SettingsError
from chainrule.training.scores.refinement import refinement

Scores = dict[str, float]
Of = Literal["labels", "probabilities", "numbers", "sums"]

PRIMARY = {"classification": "accuracy", "regression": "rmse"}
"""The score that is shown first and compared with the baselines."""


@dataclass(frozen=True)
class Metric:
    """One score: its name, what it is called in words, its function, what it compares, and which way is better.

    ``function(y, prediction, weights)`` gets the rows' weights (n,) or None, and by ``of``: ``labels``: classes
    (n,), or 0 and 1 for each of several labels (n, labels); ``probabilities``: classes (n,) counted from 0, and
    (n, classes); ``numbers``: (n, n_out) both; ``sums``: classes (n,), and the output layer's z as (n, classes).
    ``counted(y, prediction)`` says whether it is a score of such rows; what isn't ``shown`` never is, and of what is
    ``rare`` only where classes are `uneven`: that is of `counted_classes`, or of those that ``function`` gets as fourth.
    """

    name: str
    words: str
    function: Callable[..., float]
    of: Of
    greater_is_better: bool = True
    counted: Callable[..., bool] = lambda y, prediction: True
    shown: bool = True
    rare: bool = False


_USUAL = 500
"""The power of two from which on numbers are scaled: their squares are near the end of what a float can hold."""


def metric(spec: str | Metric | Callable[[Any, Any], float]) -> Metric:
    """Return the metric of a name, or of a function of targets and predictions, of which more is better.

    >>> metric("rmse").greater_is_better
    False

    A `Metric` is returned as it is. Raises SettingsError for an unknown name.
    """
    if isinstance(spec, Metric):
        return spec
    if isinstance(spec, str):
        if spec not in METRICS:
            raise unknown_name("metric", spec, METRICS)
        return METRICS[spec]
    if not callable(spec):
        raise SettingsError(f"metric {spec!r} must be a name or a function of targets and predictions")
    name = getattr(spec, "__name__", "metric")
    return Metric(name, name, lambda y, p, _: float(spec(y, p)), "labels")


def accuracy(y: IntArray, predicted: IntArray, weights: FloatArray | None = None) -> float:
    """Return the share of rows whose labels are all right."""
    right = y == predicted
    return _share(right if right.ndim == 1 else right.all(axis=1), weights)


def balanced_accuracy(y: IntArray, predicted: IntArray, weights: FloatArray | None = None) -> float:
    """Return the share of rows that are right, averaged over the classes that have rows."""
    shares = []
    for label in np.unique(y):
        rows = y == label
        shares.append(_share(predicted[rows] == label, None if weights is None else weights[rows]))
    return float(np.mean(shares))


def uneven(y: IntArray) -> bool:
    """Return whether some class has less than half of the rows that it would have if all had as many; ``y`` (n,) codes.

    Of two classes that is less than a quarter of the rows. There accuracy is high for who never answers the rare one.
    """
    counts = np.bincount(y)
    counts = counts[counts > 0]
    return len(counts) > 1 and bool(2 * len(counts) * counts.min() < len(y))


def rarer(y: IntArray) -> int:
    """Return the class of two, 0 or 1, that fewer rows have; the second where both have as many."""
    return int(2 * np.count_nonzero(y) <= len(y))


def counted_classes(y: IntArray, n_classes: int) -> IntArray:
    """Return the classes whose mean a score is that is ``rare``: the `rarer` of two, or all that have rows."""
    return np.array([rarer(y)]) if n_classes <= 2 else np.unique(y)


def _of_classes(
    y: IntArray,
    predicted: IntArray,
    weights: FloatArray | None,
    score: Callable[..., FloatArray],
    classes: IntArray | None,
) -> float:
    """Return a score's mean over those of the ``classes`` that have rows, NaN where none has; None: `counted_classes`.

    ``score(both, true, answered)`` is made of what counts (classes,) of rows that are right, that have the class, and that are
    answered with it.
    """
    n = int(max(y.max(), predicted.max(), *([] if classes is None else classes))) + 1
    both = np.bincount(y[y == predicted], None if weights is None else weights[y == predicted], max(n, 2))
    true, answered = (np.bincount(codes, weights, max(n, 2)).astype(np.float64) for codes in (y, predicted))
    found = score(both.astype(np.float64), true, answered)
    chosen = counted_classes(y, n) if classes is None else classes[true[classes] > 0]
    return float(found[chosen].mean()) if len(chosen) else float("nan")


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return part / whole, 0 where there is nothing."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def precision(
    y: IntArray, predicted: IntArray, weights: FloatArray | None = None, classes: IntArray | None = None
) -> float:
    """Return the share of the rows answered with a class that have it; of the `rarer` of two, or the classes' mean."""
    return _of_classes(y, predicted, weights, lambda both, true, answered: _ratio(both, answered), classes)


def recall(
    y: IntArray, predicted: IntArray, weights: FloatArray | None = None, classes: IntArray | None = None
) -> float:
    """Return the share of a class's rows that are answered with it; of the `rarer` of two, or the classes' mean."""
    return _of_classes(y, predicted, weights, lambda both, true, answered: _ratio(both, true), classes)


def f1(
    y: IntArray, predicted: IntArray, weights: FloatArray | None = None, classes: IntArray | None = None
) -> float:
    """Return the harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN); of the `rarer` of two, or the classes' mean."""
    return _of_classes(
        y, predicted, weights, lambda both, true, answered: _ratio(2 * both, true + answered), classes
    )


def average_precision(
    y: IntArray,
    probabilities: FloatArray,
    weights: FloatArray | None = None,
    classes: IntArray | None = None,
) -> float:
    """Return the mean precision at all thresholds, by the gain in recall (PR-AUC); of the `rarer` of two, or a mean."""
    chosen = counted_classes(y, probabilities.shape[1]) if classes is None else np.intersect1d(classes, y)
    each = [ranked(y == c, probabilities[:, c], weights).average_precision for c in chosen.tolist()]
    return float(np.mean(each)) if each else float("nan")


def class_scores(matrix: IntArray) -> list[Scores]:
    """Return precision, recall and F1 of each class of a confusion matrix (row: true, column: predicted), and its ``rows``."""
    both, true, answered = (
        part.astype(np.float64) for part in (np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0))
    )
    columns = (_ratio(both, answered), _ratio(both, true), _ratio(2 * both, true + answered), true)
    return [
        {"precision": p, "recall": r, "f1": f, "rows": n}
        for p, r, f, n in zip(*(column.tolist() for column in columns), strict=True)
    ]


def log_loss(y: IntArray, probabilities: FloatArray, weights: FloatArray | None = None) -> float:
    """Return the mean of -log P(true class) in nats, P at least the float's epsilon, as scikit-learn has it."""
    return mean_of(log_losses(y, probabilities), weights)


def standard_error(values: FloatArray) -> float:
    """Return that of the mean of values (n,): s / sqrt(n), s with n - 1."""
    return float(np.std(values, ddof=1) / math.sqrt(len(values)))


def log_losses(y: IntArray, probabilities: FloatArray) -> FloatArray:
    """Return each row's -log P(true class) in nats, (n,), of which `log_loss` is the mean."""
    rows = probabilities / probabilities.sum(axis=1, keepdims=True)
    least = np.finfo(rows.dtype).eps
    losses: FloatArray = -np.log(np.clip(rows[np.arange(len(y)), y], least, 1 - least))
    return losses


def auc(y: IntArray, probabilities: FloatArray, weights: FloatArray | None = None) -> float:
    """Return the area under the ROC curve, one against the rest, averaged; NaN where a class has no row."""
    n_classes = probabilities.shape[1]
    if not _has_all_classes(y, probabilities):
        return float("nan")
    if n_classes == 2:
        return ranked(y == 1, probabilities[:, 1], weights).area
    rows = probabilities / probabilities.sum(axis=1, keepdims=True)
    return float(np.mean([ranked(y == c, rows[:, c], weights).area for c in range(n_classes)]))


def rmse(y: FloatArray, predicted: FloatArray, weights: FloatArray | None = None) -> float:
    """Return the root of the mean squared error, averaged over the outputs."""
    return _of_errors(lambda column: _root_mean_square(column, weights), y, predicted)


def mae(y: FloatArray, predicted: FloatArray, weights: FloatArray | None = None) -> float:
    """Return the mean absolute error, averaged over the outputs."""
    return _of_errors(lambda column: mean_of(np.abs(column), weights), y, predicted)


def median_absolute_error(y: FloatArray, predicted: FloatArray, weights: FloatArray | None = None) -> float:
    """Return the (weighted) median of the absolute errors, averaged over the outputs."""
    return _of_errors(lambda column: _median(np.abs(column), weights), y, predicted)


def _of_errors(of: Callable[[FloatArray], float], y: FloatArray, predicted: FloatArray) -> float:
    """Return what is found ``of`` each output's errors (n,), averaged; it grows with them in proportion."""
    power, y, predicted = _scaled(y, predicted)
    with np.errstate(over="ignore"):  # an error too large for a float is infinite
        return float(np.ldexp(np.mean([of(column) for column in _columns(predicted - y)]), power))


def r2(y: FloatArray, predicted: FloatArray, weights: FloatArray | None = None) -> float:
    """Return R² averaged over the outputs; one whose targets are all equal counts 1 if exact, else 0."""
    if weights is not None:
        y, predicted, weights = (array[weights > 0] for array in (y, predicted, weights))
    found = []
    for target, guess in zip(_columns(y), _columns(predicted), strict=True):
        _, target, guess = _scaled(target, guess)
        missed, spread = _root_mean_square(guess - target, weights), _spread(target, weights)
        if spread > 0:
            ratio = missed / spread if np.isfinite(spread) else float("nan")
            found.append(1.0 - ratio * ratio)
        else:
            found.append(float(missed == 0))
    return float(np.mean(found))


def _scaled(*arrays: FloatArray) -> tuple[Any, ...]:
    """Return a power p, and the arrays divided by 2^p, so that their differences don't overflow, nor their squares underflow.

    It is 0 for numbers of usual size, whose bits stay as they are, and where one isn't finite.
    """
    power = power_of(*arrays)
    return power, *(without_power(array, power) for array in arrays)


def power_of(*arrays: FloatArray) -> int:
    """Return the p for which numbers divided by 2^p have squares that a float holds; 0 for numbers of usual size."""
    largest = max(float(np.max(np.abs(array), initial=0.0)) for array in arrays)
    power = int(np.frexp(largest)[1]) if np.isfinite(largest) else 0
    return 0 if abs(power) < _USUAL else power


def without_power(array: FloatArray, power: int) -> FloatArray:
    """Return numbers divided by 2^power; for 0 the array itself."""
    if not power:
        return array
    # In two steps, since 2^-p alone may be too large for a float.
    half = power // 2
    return np.asarray(np.ldexp(np.ldexp(np.asarray(array, np.float64), -half), half - power))


def _spread(values: FloatArray, weights: FloatArray | None) -> float:
    """Return the standard deviation of numbers, exactly 0 where all are equal: their mean may be a rounding away."""
    return _root_mean_square(values - mean_of(values, weights), weights) if np.ptp(values) > 0 else 0.0


def _has_all_classes(y: IntArray, probabilities: FloatArray) -> bool:
    return bool(len(np.unique(y)) == probabilities.shape[1])


def _has_two_classes(y: IntArray, predicted: IntArray) -> bool:
    """Tell whether rows have classes to be told apart."""
    return bool(np.ptp(y) > 0)


def _varies(y: FloatArray, predicted: FloatArray) -> bool:
    """Tell whether targets (n,) differ, by what a float can hold."""
    return 0 < _spread(_scaled(y)[1], None) < np.inf


def _records(*records: Metric) -> Mapping[str, Metric]:
    return MappingProxyType({record.name: record for record in records})


METRICS: Mapping[str, Metric] = _records(
    Metric("accuracy", "accuracy", accuracy, "labels"),
    Metric("balanced_accuracy", "balanced accuracy", balanced_accuracy, "labels"),
    Metric("f1", "F1", f1, "labels", counted=_has_two_classes, rare=True),
    Metric("precision", "precision", precision, "labels", counted=_has_two_classes, rare=True),
    Metric("recall", "recall", recall, "labels", counted=_has_two_classes, rare=True),
    Metric(
        "average_precision",
        "average precision",
        average_precision,
        "probabilities",
        counted=_has_two_classes,
        rare=True,
    ),
    Metric("log_loss", "log-loss", log_loss, "probabilities", False),
    Metric("auc", "AUC", auc, "probabilities", counted=_has_all_classes),
    Metric("rmse", "RMSE", rmse, "numbers", False),
    Metric("mae", "mean absolute error", mae, "numbers", False),
    Metric("median_absolute_error", "median absolute error", median_absolute_error, "numbers", False),
    Metric("r2", "R²", r2, "numbers", counted=_varies),
    Metric("refinement", "refinement", refinement, "sums", greater_is_better=False, shown=False),
)
"""The metrics by name, in the order in which they are shown."""


def scores(y: Any, **predictions: Any) -> Scores:
    """Return the metrics of what there is of predictions, by what they are ``of``; None: there is none of it.

    ``y`` and ``labels`` (n,) are numbers of classes, ``probabilities`` (n, classes); or ``y`` and ``numbers`` (n,) are in the
    target's units. AUC is left out where a class has no row, and R² where the targets are all equal: they have no value
    there. Precision, recall, F1 and average precision are counted where classes are `uneven`. An error
    too large for a float is infinite.

    >>> scores(np.array([0, 1, 1, 1]), labels=np.array([0, 1, 1, 0]))
    {'accuracy': 0.75, 'balanced_accuracy': 0.8333333333333333}
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return {
            record.name: record.function(y, prediction, None)
            for record in METRICS.values()
            if record.shown and (prediction := predictions.get(record.of)) is not None
            if record.counted(y, prediction) and (not record.rare or uneven(y))
        }


def mean_scores(each: Iterable[Scores]) -> Scores:
    """Return the means of the scores of several targets, of those that all have."""
    found = list(each)
    names = [name for name in METRICS if found and all(name in one for one in found)]
    with np.errstate(over="ignore", invalid="ignore"):
        return {name: float(np.mean([one[name] for one in found])) for name in names}


def metrics_table() -> str:
    """Return the metrics as a table in Markdown."""
    lines = ["| metric | in words | of | better |", "|---|---|---|---|"]
    for record in METRICS.values():
        better = "greater" if record.greater_is_better else "less"
        words = record.words if record.shown else f"{record.words} (watched, not shown)"
        lines.append(f"| `{record.name}` | {words} | {record.of} | {better} |")
    return "\n".join(lines) + "\n"


def confusion(y: IntArray, predicted: IntArray, n_classes: int) -> IntArray:
    """Return the confusion matrix, shape (classes, classes): row = true class, column = predicted class."""
    counts = np.bincount(y * n_classes + predicted, minlength=n_classes * n_classes)
    return counts.reshape(n_classes, n_classes)


def _columns(values: FloatArray) -> FloatArray:
    """Return the outputs one by one, (n_out, n)."""
    return values.reshape(len(values), -1).T


def _share(right: BoolArray, weights: FloatArray | None) -> float:
    """Return the rows' share that is right, exactly 1 where all are."""
    if weights is None:
        return np.count_nonzero(right) / len(right)
    return float(np.sum(right * weights) / np.sum(weights))


def mean_of(values: FloatArray, weights: FloatArray | None) -> float:
    """Return the mean, where the sum of large values doesn't overflow."""
    if weights is None:
        return float(np.sum(values / len(values)))
    return float(np.sum(values * (weights / np.sum(weights))))


def _median(values: FloatArray, weights: FloatArray | None) -> float:
    if weights is None:
        return float(np.median(values))
    order = np.argsort(values, kind="stable")
    sorted_values, reached = values[order], np.cumsum(weights[order])
    half = reached[-1] / 2
    # Where exactly half of the weight lies below, the median is between two values.
    low = sorted_values[np.searchsorted(reached, half, side="left")]
    high = sorted_values[min(np.searchsorted(reached, half, side="right"), len(values) - 1)]
    return float((low + high) / 2)


def _root_mean_square(values: FloatArray, weights: FloatArray | None) -> float:
    """Return sqrt(mean(v²)), where the squares of large values don't overflow."""
    largest = float(np.max(np.abs(values)))
    if largest == 0 or not np.isfinite(largest):
        return largest
    return largest * float(np.sqrt(mean_of((values / largest) ** 2, weights)))
