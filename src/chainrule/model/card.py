"""The training card: what a model file says about its training, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from chainrule.engines import ENGINES
from chainrule.engines.base import StepSettings
from chainrule.equations.optimizers import optimizer
from chainrule.equations.schedules import schedule, strength
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
from chainrule.training.refit import plateaus_met
from chainrule.training.watch import WATCHED

Reader = Callable[[object, str], Any]


def training_card(steps: StepSettings, plan: Plan, result: FitResult, **more: Any) -> dict[str, Any]:
    """Return the card of a training; no dates and no seconds, so that the same seed gives the same file.

    ``more``: the table's name, its ``rows`` by use, the column of their ``weights``, the ``engine``, the ``test_share``
    and ``validation_share``, the SHA-256 of the training ``data``, the ``members``: how many were trained and the numbers
    of those kept, the held-out ``scores``, ``best_epochs`` of the members kept, and the ``temperature`` by
    which the output layer's parameters were divided after training (None: they weren't). Where they were chosen: what
    early stopping looked at (``watch``), and the number of folds that the rows were dealt out to (``bagging``),
    and that the training was done again on all rows (``refit``), which is the one the card is about, the
    seconds that it was given (``time_limit``), and the steps of the one epoch that didn't fit into them (``most_steps``).
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
        "plateaus": plateaus_met(plan, result, rows_of_each(more), steps.batch_size),
        "stopped": result.stopped,
        **more,
    }
    if plan.regularization.name != "constant":
        card["regularization_schedule"] = plan.regularization.name
    if steps.sharing != "none":
        card["sharing"] = steps.sharing
    if plan.together:
        card["stop_together"] = True
    # What is written is what would be read: floats where the user gave whole numbers, and nothing unknown.
    return read_card(card)


def rows_of_each(card: Mapping[str, Any]) -> int:
    """Return the number of rows that each member was trained on: with bagging all but those of a fold."""
    n: int = card["rows"]["training"]
    return n - -(-n // card["bagging"]) if "bagging" in card else n


def settings_of(card: Mapping[str, Any]) -> tuple[StepSettings, Plan]:
    """Return what happened in every step, and how long and how fast, as a model's card tells it."""
    names = ("batch_size", "l1", "l2", "weight_decay", "clip_norm", "shuffle", "seed")
    plan = Plan(
        card["epochs"],
        card["learning_rate"],
        schedule(card["schedule"]),
        card["warmup_steps"],
        card["early_stopping"],
        card["patience"],
        card["tolerance"],
        regularization=strength(card.get("regularization_schedule", "constant")),
        together=card.get("stop_together", False),
    )
    more = {"sharing": card.get("sharing", "none")}
    return StepSettings(optimizer(card["optimizer"]), **{name: card[name] for name in names}, **more), plan


def read_card(value: object) -> dict[str, Any]:
    """Return the card that `training_card` made, or an empty one; raises ModelFileError for anything else."""
    if value == {}:
        return {}
    data = read_record(value, "card", _READERS, _OPTIONAL)
    readers = {**_READERS, **_OPTIONAL}
    return {key: read(data[key], f"card.{key}") for key, read in readers.items() if key in data}


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


def _watch(value: object, where: str) -> str:
    return read_choice(value, where, WATCHED)


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

_OPTIONAL: Mapping[str, Reader] = {
    "regularization_schedule": read_text,
    "sharing": _sharing,
    "stop_together": read_flag,
    "watch": _watch,
    "bagging": read_count,
    "refit": read_flag,
    "time_limit": read_number,
    "most_steps": read_count,
}
"""What a card has only where it isn't as it is by default."""
