"""Members that share: ordinary networks of shared parts; gradients against complex steps and numbers worked by hand."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.engines.base import StepSettings
from chainrule.equations.dense import Dense
from chainrule.equations.layout import TabMLayout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.equations.sharing import expand, fold, tabm_shapes
from chainrule.errors import SettingsError
from effort import many


def drawn(shapes, rng):
    return {
        number: {name: rng.normal(size=shape) for name, shape in layer.items()}
        for number, layer in shapes.items()
    }


def test_a_member_s_weights_by_hand():
    """W_k[i,j] = r_k[i] W[i,j] s_k[j]; with W = [[1, 2], [3, 4]], r = (1, -1), s = (10, 100): [[10, 200], [-30, -400]]."""
    theta = {
        1: {
            "W": np.array([[1.0, 2.0], [3.0, 4.0]]),
            "r": np.array([[1.0, -1.0], [2.0, 0.5]]),
            "s": np.array([[10.0, 100.0], [1.0, -1.0]]),
            "b": np.array([[7.0, 8.0], [9.0, 6.0]]),
        },
        2: {"W": np.arange(4.0).reshape(2, 2, 1)},
    }
    hidden, last = expand(theta, np).values()
    assert hidden["W"].tolist() == [[[10.0, 200.0], [-30.0, -400.0]], [[2.0, -4.0], [1.5, -2.0]]]
    assert hidden["b"].tolist() == [[7.0, 8.0], [9.0, 6.0]]
    assert set(hidden) == {"W", "b"}
    assert last["W"].tolist() == [[[0.0], [1.0]], [[2.0], [3.0]]]
    # G_1 = [[1, 0], [0, 0]] and G_2 = [[0, 0], [0, 2]]: half of r G s is dC/dW, half of G W s is dC/dr and so on.
    gradients = {
        1: {"W": np.array([[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 2.0]]]), "b": np.ones((2, 2))},
        2: {"W": np.full((2, 2, 1), 6.0)},
    }
    hidden, last = fold(gradients, theta, np).values()
    assert hidden["W"].tolist() == [[5.0, 0.0], [0.0, -0.5]]
    assert hidden["r"].tolist() == [[5.0, 0.0], [0.0, -4.0]]
    assert hidden["s"].tolist() == [[0.5, 0.0], [0.0, 2.0]]
    assert hidden["b"].tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert last["W"].tolist() == [[[3.0], [3.0]], [[3.0], [3.0]]]


@settings(max_examples=many(30))
@given(
    sizes=st.lists(st.integers(1, 4), min_size=3, max_size=5),
    members=st.integers(2, 4),
    bias=st.sampled_from(["neuron", "layer", "none"]),
    seed=st.integers(0, 99),
)
def test_a_member_computes_what_the_scaled_layers_do(sizes, members, bias, seed):
    """z_k = ((h_k ∘ r_k) W) ∘ s_k + b_k, layer by layer, is an ordinary network's forward pass."""
    network = Network([sizes[0], *(Dense(n, "tanh", bias=bias) for n in sizes[1:])])
    rng = np.random.default_rng(seed)
    theta = drawn(tabm_shapes(network, members), rng)
    x = rng.normal(size=(5, sizes[0]))
    made = network.forward(expand(theta, np), x, np).a
    for k in range(members):
        h = x
        for layer in [theta[number] for number in range(1, len(sizes) - 1)]:
            h = np.tanh(
                ((h * layer["r"][k]) @ layer["W"]) * layer["s"][k] + (layer["b"][k] if "b" in layer else 0)
            )
        last = theta[len(sizes) - 1]
        want = np.tanh(h @ last["W"][k] + (last["b"][k] if "b" in last else 0))
        np.testing.assert_allclose(made[k], want, rtol=1e-12, atol=1e-14)


