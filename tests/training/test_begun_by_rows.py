"""What of a training's start is fitted to its rows: scales of telling inputs, cosines of swings, embeddings of rare levels."""

import signal
import time

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression

import chainrule
from chainrule.engines.base import Data
from chainrule.engines.threads import limited_threads
from chainrule.equations.dense import Dense
from chainrule.equations.features import Features
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.training.initial import initial_parameters
from chainrule.training.starts import waves
from chainrule.training.starts.begin import by_rows
from chainrule.training.starts.rare_levels import on_rare_levels
from chainrule.training.starts.screened import BY_CHANCE, on_scales, telling
from chainrule.training.starts.waves import _of_numbers, on_waves, summed, swings


def begun(network, data, members=1):
    """Return the start of a network's members, and its arrays by layer after all that is fitted to the rows."""
    start = initial_parameters(network, members, 0)
    return start, Layout(network).unflatten(by_rows(network, start, data, stage=True, splits=0.0, seed=0))


# ---- how much an input tells


def test_what_an_input_tells_follows_from_an_analysis_of_variance():
    draws = np.random.default_rng(0)
    codes = draws.integers(0, 3, 90)
    x = draws.normal(size=(90, 40))
    x[:, 4] += 1.5 * codes
    x[:, 9] += 1.0 * (codes == 1)
    g = telling(x, np.eye(3)[codes], np.arange(90))
    judged = [stats.f_oneway(*(x[codes == k, j] for k in range(3))) for j in range(40)]
    F, p = (np.array([getattr(one, name) for one in judged]) for name in ("statistic", "pvalue"))
    passed = max(i for i in range(1, 41) if np.sort(p)[i - 1] <= BY_CHANCE * i / 40)
    c = stats.f.isf(BY_CHANCE * passed / 40, 2, 87)
    np.testing.assert_allclose(g, np.sqrt(np.maximum(0, 1 - c / F)), atol=1e-9)
    assert g[4] > 0.9
    assert (g == 0).sum() > 30


def test_a_number_is_told_of_by_its_correlation_and_by_weights():
    draws = np.random.default_rng(1)
    x, w = draws.normal(size=(60, 5)), draws.integers(1, 4, 60).astype(float)
    y = x[:, :1] + draws.normal(size=(60, 1))
    judged = [stats.pearsonr(column, y[:, 0]) for column in x.T]
    passed = max(i for i in range(1, 6) if sorted(one.pvalue for one in judged)[i - 1] <= BY_CHANCE * i / 5)
    r = judged[0].statistic
    F, c = r**2 / ((1 - r**2) / 58), stats.f.isf(BY_CHANCE * passed / 5, 1, 58)
    assert telling(x, y, np.arange(60))[0] == pytest.approx(np.sqrt(1 - c / F))
    # A weight of 0 takes a row out of all sums; the degrees of freedom stay those of all rows.
    w[:20] = 0
    kept = telling(x, y, np.arange(60), w)
    x[:20], y[:20] = 99.0, -99.0
    np.testing.assert_allclose(telling(x, y, np.arange(60), w), kept, rtol=1e-9)


def test_where_nothing_stands_out_all_enter():
    draws = np.random.default_rng(2)
    x = draws.normal(size=(30, 200))
    assert (telling(x, np.ones((30, 1)), np.arange(30)) == 1).all()
    alike = [(telling(x, draws.normal(size=(30, 1)), np.arange(30)) == 1).all() for _ in range(20)]
    assert np.mean(alike) > 0.3  # at a share of a half by chance, about every other time


def test_scales_begin_by_each_members_own_rows():
    draws = np.random.default_rng(3)
    x = draws.normal(size=(40, 60))
    y = x[:, :1] + 0.1 * draws.normal(size=(40, 1))
    stage = Features([("number", 1), ("plain", 59)], scale=True, rates={"s": 0.001})
    network = Network([60, Dense(4), Dense(1)], features=stage)
    folds = np.stack([np.arange(10, 40), np.arange(30)])
    data = Data(x, y, folds, np.stack([np.arange(10), np.arange(30, 40)]))
    start, own = begun(network, data, 2)
    before = Layout(network).unflatten(start)
    s = own[0]["s"]
    assert s.shape == (2, 63)
    assert (s[:, :4] == s[:, :1]).all()  # a number and its embedding
    assert (s[:, 0] > 0.9).all()
    np.testing.assert_allclose(own[1]["W"][0] / before[1]["W"][0], np.sqrt(63 / np.sum(s[0] ** 2)))
    # The rows that a member holds out change nothing of it.
    moved = Data(x.copy(), y.copy(), folds, data.validation)
    moved.x[:10], moved.y[:10] = 5.0, -5.0
    again = Layout(network).unflatten(on_scales(network, start, moved))[0]["s"]
    np.testing.assert_array_equal(again[0], s[0])
    assert (again[1] != s[1]).any()


