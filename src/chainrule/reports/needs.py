"""The part of a report about columns: how much the model needs each, and how answers depend on the first of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.explain.columns.dependence import Dependence, dependence
from chainrule.explain.columns.dependence_shown import dependence_document
from chainrule.explain.columns.importance import Importance, importance
from chainrule.explain.columns.importance_shown import importance_document
from chainrule.explain.show.document import Block, Picture, Section
from chainrule.reports.part import Part
from chainrule.reports.subject import Subject

MOST_SHOWN = 3
"""The columns whose effects are drawn."""

LINES = 12
"""The single rows drawn behind a mean."""


def needed(subject: Subject) -> Importance | None:
    """Return the importance of the columns on the scored rows, or those drawn of them; None without a target."""
    if subject.evaluation is None:
        return None
    sample = subject.sample
    found = importance(subject.model, sample.part, seed=subject.seed)
    return replace(found, of=sample.words)


def first_columns(subject: Subject, found: Importance | None) -> list[str]:
    """Return the columns, the most important first; in the model's order where that isn't known."""
    if found is None:
        return [column.name for column in subject.model.encoder.columns]
    order = np.argsort(-np.nan_to_num(found.values, nan=-np.inf), kind="stable")
    return [found.names[i] for i in order]


def importance_part(subject: Subject, found: Importance | None) -> Part | None:
    """Return what shuffling each column costs, beside the mean of absolute attributions."""
    if found is None:
        return None
    document = importance_document(found, subject.name, subject.table.name)
    doubts = []
    if all(not one.counts for one in found.columns):
        doubts.append(
            "no single column is missed when it is shuffled: columns stand in for each other, or rows are too few"
        )
    return Part(
        "importance", f"What it needs, on {found.of}", document.blocks, found.to_dict(), tuple(doubts)
    )


def dependence_part(subject: Subject, columns: Sequence[str]) -> Part | None:
    """Return how answers depend on the first columns."""
    blocks: list[Block] = []
    data: dict[str, Any] = {}
    legend: Block | None = None
    for name in columns[:MOST_SHOWN]:
        found = dependence(subject.model, subject.table, name, seed=subject.seed)
        assert isinstance(found, Dependence)
        found = _fewer_lines(found)
        document = dependence_document(found, subject.name, subject.table.name)
        *shown, said, legend = document.blocks
        pictures = tuple(block for block in shown if isinstance(block, Picture))
        blocks.append(Section(name, (*pictures, said)))
        data[name] = found.to_dict()
    if legend is None:
        return None
    title = f"How answers depend on {_listed(columns[:MOST_SHOWN])}"
    return Part("dependence", title, (*blocks, legend), data)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _fewer_lines(found: Dependence) -> Dependence:
    """Return a dependence with fewer single rows, evenly chosen: a page is to stay small."""
    kept = np.unique(
        np.linspace(0, len(found.numbers) - 1, min(LINES, len(found.numbers))).round().astype(int)
    )
    curves = tuple(replace(one, lines=tuple(one.lines[i] for i in kept)) for one in found.curves)
    return replace(found, curves=curves, numbers=tuple(found.numbers[i] for i in kept))
