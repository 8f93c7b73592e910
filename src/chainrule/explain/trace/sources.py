"""Traces of a model: of its predictions for rows of a table, and of the steps of its training, replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.engines import JUDGE
from chainrule.engines.base import Data, StepSettings
from chainrule.equations.layout import Layout
from chainrule.equations.optimizers import OptimizerState
from chainrule.errors import TableError
from chainrule.explain.trace.records import Rate, Regularization, StepTrace
from chainrule.explain.trace.steps import trace_step
from chainrule.explain.trace.trace import Trace
from chainrule.model.model import Model
from chainrule.model.source import Source
from chainrule.tables.encoding.encode import InputValue
from chainrule.tables.table import Table

if TYPE_CHECKING:
    from chainrule.fitting.replay import Replay


def trace_rows(
    model: Model, source: Source, rows: int | Sequence[int], member: int = 1, **reading: Any
) -> Trace:
    """Return the trace of a model's prediction for one row or several of a table, by one of its members.

    ``rows`` and ``member`` count from 1. In float64 from the stored parameters, which the engine that trained them
    may hold in float32. Where the table has the target, there are losses and gradients as well, of the rows' mean
    loss, without dropout. Raises TableError or SettingsError for a row, member or table that doesn't fit.

    >>> import chainrule
    >>> trained = chainrule.train({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, "y", hidden=[4], epochs=30)
    >>> trace = trace_rows(trained.model, {"x": [1]}, 1)
    >>> round(trace["x[1]"], 6), trace["probability[2]"] > 0.5
    (0.486664, True)
    """
    one = model.member(member - 1)
    table = model.table(source, **reading)
    wanted = [rows] if isinstance(rows, int) else list(rows)
    for row in wanted:
        if not 1 <= row <= table.n_rows:
            raise TableError(f"{table.name}: there is no row {row}; it has rows 1 to {table.n_rows}")
    part = table.take([row - 1 for row in wanted])
    x = model.encoder.transform(part)
    y, why = _targets(model, part)
    flat = np.asarray(one.parameters[0], np.float64)
    step = trace_step(Layout(one.network), flat, x, y, rows=wanted)
    outputs = model.outputs(x, JUDGE)
    shares = model.member_shares if len(model.groups) > 1 else None
    step = replace(step, members=outputs, inputs=_inputs(model, part), member_shares=shares)
    mean = step.mean_output
    assert mean is not None
    step = with_answers(step, model, mean)
    told = {"kind": "prediction", "table": table.name, "rows": wanted, "members": model.members}
    if why:
        told["target_unknown"] = why
    return Trace(one.network, (step,), member, model.target, told)


def _inputs(model: Model, part: Table) -> tuple[tuple[InputValue, ...], ...]:
    """Return the encoder's arithmetic for each row of a table."""
    return tuple(tuple(values) for values in model.encoder.explain_rows(part))


def trace_steps(
    model: Model, source: Source, steps: int | Sequence[int], member: int = 1, **options: Any
) -> Trace:
    """Return the trace of steps (from 1) of a model's training, each replayed to the bits of the run.

    ``source`` is the table the model was trained on; ``options`` are `replay`'s. Parameters, optimizer state, batch,
    dropout masks and learning rate before the step are the run's own; the step itself is worked out in float64,
    which the run may have made in float32. Where the members share their layers there is no update, which would be
    of all of them. Raises what `replay` raises.

    >>> import chainrule
    >>> table = {"x": [0, 1] * 20, "y": ["no", "yes"] * 20}
    >>> model = chainrule.train(table, "y", hidden=[4], epochs=3, batch_size=8, members=2).model
    >>> trace = trace_steps(model, table, 5, member=2)
    >>> trace["t"], trace["eta"], len(trace.steps[0].rows)
    (5.0, 0.001, 8)
    """
    # Reading a prediction needs nothing that trains.
    from chainrule.fitting.replay import replay

    made = replay(model, source, steps, member, **options)
    told = {
        "kind": "training",
        "table": made[0].table.name,
        "steps": [found.step for found in made],
        "epochs": [found.epoch + 1 for found in made],
        "steps_per_epoch": made[0].steps_per_epoch,
        "members": model.members,
    }
    if made[0].notes:
        told["notes"] = list(made[0].notes)
    return Trace(made[0].model.network, tuple(_step(found) for found in made), member, model.target, told)


def _step(found: Replay) -> StepTrace:
    """Return the trace of one replayed step."""
    model, table = found.model, found.table
    arrays = {name: array[0] for name, array in found.state.arrays.items()}
    step = trace_update(
        Layout(model.network),
        found.state.parameters[0],
        arrays,
        found.data,
        found.rows,
        found.numbers,
        made=found.step - 1,
        epoch=found.epoch,
        plateaus=found.plateaus,
        per_epoch=found.steps_per_epoch,
        plan=found.plan,
        settings=found.settings,
        eta=found.eta,
        masks=found.masks,
        strength=found.strength,
    )
    return replace(step, inputs=_inputs(model, table.take([row - 1 for row in found.numbers])))


def trace_update(
    layout: Layout,
    parameters: FloatArray,
    arrays: Mapping[str, FloatArray],
    data: Data,
    rows: IntArray,
    numbers: Sequence[int],
    *,
    made: int,
    epoch: int,
    plateaus: int,
    per_epoch: int,
    plan: Any,
    settings: StepSettings,
    eta: float,
    masks: Sequence[FloatArray | None] | None,
    strength: float,
) -> StepTrace:
    """Return the trace of a training's update after those ``made``, from a member's ``parameters`` (p,) and optimizer ``arrays``.

    ``rows`` are places in the data, ``numbers`` those of the rows in their table, ``epoch`` (from 0) has ``per_epoch``
    updates, ``plan`` is the training's `Plan`.
    Where members share their layers there is no update, which would be of all of them.
    """
    shared = settings.sharing != "none"
    total = per_epoch * plan.epochs
    rate = Rate(plan.schedule, plan.learning_rate, made, total, epoch, plateaus, plan.warmup)
    eases = plan.regularization.name != "constant"
    wide = {name: np.asarray(array, np.float64) for name, array in arrays.items()}
    step = trace_step(
        layout,
        np.asarray(parameters, np.float64),
        data.x[rows],
        data.y[rows],
        weights=None if data.weights is None else data.weights[rows],
        masks=masks,
        settings=None if shared else settings,
        eta=eta,
        state=OptimizerState(made, wide),
        rate=rate,
        regularization=Regularization(plan.regularization, strength, epoch, plan.epochs) if eases else None,
        rows=numbers,
    )
    return replace(step, number=made + 1, shared=shared)


def with_answers(step: StepTrace, model: Model, mean: FloatArray) -> StepTrace:
    """Return a step with what a mean output (n, n_out) says in the target's units, or as probabilities."""
    is_number, several = model.task == "regression", len(model.target.parts) > 1
    if several:
        return replace(step, each=model.target.inverse(mean) if is_number else model.probabilities(mean))
    return replace(step, answers=model.target.inverse(mean[:, 0]) if is_number else model.probabilities(mean))


def _targets(model: Model, part: Table) -> tuple[Any, str]:
    """Return the targets of the rows, or None and why they aren't known."""
    for name in model.target.names:
        if name not in part.columns:
            return None, f"the table has no column {name!r}"
        if part.column(name).null_count():
            return None, f"the target {name!r} is missing"
    single = model.task == "classification" and model.output.n_out == 1
    try:
        return model.target.transform(part, single=single), ""
    except TableError as error:
        # A class that training never saw, say: the prediction can be explained all the same.
        return None, str(error)
