"""The reference engine: NumPy, float64, one readable step at a time, as `step.take_group_step` makes it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._types import FloatArray, IntArray
from chainrule.engines.base import (
    Data,
    Divergence,
    EpochReport,
    RunState,
    StepSettings,
    check_lines,
    check_rates,
    check_resumable,
    of_member,
)
from chainrule.engines.member_rows import member_rows
from chainrule.engines.step import batches, predicted, take_group_step, take_passes, where_not_finite
from chainrule.equations.network import Network
from chainrule.equations.optimizers import OptimizerState
from chainrule.equations.regularizers import penalty
from chainrule.equations.update import ready_gradient


class ReferenceRun:
    """One training in progress; members one after the other, or in each step all that are made of one row."""

    def __init__(
        self,
        network: Network,
        parameters: FloatArray,
        data: Data,
        settings: StepSettings,
        resume: RunState | None = None,
    ) -> None:
        given = parameters if resume is None else resume.parameters
        self.made_of = member_rows(network, settings.sharing, given)
        self.layout = self.made_of.ordinary
        self.updated: FloatArray = np.array(given, np.float64, ndmin=2)
        self.parameters: FloatArray = self.made_of.expand(self.updated)
        check_lines(data, len(self.parameters))
        self.data = data
        self.settings = settings
        self.states = [settings.optimizer.init(row, np) for row in self.updated]
        if resume is not None:
            check_resumable(resume, self.made_of.layout, settings.optimizer)
            for row, state in enumerate(self.states):
                arrays = {name: np.array(resume.arrays[name][row], np.float64) for name in state.arrays}
                self.states[row] = OptimizerState(int(resume.steps[row]), arrays)
        self.raw: list[FloatArray] = [np.zeros(1) for _ in self.updated]
        self.steepest = np.full(len(self.updated), np.nan)

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches that cover the training rows, the last one perhaps smaller."""
        n: int = self.data.train.shape[-1]
        return -(-n // self.settings.batch_size)

    def state(self) -> RunState:
        """Return copies of what is updated and the optimizer's state, to go on from."""
        arrays = {
            name: np.stack([state.arrays[name] for state in self.states])
            for name in self.settings.optimizer.state
        }
        return RunState(self.updated.copy(), arrays, np.array([state.t for state in self.states], np.int64))

    def working(self) -> AbstractContextManager[None]:
        """Keep BLAS to one thread meanwhile: NumPy's products are its."""
        return one_blas_thread()

    def train_epoch(
        self, epoch: int, learning_rates: FloatArray, active: Sequence[int], strength: float = 1.0
    ) -> EpochReport:
        """Move the active members through one epoch, or its first steps; one that is not finite ends those made with it."""
        if active:
            self.made_of.check(active)
            check_rates(learning_rates, self.steps_per_epoch)
        losses, steepest = np.full((2, len(self.parameters)), np.nan)
        diverged: dict[int, Divergence] = {}
        for group, members in enumerate(self.made_of.groups):
            if members[0] in active:
                where = self._train_group(group, epoch, learning_rates, strength, losses)
                diverged |= {} if where is None else dict.fromkeys(members, where)
                steepest[list(members)] = np.nan if where is not None else self.steepest[group]
        return EpochReport(losses, diverged, steepest)

    def _train_group(
        self, group: int, epoch: int, learning_rates: FloatArray, strength: float, losses: FloatArray
    ) -> Divergence | None:
        """Move the members of a group, write their losses, and say where one is not finite."""
        made_of, members = self.made_of, list(self.made_of.groups[group])
        dealt = [batches(self.data, self.settings, epoch, member) for member in members]
        totals, weights = np.zeros(len(members)), np.zeros(len(members))
        for index, eta in enumerate(float(rate) for rate in learning_rates):
            batch = [of_member[index] for of_member in dealt]
            row, state = self.updated[group], self.states[group]
            step = take_group_step(
                made_of, group, row, self.parameters, state, self.data, batch, self.settings, eta, strength
            )
            layer = where_not_finite(step.passes, made_of.layout, step.updated.parameters)
            if layer is not None:
                # Its own gradient, as far as it is finite; else that of the step before.
                largest = step.steepest(float(np.abs(self.raw[group]).max()))
                return Divergence(state.t + 1, layer, largest, eta)
            self.raw[group] = step.raw
            clips = self.settings.clip_norm is not None
            measured = ready_gradient(made_of.layout, row, step.raw, self.settings) if clips else step.raw
            self.updated[group], self.states[group] = step.updated.parameters, step.updated.state
            self.parameters = made_of.expand(self.updated)
            of_batch = np.array([self._weight(rows) for rows in batch])
            with np.errstate(over="ignore"):
                totals += np.array([float(each.gradients.cost) for each in step.passes]) * of_batch
            weights += of_batch
        self.steepest[group] = float(np.abs(measured).max())
        losses[members] = totals / (weights if self.layout.network.reduction == "mean" else 1.0)
        return None

    def _weight(self, rows: IntArray) -> float:
        """Return what a mean over rows was divided by, their weights; 1 for a sum."""
        if self.layout.network.reduction == "sum":
            return 1.0
        return float(len(rows)) if self.data.weights is None else float(np.sum(self.data.weights[rows]))

    @one_blas_thread()
    def losses(self, rows: IntArray) -> FloatArray:
        """Return each member's loss on the given rows, without dropout, penalties and label smoothing."""
        network, data = self.layout.network, self.data
        weights = None if data.weights is None else data.weights[rows]
        loss = network.loss.without_smoothing()
        plain = Network([network.n_inputs, *network.layers], loss, network.reduction, network.features)
        with np.errstate(all="ignore"):
            record = plain.forward(self.layout.unflatten(self.parameters), data.x[rows], np)
            return np.asarray(plain.cost(record, data.y[rows], np, weights))

    def outputs(self, rows: IntArray) -> FloatArray:
        """Return each member's outputs on the given rows."""
        return self._predicted(self.layout.network, rows)

    def weighted_sums(self, rows: IntArray) -> FloatArray:
        """Return each member's z of the output layer on the given rows."""
        return self._predicted(self.layout.network.without_output_activation(), rows)

    def _predicted(self, network: Network, rows: IntArray) -> FloatArray:
        x = self.data.x
        if rows.ndim == 1:
            return predicted(network, self.parameters, x[rows])
        members = zip(self.parameters, rows, strict=True)
        return np.concatenate([predicted(network, flat[None], x[line]) for flat, line in members])

    def loss_and_gradient(self, member: int, flat: FloatArray) -> tuple[float, FloatArray]:
        """Return the cost with penalties on all training rows and its gradient."""
        rows, s = of_member(self.data.train, member), self.settings
        weights = None if self.data.weights is None else self.data.weights[rows]
        _, gradients, raw = take_passes(self.layout, flat, self.data.x[rows], self.data.y[rows], weights)
        decayed = self.layout.decayed * self.layout.free
        cost = float(gradients.cost) + float(penalty(flat, decayed, s.l1, s.l2, np))
        return cost, ready_gradient(self.layout, flat, raw, s)
