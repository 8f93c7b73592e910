"""The pictures beside the network: curves over the epochs, the score beside the baselines, confusion or residuals.

Each is a chart of `plots`, drawn once here, with its table. The rows of the score stay shut until they are asked for: before that
nothing here looks at them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from chainrule._types import FloatArray
from chainrule.errors import SettingsError
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.score import Trained, baseline_answers, baseline_scores, out_of_fold_answers
from chainrule.model.group import Group
from chainrule.model.model import Evaluation, Model, Prediction
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.kinds.classes import confusion_chart
from chainrule.plots.kinds.curves import curves_chart
from chainrule.plots.kinds.regression import residuals_chart
from chainrule.plots.kinds.scores import slices_chart
from chainrule.plots.svg.draw import WIDE, to_svg
from chainrule.plots.svg.page import table as table_of
from chainrule.reports.intervals import wilson
from chainrule.reports.words import SCORE_NAMES, baseline_words, number_shown, rows_shown
from chainrule.studio.protocol.nested import Node, nested
from chainrule.studio.training.course import Course
from chainrule.tables.table import Table
from chainrule.training.result import FitResult
from chainrule.training.scores.metrics import PRIMARY, Scores

CURVES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "loss": ("Cost by epoch", "cost", ("training", "validation")),
    "rate": ("Learning rate by epoch", "learning rate", ("rate",)),
    "gradient": ("Length of the gradient by epoch", "length of the gradient", ("gradient",)),
}
"""The curves by name: title, what is drawn, and the series of the ``curve`` events."""

MOST_CLASSES = 30
"""The most classes of a confusion matrix that can be read."""

WIDTHS = (260, 1200)

WATCHED = (
    "Training doesn't see these rows, but early stopping looks at them: the honest score is on the test rows."
)
MEANS = "Training: the mean over the epoch's updates, each before its step; validation: after all of them."
OUT_OF_FOLD = "Each row is answered by the one member that isn't trained on it."


class Now(NamedTuple):
    """Where one is: the members' parameters (k, p), in words when that is, and the curves of all epochs so far.

    ``result`` is what the training left, once it has ended; ``at_end``: that is what is looked at; ``test_open``: the rows of the
    score may be looked at.
    """

    parameters: FloatArray
    words: str
    curves: Mapping[str, Any]
    result: FitResult | None = None
    at_end: bool = False
    test_open: bool = False


class _Scored(NamedTuple):
    """Answers for a part of the rows, with their scores and the baselines'."""

    table: Table
    prediction: Prediction
    evaluation: Evaluation
    baselines: Mapping[str, Scores]
    words: str
    note: str = ""


