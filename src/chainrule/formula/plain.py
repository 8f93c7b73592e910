"""A formula's tree as plain data for JSON, and back."""

from __future__ import annotations

from typing import Any

from chainrule._numbers import number_from_data, number_to_data
from chainrule.errors import SettingsError
from chainrule.formula.nodes import (
    AppliedLetter,
    Binary,
    Call,
    Compare,
    Constant,
    Derivative,
    Indexed,
    Negate,
    Node,
    Number,
    PartialDerivative,
    SumOver,
    Symbol,
)


def tree_to_data(node: Node) -> Any:
    """Return a tree as nested lists: ``["+", left, right]``, a symbol as ``{"name": …}``, a number as itself."""
    match node:
        case Number(value):
            return number_to_data(value)
        case Constant(name):
            return {"constant": name}
        case Symbol(name):
            return {"name": name}
        case Negate(operand):
            return ["negate", tree_to_data(operand)]
        case Binary(op, left, right) | Compare(op, left, right):
            return [op, tree_to_data(left), tree_to_data(right)]
        case Call(name, args):
            return [name, *(tree_to_data(arg) for arg in args)]
        case Derivative(symbol, operand):
            return ["d", {"name": symbol}, tree_to_data(operand)]
        case Indexed(letter, above, below, bracketed, order, close):
            sides = {"above": list(map(tree_to_data, above)), "below": list(map(tree_to_data, below))}
            form = {"order": order} if order else {}
            return {
                "letter": letter,
                **sides,
                "bracketed": bracketed,
                **form,
                **({"close": True} if close else {}),
            }
        case SumOver(index, last, operand):
            return ["sum over", {"name": index}, tree_to_data(last), tree_to_data(operand)]
        case PartialDerivative(of, by):
            return ["partial", tree_to_data(of), tree_to_data(by)]
        case AppliedLetter(function, operand):
            return ["apply", tree_to_data(function), tree_to_data(operand)]
    raise SettingsError(f"{type(node).__name__} is no part of a formula")


_BINARY = frozenset("+-*/^@⊙")
_RELATIONS = frozenset({"<", "<=", ">", ">=", "=="})


def tree_from_data(data: Any) -> Node:
    """Return the tree of `tree_to_data`'s data."""
    match data:
        case {"constant": str(name)}:
            return Constant(name)
        case {"name": str(name)}:
            return Symbol(name)
        case ["negate", operand]:
            return Negate(tree_from_data(operand))
        case ["d", {"name": str(symbol)}, operand]:
            return Derivative(symbol, tree_from_data(operand))
        case {
            "letter": str(letter),
            "above": list(above),
            "below": list(below),
            "bracketed": bool(bracketed),
        }:
            indices = [tuple(map(tree_from_data, given)) for given in (above, below)]
            order, close = str(data.get("order", "")), bool(data.get("close", False))
            return Indexed(letter, indices[0], indices[1], bracketed, order, close)
        case ["sum over", {"name": str(index)}, last, operand]:
            return SumOver(index, tree_from_data(last), tree_from_data(operand))
        case ["partial", of, by]:
            return PartialDerivative(tree_from_data(of), tree_from_data(by))
        case ["apply", function, operand]:
            return AppliedLetter(tree_from_data(function), tree_from_data(operand))
        case [str(op), left, right] if op in _BINARY:
            return Binary(op, tree_from_data(left), tree_from_data(right))
        case [str(op), left, right] if op in _RELATIONS:
            return Compare(op, tree_from_data(left), tree_from_data(right))
        case [str(name), *args]:
            return Call(name, tuple(tree_from_data(arg) for arg in args))
    return Number(number_from_data(data))
