"""From a table to a trained model with an honest score: `train`, in the two steps `prepare` and `train_prepared`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.engines import ENGINES, engine_named
from chainrule.engines.base import Data
from chainrule.errors import SettingsError, TableError
from chainrule.model.card import training_card
from chainrule.model.model import Evaluation, Model, check_finite
from chainrule.model.source import Reading, Source
from chainrule.model.verdicts import no_finite_outputs, separability, trained_members, training_notes
from chainrule.tables.cells import located, number_cells
from chainrule.tables.encode import Encoder, fit_encoder
from chainrule.tables.schema import Schema, infer_schema, labeled_rows
from chainrule.tables.split import split_rows
from chainrule.tables.table import Table, suggestion
from chainrule.tables.target import TargetEncoder, fit_target
from chainrule.training.baselines import class_baselines, number_baselines
from chainrule.training.initial import initial_parameters
from chainrule.training.loop import fit
from chainrule.training.metrics import Scores
from chainrule.training.monitor import Callback, FitResult
from chainrule.training.settings import Problem, Resolved, Settings, Task, resolve

TEST_STREAM, VALIDATION_STREAM = 0, 1

TEST_SHARE = 0.2
"""The share of the rows that is held out for the score where nothing else is asked for."""

MOST_CHECKED = 1000
"""The training rows on which a trained network's outputs are checked to be finite."""


class Arrays(NamedTuple):
    """What the network sees: training rows followed by validation rows, and the rows of the score.

    ``x`` (n, d), ``y`` (n, n_out), ``weights`` (n,) or None, ``x_test`` (m, d).
    """

    x: FloatArray
    y: FloatArray
    weights: FloatArray | None
    x_test: FloatArray


@dataclass(frozen=True)
class Prepared:
    """A table read and understood, before training: what the command line reports first.

    ``fitted`` are the training rows followed by the validation rows, ``tested`` the rows of the score.
    """

    table: Table
    schema: Schema
    encoder: Encoder
    target: TargetEncoder
    fitted: Table
    tested: Table
    arrays: Arrays
    n_validation: int
    resolved: Resolved
    weights: str | None = None
    reading: Reading = field(default_factory=Reading)

    @property
    def rows(self) -> dict[str, int]:
        """How many rows are used for what."""
        return {
            "training": self.fitted.n_rows - self.n_validation,
            "validation": self.n_validation,
            "test": self.tested.n_rows,
        }


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


def prepare(
    table: Source,
    target: str,
    settings: Settings | None = None,
    *,
    task: Task | None = None,
    inputs: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    weights: str | None = None,
    scaling: str = "robust",
    target_scaling: str | None = None,
    test_share: float | None = None,
    test_file: Source | None = None,
    reading: Reading | None = None,
) -> Prepared:
    """Read and understand a table: columns, split, encoders, and the training that the recipe chooses.

    ``test_share`` of the rows are held out (for classes, that share of each), or the score is on ``test_file``.
    ``weights`` names a column of row weights for training; it is no input, and rows of weight 0 are left out.
    Raises TableError or SettingsError for what can't be trained on.
    """
    settings, reading = settings or Settings(), reading or Reading()
    share = _test_share(test_share, test_file)
    table = reading.table(table)
    schema = _schema(table, target, inputs, drop, task, weights)
    known = labeled_rows(table, schema)
    row_weights = None
    if weights is not None:
        row_weights, known, schema = _weighed(table, weights, known, schema)
    classes = schema.task == "classification"
    strata = table.text(target).to_numpy()[known] if classes else None
    rest, test = split_rows(len(known), share, settings.seed, strata, stream=TEST_STREAM)
    rows = known[rest]
    encoder = fit_encoder(table, schema, scaling=scaling, rows=rows)
    if encoder.n_inputs == 0:
        raise TableError(f"{table.name}: no column is left as input; name some with --inputs")
    n_classes = int(table.take(rows).text(target).n_unique()) if classes else 0
    resolved = resolve(settings, Problem(schema.task, len(rows), encoder.n_inputs, n_classes))  # type: ignore[arg-type]
    if not classes:
        target_scaling = target_scaling or _target_scaling(resolved)
    encoded = fit_target(table, schema, scaling=target_scaling, rows=rows)
    training, validation = split_rows(
        len(rows),
        resolved.validation_share,
        settings.seed,
        None if strata is None else strata[rest],
        stream=VALIDATION_STREAM,
    )
    fitted = rows[np.concatenate([training, validation])]
    tested = table.take(known[test]) if test_file is None else _labeled(reading.table(test_file), target)
    arrays = Arrays(
        encoder.transform(table.take(fitted)),
        _targets(table.take(fitted), encoded, resolved),
        None if row_weights is None else row_weights[fitted],
        encoder.transform(tested),
    )
    _targets(tested, encoded, resolved)  # raises now, rather than after training, where they can't be scored
    return Prepared(
        table,
        schema,
        encoder,
        encoded,
        table.take(fitted),
        tested,
        arrays,
        len(validation),
        resolved,
        weights,
        reading,
    )


