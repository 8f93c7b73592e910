"""Another program's answers as what a network learns: it learns them, is watched by the target, and odd ones are refused."""

import json
import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import chainrule
from chainrule.cli import main
from chainrule.errors import SettingsError, TableError
from chainrule.fitting.question import Question
from chainrule.fitting.replay import replay
from chainrule.fitting.search.stored import key_of
from chainrule.fitting.studies.small import small_of
from chainrule.fitting.timing import start_of
from chainrule.fitting.train import prepare
from chainrule.tables.encoding import encoded_rows
from chainrule.training.settings.record import Settings

N = 80
RNG = np.random.default_rng(8)
A, B = RNG.normal(size=N), RNG.normal(size=N)
P = 1 / (1 + np.exp(-2 * A))
Y = np.where(RNG.random(N) < P, "yes", "no")
TABLE = {"a": A, "b": B, "y": Y}
TAUGHT = {"no": 1 - P, "yes": P}
NUMBERS = {"a": A, "b": B, "n": 50 + 10 * A + 30 * RNG.normal(size=N)}
SMALL = {
    "hidden": [4],
    "recipe": True,
    "epochs": 4,
    "members": 2,
    "numeric_embedding": "none",
    "engine": "reference",
}


def trained(table, target, **more):
    return chainrule.train(table, target, **{**SMALL, **more})


def prepared(table, target, teacher, **more):
    settings = {name: value for name, value in {**SMALL, **more}.items() if name != "engine"}
    return prepare(Question(table, target, teacher=teacher), Settings(**settings))


@pytest.mark.parametrize("how", [{}, {"bagging": False}], ids=["folds", "validation rows"])
def test_a_network_learns_the_answers_and_is_watched_by_the_target(how):
    made = prepared(TABLE, "y", TAUGHT, **how)
    _, data = start_of(made)
    n, arrays = len(made.arrays.x), made.arrays
    for line in np.atleast_2d(data.train):
        np.testing.assert_array_equal(data.x[line], arrays.x[line - n])
        np.testing.assert_allclose(data.y[line, 0], P[made.places[line - n]], rtol=1e-12)
    for line in np.atleast_2d(data.validation):
        np.testing.assert_array_equal(data.y[line], arrays.y[line])
        assert set(np.unique(data.y[line])) == {0, 1}
    # No member is trained on a row that it holds out, under its other number.
    for learned, held in zip(np.atleast_2d(data.train), np.atleast_2d(data.validation), strict=True):
        assert not set(learned - n) & set(held)


def test_numbers_are_taught_in_the_units_of_the_table():
    teacher = 50 + 10 * A
    made = prepared(NUMBERS, "n", {"n": teacher})
    np.testing.assert_allclose(made.target.undo(made.arrays.taught)[:, 0], teacher[made.places], rtol=1e-9)
    several = {**NUMBERS, "m": A - B}
    two = prepared(several, ["n", "m"], {"m": B, "n": teacher})
    np.testing.assert_allclose(
        two.target.undo(two.arrays.taught), np.c_[teacher, B][two.places], rtol=1e-9, atol=1e-12
    )


def test_what_is_learned_is_the_answers():
    # All the noise is in the target: the network comes to be nearer to what it was taught than one that learned the target.
    teacher, how = 50 + 10 * A, {"epochs": 60, "members": 3}
    taught, plain = trained(NUMBERS, "n", teacher={"n": teacher}, **how), trained(NUMBERS, "n", **how)
    far = [np.sqrt(np.mean((one.model.predict(NUMBERS).labels - teacher) ** 2)) for one in (taught, plain)]
    assert far[0] < 0.3 * far[1]
    assert taught.model.card["taught"]
    assert "taught" not in plain.model.card
    assert taught.model.card["data"] == plain.model.card["data"]
    with pytest.raises(SettingsError, match="was taught by another model's answers"):
        replay(taught.model, NUMBERS, 1, 1)


def test_the_planted_teacher_of_the_wrong_rows_teaches_nonsense():
    how = {"epochs": 60, "members": 3, "watch": "error"}
    right = trained(NUMBERS, "n", teacher={"n": 50 + 10 * A}, **how)
    wrong = trained(NUMBERS, "n", teacher={"n": (50 + 10 * A)[::-1].copy()}, **how)
    far = [np.sqrt(np.mean((one.model.predict(NUMBERS).labels - 50 - 10 * A) ** 2)) for one in (right, wrong)]
    assert far[0] < 0.5 * far[1]


def test_a_class_that_the_rows_of_the_score_alone_have_is_left_out():
    table = {"a": A, "y": Y.astype(object), "s": np.where(np.arange(N) < 60, "train", "test")}
    table["y"][70] = "perhaps"
    teacher = {"yes": 0.5 * P, "perhaps": np.full(N, 0.5), "no": 0.5 * (1 - P)}
    made = prepare(Question(table, "y", teacher=teacher, split="s"), Settings(hidden=[3]))
    np.testing.assert_allclose(made.arrays.taught[:, 0], P[made.places], rtol=1e-9)


def test_the_columns_of_our_own_predictions_are_known():
    teacher = {"P(y = yes)": P, "P(y = no)": 1 - P, "y": Y}
    made = prepared(TABLE, "y", teacher)
    np.testing.assert_allclose(made.arrays.taught[:, 0], P[made.places])
    three = {**TABLE, "y": np.resize(np.array(["u", "v", "w"]), N)}
    thirds = {"w": np.full(N, 0.2), "u": np.full(N, 0.5), "v": np.full(N, 0.3)}
    np.testing.assert_allclose(prepared(three, "y", thirds).arrays.taught, np.tile([0.5, 0.3, 0.2], (64, 1)))


