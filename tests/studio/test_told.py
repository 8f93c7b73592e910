"""What is said of a gradient and between updates: each sentence is held against the equations."""

import re
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from tests.studio.studio_browser import PENGUINS
from tests.studio.watched import Watched, course_of_network, watched

from chainrule.equations.layers import Dense
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.explain.diagnose.answers import overfitted_by_loss
from chainrule.studio.shown import between
from chainrule.studio.shown.between import ended_told
from chainrule.studio.shown.told import has_or_not, statement_of
from chainrule.studio.taught.taught import TaughtStudio
from chainrule.studio.training.edited_rows import cells_set
from chainrule.studio.training.opening import opened_table
from chainrule.training.scores.metrics import METRICS


@pytest.fixture(scope="module")
def birds():
    course = opened_table(PENGUINS, {"target": "species"}, {"epochs": 3, "hidden": (3,), "optimizer": "adam"})
    with watched(course) as made:
        yield made


def texts(node) -> str:
    return node if isinstance(node, str) else "".join(texts(child) for child in node[2:])


def meaning(made, address: str) -> str:
    nodes = made.studio.number({"address": address})["nodes"]
    return next(
        (texts(node) for node in nodes if not isinstance(node, str) and node[1].get("class") == "meaning"), ""
    )


def input_named(made, name: str) -> int:
    return made.studio.made.course.inputs.index(name) + 1


def cost(course, flat, rows) -> float:
    p = course.layout.unflatten(flat)
    record = course.network.forward(p, course.data.x[rows], np)
    return float(course.network.cost(record, course.data.y[rows], np, None))


def test_a_gradient_says_how_the_cost_of_its_rows_moves(birds):
    birds.do("seek", t=2)
    course, made = birds.studio.made.course, birds.studio.made
    i = input_named(birds, "island: Dream")
    j = next(j for j in (1, 2, 3) if birds.studio.number({"address": f"dC/dW[1][{i},{j}]"})["value"])
    said = meaning(birds, f"dC/dW[1][{i},{j}]")
    flat, rows = np.array(made.tape.state(2, 0).parameters), made.lookout.batch(2, 0)
    at, h = course.layout.place(1, f"W[{i},{j}]", "address"), 1e-6
    up, down = flat.copy(), flat.copy()
    up[at] += h
    down[at] -= h
    slope = (cost(course, up, rows) - cost(course, down, rows)) / (2 * h)
    way, size = re.search(
        rf"the cost of these {len(rows)} rows (rises|falls) by about ([\d.e-]+)·h", said
    ).groups()
    assert way == ("rises" if slope > 0 else "falls")
    assert float(size) == pytest.approx(abs(slope), rel=1e-3)
    verb, by = re.search(r"So the update (lowers|raises) it, by ([\d.e-]+)\.", said).groups()
    change = made.tape.state(3, 0).parameters[at] - flat[at]
    assert verb == ("lowers" if change < 0 else "raises") != {"rises": "raises", "falls": "lowers"}[way]
    assert float(by) == pytest.approx(abs(change), rel=1e-3)
    assert "the weight that island: Dream enters by" in said
    # The rows that count are of that island.
    assert "where island is Dream" in said
    table = course.rows
    for number in (
        re.search(r"rows? ([\d, ]+)(?: alone|, where|\.)", said.partition("most from")[2] or said)
        .group(1)
        .split(",")
    ):
        assert table.cell(course.places[int(number)], "island") == "Dream"


def test_first_steps_of_adam_are_about_the_rate_and_so_it_is_said(birds):
    birds.do("seek", t=0)
    assert "That is about the rate, 0.001: adam divides" in meaning(birds, "dC/db[2][1]")
    birds.do("seek", t=1)
    assert "about the rate" not in meaning(birds, "a[2][1]")


def test_an_edit_that_a_row_does_not_feel_says_why(birds):
    birds.do("seek", t=2)
    course, row = birds.studio.made.course, birds.frame["row"]
    x = course.data.x[course.places[row]]
    i = next(k for k, name in enumerate(course.inputs, 1) if name.startswith("island: ") and x[k - 1] == 0)
    birds.do("edit", edits=[{"kind": "number", "address": f"W[1][{i},2]", "value": 0.5}])
    frame = birds.frame
    if frame["row"] != row:
        frame = birds.do("row", number=row)
    said = " ".join(frame["told"])
    assert f"Row {row} doesn't feel it" in said
    assert f"x[{i}] = 0: the input is 0" in said
    assert frame["answer"]["each"] == frame["was"]["answer"]["each"]
    birds.do("undo")


