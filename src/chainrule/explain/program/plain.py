"""Formulas as functions in plain Python: the equations' graph, printed by a table of how each operation is written.

Python's floats raise where arrays give inf or NaN; where an operand isn't known to be harmless, a small function of
`HELPERS` stands in for math's own, and the program begins with those that it uses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from chainrule._numbers import printable
from chainrule.equations.graph import COMPARISONS, Graph, Node, Target, Traced
from chainrule.formula.evaluate import Formula

MATH_HAS = ("erf", "erfc")
"""The functions of `special` that are math's own, too."""

PLAIN = Target(
    "plain Python",
    {op: f"{{0}} {op} {{1}}" for op in ("+", "-", "*", "/", *COMPARISONS)}
    | {op: f"math.{op}({{0}})" for op in ("exp", "expm1", "log", "log1p", "log2", "sqrt", "erf", "erfc")}
    | {op: f"math.{op}({{0}})" for op in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "atan")}
    | {
        "neg": "-{0}",
        "&": "{0} and {1}",
        "abs": "abs({0})",
        "sign": "sign({0})",
        "floor": "floor({0})",
        "round": "float(round({0}))",
        "pow": "power({0}, {1})",
        "where": "{1} if {0} else {2}",
        "maximum": "max({0}, {1})",
        "minimum": "min({0}, {1})",
        "sum": "sum({0})",
        "max": "max({0})",
    },
)
"""How operations on numbers are written, and sums and maxima over lists."""

_FINITE = """def {0}(x):
    return math.{0}(x) if math.isfinite(x) else math.nan
"""
_LOG = """def {0}(x):
    return math.{0}(x) if x > {1} else -math.inf if x == {1} else math.nan
"""
_GROWS = """def {0}(x):
    return math.{0}(x) if x < 709.7 else math.inf
"""
_HYPERBOLIC = """def {0}(x):
    return math.{0}(x) if abs(x) < 710.4 else {1}
"""
HELPERS: Mapping[str, str] = {
    **{name: _GROWS.format(name) for name in ("exp", "expm1")},
    **{name: _LOG.format(name, 0) for name in ("log", "log2")},
    "log1p": _LOG.format("log1p", -1),
    "sqrt": "def sqrt(x):\n    return math.sqrt(x) if x >= 0 else math.nan\n",
    **{name: _FINITE.format(name) for name in ("sin", "cos", "tan")},
    "sinh": _HYPERBOLIC.format("sinh", "math.copysign(math.inf, x)"),
    "cosh": _HYPERBOLIC.format("cosh", "math.inf"),
    "sign": "def sign(x):\n    return math.copysign(1.0, x) if x else x\n",
    "floor": "def floor(x):\n    return float(math.floor(x)) if math.isfinite(x) else x\n",
    "divide": """def divide(x, y):
    if y:
        return x / y
    return math.copysign(math.inf, x) * math.copysign(1.0, y) if x else math.nan
""",
    "power": """def power(x, y):
    if x == 0 and y < 0:
        return math.inf
    try:
        return math.pow(x, y)
    except OverflowError:
        return -math.inf if x < 0 and y % 2 == 1 else math.inf
    except ValueError:
        return math.nan
""",
}
"""What stands in for functions that would raise: they give inf and NaN, as IEEE 754 has it."""

_LEVELS = {"where": 0, "&": 1, **dict.fromkeys(COMPARISONS, 2), "+": 3, "-": 3, "*": 4, "/": 4, "neg": 5}
_ATOM = 9


class PlainFunction(NamedTuple):
    """A function in plain Python, and the names of the helpers it calls."""

    source: str
    helpers: frozenset[str]


def function_of(
    name: str,
    arguments: tuple[str, ...],
    made: Callable[..., Any],
    remark: str = "",
    *,
    of_list: bool = False,
    stable: bool = False,
) -> PlainFunction:
    """Return what ``made(graph, *arguments)`` computes as a function of numbers, or of one list.

    ``remark`` is a line of comment. What is ``stable`` doesn't divide by 0 and needs no exponential that overflows.
    """
    graph = Graph(keeps=MATH_HAS)
    given = [graph.input(each, ("n",) if of_list else ()) for each in arguments]
    result = graph.traced(made(graph, *given))
    writer = _Writer(graph, result.place, stable)
    lines = writer.lines()
    comment = f"    # {remark}\n" if remark else ""
    body = "".join(f"    {line}\n" for line in lines)
    return PlainFunction(f"def {name}({', '.join(arguments)}):\n{comment}{body}", frozenset(writer.helpers))


def formula_function(
    name: str, formula: Formula, arguments: tuple[str, ...], *, stable: bool = False
) -> PlainFunction:
    """Return a formula as a function of its symbols, of which the ``arguments`` are the names in order."""

    def made(graph: Graph, *given: Traced) -> Any:
        return formula.evaluate(dict(zip(arguments, given, strict=True)), graph)

    return function_of(name, arguments, made, printable(formula.text), stable=stable)


def literal(value: float) -> str:
    """Return a number as it is written in a program: every digit, a whole one without its point."""
    if math.isnan(value):
        return "math.nan"
    if math.isinf(value):
        return "math.inf" if value > 0 else "-math.inf"
    whole = value.is_integer() and abs(value) < 1e15 and math.copysign(1.0, value) * value >= 0
    return str(int(value)) if whole and (value or math.copysign(1.0, value) > 0) else repr(float(value))


