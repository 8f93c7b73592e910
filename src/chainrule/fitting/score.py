"""From a training to a model with its score beside the baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from chainrule._doors import setting
from chainrule._memory import give_back
from chainrule._types import FloatArray, IntArray
from chainrule.engines import ENGINES, engine_named
from chainrule.equations.answers import Answers
from chainrule.errors import SettingsError
from chainrule.fitting.bits import bits_told
from chainrule.fitting.card import training_card
from chainrule.fitting.held_out import held_out, held_out_rows
from chainrule.fitting.honest.judged import Result, judged
from chainrule.fitting.honest.shared import Shared, shared_of
from chainrule.fitting.honest.verdicts import no_finite_outputs, separability, trained_members, training_notes
from chainrule.fitting.parts import GroupTraining, outputs_held_out, rows_held_out
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.rows import data_digest
from chainrule.model.group import Group
from chainrule.model.model import Evaluation, Model, Prediction, check_finite
from chainrule.model.seen import seen_columns
from chainrule.model.threshold import DecisionThreshold
from chainrule.tables.encoding.encoded_rows import blocks_of
from chainrule.tables.encoding.targets import Target
from chainrule.tables.rows.parting import SplitRule
from chainrule.tables.table import Table
from chainrule.training.refit import warmup_of_refit
from chainrule.training.result import FitResult
from chainrule.training.scores.baselines import Answered, class_answers, number_answers
from chainrule.training.scores.metrics import Scores, mean_scores, rarer, scores
from chainrule.training.scores.temperature import at_temperature, temperature_of
from chainrule.training.scores.threshold import best_threshold

MOST_CHECKED = 1000
"""The training rows on which a trained network's outputs are checked to be finite."""


@dataclass(frozen=True, eq=False)
class Ensemble:
    """A model, notes about its training, and the trainings of its groups, in their order."""

    model: Model
    notes: Sequence[str]
    parts: tuple[GroupTraining, ...]


@dataclass(frozen=True)
class Trained:
    """A trained model, how training went, and its scores beside the baselines'.

    They are about rows the network never saw; where none were held out, ``evaluation`` is about the rows it was
    trained on, which flatters, and ``baselines`` is empty. ``notes`` say what a user should know. With bagging
    ``out_of_fold`` is about the training rows, each as answered by members that held it out. ``shared``: the rows
    of the score that training saw all the same, with the score without them. ``without_leaks`` is the score of a training
    without the columns that alone nearly tell the target, where there are some. ``verdict`` is what is worst about the result,
    in one sentence with what to try; "" where nothing speaks against it. ``parts`` are the trainings of the model's groups,
    in their order; the first is ``fit``, of ``prepared``.
    """

    model: Model
    prepared: Prepared
    fit: FitResult
    evaluation: Evaluation
    baselines: Mapping[str, Scores]
    notes: tuple[str, ...]
    out_of_fold: Evaluation | None = None
    shared: Shared | None = None
    verdict: str = ""
    without_leaks: Evaluation | None = None
    parts: tuple[GroupTraining, ...] = ()

    @property
    def held_out(self) -> bool:
        """Whether there are rows that were held out for the scores; of a table of its own some may have been seen (`shared`)."""
        return self.prepared.tested.n_rows > 0


def score_prepared(
    prepared: Prepared,
    result: FitResult,
    *,
    engine: str = ENGINES[0],
    without: Callable[[Sequence[str]], Evaluation | None] | None = None,
) -> Trained:
    """Make the model of a training (`trained_model`) and score it on the rows held out, beside the baselines.

    ``without``: what gives the score of a training without some columns, asked where these alone nearly tell the target.
    Ctrl-C leaves out the baselines, which can take longer than the rest, rather than lose what was trained. Raises
    SettingsError where training left nothing finite.
    """
    try:
        return _scored(ensemble_of(prepared, result, engine), engine, without, with_baselines=True)
    except KeyboardInterrupt:
        return _scored(ensemble_of(prepared, result, engine), engine, None, with_baselines=False)


def ensemble_of(prepared: Prepared, result: FitResult, engine: str = ENGINES[0]) -> Ensemble:
    """Return the model of a single training (`trained_model`), as one of several groups would be returned."""
    model, notes = trained_model(prepared, result, engine=engine)
    return Ensemble(model, notes, (GroupTraining(prepared, result),))


def score_made(
    made: Ensemble,
    *,
    engine: str = ENGINES[0],
    without: Callable[[Sequence[str]], Evaluation | None] | None = None,
) -> Trained:
    """Score a model on the rows held out as `score_prepared` does."""
    try:
        return _scored(made, engine, without, with_baselines=True)
    except KeyboardInterrupt:
        return _scored(made, engine, None, with_baselines=False)


