"""A graph of one row as statements of a language: buffers, loops, sums.

What is elementwise is worked out in one loop, in the place where it is needed; a view of an array (an axis moved, a part
taken out of the middle) takes no statement but other steps through its buffer. `Language` says how the statements are written,
and its `Target` how each operation is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from chainrule.equations.graph import COMPARISONS, Graph, Node, Target
from chainrule.errors import SettingsError

ARRAYWISE = frozenset({"matmul", "sum", "max", "take", "concat"})
VIEWS = frozenset({"broadcast_to", "reshape", "expand_dims", "moveaxis", "matrix_transpose", "slice"})
LEAVES = frozenset({"input", "number", "constant", "dimension"})

_TRUTH = {*COMPARISONS, "&"}


class Language(NamedTuple):
    """How a language of statements is written; ``atoms`` are the operations whose expression needs no brackets.

    ``buffer`` has {name} and {size}, ``loop`` {i} and {size}, ``local``, ``truth`` (a local that is a condition) and ``assign``
    have {name} and {value}, ``add`` likewise, ``table`` has {kind} (int or ``real``), {name}, {size} and {values}. ``product`` is
    a whole matrix product as one call, of {a}, {b}, {start}, {n} and {m}, where there is one.
    """

    target: Target
    number: Callable[[float], str]
    atoms: frozenset[str]
    buffer: str
    loop: str
    close: str
    local: str
    truth: str
    assign: str
    add: str
    table: str
    product: str = ""
    real: str = ""


class Lies(NamedTuple):
    """Where the numbers of an array lie: the buffer, the first of them, and the step of each axis; of one number its name."""

    name: str
    start: int = 0
    steps: tuple[int, ...] = ()
    alone: bool = False


class Statements(NamedTuple):
    """The statements of a graph: the buffers and the tables that they need, and the lines themselves."""

    buffers: list[str]
    tables: list[str]
    lines: list[str]


def write_rowwise(
    graph: Graph, language: Language, inputs: Mapping[str, Lies], outputs: Mapping[str, Lies]
) -> Statements:
    """Return the statements that compute a graph's outputs from its inputs, whose places are given by name.

    Places of outputs without steps are filled in order. Raises SettingsError for an operation that the language doesn't have,
    or an array of no known size.
    """
    return _Writer(graph, language, inputs, outputs).written()


def row_steps(shape: Sequence[int | str]) -> tuple[int, ...]:
    """Return the step of each axis of an array whose numbers lie one after the other, 0 along axes of one."""
    steps, step = [], 1
    for size in reversed(shape):
        if isinstance(size, str):
            raise SettingsError(f"a program of one row can't have an axis of {size}")
        steps.append(step if size > 1 else 0)
        step *= size
    return tuple(reversed(steps))


class _Writer:
    def __init__(
        self, graph: Graph, language: Language, inputs: Mapping[str, Lies], outputs: Mapping[str, Lies]
    ) -> None:
        self.graph, self.language = graph, language
        self.nodes = graph.nodes
        self.needed = graph.needed(graph.outputs[name].place for name in outputs)
        self.buffers: list[str] = []
        self.tables: list[str] = []
        self.lines: list[str] = []
        self.depth = 0
        self.places: dict[int, Lies] = {}
        self.outputs: dict[int, Lies] = {}
        for place in self.needed:
            node = self.nodes[place]
            if node.op == "input":
                given = inputs[node.option("name")]
                self.places[place] = given if given.alone else self._laid(given, node.shape)
        for name, given in outputs.items():
            traced = graph.outputs[name]
            self.outputs.setdefault(traced.place, self._laid(given, traced.dims))
        self.results = {n: self._laid(given, graph.outputs[n].dims) for n, given in outputs.items()}
        self.roots = self._roots()

    @staticmethod
    def _laid(place: Lies, shape: Sequence[int | str]) -> Lies:
        return place if place.steps else place._replace(steps=row_steps(shape))

    def written(self) -> Statements:
        for place in self.needed:
            self._node(place)
        for name, given in self.results.items():
            place = self.graph.outputs[name].place
            if self.places.get(place) != given:
                self._elementwise(place, given)
        return Statements(self.buffers, self.tables, self.lines)

    # What gets a place of its own.

    def _is_elementwise(self, place: int) -> bool:
        return self.nodes[place].op not in ARRAYWISE | VIEWS | LEAVES

    def _roots(self) -> set[int]:
        """Return the elementwise nodes whose numbers are kept: for arrays, for views, or for more than one of those."""
        roots = {p for p in self.outputs if self._is_elementwise(p)}
        for place in self.needed:
            node = self.nodes[place]
            if node.op in ARRAYWISE | VIEWS:
                # The matrix of a product may be worked out as it is read.
                kept = node.operands[:1] if node.op == "matmul" else node.operands
                roots.update(p for p in kept if self._is_elementwise(p))
        owners: dict[int, set[int]] = {}
        for place in reversed(self.needed):
            node, own = self.nodes[place], owners.get(place, set())
            if self._is_elementwise(place) and place not in roots:
                if len(own) > 1 and node.op not in _TRUTH:
                    roots.add(place)
                else:
                    for operand in node.operands:
                        owners.setdefault(operand, set()).update(own)
                    continue
            for operand in node.operands:
                owners.setdefault(operand, set()).add(place)
        return roots

    # One node.

    def _node(self, place: int) -> None:
        node = self.nodes[place]
        if place in self.places or (self._is_elementwise(place) and place not in self.roots):
            return
        if node.op in VIEWS:
            self.places[place] = self._view(node)
        elif node.op == "constant" and node.dtype.kind == "f":
            self.places[place] = self._table(place, node.option("value"))
        elif node.op == "take":
            self._take(place, node)
        elif node.op == "concat":
            self._concat(place, node)
        elif node.op == "matmul":
            self._product(place, node)
        elif node.op in ("sum", "max"):
            self._reduction(place, node)
        elif place in self.roots:
            shape = self.nodes[place].shape
            if place in self.outputs:
                to = self.outputs[place]
            elif math.prod(map(int, shape)) == 1:
                to = Lies(f"t{place}", 0, row_steps(shape), alone=True)
            else:
                to = self._buffer(f"t{place}", shape)
            self._elementwise(place, to)
            self.places[place] = to

    def _buffer(self, name: str, shape: Sequence[int | str]) -> Lies:
        """Return the place of an array in a new buffer."""
        self.buffers.append(self.language.buffer.format(name=name, size=math.prod(map(int, shape))))
        return Lies(name, 0, row_steps(shape))

    def _own(self, place: int) -> Lies:
        """Return a node's place: the output's, or in a buffer of its own."""
        found = self.outputs.get(place) or self._buffer(f"t{place}", self.nodes[place].shape)
        self.places[place] = found
        return found

    def _view(self, node: Node) -> Lies:
        (operand,) = node.operands
        given, shape = self.places[operand], self.nodes[operand].shape
        steps = given.steps
        match node.op:
            case "broadcast_to":
                return given._replace(steps=(0,) * (len(node.shape) - len(shape)) + steps)
            case "expand_dims":
                axis = node.option("axis")
                return given._replace(steps=(*steps[:axis], 0, *steps[axis:]))
            case "matrix_transpose":
                return given._replace(steps=(*steps[:-2], steps[-1], steps[-2]))
            case "moveaxis":
                axis, to = node.option("source"), node.option("destination")
                rest = [*steps[:axis], *steps[axis + 1 :]]
                return given._replace(steps=(*rest[:to], steps[axis], *rest[to:]))
            case "slice":
                starts = [0 if part is None else part[0] for part in node.option("bounds")]
                start = given.start + sum(a * b for a, b in zip(starts, steps, strict=True))
                kept = tuple(s if n != 1 else 0 for s, n in zip(steps, node.shape, strict=True))
                return given._replace(start=start, steps=kept)
        if given.alone or steps == row_steps(shape):
            return given._replace(steps=row_steps(node.shape))
        return self._copied(operand)._replace(steps=row_steps(node.shape))

    def _copied(self, place: int) -> Lies:
        """Return a buffer in which a node's numbers lie one after the other."""
        made = self._buffer(f"c{place}", self.nodes[place].shape)
        self._elementwise(place, made)
        return made

    def _table(self, place: int, value: np.ndarray) -> Lies:
        whole, name = value.dtype.kind == "i", f"k{place}"
        text = [str(int(v)) if whole else self.language.number(float(v)) for v in value.flat]
        kind = "int" if whole else self.language.real
        self.tables.append(
            self.language.table.format(kind=kind, name=name, size=len(text), values=", ".join(text))
        )
        return Lies(name, 0, row_steps(value.shape))

    # Loops.

    def _line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def _loops(self, sizes: Sequence[int], first: int = 0) -> list[str]:
        """Open loops and return their variables; one of a single turn is none, and its variable 0."""
        names = [f"i{first + k}" if size > 1 else "0" for k, size in enumerate(sizes)]
        for name, size in zip(names, sizes, strict=True):
            if size > 1:
                self._line(self.language.loop.format(i=name, size=size))
                self.depth += 1
        return names

    def _close(self, to: int) -> None:
        """Close the loops that are open beyond a depth."""
        while self.depth > to:
            self.depth -= 1
            if self.language.close:
                self._line(self.language.close)

    @staticmethod
    def _at(place: Lies, steps: Sequence[int], names: Sequence[str]) -> str:
        """Return the expression of one number at a place."""
        if place.alone:
            return place.name
        terms = [
            name if step == 1 else f"{step} * {name}"
            for name, step in zip(names, steps, strict=True)
            if step != 0 and name != "0"
        ]
        terms += [str(place.start)] if place.start or not terms else []
        return f"{place.name}[{' + '.join(terms)}]"

    def _elementwise(self, root: int, to: Lies) -> None:
        """Write the loop that works out a node's numbers and keeps them, or copies them."""
        shape = [int(size) for size in self.nodes[root].shape]
        leaves = {p: self._spread(p, len(shape)) for p in self._leaves(root)}
        sizes, merged = _merged(shape, [to.steps, *leaves.values()])
        steps = dict(zip(leaves, merged[1:], strict=True))
        depth, names = self.depth, self._loops(sizes)
        texts = {p: self._at(self.places[p], own, names) for p, own in steps.items()}
        value = texts[root] if root in texts else self._expression(root, texts)
        if to.alone:
            self._line(self.language.local.format(name=to.name, value=value))
        else:
            self._line(self.language.assign.format(name=self._at(to, merged[0], names), value=value))
        self._close(depth)

    def _leaves(self, root: int) -> list[int]:
        """Return the nodes with a place that a node is worked out from, itself if it has one."""
        found: dict[int, None] = {}
        waiting, seen = [root], set()
        while waiting:
            place = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            if place in self.places:
                found[place] = None
            elif self.nodes[place].op != "number":
                waiting.extend(self.nodes[place].operands)
        return sorted(found)

    def _spread(self, place: int, ndim: int) -> tuple[int, ...]:
        """Return a place's steps along the axes of a result of more axes."""
        steps = self.places[place].steps
        return (0,) * (ndim - len(steps)) + steps

    def _expression(self, root: int, texts: dict[int, str]) -> str:
        """Return a node's expression; what it uses more than once becomes a local of the loop first."""
        order = [p for p in self.graph.needed([root], leave=texts.keys()) if self.nodes[p].op != "number"]
        uses: dict[int, int] = {}
        for place in order:
            for operand in self.nodes[place].operands:
                uses[operand] = uses.get(operand, 0) + 1
        made = dict(texts)
        for place in order:
            node = self.nodes[place]
            text = self.language.target.write(node, [self._operand(p, made) for p in node.operands])
            if place != root and uses.get(place, 0) > 1:
                name = f"v{place}"
                form = self.language.truth if node.op in _TRUTH else self.language.local
                self._line(form.format(name=name, value=text))
                made[place] = name
            else:
                atom = place == root or node.op in self.language.atoms
                made[place] = text if atom else f"({text})"
        return made[root] if root in made else self._operand(root, made)

    def _operand(self, place: int, made: Mapping[int, str]) -> str:
        if place in made:
            return made[place]
        text = self.language.number(self.nodes[place].option("value"))
        return f"({text})" if text.startswith("-") else text

    # Operations on whole arrays.

    def _take(self, place: int, node: Node) -> None:
        array, indices = node.operands
        order = self.nodes[indices].option("value").reshape(-1)
        given, axis = self.places[array], node.option("axis")
        if len(order) and (np.diff(order) == 1).all():
            # One after the other: a view.
            start = given.start + int(order[0]) * (given.steps[axis] or 0)
            steps = tuple(0 if n == 1 else s for s, n in zip(given.steps, node.shape, strict=True))
            self.places[place] = given._replace(start=start, steps=steps)
            return
        to, depth = self._own(place), self.depth
        if indices not in self.places:
            self.places[indices] = self._table(indices, order)
        table = self.places[indices]
        names = self._loops([int(size) for size in node.shape])
        source = list(names)
        source[axis] = self._at(table, table.steps, [names[axis]])
        here = self._at(given, given.steps, source)
        self._line(self.language.assign.format(name=self._at(to, to.steps, names), value=here))
        self._close(depth)

    def _concat(self, place: int, node: Node) -> None:
        to, start, axis = self._own(place), 0, node.option("axis")
        for operand in node.operands:
            shape = self.nodes[operand].shape
            part = to._replace(start=to.start + start * to.steps[axis])
            self._elementwise(operand, part)
            start += int(shape[axis])

    def _reduction(self, place: int, node: Node) -> None:
        (operand,) = node.operands
        given, axis = self.places[operand], node.option("axis")
        to = self._own(place)
        shape = [int(size) for size in self.nodes[operand].shape]
        steps = list(to.steps)
        if not node.option("keepdims"):
            steps.insert(axis, 0)
        outer = [n for k, n in enumerate(shape) if k != axis]
        depth, names = self.depth, self._loops(outer)
        inner = f"i{len(outer)}" if shape[axis] > 1 else "0"
        every = [*names[:axis], inner, *names[axis:]]
        result = self._at(to, steps, every)
        begin = self.language.number(0.0 if node.op == "sum" else -math.inf)
        self._line(self.language.assign.format(name=result, value=begin))
        self._loops([shape[axis]], len(outer))
        number = self._at(given, given.steps, every)
        if node.op == "sum":
            self._line(self.language.add.format(name=result, value=number))
        else:
            larger = self.language.target.write(node._replace(op="maximum"), [result, number])
            self._line(self.language.assign.format(name=result, value=larger))
        self._close(depth)

    def _product(self, place: int, node: Node) -> None:
        a, b = node.operands
        to, left = self._own(place), self.places[a]
        *outer, m = [int(size) for size in node.shape]
        n = int(self.nodes[a].shape[-1])
        whole = b in self.places and math.prod(outer) == 1 and not left.alone
        if (
            whole
            and self.language.product
            and left.start == 0
            and self.places[b].steps[-2:] == row_steps((n, m))
        ):
            right = self.places[b]
            call = self.language.product.format(a=left.name, b=right.name, start=right.start, n=n, m=m)
            self._line(self.language.assign.format(name=to.name, value=call))
            return
        kept = [k for k, size in enumerate(outer) if size > 1]
        depth, names = self.depth, self._loops([outer[k] for k in kept])
        inside = self.depth
        spread = {p: self._spread(p, len(outer) + 1) for p in self._leaves(b)}
        from_left = self._spread(a, len(outer) + 1)
        i, j = (f"i{len(kept)}" if n > 1 else "0"), (f"i{len(kept) + 1}" if m > 1 else "0")
        own = [to.steps[k] for k in kept]
        result = self._at(to, [*own, to.steps[-1]], [*names, j])
        self._loops([m], len(kept) + 1)
        self._line(self.language.assign.format(name=result, value=self.language.number(0.0)))
        self._close(inside)
        self._loops([n], len(kept))
        number = self._at(left, [*[from_left[k] for k in kept], from_left[-1]], [*names, i])
        entering = f"h{place}"
        self._line(self.language.local.format(name=entering, value=number))
        self._loops([m], len(kept) + 1)
        texts = {
            # In the place of the row of a result stands the row of the matrix.
            p: self._at(
                self.places[p],
                [*[0 if k == len(outer) - 1 else steps[k] for k in kept], steps[-2], steps[-1]],
                [*names, i, j],
            )
            for p, steps in spread.items()
        }
        weight = texts[b] if b in texts else f"({self._expression(b, texts)})"
        self._line(self.language.add.format(name=result, value=f"{entering} * {weight}"))
        self._close(depth)


def _merged(
    shape: Sequence[int], steps: Sequence[tuple[int, ...]]
) -> tuple[list[int], list[tuple[int, ...]]]:
    """Return the sizes of as few loops as go over a shape, and for each array the step of each."""
    sizes: list[int] = []
    columns: list[list[int]] = []
    for k, size in enumerate(shape):
        if size == 1:
            continue
        here = [own[k] for own in steps]
        if columns and all(before == size * step for before, step in zip(columns[-1], here, strict=True)):
            sizes[-1] *= size
            columns[-1] = here
        else:
            sizes.append(size)
            columns.append(here)
    return sizes, [tuple(column[a] for column in columns) for a in range(len(steps))]
