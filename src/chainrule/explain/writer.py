"""The writer of lines: takes numbers from the trace by address, works out a tree, checks it against the engine.

Which line belongs to which quantity is in `forward`, `backward` and `update`; here is what all of them need.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from chainrule._types import FloatArray
from chainrule.equations.formula import Binary, Node, Symbol, children, with_children
from chainrule.equations.network import Network
from chainrule.equations.rounding import UNIT, evaluate_rounded
from chainrule.explain.address import Address
from chainrule.explain.hand import Hand
from chainrule.explain.lines import Check, Line
from chainrule.explain.trace import StepTrace, Trace

MOST_TERMS = 12
"""The most terms of a sum that are written out; of a longer one the largest are, and one exact rest."""

Rule = Callable[["Writer", Address], Line]
"""Makes the line of one quantity at an address."""


class Sum:
    """A sum as a tree, the numbers of its symbols, what rounding may make of it, and a note on what isn't shown."""

    def __init__(self, node: Node, values: dict[str, float], slack: float, note: str) -> None:
        self.node = node
        self.values = values
        self.slack = slack
        self.note = note


class Writer:
    """Writes lines about one step, and in it about one row where there are several.

    With ``chain`` (hand mode, or a derivation from the beginning) every number that a line needs is first worked out
    by a line of its own, which ``lines`` collects in order; ``rules`` says how.
    """

    def __init__(
        self,
        trace: Trace,
        place: Address,
        rules: Mapping[str, Rule],
        *,
        hand: Hand | None = None,
        chain: bool = False,
    ) -> None:
        self.trace = trace
        self.place = place
        self.step: StepTrace = trace.step(place)
        self.rules = rules
        self.hand = hand
        self.chain = chain or hand is not None
        self.lines: list[Line] = []
        self.known: dict[str, float] = {}
        self.errors: dict[str, float] = {}

    @property
    def network(self) -> Network:
        """The network."""
        return self.trace.network

    def at(self, name: str, layer: int | None = None, *index: int, row: int | None = None) -> Address:
        """Return an address in this step, and in this row where the quantity has one per row."""
        place = Address(name, layer, tuple(index), self.place.step)
        own = row if row is not None else self.place.row
        return replace(place, row=own) if place.quantity.per_row or row is not None else place

    def symbol(self, name: str, layer: int | None = None, *index: int, row: int | None = None) -> Symbol:
        """Return the symbol of an address."""
        return Symbol(str(self.at(name, layer, *index, row=row)))

    def value(self, name: str) -> float:
        """Return the number of a symbol, by a line of its own where lines are chained."""
        if name in self.known:
            return self.known[name]
        place = Address.parse(name)
        if self.chain and place.name in self.rules:
            self.lines.append(self.rules[place.name](self, place))
            return self.known[name]
        return self.trace.number(self.trace.resolve(place))

    def line(
        self,
        rule: str,
        address: Address | None,
        node: Node,
        values: Mapping[str, float] | None = None,
        *,
        slack: float = 0.0,
        note: str = "",
        label: str = "",
        against: float | None = None,
    ) -> Line:
        """Return a line; ``values`` gives the numbers of symbols that are no addresses.

        ``slack`` is rounding beyond the tree's own, ``against`` what to check with, the trace's number at the address
        if None.
        """
        given = {name: self._given(name, values or {}) for name in names_in(node)}
        value, bound = evaluate_rounded(node, given, self.errors)
        name = "" if address is None else str(address)
        if against is None and address is not None:
            against = self.trace.number(self.trace.resolve(address))
        is_activation = address is not None and address.name == "a"
        if self.hand is not None:
            value = self.hand.rounded(value, is_activation=is_activation)
            bound += self.hand.error(value, is_activation=is_activation)
            self.errors[name] = bound
        elif against is not None and not math.isfinite(value) and math.isfinite(against):
            value, note = against, f"{note} {OVERFLOWS}".strip()
        self.known[name] = value
        check = None if against is None else compare(value, against, bound + slack)
        return Line(rule, name, node, given, value, check, note, label)

    def _given(self, name: str, values: Mapping[str, float]) -> float:
        return float(values[name]) if name in values else self.value(name)

    def products(
        self,
        first: Callable[[int], Address],
        second: Callable[[int], Address],
        count: int,
        u: FloatArray,
        v: FloatArray,
    ) -> Sum:
        """Return sum over i of first(i) · second(i), where ``u`` and ``v`` (count,) are their numbers in the trace."""
        if self.chain:
            u = np.array([self.value(str(first(i))) for i in range(count)])
            v = np.array([self.value(str(second(i))) for i in range(count)])
        return self.total(
            lambda i: Binary("*", Symbol(str(first(i))), Symbol(str(second(i)))), np.asarray(u * v)
        )

    def total(self, term: Callable[[int], Node], terms: FloatArray, what: str = "terms") -> Sum:
        """Return the sum of ``terms`` as a tree: all of a few, or the largest and the exact rest of many."""
        count = len(terms)
        magnitude = float(np.sum(np.abs(terms)))
        slack = 2 * UNIT * count * (magnitude if math.isfinite(magnitude) else 0.0)
        if count <= MOST_TERMS:
            return Sum(added([term(i) for i in range(count)]), {}, slack, "")
        largest = np.sort(np.argpartition(np.abs(terms), -(MOST_TERMS - 2))[-(MOST_TERMS - 2) :])
        others = np.delete(terms, largest)
        rest = math.fsum(others.tolist()) if np.isfinite(others).all() else float(np.sum(others))
        node = added([*(term(int(i)) for i in largest), Symbol("rest")])
        return Sum(node, {"rest": rest}, slack, f"rest: the sum of the other {count - len(largest)} {what}")


OVERFLOWS = "The formula as written overflows at these numbers; the result is that of its stable form."


def compare(value: float, against: float, bound: float, words: str = "engine") -> Check:
    """Return the check of a number: it holds where rounding explains the difference."""
    # Twice the bound, since the engine rounded too; and the smallest number, where all is about denormals.
    tolerance = 4 * bound + 5e-324
    same = value == against or (math.isnan(value) and math.isnan(against))
    difference = 0.0 if same else abs(value - against)
    return Check(against, difference, tolerance, same or difference <= tolerance, words)


def added(nodes: Sequence[Node]) -> Node:
    """Return the sum of trees."""
    return reduce(lambda left, right: Binary("+", left, right), nodes)


def multiplied(nodes: Sequence[Node]) -> Node:
    """Return the product of trees."""
    return reduce(lambda left, right: Binary("*", left, right), nodes)


def put(node: Node, symbols: Mapping[str, Node]) -> Node:
    """Return a tree with other trees in the place of symbols."""
    if isinstance(node, Symbol):
        return symbols.get(node.name, node)
    return with_children(node, tuple(put(child, symbols) for child in children(node)))


def names_in(node: Node) -> list[str]:
    """Return the names of a tree's symbols, each once, from left to right."""
    if isinstance(node, Symbol):
        return [node.name]
    return list(dict.fromkeys(name for child in children(node) for name in names_in(child)))
