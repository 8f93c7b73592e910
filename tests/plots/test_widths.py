"""Texts are measured without a font, cut so that they still differ, and wrapped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.plots.widths import SAFETY, cut, cut_apart, text_width, wrap

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=40)


def test_widths_are_those_of_helvetica():
    # By Adobe's metrics: H 722, e 556, l 222, l 222, o 556.
    assert text_width("Hello", 10) == pytest.approx((722 + 556 + 222 + 222 + 556) / 100 * SAFETY)
    assert text_width("é", 10) == text_width("e", 10)
    assert text_width("漢字", 10) == pytest.approx(20 * SAFETY)
    assert text_width("e\u0301", 10) == text_width("e", 10)


@given(TEXTS, st.floats(15, 300), st.sampled_from([9.0, 12.0, 14.0]))
def test_a_cut_text_fits(text, most, size):
    made = cut(text, most, size)
    assert text_width(made, size) <= most
    assert made == text or made.endswith("…")


@given(TEXTS, st.floats(20, 300))
def test_wrapped_lines_fit_and_lose_nothing_that_fits(text, most):
    lines = wrap(text, most, 12)
    assert all(text_width(line, 12) <= most for line in lines)
    # Only an ordinary space is a place to break.
    if all(text_width(word, 12) <= most for word in text.replace("\n", " ").split(" ")):
        assert " ".join(lines).split() == text.split()


def test_texts_that_begin_alike_keep_their_ends():
    made = cut_apart(["flipper_length_of_the_left", "flipper_length_of_the_right", "sex"], 90, 12)
    assert len(set(made)) == 3
    assert made[0].endswith("left")
    assert made[1].endswith("right")
    assert made[2] == "sex"
    assert all(text_width(text, 12) <= 90 for text in made)
