"""Where a training stands: all that is needed to go on from there to the same bits as if it had never stopped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from chainrule._types import FloatArray
from chainrule.engines.base import Divergence, RunState
from chainrule.errors import SettingsError


class Epoch(NamedTuple):
    """One line of the history; losses are means over the members that took part (validation NaN without rows).

    The training loss is the cost on the way through the epoch, penalties included; ``watched`` is what early
    stopping looks at, a loss or a metric.
    """

    epoch: int
    training_loss: float
    validation_loss: float
    learning_rate: float
    seconds: float
    watched: float = float("nan")


@dataclass(frozen=True)
class Checkpoint:
    """The end of an epoch: the run's state, and what its monitor has noted of the k members.

    ``parameters`` (k, p) are those kept so far, ``lowest`` (k,) the watched values of the best and ``marks``
    (k,) those of the last progress (lower is better, whatever the metric), ``waited`` the epochs since then,
    ``active`` who goes on, ``since`` the epochs since the last plateau of all.
    """

    run: RunState
    epoch: int
    parameters: FloatArray
    lowest: FloatArray
    marks: FloatArray
    best_epochs: tuple[int, ...]
    waited: tuple[int, ...]
    active: tuple[int, ...]
    plateaus: int
    since: int
    history: tuple[Epoch, ...]
    diverged: Mapping[int, Divergence]
    seconds: float

    def to_parts(self) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, Any]]:
        """Return it as finite arrays by name and plain data, as a model file takes them.

        A member that diverged has nothing to go on from: its kept parameters take the place of what overflowed.
        """
        gone = ~np.isfinite(self.run.parameters).all(axis=1, keepdims=True)
        # What members that share are made of is another kind of row than the members kept.
        instead = self.parameters if self.parameters.shape == self.run.parameters.shape else 0
        arrays = {
            "kept": self.parameters,
            "run.parameters": np.where(gone, instead, self.run.parameters),
            "run.steps": self.run.steps,
            **{f"run.{name}": np.where(gone, 0, array) for name, array in self.run.arrays.items()},
        }
        data = {
            "epoch": self.epoch,
            "lowest": [_plain(value) for value in self.lowest],
            "marks": [_plain(value) for value in self.marks],
            "best_epochs": list(self.best_epochs),
            "waited": list(self.waited),
            "active": list(self.active),
            "plateaus": self.plateaus,
            "since": self.since,
            "history": [[_plain(value) for value in line] for line in self.history],
            "diverged": {str(member): list(where) for member, where in self.diverged.items()},
            "seconds": self.seconds,
        }
        return arrays, data

    @classmethod
    def from_parts(cls, arrays: Mapping[str, np.ndarray[Any, Any]], data: Mapping[str, Any]) -> Checkpoint:
        """Return the checkpoint of `to_parts`; raises SettingsError where it is none."""
        try:
            states = {
                name.removeprefix("run."): array
                for name, array in arrays.items()
                if name.startswith("run.") and name not in ("run.parameters", "run.steps")
            }
            kept, members = arrays["kept"], len(arrays["kept"])
            made = cls(
                RunState(arrays["run.parameters"], states, arrays["run.steps"]),
                int(data["epoch"]),
                kept,
                np.array([_number(value, math.inf) for value in data["lowest"]]),
                np.array([_number(value, math.inf) for value in data["marks"]]),
                tuple(int(value) for value in data["best_epochs"]),
                tuple(int(value) for value in data["waited"]),
                tuple(int(value) for value in data["active"]),
                int(data["plateaus"]),
                int(data["since"]),
                tuple(_line(values) for values in data["history"]),
                {int(member): Divergence(*where) for member, where in data["diverged"].items()},
                float(data["seconds"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SettingsError(f"this is not a checkpoint of a training: {error}") from error
        counts = {len(made.lowest), len(made.marks), len(made.best_epochs), len(made.waited)}
        if counts != {members} or not all(0 <= member < members for member in made.active):
            raise SettingsError(f"this is not a checkpoint of a training of {members} members")
        return made


def _line(values: Any) -> Epoch:
    epoch, *rest = values
    return Epoch(int(epoch), *(_number(value, math.nan) for value in rest))


def _plain(value: Any) -> float | int | None:
    """Return a number as JSON has it: None for one that is not finite."""
    number = value.item() if isinstance(value, np.generic) else value
    return number if math.isfinite(number) else None


def _number(value: Any, otherwise: float) -> float:
    return otherwise if value is None else float(value)
