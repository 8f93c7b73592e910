"""The network: layers and a loss; forward and backward with every intermediate kept and named.

Layers are numbered 0 (input) to L (output). For layer l, with f its activation and X the rows of a batch::

    a[0] = X        z[l] = h[l-1] W[l] + b[l]        a[l] = f(z[l])        h[l] = a[l] · r[l]

where r[l] is the dropout mask (0 or 1/(1-p) for each row and neuron; without dropout h[l] is a[l]). With the
parametrization ``ntk`` (Jacot, Gabriel & Hongler 2018) and with a learned mix (Holzmüller et al. 2024)::

    z[l] = h[l-1] W[l] / sqrt(n_in) + b[l]        a[l] = z[l] + alpha[l] · (f(z[l]) - z[l])

Backward::

    delta[L] = dC/dz[L]     dC/dW[l] = h[l-1]^T delta[l]     dC/db[l] = sum over rows of delta[l]
    dC/dh[l-1] = delta[l] W[l]^T      delta[l] = dC/dh[l] · r[l] · f'(z[l])

with dC/dW and dC/dh divided by sqrt(n_in) as z is; with a mix 1 + alpha (f'(z) - 1) takes the place of f'(z), and
dC/dalpha[l] is the sum over rows of dC/da[l] · (f(z[l]) - z[l]).

With a feature stage (`features`) a[0] is what the stage learns from X, and its parameters are layer 0's.

Shapes: rows X (…, n, d); W[l] (…, n_in, n_out); b[l] (…, n_out), or (…, 1) where the layer shares one bias;
alpha[l] (…, n_out); z, a, h, delta (…, n, n_out). Leading axes (…) are member networks: parameters (k, …) with rows (n, d) give
(k, n, n_out).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from chainrule._types import Array, Namespace
from chainrule.equations.activations import Activation, activation
from chainrule.equations.features import Features, StageGradients, StageRecord
from chainrule.equations.losses import Loss, loss, row_shares
from chainrule.errors import SettingsError

BiasMode = Literal["neuron", "layer", "none"]
BIAS_MODES: tuple[BiasMode, ...] = ("neuron", "layer", "none")
Parametrization = Literal["standard", "ntk"]
PARAMETRIZATIONS: tuple[Parametrization, ...] = ("standard", "ntk")
Reduction = Literal["mean", "sum"]

OPTIONAL: Mapping[str, Any] = {"rates": {}, "mix": False, "parametrization": "standard"}
"""What a layer's description has only where it isn't this."""

Parameters: TypeAlias = Sequence[Mapping[str, Array]]
"""For each layer its arrays by name: ``[{"W": …, "b": …}, …]``; layer l of the formulas is item l-1.

So a feature stage, layer 0, is item -1: its arrays follow those of the last layer.
"""


class LayerRecord(NamedTuple):
    """What forward computed in one layer; ``mask`` is None where nothing was dropped (then h is a)."""

    z: Array
    a: Array
    h: Array
    mask: Array | None


class Record(NamedTuple):
    """What forward computed: the rows ``x``, every layer, and the feature stage if any; `a` is the network's output."""

    x: Array
    layers: tuple[LayerRecord, ...]
    stage: StageRecord | None = None

    @property
    def a(self) -> Array:
        """The output of the last layer, (…, n, n_out)."""
        return self.layers[-1].a

    def inputs_of(self, index: int) -> Array:
        """The rows that enter layer ``index`` (0-based item): x or the feature stage's a, or h of the layer before."""
        if index:
            return self.layers[index - 1].h
        return self.x if self.stage is None else self.stage.a


class Gradients(NamedTuple):
    """What backward computed: the cost (…,), delta of each layer, the gradients by name, and dC/dx."""

    cost: Array
    deltas: tuple[Array, ...]
    parameters: tuple[dict[str, Array], ...]
    x: Array
    stage: StageGradients | None = None


