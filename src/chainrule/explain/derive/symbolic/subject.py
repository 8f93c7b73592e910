"""What backpropagation is derived for: networks of any size, by what their layers and their loss are."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.equations.activations import Activation
from chainrule.equations.dense import BiasMode
from chainrule.equations.losses import Link, Loss
from chainrule.explain.derive.lines import Range
from chainrule.explain.derive.symbolic.letters import ONE, Letters
from chainrule.formula.nodes import (
    Binary,
    Compare,
    Indexed,
    Node,
    Number,
    PartialDerivative,
    SumOver,
    Symbol,
    put,
)


@dataclass(frozen=True)
class Subject:
    """Networks of any size with a loss, activations and biases, in given letters.

    ``hidden`` is the activation of the hidden layers, ``output`` that of the last layer. ``layers`` counts the inputs too.
    """

    letters: Letters
    layers: int
    loss: Loss
    hidden: Activation
    output: Activation
    bias: BiasMode

    @property
    def layer(self) -> Node:
        """Any layer."""
        return Symbol(self.letters.layer)

    @property
    def last(self) -> Node:
        """The output layer."""
        return Symbol(self.letters.last)

    @property
    def first(self) -> Node:
        """The layer of the inputs."""
        return Number(float(self.letters.first))

    @property
    def is_shared(self) -> bool:
        """Whether a layer has one bias."""
        return self.bias == "layer"

    @property
    def link(self) -> Link | None:
        """What the loss and the output activation come to together, if they have been put together."""
        return self.loss.links.get(self.output.name)

    def a(self, layer: Node, *indices: str) -> Node:
        """Return an output, or a layer's."""
        return self.letters.at(self.letters.output, layer, *indices)

    def z(self, layer: Node, *indices: str) -> Node:
        """Return a weighted sum, or a layer's."""
        return self.letters.at(self.letters.sum, layer, *indices)

    def w(self, layer: Node, *indices: str) -> Node:
        """Return a weight, by the neurons it comes from and leads to, or a layer's."""
        return self.letters.weight_at(layer, *indices)

    def b(self, layer: Node, *indices: str) -> Node:
        """Return a bias; where the layer shares one it has no neuron."""
        if self.is_shared:
            return Indexed(self.letters.bias, (layer,), (), self.letters.bracketed)
        return self.letters.at(self.letters.bias, layer, *indices)

    def delta(self, layer: Node, *indices: str) -> Node:
        """Return a delta, or a layer's."""
        return self.letters.at(self.letters.delta, layer, *indices)

    def cost_by(self, by: Node, *rows: str) -> Node:
        """Return the derivative of the cost, or of a row's, by something."""
        return PartialDerivative(self.letters.cost_at(*rows), by)

    def slope(self, layer: Node, *indices: str) -> Node:
        """Return the derivative of an activation at its z."""
        return self.letters.applied(layer, self.z(layer, *indices), "'")

    def layers_from(self, first: Node, last: Node) -> Range:
        """Return the range of the layers."""
        return Range(self.letters.layer, first, last)

    def neurons(self, index: str, layer: Node) -> Range:
        """Return the range of the neurons of a layer."""
        return Range(index, ONE, self.letters.size_of(layer))

    def over(self, index: str, layer: Node, operand: Node) -> Node:
        """Return the sum over the neurons of a layer."""
        return SumOver(index, self.letters.size_of(layer), operand)

    def in_output(self, record: Loss, formula: Node, *indices: str) -> Node:
        """Return a loss's formula of one output, or of all of them, with the values of its parameters."""
        values = {name: Number(value) for name, value in record.parameters.items()}
        return put(
            formula, {"a": self.a(self.last, *indices), "y": self.letters.target_at(*indices), **values}
        )

    def meant(self, node: Node) -> Node:
        """Return a tree divided by the number of outputs, where the loss is their mean."""
        return over(node, self.letters.size_of(self.last)) if self.loss.over_outputs == "mean" else node

    @property
    def activations(self) -> str:
        """The activations in words."""
        if self.layers == 2 or self.hidden.spec == self.output.spec:
            return f"{self.output.spec}"
        return f"{self.hidden.spec} in the hidden layers, {self.output.spec} in the output layer"

    @property
    def is_joined(self) -> bool:
        """Whether every output depends on every z of its layer, as with softmax."""
        return not self.output.elementwise

    @property
    def last_apart(self) -> Node:
        """The last layer each of whose outputs depends on its own z alone."""
        return Binary("-", self.last, ONE) if self.is_joined else self.last

    @property
    def has_apart(self) -> bool:
        """Whether there is such a layer."""
        return self.layers > 2 or not self.is_joined


def times(*factors: Node) -> Node:
    """Return a product."""
    product, *others = factors
    for factor in others:
        product = Binary("*", product, factor)
    return product


def over(node: Node, count: Node) -> Node:
    """Return a mean: 1/count times a sum."""
    return Binary("*", Binary("/", ONE, count), node)


def indicator(index: str, other: str) -> Node:
    """Return what is 1 where two indices are the same, else 0."""
    return Indexed("1", (), (Compare("==", Symbol(index), Symbol(other)),))
