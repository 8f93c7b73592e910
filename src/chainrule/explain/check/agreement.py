"""Agreement: the cpu engine with reference, rows with their batch, attributions and slopes with differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from chainrule._random import Purpose, generator
from chainrule._types import FloatArray
from chainrule.engines import ENGINES, JUDGE, engine_named
from chainrule.engines.base import Data, Engine, StepSettings
from chainrule.equations.losses import row_shares
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.explain.attribute.cells import column_effects, slope_of_part
from chainrule.explain.attribute.gradients import integrated_gradients
from chainrule.explain.attribute.outcome import Outcome, outcome_of
from chainrule.explain.check.batch import Batch, GradientFunction, flat_gradient, not_dense
from chainrule.explain.check.kinks import has_jumps
from chainrule.explain.check.result import Check, Comparison, joined
from chainrule.model.model import Model
from chainrule.tables.cells import number_cells
from chainrule.tables.table import Table

NEAR = {"float64": 1e-12, "float32": 1e-5}
"""What rounding may change in the cpu engine, relative to the largest terms: 5000 and 80 roundings of the dtype."""

ROUNDED_WEIGHTS = 10.0
"""And how many times what rounding each weight once changes: it counts in deep networks with large weights."""

OF_ROWS = 1e-12
"""What the order of adding may change, relative to the largest terms of an array."""

MOST_ROWS = 256
"""The most rows whose gradients are worked out one by one."""

STEP = 1e-5
"""The step of the differences by a column, relative to its spread, as it was in the model's training."""

OF_SLOPE = 1e-5
"""What a slope may differ by from its difference, relative to itself."""

OF_CURVES = 1e-8
"""And relative to the largest slope by an input: truncation is of the order of STEP² = 1e-10 of it."""

ROUNDINGS = 100 * float(np.finfo(np.float64).eps)
"""And what rounding may change in the prediction, relative to it."""


def check_engines(batch: Batch) -> Check:
    """Compare outputs, cost and gradient of the default engine, in both dtypes, with those of the judge."""
    about = (
        f"{ENGINES[0]} and {JUDGE} engine",
        "outputs, cost and gradient of the two engines, in float64 and float32",
        "1e-12 (float64) and 1e-5 (float32) of the largest terms + 10 times what one rounding of each weight changes",
    )
    if skipped := not_dense(batch):
        return Check(*about, skipped=skipped)
    judge = engine_named(JUDGE)
    parts = []
    signs = generator(0, Purpose.SPLIT, 3).choice([-1.0, 1.0], batch.layout.size)
    for dtype in (np.float64, np.float32):
        name = np.dtype(dtype).name
        # Both begin with the same numbers, rounded to the dtype, so that the arithmetic alone is compared.
        x, y, flat = (np.asarray(array, dtype).astype(np.float64) for array in (batch.x, batch.y, batch.flat))
        rows = Batch(batch.network, flat, x, y, batch.weights, batch.rows)
        trained, judged = (
            _numbers(engine, rows) for engine in (engine_named(ENGINES[0], dtype=dtype), judge)
        )
        # How much the network makes of roundings: what changes when each weight is rounded once, up or down.
        nudged = Batch(
            batch.network, flat * (1 + signs * float(np.finfo(dtype).eps)), x, y, batch.weights, batch.rows
        )
        spreads = [
            float(np.max(np.abs(moved - at)))
            for moved, at in zip(_numbers(judge, nudged), judged, strict=True)
        ]
        largest = float(np.max(np.abs(judged[0]), initial=1e-3))
        steepest = float(np.max(rows.size_of_roundings, initial=0.0))
        limits = (largest, abs(float(judged[1][0])) + steepest, steepest)
        for kind, (found, expected) in enumerate(zip(trained, judged, strict=True)):
            allowed = NEAR[name] * limits[kind] + ROUNDED_WEIGHTS * spreads[kind]
            parts.append(_comparison(rows, kind, name, found, expected, allowed))
    whole = joined(parts)
    return Check(*about, len(whole.found), len(whole.bad), whole.worst)


def _numbers(engine: Engine, batch: Batch) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return an engine's outputs, cost and gradient, each flat."""
    network, flat = batch.network, batch.flat[None]
    data = Data(batch.x, batch.y, np.arange(len(batch.x)), np.arange(0), batch.weights)
    settings = StepSettings(optimizer("sgd"), batch_size=len(batch.x), shuffle=False)
    run = engine.start(network, flat, data, settings)
    cost, gradient = run.loss_and_gradient(0, np.asarray(flat[0], engine.dtype))
    outputs = np.asarray(engine.predict(network, flat, batch.x), np.float64)
    return outputs.reshape(-1), np.array([cost]), np.asarray(gradient, np.float64)


