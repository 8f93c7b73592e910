"""Column kinds, roles and tasks: each rule at its threshold, each message in full."""

import json
import random
from datetime import date, datetime, time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import ChainruleError, ModelFileError, SettingsError
from chainrule.tables.files.read import read_table
from chainrule.tables.schema import Schema, infer_schema, labeled_rows
from chainrule.tables.table import Table, from_frame

from .conftest import Write

EXAMPLES = Path(__file__).parents[2] / "examples"


def kind_of(cells: list[object], name: str = "x") -> tuple[str, str, str]:
    column = infer_schema(from_frame({name: cells})).columns[0]
    return column.kind, column.role, column.reason


def csv_table(write: Write, **columns: list[object]) -> Table:
    rows = zip(*columns.values(), strict=True)
    return read_table(write("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)])))


def message(table: Table, **options: object) -> str:
    with pytest.raises(ChainruleError) as caught:
        infer_schema(table, **options)  # type: ignore[arg-type]
    return f"{type(caught.value).__name__}: {caught.value}"


def test_penguins() -> None:
    schema = infer_schema(read_table(EXAMPLES / "penguins.csv"), target="species")
    found = [(c.name, c.kind, c.role, c.n_missing, c.n_unique) for c in schema.columns]
    # Counted with the csv module: sex is NA in 11 rows, the measures in 2.
    assert found == [
        ("species", "category", "target", 0, 3),
        ("island", "category", "input", 0, 3),
        ("bill_length_mm", "number", "input", 2, 164),
        ("bill_depth_mm", "number", "input", 2, 80),
        ("flipper_length_mm", "number", "input", 2, 55),
        ("body_mass_g", "number", "input", 2, 94),
        ("sex", "category", "input", 11, 2),
        ("year", "number", "input", 0, 3),
    ]
    assert schema.task_reason == "classification: the target names 3 classes"
    assert schema.columns[0].summary == "Adelie 152, Gentoo 124, Chinstrap 68"
    assert schema.columns[5].summary == "2700 to 6300, median 4050"
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([1, 5, 2, 2], ("number", "input", "")),
        ([3, 1, 2, 5], ("number", "input", "")),
        ([0.5, None, 1.5], ("number", "input", "")),
        ([7.5, 7.5], ("constant", "left out", "every cell is '7.5'")),
        ([None, None], ("constant", "left out", "every cell is missing")),
        ([7, 7, None], ("number", "input", "")),
        ([True, False, None], ("boolean", "input", "")),
        (["yes", "No", "YES"], ("boolean", "input", "")),
        (["true", "false", "maybe", "true"], ("category", "input", "")),
        (["yes", None, "yes"], ("category", "input", "")),
        (["a", "b", "a"], ("category", "input", "")),
        (["a", "b", "c"], ("identifier", "left out", "it has a different value in every row")),
        ([date(2024, 1, 1), date(2024, 1, 2), None], ("datetime", "input", "")),
        ([time(12), time(13)], ("datetime", "input", "")),
        (["2024-01-31", "2023-12-01"], ("datetime", "input", "")),
        (["31.12.2024 23:59", "01.01.2024 00:00"], ("datetime", "input", "")),
        (["2024-01-31T10:00:00.5", "2024-01-31T10:00:01"], ("datetime", "input", "")),
        (["9:30", "10:45"], ("datetime", "input", "")),
        (["12/31/2024", "01/02/2024"], ("datetime", "input", "")),
        (["31/12/2024", "01/02/2024"], ("datetime", "input", "")),
        (
            ["03/12/2024", "01/02/2024"],
            ("datetime", "input", ""),
        ),
        ([[1], [2]], ("nested", "left out", "its cells are of the type List(Int64), not single values")),
        (list(range(19)), ("number", "input", "")),
        (list(range(20)), ("identifier", "left out", "it only counts the rows from 0 to 19")),
        (list(range(1, 21))[::-1], ("identifier", "left out", "it only counts the rows from 1 to 20")),
        (list(range(1990, 2020)), ("number", "input", "")),
        ([*range(1, 20), 19], ("number", "input", "")),
        ([f"k{i % 19}" for i in range(20)], ("category", "input", "")),
        (
            [f"k{i % 39}" for i in range(40)],
            ("identifier", "left out", "it has 39 different values in 40 rows, nearly one for each"),
        ),
        (
            [f"a sentence that is quite long, no. {i // 2 * 2 if i < 4 else i}" for i in range(10)],
            (
                "long text",
                "left out",
                "it is free text: 8 different values in 10 rows, 36 characters on average",
            ),
        ),
    ],
)
def test_kinds(cells: list[object], expected: tuple[str, str, str]) -> None:
    assert kind_of(cells) == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("id", "identifier"),
        ("PassengerId", "identifier"),
        ("customer_id", "identifier"),
        ("customerID", "identifier"),
        ("Unnamed", "identifier"),
        ("row", "identifier"),
        ("humid", "number"),
        ("paid", "number"),
        ("x", "number"),
    ],
)
def test_identifiers_by_name(name: str, kind: str) -> None:
    assert kind_of([30, 12, 77], name)[0] == kind
    assert kind_of([30, 12, 12], name)[0] == "number"
    assert kind_of([30.5, 12.0, 77.0], name)[0] == "number"


