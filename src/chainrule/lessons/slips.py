"""What known mistakes make of a number: a wrong answer that equals one of them is named by it.

Of a derivative the mistakes are those that `chainrule check` knows; of a sum, an activation, a loss or an update they are its
formula with one thing left out or turned around.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from chainrule._types import FloatArray
from chainrule.errors import ChainruleError
from chainrule.explain.check.batch import Batch
from chainrule.explain.check.mistakes import candidates
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.trace import Trace
from chainrule.lessons.setup import Setup

SAME = 1e-9
"""Numbers nearer to each other than this share are one."""

MOST_PARAMETERS = 2000
"""The largest network whose mistakes are made on purpose."""


class Slip(NamedTuple):
    """What a mistake gives, and the mistake in words."""

    value: float
    words: str


def slips_of(setup: Setup, rows: Sequence[int] | None, name: str, truth: float) -> tuple[Slip, ...]:
    """Return what known mistakes make of a number of a lesson's network, without those that change nothing."""
    try:
        trace = setup.trace(rows)
        place = trace.resolve(Address.parse(name))
    except ChainruleError:
        return (Slip(-truth, "the sign is the other one"),) if truth else ()
    return slips_at(trace, place, truth)


def slips_at(trace: Trace, place: Address, truth: float) -> tuple[Slip, ...]:
    """Return what known mistakes make of the number at an address of a trace, of one step."""
    kept: list[Slip] = []
    with np.errstate(all="ignore"):
        for value, words in _all(trace, place, truth):
            value = float(value)
            if np.isfinite(value) and not any(
                _close(value, other) for other in (truth, *(s.value for s in kept))
            ):
                kept.append(Slip(value, words))
    return tuple(kept)


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= SAME * max(abs(a), abs(b), 1e-300)


def _all(trace: Trace, place: Address, truth: float) -> Iterator[tuple[float, str]]:
    name = place.quantity.name
    if name.startswith("dC/d") and not place.quantity.per_row and place.layer:
        yield from _of_gradient(trace, place)
    elif name.endswith("_new") and place.layer:
        yield from _of_update(trace, place, truth)
    elif name in ("z", "a"):
        yield from _of_forward(trace, place, name)
    elif name in ("C", "loss"):
        yield from _of_loss(trace, place, truth)
    elif name in ("delta", "f'"):
        yield from _of_slope(trace, place, name)
    yield -truth, "the sign is the other one"


def _flat_place(trace: Trace, place: Address, letter: str) -> int:
    """Return the place of the parameter that an address is about, among the flat ones."""
    layout = _batch(trace).layout
    wanted = str(Address(letter, place.layer, place.index))
    return next(i for i in range(layout.size) if layout.address(i) == wanted)


def _batch(trace: Trace) -> Batch:
    step = trace.steps[0]
    assert step.y is not None
    return Batch(trace.network, step.parameters, step.record.x, step.y, None, tuple(step.rows))


def _gradients(trace: Trace, at: int) -> Iterator[tuple[float, str]]:
    """Yield what the mistakes that the check knows make of one derivative."""
    batch = _batch(trace)
    if batch.layout.size > MOST_PARAMETERS:
        return
    right: FloatArray = batch.gradient
    for candidate in candidates(batch, right):
        yield float(candidate.gradient[at]), candidate.sentence


def _of_gradient(trace: Trace, place: Address) -> Iterator[tuple[float, str]]:
    letter = place.quantity.name.removeprefix("dC/d")
    yield from _gradients(trace, _flat_place(trace, place, letter))


def _of_update(trace: Trace, place: Address, truth: float) -> Iterator[tuple[float, str]]:
    letter = place.quantity.name.removesuffix("_new")
    at, step = _flat_place(trace, place, letter), trace.steps[0]
    old = float(step.parameters[at])
    change, eta = truth - old, float("nan") if step.update is None else step.update.eta
    yield old - change, "the step goes uphill: it is taken against the derivative, as descent subtracts it"
    if step.gradients is not None:
        slope = float(_batch(trace).gradient[at])
        yield old - slope, "the learning rate is left out: the derivative is taken times eta"
        yield slope, "this is the derivative; the new value is the old one minus eta times it"
        yield eta * slope, "this is the step alone; it is taken off the old value"
        if abs(change + eta * slope) <= 1e-12 * max(1.0, abs(old)):
            for value, words in _gradients(trace, at):
                yield old - eta * value, words
    yield change, "this is the change alone; it is added to the old value"
    yield old, "this is the old value: nothing was taken off it"


