"""From a traced graph to the source of a small function over arrays.

`equation_source` writes the function: numbers that are the same in a whole call are computed once before the
loops, in float64; each depth of sums over a row is a loop of its own; what the compiler can share or turn
into vector instructions is left to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.equations.graph import ELEMENT, ROW, SCALAR, Graph, Traced
from chainrule.errors import SettingsError

_INFIX = ("+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=")
_COMPARE = ("<", "<=", ">", ">=", "==", "!=")
_REDUCTIONS = {"rowsum": "0.0", "rowmax": "-inf"}

FAST = {
    "float32": ("math32", frozenset({"exp", "expm1", "log", "log1p", "tanh"})),
    "float64": ("math64", frozenset({"exp", "expm1", "tanh"})),
}
"""Which functions have a form of ours, and in which module; the others are the C library's."""

TILE = 64
"""Rows that are worked on at once where elements of a row depend on each other."""

MOST_SHARED = 24
"""Columns of a tile (shared numbers, inputs, results) a piece may keep; its scratch has TILE numbers for each."""


@dataclass(frozen=True)
class Array:
    """One array argument: ``level`` says whether it has a number for each element or for each row.

    ``pointer`` is the C argument it lies in, of its own name if empty; ``place`` its place among several that
    lie there one after the other.
    """

    name: str
    level: int = ELEMENT
    pointer: str = ""
    place: int = 0


@dataclass(frozen=True)
class Kernel:
    """A function to be compiled: its graph, its array inputs, its results, and where its numbers come from.

    ``pointers`` are the C arguments in order; ``scalars`` the names read from the pointer ``numbers``.
    """

    graph: Graph
    pointers: Sequence[str]
    inputs: Sequence[Array]
    outputs: Mapping[str, tuple[Array, Traced]]
    scalars: Sequence[str] = ()
    flat: bool = False


def equation_source(kernel: Kernel) -> str:
    """Return the Python source of the kernel, which Numba can compile to a C function."""
    return _Writer(kernel).source()


