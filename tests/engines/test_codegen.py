"""From a graph to machine code: what runs is what the equations say, and nothing beyond its arrays is touched."""

import ast
from itertools import product

import numpy as np
import pytest
from floats import call, run_activation, run_loss
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.engines.cpu.pieces.codegen import (
    ELEMENTS,
    MOST_SHARED,
    ROW,
    TILE,
    Array,
    Kernel,
    equation_source,
)
from chainrule.engines.cpu.pieces.machine_code import (
    STEP_NUMBERS,
    activation_source,
    loss_source,
    output_source,
    prepare_source,
    update_source,
)
from chainrule.equations.activations import ACTIVATIONS, activation
from chainrule.equations.graph import Graph
from chainrule.equations.losses import LOSSES, loss
from chainrule.equations.optimizers import OPTIMIZERS
from chainrule.equations.update import chain_of
from chainrule.errors import SettingsError
from effort import many, one_in

DTYPES = [np.float64, np.float32]
both = pytest.mark.parametrize("dtype", DTYPES, ids=["float64", "float32"])
EPSILON = {np.float64: 1e-13, np.float32: 2e-5}


# ---- one formula

CONSTANTS = st.sampled_from(["2", "0.5", "3", "1.25", "pi", "e", "0.1"])
LEAVES = st.one_of(st.just("z"), st.just("z"), CONSTANTS)


