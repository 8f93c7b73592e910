"""Feature 21: runs side by side on one split, by epoch: what differs is listed, all keep their tapes, numbers are their own."""

from dataclasses import replace

import numpy as np
import pytest
from tests.studio.studio_browser import PENGUINS
from tests.studio.watched import watched

from chainrule.fitting.question import Question
from chainrule.fitting.train import fit_prepared, prepare, score_prepared
from chainrule.model.group import Group
from chainrule.model.model import Model
from chainrule.studio.shown import compare
from chainrule.studio.shown.compare import line_at, same_split, settings_that_differ
from chainrule.studio.training.opening import opened_lesson, opened_table
from chainrule.training.settings.record import Settings


def penguins(target="species", **given):
    return opened_table(PENGUINS, {"target": target}, {"epochs": 6, "hidden": (3,), **given})


@pytest.fixture(scope="module")
def birds():
    with watched(penguins()) as made:
        yield made


@pytest.fixture
def two(birds):
    """A run, and one beside it with one change."""
    birds.do("seek", t=0)
    birds.do("build", settings={"activation": "tanh"}, beside=True)
    yield birds
    birds.do("run", number=min(birds.studio.runs.all))
    while others := [
        number for number in birds.studio.runs.all if number != birds.studio.runs.current.number
    ]:
        birds.do("close_run", number=others[0])


def told(asked, **query):
    return asked.studio.picture({"kind": "compare", **query})


def table_of(answer) -> dict[str, list]:
    """Return the rows of the comparison's table by their labels."""
    (table,) = (node for node in answer["nodes"] if node[0] == "table")
    found = {}
    for row in table[3][2:]:
        label, *cells = row[2:]
        found[label[2]] = [cell[1].get("data-value", cell[2]) for cell in cells]
    return found


def test_feature_21_two_runs_with_one_change_list_exactly_that(two):
    runs = list(two.studio.runs.all.values())
    assert settings_that_differ(runs) == [("activation", ["chosen: relu", "tanh"])]
    assert [line["words"] for line in two.frame["runs"]] == [runs[0].made.course.title, "activation tanh"]
    rows = table_of(told(two))
    assert [name for name, node in rows.items() if name == "activation"] == ["activation"]
    assert rows["activation"] == ["chosen: relu", "tanh"]


def test_feature_21_a_planted_second_change_is_seen(two, monkeypatch):
    course = two.studio.made.course
    asked = course.words["asked"]
    wrong = replace(asked, settings=replace(asked.settings, l2=0.5))
    monkeypatch.setitem(course.words, "asked", wrong)
    assert [name for name, _ in settings_that_differ(list(two.studio.runs.all.values()))] == [
        "activation",
        "l2",
    ]


def test_feature_21_both_keep_their_tapes_and_are_brought_to_the_same_epoch(two):
    first, second = two.studio.runs.all.values()
    two.do("seek", t=4 * two.frame["steps_per_epoch"])
    told(two)
    two.wait(lambda: first.made.tape.epochs >= second.made.tape.epochs)
    states = {
        run.number: [run.made.tape.state(t).parameters.tobytes() for t in (0, 3, 20)]
        for run in (first, second)
    }
    assert states[first.number] != states[second.number]
    frame = two.do("run", number=first.number)
    assert frame["epoch"] == 4
    assert two.studio.made is first.made
    frame = two.do("run", number=second.number)
    assert frame["epoch"] == 4
    for run in (first, second):
        assert [run.made.tape.state(t).parameters.tobytes() for t in (0, 3, 20)] == states[run.number]


