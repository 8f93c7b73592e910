"""A table of one's own in a lesson: named by its file alone, its classes by their words, nothing read from elsewhere."""

import math

import pytest

from chainrule.errors import SettingsError
from chainrule.explain.derive.grid import Grid
from chainrule.explain.show.document import GridBlock, Picture, Plot, Words
from chainrule.lessons.lesson import read_lesson
from chainrule.lessons.runner import walk_lesson
from chainrule.plots.marks import Writing

LESSON = """
title = "Leaves"

[networks.main]
table = "leaves.csv"
loss = "LOSS"
learning_rate = 1

[[networks.main.layers]]
neurons = OUTPUTS
activation = "ACTIVATION"
init = "zeros"

[[steps]]
move = "describe"
[[steps]]
move = "rows"
[[steps]]
move = "train"
epochs = 300
[steps.expect]
mistakes = 0
[[steps]]
move = "rows"
rows = [1, 3]
[[steps]]
move = "predict"
cells = [{ long = 2, wide = 1 }, { long = 9, wide = 8 }]
[[steps]]
move = "plane"
"""

ROWS = "long,wide,tree\n2,1,oak\n3,1,oak\n9,8,yew\n8,9,yew\n"
THREE = ROWS + "1,9,ash\n2,8,ash\n"


def made(tmp_path, rows=ROWS, text=LESSON, **words):
    for old, new in {
        "LOSS": "binary_cross_entropy",
        "OUTPUTS": "1",
        "ACTIVATION": "sigmoid",
        **words,
    }.items():
        text = text.replace(old, new)
    (tmp_path / "leaves.csv").write_text(rows, "utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    return read_lesson(path)


def shown(steps, place, kind):
    """Return the blocks of a kind that a step shows, tables without their names."""
    return [
        block.grid if isinstance(block, GridBlock) else block
        for block in steps[place].blocks
        if isinstance(block.grid if isinstance(block, GridBlock) else block, kind)
    ]


def test_two_classes_have_their_words(tmp_path):
    """With no weight every row is 1/2; the second class in the order of the words, yew, is what the neuron says."""
    steps = list(walk_lesson(made(tmp_path)))
    assert any("tree: 0 is oak, 1 is yew" in block.text for block in shown(steps, 0, Words))
    (picture,) = shown(steps, 0, Picture)
    written = {text for mark in picture.chart.marks if isinstance(mark, Writing) for text in mark.texts}
    assert {"long", "wide", "yew"} <= written
    (before,) = shown(steps, 1, Grid)
    assert before.headers == ("row", "long", "wide", "tree", "output yew", "answer", "loss")
    assert [row[3] for row in before.rows] == ["oak", "oak", "yew", "yew"]
    assert {row[4] for row in before.rows} == {"0.5"}
    assert all(float(row[6]) == pytest.approx(math.log(2), abs=1e-5) for row in before.rows)
    assert steps[2].ok
    (after,) = shown(steps, 3, Grid)
    assert [(row[0], row[3], row[5]) for row in after.rows] == [("1", "oak", "oak"), ("3", "yew", "yew")]
    (new,) = shown(steps, 4, Grid)
    assert new.headers[-1] == "tree"
    assert [row[-1] for row in new.rows] == ["oak", "yew"]
    (plane,) = shown(steps, 5, Plot)
    assert "answers: . oak, # yew; rows: o oak, x yew" in plane.key


def test_three_classes_have_an_output_each(tmp_path):
    words = {"LOSS": "categorical_cross_entropy", "OUTPUTS": "3", "ACTIVATION": "softmax"}
    steps = list(walk_lesson(made(tmp_path, THREE, **words)))
    assert any(
        "output 1 is ash, output 2 is oak, output 3 is yew" in block.text for block in shown(steps, 0, Words)
    )
    (rows,) = shown(steps, 1, Grid)
    assert rows.headers[3:] == ("tree", "output ash", "output oak", "output yew", "answer", "loss")
    assert [row[3] for row in rows.rows] == ["oak", "oak", "yew", "yew", "ash", "ash"]
    (after,) = shown(steps, 3, Grid)
    assert [row[-2] for row in after.rows] == ["oak", "yew"]


def test_the_target_is_the_last_column_or_the_one_that_is_named(tmp_path):
    named = LESSON.replace('table = "leaves.csv"', 'table = { file = "leaves.csv", target = "tree" }')
    turned = "\n".join(",".join(reversed(row.split(","))) for row in ROWS.split())
    steps = list(walk_lesson(made(tmp_path, turned, named)))
    (rows,) = shown(steps, 1, Grid)
    assert rows.headers[3:4] == ("tree",)


@pytest.mark.parametrize(
    "file", ["../leaves.csv", "/etc/hosts", "-", "a/../../leaves.csv", r"C:\\leaves.csv", r"..\\leaves.csv"]
)
def test_a_lesson_reads_nothing_but_what_lies_beside_it(tmp_path, file):
    text = LESSON.replace("leaves.csv", file)
    with pytest.raises(
        SettingsError,
        match=r"mine\.toml: networks\.main\.table\.file: .* beside it alone; put the file there",
    ):
        made(tmp_path, text=text)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    lesson = made(tmp_path / "in")
    outside = tmp_path / "leaves.csv"
    (tmp_path / "in" / "leaves.csv").rename(outside)
    (tmp_path / "in" / "leaves.csv").symlink_to(outside)
    with pytest.raises(
        SettingsError, match=r"mine\.toml: networks\.main: leaves\.csv is a link out of the lesson's folder"
    ):
        next(iter(walk_lesson(lesson)))


def test_a_folder_beside_the_lesson_will_do(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "leaves.csv").write_text(ROWS, "utf-8")
    lesson = made(tmp_path, text=LESSON.replace("leaves.csv", "tables/leaves.csv"))
    assert all(step.ok for step in walk_lesson(lesson))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (None, r"mine\.toml: networks\.main: .*leaves\.csv: there is no such file"),
        ("", r"mine\.toml: networks\.main: .*leaves\.csv"),
        ("long,wide,tree\n2,1,oak\n3,1,oak\n", r"mine\.toml: networks\.main: .*tree"),
        (THREE, r"mine\.toml: networks\.main: .*3 classes"),
    ],
)
def test_what_is_wrong_with_the_table_is_one_line(tmp_path, rows, message):
    lesson = made(tmp_path, rows or "")
    if rows is None:
        (tmp_path / "leaves.csv").unlink()
    with pytest.raises(SettingsError, match=message) as caught:
        list(walk_lesson(lesson))
    assert "\n" not in str(caught.value)
