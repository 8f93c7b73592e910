"""The edges of a drawn network: weights, biases, and their numbers where there is room."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from chainrule._types import FloatArray
from chainrule.plots.marks import Writing
from chainrule.plots.network.layout import NetworkLayout, PlacedLayer, half_width, middle_of
from chainrule.plots.network.marks import Edges
from chainrule.plots.ticks import short_number
from chainrule.plots.widths import text_width


class Edge(NamedTuple):
    """A line from (x, y) to (x2, y2) for a weight or bias; nan where there is none."""

    x: float
    y: float
    x2: float
    y2: float
    value: float
    address: str


def weight_edges(
    before: PlacedLayer, after: PlacedLayer, most: int, layout: NetworkLayout
) -> tuple[Edges, int]:
    """Return the edges drawn between two columns, at most so many, and how many there are in the network."""
    left, right, weights = _port(before, layout, 1), _port(after, layout, -1), after.layer.weights
    if weights is None or before.layer.block or after.layer.block:
        starts = [middle_of(layout)] if before.layer.block else before.y
        stops = [middle_of(layout)] if after.layer.block else after.y
        return _mark([Edge(left, a, right, b, math.nan, "") for a in starts for b in stops], 1.0), 0
    letter = f"W[{after.layer.number}]"
    found = [
        Edge(left, y, right, y2, float(weights[i, j]), f"{letter}[{i + 1},{j + 1}]")
        for i, y in zip(before.shown, before.y, strict=True)
        for j, y2 in zip(after.shown, after.y, strict=True)
    ]
    order = np.argsort([-abs(edge.value) for edge in found], kind="stable")[:most]  # nan last
    chosen = [found[i] for i in sorted(order.tolist())]
    return _mark(chosen, _largest(weights)), int(weights.size)


def bias_edges(before: PlacedLayer, after: PlacedLayer, layout: NetworkLayout) -> Edges:
    """Return the biases: edges from a square below the column before, or short lines into each neuron from below."""
    layer, radius, squares = after.layer, layout.radius, math.isfinite(before.bias_y)
    shared = len(layer.bias) == 1
    reach = 0.6 * radius + 5
    made = []
    for y, neuron in zip(after.y, after.shown if layer.bias else (), strict=bool(layer.bias)):
        value = layer.bias[0] if shared else layer.bias[neuron]
        address = f"b[{layer.number}][{1 if shared else neuron + 1}]"
        if squares:
            place = (before.x + 0.8 * radius, before.bias_y, after.x - radius, y)
        else:
            x2, y2 = after.x - 0.5 * radius, y + 0.8 * radius
            place = (x2 - 0.55 * reach, y2 + 0.5 * reach, x2, y2)
        made.append(Edge(*place, value, address))
    largest = _largest(np.array(layer.bias))
    if squares and layer.weights is not None:
        largest = max(largest, _largest(layer.weights))
    return _mark(made, largest, 5.0 if squares else 3.0)


def numbers_on(marks: Sequence[Edges]) -> Writing:
    """Return the weights written on their edges: each at the place that is farthest from other numbers and other edges."""
    lines = [
        Edge(*place)
        for mark in marks
        for place in zip(mark.x, mark.y, mark.x2, mark.y2, mark.values, mark.addresses, strict=True)
    ]
    taken: list[tuple[float, float, Edge]] = []
    for line in lines:
        wide = text_width(short_number(line.value), 11) + 4
        free = []
        for share in np.linspace(0.14, 0.86, 25).tolist():
            x, y = line.x + share * (line.x2 - line.x), line.y + share * (line.y2 - line.y)
            room = min((max(abs(x - a) / wide, abs(y - b) / 14) for a, b, _ in taken), default=2.0)
            apart = min((_off(x, y, other) for other in lines if other != line), default=20.0)
            if room >= 1 and line.x < x - wide / 2 and x + wide / 2 < line.x2:
                free.append((min(room, 1.6) + min(apart, 9.0) / 9 - 0.3 * abs(share - 0.35), x, y))
        if free:
            taken.append((*max(free)[1:], line))
    told = [line for _, _, line in taken]
    return Writing(
        tuple(place[0] for place in taken), tuple(place[1] for place in taken), tuple(short_number(line.value) for line in told),
        size=11.0, plate=True, addresses=tuple(line.address for line in told), values=tuple(line.value for line in told),
    )  # fmt: skip


def _largest(weights: FloatArray) -> float:
    return float(np.abs(weights[np.isfinite(weights)]).max(initial=0.0))


def _mark(edges: Sequence[Edge], largest: float, widest: float = 5.0) -> Edges:
    x, y, x2, y2, values, addresses = zip(*edges, strict=True) if edges else ((),) * 6
    return Edges(x, y, x2, y2, values, largest, widest, addresses=addresses if any(addresses) else ())


def _port(column: PlacedLayer, layout: NetworkLayout, side: int) -> float:
    """Return the x at which edges meet a column."""
    return column.x + side * (half_width(column, layout) if column.layer.block else layout.radius)


def _off(x: float, y: float, line: Edge) -> float:
    """Return how far above or below a place an edge runs, in pixels."""
    share = (x - line.x) / ((line.x2 - line.x) or 1.0)
    return abs(line.y + share * (line.y2 - line.y) - y)
