"""The equations under several array namespaces: the same values, inputs untouched, no branch on a value."""

from collections.abc import Callable
from typing import Any, NamedTuple

import array_api_strict
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.dense import Dense
from chainrule.equations.initializers import INITIALIZERS
from chainrule.equations.losses import LOSSES
from chainrule.equations.network import Network
from chainrule.equations.optimizers import OPTIMIZERS, OptimizerState
from chainrule.equations.regularizers import dropout_mask, penalty
from chainrule.equations.schedules import SCHEDULES
from chainrule.equations.update import KEEP, STAGES, norm_of
from networks import Case, case_of, outputs_of


class Namespace(NamedTuple):
    """A namespace, its arrays made of NumPy's, and whether functions run traced (`jax.jit`)."""

    xp: Any
    array: Callable[[np.ndarray], Any]
    compiled: bool = False


def read_only(array: np.ndarray) -> np.ndarray:
    copy = np.array(array)
    copy.flags.writeable = False
    return copy


NAMESPACES = {
    "numpy": Namespace(np, np.array),
    "read-only": Namespace(np, read_only),
    "array_api_strict": Namespace(array_api_strict, array_api_strict.asarray),
    "jax.jit": Namespace(jnp, jnp.asarray, compiled=True),
}


@pytest.fixture(params=NAMESPACES)
def namespace(request) -> Namespace:
    return NAMESPACES[request.param]


def same(function: Callable[..., Any], namespace: Namespace, *arrays: Any, rtol: float = 1e-12) -> None:
    """Assert that ``function(xp, *arrays)`` gives what it gives with NumPy, and leaves the arrays alone."""
    want = function(np, *arrays)
    made = jax.tree.map(namespace.array, arrays)
    before = jax.tree.map(lambda array: np.array(array), made)
    if namespace.compiled:
        got = jax.jit(lambda *given: function(namespace.xp, *given))(*made)
    else:
        got = function(namespace.xp, *made)
    kind = type(namespace.array(np.zeros(1)))
    leaves, wanted = jax.tree.leaves(got), jax.tree.leaves(want)
    assert len(leaves) == len(wanted) > 0
    for leaf, number in zip(leaves, wanted, strict=True):
        assert isinstance(leaf, kind | np.generic)
        result = np.asarray(leaf)
        assert (result.shape, result.dtype) == (np.shape(number), np.asarray(number).dtype)
        np.testing.assert_allclose(result, number, rtol=rtol, atol=1e-300)
    for untouched, array in zip(jax.tree.leaves(before), jax.tree.leaves(made), strict=True):
        np.testing.assert_array_equal(untouched, np.asarray(array))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_activations(dtype, namespace):
    z = np.array([[-60.0, -1.5, 0.0], [0.3, 2.0, 40.0]], dtype)

    def all_of_them(xp: Any, z: Any) -> Any:
        made = {}
        for name, record in ACTIVATIONS.items():
            a = record(z, xp)
            made[name] = [a, record.backward(z, a, z - 1, xp)]
            if record.elementwise:
                made[name].append(record.prime(z, xp))
        return made

    same(all_of_them, namespace, z, rtol=3e-6 if dtype is np.float32 else 1e-12)


def test_losses(namespace):
    z = np.array([[-3.0, 0.5, 1.0], [30.0, -0.25, 2.0]])
    y = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])

    def all_of_them(xp: Any, z: Any, y: Any) -> Any:
        made = {}
        for name, record in LOSSES.items():
            output = ACTIVATIONS[record.output]
            a = output(z, xp)
            made[name] = [record.value(a, y, xp), record.prime(a, y, xp)]
            made[name] += [record.of_rows(z, a, y, output, xp), record.delta(z, a, y, output, xp)]
        return made

    same(all_of_them, namespace, z, y)


def step(xp: Any, case: Case, arrays: Any) -> Any:
    p, x, y, weights, masks = arrays
    record = case.network.forward(p, x, xp, masks)
    return record, case.network.backward(p, record, y, xp, weights), case.network.cost(record, y, xp, weights)


@pytest.mark.parametrize("members", [(), (2,)])
@pytest.mark.parametrize("cost", ["categorical_cross_entropy(label_smoothing=0.1)", "mean_squared_error"])
def test_forward_and_backward(cost, members, namespace):
    network = Network(
        [
            3,
            Dense(4, "gelu", dropout=0.5),
            Dense(3, "mish", bias="layer"),
            Dense(2, outputs_of(cost)[-2], bias="none"),
        ],
        cost,
    )
    case = case_of(network, np.random.default_rng(1), 5, members, "rows")
    arrays = (case.p, case.x, case.y, case.weights, case.masks)
    same(lambda xp, *given: step(xp, case, given), namespace, *arrays, rtol=1e-11)


