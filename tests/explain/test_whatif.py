"""A changed row: what is answered, what changed on the way, and what would turn the answer, each checked by asking again."""

import math

import numpy as np
import polars as pl
import pytest
from tests.explain.mixed import table

import chainrule
from chainrule.errors import SettingsError, TableError
from chainrule.explain.columns.whatif import WhatIf, nearest, whatif
from chainrule.explain.columns.whatif_shown import whatif_document
from chainrule.explain.derive.derivation import derive
from chainrule.explain.show import render
from chainrule.explain.trace.sources import trace_rows
from chainrule.reports.reported import Reported
from chainrule.reports.sections.data import distribution

FEW = {"engine": "reference", "members": 2, "epochs": 60, "hidden": [8]}


@pytest.fixture(scope="module")
def number():
    frame = table()
    return chainrule.train(frame, "y", **FEW).model, frame


@pytest.fixture(scope="module")
def classes():
    frame = table()
    y = pl.Series("y", ["low" if v < 15 else "high" if v > 22 else "middle" for v in frame["y"]])
    frame = frame.with_columns(y)
    return chainrule.train(frame, "y", **FEW).model, frame


def changed(frame: pl.DataFrame, row: int, **cells: object) -> pl.DataFrame:
    """One row (from 1) with other cells, as text but for numbers."""
    one = frame[row - 1]
    return one.with_columns(
        **{name: pl.lit(cell, pl.Float64 if name == "a" else pl.String) for name, cell in cells.items()}
    )


CELLS = [
    ({"a": "12.5"}, {"a": 12.5}),
    ({"a": 11}, {"a": 11.0}),
    ({"a": ""}, {"a": None}),
    ({"word": "w", "flag": "yes"}, {"word": "w", "flag": "true"}),
    ({"flag": False}, {"flag": "false"}),
    ({"day": "2021-03-04", "hour": "23:45"}, {"day": "2021-03-04", "hour": "23:45"}),
    ({"word": None}, {"word": None}),
]


@pytest.mark.parametrize(("given", "cells"), CELLS)
def test_the_answer_is_that_of_the_row_with_the_cells_written_in_it(number, classes, given, cells):
    model, frame = number
    found = whatif(model, frame, 5, given)
    assert found.before.number == pytest.approx(float(model.predict(frame[4]).labels[0]), rel=1e-6)
    assert found.after.number == pytest.approx(
        float(model.predict(changed(frame, 5, **cells)).labels[0]), rel=1e-6
    )
    model, frame = classes
    found = whatif(model, frame, 5, given)
    expected = model.predict(changed(frame, 5, **cells))
    assert found.after.said == str(expected.labels[0])
    assert found.after.probabilities == pytest.approx(tuple(expected.probabilities[0]), abs=1e-6)
    assert found.turned == (found.before.said != found.after.said)


def test_what_changed_on_the_way_is_what_traces_of_both_rows_say(number):
    model, frame = number
    word = "w" if frame["word"][6] != "w" else "u"
    found = whatif(model, frame, 7, {"word": word, "a": 14.0})
    both = pl.concat([frame[6], changed(frame, 7, word=word, a=14.0)], how="vertical_relaxed")
    traces = [trace_rows(model, both, [1, 2], member) for member in (1, 2)]
    changes = [[t[f"a[1][{j}]@row=2"] - t[f"a[1][{j}]@row=1"] for j in range(1, 9)] for t in traces]
    before = [[t[f"a[1][{j}]@row=1"] for j in range(1, 9)] for t in traces]
    layer = found.layers[0]
    assert layer.moved == pytest.approx(np.linalg.norm(changes) / np.linalg.norm(before))
    assert (layer.total, layer.neurons) == (16, np.count_nonzero(changes))
    member, neuron = np.unravel_index(np.argmax(np.abs(changes)), (2, 8))
    top = layer.most[0]
    assert top.address == f"a[1][{neuron + 1}]@member={member + 1}"
    assert top.after - top.before == pytest.approx(changes[member][neuron])
    inputs = {one.name: (one.before, one.after) for one in found.inputs}
    assert inputs[f"word: {word}"] == (0.0, 1.0)
    assert len(found.layers) == 2
    single = chainrule.train(frame, "y", **{**FEW, "members": 1}).model
    assert whatif(single, frame, 7, {"a": 14.0}).layers[0].most[0].address.startswith("a[1][")
    assert "@" not in whatif(single, frame, 7, {"a": 14.0}).layers[0].most[0].address