def train_prepared(
    prepared: Prepared,
    *,
    engine: str = ENGINES[0],
    threads: int | None = None,
    on_epoch_end: Callback | None = None,
) -> Trained:
    """Train on a prepared table (`fit_prepared`), and score beside the baselines (`score_prepared`)."""
    result = fit_prepared(prepared, engine=engine, threads=threads, on_epoch_end=on_epoch_end)
    return score_prepared(prepared, result, engine=engine)


def fit_prepared(
    prepared: Prepared,
    *,
    engine: str = ENGINES[0],
    threads: int | None = None,
    on_epoch_end: Callback | None = None,
) -> FitResult:
    """Train on a prepared table with ``threads`` threads (all processors if None).

    Ctrl-C ends training, and the best networks so far are returned; before the end of the first epoch there are
    none, and KeyboardInterrupt goes on.
    """
    resolved, arrays = prepared.resolved, prepared.arrays
    n_training = prepared.rows["training"]
    result = fit(
        engine_named(engine, threads=threads),
        resolved.network,
        initial_parameters(resolved.network, resolved.members, resolved.steps.seed, _unseen(prepared)),
        Data(arrays.x, arrays.y, np.arange(n_training), np.arange(n_training, len(arrays.x)), arrays.weights),
        resolved.steps,
        resolved.plan,
        on_epoch_end,
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
    model, notes = _model(prepared, result, engine)
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


def _model(prepared: Prepared, result: FitResult, engine: str) -> tuple[Model, list[str]]:
    """Return the model of the members that learned, its card without scores, and notes about the training."""
    resolved, arrays = prepared.resolved, prepared.arrays
    notes = training_notes(result, resolved)
    kept = trained_members(result)
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
            validation_share=resolved.validation_share,
            best_epochs=[result.best_epochs[member] for member in kept],
            scores=None,
        ),
    )
    if not model.answer(arrays.x[:MOST_CHECKED]).finite.all():
        raise SettingsError(no_finite_outputs(result))
    if resolved.steps.optimizer.name == "perceptron" and resolved.network.output.n_out == 1:
        codes = model.answer(arrays.x).codes
        notes.append(separability(arrays.x, prepared.target.codes(prepared.fitted), codes))
    return model, notes


def _unseen(prepared: Prepared) -> list[int]:
    """Return the inputs that were 0 in every row the encoder was fitted on, such as a category's `other`."""
    return [place for place, neuron in enumerate(prepared.encoder.inputs) if not neuron.seen]


def _test_share(test_share: float | None, test_file: Source | None) -> float:
    if test_file is not None:
        if test_share is not None:
            raise SettingsError(
                "the score is on --test-share of the rows or on --test-file: leave one of them out"
            )
        return 0.0
    share = TEST_SHARE if test_share is None else test_share
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
        raise SettingsError(f"test-share {share!r} must be at least 0 and less than 1, such as 0.2")
    return share


