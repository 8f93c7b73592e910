"""Matplotlib draws the same coordinates as the SVG, from the same record."""

import sys

import numpy as np
import pytest
from tests.plots.drawn import found, parsed, path_points
from tests.plots.gallery import gallery, networks

from chainrule.errors import SettingsError
from chainrule.plots.axes import Axis
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.marks import Bars, Contours, Curve, Points, Quantiles, Rules, Tiles
from chainrule.plots.mpl.axes import draw_all, draw_on
from chainrule.plots.svg.draw import to_svg
from chainrule.plots.svg.frame import frame_of

matplotlib = pytest.importorskip("matplotlib", reason="Matplotlib is not installed")
matplotlib.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")

PLOTS = gallery() | networks(640)


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


@pytest.mark.parametrize("name", PLOTS)
def test_every_plot_is_drawn(name):
    plot = PLOTS[name]
    axes = draw_all(plot) if isinstance(plot, Charts) else [draw_on(plot)]
    first = plot.charts[0] if isinstance(plot, Charts) else plot
    assert axes[0].get_xlim() == pytest.approx((first.x.low, first.x.high))
    assert axes[0].get_ylim() == pytest.approx((first.y.low, first.y.high))


def in_data(frame, x, y):
    """Pixels of the SVG as numbers of the axes."""
    return (
        frame.chart.x.value((np.asarray(x) - frame.left) / (frame.right - frame.left)),
        frame.chart.y.value((frame.bottom - np.asarray(y)) / (frame.bottom - frame.top)),
    )


def near(frame, axis, one, two):
    """Whether numbers are the same to a hundredth of a pixel, which is how the SVG writes them."""
    side = frame.right - frame.left if axis is frame.chart.x else frame.bottom - frame.top
    np.testing.assert_allclose(axis.share(one) * side, axis.share(two) * side, atol=0.02)


@pytest.mark.parametrize("scale", ["linear", "log", "symlog"])
def test_points_curves_and_rules_stand_at_the_same_numbers(scale, rng):
    x, y = rng.uniform(1, 5, 20), rng.uniform(0.5, 900, 20)
    chart = Chart(
        "t", "d", Axis(0, 6), Axis(0.3, 1000, scale=scale),
        (Points(tuple(x), tuple(y)), Curve(tuple(x), tuple(y), "2"), Rules((2.5,), names=("best",)), Rules((30.0,), across=True)),
    )  # fmt: skip
    ax, frame, root = draw_on(chart), frame_of(chart, 500), parsed(to_svg(chart, 500))
    line, vertical, horizontal = ax.get_lines()
    (dots,) = ax.collections
    # Matplotlib has the record's numbers to the bit.
    assert dots.get_offsets().tolist() == np.stack([x, y], 1).tolist()
    assert line.get_xydata().tolist() == np.stack([x, y], 1).tolist()
    circles = [c for c in found(root, "circle", data_value=None) if c.get("r") != "5"]
    at_x, at_y = in_data(frame, *np.array([[float(c.get("cx")), float(c.get("cy"))] for c in circles]).T)
    near(frame, chart.x, at_x, dots.get_offsets()[:, 0])
    near(frame, chart.y, at_y, dots.get_offsets()[:, 1])
    assert [float(c.get("data-value")) for c in circles] == y.tolist()
    (drawn,) = [p for p in found(root, "path", stroke_linejoin="round") if "L" in p.get("d")]
    at_x, at_y = in_data(frame, *np.array(path_points(drawn.get("d"))).T)
    near(frame, chart.x, at_x, line.get_xdata())
    near(frame, chart.y, at_y, line.get_ydata())
    dashed = [path_points(p.get("d")) for p in found(root, "path", stroke_dasharray="6 4")]
    near(frame, chart.x, in_data(frame, dashed[0][0][0], 0)[0], vertical.get_xdata()[0])
    near(frame, chart.y, in_data(frame, 0, dashed[1][0][1])[1], horizontal.get_ydata()[0])


@pytest.mark.parametrize("across", [False, True])
def test_bars_stand_at_the_same_numbers(across):
    bars = Bars((0.0, 1.0), (0.0, 2.0), (3.0, -1.0), 0.5, across)
    long, short = Axis(-2, 4), Axis(-1, 2)
    chart = Chart("t", "d", *((long, short) if across else (short, long)), (bars,))
    frame = frame_of(chart, 500)
    rects = found(parsed(to_svg(chart, 500)), "rect", data_value=None)
    for rect, patch in zip(rects, draw_on(chart).patches, strict=True):
        left, up, wide, tall = (float(rect.get(k)) for k in ("x", "y", "width", "height"))
        x, y = in_data(frame, [left, left + wide], [up + tall, up])
        box = patch.get_bbox()
        near(frame, chart.x, x, sorted([box.x0, box.x1]))
        near(frame, chart.y, y, sorted([box.y0, box.y1]))


def test_boxes_of_quantiles_stand_at_the_same_numbers():
    mark = Quantiles((0.0,), (1.0,), (2.0,), (3.0,), (5.0,), (8.0,), 0.6, across=True)
    chart = Chart("t", "d", Axis(0, 10), Axis(-1, 1), (mark,))
    frame, ax = frame_of(chart, 500), draw_on(chart)
    (rect,) = found(parsed(to_svg(chart, 500)), "rect", stroke_width="1.2")
    left, wide = float(rect.get("x")), float(rect.get("width"))
    (patch,) = ax.patches
    ends = patch.get_path().vertices[:, 0]
    near(frame, chart.x, in_data(frame, [left, left + wide], 0)[0], [ends.min(), ends.max()])
    assert sorted({float(v) for line in ax.get_lines() for v in line.get_xdata()}) == [
        1.0,
        2.0,
        3.0,
        5.0,
        8.0,
    ]


def test_cells_and_contours_have_the_same_colors_and_numbers():
    chart = PLOTS["mountain"]
    ax = draw_on(chart)
    tiles = next(mark for mark in chart.marks if isinstance(mark, Tiles))
    lines = next(mark for mark in chart.marks if isinstance(mark, Contours))
    mesh, drawn = ax.collections[:2]
    assert mesh.get_coordinates()[0, :, 0].tolist() == list(tiles.x)
    assert [s[:, 0].tolist() for s in drawn.get_segments()] == [list(x) for x in lines.x]
    colors = {
        "#" + "".join(f"{round(255 * part):02x}" for part in color[:3])
        for color in mesh.get_array().reshape(-1, 4)
    }
    fills = {r.get("fill") for r in found(parsed(to_svg(chart)), "rect", data_value=None)}
    assert colors == fills


def test_edges_have_the_same_ends_and_widths():
    chart = PLOTS["network 4-8-3"]
    ax = draw_on(chart)
    edges = chart.marks[0]
    drawn = ax.collections[0]
    order = sorted(range(len(edges)), key=edges.width)
    assert [s[0].tolist() for s in drawn.get_segments()] == [[edges.x[i], edges.y[i]] for i in order]
    assert [w / 0.75 for w in drawn.get_linewidths()] == pytest.approx([edges.width(i) for i in order])


def test_one_can_draw_on_axes_of_ones_own():
    figure, (left, right) = pyplot.subplots(1, 2)
    assert draw_on(PLOTS["curves"], right) is right
    assert not left.lines
    figure.canvas.draw()
    sub = figure.subfigures() if hasattr(figure, "subfigures") else figure
    assert len(draw_all(PLOTS["search"], sub)) == 3


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.collections", None)
    with pytest.raises(SettingsError, match=r"pip install 'chainrule\[plots\]'"):
        draw_on(PLOTS["curves"])
