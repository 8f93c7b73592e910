"""The training card: what a model file says about its training, as plain data."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal, TypeAlias

from chainrule._plain import (
    IF_SET,
    Form,
    Plain,
    between,
    from_plain,
    made_by,
    one_of,
    read_count,
    read_number,
    read_text,
    read_whole,
)
from chainrule._types import Stopped
from chainrule.engines import REGISTRY
from chainrule.equations.network import MAX_MEMBERS
from chainrule.equations.optimizers import optimizer
from chainrule.equations.schedules import schedule, strength
from chainrule.errors import ModelFileError, SettingsError
from chainrule.model.seen import SeenColumn
from chainrule.tables.rows.parting import SplitRule


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


FOUND_BY: Mapping[str, Callable[[str], Any]] = {
    "optimizer": optimizer,
    "schedule": schedule,
    "regularization_schedule": strength,
}
"""What finds the record that a setting's text names."""

Count: TypeAlias = Annotated[int, between(read_count, 0, 2**63)]
Positive: TypeAlias = Annotated[int, between(read_count, 1, 2**63)]
Seed: TypeAlias = Annotated[int, between(read_whole, 0, 2**64)]
AboveZero: TypeAlias = Annotated[float, between(read_number, 0, above=True)]
NotNegative: TypeAlias = Annotated[float, between(read_number, 0)]
OptimizerText: TypeAlias = Annotated[str, _spec(FOUND_BY["optimizer"])]
ScheduleText: TypeAlias = Annotated[str, _spec(FOUND_BY["schedule"])]
StrengthText: TypeAlias = Annotated[str, _spec(FOUND_BY["regularization_schedule"])]
Share: TypeAlias = Annotated[float, between(read_number, 0, 1)]


def _check_finite(record: object, *names: str) -> None:
    """Raise SettingsError for a number of a record that isn't finite, which a model file can't hold."""
    for name in names:
        if (value := getattr(record, name)) is not None and not math.isfinite(value):
            raise SettingsError(
                f"{name}: a finite number is expected, or None where it isn't known, not {value}"
            )


@dataclass(frozen=True)
class CardRows(Plain):
    """The numbers of rows by use."""

    training: Positive
    validation: Count
    test: Count


@dataclass(frozen=True)
class CardMembers(Plain):
    """How many members were trained, and the numbers of those kept, from 1 and in order."""

    trained: Annotated[int, between(read_count, 1, MAX_MEMBERS + 1)]
    kept: tuple[Count, ...]

    def __post_init__(self) -> None:
        if not all(one < other for one, other in pairwise((0, *self.kept, self.trained + 1))):
            raise SettingsError(f"kept: numbers from 1 to {self.trained} are expected, in order")


@dataclass(frozen=True)
class CardBits(Plain):
    """What the bits of a training depend on: how this chainrule added up (`engines.bits`), and on what machine."""

    arithmetic: Count
    chainrule: str
    machine: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class CardTrial(Plain):
    """A trial of a search: what its settings ``changes``, for what ``length`` of the epochs, and what came of it.

    ``score`` of answers for rows that it hasn't seen, its ``gain`` over trial 0 on them and the gain's standard ``error``, None
    where there is none or it isn't known; ``weight`` in the answer, and the ``operations`` that it took. ``why`` there is no
    score. Raises SettingsError for a number that isn't finite.
    """

    number: Count
    length: AboveZero
    changes: Mapping[str, str]
    state: Literal["done", "cut short", "same", "failed", "not begun"]
    operations: NotNegative
    score: Annotated[float | None, IF_SET] = None
    gain: Annotated[float | None, IF_SET] = None
    error: Annotated[float | None, IF_SET] = None
    weight: Annotated[float, IF_SET] = 0.0
    why: Annotated[str, IF_SET] = ""

    def __post_init__(self) -> None:
        _check_finite(self, "operations", "score", "gain", "error", "weight")


@dataclass(frozen=True, kw_only=True)
class CardSearch(Plain):
    """A search: the ``trials`` in the order in which they were made, and how their weights came about.

    ``metric`` is what they were compared by, on ``rows`` rows; ``picks`` the number of greedy picks, ``gain`` and ``error`` what
    they bring over trial 0 on rows that they weren't made by, None where that isn't known. ``ended`` says what ended it early.
    Raises SettingsError for a number that isn't finite.
    """

    asked: Positive
    metric: Annotated[str, Form(str, _metric_name)]
    rows: Count
    picks: Count
    gain: float | None
    error: float | None
    trials: tuple[CardTrial, ...]
    ended: Annotated[Literal["", "interrupted", "time"], IF_SET] = ""

    def __post_init__(self) -> None:
        _check_finite(self, "gain", "error")


