"""The reference engine: every part of a step by hand, whole epochs, members, and divergence."""

from dataclasses import replace

import numpy as np
import pytest

from chainrule._random import dropout_uniforms, row_order
from chainrule.engines import engine_named
from chainrule.engines.base import Data, StepSettings
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.engines.step import batches, masks_of_step, take_step
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.losses import loss
from chainrule.equations.network import Network
from chainrule.equations.optimizers import OPTIMIZERS, optimizer
from chainrule.errors import SettingsError

SGD = StepSettings(optimizer("sgd"), batch_size=2, shuffle=False)
# One neuron, z = w x + b, half squared error: with x = 2, y = 1, w = 3, b = 1: z = 7, delta = 6, dw = 12, db = 6.
NEURON = Network([1, Dense(1)], "half_squared_error")
X, Y, FLAT = np.array([[2.0]]), np.array([[1.0]]), np.array([3.0, 1.0])


def one_step(settings, network=NEURON, flat=FLAT, eta=0.1, x=X, y=Y, **more):
    return take_step(Layout(network), flat, settings.optimizer.init(flat, np), x, y, settings, eta, **more)


def test_a_plain_step_of_hand():
    step = one_step(SGD)
    assert step.gradients.cost == 18.0
    np.testing.assert_array_equal(step.raw, [12.0, 6.0])
    np.testing.assert_array_equal(step.stages["g"], [12.0, 6.0])
    np.testing.assert_allclose(step.parameters, [1.8, 0.4], rtol=1e-15)


def test_penalties_touch_the_weight_alone():
    # l1 = 2 adds 2 sign(3), l2 = 4 adds 4 · 3 to the weight's 12
    step = one_step(replace(SGD, l1=2.0, l2=4.0))
    np.testing.assert_array_equal(step.raw, [12.0, 6.0])
    np.testing.assert_array_equal(step.stages["g"], [26.0, 6.0])
    np.testing.assert_allclose(step.parameters, [0.4, 0.4], rtol=1e-14)


def test_decay_shrinks_the_weight_before_the_update():
    # eta .1, decay .5: 3 -> 2.85, then - 1.2
    step = one_step(replace(SGD, weight_decay=0.5))
    np.testing.assert_allclose(step.stages["decayed"], [2.85, 1.0], rtol=1e-15)
    np.testing.assert_allclose(step.parameters, [1.65, 0.4], rtol=1e-14)


def test_clipping_comes_after_the_penalties():
    # (12, 6) and an l2 of 4: (24, 6), shortened to norm 1
    step = one_step(replace(SGD, l2=4.0, clip_norm=1.0))
    np.testing.assert_allclose(step.stages["g"], np.array([24.0, 6.0]) / np.hypot(24, 6), rtol=1e-15)
    long = one_step(replace(SGD, clip_norm=100.0))
    np.testing.assert_array_equal(long.stages["g"], [12.0, 6.0])


@pytest.mark.parametrize("name", [name for name, record in OPTIMIZERS.items() if record.lines])
@pytest.mark.parametrize("frozen", [["W"], ["b"], ["W", "b"], ["W[1,1]"], ["b[1]"]])
def test_what_is_frozen_does_not_move_by_anything(name, frozen):
    network = Network([1, Dense(1, frozen=frozen)], "half_squared_error")
    settings = StepSettings(optimizer(name), 1, l1=0.5, l2=0.5, weight_decay=0.5, clip_norm=3.0)
    free = Layout(network).free
    state = settings.optimizer.init(FLAT, np)
    flat = FLAT
    for _ in range(3):
        step = take_step(Layout(network), flat, state, X, Y, settings, 0.1)
        flat, state = step.parameters, step.state
    assert ((flat == FLAT) == (free == 0)).all()
    assert (step.stages["decayed"][free == 0] == FLAT[free == 0]).all()
    # Frozen parameters don't use up the length that clipping leaves.
    length = np.linalg.norm(step.stages["g"])
    assert length <= 3.0 + 1e-12
    assert (step.stages["g"][free == 0] == 0).all()


def test_adamw_decays_beside_the_gradient_and_l2_through_it():
    adam = StepSettings(optimizer("adam"), 1)
    decayed = one_step(replace(adam, weight_decay=0.5))
    # Adam's first step is eta sign(g) (up to epsilon): 3 (1 - .05) - .1, 1 - .1
    np.testing.assert_allclose(decayed.parameters, [2.75, 0.9], rtol=1e-8)
    np.testing.assert_allclose(one_step(replace(adam, l2=0.5)).parameters, [2.9, 0.9], rtol=1e-8)


def test_sample_weights_count():
    # Rows (x, y) = (2, 1) and (1, 0) with weights 3 and 1: dw = (3 · 12 + 1 · 4)/4 = 10, db = (3 · 6 + 4)/4 = 5.5
    step = one_step(SGD, x=np.array([[2.0], [1.0]]), y=np.array([[1.0], [0.0]]), weights=np.array([3.0, 1.0]))
    np.testing.assert_allclose(step.raw, [10.0, 5.5], rtol=1e-15)


