"""The draw list of a network: what is drawn where, once and for all; frames then bring the numbers in its order.

Places come from the one layout that reports have, too (`plots.network.layout`). A network of many neurons has its large layers
drawn as blocks; of many weights between two layers the strongest are drawn, as they were at the start.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.explain.notation.naming import Naming
from chainrule.explain.show.drawn import network_layers
from chainrule.explain.show.network import formulas
from chainrule.explain.trace.address import Address
from chainrule.formula.text import text
from chainrule.plots.network.layers import DrawnLayer
from chainrule.plots.network.layout import (
    NetworkLayout,
    PlacedLayer,
    half_width,
    middle_of,
    more_text,
    network_layout,
)

MOST_NEURONS = 200
"""The most neurons that are drawn one by one; with more of them the largest layers are blocks."""

MOST_EDGES = 1200
"""The most weights that are drawn, of all pairs of layers."""

MOST_OF_PAIR = 1500
"""The most weights between two layers that are drawn neuron by neuron."""

MOST_OF_LAYER = 64
"""The most neurons that a layer has one by one where the network has blocks."""

WIDTH = 900.0
"""The width that the network is laid out for, in pixels; a page scales it."""

BLOCK_HEIGHT = 120.0


@dataclass(frozen=True, eq=False)
class Drawing:
    """A draw list as plain data (``told``), and where its numbers are.

    ``neurons`` are (layer, place from 0) of each neuron, ``edges`` and ``biases`` the flat places of the parameters drawn, those
    of the biases one for each neuron, -1 where it has none.
    """

    told: Mapping[str, Any]
    neurons: tuple[tuple[int, int], ...]
    edges: IntArray
    biases: IntArray
    network: Network


def drawing(
    network: Network,
    parameters: FloatArray,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    naming: Naming | None = None,
) -> Drawing:
    """Return the draw list of a network with the parameters (p,) that it begins with, and its inputs' and outputs' names.

    In a notation neurons that have no name of their own are called by that: i1, h1, o1.
    """
    layout = Layout(network)
    if naming is not None:
        inputs = _called(naming, 0, inputs)
        outputs = _called(naming, len(network.layers), outputs)
    layers = network_layers(network, layout.unflatten(parameters), inputs=inputs, outputs=outputs)
    drawn = _with_blocks(layers)
    placed = network_layout(drawn, WIDTH, most=MOST_NEURONS)
    neurons: list[dict[str, Any]] = []
    places: list[tuple[int, int]] = []
    biases: list[int] = []
    first: dict[int, int] = {}
    for column in placed.columns:
        if column.layer.block:
            continue
        first[id(column)] = len(neurons)
        for j, y in zip(column.shown, column.y, strict=True):
            number = column.layer.number
            bias = _bias(layout, number, j)
            made = _neuron(column, j, column.x, y, None if bias is None else layout.address(bias))
            if naming is not None and not made["name"]:
                made["name"] = _neuron_name(naming, number, j + 1)
            neurons.append(made)
            places.append((number, j))
            biases.append(-1 if bias is None else bias)
    edges, known = _edges(layout, placed, first)
    told = {
        "width": round(placed.width, 2),
        "height": round(placed.height, 2),
        "radius": round(placed.radius, 2),
        "layers": [_head(network, column) for column in placed.columns],
        "neurons": neurons,
        "edges": {"drawn": len(edges), "of": known, "list": [[a, b, layout.address(w)] for a, b, w in edges]},
        "blocks": [_block(column, placed) for column in placed.columns if column.layer.block],
        "more": [
            {
                "layer": column.layer.number,
                "x": round(column.x, 2),
                "y": round(column.gap_y, 2),
                "words": more_text(column.hidden, placed.step - 8),
            }
            for column in placed.columns
            if column.hidden
        ],
    }
    where = np.array([w for _, _, w in edges], np.int64)
    return Drawing(told, tuple(places), where, np.array(biases, np.int64), network)


def _called(naming: Naming, layer: int, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a layer's neurons, those that are addresses as a notation writes them."""
    return tuple(
        _neuron_name(naming, layer, j) if re.fullmatch(r"[xy]\[\d+\]", name) else name
        for j, name in enumerate(names, 1)
    )


def _neuron_name(naming: Naming, layer: int, j: int) -> str:
    """Return what a notation calls a neuron: h1 of net_h1, or else what it says."""
    if not layer:
        return naming.text(f"x[{j}]")
    template = naming.notation.names.get("z", "")
    if "<n>" not in str(template):
        return naming.text(f"a[{layer}][{j}]")
    before, _, behind = str(template).partition("<n>")
    return naming.text(f"z[{layer}][{j}]").removeprefix(before).removesuffix(behind)


