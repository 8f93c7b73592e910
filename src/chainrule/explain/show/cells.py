"""The network at a glance: one block of cells per layer, each cell a number of the trace at its address."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any, TypeAlias

from chainrule._numbers import DIGITS, number_text
from chainrule._types import FloatArray
from chainrule.explain.show.showing import Showing
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.records import StepTrace
from chainrule.explain.trace.trace import Trace
from chainrule.formula.names import spoken

Arrays: TypeAlias = Iterable[tuple[str, FloatArray]]

MOST_WRITTEN = 24
"""The most neurons of a layer whose numbers are written in their cells; larger layers are patterns of shades."""

MOST_CELLS = 4096
"""The most cells of a block; of a larger layer the first are shown, and how many more there are."""


def cells_title(trace: Trace, place: Address) -> str:
    """Return the title of the network; it says which row it is shown on where there are several."""
    rows = trace.step(place).rows
    if len(rows) == 1:
        return "The network"
    shown = f"row {place.row}" if place.row in rows else f"row {rows[0]}, the first of {len(rows)}"
    return f"The network on {shown}"


def cells(trace: Trace, place: Address, explained: Collection[str], showing: Showing) -> list[dict[str, Any]]:
    """Return a block for the inputs and for each layer, as plain data.

    ``place`` says which step and row; ``explained`` are the addresses that the page works out, which are marked.
    """
    step = trace.step(place)
    row = step.rows.index(place.row) if place.row in step.rows else 0
    number = step.rows[row] if len(step.rows) > 1 else None
    when = step.number if len(trace.steps) > 1 else None

    def block(title: str, activation: str, layer: int | None, arrays: Arrays) -> dict[str, Any]:
        strips = [
            _strip(Address(name, layer, step=when, row=number), values[row], explained, showing)
            for name, values in arrays
        ]
        return {"title": title, "activation": activation, "size": strips[0]["size"], "strips": strips}

    made = [block("Inputs", "", None, [("x", step.record.x)])]
    for index, layer in enumerate(trace.network.layers, 1):
        title = showing.words(f"Layer {index}") + ", the output" * (index == len(trace.network.layers))
        made.append(block(title, spoken(layer.activation.name), index, _arrays(step, index)))
    return made


def _arrays(step: StepTrace, layer: int) -> Arrays:
    record = step.record.layers[layer - 1]
    yield "z", record.z
    yield "a", record.a
    if record.mask is not None:
        yield "h", record.h
    if step.gradients is not None:
        yield "delta", step.gradients.layers[layer - 1].delta


def _strip(
    whole: Address, values: FloatArray, explained: Collection[str], showing: Showing
) -> dict[str, Any]:
    largest = max((abs(value) for value in values.tolist() if math.isfinite(value)), default=0.0) or 1.0
    written = len(values) <= MOST_WRITTEN
    digits = min(showing.digits, DIGITS)
    made = []
    for place, value in enumerate(values[:MOST_CELLS].tolist(), 1):
        address = str(replace(whole, index=(place,)))
        # How strong the shade is: in tenths, which is all an eye can tell.
        shade = round(10 * value / largest) if math.isfinite(value) else 0
        shown = number_text(value, digits).replace("-", "−") if written else ""
        cell = {"address": address, "value": repr(value), "shown": shown, "shade": shade}
        made.append(cell | {"explained": address in explained})
    side = math.isqrt(len(values))
    return {
        "name": whole.name,
        "words": whole.quantity.words,
        "address": str(whole),
        "size": len(values),
        "cells": made,
        "written": written,
        "more": max(0, len(values) - MOST_CELLS),
        # Inputs that are an image of n × n pixels look like it.
        "columns": side if whole.name == "x" and not written and side * side == len(values) else 0,
    }
