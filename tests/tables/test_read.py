"""Reading tables: every format and every mistake, against the standard library as the judge."""

import csv
import gzip
import io
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chainrule.errors import SettingsError, TableError
from chainrule.tables.files.delimited import (
    Delimited,
    _taken,
    _taken_at_once,
    read_delimited,
    sniff_delimiter,
)
from chainrule.tables.files.read import read_table
from chainrule.tables.spelling.values import BLANKS, DEFAULT_MISSING
from chainrule.tables.table import from_frame
from effort import many

from .conftest import Write

EXAMPLES = Path(__file__).parents[2] / "examples"


def message(source: str, **options: object) -> str:
    with pytest.raises(TableError) as caught:
        read_table(source, **options)  # type: ignore[arg-type]
    return str(caught.value)


def test_penguins_against_the_csv_module() -> None:
    table = read_table(EXAMPLES / "penguins.csv")
    with open(EXAMPLES / "penguins.csv", newline="") as file:
        expected = list(csv.DictReader(file))
    assert table.n_rows == len(expected) == 344
    assert table.columns == tuple(expected[0])
    for i, row in enumerate(table.frame.iter_rows(named=True)):
        for name, text in expected[i].items():
            if text == "NA":
                assert row[name] is None
            else:
                assert row[name] == (text if isinstance(row[name], str) else float(text))
    numbers = {n for n, dtype in table.frame.schema.items() if dtype.is_numeric()}
    assert numbers == {"bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "year"}
    # The fourth penguin has no measures: line 1 is the header, so it is in line 5.
    assert table.place(3) == "line 5"
    assert table.cell(3, "sex") is None
    assert table.cell(0, "bill_length_mm") == "39.1"
    assert table.lines[0] == 2


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(write: Write, delimiter: str) -> None:
    lines = [["a", "b c", "d"], ["1", "x, y; z", "2.5"], ["2", "u|v\tw", "-1e3"]]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(lines)
    table = read_table(write(out.getvalue()))
    assert table.frame.rows() == [(1, "x, y; z", 2.5), (2, "u|v\tw", -1000.0)]
    assert table.frame.schema["a"] == pl.Int64


def test_decimal_comma(write: Write) -> None:
    table = read_table(write("a;b\n1,5;2\n-0,25;3\n"), decimal=",")
    assert table.frame.rows() == [(1.5, 2), (-0.25, 3)]
    assert read_table(write("a\n1,5\n2\n"), decimal=",").frame.rows() == [(1.5,), (2.0,)]
    # A point beside a decimal comma is a thousands separator, which the column's dress says.
    assert read_table(write("a;b\n1.500;2\n1,5;3\n"), decimal=",").frame.schema["a"] == pl.String
    assert read_table(write('a,b\n"1,5",2\n'), decimal=",", delimiter=",").frame.rows() == [(1.5, 2)]


def test_missing_words(write: Write) -> None:
    words = [word for word in DEFAULT_MISSING if word]
    content = "a,b\n" + "".join(f"{word},x\n" for word in words) + ",x\n  NA\t,x\n7,x\n"
    column = read_table(write(content)).frame.get_column("a")
    assert column.to_list() == [None] * (len(words) + 2) + [7]
    assert read_table(write("a,b\n-99,1\n2,2\n"), missing=[*DEFAULT_MISSING, "-99"]).frame.rows() == [
        (None, 1),
        (2, 2),
    ]
    assert read_table(write("a,b\nNA,1\nx,2\n"), missing=[]).frame.rows() == [("NA", 1), ("x", 2)]


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", ""),
        ("utf-32", ""),
        (
            "latin-1",
            "is not UTF-8 (first at line 3), so it was read as Latin-1; if letters are wrong, name the encoding",
        ),
    ],
)
def test_encodings(write: Write, encoding: str, note: str) -> None:
    table = read_table(write("name,größe\nx,1\nÄrmel,2\n".replace("größe", "size").encode(encoding)))
    assert table.frame.rows() == [("x", 1), ("Ärmel", 2)]
    assert table.columns == ("name", "size")
    assert table.notes == ((note,) if note else ())


def test_named_encoding(write: Write) -> None:
    path = write("a,b\n5 €,1\n".encode("cp1252"))
    assert read_table(path, encoding="cp1252").frame.rows() == [("5 €", 1)]
    assert (
        message(path, encoding="ascii") == "t.csv: line 2: can't be decoded as ascii; choose another encoding"
    )
    with pytest.raises(SettingsError, match="encoding 'latin-99' is unknown: choose utf-8"):
        read_table(path, encoding="latin-99")


