"""The training card: what a model file says about its training, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from chainrule.engines import ENGINES
from chainrule.engines.base import StepSettings
from chainrule.errors import ModelFileError
from chainrule.tables.plain import (
    read_choice,
    read_count,
    read_flag,
    read_list,
    read_number,
    read_record,
    read_text,
)
from chainrule.training.monitor import FitResult, Plan, Stopped

Reader = Callable[[object, str], Any]


def training_card(steps: StepSettings, plan: Plan, result: FitResult, **more: Any) -> dict[str, Any]:
    """Return the card of a training; no dates and no seconds, so that the same seed gives the same file.

    ``more``: the table's name, its ``rows`` by use, the column of their ``weights``, the ``engine``, the
    ``validation_share``, the held-out ``scores``, ``best_epochs`` of the members kept, and the ``temperature`` by
    which the output layer's parameters were divided after training (None: they weren't).
    """
    card = {
        "optimizer": steps.optimizer.spec,
        "batch_size": steps.batch_size,
        "l1": steps.l1,
        "l2": steps.l2,
        "weight_decay": steps.weight_decay,
        "clip_norm": steps.clip_norm,
        "shuffle": steps.shuffle,
        "seed": steps.seed,
        "learning_rate": plan.learning_rate,
        "schedule": plan.schedule.spec,
        "warmup_steps": plan.warmup,
        "epochs": plan.epochs,
        "early_stopping": plan.early_stopping,
        "patience": plan.patience,
        "tolerance": plan.tolerance,
        "epochs_run": len(result.history),
        "stopped": result.stopped,
        **more,
    }
    # What is written is what would be read: floats where the user gave whole numbers, and nothing unknown.
    return read_card(card)


def read_card(value: object) -> dict[str, Any]:
    """Return the card that `training_card` made, or an empty one; raises ModelFileError for anything else."""
    if value == {}:
        return {}
    data = read_record(value, "card", _READERS)
    return {key: read(data[key], f"card.{key}") for key, read in _READERS.items()}


def _optional(read: Reader) -> Reader:
    return lambda value, where: None if value is None else read(value, where)


def _counts(value: object, where: str) -> list[int]:
    return list(read_list(value, where, read_count))


def _rows(value: object, where: str) -> dict[str, int]:
    data = read_record(value, where, ("training", "validation", "test"))
    return {key: read_count(count, f"{where}.{key}") for key, count in data.items()}


def _scores(value: object, where: str) -> dict[str, float]:
    if not isinstance(value, dict):
        raise ModelFileError(f"{where}: an object was expected")
    return {name: read_number(score, f"{where}.{name}") for name, score in value.items()}


def _engine(value: object, where: str) -> str:
    return read_choice(value, where, ENGINES)


def _stopped(value: object, where: str) -> str:
    return read_choice(value, where, get_args(Stopped))


_READERS: Mapping[str, Reader] = {
    "table": read_text,
    "rows": _rows,
    "weights": _optional(read_text),
    "engine": _engine,
    "optimizer": read_text,
    "learning_rate": read_number,
    "schedule": read_text,
    "warmup_steps": read_count,
    "batch_size": read_count,
    "epochs": read_count,
    "early_stopping": read_flag,
    "patience": read_count,
    "tolerance": read_number,
    "l1": read_number,
    "l2": read_number,
    "weight_decay": read_number,
    "clip_norm": _optional(read_number),
    "shuffle": read_flag,
    "seed": read_count,
    "validation_share": read_number,
    "epochs_run": read_count,
    "best_epochs": _counts,
    "stopped": _stopped,
    "scores": _optional(_scores),
    "temperature": _optional(read_number),
}
