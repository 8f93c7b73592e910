"""A search: trials on the same folds, one after the other, and a model of those that greedy picks choose.

The work of a training is counted as 6 operations a parameter, row and epoch, forward and backward, of each member. Drawn
settings are trained for a part of their epochs first (`space.SHORT`), a whole schedule each; the best of them
(`space.PROMOTED`) then at full length. Which those are depends on scores alone, never on seconds, but under a time limit: there
no trial is begun whose operations, at the rate of those before it, have no room in what is left. Trial 0 always is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray, IntArray
from chainrule.engines import ENGINES, engine_named
from chainrule.equations.answers import Answers
from chainrule.errors import SettingsError, TableError
from chainrule.fitting.choose import chosen_again
from chainrule.fitting.fit import fit_prepared
from chainrule.fitting.held_out import held_out_rows
from chainrule.fitting.honest.verdicts import trained_members
from chainrule.fitting.parts import (
    GroupTraining,
    answers_held_out,
    held_out_of,
    rows_held_out,
    temperature_of_group,
)
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.rows import GUARD_STREAM
from chainrule.fitting.score import Ensemble, trained_model, with_threshold
from chainrule.fitting.search.compared import TrialScore, trial_score
from chainrule.fitting.search.space import PORTFOLIO, PROMOTED, SHORT, SearchTrial, is_drawn, trial_of
from chainrule.fitting.search.stored import SearchFile
from chainrule.fitting.search.weights import PARTS, Picked, picked
from chainrule.model.card import CardSearch, CardTrial
from chainrule.model.group import Group
from chainrule.model.model import Model
from chainrule.training.result import Callback, FitResult
from chainrule.training.scores.temperature import at_temperature, temperature_of

MOST_ROWS = 100_000
"""The most rows by which trials are compared, taken evenly from all in their order."""

FEWEST_ROWS = 2
"""The fewest rows by which trials are compared: of one it isn't known how sure a gain is."""

OnTrial = Callable[[CardTrial, int], None]
"""What is called after each trial, with how many there are at most."""


@dataclass(eq=False)
class _Ran:
    """A trial, its training, and what it answers for the rows of the comparison; all but the trial are None without one."""

    trial: SearchTrial
    state: Literal["done", "cut short", "same", "failed", "not begun"]
    operations: float = 0.0
    why: str = ""
    training: GroupTraining | None = None
    model: Model | None = None
    notes: list[str] = field(default_factory=list)
    answers: FloatArray | None = None
    score: float = math.inf


def check_searches(prepared: Prepared) -> None:
    """Raise SettingsError for what a search can't be made with."""
    settings, named = prepared.settings, setting("search")
    for name in ("initial", "frozen", "weights_from"):
        if getattr(settings, name) is not None:
            raise SettingsError(
                f"{named} tries other layers, and {setting(name)} is about parameters of these: leave one of them out"
            )
    stops = (
        f"{named} compares epochs that were kept by rows not trained on: leave it out, or choose adam and "
    )
    stops += setting("early_stopping", True)
    if prepared.resolved.steps.optimizer.searches or settings.early_stopping is False:
        raise SettingsError(stops)
    if prepared.resolved.refit:
        why = (
            f"{named} weighs networks by rows that they haven't seen, and {setting('refit')} trains on those"
        )
        raise SettingsError(f"{why}: leave one of them out")
    arrays = prepared.arrays
    held_out = len(arrays.x) - arrays.n_training
    if prepared.folds is None and held_out < FEWEST_ROWS:
        there = "only 1 is" if held_out else "none is"
        raise SettingsError(
            f"{named} weighs trials by answers for {FEWEST_ROWS} rows or more that they haven't seen, and {there} held out "
            f"of {len(arrays.x)}: give more rows or a larger {setting('validation_share')}, or leave it out"
        )
    if not prepared.resolved.plan.early_stopping:
        raise SettingsError(stops)


