"""The predicted quantity that is explained, as a function of the input neurons, with its gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Literal, get_args

import numpy as np

from chainrule._doors import setting
from chainrule._kept import cached_property
from chainrule._types import Array, FloatArray, Namespace
from chainrule.equations.dense import LayerRecord
from chainrule.equations.layout import Layout
from chainrule.equations.losses import Loss
from chainrule.equations.network import Network, Parameters, Record
from chainrule.errors import SettingsError
from chainrule.formula.differentiate import derivative
from chainrule.formula.parse import parse
from chainrule.model.model import Model
from chainrule.tables.encoding.target import TargetEncoder
from chainrule.tables.table import Table

Scale = Literal["units", "probability", "logit", "output"]

MOST_NUMBERS = 2_000_000
"""The most numbers of a layer of all members that are held at a time."""


@dataclass(frozen=True)
class Outcome:
    """One number that a model predicts, Q, in the mean of its members or of one: what is explained.

    ``scale``: ``units`` (a number, in the target's units), ``probability`` or ``logit`` = ln(p/(1-p)) of the class
    ``label`` (its place), or ``output`` (the output neuron itself, for losses that give no probability). Of several
    targets it is about target ``place`` (from 0).
    """

    model: Model
    scale: Scale
    label: int
    member: int | None = None
    place: int = 0

    @property
    def target(self) -> TargetEncoder:
        """The target that it is about."""
        return self.model.target.parts[self.place]

    @property
    def name(self) -> str:
        """What it is: ``body_mass_g``, ``P(species = Adelie)``, ``logit P(species = Adelie)``."""
        target = self.target
        what = target.name if self.scale == "units" else f"{target.name} = {target.labels[self.label]}"
        forms = {"units": "{}", "probability": "P({})", "logit": "logit P({})", "output": "output for {}"}
        return forms[self.scale].format(what)

    @cached_property
    def _asked(self) -> Model:
        """The model, or the one of the member alone."""
        return (
            self.model
            if self.member is None
            else replace(self.model, groups=(self.model.member(self.member),))
        )

    @cached_property
    def _parts(self) -> list[tuple[Network, Parameters]]:
        """The network and the parameters of each group.

        Its "loss" is a · y, whose gradient by the rows is the outputs' gradient in direction y.
        """
        projection = Loss("projection", "a*y", over_outputs="sum")
        made: list[tuple[Network, Parameters]] = []
        for group in self._asked.groups:
            network, flat = group.network, np.asarray(group.parameters, np.float64)
            of_outputs = Network([network.n_inputs, *network.layers], projection, "sum", network.features)
            made.append((of_outputs, Layout(network).unflatten(flat)))
        return made

    def _forward(self, x: FloatArray) -> list[Record]:
        return [network.forward(p, x, np) for network, p in self._parts]

    def _mean(
        self, records: Sequence[Record], of: Callable[[LayerRecord], Array] = attrgetter("a")
    ) -> FloatArray:
        """Return the mean over the members of something of their output layers, their outputs if not told."""
        return self._asked.mean(np.concatenate([of(record.layers[-1]) for record in records]))

    @property
    def rows_at_once(self) -> int:
        """How many rows are worked on at a time, so that many members don't take much memory."""
        return max(1, MOST_NUMBERS // max(max(g.network.sizes) * g.members for g in self._asked.groups))

    @np.errstate(all="ignore")
    def values(self, x: FloatArray) -> FloatArray:
        """Return Q for encoded rows ``x`` (n, d), shape (n,)."""
        return self._of(self._forward(x))[0]

    @np.errstate(all="ignore")
    def gradients(self, x: FloatArray) -> FloatArray:
        """Return dQ/dx for encoded rows ``x`` (n, d), shape (n, d)."""
        records = self._forward(x)
        _, slopes = self._of(records)
        found = []
        for (network, p), share, record in zip(self._parts, self._asked.shares, records, strict=True):
            each = np.broadcast_to(share * slopes / len(record.a), record.a.shape)
            found.append(network.backward(p, record, each, np).x)
        return np.asarray(np.concatenate(found).sum(axis=0))

    @np.errstate(all="ignore")
    def outputs(self, x: FloatArray) -> FloatArray:
        """Return the mean outputs (n, n_out) that Q is made of, for encoded rows ``x`` (n, d)."""
        return self._mean(self._forward(x))

    def _of(self, records: Sequence[Record]) -> tuple[FloatArray, FloatArray]:
        """Return Q (n,) and its derivative by the members' mean outputs (n, n_out)."""
        m = self._mean(records)
        slope = np.zeros_like(m)
        if self.scale == "units":
            target, y = self.target, m[:, self.place]
            # With a clamp it is where(…): 0 beyond the bounds.
            undo = derivative(parse(target.inverse_formula), "y")
            slope[:, self.place] = undo.evaluate_like({"y": y, **target.inverse_parameters}, y, np)
            return target.inverse(y), slope
        if m.shape[1] == 1 or len(self.model.target.parts) > 1:
            return self._of_one(records, m, slope)
        c = self.label
        if self.scale == "output":
            slope[:, c] = 1.0
            return m[:, c], slope
        if self.scale == "probability":
            chosen = (np.arange(m.shape[1]) == c).astype(m.dtype)
            p, slope = share_of_class(m, np.broadcast_to(chosen, m.shape), np)
            return np.asarray(p[:, 0]), np.asarray(slope)
        # 1 - p as the sum of the others, since the difference would cancel where p is nearly 1.
        others = m.sum(axis=1, where=np.arange(m.shape[1]) != c)
        slope[:] = -1 / others[:, None]
        slope[:, c] = 1 / m[:, c]
        return np.log(m[:, c]) - np.log(others), slope

    def _of_one(
        self, records: Sequence[Record], m: FloatArray, slope: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return Q and its derivative for one output, which speaks for the second of two classes."""
        sign = 1.0 if self.label else -1.0
        second = m[:, self.place]
        slope[:, self.place] = sign
        if self.scale == "output":
            return sign * second, slope
        # The sigmoid of -z is 1 - sigmoid(z), without the cancellation.
        first = self._mean(records, lambda last: self.model.output.activation(-last.z, np))[:, self.place]
        if self.scale == "probability":
            return (second if self.label else first), slope
        slope[:] *= (1 / second + 1 / first)[:, None]
        return sign * (np.log(second) - np.log(first)), slope


def share_of_class(m: Array, chosen: Array, xp: Namespace) -> tuple[Array, Array]:
    """Return a class's share p (n, 1) in the sum of outputs m (n, n_out), and dp/dm; ``chosen`` is 1 at the class, else 0."""
    total = xp.sum(m, axis=1, keepdims=True)
    p = xp.sum(m * chosen, axis=1, keepdims=True) / total
    return p, (chosen - p) / total


def encoded_row(model: Model, table: Table, row: int) -> FloatArray:
    """Return a row (from 0) of a table as the input neurons take it, (d,); SettingsError where there is none."""
    if not 0 <= row < table.n_rows:
        raise SettingsError(f"there is no row {row + 1}: {table.name} has {table.n_rows:,} rows")
    return np.asarray(model.encoder.transform(table.take([row]))[0])


def outcome_of(
    model: Model,
    x: FloatArray,
    *,
    of: str | None = None,
    label: object = None,
    member: int | None = None,
    target: str | None = None,
) -> Outcome:
    """Return the quantity to explain for an encoded row ``x`` (d,).

    ``of``: ``units`` of a number; ``probability`` (the default where there are probabilities), ``logit`` or
    ``output`` of a class. ``label``: the class, the predicted one if None. ``member`` (from 0): one member's
    prediction rather than that of their mean. ``target``: which one, where the
    model has several. Raises SettingsError for what the model doesn't have.
    """
    if member is not None:
        model.member(member)
    loss, place = model.loss, place_of(model, target)
    one = model.target.parts[place]
    if one.task == "regression":
        if label is not None:
            raise SettingsError(f"the target {one.name!r} is a number: leave out the class {label!r}")
        if of not in (None, "units"):
            raise SettingsError(f"{of!r} is for classes, and the target {one.name!r} is a number")
        return Outcome(model, "units", 0, member, place)
    known = scales_of(model)
    scale = of or known[0]
    if scale not in get_args(Scale) or scale == "units":
        raise SettingsError(f"{of!r} is unknown for classes: choose probability, logit or output")
    if scale not in known:
        raise SettingsError(
            f"the outputs of loss {loss.name} with {model.output.activation.name} are no probabilities: "
            "choose output"
        )
    labels = list(map(str, one.labels))
    if label is None:
        outputs = Outcome(model, "output", 0, member, place).outputs(x[None])[0]
        if len(model.target.parts) > 1:
            outputs = outputs[place : place + 1]
        # One output speaks for the second of two classes.
        second = outputs[0] > (0.0 if loss.signed else 0.5)
        code = int(second) if len(outputs) == 1 else int(np.argmax(outputs))
        if model.threshold is not None and (answered := model.answer_of(outputs[None]).codes) is not None:
            code = int(answered[0])
    elif str(label) in labels:
        code = labels.index(str(label))
    else:
        raise SettingsError(f"{label!r} is no class of {one.name!r}: choose {', '.join(labels)}")
    return Outcome(model, scale, code, member, place)


def scales_of(model: Model) -> tuple[Scale, ...]:
    """Return what of a model's predictions can be explained, the scale that is meant if none is named first."""
    if model.task == "regression":
        return ("units",)
    probable = model.output.activation.name in ("sigmoid", "softmax") and not model.loss.signed
    return ("probability", "logit", "output") if probable else ("output",)


def place_of(model: Model, target: str | None) -> int:
    """Return the place (from 0) of a target by its name; raises SettingsError where there is none, or several and no name."""
    names = model.target.names
    if target is None and len(names) == 1:
        return 0
    if target not in names:
        what = "the model has several targets" if target is None else f"the model has no target {target!r}"
        raise SettingsError(f"{what}: choose one by {setting('target')}: {', '.join(names)}")
    return names.index(target)
