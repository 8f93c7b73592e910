"""The reference engine's run of members that share their hidden layers: one readable update of all of them at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.engines.base import (
    Data,
    Divergence,
    EpochReport,
    RunState,
    StepSettings,
    check_all_active,
    check_resumable,
)
from chainrule.engines.reference.run import ReferenceRun
from chainrule.engines.reference.step import (
    layer_of_record_not_finite,
    masks_of_step,
    take_passes,
)
from chainrule.equations.layout import SharedLayout
from chainrule.equations.network import Gradients, Network, Record
from chainrule.equations.optimizers import OptimizerState
from chainrule.equations.update import updated


class SharedReferenceRun(ReferenceRun):
    """One training in progress; what an optimizer updates is ``theta`` (q,), of which the members are made."""

    def __init__(
        self,
        network: Network,
        parameters: FloatArray,
        data: Data,
        settings: StepSettings,
        resume: RunState | None = None,
    ) -> None:
        start = np.array(parameters if resume is None else resume.parameters, np.float64)
        self.shared = SharedLayout.of_theta(network, start)
        super().__init__(network, self.shared.expand(start[0]), data, settings)
        self.theta: FloatArray = start[0]
        self.theta_state = settings.optimizer.init(self.theta, np)
        self.steepest = 0.0
        if resume is not None:
            check_resumable(resume, self.shared, settings.optimizer)
            arrays = {name: np.array(resume.arrays[name][0], np.float64) for name in resume.arrays}
            self.theta_state = OptimizerState(int(resume.steps[0]), arrays)

    @property
    def updated(self) -> FloatArray:
        """What the optimizer updates: what the members are made of, (1, q)."""
        return self.theta[None]

    def state(self) -> RunState:
        """Return copies of what the members are made of and the optimizer's state, to go on from."""
        t, arrays = self.theta_state
        copies = {name: array[None].copy() for name, array in arrays.items()}
        return RunState(self.updated.copy(), copies, np.array([t], np.int64))

    def train_epoch(
        self, epoch: int, learning_rates: FloatArray, active: Sequence[int], strength: float = 1.0
    ) -> EpochReport:
        """Move all members through one epoch, or its first steps; a step that is not finite ends all of them."""
        members = len(self.parameters)
        losses = np.full(members, np.nan)
        if not active:
            return EpochReport(losses, {})
        check_all_active(active, members)
        self._check_rates(learning_rates)
        batches = [self.batches(epoch, member) for member in range(members)]
        totals, weights = np.zeros(members), np.zeros(members)
        for index, eta in enumerate(learning_rates.tolist()):
            rows = [of_member[index] for of_member in batches]
            passes = [self._passes(member, rows[member], strength) for member in range(members)]
            raw = self.shared.fold(np.stack([flat for _, _, flat in passes]), self.theta)
            made = updated(self.shared, self.theta, raw, self.theta_state, self.settings, eta, strength)
            layer = layer_not_finite(passes)
            layer = self.shared.layer_not_finite(made.parameters) if layer is None else layer
            if layer is not None:
                finite = np.abs(raw[np.isfinite(raw)])
                largest = float(np.max(finite)) if finite.size else self.steepest
                where = Divergence(self.theta_state.t + 1, layer, largest, eta)
                return EpochReport(losses, dict.fromkeys(range(members), where))
            self.steepest = float(np.max(np.abs(raw)))
            self.theta, self.theta_state = made.parameters, made.state
            self.parameters = self.shared.expand(self.theta)
            of_batch = np.array([self._weight(each) for each in rows])
            totals += np.array([float(gradients.cost) for _, gradients, _ in passes]) * of_batch
            weights += of_batch
        return EpochReport(totals / (weights if self.layout.network.reduction == "mean" else 1.0), {})

    def _passes(self, member: int, rows: IntArray, strength: float) -> tuple[Record, Gradients, FloatArray]:
        """Return a member's forward and backward pass of the next step, and its gradient (p,)."""
        data, network = self.data, self.layout.network
        return take_passes(
            self.layout,
            self.parameters[member],
            data.x[rows],
            data.y[rows],
            None if data.weights is None else data.weights[rows],
            masks_of_step(network, len(rows), self.settings.seed, self.theta_state.t, member, strength),
        )


def layer_not_finite(passes: Sequence[tuple[Record, Gradients, FloatArray]]) -> int | None:
    """Return the first layer that is not finite in a pass whose cost isn't, None if all costs are finite."""
    for record, gradients, _ in passes:
        if not np.isfinite(gradients.cost):
            found = layer_of_record_not_finite(record)
            return len(record.layers) if found is None else found
    return None
