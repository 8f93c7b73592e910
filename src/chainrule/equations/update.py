"""What a step makes of a gradient: a chain of named stages, each a line of formula, then the optimizer's own lines.

In a stage's formula ``g`` is a parameter's gradient as the stages before it left it, ``w`` the parameter, ``start`` what it
was before the step, and ``eta`` its learning rate; ``decayed`` is 1 for weights and 0 for biases, ``free`` 0 for a frozen
parameter and else 1, ``norm`` the length of the whole gradient where a stage measures it. `STAGES` is the only list: adding
one there is all that engines and explanation need.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from chainrule._types import Array, FloatArray, Namespace
from chainrule.equations.layout import Layout
from chainrule.equations.optimizers import Optimizer, OptimizerState
from chainrule.equations.regularizers import PENALTY_SLOPE
from chainrule.formula.evaluate import Formula
from chainrule.formula.parse import parse

KNOWN = ("w", "g", "start", "eta", "free", "decayed", "norm")
"""What a stage's formula may name besides the numbers of the settings."""


class Choices(Protocol):
    """The settings of a step: the optimizer, and the numbers that the stages name."""

    @property
    def optimizer(self) -> Optimizer:
        """Whose lines end the chain."""


@dataclass(frozen=True)
class Stage:
    """One stage: the formula of what it ``sets``, which is addressed as ``result``; several in a row may share a result.

    ``numbers`` are names in the formula, each with the setting it is; a stage with any acts where one of them is given and
    not 0, one about ``free`` where something is frozen. The regularization's schedule multiplies those in ``scheduled``.
    A stage that ``measures`` needs ``norm``, and does nothing where that is at most its ``limit``. In an explanation
    ``what`` says what its result is, with {} for the parameter, ``words`` what it did, ``idle`` that it did nothing
    (``idle_at``: for some kinds of parameter), ``frozen`` that the parameter is frozen, and ``within``, which names the
    numbers in braces, that the norm is below the limit.
    """

    name: str
    result: str
    sets: Literal["g", "w"]
    formula: Formula
    what: str
    words: str
    idle: str = "nothing changes"
    numbers: tuple[tuple[str, str], ...] = ()
    scheduled: tuple[str, ...] = ()
    measures: bool = False
    idle_at: tuple[tuple[str, str], ...] = ()
    frozen: str = ""
    within: str = ""

    def acts(self, settings: Choices, *, freezes: bool) -> bool:
        """Tell whether the stage does anything in a step with these settings."""
        if "free" in self.formula.symbols:
            return freezes
        return not self.numbers or any(self.values(settings).values())

    def values(self, settings: Choices, strength: float = 1.0) -> dict[str, float]:
        """Return the settings' numbers by their names in the formula, 0 where there is none; ``strength`` by its schedule."""
        given = {name: getattr(settings, setting) or 0.0 for name, setting in self.numbers}
        return {name: value * strength if name in self.scheduled else value for name, value in given.items()}

    def run(self, values: Mapping[str, Any], xp: Namespace) -> dict[str, Array]:
        """Return what the stage sets, by name, from the values of its formula's names."""
        return {self.sets: self.formula.evaluate(values, xp)}


def _formula(text: str, *numbers: str) -> Formula:
    return parse(text, {*KNOWN, *numbers})


PENALIZE = Stage(
    "penalize",
    "penalized",
    "g",
    _formula(f"g + ({PENALTY_SLOPE})*decayed", "l1", "l2"),
    "the derivative by {} with the penalties' part",
    "gradient, plus the slope of the penalty",
    "no penalty is about it",
    (("l1", "l1"), ("l2", "l2")),
)
"""The slope of the penalties, which only weights have."""

FREEZE = Stage(
    "freeze", "penalized", "g", _formula("g*free"), PENALIZE.what, "frozen: training leaves it alone"
)
"""A frozen parameter has no gradient."""

CLIP = Stage(
    "clip",
    "g",
    "g",
    _formula("g*min(1, limit/norm)", "limit"),
    "the gradient that the optimizer gets for {}",
    "clipping: a gradient longer than the limit is shortened to it",
    "nothing is clipped",
    (("limit", "clip_norm"),),
    measures=True,
    within="the gradient is no longer than clip_norm = {limit:g}, and stays",
)
"""Clipping by norm (Pascanu et al. 2013): a gradient longer than ``limit`` is shortened to it."""

DECAY = Stage(
    "decay",
    "decayed",
    "w",
    _formula("w - eta*(decay*decayed)*w", "decay"),
    "{} after weight decay, before the update",
    "weight decay: the weight shrinks",
    "nothing decays",
    (("decay", "weight_decay"),),
    ("decay",),
    idle_at=(("bias", "biases don't decay"), ("mix", "a mix doesn't decay")),
    frozen="frozen: nothing decays",
)
"""Decoupled weight decay (Loshchilov & Hutter 2019): w shrinks by eta · decay before the optimizer's update."""

STAGES: tuple[Stage, ...] = (PENALIZE, FREEZE, CLIP, DECAY)
"""The stages before the optimizer's lines, in order."""

KEEP = Stage("keep", "new", "w", _formula("where(free > 0, w, start)"), "{} after the update", FREEZE.words)
"""After the optimizer's lines a frozen parameter is what it was."""

Chain = tuple[Stage | Optimizer, ...]
"""The stages that act in a step; the optimizer, whose lines run as a stage's line does, is one of them."""


