"""A graph as nodes of ONNX: how each operation is written in its operators, none of which is an activation's own.

Elementwise functions that runtimes lack in double precision, or at all, are made of those that they have.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule._types import IntArray
from chainrule.equations.graph import Graph, Node
from chainrule.errors import SettingsError
from chainrule.exports.reference import value_of
from chainrule.tables.files.write import free_name

SIMPLE: Mapping[str, str] = {
    "+": "Add", "-": "Sub", "*": "Mul", "/": "Div", "neg": "Neg", "<": "Less", "<=": "LessOrEqual", ">": "Greater",
    ">=": "GreaterOrEqual", "==": "Equal", "&": "And", "where": "Where", "maximum": "Max", "minimum": "Min", "pow": "Pow",
    "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "sin": "Sin", "tanh": "Tanh", "abs": "Abs", "sign": "Sign",
    "floor": "Floor", "round": "Round", "matmul": "MatMul",
}  # fmt: skip
"""The operator of an operation, where one does."""


class Nodes:
    """Nodes and constants of an ONNX graph as they are made; what they are called is ours, and begins with a slash."""

    def __init__(self, make: Any, opset: int, taken: Collection[str]) -> None:
        self.make, self.opset, self.taken = make, opset, taken
        self.nodes: list[Any] = []
        self.arrays: dict[str, NDArray[Any]] = {}
        self.widths: dict[str, int] = {}
        self._known: dict[Any, str] = {}
        self._made: dict[Any, str] = {}
        self._scaled: dict[str, tuple[str, str]] = {}
        self._count = 0

    def fresh(self) -> str:
        """Return a name that is not used yet."""
        self._count += 1
        return free_name(f"/{self._count}", self.taken, "/")

    def node(self, operator: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its one output; the same node is not made twice."""
        key = (operator, *inputs, repr(attributes))
        if not output and key in self._made:
            return self._made[key]
        output = output or self.fresh()
        self._made.setdefault(key, output)
        domain = {"domain": "ai.onnx.ml"} if operator == "LabelEncoder" else {}
        self.nodes.append(self.make.make_node(operator, list(inputs), [output], **domain, **attributes))
        return output

    def constant(self, array: NDArray[Any]) -> str:
        """Return the name of an array, which is kept once."""
        array = np.asarray(array)
        key = (array.dtype.str, array.shape, array.tobytes() if array.dtype != object else tuple(array.flat))
        if key not in self._known:
            self._known[key] = self.fresh()
            self.arrays[self._known[key]] = array
        return self._known[key]

    def single(self, whole: NDArray[Any]) -> str:
        """Return the name of whole numbers as numbers in single precision."""
        return self.node("Cast", [self.constant(whole)], to=1)

    def leave(self, outputs: Collection[str]) -> None:
        """Leave out the nodes that none of the outputs needs."""
        needed, kept = set(outputs), []
        for node in reversed(self.nodes):
            if needed & set(node.output):
                needed |= set(node.input)
                kept.append(node)
        self.nodes = kept[::-1]

    @property
    def constants(self) -> dict[str, NDArray[Any]]:
        """The arrays that nodes use, by name."""
        used = {name for node in self.nodes for name in node.input}
        return {name: array for name, array in self.arrays.items() if name in used}

    def number(self, value: float, dtype: Any) -> str:
        """Return the name of one number."""
        return self.constant(np.array(value, dtype))

    def graph(self, graph: Graph, inputs: Mapping[str, str], table_rows: str) -> dict[str, str]:
        """Add a graph's nodes, and return the names of its outputs; ``table_rows`` is an array whose first axis are the rows.

        What is made of constants alone is worked out here, and columns that only change places before a matrix product have
        the rows of the matrix change places instead.
        """
        names: dict[int, str] = {}
        moved: dict[int, IntArray] = {}
        needed = graph.needed(traced.place for traced in graph.outputs.values())
        outputs = {traced.place for traced in graph.outputs.values()}
        for place in needed:
            node = graph.nodes[place]
            if node.op == "input":
                names[place] = inputs[node.option("name")]
                self._measure(names[place], node.shape)
                continue
            own = [names[p] for p in node.operands]
            if node.op == "take" and (order := self._order_of(node, own)) is not None:
                names[place] = own[0]
                if not _is_sorted(order):
                    moved[place] = order
                continue
            carried = self._carried(node, own, moved)
            if carried is not None:
                names[place], order = carried
                if order is not None:
                    moved[place] = order
                continue
            for at, operand in enumerate(node.operands):
                if operand in moved:
                    own[at] = self.node("Gather", [own[at], self.constant(moved[operand])], axis=-1)
            names[place] = (
                self._folded(graph, node, own)
                or self._at_once(node, own)
                or self._written(graph, node, own, table_rows)
            )
            self._measure(names[place], node.shape)
        for place in outputs & moved.keys():
            names[place] = self.node("Gather", [names[place], self.constant(moved[place])], axis=-1)
        return {name: names[traced.place] for name, traced in graph.outputs.items()}

    def _measure(self, name: str, shape: Sequence[int | str]) -> None:
        """Keep how many columns an array has."""
        if shape and isinstance(shape[-1], int):
            self.widths[name] = shape[-1]

    def _order_of(self, node: Node, own: list[str]) -> IntArray | None:
        """Return the order that columns are put in, each once, by a node that does nothing else."""
        order = self.arrays.get(own[1])
        if order is None or node.option("axis") != len(node.shape) - 1 or order.ndim != 1:
            return None
        width = self.widths.get(own[0])
        return order if width == len(order) and _is_sorted(np.sort(order)) else None

    def _carried(
        self, node: Node, own: list[str], moved: Mapping[int, IntArray]
    ) -> tuple[str, IntArray | None] | None:
        """Return a product with a constant of columns that are still to be moved or scaled, and how its columns are to be moved.

        In a matrix product the rows of the matrix are moved and scaled instead.
        """
        if node.op not in ("*", "matmul") or own[1] not in self.arrays:
            return None
        order, scaled = moved.get(node.operands[0]), self._scaled.get(own[0])
        given = self.arrays[own[1]]
        if node.op == "matmul" and (order is not None or scaled is not None):
            left = own[0]
            if order is not None:
                given = given[..., np.argsort(order), :]
            if scaled is not None and self.arrays[scaled[0]].shape in ((len(given),), (1, len(given))):
                left, given = scaled[1], self.arrays[scaled[0]].reshape(-1, 1) * given
            return self.node("MatMul", [left, self.constant(given)]), None
        if node.op == "matmul" or order is None:
            return None
        if given.ndim and given.shape[-1] > 1:
            given = given[..., np.argsort(order)]
        return self._times(own[0], self.constant(given)), order

    def _times(self, array: str, number: str) -> str:
        """Return an array times a constant, in one product where there would be two of them."""
        if array in self._scaled:
            before, array = self._scaled[array]
            number = self.constant(self.arrays[before] * self.arrays[number])
        made = self.node("Mul", [array, number])
        self._scaled[made] = number, array
        return made

    def _folded(self, graph: Graph, node: Node, own: list[str]) -> str | None:
        """Return what is made of constants alone, as a constant."""
        if node.op in ("number", "constant", "dimension") or not all(name in self.arrays for name in own):
            return None
        if any(isinstance(size, str) for size in node.shape):
            return None
        return self.constant(value_of(node, [self.arrays[name] for name in own], {}, {}, graph.dtype))

    def _at_once(self, node: Node, own: list[str]) -> str:
        """Return a product with one constant where there would be two of them; and a condition as 1 and 0 without a choice."""
        if node.op == "where" and [self._number(name) for name in own[1:]] == [1.0, 0.0]:
            return self.node("Cast", own[:1], to=11 if node.dtype == np.float64 else 1)
        if node.op != "*" or (own[0] in self.arrays) == (own[1] in self.arrays):
            return ""
        return self._times(*(own if own[1] in self.arrays else own[::-1]))

    def _number(self, name: str) -> float | None:
        """Return the one number of a constant, None of anything else."""
        array = self.arrays.get(name)
        return float(array) if array is not None and array.ndim == 0 and array.dtype.kind == "f" else None

    def _written(self, graph: Graph, node: Node, names: list[str], table_rows: str) -> str:
        dtype = graph.dtype
        if node.op in SIMPLE:
            return self.node(SIMPLE[node.op], names)
        if node.op in _MADE:
            return _MADE[node.op](self, names, dtype)
        match node.op:
            case "number":
                return self.number(node.option("value"), dtype)
            case "constant":
                return self.constant(node.option("value"))
            case "sum":
                axes = self.constant(np.array([node.option("axis")], np.int64))
                return self.node("ReduceSum", [*names, axes], keepdims=int(node.option("keepdims")))
            case "max":
                keep = int(node.option("keepdims"))
                if self.opset < 18:
                    return self.node("ReduceMax", names, axes=[node.option("axis")], keepdims=keep)
                return self.node(
                    "ReduceMax",
                    [*names, self.constant(np.array([node.option("axis")], np.int64))],
                    keepdims=keep,
                )
            case "take":
                return self.node("Gather", names, axis=node.option("axis"))
            case "concat":
                return self.node("Concat", names, axis=node.option("axis"))
            case "expand_dims":
                return self.node(
                    "Unsqueeze", [*names, self.constant(np.array([node.option("axis")], np.int64))]
                )
            case "reshape":
                return self.node("Reshape", [*names, self._shape(node, table_rows)])
            case "broadcast_to":
                return self.node("Expand", [*names, self._shape(node, table_rows)])
            case "moveaxis" | "matrix_transpose":
                return self.node("Transpose", names, perm=_order(node))
            case "slice":
                cut = [(axis, part) for axis, part in enumerate(node.option("bounds")) if part is not None]
                bounds = [
                    np.array(column, np.int64)
                    for column in zip(*((*part, axis) for axis, part in cut), strict=True)
                ]
                return self.node("Slice", [*names, *map(self.constant, bounds)])
        raise SettingsError(f"ONNX can't use {node.op}")

    def _shape(self, node: Node, table_rows: str) -> str:
        """Return the name of a node's shape, in which the number of rows may be known only when the graph runs."""
        if not any(isinstance(size, str) for size in node.shape):
            return self.constant(np.array(node.shape, np.int64))
        if node.op == "reshape":
            return self.constant(
                np.array([-1 if isinstance(size, str) else size for size in node.shape], np.int64)
            )
        rows = self.node("Shape", [table_rows], start=0, end=1)
        parts = [
            rows if isinstance(size, str) else self.constant(np.array([size], np.int64))
            for size in node.shape
        ]
        return self.node("Concat", parts, axis=0) if len(parts) > 1 else parts[0]


