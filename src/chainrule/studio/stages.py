"""What a place shows: the terms that flow into a sum, the line that is worked out there, the addresses that it is about.

All of it is read from the trace. The terms shown so far add up to the sum shown so far.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._numbers import number_text
from chainrule._types import FloatArray
from chainrule.explain.derive.lines import Derivation
from chainrule.explain.derive.walk import answer_place
from chainrule.explain.notation.naming import Naming
from chainrule.explain.show.layers import activation_chart
from chainrule.explain.show.showing import Showing
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.trace import Trace
from chainrule.plots.svg.draw import to_svg
from chainrule.studio.checks import differences_of
from chainrule.studio.looking import Look
from chainrule.studio.nested import nested
from chainrule.studio.numbers import derived, shown
from chainrule.studio.walk import Place

MOST_TERMS = 40
"""The most terms of a sum that are listed; of a longer one those around the term that is worked out."""

CURVE_WIDTH = 300.0


@dataclass(frozen=True)
class Term:
    """A term of a sum: the address it is called by, its factors with their numbers, and their product."""

    address: str
    factors: tuple[tuple[str, float], ...]

    @property
    def product(self) -> float:
        """The product of the factors."""
        return math.prod(value for _, value in self.factors)


@dataclass(frozen=True)
class Sight:
    """What a stage is made from: the look, the place, and whose names the numbers have."""

    look: Look
    place: Place
    naming: Naming | None

    @property
    def trace(self) -> Trace:
        """The picked row's trace."""
        return self.look.picked

    def at(self, name: str, layer: int | None = None, *index: int) -> Address:
        """Return an address of the picked row, or of the batch where it is no row's."""
        place = Address(name, layer, index)
        several = len(self.look.step.rows) > 1 and place.quantity.per_row
        return replace(place, row=self.look.row) if several else place

    def part(self, name: str, layer: int, *index: int) -> Address:
        """Return the address of the picked row's part in a derivative by a parameter."""
        several = len(self.look.step.rows) > 1
        return Address(name, layer, index, row=self.look.row if several else None)

    def name(self, place: Address | str) -> str:
        """Return an address as words show it."""
        text = str(replace(place, row=None) if isinstance(place, Address) else place)
        return text if self.naming is None else Showing(naming=self.naming).name(text)


def stage_of(look: Look, place: Place, naming: Naming | None = None) -> dict[str, Any] | None:
    """Return what a place shows as plain data; None at rest."""
    sight = Sight(look, place, naming)
    made = STAGES.get((place.phase, place.step)) or STAGES.get((place.phase, ""))
    return None if made is None else made(sight)


def _stage(
    sight: Sight,
    address: Address,
    title: str,
    *,
    said: str = "",
    terms: Sequence[Term] = (),
    done: int = 0,
    total: float | None = None,
    trace: Trace | None = None,
    line: bool = True,
    whole: bool = False,
    difference: bool = False,
    curve: Any = None,
    more: Sequence[Any] = (),
    lit: Sequence[str] = (),
    flow: str | None = None,
) -> dict[str, Any]:
    """Return a stage: the ``terms``, ``done`` of which are worked out, into a ``total`` where it is known, and a line.

    The line is the last of the address's derivation; the ``whole`` one has those that lead to it, and its factors.
    """
    trace = sight.trace if trace is None else trace
    nodes: list[Any] = []
    ok: bool | None = None
    names: list[str] = []
    if line:
        made = derived(sight.look, trace, address)
        if not whole:
            made = Derivation(made.address, made.title, made.lines[-1:])
        check = differences_of(trace, trace.resolve(address)) if difference else None
        nodes, ok = shown(made, trace, sight.naming, difference=check)
        names = [name for own in made.lines for name in own.values if "[" in name]
    told = _terms(terms, done, address, total)
    lit_all = [str(address.plain), *lit, *(name for term in told["terms"] for name, _ in term["factors"]), *names]
    plain = dict.fromkeys(name.partition("@")[0] for name in lit_all)
    return {
        "title": title,
        "said": said,
        "lit": list(plain)[:200],
        **told,
        "nodes": [*nodes, *more],
        "ok": ok,
        "curve": curve,
        "flow": flow,
    }


