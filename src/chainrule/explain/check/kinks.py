"""Which numbers change branch between two sets of parameters: where formulas have kinks and jumps."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from chainrule._types import FloatArray
from chainrule.explain.check.batch import Batch
from chainrule.formula.evaluate import Formula
from chainrule.formula.nodes import Binary, Call, Compare, Node, children
from chainrule.formula.text import text


@lru_cache(maxsize=256)
def switches(formula: Formula) -> tuple[Formula, ...]:
    """Return the formulas whose sign (of ``floor``, whose value) chooses the branch; none for a smooth formula.

    >>> from chainrule.equations.activations import ACTIVATIONS
    >>> [str(switch) for switch in switches(ACTIVATIONS["relu"].formula)]
    ['0 - z']
    """
    found = (_switch(node) for node in _nodes(formula.root))
    return tuple(dict.fromkeys(Formula(text(node), node) for node in found if node is not None))


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from _nodes(child)


def _switch(node: Node) -> Node | None:
    match node:
        case Call("max" | "min", (left, right)) | Compare(_, left, right):
            return Binary("-", left, right)
        case Call("abs" | "sign" | "step", (inner,)):
            return inner
        case Call("floor"):
            return node
    return None


def has_jumps(formula: Formula) -> bool:
    """Tell whether a formula jumps by a function that does: step, sign, floor."""
    return any(
        isinstance(node, Call) and node.name in ("step", "sign", "floor") for node in _nodes(formula.root)
    )


def crossed(batch: Batch, low: FloatArray, high: FloatArray) -> list[str]:
    """Return for each pair of parameters (m, p) the address of a number that changes branch between them, or "".

    The first is named: the earliest layer's z, and last the loss of a row.
    """
    found: list[str] = []
    each = 2 * (batch.flat.size + len(batch.x) * sum(batch.network.sizes))
    size = max(1, 4_000_000 // each)
    for start in range(0, len(low), size):
        some = slice(start, start + size)
        found += _crossed(batch, low[some], high[some])
    return found


def _crossed(batch: Batch, low: FloatArray, high: FloatArray) -> list[str]:
    network = batch.network
    names = [""] * len(low)
    with np.errstate(all="ignore"):
        both = [network.forward(batch.layout.unflatten(flats), batch.x, np) for flats in (low, high)]
    for number, layer in enumerate(network.layers):
        made = layer.activation
        pairs = [record.layers[number].z for record in both]
        for switch in switches(made.formula):
            sides = [_side(switch, {"z": z, **made.parameters}, z) for z in pairs]
            _name(batch, names, sides[0] != sides[1], "z", number)
    output = network.output.activation
    link = network.loss.links.get(output.name)
    y = network.loss.smooth(batch.y)
    for switch in switches(network.loss.formula if link is None else link.formula):
        sides = []
        for record in both:
            last = record.layers[-1]
            shape = np.broadcast_to(y, last.a.shape)
            sides.append(
                _side(switch, {"a": last.a, "z": last.z, "y": shape, **network.loss.parameters}, last.a)
            )
        _name(batch, names, sides[0] != sides[1], "a" if link is None else "z", len(network.layers) - 1)
    return names


def _side(switch: Formula, values: dict[str, FloatArray | float], like: FloatArray) -> FloatArray:
    value = switch.evaluate_like(values, like, np)
    match switch.root:
        case Call("floor"):
            return np.asarray(value)
    return np.asarray(np.sign(value))


def _name(batch: Batch, names: list[str], changed: FloatArray, name: str, layer: int) -> None:
    """Name for each pair the first row and neuron that changed, where none is named yet."""
    for place in np.flatnonzero(changed.any(axis=(-2, -1))):
        if not names[place]:
            row, neuron = np.argwhere(changed[place])[0]
            names[place] = batch.at(name, layer, int(neuron), int(row))
