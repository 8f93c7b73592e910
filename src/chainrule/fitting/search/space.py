"""What a search tries: the default, a fixed portfolio, then draws from a stated space. All of it is data.

SearchTrial 0 is the training that the settings give by themselves; trials 1 to 7 are `PORTFOLIO`; trial i from 8 on is drawn from
`SPACE` by random numbers whose counter is i, so that it depends on the seed and i alone. Nothing that the user has set is
changed. All trials have the same rows, folds, inputs, outputs and loss, so that their answers can be compared and added up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from chainrule._random import Purpose, generator
from chainrule.training.settings.fields import listed
from chainrule.training.settings.recipe import fill, why_plain
from chainrule.training.settings.record import Problem, Settings


@dataclass(frozen=True)
class Times:
    """A number as so many times the one that the settings would give by themselves."""

    factor: float


@dataclass(frozen=True)
class Draw:
    """How a setting is drawn: one of the ``values``, all as likely, or a number between two whose logarithm is uniform."""

    name: str
    values: tuple[Any, ...]
    how: Literal["one of", "log-uniform"] = "one of"

    def drawn(self, uniform: float) -> Any:
        """Return the value for a uniform number in [0, 1)."""
        if self.how == "one of":
            return self.values[int(uniform * len(self.values))]
        low, high = self.values
        found = np.exp(np.log(low) + uniform * (np.log(high) - np.log(low)))
        return float(f"{found:.3g}")

    @property
    def words(self) -> str:
        """What it is drawn from, for people."""
        if self.how == "one of":
            return ", ".join(value_text(value) for value in self.values)
        return f"from {self.values[0]:g} to {self.values[1]:g}, its logarithm uniform"


PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {"hidden": (32,), "linear_path": True, "weight_decay": 0.3},
    {"hidden": (256, 256), "batch_size": Times(2)},
    {"dropout": 0.3, "weight_decay": 0.15},
    {"activation": "mish", "linear_path": True, "learning_rate": 0.0015},
    {"init": "data", "parametrization": "ntk", "scaling_layer": True, "activation": "selu"},
    {"hidden": (256, 128), "activation": "silu"},
    {"hidden": (256, 256, 256), "scaling_layer": True, "dropout": 0.3, "learning_rate": 0.002},
)
"""What trials 1 to 7 change."""

SPACE: tuple[Draw, ...] = (
    Draw("hidden", ((64, 64), (128, 64), (256, 128), (256, 256), (128, 128, 128), (256,))),
    Draw("activation", ("relu", "leaky_relu", "silu", "mish", "selu")),
    Draw("learning_rate", (0.001, 0.012), "log-uniform"),
    Draw("dropout", (0.0, 0.05, 0.15, 0.3)),
    Draw("weight_decay", (0.005, 0.3), "log-uniform"),
    Draw("batch_size", (Times(0.5), Times(1), Times(2))),
    Draw("numeric_embedding", ("periodic", "periodic", "periodic", "none")),
    Draw("linear_path", (False, True)),
    Draw("scaling_layer", (False, True)),
    Draw("schedule", ("coslog4", "coslog4", "cosine")),
)
"""What later trials are drawn from, a uniform number for each setting in this order."""

SHORT = 0.25
"""The part of their epochs that drawn settings have at first: a whole schedule, only shorter."""

PROMOTED = 0.25
"""The part of the drawn trials, the best, that are trained at full length afterwards."""


def changes_of(seed: int, number: int) -> Mapping[str, Any]:
    """Return what a trial changes: nothing, what the portfolio says, or what is drawn for it.

    >>> changes_of(0, 0), changes_of(7, 1) == changes_of(8, 1), changes_of(0, 9) != changes_of(0, 8)
    ({}, True, True)
    """
    if number == 0:
        return {}
    if number <= len(PORTFOLIO):
        return PORTFOLIO[number - 1]
    uniform = generator(seed, Purpose.SEARCH, number).random(len(SPACE))
    return {draw.name: draw.drawn(float(one)) for draw, one in zip(SPACE, uniform, strict=True)}


def is_drawn(number: int) -> bool:
    """Tell whether a trial is drawn, rather than the default or of the portfolio."""
    return number > len(PORTFOLIO)


@dataclass(frozen=True)
class SearchTrial:
    """A trial: its number, the part of the epochs that it has, its settings, and what they change, as it is typed."""

    number: int
    length: float
    settings: Settings
    changes: Mapping[str, str]


def trial_of(settings: Settings, problem: Problem, number: int, length: float = 1.0) -> SearchTrial:
    """Return a trial of the settings for a problem."""
    default = fill(settings, problem)
    of_each = default.fold_members or 1
    # What a search alone makes of the folds is said, since a trial is none.
    own = replace(settings, search=None, fold_members=of_each if of_each > 1 else settings.fold_members)
    plain = {one.name: one.default for one in listed(Settings)}
    changed: dict[str, Any] = {}
    for name, value in changes_of(settings.seed, number).items():
        if getattr(settings, name) != plain[name] or not _has_meaning(name, default):
            continue  # what the user has set stays
        value = _times(getattr(default, name), value.factor) if isinstance(value, Times) else value
        if value is not None and not _same(value, getattr(default, name)):
            changed[name] = value
    if changed.get("numeric_embedding") == "none":
        # Without embedded numbers there is nothing to begin by the rows, whether or not it was asked for.
        stays = own.fitted_start if default.category_embedding == "learned" else None
        own = replace(own, split_start=None, fitted_start=stays)
    if "hidden" in changed and not why_plain(settings):
        own = replace(own, recipe=True)  # layers that a search chooses are no plain network
    made = replace(own, **changed)
    epochs = fill(made, problem).epochs or 1
    if length < 1:
        made = replace(made, epochs=max(1, round(length * epochs)), more_waves=0)
    return SearchTrial(number, length, made, {name: value_text(value) for name, value in changed.items()})


def value_text(value: Any) -> str:
    """Return a setting's value as it is typed."""
    if isinstance(value, Times):
        return f"{value.factor:g} ×"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _times(value: Any, factor: float) -> Any:
    """Return a whole number so many times; None for a batch of the whole table, which has no half."""
    return None if not isinstance(value, int) else max(1, round(value * factor))


def _same(value: Any, default: Any) -> bool:
    """Tell whether a value is the default's own, lists and tuples alike."""
    if isinstance(value, tuple) and default is not None:
        return value == tuple(default)
    return bool(value == default)


def _has_meaning(name: str, default: Settings) -> bool:
    """Tell whether a change has a meaning where the default has it off for the table: no number to be embedded, say."""
    if name == "numeric_embedding":
        return default.numeric_embedding == "periodic"
    if name in ("dropout", "linear_path", "activation"):
        return bool(default.hidden)
    return True
