"""Replays: the run's own bits, whatever the optimizer, the schedule, the members and the engine; another table is refused."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

import chainrule
from chainrule.engines.base import RunState
from chainrule.engines.step import take_step
from chainrule.equations.layout import Layout
from chainrule.equations.optimizers import OptimizerState
from chainrule.errors import SettingsError, TableError
from chainrule.fitting.replay import replay

RNG = np.random.default_rng(0)
N = 90
CLASSES = {
    "a": RNG.normal(size=N).tolist(),
    "b": RNG.choice(["u", "v", "w"], N).tolist(),
    "y": RNG.choice(["red", "green", "blue"], N).tolist(),
    "weight": RNG.integers(0, 3, N).tolist(),
}
CLASSES["y"][7] = CLASSES["y"][40] = None  # rows without a target are no training rows
NUMBERS = {"a": CLASSES["a"], "b": CLASSES["b"], "y": [x**3 + 1 for x in CLASSES["a"]]}

RUNS = {
    "adam with dropout": (CLASSES, {"dropout": 0.3}),
    "momentum, weights, warm-up": (CLASSES, {"optimizer": "momentum", "weights": "weight", "warmup": 1.5}),
    "nesterov, clipped": (NUMBERS, {"optimizer": "nesterov", "clip_norm": 0.1, "l1": 1e-3}),
    "adamw, decay": (NUMBERS, {"optimizer": "adamw", "schedule": "step(every=2,gamma=0.5)"}),
    "whole table": (NUMBERS, {"optimizer": "gradient_descent", "learning_rate": 0.1}),
    "reference": (CLASSES, {"dropout": 0.3, "engine": "reference"}),
    "no test rows": (CLASSES, {"test_share": 0.0, "validation_share": 0.0}),
}


def trained(table, epochs, **options):
    columns = {"drop": ["weight"]} if "weight" in table and "weights" not in options else {}
    options = {"batch_size": 16, **options} if options.get("optimizer") != "gradient_descent" else options
    return chainrule.train(
        table,
        "y",
        hidden=[6, 4],
        epochs=epochs,
        members=3,
        early_stopping=False,
        seed=5,
        **columns,
        **options,
    ).model


@pytest.mark.parametrize("name", RUNS)
def test_the_parameters_on_the_way_are_the_run_s_own_bits(name):
    table, options = RUNS[name]
    short, long = trained(table, 3, **options), trained(table, 4, **options)
    per_epoch = -(-long.card["rows"]["training"] // long.card["batch_size"])
    for member in (1, 3):
        (found,) = replay(long, table, 3 * per_epoch + 1, member)
        assert found.state.parameters.dtype == short.parameters.dtype
        assert found.state.parameters[0].tobytes() == short.parameters[member - 1].tobytes()
        assert found.state.steps.tolist() == [3 * per_epoch]
        assert found.epoch == 3


def test_the_best_epoch_s_parameters_come_back():
    model = chainrule.train(
        NUMBERS, "y", hidden=[8], epochs=60, members=3, patience=3, learning_rate=0.03
    ).model
    per_epoch = -(-model.card["rows"]["training"] // model.card["batch_size"])
    seen = 0
    for member, best in enumerate(model.card["best_epochs"], 1):
        if best < model.card["epochs_run"]:
            (found,) = replay(model, NUMBERS, best * per_epoch + 1, member)
            assert found.state.parameters[0].tobytes() == model.parameters[member - 1].tobytes()
            seen += 1
    assert seen


def test_members_left_out_don_t_shift_the_others():
    # Only members that got better are kept; the replay needs the number each had in training.
    model = trained(CLASSES, 3)
    card = {**model.card, "members": {"trained": 3, "kept": [2, 3]}}
    part = replace(model.with_parameters(lambda group: group.parameters[1:]), card=card)
    want = replay(model, CLASSES, 7, 3)[0]
    found = replay(part, CLASSES, 7, 2)[0]
    assert found.state.parameters.tobytes() == want.state.parameters.tobytes()
    assert (found.rows == want.rows).all()


@pytest.mark.parametrize("engine", ["cpu", "reference"])
def test_each_step_leads_to_the_next(engine):
    model = trained(CLASSES, 2, dropout=0.3, engine=engine, weight_decay=0.1)
    per_epoch = -(-model.card["rows"]["training"] // 16)
    steps = list(range(1, 2 * per_epoch + 1))
    found = replay(model, CLASSES, steps, 2)
    layout = Layout(model.network)
    for before, after in itertools.pairwise(found):
        state = OptimizerState(before.step - 1, {k: np.float64(a[0]) for k, a in before.state.arrays.items()})
        step = take_step(
            layout, np.float64(before.state.parameters[0]), state, before.data.x[before.rows], before.data.y[before.rows],
            before.settings, before.eta, None, before.masks,
        )  # fmt: skip
        if engine == "reference":
            assert step.parameters.tobytes() == after.state.parameters[0].tobytes()
        np.testing.assert_allclose(step.parameters, after.state.parameters[0], rtol=2e-4, atol=2e-6)
        np.testing.assert_allclose(step.state.arrays["m"], after.state.arrays["m"][0], rtol=1e-3, atol=1e-6)
    rows = np.concatenate([part.rows for part in found[:per_epoch]])
    assert sorted(rows) == list(range(model.card["rows"]["training"]))  # an epoch sees every row once


def test_a_row_s_number_is_its_place_in_the_table():
    model = trained(CLASSES, 2)
    (found,) = replay(model, CLASSES, 3)
    table = chainrule.Model.table(model, CLASSES)
    for row, number in zip(found.rows, found.numbers, strict=True):
        x = model.encoder.transform(table.take([number - 1]))
        assert (x[0] == found.data.x[row]).all()
    assert not {8, 41} & set(found.numbers)


def test_a_replay_can_begin_at_a_state():
    model = trained(CLASSES, 4, dropout=0.3)
    per_epoch = -(-model.card["rows"]["training"] // 16)
    want = replay(model, CLASSES, 3 * per_epoch + 2, 2)[0].state
    half = replay(model, CLASSES, 2 * per_epoch + 1, 2)[0].state
    spread = [np.repeat(a, 3, axis=0) for a in (half.parameters, half.steps)]
    state = RunState(spread[0], {k: np.repeat(a, 3, axis=0) for k, a in half.arrays.items()}, spread[1])
    found = replay(model, CLASSES, 3 * per_epoch + 2, 2, state=state)[0].state
    assert found.parameters.tobytes() == want.parameters.tobytes()
    with pytest.raises(SettingsError, match=f"after step {2 * per_epoch}, past step 1"):
        replay(model, CLASSES, 1, 2, state=state)
    with pytest.raises(SettingsError, match="in the middle of an epoch"):
        replay(model, CLASSES, 15, 2, state=state._replace(steps=state.steps + 1))


def test_plateaus_are_met_again():
    options = {"schedule": "plateau(factor=0.5,patience=1)", "learning_rate": 0.3, "batch_size": 16}
    long = chainrule.train(NUMBERS, "y", hidden=[4], epochs=25, members=2, patience=25, **options)
    assert long.model.card["plateaus"]
    rates = [line.learning_rate for line in long.fit.history]
    per_epoch = -(-long.model.card["rows"]["training"] // 16)
    for epoch, rate in enumerate(rates):
        (found,) = replay(long.model, NUMBERS, epoch * per_epoch + 1, 1) if epoch % 6 == 0 else [None]
        assert found is None or found.eta == rate
    for member, best in enumerate(long.model.card["best_epochs"], 1):
        if best < len(rates):
            (found,) = replay(long.model, NUMBERS, best * per_epoch + 1, member)
            assert found.state.parameters[0].tobytes() == long.model.parameters[member - 1].tobytes()


def test_what_can_t_be_replayed_says_why():
    model = trained(CLASSES, 2)
    with pytest.raises(TableError, match="is not the table that the model was trained on"):
        replay(model, {**CLASSES, "a": CLASSES["a"][::-1]}, 1)
    with pytest.raises(TableError, match="is not the table"):
        replay(model, {name: values[:-5] for name, values in CLASSES.items()}, 1)
    with pytest.raises(TableError, match="is not the table"):
        replay(model, {name: [None] * N if name == "y" else values for name, values in CLASSES.items()}, 1)
    last = 2 * -(-model.card["rows"]["training"] // 16)
    with pytest.raises(SettingsError, match=f"no step {last + 1}; the training made steps 1 to {last}"):
        replay(model, CLASSES, last + 1)
    with pytest.raises(SettingsError, match="there is no member 4: the model has 3 members"):
        replay(model, CLASSES, 1, 4)
    bare = chainrule.Model(model.groups, model.encoder, model.target)
    with pytest.raises(SettingsError, match="no training card"):
        replay(bare, CLASSES, 1)
    whole = chainrule.train(NUMBERS, "y", hidden=[3], optimizer="lbfgs", epochs=2, members=1).model
    with pytest.raises(SettingsError, match="lbfgs sees the whole table"):
        replay(whole, NUMBERS, 1)
