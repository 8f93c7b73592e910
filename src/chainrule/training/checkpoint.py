"""Where a training stands: all that is needed to go on from there to the same bits as if it had never stopped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, TypeAlias

import numpy as np

from chainrule._plain import Count, Form, Plain, number_or_null, read_list
from chainrule._types import FloatArray
from chainrule.engines.base import Divergence, RunState
from chainrule.errors import ModelFileError, SettingsError

_OR_INF = number_or_null(math.inf)

_Loss: TypeAlias = Annotated[float, number_or_null()]
_Lowest: TypeAlias = Annotated[
    FloatArray,
    Form(
        lambda array: [_OR_INF.write(value) for value in array],
        lambda data, where: np.array(read_list(data, where, _OR_INF.read)),
    ),
]


class Epoch(NamedTuple):
    """One line of the history; losses are means over the members that took part (validation NaN without rows).

    The training loss is the cost on the way through the epoch, penalties included; ``watched`` is what early
    stopping looks at, a loss or a metric.
    """

    epoch: Count
    training_loss: _Loss
    validation_loss: _Loss
    learning_rate: _Loss
    seconds: _Loss
    watched: _Loss = float("nan")


@dataclass(frozen=True)
class Checkpoint(
    Plain,
    names=(
        *("epoch", "lowest", "marks", "best_epochs", "waited", "active"),
        *("plateaus", "since", "history", "diverged", "seconds"),
    ),
):
    """The end of an epoch: the run's state, and what its monitor has noted of the k members.

    ``parameters`` (k, p) are those kept so far, ``lowest`` (k,) the watched values of the best and ``marks``
    (k,) those of the last progress (lower is better, whatever the metric), ``waited`` the epochs since then,
    ``active`` who goes on, ``since`` the epochs since the last plateau of all.
    """

    run: RunState
    epoch: Count
    parameters: FloatArray
    lowest: _Lowest
    marks: _Lowest
    best_epochs: tuple[Count, ...]
    waited: tuple[Count, ...]
    active: tuple[Count, ...]
    plateaus: Count
    since: Count
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
        return arrays, self.to_dict()

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
            run = RunState(arrays["run.parameters"], states, arrays["run.steps"])
            made = cls.from_dict(data, run=run, parameters=kept)
        except (KeyError, TypeError, ModelFileError) as error:
            raise SettingsError(f"this is not a checkpoint of a training: {error}") from error
        counts = {len(made.lowest), len(made.marks), len(made.best_epochs), len(made.waited)}
        if counts != {members} or not all(0 <= member < members for member in made.active):
            raise SettingsError(f"this is not a checkpoint of a training of {members} members")
        return made
