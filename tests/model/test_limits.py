"""A model that can be written can be read: each limit is checked where it begins, by `save`, and by what reads."""

import json
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

import chainrule
from chainrule import Dense, MLPClassifier, MLPRegressor, Network, TableRegressor
from chainrule.equations.network import MAX_ACTIVATIONS, MAX_LAYERS
from chainrule.errors import ChainruleError, ModelFileError, SettingsError
from chainrule.explain.diagnose.diagnosis import diagnose
from chainrule.fitting.replay import replay
from chainrule.model import file
from chainrule.model._strict_json import MAX_VALUES
from chainrule.model.file import MAX_AXES, MAX_DEPTH, read_model_file, write_model_file
from chainrule.model.group import MAX_GROUPS, Group
from chainrule.model.model import Model
from effort import one_in

TABLE = {"x": [1.5, 2, 3, 4.0] * 10, "y": [i % 13 / 3 for i in range(40)]}
X, Y = np.array(TABLE["x"])[:, None], np.array(TABLE["y"])
QUICK = {
    "epochs": 1,
    "engine": "reference",
    "members": 1,
    "recipe": False,
    "optimizer": "sgd",
    "learning_rate": 1e-9,
}
TOO_MANY = {
    "layers": "1,001 layers are more than the 1,000",
    "activations": "21 different activations are more than the 20",
}


def layers_of(what: str, n: int) -> tuple[list[int], list[str]]:
    """Hidden layers with which, and an output layer, there are so many layers, or different activations."""
    names = ["tanh"] * (n - 1) if what == "layers" else [f"z+{i}" for i in range(1, n)]
    return [1] * (n - 1), names


LIMITS = {"layers": MAX_LAYERS, "activations": MAX_ACTIVATIONS}


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("what", LIMITS)
@pytest.mark.parametrize(
    "door", one_in(3, ["train", "table", "mlp", "mlp classifier", "given weights", "network"])
)
def test_the_most_can_be_written_and_one_more_is_refused_before_training(what, door, tmp_path):
    def made(n: int):
        sizes, names = layers_of(what, n)
        if door == "network":
            return Network([1, *(Dense(1, name) for name in names), Dense(1, "identity")])
        if door == "train":
            return chainrule.train(TABLE, "y", hidden=sizes, activation=names, **QUICK).model
        if door == "table":
            return TableRegressor(hidden=sizes, activation=names, **QUICK).fit(X, Y)
        words = {"activation": tuple(names), "max_iter": 1, "learning_rate_init": 1e-9, "solver": "sgd"}
        if door == "given weights":
            weights = [np.ones((1, 1))] * n, [np.zeros(1)] * n
            return MLPRegressor.from_weights(*weights, activation=tuple(names))
        if door == "mlp":
            return MLPRegressor(hidden_layer_sizes=sizes, **words).fit(X, Y)
        return MLPClassifier(sizes, **words).fit(X, Y > 2)

    if door in ("network", "train", "table", "given weights") or what == "activations":
        most = made(LIMITS[what])
        if door == "network":
            assert Network.from_dict(json.loads(json.dumps(most.to_dict()))) == most
        else:
            most.save(tmp_path / "m.safetensors")
            again = type(most).load(tmp_path / "m.safetensors")
            rows = TABLE if door == "train" else X
            found = [getattr(one.predict(rows), "labels", one.predict(rows)) for one in (most, again)]
            assert found[0].tolist() == found[1].tolist()
    with pytest.raises(SettingsError, match=TOO_MANY[what]):
        made(LIMITS[what] + 1)


