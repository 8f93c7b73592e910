"""A model comes back bit for bit and predicts the same bits; whatever else is in a file is refused in one line."""

import copy
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chainrule
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.network import MAX_ACTIVATIONS, MAX_LAYERS, Network
from chainrule.errors import ChainruleError, ModelFileError, OutputError, SettingsError, TableError
from chainrule.explain.show import render
from chainrule.model.file import read_model_file, write_model_file
from chainrule.model.group import Group
from chainrule.model.model import MOST_OUTPUTS, Model
from chainrule.reports.description import description_document
from chainrule.tables.encoding.encode import fit_encoder
from chainrule.tables.encoding.target import fit_target
from chainrule.tables.schema import infer_schema
from chainrule.tables.table import from_frame
from effort import many

COLUMNS = {
    "x": [1.5, 2, 3, 4.0] * 10,
    "c": ["u", "v", "w", None] * 10,
    "d": [f"2024-01-0{i % 9 + 1}" for i in range(40)],
    "b": [True, False] * 20,
    "n": [i % 13 / 3 for i in range(40)],
    "y": ["no", "yes"] * 20,
}
NEW = {
    "x": [1.0, 2.25, None],
    "c": ["u", "never seen", None],
    "d": ["2024-01-01", "2031-12-31", None],
    "b": [True, False, None],
    "n": [0.5, 1e300, None],
}
QUICK: dict[str, Any] = {"hidden": [3], "epochs": 2, "members": 2, "engine": "reference"}


@pytest.fixture(scope="module")
def model() -> Model:
    return chainrule.train(COLUMNS, "y", **QUICK).model


def same(one: Model, other: Model) -> bool:
    left, right = one.predict(NEW), other.predict(NEW)
    assert left.probabilities is not None
    assert right.probabilities is not None
    return left.probabilities.tobytes() == right.probabilities.tobytes() and list(left.labels) == list(
        right.labels
    )


# ---- round trips


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"loss": "hinge"},
        {"loss": "huber(delta=2)", "activation": "z/(1+abs(z))", "output_activation": "tanh"},
        {"hidden": [4, 2], "activation": ["leaky_relu(alpha=0.2)", "mish"], "bias": "layer", "dropout": 0.3},
        {"hidden": [], "optimizer": "lbfgs", "epochs": 5},
        {"target": "n", "loss": "quantile(q=0.9)", "l1": 1, "clip_norm": 1, "missing": ["-999"], "decimal": ","},
        {"target": "c", "bias": "none", "scaling": "minmax", "init": "constant(value=0.1)", "weights": "n"},
    ],
    ids=str,
)  # fmt: skip
def test_a_model_read_back_is_the_same_model(more, tmp_path):
    words = {"target": "y", **QUICK, **more}
    trained = chainrule.train(COLUMNS, words.pop("target"), **words).model
    trained.save(tmp_path / "m.safetensors")
    again = chainrule.load(tmp_path / "m.safetensors")
    assert again.to_dict() == trained.to_dict()
    assert again.parameters.dtype == trained.parameters.dtype
    assert again.parameters.tobytes() == trained.parameters.tobytes()
    assert (again.engine, again.reading) == (trained.engine, trained.reading)
    first, second = trained.predict(COLUMNS), again.predict(COLUMNS)
    assert first.labels.dtype == second.labels.dtype
    assert list(first.labels) == list(second.labels)
    if first.probabilities is not None and second.probabilities is not None:
        assert first.probabilities.tobytes() == second.probabilities.tobytes()
    again.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "m.safetensors").read_bytes()


def test_the_engine_that_trained_predicts(tmp_path):
    trained = chainrule.train(COLUMNS, "y", **{**QUICK, "engine": "cpu"}).model
    trained.save(tmp_path / "m.safetensors")
    again = chainrule.load(tmp_path / "m.safetensors")
    assert again.engine == "cpu"
    assert same(trained, again)


