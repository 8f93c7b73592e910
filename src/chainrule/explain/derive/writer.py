"""The writer of lines: takes numbers from the trace by address, works out a tree, checks it against the engine.

Which line belongs to which quantity is in `forward`, `backward` and `update`; here is what all of them need.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce

import numpy as np

from chainrule._kept import cached_property
from chainrule._types import FloatArray
from chainrule.equations.network import Network
from chainrule.explain.derive.hand import Hand
from chainrule.explain.derive.lines import Line, LineCheck
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.records import StepTrace
from chainrule.explain.trace.trace import Trace
from chainrule.formula.nodes import Binary, Negate, Node, Number, Symbol, names_in
from chainrule.formula.rounding import UNIT, evaluate_rounded

MOST_TERMS = 12
"""The most terms of a sum that are written out; of a longer one the largest are, and one exact rest."""

Rule = Callable[["Writer", Address], Line]
"""Makes the line of one quantity at an address."""


@dataclass
class Sum:
    """A sum as a tree, the number of its rest by name, what rounding may make of it, and a note on what isn't shown.

    By hand ``written`` is how the rest is written that is worked out from the numbers as they are shown.
    """

    node: Node
    values: dict[str, float] = field(default_factory=dict)
    slack: float = 0.0
    note: str = ""
    written: dict[str, str] = field(default_factory=dict)

    def plus(self, other: Sum) -> Sum:
        """Return the sum of both, whose rests have different names."""
        note = " ".join(filter(None, (self.note, other.note)))
        values, written = {**self.values, **other.values}, {**self.written, **other.written}
        return Sum(Binary("+", self.node, other.node), values, self.slack + other.slack, note, written)


@dataclass(eq=False, repr=False)
class Writer:
    """Writes lines about one step, and in it about one row where there are several.

    With ``chain`` (hand mode, or a derivation from the beginning) every number that a line needs is first worked out
    by a line of its own, which ``lines`` collects in order, ``most_lines`` of them at most; ``rule_of`` says how,
    None for what is given.
    """

    trace: Trace
    place: Address
    rule_of: Callable[[Address], Rule | None]
    hand: Hand | None = None
    chain: bool = False
    most_lines: int | None = None
    lines: list[Line] = field(default_factory=list, init=False)
    known: dict[str, float] = field(default_factory=dict, init=False)
    exact: dict[str, float] = field(default_factory=dict, init=False)
    written: dict[str, str] = field(default_factory=dict, init=False)
    _pending: int = field(default=0, init=False)
    _arrays: dict[Address, FloatArray] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.chain = self.chain or self.hand is not None

    @cached_property
    def step(self) -> StepTrace:
        """The step."""
        return self.trace.step(self.place)

    @property
    def network(self) -> Network:
        """The network."""
        return self.trace.network

    @cached_property
    def arrays(self) -> dict[int, dict[str, FloatArray]]:
        """The parameters before the step, by the layer's number and name."""
        return self.trace.layout.unflatten(self.step.parameters)

    @cached_property
    def _indices(self) -> dict[int | None, int]:
        return {None: 0, **{row: index for index, row in reversed([*enumerate(self.step.rows)])}}

    def row_index(self, place: Address) -> int:
        """Return the place of an address's row in the step's arrays, from 0."""
        return self._indices[place.row]

    def rows_of(self, place: Address) -> list[int | None]:
        """Return the rows that a derivative by a parameter is summed over; one alone, or the address's, as it is."""
        rows = self.step.rows
        return [place.row] if place.row is not None or len(rows) == 1 else [*rows]

    def at(self, name: str, layer: int | None = None, *index: int, row: int | None = None) -> Address:
        """Return an address in this step, and in this row where the quantity has one per row."""
        place = Address(name, layer, tuple(index), self.place.step)
        own = row if row is not None else self.place.row
        return replace(place, row=own) if place.quantity.per_row or row is not None else place

    def symbol(self, name: str, layer: int | None = None, *index: int, row: int | None = None) -> Symbol:
        """Return the symbol of an address."""
        return Symbol(str(self.at(name, layer, *index, row=row)))

    @staticmethod
    def symbol_of(place: Address) -> Symbol:
        """Return the symbol of an address already made."""
        return Symbol(str(place))

    @staticmethod
    def product(places: Iterable[Address]) -> Node:
        """Return the product of addresses as a tree."""
        return multiplied([Symbol(str(place)) for place in places])

    def value(self, name: str) -> float:
        """Return the number of a symbol, by a line of its own where lines are chained."""
        if name in self.known:
            return self.known[name]
        place = Address.parse(name)
        rule = self.rule_of(place) if self.chain else None
        if rule is None or (
            self.most_lines is not None and len(self.lines) + self._pending >= self.most_lines
        ):
            return self._as_given(name, self.number(place))
        self._pending += 1
        self.lines.append(rule(self, place))
        self._pending -= 1
        if self.hand is None:
            # By hand the next line goes on with what was written down, else with the engine's own number.
            self.known[name] = self.number(place)
        return self.known[name]

    def number(self, place: Address) -> float:
        """Return the number at an address in the trace."""
        index = tuple(i - 1 for i in place.index)
        if index and place.quantity.per_row and place.member is None and len(self.step.rows) > 1:
            index, place = (self.row_index(place), *index), replace(place, row=None)
        whole = replace(place, index=())
        if whole not in self._arrays:
            self._arrays[whole] = self.trace.array(whole)
        return float(self._arrays[whole][index])

    def numbers(self, places: Sequence[Address]) -> FloatArray:
        """Return the numbers at addresses, by lines of their own where every number has one."""
        if self.chain and self.most_lines is None:
            return np.array([self.value(str(place)) for place in places])
        return np.array([self.number(place) for place in places])

    def line(
        self,
        rule: str,
        address: Address | None,
        node: Node | Sum,
        values: Mapping[str, float] | None = None,
        *,
        slack: float = 0.0,
        note: str = "",
        label: str = "",
        errors: Mapping[str, float] | None = None,
    ) -> Line:
        """Return a line; ``values`` gives the numbers of symbols that are no addresses, besides a sum's own.

        ``slack`` is rounding beyond the tree's own, ``errors`` how far symbols may be off.
        """
        rest: Mapping[str, str] = {}
        if isinstance(node, Sum):
            values, slack, note = {**(values or {}), **node.values}, slack + node.slack, note or node.note
            rest, node = node.written, node.node
        given = exact = self._taken(node, values or {})
        if self.hand is not None:
            exact = self._exactly(node, values or {})
        value, bound = evaluate_rounded(node, exact, errors)
        name = "" if address is None else str(address)
        line = Line(rule, name, node, given, value + 0.0, None, note, label)
        against = None if address is None else self.number(address)
        if against is None:
            self.known[label] = self.exact[label] = line.result
        elif not math.isfinite(value) and math.isfinite(against):
            # The formula as written can't be worked out here, so there is nothing to check the engine with.
            line = replace(line, result=against, note=f"{note} {OVERFLOWS}".strip())
        else:
            line = replace(line, check=compare(line.result, against, bound + slack))
        return line if self.hand is None else self._by_hand(self.hand, line, rest)

    def _by_hand(self, hand: Hand, line: Line, rest: Mapping[str, str]) -> Line:
        """Return a line that was worked out from the engine's numbers as it is on paper, ``rest`` as it is written.

        Its check says that the formula holds for the engine's own numbers, so what differs then is rounding by hand.
        """
        written = {**{name: self.written[name] for name in line.values}, **rest}
        worked, is_activation = hand.worked(line.symbols, written), line.address.startswith("a[")
        note = line.note.removesuffix(OVERFLOWS).strip()
        if worked is None:
            line, note = replace(line, check=None), f"{note} {NO_VALUE}".strip()
        text = hand.written(line.result if worked is None else worked, is_activation=is_activation)
        value, check = float(text), line.check
        if check is not None:
            check = replace(check, against="engine, without rounding by hand")
        if check is not None and check.ok:
            off, least = abs(value - check.value), hand.error(text, is_activation=is_activation)
            exact = hand.written(check.value, is_activation=is_activation) if off > least * (1 + 1e-9) else ""
            check = replace(check, difference=off, tolerance=max(off, least), exact=exact)
        self.known[line.left], self.written[line.left] = value, text
        values = {name: float(text) for name, text in written.items()}
        shown = {**written, line.left: text}
        return replace(line, values=values, result=value, check=check, note=note, shown=shown)

    def given(self, place: Address, rule: str = "given") -> Line:
        """Return the line of a number that nothing leads to: it was given, or is what training left."""
        name = str(place)
        value = self.known[name] = self._as_given(name, self.number(place))
        shown = {} if self.hand is None else {name: self.written[name]}
        return Line(rule, name, as_node(value), {}, value, shown=shown)

    def _as_given(self, name: str, value: float) -> float:
        """Return a number that has no line: by hand as it is written down."""
        if self.hand is None:
            return value
        self.written[name] = self.hand.given(value)
        self.known[name] = float(self.written[name])
        return self.known[name]

    def _taken(self, node: Node, values: Mapping[str, float]) -> dict[str, float]:
        """Return the numbers of a tree's symbols; ``values`` has those that are no addresses, and have no line."""
        return {
            name: self._as_given(name, float(values[name])) if name in values else self.value(name)
            for name in names_in(node)
        }

    def exactly(self, symbol: Symbol) -> float:
        """Return the engine's number of a symbol, which gets its line too where lines are chained."""
        self.value(symbol.name)
        return self.number(Address.parse(symbol.name))

    def _exactly(self, node: Node, values: Mapping[str, float]) -> dict[str, float]:
        """Return the engine's numbers of a tree's symbols, by hand as well."""
        names = names_in(node)
        for name in names:
            if name not in values and name not in self.exact:
                self.exact[name] = self.number(Address.parse(name))
        return {name: float(values[name]) if name in values else self.exact[name] for name in names}

    def products(self, terms: Sequence[Sequence[Address]], what: str = "terms", rest: str = "rest") -> Sum:
        """Return the sum of products, each given by the addresses of its factors; all have as many."""
        numbers = [self.numbers(factors) for factors in zip(*terms, strict=True)]
        return self.total(lambda i: self.product(terms[i]), np.prod(numbers, axis=0), what, rest)

    def total(
        self,
        term: Callable[[int], Node],
        terms: FloatArray,
        what: str = "terms",
        rest: str = "rest",
        values: Mapping[str, float] | None = None,
    ) -> Sum:
        """Return the sum of ``terms`` as a tree: all of a few, or the largest of many and the exact ``rest``.

        Of many, what adds most comes first. By hand the terms are worked out from what was written down; ``values`` are
        those of their symbols that are no addresses.
        """
        count = len(terms)
        worked: list[Fraction | None] = []
        if self.hand is not None and count > MOST_TERMS:
            nodes = [term(i) for i in range(count)]
            taken = [self._taken(each, values or {}) for each in nodes]
            worked = [
                self.hand.worked(n, {k: self.written[k] for k in t})
                for n, t in zip(nodes, taken, strict=True)
            ]
            terms = np.array([evaluate_rounded(n, self._exactly(n, values or {})).value for n in nodes])
        magnitude = float(np.sum(np.abs(terms)))
        slack = 2 * UNIT * count * (magnitude if math.isfinite(magnitude) else 0.0)
        if count <= MOST_TERMS:
            return Sum(added([term(i) for i in range(count)]), {}, slack, "")
        largest = np.argpartition(np.abs(terms), -(MOST_TERMS - 2))[-(MOST_TERMS - 2) :]
        largest = np.sort(largest[terms[largest] != 0])
        largest = largest[np.argsort(-np.abs(terms[largest]), kind="stable")]
        others = np.delete(terms, largest)
        node = added([*(term(int(i)) for i in largest), Symbol(rest)])
        note = (
            f"{rest}: the sum of the other {len(others)} {what}{'' if others.any() else ', which are all 0'}"
        )
        total = Sum(node, {rest: _summed(others)}, slack, note)
        if self.hand is not None:
            parts = [worked[i] for i in np.delete(np.arange(count), largest)]
            known = [part for part in parts if part is not None]
            total.written[rest] = self.hand.written(sum(known, Fraction(0)) if known == parts else math.nan)
        return total


