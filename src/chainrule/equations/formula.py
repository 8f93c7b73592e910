"""The formula language: one formula is what runs, what is differentiated and what is shown.

A formula such as ``"1/(1+exp(-z))"`` is read into a tree of frozen nodes, never by ``eval``: a tokenizer
lets through only numbers, names, operators, brackets and commas; Python's ``ast`` gives them their
structure; and a whitelist turns that into nodes. ``differentiate.py`` and ``render.py`` work on the nodes.
"""

import ast
import difflib
import keyword
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from chainrule._types import Array, Namespace
from chainrule.equations import special
from chainrule.errors import FormulaError

if TYPE_CHECKING:
    from chainrule.equations.differentiate import Derivation

MAX_LENGTH = 2000
MAX_NODES = 500
MAX_DEPTH = 50


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


Node: TypeAlias = Number | Constant | Symbol | Negate | Binary | Call | Compare | Derivative

CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e}


@dataclass(frozen=True)
class Function:
    """A named function of the language: all that parsing, running, differentiating and showing need.

    ``derivative`` is a formula in the arguments ``u``, ``v``: the outer derivative f'(u) of a function of
    one argument, which the chain rule multiplies by the inner one; for two arguments the whole rule, with
    ``du`` and ``dv`` the derivatives of the arguments. None: differentiated by a rule of its own, or not
    at all. ``convention`` says what the derivative is taken to be where there is none. ``shown`` is the
    name printed upright, with a subscript after ``_``; empty: ``name``.
    """

    name: str
    arity: int
    evaluate: Callable[..., Array]
    derivative: str | None
    convention: str = ""
    shown: str = ""


def _step(xp: Namespace, u: Array) -> Array:
    return xp.where(u >= 0, xp.ones_like(u), 0.0)


def _sum(xp: Namespace, u: Array) -> Array:
    if u.ndim == 0:
        raise FormulaError("sum(...) adds along the last axis, but its argument is a single number")
    return xp.sum(u, axis=-1, keepdims=True)


_FLAT = "its derivative is 0, also at its jumps"
_TIE = "where its arguments are equal, the derivative of the first counts"

FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (
        Function("exp", 1, lambda xp, u: xp.exp(u), "exp(u)"),
        Function("log", 1, lambda xp, u: xp.log(u), "1/u", shown="ln"),
        Function("log1p", 1, lambda xp, u: xp.log1p(u), "1/(1+u)"),
        Function("expm1", 1, lambda xp, u: xp.expm1(u), "exp(u)"),
        Function("log2", 1, lambda xp, u: xp.log2(u), "1/(u*log(2))", shown="log_2"),
        Function("sqrt", 1, lambda xp, u: xp.sqrt(u), "1/(2*sqrt(u))"),
        Function("abs", 1, lambda xp, u: xp.abs(u), "sign(u)", "at 0 its derivative is taken as 0"),
        Function("sign", 1, lambda xp, u: xp.sign(u), "0", _FLAT),
        Function("step", 1, _step, "0", _FLAT),
        Function("floor", 1, lambda xp, u: xp.floor(u), "0", _FLAT),
        Function("sin", 1, lambda xp, u: xp.sin(u), "cos(u)"),
        Function("cos", 1, lambda xp, u: xp.cos(u), "-sin(u)"),
        Function("tan", 1, lambda xp, u: xp.tan(u), "1+tan(u)^2"),
        Function("sinh", 1, lambda xp, u: xp.sinh(u), "cosh(u)"),
        Function("cosh", 1, lambda xp, u: xp.cosh(u), "sinh(u)"),
        Function("tanh", 1, lambda xp, u: xp.tanh(u), "1-tanh(u)^2"),
        Function("atan", 1, lambda xp, u: xp.atan(u), "1/(1+u^2)", shown="arctan"),
        Function("erf", 1, lambda xp, u: special.erf(u, xp), "2/sqrt(pi)*exp(-u^2)"),
        Function("erfc", 1, lambda xp, u: special.erfc(u, xp), "-2/sqrt(pi)*exp(-u^2)"),
        Function("max", 2, lambda xp, u, v: xp.maximum(u, v), "where(u >= v, du, dv)", _TIE),
        Function("min", 2, lambda xp, u, v: xp.minimum(u, v), "where(u <= v, du, dv)", _TIE),
        Function("where", 3, lambda xp, c, u, v: xp.where(c, u, v), None),
        Function("sum", 1, _sum, None),
    )
}
"""Every named function of the language, in one place."""


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

    def evaluate(self, values: Mapping[str, Array | float], xp: Namespace) -> Array:
        """Return the formula's value, elementwise over arrays that broadcast against each other.

        ``values``: for each of ``symbols`` a floating array of the namespace ``xp``, or a Python number or
        NumPy scalar, which takes the dtype of the arrays it meets. Where no array enters, the result is a
        Python float; see ``evaluate_like``. Equal parts are computed once. NumPy's floating-point warnings
        are off, because ``where`` computes both branches. Raises FormulaError for a missing value or one
        that isn't floating.

        >>> import numpy as np
        >>> parse("alpha*z^2").evaluate({"z": np.array([1.0, 3.0]), "alpha": 0.5}, np)
        array([0.5, 4.5])
        """
        arrays = []
        results: list[Any] = []
        with np.errstate(all="ignore"):
            for node, places in self._program:
                operands = [results[place] for place in places]
                if isinstance(node, Symbol):
                    value = self._value(node.name, values, xp)
                    if not isinstance(value, float):
                        arrays.append(value)
                    results.append(value)
                elif all(isinstance(operand, float | bool) for operand in operands):
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

    def derivative(self, symbol: str) -> "Formula":
        """Return the derivative with respect to ``symbol``, simplified.

        >>> str(parse("(a-y)^2/2").derivative("a"))
        'a - y'
        """
        return self.derivation(symbol).result

    def derivation(self, symbol: str) -> "Derivation":
        """Return the derivative with respect to ``symbol`` with every step and the name of its rule."""
        # differentiate.py is built on the nodes of this file, so it can't be imported at the top.
        from chainrule.equations.differentiate import differentiate

        return differentiate(self, symbol)

    def _value(self, name: str, values: Mapping[str, Array | float], xp: Namespace) -> Array | float:
        if name not in values:
            given = ", ".join(sorted(values)) or "none"
            raise FormulaError(
                f"formula {quote(self.text)}: no value for {name!r}; values were given for: {given}"
            )
        value = values[name]
        if isinstance(value, Real):
            return float(value)
        if not hasattr(value, "dtype") or not xp.isdtype(value.dtype, "real floating"):
            kind = getattr(value, "dtype", type(value).__name__)
            raise FormulaError(f"formula {quote(self.text)}: the value of {name!r} is {kind}; give floats")
        return value


def children(node: Node) -> tuple[Node, ...]:
    """Return the operands of a node, in order."""
    match node:
        case Negate(operand) | Derivative(_, operand):
            return (operand,)
        case Binary(_, left, right) | Compare(_, left, right):
            return (left, right)
        case Call(_, args):
            return args
        case _:
            return ()


def with_children(node: Node, operands: tuple[Node, ...]) -> Node:
    """Return a node of the same kind with other operands, in the order of ``children``."""
    match node:
        case Negate():
            return Negate(*operands)
        case Derivative(symbol):
            return Derivative(symbol, *operands)
        case Binary(op):
            return Binary(op, *operands)
        case Compare(op):
            return Compare(op, *operands)
        case Call(name):
            return Call(name, operands)
        case _:
            return node


def _is_choice_of_numbers(node: Node, operands: list[Any]) -> bool:
    """Tell a ``where`` between two numbers, whose dtype can't be seen from its operands."""
    return isinstance(node, Call) and node.name == "where" and all(isinstance(o, float) for o in operands[1:])


def _apply(node: Node, operands: list[Any], xp: Namespace) -> Any:
    """Return the value of one node from the values of its operands."""
    match node:
        case Negate():
            return -operands[0]
        case Binary(op):
            left, right = operands
            return _power(left, right) if op == "^" else _OPERATORS[op](left, right)
        case Compare(op):
            return _OPERATORS[op](*operands)
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
    if isinstance(exponent, float):
        if exponent == 2:
            return base * base
        if exponent == 3:
            return base * base * base
    return base**exponent


