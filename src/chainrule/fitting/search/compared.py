"""What trials are compared by: the log-loss, the RMSE or another watched metric of mean outputs, and how sure a gain is.

With m members a fold a row is answered by m members that haven't seen it, a new row by all M. What the mean of M gains over
that of m is known from how far the m lie apart. Let s² be their variance for a row, with m - 1 in its denominator: the mean of M
members has s² (1/m - 1/M) less variance than that of m. Of a squared error so much is taken off, which is exact in the mean, of a
log-loss half of it ÷ p², p the mean probability of what is true (the second term of Taylor's series of -log p). So a mean of
several trials isn't taken for better than one because more networks are in it. Weighted means of trials are made of member 1,
2, … of each, so s² is theirs, and what trials have in common is in it.
"""

from __future__ import annotations

import math
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

    ``of(outputs (m, n, n_out))`` is what of m members' outputs is added up and judged, (n, m, …): its mean over trainings is
    that of the trainings' mean output. ``sign`` is -1 where more is better, so that ``sign * loss`` is the metric.
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
    how = _How(None if weights is None else weights[rows], units_together(prepared, rows), _spared(prepared))
    watch = prepared.resolved.plan.watch
    if watch is not None and watch.metric.of != "sums" and watch.metric.name != "log_loss":
        return _by_metric(watch, y, how)
    several = len(model.target.parts) > 1
    if model.task == "regression" and several:
        # Targets have units of their own, so they are compared as the network has them.
        return _by_squares(lambda outputs, at: outputs - y[at], how)
    if model.task == "regression":
        numbers = model.target.undo(y)
        power = power_of(numbers)
        scaled = without_power(numbers, power)
        return _by_squares(
            lambda outputs, at: without_power(model.target.inverse(outputs), power) - scaled[at], how, power
        )
    if not model.gives_probabilities:
        return _by_metric(
            watch_of("accuracy", Answers("labels" if several else "class", model.loss.signed)), y, how
        )
    if several:
        return _by_logs(lambda outputs: np.where(y > 0.5, outputs, 1 - outputs), how)
    codes = Answers("class").true_codes(y)
    if y.shape[1] == 1 or not model.output.activation.elementwise:
        return _by_logs(lambda outputs: _of_true(outputs, codes), how)
    return _by_logs(lambda outputs: outputs, how, lambda part, at: _of_true(part, codes[at]))


def units_together(prepared: Prepared, rows: IntArray) -> IntArray | None:
    """Return which of ``rows`` (n,) of the arrays belong together by the table's rule, as numbers (n,); None: none do."""
    units = prepared.parting.units
    if units is None or rows.max() >= len(prepared.places):
        return None
    own: IntArray = np.unique(units[prepared.places[rows]], return_inverse=True)[1]
    return None if own.max() + 1 == len(own) else own


def _spared(prepared: Prepared) -> float:
    """Return 1/m - 1/M: the part of the members' variance that the mean of m that answer a row has more than that of all M."""
    resolved = prepared.resolved
    return 1 / resolved.fold_members - 1 / resolved.members if resolved.fold_members > 1 else 0.0


@dataclass(frozen=True, eq=False)
class _How:
    """What rows count (n,), which of them belong together (n,), and the part of the members' variance that is taken off."""

    weights: FloatArray | None = None
    units: IntArray | None = None
    spared: float = 0.0

    def weights_at(self, at: IntArray) -> FloatArray | None:
        return None if self.weights is None else self.weights[at]

    def units_at(self, at: IntArray) -> IntArray | None:
        return None if self.units is None else self.units[at]

    def mean(self, parts: FloatArray, at: IntArray) -> float:
        return float(np.average(parts, weights=self.weights_at(at)))

    def mean_and_error(self, parts: FloatArray, at: IntArray) -> tuple[float, float]:
        """Return the weighted mean of rows' parts (r,), and its standard error, which isn't known of one unit of rows, NaN."""
        weights, units = self.weights_at(at), self.units_at(at)
        w = np.full(len(parts), 1 / len(parts)) if weights is None else weights / np.sum(weights)
        mean = float(np.sum(w * parts))
        away = w * (parts - mean)
        if units is not None:
            away = np.bincount(units, away)[np.unique(units)]
        return mean, float(np.sqrt(np.sum(away**2))) if len(away) > 1 else float("nan")

    def taken_off(self, each: FloatArray) -> FloatArray | float:
        """Return how much less variance the mean of all members has than that of those (r, m, …) there are, (r, …)."""
        return self.spared * np.var(each, axis=1, ddof=1) if self.spared else 0.0


def _of_true(outputs: FloatArray, codes: IntArray) -> FloatArray:
    """Return the probability of each row's own class (n,)."""
    found: FloatArray = np.asarray(Answers("class").probabilities(outputs))[np.arange(len(codes)), codes]
    return found


