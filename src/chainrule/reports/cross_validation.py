"""What a cross-validation found, as a document: each score's mean and its standard error, beside the baselines'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.explain.show.document import Block, Cell, Document, Styled, TableBlock, Words, notes
from chainrule.reports.words import number_shown, rows_shown, scores_shown

if TYPE_CHECKING:
    from chainrule.fitting.studies.cross_validation import CrossScore, CrossValidation

LEGEND = "± is the standard error of the mean over the folds; rows that folds have in common make it a little too small."


FOLDED = {
    "time": ", each block of time by what is before it",
    "split": "; the folds are of the training rows, and those for the test stay unseen",
}
"""What is particular about the folds of a rule."""


def cross_validation_document(found: CrossValidation) -> Document:
    """Return the scores over the folds, and how the rows were dealt out to them."""
    baselines = found.baselines
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            words,
            Styled(score_shown(found.scores[name]), "result"),
            *(score_shown(scores[name]) if name in scores else "–" for scores in baselines.values()),
        )
        for name, words in scores_shown(found.scores)
    )
    table = TableBlock(("", "network", *baselines), rows, tuple(range(1, 2 + len(baselines))))
    more = FOLDED.get(found.rule.by, "")
    blocks: list[Block] = [Words(f"rows are split {found.rule.words}{more}"), *notes(found.notes), table]
    blocks.append(Words(LEGEND))
    if found.interrupted:
        blocks += notes([f"interrupted; {len(found.runs)} of {found.folds} folds were done"])
    folds = f"{len(found.runs)} folds" if len(found.runs) > 1 else "one fold"
    title = f"Scores over {folds}, on {rows_shown(found.rows)}, each by a network that never saw it"
    return Document(title, tuple(blocks))


def score_shown(score: CrossScore) -> str:
    """Write a mean and its standard error."""
    return (
        f"{number_shown(score.mean)} ± {number_shown(score.standard_error)}"
        if score.standard_error == score.standard_error
        else number_shown(score.mean)
    )
