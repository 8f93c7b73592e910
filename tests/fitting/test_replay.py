"""Replays: the run's own bits, whatever the optimizer, the schedule, the members and the engine; another table is refused."""

import itertools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

import chainrule
from chainrule.cli import main
from chainrule.engines.base import RunState
from chainrule.engines.bits import ARITHMETIC
from chainrule.engines.step import take_step
from chainrule.equations.layout import Layout
from chainrule.equations.optimizers import OptimizerState
from chainrule.errors import SettingsError, TableError
from chainrule.fitting.question import Question
from chainrule.fitting.replay import replay
from chainrule.fitting.train import prepare, train_prepared
from chainrule.model.model import Model
from chainrule.training.settings.record import Settings

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
    "splits": (NUMBERS, {"numeric_embedding": "periodic", "split_start": 0.5}),
    "reference": (CLASSES, {"dropout": 0.3, "engine": "reference"}),
    "float64": (CLASSES, {"dtype": "float64", "dropout": 0.2}),
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


def test_rows_of_the_score_that_another_seed_has_drawn():
    """The card has that seed, where it isn't the training's own; a seed that can't be one is refused at the door."""
    settings = Settings(hidden=[4], epochs=2, members=1, batch_size=16, early_stopping=False, seed=5)

    def of(test_seed: int | None) -> Model:
        question = Question(NUMBERS, "y", test_seed=test_seed)
        return train_prepared(prepare(question, settings), engine="reference").model

    model, own = of(11), of(None)
    assert (model.card["test_seed"], own.card, "test_seed" in own.card) == (11, of(5).card, False)
    assert model.card["data"] != own.card["data"]
    last = model.card["epochs_run"] * -(-model.card["rows"]["training"] // 16)
    for one in (model, Model.from_dict(model.to_dict(), model.arrays())):
        (found,) = replay(one, NUMBERS, last)
        layout = Layout(model.network)
        state = OptimizerState(last - 1, {k: np.float64(a[0]) for k, a in found.state.arrays.items()})
        x, y = found.data.x[found.rows], found.data.y[found.rows]
        step = take_step(
            layout, found.state.parameters[0], state, x, y, found.settings, found.eta, None, None
        )
        np.testing.assert_array_equal(step.parameters, model.parameters[0])
    for wrong in (-1, 2**64, 1.5, True):
        with pytest.raises(SettingsError, match="test_seed"):
            Question(NUMBERS, "y", test_seed=wrong)


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


def test_a_training_with_more_waves_comes_back_beyond_its_planned_epochs():
    waves = {"epochs": 7, "more_waves": 2, "schedule": "coslog4", "stop_together": True, "members": 2}
    model = chainrule.train(NUMBERS, "y", hidden=[8], learning_rate=0.03, patience=20, **waves).model
    assert (model.card["epochs"], model.card["more_waves"]) == (7, 2)
    assert model.card["epochs_run"] == 29  # 7 · 63/15
    (best, _) = model.card["best_epochs"]
    assert best > 7
    steps = best * -(-model.card["rows"]["training"] // model.card["batch_size"])
    again = Model.from_dict(model.to_dict(), model.arrays())
    for member in (1, 2):
        (found,) = replay(again, NUMBERS, steps, member)
        layout, one = Layout(model.network), found.state
        state = OptimizerState(steps - 1, {k: np.float64(a[0]) for k, a in one.arrays.items()})
        x, y = found.data.x[found.rows], found.data.y[found.rows]
        step = take_step(layout, one.parameters[0], state, x, y, found.settings, found.eta, None, None)
        np.testing.assert_allclose(step.parameters, model.parameters[member - 1], rtol=1e-4, atol=1e-6)


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


# ---- what the bits depend on


def with_bits(model, bits):
    card = {name: value for name, value in model.card.items() if name != "bits"}
    return replace(model, card=card if bits is None else {**card, "bits": bits})


@pytest.mark.parametrize("engine", ["cpu", "reference"])
def test_a_card_says_what_the_bits_depend_on(engine):
    told = trained(CLASSES, 1, engine=engine).card["bits"]
    assert (told["arithmetic"], told["chainrule"]) == (ARITHMETIC, chainrule.__version__)
    machine = told["machine"]
    assert machine["numpy"] == np.__version__
    assert machine["dtype"] == ("float32" if engine == "cpu" else "float64")
    assert re.fullmatch(r"\S+ [0-9a-f]{8}", machine["processor"])
    assert machine["c_library"]
    libraries = [each for each in ThreadpoolController().info() if each["user_api"] == "blas"]
    assert machine["blas"].split()[0] in {each["internal_api"] for each in libraries}
    assert any(each["version"] in machine["blas"] for each in libraries)
    assert ({"scipy", "numba", "llvmlite"} <= set(machine)) is (engine == "cpu")


@pytest.mark.parametrize("version", [1, 2])
def test_a_training_of_before_is_opened_and_not_replayed(version):
    model = chainrule.load(Path(__file__).parents[1] / "model" / f"version-{version}.safetensors")
    assert "bits" not in model.card
    with pytest.raises(SettingsError) as error:
        replay(model, CLASSES, 1)
    (line,) = str(error.value).splitlines()
    assert line.startswith("the model was trained by a chainrule before 0.2.0 with arithmetic 1, ")
    assert f"this is chainrule {chainrule.__version__} with arithmetic {ARITHMETIC}" in line
    assert "train it again here" in line


@pytest.mark.parametrize("arithmetic", [1, ARITHMETIC + 3])
def test_another_arithmetic_is_refused_by_both_versions(arithmetic, tmp_path, capsys):
    model = trained(CLASSES, 1)
    path = tmp_path / "m.safetensors"
    with_bits(model, {**model.card["bits"], "arithmetic": arithmetic, "chainrule": "7.5.1"}).save(path)
    again = chainrule.load(path)
    assert again.predict(CLASSES).labels.tolist() == model.predict(CLASSES).labels.tolist()
    with pytest.raises(SettingsError) as error:
        replay(again, CLASSES, 1)
    for part in ("chainrule 7.5.1 with arithmetic", chainrule.__version__, str(arithmetic), str(ARITHMETIC)):
        assert part in str(error.value)
    table = tmp_path / "t.csv"
    table.write_text("a,b,y,weight\n1,u,red,1\n")
    assert main(["explain", str(path), str(table), "--step", "1"]) != 0
    assert "7.5.1" in capsys.readouterr().err


def test_another_machine_is_named_and_what_comes_out_compared():
    options = {"hidden": [8], "epochs": 60, "members": 2, "patience": 3, "learning_rate": 0.03}
    model = chainrule.train(NUMBERS, "y", **options).model
    best = model.card["best_epochs"][1]
    per_epoch = -(-model.card["rows"]["training"] // model.card["batch_size"])
    assert replay(model, NUMBERS, best * per_epoch + 1, 2)[0].notes == ()
    bits = model.card["bits"]
    other = {**bits["machine"], "processor": "abacus 00000000", "moon": "full"}
    moved = with_bits(model, {**bits, "machine": other})
    (early,) = replay(moved, NUMBERS, 1, 2)
    here = bits["machine"]["processor"]
    assert early.notes == (
        "the model was trained on another machine "
        f"(processor abacus 00000000, here {here}, moon full, here none): the last digits may differ from the run's",
    )
    (note,) = replay(moved, NUMBERS, best * per_epoch + 1, 2)[0].notes
    assert note == f"{early.notes[0]}; after epoch {best} the parameters are the model's own, to the bit"
    # A model whose numbers are not those of this machine's training: planted.
    off = moved.with_parameters(lambda group: group.parameters + np.float32(0.5))
    (note,) = replay(off, NUMBERS, best * per_epoch + 1, 2)[0].notes
    assert note.endswith("differ from the model's by up to 0.5")


def test_the_comparison_knows_the_temperature():
    options = {
        "hidden": [8],
        "epochs": 30,
        "members": 2,
        "patience": 3,
        "learning_rate": 0.03,
        "drop": ["weight"],
    }
    model = chainrule.train(CLASSES, "y", calibrate=True, **options).model
    assert model.card["temperature"] not in (None, 1.0)
    best = model.card["best_epochs"][0]
    bits = model.card["bits"]
    moved = with_bits(model, {**bits, "machine": {**bits["machine"], "numpy": "0.0"}})
    per_epoch = -(-model.card["rows"]["training"] // model.card["batch_size"])
    last = per_epoch * model.card["epochs_run"]
    (note,) = replay(moved, CLASSES, min(best * per_epoch + 1, last), 1)[0].notes
    assert f"numpy 0.0, here {np.__version__}" in note
    assert note.endswith("are the model's own, to the bit") is (best * per_epoch < last)


def test_a_step_is_explained_with_the_note(tmp_path, capsys):
    lines = ["a,y", *(f"{a!r},{y!r}" for a, y in zip(NUMBERS["a"], NUMBERS["y"], strict=True))]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    model = chainrule.train(tmp_path / "t.csv", "y", hidden=[2], epochs=1, members=1).model
    bits = model.card["bits"]
    with_bits(model, {**bits, "machine": {**bits["machine"], "blas": "slide rule"}}).save(
        tmp_path / "m.safetensors"
    )
    what = ["explain", str(tmp_path / "m.safetensors"), str(tmp_path / "t.csv"), "--step", "1"]
    assert main(what) == 0
    assert "note: the model was trained on another machine (blas slide rule, here " in capsys.readouterr().err


@pytest.mark.parametrize("start", [{"recipe": True, "bagging": False}, {"linear_path": True}], ids=str)
def test_a_refit_begins_where_its_first_training_did(start):
    """What is fitted to the rows is so to the training rows alone; the validation rows come in later."""
    x = np.random.default_rng(2).random(120)
    table = {"x": x.tolist(), "y": np.sin(12 * x).tolist()}
    how = {"hidden": [8], "members": 1, "epochs": 10, "refit": True, "engine": "reference"}
    made = chainrule.train(table, "y", **how, **start)
    model = made.model
    assert model.card["refit"]
    (best,) = model.card["best_epochs"]
    steps = best * -(-model.card["rows"]["training"] // model.card["batch_size"])
    (found,) = replay(model, table, steps, 1)
    state = OptimizerState(steps - 1, {k: a[0] for k, a in found.state.arrays.items()})
    step = take_step(
        Layout(model.network), found.state.parameters[0], state, found.data.x[found.rows],
        found.data.y[found.rows], found.settings, found.eta, None, found.masks,
    )  # fmt: skip
    np.testing.assert_allclose(step.parameters, model.parameters[0], rtol=1e-9, atol=1e-9)
