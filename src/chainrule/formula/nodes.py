"""The nodes of a formula's tree."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import add, eq, ge, gt, le, lt, mul, sub, truediv
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Number:
    """A finite number."""

    value: float


@dataclass(frozen=True)
class Constant:
    """A named constant: pi or e."""

    name: str


@dataclass(frozen=True)
class Symbol:
    """A name that stands for a value given when the formula is evaluated."""

    name: str


@dataclass(frozen=True)
class Negate:
    """-operand."""

    operand: "Node"


@dataclass(frozen=True)
class Binary:
    """Left op right, where op is one of ``+ - * / ^``."""

    op: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Call:
    """A function of ``FUNCTIONS`` with its arguments."""

    name: str
    args: tuple["Node", ...]


@dataclass(frozen=True)
class Compare:
    """Left op right, where op is one of ``< <= > >= ==``; only the condition of a ``where``."""

    op: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Derivative:
    """The derivative of operand by a symbol, not yet taken; only in the steps of a derivation."""

    symbol: str
    operand: "Node"


@dataclass(frozen=True)
class Indexed:
    """A letter with indices above and below it; only in statements about networks of any size.

    ``w`` with (i - 1, i) above and (j, k) below. ``vec_a`` is a with an arrow, ``hat_a`` with a hat, ``f'`` has its prime
    above. With ``bracketed`` what is above stands in brackets, as a number that is no power. ``order`` says how plain text
    writes it: ``_^`` and ``^_`` as scripts, in this order, and as one types it, ``w[l][i,j]``, where it is empty. With
    ``close`` what is below stands without commas.
    """

    letter: str
    above: tuple["Node", ...] = ()
    below: tuple["Node", ...] = ()
    bracketed: bool = False
    order: str = ""
    close: bool = False


@dataclass(frozen=True)
class SumOver:
    """The sum of operand over an index from 1 to last; only in statements about networks of any size."""

    index: str
    last: "Node"
    operand: "Node"


@dataclass(frozen=True)
class PartialDerivative:
    """The partial derivative of one indexed letter by another; only in statements about networks of any size."""

    of: "Node"
    by: "Node"


@dataclass(frozen=True)
class AppliedLetter:
    """A function that is an indexed letter, at its argument; only in statements about networks of any size."""

    function: "Node"
    operand: "Node"


Node: TypeAlias = (
    Number
    | Constant
    | Symbol
    | Negate
    | Binary
    | Call
    | Compare
    | Derivative
    | Indexed
    | SumOver
    | PartialDerivative
    | AppliedLetter
)

CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e}

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": add, "-": sub, "*": mul, "/": truediv, "<": lt, "<=": le, ">": gt, ">=": ge, "==": eq,
}  # fmt: skip
"""What the operators do, but for ``^``."""


def children(node: Node) -> tuple[Node, ...]:
    """Return the operands of a node, in order."""
    match node:
        case Negate(operand) | Derivative(_, operand):
            return (operand,)
        case Binary(_, left, right) | Compare(_, left, right):
            return (left, right)
        case Call(_, args):
            return args
        case Indexed(_, above, below):
            return (*above, *below)
        case SumOver(_, left, right) | PartialDerivative(left, right) | AppliedLetter(left, right):
            return (left, right)
        case _:
            return ()


def nodes_in(node: Node) -> Iterator[Node]:
    """Yield a node and all that is in it, from left to right."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))


def names_in(node: Node) -> list[str]:
    """Return the names of a tree's symbols, each once, from left to right."""
    return list(dict.fromkeys(part.name for part in nodes_in(node) if isinstance(part, Symbol)))


def put(node: Node, symbols: Mapping[str, "Node"]) -> Node:
    """Return a tree with other trees in the place of symbols."""
    if isinstance(node, Symbol):
        return symbols.get(node.name, node)
    return with_children(node, tuple(put(child, symbols) for child in children(node)))


def with_children(node: Node, operands: tuple[Node, ...]) -> Node:
    """Return a node of the same kind with other operands, in the order of ``children``."""
    match node:
        case Negate():
            return Negate(*operands)
        case Derivative(first) | Binary(first) | Compare(first):
            return type(node)(first, *operands)
        case Call(name):
            return Call(name, operands)
        case Indexed(_, above):
            return replace(node, above=operands[: len(above)], below=operands[len(above) :])
        case SumOver(index):
            return SumOver(index, *operands)
        case PartialDerivative() | AppliedLetter():
            return type(node)(*operands)
        case _:
            return node
