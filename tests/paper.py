"""A judge of hand mode who has only what is printed: he works a line out from its text, and rounds it on paper.

Sums, products and quotients are exact fractions; functions are mpmath's, with 60 digits.
"""

import ast
from fractions import Fraction

import mpmath

from chainrule.explain.derive.writer import NO_VALUE
from chainrule.formula.text import text

FUNCTIONS = {
    **{
        name: getattr(mpmath, name)
        for name in ("exp", "log", "sqrt", "tanh", "sin", "cos", "atan", "erf", "erfc")
    },
    "log1p": mpmath.log1p,
    "max": max,
    "min": min,
    "abs": abs,
    "sign": mpmath.sign,
    "step": lambda u: mpmath.mpf(u >= 0),
    "floor": mpmath.floor,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "expm1": mpmath.expm1,
    "log2": lambda u: mpmath.log(u, 2),
}
COMPARED = {ast.Lt: "__lt__", ast.LtE: "__le__", ast.Gt: "__gt__", ast.GtE: "__ge__", ast.Eq: "__eq__"}


def fit(*numbers):
    """Return numbers as fractions if all are, else as mpmath's."""
    if all(isinstance(number, Fraction) for number in numbers):
        return numbers
    return [mpmath.mpf(n.numerator) / n.denominator if isinstance(n, Fraction) else n for n in numbers]


def worked(node, source):
    """Return the value of a parsed text; numbers are the decimals that stand there."""
    match node:
        case ast.Expression(body):
            return worked(body, source)
        case ast.Constant():
            return Fraction(ast.get_source_segment(source, node))
        case ast.Name(name):
            return +getattr(mpmath, name)
        case ast.UnaryOp(ast.USub(), operand):
            return -worked(operand, source)
        case ast.BinOp(left, op, right):
            a, b = fit(worked(left, source), worked(right, source))
            match op:
                case ast.Add():
                    return a + b
                case ast.Sub():
                    return a - b
                case ast.Mult():
                    return Fraction(0) if 0 in (a, b) else a * b
                case ast.Div():
                    return a / b
                case ast.Pow():
                    return (
                        a**b if b == int(b) else mpmath.power(*map(mpmath.mpf, map(str, map(float, (a, b)))))
                    )
        case ast.Call(ast.Name("where"), [ast.Compare(left, [op], [right]), yes, no]):
            a, b = fit(worked(left, source), worked(right, source))
            return worked(yes if getattr(a, COMPARED[type(op)])(b) else no, source)
        case ast.Call(ast.Name(name), args):
            inside = fit(*(worked(arg, source) for arg in args))
            if name in ("max", "min", "abs"):
                return FUNCTIONS[name](*inside)
            (inside,) = (
                mpmath.mpf(n.numerator) / n.denominator if isinstance(n, Fraction) else n for n in inside
            )
            return FUNCTIONS[name](inside)
    raise TypeError(ast.dump(node))


def on_paper(value, *, places=None, digits=None):
    """Return a number rounded half up, a tie away from zero, to decimal places or significant digits."""
    if not isinstance(value, Fraction):
        value = Fraction(mpmath.nstr(value, 40))
    if places is None:
        if value == 0:
            return Fraction(0)
        places = digits - 1
        while abs(value) * 10**places < 10 ** (digits - 1) or abs(value) < Fraction(1, 10**places) * 10 ** (
            digits - 1
        ):
            places += 1
        while abs(value) * Fraction(10) ** places >= 10**digits:
            places -= 1
    scaled = abs(value) * Fraction(10) ** places
    whole = scaled.numerator // scaled.denominator
    if scaled - whole >= Fraction(1, 2):
        whole += 1
    return (1 if value >= 0 else -1) * whole / Fraction(10) ** places


def by_the_judge(line, hand):
    """Return what the judge writes for a line, as a fraction."""
    source = text(line.symbols, line.numbers()).replace("^", "**")
    mpmath.mp.dps = 60
    try:
        value = worked(ast.parse(source, mode="eval"), source)
    finally:
        mpmath.mp.dps = 15
    return on_paper(value, places=hand) if line.address.startswith("a[") else on_paper(value, digits=hand + 1)


def has_its_digits(line, hand):
    """Tell whether the result is shown with the digits asked for, no more and no fewer."""
    shown = line.shown[line.left].lstrip("-")
    mantissa, _, power = shown.partition("e")
    if line.address.startswith("a["):
        return not power and len(mantissa.partition(".")[2]) == hand
    if shown == "0":
        return True
    digits = mantissa.replace(".", "").lstrip("0")
    return len(digits) == hand + 1 or ("." not in mantissa and len(digits) > hand)


def check_by_hand(lines, hand):
    """Assert that every line is right on paper, and goes on with what stands above it; return how many were worked out."""
    above, count = {}, 0
    for line in lines:
        for name, value in line.shown.items():
            assert "[" not in name or above.setdefault(name, value) == value, (line.left, name)
        if line.values and NO_VALUE not in line.note:
            assert Fraction(line.shown[line.left]) == by_the_judge(line, hand), line
            assert has_its_digits(line, hand), line.shown[line.left]
            count += 1
        assert line.result == float(line.shown[line.left])
    return count
