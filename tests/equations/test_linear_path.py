"""The linear path: x S beside h W in the output layer's z, against a linear model, JAX, differences and hand."""

import numpy as np
import pytest
from python_printer import run

from chainrule.equations.dense import Dense
from chainrule.equations.features import Features
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from chainrule.exports.program import network_graph
from chainrule.model.group import Group
from networks import case_of, check_by_differences, check_by_jax

NETWORKS = {
    "two outputs": Network([3, Dense(4, "tanh"), Dense(2, linear_path=True)]),
    "softmax": Network(
        [3, Dense(4, "gelu"), Dense(3, "softmax", linear_path=True)], "categorical_cross_entropy"
    ),
    "dropped, one bias": Network(
        [3, Dense(3, "tanh", dropout=0.5), Dense(1, "sigmoid", bias="layer", linear_path=True)],
        "binary_cross_entropy",
    ),
}


def test_one_row_by_hand():
    # z1 = 2·.5 + 1·1 = 2, h = relu = 2; z2 = 3·2 + (.25·2 - 1·1) + .5 = 6; y = 4: delta2 = 2, dS = (2·2, 2·1), delta1 = 3·2.
    network = Network([2, Dense(1, "relu", bias="none"), Dense(1, linear_path=True)], "half_squared_error")
    p = {1: {"W": np.array([[0.5], [1.0]])}, 2: {"W": np.array([[3.0]]), "b": np.array([0.5])}}
    p[2]["S"] = np.array([[0.25], [-1.0]])
    x = np.array([[2.0, 1.0]])
    record = network.forward(p, x, np)
    made = network.backward(p, record, np.array([[4.0]]), np)
    assert (record.layers[1].z.item(), made.cost, made.layers[0].delta.item()) == (6.0, 2.0, 6.0)
    np.testing.assert_array_equal(made.layers[1].parameters["S"], [[4.0], [2.0]])
    # dC/dx: back through the hidden layer 6·(.5, 1), and straight 2·(.25, -1).
    np.testing.assert_array_equal(made.x, [[3.5, 4.0]])
    assert network.shapes()[2] == {"W": (1, 1), "S": (2, 1), "b": (1,)}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("members", [(), (3,)])
def test_every_gradient_against_differences_and_jax(name, members, rng):
    case = case_of(NETWORKS[name], rng, 4, members, "rows")
    check_by_differences(case)
    check_by_jax(case)


def test_behind_a_feature_stage_against_differences(rng):
    stage = Features([("number", 1), ("plain", 1), ("category", 3)], scale=True)
    last = Dense(1, "sigmoid", bias="layer", linear_path=True)
    network = Network([5, Dense(3, "tanh"), last], "binary_cross_entropy", features=stage)
    layout, x, y = Layout(network), rng.normal(size=(6, 5)), rng.integers(0, 2, (6, 1)).astype(float)
    flat, h = 0.5 * rng.normal(size=layout.size), 1e-6

    def cost(flat, x):
        return network.cost(network.forward(layout.unflatten(flat), x, np), y, np)

    p = layout.unflatten(flat)
    made = network.backward(p, network.forward(p, x, np), y, np)
    steps = h * np.eye(layout.size)
    slopes = [(cost(flat + step, x) - cost(flat - step, x)) / (2 * h) for step in steps]
    np.testing.assert_allclose(layout.flatten(made.parameters), slopes, atol=1e-9)
    moves = h * np.eye(x.size).reshape(-1, *x.shape)
    slopes = [(cost(flat, x + move) - cost(flat, x - move)) / (2 * h) for move in moves]
    np.testing.assert_allclose(made.x.reshape(-1), slopes, atol=1e-9)


class WrongGradient(Dense):
    """A layer whose dC/dS is a thousandth too large."""

    def by_parameters(self, *given):
        made = super().by_parameters(*given)
        return made | {"S": made["S"] * 1.001}


class WrongInputs(Dense):
    """A layer that leaves out what comes back to the inputs through the linear path."""

    def by_inputs(self, p, delta, xp):
        return 0 * super().by_inputs(p, delta, xp)


@pytest.mark.parametrize("kind", [WrongGradient, WrongInputs])
@pytest.mark.parametrize("check", [check_by_differences, check_by_jax])
def test_planted_faults_are_found(kind, check, rng):
    network = Network([3, Dense(4, "tanh"), kind(2, linear_path=True)])
    with pytest.raises(AssertionError):
        check(case_of(network, rng, 4))


def test_without_what_hidden_layers_add_it_is_a_linear_model(rng):
    network = NETWORKS["two outputs"]
    flat = rng.normal(size=Layout(network).size)
    p = Layout(network).unflatten(flat)
    p[2]["W"][:] = 0.0
    x = rng.normal(size=(20, 3))
    np.testing.assert_allclose(network.forward(p, x, np).a, x @ p[2]["S"] + p[2]["b"], rtol=1e-14)


def test_its_description_reads_back_and_has_the_path_only_where_there_is_one():
    for network in NETWORKS.values():
        assert Network.from_dict(network.to_dict()) == network
    assert all("linear_path" not in layer for layer in Network([3, Dense(4), Dense(1)]).to_dict()["layers"])


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([2, Dense(3, linear_path=True), Dense(1)], "only that one can have it"),
        ([2, Dense(1, linear_path=True)], "linear already"),
    ],
)
def test_where_it_can_be_no_path(layers, message):
    with pytest.raises(SettingsError, match=message):
        Network(layers)
    with pytest.raises(SettingsError, match="must be True or False"):
        Dense(1, linear_path="yes")


def test_a_stage_as_products_leaves_the_path_on_the_inputs(rng):
    stage = Features([("number", 1), ("plain", 1), ("category", 3)], scale=True)
    network = Network([5, Dense(3, "tanh"), Dense(2, linear_path=True)], features=stage)
    group = Group(network, rng.normal(size=(1, Layout(network).size)))
    graph, name = network_graph(group, rows="rows", products=True)
    x, p = rng.normal(size=(4, 5)), Layout(network).unflatten(group.parameters[0])
    given = {f"{key}{number}": array for number, own in p.items() for key, array in own.items()}
    found = run(graph, graph.outputs, given | {"x": x})[name]
    np.testing.assert_allclose(found, network.forward(p, x, np).a, rtol=1e-12)
