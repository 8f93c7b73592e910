"""The first paragraph of a report: what came out in plain words, and what to distrust."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chainrule._version import __version__
from chainrule.explain.show.document import Block, Listing, Words
from chainrule.reports.intervals import UNKNOWN, Interval
from chainrule.reports.part import ReportPart
from chainrule.reports.reported import Reported
from chainrule.reports.sections.scores import interval_shown
from chainrule.reports.words import SCORE_NAMES, baseline_words, number_shown
from chainrule.training.scores.metrics import PRIMARY

MOST_DOUBTS = 6
"""The most doubts of the first paragraph."""


def summary(subject: Reported, parts: Sequence[ReportPart], main: Interval | None) -> tuple[Block, ...]:
    """Return what came out: the task, the score beside the baselines, what to distrust, what is left out, how it was made."""
    # What is bad about a training's result comes first, as it does where it is trained.
    worst = [subject.trained.verdict] if subject.trained is not None and subject.trained.verdict else []
    doubts = list(dict.fromkeys([*worst, *(doubt for part in parts for doubt in part.doubts)]))
    blocks: list[Block] = [Words(" ".join(said(subject, main or UNKNOWN)), "lead")]
    if doubts:
        blocks.append(Words("What to distrust", "title"))
        said_of = enumerate(doubts[:MOST_DOUBTS], 1)
        blocks += [Words(f"{number}. {sentence(doubt)}") for number, doubt in said_of]
        if len(doubts) > MOST_DOUBTS:
            blocks.append(Words(f"… and {len(doubts) - MOST_DOUBTS} more, in the parts below.", "dim"))
    elif subject.evaluation is not None:
        blocks.append(Words("Nothing below gives a reason for distrust, as far as a report can tell."))
    blocks += (
        Words("Made by", "title"),
        Listing(subject.command, "shell"),
        Words(" ".join(_made(subject)), "dim"),
    )
    return tuple(blocks)


def sentence(text: str) -> str:
    """Return words as a sentence."""
    return f"{text[0].upper()}{text[1:]}."


def said(subject: Reported, interval: Interval) -> Iterator[str]:
    """Yield the sentences of the first paragraph."""
    model, evaluation = subject.model, subject.evaluation
    target, columns = model.target, len(model.encoder.columns)
    who = "A network" if model.members == 1 else f"A network of {model.members} members"
    what = target.name
    if len(target.parts) > 1:
        what = f"{len(target.parts)} {'numbers' if model.task == 'regression' else 'labels'} ({target.name})"
    elif model.task == "classification":
        what += f" ({target.n_classes} classes{': ' if target.n_classes <= 5 else ''}"
        what += f"{', '.join(map(str, target.labels)) if target.n_classes <= 5 else ''})"
    yield f"{who} predicts {what} from {columns} column{'s' * (columns != 1)}."
    if evaluation is None:
        lacking = [name for name in target.names if name not in subject.table.columns]
        has = (
            f"has no column {', '.join(lacking)}"
            if lacking
            else f"has no two rows with a value in {target.name}"
        )
        yield (
            f"As {subject.table.name} {has}, nothing is scored here: scores, mistakes, importance, diagnosis and certificate are "
            "left out."
        )
        return
    name = PRIMARY[model.task]
    value, n = evaluation.scores[name], evaluation.rows
    within = f" (95 % interval {interval_shown(interval)})" if interval.is_known else ""
    rows = f"{n:,} rows"
    rows += (
        " that it never saw" if subject.held_out else " that it was trained on" if subject.flatters else ""
    )
    if name == "accuracy" and len(target.parts) == 1:
        yield f"On {rows} it is right {round(value * n):,} times: accuracy {number_shown(value)}{within}."
    else:
        yield f"On {rows} its {SCORE_NAMES[name]} is {number_shown(value)}{within}."
    others = [
        f"{baseline_words(words)} gets {number_shown(one[name])}"
        for words, one in subject.baselines.items()
        if name in one
    ]
    if others:
        yield f"On the same rows {', '.join(others)}."


def _made(subject: Reported) -> Iterator[str]:
    yield f"{subject.name} on {subject.table.name}, {subject.table.n_rows:,} rows, with chainrule {__version__}."
    yield f"Rows that are drawn are drawn with seed {subject.seed}."
    if len(subject.sample.rows) < subject.part.n_rows:
        yield f"Importance and the explained rows are about {subject.sample.words}; scores are about all."