_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "==": lambda left, right: left == right,
}


def parse(text: str, symbols: Collection[str] | None = None) -> Formula:
    """Read a formula.

    ``^`` and ``**`` are powers. ``symbols``: the only names allowed besides functions and constants; without
    it every other name is a symbol. Raises FormulaError with the column and the remedy; at most MAX_LENGTH
    characters, MAX_NODES nodes, MAX_DEPTH levels.

    >>> parse("z/(1+exp(-beta*z))").symbols
    ('beta', 'z')
    """
    return _Parser(text, symbols).formula()


_TOKEN = re.compile(
    r"(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z_0-9]*)"
    r"|(?P<operator>\*\*|<=|>=|==|[-+*/^<>(),])"
    r"|(?P<space>[ \t\r\n]+)"
)

_REMEDIES = {
    "=": "write == to compare",
    "×": "write * to multiply",
    "·": "write * to multiply",
    "÷": "write / to divide",
    "−": "write - (the minus of the keyboard)",
    "√": "write sqrt(...)",
    "²": "write ^2",
    "³": "write ^3",
    "≤": "write <=",
    "≥": "write >=",
    "[": "write ( and )",
    "{": "write ( and )",
    "|": "write abs(...)",
    "%": "write /100 for per cent",
}

_AST_OPERATORS: Mapping[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "^",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
}


