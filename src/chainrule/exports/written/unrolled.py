"""A graph of one row, number by number: expressions of columns, step by step, for languages that have no arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.equations.graph import Graph, Node
from chainrule.exports.reference import value_of
from chainrule.exports.written.dialects import Dialect
from chainrule.exports.written.rowwise import ARRAYWISE, VIEWS

Texts = NDArray[Any]
"""The expressions of an array's numbers."""

_CHUNK = 64
"""The most terms of a sum that are written one after the other: deep expressions are refused by some."""


class QuerySteps:
    """Steps one after the other, each with the expressions of its new columns in those of the step before."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.steps: list[dict[str, str]] = []
        self._levels: dict[str, int] = {}

    def column(self, text: str, above: int) -> str:
        """Return the name of a new column of an expression, in the step after ``above`` (-1: the first)."""
        while len(self.steps) <= above + 1:
            self.steps.append({})
        name = f"c{len(self._levels) + 1}"
        self.steps[above + 1][name] = text
        self._levels[name] = above + 1
        return name

    def level(self, name: str) -> int:
        """Return the number of the step that a column is of; of what is no column -1."""
        return self._levels.get(name, -1)

    def graph(self, graph: Graph, inputs: Mapping[str, Texts], first: int = -1) -> dict[str, Texts]:
        """Add a graph's steps, and return the columns of its outputs by name; none is before the step ``first``."""
        return _Unrolled(self, graph, inputs, first).outputs()


class _Unrolled:
    def __init__(self, steps: QuerySteps, graph: Graph, inputs: Mapping[str, Texts], first: int) -> None:
        self.steps, self.graph, self.inputs, self.first = steps, graph, inputs, first
        self.needed = graph.needed(traced.place for traced in graph.outputs.values())
        self.texts: dict[int, Texts] = {}
        self.above: dict[int, int] = {}
        self.lists: dict[str, str] = {}
        self.uses: dict[int, int] = {}
        for place in self.needed:
            node = graph.nodes[place]
            for operand in node.operands:
                # What is spread over more numbers is used by each of them.
                self.uses[operand] = self.uses.get(operand, 0) + (2 if _spreads(graph, node, operand) else 1)

    def outputs(self) -> dict[str, Texts]:
        for place in self.needed:
            self._node(place, self.graph.nodes[place])
        made = {}
        for name, traced in self.graph.outputs.items():
            made[name] = self._kept(traced.place)
        return made

    def _node(self, place: int, node: Node) -> None:
        self.above[place] = max([self.first, *(self.above[p] for p in node.operands)])
        operands = [self.texts[p] for p in node.operands]
        match node.op:
            case "input":
                self.texts[place] = np.asarray(self.inputs[node.option("name")], object).reshape(_sizes(node))
                levels = [self.steps.level(text) for text in self.texts[place].flat]
                self.above[place] = max([self.first, *levels])
                return
            case "number":
                self.texts[place] = np.array(self.steps.dialect.number(node.option("value")), object)
                return
            case "constant" if node.dtype.kind == "f":
                self.texts[place] = np.vectorize(self.steps.dialect.number, otypes=[object])(node.option("value"))
                return
            case "constant" | "take" | "concat" | "slice":
                self.texts[place] = value_of(node, operands, {}, {}, object)
            case "matmul":
                self.texts[place] = self._product(node, *operands)
            case "sum" | "max":
                self.texts[place] = self._reduced(node, operands[0])
            case op if op in VIEWS:
                self.texts[place] = value_of(node, operands, {}, {}, object)
            case _:
                self.texts[place] = self._elementwise(node, operands)
        if node.op not in VIEWS and node.dtype.kind == "f" and self.uses.get(place, 0) > 1:
            self._kept(place)

    def _kept(self, place: int) -> Texts:
        """Give what isn't a column or a number yet a column of its own."""
        texts, above = self.texts[place], self.above[place]

        def named(text: str) -> str:
            return text if text.isidentifier() else self.steps.column(text, above)

        made = np.vectorize(named, otypes=[object])(texts)
        self.texts[place] = made
        self.above[place] = max([self.first, *(self.steps.level(text) for text in made.flat)])
        return np.asarray(made)

    def _elementwise(self, node: Node, operands: Sequence[Texts]) -> Texts:
        shape = np.broadcast_shapes(*(operand.shape for operand in operands))
        made = np.empty(shape, object)
        spread: list[Any] = [np.broadcast_to(operand, shape) for operand in operands]
        missing = node.op == "!=" and node.operands[0] == node.operands[1]
        for at in np.ndindex(shape):
            own = [_bracketed(operand[at]) for operand in spread]
            made[at] = self.steps.dialect.missing.format(own[0]) if missing else self.steps.dialect.target.write(node, own)
        return made

    def _product(self, node: Node, a: Texts, b: Texts) -> Texts:
        made: Texts = np.empty(_sizes(node), object)
        outer = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        left, right = (np.broadcast_to(x, (*outer, *x.shape[-2:])) for x in (a, b))
        for at in np.ndindex(*outer):
            for i in range(left.shape[-2]):
                row = [_bracketed(text) for text in left[(*at, i)]]
                listed = self._list(row, node) if self.steps.dialect.product and len(row) > 2 else None
                for j in range(right.shape[-1]):
                    weights = right[(*at, slice(None), j)]
                    if listed is not None and all(map(_is_number, weights)):
                        values = ", ".join(weights)
                        made[(*at, i, j)] = self.steps.dialect.product.format(list=listed, values=values)
                    else:
                        pairs = zip(row, map(_bracketed, weights), strict=True)
                        made[(*at, i, j)] = _sum([f"{h} * {w}" for h, w in pairs])
        return made

    def _list(self, row: list[str], node: Node) -> str:
        """Return a column with a list of numbers, made once."""
        text = self.steps.dialect.listed.format(values=", ".join(row))
        if text not in self.lists:
            self.lists[text] = self.steps.column(text, self.above[node.operands[0]])
        place = self.steps.level(self.lists[text])
        at = next(p for p, own in enumerate(self.graph.nodes) if own is node)
        self.above[at] = max(self.above[at], place)
        return self.lists[text]

    def _reduced(self, node: Node, a: Texts) -> Texts:
        axis = node.option("axis")
        lines = np.moveaxis(a, axis, -1)
        made = np.empty(lines.shape[:-1], object)
        for at in np.ndindex(made.shape):
            own = [_bracketed(text) for text in lines[at]]
            if node.op == "sum":
                made[at] = _sum(own)
            else:
                largest = own[0]
                for text in own[1:]:
                    largest = self.steps.dialect.target.write(node._replace(op="maximum"), [largest, text])
                made[at] = largest
        return np.expand_dims(made, axis) if node.option("keepdims") else made


