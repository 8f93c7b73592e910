"""Several targets of one network: each in its own units, in any order, in files, scores, explanations and estimators."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule
from chainrule.errors import ChainruleError, ModelFileError, SettingsError
from chainrule.estimators import TableClassifier, TableRegressor
from chainrule.explain.attribute.gradients import integrated_gradients
from chainrule.explain.check.certificate import certify
from chainrule.explain.diagnose.diagnosis import diagnose
from chainrule.explain.trace.data import trace_from_json, trace_to_json
from chainrule.explain.trace.sources import trace_rows
from chainrule.fitting.question import Question
from chainrule.fitting.replay import replay
from chainrule.fitting.studies.ablation import ablate
from chainrule.fitting.train import prepare, train
from chainrule.model.model import Model
from chainrule.tables.encoding.target import TargetEncoder
from chainrule.tables.encoding.targets import Targets, fit_targets, read_target
from chainrule.tables.schema import infer_schema
from chainrule.tables.table import from_frame
from chainrule.training.scores.metrics import mean_scores
from chainrule.training.settings.record import Settings
from effort import many

RANDOM = np.random.default_rng(1)
A, B = RANDOM.normal(size=(2, 60))
TABLE = pl.DataFrame(
    {
        "a": A,
        "b": B,
        "big": 1000 * A + 50 * B + 3000,
        "small": 0.01 * B - 0.002 * A,
        "wet": np.where(A > 0, "yes", "no"),
        "hot": (B > 0.3).astype(int),
        "kind": RANDOM.choice(list("uvw"), size=60),
    }
)
QUICK: dict[str, Any] = {
    "hidden": [4], "activation": "tanh", "epochs": 4, "members": 2, "engine": "reference", "inputs": ["a", "b"],
}  # fmt: skip
NUMBERS, LABELS = ["big", "small"], ["wet", "hot"]


@pytest.fixture(scope="module")
def numbers() -> chainrule.Trained:
    return train(TABLE, NUMBERS, **QUICK)


@pytest.fixture(scope="module")
def labels() -> chainrule.Trained:
    return train(TABLE, LABELS, **QUICK)


# ---- the encoders


FLOATS = st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=6, unique=True)


@settings(max_examples=many(50))
@given(st.lists(FLOATS, min_size=2, max_size=4), st.sampled_from(["standard", "minmax", "none"]), st.data())
def test_what_is_scaled_comes_back_each_in_its_units(
    columns: list[list[float]], scaling: str, data: Any
) -> None:
    n = min(map(len, columns))
    frame = {f"y{j}": column[:n] for j, column in enumerate(columns)} | {
        "x": [0.5, 1.5, 2.5, 7.0, 8.0, 9.0][:n]
    }
    names = tuple(name for name in frame if name != "x")
    table = from_frame(frame)
    target = fit_targets(table, infer_schema(table, target=names, task="regression"), scaling=scaling)
    assert isinstance(target, Targets)
    scaled = target.transform(table)
    given_back = target.inverse(scaled)
    size = np.abs([frame[name] for name in names]).max(axis=1)
    assert (np.abs(given_back - target.numbers(table)) <= 1e-12 * (1 + size)).all()
    # Each column is what an encoder of its own makes, whatever the order.
    order = data.draw(st.permutations(names))
    other = fit_targets(table, infer_schema(table, target=order, task="regression"), scaling=scaling)
    places = [names.index(name) for name in order]
    assert (other.transform(table) == scaled[:, places]).all()
    assert read_target(target.to_dict()) == target


def test_one_target_is_no_several() -> None:
    table = from_frame(TABLE)
    assert isinstance(fit_targets(table, infer_schema(table, target=["big"])), TargetEncoder)


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [{"name": "a", "task": "regression", "labels": [], "scaling": "none", "parameters": {}}],
        [{"name": "a", "task": "regression", "labels": [], "scaling": "none", "parameters": {}}] * 2,
        [
            {"name": "a", "task": "regression", "labels": [], "scaling": "none", "parameters": {}},
            {
                "name": "b",
                "task": "classification",
                "labels": ["n", "y"],
                "scaling": "none",
                "parameters": {},
            },
        ],
        [
            {
                "name": name,
                "task": "classification",
                "labels": ["n", "o", "y"],
                "scaling": "none",
                "parameters": {},
            }
            for name in "ab"
        ],
    ],
)
def test_a_file_with_targets_that_no_network_has_is_refused(parts: list[Any]) -> None:
    with pytest.raises(ModelFileError, match="parts"):
        read_target({"parts": parts})


# ---- training


def test_targets_are_no_inputs_and_have_an_output_each(numbers: chainrule.Trained) -> None:
    found = prepare(Question(TABLE, NUMBERS, drop=["wet", "hot", "kind"]), Settings(hidden=[4]))
    assert found.encoder.columns[0].name == "a"
    assert len(found.encoder.columns) == 2
    assert numbers.model.output.n_out == 2
    assert numbers.prepared.schema.targets == ("big", "small")


def test_a_network_of_two_targets_is_two_networks_where_nothing_is_shared() -> None:
    words = {
        **QUICK,
        "hidden": [],
        "members": 1,
        "optimizer": "sgd",
        "loss": "half_squared_error",
        "init": "zeros",
    }
    words |= {"early_stopping": False, "batch_size": "all", "learning_rate": 0.2}
    del words["activation"]
    both = train(TABLE, NUMBERS, **words).model
    for j, name in enumerate(NUMBERS):
        one = train(TABLE, name, **words).model
        # The loss of several outputs is their mean or their sum; half_squared_error is the sum, so each has its own gradient.
        assert np.allclose(both.predict(TABLE).labels[:, j], one.predict(TABLE).labels, rtol=1e-12)


def test_the_order_of_targets_is_that_of_the_outputs() -> None:
    words = {**QUICK, "hidden": [], "init": "zeros", "early_stopping": False}
    del words["activation"]
    there, back = train(TABLE, NUMBERS, **words), train(TABLE, NUMBERS[::-1], **words)
    assert np.allclose(
        there.model.predict(TABLE).labels, back.model.predict(TABLE).labels[:, ::-1], rtol=1e-12
    )
    assert there.evaluation.scores == pytest.approx(back.evaluation.scores)


def test_labels_are_a_sigmoid_each(labels: chainrule.Trained) -> None:
    network = labels.model.network
    assert (network.output.n_out, network.output.activation.name, network.loss.name) == (
        2, "sigmoid", "binary_cross_entropy",
    )  # fmt: skip
    found = labels.model.predict(TABLE)
    assert found.probabilities is not None
    assert found.probabilities.shape == (60, 2)
    assert found.labels[:, 0].tolist() == np.where(found.probabilities[:, 0] > 0.5, "yes", "no").tolist()
    assert found.labels[:, 1].tolist() == (found.probabilities[:, 1] > 0.5).astype(int).tolist()


def test_the_recipe_takes_several_targets() -> None:
    for names in (NUMBERS, LABELS):
        found = prepare(Question(TABLE, names, inputs=["a", "b"]), Settings()).resolved
        assert found.network.output.n_out == 2
        assert not found.calibrate
        assert found.network.loss.smoothed == 0


def test_scores_are_of_each_target_and_their_mean(
    numbers: chainrule.Trained, labels: chainrule.Trained
) -> None:
    for trained in (numbers, labels):
        found = trained.evaluation
        assert found.by_target is not None
        assert found.scores == mean_scores(found.by_target.values())
        assert set(trained.model.card["scores"]) == set(found.scores)
        assert all(set(scores) <= set(found.scores) for scores in trained.baselines.values())
    errors = numbers.evaluation.by_target["big"]
    tested, answers = numbers.prepared.tested, numbers.model.predict(numbers.prepared.tested).labels
    assert errors["rmse"] == pytest.approx(
        np.sqrt(np.mean((answers[:, 0] - tested.column("big").to_numpy()) ** 2))
    )
    assert numbers.evaluation.scores["rmse"] == pytest.approx(
        (errors["rmse"] + numbers.evaluation.by_target["small"]["rmse"]) / 2
    )


def test_rows_without_one_of_the_targets_are_left_out() -> None:
    lacking = TABLE.with_columns(small=pl.when(pl.arange(60) < 5).then(None).otherwise(pl.col("small")))
    found = train(lacking, NUMBERS, **QUICK)
    assert sum(found.prepared.rows.values()) == 55
    assert (
        "5 rows have not all targets (the first is row 1) and can't be learned from"
        in found.prepared.schema.notes
    )
    assert found.model.evaluate(lacking).rows == 55


def test_a_replay_is_to_the_bit(numbers: chainrule.Trained, labels: chainrule.Trained) -> None:
    for trained in (numbers, labels):
        last = 4 * trained.prepared.arrays.n_training // trained.prepared.resolved.steps.batch_size
        (found,) = replay(trained.model, TABLE, max(1, last // 2))
        assert found.data.y.shape[1] == 2


def test_an_ablation_compares_the_means_over_the_targets() -> None:
    words = {"members": 1, "epochs": 2, "engine": "reference", "inputs": ["a", "b"], "seeds": 1, "fast": True}
    for names, score in ((NUMBERS, "rmse"), (LABELS, "error")):
        found = ablate(TABLE, names, **words)
        assert score in found.scores
        assert any(one.reason is None for one in found.ingredients)


# ---- what is refused


@pytest.mark.parametrize(
    ("targets", "words", "line"),
    [
        (["big", "wet"], {}, "the target 'big' is a number and 'wet' a class, and several targets are of one kind: train a model "
         "for each, or ask for task='regression' where classes are numbers, too"),
        (["wet", "kind"], {}, "the target 'kind' has 3 classes, and several targets have two each, such as yes and no: train a "
         "model for each"),
        (["wet", "wet"], {}, "'wet' is named as a target twice: leave one of them out"),
        ([], {}, "target [] must be a column, or a list of columns"),
        (["big", "no"], {}, None),
        (["big", "a"], {"inputs": ["a"]}, "'a' is a target, so it can't be an input as well"),
        (["big", "small"], {"drop": ["big"]}, "'big' is a target, so it can't be dropped"),
        (LABELS, {"loss": "categorical_cross_entropy"}, "loss='categorical_cross_entropy' makes one class of all outputs, and "
         "several targets are a class each: choose sigmoid and binary_cross_entropy"),
        (LABELS, {"label_smoothing": 0.1}, "label_smoothing is for one class a row, and several targets "
         "are a class each: leave it out"),
        (LABELS, {"calibrate": True}, "calibrate is for one target, and there are several: leave it out"),
    ],
)  # fmt: skip
def test_what_no_network_has_is_refused_in_one_line(
    targets: list[str], words: dict[str, Any], line: str | None
) -> None:
    with pytest.raises(ChainruleError) as caught:
        train(TABLE, targets, **{**QUICK, "inputs": None, **words})
    assert "\n" not in str(caught.value)
    if line is not None:
        assert str(caught.value) == line


# ---- files


@pytest.mark.parametrize("which", ["numbers", "labels"])
def test_a_model_file_keeps_them(which: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue(which).model
    model.save(tmp_path / "m.safetensors")
    back = Model.load(tmp_path / "m.safetensors")
    assert back.to_dict() == model.to_dict()
    assert back.to_dict()["model_version"] == 4
    assert back.prediction_frame(TABLE).equals(model.prediction_frame(TABLE))


def test_a_column_for_each_target_and_the_probability_of_each_label(
    numbers: chainrule.Trained, labels: chainrule.Trained
) -> None:
    assert numbers.model.prediction_frame(TABLE).columns == ["big", "small"]
    frame = labels.model.prediction_frame(TABLE)
    assert frame.columns == ["wet", "hot", "P(wet = yes)", "P(hot = 1)"]
    assert [str(kind) for kind in frame.dtypes] == ["String", "Int64", "Float64", "Float64"]


def test_targets_that_do_not_fit_the_outputs_are_refused(numbers: chainrule.Trained) -> None:
    data = numbers.model.to_dict()
    data["target"]["parts"].append({**data["target"]["parts"][0], "name": "third"})
    with pytest.raises(ModelFileError, match="3 targets don't fit 2 outputs"):
        Model.from_dict(data, numbers.model.arrays())


# ---- explanations


def test_a_trace_has_an_answer_for_each(numbers: chainrule.Trained, labels: chainrule.Trained) -> None:
    for trained in (numbers, labels):
        trace = trace_rows(trained.model, TABLE, 3)
        found = trained.model.predict(TABLE[2:3])
        expected = found.labels if found.probabilities is None else found.probabilities
        assert [trace["answer[1]"], trace["answer[2]"]] == pytest.approx(expected[0].tolist(), rel=1e-6)
        again = trace_from_json(trace_to_json(trace))
        assert again["answer[2]"] == trace["answer[2]"]
        assert again.target == trained.model.target
        for name in ("prediction", "probability[1]"):
            with pytest.raises(SettingsError, match=r"there are several targets; see answer\[1\]"):
                trace[name]


def test_attributions_are_of_the_target_asked_for(
    numbers: chainrule.Trained, labels: chainrule.Trained
) -> None:
    table = numbers.model.table(TABLE)
    for trained in (numbers, labels):
        for name in trained.model.target.names:
            found = integrated_gradients(trained.model, table, 0, target=name)
            assert found.holds
            assert name in found.quantity
        with pytest.raises(SettingsError, match="the model has several targets: choose one by target: "):
            integrated_gradients(trained.model, table, 0)
        with pytest.raises(SettingsError, match="the model has no target 'no': choose one by target: "):
            integrated_gradients(trained.model, table, 0, target="no")


def test_they_are_checked_and_diagnosed(numbers: chainrule.Trained, labels: chainrule.Trained) -> None:
    for trained in (numbers, labels):
        assert certify(trained.model, TABLE, n_rows=5).passed
        diagnose(trained.model, TABLE)
    flat = train(TABLE, NUMBERS, **{**QUICK, "init": "zeros", "epochs": 1, "learning_rate": 1e-9}).model
    says = [found.what for found in diagnose(flat, TABLE).findings if found.kind == "constant_predictor"]
    assert [what.rpartition(", as ")[2] for what in says] == NUMBERS


# ---- estimators


def test_the_regressor_takes_several_columns(tmp_path: Path) -> None:
    x, y = TABLE.select("a", "b"), TABLE.select("big", "small")
    words = {"hidden": [4], "epochs": 5, "members": 2, "engine": "reference", "random_state": 0}
    model = TableRegressor(**words).fit(x, y)
    assert model.predict(x).shape == (60, 2)
    assert model.model_.target.names == ("big", "small")
    assert np.isfinite(model.score(x, y))
    arrays = TableRegressor(**words).fit(x.to_numpy(), y.to_numpy())
    assert np.array_equal(arrays.predict(x.to_numpy()), model.predict(x))
    assert arrays.model_.target.names == ("target_1", "target_2")
    model.save(tmp_path / "m.safetensors")
    assert np.array_equal(TableRegressor.load(tmp_path / "m.safetensors").predict(x), model.predict(x))
    with pytest.raises(
        SettingsError, match=r"quantiles are of one target, and there are several \(big, small\)"
    ):
        model.predict(x, quantiles=0.5)
    with pytest.raises(ValueError, match="y_val has 1 columns, and training had 2 targets"):
        TableRegressor(**words).fit(x, y, X_val=x, y_val=y["big"])


def test_the_classifier_says_where_labels_are_learned() -> None:
    with pytest.raises(
        ValueError, match="has 2 columns, and TableClassifier learns one target; for a label in each use"
    ):
        TableClassifier(hidden=[4]).fit(TABLE.select("a", "b"), TABLE.select("wet", "hot"))
