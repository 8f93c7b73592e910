"""What a training tells while it goes on, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from chainrule._types import FloatArray, Stopped
from chainrule.engines.base import Divergence, Engine, Run
from chainrule.equations.network import Network
from chainrule.training.checkpoint import Checkpoint, Epoch


class EpochState(NamedTuple):
    """What a callback sees at the end of an epoch.

    ``epochs`` are those after which training ends, or another wave follows. ``losses`` (k,) are what is watched,
    ``active`` who goes on; ``checkpoint()`` is all that is needed to go on from here.
    """

    line: Epoch
    epochs: int
    losses: FloatArray
    active: tuple[int, ...]
    run: Run
    engine: Engine
    network: Network
    checkpoint: Callable[[], Checkpoint]


Callback = Callable[[EpochState], bool | None]


@dataclass(frozen=True)
class FitResult:
    """What training gives back: the kept parameters (k, p), which epoch each member's are from, the history.

    ``losses`` (k,) are the watched losses, or values of the metric, of the kept parameters (by the rule ``best``: the
    best); where nothing is watched (no validation rows, no early stopping), the mean training loss during the epoch
    they are from. ``checkpoint`` is where training ended, to go on from; None where Ctrl-C ended it in the middle of an
    epoch. ``first`` is the training that said for how many epochs this one, of all rows, was to be (`refit`).
    """

    parameters: FloatArray
    best_epochs: tuple[int, ...]
    losses: FloatArray
    history: tuple[Epoch, ...]
    stopped: Stopped
    diverged: dict[int, Divergence]
    seconds: float
    checkpoint: Checkpoint | None = None
    first: FitResult | None = None

    @property
    def watched(self) -> FitResult:
        """The training whose epochs were watched: the first one, where all was trained again, else this."""
        return self.first or self
