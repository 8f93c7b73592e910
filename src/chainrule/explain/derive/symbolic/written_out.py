"""The whole chain from the cost to a weight or bias of any layer, written out for a number of layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chainrule.explain.derive.lines import Range, Statement
from chainrule.explain.derive.symbolic.letters import below
from chainrule.explain.derive.symbolic.subject import Subject, indicator, times
from chainrule.formula.nodes import Binary, Node, Number, PartialDerivative, put


def written_out(subject: Subject) -> Iterator[Statement]:
    """Yield the whole chain for the weights and biases of each layer of a network of so many layers, from the last."""
    last = subject.letters.first + subject.layers - 1
    start, end = subject.letters.weight_indices
    for number in range(last, subject.letters.first, -1):
        here = Number(float(number))
        w, z = subject.w(here, start, end), subject.z(here, end)
        ranges: tuple[Range, ...] = (subject.neurons(start, below(here)), subject.neurons(end, here))
        sides: tuple[Node, ...] = _ways(
            subject, number, end, PartialDerivative(z, w), subject.a(below(here), start)
        )
        why = "From the cost back along every way that the weight acts on it; then each factor filled in."
        yield _numbered(
            subject,
            Statement(f"the chain of a weight to layer {number}", subject.cost_by(w), sides, ranges, why=why),
        )
        if subject.bias != "none":
            j = subject.letters.neuron if end not in _way(subject, number, subject.letters.neuron) else end
            sides = _ways(subject, number, j, PartialDerivative(subject.z(here, j), subject.b(here, j)), None)
            ranges = (subject.neurons(j, here),)
            if subject.is_shared:
                sides, ranges = tuple(subject.over(j, here, side) for side in sides), ()
            rule = f"the chain of a bias of layer {number}"
            yield _numbered(subject, Statement(rule, subject.cost_by(subject.b(here, j)), sides, ranges))


def _way(subject: Subject, number: int, index: str) -> tuple[str, ...]:
    """Return the indices of the neurons on a way from a layer to the output."""
    count = subject.letters.first + subject.layers - 1 - number
    start, end = subject.letters.weight_indices
    free = [
        name for name in (subject.letters.next, *subject.letters.others) if name not in (start, end, index)
    ]
    return (index, *free[:count])


def _ways(subject: Subject, number: int, index: str, by: Node, entering: Node | None) -> tuple[Node, Node]:
    """Return the sum over all ways from a neuron to the cost, in partial derivatives and filled in."""
    way = _way(subject, number, index)
    last = number + len(way) - 1
    output = way[-1]
    layers = [Number(float(each)) for each in range(number, last + 1)]
    top = layers[-1]
    if not subject.is_joined:
        partial = [
            subject.cost_by(subject.a(top, output)),
            PartialDerivative(subject.a(top, output), subject.z(top, output)),
        ]
        filled = [
            subject.meant(subject.in_output(subject.loss, subject.loss.slope.root, output)),
            subject.slope(top, output),
        ]
    else:
        free = (subject.letters.next, *subject.letters.others)
        other = next(name for name in free if name not in (*way, *subject.letters.weight_indices))
        partial = [
            subject.cost_by(subject.a(top, other)),
            PartialDerivative(subject.a(top, other), subject.z(top, output)),
        ]
        slope = subject.meant(subject.in_output(subject.loss, subject.loss.slope.root, other))
        filled = [slope, subject.a(top, other), Binary("-", indicator(other, output), subject.a(top, output))]
    for place in range(len(way) - 1, 0, -1):
        upper, lower = layers[place], layers[place - 1]
        here, before = way[place], way[place - 1]
        a = subject.a(lower, before)
        partial += [
            PartialDerivative(subject.z(upper, here), a),
            PartialDerivative(a, subject.z(lower, before)),
        ]
        filled += [subject.w(upper, before, here), subject.slope(lower, before)]
    partial.append(by)
    filled += [] if entering is None else [entering]
    sides = []
    for factors in (partial, filled):
        node = times(*factors)
        if subject.is_joined:
            node = subject.over(other, top, node)
        for layer, name in zip(reversed(layers[1:]), reversed(way[1:]), strict=True):
            node = subject.over(name, layer, node)
        sides.append(node)
    return sides[0], sides[1]


def _numbered(subject: Subject, statement: Statement) -> Statement:
    """Return a statement with the output layer's number in the place of its letter."""
    last = {subject.letters.last: Number(float(subject.letters.first + subject.layers - 1))}
    return replace(statement, sides=tuple(put(side, last) for side in statement.sides))
