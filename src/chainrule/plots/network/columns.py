"""The columns of a drawn network: neurons or a block, their names, what is left out."""

import math
from typing import Literal

from chainrule.plots.all_marks import AnyMark
from chainrule.plots.marks import Writing
from chainrule.plots.network.layout import NetworkLayout, PlacedLayer, half_width, middle_of, more_text
from chainrule.plots.network.marks import Boxes, Neurons
from chainrule.plots.ticks import short_number
from chainrule.plots.widths import text_width, wrap

_Anchor = Literal["start", "middle", "end"]
_SMALLEST = 9.0


def column_marks(column: PlacedLayer, layout: NetworkLayout) -> list[AnyMark]:
    """Return the marks of a column."""
    made: list[AnyMark] = [_block(column, layout)] if column.layer.block else [_neurons(column, layout)]
    if column.names:
        made.append(_names(column, layout))
    if column.hidden:
        made.append(_dots(column, layout))
    if math.isfinite(column.bias_y):
        told = ("1, what the bias is multiplied by",)
        made.append(
            Neurons((column.x,), (column.bias_y,), (math.nan,), 1.0, layout.radius, ("1",), square=True, names=told)
        )  # fmt: skip
    if column.header:
        made.append(_header(column, layout))
    return made


def _block(column: PlacedLayer, layout: NetworkLayout) -> Boxes:
    half, middle, block = half_width(column, layout), middle_of(layout), column.layer.block
    lines = [line for part in block.split("\n") for line in wrap(part, 2 * half - 8, 11.0)]
    tall = 15 * len(lines) / 2 + 10
    x, y = column.x, middle
    whole = block.replace("\n", ", ")
    return Boxes((x - half,), (y - tall,), (x + half,), (y + tall,), ("\n".join(lines),), (whole,))


def _neurons(column: PlacedLayer, layout: NetworkLayout) -> Neurons:
    layer, shown = column.layer, column.shown
    known = [abs(value) for value in layer.values if math.isfinite(value)]
    values = tuple(layer.values[i] for i in shown) if layer.values else (math.nan,) * len(shown)
    inside = tuple(
        short_number(value, 2) if layer.values else str(i + 1) for i, value in zip(shown, values, strict=True)
    )
    if max((text_width(text, _SMALLEST) for text in inside), default=0.0) > 2 * layout.radius - 3:
        inside = ()  # all or none
    addresses = tuple(layer.address(i) for i in shown)
    names = [
        f"{layer.names[i]} {address}" if layer.names else address
        for i, address in zip(shown, addresses, strict=True)
    ]
    flags = tuple(layer.flags[i] for i in shown) if layer.flags else ()
    return Neurons(
        (column.x,) * len(shown), column.y, values, max(known, default=1.0) or 1.0, layout.radius, inside, flags,
        names=tuple(names), addresses=addresses,
    )  # fmt: skip


def _is_first(column: PlacedLayer, layout: NetworkLayout) -> bool:
    return column is layout.columns[0]


def _names(column: PlacedLayer, layout: NetworkLayout) -> Writing:
    """Return the names beside an outer column, and the whole ones where they are cut."""
    first = _is_first(column, layout)
    whole = tuple(column.layer.names[i] for i in column.shown)
    return Writing(
        (column.x,) * len(whole), column.y, column.names, "end" if first else "start",
        dx=(-1 if first else 1) * (layout.radius + 7), names=whole if whole != column.names else (),
    )  # fmt: skip


def _dots(column: PlacedLayer, layout: NetworkLayout) -> Writing:
    """Return how many neurons are left out, where they would stand."""
    first, last = _is_first(column, layout), column is layout.columns[-1]
    anchor: _Anchor = "end" if first else "start" if last else "middle"
    aside = layout.radius + 7 if column.names else -layout.radius
    dx = {"end": -aside, "start": aside, "middle": 0.0}[anchor]
    text = more_text(column.hidden, layout.step - 8)
    return Writing((column.x,), (column.gap_y,), (text,), anchor, dx=dx, size=11.0, color="quiet", plate=True)


def _header(column: PlacedLayer, layout: NetworkLayout) -> Writing:
    lines = column.header
    half = max(text_width(line, 11) for line in lines) / 2
    anchor: _Anchor = "start" if column.x < half else "end" if column.x + half > layout.width else "middle"
    x = {"start": 0.0, "end": layout.width, "middle": column.x}[anchor]
    places = tuple(9.0 + 13 * k for k in range(len(lines)))
    return Writing((x,) * len(lines), places, lines, anchor, size=11.0, color="quiet")
