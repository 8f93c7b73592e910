"""Traces of given steps: run by the reference engine, with all that explanation reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._types import FloatArray
from chainrule.engines.base import StepSettings
from chainrule.engines.step import take_passes
from chainrule.equations.layout import Layout
from chainrule.equations.losses import row_shares
from chainrule.equations.network import Network, Parameters
from chainrule.equations.optimizers import OptimizerState
from chainrule.equations.update import updated
from chainrule.errors import SettingsError
from chainrule.explain.trace.records import Rate, Regularization, StepTrace, Update
from chainrule.explain.trace.trace import Trace


@one_blas_thread()
def trace_step(
    layout: Layout,
    flat: FloatArray,
    x: FloatArray,
    y: FloatArray | None = None,
    *,
    weights: FloatArray | None = None,
    masks: Sequence[FloatArray | None] | None = None,
    settings: StepSettings | None = None,
    eta: float = 0.0,
    state: OptimizerState | None = None,
    rate: Rate | None = None,
    regularization: Regularization | None = None,
    rows: Sequence[int] | None = None,
) -> StepTrace:
    """Return the trace of one step on rows ``x`` (n, d), or of a prediction.

    With targets ``y`` (n, n_out) there are losses and gradients; with ``settings`` too an update with the learning
    rate ``eta`` from the optimizer's ``state`` (None: its first). ``rows`` are the rows' numbers, 1 … n if None.
    """
    network = layout.network
    numbers = tuple(range(1, len(x) + 1)) if rows is None else tuple(int(row) for row in rows)
    if y is None:
        p = layout.unflatten(flat)
        with np.errstate(all="ignore"):
            record = network.forward(p, x, np, masks)
            layers = zip(network.layers, record.layers, strict=True)
            slopes = tuple(layer.slope(p[n], own.z, np) for n, (layer, own) in enumerate(layers, 1))
        return StepTrace(0, numbers, flat, record, slopes)
    if settings is not None and settings.optimizer.searches:
        raise SettingsError(
            f"{settings.optimizer.name} sees the whole table and finds the length of its steps itself: it has no "
            "single steps to trace"
        )
    record, gradients, raw = take_passes(layout, flat, x, y, weights, masks)
    made = StepTrace(
        0,
        numbers,
        flat,
        record,
        tuple(layer.slope for layer in gradients.layers),
        y,
        network.loss.smooth(y) if network.loss.smoothed else None,
        weights,
        row_shares(len(x), weights, network.reduction, record.a, np),
        network.row_losses(record, y, np),
        gradients,
    )
    if settings is None:
        return made
    before = settings.optimizer.init(flat, np) if state is None else state
    strength = 1.0 if regularization is None else regularization.value
    with np.errstate(all="ignore"):
        change = updated(layout, flat, raw, before, settings, eta, strength)
        again = network.forward(layout.unflatten(change.parameters), x, np, masks)
        update = Update(
            settings,
            eta,
            before,
            raw,
            change.stages,
            change.lines,
            change.state,
            change.parameters,
            network.row_losses(again, y, np),
            float(network.cost(again, y, np, weights)),
            rate,
            regularization,
        )
    return replace(made, number=update.t, update=update)


def trace_network(
    network: Network,
    parameters: Parameters | FloatArray,
    x: Any,
    y: Any = None,
    *,
    weights: Any = None,
    settings: StepSettings | None = None,
    learning_rate: float | None = None,
    steps: int = 1,
) -> Trace:
    """Return the trace of a network built by hand.

    ``parameters``: each layer's arrays by number and name, or all of them flat (p,). ``x`` (n, d) and ``y`` (n, n_out)
    are the rows. Without ``settings`` there is no update; with them ``steps`` updates are made, each on all rows, with
    ``learning_rate`` (the optimizer's own if None). Raises SettingsError for arrays that don't fit.
    """
    layout = Layout(network)
    flat = layout.flat(parameters)
    rows = _rows(x, network.n_inputs, "x")
    targets = None if y is None else _rows(y, network.output.n_out, "y")
    if targets is not None and len(targets) != len(rows):
        raise SettingsError(f"{len(rows)} rows x and {len(targets)} rows y don't belong together")
    shares = None if weights is None else np.asarray(weights, np.float64)
    if settings is not None and targets is None:
        raise SettingsError("an update needs targets y")
    made: list[StepTrace] = []
    eta = learning_rate or 0.0
    state = None
    if settings is not None and learning_rate is None:
        eta = settings.optimizer.learning_rate
    for _ in range(1 if settings is None else steps):
        made.append(
            trace_step(layout, flat, rows, targets, weights=shares, settings=settings, eta=eta, state=state)
        )
        update = made[-1].update
        if update is not None:
            flat, state = update.parameters, update.after
    return Trace(network, tuple(made))


def _rows(values: Any, width: int, name: str) -> FloatArray:
    rows = np.array(values, np.float64, ndmin=2)
    if rows.ndim != 2 or rows.shape[1] != width:
        raise SettingsError(f"{name} of shape {np.shape(values)} should be rows of {width} numbers")
    return rows
