"""Many numbers are made few by the stated rules, and none is lost."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.plots.axes import Axis
from chainrule.plots.bins import COLUMNS, MOST_ON_CURVE, ROW, scatter, thinned
from chainrule.plots.contour import contours
from chainrule.plots.marks import MOST_POINTS


def test_few_points_are_themselves_without_those_that_are_not_finite():
    mark = scatter([1.0, np.nan, 3.0], [4.0, 5.0, np.inf], Axis(0, 4), Axis(0, 6), names=["a", "b", "c"])
    assert (mark.x, mark.y, mark.names, mark.counts) == ((1.0,), (4.0,), ("a",), ())


@settings(max_examples=20)
@given(st.integers(MOST_POINTS + 1, 20_000), st.integers(0, 100))
def test_counts_of_hexagons_add_up_to_the_rows(n, seed):
    rng = np.random.default_rng(seed)
    mark = scatter(rng.normal(size=n), rng.normal(size=n), Axis(-5, 5), Axis(-5, 5))
    assert sum(mark.counts) == n
    assert len(mark) <= MOST_POINTS


def test_each_point_is_in_the_hexagon_that_is_nearest():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(size=3000), rng.uniform(size=3000)
    axis = Axis(0, 1)
    mark = scatter(x, y, axis, axis)
    middles = np.stack([mark.x, mark.y], 1)
    # In units of a regular hexagon's width, whose corners are 1/sqrt(3) from its middle.
    unit = np.array([1 / COLUMNS, ROW / COLUMNS / np.sqrt(0.75)])
    distance = np.linalg.norm((np.stack([x, y], 1)[:, None] - middles) / unit, axis=2)
    assert distance.min(axis=1).max() < 0.578
    assert np.bincount(distance.argmin(axis=1)).tolist() == list(mark.counts)


def test_areas_show_counts():
    rng = np.random.default_rng(1)
    mark = scatter(rng.normal(size=9000), rng.normal(size=9000), Axis(-5, 5), Axis(-5, 5))
    radii, counts = np.array(mark.radii()), np.array(mark.counts)
    large = radii > 1.1
    np.testing.assert_allclose(radii[large] ** 2 / counts[large], 49 / counts.max())


@settings(max_examples=20)
@given(st.integers(MOST_ON_CURVE + 1, 5000), st.integers(0, 50))
def test_a_thinned_curve_keeps_ends_and_extremes(n, seed):
    values = np.random.default_rng(seed).normal(size=n)
    x, y = thinned(np.arange(n), values)
    assert len(x) <= MOST_ON_CURVE
    assert (x[0], x[-1]) == (0, n - 1)
    assert (np.diff(x) > 0).all()
    assert (y.min(), y.max()) == (values.min(), values.max())
    assert (y == values[x.astype(int)]).all()


def test_a_contour_by_hand():
    # Heights 0 and 1 left and right: the line at 1/4 stands at x = 0.25.
    mark = contours([0, 1], [0, 2], [[0, 1], [0, 1]], [0.25])
    assert mark.levels == (0.25,)
    assert sorted(zip(mark.x[0], mark.y[0], strict=True)) == [(0.25, 0.0), (0.25, 2.0)]


def test_a_ring_closes_and_has_its_radius():
    side = np.linspace(-2, 2, 81)
    x, y = np.meshgrid(side, side)
    mark = contours(side, side, x**2 + y**2, [1.0])
    assert len(mark) == 1
    assert (mark.x[0][0], mark.y[0][0]) == (mark.x[0][-1], mark.y[0][-1])
    np.testing.assert_allclose(np.hypot(mark.x[0], mark.y[0]), 1, atol=1e-3)


def test_saddles_are_told_apart_by_their_middle():
    low, high = [[1, 0], [0, 1]], [[1, 0.4], [0.4, 1]]
    for heights, level, above in ((low, 0.6, False), (high, 0.6, True)):
        mark = contours([0, 1], [0, 1], heights, [level])
        assert len(mark) == 2
        # Where the middle is above, lines cut off the low corners, else the high ones.
        near = {
            round(x) + 10 * round(y)
            for xs, ys in zip(mark.x, mark.y, strict=True)
            for x, y in [(np.mean(xs), np.mean(ys))]
        }
        assert near == ({1, 10} if above else {0, 11})


@settings(max_examples=30)
@given(st.integers(2, 8), st.integers(2, 8), st.integers(0, 200))
def test_contours_stand_where_the_height_is_the_level(rows, columns, seed):
    rng = np.random.default_rng(seed)
    heights = rng.normal(size=(rows, columns))
    mark = contours(np.arange(columns), np.arange(rows), heights, [0.1])
    for xs, ys in zip(mark.x, mark.y, strict=True):
        for x, y in zip(xs, ys, strict=True):
            i, j = int(y), int(x)
            assert x == j or y == i  # on a side of the grid
            other = heights[min(i + (y > i), rows - 1), min(j + (x > j), columns - 1)]
            share = (x - j) + (y - i)
            np.testing.assert_allclose(heights[i, j] + share * (other - heights[i, j]), 0.1, atol=1e-9)


def test_no_number_no_contour():
    assert len(contours([0, 1], [0, 1], [[0, np.nan], [1, 1]], [0.5])) == 0
    assert len(contours([0, 1], [0, 1], [[1, 1], [1, 1]])) == 0
