"""The trace: every number of a prediction or of training steps of one member, found by its address.

It holds what the reference engine's `take_step` returned, in float64, and the same engine's numbers for the cost
after the update; it computes no network mathematics of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule._types import Array, FloatArray
from chainrule.engines.base import Layout, StepSettings
from chainrule.engines.reference import Step, take_step
from chainrule.equations.losses import row_shares
from chainrule.equations.network import Gradients, Network, Parameters, Record
from chainrule.equations.optimizers import OptimizerState, optimizer
from chainrule.equations.regularizers import penalized, penalty
from chainrule.equations.schedules import Schedule
from chainrule.errors import SettingsError
from chainrule.explain.address import Address
from chainrule.tables.encode import InputValue
from chainrule.tables.target import TargetEncoder


@dataclass(frozen=True)
class Rate:
    """How the step's learning rate came about: the schedule with the numbers of its formula.

    ``base`` is the rate the schedule starts from, ``made`` the updates made so far, ``total`` those of the whole
    training, ``warmup`` the updates of the warm-up.
    """

    schedule: Schedule
    base: float
    made: int
    total: int
    epoch: int
    plateaus: int
    warmup: int


@dataclass(frozen=True)
class Update:
    """What a step did to the parameters; arrays are flat (p,), as `Layout` lays them out.

    ``raw`` is the gradient of the cost, ``penalized`` with the penalties' part and frozen parameters at 0, ``used``
    clipped as well; ``decayed`` the parameters after weight decay; ``lines`` the result of each of the optimizer's lines.
    """

    settings: StepSettings
    eta: float
    before: OptimizerState
    raw: FloatArray
    penalized: FloatArray
    used: FloatArray
    decayed: FloatArray
    lines: Mapping[str, FloatArray]
    after: OptimizerState
    parameters: FloatArray
    losses: FloatArray
    cost: float
    rate: Rate | None = None

    @property
    def t(self) -> int:
        """The number of the update, from 1."""
        return self.before.t + 1


@dataclass(frozen=True)
class StepTrace:
    """One step of one member, or one prediction: rows, forward, and where targets are known backward and update.

    ``rows`` are the rows' numbers in their table, from 1. ``slopes``, ``da`` and ``dh`` have an array (n, n_out) for
    each layer: f'(z) (None for softmax), dC/da and dC/dh. Of a model's prediction ``members`` (k, n, n_out) are all
    members' outputs and ``answers`` the prediction (n,) in the target's units or the probabilities (n, classes).
    ``inputs`` is the encoder's arithmetic for each row, where the rows come from a table.
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
    da: tuple[FloatArray, ...] = ()
    dh: tuple[FloatArray, ...] = ()
    update: Update | None = None
    members: FloatArray | None = None
    answers: FloatArray | None = None
    inputs: tuple[tuple[InputValue, ...], ...] | None = None


