"""Trainings of members that share: cpu against reference, threads, going on, and what ends all of them."""

from dataclasses import replace

import numpy as np
import pytest
from agreement import STEPPING, Case
from numba.core.runtime import _nrt_python as runtime
from numba.core.runtime import rtsys

from chainrule.engines.base import Data, RunState, StepSettings
from chainrule.engines.cpu.engine import CpuEngine
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.engines.step import batches, masks_of_step
from chainrule.equations.dense import Dense
from chainrule.equations.features import Features
from chainrule.equations.layout import Layout, TabMLayout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.training.initial import initial_parameters

CASE = Case(
    hidden=(7, 5),
    optimizer="adam",
    loss="categorical_cross_entropy",
    dropout=0.3,
    members=3,
    rows=30,
    batch_size=8,
    weight_decay=0.1,
    clip_norm=0.2,
    l1=0.003,
    l2=0.02,
    weighted=True,
)
RATES = np.linspace(0.03, 0.01, 4)
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}


def start(engine, case=CASE, resume=None):
    """A training of the case's members, whose scalings and shared weights are numbers that float32 holds."""
    layout = TabMLayout(case.network, case.members)
    draws = np.random.default_rng(case.seed)
    theta = draws.normal(scale=0.5, size=layout.size)
    for slot in layout.slots:
        if slot.name in ("r", "s"):
            theta[slot.start : slot.stop] += 1
    theta = theta.astype(np.float32).astype(np.float64)[None]
    data = case.arrays(np.float32)[1]
    settings = replace(case.settings, sharing="tabm")
    return engine.start(case.network, theta if resume is None else theta * 7, data, settings, resume)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=["float64", "float32"])
@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"weighted": False, "reduction": "sum", "clip_norm": None, "bias": "layer", "optimizer": "momentum"},
        {"loss": "half_squared_error", "bias": "none", "hidden": (4,), "shuffle": False, "members": 2},
        {"l1": 0.0, "l2": 0.0, "weight_decay": 0.0, "clip_norm": 100.0, "members": 5, "dropout": 0.0},
    ],
    ids=["everything", "sum, one bias a layer", "no bias, one hidden layer", "plain"],
)
def test_the_engines_agree_over_several_epochs(dtype, changed):
    case = replace(CASE, **changed)
    mine, judge = start(CpuEngine(dtype, 1), case), start(ReferenceEngine(), case)
    for epoch in range(3):
        got = mine.train_epoch(epoch, RATES, range(case.members))
        want = judge.train_epoch(epoch, RATES, range(case.members))
        np.testing.assert_allclose(got.losses, want.losses, rtol=10 * TOLERANCE[dtype])
    assert mine.parameters.dtype == dtype
    for a, b in ((mine.parameters, judge.parameters), (mine.updated, judge.updated)):
        np.testing.assert_allclose(a, b, rtol=0, atol=TOLERANCE[dtype] * np.abs(b).max())
    assert not np.allclose(mine.updated, start(ReferenceEngine(), case).updated, atol=1e-3)
    rows = mine.train[0, :9]
    np.testing.assert_allclose(mine.outputs(rows), judge.outputs(rows), rtol=10 * TOLERANCE[dtype], atol=1e-6)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=["float64", "float32"])
@pytest.mark.parametrize("own_rows", [False, True], ids=["the same rows", "own rows"])
def test_the_engines_agree_with_a_stage_a_mix_rate_factors_ntk_and_less_strength(dtype, own_rows):
    stage = Features([("plain", 1), ("number", 1), ("category", 3)], scale=True, std=0.5)
    how = {"parametrization": "ntk", "rates": {"W": 0.5, "b": 3.0}}
    hidden = [Dense(n, "selu", dropout=0.3, mix=True, **how) for n in (6, 4)]
    network = Network([5, *hidden, Dense(2, **how)], features=stage)
    layout = TabMLayout(network, 3)
    draws = np.random.default_rng(5)
    x, y = draws.normal(size=(30, 5)), draws.normal(size=(30, 2))
    train = np.stack([draws.permutation(30)[:21] for _ in range(3)]) if own_rows else np.arange(21)
    theta = initial_parameters(network, 3, 4, sharing="tabm") + draws.normal(scale=0.1, size=(1, layout.size))
    theta, x, y = (array.astype(np.float32).astype(np.float64) for array in (theta, x, y))
    settings = StepSettings(
        optimizer("momentum"), 8, l2=0.01, weight_decay=0.3, clip_norm=3.0, sharing="tabm"
    )
    data = Data(x, y, train, np.arange(21, 30))
    runs = [
        engine.start(network, theta, data, settings) for engine in (CpuEngine(dtype, 2), ReferenceEngine())
    ]
    for epoch, strength in enumerate((1.0, 0.4, 0.0)):
        got, want = (run.train_epoch(epoch, RATES[:3], range(3), strength) for run in runs)
        np.testing.assert_allclose(got.losses, want.losses, rtol=10 * TOLERANCE[dtype])
    mine, judge = (run.updated for run in runs)
    np.testing.assert_allclose(mine, judge, rtol=0, atol=TOLERANCE[dtype] * np.abs(judge).max())
    # A stage is the same for all members, and moves by its own factors of the rate.
    for slot in runs[0].layout.slots:
        if slot.layer == 0:
            of_members = runs[0].parameters[:, slot.start : slot.stop]
            assert (of_members == of_members[0]).all()
            assert not np.allclose(
                layout.unflatten(mine)[0][slot.name], layout.unflatten(theta)[0][slot.name]
            )


