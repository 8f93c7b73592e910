"""Learning-rate schedules: formulas of the step, evaluated for a whole epoch of steps at once.

In the formulas ``eta`` is the base learning rate, ``t`` the number of updates made so far (0, 1, …), ``T``
their number in the whole training, ``epoch`` the epoch (0, 1, …), ``plateaus`` how often training has come to
a plateau so far. `SCHEDULES` is the only list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chainrule._types import Array, Namespace
from chainrule.equations.registry import FormulaEntry, named, records
from chainrule.errors import SettingsError


@dataclass(frozen=True)
class Schedule(FormulaEntry):
    """One schedule: the learning rate of a step as a formula, with its parameters."""

    symbols = frozenset({"eta", "t", "T", "epoch", "plateaus"})

    @property
    def waits_for_plateau(self) -> bool:
        """Whether the training loop must count plateaus for this schedule."""
        return "plateaus" in self.formula.symbols

    def rates(
        self, eta: float, t: Array, total: int, epoch: int, plateaus: int, warmup: int, xp: Namespace
    ) -> Array:
        """Return the learning rates of the steps ``t`` (an array of step numbers), of t's shape.

        During the first ``warmup`` steps the rate is eta (t + 1) / warmup instead, where that is smaller.
        """
        values = {
            "eta": eta,
            "t": t,
            "T": float(max(total, 1)),
            "epoch": float(epoch),
            "plateaus": float(plateaus),
        }
        rates = self.formula.evaluate_like({**values, **self.parameters}, t, xp)
        return xp.minimum(rates, eta * (t + 1) / warmup) if warmup else rates


def schedule(spec: str | Schedule) -> Schedule:
    """Return the schedule of a name with or without parameters, such as ``step(every=10, gamma=0.5)``.

    Raises SettingsError for an unknown name or parameter.
    """
    if isinstance(spec, Schedule):
        return spec
    record = named(spec, SCHEDULES, "schedule")
    for key, value in record.parameters.items():
        if value < 0 or (key in ("every", "patience") and value < 1):
            raise SettingsError(f"schedule {record.name}: {key}={value:g} is too small")
    return record


@dataclass(frozen=True)
class Strength(FormulaEntry):
    """How strong dropout and decoupled weight decay are as training goes on: the factor of both.

    A formula in ``t``, the share of training that is done: 0 at first, 1 at the end.
    """

    symbols = frozenset({"t"})

    def at(self, t: Array, xp: Namespace) -> Array:
        """Return the factor for the share of training ``t``, of t's shape."""
        return self.formula.evaluate_like({"t": t}, t, xp)


def strength(spec: str | Strength) -> Strength:
    """Return the schedule of regularization of a name; raises SettingsError for an unknown one."""
    return named(spec, STRENGTHS, "regularization schedule")


# Sources: inverse scaling: Robbins & Monro 1951 (the power 1/2 as scikit-learn has it); cosine: Loshchilov &
# Hutter 2017; coslog4 (four rises and falls, ever longer): Holzmüller et al. 2024, section 3.
SCHEDULES: Mapping[str, Schedule] = records(
    Schedule("constant", "eta"),
    Schedule("step", "eta*gamma^floor(epoch/every)", parameters={"gamma": 0.5, "every": 30.0}),
    Schedule("inverse_scaling", "eta/(t+1)^power", parameters={"power": 0.5}),
    Schedule("cosine", "eta*(1+cos(pi*t/T))/2"),
    Schedule("coslog4", "eta*(1-cos(2*pi*log2(1+15*t/T)))/2"),
    Schedule("plateau", "eta*factor^plateaus", parameters={"factor": 0.5, "patience": 5.0}),
)

# Source: flat_cosine: Holzmüller et al. 2024, section 3, after a schedule in Wright's Ranger optimizer.
STRENGTHS: Mapping[str, Strength] = records(
    Strength("constant", "1"), Strength("flat_cosine", "where(t < 1/2, 1, (1+cos(pi*(2*t-1)))/2)")
)
"""The schedules of regularization."""
