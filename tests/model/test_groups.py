"""A model of several groups answers with their weighted mean, and all that reads models reads every group."""

import copy
import pickle
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule.equations.layout import Layout
from chainrule.equations.network import MAX_ACTIVATIONS, MAX_LAYERS
from chainrule.errors import ModelFileError, SettingsError
from chainrule.explain.attribute.gradients import integrated_gradients
from chainrule.explain.attribute.shown import attribution_derivation
from chainrule.explain.check.certificate import certify
from chainrule.explain.derive.lines import Derivation, Line
from chainrule.explain.derive.walk import walk
from chainrule.explain.diagnose.diagnosis import diagnose
from chainrule.explain.show import render
from chainrule.explain.trace.data import trace_from_json, trace_to_json
from chainrule.explain.trace.sources import trace_rows, trace_steps
from chainrule.fitting.replay import replay
from chainrule.model.file import write_model_file
from chainrule.model.group import MAX_GROUPS
from chainrule.model.model import Model
from chainrule.reports.description import description_document

TABLE = {
    "x": [1.5, 2, 3, 4.0] * 10,
    "c": ["u", "v", "w", None] * 10,
    "n": [i % 13 / 3 for i in range(40)],
    "y": ["no", "yes"] * 20,
}
NEW = {
    "x": [1.0, 2.25, None],
    "c": ["u", "never seen", None],
    "n": [0.5, 3.0, None],
    "y": ["no", "yes", None],
}
HERE = Path(__file__).parent


def joined(target: str, weights: tuple[float, float] = (3.0, 1.0), engine: str = "reference") -> Model:
    """A wide network's two members with a deep one's three, of the same encoder."""
    words: dict[str, Any] = {"epochs": 3, "engine": engine, "early_stopping": False}
    wide = chainrule.train(TABLE, target, hidden=[5], members=2, activation="tanh", **words).model
    deep = chainrule.train(TABLE, target, hidden=[4, 3], members=3, activation="relu", **words).model
    one, other = wide.group, deep.group
    groups = (replace(one, weight=weights[0]), replace(other, weight=weights[1]))
    return Model(groups, wide.encoder, wide.target, wide.reading, wide.card)


@pytest.fixture(scope="module", params=["y", "n"], ids=["classes", "numbers"])
def model(request):
    return joined(request.param)


def by_hand(model: Model, x: np.ndarray) -> np.ndarray:
    """The mean outputs, member by member: each counts its group's share divided by the group's members."""
    total = np.zeros((len(x), 1))
    for group, share in zip(model.groups, (0.75, 0.25), strict=True):
        for flat in np.asarray(group.parameters, np.float64):
            p = Layout(group.network).unflatten(flat)
            total += share / group.members * group.network.forward(p, x, np).a
    return total


# ---- answers


def test_the_weighted_mean_of_the_groups_decides(model):
    x = model.encoder.transform(model.table(NEW))
    mean = by_hand(model, x)
    prediction = model.predict(NEW)
    if model.task == "classification":
        np.testing.assert_allclose(prediction.probabilities[:, 1], mean[:, 0], rtol=1e-12)
        assert prediction.labels.tolist() == [("no", "yes")[int(p > 0.5)] for p in mean[:, 0]]
    else:
        np.testing.assert_allclose(prediction.labels, model.target.inverse(mean[:, 0]), rtol=1e-12)
    assert model.members == 5
    assert model.outputs(x).shape == (5, 3, 1)
    assert model.shares == (0.75, 0.25)
    np.testing.assert_allclose(model.member_shares, [0.375] * 2 + [0.25 / 3] * 3)
    assert [arrays["W"].shape[1] for arrays in model.layers(1)] == [5, 1]
    assert [arrays["W"].shape[1] for arrays in model.layers(2)] == [4, 3, 1]
    # The weights count beside each other alone, and a group's own members each the same.
    twice = replace(model, groups=tuple(replace(group, weight=group.weight * 2) for group in model.groups))
    assert twice.predict(NEW).labels.tolist() == prediction.labels.tolist()


