"""What a tree of indexed symbols comes to on a network: its letters are the engine's own numbers.

Every index of a neuron is an axis, so that one evaluation has all its values; the number of a layer is one at a time. z, a,
delta and the derivatives of the cost are as `Network.forward` and `Network.backward` have them, and da/dz, dz/da as the
layer has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from chainrule.equations.network import Gradients, Network, Record
from chainrule.explain.derive.symbolic.letters import Letters
from chainrule.explain.derive.symbolic.shapes import ROW, Lettering
from chainrule.formula.evaluate import apply_to_numbers
from chainrule.formula.functions import FUNCTIONS
from chainrule.formula.nodes import (
    OPERATORS,
    AppliedLetter,
    Binary,
    Call,
    Compare,
    Constant,
    Indexed,
    Negate,
    Node,
    Number,
    PartialDerivative,
    SumOver,
    Symbol,
)

Value: TypeAlias = Callable[[Node], Any]
"""The value of a tree at the indices of the place where it stands."""


class Misfit(Exception):
    """A statement that asks for what there isn't: layers that aren't neighbors, a letter that stands for nothing."""


class Passed(NamedTuple):
    """What the engine made of rows, forward and back."""

    record: Record
    gradients: Gradients


@dataclass(frozen=True)
class Instance:
    """A network with random numbers, each of its rows by itself, and all rows as one batch."""

    network: Network
    p: Mapping[int, Mapping[str, Any]]
    y: Any
    rows: tuple[Passed, ...]
    batch: Passed


class Place(NamedTuple):
    """What a letter of a statement stands for: its shape, the engine's number of its layer, and its indices, from first."""

    shape: Lettering
    layer: int
    ends: list[Any]


