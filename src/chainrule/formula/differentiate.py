"""Differentiation by the named rules of calculus, one recorded line per rule, and simplification."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from chainrule.errors import FormulaError
from chainrule.formula.evaluate import Formula, quote
from chainrule.formula.functions import FUNCTIONS
from chainrule.formula.nodes import (
    CONSTANTS,
    Binary,
    Call,
    Derivative,
    Negate,
    Node,
    Symbol,
    children,
    nodes_in,
    put,
    with_children,
)
from chainrule.formula.parse import parse
from chainrule.formula.simplify import ONE, ZERO, _simplifications
from chainrule.formula.text import text

MAX_STEPS = 500
MAX_TREE_DEPTH = 100

_RULES = {
    "+": ("sum rule", "(u + v)' = u' + v'", "du + dv"),
    "-": ("difference rule", "(u - v)' = u' - v'", "du - dv"),
    "*": ("product rule", "(u*v)' = u'*v + u*v'", "du*v + u*dv"),
    "*v": ("constant factor rule", "(c*u)' = c*u'", "u*dv"),
    "*u": ("constant factor rule", "(u*c)' = u'*c", "du*v"),
    "/": ("quotient rule", "(u/v)' = (u'*v - u*v')/v^2", "(du*v - u*dv)/v^2"),
    "/u": ("constant factor rule", "(u/c)' = u'/c", "du/v"),
    "^": ("general power rule", "(u^v)' = u^v*(v'*log(u) + v*u'/u)", "u^v*(dv*log(u) + v*du/u)"),
    "^u": ("chain rule: power rule", "(u^n)' = n*u^(n - 1)*u'", "v*u^(v - 1)*du"),
    "^v": ("exponential rule", "(c^u)' = c^u*log(c)*u'", "u^v*log(u)*dv"),
}
"""The rule, its law, and the derivative of each operation on u and v; of one where u or v alone varies, if named so."""

_POWER = ("power rule", "(u^n)' = n*u^(n - 1)", "v*u^(v - 1)")


@dataclass(frozen=True)
class RuleStep:
    """One line of a derivation: the rule, and the whole expression before and after.

    ``part`` is what the rule was applied to and ``becomes`` what it became. ``law`` is the rule in general
    form, ``convention`` what is agreed where no derivative exists (empty for most rules).
    """

    rule: str
    law: str
    before: Node
    after: Node
    part: Node
    becomes: Node
    convention: str = ""


@dataclass(frozen=True)
class Differentiation:
    """The derivative of a formula by one symbol, line by line; ``result`` is simplified.

    >>> print(differentiate(parse("z^2"), "z"))
    d/dz[z^2]
    = 2*z^(2 - 1)    power rule
    = 2*z    work out numbers, zeros, ones and signs
    """

    formula: Formula
    symbol: str
    steps: tuple[RuleStep, ...]
    result: Formula

    @property
    def conventions(self) -> tuple[str, ...]:
        """What was agreed at points where the derivative doesn't exist; each once."""
        return tuple(dict.fromkeys(step.convention for step in self.steps if step.convention))

    def __str__(self) -> str:
        lines = [text(Derivative(self.symbol, self.formula.root))]
        lines += [f"= {text(step.after)}    {step.rule}" for step in self.steps]
        return "\n".join(lines)


def derivative(formula: Formula, symbol: str) -> Formula:
    """Return the derivative with respect to ``symbol``, simplified.

    >>> str(derivative(parse("(a-y)^2/2"), "a"))
    'a - y'
    """
    return differentiate(formula, symbol).result


@lru_cache(maxsize=256)
def differentiate(formula: Formula, symbol: str) -> Differentiation:
    """Return the derivative of a formula by ``symbol``, with every step.

    Raises FormulaError for a formula whose derivative isn't elementwise (``sum`` of the symbol), or which
    is too deep or long.
    """
    if symbol in CONSTANTS or symbol in FUNCTIONS:
        raise FormulaError(f"{symbol!r} is a name of the formula language; differentiate by a symbol")
    if _depth(formula.root) > MAX_TREE_DEPTH:
        raise FormulaError(
            f"more than {MAX_TREE_DEPTH} levels deep, too deep to differentiate: {quote(formula.text)}"
        )
    taker = _Taker(formula, symbol)
    root = taker.take(Derivative(symbol, formula.root), lambda node: node)
    steps = taker.steps
    for rule, law, after in _simplifications(root):
        steps.append(RuleStep(rule, law, root, after, root, after))
        root = after
    return Differentiation(formula, symbol, tuple(steps), Formula(text(root), root))


