"""Formulas among words: between dollar signs where they can be read, and nowhere else."""

import pytest

from chainrule.explain.show.formulas import formula_latex, formula_mathml
from chainrule.formula.nodes import Symbol
from chainrule.formula.text import text
from chainrule.formula.words import formulas_in, stated_in


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("the slope $f'(z)$ is", ["f'(z)"]),
        ("($a*b$), $c$.", ["a*b", "c"]),
        ("$5 and $6", []),
        ("US$5$", []),
        ("$ a $", []),
        ("$a b$", []),
        ("$where(z > 0, z, alpha*z)$", ["where(z > 0, z, alpha*z)"]),
        ("$`a[1][1]` · W211$ beside `a[1][2]`", ["`a[1][1]` · W211"]),
    ],
)
def test_what_stands_between_dollar_signs_is_a_formula_if_it_is_one(words, found):
    pieces = list(formulas_in(words))
    assert [piece for piece, made in pieces if made is not None] == found
    if not found:
        assert pieces == [(words, None)]


def test_addresses_in_a_formula_are_its_symbols():
    made = stated_in("`a[1][1]`·delta[2][1]")
    (side,) = made.sides
    assert (side.left, side.right) == (Symbol("a[1][1]"), Symbol("delta[2][1]"))
    assert "ʔ" not in formula_mathml(made)


@pytest.mark.parametrize(
    ("given", "same"),
    [
        ("z²", "z^2"),
        ("|z| + z³", "abs(z) + z^3"),
        ("Σ z*w + b", "sum(z*w) + b"),
        ("-(3 + z)² - |z|", "-(3 + z)^2 - abs(z)"),
        ("where(z >= 1, z, -z)", None),
    ],
)
def test_signs_of_books_mean_what_the_language_says(given, same):
    (side,) = stated_in(given).sides
    assert text(side) == (same or given)


def test_laws_of_calculus_can_be_stated():
    for law in (
        "(u/v)' = (u'*v - u*v')/v^2",
        "exp(u)' = exp(u)*u'",
        "d/dw_1[w_1] = 1",
        "max(u, v)' = where(u >= v, u', v')",
    ):
        made = stated_in(law)
        assert len(made.sides) == 2, law
        assert "\\prime" in "".join(formula_latex(made)) or "d/d" in law
