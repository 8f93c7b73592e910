"""Differentiation by the named rules of calculus, one recorded line per rule, and simplification."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from chainrule.equations.formula import (
    CONSTANTS,
    FUNCTIONS,
    Binary,
    Call,
    Compare,
    Constant,
    Derivative,
    Formula,
    Negate,
    Node,
    Number,
    Symbol,
    children,
    parse,
    quote,
    with_children,
)
from chainrule.equations.render import text
from chainrule.errors import FormulaError

MAX_STEPS = 500
MAX_TREE_DEPTH = 100

ZERO = Number(0.0)
ONE = Number(1.0)


@dataclass(frozen=True)
class Step:
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
class Derivation:
    """The derivative of a formula by one symbol, line by line; ``result`` is simplified.

    >>> print(parse("z^2").derivation("z"))
    d/dz[z^2]
    = 2*z^(2 - 1)    power rule
    = 2*z    work out numbers, zeros, ones and signs
    """

    formula: Formula
    symbol: str
    steps: tuple[Step, ...]
    result: Formula

    @property
    def conventions(self) -> tuple[str, ...]:
        """What was agreed at points where the derivative doesn't exist; each once."""
        return tuple(dict.fromkeys(step.convention for step in self.steps if step.convention))

    def __str__(self) -> str:
        lines = [text(Derivative(self.symbol, self.formula.root))]
        lines += [f"= {text(step.after)}    {step.rule}" for step in self.steps]
        return "\n".join(lines)


@lru_cache(maxsize=256)
def differentiate(formula: Formula, symbol: str) -> Derivation:
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
        steps.append(Step(rule, law, root, after, root, after))
        root = after
    return Derivation(formula, symbol, tuple(steps), Formula(text(root), root))


class _Taker:
    """Takes derivatives from the outside in and from left to right, and writes down each step."""

    def __init__(self, formula: Formula, symbol: str) -> None:
        self.formula = formula
        self.symbol = symbol
        self.steps: list[Step] = []

    def take(self, part: Derivative, whole: Callable[[Node], Node]) -> Node:
        """Return the derivative, with no ``Derivative`` left in it; ``whole`` puts a part in its place."""
        if len(self.steps) >= MAX_STEPS:
            raise FormulaError(f"more than {MAX_STEPS} steps to differentiate: {quote(self.formula.text)}")
        rule, law, becomes, convention = self.apply_rule(part.operand)
        self.steps.append(Step(rule, law, whole(part), whole(becomes), part, becomes, convention))
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
            case Binary("+", v, w):
                return "sum rule", "(u + v)' = u' + v'", Binary("+", self.d(v), self.d(w)), ""
            case Binary("-", v, w):
                return "difference rule", "(u - v)' = u' - v'", Binary("-", self.d(v), self.d(w)), ""
            case Binary("*", v, w):
                return *self.product(v, w), ""
            case Binary("/", v, w):
                return *self.quotient(v, w), ""
            case Binary("^", v, w):
                return *self.power(v, w), ""
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

    def product(self, v: Node, w: Node) -> tuple[str, str, Node]:
        if not self.varies(v):
            return "constant factor rule", "(c*u)' = c*u'", Binary("*", v, self.d(w))
        if not self.varies(w):
            return "constant factor rule", "(u*c)' = u'*c", Binary("*", self.d(v), w)
        result = Binary("+", Binary("*", self.d(v), w), Binary("*", v, self.d(w)))
        return "product rule", "(u*v)' = u'*v + u*v'", result

    def quotient(self, v: Node, w: Node) -> tuple[str, str, Node]:
        if not self.varies(w):
            return "constant factor rule", "(u/c)' = u'/c", Binary("/", self.d(v), w)
        above = Binary("-", Binary("*", self.d(v), w), Binary("*", v, self.d(w)))
        result = Binary("/", above, Binary("^", w, Number(2.0)))
        return "quotient rule", "(u/v)' = (u'*v - u*v')/v^2", result

    def power(self, v: Node, w: Node) -> tuple[str, str, Node]:
        if not self.varies(w):
            outer = Binary("*", w, Binary("^", v, Binary("-", w, ONE)))
            if v == Symbol(self.symbol):
                return "power rule", "(u^n)' = n*u^(n - 1)", outer
            return "chain rule: power rule", "(u^n)' = n*u^(n - 1)*u'", Binary("*", outer, self.d(v))
        if not self.varies(v):
            result = Binary("*", Binary("*", Binary("^", v, w), Call("log", (v,))), self.d(w))
            return "exponential rule", "(c^u)' = c^u*log(c)*u'", result
        grown = Binary("*", self.d(w), Call("log", (v,)))
        inner = Binary("+", grown, Binary("/", Binary("*", w, self.d(v)), v))
        result = Binary("*", Binary("^", v, w), inner)
        return "general power rule", "(u^v)' = u^v*(v'*log(u) + v*u'/u)", result

    def function(self, name: str, args: tuple[Node, ...]) -> tuple[str, str, Node, str]:
        record = FUNCTIONS[name]
        law = outer_derivative(name)
        operands: dict[str, Node] = dict(zip("uv", args, strict=False))
        operands |= {f"d{letter}": self.d(arg) for letter, arg in zip("uv", args, strict=False)}
        outer = _replace(law, operands)
        if record.arity == 2:
            shown = text(law, {"du": "u'", "dv": "v'"})
            return f"derivative of {name}", f"{name}(u, v)' = {shown}", outer, record.convention
        if args[0] == Symbol(self.symbol):
            return f"derivative of {name}", f"{name}'(u) = {text(law)}", outer, record.convention
        result = Binary("*", outer, self.d(args[0]))
        shown = text(Binary("*", law, Symbol("u'")))
        return f"chain rule: derivative of {name}", f"{name}(u)' = {shown}", result, record.convention

    def d(self, node: Node) -> Derivative:
        return Derivative(self.symbol, node)

    def varies(self, node: Node) -> bool:
        if isinstance(node, Symbol):
            return node.name == self.symbol
        return any(self.varies(child) for child in children(node))


