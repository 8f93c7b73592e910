"""The first paragraph of a report: what came out in plain words, and what to distrust."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chainrule.explain.show.document import Block, Facts, Section, Words
from chainrule.reports.intervals import UNKNOWN, Interval
from chainrule.reports.part import Part
from chainrule.reports.scores import interval_shown
from chainrule.reports.subject import Subject
from chainrule.reports.words import SCORE_NAMES, number_shown
from chainrule.training.scores.metrics import PRIMARY

MOST_DOUBTS = 6
"""The most doubts of the first paragraph."""


def summary(subject: Subject, parts: Sequence[Part], main: Interval | None) -> tuple[Block, ...]:
    """Return what came out: the task, the score beside the baselines, what to distrust, what is left out, how it was made."""
    doubts = list(dict.fromkeys(doubt for part in parts for doubt in part.doubts))
    blocks: list[Block] = [Words(" ".join(said(subject, main or UNKNOWN)), "lead")]
    if doubts:
        shown = tuple((f"{number}.", doubt) for number, doubt in enumerate(doubts[:MOST_DOUBTS], 1))
        rest = len(doubts) - len(shown)
        more = (Words(f"… and {rest} more, in the parts below", "dim"),) if rest > 0 else ()
        blocks.append(Section("What to distrust", (Facts(shown), *more)))
    else:
        blocks.append(Words("Nothing in it gives a reason for distrust, as far as a report can tell."))
    blocks.append(Section("How to make this again", (Facts(tuple(_made(subject))),)))
    return tuple(blocks)


def said(subject: Subject, interval: Interval) -> Iterator[str]:
    """Yield the sentences of the first paragraph."""
    model, evaluation = subject.model, subject.evaluation
    target, columns = model.target, len(model.encoder.columns)
    from_ = f"from {columns} column{'s' * (columns != 1)}"
    if model.task == "classification":
        kind = (
            f"which of {target.n_classes} classes {target.name} is"
            if len(target.parts) == 1
            else f"{len(target.parts)} labels: {target.name}"
        )
    else:
        kind = f"{target.name}, {'a number' if len(target.parts) == 1 else f'{len(target.parts)} numbers'}"
    yield f"This network tells {kind}, {from_}."
    if evaluation is None:
        yield (
            f"{subject.table.name} has no column {target.name}, so nothing is scored here: scores, mistakes, importance, "
            "diagnosis and certificate are left out."
        )
        return
    name = PRIMARY[model.task]
    value = evaluation.scores[name]
    within = f" (95 %: {interval_shown(interval)})" if interval.is_known else ""
    n = evaluation.rows
    rows = f"the {n:,} rows it never saw" if subject.held_out else f"{n:,} rows"
    if name == "accuracy" and len(target.parts) == 1:
        right = round(value * n)
        yield f"Of {rows} it is right on {right:,}: accuracy {number_shown(value)}{within}."
    else:
        yield f"On {rows} its {SCORE_NAMES[name]} is {number_shown(value)}{within}."
    others = [
        f"{number_shown(one[name])} {_by(words)}" for words, one in subject.baselines.items() if name in one
    ]
    if others:
        yield f"Beside it: {', '.join(others)}."


def _by(words: str) -> str:
    return f"by the {words}" if words in ("mean", "majority class") else f"by {words}"


def _made(subject: Subject) -> Iterator[tuple[str, str]]:
    yield "command", subject.command
    yield "model", subject.name
    yield "table", f"{subject.table.name}, {subject.table.n_rows:,} rows"
    yield "seed", f"{subject.seed}, for all rows that are drawn here"
    sample, scored = subject.sample, subject.part
    if len(sample.rows) < scored.n_rows:
        yield "drawn", f"importance and the explained rows are about {sample.words}; scores are about all"