def test_the_predictor_of_one_row_gives_the_same_mean():
    model = joined("n", engine="cpu")
    x = model.encoder.transform(model.table(NEW))
    expected = by_hand(model, x)[0]
    for engine, row, rtol in ((None, x[0].astype("float32"), 1e-5), ("reference", x[0], 1e-14)):
        predictor = model.predictor(engine)
        for made in (predictor, pickle.loads(pickle.dumps(predictor))):
            np.testing.assert_allclose(made(row), expected, rtol=rtol)
        with pytest.raises(SettingsError, match="row"):
            predictor(row[None])
    with pytest.raises(SettingsError, match="engine"):
        model.predictor("none")


def test_the_predictor_is_of_the_engine_that_trained():
    model = joined("n", engine="reference")
    x = model.encoder.transform(model.table(NEW))
    np.testing.assert_array_equal(model.predictor()(x[0]), model.mean(model.outputs(x))[0])


def test_one_group_answers_bit_for_bit_whatever_its_weight():
    model = chainrule.train(TABLE, "n", hidden=[5], members=3, epochs=2).model
    x = model.encoder.transform(model.table(NEW))
    plain = np.empty((3, 1))
    plain[:] = model.outputs(x).mean(axis=0)
    for weight in (1.0, 0.3):
        other = replace(model, groups=(replace(model.group, weight=weight),))
        assert other.answer(x).labels.tobytes() == model.target.inverse(plain[:, 0]).tobytes()


def test_groups_answer_alike_and_count_something(model):
    (one, other), network = model.groups, model.groups[0].network
    unlike = chainrule.Network(
        [network.n_inputs, *network.layers], "mean_absolute_error", features=network.features
    )
    for groups, message in (
        ((), "a model has one group or more"),
        ((one, replace(other, network=unlike)), "group 2 doesn't answer as group 1 does"),
        ((replace(one, weight=1e308), replace(other, weight=1e308)), "the sum of their weights is finite"),
    ):
        with pytest.raises(SettingsError, match=message):
            replace(model, groups=groups)
    for weight in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(SettingsError, match="the weight of a group is a number above 0, not"):
            replace(one, weight=weight)


def test_what_is_about_one_network_says_so(model):
    for ask in (
        lambda: model.group,
        lambda: model.network,
        lambda: model.parameters,
    ):
        with pytest.raises(
            SettingsError, match="the model has 2 groups of networks, and this is about a model of one"
        ):
            ask()
    for index in (5, -1):
        with pytest.raises(SettingsError, match=f"there is no member {index + 1}: the model has 5 members"):
            model.member(index)


# ---- a card for each group


@pytest.fixture(scope="module", params=["y", "n"], ids=["classes", "numbers"])
def apart(request):
    """Two trainings on the same rows, and the model of both, each group with its own card."""
    words: dict[str, Any] = {
        "epochs": 3,
        "engine": "reference",
        "batch_size": 8,
        "early_stopping": False,
        "test_share": 0.0,
    }
    one = chainrule.train(TABLE, request.param, hidden=[5], members=2, optimizer="sgd", **words).model
    words |= {
        "hidden": [4, 3],
        "members": 3,
        "seed": 4,
        "dropout": 0.25,
        "schedule": "cosine",
    }
    other = chainrule.train(TABLE, request.param, **words).model
    groups = tuple(replace(made.group, weight=2.0, card=made.card) for made in (one, other))
    return one, other, replace(one, groups=groups)