class _Taker:
    """Takes derivatives from the outside in and from left to right, and writes down each step."""

    def __init__(self, formula: Formula, symbol: str) -> None:
        self.formula = formula
        self.symbol = symbol
        self.steps: list[RuleStep] = []

    def take(self, part: Derivative, whole: Callable[[Node], Node]) -> Node:
        """Return the derivative, with no ``Derivative`` left in it; ``whole`` puts a part in its place."""
        if len(self.steps) >= MAX_STEPS:
            raise FormulaError(f"more than {MAX_STEPS} steps to differentiate: {quote(self.formula.text)}")
        rule, law, becomes, convention = self.apply_rule(part.operand)
        self.steps.append(RuleStep(rule, law, whole(part), whole(becomes), part, becomes, convention))
        known = {id(part.operand), *(id(child) for child in children(part.operand))}
        return self.finish(becomes, whole, known)

    def finish(self, node: Node, whole: Callable[[Node], Node], known: set[int]) -> Node:
        """Take the derivatives inside ``node``; the ``known`` parts hold none."""
        if id(node) in known:
            return node
        if isinstance(node, Derivative):
            return self.take(node, whole)
        operands = list(children(node))
        for i, operand in enumerate(operands):
            before, after = tuple(operands[:i]), tuple(operands[i + 1 :])

            def place(new: Node, before: tuple[Node, ...] = before, after: tuple[Node, ...] = after) -> Node:
                return whole(with_children(node, (*before, new, *after)))

            operands[i] = self.finish(operand, place, known)
        return with_children(node, tuple(operands))

    def apply_rule(self, u: Node) -> tuple[str, str, Node, str]:
        """Return (rule, law, result, convention) for the derivative of ``u``."""
        if not self.varies(u):
            return "constant rule", "c' = 0", ZERO, ""
        match u:
            case Symbol():
                return "derivative of the variable", f"d/d{self.symbol}[{self.symbol}] = 1", ONE, ""
            case Negate(v):
                return "constant factor rule", "(-u)' = -u'", Negate(self.d(v)), ""
            case Binary("^", v, w) if v == Symbol(self.symbol) and not self.varies(w):
                return *self.by_law(_POWER, v, w), ""
            case Binary(op, v, w) if op in _RULES:
                own = None if self.varies(v) and self.varies(w) else op + ("u" if self.varies(v) else "v")
                return *self.by_law(_RULES.get(own or op, _RULES[op]), v, w), ""
            case Call("where", (condition, v, w)):
                convention = "at a boundary, the branch that the condition picks counts"
                result = Call("where", (condition, self.d(v), self.d(w)))
                return "piecewise", "each branch is differentiated on its own", result, convention
            case Call("sum", _):
                raise FormulaError(
                    f"formula {quote(self.formula.text)}: sum(...) has no derivative per element, as every "
                    "output depends on every input; the Jacobian of softmax is in the activation's record"
                )
            case Call(name, args) if FUNCTIONS[name].derivative is not None:
                return self.function(name, args)
        raise FormulaError(f"no rule differentiates {text(u)}")

    def by_law(self, rule: tuple[str, str, str], v: Node, w: Node) -> tuple[str, str, Node]:
        """Return (rule, law, result) by a rule of operations on u and v, which ``v`` and ``w`` are."""
        name, law, result = rule
        operands = {"u": v, "v": w, "du": self.d(v), "dv": self.d(w)}
        return name, law, put(_law(result), operands)

    def function(self, name: str, args: tuple[Node, ...]) -> tuple[str, str, Node, str]:
        convention, rule, law = FUNCTIONS[name].convention, f"derivative of {name}", outer_derivative(name)
        named = list(zip("uv", args, strict=False))
        outer = put(law, {**dict(named), **{f"d{letter}": self.d(arg) for letter, arg in named}})
        if len(args) == 2:
            shown = text(law, {"du": "u'", "dv": "v'"})
            return rule, f"{name}(u, v)' = {shown}", outer, convention
        if args[0] == Symbol(self.symbol):
            return rule, f"{name}'(u) = {text(law)}", outer, convention
        shown = text(Binary("*", law, Symbol("u'")))
        result = Binary("*", outer, self.d(args[0]))
        return f"chain rule: {rule}", f"{name}(u)' = {shown}", result, convention

    def d(self, node: Node) -> Derivative:
        return Derivative(self.symbol, node)

    def varies(self, node: Node) -> bool:
        return Symbol(self.symbol) in nodes_in(node)


@lru_cache(maxsize=64)
def outer_derivative(name: str) -> Node:
    """Return the derivative rule of a function, in u, v, du and dv, as a node."""
    rule = FUNCTIONS[name].derivative
    if rule is None:
        raise FormulaError(f"{name}(...) has no derivative rule of its own")
    return _law(rule)


@lru_cache(maxsize=64)
def _law(rule: str) -> Node:
    return parse(rule, {"u", "v", "du", "dv"}).root


def _depth(node: Node) -> int:
    return 1 + max((_depth(child) for child in children(node)), default=0)
