"""The chain rule on composed functions: SymPy judges the product, a wrong factor is seen, what is no chain is named."""

import pytest
import sympy

from chainrule.errors import FormulaError, SettingsError
from chainrule.explain.derive.symbolic import composed as module
from chainrule.explain.derive.symbolic.composed import derive_composed
from chainrule.explain.show import RENDERERS, render
from chainrule.explain.show.document import Document, Worked
from chainrule.formula.differentiate import Differentiation
from chainrule.formula.parse import parse

CHAINS = [
    ({"u": "3*x + 1", "y": "u^2"}, {"x": 2}),
    ({"g": "sin(x)", "h": "g^3 + c*g", "f": "exp(-h)"}, {"x": 0.7, "c": -2}),
    ({"f": "x^3 - k"}, {"x": -1.5, "k": 4}),
    ({"a": "w*x + b", "c": "tanh(a)", "d": "log(1 + c^2)", "f": "d/(1 + d)"}, {"x": 0.3, "w": 2, "b": -1}),
]


@pytest.mark.parametrize(("links", "at"), CHAINS)
def test_sympy_finds_the_same_product(links, at):
    derived = derive_composed(links, "x", at)
    names = {name: sympy.Symbol(name) for name in (*links, *at)}
    whole = names["x"]
    for before, (_, text) in zip(("x", *links), links.items(), strict=False):
        whole = sympy.sympify(text.replace("^", "**"), names).subs(names[before], whole)
    wanted = sympy.diff(whole, names["x"])
    last = list(links)[-1]
    values = {names[name]: sympy.Rational(str(value)) for name, value in at.items()}
    numbers = {line.left: line.result for line in derived.lines}
    assert numbers[f"d{last}/dx"] == pytest.approx(float(wanted.subs(values)), rel=1e-13)
    assert numbers[last] == pytest.approx(float(whole.subs(values)), rel=1e-13)
    found = sympy.sympify(derived.calculus[-1].text.replace("^", "**"), names)
    assert float((found - wanted).subs(values).evalf(30)) == pytest.approx(0, abs=1e-13)
    assert derived.ok
    assert len(derived.checks) == len(links) + (len(links) > 1) + 1


def test_a_wrong_factor_is_seen(monkeypatch):
    right = module.differentiate

    def wrong(formula, by):
        taken = right(formula, by)
        return Differentiation(formula, by, taken.steps, parse(f"1.001*({taken.result.text})"))

    monkeypatch.setattr(module, "differentiate", wrong)
    derived = derive_composed(*CHAINS[0][:1], "x", CHAINS[0][1])
    assert [line.check.ok for line in derived.lines if line.check] == [False, False, False]
    assert not derived.calculus[-1].check.ok


def test_at_a_kink_there_is_nothing_to_compare_with():
    derived = derive_composed({"u": "x - 1", "y": "max(0, u)"}, "x", {"x": 1})
    assert [line.check is None for line in derived.lines if line.left.startswith("d")] == [True, False, True]
    assert derived.ok


@pytest.mark.parametrize(
    ("links", "at", "message"),
    [
        ({}, {}, "there is no function: give one or more"),
        ({"u": "2*v"}, {"v": 1}, r"u = 2\*v has no x: each function is one of the function before it"),
        ({"u": "2*x", "y": "u + x"}, {"x": 1}, r"y = u \+ x has x beside u"),
        ({"u": "x", "v": "u^2", "y": "u*v"}, {"x": 1}, r"y = u\*v has u beside v"),
        ({"pi": "2*x"}, {"x": 1}, "'pi' can't be a function's name"),
        ({"u": "k*x"}, {"x": 1}, "at has no number for k: write such as k = 0.5"),
        ({"u": "2*x"}, {"x": 1, "z": 2}, "z stands in no formula, or is worked out; numbers are for x"),
        ({"u": "2*x", "y": "u"}, {"x": 1, "u": 2}, "u stands in no formula, or is worked out"),
        ({"u": "x - 1", "y": "1/u"}, {"x": 1}, "y = 1/u has no finite value there; choose other numbers"),
    ],
)
def test_what_is_no_chain_is_named(links, at, message):
    with pytest.raises(SettingsError, match=message):
        derive_composed(links, "x", at)


def test_a_formula_that_can_t_be_read():
    with pytest.raises(FormulaError, match="column 3: not a formula from here on"):
        derive_composed({"u": "2*(x"}, "x", {"x": 1})


@pytest.mark.parametrize("form", RENDERERS)
def test_every_format_shows_it(form):
    derived = derive_composed(*CHAINS[1][:1], "x", CHAINS[1][1])
    shown = render(Document(derived.title, (Worked(derived),)), form)
    assert "The derivative of f by x through h, then g" in shown
