"""Errors of the fast functions over a dense sample of all floats, measured in units in the last place."""

import mpmath
import numpy as np
import pytest
from floats import every_kind_of_float32, run_activation, ulps

from chainrule.engines.cpu.pieces import math32, math64
from chainrule.engines.cpu.pieces.codegen import TARGETS
from chainrule.engines.cpu.pieces.machine_code import activation_source, output_source
from chainrule.equations.activations import ACTIVATIONS, activation

FAST = ["exp", "expm1", "log", "log1p", "tanh"]
"""The functions of math32; the others of the formula language come from the C library, and are held to the same bound."""

FAST64 = ["exp", "expm1", "tanh"]
"""The functions of math64."""

JUDGES = {
    **{name: getattr(np, name) for name in (*FAST, "log2", "sqrt", "sin", "cos", "tan", "sinh", "cosh")},
    "atan": np.arctan,
}

X = every_kind_of_float32()
X.flags.writeable = False

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def exact(name: str, x: np.ndarray) -> np.ndarray:
    """The true values: NumPy in float64, whose own error is a billionth of what is measured here."""
    with np.errstate(all="ignore"):
        return JUDGES[name](x.astype(np.float64))


def compiled(name: str, x: np.ndarray) -> np.ndarray:
    return run_activation(output_source(activation(f"{name}(z)"), np.float32), x)[0]


@pytest.mark.parametrize(("real", "module", "fast"), [("float32", math32, FAST), ("float64", math64, FAST64)])
def test_the_functions_under_test_are_the_fast_ones(real, module, fast):
    public = {name for name in vars(module) if name in JUDGES}
    assert public == set(fast)
    short = module.__name__.split(".")[-1]
    for name in JUDGES:
        assert (TARGETS[real].code[name] == f"{short}.{name}({{0}})") == (name in fast)


def every_kind_of_float64() -> np.ndarray:
    """All exponents with drawn digits, whole and half multiples of ln 2, and both sides of where functions change."""
    draws = np.random.default_rng(3)
    bits = draws.integers(0, 2**63, 200_000, dtype=np.uint64) | (
        draws.integers(0, 2, 200_000, dtype=np.uint64) << np.uint64(63)
    )
    usual = draws.uniform(-750, 750, 200_000), draws.normal(size=200_000), draws.normal(size=50_000) * 1e-4
    halves = np.arange(-2200, 2200) * (np.log(2) / 2)
    edges = np.array(
        [0.0, 22.0, 40.0, 709.782712893384, 710.0, 745.1332191019412, 746.0, 1e-300, 5e-324, np.inf]
    )
    near = [np.nextafter(part, to) for part in (halves, edges, -edges) for to in (np.inf, -np.inf)]
    return np.concatenate([bits.view(np.float64), *usual, halves, edges, -edges, *near])


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="the judge needs more digits than float64 has")
@pytest.mark.parametrize("name", FAST64)
def test_within_two_units_in_the_last_place_of_float64(name):
    """NumPy's long double has 11 bits more; its exp, expm1 and tanh are the C library's."""
    x = every_kind_of_float64()
    got = run_activation(output_source(activation(f"{name}(z)"), np.float64), x)[0]
    with np.errstate(all="ignore"):
        wide = JUDGES[name](x.astype(np.longdouble))
        true = wide.astype(np.float64)
        unit = np.spacing(np.abs(np.where(np.isfinite(true), true, 1.0)))
        errors = np.abs((got.astype(np.longdouble) - wide) / unit).astype(np.float64)
    same = (got == true) | (np.isnan(got) & np.isnan(true))
    errors = np.where(same, 0.0, np.nan_to_num(errors, nan=np.inf))
    worst = int(np.argmax(errors))
    assert errors[worst] <= 2.0, f"{name}({x[worst]!r}) is off by {errors[worst]:.3g} ulp"
    assert np.array_equal(np.signbit(got[x == 0]), np.signbit(true[x == 0]))


@pytest.mark.parametrize("name", JUDGES)
def test_within_two_units_in_the_last_place(name):
    errors = ulps(compiled(name, X), exact(name, X))
    worst = int(np.argmax(errors))
    assert errors[worst] <= 2.0, f"{name}({X[worst]!r}) is off by {errors[worst]:.3g} ulp"


@pytest.mark.parametrize("name", FAST)
def test_the_judge_agrees_with_mpmath(name):
    draws = np.random.default_rng(5)
    at = draws.choice(X[np.isfinite(X)], 400)
    at = at[np.isfinite(exact(name, at)) & (np.abs(at) < 1e6)]
    assert len(at) > 100
    with mpmath.workdps(50):
        true = [float(getattr(mpmath, name)(mpmath.mpf(float(x)))) for x in at]
    np.testing.assert_allclose(exact(name, at), true, rtol=1e-15, atol=1e-323)


