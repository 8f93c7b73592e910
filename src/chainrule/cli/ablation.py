"""What ``chainrule train --ablate`` prints: a line for each training, then what each ingredient adds."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from chainrule._aside import tell
from chainrule.cli.console import print_json
from chainrule.cli.documents import print_document
from chainrule.reports.ablation import NAMES, ablation_document
from chainrule.reports.words import number_shown, seconds_shown

if TYPE_CHECKING:
    from chainrule.explain.show.document import Document
    from chainrule.fitting.question import Question
    from chainrule.fitting.studies.ablation_records import AblationRun
    from chainrule.training.settings.record import Settings


def ablation(question: Question, settings: Settings, options: argparse.Namespace, engine: str) -> Document:
    """Take the recipe apart on a table, print what came out, and return it for a report."""
    from chainrule.fitting.studies.ablation import ablate_asked

    found = ablate_asked(
        question,
        settings,
        seeds=options.ablate,
        engine=engine,
        threads=options.threads,
        on_run=None if options.quiet else _say,
    )
    data = {"table": options.table, "target": question.target, **found.to_dict()}
    document = replace(ablation_document(found), data=data)
    if options.json:
        print_json(data)
    else:
        print_document(document)
    return document


def _say(run: AblationRun) -> None:
    """Print a training that is done on standard error."""
    scores = ", ".join(f"{NAMES[name]} {number_shown(value)}" for name, value in run.scores.items())
    what = "the full recipe" if run.ingredient is None else f"without {run.ingredient}"
    line = f"{run.place}/{run.of} {what}, seed {run.seed}: {scores}, {seconds_shown(run.seconds)} s"
    tell(line)