def _comparison(
    batch: Batch, kind: int, dtype: str, found: FloatArray, expected: FloatArray, allowed: float
) -> Comparison:
    n_out, layers = batch.network.output.n_out, len(batch.network.layers)

    def address(place: int) -> str:
        if kind == 0:
            what = batch.at("a", layers - 1, place % n_out, place // n_out)
        else:
            what = "C" if kind == 1 else batch.address(place)
        return f"{what} in {dtype}"

    return Comparison(found, expected, np.full(found.shape, allowed), address)


def check_rows(batch: Batch, function: GradientFunction, gradient: FloatArray) -> Check:
    """Compare the gradient (p,) of the batch with the rows' own gradients, each times its share, added up."""
    name, rule = (
        "rows and batch",
        "the rows' gradients, each alone times its share in the cost, against the batch's",
    )
    tolerance = "1e-12 of the largest terms of each array"
    n = len(batch.x)
    if n > MOST_ROWS:
        return Check(name, rule, tolerance, skipped=f"{n:,} rows are more than {MOST_ROWS}")
    network = batch.network
    alone = Network([network.n_inputs, *network.layers], network.loss, network.reduction, network.features)
    shares = row_shares(n, batch.weights, network.reduction, batch.record.a, np)
    total = np.zeros_like(gradient)
    for row in range(n):
        one = slice(row, row + 1)
        found = function(alone, batch.p, batch.x[one], batch.y[one], None)
        total += shares[row] * flat_gradient(batch, found)[0]
    # A row alone takes another way through BLAS than in its batch, so that every z is rounded otherwise.
    scale = np.empty_like(gradient)
    for slot in batch.layout.slots:
        own = slice(slot.start, slot.stop)
        scale[own] = float(np.max(batch.size_of_roundings[own]))
    whole = Comparison(total, gradient, OF_ROWS * scale, batch.address)
    return Check(name, rule, tolerance, len(total), len(whole.bad), whole.worst)


def check_attributions(model: Model, table: Table, rows: Sequence[int], member: int) -> tuple[Check, Check]:
    """Compare, for rows (from 0), attributions with the difference they share out, and slopes with differences."""
    rule = "integrated gradients of the columns, added, against the change of the prediction"
    tolerance = "1e-6 of the prediction"
    slope_rule = "d(prediction)/d(column) through the encoder against differences, in original units"
    slope_tolerance = "1e-5 of the slope + rounding"
    names = ("attributions", "slopes by column")
    if any(has_jumps(layer.activation.formula) for layer in model.member(member).network.layers):
        reason = "the activations jump, so gradients say nothing about the output"
        return (
            Check(names[0], rule, tolerance, skipped=reason),
            Check(names[1], slope_rule, slope_tolerance, skipped=reason),
        )
    made = [integrated_gradients(model, table, row, member=member) for row in rows]
    whole = Comparison(
        np.array([one.total for one in made]),
        np.array([one.difference for one in made]),
        np.array([one.tolerance for one in made]),
        lambda place: f"row {made[place].row}",
    )
    sums = Check(names[0], rule, tolerance, len(made), len(whole.bad), whole.worst)
    return sums, _check_slopes(model, table, rows, member, names[1], slope_rule, slope_tolerance)


def _check_slopes(
    model: Model, table: Table, rows: Sequence[int], member: int, name: str, rule: str, tolerance: str
) -> Check:
    found: list[tuple[str, float, float, float]] = []
    notes = 0
    signs, eps = generator(0, Purpose.SPLIT, 3), float(np.finfo(np.float64).eps)
    nudged = model.with_parameters(
        lambda group: (
            group.parameters.astype(np.float64)
            * (1 + signs.choice([-1.0, 1.0], group.parameters.shape) * eps)
        )
    )
    for row in rows:
        single = table.take([row])
        x = model.encoder.transform(single)[0]
        outcome = outcome_of(model, x, member=member)
        steepest, start = float(np.abs(outcome.gradients(x[None])).max()), 0
        value = float(outcome.values(x[None])[0])
        spread = abs(float(replace(outcome, model=nudged).values(x[None])[0]) - value)
        rounding = ROUNDINGS * abs(value) + ROUNDED_WEIGHTS * spread
        effects = column_effects(model, table, row, member=member)
        for column, effect in zip(model.encoder.columns, effects.columns, strict=True):
            part_at, start = start, start + len(column.inputs)
            if effect.slope is None or not column.parts[0].seen:
                continue
            part = column.parts[0]
            v = float(number_cells(single, column.name)[0])
            inner = abs(slope_of_part(part, single, column.name))
            step = STEP / inner if inner > 0 else 0.0
            if step == 0 or v + step == v:
                continue
            moved = np.repeat(x[None], 3, axis=0)
            moved[:, part_at] = part.apply(np.array([v - step, v, v + step]))
            low, at, high = outcome.values(moved)
            left, right = (at - low) / step, (high - at) / step
            middle = (high - low) / ((v + step) - (v - step))
            # The largest change of Q by an input stands for its curvature; Q itself is rounded.
            slack = OF_SLOPE * abs(middle) + OF_CURVES * steepest * inner + rounding / step
            if (
                abs(effect.slope - middle) > slack
                and _bends(outcome, moved)
                and _between(left, right, effect.slope, slack)
            ):
                notes += 1
                middle = effect.slope
            found.append((f"d/d({column.name}), row {row + 1}", effect.slope, middle, slack))
    if not found:
        return Check(name, rule, tolerance, skipped="no number column has a cell in these rows")
    whole = Comparison(
        np.array([one[1] for one in found]),
        np.array([one[2] for one in found]),
        np.array([one[3] for one in found]),
        lambda place: found[place][0],
    )
    said = (
        (f"{notes} of them at a kink, where the slope is between the one-sided differences",) if notes else ()
    )
    return Check(name, rule, tolerance, len(found), len(whole.bad), whole.worst, notes=said)


def _between(left: float, right: float, slope: float, slack: float) -> bool:
    return min(left, right) - slack <= slope <= max(left, right) + slack


def _bends(outcome: Outcome, moved: FloatArray) -> bool:
    """Tell whether the slope differs between the ends of a step by more than it does along smooth curves."""
    ends = outcome.gradients(moved[[0, 2]])
    return float(np.abs(ends[0] - ends[1]).max()) > STEP * float(np.abs(ends).max())
