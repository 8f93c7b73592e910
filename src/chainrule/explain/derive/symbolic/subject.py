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
        """Return an output, or a layer's: of the inputs and of the last layer by their own letters, where they have some."""
        is_inputs = layer == self.first and self.letters.shape("x") is not None
        return self.letters.at("x" if is_inputs else "a", layer, *indices, last=self.has_own("a", layer))

    def z(self, layer: Node, *indices: str) -> Node:
        """Return a weighted sum, or a layer's."""
        return self.letters.at("z", layer, *indices, last=self.has_own("z", layer))

    def has_own(self, quantity: str, layer: Node) -> bool:
        """Tell whether it is the last layer, and a quantity has another letter there."""
        ends = (self.last, Number(float(self.letters.first + self.layers - 1)))
        return layer in ends and self.letters.shape(quantity, last=True) is not None

    def w(self, layer: Node, *indices: str) -> Node:
        """Return a weight, by the neurons it comes from and leads to, or a layer's."""
        return self.letters.at("W", layer, *indices)

    def b(self, layer: Node, *indices: str) -> Node:
        """Return a bias; where the layer shares one it has no neuron."""
        return self.letters.at("b", layer, *(() if self.is_shared else indices), shared=self.is_shared)

    def y(self, *indices: str) -> Node:
        """Return a target, or all."""
        return self.letters.at("y", self.last, *indices)

    def delta(self, layer: Node, *indices: str) -> Node:
        """Return a delta, or a layer's: the derivative itself where there is no letter for it."""
        if not self.letters.has_delta:
            return self.cost_by(self.z(layer, *indices))
        return self.letters.at("delta", layer, *indices)

    @property
    def delta_words(self) -> str:
        """What a delta is called."""
        return "delta" if self.letters.has_delta else "the derivative by the weighted sum"

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
        return put(formula, {"a": self.a(self.last, *indices), "y": self.y(*indices), **values})

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
