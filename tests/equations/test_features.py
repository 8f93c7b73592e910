"""The feature stage: a number and a category by hand, gradients by differences and by JAX, and what is refused."""

import numpy as np
import pytest

from chainrule.equations.dense import Dense
from chainrule.equations.features import Features
from chainrule.equations.network import Network
from chainrule.errors import SettingsError

STAGE = Features(
    [("plain", 1), ("number", 1), ("category", 3), ("number", 1), ("plain", 2)],
    scale=True, waves=4, width=2, level_width=2,
)  # fmt: skip


def drawn(stage: Features, seed: int = 0, members: int | None = None):
    """A network behind the stage, parameters and rows, all drawn."""
    network = Network([stage.n_inputs, Dense(3, "tanh"), Dense(2)], features=stage)
    draws = np.random.default_rng(seed)
    lead = () if members is None else (members,)
    p = {
        number: {name: draws.normal(size=(*lead, *shape)) for name, shape in own.items()}
        for number, own in network.shapes().items()
    }
    return network, p, draws.normal(size=(5, stage.n_inputs)), draws.normal(size=(5, 2))


def test_a_number_by_hand():
    # x = 0.5, one cosine with f = 0.5, phi = pi/2: the angle is 2 pi 0.25 + pi/2 = pi, its cosine -1, its sine 0.
    # e = (0.5, -1·3 + 0.25) = (0.5, -2.75); a = s e = (2·0.5, 4·-2.75) = (1, -11)
    stage = Features(["number"], scale=True, waves=1, width=1)
    p = {
        "f": np.array([[0.5]]), "phi": np.array([[np.pi / 2]]), "V": np.array([[[3.0]]]), "c": np.array([[0.25]]),
        "s": np.array([2.0, 4.0]),
    }  # fmt: skip
    x = np.array([[0.5]])
    record = stage.forward(p, x, np)
    assert record.u.item() == -1.0
    assert record.e.tolist() == [[0.5, -2.75]]
    assert record.a.tolist() == [[1.0, -11.0]]
    # dC/da = (1, 10): dC/ds = da e = (0.5, -27.5), dC/de = da s = (2, 40), dC/dV = 40·-1, dC/dc = 40, dC/du = 40·3 = 120;
    # the cosine is at its lowest point, so nothing comes through it: dC/df = dC/dphi = 0, dC/dx = dC/de_1 = 2
    back = stage.backward(p, x, record, np.array([[1.0, 10.0]]), np)
    found = {name: array.reshape(-1) for name, array in back.parameters.items()}
    np.testing.assert_allclose(found["s"], [0.5, -27.5])
    np.testing.assert_allclose([found["V"].item(), found["c"].item(), back.du.item()], [-40.0, 40.0, 120.0])
    np.testing.assert_allclose([found["f"].item(), found["phi"].item()], 0.0, atol=1e-13)
    np.testing.assert_allclose(back.x, [[2.0]])
    # With phi = 0 the angle is pi/2, where -sin is -1: dC/dphi = -120, dC/df = -120·2 pi·0.5, dC/dx = 2 - 120·2 pi·0.5
    p["phi"] = np.zeros((1, 1))
    back = stage.backward(p, x, stage.forward(p, x, np), np.array([[1.0, 10.0]]), np)
    np.testing.assert_allclose(back.parameters["phi"], -120.0)
    np.testing.assert_allclose(back.parameters["f"], -120 * np.pi)
    np.testing.assert_allclose(back.x, [[2 - 120 * np.pi]])


def test_a_category_by_hand():
    # The second of two levels: e is the second row of E; its gradient gets dC/da, the first row's stays 0.
    stage = Features([("category", 2)], level_width=3)
    p = {"E": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])}
    x, da = np.array([[0.0, 1.0]]), np.array([[1.0, -1.0, 2.0]])
    record = stage.forward(p, x, np)
    assert record.a.tolist() == [[4.0, 5.0, 6.0]]
    back = stage.backward(p, x, record, da, np)
    assert back.parameters["E"].tolist() == [[0.0, 0.0, 0.0], [1.0, -1.0, 2.0]]
    # dC/dx = E da: 1 - 2 + 6 and 4 - 5 + 12
    assert back.x.tolist() == [[5.0, 11.0]]