@dataclass(frozen=True)
class Trace:
    """Every number of one or more steps of one member network, by address.

    ``trace["dC/dW[2][1,3]"]`` is a float; with several rows or steps, say which: ``z[1][2]@row=4@step=7``. A
    derivative by a parameter is the sum over the rows, with ``@row`` that row's part. ``member`` counts from 1, and
    ``source`` says in plain data where the numbers come from.

    >>> from chainrule import Dense, Network
    >>> trace = trace_network(Network([2, Dense(1, "sigmoid")]), [{"W": [[0.5], [-1.0]], "b": [0.25]}], [[2.0, 1.0]], [[1.0]])
    >>> trace["z[1][1]"], round(trace["delta[1][1]"], 6)
    (0.25, -0.107678)
    """

    network: Network
    steps: tuple[StepTrace, ...]
    member: int = 1
    target: TargetEncoder | None = None
    source: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def layout(self) -> Layout:
        """The flat layout of the parameters."""
        return Layout(self.network)

    def __getitem__(self, address: str | Address) -> float:
        """Return the number at an address; raises SettingsError that says what exists."""
        place = self.resolve(address)
        if place.is_whole:
            raise SettingsError(f"{place} is a whole array: use trace.array, or name one of its numbers")
        return self.number(place)

    def array(self, address: str | Address) -> FloatArray:
        """Return a whole array: (n_in, n_out) of ``dC/dW[2]``, (n_out,) of ``z[2]``, (d,) of ``x``.

        Of several rows (n, n_out) and (n, d), unless ``@row`` names one.
        """
        return np.asarray(self._found(self.resolve(address)))

    def number(self, place: Address) -> float:
        """Return the number of an address that `resolve` gave."""
        found = self._found(place)
        return float(found[tuple(i - 1 for i in place.index)]) if place.index else float(found)

    def has(self, address: str | Address) -> bool:
        """Tell whether there is a number or array at an address."""
        try:
            self._found(self.resolve(address))
        except SettingsError:
            return False
        return True

    def step(self, place: Address) -> StepTrace:
        """Return the step that an address is about."""
        return next(step for step in self.steps if len(self.steps) == 1 or step.number == place.step)

    def resolve(self, address: str | Address) -> Address:
        """Return the address as this trace writes it: with step and row where there are several.

        Raises SettingsError for a place that isn't there, and says what is.
        """
        given = Address.parse(address)
        step = self._step_of(given)
        place = replace(given, step=step.number if len(self.steps) > 1 else None)
        place = replace(place, row=self._row_of(given, step), member=self._member_of(given, step))
        self._check_place(place)
        return place

    def _step_of(self, given: Address) -> StepTrace:
        numbers = [step.number for step in self.steps]
        if given.step is None and len(self.steps) == 1:
            return self.steps[0]
        if given.step in numbers:
            return self.steps[numbers.index(given.step)]
        told = f"steps {_span(numbers)}" if numbers[0] else "a prediction, which is no training step"
        raise SettingsError(
            f"{given}: which step? this trace holds {told}"
            if given.step is None
            else f"{given}: there is no step {given.step}; this trace holds {told}"
        )

    def _row_of(self, given: Address, step: StepTrace) -> int | None:
        if given.row is not None and given.row not in step.rows:
            raise SettingsError(f"{given}: there is no row {given.row}; the step has rows {_span(step.rows)}")
        kind = given.quantity
        if len(step.rows) == 1:
            return None
        if kind.per_row and given.row is None and not given.is_whole:
            raise SettingsError(
                f"{given}: which row? the step has rows {_span(step.rows)}; write {given}@row={step.rows[0]}"
            )
        if not kind.per_row and kind.name not in ("dC/dW", "dC/db") and given.row is not None:
            raise SettingsError(f"{given}: {kind.words} is the same for all rows; leave out @row")
        return given.row

    def _member_of(self, given: Address, step: StepTrace) -> int | None:
        if given.member is None or given.member == self.member:
            return None
        is_output = given.name == "a" and given.layer == len(self.network.layers)
        if step.members is None or not is_output:
            raise SettingsError(f"{given}: this trace is of member {self.member}")
        if given.member > len(step.members):
            raise SettingsError(
                f"{given}: there is no member {given.member}; members are 1 to {len(step.members)}"
            )
        return given.member

    def _check_place(self, place: Address) -> None:
        sizes, kind = self.network.sizes, place.quantity
        last = len(sizes) - 1
        if place.layer is not None and place.layer > last:
            layers = f"layers 1 to {last}" if last > 1 else "one layer"
            raise SettingsError(f"{place}: there is no layer {place.layer}; the network has {layers}")
        limits = {
            "input": (sizes[0],),
            "output": (sizes[-1],),
            "class": (self.target.n_classes if self.target else 0,),
            "scalar": (),
        }.get(kind.place)
        if limits is None:
            layer = place.layer or 1
            limits = {"neuron": (sizes[layer],), "weight": (sizes[layer - 1], sizes[layer])}.get(kind.place)
        if limits is None:
            shape = self.network.layers[(place.layer or 1) - 1].shapes(sizes[(place.layer or 1) - 1]).get("b")
            if shape is None:
                raise SettingsError(f"{place}: layer {place.layer} has no bias")
            limits = shape
        for number, limit in zip(place.index, limits, strict=bool(place.index)):
            if number > limit:
                layer_of = f"[{place.layer}]" if place.layer else ""
                raise SettingsError(
                    f"{place}: there is no {number} there; the network has {kind.name}{layer_of}{_ranges(limits)}"
                )

    def _found(self, place: Address) -> Array:
        """Return the array or number of an address without its index."""
        step = self.step(place)
        name = place.name
        if place.member is not None and step.members is not None:
            return step.members[place.member - 1][self._row_index(place, step)]
        if name in _ROWS:
            found = _ROWS[name](step, (place.layer or 1) - 1)
            if found is None:
                raise SettingsError(self._missing(place, step))
            whole = place.is_whole and place.row is None and len(step.rows) > 1
            return found if whole else found[self._row_index(place, step)]
        if name in ("dC/dW", "dC/db") and step.gradients is not None:
            return self._gradient(place, step)
        found = self._flat(name, step)
        if found is not None:
            return self._part(found, place)
        if name == "C" and step.gradients is not None:
            return step.gradients.cost
        if name in _OF_UPDATES and step.update is not None:
            return np.float64(_OF_UPDATES[name](self, step, step.update))
        raise SettingsError(self._missing(place, step))

    def _row_index(self, place: Address, step: StepTrace) -> int:
        return 0 if place.row is None else step.rows.index(place.row)

    def _gradient(self, place: Address, step: StepTrace) -> FloatArray:
        gradients, index = step.gradients, (place.layer or 1) - 1
        assert gradients is not None
        by = place.by.name
        if place.row is None:
            return np.asarray(gradients.parameters[index][by])
        row = slice(self._row_index(place, step), self._row_index(place, step) + 1)
        layer, p = self.network.layers[index], self.layout.unflatten(step.parameters)[index]
        own, _ = layer.backward(p, step.record.inputs_of(index)[row], gradients.deltas[index][row], np)
        return np.asarray(own[by])

    def _flat(self, name: str, step: StepTrace) -> FloatArray | None:
        """Return the flat array (p,) that a name of a parameter's place stands for."""
        if name in ("W", "b"):
            return step.parameters
        update = step.update
        if update is None:
            return None
        if name in ("W_new", "b_new"):
            return update.parameters
        if name in ("W_decayed", "b_decayed"):
            return update.decayed
        what, _, by = name.partition("/d")
        if by not in ("W", "b"):
            return None
        if what in ("g", "penalized"):
            return update.used if what == "g" else update.penalized
        if what in update.before.arrays:
            return np.asarray(update.before.arrays[what])
        if what.removesuffix("_new") in update.after.arrays:
            return np.asarray(update.after.arrays[what.removesuffix("_new")])
        return update.lines.get(what) if what != "w" else None

    def _part(self, flat: FloatArray, place: Address) -> FloatArray:
        name = "b" if place.quantity.place == "bias" else "W"
        slot = self.layout.slot(place.layer or 1, name)
        return flat[slot.start : slot.stop].reshape(slot.shape)

    def _missing(self, place: Address, step: StepTrace) -> str:
        if place.name == "f'" and step.slopes[(place.layer or 1) - 1] is None:
            return f"{place}: softmax has no slope per neuron: its outputs share all of z; see delta"
        if place.name == "r":
            return f"{place}: layer {place.layer} dropped nothing"
        if place.name == "y_smooth":
            return f"{place}: the loss does not smooth labels; see y"
        if place.name in ("mean_a", "prediction", "probability"):
            if step.answers is None:
                return f"{place}: only a trace of a model's prediction has it"
            return f"{place}: see {'prediction' if step.answers.ndim == 1 else 'probability[1]'}"
        if step.y is None:
            return f"{place}: the row's target isn't known, so there is no loss and no gradient"
        if step.update is None:
            return f"{place}: this trace holds no update, only the numbers before it"
        own = [
            f"{name}/dW"
            for name in ("penalized", "g", *step.update.before.arrays, *step.update.lines)
            if name != "w"
        ]
        return f"{place}: not among the numbers of {step.update.settings.optimizer.name}; it has {', '.join(own)}"


