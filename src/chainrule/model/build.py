"""From a table to a trained model with an honest score: `train`, in the steps `prepare`, fit and score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.engines import ENGINES, engine_named
from chainrule.engines.base import Data
from chainrule.engines.threads import limited_threads
from chainrule.errors import SettingsError
from chainrule.model.card import training_card
from chainrule.model.model import Evaluation, Model, check_finite
from chainrule.model.prepare import Prepared, data_digest, prepare, unseen_inputs
from chainrule.model.source import Reading, Source
from chainrule.model.verdicts import no_finite_outputs, separability, trained_members, training_notes
from chainrule.tables.cells import number_cells
from chainrule.tables.table import suggestion
from chainrule.training.baselines import class_baselines, number_baselines
from chainrule.training.checkpoint import Checkpoint
from chainrule.training.initial import initial_parameters
from chainrule.training.loop import fit
from chainrule.training.metrics import Scores
from chainrule.training.monitor import Callback, FitResult
from chainrule.training.settings import Settings, Task

MOST_CHECKED = 1000
"""The training rows on which a trained network's outputs are checked to be finite."""


@dataclass(frozen=True)
class Trained:
    """A trained model, how training went, and its scores beside the baselines'.

    They are about rows the network never saw; where none were held out, ``evaluation`` is about the rows it was
    trained on, which flatters, and ``baselines`` is empty. ``notes`` say what a user should know.
    """

    model: Model
    prepared: Prepared
    fit: FitResult
    evaluation: Evaluation
    baselines: Mapping[str, Scores]
    notes: tuple[str, ...]

    @property
    def held_out(self) -> bool:
        """Whether the scores are about rows the network never saw."""
        return self.prepared.tested.n_rows > 0


def train(
    table: Source,
    target: str,
    *,
    task: Task | None = None,
    inputs: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    weights: str | None = None,
    scaling: str = "robust",
    target_scaling: str | None = None,
    test_share: float | None = None,
    test_file: Source | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    missing: Sequence[str] | None = None,
    engine: str = ENGINES[0],
    threads: int | None = None,
    on_epoch_end: Callback | None = None,
    **settings: Any,
) -> Trained:
    """Train a network on a table and score it on rows it never saw.

    ``table`` and ``test_file`` are paths, data frames (polars, pandas, a dict of columns) or `Table`s;
    ``settings`` are the fields of `Settings`. All words are the command line's. Raises TableError or
    SettingsError with one line that says what to do.

    >>> import chainrule
    >>> trained = chainrule.train({"x": [0, 1] * 20, "y": ["a", "b"] * 20}, "y", hidden=[4], epochs=30)
    >>> trained.evaluation.rows, trained.model.predict({"x": [0, 1]}).labels.tolist()
    (8, ['a', 'b'])
    """
    known = Settings.__dataclass_fields__
    for name in settings:
        if name not in known:
            raise SettingsError(f"there is no setting {name!r}; {suggestion(name, list(known))}")
    prepared = prepare(
        table,
        target,
        Settings(**settings),
        task=task,
        inputs=inputs,
        drop=drop,
        weights=weights,
        scaling=scaling,
        target_scaling=target_scaling,
        test_share=test_share,
        test_file=test_file,
        reading=Reading().changed(delimiter, decimal, encoding, missing),
    )
    return train_prepared(prepared, engine=engine, threads=threads, on_epoch_end=on_epoch_end)


def train_prepared(
    prepared: Prepared,
    *,
    engine: str = ENGINES[0],
    threads: int | None = None,
    on_epoch_end: Callback | None = None,
) -> Trained:
    """Train on a prepared table (`fit_prepared`), and score beside the baselines (`score_prepared`)."""
    with limited_threads(threads):
        result = fit_prepared(prepared, engine=engine, threads=threads, on_epoch_end=on_epoch_end)
        return score_prepared(prepared, result, engine=engine)


