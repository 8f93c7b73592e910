"""Which known mistake a wrong gradient looks like: each is made on purpose, and the results are compared.

Every candidate runs the network's own backward with one thing changed (other weights to go back through, an activation
with another derivative) or changes its result (a sign, a factor), so that a mistake is described, not written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from chainrule._types import Array, FloatArray, Namespace
from chainrule.equations.activations import Activation
from chainrule.equations.network import Network, Parameters
from chainrule.explain.check.batch import Batch
from chainrule.explain.check.result import Mistake

EXPLAINED = 1 - 1e-6
"""The share of the deviation a mistake must account for to be named."""

HINT = 0.5
"""The share from which the nearest mistake is mentioned where none is named."""


class Candidate(NamedTuple):
    """A mistake in words and the gradient it gives, (p,)."""

    name: str
    sentence: str
    gradient: FloatArray


def name_mistakes(batch: Batch, wrong: FloatArray) -> tuple[Mistake, ...]:
    """Return the mistakes that a wrong gradient (p,) looks like; the nearest one, if any is near, where none fits.

    Several can fit: with one row, for instance, the sum and the mean are the same.
    """
    right = batch.layout.flatten(batch.gradients.parameters)
    deviation = float(np.linalg.norm(wrong - right))
    if not 0 < deviation < np.inf:
        return ()
    found = []
    for candidate in candidates(batch, wrong):
        rest = float(np.linalg.norm(wrong - candidate.gradient))
        if np.isfinite(rest):
            found.append(Mistake(candidate.name, candidate.sentence, max(0.0, 1 - rest / deviation)))
    fitting = [mistake for mistake in found if mistake.explains >= EXPLAINED]
    if fitting:
        # A factor fits wherever a sign or 1/n does; it is named where nothing more particular is.
        particular = [mistake for mistake in fitting if mistake.name != "factor"]
        return tuple(particular or fitting)
    nearest = max(found, key=lambda mistake: mistake.explains, default=None)
    return (nearest,) if nearest is not None and nearest.explains >= HINT else ()


def candidates(batch: Batch, wrong: FloatArray) -> Iterator[Candidate]:
    """Return the gradients that known mistakes give for a batch, the more particular first."""
    right = batch.layout.flatten(batch.gradients.parameters)
    yield from _signs(batch, right)
    yield from _activations(batch)
    yield from _matrices(batch, right)
    yield from _updated(batch, right, wrong)
    yield from _means(batch, right)
    yield from _biases(batch, right)
    yield from _rows(batch)
    factor = float(wrong @ right) / float(right @ right) if right.any() else 0.0
    yield Candidate("factor", f"the gradient is {factor:.6g} times what it should be", factor * right)


def _signs(batch: Batch, right: FloatArray) -> Iterator[Candidate]:
    yield Candidate("wrong sign", "every derivative has the wrong sign", -right)
    slots = batch.layout.slots
    for slot in slots:
        if len(slots) > 1:
            flipped = right.copy()
            flipped[slot.start : slot.stop] *= -1
            what = f"dC/d{slot.name}[{slot.layer}]"
            yield Candidate("wrong sign", f"{what} has the wrong sign", flipped)
    for number in range(1, len(batch.network.layers)):
        flipped = right.copy()
        for slot in slots:
            if slot.layer <= number:
                flipped[slot.start : slot.stop] *= -1
        yield Candidate("wrong sign", f"delta[{number}] has the wrong sign", flipped)


def _activations(batch: Batch) -> Iterator[Candidate]:
    """Leave f' out of delta = dC/da · f', or take it at a instead of z; in one layer or in all."""
    layers = batch.network.layers
    linked = layers[-1].activation.name in batch.network.loss.links
    last = len(layers) - 1
    able = [
        i
        for i, layer in enumerate(layers)
        if layer.activation.elementwise and layer.activation.spec != "identity" and not (linked and i == last)
    ]
    hidden = [i for i in able if i < last]
    groups = [
        (group, words) for group, words in ((able, "layer"), (hidden, "hidden layer")) if len(group) > 1
    ]
    if hidden == able:
        groups = groups[:1]
    changes: list[tuple[str, str, Callable[[Activation], Activation]]] = [
        ("missing f'", "f'(z) is left out of delta", _without_slope),
        ("f' at a", "f' is taken at a where it should be taken at z, in delta", _slope_at_output),
    ]
    for name, sentence, change in changes:
        for chosen, where in [
            *((group, f" of every {words}") for group, words in groups),
            *(([i], f"[{i + 1}]") for i in able),
        ]:
            yield Candidate(name, sentence + where, _backward(batch, batch.p, dict.fromkeys(chosen, change)))
    if linked and layers[-1].activation.elementwise:
        number = len(layers)
        back = batch.gradients.layers[-1]
        extra = back.delta * back.slope
        sentence = f"f'(z) is in delta[{number}], where {batch.network.loss.name} has canceled it"
        yield Candidate("extra f'", sentence, _from_delta(batch, extra))


def _without_slope(made: Activation) -> Activation:
    def one(z: Array, xp: Namespace, **parameters: float) -> Array:
        return xp.ones_like(z)

    return replace(made, derivative=one)


def _slope_at_output(made: Activation) -> Activation:
    def at_output(z: Array, xp: Namespace, **parameters: float) -> Array:
        return made.prime(made(z, xp), xp)

    return replace(made, derivative=at_output)


def _matrices(batch: Batch, right: FloatArray) -> Iterator[Candidate]:
    """Go back through W instead of its transpose, or hand out dC/dW transposed; its numbers as they come."""
    # A matrix of one row or column has the same numbers either way.
    last = len(batch.network.layers)
    inner = [i for i in range(1, last) if "W" in batch.p[i + 1] and min(batch.p[i + 1]["W"].shape) > 1]
    for chosen in [*([inner] if len(inner) > 1 else []), *([i] for i in inner)]:
        p = _copied(batch)
        for i in chosen:
            w = p[i + 1]["W"]
            p[i + 1]["W"] = w.reshape(w.shape[1], w.shape[0]).T
        which = _joined([f"W[{i + 1}]" for i in chosen])
        sentence = f"delta goes back through {which} where it should go through the transposed matrix"
        yield Candidate("transposed matrix", sentence, _backward(batch, p))
    slots = [slot for slot in batch.layout.slots if slot.name == "W" and min(slot.shape) > 1]
    for some in [*([slots] if len(slots) > 1 else []), *([slot] for slot in slots)]:
        turned = right.copy()
        for slot in some:
            turned[slot.start : slot.stop] = right[slot.start : slot.stop].reshape(slot.shape).T.reshape(-1)
        which = _joined([f"dC/dW[{slot.layer}]" for slot in some])
        yield Candidate(
            "transposed matrix", f"{which} {'is' if len(some) == 1 else 'are'} transposed", turned
        )


def _updated(batch: Batch, right: FloatArray, wrong: FloatArray) -> Iterator[Candidate]:
    """Go back through weights that descent has already moved by -eta times the gradient under test.

    In the last hidden layer the gradient is then linear in eta, which gives eta by least squares.
    """
    network = batch.network
    if len(network.layers) < 2 or any(
        "W" not in batch.p[number] for number in range(1, len(network.layers) + 1)
    ):
        return
    grads = batch.layout.unflatten(wrong)
    p = _copied(batch)
    last = len(network.layers)
    p[last]["W"] = grads[last]["W"]
    by_eta = _backward(batch, p)
    own = batch.layout.slot(len(network.layers) - 1, "W")
    part = slice(own.start, own.stop)
    size = float(by_eta[part] @ by_eta[part])
    if not size:
        return
    eta = float((right[part] - wrong[part]) @ by_eta[part]) / size
    moved = {
        number: {**arrays, "W": arrays["W"] - eta * grads[number]["W"]} if number else arrays
        for number, arrays in batch.p.items()
    }
    sentence = f"delta goes back through weights that the step has already updated (eta = {eta:.6g})"
    yield Candidate("updated weight", sentence, _backward(batch, moved))


def _means(batch: Batch, right: FloatArray) -> Iterator[Candidate]:
    n = float(len(batch.x)) if batch.weights is None else float(np.sum(batch.weights))
    mean = batch.network.reduction == "mean"
    factors = [("missing 1/n", f"the 1/n of the mean over rows is left out (n = {n:g})", n)]
    if not mean:
        factors = [("extra 1/n", f"the rows' sum is divided by n = {n:g}", 1 / n)]
    else:
        factors.append(("extra 1/n", f"the mean over rows is divided by n = {n:g} once more", 1 / n))
    outputs = batch.network.output.n_out
    if batch.network.loss.over_outputs == "mean" and outputs > 1:
        sentence = f"the 1/{outputs} of the mean over outputs is left out"
        factors.append(("missing 1/n_out", sentence, float(outputs)))
    slots = batch.layout.slots
    for name, sentence, factor in factors:
        if factor == 1:
            continue
        yield Candidate(name, sentence, factor * right)
        for kind in dict.fromkeys(slot.name for slot in slots):
            changed = right.copy()
            for slot in slots:
                if slot.name == kind:
                    changed[slot.start : slot.stop] *= factor
            if len({slot.name for slot in slots}) > 1:
                yield Candidate(name, f"{sentence}, in dC/d{kind} alone", changed)
    for factor, words in ((2.0, "twice"), (0.5, "half")):
        yield Candidate(
            "factor of the square", f"it is {words} what it should be: the 1/2 of a square", factor * right
        )


def _biases(batch: Batch, right: FloatArray) -> Iterator[Candidate]:
    """Leave the biases' derivatives out, or the biases themselves out of z."""
    slots = [slot for slot in batch.layout.slots if slot.name == "b"]
    for some in [*([slots] if len(slots) > 1 else []), *([slot] for slot in slots)]:
        without = right.copy()
        p = _copied(batch)
        for slot in some:
            without[slot.start : slot.stop] = 0
            p[slot.layer]["b"] = np.zeros(slot.shape)
        which, are = _joined([f"b[{slot.layer}]" for slot in some]), "is" if len(some) == 1 else "are"
        derivatives = _joined([f"dC/db[{slot.layer}]" for slot in some])
        yield Candidate("bias left out", f"{derivatives} {are} left out, as if 0", without)
        bare = Batch(batch.network, batch.layout.flatten(p), batch.x, batch.y, batch.weights, batch.rows)
        found = batch.layout.flatten(bare.gradients.parameters)
        yield Candidate("bias left out", f"{which} {are} not added in z", found)
        for slot in some:
            found = found.copy()
            found[slot.start : slot.stop] = 0
        yield Candidate("bias left out", f"{which} {are} neither added in z nor differentiated", found)