def test_rate_factors_and_strength_by_hand():
    """One step of SGD: b moves by three times the rate, r and s by the rate; the decay of W is the strength's share."""
    network = Network([1, Dense(1, rates={"b": 3.0, "W": 0.5}), Dense(1)])
    data = Data(np.array([[2.0]]), np.array([[0.0]]), np.array([0]), np.array([], int))
    settings = StepSettings(optimizer("sgd"), 1, weight_decay=0.4, sharing="tabm")
    layout = TabMLayout(network, 2)
    theta = np.zeros((1, layout.size))
    for part, value in zip(
        layout.unflatten(theta[0]).values(), ({"W": 1, "r": 1, "s": 1, "b": 0}, {"W": 1, "b": 0}), strict=True
    ):
        for name, number in value.items():
            part[name][:] = number
    # Each member: h = 2, a = 2, cost a^2/2 = 2, delta 2; of the mean: dC/dW[1] = 2 · 2, dC/dr = dC/ds = 2, dC/db[1] = 1.
    for engine in (CpuEngine(np.float64, 1), ReferenceEngine()):
        run = engine.start(network, theta, data, settings)
        run.train_epoch(0, np.array([0.1]), [0, 1], 0.5)
        hidden, last = layout.unflatten(run.updated[0]).values()
        # W: 1 - (0.1 · 0.5) · 0.5 · 0.4 of decay, then - 0.05 · 4; the last layer's: 1 - 0.1 · 0.2, then - 0.1 · 2.
        np.testing.assert_allclose(hidden["W"], 0.79, rtol=1e-12)
        np.testing.assert_allclose(hidden["r"], 0.8, rtol=1e-12)
        np.testing.assert_allclose(hidden["s"], 0.8, rtol=1e-12)
        np.testing.assert_allclose(hidden["b"], -0.3, rtol=1e-12)
        np.testing.assert_allclose(last["W"], 0.78, rtol=1e-12)


@pytest.mark.parametrize("name", STEPPING)
def test_every_optimizer_agrees(name):
    case = replace(CASE, optimizer=name)
    mine, judge = start(CpuEngine(np.float64, 1), case), start(ReferenceEngine(), case)
    for run in (mine, judge):
        run.train_epoch(0, RATES, range(3))
    np.testing.assert_allclose(mine.updated, judge.updated, rtol=1e-10, atol=1e-12)


