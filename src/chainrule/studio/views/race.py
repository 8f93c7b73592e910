"""Descents side by side: plain, with momentum and Adam, each from the same start, their first steps equally long."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from chainrule._types import FloatArray
from chainrule.engines.base import StepSettings
from chainrule.engines.step import take_step
from chainrule.equations.optimizers import Optimizer, OptimizerState, optimizer
from chainrule.plots.ticks import short_number
from chainrule.studio.training.course import Course

OPTIMIZERS_RACED = ("sgd", "momentum", "adam")
"""The optimizers that run beside each other."""

CALLED = {"sgd": "plain descent", "momentum": "momentum", "adam": "Adam"}


@dataclass(frozen=True, eq=False)
class Race:
    """One descent: its optimizer, its learning rate, and the parameters (steps + 1, p) from its start on."""

    name: str
    eta: float
    states: FloatArray
    ended: str = ""

    @property
    def words(self) -> str:
        """The learning rate, to be read beside the name."""
        return f"rate {short_number(self.eta, 3)}"

    @property
    def told(self) -> str:
        """How it went, in a sentence."""
        steps = len(self.states) - 1
        end = f"; {self.ended}" if self.ended else ""
        return f"{CALLED[self.name].capitalize()}: {steps} {'step' if steps == 1 else 'steps'} at the {self.words}{end}."


def raced(
    course: Course,
    flat: FloatArray,
    x: FloatArray,
    y: FloatArray,
    weights: FloatArray | None,
    eta: float,
    steps: int,
    pace: float = 1.0,
) -> tuple[Race, ...]:
    """Return the descents from ``flat`` (p,) on the cost of rows ``x`` (n, d), all of them in each step, without dropout.

    All first steps are as long as that of the course's own optimizer at the rate ``eta`` (the plan's where that isn't known),
    times ``pace``: every optimizer's first step is in proportion to its rate.
    """
    own = course.settings.optimizer
    base = eta if np.isfinite(eta) and eta > 0 else course.plan.learning_rate or own.learning_rate
    settings = replace(course.settings, sharing="none")

    def first(method: Optimizer) -> float:
        """The length of a method's first step at the rate 1."""
        moved = _step(course, flat, method, x, y, weights, replace(settings, optimizer=method), 1.0, None)[0]
        return float(np.linalg.norm(moved - flat))

    length = first(own) * base * pace
    found = []
    for name in OPTIMIZERS_RACED:
        method = own if own.name == name else optimizer(name)
        whole = first(method)
        rate = length / whole if whole > 0 and np.isfinite(whole) else base
        found.append(_descended(course, flat, method, name, x, y, weights, settings, rate, steps))
    return tuple(found)


def _descended(
    course: Course,
    flat: FloatArray,
    method: Optimizer,
    name: str,
    x: FloatArray,
    y: FloatArray,
    weights: FloatArray | None,
    settings: StepSettings,
    rate: float,
    steps: int,
) -> Race:
    states: list[FloatArray] = [np.asarray(flat, np.float64)]
    state: OptimizerState | None = None
    ended = ""
    how = replace(settings, optimizer=method)
    for number in range(steps):
        moved, state = _step(course, states[-1], method, x, y, weights, how, rate, state)
        if not np.isfinite(moved).all():
            ended = f"it diverged in step {number + 1}"
            break
        states.append(moved)
    return Race(name, rate, np.stack(states), ended)


def _step(
    course: Course,
    flat: FloatArray,
    method: Optimizer,
    x: FloatArray,
    y: FloatArray,
    weights: FloatArray | None,
    settings: StepSettings,
    rate: float,
    state: OptimizerState | None,
) -> tuple[FloatArray, OptimizerState]:
    """Return the parameters after a step, and the optimizer's state."""
    begun = method.init(flat, np) if state is None else state
    made = take_step(course.layout, flat, begun, x, y, settings, rate, weights)
    return made.parameters, made.state
