"""From the network's outputs to the answer: the mean of the members, the target's own units, probabilities."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from chainrule.errors import SettingsError
from chainrule.explain.derive.forward import formula
from chainrule.explain.derive.lines import Line
from chainrule.explain.derive.writer import Rule, Writer
from chainrule.explain.trace.address import Address
from chainrule.formula.nodes import Binary, Node, Number, put
from chainrule.tables.encoding.target import TargetEncoder


def mean_output_line(writer: Writer, place: Address) -> Line:
    """Return the mean of the members' outputs j."""
    members = writer.step.members
    assert members is not None
    last, (j,) = len(writer.network.layers), place.index
    if writer.hand is not None and len(members) > 1:
        own = writer.at("a", last, j, row=place.row)
        raise SettingsError(
            f"{writer.place}: the answer is the mean of {len(members)} members, and by hand one is worked out alone; "
            f"name the output of one, {own}"
        )

    def output(m: int) -> Node:
        own = writer.at("a", last, j, row=place.row)
        if m + 1 != writer.trace.member:
            own = own.at(member=m + 1)
        return writer.symbol_of(own)

    if len(members) == 1:
        return writer.line("the model has one member, so its output is the mean", place, output(0))
    shares, values = writer.step.member_shares, members[:, writer.row_index(place), j - 1]
    if shares is not None:
        weighed = writer.total(
            lambda m: Binary("*", Number(float(shares[m])), output(m)), shares * values, "members"
        )
        words = f"the mean of the model's {len(members)} members, by the weights of its groups"
        return writer.line(words, place, weighed)
    total = writer.total(output, values, "members")
    total.node = Binary("/", total.node, Number(float(len(members))))
    return writer.line(f"the mean of the model's {len(members)} members", place, total)


def line_in_units(writer: Writer, place: Address) -> Line:
    """Return the prediction in the target's units: the scaling undone on the mean output, and clamped if it is so."""
    target = writer.trace.target
    assert isinstance(target, TargetEncoder)
    return _in_units(writer, place, target, 1)


def answer_line(writer: Writer, place: Address) -> Line:
    """Return the prediction for target j of several: in its own units, or the probability of its second class."""
    target, (j,) = writer.trace.target, place.index
    assert target is not None
    part = target.parts[j - 1]
    if part.task == "regression":
        return _in_units(writer, place, part, j)
    words = f"probability of {part.name} = {part.labels[1]}: the output"
    return writer.line(words, place, writer.symbol("mean_a", None, j, row=place.row))


def _in_units(writer: Writer, place: Address, target: TargetEncoder, j: int) -> Line:
    """Return the line that undoes the scaling of a target on the mean of output j."""
    mean = writer.symbol("mean_a", None, j, row=place.row)
    node = put(formula(target.inverse_formula).root, {"y": mean})
    words = f"back to the units of {target.name!r}: the scaling {target.scaling} undone"
    if target.clamp is not None:
        words += ", clamped to the range of the training rows"
    outputs = writer.step.mean_output
    assert outputs is not None
    note = clamp_note(target, outputs[writer.row_index(place), j - 1])
    return writer.line(words, place, node, target.inverse_parameters, note=note)


def clamp_note(target: TargetEncoder, output: float) -> str:
    """Say that the answer of a mean output was drawn in by the clamp; nothing where it wasn't."""
    (bound,) = target.clamped_at([output])
    if np.isnan(bound):
        return ""
    (back,) = target.undo([output])
    which, side = ("highest", "above") if back > bound else ("lowest", "below")
    digits = 6 if f"{back:.6g}" != f"{bound:.6g}" else 17
    return (
        f"clamped: {back:.{digits}g} lies {side} the {which} number of the training rows, {bound:.{digits}g}"
    )


def probability(writer: Writer, place: Address) -> Line:
    """Return the probability of a class: the output itself, or its share in the sum of all."""
    target, n_out, (c,) = writer.trace.target, writer.network.output.n_out, place.index
    assert target is not None
    label = target.labels[c - 1]
    words = f"probability of {target.name} = {label}"
    if n_out == 1:
        mean = writer.symbol("mean_a", None, 1, row=place.row)
        if c == 2:
            return writer.line(f"{words}: the output", place, mean)
        return writer.line(f"{words}: what the other class leaves", place, Binary("-", Number(1.0), mean))
    means = [writer.symbol("mean_a", None, j, row=place.row) for j in range(1, n_out + 1)]
    assert writer.step.mean_output is not None
    numbers = writer.step.mean_output[writer.row_index(place)]
    total = writer.total(lambda i: means[i], numbers, "outputs")
    total.node = Binary("/", means[c - 1], total.node)
    return writer.line(f"{words}: the mean output, divided by the sum over all classes", place, total)


UNITS: Mapping[str, Rule] = {
    "mean_a": mean_output_line,
    "prediction": line_in_units,
    "answer": answer_line,
    "probability": probability,
}