@pytest.mark.parametrize(("member", "of", "own"), [(1, 0, 1), (2, 0, 2), (3, 1, 1), (5, 1, 3)])
def test_a_step_of_a_member_of_any_group_is_replayed_by_its_card(apart, member, of, own):
    model = apart[2]
    found, alone = replay(model, TABLE, [2, 7], member), replay(apart[of], TABLE, [2, 7], own)
    for here, there in zip(found, alone, strict=True):
        assert here.state.parameters.tobytes() == there.state.parameters.tobytes()
        assert (here.numbers, here.eta, here.settings) == (there.numbers, there.eta, there.settings)
        assert here.member == member
    trace = trace_steps(model, TABLE, 7, member)
    assert trace["W_new[1][1,2]"] == trace_steps(apart[of], TABLE, 7, own)["W_new[1][1,2]"]
    assert trace.member == member


def test_groups_with_cards_come_back_and_are_described(apart, tmp_path):
    one, other, model = apart
    model.save(tmp_path / "m.safetensors")
    again = chainrule.load(tmp_path / "m.safetensors")
    assert again.to_dict() == model.to_dict()
    assert [group.card for group in again.groups] == [one.card, other.card]
    assert (model.to_dict()["model_version"], one.to_dict()["model_version"]) == (3, 2)
    shown = render(description_document(again, "m"), "text")
    assert shown.count("training  ") == len(model.groups)
    assert re.search(r"training\s+gradient_descent|training\s+sgd", shown)
    assert "dropout" in shown
    description = model.to_dict()
    description["groups"][1]["card"]["epochs"] = -1
    with pytest.raises(ModelFileError, match=r"^groups\[1\]\.card\.epochs: a count was expected, not -1$"):
        Model.from_dict(description, model.arrays())


def test_a_group_without_a_card_can_t_be_replayed(model):
    with pytest.raises(SettingsError, match="the member's group, has no training card"):
        replay(model, TABLE, 1, 5)
    with pytest.raises(SettingsError, match="there is no member 6: the model has 5 members"):
        replay(model, TABLE, 1, 6)


# ---- explanations


def all_lines(derivation: Derivation) -> list[Line]:
    return [*derivation.lines, *(line for part in derivation.parts for line in all_lines(part))]


@pytest.mark.parametrize("member", [1, 2, 3, 5])
def test_a_member_of_each_group_is_explained(model, member):
    trace = trace_rows(model, TABLE, 3, member)
    x = model.encoder.transform(model.table(TABLE).take([2]))
    own = model.layers(member - 1)
    assert trace.network.sizes[1:] == ((5, 1) if member < 3 else (4, 3, 1))
    assert trace["z[1][1]"] == pytest.approx(float(x[0] @ own[0]["W"][:, 0] + own[0]["b"][0]))
    last, outputs = len(trace.network.layers), model.outputs(x)[:, 0, 0]
    for number in range(1, 6):
        assert trace[f"a[{last}][1]@member={number}"] == pytest.approx(outputs[number - 1])
    assert trace["mean_a[1]"] == pytest.approx(by_hand(model, x)[0, 0])
    again = trace_from_json(trace_to_json(trace))
    assert again["mean_a[1]"] == trace["mean_a[1]"]
    assert trace_to_json(again) == trace_to_json(trace)
    lines = all_lines(walk(trace))
    assert len([line for line in lines if "by the weights of its groups" in line.rule]) == 1
    assert all(line.check is None or line.check.ok for line in lines)


def test_attributions_are_of_the_weighted_mean(model):
    table = model.table(TABLE)
    found = integrated_gradients(model, table, 3)
    assert found.holds
    mean = by_hand(model, model.encoder.transform(table.take([3])))
    want = abs(float(mean[0, 0] if model.task == "classification" else model.target.inverse(mean[:, 0])[0]))
    if model.task == "classification" and found.quantity.endswith("no)"):
        want = 1 - want
    assert abs(found.value) == pytest.approx(want)
    assert attribution_derivation(model, table, 3).grids
    one = integrated_gradients(model, table, 3, member=4)
    alone = replace(model, groups=(model.member(4),))
    assert one.value == integrated_gradients(alone, table, 3).value


