"""A lesson's network at work: its rows take turns, steps and epochs agree, going on is going on."""

import numpy as np
import pytest

from chainrule.errors import SettingsError
from chainrule.lessons.lesson import read_lesson
from chainrule.lessons.runner import setups_of, walk_lesson
from chainrule.lessons.setup import LONG


def test_epochs_are_steps_and_can_be_gone_on_with(write):
    """Row by row with momentum: four steps, two epochs, and an epoch and two steps are the same bits."""
    changed = ("learning_rate = 0.5", 'learning_rate = 0.5\nbatch = 1\noptimizer = "momentum(mu=0.5)"')
    by_steps, by_epochs, by_both = (setups_of(write(changed))["main"] for _ in range(3))
    for _ in range(4):
        by_steps.step()
    by_epochs.train(2)
    by_both.train(1)
    by_both.step()
    by_both.step()
    assert by_steps.flat.tolist() == by_epochs.flat.tolist() == by_both.flat.tolist()
    assert by_steps.state.t == by_epochs.state.t == by_both.state.t == 4
    assert by_epochs.epochs == 2
    np.testing.assert_array_equal(by_steps.state.arrays["velocity"], by_both.state.arrays["velocity"])


def test_rows_take_turns(write):
    setup = setups_of(write(("learning_rate = 0.5", "batch = 1")))["main"]
    turns = []
    for _ in range(3):
        turns.append(setup.trace().steps[0].rows)
        setup.step()
    assert turns == [(1,), (2,), (1,)]
    assert setup.trace([2, 1]).steps[0].rows == (2, 1)


def test_the_path_of_plain_descent_worked_by_hand():
    """One-neuron: w1 - 1 shrinks by 0.8 and w2 - 1 by 0.2 a step, so after k steps w is known."""
    setup = setups_of(read_lesson("one-neuron"))["calm"]
    seen = {}
    setup.train(6, watch=lambda epoch: seen.update({epoch: setup.flat.copy()}) is not None)
    assert list(seen) == [1, 2, 3, 4, 5, 6]
    for k, flat in seen.items():
        np.testing.assert_allclose(flat, [1 - 2 * 0.8**k, 1 + 2 * 0.2**k], rtol=1e-13)
    np.testing.assert_allclose(setup.cost(setup.training), (4 * 0.8**12 + 16 * 0.2**12) / 4, rtol=1e-12)


def test_a_training_stops_when_the_cost_no_longer_falls():
    setup = setups_of(read_lesson("one-neuron"))["calm"]
    assert setup.train(500, patience=3, tolerance=1e-6) == "early stopping"
    assert setup.epochs < 100
    before = setup.cost(setup.training)
    setup.train(5)  # it can be gone on with
    assert setup.cost(setup.training) < before


def test_marks_say_when_training_is_watched():
    setup = setups_of(read_lesson("one-neuron"))["calm"]
    seen = []

    def watch(epoch):
        seen.append(epoch)
        return epoch == 4

    assert setup.train(9, watch=watch, marks=[2, 4, 7]) == "callback"
    assert seen == [2, 4]
    assert setup.epochs == 4


@pytest.mark.parametrize("batch", [1, 2])
def test_a_long_training_is_the_judge_s_too(batch, write, monkeypatch):
    """The default engine makes long ones, many epochs at a time; the judge makes the same one epoch by epoch."""
    changed = ("learning_rate = 0.5", f'learning_rate = 0.5\nbatch = {batch}\noptimizer = "momentum(mu=0.5)"')
    many, each = (setups_of(write(changed))["main"] for _ in range(2))
    fitted = []
    monkeypatch.setattr(many, "_fit", lambda *given, of=many._fit: fitted.append(given) or of(*given))
    assert many.train(LONG) == "epochs"
    each.train(LONG, watch=lambda _: False)
    assert [(engine.name, rows.shape) for engine, rows, _ in fitted] == [("cpu", (2 * LONG,))]
    assert many.epochs == each.epochs == LONG
    assert many.state.t == each.state.t == 2 * LONG // batch
    np.testing.assert_allclose(many.flat, each.flat, rtol=1e-11)
    np.testing.assert_allclose(many.state.arrays["velocity"], each.state.arrays["velocity"], rtol=1e-9)


def test_dropout_is_drawn_for_the_next_step_and_not_in_prediction():
    setup = setups_of(read_lesson("article-2"))["dropout"]
    first = setup.trace().array("r[1]@row=2")
    assert set(first.tolist()) == {0.0, 2.0}
    setup.step()
    assert setup.trace().array("r[1]@row=2").tolist() != first.tolist()
    assert setup.outputs(setup.x).tolist() == setup.outputs(setup.x).tolist()


def test_a_table_is_scaled_by_its_training_rows_and_undone():
    setup = setups_of(read_lesson("article-1"))["article"]
    assert setup.cells is not None
    np.testing.assert_allclose(setup.x[:, 0], np.arange(9, -1, -1) / 9, rtol=1e-15)
    np.testing.assert_allclose(setup.cells.target.inverse(setup.y[:, 0]), np.arange(10, 0, -1) * 10.0)
    model, table = setup.model()
    assert table.n_rows == 10
    np.testing.assert_allclose(model.outputs(setup.x)[0], setup.outputs(setup.x), rtol=1e-6)


def test_rows_without_targets_are_predicted_and_nothing_else(write):
    setup = setups_of(write(("y = [[0], [1]]", "")))["main"]
    assert setup.trace([1])["a[1][1]"] == 0.5
    for what in (setup.step, lambda: setup.train(1), lambda: setup.losses(setup.training), setup.model):
        with pytest.raises(SettingsError, match="give y"):
            what()


def test_the_outputs_losses_are_summed_or_meant(write):
    """Row 1 of MINE with two outputs: their losses are 1/2·(1/2)² each."""
    two = ("W = [[0.3], [-0.4]]\nb = [0.5]", "W = [[0.3, 0.3], [-0.4, -0.4]]\nb = [0.5, 0.5]")
    changes = (two, ("neurons = 1", "neurons = 2"), ("y = [[0], [1]]", "y = [[0, 0], [1, 1]]"))
    for given, loss in (("", 0.25), ('over_outputs = "sum"\n', 0.25), ('over_outputs = "mean"\n', 0.125)):
        lesson = write(
            *changes, ("learning_rate", f"{given}learning_rate"), ('"loss" = 0.125', f'"loss" = {loss}')
        )
        (step, _) = walk_lesson(lesson)
        assert step.ok, given
