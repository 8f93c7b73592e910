"""What trials are compared by: the same classes on all subsets, squares of any size, and errors that are not known."""

import numpy as np
import pytest

from chainrule.equations.answers import Answers
from chainrule.fitting.search.compared import _by_metric, _by_squares
from chainrule.training.scores.metrics import METRICS
from chainrule.training.scores.watch import watch


def classes_of(codes, n):
    """Targets of classes as the network has them: one output for two, else one-hot."""
    codes = np.asarray(codes)
    return codes[:, None].astype(float) if n == 2 else np.eye(n)[codes]


@pytest.mark.parametrize("name", ["f1", "precision", "recall", "average_precision"])
def test_a_metric_of_the_rarer_class_is_of_the_same_one_on_every_subset(name):
    # Class 0 is the rarer one of all rows; of the five taken it is class 1.
    codes = np.array([1, 1, 1, 1, 0, 1, 1, 0, 0, 0, 1, 1])
    outputs = np.array([0.9, 0.8, 0.3, 0.7, 0.2, 0.6, 0.9, 0.1, 0.4, 0.7, 0.8, 0.9])[:, None]
    judge = _by_metric(watch(name, Answers("class")), classes_of(codes, 2), None).judge
    at = np.array([4, 5, 7, 8, 9])
    assert np.count_nonzero(codes == 0) < np.count_nonzero(codes == 1)
    assert np.count_nonzero(codes[at] == 1) < np.count_nonzero(codes[at] == 0)
    metric = METRICS[name]
    # The same of the mirrored question, of which 20 more rows of the other class make class 1 the rarer one.
    mirrored, p = 1 - codes[at], 1 - outputs[at, 0]
    extra = np.zeros(20, np.int64)
    y = np.r_[mirrored, extra]
    answered = np.r_[p, np.zeros(20)]
    if metric.of == "probabilities":
        wanted = metric.function(y, np.stack([1 - answered, answered], axis=1))
    else:
        wanted = metric.function(y, (answered > 0.5).astype(int))
    assert judge.loss(outputs[at], at) == pytest.approx(-wanted)
    planted = metric.function(
        codes[at],
        np.c_[1 - outputs[at], outputs[at]]
        if metric.of == "probabilities"
        else (outputs[at, 0] > 0.5).astype(int),
    )
    assert abs(planted - wanted) > 1e-6


def test_without_a_row_of_its_class_such_a_metric_is_not_known():
    codes = np.array([0, 0, 0, 1, 1])
    judge = _by_metric(watch("f1", Answers("class")), classes_of(codes, 2), None).judge
    assert np.isnan(judge.loss(np.full((2, 1), 0.2), np.array([0, 1])))


def test_of_three_classes_it_stays_the_mean_of_those_that_have_rows():
    codes = np.array([0, 0, 0, 1, 1, 2])
    judge = _by_metric(watch("recall", Answers("class")), classes_of(codes, 3), None).judge
    outputs = np.eye(3)[[0, 1, 0, 1, 0, 2]]
    # Of rows 0, 1, 3 and 4 each class is right once of twice; class 0 alone counted would say the same of other rows.
    assert judge.loss(outputs[[0, 2, 3, 4]], np.array([0, 2, 3, 4])) == pytest.approx(-(1 + 0.5) / 2)


@pytest.mark.parametrize("power", [0, 640, -640])
def test_squares_of_errors_of_any_size_are_compared(power):
    rng = np.random.default_rng(0)
    y, first, second = rng.normal(size=(3, 40, 1))
    usual = _by_squares(lambda part, at: part - y[at], None).judge
    judge = _by_squares(lambda part, at: part - y[at], None, power).judge
    at = np.arange(40)
    assert judge.loss(first, at) == np.ldexp(usual.loss(first, at), power)
    assert judge.gain(first, second, at) == tuple(np.ldexp(usual.gain(first, second, at), power))
    root = np.sqrt(np.mean((first - y) ** 2))
    assert usual.loss(first, at) == pytest.approx(root, rel=1e-12)


def test_how_sure_a_gain_is_is_not_known_without_the_only_row_of_a_class():
    outputs, better = np.linspace(0.1, 0.9, 12)[:, None], np.linspace(0.2, 0.9, 12)[:, None]
    at = np.arange(12)
    one = classes_of([0] * 6 + [1] + [0] * 5, 2)
    found, error = _by_metric(watch("auc", Answers("class")), one, None).judge.gain(outputs, better, at)
    assert np.isfinite(found)
    assert np.isnan(error)


def test_the_blocks_left_out_each_have_their_part_of_each_class():
    # Two rows of the rare class are in different blocks wherever they stand, also 20 rows apart.
    rng = np.random.default_rng(1)
    codes = np.zeros(60, np.int64)
    codes[[5, 25]] = 1
    outputs, better = rng.random((2, 60, 1))
    judge = _by_metric(watch("auc", Answers("class")), classes_of(codes, 2), None).judge
    assert all(np.isfinite(judge.gain(outputs, better, np.arange(60))))


def test_a_single_row_does_not_tell_how_sure_a_gain_is():
    at, y = np.arange(1), np.zeros((1, 1))
    for judge in (
        _by_metric(watch("mae", Answers("number")), y, None).judge,
        _by_squares(lambda part, at: part - y[at], None).judge,
    ):
        found, error = judge.gain(np.ones((1, 1)), np.full((1, 1), 0.5), at)
        assert found == pytest.approx(0.5)
        assert np.isnan(error)