@pytest.mark.parametrize("member", [0, 4])
def test_a_member_of_each_group_is_checked(model, member):
    certificate = certify(model, TABLE, member=member)
    assert certificate.passed
    assert certificate.subject["sizes"][1:] == ([5, 1] if member == 0 else [4, 3, 1])


def test_all_members_are_diagnosed(model):
    diagnosis = diagnose(model, TABLE)
    assert {member: len(layers) for member, layers in diagnosis.layers.items()} == {
        1: 2,
        2: 2,
        3: 3,
        4: 3,
        5: 3,
    }


def test_every_group_is_described(model):
    shown = render(description_document(model, "m"), "text")
    assert re.search(r"group 1\s+0\.75 of the answer", shown)
    assert re.search(r"group 2\s+0\.25 of the answer", shown)
    assert "Layers of group 1" in shown
    assert "Layers of group 2" in shown


# ---- files


def test_a_model_of_groups_comes_back_bit_for_bit(tmp_path, model):
    model.save(tmp_path / "m.safetensors")
    again = chainrule.load(tmp_path / "m.safetensors")
    assert [group.weight for group in again.groups] == [3.0, 1.0]
    assert again.to_dict() == model.to_dict()
    for one in (again, copy.deepcopy(model)):
        assert {name: array.tobytes() for name, array in one.arrays().items()} == {
            f"groups.{index}.parameters": group.parameters.tobytes()
            for index, group in enumerate(model.groups)
        }
        assert one.predict(NEW).labels.tolist() == model.predict(NEW).labels.tolist()


def test_what_is_wrong_with_groups_is_named(tmp_path, model):
    description, arrays = model.to_dict(), model.arrays()
    first, second = description["groups"]
    layer = second["network"]["layers"][0]

    def refusal(groups: list[object], arrays: dict[str, np.ndarray] = arrays) -> str:
        path = tmp_path / "m"
        write_model_file(path, arrays, {**description, "groups": groups}, overwrite=True)
        with pytest.raises(ModelFileError) as caught:
            chainrule.load(path)
        return str(caught.value).partition("can use: ")[2]

    def changed(**more: object) -> dict[str, object]:
        return {**second, "network": {**second["network"], **more}}

    for groups, message in [
        ([], f"groups: 0 groups, but a model has 1 to {MAX_GROUPS}"),
        ([first] * (MAX_GROUPS + 1), f"groups: {MAX_GROUPS + 1} groups, but a model has 1 to {MAX_GROUPS}"),
        ([first, None], "groups[1]: an object was expected, not null"),
        ([first, {**second, "more": 1}], "groups[1]: 'more' is not known here"),
        ([first, {**second, "weight": 0}], "the weight of a group is a number above 0, not 0.0"),
        ([first, {**second, "weight": "1"}], "groups[1].weight: a finite number was expected, not '1'"),
        ([first, changed(loss="huber")], "groups[1].network.loss: the groups of a model have the same loss"),
        ([first, changed(layers=[None])], "groups[1].network.layers[0]: an object was expected, not null"),
        (
            [first, changed(layers=[layer] * MAX_LAYERS)],
            "groups[1].network.layers: 1,002 layers are more than the 1,000",
        ),
        (
            [first, changed(layers=[{**layer, "activation": f"z+{i}"} for i in range(MAX_ACTIVATIONS)])],
            "groups[1].network.layers: 22 different activations are more than the 20",
        ),
        (
            [first],
            "the one array 'groups.0.parameters' is expected, but found ['groups.0.parameters', 'groups.1",
        ),
        ([first, second, second], "3 arrays 'groups.0.parameters', … are expected, but found ['groups.0"),
    ]:
        assert refusal(groups).startswith(message)
    swapped = dict(zip(arrays, reversed(arrays.values()), strict=True))
    assert refusal([first, second], swapped).startswith("parameters of shape (members, ")


