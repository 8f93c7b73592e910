"""One training step by the equations: the passes, the update, and where it stopped being finite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from chainrule._random import dropout_uniforms
from chainrule._types import FloatArray
from chainrule.engines.base import (
    StepSettings,
)
from chainrule.equations.layout import Layout
from chainrule.equations.network import Gradients, Network, Record
from chainrule.equations.optimizers import OptimizerState
from chainrule.equations.regularizers import dropout_mask
from chainrule.equations.update import updated


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
    record, gradients, raw = take_passes(layout, flat, x, y, weights, masks)
    return Step(record, gradients, raw, *updated(layout, flat, raw, state, settings, eta, strength))


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
