"""Where numbers run out of their range, and where threads do: the cpu engine beside reference."""

import threading

import numpy as np
import pytest

from chainrule.engines import engine_named
from chainrule.engines.base import Data, StepSettings
from chainrule.engines.cpu.engine import CpuEngine
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.engines.threads import _pool, limited_threads, on_threads, thread_count
from chainrule.equations.dense import Dense
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.training.settings.record import Problem, Settings
from chainrule.training.settings.resolve import resolve


def train(engine, network, parameters, x, rate, clip_norm=None):
    n = len(x)
    data = Data(x, np.ones((n, 1)), np.arange(n), np.arange(0))
    settings = StepSettings(optimizer("sgd"), 1, clip_norm=clip_norm, shuffle=False)
    run = engine.start(network, np.array([parameters]), data, settings)
    return run.train_epoch(0, np.full(n, rate), (0,)), np.array(run.parameters)


def test_an_update_that_overflows_is_noticed_though_the_next_cost_would_be_finite():
    # tanh(inf) = 1: weights of inf behind a bounded activation make finite costs for ever.
    network = Network([1, Dense(1, "tanh"), Dense(1, frozen=("W", "b"))])
    x = np.linspace(0.1, 0.8, 8)[:, None]
    parameters = [0.1, 0.1, 1000.0, 0.0]
    want, _ = train(ReferenceEngine(), network, parameters, x, 1e306)
    got, _ = train(CpuEngine(np.float64, 1), network, parameters, x, 1e306)
    assert want.diverged[0].step == 1
    assert want.diverged[0].layer == 1
    assert got.diverged[0]._replace(largest_gradient=0) == want.diverged[0]._replace(largest_gradient=0)
    assert got.diverged[0].largest_gradient == pytest.approx(want.diverged[0].largest_gradient, rel=1e-12)
    assert np.isfinite(got.diverged[0].largest_gradient)


@pytest.mark.parametrize("scale", [1e100, 1e-100])
def test_clipping_works_where_squares_leave_the_range_of_float64(scale):
    # z = w x + b, cost (z - 1)²/2, so g = (z - 1)(x, 1). For x = 1e100, w = 1, b = 0 the step along g / |g| is
    # rate · limit, all of it in w; for x = 1e-100, w = 1e100, b = 1e-60 the gradient is about (1e-160, 1e-60).
    network = Network([1, Dense(1)])
    parameters, limit = ([1.0, 0.0], 1.0) if scale > 1 else ([1e100, 1e-60], 1e-62)
    for engine in (ReferenceEngine(), CpuEngine(np.float64, 1)):
        report, after = train(engine, network, parameters, np.array([[scale]]), 0.5, clip_norm=limit)
        assert not report.diverged
        moved = 0 if scale > 1 else 1
        assert parameters[moved] - after[0, moved] == pytest.approx(0.5 * limit, rel=1e-10)


def test_the_number_of_threads_is_respected_where_it_is_not_said_again(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert thread_count() == 3
    with limited_threads(2):
        assert thread_count() == 2
        assert thread_count(5) == 5
        with limited_threads(None):
            assert CpuEngine().threads == 2
    assert thread_count() == 3
    with (
        pytest.raises(SettingsError, match="threads 0 must be a whole number, at least 1"),
        limited_threads(0),
    ):
        pass


def test_threads_that_can_not_be_started_are_an_error_and_not_a_hang(monkeypatch):
    started = []
    start = threading.Thread.start

    def only_one(thread):
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", only_one)
    _pool.cache_clear()
    worked = []
    with pytest.raises(SettingsError, match="doesn't start 2 more threads: choose fewer with threads"):
        on_threads(3, worked.append)
    monkeypatch.undo()
    assert worked == []
    on_threads(3, worked.append)
    assert sorted(worked) == [0, 1, 2]


def test_settings_that_would_have_no_effect_are_refused():
    with pytest.raises(SettingsError, match="the reference engine works on one thread"):
        engine_named("reference", threads=2)
    chosen = Settings(hidden=(4,), activation=("relu", "sigmoid"), output_activation="tanh")
    with pytest.raises(SettingsError, match="is sigmoid by activation, but tanh by output_activation"):
        resolve(chosen, Problem("regression", 100, 3))


def test_rows_of_other_members_are_refused_before_compiled_code_reads_them():
    network = Network([1, Dense(1)])
    data = Data(np.ones((4, 1)), np.ones((4, 1)), np.arange(4), np.arange(0))
    run = CpuEngine(np.float64, 1).start(network, np.ones((3, 2)), data, StepSettings())
    for rows in (np.zeros((2, 3), np.int64), np.zeros((4, 1), np.int64)):
        for look in (run.losses, run.outputs, run.weighted_sums):
            with pytest.raises(SettingsError, match=f"rows of {len(rows)} members don't fit 3"):
                look(rows)
    assert run.losses(np.zeros((3, 2), np.int64)).shape == run.losses(np.arange(2)).shape == (3,)
