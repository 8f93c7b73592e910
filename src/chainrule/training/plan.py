"""How long and how fast a training goes, and when it stops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from chainrule._types import FloatArray
from chainrule.equations.schedules import Schedule, Strength, schedule, strength
from chainrule.training.scores.watch import Watch

WAVES = 4
"""The waves of the schedule coslog4 in the planned epochs, each twice as long as the one before."""

WORTH = 0.03
"""The share by which a wave has to better what is watched for another to follow."""


@dataclass(frozen=True)
class Plan:
    """How long and how fast: epochs, base learning rate and schedule, warm-up steps, early stopping.

    Early stopping ends a member when what is watched has not got better by more than ``tolerance`` for ``patience``
    epochs. Watched is the loss, or the metric of ``watch``, on the validation rows (the training rows where there are
    none), on the ``training`` rows, or as the cost on the way through an epoch's ``steps``, penalties included. The
    ``best`` parameters are kept, or the ``last``; None: the best with early stopping, else the last.

    ``rule``: by ``progress`` the start is epoch 0 and a value is compared with that of the last progress, so
    that small steps add up over patience. By ``best``, scikit-learn's rule, the start doesn't count, a value is
    compared with the best so far, and one that is better by exactly the tolerance is progress.

    ``least_rate``: as long as the learning rate is above it, the end of patience is a plateau for the schedule
    instead of the end. ``most_evaluations``, ``gradient_tolerance`` and ``cost_tolerance`` are L-BFGS's own
    limits (None: 15 evaluations of the cost an epoch).

    ``together``: what is watched is the mean over the members that haven't diverged; they go on, and end, together, and
    keep the same epoch. So it is of members that share their layers, in any case.

    ``divisor``: what the rows' losses are divided by where they are stated and compared, penalties aside:
    scikit-learn states squared errors as a mean over the outputs, and follows the gradient of their sum.

    ``more_waves``: how many waves of coslog4 may follow the ``epochs``, each twice as long as the one before. One follows
    while the last bettered the best of what is watched by at least `WORTH` of it, and in any case without early stopping;
    patience grows with the epochs.

    ``regularization``: how strong dropout and weight decay are as training goes on.
    ``lengths``: the epochs of each member, where they end at epochs of their own; ``met``: the epochs (from 0) before
    which the schedule's count of plateaus rises, where that is known rather than watched for. ``most_steps``: the
    steps of the one epoch there is, where it is not a whole one.
    """

    epochs: int = 200
    learning_rate: float = 0.001
    schedule: Schedule = field(default_factory=lambda: schedule("constant"))
    warmup: int = 0
    early_stopping: bool = True
    patience: int = 20
    more_waves: int = 0
    tolerance: float = 0.0
    watch: Watch | None = None
    rows: Literal["validation", "training", "steps"] = "validation"
    keep: Literal["best", "last"] | None = None
    rule: Literal["progress", "best"] = "progress"
    least_rate: float | None = None
    most_evaluations: int | None = None
    gradient_tolerance: float = 1e-9
    cost_tolerance: float = 1e-12
    divisor: float = 1.0
    regularization: Strength = field(default_factory=lambda: strength("constant"))
    lengths: tuple[int, ...] | None = None
    met: tuple[int, ...] | None = None
    most_steps: int | None = None
    together: bool = False

    @property
    def watched(self) -> str:
        """What is watched, by the word of the setting: loss where it wasn't chosen by it."""
        return "loss" if self.watch is None else self.watch.word or "loss"

    @property
    def keeps_best(self) -> bool:
        """Whether the best parameters are given back, rather than the last."""
        return self.early_stopping if self.keep is None else self.keep == "best"

    @property
    def longest(self) -> int:
        """The epochs with all waves that may follow."""
        return self.length(self.more_waves)

    def length(self, more: int) -> int:
        """Return the epochs with so many more waves: E (2^(4+k) - 1)/15 for k more than the four in E epochs.

        >>> [Plan(epochs=60).length(more) for more in (-1, 0, 1, 2)]
        [28, 60, 124, 252]
        """
        return round(self.epochs * ((1 << (WAVES + more)) - 1) / ((1 << WAVES) - 1))

    def exactly(self, epochs: int) -> Plan:
        """Return the plan with so many epochs, in which its schedule ends, and no waves after them."""
        return replace(self, epochs=epochs, more_waves=0)

    def was_worth(self, watched: Sequence[float], more: int) -> bool:
        """Return whether the last of the four waves and so many ``more`` bettered the best of all epochs by `WORTH`.

        ``watched``: a value for each epoch, lower being better.
        """
        before, after = (
            min(filter(math.isfinite, watched[: self.length(count)]), default=math.inf)
            for count in (more - 1, more)
        )
        return math.isfinite(after) and (before == math.inf or before - after >= WORTH * abs(before) > 0)

    def rates(self, made: int, steps: int, epoch: int, plateaus: int) -> FloatArray:
        """Return the learning rates (steps,) of an epoch, before which ``made`` steps were made and ``plateaus`` met."""
        t = np.arange(made, made + steps, dtype=np.float64)
        when = (t, steps * self.epochs, epoch, plateaus)
        rates: FloatArray = self.schedule.rates(self.learning_rate, *when, self.warmup, np)
        return rates

    def strength(self, epoch: int) -> float:
        """Return the factor of dropout and weight decay in an epoch (from 0), by the share of the planned epochs before it.

        In waves that follow these it stays as at their end.
        """
        return float(self.regularization.at(np.float64(min(1.0, epoch / self.epochs)), np))
