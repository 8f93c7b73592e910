"""A derivation in which the derivative by a weight is the product of its factors, for who has no letter for delta."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from chainrule.explain.derive.lines import Derivation, Line
from chainrule.explain.trace.address import TERMS, Address
from chainrule.explain.trace.trace import Trace
from chainrule.formula.nodes import Binary, Node, Symbol, names_in, put
from chainrule.formula.rounding import evaluate_rounded

CLOSE = 1e-9
"""How far the product may be off, relatively; where the outputs are so near 0 or 1 that it is farther, delta stays."""


def in_factors(derivation: Derivation, trace: Trace) -> Derivation:
    """Return a derivation with dC/da times f' in the place of delta, in every line of a derivative by a parameter.

    Lines by hand, and those whose deltas are no such products (softmax), keep the derivative by the weighted sum.
    """
    lines = tuple(_in_factors(line, trace) for line in derivation.lines)
    return replace(derivation, lines=lines, parts=tuple(in_factors(part, trace) for part in derivation.parts))


def _in_factors(line: Line, trace: Trace) -> Line:
    place = Address.parse(line.address) if line.address.startswith("dC/d") else None
    if place is None or place.name.removeprefix("dC/d") not in TERMS:
        return line
    values = dict(line.values)
    deltas = [name for name in names_in(line.symbols) if name.startswith("delta[")]
    if not deltas:
        return line
    term = trace.network.layers[place.number - 1].term(place.parameter)
    times = (f", times {term.by}" if term.enters else "") + (", summed" if len(deltas) > 1 else "")
    # There is no word for delta either.
    whole = replace(line, rule=f"chain rule: the derivative by the weighted sum{times}")
    products: dict[str, Node] = {}
    for name in deltas:
        factors = [str(replace(Address.parse(name), name=other)) for other in ("dC/da", "f'")]
        if line.shown or not all(map(trace.has, factors)):
            return whole
        products[name] = Binary("*", Symbol(factors[0]), Symbol(factors[1]))
        values |= {factor: trace[factor] for factor in factors}
        del values[name]
    node = put(line.symbols, products)
    if not _agrees(node, values, line.result):
        return whole
    words = f"chain rule: the derivative by the activation, times the slope{times}"
    return replace(line, rule=words, symbols=node, values=values)


def _agrees(node: Node, values: Mapping[str, float], result: float) -> bool:
    value = evaluate_rounded(node, values).value
    return value == result or math.isclose(value, result, rel_tol=CLOSE)
