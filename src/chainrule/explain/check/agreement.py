"""Agreement: the cpu engine with reference, rows with their batch, attributions and slopes with differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import DTypeLike

from chainrule._random import Purpose, generator
from chainrule._types import FloatArray
from chainrule.engines import ENGINES, JUDGE, engine_named
from chainrule.engines.base import Data, Engine, StepSettings
from chainrule.equations.losses import row_shares
from chainrule.equations.optimizers import optimizer
from chainrule.explain.attribute.cells import column_effects, slope_of_part
from chainrule.explain.attribute.gradients import integrated_gradients
from chainrule.explain.attribute.outcome import Outcome, encoded_row, outcome_of
from chainrule.explain.check.batch import Batch, GradientFunction, flat_gradient, not_dense
from chainrule.explain.check.kinks import has_jumps
from chainrule.explain.check.result import About, Check, Comparison, joined
from chainrule.model.model import Model
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


ENGINES_AGREE = About(
    f"{{}} and {JUDGE} engine",
    "outputs, cost and gradient of the two engines, in float64 and float32",
    "1e-12 (float64) and 1e-5 (float32) of the largest terms + 10 times what one rounding of each weight changes",
)

ROWS_AGREE = About(
    "rows and batch",
    "the rows' gradients, each alone times its share in the cost, against the batch's",
    "1e-12 of the largest terms of each array",
)

SUMS_AGREE = About(
    "attributions",
    "integrated gradients of the columns, added, against the change of the prediction",
    "1e-6 of the prediction",
)

SLOPES_AGREE = About(
    "slopes by column",
    "the prediction's derivative by each column, through the encoder against differences, in original units",
    "1e-5 of the slope + rounding",
)


def check_engines(batch: Batch, trained_by: str = ENGINES[0]) -> Check:
    """Compare outputs, cost and gradient of the engine that trained, in each dtype that it has, with those of the judge.

    What the judge has trained itself is compared by the default engine.
    """
    name = ENGINES[0] if trained_by == JUDGE else trained_by
    about = ENGINES_AGREE._replace(name=ENGINES_AGREE.name.format(name))
    if why := not_dense(batch):
        return about.skipped(why)
    judge, last = engine_named(JUDGE), len(batch.network.layers)
    kinds: tuple[Callable[[int], str], ...] = (partial(batch.at, "a", last), lambda _: "C", batch.address)
    parts = []
    engines = [engine_named(name, dtype=dtype) for dtype in (np.float64, np.float32)]
    for dtype, engine in {made.dtype.type: made for made in engines}.items():
        # Both begin with the same numbers, rounded to the dtype, so that the arithmetic alone is compared.
        x, y, flat = (np.asarray(array, dtype).astype(np.float64) for array in (batch.x, batch.y, batch.flat))
        rows = replace(batch, flat=flat, x=x, y=y)
        trained, judged = _numbers(engine, rows), _numbers(judge, rows)
        # How much the network makes of roundings: what changes when each weight is rounded once, up or down.
        moved = _numbers(judge, replace(rows, flat=_nudged(flat, generator(0, Purpose.SPLIT, 3), dtype)))
        steepest = float(np.max(rows.size_of_roundings, initial=0.0))
        largest = float(np.max(np.abs(judged[0]), initial=1e-3))
        limits = (largest, abs(float(judged[1][0])) + steepest, steepest)
        for found, right, nudged, limit, address in zip(trained, judged, moved, limits, kinds, strict=True):
            spread = float(np.max(np.abs(nudged - right)))
            allowed = NEAR[dtype.__name__] * limit + ROUNDED_WEIGHTS * spread
            where = partial(_in_dtype, address, dtype.__name__)
            parts.append(Comparison(found, right, np.full(found.shape, allowed), where))
    return joined(parts).check(about)


def _in_dtype(address: Callable[[int], str], dtype: str, place: int) -> str:
    return f"{address(place)} in {dtype}"


def _nudged(flat: FloatArray, draws: np.random.Generator, dtype: DTypeLike = np.float64) -> FloatArray:
    """Return parameters that are each rounded once in a dtype, up or down by chance."""
    return flat * (1 + draws.choice([-1.0, 1.0], flat.shape) * float(np.finfo(dtype).eps))


def _numbers(engine: Engine, batch: Batch) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return an engine's outputs, cost and gradient, each flat."""
    network, flat = batch.network, batch.flat[None]
    data = Data(batch.x, batch.y, np.arange(len(batch.x)), np.arange(0), batch.weights)
    settings = StepSettings(optimizer("sgd"), batch_size=len(batch.x), shuffle=False)
    run = engine.start(network, flat, data, settings)
    cost, gradient = run.loss_and_gradient(0, np.asarray(flat[0], engine.dtype))
    outputs = np.asarray(engine.predict(network, flat, batch.x), np.float64)
    return outputs.reshape(-1), np.array([cost]), np.asarray(gradient, np.float64)