def test_lines_count_newlines_in_quotes_and_blank_lines(write: Write) -> None:
    table = read_table(write('a,b\r\n"one\r\ntwo",1\r\n\r\n"say ""hi""",2\r\n   \r\nz,3'))
    assert table.frame.rows() == [("one\r\ntwo", 1), ('say "hi"', 2), ("z", 3)]
    assert [table.place(i) for i in range(3)] == ["line 2", "line 5", "line 7"]
    assert table.notes == ("2 blank lines skipped, the first at line 4",)
    taken = table.take([2, 0])
    assert taken.frame.rows() == [("z", 3), ("one\r\ntwo", 1)]
    assert [taken.place(i) for i in range(2)] == ["line 7", "line 2"]
    assert taken.cell(0, "b") == "3"


def test_old_macintosh_lines(write: Write) -> None:
    assert read_table(write("a,b\r1,2\r3,4")).frame.rows() == [(1, 2), (3, 4)]


def test_a_quote_inside_a_cell(write: Write) -> None:
    table = read_table(write('size,n\n5" pipe,1\n\n7" pipe,2\n'))
    assert table.frame.rows() == [('5" pipe', 1), ('7" pipe', 2)]
    assert table.place(1) == "line 4"
    assert table.notes == ("1 blank line skipped, the first at line 3",)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("1 2 3", [1, 2, 3]),
        ("1 2.5 NA", [1.0, 2.5, None]),
        ("007 08 9", [7, 8, 9]),
        ("9223372036854775807 1", [2**63 - 1, 1]),
        ("9223372036854775808 1", [2.0**63, 1.0]),
        ("1e308 -1e308", [1e308, -1e308]),
        ("1e999 1", [None, 1.0]),
        ("+5 .5 5. 1E-3", [5.0, 0.5, 5.0, 0.001]),
        ("1 x", ["1", "x"]),
        ("0x10 1", ["0x10", "1"]),
        ("1_000 1", ["1_000", "1"]),
        ("true False", ["true", "False"]),
        ("NA NA", [None, None]),
    ],
)
def test_types(write: Write, cells: str, expected: list[object]) -> None:
    content = "a,b\n" + "".join(f"{cell},0\n" for cell in cells.split())
    values = read_table(write(content)).frame.get_column("a").to_list()
    assert values == expected
    assert [type(value) for value in values] == [type(value) for value in expected]


def test_parquet(write: Write) -> None:
    frame = pl.DataFrame(
        {
            "f": pl.Series([1.5, math.nan], dtype=pl.Float32),
            "i": pl.Series([1, None], dtype=pl.UInt8),
            "c": pl.Series(["x", "NA"], dtype=pl.Categorical),
            "t": ["1", "2"],
            "d": pl.Series([0, 1], dtype=pl.Int32).cast(pl.Date),
            "b": [True, None],
        }
    )
    write(b"")
    frame.write_parquet("t.parquet")
    table = read_table("t.parquet")
    assert table.frame.rows()[0][:4] == (1.5, 1, "x", "1")
    assert table.frame.rows()[1][:4] == (None, None, None, "2")
    assert [str(t) for t in table.frame.dtypes[:4]] == ["Float64", "Int64", "String", "String"]
    assert table.place(1) == "row 2"
    os.rename("t.parquet", "t.bin")
    assert read_table("t.bin").frame.equals(table.frame)


def test_ndjson(write: Write) -> None:
    path = write('{"a": 1, "b": "x", "t": true}\n\n{"b": null, "c": 2.5, "a": 3}\n', "t.jsonl")
    table = read_table(path)
    assert table.frame.to_dict(as_series=False) == {
        "a": [1, 3],
        "b": ["x", None],
        "t": [True, None],
        "c": [None, 2.5],
    }
    assert table.place(1) == "line 3"
    mixed = read_table(write('{"a": 1}\n{"a": "x"}\n{"a": [1]}\n', "t.ndjson"))
    assert mixed.frame.get_column("a").to_list() == ["1", "x", "[1]"]
    assert read_table(write('{"a": 1%s}\n{"a": 0.5}' % ("0" * 400), "t.json")).frame.rows() == [
        (None,),
        (0.5,),
    ]