def test_each_turn_turns_the_answer_and_none_between_does(classes):
    model, frame = classes
    turned = 0
    for row in range(2, 20):
        found = whatif(model, frame, row)
        assert {turn.column for turn in found.turns} | set(found.steady) == set(frame.columns) - {"y"}
        assert [turn.distance for turn in found.turns] == sorted(turn.distance for turn in found.turns)
        for turn in found.turns:
            turned += 1
            cell = turn.value if turn.column == "a" else turn.after
            again = model.predict(changed(frame, row, **{turn.column: cell}))
            assert str(again.labels[0]) == turn.answer.said != found.before.said
            if turn.column == "a" and frame["a"][row - 1] is not None:
                own = frame["a"][row - 1]
                nearer = own + np.linspace(0, 0.97, 40) * (turn.value - own)
                rows = pl.concat([frame[row - 1]] * 40).with_columns(a=pl.Series(nearer))
                assert set(model.predict(rows).labels) == {found.before.said}
    assert turned > 10


def test_a_column_gets_a_number_to_where_it_is_wanted_or_says_that_it_does_not(number):
    model, frame = number
    found = whatif(model, frame, 4, target_value=str(whatif(model, frame, 4, {"a": 11}).after.number))
    wanted = float(found.wanted)
    (turn,) = (turn for turn in found.turns if turn.column == "a")
    again = model.predict(changed(frame, 4, a=turn.value)).labels[0]
    assert again == pytest.approx(turn.answer.number, rel=1e-6)
    # Numbers are written short, so that they may be a little beyond.
    assert again == pytest.approx(wanted, abs=0.15)
    far = whatif(model, frame, 4, target_value=1e6)
    assert far.turns == ()
    assert far.steady == ("a", "word", "flag", "day", "hour")
    assert whatif(model, frame, 4).steady == ()


def test_the_nearest_place_is_where_a_function_crosses_its_bound():
    values = np.linspace(0.0, 10.0, 50)

    def below(value):
        return float((values < value).mean())

    found = nearest(lambda v: v * v > 40, values, 3.0, below)
    assert found == pytest.approx(math.sqrt(40), rel=1e-12)
    assert nearest(lambda v: (v < 2) | (v > 3.5), values, 3.0, below) == pytest.approx(3.5, rel=1e-12)
    assert nearest(lambda v: v < 0, values, 3.0, below) is None
    assert nearest(lambda v: v > 4, values, math.nan, below) == pytest.approx(
        5.0
    )  # from the middle, which is there


def test_a_wanted_class_is_the_one_reached(classes):
    model, frame = classes
    row = next(row for row in range(2, 90) if whatif(model, frame, row).before.said == "middle")
    found = whatif(model, frame, row, target_value="high")
    assert {turn.answer.said for turn in found.turns} <= {"high"}
    with pytest.raises(SettingsError, match="the answer is middle already: choose high, low"):
        whatif(model, frame, row, target_value="middle")
    with pytest.raises(
        SettingsError, match="target_value 'top' is no class of 'y': choose high, low, middle"
    ):
        whatif(model, frame, row, target_value="top")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"b": 1}, "set: 'b' is no input of the model; the columns are a, word, flag, day, hour"),
        ({"word": "x"}, "set: 'x' is no word of column 'word'; the words are u, v, w"),
        ({"a": "tall"}, "set: a: 'tall' is not a number; give a number such as "),
        ({"flag": "perhaps"}, "set: flag: 'perhaps' is not a truth value"),
        ({"day": "tomorrow"}, "set: day: 'tomorrow' is not a date or time"),
        ({"hour": "noon"}, "set: hour: 'noon' is not a date or time"),
    ],
)
def test_a_cell_that_can_not_be_is_refused_in_a_line(number, changes, said):
    with pytest.raises(SettingsError) as error:
        whatif(number[0], number[1], 3, changes)
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)


def test_a_row_or_a_number_that_can_not_be_is_refused(number):
    model, frame = number
    for row in (0, 91):
        with pytest.raises(TableError, match=f"there is no row {row}; it has rows 1 to 90"):
            whatif(model, frame, row)
    with pytest.raises(SettingsError, match="target_value 'x' must be a number, which 'y' is to become"):
        whatif(model, frame, 1, target_value="x")


def test_what_is_odd_about_a_cell_is_noted(number):
    model, frame = number
    notes = {c.column: c.note for c in whatif(model, frame, 3, {"a": 99, "word": "", "flag": "no"}).changes}
    assert notes["a"].startswith("beyond the table, which has ")
    assert notes["word"] == "no cell was missing in training: it gets the word for others"
    assert notes["flag"] == ""


