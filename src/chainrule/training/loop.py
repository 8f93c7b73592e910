"""The training loop. It knows the engines' protocol and no engine by name, and no table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule._types import FloatArray
from chainrule.engines.base import Data, Engine, Run, StepSettings
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from chainrule.training.budget import Budget
from chainrule.training.checkpoint import Checkpoint
from chainrule.training.monitor import Monitor
from chainrule.training.plan import Plan
from chainrule.training.result import Callback, FitResult


def fit(
    engine: Engine,
    network: Network,
    parameters: FloatArray,
    data: Data,
    settings: StepSettings,
    plan: Plan,
    on_epoch_end: Callback | None = None,
    *,
    resume: Checkpoint | None = None,
    budget: Budget | None = None,
) -> FitResult:
    """Train ``parameters`` (k, p) on the data and return the best of each member; (1, q) where members share.

    ``on_epoch_end`` is called after every epoch and ends training by returning True. Ctrl-C ends it too; the
    best so far is kept. A member whose loss stops being finite ends there, keeps its best parameters, and is
    reported in ``diverged``.

    ``resume`` goes on from a checkpoint, to the same bits as if training had never stopped; ``plan.epochs``
    counts from the very beginning. Raises SettingsError where the checkpoint doesn't fit. Training ends before an
    epoch that would go past the ``budget``.
    """
    whole = settings.optimizer.searches
    if whole and not data.validation.size:
        # Its line search lowers the cost in every iteration, so its last is its best and nothing needs
        # watching.
        plan = replace(plan, early_stopping=False)
    if settings.sharing != "none":
        plan = replace(plan, together=True)
    if whole and plan.together:
        raise SettingsError(
            "lbfgs minimizes one member's cost after the other's, so members can't end together"
        )
    if whole and resume is not None:
        raise SettingsError("lbfgs can't go on from a checkpoint: begin with the parameters it had reached")
    run = engine.start(network, parameters, data, settings, None if resume is None else resume.run)
    guard = None if budget is None else budget.guard()
    monitor = Monitor(run, engine, network, data, settings, plan, on_epoch_end, resume, guard)
    try:
        with run.working():
            if whole:
                # SciPy's optimizers take a third of a second to import, and most trainings don't need them.
                from chainrule.training.lbfgs import minimize_members

                minimize_members(run, monitor, network, plan)
            else:
                _epochs(run, monitor, plan, 0 if resume is None else int(np.max(resume.run.steps)))
    except KeyboardInterrupt:
        monitor.stopped = "interrupted"
    return monitor.result()


def _epochs(run: Run, monitor: Monitor, plan: Plan, made: int) -> None:
    """Run epoch after epoch, with the schedule's learning rate for each step; ``made``: the steps made before."""
    if not monitor.active:
        monitor.stopped = "early stopping"  # the checkpoint is of a training that had come to its end
        return
    steps = run.steps_per_epoch
    schedule = plan.schedule
    changes = plan.warmup > 0 or bool(set(schedule.formula.symbols) - {"eta", *schedule.parameters})
    eases = bool(plan.regularization.formula.symbols)
    strength = plan.strength(monitor.epoch)
    rates: FloatArray = np.zeros(0)
    for epoch in range(monitor.epoch, plan.longest):
        if changes or not len(rates):
            met = monitor.plateaus if plan.met is None else sum(at <= epoch for at in plan.met)
            rates = plan.rates(made, steps, epoch, met)[: plan.most_steps]
        if eases:
            strength = plan.strength(epoch)
        made += steps
        report = run.train_epoch(epoch, rates, monitor.active, strength)
        if not monitor.after(epoch + 1, report, float(rates[-1])):
            return