def _scored(
    made: Ensemble,
    engine: str,
    without: Callable[[Sequence[str]], Evaluation | None] | None,
    *,
    with_baselines: bool,
) -> Trained:
    model, notes, parts = made.model, list(made.notes), made.parts
    prepared, result = parts[0].prepared, parts[0].result
    if prepared.arrays.are_large:
        give_back()
    out_of_fold = _out_of_fold(model, parts, engine)
    if not prepared.tested.n_rows:
        own = check_finite(model.answer(prepared.arrays.fitted.x), prepared.fitted_targets)
        evaluation = model.score(own, prepared.fitted_targets)
        return Trained(
            *(model, prepared, result, evaluation, {}, tuple(notes), out_of_fold),
            parts=parts,
        )
    tested = check_finite(model.answer(prepared.arrays.x_test), prepared.tested)
    evaluation = model.score(tested, prepared.tested)
    if prepared.arrays.are_large:
        give_back()
    finite = {name: score for name, score in evaluation.scores.items() if np.isfinite(score)}
    model = replace(model, card={**model.card, "scores": finite})
    if not with_baselines:
        notes.append("the baselines were interrupted, and are left out")
    shared, answers = shared_of(prepared, model, tested), _baselines(prepared) if with_baselines else ()
    baselines = baseline_scores(prepared.target, prepared.tested, answers) if answers else {}
    leaked = None
    if prepared.leaks and without is not None:
        leaked = without([leak.column for leak in prepared.leaks])
    verdict = judged(Result(model, prepared, tested, evaluation, answers, baselines, notes, shared, leaked))
    return Trained(
        *(model, prepared, result, evaluation, baselines, tuple(notes), out_of_fold, shared, verdict),
        without_leaks=leaked,
        parts=parts,
    )


def trained_model(
    prepared: Prepared, result: FitResult, *, engine: str = ENGINES[0]
) -> tuple[Model, list[str]]:
    """Return the model of the members that learned, its card without scores, and notes about the training.

    Raises SettingsError where training left nothing finite.
    """
    resolved, arrays, plan, rows = prepared.resolved, prepared.arrays, prepared.resolved.plan, prepared.rows
    limited = prepared.budget is not None
    large = _to_scale(prepared) if _has_diverged(result) else ""
    notes = [*training_notes(result, resolved, limited=limited, large=large), *prepared.notes]
    kept = trained_members(result)
    learned = arrays.training
    if result.first is not None:
        learned, n = arrays.fitted, arrays.n_fitted
        plan = replace(plan, warmup=warmup_of_refit(plan, resolved.steps, arrays.n_training, n))
        rows = {**rows, "training": n, "validation": 0}
    entries = {
        "table": prepared.table.name, "rows": rows, "weights": prepared.question.weights, "engine": engine,
        "test_share": prepared.question.share,
        "test_seed": None if prepared.question.test_seed == resolved.steps.seed else prepared.question.test_seed,
        "time_limit": None if prepared.budget is None else prepared.budget.seconds,
        "data": data_digest(*learned),
        "members": {"trained": resolved.members, "kept": [member + 1 for member in kept]},
        "best_epochs": [result.best_epochs[member] for member in kept], "scores": None, "temperature": None,
        "bits": bits_told(engine_named(engine), result.parameters),
        "seen": {
            name: one.to_dict()
            for name, one in seen_columns(prepared.encoder, prepared.table, prepared.left).items()
        },
        "class_weights": _class_weights(prepared), "taught": arrays.taught is not None,
        "split": prepared.parting.rule.to_dict() if prepared.parting.rule != SplitRule() else None,
    }  # fmt: skip
    model = Model(
        (Group(resolved.network, result.parameters[kept]),),
        prepared.encoder,
        prepared.target,
        prepared.question.reading,
        training_card(resolved, plan, result, _of_each(prepared, rows["training"]), **entries),
    )
    if not model.answer(arrays.x[:MOST_CHECKED]).finite.all():
        raise SettingsError(no_finite_outputs(result, large))
    if resolved.calibrate:
        model = _calibrated(model, prepared, result, engine)
    model = with_threshold(model, [GroupTraining(prepared, result)], engine)
    if resolved.steps.optimizer.name == "perceptron" and resolved.network.output.n_out == 1:
        x = arrays.fitted.x
        notes.append(separability(x, prepared.target.codes(prepared.fitted_targets), model.answer(x).codes))
    return model, notes


def _class_weights(prepared: Prepared) -> dict[str, float] | None:
    """Return the weights of the classes by their names, None where there are none."""
    weights = prepared.arrays.class_weights
    return (
        None
        if weights is None
        else dict(zip(map(str, prepared.target.labels), weights.tolist(), strict=True))
    )


def _of_each(prepared: Prepared, rows: int) -> int:
    """Return how many rows a member sees in an epoch."""
    return rows if prepared.folds is None else prepared.folds.n_rest


def _has_diverged(result: FitResult) -> bool:
    """Tell whether some member diverged, in this training or the one before its refit."""
    return bool(result.diverged) or (result.first is not None and bool(result.first.diverged))


