"""Training against theory: known rates, known optima, what can and can't be learned."""

from dataclasses import replace

import numpy as np
import pytest

from chainrule.engines.base import Data, StepSettings
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import OPTIMIZERS, optimizer
from chainrule.training.initial import initial_parameters
from chainrule.training.loop import fit
from chainrule.training.plan import Plan
from chainrule.training.scores.baselines import linearly_separable

RNG = np.random.default_rng(7)
N, D = 40, 3
X = RNG.normal(size=(N, D)) * [1.0, 2.0, 0.5]
Y = X @ np.array([[1.0], [-2.0], [3.0]]) + RNG.normal(size=(N, 1))
DATA = Data(X, Y, np.arange(N), np.arange(0))
LINEAR = Network([D, Dense(1, bias="none", init="zeros")], "half_squared_error")
WHOLE = StepSettings(optimizer("gradient_descent"), batch_size=N, shuffle=False)
NO_STOPPING = Plan(epochs=200, learning_rate=0.1, early_stopping=False)
BEST = np.linalg.solve(X.T @ X, X.T @ Y)[:, 0]


def steps_of(settings, eta, count, start):
    run = ReferenceEngine().start(LINEAR, start, DATA, settings)
    path = [run.parameters[0].copy()]
    for epoch in range(count):
        run.train_epoch(epoch, np.array([eta]), [0])
        path.append(run.parameters[0].copy())
    return np.array(path)


def test_gradient_descent_contracts_each_direction_at_its_own_rate():
    # C = |Xw - y|^2/2n: along an eigenvector of X^T X/n with eigenvalue l the error shrinks by 1 - eta l in each step.
    values, vectors = np.linalg.eigh(X.T @ X / N)
    eta = 1 / values[-1]
    path = steps_of(WHOLE, eta, 25, np.array([[4.0, -1.0, 2.0]])) - BEST
    along = path @ vectors
    for place, value in enumerate(values):
        want = along[0, place] * (1 - eta * value) ** np.arange(26)
        np.testing.assert_allclose(along[:, place], want, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("factor", "converges"), [(1.98, True), (2.02, False)])
def test_gradient_descent_converges_below_its_known_limit_only(factor, converges):
    # It does if and only if eta < 2/largest eigenvalue.
    largest = np.linalg.eigvalsh(X.T @ X / N)[-1]
    errors = np.linalg.norm(steps_of(WHOLE, factor / largest, 300, np.zeros((1, D))) - BEST, axis=1)
    assert (errors[-1] < 0.1 * errors[0]) == converges
    assert (errors[-1] > 10 * errors[0]) != converges


# ---- XOR, AND, OR

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
TRUTH = {"and": [0, 0, 0, 1], "or": [0, 1, 1, 1], "xor": [0, 1, 1, 0]}


@pytest.mark.parametrize("name", [name for name, record in OPTIMIZERS.items() if record.name != "perceptron"])
def test_a_hidden_layer_learns_xor(name):
    network = Network([2, Dense(4, "tanh"), Dense(1, "sigmoid")], "binary_cross_entropy")
    y = np.array(TRUTH["xor"], float)[:, None]
    data = Data(CORNERS, y, np.arange(4), np.arange(0))
    eta = {
        "adam": 0.1,
        "adamw": 0.1,
        "adam_epsilon_hat": 0.1,
        "rmsprop": 0.05,
        "momentum": 0.5,
        "nesterov": 0.5,
    }.get(name, 2.0)
    settings = StepSettings(optimizer(name), batch_size=4, shuffle=False)
    plan = Plan(epochs=300, learning_rate=eta, early_stopping=False)
    result = fit(ReferenceEngine(), network, initial_parameters(network, 1, 1), data, settings, plan)
    a = ReferenceEngine().predict(network, result.parameters, CORNERS)[0]
    assert (np.abs(a - y) < 0.1).all()


PERCEPTRON = Network([2, Dense(1, "binary_step", init="zeros")], "perceptron")
RULE = StepSettings(optimizer("perceptron"), batch_size=1, shuffle=False)


def perceive(truth, epochs=50):
    data = Data(CORNERS, np.array(truth, float)[:, None], np.arange(4), np.arange(0))
    plan = Plan(epochs=epochs, learning_rate=1.0, early_stopping=False)
    return fit(ReferenceEngine(), PERCEPTRON, np.zeros((1, 3)), data, RULE, plan)


@pytest.mark.parametrize("name", TRUTH)
def test_the_perceptron_learns_what_a_line_separates_and_nothing_else(name):
    result = perceive(TRUTH[name])
    a = ReferenceEngine().predict(PERCEPTRON, result.parameters, CORNERS)[0, :, 0]
    learned = a.tolist() == TRUTH[name]
    assert learned is (name != "xor")
    assert linearly_separable(CORNERS, np.array(TRUTH[name])) is learned
    if learned:  # nothing is wrong, so nothing moves any more
        assert result.history[-1].training_loss == 0.0
        assert perceive(TRUTH[name], 51).parameters.tolist() == result.parameters.tolist()


