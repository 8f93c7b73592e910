"""Hand mode: the first article's printed numbers come out, the fifth's to four digits, and every line is right on paper.

A judge works each line out anew from its printed text (paper.py).
"""

from dataclasses import replace
from fractions import Fraction

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
from chainrule.explain.show import html, json, latex, terminal
from chainrule.explain.show.document import Document, Worked
from chainrule.explain.trace.steps import trace_network
from effort import many
from judges import exact
from networks import cases
from paper import check_by_hand

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
    # The cost after the step is the engine's: beside a cost worked out by hand it would be half of a comparison.
    with pytest.raises(
        SettingsError, match=r"C_new: the forward pass .* name a new parameter, such as W_new\[1\]\[1,1\]"
    ):
        derive(trace, "C_new", hand=6)


@given(cases(), st.integers(1, 12), st.sampled_from(["sgd", "momentum", "adam"]))
@settings(max_examples=many(25))
def test_every_line_is_right_on_paper(case, places, method):
    trace = traced(case, StepSettings(optimizer(method)))
    row = f"@row={trace.steps[0].rows[0]}" if len(trace.steps[0].rows) > 1 else ""
    for address in (f"a[{len(case.network.layers)}][1]{row}", "dC/dW[1][1,1]", "W_new[1][1,1]"):
        made = derive(trace, address, hand=places)
        assert made.ok
        assert check_by_hand(made.lines, places) > 0
        for line in made.lines:
            if line.check is not None:
                check_tick(line, places)


def check_tick(line, places):
    """A tick: the exact number is no further than half a unit of the last digit; else it is told, and how far it is."""
    check, shown = line.check, line.shown[line.left]
    mantissa, _, power = shown.partition("e")
    unit = Fraction(10) ** (int(power or 0) - len(mantissa.partition(".")[2]))
    if "." not in mantissa and not power:
        unit = Fraction(10) ** (len(mantissa.lstrip("-")) - places - 1) if shown != "0" else Fraction(0)
    off = abs(Fraction(shown) - Fraction(repr(check.value)))
    agrees = off <= unit / 2 * (1 + Fraction(1, 10**6))
    assert (check.exact == "") == agrees
    assert (
        check.tolerance
        >= check.difference
        == pytest.approx(float(off), rel=1e-6, abs=1e-15 * abs(check.value))
    )
    assert (check.words == "") == agrees


@pytest.mark.parametrize(
    ("x", "w", "places", "z", "a"),
    [
        (0.35, 0.45, 2, "0.158", "0.16"),  # 0.1575, which as a float product is 0.15749999999999997
        (-0.35, 0.45, 2, "-0.158", "-0.16"),
        (0.35, 0.43, 1, "0.15", "0.2"),  # 0.1505, then 0.15
        (1.0, 2.675, 2, "2.68", "2.68"),
        (-1.0, 1.0045, 3, "-1.005", "-1.005"),
        (-0.1, 0.0230250, 3, "-0.002303", "-0.002"),
        (0.1, 0.5, 3, "0.05000", "0.050"),
        (1.0, 0.5, 4, "0.50000", "0.5000"),
        (0.001, 0.0012345, 3, "1.235e-6", "0.000"),
        (-0.004, 1.0, 2, "-0.00400", "0.00"),
        (99.95, 1.0, 2, "100", "100.00"),
        (0.09995, 1.0, 2, "0.100", "0.10"),
        (123456.5, 1.0, 2, "123000", "123000.00"),
    ],
)
def test_ties_and_zeros(x, w, places, z, a):
    trace = trace_network(Network([1, Dense(1, "identity", bias="none")]), {1: {"W": [[w]]}}, [[x]])
    shown = [line.shown[line.left] for line in derive(trace, "a[1][1]", hand=places).lines]
    assert shown == [z, a]


