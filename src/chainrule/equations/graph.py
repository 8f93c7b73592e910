"""Equations run on symbols: what the pure functions of `equations` compute, as a graph of operations.

`equations` takes its array namespace as an argument. A `Graph` is such a namespace: handed to an activation, a
loss, an update or a network, it keeps their operations, each once, instead of computing. A printer then
writes the graph as a program, by a table of how each operation is written (`Target`): nothing is listed or written twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache, partial, partialmethod
from typing import Any, NamedTuple

import numpy as np

from chainrule.equations.network import Network
from chainrule.errors import SettingsError

Shape = tuple[int | str, ...]
"""Sizes of the axes; one with a name is known only when the program runs."""

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
INFIX = ("+", "-", "*", "/", *COMPARISONS)
EXPONENTIAL = ("exp", "log", "log1p", "expm1", "log2", "sqrt")
TRIGONOMETRIC = ("sin", "cos", "tan", "sinh", "cosh", "tanh", "atan")
UNARY = (*EXPONENTIAL, *TRIGONOMETRIC, "abs", "sign", "floor", "round")
"""Also done number by number, on operands that are broadcast: ``&``, neg, pow, where, maximum and minimum."""


class Node(NamedTuple):
    """One operation: its name, the places of its operands in `Graph.nodes`, its options by name, what comes out.

    An ``input`` and a ``dimension`` have a ``name``, a ``number`` (a float) and a ``constant`` (an array) a ``value``;
    sum and max an ``axis``, counted from 0, and ``keepdims``; take, concat and expand_dims an ``axis``; moveaxis
    ``source`` and ``destination``; slice for each axis its ``bounds``, or None.
    """

    op: str
    operands: tuple[int, ...]
    options: tuple[tuple[str, Any], ...]
    shape: Shape
    dtype: Any

    def option(self, name: str) -> Any:
        """Return the option of a name."""
        return dict(self.options)[name]


class Target(NamedTuple):
    """A language that graphs are written in, and how each operation is: ``"np.sum({0}, axis={axis})"``.

    ``{0}``, ``{1}``, … are the operands, ``{all}`` all of them, ``{sizes}`` the sizes of the result; other names are options.
    """

    name: str
    code: Mapping[str, str]

    def write(self, node: Node, operands: Sequence[str]) -> str:
        """Return the node's expression; raises SettingsError for an operation that the language has no code for."""
        if node.op not in self.code:
            raise SettingsError(f"{self.name} can't use {node.op}")
        sizes = ", ".join(map(str, node.shape))
        return self.code[node.op].format(
            *operands, all=", ".join(operands), sizes=sizes, **dict(node.options)
        )


Operator = Callable[["Traced", Any], "Traced"]


def _operator(op: str, *, swapped: bool = False) -> Operator:
    def apply(self: Traced, other: Any) -> Traced:
        return self.graph.apply(op, *((other, self) if swapped else (self, other)))

    return apply


class Traced:
    """An array that is a node's, or a node's broadcast to ``dims``; Python's operators on it make further nodes."""

    __array_ufunc__ = None  # so that an array's operator leaves the operation to ours
    __hash__ = None  # type: ignore[assignment]  # as arrays have none
    __slots__ = ("dims", "graph", "place")

    def __init__(self, graph: Graph, place: int, dims: Shape) -> None:
        self.graph, self.place, self.dims = graph, place, dims

    @property
    def dtype(self) -> Any:
        """The dtype that the program computes in, or bool or int64."""
        return self.graph.nodes[self.place].dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.dims)

    @property
    def shape(self) -> tuple[Any, ...]:
        """The sizes of the axes: numbers, and nodes where they are known only when the program runs."""
        return tuple(self.graph.dimension(size) if isinstance(size, str) else size for size in self.dims)

    __add__, __radd__ = _operator("+"), _operator("+", swapped=True)
    __sub__, __rsub__ = _operator("-"), _operator("-", swapped=True)
    __mul__, __rmul__ = _operator("*"), _operator("*", swapped=True)
    __truediv__, __rtruediv__ = _operator("/"), _operator("/", swapped=True)
    __lt__, __le__, __gt__, __ge__ = map(_operator, COMPARISONS[:4])
    __eq__ = _operator("==")  # type: ignore[assignment]  # as arrays do, elementwise
    __ne__ = _operator("!=")  # type: ignore[assignment]
    __and__, __rpow__ = _operator("&"), _operator("pow", swapped=True)

    def __pow__(self, other: Any) -> Traced:
        return self * self if isinstance(other, int) and other == 2 else self.graph.apply("pow", self, other)

    def __neg__(self) -> Traced:
        return self.graph.apply("neg", self)

    def __bool__(self) -> bool:
        """Tell whether two sizes are equal: a named one is equal to itself alone."""
        node = self.graph.nodes[self.place]
        if node.op == "==" and any(self.graph.nodes[place].op == "dimension" for place in node.operands):
            return node.operands[0] == node.operands[1]
        raise SettingsError("equations on symbols can't branch on a value")

    def __getitem__(self, key: Any) -> Traced:
        keys = key if isinstance(key, tuple) else (key,)
        at = keys.index(...) if ... in keys else len(keys)
        between = [slice(None)] * (self.ndim - len(keys[:at]) - len(keys[at + 1 :]))
        bounds: list[tuple[int, int] | None] = []
        dims: list[int | str] = []
        for part, size in zip((*keys[:at], *between, *keys[at + 1 :]), self.dims, strict=True):
            if part == slice(None):
                bounds.append(None)
                dims.append(size)
            elif not isinstance(part, slice) or part.step is not None or isinstance(size, str):
                raise SettingsError(f"equations on symbols can't index an axis of size {size} with {part!r}")
            else:
                start, stop, _ = part.indices(size)
                bounds.append((start, stop))
                dims.append(max(0, stop - start))
        return self.graph.rearranged("slice", self, tuple(dims), bounds=tuple(bounds))