class _Writer:
    """Writes one result: what is used once stands where it is used, the rest has a name."""

    def __init__(self, graph: Graph, result: int, stable: bool) -> None:
        self.nodes, self.result, self.stable = graph.nodes, result, stable
        self.needed = graph.needed([result])
        self.uses = dict.fromkeys(self.needed, 0)
        for place in self.needed:
            for operand in self.nodes[place].operands:
                self.uses[operand] += 1
        self.helpers: set[str] = set()
        self.names = {p: self.nodes[p].option("name") for p in self.needed if self.nodes[p].op == "input"}

    def lines(self) -> list[str]:
        """Return the lines of the body."""
        lines: list[str] = []
        for place in self.needed:
            if place != self.result and self._has_name(place):
                text = self._whole(place)
                self.names[place] = f"t{len(lines) + 1}"
                lines.append(f"{self.names[place]} = {text}")
        return [*lines, f"return {self._whole(self.result)}"]

    def _has_name(self, place: int) -> bool:
        node = self.nodes[place]
        if node.op in ("input", "number"):
            return False
        return self.uses[place] > 1 or node.op in ("sum", "max")

    def _is_list(self, place: int) -> bool:
        return "n" in self.nodes[place].shape

    def _whole(self, place: int) -> str:
        """Return the expression of a number, or of a list."""
        if place in self.names:
            return str(self.names[place])
        if not self._is_list(place):
            return self._text(place)[0]
        lists: dict[int, str] = {}
        text = self._text(place, lists)[0]
        each, names = ", ".join(lists.values()), ", ".join(str(self.names[p]) for p in lists)
        return f"[{text} for {each} in {names if len(lists) == 1 else f'zip({names})'}]"

    def _text(self, place: int, lists: dict[int, str] | None = None) -> tuple[str, int]:
        """Return the expression of a node, or of an element, and how tightly it holds together."""
        node = self.nodes[place]
        if place in self.names:
            if lists is not None and self._is_list(place):
                return lists.setdefault(place, f"{self.names[place]}_j"), _ATOM
            return self.names[place], _ATOM
        if node.op == "number":
            text = literal(node.option("value"))
            return text, _LEVELS["neg"] if text.startswith("-") else _ATOM
        if node.op in ("sum", "max"):
            return f"{node.op}({self._whole(node.operands[0])})", _ATOM
        if node.op == "pow":
            self.helpers.add("power")
        level = _LEVELS.get(node.op, _ATOM)
        if node.op == "/" and not (
            self.stable or self._positive(node.operands[1]) or self._is_constant(node.operands[1])
        ):
            self.helpers.add("divide")
            return f"divide({', '.join(self._text(p, lists)[0] for p in node.operands)})", _ATOM
        operands = []
        for at, operand in enumerate(node.operands):
            text, own = self._text(operand, lists)
            # What a call encloses needs no brackets, nor does a left operand that holds as tightly.
            loose = level != _ATOM and (own < level or (own == level and (at > 0 or level < _LEVELS["+"])))
            operands.append(f"({text})" if loose else text)
        if node.op in ("sign", "floor") or (node.op in HELPERS and not self._is_harmless(node)):
            self.helpers.add(node.op)
            return f"{node.op}({', '.join(operands)})", _ATOM
        return PLAIN.write(node, operands), level

    def _is_harmless(self, node: Node) -> bool:
        """Tell whether math's own function can't raise, whatever the inputs are that are finite."""
        (place,) = node.operands
        if self.stable:
            return True
        match node.op:
            case "exp" | "expm1":
                return self._not_positive(place)
            case "log" | "log2":
                return self._positive(place)
            case "log1p" | "sqrt":
                return self._not_negative(place)
            case "sin" | "cos" | "tan":
                return self.nodes[place].op == "input"
        return False

    def _is_constant(self, place: int) -> bool:
        node = self.nodes[place]
        return node.op == "number" and node.option("value") != 0

    def _positive(self, place: int) -> bool:
        node = self.nodes[place]
        match node.op:
            case "number":
                return bool(node.option("value") > 0)
            case "+":
                a, b = node.operands
                return (self._positive(a) and self._not_negative(b)) or (
                    self._not_negative(a) and self._positive(b)
                )
            case "*" | "/":
                return False  # it may underflow
            case "sqrt":
                return self._positive(node.operands[0])
            case "maximum":
                return any(map(self._positive, node.operands))
            case "cosh":
                return True
        return False

    def _not_negative(self, place: int) -> bool:
        node = self.nodes[place]
        match node.op:
            case "number":
                return bool(node.option("value") >= 0)
            case "*" if node.operands[0] == node.operands[1]:
                return True
            case "+" | "*" | "/" | "minimum":
                return all(map(self._not_negative, node.operands))
            case "maximum":
                return any(map(self._not_negative, node.operands))
            case "neg":
                return self._not_positive(node.operands[0])
        return node.op in ("abs", "exp", "sqrt", "erfc", "cosh")

    def _not_positive(self, place: int) -> bool:
        node = self.nodes[place]
        match node.op:
            case "number":
                return bool(node.option("value") <= 0)
            case "neg":
                return self._not_negative(node.operands[0])
            case "minimum":
                return any(map(self._not_positive, node.operands))
            case "*":
                a, b = node.operands
                if a == b:
                    return False
                return (self._not_positive(a) and self._not_negative(b)) or (
                    self._not_negative(a) and self._not_positive(b)
                )
            case "/":
                return self._not_positive(node.operands[0]) and self._positive(node.operands[1])
        return False
