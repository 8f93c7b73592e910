"""Cells and what they stand for, one by one; and that the room opens without polars."""

import subprocess
import sys
from datetime import datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.tables.cells import LEVEL_MISSING, LEVEL_UNSEEN, level_codes
from chainrule.tables.spelling import dressing
from chainrule.tables.spelling.dressing import find_dress, find_duration, proven_decimal
from chainrule.tables.spelling.spellings import DATE_FORMATS, date_spelling, to_dates
from chainrule.tables.spelling.values import as_text, float_text, is_plain_number, to_numbers
from chainrule.tables.table import from_frame
from effort import many


@given(st.lists(st.floats(allow_nan=False) | st.none(), min_size=1))
def test_floats_as_text_are_the_shortest_that_come_back(values: list[float | None]) -> None:
    column = pl.Series(values, dtype=pl.Float64)
    texts = as_text(column).to_list()
    assert [None if text is None else float(text) for text in texts] == values
    assert all(
        text is None or not text.endswith(".0") or ("." in text and abs(float(text)) >= 2**53)
        for text in texts
    )


def test_columns_as_text() -> None:
    assert as_text(pl.Series([1.0, -0.0, 2.5, 1e300, 1e-7, float("inf"), None])).to_list() == [
        *("1", "0", "2.5", "1e+300", "1e-07", "inf"),
        None,
    ]
    assert as_text(pl.Series([7, None])).to_list() == ["7", None]
    assert as_text(pl.Series([True, False])).to_list() == ["true", "false"]


@pytest.mark.parametrize("spelling", DATE_FORMATS)
def test_every_spelling_is_found_again(spelling: str) -> None:
    # A year of two digits can be a day, too, up to 31.
    last = 1999 if "%y" in spelling else 2024
    moments = [
        datetime(last, 1, 31, 23, 59, 58),
        datetime(last - 1, 12, 25, 0, 30, 1),
        datetime(last - 1, 7, 14, 1, 2, 3),
    ]
    pattern = spelling.replace("%.f", "").replace("%z", "+0100")
    written = [moment.strftime(pattern) for moment in moments]
    found, count, ambiguous = date_spelling(pl.Series(written))
    assert count == 3
    assert not ambiguous
    # What was read is what was written, to the precision of the spelling.
    read = to_dates(pl.Series(written), found)
    assert [value.strftime(pattern) for value in read] == written


def test_fractions_of_seconds() -> None:
    read = to_dates(pl.Series(["2024-01-31 10:00:00.25", "2024-01-31 10:00:00"]), "%Y-%m-%d %H:%M:%S%.f")
    assert read.to_list() == [datetime(2024, 1, 31, 10, 0, 0, 250_000), datetime(2024, 1, 31, 10)]


def test_what_is_no_date() -> None:
    for cells in (
        ["1.5", "2.5"],
        ["10.0.0.1", "10.0.0.2"],
        ["2024-13-01", "2024-14-01"],
        ["12-34-5678x", "a"],
        [None],
    ):
        assert date_spelling(pl.Series(cells, dtype=pl.String))[1] == 0


def test_decimal_comma() -> None:
    text = pl.Series(["1,5", "2", "1.5", "1,000,000", None, "x"])
    assert to_numbers(text, ",").to_list() == [1.5, 2.0, None, None, None, None]
    assert to_numbers(text, ".").to_list() == [None, 2.0, 1.5, None, None, None]


def test_importing_the_room_does_not_import_polars() -> None:
    code = "import sys, chainrule.tables; sys.exit('polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


CELLS = (
    st.sampled_from([None, "red", "blue", "-", "inf", "-Infinity", "NaN", "$5", "1,200 kg", "½", "٣", "１２ €", "1h 5min",
                     "PT5M", "26:10:00", "12", "1.5", "rs.", "kg", "2024-01-02"])
    | st.text("ab 0", max_size=3)
)  # fmt: skip


@settings(max_examples=many(150))
@given(st.lists(CELLS, max_size=6), st.sampled_from([1, 7, 40]), CELLS)
def test_the_first_look_for_digits_changes_nothing(
    few: list[str | None], times: int, other: str | None
) -> None:
    text = pl.Series("c", [*(few * times), other], dtype=pl.String)
    found = [find_dress(text, ".", "", "", ""), find_duration(text), proven_decimal([text])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dressing, "_may_be_numbers", len)
        assert found == [find_dress(text, ".", "", "", ""), find_duration(text), proven_decimal([text])]


LEVELS = st.sampled_from(["u", "v ", "1", "1.0", "2.50", "007", "7", "x,y", "é", "-0", "inf"]) | st.text(
    max_size=2
)


@given(st.lists(LEVELS, unique=True, max_size=8), st.lists(LEVELS | st.none(), min_size=1, max_size=12))
def test_a_level_is_found_as_written_or_in_its_plain_form(levels: list[str], cells: list[str | None]) -> None:
    """Judged cell by cell in plain Python."""
    table = from_frame({"c": pl.Series(cells, dtype=pl.String)})
    written = table.text("c").to_list()

    def place(cell: str | None) -> int:
        if cell is None:
            return LEVEL_MISSING
        if cell in levels:
            return levels.index(cell)
        plain = float_text(float(cell)) if any(map(is_plain_number, levels)) and is_plain_number(cell) else ""
        return levels.index(plain) if plain and plain in levels else LEVEL_UNSEEN

    assert level_codes(table, "c", levels).tolist() == [place(cell) for cell in written]