def _spreads(graph: Graph, node: Node, operand: int) -> bool:
    """Tell whether more numbers come of a node than its operand has, each of which uses one of those."""
    if node.op == "matmul":
        return operand == node.operands[0] and _sizes(node)[-1] > 1
    return node.op not in ARRAYWISE and len(_sizes(node)) > 0 and _size(node) > _size(graph.nodes[operand])


def _sizes(node: Node) -> list[int]:
    return [int(size) for size in node.shape]


def _size(node: Node) -> int:
    size = 1
    for each in _sizes(node):
        size *= each
    return size


_NUMBER = re.compile(r"-?[0-9][0-9.]*(?:e[-+]?[0-9]+)?")


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _bracketed(text: str) -> str:
    """Return an expression as an operand."""
    positive = _is_number(text) and not text.startswith("-")
    plain = text.isidentifier() or positive or (text[-1] == ")" and _is_call(text))
    return text if plain else f"({text})"


def _is_call(text: str) -> bool:
    """Tell whether a text is one call or one pair of brackets, and nothing behind it."""
    depth = 0
    name = text.split("(", 1)[0]
    if name and not name.isidentifier():
        return False
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and sign == ")":
            return at == len(text) - 1
    return False


def _sum(terms: Sequence[str]) -> str:
    """Return a sum in brackets of few terms each, which no expression gets deep by."""
    if len(terms) <= _CHUNK:
        return " + ".join(terms)
    parts = [terms[start : start + _CHUNK] for start in range(0, len(terms), _CHUNK)]
    return _sum([f"({' + '.join(part)})" for part in parts])
