"""Axes: a share of the side and back, and axes that fit what is drawn."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import SettingsError
from chainrule.plots.axes import Axis, fitted, names_axis


@given(
    st.sampled_from(["linear", "log", "symlog"]),
    st.floats(0.01, 1e3),
    st.floats(1.01, 1e3),
    st.floats(0, 1),
    st.booleans(),
)
def test_a_share_and_back(scale, low, factor, share, turned):
    ends = (low, low * factor)
    axis = Axis(*(ends[::-1] if turned else ends), scale=scale, threshold=0.5)
    value = float(axis.value(share))
    assert min(ends) * (1 - 1e-9) <= value <= max(ends) * (1 + 1e-9)
    assert float(axis.share(value)) == pytest.approx(share, abs=1e-7)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=5, unique=True))
def test_shares_keep_the_order(values):
    values = sorted(values)
    for axis in (Axis(-1e6, 1e6), Axis(-1e6, 1e6, scale="symlog", threshold=0.01)):
        assert (np.diff(axis.share(values)) >= 0).all()


def test_a_symlog_axis_by_hand():
    axis = Axis(-(math.e**2 - 1), math.e**2 - 1, scale="symlog")
    assert axis.share([-(math.e - 1), 0, math.e - 1, math.e**2 - 1]).tolist() == pytest.approx(
        [0.25, 0.5, 0.75, 1]
    )


def test_a_logarithmic_axis_has_no_place_for_what_is_not_positive():
    assert np.isnan(Axis(1, 10, scale="log").share([0.0, -1.0])).all()


def test_a_fitted_axis_leaves_room_but_not_beyond_zero():
    assert (fitted([[0, 10]], pad=0.1).low, fitted([[0, 10]], pad=0.1).high) == (-1, 11)
    assert (fitted([[5, 10]], zero=True, pad=0.1).low, fitted([[5, 10]], zero=True, pad=0.1).high) == (0, 11)
    assert fitted([[1, 100]], scale="log", pad=0.5).high == pytest.approx(1000)
    assert fitted([[0, 1]], pad=0.1, within=(0, 1)) == Axis(0, 1)


@pytest.mark.parametrize("values", [[], [math.nan], [3.0], [0.0, 0.0], [math.inf, 2.0], [1e300, -1e300]])
def test_any_numbers_have_an_axis(values):
    axis = fitted([values])
    assert axis.low < axis.high
    assert fitted([values], scale="log").low > 0


def test_names_stand_at_their_index():
    axis = names_axis(["a", "b", "c", "d"])
    assert axis.share([0, 3]).tolist() == [0.125, 0.875]
    assert names_axis(["a", "b", "c", "d"], down=True).share([0, 3]).tolist() == [0.875, 0.125]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"low": 1, "high": 1}, "no range"),
        ({"low": 0, "high": math.inf}, "no range"),
        ({"low": 0, "high": 1, "scale": "log"}, "positive ends"),
        ({"low": 0, "high": 1, "scale": "symlog", "threshold": 0.0}, "positive number"),
        ({"low": 0, "high": 1, "ticks": (0.0,), "texts": ("a", "b")}, "1 ticks have 2 texts"),
    ],
)
def test_what_is_no_axis_is_refused(fields, word):
    with pytest.raises(SettingsError, match=word):
        Axis(**fields)
