"""Whole networks on symbols, printed as NumPy source: forward and backward give the numbers of the equations themselves."""

import numpy as np
import pytest
from python_printer import PYTHON, run, source

from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.dense import BIAS_MODES, PARAMETRIZATIONS, Dense
from chainrule.equations.features import Features
from chainrule.equations.graph import trace_backward, trace_forward
from chainrule.equations.losses import LOSSES
from chainrule.equations.network import Network
from networks import FORMULA_LOSSES, HIDDEN, Case, case_of, outputs_of, specs

HIDDEN_SPECS = [spec for spec in [*specs(ACTIVATIONS), *HIDDEN] if spec.split("(")[0] != "softmax"]
GROUPS = {
    "number": [("number", 1), ("number", 1)],
    "category": [("category", 3)],
    "plain": [("plain", 2)],
    "all": [("plain", 1), ("category", 2), ("number", 1), ("category", 3), ("number", 1)],
}


def numbered(of_layers: dict[int, dict], before: str = "") -> dict:
    """Arrays by their name and layer's number."""
    return {
        f"{before}{name}{number}": array
        for number, arrays in of_layers.items()
        for name, array in arrays.items()
        if array is not None
    }


def inputs_of(case: Case) -> dict:
    masks = enumerate(case.masks or [], 1)
    given = {f"r{number}": mask for number, mask in masks if mask is not None}
    return given | numbered(case.p) | {"x": case.x, "y": case.y, "w": case.weights}


def wanted(case: Case) -> dict:
    """Everything that forward and backward name."""
    network = case.network
    record = network.forward(case.p, case.x, np, case.masks)
    made = network.backward(case.p, record, case.y, np, case.weights)
    forward = {number: {"z": of.z, "a": of.a, "h": of.h} for number, of in enumerate(record.layers, 1)}
    backward = {
        number: {"da": of.da, "dh": of.dh, "delta": of.delta, "slope": of.slope}
        for number, of in enumerate(made.layers, 1)
    }
    if record.stage is not None:
        forward[0] = record.stage._asdict()
        backward[0] = {"da": made.stage.da, "de": made.stage.de, "du": made.stage.du}
    found = numbered(forward) | numbered(backward) | numbered(made.parameters, "d")
    found |= {"C": made.cost, "dx": made.x}
    return found


def options_of(case: Case) -> dict:
    members = case.p[1]["W"].shape[0] if case.p[1]["W"].ndim == 3 else None
    return {"members": members, "masks": case.masks is not None}


def agree(case: Case, **options) -> None:
    """Assert that every number of the printed program is that of the equations, to the last bit."""
    graph = trace_backward(case.network, weighted=case.weights is not None, **options_of(case), **options)
    with np.errstate(all="ignore"):
        got, want = run(graph, graph.outputs, inputs_of(case)), wanted(case)
    assert got.keys() == want.keys()
    for name, array in want.items():
        np.testing.assert_array_equal(got[name], array, err_msg=name)
        assert got[name].shape == array.shape


def network_of(*layers: Dense, loss: str = "half_squared_error", inputs: int = 3, **options) -> Network:
    return Network([inputs, *layers], loss, **options)


@pytest.mark.parametrize("spec", HIDDEN_SPECS)
def test_every_activation(spec, rng):
    network = network_of(Dense(4, spec), Dense(3, spec, mix=True, parametrization="ntk"), Dense(2, "tanh"))
    agree(case_of(network, rng, 5))


@pytest.mark.parametrize("spec", [*specs(LOSSES), *FORMULA_LOSSES, "a*y"])
def test_every_loss_with_every_output(spec, rng):
    for output in outputs_of(spec):
        agree(case_of(network_of(Dense(4, "tanh"), Dense(3, output), loss=spec), rng, 5))


@pytest.mark.parametrize("members", [(), (1,), (3,)], ids=str)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weighted", ["no", "rows"])
def test_weights_members_and_masks(weighted, reduction, members, rng):
    layers = Dense(4, "relu", dropout=0.5), Dense(3, "silu", dropout=0.2), Dense(3, "softmax")
    network = network_of(*layers, loss="categorical_cross_entropy(label_smoothing=0.1)", reduction=reduction)
    agree(case_of(network, rng, 6, members, weighted))


@pytest.mark.parametrize("bias", BIAS_MODES)
@pytest.mark.parametrize("parametrization", PARAMETRIZATIONS)
@pytest.mark.parametrize("mix", [False, True])
def test_every_switch_of_a_layer(bias, parametrization, mix, rng):
    switches = {"bias": bias, "parametrization": parametrization}
    last = Dense(1, "sigmoid", **switches)
    network = network_of(Dense(4, "mish", mix=mix, **switches), last, loss="binary_cross_entropy")
    agree(case_of(network, rng, 4))


@pytest.mark.parametrize("members", [(), (2,)], ids=str)
@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("groups", GROUPS.values(), ids=GROUPS)
def test_every_switch_of_the_feature_stage(groups, scale, members, rng):
    stage = Features(groups, scale=scale, waves=4, width=2, level_width=3)
    network = network_of(Dense(4, "gelu", mix=True), Dense(2), inputs=stage.n_inputs, features=stage)
    agree(case_of(network, rng, 5, members))


def test_one_program_serves_any_number_of_rows(rng):
    stage = Features(GROUPS["all"], scale=True, waves=3)
    network = network_of(Dense(4, "elu"), Dense(2, "softmax"), inputs=stage.n_inputs, features=stage)
    for rows in (1, 2, 9):
        agree(case_of(network, rng, rows))
        agree(case_of(network, rng, rows), rows=rows)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_forward_alone_is_what_a_prediction_needs(dtype, rng):
    network = network_of(Dense(4, "tanh", dropout=0.5), Dense(2, "softmax"))
    case = case_of(network, rng, 5)
    graph = trace_forward(network, dtype=dtype)
    assert list(graph.inputs) == ["x", "W1", "b1", "W2", "b2"]
    assert list(graph.outputs) == ["z1", "a1", "h1", "z2", "a2", "h2"]
    assert graph.outputs["a2"].dims == ("rows", 2)
    program = {"a": graph.outputs["a2"]}
    given = {name: np.asarray(array, dtype) for name, array in inputs_of(case).items() if array is not None}
    got = run(graph, program, given)["a"]
    p = {n: {name: array.astype(dtype) for name, array in of.items()} for n, of in case.p.items()}
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, network.forward(p, given["x"], np).a)
    operations = [node for node in source(graph, program).splitlines() if "np.exp(" in node]
    assert len(operations) == 1, "tanh is a function of its own, softmax takes one exp for all classes"


def test_a_wrong_row_of_the_table_is_seen(monkeypatch, rng):
    monkeypatch.setitem(PYTHON.code, "-", "{0} - {1} * 1.001")
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        agree(case_of(network_of(Dense(4, "mish"), Dense(2)), rng, 5))
