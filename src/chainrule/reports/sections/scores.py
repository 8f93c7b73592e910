"""The part of a report about scores: the model's beside the baselines', with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from chainrule._types import IntArray
from chainrule.explain.show.document import Block, Cell, Picture, Styled, TableBlock, Words
from chainrule.model.scoring import AnyArray, Scorer, scorer
from chainrule.plots.chart import Chart
from chainrule.plots.kinds.scores import slices_chart
from chainrule.reports.intervals import UNKNOWN, Interval, bootstrap, wilson
from chainrule.reports.part import ReportPart
from chainrule.reports.reported import Reported
from chainrule.reports.words import SCORE_NAMES, baseline_words, number_shown, scores_shown
from chainrule.training.scores.metrics import METRICS, PRIMARY, Scores


def scores_part(subject: Reported, found: Mapping[str, Interval]) -> ReportPart | None:
    """Return the scores beside the baselines', each with its interval of `score_intervals`; None without a target."""
    evaluation, model = subject.evaluation, subject.model
    if evaluation is None:
        return None
    blocks: list[Block] = [
        Words(f"On {subject.scored.words}:"),
        _table(evaluation.scores, found, subject.baselines),
    ]
    primary = PRIMARY[model.task]
    if subject.baselines and model.task == "classification" and len(model.target.parts) == 1:
        blocks.append(Picture(_beside(subject, primary)))
    blocks += [Words(line, "dim") for line in _methods(subject, found)]
    if evaluation.by_target is not None:
        blocks += _of_each(evaluation.by_target)
    apart = margins(subject)
    data = {
        "rows": evaluation.rows,
        "of": subject.scored.words,
        "held_out": subject.held_out,
        "scores": dict(evaluation.scores),
        "intervals": {name: one.to_dict() for name, one in found.items()},
        "baselines": {name: dict(scores) for name, scores in subject.baselines.items()},
        "better_than": {name: one.to_dict() for name, one in apart.items()},
        "by_target": None
        if evaluation.by_target is None
        else {k: dict(v) for k, v in evaluation.by_target.items()},
    }
    return ReportPart("scores", "Scores", tuple(blocks), data, tuple(_doubts(subject, apart)))


def score_intervals(subject: Reported) -> Mapping[str, Interval]:
    """Return the 95 % interval of each score; of accuracy Wilson's, where it counts rows, else the bootstrap's."""
    evaluation, model, part = subject.evaluation, subject.model, subject.part
    found = {}
    for name, value in evaluation.scores.items() if evaluation else ():
        if name == "accuracy" and len(model.target.parts) == 1:
            found[name] = wilson(value, part.n_rows)
            continue
        counted = scorer(model, part, name)
        y, answers = counted.y, counted.answers_of(subject.prediction)
        found[name] = bootstrap(partial(_scored, counted, y, answers), len(y), value, subject.seed)
    return found


def _scored(counted: Scorer, y: AnyArray, answers: AnyArray, rows: IntArray) -> float:
    return counted.compare(y[rows], answers[rows], None)


def _table(scores: Scores, intervals: Mapping[str, Interval], baselines: Mapping[str, Scores]) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for name, words in scores_shown(scores):
        others = (number_shown(one[name]) if name in one else "–" for one in baselines.values())
        own = Styled(number_shown(scores[name]), "result")
        rows.append((words, own, interval_shown(intervals[name]), *others))
    headers = ("", "network", "95 % interval", *baselines)
    return TableBlock(headers, tuple(rows), tuple(range(1, len(headers))))


def interval_shown(found: Interval) -> str:
    """Write an interval: ``0.9473 … 1.0000``, a dash where there is none."""
    return f"{number_shown(found.low)} … {number_shown(found.high)}" if found.is_known else "–"


def _beside(subject: Reported, name: str) -> Chart:
    """Return the shares of right answers of the network and the baselines, with intervals."""
    assert subject.evaluation is not None
    n, scores = subject.part.n_rows, {"this network": subject.evaluation.scores, **subject.baselines}
    values = [one[name] for one in scores.values()]
    ends = [wilson(value, n) for value in values]
    best = max((one[name] for one in subject.baselines.values()), default=0.0)
    return slices_chart(
        list(scores),
        values,
        [one.low for one in ends],
        [one.high for one in ends],
        overall=best,
        score=SCORE_NAMES[name],
        line="best baseline",
        what="answers",
        title="Beside the baselines",
    )


def _methods(subject: Reported, found: Mapping[str, Interval]) -> Iterator[str]:
    methods = dict.fromkeys(one.method for one in found.values() if one.is_known)
    if methods:
        yield f"Intervals: 95 %, {'; '.join(methods)}. They are about other rows of the same kind, not other trainings."
    if not subject.baselines:
        why = (
            "of the rows of the training nothing is known"
            if not subject.flatters
            else "no rows were held out"
        )
        yield f"There are no baselines beside: {why}."
    if subject.model.task == "regression":
        name = subject.model.target.name
        yield f"Errors are in the units of {name}; R² is 1 if perfect, 0 if as good as the mean."


def _of_each(by_target: Mapping[str, Scores]) -> Iterator[Block]:
    names = [name for name in SCORE_NAMES if any(name in each for each in by_target.values())]
    rows = tuple(
        (target, *(number_shown(each[name]) if name in each else "–" for name in names))
        for target, each in by_target.items()
    )
    yield Words(f"Above: means over the {len(by_target)} targets. Each by itself:")
    yield TableBlock(
        ("target", *(SCORE_NAMES[name] for name in names)), rows, tuple(range(1, 1 + len(names)))
    )


def best_baseline(subject: Reported) -> tuple[str, float] | None:
    """Return the baseline with the best first score, and that score."""
    name = PRIMARY[subject.model.task]
    known = [(one[name], words) for words, one in subject.baselines.items() if name in one]
    if not known:
        return None
    value, words = (max if METRICS[name].greater_is_better else min)(known)
    return words, value


def margins(subject: Reported) -> Mapping[str, Interval]:
    """Return how much better the first score is than each baseline's, as 95 % intervals over the same resampled rows."""
    name = PRIMARY[subject.model.task]
    if not subject.baseline_answers:
        return {}
    counted = scorer(subject.model, subject.part, name)
    y, own = counted.y, counted.answers_of(subject.prediction)
    sign = 1.0 if counted.metric.greater_is_better else -1.0
    found = {}
    for baseline in subject.baseline_answers[0]:
        theirs = np.stack([each[baseline][counted.metric.of] for each in subject.baseline_answers], axis=1)

        def better(rows: IntArray, theirs: AnyArray = theirs) -> float:
            return sign * (_scored(counted, y, own, rows) - _scored(counted, y, theirs, rows))

        found[baseline] = bootstrap(better, len(y), better(np.arange(len(y))), subject.seed)
    return found


def _doubts(subject: Reported, apart: Mapping[str, Interval]) -> Iterator[str]:
    assert subject.evaluation is not None
    name = PRIMARY[subject.model.task]
    if subject.flatters:
        yield "the score flatters: no rows were held out, so it is about rows that the network was trained on"
    elif not subject.held_out:
        yield "whether the rows of the score were among those of the training isn't known"
    if best := best_baseline(subject):
        words, other = best
        found, said = apart.get(words, UNKNOWN), f"{SCORE_NAMES[name]} {number_shown(other)}"
        if found.is_known and found.high < 0:
            yield f"{baseline_words(words)} is better on these rows ({said})"
        elif not (found.is_known and found.low > 0):
            yield f"these {subject.part.n_rows:,} rows can't tell it from {baseline_words(words)} ({said})"