class Graph:
    """Operations in the order they were first met, operands first and each once; the namespace that collects them.

    ``inputs`` and ``outputs`` are arrays by name. What is broadcast stays as small as its node is until an operation needs
    all of it. ``keeps`` are functions of `special` that stay one operation, for a language that has them.
    """

    def __init__(self, dtype: Any = np.float64, *, keeps: Collection[str] = ()) -> None:
        self.dtype = np.dtype(dtype)
        self.keeps = frozenset(keeps)
        self.nodes: list[Node] = []
        self.inputs: dict[str, Traced] = {}
        self.outputs: dict[str, Traced] = {}
        self._places: dict[Any, int] = {}

    def input(self, name: str, shape: Shape = ()) -> Traced:
        """Return a new named input."""
        if name in self.inputs:
            raise SettingsError(f"there is an input {name} already")
        self.inputs[name] = self._node(("input", name), "input", (), shape, self.dtype, name=name)
        return self.inputs[name]

    def dimension(self, name: str) -> Traced:
        """Return the size that has a name, as a number."""
        return self._node(("dimension", name), "dimension", (), (), np.dtype(np.int64), name=name)

    def output(self, name: str, value: Traced) -> None:
        """Keep an array as a result of the program."""
        self.outputs[name] = self.whole(value)

    def needed(self, places: Iterable[int], leave: Collection[int] = ()) -> list[int]:
        """Return the places of nodes and of all they are computed from, in order, but not through those to ``leave``."""
        found: set[int] = set()
        waiting = list(places)
        while waiting:
            place = waiting.pop()
            if place not in found and place not in leave:
                found.add(place)
                waiting.extend(self.nodes[place].operands)
        return sorted(found)

    def _node(
        self, key: Any, op: str, operands: tuple[int, ...], shape: Shape, dtype: Any, **options: Any
    ) -> Traced:
        if key not in self._places:
            self._places[key] = len(self.nodes)
            self.nodes.append(Node(op, operands, tuple(options.items()), shape, dtype))
        place = self._places[key]
        return Traced(self, place, self.nodes[place].shape)

    def traced(self, value: Any) -> Traced:
        """Return an operand, which may be a Python number."""
        if isinstance(value, Traced):
            return value
        if isinstance(value, bool | int | float | np.floating):
            # By their text 0.0 and -0.0, which are equal, are kept apart, and each NaN is the same.
            number = float(value)
            return self._node(("number", repr(number)), "number", (), (), self.dtype, value=number)
        raise SettingsError(f"equations on symbols can't use {value!r}")

    def apply(self, op: str, *operands: Any) -> Traced:
        """Return the result of an elementwise operation."""
        given = [self.traced(operand) for operand in operands]
        places = tuple([operand.place for operand in given])
        key = (op, places)
        if key not in self._places:
            dtype = np.dtype(bool) if op in COMPARISONS or op == "&" else self.dtype
            self._node(key, op, places, _broadcast(*[self.nodes[place].shape for place in places]), dtype)
        return Traced(self, self._places[key], _broadcast(*[operand.dims for operand in given]))

    def whole(self, a: Traced) -> Traced:
        """Return an array whose node has all of its numbers."""
        if self.nodes[a.place].shape == a.dims:
            return a
        key = ("broadcast_to", a.place, a.dims)
        return self._node(key, "broadcast_to", (a.place,), a.dims, a.dtype)

    def arraywise(self, op: str, operands: Sequence[Traced], shape: Shape, **options: Any) -> Traced:
        """Return the result of an operation on whole arrays."""
        places = tuple(self.whole(operand).place for operand in operands)
        key = (op, places, tuple(options.values()), shape)
        return self._node(key, op, places, shape, operands[0].dtype, **options)

    def rearranged(self, op: str, a: Traced, shape: Shape, **options: Any) -> Traced:
        """Return an array's numbers in another order or shape; of a single number broadcast that is the same number."""
        if not self.nodes[a.place].shape:
            return Traced(self, a.place, shape)
        return self.arraywise(op, [a], shape, **options)

    def __getattr__(self, name: str) -> Any:
        if name not in (*UNARY, "where", "maximum", "minimum", *self.keeps):
            raise AttributeError(f"equations on symbols can't use {name}")
        return partial(self.apply, name)

    def isdtype(self, dtype: Any, kind: str) -> bool:
        """Tell whether a dtype is real floating, the only kind that can be asked for."""
        return kind == "real floating" and dtype.kind == "f"

    def result_type(self, *values: Any) -> Any:
        """Return the graph's dtype."""
        return self.dtype

    def finfo(self, dtype: Any) -> Any:
        """Return the limits of a dtype."""
        return np.finfo(dtype)

    def asarray(self, value: Any, dtype: Any = None) -> Traced:
        """Return a value, which may be an array of numbers or of indices, as a node."""
        if not isinstance(value, np.ndarray):
            return self.traced(value)
        array = np.asarray(value, self.dtype if value.dtype.kind == "f" else np.int64)
        key = ("constant", array.dtype, array.shape, array.tobytes())
        return self._node(key, "constant", (), array.shape, array.dtype, value=array)

    def broadcast_to(self, a: Traced, shape: Sequence[Any]) -> Traced:
        """Return an array broadcast to a shape, which takes no node yet."""
        return Traced(self, a.place, _sizes(shape))

    def full_like(self, like: Traced, value: Any) -> Traced:
        """Return an array of one number."""
        return Traced(self, self.traced(value).place, like.dims)

    zeros_like, ones_like = partialmethod(full_like, value=0.0), partialmethod(full_like, value=1.0)

    def ones(self, shape: Sequence[Any], dtype: Any = None) -> Traced:
        """Return an array of 1."""
        return self.broadcast_to(self.traced(1.0), shape)

    def clip(self, u: Any, low: Any, high: Any) -> Traced:
        """Return u bounded to [low, high]."""
        return self.apply("minimum", self.apply("maximum", u, low), high)

    def _reduced(self, op: str, a: Traced, axis: int, keepdims: bool = False) -> Traced:
        """Return the sum over an axis, or the largest of it."""
        if not -a.ndim <= axis < a.ndim:
            raise SettingsError(f"there is no axis {axis} of {a.ndim} to take the {op} over")
        axis %= a.ndim
        shape = (*a.dims[:axis], *((1,) if keepdims else ()), *a.dims[axis + 1 :])
        return self.arraywise(op, [a], shape, axis=axis, keepdims=keepdims)

    sum, max = partialmethod(_reduced, "sum"), partialmethod(_reduced, "max")

    def matmul(self, a: Traced, b: Traced) -> Traced:
        """Return the matrix product over the last two axes."""
        if a.dims[-1] != b.dims[-2]:
            raise SettingsError(f"no matrix product of shapes {a.dims} and {b.dims}")
        return self.arraywise(
            "matmul", [a, b], (*_broadcast(a.dims[:-2], b.dims[:-2]), a.dims[-2], b.dims[-1])
        )

    def matrix_transpose(self, a: Traced) -> Traced:
        """Return an array with its last two axes exchanged."""
        return self.rearranged("matrix_transpose", a, (*a.dims[:-2], a.dims[-1], a.dims[-2]))

    def expand_dims(self, a: Traced, axis: int) -> Traced:
        """Return an array with one more axis, of size 1."""
        axis %= a.ndim + 1
        return self.rearranged("expand_dims", a, (*a.dims[:axis], 1, *a.dims[axis:]), axis=axis)

    def moveaxis(self, a: Traced, source: int, destination: int) -> Traced:
        """Return an array with one axis in another place."""
        source, destination = source % a.ndim, destination % a.ndim
        rest = [*a.dims[:source], *a.dims[source + 1 :]]
        shape = (*rest[:destination], a.dims[source], *rest[destination:])
        return self.rearranged("moveaxis", a, shape, source=source, destination=destination)

    def reshape(self, a: Traced, shape: Sequence[Any]) -> Traced:
        """Return an array's numbers, in their order, in another shape."""
        return self.rearranged("reshape", a, _sizes(shape))

    def take(self, a: Traced, indices: Traced, axis: int) -> Traced:
        """Return what lies at given indices of an axis."""
        axis %= a.ndim
        shape = (*a.dims[:axis], *indices.dims, *a.dims[axis + 1 :])
        return self.arraywise("take", [a, indices], shape, axis=axis)

    def concat(self, arrays: Sequence[Traced], axis: int) -> Traced:
        """Return arrays one behind the other along an axis."""
        axis %= arrays[0].ndim
        if any(isinstance(array.dims[axis], str) for array in arrays):
            raise SettingsError(
                "equations on symbols can't put arrays one behind the other along an axis without a number"
            )
        size = sum(int(array.dims[axis]) for array in arrays)
        shape = (*arrays[0].dims[:axis], size, *arrays[0].dims[axis + 1 :])
        return self.arraywise("concat", arrays, shape, axis=axis)


