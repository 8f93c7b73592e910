"""What happens around the epochs of a training on a table: calibration, bagging, refit."""

from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import log_loss

import chainrule
from chainrule.engines import engine_named
from chainrule.engines.base import Data
from chainrule.equations.answers import Answers
from chainrule.equations.layout import Layout
from chainrule.errors import SettingsError
from chainrule.explain.check.certificate import certify
from chainrule.fitting.replay import replay
from chainrule.fitting.target_units import in_units
from chainrule.fitting.train import fit_prepared
from chainrule.tables.encoding.target import fit_target
from chainrule.tables.schema import infer_schema
from chainrule.tables.table import from_frame
from chainrule.training.initial import initial_parameters
from chainrule.training.loop import fit
from chainrule.training.scores.temperature import at_temperature, fitted_temperature, temperature_of
from chainrule.training.scores.watch import watched
from chainrule.training.settings.record import Problem, Settings
from chainrule.training.settings.resolve import resolve

N = 120
RNG = np.random.default_rng(8)
A, B = RNG.normal(size=(2, N)).round(3)
CLASSES = {"a": A.tolist(), "b": B.tolist(), "y": np.where(A * B + RNG.normal(size=N) > 0, "u", "v").tolist()}
NUMBERS = {"a": A.tolist(), "b": B.tolist(), "y": (50 * A - B**2).tolist()}
PROBLEM = Problem("regression", 100, 1)
QUICK: dict[str, Any] = {
    "hidden": [12],
    "epochs": 12,
    "members": 2,
    "learning_rate": 0.03,
    "batch_size": 16,
    "seed": 3,
}


def train(table, **words):
    return chainrule.train(table, "y", **{**QUICK, **words})


# ---- temperature


def test_a_calibrated_model_is_the_plain_one_at_the_temperature_of_its_card():
    plain, made = train(CLASSES, test_share=0.3), train(CLASSES, test_share=0.3, calibrate=True)
    n, x, y = plain.prepared.rows["training"], plain.prepared.arrays.x, plain.prepared.arrays.y
    network, flat = plain.model.network, plain.model.parameters
    want = fitted_temperature(network, flat, x[n:], y[n:], Answers("class"))
    # The weighted sums are those of the engine in float32; the judge's are in float64.
    found = made.model.card["temperature"]
    assert found == pytest.approx(want, rel=1e-5) != 1.0
    assert made.model.parameters.tobytes() == at_temperature(network, flat, found).tobytes()
    assert plain.model.card == {**made.model.card, "temperature": None, "scores": plain.model.card["scores"]}
    # The score is that of the calibrated probabilities.
    assert made.evaluation.scores["log_loss"] != plain.evaluation.scores["log_loss"]
    assert (
        made.evaluation.scores["accuracy"] == plain.evaluation.scores["accuracy"] or network.output.n_out == 1
    )
    # Its training can be replayed, and its numbers checked.
    one, other = (replay(model, CLASSES, 3, 2)[0] for model in (plain.model, made.model))
    assert one.state.parameters.tobytes() == other.state.parameters.tobytes()
    assert certify(made.model, CLASSES, n_rows=4, sample=9, checks=("differences",)).passed


def test_calibration_is_refused_where_there_is_nothing_to_calibrate():
    for table, words, message in (
        (NUMBERS, {}, "calibrate is for probabilities of classes, and the target is a number"),
        (CLASSES, {"validation_share": 0.0}, "calibrate needs validation rows: set validation_share"),
        (CLASSES, {"loss": "hinge"}, "gives no probabilities to calibrate"),
        (CLASSES, {"calibrate": 1}, "calibrate 1 must be True or False"),
    ):
        with pytest.raises(SettingsError, match=message):
            train(table, **{"calibrate": True, **words})


# ---- bagging


