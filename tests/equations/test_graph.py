"""Equations on symbols: their graph, printed as NumPy source and run, gives what the equations give on arrays."""

import numpy as np
import pytest
from python_printer import run

from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.graph import Graph, Target
from chainrule.equations.losses import LOSSES
from chainrule.equations.optimizers import OPTIMIZERS
from chainrule.equations.regularizers import penalty
from chainrule.equations.update import chain_of, norm_of, run_chain
from chainrule.errors import SettingsError
from chainrule.formula.differentiate import derivative
from chainrule.formula.functions import FUNCTIONS
from chainrule.formula.parse import parse

SHAPE = ("rows", 4)


def interpreted(traced, **symbols):
    """The value of a node, by the printed program."""
    return run(traced.graph, {"it": traced.graph.whole(traced)}, symbols)["it"]


def beginning(*names):
    xp = Graph(np.float64)
    return (xp, *(xp.input(name, SHAPE) for name in names))


DRAWS = np.random.default_rng(11)
Z = np.concatenate([DRAWS.normal(scale=3, size=(6, 4)), [[0.0, -0.0, 1e300, -1e300]]])


@pytest.mark.parametrize("record", ACTIVATIONS.values(), ids=lambda record: record.name)
def test_activations(record):
    xp, z = beginning("z")
    np.testing.assert_array_equal(interpreted(record(z, xp), z=Z), record(Z, np))
    if record.elementwise:
        slope = interpreted(record.prime(z, xp), z=Z)
        np.testing.assert_array_equal(slope, record.prime(Z, np))


@pytest.mark.parametrize("record", LOSSES.values(), ids=lambda record: record.name)
@pytest.mark.parametrize("output", ["identity", "sigmoid", "softmax", "exponential", "binary_step"])
def test_losses(record, output):
    activation = ACTIVATIONS[output]
    xp, z, a, y = beginning("z", "a", "y")
    Y = np.eye(4)[[0, 1, 2, 3, 0, 1, 2]]
    A = activation(Z, np)
    given = {"z": Z, "a": A, "y": Y}
    rows = interpreted(record.of_rows(z, a, y, activation, xp), **given)
    np.testing.assert_array_equal(rows, record.of_rows(Z, A, Y, activation, np))
    delta = interpreted(record.delta(z, a, y, activation, xp), **given)
    np.testing.assert_array_equal(delta, record.delta(Z, A, Y, activation, np))


@pytest.mark.parametrize(
    "record", [r for r in OPTIMIZERS.values() if r.lines], ids=lambda record: record.name
)
def test_optimizers_and_what_goes_with_a_step(record, rng):
    xp, w, g, *state = beginning("w", "g", *record.state)
    W, G, *S = (rng.normal(size=(5, 4)) ** 2 for _ in range(2 + len(state)))
    values = {"eta": 0.1, "t": 3.0, **record.parameters}

    stages = chain_of(record, ["penalize", "decay"])
    values |= {"l1": 0.01, "l2": 0.1, "decay": 0.01, "decayed": 1.0}

    def step(w, g, state, xp):
        made = run_chain(stages, {"w": w, "g": g, **values, **state}, xp)
        return {name: made[name] for name, _ in record.lines}

    traced = step(w, g, dict(zip(record.state, state, strict=True)), xp)
    true = step(W, G, dict(zip(record.state, S, strict=True)), np)
    for name, result in traced.items():
        got = interpreted(xp.asarray(result), w=W, g=G, **dict(zip(record.state, S, strict=True)))
        np.testing.assert_array_equal(got, true[name])


@pytest.mark.parametrize(
    "function", [f for f in FUNCTIONS.values() if f.name not in ("where", "sum")], ids=lambda f: f.name
)
def test_every_function_of_the_formula_language_can_be_traced(function):
    formula = parse(f"{function.name}({', '.join('uv'[: function.arity])})")
    xp, u, v = beginning("u", "v")
    U, V = np.abs(Z) + 0.1, np.abs(Z[::-1]) + 0.1
    for each in (formula, derivative(formula, "u")):
        got = interpreted(xp.asarray(each.evaluate({"u": u, "v": v}, xp)), u=U, v=V)
        np.testing.assert_allclose(*np.broadcast_arrays(got, each.evaluate({"u": U, "v": V}, np)), rtol=1e-15)


def test_penalties_and_the_length_of_a_gradient():
    xp, w, g = beginning("w", "g")
    made = penalty(w, 1.0, 0.1, 0.2, xp), norm_of(g, 1.0, xp)
    want = penalty(Z, 1.0, 0.1, 0.2, np), norm_of(-Z, 1.0, np)
    for traced, true in zip(made, want, strict=True):
        np.testing.assert_array_equal(interpreted(traced, w=Z, g=-Z), true)


def test_equal_operations_are_one_node():
    graph = Graph(np.float32)
    z = graph.input("z", SHAPE)
    first = z * 2 + z * 2
    count = len(graph.nodes)
    assert (z * 2 + z * 2).place == first.place
    assert len(graph.nodes) == count == 4  # z, 2, z*2, the sum
    assert (2 * z).place != (z * 2).place, "nothing is put in another order"
    assert (z**2).place == (z * z).place
    assert graph.sum(z, axis=-1).place == graph.sum(z, axis=1).place != graph.sum(z, axis=0).place
    assert graph.asarray(np.arange(3)).place == graph.asarray(np.arange(3)).place