def test_save_refuses_a_file_that_exists(model, tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_text("precious")
    with pytest.raises(OutputError, match="exists"):
        model.save(path)
    assert path.read_text() == "precious"
    model.save(path, overwrite=True)
    assert same(chainrule.load(path), model)


# ---- answers


def by_hand(
    *, outputs: list[list[float]], labels: list[str], loss: str, activation: str = "identity"
) -> Model:
    """A model of one input that is always 0, so that its outputs are f(b): one list of biases for each member."""
    table = from_frame({"x": [0.0] * 4 + [1.0], "y": [labels[i % len(labels)] for i in range(5)]})
    schema = infer_schema(table, target="y")
    n_out = len(outputs[0])
    network = Network([1, Dense(n_out, activation)], loss=loss)
    layout = Layout(network)
    flat = [layout.flatten({1: {"W": np.zeros((1, n_out)), "b": np.array(biases)}}) for biases in outputs]
    encoder = fit_encoder(table, schema, scaling="none")
    groups = (Group(network, np.array(flat)),)
    return Model(groups, encoder, fit_target(table, schema), card={"engine": "reference"})


def answer(model: Model) -> tuple[str, list[float] | None]:
    prediction = model.predict({"x": [0.0]})
    chances = None if prediction.probabilities is None else prediction.probabilities[0].tolist()
    return str(prediction.labels[0]), chances


def test_the_mean_of_the_members_decides():
    # softmax(log p) = p: members say (0.9, 0.1) and (0.3, 0.7); their mean is (0.6, 0.4).
    made = by_hand(
        outputs=[np.log([0.9, 0.1]).tolist(), np.log([0.3, 0.7]).tolist()],
        labels=["a", "b"],
        loss="categorical_cross_entropy",
        activation="softmax",
    )
    label, chances = answer(made)
    assert label == "a"
    assert chances == pytest.approx([0.6, 0.4])


def test_one_output_is_the_probability_of_the_second_class():
    def one(*z: float) -> tuple[str, list[float] | None]:
        biases = [[value] for value in z]
        return answer(
            by_hand(outputs=biases, labels=["a", "b"], loss="binary_cross_entropy", activation="sigmoid")
        )

    assert one(0.0) == ("a", [0.5, 0.5])  # a tie goes to the first class
    assert one(1e-9)[0] == "b"
    # sigmoid(log 3) = 3/4, sigmoid(-log 9) = 1/10: the mean is 0.425.
    label, chances = one(float(np.log(3)), -float(np.log(9)))
    assert label == "a"
    assert chances == pytest.approx([0.575, 0.425])


def test_a_signed_loss_decides_by_the_sign_and_gives_no_probability():
    assert answer(by_hand(outputs=[[0.2]], labels=["a", "b"], loss="hinge")) == ("b", None)
    assert answer(by_hand(outputs=[[-0.2]], labels=["a", "b"], loss="hinge")) == ("a", None)
    assert answer(by_hand(outputs=[[0.2]], labels=["a", "b"], loss="mean_squared_error")) == ("a", None)


def test_sigmoid_outputs_of_many_classes_are_divided_by_their_sum():
    z = [float(np.log(3)), 0.0, -800.0]  # 3/4, 1/2, 0
    three = {"labels": ["a", "b", "c"], "loss": "mean_squared_error", "activation": "sigmoid"}
    label, chances = answer(by_hand(outputs=[z], **three))
    assert label == "a"
    assert chances == pytest.approx([0.6, 0.4, 0.0])
    # Where all underflow to 0 nothing is known.
    assert answer(by_hand(outputs=[[-800.0] * 3], **three))[1] == pytest.approx([1 / 3] * 3)


def test_an_output_that_is_not_finite_names_the_row(tmp_path):
    made = by_hand(outputs=[[710.0]], labels=["a", "b"], loss="mean_squared_error", activation="exponential")
    (tmp_path / "new.csv").write_text("x\n0\n")
    with pytest.raises(TableError, match=r"new\.csv: line 2: the network's output is not a finite number"):
        made.predict(tmp_path / "new.csv")


def test_blocks_of_rows_give_the_same_answers(model, monkeypatch):
    table = {name: cells * 5 for name, cells in COLUMNS.items()}
    whole = model.predict(table)
    assert whole.probabilities is not None
    monkeypatch.setattr("chainrule.model.model.MOST_OUTPUTS", 60)
    parts = model.predict(table)
    assert MOST_OUTPUTS > 60
    np.testing.assert_allclose(parts.probabilities, whole.probabilities, rtol=1e-12)
    assert list(parts.labels) == list(whole.labels)


def test_predict_takes_paths_frames_columns_and_tables(model, tmp_path):
    table = from_frame({key: cells for key, cells in COLUMNS.items() if key != "y"})
    table.frame.with_columns(pl.col("b").cast(pl.String)).write_csv(tmp_path / "new.csv")
    expected = model.predict(table).probabilities
    for source in (
        table.frame,
        table.frame.lazy(),
        table.frame.to_dict(as_series=False),
        tmp_path / "new.csv",
    ):
        assert model.predict(source).probabilities.tobytes() == expected.tobytes()


def test_predict_takes_pandas_frames(model):
    pandas = pytest.importorskip("pandas")
    table = from_frame({key: cells for key, cells in COLUMNS.items() if key != "y"})
    expected = model.predict(table).probabilities
    frame = pandas.DataFrame(table.frame.to_dict(as_series=False))
    assert model.predict(frame).probabilities.tobytes() == expected.tobytes()


def test_reading_words_of_predict_take_the_place_of_those_of_training(tmp_path):
    trained = chainrule.train({"x": [0.5, 2.5] * 20, "y": ["a", "b"] * 20}, "y", decimal=",", **QUICK).model
    (tmp_path / "commas.csv").write_text("x;z\n0,5;1\n")
    (tmp_path / "points.csv").write_text("x\n0.5\n")
    expected = trained.predict({"x": [0.5]}).probabilities.tobytes()
    assert trained.predict(tmp_path / "commas.csv").probabilities.tobytes() == expected
    assert trained.predict(tmp_path / "points.csv", decimal=".").probabilities.tobytes() == expected
    with pytest.raises(TableError, match=r"'0\.5' is not a number"):
        trained.predict(tmp_path / "points.csv")
    with pytest.raises(SettingsError, match="delimiter and encoding are for tables in files"):
        trained.predict({"x": [0.5]}, delimiter=";")
    with pytest.raises(SettingsError, match="missing 'NA' must be a list of words"):
        trained.predict({"x": [0.5]}, missing="NA")


def test_evaluate_leaves_out_rows_without_target(model):
    some = {**COLUMNS, "y": [None if i < 4 else label for i, label in enumerate(COLUMNS["y"])]}
    rest = {name: cells[4:] for name, cells in COLUMNS.items()}
    assert model.evaluate(some).rows == 36
    assert model.evaluate(some).scores == model.evaluate(rest).scores
    with pytest.raises(TableError, match="no row has a value in the target 'y'"):
        model.evaluate({**COLUMNS, "y": [None] * 40})


# ---- hostile descriptions


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path into a nest of dicts and lists."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from places(value[index], (*path, index))


DESCRIPTION = json.loads((Path(__file__).parent / "description.json").read_text())
GROUPED = {
    "model_version": 2,
    "groups": [{"network": DESCRIPTION["network"], "weight": 1.0}],
    **{key: DESCRIPTION[key] for key in ("chainrule", "encoder", "target", "reading", "card")},
}
"""The same in version 2, which is written; DESCRIPTION is in version 1, which is read as well."""
PARAMETERS = np.linspace(-1, 1, 2 * 58).reshape(2, 58)
PLACES = [path for path in places(DESCRIPTION) if path]

NASTY = st.sampled_from(
    [
        None, True, False, 0, 1, -1, 2, 10**12, 10**300, 1e308, -1e308, 0.5, -0.5, "", "relu", "nan", "z" * 50,
        "z/(1+abs(z))", "sum(z)", "__import__('os')", "z" + "^z" * 40, "exp(" * 40 + "z" + ")" * 40, [], [[]],
        [[[1]]], [1], [None], {}, {"a": 1}, ["W"], ["W[9,9]"], "W[1,2]", ["b[0]"], "softmax", "hinge",
        "leaky_relu(alpha=1e308)", "constant(value=1e308)", "reference", "cpu", "2024", "\ud800", "\x1b[2J",
    ]
)  # fmt: skip
WAYS = st.sampled_from(["put", "delete", "add", "repeat"])
MUTATION = st.tuples(st.sampled_from(PLACES), WAYS, NASTY)
GROUPED_PLACES = [path for path in places(GROUPED) if path]
OF_GROUPS = st.tuples(
    st.sampled_from(GROUPED_PLACES)
    | st.sampled_from([path for path in GROUPED_PLACES if path[0] == "groups"]),
    WAYS,
    NASTY,
)


def mutated(
    mutations: list[tuple[tuple[Any, ...], str, Any]], description: dict[str, Any] = DESCRIPTION
) -> dict[str, Any]:
    made = copy.deepcopy(description)
    for path, what, nasty in mutations:
        parent: Any = made
        try:
            for key in path[:-1]:
                parent = parent[key]
            if what == "put":
                parent[path[-1]] = copy.deepcopy(nasty)
            elif what == "delete":
                del parent[path[-1]]
            elif what == "add" and isinstance(parent, dict):
                parent["extra"] = copy.deepcopy(nasty)
            elif isinstance(parent, list):
                parent.append(copy.deepcopy(parent[path[-1]]))
        except (KeyError, IndexError, TypeError):
            pass  # an earlier mutation has taken the place away
    return made


def test_the_description_that_is_mutated_is_a_good_one(tmp_path):
    write_model_file(tmp_path / "m", {"parameters": PARAMETERS}, DESCRIPTION)
    loaded = chainrule.load(tmp_path / "m")
    assert loaded.predict(NEW).labels.shape == (3,)
    assert loaded.to_dict() == {**GROUPED, "chainrule": chainrule.__version__}


@settings(max_examples=many(400), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MUTATION, min_size=1, max_size=2))
def test_a_hostile_description_is_refused_in_one_line_or_is_a_model(tmp_path, mutations):
    check_refused_or_a_model(tmp_path, {"parameters": PARAMETERS}, mutated(mutations))


