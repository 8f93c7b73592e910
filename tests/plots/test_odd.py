"""Odd inputs: nothing, one, equal numbers, names without end. A plot of them is whole, or refused by name."""

import itertools
import math

import numpy as np
import pytest
from tests.plots.drawn import parsed, texts

from chainrule import plots
from chainrule.errors import SettingsError
from chainrule.plots.marks import line_style

NAN, INF = math.nan, math.inf
LONG = "a name that is longer than any telephone is wide, and then goes on for a while"


def net(*sizes, width=640.0):
    """A network of these sizes, with long names of inputs and outputs."""
    rng = np.random.default_rng(0)
    layers = [plots.DrawnLayer(0, sizes[0], "inputs", tuple(f"{LONG} {i}" for i in range(sizes[0])))]
    for number, (before, size) in enumerate(itertools.pairwise(sizes), 1):
        names = tuple(f"{LONG} {i}" for i in range(size)) if number == len(sizes) - 1 else ()
        weights, bias = rng.normal(size=(before, size)), tuple(rng.normal(size=size).tolist())
        layers.append(plots.DrawnLayer(number, size, f"layer {number}\n{size} tanh", names, weights, bias))
    return plots.network_chart(layers, width=width)


DRAWN = {
    "no curve": lambda: plots.curves_chart({}),
    "a curve of nothing": lambda: plots.curves_chart({"a": []}),
    "a curve of one": lambda: plots.curves_chart({"a": [1.0]}),
    "a curve of nan": lambda: plots.curves_chart({"a": [NAN, NAN]}),
    "a flat curve": lambda: plots.curves_chart({"a": [0.0] * 5}, best=3),
    "a curve with inf": lambda: plots.curves_chart({"a": [1.0, INF, 3.0]}),
    "a curve of all floats": lambda: plots.curves_chart({"a": [1e300, -1e300, 5e-324]}),
    "a best epoch that isn't there": lambda: plots.curves_chart({"a": [1.0, 2.0]}, best=70),
    "curves with long names": lambda: plots.curves_chart({f"{LONG} {i}": [1, 0.5] for i in range(9)}, title=LONG, y_label=LONG),
    "confusion without rows": lambda: plots.confusion_chart([], [], ["a", "b"]),
    "confusion of one class": lambda: plots.confusion_chart([0, 0], [0, 0], ["a"]),
    "confusion of forty": lambda: plots.confusion_chart(
        np.arange(400) % 40, np.arange(400) % 39, [f"{LONG} {i}" for i in range(40)]
    ),
    "roc of one class": lambda: plots.roc_chart([0, 0], [0.1, 0.2], ["a", "b"]),
    "roc of equal scores": lambda: plots.roc_chart([0, 1], [0.5, 0.5], ["a", LONG]),
    "precision of one class": lambda: plots.precision_recall_chart([1, 1], [0.1, 0.2], ["a", "b"]),
    "calibration of one row": lambda: plots.calibration_chart([1], [1.0]),
    "residuals of one row": lambda: plots.residuals_chart([1.0, NAN], [1.0, 2.0], target=LONG),
    "predictions of one row": lambda: plots.predicted_chart([0.0], [0.0]),
    "no slices": lambda: plots.slices_chart([], [], [], [], overall=0.5),
    "many slices": lambda: plots.slices_chart(
        [f"{LONG} {i}" for i in range(60)], np.arange(60), np.arange(60) - 1, np.arange(60) + 1, overall=0, score=LONG
    ),
    "no importances": lambda: plots.importance_chart([], []),
    "importances of zero": lambda: plots.importance_chart(["a", LONG], [0.0, 0.0]),
    "importances below zero": lambda: plots.importance_chart([LONG, "b"], [-1.0, -2.0]),
    "an unknown importance": lambda: plots.importance_chart(["a", "b"], [NAN, 1.0]),
    "no ablation": lambda: plots.ablation_chart([], []),
    "no layers": lambda: plots.flow_chart({}),
    "a layer without gradient": lambda: plots.flow_chart({"a": [0.0]}),
    "gradients of all sizes": lambda: plots.flow_chart({"a": [1e-300, 1e-310], "b": [1e300]}),
    "a histogram of nothing": lambda: plots.histograms_chart({"a": [], "b": [NAN]}),
    "a histogram of one": lambda: plots.histograms_chart({"a": [1.0]}),
    "histograms of all sizes": lambda: plots.histograms_chart(
        {f"{LONG} {i}": np.arange(10) * 10.0**i for i in range(9)}, shared=False
    ),
    "a flat function": lambda: plots.function_chart([0, 1], [1, 1], [0, 0], name="one", at=(0.5, 1.0, 0.0)),
    "a steep function": lambda: plots.function_chart([-1, 1], [0, 1], [0, 1e6], name=LONG, at=(0.0, 0.0, 1e6)),
    "a boundary without a side": lambda: plots.boundary_chart(
        [0, 1], [0, 1], np.full((2, 2, 2), 0.5), x_name="a", y_name="b", classes="ab"
    ),
    "a boundary of seven": lambda: plots.boundary_chart(
        [0, 1], [0, 1], np.full((2, 2, 7), 1 / 7), x_name=LONG, y_name=LONG,
        classes=[f"{LONG} {i}" for i in range(7)], points=([9], [9], [6]),
    ),
    "a flat mountain": lambda: plots.mountain_chart([0, 1], [0, 1], [[1, 1], [1, 1]]),
    "a mountain with a hole": lambda: plots.mountain_chart([0, 1], [0, 1], [[NAN, 1], [1, 2]], path=([0, 5], [0, 5])),
    "a flat surface": lambda: plots.surface_chart([0, 1], [0, 1], [[1, 1], [1, 1]]),
    "a surface with a hole": lambda: plots.surface_chart([0, 1, 2], [0, 1], [[NAN, 1, 1], [1, 2, 2]]),
    "a waterfall of nothing": lambda: plots.waterfall_chart([], [], 1.0),
    "a waterfall of zero": lambda: plots.waterfall_chart(["a"], [0.0], 0.0),
    "a waterfall of large numbers": lambda: plots.waterfall_chart([LONG, "b", "c"], [-1e6, 2e6, -3.00001e6], 1e7, unit=LONG),
    "dependence at one value": lambda: plots.dependence_chart([1.0], [1.0], column=LONG, unit=LONG),
    "flat dependence": lambda: plots.dependence_chart([1.0, 2.0], [1.0, 1.0], rows=[[1.0, 1.0]], values=[], column="a"),
    "one cell": lambda: plots.interactions_chart([1.0], ["b"], [[0.5]], x_name="a", y_name="b", center=0.5),
    "an empty cell": lambda: plots.interactions_chart([1.0, 2.0], [LONG], [[NAN, 1.0]], x_name="a", y_name="b"),
    "many cells": lambda: plots.interactions_chart(
        np.arange(20) * 1234.5, [f"{LONG} {i}" for i in range(20)], np.arange(400).reshape(20, 20), x_name=LONG, y_name=LONG
    ),
    "learning at one size": lambda: plots.learning_chart([10], {"t": ([1.0], [1.0], [1.0])}),
    "one trial": lambda: plots.search_chart({"a": [1.0]}, [1.0]),
    "a trial that failed": lambda: plots.search_chart({"a": [1.0, None]}, [NAN, 1.0]),
    "settings that are words": lambda: plots.search_chart(
        {LONG: [True, False, True], "b": ["x" * 50, "y" * 50, "z"]}, [2.0, 1.0, 3.0]
    ),
    "weights that are no numbers": lambda: plots.network_chart(
        [plots.DrawnLayer(0, 2), plots.DrawnLayer(1, 2, weights=np.array([[NAN, INF], [1, 2]]), values=(INF, 1.0))]
    ),
    "weights of zero": lambda: plots.network_chart(
        [plots.DrawnLayer(0, 1), plots.DrawnLayer(1, 1, weights=np.zeros((1, 1)), bias=(0.0,))]
    ),
}  # fmt: skip


