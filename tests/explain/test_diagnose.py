"""Planted faults are each named, with where and by which numbers; healthy trainings raise nothing."""

import doctest
import json
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule import Dense, Network
from chainrule.equations.layout import Layout
from chainrule.errors import SettingsError, TableError
from chainrule.explain.check.batch import Batch
from chainrule.explain.diagnose.diagnosis import KINDS, diagnose
from chainrule.explain.diagnose.neurons import sides_and_slope
from chainrule.explain.diagnose.steps import cost_unit
from chainrule.explain.diagnose.thresholds import THRESHOLDS
from chainrule.fitting.replay import training_rows
from chainrule.model.model import Model
from effort import one_in

EXAMPLES = Path(__file__).parents[2] / "examples"
PENGUINS = EXAMPLES / "penguins.csv"


def trained(target="species", table=PENGUINS, **how):
    how = {"members": 1, "epochs": 40, "engine": "reference", "hidden": [8], **how}
    return chainrule.train(table, target, **how).model


def changed(model: Model, change) -> Model:
    """The model with its first member's arrays changed in place by ``change(layers)``."""
    parameters = np.array(model.parameters, np.float64)
    change(list(Layout(model.network).unflatten(parameters[0]).values()))
    return model.with_parameters(lambda group: parameters)


@pytest.fixture(scope="module")
def relu():
    return trained()


@pytest.fixture(scope="module")
def tanh():
    return trained(activation="tanh", hidden=[8, 8])


# ---- healthy trainings

RECIPE = {"engine": "cpu", "members": None, "hidden": None, "epochs": None}


@pytest.mark.parametrize(
    ("target", "how"),
    one_in(
        3,
        [
            ("species", RECIPE),
            ("body_mass_g", RECIPE),
            ("species", {**RECIPE, "fast": True}),
            ("species", {"engine": "cpu", "members": 4, "hidden": [128, 64], "epochs": None}),
            ("body_mass_g", {"engine": "cpu", "members": 4, "hidden": [128, 64], "epochs": None}),
            ("species", {"hidden": [16], "epochs": 100}),
            ("species", {"hidden": [8], "activation": "sigmoid", "epochs": 150, "learning_rate": 0.01}),
            ("body_mass_g", {"hidden": [16, 16], "activation": "tanh"}),
            ("body_mass_g", {"hidden": [4], "optimizer": "sgd"}),
            ("species", {"hidden": [16, 16], "optimizer": "momentum"}),
            ("sex", {"hidden": [32], "activation": "gelu", "learning_rate": 0.003}),
            ("sex", {"hidden": [16], "activation": "silu", "scaling": "standard"}),
            ("species", {"hidden": [12], "activation": "mish", "optimizer": "lbfgs"}),
            ("flipper_length_mm", {"hidden": [16, 8], "activation": "elu", "loss": "huber"}),
        ],
    ),
    ids=[
        "species by the recipe",
        "mass by the recipe",
        "species, fast",
        "species",
        "mass",
        "relu",
        "sigmoid",
        "tanh",
        "sgd",
        "momentum",
        "gelu",
        "silu",
        "lbfgs",
        "huber",
    ],
)
def test_healthy_trainings_raise_nothing(target, how):
    diagnosis = diagnose(trained(target, **how), PENGUINS)
    assert diagnosis.kinds == (), [finding.what for finding in diagnosis.findings]
    assert diagnosis.rows >= 333


# ---- planted faults


def test_dead_neurons_are_named_with_their_addresses(relu):
    def kill(layers):
        layers[0]["b"][[1, 3, 4, 6]] = -1e3

    finding = diagnose(changed(relu, kill), PENGUINS)["dead_neurons"]
    assert finding.where == ("a[1][2]", "a[1][4]", "a[1][5]", "a[1][7]")
    assert finding.evidence["dead"] == 4
    assert finding.evidence["largest z of a dead neuron"] < -900
    assert "4 of the 8 neurons of layer 1 (relu) are dead" in finding.what
    assert finding.layer == 1