@settings(max_examples=many(400), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(OF_GROUPS, min_size=1, max_size=2))
def test_so_is_one_of_groups(tmp_path, mutations):
    check_refused_or_a_model(tmp_path, {"groups.0.parameters": PARAMETERS}, mutated(mutations, GROUPED))


def check_refused_or_a_model(tmp_path: Path, arrays: dict[str, Any], description: dict[str, Any]) -> None:
    path = tmp_path / "m.safetensors"
    write_model_file(path, arrays, description, overwrite=True)
    loaded, line = attempt(lambda: chainrule.load(path), ModelFileError)
    if loaded is None:
        assert line.startswith(f"{path} is not a model that chainrule ")
        assert len(line) < len(str(path)) + 400
        return
    assert "\x1b" not in render(description_document(loaded, "m"), "text")
    assert json.loads(json.dumps(loaded.to_dict())) == loaded.to_dict()
    prediction, line = attempt(lambda: loaded.predict(NEW), ChainruleError)
    assert "\n" not in line
    assert prediction is None or len(prediction.labels) == 3


def attempt(do: Callable[[], Any], error: type[ChainruleError]) -> tuple[Any, str]:
    """What comes of it, or the message of an error of that class; any other error is let through."""
    try:
        return do(), ""
    except error as caught:
        return None, str(caught)