def test_gzip(write: Write) -> None:
    assert read_table(write(gzip.compress(b"a,b\n1,2\n", mtime=0), "t.csv.gz")).frame.rows() == [(1, 2)]
    assert read_table(write(gzip.compress(b"a\tb\n1,5\t2\n", mtime=0), "t.tsv.gz")).frame.rows() == [
        ("1,5", 2)
    ]
    assert read_table(write(gzip.compress(b'{"a": 1}', mtime=0), "t.jsonl.gz")).frame.rows() == [(1,)]
    assert read_table(write(gzip.compress(b"a,b\n1,2\n", mtime=0), "t.csv")).frame.rows() == [(1, 2)]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (b"a,b\n1,2\n", b'{"a": 1, "b": 2}\n', gzip.compress(b"a|b\n1|2\n", mtime=0)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        table = read_table("-")
        assert table.frame.rows() == [(1, 2)]
        assert table.name == "standard input"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert message("-") == "standard input: the file is empty"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "t.csv: the file is empty"),
        ("\n \n\n", "t.csv: the file is empty"),
        ("a,b\n", "t.csv: there is a header (a, b) but no row below it"),
        ("a,b,a\n1,2,3\n", "t.csv: columns 1 and 3 are both named 'a'; rename one of them"),
        (
            'a,b\n"x\ny",1\n2\n3,4\n5,6,7\n',
            "t.csv: line 4 has 1 field, where the header has 2 (1 more line is like it); quote the cells that hold "
            "the delimiter (','), or name another with delimiter",
        ),
        (
            "a\tb\n1\t2\t3\n",
            "t.csv: line 2 has 3 fields, where the header has 2; quote the cells that hold the delimiter (tab), or "
            "name another with delimiter",
        ),
        (
            'a,b\n1,2\n"x,3\n4,5\n',
            "t.csv: line 3: the quotes are not right (unexpected end of data); close every quote, and double a "
            'quote that belongs to the text ("")',
        ),
        (
            'a,b\n"x"y,3\n',
            "t.csv: line 2: the quotes are not right (',' expected after '\"'); close every quote, and double a "
            'quote that belongs to the text ("")',
        ),
        ("a,b\n1,\0\n", "t.csv: line 2 holds a NUL byte; this is not a text table, or it wants encoding"),
        (b"PK\3\4rest", "t.csv: is a zip archive; unpack it, and give a file or the folder"),
    ],
)
def test_bad_text(write: Write, content: str | bytes, expected: str) -> None:
    assert message(write(content)) == expected


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "t.csv.gz",
            gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9],
            "t.csv.gz: the gzip data is damaged or cut short (Compressed file ended before the end-of-stream marker "
            "was reached); fetch or compress the file again",
        ),
        (
            "t.csv.gz",
            b"a,b\n1,2\n",
            "t.csv.gz: is not gzip data, though its name ends in .gz; rename it if it is plain text",
        ),
        (
            "t.jsonl",
            b'{"a": 1}\n[1]\n',
            "t.jsonl: line 2: is not a JSON object; NDJSON has one object {…} in every line",
        ),
        ("t.jsonl", b'{"a": 1, "a": 2}\n', "t.jsonl: line 1: the key 'a' is there twice; rename one of them"),
        (
            "t.jsonl",
            b'{"a": 1}\n{"a": 2\n',
            "t.jsonl: line 2: is not JSON (Expecting ',' delimiter: line 1 column 8 (char 7)); NDJSON has one whole "
            "object in every line",
        ),
        ("t.jsonl", b"{}\n{}\n", "t.jsonl: the table has no columns"),
    ],
)
def test_bad_files(write: Write, name: str, content: bytes, expected: str) -> None:
    assert message(write(content, name)) == expected


def test_bad_paths(write: Write) -> None:
    write("")
    assert message("none.csv") == "none.csv: there is no such file; check the path"
    os.mkdir("folder")
    assert (
        message("folder")
        == "folder: is a folder without a table in it; name a file, or a folder of .csv, .tsv, .tab …"
    )
    assert message("/dev/zero") == "/dev/zero: is a device, not a file"
    assert message("a\0b") == "a\0b: can't be read: no file can have this name"
    assert message("t.csv/x") == "t.csv/x: can't be read: Not a directory"


def test_not_parquet(write: Write) -> None:
    for content in (b"abc", b"PAR1" + bytes(40), b"PAR1"):
        assert message(write(content, "t.parquet")).startswith(
            "t.parquet: is not a Parquet file, or is damaged: "
        )
    good = io.BytesIO()
    pl.DataFrame({"a": [1, 2]}).write_parquet(good)
    assert message(write(good.getvalue()[:-30], "t.parquet")).startswith("t.parquet: is not a Parquet file")
    pl.DataFrame({"a": []}).write_parquet("t.parquet")
    assert message("t.parquet") == "t.parquet: the table has columns (a) but no rows"


