"""The training card: what a model file says about its training, as plain data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, get_args

from chainrule._plain import (
    read_choice,
    read_count,
    read_flag,
    read_list,
    read_number,
    read_record,
    read_text,
)
from chainrule._types import Stopped
from chainrule.engines import REGISTRY
from chainrule.equations.sharing import SHARINGS
from chainrule.errors import ModelFileError

Reader = Callable[[object, str], Any]


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
    return read_choice(value, where, tuple(REGISTRY))


def _sharing(value: object, where: str) -> str:
    return read_choice(value, where, SHARINGS)


def _stopped(value: object, where: str) -> str:
    return read_choice(value, where, get_args(Stopped))


def _watch(value: object, where: str) -> str:
    # A metric may be one that this version doesn't have: a model needs none to be read.
    if re.fullmatch("[a-z][a-z0-9_]*", word := read_text(value, where)) is None:
        raise ModelFileError(f"{where}: a metric's name was expected, not {word!r}")
    return word


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
