"""Runs side by side, on one split and synchronized by epoch: the settings in which they differ, their curves, their numbers.

A branch's epochs are counted on from where it begins. Runs on other rows are named and left out: their numbers can't be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule._doors import FORM
from chainrule._numbers import number_text
from chainrule.errors import SettingsError
from chainrule.fitting.question import Question
from chainrule.plots.kinds.curves import curves_chart
from chainrule.plots.svg.draw import to_svg
from chainrule.reports.words import SCORE_NAMES, number_shown
from chainrule.studio.protocol.nested import Node, nested
from chainrule.studio.shown.between import kept_epoch
from chainrule.studio.shown.pictures import Now
from chainrule.studio.training.edits import as_one_edit
from chainrule.studio.training.opening import asked_of
from chainrule.studio.training.runs import Runs, StudioRun, begins_at, lineage, update_at
from chainrule.training.scores.metrics import PRIMARY, Scores
from chainrule.training.settings.fields import Setting, listed
from chainrule.training.settings.record import Settings

MOST_DRAWN = 6
"""The most runs whose curves are drawn."""

RATE = "rate of its last update"

CURVES: Mapping[str, str] = {"validation": "validation loss", "training": "training loss"}


class RunNumbers(NamedTuple):
    """A run's numbers at an epoch: losses and rate of the epoch that ends there, and the score on the rows that are watched."""

    training: float
    validation: float
    rate: float
    score: float


def root_of(run: StudioRun) -> StudioRun:
    """Return the run without edits that a branch goes back to."""
    return lineage(run)[-1]


def same_split(one: StudioRun, other: StudioRun) -> bool:
    """Tell whether two runs have the same target, and train on and watch the same rows of one table."""
    return _split(one) == _split(other)


def _split(run: StudioRun) -> tuple[Any, ...]:
    course = root_of(run).made.course
    targets = () if course.reads is None else tuple(course.reads.target.names)
    train, held = (
        course.numbers[np.unique(rows)].tobytes() for rows in (course.data.train, course.data.validation)
    )
    return course.kind, course.name, targets, train, held


def settings_that_differ(runs: Sequence[StudioRun]) -> list[tuple[str, list[str]]]:
    """Return the settings in which runs differ, each with its value in every run; of branches what was changed, too."""
    found: list[tuple[str, list[str]]] = []
    for one, of in _settings():
        values = [_value(run, one, of) for run in runs]
        if len(set(values)) > 1:
            found.append((FORM.setting(one.name), values))
    asked = [asked_of(root_of(run).made.course) if root_of(run).made.course.words else None for run in runs]
    for name in sorted({name for each in asked if each is not None for name in each.changed}):
        values = ["–" if each is None else str(each.changed.get(name, "the lesson's")) for each in asked]
        if len(set(values)) > 1:
            found.append((FORM.setting(name), values))
    networks = ["" if each is None else each.network for each in asked]
    if len(set(networks)) > 1:
        found.insert(0, ("network", networks))
    made = [
        "; ".join(
            f"{one.words} (after update {run.at:,})"
            for run in reversed(lineage(each))
            for one in as_one_edit(run.edits)
        )
        or "–"
        for each in runs
    ]
    return [*found, ("changed by hand", made)] if len(set(made)) > 1 else found


def _settings() -> list[tuple[Setting, type[Any]]]:
    return [(one, of) for of in (Question, Settings) for one in listed(of)]


def _value(run: StudioRun, one: Setting, of: type[Any]) -> str:
    course = root_of(run).made.course
    if not course.words:
        return ""
    asked = asked_of(course)
    holder = asked.question if of is Question else asked.settings
    value = None if holder is None else getattr(holder, one.name)
    if value is None and of is Settings and course.prepared is not None:
        chosen = getattr(course.prepared.resolved.settings, one.name, None)
        return "chosen" if chosen is None else f"chosen: {_words(chosen)}"
    return _words(value)


