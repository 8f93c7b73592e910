"""Lines of the forward pass: weighted sums, activations, softmax, dropout, losses and the cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from chainrule.equations.formula import Binary, Symbol
from chainrule.explain.address import Address
from chainrule.explain.lines import Line
from chainrule.explain.writer import Rule, Writer, put


def entering(writer: Writer, layer: int, i: int, row: int | None = None) -> Address:
    """Return the address of what enters a layer from neuron i (from 1): x, a, or h where outputs were dropped."""
    if layer == 1:
        return writer.at("x", None, i, row=row)
    dropped = writer.step.record.layers[layer - 2].mask is not None
    return writer.at("h" if dropped else "a", layer - 1, i, row=row)


def weighted_sum(writer: Writer, place: Address) -> Line:
    """Return z[l][j] = sum of W[l][i,j] h[l-1][i] + b[l][j]."""
    layer, (j,) = place.layer or 1, place.index
    row = writer.trace._row_index(place, writer.step)
    p = writer.trace.layout.unflatten(writer.step.parameters)[layer - 1]
    inputs = writer.step.record.inputs_of(layer - 1)[row]
    total = writer.products(
        lambda i: writer.at("W", layer, i + 1, j),
        lambda i: entering(writer, layer, i + 1, place.row),
        len(inputs),
        p["W"][:, j - 1],
        inputs,
    )
    node = total.node
    if "b" in p:
        node = Binary("+", node, writer.symbol("b", layer, j if len(p["b"]) > 1 else 1))
        words = "weighted sum of what enters, plus the bias"
    else:
        words = "weighted sum of what enters"
    return writer.line(words, place, node, total.values, slack=total.slack, note=total.note)


def activation_of(writer: Writer, place: Address) -> Line:
    """Return a[l][j] = f(z[l][j])."""
    record = writer.network.layers[(place.layer or 1) - 1].activation
    z = writer.at("z", place.layer, *place.index, row=place.row)
    node = put(record.formula.root, {"z": Symbol(str(z))})
    return writer.line(f"activation: {record.name}", place, node, record.parameters)


FORWARD: Mapping[str, Rule] = {"z": weighted_sum, "a": activation_of}
_ = np
