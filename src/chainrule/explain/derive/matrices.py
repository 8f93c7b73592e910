"""A derivation as matrix algebra: whole layers and all rows at once, with the shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from chainrule._types import FloatArray
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from chainrule.explain.derive.forward import scaled
from chainrule.explain.derive.lines import MOST_SHOWN, Matrix, MatrixLine
from chainrule.explain.derive.writer import Writer, added, compare
from chainrule.explain.trace.address import TERMS, Address
from chainrule.formula.names import spoken
from chainrule.formula.nodes import Binary, Call, Node, Number, Symbol, names_in, put
from chainrule.formula.rounding import UNIT, evaluate_rounded

Evaluate: TypeAlias = Callable[[Node, Mapping[str, FloatArray]], tuple[FloatArray, FloatArray]]
"""How a tree becomes an array, and what rounding can make of each of its numbers, from the arrays by name."""


def matrix(place: Address, array: FloatArray) -> Matrix:
    """Return an array as it is shown: its shape, and its first rows and columns."""
    corner = array if array.ndim == 2 else array[None, :]
    rows = tuple(tuple(float(v) for v in row[:MOST_SHOWN]) for row in corner[:MOST_SHOWN])
    return Matrix(str(place), tuple(int(size) for size in array.shape), rows)


def matrix_lines(writer: Writer, place: Address) -> list[MatrixLine]:
    """Return the lines of matrix algebra that lead to a whole array; raises SettingsError where there are none."""
    through_stage = place.name == "dC/dx" and writer.network.features is not None
    made = None if through_stage else _LINES.get(place.name)
    if place.name == "dC/da" and place.layer == 0:
        made = _by_inputs
    if made is None:
        known = ", ".join(_LINES)
        one = replace(place, index=(1,) * place.size) if place.is_whole else "z[2][1]"
        told = f"there is of {known}; or name one number, such as {one}"
        raise SettingsError(f"{place}: there is no matrix form of it; {told}")
    return made(writer, place.layer or 0)


def has_matrix_form(network: Network, place: Address) -> bool:
    """Tell whether there are lines of matrix algebra that lead to a whole array."""
    if place.name == "dC/dx":
        return network.features is None
    return place.name in _LINES or (place.name == "dC/da" and place.layer == 0)


def _all_rows(writer: Writer, name: str, layer: int | None = None) -> Address:
    """Return the address of a whole array over all rows of the step."""
    return Address(name, layer, (), writer.place.step)


def _entering(writer: Writer, layer: int) -> Address:
    if layer == 1:
        return _all_rows(writer, "x") if writer.network.features is None else _all_rows(writer, "a", 0)
    dropped = writer.step.record.layers[layer - 2].mask is not None
    return _all_rows(writer, "h" if dropped else "a", layer - 1)


def _line(
    writer: Writer, rule: str, place: Address, node: Node, work_out: Evaluate | None = None
) -> MatrixLine:
    """Return a line: the tree worked out on the trace's arrays, and beside it the engine's."""
    arrays: dict[str, FloatArray] = {}
    for name in names_in(node):
        found = writer.trace.array(name)
        found = found.reshape(1, 1) if found.ndim == 0 else found
        per_row = Address.parse(name).quantity.per_row
        arrays[name] = found[None, :] if per_row and found.ndim == 1 else found
    engine = writer.trace.array(place)
    value, bound = (array.reshape(engine.shape) for array in (work_out or _evaluate)(node, arrays))
    worst = int(np.argmax(np.abs(value - engine) - 4 * bound))
    own, other, rounding = (float(array.flat[worst]) for array in (value, engine, bound))
    check = compare(own, other, rounding, "engine, worst number")
    operands = {name: matrix(Address.parse(name), array) for name, array in arrays.items()}
    result = value[None, :] if place.quantity.per_row and value.ndim == 1 else value
    return MatrixLine(rule, str(place), node, operands, matrix(place, result), check)


def _evaluate(node: Node, arrays: Mapping[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Return a tree's array and what rounding can make of each of its numbers."""
    match node:
        case Symbol(name):
            return arrays[name], np.zeros_like(arrays[name])
        case Call("transpose", (inner,)):
            value, bound = _evaluate(inner, arrays)
            return value.T, bound.T
        case Call("sum", (inner,)):
            value, bound = _evaluate(inner, arrays)
            size = len(value) * UNIT
            return np.asarray(value.sum(axis=0)), bound.sum(axis=0) + size * np.abs(value).sum(axis=0)
        case Binary(op, left, right):
            a, a_bound = _evaluate(left, arrays)
            b, b_bound = _evaluate(right, arrays)
            if op == "@":
                size = a.shape[-1] * UNIT
                passed = a_bound @ np.abs(b) + np.abs(a) @ b_bound
                return a @ b, passed + size * (np.abs(a) @ np.abs(b))
            if op == "+":
                return a + b, a_bound + b_bound + UNIT * (np.abs(a) + np.abs(b))
            return a * b, a_bound * np.abs(b) + np.abs(a) * b_bound + UNIT * np.abs(a * b)
    raise SettingsError(f"{type(node).__name__} is no part of matrix algebra")