@pytest.mark.parametrize("version", [1, 2])
def test_a_file_of_each_version_opens(version):
    """Each written once by the chainrule of its time, never again: the same model, of one network."""
    model = chainrule.load(HERE / f"version-{version}.safetensors")
    assert model.group.weight == 1.0
    assert (model.members, model.network.sizes) == (2, (6, 3, 1))
    prediction = model.predict({"x": [1.0, 2.25, None], "c": ["u", "never seen", None]})
    second = [0.32247998615811235, 0.3866764171657356, 0.8990878513194323]
    assert prediction.labels.tolist() == ["no", "no", "yes"]
    np.testing.assert_allclose(prediction.probabilities[:, 1], second, rtol=1e-12)
    assert model.to_dict()["model_version"] == 2
    assert model.card["temperature"] is not None


def test_a_file_of_groups_with_cards_opens():
    """Written once, when groups got cards, never again."""
    model = chainrule.load(HERE / "version-3.safetensors")
    assert [(group.members, group.weight, group.card["seed"]) for group in model.groups] == [
        (2, 2.0, 0),
        (3, 1.0, 4),
    ]
    prediction = model.predict(NEW)
    np.testing.assert_allclose(
        prediction.probabilities[:, 1],
        [0.33104148966892627, 0.4948231639335059, 0.49011036478068737],
        rtol=1e-12,
    )
    assert [group.card["schedule"] for group in model.groups] == ["constant", "cosine"]
    with pytest.raises(SettingsError, match="with arithmetic 1, and this is chainrule"):
        replay(model, TABLE, 3, 4)


def test_a_file_of_several_targets_opens():
    """Written once, when models got several targets, and layers initial numbers; never again."""
    model = chainrule.load(HERE / "version-4.safetensors")
    assert model.target.names == ("o1", "o2")
    assert model.network.layers[0].initial == (("W[1,1]", 0.15),)
    assert model.network.layers[0].frozen == ("b",)
    found = model.predict({"x": [1.0], "z": [2.0]})
    np.testing.assert_allclose(found.labels, [[129.17174886230552, 0.023274151116364]], rtol=1e-12)
    assert model.to_dict()["model_version"] == 4


@pytest.mark.parametrize("version", [1, 2])
def test_damage_to_a_file_of_each_version_is_noticed(tmp_path, version):
    content = bytearray((HERE / f"version-{version}.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(ModelFileError, match="its content is not what its SHA-256 says"):
        chainrule.load(tmp_path / "m")
    other = bytes(content[:-1]) + bytes([content[-1] ^ 1])
    (tmp_path / "m").write_bytes(
        other.replace(f'"version":"{version}"'.encode(), f'"version":"{3 - version}"'.encode())
    )
    with pytest.raises(ModelFileError, match="its content is not what its SHA-256 says"):
        chainrule.load(tmp_path / "m")


def test_on_another_machine_a_member_is_compared_with_its_own_group(apart):
    one, other, model = apart
    trained = one.members
    best = other.card["best_epochs"][1]
    per_epoch = -(-other.card["rows"]["training"] // other.card["batch_size"])
    bits = other.card["bits"]
    card = {**other.card, "bits": {**bits, "machine": {**bits["machine"], "processor": "abacus"}}}
    moved = replace(model, groups=(model.groups[0], replace(model.groups[1], card=card)))
    last = min(best, other.card["epochs_run"] - 1) * per_epoch + 1
    (note,) = replay(moved, TABLE, last, trained + 2)[0].notes
    assert note.startswith("the model was trained on another machine (processor abacus, here ")
    if best < other.card["epochs_run"]:
        assert note.endswith("the parameters are the model's own, to the bit")


def test_one_group_with_a_card_of_its_own_is_replayed_by_it(apart):
    model = apart[2]
    alone = replace(model, groups=model.groups[1:])
    (found,) = replay(alone, TABLE, 2, 1)
    assert found.step == 2
