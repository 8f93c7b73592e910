"""What the feature stage makes of one column: a number's embedding as curves over the column, a category's levels as rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._numbers import number_text
from chainrule.equations.features import Features, ranges
from chainrule.explain.columns.dial import dial_of
from chainrule.explain.trace.address import Address
from chainrule.plots.kinds.curves import curves_chart
from chainrule.plots.marks import Rules
from chainrule.plots.svg.draw import to_svg
from chainrule.plots.svg.page import table
from chainrule.studio.protocol.nested import Node, nested
from chainrule.studio.shown.looking import Look

PLACES = 161
"""The places along a column at which its curves are worked out."""

MOST_LEVELS = 40
"""The most levels whose rows are shown."""

WIDTH = 340.0


def group_of(stage: Features, place: Address) -> int | None:
    """Return which group of columns (from 0) a number of the stage is about; None for one that is of no single group."""
    if not place.index:
        return None
    first = place.index[0] - 1
    if place.name in ("a", "e", "s", "dC/da", "dC/de", "dC/ds") and (
        place.layer == 0 or place.name in ("e", "s")
    ):
        return _within(ranges(map(stage.outputs_of, stage.groups)), place.index[-1] - 1)
    if place.name == "x":
        return _within(ranges(group.size for group in stage.groups), first)
    kinds = [group.kind for group in stage.groups]
    if place.name.removeprefix("dC/d") in ("f", "phi", "V", "c", "u"):
        numbers = [number for number, kind in enumerate(kinds) if kind == "number"]
        return numbers[first] if first < len(numbers) else None
    if place.name.removeprefix("dC/d") == "E":
        own = [number for number, kind in enumerate(kinds) if kind == "category"]
        found = _within(ranges(stage.groups[number].size for number in own), first)
        return None if found is None else own[found]
    return None


def _within(parts: list[range], place: int) -> int | None:
    return next((number for number, part in enumerate(parts) if place in part), None)


@np.errstate(all="ignore")
def embedding_nodes(look: Look, place: Address) -> list[Node]:
    """Return the picture of what the stage makes of the column that an address is about; nothing where it makes nothing."""
    course, stage = look.course, look.course.network.features
    number = None if stage is None else group_of(stage, place)
    if stage is None or number is None or stage.groups[number].kind == "plain" or course.reads is None:
        return []
    inputs = ranges(group.size for group in stage.groups)[number]
    outputs = ranges(map(stage.outputs_of, stage.groups))[number]
    parameters = course.layout.unflatten(np.asarray(look.state.parameters, np.float64))[0]
    row = course.data.x[course.places[look.row]]
    name = course.reads.encoder.inputs[inputs.start].column
    if stage.groups[number].kind == "category":
        return _levels(look, stage, parameters, row, inputs, outputs, name)
    return _curves(look, stage, parameters, row, inputs, outputs, name)


def _curves(
    look: Look, stage: Features, parameters: Any, row: Any, inputs: range, outputs: range, name: str
) -> list[Node]:
    """Return each embedded number over the column in its units, with the row's own value."""
    course, at = look.course, inputs.start
    assert course.reads is not None
    assert course.rows is not None
    dial = dial_of(course.reads, course.rows, name)
    label, own = f"{name}, as it enters the network", float(row[at])
    encoded = course.data.x[:, at]
    along = np.linspace(float(encoded.min()), float(encoded.max()), PLACES)
    x = np.repeat(row[None], PLACES, axis=0)
    x[:, at] = along
    if dial.column.kind == "number" and len(dial.values) and dial.values[0] < dial.values[-1]:
        label = name
        along = np.linspace(float(dial.values[0]), float(dial.values[-1]), PLACES)
        # A missing cell's input is one of numbers, so the column's own are set one by one.
        x[:, dial.own] = dial.inputs(along)
        own = float(dial.of_row(course.row_table(course.places[look.row]), 0))
    made = stage.forward(parameters, x, np).a[:, outputs.start : outputs.stop]
    series = {f"a[0][{j + 1}]": made[:, k] for k, j in enumerate(outputs)}
    title = f"What the feature stage makes of {name}"
    chart = curves_chart(
        series, x=along.tolist(), title=title, x_label=label, y_label="enters layer 1", log=False,
        addresses={key: key for key in series},
    )  # fmt: skip
    if np.isfinite(own):
        chart = replace(
            chart, marks=(*chart.marks, Rules((own,), names=(f"row {look.row}: {number_text(own)}",)))
        )
    twin: Node = [
        "details",
        {"class": "as-table"},
        ["summary", {}, "As a table"],
        ["div", {"class": "twin-box"}, *nested(table(chart))],
    ]
    return [["figure", {"class": "picture", "aria-label": title}, *nested(to_svg(chart, WIDTH)), twin]]


def _levels(
    look: Look, stage: Features, parameters: Any, row: Any, inputs: range, outputs: range, name: str
) -> list[Node]:
    """Return the numbers that enter layer 1 for each level of a category, or for one of each word of a text."""
    course = look.course
    assert course.reads is not None
    counted = next(column.words for column in course.reads.encoder.columns if column.name == name)
    # The row's own are among those that are shown.
    levels = sorted(sorted(inputs, key=lambda i: not row[i])[:MOST_LEVELS])
    x = np.repeat(row[None], len(levels), axis=0)
    x[:, inputs.start : inputs.stop] = 0.0
    x[np.arange(len(levels)), levels] = 1.0 if counted is None else counted.scale.apply(np.ones(1))[0]
    made = stage.forward(parameters, x, np).a[:, outputs.start : outputs.stop]
    head: list[Any] = [["th", {"scope": "col"}, name]]
    head += [["th", {"scope": "col"}, f"a[0][{j + 1}]"] for j in outputs]
    rows: list[Any] = []
    for i, values in zip(levels, made, strict=True):
        words = course.reads.encoder.inputs[i].name.removeprefix(f"{name}: ")
        mark = {"class": "own"} if row[i] else {}
        cells = [["td", {"data-value": repr(float(value))}, number_text(float(value), 4)] for value in values]
        rows.append(
            ["tr", mark, ["th", {"scope": "row"}, words + (f" (row {look.row})" if row[i] else "")], *cells]
        )
    more, called = len(inputs) - len(levels), "levels" if counted is None else "words"
    made_of: list[Node] = [
        ["h4", {}, f"What the feature stage makes of {name}"],
        ["div", {"class": "twin-box", "tabindex": "0", "role": "group", "aria-label": f"The {called} of {name}"},
         ["table", {"class": "twin"}, ["thead", {}, ["tr", {}, *head]], ["tbody", {}, *rows]]],
    ]  # fmt: skip
    return made_of + ([["p", {"class": "quiet"}, f"and {more} more {called}"]] if more > 0 else [])
