"""Penalties, weight decay, clipping and dropout masks against numbers worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chainrule.equations.regularizers import clipped, dropout_mask, penalized, penalty, shrunk

W = np.array([2.0, -3.0, 0.0, 5.0])
DECAYED = np.array([1.0, 1.0, 1.0, 0.0])  # the last is a bias


def test_penalties_of_hand():
    # l1 = .1: .1 (2 + 3) = .5; l2 = .4: .2 (4 + 9) = 2.6; the bias adds nothing
    assert penalty(W, DECAYED, 0.1, 0.0, np) == pytest.approx(0.5, rel=1e-15)
    assert penalty(W, DECAYED, 0.0, 0.4, np) == pytest.approx(2.6, rel=1e-15)
    np.testing.assert_allclose(
        penalty(np.stack([W, -W, 2 * W]), DECAYED, 0.1, 0.4, np), [3.1, 3.1, 11.4], rtol=1e-15
    )
    # slopes: .1 sign(w) + .4 w: .1 + .8, -.1 - 1.2, 0 at 0, nothing for the bias
    g = np.array([1.0, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(penalized(g, W, DECAYED, 0.1, 0.4, np), [1.9, -0.3, 1.0, 1.0], rtol=1e-15)


def test_the_penalty_s_slope_is_its_derivative():
    w, h = np.array([0.7, -1.3, 2.0]), 1e-6
    ones = np.ones(3)
    for place in range(3):
        step = h * np.eye(3)[place]
        slope = (penalty(w + step, ones, 0.3, 0.2, np) - penalty(w - step, ones, 0.3, 0.2, np)) / (2 * h)
        assert penalized(np.zeros(3), w, ones, 0.3, 0.2, np)[place] == pytest.approx(slope, rel=1e-8)


def test_decoupled_decay_of_hand():
    # eta .5, decay .2: weights shrink by a tenth, the bias stays
    np.testing.assert_allclose(shrunk(W, 0.5, 0.2, DECAYED, np), [1.8, -2.7, 0.0, 5.0], rtol=1e-15)


def test_clipping_of_hand():
    # (3, 4) has norm 5: limit 1 leaves its fifth, limit 5 or more leaves it alone; members are clipped each by itself
    g = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    np.testing.assert_allclose(clipped(g, 1.0, np), [[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]], rtol=1e-15)
    np.testing.assert_array_equal(clipped(g, 5.0, np), g)


FINITE = st.floats(-1e300, 1e300, allow_subnormal=False)


@given(arrays(np.float64, 5, elements=FINITE), st.floats(1e-3, 1e3))
def test_clipping_keeps_the_direction_and_bounds_the_length(g, limit):
    got = clipped(g, limit, np)
    length = np.max(np.abs(got)) * np.linalg.norm(got / np.max(np.abs(got))) if got.any() else 0.0
    assert length <= limit * (1 + 1e-14)
    assert (np.sign(got) == np.sign(np.where(got == 0, 0.0, g))).all()
    largest = np.max(np.abs(g))
    if largest * np.linalg.norm(g / (largest or 1.0)) > limit * (1 + 1e-14):
        assert length == pytest.approx(limit, rel=1e-13)
        np.testing.assert_allclose(got / np.max(np.abs(got)), g / largest, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(("dtype", "size"), [(np.float64, 1e300), (np.float32, 1e30), (np.float64, 1e308)])
def test_clipping_a_huge_gradient_does_not_lose_it(dtype, size):
    # The squares overflow: the norm would be infinite, and the clipped gradient 0.
    got = clipped(np.array([0.6 * size, -0.8 * size], dtype), 1.0, np)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, [0.6, -0.8], rtol=1e-6)


def test_clipping_does_not_hide_what_is_not_finite():
    with np.errstate(all="ignore"):
        assert not np.isfinite(clipped(np.array([1.0, np.nan]), 1.0, np)).all()
        assert not np.isfinite(clipped(np.array([1.0, np.inf]), 1.0, np)).all()


def test_dropout_masks_of_hand():
    # p = 1/4: what is drawn below 1/4 is dropped, the rest grows by 4/3, so that its mean over [0, 1) is 1
    got = dropout_mask(np.array([0.0, 0.2499, 0.25, 0.9]), 0.25, np)
    np.testing.assert_allclose(got, [0.0, 0.0, 4 / 3, 4 / 3], rtol=1e-15)
    u = (np.arange(1000) + 0.5) / 1000
    for p in (0.0, 0.1, 0.5, 0.9):
        assert dropout_mask(u, p, np).mean() == pytest.approx(1.0, rel=1e-12)
