"""The switches of a dense layer in both engines: by hand, against each other, and over whole trainings."""

from dataclasses import replace

import numpy as np
import pytest
from agreement import TOLERANCE, Case, assert_steps_agree, both_runs

from chainrule.engines.base import Data, StepSettings
from chainrule.engines.cpu.engine import CpuEngine
from chainrule.engines.cpu.evaluate import CpuRowPredictor
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.engines.step import masks_of_step, take_step
from chainrule.equations.dense import Dense
from chainrule.equations.features import Features
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.training.initial import initial_parameters

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
    np.testing.assert_allclose(step.stages["decayed"], [2.94, 1.0], rtol=1e-15)
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


# ---- the learned mix, and the ntk parametrization


def test_mix_and_ntk_by_hand():
    # x = (2, 1), W1 = [[1, -1], [4, 0]], ntk over 2 inputs: z = (2 + 4, -2) / sqrt 2 + (0, sqrt 2)
    #   = (3 sqrt 2, 0) -> b1 = (0, -sqrt 2) instead gives z = (3 sqrt 2, -2 sqrt 2).
    # relu mixed by alpha = (1/2, 1/4): a1 = z1 (f = z), a2 = z2 + (0 - z2)/4 = -1.5 sqrt 2; slopes 1 and 3/4.
    # z = a1 · 2 + a2 · 4 = 6 sqrt 2 - 6 sqrt 2 = 0; y = -1: delta = 1, dC/da = (2, 4), delta1 = (2, 3).
    # dC/dalpha = da (f - z) = (0, 4 · 2 sqrt 2); dC/dW1 = x delta1 / sqrt 2 = [[4, 6], [2, 3]] / sqrt 2; db1 = (2, 3).
    r = np.sqrt(2.0)
    network = Network([2, Dense(2, "relu", mix=True, parametrization="ntk"), Dense(1)], "half_squared_error")
    p = {
        1: {
            "W": np.array([[1.0, -1.0], [4.0, 0.0]]),
            "b": np.array([0.0, -r]),
            "alpha": np.array([0.5, 0.25]),
        },
        2: {"W": np.array([[2.0], [4.0]]), "b": np.array([0.0])},
    }
    record = network.forward(p, np.array([[2.0, 1.0]]), np)
    np.testing.assert_allclose(record.layers[0].z, [[3 * r, -2 * r]], rtol=1e-15)
    np.testing.assert_allclose(record.layers[0].a, [[3 * r, -1.5 * r]], rtol=1e-15)
    made = network.backward(p, record, np.array([[-1.0]]), np)
    np.testing.assert_allclose(made.layers[0].delta, [[2.0, 3.0]], rtol=1e-14)
    np.testing.assert_allclose(made.parameters[1]["alpha"], [0.0, 8 * r], rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(made.parameters[1]["W"], np.array([[4, 6], [2, 3]]) / r, rtol=1e-14)
    np.testing.assert_allclose(made.parameters[1]["b"], [2.0, 3.0], rtol=1e-14)
    np.testing.assert_allclose(made.x, [[(2 - 3) / r, 8 / r]], rtol=1e-14)


@both
@pytest.mark.parametrize("name", ["relu", "mish", "selu"])
def test_mix_and_ntk_agree_in_both_engines(name, dtype):
    case = Case(activation=name, mix=True, parametrization="ntk", members=2, weighted=True)
    assert_steps_agree(case, dtype)
    assert_steps_agree(replace(case, dropout=0.4, optimizer="adam", clip_norm=0.1, frozen=("b",)), dtype)
    for wrong in (replace(case, parametrization="standard"), replace(case, rates={"b": 0.5})):
        with pytest.raises(AssertionError):
            assert_steps_agree(case, dtype, planted=wrong)


def test_the_mix_of_many_rows_and_threads_is_the_same():
    case = Case(
        hidden=(260, 250), inputs=40, mix=True, dropout=0.2, rows=700, batch_size=600, parametrization="ntk"
    )
    mine, judge = both_runs(case, np.float64)
    flat, data = case.arrays(np.float64)
    shared = CpuEngine(np.float64, 2).start(case.network, flat, data, case.settings)
    for run in (mine, judge, shared):
        run.train_epoch(0, np.array([0.05, 0.02]), [0])
    np.testing.assert_array_equal(mine.parameters, shared.parameters)
    np.testing.assert_allclose(mine.parameters, judge.parameters, rtol=0, atol=TOLERANCE[np.float64])
    assert (mine.parameters[0, Layout(case.network).slot(1, "alpha").start] != flat[0]).any()


@both
def test_predictions_mix_and_scale_too(dtype):
    case = Case(mix=True, parametrization="ntk", members=3, activation="tanh")
    flat, data = case.arrays(dtype)
    want = ReferenceEngine().predict(case.network, flat, data.x)
    got = CpuEngine(dtype, 1).predict(case.network, flat, data.x)
    near = {"rtol": 0, "atol": TOLERANCE[dtype]}
    np.testing.assert_allclose(got, want, **near)
    one = CpuRowPredictor(case.network, flat.astype(dtype), dtype)
    np.testing.assert_allclose(one(data.x[3].astype(dtype)), want[:, 3].mean(axis=0), **near)
    mine, judge = both_runs(case, dtype)
    np.testing.assert_allclose(mine.losses(data.train), judge.losses(data.train), **near)


def test_alpha_of_1_is_the_activation_itself_and_of_0_none():
    network, plain = (Network([3, Dense(4, "tanh", mix=mix), Dense(2)]) for mix in (True, False))
    draws = np.random.default_rng(0)
    p = {
        number: {name: draws.normal(size=shape) for name, shape in layer.items()}
        for number, layer in network.shapes().items()
    }
    x = draws.normal(size=(5, 3))
    p[1]["alpha"][:] = 1
    np.testing.assert_allclose(network.forward(p, x, np).a, plain.forward(p, x, np).a, rtol=0, atol=1e-15)
    p[1]["alpha"][:] = 0
    z = x @ p[1]["W"] + p[1]["b"]
    np.testing.assert_allclose(network.forward(p, x, np).layers[0].a, z, rtol=0, atol=1e-15)


def test_mix_and_parametrization_are_refused_where_they_mean_nothing():
    with pytest.raises(SettingsError, match="the output layer can't have a mix"):
        Network([2, Dense(2, "relu", mix=True)])
    with pytest.raises(SettingsError, match="softmax is no function of one z"):
        Dense(2, "softmax", mix=True)
    with pytest.raises(SettingsError, match="mix 'yes' must be True or False"):
        Dense(2, mix="yes")
    with pytest.raises(SettingsError, match="parametrization 'mup' is unknown: choose standard, ntk"):
        Dense(2, parametrization="mup")
    network = Network([1, Dense(2, "relu", mix=True, parametrization="ntk"), Dense(1)])
    assert Network.from_dict(network.to_dict()) == network
    assert set(Dense(1).to_dict()) & {"mix", "parametrization", "rates"} == set()


# ---- the strength of regularization


@both
def test_strength_multiplies_dropout_and_weight_decay_in_both_engines(dtype):
    case = Case(
        dropout=0.4,
        weight_decay=0.3,
        members=2,
        clip_norm=0.5,
        optimizer="adam",
        mix=True,
        batch_size=4,
        rate=0.01,
    )
    mine, judge = both_runs(case, dtype)
    for epoch, strength in enumerate((1.0, 0.5, 0.0)):
        got, want = (run.train_epoch(epoch, np.full(2, 0.01), [0, 1], strength) for run in (mine, judge))
        atol = 50 * TOLERANCE[dtype]
        np.testing.assert_allclose(mine.parameters, judge.parameters, rtol=0, atol=atol)
        np.testing.assert_allclose(got.losses, want.losses, rtol=0, atol=atol)
    full = both_runs(case, dtype)[0]
    for epoch in range(3):
        full.train_epoch(epoch, np.full(2, 0.01), [0, 1])
    assert np.abs(full.parameters - mine.parameters).max() > 20 * atol


def test_strength_by_hand():
    # w = 3, x = 2, y = 1 without a bias: delta = 5, dC/dw = 10; decay .5 at strength .2, eta .1: 3 (1 - .01) - 1
    network = Network([1, Dense(1, bias="none")], "half_squared_error")
    settings = StepSettings(optimizer("sgd"), 1, weight_decay=0.5)
    state = settings.optimizer.init(np.array([3.0]), np)
    x, y = np.array([[2.0]]), np.array([[1.0]])
    step = take_step(Layout(network), np.array([3.0]), state, x, y, settings, 0.1, strength=0.2)
    np.testing.assert_allclose(step.parameters, [1.97], rtol=1e-14)
    dropping = Network([1, Dense(1000, dropout=0.5), Dense(1)])
    mask = masks_of_step(dropping, 10, 0, 0, 0, 0.2)[0]
    assert set(np.unique(mask)) == {0.0, 1 / 0.9}
    assert abs((mask == 0).mean() - 0.1) < 0.02
    full = masks_of_step(dropping, 10, 0, 0, 0)[0]
    assert (full[mask == 0] == 0).all()  # the same draws: who is dropped at a low strength is at a high one
    assert masks_of_step(dropping, 10, 0, 0, 0, 0.0) is None


# ---- the linear path


@both
@pytest.mark.parametrize(
    "change",
    [
        {"loss": "categorical_cross_entropy", "dropout": 0.3, "members": 2},
        {"weighted": True, "weight_decay": 0.1, "rates": {"W": 0.5}, "optimizer": "adam"},
        {"bias": "none", "clip_norm": 0.05, "reduction": "sum"},
    ],
    ids=["softmax", "weighted", "clipped"],
)
def test_the_linear_path_agrees_in_both_engines(change, dtype):
    case = Case(linear_path=True, **change)
    assert_steps_agree(case, dtype)
    with pytest.raises((AssertionError, ValueError)):
        assert_steps_agree(case, dtype, planted=replace(case, linear_path=False))


@pytest.mark.parametrize("stage", [None, Features([("number", 1), ("plain", 2), ("category", 4)])])
@pytest.mark.parametrize("sharing", ["none", "tabm"])
def test_trainings_with_a_linear_path_agree_over_blocks_threads_and_members(stage, sharing, rng):
    network = Network([7, Dense(5, "tanh"), Dense(2, linear_path=True)], features=stage)
    x, y = rng.normal(size=(700, 7)), rng.normal(size=(700, 2))
    start = initial_parameters(network, 2, 0, sharing=sharing)
    start = start + 0.1 * rng.normal(size=start.shape)
    settings = StepSettings(optimizer("adam"), 300, weight_decay=0.01, seed=1, sharing=sharing)
    data = Data(x, y, np.arange(600), np.arange(600, 700))
    runs = [
        engine.start(network, start, data, settings)
        for engine in (CpuEngine(np.float64, 2), ReferenceEngine())
    ]
    for run in runs:
        for epoch in range(3):
            run.train_epoch(epoch, np.full(2, 0.01), [0, 1])
    mine, judge = runs
    rows = np.arange(700)
    for of in ("outputs", "losses"):
        np.testing.assert_allclose(getattr(mine, of)(rows), getattr(judge, of)(rows), rtol=1e-11)
    row = CpuRowPredictor(network, mine.parameters, np.float64)
    np.testing.assert_allclose(row(x[5]), judge.outputs(rows[5:6]).mean(axis=0)[0], rtol=1e-11)
