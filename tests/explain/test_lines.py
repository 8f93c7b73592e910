"""The data model: plain data and back, numbers that keep their address."""

import json
import math

import pytest

from chainrule import Dense, Network
from chainrule._numbers import number_from_data, number_to_data
from chainrule.explain.derive.derivation import derive
from chainrule.explain.derive.lines import Derivation
from chainrule.explain.trace.steps import trace_network
from chainrule.formula.mathml import mathml
from chainrule.formula.parse import parse
from chainrule.formula.plain import tree_from_data, tree_to_data
from chainrule.formula.text import text

TRACE = trace_network(
    Network([2, Dense(1, "sigmoid")]), {1: {"W": [[0.5], [-1.0]], "b": [0.25]}}, [[2.0, 1.0]], [[1.0]]
)


def test_a_derivation_is_plain_data():
    made = derive(TRACE, "a[1][1]", hand=3)
    assert Derivation.from_dict(json.loads(json.dumps(made.to_dict(), allow_nan=False))) == made


@pytest.mark.parametrize("formula", ["-z^2/pi", "where(z > 0, z, max(0, -z))", "exp(z) - 1e-3*y"])
def test_trees_are_plain_data(formula):
    root = parse(formula).root
    assert tree_from_data(json.loads(json.dumps(tree_to_data(root)))) == root


@pytest.mark.parametrize("value", [0.1, -0.0, math.inf, -math.inf, math.nan])
def test_numbers_are_plain_data(value):
    back = number_from_data(json.loads(json.dumps(number_to_data(value), allow_nan=False)))
    assert math.copysign(1, back) == math.copysign(1, value)
    assert back == value or math.isnan(value)


def test_each_number_keeps_its_address():
    (line,) = derive(TRACE, "z[1][1]").lines
    assert text(line.symbols, line.numbers()) == "0.5*2 + (-1*1) + 0.25"
    page = mathml(line.symbols, line.numbers(), lambda name: {"data-address": name})
    for name, value in line.values.items():
        assert f'data-address="{name}"' in page
        assert value == TRACE[name]


def test_notebooks_show_derivations_and_traces():
    made = derive(TRACE, "a[1][1]")
    bundle = made._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "text/latex"}
    assert set(made._repr_mimebundle_(include=["text/html", "text/plain"], exclude=["text/plain"])) == {
        "text/html"
    }
    for name in made.lines[-1].values:
        assert f'data-address="{name}"' in bundle["text/html"]
    assert "z^{(1)}_{1}" in bundle["text/latex"]
    assert "a[1][1]" in TRACE._repr_html_()
    assert "a^{(1)}_{1}" in TRACE._repr_latex_()
    assert repr(TRACE) == "Trace(2-1, member 1, prediction, 1 row)"