_ROWS: Mapping[str, Callable[[StepTrace, int], Array | None]] = {
    "x": lambda step, _: step.record.x,
    "y": lambda step, _: step.y,
    "y_smooth": lambda step, _: step.y_smooth,
    "z": lambda step, index: step.record.layers[index].z,
    "a": lambda step, index: step.record.layers[index].a,
    "h": lambda step, index: step.record.layers[index].h,
    "r": lambda step, index: step.record.layers[index].mask,
    "f'": lambda step, index: step.slopes[index],
    "delta": lambda step, index: step.gradients and step.gradients.deltas[index],
    "dC/da": lambda step, index: step.da[index] if step.da else None,
    "dC/dh": lambda step, index: step.dh[index] if step.dh else None,
    "dC/dx": lambda step, _: step.gradients and step.gradients.x,
    "loss": lambda step, _: step.losses,
    "share": lambda step, _: step.shares,
    "loss_new": lambda step, _: step.update and step.update.losses,
    "mean_a": lambda step, _: None if step.members is None else step.members.mean(axis=0),
    "prediction": lambda step, _: _answers(step, 1),
    "probability": lambda step, _: _answers(step, 2),
}


def _answers(step: StepTrace, axes: int) -> FloatArray | None:
    """Return the answers where they are numbers (1 axis) or probabilities (2)."""
    return step.answers if step.answers is not None and step.answers.ndim == axes else None