@pytest.mark.parametrize("members", [None, 2])
def test_gradients_are_those_of_central_differences(members):
    network, p, x, y = drawn(STAGE, members=members)
    made = network.backward(p, network.forward(p, x, np), y, np)
    h = 1e-6
    for number, own in p.items():
        for name, array in own.items():
            shape = array.shape[len(array.shape) - len(network.shapes()[number][name]) :]
            for place in np.ndindex(shape):
                costs = []
                for step in (h, -h):
                    moved = {n: dict(arrays) for n, arrays in p.items()}
                    moved[number][name] = array.copy()
                    moved[number][name][(..., *place)] += step
                    costs.append(network.cost(network.forward(moved, x, np), y, np))
                found = made.parameters[number][name][(..., *place)]
                np.testing.assert_allclose(found, (costs[0] - costs[1]) / (2 * h), rtol=1e-5, atol=1e-7)
    for place in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[place] += h
        down[place] -= h
        costs = [network.cost(network.forward(p, rows, np), y, np) for rows in (up, down)]
        np.testing.assert_allclose(
            made.x[(..., *place)], (costs[0] - costs[1]) / (2 * h), rtol=1e-5, atol=1e-7
        )


def test_members_are_ordinary_networks():
    network, p, x, y = drawn(STAGE, members=3)
    whole = network.backward(p, network.forward(p, x, np), y, np)
    for member in range(3):
        own = {n: {name: array[member] for name, array in arrays.items()} for n, arrays in p.items()}
        alone = network.backward(own, network.forward(own, x, np), y, np)
        np.testing.assert_allclose(whole.x[member], alone.x, rtol=1e-12)
        for name, array in alone.parameters[0].items():
            np.testing.assert_allclose(whole.parameters[0][name][member], array, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("scale", [True, False])
def test_plain_columns_alone_pass_through(scale):
    stage = Features([("plain", 2), ("plain", 1)], scale=scale)
    p = {"s": np.array([1.0, 2.0, -1.0])} if scale else {}
    a = stage.forward(p, np.array([[3.0, 5.0, 7.0]]), np).a
    assert a.tolist() == [[3.0, 10.0, -7.0] if scale else [3.0, 5.0, 7.0]]


def test_a_network_with_a_stage_is_written_and_read_back():
    network, *_ = drawn(Features([*STAGE.groups], scale=True, std=0.5, rates={"s": 2.0}))
    again = Network.from_dict(network.to_dict())
    assert again == network
    assert hash(again) == hash(network)
    assert again.features.rate("s") == 2.0
    assert again.features.rate("f") == 0.1
    assert "features" not in Network([2, Dense(1)]).to_dict()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Features([]), "at least one group"),
        (lambda: Features([("word", 1)]), "group ('word', 1) is unknown: choose number, category, plain"),
        (lambda: Features([("number", 2)]), "a group of kind number has one column, not 2"),
        (lambda: Features([("plain", 0)]), "a whole number of columns, at least 1, not 0"),
        (lambda: Features(["number"], waves=0), "waves 0 must be a whole number of at least 1"),
        (lambda: Features(["number"], std=0.0), "std 0.0 of the frequencies must be a number above 0"),
        (lambda: Features(["number"], scale=1), "scale 1 must be True or False"),
        (lambda: Features(["number"], rates={"s": 2}), "there is no parameter 's'; the feature stage has f, phi"),
        (lambda: Features(["number"], rates={"f": 0}), "the factor 0 of f must be a number above 0"),
        (lambda: Network([3, Dense(1)], features=Features(["number"])), "1 columns doesn't fit a network of 3"),
        (lambda: Features.from_dict({"groups": [["plain", 1]], "more": 1}), "not the description of a feature"),
    ],
)  # fmt: skip
def test_what_is_no_stage_is_told(make, told):
    with pytest.raises(SettingsError) as caught:
        make()
    assert told in str(caught.value)


def test_gradients_are_those_of_jax():
    jax = pytest.importorskip("jax")
    network, p, x, y = drawn(STAGE, seed=3)
    with jax.enable_x64(True):
        jnp = jax.numpy

        def cost(parameters, rows):
            return network.cost(network.forward(parameters, rows, jnp), y, jnp)

        by_parameters, by_rows = jax.jit(jax.grad(cost, argnums=(0, 1)))(p, x)
        made = network.backward(p, network.forward(p, x, np), y, np)
        np.testing.assert_allclose(made.x, by_rows, rtol=1e-10, atol=1e-12)
        assert set(made.parameters) == set(by_parameters)
        for number, own in made.parameters.items():
            for name, array in own.items():
                np.testing.assert_allclose(array, by_parameters[number][name], rtol=1e-10, atol=1e-12)