def test_with_more_rows_than_inputs_scales_begin_at_one():
    x = np.random.default_rng(4).normal(size=(40, 6))
    network = Network([6, Dense(1)], features=Features([("plain", 6)], scale=True))
    start = initial_parameters(network, 1, 0)
    assert on_scales(network, start, Data(x, x[:, :1], np.arange(40), np.arange(0))) is start


# ---- swings


@pytest.mark.parametrize("frequency", [1.5, 4.0, 9.0])
def test_a_swing_is_found_with_its_phase(frequency):
    draws = np.random.default_rng(5)
    x = draws.random(400)
    y = 3 * np.cos(2 * np.pi * frequency * x + 0.7) + x + 0.1 * draws.normal(size=400)
    (found, phase), *_ = swings(x, y[:, None], 4)
    assert found == pytest.approx(frequency, abs=0.05)
    assert phase == pytest.approx(0.7, abs=0.2)


def test_from_chance_no_swing_is_found():
    draws = np.random.default_rng(6)
    x = draws.normal(size=(60, 150))
    found = [swings(row, draws.normal(size=(150, 1)), 4) for row in x]
    assert sum(map(bool, found)) <= 4


def test_a_straight_line_few_values_and_few_rows_have_none():
    x = np.random.default_rng(7).random(100)
    assert swings(x, 3 * x[:, None] + 1, 4) == []
    assert swings(np.round(2 * x), x[:, None], 4) == []
    assert swings(x[:10], np.cos(40 * x[:10, None]), 4) == []
    assert swings(np.ones(100), x[:, None], 4) == []


def test_cosines_begin_with_swings_of_each_members_own_rows():
    draws = np.random.default_rng(8)
    x = draws.random((300, 2))
    y = np.sin(40 * x[:, :1]) + 0.1 * draws.normal(size=(300, 1))
    network = Network([2, Dense(3), Dense(1)], features=Features([("number", 1)] * 2))
    lines = np.stack([np.arange(150), np.arange(150, 300)])
    start, own = begun(network, Data(x, y, lines, lines[::-1]), 2)
    before = Layout(network).unflatten(start)[0]
    found, _ = swings(x[:150, 0], y[:150], 12)[0]
    assert own[0]["f"][0, 0, -1] == pytest.approx(found)
    assert own[0]["f"][0, 0, -1] == pytest.approx(40 / (2 * np.pi), abs=0.3)
    assert (own[0]["f"][:, 1] == before["f"][:, 1]).all()
    assert (own[0]["f"][:, :, :4] == before["f"][:, :, :4]).all()
    plain = Network([2, Dense(3), Dense(1)])
    first = initial_parameters(plain, 2, 0)
    assert on_waves(plain, first, Data(x, y, lines, lines[::-1])) is first


def test_any_number_of_threads_begins_with_the_same_bits():
    draws = np.random.default_rng(2)
    x = draws.uniform(-1, 1, size=(600, 3))
    y = np.sin(30 * x[:, :1]) + np.cos(40 * x[:, 1:2]) + 0.1 * draws.normal(size=(600, 1))
    network = Network([3, Dense(4, "relu"), Dense(1)], features=Features([("number", 1)] * 3))
    folds = np.stack([np.delete(np.arange(600), np.s_[k::5]) for k in range(5)])
    held = np.stack([np.arange(600)[k::5] for k in range(5)])
    start = initial_parameters(network, 5, 0)
    found = []
    for threads in (1, 2, 4, 9):
        with limited_threads(threads):
            found.append(on_waves(network, start, Data(x, y, folds, held)))
    assert all((member != before).any() for member, before in zip(found[0], start, strict=True))
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


def test_weights_that_are_nothing_beside_others_do_no_harm():
    x = np.repeat(np.arange(40.0), 3)
    y, w = np.cos(2 * x)[:, None], np.full(120, 1e10)
    w[:30], w[30:60] = 0.0, 1e-320
    assert swings(x, y, 2, w) == swings(x[60:], y[60:], 2)
    assert swings(x, y, 2, np.zeros(120)) == swings(x[:0], y[:0], 2, w[:0]) == []