def _terms(terms: Sequence[Term], done: int, address: Address, total: float | None) -> dict[str, Any]:
    """Return the terms around the one that is worked out, what those before add up to, and the sum so far."""
    if not terms:
        return {"terms": [], "rest": None, "sum": None}
    begin = 0
    if len(terms) > MOST_TERMS:
        begin = min(max(0, done - MOST_TERMS // 2), len(terms) - MOST_TERMS)
    listed = terms[begin : begin + MOST_TERMS]
    products = [term.product for term in terms[:done]]
    before, after = products[:begin], products[begin + MOST_TERMS :]
    rest = None
    if before or after:
        rest = {"count": len(before) + len(after), "value": _known(math.fsum((*before, *after)))}
    return {
        "terms": [
            {
                "address": term.address,
                "factors": [[name, _known(value)] for name, value in term.factors],
                "product": _known(term.product),
                "done": begin + number < done,
            }
            for number, term in enumerate(listed)
        ],
        "rest": rest,
        "sum": {
            "address": str(address.plain),
            "so_far": _known(_added(products)),
            "value": None if total is None else _known(total),
            "done": total is not None,
        },
    }


def _added(products: Sequence[float]) -> float:
    return math.fsum(products) if all(map(math.isfinite, products)) else float(np.sum(products))


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


# ---- forward


def _cell(sight: Sight) -> dict[str, Any]:
    i = sight.place.neuron
    address = sight.at("x", None, i)
    own = sight.look.course.inputs[i - 1] if sight.look.course.inputs else ""
    return _stage(sight, address, f"The cell becomes {sight.name(address)}", said=own, flow="forward")


def _of_stage(sight: Sight) -> dict[str, Any]:
    address = sight.at("a", 0, sight.place.neuron)
    return _stage(sight, address, f"The feature stage: {sight.name(address)}", whole=True, flow="forward")


def terms_of_z(sight: Sight, layer: int, j: int) -> list[Term]:
    """Return the terms of a weighted sum, in the order of the walk: products, then what is added."""
    look, own = sight.look, sight.look.course.network.layers[layer - 1]
    p = look.course.layout.unflatten(look.step.parameters)[layer]
    h = look.step.record.entering(layer)[look.index]
    scale = own.scale(len(h))
    scaled = () if own.parametrization == "standard" else ((f"scale[{layer}]", float(scale)),)
    made = []
    for term in own.terms(p):
        array = p[term.name]
        if term.enters == "i":
            for i in range(1, len(array) + 1):
                w = (f"{term.name}[{layer}][{i},{j}]", float(array[i - 1, j - 1]))
                made.append(Term(w[0], (w, (str(_entering(sight, layer, i)), float(h[i - 1])), *scaled)))
        elif term.enters:
            w = (f"{term.name}[{layer}][{j}]", float(array[j - 1]))
            made.append(Term(w[0], (w, (str(_entering(sight, layer, j)), float(h[j - 1])))))
        else:
            at = j if len(array) > 1 else 1
            b = (f"{term.name}[{layer}][{at}]", float(array[at - 1]))
            made.append(Term(b[0], (b,)))
    return made


def _entering(sight: Sight, layer: int, i: int) -> Address:
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
        return _stage(
            sight, address, title, said=sight.name(terms[term - 1].address), terms=terms, done=term, line=False,
            lit=[terms[term - 1].address], flow="forward",
        )  # fmt: skip
    title = f"The weighted sum {sight.name(address)}"
    total = sight.trace.number(sight.trace.resolve(address))
    return _stage(sight, address, title, terms=terms, done=len(terms), total=total, flow="forward")


def _activation(sight: Sight) -> dict[str, Any]:
    layer, j = sight.place.layer, sight.place.neuron
    record = sight.look.course.network.layers[layer - 1].activation
    address, curve = sight.at("a", layer, j), None
    if record.elementwise:
        curve = _curve(sight, layer, j)
    title = f"The activation {sight.name(address)}"
    return _stage(sight, address, title, said=record.spec, curve=curve, lit=[f"z[{layer}][{j}]"], flow="forward")


def _curve(sight: Sight, layer: int, j: int) -> dict[str, Any] | None:
    """Return the activation's curve with the tangent at the neuron's z."""
    record = sight.look.course.network.layers[layer - 1].activation
    z = float(sight.look.step.record.layers[layer - 1].z[sight.look.index, j - 1])
    if not math.isfinite(z):
        return None
    chart, _ = activation_chart(record, at=z, address=f"a[{layer}][{j}]", title=record.spec)
    return {"nodes": nested(to_svg(chart, CURVE_WIDTH))}


def _passed(sight: Sight) -> dict[str, Any]:
    address = sight.at("h", sight.place.layer, sight.place.neuron)
    return _stage(sight, address, f"Dropout: {sight.name(address)}", flow="forward")


def _answer(sight: Sight) -> dict[str, Any]:
    look, trace = sight.look, sight.trace
    several = len(look.step.rows) > 1
    address = answer_place(trace, look.row if several else None)
    last = look.course.network.layers
    lit = [f"a[{len(last)}][{j}]" for j in range(1, last[-1].n_out + 1)]
    return _stage(sight, address, "The answer", said="in the target's own words", whole=True, lit=lit, flow="forward")


def _loss(sight: Sight) -> dict[str, Any]:
    address, last = sight.at("loss"), sight.look.course.network.layers
    lit = [f"a[{len(last)}][{j}]" for j in range(1, last[-1].n_out + 1)]
    said = sight.look.course.network.loss.spec
    return _stage(sight, address, "The loss of the row", said=said, lit=lit)


# ---- backward


def terms_of_dh(sight: Sight, layer: int, j: int) -> list[Term]:
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
        made.append(Term(name, (w, d, *scaled)))
    return made


def _back(sight: Sight) -> dict[str, Any]:
    layer, j, term = sight.place.layer, sight.place.neuron, sight.place.term
    terms, address = terms_of_dh(sight, layer, j), sight.at("dC/dh", layer, j)
    if term:
        title = f"Path {term} of {len(terms)} back to {sight.name(Address('a', layer, (j,)))}"
        return _stage(
            sight, address, title, terms=terms, done=term, line=False, said=sight.name(terms[term - 1].address),
            lit=[terms[term - 1].address, f"a[{layer}][{j}]"], flow="backward",
        )  # fmt: skip
    total = sight.trace.number(sight.trace.resolve(address))
    title = f"All paths add up: {sight.name(address)}"
    lit = [f"a[{layer}][{j}]"]
    return _stage(sight, address, title, terms=terms, done=len(terms), total=total, lit=lit, flow="backward")


def _by_output(sight: Sight) -> dict[str, Any]:
    layer, j = sight.place.layer, sight.place.neuron
    address = sight.at("dC/da", layer, j)
    last = layer == len(sight.look.course.network.layers)
    title = f"The slope of the loss: {sight.name(address)}" if last else f"Back through dropout: {sight.name(address)}"
    return _stage(sight, address, title, lit=[f"a[{layer}][{j}]"], flow="backward")


def _slope(sight: Sight) -> dict[str, Any]:
    layer, j = sight.place.layer, sight.place.neuron
    address = sight.at("f'", layer, j)
    title = f"The slope of the activation at {sight.name(Address('z', layer, (j,)))}"
    lit = [f"z[{layer}][{j}]", f"a[{layer}][{j}]"]
    return _stage(sight, address, title, curve=_curve(sight, layer, j), lit=lit, flow="backward")


def _delta(sight: Sight) -> dict[str, Any]:
    layer, j = sight.place.layer, sight.place.neuron
    address = sight.at("delta", layer, j)
    title = f"The derivative by the weighted sum: {sight.name(address)}"
    return _stage(sight, address, title, whole=True, lit=[f"z[{layer}][{j}]", f"a[{layer}][{j}]"], flow="backward")


def _parameter(sight: Sight) -> Address:
    """Return the address of the parameter that a place is about."""
    place, name = sight.place, sight.place.what.removeprefix("dC/d")
    slot = sight.look.course.layout.slot(place.layer, name)
    index = (place.term, place.neuron) if len(slot.shape) == 2 else (place.neuron,)
    return Address(name, place.layer, index)


def _gradient(sight: Sight) -> dict[str, Any]:
    about = _parameter(sight)
    address = sight.part(f"dC/d{about.name}", about.number, *about.index)
    title = f"The row's part in {sight.name(Address(address.name, about.layer, about.index))}"
    factors = factors_of(sight, about)
    terms = () if factors is None else [Term(str(about), factors)]
    total = sight.trace.number(sight.trace.resolve(address))
    return _stage(
        sight, address, title, terms=terms, done=1, total=total, whole=True, difference=True, lit=[str(about)],
        flow="backward",
    )  # fmt: skip


def factors_of(sight: Sight, about: Address) -> tuple[tuple[str, float], ...] | None:
    """Return the factors of the row's part in a derivative by a parameter; None where it is no one product."""
    look, layer = sight.look, sight.look.course.network.layers[about.number - 1]
    slot = look.course.layout.slot(about.number, about.name)
    term = layer.term(about.name)
    step = look.step
    if step.gradients is None or term.enters is None or slot.shape != ((layer.n_out,) if len(slot.shape) == 1 else slot.shape):
        return None
    j = about.index[-1]
    delta = step.gradients.layers[about.number - 1].delta[look.index]
    made = [(f"delta[{about.number}][{j}]", float(delta[j - 1]))]
    if term.enters:
        i = about.index[0]
        h = step.record.entering(about.number)[look.index]
        made.append((str(_entering(sight, about.number, i)), float(h[i - 1])))
        if layer.parametrization != "standard":
            made.append((f"scale[{about.number}]", float(layer.scale(len(h)))))
    return tuple(made)


def _stage_back(sight: Sight) -> dict[str, Any]:
    step = sight.look.step
    address = sight.at("dC/da", 0, 1)
    assert step.gradients is not None
    return _stage(sight, address, "Back through the feature stage", whole=True, flow="backward")


# ---- update


def _batch_sum(sight: Sight) -> dict[str, Any]:
    look, about = sight.look, _parameter(sight)
    trace = look.batch or look.picked
    step, name = trace.steps[0], f"dC/d{about.name}"
    address = Address(name, about.layer, about.index)
    terms = []
    if len(step.rows) > 1:
        parts = _parts_of_rows(trace, about)
        terms = [
            Term(f"{address}@row={row}", ((f"{address}@row={row}", float(part)),))
            for row, part in zip(step.rows, parts, strict=True)
        ]
    total = trace.number(trace.resolve(address))
    n = len(step.rows)
    title = f"{n} rows add up: {sight.name(address)}" if n > 1 else f"The batch is one row: {sight.name(address)}"
    return _stage(
        sight, address, title, terms=terms, done=len(terms), total=total, trace=trace, difference=True, lit=[str(about)]
    )


def _parts_of_rows(trace: Trace, about: Address) -> FloatArray:
    """Return the part (n,) of each row in a derivative by a parameter."""
    step, layer = trace.steps[0], trace.network.layers[about.number - 1]
    assert step.gradients is not None
    back = step.gradients.layers[about.number - 1]
    term, slot = layer.term(about.name), trace.layout.slot(about.number, about.name)
    j = about.index[-1]
    if term.enters:
        h = step.record.entering(about.number)
        return np.asarray(back.delta[:, j - 1] * h[:, about.index[0] - 1] * layer.scale(h.shape[1]))
    if term.enters is None:
        mixed = step.record.layers[about.number - 1].mixed
        assert mixed is not None
        return np.asarray(back.da[:, j - 1] * mixed[:, j - 1])
    return np.asarray(back.delta[:, j - 1] if slot.shape == (layer.n_out,) else back.delta.sum(axis=1))


def _updated(sight: Sight) -> dict[str, Any]:
    look, about = sight.look, _parameter(sight)
    trace = look.batch or look.picked
    address = replace(about, name=f"{about.name}_new")
    update = trace.steps[0].update
    assert update is not None
    title = f"The update: {sight.name(about)} becomes {sight.name(address)}"
    return _stage(
        sight, address, title, said=update.settings.optimizer.spec, trace=trace, whole=True, lit=[str(about)],
        more=[_before_after(sight, trace, about)],
    )  # fmt: skip


def _before_after(sight: Sight, trace: Trace, about: Address) -> list[Any]:
    """Return the table before | change | after of a parameter and of the optimizer's memory of it."""
    update = trace.steps[0].update
    assert update is not None
    names = [(str(about), str(replace(about, name=f"{about.name}_new")))]
    for name in update.before.arrays:
        names.append((f"{name}/d{about}", f"{name}_new/d{about}"))

    def cell(address: str, value: float) -> list[Any]:
        return ["td", {"data-address": address, "data-value": repr(value)}, number_text(value)]

    rows = []
    for before, after in names:
        old, new = trace[before], trace[after]
        change = ["td", {"data-value": repr(new - old)}, number_text(new - old)]
        rows.append(["tr", {}, ["th", {"scope": "row"}, sight.name(before)], cell(before, old), change, cell(after, new)])
    head = [["th", {"scope": "col"}, word] for word in ("", "before", "change", "after")]
    return ["table", {"class": "before-after"}, ["thead", {}, ["tr", {}, *head]], ["tbody", {}, *rows]]


def _stage_updated(sight: Sight) -> dict[str, Any]:
    trace = sight.look.batch or sight.look.picked
    slot = next(slot for slot in trace.layout.slots if slot.layer == 0)
    address = Address(f"{slot.name}_new", 0, (1,) * len(slot.shape))
    return _stage(sight, address, "The update of the feature stage, its first number", trace=trace, whole=True)


def _cost_after(sight: Sight) -> dict[str, Any]:
    trace = sight.look.batch or sight.look.picked
    return _stage(sight, Address("C_new"), "The cost after the update", trace=trace, whole=True)


STAGES: Mapping[tuple[str, str], Callable[[Sight], dict[str, Any]]] = {
    ("cell", ""): _cell,
    ("forward", "term"): _sum,
    ("forward", "z"): _sum,
    ("forward", "a"): lambda sight: _activation(sight) if sight.place.layer else _of_stage(sight),
    ("forward", "h"): _passed,
    ("answer", ""): _answer,
    ("loss", ""): _loss,
    ("backward", "term"): _back,
    ("backward", "dC/dh"): _back,
    ("backward", "dC/da"): _by_output,
    ("backward", "f'"): _slope,
    ("backward", "delta"): _delta,
    ("backward", "gradient"): _gradient,
    ("backward", "stage"): _stage_back,
    ("update", "sum"): _batch_sum,
    ("update", "new"): _updated,
    ("update", "stage"): _stage_updated,
    ("update", "C_new"): _cost_after,
}
"""What each kind of place shows, by its pass and step."""