def _summed(terms: FloatArray) -> float:
    """Return the sum of terms, of a few thousand without any rounding but the last."""
    if len(terms) > 5000 or not np.isfinite(terms).all():
        return float(np.sum(terms))
    return math.fsum(terms.tolist())


NO_VALUE = "With the numbers as they are shown this has no value; the result is the engine's number, rounded."
OVERFLOWS = "The formula as written overflows at these numbers; the result is that of its stable form."


def compare(value: float, against: float, bound: float, words: str = "engine") -> LineCheck:
    """Return the check of a number: it holds where rounding explains the difference."""
    # Twice the bound, since the engine rounded too, and twice for what is beyond the first order; 1e-310 where numbers
    # are denormal, and round by as much as they are.
    tolerance = 4 * bound + 1e-310
    same = value == against or (math.isnan(value) and math.isnan(against))
    difference = 0.0 if same else abs(value - against)
    return LineCheck(against, difference, tolerance, same or difference <= tolerance, words)


def as_node(value: float) -> Node:
    """Return a number as a tree."""
    return Negate(Number(-value)) if value < 0 else Number(abs(value))


def added(nodes: Sequence[Node]) -> Node:
    """Return the sum of trees."""
    return reduce(lambda left, right: Binary("+", left, right), nodes)


def multiplied(nodes: Sequence[Node]) -> Node:
    """Return the product of trees."""
    return reduce(lambda left, right: Binary("*", left, right), nodes)
