"""Features 4 and 5: the draw list; a large network is drawn as blocks, in few marks and small frames."""

import itertools
import json
from base64 import b64decode

import numpy as np
import pytest
from tests.studio.watched import course_of_network, numbers_of, watched

from chainrule import Dense, Network
from chainrule.equations.layout import Layout
from chainrule.studio.shown.blocks import shrunk
from chainrule.studio.shown.drawing import MOST_EDGES, drawing

SIZES = {
    "2-2-2": (2, 2, 2),
    "one layer": (3, 1),
    "penguins": (17, 8, 3),
    "200 neurons": (40, 40, 40, 40, 37, 3),
    "wide": (60, 30, 2),
    "many inputs": (300, 8, 3),
    "784-256-128-10": (784, 256, 128, 10),
}


def network_of(sizes) -> Network:
    *hidden, last = sizes[1:]
    return Network(
        [sizes[0], *(Dense(n, "tanh") for n in hidden), Dense(last, "sigmoid")], "binary_cross_entropy"
    )


def drawn_of(sizes):
    network = network_of(sizes)
    layout = Layout(network)
    flat = np.random.default_rng(1).standard_normal(layout.size)
    return drawing(network, flat, [f"column {i}" for i in range(sizes[0])]), layout, flat


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_feature_04_every_mark_is_there_once_and_inside_the_picture(sizes):
    made, layout, _ = drawn_of(sizes)
    told = made.told
    for neuron in told["neurons"]:
        assert 0 < neuron["x"] < told["width"]
        assert 0 < neuron["y"] < told["height"]
    addresses = [neuron["address"] for neuron in told["neurons"]]
    assert len(set(addresses)) == len(addresses)
    edges = [address for _, _, address in told["edges"]["list"]]
    assert len(set(edges)) == len(edges) == told["edges"]["drawn"] <= MOST_EDGES
    assert [layout.address(int(flat)) for flat in made.edges] == edges
    assert told["edges"]["of"] == sum(a * b for a, b in itertools.pairwise(sizes))
    for begin, end, address in told["edges"]["list"]:
        layer, (i, j) = int(address[2]), map(int, address.split("[")[2].rstrip("]").split(","))
        assert (told["neurons"][begin]["layer"], told["neurons"][begin]["index"]) == (layer - 1, i)
        assert (told["neurons"][end]["layer"], told["neurons"][end]["index"]) == (layer, j)
    for neuron, flat in zip(told["neurons"], made.biases, strict=True):
        assert neuron["bias"] == (None if flat < 0 else layout.address(int(flat)))
    shown = {layer["number"]: 0 for layer in told["layers"]}
    for neuron in told["neurons"]:
        shown[neuron["layer"]] += 1
    blocks = {block["layer"] for block in told["blocks"]}
    for layer in told["layers"]:
        assert layer["number"] in blocks or shown[layer["number"]] + layer["hidden"] == layer["size"]


def test_feature_04_a_small_network_is_drawn_whole():
    for name in ("2-2-2", "one layer", "penguins"):
        made, layout, _ = drawn_of(SIZES[name])
        assert made.told["blocks"] == []
        assert made.told["edges"]["drawn"] == made.told["edges"]["of"]
        assert made.told["more"] == []
        assert (
            made.told["edges"]["drawn"] + sum(n["bias"] is not None for n in made.told["neurons"])
            == layout.size
        )


def test_feature_05_of_many_weights_the_strongest_are_drawn():
    made, _, flat = drawn_of((40, 38, 40))
    told = made.told["edges"]
    assert told["drawn"] == MOST_EDGES < told["of"] == 40 * 38 + 38 * 40
    drawn = np.zeros(len(flat), bool)
    drawn[made.edges] = True
    first = slice(0, 40 * 38)
    assert np.abs(flat[first][drawn[first]]).min() >= np.abs(flat[first][~drawn[first]]).max()


def test_feature_05_a_large_network_has_blocks_and_small_frames_at_once():
    network = network_of(SIZES["784-256-128-10"])
    draw = np.random.default_rng(0)
    course = course_of_network(network, draw.random((6, 784)), draw.integers(0, 2, (6, 10)).astype(float))
    with watched(course) as made:
        made.studio.made.__dict__.pop("drawn", None)
        hello = made.studio.hello()
        assert [block["layer"] for block in hello["network"]["blocks"]] == [0, 1, 2]
        assert len(hello["network"]["neurons"]) == 10
        made.do("seek", t=1, place=0)
        for place in (0, 5, 700_000, len(made.studio.made.walk) - 1):
            frame = made.do("seek", t=1, place=min(place, len(made.studio.made.walk) - 1))
            assert len(json.dumps(frame)) <= 64_000
        (inputs, first, second) = (block["pictures"] for block in frame["blocks"])
        assert set(inputs) == {"activation"}
        assert inputs["activation"]["shares"]["shape"] == [28, 28]
        assert {name: picture["shares"]["shape"] for name, picture in first.items()} == {
            "weight": [48, 48], "gradient": [48, 48], "change": [48, 48], "activation": [16, 16],
        }  # fmt: skip
        look = made.studio.made.lookout.look(1, 0, None)
        slot = course.layout.slot(2, "W")
        for name, flat in (
            ("weight", look.new),
            ("gradient", look.whole_gradient),
            ("change", look.new - look.state.parameters),
        ):
            part = np.abs(flat[slot.start : slot.stop])
            assert second[name]["largest"] == part.max()
        a = look.step.record.layers[1].a[look.index]
        shares = np.frombuffer(b64decode(second["activation"]["shares"]["base64"]), np.int8)
        assert (
            np.abs(shares[: len(a)] * second["activation"]["largest"] / 127 - a).max()
            <= np.abs(a).max() / 250
        )
        # What a pass hasn't come to is not shown.
        early = made.do("seek", t=1, place=5)["blocks"]
        assert set(early[1]["pictures"]) == {"weight"}
        assert set(made.do("seek", t=1, place=0)["blocks"][1]["pictures"]) == set(first)


def test_feature_05_200_neurons_have_frames_of_64_kb():
    sizes = SIZES["200 neurons"]
    draw = np.random.default_rng(0)
    course = course_of_network(
        network_of(sizes),
        draw.standard_normal((6, sizes[0])),
        draw.integers(0, 2, (6, sizes[-1])).astype(float),
    )
    with watched(course) as made:
        frame = made.do("seek", t=1, place=0)
        assert len(json.dumps(frame)) <= 64_000
        assert len(numbers_of(frame["arrays"]["neurons"]["a"])) == len(
            made.studio.hello()["network"]["neurons"]
        )


def test_feature_05_a_block_s_picture_keeps_what_is_farthest_from_0():
    array = np.random.default_rng(4).standard_normal((130, 97))
    small = shrunk(array, 48)
    assert small.shape == (48, 48)
    assert np.abs(small).max() == np.abs(array).max()
    assert set(np.abs(small).ravel()) <= set(np.abs(array).ravel())
    assert (shrunk(array[:9, :7], 48) == array[:9, :7]).all()