# ---- epochs

NETWORK = Network([2, Dense(4, "tanh", dropout=0.25), Dense(1, "sigmoid")], "binary_cross_entropy")
RNG = np.random.default_rng(0)
TABLE_X = RNG.normal(size=(11, 2))
TABLE_Y = (TABLE_X[:, :1] > 0).astype(float)
DATA = Data(TABLE_X, TABLE_Y, np.array([7, 1, 2, 9, 4, 0, 3]), np.array([5, 6, 8]))


def start(settings, members=1, network=NETWORK, data=DATA):
    flat = np.random.default_rng(3).normal(size=(members, Layout(network).size))
    return ReferenceEngine().start(network, flat, data, settings), flat


def test_an_epoch_is_its_steps_one_after_another():
    settings = StepSettings(optimizer("adam"), batch_size=3, l2=0.01, weight_decay=0.1, seed=5)
    run, flat = start(settings, 2)
    assert run.steps_per_epoch == 3
    rates = np.array([0.1, 0.05, 0.025])
    report = run.train_epoch(4, rates, [0, 1])
    report = run.train_epoch(5, rates, [1])
    assert np.isnan(report.losses[0])
    layout = Layout(NETWORK)
    for member, epochs in ((0, [4]), (1, [4, 5])):
        w, state, t = flat[member], settings.optimizer.init(flat[member], np), 0
        for epoch in epochs:
            rows = DATA.train[row_order(7, 5, epoch, member)]
            cost = 0.0
            for eta, batch in zip(rates, (rows[:3], rows[3:6], rows[6:]), strict=True):
                u = dropout_uniforms(len(batch), 4, 5, 1, t, member)
                masks = [np.where(u >= 0.25, 4 / 3, 0.0), None]
                x, y = TABLE_X[batch], TABLE_Y[batch]
                step = take_step(layout, w, state, x, y, settings, eta, None, masks)
                w, state, t = step.parameters, step.state, t + 1
                cost += float(step.gradients.cost) * len(batch) / 7
        np.testing.assert_array_equal(run.parameters[member], w)
    assert report.losses[1] == pytest.approx(cost, rel=1e-14)
    assert report.diverged == {}


def test_rows_come_in_order_without_shuffling():
    run, _ = start(replace(SGD, batch_size=4))
    assert [rows.tolist() for rows in batches(run.data, run.settings, 3, 0)] == [[7, 1, 2, 9], [4, 0, 3]]
    shuffled, _ = start(replace(SGD, batch_size=4, shuffle=True))
    orders = {
        tuple(np.concatenate(batches(shuffled.data, shuffled.settings, e, m)).tolist())
        for e in range(3)
        for m in range(2)
    }
    assert len(orders) == 6
    assert all(sorted(order) == sorted(DATA.train) for order in orders)


def test_members_train_as_if_alone():
    settings = StepSettings(optimizer("momentum"), batch_size=3)
    together, flat = start(settings, 3)
    for epoch in range(2):
        together.train_epoch(epoch, np.full(3, 0.1), [0, 1, 2])
    # Member 0 alone; the draws of the others are keyed by their numbers.
    alone = ReferenceEngine().start(NETWORK, flat[:1], DATA, settings)
    for epoch in range(2):
        alone.train_epoch(epoch, np.full(3, 0.1), [0])
    np.testing.assert_array_equal(together.parameters[0], alone.parameters[0])
    assert not (together.parameters[1] == together.parameters[0]).any()


def test_what_is_given_is_copied():
    flat = np.ones((1, Layout(NETWORK).size))
    run = ReferenceEngine().start(NETWORK, flat, DATA, SGD)
    run.train_epoch(0, np.full(4, 0.5), [0])
    assert (flat == 1).all()
    assert (run.parameters != 1).any()


def test_losses_leave_out_dropout_penalties_and_smoothing():
    smoothed = loss("binary_cross_entropy(label_smoothing=0.2)")
    network = Network([2, *NETWORK.layers], smoothed)
    run, flat = start(StepSettings(optimizer("sgd"), 3, l1=1.0, l2=1.0), 2, network)
    for member in range(2):
        p = Layout(network).unflatten(flat[member])
        a = 1 / (1 + np.exp(-(np.tanh(TABLE_X @ p[1]["W"] + p[1]["b"]) @ p[2]["W"] + p[2]["b"])))
        terms = -np.where(TABLE_Y == 1, np.log(a), np.log(1 - a))[:, 0]
        for rows in (DATA.train, DATA.validation):
            assert run.losses(rows)[member] == pytest.approx(terms[rows].mean(), rel=1e-12)
        np.testing.assert_allclose(run.outputs(DATA.validation)[member], a[DATA.validation], rtol=1e-13)


