"""What early stopping looks at on a table, and which training it is that a checkpoint is of."""

from __future__ import annotations

import json
from dataclasses import replace
from os import fspath
from typing import Any

from chainrule._files import PathLike
from chainrule._plain import read_count
from chainrule.equations.answers import Answers
from chainrule.errors import SettingsError
from chainrule.estimators.callbacks import read_checkpoint, watch_of
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.rows import data_digest
from chainrule.fitting.target_units import in_units
from chainrule.training.checkpoint import Checkpoint


def with_stopping_metric(wanted: Any, prepared: Prepared, answers: Answers) -> Prepared:
    """Return the prepared table with a plan that watches a metric instead of the loss.

    Raises SettingsError for a metric without effect, or one that such answers don't have.
    """
    if wanted is None or (isinstance(wanted, str) and wanted == "loss"):
        return prepared
    plan = prepared.resolved.plan
    if plan.watched != "loss":
        raise SettingsError(
            f"stopping_metric and watch={plan.watched!r} both say what early stopping looks at: leave one of them out"
        )
    if not plan.early_stopping:
        raise SettingsError(
            "stopping_metric would have no effect: early stopping is off; leave one of them out"
        )
    plan = replace(plan, watch=in_units(watch_of(wanted, answers), prepared.target))
    return replace(prepared, resolved=replace(prepared.resolved, plan=plan))


def checkpoint_for(path: PathLike, estimator: Any, prepared: Prepared) -> Checkpoint:
    """Return the checkpoint that a training goes on from; raises SettingsError where it is one of another training."""
    _, data, point = read_checkpoint(path, estimator)
    wanted = identity(prepared)
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


def identity(prepared: Prepared) -> dict[str, Any]:
    """Return what has to be the same for a training to go on to the same bits, as plain data."""
    arrays, resolved = prepared.arrays, prepared.resolved
    split: dict[str, int] = dict(prepared.rows)
    if resolved.bagging:
        split["folds"] = resolved.folds
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
        "teacher": None if arrays.taught is None else data_digest(arrays.taught, arrays.taught, None),
    }
