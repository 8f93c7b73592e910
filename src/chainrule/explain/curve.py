"""The cost over one weight with all others held: the curve, its tangent, the step along it and where that lands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._doors import setting
from chainrule._plain import AnyNumber, Plain
from chainrule._types import FloatArray
from chainrule.errors import SettingsError
from chainrule.explain.costs import place_of_parameter
from chainrule.explain.trace.address import PARAMETERS, Address
from chainrule.explain.trace.records import StepTrace
from chainrule.explain.trace.trace import Trace

POINTS = 201
"""How many points a curve has, if nothing else is asked for."""

STEPS_SHOWN = 15
"""How many lengths of the step are seen to either side, if nothing else is asked for."""

LEARNING_RATE = 0.5
"""The rate of a step that no training made."""


@dataclass(frozen=True)
class CostCurve(Plain):
    """The cost C over one parameter w, every other number as it is; worked out by the reference engine in float64.

    ``address`` is the parameter's, ``w`` its value, ``cost`` and ``slope`` are C and dC/dw there. ``landing`` is w after the
    step: the training's own, or w - ``eta`` · slope (``eta`` is None where the training's optimizer made it); ``landing_cost``
    is C there with all others held, ``tangent_cost`` what the tangent says of it: C + slope · (landing - w). ``values`` and
    ``costs`` are the curve's points, in rising order.
    """

    address: str
    w: AnyNumber
    cost: AnyNumber
    slope: AnyNumber
    eta: AnyNumber | None
    landing: AnyNumber
    landing_cost: AnyNumber
    tangent_cost: AnyNumber
    values: tuple[AnyNumber, ...]
    costs: tuple[AnyNumber, ...]

    def tangent(self, w: float) -> float:
        """Return what the tangent at w says of the cost at another place."""
        return self.cost + self.slope * (w - self.w)


def cost_curve(
    trace: Trace,
    address: str | Address,
    *,
    learning_rate: float | None = None,
    ends: Sequence[float] | None = None,
    points: int = POINTS,
) -> CostCurve:
    """Return the cost of a trace's rows over one of its parameters.

    Of a step of training the landing is the update's own; of a prediction, whose table must have the target, a step of gradient
    descent by ``learning_rate`` (0.5 if not given). ``ends`` are the lowest and the highest w. Penalties are no part of C, as
    in the trace. Raises SettingsError for an address that is no parameter, and where no target is known.

    >>> from chainrule import Dense, Network
    >>> from chainrule.explain.trace.steps import trace_network
    >>> trace = trace_network(Network([1, Dense(1)]), {1: {"W": [[3.0]], "b": [0.0]}}, [[1.0]], [[1.0]])
    >>> curve = cost_curve(trace, "W[1][1,1]", learning_rate=0.25)
    >>> curve.cost, curve.slope, curve.landing, curve.landing_cost, curve.tangent_cost
    (2.0, 2.0, 2.5, 1.125, 1.0)
    """
    place = trace.resolve(address)
    if place.name not in PARAMETERS or place.is_whole:
        raise SettingsError(f"{place} is no single parameter: name one such as W[2][1,1] or b[1][2]")
    step = trace.step(place)
    if step.gradients is None:
        why = trace.source.get("target_unknown", "no target is known")
        raise SettingsError(
            f"the cost over {place} needs the row's target, and {why}: give a table that has it"
        )
    index = place_of_parameter(trace.layout, place)
    w = float(step.parameters[index])
    slope = trace.number(replace(place, name=f"dC/d{place.name}"))
    eta: float | None = None
    if step.update is not None:
        landing = float(step.update.parameters[index])
        if learning_rate is not None:
            raise SettingsError("a step of training has its own learning rate: leave the other one out")
    else:
        eta = LEARNING_RATE if learning_rate is None else learning_rate
        if not 0 < eta <= sys.float_info.max:
            raise SettingsError(f"{setting('learning_rate')} {eta!r} must be a number above 0")
        landing = w - eta * slope
    low, high = _ends(w, landing, ends)
    values = np.linspace(low, high, points)
    cost, landing_cost, *costs = _costs(trace, step, index, np.array([w, landing, *values]))
    tangent_cost = cost + slope * (landing - w)
    reached = (eta, landing, landing_cost, tangent_cost)
    return CostCurve(str(place), w, cost, slope, *reached, tuple(values.tolist()), tuple(costs))


def _ends(w: float, landing: float, ends: Sequence[float] | None) -> tuple[float, float]:
    if ends is not None:
        if len(ends) != 2 or not -np.inf < ends[0] < ends[1] < np.inf:
            raise SettingsError(
                f"the ends {list(ends)} must be two numbers, the lower one first, such as -1 and 2"
            )
        return float(ends[0]), float(ends[1])
    reach = STEPS_SHOWN * abs(landing - w) or max(abs(w), 1.0)
    middle = (w + landing) / 2
    return middle - reach, middle + reach


@one_blas_thread()
def _costs(trace: Trace, step: StepTrace, index: int, values: FloatArray) -> list[float]:
    """Return the cost of the step's rows for each value of one parameter."""
    network, flat = trace.network, np.array(step.parameters, np.float64)
    masks = [layer.mask for layer in step.record.layers]
    found = []
    for value in values:
        flat[index] = value
        with np.errstate(all="ignore"):
            record = network.forward(trace.layout.unflatten(flat), step.record.x, np, masks)
            found.append(float(network.cost(record, step.y, np, step.weights)))
    return found
