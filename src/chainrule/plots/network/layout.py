"""Where the parts of a network stand: the one layout, for pictures and for pages that move.

Layers are columns from left to right, equally far apart. Of a layer with more neurons than fit, those with the largest weights
are shown, in their order, or the first and last; a line of dots says how many are left out. Geometry is computed here, from
sizes and texts alone, and never read back from a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from chainrule.plots.marks import Numbers
from chainrule.plots.network.layers import DrawnLayer, checked
from chainrule.plots.widths import cut_apart, text_width, wrap

MOST_NEURONS = 16
"""The most neurons of a layer that are drawn, unless asked otherwise."""
BIAS_NODES_UP_TO = 6
"""Layers of at most so many neurons have their bias as a square with edges; larger ones a short line into each neuron."""
SIZE = 12.0
_LARGEST_RADIUS, _ROW, _LOOSE_ROW = 17.0, 40.0, 58.0


@dataclass(frozen=True)
class PlacedLayer:
    """A column: which neurons are shown, and where; ``gap_y`` is where the dots stand, nan if all are shown."""

    layer: DrawnLayer
    x: float
    shown: tuple[int, ...]
    y: Numbers
    gap_y: float
    names: tuple[str, ...]
    header: tuple[str, ...]
    bias_y: float
    """Where the square of the bias of the *next* layer stands, nan without."""

    @property
    def hidden(self) -> int:
        """Return how many neurons are left out."""
        return 0 if self.layer.block else self.layer.size - len(self.shown)


@dataclass(frozen=True)
class NetworkLayout:
    """All columns, in pixels; y counts from above."""

    width: float
    height: float
    radius: float
    columns: tuple[PlacedLayer, ...]
    step: float
    """From one column to the next."""


def network_layout(
    layers: Sequence[DrawnLayer],
    width: float = 640.0,
    *,
    most: int = MOST_NEURONS,
    keep: Literal["largest", "ends"] = "largest",
) -> NetworkLayout:
    """Return where a network's neurons stand in a picture that is ``width`` pixels wide."""
    layers, width = checked(layers), float(width)
    shown = [_chosen(layers, i, most, keep) for i in range(len(layers))]
    squares = has_bias_nodes(layers)
    rows = [_rows(layer, chosen) for layer, chosen in zip(layers, shown, strict=True)]
    extra = [squares and i + 1 < len(layers) and bool(layers[i + 1].bias) for i in range(len(layers))]
    tallest = max(n + e for n, e in zip(rows, extra, strict=True))
    row = _LOOSE_ROW if tallest <= 4 else _ROW if tallest <= 7 else max(19.0, 280 / tallest)
    left, right = (
        _gutter(layer, chosen, 0.26 * width)
        for layer, chosen in ((layers[0], shown[0]), (layers[-1], shown[-1]))
    )
    # A title over the outer columns may reach over the gutters, but not past the picture.
    radius = min(_LARGEST_RADIUS, 0.4 * row, max(4.0, 0.16 * (width - left - right) / len(layers)))
    left, right = max(left, 34.0) + radius, max(right, 34.0) + radius
    step = (width - left - right) / (len(layers) - 1)
    headers = [
        tuple(line for part in _titles(layer) for line in wrap(part, step - 5, 11.0))[:4] for layer in layers
    ]
    top = max(len(h) for h in headers) * 13.0 + 10 if any(headers) else 4.0
    height = top + tallest * row
    columns = []
    for i, (layer, chosen) in enumerate(zip(layers, shown, strict=True)):
        count = rows[i] + extra[i]
        first = top + (tallest - count) * row / 2 + row / 2
        places = [first + row * k for k in range(rows[i])]
        gap_y, bias_y = float("nan"), places[-1] + row if extra[i] else float("nan")
        if not layer.block and len(chosen) < layer.size:
            where = (len(chosen) + 1) // 2 if keep == "ends" else len(chosen)
            gap_y = places.pop(where)
        names = (
            cut_apart([layer.names[j] for j in chosen], 0.26 * width - 6, SIZE)
            if layer.names and i in (0, len(layers) - 1)
            else ()
        )
        if layer.block:
            places = []
        columns.append(
            PlacedLayer(
                layer, left + step * i, chosen, tuple(places), gap_y, tuple(names), headers[i], bias_y
            )
        )
    return NetworkLayout(width, height, radius, tuple(columns), step)


def has_bias_nodes(layers: Sequence[DrawnLayer]) -> bool:
    """Return whether biases are drawn as squares with edges."""
    return all(layer.size <= BIAS_NODES_UP_TO and not layer.block for layer in layers)


def _titles(layer: DrawnLayer) -> list[str]:
    """Return the lines above a column, before they are wrapped."""
    states = [("frozen", layer.frozen), ("shared", layer.shared)]
    return [*layer.title.split("\n"), *(word for word, holds in states if holds)]


def _rows(layer: DrawnLayer, shown: tuple[int, ...]) -> int:
    return 1 if layer.block else len(shown) + (len(shown) < layer.size)


def _chosen(layers: Sequence[DrawnLayer], index: int, most: int, keep: str) -> tuple[int, ...]:
    """Return the neurons of a layer that are shown, rising; at most half of them because something is wrong with them."""
    layer = layers[index]
    if layer.block:
        return ()
    if layer.size <= most + 1:
        return tuple(range(layer.size))
    count = max(2, most - 1)
    if keep == "ends":
        return (*range((count + 1) // 2), *range(layer.size - count // 2, layer.size))
    weight = np.zeros(layer.size)
    if layer.weights is not None:
        weight += np.linalg.norm(layer.weights, axis=0) / (np.linalg.norm(layer.weights) or 1)
    after = layers[index + 1].weights if index + 1 < len(layers) else None
    if after is not None:
        weight += np.linalg.norm(after, axis=1) / (np.linalg.norm(after) or 1)
    order = np.argsort(-weight, kind="stable").tolist()
    flagged = [j for j in order if layer.flags and layer.flags[j]][: count // 2]
    others = [j for j in order if j not in flagged]
    return tuple(sorted([*flagged, *others[: count - len(flagged)]]))


def _gutter(layer: DrawnLayer, shown: tuple[int, ...], most: float) -> float:
    """Return the room beside an outer column that its names and its line of dots need."""
    texts = (
        cut_apart([layer.names[j] for j in shown], most - 6, SIZE) if layer.names and not layer.block else []
    )
    if layer.size > len(shown) and not layer.block:
        texts = [*texts, more_text(layer.size - len(shown), most)]
    return max((text_width(text, SIZE) + 8 for text in texts), default=0.0)


def more_text(count: int, most: float) -> str:
    """Return what is said of the neurons that are not drawn, in at most so many pixels where that can be."""
    whole = f"… {count} more"
    return whole if text_width(whole, 11) <= most else f"+{count}"


def half_width(column: PlacedLayer, layout: NetworkLayout) -> float:
    """Return half the width of a block."""
    lines = column.layer.block.split("\n")
    return min(
        max(text_width(line, 11) for line in lines) / 2 + 8,
        0.5 * layout.step + 4 if layout.step < 90 else 0.5 * layout.step - 10,
    )


def middle_of(layout: NetworkLayout) -> float:
    """Return the height at which blocks stand."""
    places = [y for column in layout.columns for y in column.y]
    return (min(places) + max(places)) / 2 if places else layout.height / 2
