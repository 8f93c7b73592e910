"""A time limit: how many members and epochs fit into it, so that the schedule comes to its end before it does."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from chainrule._types import FloatArray
from chainrule.engines.base import Data, Engine, StepSettings
from chainrule.equations.network import Network
from chainrule.training.monitor import Monitor
from chainrule.training.plan import Plan

AFTERWARDS = 0.05
"""The share of the limit that is left for what comes after the training: the model and its predictions."""

PLANNED = 0.9
"""The share of what is left of it that is planned for; epochs take longer now and then."""

PROBE = 0.03
"""The share of what is left of it that a measurement of the epoch takes, at least, where an epoch is longer."""

FEWEST = 2
"""The members that are kept, if an epoch of them fits, before epochs are given up."""


class Budget:
    """``seconds`` from now on by a ``clock``."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds = seconds
        self.clock = clock
        self.begun = clock()

    def left(self) -> float:
        """Return the seconds that the training still has."""
        return self.begun + self.seconds * (1 - AFTERWARDS) - self.clock()

    def guard(self) -> Callable[[], bool]:
        """Return what is asked after each epoch from now on: whether less is left than the epoch took."""
        before = self.left()

        def is_over() -> bool:
            nonlocal before
            left = self.left()
            epoch, before = before - left, left
            return left < epoch

        return is_over


class Size(NamedTuple):
    """How much training there is room for: members, epochs, and of an epoch that doesn't fit the share that does."""

    members: int
    epochs: int
    share: float = 1.0


def sized(seconds: float, room: float, members: int, epochs: int, threads: int = 1, fewest: int = 1) -> Size:
    """Return how much of ``members`` and ``epochs`` fits into ``room`` seconds, where an epoch of one takes ``seconds``.

    So many members as there are threads take the time of one: k members and e epochs take seconds · ceil(k/threads) · e. All
    if that fits; else all epochs with as many members as fit, but 2; else 2 members with as many epochs as fit; else, unless
    ``fewest`` is 2, one member; and where one epoch doesn't fit, the share of its steps that does.

    >>> sized(0.5, 60, 8, 100), sized(0.5, 60, 8, 40), sized(0.5, 60, 8, 10), sized(90, 60, 8, 10).members
    (Size(members=2, epochs=60, share=1.0), Size(members=3, epochs=40, share=1.0), Size(members=8, epochs=10, share=1.0), 1)
    """

    def most(k: int) -> int:
        each = seconds * math.ceil(k / threads)
        return epochs if each * epochs <= room else max(0, math.floor(room / each))

    kept = min(members, FEWEST)
    if fitting := [k for k in range(kept, members + 1) if most(k) == epochs]:
        return Size(fitting[-1], epochs)
    if most(kept):
        return Size(kept, most(kept))
    k = min(kept, max(1, fewest))
    share = room / (seconds * math.ceil(k / threads))
    return Size(k, max(1, most(k)), min(1.0, max(0.0, share)))


def seconds_of_epoch(
    engine: Engine,
    network: Network,
    parameters: FloatArray,
    data: Data,
    settings: StepSettings,
    plan: Plan,
    budget: Budget,
) -> float:
    """Return about how many seconds an epoch of all members takes, what is watched after it included.

    It is measured on runs that are thrown away. The first of them compiles what there is to compile, which counts for
    the budget, not for the epoch. Of a long epoch only the first steps are made, twice as many each time.
    """
    begin = engine.start(network, parameters, data, settings)
    everyone, steps = range(len(begin.parameters)), begin.steps_per_epoch
    rates = plan.rates(0, steps, 0, 0)
    begin.train_epoch(0, rates[:1], everyone)
    monitor = Monitor(begin, engine, network, data, settings, plan, None)
    count = 1
    while True:
        run = engine.start(network, parameters, data, settings)
        begun = budget.clock()
        run.train_epoch(0, rates[:count], everyone)
        spent = budget.clock() - begun
        if count == steps or spent >= PROBE * budget.left():
            break
        count = min(steps, 2 * count)
    begun = budget.clock()
    monitor.watch_once()
    return spent * steps / count + budget.clock() - begun
