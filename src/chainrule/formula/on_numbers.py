"""A formula as a Python function of one number, for when there is a single row: the same bits as on arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from chainrule.errors import FormulaError
from chainrule.formula.evaluate import Formula, apply_to_numbers
from chainrule.formula.functions import FUNCTIONS
from chainrule.formula.nodes import (
    OPERATORS,
    Binary,
    Call,
    Compare,
    Constant,
    Negate,
    Node,
    Number,
    Symbol,
    children,
)

Step: TypeAlias = Callable[[float], Any]


def on_numbers(formula: Formula, symbol: str, values: Mapping[str, float]) -> Step:
    """Return the formula as a function of ``symbol`` alone, the other symbols' ``values`` put in.

    Its operations are those of `Formula.evaluate` on float64, one by one, so a number gives the bits that an array gives.
    Raises FormulaError for a symbol without a value, and the function ZeroDivisionError where an array would divide by 0.

    >>> from chainrule.formula.parse import parse
    >>> on_numbers(parse("(v - mean)/std"), "v", {"mean": 2.0, "std": 4.0})(10.0)
    2.0
    """
    if lacking := [name for name in formula.symbols if name != symbol and name not in values]:
        raise FormulaError(f'formula "{formula.text}": no value for {lacking[0]!r}')
    return _made(formula.root, symbol, values)


def _made(node: Node, symbol: str, values: Mapping[str, float]) -> Step:
    match node:
        case Symbol(name):
            return _same if name == symbol else _always(float(values[name]))
        case Number() | Constant():
            return _always(float(apply_to_numbers(node, [])))
    parts = [_made(child, symbol, values) for child in children(node)]
    constants = [_constant(part) for part in parts]
    if all(constant is not None for constant in constants):
        return _always(apply_to_numbers(node, constants))
    match node:
        case Binary("^"):
            return _power(parts[0], constants[1], parts[1])
        case Binary(op):
            return _binary(op, parts[0], parts[1], constants[0], constants[1])
        case Negate():
            inside = parts[0]
            return lambda v: -inside(v)
        case Compare(op):
            compare, (left, right) = OPERATORS[op], parts
            return lambda v: compare(left(v), right(v))
        case Call("where"):
            chosen, first, second = parts
            return lambda v: first(v) if chosen(v) else second(v)
        case Call("sqrt"):
            (inside,) = parts
            return lambda v: math.sqrt(inside(v))
        case Call(name):
            # NumPy's own sine is not that of the C library, bit for bit.
            function = partial(FUNCTIONS[name].evaluate, np)
            return lambda v: float(function(*[np.float64(part(v)) for part in parts]))
    raise FormulaError(f"a {type(node).__name__} has no value")


class _Always:
    """A function that gives the same number whatever it is given."""

    def __init__(self, value: float | bool) -> None:
        self.value = value

    def __call__(self, v: float) -> float | bool:
        return self.value


def _always(value: float | bool) -> Step:
    return _Always(value)


def _same(v: float) -> float:
    return v


def _constant(part: Step) -> float | bool | None:
    return part.value if isinstance(part, _Always) else None


def _power(base: Step, exponent: float | None, other: Step) -> Step:
    if exponent == 2:
        return lambda v: (b := base(v)) * b
    if exponent == 3:
        return lambda v: (b := base(v)) * b * b
    return lambda v: float(np.power(base(v), other(v)))


def _binary(op: str, left: Step, right: Step, a: float | None, b: float | None) -> Step:
    """Return an operation; with a number on its right it needs no call for it, which is what scalings have."""
    if b is not None:
        number = b
        if left is _same:
            return {
                "+": lambda v: v + number,
                "-": lambda v: v - number,
                "*": lambda v: v * number,
                "/": lambda v: v / number,
            }[op]
        return {
            "+": lambda v: left(v) + number,
            "-": lambda v: left(v) - number,
            "*": lambda v: left(v) * number,
            "/": lambda v: left(v) / number,
        }[op]
    if a is not None:
        first = a
        return {
            "+": lambda v: first + right(v),
            "-": lambda v: first - right(v),
            "*": lambda v: first * right(v),
            "/": lambda v: first / right(v),
        }[op]
    operation = OPERATORS[op]
    return lambda v: operation(left(v), right(v))
