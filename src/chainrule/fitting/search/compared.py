"""What trials are compared by: the log-loss, the RMSE or another watched metric of mean outputs, and how sure a gain is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.equations.answers import Answers
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.search.weights import Judge
from chainrule.model.model import Model
from chainrule.training.scores.metrics import counted_classes, power_of, without_power
from chainrule.training.scores.watch import Watch
from chainrule.training.scores.watch import watch as watch_of

BLOCKS = 20
"""The blocks of rows that are left out in turn to tell the error of a metric that is no mean over rows (the jackknife)."""

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class TrialScore:
    """What outputs (n, n_out) for some rows are compared by: the metric's name, its sign, and the judge.

    ``of(outputs)`` is what of the outputs is added up and judged, (n, …): its mean over trainings is that of the trainings'
    mean output. ``sign`` is -1 where more is better, so that ``sign * loss`` is the metric.
    """

    metric: str
    sign: int
    of: Callable[[FloatArray], FloatArray]
    judge: Judge


def trial_score(prepared: Prepared, model: Model, rows: IntArray) -> TrialScore:
    """Return what trials of a table are compared by on ``rows`` (n,) of its arrays.

    The metric that is watched where the settings name one; else the log-loss of probabilities, the RMSE of numbers, and the
    accuracy of classes without probabilities.
    """
    y, weights = prepared.arrays.y[rows], prepared.arrays.weights
    w = None if weights is None else weights[rows]
    watch = prepared.resolved.plan.watch
    if watch is not None and watch.metric.of != "sums" and watch.metric.name != "log_loss":
        return _by_metric(watch, y, w)
    several = len(model.target.parts) > 1
    if model.task == "regression" and several:
        # Targets have units of their own, so they are compared as the network has them.
        return _by_squares(lambda outputs, at: outputs - y[at], w)
    if model.task == "regression":
        numbers = model.target.undo(y)
        power = power_of(numbers)
        scaled = without_power(numbers, power)
        return _by_squares(
            lambda outputs, at: without_power(model.target.inverse(outputs), power) - scaled[at], w, power
        )
    if not model.gives_probabilities:
        return _by_metric(
            watch_of("accuracy", Answers("labels" if several else "class", model.loss.signed)), y, w
        )
    if several:
        return _by_logs(lambda outputs: np.where(y > 0.5, outputs, 1 - outputs), w)
    codes = Answers("class").true_codes(y)
    if y.shape[1] == 1 or not model.output.activation.elementwise:
        return _by_logs(lambda outputs: _of_true(outputs, codes), w)
    return _by_logs(lambda outputs: outputs, w, lambda part, at: _of_true(part, codes[at]))


def _of_true(outputs: FloatArray, codes: IntArray) -> FloatArray:
    """Return the probability of each row's own class (n,)."""
    found: FloatArray = np.asarray(Answers("class").probabilities(outputs))[np.arange(len(codes)), codes]
    return found


def _by_logs(
    of: Callable[[FloatArray], FloatArray],
    weights: FloatArray | None,
    true: Callable[[FloatArray, IntArray], FloatArray] = lambda part, at: part,
) -> TrialScore:
    """Compare by the mean of -log p, p the probability of what is true."""

    def each(part: FloatArray, at: IntArray) -> FloatArray:
        logs = -np.log(np.maximum(true(part, at), _EPS))
        return logs if logs.ndim == 1 else np.asarray(logs.mean(axis=1))

    def loss(part: FloatArray, at: IntArray) -> float:
        return float(np.average(each(part, at), weights=_at(weights, at)))

    def gain(before: FloatArray, after: FloatArray, at: IntArray) -> tuple[float, float]:
        return _mean_and_error(each(before, at) - each(after, at), _at(weights, at))

    return TrialScore("log_loss", 1, of, Judge(loss, gain))