def whole(plot, width):
    """Complaints about a drawing: attributes that are no numbers, texts that are cut or stand on each other."""
    root = parsed(plots.to_svg(plot, width))
    wide, high, placed = float(root.get("width")), float(root.get("height")), texts(root)
    found = []
    for element in root.iter():
        others = {k: v for k, v in element.attrib.items() if k not in ("data-value", "aria-label")}
        found += [f"{k}={v}" for k, v in others.items() if "nan" in v or "inf" in v]
    for text, left, top, right, bottom in placed:
        if left < -0.5 or right > wide + 0.5 or top < -1 or bottom > high + 2:
            found.append(text)
    for (a, *one), (b, *two) in itertools.combinations(placed, 2):
        if (
            min(one[2], two[2]) - max(one[0], two[0]) >= 0.5
            and min(one[3], two[3]) - max(one[1], two[1]) >= 3
        ):
            found.append(f"{a} on {b}")
    return found


@pytest.mark.parametrize("width", [640, 350])
@pytest.mark.parametrize("name", DRAWN)
def test_a_plot_of_odd_numbers_is_whole(name, width):
    plot = DRAWN[name]()
    assert whole(plot, width) == []
    assert plots.figure(plot)
    assert type(plot).from_dict(plot.to_dict()).to_dict() == plot.to_dict()