def _copied(batch: Batch) -> dict[int, dict[str, Array]]:
    return {number: dict(arrays) for number, arrays in batch.p.items()}


def _joined(names: list[str]) -> str:
    """Return names in a row: b[1], b[2] and b[3]."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _rows(batch: Batch) -> Iterator[Candidate]:
    if len(batch.x) < 2:
        return
    shares = batch.gradients.layers[-1].delta
    for place, which in ((-1, "last"), (0, "first")):
        only = np.zeros_like(shares)
        only[place] = shares[place]
        yield Candidate("one row", f"only the {which} row's part is there", _from_delta(batch, only))


def _backward(
    batch: Batch, p: Parameters, changes: dict[int, Callable[[Activation], Activation]] | None = None
) -> FloatArray:
    """Return the gradient of a backward through other parameters or other derivatives, from the same record."""
    network = batch.network
    if changes:
        layers = [
            replace(layer, activation=changes[i](layer.activation)) if i in changes else layer
            for i, layer in enumerate(network.layers)
        ]
        network = Network([network.n_inputs, *layers], network.loss, network.reduction, network.features)
    with np.errstate(all="ignore"):
        found = network.backward(p, batch.record, batch.y, np, batch.weights)
    return batch.layout.flatten(found.parameters)


def _from_delta(batch: Batch, delta: FloatArray) -> FloatArray:
    """Return the gradient that another delta of the output layer gives."""
    with np.errstate(all="ignore"):
        found = batch.network.backward_from(batch.p, batch.record, delta, np)
    return batch.layout.flatten(found.parameters)
