"""From a graph to the source of a small function over arrays, for Numba to compile.

`TARGETS` says how each operation is written, `equation_source` writes the function: numbers that are the same in
a whole call are computed once before the loops, in float64; each depth of sums over a row is a loop of its own;
what the compiler can share or turn into vector instructions is left to it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.equations.graph import INFIX, UNARY, Graph, Shape, Target, Traced
from chainrule.errors import SettingsError

ELEMENTS: Shape = ("rows", "cols")
"""The shape of what a piece works on."""

ELEMENT, ROW, SCALAR = 2, 1, 0
"""How often a value changes: with every element, with every row, or once a call."""

_LEVELS: Mapping[Shape, int] = {ELEMENTS: ELEMENT, ("rows", 1): ROW, ("rows",): ROW, (): SCALAR}
_REDUCTIONS = {"sum": "0.0", "max": "-inf"}

FAST = {
    "float32": ("math32", frozenset({"exp", "expm1", "log", "log1p", "tanh"})),
    "float64": ("math64", frozenset({"exp", "expm1", "tanh"})),
}
"""Which functions have a form of ours, and in which module; the others are the C library's."""


def _target(real: str, magic: str) -> Target:
    module, fast = FAST[real]
    called = {name: f"{module if name in fast else 'math'}.{name}({{0}})" for name in UNARY}
    others = {
        "neg": "-{0}",
        "where": "{1} if {0} else {2}",
        "maximum": "{0} if {0} > {1} or {0} != {0} else {1}",
        "minimum": "{0} if {0} < {1} or {0} != {0} else {1}",
        "abs": "abs({0})",
        "sign": f"{real}(1.0) if {{0}} > 0 else ({real}(-1.0) if {{0}} < 0 else {{0}})",
        "pow": "{0} ** {1}",
        "round": f"({{0}} + {real}({magic})) - {real}({magic})",
        "floor": "np.floor({0})",
        "log2": f"{called['log']} * {real}({1 / np.log(2.0)!r})",
    }
    return Target("the compiled engine", {op: f"{{0}} {op} {{1}}" for op in INFIX} | called | others)


