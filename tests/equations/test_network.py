"""Forward and backward of networks of any shape, against differences, JAX and numbers worked by hand."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.equations.activations import ACTIVATIONS, Activation
from chainrule.equations.dense import Dense
from chainrule.equations.losses import LOSSES, loss
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from effort import many, one_in
from networks import (
    Case,
    backward_of,
    case_of,
    cases,
    check_by_differences,
    check_by_jax,
    is_smooth,
    outputs_of,
    specs,
)


@given(cases())
@settings(max_examples=many(250))
def test_every_gradient_is_its_central_difference(case):
    check_by_differences(case)


@given(cases(deepest=1))
@settings(max_examples=many(12))
def test_every_gradient_is_that_of_jax(case):
    check_by_jax(case)


@pytest.mark.parametrize("cost", specs(LOSSES))
def test_every_loss_with_every_output_has_the_gradient_of_its_differences(cost):
    rng = np.random.default_rng(5)
    for output in outputs_of(cost):
        network = Network([2, Dense(3, "tanh"), Dense(3, output)], cost)
        check_by_differences(smooth_case(network, rng, 3))


@pytest.mark.parametrize("name", specs(ACTIVATIONS))
def test_every_activation_has_the_gradient_of_jax(name):
    rng = np.random.default_rng(6)
    if ACTIVATIONS[name.split("(")[0]].output_only:
        layers = [2, Dense(3, name)]
    else:
        layers = [2, Dense(3, name), Dense(2, name)]
    check_by_jax(smooth_case(Network(layers, "half_squared_error"), rng, 3))


def smooth_case(network, rng, n, members=(), weighted="no") -> Case:
    """The first of random cases that is away from kinks."""
    return next(
        case for case in iter(lambda: case_of(network, rng, n, members, weighted), None) if is_smooth(case)
    )


# ---- the checks see what they are for


class _NoSlope(Activation):
    def prime(self, z, xp):
        return xp.ones_like(z)


class _NotTransposed(Dense):
    def by_entering(self, p, delta, xp):
        return xp.matmul(delta, p["W"])


class _LostBias(Dense):
    def by_parameters(self, h, record, da, delta, xp):
        return super().by_parameters(h, record, da, delta, xp) | {"b": delta[..., 0, :]}


class _MaskForgotten(Dense):
    def backward(self, p, h, record, dh, xp, delta=None):
        return super().backward(p, h, record._replace(mask=None), dh, xp, delta)


class _MixNotWeighed(Dense):
    def by_parameters(self, h, record, da, delta, xp):
        return super().by_parameters(h, record, xp.ones_like(da), delta, xp)


class _SlopeNotMixed(Dense):
    def slope(self, p, z, xp):
        return self.activation.prime(z, xp)


class _NotScaledBack(Dense):
    def by_parameters(self, h, record, da, delta, xp):
        return super().by_parameters(h, record, da, delta * np.sqrt(h.shape[-1]), xp)


class _NoShare(Network):
    def backward(self, p, record, y, xp, weights=None):
        made = Network([self.n_inputs, *self.layers], self.loss, "sum").backward(p, record, y, xp, weights)
        return made._replace(cost=self.cost(record, y, xp, weights))


class _NoWeights(Network):
    def backward(self, p, record, y, xp, weights=None):
        return super().backward(p, record, y, xp)._replace(cost=self.cost(record, y, xp, weights))


SIGMOID = ACTIVATIONS["sigmoid"]
OFF = replace(SIGMOID, derivative=lambda z, xp: 1.001 * SIGMOID.prime(z, xp))
SHARED = replace(loss("mean_squared_error"), derivative=lambda a, y, xp: 2.002 * (a - y))
PLANTED = {
    "slope off by 0.1 %": Network([3, Dense(3, OFF), Dense(3, "tanh")]),
    "loss's slope off by 0.1 %": Network([3, Dense(3, "tanh"), Dense(3, "tanh")], SHARED),
    "f' missing": Network(
        [3, Dense(3, _NoSlope("sigmoid", SIGMOID.text, "", SIGMOID.function)), Dense(3, "tanh")]
    ),
    "W not transposed": Network([3, Dense(3, "tanh"), _NotTransposed(3, "tanh")]),
    "bias of one row": Network([3, _LostBias(3, "tanh"), Dense(3, "tanh")]),
    "mask forgotten": Network([3, _MaskForgotten(3, "tanh", dropout=0.5), Dense(3, "tanh")]),
    "mix not weighed": Network([3, _MixNotWeighed(3, "tanh", mix=True), Dense(3, "tanh")]),
    "slope not mixed": Network([3, _SlopeNotMixed(3, "tanh", mix=True), Dense(3, "tanh")]),
    "not scaled back": Network([3, _NotScaledBack(3, "tanh", parametrization="ntk"), Dense(3, "tanh")]),
    "1/n missing": _NoShare([3, Dense(3, "tanh"), Dense(3, "tanh")]),
    "weights forgotten": _NoWeights([3, Dense(3, "tanh"), Dense(3, "tanh")]),
}


@pytest.mark.parametrize("check", [check_by_differences, check_by_jax])
@pytest.mark.parametrize("name", one_in(2, PLANTED))
def test_planted_errors_are_seen(name, check):
    planted = PLANTED[name]
    first = planted.layers[0]
    own = Dense(3, "tanh", dropout=0.5, mix=first.mix, parametrization=first.parametrization)
    right = Network([3, own, Dense(3, "tanh")], planted.loss.name)
    rng = np.random.default_rng(1)
    case = smooth_case(right, rng, 4, (), "rows")
    check(case)
    masks = case.masks if planted.layers[0].dropout else None
    with pytest.raises(AssertionError):
        check(case._replace(network=planted, masks=masks))


@pytest.mark.parametrize("number", [-1, 0, 3])
def test_a_layer_that_is_not_there_is_told(number):
    network = Network([2, Dense(3, "tanh"), Dense(1)])
    with pytest.raises(SettingsError, match=f"there is no layer {number}: the network has layers 1 to 2"):
        network.part(number)
    assert network.part(2) is network.output


# ---- numbers worked by hand


def test_one_step_of_hand():
    # 2-2-1, identity then identity, so that every number is a product of small ones.
    # z1 = x W1 + b1 = (1, 2) [[1, 0], [1, -1]] + (0, 1) = (3, -1); relu: (3, 0); z2 = 3·2 + 0·5 - 1 = 5
    # y = 4: C = 1/2; delta2 = 1; dW2 = (3, 0); dh1 = (2, 5); delta1 = (2, 0); dW1 = [[2, 0], [4, 0]]; dx = (2, 2)
    network = Network([2, Dense(2, "relu"), Dense(1)], "half_squared_error")
    p = {
        1: {"W": np.array([[1.0, 0.0], [1.0, -1.0]]), "b": np.array([0.0, 1.0])},
        2: {"W": np.array([[2.0], [5.0]]), "b": np.array([-1.0])},
    }
    record = network.forward(p, np.array([[1.0, 2.0]]), np)
    np.testing.assert_array_equal(record.layers[0].z, [[3.0, -1.0]])
    np.testing.assert_array_equal(record.layers[0].a, [[3.0, 0.0]])
    np.testing.assert_array_equal(record.a, [[5.0]])
    gradients = network.backward(p, record, np.array([[4.0]]), np)
    assert gradients.cost == 0.5
    np.testing.assert_array_equal(gradients.layers[1].delta, [[1.0]])
    np.testing.assert_array_equal(gradients.layers[0].delta, [[2.0, 0.0]])
    np.testing.assert_array_equal(gradients.parameters[2]["W"], [[3.0], [0.0]])
    np.testing.assert_array_equal(gradients.parameters[2]["b"], [1.0])
    np.testing.assert_array_equal(gradients.parameters[1]["W"], [[2.0, 0.0], [4.0, 0.0]])
    np.testing.assert_array_equal(gradients.parameters[1]["b"], [2.0, 0.0])
    np.testing.assert_array_equal(gradients.x, [[2.0, 2.0]])


def test_a_mask_of_hand():
    # h = a · r: of a = (3, 4) the first is dropped and the second doubled: z2 = 8; delta2 = 8; dW2 = (0, 64);
    # dh = (8, 8), da = dh · r = (0, 16)
    network = Network([1, Dense(2, dropout=0.5, bias="none"), Dense(1, bias="none")], "half_squared_error")
    p = {1: {"W": np.array([[3.0, 4.0]])}, 2: {"W": np.array([[1.0], [1.0]])}}
    record = network.forward(p, np.ones((1, 1)), np, [np.array([[0.0, 2.0]]), None])
    assert record.a == 8.0
    gradients = network.backward(p, record, np.zeros((1, 1)), np)
    np.testing.assert_array_equal(gradients.parameters[2]["W"], [[0.0], [64.0]])
    np.testing.assert_array_equal(gradients.layers[0].delta, [[0.0, 16.0]])


def test_a_shared_bias_gets_the_sum_of_its_neurons():
    rng = np.random.default_rng(2)
    own = Network([2, Dense(3, "tanh"), Dense(2, "sigmoid")])
    shared = Network([2, Dense(3, "tanh", bias="layer"), Dense(2, "sigmoid", bias="layer")])
    case = case_of(own, rng, 4)
    biases, sizes = {1: 0.3, 2: -0.7}, {1: 3, 2: 2}
    one = {n: {**arrays, "b": np.array([biases[n]])} for n, arrays in case.p.items()}
    same = {n: {**arrays, "b": np.full(sizes[n], biases[n])} for n, arrays in case.p.items()}
    got = backward_of(case._replace(network=shared, p=one)).parameters
    want = backward_of(case._replace(p=same)).parameters
    for of_shared, of_own in ((got[number], want[number]) for number in (1, 2)):
        assert of_shared["b"].shape == (1,)
        np.testing.assert_allclose(of_shared["b"], [of_own["b"].sum()], rtol=1e-14)
        np.testing.assert_array_equal(of_shared["W"], of_own["W"])


def test_without_biases_a_network_is_one_whose_biases_are_zero():
    rng = np.random.default_rng(3)
    none = Network([2, Dense(3, "tanh", bias="none"), Dense(2, "sigmoid", bias="none")])
    own = Network([2, Dense(3, "tanh"), Dense(2, "sigmoid")])
    case = case_of(none, rng, 4)
    sizes = {1: 3, 2: 2}
    zero = {number: {**arrays, "b": np.zeros(sizes[number])} for number, arrays in case.p.items()}
    got, want = backward_of(case), backward_of(case._replace(network=own, p=zero))
    assert got.cost == want.cost
    for number, without in got.parameters.items():
        with_zero = want.parameters[number]
        assert set(without) == {"W"}
        np.testing.assert_array_equal(without["W"], with_zero["W"])


# ---- members, rows, batches


@given(cases())
@settings(max_examples=many(60))
def test_members_in_one_call_are_the_members_one_by_one(case):
    members = (3,)
    rng = np.random.default_rng(9)
    p = {n: {k: v if v.ndim > len(s) and v.shape[0] == 3 else np.stack([np.squeeze(v, 0) if v.ndim > len(s) else v] * 3)
          + rng.normal(size=(3, *s)) * 0.1 for (k, v), s in zip(case.p[n].items(), shapes.values(), strict=True)}
         for n, shapes in case.network.shapes().items()}  # fmt: skip
    weights = None if case.weights is None else np.broadcast_to(case.weights, (*members, len(case.x)))
    masks = case.masks and [
        None if m is None else np.broadcast_to(m, (*members, *m.shape[-2:])) for m in case.masks
    ]
    together = backward_of(case._replace(p=p, weights=weights, masks=masks))
    assert together.cost.shape == members
    for k in range(3):
        alone = backward_of(
            case._replace(
                p={n: {name: v[k] for name, v in arrays.items()} for n, arrays in p.items()},
                weights=None if weights is None else weights[k],
                masks=masks and [None if m is None else m[k] for m in masks],
            )
        )
        np.testing.assert_allclose(together.cost[k], alone.cost, rtol=1e-13)
        for number, want in alone.parameters.items():
            for name in want:
                got = together.parameters[number][name][k]
                np.testing.assert_allclose(got, want[name], rtol=1e-11, atol=1e-13)


@given(cases(), st.sampled_from(["mean", "sum"]))
@settings(max_examples=many(60))
def test_a_table_is_the_weighted_sum_of_its_rows(case, reduction):
    network = Network([case.network.n_inputs, *case.network.layers], case.network.loss, reduction)
    n = len(case.x)
    case = case._replace(network=network, weights=None if case.weights is None else case.weights + 0.1)
    whole = backward_of(case)
    weights = np.ones(n) if case.weights is None else case.weights
    shares = weights / weights.sum(axis=-1, keepdims=True) if reduction == "mean" else weights
    total = {number: dict.fromkeys(arrays, 0.0) for number, arrays in case.p.items()}
    cost = 0.0
    for i in range(n):
        masks = case.masks and [None if m is None else m[..., i : i + 1, :] for m in case.masks]
        row = backward_of(Case(network, case.p, case.x[i : i + 1], case.y[i : i + 1], None, masks))
        share = shares[..., i]
        cost = cost + share * row.cost
        for number, shapes in network.shapes().items():
            for name, array in row.parameters[number].items():
                spread = np.reshape(share, (*np.shape(share), *(1,) * len(shapes[name])))
                total[number][name] = total[number][name] + spread * array
    np.testing.assert_allclose(whole.cost, cost, rtol=1e-12)
    for number, got in whole.parameters.items():
        want = total[number]
        for name in got:
            np.testing.assert_allclose(got[name], want[name], rtol=1e-10, atol=1e-12)


def test_scaling_all_weights_changes_the_mean_by_nothing():
    rng = np.random.default_rng(4)
    network = Network([2, Dense(3, "tanh"), Dense(2, "softmax")], "categorical_cross_entropy")
    case = case_of(network, rng, 5, (), "rows")
    once, thrice = backward_of(case), backward_of(case._replace(weights=case.weights * 3))
    np.testing.assert_allclose(once.cost, thrice.cost, rtol=1e-14)
    np.testing.assert_allclose(once.parameters[1]["W"], thrice.parameters[1]["W"], rtol=1e-12)
    whole = backward_of(case._replace(weights=np.ones(5)))
    np.testing.assert_array_equal(whole.cost, backward_of(case._replace(weights=None)).cost)
    assert not np.allclose(whole.cost, once.cost)


# ---- descriptions and mistakes


@given(cases())
@settings(max_examples=many(30))
def test_a_network_comes_back_from_its_description(case):
    again = Network.from_dict(case.network.to_dict())
    assert again == case.network
    assert hash(again) == hash(case.network)
    np.testing.assert_array_equal(
        again.forward(case.p, case.x, np).a, case.network.forward(case.p, case.x, np).a
    )


def test_networks_that_differ_are_different():
    base = Network([2, Dense(2, "tanh")], "half_squared_error")
    others = [
        Network([2, Dense(2, "tanh")], "mean_squared_error"),
        Network([2, Dense(2, "tanh")], "half_squared_error", "sum"),
        Network([2, Dense(2, "sigmoid")], "half_squared_error"),
        Network([2, Dense(2, "tanh", bias="layer")], "half_squared_error"),
        Network([2, Dense(2, "tanh", frozen=["W"])], "half_squared_error"),
        Network([3, Dense(2, "tanh")], "half_squared_error"),
    ]
    assert all(other != base for other in others)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Network([]), "at least 1, not 0"),
        (lambda: Network([2]), "come one or more layers"),
        (lambda: Network([2, 3]), "come one or more layers"),
        (lambda: Network([0, Dense(1)]), "at least 1, not 0"),
        (lambda: Network([True, Dense(1)]), "not True"),
        (lambda: Network([2, Dense(2, "softmax"), Dense(1)]), "softmax in layer 1"),
        (lambda: Network([2, Dense(1, dropout=0.5)]), "can't have dropout"),
        (lambda: Network([2, Dense(1)], reduction="median"), "'median' is unknown"),
        (lambda: Network([2, Dense(1)], "foo"), "unknown loss 'foo'"),
        (lambda: Dense(0), "at least 1, not 0"),
        (lambda: Dense(2.0), "not 2.0"),
        (lambda: Dense(True), "not True"),
        (lambda: Dense(2, "foo"), "unknown activation 'foo'"),
        (lambda: Dense(2, bias="both"), "'both' is unknown"),
        (lambda: Dense(2, dropout=1.0), "less than 1"),
        (lambda: Dense(2, dropout="0.5"), "dropout '0.5'"),
        (lambda: Dense(1, init=[[float("nan")]]), "not a finite number"),
        (lambda: Dense(1, init=[[1j]]), "not a finite number"),
        (lambda: Network.from_dict({}), "not the description of a network"),
        (lambda: Network.from_dict({"n_inputs": 1, "layers": [5]}), "not the description of a network"),
        (lambda: Network.from_dict({"n_inputs": 1, "layers": None}), "not the description of a network"),
        (
            lambda: Network.from_dict(Network([1, Dense(1)]).to_dict() | {"layers": [{"kind": "conv"}]}),
            "unknown kind of layer 'conv'",
        ),
        (
            lambda: Network.from_dict(
                Network([1, Dense(1)]).to_dict()
                | {"layers": [{"kind": "dense", "n_out": 1, "activation": "tanh", "evil": 1}]}
            ),
            "not the description of a network",
        ),
    ],
)
def test_mistakes_are_said_in_one_line(make, says):
    with pytest.raises(SettingsError) as caught:
        make()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_of_the_wrong_width_are_named():
    network = Network([2, Dense(1)])
    with pytest.raises(SettingsError, match="rows of 3 inputs don't fit a network of 2"):
        network.forward({1: {"W": np.zeros((2, 1)), "b": np.zeros(1)}}, np.zeros((1, 3)), np)


def test_a_copied_or_pickled_network_is_the_same():
    network = Network(
        [
            2,
            Dense(3, "leaky_relu(alpha=0.1)", bias="layer", dropout=0.2, frozen=["b"]),
            Dense(1, "z/(1+abs(z))"),
        ],
        "(a-y)^4",
        "sum",
    )
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert other is not network
        assert other == network
        assert other.to_dict() == network.to_dict()
