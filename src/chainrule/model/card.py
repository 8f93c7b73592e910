"""The training card: what a model file says about its training, as plain data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, TypeAlias

from chainrule._plain import (
    IF_SET,
    Form,
    Plain,
    between,
    made_by,
    one_of,
    read_count,
    read_number,
    read_text,
    read_whole,
)
from chainrule._types import Stopped
from chainrule.engines import REGISTRY
from chainrule.equations.optimizers import optimizer
from chainrule.equations.schedules import schedule, strength
from chainrule.equations.sharing import SHARINGS
from chainrule.errors import ModelFileError, SettingsError


def _metric_name(value: object, where: str) -> str:
    # A metric may be one that this version doesn't have: a model needs none to be read.
    if re.fullmatch("[a-z][a-z0-9_]*", word := read_text(value, where)) is None:
        raise ModelFileError(f"{where}: a metric's name was expected, not {word!r}")
    return word


def _spec(known: Callable[[Any], object]) -> Form:
    """Return the form of a text that finds a record, and stays a text."""

    def read(value: object, where: str) -> str:
        made_by(known)(value, where)
        return str(value)

    return Form(str, read)


Count: TypeAlias = Annotated[int, between(read_count, 0, 2**63)]
Some: TypeAlias = Annotated[int, between(read_count, 1, 2**63)]
Positive: TypeAlias = Annotated[float, between(read_number, 0, above=True)]
NotNegative: TypeAlias = Annotated[float, between(read_number, 0)]
Share: TypeAlias = Annotated[float, between(read_number, 0, 1)]

MOST_MEMBERS = 100_000
"""The most members that a card may tell of: a replay draws the initial parameters of all of them."""


@dataclass(frozen=True)
class CardRows(Plain):
    """The numbers of rows by use."""

    training: Some
    validation: Count
    test: Count


@dataclass(frozen=True)
class CardMembers(Plain):
    """How many members were trained, and the numbers of those kept, from 1 and in order."""

    trained: Annotated[int, between(read_count, 1, MOST_MEMBERS + 1)]
    kept: tuple[Count, ...]

    def __post_init__(self) -> None:
        if not all(one < other for one, other in pairwise((0, *self.kept, self.trained + 1))):
            raise SettingsError(f"kept: numbers from 1 to {self.trained} are expected, in order")


@dataclass(frozen=True, kw_only=True)
class Card(Plain):
    """A training as a model file tells it; no dates and no seconds, so that the same seed gives the same file.

    ``table`` is its name, ``weights`` the column of the rows' weights, ``data`` the SHA-256 of the training rows, ``scores``
    are held-out ones, ``best_epochs`` those of the members kept, and ``temperature`` is what the output layer's parameters
    were divided by after training (None: they weren't). Where they were chosen: what early stopping looked at
    (``watch``), the number of folds that the rows were dealt out to (``bagging``), that the training was done again on
    all rows (``refit``), which is the one the card is about, the seconds that it was given (``time_limit``), and the
    steps of the one epoch that didn't fit into them (``most_steps``).
    """

    table: str
    rows: CardRows
    weights: str | None
    engine: Annotated[str, one_of(REGISTRY)]
    optimizer: Annotated[str, _spec(optimizer)]
    learning_rate: Positive
    schedule: Annotated[str, _spec(schedule)]
    warmup_steps: Count
    batch_size: Some
    epochs: Some
    early_stopping: bool
    patience: Some
    tolerance: NotNegative
    l1: NotNegative
    l2: NotNegative
    weight_decay: NotNegative
    clip_norm: Positive | None
    shuffle: bool
    seed: Annotated[int, between(read_whole, 0, 2**64)]
    test_share: Share
    validation_share: Share
    data: str
    members: CardMembers
    epochs_run: Count
    plateaus: tuple[Count, ...]
    best_epochs: tuple[Count, ...]
    stopped: Stopped
    scores: Mapping[str, float] | None
    temperature: Positive | None
    regularization_schedule: Annotated[str, _spec(strength), IF_SET] = "constant"
    sharing: Annotated[str, one_of(SHARINGS), IF_SET] = "none"
    stop_together: Annotated[bool, IF_SET] = False
    watch: Annotated[str, Form(str, _metric_name), IF_SET] = "loss"
    bagging: Annotated[Count, IF_SET] = 0
    refit: Annotated[bool, IF_SET] = False
    time_limit: Annotated[Positive | None, IF_SET] = None
    most_steps: Annotated[Some | None, IF_SET] = None


def read_card(value: object) -> dict[str, Any]:
    """Return the plain data of a `Card`, or an empty one; raises ModelFileError for anything else."""
    return {} if value == {} else Card.from_dict(value).to_dict()
