"""Penalties and dropout masks against numbers worked by hand."""

import numpy as np
import pytest

from chainrule.equations.regularizers import dropout_mask, penalty
from chainrule.equations.update import PENALIZE

W = np.array([2.0, -3.0, 0.0, 5.0])
DECAYED = np.array([1.0, 1.0, 1.0, 0.0])  # the last is a bias


def penalized(g, w, decayed, l1, l2):
    """What the stage of the penalties makes of a gradient."""
    return PENALIZE.run({"g": g, "w": w, "decayed": decayed, "l1": l1, "l2": l2}, np)["g"]


def test_penalties_of_hand():
    # l1 = .1: .1 (2 + 3) = .5; l2 = .4: .2 (4 + 9) = 2.6; the bias adds nothing
    assert penalty(W, DECAYED, 0.1, 0.0, np) == pytest.approx(0.5, rel=1e-15)
    assert penalty(W, DECAYED, 0.0, 0.4, np) == pytest.approx(2.6, rel=1e-15)
    np.testing.assert_allclose(
        penalty(np.stack([W, -W, 2 * W]), DECAYED, 0.1, 0.4, np), [3.1, 3.1, 11.4], rtol=1e-15
    )
    # slopes: .1 sign(w) + .4 w: .1 + .8, -.1 - 1.2, 0 at 0, nothing for the bias
    g = np.array([1.0, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(penalized(g, W, DECAYED, 0.1, 0.4), [1.9, -0.3, 1.0, 1.0], rtol=1e-15)


def test_the_penalty_s_slope_is_its_derivative():
    w, h = np.array([0.7, -1.3, 2.0]), 1e-6
    ones = np.ones(3)
    for place in range(3):
        step = h * np.eye(3)[place]
        slope = (penalty(w + step, ones, 0.3, 0.2, np) - penalty(w - step, ones, 0.3, 0.2, np)) / (2 * h)
        assert penalized(np.zeros(3), w, ones, 0.3, 0.2)[place] == pytest.approx(slope, rel=1e-8)


def test_dropout_masks_of_hand():
    # p = 1/4: what is drawn below 1/4 is dropped, the rest grows by 4/3, so that its mean over [0, 1) is 1
    got = dropout_mask(np.array([0.0, 0.2499, 0.25, 0.9]), 0.25, np)
    np.testing.assert_allclose(got, [0.0, 0.0, 4 / 3, 4 / 3], rtol=1e-15)
    u = (np.arange(1000) + 0.5) / 1000
    for p in (0.0, 0.1, 0.5, 0.9):
        assert dropout_mask(u, p, np).mean() == pytest.approx(1.0, rel=1e-12)
