"""From an estimator's parameters and the data's sizes to a network: as plain words, and made once for each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from chainrule._doors import naming
from chainrule._plain import Plain
from chainrule._types import FloatArray
from chainrule.equations.activations import activation
from chainrule.equations.answers import Answers
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.losses import Loss, loss
from chainrule.equations.network import Network, check_extent
from chainrule.estimators.parameters import ParameterError

Kind = Literal["number", "class", "labels"]

# scikit-learn's names where they are not ours.
ACTIVATION_NAMES = {"logistic": "sigmoid", "exp": "exponential"}
LOSS_NAMES = {"squared_error": "half_squared_error", "absolute_error": "mean_absolute_error"}
SHOWN_NAMES = {ours: theirs for theirs, ours in ACTIVATION_NAMES.items()}


@dataclass(frozen=True)
class Design(Plain):
    """A network in words: what is pickled and written to files, and what `Network`s are kept by.

    ``sizes``: neurons of every layer, inputs first; ``activations``, ``dropouts`` and ``frozen`` of each layer.
    """

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    loss: str
    kind: Kind
    dropouts: tuple[float, ...]
    frozen: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        check_extent(len(self.activations), self.activations)

    @property
    def network(self) -> Network:
        """The network."""
        return _made(self)[0]

    @property
    def layout(self) -> Layout:
        """Where its parameters lie."""
        return _made(self)[1]

    def answers(self, names: Any = None) -> Answers:
        """Return how its outputs are read."""
        return Answers(self.kind, self.network.loss.signed, names)

    def arrays(self, flat: FloatArray) -> tuple[list[FloatArray], list[FloatArray]]:
        """Return the weights and the biases of each layer, views of ``flat`` (p,)."""
        layers = self.layout.unflatten(flat).values()
        return [layer["W"] for layer in layers], [layer["b"] for layer in layers]


def design(estimator: Any, n_inputs: int, kind: Kind, n_classes: int, n_outputs: int) -> Design:
    """Return the network that the parameters describe.

    ``n_classes`` is 0 for numbers; ``n_outputs`` the columns of the targets. Raises SettingsError for what no
    network can be, in scikit-learn's words for a hidden layer's size below 1.
    """
    wanted = estimator.hidden_layer_sizes
    hidden = [int(n) for n in wanted] if hasattr(wanted, "__iter__") else [int(wanted)]
    if any(n <= 0 for n in hidden):
        raise ParameterError(f"hidden_layer_sizes must be > 0, got {hidden}.")
    cost = cost_of(estimator.loss, kind, n_classes)
    n_out = n_outputs
    if kind == "class":  # one neuron for up to two, unless the loss wants one for each
        n_out = max(n_classes, 2) if n_classes > 2 or cost.targets == "one_hot" else 1
    last = output_activation_of(cost, kind, n_out, estimator.output_activation)
    names, shares = (
        list(given) if isinstance(given, list | tuple) else [given] * len(hidden)
        for given in (estimator.activation, estimator.dropout)
    )
    for what, values in (("activation", names), ("dropout", shares)):
        if len(values) != len(hidden):
            raise ParameterError(
                f"{what} has {len(values)} values for {len(hidden)} hidden layers: give one, or one for each"
            )
    return Design(
        (n_inputs, *hidden, n_out),
        (*(_ours(name) for name in names), last),
        cost.spec,
        kind,
        (*(float(share) for share in shares), 0.0),
        _frozen(estimator.frozen, len(hidden) + 1),
    )


def cost_of(wanted: str | Loss, kind: Kind, n_classes: int) -> Loss:
    """Return the loss of a name: ours, scikit-learn's, or ``log_loss``, which depends on the number of classes.

    Raises ParameterError for a loss that isn't for such targets.
    """
    if wanted == "log_loss" and kind != "number":
        several = kind == "class" and n_classes > 2
        return loss("categorical_cross_entropy" if several else "binary_cross_entropy")
    with naming("loss"):
        cost = loss(LOSS_NAMES.get(wanted, wanted) if isinstance(wanted, str) else wanted)
    if kind == "number" and cost.targets in ("zero_one", "one_hot"):
        raise ParameterError(
            f"loss {cost.name} is for classes, but the target is a number: choose squared_error"
        )
    if kind != "number" and cost.targets == "nonnegative":
        raise ParameterError(f"loss {cost.name} is for counts, but the target is a class: choose log_loss")
    if kind == "labels" and cost.targets == "one_hot":
        raise ParameterError(
            f"loss {cost.name} is for one class a row, but rows have several labels: choose log_loss"
        )
    return cost


def output_activation_of(cost: Loss, kind: Kind, n_out: int, wanted: Any) -> str:
    """Return the output layer's activation: as wanted, else the one that suits the loss and the targets."""
    if wanted is not None:
        name = _ours(wanted, "output_activation")
        if name == "softmax" and (n_out == 1 or kind == "labels"):
            what = "of one output is always 1" if n_out == 1 else "gives a row one label, not several"
            raise ParameterError(f"softmax {what}: choose output_activation='logistic'")
        return name
    if kind == "number" or cost.targets in ("zero_one", "one_hot"):
        return cost.output
    return "softmax" if kind == "class" and n_out > 1 else "sigmoid"


