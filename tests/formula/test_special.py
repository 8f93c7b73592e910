"""erf and erfc against mpmath, in units of the last place."""

from collections.abc import Callable
from typing import Any

import array_api_strict
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.formula.special import erf, erfc

JUDGES = {"erf": (erf, mpmath.erf), "erfc": (erfc, mpmath.erfc)}
BORDERS = [0.25, 0.84375, 1.25, 1 / 0.35]


def error_in_ulp(result: np.floating[Any], exact: mpmath.mpf) -> float:
    spacing = mpmath.mpf(float(np.spacing(np.abs(result))))
    return float(abs(mpmath.mpf(float(result)) - exact) / spacing)


def worst_error(name: str, x: np.ndarray) -> float:
    function, judge = JUDGES[name]
    result = function(x, np)
    assert result.dtype == x.dtype
    with mpmath.workdps(40):
        return max(error_in_ulp(r, judge(mpmath.mpf(float(v)))) for v, r in zip(x, result, strict=True))


def points(low: float, high: float, dtype: type) -> np.ndarray:
    near_borders = [np.nextafter(dtype(s * b), dtype(t)) for b in BORDERS for s in (-1, 1) for t in (-9, 9)]
    spread = np.random.default_rng(1).uniform(low, high, 1500)
    x = np.concatenate([spread, near_borders]).astype(dtype)
    return x[(x >= low) & (x <= high)]


def test_float64_is_right_to_a_few_ulp() -> None:
    assert worst_error("erf", points(-6.5, 6.5, np.float64)) <= 1.5
    assert worst_error("erfc", points(-6.5, 6.5, np.float64)) <= 3
    # The tail, down to the smallest normal number: erfc(26.5) is 2.2e-307.
    assert worst_error("erfc", points(6.5, 26.5, np.float64)) <= 3


def test_float32_is_right_to_a_few_ulp() -> None:
    assert worst_error("erf", points(-4.5, 4.5, np.float32)) <= 1.5
    # erfc(9) is 4e-37, near the smallest normal number of float32.
    assert worst_error("erfc", points(-4.5, 9.0, np.float32)) <= 4


def test_erfc_underflows_gradually() -> None:
    # Between erfc(26.54) = 2.7e-308 and erfc(27.2) = 8e-324 results are denormal.
    assert worst_error("erfc", np.linspace(26.5, 27.2, 200)) <= 3
    assert erfc(np.array([27.3, 28.0, 1e5]), np).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_values(dtype: type) -> None:
    tiny, largest = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    x = np.array([np.inf, -np.inf, np.nan, 0.0, tiny, largest, -largest], dtype)
    np.testing.assert_array_equal(erf(x, np), np.array([1, -1, np.nan, 0, tiny, 1, -1], dtype))
    np.testing.assert_array_equal(erfc(x, np), np.array([0, 2, np.nan, 1, 1, 0, 2], dtype))
    assert np.signbit(erf(np.array(-0.0, dtype), np))


def test_denormals_keep_their_slope() -> None:
    x = np.array([1e-310, -3e-320, 1e-308])
    exact = [float(2 / mpmath.sqrt(mpmath.pi) * mpmath.mpf(float(v))) for v in x]
    np.testing.assert_allclose(erf(x, np), exact, rtol=0, atol=5e-324)


@given(st.floats(-30, 30))
def test_symmetries(x: float) -> None:
    value = np.array([x])
    np.testing.assert_array_equal(erf(-value, np), -erf(value, np))
    np.testing.assert_allclose(erfc(value, np) + erfc(-value, np), 2.0, rtol=4e-16)
    np.testing.assert_allclose(erf(value, np) + erfc(value, np), 1.0, rtol=4e-16)


@pytest.mark.parametrize("function", [erf, erfc])
def test_namespaces_agree(function: Callable[..., Any]) -> None:
    x = np.linspace(-9, 9, 101, dtype=np.float32)
    x.setflags(write=False)
    expected = function(x, np)
    strict = function(array_api_strict.asarray(x), array_api_strict)
    assert strict.dtype == array_api_strict.float32
    np.testing.assert_array_equal(np.asarray(strict), expected)
    # XLA's exp differs from NumPy's by a unit in the last place, which the tail's two factors double.
    np.testing.assert_allclose(np.asarray(function(jnp.asarray(x), jnp)), expected, rtol=1e-6, atol=1e-37)
