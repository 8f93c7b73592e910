"""Pictures of layers: the numbers are the engine's, jumps of a derivative are no slopes, what is wrong is drawn first."""

import math
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule import Dense, Network
from chainrule.equations.activations import activation
from chainrule.equations.layout import Layout
from chainrule.explain.check.certificate import batch_of
from chainrule.explain.diagnose.diagnosis import diagnose
from chainrule.explain.diagnose.neurons import neuron_flags
from chainrule.explain.diagnose.pictures import diagnosis_pictures
from chainrule.explain.show.layers import MOST_LAYERS, activation_chart, activation_charts, flow, histograms
from chainrule.plots.kinds.layers import QUANTILES
from chainrule.plots.marks import Arrows
from chainrule.plots.network.draw import network_chart
from chainrule.plots.network.layers import DrawnLayer
from chainrule.plots.network.marks import Edges, Neurons

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"


@pytest.fixture(scope="module")
def model():
    how = {"members": 2, "epochs": 20, "engine": "reference", "hidden": [12]}
    made = chainrule.train(PENGUINS, "species", **how).model
    parameters = np.array(made.parameters, np.float64)
    Layout(made.network).unflatten(parameters[1])[1]["b"][:3] = -1e3  # three neurons of the second member die
    return made.with_parameters(lambda group: parameters)


def test_a_diagnosis_is_drawn_with_the_numbers_that_it_is_about(model):
    for member, dead in ((0, 0), (1, 3)):
        network, gradients, outputs = (
            block.chart for block in diagnosis_pictures(model, PENGUINS, member=member)
        )
        facts = diagnose(model, PENGUINS, member=member).layers[member + 1]
        flags = [flag for mark in network.marks if isinstance(mark, Neurons) for flag in mark.flags]
        assert flags.count("dead") == facts[0].dead
        assert facts[0].dead >= dead
        batch = batch_of(model, model.table(PENGUINS), rows=range(344), member=member)
        slopes = np.abs(batch.gradients.parameters[1]["W"])
        (boxes,) = gradients.marks
        assert boxes.median[0] == pytest.approx(np.quantile(slopes[slopes > 0], QUANTILES[2]))
        counted = sum(sum(mark.stop) for mark in outputs.charts[0].marks)
        assert counted == (np.asarray(batch.record.layers[0].a) != 0).sum()
        assert network.title == f"The network of member {member + 1}"


def test_flags_are_those_that_findings_count():
    network = Network([1, Dense(2, "relu"), Dense(2, "tanh"), Dense(1)])
    p = {
        1: {"W": np.array([[1.0, 1.0]]), "b": np.array([0.0, -50.0])},
        2: {"W": np.array([[1.0, 0.0], [0.0, 0.0]]), "b": np.array([0.0, 40.0])},
        3: {"W": np.ones((2, 1)), "b": np.zeros(1)},
    }
    record = network.forward(p, np.linspace(-1, 1, 9)[:, None], np)
    assert neuron_flags(network, p, record) == {1: ("", "dead"), 2: ("", "saturated")}


@pytest.mark.parametrize(
    ("spec", "jumps"), [("relu", 1), ("leaky_relu", 1), ("abs(z)", 1), ("min(max(z, -1), 1)", 2), ("mish", 0), ("tanh(9*z)", 0)]
)  # fmt: skip
def test_where_a_derivative_jumps_the_line_is_interrupted(spec, jumps):
    made = activation(spec)
    chart, values = activation_chart(made)
    known = np.isfinite(values["z"])
    steps = np.abs(np.diff(values["slope"]))
    if spec != "tanh(9*z)":  # steep, and no jump
        assert np.nanmax(steps) < 0.2 * np.nanmax(np.abs(values["slope"]))
    assert (~known).sum() == pytest.approx(jumps, abs=jumps)
    assert bool((~known).sum()) == bool(jumps)
    np.testing.assert_array_equal(values["a"][known], made(values["z"][known], np))
    np.testing.assert_array_equal(values["slope"][known], made.prime(values["z"][known], np))
    assert all(math.isfinite(row[0]) for row in chart.table().rows)


def test_a_tangent_has_the_slope_at_its_place():
    chart, values = activation_chart(activation("sigmoid"), at=6.5, address="a[1][2]")
    (tangent,) = [mark for mark in chart.marks if isinstance(mark, Arrows) and "tangent" in mark.names]
    (x,), (y,), (x2,), (y2,) = tangent.x, tangent.y, tangent.x2, tangent.y2
    assert (y2 - y) / (x2 - x) == pytest.approx(values["at"][2])
    assert chart.x.high > 6.5


def test_each_activation_is_drawn_once_with_its_layers():
    charts = activation_charts(
        [Dense(3, activation(name)) for name in ("relu", "tanh", "relu", "softmax")]
    ).charts
    assert [chart.title for chart in charts] == ["Layers 1, 3: f(z) = max(0, z)", "Layer 2: f(z) = tanh(z)"]
    assert activation_charts([Dense(3, activation("softmax"))]) is None
    (alone,) = activation_charts([Dense(3, activation("sigmoid"))] * 2).charts
    assert alone.title.startswith("Layer 1 and output: ")


def test_of_many_layers_some_are_drawn_and_that_is_said():
    network = Network([2, *[Dense(2, "tanh") for _ in range(30)], Dense(1)])
    arrays = [np.full((2, layer.n_out), float(n)) for n, layer in enumerate(network.layers, 1)]
    chart = flow(network, arrays)
    assert len(chart.y.names) == MOST_LAYERS
    assert (chart.y.names[0], chart.y.names[-1]) == ("layer 1", "output")
    assert chart.marks[0].addresses[-1] == "dC/dW[31]"
    assert f"{MOST_LAYERS} of 31 layers are drawn." in chart.note
    assert len(histograms(network, arrays, "Weights", "weight", shared=True).charts) == MOST_LAYERS


def test_a_deep_network_has_no_more_edges_than_a_page_can_hold():
    weights = np.random.default_rng(0).normal(size=(40, 40))
    layers = [DrawnLayer(0, 40), *(DrawnLayer(number, 40, weights=weights) for number in range(1, 31))]
    edges = [len(mark) for mark in network_chart(layers).marks if isinstance(mark, Edges)]
    assert edges == [50] * 30


def test_of_a_large_layer_what_is_wrong_is_drawn_first():
    flags = tuple("dead" if j in (3, 70) else "" for j in range(90))
    weights = np.ones((2, 90)) * np.arange(90)
    layers = [
        DrawnLayer(0, 2, "inputs"),
        DrawnLayer(1, 90, "layer 1", weights=weights, flags=flags),
        DrawnLayer(2, 1, "output", weights=np.ones((90, 1))),
    ]
    chart = network_chart(layers)
    (neurons,) = [mark for mark in chart.marks if isinstance(mark, Neurons) and "dead" in mark.flags]
    assert {"a[1][4]", "a[1][71]", "a[1][90]"} <= set(neurons.addresses)
    assert "Crossed out: dead, 2 of 90 in layer 1." in chart.note
    many = network_chart([layers[0], DrawnLayer(1, 90, weights=weights, flags=("dead",) * 90), layers[2]])
    assert "90 of 90" in many.note