@lru_cache(maxsize=4096)
def _broadcast(*shapes: Shape) -> Shape:
    """Return the shape of arrays broadcast against each other; a size with a name fits itself and 1."""
    ndim = max(map(len, shapes))
    dims: list[int | str] = []
    for sizes in zip(*((1,) * (ndim - len(shape)) + shape for shape in shapes), strict=True):
        others = set(sizes) - {1}
        if len(others) > 1:
            raise SettingsError(f"shapes {', '.join(map(str, shapes))} don't fit each other")
        dims.append(others.pop() if others else 1)
    return tuple(dims)


def _sizes(shape: Sequence[Any]) -> Shape:
    """Return sizes as numbers and names."""
    return tuple(
        size.graph.nodes[size.place].option("name") if isinstance(size, Traced) else int(size)
        for size in shape
    )


def trace_forward(
    network: Network,
    *,
    rows: int | str = "rows",
    members: int | None = None,
    masks: bool = False,
    dtype: Any = np.float64,
    keeps: Collection[str] = (),
) -> Graph:
    """Return the graph of `Network.forward`.

    Its inputs are x (rows, d) and the parameters as the formulas call them, W1, b1, alpha1, …, f0, V0, … of the feature
    stage; with ``masks`` also r1, … of each layer with dropout. With ``members`` k parameters and masks are (k, …).
    Its outputs are all that forward names: u0, v0, e0, a0, z1, a1, h1, …; the last a is the network's.
    """
    return _forward(network, rows, members, masks, Graph(dtype, keeps=keeps))[0]


