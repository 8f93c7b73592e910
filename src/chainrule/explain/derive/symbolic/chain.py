"""From the inputs to the cost, and the chain rule back, in partial derivatives."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.explain.derive.lines import Range, Statement
from chainrule.explain.derive.symbolic.letters import ONE, above, below
from chainrule.explain.derive.symbolic.subject import Subject, indicator, times
from chainrule.formula.names import spoken
from chainrule.formula.nodes import Binary, Call, PartialDerivative
from chainrule.formula.text import text


def forward(subject: Subject) -> Iterator[Statement]:
    """Yield what is computed, from the inputs to the cost."""
    own, (start, end) = subject.letters, subject.letters.weight_indices
    i, before = subject.layer, below(subject.layer)
    yield from _own_letters(subject, "x")
    weighted = subject.over(start, before, times(subject.w(i, start, end), subject.a(before, start)))
    z = weighted if subject.bias == "none" else Binary("+", weighted, subject.b(i, end))
    ranges: tuple[Range, ...] = (
        subject.layers_from(above(subject.first), subject.last),
        subject.neurons(end, i),
    )
    why = "Every neuron adds up what enters it, each number times the weight of its connection"
    why += {"neuron": ", and its bias.", "layer": ", and the bias of its layer.", "none": "."}[subject.bias]
    yield Statement("weighted sum", subject.z(i, end), (z,), ranges, why=why)
    n, j = subject.last, own.neuron
    yield from _own_letters(subject, "z")
    if subject.has_apart:
        ranges = (subject.layers_from(above(subject.first), subject.last_apart), subject.neurons(j, i))
        why = f"The activation makes the neuron's output of it: {subject.activations}."
        yield Statement("activation", subject.a(i, j), (own.applied(i, subject.z(i, j)),), ranges, why=why)
    if subject.is_joined:
        other = own.others[0]
        total = subject.over(other, n, Call("exp", (subject.z(n, other),)))
        side = Binary("/", Call("exp", (subject.z(n, j),)), total)
        why = f"{subject.output.name}: every output depends on every weighted sum of its layer, through the sum below the bar."
        yield Statement("outputs", subject.a(n, j), (side,), (subject.neurons(j, n),), why=why)
    yield from _own_letters(subject, "a")
    term = subject.in_output(subject.loss, subject.loss.formula.root, j)
    why = f"{spoken(subject.loss.name)} of one row, the {subject.loss.over_outputs} over the outputs."
    yield Statement("cost", own.cost_at(), (subject.meant(subject.over(j, n, term)),), why=why)


_OWN = {"x": "the inputs", "z": "the weighted sums of the outputs", "a": "the outputs"}


def _own_letters(subject: Subject, quantity: str) -> Iterator[Statement]:
    """Yield what the inputs, or the numbers of the last layer, are called where they have a letter of their own."""
    own, j = subject.letters, subject.letters.neuron
    if own.shape(quantity, last=quantity != "x") is None:
        return
    layer, general = (subject.first, "a") if quantity == "x" else (subject.last, quantity)
    named = subject.a(layer, j) if general == "a" else subject.z(layer, j)
    why = f"What they are called in layer {text(layer)}."
    yield Statement(
        _OWN[quantity], own.at(general, layer, j), (named,), (subject.neurons(j, layer),), why=why
    )


def links_of_the_chain(subject: Subject) -> Iterator[Statement]:
    """Yield the derivative of each quantity by what it is worked out from."""
    (start, end), other = subject.letters.weight_indices, subject.letters.others[0]
    i, n, j = subject.layer, subject.last, subject.letters.neuron
    before, inner = below(i), (subject.layers_from(above(subject.first), n),)
    slope = subject.meant(subject.in_output(subject.loss, subject.loss.slope.root, j))
    why = f"The derivative of {spoken(subject.loss.name)} by one output; the other outputs' terms don't hold it."
    yield Statement(
        "cost by an output", subject.cost_by(subject.a(n, j)), (slope,), (subject.neurons(j, n),), why=why
    )
    if subject.has_apart:
        ranges: tuple[Range, ...] = (
            subject.layers_from(above(subject.first), subject.last_apart),
            subject.neurons(j, i),
        )
        why = "A neuron's output depends on its own weighted sum alone."
        yield Statement(
            "output by its weighted sum",
            PartialDerivative(subject.a(i, j), subject.z(i, j)),
            (subject.slope(i, j),),
            ranges,
            why=why,
        )
    if subject.is_joined:
        side = times(subject.a(n, other), Binary("-", indicator(other, j), subject.a(n, j)))
        ranges = (subject.neurons(other, n), subject.neurons(j, n))
        why = f"The Jacobian of {subject.output.name}, by the quotient rule; the 1 with an index is 1 where that holds, else 0."
        yield Statement(
            "every output by every weighted sum",
            PartialDerivative(subject.a(n, other), subject.z(n, j)),
            (side,),
            ranges,
            why=why,
        )
    ends = (*inner, subject.neurons(start, before), subject.neurons(end, i))
    w = subject.w(i, start, end)
    why = "In the sum the weight stands in one term, times what enters through it."
    yield Statement(
        "weighted sum by a weight",
        PartialDerivative(subject.z(i, end), w),
        (subject.a(before, start),),
        ends,
        why=why,
    )
    if subject.bias != "none":
        why = "The bias is added: it is a weight on 1."
        ranges = (*inner, subject.neurons(j, i))
        yield Statement(
            "weighted sum by a bias",
            PartialDerivative(subject.z(i, j), subject.b(i, j)),
            (ONE,),
            ranges,
            why=why,
        )
    why = "In the sum the output of the layer before stands in one term, times its weight."
    yield Statement(
        "weighted sum by what enters",
        PartialDerivative(subject.z(i, end), subject.a(before, start)),
        (w,),
        ends,
        why=why,
    )


def chain_rule(subject: Subject) -> Iterator[Statement]:
    """Yield the chain rule where the cost depends on something in one way, and in many."""
    (start, end), other = subject.letters.weight_indices, subject.letters.others[0]
    i, n, j, k = subject.layer, subject.last, subject.letters.neuron, subject.letters.next
    inner = subject.layers_from(above(subject.first), n)
    z = subject.z(i, end)
    side = times(subject.cost_by(z), PartialDerivative(z, subject.w(i, start, end)))
    ranges: tuple[Range, ...] = (inner, subject.neurons(start, below(i)), subject.neurons(end, i))
    why = (
        "The weight acts on the cost through the weighted sum of the neuron it leads to, and in no other way."
    )
    yield Statement(
        "chain rule for a weight", subject.cost_by(subject.w(i, start, end)), (side,), ranges, why=why
    )
    if subject.bias != "none":
        z = subject.z(i, j)
        side = times(subject.cost_by(z), PartialDerivative(z, subject.b(i, j)))
        ranges = (inner, subject.neurons(j, i))
        why = "The bias acts through the weighted sum of its neuron alone."
        if subject.is_shared:
            side, ranges = subject.over(j, i, side), (inner,)
            why = "The layer's bias acts through the weighted sum of each of its neurons: their parts add up."
        yield Statement("chain rule for a bias", subject.cost_by(subject.b(i, j)), (side,), ranges, why=why)
    if subject.has_apart:
        side = times(subject.cost_by(subject.a(i, j)), PartialDerivative(subject.a(i, j), subject.z(i, j)))
        ranges = (subject.layers_from(above(subject.first), subject.last_apart), subject.neurons(j, i))
        why = "A weighted sum acts through the output of its neuron."
        yield Statement(
            "chain rule through an activation", subject.cost_by(subject.z(i, j)), (side,), ranges, why=why
        )
    if subject.is_joined:
        part = times(
            subject.cost_by(subject.a(n, other)), PartialDerivative(subject.a(n, other), subject.z(n, j))
        )
        why = f"Through {subject.output.name} a weighted sum acts on every output: the parts add up."
        ranges = (subject.neurons(j, n),)
        side = subject.over(other, n, part)
        yield Statement(
            "chain rule through the outputs", subject.cost_by(subject.z(n, j)), (side,), ranges, why=why
        )
    if subject.layers > 2:
        after = above(i)
        part = times(
            subject.cost_by(subject.z(after, k)), PartialDerivative(subject.z(after, k), subject.a(i, j))
        )
        ranges = (subject.layers_from(above(subject.first), below(n)), subject.neurons(j, i))
        why = "A hidden output enters every neuron of the next layer: the parts of all these ways add up."
        side = subject.over(k, after, part)
        yield Statement(
            "chain rule through the next layer", subject.cost_by(subject.a(i, j)), (side,), ranges, why=why
        )
