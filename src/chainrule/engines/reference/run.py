"""The reference engine: NumPy, float64, one readable step at a time.

`take_step` is the whole of a step; it returns everything it computed, so that any number can be looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from chainrule._random import row_order
from chainrule._types import FloatArray, IntArray
from chainrule.engines.base import (
    Data,
    Divergence,
    EpochReport,
    RunState,
    StepSettings,
    check_lines,
    check_resumable,
    of_member,
)
from chainrule.engines.reference.step import (
    Step,
    masks_of_step,
    not_finite,
    predicted,
    take_passes,
    take_step,
)
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import OptimizerState
from chainrule.equations.regularizers import penalty
from chainrule.equations.update import ready_gradient
from chainrule.errors import SettingsError


class ReferenceRun:
    """One training in progress; members one after the other."""

    def __init__(
        self,
        network: Network,
        parameters: FloatArray,
        data: Data,
        settings: StepSettings,
        resume: RunState | None = None,
    ) -> None:
        self.layout = Layout(network)
        start = parameters if resume is None else resume.parameters
        self.parameters: FloatArray = np.array(start, np.float64, ndmin=2)
        check_lines(data, len(self.parameters))
        self.data = data
        self.settings = settings
        self.states = [settings.optimizer.init(flat, np) for flat in self.parameters]
        if resume is not None:
            check_resumable(resume, self.layout, settings.optimizer)
            self.states = [
                OptimizerState(
                    int(resume.steps[member]),
                    {name: np.array(resume.arrays[name][member], np.float64) for name in state.arrays},
                )
                for member, state in enumerate(self.states)
            ]
        self.largest = [0.0 for _ in self.parameters]

    @property
    def updated(self) -> FloatArray:
        """What the optimizer updates: the parameters (k, p)."""
        return self.parameters

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches that cover the training rows, the last one perhaps smaller."""
        n: int = self.data.train.shape[-1]
        return -(-n // self.settings.batch_size)

    def batches(self, epoch: int, member: int) -> list[IntArray]:
        """Return the rows of each batch of an epoch."""
        rows = of_member(self.data.train, member)
        if self.settings.shuffle:
            rows = rows[row_order(len(rows), self.settings.seed, epoch, member)]
        size = self.settings.batch_size
        return [rows[start : start + size] for start in range(0, len(rows), size)]

    def state(self) -> RunState:
        """Return copies of the parameters and the optimizer's state, to go on from."""
        arrays = {
            name: np.stack([state.arrays[name] for state in self.states])
            for name in self.settings.optimizer.state
        }
        return RunState(
            self.parameters.copy(), arrays, np.array([state.t for state in self.states], np.int64)
        )

    def working(self) -> AbstractContextManager[None]:
        """Return a context that does nothing."""
        return nullcontext()

    def train_epoch(
        self, epoch: int, learning_rates: FloatArray, active: Sequence[int], strength: float = 1.0
    ) -> EpochReport:
        """Move the active members through one epoch, or its first steps."""
        if active:
            self._check_rates(learning_rates)
        losses = np.full(len(self.parameters), np.nan)
        diverged: dict[int, Divergence] = {}
        for member in active:
            total = weight = 0.0
            for index, rows in enumerate(self.batches(epoch, member)[: len(learning_rates)]):
                step = self.step(member, rows, float(learning_rates[index]), strength)
                layer = not_finite(step, self.layout)
                if layer is not None:
                    # Its own gradient, as far as it is finite; else that of the step before.
                    finite = np.abs(step.raw[np.isfinite(step.raw)])
                    largest = float(np.max(finite)) if finite.size else self.largest[member]
                    diverged[member] = Divergence(
                        self.states[member].t + 1, layer, largest, float(learning_rates[index])
                    )
                    break
                self.largest[member] = float(np.max(np.abs(step.raw)))
                self.parameters[member] = step.parameters
                self.states[member] = step.state
                total += float(step.gradients.cost) * self._weight(rows)
                weight += self._weight(rows)
            else:
                losses[member] = total / (weight if self.layout.network.reduction == "mean" else 1.0)
        return EpochReport(losses, diverged)

    def _check_rates(self, learning_rates: FloatArray) -> None:
        if not 0 < len(learning_rates) <= self.steps_per_epoch:
            raise SettingsError(
                f"{len(learning_rates)} learning rates don't fit an epoch of {self.steps_per_epoch} steps: "
                "give one for each"
            )

    def _weight(self, rows: IntArray) -> float:
        """Return what a mean over rows was divided by, their weights; 1 for a sum."""
        if self.layout.network.reduction == "sum":
            return 1.0
        return float(len(rows)) if self.data.weights is None else float(np.sum(self.data.weights[rows]))

    def step(self, member: int, rows: IntArray, eta: float, strength: float = 1.0) -> Step:
        """Return the next step of a member on the given rows, without making it."""
        state = self.states[member]
        data = self.data
        masks = masks_of_step(self.layout.network, len(rows), self.settings.seed, state.t, member, strength)
        weights = None if data.weights is None else data.weights[rows]
        flat = self.parameters[member]
        x, y = data.x[rows], data.y[rows]
        return take_step(self.layout, flat, state, x, y, self.settings, eta, weights, masks, strength)

    def losses(self, rows: IntArray) -> FloatArray:
        """Return each member's loss on the given rows, without dropout, penalties and label smoothing."""
        network = self.layout.network
        data = self.data
        weights = None if data.weights is None else data.weights[rows]
        plain = Network(
            [network.n_inputs, *network.layers],
            network.loss.without_smoothing(),
            network.reduction,
            network.features,
        )
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
        own = [
            predicted(network, flat[None], x[line]) for flat, line in zip(self.parameters, rows, strict=True)
        ]
        return np.concatenate(own)

    def loss_and_gradient(self, member: int, flat: FloatArray) -> tuple[float, FloatArray]:
        """Return the cost with penalties on all training rows and its gradient."""
        rows, s = of_member(self.data.train, member), self.settings
        weights = None if self.data.weights is None else self.data.weights[rows]
        _, gradients, raw = take_passes(self.layout, flat, self.data.x[rows], self.data.y[rows], weights)
        cost = float(gradients.cost) + float(
            penalty(flat, self.layout.decayed * self.layout.free, s.l1, s.l2, np)
        )
        return cost, ready_gradient(self.layout, flat, raw, s)
