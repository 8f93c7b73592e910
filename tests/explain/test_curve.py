"""The cost over one weight: the engine's cost at every point, the slope its own derivative, the step the training's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.engines.base import StepSettings
from chainrule.equations.dense import Dense
from chainrule.equations.features import Features
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.explain.curve import LEARNING_RATE, CostCurve, cost_curve
from chainrule.explain.show import render
from chainrule.explain.show.curve import COLUMNS, LINES, curve_blocks, curve_document
from chainrule.explain.trace.steps import trace_network
from chainrule.plots.marks import Curve as Line

# Mazur's network: 2-2-2, one shared bias for each layer.
MAZUR = Network([2, Dense(2, "sigmoid", bias="layer"), Dense(2, "sigmoid", bias="layer")])
WEIGHTS = {
    1: {"W": [[0.15, 0.25], [0.2, 0.3]], "b": [0.35]},
    2: {"W": [[0.4, 0.5], [0.45, 0.55]], "b": [0.6]},
}


def mazur(**options):
    return trace_network(MAZUR, WEIGHTS, [[0.05, 0.1]], [[0.01, 0.99]], **options)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def by_hand(w5):
    """The article's error with another w5, written out."""
    h1, h2 = sigmoid(0.15 * 0.05 + 0.2 * 0.1 + 0.35), sigmoid(0.25 * 0.05 + 0.3 * 0.1 + 0.35)
    o1, o2 = sigmoid(w5 * h1 + 0.45 * h2 + 0.6), sigmoid(0.5 * h1 + 0.55 * h2 + 0.6)
    return (0.01 - o1) ** 2 / 2 + (0.99 - o2) ** 2 / 2


def test_the_article_s_w5_by_hand():
    curve = cost_curve(mazur(), "W[2][1,1]", learning_rate=0.5, ends=[-12, 4])
    assert curve.address == "W[2][1,1]"
    assert (curve.w, curve.eta) == (0.4, 0.5)
    assert f"{curve.cost:.9f}" == "0.298371109"
    assert f"{curve.slope:.9f}" == "0.082167041"
    assert f"{curve.landing:.8f}" == "0.35891648"
    np.testing.assert_allclose(curve.costs, by_hand(np.array(curve.values)), rtol=1e-13)
    np.testing.assert_allclose(curve.landing_cost, by_hand(curve.landing), rtol=1e-14)
    np.testing.assert_allclose(curve.tangent_cost, curve.cost - 0.5 * curve.slope**2, rtol=1e-14)
    assert curve.values[0] == -12
    assert curve.values[-1] == 4
    assert curve.landing_cost < curve.cost


def test_a_step_of_training_lands_where_the_optimizer_s_own_update_does():
    for spec in ("sgd", "adam", "momentum"):
        trace = mazur(settings=StepSettings(optimizer(spec)), learning_rate=0.05)
        curve = cost_curve(trace, "W[2][1,1]")
        assert curve.landing == trace["W_new[2][1,1]"]
        assert curve.eta is None
        np.testing.assert_allclose(curve.landing_cost, by_hand(curve.landing), rtol=1e-14)
    with pytest.raises(SettingsError, match="has its own learning rate"):
        cost_curve(trace, "W[2][1,1]", learning_rate=0.1)


def test_the_default_shows_the_step_and_a_weight_without_slope_has_a_curve_too():
    curve = cost_curve(mazur(), "w[2][1,1]")
    assert curve.eta == LEARNING_RATE
    assert curve.values[0] < curve.landing < curve.w < curve.values[-1]
    flat = trace_network(Network([1, Dense(1, "relu")]), {1: {"W": [[-3.0]], "b": [0.0]}}, [[1.0]], [[1.0]])
    still = cost_curve(flat, "W[1][1,1]")
    assert still.slope == 0
    assert still.landing == still.w == -3
    assert (still.values[0], still.values[-1]) == (-6, 0)
    assert set(still.costs) == {0.5}
    assert "@" in "".join(curve_blocks(still)[0].lines)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.data())
