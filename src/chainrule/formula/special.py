"""The error function and its complement, as pure functions over any array namespace.

A namespace that ``keeps`` them, by name, has functions of its own: a graph to be printed where math has them.

Ranges and rational approximations are those of Sun's fdlibm, ``s_erf.c`` (K. C. Ng, 1993), whose own
error is below 1 ulp in double precision.
"""

from chainrule._types import Array, Namespace

_ERX = 8.45062911510467529297e-01
"""erf(1), short enough that sums with it lose nothing."""

_LARGEST = 28.0
"""erfc underflows to 0 before here, and erf has rounded to 1 long before."""

# fmt: off
# |x| < 0.84375: erf(x) = x + x P(x²)/Q(x²)
_PP = (
    1.28379167095512558561e-01, -3.25042107247001499370e-01, -2.84817495755985104766e-02, -5.77027029648944159157e-03,
    -2.37630166566501626084e-05,
)
_QQ = (
    1.0, 3.97917223959155352819e-01, 6.50222499887672944485e-02, 5.08130628187576562776e-03,
    1.32494738004321644526e-04, -3.96022827877536812320e-06,
)
# 0.84375 ≤ |x| < 1.25: erf(|x|) = erx + P(|x|-1)/Q(|x|-1)
_PA = (
    -2.36211856075265944077e-03, 4.14856118683748331666e-01, -3.72207876035701323847e-01, 3.18346619901161753674e-01,
    -1.10894694282396677476e-01, 3.54783043256182359371e-02, -2.16637559486879084300e-03,
)
_QA = (
    1.0, 1.06420880400844228286e-01, 5.40397917702171048937e-01, 7.18286544141962662868e-02,
    1.26171219808761642112e-01, 1.36370839120290507362e-02, 1.19844998467991074170e-02,
)
# 1.25 ≤ |x| < 1/0.35: erfc(|x|) = exp(-x² - 0.5625 + R(1/x²)/S(1/x²)) / |x|
_RA = (
    -9.86494403484714822705e-03, -6.93858572707181764372e-01, -1.05586262253232909814e01, -6.23753324503260060396e01,
    -1.62396669462573470355e02, -1.84605092906711035994e02, -8.12874355063065934246e01, -9.81432934416914548592e00,
)
_SA = (
    1.0, 1.96512716674392571292e01, 1.37657754143519042600e02, 4.34565877475229228821e02,
    6.45387271733267880336e02, 4.29008140027567833386e02, 1.08635005541779435134e02, 6.57024977031928170135e00,
    -6.04244152148580987438e-02,
)
# |x| ≥ 1/0.35: the same form
_RB = (
    -9.86494292470009928597e-03, -7.99283237680523006574e-01, -1.77579549177547519889e01, -1.60636384855821916062e02,
    -6.37566443368389627722e02, -1.02509513161107724954e03, -4.83519191608651397019e02,
)
_SB = (
    1.0, 3.03380607434824582924e01, 3.25792512996573918826e02, 1.53672958608443695994e03,
    3.19985821950859553908e03, 2.55305040643316442583e03, 4.74528541206955367215e02, -2.24409524465858183362e01,
)
# fmt: on


def erf(x: Array, xp: Namespace) -> Array:
    """Return the error function, 2/√π ∫₀ˣ exp(-t²) dt, elementwise.

    Shape and dtype (float32 or float64) are those of ``x``. Error: a few units in the last place.

    >>> import numpy as np
    >>> erf(np.array([0.0, 0.5, np.inf]), np).round(6).tolist()
    [0.0, 0.5205, 1.0]
    """
    if "erf" in getattr(xp, "keeps", ()):
        return xp.erf(x)
    size = xp.abs(x)
    near = xp.clip(x, -0.84375, 0.84375)
    middle = _ERX + _middle(size, xp)
    outer = 1.0 - _tail(size, xp)
    positive = xp.where(size < 1.25, middle, outer)
    return xp.where(size < 0.84375, near + near * _near(near), xp.where(x < 0, -positive, positive))


def erfc(x: Array, xp: Namespace) -> Array:
    """Return the complement 1 - erf(x), elementwise, to a few units in its own last place.

    Shape and dtype (float32 or float64) are those of ``x``. The relative accuracy holds over the whole
    range, down to where erfc underflows (x ≈ 26.5 in float64, 10 in float32).

    >>> import numpy as np
    >>> print(f"{erfc(np.array(10.0), np):.10e}")
    2.0884875838e-45
    """
    if "erfc" in getattr(xp, "keeps", ()):
        return xp.erfc(x)
    size = xp.abs(x)
    near = xp.clip(x, -0.84375, 0.84375)
    correction = near * _near(near)
    inner = xp.where(near < 0.25, 1.0 - (near + correction), 0.5 - (correction + (near - 0.5)))
    middle = _middle(size, xp)
    tail = _tail(size, xp)
    right = xp.where(size < 1.25, (1.0 - _ERX) - middle, tail)
    left = xp.where(size < 1.25, (1.0 + _ERX) + middle, 2.0 - tail)
    return xp.where(size < 0.84375, inner, xp.where(x < 0, left, right))


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    """Return c₀ + c₁ x + c₂ x² + …, by Horner's rule."""
    result = coefficients[-1] + 0.0 * x
    for coefficient in reversed(coefficients[:-1]):
        result = result * x + coefficient
    return result


def _near(x: Array) -> Array:
    square = x * x
    return _polynomial(_PP, square) / _polynomial(_QQ, square)


def _middle(size: Array, xp: Namespace) -> Array:
    shifted = xp.clip(size, 0.84375, 1.25) - 1.0
    return _polynomial(_PA, shifted) / _polynomial(_QA, shifted)


def _tail(size: Array, xp: Namespace) -> Array:
    """Return erfc(size) for size ≥ 1.25.

    exp(-x²) would lose the digits that rounding takes from x². So x = z + (x - z), where z has half
    the digits of the dtype and z² is exact: exp(-x²) = exp(-z²) exp((z - x)(z + x)).
    """
    x = xp.clip(size, 1.25, _LARGEST)
    inverse = 1.0 / (x * x)
    first = _polynomial(_RA, inverse) / _polynomial(_SA, inverse)
    second = _polynomial(_RB, inverse) / _polynomial(_SB, inverse)
    correction = xp.where(x < 1.0 / 0.35, first, second)
    grid = 2.0**20 if float(xp.finfo(x.dtype).eps) < 1e-10 else 2.0**7
    z = xp.round(x * grid) / grid
    return xp.exp(-(z * z) - 0.5625) * xp.exp((z - x) * (z + x) + correction) / x
