"""A second printer of graphs, beside the compiled engine's: NumPy source, a line a node, each operation one row of a table."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from chainrule.equations.graph import INFIX, UNARY, Graph, Node, Target, Traced

PYTHON = Target(
    "Python",
    {op: f"{{0}} {op} {{1}}" for op in (*INFIX, "&")}
    | {
        op: f"np.{op}({{all}})"
        for op in (*UNARY, "where", "maximum", "minimum", "matmul", "matrix_transpose")
    }
    | {op: f"np.{op}({{0}}, axis={{axis}}, keepdims={{keepdims}})" for op in ("sum", "max")}
    | {
        "neg": "-{0}",
        "pow": "{0} ** {1}",
        "atan": "np.arctan({0})",
        "take": "np.take({0}, {1}, axis={axis})",
        "concat": "np.concatenate([{all}], axis={axis})",
        "expand_dims": "np.expand_dims({0}, {axis})",
        "moveaxis": "np.moveaxis({0}, {source}, {destination})",
        "reshape": "np.reshape({0}, [{sizes}])",
        "broadcast_to": "np.broadcast_to({0}, [{sizes}])",
    },
)


def source(graph: Graph, results: Mapping[str, Traced]) -> str:
    """A function of the graph's inputs, by name, that returns the results, by name."""
    lines = [f"def program({', '.join(graph.inputs)}):"]
    for name, place, axis in sizes(graph):
        lines.append(f"    {name} = {place}.shape[{axis}]")
    for place in graph.needed(traced.place for traced in results.values()):
        lines.append(f"    v{place} = {expression(graph.nodes[place])}")
    made = ", ".join(f"{name}=v{traced.place}" for name, traced in results.items())
    return "\n".join([*lines, f"    return dict({made})"])


def sizes(graph: Graph) -> Iterable[tuple[str, str, int]]:
    """The sizes with a name, each with an input and the axis that tells it."""
    for name, traced in graph.inputs.items():
        yield from ((size, name, axis) for axis, size in enumerate(traced.dims) if isinstance(size, str))


def expression(node: Node) -> str:
    """A node in Python."""
    match node.op:
        case "input" | "dimension":
            return node.option("name")
        case "number":
            return f"np.{node.dtype}({node.option('value')!r})"
        case "constant":
            return f"np.array({node.option('value').tolist()}, np.{node.dtype})"
        case "slice":
            parts = [":" if part is None else f"{part[0]}:{part[1]}" for part in node.option("bounds")]
            return f"v{node.operands[0]}[{', '.join(parts)}]"
    return PYTHON.write(node, [f"v{place}" for place in node.operands])


def run(graph: Graph, results: Mapping[str, Traced], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What the program returns for arrays given by the inputs' names."""
    space: dict[str, Any] = {"np": np, "inf": np.inf, "nan": np.nan}
    exec(source(graph, results), space)
    with np.errstate(all="ignore"):
        return space["program"](**{name: inputs[name] for name in graph.inputs})
