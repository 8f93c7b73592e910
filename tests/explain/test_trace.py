"""The trace: every number by its address, against arithmetic written here, the articles, and the limits of size."""

import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from addresses import traced
from hypothesis import given, settings

import chainrule
from chainrule import Dense, Network
from chainrule.engines.base import StepSettings
from chainrule.equations.layout import Layout
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError, TableError
from chainrule.explain.derive.derivation import derive
from chainrule.explain.trace.sources import trace_rows, trace_steps
from chainrule.explain.trace.steps import trace_network, trace_step
from chainrule.explain.trace.trace import Trace
from effort import many
from networks import cases

MAZUR = Network([2, Dense(2, "sigmoid", bias="layer"), Dense(2, "sigmoid", bias="layer")])
WEIGHTS = {
    1: {"W": [[0.15, 0.25], [0.20, 0.30]], "b": [0.35]},
    2: {"W": [[0.40, 0.50], [0.45, 0.55]], "b": [0.60]},
}
SGD = StepSettings(optimizer("sgd"))


@contextmanager
def counted() -> Iterator[list[str]]:
    """The calls of functions, Python's and others, that are made meanwhile: work, whatever the machine is busy with."""
    calls: list[str] = []
    before = sys.getprofile()
    sys.setprofile(lambda _, event, __: calls.append(event) if event in ("call", "c_call") else None)
    try:
        yield calls
    finally:
        sys.setprofile(before)


def test_the_fifth_article_s_numbers_have_addresses():
    trace = trace_network(
        MAZUR, WEIGHTS, [[0.05, 0.10]], [[0.01, 0.99]], settings=SGD, learning_rate=0.5, steps=2
    )
    printed = {
        "a[2][1]@step=1": 0.75136507, "a[2][2]@step=1": 0.772928465, "C@step=1": 0.298371109,
        "W_new[2][1,1]@step=1": 0.35891648, "W_new[2][2,1]@step=1": 0.408666186,
        "W_new[2][1,2]@step=1": 0.51130127, "W_new[2][2,2]@step=1": 0.561370121,
        "W_new[1][1,1]@step=1": 0.149780716, "W_new[1][2,1]@step=1": 0.19956143,
        "W_new[1][1,2]@step=1": 0.24975114, "W_new[1][2,2]@step=1": 0.29950229,
        "b_new[1][1]@step=1": 0.3406371953, "b_new[2][1]@step=1": 0.5497998374,
        "C_new@step=1": 0.2857508867, "C@step=2": 0.2857508867,
    }  # fmt: skip
    for address, value in printed.items():
        assert abs(trace[address] - value) < 6e-9, address
    assert trace["W[2][1,1]@step=2"] == trace["W_new[2][1,1]@step=1"]


@given(cases())
@settings(max_examples=many(25))
def test_a_row_s_gradients_add_up_to_the_sum(case):
    trace = traced(case, None)
    rows = trace.steps[0].rows
    for layer, shapes in case.network.shapes().items():
        for name in shapes:
            parts = [trace.array(f"dC/d{name}[{layer}]@row={row}") for row in rows]
            want = trace.array(f"dC/d{name}[{layer}]")
            scale = 1e-12 * (1 + np.sum(np.abs(parts)))
            np.testing.assert_allclose(np.sum(parts, axis=0), want, rtol=1e-11, atol=scale)


@given(cases())
@settings(max_examples=many(25))
def test_the_cost_is_the_shares_of_the_losses(case):
    trace = traced(case, None)
    step = trace.steps[0]
    total = sum(trace[f"share@row={row}"] * trace[f"loss@row={row}"] for row in step.rows)
    np.testing.assert_allclose(total, trace["C"], rtol=1e-12, atol=1e-15)


def test_the_derivative_by_the_output_is_the_loss_s_own():
    # C = mean over 2 rows of the mean over 2 outputs of (a - y)^2, so dC/da = 2 (a - y)/2/2.
    network = Network([1, Dense(2)], "mean_squared_error")
    trace = trace_network(
        network, {1: {"W": [[1.0, 2.0]], "b": [0.0, 0.0]}}, [[1.0], [3.0]], [[0.0, 0.0], [1.0, 1.0]]
    )
    assert trace["dC/da[1][2]@row=2"] == 2 * (6.0 - 1.0) / 2 / 2