_OF_UPDATES: Mapping[str, Callable[[Trace, StepTrace, Update], float]] = {
    "C_new": lambda trace, step, update: update.cost,
    "eta": lambda trace, step, update: update.eta,
    "t": lambda trace, step, update: float(update.t),
    "norm": lambda trace, step, update: float(np.linalg.norm(update.penalized)),
    "penalty": lambda trace, step, update: _penalty(trace, step.parameters, update.settings),
}


def _penalty(trace: Trace, flat: FloatArray, settings: StepSettings) -> float:
    decayed = trace.layout.decayed * trace.layout.free
    return float(penalty(flat, decayed, settings.l1, settings.l2, np))


def trace_step(
    layout: Layout,
    flat: FloatArray,
    x: FloatArray,
    y: FloatArray | None = None,
    *,
    weights: FloatArray | None = None,
    masks: Sequence[FloatArray | None] | None = None,
    settings: StepSettings | None = None,
    eta: float = 0.0,
    state: OptimizerState | None = None,
    rate: Rate | None = None,
    rows: Sequence[int] | None = None,
) -> StepTrace:
    """Return the trace of one step on rows ``x`` (n, d), or of a prediction.

    With targets ``y`` (n, n_out) there are losses and gradients; with ``settings`` too an update with the learning
    rate ``eta`` from the optimizer's ``state`` (None: its first). ``rows`` are the rows' numbers, 1 … n if None.
    """
    network = layout.network
    numbers = tuple(range(1, len(x) + 1)) if rows is None else tuple(int(row) for row in rows)
    p = layout.unflatten(flat)
    with np.errstate(all="ignore"):
        if y is None:
            record = network.forward(p, x, np, masks)
            return StepTrace(0, numbers, flat, record, _slopes(network, record))
        used = settings or StepSettings(optimizer("sgd"))
        before = used.optimizer.init(flat, np) if state is None else state
        step = take_step(layout, flat, before, x, y, used, eta, weights, masks)
        losses = network.row_losses(step.record, y, np)
        shares = row_shares(len(x), weights, network.reduction, step.record.a, np)
        da, dh = _by_outputs(network, p, step, y, shares)
        made = StepTrace(
            before.t + 1 if settings else 0,
            numbers,
            flat,
            step.record,
            _slopes(network, step.record),
            y,
            network.loss.smooth(y) if network.loss.smoothed else None,
            weights,
            shares,
            losses,
            step.gradients,
            da,
            dh,
        )
        if settings is None:
            return made
        again = network.forward(layout.unflatten(step.parameters), x, np, masks)
        return replace(
            made,
            update=Update(
                used,
                eta,
                before,
                step.raw,
                step.used
                if used.clip_norm is None
                else penalized(step.raw, flat, layout.decayed, used.l1, used.l2, np) * layout.free,
                step.used,
                step.shrunk,
                step.lines,
                step.state,
                step.parameters,
                network.row_losses(again, y, np),
                float(network.cost(again, y, np, weights)),
                rate,
            ),
        )


def _slopes(network: Network, record: Record) -> tuple[FloatArray | None, ...]:
    return tuple(
        layer.activation.prime(made.z, np) if layer.activation.elementwise else None
        for layer, made in zip(network.layers, record.layers, strict=True)
    )


