"""Intervals of scores, against SciPy and theory."""

import numpy as np
import pytest
from scipy.stats import binomtest

from chainrule.reports.intervals import UNKNOWN, bootstrap, wilson


@pytest.mark.parametrize(("right", "n"), [(0, 7), (3, 7), (69, 69), (199_000, 200_000), (1, 2)])
def test_wilson_is_scipys(right, n):
    found, expected = wilson(right / n, n), binomtest(right, n).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= found.low <= right / n <= found.high <= 1


def test_the_bootstrap_of_a_mean_is_what_theory_says():
    values = np.random.default_rng(3).normal(5, 2, 1000)
    found = bootstrap(lambda rows: float(values[rows].mean()), len(values), float(values.mean()), 0)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.2)
    assert found.method == "bootstrap, 200 resamples, seed 0"
    assert found == bootstrap(lambda rows: float(values[rows].mean()), len(values), float(values.mean()), 0)


def test_of_many_rows_the_spread_is_brought_to_all_of_them():
    values = np.random.default_rng(4).normal(5, 2, 100_000)
    found = bootstrap(lambda rows: float(values[rows].mean()), len(values), float(values.mean()), 0)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.2)
    assert found.low < values.mean() < found.high
    assert "of 20,000 rows, brought to all 100,000" in found.method


def test_where_nothing_varies_or_is_known_there_is_no_interval():
    assert not bootstrap(lambda rows: 1.0, 50, 1.0, 0).is_known
    assert bootstrap(lambda rows: float("nan"), 50, 1.0, 0) is UNKNOWN
    assert bootstrap(lambda rows: 1.0, 1, 1.0, 0) is UNKNOWN
    assert wilson(1.0, 0) is UNKNOWN
