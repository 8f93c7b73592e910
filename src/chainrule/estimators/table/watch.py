"""Metrics during the training on a table: for early stopping, and for callbacks with rows of their own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from os import fspath
from typing import Any

from chainrule._files import PathLike
from chainrule._plain import read_count
from chainrule.equations.answers import Answers
from chainrule.errors import SettingsError
from chainrule.estimators.callbacks import MetricMonitor
from chainrule.estimators.checkpoints import SaveCheckpoint, read_checkpoint
from chainrule.estimators.table.data import container, with_columns
from chainrule.fitting.encode import encode_target
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.rows import data_digest
from chainrule.fitting.target_units import in_units
from chainrule.tables.table import Table
from chainrule.training.callbacks import MetricMonitor as NetworkMonitor
from chainrule.training.checkpoint import Checkpoint
from chainrule.training.scores.watch import Watch, watch


def with_stopping_metric(wanted: Any, prepared: Prepared, answers: Answers) -> Prepared:
    """Return the prepared table with a plan that watches a metric instead of the loss.

    Raises SettingsError for a metric without effect, or one that such answers don't have.
    """
    if wanted is None or (isinstance(wanted, str) and wanted == "loss"):
        return prepared
    plan = prepared.resolved.plan
    if plan.watched != "loss":
        raise SettingsError(
            f"stopping_metric and watch={plan.watched!r} both say what early stopping looks at: leave "
            "one of them out"
        )
    if not plan.early_stopping:
        raise SettingsError(
            "stopping_metric would have no effect: early stopping is off; leave one of them out"
        )
    plan = replace(plan, watch=_watch(wanted, prepared, answers))
    return replace(prepared, resolved=replace(prepared.resolved, plan=plan))


def begin(callbacks: Sequence[Any], estimator: Any, prepared: Prepared, answers: Answers) -> None:
    """Give monitors their rows as the network has them; raises SettingsError for a callback that can't be used."""
    for callback in callbacks:
        if isinstance(callback, SaveCheckpoint):
            callback.begin_with(estimator, {}, _identity(prepared))
        if isinstance(callback, MetricMonitor):
            rows = _own_rows(callback, estimator, prepared)
            metric = callback.metric or ("r2" if answers.kind == "number" else "accuracy")
            callback._monitor = NetworkMonitor(
                prepared.encoder.transform(rows),
                encode_target(rows, prepared.target, prepared.resolved),
                _watch(metric, prepared, answers),
                patience=callback.patience,
                tolerance=callback.tolerance,
            )
            callback.curve = callback._monitor.curve


def resumed(path: PathLike, estimator: Any, prepared: Prepared) -> Checkpoint:
    """Return the checkpoint that a training goes on from; raises SettingsError where it is one of another training."""
    _, data, point = read_checkpoint(path, estimator)
    wanted = _identity(prepared)
    other = [name for name, value in wanted.items() if data.get(name) != value]
    if other:
        raise SettingsError(
            f"{fspath(path)} is the checkpoint of another training, whose {other[0]} differed: fit with the "
            "parameters and data that it was made with"
        )
    return point


def resumed_seed(path: PathLike, estimator: Any) -> int:
    """Return the seed of a checkpoint's training: without a random_state it can be known from there only."""
    return read_count(read_checkpoint(path, estimator)[1].get("seed"), "the checkpoint's seed")


def _identity(prepared: Prepared) -> dict[str, Any]:
    """Return what has to be the same for a training to go on to the same bits, as plain data."""
    arrays, resolved = prepared.arrays, prepared.resolved
    split: dict[str, int] = dict(prepared.rows)
    if resolved.bagging:
        split["folds"] = resolved.members
    return {
        "network": json.loads(json.dumps(resolved.network.to_dict())),
        "members": resolved.members,
        "sharing": resolved.steps.sharing,
        "seed": resolved.steps.seed,
        "split": split,
        # The best epoch so far is the best by what was watched: a metric is of answers, and those may be clamped.
        "stop_together": resolved.plan.together,
        "watch": "loss" if resolved.plan.watch is None else resolved.plan.watch.metric.name,
        "clamp": resolved.clamp,
        "data": data_digest(arrays.x, arrays.y, arrays.weights),
    }


def _own_rows(monitor: MetricMonitor, estimator: Any, prepared: Prepared) -> Table:
    X = container(monitor.X)
    names = [column.name for column in prepared.schema.columns[: estimator.n_features_in_]]
    table = estimator._named(X, names, prepared.question.reading, "X")
    return with_columns(table, {prepared.target.name: estimator._target(monitor.y, X, "y")})


def _watch(metric: Any, prepared: Prepared, answers: Answers) -> Watch:
    """Return what watches a metric; that of a number is of numbers in the table's units."""
    return in_units(watch(metric, answers), prepared.target)
