"""The recursion of delta, and from it the derivatives by any weight and any bias, of one row and of many."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.explain.derive.lines import Range, Statement
from chainrule.explain.derive.symbolic.letters import above, below
from chainrule.explain.derive.symbolic.subject import Subject, over, times
from chainrule.formula.names import spoken
from chainrule.formula.nodes import Binary, Node, SumOver, Symbol, put
from chainrule.formula.parse import parse


def recursion(subject: Subject) -> Iterator[Statement]:
    """Yield delta, its recursion, and the derivatives that it gives."""
    own, (start, end), other = subject.letters, subject.letters.weight_indices, subject.letters.others[0]
    i, n, j, k = subject.layer, subject.last, subject.letters.neuron, subject.letters.next
    inner = subject.layers_from(above(subject.first), n)
    why = "A name for what all the chains have in common: they part only in their last factor."
    ranges: tuple[Range, ...] = (inner, subject.neurons(j, i))
    if own.has_delta:
        side = subject.cost_by(subject.z(i, j))
        yield Statement("definition", subject.delta(i, j), (side,), ranges, why=why)
    ranges = (subject.neurons(j, n),)
    if not subject.is_joined:
        side = times(subject.cost_by(subject.a(n, j)), subject.slope(n, j))
        yield Statement(
            f"{subject.delta_words} of an output",
            subject.delta(n, j),
            (side,),
            ranges,
            why="The chain rule through the activation.",
        )
    else:
        total = subject.over(other, n, times(subject.cost_by(subject.a(n, other)), subject.a(n, other)))
        side = times(subject.a(n, j), Binary("-", subject.cost_by(subject.a(n, j)), total))
        why = f"The sum over the Jacobian of {subject.output.name}: of its two terms the first is left at one output only."
        yield Statement(f"{subject.delta_words} of an output", subject.delta(n, j), (side,), ranges, why=why)
    if subject.link is not None:
        side = subject.meant(subject.in_output(subject.loss, subject.link.delta_formula.root, j))
        rule = f"{spoken(subject.loss.name)} and {spoken(subject.output.name)} together"
        yield Statement(rule, subject.delta(n, j), (side,), ranges, why=subject.link.why)
    if subject.layers > 2:
        after = above(i)
        total = subject.over(k, after, times(subject.w(after, j, k), subject.delta(after, k)))
        ranges = (subject.layers_from(above(subject.first), below(n)), subject.neurons(j, i))
        why = "The chain rule through the next layer, then through the activation: each from those after it."
        side = times(subject.slope(i, j), total)
        yield Statement(f"recursion of {subject.delta_words}", subject.delta(i, j), (side,), ranges, why=why)
    ranges = (inner, subject.neurons(start, below(i)), subject.neurons(end, i))
    side = times(subject.delta(i, end), subject.a(below(i), start))
    why = f"{subject.delta_words.capitalize()} of the neuron that the weight leads to, times what enters through the weight."
    yield Statement(
        "derivative by any weight", subject.cost_by(subject.w(i, start, end)), (side,), ranges, why=why
    )
    if subject.bias != "none":
        side, ranges = subject.delta(i, j), (inner, subject.neurons(j, i))
        why = "What enters through a bias is 1."
        if subject.is_shared:
            side, ranges = subject.over(j, i, side), (inner,)
            why = "What enters through the bias is 1, in every neuron of its layer."
        yield Statement("derivative by any bias", subject.cost_by(subject.b(i, j)), (side,), ranges, why=why)
    if subject.hidden.slope_in_a and subject.hidden.spec == subject.output.spec:
        ranges = (inner, subject.neurons(j, i))
        side = put(parse(subject.hidden.slope_in_a, {"a"}).root, {"a": subject.a(i, j)})
        why = f"Of {subject.hidden.name}; chainrule derive {subject.hidden.name} has the steps."
        yield Statement("slope in the output", subject.slope(i, j), (side,), ranges, why=why)


def many_rows(subject: Subject) -> Iterator[Statement]:
    """Yield what the derivatives by all rows are, whose cost is the mean of the rows' costs."""
    own, (start, end) = subject.letters, subject.letters.weight_indices
    i, r, count = subject.layer, subject.letters.row, Symbol(subject.letters.rows)
    inner = subject.layers_from(above(subject.first), subject.last)

    def mean(node: Node) -> Node:
        return over(SumOver(r, count, node), count)

    why = "The cost of a batch is the mean over its rows."
    yield Statement("cost of many rows", own.cost_at(), (mean(own.cost_at(r)),), why=why)
    why = "The derivative of a mean is the mean of the derivatives: each row has its own chain."
    weight = subject.w(i, start, end)
    ranges: tuple[Range, ...] = (inner, subject.neurons(start, below(i)), subject.neurons(end, i))
    sides = (mean(subject.cost_by(weight, r)),)
    yield Statement("derivative by any weight", subject.cost_by(weight), sides, ranges, why=why)
    if subject.bias != "none":
        bias = subject.b(i, own.neuron)
        ranges = (inner,) if subject.is_shared else (inner, subject.neurons(own.neuron, i))
        yield Statement(
            "derivative by any bias", subject.cost_by(bias), (mean(subject.cost_by(bias, r)),), ranges
        )
