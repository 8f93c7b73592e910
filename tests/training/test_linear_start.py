"""The start of a linear path: ridge regression with the strength that leaves each row out, against scikit-learn and by force."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.linear_model import Ridge as JudgedRidge

from chainrule.engines.base import Data
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout, TabMLayout
from chainrule.equations.network import Network
from chainrule.training.initial import initial_parameters
from chainrule.training.starts import linear_path
from chainrule.training.starts.linear_cost import LinearCost, Slopes
from chainrule.training.starts.linear_path import STRENGTHS, on_linear_path, penalized, ridge


def rows(rng, n=60, d=5, outputs=2):
    x = rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
    return x, x @ rng.normal(size=(d, outputs)) + 0.5 * rng.normal(size=(n, outputs)) + 3


def test_strength_and_solution_are_scikit_learns(rng):
    x, y = rows(rng)
    found = ridge(x, y)
    judge = RidgeCV(alphas=[60 * strength for strength in STRENGTHS]).fit(
        x, y
    )  # its penalty is on a sum of squares
    assert found.strength * 60 == pytest.approx(judge.alpha_)
    np.testing.assert_allclose(found.S, judge.coef_.T, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found.b, judge.intercept_, rtol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
def test_each_row_left_out_is_answered_as_if_it_had_not_been_there(weighted, rng):
    x, y = rows(rng, 14, 3, 1)
    w = rng.uniform(0.3, 2, 14) if weighted else None
    own = np.ones(14) if w is None else w
    by_force = []
    for strength in STRENGTHS:
        total = 0.0
        for out in range(14):
            rest = np.arange(14) != out
            # Without the row the penalty stays what it was beside the sum of squares of all.
            judge = JudgedRidge(alpha=strength * own.sum()).fit(x[rest], y[rest, 0], own[rest])
            total += own[out] * (y[out, 0] - judge.predict(x[out : out + 1])[0]) ** 2
        by_force.append(total / own.sum())
    np.testing.assert_allclose(ridge(x, y, w).left_out[:-1], by_force, rtol=1e-7)


def test_from_noise_it_steps_back_to_the_mean(rng):
    x, y = rng.normal(size=(40, 20)), rng.normal(size=(40, 1))
    found = ridge(x, y)
    assert found.strength == np.inf
    np.testing.assert_array_equal(found.S, np.zeros((20, 1)))
    np.testing.assert_allclose(found.b, y.mean(axis=0))


def test_more_inputs_than_rows_and_inputs_that_never_move(rng):
    x = np.hstack([rng.normal(size=(20, 40)), np.ones((20, 1)), np.zeros((20, 1))])
    found = ridge(x, x[:, :1] * 2)
    assert np.isfinite(found.S).all()
    np.testing.assert_allclose(found.S[-2:], 0, atol=1e-12)


NETWORK = Network([5, Dense(4, "tanh"), Dense(2, linear_path=True)], "mean_squared_error")


def test_a_training_begins_with_each_members_own_ridge(rng):
    x, y = rows(rng)
    folds = np.stack([np.arange(40), np.arange(20, 60)])
    data = Data(x, y, folds, np.stack([np.arange(40, 60), np.arange(20)]))
    start = on_linear_path(NETWORK, initial_parameters(NETWORK, 2, 0), data)
    layout = Layout(NETWORK)
    for flat, train in zip(start, folds, strict=True):
        own = ridge(x[train], y[train])
        made = NETWORK.forward(layout.unflatten(flat), x, np).a
        np.testing.assert_allclose(made, x @ own.S + own.b, rtol=1e-12)
    # The rows that a member holds out have no part in it.
    moved = y.copy()
    moved[40:] += 100.0
    again = on_linear_path(NETWORK, initial_parameters(NETWORK, 2, 0), Data(x, moved, folds, data.validation))
    np.testing.assert_array_equal(again[0], start[0])
    assert not np.array_equal(again[1], start[1])


def test_members_that_share_begin_with_it_too(rng):
    x, y = rows(rng)
    data = Data(x, y, np.arange(60), np.arange(0))
    theta = on_linear_path(NETWORK, initial_parameters(NETWORK, 3, 0, sharing="tabm"), data, "tabm")
    own = ridge(x, y)
    for flat in TabMLayout(NETWORK, 3).expand(theta[0]):
        made = NETWORK.forward(Layout(NETWORK).unflatten(flat), x, np).a
        np.testing.assert_allclose(made, x @ own.S + own.b, rtol=1e-12)


@pytest.mark.parametrize(
    "network",
    [
        Network([5, Dense(4, "tanh"), Dense(2)]),
        Network([5, Dense(4, "tanh"), Dense(2, "tanh", linear_path=True)]),
        Network([5, Dense(4, "tanh"), Dense(2, linear_path=True, initial={"S[1,1]": 0.5})]),
        Network([5, Dense(4, "tanh"), Dense(2, linear_path=True, frozen=("S",))]),
    ],
    ids=["none", "not linear", "set by hand", "frozen"],
)
def test_elsewhere_it_begins_as_drawn(network, rng):
    x, y = rows(rng)
    start = initial_parameters(network, 1, 0)
    assert on_linear_path(network, start, Data(x, y, np.arange(60), np.arange(0))) is start


def test_it_is_not_chosen_by_the_rows_it_was_fitted_to(rng):
    x, y = rng.normal(size=(30, 25)), rng.normal(size=(30, 1))
    # The planted fault: residuals of the rows that were fitted, of which nearly nothing is left even from noise.
    leaking = [
        np.mean((y - JudgedRidge(alpha=30 * s).fit(x, y).predict(x).reshape(y.shape)) ** 2) for s in STRENGTHS
    ]
    assert np.argmin(leaking) == 0
    assert np.argmin(ridge(x, y).left_out) > 5


# ---- searched for: classes, and more inputs than are decomposed


def classes(rng, n=300, d=4, k=3):
    x = rng.normal(size=(n, d))
    z = x @ rng.normal(size=(d, k)) * 1.5
    return x, np.eye(k)[(z + rng.gumbel(size=z.shape)).argmax(axis=1)]


OF_CLASSES = Network(
    [4, Dense(3, "tanh"), Dense(3, "softmax", linear_path=True)], "categorical_cross_entropy"
)


def test_a_solution_is_scikit_learns_logistic_regression(rng):
    x, y = classes(rng)
    weights = np.full(300, 1 / 300)
    start = Slopes(np.zeros((4, 3)), np.zeros(3))
    found = LinearCost(OF_CLASSES, x, y, weights).solved(1e-2, start)
    judge = LogisticRegression(C=1 / (2 * 1e-2 * 300), tol=1e-10, max_iter=1000).fit(x, y.argmax(axis=1))
    mine = x @ found.S + found.b
    wanted = x @ judge.coef_.T + judge.intercept_
    np.testing.assert_allclose(
        mine - mine.mean(axis=1, keepdims=True), wanted - wanted.mean(axis=1, keepdims=True), atol=0.02
    )
    sparse = LinearCost(OF_CLASSES, csr_array(x), y, weights).solved(1e-2, start)
    np.testing.assert_allclose(sparse.S, found.S, atol=1e-6)


def test_its_gradient_is_that_of_differences(rng, monkeypatch):
    x, y = classes(rng, 40)
    seen = []

    def minimize(function, begun, **how):
        flat = rng.normal(size=len(begun))
        slopes = [
            (function(flat + move)[0] - function(flat - move)[0]) / 2e-6 for move in 1e-6 * np.eye(len(flat))
        ]
        np.testing.assert_allclose(function(flat)[1], slopes, atol=1e-8)
        seen.append(True)
        return type("Found", (), {"x": begun})

    monkeypatch.setattr("scipy.optimize.minimize", minimize)
    LinearCost(OF_CLASSES, x, y, np.full(40, 1 / 40)).solved(0.3, Slopes(np.zeros((4, 3)), np.zeros(3)))
    assert seen


def test_the_strength_is_the_one_that_is_best_on_what_each_line_leaves_out(rng):
    x, y = classes(rng)
    train = np.stack([np.arange(200), np.arange(100, 300)])
    found = penalized(OF_CLASSES, Data(x, y, train, train[:, :0]))
    held = [np.arange(200, 300), np.arange(100)]

    def cost(lines):
        parts = zip(lines, held, strict=True)
        return np.mean([LinearCost(OF_CLASSES, x[h], y[h], np.full(100, 0.01)).cost(one) for one, h in parts])

    none = [Slopes(np.zeros((4, 3)), np.log(y[rows].mean(axis=0))) for rows in train]
    assert cost(found) < 0.8 * cost(none)
    # From labels that have nothing to do with the inputs it steps back to the classes' shares.
    noise = np.eye(3)[rng.integers(0, 3, 300)]
    wide = np.hstack([x, rng.normal(size=(300, 36))])
    network = Network(
        [40, Dense(3, "tanh"), Dense(3, "softmax", linear_path=True)], "categorical_cross_entropy"
    )
    for one, rows in zip(penalized(network, Data(wide, noise, train, train[:, :0])), train, strict=True):
        shares = np.exp(one.b) / np.exp(one.b).sum()
        assert np.abs(one.S).max() < 0.1
        np.testing.assert_allclose(shares, noise[rows].mean(axis=0), atol=0.01)


def test_numbers_with_more_inputs_are_searched_for_and_come_to_the_same(rng, monkeypatch):
    x, y = rows(rng, 200, 6, 1)
    network = Network([6, Dense(4, "tanh"), Dense(1, linear_path=True)], "mean_squared_error")
    data = Data(x, (y - y.mean()) / y.std(), np.arange(200), np.arange(0))
    exact = on_linear_path(network, initial_parameters(network, 1, 0), data)
    monkeypatch.setattr(linear_path, "EXACT", 5)
    searched = on_linear_path(network, initial_parameters(network, 1, 0), data)
    answers = [network.forward(Layout(network).unflatten(flat[0]), x, np).a for flat in (exact, searched)]
    assert np.abs(answers[0] - answers[1]).max() < 0.05
    assert not np.array_equal(exact, searched)


@pytest.mark.parametrize("weighted", [False, True])
def test_ridge_in_blocks_of_rows_is_ridge(weighted, monkeypatch):
    draws = np.random.default_rng(3)
    x = draws.standard_normal((500, 6)) @ draws.standard_normal((6, 9))
    y = x[:, :2] + draws.standard_normal((500, 2))
    weights = draws.uniform(0.1, 2, 500) if weighted else None
    some = draws.permutation(500)[:400]
    whole = ridge(x, y, weights, some)
    alone = ridge(x[some], y[some], None if weights is None else weights[some])
    assert (whole.S.tobytes(), whole.b.tobytes()) == (alone.S.tobytes(), alone.b.tobytes())
    monkeypatch.setattr(linear_path, "MOST_NUMBERS", 1000)
    blocks = ridge(x, y, weights, some)
    assert blocks.strength == whole.strength
    assert blocks.left_out == pytest.approx(whole.left_out, rel=1e-9)
    assert pytest.approx(whole.S, rel=1e-6, abs=1e-9) == blocks.S


@pytest.mark.parametrize("exact", [500, 3])
def test_numbers_too_large_for_a_linear_model_leave_the_start_as_drawn(exact, rng, monkeypatch):
    x, y = rows(rng)
    monkeypatch.setattr(linear_path, "EXACT", exact)
    start = initial_parameters(NETWORK, 1, 0)
    for many in (1e200, 1e308):
        huge = Data(many * np.clip(x, -1, 1), y, np.arange(60), np.arange(0))
        found = on_linear_path(NETWORK, start, huge)
        assert np.isfinite(found).all()