def test_the_perceptron_makes_rosenblatts_steps():
    # w += y - a times x, b += y - a, row by row, in whole numbers from 0; the step is 1 at 0.
    w, b = np.zeros(2), 0.0
    for _ in range(3):
        for row, target in zip(CORNERS, TRUTH["and"], strict=True):
            guess = 1.0 if w @ row + b >= 0 else 0.0
            w, b = w + (target - guess) * row, b + (target - guess)
    assert perceive(TRUTH["and"], 3).parameters.tolist() == [[*w, b]]


# ---- L-BFGS

LBFGS = StepSettings(optimizer("lbfgs"), batch_size=N, shuffle=False)


def minimized(network=LINEAR, settings=LBFGS, members=1, data=DATA, plan=NO_STOPPING, callback=None):
    start = np.random.default_rng(2).normal(size=(members, Layout(network).size))
    return fit(ReferenceEngine(), network, start, data, settings, plan, callback), start


@pytest.mark.parametrize("early_stopping", [True, False])
def test_lbfgs_finds_the_least_squares_optimum(early_stopping):
    plan = replace(NO_STOPPING, early_stopping=early_stopping)
    result, _ = minimized(members=3, plan=plan)
    assert result.stopped == "converged"
    for member in range(3):
        np.testing.assert_allclose(result.parameters[member], BEST, rtol=1e-6)
    least = float(np.sum((X @ BEST - Y[:, 0]) ** 2) / (2 * N))
    np.testing.assert_allclose(result.losses, least, rtol=1e-10)


@pytest.mark.parametrize("early_stopping", [True, False])
def test_lbfgs_finds_the_ridge_optimum(early_stopping):
    # |Xw - y|^2/2n + l2 |w|^2/2: w = (X^T X/n + l2)^-1 X^T y/n. Its training loss is larger than the least.
    ridge = np.linalg.solve(X.T @ X / N + 5 * np.eye(D), X.T @ Y / N)[:, 0]
    data = DATA
    start = BEST[None] + 1e-3  # training without the penalty would stay here
    plan = replace(NO_STOPPING, early_stopping=early_stopping, patience=1)
    result = fit(ReferenceEngine(), LINEAR, start, data, replace(LBFGS, l2=5.0), plan)
    np.testing.assert_allclose(result.parameters[0], ridge, rtol=1e-5)
    assert result.stopped == "converged"


def test_lbfgs_leaves_frozen_weights_alone_and_minimizes_over_the_rest():
    network = Network([D, Dense(1, bias="none", frozen=["W[2,1]"])], "half_squared_error")
    result, start = minimized(network)
    assert result.parameters[0, 1] == start[0, 1]
    free = [0, 2]
    rest = Y[:, 0] - X[:, 1] * start[0, 1]
    want = np.linalg.lstsq(X[:, free], rest, rcond=None)[0]
    np.testing.assert_allclose(result.parameters[0, free], want, rtol=1e-6)
    all_frozen = Network([D, Dense(1, bias="none", frozen=["W"])], "half_squared_error")
    result, start = minimized(all_frozen)
    np.testing.assert_array_equal(result.parameters, start)


def test_lbfgs_weighs_rows():
    weights = np.random.default_rng(4).uniform(0, 3, N)
    result, _ = minimized(data=replace(DATA, weights=weights))
    want = np.linalg.solve(X.T @ (weights[:, None] * X), X.T @ (weights[:, None] * Y))[:, 0]
    np.testing.assert_allclose(result.parameters[0], want, rtol=1e-6)


def test_lbfgs_stops_when_epochs_are_over_when_asked_or_when_validation_gets_worse():
    result, _ = minimized(plan=replace(NO_STOPPING, epochs=2))
    assert (result.stopped, len(result.history)) == ("epochs", 2)
    result, _ = minimized(members=2, callback=lambda state: state.line.epoch == 3)
    assert (result.stopped, len(result.history)) == ("callback", 3)
    # Validation rows with the opposite sign: every step downhill is one uphill for them.
    split = Data(np.vstack([X, X]), np.vstack([Y, -Y]), np.arange(N), np.arange(N, 2 * N))
    plan = replace(NO_STOPPING, early_stopping=True, patience=2)
    result = fit(ReferenceEngine(), LINEAR, np.zeros((1, D)), split, LBFGS, plan)
    assert (result.stopped, len(result.history)) == ("early stopping", 2)
    assert result.best_epochs == (0,)
    np.testing.assert_array_equal(result.parameters, 0.0)

    def interrupt(state):
        raise KeyboardInterrupt

    result, start = minimized(callback=interrupt)
    assert result.stopped == "interrupted"
    assert (result.parameters != start).all()


def test_lbfgs_says_where_it_can_not_begin():
    start = np.array([[1e200] * D, [0.0] * D])
    with np.errstate(all="ignore"):
        result = fit(ReferenceEngine(), LINEAR, start, DATA, LBFGS, NO_STOPPING)
    assert set(result.diverged) == {0}
    assert result.stopped == "converged"
    np.testing.assert_allclose(result.parameters[1], BEST, rtol=1e-6)
    np.testing.assert_array_equal(result.parameters[0], start[0])