def with_cell(name, value):
    cells = list(TAUGHT[name])
    cells[3] = value
    return {**TAUGHT, name: cells}


@pytest.mark.parametrize(
    ("teacher", "said"),
    [
        (
            {"no": 1 - P[1:], "yes": P[1:]},
            "teacher has 79 rows of answers, and .* has 80: give teacher one for each row",
        ),
        ({"yes": P}, "the column 'no' is not there: teacher has a probability for each class of 'y'"),
        ({**TAUGHT, "maybe": P}, "column 'maybe' is no class of 'y'; .*the classes are no, yes"),
        (with_cell("yes", -0.1), "row 4, column 'yes'.* is no probability: write a number from 0 to 1"),
        (with_cell("yes", 1.5), "is no probability"),
        (with_cell("yes", None), "row 4, column 'yes': is missing or no finite number"),
        (
            with_cell("yes", 0.987),
            r"row 4: the probabilities add up to .*, not to 1; write one for each class",
        ),
        ({"no": ["x"] * N, "yes": P}, "column 'no'"),
    ],
)
def test_answers_that_are_none_are_named_by_their_place(teacher, said):
    with pytest.raises(TableError, match=said) as caught:
        prepare(Question(TABLE, "y", teacher=teacher, test_share=0.0), Settings(hidden=[3]))
    assert "\n" not in str(caught.value)


def test_what_no_teacher_can_teach_is_refused():
    for words, said in (
        ({"refit": True, "bagging": False}, "refit trains again on the validation rows' targets"),
        (
            {"loss": "hinge", "calibrate": False},
            "teacher teaches probabilities, and the outputs of loss hinge",
        ),
    ):
        with pytest.raises(SettingsError, match=said):
            prepared(TABLE, "y", TAUGHT, **words)
    labels = {"a": A, "y": Y, "z": np.where(B > 0, "u", "v")}
    with pytest.raises(SettingsError, match="teacher is for numbers or for one target of classes"):
        prepared(labels, ["y", "z"], TAUGHT)
    with pytest.raises(TableError, match="the column 'n' of teacher's answers is not there"):
        prepared(NUMBERS, "n", {"m": A})


def test_that_the_rows_of_the_score_may_be_known_to_the_teacher_is_said():
    words = "the score is honest only if what teacher answers for the others was learned without them"
    assert any(words in note for note in prepared(TABLE, "y", TAUGHT).notes)
    apart = prepare(Question(TABLE, "y", teacher=TAUGHT, test_file=TABLE), Settings(hidden=[3]))
    assert not any(words in note for note in apart.notes)


def test_a_large_table_is_not_held_twice(monkeypatch):
    whole = prepared(TABLE, "y", TAUGHT)
    monkeypatch.setattr(encoded_rows, "LARGE", 10)
    made = prepared(TABLE, "y", TAUGHT)
    assert made.arrays.are_large
    one, other = start_of(whole)[1], start_of(made)[1]
    assert isinstance(other.x, encoded_rows.EncodedRows)
    np.testing.assert_array_equal(one.x, np.asarray(other.x))
    np.testing.assert_array_equal(one.y, other.y)


def test_a_search_of_other_answers_is_another_search():
    one, other = prepared(TABLE, "y", TAUGHT), prepared(TABLE, "y", {"no": P, "yes": 1 - P})
    keys = [key_of(made, "reference") for made in (one, other)]
    assert keys[0]["teacher"] != keys[1]["teacher"]
    assert {**keys[0], "teacher": ""} == {**keys[1], "teacher": ""}
    assert key_of(replace(one, arrays=replace(one.arrays, taught=None)), "reference")["teacher"] == "none"


@pytest.mark.slow
def test_the_small_network_learns_the_teacher_s_answers():
    teacher, how = 50 + 10 * A, {"epochs": 1, "learning_rate": 1e-6, "linear_path": False}
    large = trained(NUMBERS, "n", teacher={"n": teacher}, **how)
    small = small_of(large, engine="reference").model.predict(NUMBERS).labels
    # The large one has hardly been trained: its answers are far off.
    assert np.std(large.model.predict(NUMBERS).labels - teacher) > 5
    assert np.sqrt(np.mean((small - teacher) ** 2)) < 1


def test_the_command_line_reads_a_file(tmp_path, capsys):
    table, answers = tmp_path / "t.csv", tmp_path / "answers.csv"
    pl.DataFrame(TABLE).write_csv(table)
    pl.DataFrame(TAUGHT).write_csv(answers)
    words = [
        "train",
        str(table),
        "--target",
        "y",
        "--teacher",
        str(answers),
        "--hidden",
        "3",
        "--epochs",
        "2",
    ]
    words += ["--engine", "reference", "--out", str(tmp_path / "m.safetensors")]
    assert main([*words, "--json"]) == 0
    said = capsys.readouterr()
    json.loads(said.out)
    assert "answers.csv answers for the others was learned without them" in said.err
    assert chainrule.load(tmp_path / "m.safetensors").card["taught"]
    pl.DataFrame({"no": P, "yes": P}).write_csv(answers)
    assert main([*words, "--overwrite"]) != 0
    said = capsys.readouterr().err
    assert re.search(r"answers\.csv: line \d+: the probabilities add up to", said)
    lost = [*words[:-1], str(answers)]
    assert main(lost) != 0
    assert "answers.csv is a table to be read, and would be lost" in capsys.readouterr().err
