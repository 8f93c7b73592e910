"""A network as a plot: edges by weight, neurons by value, biases, blocks, each with its address."""

import itertools
import math
from collections.abc import Sequence
from typing import Literal

from chainrule.plots.all_marks import AnyMark
from chainrule.plots.axes import Axis
from chainrule.plots.chart import Chart
from chainrule.plots.marks import Curve, Writing
from chainrule.plots.network.columns import column_marks
from chainrule.plots.network.edges import bias_edges, numbers_on, weight_edges
from chainrule.plots.network.layers import DrawnLayer
from chainrule.plots.network.layout import MOST_NEURONS, NetworkLayout, network_layout
from chainrule.plots.ticks import count_text

MOST_EDGES = 300
"""The most edges drawn between two layers: those with the largest weights of the neurons that are shown."""
MOST_IN_ALL, FEWEST_EDGES = 1500, 20
"""The most edges of a whole network, shared out among its pairs of layers, and the fewest that a pair then has."""
PATH_ROOM = 24.0
"""The room below the columns for a linear path, in pixels."""
NUMBERS_UP_TO = 12
"""Weights are written on the edges of networks of at most so many, biases not counted."""


def network_chart(
    layers: Sequence[DrawnLayer],
    *,
    width: float = 640.0,
    most: int = MOST_NEURONS,
    keep: Literal["largest", "ends"] = "largest",
    most_edges: int = MOST_EDGES,
    title: str = "The network",
    description: str = "",
) -> Chart:
    """Return the drawing of a network; ``width`` is that of the picture that it is laid out for.

    Edges are as wide as their weight beside the largest between the same two layers, solid and blue above 0, dashed and orange
    below. Neurons are filled by their value beside the largest of their layer. What is left out is said in the note.
    """
    layout = network_layout(layers, width, most=most, keep=keep)
    marks: list[AnyMark] = []
    drawn, known, numbered = 0, 0, _numbered(layers)
    most_edges = min(most_edges, max(FEWEST_EDGES, MOST_IN_ALL // (len(layers) - 1)))
    for before, after in itertools.pairwise(layout.columns):
        edges, count = weight_edges(before, after, most_edges, layout)
        biases = bias_edges(before, after, layout)
        drawn += len(edges) if count else 0
        known += count
        marks += [edges, biases]
        if numbered and count:
            marks.append(numbers_on([edges, biases]))
    marks += [mark for column in layout.columns for mark in column_marks(column, layout)]
    marks += _path_marks(layout)
    marks = [mark for mark in marks if len(mark)]
    sizes = "-".join(str(layer.size) for layer in layers)
    note = _note(layout, drawn, known, keep)
    words = (
        description or f"A network of sizes {sizes}, from the inputs on the left to the answer on the right."
    )
    height = layout.height + (PATH_ROOM if layers[-1].path else 0.0)
    x, y = Axis(0.0, layout.width, shown=False, grid=False), Axis(height, 0.0, shown=False, grid=False)
    return Chart(
        title,
        f"{words} {note}".strip(),
        x,
        y,
        tuple(marks),
        note,
        aspect=height / layout.width,
        legend="none",
    )


def _path_marks(layout: NetworkLayout) -> list[AnyMark]:
    """Return the linear path as one line below all columns, from the inputs to the last layer, with its name."""
    first, last = layout.columns[0], layout.columns[-1]
    if not last.layer.path:
        return []
    low = layout.height + PATH_ROOM - 6
    ends = [
        max([*column.y, *([column.gap_y] if math.isfinite(column.gap_y) else [])]) for column in (first, last)
    ]
    x = (first.x, first.x, last.x, last.x)
    y = (ends[0] + layout.radius + 4, low, low, ends[1] + layout.radius + 4)
    label = Writing(
        ((first.x + last.x) / 2,), (low - 5,), (last.layer.path,), size=11.0, color="quiet", plate=True
    )
    return [Curve(x, y, color="quiet", width=1.5), label]


def _note(layout: NetworkLayout, drawn: int, known: int, keep: str) -> str:
    said = []
    if drawn < known:
        said.append(f"{count_text(drawn)} of {count_text(known)} weights are drawn, the largest.")
    if any(column.hidden for column in layout.columns):
        which = "with the largest weights" if keep == "largest" else "at the ends"
        marked = any(any(column.layer.flags) for column in layout.columns if column.hidden)
        also = ", and up to half as many of those marked," if marked and keep == "largest" else ""
        said.append(f"Of large layers, the neurons {which}{also} are drawn.")
    if known:
        said.append("Width: |weight|; solid blue: above 0, dashed orange: below.")
    if any(column.layer.bias for column in layout.columns) and not any(
        math.isfinite(column.bias_y) for column in layout.columns
    ):
        said.append("Short lines from below: biases.")
    told = {"dead": "Crossed out: dead", "saturated": "Second ring: saturated"}
    for flag, words in told.items():
        counts = [(column.layer, column.layer.flags.count(flag)) for column in layout.columns]
        where = [f"{n} of {layer.size} in layer {layer.number}" for layer, n in counts if n]
        said += [f"{words}, {', '.join(where)}."] if where else []
    return " ".join(said)


def _numbered(layers: Sequence[DrawnLayer]) -> bool:
    sizes = [layer.size for layer in layers]
    return sum(a * b for a, b in itertools.pairwise(sizes)) <= NUMBERS_UP_TO and not any(
        layer.block for layer in layers
    )
