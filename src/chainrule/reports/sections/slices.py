"""The part of a report about slices: the first score where a column has low, middle or high cells, or one word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from chainrule._plain import AnyNumber, Plain
from chainrule._types import IntArray
from chainrule.explain.show.document import Block, Picture, TableBlock, Words
from chainrule.model.scoring import AnyArray, Scorer, scorer
from chainrule.plots.kinds.scores import slices_chart
from chainrule.reports.intervals import Interval, bootstrap, wilson
from chainrule.reports.part import ReportPart
from chainrule.reports.reported import Reported
from chainrule.reports.words import SCORE_NAMES, number_shown
from chainrule.tables.rows.slices import slices_of
from chainrule.training.scores.metrics import METRICS, PRIMARY

MOST_SLICED = 4
"""The most columns that are cut into slices: the most important ones."""

FEWEST_ROWS = 8
"""A slice of fewer rows says nothing."""


@dataclass(frozen=True)
class Slice(Plain):
    """Some of the scored rows: those of a column with these cells, how many they are, their score and its interval."""

    column: str
    cells: str
    rows: int
    score: AnyNumber
    interval: Interval

    @property
    def name(self) -> str:
        """The column and its cells."""
        return f"{self.column} {self.cells}"

    @property
    def words(self) -> str:
        """The column and its cells, as a sentence says them."""
        return self.name if self.cells.startswith("= ") else f"{self.column} is {self.cells}"


def slices_part(subject: Reported, columns: Sequence[str]) -> ReportPart | None:
    """Return the first score on slices by columns, given in the order of their importance; None without a target."""
    evaluation, model = subject.evaluation, subject.model
    if evaluation is None:
        return None
    name = PRIMARY[model.task]
    overall, better = evaluation.scores[name], METRICS[name].greater_is_better
    found = list(_slices(subject, columns, name))
    if not found:
        return None
    words = SCORE_NAMES[name]
    chart = slices_chart(
        [one.name for one in found],
        [one.score for one in found],
        [one.interval.low for one in found],
        [one.interval.high for one in found],
        overall=overall,
        counts=[one.rows for one in found],
        score=words,
        title=f"{words[0].upper()}{words[1:]} by slice",
    )
    rows = tuple(
        (
            one.name,
            f"{one.rows:,}",
            number_shown(one.score),
            f"{number_shown(one.interval.low)} … {number_shown(one.interval.high)}",
        )
        for one in found
    )
    headers = ("slice", "rows", words, "95 % interval")
    blocks: list[Block] = [Picture(chart), TableBlock(headers, rows, (1, 2, 3), of_picture=True)]
    how = dict.fromkeys(one.interval.method for one in found)
    blocks.append(
        Words(
            f"Slices of the {min(MOST_SLICED, len(columns))} first columns, of at least {FEWEST_ROWS} rows; {words} of all "
            f"rows is {number_shown(overall)}. Intervals: {'; '.join(how)}. Of many slices one in twenty lies apart by chance.",
            "dim",
        )
    )
    worse = [one for one in found if (one.interval.high < overall if better else one.interval.low > overall)]
    doubts = tuple(
        f"it is worse where {one.words} ({words} {number_shown(one.score)} on {one.rows:,} rows)"
        for one in worse[:2]
    )
    return ReportPart(
        "slices",
        "Slice by slice",
        tuple(blocks),
        {"metric": name, "slices": [one.to_dict() for one in found]},
        doubts,
    )


def _slices(subject: Reported, columns: Sequence[str], name: str) -> Iterator[Slice]:
    counted = scorer(subject.model, subject.part, name)
    y, answers = counted.y, counted.answers_of(subject.prediction)
    encoders = {column.name: column for column in subject.model.encoder.columns}
    shares = name == "accuracy" and y.shape[1] == 1
    for column in columns[:MOST_SLICED]:
        encoder = encoders[column]
        if encoder.kind == "datetime":
            continue
        numbers = encoder.numbers(subject.part) if encoder.kind == "number" else None
        for cells, rows in slices_of(subject.part, column, numbers=numbers):
            if len(rows) < FEWEST_ROWS:
                continue
            value = counted.compare(y[rows], answers[rows], None)
            score = partial(_scored, counted, y[rows], answers[rows])
            interval = (
                wilson(value, len(rows)) if shares else bootstrap(score, len(rows), value, subject.seed)
            )
            yield Slice(column, cells, len(rows), value, interval)


def _scored(counted: Scorer, y: AnyArray, answers: AnyArray, rows: IntArray) -> float:
    return counted.compare(y[rows], answers[rows], None)