def test_every_row_is_held_out_by_one_member_and_answered_by_it():
    made = train(CLASSES, bagging=True, members=3, calibrate=True, watch="refinement")
    prepared, folds = made.prepared, made.prepared.folds
    n = prepared.fitted.n_rows
    assert made.model.card["rows"] == {"training": n, "validation": 0, "test": prepared.tested.n_rows}
    assert made.model.card["bagging"] == 3
    network, flat, (x, y, _) = made.model.network, made.fit.parameters, prepared.arrays.fitted
    # By hand: each fold's z from its own member, one temperature for all, one probability each.
    z = np.empty((1, n, 1))
    for member in range(3):
        layers = Layout(network).unflatten(np.float64(flat[member]))
        z[0, folds.own == member] = network.forward(layers, x, np).layers[-1].z[folds.own == member]
    temperature = temperature_of(network, z, y, Answers("class"))
    assert made.model.card["temperature"] == pytest.approx(temperature, rel=1e-5)
    p = expit(z[0, :, 0] / temperature)
    assert made.out_of_fold.rows == n
    assert made.out_of_fold.scores["accuracy"] == np.mean((p > 0.5) == (y[:, 0] > 0.5))
    assert made.out_of_fold.scores["log_loss"] == pytest.approx(log_loss(y[:, 0], p), rel=1e-4)
    assert train(CLASSES).out_of_fold is None


@pytest.mark.parametrize("engine", ["cpu", "reference"])
@pytest.mark.parametrize(
    "words", [{}, {"optimizer": "lbfgs", "learning_rate": None, "weight_decay": 0.0}], ids=["adam", "lbfgs"]
)
def test_each_member_is_that_of_a_training_on_its_own_rows(engine, words, rng):
    words = {
        **words,
        "epochs": 4,
        "hidden": [5],
        "bagging": True,
        "members": 3,
        "weights": "w",
        "engine": engine,
    }
    table = {**NUMBERS, "w": rng.uniform(0.5, 2, N).tolist()}
    if "optimizer" in words:
        words["batch_size"] = None
    made = train(table, **words)
    prepared, resolved, arrays = made.prepared, made.prepared.resolved, made.prepared.arrays
    folds = prepared.folds
    start = initial_parameters(resolved.network, 3, resolved.steps.seed)
    for member in range(3):
        data = Data(arrays.x, arrays.y, folds.rest[member], folds.held[member], arrays.weights)
        alone = fit(engine_named(engine), resolved.network, start, data, resolved.steps, resolved.plan)
        assert alone.parameters[member].tobytes() == made.fit.parameters[member].tobytes()
        assert alone.losses[member] == pytest.approx(made.fit.losses[member], rel=1e-12)
        assert alone.best_epochs[member] == made.fit.best_epochs[member]