def _with_blocks(layers: Sequence[DrawnLayer]) -> list[DrawnLayer]:
    """Return the layers with the largest as blocks, where all together are too many."""
    sizes = [0 if layer.block else layer.size for layer in layers]
    if sum(sizes) <= MOST_NEURONS and all(a * b <= MOST_OF_PAIR for a, b in itertools.pairwise(sizes)):
        return list(layers)
    drawn = list(layers)
    for place in sorted(range(len(layers)), key=lambda at: -sizes[at]):
        left = [0 if layer.block else layer.size for layer in drawn]
        # An output that can be drawn stays: its neurons are the answer.
        if sum(left) <= MOST_NEURONS and max(left) <= MOST_OF_LAYER:
            break
        if not drawn[place].block and (place < len(layers) - 1 or sizes[place] > MOST_OF_LAYER):
            drawn[place] = _as_block(drawn, place)
    return drawn


def _as_block(layers: Sequence[DrawnLayer], place: int) -> DrawnLayer:
    layer = layers[place]
    what = "inputs" if place == 0 else "neurons"
    return replace(layer, names=(), block=f"{layer.size:,} {what}")


def _neuron(column: PlacedLayer, j: int, x: float, y: float, bias: str | None) -> dict[str, Any]:
    layer = column.layer
    return {
        "address": layer.address(j),
        "z": None if layer.number == 0 else f"z[{layer.number}][{j + 1}]",
        "layer": layer.number,
        "index": j + 1,
        "x": round(x, 2),
        "y": round(y, 2),
        "name": layer.names[j] if layer.names else "",
        "bias": bias,
    }


def _bias(layout: Layout, number: int, j: int) -> int | None:
    """Return the flat place of a neuron's bias; None where it has none."""
    for slot in layout.slots:
        if slot.layer == number and slot.name == "b" and number:
            return slot.start + (j if slot.shape[0] > 1 else 0)
    return None


def _edges(
    layout: Layout, placed: NetworkLayout, first: Mapping[int, int]
) -> tuple[list[tuple[int, int, int]], int]:
    """Return the edges drawn, by the places of their neurons and of their weight, and how many weights there are."""
    pairs = [
        (before, after)
        for before, after in itertools.pairwise(placed.columns)
        if after.layer.weights is not None
    ]
    known = sum(int(after.layer.weights.size) for _, after in pairs if after.layer.weights is not None)
    drawn = [(a, b) for a, b in pairs if not a.layer.block and not b.layer.block]
    most = MOST_EDGES // max(1, len(drawn))
    made: list[tuple[int, int, int]] = []
    for before, after in drawn:
        slot = layout.slot(after.layer.number, layout.network.layers[after.layer.number - 1].product.name)
        weights = after.layer.weights
        assert weights is not None
        found = [
            (first[id(before)] + a, first[id(after)] + b, i, j)
            for a, i in enumerate(before.shown)
            for b, j in enumerate(after.shown)
        ]
        if len(found) > most:
            strength = np.array([-abs(float(weights[i, j])) for _, _, i, j in found])
            found = [found[at] for at in sorted(np.argsort(strength, kind="stable")[:most].tolist())]
        made += [(a, b, slot.start + int(np.ravel_multi_index((i, j), slot.shape))) for a, b, i, j in found]
    return made, known


def _head(network: Network, column: PlacedLayer) -> dict[str, Any]:
    number = column.layer.number
    told = ""
    if number:
        z, a = next((z, a) for n, z, a, _ in formulas(network) if n == number)
        told = f"{Address('z', number)} = {text(z)}, {Address('a', number)} = {text(a)}"
    return {
        "number": number,
        "title": " ".join(column.header) or column.layer.title,
        "size": column.layer.size,
        "x": round(column.x, 2),
        "formula": told,
        "hidden": column.hidden,
    }


def _block(column: PlacedLayer, placed: NetworkLayout) -> dict[str, Any]:
    half, middle = half_width(column, placed), middle_of(placed)
    weights = column.layer.weights
    rows, columns = (0, 0) if weights is None else weights.shape
    tall = min(BLOCK_HEIGHT, placed.height - 20)
    return {
        "layer": column.layer.number,
        "x": round(column.x - half, 2),
        "y": round(middle - tall / 2, 2),
        "width": round(2 * half, 2),
        "height": round(tall, 2) if math.isfinite(tall) else 0.0,
        "words": column.layer.block,
        "rows": int(rows),
        "columns": int(columns),
    }
