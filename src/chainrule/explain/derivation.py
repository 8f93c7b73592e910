"""Derivations: for any address the lines that lead to it, each with symbols, numbers, result and check."""

from __future__ import annotations

from chainrule.explain.address import Address
from chainrule.explain.forward import FORWARD
from chainrule.explain.hand import Hand
from chainrule.explain.lines import Derivation
from chainrule.explain.trace import Trace
from chainrule.explain.writer import Writer

RULES = {**FORWARD}


def derive(trace: Trace, address: str | Address, *, hand: int | None = None) -> Derivation:
    """Return the derivation of the number at an address; raises SettingsError where there is none.

    ``hand``: round every line as on paper, see `Hand`.

    >>> from chainrule import Dense, Network
    >>> from chainrule.explain.trace import trace_network
    >>> trace = trace_network(Network([2, Dense(1, "sigmoid")]), [{"W": [[0.5], [-1.0]], "b": [0.25]}], [[2.0, 1.0]])
    >>> [(line.left, line.result, line.check.ok) for line in derive(trace, "z[1][1]").lines]
    [('z[1][1]', 0.25, True)]
    """
    place = trace.resolve(address)
    writer = Writer(trace, place, RULES, hand=None if hand is None else Hand(hand))
    writer.lines.append(RULES[place.name](writer, place))
    return Derivation(
        str(place),
        f"{place}, {place.quantity.words}",
        tuple(writer.lines),
        hand="" if writer.hand is None else str(writer.hand),
    )
