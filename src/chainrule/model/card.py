"""The training card: what a model file says about its training, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

import numpy as np

from chainrule.engines import ENGINES
from chainrule.engines.base import StepSettings
from chainrule.equations.optimizers import optimizer
from chainrule.equations.schedules import schedule
from chainrule.equations.sharing import SHARINGS
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

    ``more``: the table's name, its ``rows`` by use, the column of their ``weights``, the ``engine``, the ``test_share``
    and ``validation_share``, the SHA-256 of the training ``data``, the ``members``: how many were trained and the numbers
    of those kept, the held-out ``scores``, ``best_epochs`` of the members kept, and the ``temperature`` by
    which the output layer's parameters were divided after training (None: they weren't).
    """
    card = {
        "optimizer": steps.optimizer.spec,
        "batch_size": steps.batch_size,
        "l1": steps.l1,
        "l2": steps.l2,
        "weight_decay": steps.weight_decay,
        "clip_norm": steps.clip_norm,
        "sharing": steps.sharing,
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
        "plateaus": plateaus_met(plan, result, more["rows"]["training"], steps.batch_size),
        "stopped": result.stopped,
        **more,
    }
    # What is written is what would be read: floats where the user gave whole numbers, and nothing unknown.
    return read_card(card)


def plateaus_met(plan: Plan, result: FitResult, rows: int, batch_size: int) -> list[int]:
    """Return the epochs (from 0) before which the schedule's count of plateaus rose, once for each rise.

    They are seen in the learning rates of the history: with them a replay needs no validation rows.
    """
    if not plan.schedule.waits_for_plateau:
        return []
    steps = -(-rows // batch_size)
    found: list[int] = []
    for line in result.history:
        epoch = line.epoch - 1
        last = np.array([epoch * steps + steps - 1.0])
        for count in range(len(found), line.epoch + 1):
            made = plan.schedule.rates(
                plan.learning_rate, last, steps * plan.epochs, epoch, count, plan.warmup, np
            )
            if float(made[0]) == line.learning_rate:
                found += [epoch] * (count - len(found))
                break
    return found


def settings_of(card: Mapping[str, Any]) -> tuple[StepSettings, Plan]:
    """Return what happened in every step, and how long and how fast, as a model's card tells it."""
    names = ("batch_size", "l1", "l2", "weight_decay", "clip_norm", "shuffle", "seed", "sharing")
    plan = Plan(
        card["epochs"],
        card["learning_rate"],
        schedule(card["schedule"]),
        card["warmup_steps"],
        card["early_stopping"],
        card["patience"],
        card["tolerance"],
    )
    return StepSettings(optimizer(card["optimizer"]), **{name: card[name] for name in names}), plan


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


def _members(value: object, where: str) -> dict[str, Any]:
    data = read_record(value, where, ("trained", "kept"))
    trained = read_count(data["trained"], f"{where}.trained")
    kept = _counts(data["kept"], f"{where}.kept")
    if not all(1 <= member <= trained for member in kept) or kept != sorted(set(kept)):
        raise ModelFileError(f"{where}.kept: numbers from 1 to {trained} are expected, in order")
    return {"trained": trained, "kept": kept}


def _engine(value: object, where: str) -> str:
    return read_choice(value, where, ENGINES)


def _sharing(value: object, where: str) -> str:
    return read_choice(value, where, SHARINGS)


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
    "sharing": _sharing,
    "shuffle": read_flag,
    "seed": read_count,
    "test_share": read_number,
    "validation_share": read_number,
    "data": read_text,
    "members": _members,
    "epochs_run": read_count,
    "plateaus": _counts,
    "best_epochs": _counts,
    "stopped": _stopped,
    "scores": _optional(_scores),
    "temperature": _optional(read_number),
}
