"""What the moves show beyond the lessons that use them: numbers by hand, kinks, pictures with their plots, refusals."""

import json
import re

import numpy as np
import pytest
from tests.lessons.conftest import MINE

from chainrule.errors import SettingsError
from chainrule.explain.show import render
from chainrule.explain.show.document import Plot, Worked
from chainrule.explain.show.terminal import plain_text, section_rows
from chainrule.lessons.moves.pictures import CURVES, curves_picture
from chainrule.lessons.runner import walk_lesson
from chainrule.lessons.show.document import lesson_document
from chainrule.plots.chart import Chart

HEAD = MINE[: MINE.index("[[steps]]")]
SLOW = '[networks.slow]\nlike = "main"\nlearning_rate = 0.05\n\n'


@pytest.fixture
def walk(write):
    """Walk through a lesson of one move on the small network, or on networks of one's own."""

    def walk_one(step: str, head: str = HEAD):
        (shown,) = walk_lesson(write(text=f"{head}\n[[steps]]\n{step}\n"))
        return shown

    return walk_one


def test_a_named_activation_goes_on_to_the_form_of_its_record(walk):
    for name, form in {"sigmoid": "a*(1 - a)", "tanh": "1 - a^2", "exponential": "a"}.items():
        (worked,) = walk(f'move = "calculus"\nactivation = "{name}"').blocks
        assert worked.derivation.calculus[-1].text == form
        assert all(line.check.ok for line in worked.derivation.calculus[2:])


def test_settings_of_an_activation_are_put_in(walk):
    # alpha = 0.25: f(-2) = -0.5, f'(-2) = 0.25
    shown = walk(
        'move = "calculus"\nactivation = "leaky_relu(alpha=0.25)"\nat = [-2, 0]\n'
        '[steps.expect]\n"f(-2)" = -0.5\n"f\'(-2)" = 0.25\n"f\'(0-)" = 0.25\n"f\'(0+)" = 1'
    )
    assert shown.ok
    assert "0.25 on the left and 1 on the right" in shown.blocks[2].text


def test_where_it_is_smooth_there_is_no_kink(walk):
    with pytest.raises(SettingsError, match=r"f'\(0-\)"):
        walk('move = "calculus"\nactivation = "sigmoid"\nat = [0]\n[steps.expect]\n"f\'(0-)" = 0.25')


def test_numbers_of_a_chain_come_from_the_network(walk):
    # z = 0.3 - 0.8 + 0.5 = 0; a = 1/2; (a - 0)²/2 by w1: 1/2 · 1/4 · 1
    shown = walk(
        'move = "chain"\nby = "w"\nrows = [1]\nfunctions = { z = "w*x + rest", a = "1/(1+exp(-z))", E = "a^2/2" }\n'
        'at = { w = "W[1][1,1]", x = "x[1]", rest = -0.3 }\n[steps.expect]\nz = 0\n"dE/dw" = 0.125'
    )
    assert shown.ok


def test_only_some_lines_are_shown_and_all_are_worked_out(walk):
    step = 'move = "derive"\naddresses = ["loss"]\nrows = [1]\nhand = 2\n'
    everything, some = (
        walk(step),
        walk(f'{step}only = ["a[1][1]"]\n[steps.expect]\n"z[1][1]" = 0\nloss = 0.125'),
    )
    left = [[line.left for line in shown.blocks[0].derivation.lines] for shown in (everything, some)]
    assert left == [["z[1][1]", "a[1][1]", "loss"], ["a[1][1]"]]
    assert some.ok


def test_influence_by_hand(walk):
    # z = 0: f' = 1/4, slopes 0.3/4 and -0.4/4; sigmoid(0.6) - 1/2 and sigmoid(-0.8) - 1/2
    shown = walk(
        'move = "influence"\nrows = [1]\nmore = 2\n[steps.expect]\noutput = 0.5\n"product[1]" = 0.3\n"product[2]" = -0.8\n'
        '"slope[1]" = 0.075\n"slope[2]" = -0.1\n"change[1]" = 0.145656\n"change[2]" = -0.189974'
    )
    assert shown.ok


def test_a_shifted_curve_by_hand(walk):
    # tanh(2x + 3): 0 at -1.5, slope 2 there
    shown = walk(
        'move = "shift"\nactivation = "tanh"\nw = [2]\nb = [3, 0]\nacross = [-4, 4]\n'
        '[steps.expect]\n"middle[1]" = -1.5\n"middle[2]" = 0\n"output[1]" = 0\n"slope[1]" = 2\n"slope[2]" = 2'
    )
    assert shown.ok
    plot = shown.blocks[0]
    assert isinstance(plot, Plot)
    assert isinstance(plot.chart, Chart)
    curve = plot.chart.marks[0]
    np.testing.assert_allclose(curve.y, np.tanh(2 * np.array(curve.x) + 3), rtol=1e-12)


LINEAR = """
title = "Layers"

[networks.main]
x = [[1, 0], [0, 1], [2, -1]]
y = [[0], [1], [0]]

[[networks.main.layers]]
neurons = 3
W = [[1, 2, 0], [0, -1, 1]]
bias = "layer"
b = [0.5]

[[networks.main.layers]]
neurons = 2
W = [[1, 0], [0, 1], [1, 1]]
bias = "none"

[[networks.main.layers]]
neurons = 1
activation = "sigmoid"
W = [[2], [-1]]
b = [1]
"""


