"""A network as a plot: edges by weight, neurons by value, biases, blocks, each with its address."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from chainrule.plots.axes import Axis
from chainrule.plots.chart import Chart
from chainrule.plots.marks import AnyMark, Boxes, Edges, Neurons, Words
from chainrule.plots.network.layers import DrawnLayer
from chainrule.plots.network.layout import MOST_NEURONS, NetworkLayout, PlacedLayer, has_bias_nodes, more_text, network_layout
from chainrule.plots.ticks import short_number
from chainrule.plots.widths import text_width

MOST_EDGES = 300
"""The most edges drawn between two layers: those with the largest weights of the neurons that are shown."""
NUMBERS_UP_TO = 12
"""Weights are written on the edges of networks of at most so many, biases not counted."""


class _Edge(NamedTuple):
    x: float
    y: float
    x2: float
    y2: float
    value: float
    address: str


def network_chart(
    layers: Sequence[DrawnLayer], *, width: float = 640.0, most: int = MOST_NEURONS, keep: Literal["largest", "ends"] = "largest",
    most_edges: int = MOST_EDGES, title: str = "The network", description: str = "",
) -> Chart:  # fmt: skip
    """Return the drawing of a network; ``width`` is that of the picture that it is laid out for.

    Edges are as wide as their weight beside the largest between the same two layers, solid and blue above 0, dashed and orange
    below. Neurons are filled by their value beside the largest of their layer. What is left out is said in the note.
    """
    layout = network_layout(layers, width, most=most, keep=keep)
    marks: list[AnyMark] = []
    drawn, known, numbered = 0, 0, _numbered(layers)
    for before, after in zip(layout.columns, layout.columns[1:], strict=False):
        edges, count = _edges(before, after, most_edges, layout)
        drawn += len([edge for edge in edges if edge.address])
        known += count
        marks.append(_edge_mark(edges, _largest(after.layer)))
        marks.append(_bias_edges(before, after, layout))
        if numbered:
            marks.append(_numbers_on(marks[-2:], layout))
    marks += [mark for column in layout.columns for mark in _column(column, layout)]
    marks = [mark for mark in marks if len(mark)]
    sizes = "-".join(str(layer.size) for layer in layers)
    note = _note(layout, drawn, known, keep)
    words = description or f"A network of sizes {sizes}, from the inputs on the left to the answer on the right."
    x, y = Axis(0.0, layout.width, shown=False, grid=False), Axis(layout.height, 0.0, shown=False, grid=False)
    return Chart(title, f"{words} {note}".strip(), x, y, tuple(marks), note, aspect=layout.height / layout.width, legend="none")


def _note(layout: NetworkLayout, drawn: int, known: int, keep: str) -> str:
    said = []
    if drawn < known:
        said.append(f"{drawn:,} of {known:,} weights are drawn, the largest.".replace(",", "\N{THIN SPACE}"))
    if any(column.hidden for column in layout.columns):
        which = "with the largest weights" if keep == "largest" else "at the ends"
        said.append(f"Of large layers, the neurons {which} are drawn.")
    if known:
        said.append("Width: |weight|; solid blue: above 0, dashed orange: below.")
    flags = {flag for column in layout.columns for flag in column.layer.flags if flag}
    told = {"dead": "crossed out: dead", "saturated": "second ring: saturated"}
    said += [f"{told[flag].capitalize()}." for flag in ("dead", "saturated") if flag in flags]
    return " ".join(said)


def _numbered(layers: Sequence[DrawnLayer]) -> bool:
    sizes = [layer.size for layer in layers]
    return sum(a * b for a, b in zip(sizes, sizes[1:], strict=False)) <= NUMBERS_UP_TO and not any(l.block for l in layers)  # fmt: skip  # noqa: E741


def _largest(layer: DrawnLayer) -> float:
    return float(np.abs(layer.weights).max(initial=0.0)) if layer.weights is not None else 0.0


def _port(column: PlacedLayer, layout: NetworkLayout, side: int) -> float:
    """Return the x at which edges meet a column."""
    return column.x + side * (_half_width(column, layout) if column.layer.block else layout.radius)


def _half_width(column: PlacedLayer, layout: NetworkLayout) -> float:
    lines = column.layer.block.split("\n")
    return min(max(text_width(line, 11) for line in lines) / 2 + 8, 0.5 * layout.step - 4 if layout.step > 60 else 26.0)


def _edges(before: PlacedLayer, after: PlacedLayer, most: int, layout: NetworkLayout) -> tuple[list[_Edge], int]:
    """Return the edges drawn between two columns, and how many there are."""
    left, right, weights = _port(before, layout, 1), _port(after, layout, -1), after.layer.weights
    if before.layer.block or after.layer.block:
        middle = layout.columns[0]
        middle_y = _middle(layout)
        ends_from = [middle_y] if before.layer.block else before.y
        ends_to = [middle_y] if after.layer.block else after.y
        made = [_Edge(left, a, right, b, math.nan, "") for a in ends_from for b in ends_to]
        del middle
        return made, 0
    if weights is None:
        return [_Edge(left, a, right, b, math.nan, "") for a in before.y for b in after.y], 0
    found = [
        _Edge(left, before.y[i], right, after.y[j], float(weights[row, column]), f"W[{after.layer.number}][{row + 1},{column + 1}]")
        for i, row in enumerate(before.shown)
        for j, column in enumerate(after.shown)
    ]
    order = np.argsort([-abs(edge.value) for edge in found], kind="stable")[:most]
    return [found[i] for i in sorted(order.tolist())], int(weights.size)


def _middle(layout: NetworkLayout) -> float:
    places = [y for column in layout.columns for y in column.y]
    return (min(places) + max(places)) / 2 if places else layout.height / 2


def _edge_mark(edges: Sequence[_Edge], largest: float, widest: float = 5.0) -> Edges:
    x, y, x2, y2, values, addresses = zip(*edges, strict=True) if edges else ((),) * 6
    told = addresses if any(addresses) else ()
    return Edges(x, y, x2, y2, values, largest, widest, addresses=told)


def _bias_edges(before: PlacedLayer, after: PlacedLayer, layout: NetworkLayout) -> Edges:
    """Return the biases: edges from a square below the column before, or short lines into each neuron."""
    layer = after.layer
    made = []
    for place, neuron in zip(after.y, after.shown, strict=True):
        if layer.bias:
            shared = len(layer.bias) == 1
            value = layer.bias[0] if shared else layer.bias[neuron]
            address = f"b[{layer.number}][{1 if shared else neuron + 1}]"
            if math.isfinite(before.bias_y):
                made.append(_Edge(before.x + 0.8 * layout.radius, before.bias_y, after.x - layout.radius, place, value, address))
            else:
                reach = 0.6 * layout.radius + 5
                at = after.x - 0.5 * layout.radius
                made.append(_Edge(at - reach * 0.55, place + 0.8 * layout.radius + reach * 0.5, at, place + 0.8 * layout.radius, value, address))
    largest = max((abs(value) for value in layer.bias), default=0.0)
    alike = max(largest, _largest(layer)) if math.isfinite(before.bias_y) else largest
    return _edge_mark(made, alike, 5.0 if math.isfinite(before.bias_y) else 3.0)


def _numbers_on(marks: Sequence[AnyMark], layout: NetworkLayout) -> Words:
    """Return the weights written on their edges, each where it touches no other: tried at several places along its edge."""
    taken: list[tuple[float, float]] = []
    x, y, texts, addresses, values = [], [], [], [], []
    for mark in marks:
        assert isinstance(mark, Edges)
        for i in range(len(mark)):
            if math.isnan(mark.values[i]):
                continue
            text = short_number(mark.values[i])
            wide = text_width(text, 11) + 4
            for share in (0.24, 0.34, 0.72, 0.62, 0.16, 0.8, 0.46, 0.54):
                at = (mark.x[i] + share * (mark.x2[i] - mark.x[i]), mark.y[i] + share * (mark.y2[i] - mark.y[i]))
                if all(abs(at[0] - a) > wide or abs(at[1] - b) > 13 for a, b in taken):
                    break
            else:
                continue
            taken.append(at)
            x.append(at[0])
            y.append(at[1])
            texts.append(text)
            addresses.append(mark.addresses[i] if mark.addresses else "")
            values.append(mark.values[i])
    return Words(tuple(x), tuple(y), tuple(texts), size=11.0, halo=True, addresses=tuple(addresses), values=tuple(values))


def _column(column: PlacedLayer, layout: NetworkLayout) -> list[AnyMark]:
    """Return a column's neurons or block, names, header and dots."""
    layer, made = column.layer, list[AnyMark]()
    first, last = column is layout.columns[0], column is layout.columns[-1]
    if layer.block:
        half, middle = _half_width(column, layout), _middle(layout)
        tall = 15 * len(layer.block.split("\n")) / 2 + 10
        made.append(Boxes((column.x - half,), (middle - tall,), (column.x + half,), (middle + tall,), (layer.block,)))
    values = tuple(layer.values[i] for i in column.shown) if layer.values else (math.nan,) * len(column.shown)
    known = [abs(value) for value in layer.values if math.isfinite(value)]
    inside = tuple(short_number(v, 2) for v in values) if layer.values else tuple(str(i + 1) for i in column.shown)
    names = tuple(
        f"{layer.names[i]} {layer.address(i)}" if layer.names else layer.address(i) for i in column.shown
    )
    made.append(
        Neurons(
            (column.x,) * len(column.shown), column.y, values, max(known, default=1.0) or 1.0, layout.radius, inside,
            tuple(layer.flags[i] for i in column.shown) if layer.flags else (), names=names,
            addresses=tuple(layer.address(i) for i in column.shown),
        )
    )  # fmt: skip
    if column.names:
        side = -1 if first else 1
        whole = tuple(layer.names[i] for i in column.shown)
        made.append(
            Words(
                (column.x,) * len(column.shown), column.y, column.names, "end" if first else "start", dx=side * (layout.radius + 7),
                names=whole if whole != column.names else (),
            )
        )  # fmt: skip
    if column.hidden:
        anchor = "end" if first and not last else "start" if last else "middle"
        dx = {"end": -layout.radius - 7 if column.names else layout.radius, "start": layout.radius + 7 if column.names else -layout.radius, "middle": 0.0}[anchor]  # fmt: skip
        made.append(Words((column.x,), (column.gap_y,), (more_text(column.hidden),), anchor, dx=dx, size=11.0, color="quiet", halo=True))  # type: ignore[arg-type]  # fmt: skip
    if math.isfinite(column.bias_y):
        made.append(Neurons((column.x,), (column.bias_y,), (math.nan,), 1.0, layout.radius, ("1",), square=True, names=("1, what the bias is multiplied by",)))  # fmt: skip
    if column.header:
        lines = [*column.header, *(["frozen"] if layer.frozen else []), *(["shared"] if layer.shared else [])]
        anchor = _header_anchor(column, layout, max(text_width(line, 11) for line in lines))
        at = {"start": 0.0, "end": layout.width, "middle": column.x}[anchor]
        made.append(
            Words((at,) * len(lines), tuple(9.0 + 13 * k for k in range(len(lines))), tuple(lines), anchor, size=11.0, color="quiet")  # type: ignore[arg-type]
        )  # fmt: skip
    return made


def _header_anchor(column: PlacedLayer, layout: NetworkLayout, wide: float) -> str:
    if column.x - wide / 2 < 0:
        return "start"
    return "end" if column.x + wide / 2 > layout.width else "middle"


__all__ = ["MOST_EDGES", "has_bias_nodes", "network_chart"]