TARGETS = {"float32": _target("float32", "12582912.0"), "float64": _target("float64", "6755399441055744.0")}
"""How operations on numbers are written; 1.5 times 2 to the number of its digits, added and subtracted, rounds one."""

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

    @property
    def lies_in(self) -> str:
        """The C argument it lies in."""
        return self.pointer or self.name


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
        if strange := {node.shape for node in self.graph.nodes} - _LEVELS.keys():
            raise SettingsError(f"a compiled equation can't have arrays of shape {strange.pop()}")
        self.levels = [_LEVELS[node.shape] for node in self.graph.nodes]
        self.shared = {place for place, level in enumerate(self.levels) if level < ELEMENT}
        self.depths = self._all_depths()
        self.arrays = {array.name: array for array in kernel.inputs}
        self.lines: list[str] = []

    def source(self) -> str:
        kernel = self.kernel
        sizes = "size, stride" if kernel.flat else "rows, cols"
        self.lines = [f"def equation({', '.join((*kernel.pointers, sizes))}):"]
        needed = self.graph.needed(traced.place for _, traced in kernel.outputs.values())
        self._open_arrays()
        self._write_scalars(needed)
        by_row = any(array.level == ROW for array, _ in kernel.outputs.values())
        if kernel.flat or not (by_row or any(self.levels[p] == ROW for p in needed)):
            # Nothing depends on the row, so its elements and the rows are one long loop.
            self._line(1, f"for i in range({'size' if kernel.flat else 'rows * cols'}):")
            self._write_elements(2, [t.place for _, t in kernel.outputs.values()])
            for array, traced in kernel.outputs.values():
                self._line(2, f"{_element(array)} = v{traced.place}")
        else:
            self._write_rows(needed)
        return "\n".join(self.lines) + "\n"

    def _open_arrays(self) -> None:
        kernel = self.kernel
        used = [*kernel.inputs, *(array for array, _ in kernel.outputs.values())]
        for pointer in kernel.pointers:
            arrays = [array for array in used if array.lies_in == pointer]
            if pointer == "numbers":
                self._line(1, f"numbers_ = carray(numbers, ({max(1, len(kernel.scalars))},))")
            elif arrays and kernel.flat:
                count = max(array.place for array in arrays) + 1
                self._line(1, f"{pointer}_ = carray({pointer}, ({count - 1} * stride + size,))")
                # A view of its own for each, since an index stride + i might be negative for all the compiler knows.
                for place in range(1, count):
                    self._line(1, f"{pointer}{place}_ = {pointer}_[{place} * stride :]")
            elif arrays:
                size = "rows" if arrays[0].level == ROW else "rows * cols"
                self._line(1, f"{pointer}_ = carray({pointer}, ({size},))")

    def _write_scalars(self, needed: Collection[int]) -> None:
        for place in needed:
            if self.levels[place] == SCALAR:
                self._line(1, f"s{place} = {self._scalar(place)}")
                condition = self.graph.nodes[place].dtype == np.bool_
                self._line(1, f"v{place} = " + (f"s{place}" if condition else f"{self.real}(s{place})"))

    def _scalar(self, place: int) -> str:
        node = self.graph.nodes[place]
        match node.op:
            case "number":
                return repr(node.option("value"))  # inf and nan are names that every source has
            case "dimension":
                return f"float64({node.option('name')})"
            case "input":
                return f"numbers_[{list(self.kernel.scalars).index(node.option('name'))}]"
        return TARGETS["float64"].write(node, [f"s{p}" for p in node.operands])

    def _write_rows(self, needed: Collection[int]) -> None:
        """Write the loops over tiles of rows.

        Within a tile the rows are the inner loop, on columns that were copied to lie in one piece: so it can
        be made of vector instructions, however few the elements of a row are.
        """
        graph = self.graph
        outputs = self.kernel.outputs.values()
        shared = [p for p in needed if self.levels[p] == ROW]
        reductions = [p for p in shared if graph.nodes[p].op in _REDUCTIONS]
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
                    self._line(3, f"t{p}[r] = {self.real}({_REDUCTIONS[graph.nodes[p].op]})")
            if here or stores:
                self._write_columns(here, elements if stores else [])
            self._write_shared([p for p in shared if self.depths[p] == depth and p not in here])
        stored = [(array, traced) for array, traced in outputs if array.level == ROW]
        if stored:
            self._line(2, "for r in range(many):")
            for array, traced in stored:
                self._line(3, f"{array.lies_in}_[tile + r] = t{traced.place}[r]")

    def _write_columns(self, reductions: Sequence[int], elements: Sequence[int]) -> None:
        """Write the loop over the columns of a tile that adds up ``reductions`` and stores ``elements``."""
        nodes = self.graph.nodes
        roots = [nodes[p].operands[0] for p in reductions] + list(elements)
        inner = [nodes[p] for p in self.graph.needed(roots, self.shared)]
        used = {node.option("name") for node in inner if node.op == "input"}
        at = "(tile + r) * cols + j"
        self._line(2, "for j in range(cols):")
        for array in self.kernel.inputs:
            if array.name in used:
                self._line(3, "for r in range(many):")
                self._line(4, f"c_{array.name}[r] = {array.lies_in}_[{at}]")
        self._line(3, "for r in range(many):")
        self._write_elements(4, roots, column=True)
        for p in reductions:
            name, v = nodes[p].op, f"v{nodes[p].operands[0]}"
            larger = f"{v} if {v} > t{p}[r] or {v} != {v} else t{p}[r]"
            self._line(4, f"t{p}[r] = {f't{p}[r] + {v}' if name == 'sum' else larger}")
        results = [(a, t) for a, t in self.kernel.outputs.values() if elements and a.level == ELEMENT]
        for array, traced in results:
            self._line(4, f"o_{array.name}[r] = v{traced.place}")
        for array, _ in results:
            self._line(3, "for r in range(many):")
            self._line(4, f"{array.lies_in}_[{at}] = o_{array.name}[r]")

    def _write_shared(self, places: Sequence[int]) -> None:
        """Write what a row's elements share and is computed from sums that are done."""
        if places:
            self._line(2, "for r in range(many):")
        for p in places:
            self._line(3, f"t{p}[r] = {self._expression(p)}")

    def _write_elements(self, indent: int, roots: Sequence[int], *, column: bool = False) -> None:
        for place in self.graph.needed(roots, self.shared):
            node = self.graph.nodes[place]
            if node.op == "input":
                name = node.option("name")
                text = f"c_{name}[r]" if column else _element(self.arrays[name])
            else:
                text = self._expression(place)
            self._line(indent, f"v{place} = {text}")

    def _expression(self, place: int) -> str:
        node = self.graph.nodes[place]
        values = [f"t{o}[r]" if self.levels[o] == ROW else f"v{o}" for o in node.operands]
        return TARGETS[self.real].write(node, values)

    def _all_depths(self) -> list[int]:
        """Return for each node how many loops over a row must be done before its value is known."""
        depths: list[int] = []
        for node in self.graph.nodes:
            below = max((depths[o] for o in node.operands), default=0)
            depths.append(below + (node.op in _REDUCTIONS))
        return depths

    def _line(self, indent: int, text: str) -> None:
        self.lines.append("    " * indent + text)


def _element(array: Array) -> str:
    return f"{array.lies_in}{array.place or ''}_[i]"