def test_at_rest_the_last_update_and_the_next_batch_are_told_apart(birds):
    frame = birds.do("seek", t=2)
    made, course = birds.studio.made, birds.studio.made.course
    rows = made.lookout.batch(1, 0)
    before, after = (cost(course, np.array(made.tape.state(t, 0).parameters), rows) for t in (1, 2))
    first, second = frame["told"]
    found = re.search(r"^Update 2 took the cost of its own 32 rows from ([\d.]+) to ([\d.]+)\.$", first)
    assert [float(text) for text in found.groups()] == pytest.approx([before, after], rel=1e-3)
    assert second.startswith("All numbers shown now are those of the next update")


@pytest.mark.slow
def test_the_end_says_why_and_which_epoch_is_kept():
    course = opened_table(
        PENGUINS, {"target": "species"}, {"epochs": 60, "patience": 2, "learning_rate": 0.1, "hidden": (8,)}
    )
    with watched(course) as made:
        frame = made.train()
        result = made.studio.made.worker.result
        ran, kept = len(result.history), result.best_epochs[0]
        assert frame["kept"] == kept < ran
        said = " ".join(frame["told"])
        assert f"ended after epoch {ran}, stopped as the watched loss no longer got better" in said
        assert f"is epoch {kept}, where" in said


def test_a_loss_far_above_that_of_the_training_is_overfitting():
    low, high = np.full(40, 0.01), np.array([0.01] * 30 + [4.0] * 10)
    assert [one.kind for one in overfitted_by_loss(low, high, 0.69)] == ["overfitting"]
    # Few rows of a heavy tail: within 3 standard errors, but worse than knowing nothing.
    assert [one.kind for one in overfitted_by_loss(low, np.array([0.01] * 33 + [9.0] * 3), 0.69)] == [
        "overfitting"
    ]
    assert not list(overfitted_by_loss(np.full(40, 0.6), np.full(40, 0.75), 0.69))
    assert not list(
        overfitted_by_loss(np.full(40, 0.05), np.full(40, 0.09) + np.linspace(-0.05, 0.05, 40) * 4, 0.69)
    )


def in_euro(number: float) -> str:
    return f"{number:,.2f} €".translate(str.maketrans(",.", ".,"))


def test_a_cell_of_a_dressed_column_is_set_in_its_dress_or_plain():
    rents = [310.5 + 37.25 * i for i in range(40)]
    table = {"rent": list(map(in_euro, rents)), "y": [float(i % 7) for i in range(40)]}
    course = opened_table(table, {"target": "y"}, {"epochs": 1, "hidden": (2,)})
    known = [cells_set(course, 0, {"rent": "1.310,50 €"})[0].data.x[0]]
    for given in ("1310.5", "1310,5", 1310.5):
        known.append(cells_set(course, 0, {"rent": given})[0].data.x[0])
    assert all(np.array_equal(one, known[0]) for one in known)
    # What is dragged comes as a number, of which 1.310 is none of the thousands.
    assert cells_set(course, 0, {"rent": 1.31})[1][0][2] == "1,31"
    with pytest.raises(SettingsError, match="can be read in two ways"):
        cells_set(course, 0, {"rent": "1.310"})
    with pytest.raises(
        SettingsError, match=r"'much' is not a number; give one such as 12,5, or nothing for a missing cell"
    ):
        cells_set(course, 0, {"rent": "much"})


@pytest.mark.parametrize(
    ("address", "forms"),
    [
        ("dC/dW[1][1,2]", ["short", "paths", "matrix"]),
        ("W[1][1,2]", ["short"]),
        ("C", ["short"]),
        ("eta", ["short"]),
    ],
)
def test_only_the_forms_that_a_number_has_are_offered(birds, address, forms):
    birds.do("seek", t=1)
    told = birds.studio.number({"address": address})
    assert told["forms"] == forms
    for form in forms:
        birds.studio.number({"address": address, "form": form})
    assert birds.studio.number({"address": address, "form": "paths"})["nodes"]


@pytest.mark.slow
def test_a_training_that_was_made_already_is_asked_about_when_it_is_replayed():
    studio = TaughtStudio(opened_table(PENGUINS, {"target": "species"}, {"epochs": 2, "hidden": (2,)}))
    try:
        studio.command({"do": "train"})
        Watched.wait(lambda: studio.state.last is not None and not studio.state.playing)
        studio.frame()
        studio.command({"do": "reset"})
        studio.frame()
        assert studio.lesson()["question"] is None
        assert studio.command({"do": "predict", "on": True})["ok"]
        assert studio.lesson()["question"] is not None
    finally:
        studio.close()


