"""A formula: its text, its tree, and its value on arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from chainrule._kept import cached_property
from chainrule._numbers import printable
from chainrule._types import Array, Namespace
from chainrule.errors import FormulaError
from chainrule.formula.functions import FUNCTIONS, OPERATIONS
from chainrule.formula.nodes import (
    CONSTANTS,
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

MAX_OPERATIONS = 1000
"""The most operations that a formula may come to with its derivative: seconds of the compiler's time."""


@dataclass(frozen=True)
class Formula:
    """A formula that was read: its text and the root of its tree."""

    text: str
    root: Node

    def __str__(self) -> str:
        return self.text

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The names that need a value, sorted."""
        return tuple(sorted({node.name for node, _ in self._program if isinstance(node, Symbol)}))

    @cached_property
    def _program(self) -> tuple[tuple[Node, tuple[int, ...]], ...]:
        """Every distinct node once, operands first, with the places of its operands."""
        places: dict[Node, int] = {}
        program: list[tuple[Node, tuple[int, ...]]] = []

        def visit(node: Node) -> int:
            if node not in places:
                operands = tuple(visit(child) for child in children(node))
                places[node] = len(program)
                program.append((node, operands))
            return places[node]

        visit(self.root)
        return tuple(program)

    def operations(self, *others: Formula) -> int:
        """Return the operations that it comes to, together with ``others`` such as its derivative."""
        nodes = {node for formula in (self, *others) for node, _ in formula._program}
        return sum(map(_operations, nodes))

    def check_size(self, *others: Formula) -> None:
        """Raise FormulaError where it is too long to be compiled, together with ``others`` such as its derivative."""
        if (count := self.operations(*others)) > MAX_OPERATIONS:
            raise FormulaError(
                f"formula {quote(self.text)}: {count:,} operations{' with its derivative' * bool(others)}, but at most "
                f"{MAX_OPERATIONS:,} are compiled, {how_counted()}; write a shorter one"
            )

    def evaluate(self, values: Mapping[str, Array | float], xp: Namespace) -> Array:
        """Return the formula's value, elementwise over arrays that broadcast against each other.

        ``values``: for each of ``symbols`` a floating array of the namespace ``xp``, or a Python number or NumPy
        scalar, which takes the dtype of the arrays it meets. Where no array enters, the result is a Python float; see
        ``evaluate_like``. Equal parts are computed once. NumPy's floating-point warnings are off, because ``where``
        computes both branches. Raises FormulaError for a missing value or one that isn't floating.

        >>> import numpy as np
        >>> parse("alpha*z^2").evaluate({"z": np.array([1.0, 3.0]), "alpha": 0.5}, np)
        array([0.5, 4.5])
        """
        arrays = []
        results: list[Any] = []
        with np.errstate(all="ignore"):
            for node, places in self._program:
                if isinstance(node, Symbol):
                    value = self._value(node.name, values, xp)
                    if not isinstance(value, float):
                        arrays.append(value)
                    results.append(value)
                    continue
                operands = [results[place] for place in places]
                if all(isinstance(operand, float | bool) for operand in operands):
                    results.append(apply_to_numbers(node, operands))
                else:
                    if _is_choice_of_numbers(node, operands):
                        operands[1] = xp.asarray(operands[1], dtype=xp.result_type(*arrays))
                    results.append(_apply(node, operands, xp))
        return results[-1]

    def evaluate_like(self, values: Mapping[str, Array | float], like: Array, xp: Namespace) -> Array:
        """Return the formula's value as an array with the shape and dtype of ``like``.

        For derivatives that are constant, such as 1, which ``evaluate`` returns as a Python float.

        >>> import numpy as np
        >>> z = np.array([1.0, 3.0])
        >>> parse("1").evaluate_like({"z": z}, z, np)
        array([1., 1.])
        """
        value = self.evaluate(values, xp)
        with np.errstate(all="ignore"):
            if isinstance(value, float):
                return xp.full_like(like, value)
            value = xp.asarray(value, dtype=like.dtype)
        return value if value.shape == like.shape else xp.broadcast_to(value, like.shape)

    def _value(self, name: str, values: Mapping[str, Array | float], xp: Namespace) -> Array | float:
        if name not in values:
            given = ", ".join(sorted(values)) or "none"
            raise FormulaError(
                f"formula {quote(self.text)}: no value for {name!r}; values were given for: {given}"
            )
        value = values[name]
        # What most values are, since the questions below take longer than a small sum.
        if type(value) is np.ndarray and value.dtype.kind == "f":
            return value
        if isinstance(value, Real):
            return float(value)
        if not hasattr(value, "dtype") or not xp.isdtype(value.dtype, "real floating"):
            kind = getattr(value, "dtype", type(value).__name__)
            raise FormulaError(f"formula {quote(self.text)}: the value of {name!r} is {kind}; give floats")
        return value


def how_counted() -> str:
    """Return in words what counts how much in a formula's size."""
    counts = (f"{name} {OPERATIONS[name]}" for name in ("erf", "max", "exp"))
    return f"where + counts 1, {', '.join(counts)}"


def _operations(node: Node) -> int:
    return OPERATIONS[node.name] if isinstance(node, Call) else int(bool(children(node)))


def _is_choice_of_numbers(node: Node, operands: list[Any]) -> bool:
    """Tell a ``where`` between two numbers, whose dtype can't be seen from its operands."""
    return isinstance(node, Call) and node.name == "where" and all(isinstance(o, float) for o in operands[1:])


def _apply(node: Node, operands: list[Any], xp: Namespace) -> Any:
    """Return the value of one node from the values of its operands."""
    match node:
        case Negate():
            return -operands[0]
        case Binary(op):
            return _power(*operands) if op == "^" else OPERATORS[op](*operands)
        case Compare(op):
            return OPERATORS[op](*operands)
        case Call("where") if isinstance(operands[0], bool):
            return operands[1] if operands[0] else operands[2]
        case Call(name):
            return FUNCTIONS[name].evaluate(xp, *operands)
    raise FormulaError(f"a {type(node).__name__} has no value")


def apply_to_numbers(node: Node, operands: list[Any]) -> float | bool:
    """Return the value of a node without arrays as a Python number, by IEEE 754: 1/0 is inf."""
    match node:
        case Number(value):
            return value
        case Constant(name):
            return CONSTANTS[name]
    wrapped = [value if isinstance(value, bool) else np.float64(value) for value in operands]
    result = _apply(node, wrapped, np)
    return bool(result) if isinstance(node, Compare) else float(result)


def _power(base: Any, exponent: Any) -> Any:
    # Products round once or twice and are right for every sign; the rest is IEEE pow, which also knows that
    # a negative base has integer powers.
    if isinstance(exponent, float) and exponent in (2, 3):
        return base * base if exponent == 2 else base * base * base
    return base**exponent


def shorten(text: str, limit: int = 80) -> str:
    """Return the text, of a long one its beginning."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def quote(text: str) -> str:
    """Return the text on one line in double quotes, shortened."""
    shown = printable(shorten(text))
    return f'"{shown}"'