def fit_prepared(
    prepared: Prepared,
    *,
    engine: str = ENGINES[0],
    threads: int | None = None,
    on_epoch_end: Callback | None = None,
    resume: Checkpoint | None = None,
) -> FitResult:
    """Train on a prepared table with ``threads`` threads (all processors if None), or go on from a checkpoint.

    Ctrl-C ends training, and the best networks so far are returned; before the end of the first epoch there are
    none, and KeyboardInterrupt goes on.
    """
    resolved, arrays = prepared.resolved, prepared.arrays
    n_training = prepared.rows["training"]
    result = fit(
        engine_named(engine, threads=threads),
        resolved.network,
        initial_parameters(
            resolved.network,
            resolved.members,
            resolved.steps.seed,
            unseen_inputs(prepared.encoder),
            resolved.steps.sharing,
        ),
        Data(arrays.x, arrays.y, np.arange(n_training), np.arange(n_training, len(arrays.x)), arrays.weights),
        resolved.steps,
        resolved.plan,
        on_epoch_end,
        resume=resume,
    )
    if result.stopped == "interrupted" and not result.history:
        raise KeyboardInterrupt
    return result


def score_prepared(prepared: Prepared, result: FitResult, *, engine: str = ENGINES[0]) -> Trained:
    """Make the model of a training and score it on the rows held out, beside the baselines.

    Ctrl-C leaves out the baselines, which can take longer than the rest, rather than lose what was trained. Raises
    SettingsError where training left nothing finite.
    """
    try:
        return _scored(prepared, result, engine, with_baselines=True)
    except KeyboardInterrupt:
        return _scored(prepared, result, engine, with_baselines=False)


def _scored(prepared: Prepared, result: FitResult, engine: str, *, with_baselines: bool) -> Trained:
    model, notes = trained_model(prepared, result, engine=engine)
    if not prepared.tested.n_rows:
        return Trained(model, prepared, result, model.evaluate(prepared.fitted), {}, tuple(notes))
    tested = check_finite(model.answer(prepared.arrays.x_test), prepared.tested)
    evaluation = model.score(tested, prepared.tested)
    finite = {name: score for name, score in evaluation.scores.items() if np.isfinite(score)}
    model = replace(model, card={**model.card, "scores": finite})
    if not with_baselines:
        notes.append("the baselines were interrupted, and are left out")
    baselines = _baselines(prepared) if with_baselines else {}
    return Trained(model, prepared, result, evaluation, baselines, tuple(notes))


def trained_model(
    prepared: Prepared, result: FitResult, *, engine: str = ENGINES[0]
) -> tuple[Model, list[str]]:
    """Return the model of the members that learned, its card without scores, and notes about the training.

    Raises SettingsError where training left nothing finite.
    """
    resolved, arrays = prepared.resolved, prepared.arrays
    notes = training_notes(result, resolved)
    kept = trained_members(result)
    n = prepared.rows["training"]
    weights = None if arrays.weights is None else arrays.weights[:n]
    model = Model(
        resolved.network,
        result.parameters[kept],
        prepared.encoder,
        prepared.target,
        prepared.reading,
        training_card(
            resolved.steps,
            resolved.plan,
            result,
            table=prepared.table.name,
            rows=prepared.rows,
            weights=prepared.weights,
            engine=engine,
            test_share=prepared.test_share,
            validation_share=resolved.validation_share,
            data=data_digest(arrays.x[:n], arrays.y[:n], weights),
            members={"trained": resolved.members, "kept": [member + 1 for member in kept]},
            best_epochs=[result.best_epochs[member] for member in kept],
            scores=None,
            temperature=None,
        ),
    )
    if not model.answer(arrays.x[:MOST_CHECKED]).finite.all():
        raise SettingsError(no_finite_outputs(result))
    if resolved.steps.optimizer.name == "perceptron" and resolved.network.output.n_out == 1:
        x = arrays.x[: prepared.fitted.n_rows]
        notes.append(separability(x, prepared.target.codes(prepared.fitted), model.answer(x).codes))
    return model, notes


def _baselines(prepared: Prepared) -> Mapping[str, Scores]:
    fitted, tested, target, arrays = prepared.fitted, prepared.tested, prepared.target, prepared.arrays
    x = arrays.x[: fitted.n_rows]
    weights = None if arrays.weights is None else arrays.weights[: fitted.n_rows]
    if target.task == "classification":
        codes, codes_test = target.codes(fitted), target.codes(tested)
        return class_baselines(x, codes, arrays.x_test, codes_test, target.n_classes, weights)
    y, y_test = number_cells(fitted, target.name), number_cells(tested, target.name)
    return number_baselines(x, y, arrays.x_test, y_test, weights)