def test_inputs_overrule_the_looks() -> None:
    table = from_frame(
        {"id": [3, 1, 2], "name": ["u", "v", "w"], "c": [1, 1, 1], "z": [1, 2, 2], "y": [1.5, 2, 3]}
    )
    schema = infer_schema(table, target="y", inputs=["name", "id", "c"])
    assert [(c.name, c.kind, c.role, c.reason) for c in schema.columns] == [
        (
            "id",
            "number",
            "input",
            "an input, as asked for, though by its name, and with a different whole number in every row, it only "
            "numbers the rows",
        ),
        ("name", "category", "input", "an input, as asked for, though it has a different value in every row"),
        ("c", "constant", "left out", "every cell is '1'"),
        ("z", "number", "left out", "not among the inputs asked for"),
        ("y", "number", "target", ""),
    ]
    dropped = infer_schema(table, target="y", drop=["z"], kinds={"name": "category"})
    assert [c.name for c in dropped.inputs] == ["name"]
    assert [(c.name, c.reason) for c in dropped.left_out][2] == ("z", "dropped, as asked for")


def test_the_only_input_may_count_the_rows() -> None:
    table = from_frame({"x": list(range(1, 31)), "y": [i * i + 0.5 for i in range(30)]})
    schema = infer_schema(table, target="y")
    assert [(c.name, c.kind, c.reason) for c in schema.inputs] == [
        ("x", "number", "the only input there is, though it only counts the rows from 1 to 30")
    ]


def test_no_input_is_left() -> None:
    table = from_frame({"a": [1, 1, 1], "b": ["x", "y", "z"], "y": [1.5, 2, 3]}, "t.csv")
    assert message(table, target="y") == (
        "TableError: t.csv: no column is left to be an input (a: every cell is '1'; b: it has a different value in "
        "every row); name some with inputs"
    )
    assert message(from_frame({"y": [1.5, 2]}, "t.csv"), target="y") == (
        "TableError: t.csv: no column is left to be an input (there is only the target); name some with inputs"
    )


def test_kinds_by_hand() -> None:
    table = from_frame({"a": [1, 2, 1, 2], "b": ["0", "1", "1", "0"], "d": ["03/12/2024", "01/02/2024"] * 2})
    schema = infer_schema(table, kinds={"a": "category", "b": "boolean", "d": "datetime"})
    assert [(c.kind, c.role) for c in schema.columns] == [
        ("category", "input"),
        ("boolean", "input"),
        ("datetime", "input"),
    ]
    # Day first, where nothing else tells.
    assert schema.columns[2].spelling == "%d/%m/%Y"
    assert message(from_frame({"a": ["1", "x"]}, "t"), kinds={"a": "number"}) == (
        "TableError: t: row 2, column 'a': 'x' is not a number; correct it, or name it as missing with missing=['x']"
    )
    assert message(from_frame({"a": ["yes", "x y"]}, "t"), kinds={"a": "boolean"}) == (
        "TableError: t: row 2, column 'a': 'x y' is not a truth value (true, yes, 1, false, no, 0); correct it, or "
        "name it as missing with missing=['x y']"
    )
    assert message(from_frame({"a": ["2024-01-01", "soon"]}, "t"), kinds={"a": "datetime"}) == (
        "TableError: t: row 2, column 'a': 'soon' is not a date or time such as 2024-12-31; correct it, or name it "
        "as missing with missing=['soon']"
    )


