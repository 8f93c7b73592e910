"""The reference runner: a graph worked out with NumPy, one operation after the other, for exports to be judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.engines import JUDGE
from chainrule.equations.graph import UNARY, Graph, Node
from chainrule.exports.program import Program

_NUMPY: Mapping[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in UNARY if name != "atan"},
    "atan": np.arctan,
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "neg": np.negative, "pow": np.power,
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal, "!=": np.not_equal,
    "&": np.logical_and, "where": np.where, "maximum": np.maximum, "minimum": np.minimum, "matmul": np.matmul,
}  # fmt: skip


@np.errstate(all="ignore")
def run_graph(graph: Graph, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs of a graph by name, for inputs by name."""
    sizes: dict[str, int] = {}
    for name, traced in graph.inputs.items():
        for axis, size in enumerate(traced.dims):
            if isinstance(size, str) and name in inputs:
                sizes[size] = np.shape(inputs[name])[axis]
    values: dict[int, Any] = {}
    for place in graph.needed(traced.place for traced in graph.outputs.values()):
        node = graph.nodes[place]
        operands = [values[p] for p in node.operands]
        values[place] = value_of(node, operands, inputs, sizes, graph.dtype)
    return {name: values[traced.place] for name, traced in graph.outputs.items()}


def value_of(
    node: Node, operands: list[Any], inputs: Mapping[str, Any], sizes: Mapping[str, int], dtype: Any
) -> Any:
    """Return the value of one operation on arrays; ``sizes`` are those with a name."""
    shape = [sizes[size] if isinstance(size, str) else size for size in node.shape]
    match node.op:
        case "input":
            return np.asarray(inputs[node.option("name")], dtype)
        case "dimension":
            return sizes[node.option("name")]
        case "number":
            return np.asarray(node.option("value"), dtype)
        case "constant":
            return node.option("value")
        case "sum" | "max":
            return getattr(np, node.op)(
                operands[0], axis=node.option("axis"), keepdims=node.option("keepdims")
            )
        case "take":
            return np.take(operands[0], operands[1], axis=node.option("axis"))
        case "concat":
            return np.concatenate(operands, axis=node.option("axis"))
        case "slice":
            return operands[0][tuple(slice(*(part or (None,))) for part in node.option("bounds"))]
        case "expand_dims" | "reshape":
            return np.reshape(operands[0], shape)
        case "broadcast_to":
            return np.broadcast_to(operands[0], shape)
        case "moveaxis":
            return np.moveaxis(operands[0], node.option("source"), node.option("destination"))
        case "matrix_transpose":
            return np.swapaxes(operands[0], -1, -2)
    return _NUMPY[node.op](*operands)


def encoded(program: Program, read: Mapping[str, Any]) -> FloatArray:
    """Return the input neurons (n, d) for what cells were read as, by the inputs of the graph of cells."""
    made: FloatArray = run_graph(program.cells_graph("rows"), read)["x"]
    return made


def mean_outputs(program: Program, x: FloatArray) -> FloatArray:
    """Return the members' mean outputs (n, n_out) in double precision, by the engine that judges."""
    mean: FloatArray = program.model.mean(program.model.outputs(np.asarray(x, np.float64), JUDGE))
    return mean


def answers_from(program: Program, mean: FloatArray) -> FloatArray:
    """Return the answers (n, …) for mean outputs (n, n_out), by the graph of answers."""
    made: FloatArray = run_graph(program.answer_graph("rows"), {"outputs": mean})["answers"]
    return made
