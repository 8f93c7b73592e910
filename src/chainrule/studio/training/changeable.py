"""What can be changed at an address, as the page offers it: a number and its mark, an activation, a rate, a cell of the row."""

from __future__ import annotations

import math
from typing import Any

from chainrule.equations.activations import ACTIVATIONS
from chainrule.explain.trace.address import PARAMETERS, Address
from chainrule.studio.shown.looking import Look

MOST_WORDS = 50
"""The most words of a column that are proposed."""


def change_of(look: Look, place: Address) -> dict[str, Any] | None:
    """Return what an edit at an address would be: its kind with what it is about, and what stands there; None for none."""
    course, layer = look.course, place.layer
    if place.is_whole:
        return None
    if place.name in PARAMETERS:
        own = f"{place.name}[{','.join(map(str, place.index))}]"
        value = float(look.state.parameters[course.layout.place(place.number, own, "address")])
        reach = 2.0 ** math.ceil(math.log2(max(1.0, 1.5 * abs(value)))) if math.isfinite(value) else 1.0
        frozen = None if course.shares or not place.number else str(place.plain) in course.frozen
        return {
            "kind": "number",
            "address": str(place.plain),
            "value": value,
            "reach": reach,
            "frozen": frozen,
        }
    if place.name == "eta":
        return {"kind": "setting", "name": "learning_rate", "value": course.plan.learning_rate}
    if place.name in ("a", "z", "f'", "h") and layer and layer < len(course.network.layers):
        choices = [name for name, one in ACTIVATIONS.items() if not one.output_only]
        return {
            "kind": "activation", "layer": layer, "value": course.network.layers[layer - 1].activation.spec,
            "choices": choices,
        }  # fmt: skip
    if place.name in ("x", "y", "a", "h") and not (
        place.name in ("a", "h") and (layer or course.network.features)
    ):
        return _cell(look, "y" if place.name == "y" else "x", place.index[-1])
    return None


def _cell(look: Look, side: str, number: int) -> dict[str, Any] | None:
    """Return the change of the cell that an input, or a target, of the row comes from."""
    course = look.course
    at = course.places[look.row]
    if course.reads is None or not course.encoded:
        array = course.data.x if side == "x" else course.data.y
        found = {"column": f"{side}[{number}]", "value": float(array[at, number - 1]), "choices": []}
    elif side == "x":
        columns = [(column, neuron) for column in course.reads.encoder.columns for neuron in column.inputs]
        column = columns[number - 1][0]
        words = list(map(str, column.levels[:MOST_WORDS])) if column.kind == "category" else []
        found = {"column": column.name, "value": course.row_table(at).cell(0, column.name), "choices": words}
    else:
        target = course.reads.target
        part = target.parts[0 if len(target.parts) == 1 else number - 1]
        value = course.row_table(at).cell(0, part.name)
        found = {"column": part.name, "value": value, "choices": list(map(str, part.labels))[:MOST_WORDS]}
    return {"kind": "cells", "row": look.row, **found}