def test_odd_cells(write: Write) -> None:
    ages: list[object] = list(range(20, 60)) * 25
    ages[15] = "abc"
    table = csv_table(write, age=ages, y=[i % 7 / 2 for i in range(1000)])
    expected = (
        "t.csv: column 'age' is a number in 999 rows but 'abc' in line 17; correct it, or name it as missing with "
        "missing=['abc']"
    )
    assert message(table, target="y") == f"TableError: {expected}"
    assert message(table, target="age") == f"TableError: {expected}"
    ages[16] = "-"
    table = csv_table(write, age=ages, y=[i % 7 / 2 for i in range(1000)])
    assert "in 998 rows but 'abc' in line 17 (and 1 more cell is odd);" in message(table, target="y")
    # What is not used is not in the way; a kind by hand is taken at its word.
    other = csv_table(write, age=ages, x=[i * i for i in range(1000)], y=[1.5, 2] * 500)
    assert [c.name for c in infer_schema(other, target="y", drop=["age"]).inputs] == ["x"]
    assert [c.name for c in infer_schema(other, target="y", inputs=["x"]).inputs] == ["x"]
    assert infer_schema(table, target="y", kinds={"age": "category"}).columns[0].kind == "category"
    # At 95 % it is a mistake; below, it is a category.
    some: list[object] = [*range(19), "x"]
    assert "is a number in 19 rows but 'x' in line 21" in message(
        csv_table(write, a=some, y=[1, 2] * 10), target="y"
    )
    few: list[object] = [*range(18), "x", "x"]
    assert infer_schema(csv_table(write, a=few, y=[1.5, 2] * 10), target="y").columns[0].kind == "category"


def test_odd_cells_among_few_numbers_are_codes(write: Write) -> None:
    floors: list[object] = [i % 10 for i in range(200)]
    floors[2] = "G"
    schema = infer_schema(csv_table(write, floor=floors, y=[1.5, 2] * 100), target="y")
    assert schema.columns[0].kind == "category"
    assert schema.notes == (
        "column 'floor' is a number in 199 rows but 'G' in line 4; correct it, or make it missing; "
        "as it is, it is a category",
    )


def test_odd_cells_of_a_source_with_types_are_a_note() -> None:
    cells = [f"{i}.5" for i in range(39)] + ["abc"]
    schema = infer_schema(from_frame({"x": cells, "z": [i * i for i in range(40)]}, "t"))
    assert schema.columns[0].kind == "identifier"
    assert schema.notes == (
        "column 'x' is a number in 39 rows but 'abc' in row 40; correct it, or make it missing; as it is, it is left out",
    )


def test_text_that_is_all_numbers_has_no_odd_cell(write: Write) -> None:
    table = read_table(write("".join(f'{{"a": "{i % 30}"}}\n' for i in range(60)), "t.jsonl"))
    schema = infer_schema(table)
    assert (schema.columns[0].kind, schema.notes) == ("category", ())


def test_summaries() -> None:
    frame = {
        "d": ["31.12.2023", "01.02.2024", "15.01.2024"],
        "m": ["2024-01-01 10:30", "2024-01-02 00:00", None],
        "t": [time(23, 59), time(0, 1), None],
        "n": [1.25, 1e308, -1e308],
        "c": ["a", "b", "a"],
        "o": [b"x", b"y", b"z"],
    }
    assert [c.summary for c in infer_schema(from_frame(frame)).columns] == [
        "2023-12-31 to 2024-02-01",
        "2024-01-01 10:30 to 2024-01-02 00:00",
        "00:01 to 23:59",
        "-1e+308 to 1e+308, median 1.25",
        "a 2, b 1",
        "",
    ]


def test_odd_dates(write: Write) -> None:
    days: list[object] = [f"2024-01-{i:02}" for i in range(1, 31)]
    days[4] = "soon"
    assert message(csv_table(write, day=days, y=[1.5, 2] * 15), target="y") == (
        "TableError: t.csv: column 'day' is a date in 29 rows but 'soon' in line 6; correct it, or name it as missing "
        "with missing=['soon']"
    )


