"""scikit-learn's rules as a Plan, by scripted losses: what is progress, and what the end of patience does."""

import numpy as np
import pytest
from tests.training.test_loop import Scripted, run

from chainrule.engines.base import Data, StepSettings
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.engines.step import batches, take_step
from chainrule.equations.answers import Answers
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.equations.regularizers import penalty
from chainrule.equations.schedules import schedule
from chainrule.training.loop import fit
from chainrule.training.plan import Plan
from chainrule.training.scores.metrics import Metric
from chainrule.training.scores.watch import Watch

STEPS = {"rule": "best", "rows": "steps", "keep": "last"}


def on_the_way(*losses, **plan):
    """Scripted losses of each epoch; the one of the start is never looked at."""
    return run(Scripted([None, *losses]), validation=0, **{**STEPS, **plan})


def test_slow_progress_does_not_add_up_by_the_rule_of_the_best():
    # Falling by .5 with a tolerance of 1 is never progress, since the best falls along.
    losses = [9.0, 8.5, 8.0, 7.5, 7.0, 6.5]
    by_best = on_the_way(*losses, tolerance=1.0, patience=3)
    assert (by_best.stopped, len(by_best.history)) == ("early stopping", 4)
    assert by_best.losses.tolist() == [7.5]
    by_progress = on_the_way(*losses, tolerance=1.0, patience=3, rule="progress")
    assert by_progress.stopped == "epochs"


def test_better_by_exactly_the_tolerance_is_progress_by_the_rule_of_the_best():
    assert on_the_way(4, 3, 2, 1, tolerance=1.0, patience=1).stopped == "epochs"
    assert on_the_way(4, 4, 4, tolerance=0.0, patience=1).stopped == "epochs"
    result = on_the_way(4, 3, 2, 1, tolerance=1.0, patience=1, rule="progress")
    assert result.stopped == "early stopping"


def test_the_last_can_be_kept_though_training_stops():
    result = on_the_way(9, 5, 7, 8, 9, patience=3)
    assert result.stopped == "early stopping"
    assert result.parameters.tolist() == [[5]]  # as many epochs as there were
    assert result.losses.tolist() == [5]
    best = on_the_way(9, 5, 7, 8, 9, patience=3, keep="best")
    assert best.parameters.tolist() == [[2]]


def test_the_end_of_patience_is_a_plateau_while_the_rate_is_high():
    engine = Scripted([None] + [5.0] * 20)
    plateau = schedule("plateau(factor=0.2, patience=1000)")
    plan = {**STEPS, "patience": 3, "tolerance": 1e-9, "schedule": plateau, "least_rate": 0.01}
    result = run(engine, validation=0, learning_rate=0.8, **plan)
    rates = [rate for (rate,) in engine.rates]
    # 5.0 is progress once; then every three epochs divide by 5, until .0064 <= .01 lets patience end it.
    np.testing.assert_allclose(rates, [0.8] * 4 + [0.16] * 3 + [0.032] * 3 + [0.0064] * 3, rtol=1e-12)
    assert result.stopped == "early stopping"


def test_a_metric_of_which_more_is_better_is_watched():
    network = Network([1, Dense(1, bias="none")])
    values = iter([0.1, 0.4, 0.3, 0.4, 0.2, 0.2, 0.9])
    metric = Metric("scripted", "scripted", lambda y, p, w: next(values), "numbers")

    class WithOutputs(Scripted):
        def outputs(self, rows):
            return np.zeros((1, len(rows), 1))

    engine = WithOutputs([9.0] * 8)
    data = Data(np.zeros((3, 1)), np.zeros((3, 1)), np.array([0]), np.array([1, 2]))
    plan = Plan(7, 0.8, patience=3, rule="best", tolerance=0.05, watch=Watch(metric, Answers("number")))
    result = fit(engine, network, np.zeros((1, 1)), data, StepSettings(optimizer("sgd")), plan)
    # .4 twice is no progress of .05; the first of two equal ones is kept.
    assert result.stopped == "early stopping"
    assert result.best_epochs == (2,)
    assert result.losses.tolist() == [0.4]
    assert [line.watched for line in result.history] == [0.1, 0.4, 0.3, 0.4, 0.2]
    assert [line.validation_loss for line in result.history] == [9.0] * 5


def test_a_loss_on_the_way_has_the_penalty_in_it():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 3))
    data = Data(x, x[:, :1] * 2, np.arange(12), np.arange(0))
    network = Network([3, Dense(4, "tanh", frozen=["W[1,2]"]), Dense(1)], "half_squared_error")
    start = rng.normal(size=(2, 21))
    settings = StepSettings(optimizer("sgd"), batch_size=12, l1=0.1, l2=0.3)
    engine = ReferenceEngine()
    seen = []
    result = fit(engine, network, start, data, settings, Plan(3, 0.05, early_stopping=False), seen.append)
    # One batch: the cost at the parameters before each update, as L-BFGS would be told it.
    before = engine.start(network, start, data, settings)
    costs = [before.loss_and_gradient(member, start[member])[0] for member in range(2)]
    assert result.history[0].training_loss == pytest.approx(np.mean(costs), rel=1e-12)
    # Several batches: the penalty on the way from one end of the epoch to the other.
    few = StepSettings(optimizer("sgd"), batch_size=4, l1=0.1, l2=0.3, shuffle=False)
    costs, w = [], start[:1].copy()
    layout = Layout(network)
    state = few.optimizer.init(w[0], np)
    for rows in batches(data, few, 0, 0):
        step = take_step(layout, w[0], state, data.x[rows], data.y[rows], few, 0.05)
        costs.append(
            float(step.gradients.cost) + float(penalty(w[0], layout.decayed * layout.free, 0.1, 0.3, np))
        )
        w, state = step.parameters[None], step.state
    once = fit(engine, network, start[:1], data, few, Plan(1, 0.05, early_stopping=False))
    assert once.history[0].training_loss == pytest.approx(np.mean(costs), rel=1e-3)


def test_lbfgs_ends_where_it_is_told_to():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(30, 3))
    data = Data(x, np.sin(x[:, :1]), np.arange(30), np.arange(0))
    network = Network([3, Dense(6, "tanh"), Dense(1)], "half_squared_error")
    start = rng.normal(size=(1, 31))

    def epochs(**plan):
        return len(
            fit(
                ReferenceEngine(),
                network,
                start,
                data,
                StepSettings(optimizer("lbfgs"), 30),
                Plan(200, **plan),
            ).history
        )

    loose, tight = epochs(gradient_tolerance=1e-1), epochs(gradient_tolerance=1e-4, cost_tolerance=1e-9)
    assert loose < tight < epochs()
    assert epochs(most_evaluations=5) <= 5