def trace_backward(
    network: Network,
    *,
    rows: int | str = "rows",
    members: int | None = None,
    masks: bool = False,
    weighted: bool = False,
    dtype: Any = np.float64,
) -> Graph:
    """Return the graph of `Network.forward` and `Network.backward`.

    Its inputs are those of `trace_forward`, the targets y (rows, n_out) and, if ``weighted``, w (rows,); its outputs
    also the cost C, da1, dh1, delta1, slope1, …, dW1, db1, …, dx, and of a feature stage da0, de0, du0, df0, ….
    """
    graph, p, record = _forward(network, rows, members, masks, Graph(dtype))
    y = graph.input("y", (rows, network.output.n_out))
    weights = graph.input("w", (rows,)) if weighted else None
    gradients = network.backward(p, record, y, graph, weights)
    graph.output("C", gradients.cost)
    for number, made in enumerate(gradients.layers, 1):
        _keep(graph, made, number, "da dh delta slope")
    for number, arrays in gradients.parameters.items():
        for name, array in arrays.items():
            graph.output(f"d{name}{number}", array)
    _keep(graph, gradients.stage, 0, "da de du")
    graph.output("dx", gradients.x)
    return graph


def _forward(
    network: Network, rows: int | str, members: int | None, masks: bool, graph: Graph
) -> tuple[Graph, dict[int, dict[str, Traced]], Any]:
    outer: Shape = () if members is None else (members,)
    x = graph.input("x", (rows, network.n_inputs))
    p = {
        number: {name: graph.input(f"{name}{number}", (*outer, *shape)) for name, shape in shapes.items()}
        for number, shapes in network.shapes().items()
    }
    used = [
        graph.input(f"r{number}", (*outer, rows, layer.n_out)) if masks and layer.dropout else None
        for number, layer in enumerate(network.layers, 1)
    ]
    record = network.forward(p, x, graph, used)
    _keep(graph, record.stage, 0, "u v e a")
    for number, made in enumerate(record.layers, 1):
        _keep(graph, made, number, "z a h")
    return graph, p, record


def _keep(graph: Graph, record: Any, layer: int, names: str) -> None:
    """Keep those arrays of a layer's record that it has."""
    for name in names.split():
        if (array := getattr(record, name, None)) is not None:
            graph.output(f"{name}{layer}", array)