def _each(node: Node, arrays: Mapping[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Return what a formula of one array makes of each of its numbers, and what rounding can make of that."""
    ((name, array),) = arrays.items()
    found = [evaluate_rounded(node, {name: float(value)}) for value in array.flat]
    return tuple(np.array(column).reshape(array.shape) for column in zip(*found, strict=True))  # type: ignore[return-value]


def _a(writer: Writer, layer: int) -> list[MatrixLine]:
    """Return the weighted sums, and the activation of each number among them."""
    place, record = _all_rows(writer, "a", layer), writer.network.layers[layer - 1].activation
    if not record.elementwise:
        z = _all_rows(writer, "z", layer)
        raise SettingsError(
            f"{place}: {record.name} is not worked out number by number: name {z}, or one number of {place}"
        )
    values: dict[str, Node] = {name: Number(value) for name, value in record.parameters.items()}
    node = put(record.formula.root, {**values, "z": Symbol(str(_all_rows(writer, "z", layer)))})
    words = f"number by number the activation: {spoken(record.name)}"
    return [*_z(writer, layer), _line(writer, words, place, node, _each)]


def _z(writer: Writer, layer: int) -> list[MatrixLine]:
    nodes: list[Node] = []
    words = ["all rows and neurons at once: what enters"]
    for term in writer.network.layers[layer - 1].terms(writer.arrays[layer]):
        array = Symbol(str(_all_rows(writer, term.name, layer)))
        if term.enters == "x":
            nodes.append(Binary("@", Symbol(str(_all_rows(writer, "x"))), array))
            words.append("plus the inputs times the weights of the linear path")
        elif term.enters:
            into = Symbol(str(_entering(writer, layer)))
            nodes.append(scaled(writer, layer, Binary("@" if term.enters == "i" else "⊙", into, array)))
            words.append(f"times the {term.noun}s")
        else:
            nodes.append(array)
            words.append(f"plus the {term.noun} in every row")
    return [_line(writer, ", ".join(words), _all_rows(writer, "z", layer), added(nodes))]


def _back(writer: Writer, layer: int) -> Node:
    """Return the derivative by what enters a layer: its deltas through its weights."""
    term, deltas = writer.network.layers[layer - 1].product, Symbol(str(_all_rows(writer, "delta", layer)))
    array = Symbol(str(_all_rows(writer, term.name, layer)))
    if term.enters == "j":
        return scaled(writer, layer, Binary("⊙", deltas, array))
    return scaled(writer, layer, Binary("@", deltas, Call("transpose", (array,))))


def _delta(writer: Writer, layer: int) -> list[MatrixLine]:
    if layer == len(writer.network.layers):
        return []
    node = _back(writer, layer + 1)
    if writer.step.record.layers[layer - 1].mask is not None:
        node = Binary("⊙", node, Symbol(str(_all_rows(writer, "r", layer))))
    node = Binary("⊙", node, Symbol(str(_all_rows(writer, "f'", layer))))
    words = f"back from the next layer: its deltas times {_weights(writer, layer + 1)}, then number by number the slope"
    return [_line(writer, words, _all_rows(writer, "delta", layer), node)]


def _weights(writer: Writer, layer: int) -> str:
    """Return in words what deltas go back through."""
    term = writer.network.layers[layer - 1].product
    return f"the {term.noun}s{' transposed' * (term.enters == 'i')}"


def _by_parameters(writer: Writer, layer: int) -> list[MatrixLine]:
    place, dense = _all_rows(writer, writer.place.name, layer), writer.network.layers[layer - 1]
    term, deltas = dense.term(place.parameter), Symbol(str(_all_rows(writer, "delta", layer)))
    entering = Symbol(str(_entering(writer, layer)))
    words = f"all {term.noun}{'es' if term.noun.endswith('s') else 's'} at once"
    if term.enters == "x":
        words = "all weights of the linear path at once, summed over the rows: the inputs, transposed, times the deltas"
        node: Node = Binary("@", Call("transpose", (Symbol(str(_all_rows(writer, "x"))),)), deltas)
    elif term.enters == "i":
        node = scaled(writer, layer, Binary("@", Call("transpose", (entering,)), deltas))
        words += ", summed over the rows: what enters, transposed, times the deltas"
    elif term.enters:
        node = Call("sum", (Binary("⊙", entering, deltas),))
        words += ": what enters times the deltas, summed over the rows"
    else:
        node = Call("sum", (deltas,))
        words += ": the deltas summed over the rows"
        if dense.bias == "layer":
            node, words = Call("sum", (node,)), f"{words}, and over the neurons, which share it"
    return [*_delta(writer, layer), _line(writer, words, place, node)]


def _by_inputs(writer: Writer, layer: int) -> list[MatrixLine]:
    place = _all_rows(writer, *(("dC/dx", None) if writer.network.features is None else ("dC/da", 0)))
    words, node = (
        f"all inputs at once: the first layer's deltas times {_weights(writer, 1)}",
        _back(writer, 1),
    )
    if place.name == "dC/dx" and writer.network.output.linear_path:
        last = len(writer.network.layers)
        S, deltas = (Symbol(str(_all_rows(writer, name, last))) for name in ("S", "delta"))
        node = Binary("+", node, Binary("@", deltas, Call("transpose", (S,))))
        words += ", and the last one's times the weights of the linear path transposed"
    return [_line(writer, words, place, node)]


_LINES: Mapping[str, Callable[[Writer, int], list[MatrixLine]]] = {
    "z": _z,
    "delta": _delta,
    **{f"dC/d{name}": _by_parameters for name in TERMS},
    "dC/dx": _by_inputs,
    "a": _a,
}