def test_a_single_dead_neuron_is_a_fact_and_no_finding(relu):
    def kill(layers):
        layers[0]["b"][0] = -1e3

    before = diagnose(relu, PENGUINS).layers[1][0].dead
    diagnosis = diagnose(changed(relu, kill), PENGUINS)
    assert diagnosis.layers[1][0].dead == before + 1 <= 2
    assert "dead_neurons" not in diagnosis.kinds


@pytest.mark.parametrize("activation", ["elu", "softplus", "where(z > 0, z, 0)"])
def test_whatever_is_flat_on_one_side_can_die(activation):
    def kill(layers):
        layers[0]["b"][:] = -1e3

    diagnosis = diagnose(changed(trained(activation=activation, epochs=3), kill), PENGUINS)
    assert diagnosis["dead_neurons"].evidence["dead"] == 8


def test_leaky_relu_is_never_dead():
    def kill(layers):
        layers[0]["b"][:] = -50

    model = changed(trained(activation="leaky_relu", epochs=3), kill)
    assert "dead_neurons" not in diagnose(model, PENGUINS).kinds


def test_neurons_that_are_inactive_on_a_batch_only_are_told_from_dead_ones():
    """Of 400 rows one is far out; the neurons see it alone, and a batch of 32 rows doesn't hold it."""
    x = [float(i % 10) for i in range(400)]
    x[7] = 1e6
    table = {"x": x, "y": [i / 7 for i in range(400)]}
    model = trained("y", table, scaling="minmax", hidden=[4], epochs=2, test_share=0, early_stopping=False)

    def only_far(layers):
        layers[0]["W"][:] = 1.0
        layers[0]["W"][0, :] += np.arange(4) / 8
        layers[0]["b"][:] = -0.5

    # x = 1e6 is 1 after scaling, and all others are nearly 0.
    diagnosis = diagnose(changed(model, only_far), table)
    assert "dead_neurons" not in diagnosis.kinds
    finding = diagnosis["inactive_on_batch"]
    assert finding.evidence == {"inactive": 4, "neurons": 4, "rows of the batch": 32}
    assert finding.where == tuple(f"a[1][{j}]" for j in (1, 2, 3, 4))


def test_saturated_neurons_are_named(tanh):
    def saturate(layers):
        layers[0]["W"][:] *= 200

    finding = diagnose(changed(tanh, saturate), PENGUINS)["saturated_neurons"]
    assert finding.layer == 1
    assert finding.evidence["share"] > 0.9
    assert finding.evidence["median |z|"] > 3
    assert "a[1][1]" in finding.where


def test_identical_neurons_are_named(tanh):
    def copy(layers):
        for name in ("W", "b"):
            layers[1][name][..., 5] = layers[1][name][..., 2]

    finding = diagnose(changed(tanh, copy), PENGUINS)["identical_neurons"]
    assert finding.where == ("z[2][3]", "z[2][6]")
    assert finding.evidence == {"alike": 2, "groups": 1, "neurons": 8}


@pytest.mark.parametrize("init", ["zeros", "constant(value=0.1)"])
def test_a_constant_start_is_seen_after_training(init):
    model = trained(init=init, activation="tanh", hidden=[6], epochs=3)
    finding = diagnose(model, PENGUINS)["identical_neurons"]
    assert finding.where == tuple(f"z[1][{j}]" for j in range(1, 7))


def test_a_vanishing_gradient_is_named_with_every_ratio():
    """Ten layers of sigmoids: each slope is at most 1/4, and Glorot's weights don't make up for it."""
    model = trained(activation="sigmoid", hidden=[8] * 10, epochs=2)
    finding = diagnose(model, PENGUINS)["vanishing_gradient"]
    assert finding.where == ("delta[1]",)
    ratios = [value for name, value in finding.evidence.items() if name.startswith("|delta")]
    assert len(ratios) == 10
    assert np.prod(ratios) == pytest.approx(finding.evidence["first layer / output layer"], rel=1e-9)
    assert finding.evidence["first layer / output layer"] < 1e-3


def test_an_exploding_gradient_is_named():
    model = trained(activation="leaky_relu", hidden=[8] * 4, epochs=2)

    def stretch(layers):
        for layer in layers[1:]:
            layer["W"][:] *= 12

    diagnosis = diagnose(changed(model, stretch), PENGUINS)
    assert diagnosis["exploding_gradient"].evidence["first layer / output layer"] > 1e3


