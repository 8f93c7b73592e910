"""What ``chainrule train --ablate`` prints: a line for each training, then what each ingredient adds."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from chainrule._aside import tell
from chainrule.cli.console import print_json
from chainrule.cli.documents import print_document
from chainrule.cli.report import SCORE_NAMES, number_shown
from chainrule.explain.show.document import Block, Document, Facts, TableBlock, Words, notes

if TYPE_CHECKING:
    from chainrule.fitting.ablation_records import AblationRun, Ablations, Difference
    from chainrule.fitting.question import Question
    from chainrule.training.settings.record import Settings

NAMES = {**SCORE_NAMES, "error": "error"}

CLOSING = {
    "helps": "earned their time here: {}.",
    "hurts": "better without: {}.",
    "both": "one score better without, the other worse: {}.",
    "no difference": "no difference within two standard errors: {}.",
}
"""What is said of the ingredients of each verdict."""

LEGEND = (
    "A change above 0: the ingredient helps. ± is its standard error, the larger of that over the seeds and that over "
    "the rows; a star marks more than two of them."
)


def ablation(question: Question, settings: Settings, options: argparse.Namespace, engine: str) -> Document:
    """Take the recipe apart on a table, print what came out, and return it for a report."""
    from chainrule.fitting.ablation import ablate_asked

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


def ablation_document(found: Ablations) -> Document:
    """Return the scores without each ingredient, how they differ from the full recipe's, and what to make of it."""
    trainings = "one training" if found.seeds == 1 else f"means of {found.seeds} trainings"
    names = list(found.scores)
    headers = [header for name in names for header in (NAMES[name], "change")]
    full = [cell for name in names for cell in (number_shown(found.scores[name]), "")]
    rows = [("nothing: the full recipe", *full, _seconds(found.seconds))]
    for one in found.ingredients:
        if one.reason is None:
            shown = [cell for name in names for cell in _cells(one.differences[name])]
            rows.append((one.ingredient.name, *shown, _seconds(one.seconds)))
    right = tuple(range(1, 2 + len(headers)))
    blocks: list[Block] = [TableBlock(("taken out", *headers, "seconds"), tuple(rows), right)]
    left = [(one.ingredient.name, one.reason) for one in found.ingredients if one.reason is not None]
    if left:
        blocks.append(Facts(tuple(("not taken out:", *one) for one in left)))
    blocks.append(Words(LEGEND))
    if found.interrupted:
        blocks += notes(["interrupted; this is what was done before it"])
    told = ((text, ", ".join(found.named(verdict))) for verdict, text in CLOSING.items())
    sentences = [text.format(names) for text, names in told if names]
    blocks.append(Words(" ".join(text[0].upper() + text[1:] for text in sentences)))
    title = f"What each ingredient adds, on {found.rows:,} rows held out, {trainings} each"
    return Document(title, tuple(blocks))


def _cells(difference: Difference) -> tuple[str, str]:
    star = " " if difference.verdict == "no difference" else "*"
    # Seeds may cancel but for a rounding, which is no change to be shown.
    value = difference.value if abs(difference.value) > 1e-12 * abs(difference.full) else 0.0
    change = f"{'+' if value > 0 else ''}{number_shown(value)}"
    return number_shown(difference.without), f"{change} ± {number_shown(difference.standard_error)}{star}"


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.1f}"


def _say(run: AblationRun) -> None:
    """Print a training that is done on standard error."""
    scores = ", ".join(f"{NAMES[name]} {number_shown(value)}" for name, value in run.scores.items())
    what = "the full recipe" if run.ingredient is None else f"without {run.ingredient}"
    line = f"{run.place}/{run.of} {what}, seed {run.seed}: {scores}, {_seconds(run.seconds)} s"
    tell(line)
