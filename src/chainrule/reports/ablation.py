"""What an ablation found, as a document: the scores without each ingredient, and what to make of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.explain.show.document import Block, Document, Facts, TableBlock, Words, notes
from chainrule.reports.words import SCORE_NAMES, number_shown, seconds_shown

if TYPE_CHECKING:
    from chainrule.fitting.ablation_records import Ablations, Difference

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


def ablation_document(found: Ablations) -> Document:
    """Return the scores without each ingredient, how they differ from the full recipe's, and what to make of it."""
    trainings = "one training" if found.seeds == 1 else f"means of {found.seeds} trainings"
    names = list(found.scores)
    headers = [header for name in names for header in (NAMES[name], "change")]
    full = [cell for name in names for cell in (number_shown(found.scores[name]), "")]
    rows = [("nothing: the full recipe", *full, seconds_shown(found.seconds))]
    for one in found.ingredients:
        if one.reason is None:
            shown = [cell for name in names for cell in _cells(one.differences[name])]
            rows.append((one.ingredient.name, *shown, seconds_shown(one.seconds)))
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