@pytest.mark.parametrize("width", [340.0, 640.0])
@pytest.mark.parametrize(
    "sizes",
    [(1, 1), (2, 2, 1), (3,) * 8, (6,) * 12, (30, 1), (1, 30), (100, 100), (5, 5, 5), (6, 6), (2, 500, 2)],
    ids=str,
)
def test_a_network_of_odd_sizes_is_whole(sizes, width):
    assert whole(net(*sizes, width=width), width) == []


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: plots.residuals_chart([], []), "truth: there is no row with finite numbers to draw"),
        (
            lambda: plots.predicted_chart([1.0], [1.0, 2.0]),
            "predicted: 1 entries were expected, as many as truth, not 2",
        ),
        (lambda: plots.calibration_chart([], []), "is_true: there is no row"),
        (
            lambda: plots.confusion_chart([0, 2], [0, 1], "ab"),
            "truth: row 2 has 2, which is not the index of one of 2 classes",
        ),
        (lambda: plots.confusion_chart([0, 1], [0, -1], "ab"), "predicted: row 2 has -1"),
        (
            lambda: plots.confusion_chart(["a"], ["b"], "ab"),
            "truth: indices into the 2 classes were expected, not",
        ),
        (
            lambda: plots.confusion_chart([0], [0, 1], "ab"),
            "predicted: 1 entries were expected, as many as truth, not 2",
        ),
        (lambda: plots.roc_chart([0, 1, 1], [0.5, NAN, 0.5], "ab"), "scores: row 2 is not finite"),
        (
            lambda: plots.precision_recall_chart([0], [[0.5, 0.5]] * 2, "ab"),
            "scores: 1 entries were expected",
        ),
        (
            lambda: plots.importance_chart(["a"], [1.0, 2.0]),
            "means: 1 entries were expected, as many as names, not 2",
        ),
        (lambda: plots.slices_chart(["a"], [1.0], [1.0], [1.0, 2.0], overall=0), "high: 1 entries"),
        (lambda: plots.ablation_chart(["a"], []), "differences: 1 entries"),
        (
            lambda: plots.mountain_chart([0, 1], [0, 1, 2], np.zeros((2, 3))),
            r"costs: the shape \(3, 2\) was expected",
        ),
        (lambda: plots.surface_chart([0, 0], [0, 1], np.zeros((2, 2))), "x: at least two rising numbers"),
        (
            lambda: plots.boundary_chart(
                [0, 1], [0, 1], np.zeros((2, 2, 3)), x_name="a", y_name="b", classes="ab"
            ),
            r"answers: the shape \(2, 2, 2\) was expected",
        ),
        (lambda: plots.waterfall_chart(["a"], [1.0], 0.0, addresses=["p", "q"]), "addresses: 1 entries"),
        (lambda: plots.learning_chart([1, 2], {"a": ([1], [1, 2], [1, 2])}), "mean: 2 entries"),
        (
            lambda: plots.search_chart({"a": [1, 2]}, [1.0]),
            "a: 1 entries were expected, as many as scores, not 2",
        ),
        (lambda: plots.histograms_chart({}), "charts: there is no plot"),
        (lambda: plots.search_chart({"a": [1.0]}, [NAN]), "scores: no trial has a finite score to draw"),
    ],
)
def test_what_can_not_be_drawn_is_refused_by_name(make, word):
    with pytest.raises(SettingsError, match=word):
        make()


def test_series_are_told_apart_by_color_or_dash():
    assert len({line_style(i) for i in range(18)}) == 18
    lines = plots.learning_chart([1, 2], {str(i): ([1, 2], [1, 2], [1, 2]) for i in range(9)}).marks[9:18]
    assert [line.series for line in lines] == [str(i) for i in range(9)]


def test_every_public_name_is_there():
    assert all(getattr(plots, name) is not None for name in plots.__all__)
    assert set(plots.__all__) == set(dir(plots))
    with pytest.raises(AttributeError, match="no attribute 'pie_chart'"):
        plots.pie_chart  # noqa: B018
