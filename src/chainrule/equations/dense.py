"""A fully connected layer: its parameters, forward, backward, and its description as plain data."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple, get_args

from chainrule._types import Array, Namespace
from chainrule.equations.activations import Activation
from chainrule.equations.activations import activation as activation_of
from chainrule.equations.registry import check_choice, rate_factors
from chainrule.errors import SettingsError
from chainrule.formula.nodes import Binary, Call, Node, Number, Symbol, put

BiasMode = Literal["neuron", "layer", "none"]
BIAS_MODES: tuple[BiasMode, ...] = get_args(BiasMode)

Parametrization = Literal["standard", "ntk"]
PARAMETRIZATIONS: tuple[Parametrization, ...] = get_args(Parametrization)

OPTIONAL: Mapping[str, Any] = {
    "rates": {},
    "initial": {},
    "mix": False,
    "parametrization": "standard",
    "linear_path": False,
}
"""What a layer's description has only where it isn't this."""


class LayerRecord(NamedTuple):
    """What forward computed in one layer, (…, n, n_out) each.

    ``mask`` is None where nothing was dropped (then h is a), ``mixed`` f(z) - z, which alpha multiplies, without a mix None.
    """

    z: Array
    a: Array
    h: Array
    mask: Array | None
    mixed: Array | None = None


class LayerGradients(NamedTuple):
    """What backward computed in one layer: dC/da, dC/dh, delta = dC/dz and da/dz (…, n, n_out), and by name the gradients.

    ``slope`` is None for softmax, each of whose outputs depends on every z.
    """

    da: Array
    dh: Array
    delta: Array
    slope: Array | None
    parameters: dict[str, Array]

    def passed_on(self, record: LayerRecord) -> Array:
        """Return dh/dz (…, n, n_out) of a hidden layer: the slope, times the mask where something was dropped."""
        assert self.slope is not None
        return self.slope if record.mask is None else self.slope * record.mask


class Parameter(NamedTuple):
    """A parameter array of a layer: in words, and as a term of z[j] with indices.

    ``counts``: ``ij`` there is one from neuron i before to neuron j, ``j`` one for each neuron. ``enters`` is what it
    multiplies in z[j]: ``i`` every neuron i before, over which is summed; ``x`` every input i of the network, likewise;
    ``j`` neuron j before alone; "" nothing, it is added; None: it is no term of z. ``words`` say the term in z's line,
    ``by`` what delta is multiplied by for the derivative. ``start`` is the number it begins at, None where an initializer
    draws it.
    """

    name: str
    counts: Literal["ij", "j"]
    noun: str
    text: str
    enters: Literal["i", "x", "j", ""] | None
    words: str = ""
    by: str = ""
    decays: bool = False
    start: float | None = None


@dataclass(frozen=True)
class Dense:
    """A fully connected layer: z = h W + b, a = f(z).

    ``init`` and ``bias_init`` are an initializer's name (``auto``: the one that suits the activation) or rows
    of given numbers, None where a number is to be drawn. ``frozen`` names what training leaves alone: ``W``,
    ``b``, ``W[1,2]``, ``b[2]`` (1-based). ``dropout`` is the probability that an output of this layer is
    dropped in training. ``rates`` are factors of the learning rate, by the name of a parameter array; one that
    isn't named has 1. ``initial`` are numbers that parameters begin with, by the same names as ``frozen``, instead of those
    drawn. ``mix`` adds the parameters alpha, one a neuron, which mix f(z) with z; ``parametrization``
    ``ntk`` divides the products h W by sqrt(n_in). ``linear_path``, of an output layer behind hidden ones, adds x S to z:
    the inputs x (n, d) of the network times weights S (d, n_out) of their own, past all hidden layers.
    """

    kind: ClassVar[str] = "dense"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "W",
            "ij",
            "weight",
            "a weight",
            "i",
            "weighted sum of what enters",
            "what enters through the weight",
            decays=True,
        ),
        Parameter(
            "S",
            "ij",
            "weight of the linear path",
            "a weight from an input straight to an output",
            "x",
            "plus the linear path: the weighted sum of the inputs",
            "the input that the weight is on",
            decays=True,
            start=0.0,
        ),
        Parameter("b", "j", "bias", "a bias", "", by="the bias is a weight on 1"),
        Parameter("alpha", "j", "mix", "a mix of an activation and its z", None, start=1.0),
    )

    n_out: int
    activation: Activation = field(default_factory=lambda: activation_of("identity"))
    bias: BiasMode = "neuron"
    dropout: float = 0.0
    init: Any = "auto"
    bias_init: Any = "zeros"
    frozen: tuple[str, ...] = ()
    rates: tuple[tuple[str, float], ...] = ()
    initial: tuple[tuple[str, float], ...] = ()
    mix: bool = False
    parametrization: Parametrization = "standard"
    linear_path: bool = False

    def __init__(
        self,
        n_out: int,
        activation: str | Activation = "identity",
        *,
        bias: BiasMode = "neuron",
        dropout: float = 0.0,
        init: Any = "auto",
        bias_init: Any = "zeros",
        frozen: Sequence[str] = (),
        rates: Mapping[str, float] | Sequence[tuple[str, float]] = (),
        initial: Mapping[str, float] | Sequence[tuple[str, float]] = (),
        mix: bool = False,
        parametrization: Parametrization = "standard",
        linear_path: bool = False,
    ) -> None:
        if isinstance(n_out, bool) or not isinstance(n_out, int) or n_out < 1:
            raise SettingsError(f"a layer has a whole number of neurons, at least 1, not {n_out!r}")
        check_choice("bias", bias, BIAS_MODES)
        if not isinstance(dropout, int | float) or not 0 <= dropout < 1:
            raise SettingsError(
                f"dropout {dropout!r} must be at least 0 and less than 1: it is the share dropped"
            )
        names = (frozen,) if isinstance(frozen, str) else tuple(frozen)
        if not all(isinstance(name, str) for name in names):
            raise SettingsError(f"frozen {list(names)!r} must be names of parameters: W, b, W[1,2] or b[1]")
        if not isinstance(mix, bool):
            raise SettingsError(f"mix {mix!r} must be True or False")
        if not isinstance(linear_path, bool):
            raise SettingsError(f"linear_path {linear_path!r} must be True or False")
        check_choice("parametrization", parametrization, PARAMETRIZATIONS)
        put_in = partial(object.__setattr__, self)
        put_in("n_out", n_out)
        put_in("activation", activation_of(activation))
        put_in("bias", bias)
        put_in("dropout", float(dropout))
        put_in("init", _plain(init))
        put_in("bias_init", _plain(bias_init))
        put_in("frozen", names)
        put_in("initial", _numbers_by_name(initial))
        put_in("mix", mix)
        put_in("parametrization", parametrization)
        put_in("linear_path", linear_path)
        if mix and not self.activation.elementwise:
            raise SettingsError(
                f"mix: {self.activation.name} is no function of one z, so it can't be mixed with it"
            )
        factors = rate_factors(rates, self.shapes(1), "the layer", "; to leave {} as it is, freeze it")
        object.__setattr__(
            self, "rates", tuple((own, factor) for own, factor in factors.items() if factor != 1)
        )

    @property
    def decayed(self) -> frozenset[str]:
        """The parameters that penalties and decay are about: weights, not biases."""
        return frozenset(parameter.name for parameter in self.parameters if parameter.decays)

    def term(self, name: str) -> Parameter:
        """Return the record of a parameter that the layer has."""
        return next(parameter for parameter in self.parameters if parameter.name == name)

    def terms(self, p: Mapping[str, Array]) -> list[Parameter]:
        """Return the terms of z, of those that the layer has."""
        return [term for term in self.parameters if term.name in p and term.enters is not None]

    @property
    def product(self) -> Parameter:
        """The term of z that what enters from the layer before is in."""
        return next(parameter for parameter in self.parameters if parameter.enters)

    def shapes(self, n_in: int, n_inputs: int = 1) -> dict[str, tuple[int, ...]]:
        """Return the shape of each parameter array, by name, in the order of the flat layout; of a network of d inputs."""
        biases = {"neuron": self.n_out, "layer": 1, "none": 0}[self.bias]
        found: dict[str, tuple[int, ...]] = {"W": (n_in, self.n_out)}
        found |= {"S": (n_inputs, self.n_out)} if self.linear_path else {}
        found |= {"b": (biases,)} if biases else {}
        return found | ({"alpha": (self.n_out,)} if self.mix else {})

    def rate(self, name: str) -> float:
        """Return the factor of a parameter's learning rate."""
        return dict(self.rates).get(name, 1.0)

    def scale(self, n_in: int) -> float:
        """Return what the products h W are multiplied by: 1, or 1/sqrt(n_in) in the parametrization ntk."""
        return 1 / math.sqrt(n_in) if self.parametrization == "ntk" else 1.0

    def forward(
        self, p: Mapping[str, Array], h: Array, mask: Array | None, xp: Namespace, x: Array | None = None
    ) -> LayerRecord:
        """Return z, a and h of this layer for the rows ``h`` (…, n, n_in) that enter it; ``x`` are a linear path's inputs."""
        z = self.weighted_sum(p, h, xp) if x is None else self.weighted_sum(p, h, xp, x)
        mixed = self.mixed_part(z, xp) if self.mix else None
        a = self.activation(z, xp) if mixed is None else z + xp.expand_dims(p["alpha"], axis=-2) * mixed
        return LayerRecord(z, a, a if mask is None else a * mask, mask, mixed)

    def weighted_sum(self, p: Mapping[str, Array], h: Array, xp: Namespace, x: Array | None = None) -> Array:
        """Return z (…, n, n_out) for the rows ``h`` (…, n, n_in) that enter, and the inputs ``x`` (…, n, d) of a linear path."""
        z = self._scaled(xp.matmul(h, p["W"]), h.shape[-1])
        if self.linear_path:
            z = z + xp.matmul(x, p["S"])
        return z + xp.expand_dims(p["b"], axis=-2) if "b" in p else z

    def backward(
        self,
        p: Mapping[str, Array],
        h: Array,
        record: LayerRecord,
        dh: Array,
        xp: Namespace,
        delta: Array | None = None,
        x: Array | None = None,
    ) -> LayerGradients:
        """Return this layer's gradients from dC/dh of its outputs, for the rows ``h`` (…, n, n_in) that entered.

        ``delta`` is given where the layer's own is known otherwise: the output layer's, from the loss.
        """
        da = dh if record.mask is None else dh * record.mask
        slope = self.slope(p, record.z, xp)
        if delta is None:
            delta = self.activation.backward(record.z, record.a, da, xp) if slope is None else da * slope
        beside = () if x is None else (x,)
        return LayerGradients(da, dh, delta, slope, self.by_parameters(h, record, da, delta, xp, *beside))

    def by_parameters(
        self,
        h: Array,
        record: LayerRecord,
        da: Array,
        delta: Array,
        xp: Namespace,
        x: Array | None = None,
    ) -> dict[str, Array]:
        """Return the gradients by name, each a sum over the rows ``h`` (…, n, n_in), and ``x`` (…, n, d) of a linear path."""
        grads = {"W": self._scaled(xp.matmul(xp.matrix_transpose(h), delta), h.shape[-1])}
        if self.linear_path:
            grads["S"] = xp.matmul(xp.matrix_transpose(x), delta)
        if self.bias == "neuron":
            grads["b"] = xp.sum(delta, axis=-2)
        elif self.bias == "layer":
            grads["b"] = xp.sum(xp.sum(delta, axis=-2), axis=-1, keepdims=True)
        if self.mix:
            grads["alpha"] = xp.sum(da * record.mixed, axis=-2)
        return grads

    def weights(self, p: Mapping[str, Array]) -> Array:
        """Return what each number that enters is multiplied by on its way to each neuron, (…, n_in, n_out)."""
        return p["W"]

    def by_entered(self, p: Mapping[str, Array]) -> Array:
        """Return dz/dh (…, n_in, n_out): the weights, times the scale where there is one."""
        weights = self.weights(p)
        return self._scaled(weights, weights.shape[-2])

    def by_entering(self, p: Mapping[str, Array], delta: Array, xp: Namespace) -> Array:
        """Return dC/dh (…, n, n_in) of the rows that entered, from this layer's delta."""
        return self._scaled(xp.matmul(delta, xp.matrix_transpose(p["W"])), p["W"].shape[-2])

    def by_inputs(self, p: Mapping[str, Array], delta: Array, xp: Namespace) -> Array:
        """Return the part of dC/dx (…, n, d) that comes back through the linear path, from this layer's delta."""
        return xp.matmul(delta, xp.matrix_transpose(p["S"]))

    def _scaled(self, products: Array, n_in: int) -> Array:
        return products if self.parametrization == "standard" else products * self.scale(n_in)

    def slope(self, p: Mapping[str, Array], z: Array, xp: Namespace) -> Array | None:
        """Return da/dz of each neuron for ``z`` (…, n, n_out): f'(z), or 1 + alpha (f'(z) - 1) where it is mixed.

        None for softmax.
        """
        if not self.activation.elementwise:
            return None
        slope = self.activation.prime(z, xp)
        return 1 + xp.expand_dims(p["alpha"], axis=-2) * (slope - 1) if self.mix else slope

    def mixed_part(self, z: Array, xp: Namespace) -> Array:
        """Return what alpha multiplies for ``z`` (…, n, n_out): f(z) - z."""
        return self.activation(z, xp) - z

    def formulas(self, number: int, entering: Symbol, n_in: int) -> tuple[Node, Node]:
        """Return z[l] and a[l] as formulas whose symbols are addresses of whole arrays."""
        own = Symbol(f"z[{number}]")
        z: Node = Binary("@", entering, Symbol(f"W[{number}]"))
        if self.parametrization != "standard":
            z = Binary("/", z, Call("sqrt", (Number(float(n_in)),)))
        if self.linear_path:
            z = Binary("+", z, Binary("@", Symbol("x"), Symbol(f"S[{number}]")))
        if self.bias != "none":
            z = Binary("+", z, Symbol(f"b[{number}]"))
        a = put(self.activation.formula.root, {"z": own})
        if self.mix:
            a = Binary("+", own, Binary("⊙", Symbol(f"alpha[{number}]"), Binary("-", a, own)))
        return z, a

    @property
    def words(self) -> str:
        """What its settings are, in words."""
        biases = {"neuron": "", "layer": ", one bias", "none": ", no bias"}[self.bias]
        dropout = f", dropout {self.dropout:g}" if self.dropout else ""
        rates = "".join(f", {factor:g} eta for {name}" for name, factor in self.rates)
        path = ", a linear path from the inputs" if self.linear_path else ""
        return f"{self.activation.spec}{biases}{dropout}{rates}{path}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `Network.from_dict` reads back."""
        more = {
            "rates": dict(self.rates),
            "initial": dict(self.initial),
            "mix": self.mix,
            "parametrization": self.parametrization,
            "linear_path": self.linear_path,
        }
        plain = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in more}
        plain |= {"activation": self.activation.spec, "frozen": list(self.frozen)}
        return {"kind": self.kind, **plain} | {
            name: value for name, value in more.items() if value != OPTIONAL[name]
        }


def _numbers_by_name(
    given: Mapping[str, float] | Sequence[tuple[str, float]],
) -> tuple[tuple[str, float], ...]:
    """Return initial numbers by the parameter's name; raises SettingsError for anything that isn't that."""
    try:
        found = dict(given)
    except (TypeError, ValueError) as error:
        raise SettingsError(
            f"initial {given!r} must be numbers by name, such as {{'W[1,2]': 0.1}}"
        ) from error
    for name, value in found.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not isinstance(name, str) or not is_number or not abs(value) <= sys.float_info.max:
            raise SettingsError(f"initial: {name!r} is set to {value!r}: write a name and a finite number")
    return tuple((name, float(value)) for name, value in found.items())


def _plain(values: Any) -> Any:
    """Turn given numbers (nested lists, arrays) into nested tuples, so that a layer stays plain and hashable."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, list | tuple):
        return tuple(_plain(item) for item in values)
    if values is None or isinstance(values, str):
        return values
    if (
        isinstance(values, bool)
        or not isinstance(values, int | float)
        or not abs(values) <= sys.float_info.max
    ):
        raise SettingsError(f"{values!r} among given weights is not a finite number")
    return float(values)