def _words(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return (
        "yes"
        if value is True
        else "no"
        if value is False
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def line_at(run: StudioRun, epoch: int) -> RunNumbers | None:
    """Return a run's numbers after so many epochs; None where it hasn't come so far, or not begun."""
    own = epoch - begins_at(run)
    history = run.made.worker.history
    if not 0 < own <= len(history):
        return None
    line = history[own - 1]
    return RunNumbers(
        line.training_loss, line.validation_loss, line.learning_rate, _score(run, update_at(run, epoch))
    )


def _score(run: StudioRun, t: int) -> float:
    """Return the score on the validation rows after ``t`` updates, NaN where there are none."""
    made = run.made
    prepared = made.course.prepared
    if prepared is None or t > made.tape.frontier:
        return float("nan")
    members = range(made.course.members)
    parameters = np.stack([made.tape.state(t, member).parameters for member in members])
    try:
        found: Scores = made.pictures.watched_scores(Now(parameters, "", {}))
    except SettingsError:
        return float("nan")
    return float(found.get(PRIMARY[prepared.target.task], float("nan")))


def comparison(runs: Runs, epoch: int, name: str, width: float) -> dict[str, Any]:
    """Return the comparison of all runs on the split of the one that is shown, as a picture with its table.

    Raises SettingsError where there is only one run, or no such curve.
    """
    if name not in CURVES:
        raise SettingsError(f"there is no curve {name!r} to compare by; there are {', '.join(CURVES)}")
    every = [run for _, run in sorted(runs.all.items())]
    if len(every) < 2:
        raise SettingsError("there is one run: change something, or build another beside it, to compare them")
    among = [run for run in every if same_split(run, runs.current)]
    others = [run for run in every if run not in among]
    nodes: list[Node] = [
        _table(among, runs.current, epoch),
        *_beyond(among, epoch),
        *_chart(among, name, width),
    ]
    if others:
        told = ", ".join(f"{run.number} ({run.words})" for run in others)
        nodes.append(
            [
                "p",
                {"class": "quiet"},
                f"Left out, since trained or watched on other rows, so that nothing can be compared: run {told}.",
            ]
        )
    return {"title": f"The runs at epoch {epoch:,}", "nodes": nodes, "table": []}


def _chart(runs: Sequence[StudioRun], name: str, width: float) -> list[Node]:
    drawn = runs[-MOST_DRAWN:]
    ends = [begins_at(run) + len(run.made.worker.history) for run in drawn]
    if max(ends) < 1:
        return [["p", {"class": "quiet"}, "The curves begin with the first epochs: press Play."]]
    series = {}
    for run in drawn:
        values = np.full(max(ends), np.nan)
        lines = [
            line.training_loss if name == "training" else line.validation_loss
            for line in run.made.worker.history
        ]
        begin = begins_at(run)
        values[begin : begin + len(lines)] = lines
        if np.isfinite(values).any():
            series[f"run {run.number}"] = values
    if not series:
        return [["p", {"class": "quiet"}, f"No run has a {CURVES[name]}: no rows are watched."]]
    chart = curves_chart(
        series, x=[float(at) for at in range(1, max(ends) + 1)], best=None, y_label=CURVES[name],
        title=f"{CURVES[name].capitalize()} of each run, by epoch",
    )  # fmt: skip
    return list(nested(to_svg(chart, width)))


def _table(runs: Sequence[StudioRun], shown: StudioRun, epoch: int) -> Node:
    """Return the runs as columns: where they come from, the settings in which they differ, their numbers at the epoch."""
    head: list[Any] = [["th", {"scope": "col"}, f"after epoch {epoch:,}"]]
    for run in runs:
        words = f"run {run.number}" + (" (shown)" if run is shown else "")
        head.append(["th", {"scope": "col", "title": run.words, "data-run": str(run.number)}, words])
    rows = [_row("what it is", [run.words for run in runs], "words")]
    rows += [_row(label, values, "differs") for label, values in settings_that_differ(runs)]
    lines = [line_at(run, epoch) for run in runs]
    prepared = shown.made.course.prepared
    primary = None if prepared is None else PRIMARY[prepared.target.task]
    score = "" if primary is None else f"{SCORE_NAMES[primary]}, validation rows"
    for label, field in (
        (CURVES["training"], 0),
        (CURVES["validation"], 1),
        (score, 3),
        (RATE, 2),
    ):
        values = [None if line is None else line[field] for line in lines]
        if label and any(value is not None and np.isfinite(value) for value in values):
            rows.append(_numbers(label, values))
    ended = [
        _kept(run)
        if run.made.worker.result is not None
        else f"epoch {begins_at(run) + run.made.tape.epochs}, not at its end"
        for run in runs
    ]
    rows.append(_row("kept, or come to", ended, ""))
    return ["table", {"class": "runs-table"}, ["thead", {}, ["tr", {}, *head]], ["tbody", {}, *rows]]


def _kept(run: StudioRun) -> str:
    """Return the last epoch that a run's members keep, counted as in all runs; of a branch by its own count, too."""
    begin, own = begins_at(run), [kept_epoch(run.made, member) for member in range(run.made.course.members)]
    last = max((epoch for epoch in own if epoch is not None), default=0)
    return f"epoch {begin + last:,}" + (f" ({last:,} of its own)" if begin else "")


def _beyond(runs: Sequence[StudioRun], epoch: int) -> list[Node]:
    """Return a sentence on runs that have no numbers at an epoch, where others do."""
    missing = [run for run in runs if line_at(run, epoch) is None]
    if not epoch or not missing:
        return []
    told = [
        f"run {run.number} begins at epoch {begins_at(run):,}"
        if epoch <= begins_at(run)
        else f"run {run.number} has {begins_at(run) + len(run.made.worker.history):,} epochs"
        for run in missing
    ]
    words = f"A dash is where there is no epoch {epoch:,}: {', '.join(told)}."
    return [["p", {"class": "quiet"}, words]]


def _row(label: str, values: Sequence[str], kind: str) -> Node:
    cells: list[Any] = [["td", {}, value] for value in values]
    return ["tr", {"class": kind} if kind else {}, ["th", {"scope": "row"}, label], *cells]


def _digits(label: str, value: float) -> str:
    """Return a number with as many digits as runs need to be told apart by it."""
    if label in CURVES.values():
        return number_text(value, 4)
    return number_text(value) if label == RATE else number_shown(value)


def _numbers(label: str, values: Sequence[float | None]) -> Node:
    cells: list[Any] = [
        ["td", {}, "–"]
        if value is None or not np.isfinite(value)
        else [
            "td",
            {"data-value": repr(float(value))},
            _digits(label, value),
        ]
        for value in values
    ]
    return ["tr", {}, ["th", {"scope": "row"}, label], *cells]
