"""The path form: against all paths listed one by one, for any network; the guilty factor is named."""

import itertools

import numpy as np
import pytest
from addresses import traced
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network
from chainrule.explain.derive.derivation import derive, rules_of
from chainrule.explain.derive.paths import (
    MOST_PATHS,
    Ways,
    count_paths,
    largest_paths,
    path_lines,
    rest_of,
    starts_of,
)
from chainrule.explain.derive.writer import Writer
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.steps import trace_network
from effort import many
from networks import cases


def every_path(trace, place):
    """All paths of a derivative by a weight of a one-row trace, listed one by one: (neurons, product)."""
    step, layer = trace.steps[0], place.layer
    index = 0 if place.row is None else step.rows.index(place.row)
    sizes, last = trace.network.sizes, len(trace.network.layers)
    p = trace.layout.unflatten(step.parameters)
    # What the weights of a layer count for: W, or W / sqrt(n_in).
    scales = [
        1 / np.sqrt(n_in) if dense.parametrization == "ntk" else 1.0
        for dense, n_in in zip(trace.network.layers, sizes[:-1], strict=True)
    ]
    found = {}
    for way in itertools.product(*(range(size) for size in sizes[layer + 1 :])):
        neurons = (place.index[1] - 1, *way)
        product = step.record.entering(layer)[index, place.index[0] - 1] * scales[layer - 1]
        for number, at in enumerate(neurons, layer):
            if number > layer:
                weight = p[number]["W"][neurons[number - layer - 1], at]
                product = product * weight * scales[number - 1]
            if number < last:
                mask = step.record.layers[number - 1].mask
                product = (
                    product * step.slopes[number - 1][index, at] * (1 if mask is None else mask[index, at])
                )
            else:
                product = product * step.gradients.layers[-1].delta[index, at]
        found[way] = float(product)
    return found


@given(cases(deepest=3), st.integers(1, 6), st.integers(0, 3))
@settings(max_examples=many(60))
def test_the_largest_paths_are_found_and_the_rest_is_exact(case, most, layer):
    trace = traced(case, None)
    layer = min(layer, len(case.network.layers) - 1) + 1
    row = trace.steps[0].rows[-1] if len(trace.steps[0].rows) > 1 else None
    place = Address("dC/dW", layer, (1, 1), None, row)
    writer = Writer(trace, place, rules_of(trace.steps[0]))
    starts = starts_of(writer, place)
    ways = {row: Ways(writer, row)}
    want = every_path(trace, place)
    assert count_paths(writer, starts) == len(want)
    shown = largest_paths(starts, ways, most)
    sizes = sorted((abs(value) for value in want.values()), reverse=True)[:most]
    np.testing.assert_allclose([abs(path.value) for path in shown], sizes, rtol=1e-10, atol=1e-300)
    for path in shown:
        np.testing.assert_allclose(path.value, want[path.neurons], rtol=1e-10, atol=1e-300)
    assert len({path.neurons for path in shown}) == len(shown)
    left = sum(value for way, value in want.items() if way not in {path.neurons for path in shown})
    scale = 1e-11 * sum(sizes) + 1e-11 * sum(abs(value) for value in want.values())
    np.testing.assert_allclose(rest_of(starts, shown, ways), left, rtol=1e-9, atol=scale + 1e-300)


def deep(width, depth, activation="sigmoid", scale=1.0, seed=0):
    network = Network([width, *(Dense(width, activation) for _ in range(depth)), Dense(1, "sigmoid")])
    rng = np.random.default_rng(seed)
    p = {
        number: {name: rng.normal(size=shape) * scale for name, shape in layer.items()}
        for number, layer in network.shapes().items()
    }
    return trace_network(network, p, rng.normal(size=(1, width)), [[1.0]])


def test_a_network_with_too_many_paths_to_list():
    trace = deep(40, 6)
    made = derive(trace, "dC/dW[1][3,4]", form="paths")
    (*paths, total) = made.lines
    assert len(paths) == MOST_PATHS - 2
    assert total.rule == f"the sum over all {40**5:,} paths"
    assert total.note == f"rest: the other {40**5 - len(paths):,} paths, added up exactly"
    assert made.ok
    sizes = [abs(line.result) for line in paths]
    assert sizes == sorted(sizes, reverse=True)
    np.testing.assert_allclose(
        sum(line.result for line in paths) + total.values["rest"], total.result, rtol=1e-12
    )


def test_each_factor_of_a_path_is_an_address():
    trace = deep(2, 2)
    for line in derive(trace, "dC/dW[1][1,2]", form="paths").lines[:-1]:
        assert line.values == {name: trace[name] for name in line.values}
        np.testing.assert_allclose(np.prod(list(line.values.values())), line.result, rtol=1e-13)