def _of_forward(trace: Trace, place: Address, name: str) -> Iterator[tuple[float, str]]:
    step, number, row = trace.steps[0], place.layer, _row(trace, place)
    assert number is not None
    layer, j = trace.network.layers[number - 1], place.index[0] - 1
    record, entering = step.record.layers[number - 1], step.record.entering(number)[row]
    p = _batch(trace).layout.unflatten(step.parameters)[number] if step.y is not None else {}
    z, a = float(record.z[row, j]), float(record.a[row, j])
    sums: list[tuple[float, str]] = []
    if "b" in p:
        b = float(np.ravel(p["b"])[j if np.size(p["b"]) > 1 else 0])
        sums += [
            (z - b, "the bias is left out of the sum"),
            (z - 2 * b, "the bias is taken off where it is added"),
        ]
    if "W" in p and np.ndim(p["W"]) == 2:
        w = np.asarray(p["W"])
        rest = z - float(entering @ w[:, j])
        if w.shape[0] == w.shape[1]:
            which = (
                "the weights are those that leave each input, where those that lead to this neuron are meant"
            )
            sums.append((float(entering @ w[j]) + rest, which))
        sums.append((float(entering.sum()) + rest, "the inputs are added without their weights"))
        sums.append((float(w[:, j].sum()) + rest, "the weights are added without what they are times"))
    if name == "z":
        yield from sums
        yield a, "this is what comes out of the activation; asked is the sum that goes into it"
        return
    yield z, "the activation is left out: this is the weighted sum"
    if layer.activation.elementwise:
        for value, words in sums:
            yield float(layer.activation(np.array([value]), np)[0]), words
        if number > 1:
            yield from _without_activation(trace, number, row, j)


def _without_activation(trace: Trace, number: int, row: int, j: int) -> Iterator[tuple[float, str]]:
    """Yield an activation where the layer before passes on its sums."""
    step, layer = trace.steps[0], trace.network.layers[number - 1]
    if step.y is None or not hasattr(layer, "forward"):
        return
    p = _batch(trace).layout.unflatten(step.parameters)[number]
    before = step.record.layers[number - 2].z
    made = layer.forward(p, before, None, np)
    yield float(made.a[row, j]), "the layer before passes on its activations, not its sums"


def _of_loss(trace: Trace, place: Address, truth: float) -> Iterator[tuple[float, str]]:
    step = trace.steps[0]
    yield 2 * truth, "the 1/2 of the square is left out"
    yield truth / 2, "it is halved once too often"
    if place.quantity.name == "C" and len(step.rows) > 1:
        n = len(step.rows)
        mean = trace.network.reduction == "mean"
        yield (truth * n, "the rows' losses are added where their mean is meant") if mean else (
            truth / n, "the mean of the rows' losses is taken where their sum is meant"
        )  # fmt: skip
    if step.y is None:
        return
    off = step.record.a - step.y
    row = _row(trace, place)
    yield float(np.abs(off[row]).sum()), "the differences are added without being squared"
    outputs = trace.network.output.n_out
    if outputs > 1:
        half = 0.5 if abs(0.5 * float((off[row] ** 2).sum()) - truth) <= 1e-9 * max(1.0, truth) else 1.0
        for j in range(outputs):
            yield half * float(off[row, j] ** 2), f"only output {j + 1} is counted, and there are {outputs}"
        yield truth / outputs, "the outputs' losses are averaged where they are added"
        yield truth * outputs, "the outputs' losses are added where they are averaged"


def _of_slope(trace: Trace, place: Address, name: str) -> Iterator[tuple[float, str]]:
    step, number, row = trace.steps[0], place.layer, _row(trace, place)
    assert number is not None
    layer, j = trace.network.layers[number - 1], place.index[0] - 1
    record = step.record.layers[number - 1]
    if not layer.activation.elementwise:
        return
    z, a = record.z[row, j], record.a[row, j]
    slope, wrong = (float(layer.activation.prime(np.array([v]), np)[0]) for v in (z, a))
    if name == "f'":
        yield wrong, "the slope is taken at the activation, where it should be taken at the weighted sum"
        yield float(a), "this is the activation; asked is its slope"
        return
    if step.gradients is not None and slope:
        delta = float(step.gradients.layers[number - 1].delta[row, j])
        yield delta / slope, f"f'(z) is left out of delta[{number}]"
        yield delta / slope * wrong, "f' is taken at a where it should be taken at z"


def _row(trace: Trace, place: Address) -> int:
    rows = list(trace.steps[0].rows)
    return 0 if place.row is None else rows.index(place.row)