def test_settings(write: Write) -> None:
    path = write("a,b\n1,2\n")
    assert read_table(path, delimiter="tab").columns == ("a,b",)
    for options, expected in (
        ({"delimiter": ",,"}, "delimiter ',,' must be one character such as , ; | or the word tab"),
        ({"delimiter": '"'}, "delimiter '\"' must be one character such as , ; | or the word tab"),
        ({"decimal": ";"}, "decimal ';' is unknown: choose . or ,"),
    ):
        with pytest.raises(SettingsError) as caught:
            read_table(path, **options)  # type: ignore[arg-type]
        assert str(caught.value) == expected


def test_columns_without_a_name(write: Write) -> None:
    table = read_table(write("a,,\n1,2,3\n"))
    assert table.columns == ("a", "column_2", "column_3")
    assert table.notes == (
        "column 2 has no name; it is called column_2",
        "column 3 has no name; it is called column_3",
    )
    assert message(write("column_2,\n1,2\n")) == (
        "t.csv: columns 1 and 2 are both named 'column_2'; rename one of them"
    )
    assert read_table(write("1,2\n3,4\n")).notes == (
        "the first line holds numbers only, and was taken as the names of the columns; "
        "if it is data, add a line of names above it",
    )


CELL = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=6
) | st.sampled_from(['"', '""', ",", "\n", "a\nb", "\r\n", 'x"y', "1", "-2.5", "é", " ", "#", "'", ";"])


def texts(parts: Delimited) -> list[list[str]]:
    """The cells as they are written, blanks aside."""
    columns = [
        parts.raw[name] if name in parts.raw else parts.cells[name].cast(pl.String) for name in parts.names
    ]
    return [["" if cell is None else cell for cell in row] for row in pl.DataFrame(columns).rows()]


@settings(max_examples=many(150))
@given(
    st.integers(1, 4).flatmap(
        lambda w: st.lists(st.lists(CELL, min_size=w, max_size=w), min_size=1, max_size=6)
    )
)
@example([["a\n", '"']])
def test_what_the_csv_module_writes_is_read(rows: list[list[str]]) -> None:
    header = [f"c{i}" for i in range(len(rows[0]))]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([header, *rows])
    parts = read_delimited(out.getvalue().encode(), ",", "t")
    # An independent reader of the same text; empty and missing are one. csv writes a row of one empty cell as "".
    expected = list(csv.reader(io.StringIO(out.getvalue(), newline="")))[1:]
    if len(header) > 1:
        expected = [row for row in expected if row]
    assert expected == rows
    assert texts(parts) == [[cell.strip(BLANKS) for cell in row] for row in rows]


@settings(max_examples=many(150))
@given(st.text(st.sampled_from('ab,"\n\r;'), max_size=30))
@example('a,b\n"",\r\n')
@example(';\r""')
@example("\r;\n")
def test_any_text_is_a_table_or_a_clear_error(text: str) -> None:
    try:
        parts = read_delimited(text.encode(), ",", "t")
    except TableError as error:
        if not str(error).startswith("t: "):
            raise
        return
    try:
        rows = list(csv.reader(io.StringIO(text.replace("\r\n", "\n"), newline=""), strict=True))
    except csv.Error:
        return
    rows = [row for row in rows if row]
    found = [[cell.replace("\r\n", "\n") for cell in row] for row in texts(parts)]
    assert found == [[cell.strip(BLANKS) for cell in row] for row in rows[1:]]


