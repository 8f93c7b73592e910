"""What ``chainrule train --learning-curve`` prints: a line for each training, then scores by the number of rows."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from chainrule._aside import tell
from chainrule.cli.console import print_json
from chainrule.cli.documents import print_document
from chainrule.reports.learning import learning_document
from chainrule.reports.words import SCORE_NAMES, number_shown

if TYPE_CHECKING:
    from chainrule.explain.show.document import Document
    from chainrule.fitting.question import Question
    from chainrule.fitting.studies.learning import LearningRun
    from chainrule.training.settings.record import Settings


def learning(question: Question, settings: Settings, options: argparse.Namespace, engine: str) -> Document:
    """Train on shares of a table's rows, print what came out, and return it for a report."""
    from chainrule.fitting.studies.learning import learn_asked

    found = learn_asked(
        question,
        settings,
        draws=options.learning_curve,
        engine=engine,
        threads=options.threads,
        on_run=None if options.quiet else _say,
    )
    data = {"table": options.table, "target": question.target, **found.to_dict()}
    document = replace(learning_document(found), data=data)
    if options.json:
        print_json(data)
    else:
        print_document(document)
    return document


def _say(run: LearningRun) -> None:
    """Print a training that is done on standard error."""
    scores = ", ".join(f"{SCORE_NAMES[name]} {number_shown(value)}" for name, value in run.scores.items())
    tell(f"{run.place}/{run.of} {run.rows:,} rows, draw {run.draw + 1}: {scores}")
