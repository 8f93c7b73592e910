"""Members that share, from a table to a model: what is kept, going on, replays, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

import chainrule
from chainrule import TableClassifier, TableRegressor
from chainrule.engines import engine_named
from chainrule.engines.base import Data, StepSettings
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.engines.reference.run import ReferenceRun
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout, TabMLayout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.estimators import SaveCheckpoint
from chainrule.explain.diagnose.diagnosis import diagnose
from chainrule.explain.trace.sources import trace_steps
from chainrule.fitting.card import settings_of
from chainrule.fitting.question import Question
from chainrule.fitting.replay import replay
from chainrule.fitting.timing import within_time
from chainrule.fitting.train import fit_prepared, prepare
from chainrule.training.budget import Budget
from chainrule.training.checkpoint import Checkpoint
from chainrule.training.initial import initial_parameters
from chainrule.training.loop import fit
from chainrule.training.plan import Plan
from chainrule.training.settings.record import Settings

RNG = np.random.default_rng(0)
N = 160
TABLE = {"a": RNG.normal(size=N).tolist(), "b": RNG.choice(["u", "v"], N).tolist()}
TABLE["y"] = ["yes" if (a > 0) == (b == "u") else "no" for a, b in zip(TABLE["a"], TABLE["b"], strict=True)]
SHARED = {"sharing": "tabm", "members": 4, "hidden": [8, 5], "dropout": 0.2, "learning_rate": 0.02}


@pytest.mark.parametrize("engine", ["cpu", "reference"])
def test_a_model_of_members_that_share_is_like_any_other(engine, tmp_path):
    trained = chainrule.train(TABLE, "y", engine=engine, epochs=60, patience=5, **SHARED)
    model = trained.model
    assert model.parameters.shape == (4, Layout(model.network).size)
    assert model.card["sharing"] == "tabm"
    assert trained.evaluation.scores["accuracy"] > 0.9
    # One epoch is kept for all, by the members' mean.
    assert len(set(trained.fit.best_epochs)) == 1
    assert len(set(trained.fit.losses)) == 1
    best = trained.fit.best_epochs[0]
    validation = [line.validation_loss for line in trained.fit.history]
    assert min(validation) == validation[best - 1] == pytest.approx(trained.fit.losses[0])
    # W_k = diag(r_k) W diag(s_k): W_k / W_1 is of rank 1 in every hidden layer, not in the members' own last one.
    hidden, last = (
        Layout(model.network).unflatten(model.parameters.astype(float))[number]["W"] for number in (2, 3)
    )
    ratio = hidden[2] / hidden[0]
    np.testing.assert_allclose(ratio, ratio[:, :1] * ratio[:1] / ratio[0, 0], rtol=1e-3)
    assert not np.allclose(ratio, ratio[0, 0], rtol=1e-3)
    assert not np.allclose(last[2], last[0], rtol=0.1)
    path = tmp_path / "m.safetensors"
    model.save(path)
    again = chainrule.load(path)
    assert again.predict(TABLE).probabilities.tobytes() == model.predict(TABLE).probabilities.tobytes()
    assert again.card["sharing"] == "tabm"


def test_the_start_shares_the_first_member_s_weights_and_draws_signs():
    network = Network([50, Dense(4, "relu"), Dense(3, "relu"), Dense(2)])
    ordinary = Layout(network).unflatten(initial_parameters(network, 3, 7, unseen=[1]))
    theta = initial_parameters(network, 3, 7, [1], sharing="tabm")
    layout = TabMLayout(network, 3)
    first, second, last = layout.unflatten(theta[0]).values()
    assert theta.shape == (1, layout.size)
    for shared, own in ((first, ordinary[1]), (second, ordinary[2])):
        assert (shared["W"] == own["W"][0]).all()
        assert (shared["b"] == own["b"]).all()
        assert (shared["s"] == 1).all()
    assert (second["r"] == 1).all()
    assert (np.abs(first["r"]) == 1).all()
    assert 50 < (first["r"] > 0).sum() < 100
    assert (first["r"][0] != first["r"][1]).any()
    assert (first["W"][1] == 0).all()
    assert (last["W"] == ordinary[3]["W"]).all()
    more = layout.unflatten(theta[0])[1]["r"]
    of_four = TabMLayout(network, 4).unflatten(initial_parameters(network, 4, 7, [1], sharing="tabm")[0])
    assert (of_four[1]["r"][:3] == more).all()


def shared_fit(engine, epochs, *, resume=None, on_epoch_end=None, **settings):
    network = Network([2, Dense(6, "tanh", dropout=0.2), Dense(1)])
    draws = np.random.default_rng(1)
    x = draws.normal(size=(40, 2))
    data = Data(x, x[:, :1] * x[:, 1:], np.arange(30), np.arange(30, 40))
    steps = StepSettings(optimizer("adam"), **{"batch_size": 8, **settings}, sharing="tabm")
    start = initial_parameters(network, 3, 0, sharing="tabm")
    plan = Plan(epochs, 0.01, patience=3)
    return fit(engine_named(engine), network, start, data, steps, plan, on_epoch_end, resume=resume), data


@pytest.mark.parametrize("engine", ["cpu", "reference"])
def test_a_training_goes_on_to_the_same_bits(engine):
    half, _ = shared_fit(engine, 4)
    point = Checkpoint.from_parts(*half.checkpoint.to_parts())
    again, _ = shared_fit(engine, 9, resume=point)
    whole, _ = shared_fit(engine, 9)
    assert again.parameters.tobytes() == whole.parameters.tobytes()
    assert again.best_epochs == whole.best_epochs
    assert [line.validation_loss for line in again.history] == [
        line.validation_loss for line in whole.history
    ]


def test_the_stated_cost_has_the_penalty_of_what_is_shared_once():
    """One step an epoch: the first line is the cost at the start, and l2/2 of the shared weights' and last layers' squares."""
    result, data = shared_fit("reference", 1, batch_size=30, shuffle=False, l2=0.5)
    network = Network([2, Dense(6, "tanh"), Dense(1)])
    theta = initial_parameters(network, 3, 0, sharing="tabm")
    layout = TabMLayout(network, 3)
    arrays = layout.unflatten(theta[0])
    squares = np.sum(arrays[1]["W"] ** 2) + np.sum(arrays[2]["W"] ** 2)
    without, _ = shared_fit("reference", 1, batch_size=30, shuffle=False)
    assert result.history[0].training_loss == pytest.approx(without.history[0].training_loss + 0.25 * squares)
    assert len(data.train) == 30


def test_a_diverged_training_s_checkpoint_is_finite():
    points = []
    with np.errstate(all="ignore"):
        result, _ = shared_fit(
            "cpu", 3, weight_decay=1e39, on_epoch_end=lambda state: points.append(state.checkpoint())
        )
    assert result.stopped == "diverged"
    assert set(result.diverged) == {0, 1, 2}
    arrays, _ = points[-1].to_parts()
    assert all(np.isfinite(array).all() for array in arrays.values())


def test_a_member_s_part_of_any_step_is_replayed_and_the_update_of_all_is_not():
    options = {**SHARED, "early_stopping": False, "seed": 3}
    short = chainrule.train(TABLE, "y", epochs=2, **options).model
    long = chainrule.train(TABLE, "y", epochs=3, **options).model
    per_epoch = -(-long.card["rows"]["training"] // long.card["batch_size"])
    for member in (1, 4):
        (found,) = replay(long, TABLE, 2 * per_epoch + 1, member)
        assert found.state.parameters.tobytes() == short.parameters[member - 1 : member].tobytes()
        assert found.state.steps.tolist() == [2 * per_epoch]
    step = per_epoch + 2
    trace = trace_steps(long, TABLE, step, member=2)
    (found,) = replay(long, TABLE, step, 2)
    assert found.masks is not None
    p = Layout(long.network).unflatten(np.asarray(found.state.parameters[0], np.float64))
    record = long.network.forward(p, found.data.x[found.rows], np, found.masks)
    want = long.network.backward(p, record, found.data.y[found.rows], np).parameters[2]["W"][2, 3]
    assert trace["dC/dW[2][3,4]"] == pytest.approx(want, rel=1e-12)
    with pytest.raises(
        SettingsError, match="the members share their layers' weights, so an update is of all"
    ):
        trace["W_new[2][3,4]"]


def test_the_predictions_are_those_of_the_members_as_ordinary_networks():
    model = chainrule.train(TABLE, "y", epochs=2, **SHARED).model
    x = model.encoder.transform(model.table(TABLE))
    mean = ReferenceEngine().predict(model.network, model.parameters, x).mean(axis=0)
    np.testing.assert_allclose(model.predict(TABLE).probabilities[:, 1], mean[:, 0], atol=1e-6)
    assert isinstance(diagnose(model, TABLE, member=0).kinds, tuple)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"members": 1}, "members 1: sharing tabm is for at least 2 members"),
        ({"hidden": []}, "sharing tabm shares the hidden layers, but there is none: give some"),
        ({"optimizer": "lbfgs"}, "lbfgs minimizes each member's cost alone, so members can't share"),
        (
            {"bagging": True},
            "weights that members share have seen all rows: leave out bagging, or sharing",
        ),
        (
            {"init": "data"},
            "init data fits each member's weights .* choose another init, or leave sharing out",
        ),
        ({"sharing": "all"}, "sharing 'all' is unknown: choose none, tabm"),
    ],
    ids=["one member", "no hidden layer", "lbfgs", "bagging", "init data", "unknown"],
)
def test_what_can_not_be_shared_is_refused(settings, message):
    with pytest.raises(SettingsError, match=message):
        chainrule.train(TABLE, "y", **{"sharing": "tabm", **settings})


def test_everything_at_once_is_trained_again_on_all_rows_and_replayed():
    """A feature stage, a mix, ntk, rate factors, a schedule of regularization; then calibration and a refit."""
    seen = {}
    trained = chainrule.train(
        TABLE, "y", epochs=12, patience=4, refit=True, calibrate=True, watch="refinement", activation_mix=True,
        parametrization="ntk", rate_factors={"b": 0.1, "alpha": 2.0}, regularization_schedule="flat_cosine",
        numeric_embedding="periodic", scaling_layer=True, weight_decay=0.1, **SHARED,
        on_epoch_end=lambda state: seen.update({(state.run.steps_per_epoch, state.line.epoch): state.run.parameters.copy()}),
    )  # fmt: skip
    result, card = trained.fit, trained.model.card
    assert result.first is not None
    assert len(set(result.best_epochs)) == 1
    assert result.best_epochs == result.first.best_epochs
    assert (card["sharing"], card["refit"]) == ("tabm", True)
    assert "stop_together" not in card
    per_epoch = -(-card["rows"]["training"] // card["batch_size"])
    (found,) = replay(trained.model, TABLE, per_epoch * (result.best_epochs[0] - 1) + 1, member=3)
    want = seen[per_epoch, result.best_epochs[0] - 1]
    assert found.state.parameters.tobytes() == want[2:3].tobytes()
    assert found.strength < 1


def test_an_ordinary_training_s_card_says_nothing_of_sharing():
    options = {**SHARED, "sharing": "none"}
    card = chainrule.train(TABLE, "y", epochs=1, **options).model.card
    assert not {"sharing", "stop_together"} & set(card)


def test_members_that_end_together_are_trained_again_and_say_so(tmp_path):
    options = {**SHARED, "sharing": "none", "stop_together": True}
    trained = chainrule.train(TABLE, "y", epochs=9, patience=2, refit=True, **options)
    assert len(set(trained.fit.best_epochs)) == len(set(trained.fit.first.best_epochs)) == 1
    trained.model.save(tmp_path / "m.safetensors")
    card = chainrule.load(tmp_path / "m.safetensors").card
    assert card["stop_together"] is True
    assert settings_of(card)[1].together
    (found,) = replay(trained.model, TABLE, 1, member=2)
    assert found.state.parameters.shape == (1, trained.model.parameters.shape[1])
    bagged = chainrule.train(TABLE, "y", epochs=9, patience=2, bagging=True, **options)
    assert len(set(bagged.fit.best_epochs)) == 1


def test_a_time_limit_has_members_share_that_are_fewer(monkeypatch):
    now, real = [0.0], ReferenceRun.train_epoch

    def timed(self, epoch, rates, active, strength=1.0):
        now[0] += len(rates) * len(active)
        return real(self, epoch, rates, active, strength)

    monkeypatch.setattr(ReferenceRun, "train_epoch", timed)
    # 109 rows of training: 4 steps an epoch and member, so 5 epochs of 4 members take 80 s, of two 40 s;
    # 8 s are measured, and 0.9 (0.95 · 70 - 8) = 52.7 s left.
    made = prepare(Question(TABLE, "y"), Settings(epochs=5, **SHARED))
    made = replace(made, budget=Budget(70, lambda: now[0]))
    cut = within_time(made, engine="reference")
    assert (cut.resolved.members, cut.resolved.plan.epochs) == (2, 5)
    result = fit_prepared(cut, engine="reference")
    assert result.parameters.shape[0] == 2
    assert result.history[-1].epoch == 5


def test_an_estimator_goes_on_from_a_checkpoint_of_members_that_share(tmp_path):
    X = {name: TABLE[name] for name in ("a", "b")}
    options = {"hidden": [5], "members": 2, "engine": "reference", "random_state": 0, "early_stopping": False}
    path = tmp_path / "point"
    TableClassifier(**options, epochs=2, sharing="tabm", callbacks=SaveCheckpoint(path)).fit(X, TABLE["y"])
    again = TableClassifier(**options, epochs=4, sharing="tabm").fit(X, TABLE["y"], resume=path)
    whole = TableClassifier(**options, epochs=4, sharing="tabm").fit(X, TABLE["y"])
    assert again.model_.parameters.tobytes() == whole.model_.parameters.tobytes()
    with pytest.raises(SettingsError, match="checkpoint of another training, whose sharing differed"):
        TableClassifier(**options, epochs=4).fit(X, TABLE["y"], resume=path)


def test_the_estimators_have_the_parameter():
    X = {name: TABLE[name] for name in ("a", "b")}
    options = {"hidden": [5], "members": 2, "epochs": 2, "sharing": "tabm", "random_state": 0}
    assert TableClassifier(**options).fit(X, TABLE["y"]).model_.card["sharing"] == "tabm"
    assert TableRegressor(**options).fit(X, TABLE["a"]).model_.card["sharing"] == "tabm"