def test_exploding_weights_are_named_but_not_those_of_a_number(tanh):
    def stretch(layers):
        layers[2]["W"][:] *= 1e4

    finding = diagnose(changed(tanh, stretch), PENGUINS)["exploding_weights"]
    assert finding.where == ("W[3]",)
    # An output in grams may need weights of thousands.
    model = trained("body_mass_g", target_scaling="none", activation="tanh", epochs=2)
    assert (
        "exploding_weights" not in diagnose(changed(model, lambda a: a[1]["W"].__imul__(1e4)), PENGUINS).kinds
    )


@pytest.mark.parametrize(
    ("target", "how"),
    [
        ("species", {"optimizer": "sgd", "learning_rate": 20.0}),
        ("body_mass_g", {"optimizer": "sgd", "learning_rate": 3.0}),
        ("body_mass_g", {"optimizer": "adam", "learning_rate": 3.0, "activation": "tanh"}),
    ],
    ids=["rises", "diverges", "adam"],
)
def test_a_learning_rate_too_high_is_named(target, how):
    diagnosis = diagnose(trained(target, hidden=[16, 16], **how), PENGUINS)
    finding = diagnosis["learning_rate_high"]
    assert finding.evidence["learning rate"] == how["learning_rate"]
    assert finding.where == ("W[1]", "W[2]", "W[3]")


@pytest.mark.parametrize(
    ("target", "how"),
    [
        ("body_mass_g", {"learning_rate": 1e-6}),
        ("species", {"learning_rate": 1e-5}),
        ("species", {"optimizer": "sgd", "learning_rate": 1e-4}),
    ],
    ids=["mass", "species", "sgd"],
)
def test_a_learning_rate_too_low_is_named_with_a_better_one(target, how):
    finding = diagnose(trained(target, hidden=[16, 16], **how), PENGUINS)["learning_rate_low"]
    assert finding.evidence["better rate"] >= 10 * how["learning_rate"]
    assert finding.evidence["cost after, with the better rate"] < finding.evidence["cost after"]


@pytest.mark.parametrize(("optimizer", "rate"), [("sgd", 3e-12), ("adam", 2e-8), ("sgd", 3e3), ("adam", 5e7)])
def test_a_rate_that_is_advised_was_tried_and_works(optimizer, rate):
    """However far off the rate was: a training with the advised one ends far better, and no other finding says the contrary."""
    how = {"hidden": [8], "optimizer": optimizer, "epochs": 4, "early_stopping": False}
    diagnosis = diagnose(trained(learning_rate=rate, **how), PENGUINS)
    finding = diagnosis["learning_rate_low" if rate < 1 else "learning_rate_high"]
    better = finding.evidence["better rate"]
    assert 1e-3 <= better <= 1
    assert f"learning_rate={better!r}" in finding.remedy
    again = chainrule.train(PENGUINS, "species", members=1, engine="reference", learning_rate=better, **how)
    assert again.fit.history[-1].training_loss < 0.5 * again.fit.history[0].training_loss
    for one in diagnosis.findings:
        if one is not finding:
            assert "fallen together" not in one.why or rate > 1
            assert rate > 1 or "lower learning_rate" not in one.remedy
            assert "more epochs" not in one.remedy


def test_another_table_says_nothing_of_the_training():
    """On rows far from those of the training the cost is high, and that is not its learning rate's doing."""
    x = [i / 30 for i in range(90)]
    model = trained("y", {"x": x, "y": [2 * value for value in x]}, epochs=200, learning_rate=0.02)
    other = {"x": x, "y": [-40 * value for value in x]}
    assert "learning_rate_high" not in diagnose(model, other).kinds