def refusal(tmp_path: Path, description: Any, parameters: Any = PARAMETERS) -> str:
    path = tmp_path / "m"
    arrays = parameters if isinstance(parameters, dict) else {"parameters": parameters}
    write_model_file(path, arrays, description, overwrite=True)
    with pytest.raises(ModelFileError) as caught:
        chainrule.load(path)
    return str(caught.value).partition("can use: ")[2]


def put(*path: Any) -> dict[str, Any]:
    *path, value = path
    return mutated([(tuple(path), "put", value)])


def test_what_is_wrong_is_named(tmp_path):
    for description, message in [
        (put("model_version", 9), "its description has version 9, and versions 1 to 8 are read"),
        (put("network", "layers", 0, "n_out", 10**12), "parameters of shape (members, "),
        (put("network", "n_inputs", 10**300), "parameters of shape (members, "),
        (
            put("network", "layers", 0, "n_out", 2.0),
            "a layer has a whole number of neurons, at least 1, not 2.0",
        ),
        (put("network", "layers", 0, "kind", "conv"), "unknown kind of layer 'conv'"),
        (put("network", "layers", 0, "frozen", ["W[99,1]"]), "frozen 'W[99,1]': layer 1 has "),
        (put("network", "layers", 0, "frozen", [7]), "frozen [7] must be names of parameters"),
        (put("network", "layers", []), "after the number of inputs come one or more layers"),
        (put("network", "layers", 0, "activation", "eval(z)"), "unknown activation 'eval(z)'"),
        (put("network", "layers", [None]), "network.layers[0]: an object was expected, not null"),
        (
            put("network", "layers", 0, "activation", 7),
            "network.layers[0].activation: text was expected, not 7",
        ),
        (put("network", "loss", "a"), "loss 'a' must contain both"),
        (put("encoder", "columns", []), "encoder.columns: there is no column"),
        (put("target", "labels", ["yes", "no"]), "target.labels: two or more labels of one type, in order, "),
        (put("target", "labels", ["a", "b", "c"]), "3 classes don't fit 1 outputs"),
        (put("reading", "decimal", ";"), "reading.decimal: ';' is not one of ,, ."),
        (put("card", "engine", "abacus"), "card.engine: 'abacus' is not one of cpu, reference"),
        (put("card", "rows", "training", -1), "card.rows.training: a count was expected, not -1"),
        (mutated([(("card",), "delete", None)]), "the description: 'card' is not there"),
        (mutated([(("card",), "add", 1)]), "the description: 'extra' is not known here"),
    ]:
        assert refusal(tmp_path, description).startswith(message)


