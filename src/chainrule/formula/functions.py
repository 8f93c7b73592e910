"""The functions that formulas know, each with its rule of derivation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chainrule._types import Array, Namespace
from chainrule.errors import FormulaError
from chainrule.formula import special


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

OPERATIONS: Mapping[str, int] = {
    **dict.fromkeys(FUNCTIONS, 5),
    **dict.fromkeys(("abs", "sign", "step", "max", "min", "where"), 20),
    **dict.fromkeys(("erf", "erfc"), 150),
}
"""What a call counts in a formula's size as machine code, where + counts 1: choices take the compiler longest."""
