"""What each ingredient of the default recipe adds on a table: the recipe is trained with it and without it.

An ingredient is taken out alone, all others stay (a leave-one-out ablation). The rows of the score are the same in all
trainings; the seeds change initial weights, batches, validation rows and folds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray
from chainrule.engines import ENGINES
from chainrule.engines.threads import limited_threads
from chainrule.errors import SettingsError, TableError
from chainrule.fitting.fit import check_no_search, fit_whole
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.question import Question, asked
from chainrule.fitting.score import trained_model
from chainrule.fitting.studies.ablation_records import Ablation, AblationRun, Ablations, Difference
from chainrule.fitting.train import prepare
from chainrule.model.model import Model, Prediction, check_finite
from chainrule.model.source import Source
from chainrule.tables.encoding.target import TargetEncoder
from chainrule.tables.table import Table
from chainrule.training.result import Callback
from chainrule.training.scores.metrics import Scores, log_losses, standard_error
from chainrule.training.settings.by_hand import ReadName
from chainrule.training.settings.recipe import INGREDIENTS, Ingredient, can_be_added, fill, why_plain
from chainrule.training.settings.record import Problem, Settings
from chainrule.training.settings.resolve import resolve

SEEDS = 3
"""The trainings of the recipe, and of the recipe without each ingredient, where no other number is given."""


@dataclass(frozen=True)
class _Scored:
    """The scores of one training, each row's part in them (n,), and the seconds that it took."""

    scores: Scores
    parts: Mapping[str, FloatArray]
    seconds: float


@dataclass(frozen=True)
class _Trials:
    """How all trainings of an ablation are made, and how many there are ``of`` them."""

    question: Question
    seeds: int
    engine: str
    threads: int | None
    of: int
    on_run: Callable[[AblationRun], None] | None

    def run(self, settings: Settings, name: str | None, index: int, made: list[_Scored]) -> None:
        """Train with the settings' seed and those that follow it, and add the scores to ``made``."""
        # An epoch beforehand, so that compiling counts in no training's seconds.
        _trained(prepare(self.question, settings), self.engine, self.threads, lambda state: True)
        for number in range(self.seeds):
            seed = settings.seed + number
            found = _scored(prepare(self.question, replace(settings, seed=seed)), self.engine, self.threads)
            made.append(found)
            if self.on_run is not None:
                place = index * self.seeds + number + 1
                self.on_run(AblationRun(name, seed, found.scores, found.seconds, place, self.of))


def ablate(
    table: Source,
    target: str | Sequence[str],
    *,
    seeds: int = SEEDS,
    ingredients: Sequence[Ingredient] = INGREDIENTS,
    engine: str = ENGINES[0],
    threads: int | None = None,
    on_run: Callable[[AblationRun], None] | None = None,
    **words: Any,
) -> Ablations:
    """Train the default recipe on a table, and again without each of its ingredients, ``seeds`` times each.

    The ``words`` are those of `train`; ``on_run`` is called after each training. Ctrl-C returns what is done so far; before
    the first training is done KeyboardInterrupt goes on. Raises TableError or SettingsError as `train` does, and for a
    plain network, of which no ingredient can be taken out.
    """
    how: dict[str, Any] = {"seeds": seeds, "ingredients": ingredients, "engine": engine, "threads": threads}
    return ablate_asked(*asked(table, target, words), **how, on_run=on_run)


def check_ablates(settings: Settings, seeds: int) -> None:
    """Raise SettingsError where there is no recipe to be taken apart, or its trainings can't be compared."""
    if plain := why_plain(settings):
        added = f", or add {setting('recipe', True)}" if can_be_added(settings) else ""
        raise SettingsError(
            f"{setting('ablate')} takes the default recipe apart, and with {plain} it is a plain network without ingredients: "
            f"leave out {plain}{added}"
        )
    check_no_search(settings, "ablate")
    if settings.time_limit is not None:
        raise SettingsError(
            f"{setting('ablate')} compares whole trainings, and a {setting('time_limit')} would end each at another epoch: "
            f"give {setting('epochs')} and {setting('members')} instead"
        )
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
        wanted = "a whole number of trainings each, at least 1"
        raise SettingsError(f"{setting('seeds')} {seeds!r} must be {wanted}")


def ablate_asked(
    question: Question,
    settings: Settings,
    *,
    seeds: int = SEEDS,
    ingredients: Sequence[Ingredient] = INGREDIENTS,
    engine: str = ENGINES[0],
    threads: int | None = None,
    on_run: Callable[[AblationRun], None] | None = None,
) -> Ablations:
    """Take each ingredient out of the trainings of a question with these settings; see `ablate`.

    The seeds are the settings' and those that follow it; the rows of the score are those of the settings' own.
    """
    check_ablates(settings, seeds)
    question = replace(question.opened(), test_seed=settings.seed)
    prepared = prepare(question, settings)
    n = prepared.tested.n_rows
    if n < 2:
        why = f"{setting('ablate')} compares scores on rows held out, and there are {n}"
        raise SettingsError(f"{why}: give a larger {setting('test_share')}, or a {setting('test_file')}")
    problem = prepared.problem
    reasons = {
        ingredient.name: _reason(ingredient, settings, problem, question.names) for ingredient in ingredients
    }
    taken_out = [ingredient for ingredient in ingredients if reasons[ingredient.name] is None]
    trials = _Trials(question, seeds, engine, threads, (1 + len(taken_out)) * seeds, on_run)
    full: list[_Scored] = []
    done: dict[str, list[_Scored]] = {}
    interrupted = False
    with limited_threads(threads):
        try:
            trials.run(settings, None, 0, full)
            for index, ingredient in enumerate(taken_out, 1):
                made = done[ingredient.name] = []
                try:
                    trials.run(replace(settings, **ingredient.without), ingredient.name, index, made)
                except (SettingsError, TableError) as error:
                    # Without it the network may diverge, which says something, but is no score.
                    reasons[ingredient.name] = f"without it: {error}"
        except KeyboardInterrupt:
            if not full:
                raise
            interrupted = True
    found = []
    for ingredient in ingredients:
        reason, runs = reasons[ingredient.name], done.get(ingredient.name)
        if reason is None and runs:
            found.append(_compared(ingredient, full, runs))
        else:
            found.append(Ablation(ingredient, {}, reason=reason or "interrupted before it was"))
    scores = {name: _mean(run.scores[name] for run in full) for name in full[0].scores}
    seconds = _mean(run.seconds for run in full)
    return Ablations(problem.task, scores, seconds, len(full), n, tuple(found), interrupted)