@dataclass(frozen=True)
class Dense:
    """A fully connected layer: z = h W + b, a = f(z).

    ``init`` and ``bias_init`` are an initializer's name (``auto``: the one that suits the activation) or rows
    of given numbers, None where a number is to be drawn. ``frozen`` names what training leaves alone: ``W``,
    ``b``, ``W[1,2]``, ``b[2]`` (1-based). ``dropout`` is the probability that an output of this layer is
    dropped in training. ``rates`` are factors of the learning rate, by the name of a parameter array; one that
    isn't named has 1. ``mix`` adds the parameters alpha, one a neuron, which mix f(z) with z; ``parametrization``
    ``ntk`` divides the products h W by sqrt(n_in).
    """

    n_out: int
    activation: Activation = field(default_factory=lambda: activation("identity"))
    bias: BiasMode = "neuron"
    dropout: float = 0.0
    init: Any = "auto"
    bias_init: Any = "zeros"
    frozen: tuple[str, ...] = ()
    rates: tuple[tuple[str, float], ...] = ()
    mix: bool = False
    parametrization: Parametrization = "standard"

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
        mix: bool = False,
        parametrization: Parametrization = "standard",
    ) -> None:
        if isinstance(n_out, bool) or not isinstance(n_out, int) or n_out < 1:
            raise SettingsError(f"a layer has a whole number of neurons, at least 1, not {n_out!r}")
        if bias not in BIAS_MODES:
            raise SettingsError(f"bias {bias!r} is unknown: choose {', '.join(BIAS_MODES)}")
        if not isinstance(dropout, int | float) or not 0 <= dropout < 1:
            raise SettingsError(
                f"dropout {dropout!r} must be at least 0 and less than 1: it is the share dropped"
            )
        names = (frozen,) if isinstance(frozen, str) else tuple(frozen)
        if not all(isinstance(name, str) for name in names):
            raise SettingsError(f"frozen {list(names)!r} must be names of parameters: W, b, W[1,2] or b[1]")
        if not isinstance(mix, bool):
            raise SettingsError(f"mix {mix!r} must be True or False")
        if parametrization not in PARAMETRIZATIONS:
            raise SettingsError(
                f"parametrization {parametrization!r} is unknown: choose {', '.join(PARAMETRIZATIONS)}"
            )
        put = object.__setattr__
        put(self, "n_out", n_out)
        put(self, "activation", _resolve(activation))
        put(self, "bias", bias)
        put(self, "dropout", float(dropout))
        put(self, "init", _plain(init))
        put(self, "bias_init", _plain(bias_init))
        put(self, "frozen", names)
        put(self, "mix", mix)
        put(self, "parametrization", parametrization)
        if mix and not self.activation.elementwise:
            raise SettingsError(
                f"mix: {self.activation.name} is no function of one z, so it can't be mixed with it"
            )
        put(self, "rates", _rates(rates, self.shapes(1)))

    def shapes(self, n_in: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of each parameter array, by name, in the order of the flat layout."""
        biases = {"neuron": self.n_out, "layer": 1, "none": 0}[self.bias]
        found: dict[str, tuple[int, ...]] = {"W": (n_in, self.n_out)}
        found |= {"b": (biases,)} if biases else {}
        return found | ({"alpha": (self.n_out,)} if self.mix else {})

    def scale(self, n_in: int) -> float:
        """Return what the products h W are multiplied by: 1, or 1/sqrt(n_in) in the parametrization ntk."""
        return 1 / math.sqrt(n_in) if self.parametrization == "ntk" else 1.0

    def forward(self, p: Mapping[str, Array], h: Array, mask: Array | None, xp: Namespace) -> LayerRecord:
        """Return z, a and h of this layer for the rows ``h`` (…, n, n_in) that enter it."""
        z = self._scaled(xp.matmul(h, p["W"]), h.shape[-1])
        if "b" in p:
            z = z + xp.expand_dims(p["b"], axis=-2)
        a = self.activation(z, xp)
        if self.mix:
            a = z + xp.expand_dims(p["alpha"], axis=-2) * (a - z)
        return LayerRecord(z, a, a if mask is None else a * mask, mask)

    def backward(
        self, p: Mapping[str, Array], h: Array, delta: Array, xp: Namespace
    ) -> tuple[dict[str, Array], Array]:
        """Return the gradients by name, and dC/dh for the rows that entered, from this layer's delta."""
        grads = {"W": self._scaled(xp.matmul(xp.matrix_transpose(h), delta), h.shape[-1])}
        if self.bias == "neuron":
            grads["b"] = xp.sum(delta, axis=-2)
        elif self.bias == "layer":
            grads["b"] = xp.sum(xp.sum(delta, axis=-2), axis=-1, keepdims=True)
        return grads, self._scaled(xp.matmul(delta, xp.matrix_transpose(p["W"])), h.shape[-1])

    def _scaled(self, products: Array, n_in: int) -> Array:
        return products if self.parametrization == "standard" else products * self.scale(n_in)

    def delta(self, p: Mapping[str, Array], record: LayerRecord, dh: Array, xp: Namespace) -> Array:
        """Return delta = dC/dz from dC/dh of this layer's outputs."""
        da = dh if record.mask is None else dh * record.mask
        if self.mix:
            return da * self.slope(p, record.z, xp)
        return self.activation.backward(record.z, record.a, da, xp)

    def slope(self, p: Mapping[str, Array], z: Array, xp: Namespace) -> Array:
        """Return da/dz of each neuron for ``z`` (…, n, n_out): f'(z), or 1 + alpha (f'(z) - 1) where it is mixed."""
        slope = self.activation.prime(z, xp)
        return 1 + xp.expand_dims(p["alpha"], axis=-2) * (slope - 1) if self.mix else slope

    def by_alpha(self, record: LayerRecord, dh: Array, xp: Namespace) -> dict[str, Array]:
        """Return dC/dalpha by name from dC/dh of this layer's outputs; nothing without a mix."""
        if not self.mix:
            return {}
        da = dh if record.mask is None else dh * record.mask
        return {"alpha": xp.sum(da * self.mixed_part(record.z, xp), axis=-2)}

    def mixed_part(self, z: Array, xp: Namespace) -> Array:
        """Return what a layer's alpha multiplies for ``z`` (…, n, n_out): f(z) - z."""
        return self.activation(z, xp) - z

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `Network.from_dict` reads back."""
        more = {"rates": dict(self.rates), "mix": self.mix, "parametrization": self.parametrization}
        return {
            "kind": "dense",
            "n_out": self.n_out,
            "activation": self.activation.spec,
            "bias": self.bias,
            "dropout": self.dropout,
            "init": self.init,
            "bias_init": self.bias_init,
            "frozen": list(self.frozen),
            **{name: value for name, value in more.items() if value != OPTIONAL[name]},
        }


def _resolve(spec: str | Activation) -> Activation:
    return activation(spec)


def _plain(values: Any) -> Any:
    """Turn given numbers (nested lists, arrays) into nested tuples, so that a layer stays plain and hashable."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, list | tuple):
        return tuple(_plain(item) for item in values)
    if values is None or isinstance(values, str):
        return values
    if isinstance(values, bool) or not isinstance(values, int | float) or not math.isfinite(values):
        raise SettingsError(f"{values!r} among given weights is not a finite number")
    return float(values)


def _rates(
    rates: Mapping[str, float] | Sequence[tuple[str, float]], names: Collection[str]
) -> tuple[tuple[str, float], ...]:
    """Return factors of the learning rate as pairs of name and number, without those that are 1."""
    try:
        found = dict(rates)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"rates {rates!r} must be factors by name, such as {{'b': 0.1}}") from error
    for name, factor in found.items():
        if name not in names:
            raise SettingsError(f"rates: there is no parameter {name!r}; the layer has {', '.join(names)}")
        if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 < factor <= 1e300:
            raise SettingsError(
                f"rates: the factor {factor!r} of {name} must be a number above 0; to leave {name} as it is, freeze it"
            )
    return tuple((name, float(found[name])) for name in names if found.get(name, 1) != 1)


