"""The backward pass, place by place: the slope of the loss, paths back that add up, deltas, each derivative by a parameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chainrule.explain.trace.address import Address
from chainrule.studio.shown.told import gradient_told
from chainrule.studio.stages.base import Sight, StageTerm, stage
from chainrule.studio.stages.forward import curve_at, entering_of


def terms_of_dh(sight: Sight, layer: int, j: int) -> list[StageTerm]:
    """Return the terms of dC/dh[layer][j]: back through every neuron of the next layer that it enters."""
    look, network = sight.look, sight.look.course.network
    step, own = look.step, network.layers[layer]
    p = look.course.layout.unflatten(step.parameters)[layer + 1]
    assert step.gradients is not None
    delta = step.gradients.layers[layer].delta[look.index]
    product, scale = own.product, own.scale(network.sizes[layer])
    scaled = () if own.parametrization == "standard" else ((f"scale[{layer + 1}]", float(scale)),)
    made = []
    for k in range(1, own.n_out + 1) if product.enters == "i" else [j]:
        index = (j, k) if product.counts == "ij" else (k,)
        name = str(Address(product.name, layer + 1, index))
        w = (name, float(p[product.name][tuple(i - 1 for i in index)]))
        d = (f"delta[{layer + 1}][{k}]", float(delta[k - 1]))
        made.append(StageTerm(name, (w, d, *scaled)))
    return made


def _back(sight: Sight) -> dict[str, Any]:
    layer, j, term = sight.place.layer, sight.place.neuron, sight.place.term
    terms, address = terms_of_dh(sight, layer, j), sight.at("dC/dh", layer, j)
    lit = [f"a[{layer}][{j}]"]
    if term:
        own = terms[term - 1].address
        title = f"Path {term} of {len(terms)} back to {sight.name(Address('a', layer, (j,)))}"
        said = "Back along the weight: it, times the derivative at its far end."
        lit.insert(0, own)
        return stage(
            sight, address, title, said=said, terms=terms, done=term, line=False, lit=lit, flow="backward"
        )
    total = sight.trace.number(sight.trace.resolve(address))
    title = f"All paths add up: {sight.name(address)}"
    said = "The neuron acts on the cost through every neuron that it enters; their parts add up."
    return stage(
        sight, address, title, said=said, terms=terms, done=len(terms), total=total, lit=lit, flow="backward"
    )


def _by_output(sight: Sight) -> dict[str, Any]:
    layer, j = sight.place.layer, sight.place.neuron
    address, lit = sight.at("dC/da", layer, j), [f"a[{layer}][{j}]"]
    if layer < len(sight.look.course.network.layers):
        title, said = (
            f"Back through dropout: {sight.name(address)}",
            "What was left out has no part in the cost.",
        )
    else:
        title, said = (
            f"The slope of the loss: {sight.name(address)}",
            "How the cost changes with this output.",
        )
    return stage(sight, address, title, said=said, lit=lit, flow="backward")


def _slope(sight: Sight) -> dict[str, Any]:
    layer, j = sight.place.layer, sight.place.neuron
    address = sight.at("f'", layer, j)
    title = f"The slope of the activation at {sight.name(Address('z', layer, (j,)))}"
    said, lit = (
        "How steep the curve is where the neuron stands: the tangent.",
        [f"z[{layer}][{j}]", f"a[{layer}][{j}]"],
    )
    return stage(sight, address, title, said=said, curve=curve_at(sight, layer, j), lit=lit, flow="backward")


def _delta(sight: Sight) -> dict[str, Any]:
    layer, j = sight.place.layer, sight.place.neuron
    address, lit = sight.at("delta", layer, j), [f"z[{layer}][{j}]", f"a[{layer}][{j}]"]
    title = f"The derivative by the weighted sum: {sight.name(address)}"
    if layer == len(sight.look.course.network.layers):
        said = (
            "The slope of the loss, times that of the activation: how the cost changes with the weighted sum."
        )
        return stage(sight, address, title, said=said, whole=True, lit=lit, flow="backward")
    terms, of = terms_of_dh(sight, layer, j), sight.at("dC/dh", layer, j)
    total = sight.trace.number(sight.trace.resolve(of))
    said = "What came back, times the slope: how the cost changes with the weighted sum."
    return stage(
        sight, address, title, said=said, terms=terms, done=len(terms), total=total, of=of, whole=True, lit=lit,
        flow="backward",
    )  # fmt: skip


def parameter_at(sight: Sight) -> Address:
    """Return the address of the parameter that a place is about."""
    place, name = sight.place, sight.place.what.removeprefix("dC/d")
    slot = sight.look.course.layout.slot(place.layer, name)
    index = (place.term, place.neuron) if len(slot.shape) == 2 else (place.neuron,)
    return Address(name, place.layer, index)


def _gradient(sight: Sight) -> dict[str, Any]:
    about = parameter_at(sight)
    address = sight.part(f"dC/d{about.name}", about.number, *about.index)
    title = f"The row's part in {sight.name(Address(address.name, about.layer, about.index))}"
    factors = row_factors(sight, about)
    terms = () if factors is None else [StageTerm(str(about), factors)]
    total = sight.trace.number(sight.trace.resolve(address))
    said = "The derivative at the neuron, times what entered it through the weight."
    if about.name == "b":
        said = "The bias is a weight on 1, so its derivative is the neuron's."
    said = " ".join(
        [said, *gradient_told(sight.look, sight.trace, address, sight.naming, tells_update=False)]
    )
    return stage(
        sight, address, title, said=said, terms=terms, done=1, total=total, whole=True, difference=True, lit=[str(about)],
        flow="backward",
    )  # fmt: skip


def row_factors(sight: Sight, about: Address) -> tuple[tuple[str, float], ...] | None:
    """Return the factors of the row's part in a derivative by a parameter; None where it is no one product."""
    look, layer = sight.look, sight.look.course.network.layers[about.number - 1]
    slot = look.course.layout.slot(about.number, about.name)
    term = layer.term(about.name)
    step = look.step
    shares = len(slot.shape) == 1 and slot.shape != (layer.n_out,)
    if step.gradients is None or term.enters is None or shares:
        return None
    j = about.index[-1]
    delta = step.gradients.layers[about.number - 1].delta[look.index]
    made = [(f"delta[{about.number}][{j}]", float(delta[j - 1]))]
    if term.enters == "x":
        i = about.index[0]
        made.append((str(Address("x", None, (i,))), float(step.record.x[look.index, i - 1])))
    elif term.enters:
        i = about.index[0]
        h = step.record.entering(about.number)[look.index]
        made.append((str(entering_of(sight, about.number, i)), float(h[i - 1])))
        if layer.parametrization != "standard":
            made.append((f"scale[{about.number}]", float(layer.scale(len(h)))))
    return tuple(made)


def _stage_back(sight: Sight) -> dict[str, Any]:
    step = sight.look.step
    address = sight.at("dC/da", 0, 1)
    assert step.gradients is not None
    return stage(
        sight,
        address,
        "Back through the feature stage",
        said="What came back to the stage's numbers reaches its own parameters.",
        whole=True,
        flow="backward",
    )


BACKWARD: Mapping[tuple[str, str], Callable[[Sight], dict[str, Any]]] = {
    ("backward", "term"): _back,
    ("backward", "dC/dh"): _back,
    ("backward", "dC/da"): _by_output,
    ("backward", "f'"): _slope,
    ("backward", "delta"): _delta,
    ("backward", "gradient"): _gradient,
    ("backward", "stage"): _stage_back,
}
"""What each kind of place of the backward pass shows, by its pass and step."""
