"""How a derivation in symbols is written: the letters, the number of the first layer, rows or columns.

A `Letters` makes the symbols of a network's quantities at an index, which `explain.derive.symbolic.instances` reads by
the same record; nothing else knows a letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chainrule._doors import setting
from chainrule.equations.registry import check_choice
from chainrule.formula.nodes import AppliedLetter, Binary, Call, Indexed, Node, Number, Symbol

ONE = Number(1.0)


@dataclass(frozen=True)
class Letters:
    """The letters of a notation.

    ``layer`` is the index of any layer, ``first`` the number of the input layer and ``last`` the letter of the output
    layer's. ``weight_indices`` are those of a weight, from and to; ``neuron`` and ``next`` those of a neuron and one in the
    layer above it; ``others`` are further ones. With ``pairs`` a weight names the layers at both its ends; with ``bracketed``
    layers stand in brackets; with ``own_activation`` the activation's letter carries its layer. ``size`` is ``#`` where it
    is applied to the layer, else it has the layer below. With ``columns`` an array of a layer is a column, and the weights
    have a row per neuron of the layer they lead to; with ``arrows`` the arrays have arrows. With ``to_first`` a weight is
    written with the neuron it leads to first.
    """

    name: str
    words: str
    first: int
    layer: str
    last: str
    weight_indices: tuple[str, str]
    neuron: str
    next: str
    others: tuple[str, ...]
    columns: bool
    pairs: bool
    bracketed: bool
    own_activation: bool
    size: str
    activation: str
    arrows: bool = False
    to_first: bool = False
    cost: str = "C"
    sum: str = "z"
    output: str = "a"
    weight: str = "w"
    weights: str = "W"
    bias: str = "b"
    delta: str = "delta"
    target: str = "y"
    row: str = "r"
    rows: str = "N"

    def at(self, letter: str, layer: Node, *indices: str) -> Node:
        """Return a quantity of a layer: of the neurons at indices, or the whole array."""
        marked = f"vec_{letter}" if self.arrows and not indices else letter
        return Indexed(marked, (layer,), tuple(map(Symbol, indices)), self.bracketed)

    def weight_at(self, layer: Node, *indices: str) -> Node:
        """Return a weight that leads to a layer, by the neurons it comes from and leads to, or all of them."""
        above = (below(layer), layer) if self.pairs else (layer,)
        letter = self.weight if indices else self.weights
        ends = indices[::-1] if self.to_first else indices
        return Indexed(letter, above, tuple(map(Symbol, ends)), self.bracketed)

    def target_at(self, *indices: str) -> Node:
        """Return a target, or the array of them."""
        if indices:
            return Indexed(self.target, (), tuple(map(Symbol, indices)))
        return Indexed(f"vec_{self.target}" if self.arrows else self.target)

    def cost_at(self, *indices: str) -> Node:
        """Return the cost, or that of a row."""
        return Indexed(self.cost, (), tuple(map(Symbol, indices)))

    def size_of(self, layer: Node) -> Node:
        """Return the number of neurons of a layer."""
        return AppliedLetter(Indexed("#"), layer) if self.size == "#" else Indexed(self.size, (), (layer,))

    def applied(self, layer: Node, operand: Node, mark: str = "") -> Node:
        """Return a layer's activation at what it is applied to; with the mark ``'`` its derivative."""
        above = (layer,) if self.own_activation else ()
        return AppliedLetter(Indexed(self.activation + mark, above, (), self.bracketed), operand)

    def product(self, weights: Node, entering: Node) -> Node:
        """Return what leads an array that stands right of the weights in columns, and left of them in rows."""
        return Binary("@", weights, entering) if self.columns else Binary("@", entering, weights)

    def back(self, weights: Node, delta: Node) -> Node:
        """Return what leads an array back through the weights: their transpose's product."""
        return self.product(Call("transpose", (weights,)), delta)

    def outer(self, entering: Node, delta: Node) -> Node:
        """Return the matrix of all products of what entered and what leaves, of the weights' shape."""
        if self.columns:
            return Binary("@", delta, Call("transpose", (entering,)))
        return Binary("@", Call("transpose", (entering,)), delta)


def below(layer: Node) -> Node:
    """Return the number of the layer before one, as an index."""
    match layer:
        case Number(value):
            return Number(value - 1)
        case Binary("+", inner, Number(1.0)):
            return inner
    return Binary("-", layer, ONE)


def above(layer: Node) -> Node:
    """Return the number of the layer after one, as an index."""
    match layer:
        case Number(value):
            return Number(value + 1)
        case Binary("-", inner, Number(1.0)):
            return inner
    return Binary("+", layer, ONE)


OURS = Letters(
    "ours",
    "layers from 0, the inputs, to L; arrays are rows, and W[l] has a row per neuron of layer l-1",
    first=0,
    layer="l",
    last="L",
    weight_indices=("i", "j"),
    neuron="j",
    next="k",
    others=("m", "p", "q", "s", "t", "u", "v"),
    columns=False,
    pairs=False,
    bracketed=True,
    own_activation=True,
    size="n",
    activation="f",
)
ARTICLE_4 = Letters(
    "article-4",
    "layers from 1, the inputs, to n; arrays are columns, and W[i-1,i] has a row per neuron of layer i",
    first=1,
    layer="i",
    last="n",
    weight_indices=("j", "k"),
    neuron="j",
    next="k",
    others=("m", "p", "q", "s", "t", "u", "v"),
    columns=True,
    pairs=True,
    bracketed=False,
    own_activation=False,
    size="#",
    activation="sigma",
    arrows=True,
)
# Nielsen, Neural Networks and Deep Learning, 2015, chapter 2; he has no letter for the size of a layer.
NIELSEN = Letters(
    "nielsen",
    "layers from 1, the inputs, to L; arrays are columns, and w[l] has a row per neuron of layer l",
    first=1,
    layer="l",
    last="L",
    weight_indices=("k", "j"),
    neuron="j",
    next="k",
    others=("m", "p", "q", "s", "t", "u", "v"),
    columns=True,
    pairs=False,
    bracketed=False,
    own_activation=False,
    size="n",
    activation="sigma",
    to_first=True,
    weights="w",
)

NOTATIONS: Mapping[str, Letters] = {letters.name: letters for letters in (OURS, ARTICLE_4, NIELSEN)}
"""The notations that a derivation in symbols can be written in."""


def letters_of(name: str) -> Letters:
    """Return the letters of a notation; raises SettingsError for an unknown one."""
    check_choice(setting("notation"), name, tuple(NOTATIONS))
    return NOTATIONS[name]
