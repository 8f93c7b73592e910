"""The forward pass, place by place: the cell, the terms of a weighted sum, the activation on its curve, the answer, the loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from chainrule._numbers import number_text
from chainrule.explain.derive.walk import answer_place
from chainrule.explain.show.layers import activation_chart
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.trace import Trace
from chainrule.plots.svg.draw import to_svg
from chainrule.studio.protocol.nested import nested
from chainrule.studio.shown.embedding import embedding_nodes
from chainrule.studio.stages.base import Sight, StageTerm, stage

CURVE_WIDTH = 300.0
"""The width of an activation's curve, in pixels."""


def _cell(sight: Sight) -> dict[str, Any]:
    i, course = sight.place.neuron, sight.look.course
    address, said = sight.at("x", None, i), "The cell becomes a number."
    values = course.cells(course.places[sight.look.row])
    if values is not None:
        cell = "no value" if values[i - 1].cell is None else repr(values[i - 1].cell)
        said = f"Column {values[i - 1].column!r} has {cell}; it becomes the input {values[i - 1].input!r}."
    return stage(sight, address, f"The cell becomes {sight.name(address)}", said=said, flow="forward")


def _of_stage(sight: Sight) -> dict[str, Any]:
    address = sight.at("a", 0, sight.place.neuron)
    said = "The feature stage makes a number of the inputs, by parameters of its own."
    picture = embedding_nodes(sight.look, replace(address, row=None))
    return stage(
        sight, address, f"The feature stage: {sight.name(address)}", said=said, whole=True, flow="forward",
        curve={"nodes": picture} if picture else None,
    )  # fmt: skip


def terms_of_z(sight: Sight, layer: int, j: int) -> list[StageTerm]:
    """Return the terms of a weighted sum, in the order of the walk: products, then what is added."""
    look, own = sight.look, sight.look.course.network.layers[layer - 1]
    p = look.course.layout.unflatten(look.step.parameters)[layer]
    h = look.step.record.entering(layer)[look.index]
    scale = own.scale(len(h))
    scaled = () if own.parametrization == "standard" else ((f"scale[{layer}]", float(scale)),)
    made = []
    for term in own.terms(p):
        array = p[term.name]
        if term.enters == "x":
            for i, x in enumerate(look.step.record.x[look.index], 1):
                s = (f"{term.name}[{layer}][{i},{j}]", float(array[i - 1, j - 1]))
                made.append(StageTerm(s[0], (s, (str(Address("x", None, (i,))), float(x)))))
        elif term.enters == "i":
            for i in range(1, len(array) + 1):
                w = (f"{term.name}[{layer}][{i},{j}]", float(array[i - 1, j - 1]))
                made.append(
                    StageTerm(w[0], (w, (str(entering_of(sight, layer, i)), float(h[i - 1])), *scaled))
                )
        elif term.enters:
            w = (f"{term.name}[{layer}][{j}]", float(array[j - 1]))
            made.append(StageTerm(w[0], (w, (str(entering_of(sight, layer, j)), float(h[j - 1])))))
        else:
            at = j if len(array) > 1 else 1
            b = (f"{term.name}[{layer}][{at}]", float(array[at - 1]))
            made.append(StageTerm(b[0], (b,)))
    return made


def entering_of(sight: Sight, layer: int, i: int) -> Address:
    """Return the address of what enters a layer from neuron i."""
    network, step = sight.look.course.network, sight.look.step
    if layer == 1:
        return Address("x", None, (i,)) if network.features is None else Address("a", 0, (i,))
    return Address("h" if step.record.layers[layer - 2].mask is not None else "a", layer - 1, (i,))


def _sum(sight: Sight) -> dict[str, Any]:
    layer, j, term = sight.place.layer, sight.place.neuron, sight.place.term
    terms, address = terms_of_z(sight, layer, j), sight.at("z", layer, j)
    if term:
        title = f"Term {term} of {len(terms)} of {sight.name(address)}"
        own = terms[term - 1]
        said = "What enters, times its weight, flows into the sum."
        if len(own.factors) == 1:
            said = "The bias is added, whatever enters."
        lit = [own.address]
        return stage(
            sight, address, title, said=said, terms=terms, done=term, line=False, lit=lit, flow="forward"
        )
    title = f"The weighted sum {sight.name(address)}"
    total = sight.trace.number(sight.trace.resolve(address))
    said = "The terms add up to the neuron's weighted sum."
    return stage(sight, address, title, said=said, terms=terms, done=len(terms), total=total, flow="forward")


