"""The update, place by place: the rows' parts add up, the optimizer's lines with its memory, before and after, the new cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from chainrule._numbers import number_text
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.trace import Trace
from chainrule.studio.shown.told import gradient_told, parts_of_rows, update_told
from chainrule.studio.stages.backward import parameter_at
from chainrule.studio.stages.base import Sight, StageTerm, stage


def _batch_sum(sight: Sight) -> dict[str, Any]:
    look, about = sight.look, parameter_at(sight)
    trace = look.batch or look.picked
    step, name = trace.steps[0], f"dC/d{about.name}"
    address = Address(name, about.layer, about.index)
    terms = []
    if len(step.rows) > 1:
        parts = parts_of_rows(trace, about)
        terms = [
            StageTerm(f"{address}@row={row}", ((f"{address}@row={row}", float(part)),))
            for row, part in zip(step.rows, parts, strict=True)
        ]
    total = trace.number(trace.resolve(address))
    n = len(step.rows)
    title, said = f"The batch is one row: {sight.name(address)}", "The row's part is all of it."
    if n > 1:
        title = f"{n} rows add up: {sight.name(address)}"
        said = f"Each row of the batch has its part; the parts of all {n} add up."
    said = " ".join([said, *gradient_told(look, trace, address, sight.naming, tells_update=False)])
    return stage(
        sight,
        address,
        title,
        said=said,
        terms=terms,
        done=len(terms),
        total=total,
        trace=trace,
        difference=True,
        lit=[str(about)],
    )


def _updated(sight: Sight) -> dict[str, Any]:
    look, about = sight.look, parameter_at(sight)
    trace = look.batch or look.picked
    address = replace(about, name=f"{about.name}_new")
    update = trace.steps[0].update
    assert update is not None
    title = f"The update: {sight.name(about)} becomes {sight.name(address)}"
    said = f"The optimizer {update.settings.optimizer.spec} makes a step of the derivative, by its lines."
    if trace is look.batch:
        slope = trace.number(trace.resolve(replace(about, name=f"dC/d{about.name}")))
        said = " ".join([said, *update_told(look, about, sight.name(about), slope)])
    more = [_before_after(sight, trace, about)]
    return stage(sight, address, title, said=said, trace=trace, whole=True, lit=[str(about)], more=more)


def _before_after(sight: Sight, trace: Trace, about: Address) -> list[Any]:
    """Return the table before | change | after of a parameter and of the optimizer's memory of it."""
    update = trace.steps[0].update
    assert update is not None
    names = [(str(about), str(replace(about, name=f"{about.name}_new")))]
    for name in update.before.arrays:
        names.append((f"{name}/d{about}", f"{name}_new/d{about}"))

    def cell(address: str, value: float) -> list[Any]:
        return ["td", {"data-address": address, "data-value": repr(value)}, number_text(value)]

    rows = []
    for before, after in names:
        old, new = trace[before], trace[after]
        change = ["td", {"data-value": repr(new - old)}, number_text(new - old)]
        rows.append(
            [
                "tr",
                {},
                ["th", {"scope": "row"}, sight.name(before)],
                cell(before, old),
                change,
                cell(after, new),
            ]
        )
    head = [["th", {"scope": "col"}, word] for word in ("", "before", "change", "after")]
    return ["table", {"class": "before-after"}, ["thead", {}, ["tr", {}, *head]], ["tbody", {}, *rows]]


def _stage_updated(sight: Sight) -> dict[str, Any]:
    trace = sight.look.batch or sight.look.picked
    slot = next(slot for slot in trace.layout.slots if slot.layer == 0)
    address = Address(f"{slot.name}_new", 0, (1,) * len(slot.shape))
    return stage(
        sight,
        address,
        "The update of the feature stage",
        said="Its parameters change by the same lines; this is the first of them.",
        trace=trace,
        whole=True,
    )


def _cost_after(sight: Sight) -> dict[str, Any]:
    trace = sight.look.batch or sight.look.picked
    return stage(
        sight,
        Address("C_new"),
        "The cost after the update",
        said="The same rows with the new weights: did the step help?",
        trace=trace,
        whole=True,
    )


UPDATE: Mapping[tuple[str, str], Callable[[Sight], dict[str, Any]]] = {
    ("update", "sum"): _batch_sum,
    ("update", "new"): _updated,
    ("update", "stage"): _stage_updated,
    ("update", "C_new"): _cost_after,
}
"""What each kind of place of the update shows, by its pass and step."""