def search_prepared(
    prepared: Prepared,
    *,
    engine: str = ENGINES[0],
    threads: int | None = None,
    dtype: Any = None,
    on_epoch_end: Callback | None = None,
    on_trial: OnTrial | None = None,
    file: SearchFile | None = None,
) -> Ensemble:
    """Train the trials of a search on a prepared table, and return the model of those that are picked.

    ``on_epoch_end`` is called in every training, ``on_trial`` after each. With a ``file`` every finished trial is
    written to it, and those that are in it aren't trained again. Ctrl-C ends the search and keeps the trials that are finished;
    in trial 0 it keeps the best epoch so far, as without a search.
    """
    check_searches(prepared)
    how = {"engine": engine, "threads": threads, "dtype": dtype, "on_epoch_end": on_epoch_end}
    return _Search(prepared, engine, how, on_trial, file).run()


def operations_of(prepared: Prepared, epochs: int) -> float:
    """Return the operations of so many epochs of a training: 6 for each parameter, row and member."""
    resolved, folds = prepared.resolved, prepared.folds
    rows = prepared.arrays.n_training if folds is None else folds.rest.shape[1]
    return 6.0 * resolved.network.n_parameters * rows * epochs * resolved.members


@dataclass(eq=False)
class _Search:
    """The trials made so far, and the comparison by which they are scored."""

    prepared: Prepared
    engine: str
    how: dict[str, Any]
    on_trial: OnTrial | None
    file: SearchFile | None
    made: list[_Ran] = field(default_factory=list)
    ended: Literal["", "interrupted", "time"] = ""
    seconds: float = 0.0
    rows: IntArray = field(default_factory=lambda: np.arange(0))
    by: TrialScore | None = None

    def run(self) -> Ensemble:
        """Make the trials, and the model."""
        asked = self.prepared.settings.search or 1
        drawn = max(0, asked - 1 - len(PORTFOLIO))
        most = asked + math.ceil(PROMOTED * drawn)
        for trial in self._trials(asked):
            if self.ended:
                self.made.append(_Ran(trial, "not begun"))
                continue
            try:
                ran = self._ran(trial)
            except KeyboardInterrupt:
                if not self.made:
                    raise
                self.ended, ran = "interrupted", _Ran(trial, "not begun")
            self.made.append(ran)
            if self.on_trial is not None and ran.state != "not begun":
                self.on_trial(self._told(ran), most)
        return self._ensemble(asked)

    def _trials(self, asked: int) -> Iterator[SearchTrial]:
        """Yield the trials in turn; which drawn ones are made at full length is known when all short ones are made."""
        settings, problem = self.prepared.settings, self.prepared.problem
        for number in range(asked):
            yield trial_of(settings, problem, number, SHORT if is_drawn(number) else 1.0)
        if self.ended:
            return
        short = [ran for ran in self.made if ran.trial.length < 1]
        best = sorted(
            (ran for ran in short if ran.answers is not None), key=lambda ran: (ran.score, ran.trial.number)
        )
        promoted = best[: math.ceil(PROMOTED * len(short))]
        for ran in sorted(promoted, key=lambda ran: ran.trial.number):
            yield trial_of(settings, problem, ran.trial.number)

    def _ran(self, trial: SearchTrial) -> _Ran:
        """Return a trial with its training, or why there is none."""
        prepared = self.prepared
        if trial.number:
            for before in self.made:
                if before.trial.settings == trial.settings or not trial.changes:
                    return _Ran(trial, "same", why=f"as trial {before.trial.number}")
            try:
                prepared = chosen_again(prepared, trial.settings)
            except SettingsError as error:
                return _Ran(trial, "failed", why=str(error))
        planned = operations_of(prepared, prepared.resolved.plan.longest)
        result = None if self.file is None else self.file.found(trial, prepared)
        if result is None:
            if trial.number and not self._has_room(planned):
                self.ended = "time"
                return _Ran(trial, "not begun", planned)
            try:
                result = fit_prepared(prepared, **self.how)
            except (SettingsError, TableError) as error:
                if not trial.number:
                    raise
                return _Ran(trial, "failed", why=str(error))
            if result.stopped == "interrupted":
                self.ended = "interrupted"
                if trial.number:
                    return _Ran(trial, "not begun", planned)
            elif self.file is not None and result.stopped != "callback":
                self.file.add(trial, result)
        self.seconds += result.seconds
        return self._scored(trial, prepared, result)

    def _has_room(self, planned: float) -> bool:
        """Tell whether so many operations have room in the time that is left, at the rate of the trainings before."""
        budget, done = self.prepared.budget, sum(ran.operations for ran in self.made)
        return budget is None or planned * self.seconds <= budget.left() * done

    def _scored(self, trial: SearchTrial, prepared: Prepared, result: FitResult) -> _Ran:
        """Return a training's answers for the rows of the comparison, which those of trial 0 decide."""
        operations = operations_of(prepared, len(result.watched.history))
        state: Literal["done", "cut short"] = "cut short" if result.stopped == "time limit" else "done"
        kept, members = len(trained_members(result)), prepared.resolved.members
        plain = replace(prepared, settings=replace(prepared.settings, threshold=None))
        training = GroupTraining(prepared, result)
        if trial.number and prepared.folds is not None and kept < members:
            return _Ran(trial, "failed", operations, f"{members - kept} of {members} members learned nothing")
        try:
            model, notes = trained_model(plain, result, engine=self.engine)
        except SettingsError as error:
            if not trial.number:
                raise
            return _Ran(trial, "failed", operations, str(error))
        if not trial.number:
            rows = held_out_rows(prepared, result)
            rows = evenly(rows, MOST_ROWS)
            self.rows, self.by = rows, trial_score(prepared, model, rows)
        assert self.by is not None
        outputs = answers_held_out(model, [training], self.rows, self.engine)[0]
        if prepared.folds is None:
            outputs = outputs.mean(axis=0, keepdims=True)  # all members have answered, however many are kept
        if not np.isfinite(outputs).all():
            return _Ran(trial, "failed", operations, "its outputs are not finite numbers")
        answers = self.by.of(outputs)
        score = self.by.judge.loss(answers, np.arange(len(self.rows)))
        if trial.number and not math.isfinite(score):
            return _Ran(trial, "failed", operations, "its score is not a finite number")
        return _Ran(trial, state, operations, "", training, model, notes, answers, score)

    def _told(self, ran: _Ran, weight: float = 0.0) -> CardTrial:
        """Return what the card says of a trial."""
        trial, score, gain, error = ran.trial, None, None, None
        if ran.answers is not None and self.by is not None:
            score = _known(self.by.sign * ran.score)
            first = self.made[0].answers if self.made else ran.answers
            if trial.number and first is not None:
                gain, error = map(_known, self.by.judge.gain(first, ran.answers, np.arange(len(self.rows))))
        return CardTrial(
            number=trial.number, length=trial.length, changes=trial.changes, state=ran.state,
            operations=ran.operations, score=score, gain=gain, error=error, weight=weight, why=ran.why,
        )  # fmt: skip

    def _ensemble(self, asked: int) -> Ensemble:
        """Return the model of the trainings that are picked, with the record of the search in its card."""
        candidates = [ran for ran in self.made if ran.answers is not None]
        assert self.by is not None
        found = picked(
            [ran.answers for ran in candidates if ran.answers is not None],
            self.by.judge,
            self.prepared.settings.seed,
            guard_parts(self.prepared, self.rows),
        )
        weights = dict(zip(map(id, candidates), found.weights, strict=True))
        record = CardSearch(
            asked=asked, metric=self.by.metric, rows=len(self.rows), picks=found.picks,
            gain=_known(found.gain), error=_known(found.error),
            trials=tuple(self._told(ran, weights.get(id(ran), 0.0)) for ran in self.made), ended=self.ended,
        )  # fmt: skip
        chosen = [(ran, weights[id(ran)]) for ran in candidates if weights[id(ran)] > 0]
        trainings = tuple(ran.training for ran, _ in chosen if ran.training is not None)
        models = [ran.model for ran, _ in chosen if ran.model is not None]
        model = models[0]
        if len(models) > 1:
            model = _mixed(models, [weight for _, weight in chosen], trainings, self.engine)
        model = with_threshold(model, trainings, self.engine)
        model = replace(model, card={**model.card, "search": record.to_dict()})
        return Ensemble(model, [*_notes(found, self), *notes_of([ran for ran, _ in chosen])], trainings)