@pytest.mark.parametrize("engine", ["cpu", "reference"])
def test_a_bagged_training_can_be_replayed_and_gone_on_with(engine, tmp_path):
    words = {"bagging": True, "members": 3, "early_stopping": False, "engine": engine, "dropout": 0.2}
    short, long = train(CLASSES, **words, epochs=2), train(CLASSES, **words, epochs=3)
    n = long.model.card["rows"]["training"]
    held = -(-n // 3)
    per_epoch = -(-(n - held) // 16)
    for member in (1, 3):
        before, first = replay(long.model, CLASSES, [2 * per_epoch + 1, 1], member)
        assert before.state.parameters[0].tobytes() == short.model.parameters[member - 1].tobytes()
        own = long.prepared.folds.held[member - 1]
        seen = np.concatenate([r.rows for r in replay(long.model, CLASSES, range(1, per_epoch + 1), member)])
        assert sorted([*seen, *own]) == list(range(n))
        assert first.steps_per_epoch == per_epoch
    again = fit_prepared(long.prepared, engine=engine, resume=short.fit.checkpoint)
    assert again.parameters.tobytes() == long.fit.parameters.tobytes()


def test_bagging_is_refused_where_members_can_hold_out_nothing_of_their_own():
    for words, message in (
        ({"validation_share": 0.2}, "so there is no validation_share"),
        ({"members": 1}, "needs at least members=2"),
        ({"members": 96}, "more rows than folds, and there are 96 folds for 96 rows"),
    ):
        with pytest.raises(SettingsError, match=message):
            train(CLASSES, **{"bagging": True, **words})
    frame = {name: NUMBERS[name] for name in "ab"}
    bagged = chainrule.TableRegressor(bagging=True, hidden=[4], epochs=3, members=4, random_state=0)
    with pytest.raises(SettingsError, match="validation rows are given, and with bagging each member"):
        bagged.fit(frame, NUMBERS["y"], X_val=frame, y_val=NUMBERS["y"])


def test_quantiles_come_from_the_errors_out_of_fold():
    frame = {name: NUMBERS[name] for name in "ab"}
    words: dict[str, Any] = {
        "hidden": [8],
        "epochs": 15,
        "members": 4,
        "learning_rate": 0.03,
        "random_state": 0,
    }
    made = chainrule.TableRegressor(bagging=True, **words).fit(frame, NUMBERS["y"])
    # All rows have an error, so the outermost quantile is 1/(n + 1), which 18 validation rows wouldn't reach.
    assert made.intervals_.places[0] == pytest.approx(1 / (N + 1))
    low, high = made.predict_interval(frame, 0.9).T
    inside = np.mean((low <= NUMBERS["y"]) & (NUMBERS["y"] <= high))
    assert inside > 0.85


# ---- refit


@pytest.mark.parametrize(
    ("engine", "schedule"), [("cpu", "cosine"), ("reference", "plateau(factor=0.5, patience=2)")]
)
def test_a_refit_is_the_training_again_on_all_rows_with_the_same_learning_rates(engine, schedule):
    words = {
        "engine": engine,
        "schedule": schedule,
        "warmup": 2,
        "epochs": 16,
        "members": 3,
        "learning_rate": 0.1,
        "validation_share": 0.3,
        "tolerance": 0.05,  # what is better by less is kept, but waited for
    }
    plain, made = train(CLASSES, **words), train(CLASSES, **words, refit=True)
    first, resolved, arrays = made.fit.first, made.prepared.resolved, made.prepared.arrays
    assert first.parameters.tobytes() == plain.fit.parameters.tobytes()
    n_all = len(arrays.x)
    card = made.model.card
    assert card["rows"] == {**plain.model.card["rows"], "training": n_all, "validation": 0}
    assert card["refit"]
    assert made.fit.best_epochs == first.best_epochs
    assert card["epochs_run"] == max(first.best_epochs)
    # The learning rate at the end of each epoch is the first training's, but for the width of a step.
    pairs = list(zip(made.fit.history, first.history, strict=False))
    assert [a.learning_rate for a, b in pairs] == pytest.approx(
        [b.learning_rate for a, b in pairs], abs=0.002
    )
    # Step by step, by the engine alone.
    steps = -(-n_all // 16)
    data = Data(arrays.x, arrays.y, np.arange(n_all), np.arange(0), arrays.weights)
    start = initial_parameters(resolved.network, 3, 3)
    run = engine_named(engine).start(resolved.network, start, data, resolved.steps)
    for epoch in range(max(first.best_epochs)):
        met = sum(at <= epoch for at in card["plateaus"])
        t = np.arange(epoch * steps, (epoch + 1) * steps, dtype=float)
        rates = resolved.plan.schedule.rates(0.1, t, steps * 16, epoch, met, 2 * steps, np)
        run.train_epoch(epoch, rates, [m for m in range(3) if epoch < first.best_epochs[m]])
    assert run.parameters.tobytes() == made.fit.parameters.tobytes()
    if schedule != "cosine":
        assert card["plateaus"]
        assert card["plateaus"] == [at for at in plain.model.card["plateaus"] if at < card["epochs_run"]]
    # It can be replayed: the kept parameters come back where a later step is known.
    for member, best in enumerate(first.best_epochs, 1):
        if best < card["epochs_run"]:
            (found,) = replay(made.model, CLASSES, best * steps + 1, member)
            assert found.state.parameters[0].tobytes() == made.model.parameters[member - 1].tobytes()
    assert len(replay(made.model, CLASSES, 1, 1)[0].data.train) == n_all


def test_what_a_refit_knows_of_rows_it_has_not_seen_is_from_the_first_training():
    plain, made = train(CLASSES, calibrate=True), train(CLASSES, calibrate=True, refit=True)
    assert made.model.card["temperature"] == plain.model.card["temperature"]
    assert not np.array_equal(made.model.parameters, plain.model.parameters)
    frame = {name: NUMBERS[name] for name in "ab"}
    words: dict[str, Any] = {
        "hidden": [8],
        "epochs": 9,
        "members": 2,
        "random_state": 0,
        "engine": "reference",
    }
    one, other = (
        chainrule.TableRegressor(refit=refit, **words).fit(frame, NUMBERS["y"]) for refit in (False, True)
    )
    assert one.intervals_.to_dict() == other.intervals_.to_dict()
    assert one.validation_loss_curve_ == other.validation_loss_curve_
    assert not np.array_equal(one.predict(frame), other.predict(frame))


def test_a_refit_that_is_interrupted_leaves_the_first_training_and_callbacks_go_on_from_it():
    plain, seen = train(NUMBERS, engine="reference"), []

    def interrupt(state):
        seen.append(state)
        if len(seen) == len(plain.fit.history) + 2:
            raise KeyboardInterrupt
        return len(seen) > len(plain.fit.history)  # of no effect in a refit

    made = train(NUMBERS, engine="reference", refit=True, on_epoch_end=interrupt)
    assert len(seen) == len(plain.fit.history) + 2
    assert made.fit.first is None
    assert made.model.card == plain.model.card
    assert made.model.parameters.tobytes() == plain.model.parameters.tobytes()
    whole = train(NUMBERS, engine="reference", refit=True)
    again = fit_prepared(whole.prepared, engine="reference", resume=seen[-1].checkpoint())
    assert again.parameters.tobytes() == whole.fit.parameters.tobytes()


def test_a_refit_is_refused_where_there_is_nothing_more_to_train_on():
    for words, message in (
        ({"bagging": True}, "leave out refit, or bagging"),
        ({"validation_share": 0.0}, "refit trains again on the validation rows, and there are none"),
    ):
        with pytest.raises(SettingsError, match=message):
            train(CLASSES, **{"refit": True, **words})
    frame = {name: NUMBERS[name] for name in "ab"}
    made = chainrule.TableRegressor(refit=True, hidden=[4], epochs=3)
    with pytest.raises(SettingsError, match="refit trains again on the validation rows of this table"):
        made.fit(frame, NUMBERS["y"], X_val=frame, y_val=NUMBERS["y"])


# ---- clamp


def test_clamped_answers_are_the_same_network_s_drawn_in():
    words = {"test_share": 0.3, "hidden": [], "learning_rate": 0.1, "epochs": 20}
    plain, made = train(NUMBERS, **words), train(NUMBERS, clamp=True, **words)
    assert made.model.parameters.tobytes() == plain.model.parameters.tobytes()
    prepared = made.prepared
    y = prepared.fitted.frame["y"].to_numpy()
    low, high = y.min(), y.max()
    assert made.model.target.clamp == {"lowest": low, "highest": high}
    new = {"a": [-9.0, 0.1, 0.2, 9.0], "b": [0.5] * 4}
    raw, answers = plain.model.predict(new).labels, made.model.predict(new).labels
    assert raw[0] < low
    assert raw[3] > high
    assert answers.tolist() == [low, raw[1], raw[2], high]
    assert made.model.prediction_frame(new)["y"].to_list() == answers.tolist()
    # The score is that of clamped answers.
    true = {**new, "y": [low, raw[1] + 2.0, raw[2], high]}
    assert made.model.evaluate(true).scores["rmse"] == pytest.approx(1.0)  # sqrt(2² / 4)


def test_a_clamped_model_s_file(tmp_path):
    path = tmp_path / "m.safetensors"
    model = train(NUMBERS, clamp=True, epochs=2).model
    model.save(path)
    again = chainrule.load(path)
    assert again.target == model.target
    far = {"a": [50.0], "b": [0.0]}
    assert again.predict(far).labels.tolist() == model.predict(far).labels.tolist()
    description = model.to_dict()
    del description["target"]["clamp"]  # as files were before there was one
    old = chainrule.Model.from_dict(description, model.arrays())
    assert old.target.clamp is None


def test_what_is_watched_in_units_is_of_clamped_answers_and_true_numbers():
    target = fit_target(*_numbers_0_to_10(), scaling="none", clamp=True)
    watch = in_units(watched("error", resolve(Settings(), PROBLEM).network, Answers("number")), target)
    # Answers 10, 0 and 4 for 13, -1 and 6: RMSE sqrt((9 + 1 + 4)/3).
    y, outputs = np.array([[13.0], [-1.0], [6.0]]), np.array([[30.0], [-5.0], [4.0]])
    assert watch(y, outputs, None) == pytest.approx((14 / 3) ** 0.5)


def _numbers_0_to_10():
    table = from_frame({"x": [1.0, 2.0, 4.0], "y": [0.0, 2.5, 10.0]})
    return table, infer_schema(table, target="y", task="regression")


def test_a_clamp_of_classes_is_refused():
    with pytest.raises(SettingsError, match=r"^clamp is for numbers, and the target 'y' has classes"):
        train(CLASSES, clamp=True)
    assert train(CLASSES, clamp=False, epochs=1).model.target.clamp is None
