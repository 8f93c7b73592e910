"""The network drawn: each number at its address, what is left out said, the same layout for all sizes."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plots.drawn import found, parsed
from tests.plots.gallery import CLASSES, COLUMNS, MAZUR, network

from chainrule.errors import SettingsError
from chainrule.plots.marks import Writing
from chainrule.plots.network.draw import MOST_EDGES, network_chart
from chainrule.plots.network.layers import DrawnLayer
from chainrule.plots.network.layout import MOST_NEURONS, network_layout
from chainrule.plots.network.marks import Boxes, Edges, Neurons
from chainrule.plots.svg.draw import to_svg


def by_address(chart):
    """Every value of edges and neurons by its address."""
    made = {}
    for mark in chart.marks:
        if isinstance(mark, Edges | Neurons):
            made |= dict(zip(mark.addresses, mark.values, strict=False))
    return made


def test_every_number_of_mazurs_network_is_at_its_address():
    told = by_address(network_chart(MAZUR))
    assert told == {
        "W[1][1,1]": 0.15, "W[1][1,2]": 0.25, "W[1][2,1]": 0.2, "W[1][2,2]": 0.3, "b[1][1]": 0.35,
        "W[2][1,1]": 0.4, "W[2][1,2]": 0.5, "W[2][2,1]": 0.45, "W[2][2,2]": 0.55, "b[2][1]": 0.6,
        "x[1]": 0.05, "x[2]": 0.1, "a[1][1]": 0.593269992, "a[1][2]": 0.596884378, "a[2][1]": 0.75136507, "a[2][2]": 0.772928465,
    }  # fmt: skip


def test_the_svg_has_them_too():
    root = parsed(to_svg(network_chart(MAZUR)))
    (edge,) = found(root, "path", data_address="W[2][2,1]")
    assert edge.get("data-value") == "0.45"
    assert found(root, "path", data_address="b[1][1]")[0].get("data-value") == "0.35"
    (neuron,) = found(root, "g", data_address="a[2][2]")
    assert neuron.get("data-value") == "0.772928465"


def test_small_networks_have_their_weights_written_on_the_edges_and_none_on_another():
    for layers in (MAZUR, network([2, 3, 1]), network([3, 2, 2])):
        numbers = [mark for mark in network_chart(layers).marks if isinstance(mark, Writing) and mark.plate]
        places = [(x, y) for mark in numbers for x, y in zip(mark.x, mark.y, strict=True)]
        assert len(places) >= 0.8 * sum(layer.weights.size for layer in layers[1:])
        for (a, b), (c, d) in itertools.combinations(places, 2):
            assert abs(a - c) >= 20 or abs(b - d) >= 14


def test_edges_end_at_their_neurons_and_weights_go_from_row_to_column():
    chart = network_chart(MAZUR)
    neurons = {
        address: (x, y)
        for mark in chart.marks
        if isinstance(mark, Neurons)
        for address, x, y in zip(mark.addresses, mark.x, mark.y, strict=False)
    }
    edges = next(mark for mark in chart.marks if isinstance(mark, Edges))
    i = edges.addresses.index("W[1][1,2]")
    assert (edges.y[i], edges.y2[i]) == (neurons["x[1]"][1], neurons["a[1][2]"][1])
    assert neurons["x[1]"][0] < edges.x[i] < edges.x2[i] < neurons["a[1][2]"][0]


def test_widths_go_with_the_size_and_dashes_with_the_sign():
    layers = [DrawnLayer(0, 3), DrawnLayer(1, 1, weights=np.array([[4.0], [-2.0], [0.0]]))]
    chart = network_chart(layers)
    edges = next(mark for mark in chart.marks if isinstance(mark, Edges))
    assert [edges.width(i) for i in range(3)] == [5.0, 2.75, 0.5]
    root = parsed(to_svg(chart))
    drawn = {a: found(root, "path", data_address=a)[0] for a in ("W[1][1,1]", "W[1][2,1]", "W[1][3,1]")}
    assert [d.get("stroke-dasharray") is None for d in drawn.values()] == [True, False, True]
    groups = {g.get("class") for g in root.iter() if any(child in list(drawn.values()) for child in g)}
    assert groups == {"s-plus", "s-minus"}


def test_of_a_large_network_the_largest_weights_are_drawn_and_the_rest_is_said():
    layers = network([784, 256, 128, 10], (), [str(i) for i in range(10)])
    chart = network_chart(layers)
    assert "of 234\u2009752 weights are drawn, the largest" in chart.note
    layout = network_layout(layers)
    for before, after in itertools.pairwise(layout.columns):
        told = by_address(chart)
        mine = {a: v for a, v in told.items() if a.startswith(f"W[{after.layer.number}]")}
        assert len(mine) <= MOST_EDGES
        shown = np.abs(after.layer.weights[np.ix_(before.shown, after.shown)]).ravel()
        assert sorted(np.abs(list(mine.values()))) == sorted(np.sort(shown)[-len(mine) :])
        for address, value in mine.items():
            i, j = map(int, address[address.index("][") + 2 : -1].split(","))
            assert after.layer.weights[i - 1, j - 1] == value
    dots = [
        text
        for mark in chart.marks
        if isinstance(mark, Writing)
        for text in mark.texts
        if text.startswith("…")
    ]
    assert dots == ["… 769 more", "… 241 more", "… 113 more"]


def test_neurons_with_the_largest_weights_are_kept_or_those_at_the_ends():
    weights = np.ones((40, 1)) * 0.01
    weights[[3, 17, 39]] = 5.0
    layers = [DrawnLayer(0, 40), DrawnLayer(1, 1, weights=weights)]
    kept = network_layout(layers, most=4).columns[0].shown
    assert kept == (3, 17, 39)
    ends = network_layout(layers, most=6, keep="ends").columns[0]
    assert ends.shown == (0, 1, 2, 38, 39)
    assert ends.y[2] < ends.gap_y < ends.y[3]


def test_a_feature_stage_is_a_block_between_quiet_lines():
    layers = network([7, 128, 3], COLUMNS, CLASSES, block="feature stage\nperiodic")
    chart = network_chart(layers)
    (box,) = [mark for mark in chart.marks if isinstance(mark, Boxes)]
    assert box.texts == ("feature stage\nperiodic",)
    edges = [mark for mark in chart.marks if isinstance(mark, Edges)]
    assert all(math.isnan(v) for v in edges[0].values)
    assert len(edges[0]) == 7
    assert not [a for a in by_address(chart) if a.startswith("W[1]")]


def test_flags_states_and_names_are_drawn():
    layers = network([2, 8, 3], ["a", "b"], CLASSES, values=True, flags=True)
    chart = network_chart(layers)
    assert "Crossed out: dead, 3 of 8 in layer 1." in chart.note
    assert "Second ring: saturated, 2 of 8 in layer 1." in chart.note
    # The second neuron of eight is dead, the third saturated, and so on: two of each have a cross, two a ring.
    bad = [e for e in parsed(to_svg(chart)).iter() if e.get("class") == "s-bad"]
    assert [e.tag.rpartition("}")[2] for e in bad] == ["path", "circle", "path", "circle", "path"]
    frozen = [layers[0], DrawnLayer(1, 8, "layer 1", weights=layers[1].weights, frozen=True, shared=True)]
    lines = [text for mark in network_chart(frozen).marks if isinstance(mark, Writing) for text in mark.texts]
    assert {"frozen", "shared"} <= set(lines)


def test_a_bias_is_a_square_in_small_networks_and_a_short_line_in_large_ones():
    small = [mark for mark in network_chart(MAZUR).marks if isinstance(mark, Neurons) and mark.square]
    assert len(small) == 2
    large = network_chart(network([4, 8, 3]))
    assert not [mark for mark in large.marks if isinstance(mark, Neurons) and mark.square]
    assert {f"b[1][{i}]" for i in range(1, 9)} <= set(by_address(large))


def test_deltas_have_their_own_addresses():
    layers = [
        DrawnLayer(0, 1, values=(1.0,), kind="x"),
        DrawnLayer(1, 1, values=(-0.5,), kind="delta", weights=np.ones((1, 1))),
    ]
    assert by_address(network_chart(layers))["delta[1][1]"] == -0.5


@settings(max_examples=15)
@given(
    st.lists(st.integers(1, 200), min_size=2, max_size=6),
    st.sampled_from([340.0, 640.0, 900.0]),
    st.integers(2, 20),
    st.sampled_from(["largest", "ends"]),
)
def test_neurons_are_inside_and_apart_whatever_the_sizes(sizes, width, most, keep):
    layers = network(sizes, [f"a long column name {i}" for i in range(sizes[0])])
    layout = network_layout(layers, width, most=most, keep=keep)
    for column in layout.columns:
        assert len(column.shown) == len(column.y) <= max(most + 1, 2)
        assert column.hidden == column.layer.size - len(column.shown)
        places = sorted([*column.y, *([column.gap_y] if column.hidden else [])])
        assert all(b - a >= 2 * layout.radius for a, b in itertools.pairwise(places))
        assert all(layout.radius <= y <= layout.height - layout.radius + 0.01 for y in places)
        assert layout.radius <= column.x <= width - layout.radius
    assert layout.step > 2 * layout.radius
    assert MOST_NEURONS >= 3


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(SettingsError, match="layer 1 takes 3 numbers, and the one before it has 2"):
        network_chart([DrawnLayer(0, 2), DrawnLayer(1, 1, weights=np.ones((3, 1)))])
    with pytest.raises(SettingsError, match="inputs and at least one layer"):
        network_chart([DrawnLayer(0, 2)])
