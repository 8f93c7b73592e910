"""The cost along the line of a step: against the cost worked out by hand, and what the gradient foretells of it."""

import numpy as np
import pytest

from chainrule.engines.base import StepSettings
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.explain.costs import costs_of, place_of_parameter
from chainrule.explain.line import cost_line
from chainrule.explain.show.document import Picture
from chainrule.explain.show.line import line_chart, line_numbers
from chainrule.explain.trace.steps import trace_network, trace_step
from chainrule.explain.trace.trace import Trace
from chainrule.lessons.lesson import read_lesson
from chainrule.lessons.runner import walk_lesson

X, Y = np.array([[1.0, -2.0], [0.5, 3.0], [2.0, 0.25]]), np.array([[0.3], [-1.0], [2.0]])
FLAT = np.array([0.4, -0.7, 0.2])


def by_hand(w, x=X, y=Y):
    """The mean of half the squared errors of one linear neuron."""
    return float(np.mean((x @ w[:2] + w[2] - y[:, 0]) ** 2) / 2)


def slope_by_hand(w):
    off = X @ w[:2] + w[2] - Y[:, 0]
    return np.array([*(off @ X / len(X)), off.mean()])


def traced(method="sgd", eta=0.3):
    layout = Layout(Network([2, Dense(1)], "half_squared_error", "mean"))
    settings = StepSettings(optimizer(method), 3)
    step = trace_step(layout, FLAT, X, Y, rows=[1, 2, 3], settings=settings, eta=eta)
    return Trace(layout.network, (step,))


def test_costs_of_many_parameters_are_those_by_hand():
    layout = Layout(Network([2, Dense(1)], "half_squared_error", "mean"))
    flats = np.random.default_rng(2).normal(size=(50, 3))
    assert costs_of(layout, flats, X, Y) == pytest.approx([by_hand(w) for w in flats], abs=1e-14)


def test_along_the_gradient_the_prediction_is_the_cost_less_eta_g_squared():
    line, g = cost_line(traced()), slope_by_hand(FLAT)
    assert line.cost == pytest.approx(by_hand(FLAT), abs=1e-14)
    assert line.foretold == pytest.approx(by_hand(FLAT) - 0.3 * g @ g, abs=1e-14)
    assert line.slope == pytest.approx(-g @ g, abs=1e-14)
    assert line.landing_cost == pytest.approx(by_hand(FLAT - 0.3 * g), abs=1e-14)
    assert line.costs == pytest.approx([by_hand(FLAT - s * g) for s in line.values], abs=1e-12)
    # A planted fault: along another direction the costs differ.
    assert line.costs != pytest.approx([by_hand(FLAT - s * g[::-1]) for s in line.values], abs=1e-3)


@pytest.mark.parametrize("method", ["momentum", "adam"])
def test_along_its_own_step_it_lands_where_the_optimizer_does(method):
    trace = traced(method, 0.05)
    line, update = cost_line(trace, along="step"), trace.steps[0].update
    moved = update.parameters - FLAT
    assert line.landing == 1.0
    assert line.landing_cost == pytest.approx(update.cost, abs=1e-13)
    assert line.foretold == pytest.approx(by_hand(FLAT) + slope_by_hand(FLAT) @ moved, abs=1e-13)
    assert line.length == pytest.approx(np.linalg.norm(moved))


def test_the_picture_and_the_numbers_say_the_same():
    line = cost_line(traced())
    chart, grid = line_chart(line), line_numbers(line, 8)
    assert "along" in chart.title
    told = {words: value for _, words, value in grid.rows}
    assert float(told["the cost there in truth"].replace("−", "-")) == pytest.approx(
        line.landing_cost, rel=1e-7
    )
    foretold = next(value for words, value in told.items() if "foretells" in words)
    assert float(foretold.replace("−", "-")) == pytest.approx(line.foretold, rel=1e-7)


def test_what_has_no_line_is_one_line():
    network = Network([2, Dense(1)])
    alone = trace_network(network, {1: {"W": [[1.0], [2.0]], "b": [0.0]}}, X)
    with pytest.raises(SettingsError, match="needs the row's target"):
        cost_line(alone)
    known = trace_network(network, {1: {"W": [[1.0], [2.0]], "b": [0.0]}}, X, Y)
    with pytest.raises(SettingsError, match="no step of its own: go along the gradient"):
        cost_line(known, along="step")
    with pytest.raises(SettingsError, match="must be a number above 0"):
        cost_line(known, learning_rate=-1.0)


@pytest.mark.parametrize(
    ("address", "words"),
    [("W[1][3,1]", r"W\[1\] goes to \[2,1\]"), ("b[2][1]", "is no parameter"), ("W[1]", "is no parameter")],
)
def test_a_parameter_that_is_none_is_said(address, words):
    with pytest.raises(SettingsError, match=words):
        place_of_parameter(Layout(Network([2, Dense(1)])), address)


LESSON = """
title = "Along the step"

[networks.main]
x = [[1.0, -2.0], [0.5, 3.0], [2.0, 0.25]]
y = [[0.3], [-1.0], [2.0]]
learning_rate = 0.3
loss = "half_squared_error"
reduction = "mean"

[[networks.main.layers]]
neurons = 1
activation = "identity"
W = [[0.4], [-0.7]]
b = [0.2]

[[steps]]
move = "line"
title = "Along the gradient"
text = "The line bends."
along = "ALONG"
rows = [1, 2, 3]
[steps.expect]
"landing_cost" = LANDING
"foretold" = FORETOLD
"""


def lesson_of(path, along, landing, foretold):
    text = LESSON.replace("ALONG", along).replace("LANDING", landing).replace("FORETOLD", foretold)
    path.write_text(text, "utf-8")
    return list(walk_lesson(read_lesson(str(path))))


def test_a_lesson_draws_the_line_and_holds_its_numbers(tmp_path):
    g = slope_by_hand(FLAT)
    numbers = f"{by_hand(FLAT - 0.3 * g):.6f}", f"{by_hand(FLAT) - 0.3 * g @ g:.6f}"
    (step,) = lesson_of(tmp_path / "line.toml", "gradient", *numbers)
    assert any(isinstance(block, Picture) for block in step.blocks)
    with pytest.raises(SettingsError, match="choose gradient or step"):
        lesson_of(tmp_path / "line.toml", "weather", *numbers)
