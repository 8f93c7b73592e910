"""Features 12 and 13: edits make branches; what follows is the equations', the trunk stays, and training goes on as fit would."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.studio.studio_browser import PENGUINS
from tests.studio.watched import course_of_network, numbers_of, watched

import chainrule
from chainrule import Dense, Network
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.fitting.replay import replay
from chainrule.model.group import Group
from chainrule.model.model import Model
from chainrule.studio.shown.frames import Framer
from chainrule.studio.training import edited_rows
from chainrule.studio.training import edits as edits_module
from chainrule.studio.training.edits import as_one_edit, edited
from chainrule.studio.training.made import Made
from chainrule.studio.training.opening import opened_lesson, opened_model, opened_table
from chainrule.studio.web.stream import Hub
from chainrule.studio.web.stream import _joined as joined_curves
from chainrule.training.loop import fit
from effort import many


def penguins(target: str = "species", **given):
    return opened_table(PENGUINS, {"target": target}, {"epochs": 6, "hidden": (3,), **given})


def branch(made, at: int, *edits, member: int = 0):
    """Return the course of a branch and what is told of it, made without a studio."""
    begun = replace(made.course, start=made.tape.rows(at))
    return edited(begun, list(edits), member)


def agrees(frame, made) -> bool:
    """Tell whether the activations that a frame shows are those of the equations with the parameters and the row shown."""
    course, drawn = made.course, made.drawn.neurons
    flat = np.asarray(made.tape.state(frame["t"], frame["member"] - 1).parameters, np.float64)
    place = course.places[frame["row"]]
    record = course.network.forward(course.layout.unflatten(flat), course.data.x[place : place + 1], np)
    shown = numbers_of(frame["arrays"]["neurons"]["a"])
    own = [record.x[0, j] if layer == 0 else record.layers[layer - 1].a[0, j] for layer, j in drawn]
    return bool(np.allclose(shown, own, rtol=1e-12, atol=0))


NUMBER = {"kind": "number", "address": "W[1][1,2]", "value": 0.9}


@pytest.fixture(scope="module")
def five():
    with watched(opened_lesson("article-5")) as made:
        yield made


@pytest.fixture(scope="module")
def birds():
    with watched(penguins()) as made:
        yield made


def test_feature_12_a_number_is_set_and_what_follows_is_the_equations(five):
    five.do("seek", t=3)
    before = five.frame
    frame = five.do("edit", edits=[NUMBER])
    assert (frame["t"], frame["branch"]["at"], frame["branch"]["from"]) == (0, 3, 1)
    assert five.studio.number({"address": "W[1][1,2]"})["value"] == 0.9
    assert agrees(frame, five.studio.made)
    assert frame["cost"] != before["cost"]
    (one,) = frame["branch"]["edits"]
    assert (one["address"], float(one["new"])) == ("W[1][1,2]", 0.9)
    # What was there is told wherever it is another number now, and nowhere else.
    was = frame["was"]
    assert was["cost"] == before["cost"]
    for name in ("a", "z", "delta"):
        old, new = (numbers_of(each["arrays"]["neurons"][name]) for each in (before, frame))
        told = numbers_of(was["arrays"]["neurons"][name])
        other = (old != new) & ~np.isnan(old)
        np.testing.assert_array_equal(told[other], old[other])
        assert np.isnan(told[~other]).all()
    assert (~np.isnan(numbers_of(was["arrays"]["edges"]["weight"]))).sum() == 1
    five.do("undo")


def cost_on(course, flat, rows) -> float:
    """The cost of some rows, by the equations alone."""
    p, data = course.layout.unflatten(np.asarray(flat, np.float64)), course.data
    record = course.network.forward(p, data.x[rows], np)
    return float(course.network.cost(record, data.y[rows], np, None))


@pytest.mark.parametrize("kind", ["number", "cells", "row"])
def test_feature_12_costs_before_and_after_a_change_are_of_the_same_rows(birds, kind):
    birds.do("seek", t=5)
    trunk = birds.studio.made
    old = np.array(trunk.tape.state(5, 0).parameters)
    row = int(trunk.course.numbers[0])
    edit = {
        "number": NUMBER,
        "cells": {"kind": "cells", "row": row, "cells": {"body_mass_g": 2700}},
        "row": {"kind": "row", "row": row, "cells": {"body_mass_g": 6300}},
    }[kind]
    frame = birds.do("edit", edits=[edit])
    made = birds.studio.made
    rows = made.lookout.batch(0, 0)
    assert frame["batch"]["size"] == len(rows) > 1
    was, new = frame["was"], made.tape.state(0, 0).parameters
    assert frame["cost"] == pytest.approx(cost_on(made.course, new, rows), rel=1e-12)
    before = trunk.course if rows.max() < len(trunk.course.data.x) else made.course
    expected = cost_on(before, old, rows)
    if before is made.course:  # there is nothing to compare a new row with
        assert was["cost"] is None
    else:
        assert was["cost"] == pytest.approx(expected, rel=1e-12)
    if kind == "row":
        assert (was["row_loss"], was["answer"]) == (None, None)
    # The next batch of the trunk has other rows, which tell nothing of the change.
    assert not np.array_equal(trunk.lookout.batch(5, 0), rows)
    birds.do("undo")


def test_feature_12_a_planted_error_in_what_follows_is_seen(five, monkeypatch):
    five.do("seek", t=3)
    with monkeypatch.context() as patched:
        own = Framer.numbers

        def wrong(self, look, index, *, quick=False):
            found = own(self, look, index, quick=quick)
            found["neurons"]["a"] *= 1.001
            return found

        patched.setattr(Framer, "numbers", wrong)
        frame = five.do("edit", edits=[NUMBER])
        assert not agrees(frame, five.studio.made)
        five.do("undo")


def test_feature_12_undo_restores_the_bits_and_the_trunk_was_never_touched(five):
    five.do("seek", t=13)
    tape, before = five.studio.made.tape, five.frame
    digests = [tape.state(t).parameters.tobytes() for t in range(14)]
    for edit in (NUMBER, {"kind": "frozen", "address": "W[2][1,2]", "frozen": True},
                 {"kind": "setting", "name": "learning_rate", "value": 0.7}):  # fmt: skip
        five.do("edit", edits=[edit])
    five.do("step", grain="epoch", by=2)
    assert five.studio.made.tape is not tape
    for _ in range(3):
        five.do("undo")
    frame = five.frame
    assert five.studio.made.tape is tape
    assert [tape.state(t).parameters.tobytes() for t in range(14)] == digests
    same = ("t", "cost", "row_loss", "answer", "arrays", "row", "run", "branch")
    assert {name: frame.get(name) for name in same} == {name: before.get(name) for name in same}
    assert "nothing to undo" in five.problem("undo")


EDITS = (
    {"kind": "number", "address": "W[2][1,2]", "value": -0.75},
    {"kind": "number", "address": "b[1][3]", "value": 0.25},
    {"kind": "frozen", "address": "W[1][1,2]", "frozen": True},
    {"kind": "activation", "layer": 1, "name": "tanh"},
    {"kind": "setting", "name": "learning_rate", "value": 0.02},
    {"kind": "setting", "name": "l2", "value": 0.01},
    {"kind": "setting", "name": "optimizer", "value": "momentum"},
    {"kind": "setting", "name": "dropout", "value": 0.25},
    {"kind": "setting", "name": "batch_size", "value": 64},
    {"kind": "cells", "row": 15, "cells": {"bill_length_mm": 55.5, "island": None, "species": "Gentoo"}},
    {"kind": "row", "row": 15, "cells": {"bill_length_mm": 40, "species": "Chinstrap"}},
)


def trains_as_fit(made) -> int:
    """Train the run shown to its end, hold each epoch against `fit` from its start, bit by bit; return the epochs."""
    course = made.studio.made.course
    made.train()
    tape, states = made.studio.made.tape, []
    result = fit(
        course.engine, course.network, course.start, course.data, course.settings, course.plan,
        lambda state: states.append(state.run.parameters[0].tobytes()),
    )  # fmt: skip
    epochs = range(1, tape.epochs + 1)
    assert [tape.state(e * tape.steps_per_epoch).parameters.tobytes() for e in epochs] == states
    assert made.studio.made.worker.result.parameters.tobytes() == result.parameters.tobytes()
    frozen = np.flatnonzero(course.layout.free == 0)
    assert len(frozen)
    assert (tape.state(0).parameters[frozen] == tape.state(tape.frontier).parameters[frozen]).all()
    return len(result.history)


def test_feature_12_training_goes_on_from_the_branch_as_fit_from_those_parameters(five):
    five.do("seek", t=13)
    epochs = {"kind": "setting", "name": "epochs", "value": 5}
    cells = {"kind": "cells", "row": 1, "cells": {"x[1]": 0.4, "y[1]": 0.2}}
    five.do("edit", edits=[NUMBER, *EDITS[2:6], EDITS[6], cells, {"kind": "row", "row": 1}, epochs])
    assert trains_as_fit(five) == 5
    five.do("undo")


@pytest.mark.slow  # a variant of the cpu engine is compiled
def test_feature_12_training_goes_on_from_the_branch_of_a_table_too(birds):
    birds.do("seek", t=13)
    birds.do("edit", edits=list(EDITS))
    assert trains_as_fit(birds) == 6
    birds.do("undo")


DRAW = np.random.default_rng(4)
COURSE = course_of_network(
    Network([2, Dense(3, "sigmoid"), Dense(2)]),
    DRAW.normal(size=(8, 2)),
    DRAW.normal(size=(8, 2)),
    optimizer=optimizer("adam"),
)


@pytest.fixture(scope="module")
def wound():
    """A small training with all its states."""
    made = Made(COURSE, lambda made, what: None)
    made.worker.start()
    made.worker.go(6)
    made.worker._thread.join(20)
    assert made.tape.last == 6
    return made


@settings(max_examples=many(12))
@given(chosen=st.lists(st.sampled_from(EDITS[:9]), min_size=1, max_size=5), at=st.integers(0, 6))
def test_feature_12_edits_begin_where_the_trunk_stood_and_change_no_more(wound, chosen, at):
    start = wound.tape.rows(at)
    made, told = branch(wound, at, *chosen)
    different = {made.layout.address(int(i)) for i in np.flatnonzero(made.start[0] != start[0])}
    assert different <= {edit["address"] for edit in chosen if edit["kind"] == "number"}
    assert wound.tape.rows(at).tobytes() == start.tobytes()
    assert len(as_one_edit(told)) == len(
        {(edit["kind"], edit.get("address"), edit.get("name")) for edit in chosen}
    )
    # Frozen and back is as it was.
    back, _ = branch(wound, at, *chosen, {"kind": "frozen", "address": "W[1][1,2]", "frozen": False})
    assert not back.network.layers[0].frozen


def test_feature_12_what_is_dragged_is_one_edit_to_be_undone(five):
    five.do("seek", t=2)
    five.do("edit", edits=[{**NUMBER, "value": 0.1}])
    for value in (0.2, 0.3, 0.4):
        five.do("edit", edits=[{**NUMBER, "value": value}], again=True)
    five.do("edit", edits=[{"kind": "number", "address": "b[2][1]", "value": 1}])
    assert [one["new"] for one in five.frame["branch"]["edits"]] == ["0.4", "1.0"]
    five.do("undo")
    assert five.frame["branch"]["number"] != 1
    five.do("undo")
    assert (five.frame["branch"], five.frame["t"]) == (None, 2)


def test_feature_12_a_frozen_bias_of_a_layer_stays_and_its_others_learn(five):
    five.do("reset")
    before = five.studio.made.tape.state(0).parameters
    five.do("edit", edits=[{"kind": "frozen", "address": "W[2][2,1]", "frozen": True}])
    assert "W[2][2,1]" in five.frame["frozen"]
    five.do("step", grain="update", by=2)
    after = five.studio.made.tape.state(2).parameters
    at = five.studio.made.course.layout.place(2, "W[2,1]", "")
    assert set(np.flatnonzero(before == after)) >= {at}
    assert (before != after).sum() >= 6
    five.do("undo")


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"kind": "number", "address": "W[1][9,9]", "value": 1}, "W[9,9]"),
        ({"kind": "number", "address": "W[7][1,1]", "value": 1}, "there is no layer 7: choose 1 to 2"),
        ({"kind": "number", "address": "z[1][1]", "value": 1}, "a weight or a bias can"),
        ({"kind": "number", "address": "W[1]", "value": 1}, "a weight or a bias can"),
        ({"kind": "number", "address": "W[1][1,1]", "value": "much"}, "set to a number, not to 'much'"),
        ({"kind": "activation", "layer": 1, "name": "rleu"}, "did you mean 'relu'"),
        ({"kind": "activation", "layer": 2, "name": "relu"}, "goes with the loss"),
        ({"kind": "activation", "layer": 5, "name": "relu"}, "no hidden layer 5"),
        ({"kind": "setting", "name": "learning_rat", "value": 1}, "did you mean 'learning_rate'"),
        ({"kind": "setting", "name": "learning_rate", "value": -1}, "must be"),
        ({"kind": "setting", "name": "optimizer", "value": "lbfgs"}, "no steps that can be shown"),
        ({"kind": "cells", "row": 999, "cells": {"island": "Dream"}}, "row 999 is none"),
        ({"kind": "cells", "row": 15, "cells": {"iland": "Dream"}}, "did you mean 'island'"),
        ({"kind": "cells", "row": 15, "cells": {"bill_length_mm": "long"}}, "'long'"),
        ({"kind": "cells", "row": 15, "cells": {"species": None}}, "can't be missing"),
        ({"kind": "cells", "row": 15, "cells": {"species": "Emperor"}}, "Emperor"),
        ({"kind": "cells", "row": 15}, "no cell is named"),
    ],
)  # fmt: skip
def test_feature_12_what_cannot_be_is_one_line(birds, edit, words):
    said = birds.problem("edit", edits=[edit])
    assert words in said
    assert "\n" not in said
    assert birds.frame["branch"] is None


SINGLE = 2e-6
"""A model predicts in float32."""

ROWS = (
    {"island": None},
    {"island": "Atlantis"},
    {"bill_length_mm": None, "sex": None},
    {"bill_length_mm": "61.5", "island": "Biscoe"},
    {"body_mass_g": 2500, "year": 2030},
    {"sex": "neither", "bill_depth_mm": ""},
)


def own_prediction(made, number: int, cells) -> tuple:
    """Return what the model of the parameters shown predicts for a row with other cells, by `Model.predict` of a table."""
    course = made.course
    flat = made.tape.state(0).parameters[None]
    model = Model((Group(course.network, flat),), course.reads.encoder, course.reads.target)
    row = course.rows.take([course.places[number]]).frame
    for name, cell in cells.items():
        text = None if cell in (None, "") else str(cell)
        series = pl.Series(name, [text], pl.String)
        number_like = row[name].dtype.is_numeric() and text is not None
        row = row.with_columns(series.cast(pl.Float64) if number_like else series)
    found = model.predict(row)
    return found, model


@pytest.mark.parametrize("cells", ROWS)
def test_feature_13_the_prediction_shown_is_that_of_the_edited_row(birds, cells):
    birds.do("seek", t=9)
    frame = birds.do("edit", edits=[{"kind": "cells", "row": 15, "cells": cells}])
    assert frame["row"] == 15
    found, _ = own_prediction(birds.studio.made, 15, cells)
    assert frame["answer"]["value"] == found.labels[0]
    shown = [one["value"] for one in frame["answer"]["each"]]
    np.testing.assert_allclose(shown, found.probabilities[0], rtol=SINGLE)
    by_column = {one["column"]: one for one in frame["cells"]}
    for name, cell in cells.items():
        assert by_column[name]["cell"] == ("" if cell in (None, "") else str(cell))
    assert {one["words"].split(": ")[1].split(" from")[0] for one in frame["branch"]["edits"]} == set(cells)
    birds.do("undo")


def test_feature_13_a_number_is_predicted_in_its_units_and_the_truth_can_be_set():
    with watched(penguins("body_mass_g")) as made:
        cells = {"flipper_length_mm": 240, "species": None, "body_mass_g": 9000}
        frame = made.do("edit", edits=[{"kind": "cells", "row": 20, "cells": cells}])
        assert frame["answer"]["truth"] == 9000
        found, _ = own_prediction(
            made.studio.made, 20, {k: v for k, v in cells.items() if k != "body_mass_g"}
        )
        np.testing.assert_allclose(frame["answer"]["value"], found.labels[0], rtol=SINGLE)


def test_feature_13_a_planted_error_in_the_encoding_is_seen(birds, monkeypatch):
    own = edited_rows._encoded
    monkeypatch.setattr(edited_rows, "_encoded", lambda *all: (own(*all)[0] * 1.001, own(*all)[1]))
    frame = birds.do("edit", edits=[{"kind": "cells", "row": 15, "cells": {"bill_length_mm": 61}}])
    found, _ = own_prediction(birds.studio.made, 15, {"bill_length_mm": 61})
    shown = [one["value"] for one in frame["answer"]["each"]]
    assert not np.allclose(shown, found.probabilities[0], rtol=SINGLE, atol=0)
    birds.do("undo")


def test_feature_13_a_lesson_s_numbers_are_set_by_name_and_by_address(five):
    for name in ("x[1]", five.studio.made.course.inputs[0]):
        frame = five.do("edit", edits=[{"kind": "cells", "row": 1, "cells": {name: 0.75, "y[2]": 0.5}}])
        assert five.studio.number({"address": "x[1]"})["value"] == 0.75
        assert frame["answer"]["truth"][1] == 0.5
        assert agrees(frame, five.studio.made)
        five.do("undo")
    said = five.problem("edit", edits=[{"kind": "cells", "row": 1, "cells": {"x[1]": None}}])
    assert "set to a number here" in said


def test_feature_13_an_added_row_is_trained_on_and_the_score_stays_about_the_table_s_rows(birds):
    birds.do("seek", t=9)
    before = birds.studio.made.course
    frame = birds.do(
        "edit", edits=[{"kind": "row", "row": 15, "cells": {"bill_length_mm": 30, "species": "Gentoo"}}]
    )
    course = birds.studio.made.course
    assert frame["row"] == int(course.numbers[-1]) > int(before.numbers.max())
    assert len(course.data.x) == len(before.data.x) + 1
    assert course.data.train[-1] == len(before.data.x)
    assert course.data.y[-1].tolist() != before.data.y[before.places[15]].tolist()
    assert course.prepared.arrays.x is before.prepared.arrays.x
    hello = birds.studio.hello()
    assert hello["rows"]["training"] == before.n_training + 1
    assert hello["rows"]["validation"] == len(before.numbers) - before.n_training
    birds.do("undo")


def test_feature_12_branches_answer_without_waiting_for_training(birds):
    birds.do("seek", t=9)
    birds.do("edit", edits=[NUMBER])
    for step in range(20):
        birds.do("edit", edits=[{**NUMBER, "value": 0.1 * step}], again=True)
    assert not birds.studio.made.worker.started
    birds.do("undo")


def test_feature_12_a_member_is_edited_and_those_that_share_keep_sharing():
    with watched(penguins(members=3)) as made:
        made.do("seek", t=5)
        made.do("member", number=2)
        before = made.studio.made.tape.rows(5)
        made.do("edit", edits=[NUMBER])
        start = made.studio.made.course.start
        assert (start != before).sum(axis=1).tolist() == [0, 1, 0]
    with watched(penguins(members=2, sharing="tabm")) as made:
        made.do("seek", t=5)
        made.do("member", number=2)
        old = [made.studio.made.tape.state(5, k).parameters for k in (0, 1)]
        frame = made.do("edit", edits=[NUMBER])
        new = [made.studio.made.tape.state(0, k).parameters for k in (0, 1)]
        at = made.studio.made.course.layout.place(1, "W[1,2]", "")
        assert new[1][at] == pytest.approx(0.9, rel=1e-12)
        # What is shared is one number, so the other member's weight goes along; all else stays.
        assert [np.flatnonzero(a != b).tolist() for a, b in zip(old, new, strict=True)] == [[at], [at]]
        assert frame["branch"]["edits"][0]["address"] == "W[1][1,2]"
        made.do("step", grain="update", by=1)


def test_feature_12_another_window_cannot_edit(five):
    five.studio.command({"do": "take_over", "client": "one"})
    for command in ({"do": "edit", "edits": [NUMBER]}, {"do": "undo"}, {"do": "run", "number": 1}):
        assert "another window steers" in five.studio.command({**command, "client": "two"})["problem"]
    five.studio.state = replace(five.studio.state, driver=None)


def test_feature_12_edits_are_counted():
    with pytest.raises(SettingsError, match="give 1 to"):
        edited(COURSE, [], 0)
    with pytest.raises(SettingsError, match="give 1 to"):
        edited(COURSE, [EDITS[0]] * (edits_module.MOST_EDITS + 1), 0)


def test_feature_12_a_branch_s_model_is_taken_as_a_file_and_no_command_claims_to_make_it(birds, tmp_path):
    birds.do("seek", t=9)
    birds.do("edit", edits=[NUMBER, EDITS[3]])
    for what in ("command", "python"):
        with pytest.raises(SettingsError, match="no word of a command"):
            birds.studio.take(what)
    assert birds.studio.hello()["source"]["command"] is None
    birds.train()
    name, _, content = birds.studio.take("model")
    (tmp_path / name).write_bytes(content)
    model = Model.load(tmp_path / name)
    assert model.network.layers[0].activation.spec == "tanh"
    assert model.parameters.tobytes() == birds.studio.made.worker.result.parameters.tobytes()
    assert not model.card
    with pytest.raises(SettingsError, match="no training card"):
        replay(model, PENGUINS, 1)
    birds.do("undo")


def test_feature_12_a_branch_of_an_opened_model_has_a_file_of_its_own(tmp_path):
    made = chainrule.train(PENGUINS, "species", hidden=[3], members=1, epochs=2, dtype="float64").model
    made.save(tmp_path / "own.safetensors")
    with watched(opened_model(str(tmp_path / "own.safetensors"), PENGUINS)) as asked:
        asked.do("seek", t=4)
        asked.do("edit", edits=[NUMBER])
        asked.train()
        name, _, content = asked.studio.take("model")
        (tmp_path / name).write_bytes(content)
        model = Model.load(tmp_path / name)
        assert model.parameters.tobytes() == asked.studio.made.worker.result.parameters.tobytes()
        assert not model.card


@pytest.mark.parametrize(
    ("address", "kind", "value"),
    [
        ("W[1][1,2]", "number", 0.5),
        ("b[2][3]", "number", -0.25),
        ("eta", "setting", 0.02),
        ("z[1][2]", "activation", "sigmoid"),
        ("a[1][1]", "activation", "tanh"),
        ("x[5]", "cells", "50.5"),
        ("x[1]", "cells", "Dream"),
        ("y[1]", "cells", "Gentoo"),
    ],
)
def test_feature_12_what_is_offered_at_a_number_can_be_done(birds, address, kind, value):
    birds.do("seek", t=9)
    offered = birds.studio.number({"address": address})["change"]
    assert offered["kind"] == kind
    named = {name: offered[name] for name in ("kind", "address", "name", "layer", "row") if name in offered}
    edit = {**named, "cells": {offered["column"]: value}} if kind == "cells" else {**named, "value": value}
    if kind == "activation":
        edit = {"kind": kind, "layer": offered["layer"], "name": value}
        assert value in offered["choices"]
    birds.do("edit", edits=[edit])
    again = birds.studio.number({"address": address, **({"row": offered["row"]} if kind == "cells" else {})})
    assert again["change"]["value"] == value
    birds.do("undo")


def test_feature_12_nothing_is_offered_where_nothing_can_be_changed(birds):
    birds.do("seek", t=9)
    for address in ("C", "dC/dW[1][1,2]", "delta[1][1]", "a[2][1]", "z[2][1]", "loss"):
        assert "change" not in birds.studio.number({"address": address})


@pytest.mark.parametrize("given", [{}, {"members": 3, "sharing": "tabm"}, {"members": 3, "bagging": True}])
def test_feature_12_a_branch_is_scored_on_the_table_s_own_rows(given):
    given = {"members": 1, **given}
    with watched(penguins(**given)) as made:
        made.do("seek", t=9)
        changes = [EDITS[3], EDITS[9], EDITS[10], {"kind": "setting", "name": "epochs", "value": 3}]
        made.do("edit", edits=changes)
        for kind in ("score", "confusion", "gradients"):
            assert made.studio.picture({"kind": kind})["nodes"]
        made.train()
        assert made.studio.made.tape.epochs == 3
        for kind in ("score", "confusion"):
            assert made.studio.picture({"kind": kind})["nodes"]
        made.do("open_test")
        assert made.studio.picture({"kind": "score", "part": "test"})["nodes"]


def test_feature_12_a_tab_that_comes_later_is_told_of_the_branch_s_curve_alone():
    hub = Hub()
    hub.publish("hello", {"generation": 1})
    line = {"generation": 1, "epochs": [1], "training": [2.0], "validation": [3.0]}
    hub.publish("curve", {**line, "whole": True})
    hub.publish("curve", {**line, "epochs": [2]})
    hub.publish("curve", {**line, "whole": True, "epochs": [], "training": [], "validation": []})
    hub.publish("curve", {**line, "whole": False, "epochs": [1], "training": [7.0]})
    (told,) = joined_curves(hub._curves, 0)
    assert (told.data["epochs"], told.data["training"], told.data["whole"]) == ([1], [7.0], True)
    # Who heard of the branch goes on from there.
    (told,) = joined_curves(hub._curves, hub._curves[0].seq)
    assert (told.data["epochs"], told.data["whole"]) == ([1], False)
