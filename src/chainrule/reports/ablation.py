"""What an ablation found, as a document: the scores without each ingredient, and what to make of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from chainrule._doors import setting
from chainrule.errors import SettingsError
from chainrule.explain.show.document import Block, Document, Facts, Picture, TableBlock, Words, notes
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.kinds.scores import ablation_chart
from chainrule.reports.words import SCORE_NAMES, number_shown, seconds_shown

if TYPE_CHECKING:
    from chainrule.fitting.studies.ablation_records import Ablations, Difference

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


LARGEST_FILE = 10_000_000


def read_ablation(path: str | PathLike[str]) -> Ablations:
    """Return what ``chainrule train`` printed of an ablation as JSON; raises SettingsError for anything else."""
    from chainrule.fitting.studies.ablation_records import Ablations

    name = fspath(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(f"{name}: the file can't be read: {error.strerror}") from error
    try:
        if len(data) > LARGEST_FILE:
            raise SettingsError(f"the file has {len(data):,} bytes, more than an ablation has")
        return Ablations.from_dict(json.loads(data))
    except (ValueError, RecursionError) as error:  # SettingsError is one of them
        said = str(error) if isinstance(error, SettingsError) else f"this is not JSON: {error}"
        raise SettingsError(f"{name}: {said}; give what {setting('ablate')} printed as JSON") from error


def ablation_charts(found: Ablations, scores: Sequence[str] | None = None) -> Chart | Charts | None:
    """Return the plots of what each ingredient adds to scores, all if None, with two standard errors; None if none is out."""
    taken = [one for one in found.ingredients if one.reason is None]
    if not taken:
        return None
    names = list(found.scores if scores is None else scores)
    title = "What each ingredient adds"
    charts = []
    for name in names:
        changes = [one.differences[name] for one in taken]
        values = np.array([one.value for one in changes])
        wide = 2 * np.array([one.standard_error for one in changes])
        parts = [one.ingredient.name for one in taken]
        own = NAMES[name] if len(names) > 1 else title
        ends = values - wide, values + wide
        charts.append(ablation_chart(parts, values, *ends, unit=f"change of {NAMES[name]}", title=own))
    if len(charts) == 1:
        return charts[0]
    said = " ".join(chart.description for chart in charts)
    return Charts(title, said, tuple(charts), len(charts))


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
    chart = ablation_charts(found)
    blocks: list[Block] = [] if chart is None else [Picture(chart)]
    blocks.append(TableBlock(("taken out", *headers, "seconds"), tuple(rows), right))
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
