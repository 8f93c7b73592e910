"""The switches of a dense layer in both engines: by hand, against each other, and over whole trainings."""

from dataclasses import replace

import numpy as np
import pytest
from agreement import TOLERANCE, Case, assert_steps_agree, both_runs

from chainrule.engines.base import Layout, StepSettings
from chainrule.engines.cpu import CpuEngine
from chainrule.engines.reference import take_step
from chainrule.equations.network import Dense, Network
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError

DTYPES = [np.float64, np.float32]
both = pytest.mark.parametrize("dtype", DTYPES, ids=["float64", "float32"])


# ---- factors of the learning rate


def test_a_factor_multiplies_the_learning_rate_of_update_and_decay_by_hand():
    # w = 3, b = 1, x = 2, y = 1: z = 7, delta = 6, dC/dw = 12, dC/db = 6; eta .1, factors .5 and 2, decay .4.
    network = Network([1, Dense(1, rates={"W": 0.5, "b": 2})], "half_squared_error")
    settings = StepSettings(optimizer("sgd"), 1, weight_decay=0.4)
    layout = Layout(network)
    np.testing.assert_array_equal(layout.rates, [0.5, 2.0])
    flat = np.array([3.0, 1.0])
    state = settings.optimizer.init(flat, np)
    step = take_step(layout, flat, state, np.array([[2.0]]), np.array([[1.0]]), settings, 0.1)
    # 3 - .05 · .4 · 3 = 2.94, then - .05 · 12; 1 - .2 · 6
    np.testing.assert_allclose(step.shrunk, [2.94, 1.0], rtol=1e-15)
    np.testing.assert_allclose(step.parameters, [2.34, -0.2], rtol=1e-14)


@both
@pytest.mark.parametrize("name", ["sgd", "nesterov", "adam"])
def test_factors_agree_in_both_engines(name, dtype):
    case = Case(
        optimizer=name, rates={"W": 0.5, "b": 3.0}, weight_decay=0.1, l2=0.1, clip_norm=0.05, members=2
    )
    assert_steps_agree(case, dtype)
    assert_steps_agree(replace(case, frozen=("W[1,1]",), dropout=0.3), dtype)
    with pytest.raises(AssertionError):
        assert_steps_agree(case, dtype, planted=replace(case, rates={"b": 3.0}))


def test_factors_hold_in_every_slice_and_thread():
    # 300 · 400 weights: several slices of each array, and two threads.
    case = Case(hidden=(400,), inputs=300, rows=96, batch_size=48, rates={"b": 0.1})
    mine, judge = both_runs(case, np.float64)
    flat, data = case.arrays(np.float64)
    shared = CpuEngine(np.float64, 2).start(case.network, flat, data, case.settings)
    for run in (mine, judge, shared):
        run.train_epoch(0, np.array([0.05, 0.02]), [0])
    assert len(shared.slices) > 5
    np.testing.assert_array_equal(mine.parameters, shared.parameters)
    np.testing.assert_allclose(mine.parameters, judge.parameters, rtol=0, atol=TOLERANCE[np.float64])


def test_factors_are_refused_where_they_mean_nothing():
    with pytest.raises(SettingsError, match="no parameter 'c'; the layer has W, b"):
        Dense(2, rates={"c": 1.0})
    with pytest.raises(SettingsError, match="no parameter 'b'; the layer has W"):
        Dense(2, bias="none", rates={"b": 1.0})
    for factor in (0, -1.0, float("nan"), float("inf"), True, "x"):
        with pytest.raises(SettingsError, match="must be a number above 0"):
            Dense(2, rates={"b": factor})
    assert Dense(2, rates={"b": 1}) == Dense(2)
    network = Network([1, Dense(2, rates={"b": 0.5, "W": 2})])
    assert Network.from_dict(network.to_dict()) == network
    assert hash(network) == hash(Network.from_dict(network.to_dict()))
