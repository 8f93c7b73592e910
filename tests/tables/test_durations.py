"""Durations as people and programs write them, as seconds; and dates in digits of other scripts."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.errors import SettingsError, TableError
from chainrule.exports.columns import column_data
from chainrule.exports.program import Cell
from chainrule.tables.encoding.encode import Encoder, fit_encoder
from chainrule.tables.files.read import read_table
from chainrule.tables.schema import infer_schema
from chainrule.tables.spelling.durations import DURATIONS, seconds_reader, to_seconds
from chainrule.tables.table import Table, from_frame
from effort import many

SPANS = [timedelta(seconds=97 * i**3 + 13 * i + (i % 4) / 4) for i in range(1, 41)]


def clock(span: timedelta) -> str:
    whole, rest = divmod(span.total_seconds(), 60)
    return f"{int(whole) // 60}:{int(whole) % 60:02}:{rest:05.2f}"


def worded(span: timedelta) -> str:
    whole, rest = divmod(span.total_seconds(), 60)
    return f"{int(whole) // 60} hrs {int(whole) % 60} min {rest:g} s"


def iso(span: timedelta) -> str:
    hours, rest = divmod(span.seconds, 3600)
    return f"P{span.days}DT{hours}H{rest // 60}M{rest % 60 + span.microseconds / 1e6:g}S"


def encoder_of(table: Table, **words: Any) -> tuple[Encoder, tuple[str, ...]]:
    schema = infer_schema(table, target="y", **words)
    return fit_encoder(table, schema, scaling="none"), schema.notes


def written(cells: list[str], path: Path) -> Table:
    pl.DataFrame({"took": cells, "y": [i % 2 for i in range(len(cells))]}).write_csv(path, separator="\t")
    return read_table(path)


@pytest.mark.parametrize("write", [clock, worded, iso, str, lambda s: str(pd.Timedelta(s))], ids=range(5))
def test_a_duration_is_its_seconds(write: Any, tmp_path: Path) -> None:
    cells = [write(span) for span in SPANS]
    table = written(cells, tmp_path / "t.tsv")
    encoder, notes = encoder_of(table)
    wanted = [span.total_seconds() for span in SPANS]
    assert encoder.transform(table)[:, 0] == pytest.approx(wanted, abs=1e-9)
    assert f"column 'took' is durations, read as seconds: {cells[0]!r} is 110.25" in notes
    # By the row, by another file and by a frame, and as a plain number; and of nothing else.
    assert Encoder.from_dict(encoder.to_dict()) == encoder
    assert [encoder.by_row()({"took": cell})[0] for cell in cells] == encoder.transform(table)[:, 0].tolist()
    other = from_frame({"took": ["4.5", "-" + cells[2], "７５:０１:０２" if write is clock else cells[0]]})
    last = 270062.0 if write is clock else wanted[0]
    assert encoder.transform(other)[:, 0] == pytest.approx([4.5, -wanted[2], last])
    with pytest.raises(SettingsError, match="'took' is durations as text, which exports don't read"):
        column_data(Cell(encoder.steps()[0], ("value",)))


@given(st.lists(st.timedeltas(timedelta(days=-10_000), timedelta(days=10_000)), min_size=1, max_size=8))
@settings(max_examples=many(60), deadline=None)
def test_a_sign_before_days_that_stand_apart_is_theirs(spans: list[timedelta]) -> None:
    for write in (str, lambda span: str(pd.Timedelta(span))):
        cells = [write(span) for span in spans]
        wanted = [pytest.approx(span.total_seconds(), abs=1e-6) for span in spans]
        assert to_seconds(pl.Series(cells), "clock").to_list() == wanted
        assert [seconds_reader("clock")(cell) for cell in cells] == wanted


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("-1 day, 23:00:00", -3600), ("-1 days +23:00:00", -3600), ("-2 days,+0:30:00", -171000), ("-26:30:00", -95400),
        ("-1 days 02:00:00", -93600), ("-1d 02:00:00", -93600), ("-0 days 00:10:00", -600), ("+1 day, 2:00:00", 93600),
    ],
)  # fmt: skip
def test_a_sign_without_a_comma_or_a_plus_behind_the_days_is_of_all(cell: str, wanted: int) -> None:
    assert seconds_reader("clock")(cell) == wanted
    assert to_seconds(pl.Series([cell]), "clock").to_list() == [wanted]


@pytest.mark.parametrize("write", [clock, worded, iso, str], ids=range(4))
def test_a_plain_number_beside_durations_has_no_unit(write: Any, tmp_path: Path) -> None:
    cells = [write(span) for span in SPANS]
    cells[5:8] = ["90", cells[0], cells[1]]
    encoder, notes = encoder_of(written(cells, tmp_path / "t.tsv"))
    said = "column 'took' has numbers with several units or currencies (durations, none), so it is a category"
    assert said in notes
    assert [column.kind for column in encoder.columns] == ["category"]


def test_types_of_durations_are_seconds_and_said() -> None:
    for frame in (pl.DataFrame({"took": SPANS}), pd.DataFrame({"took": SPANS})):
        table = from_frame(frame)
        assert table.column("took").to_list() == [span.total_seconds() for span in SPANS]
        assert table.notes == ("column 'took' is durations, read as seconds",)


def test_what_could_be_a_time_of_day_is_one_until_asked(tmp_path: Path) -> None:
    cells = [f"{i % 9}:{7 * i % 60:02}:{11 * i % 60:02}" for i in range(40)]
    table = written(cells, tmp_path / "t.tsv")
    assert (
        "column 'took' is times of day; if they are durations, kinds took=number reads them as seconds"
        in encoder_of(table)[1]
    )
    encoder, notes = encoder_of(table, kinds={"took": "number"})
    assert encoder.transform(table)[1, 0] == 3600 + 7 * 60 + 11
    assert "column 'took' is durations, read as seconds: '0:00:00' is 0" in notes


@pytest.mark.parametrize(
    "cell", ["", "P", "PT", "P1Y", "1:2:3", "1:60:00", "h", "5 parsecs", "1 h 5", "--1 h", "1:00:00 2", "D1"]
)
def test_what_is_no_duration(cell: str) -> None:
    for spelling in DURATIONS:
        assert seconds_reader(spelling)(cell) is None
        assert to_seconds(pl.Series([cell]), spelling).to_list() == [None]


def test_numbers_with_one_unit_and_plain_ones_of_thousands(tmp_path: Path) -> None:
    encoder, notes = encoder_of(written([f"{i} h" for i in range(40)], tmp_path / "a.tsv"))
    assert encoder.columns[0].dress is not None
    assert encoder.columns[0].dress.after == ("h",)
    _, notes = encoder_of(
        written([f"{i / 8:.1f}k" if i % 3 else str(700 + i % 9) for i in range(40)], tmp_path / "b.tsv")
    )
    assert (
        "column 'took' has numbers with several units or currencies (k, none), so it is a category" in notes
    )


@pytest.mark.parametrize("zero", ["０", "٠", "०"])
@pytest.mark.parametrize("spelling", ["%Y-%m-%d", "%d.%m.%Y %H:%M", "%Y/%m/%d"])
def test_dates_in_any_digits(zero: str, spelling: str) -> None:
    days = pl.datetime_range(pl.datetime(2021, 3, 5, 7, 9), pl.datetime(2023, 9, 9), "17d3h", eager=True)
    plain = days.dt.strftime(spelling)
    signs = {str(i): chr(ord(zero) + i) for i in range(10)} | (
        {"/": "／", "-": "－", ":": "："} if zero == "０" else {}
    )
    wide = plain.str.replace_many(list(signs), list(signs.values()))
    table, other = (from_frame({"d": one, "y": [i % 2 for i in range(len(days))]}) for one in (plain, wide))
    encoder, _ = encoder_of(other)
    assert encoder_of(table)[0] == encoder
    assert encoder.transform(other).tolist() == encoder.transform(table).tolist()
    assert encoder.by_row()({"d": wide[3]}).tolist() == encoder.transform(table)[3].tolist()


def test_types_that_polars_has_not() -> None:
    wide = pd.DataFrame({"x": pd.Series(np.arange(5, dtype=np.longdouble) / 4)})
    assert from_frame(wide).column("x").to_list() == [0.0, 0.25, 0.5, 0.75, 1.0]
    decimals = pa.table({"x": pa.array([Decimal(1), Decimal(2)], pa.decimal256(50, 2))})
    with pytest.raises(TableError, match="can't be made a table of columns"):
        from_frame(decimals)


@pytest.mark.parametrize("form", ["{0}-W{1:02}-{2}", "{0}W{1:02}{2}", "{0}-W{1:02}", "{0}W{1:02}"])
def test_days_of_weeks(form: str) -> None:
    days = [date(2019, 12, 1) + timedelta(days=11 * i) for i in range(60)]
    cells = [form.format(*day.isocalendar()) for day in days]
    wanted = days if "{2}" in form else [day - timedelta(days=day.weekday()) for day in days]
    table = from_frame({"d": cells, "y": [i % 2 for i in range(60)]})
    encoder, _ = encoder_of(table)
    assert encoder.columns[0].kind == "datetime"
    judge, _ = encoder_of(from_frame({"d": wanted, "y": [i % 2 for i in range(60)]}))
    plain = from_frame({"d": wanted})
    assert (
        encoder.transform(table).tolist()
        == encoder.transform(plain).tolist()
        == judge.transform(plain).tolist()
    )
    assert encoder.by_row()({"d": cells[7]}).tolist() == encoder.transform(table)[7].tolist()
    with pytest.raises(TableError, match="'2021W53' is not a date"):
        encoder.transform(from_frame({"d": ["2021W53"]}))
    with pytest.raises(SettingsError, match="'d' is weeks as ISO 8601 has them, which exports don't read"):
        column_data(Cell(encoder.steps()[0], ("year",)))