@pytest.mark.parametrize("weighted", [False, True])
def test_rows_of_one_value_swing_as_rows_that_differ_by_a_hair(weighted):
    """They are gathered where they are one, and not where they differ, so that each way judges the other."""
    draws = np.random.default_rng(5)
    x = draws.integers(0, 150, 800) / 149
    y = np.cos(2 * np.pi * 7 * x + 1)[:, None] * [1.0, 0.3] + draws.normal(size=(800, 2))
    w = draws.integers(0, 4, 800).astype(float) if weighted else None
    apart = x + np.arange(800) * 1e-12
    assert len(np.unique(apart)) == 800
    one, other = swings(x, y, 4, w), swings(apart, y, 4, w)
    assert len(one) == len(other) > 0
    np.testing.assert_allclose(one, other, rtol=1e-6)
    assert one[0] == pytest.approx((7.0, 1.0), abs=0.3)


def test_ctrl_c_ends_the_search_for_swings(monkeypatch):
    draws = np.random.default_rng(3)
    x, network = (
        draws.uniform(size=(100, 50)),
        Network([50, Dense(2), Dense(1)], features=Features([("number", 1)] * 50)),
    )
    asked = []

    def interrupted(*_):
        asked.append(1)
        if len(asked) == 3:
            signal.raise_signal(signal.SIGINT)
            time.sleep(1)  # this thread isn't the one that hears of it
        return []

    monkeypatch.setattr(waves, "swings", interrupted)
    with limited_threads(1), pytest.raises(KeyboardInterrupt):
        on_waves(network, initial_parameters(network, 1, 0), Data(x, x[:, :1], np.arange(100), np.arange(0)))
    assert len(asked) == 3


def test_a_numbers_first_sum_begins_with_what_its_cosines_tell():
    draws = np.random.default_rng(5)
    x = draws.uniform(-1, 1, size=(400, 2))
    y = np.sign(np.sin(9 * x[:, :1])) + 0.1 * draws.normal(size=(400, 1))
    data = Data(x, y, np.arange(400)[None], np.arange(0))
    features = Features(["number", "number"])
    made = {}
    for output, loss in (("identity", "mean_squared_error"), ("sigmoid", "binary_cross_entropy")):
        network = Network([2, Dense(4, "relu"), Dense(1, output)], loss, features=features)
        drawn, own = begun(network, data)
        made[output] = {name: each[0] for name, each in own[0].items()}
    e = features.forward(made["identity"], x, np).a[:, 1]  # after the number itself
    assert np.corrcoef(e, y[:, 0])[0, 1] > 0.95
    assert (e.mean(), e.std()) == pytest.approx((0, 1), abs=1e-9)
    assert np.abs(np.corrcoef(features.forward(made["sigmoid"], x, np).a[:, 1], y[:, 0])[0, 1]) < 0.9
    # The second number has no swing, and a number's other sums begin as drawn.
    drawn = {name: each[0] for name, each in Layout(network).unflatten(drawn)[0].items()}
    np.testing.assert_array_equal(made["identity"]["V"][1], drawn["V"][1])
    np.testing.assert_array_equal(made["identity"]["V"][:, :, 1:], drawn["V"][:, :, 1:])


def test_cosines_add_up_as_scikit_learns_regression_has_them():
    draws = np.random.default_rng(6)
    x, w = draws.normal(size=80), draws.integers(1, 4, 80).astype(float)
    found = [(0.7, 0.2), (1.9, -1.0)]
    u = np.stack([np.cos(2 * np.pi * f * x + phi) for f, phi in found], axis=1)
    y = u @ [[2.0, 0.0], [-1.0, 3.0]] + 0.5 * x[:, None] + draws.normal(size=(80, 2))
    V, c = summed(x, y, found, w)
    judge = LinearRegression().fit(np.column_stack([x, u]), y, w).coef_.T[1:]
    np.testing.assert_allclose(V / V[:1], judge / judge[:1], rtol=1e-8)
    np.testing.assert_allclose(np.average(u @ V + c, axis=0, weights=w), 0, atol=1e-12)
    np.testing.assert_allclose(np.average((u @ V + c) ** 2, axis=0, weights=w), 1)


def test_rows_of_a_swing_count_by_their_weights():
    draws = np.random.default_rng(10)
    x, w = draws.random(400), draws.integers(1, 4, 400)
    y = 3 * np.cos(2 * np.pi * 4 * x + 0.7)[:, None] + draws.normal(size=(400, 1))
    (one, *_), (other, *_) = swings(x, y, 2, w), swings(np.repeat(x, w), np.repeat(y, w, axis=0), 2)
    assert one == pytest.approx(other, rel=1e-9)
    assert swings(x, y, 2, np.full(400, 3.0))[0] == pytest.approx(swings(x, y, 2)[0], rel=1e-9)
    # A weight of 0 takes a row out, in each number by itself and in both together.
    two = np.stack([x, draws.random(400)], axis=1)
    gone = np.where(np.arange(400) < 100, 0.0, w)
    kept = _of_numbers(two[100:], y[100:], 4, gone[100:])
    assert kept[0]
    two[:100], y[:100] = 0.5, 99.0
    for found, wanted in zip(_of_numbers(two, y, 4, gone), kept, strict=True):
        assert found == [pytest.approx(pair, rel=1e-9) for pair in wanted]


