"""What a prepared training begins with, and how much of it fits into its time limit."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray
from chainrule.engines import ENGINES, engine_named
from chainrule.engines.base import Data
from chainrule.engines.threads import limited_threads
from chainrule.errors import SettingsError
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.rows import unseen_inputs
from chainrule.fitting.teacher import with_taught
from chainrule.training.budget import PLANNED, Size, seconds_of_epoch, sized
from chainrule.training.initial import initial_parameters
from chainrule.training.starts.begin import by_rows

WORTH_ALL_FOLDS = 16
"""So many epochs, where they fit, are worth keeping all bagged members under a time limit."""


def start_of(prepared: Prepared, threads: int | None = None) -> tuple[FloatArray, Data]:
    """Return the initial parameters (k, p), or (1, q) of members that share, and the rows with each member's part in them.

    They are made with ``threads`` threads (all processors if None), and are the same with any number.
    """
    resolved, arrays, folds = prepared.resolved, prepared.arrays, prepared.folds
    n, steps, unseen = arrays.n_training, resolved.steps, unseen_inputs(prepared.encoder)
    # Of a refit the rows are all rows in the end.
    seen = (arrays.fitted if resolved.refit else arrays.training).x
    start = initial_parameters(resolved.network, resolved.members, steps.seed, unseen, seen, steps.sharing)
    train, held = (np.arange(n), np.arange(n, len(arrays.x))) if folds is None else (folds.rest, folds.held)
    data = with_taught(arrays, Data(arrays.x, arrays.y, train, held, arrays.weights))
    asked = resolved.settings
    by_stage, splits = bool(asked.fitted_start), asked.split_start or 0.0
    with limited_threads(threads):
        start = by_rows(
            resolved.network, start, data, steps.sharing, stage=by_stage, splits=splits, seed=steps.seed
        )
    return start, data


def check_not_limited(prepared: Prepared) -> None:
    """Raise SettingsError where a training that is to be gone on with has a time limit."""
    if prepared.budget is not None:
        raise SettingsError(
            f"under a {setting('time_limit')} members and epochs are chosen by the clock, so a checkpoint can't be gone "
            f"on with: give {setting('members')} and {setting('epochs')} instead"
        )


def within_time(prepared: Prepared, *, engine: str = ENGINES[0], threads: int | None = None) -> Prepared:
    """Return the prepared training with as many members and epochs as fit into its time limit, by `sized`.

    An epoch is measured first. A refit takes the time of as many epochs of all rows. Without a time limit, or where the
    optimizer has no steps to measure, everything stays.
    """
    budget, resolved = prepared.budget, prepared.resolved
    if budget is None or resolved.steps.optimizer.searches:
        return prepared
    made = engine_named(engine, threads=threads)
    start, data = start_of(prepared, threads)
    plan, members = resolved.plan, resolved.members
    together = made.threads
    seconds = seconds_of_epoch(made, resolved.network, start, data, resolved.steps, plan, budget)
    seconds /= math.ceil(members / together)
    if resolved.refit:
        seconds *= 1 + prepared.arrays.n_fitted / prepared.arrays.n_training
    room = PLANNED * budget.left()
    several = resolved.bagging or resolved.steps.sharing != "none"
    size = sized(seconds, room, members, plan.epochs, together, fewest=2 if several else 1)
    fewer = math.floor(room / (seconds * math.ceil(members / together)))
    if resolved.bagging and size.members < members and fewer >= WORTH_ALL_FOLDS:
        # Fewer members have larger folds, and so fewer rows to learn from: epochs are given up first.
        size = Size(members, min(plan.epochs, fewer))
    if (size.members, size.epochs, size.share) == (members, plan.epochs, 1.0):
        # Of the waves that may follow, those that fit.
        waves = sum(plan.length(more) <= fewer for more in range(1, plan.more_waves + 1))
        if waves == plan.more_waves:
            return prepared
        return replace(prepared, resolved=replace(resolved, plan=replace(plan, more_waves=waves)))
    of_each = resolved.fold_members
    if of_each > 1 and size.members < members:
        # Folds are given up last.
        of_each = max(1, size.members // resolved.folds)
        size = size._replace(members=min(size.members, of_each * resolved.folds))
    limit = f"the time limit of {budget.seconds:g} s"
    most_steps = None
    if size.share < 1:
        steps = -(-data.train.shape[-1] // resolved.steps.batch_size)
        most_steps = max(1, math.floor(steps * size.share))
        made_by = f"{most_steps:,} of its {steps:,} steps are made, by {size.members} of {members} members"
        note = f"{limit} is too short for one epoch: {made_by}"
    else:
        note = f"{limit} has room for {size.epochs:,} of {plan.epochs:,} epochs and {size.members} of {members} members"
    plan = replace(
        plan.exactly(size.epochs),
        warmup=round(plan.warmup * size.epochs / plan.epochs),
        most_steps=most_steps,
    )
    again = resolved.refit and most_steps is None
    cut = replace(resolved, plan=plan, members=size.members, fold_members=of_each, refit=again)
    return replace(prepared, resolved=cut, notes=(*prepared.notes, note))