def evenly(rows: IntArray, most: int) -> IntArray:
    """Return at most so many of sorted rows, evenly taken: of groups, times and folds all in proportion."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def guard_parts(prepared: Prepared, rows: IntArray) -> list[IntArray] | None:
    """Return the parts by which the guard judges ``rows`` of the arrays, as the table's rows are parted; None: by chance.

    Validation rows that are a table of their own are not parted by the table's rule.
    """
    if rows.max() >= len(prepared.places):
        return None
    seed = prepared.resolved.steps.seed
    return prepared.parting.separated(prepared.places[rows], PARTS, seed, GUARD_STREAM)


def notes_of(chosen: list[_Ran]) -> list[str]:
    """Return what is odd about any of the chosen trainings, each once, and of which trial it is where it isn't the first's."""
    said = list(chosen[0].notes)
    for ran in chosen[1:]:
        said += [f"trial {ran.trial.number}: {note}" for note in ran.notes if note not in chosen[0].notes]
    return said


def _known(number: float) -> float | None:
    """Return a finite number; None for one that isn't known."""
    return float(number) if math.isfinite(number) else None


def _mixed(
    models: list[Model], shares: list[float], trainings: tuple[GroupTraining, ...], engine: str
) -> Model:
    """Return the model of which each training is a group with its own card, all at one temperature more."""
    groups = tuple(
        Group(model.network, model.parameters, share, model.card)
        for model, share in zip(models, shares, strict=True)
    )
    made = replace(models[0], groups=groups)
    if models[0].card["temperature"] is None:
        return made
    rows, by = rows_held_out(trainings), engine_named(engine)
    each: list[FloatArray] = []
    counts: list[float] = []
    for group, share, training in zip(groups, made.shares, trainings, strict=True):
        sums = partial(by.predict, group.network.without_output_activation())
        z = np.asarray(held_out_of(training, rows, sums), np.float64) / (
            temperature_of_group(made, group) or 1.0
        )
        each.append(z)
        counts += [share / len(z)] * len(z)
    arrays = trainings[0].prepared.arrays
    weights = None if arrays.weights is None else arrays.weights[rows]
    answers = Answers("class", made.loss.signed)
    output = models[0].network
    temperature = temperature_of(
        output, np.concatenate(each), arrays.y[rows], answers, weights, np.array(counts)
    )
    cooled = tuple(
        replace(
            group,
            parameters=at_temperature(group.network, group.parameters, temperature),
            card={**group.card, "temperature": group.card["temperature"] * temperature},
        )
        for group in groups
    )
    return replace(made, groups=cooled, card={**models[0].card, "temperature": cooled[0].card["temperature"]})


def _notes(found: Picked, search: _Search) -> Iterator[str]:
    """Say how a search ended, where it ended early or nothing was found."""
    finished = sum(ran.answers is not None for ran in search.made)
    if search.ended == "interrupted":
        yield f"the search was interrupted: the best of its {finished} finished trials are kept"
    elif search.ended:
        yield f"the time limit ended the search after {finished} of {len(search.made)} trials"
    if found.is_default and finished > 1 and not (math.isfinite(found.gain) and math.isfinite(found.error)):
        yield "how sure a gain over the default is can't be told by the rows that trials were compared on: it is kept alone"
    elif found.is_default and finished > 1:
        yield "no weights of the trials are better than the default alone by more than the gain's standard error: it is kept"
