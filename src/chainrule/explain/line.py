"""The cost along the line of a step: what the gradient foretells of it, C - eta * |g|^2 for plain descent, beside the truth."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal

import numpy as np

from chainrule._doors import setting
from chainrule._plain import AnyNumber, Plain
from chainrule.errors import SettingsError
from chainrule.explain.costs import costs_of
from chainrule.explain.curve import LEARNING_RATE, POINTS
from chainrule.explain.trace.trace import Trace

Direction = Literal["gradient", "step"]

REACH = 3.0
"""How many lengths of the step are seen beyond it, if nothing else is asked for."""


@dataclass(frozen=True)
class CostLine(Plain):
    """The cost C on the line from where the parameters stand, w + s d, worked out by the reference engine in float64.

    ``along`` is ``gradient``: d = -g, s is a learning rate, and the step is at s = ``eta``; or ``step``: d = W_new - W, the
    training's own step, which is at s = 1. ``length`` is |d|, ``cost`` is C at s = 0 and ``slope`` dC/ds there, which is -|g|²
    along the gradient. ``landing_cost`` is C at the step, ``foretold`` what the slope says of it: C + slope · s. ``values``
    and ``costs`` are the line's points, in rising order of s.
    """

    along: Direction
    eta: AnyNumber
    length: AnyNumber
    cost: AnyNumber
    slope: AnyNumber
    landing: AnyNumber
    landing_cost: AnyNumber
    foretold: AnyNumber
    values: tuple[AnyNumber, ...]
    costs: tuple[AnyNumber, ...]


def cost_line(
    trace: Trace, *, along: Direction = "gradient", learning_rate: float | None = None, points: int = POINTS
) -> CostLine:
    """Return the cost of a trace's rows along the line of its step.

    ``along`` the gradient that is the step of plain descent by the training's rate, or ``learning_rate`` (0.5 if there is
    neither); along the ``step`` it is the training's own. Penalties are no part of C, as in the trace. Raises SettingsError
    where no target is known, or no update.

    >>> from chainrule import Dense, Network
    >>> from chainrule.explain.trace.steps import trace_network
    >>> trace = trace_network(Network([1, Dense(1)]), {1: {"W": [[3.0]], "b": [0.0]}}, [[1.0]], [[1.0]])
    >>> line = cost_line(trace, learning_rate=0.25)
    >>> line.cost, line.slope, line.foretold, line.landing_cost
    (2.0, -8.0, 0.0, 0.5)
    """
    step = trace.steps[0]
    if step.gradients is None:
        why = trace.source.get("target_unknown", "no target is known")
        raise SettingsError(
            f"the cost along a line needs the row's target, and {why}: give a table that has it"
        )
    g, flat = trace.layout.flatten(step.gradients.parameters), np.asarray(step.parameters, np.float64)
    free = trace.layout.free
    if along == "step":
        if step.update is None:
            raise SettingsError(
                "this is no step of a training, so it has no step of its own: go along the gradient"
            )
        direction, landing = step.update.parameters - flat, 1.0
        eta = float(step.update.eta)
    else:
        direction = -g * free
        own = None if step.update is None else float(step.update.eta)
        eta = landing = (
            LEARNING_RATE if own is None and learning_rate is None else float(learning_rate or own or 0.0)
        )
        if not 0 < eta <= sys.float_info.max:
            raise SettingsError(f"{setting('learning_rate')} {eta!r} must be a number above 0")
    cost, slope = float(step.gradients.cost), float(g @ direction)
    values = np.linspace(-0.5 * landing, (1 + REACH) * landing, points)
    masks = [layer.mask for layer in step.record.layers]
    assert step.y is not None
    flats = flat + np.array([landing, *values])[:, None] * direction
    landed, *costs = costs_of(trace.layout, flats, step.record.x, step.y, step.weights, masks).tolist()
    length = float(np.linalg.norm(direction))
    reached = (landing, landed, cost + slope * landing)
    return CostLine(along, eta, length, cost, slope, *reached, tuple(values.tolist()), tuple(costs))
