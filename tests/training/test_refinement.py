"""Refinement against SciPy's minimum, and its laws; early stopping that looks at it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

import chainrule
from chainrule.engines import engine_named
from chainrule.engines.base import Data, StepSettings
from chainrule.equations.answers import Answers
from chainrule.equations.dense import Dense
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from chainrule.training.initial import initial_parameters
from chainrule.training.loop import fit
from chainrule.training.plan import Plan
from chainrule.training.scores import refinement as module
from chainrule.training.scores.metrics import METRICS
from chainrule.training.scores.refinement import SHARPEST, refinement
from chainrule.training.scores.refinement import _loss as loss_at
from chainrule.training.scores.watch import watched
from chainrule.training.settings.record import Problem, Settings
from chainrule.training.settings.resolve import resolve


def log_loss(codes, z, weights, beta=1.0):
    logs = beta * z - logsumexp(beta * z, axis=1, keepdims=True)
    return -np.average(logs[np.arange(len(codes)), codes], weights=weights)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("boldness", [0.01, 1.0, 30.0])
def test_it_is_scipys_minimum_over_all_temperatures(classes, boldness, weighted, rng):
    codes = rng.integers(0, classes, 300)
    z = boldness * (rng.normal(size=(300, classes)) + 1.2 * np.eye(classes)[codes])
    weights = rng.uniform(0, 3, 300) if weighted else None
    found = minimize_scalar(
        lambda log: log_loss(codes, z, weights, np.exp(log) / boldness),
        bounds=(-6, 6),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert refinement(codes, z, weights) == pytest.approx(found.fun, rel=1e-9)


@pytest.mark.parametrize("boldness", [0.001, 0.1, 1.0, 10.0])
def test_nearly_all_right_takes_few_looks(boldness, monkeypatch, rng):
    """A few rows of many are wrong, by little: the best β is far up, though not as far as for rows all told apart."""
    looks = []
    monkeypatch.setattr(module, "_loss", lambda *given: looks.append(given) or loss_at(*given))
    codes = rng.integers(0, 10, 2000)
    z = boldness * (rng.normal(size=(2000, 10)) + 4.5 * np.eye(10)[codes])
    found = minimize_scalar(
        lambda log: log_loss(codes, z, None, np.exp(log) / boldness),
        bounds=(-6, 6),
        method="bounded",
        options={"xatol": 1e-9},
    )
    wrong = np.mean(np.argmax(z, axis=1) != codes)
    assert 0 < wrong < 0.01
    assert refinement(codes, z) == pytest.approx(found.fun, rel=1e-9)
    assert len(looks) <= 10


@pytest.mark.parametrize("exponent", [-30, -3, 3, 6, 20, 30, 37])
def test_any_boldness_has_the_same_refinement(exponent, monkeypatch, rng):
    """Weighted sums as large as float32 has them, and as small."""
    looks = []
    monkeypatch.setattr(module, "_loss", lambda *given: looks.append(given) or loss_at(*given))
    codes = rng.integers(0, 2, 300)
    z = rng.normal(size=(300, 2)) + 1.2 * np.eye(2)[codes]
    found = refinement(codes, 10.0**exponent * z)
    assert found == pytest.approx(refinement(codes, z), rel=1e-9)
    assert len(looks) <= 2 * 12


def test_no_better_than_chance_is_known_at_once(monkeypatch, rng):
    looks = []
    monkeypatch.setattr(module, "_loss", lambda *given: looks.append(given) or loss_at(*given))
    codes = rng.integers(0, 3, 300)
    for scale in (1e-3, 1.0, 1e3, 1e30):
        assert refinement(codes, -scale * np.eye(3)[codes]) == np.log(3)
    assert len(looks) == 4
    # One row wrong by far, the others right by little: β is near 0, and the loss no more than that of chance.
    z = np.eye(3)[codes]
    z[0] = -1e30 * z[0]
    assert 0.99 * np.log(3) < refinement(codes, z) <= np.log(3)


def test_rows_told_apart_take_few_looks(monkeypatch, rng):
    looks = []
    monkeypatch.setattr(module, "_loss", lambda *given: looks.append(given) or loss_at(*given))
    codes = rng.integers(0, 4, 500)
    for boldness in (0.001, 0.1, 1.0, 10.0, 1000.0):
        looks.clear()
        assert refinement(codes, boldness * (rng.normal(size=(500, 4)) * 0.1 + 2 * np.eye(4)[codes])) < 1e-10
        assert len(looks) <= 8, boldness


ROWS = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        arrays(np.int64, n, elements=st.integers(0, 2)),
        arrays(np.float64, (n, 3), elements=st.floats(-50, 50)),
        arrays(np.float64, n, elements=st.floats(0.125, 4)),
    )
)


@given(ROWS, st.floats(1e-3, 1e3))
def test_it_is_no_more_than_the_log_loss_and_the_same_for_any_boldness(rows, factor):
    codes, z, weights = rows
    found = refinement(codes, z, weights)
    assert 0 <= found <= log_loss(codes, z, weights) * (1 + 1e-12) + 1e-15
    assert found <= np.log(3) * (1 + 1e-12)  # β = 0 knows nothing
    # Of differences from the true class that are already larger than SHARPEST the network's own boldness counts.
    others = (z - z[np.arange(len(codes)), codes, None])[np.arange(3) != codes[:, None]].reshape(-1, 2)
    size = np.sqrt(np.average(np.sum(others**2, axis=1), weights=weights))
    if size * max(factor, 1) < SHARPEST:
        assert refinement(codes, factor * z, weights) == pytest.approx(found, rel=1e-6, abs=1e-9)


def test_at_the_edges():
    # All right and told apart by 1: sharper is better without end. All wrong: nothing is better than β = 0.
    right, codes = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([1, 0])
    assert 0 < refinement(codes, right) < 1e-40
    narrow = np.vstack([right, [[0.0, 0.5]]])
    assert refinement(codes, right) < refinement(np.array([1, 0, 1]), narrow) < 1e-20
    assert refinement(1 - codes, right) == pytest.approx(np.log(2), rel=1e-9)
    assert refinement(codes, np.zeros((2, 2))) == np.log(2)
    # Two rows right by 1, one wrong by 1: P = 2/3 is best, so the mean of -log is that of a coin with 1/3.
    z = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    entropy = -(2 * np.log(2 / 3) + np.log(1 / 3)) / 3
    assert refinement(np.array([1, 0, 0]), z) == pytest.approx(entropy, rel=1e-12)
    assert np.isnan(refinement(codes, np.array([[0.0, np.inf], [0.0, 0.0]])))
    # A row of weight 0 doesn't count, whatever is in it.
    heavy = np.vstack([z, [[1e200, -1e200]]])
    found = refinement(np.array([1, 0, 0, 1]), heavy, np.array([1.0, 1.0, 1.0, 0.0]))
    assert found == pytest.approx(entropy, rel=1e-6)


@pytest.mark.parametrize("engine", ["reference", "cpu"])
@pytest.mark.parametrize(("n_out", "output", "loss"), [
    (1, "sigmoid", "binary_cross_entropy(label_smoothing=0.2)"),
    (3, "softmax", "categorical_cross_entropy(label_smoothing=0.2)"),
])  # fmt: skip
def test_training_watches_it_on_the_validation_rows_with_their_weights(engine, n_out, output, loss, rng):
    x = rng.normal(size=(80, 3))
    codes = (x[:, 0] + rng.normal(size=80) > 0).astype(int) + (n_out > 1) * (x[:, 1] > 0)
    y = codes[:, None].astype(float) if n_out == 1 else np.eye(3)[codes]
    network = Network([3, Dense(5, "tanh"), Dense(n_out, output)], loss)
    data = Data(x, y, np.arange(50), np.arange(50, 80), rng.uniform(0.5, 2, 80))
    made = engine_named(engine)
    plan = Plan(8, 0.05, watch=watched("refinement", network, Answers("class")))
    start = initial_parameters(network, 2, 0)
    result = fit(made, network, start, data, StepSettings(batch_size=16), plan)
    for member, flat in enumerate(result.parameters):
        # By the plain forward pass of the equations: no smoothing in what is watched.
        run = engine_named("reference").start(network, flat[None], data, StepSettings())
        layers = run.layout.unflatten(np.asarray(flat, np.float64))
        z = network.forward(layers, x[50:], np).layers[-1].z
        z = np.hstack([np.zeros_like(z), z]) if n_out == 1 else z
        want = refinement(codes[50:], z, data.weights[50:])
        assert result.losses[member] == pytest.approx(want, rel=1e-5)
    assert result.history[-1].watched < result.history[-1].validation_loss


def test_a_network_that_gets_too_sure_goes_on_by_refinement():
    # Labels that are wrong now and then: the log-loss on the validation rows rises while more and more is told apart.
    rng = np.random.default_rng(1)
    x = rng.normal(size=(800, 4))
    y = ((x[:, 0] + 0.5 * x[:, 1] > 0) ^ (rng.random(800) < 0.15)).astype(float)[:, None]
    network = Network([4, Dense(48, "relu"), Dense(1, "sigmoid")], "binary_cross_entropy")
    data = Data(x, y, np.arange(80), np.arange(80, 800))
    start = initial_parameters(network, 4, 3)
    best = {}
    for word in ("loss", "refinement"):
        plan = Plan(60, 0.01, patience=60, watch=watched(word, network, Answers("class")))
        result = fit(engine_named("cpu"), network, start, data, StepSettings(batch_size=16), plan)
        best[word] = result.best_epochs
    assert all(later > early for later, early in zip(best["refinement"], best["loss"], strict=True)), best


def test_the_word_is_a_setting_with_its_own_metric():
    classes, numbers = Problem("classification", 100, 4, 3), Problem("regression", 100, 4)
    assert resolve(Settings(hidden=[4]), classes).plan.watch is None
    assert resolve(Settings(watch="loss"), classes).plan.watch is None
    assert resolve(Settings(watch="error"), classes).plan.watch.metric.name == "accuracy"
    assert resolve(Settings(watch="error"), numbers).plan.watch.metric.name == "rmse"
    for name, record in METRICS.items():
        chosen = resolve(Settings(watch=name), numbers if record.of == "numbers" else classes).plan
        assert (chosen.watch.metric, chosen.watched) == (record, name)
    refused: list[tuple[dict[str, Any], Problem, str]] = [
        ({"watch": "refinement"}, numbers, "watch='refinement' needs probabilities of classes"),
        ({"watch": "refinement", "loss": "hinge"}, Problem("classification", 100, 4, 2), "not 1 × identity"),
        ({"watch": "error", "early_stopping": False}, classes, "watch would have no effect"),
        ({"watch": "acc"}, classes, "watch 'acc' is unknown: choose loss, error, accuracy, .*, refinement$"),
        ({"watch": "auc"}, numbers, "watch='auc' doesn't fit numbers: choose loss, error, rmse, .*, r2$"),
        (
            {"watch": "log_loss", "loss": "hinge"},
            Problem("classification", 100, 4, 2),
            "doesn't fit classes without",
        ),
    ]
    for words, problem, message in refused:
        with pytest.raises(SettingsError, match=message):
            resolve(Settings(**words), problem)


def test_the_error_of_numbers_is_in_the_units_of_the_table_and_the_card_says_what_was_watched():
    x = np.linspace(-1, 1, 60)
    table = {"x": x, "y": 1000 * x}
    words: dict[str, Any] = {"hidden": [4], "epochs": 3, "members": 1, "engine": "reference"}
    trained = chainrule.train(table, "y", watch="error", **words)
    n = trained.prepared.rows["training"]
    rows = trained.prepared.fitted.take(np.arange(n, n + trained.prepared.rows["validation"]))
    want = trained.model.evaluate(rows).scores["rmse"]
    assert trained.fit.losses[0] == pytest.approx(want, rel=1e-9)
    by_name = chainrule.train(table, "y", watch="rmse", **words)
    assert by_name.model.card["watch"] == "rmse"
    assert by_name.model.parameters.tobytes() == trained.model.parameters.tobytes()
    assert trained.model.card["watch"] == "error"
    assert chainrule.Model.from_dict(trained.model.to_dict(), trained.model.arrays()).card["watch"] == "error"
    assert "watch" not in chainrule.train(table, "y", **words).model.card


def test_estimators_take_one_word_for_it_not_two():
    frame, y = {"x": [0.0, 1.0] * 20}, ["a", "b"] * 20
    words: dict[str, Any] = {
        "hidden": [4],
        "epochs": 4,
        "members": 3,
        "random_state": 0,
        "engine": "reference",
    }
    made = chainrule.TableClassifier(watch="refinement", **words).fit(frame, y)
    assert made.model_.card["watch"] == "refinement"
    with pytest.raises(SettingsError, match="stopping_metric and watch='error' both say"):
        chainrule.TableClassifier(watch="error", stopping_metric="auc", **words).fit(frame, y)