def test_optimizers(namespace):
    w, g = np.array([[1.0, -2.0, 0.5]]), np.array([[0.1, 1e-9, -3.0]])

    def two_steps_of_each(xp: Any, w: Any, g: Any) -> Any:
        made = {}
        for name, record in OPTIMIZERS.items():
            if not record.lines:  # L-BFGS is SciPy's
                continue
            state = record.init(w, xp)
            after, state, _ = record.update(w, g, state, 0.05, xp)
            after, state, lines = record.update(after, g * 2, state, 0.05, xp)
            made[name] = [after, state.arrays, lines]
        return made

    same(two_steps_of_each, namespace, w, g)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_update_compiles_once_for_all_steps(dtype):
    record = OPTIMIZERS["adam"]
    traces = 0

    @jax.jit
    def update(w: Any, g: Any, state: OptimizerState, eta: Any) -> Any:
        nonlocal traces
        traces += 1
        return record.update(w, g, state, eta, jnp)[:2]

    w, g = np.array([1.0, -2.0], dtype), np.array([0.25, 3.0], dtype)
    got, state = jnp.asarray(w), record.init(jnp.asarray(w), jnp)
    want, reference = w, record.init(w, np)
    for eta in (0.1, 0.05, 0.025):
        got, state = update(got, jnp.asarray(g), state, eta)
        want, reference, _ = record.update(want, g, reference, eta, np)
    assert got.dtype == dtype
    assert int(state.t) == reference.t == 3
    assert traces <= 2  # the first t is a Python number, the next are arrays
    np.testing.assert_allclose(got, want, rtol=1e-5 if dtype is np.float32 else 1e-13)


def test_schedules(namespace):
    t = np.arange(6.0)
    same(lambda xp, t: {n: r.rates(0.1, t, 10, 3, 1, 2, xp) for n, r in SCHEDULES.items()}, namespace, t)


def test_initializers(namespace):
    draws = np.linspace(0.0, 0.9, 6).reshape(2, 3)
    same(lambda xp, draws: {n: r(draws, 2, 3, xp) for n, r in INITIALIZERS.items()}, namespace, draws)


def test_regularizers(namespace):
    w, g = (
        np.array([[1.0, -2.0, 0.0, 3.0], [0.5, 0.5, -1.0, 2.0]]),
        np.array([[3.0, 0, 4.0, 0], [0.1, 0, 0, 0]]),
    )
    decayed = np.array([1.0, 1.0, 1.0, 0.0])

    def all_of_them(xp: Any, w: Any, g: Any, decayed: Any, u: Any) -> Any:
        values = {
            "w": w,
            "g": g,
            "start": w,
            "free": decayed,
            "decayed": decayed,
            "eta": 0.1,
            "l1": 0.1,
            "l2": 0.2,
        }
        values |= {"limit": 1.0, "norm": norm_of(g, 1.0, xp), "decay": 0.5}
        stages = [stage.run(values, xp)[stage.sets] for stage in (*STAGES, KEEP)]
        return [penalty(w, decayed, 0.1, 0.2, xp), *stages, dropout_mask(u, 0.25, xp)]

    same(all_of_them, namespace, w, g, decayed, np.array([0.0, 0.2, 0.25, 0.9]))


def test_a_change_of_an_input_is_seen():
    def shifting(xp: Any, z: Any) -> Any:
        z += 1
        return z * 1.0

    with pytest.raises(AssertionError):
        same(shifting, NAMESPACES["numpy"], np.zeros(2))
    with pytest.raises(ValueError, match="read-only"):
        same(shifting, NAMESPACES["read-only"], np.zeros(2))


def test_a_branch_on_a_value_is_seen():
    with pytest.raises(jax.errors.TracerBoolConversionError):
        same(lambda xp, z: z if z[0] > 0 else -z, NAMESPACES["jax.jit"], np.ones(2))


def test_a_function_outside_the_standard_is_seen():
    with pytest.raises(AttributeError):
        same(lambda xp, z: xp.nan_to_num(z), NAMESPACES["array_api_strict"], np.ones(2))