@lru_cache(maxsize=64)
def outer_derivative(name: str) -> Node:
    """Return the derivative rule of a function, in u, v, du and dv, as a node."""
    rule = FUNCTIONS[name].derivative
    if rule is None:
        raise FormulaError(f"{name}(...) has no derivative rule of its own")
    return parse(rule, {"u", "v", "du", "dv"}).root


def _replace(node: Node, operands: dict[str, Node]) -> Node:
    if isinstance(node, Symbol):
        return operands[node.name]
    return with_children(node, tuple(_replace(child, operands) for child in children(node)))


def _depth(node: Node) -> int:
    return 1 + max((_depth(child) for child in children(node)), default=0)


_TIDY = "work out numbers, zeros, ones and signs"
_COLLECT = "collect factors and terms"
_MAX_ROUNDS = 100


def simplify(node: Node) -> Node:
    """Return a simpler formula of the same value wherever the given one has a finite value.

    Same value as real numbers: floats may round differently, and what overflowed on the way may not.
    Literals count as the decimals they are written as, so 0.1 + 0.2 is 0.3. Idempotent.

    >>> text(simplify(parse("0*exp(z) + 2*(a - y)/2*1").root))
    'a - y'
    """
    for _, _, after in _simplifications(node):
        node = after
    return node


def _simplifications(node: Node) -> list[tuple[str, str, Node]]:
    """Return the lines of a simplification: (rule, law, result) until nothing changes any more."""
    lines: list[tuple[str, str, Node]] = []
    for _ in range(_MAX_ROUNDS):
        tidied = _each(node, _tidy)
        if tidied != node:
            lines.append((_TIDY, "0*u = 0, 1*u = u, 0 + u = u, u^1 = u, -(-u) = u", tidied))
        collected = _each(tidied, _collect)
        if collected != tidied:
            lines.append((_COLLECT, "a*u + b*u = (a + b)*u, u^a*u^b = u^(a + b)", collected))
        if collected == node:
            break
        node = collected
    return lines


def _each(node: Node, rule: Callable[[Node], Node]) -> Node:
    """Apply a rule to every node, operands first."""
    operands = children(node)
    if not operands:
        return node
    return rule(with_children(node, tuple(_each(operand, rule) for operand in operands)))


