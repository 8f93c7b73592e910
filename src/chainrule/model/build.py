"""From a table to a trained model with an honest score: `train`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from chainrule import __version__
from chainrule._types import FloatArray, IntArray
from chainrule.engines import ENGINES, engine_named
from chainrule.engines.base import Data
from chainrule.errors import SettingsError, TableError
from chainrule.model.model import Evaluation, Model
from chainrule.tables.cells import number_cells
from chainrule.tables.encode import Encoder, fit_encoder
from chainrule.tables.read import read_table
from chainrule.tables.schema import Schema, infer_schema, labeled_rows
from chainrule.tables.split import split_rows
from chainrule.tables.table import Table, from_frame
from chainrule.tables.target import TargetEncoder, fit_target
from chainrule.training.baselines import class_baselines, linearly_separable, number_baselines
from chainrule.training.initial import initial_parameters
from chainrule.training.loop import fit
from chainrule.training.metrics import Scores
from chainrule.training.monitor import Callback, FitResult, Plan
from chainrule.training.settings import Problem, Resolved, Settings, Task, resolve

TEST_STREAM, VALIDATION_STREAM = 0, 1


@dataclass(frozen=True)
class Prepared:
    """A table read and understood, before training: what the command line reports first."""

    table: Table
    test_table: Table | None
    schema: Schema
    encoder: Encoder
    target: TargetEncoder
    training: IntArray
    validation: IntArray
    test: IntArray
    resolved: Resolved

    @property
    def rows(self) -> dict[str, int]:
        """How many rows are used for what."""
        test = self.test_table.n_rows if self.test_table is not None else len(self.test)
        return {"training": len(self.training), "validation": len(self.validation), "test": test}


@dataclass(frozen=True)
class Trained:
    """A trained model, how training went, and its scores on rows it never saw (None where there were none)."""

    model: Model
    prepared: Prepared
    fit: FitResult
    evaluation: Evaluation | None
    baselines: Mapping[str, Scores]
    notes: tuple[str, ...]


def as_table(source: Any) -> Table:
    """Return a table of a path, a `Table`, or any data frame."""
    if isinstance(source, Table):
        return source
    if isinstance(source, str) or hasattr(source, "__fspath__"):
        return read_table(source)
    return from_frame(source)


def prepare(
    table: Any,
    target: str,
    settings: Settings | None = None,
    *,
    task: Task | None = None,
    inputs: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    scaling: str = "robust",
    target_scaling: str | None = None,
    test_share: float = 0.2,
    test_table: Any = None,
) -> Prepared:
    """Read and understand a table: columns, split, encoders, and the training that the recipe chooses.

    ``test_share`` of the rows are held out (stratified for classes); or the test rows are those of ``test_table``.
    Raises TableError or SettingsError for what can't be trained on.
    """
    settings = settings or Settings()
    table = as_table(table)
    if not 0 <= test_share < 1:
        raise SettingsError(f"test-share {test_share!r} must be at least 0 and less than 1")
    schema = infer_schema(table, target=target, inputs=inputs, drop=drop, task=task)
    tested = None
    if test_table is not None:
        tested, test_share = as_table(test_table), 0.0
    known = labeled_rows(table, schema)
    strata = table.text(target).to_numpy()[known] if schema.task == "classification" else None
    rest, test = split_rows(len(known), test_share, settings.seed, strata, stream=TEST_STREAM)
    fitted_on, test = known[rest], known[test]
    encoder = fit_encoder(table, schema, scaling=scaling, rows=fitted_on)
    if encoder.n_inputs == 0:
        raise TableError(f"{table.name}: no column is left as input; name some with --inputs")
    classes = _n_classes(table, target, fitted_on) if schema.task == "classification" else 0
    resolved = resolve(settings, Problem(schema.task, len(fitted_on), encoder.n_inputs, classes))
    if schema.task == "regression":
        target_scaling = target_scaling or _target_scaling(resolved)
    chosen = fit_target(table, schema, scaling=target_scaling, rows=fitted_on)
    if tested is not None:
        tested = tested.take(np.flatnonzero(tested.column(target).is_not_null().to_numpy()))
    training, validation = split_rows(
        len(fitted_on),
        resolved.validation_share,
        settings.seed,
        None if strata is None else strata[rest],
        stream=VALIDATION_STREAM,
    )
    return Prepared(
        table, tested, schema, encoder, chosen, fitted_on[training], fitted_on[validation], test, resolved
    )


def train_prepared(
    prepared: Prepared, *, engine: str = ENGINES[0], on_epoch_end: Callback | None = None
) -> Trained:
    """Train on a prepared table, score on the held-out rows beside the baselines."""
    resolved, network = prepared.resolved, prepared.resolved.network
    x, y = _arrays(prepared)
    n_train = len(prepared.training)
    result = fit(
        engine_named(engine),
        network,
        initial_parameters(network, resolved.members, resolved.steps.seed),
        Data(x, y, np.arange(n_train), np.arange(n_train, len(x))),
        resolved.steps,
        resolved.plan,
        on_epoch_end,
    )
    notes = [str(divergence) for _, divergence in sorted(result.diverged.items())]
    model = Model(network, result.parameters, prepared.encoder, prepared.target, engine=engine)
    if not np.isfinite(model.outputs(x[: min(len(x), 1000)])).all():
        raise SettingsError("training diverged before any epoch was finished: " + "; ".join(notes))
    notes += _separability(prepared, model, x)
    evaluation, baselines = None, {}
    tested = prepared.test_table if prepared.test_table is not None else prepared.table.take(prepared.test)
    if tested.n_rows:
        evaluation = model.evaluate(tested)
        baselines = _baselines(prepared, x, tested)
    card = _card(prepared, result, evaluation, engine)
    return Trained(replace(model, card=card), prepared, result, evaluation, baselines, tuple(notes))


def train(
    table: Any,
    target: str,
    *,
    task: Task | None = None,
    inputs: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    scaling: str = "robust",
    target_scaling: str | None = None,
    test_share: float = 0.2,
    test_table: Any = None,
    engine: str = ENGINES[0],
    on_epoch_end: Callback | None = None,
    **settings: Any,
) -> Trained:
    """Train a network on a table and score it on rows it never saw.

    ``table`` is a path, a `Table`, or a data frame (polars, pandas, a dict of columns); ``settings`` are the fields of
    `Settings`, the command line's words. Raises TableError or SettingsError with one line that says what to do.

    >>> import chainrule
    >>> trained = chainrule.train({"x": [0, 1] * 20, "y": ["a", "b"] * 20}, "y", epochs=30)
    >>> trained.evaluation.rows
    8
    """
    unknown = sorted(set(settings) - set(Settings.__dataclass_fields__))
    if unknown:
        raise SettingsError(
            f"unknown setting {unknown[0]!r}: choose {', '.join(Settings.__dataclass_fields__)}"
        )
    prepared = prepare(
        table,
        target,
        Settings(**settings),
        task=task,
        inputs=inputs,
        drop=drop,
        scaling=scaling,
        target_scaling=target_scaling,
        test_share=test_share,
        test_table=test_table,
    )
    return train_prepared(prepared, engine=engine, on_epoch_end=on_epoch_end)


def _n_classes(table: Table, target: str, rows: IntArray) -> int:
    return int(table.take(rows).text(target).n_unique())


def _target_scaling(resolved: Resolved) -> Literal["standard", "minmax", "none"]:
    """Scale a number to what the output activation can reach."""
    if resolved.network.loss.targets == "nonnegative":
        return "none"
    ranges = {"(0, 1)": "minmax", "[0, inf)": "minmax", "{0, 1}": "minmax", "(0, inf)": "none"}
    return ranges.get(resolved.network.output.activation.range, "standard")  # type: ignore[return-value]


def _arrays(prepared: Prepared) -> tuple[FloatArray, FloatArray]:
    """Return the encoded training rows followed by the validation rows: x (n, d) and y (n, n_out)."""
    rows = prepared.table.take(np.concatenate([prepared.training, prepared.validation]))
    single = prepared.resolved.network.output.n_out == 1 and prepared.target.task == "classification"
    y = prepared.target.transform(rows, single=single)
    if prepared.resolved.network.loss.targets == "nonnegative" and (y < 0).any():
        row = int(np.argmax(y.min(axis=1) < 0))
        raise TableError(
            f"{rows.name}, {rows.place(row)}: the target {prepared.target.name!r} is {y[row, 0]:g}, but loss "
            f"{prepared.resolved.network.loss.name} needs numbers of at least 0; choose another loss"
        )
    return prepared.encoder.transform(rows), y


def _baselines(prepared: Prepared, x: FloatArray, tested: Table) -> Mapping[str, Scores]:
    rows = prepared.table.take(np.concatenate([prepared.training, prepared.validation]))
    x_test = prepared.encoder.transform(tested)
    target = prepared.target
    if target.task == "classification":
        return class_baselines(x, target.codes(rows), x_test, target.codes(tested), target.n_classes)
    return number_baselines(x, number_cells(rows, target.name), x_test, number_cells(tested, target.name))


def _separability(prepared: Prepared, model: Model, x: FloatArray) -> list[str]:
    """Say whether a perceptron still makes mistakes because no straight line could avoid them."""
    if prepared.resolved.steps.optimizer.name != "perceptron" or prepared.resolved.network.output.n_out != 1:
        return []
    rows = prepared.table.take(np.concatenate([prepared.training, prepared.validation]))
    y = prepared.target.codes(rows)
    wrong = int(np.sum(model.decode(model.outputs(x)).codes != y))
    if not wrong:
        return [f"the perceptron separates all {len(y)} training rows"]
    if linearly_separable(x, y):
        return [
            f"{wrong} of {len(y)} training rows are still wrong, though a plane separates them: use more --epochs"
        ]
    return [
        f"{wrong} of {len(y)} training rows are wrong, and no plane separates the classes: the perceptron rule "
        "can't settle; use a hidden layer (--optimizer adam --hidden 8)"
    ]


def _card(
    prepared: Prepared, result: FitResult, evaluation: Evaluation | None, engine: str
) -> dict[str, Any]:
    """Return what the model file says about its training; no dates or seconds, so that the same seed gives the same file."""
    plan: Plan = prepared.resolved.plan
    steps = prepared.resolved.steps
    return {
        "chainrule": __version__,
        "table": prepared.table.name,
        "rows": prepared.rows,
        "engine": engine,
        "optimizer": steps.optimizer.spec,
        "learning_rate": plan.learning_rate,
        "schedule": plan.schedule.spec,
        "warmup_steps": plan.warmup,
        "batch_size": steps.batch_size,
        "epochs": plan.epochs,
        "early_stopping": plan.early_stopping,
        "patience": plan.patience,
        "tolerance": plan.tolerance,
        "l1": steps.l1,
        "l2": steps.l2,
        "weight_decay": steps.weight_decay,
        "clip_norm": steps.clip_norm,
        "shuffle": steps.shuffle,
        "seed": steps.seed,
        "validation_share": prepared.resolved.validation_share,
        "epochs_run": len(result.history),
        "best_epochs": list(result.best_epochs),
        "stopped": result.stopped,
        "scores": None if evaluation is None else asdict(evaluation)["scores"],
    }
