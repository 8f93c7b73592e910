"""One training step by the equations: the passes, the update, and where it stopped being finite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._random import dropout_uniforms, epoch_rows
from chainrule._types import FloatArray, IntArray
from chainrule.engines.base import Data, StepSettings, of_member
from chainrule.engines.member_rows import MemberRows
from chainrule.equations.layout import Layout
from chainrule.equations.network import Gradients, Network, Record
from chainrule.equations.optimizers import OptimizerState
from chainrule.equations.regularizers import dropout_mask
from chainrule.equations.update import Updated, updated


class Step(NamedTuple):
    """Everything one step of one member computed, before → after; arrays are flat (p,)."""

    record: Record
    gradients: Gradients
    raw: FloatArray
    stages: dict[str, FloatArray]
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
    """Return one step: forward, backward, and the chain of the update.

    ``flat`` (p,), ``x`` (n, d), ``y`` (n, n_out), ``weights`` (n,) or None; ``eta`` is this step's learning
    rate, which ``layout.rates`` multiply; ``strength`` multiplies the weight decay.
    """
    passes = take_passes(layout, flat, x, y, weights, masks)
    made = updated(layout, flat, passes.raw, state, settings, eta, strength)
    return Step(*passes, made.stages, made.lines, made.parameters, made.state)


class Passes(NamedTuple):
    """A member's forward and backward pass in a step, and the gradient flat (p,)."""

    record: Record
    gradients: Gradients
    raw: FloatArray


@one_blas_thread()
def take_passes(
    layout: Layout,
    flat: FloatArray,
    x: FloatArray,
    y: FloatArray,
    weights: FloatArray | None = None,
    masks: Sequence[FloatArray | None] | None = None,
) -> Passes:
    """Return what forward and backward compute in a step."""
    network = layout.network
    with np.errstate(all="ignore"):
        p = layout.unflatten(flat)
        record = network.forward(p, x, np, masks)
        gradients = network.backward(p, record, y, np, weights)
        return Passes(record, gradients, layout.flatten(gradients.parameters))


class GroupStep(NamedTuple):
    """A step of the members that are made of one row: their passes, and the row's gradient (q,) and update."""

    passes: Sequence[Passes]
    raw: FloatArray
    updated: Updated

    def steepest(self, otherwise: float) -> float:
        """Return the largest absolute part of the gradient that is finite, or another number where none is."""
        finite = np.abs(self.raw[np.isfinite(self.raw)])
        return float(finite.max()) if finite.size else otherwise


def take_group_step(
    made_of: MemberRows,
    group: int,
    row: FloatArray,
    parameters: FloatArray,
    state: OptimizerState,
    data: Data,
    batch: Sequence[IntArray],
    settings: StepSettings,
    eta: float,
    strength: float = 1.0,
) -> GroupStep:
    """Return the next step of a group's members, whose rows are ``batch``; ``parameters`` (k, p) are all members'."""
    passes = []
    for member, rows in zip(made_of.groups[group], batch, strict=True):
        weights = None if data.weights is None else data.weights[rows]
        masks = masks_of_step(made_of.ordinary.network, len(rows), settings.seed, state.t, member, strength)
        passes.append(
            take_passes(made_of.ordinary, parameters[member], data.x[rows], data.y[rows], weights, masks)
        )
    raw = made_of.fold(np.stack([each.raw for each in passes]), row)
    return GroupStep(passes, raw, updated(made_of.layout, row, raw, state, settings, eta, strength))


def batches(data: Data, settings: StepSettings, epoch: int, member: int) -> list[IntArray]:
    """Return the rows of each batch of a member's epoch."""
    rows = of_member(data.train, member)
    if settings.shuffle:
        rows = epoch_rows(rows, data.x.shape[1], settings.seed, epoch, member)
    size = settings.batch_size
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def where_not_finite(passes: Sequence[Passes], layout: Layout, parameters: FloatArray) -> int | None:
    """Return the first layer (1-based; 0: the feature stage) with a number that is not finite, None if there is none.

    ``parameters`` are what the step made of them, of the ``layout``.
    """
    if all(np.isfinite(each.gradients.cost) for each in passes) and np.isfinite(parameters).all():
        return None
    for record in (each.record for each in passes):
        stages = [] if record.stage is None else [(0, record.stage.a)]
        for number, array in [*stages, *((number, layer.z) for number, layer in enumerate(record.layers, 1))]:
            if not np.isfinite(array).all():
                return number
    layer = layout.layer_not_finite(parameters)
    return len(layout.network.layers) if layer is None else layer


def masks_of_step(
    network: Network, rows: int, seed: int, step: int, member: int, strength: float = 1.0
) -> list[FloatArray | None] | None:
    """Return the dropout masks of one step, one a layer (rows, n_out) or None; None where nothing drops.

    ``strength`` multiplies the layers' probabilities.
    """
    shares = [layer.dropout * strength for layer in network.layers]
    if not any(shares):
        return None
    draws = [
        dropout_uniforms(rows, layer.n_out, seed, number, step, member) if share else None
        for number, (layer, share) in enumerate(zip(network.layers, shares, strict=True), 1)
    ]
    return [None if u is None else dropout_mask(u, share, np) for u, share in zip(draws, shares, strict=True)]


@one_blas_thread()
def predicted(network: Network, parameters: FloatArray, x: FloatArray) -> FloatArray:
    """Return each member's outputs (k, n, n_out) for rows ``x`` (n, d), in blocks of rows that bound the memory."""
    flat = np.array(parameters, np.float64, ndmin=2)
    p = Layout(network).unflatten(flat)
    size = max(1, 4_000_000 // (max(network.sizes) * len(flat)))
    out = np.empty((len(flat), len(x), network.output.n_out))
    with np.errstate(all="ignore"):
        for start in range(0, len(x), size):
            rows = np.asarray(x[start : start + size], np.float64)
            out[:, start : start + size] = network.forward(p, rows, np).a
    return out