def test_a_neuron_that_an_edit_switches_off_is_no_row_that_does_not_feel_it(birds):
    birds.do("seek", t=2)
    row = birds.frame["row"]
    birds.do("edit", edits=[{"kind": "number", "address": "b[1][3]", "value": -1000.0}])
    frame = birds.do("row", number=row)
    assert not birds.studio.number({"address": f"dC/db[1][3]@row={row}"})["value"]
    assert frame["answer"]["each"] != frame["was"]["answer"]["each"]
    assert not any("doesn't feel it" in one for one in frame["told"])
    birds.do("undo")


def test_of_a_row_beside_the_batch_only_cost_and_derivatives_are_the_next_updates(birds):
    birds.do("seek", t=2)
    numbers = birds.studio.made.lookout.look(2, 0, None).numbers
    other = next(number for number in birds.studio.made.course.places if number not in numbers)
    said = " ".join(birds.do("row", number=other)["told"])
    assert "The cost and the derivatives shown now are those of the next update" in said
    assert "All numbers" not in said


def told_of_step(**given):
    """Return what is said of a derivative of a small network, its penalized part, and the course's place of it."""
    draw = np.random.default_rng(3)
    network = Network([2, Dense(3, "tanh"), Dense(1, "identity")], loss="mean_squared_error")
    course = course_of_network(network, draw.normal(size=(6, 2)), draw.normal(size=(6, 1)), **given)
    with watched(course) as made:
        made.do("seek", t=0)
        said = meaning(made, "dC/dW[1][1,2]")
        update = made.studio.made.lookout.look(0, 0, None).batch.steps[0].update
        return said, update, course.layout.place(1, "W[1,2]", "address")


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ({"l2": 5.0}, "The penalty (l2 = 5) adds"),
        ({"l1": 5.0}, "The penalty (l1 = 5) adds"),
        ({"weight_decay": 5.0}, "Weight decay (weight_decay = 5) by itself adds"),
        ({"clip_norm": 1e-3}, "The whole gradient is longer than clip_norm = 0.001, and clipping it"),
        ({}, "So the update"),
    ],
)
def test_the_stage_that_made_a_step_is_named(given, first):
    said, update, at = told_of_step(optimizer=optimizer("sgd"), **given)
    assert first in said
    assert "outweigh" not in said
    assert ("So the update" in said) == (not given)
    assert ("With that the update" in said) == bool(given)
    if "l1" in given or "l2" in given:
        added = float(re.search(r"adds ([\d.e−-]+) to", said)[1].replace("−", "-"))
        assert added == pytest.approx(update.stages["penalized"][at] - update.raw[at], rel=1e-3)


def test_the_first_steps_of_adam_are_told_of_the_derivative_that_it_gets():
    said, update, at = told_of_step(optimizer=optimizer("adam"), l2=5.0)
    assert "outweigh" not in said
    if 0.8 < abs(update.parameters[at] - update.stages["decayed"][at]) / update.eta < 1.25:
        assert "adam divides the derivative as it gets it by" in said


def dropping(share: float):
    draw = np.random.default_rng(5)
    network = Network([2, Dense(6, "tanh", dropout=share), Dense(1, "identity")], loss="mean_squared_error")
    return course_of_network(network, draw.normal(size=(6, 2)), draw.normal(size=(6, 1)))


def test_a_change_of_dropout_is_compared_with_the_masks_of_the_old_one():
    with watched(dropping(0.5)) as made, watched(dropping(0.1)) as other:
        before, after = made.frame["cost"], other.frame["cost"]
        frame = made.do("edit", edits=[{"kind": "setting", "name": "dropout", "value": 0.1}])
        assert (frame["was"]["cost"], frame["cost"]) == pytest.approx((before, after), rel=1e-12)
        assert before != after
        assert frame["told"][0].startswith("By the change the cost of these 3 rows went from")


def test_zeros_of_a_number_are_told_as_zeros_and_those_of_classes_as_nothing(birds):
    course = birds.studio.made.course
    assert has_or_not(course, input_named(birds, "island: Dream"))
    number = next(i for i, one in enumerate(course.reads.encoder.inputs, 1) if one.formula[0] != "[")
    assert not has_or_not(course, number)
    draw = np.random.default_rng(5)
    network = Network([2, Dense(2, "tanh"), Dense(1, "identity")], loss="mean_squared_error")
    x = draw.normal(size=(6, 2)) * [1, 0]
    with watched(course_of_network(network, x, draw.normal(size=(6, 1)))) as made:
        said = meaning(made, "dC/dW[1][2,1]")
    assert "Input 2 is 0 in all of these rows, so the weight has no part in them" in said


