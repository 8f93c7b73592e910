"""Plots as signs: what is drawn stands where the axes say, in ASCII where that is all there is, never too wide."""

import doctest
import math

import numpy as np
import pytest
from tests.plots.gallery import gallery, networks

from chainrule.explain.show.document import Document, Picture
from chainrule.explain.show.terminal import document_rows, plain_text
from chainrule.explain.show.text import ASCII, UNICODE
from chainrule.plots.axes import Axis
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.kinds.scores import importance_chart
from chainrule.plots.marks import Curve, Points, Rules, Tiles
from chainrule.plots.signs import draw
from chainrule.plots.signs.canvas import BRAILLE, Canvas
from chainrule.plots.signs.draw import sign_lines

PLOTS = gallery()


@pytest.mark.parametrize("ascii_only", [False, True])
def test_all_plots_fit_and_are_the_same_twice(ascii_only):
    shown = 0
    for name, plot in PLOTS.items():
        lines = sign_lines(plot, 60, 8, ascii_only=ascii_only)
        assert lines == sign_lines(plot, 60, 8, ascii_only=ascii_only), name
        assert max(map(len, lines), default=0) <= 60, name
        shown += bool(lines)
        if ascii_only:
            words = {sign for chart in getattr(plot, "charts", (plot,)) for sign in str(chart.to_dict())}
            words |= set("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹…\u2009")
            assert {sign for line in lines for sign in line if not sign.isascii()} <= words, name
    assert shown > 15
    assert all(sign_lines(plot) == () for plot in networks(640).values())


def test_dots_stand_at_their_shares():
    canvas = Canvas(10, 5, ascii_only=False)
    canvas.line(np.array([0.0, 0.0]), np.array([0.0, 0.0]))
    canvas.line(np.array([1.0, 1.0]), np.array([1.0, 1.0]))
    lines = list(canvas.lines())
    assert lines[4][0] == chr(BRAILLE + 0x40)  # the lowest on the left
    assert lines[0][9] == chr(BRAILLE + 0x08)  # the highest on the right
    assert sum(len(line.strip()) for line in lines) == 2


def test_a_line_a_point_and_a_rule_are_where_the_axes_say():
    chart = Chart(
        "t", "d", Axis(0, 10, "x"), Axis(0, 4, "y"),
        (Curve((0.0, 10.0), (0.0, 4.0), series="rise"), Points((5.0,), (0.2,), series="one"), Rules((2.5,))),
    )  # fmt: skip
    lines = sign_lines(chart, 46, 4, ascii_only=True)
    rows = [line.partition("|")[2] for line in lines if "|" in line]
    assert [row.find("*") for row in rows] == sorted((row.find("*") for row in rows), reverse=True)
    assert rows[0].rstrip()[-1] == "*"
    assert rows[3][0] == "*"
    wide = len(lines[5].partition("+")[2])
    assert rows[3].index("A") == wide // 2
    assert {row.index(":") for row in rows[:2]} == {wide // 4}
    assert "* rise" in lines[-1]
    assert "A one" in lines[-1]


def test_nan_interrupts_a_line():
    whole, cut = (
        "".join(
            sign_lines(
                Chart("t", "d", Axis(0, 4), Axis(0, 1), (Curve((0.0, 1.0, 2.0, 3.0, 4.0), (0.5, 0.5, y, 0.5, 0.5)),)), 40, 3
            )
        )
        for y in (0.5, math.nan)
    )  # fmt: skip
    assert sum(ord(sign) > BRAILLE for sign in cut) < sum(ord(sign) > BRAILLE for sign in whole) * 0.6


def test_bars_are_as_long_as_their_numbers():
    lines = sign_lines(importance_chart(["a", "b", "c"], [0.4, 0.2, -0.1]), 50)
    counts = [line.count("█") + line.count("░") for line in lines[:3]]
    assert counts[0] == pytest.approx(2 * counts[1], abs=1)
    assert counts[0] == pytest.approx(4 * counts[2], abs=2)
    assert "░" in lines[2]
    assert "−0.1" in lines[2]


def test_cells_are_the_darker_the_larger():
    chart = Chart(
        "t",
        "d",
        Axis(0, 2),
        Axis(0, 2),
        (Tiles((0.0, 1.0, 2.0), (0.0, 1.0, 2.0), (0.0, 1.0, 0.5, math.nan), 0.0, 1.0),),
    )
    lines = sign_lines(chart, 30, 4, ascii_only=True)
    rows = [line.partition("|")[2] for line in lines if "|" in line]
    half = len(lines[4].partition("+")[2]) // 2
    assert set(rows[0][:half]) == {":"}  # above on the left: one half
    assert rows[0][half:].strip() == ""
    assert set(rows[3][half:].strip()) == {"#"}
    assert lines[-1].strip() == "value: 0 [ .:*#] 1"


def test_small_multiples_stand_below_each_other():
    plot = next(plot for plot in PLOTS.values() if isinstance(plot, Charts) and sign_lines(plot))
    text = "\n".join(sign_lines(plot))
    assert plot.charts[0].title in text


def test_texts_show_the_pictures_that_ask_for_it():
    chart = PLOTS["curves"]
    for signs in (UNICODE, ASCII):
        for asked in (False, True):
            text = plain_text(document_rows(Document("d", (Picture(chart, in_text=asked),)), 80, signs))
            assert (chart.title in text) == asked
            assert (chr(BRAILLE + 0x09) in text or "⠉" in text) == (asked and signs is UNICODE)
            assert signs is UNICODE or text.isascii()
    nothing = Document("d", (Picture(PLOTS["confusion"], in_text=True),))
    assert plain_text(document_rows(nothing, 80)).strip() == "d"


def test_the_example_runs():
    result = doctest.testmod(draw)
    assert result.attempted
    assert result.failed == 0
