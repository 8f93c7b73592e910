"""Equations run on symbols: what the pure functions of `equations` compute, as a graph of operations.

`equations` takes its array namespace as an argument, so handing it the namespace of this file makes every
activation, loss and update write down its own operations. The compiled engine turns that graph into code
(`codegen.py`): nothing is listed or written twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import SettingsError

Key = tuple[Any, ...]

ELEMENT, ROW, SCALAR = 2, 1, 0
"""How often a value changes: with every element, with every row, or once a call."""


class Graph:
    """Operations in the order they were first met, each once: equal operations are one node."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        self.nodes: list[Key] = []
        self.levels: list[int] = []
        self._places: dict[Key, int] = {}

    def node(self, level: int, *key: Any) -> Traced:
        """Return the node of an operation; ``key`` is its name and the places of its operands."""
        if key not in self._places:
            self._places[key] = len(self.nodes)
            self.nodes.append(key)
            self.levels.append(level)
        return Traced(self, self._places[key])

    def symbol(self, name: str, level: int) -> Traced:
        """Return a named input."""
        return self.node(level, "symbol", name)

    def place(self, value: Any) -> int:
        """Return the place of an operand, which may be a Python number."""
        if isinstance(value, Traced):
            return value.place
        if isinstance(value, bool | int | float | np.floating):
            # The sign keeps 0.0 and -0.0, which are equal, apart.
            return self.node(SCALAR, "number", float(value), math.copysign(1.0, value)).place
        raise SettingsError(f"a compiled equation can't use {value!r}")

    def apply(self, name: str, *operands: Any) -> Traced:
        """Return the node of an elementwise operation."""
        places = tuple(self.place(operand) for operand in operands)
        return self.node(max(self.levels[place] for place in places), name, *places)

    def reduce(self, name: str, operand: Traced) -> Traced:
        """Return the node of a sum or maximum over the row's elements."""
        if operand.level < ELEMENT:
            raise SettingsError(
                f"a compiled equation can't take the {name} over something that is the same in a row"
            )
        return self.node(ROW, name, operand.place)


@dataclass(frozen=True, eq=False)
class Traced:
    """The result of one operation; Python's operators on it make further operations."""

    graph: Graph
    place: int
    ndim = 2

    @property
    def dtype(self) -> Any:
        """The dtype that the compiled code will compute in."""
        return self.graph.dtype

    @property
    def level(self) -> int:
        """How often the value changes."""
        return self.graph.levels[self.place]

    @property
    def shape(self) -> tuple[Traced, Traced]:
        """The numbers of rows and of columns, as values known when the code is called."""
        return self.graph.symbol("rows", SCALAR), self.graph.symbol("cols", SCALAR)

    def __add__(self, other: Any) -> Traced:
        return self.graph.apply("+", self, other)

    def __radd__(self, other: Any) -> Traced:
        return self.graph.apply("+", other, self)

    def __sub__(self, other: Any) -> Traced:
        return self.graph.apply("-", self, other)

    def __rsub__(self, other: Any) -> Traced:
        return self.graph.apply("-", other, self)

    def __mul__(self, other: Any) -> Traced:
        return self.graph.apply("*", self, other)

    def __rmul__(self, other: Any) -> Traced:
        return self.graph.apply("*", other, self)

    def __truediv__(self, other: Any) -> Traced:
        return self.graph.apply("/", self, other)

    def __rtruediv__(self, other: Any) -> Traced:
        return self.graph.apply("/", other, self)

    def __pow__(self, other: Any) -> Traced:
        if isinstance(other, int) and other == 2:
            return self * self
        return self.graph.apply("pow", self, other)

    def __rpow__(self, other: Any) -> Traced:
        return self.graph.apply("pow", other, self)

    def __neg__(self) -> Traced:
        return self.graph.apply("neg", self)

    def __lt__(self, other: Any) -> Traced:
        return self.graph.apply("<", self, other)

    def __le__(self, other: Any) -> Traced:
        return self.graph.apply("<=", self, other)

    def __gt__(self, other: Any) -> Traced:
        return self.graph.apply(">", self, other)

    def __ge__(self, other: Any) -> Traced:
        return self.graph.apply(">=", self, other)

    def __eq__(self, other: object) -> Traced:  # type: ignore[override]  # as arrays do, elementwise
        return self.graph.apply("==", self, other)

    def __ne__(self, other: object) -> Traced:  # type: ignore[override]  # as arrays do, elementwise
        return self.graph.apply("!=", self, other)


EXPONENTIAL = ("exp", "log", "log1p", "expm1", "log2", "sqrt")
TRIGONOMETRIC = ("sin", "cos", "tan", "sinh", "cosh", "tanh", "atan")
UNARY = (*EXPONENTIAL, *TRIGONOMETRIC, "abs", "sign", "floor", "round")
"""The functions of one argument that `codegen` has code for."""


class TracingNamespace:
    """The part of the array API that the equations use, on `Traced` values."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def __getattr__(self, name: str) -> Any:
        if name not in UNARY:
            raise AttributeError(f"equations can't use {name} in the compiled engine")
        return lambda value: self.graph.apply(name, value)

    def isdtype(self, dtype: Any, kind: str) -> bool:
        """All traced values are real floating."""
        return kind == "real floating"

    def result_type(self, *values: Any) -> Any:
        """Return the graph's dtype."""
        return self.graph.dtype

    def finfo(self, dtype: Any) -> Any:
        """Return the limits of a dtype."""
        return np.finfo(dtype)

    def asarray(self, value: Any, dtype: Any = None) -> Traced:
        """Return a value as a node."""
        return value if isinstance(value, Traced) else Traced(self.graph, self.graph.place(value))

    def broadcast_to(self, value: Traced, shape: Any) -> Traced:
        """Return the value: a node has no shape of its own."""
        return value

    def full_like(self, like: Traced, value: Any) -> Traced:
        """Return a constant."""
        return self.asarray(value)

    def zeros_like(self, like: Traced) -> Traced:
        """Return 0."""
        return self.asarray(0.0)

    def ones_like(self, like: Traced) -> Traced:
        """Return 1."""
        return self.asarray(1.0)

    def where(self, condition: Traced, u: Any, v: Any) -> Traced:
        """Return u where the condition holds, else v."""
        return self.graph.apply("where", condition, u, v)

    def maximum(self, u: Any, v: Any) -> Traced:
        """Return the larger."""
        return self.graph.apply("max", u, v)

    def minimum(self, u: Any, v: Any) -> Traced:
        """Return the smaller."""
        return self.graph.apply("min", u, v)

    def clip(self, u: Any, low: Any, high: Any) -> Traced:
        """Return u bounded to [low, high]."""
        return self.minimum(self.maximum(u, low), high)

    def pow(self, u: Any, v: Any) -> Traced:
        """Return u to the power v."""
        return self.graph.apply("pow", u, v)

    def sum(self, value: Traced, axis: int, keepdims: bool = False) -> Traced:
        """Return the sum over the last axis, the row."""
        return self.graph.reduce("rowsum", value)

    def max(self, value: Traced, axis: int, keepdims: bool = False) -> Traced:
        """Return the largest of the last axis, the row."""
        return self.graph.reduce("rowmax", value)