@dataclass(frozen=True)
class Interpreter:
    """Reads the letters of statements as an instance's numbers; ``of_batch``: the cost is that of all rows."""

    letters: Letters
    made: Instance
    of_batch: bool = False

    @property
    def names(self) -> dict[str, float]:
        """What letters stand for that are numbers of the network."""
        last = self.letters.first + len(self.made.network.layers)
        return {self.letters.last: last, self.letters.rows: len(self.made.rows)}

    def evaluate(self, node: Node, at: Mapping[str, Any], axes: Sequence[str] = ()) -> Any:
        """Return a tree's value, with an axis for each index of ``axes``; raises Misfit for what there isn't."""

        def value(node: Node) -> Any:
            return self.evaluate(node, at, axes)

        match node:
            case Number(number):
                return number
            case Symbol(name) if name in at:
                return at[name]
            case Indexed() | AppliedLetter() if (layer := self.letters.sized(node)) is not None:
                return self.size(_one(value(layer)))
            case Indexed():
                return self.letter(node, value)
            case SumOver(index, last, operand):
                values = along(axes, index, 1, _one(value(last)))
                found = np.asarray(self.evaluate(operand, {**at, index: values}, axes))
                found = found.reshape(found.shape or [1] * len(axes))
                place = axes.index(index)
                # What is summed may be the same at every value of the index.
                times = values.size if found.shape[place] == 1 else 1
                return found.sum(axis=place, keepdims=True) * times
            case PartialDerivative(of, by):
                return self.partial(of, by, value)
            case AppliedLetter(Indexed() as function, operand):
                return self.activated(function, operand, value)
            case Negate(operand):
                return -value(operand)
            case Binary("@", left, right):
                return value(left) @ value(right)
            case Binary("⊙", left, right):
                return value(left) * value(right)
            case Binary("^", left, right):
                return value(left) ** value(right)
            case Binary(op, left, right) | Compare(op, left, right):
                return OPERATORS[op](value(left), value(right))
            case Call("transpose", (operand,)):
                return np.asarray(value(operand)).T
            case Call("sum", (operand,)):
                return np.asarray(value(operand)).sum()
            case Call(name, args):
                return FUNCTIONS[name].evaluate(np, *(np.asarray(value(arg)) for arg in args))
            case Constant():
                return apply_to_numbers(node, [])
        raise Misfit(f"{node} has no value")

    def number(self, layer: Any) -> int:
        """Return the engine's number of a layer; the inputs are 0."""
        number = _one(layer) - self.letters.first
        if not 0 <= number <= len(self.made.network.layers):
            raise Misfit(f"there is no layer {layer}")
        return number

    def size(self, layer: int) -> int:
        """Return how many neurons a layer has."""
        return self.made.network.sizes[self.number(layer)]

    def letter(self, node: Indexed, value: Value) -> Any:
        """Return what a letter with its indices stands for."""
        if node.letter == "1":
            (compared,) = (np.asarray(value(index)) for index in node.below)
            return compared.astype(float)
        place, run = self.place(node, value), self.made.rows[0]
        number, ends = place.layer, place.ends
        match place.shape.quantity:
            case "C":
                return float((self.made.batch if self.of_batch else run).gradients.cost)
            case "loss":
                return np.array([float(each.gradients.cost) for each in self.made.rows])[ends[0] - 1]
            case "y":
                return self.indexed(self.made.y, ends)
            case "W":
                return self.indexed(self.made.p[number]["W"], ends)
            case "x" | "a":
                return self.indexed(run.record.entering(number + 1)[0], ends)
            case "z":
                return self.indexed(run.record.layers[number - 1].z[0], ends)
            case "delta":
                return self.indexed(run.gradients.layers[number - 1].delta[0], ends)
            case "b":
                return self.bias(self.made.p[number]["b"], number, ends)
        raise Misfit(f"{node.letter} stands for nothing")

    def place(self, node: Node, value: Value) -> Place:
        """Return the quantity that a letter stands for, the engine's number of its layer, and its indices, from first."""
        found = self.letters.find(node) if isinstance(node, Indexed) else None
        if found is None:
            raise Misfit(f"{node} stands for nothing")
        shape, last = found.shape, len(self.made.network.layers)
        numbers = [
            self.number(value(index)) + (field == "l-1")
            for field, index in found.indices.items()
            if field in ("l", "l-1")
        ] or [last if shape.is_last else 0]
        if len(set(numbers)) > 1:
            raise Misfit("a weight joins a layer to the next one")
        if not 0 < numbers[0] <= last and shape.quantity in ("z", "W", "b", "delta"):
            raise Misfit(f"there is no {shape.quantity} in layer {numbers[0]}")
        ends = [
            np.asarray(value(found.indices[field])) for field in (ROW, "i", "j") if field in found.indices
        ]
        return Place(shape, numbers[0], ends)

    def bias(self, array: Any, number: int, below: list[Any]) -> Any:
        """Return a bias; where the layer shares one it has no index."""
        if self.made.network.layers[number - 1].bias == "layer":
            if below:
                raise Misfit("the bias of a layer has no neuron")
            return float(array[0])
        return self.indexed(array, below)

    def indexed(self, array: Any, below: list[Any]) -> Any:
        """Return numbers of an array at indices from 1; without indices the whole, as a row or column, or as a matrix."""
        if below:
            if len(below) != array.ndim:
                raise Misfit("too many or too few indices")
            return array[tuple(index - 1 for index in below)]
        if array.ndim == 1:
            return array[:, None] if self.letters.columns else array[None, :]
        return array.T if self.letters.columns else array

    def activated(self, function: Indexed, operand: Node, value: Value) -> Any:
        """Return a layer's activation, or its derivative, at what it is applied to."""
        place = self.place(operand, value)
        number = place.layer
        if place.shape.quantity != "z":
            raise Misfit("an activation is applied to a z")
        if not self.letters.is_activation(function):
            raise Misfit(f"{function.letter} is no activation")
        if function.above and self.number(value(function.above[0])) != number:
            raise Misfit("a layer's activation is applied to its own z")
        record, z = self.made.network.layers[number - 1].activation, np.asarray(value(operand), float)
        if function.letter.endswith("'"):
            if not record.elementwise:
                raise Misfit(f"{record.name} has no derivative per neuron")
            return record.prime(z, np)
        if record.elementwise:
            return record(z, np)
        return record(z.reshape(1, -1), np).reshape(z.shape)

    def partial(self, of: Node, by: Node, value: Value) -> Any:
        """Return the derivative of one letter by another, as the engine has it."""
        upper, lower = self.place(of, value), self.place(by, value)
        if upper.shape.quantity in ("C", "loss"):
            return self.cost_by(upper, lower)
        return self.inner(upper, lower)

    def cost_by(self, of: Place, by: Place) -> Any:
        """Return the derivative of the cost, or of a row's cost."""
        quantity, number = by.shape.quantity, by.layer

        def gradient(run: Passed) -> Any:
            if number == 0 and quantity in ("x", "a"):
                return run.gradients.x[0]
            made = run.gradients.layers[number - 1]
            match quantity:
                case "W" | "b":
                    return made.parameters[quantity]
                case "z":
                    return made.delta[0]
                case "a":
                    return made.dh[0]
            raise Misfit(f"nothing is differentiated by {quantity}")

        if of.shape.quantity == "loss":
            row = of.ends[0]
            if quantity == "b" and not by.ends:
                return np.array([gradient(run)[0] for run in self.made.rows])[row - 1]
            return np.stack([gradient(run) for run in self.made.rows])[
                (row - 1, *(index - 1 for index in by.ends))
            ]
        found = gradient(self.made.batch if self.of_batch else self.made.rows[0])
        return self.bias(found, number, by.ends) if quantity == "b" else self.indexed(found, by.ends)

    def inner(self, of: Place, by: Place) -> Any:
        """Return the derivative of an output or a sum by what it is worked out from."""
        network, upper, own, below = self.made.network, of.layer, of.ends, by.ends
        pair, step = (of.shape.quantity, by.shape.quantity), upper - by.layer
        if upper == 0 or len(own) != 1:
            raise Misfit(f"{of.shape.quantity} has no such derivative")
        layer, record = network.layers[upper - 1], self.made.rows[0].record.layers[upper - 1]
        match (*pair, step):
            case ("a", "z", 0):
                unit = np.eye(layer.n_out)
                jacobian = np.stack(
                    [layer.activation.backward(record.z[0], record.a[0], each, np) for each in unit]
                )
                return self.indexed(jacobian, [*own, *below])
            case ("z", "a" | "x", 1):
                return self.indexed(layer.by_entered(self.made.p[upper]), [*below, *own])
            case ("z", "W", 0) if len(below) == 2:
                entered = self.made.rows[0].record.entering(upper)[0]
                return self.indexed(entered, below[:1]) * (below[1] == own[0])
            case ("z", "b", 0):
                shared = layer.bias == "layer"
                if shared == bool(below):
                    raise Misfit("a bias has a neuron unless the layer shares it")
                return np.ones(own[0].shape) if shared else (below[0] == own[0]).astype(float)
        raise Misfit(f"{pair[0]} is not worked out from {pair[1]} at once")


def _one(value: Any) -> int:
    """Return the number of a layer, or a size; raises Misfit where an index has many values."""
    if np.ndim(value):
        raise Misfit("an index of neurons is no layer")
    return int(value)


def along(axes: Sequence[str], index: str, first: int, last: int) -> Any:
    """Return the values of an index along its axis."""
    shape = [1] * len(axes)
    shape[axes.index(index)] = last - first + 1
    return np.arange(first, last + 1).reshape(shape)