def test_a_step_is_one_update_by_the_gradient_of_the_members_mean_cost():
    """The first step again: each member's own batch and masks, and central differences of the mean of their costs."""
    case = replace(CASE, hidden=(3, 2), members=2, optimizer="sgd", clip_norm=None)
    run = start(ReferenceEngine(), case)
    theta, data, layout = run.updated[0].copy(), run.data, run.made_of.layout
    network = case.network
    rows = [batches(run.data, run.settings, 0, member)[0] for member in range(2)]
    masks = [masks_of_step(network, 8, case.seed, 0, member) for member in range(2)]
    assert rows[0].tolist() != rows[1].tolist()

    def cost(theta):
        costs = []
        for member, p in enumerate(layout.expand(theta)):
            record = network.forward(Layout(network).unflatten(p), data.x[rows[member]], np, masks[member])
            costs.append(network.cost(record, data.y[rows[member]], np, data.weights[rows[member]]))
        return np.mean(costs)

    gradient = np.array([(cost(theta + h) - cost(theta - h)) / 2e-5 for h in 1e-5 * np.eye(layout.size)])
    decays = layout.decayed
    want = theta - 0.5 * (0.1 * decays * theta + gradient + decays * (0.003 * np.sign(theta) + 0.02 * theta))
    run.train_epoch(0, np.array([0.5]), [0, 1])
    np.testing.assert_allclose(run.updated[0], want, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("members", [2, 3])
def test_the_same_bits_for_any_number_of_threads(members):
    # Large enough that the shared weights are several slices, and a step is worth several threads.
    case = replace(CASE, hidden=(90, 60), inputs=20, members=members, rows=200, batch_size=64)
    runs = [start(CpuEngine(np.float32, threads), case) for threads in (1, 2, 4)]
    assert len(runs[0].slices) > 8
    assert [run._threads_of_all() for run in runs] == [1, 2, min(4, members)]
    for run in runs:
        for epoch in range(2):
            run.train_epoch(epoch, RATES, range(members))
    for run in runs[1:]:
        assert run.updated.tobytes() == runs[0].updated.tobytes()
        assert run.parameters.tobytes() == runs[0].parameters.tobytes()


@pytest.mark.parametrize("engine", [CpuEngine(np.float32, 2), ReferenceEngine()], ids=["cpu", "reference"])
def test_going_on_gives_the_same_bits_as_not_stopping(engine):
    whole, first = start(engine), start(engine)
    for epoch in range(3):
        whole.train_epoch(epoch, RATES, [0, 1, 2])
    first.train_epoch(0, RATES, [0, 1, 2])
    state = first.state()
    assert state.parameters.shape == (1, first.made_of.layout.size)
    assert state.steps.tolist() == [4]
    second = start(engine, resume=state)
    assert second.parameters.tobytes() == first.parameters.tobytes()
    for epoch in (1, 2):
        second.train_epoch(epoch, RATES, [0, 1, 2])
    assert second.parameters.tobytes() == whole.parameters.tobytes()
    for name, array in whole.state().arrays.items():
        assert second.state().arrays[name].tobytes() == array.tobytes()
    with pytest.raises(SettingsError, match="the state has m, but adam goes on from m, v"):
        start(engine, resume=RunState(state.parameters, {"m": state.arrays["m"]}, state.steps))


def test_fewer_rates_make_fewer_steps_and_members_go_together():
    for engine in (CpuEngine(np.float64, 1), ReferenceEngine()):
        run = start(engine)
        run.train_epoch(0, RATES[:2], [0, 1, 2])
        assert run.state().steps.tolist() == [2]
        with pytest.raises(SettingsError, match="members that share go together: all 3 or none"):
            run.train_epoch(1, RATES, [0, 2])
        with pytest.raises(SettingsError, match="5 learning rates don't fit an epoch of 4 steps"):
            run.train_epoch(1, np.ones(5), [0, 1, 2])
        assert np.isnan(run.train_epoch(1, RATES, []).losses).all()


def test_no_memory_is_asked_for_in_the_loop():
    """Numba counts what compiled code allocates; eight times as many steps allocate no more."""
    asked = {}
    runtime.memsys_enable_stats()
    try:
        for batch in (64, 8):
            run = start(CpuEngine(np.float32, 1), replace(CASE, rows=64, batch_size=batch))
            rates = np.full(run.steps_per_epoch, 0.01)
            run.train_epoch(0, rates, [0, 1, 2])
            before = rtsys.get_allocation_stats()
            run.train_epoch(1, rates, [0, 1, 2])
            asked[len(rates)] = rtsys.get_allocation_stats().alloc - before.alloc
    finally:
        runtime.memsys_disable_stats()
    assert asked[8] <= asked[1]


@pytest.mark.parametrize("kind", ["cost", "update"])
def test_a_step_that_is_not_finite_ends_all_members(kind):
    """A target of 1e200, whose square float64 doesn't have, or a rate of 1e308: in both engines the same is said."""
    case = replace(CASE, loss="half_squared_error", optimizer="sgd", clip_norm=None, weighted=False, l1=0.0)
    found = []
    for engine in (CpuEngine(np.float64, 1), ReferenceEngine()):
        run = start(engine, case)
        rates = RATES.copy()
        if kind == "update":
            rates[2] = 1e308
        else:
            data = case.arrays(np.float32)[1]
            data.y[data.train[0]] = 1e200
            run = engine.start(case.network, run.updated, data, replace(case.settings, sharing="tabm"))
        report = run.train_epoch(0, rates, [0, 1, 2])
        assert set(report.diverged) == {0, 1, 2}
        assert np.isnan(report.losses).all()
        assert len(set(report.diverged.values())) == 1
        found.append(report.diverged[0])
    mine, judge = found
    assert (mine.step, mine.layer, mine.learning_rate) == (judge.step, judge.layer, judge.learning_rate)
    assert mine.largest_gradient == pytest.approx(judge.largest_gradient, rel=1e-9)