class Pictures:
    """The pictures of one course; what takes long is kept until it is no longer true."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._trained: tuple[FitResult, Trained] | None = None
        self._beside: Mapping[str, Scores] | None = None

    def picture(self, query: Mapping[str, Any], now: Now) -> dict[str, Any]:
        """Return the title, the picture and the table of what is asked for, as nested lists.

        Raises SettingsError for what there isn't, or isn't yet.
        """
        width = min(max(query.get("width", WIDE), WIDTHS[0]), WIDTHS[1])
        kind = query["kind"]
        if kind == "curves":
            return _drawn(self._curves(query.get("name") or "loss", now), width)
        if kind == "score":
            return self._score(self._scored(query, now), width)
        if kind == "confusion":
            return _drawn(self._confusion(self._scored(query, now), query.get("name")), width)
        if kind == "residuals":
            return _drawn(self._residuals(self._scored(query, now), query.get("name")), width)
        raise SettingsError(f"there is no picture of the kind {kind!r}")

    def trained(self, result: FitResult) -> Trained:
        """Return the model of a training that has ended, with its score on the rows that it never saw."""
        if self._trained is None or self._trained[0] is not result:
            trained = self._course.scored(result)
            if trained is None:
                raise SettingsError(
                    "a lesson's network has no rows that it never saw; open a table to score one"
                )
            self._trained = (result, trained)
        return self._trained[1]

    def watched_scores(self, now: Now) -> Scores:
        """Return the scores on the rows that are watched; raises SettingsError where there are none."""
        return self._scored({}, now).evaluation.scores

    # ---- curves

    def _curves(self, name: str, now: Now) -> Chart:
        if name not in CURVES:
            raise SettingsError(f"there is no curve {name!r}; there are {', '.join(CURVES)}")
        title, label, keys = CURVES[name]
        epochs = now.curves.get("epochs") or []
        if not epochs:
            raise SettingsError("there is no epoch to be drawn yet: play, or press Train")
        series = {key: _numbers(now.curves[key]) for key in keys if now.curves.get(key) is not None}
        series = {key: values for key, values in series.items() if np.isfinite(values).any()}
        if not series:
            raise SettingsError(f"the {label} isn't known of these epochs")
        best = None if now.result is None or name != "loss" else float(now.result.best_epochs[0])
        note = MEANS if name == "loss" and "training" in series else ""
        chart = curves_chart(
            series, x=[float(epoch) for epoch in epochs], best=best, title=title, y_label=label
        )
        return replace(chart, note=note) if note else chart

    # ---- scores

    def _scored(self, query: Mapping[str, Any], now: Now) -> _Scored:
        prepared, part = self._course.prepared, query.get("part", "validation")
        if prepared is None:
            raise SettingsError(
                "there are no rows to score on here: open a table, of which some are held out"
            )
        if part == "test":
            return self._tested(prepared, now)
        model = self._model(prepared, now)
        found = self._watched(prepared, now, model)
        return found._replace(words=f"{found.words}, {_left(now) if now.at_end else now.words}")

    def _tested(self, prepared: Prepared, now: Now) -> _Scored:
        if not prepared.tested.n_rows:
            raise SettingsError("no rows were held out for the score: choose a test share above 0")
        if not now.test_open:
            raise SettingsError("the test rows are shut: open them once, when nothing is left to choose")
        if now.result is None:
            raise SettingsError("the score is about the network as training leaves it: press Train first")
        trained = self.trained(now.result)
        answers = trained.model.answer(prepared.arrays.x_test)
        words = f"{prepared.tested.n_rows:,} unseen rows, {_left(now)}"
        return _Scored(prepared.tested, answers, trained.evaluation, trained.baselines, words)

    def _model(self, prepared: Prepared, now: Now) -> Model:
        if now.result is not None and now.at_end:
            return self.trained(now.result).model
        network = prepared.resolved.network
        return Model(
            (Group(network, np.asarray(now.parameters, np.float64)),), prepared.encoder, prepared.target
        )

    def _watched(self, prepared: Prepared, now: Now, model: Model) -> _Scored:
        """Return the answers for the rows that no member that answers is trained on: those that are watched."""
        arrays = prepared.arrays
        if prepared.folds is not None:
            return self._by_folds(prepared, now, model)
        first, last = arrays.n_training, len(arrays.x)
        if first == last:
            raise SettingsError(
                "no rows are watched: choose a validation share above 0, or look at the test rows"
            )
        own_rows = prepared.fitted.take(np.arange(first, arrays.n_fitted))
        table = own_rows if prepared.watched is None else prepared.watched
        answers = model.answer(arrays.x[first:])
        words = f"{table.n_rows:,} validation {'row' if table.n_rows == 1 else 'rows'}"
        return _Scored(
            table, answers, model.score(answers, table), self._baselines(prepared, table), words, WATCHED
        )

    def _by_folds(self, prepared: Prepared, now: Now, model: Model) -> _Scored:
        """Return each row's answer by the one member that holds it out."""
        assert prepared.folds is not None
        if now.result is not None and now.at_end:
            rows, answers = out_of_fold_answers(self.trained(now.result))
        else:
            rows = np.arange(prepared.arrays.n_fitted)
            every, own = model.outputs(prepared.arrays.x[rows]), prepared.folds.own
            answers = model.answer_of(every[own, rows])
        table = prepared.fitted.take(rows)
        return _Scored(
            table,
            answers,
            model.score(answers, table),
            {},
            f"{rows_shown(table.n_rows)} out of fold",
            OUT_OF_FOLD,
        )

    def _baselines(self, prepared: Prepared, table: Table) -> Mapping[str, Scores]:
        """Return the scores of the baselines, learned from the same rows as the network, on the watched ones."""
        if self._beside is None:
            n = prepared.arrays.n_training
            x, _, weights = prepared.arrays.training
            learned = prepared.fitted.take(np.arange(n))
            answers = baseline_answers(prepared.target, learned, x, prepared.arrays.x[n:], weights)
            self._beside = baseline_scores(prepared.target, table, answers)
        return self._beside

    def _score(self, scored: _Scored, width: float) -> dict[str, Any]:
        prepared = self._course.prepared
        assert prepared is not None
        primary, scores = PRIMARY[prepared.target.task], scored.evaluation.scores
        values = {"this network": scores, **scored.baselines}
        known = {name: one[primary] for name, one in values.items() if primary in one}
        n, share = scored.table.n_rows, primary == "accuracy" and len(prepared.target.parts) == 1
        ends = [wilson(value, n) for value in known.values()] if share else []
        chart = slices_chart(
            [name if name == "this network" else baseline_words(name) for name in known],
            list(known.values()),
            [end.low for end in ends] if share else list(known.values()),
            [end.high for end in ends] if share else list(known.values()),
            overall=_best(
                [value for name, value in known.items() if name != "this network"],
                primary,
                known["this network"],
            ),
            score=SCORE_NAMES[primary],
            line="best baseline" if len(known) > 1 else "this network",
            what="answers",
            title=f"Score on {scored.words}",
        )
        chart = _noted(chart, scored)
        return {"title": chart.title, "nodes": nested(to_svg(chart, width)), "table": [_scores_table(values)]}

    def _confusion(self, scored: _Scored, name: str | None) -> Chart:
        target, made = self._of_target(scored, name)
        if made.codes is None:
            raise SettingsError(f"{target.name} is a number: look at the residuals")
        names = tuple(map(str, target.labels))
        if len(names) > MOST_CLASSES:
            raise SettingsError(f"{target.name} has {len(names)} classes: the report has them, in a table")
        title = f"True and predicted, {scored.words}"
        return _noted(confusion_chart(target.codes(scored.table), made.codes, names, title=title), scored)

    def _residuals(self, scored: _Scored, name: str | None) -> Chart:
        target, made = self._of_target(scored, name)
        if made.codes is not None:
            raise SettingsError(f"{target.name} is a class: look at the confusion")
        truth = target.numbers(scored.table)
        title = f"Residuals, {scored.words}"
        return _noted(residuals_chart(truth, made.labels, target=target.name, title=title), scored)

    def _of_target(self, scored: _Scored, name: str | None) -> tuple[Any, Prediction]:
        prepared = self._course.prepared
        assert prepared is not None
        parts = prepared.target.parts
        names = [part.name for part in parts]
        if name is not None and name not in names:
            raise SettingsError(f"there is no target {name!r}; there are {', '.join(names)}")
        place = 0 if name is None else names.index(name)
        return parts[place], scored.prediction if len(parts) == 1 else scored.prediction.of_target(place)