def test_every_parameter_s_slope_is_that_of_its_curve(seed, data):
    """Many rows, row weights, a feature stage, a mix, softmax: the tangent touches the curve."""
    rng = np.random.default_rng(seed)
    stage = Features(
        [("number", 1), ("category", 2), ("plain", 1)], scale=True, waves=2, width=1, level_width=2
    )
    layers = Dense(3, "tanh", mix=True, parametrization="ntk"), Dense(2, "softmax", bias="layer")
    network = Network([4, *layers], "categorical_cross_entropy", features=stage)
    layout = Layout(network)
    x, y = rng.normal(size=(5, 4)), np.eye(2)[rng.integers(0, 2, 5)]
    trace = trace_network(network, rng.normal(size=layout.size), x, y, weights=rng.uniform(0.5, 2, 5))
    address = layout.address(data.draw(st.integers(0, layout.size - 1)))
    curve = cost_curve(trace, address, ends=[trace[address] - 1e-5, trace[address] + 1e-5], points=3)
    assert curve.cost == pytest.approx(trace["C"], rel=1e-13)
    assert curve.costs[1] == pytest.approx(curve.cost, rel=1e-9)
    assert (curve.costs[2] - curve.costs[0]) / 2e-5 == pytest.approx(curve.slope, rel=1e-4, abs=1e-8)


def test_dropout_s_mask_is_held_too():
    network = Network([2, Dense(3, "tanh", dropout=0.5), Dense(1)])
    from chainrule.explain.trace.steps import trace_step
    from chainrule.explain.trace.trace import Trace

    layout, rng = Layout(network), np.random.default_rng(1)
    masks = [np.array([[2.0, 0.0, 2.0]]), None]
    step = trace_step(layout, rng.normal(size=layout.size), np.ones((1, 2)), np.ones((1, 1)), masks=masks)
    trace = Trace(network, (step,))
    assert cost_curve(trace, "W[1][1,1]").cost == trace["C"]
    assert cost_curve(trace, "W[1][1,2]").slope == 0
    assert len(set(cost_curve(trace, "W[1][1,2]").costs)) == 1


@pytest.mark.parametrize(
    ("address", "options", "message"),
    [
        ("W[2]", {}, r"W\[2\] is no single parameter: name one such as"),
        ("z[1][1]", {}, "is no single parameter"),
        ("W[3][1,1]", {}, "layer 3"),
        ("W[2][1,1]", {"ends": [2, 1]}, "the lower one first"),
        ("W[2][1,1]", {"ends": [0, np.inf]}, "the lower one first"),
        ("W[2][1,1]", {"learning_rate": np.nan}, "learning_rate nan must be a number above 0"),
        ("W[2][1,1]", {"learning_rate": -0.5}, "learning_rate -0.5 must be a number above 0"),
        ("W[2][1,1]", {"learning_rate": np.inf}, "learning_rate inf must be a number above 0"),
    ],
)
def test_what_has_no_curve(address, options, message):
    with pytest.raises(SettingsError, match=message):
        cost_curve(mazur(), address, **options)


def test_without_a_target_there_is_no_cost():
    with pytest.raises(SettingsError, match="needs the row's target"):
        cost_curve(trace_network(MAZUR, WEIGHTS, [[0.05, 0.1]]), "W[2][1,1]")


def test_it_is_plain_data_there_and_back():
    curve = cost_curve(mazur(), "W[2][1,1]")
    assert CostCurve.from_dict(curve.to_dict()) == curve
    assert curve_document(curve).data == curve.to_dict()


def test_pages_draw_the_same_curve():
    curve = cost_curve(mazur(), "W[2][1,1]")
    plot = curve_blocks(curve)[0]
    (line,) = [mark for mark in plot.chart.marks if isinstance(mark, Line) and mark.series == "C"]
    assert (line.x, line.y) == (curve.values, curve.costs)
    page, drawn = (render(curve_document(curve), name) for name in ("html", "svg"))
    assert '<pre role="img"' not in page
    assert page.count('class="plot"') == 2  # wide and narrow
    assert drawn.startswith("<svg ")
    assert f'data-value="{curve.landing_cost!r}"' in drawn


def test_the_picture_has_every_sign_in_its_place():
    curve = cost_curve(mazur(), "W[2][1,1]", learning_rate=40.0, ends=[-12, 4])
    plot, table = curve_blocks(curve, 9)
    lines = [line.partition("|")[2] for line in plot.lines[:LINES]]
    assert all(len(line) == COLUMNS for line in lines)
    low, high = min(curve.costs), max(curve.costs)
    for w, cost, sign in ((curve.w, curve.cost, "A"), (curve.landing, curve.landing_cost, "Z")):
        row, column = round((high - cost) / (high - low) * (LINES - 1)), round((w + 12) / 16 * (COLUMNS - 1))
        assert lines[row][column] == sign
    stars = {
        (round((w + 12) / 16 * 60), round((high - c) / (high - low) * 16))
        for w, c in zip(curve.values, curve.costs, strict=True)
    }
    assert {(c, r) for r, line in enumerate(lines) for c, sign in enumerate(line) if sign == "*"} <= stars
    assert ("C", "the cost there", "0.298371109") in table.rows
