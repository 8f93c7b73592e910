"""The flat layout of parameters: places, addresses, and the masks of weights and of what is frozen."""

import numpy as np
import pytest
from hypothesis import given

from chainrule.engines.base import Divergence
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from networks import cases

NETWORK = Network([2, Dense(3, "tanh", bias="layer"), Dense(2, bias="none"), Dense(1)])


def test_the_layout_of_hand():
    # W[1] (2, 3) at 0..5, b[1] (1,) at 6, W[2] (3, 2) at 7..12, no b[2], W[3] (2, 1) at 13, 14, b[3] (1,) at 15
    layout = Layout(NETWORK)
    assert layout.size == 16
    places = [(s.layer, s.name, s.start, s.stop, s.shape) for s in layout.slots]
    assert places == [
        (1, "W", 0, 6, (2, 3)),
        (1, "b", 6, 7, (1,)),
        (2, "W", 7, 13, (3, 2)),
        (3, "W", 13, 15, (2, 1)),
        (3, "b", 15, 16, (1,)),
    ]
    assert layout.decayed.tolist() == [1] * 6 + [0] + [1] * 8 + [0]
    assert layout.free.tolist() == [1] * 16
    named = [layout.address(i) for i in range(16)]
    assert named[:7] == [
        "W[1][1,1]",
        "W[1][1,2]",
        "W[1][1,3]",
        "W[1][2,1]",
        "W[1][2,2]",
        "W[1][2,3]",
        "b[1][1]",
    ]
    assert named[12:] == ["W[2][3,2]", "W[3][1,1]", "W[3][2,1]", "b[3][1]"]
    arrays = layout.unflatten(np.arange(16.0))
    assert arrays[1]["W"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert arrays[2]["W"].tolist() == [[7, 8], [9, 10], [11, 12]]
    assert set(arrays[2]) == {"W"}
    assert layout.slot(3, "b").start == 15
    for missing in [(2, "b"), (4, "W")]:
        with pytest.raises(KeyError):
            layout.slot(*missing)
    with pytest.raises(IndexError, match="16 parameters"):
        layout.address(16)


@given(cases())
def test_flat_and_back_is_the_same(case):
    layout = Layout(case.network)
    flat = layout.flatten(case.p)
    assert flat.shape[-1] == layout.size
    arrays = layout.unflatten(flat)
    assert set(arrays) == set(case.p)
    for number, want in case.p.items():
        got = arrays[number]
        assert set(got) == set(want)
        for name in want:
            np.testing.assert_array_equal(got[name], want[name])


def test_unflatten_gives_views():
    flat = np.zeros((2, 16))
    Layout(NETWORK).unflatten(flat)[2]["W"][1, 2, 0] = 5.0
    assert flat[1, 11] == 5.0
    assert np.count_nonzero(flat) == 1


@pytest.mark.parametrize(
    ("frozen", "held"),
    [
        ([], []),
        (["W"], [0, 1, 2, 3, 4, 5]),
        (["b"], [6, 7, 8]),
        (["W[2,1]", "b[3]"], [3, 8]),
        ([" W [ 1 , 2 ] "], [1]),
        (["W", "b"], list(range(9))),
    ],
)
def test_what_is_frozen_is_not_free(frozen, held):
    free = Layout(Network([2, Dense(3, frozen=frozen), Dense(1)])).free
    assert np.flatnonzero(free == 0).tolist() == held
    assert set(free) <= {0.0, 1.0}


@pytest.mark.parametrize(
    "address", ["V", "W[3,1]", "W[0,1]", "W[1]", "b[1,1]", "b[4]", "W[1,2", "", "W[,]", "W[1,1,1]", "W[-1,1]"]
)
def test_an_address_that_is_not_there_is_named(address):
    with pytest.raises(SettingsError) as caught:
        Layout(Network([2, Dense(3, frozen=[address])]))
    assert str(caught.value).startswith(f"frozen {address!r}: layer 1 has W (2, 3), b (3,); write W, b,")


def test_a_bias_that_is_not_there_can_not_be_frozen():
    with pytest.raises(SettingsError, match=r"layer 1 has W \(2, 3\); write"):
        Layout(Network([2, Dense(3, bias="none", frozen=["b"])]))


def test_a_divergence_says_step_layer_gradient_and_rate():
    text = str(Divergence(7, 2, 12345.678, 0.5))
    for piece in ("step 7", "layer 2", "largest gradient 1.23e+04", "learning rate 0.5"):
        assert piece in text
    assert "\n" not in text
