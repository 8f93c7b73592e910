"""The steps from a cell to a number, and the encoder of single rows: the same bits as a whole table's."""

import json
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule._plain import from_plain, to_plain
from chainrule.errors import TableError
from chainrule.formula.on_numbers import on_numbers
from chainrule.tables.encoding.encode import Encoder, fit_encoder
from chainrule.tables.encoding.scalings import SCALINGS, parsed
from chainrule.tables.encoding.steps import ColumnSteps, DrawIn, Fill, LookUp, MissingWords, Scale
from chainrule.tables.files.read import read_table
from chainrule.tables.schema import infer_schema
from chainrule.tables.spelling.spellings import DATE_FORMATS, date_reader, to_dates
from chainrule.tables.table import from_frame
from effort import many

EXAMPLES = Path(__file__).parents[2] / "examples"

MIXED: dict[str, list[Any]] = {
    "x": [1.0, None, 4.0, 6.25, -3.5],
    "c": ["u", "v", "u", None, "1"],
    "b": ["yes", "no", None, "Yes", "no"],
    "d": ["2024-01-01 10:30", "2024-03-01 00:07", None, "2023-01-05 23:59", "2024-01-01 10:30"],
    "t": ["10:00", "11:30", "12:00", "12:00", None],
    "w": [1, 2, 3, 4, 6],
}


def fitted(frame: dict[str, list[Any]], scaling: str = "robust") -> Encoder:
    table = from_frame(frame)
    kinds = {name: "number" for name in ("x", "w") if name in frame}
    return fit_encoder(table, infer_schema(table, kinds=kinds), scaling=scaling)


@cache
def mixed(scaling: str) -> Encoder:
    """The encoder of all kinds of columns."""
    return fitted(MIXED, scaling)


def bits(encoder: Encoder, row: dict[str, Any]) -> bytes:
    """The bits of a row as a table of one has them."""
    return encoder.transform(from_frame({name: [cell] for name, cell in row.items()}))[0].tobytes()


