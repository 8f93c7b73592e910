"""exp, log and their kin in float32, as straight-line arithmetic that can become vector instructions.

Each is within 2 units in the last place of the true value, at every float32 (tests/engines/test_math.py).
The coefficients are those of S. Moshier's Cephes library (expf.c, logf.c, tanhf.c); the arrangement is ours.
`math64` has those for float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import float32, int32

from chainrule.engines.cpu.kernels.compiling import inner_loop
from chainrule.engines.cpu.kernels.native import bits_of_float, float_of_bits

_LOG2E = float32(1.4426950408889634)
_LN2_HIGH = float32(0.693359375)
_LN2_LOW = float32(-2.12194440e-4)
# Adding 1.5 · 2^23 leaves no room for a fraction: taking it away again has rounded to the nearest integer.
_ROUNDER = float32(12582912.0)
_ONE, _HALF, _TWO = float32(1.0), float32(0.5), float32(2.0)

_EXP = tuple(
    float32(c)
    for c in (
        1.9875691500e-4,
        1.3981999507e-3,
        8.3334519073e-3,
        4.1665795894e-2,
        1.6666665459e-1,
        5.0000001201e-1,
    )
)
_LOG = tuple(
    float32(c)
    for c in (
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    )
)
_TANH = tuple(
    float32(c)
    for c in (-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1)
)


@inner_loop
def _power_of_two(n: Any) -> Any:
    """Return 2^n for an int32 n in [-126, 127]."""
    return float_of_bits((n + int32(127)) << int32(23))


@inner_loop
def _reduced(x: Any) -> Any:
    """Return n and expm1(r) for x = n ln 2 + r, |r| <= ln(2)/2."""
    n = (x * _LOG2E + _ROUNDER) - _ROUNDER
    r = x - n * _LN2_HIGH
    r = r - n * _LN2_LOW
    p = ((_EXP[0] * r + _EXP[1]) * r + _EXP[2]) * r + _EXP[3]
    p = (p * r + _EXP[4]) * r + _EXP[5]
    return int32(n), p * (r * r) + r


@inner_loop
def exp(x: Any) -> Any:
    """Return e^x; inf above 88.72, 0 below -103.97, denormal numbers between as they should be."""
    bounded = float32(89.0) if x > float32(89.0) else (float32(-104.0) if x < float32(-104.0) else x)
    n, p = _reduced(bounded)
    # Two factors, because 2^n alone leaves the range of float32 before e^x does.
    half = n >> int32(1)
    return (p + _ONE) * _power_of_two(half) * _power_of_two(n - half)


@inner_loop
def expm1(x: Any) -> Any:
    """Return e^x - 1 without losing the digits of a small x."""
    bounded = float32(89.0) if x > float32(89.0) else (float32(-20.0) if x < float32(-20.0) else x)
    n, p = _reduced(bounded)
    half = n >> int32(1)
    first, second = _power_of_two(half), _power_of_two(n - half)
    scale = first * second
    large = (p + _ONE) * first * second - _ONE
    small = p * scale + (scale - _ONE)
    result = large if n > int32(24) else small
    return x if x == float32(0.0) else result


@inner_loop
def _log_parts(x: Any) -> Any:
    """Return e and m - 1 for x = m 2^e, m in [sqrt(1/2), sqrt(2))."""
    tiny = x < float32(1.17549435e-38)
    scaled = x * float32(33554432.0) if tiny else x
    bits = bits_of_float(scaled)
    e = (bits >> int32(23)) - int32(126)
    m = float_of_bits((bits & int32(0x007FFFFF)) | int32(0x3F000000))
    low = m < float32(0.70710678)
    e = e - int32(1) if low else e
    m = m + m if low else m
    return float32(e - int32(25) if tiny else e), m - _ONE


@inner_loop
def _log_of(e: Any, m: Any, rest: Any) -> Any:
    """Return e ln 2 + ln(1 + m) + rest, for small |rest|."""
    square = m * m
    p = ((_LOG[0] * m + _LOG[1]) * m + _LOG[2]) * m + _LOG[3]
    p = ((p * m + _LOG[4]) * m + _LOG[5]) * m + _LOG[6]
    p = (p * m + _LOG[7]) * m + _LOG[8]
    y = p * m * square + e * _LN2_LOW
    y = (y - _HALF * square) + rest
    return (m + y) + e * _LN2_HIGH


@inner_loop
def log(x: Any) -> Any:
    """Return the natural logarithm; -inf at 0, NaN below."""
    e, m = _log_parts(x)
    y = _log_of(e, m, float32(0.0))
    y = x if x > float32(3.4028235e38) else y
    y = float32(-math.inf) if x == float32(0.0) else y
    return y if x >= float32(0.0) else float32(math.nan)


@inner_loop
def log1p(x: Any) -> Any:
    """Return ln(1 + x) without losing the digits of a small x."""
    u = _ONE + x
    # What rounding took from 1 + x, as a part of u: ln(u + c) = ln u + c/u, nearly.
    c = (x - (u - _ONE)) if x < _ONE else (_ONE - (u - x))
    e, m = _log_parts(u)
    y = _log_of(e, m, c / u)
    y = x if x > float32(3.4028235e38) else y
    y = float32(-math.inf) if x == float32(-1.0) else y
    y = y if x >= float32(-1.0) else float32(math.nan)
    small = x * (_ONE - _HALF * x)
    return small if abs(x) < float32(1e-4) else y


@inner_loop
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent."""
    size = abs(x)
    square = x * x
    p = ((_TANH[0] * square + _TANH[1]) * square + _TANH[2]) * square + _TANH[3]
    p = p * square + _TANH[4]
    near = size + size * (square * p)
    e = exp(-_TWO * size)
    far = (_ONE - e) / (_ONE + e)
    return math.copysign(near if size < float32(0.625) else far, x)


# sin(π/2 r) = r (π/2 + …) and cos(π/2 r) = 1 + …, polynomials in r² interpolated at Chebyshev's nodes for |r| <= 1/2.
_QUARTER_HIGH, _QUARTER_LOW = float32(1.5707964), float32(-4.371139e-8)
_SIN = tuple(float32(c) for c in (0.000158651512713, -0.00468147496917, 0.0796926122972, -0.645964097397))
_COS = tuple(float32(c) for c in (0.000906739898403, -0.0208615283422, 0.253669410357, -1.23370054937))


@inner_loop
def _quarters(t: Any) -> Any:
    """Return k mod 4, sin(π/2 r) and cos(π/2 r) for an angle of t turns, 4t = k + r with |r| <= 1/2, which is exact."""
    quarters = t * float32(4.0)
    k = np.rint(quarters)
    r = quarters - k
    square = r * r
    p = ((_SIN[0] * square + _SIN[1]) * square + _SIN[2]) * square + _SIN[3]
    q = ((_COS[0] * square + _COS[1]) * square + _COS[2]) * square + _COS[3]
    return int32(k) & int32(3), r * _QUARTER_HIGH + r * (p * square + _QUARTER_LOW), _ONE + q * square


@inner_loop
def turn(t: Any) -> Any:
    """Return cos(2πt) and sin(2πt), for an angle of t turns."""
    k, s, c = _quarters(t)
    odd = (k & int32(1)) != int32(0)
    cosine, sine = (s if odd else c), (c if odd else s)
    return (
        -cosine if ((k + int32(1)) & int32(2)) != int32(0) else cosine,
        -sine if (k & int32(2)) != int32(0) else sine,
    )