@settings(max_examples=many(60))
@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False) | st.none() | st.integers(-(2**70), 2**70),
        min_size=1,
    )
)
def test_numbers_survive_bit_by_bit(values: list[float | int | None]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["a", "b"], *[[v, "x"] for v in values]])
    sys_stdin = io.TextIOWrapper(io.BytesIO(out.getvalue().encode()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", sys_stdin)
        column = read_table("-").frame.get_column("a")
    assert [None if v is None else float(v) for v in column.to_list()] == [
        None if v is None else float(v) for v in values
    ]


def test_the_delimiter_of_a_single_column() -> None:
    assert sniff_delimiter("x\n1,5\n2,5\n") == ";"
    assert sniff_delimiter("x\n1\n") == ","
    # One ragged line does not make another delimiter better.
    assert sniff_delimiter("a,b;c\n1,2\n1;2,3,4\n1,2\n") == ","


def test_a_long_file_is_sniffed_from_whole_records() -> None:
    text = "a;b\n" + "1,5;2,5\n" * 200_000
    assert sniff_delimiter(text) == ";"


def test_from_frame() -> None:
    table = from_frame({"a": [1, None], "b": ["x", "?"], "c": [math.nan, 2]})
    assert table.frame.rows() == [(1, "x", None), (None, None, 2.0)]
    assert table.name == "the table"
    assert from_frame(np.array([[1.0, 2.0], [3.0, 4.0]])).columns == ("column_1", "column_2")
    assert from_frame(pl.LazyFrame({"a": [1]})).frame.rows() == [(1,)]
    with pytest.raises(TableError, match=r"^t: the table has columns \(a\) but no rows$"):
        from_frame({"a": []}, "t")
    with pytest.raises(TableError, match=r"^t: the table has no columns$"):
        from_frame({}, "t")
    with pytest.raises(TableError, match=r"^t: can't be made a table of columns: "):
        from_frame(7, "t")
    with pytest.raises(TableError, match=r"^t: can't be made a table of columns: "):
        from_frame({"a": [1, 2], "b": [1, 2, 3]}, "t")
    with pytest.raises(TableError) as caught:
        table.column("A")
    assert str(caught.value) == "the table: there is no column 'A'; did you mean 'a'? The columns are a, b, c"


def test_a_pandas_frame() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"a": [1.5, None], "b": ["x", None], "d": pandas.to_datetime(["2024-01-02", None])}
    )
    table = from_frame(frame, "t")
    assert table.frame.select("a", "b").rows() == [(1.5, "x"), (None, None)]
    assert str(table.frame.get_column("d")[0]) == "2024-01-02 00:00:00"
    frame.columns = ["a", "a", "d"]
    with pytest.raises(TableError, match="columns 1 and 2 are both named 'a'"):
        from_frame(frame, "t")


PEAK = """
import re, sys
from pathlib import Path
from chainrule.tables.files.read import read_table
status = Path("/proc/self/status")
most = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]) * 1024
read_table(sys.argv[1])
before = most()
table = read_table(sys.argv[2])
print(most() - before, table.n_rows, table.raw.width)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
@pytest.mark.parametrize("quoted", [False, True])
def test_delimited_text_is_read_with_little_more_memory_than_it_has(tmp_path: Path, quoted: bool) -> None:
    n = 100_000
    frame = pl.DataFrame(np.random.default_rng(0).normal(size=(n, 20)), schema=[f"x{j}" for j in range(20)])
    path, small = tmp_path / "t.csv", tmp_path / "s.csv"
    frame.write_csv(path, quote_style="always" if quoted else "necessary")
    frame.head(10).write_csv(small)
    done = subprocess.run(
        [sys.executable, "-c", PEAK, small, path], capture_output=True, text=True, check=True
    )
    peak, rows, kept = map(int, done.stdout.split())
    assert (rows, kept) == (n, 0)
    # The file, its numbers, where its cells end, and blocks of 16 MB.
    assert peak < path.stat().st_size + 2 * frame.estimated_size() + 120e6


@pytest.mark.parametrize("decimal", [".", ","])
def test_many_columns_at_once_are_read_as_one_by_one(decimal: str) -> None:
    columns = {
        "whole": ["1", "2", "", "-3"], "float": ["1.5", "2.5", "NA", "1e3"],
        "exact": ["1.5", "2.25", "", "-0.5"],
        "zeros": ["007", "1", "2", "3"], "plus": ["+1", "2", "3", "4"], "text": ["a", " b", "", "nan"],
        "comma": ["1,5", "2", "", "3"],
        "gone": ["", "NA", "", ""], "nan": ["nan", "1.5", "2", "3"],
        "both": ["1,5", "1.5", "2", "3"], "big": ["1e400", "2", "3", "4"],
        "long": ["99999999999999999999", "1", "2", "3"], "true": ["true", "false", "true", ""],
    }  # fmt: skip
    cells = pl.DataFrame(columns)
    wanted = [_taken(column, ["NA"], decimal) for column in cells.get_columns()]
    found = _taken_at_once(cells, ["NA"], decimal)
    for one, other in zip(found, wanted, strict=True):
        assert (one.name, one.dtype, one.to_list()) == (other.name, other.dtype, other.to_list())