def test_the_cost_for_lbfgs_has_penalties_and_its_gradient():
    settings = StepSettings(optimizer("lbfgs"), 7, l1=0.03, l2=0.2)
    network = Network([2, Dense(3, "tanh", frozen=["W[1,2]"]), Dense(1, "sigmoid")], NETWORK.loss)
    run, flat = start(settings, 1, network)
    w = flat[0]
    cost, gradient = run.loss_and_gradient(0, w)
    layout = Layout(network)
    decayed = layout.decayed * layout.free
    plain = run.losses(DATA.train)[0]
    assert cost == pytest.approx(plain + np.sum(decayed * (0.03 * np.abs(w) + 0.1 * w**2)), rel=1e-13)
    assert gradient[1] == 0.0  # frozen
    for place in np.flatnonzero(layout.free):
        h = 1e-5 * np.eye(len(w))[place]
        slope = (run.loss_and_gradient(0, w + h)[0] - run.loss_and_gradient(0, w - h)[0]) / 2e-5
        assert gradient[place] == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_predictions_in_blocks_are_predictions():
    network = Network([2, Dense(4000, "tanh"), Dense(1)])
    flat = np.random.default_rng(1).normal(size=(3, Layout(network).size)) * 0.01
    x = np.random.default_rng(2).normal(size=(700, 2))  # 4e6/(4000 · 3): blocks of 333 rows
    got = ReferenceEngine().predict(network, flat, x)
    for member in range(3):
        p = Layout(network).unflatten(flat[member])
        want = np.tanh(x @ p[1]["W"] + p[1]["b"]) @ p[2]["W"] + p[2]["b"]
        np.testing.assert_allclose(got[member], want, rtol=1e-12, atol=1e-14)
    assert ReferenceEngine().predict(network, flat, x[:0]).shape == (3, 0, 1)


# ---- dropout


def test_masks_drop_their_share_and_keep_the_mean():
    network = Network([2, Dense(50, dropout=0.3), Dense(20), Dense(40, dropout=0.6), Dense(1)])
    masks = masks_of_step(network, 200, 1, 9, 0)
    assert masks[1] is None
    assert masks[3] is None
    for mask, p in ((masks[0], 0.3), (masks[2], 0.6)):
        assert set(np.unique(mask)) == {0.0, 1 / (1 - p)}
        assert abs(float(np.mean(mask == 0)) - p) < 5 * np.sqrt(p * (1 - p) / mask.size)
    again = masks_of_step(network, 200, 1, 9, 0)
    np.testing.assert_array_equal(again[0], masks[0])
    for other in ((2, 9, 0), (1, 10, 0), (1, 9, 1)):
        assert (masks_of_step(network, 200, *other)[0] != masks[0]).any()
    assert masks_of_step(Network([2, Dense(3), Dense(1)]), 4, 1, 2, 3) is None


# ---- divergence


def test_divergence_is_noticed_in_its_step_and_names_what_went_wrong():
    # Rows of x = 1, y = 0 and no bias: w becomes w (1 - eta). From 1: .5, then -5e199, whose cost overflows in step 3.
    network = Network([1, Dense(1, bias="none")], "half_squared_error")
    data = Data(np.ones((6, 1)), np.zeros((6, 1)), np.arange(6), np.arange(0))
    run = ReferenceEngine().start(network, np.array([[1.0], [1e-300]]), data, replace(SGD, batch_size=1))
    report = run.train_epoch(0, np.array([0.5, 1e200, 0.5, 0.5, 0.5, 0.5]), [0, 1])
    assert set(report.diverged) == {0}
    divergence = report.diverged[0]
    assert divergence.step == 3
    assert divergence.layer == 1
    assert divergence.learning_rate == 0.5
    assert divergence.largest_gradient == pytest.approx(5e199)
    # The last finite parameters stay; the other member went on: 1e-300 halves five times and once grows by -1e200.
    assert run.parameters[0, 0] == pytest.approx(-5e199)
    assert np.isnan(report.losses[0])
    assert np.isfinite(report.losses[1])
    assert run.parameters[1, 0] == pytest.approx(-1e-300 * 1e200 / 2**5)


def test_an_update_that_overflows_is_noticed_in_the_same_step():
    run = ReferenceEngine().start(
        NEURON, FLAT, Data(X, Y, np.arange(1), np.arange(0)), replace(SGD, batch_size=1)
    )
    report = run.train_epoch(0, np.array([1e308]), [0])
    assert report.diverged[0] == (1, 1, 12.0, 1e308)
    np.testing.assert_array_equal(run.parameters[0], FLAT)


def test_the_first_layer_that_is_not_finite_is_named():
    network = Network([1, Dense(2, "identity"), Dense(1, "exponential"), Dense(1)], "half_squared_error")
    data = Data(np.ones((1, 1)), np.zeros((1, 1)), np.arange(1), np.arange(0))
    # exp(400 + 400) in layer 2 makes z of layer 3 infinite
    flat = np.array([400.0, 400.0, 0, 0, 1.0, 1.0, 0, 1.0, 0])
    run = ReferenceEngine().start(network, flat, data, replace(SGD, batch_size=1))
    assert run.train_epoch(0, np.array([0.1]), [0]).diverged[0].layer == 3


def test_engines_by_name():
    assert engine_named("reference").name == "reference"
    with pytest.raises(SettingsError, match="unknown engine 'gpu': choose"):
        engine_named("gpu")