def ended(member, stopped, best, history, diverged=(), last=None, watch=None, members=2):
    """Return what is told of a member (from 0) of a training that ended so; member 2 ended after ``last`` epochs."""
    course = SimpleNamespace(members=members, plan=SimpleNamespace(watch=watch), model=None)
    result = SimpleNamespace(
        history=range(history), stopped=stopped, best_epochs=best, diverged=dict.fromkeys(diverged)
    )

    def last_of(one: int) -> int:
        return 10 * (last if one == 1 and last else history)

    tape = SimpleNamespace(last=10 * history, last_of=last_of, steps_per_epoch=10)
    return ended_told(
        SimpleNamespace(course=course, worker=SimpleNamespace(result=result), tape=tape), member
    )


def test_a_member_that_stopped_before_the_others_is_told_with_its_own_epochs():
    said = " ".join(ended(1, "early stopping", (6, 3), 9, last=5))
    assert "The training ended after epoch 9, stopped as the watched loss no longer got better." in said
    assert "Member 2 stopped before the others, after epoch 5." in said
    assert "epoch 3, where the watched loss was lowest; what is drawn here is epoch 5." in said
    assert "stopped before" not in " ".join(ended(0, "early stopping", (6, 3), 9, last=5))
    said = " ".join(ended(1, "completed", (9, 3), 9, diverged=(1,), last=5))
    assert "The numbers of member 2 grew beyond all bounds in epoch 6, so it has none after that." in said
    assert "what is drawn here is epoch 6" in said


def test_what_was_watched_is_named_and_divergence_has_words_of_its_own():
    watch = SimpleNamespace(metric=METRICS["balanced_accuracy"])
    said = " ".join(ended(0, "early stopping", (6,), 9, watch=watch, members=1))
    assert "stopped as the watched balanced accuracy no longer got better" in said
    assert "where the watched balanced accuracy was best" in said
    first, second = ended(0, "diverged", (3,), 4, diverged=(0,), members=1)
    assert first == "The training ended in epoch 4, as its numbers grew beyond all bounds."
    assert "is epoch 3, from before that" in second
    assert "is what it began with" in ended(0, "diverged", (0,), 1, diverged=(0,), members=1)[1]


def test_planes_and_first_frames_replay_without_the_lock_of_what_is_heard(birds, monkeypatch):
    birds.do("seek", t=2)
    studio, held = birds.studio, []
    state = type(studio.made.tape).state

    def free() -> None:
        got = studio._lock.acquire(timeout=1)
        held.append(not got)
        if got:
            studio._lock.release()

    def watched_state(self, *args):
        other = threading.Thread(target=free)
        other.start()
        other.join()
        return state(self, *args)

    monkeypatch.setattr(type(studio.made.tape), "state", watched_state)
    studio.plane({"x": "bill_length_mm", "y": "bill_depth_mm"})
    studio._first_part()
    assert held
    assert not any(held)


def test_no_row_is_called_new_where_none_was_added(birds):
    birds.do("seek", t=0)
    like = birds.frame["row"]
    frame = birds.do("edit", edits=[{"kind": "row", "row": like, "cells": {"body_mass_g": 6300}}])
    new = birds.studio.runs.current.edits[0].row
    among = new in birds.studio.made.lookout.look(0, 0, None).numbers
    assert ("the new one among them" in " ".join(frame["told"])) == among
    birds.do("undo")
    draw = np.random.default_rng(3)
    network = Network([2, Dense(2, "identity"), Dense(1, "identity")], loss="mean_squared_error")
    course = course_of_network(network, draw.normal(size=(6, 2)) * 1e200, draw.normal(size=(6, 1)))
    with watched(course) as made:
        assert made.frame["cost"] is None
        edits = [{"kind": "number", "address": f"W[2][{i},1]", "value": 0.0} for i in (1, 2)]
        frame = made.do("edit", edits=edits)
        assert frame["cost"] is not None
        said = " ".join(frame["told"])
        assert "By the change the cost of these 3 rows is a number again" in said
        assert "the new one" not in said


def test_rows_of_a_large_network_are_those_of_the_next_update(monkeypatch):
    monkeypatch.setattr(between, "MOST_PARAMETERS", 0)
    with watched(dropping(0.0)) as made:
        assert "the 3 rows of the first update" in made.frame["told"][0]
        assert "the 3 rows of the next update" in made.do("seek", t=1)["told"][0]


def test_a_cell_of_no_level_is_none_of_those_with_an_input():
    neuron = SimpleNamespace(column="town", part="other", formula="[town is none of these]")
    reads = SimpleNamespace(encoder=SimpleNamespace(inputs=[neuron]))
    course = SimpleNamespace(encoded=True, reads=reads)
    assert statement_of(course, 1) == "town is none of those that have an input of their own"
