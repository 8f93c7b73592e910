"""From a table to a training, step by step: each adds to the record what it has found, and nothing else."""

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest

import chainrule
from chainrule.errors import SettingsError, TableError
from chainrule.fitting.choose import choose
from chainrule.fitting.encode import encode
from chainrule.fitting.prepared import Encoded, Prepared, Read, Split
from chainrule.fitting.question import Question
from chainrule.fitting.read import read
from chainrule.fitting.split import split
from chainrule.fitting.train import prepare
from chainrule.training.settings.record import InputGroup, Settings

TABLE = {
    "x": [float(i) for i in range(40)],
    "color": ["red", "blue"] * 20,
    "w": [0.0, 0.0] + [1.0, 2.0] * 19,
    "y": [None, "yes", *(["no", "yes"] * 19)],
}
QUESTION = Question(TABLE, "y", weights="w", test_share=0.25)


def same(one, other):
    return one is other or bool(np.all(one == other))


def test_reading_finds_the_columns_and_the_rows_that_can_be_used():
    found = read(QUESTION, Settings())
    # Row 1 has no target, rows 1 and 2 weigh nothing.
    np.testing.assert_array_equal(found.usable, np.arange(2, 40))
    np.testing.assert_array_equal(found.row_weights, TABLE["w"])
    assert found.by_class
    assert [column.name for column in found.schema.columns if column.role == "input"] == ["x", "color"]
    assert "1 row has the weight 0, and are left out of training and score" in found.schema.notes
    assert (found.scored, found.watched, found.budget) == (None, None, None)
    assert read(QUESTION, Settings(time_limit=9.0)).budget.seconds == 9.0


def test_tables_of_their_own_lose_the_rows_without_a_target():
    own = {"x": [1.0, 2.0], "color": ["red", "red"], "y": [None, "no"]}
    found = read(Question(TABLE, "y", test_file=own, validation=own), Settings())
    assert found.scored.n_rows == found.watched.n_rows == 1
    assert sum("has no target, and can't be scored on" in note for note in found.schema.notes) == 2
    assert found.settings == Settings(validation_share=0.0)
    parts = split(found)
    assert parts.tested is found.scored
    np.testing.assert_array_equal(parts.left, found.usable)
    with pytest.raises(TableError, match="no row has a value in the target 'y'"):
        read(Question(TABLE, "y", test_file={**own, "y": [None, None]}), Settings())
    with pytest.raises(SettingsError, match="validation rows are given"):
        read(Question(TABLE, "y", validation=own), Settings(bagging=True))


def test_the_split_deals_the_usable_rows_out_by_the_seed_alone():
    found = read(QUESTION, Settings(seed=3))
    parts = split(found)
    places = [parts.table.place(row) for row in parts.left]
    tested = [parts.tested.place(row) for row in range(parts.tested.n_rows)]
    assert sorted(places + tested) == sorted(found.table.place(row) for row in found.usable)
    assert len(tested) == 10  # a quarter of 19 of each class, rounded
    again = split(read(Question(TABLE, "y", weights="w", test_share=0.25, test_seed=3), Settings(seed=8)))
    np.testing.assert_array_equal(again.left, parts.left)
    other = split(read(QUESTION, Settings(seed=8)))
    assert not np.array_equal(other.left, parts.left)


def test_the_encoder_sees_the_rows_that_are_left():
    encoded = encode(split(read(QUESTION, Settings())))
    x = np.array(TABLE["x"])[encoded.left]
    column = encoded.encoder.columns[0]
    assert column.parts[0].parameters["median"] == np.median(x)
    assert encoded.groups == (InputGroup("number"), InputGroup("category", 3, 2))


def test_the_choice_lays_the_rows_out_with_named_parts():
    encoded = encode(split(read(QUESTION, Settings(bagging=False))))
    made = choose(encoded)
    n, n_fitted = made.arrays.n_training, made.arrays.n_fitted
    assert made.rows == {"training": n, "validation": n_fitted - n, "test": 10}
    assert n_fitted == len(encoded.left) == made.fitted.n_rows
    assert made.problem.n_rows == n_fitted
    assert made.problem.groups == encoded.groups
    training, fitted = made.arrays.training, made.arrays.fitted
    np.testing.assert_array_equal(training.x, made.arrays.x[:n])
    np.testing.assert_array_equal(fitted.x, made.encoder.transform(made.fitted))
    np.testing.assert_array_equal(fitted.y, made.target.transform(made.fitted, single=True))
    np.testing.assert_array_equal(fitted.weights, made.fitted.column("w").to_numpy())
    np.testing.assert_array_equal(training.weights, fitted.weights[:n])
    np.testing.assert_array_equal(made.arrays.x_test, made.encoder.transform(made.tested))


def test_validation_rows_that_are_a_table_of_their_own_come_last_and_weigh_1():
    own = {"x": [1.0, 2.0], "color": ["red", "red"], "y": ["yes", "no"]}
    made = prepare(Question(TABLE, "y", weights="w", test_share=0.25, validation=own))
    assert made.rows["validation"] == 2
    assert made.arrays.n_training == made.arrays.n_fitted == made.rows["training"]
    np.testing.assert_array_equal(made.arrays.x[-2:], made.encoder.transform(made.watched))
    np.testing.assert_array_equal(made.arrays.weights[-2:], [1.0, 1.0])
    assert made.problem.validates


def test_each_step_keeps_what_the_ones_before_it_have_found():
    steps = [read(QUESTION, Settings())]
    for step in (split, encode, choose):
        steps.append(step(steps[-1]))
    assert [type(step) for step in steps] == [Read, Split, Encoded, Prepared]
    for before, after in pairwise(steps):
        assert all(getattr(after, one.name) is getattr(before, one.name) for one in fields(before))
    whole = prepare(QUESTION)
    assert same(whole.arrays.x, steps[-1].arrays.x)
    assert whole.resolved == steps[-1].resolved


@pytest.mark.parametrize("name", ["test_seed", "validation", "share", "reading"])
@pytest.mark.parametrize("ask", [chainrule.train, chainrule.ablate])
def test_what_only_the_code_asks_is_no_word_of_the_users(ask, name):
    with pytest.raises(SettingsError, match=f"there is no setting '{name}'"):
        ask({"x": [0, 1] * 20, "y": ["a", "b"] * 20}, "y", **{name: 3})