def check_rows(batch: Batch, function: GradientFunction, gradient: FloatArray) -> Check:
    """Compare the gradient (p,) of the batch with the rows' own gradients, each times its share, added up."""
    n = len(batch.x)
    if n > MOST_ROWS:
        return ROWS_AGREE.skipped(f"{n:,} rows are more than {MOST_ROWS}")
    shares = row_shares(n, batch.weights, batch.network.reduction, batch.record.a, np)
    total = np.zeros_like(gradient)
    for row in range(n):
        one = slice(row, row + 1)
        found = function(batch.network, batch.p, batch.x[one], batch.y[one], None)
        total += shares[row] * flat_gradient(batch, found)[0]
    # A row alone takes another way through BLAS than in its batch, so that every z is rounded otherwise.
    scale = np.empty_like(gradient)
    for slot in batch.layout.slots:
        own = slice(slot.start, slot.stop)
        scale[own] = float(np.max(batch.size_of_roundings[own]))
    return Comparison(total, gradient, OF_ROWS * scale, batch.address).check(ROWS_AGREE)


def check_attributions(model: Model, table: Table, rows: Sequence[int], member: int) -> tuple[Check, Check]:
    """Compare, for rows (from 0), attributions with the difference they share out, and slopes with differences."""
    if any(has_jumps(layer.activation.formula) for layer in model.member(member).network.layers):
        reason = "the activations jump, so gradients say nothing about the output"
        return SUMS_AGREE.skipped(reason), SLOPES_AGREE.skipped(reason)
    names = model.target.names
    made = [
        integrated_gradients(model, table, row, member=member, target=name) for row in rows for name in names
    ]
    total, change, allowed = np.array([(one.total, one.difference, one.tolerance) for one in made]).T
    sums = Comparison(total, change, allowed, lambda place: f"row {made[place].row}")
    return sums.check(SUMS_AGREE), _check_slopes(model, table, rows, member)


def _check_slopes(model: Model, table: Table, rows: Sequence[int], member: int) -> Check:
    names: list[str] = []
    numbers: list[tuple[float, float, float]] = []
    bent, draws = 0, generator(0, Purpose.SPLIT, 3)
    nudged = model.with_parameters(lambda group: _nudged(group.parameters.astype(np.float64), draws))
    targets = model.target.names
    for row, target in product(rows, targets):
        single, x = table.take([row]), encoded_row(model, table, row)
        outcome, start = outcome_of(model, x, member=member, target=target), 0
        steepest = float(np.abs(outcome.gradients(x[None])).max())
        value = float(outcome.values(x[None])[0])
        spread = abs(float(replace(outcome, model=nudged).values(x[None])[0]) - value)
        rounding = ROUNDINGS * abs(value) + ROUNDED_WEIGHTS * spread
        effects = column_effects(model, table, row, member=member, target=target)
        for column, effect in zip(model.encoder.columns, effects.columns, strict=True):
            place, start, slope = start, start + len(column.inputs), effect.slope
            if slope is None or not column.parts[0].seen:
                continue
            part, v = column.parts[0], float(column.numbers(single)[0])
            inner = abs(slope_of_part(column, single))
            step = STEP / inner if inner > 0 else 0.0
            if v + step == v:
                continue
            moved = np.repeat(x[None], 3, axis=0)
            moved[:, place] = part.apply(np.array([v - step, v, v + step]))
            low, at, high = outcome.values(moved)
            right = (high - low) / ((v + step) - (v - step))
            # The largest change of Q by an input stands for its curvature; Q itself is rounded.
            slack = OF_SLOPE * abs(right) + OF_CURVES * steepest * inner + rounding / step
            if abs(slope - right) > slack and _bends(outcome, moved):
                left, after = sorted(((at - low) / step, (high - at) / step))
                if left - slack <= slope <= after + slack:
                    bent, right = bent + 1, slope
            of = "d" if len(targets) == 1 else f"d({target})"
            names.append(f"{of}/d({column.name}), row {row + 1}")
            numbers.append((slope, right, slack))
    if not names:
        return SLOPES_AGREE.skipped("no number column has a cell in these rows")
    notes = (
        (f"{bent} of them at a kink, where the slope is between the one-sided differences",) if bent else ()
    )
    found, expected, allowed = np.array(numbers).T
    return Comparison(found, expected, allowed, names.__getitem__).check(SLOPES_AGREE, notes=notes)


def _bends(outcome: Outcome, moved: FloatArray) -> bool:
    """Tell whether the slope differs between the ends of a step by more than it does along smooth curves."""
    ends = outcome.gradients(moved[[0, 2]])
    return float(np.abs(ends[0] - ends[1]).max()) > STEP * float(np.abs(ends).max())
