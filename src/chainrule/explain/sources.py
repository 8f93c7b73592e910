"""Traces of a model's predictions: from the cells of a table's rows to the answer in the target's units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.engines.base import Layout
from chainrule.engines.reference import ReferenceEngine
from chainrule.errors import SettingsError, TableError
from chainrule.explain.trace import Trace, trace_step
from chainrule.model.model import Model
from chainrule.model.source import Source
from chainrule.tables.table import Table


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
    if not 1 <= member <= model.members:
        raise SettingsError(f"there is no member {member}; the model has members 1 to {model.members}")
    table = model.table(source, **reading)
    wanted = [rows] if isinstance(rows, int) else list(rows)
    for row in wanted:
        if not 1 <= row <= table.n_rows:
            raise TableError(f"{table.name}: there is no row {row}; it has rows 1 to {table.n_rows}")
    part = table.take([row - 1 for row in wanted])
    x = model.encoder.transform(part)
    y, why = _targets(model, part)
    flat = np.asarray(model.parameters[member - 1], np.float64)
    layout = Layout(model.network)
    step = trace_step(layout, flat, x, y, rows=wanted)
    outputs = ReferenceEngine().predict(model.network, model.parameters, x)
    mean = outputs.mean(axis=0)
    is_number = model.task == "regression"
    answers = model.target.inverse(mean[:, 0]) if is_number else model.probabilities(mean)
    inputs = tuple(tuple(model.encoder.explain_row(table, row - 1)) for row in wanted)
    source_told = {"kind": "prediction", "table": table.name, "rows": wanted, "members": model.members}
    if why:
        source_told["target_unknown"] = why
    return Trace(
        model.network,
        (replace(step, members=outputs, answers=answers, inputs=inputs),),
        member,
        model.target,
        source_told,
    )


def _targets(model: Model, part: Table) -> tuple[Any, str]:
    """Return the targets of the rows, or None and why they aren't known."""
    name = model.target.name
    if name not in part.columns:
        return None, f"the table has no column {name!r}"
    if part.column(name).null_count():
        return None, f"the target {name!r} is missing"
    single = model.task == "classification" and model.network.output.n_out == 1
    try:
        return model.target.transform(part, single=single), ""
    except (
        TableError
    ) as error:  # a class that training never saw, say: the prediction can be explained all the same
        return None, str(error)