def _to_scale(prepared: Prepared) -> str:
    """Return which of a training's numbers are large where it diverged: the target, or else the inputs."""
    x, y, _ = prepared.arrays.training
    inputs, target = (
        max((float(np.abs(block).max(initial=0.0)) for block in blocks_of(array)), default=0.0)
        for array in (x, y)
    )
    if prepared.by_class or target <= max(inputs, 1.0):
        return "the inputs"
    return f"the target, up to {target:.3g} ({setting('target_scaling', 'standard')})"


def _out_of_fold(model: Model, parts: Sequence[GroupTraining], engine: str) -> Evaluation | None:
    """Return the scores of each row's answer by the members that haven't seen it; None without bagging."""
    prepared = parts[0].prepared
    if not prepared.resolved.bagging:
        return None
    rows, answers = _answers_out_of_fold(model, parts, engine)
    return model.score(answers, prepared.fitted_targets.take(rows))


def out_of_fold_answers(trained: Trained, engine: str = ENGINES[0]) -> tuple[IntArray, Prediction]:
    """Return with bagging the places of the fitted rows, and each one's answer by the members that haven't seen it."""
    return _answers_out_of_fold(trained.model, trained.parts, engine)


def _answers_out_of_fold(
    model: Model, parts: Sequence[GroupTraining], engine: str
) -> tuple[IntArray, Prediction]:
    rows = rows_held_out(parts)
    return rows, model.answer_of(outputs_held_out(model, parts, rows, engine))


def with_threshold(model: Model, parts: Sequence[GroupTraining], engine: str) -> Model:
    """Return the model with the threshold of the settings, or the best by their rule for rows that members haven't seen."""
    prepared = parts[0].prepared
    wanted = prepared.settings.threshold
    if wanted is None:
        return model
    place = rarer(prepared.target.codes(prepared.fitted_targets))
    if not isinstance(wanted, str):
        return replace(model, threshold=DecisionThreshold(place, float(wanted), "given"))
    rows = rows_held_out(parts)
    probabilities = model.probabilities(outputs_held_out(model, parts, rows, engine))
    assert probabilities is not None
    fitted, watched = prepared.fitted_targets, prepared.watched
    tables = [fitted] if watched is None else [fitted, watched]
    codes = np.concatenate([prepared.target.codes(table) for table in tables])[rows]
    found = best_threshold(wanted, codes == place, probabilities[:, place])
    return replace(model, threshold=DecisionThreshold(place, found, wanted))


def _calibrated(model: Model, prepared: Prepared, result: FitResult, engine: str) -> Model:
    """Return the model with the temperature that is best for rows it hasn't seen in its output layer, and in its card."""
    network, rows = model.network, held_out_rows(prepared, result)
    y, weights = prepared.arrays.y, prepared.arrays.weights
    sums = partial(engine_named(engine).predict, network.without_output_activation())
    answers, weights = Answers("class", network.loss.signed), None if weights is None else weights[rows]
    temperature = temperature_of(network, held_out(prepared, result, sums), y[rows], answers, weights)
    made = model.with_parameters(lambda group: at_temperature(group.network, group.parameters, temperature))
    return replace(made, card={**model.card, "temperature": temperature})


def _baselines(prepared: Prepared) -> Sequence[Mapping[str, Answered]]:
    arrays, own = prepared.arrays, prepared.row_weights
    x, _, weights = arrays.fitted
    rows = np.ones(len(x)) if own is None else own[prepared.places]
    return baseline_answers(prepared.target, prepared.fitted_targets, x, arrays.x_test, weights, rows)


def baseline_answers(
    target: Target,
    fitted: Table,
    x: FloatArray,
    x_test: FloatArray,
    weights: FloatArray | None = None,
    row_weights: FloatArray | None = None,
) -> tuple[Mapping[str, Answered], ...]:
    """Return for each target the baselines' answers for encoded rows ``x_test`` (m, d), learned from the ``fitted`` ones.

    ``x`` (n, d) are these encoded, ``weights`` (n,) theirs, and ``row_weights`` (n,) those without the weights of their classes,
    by which the most frequent class is told. Of several targets only the baselines count that all have.
    """
    each = [
        class_answers(x, part.codes(fitted), x_test, part.n_classes, weights, row_weights)
        if part.n_classes
        else number_answers(x, part.numbers(fitted), x_test, weights)
        for part in target.parts
    ]
    names = [name for name in each[0] if all(name in one for one in each)]
    return tuple({name: one[name] for name in names} for one in each)


def baseline_scores(
    target: Target, tested: Table, answers: Sequence[Mapping[str, Answered]]
) -> Mapping[str, Scores]:
    """Return the scores of the baselines' answers for a table's rows, by the baseline's name; of several targets the means."""
    each = [
        {
            name: scores(part.codes(tested) if part.n_classes else part.numbers(tested), **one)
            for name, one in own.items()
        }
        for part, own in zip(target.parts, answers, strict=True)
    ]
    if len(each) == 1:
        return each[0]
    return {name: mean_scores(one[name] for one in each) for name in each[0]}