def _by_squares(
    errors: Callable[[FloatArray, IntArray], FloatArray], weights: FloatArray | None, power: int = 0
) -> TrialScore:
    """Compare by the root of the mean square of errors, which are given divided by 2^power, so that their squares are floats."""

    def squares(part: FloatArray, at: IntArray) -> FloatArray:
        found = errors(part, at) ** 2
        return np.asarray(found.mean(axis=1))

    def loss(part: FloatArray, at: IntArray) -> float:
        return float(np.ldexp(root(part, at), power))

    def root(part: FloatArray, at: IntArray) -> float:
        with np.errstate(over="ignore"):  # an error too large for a float is infinite
            return float(np.sqrt(np.average(squares(part, at), weights=_at(weights, at))))

    def gain(before: FloatArray, after: FloatArray, at: IntArray) -> tuple[float, float]:
        # R0 - R1 = (S0 - S1) / (R0 + R1), S the mean squares.
        with np.errstate(over="ignore", invalid="ignore"):
            mean, error = _mean_and_error(squares(before, at) - squares(after, at), _at(weights, at))
            roots = root(before, at) + root(after, at)
            if not roots:
                return 0.0, 0.0
            return float(np.ldexp(mean / roots, power)), float(np.ldexp(error / roots, power))

    return TrialScore("rmse", 1, _as_is, Judge(loss, gain))


def _by_metric(watch: Watch, y: FloatArray, weights: FloatArray | None) -> TrialScore:
    """Compare by a metric of its own, whose gain is as sure as it is without each of `BLOCKS` blocks of rows.

    Each block has its part of the rows of each class. Where the metric has no value without one of them, such as AUC without the
    only row of a class, how sure a gain is isn't known, NaN.
    """
    sign = -1 if watch.metric.greater_is_better else 1
    watch = _of_fixed_classes(watch, y)
    codes = watch.answers.true_codes(y) if watch.answers.kind == "class" else None

    def loss(part: FloatArray, at: IntArray) -> float:
        return sign * watch(y[at], part, _at(weights, at))

    def gain(before: FloatArray, after: FloatArray, at: IntArray) -> tuple[float, float]:
        found = loss(before, at) - loss(after, at)
        if (count := min(BLOCKS, len(at))) < 2:
            return found, float("nan")
        order = np.arange(len(at)) if codes is None else np.argsort(codes[at], kind="stable")
        blocks = np.empty(len(at), np.int64)
        blocks[order] = np.arange(len(at)) % count
        each = []
        for block in range(count):
            kept = blocks != block
            each.append(loss(before[kept], at[kept]) - loss(after[kept], at[kept]))
        spread = np.array(each) - np.mean(each)
        return found, float(np.sqrt((count - 1) / count * np.sum(spread**2)))

    return TrialScore(watch.metric.name, sign, _as_is, Judge(loss, gain))


def _of_fixed_classes(watch: Watch, y: FloatArray) -> Watch:
    """Return what watches the same classes on whichever rows: those that its metric is of on all rows of the comparison."""
    metric = watch.metric
    if not metric.rare:
        return watch
    codes = watch.answers.true_codes(y)
    classes = counted_classes(codes, max(2, y.shape[1]))
    return replace(watch, metric=replace(metric, function=partial(metric.function, classes=classes)))


def _as_is(outputs: FloatArray) -> FloatArray:
    return outputs


def _at(weights: FloatArray | None, at: IntArray) -> FloatArray | None:
    return None if weights is None else weights[at]


def _mean_and_error(parts: FloatArray, weights: FloatArray | None) -> tuple[float, float]:
    """Return the weighted mean of rows' parts (n,), and its standard error, which isn't known of one row, NaN."""
    w = np.full(len(parts), 1 / len(parts)) if weights is None else weights / np.sum(weights)
    mean = float(np.sum(w * parts))
    return mean, float(np.sqrt(np.sum((w * (parts - mean)) ** 2))) if len(parts) > 1 else float("nan")
