"""What is kept during training: the best parameters of each member, the history, and when to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from chainrule._types import FloatArray, IntArray, Stopped
from chainrule.engines.base import Data, Divergence, Engine, EpochReport, Run, StepSettings, of_member
from chainrule.equations.layout import updated_layout
from chainrule.equations.network import Network
from chainrule.training.checkpoint import Checkpoint, Epoch
from chainrule.training.plan import Plan
from chainrule.training.result import Callback, EpochState, FitResult
from chainrule.training.scores.watch import Watch


class Monitor:
    """Follows a run: takes each epoch's losses, keeps the best, says who goes on and why training stopped."""

    def __init__(
        self,
        run: Run,
        engine: Engine,
        network: Network,
        data: Data,
        settings: StepSettings,
        plan: Plan,
        on_epoch_end: Callback | None,
        resume: Checkpoint | None = None,
        is_over: Callable[[], bool] | None = None,
    ) -> None:
        self.begun = time.perf_counter()
        self.run, self.engine, self.network, self.data = run, engine, network, data
        self.settings, self.plan, self.on_epoch_end, self.is_over = settings, plan, on_epoch_end, is_over
        self.validates = data.validation.size > 0
        self.rows = data.validation if self.validates and plan.rows == "validation" else data.train
        # Without watching, only what epochs report is compared.
        self.watches = plan.rows != "steps" and (self.validates or plan.early_stopping)
        self.sign = -1.0 if plan.watch is not None and plan.watch.metric.greater_is_better else 1.0
        if self.watches and plan.watch is not None:
            _check(plan.watch, data, self.rows, "validation" if self.rows is data.validation else "training")
        self.stopped: Stopped = "epochs"
        self.waves = 0
        self.counts_plateaus = plan.schedule.waits_for_plateau and plan.met is None
        self.penalizes = bool(settings.l1 or settings.l2)
        if self.penalizes:
            layout = updated_layout(network, len(run.parameters), settings.sharing)
            self.penalized = layout.decayed * layout.free
            self.penalties = self._penalties()
            steps = run.steps_per_epoch
            self.penalty_share = (steps - 1) / (2 * steps)
            self.penalty_times = steps if network.reduction == "sum" else 1
        if resume is None:
            self._begin()
        else:
            self._resume(resume)

    def _begin(self) -> None:
        members = len(self.run.parameters)
        self.epoch = self.plateaus = self.since = 0
        self.history: list[Epoch] = []
        self.diverged: dict[int, Divergence] = {}
        self.parameters = np.array(self.run.parameters)
        # Lower is better in what is compared: a metric of which more is better is compared with its sign changed.
        self.lowest = np.full(members, np.inf)
        # What has to be undercut to count as progress.
        self.marks = np.full(members, np.inf)
        if self.plan.rule == "progress" and self.plan.rows != "steps":
            self.lowest = self._on_rows() if self.watches else self._losses(self.rows)
            if self.plan.together:
                self.lowest[:] = np.mean(self.lowest)
            self.lowest[~np.isfinite(self.lowest)] = np.inf
            if self.watches:
                self.marks = self.lowest.copy()
        self.best_epochs = [0] * members
        self.waited = [0] * members
        lengths = self.plan.lengths
        self.active = tuple(m for m in range(members) if lengths is None or lengths[m])
        self.before = 0.0

    def _resume(self, resume: Checkpoint) -> None:
        self.epoch, self.plateaus, self.since = resume.epoch, resume.plateaus, resume.since
        self.history, self.diverged = list(resume.history), dict(resume.diverged)
        self.parameters = np.array(resume.parameters, self.run.parameters.dtype)
        self.lowest, self.marks = np.array(resume.lowest), np.array(resume.marks)
        self.best_epochs, self.waited = list(resume.best_epochs), list(resume.waited)
        self.active = resume.active
        # Whether another wave follows was decided at the end of each.
        self.waves = sum(self.plan.length(more) <= self.epoch for more in range(self.plan.more_waves))
        self.before = resume.seconds

    @property
    def seconds(self) -> float:
        """The time since training began; that before an interruption counts."""
        return self.before + time.perf_counter() - self.begun

    def _on_rows(self) -> FloatArray:
        """Return what is watched for each member (k,), lower being better, of the parameters as they are now."""
        watch, data = self.plan.watch, self.data
        if watch is None:
            return self._losses(self.rows)
        seen = self.run.weighted_sums if watch.metric.of == "sums" else self.run.outputs
        found, weights = [], data.weights
        for member, a in enumerate(seen(self.rows)):
            rows = of_member(self.rows, member)
            found.append(watch(data.y[rows], a, None if weights is None else weights[rows]))
        return self._signed(np.array(found))

    def _signed(self, values: FloatArray) -> FloatArray:
        """Return values as they are compared for those that a metric has, and back; no zero becomes -0."""
        return self.sign * values + 0.0

    def watch_once(self) -> None:
        """Look at the rows that are looked at after an epoch, to see how long it takes."""
        if self.watches:
            self._on_rows()
        if self.validates and not (self.watches and self.plan.watch is None):
            self._losses(self.data.validation)

    def _losses(self, rows: IntArray) -> FloatArray:
        return np.asarray(self.run.losses(rows)) / self.plan.divisor

    def _penalties(self) -> list[float]:
        """Return each member's penalty: `penalty` in two passes, since its formula takes longer than a small epoch.

        Members that share have one for all.
        """
        w, s = self.run.updated, self.settings
        with np.errstate(over="ignore", invalid="ignore"):
            counted = w * self.penalized
            found: FloatArray = s.l2 / 2 * np.vecdot(counted, w)
            if s.l1:
                found += s.l1 * np.sum(np.abs(counted), axis=1)
        each: list[float] = found.tolist()
        return each * (len(self.run.parameters) // len(each))

    def _costs(self, report: EpochReport) -> list[float]:
        """Return each member's mean cost on the way through an epoch: its losses, and the penalties.

        A penalty is taken to change evenly from the epoch's first step to its last. L-BFGS reports whole costs.
        """
        losses = [loss / self.plan.divisor for loss in report.losses.tolist()]
        if not self.penalizes or self.settings.optimizer.searches:
            return losses
        begin, self.penalties = self.penalties, self._penalties()
        # As Python's numbers: NumPy's take longer for a few members than the rest of an epoch's bookkeeping.
        return [
            loss + self.penalty_times * (first + (last - first) * self.penalty_share)
            for loss, first, last in zip(losses, begin, self.penalties, strict=True)
        ]

    def after(self, epoch: int, report: EpochReport, learning_rate: float) -> bool:
        """Take in one epoch of the active members; return whether training goes on."""
        plan = self.plan
        self.epoch = epoch
        self.diverged.update(report.diverged)
        costs = self._costs(report)
        compared: list[float] = self._on_rows().tolist() if self.watches else costs
        shown = [member for member in self.active if member not in report.diverged]
        if plan.together:
            compared = [_mean(compared, shown)] * len(compared)
        self._compare(epoch, shown, compared)
        validation = float("nan")
        if self.validates:
            is_known = self.watches and plan.watch is None and plan.rows == "validation"
            known = compared if is_known else self._losses(self.data.validation).tolist()
            validation = _mean(known, shown)
        watched = self.sign * _mean(compared, shown) + 0.0
        steepest = float("nan") if report.steepest is None else _mean(report.steepest.tolist(), shown)
        line = Epoch(epoch, _mean(costs, shown), validation, learning_rate, self.seconds, watched, steepest)
        self.history.append(line)
        if self.waves < plan.more_waves and epoch == plan.length(self.waves):
            values = [self.sign * line.watched for line in self.history]
            if plan.was_worth(values, self.waves) or not plan.early_stopping:
                self.waves += 1  # patience is that of the wave to come
            else:
                shown = []
        self.active = self._going(shown, learning_rate)
        if self.on_epoch_end is not None and self.on_epoch_end(self._state(compared)):
            self.stopped = "callback"
            return False
        if self.is_over is not None and self.is_over() and self.active and epoch < plan.longest:
            self.stopped = "time limit"
            return False
        if not self.active and (plan.lengths is None or len(self.diverged) == len(self.waited)):
            self.stopped = "diverged" if len(self.diverged) == len(self.waited) else "early stopping"
        return bool(self.active)

    def _compare(self, epoch: int, members: list[int], values: list[float]) -> None:
        """Note who made progress, and keep whose parameters are better than before."""
        plan, current = self.plan, self.run.parameters
        for member in members:
            value, lowest = values[member], float(self.lowest[member])
            progress = value < self.marks[member] - plan.tolerance
            if plan.rule == "best":
                progress = value <= lowest - plan.tolerance
            if progress:
                self.marks[member] = value
            self.waited[member] = 0 if progress else self.waited[member] + 1
            if not math.isfinite(value):
                continue
            if value < lowest or not plan.keeps_best:
                self.best_epochs[member] = epoch
                self.parameters[member] = current[member]
            if value < lowest or (plan.rule == "progress" and not plan.keeps_best):
                self.lowest[member] = value

    def _going(self, members: list[int], learning_rate: float) -> tuple[int, ...]:
        """Return who goes on, and count the plateaus that the schedule waits for: those of all members."""
        plan = self.plan
        lowers = plan.least_rate is not None and learning_rate > plan.least_rate
        if plan.lengths is not None:
            members = [member for member in members if self.epoch < plan.lengths[member]]
        goes = lowers or not plan.early_stopping
        patience = plan.patience * plan.length(self.waves) / plan.epochs if self.waves else plan.patience
        going = tuple(member for member in members if goes or self.waited[member] < patience)
        if self.counts_plateaus and going:
            waited = min(self.waited[member] for member in going)
            if lowers and waited >= plan.patience:
                self.plateaus += 1
                for member in going:
                    self.waited[member] = 0
            self.since = 0 if waited == 0 else self.since + 1
            if self.since >= plan.schedule.parameters["patience"]:
                self.plateaus, self.since = self.plateaus + 1, 0
        return going

    def _state(self, compared: list[float]) -> EpochState:
        seen = (self.history[-1], self.plan.length(self.waves), self._signed(np.array(compared)), self.active)
        return EpochState(*seen, self.run, self.engine, self.network, self.checkpoint)

    def checkpoint(self) -> Checkpoint:
        """Return all that is needed to go on from here to the same bits."""
        kept = (self.run.state(), self.epoch, self.parameters.copy(), self.lowest.copy(), self.marks.copy())
        going = (tuple(self.best_epochs), tuple(self.waited), self.active, self.plateaus, self.since)
        return Checkpoint(*(*kept, *going, dict(self.diverged), self.seconds, tuple(self.history)))

    def result(self) -> FitResult:
        """Return what was kept."""
        kept = (self.parameters, tuple(self.best_epochs), self._signed(self.lowest), tuple(self.history))
        checkpoint = None if self.stopped == "interrupted" else self.checkpoint()
        return FitResult(*kept, self.stopped, self.diverged, self.seconds, checkpoint)


def _check(watch: Watch, data: Data, rows: IntArray, what: str) -> None:
    """Raise SettingsError where what is watched says nothing of the rows, (m,), or (k, m) for each member its own.

    Where the training rows have one target, there is nothing to learn, and nothing to be lost by that.
    """
    learned = data.y[data.train.reshape(-1)]
    if (learned == learned[0]).all():
        return
    for own in np.atleast_2d(rows):
        watch.check(data.y[own], None if data.weights is None else data.weights[own], what)


def _mean(losses: list[float], members: list[int]) -> float:
    return sum(losses[member] for member in members) / len(members) if members else math.nan
