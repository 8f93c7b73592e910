"""Greedy weights: each pick is the best there is, an oracle gets the weight, and noise leaves the default alone."""

import numpy as np
import pytest

from chainrule.fitting.search.weights import Judge, greedy, picked


def squares(y: np.ndarray) -> Judge:
    """Judge answers by their mean square error."""

    def loss(answers, rows):
        return float(np.mean((answers - y[rows]) ** 2))

    def gain(before, after, rows):
        parts = (before - y[rows]) ** 2 - (after - y[rows]) ** 2
        return float(parts.mean()), float(parts.std() / np.sqrt(len(parts)))

    return Judge(loss, gain)


def by_hand(answers, y, picks):
    """The same picks by trying out each, from the best mean of the best one, two or three."""
    loss = lambda chosen: float(np.mean((sum(answers[t] for t in chosen) / len(chosen) - y) ** 2))  # noqa: E731
    order = sorted(range(len(answers)), key=lambda t: (loss([t]), t))
    chosen = min((order[:m] for m in range(1, min(3, len(answers), picks) + 1)), key=loss)
    chosen = list(chosen)
    while len(chosen) < picks:
        chosen.append(min(range(len(answers)), key=lambda t: (loss([*chosen, t]), t)))
    return tuple(chosen)


@pytest.mark.parametrize("seed", range(5))
def test_each_pick_is_the_best_of_all(seed):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=30)
    answers = [y + rng.normal(scale=s, size=30) for s in (0.5, 0.6, 0.7, 0.9)]
    for picks in (1, 2, 5, 9):
        found = greedy(answers, lambda mean: squares(y).loss(mean, np.arange(30)), picks)
        assert found == by_hand(answers, y, picks)


def test_an_oracle_among_the_trials_gets_the_weight():
    rng = np.random.default_rng(1)
    y = rng.normal(size=400)
    answers = [y + rng.normal(scale=s, size=400) for s in (1.0, 0.8, 1e-6, 0.9)]
    found = picked(answers, squares(y), seed=0)
    assert found.weights == (0.0, 0.0, 1.0, 0.0)
    assert found.gain > 10 * found.error
    assert not found.is_default


def test_independent_errors_are_averaged():
    rng = np.random.default_rng(2)
    y = rng.normal(size=2000)
    answers = [y + rng.normal(size=2000) for _ in range(4)]
    found = picked(answers, squares(y), seed=0)
    # The best weights of four errors of the same size are a quarter each, and leave a quarter of the square.
    np.testing.assert_allclose(found.weights, 0.25, atol=0.06)
    assert found.gain == pytest.approx(0.75, abs=0.08)
    assert sum(found.weights) == pytest.approx(1)


def test_the_weights_are_those_that_were_judged():
    # The mean of what is picked outside of each part, by the number of picks that is best on the parts.
    rng = np.random.default_rng(7)
    y = rng.normal(size=60)
    answers = [y + rng.normal(scale=s, size=60) for s in (0.9, 0.6, 0.7, 0.65)]
    parts = np.array_split(np.arange(60), 3)
    found = picked(answers, squares(y), 0, parts, most=6)
    assert not found.is_default
    counts = np.zeros(4)
    for part in parts:
        rest = np.setdiff1d(np.arange(60), part)
        chosen = by_hand([one[rest] for one in answers], y[rest], 6)[: found.picks]
        counts += np.bincount(chosen, minlength=4)
    np.testing.assert_allclose(found.weights, counts / counts.sum(), rtol=1e-12)
    assert sum(found.weights) == pytest.approx(1, abs=1e-12)


def test_where_the_default_is_best_it_is_kept_alone():
    kept = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y = rng.normal(size=200)
        default = y + rng.normal(size=200)
        answers = [default, *(default + rng.normal(scale=1.5, size=200) for _ in range(6))]
        found = picked(answers, squares(y), seed=seed)
        assert found.is_default == (found.gain <= max(found.error, 1e-9))
        kept += found.is_default
    # What is no gain looks like one of more than a standard error in 16 of 100 cases.
    assert kept >= 16


def test_a_gain_within_its_error_is_none():
    y = np.zeros(50)
    default = np.ones(50)
    other = np.where(np.arange(50) < 26, 0.0, np.sqrt(2.0))  # better on 26 rows, worse by as much on 24
    found = picked([default, other], squares(y), seed=0, most=1)
    assert found.is_default


def test_a_single_trial_or_a_single_row_has_nothing_to_weigh():
    y = np.zeros(3)
    assert picked([np.ones(3)], squares(y), 0).weights == (1.0,)
    assert picked([np.ones(1), np.zeros(1)], squares(np.zeros(1)), 0).weights == (1.0, 0.0)


def test_the_default_is_kept_where_a_gain_or_its_error_is_not_known():
    y = np.zeros(50)
    answers = [np.ones(50), np.zeros(50)]
    sure = squares(y)
    assert not picked(answers, sure, 0).is_default
    for gain in ((1.0, np.nan), (np.nan, 0.1), (np.inf, 0.1), (1.0, np.inf)):
        found = picked(answers, Judge(sure.loss, lambda before, after, rows, gain=gain: gain), 0)
        assert found.is_default, gain


def test_parts_without_a_metric_pick_the_default():
    y = np.zeros(50)
    sure = squares(y)
    judge = Judge(lambda mean, rows: np.nan if len(rows) < 50 else sure.loss(mean, rows), sure.gain)
    found = picked([np.ones(50), np.zeros(50)], judge, 0)
    assert found.is_default
    assert found.gain == 0


def test_the_guard_judges_on_the_parts_that_are_given():
    seen = []

    def loss(mean, rows):
        seen.append(tuple(rows.tolist()))
        return float(np.mean(mean**2))

    parts = [np.array([0, 1, 2]), np.array([3, 5]), np.array([4])]
    answers = [np.ones(6), np.full(6, 0.5)]
    picked(answers, Judge(loss, squares(np.zeros(6)).gain), 0, parts, most=2)
    assert {(3, 4, 5), (0, 1, 2, 4), (0, 1, 2, 3, 5), (0, 1, 2, 3, 4, 5)} == set(seen)
    found = picked(answers, squares(np.zeros(6)), 0, [np.arange(6)])
    assert found.is_default
    assert np.isnan(found.error)
