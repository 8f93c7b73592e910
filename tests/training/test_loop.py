"""The training loop: what it keeps, when it stops, what it reports; by scripted losses and by real trainings."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from chainrule.engines.base import Data, Divergence, EpochReport, RunState, StepSettings
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.equations.schedules import schedule, strength
from chainrule.training.initial import initial_parameters
from chainrule.training.loop import fit
from chainrule.training.plan import Plan

NETWORK = Network([1, Dense(1, bias="none")])
NAN, INF = float("nan"), float("inf")


class Scripted:
    """An engine whose members' losses are written down: one list per member, the start first.

    A member's parameter is the number of epochs it was trained for; a loss of None is a divergence.
    """

    name = "scripted"
    dtype = np.float64

    def __init__(self, *losses, training=None, steps=1):
        self.script = losses
        self.training = training
        self.steps_per_epoch = steps
        self.rates = []
        self.calls = []

    def start(self, network, parameters, data, settings, resume=None):
        self.parameters = np.zeros((len(self.script), 1))
        return self

    def working(self):
        return nullcontext()

    def train_epoch(self, epoch, learning_rates, active, strength=1.0):
        self.rates.append(list(learning_rates))
        self.calls.append((epoch, tuple(active)))
        losses = np.full(len(self.script), np.nan)
        diverged = {}
        for member in active:
            if self.script[member][epoch + 1] is None:
                diverged[member] = Divergence(epoch + 1, 1, 1.0, 0.1)
            else:
                self.parameters[member] = epoch + 1
                losses[member] = (self.training or self.script)[member][epoch + 1]
        return EpochReport(losses, diverged)

    def losses(self, rows):
        at = [int(p) for p in self.parameters[:, 0]]
        return np.array([script[epoch] for script, epoch in zip(self.script, at, strict=True)], float)

    def state(self):
        return RunState(self.parameters.copy(), {}, self.parameters[:, 0].astype(int) * self.steps_per_epoch)

    def outputs(self, rows):
        raise NotImplementedError

    def loss_and_gradient(self, member, flat):
        raise NotImplementedError

    def predict(self, network, parameters, x):
        raise NotImplementedError


STEPS = StepSettings(optimizer("sgd"))


def run(engine, *, validation=1, callback=None, **plan):
    chosen = {"epochs": len(engine.script[0]) - 1, "learning_rate": 0.8, "patience": 3, **plan}
    data = Data(np.zeros((2, 1)), np.zeros((2, 1)), np.array([0]), np.arange(1, 1 + validation))
    return fit(engine, NETWORK, np.zeros((len(engine.script), 1)), data, STEPS, Plan(**chosen), callback)


# ---- early stopping


@pytest.mark.parametrize("validation", [1, 0])
def test_the_best_epoch_is_kept_and_patience_counts_from_it(validation):
    # The best is epoch 2; three epochs without better are 3, 4, 5; the 0 of epoch 6 is never seen.
    result = run(Scripted([9, 5, 4, 6, 4, 7, 0, 0]), validation=validation)
    assert result.parameters.tolist() == [[2]]
    assert result.best_epochs == (2,)
    assert result.losses.tolist() == [4]
    assert result.stopped == "early stopping"
    assert [line.epoch for line in result.history] == [1, 2, 3, 4, 5]


def test_the_start_is_kept_where_training_makes_it_worse():
    result = run(Scripted([1, 5, 4, 3, 2]))
    assert result.parameters.tolist() == [[0]]
    assert result.best_epochs == (0,)
    assert result.losses.tolist() == [1]


def test_without_validation_rows_the_loss_of_what_is_kept_decides():
    # What an epoch reports is the loss on the way, of other parameters: it falls here to the end, but the parameters got worse.
    engine = Scripted([9, 3, 5, 6, 7], training=[[NAN, 8, 4, 3, 2]])
    result = run(engine, validation=0)
    assert result.best_epochs == (1,)
    assert [line.training_loss for line in result.history] == [8, 4, 3, 2]
    assert all(np.isnan(line.validation_loss) for line in result.history)


# ---- more waves


def falling(*valleys, last):
    """Losses of 15, 31, 63 epochs in which waves end at 7, 15, 31 and 63 with these; a hill of 9 before each valley."""
    losses, at = [10.0, *[9.0] * last], (7, 15, 31, 63)
    for value, epoch in zip(valleys, at, strict=False):
        losses[epoch] = value
    return losses


@pytest.mark.parametrize(
    ("valleys", "epochs", "stopped"),
    [
        # 3 % of 8 is 0.24: 7.76 is just enough, 7.77 isn't.
        ((8, 7.77, 1), 15, "early stopping"),
        ((8, 7.76, 7.76), 31, "early stopping"),
        ((8, 7.76, 7.5), 63, "epochs"),
        ((8, 8.5, 1), 15, "early stopping"),
        ((-8, -8.23), 15, "early stopping"),
        ((-8, -8.24, -8.4), 31, "early stopping"),
    ],
)
def test_a_wave_follows_where_the_last_was_worth_three_percent(valleys, epochs, stopped):
    engine = Scripted(falling(*valleys, last=63))
    result = run(engine, epochs=15, more_waves=2, patience=9, schedule=schedule("coslog4"))
    assert (len(result.history), result.stopped) == (epochs, stopped)
    at = (7, 15, 31)[int(np.argmin(valleys[: (15, 31, 63).index(epochs) + 2]))]
    assert result.best_epochs == (at,)
    # The schedule goes on as it was: 0 at the end of each wave, the rate itself in its middle, in log2(1 + 15 t/T).
    rates = [rates[0] for rates in engine.rates]
    shares = np.log2(1 + np.arange(epochs))
    np.testing.assert_allclose(rates, 0.8 * (1 - np.cos(2 * np.pi * shares)) / 2, atol=1e-12)


def test_without_early_stopping_and_with_lengths_of_their_own_all_waves_follow():
    engine = Scripted(falling(8, 8, 8, last=31))
    plan = {"epochs": 15, "more_waves": 1, "schedule": schedule("coslog4"), "early_stopping": False}
    result = run(engine, **plan)
    assert (len(result.history), result.stopped) == (31, "epochs")
    result = run(Scripted(falling(8, 8, 8, last=31)), **plan, lengths=(20,))
    assert (len(result.history), result.best_epochs) == (20, (20,))


def test_patience_grows_with_the_waves():
    # The fourth wave ends at its best; the fifth of 16 epochs is over in 12 = 6 · 31/15 epochs without better.
    losses = falling(8, 7, last=31)
    result = run(Scripted(losses), epochs=15, more_waves=1, patience=6, schedule=schedule("coslog4"))
    assert (len(result.history), result.stopped, result.best_epochs) == (13, "early stopping", (7,))
    losses[12] = 7.5
    result = run(Scripted(losses), epochs=15, more_waves=1, patience=6, schedule=schedule("coslog4"))
    assert (len(result.history), result.stopped, result.best_epochs) == (28, "early stopping", (15,))


def test_at_the_end_of_a_wave_the_next_one_s_patience_counts():
    # Epoch 9 is the best, so at the fourth wave's end patience of 6 is over, and that of the fifth, 12.4, is not.
    losses = [*(10 - 0.25 * epoch for epoch in range(10)), *[9.0] * 22]
    result = run(Scripted(losses), epochs=15, more_waves=1, patience=6, schedule=schedule("coslog4"))
    assert (len(result.history), result.stopped, result.best_epochs) == (22, "early stopping", (9,))


def test_regularization_stays_at_its_end_in_the_waves_that_follow():
    plan = Plan(epochs=15, more_waves=2, schedule=schedule("coslog4"), regularization=strength("flat_cosine"))
    factors = [plan.strength(epoch) for epoch in range(plan.longest)]
    assert factors[:8] == [1.0] * 8
    assert 0 < factors[14] < 0.05
    assert factors[15:] == [0.0] * 48


def test_a_plan_of_exactly_so_many_epochs_has_no_waves_after_them():
    plan = Plan(epochs=15, more_waves=2, schedule=schedule("coslog4")).exactly(29)
    assert (plan.epochs, plan.longest) == (29, 29)


def test_a_training_goes_on_from_within_a_wave_to_the_same_end():
    plan = {"epochs": 15, "more_waves": 2, "patience": 9, "schedule": schedule("coslog4")}
    losses, kept = falling(8, 7, 6.9, last=63), []
    whole = run(
        Scripted(losses), callback=lambda state: kept.append((state.epochs, state.checkpoint())), **plan
    )
    assert len(whole.history) == 31
    # What a callback is told: 15 epochs until that wave's end, then 31; at the end it is over.
    assert [epochs for epochs, _ in kept[:14]] == [15] * 14
    assert [epochs for epochs, _ in kept[14:30]] == [31] * 16
    assert kept[30][0] == 31
    data = Data(np.zeros((2, 1)), np.zeros((2, 1)), np.array([0]), np.arange(1, 2))
    for at in (3, 14, 20, 30):
        engine = Scripted(losses)
        start = engine.start

        def begin(*words, start=start, engine=engine, at=at, **more):
            start(*words, **more)
            engine.parameters[:] = at + 1
            return engine

        engine.start = begin
        again = fit(
            engine,
            NETWORK,
            np.zeros((1, 1)),
            data,
            STEPS,
            Plan(learning_rate=0.8, **plan),
            resume=kept[at][1],
        )
        assert (len(again.history), again.stopped, again.best_epochs) == (31, "early stopping", (31,))


def test_without_early_stopping_every_epoch_is_run_and_the_last_is_kept():
    for validation in (0, 1):
        result = run(Scripted([9, 5, 1, 6, 4, 7, 8]), early_stopping=False, validation=validation, patience=1)
        assert result.parameters.tolist() == [[6]]
        assert result.best_epochs == (6,)
        assert result.losses.tolist() == [8]
        assert result.stopped == "epochs"
        assert len(result.history) == 6


def test_members_stop_each_at_their_own_time():
    engine = Scripted([9, 5, 6, 7, 8, 1, 1, 1, 1], [9, 8, 7, 6, 5, 6, 6, 6, 1], [9, 8, 7, 6, 5, 4, 3, 2, 1])
    result = run(engine)
    assert result.best_epochs == (1, 4, 8)
    assert result.parameters[:, 0].tolist() == [1, 4, 8]
    assert result.losses.tolist() == [5, 5, 1]
    assert [active for _, active in engine.calls] == [(0, 1, 2)] * 4 + [(1, 2)] * 3 + [(2,)]
    # The history's line is the mean of those who took part.
    assert result.history[0].validation_loss == pytest.approx((5 + 8 + 8) / 3)
    assert result.history[5].validation_loss == (6 + 3) / 2
    assert result.history[7].validation_loss == 1
    assert result.stopped == "epochs"


def test_tolerance_is_what_progress_has_to_exceed_over_all_of_patience():
    # Falling by .5 an epoch is no progress of more than 1 in two epochs, but is in three; the best is kept in any case.
    slow = [9.0, 8.5, 8.0, 7.5, 7.0, 6.5, 6.0]
    stopped = run(Scripted(slow), tolerance=1.0, patience=2)
    assert stopped.stopped == "early stopping"
    assert stopped.best_epochs == (2,)
    assert stopped.losses.tolist() == [8.0]
    assert run(Scripted(slow), tolerance=1.0, patience=3).stopped == "epochs"
    assert run(Scripted(slow), patience=1).stopped == "epochs"


def test_a_loss_that_is_not_finite_is_never_best():
    result = run(Scripted([INF, NAN, 5, INF, NAN, NAN, 1]))
    assert result.best_epochs == (2,)
    assert result.losses.tolist() == [5]
    last = run(Scripted([9, 5, NAN]), early_stopping=False)
    assert last.best_epochs == (1,)


# ---- callbacks and Ctrl-C


def test_a_callback_sees_every_epoch_and_can_stop():
    seen = []

    def callback(state):
        seen.append((state.line.epoch, state.epochs, state.losses.tolist(), state.active))
        return state.line.epoch == 3

    result = run(Scripted([9, 5, 4, 6, 1]), callback=callback)
    assert seen == [(1, 4, [5], (0,)), (2, 4, [4], (0,)), (3, 4, [6], (0,))]
    assert result.stopped == "callback"
    assert result.best_epochs == (2,)
    assert len(result.history) == 3


def test_ctrl_c_keeps_the_best_so_far():
    def callback(state):
        if state.line.epoch == 3:
            raise KeyboardInterrupt

    result = run(Scripted([9, 5, 4, 6, 1]), callback=callback)
    assert result.stopped == "interrupted"
    assert result.parameters.tolist() == [[2]]
    assert result.losses.tolist() == [4]


def test_ctrl_c_in_the_middle_of_an_epoch_keeps_the_best_so_far():
    class Interrupted(Scripted):
        def train_epoch(self, epoch, learning_rates, active, strength=1.0):
            if epoch == 2:
                self.parameters[:] = 77  # half an epoch's steps
                raise KeyboardInterrupt
            return super().train_epoch(epoch, learning_rates, active)

    for early_stopping in (True, False):
        result = run(Interrupted([9, 5, 4, 6, 1]), early_stopping=early_stopping)
        assert result.stopped == "interrupted"
        assert result.parameters.tolist() == [[2]]


def test_other_mistakes_are_not_hidden():
    def callback(state):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(Scripted([9, 5]), callback=callback)


# ---- divergence


def test_a_member_that_diverges_ends_alone_and_keeps_its_best():
    engine = Scripted([9, 5, 3, None, 1, 1], [9, 8, 7, 6, 5, 4])
    result = run(engine)
    assert [active for _, active in engine.calls] == [(0, 1)] * 3 + [(1,)] * 2
    assert result.best_epochs == (2, 5)
    assert result.parameters[:, 0].tolist() == [2, 5]
    assert set(result.diverged) == {0}
    assert result.stopped == "epochs"
    assert result.history[2].training_loss == 6  # of the member that is left


def test_when_all_diverge_training_is_over():
    result = run(Scripted([9, 5, None, 1], [9, None, 1, 1]))
    assert result.stopped == "diverged"
    assert result.best_epochs == (1, 0)
    assert set(result.diverged) == {0, 1}
    assert len(result.history) == 2


def test_a_huge_learning_rate_is_noticed_and_named():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 3))
    data = Data(x, x[:, :1] * 2, np.arange(15), np.arange(15, 20))
    network = Network([3, Dense(4, "relu"), Dense(1)], "mean_squared_error")
    settings = StepSettings(optimizer("sgd"), batch_size=5)
    result = fit(
        ReferenceEngine(), network, initial_parameters(network, 2, 0), data, settings, Plan(50, 1e60)
    )
    assert result.stopped == "diverged"
    assert np.isfinite(result.parameters).all()
    assert (result.losses < 100).all()
    for divergence in result.diverged.values():
        # The first step takes weights to 1e60, the second to 1e240 or so: by the third at the latest they overflow.
        assert 2 <= divergence.step <= 3
        assert divergence.layer in (1, 2)
        assert divergence.learning_rate == 1e60
        assert divergence.largest_gradient > 1e30
        text = str(divergence)
        assert all(word in text for word in ("step", "layer", "largest gradient", "learning rate 1e+60"))


# ---- learning rates


def test_rates_follow_the_schedule_step_by_step():
    engine = Scripted([9, 8, 7, 6, 5], steps=3)
    result = run(engine, schedule=schedule("cosine"))
    want = 0.8 * (1 + np.cos(np.pi * np.arange(12) / 12)) / 2
    np.testing.assert_allclose(np.concatenate(engine.rates), want, rtol=1e-14)
    np.testing.assert_allclose([line.learning_rate for line in result.history], want[2::3], rtol=1e-14)
    engine = Scripted([9, 8, 7], steps=2)
    run(engine, warmup=3)
    np.testing.assert_allclose(np.concatenate(engine.rates), [0.8 / 3, 1.6 / 3, 0.8, 0.8], rtol=1e-14)


@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("validation", [1, 0])
def test_a_plateau_reduces_the_rate(early_stopping, validation):
    # patience 2: epochs 3 and 4 are no better than 2, so epoch 5 is run at half; 6 and 7 no better than 5: 8 at a quarter.
    engine = Scripted([9, 8, 7, 7, 7, 6, 6, 6, 6])
    run(
        engine,
        schedule=schedule("plateau(patience=2)"),
        early_stopping=early_stopping,
        validation=validation,
        patience=9,
    )
    assert [rate for (rate,) in engine.rates] == [0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2]


def test_a_plateau_is_one_of_all_members():
    engine = Scripted([9, 8, 8, 8, 8, 8], [9, 9, 9, 7, 6, 5])
    run(engine, schedule=schedule("plateau(patience=2)"), patience=9)
    assert [rate for (rate,) in engine.rates] == [0.8] * 5
    engine = Scripted([9, 8, 8, 8, 8, 8], [9, 8, 8, 8, 8, 8])
    run(engine, schedule=schedule("plateau(patience=2)"), patience=9)
    assert [rate for (rate,) in engine.rates] == [0.8, 0.8, 0.8, 0.4, 0.4]


# ---- real trainings


def moons(n=60):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, 2))
    return x, ((x[:, :1] * x[:, 1:]) > 0).astype(float)


SMALL = Network([2, Dense(8, "tanh", dropout=0.1), Dense(1, "sigmoid")], "binary_cross_entropy")


def trained(members=2, seed=3, **plan):
    x, y = moons()
    data = Data(x, y, np.arange(45), np.arange(45, 60))
    settings = StepSettings(optimizer("adam"), batch_size=8, seed=seed)
    start = initial_parameters(SMALL, members, seed)
    return fit(
        ReferenceEngine(), SMALL, start, data, settings, Plan(**{"epochs": 12, "learning_rate": 0.02, **plan})
    )


def test_the_same_seed_gives_the_same_bits():
    once, again, other = trained(), trained(), trained(seed=4)
    np.testing.assert_array_equal(once.parameters, again.parameters)
    assert [line[:4] for line in once.history] == [line[:4] for line in again.history]
    assert (once.parameters != other.parameters).any()


def test_a_member_is_the_same_in_every_ensemble():
    np.testing.assert_array_equal(trained(3).parameters[:2], trained(2).parameters)


def test_what_is_kept_has_the_loss_that_is_said():
    result = trained(3, epochs=25, patience=4)
    x, y = moons()
    data = Data(x, y, np.arange(45), np.arange(45, 60))
    run = ReferenceEngine().start(SMALL, result.parameters, data, replace(STEPS))
    np.testing.assert_allclose(run.losses(data.validation), result.losses, rtol=1e-13)
    assert min(line.validation_loss for line in result.history) >= result.losses.mean() - 1e-12
    assert result.parameters.shape == (3, Layout(SMALL).size)
    assert result.seconds > 0
    assert [line.seconds for line in result.history] == sorted(line.seconds for line in result.history)