def test_numbers_are_read_as_the_tables_of_the_model(tmp_path):
    path = tmp_path / "comma.csv"
    path.write_text("a;y\n" + "\n".join(f"{i},5;{2 * i},0" for i in range(40)) + "\n")
    model = chainrule.train(path, "y", decimal=",", **FEW).model
    found = whatif(model, path, 1, {"a": "7,5"})
    assert found.inputs[0].after == pytest.approx(model.encoder.transform(model.table({"a": [7.5]}))[0, 0])


def test_one_of_several_targets_is_asked_about(number):
    frame = number[1].with_columns(z=pl.col("y") * -1)
    model = chainrule.train(frame, ["y", "z"], **FEW).model
    assert whatif(model, frame, 1, {"a": 5}, target="z").target == "z"
    with pytest.raises(SettingsError, match="the model has several targets: choose one by target: y, z"):
        whatif(model, frame, 1, {"a": 5})


def test_it_is_plain_data_and_every_format_has_it(number, classes):
    for model, frame in (number, classes):
        found = whatif(model, frame, 9, {"a": 15}, target_value=None if model is classes[0] else 20)
        assert repr(WhatIf.from_dict(found.to_dict())) == repr(found)
        document = whatif_document(found, "m", "t")
        for form in ("text", "html", "latex", "json"):
            assert render(document, form)
        assert all(len(line) <= 100 for line in render(document, "text").splitlines())
        with pytest.raises(SettingsError, match="there is no picture in"):
            render(document, "svg")
    text = render(whatif_document(whatif(number[0], number[1], 9), "m", "t"), "text")
    assert "What one column must be for another y: add target_value." in text


RENTS = [round(310.5 + 37.25 * i, 2) for i in range(30)]


def in_euro(number: float) -> str:
    return f"{number:,.2f} €".translate(str.maketrans(",.", ".,"))


@pytest.fixture(scope="module")
def dressed():
    rows = pl.DataFrame({"rent": list(map(in_euro, RENTS)), "y": list(map(in_euro, RENTS))})
    return chainrule.train(rows, "y", engine="reference", members=1, hidden=[2], epochs=2).model, rows


@pytest.mark.parametrize("given", ["1300.5", "1300,50", "1.300,50 €", "1300,5 €", 1300.5])
def test_a_number_is_set_as_its_column_writes_it_or_plain(dressed, given):
    model, rows = dressed
    asked = pl.DataFrame({"rent": ["1.300,50 €"]})
    assert whatif(model, rows, 3, {"rent": given}).after.number == float(model.predict(asked).labels[0])


def test_a_number_that_can_be_read_in_two_ways_is_asked_about(dressed):
    model, rows = dressed
    with pytest.raises(
        SettingsError, match=r"'1.300' can be read in two ways: 1300 .* 1.3 .* give 1300 or 1,3"
    ):
        whatif(model, rows, 3, {"rent": "1.300"})
    # A number that is none of text is itself, and an example in a message can be given.
    assert whatif(model, rows, 3, {"rent": 412.125}).changes[0].after == "412,125"
    with pytest.raises(SettingsError) as refused:
        whatif(model, rows, 3, {"rent": "much"})
    example = str(refused.value).partition("such as ")[2].partition(", or")[0]
    assert whatif(model, rows, 3, {"rent": example}).changes[0].after == example


def test_a_report_reads_a_dressed_column_and_target_as_the_model_does(dressed):
    model, rows = dressed
    columns = {one.name: one for one in Reported(model, model.table(rows), "m", "m").columns}
    assert [columns[name].summary for name in ("rent", "y")] == ["310.5 to 1390.75, median 850.625"] * 2
    assert distribution(model.table(rows), columns["rent"]) is not None


def test_what_v_is_of_a_cell_is_said(number):
    model, frame = number
    trace, notes = trace_rows(model, frame, [5]), {}
    for place, neuron in enumerate(model.encoder.inputs, 1):
        notes[neuron.name] = derive(trace, f"x[{place}]").lines[-1].note
    assert notes["a"] == "v is the number in the cell"
    assert notes["flag"] == "v is 1 for true or yes, 0 for false or no"
    said = {
        "month (sine)": "the month of the date, 1 to 12",
        "Monday": "the day of the week, 1 (Monday) to 7",
    }
    for label, words in said.items():
        assert notes.get(f"day: {label}", f"v is {words}") == f"v is {words}"
    assert any(
        note.startswith("v is the") and "date" in note
        for name, note in notes.items()
        if name.startswith("day")
    )
