"""The kinds of plots: records by hand, with what scikit-learn or NumPy works out held beside them."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from tests.plots.gallery import gallery

from chainrule.plots.axes import Axis
from chainrule.plots.kinds.boundary import boundary_chart
from chainrule.plots.kinds.calibration import calibration_chart
from chainrule.plots.kinds.classes import confusion_chart, precision_recall_chart, roc_chart
from chainrule.plots.kinds.columns import columns_chart
from chainrule.plots.kinds.curves import curves_chart
from chainrule.plots.kinds.effects import dependence_chart, interactions_chart, waterfall_chart
from chainrule.plots.kinds.function import function_chart
from chainrule.plots.kinds.layers import flow_chart, histograms_chart
from chainrule.plots.kinds.mountain import mountain_chart
from chainrule.plots.kinds.regression import predicted_chart, residuals_chart
from chainrule.plots.kinds.scores import ablation_chart, importance_chart, slices_chart
from chainrule.plots.kinds.search import learning_chart, search_chart
from chainrule.plots.kinds.surface import surface_chart
from chainrule.plots.marks import (
    Arrows,
    Band,
    Bars,
    Contours,
    Curve,
    Faces,
    Intervals,
    Points,
    Quantiles,
    Rules,
    Tiles,
)


def marks(chart, kind):
    return [mark for mark in chart.marks if isinstance(mark, kind)]


def test_curves():
    chart = curves_chart(
        {"train": [3.0, 2.0, 1.0], "validation": [3.0, 2.5]}, bands={"validation": ([2.0, 2.0], [4.0, 3.0])}, best=2, log=False,
        addresses={"train": "C"},
    )  # fmt: skip
    assert marks(chart, Curve) == [
        Curve((1.0, 2.0, 3.0), (3.0, 2.0, 1.0), "1", "train", address="C"),
        Curve((1.0, 2.0), (3.0, 2.5), "2", "validation", "dashed"),
    ]
    assert marks(chart, Band) == [Band((1.0, 2.0), (2.0, 2.0), (4.0, 3.0), "2")]
    assert marks(chart, Rules) == [Rules((2.0,), names=("best: 2",))]
    assert [(p.x, p.y, p.color) for p in marks(chart, Points)] == [
        ((2.0,), (2.0,), "1"),
        ((2.0,), (2.5,), "2"),
    ]
    assert (chart.x.low, chart.x.high, chart.x.whole) == (1, 3, True)
    # From 1 to 4, and 4 % of that beyond.
    assert (chart.y.low, chart.y.high) == pytest.approx((0.88, 4.12))
    assert "validation ends at 2.5" in chart.description


@pytest.mark.parametrize(
    ("values", "scale"), [([1.0, 0.5], "linear"), ([1.0, 0.001], "log"), ([1.0, 0.0], "linear")]
)
def test_curves_of_many_sizes_are_logarithmic(values, scale):
    assert curves_chart({"loss": values}).y.scale == scale


def test_confusion_by_hand():
    chart = confusion_chart([0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1], ["no", "yes"])
    (tiles,) = marks(chart, Tiles)
    assert tiles.values == (3.0, 1.0, 0.0, 2.0)
    assert tiles.shown == (0.75, 0.25, 0.0, 1.0)
    assert tiles.texts == ("3", "1", "0", "2")
    assert tiles.names[1] == "true no, predicted yes, 25.0 % of no"
    assert chart.y.low > chart.y.high  # read from above
    assert chart.note == "5 of 6 right."


def test_a_class_without_rows_has_empty_cells():
    (tiles,) = marks(confusion_chart([0, 1], [0, 1], ["a", "b", "c"]), Tiles)
    assert tiles.shown[6:] == (0.0, 0.0, 0.0)


def test_roc_by_hand():
    # Scores 0.1 to 0.4 of the classes 0, 0, 1, 1 with the middle ones swapped: 3 of 4 pairs are in order.
    chart = roc_chart([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], ["no", "yes"])
    _, line = marks(chart, Curve)
    assert line.series == "yes, area 0.750"
    assert list(zip(line.x, line.y, strict=True)) == [
        (0.0, 0.0),
        (0.0, 0.5),
        (0.5, 0.5),
        (0.5, 1.0),
        (1.0, 1.0),
    ]


def test_roc_of_three_classes_has_the_area_of_scikit_learn(rng):
    truth = rng.integers(0, 3, 60)
    scores = rng.random((60, 3)) + np.eye(3)[truth]
    lines = marks(roc_chart(truth, scores, ["a", "b", "c"]), Curve)[1:]
    for i, line in enumerate(lines):
        assert f"{roc_auc_score(truth == i, scores[:, i]):.3f}" in line.series
        assert np.trapezoid(line.y, line.x) == pytest.approx(roc_auc_score(truth == i, scores[:, i]))


def test_precision_and_recall_by_hand():
    # By falling score: right, wrong, right: precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1.
    chart = precision_recall_chart([1, 0, 1], [0.9, 0.8, 0.7], ["no", "yes"])
    (line,) = marks(chart, Curve)
    assert line.step
    assert line.x == (1.0, 0.5, 0.5, 0.0)
    assert line.y == pytest.approx((2 / 3, 0.5, 1, 1))
    # What is below the steps is the average precision: (2/3)/2 + 1/2.
    x, y = line.corners()
    assert -np.trapezoid(y, x) == pytest.approx(5 / 6)
    assert "average 0.833" in line.series
    assert marks(chart, Rules)[0].at == (2 / 3,)


def test_calibration_by_hand():
    charts = calibration_chart([0, 1, 1, 1], [0.15, 0.15, 0.85, 0.95], bins=10)
    above, below = charts.charts
    (dots,) = marks(above, Points)
    assert (dots.x, dots.y) == (pytest.approx((0.15, 0.85, 0.95)), (0.5, 1.0, 1.0))
    assert marks(below, Bars)[0].stop == (0, 2, 0, 0, 0, 0, 0, 0, 1, 1)
    # Wilson's interval of 1 of 2: (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n) with z = 1.96.
    z = 1.959963984540054
    half = z * np.sqrt(0.25 / 2 + z**2 / 16) / (1 + z**2 / 2)
    (ends,) = marks(above, Intervals)
    assert (ends.low[0], ends.high[0]) == pytest.approx((0.5 - half, 0.5 + half))
    # |0.5 - 0.15|·2, |1 - 0.85|, |1 - 0.95|, over four rows.
    assert "0.225" in charts.note


def test_residuals_and_predictions_by_hand():
    chart = residuals_chart([1.0, 3.0], [2.0, 2.5])
    assert (marks(chart, Points)[0].x, marks(chart, Points)[0].y) == ((2.0, 2.5), (-1.0, 0.5))
    assert "root mean square is 0.791" in chart.description  # sqrt((1 + 0.25)/2)
    chart = predicted_chart([1.0, 3.0], [2.0, 2.5])
    assert (marks(chart, Points)[0].x, marks(chart, Points)[0].y) == ((1.0, 3.0), (2.0, 2.5))
    assert (chart.x.low, chart.x.high) == (chart.y.low, chart.y.high)
    assert "R² is 0.375" in chart.description  # 1 - 1.25/2


def test_slices_say_which_are_apart():
    chart = slices_chart(["a", "b"], [0.9, 0.5], [0.8, 0.4], [1.0, 0.6], overall=0.85, counts=[10, 2])
    assert chart.y.names == ("a (10)", "b (2)")
    assert "Apart from it: b (2)." in chart.description
    assert marks(chart, Points)[0].y == (0.0, 1.0)


def test_importances_are_ordered_and_bounded():
    chart = importance_chart(
        ["a", "b", "c"], [0.1, 0.3, 0.2], [0.0, 0.2, 0.1], [0.2, 0.4, 0.3], addresses=["p", "q", "r"]
    )
    (bars,) = marks(chart, Bars)
    assert (bars.stop, bars.names, bars.addresses) == ((0.3, 0.2, 0.1), ("b", "c", "a"), ("q", "r", "p"))
    assert marks(chart, Intervals)[0].low == (0.2, 0.1, 0.0)
    many = importance_chart(range(50), np.arange(50.0))
    assert len(many.y.names) == 30
    assert many.note == "20 columns with smaller values are not drawn."


def test_an_ablation_colors_what_pays():
    chart = ablation_chart(["a", "b", "c"], [1.0, -2.0, 0.0])
    assert marks(chart, Bars)[0].colors == ("plus", "minus", "minus")
    assert "Most is missed: a." in chart.description
    assert marks(ablation_chart(["a"], [-1.0], better="more"), Bars)[0].colors == ("plus",)


def test_flow_by_hand():
    chart = flow_chart({"layer 1": [[-1.0, 2.0], [3.0, -4.0], [0.0, 5.0]]})
    (box,) = marks(chart, Quantiles)
    assert (box.first, box.median, box.third) == ((2.0,), (3.0,), (4.0,))
    assert (box.low[0], box.high[0]) == pytest.approx((1.2, 4.8))
    assert chart.y.names == ("layer 1, 1 zeros",)
    assert chart.x.scale == "log"


def test_a_layer_of_zeros_alone_has_a_name_and_no_box():
    chart = flow_chart({"dead": [0.0, 0.0], "alive": [1.0]})
    assert chart.y.names == ("dead, 2 zeros", "alive")
    assert marks(chart, Quantiles)[0].at == (1.0,)


def test_histograms_by_hand():
    charts = histograms_chart({"a": [0.0, 1.0, 1.0, np.inf], "b": [4.0]}, bins=4)
    first, second = (marks(chart, Bars)[0] for chart in charts.charts)
    assert (first.at, first.stop, first.width) == ((0.5, 1.5, 2.5, 3.5), (1.0, 2.0, 0.0, 0.0), 1.0)
    assert second.stop == (0, 0, 0, 1)
    assert charts.charts[0].x == charts.charts[1].x
    assert charts.charts[0].note == "1 not finite"


def test_a_tangent_has_the_slope():
    x = np.linspace(-2, 2, 5)
    chart = function_chart(x, x**2, 2 * x, name="square", at=(1.0, 1.0, 2.0), address="a[1][1]")
    tangent, _ = marks(chart, Arrows)
    assert (tangent.y2[0] - tangent.y[0]) / (tangent.x2[0] - tangent.x[0]) == pytest.approx(2)
    assert (tangent.x[0] + tangent.x2[0]) / 2 == pytest.approx(1)
    assert [(p.x, p.y) for p in marks(chart, Points)] == [((1.0,), (1.0,)), ((1.0,), (2.0,))]
    assert marks(chart, Points)[0].addresses == ("a[1][1]",)


def test_a_boundary_of_two_classes_stands_at_one_half():
    x = np.array([0.0, 1.0, 2.0])
    second = np.tile([0.0, 0.25, 0.75], (2, 1))
    chart = boundary_chart(
        x, [0.0, 1.0], np.stack([1 - second, second], 2), x_name="a", y_name="b", classes=["no", "yes"],
        points=([0.5], [0.5], [1]),
    )  # fmt: skip
    (tiles,), (line,) = marks(chart, Tiles), marks(chart, Contours)
    assert tiles.x == (0.0, 0.5, 1.5, 2.0)
    assert tiles.shown == tuple(second.ravel())
    assert line.x == ((1.5, 1.5),)
    assert [(p.series, len(p), p.shape) for p in marks(chart, Points)] == [
        ("no", 0, "circle"),
        ("yes", 1, "square"),
    ]


def test_each_of_three_classes_has_its_cells():
    answers = np.array([[[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]]] * 2)
    chart = boundary_chart([0.0, 1.0, 2.0], [0.0, 1.0], answers, x_name="a", y_name="b", classes="xyz")
    tiles = marks(chart, Tiles)
    assert [mark.color for mark in tiles] == ["1", "2", "3"]
    assert np.nan_to_num([mark.shown for mark in tiles], nan=-1).tolist() == [
        [0.6, -1, -1] * 2, [-1, 0.5, -1] * 2, [-1, -1, 0.7] * 2,
    ]  # fmt: skip


def test_a_mountain_and_its_path():
    x = np.linspace(0, 2, 3)
    costs = np.array([[1.0, 2.0, 3.0]] * 3)
    chart = mountain_chart(x, x, costs, path=([0.0, 1.0, 2.0], [0.0, 0.5, 1.0]), levels=3)
    (tiles,), (lines,) = marks(chart, Tiles), marks(chart, Contours)
    assert tiles.values == tiles.shown == tuple(costs.ravel())
    assert sorted(lines.levels) == [2.0, 3.0]
    assert marks(chart, Curve)[0].x == (0.0, 1.0, 2.0)
    assert [p.series for p in marks(chart, Points)] == ["start", "end"]


def test_costs_of_many_sizes_are_colored_by_their_logarithm_and_keep_their_values():
    costs = np.array([[0.01, 0.1], [1.0, 10.0]])
    (tiles,) = marks(mountain_chart([0.0, 1.0], [0.0, 1.0], costs), Tiles)
    assert tiles.shown == pytest.approx((-2, -1, 0, 1))
    assert tiles.values == (0.01, 0.1, 1.0, 10.0)
    assert tiles.ends == ("0.01", "10")


def test_a_surface_is_drawn_from_the_back_and_its_stems_are_the_error():
    x = np.linspace(-1, 1, 5)
    costs = np.add.outer(x**2, x**2)
    chart = surface_chart(x, x, costs, path=([0.5, 0.0], [0.5, 0.0], [0.75, 0.0]), on_surface=[0.5, 0.0])
    (faces,), (stems,) = marks(chart, Faces), marks(chart, Arrows)
    assert len(faces) == 16
    assert stems.values == (0.25, 0.0)
    # A stem goes straight up from the surface to the path; without an error it has no length.
    lengths = np.hypot(np.subtract(stems.x2, stems.x), np.subtract(stems.y2, stems.y))
    assert lengths[0] > 0.01
    assert lengths[1] == pytest.approx(0, abs=1e-12)
    assert stems.y2[0] > stems.y[0]
    # The first face is the farthest corner, the last the nearest: opposite ends of the square.
    assert np.mean(faces.y[0]) > np.mean(faces.y[-1])
    path = marks(chart, Curve)[1]
    assert path.values == (0.75, 0.0)


def test_a_large_surface_is_thinned():
    x = np.linspace(-1, 1, 200)
    (faces,) = marks(surface_chart(x, x, np.add.outer(x**2, x**2)), Faces)
    assert len(faces) <= 40 * 40


def test_a_waterfall_leads_from_the_base_to_the_prediction():
    chart = waterfall_chart(["a", "b", "c"], [0.1, -0.3, 0.05], 0.5, addresses=["x[1]", "x[2]", "x[3]"])
    (bars,) = marks(chart, Bars)
    assert bars.names == ("b", "a", "c")
    assert bars.addresses == ("x[2]", "x[1]", "x[3]")
    assert bars.start == pytest.approx((0.5, 0.2, 0.3))
    assert bars.stop == pytest.approx((0.2, 0.3, 0.35))
    assert bars.values == (-0.3, 0.1, 0.05)
    assert bars.colors == ("minus", "plus", "plus")
    (ends,) = marks(chart, Points)
    assert ends.x == pytest.approx((0.5, 0.35))


def test_what_a_long_waterfall_leaves_out_is_one_bar(rng):
    values = rng.normal(size=40)
    (bars,) = marks(waterfall_chart([str(i) for i in range(40)], values, 1.0), Bars)
    assert len(bars) == 12
    assert bars.names[-1] == "29 others"
    assert sum(bars.values) == pytest.approx(values.sum())
    assert bars.stop[-1] == pytest.approx(1 + values.sum())


def test_dependence_draws_the_mean_and_some_rows():
    rows = np.arange(300.0).reshape(100, 3)
    chart = dependence_chart([0.0, 1.0, 2.0], rows.mean(0), rows=rows, column="a", values=[0.0, 2.0, np.nan])
    faint, mean, rug = marks(chart, Curve)
    assert faint.faint
    assert len(faint) == 60 * 4
    assert np.isnan(faint.y[3::4]).all()
    assert faint.y[:3] == (0.0, 1.0, 2.0)
    assert mean.y == (148.5, 149.5, 150.5)
    assert rug.x[0] == 0.0
    assert chart.note == "60 of 100 rows are drawn."


def test_dependence_on_words_has_a_box_of_the_rows_for_each():
    rows = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 8.0], [4.0, 9.0], [5.0, 5.0]])
    chart = dependence_chart(["u", "v"], rows.mean(0), rows=rows, column="word", unit="y")
    (boxes,), (dots,) = marks(chart, Quantiles), marks(chart, Points)
    assert (boxes.low, boxes.first, boxes.median) == ((1.0, 5.0), (2.0, 5.0), (3.0, 5.0))
    assert (boxes.third, boxes.high, boxes.names) == ((4.0, 8.0), (5.0, 9.0), ("u", "v"))
    assert (dots.x, dots.y, chart.x.names) == ((0.0, 1.0), (3.0, 6.4), ("u", "v"))
    assert chart.description == "The mean y is lowest, 3, at u, and highest, 6.4, at v."
    assert len(marks(dependence_chart(["u", "v"], [1.0, 2.0], column="word"), Quantiles)) == 0


def test_interactions_that_share_their_colors_have_the_same_ends():
    chart = interactions_chart([1.0], ["p", "q"], [[0.2], [0.4]], x_name="a", y_name="b", within=(0.0, 1.0))
    (tiles,) = marks(chart, Tiles)
    assert (tiles.low, tiles.high, tiles.shown) == (0.0, 1.0, (0.2, 0.4))


def test_interactions_keep_their_values_and_color_the_difference():
    chart = interactions_chart(
        ["p", "q"], [1.0, 2.5], [[0.1, 0.2], [0.5, 0.9]], x_name="a", y_name="b", center=0.4
    )
    (tiles,) = marks(chart, Tiles)
    assert tiles.values == (0.1, 0.2, 0.5, 0.9)
    assert tiles.shown == pytest.approx((-0.3, -0.2, 0.1, 0.5))
    assert (tiles.low, tiles.high) == pytest.approx((-0.5, 0.5))
    assert tiles.names[1] == "a q, b 1"
    assert chart.y.names == ("1", "2.5")


def test_a_learning_curve_is_logarithmic_where_the_rows_are_of_many_sizes():
    chart = learning_chart([10, 1000], {"train": ([1, 2], [0, 1], [2, 3])})
    assert chart.x.scale == "log"
    assert marks(chart, Band)[0].high == (2.0, 3.0)
    assert learning_chart([10, 20], {"train": ([1, 2], [0, 1], [2, 3])}).x.scale == "linear"


def test_a_search_marks_the_best_trial():
    charts = search_chart({"rate": [0.001, 0.1, 0.01], "kind": ["b", "a", "b"]}, [3.0, 1.0, 2.0])
    rate, kind = charts.charts
    assert [(p.series, p.x, p.y) for p in marks(rate, Points)] == [
        ("trial", (0.001, 0.01), (3.0, 2.0)),
        ("best trial", (0.1,), (1.0,)),
    ]
    assert (rate.x.scale, kind.x.names) == ("log", ("a", "b"))
    assert rate.y == kind.y
    assert charts.note == "Best: rate 0.1, kind a."
    assert search_chart({"rate": [1.0, 2.0]}, [3.0, 1.0], better="more").note == "Best: rate 1."


def test_axes_of_shares_end_where_shares_do():
    chart = roc_chart([0, 1], [0.1, 0.2], ["no", "yes"])
    assert (chart.x.low, chart.x.high, chart.y) == (0, 1, Axis(0, 1, "true positive rate"))


def test_a_step_goes_along_the_tangent():
    chart = gallery()["step"]
    tangent, curve, step, gap, start, end = chart.marks
    assert (step.x2, step.y2) == ((-0.25,), (3.125 - 2.5 * 1.25,))  # what the tangent says: 0
    assert (gap.y, gap.y2) == ((0.0,), (0.78125,))
    assert tangent.y == pytest.approx([3.125 - 2.5 * (x + 1.5) for x in tangent.x])
    assert [mark.values for mark in (start, end)] == [(3.125,), (0.78125,)]
    assert [mark.addresses for mark in (start, end)] == [("C",), ("C_new",)]
    assert np.interp(-1.5, curve.x, curve.y) == pytest.approx(3.125, abs=1e-3)


def test_columns_are_histograms_or_bars_with_their_gaps():
    charts = columns_chart(
        {"a": ([0.0, 1.0, 2.0], [3, 5]), "b": (["u", "v"], [4, 2])}, missing={"a": 7, "b": 0}, marked=["b"]
    )
    first, second = charts.charts
    (bars,) = marks(first, Bars)
    assert (bars.at, bars.stop, bars.names) == ((0.5, 1.5), (3.0, 5.0), ("0 to 1", "1 to 2"))
    assert (first.note, second.note) == ("7 missing", "")
    (bars,) = marks(second, Bars)
    assert (bars.across, bars.color, bars.stop, second.y.names) == (True, "2", (4.0, 2.0), ("u", "v"))