@dataclass(frozen=True, kw_only=True)
class Card(Plain):
    """A training as a model file tells it; no dates and no seconds, so that the same seed gives the same file.

    ``table`` is its name, ``weights`` the column of the rows' weights, ``data`` the SHA-256 of the training rows,
    ``scores`` are held-out ones, on rows that ``test_seed`` has drawn (None: ``seed``), ``best_epochs`` those of the
    members kept, and ``temperature`` is what the output layer's parameters were divided by after training (None: they
    weren't). Where they were chosen: what early stopping looked at (``watch``), the number of folds that the rows were
    dealt out to (``bagging``), and the steps of the one epoch that didn't fit into the time limit (``most_steps``). A
    ``refit`` is the training that the card is about. ``order`` names the rule by which an epoch's rows were dealt out
    (`chainrule._random`), and ``bits`` what it takes to have the same ones again (None: that isn't known).
    ``class_weights`` are what the classes' rows counted, beside their ``weights``. ``split`` is the rule by which rows were
    parted, everywhere (None: each by itself), and ``seen`` what the rows that were learned from have in each column. What
    was ``taught`` learned another model's answers rather than the target; of what was ``pruned`` that share of weights is 0.
    """

    table: str
    rows: CardRows
    weights: str | None
    engine: Annotated[str, one_of(REGISTRY)]
    # made from Settings by tests/estimators/signatures.py
    fitted_start: Annotated[bool, IF_SET] = False
    split_start: Annotated[Share, IF_SET] = 0.0
    sharing: Annotated[Literal["none", "tabm"], IF_SET] = "none"
    optimizer: OptimizerText
    learning_rate: AboveZero
    schedule: ScheduleText
    batch_size: Positive
    epochs: Positive
    early_stopping: bool
    patience: Positive
    more_waves: Annotated[Count, IF_SET] = 0
    tolerance: NotNegative
    stop_together: Annotated[bool, IF_SET] = False
    validation_share: Share
    refit: Annotated[bool, IF_SET] = False
    seed: Seed
    time_limit: Annotated[AboveZero | None, IF_SET] = None
    weight_decay: NotNegative
    l1: NotNegative
    l2: NotNegative
    regularization_schedule: Annotated[StrengthText, IF_SET] = "constant"
    clip_norm: AboveZero | None
    # until here
    warmup_steps: Count
    shuffle: bool
    test_share: Share
    test_seed: Annotated[Seed | None, IF_SET] = None
    data: str
    members: CardMembers
    epochs_run: Count
    plateaus: tuple[Count, ...]
    best_epochs: tuple[Count, ...]
    stopped: Stopped
    scores: Mapping[str, float] | None
    temperature: AboveZero | None
    watch: Annotated[str, Form(str, _metric_name), IF_SET] = "loss"
    bagging: Annotated[Count, IF_SET] = 0
    most_steps: Annotated[Positive | None, IF_SET] = None
    order: Annotated[str, IF_SET] = "whole"
    class_weights: Annotated[Mapping[str, float] | None, IF_SET] = None
    taught: Annotated[bool, IF_SET] = False
    pruned: Annotated[Share, IF_SET] = 0.0
    seen: Annotated[Mapping[str, SeenColumn] | None, IF_SET] = None
    split: Annotated[SplitRule | None, IF_SET] = None
    bits: Annotated[CardBits | None, IF_SET] = None
    search: Annotated[CardSearch | None, IF_SET] = None


def read_card(value: object, where: str = "card") -> dict[str, Any]:
    """Return the plain data of a `Card`, or an empty one; raises ModelFileError, naming the place, for anything else."""
    return {} if value == {} else from_plain(Card, value, where).to_dict()


def check_search(card: Mapping[str, Any], n_groups: int) -> None:
    """Raise ModelFileError where a card tells of a search that a model of so many groups can't have come from."""
    if (found := card.get("search")) is None:
        return
    weighed = sum(trial.weight > 0 for trial in CardSearch.from_dict(found).trials)
    if weighed != n_groups:
        raise ModelFileError(
            f"card.search: as many trials with a weight as groups of networks are expected, {n_groups}, not {weighed}"
        )