@pytest.mark.parametrize("size", [1e-320, 1e-300, 1e-36, 1e36, 1e306])
def test_numbers_of_no_normal_size_have_no_swings(size):
    x = np.arange(1, 61) * size
    y = np.sin(np.arange(60))[:, None]
    assert swings(x, y, 4) == []
    other, _ = _of_numbers(np.stack([np.arange(60.0), x], axis=1), y, 4)
    assert other
    assert swings(np.arange(60.0), y * 1e200, 4) == []


# ---- by hand


def test_what_is_set_by_hand_stays_so():
    draws = np.random.default_rng(11)
    x = draws.normal(size=(20, 60))
    y = x[:, :1] + 0.1 * draws.normal(size=(20, 1))
    stage = Features([("plain", 60)], scale=True)
    hidden = Dense(4, initial=(("W[1,1]", 0.5), ("b", 0.25)), frozen=("W[1,1]",))
    network = Network([60, hidden, Dense(1)], features=stage)
    start, own = begun(network, Data(x, y, np.arange(20), np.arange(0)), 2)
    before = Layout(network).unflatten(start)
    assert (own[1]["W"][:, 0, 0] == 0.5).all()
    assert (own[1]["b"] == 0.25).all()
    assert (own[1]["W"].ravel() != before[1]["W"].ravel()).sum() == 2 * (60 * 4 - 1)


# ---- rare levels


def test_a_level_begins_by_how_many_rows_it_has():
    network = Network([102, Dense(2), Dense(1)], features=Features([("category", 100), ("plain", 2)]))
    codes = np.array([0] * 30 + [1] * 10 + [2])
    x = np.column_stack([np.eye(100)[codes], np.ones((41, 2))])
    lines = np.stack([np.arange(41), np.r_[np.arange(40), 0]])
    start = initial_parameters(network, 2, 0)
    data = Data(x, np.ones((41, 1)), lines, np.arange(0))
    made = Layout(network).unflatten(on_rare_levels(network, start, data))[0]["E"]
    E = Layout(network).unflatten(start)[0]["E"]
    for level, share in {0: 30 / 40, 1: 10 / 20, 2: 1 / 11, 3: 0.0}.items():
        np.testing.assert_allclose(made[0, level], share * E[0, level])
    assert (made[1, 2] == 0).all()  # which the second member never sees
    # Rows count by their weights, of which only what they are to each other matters.
    weights = np.r_[np.full(30, 0.4), np.full(11, 1.2)]
    weighted = Data(x, np.ones((41, 1)), np.arange(41), np.arange(0), weights)
    own = Layout(network).unflatten(on_rare_levels(network, start, weighted))[0]["E"]
    for level, n in {0: 12 / weights.mean(), 1: 12 / weights.mean(), 2: 1.2 / weights.mean(), 3: 0.0}.items():
        np.testing.assert_allclose(own[:, level], n / (n + 10) * E[:, level])
    narrow = Network([22, Dense(2), Dense(1)], features=Features([("category", 20), ("plain", 2)]))
    first = initial_parameters(narrow, 1, 0)
    assert on_rare_levels(narrow, first, data) is first


# ---- from a table to an answer

SMALL = {"hidden": [16], "recipe": True, "members": 3, "epochs": 60}


@pytest.mark.slow
def test_of_more_columns_than_rows_the_telling_ones_are_learned():
    draws = np.random.default_rng(9)
    codes, x = draws.integers(0, 3, 120), draws.normal(size=(120, 400))
    x[:, 7] += 4 * codes
    table = {f"x{j}": x[:, j].tolist() for j in range(400)} | {"k": [f"c{code}" for code in codes]}
    made = chainrule.train(table, "k", **SMALL)
    assert made.out_of_fold.scores["accuracy"] > 0.7
    without = chainrule.train(table, "k", **SMALL, scaling_layer=False)
    assert without.out_of_fold.scores["accuracy"] < made.out_of_fold.scores["accuracy"] - 0.2
    # Of noise nothing is learned, though out of 400 columns some go with the classes by chance.
    table["k"] = draws.permutation(table["k"]).tolist()
    assert chainrule.train(table, "k", **SMALL).out_of_fold.scores["accuracy"] < 0.5
