"""Where a training stands: all that is needed to go on from there to the same bits as if it had never stopped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, NamedTuple, TypeAlias

import numpy as np

from chainrule._plain import IF_SET, Count, Form, Plain, number_or_null, read_list
from chainrule._types import FloatArray
from chainrule.engines.base import Divergence, RunState
from chainrule.errors import ModelFileError, SettingsError

_OR_INF = number_or_null(math.inf)

BitArray: TypeAlias = np.ndarray[Any, np.dtype[np.uint64]]
"""Numbers as the bits of float64: a model file's floats are finite, and of a history some numbers aren't known (NaN)."""

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
    stopping looks at, a loss or a metric. ``steepest`` is the largest absolute number of the gradient in the epoch's last
    step, before clipping (`EpochReport`); NaN where it isn't known.
    """

    epoch: Count
    training_loss: _Loss
    validation_loss: _Loss
    learning_rate: _Loss
    seconds: _Loss
    watched: _Loss = float("nan")
    steepest: _Loss = float("nan")


def to_bits(numbers: Sequence[Any]) -> BitArray:
    """Return numbers as an array that a model file can hold, however many there are; those not finite become NaN."""
    found = np.array(numbers, np.float64)
    return np.where(np.isfinite(found), found, np.nan).view(np.uint64)


def from_bits(array: np.ndarray[Any, Any], where: str, axes: int = 1) -> FloatArray:
    """Return the numbers of `to_bits`; raises ModelFileError for another array."""
    if array.dtype != np.uint64 or array.ndim != axes:
        raise ModelFileError(f"{where}: an array of bits is expected, not {array.shape} of {array.dtype}")
    found = array.view(np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def history_to_bits(history: Sequence[Epoch]) -> BitArray:
    """Return a history (epochs, 7) as an array for a model file."""
    return to_bits(history).reshape(len(history), len(Epoch._fields))


def history_from_bits(array: np.ndarray[Any, Any], where: str) -> tuple[Epoch, ...]:
    """Return the history of `history_to_bits`; raises ModelFileError for another array."""
    rows = from_bits(array, where, axes=2)
    if rows.shape[1] not in (len(Epoch._fields), len(Epoch._fields) - 1):  # the last is new
        raise ModelFileError(f"{where}: lines of {len(Epoch._fields)} numbers are expected, not {rows.shape}")
    # Where NaN is, a comparison is false.
    if not ((rows[:, 0] >= 0) & (rows[:, 0] < 2.0**53) & (rows[:, 0] % 1 == 0)).all():
        raise ModelFileError(f"{where}: the numbers of epochs are no counts")
    return tuple(Epoch(int(number), *values) for number, *values in rows.tolist())


@dataclass(frozen=True)
class Checkpoint(
    Plain,
    names=(
        *("epoch", "lowest", "marks", "best_epochs", "waited", "active"),
        *("plateaus", "since", "diverged", "seconds", "history"),
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
    diverged: Mapping[int, Divergence]
    seconds: float
    history: Annotated[tuple[Epoch, ...], IF_SET] = ()

    def to_parts(self) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, Any]]:
        """Return it as finite arrays by name and plain data, as a model file takes them.

        A member that diverged has nothing to go on from: its kept parameters take the place of what overflowed.
        """
        gone = ~np.isfinite(self.run.parameters).all(axis=1, keepdims=True)
        # What members that share are made of is another kind of row than the members kept.
        instead = self.parameters if self.parameters.shape == self.run.parameters.shape else 0
        arrays = {
            "kept": self.parameters,
            "history": history_to_bits(self.history),
            "run.parameters": np.where(gone, instead, self.run.parameters),
            "run.steps": self.run.steps,
            **{f"run.{name}": np.where(gone, 0, array) for name, array in self.run.arrays.items()},
        }
        return arrays, replace(self, history=()).to_dict()

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
            if "history" in arrays:  # it was in the data before, where a long one had no room
                made = replace(made, history=history_from_bits(arrays["history"], "history"))
        except (KeyError, TypeError, ModelFileError) as error:
            raise SettingsError(f"this is not a checkpoint of a training: {error}") from error
        counts = {len(made.lowest), len(made.marks), len(made.best_epochs), len(made.waited)}
        if counts != {members} or not all(0 <= member < members for member in made.active):
            raise SettingsError(f"this is not a checkpoint of a training of {members} members")
        return made
