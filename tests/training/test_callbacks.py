"""Callbacks that come with it: several as one, the progress bar, a metric's curve."""

import io
import sys

import numpy as np
import pytest

from chainrule.engines import engine_named
from chainrule.engines.base import Data, StepSettings
from chainrule.equations.answers import Answers
from chainrule.equations.dense import Dense
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.training.callbacks import NetworkMonitor, ProgressBar, as_callbacks, combined
from chainrule.training.initial import initial_parameters
from chainrule.training.loop import fit
from chainrule.training.plan import Plan
from chainrule.training.scores.watch import watch

RNG = np.random.default_rng(1)
X = RNG.normal(size=(40, 2))
Y = X[:, :1] * 2 + 1
DATA = Data(X, Y, np.arange(30), np.arange(30, 40))
NETWORK = Network([2, Dense(1)], "half_squared_error")


def train(*callbacks, epochs=8, members=2):
    start = initial_parameters(NETWORK, members, 0)
    plan = Plan(epochs, 0.05, early_stopping=False)
    with combined(callbacks) as on_epoch_end:
        return fit(
            engine_named("cpu"), NETWORK, start, DATA, StepSettings(optimizer("sgd"), 10), plan, on_epoch_end
        )


def test_all_are_called_though_one_says_stop():
    calls = []
    result = train(
        lambda state: calls.append(("a", state.line.epoch)) or state.line.epoch == 2,
        lambda state: calls.append(("b", state.line.epoch)),
    )
    assert result.stopped == "callback"
    assert calls == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]


def test_none_is_no_callback():
    with combined([]) as on_epoch_end:
        assert on_epoch_end is None
    assert as_callbacks(None) == []
    assert as_callbacks(print) == [print]
    assert as_callbacks((print, max)) == [print, max]
    with pytest.raises(SettingsError, match="can't be called"):
        as_callbacks([1])


def test_context_managers_are_entered_and_left_even_after_a_mistake():
    class Door:
        state = "shut"

        def __enter__(self):
            self.state = "open"

        def __exit__(self, *_):
            self.state = "shut again"

        def __call__(self, state):
            assert self.state == "open"
            raise ZeroDivisionError

    door = Door()
    with pytest.raises(ZeroDivisionError):
        train(door)
    assert door.state == "shut again"


@pytest.mark.parametrize("shown", [True, False, None])
def test_the_bar_shows_epochs_and_losses_where_it_is_shown(shown, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    bar = ProgressBar(shown=shown)
    train(bar)
    text = stream.getvalue()
    # What is no terminal gets the bar only on demand.
    assert ("epoch 8/8" in text and "loss" in text and "validation" in text) == bool(shown)
    with pytest.raises(SettingsError, match="context manager"):
        bar(None)


def test_a_metric_is_followed_and_may_end_training():
    answers = Answers("number")
    monitor = NetworkMonitor(X[30:], Y[30:], watch("rmse", answers))
    result = train(monitor)
    assert len(monitor.curve) == 8
    assert monitor.curve == sorted(monitor.curve, reverse=True)
    # The curve's end by hand, from the mean of both members' outputs.
    outputs = engine_named("reference").predict(NETWORK, result.parameters, X[30:]).mean(axis=0)
    assert monitor.curve[-1] == pytest.approx(float(np.sqrt(np.mean((outputs - Y[30:]) ** 2))), rel=1e-5)
    # An unreachable tolerance: the first value is progress, the next two are not.
    for name in ("rmse", "r2"):
        impatient = NetworkMonitor(X, Y, watch(name, answers), patience=2, tolerance=1e9)
        assert train(impatient).stopped == "callback"
        assert len(impatient.curve) == 3
