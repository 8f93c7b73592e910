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
            case AppliedLetter(Indexed("#"), layer):
                return self.size(_one(value(layer)))
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
        own, run = self.letters, self.made.rows[0]
        letter = node.letter.removeprefix("vec_")
        below = [np.asarray(value(index)) for index in node.below]
        if letter == "1":
            (compared,) = below
            return compared.astype(float)
        if letter == own.size and not node.above:
            return self.size(_one(below[0]))
        if letter == own.target:
            return self.indexed(self.made.y, below)
        if letter == own.cost and not node.above:
            costs = np.array([float(each.gradients.cost) for each in self.made.rows])
            if below:
                return costs[below[0] - 1]
            return float(self.made.batch.gradients.cost) if self.of_batch else costs[0]
        number = self.layer_of(node, value)
        if letter in (own.weight, own.weights):
            return self.indexed(self.made.p[number]["W"], self.ends(below))
        if letter == own.output:
            return self.indexed(run.record.entering(number + 1)[0], below)
        if number == 0:
            raise Misfit(f"the inputs have no {letter}")
        if letter == own.sum:
            return self.indexed(run.record.layers[number - 1].z[0], below)
        if letter == own.delta:
            return self.indexed(run.gradients.layers[number - 1].delta[0], below)
        if letter == own.bias:
            return self.bias(self.made.p[number]["b"], number, below)
        raise Misfit(f"{letter} stands for nothing")

    def layer_of(self, node: Indexed, value: Value) -> int:
        """Return the engine's layer of a letter, that which a weight leads to."""
        numbers = [self.number(value(index)) for index in node.above]
        is_weight = node.letter in (self.letters.weight, self.letters.weights)
        if is_weight and self.letters.pairs:
            if len(numbers) != 2 or numbers[1] != numbers[0] + 1:
                raise Misfit("a weight joins a layer to the next one")
        elif len(numbers) != 1:
            raise Misfit(f"{node.letter} has one layer")
        if is_weight and numbers[-1] == 0:
            raise Misfit("no weight leads to the inputs")
        return numbers[-1]

    def ends(self, below: list[Any]) -> list[Any]:
        """Return a weight's indices, the neuron it comes from first."""
        return below[::-1] if self.letters.to_first else below

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
        if not isinstance(operand, Indexed) or len(operand.above) != 1:
            raise Misfit("an activation is applied to a z")
        number = self.number(value(operand.above[0]))
        if function.above and self.number(value(function.above[0])) != number:
            raise Misfit("a layer's activation is applied to its own z")
        if number == 0:
            raise Misfit("the inputs have no activation")
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
        if not isinstance(of, Indexed) or not isinstance(by, Indexed):
            raise Misfit("letters are differentiated by letters")
        below = [np.asarray(value(index)) for index in by.below]
        letter, number = by.letter.removeprefix("vec_"), self.layer_of(by, value)
        if letter == self.letters.weight:
            below = self.ends(below)
        if of.letter == self.letters.cost and not of.above:
            return self.cost_by(of, letter, number, below, value)
        upper = self.layer_of(of, value)
        own = [np.asarray(value(index)) for index in of.below]
        return self.inner(of.letter, upper, letter, number, own, below)

    def cost_by(self, of: Indexed, letter: str, number: int, below: list[Any], value: Value) -> Any:
        """Return the derivative of the cost, or of a row's cost."""

        def gradient(run: Passed) -> Any:
            if number == 0:
                if letter != self.letters.output:
                    raise Misfit(f"the inputs have no {letter}")
                return run.gradients.x[0]
            made = run.gradients.layers[number - 1]
            match letter:
                case self.letters.weight | self.letters.weights:
                    return made.parameters["W"]
                case self.letters.bias:
                    return made.parameters["b"]
                case self.letters.sum:
                    return made.delta[0]
                case self.letters.output:
                    return made.dh[0]
            raise Misfit(f"nothing is differentiated by {letter}")

        if of.below:
            (row,) = (np.asarray(value(index)) for index in of.below)
            if letter == self.letters.bias and not below:
                return np.array([gradient(run)[0] for run in self.made.rows])[row - 1]
            return np.stack([gradient(run) for run in self.made.rows])[
                (row - 1, *(index - 1 for index in below))
            ]
        found = gradient(self.made.batch if self.of_batch else self.made.rows[0])
        if letter == self.letters.bias:
            return self.bias(found, number, below)
        return self.indexed(found, below)

    def inner(self, of: str, upper: int, by: str, lower: int, own: list[Any], below: list[Any]) -> Any:
        """Return the derivative of an output or a sum by what it is worked out from."""
        network, letters = self.made.network, self.letters
        if upper == 0 or len(own) != 1:
            raise Misfit(f"{of} has no such derivative")
        layer, record = network.layers[upper - 1], self.made.rows[0].record.layers[upper - 1]
        if (of, by, lower) == (letters.output, letters.sum, upper):
            unit = np.eye(layer.n_out)
            jacobian = np.stack(
                [layer.activation.backward(record.z[0], record.a[0], each, np) for each in unit]
            )
            return self.indexed(jacobian, [*own, *below])
        if of == letters.sum and by == letters.output and lower == upper - 1:
            return self.indexed(layer.by_entered(self.made.p[upper]), [*below, *own])
        if of == letters.sum and lower == upper and by == letters.weight and len(below) == 2:
            entered = self.made.rows[0].record.entering(upper)[0]
            return self.indexed(entered, below[:1]) * (below[1] == own[0])
        if of == letters.sum and lower == upper and by == letters.bias:
            shared = layer.bias == "layer"
            if shared == bool(below):
                raise Misfit("a bias has a neuron unless the layer shares it")
            return np.ones(own[0].shape) if shared else (below[0] == own[0]).astype(float)
        raise Misfit(f"{of} is not worked out from {by} at once")


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
