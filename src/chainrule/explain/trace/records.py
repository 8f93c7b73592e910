"""What a trace holds of one step: rows, forward, backward, and the update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Annotated, Any

import numpy as np

from chainrule._kept import cached_property
from chainrule._plain import AnyNumber, Count, Form, Plain, made_by
from chainrule._types import FloatArray
from chainrule.engines.base import StepSettings
from chainrule.equations.layout import Layout
from chainrule.equations.network import Gradients, Network, Record
from chainrule.equations.optimizers import OptimizerState
from chainrule.equations.schedules import Schedule, Strength, schedule, strength
from chainrule.equations.update import measuring, results, stages_before
from chainrule.explain.trace.address import Address
from chainrule.tables.encoding.encode import InputValue
from chainrule.tables.encoding.targets import Target


@dataclass(frozen=True)
class Rate(Plain, names=("base", "made", "total", "epoch", "plateaus", "warmup", "schedule")):
    """How the step's learning rate came about: the schedule with the numbers of its formula.

    ``base`` is the rate the schedule starts from, ``made`` the updates made so far, ``total`` those of the whole
    training, ``warmup`` the updates of the warm-up.
    """

    schedule: Annotated[Schedule, Form(attrgetter("spec"), made_by(schedule))]
    base: AnyNumber
    made: Count
    total: Count
    epoch: Count
    plateaus: Count
    warmup: Count


@dataclass(frozen=True)
class Regularization(Plain):
    """How strong dropout and weight decay were in the step: the schedule, its value, and the epochs it came from.

    ``epoch`` is the number of epochs before the step's own, ``epochs`` that of the whole training.
    """

    schedule: Annotated[Strength, Form(attrgetter("name"), made_by(strength))]
    value: AnyNumber
    epoch: Count
    epochs: Count


@dataclass(frozen=True, eq=False)
class Update:
    """What a step did to the parameters; arrays are flat (p,), as `Layout` lays them out.

    ``raw`` is the gradient of the cost, ``stages`` have the result of each stage of the step by its name (`update`), and
    ``lines`` that of each of the optimizer's lines.
    """

    settings: StepSettings
    eta: float
    before: OptimizerState
    raw: FloatArray
    stages: Mapping[str, FloatArray]
    lines: Mapping[str, FloatArray]
    after: OptimizerState
    parameters: FloatArray
    losses: FloatArray
    cost: float
    rate: Rate | None = None
    regularization: Regularization | None = None

    @property
    def t(self) -> int:
        """The number of the update, from 1."""
        return self.before.t + 1

    @cached_property
    def numbers(self) -> Mapping[str, FloatArray]:
        """The flat arrays of what is addressed by parameter, by name: m of ``m/dW``."""
        before, after = self.before.arrays, self.after.arrays
        return {
            **{name: self.stages[name] for name in results("g")},
            **before,
            **{f"{name}_new": array for name, array in after.items()},
            **{name: array for name, array in self.lines.items() if name != "w" and name not in before},
        }

    @property
    def measured(self) -> FloatArray:
        """The gradient whose length a stage measures, (p,)."""
        return self.stages[stages_before(measuring().result)[-1].result]


@dataclass(frozen=True, eq=False)
class StepTrace:
    """One step of one member, or one prediction: rows, forward, and where targets are known backward and update.

    ``rows`` are the rows' numbers in their table, from 1. ``slopes`` has da/dz (n, n_out) of each layer, None for
    softmax. Of a model's prediction ``members`` (k, n, n_out) are all members' outputs, ``member_shares`` (k,) what each
    counts (None: all the same), and ``answers`` the prediction (n,) in the target's units or the probabilities (n, classes).
    ``inputs`` is the encoder's arithmetic for each row, where the rows come from a table. ``shared``: the members share
    their layers, so that the step's update isn't this member's alone. Of several targets ``each`` (n, targets) has the
    prediction in each one's units, or the probability of its second class, and there are no ``answers``.
    """

    number: int
    rows: tuple[int, ...]
    parameters: FloatArray
    record: Record
    slopes: tuple[FloatArray | None, ...]
    y: FloatArray | None = None
    y_smooth: FloatArray | None = None
    weights: FloatArray | None = None
    shares: FloatArray | None = None
    losses: FloatArray | None = None
    gradients: Gradients | None = None
    update: Update | None = None
    members: FloatArray | None = None
    answers: FloatArray | None = None
    inputs: tuple[tuple[InputValue, ...], ...] | None = None
    shared: bool = False
    member_shares: FloatArray | None = None
    each: FloatArray | None = None

    @property
    def mean_output(self) -> FloatArray | None:
        """The mean (n, n_out) of the members' outputs, by their shares."""
        if self.members is None or self.member_shares is None:
            return None if self.members is None else self.members.mean(axis=0)
        return np.asarray(np.tensordot(self.member_shares, self.members, axes=1))


@dataclass(frozen=True, eq=False, repr=False)
class Steps:
    """One or more steps of one member network, and what they were made of; `Trace` finds their numbers by address."""

    network: Network
    steps: tuple[StepTrace, ...]
    member: int = 1
    target: Target | None = None
    source: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def layout(self) -> Layout:
        """The flat layout of the parameters."""
        return Layout(self.network)

    def step(self, place: Address) -> StepTrace:
        """Return the step that an address is about."""
        return next(step for step in self.steps if len(self.steps) == 1 or step.number == place.step)
