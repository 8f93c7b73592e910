"""Initial parameters: where numbers are given, where they are drawn, and from what."""

import math

import numpy as np
import pytest

from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from chainrule.training.initial import initial_parameters


def arrays(network, members=1, seed=0, **more):
    return Layout(network).unflatten(initial_parameters(network, members, seed, **more))


def test_given_arrays_are_taken_as_they_are():
    given = [[0.15, 0.25], [0.20, 0.30]]
    for init in (given, np.array(given), tuple(map(tuple, given))):
        p = arrays(Network([2, Dense(2, init=init, bias_init=[0.35, 0.6])]), 2)
        assert p[1]["W"].tolist() == [given, given]
        assert p[1]["b"].tolist() == [[0.35, 0.6]] * 2
    shared = arrays(Network([2, Dense(2, bias="layer", bias_init=[0.35])]))
    assert shared[1]["b"].tolist() == [[0.35]]


def test_none_among_given_numbers_is_drawn_as_it_would_have_been():
    plain = arrays(Network([2, Dense(3, "tanh", bias_init="normal")]))[1]
    init = [[1.0, None, None], [None, 2.0, None]]
    mixed = arrays(Network([2, Dense(3, "tanh", init=init, bias_init=[None, 7.0, None])]))[1]
    want = plain["W"].copy()
    want[0, 0, 0], want[0, 1, 1] = 1.0, 2.0
    np.testing.assert_array_equal(mixed["W"], want)
    assert mixed["b"].tolist() == [[0.0, 7.0, 0.0]]


def test_every_layer_has_its_own_initializer():
    network = Network(
        [3, Dense(4, init="constant(value=0.1)"), Dense(2, init="zeros", bias_init="constant(value=5)")]
    )
    p = arrays(network)
    assert (p[1]["W"] == 0.1).all()
    assert (p[1]["b"] == 0).all()
    assert (p[2]["W"] == 0).all()
    assert (p[2]["b"] == 5).all()


@pytest.mark.parametrize("name", [name for name, record in ACTIVATIONS.items() if not record.output_only])
def test_auto_is_what_suits_the_activation(name):
    network = Network([100, Dense(200, name), Dense(1)])
    named = Network([100, Dense(200, name, init=ACTIVATIONS[name].init), Dense(1)])
    w = arrays(network)[1]["W"]
    np.testing.assert_array_equal(w, arrays(named)[1]["W"])
    variance = {"glorot_uniform": 2 / 300, "he_normal": 2 / 100, "lecun_normal": 1 / 100}[
        ACTIVATIONS[name].init
    ]
    # 20,000 numbers: the variance's standard error is at most 1 %
    assert float(w.var()) == pytest.approx(variance, rel=0.06)
    assert abs(float(w.mean())) < 6 * math.sqrt(variance / w.size)
    if ACTIVATIONS[name].init == "glorot_uniform":
        assert np.abs(w).max() <= math.sqrt(6 / 300)
        assert np.abs(w).max() > 0.99 * math.sqrt(6 / 300)


NETWORK = Network([3, Dense(5, "relu"), Dense(2)])


def test_the_same_seed_gives_the_same_numbers_and_members_do_not_depend_on_their_number():
    five = initial_parameters(NETWORK, 5, 1)
    np.testing.assert_array_equal(five, initial_parameters(NETWORK, 5, 1))
    np.testing.assert_array_equal(five[:2], initial_parameters(NETWORK, 2, 1))
    drawn = Layout(NETWORK).decayed > 0
    for i in range(5):
        for j in range(i):
            assert (five[i][drawn] != five[j][drawn]).all()
    assert (initial_parameters(NETWORK, 5, 2)[:, drawn] != five[:, drawn]).all()
    assert five.dtype == np.float64