def _tidy(node: Node) -> Node:
    """Apply the rules that look at one operation and its operands."""
    folded = _rational(node)
    if folded is not None:
        number = _number_node(folded)
        return node if number is None else number
    match node:
        case Negate(Negate(u)):
            return u
        case Negate(Binary("-", u, v)):
            return Binary("-", v, u)
        case Binary("+", u, v) if u == ZERO:
            return v
        case Binary("+" | "-", u, v) if v == ZERO:
            return u
        case Binary("-", u, v) if u == ZERO:
            return _tidy(Negate(v))
        case Binary("-", u, v) if u == v:
            return ZERO
        case Binary("+", u, Negate(v)):
            return Binary("-", u, v)
        case Binary("-", u, Negate(v)):
            return Binary("+", u, v)
        case Binary("+", Negate(u), v):
            return Binary("-", v, u)
        case Binary("*", u, v) if ZERO in (u, v):
            return ZERO
        case Binary("*", u, v) if u == ONE:
            return v
        case Binary("*" | "/", u, v) if v == ONE:
            return u
        case Binary("/", u, _) if u == ZERO:
            return ZERO
        case Binary("/", u, v) if u == v:
            return ONE
        case Binary("*" | "/" as op, Negate(u), v):
            return _tidy(Negate(_tidy(Binary(op, u, v))))
        case Binary("*" | "/" as op, u, Negate(v)):
            return _tidy(Negate(_tidy(Binary(op, u, v))))
        case Binary("^", u, v) if v == ONE:
            return u
        case Binary("^", u, v) if v == ZERO or u == ONE:
            return ONE
        case Binary("^", Negate(u), v) if _is_even(v):
            return Binary("^", u, v)
        case Call("where", (_, u, v)) | Call("max" | "min", (u, v)) if u == v:
            return u
        case Call("where", (Compare(op, left, right), u, v)):
            return _choose(node, op, _rational(left), _rational(right), u, v)
        case Call():
            return _VALUES.get(node, node)
    return node


def _is_even(node: Node) -> bool:
    number = _rational(node)
    return number is not None and number.denominator == 1 and number.numerator % 2 == 0


_VALUES: dict[Node, Node] = {
    Call("exp", (ZERO,)): ONE,
    Call("exp", (ONE,)): Constant("e"),
    Call("log", (ONE,)): ZERO,
    Call("log", (Constant("e"),)): ONE,
    Call("sqrt", (ZERO,)): ZERO,
    Call("sqrt", (ONE,)): ONE,
}


def _choose(node: Node, op: str, left: Fraction | None, right: Fraction | None, u: Node, v: Node) -> Node:
    """Return the branch of a ``where`` whose condition compares two numbers."""
    if left is None or right is None:
        return node
    holds = {
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
        "==": left == right,
    }
    return u if holds[op] else v


_MAX_BITS = 4096
"""Far beyond the floats; without a limit 9^9^9^9 would be worked out to its last digit."""


def _rational(node: Node) -> Fraction | None:
    """Return the exact value of an operation on numbers, or None where it has none."""
    match node:
        case Number(value):
            return _decimal(value)
        case Negate(u):
            inner = _rational(u)
            return None if inner is None else -inner
        case Binary(op, u, v):
            left = _rational(u)
            right = None if left is None else _rational(v)
            if left is None or right is None:
                return None
            match op:
                case "+":
                    return left + right
                case "-":
                    return left - right
                case "*":
                    return left * right
                case "/":
                    return left / right if right else None
                case "^" if right.denominator == 1 and (left or right > 0):
                    return _small_power(left, int(right))
    return None


@lru_cache(maxsize=1024)
def _decimal(value: float) -> Fraction:
    """Return a number exactly as it is written, so that 0.1 is a tenth."""
    return Fraction(repr(value))


def _small_power(base: Fraction, exponent: int) -> Fraction | None:
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    return base**exponent if bits * abs(exponent) <= _MAX_BITS else None


@lru_cache(maxsize=1024)
def _number_node(value: Fraction) -> Node | None:
    """Return a number or a fraction of two numbers, negated where negative; None beyond the floats."""
    if value < 0:
        positive = _number_node(-value)
        return None if positive is None else Negate(positive)
    above, below = _exact(Fraction(value.numerator)), _exact(Fraction(value.denominator))
    decimal = _exact(value)
    if decimal is not None and not 2 <= value.denominator <= 9:
        return decimal
    if above is not None and below is not None:
        return Binary("/", above, below)
    return None


