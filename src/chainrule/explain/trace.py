"""The trace: every number of a prediction or of training steps of one member, found by its address.

It holds what the reference engine's `take_step` returned, in float64, and the same engine's numbers for the cost
after the update; it computes no network mathematics of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._types import FloatArray
from chainrule.engines.base import Layout, StepSettings
from chainrule.engines.reference import Step, take_step
from chainrule.equations.losses import row_shares
from chainrule.equations.network import Gradients, Network, Parameters, Record
from chainrule.equations.optimizers import OptimizerState, optimizer
from chainrule.equations.regularizers import penalized
from chainrule.equations.schedules import Schedule, Strength
from chainrule.errors import SettingsError
from chainrule.explain.address import Address
from chainrule.explain.lines import Derivation
from chainrule.explain.lookup import find, resolve, span
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
class Regularization:
    """How strong dropout and weight decay were in the step: the schedule, its value, and the epochs it came from.

    ``epoch`` is the number of epochs before the step's own, ``epochs`` that of the whole training.
    """

    schedule: Strength
    value: float
    epoch: int
    epochs: int


@dataclass(frozen=True, eq=False)
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
    regularization: Regularization | None = None

    @property
    def t(self) -> int:
        """The number of the update, from 1."""
        return self.before.t + 1


@dataclass(frozen=True, eq=False)
class StepTrace:
    """One step of one member, or one prediction: rows, forward, and where targets are known backward and update.

    ``rows`` are the rows' numbers in their table, from 1. ``slopes``, ``da`` and ``dh`` have an array (n, n_out) for
    each layer: da/dz (None for softmax), dC/da and dC/dh. Of a model's prediction ``members`` (k, n, n_out) are all
    members' outputs and ``answers`` the prediction (n,) in the target's units or the probabilities (n, classes).
    ``inputs`` is the encoder's arithmetic for each row, where the rows come from a table. ``shared``: the members share
    their layers, so that the step's update isn't this member's alone.
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
    shared: bool = False


@dataclass(frozen=True, eq=False, repr=False)
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

    def __repr__(self) -> str:
        sizes = "-".join(str(size) for size in self.network.sizes)
        rows = sum(len(step.rows) for step in self.steps)
        what = f"steps {span([step.number for step in self.steps])}" if self.steps[0].number else "prediction"
        return f"Trace({sizes}, member {self.member}, {what}, {rows} row{'s' * (rows != 1)})"

    def _repr_html_(self) -> str:
        return self._walked()._repr_html_()

    def _repr_latex_(self) -> str:
        return self._walked()._repr_latex_()

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        return self._walked()._repr_mimebundle_(include, exclude)

    def _walked(self) -> Derivation:
        """Return the way from the first row's inputs to its answer, for a notebook."""
        # Derivations are made from traces, so they can't be imported at the top.
        from chainrule.explain.walk import walk

        rows = self.steps[-1].rows
        return walk(self, row=rows[0] if len(rows) > 1 else None)

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
        return np.asarray(find(self, self.resolve(address)))

    def number(self, place: Address) -> float:
        """Return the number of an address that `resolve` gave."""
        found = find(self, place)
        return float(found[tuple(i - 1 for i in place.index)]) if place.index else float(found)

    def has(self, address: str | Address) -> bool:
        """Tell whether there is a number or array at an address."""
        try:
            find(self, self.resolve(address))
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
        return resolve(self, Address.parse(address))


@one_blas_thread()
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
    regularization: Regularization | None = None,
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
            return StepTrace(0, numbers, flat, record, _slopes(network, p, record))
        used = settings or StepSettings(optimizer("sgd"))
        if not used.optimizer.lines:
            raise SettingsError(
                f"{used.optimizer.name} sees the whole table and finds the length of its steps itself: it has no "
                "single steps to trace"
            )
        before = used.optimizer.init(flat, np) if state is None else state
        strength = 1.0 if regularization is None else regularization.value
        step = take_step(layout, flat, before, x, y, used, eta, weights, masks, strength)
        losses = network.row_losses(step.record, y, np)
        shares = row_shares(len(x), weights, network.reduction, step.record.a, np)
        da, dh = _by_outputs(network, p, step, y, shares)
        made = StepTrace(
            before.t + 1 if settings else 0,
            numbers,
            flat,
            step.record,
            _slopes(network, p, step.record),
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
                regularization,
            ),
        )


def _slopes(network: Network, p: Parameters, record: Record) -> tuple[FloatArray | None, ...]:
    return tuple(
        layer.slope(own, made.z, np) if layer.activation.elementwise else None
        for layer, own, made in zip(network.layers, p[: len(network.layers)], record.layers, strict=True)
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
        # A feature stage, layer 0, comes last.
        number = 0 if number > len(layout.network.layers) else number
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