def test_three_layers_are_one(walk):
    # W1 W2 = (1, 2; 1, 0), times (2, -1): (0, 2). b: (0.5, 0.5, 0.5) W2 = (1, 1), times (2, -1) = 1, and 1
    shown = walk(
        'move = "collapse"\n[steps.expect]\n"one.W[1,1]" = 0\n"one.W[2,1]" = 2\n"one.b[1]" = 2\ndifference = "< 1e-12"',
        LINEAR,
    )
    assert shown.ok
    (worked,) = shown.blocks[:1]
    assert isinstance(worked, Worked)
    assert [line.text for line in worked.derivation.matrices] == [
        "W[1] @ W[2] @ W[3]",
        "b[1] @ W[2] @ W[3] + b[3]",
        "x @ W + b",
    ]
    # Every row: 0 + 2, 2 + 2, -2 + 2
    assert worked.derivation.matrices[-1].result.rows == ((2.0,), (4.0,), (0.0,))


def test_a_layer_that_is_no_matrix_is_named(walk):
    with pytest.raises(
        SettingsError, match=r"layer 1 has the activation relu, so that no single matrix .*write activation"
    ):
        walk('move = "collapse"', LINEAR.replace("neurons = 3", 'neurons = 3\nactivation = "relu"'))
    with pytest.raises(SettingsError, match="network 'main' has one layer already"):
        walk('move = "collapse"')


def test_layers_that_do_something_else_are_seen(monkeypatch, walk):
    from chainrule.lessons.moves import meaning

    right = meaning._as_one
    monkeypatch.setattr(meaning, "_as_one", lambda count, values: (right(count, values)[0], None))
    assert not walk('move = "collapse"', LINEAR).ok


def test_a_comparison_as_curves_is_the_table_s_numbers(write):
    lesson = write(
        text=f'{HEAD}{SLOW}[[steps]]\nmove = "compare"\nnetworks = ["main", "slow"]\nepochs = 30\ncurves = true\nshow = [10, 20]'
    )
    (shown,) = walk_lesson(lesson)
    plot = shown.blocks[1]
    rows = re.findall(r"^ +(\d+) +(\S+) +(\S+)$", plain_text(section_rows(shown.section, 80)), re.MULTILINE)
    curves = plot.chart.marks
    assert [curve.series for curve in curves] == ["main", "slow"]
    assert rows[:3] == [
        (str(epoch), *(f"{curve.y[curve.x.index(epoch)]:.6g}" for curve in curves)) for epoch in (0, 10, 20)
    ]
    assert curves[0].x[-1] == 30
    assert "* main, o slow" in plot.key
    data = json.loads(render(lesson_document(lesson, [shown]), "json"))
    assert Chart.from_dict(data["steps"][0]["blocks"][1]["chart"]) == plot.chart


def test_a_picture_of_curves_puts_signs_where_the_numbers_are():
    x = np.linspace(0, 60, 61)
    plot = curves_picture(
        x, {"up": x, "level": np.full(61, 30.0)}, labels=("x", "y"), number="{:g}".format, lines=21
    )
    rows = [line.partition("|")[2] for line in plot.lines[:21]]
    assert rows[0][60] == rows[20][0] == CURVES[0]
    assert rows[10] == CURVES[1] * 61
    assert plot.chart is None
    steep = curves_picture(x, {"up": 10.0 ** (x / 20)}, labels=("x", "y"), number="{:g}".format, lines=21)
    assert "in equal steps of its logarithm" in steep.key
    assert [line.partition("|")[2].find("*") for line in steep.lines[:21:10]] == [59, 29, 0]
    with pytest.raises(SettingsError, match="signs for 8 curves, not for 9"):
        curves_picture(x, {str(i): x for i in range(9)}, labels=("x", "y"), number="{:g}".format)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ('move = "shift"\nw = [1, 2]\nb = [1, 2, 3]', r"w has 2 numbers and b 3; give as many, or one"),
        ('move = "shift"\nw = [0]', "a weight of 0 makes the same of every input"),
        ('move = "shift"\nactivation = "softmax"', "softmax is no function of one z"),
        ('move = "shift"\nb = [1, 2, 3, 4, 5, 6, 7, 8, 9]', "at most 8 curves"),
        ('move = "shift"\nacross = [1, 0]', "two ends of an axis"),
        ('move = "chain"\nfunctions = { u = "x" }\nat = { x = "q" }', "no quantity 'q'.*or write a number"),
        ('move = "chain"\nfunctions = { u = "x" }\nat = { x = "a[3][1]" }', "there is no layer 3"),
        ('move = "chain"\nfunctions = { u = "k*x" }\nat = { x = 1 }', "no number for k"),
        ('move = "influence"\nrows = [3]', "there is no row 3"),
        (
            'move = "derive"\naddresses = ["a[1][1]"]\nrows = [1]\nonly = ["C"]',
            r"only: no line has the address C; there are a\[1\]\[1\], z",
        ),
        ('move = "derive"\naddresses = ["a[1][1]"]\nonly = ["q"]', r"steps\[1\]\.only: .*no quantity 'q'"),
    ],
)  # fmt: skip
def test_what_can_not_be_shown_is_named(step, message, walk):
    with pytest.raises(SettingsError, match=message):
        walk(step)


def test_influence_is_of_one_neuron(walk):
    with pytest.raises(SettingsError, match="shown of one neuron; 'main' has more"):
        walk('move = "influence"', LINEAR)
