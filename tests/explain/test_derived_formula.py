"""Derivatives of any formula: SymPy judges the result, and a wrong step is seen."""

from dataclasses import replace

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.explain.latex_check import complaints

from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.losses import LOSSES
from chainrule.errors import FormulaError, SettingsError
from chainrule.explain.derive.lines import Derivation
from chainrule.explain.derive.symbolic import formula as module
from chainrule.explain.derive.symbolic.formula import derive_formula
from chainrule.explain.derive.symbolic.points import NUMBERS, POINTS, compared, sample_points
from chainrule.explain.show import RENDERERS, render
from chainrule.explain.show.explanation import explanation
from chainrule.explain.show.json import read_json
from chainrule.formula.nodes import Derivative
from chainrule.formula.parse import parse
from chainrule.formula.text import text
from effort import many

SMOOTH = [name for name, record in ACTIVATIONS.items() if record.elementwise]

leaves = st.sampled_from(["x", "y", "2", "0.5", "3", "pi"])
FORMULAS = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
        st.builds("{}({})".format, st.sampled_from(["sin", "cos", "exp", "tanh", "atan"]), inner),
        st.builds("({})^{}".format, inner, st.sampled_from(["2", "3", "(-1)"])),
        st.builds("log(1 + ({})^2)".format, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=many(30))
@given(FORMULAS.filter(lambda text: "x" in text.replace("exp", "")))
def test_sympy_finds_the_same_derivative(formula):
    derived = derive_formula(formula, "x")
    x, y = sympy.symbols("x y", real=True)
    names = {"x": x, "y": y, "pi": sympy.pi}
    wanted = sympy.diff(sympy.sympify(formula.replace("^", "**"), names), x)
    found = sympy.sympify(derived.calculus[-1].text.replace("^", "**"), names)
    for at in ((sympy.Rational(3, 7), sympy.Rational(-5, 11)), (sympy.Rational(-8, 5), sympy.Rational(9, 4))):
        values = [each.subs({x: at[0], y: at[1]}).evalf(50) for each in (wanted, found)]
        if all(value.is_real and value.is_finite for value in values):
            assert abs(values[0] - values[1]) <= sympy.Float("1e-13") * (1 + abs(values[0]))
    assert derived.ok, render(explanation(derived), "text")


@pytest.mark.parametrize("name", [*SMOOTH, "leaky_relu(alpha=0.2)", *LOSSES])
def test_every_record_is_derived_and_every_line_checked(name):
    derived = derive_formula(name)
    assert derived.ok
    assert all(
        line.check is not None and line.check.count == POINTS for line in derived.calculus[2:]
    ) or name in (
        "poisson",
        "binary_cross_entropy",
        "categorical_cross_entropy",
    )  # a logarithm of a negative number has no real value


@pytest.mark.parametrize("name", [name for name in SMOOTH if ACTIVATIONS[name].slope_in_a])
def test_the_steps_end_in_the_form_that_the_record_names(name):
    record = ACTIVATIONS[name]
    last = derive_formula(name).calculus[-1]
    assert text(parse(record.slope_in_a).root) == last.text
    assert last.rule == f"write a for {record.text}"
    # The steps are equal as SymPy simplifies them, and the last one has nothing of z but f(z) in it.
    z, a = sympy.symbols("z a", real=True)
    f, *steps = (
        sympy.sympify(each.replace("^", "**"), {"z": z})
        for each in (record.text, *(s for _, s in record.slope_steps))
    )
    slope = sympy.diff(f, z)
    assert all(sympy.simplify((step - slope).rewrite(sympy.exp)) == 0 for step in steps)
    named = sympy.sympify(record.slope_in_a.replace("^", "**"), {"a": a}).subs(a, f)
    assert sympy.simplify((named - slope).rewrite(sympy.exp)) == 0


def test_sigmoid_takes_the_steps_of_the_third_article():
    lines = [line.text for line in derive_formula("sigmoid").calculus]
    way = ["exp(-z)/(1 + exp(-z))^2", "1/(1 + exp(-z))*(exp(-z)/(1 + exp(-z)))"]
    way += [
        "1/(1 + exp(-z))*((1 + exp(-z) - 1)/(1 + exp(-z)))",
        "1/(1 + exp(-z))*(1 - 1/(1 + exp(-z)))",
        "a*(1 - a)",
    ]
    assert [line for line in lines if line in way] == way