def grown(inner):
    unary = st.sampled_from(
        ["exp", "log", "sqrt", "abs", "sign", "step", "sin", "cos", "tanh", "atan", "erf", "log1p", "-"]
    )
    binary = st.sampled_from(["+", "-", "*", "/"])
    return st.one_of(
        st.tuples(unary, inner).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(inner, binary, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(st.sampled_from(["max", "min"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
        st.tuples(inner, st.sampled_from(["<", "<=", ">", ">="]), inner, inner, inner).map(
            lambda t: f"where({t[0]} {t[1]} {t[2]}, {t[3]}, {t[4]})"
        ),
        st.tuples(inner, st.sampled_from(["2", "3", "0.5", "-1"])).map(lambda t: f"({t[0]})^({t[1]})"),
    )


@settings(max_examples=many(40))
@given(st.recursive(LEAVES, grown, max_leaves=7).map(lambda text: f"z*0.25 + {text}"))
def test_formulas_run_as_they_are_evaluated(formula):
    """Any formula, and what the rules of calculus make of it, at points where the formula is steady and rounding stays small."""
    record = activation(formula)
    z = np.linspace(-3.1, 2.9, 41)
    value, slope = run_activation(activation_source(record, np.float64), z)
    for got, function in ((value, record), (slope, record.prime)):
        true, near = function(z, np), np.stack([function(z * (1 + s * 1e-13), np) for s in (-1, 1)])
        with np.errstate(all="ignore"):
            room = 10 * np.abs(near - true).max(axis=0) + 1e-12 * (1 + np.abs(true))
            error = np.abs(got - true)
        steady = np.isfinite(room)
        assert (error <= room)[steady].all()
        wild = ~np.isfinite(true)
        np.testing.assert_array_equal(got[wild & ~steady & np.isfinite(got)], [])


@both
@pytest.mark.parametrize(
    "text", ["z/3e-308", "z*1e-310", "z + 1e300*1e300", "z/3", "z/(1e-200*1e-107)", "z/1.2e-38"]
)
def test_numbers_at_the_ends_of_the_range(text, dtype):
    """A division by a number of the whole call may become a product by its reciprocal, which normal numbers have."""
    z = np.array([1e-305, -1e-300, 1.0, 0.0, 2e-308, -7.0], dtype)
    record = activation(text)
    got, _ = run_activation(output_source(record, dtype), z)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(got, record(z, np), rtol=1e-6 if dtype == np.float32 else 1e-15)


@both
def test_a_constant_slope_and_a_constant_output(dtype):
    value, slope = run_activation(activation_source(activation("3*z"), dtype), np.ones(5, dtype))
    assert value.tolist() == [3] * 5
    assert slope.tolist() == [3] * 5
    value, slope = run_activation(
        activation_source(activation("where(1 > 2, z, 5)"), dtype), np.ones(5, dtype)
    )
    assert value.tolist() == [5] * 5
    assert slope.tolist() == [0] * 5


def test_a_formula_never_reaches_the_source():
    """The source is written from the graph: the operations of a fixed list, numbers and places."""
    for record in (activation("z*exp(-z^2) + where(z > 0.5, sin(z), 7)"), *ACTIVATIONS.values()):
        tree = ast.parse(output_source(record, np.float32))
        assert len(tree.body) == 1
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        known = {
            "carray",
            "range",
            "float32",
            "float64",
            "uint64",
            "abs",
            "min",
            "math",
            "np",
            "math32",
            "inf",
            "nan",
        }
        known |= {
            "z",
            "a",
            "scratch",
            "rows",
            "cols",
            "i",
            "j",
            "r",
            "tile",
            "many",
            "z_",
            "a_",
            "c_z",
            "o_a",
        }
        assert all(name in known or name[1:].isdigit() for name in names)


# ---- tiles of rows

SHAPES = [(1, 1), (1, 7), (TILE - 1, 3), (TILE, 3), (TILE + 1, 3), (3 * TILE + 5, 2), (2, 150)]


@both
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_softmax_over_rows_of_any_number_and_length(shape, dtype, rng):
    z = rng.normal(scale=20, size=shape).astype(dtype)
    got, kept = run_activation(output_source(ACTIVATIONS["softmax"], dtype), z.reshape(-1), shape[1])
    assert (kept == z.reshape(-1)).all()
    np.testing.assert_allclose(
        got.reshape(shape),
        ACTIVATIONS["softmax"](z.astype(np.float64), np),
        rtol=50 * EPSILON[dtype],
        atol=1e-37,
    )
    np.testing.assert_allclose(got.reshape(shape).sum(axis=1), 1, rtol=1e-5)


@both
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("categorical_cross_entropy", "softmax"),
        ("mean_squared_error", "softmax"),
        ("categorical_cross_entropy", "sigmoid"),
        ("binary_cross_entropy", "sigmoid"),
        ("huber", "identity"),
    ],
)
def test_losses_over_rows_of_any_number_and_length(name, output, shape, dtype, rng):
    record, last = LOSSES[name], ACTIVATIONS[output]
    z = rng.normal(size=shape).astype(dtype)
    y = np.eye(shape[1])[rng.integers(0, shape[1], shape[0])].astype(dtype)
    a = last(z.astype(np.float64), np).astype(dtype)
    value, delta = run_loss(loss_source(record, last, dtype), z, a, y)
    z, a, y = (array.astype(np.float64) for array in (z, a, y))
    close = {"rtol": 50 * EPSILON[dtype], "atol": 10 * EPSILON[dtype]}
    np.testing.assert_allclose(value, record.of_rows(z, a, y, last, np), **close)
    np.testing.assert_allclose(delta, record.delta(z, a, y, last, np), **close)


@both
def test_softmax_of_infinities_and_of_what_is_not_a_number(dtype):
    z = np.array([[np.inf, 0, 1], [-np.inf, 0, 0], [np.nan, 0, 1], [3e38, -3e38, 0]], dtype)
    got, _ = run_activation(output_source(ACTIVATIONS["softmax"], dtype), z.reshape(-1), 3)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(got.reshape(4, 3), ACTIVATIONS["softmax"](z, np), rtol=1e-6)


@both
def test_neighbors_of_the_arrays_are_left_alone(dtype, rng):
    """The arrays lie in the middle of longer ones; what is before and behind must not change."""
    rows, cols, room = TILE + 3, 5, 64
    size = rows * cols

    def inner(many):
        outer = np.full(many + 2 * room, 123.0, dtype)
        part = outer[room:-room]
        part[:] = rng.uniform(0.1, 0.9, many)
        return outer, part

    for source in (
        loss_source(LOSSES["categorical_cross_entropy"], ACTIVATIONS["softmax"], dtype),
        loss_source(LOSSES["mean_squared_error"], ACTIVATIONS["softmax"], dtype),
    ):
        arrays = [inner(many) for many in (size, size, size, rows, size, MOST_SHARED * TILE)]
        call(source, dtype, *(part for _, part in arrays), rows=rows, cols=cols)
        for outer, _ in arrays:
            assert (outer[:room] == 123).all()
            assert (outer[-room:] == 123).all()
    for name in ("gelu", "softmax"):
        source = (output_source if name == "softmax" else activation_source)(ACTIVATIONS[name], dtype)
        arrays = [inner(many) for many in (size, size, MOST_SHARED * TILE)]
        call(source, dtype, *(part for _, part in arrays), rows=rows, cols=cols)
        for outer, _ in arrays:
            assert (outer[:room] == 123).all()
            assert (outer[-room:] == 123).all()


@both
def test_sums_of_sums_are_done_in_turn(dtype, rng):
    """mean, then variance: the second sum needs the first."""
    xp = Graph(dtype)
    z = xp.input("z", ELEMENTS)
    mean = xp.sum(z, axis=-1, keepdims=True) / z.shape[-1]
    variance = xp.sum((z - mean) ** 2, axis=-1, keepdims=True) / z.shape[-1]
    outputs = {"a": (Array("a"), (z - mean) / xp.sqrt(variance)), "value": (Array("value", ROW), variance)}
    source = equation_source(Kernel(xp, ("z", "a", "value", "scratch"), (Array("z"),), outputs))
    values = rng.normal(3, 2, size=(100, 6)).astype(dtype)
    a, value = np.zeros_like(values), np.zeros(100, dtype)
    call(source, dtype, values.copy(), a, value, np.zeros(MOST_SHARED * TILE, dtype), rows=100, cols=6)
    exact = values.astype(np.float64)
    np.testing.assert_allclose(value, exact.var(axis=1), rtol=20 * EPSILON[dtype])
    np.testing.assert_allclose(
        a,
        (exact - exact.mean(axis=1, keepdims=True)) / exact.std(axis=1, keepdims=True),
        atol=20 * EPSILON[dtype],
    )


def test_more_sums_than_the_scratch_memory_holds_are_refused():
    xp = Graph(np.float64)
    z = xp.input("z", ELEMENTS)
    total = z
    for power in range(MOST_SHARED):
        total = total + xp.sum(z * float(power + 2), axis=-1, keepdims=True)
    with pytest.raises(SettingsError, match=f"at most {MOST_SHARED}"):
        equation_source(Kernel(xp, ("z", "a", "scratch"), (Array("z"),), {"a": (Array("a"), total)}))


@pytest.mark.parametrize(
    ("made", "named"),
    [
        (lambda xp, z: z * xp.sum(xp.ones_like(z), axis=-1, keepdims=True), "can't use broadcast_to"),
        (lambda xp, z: z * xp.sum(z, axis=0), r"arrays of shape \('cols',\)"),
        (lambda xp, z: xp.matrix_transpose(z), r"arrays of shape \('cols', 'rows'\)"),
    ],
)
def test_what_is_not_a_sum_over_a_row_is_refused(made, named):
    xp = Graph(np.float64)
    result = made(xp, xp.input("z", ELEMENTS))
    with pytest.raises(SettingsError, match=named):
        equation_source(Kernel(xp, ("z", "a", "scratch"), (Array("z"),), {"a": (Array("a"), result)}))


# ---- updates

STEPPING = [record for record in OPTIMIZERS.values() if record.lines]


SWITCHES = list(product([False, True], repeat=4))
"""All sixteen for each optimizer: those of which an even number is on in float64, the others in float32."""


@pytest.mark.parametrize("record", STEPPING, ids=lambda record: record.name)
@pytest.mark.parametrize(
    ("decays", "penalizes", "freezes", "clips", "dtype"),
    one_in(4, [(*on, np.float32 if sum(on) % 2 else np.float64) for on in SWITCHES]),
)
def test_updates_in_the_middle_of_the_parameters(record, decays, penalizes, freezes, clips, dtype, rng):
    """Slice 3 … 20 of 30 parameters: the state arrays lie 30 apart, and what lies beside the slice stays."""
    p, low, high = 30, 3, 20
    part = slice(low, high)
    w, g = rng.normal(size=(2, p)).astype(dtype)
    s = (rng.normal(size=max(1, len(record.state)) * p) ** 2).astype(dtype)
    free = (np.arange(p) % 3 > 0).astype(dtype)
    step = {
        "eta": 0.1,
        "t": 7.0,
        "decay": 0.2,
        "limit": 0.5,
        "norm": 2.0,
        "l1": 0.03,
        "l2": 0.4,
        "decayed": 1.0,
    }
    numbers = np.array([step[name] for name in STEP_NUMBERS] + list(record.parameters.values()))
    old_w, old_g, old_s = w.copy(), g.copy(), s.copy()

    W, G, F = (array[part].astype(np.float64) for array in (w, g, free))
    S = {name: s[place * p :][part].astype(np.float64) for place, name in enumerate(record.state)}
    if penalizes:
        G = G + 0.03 * np.sign(W) + 0.4 * W
    G = G * F if freezes else G
    used = G * 0.25 if clips else G
    before = W - 0.1 * 0.2 * W if decays else W
    true = record.run({"w": before, "g": used, "eta": 0.1, "t": 7.0, **record.parameters, **S}, np)

    switches = {"penalize": penalizes, "freeze": freezes, "clip": clips, "decay": decays, "keep": freezes}
    stages = chain_of(record, [name for name, on in switches.items() if on])
    if clips:
        source = prepare_source(stages, dtype)
        call(source, dtype, w[low:], g[low:], s, free[low:], numbers, rows=high - low, cols=0)
        np.testing.assert_allclose(g[part], G, rtol=EPSILON[dtype], atol=EPSILON[dtype])
        assert (g[:low] == old_g[:low]).all()
        assert (g[high:] == old_g[high:]).all()
    source = update_source(stages, dtype)
    call(source, dtype, w[low:], g[low:], s[low:], free[low:], numbers, rows=high - low, cols=p)
    close = {"rtol": 10 * EPSILON[dtype], "atol": EPSILON[dtype]}
    np.testing.assert_allclose(w[part], np.where(F > 0, true["w"], W) if freezes else true["w"], **close)
    for place, name in enumerate(record.state):
        np.testing.assert_allclose(s[place * p :][part], true[name], **close)
    for new, old in ((w, old_w), *((s[i * p :][:p], old_s[i * p :][:p]) for i in range(len(record.state)))):
        assert (new[:low] == old[:low]).all()
        assert (new[high:] == old[high:]).all()
    assert not freezes or (w[part][F == 0] == old_w[part][F == 0]).all()


def test_a_loss_without_either_of_its_rows_being_special():
    """One output, one row: everything is one number, worked by hand: (3 - 1)^2 / 2 = 2, its derivative 2."""
    one = np.ones((1, 1))
    value, delta = run_loss(
        loss_source(loss("half_squared_error"), activation("identity"), np.float64), 3 * one, 3 * one, one
    )
    assert (value.item(), delta.item()) == (2.0, 2.0)
