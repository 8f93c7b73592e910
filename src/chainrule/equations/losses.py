"""Losses: for each the formula of one output, its derivative, and the stable pair with an output activation.

A loss compares the outputs ``a`` of the last layer with the targets ``y``, both of shape (…, n, n_out). The
loss of a row is the sum or the mean over its outputs (`Loss.over_outputs`: books differ, so each record says
which), and the cost of a batch is the mean or the sum over its rows (`row_shares`). `LOSSES` is the only list
of losses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

import numpy as np

from chainrule._kept import cached_property
from chainrule._types import Array, Namespace
from chainrule.equations.activations import Activation
from chainrule.equations.registry import Entry, FormulaEntry, find_record, records, unknown_name
from chainrule.errors import FormulaError, SettingsError
from chainrule.formula.differentiate import derivative
from chainrule.formula.evaluate import Formula, shorten
from chainrule.formula.parse import parse

Function = Callable[..., Array]
Targets = Literal["number", "nonnegative", "zero_one", "one_hot"]


@dataclass(frozen=True)
class Link:
    """A loss and an output activation taken together, written in z, where the two are stable and short.

    ``value(z, y, xp)`` is the loss of each output (of each row, in its first output, never NaN for finite z);
    ``delta`` is the formula of its derivative d(loss)/dz in ``a`` and ``y``: the a - y of the articles. ``why`` says why the
    derivatives of the two come to that; nothing where they don't, as with the perceptron's rule.
    """

    text: str
    value: Function
    delta: str
    why: str = ""

    @cached_property
    def formula(self) -> Formula:
        """The loss of one output in ``z`` and ``y``."""
        return parse(self.text, {"z", "y"})

    @cached_property
    def delta_formula(self) -> Formula:
        """The derivative d(loss)/dz in ``a`` and ``y``."""
        return parse(self.delta, {"a", "y"})


@dataclass(frozen=True)
class Loss(FormulaEntry):
    """One loss function; the same roles as in `Activation`, with the formula in ``a`` and ``y``.

    ``targets`` says what y may hold, ``output`` is the output activation that suits it; a ``signed`` loss
    decides between two classes by the output's sign, the others at 1/2.
    """

    symbols = frozenset({"a", "y"})

    targets: Targets = "number"
    over_outputs: Literal["sum", "mean"] = "mean"
    output: str = "identity"
    signed: bool = False
    function: Function | None = None
    derivative: Function | None = None
    links: Mapping[str, Link] = field(default_factory=dict)

    __hash__ = Entry.__hash__  # a dataclass would hash its fields

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "links", MappingProxyType(dict(self.links)))

    @cached_property
    def slope(self) -> Formula:
        """The derivative of the formula with respect to ``a``."""
        return derivative(self.formula, "a")

    @property
    def _own(self) -> dict[str, float]:
        return {key: value for key, value in self.parameters.items() if key != "label_smoothing"}

    @property
    def smoothed(self) -> float:
        """The label smoothing epsilon; 0 where there is none."""
        return self.parameters.get("label_smoothing", 0.0)

    def without_smoothing(self) -> Loss:
        """Return the same loss on hard labels, as validation and test use it."""
        hard = {**self.parameters, "label_smoothing": 0.0}
        return replace(self, parameters=hard) if self.smoothed else self

    def smooth(self, y: Array) -> Array:
        """Return y (1 - epsilon) + epsilon / classes; one output of 0 and 1 counts as two classes."""
        if not self.smoothed:
            return y
        return y * (1 - self.smoothed) + self.smoothed / max(2, y.shape[-1])

    @np.errstate(all="ignore")
    def value(self, a: Array, y: Array, xp: Namespace) -> Array:
        """Return the loss of each output, of the shape of ``a``."""
        y = self.smooth(y)
        if self.function is not None:
            return self.function(a, y, xp, **self._own)
        return self.formula.evaluate_like({"a": a, "y": y, **self._own}, a, xp)

    @np.errstate(all="ignore")
    def prime(self, a: Array, y: Array, xp: Namespace) -> Array:
        """Return d(loss of each output)/da, of the shape of ``a``."""
        y = self.smooth(y)
        if self.derivative is not None:
            return self.derivative(a, y, xp, **self._own)
        return self.slope.evaluate_like({"a": a, "y": y, **self._own}, a, xp)

    @np.errstate(all="ignore")
    def of_rows(self, z: Array, a: Array, y: Array, output: Activation, xp: Namespace) -> Array:
        """Return the loss of each row, shape (…, n), for outputs a = output(z)."""
        link = self.links.get(output.name)
        terms = self.value(a, y, xp) if link is None else link.value(z, self.smooth(y), xp)
        total = xp.sum(terms, axis=-1)
        return total / a.shape[-1] if self.over_outputs == "mean" else total

    @np.errstate(all="ignore")
    def delta(self, z: Array, a: Array, y: Array, output: Activation, xp: Namespace) -> Array:
        """Return d(loss of each row)/dz for every output, shape (…, n, n_out)."""
        link = self.links.get(output.name)
        if link is not None:
            result = link.delta_formula.evaluate_like({"a": a, "y": self.smooth(y)}, a, xp)
        else:
            result = output.backward(z, a, self.prime(a, y, xp), xp)
        return result / a.shape[-1] if self.over_outputs == "mean" else result


def loss(spec: str | Loss) -> Loss:
    """Return the loss of a name, a name with parameters, or a formula in ``a`` and ``y`` (mean over outputs).

    >>> loss("huber(delta=2)").spec
    'huber(delta=2.0)'

    Raises SettingsError for an unknown name or parameter, FormulaError for a formula that can't be read.
    """
    if isinstance(spec, Loss):
        return spec
    if record := find_record(spec, LOSSES, "loss"):
        for key, value in record.parameters.items():
            low, high = _LIMITS[key]
            if not (low <= value < high and (value > low or key == "label_smoothing")):
                raise SettingsError(
                    f"loss {record.name}: {key}={value:g} must be between {low:g} and {high:g}"
                )
        return record
    try:
        formula = parse(spec, {"a", "y"})
    except FormulaError as error:
        raise unknown_name("loss", spec, LOSSES, "a formula in a and y", error) from error
    if set(formula.symbols) != {"a", "y"}:
        raise SettingsError(f"loss {shorten(spec)!r} must contain both a (the output) and y (the target)")
    made = Loss("formula", spec)
    formula.check_size()
    formula.check_size(made.slope)
    return made


_LIMITS = {"label_smoothing": (0.0, 1.0), "q": (0.0, 1.0), "delta": (0.0, math.inf)}


def row_shares(n: int, weights: Array | None, reduction: str, like: Array, xp: Namespace) -> Array:
    """Return each row's factor in the cost C = sum_i share_i loss_i, shape (n,) or the weights' (…, n).

    ``mean``: share = w_i / sum(w), 1/n without weights, 0 where no row of the batch weighs anything; ``sum``:
    share = w_i, 1 without weights.
    """
    if weights is None:
        shares = xp.ones((n,), dtype=like.dtype)
        return shares / n if reduction == "mean" else shares
    if reduction == "sum":
        return weights
    return _zero_over(weights, xp.sum(weights, axis=-1, keepdims=True), xp)


def _x_log_y(x: Array, y: Array, xp: Namespace) -> Array:
    """Return x log y with 0 log 0 = 0."""
    used = x != 0
    return xp.where(used, x * xp.log(xp.where(used, y, xp.ones_like(y))), xp.zeros_like(y))


def _zero_over(x: Array, y: Array, xp: Namespace) -> Array:
    """Return x / y with 0 / 0 = 0."""
    used = x != 0
    return xp.where(used, x / xp.where(used, y, xp.ones_like(y)), xp.zeros_like(y))


def _binary(a: Array, y: Array, xp: Namespace) -> Array:
    # log1p(-a), since 1 - a rounds a small a away; (1 - y) log(1 - a) with 0 log 0 = 0.
    off, zero = 1 - y, xp.zeros_like(a)
    off_part = xp.where(off != 0, off * xp.log1p(-xp.where(off != 0, a, zero)), zero)
    return -(_x_log_y(y, a, xp) + off_part)


def _binary_from_z(z: Array, y: Array, xp: Namespace) -> Array:
    # log(1 + e^z) - y z with the large part taken out; each product alone keeps y = 0 and y = 1 free of inf - inf.
    rest = xp.log1p(xp.exp(-xp.abs(z)))
    zero = xp.zeros_like(z)
    off = xp.where(y == 1, zero, (1 - y) * xp.maximum(z, zero))
    on = xp.where(y == 0, zero, y * xp.maximum(-z, zero))
    return off + on + rest


def _categorical_from_z(z: Array, y: Array, xp: Namespace) -> Array:
    top = xp.max(z, axis=-1, keepdims=True)
    zero, one = xp.zeros_like(z), xp.ones_like(z)
    shifted = xp.where(z == top, zero, z - top)
    # log(sum e^shifted) = log(count) + log1p(others/count): beside the largest, log(1 + tiny) would round to 0.
    count = xp.sum(xp.where(z == top, one, zero), axis=-1, keepdims=True)
    others = xp.sum(xp.where(z == top, zero, xp.exp(shifted)), axis=-1, keepdims=True)
    log_sum = xp.log(count) + xp.log1p(others / count)
    return xp.where(y == 0, xp.zeros_like(z), y * (log_sum - shifted))


# Sources: Huber 1964; quantile (pinball): Koenker & Bassett 1978; hinge: Cortes & Vapnik 1995; perceptron
# criterion: Rosenblatt 1958, Bishop (2006) eq. 4.54; label smoothing: Szegedy et al. 2016. Hinge and
# perceptron read y in {0, 1} as the signs 2y - 1.
LOSSES: Mapping[str, Loss] = records(
    Loss("half_squared_error", "(a-y)^2/2", over_outputs="sum"),
    Loss("mean_squared_error", "(a-y)^2"),
    Loss("mean_absolute_error", "abs(a-y)"),
    Loss("huber", "where(abs(a-y) <= delta, (a-y)^2/2, delta*(abs(a-y)-delta/2))", parameters={"delta": 1.0}),
    Loss("quantile", "max(q*(y-a), (q-1)*(y-a))", parameters={"q": 0.5}),
    Loss(
        "poisson",
        "a - y*log(a)",
        "nonnegative",
        output="exponential",
        function=lambda a, y, xp: a - _x_log_y(y, a, xp),
        derivative=lambda a, y, xp: 1 - _zero_over(y, a, xp),
        links={
            "exponential": Link(
                "exp(z) - y*z",
                lambda z, y, xp: xp.exp(z) - xp.where(y == 0, xp.zeros_like(z), y * z),
                "a - y",
                "The loss's derivative is (a - y)/a and the exponential's is a: the product is a - y.",
            )
        },
    ),
    Loss(
        "binary_cross_entropy",
        "-(y*log(a) + (1-y)*log(1-a))",
        "zero_one",
        "sum",
        "sigmoid",
        function=_binary,
        derivative=lambda a, y, xp: _zero_over(1 - y, 1 - a, xp) - _zero_over(y, a, xp),
        parameters={"label_smoothing": 0.0},
        links={
            "sigmoid": Link(
                "log(1+exp(z)) - y*z",
                _binary_from_z,
                "a - y",
                "The loss's derivative is (a - y)/(a·(1 - a)) and sigmoid's is a·(1 - a): the product is a - y.",
            )
        },
    ),
    Loss(
        "categorical_cross_entropy",
        "-y*log(a)",
        "one_hot",
        "sum",
        "softmax",
        function=lambda a, y, xp: -_x_log_y(y, a, xp),
        derivative=lambda a, y, xp: -_zero_over(y, a, xp),
        parameters={"label_smoothing": 0.0},
        links={
            "softmax": Link(
                "y*(log(sum(exp(z))) - z)",
                _categorical_from_z,
                "a - y",
                "Each output's 1/a in the loss's derivative meets the a in softmax's, and the targets sum to 1, which "
                "leaves a - y.",
            )
        },
    ),
    Loss("hinge", "max(0, 1-(2*y-1)*a)", "zero_one", "sum", signed=True),
    Loss(
        "perceptron",
        "max(0, (1-2*y)*a)",
        "zero_one",
        "sum",
        "binary_step",
        links={
            "binary_step": Link(
                "max(0, (1-2*y)*z)", lambda z, y, xp: xp.maximum(xp.zeros_like(z), (1 - 2 * y) * z), "a - y"
            )
        },
    ),
)
