"""The trainings that a model's groups come from, and what they say together of rows that none of them has seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.engines import engine_named
from chainrule.fitting.held_out import held_out, held_out_rows
from chainrule.fitting.prepared import Prepared
from chainrule.model.group import Group
from chainrule.model.model import Model
from chainrule.training.result import FitResult
from chainrule.training.scores.temperature import at_temperature


@dataclass(frozen=True, eq=False)
class GroupTraining:
    """A training whose kept members are a group of a model; all parts of one have the same rows and folds."""

    prepared: Prepared
    result: FitResult


def rows_held_out(parts: Sequence[GroupTraining]) -> IntArray:
    """Return the rows of the prepared arrays that each part has an answer for by members that haven't seen them, sorted."""
    each = [held_out_rows(part.prepared, part.result) for part in parts]
    return reduce(np.intersect1d, each) if len(each) > 1 else each[0]


def held_out_of(
    part: GroupTraining, rows: IntArray, function: Callable[[FloatArray, FloatArray], FloatArray]
) -> FloatArray:
    """Return what `held_out` does (k, n, n_out), for some of its rows alone."""
    own = held_out_rows(part.prepared, part.result)
    found = held_out(part.prepared, part.result, function)
    return found if len(own) == len(rows) else found[:, np.searchsorted(own, rows)]


def answers_held_out(
    model: Model, parts: Sequence[GroupTraining], rows: IntArray, engine: str
) -> tuple[FloatArray, FloatArray | None]:
    """Return the outputs (K, n, n_out) for ``rows`` by members that haven't seen them, and what each counts in the answer (K,).

    Of a group trained with bagging those members have an answer for a row that hold its fold out. None: all count the same.
    """
    each: list[FloatArray] = []
    shares: list[float] = []
    made = engine_named(engine)
    for group, share, part in zip(model.groups, model.shares, parts, strict=True):
        temperature = temperature_of_group(model, group)

        def outputs(
            parameters: FloatArray,
            x: FloatArray,
            group: Group = group,
            temperature: float | None = temperature,
        ) -> FloatArray:
            if temperature is not None:
                parameters = at_temperature(group.network, parameters, temperature)
            return made.predict(group.network, parameters, x)

        found = held_out_of(part, rows, outputs)
        each.append(found)
        shares += [share / len(found)] * len(found)
    if len(each) == 1:
        return each[0], None
    return np.concatenate(each), np.array(shares)


def outputs_held_out(model: Model, parts: Sequence[GroupTraining], rows: IntArray, engine: str) -> FloatArray:
    """Return the model's mean outputs (n, n_out) for ``rows`` by the members that haven't seen them."""
    each, shares = answers_held_out(model, parts, rows, engine)
    return np.asarray(each.mean(axis=0) if shares is None else np.tensordot(shares, each, axes=1))


def temperature_of_group(model: Model, group: Group) -> float | None:
    """Return what a group's output layer was divided by after training, by its own card or the model's; None for nothing."""
    found: float | None = (group.card or model.card)["temperature"]
    return found
