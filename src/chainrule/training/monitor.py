"""What is kept during training: the best parameters of each member, the history, and when to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from chainrule._types import FloatArray
from chainrule.engines.base import Data, Divergence, EpochReport, Run
from chainrule.equations.schedules import Schedule, schedule

Stopped = Literal["epochs", "early stopping", "converged", "callback", "interrupted", "diverged"]


@dataclass(frozen=True)
class Plan:
    """How long and how fast: epochs, base learning rate and schedule, warm-up steps, early stopping.

    Early stopping ends a member when its watched loss (validation, or training where there are no validation
    rows) has not fallen by more than ``tolerance`` for ``patience`` epochs; its best epoch is kept, which may
    be the start. Without it every epoch is run and the last is kept.
    """

    epochs: int = 200
    learning_rate: float = 0.001
    schedule: Schedule = field(default_factory=lambda: schedule("constant"))
    warmup: int = 0
    early_stopping: bool = True
    patience: int = 20
    tolerance: float = 0.0


class Epoch(NamedTuple):
    """One line of the history; losses are means over the members that took part (validation NaN without rows)."""

    epoch: int
    training_loss: float
    validation_loss: float
    learning_rate: float
    seconds: float


class EpochState(NamedTuple):
    """What a callback sees at the end of an epoch; ``losses`` (k,) are the watched ones, ``active`` who goes on."""

    line: Epoch
    epochs: int
    losses: FloatArray
    active: tuple[int, ...]
    run: Run


Callback = Callable[[EpochState], bool | None]


@dataclass(frozen=True)
class FitResult:
    """What training gives back: the kept parameters (k, p), which epoch each member's are from, the history.

    ``losses`` (k,) are the watched losses of the kept parameters; where nothing is watched (no validation
    rows, no early stopping), the mean training loss during the epoch they are from.
    """

    parameters: FloatArray
    best_epochs: tuple[int, ...]
    losses: FloatArray
    history: tuple[Epoch, ...]
    stopped: Stopped
    diverged: dict[int, Divergence]
    seconds: float


class Monitor:
    """Follows a run: takes each epoch's losses, keeps the best, says who goes on and why training stopped."""

    def __init__(self, run: Run, data: Data, plan: Plan, on_epoch_end: Callback | None) -> None:
        self.begun = time.perf_counter()
        self.run = run
        self.data = data
        self.plan = plan
        self.on_epoch_end = on_epoch_end
        self.validates = len(data.validation) > 0
        self.history: list[Epoch] = []
        self.diverged: dict[int, Divergence] = {}
        self.stopped: Stopped = "epochs"
        self.parameters = np.array(run.parameters)
        self.losses = np.array(run.losses(data.validation if self.validates else data.train))
        self.losses[~np.isfinite(self.losses)] = np.inf
        members = len(self.parameters)
        # What a loss has to fall below to count as progress. Without watching, only losses reported during
        # epochs are compared.
        self.marks = self.losses.copy() if self._watches else np.full(members, np.inf)
        self.best_epochs = [0] * members
        self.waited = [0] * members
        self.active = tuple(range(members))

    @property
    def _watches(self) -> bool:
        return self.validates or self.plan.early_stopping

    def _watched(self, report: EpochReport) -> FloatArray:
        """Return the losses (k,) that decide: of the parameters as they are now, where best ones are sought."""
        if not self._watches:
            return report.losses
        return self.run.losses(self.data.validation if self.validates else self.data.train)

    def after(self, epoch: int, report: EpochReport, learning_rate: float) -> bool:
        """Take in one epoch of the active members; return whether training goes on."""
        run, plan = self.run, self.plan
        self.diverged.update(report.diverged)
        watched = self._watched(report)
        keeps_best = plan.early_stopping
        going: list[int] = []
        current = run.parameters
        for member in self.active:
            if member in report.diverged:
                continue
            loss = float(watched[member])
            if loss < self.marks[member] - plan.tolerance:
                self.marks[member] = loss
                self.waited[member] = 0
            else:
                self.waited[member] += 1
            if np.isfinite(loss) and (loss < self.losses[member] or not keeps_best):
                self.losses[member] = loss
                self.best_epochs[member] = epoch
                self.parameters[member] = current[member]
            if not keeps_best or self.waited[member] < plan.patience:
                going.append(member)
        shown = [m for m in self.active if m not in report.diverged]
        self.history.append(
            Epoch(
                epoch,
                _mean(report.losses, shown),
                _mean(watched, shown) if self.validates else float("nan"),
                learning_rate,
                time.perf_counter() - self.begun,
            )
        )
        self.active = tuple(going)
        state = EpochState(self.history[-1], plan.epochs, watched, self.active, run)
        if self.on_epoch_end is not None and self.on_epoch_end(state):
            self.stopped = "callback"
            return False
        if not going:
            self.stopped = "diverged" if len(self.diverged) == len(self.waited) else "early stopping"
        return bool(going)

    def result(self) -> FitResult:
        """Return what was kept."""
        return FitResult(
            self.parameters,
            tuple(self.best_epochs),
            self.losses,
            tuple(self.history),
            self.stopped,
            self.diverged,
            time.perf_counter() - self.begun,
        )


def _mean(losses: FloatArray, members: list[int]) -> float:
    return sum(float(losses[member]) for member in members) / len(members) if members else float("nan")