def test_penguins_row_by_row_without_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of one row takes milliseconds, and is made of unusual cells alone."""
    table = read_table(EXAMPLES / "penguins.csv")
    encoder = fit_encoder(table, infer_schema(table, target="species"))
    names = [column.name for column in encoder.columns]
    by_row, whole = encoder.by_row(), encoder.transform(table)
    monkeypatch.setattr(type(by_row), "_as_table", None)
    written = pl.DataFrame([table.text(name) for name in names])
    for cells in (table.frame, written):
        rows = cells.select(names).rows(named=True)
        assert np.array([by_row(row) for row in rows]).tobytes() == whole.tobytes()


CELLS = {
    "x": st.floats()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([None, "NA", " 3.5 ", "-1e3", "inf", True]),
    "c": st.sampled_from(["u", " v\t", "w", "", None, 1, 1.0, "1.0", "01", True, 2.5, float("nan")]),
    "b": st.sampled_from(["YES", "no ", 1, 0.0, "1", "true", None, False]),
    "d": st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))
    | st.dates()
    | st.sampled_from(["2024-02-29 23:59:59", "2024-02-29", "Feb 29, 2024", "null", None]),
    "t": st.times() | st.sampled_from(["23:59", "7:05:01.25", "3 PM", None, datetime(2024, 1, 1, 18)]),
    "w": st.integers(-5, 5),
}


@settings(max_examples=many(40))
@given(st.fixed_dictionaries(CELLS), st.sampled_from(sorted(SCALINGS)))
def test_a_row_has_the_bits_of_its_table(row: dict[str, Any], scaling: str) -> None:
    encoder = mixed(scaling)
    assert encoder.by_row()(row).tobytes() == bits(encoder, row)
    assert encoder.by_row(dtype="float32")(row).dtype == np.float32


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"x": "heavy"}, "the row: row 1, column 'x': 'heavy' is not a number"),
        ({"b": "perhaps"}, "the row: row 1, column 'b': 'perhaps' is not a truth value"),
        ({"d": "2024-02-30"}, "the row: row 1, column 'd': '2024-02-30' is not a date or time"),
        ({"b": 2}, "the row: row 1, column 'b': '2' is not a truth value"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_as_of_a_table(row: dict[str, Any], words: str) -> None:
    good = {name: cells[0] for name, cells in MIXED.items()}
    with pytest.raises(TableError, match=words.replace("(", r"\(")):
        fitted(MIXED).by_row()({**good, **row})
    with pytest.raises(
        TableError, match="the row: the column 'w' that the model was trained on is not there"
    ):
        fitted(MIXED).by_row()({name: cell for name, cell in good.items() if name != "w"})


def test_steps_are_data() -> None:
    encoder = fitted({"x": [1.0, None, 3.0], "c": ["u", "v", "u"]}, "minmax")
    x, c = encoder.steps(["NA", "-9"])
    assert [type(step).__name__ for step in x.cell] == ["Trim", "MissingWords", "ReadNumber"]
    assert x.cell[1] == MissingWords(("", "NA", "-9"))
    assert [one.name for one in x.inputs] == ["x", "x is missing"]
    fill, draw_in, scale = x.inputs[0].steps
    assert fill == Fill(2.0)
    assert draw_in == DrawIn(1 - 2e9, 1 + 2e9)
    assert scale == Scale("minmax", "(v - low)/(high - low)", {"low": 1.0, "high": 3.0})
    assert c.reads == LookUp(("u", "v"))
    for one in encoder.steps():
        assert from_plain(ColumnSteps, json.loads(json.dumps(to_plain(one))), "steps") == one


FORMULAS = (
    "(v - a)/b",
    "sin(2*pi*v/b)",
    "v^3 + v^2/a",
    "where(v == a, 1, -v)",
    "2^v",
    "b/(a + v*v)",
    "sqrt(max(v, a))",
)


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_of_one_number_has_the_bits_of_an_array(formula: str, rng: np.random.Generator) -> None:
    values = rng.normal(scale=30, size=300)
    one = on_numbers(parsed(formula), "v", {"a": 1.7, "b": 0.3})
    expected = parsed(formula).evaluate_like({"v": values, "a": 1.7, "b": 0.3}, values, np)
    assert np.array([one(v) for v in values.tolist()]).tobytes() == expected.tobytes()


TEXTS = st.sampled_from(
    """Feb 04, 2020|February 4 2020|Tue, 04 Feb 2020 10:00:00 GMT|2020-02-04T03:04:05+02:00|04/02/2020|4/2/20|31-12-99|4-Feb-20
2020-02-04 03:04 PM|12:30 am|3 p.m.|4 Sept. 2021|31/02/2020|2020-02|04.02.20 12:00|24:00|23:59:60|Foo 4, 2020|0:00 AM
2020-02-04 03:04:05.1234567|13:00 PM|2020-2-4|2020/02/04 1:2:3
4. März 2021|13 de noviembre de 2019|1er juillet 2020|4th of July, 2020 9:05 p. m.|4 АПР 2020|13\u00a0Nov\u00a02019 7:05\u202fPM
20200204|202024|20200204T030405Z|19/11/13|Wed Nov 13 21:07:31 2019|13/Nov/2019:21:07:31 +0000|13NOV2019|4. 2. 2020, 07:05
2020年2月4日|2020-02-04 03:04:05,678|2020-02-04 03:04 CET|Tue 2020-02-04|Nov-19|2020/02|2020-02-04 3:4|5sty2020""".replace(
        "\n", "|"
    ).split("|")
)


@given(st.lists(TEXTS, min_size=1, max_size=6), st.sampled_from(DATE_FORMATS))
def test_a_date_in_python_is_the_date_in_polars(cells: list[str], spelling: str) -> None:
    assert [date_reader(spelling)(cell) for cell in cells] == to_dates(pl.Series(cells), spelling).to_list()


def test_a_date_is_taken_apart_as_a_column_is() -> None:
    frame = {
        "d": [date(2024, 2, 29), date(1901, 12, 31), date(1999, 7, 4)],
        "t": [time(1), time(2, 3, 4, 5), time(23, 59)],
    }
    encoder = fitted(frame, "none")
    for row in from_frame(frame).frame.rows(named=True):
        assert encoder.by_row()(row).tobytes() == bits(encoder, row)