def chain(settings: Choices, *, freezes: bool) -> Chain:
    """Return the stages that act in a step with these settings; ``freezes``: some parameters are frozen."""
    return chain_of(
        settings.optimizer, [stage.name for stage in (*STAGES, KEEP) if stage.acts(settings, freezes=freezes)]
    )


def chain_of(optimizer: Optimizer, names: Collection[str]) -> Chain:
    """Return the chain of the stages with these names and the optimizer's lines."""
    stages: Chain = (*STAGES, optimizer, KEEP)
    return tuple(stage for stage in stages if stage is optimizer or stage.name in names)


def measures(stages: Chain) -> bool:
    """Tell whether one of the stages measures the gradient."""
    return any(isinstance(stage, Stage) and stage.measures for stage in stages)


def split_at_norm(stages: Chain) -> tuple[Chain, Chain]:
    """Return the stages before the one that measures the gradient, and the others; without one all are others."""
    at = next((i for i, stage in enumerate(stages) if isinstance(stage, Stage) and stage.measures), 0)
    return stages[:at], stages[at:]


def run_chain(stages: Chain, values: Mapping[str, Any], xp: Namespace) -> dict[str, Any]:
    """Return the values as the stages leave them: new ``g``, ``w`` and optimizer state among them."""
    known = dict(values)
    for stage in stages:
        known.update(stage.run(known, xp))
    return known


def stages_of(result: str) -> tuple[Stage, ...]:
    """Return the stages whose result has this name."""
    return tuple(stage for stage in (*STAGES, KEEP) if stage.result == result)


def results(sets: str) -> list[str]:
    """Return the names of the results that set ``g`` or ``w`` before the optimizer's lines, in order, each once."""
    return list(dict.fromkeys(stage.result for stage in STAGES if stage.sets == sets))


def stages_before(result: str = "") -> list[Stage]:
    """Return the stages before those with a result, or all before the optimizer's lines."""
    return list(takewhile(lambda stage: stage.result != result, STAGES))


def measuring() -> Stage:
    """Return the stage that measures the gradient."""
    return next(stage for stage in STAGES if stage.measures)


def numbers(settings: Choices, strength: float = 1.0) -> dict[str, float]:
    """Return the numbers of all stages by their names in the formulas, multiplied by ``strength`` where scheduled."""
    return {n: value for stage in STAGES for n, value in stage.values(settings, strength).items()}


def norm_of(g: Array, limit: float, xp: Namespace) -> Array:
    """Return the Euclidean norm of ``g`` (…, p) over the last axis (…, 1), and at least ``limit``."""
    # The squares of a long gradient would overflow, those of a short one vanish: they are taken of g / its
    # largest part. Where that is 0 or not finite, g stays what it is.
    largest = xp.max(xp.abs(g), axis=-1, keepdims=True)
    unit = xp.where((largest > 0) & (largest < float("inf")), largest, xp.ones_like(largest))
    norm = unit * xp.sqrt(xp.sum((g / unit) ** 2, axis=-1, keepdims=True))
    # A gradient of norm 0 needs no division by it.
    return xp.maximum(norm, xp.full_like(norm, limit))


def _known(
    layout: Layout, flat: FloatArray, gradient: FloatArray, settings: Choices, strength: float = 1.0
) -> dict[str, Any]:
    arrays = {"w": flat, "g": gradient, "free": layout.free, "decayed": layout.decayed}
    return {**arrays, **numbers(settings, strength)}


class Updated(NamedTuple):
    """What a chain made of a gradient: each stage's result by its name, the optimizer's lines, what is new; arrays (p,).

    A stage that doesn't act passes on what the one before it left.
    """

    stages: dict[str, FloatArray]
    lines: dict[str, FloatArray]
    parameters: FloatArray
    state: OptimizerState


def updated(
    layout: Layout,
    flat: FloatArray,
    gradient: FloatArray,
    state: OptimizerState,
    settings: Choices,
    eta: float,
    strength: float = 1.0,
) -> Updated:
    """Return the update of ``flat`` (p,) by its ``gradient`` (p,), stage by stage.

    ``eta`` is the step's learning rate, which ``layout.rates`` multiply; ``strength`` multiplies what is scheduled.
    """
    acting = chain(settings, freezes=not layout.free.all())
    t = state.t + 1
    known = _known(layout, flat, gradient, settings, strength)
    known |= {"start": flat, "t": t * 1.0, **settings.optimizer.parameters, **state.arrays}
    made: dict[str, FloatArray] = {}
    with np.errstate(all="ignore"):
        known["eta"] = layout.etas(eta)
        for stage in STAGES:
            if stage in acting:
                if stage.measures:
                    known["norm"] = norm_of(known["g"], known["limit"], np)
                if stage.sets == "w":
                    known["decayed"] = layout.decayed * layout.free
                known.update(stage.run(known, np))
            made[stage.result] = known[stage.sets]
        lines = settings.optimizer.run(known, np)
        known.update(lines)
        if KEEP in acting:
            known.update(KEEP.run(known, np))
    new = OptimizerState(t, {name: known[name] for name in state.arrays})
    return Updated(made, lines, known["w"], new)


def ready_gradient(layout: Layout, flat: FloatArray, gradient: FloatArray, settings: Choices) -> FloatArray:
    """Return the gradient (p,) with what the stages make of it that need no norm: penalties added, 0 where frozen."""
    known = _known(layout, flat, gradient, settings)
    for stage in STAGES:
        if stage.sets == "g" and not stage.measures and stage.acts(settings, freezes=True):
            known.update(stage.run(known, np))
    return np.asarray(known["g"])
