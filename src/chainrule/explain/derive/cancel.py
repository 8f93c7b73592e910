"""Why the derivatives of a loss and its output activation cancel to a - y, with the numbers."""

from __future__ import annotations

import numpy as np

from chainrule.equations.losses import Loss
from chainrule.explain.derive.forward import formula, own_parameters, shared, target_symbol
from chainrule.explain.derive.lines import Derivation, Line
from chainrule.explain.derive.writer import Writer, added, multiplied
from chainrule.explain.trace.address import Address
from chainrule.formula.names import spoken
from chainrule.formula.nodes import Binary, Negate, Node, Number, Symbol, put
from chainrule.formula.rounding import UNIT


def why_it_cancels(writer: Writer, place: Address) -> Derivation | None:
    """Return the part of an output's delta that shows how the chain rule comes to the same, or None.

    Where an output is so near 0 or 1 that the loss's own derivative has no finite value, there is none.
    """
    network, (j,) = writer.network, place.index
    output, record = network.output.activation, network.loss
    link = record.links.get(output.name)
    if link is None or not link.why:
        return None
    with np.errstate(all="ignore"):
        lines = _elementwise(writer, place, j) if output.elementwise else _softmax(writer, place, j)
    if not lines or not all(np.isfinite(line.result) for line in lines):
        return None
    title = f"Why the derivatives of {spoken(record.name)} and {spoken(output.name)} cancel"
    return Derivation(str(place), title, tuple(lines), notes=(link.why,))


def _by_output(writer: Writer, k: int, row: int | None, label: str) -> Line:
    """Return the line of the loss's derivative by output k."""
    record: Loss = writer.network.loss
    a = writer.symbol("a", len(writer.network.layers), k, row=row)
    node = put(record.slope.root, {"a": a, "y": target_symbol(writer, k, row)})
    rule = f"derivative of the loss by output {k}"
    return writer.line(rule, None, node, own_parameters(record), label=label)


def _elementwise(writer: Writer, place: Address, j: int) -> list[Line]:
    row, last = place.row, len(writer.network.layers)
    outer = _by_output(writer, j, row, "dloss")
    record = writer.network.output.activation
    name, slope = ("a", formula(record.slope_in_a)) if record.slope_in_a else ("z", record.slope)
    node = put(slope.root, {name: writer.symbol(name, last, j, row=row)})
    words = f"slope of {spoken(record.name)} at this output"
    inner = writer.line(words, None, node, record.parameters, label="slope")
    both = Binary("*", Symbol("dloss"), Symbol("slope"))
    return [outer, inner, _end(writer, place, both, [outer, inner], "chain rule: the product")]


def _softmax(writer: Writer, place: Address, j: int) -> list[Line]:
    row, last = place.row, len(writer.network.layers)
    y = writer.network.loss.smooth(np.asarray(writer.step.y))
    targets = np.flatnonzero(y[writer.row_index(place)]) + 1
    if not 0 < len(targets) <= MOST:
        return []
    own = writer.symbol("a", last, j, row=row)
    lines: list[Line] = []
    terms: list[Node] = []
    for k in (int(target) for target in targets):
        node: Node = Binary("*", own, Binary("-", Number(1.0), own))
        z = "its own z"
        if k != j:
            node, z = Negate(Binary("*", writer.symbol("a", last, k, row=row), own)), f"the z of output {j}"
        lines.append(_by_output(writer, k, row, f"dloss_{k}"))
        lines.append(writer.line(f"derivative of output {k} by {z}", None, node, label=f"da_{k}"))
        terms.append(multiplied([Symbol(f"dloss_{k}"), Symbol(f"da_{k}")]))
    total = added(terms)
    rule = "chain rule: over the outputs whose target isn't 0; the loss doesn't depend on the others"
    return [*lines, _end(writer, place, total, lines, rule)]


MOST = 6
"""The most outputs with a target over which the sum is written out."""


def _end(writer: Writer, place: Address, node: Node, lines: list[Line], rule: str) -> Line:
    n_out = writer.network.output.n_out
    if writer.network.loss.over_outputs == "mean" and n_out > 1:
        node = Binary("/", node, Number(float(n_out)))
    size = max(abs(line.result) for line in lines)
    return writer.line(rule, place, shared(writer, node, place.row), slack=8 * UNIT * (1 + size))
