"""Optimizers: each is a few lines of formula, and those lines are what runs.

In the lines ``w`` is a parameter, ``g`` its gradient, ``eta`` the learning rate, ``t`` the number of this
update (1, 2, …); other names are the optimizer's own state, which starts at 0, and intermediate results.
`OPTIMIZERS` is the only list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from chainrule._kept import cached_property
from chainrule._types import Array, Namespace
from chainrule.equations.registry import Entry, named, records
from chainrule.errors import SettingsError
from chainrule.formula.evaluate import Formula
from chainrule.formula.parse import parse


class OptimizerState(NamedTuple):
    """The number of updates made, and the state arrays by name, each of the parameters' shape."""

    t: int
    arrays: dict[str, Array]


@dataclass(frozen=True)
class Optimizer(Entry):
    """One optimizer: its state's names and its lines (name, formula), evaluated in order; the last sets ``w``.

    ``whole`` marks methods that see the whole table in each update; ``learning_rate`` and ``weight_decay``
    are the defaults; ``momentum`` names the parameter that the word momentum sets.
    """

    name: str
    lines: tuple[tuple[str, str], ...]
    state: tuple[str, ...] = ()
    parameters: Mapping[str, float] = field(default_factory=dict)
    learning_rate: float = 0.1
    weight_decay: float = 0.0
    whole: bool = False
    momentum: str | None = None

    __hash__ = Entry.__hash__  # a dataclass would hash its fields

    @property
    def searches(self) -> bool:
        """Whether it minimizes the cost by a search of its own (L-BFGS): it has no lines, and makes no single steps."""
        return not self.lines

    @cached_property
    def formulas(self) -> tuple[tuple[str, Formula], ...]:
        """The lines as formulas, each knowing only the names set before it."""
        known = {"w", "g", "eta", "t", *self.state, *self.parameters}
        made = []
        for name, text in self.lines:
            made.append((name, parse(text, known)))
            known.add(name)
        return tuple(made)

    def init(self, w: Array, xp: Namespace) -> OptimizerState:
        """Return the state before the first update of parameters ``w``."""
        return OptimizerState(0, {name: xp.zeros_like(w) for name in self.state})

    def update(
        self, w: Array, g: Array, state: OptimizerState, eta: Array | float, xp: Namespace
    ) -> tuple[Array, OptimizerState, dict[str, Array]]:
        """Return the new parameters, the new state, and every line's result by name, for the gradient ``g``.

        ``eta`` is one learning rate, or one for each parameter.

        Without lines (L-BFGS) the parameters stay.
        """
        t = state.t + 1
        # t · 1.0 and not float(t), since a state that passes through jax.jit holds t as an array.
        made = self.run({"w": w, "g": g, "eta": eta, "t": t * 1.0, **self.parameters, **state.arrays}, xp)
        return made.get("w", w), OptimizerState(t, {name: made[name] for name in self.state}), made

    def run(self, values: Mapping[str, Array | float], xp: Namespace) -> dict[str, Array]:
        """Return every line's result by name, from values for w, g, eta, t, the parameters and the state before."""
        known = dict(values)
        for name, formula in self.formulas:
            known[name] = formula.evaluate(known, xp)
        return {name: known[name] for name, _ in self.lines}


def optimizer(spec: str | Optimizer) -> Optimizer:
    """Return the optimizer of a name with or without parameters.

    >>> optimizer("adam(beta1=0.95)").parameters["beta1"]
    0.95

    Raises SettingsError for an unknown name or parameter, or a parameter outside [0, 1).
    """
    if isinstance(spec, Optimizer):
        return spec
    record = named(spec, OPTIMIZERS, "optimizer")
    for key, value in record.parameters.items():
        if not 0 <= value < 1:
            raise SettingsError(
                f"optimizer {record.name}: {key}={value:g} must be at least 0 and less than 1"
            )
    return record


_DESCENT = (("w", "w - eta*g"),)
_VELOCITY = ("velocity", "mu*velocity - eta*g")
_ADAM = (
    ("m", "beta1*m + (1-beta1)*g"),
    ("v", "beta2*v + (1-beta2)*g^2"),
    ("m_hat", "m/(1-beta1^t)"),
    ("v_hat", "v/(1-beta2^t)"),
    ("w", "w - eta*m_hat/(sqrt(v_hat) + epsilon)"),
)
# The order of computation that the paper's section 2 ends with: its epsilon hat isn't corrected for the start.
_ADAM_EPSILON_HAT = (*_ADAM[:2], ("w", "w - eta*sqrt(1-beta2^t)/(1-beta1^t)*m/(sqrt(v) + epsilon)"))
_OF_ADAM: dict[str, Any] = {
    "state": ("m", "v"),
    "parameters": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    "learning_rate": 0.001,
    "momentum": "beta1",
}
_OF_MOMENTUM: dict[str, Any] = {
    "state": ("velocity",),
    "parameters": {"mu": 0.9},
    "learning_rate": 0.05,
    "momentum": "mu",
}

# Sources: perceptron: Rosenblatt 1958 (its rule w + eta (y - a) x is descent on the perceptron criterion,
# whose delta is a - y); momentum: Polyak 1964 in the form of Sutskever et al. 2013, like Nesterov's; RMSProp:
# Hinton 2012, lecture 6e; Adam: Kingma & Ba 2015, algorithm 1; AdamW: Loshchilov & Hutter 2019 (Adam with
# decoupled weight decay, which the step applies to any optimizer); L-BFGS: Liu & Nocedal 1989, run by SciPy:
# it has no line of its own.
OPTIMIZERS: Mapping[str, Optimizer] = records(
    Optimizer("perceptron", _DESCENT, learning_rate=1.0),
    Optimizer("gradient_descent", _DESCENT, learning_rate=0.5, whole=True),
    Optimizer("sgd", _DESCENT, learning_rate=0.1),
    Optimizer("momentum", (_VELOCITY, ("w", "w + velocity")), **_OF_MOMENTUM),
    Optimizer("nesterov", (_VELOCITY, ("w", "w + mu*velocity - eta*g")), **_OF_MOMENTUM),
    Optimizer(
        "rmsprop",
        (("s", "rho*s + (1-rho)*g^2"), ("w", "w - eta*g/(sqrt(s) + epsilon)")),
        ("s",),
        {"rho": 0.9, "epsilon": 1e-8},
        learning_rate=0.001,
    ),
    Optimizer("adam", _ADAM, **_OF_ADAM),
    Optimizer("adamw", _ADAM, **_OF_ADAM, weight_decay=0.01),
    Optimizer("adam_epsilon_hat", _ADAM_EPSILON_HAT, **_OF_ADAM),
    Optimizer("lbfgs", (), learning_rate=1.0, whole=True),
)
