"""The reference engine: NumPy, float64, one readable step at a time.

`take_step` is the whole of a step; it returns everything it computed, so that any number can be looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._random import dropout_uniforms, row_order
from chainrule._types import FloatArray, IntArray
from chainrule.engines.base import (
    Data,
    Divergence,
    EpochReport,
    Layout,
    RunState,
    StepSettings,
    check_lines,
    check_resumable,
    of_member,
)
from chainrule.equations.network import Gradients, Network, Record
from chainrule.equations.optimizers import OptimizerState
from chainrule.equations.regularizers import clipped, dropout_mask, penalized, penalty, shrunk
from chainrule.errors import SettingsError


class Step(NamedTuple):
    """Everything one step of one member computed, before → after; arrays are flat (p,)."""

    record: Record
    gradients: Gradients
    raw: FloatArray
    used: FloatArray
    shrunk: FloatArray
    lines: dict[str, FloatArray]
    parameters: FloatArray
    state: OptimizerState


def take_step(
    layout: Layout,
    flat: FloatArray,
    state: OptimizerState,
    x: FloatArray,
    y: FloatArray,
    settings: StepSettings,
    eta: float,
    weights: FloatArray | None = None,
    masks: Sequence[FloatArray | None] | None = None,
    strength: float = 1.0,
) -> Step:
    """Return one step: forward, backward, penalties, frozen, clipping, weight decay, update.

    ``flat`` (p,), ``x`` (n, d), ``y`` (n, n_out), ``weights`` (n,) or None; ``eta`` is this step's learning
    rate, which ``layout.rates`` multiply; ``strength`` multiplies the weight decay.
    """
    record, gradients, raw = take_passes(layout, flat, x, y, weights, masks)
    return Step(record, gradients, raw, *take_update(layout, flat, raw, state, settings, eta, strength))


@one_blas_thread()
def take_passes(
    layout: Layout,
    flat: FloatArray,
    x: FloatArray,
    y: FloatArray,
    weights: FloatArray | None = None,
    masks: Sequence[FloatArray | None] | None = None,
) -> tuple[Record, Gradients, FloatArray]:
    """Return what forward and backward compute in a step, and the gradient flat (p,)."""
    network = layout.network
    with np.errstate(all="ignore"):
        p = layout.unflatten(flat)
        record = network.forward(p, x, np, masks)
        gradients = network.backward(p, record, y, np, weights)
        return record, gradients, layout.flatten(gradients.parameters)


class TakenUpdate(NamedTuple):
    """What an update made of a gradient: the fields of `Step` after it."""

    used: FloatArray
    shrunk: FloatArray
    lines: dict[str, FloatArray]
    parameters: FloatArray
    state: OptimizerState


def take_update(
    layout: Layout,
    flat: FloatArray,
    raw: FloatArray,
    state: OptimizerState,
    settings: StepSettings,
    eta: float,
    strength: float = 1.0,
) -> TakenUpdate:
    """Return one update of ``flat`` (p,) by its gradient ``raw`` (p,): penalties, frozen, clipping, weight decay, optimizer."""
    with np.errstate(all="ignore"):
        used = raw
        if settings.l1 or settings.l2:
            used = penalized(used, flat, layout.decayed, settings.l1, settings.l2, np)
        used = used * layout.free
        if settings.clip_norm is not None:
            used = clipped(used, settings.clip_norm, np)
        before, etas = flat, layout.etas(eta)
        if settings.weight_decay:
            before = shrunk(flat, etas, settings.weight_decay * strength, layout.decayed * layout.free, np)
        after, new_state, lines = settings.optimizer.update(before, used, state, etas, np)
        after = np.where(layout.free > 0, after, flat)
    return TakenUpdate(used, before, lines, after, new_state)


def masks_of_step(
    network: Network, rows: int, seed: int, step: int, member: int, strength: float = 1.0
) -> list[FloatArray | None] | None:
    """Return the dropout masks of one step, one a layer (rows, n_out) or None; None where nothing drops.

    ``strength`` multiplies the layers' probabilities.
    """
    shares = [layer.dropout * strength for layer in network.layers]
    if not any(shares):
        return None
    return [
        dropout_mask(dropout_uniforms(rows, layer.n_out, seed, number, step, member), share, np)
        if share
        else None
        for number, (layer, share) in enumerate(zip(network.layers, shares, strict=True), 1)
    ]


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
        """Keep BLAS to one thread meanwhile: NumPy's products are its."""
        return one_blas_thread()

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

    @one_blas_thread()
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
        engine, x = ReferenceEngine(), self.data.x
        if rows.ndim == 1:
            return engine.predict(network, self.parameters, x[rows])
        own = [
            engine.predict(network, flat[None], x[line])
            for flat, line in zip(self.parameters, rows, strict=True)
        ]
        return np.concatenate(own)

    def loss_and_gradient(self, member: int, flat: FloatArray) -> tuple[float, FloatArray]:
        """Return the cost with penalties on all training rows and its gradient."""
        rows = of_member(self.data.train, member)
        no_decay = self.layout.decayed * self.layout.free
        step = take_step(
            self.layout,
            flat,
            self.states[member],
            self.data.x[rows],
            self.data.y[rows],
            self.settings,
            0.0,
            None if self.data.weights is None else self.data.weights[rows],
        )
        cost = float(step.gradients.cost)
        return cost + float(penalty(flat, no_decay, self.settings.l1, self.settings.l2, np)), step.used