def of_groups(n: int, layers: int = 1, different: int = 1) -> Model:
    """A model of n groups with so many layers in all, with so many different activations."""
    base = chainrule.train(TABLE, "y", hidden=[], **QUICK).model
    groups, left = [], layers
    for index in range(n):
        own = left if index == n - 1 else max(1, layers // n)
        left -= own
        names = [
            f"z+{(index * own + i) % max(1, different - 1)}" if different > 1 else "identity"
            for i in range(own - 1)
        ]
        network = Network([1, *(Dense(1, name) for name in names), base.network.output], base.loss)
        groups.append(Group(network, np.ones((1, network.n_parameters))))
    return replace(base, groups=tuple(groups))


@pytest.mark.parametrize(
    ("shape", "more", "message"),
    [
        ((MAX_GROUPS, MAX_GROUPS), (MAX_GROUPS + 1, MAX_GROUPS + 1), "101 groups, but a model has 1 to 100"),
        ((4, MAX_LAYERS), (4, MAX_LAYERS + 1), TOO_MANY["layers"]),
        ((2, 50, MAX_ACTIVATIONS), (2, 50, MAX_ACTIVATIONS + 1), TOO_MANY["activations"]),
    ],
    ids=["groups", "layers", "activations"],
)
def test_so_it_is_with_all_groups_together(shape, more, message, tmp_path):
    model = of_groups(*shape)
    model.save(tmp_path / "m.safetensors")
    assert chainrule.load(tmp_path / "m.safetensors").to_dict() == model.to_dict()
    with pytest.raises(SettingsError, match=message):
        of_groups(*more)


def waves(n: int, first: int = 0, of: str = "z") -> str:
    """A formula of n waves, all of its own for each first: 17 n - 4 operations with its derivative."""
    return "+".join(f"sin({first + i}.5*{of})" for i in range(n))


@pytest.mark.parametrize("door", ["train", "table", "mlp", "network", "output", "groups", "file"])
def test_a_model_has_a_bound_on_all_that_its_formulas_compile(door, tmp_path):
    """Each formula is let through by itself; what counts is each one that is different, once."""

    def made(n: int, loss: str = "half_squared_error", output: str = "identity") -> object:
        names = [waves(28, 40 * (i % n)) for i in range(6)]
        if door == "train":
            words = {"hidden": [1] * 6, "activation": names, "loss": loss, "output_activation": output}
            return chainrule.train(TABLE, "y", **words, **QUICK)
        if door == "table":
            return TableRegressor(hidden=[1] * 6, activation=names, loss=loss, **QUICK).fit(X, Y)
        if door == "mlp":
            return MLPRegressor(loss, (1,) * 6, tuple(names), solver="sgd").fit(X, Y)
        network = Network([1, *(Dense(1, name) for name in names), Dense(1, output)], loss)
        if door == "groups":
            base = chainrule.train(TABLE, "y", hidden=[], **QUICK).model
            groups = [
                Group(Network([1, Dense(1, name), Dense(1, "identity")], base.loss), np.ones((1, 4)))
                for name in names
            ]
            return replace(base, groups=tuple(groups))
        return network

    found = r"come to [\d,]+ operations with their derivatives, but at most 2,000 of a model.*: give some layers the same"
    if door in ("network", "groups"):
        made(4)
    given = {"output": (4, "half_squared_error", waves(8, 990))}.get(door, (5,))
    if door == "file":
        model = chainrule.train(TABLE, "y", hidden=[1], activation=waves(28, 0), **QUICK).model
        told, arrays = json.loads(json.dumps(model.to_dict())), model.arrays()
        (group,) = told["groups"]
        hidden, output = group["network"]["layers"]
        layers = [{**hidden, "activation": waves(28, 40 * i)} for i in range(5)]
        group["network"]["layers"] = [*layers, output]
        write_model_file(tmp_path / "m", arrays, told)
        with pytest.raises(ModelFileError, match=found) as error:
            chainrule.load(tmp_path / "m")
    else:
        with pytest.raises(SettingsError, match=found) as error:
            made(*given)
    assert len(str(error.value)) < 500
    if door == "network":
        with pytest.raises(SettingsError, match=found):
            made(4, f"({waves(8, 990, 'a')}-y)^2")


def nested(depth: int) -> dict[str, object]:
    made: object = 1
    for _ in range(depth - 1):
        made = [made]
    return {"a": made}


@pytest.mark.parametrize(
    ("most", "more", "message"),
    [
        ((np.ones((1,) * MAX_AXES), {}), (np.ones((1,) * (MAX_AXES + 1)), {}), "has shape"),
        ((np.ones(1), nested(MAX_DEPTH)), (np.ones(1), nested(MAX_DEPTH + 1)), "is nested deeper than 64"),
        (
            (np.ones(1), {"a": [0] * (MAX_VALUES - 3)}),
            (np.ones(1), {"a": [0] * (MAX_VALUES - 2)}),
            "holds more than 1,000,000 values",
        ),
    ],
    ids=["axes", "depth", "values"],
)
def test_what_a_file_can_hold(most, more, message, tmp_path):
    path = tmp_path / "m"
    array, description = most
    write_model_file(path, {"w": array}, description)
    arrays, again = read_model_file(path)
    assert again == description
    assert arrays["w"].shape == array.shape
    with pytest.raises(ModelFileError, match=message):
        write_model_file(tmp_path / "n", {"w": more[0]}, more[1])
    assert not (tmp_path / "n").exists()


@pytest.mark.parametrize("name", ["MAX_HEADER_BYTES", "MAX_FILE_BYTES"])
def test_the_bytes_of_a_file(name, tmp_path, monkeypatch):
    write_model_file(tmp_path / "m", {"w": np.ones(500)}, {"a": 1})
    content = (tmp_path / "m").read_bytes()
    size = int.from_bytes(content[:8], "little") if name == "MAX_HEADER_BYTES" else len(content)
    monkeypatch.setattr(file, name, size)
    write_model_file(tmp_path / "n", {"w": np.ones(500)}, {"a": 1})
    assert read_model_file(tmp_path / "n")[1] == {"a": 1}
    monkeypatch.setattr(file, name, size - 1)
    with pytest.raises(ModelFileError, match="more than can be read"):
        write_model_file(tmp_path / "o", {"w": np.ones(500)}, {"a": 1})
    with pytest.raises(ModelFileError):
        read_model_file(tmp_path / "n")


def test_more_than_a_file_holds_is_refused_before_training(monkeypatch):
    plain = chainrule.train(TABLE, "y", hidden=[3], **{**QUICK, "members": 2}).model
    monkeypatch.setattr(file, "MAX_FILE_BYTES", 4 * plain.parameters.size)
    chainrule.train(TABLE, "y", hidden=[3], **{**QUICK, "members": 2})
    for words in ({"hidden": [3], "members": 3}, {"hidden": [30], "members": 1}):
        with pytest.raises(SettingsError, match=r"parameters are more than .* give fewer neurons in hidden"):
            chainrule.train(TABLE, "y", **{**QUICK, **words})
    with pytest.raises(SettingsError, match=r"fewer neurons in hidden_layer_sizes$"):
        MLPRegressor(hidden_layer_sizes=(30,)).fit(X, Y)
    monkeypatch.undo()
    for size in (10**9, 10**30):
        with pytest.raises(
            SettingsError, match="parameters are more than the 1,073,741,824 that a model file holds"
        ):
            chainrule.train(TABLE, "y", hidden=[size], **QUICK)


def test_a_table_too_wide_to_be_described_is_refused_before_training(monkeypatch):
    wide = {**{f"x{i}": [float(j % (i + 2)) for j in range(40)] for i in range(60)}, "y": TABLE["y"]}
    seen = len(json.dumps(chainrule.train(wide, "y", hidden=[], **QUICK).model.encoder.to_dict()))
    assert seen > 1000
    monkeypatch.setattr("chainrule.model._strict_json.MAX_VALUES", 100)
    with pytest.raises(
        SettingsError, match="no model file could hold what would be trained: the description holds more"
    ):
        chainrule.train(wide, "y", hidden=[], **QUICK)


def damaged(model: Model) -> list[Model]:
    """Models that could be made by hand and whose description, or card, nothing reads."""
    made = []
    for card in ({**model.card, "stopped": "by hand"}, {**model.card, "more": 1}, {"engine": "mine"}):
        made.append(replace(model, card=card))
    for words in ({"decimal": ";"}, {"missing": (3,)}):
        made.append(replace(model, reading=replace(model.reading, **words)))
    return made


def test_what_would_not_be_read_is_not_written(tmp_path):
    model = chainrule.train(TABLE, "y", hidden=[2], **QUICK).model
    for number, one in enumerate(damaged(model)):
        path = tmp_path / f"{number}"
        with suppress(ChainruleError):
            one.save(path)
            raise AssertionError(number)
        assert not path.exists()
    with pytest.raises(ModelFileError, match=r"^can't write .*: card: 'more' is not known here$"):
        damaged(model)[1].save(tmp_path / "m")


@pytest.mark.parametrize(
    "wrong",
    [np.ones((1, 3)), np.ones((0, 2)), np.ones(2), np.ones((1, 2), int)],
    ids=["size", "none", "flat", "int"],
)
def test_a_group_has_the_parameters_of_its_network(wrong):
    model = chainrule.train(TABLE, "y", hidden=[], **QUICK).model
    with pytest.raises(SettingsError, match=r"parameters (of shape|are floating)"):
        replace(model, groups=(replace(model.group, parameters=wrong),))


@pytest.mark.parametrize("weight", [0, -1.0, float("nan"), float("inf"), 10**400])
def test_a_group_has_a_weight_that_can_be_written(weight):
    with pytest.raises(SettingsError, match="the weight of a group is a number above 0"):
        Group(Network([1, Dense(1, "identity")]), np.ones((1, 2)), weight)


def test_as_many_members_as_a_card_can_name():
    with pytest.raises(SettingsError, match=r"members 262144 must be less than 2\^18"):
        chainrule.Settings(members=2**18)
    assert 2 * chainrule.Settings(members=2**18 - 1).members < MAX_VALUES


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 0},
        {"epochs": 0},
        {"patience": 0},
        {"members": {"trained": 10**9, "kept": [1]}},
        {"members": {"trained": 2, "kept": [1, 2]}},
        {"scores": {}},
    ],
    ids=lambda wrong: ",".join(wrong),
)
def test_a_card_that_nothing_wrote_is_refused_or_does_no_harm(wrong):
    model = chainrule.train(TABLE, "y", hidden=[2], **QUICK).model
    made = replace(model, card={**model.card, **wrong})
    for ask in (
        lambda: Model.from_dict(made.to_dict(), made.arrays()),
        lambda: replay(made, TABLE, 1),
        lambda: diagnose(made, TABLE),
    ):
        with suppress(ChainruleError):
            ask()
    if "scores" not in wrong:
        with pytest.raises(ChainruleError):
            replay(made, TABLE, 1)
