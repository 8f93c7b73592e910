"""The recursion for a whole layer at once: matrices, with their shapes."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.explain.derive.lines import Range, Shaped, Statement
from chainrule.explain.derive.symbolic.letters import ONE, above, below
from chainrule.explain.derive.symbolic.subject import Subject
from chainrule.formula.names import spoken
from chainrule.formula.nodes import Binary, Call, Node


def matrices(subject: Subject) -> Iterator[Statement]:
    """Yield the recursion for whole layers, from the weighted sums to the derivatives."""
    own, i, n = subject.letters, subject.layer, subject.last
    before, after = below(i), above(i)
    inner = subject.layers_from(above(subject.first), n)
    z = own.product(subject.w(i), subject.a(before))
    shapes = [
        _shaped(subject, subject.z(i), i),
        _weights(subject, i),
        _shaped(subject, subject.a(before), before),
    ]
    if subject.bias != "none":
        z = Binary("+", z, subject.b(i))
        shapes += [] if subject.is_shared else [_shaped(subject, subject.b(i), i)]
    why = "All the weighted sums of a layer at once"
    why += "; the layer's bias is added to each." if subject.is_shared else "."
    yield Statement("weighted sums", subject.z(i), (z,), (inner,), tuple(shapes), why)
    side = own.applied(i, subject.z(i))
    shapes = [_shaped(subject, subject.a(i), i), _shaped(subject, subject.z(i), i)]
    why = (
        "Number by number."
        if not subject.is_joined
        else f"Number by number; {subject.output.name} on all of them."
    )
    yield Statement("activations", subject.a(i), (side,), (inner,), tuple(shapes), why)
    a, gradient = subject.a(n), subject.cost_by(subject.a(n))
    shapes = [_shaped(subject, subject.delta(n), n), _shaped(subject, gradient, n)]
    if not subject.is_joined:
        side = Binary("⊙", gradient, subject.slope(n))
        why = "⊙ multiplies number by number."
    else:
        side = Binary("⊙", a, Binary("-", gradient, Call("sum", (Binary("⊙", gradient, a),))))
        shapes.append(_shaped(subject, a, n))
        why = "⊙ multiplies number by number; the sum is a single number, which is taken away from each."
    yield Statement(
        f"{subject.delta_words} of the outputs", subject.delta(n), (side,), (), tuple(shapes), why
    )
    if subject.link is not None:
        side = subject.meant(subject.in_output(subject.loss, subject.link.delta_formula.root))
        shapes = [
            _shaped(subject, subject.delta(n), n),
            _shaped(subject, a, n),
            _shaped(subject, subject.y(), n),
        ]
        rule = f"{spoken(subject.loss.name)} and {spoken(subject.output.name)} together"
        yield Statement(
            rule,
            subject.delta(n),
            (side,),
            (),
            tuple(shapes),
            "The loss's slope and the activation's cancel.",
        )
    if subject.layers > 2:
        ranges: tuple[Range, ...] = (subject.layers_from(above(subject.first), below(n)),)
        side = Binary("⊙", own.back(subject.w(after), subject.delta(after)), subject.slope(i))
        shapes = [
            _shaped(subject, subject.delta(i), i),
            _weights(subject, after),
            _shaped(subject, subject.delta(after), after),
        ]
        why = "The sum over the next layer runs over the other index of the weights: hence the transpose."
        yield Statement(
            f"recursion of {subject.delta_words}", subject.delta(i), (side,), ranges, tuple(shapes), why
        )
    side = own.outer(subject.a(before), subject.delta(i))
    shapes = [
        _weights(subject, i, subject.cost_by(subject.w(i))),
        _shaped(subject, subject.a(before), before),
    ]
    shapes.append(_shaped(subject, subject.delta(i), i))
    why = (
        f"{subject.delta_words.capitalize()} of every neuron times everything that enters: as many products as weights, each in "
        "the place of its weight."
    )
    yield Statement(
        "derivatives by the weights", subject.cost_by(subject.w(i)), (side,), (inner,), tuple(shapes), why
    )
    if subject.bias != "none":
        side = Call("sum", (subject.delta(i),)) if subject.is_shared else subject.delta(i)
        given = [] if subject.is_shared else [_shaped(subject, subject.cost_by(subject.b(i)), i)]
        shapes = [*given, _shaped(subject, subject.delta(i), i)]
        rule = "derivative by the bias" if subject.is_shared else "derivatives by the biases"
        yield Statement(
            rule, subject.cost_by(subject.b(i)), (side,), (inner,), tuple(shapes), "What enters is 1."
        )


def _shaped(subject: Subject, array: Node, layer: Node) -> Shaped:
    size = subject.letters.size_of(layer)
    return Shaped(array, size, ONE) if subject.letters.columns else Shaped(array, ONE, size)


def _weights(subject: Subject, layer: Node, array: Node | None = None) -> Shaped:
    ends = [subject.letters.size_of(each) for each in (below(layer), layer)]
    if subject.letters.columns:
        ends.reverse()
    return Shaped(subject.w(layer) if array is None else array, *ends)
