"""How a derivation in symbols is written: a notation's letters at any layer and neuron, rows or columns.

A `Letters` makes the symbols of a network's quantities at an index, and tells which quantity a symbol is; nothing else
knows a letter. All of it comes from the notation's record.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from chainrule._kept import cached_property
from chainrule.explain.derive.symbolic.shapes import ROW, Lettering, shapes_of
from chainrule.explain.notation.places import template_of
from chainrule.explain.notation.record import Notation, notation
from chainrule.formula.nodes import AppliedLetter, Binary, Call, Indexed, Node, Number, Symbol

ONE = Number(1.0)

OTHERS = "mpqstuvghdijkc"
"""Further indices of neurons, but for letters that have another meaning."""


class Found(NamedTuple):
    """What a letter of a tree stands for: its shape, and the indices in the place of the shape's fields."""

    shape: Lettering
    indices: Mapping[str, Node]


@dataclass(frozen=True, eq=False)
class Letters:
    """The letters of a notation for networks of any size."""

    notation: Notation

    @property
    def name(self) -> str:
        """The notation's name."""
        return self.notation.name

    @property
    def first(self) -> int:
        """The number of the input layer."""
        return self.notation.first_layer

    @property
    def columns(self) -> bool:
        """Whether an array of a layer is a column, and the weights have a row per neuron of the layer they lead to."""
        return self.notation.columns

    @property
    def layer(self) -> str:
        """The index of any layer."""
        return self.notation.letter("layer")

    @property
    def last(self) -> str:
        """The letter of the output layer's number."""
        return self.notation.letter("last")

    @property
    def weight_indices(self) -> tuple[str, str]:
        """The indices of a weight: the neuron it comes from, and that which it leads to."""
        return self.notation.letter("from"), self.notation.letter("to")

    @property
    def neuron(self) -> str:
        """The index of a neuron."""
        return self.notation.letter("neuron")

    @property
    def next(self) -> str:
        """The index of a neuron in the layer above it."""
        return self.notation.letter("next")

    @property
    def row(self) -> str:
        """The index of a row."""
        return self.notation.letter("row")

    @property
    def rows(self) -> str:
        """The number of rows."""
        return self.notation.letter("rows")

    @cached_property
    def others(self) -> tuple[str, ...]:
        """Further indices of neurons."""
        taken = {self.layer, self.last, *self.weight_indices, self.neuron, self.next, self.row, self.rows}
        taken |= {self.notation.letter("size"), *(shape.letter for shape in self.shapes)}
        return tuple(letter for letter in OTHERS if letter not in taken)

    @cached_property
    def shapes(self) -> tuple[Lettering, ...]:
        """How each quantity is written, those with the most fixed signs first."""
        return shapes_of(self.notation, self.row)

    @cached_property
    def _by_role(self) -> Mapping[tuple[str, bool, bool, bool], Lettering]:
        return {(each.quantity, each.is_whole, each.is_last, each.is_shared): each for each in self.shapes}

    def shape(
        self, quantity: str, *, whole: bool = False, last: bool = False, shared: bool = False
    ) -> Lettering | None:
        """Return how a quantity is written, or None where there is no such letter."""
        return self._by_role.get((quantity, whole, last, shared))

    @property
    def has_delta(self) -> bool:
        """Whether there is a letter for the derivative by a weighted sum."""
        return self.notation.delta == "symbol"

    @property
    def names_each(self) -> bool:
        """Whether the notation has no place for the indices of any weighted sum or weight."""
        own = self.notation
        fields = {key: template_of(own.names[key]).fields for key in ("z", "W") if key in own.names}
        return any(not {"l", "j"} <= fields[key] for key in fields if key not in own.symbols)

    def find(self, node: Indexed) -> Found | None:
        """Return what a letter of a tree stands for, None where it is no quantity of the notation."""
        for shape in self.shapes:
            indices = shape.indices_in(node)
            if indices is not None:
                return Found(shape, indices)
        return None

    def at(self, quantity: str, layer: Node, *indices: str, last: bool = False, shared: bool = False) -> Node:
        """Return a quantity of a layer: at the indices of its neurons, or the whole array."""
        shape = self.shape(quantity, whole=not indices and not shared, last=last, shared=shared)
        assert shape is not None, quantity
        ends = tuple(map(Symbol, indices)) or (ONE,)
        return shape.at({"l": layer, "l-1": below(layer), "i": ends[0], "j": ends[-1]})

    def cost_at(self, *rows: str) -> Node:
        """Return the cost, or that of a row."""
        shape = self.shape("loss" if rows else "C")
        assert shape is not None
        return shape.at(dict(zip((ROW,), map(Symbol, rows), strict=False)))

    def size_of(self, layer: Node) -> Node:
        """Return the number of neurons of a layer."""
        letter = self.notation.letter("size")
        if not letter.isalpha():
            return AppliedLetter(Indexed(letter), layer)
        return Indexed(letter, (), (layer,), order=self.order)

    def sized(self, node: Node) -> Node | None:
        """Return the layer whose number of neurons a node is, None where it is another."""
        letter = self.notation.letter("size")
        match node:
            case AppliedLetter(Indexed(name), layer) if name == letter:
                return layer
            case Indexed(name, (), (layer,)) if name == letter:
                return layer
        return None

    @property
    def order(self) -> str:
        """The order of scripts in text; empty where they are typed in brackets."""
        shape = self.shape("z")
        assert shape is not None
        return shape.order

    def applied(self, layer: Node, operand: Node, mark: str = "") -> Node:
        """Return a layer's activation at what it is applied to; with the mark ``'`` its derivative."""
        shape = self.shape("f")
        assert shape is not None
        return AppliedLetter(replace(shape, letter=shape.letter + mark).at({"l": layer}), operand)

    def is_activation(self, function: Indexed) -> bool:
        """Tell whether a letter is the activation's, or its derivative's."""
        shape = self.shape("f")
        return (
            shape is not None
            and shape.indices_in(replace(function, letter=function.letter.removesuffix("'"))) is not None
        )

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

    @property
    def words(self) -> str:
        """How layers are counted and which way round arrays are, in words."""
        lines = ("columns", self.layer) if self.columns else ("rows", f"{self.layer}-1")
        return (
            f"layers from {self.first}, the inputs, to {self.last}; arrays are {lines[0]}, and the matrix of the weights to "
            f"layer {self.layer} has a row per neuron of layer {lines[1]}"
        )


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


def letters_of(name: str | os.PathLike[str] | Notation) -> Letters:
    """Return the letters of a notation, by its name or its file; raises SettingsError for one that is none."""
    return Letters(notation(name))