def _left(now: Now) -> str:
    """Say which network it is that is scored where a training has ended: the kept one."""
    assert now.result is not None
    kept = {int(epoch) for epoch in now.result.best_epochs}
    return f"epoch {kept.pop():,} (kept)" if len(kept) == 1 else "as training left it"


def _best(baselines: Sequence[float], metric: str, own: float) -> float:
    from chainrule.training.scores.metrics import METRICS

    if not baselines:
        return own
    return max(baselines) if METRICS[metric].greater_is_better else min(baselines)


def _noted(chart: Chart, scored: _Scored) -> Chart:
    """Return a chart that says what its rows are worth."""
    return replace(chart, note=" ".join(filter(None, (chart.note, scored.note))))


def _scores_table(values: Mapping[str, Scores]) -> Node:
    """Return all scores as a table: a row for each, a column for the network and each baseline."""
    head: list[Any] = [
        ["th", {"scope": "col"}, "score"],
        *(["th", {"scope": "col"}, name] for name in values),
    ]
    rows: list[Any] = []
    for name, words in SCORE_NAMES.items():
        if name in values["this network"]:
            cells = [
                ["td", {"data-value": repr(float(one[name]))}, number_shown(one[name])]
                if name in one
                else ["td", {}, "–"]
                for one in values.values()
            ]
            rows.append(["tr", {}, ["th", {"scope": "row"}, words], *cells])
    return ["table", {}, ["thead", {}, ["tr", {}, *head]], ["tbody", {}, *rows]]


def _numbers(values: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _drawn(chart: Chart | Charts, width: float) -> dict[str, Any]:
    return {"title": chart.title, "nodes": nested(to_svg(chart, width)), "table": nested(table_of(chart))}
