"""What an engine is: the flat parameter layout, the data and settings of a run, and the protocol.

An engine trains K member networks of one shape in one call. All parameters of a member lie in one row of an
array (k, p), layer by layer (a feature stage, layer 0, first), W before b, each in C order: `Layout` finds every
array in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray, IntArray
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import Optimizer, optimizer
from chainrule.equations.registry import check_choice
from chainrule.equations.sharing import SHARINGS
from chainrule.errors import SettingsError


def check_all_active(active: Sequence[int], members: int) -> None:
    """Raise SettingsError where only some of the members that share are to make a step."""
    if sorted(active) != list(range(members)):
        raise SettingsError(
            f"members that share go together: all {members} or none can be active, not {len(active)}"
        )


@dataclass(frozen=True)
class StepSettings:
    """What happens in every step besides forward and backward.

    ``l1`` and ``l2`` are penalties in the cost, ``weight_decay`` is decoupled, ``clip_norm`` is the longest
    gradient (None: no limit), ``shuffle`` draws a new order of rows for every epoch and member, ``seed`` keys
    that order and the dropout masks. ``sharing``: "tabm" lets the members share their hidden layers' weights
    (`TabMLayout`).
    """

    optimizer: Optimizer = field(default_factory=lambda: optimizer("adam"))
    batch_size: int = 32
    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float = 0.0
    clip_norm: float | None = None
    shuffle: bool = True
    seed: int = 0
    sharing: str = "none"

    def __post_init__(self) -> None:
        check_choice("sharing", self.sharing, SHARINGS)
        if self.sharing != "none" and self.optimizer.searches:
            raise SettingsError(
                f"{self.optimizer.name} minimizes each member's cost alone, so members can't share: "
                f"leave {setting('sharing')} out, or choose another {setting('optimizer')}"
            )


@dataclass(frozen=True)
class Data:
    """The rows of a run: inputs ``x`` (n, d), targets ``y`` (n, n_out), and row weights (n,) or None.

    ``train`` and ``validation`` are indices of rows, (m,) for all members or (k, m) for each its own;
    ``validation`` may be empty.
    """

    x: FloatArray
    y: FloatArray
    train: IntArray
    validation: IntArray
    weights: FloatArray | None = None


def check_rates(rates: FloatArray, steps: int) -> None:
    """Raise SettingsError where there isn't a learning rate for each of some steps of an epoch."""
    if not 0 < len(rates) <= steps:
        raise SettingsError(
            f"{len(rates)} learning rates don't fit an epoch of {steps} steps: give one for each"
        )


def of_member(rows: IntArray, member: int) -> IntArray:
    """Return a member's line of rows (k, m), or the rows (m,) that all have."""
    return rows if rows.ndim == 1 else rows[member]


def check_lines(data: Data, members: int) -> None:
    """Raise SettingsError where rows of their own are given to another number of members."""
    for name, rows in (("training", data.train), ("validation", data.validation)):
        if rows.ndim > 1 and len(rows) != members:
            raise SettingsError(f"there are {name} rows for {len(rows)} members, but {members} are trained")


class Divergence(NamedTuple):
    """Where a member's loss or parameters stopped being finite."""

    step: int
    layer: int
    largest_gradient: float
    learning_rate: float

    def __str__(self) -> str:
        return self.told("the inputs")

    def told(self, large: str) -> str:
        """Say it, with what to do; ``large`` is what may have to be scaled."""
        return (
            f"training diverged in step {self.step}: layer {self.layer} is no longer finite "
            f"(largest gradient {self.largest_gradient:.3g}, learning rate {self.learning_rate:g}); "
            f"lower {setting('learning_rate')}, set {setting('clip_norm')}, or scale {large}"
        )


class EpochReport(NamedTuple):
    """An epoch's training loss of each member (k,), who diverged, and each member's ``steepest`` (k,), where it is known.

    The loss is that of the epoch's steps: the rows' weighted mean, or their sum where that is the network's
    reduction; NaN for members left out. ``steepest`` is the largest absolute number of the gradient in the epoch's last
    step, the gradient's maximum norm: that of the cost without penalties, with them (and 0 where parameters are frozen)
    where it is measured to be clipped.
    """

    losses: FloatArray
    diverged: dict[int, Divergence]
    steepest: FloatArray | None = None


class RunState(NamedTuple):
    """What a training needs to be gone on with: parameters (k, p), optimizer state by name (k, p), steps made (k,).

    Of members that share it is the one row that is updated, (1, q).
    """

    parameters: FloatArray
    arrays: Mapping[str, FloatArray]
    steps: IntArray