def _schema(
    table: Table,
    target: str,
    inputs: Sequence[str] | None,
    drop: Sequence[str],
    task: Task | None,
    weights: str | None,
) -> Schema:
    """Return the table's schema, the column of row weights left out of the inputs."""
    if weights is None:
        return infer_schema(table, target=target, inputs=inputs, drop=drop, task=task)
    if weights not in table.columns:
        raise TableError(
            f"{table.name}: the column of weights {weights!r} is not there; {suggestion(weights, table.columns)}"
        )
    if weights == target or weights in (inputs or ()):
        role = "the target" if weights == target else "an input"
        raise SettingsError(f"{weights!r} is {role}, so it can't hold the rows' weights as well")
    schema = infer_schema(table, target=target, inputs=inputs, drop=[*drop, weights], task=task)
    reason = "it holds the weights of the rows"
    columns = tuple(replace(c, reason=reason) if c.name == weights else c for c in schema.columns)
    return replace(schema, columns=columns)


def _weighed(table: Table, name: str, known: IntArray, schema: Schema) -> tuple[FloatArray, IntArray, Schema]:
    """Return the weights of all rows (n,), the ``known`` rows that have one above 0, and the schema with a note.

    Raises TableError for a weight that is missing or negative, and where all are 0.
    """
    weights = number_cells(table, name)
    wrong = ~(weights >= 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        what = "the weight is missing" if np.isnan(weights[row]) else "is negative, which no weight can be"
        raise TableError(f"{located(table, row, name)} {what}; write 0 to leave the row out")
    left = known[weights[known] > 0]
    if not len(left):
        raise TableError(
            f"{table.name}: column {name!r}: every weight is 0, so there is nothing to learn from; "
            "give rows that count a weight above 0"
        )
    lost = len(known) - len(left)
    if lost:
        has = "row has" if lost == 1 else "rows have"
        note = f"{lost} {has} the weight 0, and are left out of training and score"
        schema = replace(schema, notes=(*schema.notes, note))
    return weights, left, schema


def _labeled(table: Table, target: str) -> Table:
    """Return the rows that have a target; raises TableError where there are none."""
    rows = np.flatnonzero(table.column(target).is_not_null().to_numpy())
    if not len(rows):
        raise TableError(f"{table.name}: no row has a value in the target {target!r}")
    return table.take(rows)


def _target_scaling(resolved: Resolved) -> str:
    """Scale a number to what the output activation can reach."""
    if resolved.network.loss.targets == "nonnegative":
        return "none"
    reach = {"(0, 1)": "minmax", "[0, inf)": "minmax", "{0, 1}": "minmax", "(0, inf)": "none"}
    return reach.get(resolved.network.output.activation.range, "standard")


def _targets(rows: Table, target: TargetEncoder, resolved: Resolved) -> FloatArray:
    """Return what the outputs should say (n, n_out); raises TableError for targets that the loss can't take."""
    network = resolved.network
    single = target.task == "classification" and network.output.n_out == 1
    y = target.transform(rows, single=single)
    if network.loss.targets == "nonnegative" and (y < 0).any():
        row = int(np.argmax(y.min(axis=1) < 0))
        raise TableError(
            f"{located(rows, row, target.name)} is negative, and the loss {network.loss.name} is for numbers "
            "of at least 0; choose another --loss"
        )
    return y


def _baselines(prepared: Prepared) -> Mapping[str, Scores]:
    fitted, tested, target, arrays = prepared.fitted, prepared.tested, prepared.target, prepared.arrays
    if target.task == "classification":
        return class_baselines(
            arrays.x,
            target.codes(fitted),
            arrays.x_test,
            target.codes(tested),
            target.n_classes,
            arrays.weights,
        )
    y, y_test = number_cells(fitted, target.name), number_cells(tested, target.name)
    return number_baselines(arrays.x, y, arrays.x_test, y_test, arrays.weights)
