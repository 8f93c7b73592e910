"""How far levels of wide categories enter the linear start: by rows left out, against scikit-learn on scaled columns."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model import Ridge as JudgedRidge

from chainrule.engines.base import Data
from chainrule.equations.dense import Dense
from chainrule.equations.features import Features
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.training.initial import initial_parameters
from chainrule.training.starts import linear_path
from chainrule.training.starts.begin import by_rows
from chainrule.training.starts.drawn_in import FACTORS, drawn_in, wide_blocks
from chainrule.training.starts.linear_cost import LinearCost, Slopes
from chainrule.training.starts.linear_path import STRENGTHS, penalized, ridge

ROWS, LEVELS = 240, 100


def network(output: Dense, loss: str) -> Network:
    """Two plain inputs, a category that tells, one that doesn't, and a narrow one."""
    groups = [("plain", 2), ("category", LEVELS), ("category", LEVELS), ("category", 12)]
    return Network([2 + 2 * LEVELS + 12, Dense(4, "tanh"), output], loss, features=Features(groups))


NUMBERS = network(Dense(1, linear_path=True), "mean_squared_error")
CLASSES = network(Dense(1, "sigmoid", linear_path=True), "binary_cross_entropy")


@pytest.fixture
def table(rng):
    a, telling, idle, narrow = (
        rng.normal(size=(ROWS, 2)),
        *(rng.integers(0, k, ROWS) for k in (LEVELS, LEVELS, 12)),
    )
    x = np.hstack([a, np.eye(LEVELS)[telling], np.eye(LEVELS)[idle], np.eye(12)[narrow]])
    y = a[:, :1] + 2 * rng.normal(size=LEVELS)[telling, None] + 0.3 * rng.normal(size=(ROWS, 1))
    return x, y


def test_wide_blocks_are_those_of_many_inputs():
    assert wide_blocks(NUMBERS) == [slice(2, 102), slice(102, 202)]
    assert wide_blocks(Network([3, Dense(1)])) == []


@pytest.mark.parametrize("many", [40, 400])  # fewer and more rows than inputs: two ways to the same
def test_ridge_of_scaled_inputs_is_scikit_learns(many, rng):
    x, scale = rng.normal(size=(many, 60)), rng.choice([0.0, 0.1, 1.0], 60)
    y = x[:, :3] @ rng.normal(size=(3, 2)) + rng.normal(size=(many, 2))
    found = ridge(x, y, scale=scale)
    assert np.isfinite(found.strength)
    judge = JudgedRidge(alpha=many * found.strength, solver="svd").fit(x * scale, y)
    np.testing.assert_allclose(found.S, judge.coef_.T * scale[:, None], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.b, judge.intercept_, rtol=1e-7)


def test_more_inputs_than_rows_leave_each_row_out_as_by_force(rng):
    x, y = rng.normal(size=(12, 30)), rng.normal(size=(12, 1))
    rest = [np.delete(np.arange(12), out) for out in range(12)]
    for place in (4, 9):
        errors = []
        for out in range(12):
            judge = JudgedRidge(alpha=12 * STRENGTHS[place], solver="svd").fit(x[rest[out]], y[rest[out], 0])
            errors.append((y[out, 0] - judge.predict(x[[out]])[0]) ** 2)
        assert ridge(x, y).left_out[place] == pytest.approx(np.mean(errors), rel=1e-7)


def test_a_scaled_logistic_regression_is_scikit_learns(table):
    x, y = table[0], (table[1] > 0).astype(float)
    scale = np.ones(x.shape[1])
    scale[2:102], scale[102:202] = 0.3, 0.0
    one = LinearCost(CLASSES, x, y, np.full(ROWS, 1 / ROWS), scale)
    found = one.solved(1e-3, Slopes(np.zeros((x.shape[1], 1)), np.zeros(1)), {"maxiter": 1000, "ftol": 1e-14})
    judge = LogisticRegression(C=1 / (2e-3 * ROWS), tol=1e-10, max_iter=5000).fit(x * scale, y[:, 0])
    np.testing.assert_allclose(found.S[:, 0], judge.coef_[0] * scale, atol=2e-3)
    assert not found.S[102:202].any()


