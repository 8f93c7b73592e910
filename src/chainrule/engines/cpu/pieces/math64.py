"""exp, expm1 and tanh in float64, as straight-line arithmetic that can become vector instructions.

Each is within 2 units in the last place of the true value (tests/engines/test_math.py). e^x = 2^n e^r with
r = x - n ln 2, where ln 2 is split in two parts as in Sun's fdlibm (e_exp.c), and e^r is its Taylor polynomial. The
coefficients of tanh are those of S. Moshier's Cephes library (tanh.c).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import float64, int64

from chainrule.engines.cpu.kernels.compiling import inner_loop
from chainrule.engines.cpu.kernels.native import double_of_bits

_LOG2E = 1.4426950408889634
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
# Adding 1.5 · 2^52 leaves no room for a fraction: taking it away again has rounded to the nearest integer.
_ROUNDER = 6755399441055744.0
# 1/2!, 1/3!, … 1/14!: for |r| <= ln(2)/2 what follows is below 2^-58 of r.
_EXP = tuple(1 / math.factorial(k) for k in range(14, 1, -1))
_TANH_P = (-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3)
_TANH_Q = (1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3)


@inner_loop
def _power_of_two(n: Any) -> Any:
    """Return 2^n for an int64 n in [-1022, 1023]."""
    return double_of_bits((n + int64(1023)) << int64(52))


@inner_loop
def _reduced(x: Any) -> Any:
    """Return n and expm1(r) for x = n ln 2 + r, |r| <= ln(2)/2."""
    n = (x * _LOG2E + _ROUNDER) - _ROUNDER
    r = x - n * _LN2_HIGH
    r = r - n * _LN2_LOW
    p = ((_EXP[0] * r + _EXP[1]) * r + _EXP[2]) * r + _EXP[3]
    p = ((p * r + _EXP[4]) * r + _EXP[5]) * r + _EXP[6]
    p = ((p * r + _EXP[7]) * r + _EXP[8]) * r + _EXP[9]
    p = ((p * r + _EXP[10]) * r + _EXP[11]) * r + _EXP[12]
    return int64(n), p * (r * r) + r


@inner_loop
def exp(x: Any) -> Any:
    """Return e^x; inf above 709.78, 0 below -745.13, denormal numbers between as they should be."""
    bounded = float64(710.0) if x > 710.0 else (float64(-746.0) if x < -746.0 else x)
    n, p = _reduced(bounded)
    # Two factors, because 2^n alone leaves the range of float64 before e^x does.
    half = n >> int64(1)
    return (p + 1.0) * _power_of_two(half) * _power_of_two(n - half)


@inner_loop
def expm1(x: Any) -> Any:
    """Return e^x - 1 without losing the digits of a small x."""
    bounded = float64(710.0) if x > 710.0 else (float64(-40.0) if x < -40.0 else x)
    n, p = _reduced(bounded)
    half = n >> int64(1)
    first, second = _power_of_two(half), _power_of_two(n - half)
    scale = first * second
    large = (p + 1.0) * first * second - 1.0
    small = p * scale + (scale - 1.0)
    result = large if n > int64(53) else small
    return x if x == 0.0 else result


@inner_loop
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent: a rational function below 0.625, else 1 - 2/(e^(2|x|) + 1)."""
    size = abs(x)
    square = x * x
    p = (_TANH_P[0] * square + _TANH_P[1]) * square + _TANH_P[2]
    q = ((square + _TANH_Q[0]) * square + _TANH_Q[1]) * square + _TANH_Q[2]
    near = size + size * (square * p / q)
    far = 1.0 - 2.0 / (exp(2.0 * (float64(22.0) if size > 22.0 else size)) + 1.0)
    return math.copysign(near if size < 0.625 else far, x)


# sin(π/2 r) = r (π/2 + …) and cos(π/2 r) = 1 + …, polynomials in r² interpolated at Chebyshev's nodes for |r| <= 1/2.
_QUARTER_HIGH, _QUARTER_LOW = 1.5707963267948966, 6.1232339957367659e-17
_SIN = (
    -6.6351523872308367e-10,
    5.6919913649261238e-8,
    -3.5988429259252069e-6,
    0.00016044118476030618,
    -0.0046817541353175611,
    0.079692626246167028,
    -0.64596409750624625,
)
_COS = (
    -6.3293963449674235e-9,
    4.7106784055052271e-7,
    -2.5202039028029176e-5,
    0.00091926027454684462,
    -0.020863480763340773,
    0.25366950790104782,
    -1.2337005501361698,
)


@inner_loop
def _quarters(t: Any) -> Any:
    """Return k mod 4, sin(π/2 r) and cos(π/2 r) for an angle of t turns, 4t = k + r with |r| <= 1/2, which is exact."""
    quarters = t * 4.0
    k = np.rint(quarters)
    r = quarters - k
    square = r * r
    p = ((_SIN[0] * square + _SIN[1]) * square + _SIN[2]) * square + _SIN[3]
    p = ((p * square + _SIN[4]) * square + _SIN[5]) * square + _SIN[6]
    q = ((_COS[0] * square + _COS[1]) * square + _COS[2]) * square + _COS[3]
    q = ((q * square + _COS[4]) * square + _COS[5]) * square + _COS[6]
    return int64(k) & int64(3), r * _QUARTER_HIGH + r * (p * square + _QUARTER_LOW), 1.0 + q * square


@inner_loop
def turn(t: Any) -> Any:
    """Return cos(2πt) and sin(2πt), for an angle of t turns."""
    k, s, c = _quarters(t)
    odd = (k & int64(1)) != int64(0)
    cosine, sine = (s if odd else c), (c if odd else s)
    return (
        -cosine if ((k + int64(1)) & int64(2)) != int64(0) else cosine,
        -sine if (k & int64(2)) != int64(0) else sine,
    )
