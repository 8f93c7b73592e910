"""Equations on symbols: the graph, read by a small interpreter of this file, gives what the equations give on arrays."""

import numpy as np
import pytest

from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.graph import ELEMENT, ROW, SCALAR, Graph, TracingNamespace
from chainrule.equations.losses import LOSSES
from chainrule.equations.optimizers import OPTIMIZERS
from chainrule.equations.update import chain_of, run_chain
from chainrule.errors import SettingsError
from chainrule.formula.differentiate import derivative
from chainrule.formula.functions import FUNCTIONS
from chainrule.formula.parse import parse

OPERATIONS = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
    "neg": np.negative,
    "pow": np.power,
    "where": np.where,
    "max": np.maximum,
    "min": np.minimum,
    "round": np.round,
    "atan": np.arctan,
    "rowsum": lambda value: np.sum(value, axis=-1, keepdims=True),
    "rowmax": lambda value: np.max(value, axis=-1, keepdims=True),
    **{
        name: getattr(np, name)
        for name in ("exp", "log", "log1p", "expm1", "log2", "sqrt", "abs", "sign", "floor")
    },
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
}


def interpreted(traced, **symbols):
    """The value of a node, by NumPy, one operation after the other."""
    values = []
    with np.errstate(all="ignore"):
        for name, *operands in traced.graph.nodes[: traced.place + 1]:
            if name == "symbol":
                values.append(symbols.get(operands[0], np.nan))
            elif name == "number":
                values.append(np.float64(operands[0]))
            else:
                values.append(OPERATIONS[name](*(values[place] for place in operands)))
    return values[-1]


def beginning(*names):
    graph = Graph(np.float64)
    return (TracingNamespace(graph), *(graph.symbol(name, ELEMENT) for name in names))


DRAWS = np.random.default_rng(11)
Z = np.concatenate([DRAWS.normal(scale=3, size=(6, 4)), [[0.0, -0.0, 1e300, -1e300]]])


@pytest.mark.parametrize("record", ACTIVATIONS.values(), ids=lambda record: record.name)
def test_activations(record):
    xp, z = beginning("z")
    np.testing.assert_array_equal(interpreted(record(z, xp), z=Z, rows=7, cols=4), record(Z, np))
    if record.elementwise:
        np.testing.assert_array_equal(
            interpreted(record.prime(z, xp), z=Z, rows=7, cols=4), record.prime(Z, np)
        )


@pytest.mark.parametrize("record", LOSSES.values(), ids=lambda record: record.name)
@pytest.mark.parametrize("output", ["identity", "sigmoid", "softmax", "exponential", "binary_step"])
def test_losses(record, output):
    activation = ACTIVATIONS[output]
    xp, z, a, y = beginning("z", "a", "y")
    Y = np.eye(4)[[0, 1, 2, 3, 0, 1, 2]]
    A = activation(Z, np)
    given = {"z": Z, "a": A, "y": Y, "rows": 7, "cols": 4}
    rows = interpreted(xp.asarray(record.of_rows(z, a, y, activation, xp)), **given)
    np.testing.assert_array_equal(rows[:, 0], record.of_rows(Z, A, Y, activation, np))
    delta = interpreted(xp.asarray(record.delta(z, a, y, activation, xp)), **given)
    np.testing.assert_array_equal(np.broadcast_to(delta, Z.shape), record.delta(Z, A, Y, activation, np))


@pytest.mark.parametrize(
    "record", [r for r in OPTIMIZERS.values() if r.lines], ids=lambda record: record.name
)
def test_optimizers_and_what_goes_with_a_step(record, rng):
    xp, w, g, *state = beginning("w", "g", *record.state)
    W, G, *S = (rng.normal(size=5) ** 2 for _ in range(2 + len(state)))
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


def test_equal_operations_are_one_node():
    graph = Graph(np.float32)
    z = graph.symbol("z", ELEMENT)
    first = z * 2 + z * 2
    count = len(graph.nodes)
    assert (z * 2 + z * 2).place == first.place
    assert len(graph.nodes) == count == 4  # z, 2, z*2, the sum
    assert (2 * z).place != (z * 2).place, "nothing is put in another order"
    assert (z**2).place == (z * z).place


def test_zeros_of_either_sign_and_nan_stay_what_they_are():
    graph = Graph(np.float64)
    z = graph.symbol("z", ELEMENT)
    one, other = z * 0.0, z * -0.0
    assert one.place != other.place
    assert np.signbit(interpreted(other, z=np.float64(1.0)))
    assert not np.signbit(interpreted(one, z=np.float64(1.0)))
    assert np.isnan(interpreted(z + float("nan"), z=np.float64(1.0)))


def test_how_often_a_value_changes():
    xp, z = beginning("z")
    total = xp.sum(z, axis=-1, keepdims=True)
    assert (z.level, total.level, (z - total).level, (total * 2).level) == (ELEMENT, ROW, ELEMENT, ROW)
    assert (xp.asarray(2.0) * 3).level == SCALAR
    assert z.shape[-1].level == SCALAR


def test_what_can_t_be_traced_is_refused():
    xp, z = beginning("z")
    with pytest.raises(SettingsError, match="can't use array"):
        z + np.ones(3)
    with pytest.raises(SettingsError, match="the same in a row"):
        xp.sum(xp.asarray(1.0), axis=-1)
    with pytest.raises(AttributeError, match="can't use fft"):
        xp.fft(z)


def test_dtypes_are_those_of_the_graph():
    xp, z = beginning("z")
    assert z.dtype == xp.result_type(z) == np.float64
    assert xp.isdtype(z.dtype, "real floating")
    assert not xp.isdtype(z.dtype, "integral")
    assert xp.finfo(z.dtype).eps == np.finfo(np.float64).eps
