"""What an engine is: the flat parameter layout, the data and settings of a run, and the protocol.

An engine trains K member networks of one shape in one call. All parameters of a member lie in one row of an
array (k, p), layer by layer (a feature stage, layer 0, first), W before b, each in C order: `Layout` finds every
array in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from chainrule._types import Array, FloatArray, IntArray
from chainrule.equations.features import DECAYED as STAGE_WEIGHTS
from chainrule.equations.network import Network
from chainrule.equations.optimizers import Optimizer, optimizer
from chainrule.equations.sharing import check_sharing, expand, fold, shared_shapes
from chainrule.errors import SettingsError


class Slot(NamedTuple):
    """Where one array lies in the flat parameters: layer (1-based; 0: the feature stage), name, start, and shape."""

    layer: int
    name: str
    start: int
    shape: tuple[int, ...]

    @property
    def stop(self) -> int:
        """The index after the last of its numbers."""
        return self.start + math.prod(self.shape)


def decays(slot: Slot) -> bool:
    """Tell whether penalties and decay are about an array: weights have them, biases don't."""
    return slot.name in STAGE_WEIGHTS if slot.layer == 0 else slot.name == "W"


class Layout:
    """The flat layout of a network's parameters, and the masks that go with it.

    ``decayed`` (p,) is 1 at weights and 0 at biases; ``free`` (p,) is 0 at frozen parameters; ``rates`` (p,) are
    factors of the learning rate, and ``rated`` says whether any of them isn't 1.
    """

    def __init__(self, network: Network) -> None:
        self._lay_out(network, network.shapes())
        for number, layer in enumerate(network.layers, 1):
            for address in layer.frozen:
                self.free[self._frozen(number, address)] = 0.0

    def _lay_out(self, network: Network, of_layers: Sequence[Mapping[str, tuple[int, ...]]]) -> None:
        slots: list[Slot] = []
        start = 0
        shapes_of = list(enumerate(of_layers, 1))
        if network.features is not None:
            # Its shapes are item -1: it is layer 0, and comes first.
            shapes_of = [(0, shapes_of[-1][1]), *shapes_of[:-1]]
        for number, shapes in shapes_of:
            for name, shape in shapes.items():
                slots.append(Slot(number, name, start, shape))
                start = slots[-1].stop
        self.network = network
        self.slots = tuple(slots)
        self.size = start
        self.decayed = np.zeros(start)
        self.free = np.ones(start)
        self.rates = np.ones(start)
        for slot in slots:
            self.decayed[slot.start : slot.stop] = decays(slot)
            factors = dict(network.layers[slot.layer - 1].rates)
            if slot.layer == 0 and network.features is not None:
                factors = {slot.name: network.features.rate(slot.name)}
            self.rates[slot.start : slot.stop] = factors.get(slot.name, 1.0)
        self.rated = bool((self.rates != 1).any())

    def etas(self, eta: float) -> FloatArray | float:
        """Return the learning rate of each parameter (p,), or the one number where no factor differs from 1."""
        return eta * self.rates if self.rated else eta

    def slot(self, layer: int, name: str) -> Slot:
        """Return the slot of one array; raises KeyError where there is none."""
        for slot in self.slots:
            if slot.layer == layer and slot.name == name:
                return slot
        raise KeyError(f"{name}[{layer}]")

    def unflatten(self, flat: Array) -> list[dict[str, Array]]:
        """Return views of ``flat`` (…, p) as arrays by name for each layer, leading axes kept."""
        layers: list[dict[str, Array]] = [{} for _ in self.network.shapes()]
        for slot in self.slots:
            part = flat[..., slot.start : slot.stop]
            layers[slot.layer - 1][slot.name] = part.reshape(*flat.shape[:-1], *slot.shape)
        return layers

    def flatten(self, arrays: Sequence[Mapping[str, Array]]) -> FloatArray:
        """Return the arrays (…, *shape) of each layer as one array (…, p)."""
        parts = []
        for slot in self.slots:
            array = np.asarray(arrays[slot.layer - 1][slot.name])
            parts.append(array.reshape(*array.shape[: array.ndim - len(slot.shape)], -1))
        return np.concatenate(parts, axis=-1)

    def address(self, index: int) -> str:
        """Return the address of a flat index, 1-based as in the formulas: ``W[2][1,3]`` or ``b[2][1]``."""
        for slot in self.slots:
            if slot.start <= index < slot.stop:
                place = np.unravel_index(index - slot.start, slot.shape)
                return f"{slot.name}[{slot.layer}][{','.join(str(i + 1) for i in place)}]"
        raise IndexError(f"the network has {self.size} parameters, so there is no parameter {index}")

    def layer_not_finite(self, flat: FloatArray) -> int | None:
        """Return the first layer (1-based) with a number in ``flat`` (p,) that is not finite, None if there is none."""
        for slot in self.slots:
            if not np.isfinite(flat[slot.start : slot.stop]).all():
                return slot.layer
        return None

    def _frozen(self, number: int, address: str) -> slice | int:
        match = re.fullmatch(r"\s*(\w+)\s*(?:\[([\d\s,]+)\])?\s*", address)
        try:
            if match is None:
                raise KeyError(address)
            slot = self.slot(number, match[1])
            if match[2] is None:
                return slice(slot.start, slot.stop)
            place = tuple(int(part) - 1 for part in match[2].split(","))
            if min(place) < 0:
                raise ValueError(address)
            return slot.start + int(np.ravel_multi_index(place, slot.shape))
        except (KeyError, ValueError) as error:
            has = ", ".join(f"{s.name} {s.shape}" for s in self.slots if s.layer == number)
            raise SettingsError(
                f"frozen {address!r}: layer {number} has {has}; write W, b, W[1,2] or b[1]"
            ) from error