def _exact(value: Fraction) -> Number | None:
    """Return the float whose shortest decimal is exactly the value, or None."""
    try:
        number = float(value)
    except OverflowError:
        return None
    return Number(number) if _decimal(number) == value else None


@dataclass
class _Product:
    """coefficient · Π base^exponent, bases in the order in which they appeared."""

    coefficient: Fraction
    powers: dict[Node, Fraction]

    def multiply(self, node: Node, exponent: int) -> None:
        """Multiply by node^exponent, where exponent is 1 or -1."""
        number = _rational(node)
        if number is not None and (number or exponent > 0):
            self.coefficient *= number**exponent
            return
        match node:
            case Negate(u):
                self.coefficient = -self.coefficient
                self.multiply(u, exponent)
            case Binary("*", u, v):
                self.multiply(u, exponent)
                self.multiply(v, exponent)
            case Binary("/", u, v):
                self.multiply(u, exponent)
                self.multiply(v, -exponent)
            case _:
                base, power = _split_power(node)
                self.powers[base] = self.powers.get(base, Fraction(0)) + power * exponent

    def node(self) -> Node | None:
        """Return the product as one fraction, or None where a number in it is beyond the floats."""
        if self.coefficient == 0:
            return ZERO
        number = _number_node(abs(self.coefficient))
        if number is None:
            return None
        above: list[Node] = []
        below: list[Node] = []
        match number:
            case Binary("/", p, q):
                above, below = [p] if p != ONE else [], [q]
            case _ if number != ONE:
                above = [number]
        for base, exponent in self.powers.items():
            if exponent:
                raised = _number_node(abs(exponent))
                if raised is None:
                    return None
                (above if exponent > 0 else below).append(
                    base if raised == ONE else Binary("^", base, raised)
                )
        result = _chain("*", above)
        if below:
            result = Binary("/", result, _chain("*", below))
        return Negate(result) if self.coefficient < 0 else result


def _split_power(node: Node) -> tuple[Node, Fraction]:
    """Return (base, exponent) of a power with a number as exponent; of anything else (node, 1).

    (u^a)^n is u^(a n) for whole n only: (u^2)^(1/2) is abs(u).
    """
    if isinstance(node, Binary) and node.op == "^":
        exponent = _rational(node.right)
        if exponent is not None:
            if exponent.denominator == 1:
                base, inner = _split_power(node.left)
                return base, inner * exponent
            return node.left, exponent
    return node, Fraction(1)


def _chain(op: str, parts: list[Node]) -> Node:
    if not parts:
        return ONE
    result = parts[0]
    for part in parts[1:]:
        result = Binary(op, result, part)
    return result


def _collect(node: Node) -> Node:
    """Collect the factors of a product, or the like terms of a sum."""
    match node:
        case Binary("*" | "/" | "^", _, _) | Negate(Binary("*" | "/", _, _)):
            product = _Product(Fraction(1), {})
            product.multiply(node, 1)
            return product.node() or node
        case Binary("+" | "-", _, _):
            return _collect_terms(node)
    return node


def _collect_terms(node: Node) -> Node:
    """Add like terms; where none are alike, the sum keeps its brackets, which decide how it rounds."""
    terms: list[tuple[Fraction, Node]] = []

    def add(term: Node, sign: int) -> bool:
        match term:
            case Negate(u):
                return add(u, -sign)
            case Binary("+", u, v):
                return add(u, sign) and add(v, sign)
            case Binary("-", u, v):
                return add(u, sign) and add(v, -sign)
        product = _Product(Fraction(sign), {})
        product.multiply(term, 1)
        coefficient, product.coefficient = product.coefficient, Fraction(1)
        body = product.node()
        if body is None:
            return False
        terms.append((coefficient, body))
        return True

    if not add(node, 1):
        return node
    totals: dict[Node, Fraction] = {}
    for coefficient, body in terms:
        totals[body] = totals.get(body, Fraction(0)) + coefficient
    if len(totals) == len(terms):
        return node
    left = [(body, total) for body, total in totals.items() if total]
    left.sort(key=lambda item: item[1] < 0)
    result: Node | None = None
    for body, total in left:
        product = _Product(abs(total), {})
        product.multiply(body, 1)
        term = product.node()
        if term is None:
            return node
        if result is None:
            result = Negate(term) if total < 0 else term
        else:
            result = Binary("-" if total < 0 else "+", result, term)
    return ZERO if result is None else result
