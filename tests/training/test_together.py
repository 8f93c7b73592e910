"""Members that end together: scripted losses worked by hand, going on, and what is refused."""

import numpy as np
import pytest
from tests.training.test_loop import Scripted, run

from chainrule.engines.base import Data, StepSettings
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.equations.dense import Dense
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.training.checkpoint import Checkpoint
from chainrule.training.initial import initial_parameters
from chainrule.training.loop import fit
from chainrule.training.plan import Plan
from chainrule.training.settings.record import Problem, Settings
from chainrule.training.settings.resolve import resolve

A = [9, 5, 4, 9, 9, 9, 0]
B = [9, 9, 8, 3, 7, 7, 0]


def test_the_mean_is_watched_and_one_epoch_is_kept():
    # The means are 9, 7, 6, 6, 8, 8: the second 6 is no progress, and three epochs without any end both.
    engine = Scripted(A, B)
    result = run(engine, together=True)
    assert (result.stopped, len(result.history)) == ("early stopping", 5)
    assert result.best_epochs == (2, 2)
    assert result.parameters.tolist() == [[2], [2]]
    assert result.losses.tolist() == [6, 6]
    assert [line.watched for line in result.history] == [7, 6, 6, 8, 8]
    assert {active for _, active in engine.calls} == {(0, 1)}
    # Each by itself the first ends after epoch 5, and the other sees epoch 6.
    alone = run(Scripted(A, B))
    assert alone.best_epochs == (2, 6)


def test_a_member_that_diverged_is_left_out_of_the_mean():
    # 9, (5 + 9 + 4) / 3 = 6, then of the first two (2 + 8) / 2 = 5, 6, 8, 8; with the third's 4 the second would be 14/3.
    result = run(Scripted([9, 5, 2, 9, 9, 9, 0], B, [9, 4, None]), together=True)
    assert [line.watched for line in result.history] == [6, 5, 6, 8, 8]
    assert result.best_epochs == (2, 2, 1)
    assert result.parameters.tolist() == [[2], [2], [1]]
    assert set(result.diverged) == {2}
    assert result.stopped == "early stopping"


def test_a_mean_that_is_not_finite_is_no_progress():
    result = run(Scripted([9, 5, 1, 4], [9, 5, float("inf"), 4]), together=True)
    assert result.best_epochs == (3, 3)
    assert result.losses.tolist() == [4, 4]


def test_a_training_goes_on_to_the_same_bits():
    network = Network([2, Dense(4, "tanh"), Dense(1)])
    draws = np.random.default_rng(0)
    x = draws.normal(size=(40, 2))
    folds = np.arange(40).reshape(2, 20)
    data = Data(x, x[:, :1] * x[:, 1:] + draws.normal(size=(40, 1)), folds, folds[::-1])
    start = initial_parameters(network, 2, 0)

    def trained(epochs, resume=None):
        plan = Plan(epochs, 0.2, patience=4, together=True)
        steps = StepSettings(optimizer("adam"), 8)
        return fit(ReferenceEngine(), network, start, data, steps, plan, resume=resume)

    half = trained(3)
    again = trained(30, Checkpoint.from_parts(*half.checkpoint.to_parts()))
    whole = trained(30)
    assert whole.stopped == "early stopping"
    assert len(set(whole.best_epochs)) == 1
    assert again.best_epochs == whole.best_epochs
    assert again.parameters.tobytes() == whole.parameters.tobytes()
    # With rows of its own for each member it is the mean over the folds.
    shown = [line.watched for line in whole.history]
    assert min(shown) == shown[whole.best_epochs[0] - 1] == whole.losses[0] == whole.losses[1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"early_stopping": False}, "stop_together would have no effect: early stopping is off"),
        ({"members": 1}, "stop_together would have no effect: there is one member"),
        (
            {"sharing": "tabm"},
            "stop_together would have no effect: members that share end together as it is",
        ),
        ({"optimizer": "lbfgs"}, "stop_together would have no effect: lbfgs minimizes one member's cost"),
        ({"stop_together": 1}, "stop_together 1 must be True or False"),
    ],
    ids=["no early stopping", "one member", "sharing", "lbfgs", "no flag"],
)
def test_what_has_no_effect_is_refused(settings, message):
    with pytest.raises(SettingsError, match=message):
        resolve(Settings(**{"stop_together": True, **settings}), Problem("regression", 50, 3))