def test_feature_21_the_numbers_are_those_of_each_run_s_own_training(two):
    two.train()
    first, second = two.studio.runs.all.values()
    told(two)
    two.wait(lambda: first.made.worker.result is not None)
    for run, given in ((first, {}), (second, {"activation": "tanh"})):
        prepared = prepare(Question(PENGUINS, target="species"),
                           Settings(epochs=6, hidden=(3,), members=1, **given))  # fmt: skip
        result = fit_prepared(prepared, dtype="float64")
        own = [(line.training_loss, line.validation_loss) for line in result.history]
        assert [(line_at(run, e).training, line_at(run, e).validation) for e in range(1, 7)] == own
        model = score_prepared(prepared, result).model
        last = Model((Group(model.network, result.checkpoint.run.parameters),), model.encoder, model.target)
        arrays, n = prepared.arrays, prepared.arrays.n_training
        held = prepared.fitted.take(np.arange(n, arrays.n_fitted))
        score = last.score(last.answer(arrays.x[n:]), held).scores["accuracy"]
        assert line_at(run, 6).score == pytest.approx(score, abs=1e-12)
    rows = table_of(told(two))
    shown = [float(value) for value in rows["validation loss"]]
    assert shown == [line_at(run, 6).validation for run in (first, second)]
    assert line_at(first, 0) is None
    assert line_at(first, 7) is None


def test_feature_21_a_branch_is_counted_on_from_where_it_begins(two):
    first, second = two.studio.runs.all.values()
    per_epoch = two.frame["steps_per_epoch"]
    two.do("seek", t=2 * per_epoch)
    two.do("edit", edits=[{"kind": "setting", "name": "learning_rate", "value": 0.05}])
    two.do("seek", t=2 * per_epoch)
    branch = two.studio.runs.current
    rows = table_of(told(two))
    assert rows["changed by hand"] == [
        "–",
        "–",
        f"learning rate from 0.001 to 0.05 (after update {2 * per_epoch})",
    ]
    assert "The runs at epoch 4" in told(two)["title"]
    assert line_at(branch, 2) is None
    assert line_at(branch, 4).training == branch.made.worker.history[1].training_loss
    # To another run it goes by the epoch, back to the run that it comes from to where that was left.
    assert two.do("run", number=first.number)["epoch"] == 4
    two.do("run", number=branch.number)
    assert two.do("run", number=second.number)["t"] == 2 * per_epoch


def test_feature_21_runs_on_other_rows_are_named_and_left_out(two):
    two.do("build", settings={"seed": 5}, beside=True)
    runs = list(two.studio.runs.all.values())
    assert [same_split(run, runs[-1]) for run in runs] == [False, False, True]
    two.do("seek", t=3)
    answer = told(two)
    assert "Left out" in str(answer["nodes"])
    assert len(table_of(answer)["what it is"]) == 1
    two.do("run", number=runs[0].number)
    assert len(table_of(told(two))["what it is"]) == 2


def test_feature_21_runs_end_and_begin_cleanly(two):
    first, second = two.studio.runs.all.values()
    assert "is shown" in two.problem("close_run", number=second.number)
    assert "there is no run 99" in two.problem("run", number=99)
    assert "there is no run 99" in two.problem("close_run", number=99)
    two.do("build", settings={"activation": "sigmoid"})  # takes the place of the second one
    numbers = [line["number"] for line in two.frame["runs"]]
    assert numbers == [first.number, second.number + 1]
    assert second.made.worker.closed
    assert not first.made.worker.closed


def test_feature_21_one_run_says_what_to_do_and_lessons_are_compared_too(birds):
    with watched(opened_lesson("article-5")) as five:
        said = five.studio.picture
        with pytest.raises(compare.SettingsError, match="there is one run"):
            said({"kind": "compare"})
        five.do("build", settings={"learning_rate": 0.1}, beside=True)
        five.do("seek", t=3)
        rows = table_of(told(five, name="training"))
        assert rows["learning rate"][:2] == ["the lesson's", "0.1"]
        with pytest.raises(compare.SettingsError, match="there is no curve 'nix'"):
            told(five, name="nix")


def test_feature_21_no_test_row_is_looked_at(two, monkeypatch):
    for run in two.studio.runs.all.values():
        arrays = run.made.course.prepared.arrays
        monkeypatch.setattr(type(arrays), "x_test", property(lambda self: pytest.fail("shut")), raising=False)
    two.do("seek", t=8)
    told(two)