class SharedLayout(Layout):
    """The flat layout (q,) of what members that share are made of: W, r, s and b of each layer, then of the next.

    ``decayed`` is 1 at the shared weights and at the weights of the members' own last layers. Raises SettingsError for
    what can't be shared (`shared_shapes`).
    """

    def __init__(self, network: Network, members: int) -> None:
        self._lay_out(network, shared_shapes(network, members))
        self.members = members
        self.ordinary = Layout(network)

    @classmethod
    def of_theta(cls, network: Network, theta: FloatArray) -> SharedLayout:
        """Return the layout of ``theta`` (1, q), whose size says how many members there are.

        Raises SettingsError where it is of no number of members.
        """
        two, three = cls(network, 2), cls(network, 3)
        more, rest = divmod(np.size(theta) - two.size, three.size - two.size)
        if np.ndim(theta) != 2 or len(theta) != 1 or rest or more < 0:
            raise SettingsError(
                f"parameters of shape {np.shape(theta)} don't fit members that share: give initial_parameters(…, "
                'sharing="tabm"), or leave sharing out'
            )
        return cls(network, 2 + more)

    def expand(self, theta: FloatArray) -> FloatArray:
        """Return the parameters (k, p) of ordinary members from what they share and have (q,)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.ordinary.flatten(expand(self.unflatten(theta), np))

    def fold(self, gradients: FloatArray, theta: FloatArray) -> FloatArray:
        """Return the gradient (q,) of the members' mean cost from the members' own gradients (k, p)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.flatten(fold(self.ordinary.unflatten(gradients), self.unflatten(theta), np))


def check_all_active(active: Sequence[int], members: int) -> None:
    """Raise SettingsError where only some of the members that share are to make a step."""
    if sorted(active) != list(range(members)):
        raise SettingsError(
            f"members that share go together: all {members} or none can be active, not {len(active)}"
        )


def updated_layout(network: Network, members: int, sharing: str) -> Layout:
    """Return the layout of what an optimizer updates: a member's parameters, or what members that share are made of."""
    return Layout(network) if sharing == "none" else SharedLayout(network, members)


@dataclass(frozen=True)
class StepSettings:
    """What happens in every step besides forward and backward.

    ``l1`` and ``l2`` are penalties in the cost, ``weight_decay`` is decoupled, ``clip_norm`` is the longest
    gradient (None: no limit), ``shuffle`` draws a new order of rows for every epoch and member, ``seed`` keys
    that order and the dropout masks. ``sharing``: "tabm" lets the members share their hidden layers' weights
    (`SharedLayout`).
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
        check_sharing(self.sharing)
        if self.sharing != "none" and not self.optimizer.lines:
            raise SettingsError(
                f"{self.optimizer.name} minimizes each member's cost alone, so members can't share: leave sharing out, "
                "or choose another --optimizer"
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
        return (
            f"training diverged in step {self.step}: layer {self.layer} is no longer finite "
            f"(largest gradient {self.largest_gradient:.3g}, learning rate {self.learning_rate:g}); "
            "lower --learning-rate, set --clip-norm, or scale the inputs"
        )


class EpochReport(NamedTuple):
    """An epoch's training loss of each member (k,), and who diverged.

    The loss is that of the epoch's steps: the rows' weighted mean, or their sum where that is the network's
    reduction; NaN for members left out.
    """

    losses: FloatArray
    diverged: dict[int, Divergence]


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
    shapes = {
        name: np.shape(array) for name, array in (("parameters", state.parameters), *state.arrays.items())
    }
    for name, shape in shapes.items():
        if shape != (members, layout.size):
            raise SettingsError(f"the state's {name} are {shape}, but {(members, layout.size)} is needed")
    if np.shape(state.steps) != (members,):
        raise SettingsError(f"the state's steps are {np.shape(state.steps)}, but {(members,)} is needed")


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


class Engine(Protocol):
    """Runs the equations."""

    name: str
    dtype: Any

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