def _reason(
    ingredient: Ingredient, settings: Settings, problem: Problem, read: ReadName | None = None
) -> str | None:
    """Return why an ingredient can't be taken out of the training that the settings give; None if it can."""
    chosen = fill(settings, problem)
    words: dict[str, Any] = dict.fromkeys(ingredient.without)
    own = fill(replace(settings, **words), problem)
    without = ingredient.without.items()
    there = [_there(name, getattr(chosen, name), getattr(own, name), value) for name, value in without]
    if all(there):
        return "; ".join(map(str, there))
    try:
        resolve(replace(settings, **ingredient.without), problem, read)
    except SettingsError as error:
        return str(error)
    return None


def _there(name: str, value: Any, own: Any, without: Any) -> str | None:
    """Return why a setting is as without the ingredient already; None if it is not."""
    named = setting(name)
    if value is None:
        return f"there is no {named}"
    shown = ("off", "on")[value] if isinstance(value, bool) else value
    if value == without:
        return f"{named} is {shown} already"
    if isinstance(value, str | Sequence) and value != own:
        # Another word of the user's is no ingredient: without it there would be another training altogether.
        return f"{named} is {shown}, not the recipe's {own}"
    if _is_number(value) and _is_number(without) and value < without:
        # What is taken out of a number makes it less: more would be another recipe.
        return f"{named} is {shown} already, less than {without}"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _trained(
    prepared: Prepared, engine: str, threads: int | None, on_epoch_end: Callback | None = None
) -> Model:
    """Return the trained model; raises KeyboardInterrupt where training is interrupted."""
    result = fit_whole(prepared, engine=engine, threads=threads, on_epoch_end=on_epoch_end)
    return trained_model(prepared, result, engine=engine)[0]


def _scored(prepared: Prepared, engine: str, threads: int | None) -> _Scored:
    """Train, and score on the rows held out."""
    begun = time.perf_counter()
    model = _trained(prepared, engine, threads)
    seconds = time.perf_counter() - begun
    tested = prepared.tested
    prediction = check_finite(model.answer(prepared.arrays.x_test), tested)
    parts = model.target.parts
    if len(parts) == 1:
        found, rows = _of_target(parts[0], prediction, tested, model.score(prediction, tested).scores)
        return _Scored(found, rows, seconds)
    by_target = model.score(prediction, tested).by_target or {}
    each = [
        _of_target(part, prediction.of_target(j), tested, by_target[part.name])
        for j, part in enumerate(parts)
    ]
    names = list(each[0][0])
    means = {name: _mean(found[name] for found, _ in each) for name in names}
    return _Scored(
        means, {name: np.mean([rows[name] for _, rows in each], axis=0) for name in names}, seconds
    )


def _of_target(
    target: TargetEncoder, prediction: Prediction, tested: Table, scores: Scores
) -> tuple[dict[str, float], dict[str, FloatArray]]:
    """Return the scores of one target that are compared, and each row's part in them."""
    if prediction.codes is None:
        rmse = scores["rmse"]
        errors = np.abs(prediction.labels - target.numbers(tested))
        # R = sqrt(mean e²), so d R = mean d(e²) / 2R: a row's part in a small difference is that of e² / 2R.
        parts = (errors / rmse) ** 2 * rmse / 2 if rmse else np.zeros(len(errors))
        return {"rmse": rmse}, {"rmse": parts}
    codes = target.codes(tested)
    found = {"error": float(1 - scores["accuracy"])}
    rows = {"error": (codes != prediction.codes).astype(np.float64)}
    if prediction.probabilities is not None:
        found["log_loss"] = scores["log_loss"]
        rows["log_loss"] = log_losses(codes, prediction.probabilities)
    return found, rows


def _compared(ingredient: Ingredient, full: Sequence[_Scored], made: Sequence[_Scored]) -> Ablation:
    """Return the differences between the trainings without and with an ingredient, of the same seeds."""
    pairs = list(zip(full, made, strict=False))  # fewer without, where it was interrupted
    differences = {}
    for name in full[0].scores:
        by_seed = np.array([without.scores[name] - with_it.scores[name] for with_it, without in pairs])
        by_row = np.mean([without.parts[name] - with_it.parts[name] for with_it, without in pairs], axis=0)
        means = [_mean(run.scores[name] for run in runs) for runs in zip(*pairs, strict=True)]
        over_seeds = standard_error(by_seed) if len(by_seed) > 1 else None
        over_rows = standard_error(by_row)
        differences[name] = Difference(means[0], means[1], _mean(by_seed), over_seeds, over_rows)
    seconds_full, seconds = (_mean(run.seconds for run in runs) for runs in zip(*pairs, strict=True))
    return Ablation(ingredient, differences, len(pairs), seconds_full, seconds)


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