def check_resumable(state: RunState, layout: Layout, method: Optimizer) -> None:
    """Raise SettingsError where a state isn't one of this layout and optimizer."""
    members = len(state.parameters)
    if set(state.arrays) != set(method.state):
        raise SettingsError(
            f"the state has {', '.join(sorted(state.arrays)) or 'nothing'}, but {method.name} goes on from "
            f"{', '.join(sorted(method.state)) or 'nothing'}"
        )
    for name, array in {"parameters": state.parameters, **state.arrays, "steps": state.steps}.items():
        shape = (members,) if name == "steps" else (members, layout.size)
        if np.shape(array) != shape:
            raise SettingsError(f"the state's {name} are {np.shape(array)}, but {shape} is needed")


class Run(Protocol):
    """One training in progress: the parameters (k, p) and the optimizer's state, moved on epoch by epoch."""

    @property
    def parameters(self) -> FloatArray:
        """The current parameters, (k, p); a copy is taken by who wants to keep them."""

    @property
    def updated(self) -> FloatArray:
        """What the optimizer updates: the parameters (k, p), or of members that share the one row (1, q)."""

    @property
    def steps_per_epoch(self) -> int:
        """The number of updates in an epoch."""

    def train_epoch(
        self, epoch: int, learning_rates: FloatArray, active: Sequence[int], strength: float = 1.0
    ) -> EpochReport:
        """Move the ``active`` members through one epoch; ``learning_rates`` has one number a step.

        ``strength`` multiplies the dropout probabilities and the weight decay.

        With fewer numbers only so many steps are made; then the epoch can't be gone on with. Members that share go all
        together: raises SettingsError where only some are active.
        """

    def state(self) -> RunState:
        """Return a copy of the parameters and the optimizer's state, to go on from with `Engine.start`."""

    def working(self) -> AbstractContextManager[None]:
        """Return a context for many short calls: what each would set up for itself is set up once."""

    def losses(self, rows: IntArray) -> FloatArray:
        """Return each member's loss (k,) on the given rows: no dropout, no penalty, hard labels.

        Here and below ``rows`` are (n,), or (k, n) for each member its own.
        """

    def outputs(self, rows: IntArray) -> FloatArray:
        """Return each member's outputs on the given rows, (k, n, n_out)."""

    def weighted_sums(self, rows: IntArray) -> FloatArray:
        """Return each member's z of the output layer on the given rows, (k, n, n_out)."""

    def loss_and_gradient(self, member: int, flat: FloatArray) -> tuple[float, FloatArray]:
        """Return the cost with penalties on all training rows and its gradient (p,), for L-BFGS."""


class RowPredictor(Protocol):
    """A network bound to its buffers: the members' mean output for one encoded row."""

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return the mean output (n_out,) for the row ``x`` (d,) of the engine's dtype; raises SettingsError for another."""


class Job(NamedTuple):
    """Something to compile: what it is called, and the function that has it compiled."""

    name: str
    run: Callable[[], Any]


class WarmUp(NamedTuple):
    """What an engine can do before anybody needs it: the ``jobs``, and how many of them were ``compiled`` so far.

    ``folders`` are where that is kept, None for one that can't be written.
    """

    jobs: Callable[[], Sequence[Job]]
    compiled: Callable[[], int]
    folders: Sequence[Path | None]


class Engine(Protocol):
    """Runs the equations, in its dtype and on up to so many threads."""

    name: str
    dtype: Any
    threads: int

    def start(
        self,
        network: Network,
        parameters: FloatArray,
        data: Data,
        settings: StepSettings,
        resume: RunState | None = None,
    ) -> Run:
        """Begin a training of ``parameters`` (k, p), which are copied; of members that share, of the row (1, q).

        ``resume``: go on from that state, whose parameters are then taken; raises SettingsError where it doesn't fit.
        """

    def predict(self, network: Network, parameters: FloatArray, x: FloatArray) -> FloatArray:
        """Return each member's outputs (k, n, n_out) for rows ``x`` (n, d)."""

    def row_predictor(self, network: Network, parameters: FloatArray) -> RowPredictor:
        """Return the shortest way from one row to the members' mean output."""

    def warm_up(self) -> WarmUp:
        """Return what can be compiled ahead of time, perhaps nothing."""

    def machine(self) -> Mapping[str, str]:
        """Return what the bits of its numbers depend on besides the dtype: processor, libraries and versions, by name."""


class MakesEngine(Protocol):
    """An engine's class; ``dtype`` and ``threads`` are its own choice where None."""

    def __call__(self, dtype: Any = None, threads: int | None = None) -> Engine:
        """Return the engine; raises SettingsError for a dtype or a number of threads that it doesn't have."""