@pytest.mark.parametrize("name", FAST)
def test_signs_zeros_and_what_is_not_a_number(name):
    got, true = compiled(name, X), exact(name, X)
    assert (np.isnan(got) == np.isnan(true)).all()
    number = ~np.isnan(true)
    assert (np.signbit(got[number]) == np.signbit(true[number])).all(), "zeros keep their sign, too"
    tiny = np.float32(1e-45)
    at = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, tiny, -tiny, -1.0], np.float32)
    inf, nan = np.inf, np.nan
    by_hand = {
        "exp": [1, 1, inf, 0, nan, 1, 1, np.exp(-1)],
        "expm1": [0, -0.0, inf, -1, nan, tiny, -tiny, np.expm1(-1)],
        "log": [-inf, -inf, inf, nan, nan, np.log(float(tiny)), nan, nan],
        "log1p": [0, -0.0, inf, nan, nan, tiny, -tiny, -inf],
        "tanh": [0, -0.0, 1, -1, nan, tiny, -tiny, np.tanh(-1)],
    }
    want = np.array(by_hand[name], np.float32)
    np.testing.assert_allclose(compiled(name, at), want, rtol=2e-7, atol=0)
    assert (np.signbit(compiled(name, at)) == np.signbit(want))[~np.isnan(want)].all()


def test_where_exp_overflows_and_underflows():
    # ln(2^128 - 2^103) = 88.7228390…: the last float32 below it is 88.72283172607422. ln(2^-150) = -103.97207…
    at = np.array([88.72283172607422, 88.72283935546875, -103.97207, -103.97209, -87.33655], np.float32)
    got = compiled("exp", at)
    assert got[0] == pytest.approx(3.4027984e38, rel=1e-6)
    assert got[1] == np.inf
    assert got[2] == np.float32(1e-45)
    assert got[3] == 0
    assert 0 < got[4] < np.finfo(np.float32).tiny


@pytest.mark.parametrize("name", FAST)
def test_nothing_falls_that_should_rise(name):
    """Rounding may make two neighbors equal or change places by its own size, no more, where pieces of the range meet."""
    edges = np.array(
        [0.625, -0.625, 0.34657359, -0.34657359, 0.70710678, 1.4142135, 1e-4, -1e-4, 17.32868], np.float32
    )
    steps = np.arange(-2000, 2001)
    at = (edges.view(np.int32)[:, None] + steps[None, :]).astype(np.int32).view(np.float32)
    at = np.sort(at, axis=1)
    got = compiled(name, at.reshape(-1)).reshape(at.shape)
    got = got[~np.isnan(got).any(axis=1)]
    falls = (got[:, :-1].astype(np.float64) - got[:, 1:]) / np.spacing(np.abs(got[:, 1:]))
    assert falls.max() <= 2


HIDDEN = [record for record in ACTIVATIONS.values() if not record.output_only]


@pytest.mark.parametrize("record", HIDDEN, ids=lambda record: record.name)
def test_activations_and_slopes_where_networks_live(record):
    """|z| ≤ 30: activations within 4 units in the last place of the number, or of 1/16 where it is smaller; slopes of 1/4.

    Slopes cross 0 where two terms cancel, and tails of the normal distribution lose digits in z²: there the absolute error
    counts.
    """
    z = X[::4][np.abs(X[::4]) <= 30]
    z64 = z.astype(np.float64)
    got = run_activation(activation_source(record, np.float32), z)
    for mine, true, least in zip(got, (record(z64, np), record.prime(z64, np)), (1 / 16, 1 / 4), strict=True):
        size = np.maximum(np.abs(true), least)
        errors = np.abs(mine - true) / np.spacing(size.astype(np.float32)).astype(np.float64)
        worst = int(np.argmax(errors))
        assert errors[worst] <= 4, f"{record.name} at {z[worst]!r} is {mine[worst]!r}, not {true[worst]!r}"


@pytest.mark.parametrize("record", HIDDEN, ids=lambda record: record.name)
def test_activations_are_nowhere_worse_than_in_numpy(record):
    """In each of some thousand stretches of the number line, at most twice NumPy's worst float32 error, and 4 ulp."""
    z = np.sort(X[::4][np.isfinite(X[::4])])
    z = z[: len(z) // 1000 * 1000]
    z64 = z.astype(np.float64)
    mine = run_activation(activation_source(record, np.float32), z)
    theirs = (record(z, np), record.prime(z, np))
    true = (record(z64, np), record.prime(z64, np))
    for got, numpys, exactly in zip(mine, theirs, true, strict=True):
        worst = ulps(got, exactly).reshape(-1, 1000).max(axis=1)
        allowed = 2 * ulps(numpys, exactly).reshape(-1, 1000).max(axis=1) + 4
        at = int(np.argmax(worst - allowed))
        assert (worst <= allowed).all(), (
            f"near {z[1000 * at]!r}: {worst[at]:.3g} ulp, NumPy {allowed[at] / 2 - 2:.3g}"
        )


def test_the_measure_sees_an_error():
    x = np.float32(1.5)
    off = np.nextafter(np.nextafter(x, np.float32(2)), np.float32(2))
    assert ulps(np.array([off]), np.array([1.5]))[0] == 2
    assert ulps(np.array([np.nan], np.float32), np.array([1.5]))[0] == np.inf
    assert ulps(np.array([1.5], np.float32), np.array([np.nan]))[0] == np.inf
    assert ulps(np.array([np.inf], np.float32), np.array([1e38]))[0] > 1e6
    assert ulps(np.array([3.4028235e38], np.float32), np.array([np.inf]))[0] == 1
    assert ulps(np.array([1e-45], np.float32), np.array([0.0]))[0] == 1
