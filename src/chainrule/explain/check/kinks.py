"""Which numbers change branch between two sets of parameters: where formulas have kinks and jumps."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from chainrule._types import FloatArray
from chainrule.explain.check.batch import Batch, blocks
from chainrule.formula.evaluate import Formula
from chainrule.formula.nodes import Binary, Call, Compare, Node, nodes_in
from chainrule.formula.text import text

Values: TypeAlias = dict[str, FloatArray | float]


@lru_cache(maxsize=256)
def switches(formula: Formula) -> tuple[Formula, ...]:
    """Return the formulas whose sign (of ``floor``, whose value) chooses the branch; none for a smooth formula.

    >>> from chainrule.equations.activations import ACTIVATIONS
    >>> [str(switch) for switch in switches(ACTIVATIONS["relu"].formula)]
    ['0 - z']
    """
    found = (_switch(node) for node in nodes_in(formula.root))
    return tuple(dict.fromkeys(Formula(text(node), node) for node in found if node is not None))


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
        isinstance(node, Call) and node.name in ("step", "sign", "floor") for node in nodes_in(formula.root)
    )


def crossed(batch: Batch, low: FloatArray, high: FloatArray) -> list[str]:
    """Return for each pair of parameters (m, p) the address of a number that changes branch between them, or "".

    The first is named: the earliest layer's z, and last the loss of a row.
    """
    each = 2 * (batch.flat.size + len(batch.x) * sum(batch.network.sizes))
    return [name for some in blocks(len(low), each) for name in _crossed(batch, low[some], high[some])]


@np.errstate(all="ignore")
def _crossed(batch: Batch, low: FloatArray, high: FloatArray) -> list[str]:
    network, names = batch.network, [""] * len(low)
    both = [network.forward(batch.layout.unflatten(flats), batch.x, np) for flats in (low, high)]

    def name(switch: Formula, sides: Iterable[tuple[FloatArray, Values]], what: str, number: int) -> None:
        """Name for each pair the first row and neuron that changed, where none is named yet."""
        one, other = (_side(switch, values, like) for like, values in sides)
        changed = (one != other).reshape(len(low), -1)
        for pair in np.flatnonzero(changed.any(axis=1)):
            names[pair] = names[pair] or batch.at(what, number, int(np.argmax(changed[pair])))

    for number, layer in enumerate(network.layers, 1):
        made, pair = layer.activation, [record.layers[number - 1].z for record in both]
        for switch in switches(made.formula):
            name(switch, ((z, {"z": z, **made.parameters}) for z in pair), "z", number)
    loss, link = network.loss, network.loss.links.get(network.output.activation.name)
    ends, y = [record.layers[-1] for record in both], loss.smooth(batch.y)
    for switch in switches(loss.formula if link is None else link.formula):
        sides = (
            (end.a, {"a": end.a, "z": end.z, "y": np.broadcast_to(y, end.a.shape), **loss.parameters})
            for end in ends
        )
        name(switch, sides, "a" if link is None else "z", len(network.layers))
    return names


def _side(switch: Formula, values: Values, like: FloatArray) -> FloatArray:
    value = np.asarray(switch.evaluate_like(values, like, np))
    return value if isinstance(switch.root, Call) and switch.root.name == "floor" else np.sign(value)
