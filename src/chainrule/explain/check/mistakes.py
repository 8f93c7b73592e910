"""Which known mistake a wrong gradient looks like: each is made on purpose, and the results are compared.

Every candidate runs the network's own backward with one thing changed (other weights to go back through, an activation
with another derivative) or changes its result (a sign, a factor), so that a mistake is described, not written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np

from chainrule._types import Array, FloatArray
from chainrule.equations.activations import Activation
from chainrule.equations.layout import Slot
from chainrule.equations.network import Network, Parameters
from chainrule.explain.check.batch import Batch
from chainrule.explain.check.result import Mistake

T = TypeVar("T")

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
    right = batch.gradient
    deviation = float(np.linalg.norm(wrong - right))
    if not 0 < deviation < np.inf:
        return ()
    found = []
    for name, sentence, gradient in candidates(batch, wrong):
        rest = float(np.linalg.norm(wrong - gradient))
        if np.isfinite(rest):
            found.append(Mistake(name, sentence, max(0.0, 1 - rest / deviation)))
    fitting = [mistake for mistake in found if mistake.explains >= EXPLAINED]
    if fitting:
        # A factor fits wherever a sign or 1/n does; it is named where nothing more particular is.
        particular = [mistake for mistake in fitting if mistake.name != "factor"]
        return tuple(particular or fitting)
    nearest = max(found, key=lambda mistake: mistake.explains, default=None)
    return (nearest,) if nearest is not None and nearest.explains >= HINT else ()


def candidates(batch: Batch, wrong: FloatArray) -> Iterator[Candidate]:
    """Return the gradients that known mistakes give for a batch, the more particular first."""
    right = batch.gradient
    yield from _signs(batch, right)
    yield from _activations(batch)
    yield from _matrices(batch, right)
    yield from _updated(batch, right, wrong)
    yield from _means(batch, right)
    yield from _biases(batch, right)
    yield from _rows(batch)
    factor = float(wrong @ right) / float(right @ right) if right.any() else 0.0
    yield Candidate("factor", f"the gradient is {factor:.6g} times what it should be", factor * right)


def _times(gradient: FloatArray, slots: Iterable[Slot], factor: float) -> FloatArray:
    """Return a gradient (p,) with some of its arrays times a factor."""
    changed = gradient.copy()
    for slot in slots:
        changed[slot.start : slot.stop] *= factor
    return changed


def _all_and_each(things: list[T]) -> list[list[T]]:
    return ([things] if len(things) > 1 else []) + [[thing] for thing in things]


def _signs(batch: Batch, right: FloatArray) -> Iterator[Candidate]:
    yield Candidate("wrong sign", "every derivative has the wrong sign", -right)
    slots = batch.layout.slots
    parts = {f"dC/d{slot.name}[{slot.layer}]": [slot] for slot in slots} if len(slots) > 1 else {}
    for number in range(1, len(batch.network.layers)):
        parts[f"delta[{number}]"] = [slot for slot in slots if slot.layer <= number]
    for what, some in parts.items():
        yield Candidate("wrong sign", f"{what} has the wrong sign", _times(right, some, -1))


def _activations(batch: Batch) -> Iterator[Candidate]:
    """Leave f' out of delta = dC/da · f', or take it at a instead of z; in one layer or in all."""
    layers, last = batch.network.layers, len(batch.network.layers) - 1
    linked = layers[last].activation.name in batch.network.loss.links
    able = [
        i
        for i, layer in enumerate(layers)
        if layer.activation.elementwise and layer.activation.spec != "identity" and not (linked and i == last)
    ]
    hidden = [i for i in able if i < last]
    groups = [(able, " of every layer")] if len(able) > 1 else []
    if hidden != able and len(hidden) > 1:
        groups.append((hidden, " of every hidden layer"))
    groups += [([i], f"[{i + 1}]") for i in able]
    changes: list[tuple[str, str, Callable[[Activation], Activation]]] = [
        ("missing f'", "f'(z) is left out of delta", _without_slope),
        ("f' at a", "f' is taken at a where it should be taken at z, in delta", _slope_at_output),
    ]
    for name, sentence, change in changes:
        for chosen, where in groups:
            yield Candidate(name, sentence + where, _backward(batch, batch.p, dict.fromkeys(chosen, change)))
    if linked and layers[last].activation.elementwise:
        back = batch.gradients.layers[last]
        sentence = f"f'(z) is in delta[{last + 1}], where {batch.network.loss.name} has canceled it"
        yield Candidate("extra f'", sentence, _from_delta(batch, back.delta * back.slope))


def _without_slope(made: Activation) -> Activation:
    return replace(made, derivative=lambda z, xp, **_: xp.ones_like(z))


def _slope_at_output(made: Activation) -> Activation:
    return replace(made, derivative=lambda z, xp, **_: made.prime(made(z, xp), xp))


def _matrices(batch: Batch, right: FloatArray) -> Iterator[Candidate]:
    """Go back through W instead of its transpose, or hand out dC/dW transposed; its numbers as they come."""
    # A matrix of one row or column has the same numbers either way.
    slots = [slot for slot in batch.layout.slots if slot.name == "W" and min(slot.shape) > 1]
    for some in _all_and_each([slot.layer for slot in slots if slot.layer > 1]):
        p = _copied(batch)
        for number in some:
            w = p[number]["W"]
            p[number]["W"] = w.reshape(w.shape[1], w.shape[0]).T
        which = _joined([f"W[{number}]" for number in some])
        sentence = f"delta goes back through {which} where it should go through the transposed matrix"
        yield Candidate("transposed matrix", sentence, _backward(batch, p))
    for turned in _all_and_each(slots):
        found = right.copy()
        for slot in turned:
            found[slot.start : slot.stop] = right[slot.start : slot.stop].reshape(slot.shape).T.reshape(-1)
        which, are = _joined([f"dC/dW[{slot.layer}]" for slot in turned]), "is" if len(turned) == 1 else "are"
        yield Candidate("transposed matrix", f"{which} {are} transposed", found)


def _updated(batch: Batch, right: FloatArray, wrong: FloatArray) -> Iterator[Candidate]:
    """Go back through weights that descent has already moved by -eta times the gradient under test.

    In the last hidden layer the gradient is then linear in eta, which gives eta by least squares.
    """
    last = len(batch.network.layers)
    if last < 2 or any("W" not in batch.p[number] for number in range(1, last + 1)):
        return
    grads, p = batch.layout.unflatten(wrong), _copied(batch)
    p[last]["W"] = grads[last]["W"]
    by_eta, own = _backward(batch, p), batch.layout.slot(last - 1, "W")
    part = slice(own.start, own.stop)
    size = float(by_eta[part] @ by_eta[part])
    if not size:
        return
    eta = float((right[part] - wrong[part]) @ by_eta[part]) / size
    moved = _copied(batch)
    for number in range(1, last + 1):
        moved[number]["W"] = moved[number]["W"] - eta * grads[number]["W"]
    sentence = f"delta goes back through weights that the step has already updated (eta = {eta:.6g})"
    yield Candidate("updated weight", sentence, _backward(batch, moved))


def _means(batch: Batch, right: FloatArray) -> Iterator[Candidate]:
    n = float(len(batch.x)) if batch.weights is None else float(np.sum(batch.weights))
    factors = [("extra 1/n", f"the rows' sum is divided by n = {n:g}", 1 / n)]
    if batch.network.reduction == "mean":
        factors = [
            ("missing 1/n", f"the 1/n of the mean over rows is left out (n = {n:g})", n),
            ("extra 1/n", f"the mean over rows is divided by n = {n:g} once more", 1 / n),
        ]
    outputs = batch.network.output.n_out
    if batch.network.loss.over_outputs == "mean" and outputs > 1:
        sentence = f"the 1/{outputs} of the mean over outputs is left out"
        factors.append(("missing 1/n_out", sentence, float(outputs)))
    slots = batch.layout.slots
    kinds = dict.fromkeys(slot.name for slot in slots)
    for name, sentence, factor in factors:
        if factor != 1:
            yield Candidate(name, sentence, factor * right)
            for kind in kinds if len(kinds) > 1 else ():
                changed = _times(right, (slot for slot in slots if slot.name == kind), factor)
                yield Candidate(name, f"{sentence}, in dC/d{kind} alone", changed)
    for factor, words in ((2.0, "twice"), (0.5, "half")):
        sentence = f"it is {words} what it should be: the 1/2 of a square"
        yield Candidate("factor of the square", sentence, factor * right)


def _biases(batch: Batch, right: FloatArray) -> Iterator[Candidate]:
    """Leave the biases' derivatives out, or the biases themselves out of z."""
    for some in _all_and_each([slot for slot in batch.layout.slots if slot.name == "b"]):
        p = _copied(batch)
        for slot in some:
            p[slot.layer]["b"] = np.zeros(slot.shape)
        which, are = _joined([f"b[{slot.layer}]" for slot in some]), "is" if len(some) == 1 else "are"
        derivatives = _joined([f"dC/db[{slot.layer}]" for slot in some])
        yield Candidate("bias left out", f"{derivatives} {are} left out, as if 0", _times(right, some, 0))
        found = replace(batch, flat=batch.layout.flatten(p)).gradient
        yield Candidate("bias left out", f"{which} {are} not added in z", found)
        neither = f"{which} {are} neither added in z nor differentiated"
        yield Candidate("bias left out", neither, _times(found, some, 0))


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


@np.errstate(all="ignore")
def _backward(
    batch: Batch, p: Parameters, changes: dict[int, Callable[[Activation], Activation]] | None = None
) -> FloatArray:
    """Return the gradient of a backward through other parameters or other derivatives, from the same record."""
    network, layers = batch.network, list(batch.network.layers)
    for i, change in (changes or {}).items():
        layers[i] = replace(layers[i], activation=change(layers[i].activation))
    network = Network([network.n_inputs, *layers], network.loss, network.reduction, network.features)
    found = network.backward(p, batch.record, batch.y, np, batch.weights)
    return batch.layout.flatten(found.parameters)


@np.errstate(all="ignore")
def _from_delta(batch: Batch, delta: FloatArray) -> FloatArray:
    """Return the gradient that another delta of the output layer gives."""
    found = batch.network.backward_from(batch.p, batch.record, delta, np)
    return batch.layout.flatten(found.parameters)