def test_digits_asked_for_are_digits_shown():
    network = Network([2, Dense(1, "tanh"), Dense(1, bias="none")], "half_squared_error")
    trace = trace_network(
        network, {1: {"W": [[0.75], [0.5]], "b": [-0.25]}, 2: {"W": [[0.9]]}}, [[1.0, -1.0]], [[0.5]]
    )
    made = derive(trace, "dC/da[2][1]", hand=3)  # z = 0, a = 0.000, z = 0, a = 0.000, -0.5000
    document = Document(made.title, (Worked(made),))
    last = made.lines[-1]
    assert last.shown == {"a[2][1]": "0.000", "y[1]": "0.5", "dC/da[2][1]": "-0.5000"}
    assert (last.result, last.text) == (-0.5, "a[2][1] - y[1]")
    assert "= 0.000 - 0.5\n" in terminal.render(document)
    assert "= -0.5000  ✓\n" in terminal.render(document)
    assert r"&= -0.5000\quad\checkmark" in latex.render(document)
    assert 'data-value="-0.5"' in (page := html.render(document))
    assert ">0.5000<" in page
    data = json.render(document)
    assert '"dC/da[2][1]": "-0.5000"' in data
    assert '"result": -0.5,' in data
    assert json.read_json(data) == made
    assert "shown" not in json.render(Document("z", (Worked(replace(derive(trace, "z[1][1]"), title="z")),)))


def test_given_numbers_are_taken_as_they_are_shown():
    trace = trace_network(
        Network([1, Dense(1, "identity", bias="none")]), {1: {"W": [[0.123456789]]}}, [[0.987654321]]
    )
    assert [Hand(2).given(v) for v in (0.2000015, -0.2000015, 1234567.5, 1e-7, 0.5)] == [
        *("0.200002", "-0.200002", "1234568", "1e-7", "0.5")
    ]
    for places, w, x in ((2, "0.123457", "0.987654"), (7, "0.12345679", "0.98765432")):
        (z, _) = derive(trace, "a[1][1]", hand=places).lines
        assert z.shown["W[1][1,1]"] == w
        assert z.shown["x[1]"] == x
        assert z.shown["z[1][1]"] == Hand(places).written(Fraction(w) * Fraction(x))


def test_a_number_that_is_wrong_is_seen_by_hand():
    made = derive(FIRST, "C", hand=2)
    assert made.ok
    record = FIRST.steps[0].record
    layers = [record.layers[0]._replace(z=record.layers[0].z * 1.001), record.layers[1]]
    wrong = replace(FIRST, steps=(replace(FIRST.steps[0], record=record._replace(layers=layers)),))
    (z, *_) = derive(wrong, "C", hand=2).lines
    assert not z.check.ok
    assert "engine, without rounding by hand says 0.3003" in z.check.words


def test_where_the_rounded_numbers_have_no_value():
    network = Network([1, Dense(1, "sigmoid", bias="none")], "binary_cross_entropy")
    trace = trace_network(network, {1: {"W": [[8.0]]}}, [[1.0]], [[0.0]])
    made = derive(trace, "loss", hand=2)  # a = 1.00, and log(1 - 1.00) is no number
    assert made.lines[-1].shown["loss"] == "8.00"
    assert made.lines[-1].check is None
    assert "this has no value" in made.lines[-1].note
    right = trace_network(network, {1: {"W": [[8.0]]}}, [[1.0]], [[1.0]])
    assert derive(right, "loss", hand=2).lines[-1].shown["loss"] == "0"  # 0 log 0 counts as 0


def test_more_paths_than_one_writes():
    network = Network([1, Dense(4, "tanh"), Dense(4, "tanh"), Dense(1)])
    p = {n: {k: np.full(s, 0.3) for k, s in shapes.items()} for n, shapes in network.shapes().items()}
    trace = trace_network(network, p, [[1.0]], [[0.2]])
    few = derive(trace, "dC/dW[2][1,1]", hand=3, form="paths")
    assert check_by_hand(few.lines, 3)
    with pytest.raises(
        SettingsError, match=r"16 paths are too many to be written out by hand, .* choose form='short'"
    ):
        derive(trace, "dC/dx[1]", hand=3, form="paths")


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
        assert check_by_hand(made.lines, 4)
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
