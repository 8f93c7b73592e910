"""What trials are compared by: the same classes on all subsets, squares of any size, and errors that are not known."""

import numpy as np
import pytest

from chainrule.equations.answers import Answers
from chainrule.fitting.search.compared import _by_logs, _by_metric, _by_squares, _How
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
    judge = _by_metric(watch(name, Answers("class")), classes_of(codes, 2), _How()).judge
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
    assert judge.loss(outputs[at][:, None], at) == pytest.approx(-wanted)
    planted = metric.function(
        codes[at],
        np.c_[1 - outputs[at], outputs[at]]
        if metric.of == "probabilities"
        else (outputs[at, 0] > 0.5).astype(int),
    )
    assert abs(planted - wanted) > 1e-6


def test_without_a_row_of_its_class_such_a_metric_is_not_known():
    codes = np.array([0, 0, 0, 1, 1])
    judge = _by_metric(watch("f1", Answers("class")), classes_of(codes, 2), _How()).judge
    assert np.isnan(judge.loss(np.full((2, 1, 1), 0.2), np.array([0, 1])))


def test_of_three_classes_it_stays_the_mean_of_those_that_have_rows():
    codes = np.array([0, 0, 0, 1, 1, 2])
    judge = _by_metric(watch("recall", Answers("class")), classes_of(codes, 3), _How()).judge
    outputs = np.eye(3)[[0, 1, 0, 1, 0, 2]]
    # Of rows 0, 1, 3 and 4 each class is right once of twice; class 0 alone counted would say the same of other rows.
    assert judge.loss(outputs[[0, 2, 3, 4]][:, None], np.array([0, 2, 3, 4])) == pytest.approx(-(1 + 0.5) / 2)


@pytest.mark.parametrize("power", [0, 640, -640])
def test_squares_of_errors_of_any_size_are_compared(power):
    rng = np.random.default_rng(0)
    y, first, second = rng.normal(size=(3, 40, 1))
    one, other = first[:, None], second[:, None]
    usual = _by_squares(lambda part, at: part - y[at], _How()).judge
    judge = _by_squares(lambda part, at: part - y[at], _How(), power).judge
    at = np.arange(40)
    assert judge.loss(one, at) == np.ldexp(usual.loss(one, at), power)
    assert judge.gain(one, other, at) == tuple(np.ldexp(usual.gain(one, other, at), power))
    root = np.sqrt(np.mean((first - y) ** 2))
    assert usual.loss(one, at) == pytest.approx(root, rel=1e-12)


def test_how_sure_a_gain_is_is_not_known_without_the_only_row_of_a_class():
    outputs, better = np.linspace(0.1, 0.9, 12)[:, None, None], np.linspace(0.2, 0.9, 12)[:, None, None]
    at = np.arange(12)
    one = classes_of([0] * 6 + [1] + [0] * 5, 2)
    found, error = _by_metric(watch("auc", Answers("class")), one, _How()).judge.gain(outputs, better, at)
    assert np.isfinite(found)
    assert np.isnan(error)


def test_the_blocks_left_out_each_have_their_part_of_each_class():
    # Two rows of the rare class are in different blocks wherever they stand, also 20 rows apart.
    rng = np.random.default_rng(1)
    codes = np.zeros(60, np.int64)
    codes[[5, 25]] = 1
    outputs, better = rng.random((2, 60, 1, 1))
    judge = _by_metric(watch("auc", Answers("class")), classes_of(codes, 2), _How()).judge
    assert all(np.isfinite(judge.gain(outputs, better, np.arange(60))))


def test_a_single_row_does_not_tell_how_sure_a_gain_is():
    at, y = np.arange(1), np.zeros((1, 1))
    for judge in (
        _by_metric(watch("mae", Answers("number")), y, _How()).judge,
        _by_squares(lambda part, at: part - y[at], _How()).judge,
    ):
        found, error = judge.gain(np.ones((1, 1, 1)), np.full((1, 1, 1), 0.5), at)
        assert found == pytest.approx(0.5)
        assert np.isnan(error)


SPARED = 1 / 2 - 1 / 10