@pytest.mark.parametrize("address", ["dC/dx[1]", "dC/db[1][1]", "delta[1][2]", "delta[2][1]"])
def test_other_derivatives_have_paths_too(address):
    network = Network(
        [2, Dense(3, "tanh", bias="layer"), Dense(2, "sigmoid"), Dense(2, "softmax")],
        "categorical_cross_entropy",
    )
    rng = np.random.default_rng(1)
    p = {
        number: {name: rng.normal(size=shape) for name, shape in layer.items()}
        for number, layer in network.shapes().items()
    }
    trace = trace_network(network, p, rng.normal(size=(3, 2)), np.eye(2)[[0, 1, 0]])
    row = "" if address.startswith("dC/db") else "@row=2"
    made = derive(trace, address + row, form="paths")
    assert made.ok
    np.testing.assert_allclose(made.result, trace[address + row], rtol=1e-10)


# ---- factors


def factors_of(trace, address):
    made = derive(trace, address)
    return made.factors, " ".join([*made.notes, *(factor.blame for factor in made.factors if factor.blame)])


def test_the_factors_multiply_to_the_only_path():
    trace = deep(2, 0)
    factors, _ = factors_of(trace, "dC/dW[1][2,1]")
    np.testing.assert_allclose(
        np.prod([factor.value for factor in factors]), trace["dC/dW[1][2,1]"], rtol=1e-13
    )
    assert [factor.address for factor in factors] == ["dC/da[1][1]", "f'[1][1]", "x[2]"]
    assert not any(factor.blame for factor in factors)


def test_a_saturated_neuron_is_named():
    # One hidden neuron at z = 8: sigmoid's slope there is 0.000335.
    network = Network([1, Dense(1, "sigmoid"), Dense(1)])
    trace = trace_network(
        network, {1: {"W": [[8.0]], "b": [0.0]}, 2: {"W": [[1.0]], "b": [0.0]}}, [[1.0]], [[0.0]]
    )
    factors, told = factors_of(trace, "dC/dW[1][1,1]")
    (guilty,) = [factor for factor in factors if factor.blame]
    assert guilty.address == "f'[1][1]"
    assert guilty.blame == "The derivative vanishes at f'[1][1] = 0.000335: sigmoid is saturated at z = 8."
    assert guilty.blame in told


def test_a_large_weight_is_named():
    network = Network([1, Dense(1, "tanh"), Dense(1)])
    trace = trace_network(
        network, {1: {"W": [[0.1]], "b": [0.0]}, 2: {"W": [[5000.0]], "b": [0.0]}}, [[1.0]], [[0.0]]
    )
    factors, told = factors_of(trace, "dC/dW[1][1,1]")
    assert [factor.address for factor in factors if factor.blame] == ["W[2][1,1]"]
    assert "The derivative explodes at W[2][1,1] = 5e+03: the weight is large." in told


def test_many_small_slopes_are_named_together():
    trace = deep(3, 8, scale=0.5)
    _, told = factors_of(trace, "dC/dW[1][1,1]")
    assert "The 9 slopes on the way multiply to" in told
    assert "which makes the derivative vanish" in told


@pytest.mark.parametrize(
    ("hidden", "x", "y", "address", "told"),
    [
        ("relu", [[1.0]], [[1.0]], "f'[1][1]", "relu is flat at z = -1"),
        ("identity", [[0.0]], [[1.0]], "x[1]", "the input is 0, so the weight had no part in the output"),
        ("identity", [[1.0]], [[-1.0]], "dC/da[2][1]", "the output is what the loss asks for"),
    ],
)
def test_a_factor_of_0_is_named(hidden, x, y, address, told):
    network = Network([1, Dense(1, hidden, bias="none"), Dense(1, bias="none")])
    trace = trace_network(network, {1: {"W": [[-1.0]]}, 2: {"W": [[1.0]]}}, x, y)
    factors, notes = factors_of(trace, "dC/dW[1][1,1]")
    assert [factor.address for factor in factors if factor.blame] == [address]
    assert told in notes


def test_healthy_gradients_blame_nobody():
    factors, told = factors_of(deep(4, 2, "tanh", 0.3), "dC/dW[1][1,1]")
    assert not any(factor.blame for factor in factors)
    assert told == "Factors of the largest of 4 paths."


def test_the_lines_need_no_rest_where_few_paths_are():
    trace = deep(3, 2)
    writer = Writer(trace, Address("dC/dW", 1, (1, 1)), rules_of(trace.steps[0]))
    lines = path_lines(writer, Address("dC/dW", 1, (1, 1)))
    assert len(lines) == 3 + 1
    assert "rest" not in lines[-1].values