def _activation(sight: Sight) -> dict[str, Any]:
    layer, j = sight.place.layer, sight.place.neuron
    record = sight.look.course.network.layers[layer - 1].activation
    address, of, curve = sight.at("a", layer, j), sight.at("z", layer, j), None
    said = f"The sum goes through {record.spec}, and that is what the neuron says."
    if record.elementwise:
        curve = curve_at(sight, layer, j)
    else:
        said = f"{record.spec.capitalize()} shares 1 out among the outputs: the larger the sum, the larger the share."
    terms = terms_of_z(sight, layer, j)
    total = sight.trace.number(sight.trace.resolve(of))
    return stage(
        sight, address, f"The activation {sight.name(address)}", said=said, terms=terms, done=len(terms), total=total,
        of=of, curve=curve, lit=[f"z[{layer}][{j}]"], flow="forward",
    )  # fmt: skip


def curve_at(sight: Sight, layer: int, j: int) -> dict[str, Any] | None:
    """Return the activation's curve with the tangent at the neuron's z."""
    record = sight.look.course.network.layers[layer - 1].activation
    z = float(sight.look.step.record.layers[layer - 1].z[sight.look.index, j - 1])
    if not math.isfinite(z):
        return None
    chart, _ = activation_chart(record, at=z, address=f"a[{layer}][{j}]", title=record.spec)
    return {"nodes": nested(to_svg(chart, CURVE_WIDTH))}


def _passed(sight: Sight) -> dict[str, Any]:
    address = sight.at("h", sight.place.layer, sight.place.neuron)
    said = "Dropout leaves the neuron out of this step, or passes it on, scaled up."
    return stage(sight, address, f"Dropout: {sight.name(address)}", said=said, flow="forward")


def _outputs(sight: Sight) -> list[str]:
    """Return the addresses of the outputs."""
    last = sight.look.course.network.layers
    return [f"a[{len(last)}][{j}]" for j in range(1, last[-1].n_out + 1)]


def _answer(sight: Sight) -> dict[str, Any]:
    look = sight.look
    address = answer_place(sight.trace, look.row if len(look.step.rows) > 1 else None)
    said = "The outputs are read as the answer, in the target's own words and units."
    if look.together is not None:
        return _mean_answer(sight, look.together)
    return stage(sight, address, "The answer", said=said, whole=True, lit=_outputs(sight), flow="forward")


def _mean_answer(sight: Sight, together: Trace) -> dict[str, Any]:
    """Return the last stage of several members: what each says of the row, their mean, and the answer that is read off it."""
    look, course = sight.look, sight.look.course
    members, outputs = together.steps[0].members, course.outputs
    assert members is not None
    assert course.reads is not None
    head: list[Any] = [["th", {"scope": "col"}, name] for name in ("", *outputs)]
    rows: list[Any] = []
    for number, own in enumerate([*members[:, 0], members[:, 0].mean(axis=0)], 1):
        words = (
            "mean"
            if number > len(members)
            else f"member {number}" + (", shown" if number == look.member + 1 else "")
        )
        cells = [["td", {"data-value": repr(float(value))}, number_text(float(value))] for value in own]
        rows.append(["tr", {}, ["th", {"scope": "row"}, words], *cells])
    table = [
        "table",
        {"class": "before-after members"},
        ["thead", {}, ["tr", {}, *head]],
        ["tbody", {}, *rows],
    ]
    dropped = any(layer.dropout for layer in course.network.layers)
    without = ", without dropout, which is for training only" if dropped else ""
    said = f"Each of the {len(members)} members answers the row{without}; "
    said += "the mean of their outputs is read as the answer of all."
    made = stage(
        sight, answer_place(together), "The mean of the members", said=said, whole=True, lit=_outputs(sight), flow="forward",
        trace=together,
    )  # fmt: skip
    return {**made, "nodes": [table, *made["nodes"]]}


def _loss(sight: Sight) -> dict[str, Any]:
    cost = sight.look.course.network.loss
    said = f"How far the answer is off, in one number: {cost.spec.replace('_', ' ')}, {cost.over_outputs} over the outputs."
    if sight.look.course.network.output.n_out == 1:
        said = f"How far the answer is off, in one number: {cost.spec.replace('_', ' ')}."
    return stage(sight, sight.at("loss"), "The loss of the row", said=said, lit=_outputs(sight))


FORWARD: Mapping[tuple[str, str], Callable[[Sight], dict[str, Any]]] = {
    ("cell", "x"): _cell,
    ("forward", "term"): _sum,
    ("forward", "z"): _sum,
    ("forward", "a"): lambda sight: _activation(sight) if sight.place.layer else _of_stage(sight),
    ("forward", "h"): _passed,
    ("answer", "answer"): _answer,
    ("loss", "loss"): _loss,
}
"""What each kind of place of the forward pass shows, by its pass and step."""
