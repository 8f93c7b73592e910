"""The formula language: one formula is what runs, what is differentiated and what is shown.

A formula such as ``"1/(1+exp(-z))"`` is read into a tree of frozen nodes, never by ``eval``: a tokenizer
lets through only numbers, names, operators, brackets and commas; Python's ``ast`` gives them their
structure; and a whitelist turns that into nodes, which are evaluated, differentiated and written.
"""

import ast
import difflib
import keyword
import math
import re
from collections.abc import Collection, Mapping

from chainrule.errors import FormulaError
from chainrule.formula.evaluate import Formula, quote, shorten
from chainrule.formula.functions import FUNCTIONS
from chainrule.formula.nodes import CONSTANTS, Binary, Call, Compare, Constant, Negate, Node, Number, Symbol

MAX_LENGTH = 2000
MAX_NODES = 500
MAX_DEPTH = 50
_TOO_DEEP = f"nested too deeply; at most {MAX_DEPTH} levels are allowed"


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
    **dict.fromkeys("×·", "write * to multiply"),
    "÷": "write / to divide",
    "−": "write - (the minus of the keyboard)",
    "√": "write sqrt(...)",
    **dict.fromkeys("[{", "write ( and )"),
    "|": "write abs(...)",
    "%": "write /100 for per cent",
    **{sign: f"write {instead}" for sign, instead in {"²": "^2", "³": "^3", "≤": "<=", "≥": ">="}.items()},
}
_ALLOWED = "only numbers, ASCII names, + - * / ^ ( ) , and < <= > >= == are allowed"

_AST_OPERATORS: Mapping[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "^",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==",
}  # fmt: skip


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
            message = "not a formula from here on; check operators, commas and brackets"
            raise self.error(self.column((error.offset or 1) - 1), message) from None
        except (MemoryError, RecursionError):
            raise self.error(None, _TOO_DEEP) from None
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
                raise self.error(column, f"{sign!a} is not allowed; {_REMEDIES.get(sign, _ALLOWED)}")
            kind, token = str(match.lastgroup), match.group()
            position = match.end()
            if kind == "space":
                continue
            if kind == "name":
                self.check_name(token, column)
            if kind != "operator" and previous in ("number", "name", ")"):
                raise self.error(
                    column, f"an operator is missing before {shorten(token)!r}; write 2*z, not 2z"
                )
            if token == "(" and previous in ("number", ")"):
                raise self.error(column, "an operator is missing before '('; write 2*(z+1), not 2(z+1)")
            if kind == "number":
                if math.isinf(float(token)):
                    message = f"{shorten(token)} is too large for a number; the largest is 1.79e308"
                    raise self.error(column, message)
                token = repr(float(token))
            depth += (token == "(") - (token == ")")
            if depth > MAX_DEPTH:
                raise self.error(column, _TOO_DEEP)
            previous = kind if kind != "operator" else token
            parts.append("**" if token == "^" else token)
            self.columns += [column] * (len(parts[-1]) + 1)
        return " ".join(parts)

    def check_name(self, name: str, column: int) -> None:
        if keyword.iskeyword(name):
            remedy = "; write where(condition, value, otherwise)" if name in ("if", "else") else ""
            raise self.error(column, f"{name!r} is not part of the formula language{remedy}")
        if name.startswith("_"):
            message = f"the name {shorten(name)!r} begins with '_'; begin names with a letter"
            raise self.error(column, message)

    def node(self, tree: ast.expr, depth: int, *, condition: bool) -> Node:
        column = self.column(tree.col_offset)
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise self.error(column, _TOO_DEEP)
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
            case ast.Call():
                return self.call(tree, depth, column)
            case ast.Compare(ops=[_]) if not condition:
                raise self.error(column, "a comparison is only allowed as the first argument of where(...)")
            case (
                ast.BinOp(left=left, op=op, right=right)
                | ast.Compare(left=left, ops=[op], comparators=[right])
            ) if type(op) in _AST_OPERATORS:
                sides = [self.node(side, depth + 1, condition=False) for side in (left, right)]
                return (Compare if condition else Binary)(_AST_OPERATORS[type(op)], *sides)
            case ast.Compare():
                raise self.error(column, "comparisons can't be chained; nest where(...) instead")
        raise self.error(column, "not a number, name, operation or function call")

    def name(self, name: str, column: int | None) -> Node:
        if name in CONSTANTS:
            return Constant(name)
        if name in FUNCTIONS:
            raise self.error(column, f"{name!r} is a function; write {name}(...)")
        if self.symbols is not None and name not in self.symbols:
            raise self.unknown("name", name, self.symbols, column)
        return Symbol(name)

    def call(self, tree: ast.Call, depth: int, column: int | None) -> Node:
        if not isinstance(tree.func, ast.Name):
            raise self.error(column, "only a function of the language can be called, by its name")
        name = tree.func.id
        if name not in FUNCTIONS:
            raise self.unknown("function", name, FUNCTIONS, column)
        arity = FUNCTIONS[name].arity
        if tree.keywords or len(tree.args) != arity:
            count = len(tree.args) if not tree.keywords else "**"
            raise self.error(column, f"{name}(...) takes {arity} argument{'s' * (arity > 1)}, not {count}")
        first = [name == "where", False, False]
        args = [
            self.node(arg, depth + 1, condition=is_one) for arg, is_one in zip(tree.args, first, strict=False)
        ]
        return Call(name, tuple(args))

    def unknown(self, what: str, name: str, known: Collection[str], column: int | None) -> FormulaError:
        close = difflib.get_close_matches(name[:40], known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?"
        if not close:
            hint = f"known here: {', '.join(sorted(known)) or 'no names'}"
        return self.error(column, f"unknown {what} {shorten(name)!r}; {hint}")

    def column(self, offset: int) -> int | None:
        """Return the column of the token at an offset in the text given to ``ast``."""
        return self.columns[min(offset, len(self.columns) - 1)] if self.columns else None

    def error(self, column: int | None, message: str) -> FormulaError:
        place = "" if column is None else f", column {column}"
        return FormulaError(f"formula {quote(self.text)}{place}: {message}")