def _is_sorted(order: IntArray) -> bool:
    return bool((order == np.arange(len(order))).all())


def _order(node: Node) -> list[int]:
    axes = list(range(len(node.shape)))
    if node.op == "matrix_transpose":
        return [*axes[:-2], axes[-1], axes[-2]]
    source, destination = node.option("source"), node.option("destination")
    axes.remove(source)
    axes.insert(destination, source)
    return axes


def _not_equal(nodes: Nodes, names: list[str], dtype: Any) -> str:
    # IsNaN says the same of a number and itself, but gives no truth value in tract 0.23.
    return nodes.node("Not", [nodes.node("Equal", names)])


def _exponentials(sign: str) -> Callable[[Nodes, list[str], Any], str]:
    def made(nodes: Nodes, names: list[str], dtype: Any) -> str:
        up, down = nodes.node("Exp", names), nodes.node("Exp", [nodes.node("Neg", names)])
        return nodes.node("Div", [nodes.node(sign, [up, down]), nodes.number(2.0, dtype)])

    return made


def _cos(nodes: Nodes, names: list[str], dtype: Any) -> str:
    if dtype == np.float32:
        return nodes.node("Cos", names)
    # ONNX Runtime had no cosine in double before 1.21.
    return nodes.node("Sin", [nodes.node("Add", [*names, nodes.number(np.pi / 2, dtype)])])


def _atan(nodes: Nodes, names: list[str], dtype: Any) -> str:
    if dtype == np.float32:
        return nodes.node("Atan", names)
    single = nodes.node("Atan", [nodes.node("Cast", names, to=1)])
    return nodes.node("Cast", [single], to=11)


_MADE: Mapping[str, Callable[[Nodes, list[str], Any], str]] = {
    "!=": _not_equal,
    "log1p": lambda g, x, t: g.node("Log", [g.node("Add", [*x, g.number(1.0, t)])]),
    "expm1": lambda g, x, t: g.node("Sub", [g.node("Exp", x), g.number(1.0, t)]),
    "log2": lambda g, x, t: g.node("Div", [g.node("Log", x), g.number(np.log(2.0), t)]),
    "tan": lambda g, x, t: g.node("Div", [g.node("Sin", x), _cos(g, x, t)]),
    "sinh": _exponentials("Sub"),
    "cosh": _exponentials("Add"),
    "atan": _atan,
    "cos": _cos,
}
"""Operations that take more than one operator."""