def test_infinite_numbers(write: Write) -> None:
    cells: dict[str, list[object]] = {"a": [1, 2, "1e999", 4], "b": [1, 2, 3, 5], "y": [1.5, 2.5, 3, 4]}
    taken = infer_schema(csv_table(write, **cells), target="y")
    assert taken.notes == ("column 'a': 1 infinite number is a missing cell ('1e999' in line 4)",)
    assert [(one.name, one.n_missing) for one in taken.inputs] == [("a", 1), ("b", 0)]
    table = read_table("t.csv", infinite="refuse")
    assert message(table, target="y") == (
        "TableError: t.csv: line 4, column 'a': '1e999' is not a finite number (beyond ±1.8e308); correct it, or name "
        "it as missing with missing=['1e999']"
    )
    assert infer_schema(table, target="y", drop=["a"]).task == "regression"
    frame = from_frame({"a": [1.0, float("-inf")], "y": [1.5, 2.5]}, "t", infinite="refuse")
    assert message(frame, target="y") == (
        "TableError: t: row 2, column 'a': '-inf' is not a finite number (beyond ±1.8e308); correct it, or make it "
        "missing"
    )
    assert message(frame, target="a").startswith(
        "TableError: t: row 2, column 'a': '-inf' is not a finite number"
    )


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["a", "b", "a"], "classification: the target names 2 classes"),
        ([True, False, True], "classification: the target is either true (yes) or false (no)"),
        (["no", "yes", "no"], "classification: the target is either true (yes) or false (no)"),
        ([0, 1, 1, 0], "classification: the target is a whole number with only 2 different values in 4 rows"),
        (
            [1.0, 2.0, 2.0],
            "classification: the target is a whole number with only 2 different values in 3 rows",
        ),
        ([1.5, 2.0, 2.0], "regression: the target is a number with 2 different values in 3 rows"),
        ([1, 2], "regression: the target is a whole number with 2 different values in 2 rows"),
        ([0, 1, 2] * 9, "regression: the target is a whole number with 3 different values in 27 rows"),
        (
            [0, 1, 2] * 10,
            "classification: the target is a whole number with only 3 different values in 30 rows",
        ),
        (
            list(range(10)) * 10,
            "classification: the target is a whole number with only 10 different values in 100 rows",
        ),
        (
            list(range(11)) * 10,
            "regression: the target is a whole number with 11 different values in 110 rows",
        ),
    ],
)
def test_tasks(cells: list[object], reason: str) -> None:
    schema = infer_schema(from_frame({"x": [i * i for i in range(len(cells))], "y": cells}), target="y")
    assert schema.task_reason == reason
    assert schema.task == reason.split(":")[0]


def test_the_task_by_hand(write: Write) -> None:
    numbers = from_frame({"x": [1, 4, 9, 16], "y": [0, 1, 1, 0]})
    schema = infer_schema(numbers, target="y", task="regression")
    assert (schema.task, schema.task_reason) == ("regression", "regression, as asked for")
    assert infer_schema(
        from_frame({"x": [1, 4, 9], "y": [1.5, 2, 2]}), target="y", task="classification"
    ).task
    text = csv_table(write, x=[1, 4, 9], y=[1, "low", "low"])
    assert message(text, target="y", task="regression") == (
        "TableError: t.csv: line 3, column 'y': 'low' is not a number; correct it, or name it as missing with "
        "missing=['low']"
    )
    assert message(numbers, target="y", task="clustering") == (
        "SettingsError: the task is 'clustering'; it is classification or regression"
    )
    assert (
        message(numbers, task="regression")
        == "SettingsError: the task is 'regression', but no target is named"
    )