def _by_outputs(
    network: Network, p: Parameters, step: Step, y: FloatArray, shares: FloatArray
) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]:
    """Return dC/da and dC/dh of every layer."""
    record, deltas = step.record, step.gradients.deltas
    outer = network.loss.prime(record.a, y, np) * shares[:, None]
    if network.loss.over_outputs == "mean":
        outer = outer / record.a.shape[-1]
    da, dh = [outer], [outer]
    for index in range(len(network.layers) - 1, 0, -1):
        _, back = network.layers[index].backward(p[index], record.inputs_of(index), deltas[index], np)
        mask = record.layers[index - 1].mask
        dh.append(back)
        da.append(back if mask is None else back * mask)
    return tuple(reversed(da)), tuple(reversed(dh))


def trace_network(
    network: Network,
    parameters: Parameters | FloatArray,
    x: Any,
    y: Any = None,
    *,
    weights: Any = None,
    settings: StepSettings | None = None,
    learning_rate: float | None = None,
    steps: int = 1,
) -> Trace:
    """Return the trace of a network built by hand.

    ``parameters``: for each layer its arrays by name, or all of them flat (p,). ``x`` (n, d) and ``y`` (n, n_out)
    are the rows. Without ``settings`` there is no update; with them ``steps`` updates are made, each on all rows, with
    ``learning_rate`` (the optimizer's own if None). Raises SettingsError for arrays that don't fit.
    """
    layout = Layout(network)
    flat = _flat_parameters(layout, parameters)
    rows = _rows(x, network.n_inputs, "x")
    targets = None if y is None else _rows(y, network.output.n_out, "y")
    if targets is not None and len(targets) != len(rows):
        raise SettingsError(f"{len(rows)} rows x and {len(targets)} rows y don't belong together")
    shares = None if weights is None else np.asarray(weights, np.float64)
    if settings is not None and targets is None:
        raise SettingsError("an update needs targets y")
    if settings is None:
        return Trace(network, (trace_step(layout, flat, rows, targets, weights=shares),))
    eta = settings.optimizer.learning_rate if learning_rate is None else learning_rate
    made: list[StepTrace] = []
    state = settings.optimizer.init(flat, np)
    for _ in range(steps):
        step = trace_step(
            layout, flat, rows, targets, weights=shares, settings=settings, eta=eta, state=state
        )
        made.append(step)
        if step.update is not None:
            flat, state = step.update.parameters, step.update.after
    return Trace(network, tuple(made))


def _flat_parameters(layout: Layout, parameters: Parameters | FloatArray) -> FloatArray:
    if isinstance(parameters, np.ndarray):
        flat = np.array(parameters, np.float64)
        if flat.shape != (layout.size,):
            raise SettingsError(f"parameters of shape {flat.shape} don't fit a network of {layout.size}")
        return flat
    shapes = layout.network.shapes()
    if len(parameters) != len(shapes):
        raise SettingsError(f"parameters for {len(parameters)} layers don't fit a network of {len(shapes)}")
    for number, (given, wanted) in enumerate(zip(parameters, shapes, strict=True), 1):
        for name, shape in wanted.items():
            found = np.shape(given[name]) if name in given else None
            if found != shape:
                what = "is missing" if found is None else f"has shape {found}"
                raise SettingsError(f"{name}[{number}] {what}, but {shape} is expected")
        unknown = sorted(set(given) - set(wanted))
        if unknown:
            raise SettingsError(f"{unknown[0]}[{number}] was given, but layer {number} has none")
    return layout.flatten([{name: np.asarray(a, np.float64) for name, a in p.items()} for p in parameters])


def _rows(values: Any, width: int, name: str) -> FloatArray:
    rows = np.array(values, np.float64, ndmin=2)
    if rows.ndim != 2 or rows.shape[1] != width:
        raise SettingsError(f"{name} of shape {np.shape(values)} should be rows of {width} numbers")
    return rows


def _span(numbers: Sequence[int]) -> str:
    """Return numbers in words: 1 to 8, or 3, 17, 4, … (32 of them)."""
    if len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[0] + len(numbers))):
        return f"{numbers[0]} to {numbers[-1]}"
    if len(numbers) <= 6:
        return ", ".join(str(number) for number in numbers)
    return f"{', '.join(str(number) for number in numbers[:5])}, … ({len(numbers)} of them)"


def _ranges(limits: Sequence[int]) -> str:
    return f"[{','.join(f'1 to {limit}' if limit > 1 else '1' for limit in limits)}]"
