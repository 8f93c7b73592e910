"""What a place shows: the terms that flow into a sum, the line that is worked out there, the addresses that it is about.

All of it is read from the trace. The terms shown so far add up to the sum shown so far.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.explain.derive.lines import Derivation
from chainrule.explain.notation.naming import Naming
from chainrule.explain.show.showing import Showing
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.trace import Trace
from chainrule.studio.shown.checks import differences_of
from chainrule.studio.shown.looking import Look
from chainrule.studio.shown.numbers import derivation_nodes, derived
from chainrule.studio.training.walk import WalkPlace

MOST_TERMS = 40
"""The most terms of a sum that are listed; of a longer one those around the term that is worked out."""


@dataclass(frozen=True)
class StageTerm:
    """A term of a sum: the address it is called by, its factors with their numbers, and their product."""

    address: str
    factors: tuple[tuple[str, float], ...]

    @property
    def product(self) -> float:
        """The product of the factors."""
        return math.prod(value for _, value in self.factors)


@dataclass(frozen=True)
class Sight:
    """What a stage is made from: the look, the place, and whose names the numbers have."""

    look: Look
    place: WalkPlace
    naming: Naming | None

    @property
    def trace(self) -> Trace:
        """The picked row's trace."""
        return self.look.picked

    def at(self, name: str, layer: int | None = None, *index: int) -> Address:
        """Return an address of the picked row, or of the batch where it is no row's."""
        place = Address(name, layer, index)
        several = len(self.look.step.rows) > 1 and place.quantity.per_row
        return replace(place, row=self.look.row) if several else place

    def part(self, name: str, layer: int, *index: int) -> Address:
        """Return the address of the picked row's part in a derivative by a parameter."""
        several = len(self.look.step.rows) > 1
        return Address(name, layer, index, row=self.look.row if several else None)

    def name(self, place: Address | str) -> str:
        """Return an address as words show it."""
        text = str(replace(place, row=None) if isinstance(place, Address) else place)
        return text if self.naming is None else Showing(naming=self.naming).name(text)


def stage(
    sight: Sight,
    address: Address,
    title: str,
    *,
    said: str = "",
    terms: Sequence[StageTerm] = (),
    done: int = 0,
    total: float | None = None,
    of: Address | None = None,
    trace: Trace | None = None,
    line: bool = True,
    whole: bool = False,
    difference: bool = False,
    curve: Any = None,
    more: Sequence[Any] = (),
    lit: Sequence[str] = (),
    flow: str | None = None,
) -> dict[str, Any]:
    """Return a stage: the ``terms``, ``done`` of which are worked out, into a ``total`` where it is known, and a line.

    The line is the last of the address's derivation; the ``whole`` one has those that lead to it, and its factors. The sum is
    that of the address, or ``of`` another one.
    """
    trace = sight.trace if trace is None else trace
    nodes: list[Any] = []
    ok: bool | None = None
    names: list[str] = []
    if line:
        made = derived(sight.look, trace, address)
        if not whole:
            made = Derivation(made.address, made.title, made.lines[-1:])
        check = differences_of(trace, trace.resolve(address)) if difference else None
        nodes, ok = derivation_nodes(made, trace, sight.naming, difference=check)
        names = [name for own in made.lines for name in own.values if "[" in name]
    told = _terms(terms, done, of or address, total, sight.naming)
    lit_all = [
        str(address.plain),
        *lit,
        *(name for term in told["terms"] for name, _ in term["factors"]),
        *names,
    ]
    plain = dict.fromkeys(name.partition("@")[0] for name in lit_all)
    return {
        "title": title,
        "said": said,
        "lit": list(plain)[:200],
        **told,
        "nodes": [*nodes, *more],
        "ok": ok,
        "curve": curve,
        "flow": flow,
    }


def _terms(
    terms: Sequence[StageTerm], done: int, address: Address, total: float | None, naming: Naming | None
) -> dict[str, Any]:
    """Return the terms around the one that is worked out, what those before add up to, and the sum so far."""
    if not terms:
        return {"terms": [], "rest": None, "sum": None}
    begin = 0
    if len(terms) > MOST_TERMS:
        begin = min(max(0, done - MOST_TERMS // 2), len(terms) - MOST_TERMS)
    listed = terms[begin : begin + MOST_TERMS]
    products = [term.product for term in terms[:done]]
    before, after = products[:begin], products[begin + MOST_TERMS :]
    rest = None
    if before or after:
        rest = {"count": len(before) + len(after), "value": _known(math.fsum((*before, *after)))}
    return {
        "terms": [
            {
                "address": term.address,
                "factors": [[name, _known(value)] for name, value in term.factors],
                "product": _known(term.product),
                "done": begin + number < done,
                **_names(naming, [name for name, _ in term.factors]),
            }
            for number, term in enumerate(listed)
        ],
        "rest": rest,
        "sum": {
            "address": str(address.plain),
            "so_far": _known(_added(products)),
            "value": None if total is None else _known(total),
            "done": total is not None,
            **({} if naming is None else {"name": _called(naming, address.plain)}),
        },
    }


def _called(naming: Naming, place: Address) -> str:
    """Return how a notation calls a sum; where it has no name for what is passed on, as the activation that this is."""
    if place.name == "dC/dh" and naming.text(place) == str(place):
        place = replace(place, name="dC/da")
    return naming.text(place)


def _names(naming: Naming | None, addresses: Sequence[str]) -> dict[str, list[str]]:
    """Return how a notation calls the factors, where it isn't ours."""
    return {} if naming is None else {"names": [naming.text(address) for address in addresses]}


def _added(products: Sequence[float]) -> float:
    return math.fsum(products) if all(map(math.isfinite, products)) else float(np.sum(products))


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
