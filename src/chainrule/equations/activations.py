"""Activations: for each a formula in z, a stable function, its derivative, all on one screen.

An activation turns the weighted sums ``z`` of a layer, shape (…, n, n_out), into its outputs ``a`` of the
same shape. `ACTIVATIONS` is the only list of them: engines, command line, model file and explanation read it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from chainrule._kept import cached_property
from chainrule._types import Array, Namespace
from chainrule.equations.registry import Entry, FormulaEntry, find_record, records, unknown_name
from chainrule.errors import FormulaError, SettingsError
from chainrule.formula.differentiate import derivative
from chainrule.formula.evaluate import Formula, shorten
from chainrule.formula.parse import parse
from chainrule.formula.special import erfc

Function = Callable[..., Array]


@dataclass(frozen=True)
class Activation(FormulaEntry):
    """One activation function: what is shown (`text`) and what runs (`function`, `derivative`).

    Where ``function`` or ``derivative`` is None the formula itself runs; a record carries them where the
    naive formula overflows or cancels. Both are called as ``function(z, xp, **parameters)``. ``slope_in_a`` is the
    derivative written in the output a, as worked examples have it, where there is such a formula; ``slope_steps``
    are the steps to it, each a rule and a formula in z, from the derivative that the rules of calculus find, where putting
    a for f(z) in that isn't enough.
    """

    symbols = frozenset({"z"})

    range: str
    function: Function | None = None
    derivative: Function | None = None
    init: str = "glorot_uniform"
    elementwise: bool = True
    output_only: bool = False
    slope_in_a: str = ""
    slope_steps: tuple[tuple[str, str], ...] = ()

    __hash__ = Entry.__hash__  # a dataclass would hash its fields

    @cached_property
    def slope(self) -> Formula:
        """The derivative's formula in ``z``, found by the rules of calculus; elementwise activations only."""
        return derivative(self.formula, "z")

    @np.errstate(all="ignore")
    def __call__(self, z: Array, xp: Namespace) -> Array:
        """Return a = f(z), of z's shape."""
        if self.function is not None:
            return self.function(z, xp, **self.parameters)
        return self.formula.evaluate_like({"z": z, **self.parameters}, z, xp)

    @np.errstate(all="ignore")
    def prime(self, z: Array, xp: Namespace) -> Array:
        """Return f'(z), of z's shape; for elementwise activations."""
        if not self.elementwise:
            raise FormulaError(
                f"{self.name} has no derivative per neuron: its outputs share all of z; use backward"
            )
        if self.derivative is not None:
            return self.derivative(z, xp, **self.parameters)
        return self.slope.evaluate_like({"z": z, **self.parameters}, z, xp)

    def backward(self, z: Array, a: Array, da: Array, xp: Namespace) -> Array:
        """Return delta = dC/dz from ``da`` = dC/da: da f'(z), or a (da - sum(da a)) for softmax."""
        if self.elementwise:
            return da * self.prime(z, xp)
        return a * (da - xp.sum(da * a, axis=-1, keepdims=True))


def activation(spec: str | Activation) -> Activation:
    """Return the activation of a name, a name with parameters, or a formula in ``z``.

    >>> activation("leaky_relu(alpha=0.2)").parameters["alpha"]
    0.2
    >>> activation("z/(1+abs(z))").name
    'formula'

    Raises SettingsError for an unknown name or parameter, FormulaError for a formula that can't be read.
    """
    if record := find_record(spec, ACTIVATIONS, "activation"):
        return record
    spec = str(spec)
    try:
        formula = parse(spec, {"z"})
    except FormulaError as error:
        raise unknown_name("activation", spec, ACTIVATIONS, "a formula in z", error) from error
    if "z" not in formula.symbols:
        raise SettingsError(
            f"activation {shorten(spec)!r} doesn't contain z, so the network couldn't learn: write a formula in z"
        )
    made = Activation("formula", spec, "set by the formula", elementwise="sum(" not in spec.replace(" ", ""))
    if not made.elementwise:
        raise SettingsError(
            f"activation {shorten(spec)!r} sums over the layer: only softmax may; write a formula of one z"
        )
    formula.check_size()
    formula.check_size(made.slope)
    return made


def _sigmoid(z: Array, xp: Namespace) -> Array:
    e = xp.exp(-xp.abs(z))
    return xp.where(z >= 0, 1 / (1 + e), e / (1 + e))


def _sigmoid_prime(z: Array, xp: Namespace) -> Array:
    e = xp.exp(-xp.abs(z))
    return e / (1 + e) ** 2


def _tanh_prime(z: Array, xp: Namespace) -> Array:
    # 1 - tanh(z)^2 cancels for large |z|; sech^2 in e^(-2|z|) doesn't.
    e = xp.exp(-2 * xp.abs(z))
    return 4 * e / (1 + e) ** 2


def _elu(z: Array, xp: Namespace, alpha: float) -> Array:
    return xp.where(z > 0, z, alpha * xp.expm1(xp.minimum(z, xp.zeros_like(z))))


def _elu_prime(z: Array, xp: Namespace, alpha: float) -> Array:
    return xp.where(z > 0, xp.ones_like(z), alpha * xp.exp(xp.minimum(z, xp.zeros_like(z))))


def _softplus(z: Array, xp: Namespace) -> Array:
    return xp.maximum(z, xp.zeros_like(z)) + xp.log1p(xp.exp(-xp.abs(z)))


def _bounded(z: Array, xp: Namespace, limit: float) -> Array:
    """Bound |z| where a factor beside it has long underflowed to 0, so that inf · 0 can't make a NaN."""
    return xp.clip(z, -limit, limit)