def _by_logs(
    of: Callable[[FloatArray], FloatArray],
    how: _How,
    true: Callable[[FloatArray, IntArray], FloatArray] = lambda part, at: part,
) -> TrialScore:
    """Compare by the mean of -log p, p the probability of what is true."""

    def each(part: FloatArray, at: IntArray) -> FloatArray:
        p = np.maximum(true(part.mean(axis=1), at), _EPS)
        logs = -np.log(p)
        if how.spared:
            logs -= how.taken_off(_by_member(true, part, at)) / (2 * p**2)
        return logs if logs.ndim == 1 else np.asarray(logs.mean(axis=1))

    def loss(part: FloatArray, at: IntArray) -> float:
        return how.mean(each(part, at), at)

    def gain(before: FloatArray, after: FloatArray, at: IntArray) -> tuple[float, float]:
        return how.mean_and_error(each(before, at) - each(after, at), at)

    return TrialScore("log_loss", 1, partial(_of_members, of), Judge(loss, gain))


def _of_members(of: Callable[[FloatArray], FloatArray], outputs: FloatArray) -> FloatArray:
    """Return ``of`` each member's outputs (m, n, n_out), rows first: (n, m, …)."""
    return np.stack([of(one) for one in outputs], axis=1)


def _by_member(
    function: Callable[[FloatArray, IntArray], FloatArray], part: FloatArray, at: IntArray
) -> FloatArray:
    """Return a function's results for each member's part of (r, m, …), (r, m, …)."""
    return np.stack([function(part[:, member], at) for member in range(part.shape[1])], axis=1)


def _by_squares(
    errors: Callable[[FloatArray, IntArray], FloatArray], how: _How, power: int = 0
) -> TrialScore:
    """Compare by the root of the mean square of errors, which are given divided by 2^power, so that their squares are floats."""

    def squares(part: FloatArray, at: IntArray) -> FloatArray:
        found = errors(part.mean(axis=1), at) ** 2
        if how.spared:
            found -= how.taken_off(_by_member(errors, part, at))
        return np.asarray(found.mean(axis=1))

    def loss(part: FloatArray, at: IntArray) -> float:
        return float(np.ldexp(root(part, at), power))

    def root(part: FloatArray, at: IntArray) -> float:
        with np.errstate(over="ignore"):  # an error too large for a float is infinite
            return math.sqrt(max(0.0, how.mean(squares(part, at), at)))

    def gain(before: FloatArray, after: FloatArray, at: IntArray) -> tuple[float, float]:
        # R0 - R1 = (S0 - S1) / (R0 + R1), S the mean squares.
        with np.errstate(over="ignore", invalid="ignore"):
            mean, error = how.mean_and_error(squares(before, at) - squares(after, at), at)
            roots = root(before, at) + root(after, at)
            if not roots:
                return 0.0, 0.0
            return float(np.ldexp(mean / roots, power)), float(np.ldexp(error / roots, power))

    return TrialScore("rmse", 1, partial(_of_members, _as_is), Judge(loss, gain))


def _by_metric(watch: Watch, y: FloatArray, how: _How) -> TrialScore:
    """Compare by a metric of its own, whose gain is as sure as it is without each of `BLOCKS` blocks of rows.

    Rows that belong together are in one block, and each block has its part of the rows of each class. Where the metric has no
    value without one of them, such as AUC without the only row of a class, how sure a gain is isn't known, NaN.
    """
    sign = -1 if watch.metric.greater_is_better else 1
    watch = _of_fixed_classes(watch, y)
    codes = watch.answers.true_codes(y) if watch.answers.kind == "class" else None

    def loss(part: FloatArray, at: IntArray) -> float:
        return sign * watch(y[at], part.mean(axis=1), how.weights_at(at))

    def gain(before: FloatArray, after: FloatArray, at: IntArray) -> tuple[float, float]:
        found = loss(before, at) - loss(after, at)
        blocks = _blocks(np.zeros(len(at), np.int64) if codes is None else codes[at], how.units_at(at))
        if (count := int(blocks.max()) + 1) < 2:
            return found, float("nan")
        each = []
        for block in range(count):
            kept = blocks != block
            each.append(loss(before[kept], at[kept]) - loss(after[kept], at[kept]))
        spread = np.array(each) - np.mean(each)
        return found, float(np.sqrt((count - 1) / count * np.sum(spread**2)))

    return TrialScore(watch.metric.name, sign, partial(_of_members, _as_is), Judge(loss, gain))


def _blocks(codes: IntArray, units: IntArray | None) -> IntArray:
    """Return the block of each row (r,), by its class (r,): units of rows are dealt out whole, by their mean class."""
    units = np.arange(len(codes)) if units is None else np.unique(units, return_inverse=True)[1]
    order = np.argsort(np.bincount(units, codes) / np.bincount(units), kind="stable")
    blocks: IntArray = np.empty(len(order), np.int64)
    blocks[order] = np.arange(len(order)) % min(BLOCKS, len(order))
    return blocks[units]


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