def test_the_gradient_is_that_of_the_mean_of_the_members_costs():
    """Judged by complex steps: Im C(theta + ih)/h, written here from the paper's formula, without differences that cancel."""
    network = Network([3, Dense(4, "tanh"), Dense(2, "sigmoid"), Dense(2)], "half_squared_error")
    rng = np.random.default_rng(3)
    layout = TabMLayout(network, 3)
    flat = rng.normal(size=layout.size)
    # Every member sees rows of its own.
    x, y = rng.normal(size=(3, 6, 3)), rng.normal(size=(3, 6, 2))

    def cost(flat):
        theta, total = layout.unflatten(flat), 0.0
        for k in range(3):
            h = x[k]
            for layer, f in zip((theta[1], theta[2]), (np.tanh, lambda z: 1 / (1 + np.exp(-z))), strict=True):
                h = f(((h * layer["r"][k]) @ layer["W"]) * layer["s"][k] + layer["b"][k])
            a = h @ theta[3]["W"][k] + theta[3]["b"][k]
            total = total + np.mean(np.sum((a - y[k]) ** 2, axis=-1) / 2)
        return total / 3

    p = expand(layout.unflatten(flat), np)
    own = layout.ordinary.flatten(network.backward(p, network.forward(p, x, np), y, np).parameters)
    want = [cost(flat + step).imag / 1e-30 for step in 1e-30j * np.eye(layout.size)]
    np.testing.assert_allclose(layout.fold(own, flat), want, rtol=1e-12, atol=1e-15)


@settings(max_examples=many(20))
@given(members=st.integers(2, 5), seed=st.integers(0, 99))
def test_without_scalings_the_shared_gradient_is_the_mean_of_the_members(members, seed):
    network = Network([2, Dense(3, "tanh"), Dense(1)])
    rng = np.random.default_rng(seed)
    theta = drawn(tabm_shapes(network, members), rng)
    for name in ("r", "s"):
        theta[1][name] = np.ones_like(theta[1][name])
    p = expand(theta, np)
    x, y = rng.normal(size=(4, 2)), rng.normal(size=(4, 1))
    gradients = network.backward(p, network.forward(p, x, np), y, np).parameters
    np.testing.assert_allclose(
        fold(gradients, theta, np)[1]["W"], gradients[1]["W"].mean(axis=0), rtol=1e-12, atol=1e-15
    )


def test_the_layout_finds_everything_and_the_number_of_members():
    network = Network([2, Dense(3, "tanh"), Dense(1)])
    layout = TabMLayout(network, 4)
    # W 6, r 4·2, s 4·3, b 4·3; then W 4·3, b 4
    assert layout.size == 6 + 8 + 12 + 12 + 12 + 4
    assert np.flatnonzero(layout.decayed).tolist() == [*range(6), *range(38, 50)]
    assert layout.address(6) == "r[1][1,1]"
    assert TabMLayout.of_theta(network, np.zeros((1, layout.size))).members == 4
    for shape in ((1, 55), (4, 13), (layout.size,), (2, layout.size)):
        with pytest.raises(
            SettingsError, match=re.escape(f"parameters of shape {shape} don't fit members that")
        ):
            TabMLayout.of_theta(network, np.zeros(shape))
    theta = np.random.default_rng(0).normal(size=layout.size)
    assert layout.expand(theta).shape == (4, layout.ordinary.size)


def test_what_can_not_be_shared_is_refused():
    deep = Network([2, Dense(3, frozen=["b"]), Dense(1)])
    for network, members, message in [
        (deep, 1, "members 1: sharing tabm is for at least 2 members"),
        (Network([2, Dense(1)]), 2, "sharing tabm shares the hidden layers, but there is none"),
        (deep, 2, "frozen 'b' of layer 1: members that share can't have frozen parameters"),
    ]:
        with pytest.raises(SettingsError, match=message):
            tabm_shapes(network, members)
    with pytest.raises(SettingsError, match="sharing 'tab' is unknown: choose none, tabm"):
        StepSettings(sharing="tab")
    with pytest.raises(SettingsError, match="lbfgs minimizes each member's cost alone"):
        StepSettings(optimizer("lbfgs"), sharing="tabm")
