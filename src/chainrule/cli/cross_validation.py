"""What ``chainrule train --cross-validate`` prints: a line for each fold, then the scores over all."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from chainrule._aside import tell
from chainrule.cli.console import print_json
from chainrule.cli.documents import print_document
from chainrule.reports.cross_validation import cross_validation_document
from chainrule.reports.words import score_words, seconds_shown

if TYPE_CHECKING:
    from chainrule.explain.show.document import Document
    from chainrule.fitting.question import Question
    from chainrule.fitting.studies.cross_validation import CrossRun
    from chainrule.training.settings.record import Settings


def cross_validation(
    question: Question, settings: Settings, options: argparse.Namespace, engine: str
) -> Document:
    """Cross-validate on a table, print what came out, and return it for a report."""
    from chainrule.fitting.studies.cross_validation import cross_validate_asked

    found = cross_validate_asked(
        question,
        settings,
        folds=options.cross_validate,
        engine=engine,
        threads=options.threads,
        on_run=None if options.quiet else _say,
    )
    data = {"table": options.table, "target": question.target, **found.to_dict()}
    document = replace(cross_validation_document(found), data=data)
    if options.json:
        print_json(data)
    else:
        print_document(document)
    return document


def _say(run: CrossRun) -> None:
    """Print a fold that is done on standard error."""
    tell(f"fold {run.fold}/{run.of}: {score_words(run.scores)}, {seconds_shown(run.seconds)} s")
