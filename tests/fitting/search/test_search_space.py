"""What a search tries: trial i depends on the seed and i alone, and leaves alone what the user has set."""

import math
from dataclasses import replace

import pytest

from chainrule.fitting.search.space import (
    PORTFOLIO,
    SPACE,
    Draw,
    Times,
    changes_of,
    is_drawn,
    trial_of,
    value_text,
)
from chainrule.training.settings.recipe import fill
from chainrule.training.settings.record import InputGroup, Problem, Settings
from chainrule.training.settings.resolve import resolve

CLASSES = Problem("classification", 3000, 6, n_classes=3, groups=(InputGroup("number"),) * 6)
NUMBERS = Problem("regression", 500, 4, groups=(InputGroup("number"),) * 4)


def test_the_default_is_trial_0_and_the_portfolio_is_the_same_for_every_seed():
    assert changes_of(3, 0) == {}
    assert [changes_of(3, number) for number in range(1, 8)] == list(PORTFOLIO)
    assert [is_drawn(number) for number in (0, 7, 8)] == [False, False, True]
    trial = trial_of(Settings(seed=3), CLASSES, 0)
    assert trial.settings == Settings(seed=3)
    assert trial.changes == {}


def test_a_drawn_trial_depends_on_the_seed_and_its_number_alone():
    drawn = [changes_of(5, number) for number in range(8, 40)]
    again = [changes_of(5, number) for number in reversed(range(8, 40))][::-1]
    assert drawn == again
    assert len({str(one) for one in drawn}) == len(drawn)
    assert changes_of(6, 8) != changes_of(5, 8)
    # How many trials there are, and which settings a search has besides, changes nothing.
    one = trial_of(Settings(search=9, seed=5), CLASSES, 8, 0.25)
    other = trial_of(Settings(search=500, seed=5), CLASSES, 8, 0.25)
    assert (one.settings, one.changes) == (other.settings, other.changes)


def test_draws_stay_in_their_space_and_reach_all_of_it():
    found = {draw.name: [] for draw in SPACE}
    for number in range(8, 400):
        for name, value in changes_of(1, number).items():
            found[name].append(value)
    for draw in SPACE:
        if draw.how == "one of":
            assert set(map(str, found[draw.name])) == set(map(str, draw.values))
        else:
            low, high = draw.values
            logs = [
                (math.log(v) - math.log(low)) / (math.log(high) - math.log(low)) for v in found[draw.name]
            ]
            assert min(logs) > -0.01
            assert max(logs) < 1.01
            # Of a uniform logarithm half lies in the lower half, within 4 standard errors.
            assert abs(sum(one < 0.5 for one in logs) / len(logs) - 0.5) < 4 * 0.5 / len(logs) ** 0.5


def test_a_draw_is_the_value_of_its_uniform_number():
    assert Draw("x", ("a", "b", "c")).drawn(0.34) == "b"
    assert Draw("x", (0.01, 1.0), "log-uniform").drawn(0.5) == pytest.approx(0.1)
    assert Draw("x", (0.01, 1.0), "log-uniform").words == "from 0.01 to 1, its logarithm uniform"
    assert [value_text(v) for v in (Times(2), True, (8, 4), 0.25, "relu")] == [
        "2 ×",
        "yes",
        "8,4",
        "0.25",
        "relu",
    ]


@pytest.mark.parametrize("problem", [CLASSES, NUMBERS])
def test_every_trial_is_a_training_of_the_same_outputs_and_loss(problem):
    default = resolve(Settings(), problem)
    for number in range(40):
        trial = trial_of(Settings(), problem, number)
        made = resolve(trial.settings, problem)
        assert made.network.loss.spec == default.network.loss.spec
        assert made.network.output.n_out == default.network.output.n_out
        assert (made.members, made.bagging, made.calibrate) == (
            default.members,
            default.bagging,
            default.calibrate,
        )


def test_what_the_user_has_set_stays():
    given = Settings(dropout=0.5, hidden=[7], recipe=True)
    for number in range(1, 30):
        trial = trial_of(given, CLASSES, number)
        assert trial.settings.dropout == 0.5
        assert list(trial.settings.hidden) == [7]
        assert not {"dropout", "hidden"} & set(trial.changes)


def test_a_short_trial_has_a_whole_schedule_of_a_part_of_the_epochs():
    whole, short = (trial_of(Settings(seed=2), CLASSES, 9, length) for length in (1.0, 0.25))
    epochs = fill(whole.settings, CLASSES).epochs
    assert fill(short.settings, CLASSES).epochs == round(epochs / 4)
    assert replace(short.settings, epochs=None, more_waves=None) == whole.settings
    assert resolve(short.settings, CLASSES).plan.schedule == resolve(whole.settings, CLASSES).plan.schedule