def test_zeros_of_either_sign_and_nan_stay_what_they_are():
    _, z = beginning("z")
    one, other = z * 0.0, z * -0.0
    assert one.place != other.place
    assert np.signbit(interpreted(other, z=np.ones((1, 4)))).all()
    assert not np.signbit(interpreted(one, z=np.ones((1, 4)))).any()
    assert np.isnan(interpreted(z + float("nan"), z=np.ones((1, 4)))).all()


def test_what_is_broadcast_stays_small():
    xp, z = beginning("z")
    slope = xp.full_like(z, 2.0) / 3
    assert slope.shape[1] == 4
    assert slope.dims == SHAPE
    assert xp.nodes[slope.place].shape == ()
    assert xp.expand_dims(slope, axis=0).place == slope.place, "one number, whatever its shape"
    total = xp.sum(slope, axis=-1)
    np.testing.assert_array_equal(interpreted(total, z=np.ones((3, 4))), np.full(3, 2.0 / 3 * 4))


def test_sizes_with_a_name_are_known_when_the_program_runs():
    xp, z = beginning("z")
    mean = xp.sum(z, axis=0) / z.shape[0]
    assert mean.dims == (4,)
    for rows in (2, 5):
        Z = np.arange(rows * 4.0).reshape(rows, 4)
        np.testing.assert_array_equal(interpreted(mean, z=Z), Z.mean(axis=0))
    assert z.shape == (z * 2).shape
    assert z.shape != xp.sum(z, axis=0, keepdims=True).shape
    assert xp.ones(z.shape[:1]).dims == ("rows",)


ARRAYS = {
    "matmul": lambda xp, u, v: xp.matmul(u, xp.matrix_transpose(v)),
    "take": lambda xp, u, v: xp.take(u, xp.asarray(np.array([3, 0, 3])), axis=-1),
    "concat": lambda xp, u, v: xp.concat([u, v, u], axis=-1),
    "expand_dims": lambda xp, u, v: xp.expand_dims(u, axis=-2) - xp.expand_dims(v, axis=0),
    "moveaxis": lambda xp, u, v: xp.moveaxis(xp.expand_dims(u, axis=-1), -1, 0),
    "reshape": lambda xp, u, v: xp.reshape(u, (u.shape[0], 2, 2)),
    "slice": lambda xp, u, v: u[..., 1:3] * v[:, 0:2],
    "broadcast": lambda xp, u, v: xp.broadcast_to(u, (2, *u.shape)) + v,
    "max": lambda xp, u, v: xp.max(u, axis=0, keepdims=True) > v,
    "constant": lambda xp, u, v: u * xp.asarray(np.array([1.0, 0.5, -0.0, 1e-300])),
}


@pytest.mark.parametrize("made", ARRAYS.values(), ids=ARRAYS)
def test_operations_on_arrays(made, rng):
    xp, u, v = beginning("u", "v")
    U, V = rng.normal(size=(2, 3, 4))
    traced = made(xp, u, v)
    got, want = interpreted(traced, u=U, v=V), made(np, U, V)
    np.testing.assert_array_equal(got, want)
    assert got.shape == tuple(3 if size == "rows" else size for size in traced.dims)
    assert got.dtype == want.dtype == traced.dtype


def test_what_can_t_be_traced_is_refused():
    xp, z = beginning("z")
    for mixed in (lambda: z + np.ones(3), lambda: np.ones(3) + z):
        with pytest.raises(SettingsError, match="can't use array"):
            mixed()
    with pytest.raises(SettingsError, match="no axis -1 of 0"):
        xp.sum(xp.asarray(1.0), axis=-1)
    with pytest.raises(AttributeError, match="can't use fft"):
        xp.fft(z)
    with pytest.raises(SettingsError, match="branch on a value"):
        assert z > 0
    for index in (0, slice(1, 3), (slice(None), slice(0, 4, 2))):
        with pytest.raises(SettingsError, match="can't index an axis of size"):
            z[index]
    with pytest.raises(SettingsError, match="input z already"):
        xp.input("z")
    with pytest.raises(SettingsError, match=r"\(3,\) don't fit"):
        z + xp.input("w", (3,))
    with pytest.raises(SettingsError, match="no matrix product"):
        xp.matmul(z, z)
    with pytest.raises(SettingsError, match="Nothing can't use exp"):
        Target("Nothing", {}).write(xp.nodes[xp.exp(z).place], ["z"])


def test_dtypes_are_those_of_the_graph():
    xp, z = beginning("z")
    assert z.dtype == xp.result_type(z) == np.float64
    assert xp.isdtype(z.dtype, "real floating")
    assert not xp.isdtype(z.dtype, "integral")
    assert not xp.isdtype((z > 0).dtype, "real floating")
    assert xp.finfo(z.dtype).eps == np.finfo(np.float64).eps
    assert Graph(np.float32).asarray(np.ones(2)).dtype == np.float32
