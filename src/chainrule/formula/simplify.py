"""Simplification of formulas: numbers worked out exactly, factors and terms collected."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial, reduce

from chainrule.formula.nodes import (
    OPERATORS,
    Binary,
    Call,
    Compare,
    Constant,
    Negate,
    Node,
    Number,
    children,
    with_children,
)

ZERO = Number(0.0)
ONE = Number(1.0)
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
        return _number_node(folded) or node
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
        case Binary("*" | "/" as op, Negate(u), v) | Binary("*" | "/" as op, u, Negate(v)):
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
            sides = _rational(left), _rational(right)
            return node if None in sides else u if OPERATORS[op](*sides) else v
        case Call():
            return _VALUES.get(node, node)
    return node


def _is_even(node: Node) -> bool:
    number = _rational(node)
    return number is not None and number.denominator == 1 and number.numerator % 2 == 0


_VALUES: dict[Node, Node] = {
    Call("exp", (ZERO,)): ONE, Call("exp", (ONE,)): Constant("e"),
    Call("log", (ONE,)): ZERO, Call("log", (Constant("e"),)): ONE,
    Call("sqrt", (ZERO,)): ZERO, Call("sqrt", (ONE,)): ONE,
}  # fmt: skip

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
            if op == "^":
                bits = max(left.numerator.bit_length(), left.denominator.bit_length())
                is_whole = right.denominator == 1 and (left or right > 0)
                return left ** int(right) if is_whole and bits * abs(right) <= _MAX_BITS else None
            made: Fraction | None = None if op == "/" and not right else OPERATORS[op](left, right)
            return made
    return None


@lru_cache(maxsize=1024)
def _decimal(value: float) -> Fraction:
    """Return a number exactly as it is written, so that 0.1 is a tenth."""
    return Fraction(repr(value))


@lru_cache(maxsize=1024)
def _number_node(value: Fraction) -> Node | None:
    """Return a number or a fraction of two numbers, negated where negative; None beyond the floats."""
    if value < 0:
        positive = _number_node(-value)
        return None if positive is None else Negate(positive)
    decimal = _exact(value)
    if decimal is not None and not 2 <= value.denominator <= 9:
        return decimal
    above, below = _exact(Fraction(value.numerator)), _exact(Fraction(value.denominator))
    return None if above is None or below is None else Binary("/", above, below)


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
        p, below = (number.left, [number.right]) if isinstance(number, Binary) else (number, [])
        above = [p] if p != ONE else []
        for base, exponent in self.powers.items():
            if exponent:
                raised = _number_node(abs(exponent))
                if raised is None:
                    return None
                side = above if exponent > 0 else below
                side.append(base if raised == ONE else Binary("^", base, raised))
        result = _chain(above)
        if below:
            result = Binary("/", result, _chain(below))
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


def _chain(factors: list[Node]) -> Node:
    return reduce(partial(Binary, "*"), factors) if factors else ONE


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
