"""The cpu engine's run of members that share their hidden layers, dealt out to the threads in every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._random import row_order
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
from chainrule.engines.cpu.kernels import places as at
from chainrule.engines.cpu.kernels import shared_steps
from chainrule.engines.cpu.run import CpuRun
from chainrule.engines.cpu.slices import _shared_out, _slices
from chainrule.engines.cpu.tables import FLOPS_PER_SECOND, SECONDS_AWAY, SMALL_STEP, members_of
from chainrule.engines.reference.shared import layer_not_finite
from chainrule.engines.reference.step import masks_of_step, take_passes
from chainrule.equations.layout import SharedLayout
from chainrule.equations.network import Network


class SharedCpuRun(CpuRun):
    """One training in progress; what an optimizer updates is ``theta`` (1, q), of which the members are made."""

    def __init__(
        self,
        network: Network,
        parameters: FloatArray,
        data: Data,
        settings: StepSettings,
        dtype: Any,
        threads: int,
        resume: RunState | None,
    ) -> None:
        start = parameters if resume is None else resume.parameters
        self.shared = SharedLayout.of_theta(network, start)
        self.theta: FloatArray = members_of(start, dtype, self.shared)
        super().__init__(network, self.shared.expand(self.theta[0]), data, settings, dtype, threads, None)
        if resume is not None:
            check_resumable(resume, self.shared, settings.optimizer)
        self.states = np.zeros((1, max(1, len(settings.optimizer.state)) * self.shared.size), self.dtype)
        self.made = np.zeros(1, np.int64)
        if resume is not None:
            self.made[:] = resume.steps
            for name, array in self._arrays().items():
                array[:] = resume.arrays[name]
        members = self.shared.members
        separate = bool(settings.weight_decay or settings.l1 or settings.l2)
        self.slices = _slices(self.shared, split=True, separate=separate or self.shared.rated)
        self.rates = self.shared.rates[self.slices[:, at.START]]
        # A member's batch is the work of one thread, so its gradient is in one piece.
        self.facts[at.GROUP] = self.rows
        self.shape = self.tables.shape(self.slices, self.rates, self.facts)
        self.steepest = np.zeros(1, np.int64)
        # Threads meet in every step, so a short one is left to one of them.
        self.crew = min(self.threads, members) if self.flops * members >= SMALL_STEP else 1
        self.spaces = [self.tables.space() for _ in range(self.crew)]
        self.own_numbers = [self.numbers.copy() for _ in range(self.crew)]
        self.bounds = _shared_out(self.slices, self.crew)
        n = self.n_train
        self.rows_of_table = at.Rows(self.x, self.smooth_y, self.weights, self.train, np.zeros(n, np.int32))
        layers, own, common = _tables(self.shared)
        self.sharing = at.Sharing(
            layers,
            own,
            common,
            self.parameters,
            np.zeros((members, 1, self.layout.size), self.dtype),
            np.zeros((members, n), np.int32),
        )
        g = np.zeros((1, self.shared.size), self.dtype)
        self.updates = at.State(
            self.theta, g, self.states, self.free, self.theta.view(self.bits), g.view(self.bits)
        )
        self.meeting = at.Shared(
            parts=np.zeros((members, 1)),
            squares=np.zeros((len(self.slices), 2)),
            largest=np.zeros((len(self.slices), 2), np.int64),
            meeting=np.zeros(at.MEETING_SIZE, np.int64),
            progress=np.zeros(2, np.int64),
        )
        self.step_seconds = max(SECONDS_AWAY, self.flops * members / self.crew / FLOPS_PER_SECOND)

    @property
    def updated(self) -> FloatArray:
        """What the optimizer updates: what the members are made of, (1, q)."""
        return self.theta

    def state(self) -> RunState:
        """Return copies of what the members are made of and the optimizer's state, to go on from."""
        arrays = {name: array.copy() for name, array in self._arrays().items()}
        return RunState(self.theta.copy(), arrays, self.made.copy())

    def _arrays(self) -> dict[str, FloatArray]:
        """Return views (1, q) of the optimizer's state, by name."""
        size = self.shared.size
        return {
            name: self.states[:, place * size : (place + 1) * size]
            for place, name in enumerate(self.settings.optimizer.state)
        }

    def train_epoch(
        self, epoch: int, learning_rates: FloatArray, active: Sequence[int], strength: float = 1.0
    ) -> EpochReport:
        """Move all members through one epoch, or its first steps; a step that is not finite ends all of them."""
        members = self.shared.members
        losses = np.full(members, np.nan)
        if not active:
            return EpochReport(losses, {})
        check_all_active(active, members)
        rates = self._checked_rates(learning_rates)
        if strength != self.strength:
            self._regularize(strength)
        costs = np.zeros((members, 2))
        stopped = np.zeros(1, np.int64)
        self.meeting.progress[:] = 0

        def work(most: int, thread: int) -> None:
            shared_steps.train_shared_steps(
                thread,
                self.crew,
                most,
                self.bounds,
                self.shape,
                self.rows_of_table,
                self.sharing,
                self.updates,
                self.spaces[thread],
                self.meeting,
                self.own_numbers[thread],
                rates,
                epoch,
                self.made,
                costs,
                stopped,
                self.steepest,
            )

        def stop() -> None:
            self.meeting.meeting[at.STOP_WANTED] = 1

        self._make_steps(len(rates), self.crew, work, stop, stopped)
        if stopped[0]:
            where = self._where(epoch, int(stopped[0]), rates)
            return EpochReport(losses, dict.fromkeys(range(members), where))
        self.made += len(rates)
        is_mean = self.layout.network.reduction == "mean"
        return EpochReport(costs[:, 0] / (costs[:, 1] if is_mean else 1.0), {})

    def _regularize(self, strength: float) -> None:
        super()._regularize(strength)
        for numbers in self.own_numbers:
            numbers[:] = self.numbers

    def _where(self, epoch: int, stopped: int, rates: FloatArray) -> Divergence:
        """Say which layer is not finite after step ``stopped`` of the epoch, from 1, and what the gradient was."""
        count, rate = int(self.made[0]) + stopped, float(rates[stopped - 1])
        largest = float(self.steepest.astype(self.bits).view(self.dtype)[0])
        layer = self.shared.layer_not_finite(self.theta[0])
        if layer is not None:
            return Divergence(count, layer, largest, rate)
        # A cost was not finite, so there was no update: the gradient of that step counts, as far as it is finite.
        passes = [self._pass_again(epoch, stopped, member) for member in range(self.shared.members)]
        raw = self.shared.fold(np.stack([flat for _, _, flat in passes]), self.theta[0])
        finite = np.abs(raw[np.isfinite(raw)])
        found = layer_not_finite(passes)
        layer = len(self.layout.network.layers) if found is None else found
        return Divergence(count, layer, float(finite.max()) if finite.size else largest, rate)

    def _pass_again(self, epoch: int, number: int, member: int) -> Any:
        """Return a member's forward and backward pass of a step of the epoch (from 1) as reference makes it."""
        settings, network = self.settings, self.layout.network
        order: IntArray = np.arange(self.n_train)
        if settings.shuffle:
            order = row_order(self.n_train, settings.seed, epoch, member)
        rows = self._rows(member)[order][(number - 1) * settings.batch_size : number * settings.batch_size]
        return take_passes(
            self.layout,
            self.parameters[member],
            self.x[rows],
            self.y[rows],
            self.weights[rows] if self.weighted else None,
            masks_of_step(
                network, len(rows), settings.seed, int(self.made[0]) + number - 1, member, self.strength
            ),
        )


def _tables(shared: SharedLayout) -> tuple[IntArray, IntArray, IntArray]:
    """Return where the shared layers' arrays lie, and the members' own, in members' parameters and in theta."""
    layers, own, common = [], [], []
    for slot in shared.slots:
        number, name = slot.layer, slot.name
        if number and name in ("r", "s"):
            continue
        place = shared.ordinary.slot(number, name)
        if number == 0:
            common.append((place.stop - place.start, place.start, slot.start))
        elif slot.shape == place.shape:
            r, s = (shared.slot(number, each).start for each in ("r", "s"))
            layers.append((*slot.shape, place.start, slot.start, r, s))
        else:
            own.append((place.stop - place.start, place.start, slot.start))
    return np.array(layers, np.int64), np.array(own, np.int64), np.array(common, np.int64).reshape(-1, 3)
