"""Curves, scores and mistakes: the library's own numbers, and the rows of the score shut until they are opened."""

import json

import numpy as np
import pytest

import chainrule
from chainrule.errors import SettingsError
from chainrule.studio.protocol.nested import text_of
from chainrule.studio.shown.pictures import CURVES, Now, Pictures
from chainrule.studio.training.opening import opened_lesson, opened_table

PENGUINS = "examples/penguins.csv"


class Ended:
    """A training of so many epochs, and what was seen of it."""

    def __init__(self, target, settings):
        self.course = opened_table(PENGUINS, {"target": [target]}, settings)
        self.lines, self.states = [], []
        self.result = self.course.train(self.after)
        self.pictures = Pictures(self.course)

    def after(self, state):
        self.lines.append(state.line)
        self.states.append(state.run.state().parameters.copy())

    @property
    def curves(self):
        return {
            "epochs": [line.epoch for line in self.lines], "training": [line.training_loss for line in self.lines],
            "validation": [line.validation_loss for line in self.lines], "rate": [line.learning_rate for line in self.lines],
            "gradient": None,
        }  # fmt: skip

    def now(self, *, at_end=True, opened=False):
        result = self.result if at_end else None
        return Now(self.states[-1 if at_end else 0], "after epoch 1", self.curves, result, at_end, opened)

    def ask(self, kind, *, at_end=True, opened=False, **query):
        return self.pictures.picture({"kind": kind, **query}, self.now(at_end=at_end, opened=opened))


@pytest.fixture(scope="module")
def classes():
    return Ended("species", {"epochs": 12})


@pytest.fixture(scope="module")
def numbers():
    return Ended("body_mass_g", {"epochs": 12})


def values(nodes):
    found = []
    for node in nodes:
        if not isinstance(node, str):
            if "data-value" in node[1]:
                found.append(float(node[1]["data-value"]))
            found += values(node[2:])
    return found


@pytest.mark.parametrize("target", ["species", "body_mass_g"])
def test_feature_20_the_final_score_is_that_of_train(target, classes, numbers):
    ended = classes if target == "species" else numbers
    trained = chainrule.train(PENGUINS, target, hidden=[8], members=1, epochs=12, dtype="float64")
    found = ended.ask("score", part="test", opened=True)
    expected = [
        one[name]
        for name in trained.evaluation.scores
        for one in (trained.evaluation.scores, *trained.baselines.values())
    ]
    assert values(found["table"]) == expected
    (kept,) = ended.result.best_epochs
    assert found["title"] == f"Score on {trained.prepared.tested.n_rows} unseen rows, epoch {kept} (kept)"
    assert ended.ask("score")["title"].endswith(f" validation rows, epoch {kept} (kept)")


def test_feature_20_the_test_rows_are_shut_until_they_are_opened(classes):
    for kind in ("score", "confusion"):
        with pytest.raises(SettingsError, match="the test rows are shut: open them once"):
            classes.ask(kind, part="test")
    with pytest.raises(SettingsError, match="the score is about the network as training leaves it"):
        classes.ask("score", at_end=False, part="test", opened=True)
    matrix = values(classes.ask("confusion", part="test", opened=True)["table"])
    assert np.array_equal(matrix, classes.pictures.trained(classes.result).evaluation.confusion.ravel())


def test_feature_20_the_curves_are_the_runs_own_numbers(classes):
    found = values(classes.ask("curves")["table"])
    lines = classes.lines
    assert found == [
        value for line in lines for value in (line.epoch, line.training_loss, line.validation_loss)
    ]
    assert values(classes.ask("curves", name="rate")["table"])[1::2] == [line.learning_rate for line in lines]
    assert "Learning rate" in classes.ask("curves", name="rate")["title"]
    with pytest.raises(SettingsError, match="isn't known of these epochs"):
        classes.ask("curves", name="gradient")
    with pytest.raises(SettingsError, match=f"there is no curve 'nix'; there are {', '.join(CURVES)}"):
        classes.ask("curves", name="nix")


def test_feature_20_mistakes_on_validation_rows_count_those_rows(classes, numbers):
    n = classes.course.prepared.rows["validation"]
    assert sum(values(classes.ask("confusion")["table"])) == n
    rows = len([part for part in classes.ask("confusion")["table"][0] if not isinstance(part, str)])
    assert rows
    residuals = values(numbers.ask("residuals")["table"])
    prepared = numbers.course.prepared
    first = prepared.arrays.n_training
    model = numbers.pictures.trained(numbers.result).model
    predicted = model.answer(prepared.arrays.x[first:]).labels
    truth = prepared.target.numbers(prepared.fitted.take(np.arange(first, prepared.arrays.n_fitted)))
    assert sorted(residuals) == pytest.approx(sorted([*predicted, *(truth - predicted)]))


def test_what_is_looked_at_in_the_middle_is_scored_as_it_is(classes):
    early, late = (values(classes.ask("score", at_end=at_end)["table"])[0] for at_end in (False, True))
    assert early < late
    assert "after epoch 1" in classes.ask("score", at_end=False)["title"]
    assert "early stopping looks at them" in text_of(classes.ask("score")["nodes"])


def test_with_bagging_each_row_is_answered_by_the_member_that_has_not_seen_it():
    ended = Ended("species", {"fast": True, "members": 2, "epochs": 3})
    trained = ended.pictures.trained(ended.result)
    shown = values(ended.ask("score")["table"])
    assert shown == pytest.approx(list(trained.out_of_fold.scores.values()), rel=1e-12)
    assert sum(values(ended.ask("confusion", at_end=False)["table"])) == ended.course.prepared.arrays.n_fitted


def test_what_there_is_not_is_said(classes, numbers):
    for ended, kind, words in [(classes, "residuals", "species is a class: look at the confusion"),
                               (numbers, "confusion", "body_mass_g is a number: look at the residuals")]:  # fmt: skip
        with pytest.raises(SettingsError, match=words):
            ended.ask(kind)
    with pytest.raises(SettingsError, match="there is no target 'nix'; there are species"):
        classes.ask("confusion", name="nix")
    nothing = Now(classes.states[0], "", {"epochs": []})
    with pytest.raises(SettingsError, match="there is no epoch to be drawn yet"):
        classes.pictures.picture({"kind": "curves"}, nothing)
    lesson = Pictures(opened_lesson())
    with pytest.raises(SettingsError, match="there are no rows to score on here"):
        lesson.picture({"kind": "score"}, nothing)
    with pytest.raises(SettingsError, match="there is no picture of the kind"):
        classes.ask("nix")


def test_pictures_are_as_wide_as_asked_within_reason(classes):
    for asked, wide in [(300, 300), (5, 260), (10**6, 1200)]:
        assert classes.ask("curves", width=asked)["nodes"][0][1]["width"] == str(wide)
    assert len(json.dumps(classes.ask("curves"))) < 64_000
