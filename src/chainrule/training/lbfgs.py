"""Training by L-BFGS (Liu & Nocedal 1989) through SciPy: each member's whole-table cost is minimized in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._types import BoolArray, FloatArray, Stopped
from chainrule.engines.base import Divergence, EpochReport, Run
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.training.monitor import Monitor
from chainrule.training.plan import Plan

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult


def minimize_members(run: Run, monitor: Monitor, network: Network, plan: Plan) -> None:
    """Minimize each member's cost; an iteration counts as an epoch, for history, callbacks and early stopping."""
    free = Layout(network).free > 0
    ended: list[Stopped] = []
    # SciPy's products of short vectors take longer on several threads than on one, up to a hundred times.
    with one_blas_thread():
        for member in monitor.active:
            monitor.active = (member,)
            ended.append(_Minimization(run, monitor, member, network, free, plan).run_to_end())
            if monitor.stopped in ("callback", "time limit"):
                return
    # One word for all members: the one that promises least, except that members that diverged are named elsewhere.
    order: tuple[Stopped, ...] = ("epochs", "early stopping", "converged", "diverged")
    monitor.stopped = min(ended, key=order.index)


class _Minimization:
    def __init__(
        self, run: Run, monitor: Monitor, member: int, network: Network, free: BoolArray, plan: Plan
    ) -> None:
        self.run, self.monitor, self.member, self.free, self.plan = run, monitor, member, free, plan
        self.layers = len(network.layers)
        self.flat = np.array(run.parameters[member], np.float64)
        self.epoch = 0
        self.largest = 0.0
        self.halted = False

    def run_to_end(self) -> Stopped:
        """Return how the minimization ended: ``epochs`` where it would have gone on."""
        from scipy.optimize import minimize

        if not self.free.any():
            return "converged"
        plan, start = self.plan, self.flat[self.free]
        limits = {
            "maxiter": plan.epochs,
            "maxfun": plan.most_evaluations or 15 * plan.epochs,
            "gtol": plan.gradient_tolerance,
            "ftol": plan.cost_tolerance,
        }
        found = minimize(self.cost, start, jac=True, method="L-BFGS-B", callback=self.after, options=limits)
        if not np.isfinite(found.fun):
            divergence = Divergence(self.epoch + 1, self.layers, self.largest, 1.0)
            self.report(float("nan"), {self.member: divergence})
            return "diverged"
        if self.halted:
            return "early stopping"
        # 1: as many iterations as planned; 2: no step along the gradient lowers the cost any more.
        return "epochs" if found.status == 1 else "converged"

    def cost(self, part: FloatArray) -> tuple[float, FloatArray]:
        """Return the cost and its gradient for the free parameters."""
        self.flat[self.free] = part
        value, gradient = self.run.loss_and_gradient(self.member, self.flat)
        if np.isfinite(gradient).all():
            self.largest = float(np.abs(gradient).max(initial=0.0))
        return value, np.asarray(gradient, np.float64)[self.free]

    def after(self, intermediate_result: OptimizeResult) -> None:
        """Take in one iteration; stop where the monitor says so."""
        self.flat[self.free] = intermediate_result.x
        self.run.parameters[self.member] = self.flat
        self.epoch += 1
        if not self.report(float(intermediate_result.fun), {}):
            self.halted = True
            raise StopIteration

    def report(self, cost: float, diverged: dict[int, Divergence]) -> bool:
        """Tell the monitor about one iteration; return whether to go on."""
        losses, steepest = np.full((2, len(self.run.parameters)), np.nan)
        losses[self.member], steepest[self.member] = cost, self.largest
        return self.monitor.after(self.epoch, EpochReport(losses, diverged, steepest), 1.0)