def test_two_members_tell_what_the_mean_of_ten_leaves_of_squares():
    # Exact in the mean: over many draws of two members the judged square is that of the mean of ten.
    rng = np.random.default_rng(0)
    n, spread = 60_000, 1.5
    y, bias = rng.normal(size=(n, 1)), 0.4
    ten = y[:, None] + bias + spread * rng.normal(size=(n, 10, 1))
    judge = _by_squares(lambda part, at: part - y[at], _How(spared=SPARED)).judge
    at = np.arange(n)
    wanted = np.sqrt(bias**2 + spread**2 / 10)
    assert judge.loss(ten[:, :2], at) == pytest.approx(wanted, rel=0.02)
    assert np.sqrt(np.mean((ten.mean(axis=1) - y) ** 2)) == pytest.approx(wanted, rel=0.02)
    # The planted error, the mean of two as it is, is far off.
    plain = _by_squares(lambda part, at: part - y[at], _How()).judge.loss(ten[:, :2], at)
    assert plain == pytest.approx(np.sqrt(bias**2 + spread**2 / 2), rel=0.02)


def test_two_members_tell_what_the_mean_of_ten_leaves_of_log_losses():
    rng = np.random.default_rng(1)
    n = 40_000
    p = np.clip(0.6 + 0.15 * rng.normal(size=(n, 10)), 0.05, 0.99)
    at, of_ten = np.arange(n), -np.log(p.mean(axis=1)).mean()
    found = _by_logs(lambda part: part[:, 0], _How(spared=SPARED)).judge.loss(p[:, :2], at)
    plain = _by_logs(lambda part: part[:, 0], _How()).judge.loss(p[:, :2], at)
    assert plain - of_ten > 0.005
    assert abs(found - of_ten) < 0.1 * (plain - of_ten)


def test_a_mean_of_trials_gains_no_more_than_it_does_on_new_rows():
    # Four trials that differ by chance alone: two members of each look better together, ten members are all but the same.
    rng = np.random.default_rng(2)
    n = 20_000
    y = rng.normal(size=(n, 1))
    trials = y + 0.5 + rng.normal(size=(4, 10, n, 1))
    score = _by_squares(lambda part, at: part - y[at], _How(spared=SPARED))
    at = np.arange(n)
    each = [score.of(trial[:2]) for trial in trials]
    found, error = score.judge.gain(each[0], sum(each) / 4, at)
    root = lambda outputs: np.sqrt(np.mean((outputs - y) ** 2))  # noqa: E731
    wanted = root(trials[0].mean(axis=0)) - root(trials.mean(axis=(0, 1)))
    assert found == pytest.approx(wanted, abs=2 * error + 0.002)
    plain = _by_squares(lambda part, at: part - y[at], _How()).judge.gain(each[0], sum(each) / 4, at)[0]
    assert plain > 3 * wanted


def test_a_label_of_each_target_is_judged_by_its_own_spread():
    # By hand: members say 0.5 and 0.7 of one target, 0.8 twice of the other.
    part = np.array([[[0.5, 0.8], [0.7, 0.8]]])
    y = np.ones((1, 2))
    judge = _by_logs(lambda outputs: np.where(y > 0.5, outputs, 1 - outputs), _How(spared=SPARED)).judge
    by_hand = (-np.log(0.6) - SPARED * 0.02 / (2 * 0.36) - np.log(0.8)) / 2
    assert judge.loss(part, np.arange(1)) == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("kind", ["squares", "logs", "mae"])
def test_rows_that_belong_together_say_a_thing_once(kind):
    # Every row 25 times: the error of the gain stays that of the 40 rows, not a fifth of it.
    rng = np.random.default_rng(3)
    y, first, second = rng.uniform(0.2, 0.8, size=(3, 40, 1, 1))
    y = y[:, 0]
    again = np.repeat(np.arange(40), 25)

    def judge(rows, how):
        if kind == "squares":
            return _by_squares(lambda part, at: part - y[rows][at], how).judge
        if kind == "logs":
            return _by_logs(lambda part: part[:, 0], how).judge
        return _by_metric(watch("mae", Answers("number")), y[rows], how).judge

    shape = (lambda a: a[:, :, 0]) if kind == "logs" else (lambda a: a)
    single = judge(np.arange(40), _How()).gain(shape(first), shape(second), np.arange(40))
    units = _How(units=again)
    together = judge(again, units).gain(shape(first[again]), shape(second[again]), np.arange(1000))
    np.testing.assert_allclose(together, single, rtol=1e-9)
    apart = judge(again, _How()).gain(shape(first[again]), shape(second[again]), np.arange(1000))
    assert apart[1] < 0.5 * single[1]


def test_one_unit_does_not_tell_how_sure_a_gain_is():
    at, y = np.arange(6), np.zeros((6, 1))
    how = _How(units=np.full(6, 4))
    for judge in (
        _by_metric(watch("mae", Answers("number")), y, how).judge,
        _by_squares(lambda part, at: part - y[at], how).judge,
    ):
        assert np.isnan(judge.gain(np.ones((6, 1, 1)), np.full((6, 1, 1), 0.5), at)[1])
