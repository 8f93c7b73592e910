"""Refit: the training again from the start on all rows, each member for as many epochs as its best one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule._types import FloatArray
from chainrule.engines.base import Data, Engine, StepSettings
from chainrule.equations.network import Network
from chainrule.training.budget import Budget
from chainrule.training.loop import fit
from chainrule.training.plan import Plan
from chainrule.training.result import Callback, EpochState, FitResult

CUT_SHORT = ("interrupted", "time limit")


def refit(
    engine: Engine,
    network: Network,
    parameters: FloatArray,
    data: Data,
    settings: StepSettings,
    plan: Plan,
    first: FitResult,
    on_epoch_end: Callback | None = None,
    *,
    budget: Budget | None = None,
) -> FitResult:
    """Train ``parameters`` again on training and validation rows, and return the last epoch of each member.

    ``parameters`` are (k, p), or (1, q) of members that share. Member m is trained for the ``first`` training's best
    epochs, with the learning rates of these: the schedule's length and its plateaus are the first training's, and
    where it has got to counts by the share of the steps made, of which an epoch of more rows has more. What
    ``on_epoch_end`` returns has no effect, and its checkpoints are the first training's last, from which this begins
    anew. The first training is returned where it was interrupted or brought nothing, or where this is interrupted; so
    it is where the ``budget`` ends either.
    """
    if first.stopped in CUT_SHORT or not any(first.best_epochs):
        return first

    def after(state: EpochState) -> None:
        if on_epoch_end is not None and first.checkpoint is not None:
            point = first.checkpoint
            on_epoch_end(state._replace(checkpoint=lambda: point))

    rows = np.concatenate([data.train, data.validation])
    everything = replace(data, train=rows, validation=data.validation[:0])
    again = replace(
        plan,
        warmup=warmup_of_refit(plan, settings, len(data.train), len(everything.train)),
        early_stopping=False,
        watch=None,
        keep="last",
        lengths=first.best_epochs,
        met=tuple(plateaus_met(plan, first, len(data.train), settings.batch_size)),
    )
    second = fit(engine, network, parameters, everything, settings, again, after, budget=budget)
    if second.stopped in CUT_SHORT:
        return first
    seconds = first.seconds + second.seconds
    return replace(second, stopped=first.stopped, seconds=seconds, checkpoint=first.checkpoint, first=first)


def warmup_of_refit(plan: Plan, settings: StepSettings, rows: int, more_rows: int) -> int:
    """Return the steps of warm-up that are as many epochs of more rows as the plan's are of ``rows``."""
    before, after = (-(-n // settings.batch_size) for n in (rows, more_rows))
    return round(plan.warmup * after / before)


def plateaus_met(plan: Plan, result: FitResult, rows: int, batch_size: int) -> list[int]:
    """Return the epochs (from 0) before which the schedule's count of plateaus rose, once for each rise.

    They are seen in the learning rates of the history: with them a replay needs no validation rows.
    """
    if not plan.schedule.waits_for_plateau:
        return []
    steps = -(-rows // batch_size)
    found: list[int] = []
    for line in result.history:
        epoch = line.epoch - 1
        begin = (plan.learning_rate, np.array([line.epoch * steps - 1.0]), steps * plan.epochs, epoch)
        for count in range(len(found), line.epoch + 1):
            made = plan.schedule.rates(*begin, count, plan.warmup, np)
            if float(made[0]) == line.learning_rate:
                found += [epoch] * (count - len(found))
                break
    return found
