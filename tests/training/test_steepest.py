"""The largest number of the gradient, kept for each epoch: the same by both engines, the trace's own, read back from files."""

import math

import numpy as np
import pytest

from chainrule import Dense, Network
from chainrule.engines import engine_named
from chainrule.engines.base import Data, StepSettings
from chainrule.engines.step import batches
from chainrule.equations.layout import Layout
from chainrule.equations.optimizers import optimizer
from chainrule.errors import ModelFileError
from chainrule.explain.trace.steps import trace_step
from chainrule.reports.history import GRADIENT, history_text, read_history
from chainrule.training.checkpoint import Epoch, history_from_bits, history_to_bits
from chainrule.training.initial import initial_parameters
from chainrule.training.loop import fit
from chainrule.training.plan import Plan

RNG = np.random.default_rng(4)
X = RNG.normal(size=(30, 3))
Y = (X[:, :1] + X[:, 1:2] > 0).astype(float)
DATA = Data(X, Y, np.arange(30), np.arange(0))
NETWORK = Network([3, Dense(4, "tanh"), Dense(1, "sigmoid")], "binary_cross_entropy")


def trained(engine, method="sgd", members=2, epochs=3, **settings):
    settings = StepSettings(optimizer(method), 8, seed=5, **settings)
    plan = Plan(epochs=epochs, learning_rate=0.3, early_stopping=False, keep="last", rows="training")
    start = initial_parameters(NETWORK, members, 1, (), X)
    return fit(engine_named(engine, dtype=np.float64), NETWORK, start, DATA, settings, plan), settings


@pytest.mark.parametrize("more", [{}, {"l2": 0.2}, {"clip_norm": 0.05, "l2": 0.2, "l1": 0.01}])
def test_both_engines_say_the_same(more):
    one, other = (
        [line.steepest for line in trained(name, **more)[0].history] for name in ("reference", "cpu")
    )
    assert one == pytest.approx(other, rel=1e-10)
    assert all(value > 0 for value in one)


def test_it_is_the_gradient_of_the_last_step():
    """Made again by hand: the last of the four batches of the epoch, of 6 rows, at the parameters before it."""
    layout = Layout(NETWORK)
    for epochs in (1, 2):
        result, settings = trained("cpu", members=1, epochs=epochs)
        flat = initial_parameters(NETWORK, 1, 1, (), X)[0]
        for epoch in range(epochs):
            for rows in batches(DATA, settings, epoch, 0):
                step = trace_step(layout, flat, X[rows], y=Y[rows])
                gradient = np.concatenate(
                    [
                        np.ravel(layer.parameters[name])
                        for layer in step.gradients.layers
                        for name in ("W", "b")
                    ]
                )
                flat = flat - 0.3 * gradient
        assert len(rows) == 6
        assert result.history[-1].steepest == pytest.approx(np.abs(gradient).max(), rel=1e-10)


def test_lbfgs_has_it_too():
    lines = trained("cpu", "lbfgs", members=1, epochs=6)[0].history
    assert len(lines) > 2
    assert 0 < lines[-1].steepest < lines[0].steepest


LINES = (Epoch(1, 0.5, math.nan, 0.1, 0.0, 0.5, 2.5), Epoch(2, 0.25, 0.5, 0.1, 1.0, 0.5, math.nan))


def test_a_history_keeps_it():
    assert str(history_from_bits(history_to_bits(LINES), "history")) == str(LINES)


def test_a_history_from_before_has_none():
    older = history_to_bits(LINES)[:, :-1]
    assert [line.watched for line in history_from_bits(older, "history")] == [0.5, 0.5]
    assert all(math.isnan(line.steepest) for line in history_from_bits(older, "history"))
    with pytest.raises(ModelFileError, match="lines of 7 numbers are expected"):
        history_from_bits(older[:, :-1], "history")


def test_the_file_of_curves_has_it(tmp_path):
    path = tmp_path / "h.csv"
    path.write_text(history_text(LINES), "utf-8")
    assert path.read_text("utf-8").splitlines()[0].endswith(f",{GRADIENT}")
    assert read_history(path)[0].steepest == 2.5
    assert math.isnan(read_history(path)[1].steepest)
    path.write_text("epoch,training_loss,validation_loss,learning_rate,seconds\n1,0.5,,0.1,0.2\n", "utf-8")
    (line,) = read_history(path)
    assert line.training_loss == 0.5
    assert math.isnan(line.steepest)
