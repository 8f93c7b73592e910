"""Text: what it says, how it is broken, what stands in for signs that a terminal lacks."""

import doctest
import re
from decimal import Decimal
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.explain.samples import ALL, UNNAMED, WRONG, Z, long_sum
from tests.explain.shown import as_text

from chainrule._numbers import number_text
from chainrule.errors import SettingsError
from chainrule.explain.derive.lines import Derivation, Line
from chainrule.explain.show.showing import Showing
from chainrule.explain.show.text import ASCII, text_rows, wrap_sum
from chainrule.formula.nodes import Number, Symbol

MODULES = ["show.showing", "derive.walk", "show.text", "show.latex", "show.mathml", "show.html"]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_run(name):
    assert doctest.testmod(import_module(f"chainrule.explain.{name}")).failed == 0


def shown(*lines: Line, **how) -> str:
    return as_text(Derivation("z[1][1]", "t", lines), **how)


def test_a_line_is_symbols_numbers_result_and_check():
    assert shown(Z).splitlines()[3:] == [
        "weighted sum of what enters, plus the bias",
        "  z[1][1] = W[1][1,1]*x[1] + W[1][2,1]*x[2] + b[1][1]",
        "          = 0.15*0.05 + 0.2*0.1 + 0.35",
        "          = 0.3775  ✓",
    ]


def test_a_failed_check_says_by_how_much():
    assert shown(WRONG).splitlines()[-2:] == [
        "          = 0.3775  ✗",
        "            engine says 0.5: off by 0.12, and rounding explains 1e-16",
    ]


def test_a_line_without_address_has_its_label():
    assert "  path 1 of 3 = delta[2][1]*(-2)\n              = -1e-7*(-2)\n              = 2e-7\n" in shown(
        UNNAMED
    )


def test_a_number_that_is_given_is_shown_once():
    given = Line("given", "x[1]", Number(0.1234567890123), {}, 0.1234567890123)
    assert shown(given).splitlines()[-2:] == ["given", "  x[1] = 0.123457"]


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_nothing_is_wider_than_asked_for(width):
    for row in as_text(ALL, width=width).splitlines():
        assert len(row) <= width, row


@pytest.mark.parametrize("width", [20, 60, 100, 1000])
def test_a_broken_sum_is_the_same_sum(width):
    text = shown(long_sum(30), width=width)
    sums = re.sub(r"\s+", " ", text).split(" = ")
    assert sums[1].count("*") == sums[2].count("*") == 30
    assert sums[1].endswith("+ rest")


@given(st.lists(st.text("abc*()^", min_size=1, max_size=12), min_size=1, max_size=8), st.integers(10, 60))
def test_breaking_loses_nothing(terms, width):
    formula = " + ".join(terms)
    assert "".join("".join(wrap_sum(formula, width)).split()) == "".join(formula.split())


def test_a_long_product_is_broken_before_its_factors_and_names_stay_whole():
    product = "*".join(f"dC/da[{i}][1]*W[{i}][1,1]" for i in range(1, 7))
    rows = wrap_sum(product, 40)
    assert max(map(len, rows)) <= 40
    assert rows[1].startswith("*")
    assert "".join(rows) == product
    assert wrap_sum("1e-9*(a + 1e-9)", 8) == ["1e-9", "*(a", "  + 1e-9)"]


def test_what_stands_in_brackets_is_broken_only_if_it_must_be():
    assert wrap_sum("a + f(b + c) - d", 8) == ["a", "+ f(b", "  + c)", "- d"]
    assert wrap_sum("a + f(b + c) - d", 11) == ["a", "+ f(b + c)", "- d"]


def test_ascii_has_a_word_for_every_sign():
    words = " ".join(chr(sign) for sign in ASCII.plain)
    note = Derivation("C", "t", (Z, WRONG), notes=(words,))
    text = as_text(note, signs=ASCII)
    assert text.isascii()
    assert "= 0.3775  ok\n" in text
    assert "= 0.3775  WRONG\n" in text


def test_the_whole_of_it():
    text = as_text(ALL, origin={"model": "m.safetensors", "row": "3"})
    assert "\nmodel m.safetensors, row 3\n" in text
    assert "  W[1] 2 × 2  [ 0.15  0.25 ]\n              [  0.2   0.3 ]\n" in text
    assert "[ 0.5  0.5  0.5  0.5  0.5  0.5  0.5  0.5  … ]" in text
    assert "[ … ] 776 more rows" in text
    assert "  f'[1][3]       0.0098  the slope\n    σ'(z[1][3]) = 0.0098: saturated at z = 4.6\n" in text
    assert "quotient  [(1/v)' = -v'/v^2]\n  = exp(-z)/(1 + exp(-z))^2\n    nothing is agreed here\n" in text
    assert "── A part ──" in text


def test_styles_name_what_a_piece_is():
    styles = {style for row in text_rows(ALL, digits=6, width=100) for _, style in row}
    assert styles == {"", "title", "rule", "result", "ok", "wrong", "dim"}


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0, 6, "0"),
        (-0.0, 6, "0"),
        (0.1 + 0.2, 6, "0.3"),
        (0.1 + 0.2, 17, "0.30000000000000004"),
        (2 / 3, 2, "0.67"),
        (123456.789, 3, "123457"),  # no digit before the point is lost
        (9.99999999, 3, "10"),
        (1e10, 6, "1e10"),
        (-1.5e-300, 6, "-1.5e-300"),
        (5e-324, 3, "4.94e-324"),
        (float("inf"), 6, "inf"),
        (float("nan"), 6, "nan"),
    ],
)
def test_numbers(value, digits, text):
    assert number_text(value, digits) == text


@given(st.floats(-1e308, 1e308), st.integers(1, 17))
def test_a_number_is_right_to_its_digits(value, digits):
    # In decimal arithmetic, since reading the text as a float rounds once more.
    written, exact = Decimal(number_text(value, digits)), Decimal(value)
    assert abs(written - exact) <= Decimal("0.5000001") * Decimal(10) ** (1 - digits) * abs(exact)
    if digits == 17:
        assert float(written) == value


@pytest.mark.parametrize("digits", [0, 18, -1, True, 2.5, "6"])
def test_digits_that_can_t_be(digits):
    with pytest.raises(SettingsError, match="digits"):
        as_text(ALL, digits=digits)


def with_places(*addresses: str) -> Derivation:
    return Derivation(addresses[0], "t", tuple(Line("r", a, Symbol(a), {a: 1.0}, 1.0) for a in addresses))


def test_what_holds_for_all_addresses_is_said_once():
    showing = Showing.of(with_places("z[1][1]@row=4@step=7", "W[1][1,1]@step=7", "a[1][1]@row=4@step=7"))
    assert showing.where() == "step 7, row 4"
    assert showing.name("z[1][1]@step=7@row=4") == "z[1][1]"
    text = as_text(with_places("z[1][1]@step=7@row=4", "W[1][1,1]@step=7"))
    assert text.startswith("t (step 7, row 4)\n")
    assert "@" not in text


def test_what_tells_addresses_apart_stays():
    rows = Showing.of(with_places("z[1][1]@row=4", "z[1][1]@row=5"))
    assert rows.name("z[1][1]@row=4") == "z[1][1]@row=4"
    # the sum over the rows, and one row's part of it
    part = Showing.of(with_places("dC/dW[1][1,1]", "dC/dW[1][1,1]@row=4"))
    assert part.name("dC/dW[1][1,1]@row=4") == "dC/dW[1][1,1]@row=4"
