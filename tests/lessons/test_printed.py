"""Expected numbers: digits count as printed, bounds are bounds, all else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import SettingsError
from chainrule.lessons.fields import Where, Written
from chainrule.lessons.printed import Printed, printed

HERE = Where("mine.toml", "steps[1].expect.C")


@pytest.mark.parametrize(
    ("digits", "value", "holds"),
    [
        ("0.57", 0.5744425168, True),
        ("0.57", 0.5751, False),
        ("0.574", 0.57, False),
        ("0.50", 0.496, True),
        ("0.50", 0.494, False),
        ("0.13", 0.125, True),  # a tie may go either way
        ("0.12", 0.125, True),
        ("0.0159136", 0.0159136499, True),
        ("0.0159136", 0.0159136501, False),
        ("3.5102e-5", 3.51021e-5, True),
        ("3.5102e-5", 3.51026e-5, False),
        ("-0.00265", -0.00265188, True),
        ("-0.00265", 0.00265, False),
        ("5", 5.0, True),
        ("5", 5.6, False),
        ("0.291027924", 0.2910277737, False),
        ("1", float("nan"), False),
        ("1", float("inf"), False),
    ],
)
def test_all_printed_digits_count(digits, value, holds):
    assert Printed("", digits).holds(value) is holds


@given(st.floats(-1e6, 1e6), st.integers(0, 9))
def test_what_is_printed_holds_and_two_units_off_does_not(value, places):
    shown = f"{value:.{places}f}"
    assert Printed("", shown).holds(value)
    assert not Printed("", shown).holds(value + 2 * 10.0**-places)


@pytest.mark.parametrize(
    ("text", "yes", "no"), [("< 0.1", 0.09, 0.1), ("<= 2", 2, 2.1), ("> -1", 0, -1), (">=1e-3", 0.001, 0)]
)
def test_bounds(text, yes, no):
    bound = printed(text, HERE)
    assert bound.holds(yes)
    assert not bound.holds(no)
    assert not bound.holds(float("nan"))


def test_numbers_keep_the_digits_they_were_written_with():
    assert str(printed(Written("0.30"), HERE)) == "0.30"
    assert str(printed(Written("1_000.5"), HERE)) == "1000.5"
    assert str(printed(7, HERE)) == "7"
    assert str(printed("0.1250", HERE)) == "0.1250"


@pytest.mark.parametrize("value", [True, None, "many", "< many", "== 1", [1], Written("inf"), Written("nan")])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(
        SettingsError, match=r"^mine\.toml: steps\[1\]\.expect\.C: .* is no expected number; write"
    ):
        printed(value, HERE)