def test_advice_leaves_out_what_the_training_had():
    rng = np.random.default_rng(3)
    table = {f"x{j}": rng.normal(size=150).tolist() for j in range(8)}
    table["y"] = rng.normal(size=150).tolist()
    how = {"hidden": [64], "epochs": 300, "learning_rate": 0.01, "validation_share": 0.2}
    stopped, whole = (
        trained("y", table, **how, **early)
        for early in ({"early_stopping": True, "patience": 400}, {"early_stopping": False})
    )
    assert "early_stopping" in diagnose(whole, table)["overfitting"].remedy
    for finding in diagnose(stopped, table).findings:
        assert "early_stopping" not in finding.remedy


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_advice_is_possible_with_the_optimizer(optimizer):
    """What is advised can be asked for: L-BFGS has no learning rate, clips nothing and drops no neuron."""
    model = trained(activation="tanh", hidden=[8, 8], optimizer=optimizer, epochs=3)

    def stretch(layers):
        layers[0]["W"][:] *= 1e4

    remedies = [finding.remedy for finding in diagnose(changed(model, stretch), PENGUINS).findings]
    assert len(remedies) >= 2
    for word in ("learning_rate", "clip_norm", "weight_decay"):
        assert any(word in remedy for remedy in remedies) is (optimizer == "adam")


def test_scaled_inputs_that_are_far_out_are_not_advised_to_be_scaled():
    x = [float(i % 10) for i in range(60)]
    model = trained("y", {"x": x, "y": [2 * value for value in x]}, scaling="standard", epochs=2)
    far = {"x": [value * 1e3 for value in x], "y": x}
    remedy = diagnose(model, far)["unscaled_inputs"].remedy
    assert "another unit" in remedy
    assert "train again with scaling" not in remedy


def test_unscaled_inputs_are_named_by_column():
    finding = diagnose(trained(scaling="none", epochs=5), PENGUINS)["unscaled_inputs"]
    assert "body_mass_g" in finding.what
    assert finding.evidence["of the input"] == "body_mass_g"
    # Root mean square of the body masses, by hand: mean 4202, standard deviation 802; 2 cells are filled in.
    assert finding.evidence["largest root mean square"] == pytest.approx(np.hypot(4202, 802), rel=0.01)
    assert "x[11]" in finding.where


@pytest.mark.parametrize("target", ["species", "body_mass_g", "sex"])
def test_a_constant_predictor_is_named(target):
    def flatten(layers):
        layers[-1]["W"][:] = 0

    finding = diagnose(changed(trained(target, epochs=3), flatten), PENGUINS)["constant_predictor"]
    assert finding.where[0] == "a[2][1]"
    assert "for every row" in finding.what


def test_class_collapse_is_named_with_the_class():
    def never(layers):
        layers[-1]["b"][2] = -1e3

    diagnosis = diagnose(changed(trained(epochs=20), never), PENGUINS)
    finding = diagnosis["class_collapse"]
    assert finding.what == "the network never predicts Gentoo"
    # 124 of the 344 rows with a species.
    assert finding.evidence == {"share of the rows that are Gentoo": pytest.approx(124 / 344)}
    assert finding.where == ("a[2][3]",)


def test_overfitting_of_classes_is_named():
    rng = np.random.default_rng(0)
    table = {f"x{j}": rng.normal(size=200).tolist() for j in range(6)}
    table["y"] = rng.choice(["u", "v"], 200).tolist()
    model = trained("y", table, hidden=[64], epochs=300, early_stopping=False, learning_rate=0.01)
    finding = diagnose(model, table)["overfitting"]
    assert finding.evidence["rows held out"] == 40
    assert finding.evidence["accuracy on the training rows"] > 0.85
    assert finding.evidence["accuracy held out"] < 0.7


def test_overfitting_of_numbers_is_named():
    rng = np.random.default_rng(0)
    table = {f"x{j}": rng.normal(size=250).tolist() for j in range(6)}
    table["y"] = rng.normal(size=250).tolist()
    model = trained("y", table, hidden=[64], epochs=300, early_stopping=False, learning_rate=0.01)
    assert diagnose(model, table)["overfitting"].evidence["ratio"] > 1.5


def test_overfitting_is_told_of_the_table_of_the_training_alone():
    rng = np.random.default_rng(0)
    table = {f"x{j}": rng.normal(size=200).tolist() for j in range(6)}
    table["y"] = rng.normal(size=200).tolist()
    model = trained("y", table, hidden=[64], epochs=300, early_stopping=False, learning_rate=0.01)
    own, rows = diagnose(model, table), training_rows(model, table)
    part = model.table(table).take(rows)
    assert len(rows) == 160
    assert (
        own["overfitting"].evidence["RMSE on the training rows"]
        == model.score(model.predict(part), part).scores["rmse"]
    )
    assert "overfitting" not in diagnose(model, {name: cells[::-1] for name, cells in table.items()}).kinds