class Network:
    """A feed-forward network: the number of input neurons, its layers, its loss.

    >>> network = Network([2, Dense(2, "sigmoid"), Dense(2, "sigmoid")], loss="half_squared_error")
    >>> network.sizes
    (2, 2, 2)

    ``reduction`` says how the rows' losses make the cost: their (weighted) ``mean`` or ``sum``. ``features`` is a
    stage between the inputs and layer 1 that is learned with the network, None: the inputs enter as they are.
    Raises SettingsError for layers that don't fit together.
    """

    def __init__(
        self,
        layers: Sequence[int | Dense],
        loss: str | Loss = "half_squared_error",
        reduction: Reduction = "mean",
        features: Features | None = None,
    ) -> None:
        n_inputs, *rest = layers if layers else (0,)
        if isinstance(n_inputs, bool) or not isinstance(n_inputs, int) or n_inputs < 1:
            raise SettingsError(f"a network begins with its number of inputs, at least 1, not {n_inputs!r}")
        dense = tuple(layer for layer in rest if isinstance(layer, Dense))
        if not dense or len(dense) != len(rest):
            raise SettingsError(
                "after the number of inputs come one or more layers, such as Dense(2, 'sigmoid')"
            )
        for number, layer in enumerate(dense[:-1], 1):
            if layer.activation.output_only:
                raise SettingsError(
                    f"{layer.activation.name} in layer {number}: it serves as output layer only"
                )
        if dense[-1].dropout:
            raise SettingsError("the output layer can't have dropout: nothing follows it")
        if dense[-1].mix:
            raise SettingsError("the output layer can't have a mix: its activation is what the loss asks for")
        if reduction not in ("mean", "sum"):
            raise SettingsError(f"reduction {reduction!r} is unknown: choose mean or sum")
        if features is not None and features.n_inputs != n_inputs:
            raise SettingsError(
                f"a feature stage of {features.n_inputs} columns doesn't fit a network of {n_inputs} inputs"
            )
        self.n_inputs = n_inputs
        self.layers = dense
        self.loss = _loss(loss)
        self.reduction: Reduction = reduction
        self.features = features

    def __repr__(self) -> str:
        inner = ", ".join(f"Dense({layer.n_out}, {layer.activation.spec!r})" for layer in self.layers)
        stage = "" if self.features is None else f", features={self.features!r}"
        return f"Network([{self.n_inputs}, {inner}], loss={self.loss.spec!r}{stage})"

    def _repr_html_(self) -> str:
        from chainrule.equations.display import network_html

        return network_html(self)

    def _repr_latex_(self) -> str:
        from chainrule.equations.display import network_latex

        return network_latex(self)

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        from chainrule.equations.display import network_bundle

        return network_bundle(self, include, exclude)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Network) and self.to_dict() == other.to_dict()

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle by `to_dict`: the records' compiled formulas stay behind."""
        return Network.from_dict, (self.to_dict(),)

    def __hash__(self) -> int:
        return hash((self.n_inputs, self.layers, self.loss, self.reduction, self.features))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of neurons of every layer; first how many numbers enter layer 1: the inputs, or the feature stage's."""
        entering = self.n_inputs if self.features is None else self.features.n_outputs
        return (entering, *(layer.n_out for layer in self.layers))

    @property
    def output(self) -> Dense:
        """The last layer."""
        return self.layers[-1]

    def without_output_activation(self) -> Network:
        """Return the network whose output is its output layer's z; its parameters lie as this one's do."""
        data = self.to_dict()
        last = {**data["layers"][-1], "activation": "identity"}
        return Network.from_dict({**data, "layers": [*data["layers"][:-1], last]})

    def shapes(self) -> list[dict[str, tuple[int, ...]]]:
        """Return the shapes of every layer's parameters, by name; a feature stage's, layer 0, are item -1."""
        shapes = [layer.shapes(n_in) for layer, n_in in zip(self.layers, self.sizes[:-1], strict=True)]
        return shapes if self.features is None else [*shapes, self.features.shapes()]

    def forward(
        self, p: Parameters, x: Array, xp: Namespace, masks: Sequence[Array | None] | None = None
    ) -> Record:
        """Compute every z, a and h for rows ``x``, shape (…, n, d).

        ``masks`` holds for each layer a dropout mask (…, n, n_out) of 0 and 1/(1-p), or None.
        """
        if x.shape[-1] != self.n_inputs:
            raise SettingsError(f"rows of {x.shape[-1]} inputs don't fit a network of {self.n_inputs}")
        records: list[LayerRecord] = []
        stage = None if self.features is None else self.features.forward(p[-1], x, xp)
        h = x if stage is None else stage.a
        for index, layer in enumerate(self.layers):
            records.append(layer.forward(p[index], h, None if masks is None else masks[index], xp))
            h = records[-1].h
        return Record(x, tuple(records), stage)

    def row_losses(self, record: Record, y: Array, xp: Namespace) -> Array:
        """Return the loss of each row, shape (…, n), for targets ``y`` of shape (…, n, n_out)."""
        last = record.layers[-1]
        return self.loss.of_rows(last.z, last.a, y, self.output.activation, xp)

    def cost(self, record: Record, y: Array, xp: Namespace, weights: Array | None = None) -> Array:
        """Return C, shape (…,): the rows' losses, each times its share (`row_shares`), summed."""
        losses = self.row_losses(record, y, xp)
        return xp.sum(losses * row_shares(y.shape[-2], weights, self.reduction, record.a, xp), axis=-1)

    def backward(
        self, p: Parameters, record: Record, y: Array, xp: Namespace, weights: Array | None = None
    ) -> Gradients:
        """Compute every delta and gradient of the cost; ``weights`` (n,) or (…, n) weigh the rows."""
        last = record.layers[-1]
        shares = row_shares(y.shape[-2], weights, self.reduction, record.a, xp)
        cost = xp.sum(self.row_losses(record, y, xp) * shares, axis=-1)
        delta = self.loss.delta(last.z, last.a, y, self.output.activation, xp) * xp.expand_dims(
            shares, axis=-1
        )
        deltas = [delta]
        grads: list[dict[str, Array]] = []
        of_mix: dict[str, Array] = {}
        for index in range(len(self.layers) - 1, -1, -1):
            grad, dh = self.layers[index].backward(p[index], record.inputs_of(index), deltas[-1], xp)
            grads.append({**grad, **of_mix})
            if index:
                before, made = self.layers[index - 1], record.layers[index - 1]
                deltas.append(before.delta(p[index - 1], made, dh, xp))
                of_mix = before.by_alpha(made, dh, xp)
        grads.reverse()
        stage = None
        if self.features is not None and record.stage is not None:
            stage = self.features.backward(p[-1], record.x, record.stage, dh, xp)
            grads.append(stage.parameters)
            dh = stage.x
        return Gradients(cost, tuple(reversed(deltas)), tuple(grads), dh, stage)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` reads back."""
        return {
            "n_inputs": self.n_inputs,
            "layers": [layer.to_dict() for layer in self.layers],
            "loss": self.loss.spec,
            "reduction": self.reduction,
        } | ({} if self.features is None else {"features": self.features.to_dict()})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Network:
        """Return the network of `to_dict`'s plain data; raises SettingsError where it can't be one."""
        try:
            layers = [_layer_from_dict(layer) for layer in data["layers"]]
            stage = data.get("features")
            return cls(
                [data["n_inputs"], *layers],
                data["loss"],
                data["reduction"],
                None if stage is None else Features.from_dict(stage),
            )
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise SettingsError(f"this is not the description of a network: {error}") from error


def _loss(spec: str | Loss) -> Loss:
    return loss(spec)


def _layer_from_dict(data: Mapping[str, Any]) -> Dense:
    options = {key: value for key, value in data.items() if key not in ("kind", "n_out", "activation")}
    if data["kind"] != "dense":
        raise SettingsError(f"unknown kind of layer {data['kind']!r}")
    return Dense(data["n_out"], data["activation"], **options)