def test_dropout_is_in_the_trace():
    network = Network([1, Dense(2, dropout=0.5), Dense(1)], "half_squared_error")
    layout = Layout(network)
    flat = layout.flatten(
        {
            1: {"W": np.array([[1.0, 2.0]]), "b": np.zeros(2)},
            2: {"W": np.array([[3.0], [4.0]]), "b": np.zeros(1)},
        }
    )
    masks = [np.array([[0.0, 2.0]]), None]
    trace = Trace(network, (trace_step(layout, flat, np.array([[1.0]]), np.array([[0.0]]), masks=masks),))
    # h = (1·0, 2·2); z = 16; delta = 16; dC/dh = (48, 64); dC/da = (0, 128)
    assert [trace[f"h[1][{j}]"] for j in (1, 2)] == [0.0, 4.0]
    assert [trace[f"dC/dh[1][{j}]"] for j in (1, 2)] == [48.0, 64.0]
    assert [trace[f"dC/da[1][{j}]"] for j in (1, 2)] == [0.0, 128.0]
    made = derive(trace, "delta[1][2]")
    assert made.ok
    assert made.result == 128.0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"x": [[1.0]]}, "x of shape (1, 1) should be rows of 2 numbers"),
        ({"y": [[1.0, 2.0], [1.0, 2.0]]}, "1 rows x and 2 rows y"),
        ({"parameters": {1: WEIGHTS[1]}}, "parameters for the layers 1 don't fit a network that has 1, 2"),
        ({"parameters": {**WEIGHTS, 1: {"W": [[1.0]]}}}, "W[1] has shape (1, 1), but (2, 2) is expected"),
        ({"parameters": {**WEIGHTS, 1: {"W": WEIGHTS[1]["W"]}}}, "b[1] is missing, but (1,) is expected"),
        ({"parameters": {**WEIGHTS, 1: {**WEIGHTS[1], "c": [1.0]}}}, "c[1] was given, but layer 1 has none"),
        ({"parameters": np.zeros(3)}, "parameters of shape (3,) don't fit a network of 10"),
        ({"y": None}, "an update needs targets y"),
        ({"settings": StepSettings(optimizer("lbfgs"))}, "it has no single steps to trace"),
    ],
)
def test_what_doesn_t_fit_is_told(change, told):
    given = {"parameters": WEIGHTS, "x": [[0.05, 0.1]], "y": [[0.01, 0.99]], "settings": SGD, **change}
    with pytest.raises(SettingsError) as caught:
        trace_network(MAZUR, given.pop("parameters"), given.pop("x"), given.pop("y"), **given)
    assert told in str(caught.value)


TABLE = {
    "size": [1.0, 2.0, None, 4.0, 5.0] * 12,
    "kind": ["a", "b", "b", "a", None] * 12,
    "y": [1.5, 3.0, 2.0, 5.5, 6.0] * 12,
}


@pytest.mark.parametrize("member", [1, 3])
def test_a_model_s_prediction_is_traced_from_its_cells(member):
    model = chainrule.train(TABLE, "y", hidden=[4], members=3, epochs=4).model
    trace = trace_rows(model, TABLE, 4, member=member)
    for value, place in zip(trace.steps[0].inputs[0], range(1, 20), strict=False):
        assert trace[f"x[{place}]"] == value.value
        assert derive(trace, f"x[{place}]").ok
    want = model.predict({name: values[3:4] for name, values in TABLE.items()}).labels[0]
    np.testing.assert_allclose(trace["prediction"], want, rtol=1e-5)
    np.testing.assert_allclose(trace["y[1]"], (5.5 - np.mean(TABLE["y"])) / np.std(TABLE["y"]), rtol=0.2)
    made = derive(trace, "prediction", from_start=True)
    assert made.ok
    assert made.lines[-1].left == "prediction"
    assert {"x[1]", "z[1][1]", "a[2][1]", "mean_a[1]"} <= {line.left for line in made.lines}


def test_probabilities_are_the_model_s():
    classes = {**TABLE, "y": ["r", "s", "t", "s", "r"] * 12}
    model = chainrule.train(classes, "y", hidden=[4], members=2, epochs=4).model
    want = model.predict(classes).probabilities[6]
    trace = trace_rows(model, classes, [7, 8])
    for place, value in enumerate(want, 1):
        np.testing.assert_allclose(trace[f"probability[{place}]@row=7"], value, rtol=1e-5)
        assert derive(trace, f"probability[{place}]@row=7").ok


@pytest.mark.parametrize("labels", [["no", "yes"], ["no", "no"]])
def test_two_classes_have_two_probabilities(labels):
    table = {"x": [0, 1] * 20, "y": ["no", "yes"] * 20}
    model = chainrule.train(table, "y", hidden=[4], members=2, epochs=4).model
    trace = trace_rows(model, {"x": [0, 1], "y": labels}, 2)
    assert trace["probability[1]"] + trace["probability[2]"] == pytest.approx(1)
    assert derive(trace, "probability[1]").ok
    assert derive(trace, "probability[2]").ok


