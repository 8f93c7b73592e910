"""Where the numbers of the feature stage are: which input and output belongs to what, and arrays by address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chainrule._types import Array
from chainrule.equations.features import Features
from chainrule.errors import SettingsError
from chainrule.explain.trace.address import Address

if TYPE_CHECKING:
    from chainrule.explain.trace.records import StepTrace


class Span(NamedTuple):
    """A group of the stage: its input columns and its outputs (from 1), and its place among those of its kind.

    ``before`` counts the numbers before a number, and the rows of E before a category's.
    """

    kind: str
    columns: range
    outputs: range
    before: int


def spans(features: Features) -> Iterator[Span]:
    """Yield the groups in order."""
    column = output = 1
    before = {"number": 0, "category": 0, "plain": 0}
    for group in features.groups:
        width = features.outputs_of(group)
        columns, outputs = range(column, column + group.size), range(output, output + width)
        yield Span(group.kind, columns, outputs, before[group.kind])
        before[group.kind] += group.size
        column, output = columns.stop, outputs.stop


def span_of_output(features: Features, j: int) -> Span:
    """Return the group that output j (from 1) comes from."""
    return next(span for span in spans(features) if j in span.outputs)


def span_of_input(features: Features, i: int) -> Span:
    """Return the group of input i (from 1)."""
    return next(span for span in spans(features) if i in span.columns)


def span_of_index(features: Features, kind: str, r: int) -> Span:
    """Return the group of number r, or of row r of E (from 1): number 3 is the third group of numbers."""
    return next(
        span for span in spans(features) if span.kind == kind and 0 < r - span.before <= len(span.columns)
    )


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
    of_cosines = place.name in ("du/df", "du/dphi", "du/dx", "u", "dC/du")
    name = place.parameter or ("f" if of_cosines else "")
    if name in shapes:
        return shapes[name]
    if place.name in ("e", "dC/de"):
        return (features.n_outputs,)
    raise SettingsError(f"{place}: the feature stage has {', '.join(shapes) or 'no parameters'}")
