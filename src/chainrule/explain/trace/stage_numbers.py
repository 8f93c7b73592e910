"""Where the numbers of the feature stage are: which input and output belongs to what, and arrays by address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chainrule._types import Array
from chainrule.equations.features import Features
from chainrule.errors import SettingsError
from chainrule.explain.trace.address import Address

if TYPE_CHECKING:
    from chainrule.explain.trace.records import StepTrace


class Output(NamedTuple):
    """Where an output of the stage comes from: its group's kind, first column (from 0) and row of numbers, and its place.

    ``number`` counts the numbers, or the rows of E before the category's (from 0); ``place`` the outputs of the group.
    """

    kind: str
    column: int
    size: int
    number: int
    place: int


def output_of(features: Features, j: int) -> Output:
    """Return where output j (from 1) comes from."""
    column = first = numbers = levels = 0
    for group in features.groups:
        size = features.outputs_of(group)
        if j - 1 < first + size:
            number = {"number": numbers, "category": levels, "plain": 0}[group.kind]
            return Output(group.kind, column, group.size, number, j - 1 - first)
        numbers += group.kind == "number"
        levels += group.size if group.kind == "category" else 0
        column, first = column + group.size, first + size
    raise AssertionError(f"the stage has no output {j}")


def outputs_of_number(features: Features, i: int) -> list[int]:
    """Return the outputs (from 1) of number i (from 1): the number itself, then its embedding."""
    first = int(features.places.copied_to[_copy_of(features, i)]) + 1
    return list(range(first, first + 1 + features.width))


def _copy_of(features: Features, i: int) -> int:
    return int(np.flatnonzero(features.places.copied == features.places.numbers[i - 1])[0])


def column_of_number(features: Features, i: int) -> int:
    """Return the input (from 1) that number i (from 1) is."""
    return int(features.places.numbers[i - 1]) + 1


def level_of(features: Features, r: int) -> tuple[int, list[int]]:
    """Return the input (from 1) of row r of E (from 1), and the outputs (from 1) of its category."""
    for columns, rows, to in zip(
        features.places.levels, features.places.level_rows, features.places.level_to, strict=True
    ):
        if rows.start < r <= rows.stop:
            return columns.start + r - rows.start, list(range(to.start + 1, to.stop + 1))
    raise AssertionError(f"E has no row {r}")


def of_input(features: Features, i: int) -> Output:
    """Return what input i (from 1) is: its group, whose ``place`` is then the input's place in it (from 0)."""
    column = numbers = levels = 0
    for group in features.groups:
        if i - 1 < column + group.size:
            number = {"number": numbers, "category": levels, "plain": 0}[group.kind]
            return Output(group.kind, column, group.size, number, i - 1 - column)
        numbers += group.kind == "number"
        levels += group.size if group.kind == "category" else 0
        column += group.size
    raise AssertionError(f"there is no input {i}")


def output_of_input(features: Features, i: int) -> int:
    """Return the output (from 1) that an input (from 1) that is no category enters as it is."""
    return int(features.places.copied_to[np.flatnonzero(features.places.copied == i - 1)[0]]) + 1


def stage_array(features: Features, step: StepTrace, p: Mapping[str, Array], name: str) -> Array | None:
    """Return what a name at layer 0 has for all rows, rows first, or None where the trace has no such numbers."""
    record = step.record.stage
    back = None if step.gradients is None else step.gradients.stage
    if record is None:
        return None
    whole: dict[str, Array | None] = {
        "a": record.a,
        "e": record.e,
        "dC/da": back and back.da,
        "dC/de": back and back.de,
    }
    if name in whole:
        return whole[name]
    if name in ("u", "dC/du"):
        of_cosines = record.u if name == "u" else back and back.du
        return None if of_cosines is None else np.moveaxis(of_cosines, -3, -2)
    return features.slopes(p, step.record.x, record).get(name)


def limits_of(features: Features, place: Address) -> tuple[int, ...]:
    """Return the largest index of each kind that a name of the stage has; raises SettingsError where it has none."""
    shapes = features.shapes()
    name = place.parameter or {"du/df": "f", "du/dphi": "f", "du/dx": "f", "u": "f", "dC/du": "f"}.get(
        place.name, ""
    )
    if name in shapes:
        return shapes[name]
    if place.name in ("e", "dC/de"):
        return (features.n_outputs,)
    raise SettingsError(f"{place}: the feature stage has {', '.join(shapes) or 'no parameters'}")