def test_an_unknown_target_leaves_a_prediction():
    model = chainrule.train({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, "y", hidden=[4], epochs=4).model
    for table, why in [
        ({"x": [1]}, "the table has no column 'y'"),
        ({"x": [1], "y": [None]}, "the target 'y' is missing"),
        ({"x": [1], "y": ["perhaps"]}, "is none of the classes"),
    ]:
        trace = trace_rows(model, table, 1)
        assert not trace.has("C")
        assert trace.has("probability[1]")
        assert why in trace.source["target_unknown"]
    with pytest.raises(TableError, match="there is no row 2; it has rows 1 to 1"):
        trace_rows(model, {"x": [1]}, 2)
    with pytest.raises(SettingsError, match="there is no member 9"):
        trace_rows(model, {"x": [1]}, 1, member=9)


def test_a_step_of_a_training_leads_to_the_next():
    classes = {**TABLE, "y": ["r", "s", "t", "s", "r"] * 12}
    model = chainrule.train(
        classes, "y", hidden=[5], members=2, epochs=3, batch_size=16, dropout=0.2, engine="reference",
        schedule="cosine", warmup=1, clip_norm=0.05, weight_decay=0.1, l1=0.001,
    ).model  # fmt: skip
    trace = trace_steps(model, classes, [3, 4, 5], member=2)
    for place in ("W[1][2,3]", "b[2][1]", "m/dW[1][2,3]", "v/db[1][1]"):
        new = place.replace("[", "_new[", 1) if "/" not in place else place.replace("/", "_new/", 1)
        for step in (3, 4):
            assert trace[f"{new}@step={step}"] == trace[f"{place}@step={step + 1}"]
    for address in (
        "W_new[1][2,3]@step=4",
        "eta@step=4",
        "norm@step=4",
        "C_new@step=5",
        "C@step=3",
        "b_new[1][1]@step=5",
    ):
        made = derive(trace, address)
        assert made.ok
        np.testing.assert_allclose(made.result, trace[address], rtol=1e-9)


def test_many_wide_rows_are_encoded_in_time():
    rng = np.random.default_rng(0)
    table = {f"c{i}": rng.normal(size=300).tolist() for i in range(120)}
    table["y"] = rng.choice(["a", "b"], 300).tolist()
    model = chainrule.train(table, "y", hidden=[2], members=1, epochs=1, batch_size=128).model
    with counted() as calls:
        trace = trace_steps(model, table, 1)
    assert len(calls) < 700_000  # some ten for each of 36,000 cells
    row = trace.steps[0].rows[5]
    made = derive(trace, f"x[17]@row={row}")
    assert made.ok
    assert repr(table["c16"][row - 1]) in made.lines[-1].rule.replace("'", "")


def test_a_missing_cell_says_it_is_filled_in():
    model = chainrule.train(TABLE, "y", hidden=[2], members=1, epochs=1).model
    trace = trace_rows(model, TABLE, 3)
    place = next(i for i, made in enumerate(trace.steps[0].inputs[0], 1) if made.column == "size")
    line = derive(trace, f"x[{place}]").lines[-1]
    assert line.note == "v is filled in for the missing cell"
    assert line.check.ok


def test_a_large_network_is_traced_and_derived_in_time():
    network = Network(
        [784, Dense(256, "relu"), Dense(128, "tanh"), Dense(10, "softmax")], "categorical_cross_entropy"
    )
    rng, layout = np.random.default_rng(0), Layout(network)
    flat = rng.normal(size=layout.size) * 0.05
    x, y = rng.random((1, 784)), np.eye(10)[[3]]
    tracemalloc.start()
    with counted() as calls:
        step = trace_step(
            layout, flat, x, y, settings=StepSettings(optimizer("adam"), clip_norm=1.0), eta=0.001
        )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(calls) < 50_000  # not one for each of its 235,000 parameters
    assert peak < 100e6
    trace = Trace(network, (step,))
    assert sum(array.nbytes for array in (step.parameters, step.update.raw)) > 3e6
    for address, form in [
        ("z[1][5]", "short"), ("delta[1][7]", "recursive"), ("dC/dW[1][3,7]", "short"), ("dC/dW[1][3,7]", "paths"),
        ("dC/dx[5]", "paths"), ("a[3][2]", "short"), ("W_new[1][3,7]", "short"), ("C_new", "short"),
    ]:  # fmt: skip
        with counted() as calls:
            made = derive(trace, address, form=form)
        assert made.ok
        np.testing.assert_allclose(made.result, trace[address], rtol=1e-9)
        assert len(calls) < 300_000, (address, form)  # some hundreds for each of the terms shown, at most
