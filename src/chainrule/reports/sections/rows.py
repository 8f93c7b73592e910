"""The part of a report about single rows: a typical one, the surest mistake, the least sure answer, each with what pushed it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._doors import setting
from chainrule._numbers import number_text
from chainrule.explain.attribute.answer import AnsweredRow, answer
from chainrule.explain.show.answer import answer_blocks
from chainrule.explain.show.document import Block, Section, TableBlock, Words
from chainrule.model.scoring import of_target
from chainrule.reports.part import ReportPart
from chainrule.reports.reported import Reported
from chainrule.training.scores.metrics import log_losses

TOLERANCE = 1e-4
"""How far the bars of a row may be from adding up: beyond what is shown, and quickly worked out."""


@dataclass(frozen=True)
class Chosen:
    """A row (from 0) of those looked at, why it was chosen, and its true answer in words."""

    row: int
    why: str
    truth: str


def rows_part(subject: Reported) -> ReportPart | None:
    """Return a few rows explained in the short form: the answer in words, the columns that pushed it."""
    chosen = list(chosen_rows(subject))
    if not chosen:
        return None
    target = subject.model.target.parts[0].name if len(subject.model.target.parts) > 1 else None
    blocks: list[Block] = []
    data: list[dict[str, Any]] = []
    for one in chosen:
        found = answered(subject, one.row, target)
        truth = f"; the table says {one.truth}" if one.truth else ""
        inner = [block for block in answer_blocks(found) if not isinstance(block, TableBlock)]
        title = f"{one.why}: row {found.row:,}"
        said = Words(f"{found.target} is answered {found.predicted}{truth}.")
        blocks.append(Section(title, (said, *inner)))
        data.append({"why": one.why, "truth": one.truth or None, **found.to_dict()})
    whole = f"chainrule explain {subject.name} {subject.table.name}"
    line = f"{whole} shows the whole calculation of a row ({setting('row', data[0]['row'])})."
    blocks.append(Words(line, "dim"))
    return ReportPart("rows", "A few rows, explained", tuple(blocks), {"rows": data})


def answered(subject: Reported, row: int, target: str | None = None) -> AnsweredRow:
    """Return the answer for one of the rows drawn (from 0), with its number in the table."""
    number = subject.number(int(subject.sample.rows[row]))
    how: dict[str, Any] = {"target": target, "tolerance": TOLERANCE}
    if subject.around is subject.table and (
        subject.trained is None or subject.part.name == subject.table.name
    ):
        return answer(subject.model, subject.table, number - 1, **how)
    return replace(answer(subject.model, subject.sample.part, row, **how), row=number)


def chosen_rows(subject: Reported) -> Iterator[Chosen]:
    """Yield the rows to explain, each once; of several targets by the first."""
    seen: set[int] = set()
    choose = _by_class if subject.model.task == "classification" else _by_number
    for one in choose(subject):
        if one.row not in seen:
            seen.add(one.row)
            yield one


def _by_class(subject: Reported) -> Iterator[Chosen]:
    target, rows = subject.model.target.parts[0], subject.sample.rows
    made = of_target(subject.prediction, 0)
    assert made.codes is not None
    codes = made.codes[rows]
    labels = list(map(str, target.labels))
    truth = target.codes(subject.sample.part) if subject.evaluation is not None else None

    def chosen(row: int, why: str) -> Chosen:
        return Chosen(row, why, "" if truth is None else labels[truth[row]])

    if made.probabilities is None:
        yield chosen(0, "The first")
        if truth is not None and (truth != codes).any():
            yield chosen(int((truth != codes).argmax()), "A mistake")
        return
    probabilities = made.probabilities[rows]
    surest = probabilities[np.arange(len(rows)), codes]
    if truth is not None:
        right = np.flatnonzero(truth == codes)
        if len(right):
            losses = log_losses(truth, probabilities)[right]
            yield chosen(
                int(right[np.argsort(losses, kind="stable")[(len(right) - 1) // 2]]), "A typical one"
            )
        wrong = np.flatnonzero(truth != codes)
        if len(wrong):
            yield chosen(int(wrong[surest[wrong].argmax()]), "The surest mistake")
    else:
        yield chosen(int(np.argsort(surest, kind="stable")[(len(rows) - 1) // 2]), "A typical one")
    yield chosen(int(surest.argmin()), "The least sure")


def _by_number(subject: Reported) -> Iterator[Chosen]:
    target, rows = subject.model.target.parts[0], subject.sample.rows
    predicted = np.asarray(of_target(subject.prediction, 0).labels, np.float64)[rows]
    if subject.evaluation is None:
        order = np.argsort(predicted, kind="stable")
        for place, why in ((len(order) // 2, "The middle answer"), (-1, "The largest"), (0, "The smallest")):
            yield Chosen(int(order[place]), why, "")
        return
    truth = target.numbers(subject.sample.part)
    left = truth - predicted
    sizes = np.argsort(np.abs(left), kind="stable")
    for row, why in (
        (sizes[(len(sizes) - 1) // 2], "A typical one"),
        (left.argmax(), "The most underestimated"),
        (left.argmin(), "The most overestimated"),
    ):
        yield Chosen(int(row), why, number_text(float(truth[row]), 6))