def test_the_weights_of_inputs_that_no_row_has_start_at_0():
    seen = arrays(NETWORK, 2)[1]["W"]
    some = arrays(NETWORK, 2, unseen=[1])[1]["W"]
    assert (some[:, 1] == 0).all()
    np.testing.assert_array_equal(some[:, [0, 2]], seen[:, [0, 2]])
    np.testing.assert_array_equal(arrays(NETWORK, 2, unseen=[1])[2]["W"], arrays(NETWORK, 2)[2]["W"])


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (lambda: Dense(2, init=[[1.0, 2.0]]), "W[1] was given as (1, 2), but has the shape (3, 2)"),
        (lambda: Dense(2, init=0.5), "W[1] was given as (), but has the shape (3, 2)"),
        (lambda: Dense(2, init=[[1.0, 2.0], [3.0], [4.0, 5.0]]), "W[1]"),
        (lambda: Dense(2, bias_init=[1.0]), "b[1] was given as (1,), but has the shape (2,)"),
        (
            lambda: Dense(2, bias="layer", bias_init=[1.0, 2.0]),
            "b[1] was given as (2,), but has the shape (1,)",
        ),
        (lambda: Dense(2, init="gloro_uniform"), "did you mean glorot_uniform"),
        (lambda: Dense(2, init=[["a", "b"]] * 3), "W[1]"),
    ],
)
def test_what_does_not_fit_is_named(layer, says):
    with pytest.raises(SettingsError) as caught:
        initial_parameters(Network([3, layer()]), 1, 0)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


# ---- fitted to the training rows

ROWS = np.random.default_rng(5).normal(size=(1500, 5)) * [1, 20, 0.1, 3, 0] + [0, 9, -1, 0, 0]


@pytest.mark.parametrize("parametrization", ["standard", "ntk"])
def test_data_gives_every_z_without_its_bias_mean_square_1(parametrization):
    hidden = [Dense(n, "relu", init="data", parametrization=parametrization, mix=True) for n in (30, 20)]
    network = Network([5, *hidden, Dense(4, init="data", parametrization=parametrization)])
    x = ROWS[:900]  # not more than are looked at
    (p,) = (Layout(network).unflatten(flat) for flat in initial_parameters(network, 1, 3, [4], x))
    record = network.forward(p, x, np)
    for layer, own in zip(record.layers, p.values(), strict=True):
        np.testing.assert_allclose(np.mean((layer.z - own["b"]) ** 2, axis=0), 1.0, rtol=1e-10)
    assert (p[1]["W"][4] == 0).all()  # an input that is 0 in every row
    assert (p[1]["alpha"] == 1).all()
    assert (p[3]["b"] == 0).all()
    for layer, own in zip(record.layers[:2], (p[1], p[2]), strict=True):
        bare = layer.z - own["b"]
        assert (-own["b"] > bare.min(axis=0)).all()  # between the z of rows
        assert (-own["b"] < bare.max(axis=0)).all()
        assert own["b"].std() > 0.1


def test_data_draws_rows_and_directions_by_seed_and_member():
    network = Network([5, Dense(8, "tanh", init="data"), Dense(2, init="data")])
    found = initial_parameters(network, 3, 1, (), ROWS)
    np.testing.assert_array_equal(found[:2], initial_parameters(network, 2, 1, (), ROWS))
    assert not np.array_equal(found[0], found[1])
    assert not np.array_equal(found, initial_parameters(network, 3, 2, (), ROWS))
    # 1000 of 1500 rows: near 1, not exactly
    p = Layout(network).unflatten(found[0])
    squares = np.mean((ROWS @ p[1]["W"]) ** 2, axis=0)
    assert 1e-6 < np.abs(squares - 1).max() < 0.3


def test_data_leaves_given_biases_and_constant_inputs_alone_and_needs_rows():
    network = Network([2, Dense(3, "tanh", init="data", bias_init="constant(value=0.5)"), Dense(1)])
    p = Layout(network).unflatten(initial_parameters(network, 1, 0, (), np.zeros((4, 2)))[0])
    assert (p[1]["b"] == 0.5).all()
    assert np.isfinite(p[1]["W"]).all()
    for rows in (None, np.zeros((0, 2))):
        with pytest.raises(SettingsError, match="init data needs training rows"):
            initial_parameters(network, 1, 0, (), rows)


def test_auto_under_ntk_begins_with_the_same_function():
    x = ROWS[:7]
    outputs = []
    for parametrization in ("standard", "ntk"):
        layers = [
            Dense(4, "relu", parametrization=parametrization),
            Dense(2, parametrization=parametrization),
        ]
        network = Network([5, *layers])
        flat = initial_parameters(network, 1, 9)[0]
        outputs.append(network.forward(Layout(network).unflatten(flat), x, np).a)
    np.testing.assert_allclose(outputs[1], outputs[0], rtol=1e-12)
