"""Hand mode: the first article's printed numbers come out, the fifth's to four digits, and rounding is accounted for."""

import numpy as np
import pytest
from addresses import traced
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network
from chainrule.engines.base import StepSettings
from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.explain.derive.derivation import derive
from chainrule.explain.derive.hand import Hand
from chainrule.explain.trace.steps import trace_network
from effort import many
from judges import exact
from networks import cases

FIRST = trace_network(
    Network([3, Dense(4, "sigmoid", bias="none"), Dense(1, "sigmoid", bias="none")]),
    {1: {"W": np.full((3, 4), 0.1)}, 2: {"W": np.full((4, 1), 0.1)}},
    [[1.0, 1.0, 1.0]],
    [[1.0]],
)


def results(derivation):
    return {line.left: line.result for line in derivation.lines}


def test_the_first_article_comes_out_as_printed():
    cost = derive(FIRST, "C", hand=2)
    found = results(cost)
    for j in range(1, 5):
        assert found[f"z[1][{j}]"] == 0.3
        assert found[f"a[1][{j}]"] == 0.57
    assert found["z[2][1]"] == 0.228
    assert found["a[2][1]"] == 0.56
    assert found["C"] == 0.0968
    for form in ("paths", "short", "recursive"):
        made = derive(FIRST, "dC/dW[1][2,3]", hand=2, form=form)
        assert made.result == -0.00265
        assert made.ok
    (*_, product) = derive(FIRST, "dC/dW[1][2,3]", hand=2, form="paths").lines
    # -(1 - 0.56) · 0.246 · 0.1 · 0.245 · 1, as the article multiplies it
    assert list(product.values.values()) == [-0.44, 0.246, 0.1, 0.245, 1.0]
    assert made.hand.startswith(
        "Rounded as by hand: an activation to 2 decimal places, every other line to 3 "
    )


def test_without_it_all_digits_are_there():
    made = derive(FIRST, "C", from_start=True)
    assert abs(made.result - 0.0980390921) < 5e-11
    assert abs(derive(FIRST, "dC/dW[1][1,1]").result - -0.0026707892) < 5e-11
    assert abs(derive(FIRST, "dC/dW[2][1,1]").result - -0.0627597748) < 5e-11
    assert made.hand == ""


def test_more_digits_come_nearer():
    gaps = [abs(derive(FIRST, "C", hand=places).result - FIRST["C"]) for places in (2, 4, 6, 8, 12)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 1e-11


def test_an_update_by_hand():
    # Article 5: w5 = 0.40 - 0.5·0.082167041; with 4 places the gradient is 0.082160 or so, w5 0.3589.
    network = Network([2, Dense(2, "sigmoid", bias="layer"), Dense(2, "sigmoid", bias="layer")])
    weights = {
        1: {"W": [[0.15, 0.25], [0.20, 0.30]], "b": [0.35]},
        2: {"W": [[0.40, 0.50], [0.45, 0.55]], "b": [0.60]},
    }
    trace = trace_network(
        network,
        weights,
        [[0.05, 0.10]],
        [[0.01, 0.99]],
        settings=StepSettings(optimizer("sgd")),
        learning_rate=0.5,
    )
    made = derive(trace, "W_new[2][1,1]", hand=4)
    assert round(made.result, 4) == 0.3589
    assert made.ok
    by_exact = derive(trace, "C_new", hand=6)
    assert by_exact.lines[-1].left == "C_new"


@given(cases(), st.integers(3, 8))
@settings(max_examples=many(60))
def test_what_rounding_did_is_accounted_for(case, places):
    trace = traced(case, None)
    row = f"@row={trace.steps[0].rows[0]}" if len(trace.steps[0].rows) > 1 else ""
    for address in (f"a[{len(case.network.layers)}][1]{row}", "dC/dW[1][1,1]"):
        made = derive(trace, address, hand=places)
        for line in made.lines:
            assert line.check is None or np.isfinite(line.check.tolerance)
        assert made.ok


def test_many_rows_by_hand():
    rng = np.random.default_rng(4)
    network = Network([2, Dense(2, "tanh"), Dense(1)], "huber")
    p = {
        number: {name: rng.normal(size=shape) for name, shape in layer.items()}
        for number, layer in network.shapes().items()
    }
    trace = trace_network(network, p, rng.normal(size=(30, 2)), rng.normal(size=(30, 1)))
    for address in ("C", "dC/dW[1][1,1]", "dC/db[2][1]"):
        made = derive(trace, address, hand=4)
        assert made.ok
        last = made.lines[-1]
        assert "rest" in last.values
        assert abs(last.result - last.check.value) < 1e-3 * (1 + abs(last.check.value))


@pytest.mark.parametrize("places", [0, 16, True, 2.0, "2"])
def test_what_is_no_number_of_digits(places):
    with pytest.raises(SettingsError, match="must be a whole number of digits from 1 to 15"):
        Hand(places)


def test_a_network_too_large_for_paper():
    wide = Network([1200, Dense(1)])
    trace = trace_network(wide, {1: {"W": np.ones((1200, 1)), "b": np.zeros(1)}}, np.ones((1, 1200)))
    with pytest.raises(
        SettingsError, match="a network of 1201 neurons in 1 layer is too large to be written out"
    ):
        derive(trace, "a[1][1]", hand=2)
    with pytest.raises(SettingsError, match="whole arrays are not written out by hand"):
        derive(FIRST, "z[1]", hand=2)


@pytest.mark.parametrize("name", [name for name, record in ACTIVATIONS.items() if record.slope_in_a])
def test_slopes_written_in_the_output_are_the_slope(name):
    import sympy

    record = ACTIVATIONS[name]
    a, z = sympy.Symbol("a", real=True), sympy.Symbol("z", real=True)
    f = exact(record.text, "z").expression
    claimed = sympy.sympify(record.slope_in_a.replace("^", "**"), locals={"a": a}).subs(a, f)
    assert sympy.simplify((claimed - sympy.diff(f, z)).rewrite(sympy.exp)) == 0
