"""Going on from a checkpoint: the same bits as if training had never stopped, through plain data and back."""

import json
from dataclasses import replace

import numpy as np
import pytest

from chainrule.engines import engine_named
from chainrule.engines.base import Data, StepSettings
from chainrule.equations.answers import Answers
from chainrule.equations.dense import Dense
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.equations.schedules import schedule
from chainrule.errors import SettingsError
from chainrule.training.checkpoint import Checkpoint
from chainrule.training.initial import initial_parameters
from chainrule.training.loop import fit
from chainrule.training.plan import Plan
from chainrule.training.scores.watch import watch

RNG = np.random.default_rng(1)
X = RNG.normal(size=(60, 2))
DATA = Data(X, ((X[:, :1] * X[:, 1:]) > 0).astype(float), np.arange(45), np.arange(45, 60))
NETWORK = Network([2, Dense(6, "tanh", dropout=0.1), Dense(1, "sigmoid")], "binary_cross_entropy")
START = initial_parameters(NETWORK, 2, 3)
PLAN = Plan(14, 0.03)
PLANS = {
    "loss": PLAN,
    "cosine": replace(PLAN, schedule=schedule("cosine"), warmup=4),
    "plateau": replace(PLAN, schedule=schedule("plateau(patience=1)"), tolerance=0.01),
    "metric": replace(PLAN, watch=watch("accuracy", Answers("class")), rule="best", patience=6),
    "steps": replace(PLAN, rows="steps", rule="best", keep="last", patience=3, tolerance=1e-2),
    "last": replace(PLAN, early_stopping=False),
}


def train(engine="cpu", plan=PLAN, resume=None, method="adam", **options):
    settings = StepSettings(optimizer(method), batch_size=8, seed=3, l2=1e-3)
    return fit(engine_named(engine), NETWORK, START, DATA, settings, plan, resume=resume, **options)


def through_json(checkpoint):
    arrays, data = checkpoint.to_parts()
    assert all(np.isfinite(array).all() for array in arrays.values())
    return Checkpoint.from_parts(arrays, json.loads(json.dumps(data, allow_nan=False)))


def same(one, other):
    np.testing.assert_array_equal(one.parameters, other.parameters)
    assert one.best_epochs == other.best_epochs
    assert one.stopped == other.stopped
    np.testing.assert_array_equal(one.losses, other.losses)
    np.testing.assert_array_equal(
        [[*line[:4], line.watched] for line in one.history],
        [[*line[:4], line.watched] for line in other.history],
    )


@pytest.mark.parametrize("engine", ["cpu", "reference"])
@pytest.mark.parametrize("name", PLANS)
def test_a_training_that_goes_on_ends_in_the_same_bits(engine, name):
    plan = PLANS[name]
    whole = train(engine, plan)
    kept = []
    train(engine, plan, on_epoch_end=lambda state: kept.append(state.checkpoint()))
    # After the first epoch, in the middle, and at the very end, where nothing is left to do.
    for place in (0, len(kept) // 2, -1):
        same(train(engine, plan, through_json(kept[place])), whole)


@pytest.mark.parametrize("method", ["sgd", "nesterov", "rmsprop", "adamw"])
def test_every_kind_of_optimizer_goes_on(method):
    whole = train(method=method)
    half = train(method=method, plan=replace(PLAN, epochs=6))
    same(train(method=method, resume=through_json(half.checkpoint)), whole)


def test_it_was_the_optimizers_state_that_mattered():
    half = train(plan=replace(PLAN, epochs=6)).checkpoint
    zeros = {name: np.zeros_like(array) for name, array in half.run.arrays.items()}
    forgetful = replace(half, run=half.run._replace(arrays=zeros))
    assert (train(resume=forgetful).parameters != train().parameters).any()


def test_more_epochs_than_were_planned_can_be_added():
    plan = replace(PLAN, early_stopping=False)
    longer = train(plan=replace(plan, epochs=20), resume=train(plan=plan).checkpoint)
    same(longer, train(plan=replace(plan, epochs=20)))


def test_a_training_that_was_over_stays_over():
    plan = replace(PLAN, epochs=60, patience=2)
    ended = train(plan=plan)
    assert ended.stopped == "early stopping"
    same(train(plan=plan, resume=ended.checkpoint), ended)


def test_ctrl_c_leaves_no_checkpoint_of_half_an_epoch():
    def interrupt(state):
        if state.line.epoch == 2:
            raise KeyboardInterrupt

    assert train(on_epoch_end=interrupt).checkpoint is None


def test_a_member_that_diverged_can_be_written_down():
    wild = train(plan=replace(PLAN, learning_rate=1e300))
    assert wild.diverged
    again = through_json(wild.checkpoint)
    assert again.diverged.keys() == wild.diverged.keys()
    assert np.isfinite(again.run.parameters).all()


def test_what_does_not_fit_is_refused():
    point = train(plan=replace(PLAN, epochs=2)).checkpoint
    with pytest.raises(SettingsError, match="goes on from"):
        train(method="sgd", resume=point)
    with pytest.raises(SettingsError, match="lbfgs can't go on"):
        train(method="lbfgs", resume=point)
    arrays, data = point.to_parts()
    with pytest.raises(SettingsError, match="not a checkpoint"):
        Checkpoint.from_parts({}, data)
    with pytest.raises(SettingsError, match="not a checkpoint"):
        Checkpoint.from_parts(arrays, {**data, "history": [[1]]})
    for wrong in (np.ones((2, 6)), np.ones((2, 5), np.uint64), np.full((1, 6), 2**64 - 1, np.uint64)):
        with pytest.raises(SettingsError, match="history"):
            Checkpoint.from_parts({**arrays, "history": wrong}, data)
    with pytest.raises(SettingsError, match="2 members"):
        Checkpoint.from_parts(arrays, {**data, "waited": [0]})