class _Writer:
    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.graph = kernel.graph
        self.real = "float32" if self.graph.dtype == np.float32 else "float64"
        self.depths = self._all_depths()
        self.arrays = {array.name: array for array in kernel.inputs}
        self.lines: list[str] = []

    def source(self) -> str:
        kernel = self.kernel
        sizes = "size, stride" if kernel.flat else "rows, cols"
        self.lines = [f"def equation({', '.join((*kernel.pointers, sizes))}):"]
        needed = self._closure([traced.place for _, traced in kernel.outputs.values()])
        self._open_arrays()
        self._write_scalars(needed)
        if kernel.flat or not (any(self.graph.levels[p] == ROW for p in needed) or self._row_outputs()):
            # Nothing depends on the row, so its elements and the rows are one long loop.
            self._line(1, f"for i in range({'size' if kernel.flat else 'rows * cols'}):")
            self._write_elements(2, [t.place for _, t in kernel.outputs.values()])
            self._store(2, ELEMENT)
        else:
            self._write_rows(needed)
        return "\n".join(self.lines) + "\n"

    def _row_outputs(self) -> bool:
        return any(array.level == ROW for array, _ in self.kernel.outputs.values())

    def _open_arrays(self) -> None:
        kernel = self.kernel
        used = [*kernel.inputs, *(array for array, _ in kernel.outputs.values())]
        for pointer in kernel.pointers:
            arrays = [array for array in used if (array.pointer or array.name) == pointer]
            if pointer == "numbers":
                self._line(1, f"numbers_ = carray(numbers, ({max(1, len(kernel.scalars))},))")
            elif arrays and kernel.flat:
                count = max(array.place for array in arrays) + 1
                self._line(1, f"{pointer}_ = carray({pointer}, ({count - 1} * stride + size,))")
                # A view of its own for each, since an index stride + i might be negative for all the compiler
                # knows.
                for place in range(1, count):
                    self._line(1, f"{pointer}{place}_ = {pointer}_[{place} * stride :]")
            elif arrays:
                size = "rows" if arrays[0].level == ROW else "rows * cols"
                self._line(1, f"{pointer}_ = carray({pointer}, ({size},))")

    def _write_scalars(self, needed: set[int]) -> None:
        for place in sorted(needed):
            if self.graph.levels[place] == SCALAR:
                self._line(1, f"s{place} = {self._scalar(place)}")
                if not self._is_condition(place):
                    self._line(1, f"v{place} = {self.real}(s{place})")
                else:
                    self._line(1, f"v{place} = s{place}")

    def _scalar(self, place: int) -> str:
        name, *operands = self.graph.nodes[place]
        if name == "number":
            return _number(operands[0])
        if name == "symbol":
            if operands[0] in ("rows", "cols"):
                return f"float64({operands[0]})"
            return f"numbers_[{list(self.kernel.scalars).index(operands[0])}]"
        return self._expression(name, [f"s{p}" for p in operands], "float64")

    def _write_rows(self, needed: set[int]) -> None:
        """Write the loops over tiles of rows.

        Within a tile the rows are the inner loop, on columns that were copied to lie in one piece: so it can
        be made of vector instructions, however few the elements of a row are.
        """
        graph = self.graph
        outputs = self.kernel.outputs.values()
        shared = [p for p in sorted(needed) if graph.levels[p] == ROW]
        reductions = [p for p in shared if graph.nodes[p][0] in _REDUCTIONS]
        elements = [t.place for array, t in outputs if array.level == ELEMENT]
        store_at = max((self.depths[p] for p in elements), default=-1)
        self._line(1, "rows, cols = uint64(rows), uint64(cols)")
        columns = [f"t{p}" for p in shared] + [f"c_{array.name}" for array in self.kernel.inputs]
        columns += [f"o_{array.name}" for array, _ in outputs if array.level == ELEMENT]
        if len(columns) > MOST_SHARED:
            raise SettingsError(
                f"an equation over a row needs {len(columns)} columns; at most {MOST_SHARED} can be compiled"
            )
        for place, name in enumerate(columns):
            self._line(1, f"{name} = carray(scratch, ({(place + 1) * TILE},))[{place * TILE} :]")
        self._line(1, f"for tile in range(uint64(0), rows, uint64({TILE})):")
        self._line(2, f"many = min(uint64({TILE}), rows - tile)")
        for depth in range(1, max([self.depths[p] for p in reductions] + [store_at + 1]) + 1):
            here = [p for p in reductions if self.depths[p] == depth]
            stores = store_at + 1 == depth
            if here:
                self._line(2, "for r in range(many):")
                for p in here:
                    self._line(3, f"t{p}[r] = {self.real}({_REDUCTIONS[graph.nodes[p][0]]})")
            if here or stores:
                self._write_columns(here, elements if stores else [])
            self._write_shared([p for p in shared if self.depths[p] == depth and p not in here])
        stored = [(array, traced) for array, traced in outputs if array.level == ROW]
        if stored:
            self._line(2, "for r in range(many):")
            for array, traced in stored:
                self._line(3, f"{array.pointer or array.name}_[tile + r] = t{traced.place}[r]")

    def _write_columns(self, reductions: Sequence[int], elements: Sequence[int]) -> None:
        """Write the loop over the columns of a tile that adds up ``reductions`` and stores ``elements``."""
        roots = [self.graph.nodes[p][1] for p in reductions] + list(elements)
        used = {self.graph.nodes[p][1] for p in self._closure(roots, stop_at_rows=True) if self._is_symbol(p)}
        at = "(tile + r) * cols + j"
        self._line(2, "for j in range(cols):")
        for array in self.kernel.inputs:
            if array.name in used:
                self._line(3, "for r in range(many):")
                self._line(4, f"c_{array.name}[r] = {array.pointer or array.name}_[{at}]")
        self._line(3, "for r in range(many):")
        self._write_elements(4, roots, column=True)
        for p in reductions:
            name, v = self.graph.nodes[p][0], f"v{self.graph.nodes[p][1]}"
            larger = f"{v} if {v} > t{p}[r] or {v} != {v} else t{p}[r]"
            self._line(4, f"t{p}[r] = {f't{p}[r] + {v}' if name == 'rowsum' else larger}")
        results = (
            [(array, t) for array, t in self.kernel.outputs.values() if array.level == ELEMENT]
            if elements
            else []
        )
        for array, traced in results:
            self._line(4, f"o_{array.name}[r] = v{traced.place}")
        for array, _ in results:
            self._line(3, "for r in range(many):")
            self._line(4, f"{array.pointer or array.name}_[{at}] = o_{array.name}[r]")

    def _write_shared(self, places: Sequence[int]) -> None:
        """Write what a row's elements share and is computed from sums that are done."""
        if places:
            self._line(2, "for r in range(many):")
        for p in places:
            name, *operands = self.graph.nodes[p]
            v = [f"t{o}[r]" if self.graph.levels[o] == ROW else f"v{o}" for o in operands]
            self._line(3, f"t{p}[r] = {self._expression(name, v, self.real)}")

    def _write_elements(self, indent: int, roots: Sequence[int], *, column: bool = False) -> None:
        for place in sorted(self._closure(roots, stop_at_rows=True)):
            name, *operands = self.graph.nodes[place]
            if name == "symbol":
                text = f"c_{operands[0]}[r]" if column else self._element(self.arrays[operands[0]])
            else:
                v = [f"t{o}[r]" if self.graph.levels[o] == ROW else f"v{o}" for o in operands]
                text = self._expression(name, v, self.real)
            self._line(indent, f"v{place} = {text}")

    def _element(self, array: Array) -> str:
        pointer = array.pointer or array.name
        return f"{pointer}{array.place}_[i]" if array.place else f"{pointer}_[i]"

    def _store(self, indent: int, level: int) -> None:
        for array, traced in self.kernel.outputs.values():
            if array.level == level:
                self._line(indent, f"{self._element(array)} = v{traced.place}")

    def _expression(self, name: str, v: list[str], real: str) -> str:
        if name in _INFIX:
            return f"{v[0]} {name} {v[1]}"
        match name:
            case "neg":
                return f"-{v[0]}"
            case "where":
                return f"{v[1]} if {v[0]} else {v[2]}"
            case "max":
                return f"{v[0]} if {v[0]} > {v[1]} or {v[0]} != {v[0]} else {v[1]}"
            case "min":
                return f"{v[0]} if {v[0]} < {v[1]} or {v[0]} != {v[0]} else {v[1]}"
            case "abs":
                return f"abs({v[0]})"
            case "sign":
                return f"{real}(1.0) if {v[0]} > 0 else ({real}(-1.0) if {v[0]} < 0 else {v[0]})"
            case "pow":
                return f"{v[0]} ** {v[1]}"
            case "round":
                rounder = "12582912.0" if real == "float32" else "6755399441055744.0"
                return f"({v[0]} + {real}({rounder})) - {real}({rounder})"
            case "floor":
                return f"np.floor({v[0]})"
            case "log2":
                return f"{self._function('log', real)}({v[0]}) * {real}({1 / np.log(2.0)!r})"
        return f"{self._function(name, real)}({v[0]})"

    @staticmethod
    def _function(name: str, real: str) -> str:
        module, names = FAST[real]
        return f"{module}.{name}" if name in names else f"math.{name}"

    def _closure(self, roots: Sequence[int], *, stop_at_rows: bool = False) -> set[int]:
        """Return the roots and all they are computed from; with ``stop_at_rows`` not through what a row shares."""
        found: set[int] = set()
        waiting = list(roots)
        while waiting:
            place = waiting.pop()
            if place in found or (stop_at_rows and self.graph.levels[place] < ELEMENT):
                continue
            found.add(place)
            name, *operands = self.graph.nodes[place]
            if name not in ("symbol", "number"):
                waiting.extend(operands)
        return found

    def _all_depths(self) -> list[int]:
        """Return for each node how many loops over a row must be done before its value is known."""
        depths: list[int] = []
        for name, *operands in self.graph.nodes:
            below = 0 if name in ("symbol", "number") else max(depths[o] for o in operands)
            depths.append(below + (name in _REDUCTIONS))
        return depths

    def _is_symbol(self, place: int) -> bool:
        return bool(self.graph.nodes[place][0] == "symbol")

    def _is_condition(self, place: int) -> bool:
        return self.graph.nodes[place][0] in _COMPARE

    def _line(self, indent: int, text: str) -> None:
        self.lines.append("    " * indent + text)


def _number(value: float) -> str:
    if np.isnan(value):
        return "nan"
    return repr(value) if np.isfinite(value) else ("inf" if value > 0 else "-inf")
