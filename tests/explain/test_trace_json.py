"""The trace as JSON: the same numbers back, by the documented schema; anything else is refused with its place."""

import copy
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from addresses import SETTINGS, every_address, traced
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule
from chainrule import Dense, Network
from chainrule.engines.base import StepSettings
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.explain.trace.data import trace_from_json, trace_to_data, trace_to_json
from chainrule.explain.trace.schema import TRACE_SCHEMA, validate
from chainrule.explain.trace.sources import trace_rows
from chainrule.explain.trace.steps import trace_network
from effort import many
from networks import cases

DOCS = Path(__file__).parents[2] / "docs"


@given(cases(), st.one_of(st.none(), SETTINGS))
@settings(max_examples=many(20))
def test_every_number_comes_back_to_the_last_bit(case, steps):
    trace = traced(case, steps)
    text = trace_to_json(trace)
    back = trace_from_json(text)
    assert trace_to_json(back) == text
    assert back.network == trace.network
    for address in every_address(trace):
        assert back[address] == trace[address] or math.isnan(trace[address])


def example():
    """A trace with all there can be: table, members, update."""
    table = {"x": [0.0, 1.0, None] * 20, "c": ["a", "b", "b"] * 20, "y": ["no", "yes", "no"] * 20}
    model = chainrule.train(table, "y", hidden=[3], members=2, epochs=3).model
    return trace_rows(model, table, [2, 3], member=2)


def test_a_prediction_comes_back():
    trace = example()
    back = trace_from_json(trace_to_json(trace))
    assert back.steps[0].inputs == trace.steps[0].inputs
    assert back.target == trace.target
    assert back.source == trace.source
    assert back["a[2][1]@row=3@member=1"] == trace["a[2][1]@row=3@member=1"]
    assert back["probability[2]@row=2"] == trace["probability[2]@row=2"]


def test_numbers_that_are_none_come_back():
    trace = trace_network(
        Network([1, Dense(1, "exponential")]), {1: {"W": [[800.0]], "b": [0.0]}}, [[1.0]], [[1.0]]
    )
    assert trace["a[1][1]"] == math.inf
    assert trace_from_json(trace_to_json(trace))["a[1][1]"] == math.inf


SGD = StepSettings(optimizer("momentum"))
SMALL = trace_to_data(
    trace_network(
        Network([1, Dense(1, "tanh")]),
        {1: {"W": [[0.5]], "b": [0.0]}},
        [[1.0], [2.0]],
        [[1.0], [0.0]],
        settings=SGD,
    )
)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("version",), 2, "version 2, and version 1 is read"),
        (("format",), "other", "trace.format"),
        (("member",), 0, "trace.member: 0 is less than 1"),
        (("steps",), [], "trace.steps: at least 1"),
        (("steps", 0, "rows"), "1", "trace.steps[0].rows"),
        (("steps", 0, "extra"), 1, "trace.steps[0]: 'extra' is not known"),
        (("steps", 0, "layers", 0, "z", 1, 0), "one", "trace.steps[0].layers[0].z[1][0]: 'one'"),
        (("steps", 0, "layers", 0, "z"), [[1.0]], "z has shape (1, 1), but (2, 1)"),
        (("steps", 0, "layers", 0, "W"), [[1.0, 2.0]], "don't fit its network"),
        (("steps", 0, "layers"), [], "0 layers"),
        (("steps", 0, "update", "clip_norm"), True, "trace.steps[0].update.clip_norm"),
        (("network", "loss"), "guess", "loss"),
    ],
)
def test_what_is_no_trace_is_refused_with_its_place(path, value, told):
    data = copy.deepcopy(SMALL)
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(SettingsError, match=re.escape(told)):
        trace_from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["", "[", "3", "null", "[" * 100_000])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(SettingsError):
        trace_from_json(text)


@pytest.mark.parametrize("key", sorted(SMALL["steps"][0]))
def test_nothing_may_be_left_out(key):
    data = copy.deepcopy(SMALL)
    del data["steps"][0][key]
    with pytest.raises(SettingsError, match=f"'{key}' is not there"):
        trace_from_json(json.dumps(data))


def test_the_documented_schema_is_the_one_that_is_checked():
    page = (DOCS / "trace.md").read_text("utf-8")
    for name in TRACE_SCHEMA["properties"]:
        assert f"`{name}`" in page
    for name in TRACE_SCHEMA["properties"]["steps"]["items"]["properties"]:
        assert f"`{name}`" in page


def test_a_row_s_own_gradients_add_up():
    (step,) = trace_to_data(example())["steps"]
    for layer, total in enumerate(step["layers"]):
        rows = [np.array(row[layer]["dC/dW"]) for row in step["row_gradients"]]
        np.testing.assert_allclose(sum(rows), total["dC/dW"], rtol=1e-12, atol=1e-18)


def test_the_validator_knows_a_boolean_from_a_number():
    with pytest.raises(SettingsError):
        validate(True, {"type": "integer"})
    validate(3, {"type": "number"})
