"""Independent judges of the equations: formulas through SymPy and mpmath, points over the range of floats.

Nothing here uses chainrule's own parser, calculus or evaluation: a record's text goes to SymPy, its derivative is SymPy's,
and mpmath evaluates both with `DIGITS` digits.
"""

from collections.abc import Sequence
from functools import cache

import mpmath
import numpy as np
import sympy

DIGITS = 420
"""Enough for 1 + e^-745 and for e^(5e-324) - 1, the worst that doubles can ask for, and 50 digits more."""


def _piecewise(*cases):
    return sympy.Piecewise(*cases[:-1], (cases[-1], True))


# The conventions at kinks and jumps are those the formula language documents: the derivative of max and min
# is the first argument's at a tie, that of abs is 0 at 0, that of step and sign is 0 everywhere.
_FUNCTIONS = {
    "max": lambda u, v: _piecewise((u, u >= v), v),
    "min": lambda u, v: _piecewise((u, u <= v), v),
    "abs": lambda u: _piecewise((u, u > 0), (-u, u < 0), 0),
    "where": lambda c, u, v: _piecewise((u, c), v),
    "step": lambda u: _piecewise((1, u >= 0), 0),
    "exp": sympy.exp,
    "log": sympy.log,
    "tanh": sympy.tanh,
    "erf": sympy.erf,
    "sqrt": sympy.sqrt,
    "cos": sympy.cos,
    "floor": sympy.floor,
    "log2": lambda u: sympy.log(u) / sympy.log(2),
    "e": sympy.E,
    "pi": sympy.pi,
}


def _erf(x: mpmath.mpf) -> mpmath.mpf:
    # mpmath sums a series that grows with x; from 40 on, 1 - |erf| is below 1e-696 and no float can tell.
    return mpmath.sign(x) if abs(x) > 40 else mpmath.erf(x)


def _exp(x: mpmath.mpf) -> mpmath.mpf:
    # So far below any float, and any digit kept here, that it is 0; mpmath would take seconds to tell.
    return mpmath.mpf(0) if x < -1e5 else mpmath.exp(x)


class Exact:
    """A formula in named real variables, with mpmath values and SymPy derivatives.

    With ``outputs`` the variable ``z`` is a vector ``z1`` … and ``sum`` adds over it; ``own`` is the output (1-based)
    whose formula this is.
    """

    def __init__(self, text: str, names: Sequence[str], outputs: int = 0, own: int = 1) -> None:
        symbols = {name: sympy.Symbol(name, real=True) for name in names}
        z = symbols.get("z")
        vector = [sympy.Symbol(f"z{i + 1}", real=True) for i in range(outputs)]
        symbols_and_sum = {**_FUNCTIONS, **symbols, "sum": lambda u: sum(u.subs(z, each) for each in vector)}
        expression = sympy.sympify(text.replace("^", "**"), locals=symbols_and_sum)
        self.names = [name for name in names if not (vector and name == "z")] + [str(v) for v in vector]
        self._set(expression.subs(z, vector[own - 1]) if vector else expression)

    def _set(self, expression: sympy.Expr) -> None:
        self.expression = expression
        self._limits: dict[tuple[float, ...], float] = {}
        self._derivatives: dict[str, Exact] = {}
        self.function = sympy.lambdify(self.names, expression, [{"erf": _erf, "exp": _exp}, "mpmath"])

    def diff(self, name: str) -> "Exact":
        if name not in self._derivatives:
            made = object.__new__(Exact)
            made.names = self.names
            made._set(sympy.diff(self.expression, sympy.Symbol(name, real=True)))
            self._derivatives[name] = made
        return self._derivatives[name]

    def __call__(self, *values: float) -> mpmath.mpf:
        return self.function(*(mpmath.mpf(value) for value in values))

    def limit(self, *values: float) -> float:
        """The value as `_limit` finds it, remembered."""
        if values not in self._limits:
            self._limits[values] = self._limit(*values)
        return self._limits[values]

    def _limit(self, *values: float) -> float:
        """The value as a float; its limit where it has none at the point itself, NaN outside the reals."""
        ordinary = all(v == 0 or 1e-25 < abs(v) < 12 for v in values)
        with mpmath.workdps(120 if ordinary else DIGITS):
            if all(np.isfinite(values)):
                try:
                    value = self(*values)
                except (ZeroDivisionError, ValueError):
                    value = mpmath.nan
                if isinstance(value, mpmath.mpc):
                    return float("nan")
                if not mpmath.isnan(value):
                    return float(value)
        near, nearer = (self._near(values, mpmath.mpf(10) ** -power) for power in (320, 640))
        if isinstance(nearer, mpmath.mpc):
            return float("nan")
        if abs(nearer) > 1 and abs(nearer) > 1.5 * abs(near):
            return float(mpmath.sign(nearer)) * float("inf")
        return float(nearer)

    def _near(self, values: Sequence[float], distance: mpmath.mpf) -> mpmath.mpf:
        """The value where infinities are 1/distance away and the first finite variable is moved inward, to (0, 1)."""
        with mpmath.workdps(1100):
            if not all(np.isfinite(values)):
                moved = [mpmath.sign(v) / distance if mpmath.isinf(v) else v for v in map(mpmath.mpf, values)]
            else:
                first, *rest = map(mpmath.mpf, values)
                moved = [first + distance if first < 0.5 else first - distance, *rest]
            return +self.function(*moved)


def grid(dtype: type = np.float64) -> np.ndarray:
    """Points over the whole range of a float type: ±0, ±inf, denormals, the extremes, dense between."""
    info = np.finfo(dtype)
    ends = [0.0, info.smallest_subnormal, info.tiny / 3, info.tiny, info.eps / 2, info.eps, info.max, np.inf]
    ends += [1e-300, 1e-30, 1e30, 1e300, 1e308] if dtype == np.float64 else [1e-38, 1e-30, 1e30, 1e38]
    powers = np.logspace(-20, 5, 26)
    dense = np.concatenate([np.linspace(0, 8, 65), np.linspace(8, 60, 27), np.linspace(60, 800, 19)])
    edges = [0.1 + 0.2, 1 / 3, 27.0, 37.5, 38.6, 88.7, 89.0, 103.9, 708.4, 709.7, 709.9, 745.1, 745.2, 1e4]
    positive = np.concatenate([ends, powers, dense, edges]).astype(dtype)
    # np.unique would take one of the two zeros away.
    return np.concatenate([np.unique(positive), -np.unique(positive)])


def errors(got: np.ndarray, want: Sequence[float], scale: Sequence[float]) -> np.ndarray:
    """The error of each value in units of ``scale`` · eps (plus 1000 of the smallest denormals, among which
    relative accuracy ends); inf for a wrong infinity or a NaN."""
    info = np.finfo(got.dtype)
    with np.errstate(all="ignore"):
        expected = np.asarray(want, np.float64)
        rounded = expected.astype(got.dtype)
        difference = np.abs(got.astype(np.float64) - expected)
        units = difference / (np.asarray(scale, np.float64) * info.eps + 1000 * info.smallest_subnormal)
    units[got == rounded] = 0.0
    units[np.isnan(got)] = np.inf
    units[np.isinf(got) != np.isinf(rounded)] = np.inf
    return np.nan_to_num(units, nan=np.inf, posinf=np.inf)


@cache
def exact(text: str, *names: str) -> Exact:
    return Exact(text, names)
