"""The training loop. It knows the engines' protocol and no engine by name, and no table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule._types import FloatArray
from chainrule.engines.base import Data, Engine, Run, StepSettings
from chainrule.equations.network import Network
from chainrule.training.monitor import Callback, FitResult, Monitor, Plan


def fit(
    engine: Engine,
    network: Network,
    parameters: FloatArray,
    data: Data,
    settings: StepSettings,
    plan: Plan,
    on_epoch_end: Callback | None = None,
) -> FitResult:
    """Train ``parameters`` (k, p) on the data and return the best of each member.

    ``on_epoch_end`` is called after every epoch and ends training by returning True. Ctrl-C ends it too; the
    best so far is kept. A member whose loss stops being finite ends there, keeps its best parameters, and is
    reported in ``diverged``.
    """
    if settings.optimizer.name == "lbfgs" and not len(data.validation):
        # Its line search lowers the cost in every iteration, so its last is its best and nothing needs
        # watching.
        plan = replace(plan, early_stopping=False)
    run = engine.start(network, parameters, data, settings)
    monitor = Monitor(run, data, plan, on_epoch_end)
    try:
        if settings.optimizer.name == "lbfgs":
            # SciPy's optimizers take a third of a second to import, and most trainings don't need them.
            from chainrule.training.lbfgs import minimize_members

            minimize_members(run, monitor, network, plan)
        else:
            _epochs(run, monitor, plan)
    except KeyboardInterrupt:
        monitor.stopped = "interrupted"
    return monitor.result()


def _epochs(run: Run, monitor: Monitor, plan: Plan) -> None:
    """Run epoch after epoch, with the schedule's learning rate for each step."""
    steps = run.steps_per_epoch
    total = steps * plan.epochs
    plateaus = 0
    since = 0
    for epoch in range(plan.epochs):
        t = np.arange(epoch * steps, (epoch + 1) * steps, dtype=np.float64)
        rates = plan.schedule.rates(plan.learning_rate, t, total, epoch, plateaus, plan.warmup, np)
        report = run.train_epoch(epoch, rates, monitor.active)
        if not monitor.after(epoch + 1, report, float(rates[-1])):
            return
        if plan.schedule.waits_for_plateau:
            waited = min(monitor.waited[member] for member in monitor.active)
            since = 0 if waited == 0 else since + 1
            if since >= plan.schedule.parameters["patience"]:
                plateaus, since = plateaus + 1, 0
