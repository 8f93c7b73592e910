"""The value of a formula at exact numbers: a fraction where its operations leave one, else by mpmath to 40 digits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from operator import mul
from typing import Any

from mpmath import MPContext

from chainrule._locks import ForkSafeLock
from chainrule.formula.nodes import OPERATORS, Binary, Call, Compare, Constant, Negate, Node, Number, Symbol

PRECISIONS = (50, 100, 200, 400, 800)
"""The digits that are worked with: the first, and more where so many lose too much in differences."""

KEPT = 40
"""The digits that are kept: a number that is nearer to a tie than that is taken for the tie."""

mp: Any = MPContext()
"""mpmath's numbers with a precision of our own: that of its module belongs to whoever set it last, in any thread."""

mp.dps = PRECISIONS[0]
mpf = mp.mpf

one_at_a_time = ForkSafeLock()
"""Held where numbers are worked out: meanwhile mpmath's functions change the precision themselves."""

LONGEST = 20_000
"""The most bits of an exact power's numerator or denominator."""

_FARTHEST = 100_000
"""The power of two from which on a number has no value here, or is 0: floats end at 2^1024 and 2^-1075."""

_TOO_LARGE = 1e5
"""From here on exp is 0 or infinite for every number that float64 can hold."""


def _exp(u: Any) -> Any:
    if abs(u) > _TOO_LARGE:
        return mp.inf if u > 0 else mpf(0)
    return mp.exp(u)


def _erf(u: Any) -> Any:
    # mpmath's series grows with u; from 40 on 1 - |erf| is below 1e-696.
    return mp.sign(u) if abs(u) > 40 else mp.erf(u)


PRECISE: Mapping[str, Callable[..., Any]] = {
    **{name: getattr(mp, name) for name in ("log", "sqrt", "sign", "floor", "sin", "cos", "tan")},
    **{name: getattr(mp, name) for name in ("sinh", "cosh", "tanh", "atan")},
    "exp": _exp,
    "log1p": lambda u: mp.log(1 + u),
    "expm1": lambda u: _exp(u) - 1,
    "log2": lambda u: mp.log(u) / mp.log(2),
    "abs": abs,
    "step": lambda u: mpf(1) if u >= 0 else mpf(0),
    "erf": _erf,
    "erfc": lambda u: mp.erfc(u) if abs(u) < _TOO_LARGE else 1 - mp.sign(u),
    "max": max,
    "min": min,
}
"""The functions of the language on mpmath's numbers."""


def exact_value(root: Node, values: Mapping[str, Fraction]) -> Fraction | None:
    """Return a formula's value at exact numbers by name; numbers in the formula are the decimals that they are written as.

    Sums, products, quotients and whole powers are exact; of what holds a function `KEPT` digits are right. 0 times
    anything is 0, as in every loss. None where there is no finite real value.

    >>> from chainrule.formula.parse import parse
    >>> exact_value(parse("x*0.45").root, {"x": Fraction("0.55")})
    Fraction(99, 400)
    >>> exact_value(parse("sqrt(x) + exp(0)").root, {"x": Fraction("0.015625")})
    Fraction(9, 8)
    """
    found = ""
    with one_at_a_time:
        try:
            for digits in PRECISIONS:
                mp.dps = digits
                value = precise_value(root, values, _as_written)
                if isinstance(value, Fraction):
                    return value
                if not isinstance(value, mpf) or not mp.isfinite(value) or mp.mag(value) > _FARTHEST:
                    return None
                if value and mp.mag(value) < -_FARTHEST:
                    return Fraction(0)
                before, found = found, mp.nstr(value, KEPT)
                if value and found == before:
                    return Fraction(found)
        except (ArithmeticError, ValueError):
            return None
        finally:
            mp.dps = PRECISIONS[0]
    return Fraction(0)  # so near to it that 800 digits don't tell


def _as_written(value: float) -> Fraction:
    return Fraction(repr(float(value)))


def precise_value(node: Node, values: Mapping[str, Any], number: Callable[[float], Any] = mpf) -> Any:
    """Return a node's value from mpmath's numbers and fractions; 0 times anything is 0, as 0 log 0 is in every loss.

    ``number`` makes what is worked with of a number in the formula: as engines do, who hold it as a double, or as it is
    written. A list stands for all outputs of a layer, of which ``place`` (from 0) says one; ``sums`` remembers what was
    added over them.
    """

    def value(node: Node) -> Any:
        return precise_value(node, values, number)

    match node:
        case Number(written):
            return number(written)
        case Constant(name):
            return +getattr(mp, name)
        case Symbol(name):
            found = values[name]
            return found[values["place"]] if isinstance(found, list) else found
        case Negate(operand):
            return -value(operand)
        case Call("where", (Compare(op, left, right), yes, no)):
            return value(yes if OPERATORS[op](*_alike(value(left), value(right))) else no)
        case Call("sum", (operand,)):
            known = values["sums"]
            if operand not in known:
                places = ({**values, "place": i} for i in range(len(values["z"])))
                known[operand] = mp.fsum(precise_value(operand, own, number) for own in places)
            return known[operand]
        case Call(name, args):
            inside = _alike(*map(value, args))
            made = PRECISE[name](*inside)
            # At 0 every function has a whole number.
            is_exact = isinstance(inside[0], Fraction) and inside == [0] and mp.isfinite(made)
            return Fraction(int(made)) if is_exact else made
        case Binary("*", left, right):
            first = value(left)
            second = first if first == 0 else value(right)
            return second if second == 0 else mul(*_alike(first, second))
        case Binary(op, left, right):
            sides = _alike(value(left), value(right))
            return _power(*sides) if op == "^" else OPERATORS[op](*sides)
    raise TypeError(f"a {type(node).__name__} has no value")


def _power(base: Any, exponent: Any) -> Any:
    # A fraction that long, or longer, is told from its neighbors by its first digits well enough.
    if isinstance(base, Fraction) and (
        exponent.denominator != 1
        or abs(exponent) * max(base.numerator.bit_length(), base.denominator.bit_length()) > LONGEST
    ):
        base, exponent = mp.convert(base), mp.convert(exponent)
    return base**exponent


def _alike(*numbers: Any) -> list[Any]:
    """Return numbers as they are if all are fractions, else all as mpmath's."""
    if all(isinstance(number, Fraction) for number in numbers):
        return list(numbers)
    return [mp.convert(number) for number in numbers]
