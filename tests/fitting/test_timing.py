"""Time limits: the rule by hand and its laws, the measurement and the guard by a clock that is told what it says."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule.engines.reference.run import ReferenceRun
from chainrule.errors import SettingsError
from chainrule.fitting.question import Question
from chainrule.fitting.replay import replay
from chainrule.fitting.score import score_prepared
from chainrule.fitting.timing import within_time
from chainrule.fitting.train import fit_prepared, prepare, train_prepared
from chainrule.training.budget import AFTERWARDS, PLANNED, Budget, sized
from chainrule.training.settings.record import Settings

X = np.linspace(-1, 1, 120)
TABLE = {"x": X.tolist(), "y": np.sin(4 * X).tolist()}
QUICK: dict[str, Any] = {"hidden": [6], "epochs": 30, "members": 4, "batch_size": 16, "schedule": "cosine"}


class Clock:
    """Says the seconds that it is told have passed."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """A clock by which a step of a member takes a second, and the first call of all 50 more, as if to compile."""
    made, real, called = Clock(), ReferenceRun.train_epoch, []

    def timed(self, epoch, rates, active, strength=1.0):
        made.now += len(rates) * len(active) + (0 if called else 50)
        called.append(len(rates))
        return real(self, epoch, rates, active, strength)

    monkeypatch.setattr(ReferenceRun, "train_epoch", timed)
    return made


def prepared(clock, seconds, **words):
    made = prepare(Question(TABLE, "y"), Settings(**{**QUICK, **words}))
    return replace(made, budget=Budget(seconds, clock))


# ---- the rule


def test_members_go_first_then_epochs_then_steps_by_hand():
    # An epoch of one member takes 2 s; 8 members, 10 epochs: 160 s.
    for room, want in (
        (160, (8, 10, 1.0)),
        (159, (7, 10, 1.0)),
        (40, (2, 10, 1.0)),
        (39, (2, 9, 1.0)),
        (4, (2, 1, 1.0)),
        (3, (1, 1, 1.0)),  # an epoch of two doesn't fit
        (1, (1, 1, 0.5)),
    ):
        assert sized(2, room, 8, 10) == want
    # On 4 threads up to 4 members take the time of one, and so do 5 to 8 of two.
    assert sized(2, 40, 8, 10, threads=4) == (8, 10, 1.0)
    assert sized(2, 39, 8, 10, threads=4) == (4, 10, 1.0)
    # With bagging there are no fewer than two; a single one stays a single one.
    assert sized(2, 3, 8, 10, fewest=2) == (2, 1, 0.75)
    assert sized(2, 3, 1, 10) == (1, 1, 1.0)


@given(
    st.floats(1e-3, 1e3),
    st.floats(1e-3, 1e5),
    st.integers(1, 20),
    st.integers(1, 500),
    st.integers(1, 16),
    st.floats(1, 9),
)
def test_what_is_planned_fits_and_more_room_is_never_less_training(
    seconds, room, members, epochs, threads, more
):
    found = sized(seconds, room, members, epochs, threads)
    assert 1 <= found.members <= members
    assert 1 <= found.epochs <= epochs
    needed = seconds * -(-found.members // threads) * found.epochs * found.share
    assert needed <= room * (1 + 1e-9)
    wider = sized(seconds, room * more, members, epochs, threads)
    assert wider.members >= found.members or wider.epochs > found.epochs
    assert wider.epochs * wider.share >= found.epochs * found.share * (1 - 1e-9)


# ---- the measurement and the plan


def test_the_time_of_compiling_is_no_epoch_s_and_what_fits_is_trained_like_any_other(clock):
    # 82 rows of training: 6 steps of up to 16 rows, 6 s an epoch and member.
    found = prepared(clock, 600)
    n_steps = -(-found.rows["training"] // 16)
    cut = within_time(found, engine="reference")
    spent = clock.now
    assert 50 < spent < 50 + 4 * (1 + 3 * n_steps)
    room = PLANNED * (600 * (1 - AFTERWARDS) - spent)
    assert (cut.resolved.members, cut.resolved.plan.epochs) == sized(n_steps, room, 4, 30)[:2] == (2, 30)
    assert cut.notes == ("the time limit of 600 s has room for 30 of 30 epochs and 2 of 4 members",)
    trained = train_prepared(replace(found, budget=Budget(600, clock)), engine="reference")
    assert clock.now <= spent + 600
    assert any("has room for 30 of 30 epochs" in note for note in trained.notes)
    card = trained.model.card
    same = chainrule.train(
        TABLE,
        "y",
        engine="reference",
        **{**QUICK, "epochs": card["epochs"], "members": card["members"]["trained"]},
    )
    assert trained.model.parameters.tobytes() == same.model.parameters.tobytes()
    assert {**card, "scores": None} == {**same.model.card, "scores": None, "time_limit": 600.0}
    (step,) = replay(trained.model, TABLE, 9, 2)
    assert step.eta == replay(same.model, TABLE, 9, 2)[0].eta


def test_the_schedule_ends_inside_the_limit(clock):
    found = within_time(prepared(clock, 250, early_stopping=False, warmup=3), engine="reference")
    plan = found.resolved.plan
    assert found.resolved.members == 2
    assert 1 < plan.epochs < 30
    result = fit_prepared(found, engine="reference")
    assert clock.now <= 250
    assert len(result.history) == plan.epochs
    assert result.stopped == "epochs"
    steps = -(-found.rows["training"] // 16)
    last = 0.5 * (1 + np.cos(np.pi * (plan.epochs * steps - 1) / (plan.epochs * steps)))
    assert result.history[-1].learning_rate == pytest.approx(plan.learning_rate * last, rel=0.2, abs=1e-6)


def test_a_limit_that_isn_t_reached_changes_nothing(clock):
    found = prepared(clock, 1e6, epochs=6)
    assert within_time(found, engine="reference") is found
    assert within_time(replace(found, budget=None), engine="reference").budget is None
    plain = fit_prepared(replace(found, budget=None), engine="reference")
    assert fit_prepared(found, engine="reference").parameters.tobytes() == plain.parameters.tobytes()


def test_of_the_waves_that_may_follow_those_that_fit_stay(clock):
    # About 6 s an epoch and member, 4 members: 15 epochs take 360 s, 31 744 s, 63 1,512 s, and a half of it more is left.
    waves = {"epochs": 15, "more_waves": 2, "schedule": "coslog4"}
    for limit, want in ((650, 0), (1_200, 1), (2_600, 2), (1e6, 2)):
        found = within_time(prepared(clock, limit, **waves), engine="reference").resolved
        assert (found.members, found.plan.epochs, found.plan.more_waves) == (4, 15, want), limit
    cut = within_time(prepared(clock, 300, **waves), engine="reference").resolved
    assert (cut.members, cut.plan.more_waves) == (2, 0)


def test_a_limit_shorter_than_an_epoch_makes_the_steps_that_fit_and_says_so(clock):
    trained = train_prepared(prepared(clock, 63), engine="reference")
    steps = trained.model.card["most_steps"]
    n = -(-trained.prepared.rows["training"] // 16)
    assert 1 <= steps < n
    assert (
        f"the time limit of 63 s is too short for one epoch: {steps} of its {n} steps are made, by 1 of 4 members"
        in trained.notes
    )
    assert trained.model.card["epochs_run"] == trained.model.members == 1
    assert clock.now <= 63
    assert len(replay(trained.model, TABLE, [1, steps], 1)) == 2
    with pytest.raises(
        SettingsError, match=f"there is no step {steps + 1}; the training made steps 1 to {steps}"
    ):
        replay(trained.model, TABLE, steps + 1, 1)


# ---- the guard


@pytest.mark.parametrize("words", [{}, {"bagging": True}, {"refit": True}], ids=["plain", "bagging", "refit"])
def test_the_guard_ends_a_training_that_takes_longer_than_it_looked(clock, words):
    # Nothing is measured beforehand, so 30 epochs are planned, of which 4 members make one in 24 s or so.
    found = prepared(
        clock, 300, early_stopping=False, validation_share=None if "bagging" in words else 0.15, **words
    )
    result = fit_prepared(found, engine="reference")
    assert result.stopped == "time limit"
    assert result.first is None
    assert 0 < len(result.history) < 12
    assert clock.now <= 300
    assert min(result.best_epochs) > 0  # the last, or the best so far


def test_the_last_epoch_is_no_epoch_too_early(clock):
    # 8 epochs of 4 members, 24 s each, and 50 s to compile: 242 s, after which 10 are left.
    steps = -(-prepared(clock, 1).rows["training"] // 16)
    seconds = (50 + 8 * 4 * steps + 10) / (1 - AFTERWARDS)
    found = prepared(clock, seconds, epochs=8, early_stopping=False, validation_share=0.15)
    result = fit_prepared(found, engine="reference")
    assert (result.stopped, len(result.history)) == ("epochs", 8)


def test_a_refit_for_which_no_time_is_left_is_left_out_with_a_note(clock):
    steps = -(-prepared(clock, 1).rows["training"] // 16)
    seconds = (50 + 11 * 4 * steps) / (1 - AFTERWARDS)
    found = prepared(clock, seconds, epochs=8, early_stopping=False, validation_share=0.15, refit=True)
    trained = score_prepared(found, fit_prepared(found, engine="reference"), engine="reference")
    assert trained.fit.first is None
    assert "refit" not in trained.model.card
    assert any("before it could be done again on all rows" in note for note in trained.notes)


def test_the_guard_ends_lbfgs_too():
    ticks = iter(range(10**6))
    made = prepare(Question(TABLE, "y"), Settings(hidden=[6], optimizer="lbfgs", members=3, epochs=50))
    made = replace(made, budget=Budget(10, lambda: float(next(ticks))))
    assert within_time(made, engine="reference") is made
    result = fit_prepared(made, engine="reference")
    assert result.stopped == "time limit"
    assert len(result.history) < 10


def test_limits_that_can_t_be():
    for value in (0, -1.0, float("nan"), True, "9"):
        with pytest.raises(SettingsError, match=r"time_limit .* must be a number above 0"):
            Settings(time_limit=value)
    made = prepare(Question(TABLE, "y"), Settings(**{**QUICK, "epochs": 2}, time_limit=9.0))
    assert made.budget.seconds == 9.0
    point = fit_prepared(replace(made, budget=None), engine="reference").checkpoint
    with pytest.raises(SettingsError, match="under a time_limit members and epochs are chosen by the clock"):
        fit_prepared(made, engine="reference", resume=point)


def test_bagged_members_keep_their_folds_where_enough_epochs_fit(clock):
    # All six members for 20 of 30 epochs, rather than four members for all.
    whole = prepared(clock, 1e9, bagging=True, members=6, epochs=30, early_stopping=True)
    each = 6 * -(-whole.folds.rest.shape[1] // whole.resolved.steps.batch_size)
    enough = (each * 20.5 + 50 + 4 * each) / 0.85
    found = within_time(
        prepared(clock, enough, bagging=True, members=6, epochs=30, early_stopping=True), engine="reference"
    )
    assert found.resolved.members == 6
    assert 16 <= found.resolved.plan.epochs < 30


def test_several_members_a_fold_are_given_up_before_folds(clock):
    how: dict[str, Any] = {
        "bagging": True,
        "members": 6,
        "fold_members": 2,
        "epochs": 30,
        "early_stopping": True,
    }
    whole = prepared(clock, 1e9, **how)
    each = -(-whole.folds.rest.shape[1] // whole.resolved.steps.batch_size)
    for fit, members, compiling in ((4.0, 3, 50), (2.0, 2, 0)):
        # Two epochs are measured, the first time after compiling.
        seconds = (each * fit * 12 / PLANNED + compiling + 2 * 6 * each) / (1 - AFTERWARDS)
        found = within_time(prepared(clock, seconds, **{**how, "epochs": 12}), engine="reference")
        resolved = found.resolved
        assert (resolved.members, resolved.fold_members, resolved.folds) == (members, 1, members)
        assert found.folds.rest.shape[0] == members