class _Parser:
    """Reads one formula; holds its text, so that errors can name the column."""

    def __init__(self, text: str, symbols: Collection[str] | None) -> None:
        if not isinstance(text, str):
            raise FormulaError(f"a formula is text, not {type(text).__name__}")
        reserved = sorted(set(symbols or ()) & (FUNCTIONS.keys() | CONSTANTS.keys()))
        if reserved:
            raise FormulaError(f"{reserved[0]!r} is a name of the formula language and can't be a symbol")
        self.text = text
        self.symbols = symbols
        self.nodes = 0
        self.columns: list[int] = []
        """For each character of the text given to ``ast``, the column (from 1) of its token."""

    def formula(self) -> Formula:
        if len(self.text) > MAX_LENGTH:
            raise self.error(None, f"{len(self.text)} characters long; at most {MAX_LENGTH} are allowed")
        source = self.tokens()
        if not source:
            raise self.error(None, "empty; write a formula such as 1/(1+exp(-z))")
        try:
            tree = ast.parse(source, mode="eval")
        except SyntaxError as error:
            column = self.column((error.offset or 1) - 1)
            raise self.error(
                column, "not a formula from here on; check operators, commas and brackets"
            ) from None
        except (MemoryError, RecursionError):
            raise self.error(None, f"nested too deeply; at most {MAX_DEPTH} levels are allowed") from None
        return Formula(self.text, self.node(tree.body, 1, condition=False))

    def tokens(self) -> str:
        """Return the text for ``ast``: only allowed tokens, one space apart, ``^`` written as ``**``."""
        parts: list[str] = []
        position = depth = 0
        previous = ""
        while position < len(self.text):
            match = _TOKEN.match(self.text, position)
            column = position + 1
            if match is None:
                sign = self.text[position]
                remedy = _REMEDIES.get(
                    sign, "only numbers, ASCII names, + - * / ^ ( ) , and < <= > >= == are allowed"
                )
                raise self.error(column, f"{sign!a} is not allowed; {remedy}")
            kind, token = str(match.lastgroup), match.group()
            position = match.end()
            if kind == "space":
                continue
            if kind == "name":
                self.check_name(token, column)
            if kind != "operator" and previous in ("number", "name", ")"):
                raise self.error(
                    column, f"an operator is missing before {_shorten(token)!r}; write 2*z, not 2z"
                )
            if token == "(" and previous in ("number", ")"):
                raise self.error(column, "an operator is missing before '('; write 2*(z+1), not 2(z+1)")
            if kind == "number":
                if math.isinf(float(token)):
                    raise self.error(
                        column, f"{_shorten(token)} is too large for a number; the largest is 1.79e308"
                    )
                token = repr(float(token))
            depth += (token == "(") - (token == ")")
            if depth > MAX_DEPTH:
                raise self.error(column, f"nested too deeply; at most {MAX_DEPTH} levels are allowed")
            previous = kind if kind != "operator" else token
            token = "**" if token == "^" else token
            self.columns += [column] * (len(token) + 1)
            parts.append(token)
        return " ".join(parts)

    def check_name(self, name: str, column: int) -> None:
        if keyword.iskeyword(name):
            remedy = "; write where(condition, value, otherwise)" if name in ("if", "else") else ""
            raise self.error(column, f"{name!r} is not part of the formula language{remedy}")
        if name.startswith("_"):
            raise self.error(
                column, f"the name {_shorten(name)!r} begins with '_'; begin names with a letter"
            )

    def node(self, tree: ast.expr, depth: int, *, condition: bool) -> Node:
        column = self.column(tree.col_offset)
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise self.error(column, f"nested too deeply; at most {MAX_DEPTH} levels are allowed")
        if self.nodes > MAX_NODES:
            raise self.error(None, f"more than {MAX_NODES} numbers, names and operators; split it up")
        if condition and not isinstance(tree, ast.Compare):
            raise self.error(column, "where(...) begins with a comparison, such as z > 0")
        match tree:
            case ast.Constant(value=float(value)):
                return Number(value)
            case ast.Name(id=name):
                return self.name(name, column)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Negate(self.node(operand, depth + 1, condition=False))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.node(operand, depth + 1, condition=False)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _AST_OPERATORS:
                left_node = self.node(left, depth + 1, condition=False)
                return Binary(
                    _AST_OPERATORS[type(op)], left_node, self.node(right, depth + 1, condition=False)
                )
            case ast.Call():
                return self.call(tree, depth, column)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                if not condition:
                    raise self.error(
                        column, "a comparison is only allowed as the first argument of where(...)"
                    )
                left_node = self.node(left, depth + 1, condition=False)
                return Compare(
                    _AST_OPERATORS[type(op)], left_node, self.node(right, depth + 1, condition=False)
                )
            case ast.Compare():
                raise self.error(column, "comparisons can't be chained; nest where(...) instead")
            case _:
                raise self.error(column, "not a number, name, operation or function call")

    def name(self, name: str, column: int | None) -> Node:
        if name in CONSTANTS:
            return Constant(name)
        if name in FUNCTIONS:
            raise self.error(column, f"{name!r} is a function; write {name}(...)")
        if self.symbols is not None and name not in self.symbols:
            raise self.error(
                column, f"unknown name {_shorten(name)!r}; {self.names_like(name, self.symbols)}"
            )
        return Symbol(name)

    def call(self, tree: ast.Call, depth: int, column: int | None) -> Node:
        if not isinstance(tree.func, ast.Name):
            raise self.error(column, "only a function of the language can be called, by its name")
        name = tree.func.id
        if name not in FUNCTIONS:
            raise self.error(
                column, f"unknown function {_shorten(name)!r}; {self.names_like(name, FUNCTIONS)}"
            )
        arity = FUNCTIONS[name].arity
        if tree.keywords or len(tree.args) != arity:
            count = len(tree.args) if not tree.keywords else "**"
            raise self.error(column, f"{name}(...) takes {arity} argument{'s' * (arity > 1)}, not {count}")
        pairs = enumerate(tree.args)
        return Call(
            name, tuple(self.node(arg, depth + 1, condition=name == "where" and i == 0) for i, arg in pairs)
        )

    def names_like(self, name: str, known: Collection[str]) -> str:
        close = difflib.get_close_matches(name[:40], known, n=3, cutoff=0.5)
        if close:
            return f"did you mean {' or '.join(close)}?"
        return f"known here: {', '.join(sorted(known)) or 'no names'}"

    def column(self, offset: int) -> int | None:
        """Return the column of the token at an offset in the text given to ``ast``."""
        return self.columns[min(offset, len(self.columns) - 1)] if self.columns else None

    def error(self, column: int | None, message: str) -> FormulaError:
        place = "" if column is None else f", column {column}"
        return FormulaError(f"formula {quote(self.text)}{place}: {message}")


def _shorten(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def quote(text: str) -> str:
    """Return the text on one line in double quotes, shortened."""
    shown = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in _shorten(text))
    return f'"{shown}"'
