"""Slices of a table by a column: every row in one, numbers by value or quarter, words by frequency."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.errors import TableError
from chainrule.tables.cells import number_cells
from chainrule.tables.rows.slices import FEW_NUMBERS, slices_of
from chainrule.tables.table import from_frame
from effort import many


def cut(cells, **how):
    table = from_frame({"a": cells}, "t")
    given = {"numbers": number_cells(table, "a")} if how.pop("numbers") else {}
    return {words: rows.tolist() for words, rows in slices_of(table, "a", **given, **how)}


def test_numbers_by_quarter_and_by_value():
    """1 … 8: the quartiles are 2.75, 4.5 and 6.25; of up to six different numbers each is a slice."""
    assert cut([8.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, None], numbers=True) == {
        "1 … 2.75": [1, 2], "2.75 … 4.5": [3, 4], "4.5 … 6.25": [5, 6], "6.25 … 8": [0, 7], "missing": [8]
    }  # fmt: skip
    assert cut([2007, 2009, 2007], numbers=True) == {"= 2007": [0, 2], "= 2009": [1]}
    assert cut([0.0] * 50 + [float(i) for i in range(9)], numbers=True)["= 0"][:50] == list(range(50))


def test_words_by_how_many_there_are():
    cells = ["b", "a", "b", None, "c", "d", "a", "b"]
    assert cut(cells, numbers=False, most=2) == {
        "= b": [0, 2, 7], "= a": [1, 6], "others": [4, 5], "missing": [3]
    }  # fmt: skip
    assert list(cut(cells, numbers=False)) == ["= b", "= a", "= c", "= d", "missing"]


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(TableError, match="'b'"):
        slices_of(from_frame({"a": [1]}, "t"), "b")


@settings(max_examples=many(40))
@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=40))
def test_every_row_is_in_one_slice(cells):
    values = np.array([np.nan if cell is None else cell for cell in [*cells, 0.5]])
    found = slices_of(from_frame({"a": values.tolist()}, "t"), "a", numbers=values)
    assert sorted(np.concatenate([rows for _, rows in found]).tolist()) == list(range(len(cells) + 1))
    assert len(found) <= FEW_NUMBERS + 1
    assert all(len(rows) for _, rows in found)
