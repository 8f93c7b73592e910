"""The derivatives of softmax, each of whose outputs depends on every z: its Jacobian, by the quotient rule."""

from __future__ import annotations

from dataclasses import replace

from chainrule.equations.activations import activation
from chainrule.equations.dense import Dense
from chainrule.equations.losses import loss
from chainrule.equations.network import Network
from chainrule.explain.derive.lines import Derivation, Statement
from chainrule.explain.derive.symbolic.instances import instances, tried
from chainrule.explain.derive.symbolic.letters import letters_of
from chainrule.explain.derive.symbolic.subject import Subject, indicator, times
from chainrule.formula.nodes import Binary, Call, Node, Number, PartialDerivative


def derive_softmax() -> Derivation:
    """Return the derivative of every output of softmax by every z, with a check on random networks.

    >>> derived = derive_softmax()
    >>> derived.statements[1].text.rpartition(" = ")[2], derived.ok
    ('a[L][m]*(1[m==j] - a[L][j])', True)
    """
    softmax, cost = activation("softmax"), loss("categorical_cross_entropy")
    ours = letters_of("ours")
    subject = Subject(ours, 2, cost, softmax, softmax, "neuron")
    made = list(instances(lambda sizes: Network([sizes[0], Dense(sizes[1], softmax)], cost), 2))
    lines = (replace(line, check=tried(line, ours, made, of_batch=False)) for line in _lines(subject))
    return Derivation("", "The derivatives of softmax by every z", statements=tuple(lines))


def _lines(subject: Subject) -> tuple[Statement, ...]:
    last, m, j, k = subject.last, "m", "j", "k"

    def e(index: str) -> Node:
        return Call("exp", (subject.z(last, index),))

    total = subject.over(k, last, e(k))
    share = Binary("/", e(m), total)
    same = indicator(m, j)
    above = Binary("-", times(same, e(m), total), times(e(m), e(j)))
    quotient = Binary("/", above, Binary("^", total, Number(2.0)))
    parted = times(share, Binary("-", same, Binary("/", e(j), total)))
    named = times(subject.a(last, m), Binary("-", same, subject.a(last, j)))
    outputs, inputs = subject.neurons(m, last), subject.neurons(j, last)
    return (
        Statement(
            "the outputs",
            subject.a(last, m),
            (share,),
            (outputs,),
            why="All of them have the sum below the bar.",
        ),
        Statement(
            "quotient rule, part the fraction, write a for the outputs",
            PartialDerivative(subject.a(last, m), subject.z(last, j)),
            (quotient, parted, named),
            (outputs, inputs),
            why="z with j stands above the bar where m = j, and always in the sum, whose derivative is exp of it. The 1 with "
            "an index is 1 where that holds, else 0.",
        ),
    )
