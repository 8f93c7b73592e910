"""Records of plots: exact plain data and back, and whatever is no plot is refused in one line."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.plots.gallery import gallery, network, networks

from chainrule._plain import from_plain, to_plain
from chainrule.errors import ModelFileError, SettingsError
from chainrule.plots.axes import Axis
from chainrule.plots.chart import Chart, Charts, alike
from chainrule.plots.marks import MOST_POINTS, Bars, Curve, Points, Tiles, ends_of, floats
from chainrule.plots.network.layers import DrawnLayer
from chainrule.plots.svg.draw import to_svg

PLOTS = gallery() | networks(640)


@pytest.mark.parametrize("name", PLOTS)
def test_plain_data_and_back(name):
    plot = PLOTS[name]
    text = json.dumps(plot.to_dict(), allow_nan=False)
    back = type(plot).from_dict(json.loads(text))
    assert back.to_dict() == json.loads(text)
    assert to_svg(back) == to_svg(plot)


@given(st.lists(st.floats(), max_size=20))
def test_numbers_are_exact_in_plain_data(values):
    mark = Points(tuple(values), tuple(reversed(values)))
    back = Points.from_dict(json.loads(json.dumps(mark.to_dict(), allow_nan=False)))
    assert [v.hex() for v in back.x] == [v.hex() for v in mark.x]


def test_what_is_its_default_is_not_written():
    assert Points((1.0,), (2.0,)).to_dict() == {"kind": "points", "x": [1.0], "y": [2.0]}
    assert Curve((1.0,), (math.nan,), dash="dashed").to_dict() == {
        "kind": "curve", "x": [1.0], "y": ["nan"], "dash": "dashed",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"kind": "cloud"}, "its kind is none of points, curve"),
        ({"y": [1.0]}, "2 entries were expected, one for each item, not 1"),
        ({"color": "red"}, "'red' is not one of"),
        ({"sise": 3}, "'sise' is not known here"),
        ({"x": ["a", "b"]}, "a finite number was expected"),
        ({"counts": [-1, 1]}, "a count was expected"),
        ({"names": ["one"]}, "2 entries were expected"),
    ],
)
def test_what_is_no_mark_is_refused(change, word):
    data = Chart("t", "d", Axis(0, 1), Axis(0, 1), (Points((0.0, 1.0), (0.0, 1.0)),)).to_dict()
    data["marks"][0] |= change
    with pytest.raises(ModelFileError, match=word) as caught:
        Chart.from_dict(data)
    assert str(caught.value).startswith("chart.marks")
    assert "\n" not in str(caught.value)


def test_too_many_points_are_refused_and_the_remedy_is_named():
    values = floats(np.zeros(MOST_POINTS + 1))
    with pytest.raises(SettingsError, match=r"2001 points are more than 2000: bin them by plots\.scatter"):
        Points(values, values)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: Points((1.0,), ()), "y: 1 entries"),
        (lambda: Points((1.0,), (1.0,), counts=(1, 2)), "counts: 1 counts"),
        (lambda: Bars((0.0,), (0.0,), (1.0,), 1.0, names=("a", "b")), "names: 1 entries"),
        (
            lambda: Tiles((0.0, 1.0, 2.0), (0.0, 1.0), (1.0,), 0.0, 1.0),
            "2 columns and 1 rows don't have 1 cells",
        ),
        (lambda: Chart("", "d", Axis(0, 1), Axis(0, 1), ()), "a title and a description"),
        (lambda: Charts("t", "d", ()), "there is no plot"),
        (lambda: DrawnLayer(1, 2, bias=(1.0, 2.0, 3.0)), "bias: 1 or 2 numbers"),
        (lambda: DrawnLayer(1, 2, names=("a",)), "names: 2 entries"),
        (
            lambda: DrawnLayer(1, 2, weights=np.zeros((3, 4))),
            r"the shape \(n_in, 2\) was expected, not \(3, 4\)",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(make, word):
    with pytest.raises(SettingsError, match=word):
        make()


def test_shared_axes_are_the_same():
    charts = [Chart("a", "d", Axis(0, high), Axis(low, 1), ()) for low, high in ((-1, 2), (-3, 1))]
    with pytest.raises(SettingsError, match="the x axis of 'a' is not that of the others"):
        Charts("t", "d", tuple(charts), shared="x")
    for chart in alike(charts, "both"):
        assert (chart.x, chart.y) == (Axis(0, 2), Axis(-3, 1))


def test_layers_are_plain_data_too():
    layer = network([3, 4, 2])[1]
    back = from_plain(DrawnLayer, json.loads(json.dumps(to_plain(layer))), "layer")
    np.testing.assert_array_equal(back.weights, layer.weights)
    assert back.bias == layer.bias


def test_corners_of_a_step_by_hand():
    curve = Curve((0.0, 1.0, 3.0), (5.0, 7.0, 2.0), step=True)
    assert curve.corners() == ((0.0, 1.0, 1.0, 3.0, 3.0), (5.0, 5.0, 7.0, 7.0, 2.0))


def test_ends_of_what_has_no_number():
    assert ends_of([(math.nan,), ()]) == (0.0, 1.0)
    assert ends_of([(math.nan, 2.0), (-1.0, math.inf)]) == (-1.0, 2.0)


def test_a_notebook_shows_a_plot():
    plot = PLOTS["curves"]
    made = plot._repr_mimebundle_()
    assert made["text/html"] == plot._repr_html_() == to_svg(plot, alone=True)
    assert made["text/plain"].startswith("Loss by epoch. loss over epoch")
    assert plot._repr_latex_() is None