def gives_probabilities(wanted: Any, output: Any) -> bool:
    """Return whether a classifier with this loss and output activation gives probabilities."""
    cost = cost_of(wanted, "class", 2)
    last = output_activation_of(cost, "class", 1, None if output == "softmax" else output)
    return not cost.signed and activation(last).range == "(0, 1)"


def _ours(name: Any, asked: str = "activation") -> str:
    with naming(asked):
        return activation(ACTIVATION_NAMES.get(name, name) if isinstance(name, str) else name).spec


def _frozen(wanted: Any, n_layers: int) -> tuple[tuple[str, ...], ...]:
    """Return the frozen parameters' names in each layer, from addresses such as ``W[1]`` and ``b[2][1]``."""
    found: list[list[str]] = [[] for _ in range(n_layers)]
    for address in [wanted] if isinstance(wanted, str) else wanted:
        match = re.fullmatch(r"\s*([Wb])\s*\[\s*(\d+)\s*\]\s*(\[[\d\s,]+\])?\s*", address)
        if match is None or not 1 <= int(match[2]) <= n_layers:
            raise ParameterError(
                f"frozen {address!r}: write W or b, the layer from 1 to {n_layers}, and perhaps the place in it: "
                "W[1], b[2], W[1][2,3]"
            )
        found[int(match[2]) - 1].append(match[1] + (match[3] or ""))
    return tuple(tuple(names) for names in found)


def given_layers(
    coefs: Sequence[Any], intercepts: Sequence[Any], parameters: Mapping[str, Any]
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Return copies of given weights (n_in, n_out) and biases (n_out,) of each layer.

    Raises ParameterError where they don't fit together, or the parameters don't fit them.
    """
    if "hidden_layer_sizes" in parameters:
        raise ParameterError("hidden_layer_sizes follow from the weights: leave them out")
    if parameters.get("missing", "error") != "error":
        raise ParameterError("missing: a network of given weights knows no mean of a column: leave it out")
    dtype = parameters.get("dtype") or np.result_type(*(np.asarray(W).dtype for W in coefs))
    kind = np.float32 if np.dtype(dtype) == np.float32 else np.float64
    weights: list[FloatArray] = [np.array(W, kind, ndmin=2) for W in coefs]
    biases: list[FloatArray] = [np.array(b, kind, ndmin=1) for b in intercepts]
    if not weights or len(weights) != len(biases):
        raise ParameterError(
            f"{len(weights)} coefs and {len(biases)} intercepts don't make layers: give one of each a layer"
        )
    for number, (W, b) in enumerate(zip(weights, biases, strict=True), 1):
        if W.ndim != 2 or b.shape != W.shape[1:]:
            raise ParameterError(
                f"layer {number}: coefs of shape {W.shape} and intercepts of {b.shape} don't fit: (n_in, n_out) and "
                "(n_out,) are needed"
            )
        if not (np.isfinite(W).all() and np.isfinite(b).all()):
            raise ParameterError(f"layer {number} has weights that are not finite")
    for number, (one, two) in enumerate(pairwise(weights), 1):
        if one.shape[1] != two.shape[0]:
            raise ParameterError(
                f"layer {number} has {one.shape[1]} outputs, but layer {number + 1} takes {two.shape[0]}"
            )
    return weights, biases


@lru_cache(maxsize=128)
def _made(words: Design) -> tuple[Network, Layout]:
    """Return the network and its layout; a grid search asks for the same one again and again."""
    cost = loss(words.loss)
    if cost.name == "poisson":
        # As scikit-learn has it: the sum over the outputs.
        cost = replace(cost, over_outputs="sum")
    of_layers = zip(words.sizes[1:], words.activations, words.dropouts, words.frozen, strict=True)
    layers = [Dense(n, name, dropout=share, frozen=names) for n, name, share, names in of_layers]
    network = Network([words.sizes[0], *layers], cost)
    return network, Layout(network)