def test_a_block_enters_as_far_as_it_helps_more_than_by_chance():
    best = [(slice(0, 2), 0.3), (slice(2, 4), 0.0)]

    def cost(scale):
        return 1 + sum(abs(scale[block.start] - wanted) for block, wanted in best)

    np.testing.assert_array_equal(
        drawn_in([block for block, _ in best], 5, 400, cost, cost(np.ones(5))), [0.3, 0.3, 0, 0, 1]
    )
    # The planted fault: a gain of less than 4 rows' share of the cost is chance, and the column is left out.
    for gain, wanted in ((0.005, 0.0), (0.02, 1.0)):
        made = drawn_in([slice(0, 2)], 2, 400, lambda scale, gain=gain: 1 - gain * scale[0], 1 - gain)
        assert set(made) == {wanted}
    assert sorted(FACTORS) == [0.0, 0.1, 0.3]


@pytest.mark.parametrize(
    "way",
    [
        "decomposed",
        pytest.param("searched for", marks=pytest.mark.slow),
        pytest.param("classes", marks=pytest.mark.slow),
    ],
)
def test_a_category_that_tells_nothing_is_left_out_of_path_and_layers(way, table, monkeypatch):
    x, y = table
    made = CLASSES if way == "classes" else NUMBERS
    y = (y > 0).astype(float) if way == "classes" else y
    if way == "searched for":
        monkeypatch.setattr(linear_path, "EXACT", 5)
    train = np.stack([np.arange(0, 200), np.arange(40, 240)])
    data = Data(x, y, train, np.stack([np.arange(200, 240), np.arange(40)]))
    drawn = initial_parameters(made, 2, 0)
    start = Layout(made).unflatten(by_rows(made, drawn.copy(), data, stage=True, splits=0.0, seed=0))
    S, E, W = start[2]["S"], start[0]["E"], start[1]["W"]
    assert S[:, 2:102].any()
    assert not S[:, 102:202].any()
    assert [bool(E[:, each].any()) for each in (slice(100), slice(100, 200), slice(200, None))] == [
        True,
        False,
        True,
    ]
    outputs = made.features.column_map.level_to[1]
    assert not W[:, outputs].any()
    assert np.delete(W, np.r_[outputs], axis=1).all()
    # Without a start by the rows the hidden layers begin as drawn.
    plain = Layout(made).unflatten(by_rows(made, drawn.copy(), data, stage=False, splits=0.0, seed=0))
    np.testing.assert_array_equal(plain[0]["E"], Layout(made).unflatten(drawn)[0]["E"])


def test_what_is_left_out_stays_so(table):
    x, y = table
    data = Data(x, y, np.arange(ROWS)[None], np.arange(0))
    flat = by_rows(NUMBERS, initial_parameters(NUMBERS, 1, 0), data, stage=True, splits=0.0, seed=0)
    p = {
        layer: {name: each[0] for name, each in own.items()}
        for layer, own in Layout(NUMBERS).unflatten(flat).items()
    }
    p[2]["W"] = np.ones_like(p[2]["W"])  # at the start the output takes nothing from the hidden layers yet
    gradients = NUMBERS.backward(p, NUMBERS.forward(p, x, np), y, np).parameters
    outputs = NUMBERS.features.column_map.level_to[1]
    assert np.any(gradients[0]["E"][:100])
    assert np.any(np.delete(gradients[1]["W"], np.r_[outputs], axis=0))
    assert not np.any(gradients[0]["E"][100:200])
    assert not np.any(gradients[1]["W"][outputs])


@pytest.mark.slow
def test_searched_lines_keep_a_wide_category_that_tells(table):
    x, y = table
    lines = np.stack([np.arange(0, 200), np.arange(40, 240)])
    found = penalized(NUMBERS, Data(x, y, lines, lines[:, :0]))
    held = [np.arange(200, 240), np.arange(40)]
    left = [np.mean((x[h] @ one.S + one.b - y[h]) ** 2) for one, h in zip(found, held, strict=True)]
    assert np.mean(left) < 0.6 * y.var()