def test_softmax_has_its_jacobian():
    derived = derive_formula("softmax")
    outputs, slopes = derived.statements
    assert derived.ok
    assert outputs.text == "a[L][m] = exp(z[L][m])/(Σ_{k=1..n[L]} exp(z[L][k]))"
    assert text(slopes.sides[-1]) == "a[L][m]*(1[m==j] - a[L][j])"
    # SymPy's Jacobian for three outputs, side by side with every right side of ours.
    z = sympy.symbols("z1:4", real=True)
    a = [sympy.exp(each) / sum(map(sympy.exp, z)) for each in z]
    for m, j in ((0, 0), (0, 1), (2, 1)):
        assert sympy.simplify(sympy.diff(a[m], z[j]) - a[m] * (int(m == j) - a[j])) == 0
    with pytest.raises(SettingsError, match="is derived by all of them: leave by and at out"):
        derive_formula("softmax", at={"z": 1.0})


def test_a_wrong_step_of_a_record_is_seen(monkeypatch):
    record = ACTIVATIONS["sigmoid"]
    for wrong in (
        {"slope_in_a": "a*(1+a)"},
        {"slope_steps": (("planted", "1/(1+exp(-z))*(exp(-z)/(1-exp(-z)))"),)},
        {"slope_steps": (("planted", "1.000001*exp(-z)/(1+exp(-z))^2"),)},
    ):
        monkeypatch.setattr(module, "ACTIVATIONS", {**ACTIVATIONS, "sigmoid": replace(record, **wrong)})
        derived = derive_formula("sigmoid")
        assert not derived.ok
        assert "✗" in render(explanation(derived), "text")
        assert "of 12 instances differ from" in render(explanation(derived), "text")


def test_a_line_that_is_off_by_a_millionth_is_seen():
    wanted = Derivative("x", parse("sin(x^2)").root)
    assert compared(wanted, parse("2*x*cos(x^2)").root, ["x"], {}).ok
    assert not compared(wanted, parse("2.000001*x*cos(x^2)").root, ["x"], {}).ok
    assert not compared(wanted, parse("2*x*cos(x^2) + sqrt(x)^2 - x").root, ["x"], {}).ok
    assert compared(parse("sqrt(-1-x^2)").root, parse("x").root, ["x"], {}) is None


def test_no_point_counts_twice():
    for names in (["x"], ["x", "y"], ["a", "b", "c"]):
        found = [tuple(point.values()) for point in sample_points(names)]
        assert len(set(found)) == POINTS < len(NUMBERS)
        assert all(len(set(column)) == POINTS for column in zip(*found, strict=True))
        assert all(len(set(point)) == len(names) for point in found)


def test_the_value_at_a_point():
    derived = derive_formula("sin(x^2)", at={"x": 0.5})
    (part,) = derived.parts
    assert part.lines[0].result == pytest.approx(np.sin(0.25), rel=1e-15)
    assert part.result == pytest.approx(np.cos(0.25), rel=1e-15)
    assert part.lines[1].check.ok
    assert part.lines[1].check.against == "the difference quotient"


def test_at_a_kink_both_sides_are_told():
    (part,) = derive_formula("relu", at={"z": 0.0}).parts
    assert part.lines[1].check is None
    assert "slope is 0 from the left and 1 from the right" in part.notes[0]


@pytest.mark.parametrize("form", RENDERERS)
def test_every_format_shows_it(form):
    derived = derive_formula("huber", at={"a": 0.5, "y": 2.0, "delta": 1.0})
    shown = render(explanation(derived), form)
    assert "12" in shown
    if form == "latex":
        assert complaints(shown) == []
    if form == "json":
        assert read_json(shown) == derived
        assert isinstance(derived, Derivation)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("x*y",), "the formula x*y has x, y: name one with by"),
        (("x*y", "q"), "by='q': the formula x*y has no q; it has x, y"),
        (("1 + 2",), "has no symbol to differentiate by"),
        (("sigmod",), "unknown formula 'sigmod': did you mean sigmoid?"),
        (("x^2", None, {"y": 1}), "at y=1: the formula x^2 has no y; it has x"),
        (("x*y", "x", {"y": 1}), "at has no number for x: write such as x=0.5"),
        (("log(x)", "x", {"x": -1}), "has no finite value there"),
        (("leaky_relu(beta=2)",), "has no parameter 'beta'"),
    ],
)
def test_a_mistake_is_one_line(asked, message):
    with pytest.raises(SettingsError) as error:
        derive_formula(*asked)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_formula_that_is_none_says_where():
    with pytest.raises(FormulaError, match="column 1: not a formula"):
        derive_formula("x/")
    with pytest.raises(FormulaError, match="sum"):
        derive_formula("sum(x)*2")