def not_finite(step: Step, layout: Layout) -> int | None:
    """Return the first layer (1-based; 0: the feature stage) with a number that is not finite, None if there is none."""
    if np.isfinite(step.gradients.cost) and np.isfinite(step.parameters).all():
        return None
    if (layer := layer_of_record_not_finite(step.record)) is not None:
        return layer
    for slot in layout.slots:
        if not np.isfinite(step.parameters[slot.start : slot.stop]).all():
            return slot.layer
    return len(layout.network.layers)


def layer_of_record_not_finite(record: Record) -> int | None:
    """Return the first layer (1-based; 0: the feature stage) with a number that is not finite, None if there is none."""
    stages = [] if record.stage is None else [(0, record.stage.a)]
    layers = [(number, layer.z) for number, layer in enumerate(record.layers, 1)]
    return next((number for number, array in [*stages, *layers] if not np.isfinite(array).all()), None)


class ReferenceEngine:
    """NumPy in float64."""

    name = "reference"
    dtype: Any = np.float64

    def start(
        self,
        network: Network,
        parameters: FloatArray,
        data: Data,
        settings: StepSettings,
        resume: RunState | None = None,
    ) -> ReferenceRun:
        """Begin a training of ``parameters`` (k, p), or go on from ``resume``, whose parameters are then taken.

        Of members that share ``parameters`` are what they are made of, (1, q).
        """
        if settings.sharing == "none":
            return ReferenceRun(network, parameters, data, settings, resume)
        from chainrule.engines.shared_reference import SharedReferenceRun

        return SharedReferenceRun(network, parameters, data, settings, resume)

    @one_blas_thread()
    def predict(self, network: Network, parameters: FloatArray, x: FloatArray) -> FloatArray:
        """Return each member's outputs (k, n, n_out), in blocks of rows that bound the memory."""
        flat = np.array(parameters, np.float64, ndmin=2)
        p = Layout(network).unflatten(flat)
        size = max(1, 4_000_000 // (max(network.sizes) * len(flat)))
        out = np.empty((len(flat), len(x), network.output.n_out))
        with np.errstate(all="ignore"):
            for start in range(0, len(x), size):
                rows = np.asarray(x[start : start + size], np.float64)
                out[:, start : start + size] = network.forward(p, rows, np).a
        return out