def _silu(z: Array, xp: Namespace) -> Array:
    return xp.where(z < 0, _bounded(z, xp, 800.0), z) * _sigmoid(z, xp)


def _silu_prime(z: Array, xp: Namespace) -> Array:
    return _sigmoid(z, xp) + _bounded(z, xp, 800.0) * _sigmoid_prime(z, xp)


def _normal_cdf(z: Array, xp: Namespace) -> Array:
    return erfc(z * -math.sqrt(0.5), xp) / 2


def _gelu(z: Array, xp: Namespace) -> Array:
    return xp.where(z < 0, _bounded(z, xp, 40.0), z) * _normal_cdf(z, xp)


def _gelu_prime(z: Array, xp: Namespace) -> Array:
    near = _bounded(z, xp, 40.0)
    return _normal_cdf(z, xp) + near * xp.exp(-near * near / 2) / math.sqrt(2 * math.pi)


def _mish(z: Array, xp: Namespace) -> Array:
    # tanh(log(1 + e^z)) = n / (n + 2) with n = e^z (e^z + 2), written in e = e^(-|z|) on either side of 0.
    e = xp.exp(-xp.abs(z))
    rising = (1 + 2 * e) / (1 + 2 * e + 2 * e * e)
    falling = e * (e + 2) / (e * (e + 2) + 2)
    return xp.where(z >= 0, z * rising, _bounded(z, xp, 800.0) * falling)


def _mish_prime(z: Array, xp: Namespace) -> Array:
    e = xp.exp(-xp.abs(z))
    up = 1 + 2 * e + 2 * e * e
    down = e * (e + 2) + 2
    tanh_softplus = xp.where(z >= 0, (1 + 2 * e) / up, e * (e + 2) / down)
    slope = xp.where(z >= 0, 4 * e * e * (1 + e) / up**2, 4 * e * (1 + e) / down**2)
    return tanh_softplus + _bounded(z, xp, 800.0) * slope


def _softmax(z: Array, xp: Namespace) -> Array:
    top = xp.max(z, axis=-1, keepdims=True)
    # The largest is set to 0 rather than subtracted, since inf - inf is NaN.
    e = xp.exp(xp.where(z == top, xp.zeros_like(z), z - top))
    return e / xp.sum(e, axis=-1, keepdims=True)


# Sources: ReLU: Nair & Hinton 2010; leaky ReLU: Maas et al. 2013; ELU: Clevert et al. 2016; SELU and its two
# constants: Klambauer et al. 2017; softplus: Dugas et al. 2001; SiLU and GELU: Hendrycks & Gimpel 2016; Mish:
# Misra 2019.
ACTIVATIONS: Mapping[str, Activation] = records(
    Activation("identity", "z", "(-inf, inf)"),
    Activation("binary_step", "step(z)", "{0, 1}"),
    Activation(
        "sigmoid",
        "1/(1+exp(-z))",
        "(0, 1)",
        _sigmoid,
        _sigmoid_prime,
        slope_in_a="a*(1-a)",
        slope_steps=(
            ("part the fraction into two factors", "1/(1+exp(-z))*(exp(-z)/(1+exp(-z)))"),
            ("add 1 above the bar, and take it away", "1/(1+exp(-z))*((1+exp(-z)-1)/(1+exp(-z)))"),
            (
                "part the fraction at its difference",
                "1/(1+exp(-z))*((1+exp(-z))/(1+exp(-z)) - 1/(1+exp(-z)))",
            ),
            ("a number by itself is 1", "1/(1+exp(-z))*(1 - 1/(1+exp(-z)))"),
        ),
    ),
    Activation("tanh", "tanh(z)", "(-1, 1)", None, _tanh_prime, slope_in_a="1-a^2"),
    Activation("relu", "max(0, z)", "[0, inf)", init="he_normal"),
    Activation(
        "leaky_relu", "where(z > 0, z, alpha*z)", "(-inf, inf)", parameters={"alpha": 0.01}, init="he_normal"
    ),
    Activation(
        "elu",
        "where(z > 0, z, alpha*(exp(z)-1))",
        "(-alpha, inf)",
        _elu,
        _elu_prime,
        parameters={"alpha": 1.0},
        init="he_normal",
    ),
    Activation(
        "selu",
        "scale*where(z > 0, z, alpha*(exp(z)-1))",
        "(-scale*alpha, inf)",
        lambda z, xp, alpha, scale: scale * _elu(z, xp, alpha),
        lambda z, xp, alpha, scale: scale * _elu_prime(z, xp, alpha),
        parameters={"alpha": 1.6732632423543772, "scale": 1.0507009873554805},
        init="lecun_normal",
    ),
    Activation("softplus", "log(1+exp(z))", "(0, inf)", _softplus, _sigmoid, init="he_normal"),
    Activation("silu", "z/(1+exp(-z))", "[-0.2785, inf)", _silu, _silu_prime, init="he_normal"),
    Activation("gelu", "z*(1+erf(z/sqrt(2)))/2", "[-0.17, inf)", _gelu, _gelu_prime, init="he_normal"),
    Activation("mish", "z*tanh(log(1+exp(z)))", "[-0.3089, inf)", _mish, _mish_prime, init="he_normal"),
    Activation("exponential", "exp(z)", "(0, inf)", slope_in_a="a"),
    Activation("softmax", "exp(z)/sum(exp(z))", "(0, 1)", _softmax, elementwise=False, output_only=True),
)
