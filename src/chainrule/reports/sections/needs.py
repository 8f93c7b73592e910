"""The part of a report about columns: how much the model needs each, and how answers depend on the first of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.explain.columns.dependence import Dependence, dependence
from chainrule.explain.columns.dependence_shown import dependence_picture
from chainrule.explain.columns.importance import Importance, importance
from chainrule.explain.columns.importance_shown import importance_document
from chainrule.explain.columns.numbers import alike_numbers
from chainrule.explain.show.document import Block, Picture, TableBlock, Words
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.kinds.curves import curves_chart
from chainrule.reports.part import ReportPart
from chainrule.reports.reported import Reported

MOST_SHOWN = 2
"""The columns whose effects are drawn."""

MOST_CURVES = 6
"""The classes whose means are drawn in one plot: those that move most."""

MOST_SPOTS = 30
"""Of more places of a column every second one is drawn for several classes."""

LINES = 12
"""The single rows drawn behind a mean."""


def needed(subject: Reported) -> Importance | None:
    """Return the importance of the columns on the scored rows, or those drawn of them; None without a target."""
    if subject.evaluation is None:
        return None
    sample = subject.sample
    found = importance(subject.model, sample.part, seed=subject.seed)
    return replace(found, of=sample.words)


def first_columns(subject: Reported, found: Importance | None) -> list[str]:
    """Return the columns, the most important first; in the model's order where that isn't known."""
    if found is None:
        return [column.name for column in subject.model.encoder.columns]
    order = np.argsort(-np.nan_to_num(found.values, nan=-np.inf), kind="stable")
    return [found.names[i] for i in order]


def importance_part(subject: Reported, found: Importance | None) -> ReportPart | None:
    """Return what shuffling each column costs, beside the mean of absolute attributions."""
    if found is None:
        return None
    document = importance_document(found, subject.name, subject.table.name)
    doubts = []
    if all(not one.counts for one in found.columns):
        doubts.append(
            "no single column is missed when it is shuffled: columns stand in for each other, or rows are too few"
        )
    blocks = (Words(f"On {found.of}:"), *map(_twin, document.blocks))
    return ReportPart("importance", "Which columns it needs", blocks, found.to_dict(), tuple(doubts))


def dependence_part(subject: Reported, columns: Sequence[str]) -> ReportPart | None:
    """Return how answers depend on the first columns."""
    blocks: list[Block] = []
    data: dict[str, Any] = {}
    of = ""
    for name in columns[:MOST_SHOWN]:
        found = dependence(subject.model, subject.table, name, seed=subject.seed)
        assert isinstance(found, Dependence)
        found = _fewer_lines(found)
        blocks += [Picture(effects_chart(found)), Words(moves(found))]
        data[name] = found.to_dict()
        of = found.of
    if not blocks:
        return None
    legend = Words(
        f"Mean answers over {of}, where each row keeps its other cells and only this one is set (partial dependence). Where "
        "columns go together, some of these rows are like none that there is.",
        "dim",
    )
    return ReportPart("dependence", "What the first columns do", (*blocks, legend), data)


def moves(found: Dependence) -> str:
    """Say how each mean moves, those that move most first."""
    told = []
    for curve in sorted(found.curves, key=lambda one: -one.moves)[:MOST_CURVES]:
        write = alike_numbers(curve.mean)
        low, high = int(np.argmin(curve.mean)), int(np.argmax(curve.mean))
        ends = [f"{write(curve.mean[i])} at {found.places.texts[i]}" for i in sorted((low, high))]
        told.append(
            f"{curve.quantity} from {' to '.join(ends)}" if curve.moves else f"{curve.quantity} doesn't move"
        )
    return f"By {found.places.column}: {'; '.join(told)}."


def _twin(block: Block) -> Block:
    """Return a table as that of the picture before it; anything else as it is."""
    return replace(block, of_picture=True) if isinstance(block, TableBlock) else block


def effects_chart(found: Dependence) -> Chart | Charts:
    """Return the means of several classes over a number in one plot, anything else with single rows."""
    places, curves = found.places, sorted(found.curves, key=lambda one: -one.moves)
    if not places.values or len(curves) < 2 or any(not one.quantity.startswith("P(") for one in curves):
        return dependence_picture(found)
    shown = [one for one in found.curves if one in curves[:MOST_CURVES]]
    every = slice(None, None, 2 if len(places.values) > MOST_SPOTS else 1)
    return curves_chart(
        {one.short: one.mean[every] for one in shown},
        x=places.values[every],
        x_label="year" if places.kind == "datetime" else places.column,
        y_label="mean probability",
        title=f"Mean probability of each class by {places.column}",
        log=False,
    )


def _fewer_lines(found: Dependence) -> Dependence:
    """Return a dependence on a number with fewer single rows, evenly chosen: a page is to stay small."""
    if not found.places.values:
        return found
    kept = np.unique(
        np.linspace(0, len(found.numbers) - 1, min(LINES, len(found.numbers))).round().astype(int)
    )
    curves = tuple(replace(one, lines=tuple(one.lines[i] for i in kept)) for one in found.curves)
    return replace(found, curves=curves, numbers=tuple(found.numbers[i] for i in kept))
