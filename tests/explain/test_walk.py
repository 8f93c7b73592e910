"""The walk through a prediction: nothing left out of small networks, an unbroken way through large ones."""

from itertools import pairwise

import numpy as np
import pytest

from chainrule import Dense, Network
from chainrule.engines.base import StepSettings
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.explain.derive.walk import answer_place, walk, walk_step
from chainrule.explain.trace.steps import trace_network


def drawn(
    sizes, *, rows=1, targets=True, seed=5, output="softmax", loss="categorical_cross_entropy", settings=None
):
    rng = np.random.default_rng(seed)
    network = Network(
        [sizes[0], *(Dense(size, "tanh") for size in sizes[1:-1]), Dense(sizes[-1], output)], loss
    )
    weights = {
        number: {"W": rng.normal(size=(n_in, n_out)), "b": rng.normal(size=n_out)}
        for number, (n_in, n_out) in enumerate(pairwise(sizes), 1)
    }
    y = np.eye(sizes[-1])[rng.integers(sizes[-1], size=rows)] if targets else None
    return trace_network(network, weights, rng.normal(size=(rows, sizes[0])), y, settings=settings)


def test_a_small_network_is_worked_out_whole():
    walked = walk(drawn((3, 4, 2)))
    assert [part.title for part in walked.parts] == [
        "Inputs",
        "Layer 1: 4 neurons, tanh",
        "Layer 2, the output: 2 neurons, softmax",
        "The cost",
    ]
    addresses = {line.address for part in walked.parts for line in part.lines}
    wanted = {f"x[{i}]" for i in (1, 2, 3)} | {"loss", "C"}
    wanted |= {f"{name}[1][{j}]" for name in "za" for j in (1, 2, 3, 4)}
    wanted |= {f"{name}[2][{j}]" for name in "za" for j in (1, 2)}
    assert addresses == wanted
    assert walked.address == "C"
    assert walked.ok
    assert len(walked.checks) >= len(wanted) - 3


def test_a_large_network_is_followed_from_its_largest_output_back():
    trace = drawn((60, 50, 20, 5))
    walked = walk(trace)
    shown = {line.address: line for part in walked.parts for line in part.lines}
    # by hand: the largest output, then always the neuron whose |w·a| is largest
    output = int(np.argmax(trace.array("a[3]")))
    second = int(np.argmax(np.abs(trace.array("W[3]")[:, output] * trace.array("a[2]"))))
    first = int(np.argmax(np.abs(trace.array("W[2]")[:, second] * trace.array("a[1]"))))
    assert {name for name in shown if name.startswith("z[2]")} == {f"z[2][{second + 1}]"}
    assert {name for name in shown if name.startswith("z[1]")} == {f"z[1][{first + 1}]"}
    assert {name for name in shown if name.startswith("z[3]")} == {f"z[3][{j}]" for j in range(1, 6)}
    # what is followed is named in the line of what comes after it
    assert f"a[2][{second + 1}]" in shown[f"z[3][{output + 1}]"].values
    assert f"a[1][{first + 1}]" in shown[f"z[2][{second + 1}]"].values
    # of the inputs those are shown that the line names
    named = {name for name in shown[f"z[1][{first + 1}]"].values if name.startswith("x[")}
    assert {name for name in shown if name.startswith("x[")} == named
    # every sum is exact, though it is cut
    assert shown[f"z[1][{first + 1}]"].result == pytest.approx(trace[f"z[1][{first + 1}]"], rel=1e-13)
    assert "rest" in shown[f"z[1][{first + 1}]"].values
    assert walked.ok


def test_without_targets_it_ends_at_the_outputs():
    walked = walk(drawn((2, 3, 2), targets=False))
    assert walked.parts[-1].title.startswith("Layer 2, the output")
    assert walked.address.startswith("a[2][")


def test_of_several_rows_one_is_named():
    trace = drawn((2, 3, 2), rows=4)
    assert {line.address for line in walk(trace, row=3).parts[0].lines} == {"x[1]@row=3", "x[2]@row=3"}
    with pytest.raises(SettingsError, match="which row"):
        walk(trace)
    with pytest.raises(SettingsError, match="no row 9"):
        walk(trace, row=9)


def test_the_answer_without_members_is_the_cost_or_an_output():
    assert str(answer_place(drawn((2, 3, 2)))) == "C"
    assert str(answer_place(drawn((2, 3, 2), targets=False))).startswith("a[2]")


def test_a_step_tells_of_the_weight_it_changes_most():
    trace = drawn((3, 4, 2), rows=2, settings=StepSettings(optimizer("sgd")))
    changes = {
        f"W[{layer}][{i + 1},{j + 1}]": abs(
            trace[f"W_new[{layer}][{i + 1},{j + 1}]"] - trace[f"W[{layer}][{i + 1},{j + 1}]"]
        )
        for layer, (n_in, n_out) in ((1, (3, 4)), (2, (4, 2)))
        for i in range(n_in)
        for j in range(n_out)
    }
    weight = max(changes, key=changes.get)
    walked = walk_step(trace)
    assert [part.address for part in walked.parts] == [
        "C",
        f"dC/d{weight}",
        weight.replace("W", "W_new"),
        "C_new",
    ]
    assert walked.title == "Step 1 of the training, on 2 rows"
    assert walked.ok


def test_without_an_update_there_is_no_step_to_tell_of():
    with pytest.raises(SettingsError, match="no update"):
        walk_step(drawn((3, 4, 2)))
