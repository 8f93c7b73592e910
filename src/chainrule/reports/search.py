"""A search as a document: its trials, what they change, what they score and weigh, as table and picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from chainrule._doors import setting
from chainrule.errors import SettingsError
from chainrule.explain.show.document import (
    Block,
    Cell,
    Document,
    Facts,
    Picture,
    Section,
    Styled,
    TableBlock,
    Words,
)
from chainrule.model.card import CardSearch, CardTrial
from chainrule.model.model import Model
from chainrule.plots.chart import Chart
from chainrule.plots.kinds.search import trials_chart
from chainrule.reports.part import ReportPart
from chainrule.reports.words import SCORE_NAMES, number_shown
from chainrule.training.scores.metrics import METRICS

if TYPE_CHECKING:
    from chainrule.reports.reported import Reported

ENDED = {"interrupted": "interrupted", "time": "ended by the time limit"}
"""What ended a search early, in words."""


def search_of(model: Model) -> CardSearch:
    """Return the search that a model came from; raises SettingsError for one that came from none."""
    if (found := model.card.get("search")) is None:
        raise SettingsError(
            f"the model comes from a single training, not from a search: train with {setting('search', 8)}"
        )
    return CardSearch.from_dict(found)


def search_document(model: Model, path: str, *, drawn: bool = False) -> Document:
    """Return what a search has tried, and what of it is in the model; ``drawn``: with its picture."""
    found = search_of(model)
    blocks = [
        *search_blocks(found, drawn=drawn),
        Section("The answer", (Facts(tuple(_groups(model, found))),)),
    ]
    return Document(
        f"{path}: a search of {_count(found.asked)}", tuple(blocks), data={"model": path, **found.to_dict()}
    )


def search_part(subject: Reported) -> ReportPart | None:
    """Return the part of a report about a search; None where the model comes from none."""
    if (card := subject.model.card.get("search")) is None:
        return None
    found = CardSearch.from_dict(card)
    return ReportPart("search", "The search", search_blocks(found, drawn=True), found.to_dict())


def search_blocks(found: CardSearch, *, drawn: bool = False) -> tuple[Block, ...]:
    """Return the words, the table and perhaps the picture of a search."""
    picture = () if (chart := search_picture(found)) is None or not drawn else (Picture(chart),)
    shorts = [trial.length for trial in found.trials if trial.length < 1]
    told = (
        (
            Words(
                f"short: {shorts[0]:.0%} of the epochs, a whole schedule; the best of these were trained in full"
            ),
        )
        if shorts
        else ()
    )
    return (Words(verdict_of(found)), *picture, trials_table(found), *told)


def verdict_of(found: CardSearch) -> str:
    """Say in a sentence or two what a search has brought, and how that is known."""
    made = sum(trial.score is not None for trial in found.trials)
    metric = SCORE_NAMES.get(found.metric, found.metric)
    ended = f", {ENDED[found.ended]}" if found.ended else ""
    told = f"{made} trainings of {_count(found.asked)}{ended}, compared by {metric} on {found.rows:,} rows that they haven't seen"
    chosen = [trial for trial in found.trials if trial.weight > 0]
    if made < 2:
        return f"{told}."
    gain = gain_told(found.gain, found.error)
    if found.gain is None or found.error is None:
        return (
            f"{told}. The default is kept alone: by these rows it can't be told how sure a gain over it is."
        )
    if len(chosen) == 1 and chosen[0].number == 0:
        return f"{told}. The default is kept alone: weights would gain {gain} over it, which is no more than chance."
    which = "One of them is" if len(chosen) == 1 else f"{len(chosen)} of them are"
    weighed = "on rows that the weights weren't picked by the gain over the default is"
    return f"{told}. {which} in the answer; {weighed} {gain}."


def trials_table(found: CardSearch) -> TableBlock:
    """Return the trials: number, what differs from the default, score, gain over it, weight, operations."""
    metric = SCORE_NAMES.get(found.metric, found.metric)
    rows: list[tuple[Cell, ...]] = []
    for trial in found.trials:
        score: Cell = "–" if trial.score is None else number_shown(trial.score)
        gain = gain_told(trial.gain, trial.error)
        weight: Cell = Styled(f"{trial.weight:.0%}", "result") if trial.weight else ""
        work = f"{trial.operations:.2g}" if trial.operations and trial.score is not None else ""
        rows.append((trial_name(trial), changes_told(trial), score, gain, weight, work))
    headers = ("trial", "differs from the default", metric, "gain", "weight", "operations")
    return TableBlock(headers, tuple(rows), (2, 3, 4, 5))


def trial_name(trial: CardTrial) -> str:
    """Return a trial's number, and whether its training was a short one."""
    return str(trial.number) if trial.length == 1 else f"{trial.number}, short"


def gain_told(gain: float | None, error: float | None) -> str:
    """Say a gain with its standard error, both to the error's second digit."""
    if gain is None or error is None:
        return ""
    if not 0 < error < math.inf:
        return f"{gain:+.3g}"
    digits = min(12, max(0, 1 - math.floor(math.log10(error))))
    return f"{gain:+.{digits}f} ± {error:.{digits}f}"


def changes_told(trial: CardTrial) -> str:
    """Say what a trial changes, and why it has no score."""
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in trial.changes.items())
    told = told or ("the default" if not trial.number else "nothing here")
    if trial.state == "done":
        return told
    return f"{told}; {trial.state}{f': {trial.why}' if trial.why else ''}"


def search_picture(found: CardSearch) -> Chart | None:
    """Return the scores by trial; None where there is none."""
    if sum(trial.score is not None for trial in found.trials) < 2:
        return None
    metric = SCORE_NAMES.get(found.metric, found.metric)
    more = found.metric in METRICS and METRICS[found.metric].greater_is_better
    names = [f"trial {trial_name(trial)}" for trial in found.trials]
    scores = [math.nan if trial.score is None else trial.score for trial in found.trials]
    weights = [trial.weight for trial in found.trials]
    return trials_chart(names, scores, weights, score=metric, better="more" if more else "less")


def _groups(model: Model, found: CardSearch) -> Iterator[tuple[str, str]]:
    """Yield which members of the model come from which trial."""
    first = 1
    chosen = [trial for trial in found.trials if trial.weight > 0]
    for trial, group, share in zip(chosen, model.groups, model.shares, strict=True):
        last = first + group.members - 1
        which = f"member {first}" if last == first else f"members {first} to {last}"
        yield f"trial {trial_name(trial)}", f"{which}, {share:.0%} of the answer"
        first = last + 1


def _count(n: int) -> str:
    return "1 trial" if n == 1 else f"{n:,} trials"
