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

With a linear path the inputs also go straight to the output layer L, past all hidden layers::

    z[L] = h[L-1] W[L] + X S[L] + b[L]        dC/dS[L] = X^T delta[L]        dC/dX = … + delta[L] S[L]^T

Source: the wide part of Cheng et al., "Wide & deep learning for recommender systems", DLRS 2016; a skip connection.

Shapes: rows X (…, n, d); W[l] (…, n_in, n_out); S[L] (…, d, n_out); b[l] (…, n_out), or (…, 1) where the layer shares one bias;
alpha[l] (…, n_out); z, a, h, delta (…, n, n_out). Leading axes (…) are member networks: parameters (k, …) with rows (n, d) give
(k, n, n_out).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

from chainrule._notebook import Shown
from chainrule._types import Array, Namespace
from chainrule.equations.activations import Activation
from chainrule.equations.dense import Dense, LayerGradients, LayerRecord
from chainrule.equations.features import Features, StageGradients, StageRecord
from chainrule.equations.layers import layer_from_dict
from chainrule.equations.losses import Loss, row_shares
from chainrule.equations.losses import loss as loss_of
from chainrule.errors import SettingsError
from chainrule.formula.evaluate import MAX_OPERATIONS, how_counted, quote

Reduction = Literal["mean", "sum"]

Parameters: TypeAlias = Mapping[int, Mapping[str, Array]]
"""Each layer's arrays by name, by the layer's number: ``{1: {"W": …, "b": …}, …}``; a feature stage is layer 0."""


class Record(NamedTuple):
    """What forward computed: the rows ``x``, every layer, and the feature stage if any; `a` is the network's output."""

    x: Array
    layers: tuple[LayerRecord, ...]
    stage: StageRecord | None = None

    @property
    def a(self) -> Array:
        """The output of the last layer, (…, n, n_out)."""
        return self.layers[-1].a

    def entering(self, number: int) -> Array:
        """Return the rows that enter layer ``number``: x or the feature stage's a, or h of the layer before."""
        if number > 1:
            return self.layers[number - 2].h
        return self.x if self.stage is None else self.stage.a


class Gradients(NamedTuple):
    """What backward computed: the cost (…,), every layer's gradients, dC/dx, and the feature stage's gradients if any."""

    cost: Array
    layers: tuple[LayerGradients, ...]
    x: Array
    stage: StageGradients | None = None

    @property
    def parameters(self) -> dict[int, dict[str, Array]]:
        """The gradients of the parameters by the layer's number and name."""
        made = {} if self.stage is None else {0: self.stage.parameters}
        return made | {number: layer.parameters for number, layer in enumerate(self.layers, 1)}


MAX_LAYERS = 1000
"""The most layers of a network, and of all networks of a model: a hostile file could hold a million."""

MAX_MEMBERS = 2**18 - 1
"""The most networks that are trained together."""

MAX_ACTIVATIONS = 20
"""The most different activations of these: the worst formula takes half a second."""


def check_extent(layers: int, activations: Collection[str]) -> None:
    """Raise SettingsError for too many layers, or too many different activations of theirs."""
    if layers > MAX_LAYERS:
        raise SettingsError(f"{layers:,} layers are more than the {MAX_LAYERS:,} that can be: give fewer")
    if (count := len(set(activations))) > MAX_ACTIVATIONS:
        raise SettingsError(
            f"{count} different activations are more than the {MAX_ACTIVATIONS} that can be: give some layers the same"
        )


MAX_OPERATIONS_IN_ALL = 2 * MAX_OPERATIONS
"""The most operations of a model's own formulas together: an activation and a loss that are as long as one may be."""


def check_formulas(networks: Iterable[Network]) -> None:
    """Raise SettingsError where the formulas of a model's networks would be compiled for too long, each of them once."""
    own: dict[str, Activation | Loss] = {}
    for network in networks:
        own.update({layer.activation.spec: layer.activation for layer in network.layers})
        own[network.loss.spec] = network.loss
    if (count := sum(formula.operations for formula in own.values())) > MAX_OPERATIONS_IN_ALL:
        longest = max(own.values(), key=lambda formula: formula.operations)
        raise SettingsError(
            f"the formulas of the activations and the loss come to {count:,} operations with their derivatives, but at most "
            f"{MAX_OPERATIONS_IN_ALL:,} of a model are compiled, {how_counted()}: give some layers the same, or write "
            f"shorter ones than {quote(longest.text)}"
        )