@pytest.mark.parametrize(
    ("frame", "options", "expected"),
    [
        (
            {"Age": [1, 2], "sex": [1, 2]},
            {"target": "age"},
            "t: the target 'age' is not there; did you mean 'Age'? The columns are Age, sex",
        ),
        ({"a": [1, 2]}, {"target": "zzz"}, "t: the target 'zzz' is not there; the columns are a"),
        ({"a": [1, 2]}, {"inputs": ["b"]}, "t: the input 'b' is not there; the columns are a"),
        ({"a": [1, 2]}, {"drop": ["b"]}, "t: the column to drop 'b' is not there; the columns are a"),
        (
            {"a": [1, 2]},
            {"kinds": {"b": "number"}},
            "t: the column with a kind of its own 'b' is not there; the columns are a",
        ),
        (
            {"a": [1, 2, 3], "y": ["k", "k", "k"]},
            {"target": "y"},
            "t: the target 'y' is 'k' in every row, so there is nothing to learn; choose another target",
        ),
        (
            {"a": [1, 2, 3], "y": ["k", None, "k"]},
            {"target": "y"},
            "t: the target 'y' is 'k' in every row that has one, so there is nothing to learn; choose another target",
        ),
        (
            {"a": [1, 2, 3], "y": [None, None, None]},
            {"target": "y"},
            "t: the target 'y' is missing in every row; choose another target",
        ),
        (
            {"a": [1, 2, 3], "y": ["k", "l", "m"]},
            {"target": "y"},
            "t: the target 'y' has a different value in every row ('k', …), so its classes can't be learned; choose "
            "another target",
        ),
        (
            {"a": [1, 2, 3], "y": [1, 2, 3]},
            {"target": "y", "task": "classification"},
            "t: the target 'y' has a different value in every row ('1', …), so its classes can't be learned; choose "
            "another target",
        ),
        (
            {"a": [1], "y": ["k"]},
            {"target": "y"},
            "t: the target 'y' is one class in the only row, so there is none to tell it from; add other rows",
        ),
        (
            {"a": [1, 2, 3], "y": [date(2024, 1, i) for i in (1, 2, 2)]},
            {"target": "y"},
            "t: the target 'y' is a date or time; choose a number or a class, or ask for task='classification'",
        ),
        (
            {"a": [1, 2], "y": [[1], [2]]},
            {"target": "y"},
            "t: the target 'y' can't be predicted: its cells are of the type List(Int64), not single values",
        ),
        (
            {"a": [[1], [2]], "y": [1.5, 2.5]},
            {"target": "y", "inputs": ["a"]},
            "t: 'a' can't be an input: its cells are of the type List(Int64), not single values",
        ),
    ],
)
def test_table_errors(frame: dict[str, list[object]], options: dict[str, object], expected: str) -> None:
    assert message(from_frame(frame, "t"), **options) == f"TableError: {expected}"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"target": "a", "inputs": ["a"]}, "'a' is the target, so it can't be an input as well"),
        ({"target": "a", "drop": ["a"]}, "'a' is the target, so it can't be dropped"),
        ({"inputs": ["a"], "drop": ["a"]}, "'a' is named as an input and to be dropped; choose one"),
        (
            {"kinds": {"a": "word"}},
            "the kind of 'a' is 'word'; it is one of number, category, date, text, leave-out, boolean, datetime",
        ),
        ({"max_levels": 0}, "max_levels is 0; it is at least 1"),
    ],
)
def test_settings_errors(options: dict[str, object], expected: str) -> None:
    assert message(from_frame({"a": [1, 2]}), **options) == f"SettingsError: {expected}"


def test_notes_on_the_target() -> None:
    table = from_frame({"x": [1.5, 2, 4, 3, 2], "y": ["k", None, "k", "l", "m"]}, "t")
    schema = infer_schema(table, target="y")
    assert schema.notes == (
        "1 row has no target (the first is row 2) and can't be learned from",
        "2 classes have one row only ('l', 'm'): learned from, but not tested",
    )
    assert labeled_rows(table, schema).tolist() == [0, 2, 3, 4]
    with pytest.raises(SettingsError, match="the schema has no target"):
        labeled_rows(table, infer_schema(table))


def test_many_levels_and_classes() -> None:
    random.seed(0)
    cells = [f"k{i % 10_000}" for i in range(20_000)]
    random.shuffle(cells)
    table = from_frame({"c": cells, "x": np.arange(20_000.0) / 7}, "t")
    schema = infer_schema(table, target="x")
    assert schema.notes == (
        "column 'c' has 10000 levels: the 64 most frequent have an input each, the others share one",
    )
    assert infer_schema(table, target="c").notes == (
        "the target has 10000 classes; is it the column you meant?",
    )


def test_five_thousand_columns() -> None:
    table = from_frame(pl.DataFrame(np.random.default_rng(0).normal(size=(50, 5000))))
    schema = infer_schema(table, target="column_1")
    assert len(schema.inputs) == 4999


def test_datetimes_with_zones_keep_their_clock_time() -> None:
    zoned = pl.Series([datetime(2024, 1, 1, 23)]).dt.replace_time_zone("Asia/Tokyo")
    assert from_frame({"d": zoned}).frame.rows() == [(datetime(2024, 1, 1, 23),)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_hostile_schemas(data: st.DataObject) -> None:
    good = infer_schema(read_table(EXAMPLES / "abc.csv"), target="Target").to_dict()
    hostile = json.loads(json.dumps(good))
    spot = data.draw(st.sampled_from([hostile, *hostile["columns"]]))
    spot[data.draw(st.sampled_from(sorted(spot)))] = data.draw(JSON)
    try:
        again = Schema.from_dict(hostile)
    except ModelFileError as error:
        if not str(error).startswith("schema"):
            raise
    else:
        assert json.loads(json.dumps(again.to_dict())) == hostile
    for key in good:
        with pytest.raises(ModelFileError):
            Schema.from_dict({k: v for k, v in good.items() if k != key})