def test_parameters_that_do_not_fit(tmp_path):
    for parameters, message in [
        (PARAMETERS[:, 1:], "parameters of shape (members, 58) are expected, but found (2, 57)"),
        (PARAMETERS[:0], "parameters of shape (members, 58) are expected, but found (0, 58)"),
        (PARAMETERS[0], "parameters of shape (members, 58) are expected, but found (58,)"),
        (PARAMETERS.astype(np.int64), "parameters are floating-point numbers, not int64"),
        ({"W": PARAMETERS}, "the one array 'parameters' is expected, but found ['W']"),
        ({"parameters": PARAMETERS, "W": PARAMETERS}, "the one array 'parameters' is expected, but found "),
    ]:
        assert refusal(tmp_path, DESCRIPTION, parameters).startswith(message)


WRONG_COUNTS: list[Any] = [-1, 2**63, 10**400, 1.5, "7", None, True]
WRONG_NUMBERS: list[Any] = [-0.5, float("inf"), float("nan"), -float("inf"), 10**400, "1", [], True]
CARD_LIMITS: dict[str, list[Any]] = {
    **{name: [0, *WRONG_COUNTS] for name in ("batch_size", "epochs", "patience", "most_steps")},
    **dict.fromkeys(("warmup_steps", "epochs_run", "bagging"), WRONG_COUNTS),
    **{name: [0, *WRONG_NUMBERS] for name in ("learning_rate", "clip_norm", "temperature", "time_limit")},
    **dict.fromkeys(("tolerance", "l1", "l2", "weight_decay"), WRONG_NUMBERS),
    **{name: [1, 1.5, *WRONG_NUMBERS] for name in ("test_share", "validation_share")},
    "seed": [-1, 2**64, 0.5, "0"],
    "plateaus": [[-1], [2**63], 3],
    "best_epochs": [[-1], [0.5], "1"],
    "optimizer": ["", "sgd(", "adam(beta1=2)", "adam(beta3=0)", "Never heard", 3],
    "schedule": ["", "step(every=0)", "plateau(patience=-1)", "cosine(x=1)", None],
    "regularization_schedule": ["", "rising", 1],
    "rows": [{"training": 0, "validation": 0, "test": 0}, {"training": 5, "validation": -1, "test": 0}],
    "members": [{"trained": 0, "kept": []}, {"trained": 10**9, "kept": [1]}, {"trained": 3, "kept": [2, 1]}],
    "scores": [{"accuracy": float("nan")}, {"accuracy": "high"}, [0.5]],
}


@pytest.mark.parametrize("name", CARD_LIMITS)
def test_every_number_of_a_card_has_its_limits(name):
    for value in CARD_LIMITS[name]:
        description = json.loads(json.dumps(DESCRIPTION))
        description["card"][name] = value
        if value is None and name in ("most_steps", "time_limit", "clip_norm", "temperature"):
            continue
        with pytest.raises(ModelFileError) as caught:
            Model.from_dict(description, {"parameters": PARAMETERS})
        assert str(caught.value).startswith(f"card.{name}"), value
        assert "\n" not in str(caught.value)


def test_the_numbers_of_a_card_at_their_limits_are_read():
    description = json.loads(json.dumps(DESCRIPTION))
    description["card"] |= {"seed": 2**64 - 1, "batch_size": 1, "epochs": 2**63 - 1, "test_share": 0.0}
    card = Model.from_dict(description, {"parameters": PARAMETERS}).card
    assert (card["seed"], card["epochs"]) == (2**64 - 1, 2**63 - 1)


def test_a_description_that_would_take_minutes_to_read_is_refused(tmp_path):
    """Parsing and differentiating the worst formula takes half a second: so many are not even begun."""
    worst = "z^(" * 40 + "z" + ")" * 40
    layer = {**DESCRIPTION["network"]["layers"][0], "activation": worst}
    begun = time.process_time()
    line = refusal(tmp_path, put("network", "layers", [layer] * (MAX_LAYERS + 1)))
    assert line == "network.layers: 1,001 layers are more than the 1,000 that can be: give fewer"
    different = [{**layer, "activation": f"{worst}+{i}"} for i in range(MAX_ACTIVATIONS + 1)]
    line = refusal(tmp_path, put("network", "layers", different))
    assert line == (
        "network.layers: 21 different activations are more than the 20 that can be: give some layers the same"
    )
    refusal(tmp_path, put("network", "layers", [layer] * MAX_LAYERS))
    assert time.process_time() - begun < 60


def test_a_file_of_arrays_alone_is_no_model(tmp_path):
    write_model_file(tmp_path / "m", {"W1": np.ones((2, 1))}, {"task": "binary"})
    assert read_model_file(tmp_path / "m")[1] == {"task": "binary"}
    with pytest.raises(ModelFileError, match="its description has version None"):
        chainrule.load(tmp_path / "m")