class Network(Shown):
    """A feed-forward network: the number of input neurons, its layers, its loss.

    >>> network = Network([2, Dense(2, "sigmoid"), Dense(2, "sigmoid")], loss="half_squared_error")
    >>> network.sizes
    (2, 2, 2)

    ``reduction`` says how the rows' losses make the cost: their (weighted) ``mean`` or ``sum``. ``features`` is a
    stage between the inputs and layer 1 that is learned with the network, None: the inputs enter as they are.
    Raises SettingsError for layers that don't fit together, or are more than can be written and read.
    """

    _shown_by = "chainrule.explain.show.notebook:network"

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
        if any(layer.linear_path for layer in dense[:-1]):
            raise SettingsError("a linear path leads to the output layer: only that one can have it")
        if dense[-1].linear_path and len(dense) == 1:
            raise SettingsError(
                "a network without hidden layers is linear already: leave the linear path out"
            )
        check_extent(len(dense), [layer.activation.spec for layer in dense])
        if reduction not in ("mean", "sum"):
            raise SettingsError(f"reduction {reduction!r} is unknown: choose mean or sum")
        if features is not None and features.n_inputs != n_inputs:
            raise SettingsError(
                f"a feature stage of {features.n_inputs} columns doesn't fit a network of {n_inputs} inputs"
            )
        self.n_inputs = n_inputs
        self.layers = dense
        self.loss = loss_of(loss)
        self.reduction: Reduction = reduction
        self.features = features
        check_formulas([self])

    def __repr__(self) -> str:
        inner = ", ".join(
            f"{type(layer).__name__}({layer.n_out}, {layer.activation.spec!r}"
            f"{', linear_path=True' if layer.linear_path else ''})"
            for layer in self.layers
        )
        stage = "" if self.features is None else f", features={self.features!r}"
        return f"Network([{self.n_inputs}, {inner}], loss={self.loss.spec!r}{stage})"

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
    def n_parameters(self) -> int:
        """How many numbers a member has; the sizes may be a file's lies, and nothing of them is made."""
        return sum(math.prod(shape) for layer in self.shapes().values() for shape in layer.values())

    def part(self, number: int) -> Dense | Features:
        """Return the layer of a number; 0 is the feature stage. Raises SettingsError where there is none."""
        if number == 0 and self.features is not None:
            return self.features
        if not 1 <= number <= len(self.layers):
            has = f"layers {int(self.features is None)} to {len(self.layers)}"
            raise SettingsError(f"there is no layer {number}: the network has {has}")
        return self.layers[number - 1]

    @property
    def output(self) -> Dense:
        """The last layer."""
        return self.layers[-1]

    def without_output_activation(self) -> Network:
        """Return the network whose output is its output layer's z; its parameters lie as this one's do."""
        data = self.to_dict()
        last = {**data["layers"][-1], "activation": "identity"}
        return Network.from_dict({**data, "layers": [*data["layers"][:-1], last]})

    def shapes(self) -> dict[int, dict[str, tuple[int, ...]]]:
        """Return the shapes of every layer's parameters, by number and name, in the order of the flat layout."""
        shapes = {} if self.features is None else {0: self.features.shapes()}
        return shapes | {
            number: layer.shapes(self.sizes[number - 1], *((self.n_inputs,) if layer.linear_path else ()))
            for number, layer in enumerate(self.layers, 1)
        }

    def forward(
        self,
        p: Parameters,
        x: Array,
        xp: Namespace,
        masks: Sequence[Array | None] | None = None,
        entering: Array | None = None,
    ) -> Record:
        """Compute every z, a and h for rows ``x``, shape (…, n, d).

        ``masks`` holds for each layer a dropout mask (…, n, n_out) of 0 and 1/(1-p), or None; ``entering`` is what enters layer
        1, where a feature stage's was worked out otherwise.
        """
        if x.shape[-1] != self.n_inputs:
            raise SettingsError(f"rows of {x.shape[-1]} inputs don't fit a network of {self.n_inputs}")
        records: list[LayerRecord] = []
        stage = None if self.features is None or entering is not None else self.features.forward(p[0], x, xp)
        h = x if stage is None else stage.a
        h = h if entering is None else entering
        for number, layer in enumerate(self.layers, 1):
            mask = None if masks is None else masks[number - 1]
            records.append(layer.forward(p[number], h, mask, xp, *_beside(layer, x)))
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
        shares = xp.expand_dims(shares, axis=-1)
        delta = self.loss.delta(last.z, last.a, y, self.output.activation, xp) * shares
        da = self.loss.prime(last.a, y, xp) * shares
        if self.loss.over_outputs == "mean":
            da = da / last.a.shape[-1]
        return self.backward_from(p, record, delta, xp, da)._replace(cost=cost)

    def backward_from(
        self, p: Parameters, record: Record, delta: Array, xp: Namespace, da: Array | None = None
    ) -> Gradients:
        """Compute what follows from any ``delta`` (…, n, n_out) of the output layer, whatever the loss.

        ``da`` is its dC/da; that and the cost, where not given, are not known: NaN.
        """
        dh = xp.full_like(delta, math.nan) if da is None else da
        own: Array | None = delta
        layers: list[LayerGradients] = []
        for number in range(len(self.layers), 0, -1):
            layer, made = self.layers[number - 1], record.layers[number - 1]
            entering, beside = record.entering(number), _beside(layer, record.x)
            layers.append(layer.backward(p[number], entering, made, dh, xp, own, *beside))
            dh, own = layer.by_entering(p[number], layers[-1].delta, xp), None
        stage = None
        if self.features is not None and record.stage is not None:
            stage = self.features.backward(p[0], record.x, record.stage, dh, xp)
            dh = stage.x
        if self.output.linear_path:
            dh = dh + self.output.by_inputs(p[len(self.layers)], layers[0].delta, xp)
        return Gradients(math.nan, tuple(reversed(layers)), dh, stage)

    def gradients_of_rows(
        self, p: Parameters, record: Record, gradients: Gradients, number: int, rows: slice, xp: Namespace
    ) -> dict[str, Array]:
        """Return by name the part that some rows have in the gradients of layer ``number``."""

        def cut(array: Array) -> Array:
            return array[..., rows, :]

        if number:
            back, made = gradients.layers[number - 1], _each(record.layers[number - 1], cut)
            h, da, delta = cut(record.entering(number)), cut(back.da), cut(back.delta)
            layer = self.layers[number - 1]
            return layer.by_parameters(h, made, da, delta, xp, *_beside(layer, record.x, cut))
        assert self.features is not None
        assert record.stage is not None
        assert gradients.stage is not None
        of_stage, da = _each(record.stage, cut), cut(gradients.stage.da)
        return self.features.backward(p[0], cut(record.x), of_stage, da, xp).parameters

    def sizes_of_terms(
        self, p: Parameters, record: Record, gradients: Gradients, xp: Namespace, delta: Array | None = None
    ) -> dict[int, dict[str, Array]]:
        """Return the gradients with all their terms added without signs: what rounding and cancellation are measured by.

        Each layer's terms are those of its own delta; with a ``delta`` of the output layer, those of what comes back
        from it when nothing cancels on the way either.
        """
        unsigned = {n: {name: xp.abs(array) for name, array in arrays.items()} for n, arrays in p.items()}
        sizes: dict[int, dict[str, Array]] = {}
        dh: Array = None
        for number in range(len(self.layers), 0, -1):
            layer, back = self.layers[number - 1], gradients.layers[number - 1]
            da, own = xp.abs(back.da), xp.abs(back.delta)
            if delta is not None:
                mask = record.layers[number - 1].mask
                da = da if dh is None else dh if mask is None else dh * mask
                own = delta if dh is None else da * xp.abs(back.slope)
            made = _each(record.layers[number - 1], xp.abs)
            entering, beside = xp.abs(record.entering(number)), _beside(layer, record.x, xp.abs)
            sizes[number] = layer.by_parameters(entering, made, da, own, xp, *beside)
            dh = layer.by_entering(unsigned[number], own, xp)
        if self.features is not None and record.stage is not None:
            stage = _each(record.stage, xp.abs)
            sizes[0] = self.features.backward(unsigned[0], xp.abs(record.x), stage, dh, xp).parameters
        return sizes

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
            layers = [layer_from_dict(layer) for layer in data["layers"]]
            stage = data.get("features")
            return cls(
                [data["n_inputs"], *layers],
                data["loss"],
                data["reduction"],
                None if stage is None else Features.from_dict(stage),
            )
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise SettingsError(f"this is not the description of a network: {error}") from error


def _beside(
    layer: Dense, x: Array, change: Callable[[Array], Array] = lambda array: array
) -> tuple[Array, ...]:
    """Return what a layer takes beside what enters it: the network's inputs, where it has a linear path."""
    return (change(x),) if layer.linear_path else ()


Made = TypeVar("Made", LayerRecord, StageRecord)


def _each(record: Made, change: Callable[[Array], Array]) -> Made:
    """Return a record with every array changed."""
    return type(record)(*(None if array is None else change(array) for array in record))