# ---- the parts


def test_sides_of_activations():
    from chainrule.equations.activations import activation

    sides = {
        name: sides_and_slope(activation(name))[:2]
        for name in ("relu", "tanh", "sigmoid", "identity", "gelu")
    }
    assert sides == {
        "relu": (True, False),
        "tanh": (True, True),
        "sigmoid": (True, True),
        "identity": (False, False),
        "gelu": (True, False),
    }
    assert sides_and_slope(activation("sigmoid"))[2] == 0.25


def test_the_unit_of_costs_is_that_of_a_constant_prediction():
    """MSE: the variance, here of 0 and 2, 1; cross-entropy of two equal classes: ln 2."""
    x = np.zeros((2, 1))
    squares = Batch(
        Network([1, Dense(1)], "mean_squared_error"), np.zeros(2), x, np.array([[0.0], [2.0]]), None, (1, 2)
    )
    classes = Batch(
        Network([1, Dense(1, "sigmoid")], "binary_cross_entropy"),
        np.zeros(2),
        x,
        np.array([[0.0], [1.0]]),
        None,
        (1, 2),
    )
    assert cost_unit(squares) == pytest.approx(1.0)
    assert cost_unit(classes) == pytest.approx(np.log(2))


def test_several_members_are_one_finding_with_all_their_addresses():
    model = trained(members=3, epochs=2)
    parameters = np.array(model.parameters, np.float64)
    for member in (0, 2):
        Layout(model.network).unflatten(parameters[member])[1]["b"][:] = -1e3
    diagnosis = diagnose(model.with_parameters(lambda group: parameters), PENGUINS)
    found = [finding for finding in diagnosis.findings if finding.kind == "dead_neurons"]
    assert len(found) == 1
    assert found[0].members == (1, 3)
    assert found[0].where[0] == "a[1][1]@member=1"
    assert found[0].where[-1] == "a[1][8]@member=3"
    assert (
        "dead_neurons"
        not in diagnose(model.with_parameters(lambda group: parameters), PENGUINS, member=1).kinds
    )


def test_a_diagnosis_is_plain_data(relu):
    data = diagnose(relu, PENGUINS).to_dict()
    read = json.loads(json.dumps(data))
    assert read["layers"]["1"][0]["neurons"] == 8
    assert read["thresholds"].keys() == THRESHOLDS.keys()
    assert read["trial"]["learning_rate"] == 0.001


def test_rows_of_a_large_table_are_drawn_by_the_seed(relu, monkeypatch):
    monkeypatch.setattr("chainrule.explain.diagnose.diagnosis.MOST_ROWS", 50)
    first, again, other = (diagnose(relu, PENGUINS, seed=seed) for seed in (0, 0, 1))
    assert first.rows == 50
    assert first.to_dict() == again.to_dict()
    assert first.layers != other.layers


def test_every_threshold_has_a_reason_and_every_kind_a_place():
    assert all(threshold.reason and threshold.what for threshold in THRESHOLDS.values())
    assert len(set(KINDS)) == len(KINDS)


def test_what_does_not_fit_is_refused(relu):
    with pytest.raises(SettingsError, match="there is no member 2: the model has 1 member"):
        diagnose(relu, PENGUINS, member=1)
    table = relu.table(PENGUINS).frame.with_columns(species=None)
    with pytest.raises(TableError, match="0 rows have a value in the target 'species'"):
        diagnose(relu, table)


def test_the_page_has_every_kind_and_threshold_and_its_examples_run(monkeypatch):
    page = EXAMPLES.parent / "docs" / "diagnose.md"
    text = page.read_text("utf-8")
    assert all(f"`{kind}`" in text for kind in KINDS)
    for name, threshold in THRESHOLDS.items():
        row = f"| `{name}` | {threshold.value:g} | {threshold.what} | {threshold.reason} |"
        assert row in text
    monkeypatch.chdir(EXAMPLES.parent)
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted >= 5
    assert result.failed == 0
