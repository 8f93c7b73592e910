"""Trainings that are gone on with: the same bits as without a break, in either engine."""

from dataclasses import replace

import numpy as np
import pytest
from agreement import Case

from chainrule.engines.cpu.engine import CpuEngine
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.equations.optimizers import OPTIMIZERS
from chainrule.errors import SettingsError

STEPPING = [record.name for record in OPTIMIZERS.values() if record.lines]
CASE = Case(
    hidden=(6, 5),
    loss="categorical_cross_entropy",
    outputs=3,
    rows=50,
    batch_size=8,
    members=3,
    dropout=0.3,
    weight_decay=0.1,
    optimizer="adam",
)
STEPS = 7
RATES = np.linspace(0.02, 0.01, STEPS)
ENGINES = {
    "cpu": CpuEngine(np.float32, 2),
    "cpu float64": CpuEngine(np.float64, 1),
    "reference": ReferenceEngine(),
}
engines = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)


def start(engine, case, resume=None):
    flat, data = case.arrays(np.float32)
    return engine.start(case.network, flat * (1 if resume is None else 7), data, case.settings, resume)


@engines
@pytest.mark.parametrize("name", STEPPING)
def test_going_on_gives_the_same_bits_as_not_stopping(engine, name):
    case = replace(CASE, optimizer=name, weight_decay=0.1 if name == "adamw" else 0.0)
    whole = start(engine, case)
    for epoch in range(4):
        whole.train_epoch(epoch, RATES, [0, 1, 2])
    first = start(engine, case)
    for epoch in range(2):
        first.train_epoch(epoch, RATES, [0, 1, 2])
    state = first.state()
    second = start(engine, case, state)
    for epoch in range(2, 4):
        second.train_epoch(epoch, RATES, [0, 1, 2])
    assert second.parameters.tobytes() == whole.parameters.tobytes()
    for key, array in whole.state().arrays.items():
        assert second.state().arrays[key].tobytes() == array.tobytes()
    assert second.state().steps.tolist() == [4 * STEPS] * 3
    # The state was a copy: nothing that came after touched it.
    assert state.steps.tolist() == [2 * STEPS] * 3
    assert state.parameters.tobytes() == first.parameters.tobytes()


@engines
def test_fewer_rates_make_fewer_steps(engine):
    """The first three steps of an epoch, then nothing; the loss is that of their 24 rows."""
    part, whole = start(engine, CASE), start(engine, CASE)
    report = part.train_epoch(0, RATES[:3], [0, 2])
    assert part.state().steps.tolist() == [3, 0, 3]
    assert np.isnan(report.losses[1])
    # One step is an epoch of a batch alone, so three runs of one step more than the last show each step's loss.
    losses = []
    for count in (1, 2, 3):
        run = start(engine, CASE)
        losses.append(run.train_epoch(0, RATES[:count], [0]).losses[0] * count)
    assert report.losses[0] == pytest.approx(losses[2] / 3)
    assert losses[0] < losses[1] < losses[2]
    whole.train_epoch(0, RATES, [0, 1, 2])
    assert not np.array_equal(part.parameters[0], whole.parameters[0])


@engines
def test_members_may_have_made_different_numbers_of_steps(engine):
    """A member that joins later is the same as one that was always alone."""
    both = start(engine, CASE)
    both.train_epoch(0, RATES, [0])
    both.train_epoch(1, RATES, [0, 1])
    alone = start(engine, CASE)
    alone.train_epoch(1, RATES, [1])
    assert both.state().steps.tolist() == [2 * STEPS, STEPS, 0]
    assert both.parameters[1].tobytes() == alone.parameters[1].tobytes()


def test_engines_go_on_from_each_other():
    """Reference goes on where cpu stopped, to rounding."""
    mine = start(ENGINES["cpu float64"], CASE)
    mine.train_epoch(0, RATES, [0, 1, 2])
    judge = start(ENGINES["reference"], CASE, mine.state())
    mine.train_epoch(1, RATES, [0, 1, 2])
    judge.train_epoch(1, RATES, [0, 1, 2])
    np.testing.assert_allclose(mine.parameters, judge.parameters, rtol=1e-10, atol=1e-13)


@engines
def test_a_state_that_does_not_fit_is_refused(engine):
    state = start(engine, CASE).state()
    wrong = {
        "the state has m, v, but sgd goes on from nothing": (replace(CASE, optimizer="sgd"), state),
        r"the state's m are \(3, 5\)": (
            CASE,
            state._replace(arrays={**state.arrays, "m": np.zeros((3, 5))}),
        ),
        r"the state's steps are \(2,\), but \(3,\) is needed": (CASE, state._replace(steps=np.zeros(2))),
    }
    for message, (case, given) in wrong.items():
        with pytest.raises(SettingsError, match=message):
            start(engine, case, given)


@engines
@pytest.mark.parametrize("count", [0, 8])
def test_rates_that_do_not_fit_the_epoch_are_refused(engine, count):
    with pytest.raises(SettingsError, match=f"{count} learning rates don't fit an epoch of 7 steps"):
        start(engine, CASE).train_epoch(0, np.full(count, 0.1), [0])
