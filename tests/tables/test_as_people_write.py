"""Tables as people have them, from the file to the answer: each dress, spelling, word and type through every door.

What a column says is known here as plain numbers, dates or words; whatever it is dressed in, the network has to see those.
"""

import bz2
import gzip
import io
import json
import lzma
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from chainrule import TableClassifier, TableRegressor, load, train
from chainrule.errors import SettingsError, TableError
from chainrule.explain.trace.sources import trace_rows, trace_steps
from chainrule.model.model import Model
from chainrule.model.source import Reading
from chainrule.tables.encoding.encode import fit_encoder
from chainrule.tables.files.read import read_table
from chainrule.tables.schema import Schema, infer_schema
from chainrule.tables.table import Table, from_frame, with_columns
from effort import one_in

N = 48
SMALL: dict[str, Any] = {"hidden": [3], "members": 1, "epochs": 2, "recipe": False, "early_stopping": False}


def numbers(decimals: int, low: float = -40_000, high: float = 90_000) -> list[float]:
    drawn = np.random.default_rng(decimals).uniform(low, high, N)
    return [round(float(value), decimals) for value in drawn]


def grouped(value: float, decimals: int, cut: str, point: str) -> str:
    """A number with a sign between its groups of three."""
    return f"{value:,.{decimals}f}".replace(",", "#").replace(".", point).replace("#", cut)


WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


@dataclass(frozen=True)
class Dressed:
    """How a number is written, and what the reading needs to be told."""

    name: str
    write: Callable[[float], str]
    values: Sequence[float]
    words: dict[str, str] = field(default_factory=dict)
    delimiter: str = "\t"

    @property
    def asked(self) -> dict[str, str]:
        """What a frame needs to be told, in which no delimiter says it."""
        return {"thousands": ","} if self.delimiter == "," else self.words


DRESSES = [
    Dressed("comma", lambda v: grouped(v, 2, ",", "."), numbers(2)),
    Dressed("point", lambda v: grouped(v, 1, ".", ","), numbers(1)),
    Dressed("space", lambda v: grouped(v, 2, " ", ","), numbers(2)),
    Dressed("narrow space", lambda v: grouped(v, 0, "\u202f", ","), numbers(0)),
    Dressed("apostrophe", lambda v: grouped(v, 2, "’", "."), numbers(2)),
    Dressed("decimal comma", lambda v: f"{v:.2f}".replace(".", ","), numbers(2, -9, 9)),
    Dressed("dollars", lambda v: f"-${-v:,.2f}" if v < 0 else f"${v:,.2f}", numbers(2)),
    Dressed("accounts", lambda v: f"(£{-v:,.2f})" if v < 0 else f"£{v:,.2f}", numbers(2)),
    Dressed("euros", lambda v: f"{v:.2f}".replace(".", ",") + " €", numbers(2)),
    Dressed("code before", lambda v: f"CHF {v:.2f}", numbers(2)),
    Dressed("code behind", lambda v: f"{v:.0f} NOK", numbers(0)),
    Dressed("percent", lambda v: f"{v:.1f}%", numbers(1, 0, 100)),
    Dressed("percent apart", lambda v: f"{v:.1f} %", numbers(1, -5, 5)),
    Dressed("unit", lambda v: f"{v:.1f} kg/m³", numbers(1, 0, 900)),
    Dressed("unit without a space", lambda v: f"{v:.0f}ft2", numbers(0, 0, 900)),
    Dressed("plural", lambda v: f"{v:.0f} day{'s' * (v != 1)}", [float(v % 9) for v in range(N)]),
    Dressed("scientific", lambda v: f"{v:.3E} Pa", [float(f"{v:.3E}") for v in numbers(3)]),
    Dressed("full width", lambda v: f"{v:.1f}".translate(WIDE), numbers(1)),
    Dressed("true minus", lambda v: f"{v:.1f}".replace("-", "−"), numbers(1)),
    Dressed("minus behind", lambda v: f"{-v:.1f}-" if v < 0 else f"{v:.1f}", numbers(1)),
    Dressed("lakhs", lambda v: f"{v // 1e5:.0f},{v // 1e3 % 100:02.0f},{v % 1e3:03.0f}", [123456 + 2.1e5 * i for i in range(N)]),
    Dressed("no cents", lambda v: f"kr {v:,.0f}".replace(",", ".") + ",-", numbers(0, 1000, 90_000)),
    Dressed("dash for cents", lambda v: f"{grouped(v, 0, '’', '.')}.— CHF", numbers(0, 1000, 9e6)),
    Dressed("letters before", lambda v: "Rp" + grouped(v, 0, ".", ","), [1e6 + 7 * v for v in numbers(0, 0, 9e6)]),
    Dressed("small letters before", lambda v: f"eur {v:.2f}", numbers(2, 0, 90)),
    Dressed("inches", lambda v: f'{v:.1f}"', numbers(1, 9, 90)),
    Dressed("a power", lambda v: f"{v:.1f} m^2", numbers(1, 9, 90)),
    Dressed("a digit in the unit", lambda v: f"{v:.1f} g CO2/km", numbers(1, 9, 90)),
    Dressed("a unit in any case", lambda v: f"{v:.1f} {'kg' if v < 40 else 'KG' if v < 60 else 'Kg.'}", numbers(1, 9, 90)),
    Dressed("a sign or its code", lambda v: f"{v:.1f} EUR" if v < 40 else f"€{v:.1f}", numbers(1, 9, 90)),
    Dressed("asked for thousands", lambda v: f"{v:,.0f}", [abs(v) for v in numbers(0, 1000, 90_000)], {"thousands": ","}),
    Dressed("asked for a comma", lambda v: f"{v:.3f}".replace(".", ","), numbers(3, 1, 9), {"decimal": ","}),
    Dressed("a comma between cells", lambda v: f"{v:,.0f}", numbers(0), {}, ","),
]  # fmt: skip


def written(columns: dict[str, Sequence[Any]], path: Path, delimiter: str = "\t") -> str:
    path.write_bytes(pl.DataFrame(columns, strict=False).write_csv(separator=delimiter).encode())
    return str(path)


def encoded(table: Table, schema: Schema) -> np.ndarray:
    found: np.ndarray = fit_encoder(table, schema, scaling="minmax").transform(table)
    return found


def everywhere(model: Model, source: Any, path: Path, row: dict[str, Any], names: Sequence[str]) -> None:
    """The model's file, a single row, evaluation, the explanation and the replay agree with its own answers."""
    x = model.encoder.transform(model.table(source))
    model.save(path, overwrite=True)
    again = load(path)
    assert again.to_dict() == model.to_dict()
    assert again.predict(source).labels.tolist() == model.predict(source).labels.tolist()
    assert model.encoder.by_row(model.reading.words, model.reading.decimal)(row).tobytes() == x[0].tobytes()
    assert np.isfinite(model.predictor()(row)).all()
    assert again.evaluate(source).rows == N
    (inputs,) = trace_rows(again, source, 1).steps[0].inputs
    assert [one.value for one in inputs] == x[0].tolist()
    assert {one.column for one in inputs} == set(names)
    assert trace_steps(again, source, 1)["t"] == 1


@pytest.mark.parametrize("dressed", one_in(8, DRESSES), ids=lambda d: d.name)
def test_an_input_in_dress(dressed: Dressed, tmp_path: Path) -> None:
    cells = [dressed.write(value) for value in dressed.values]
    columns = {"v": cells, "y": ["one", "two", "two"] * (N // 3)}
    path = written(columns, tmp_path / "t.csv", dressed.delimiter)
    trained = train(path, "y", **SMALL, **dressed.words)
    (column,) = trained.prepared.schema.inputs
    assert column.kind == "number"
    assert any("'v'" in note for note in trained.prepared.schema.notes) or dressed.words
    plain = from_frame({"v": dressed.values, "y": columns["y"]})
    expected = encoded(plain, infer_schema(plain, target="y", kinds={"v": "number"}))
    table = read_table(path, decimal=trained.model.reading.decimal, thousands=trained.model.reading.thousands)
    assert encoded(table, trained.prepared.schema).tolist() == expected.tolist()
    everywhere(trained.model, path, tmp_path / "m.safetensors", {"v": cells[0]}, ["v"])
    # New tables may have the same dress or none.
    answers = trained.model.predict(path).labels.tolist()
    for new in ({"v": cells}, pd.DataFrame({"v": cells}), {"v": list(dressed.values)}):
        assert trained.model.predict(new).labels.tolist() == answers
    classifier = TableClassifier(**SMALL, random_state=0, **dressed.asked).fit(
        pd.DataFrame({"v": cells}), columns["y"]
    )
    assert classifier.schema_.inputs[0].kind == "number"
    assert (
        classifier.predict({"v": cells}).tolist() == classifier.predict({"v": list(dressed.values)}).tolist()
    )


@pytest.mark.parametrize("dressed", one_in(8, DRESSES[4:] + DRESSES[:4]), ids=lambda d: d.name)
def test_a_target_in_dress(dressed: Dressed, tmp_path: Path) -> None:
    cells, x = [dressed.write(value) for value in dressed.values], [i % 7 for i in range(N)]
    path = written({"x": x, "v": cells}, tmp_path / "t.csv", dressed.delimiter)
    trained = train(path, "v", **SMALL, **dressed.words)
    model = trained.model
    assert model.task == "regression"
    assert model.target.numbers(model.table(path)).tolist() == list(dressed.values)
    everywhere(model, path, tmp_path / "m.safetensors", {"x": 0.0}, ["x"])
    plain = train({"x": x, "v": list(dressed.values)}, "v", **SMALL)
    assert model.predict({"x": x}).labels.tolist() == plain.model.predict({"x": x}).labels.tolist()
    assert model.evaluate({"x": x, "v": list(dressed.values)}).scores == model.evaluate(path).scores
    regressor = TableRegressor(**SMALL, random_state=0, **dressed.asked).fit(pd.DataFrame({"x": x}), cells)
    same = TableRegressor(**SMALL, random_state=0).fit(pd.DataFrame({"x": x}), dressed.values)
    assert regressor.predict({"x": x}).tolist() == same.predict({"x": x}).tolist()
    assert regressor.score({"x": x}, cells) == same.score({"x": x}, dressed.values)


def test_numbers_with_two_readings(tmp_path: Path) -> None:
    cells = [f"{v:,.0f}" for v in numbers(0, 1000, 90_000)]
    path = written({"v": cells, "x": [i % 5 for i in range(N)]}, tmp_path / "t.csv")
    with pytest.raises(TableError) as caught:
        train(path, "v", **SMALL)
    assert f"the target 'v': '{cells[0]}' may be two numbers" in str(caught.value)
    assert "thousands=','" in str(caught.value)
    assert "decimal=','" in str(caught.value)
    for words, scale in (({"thousands": ","}, 1.0), ({"decimal": "."}, 1.0), ({"decimal": ","}, 1e-3)):
        model = train(path, "v", **SMALL, **words).model
        assert model.target.numbers(model.table(path)) == pytest.approx(
            [v * scale for v in numbers(0, 1000, 90_000)]
        )
    # As an input they are thousands, and the note has the other reading with its option.
    (note,) = infer_schema(read_table(path), target="x", task="classification").notes
    assert note.endswith(f"with decimal ',' it would be {float(cells[0].replace(',', '.')):g}")
    with pytest.raises(TableError, match="may be two numbers"):
        TableRegressor(**SMALL).fit({"x": [i % 5 for i in range(N)]}, cells)


def test_points_before_three_digits_and_a_unit_have_two_readings(tmp_path: Path) -> None:
    cells = [f"{i + 1}.{100 + i} kr" for i in range(N)]
    frame = {"v": cells, "x": [i % 5 for i in range(N)]}
    with pytest.raises(TableError, match=r"'1\.100 kr' may be two numbers"):
        infer_schema(from_frame(frame), target="v")
    (note,) = infer_schema(from_frame(frame), target="x", task="classification").notes
    assert (
        note
        == "column 'v' is numbers with kr behind them: '1.100 kr' is 1.1; with decimal ',' it would be 1100"
    )
    for words, first in (({"thousands": "."}, 1100.0), ({"decimal": "."}, 1.1)):
        assert train(frame, "v", **SMALL, **words).model.target.numbers(Reading().table(frame))[0] == first


def test_what_stands_on_both_sides_is_one_dress() -> None:
    frame = {"v": [f"US$ {i}.50 / night" for i in range(N)], "y": [0.5 * i for i in range(N)]}
    column = infer_schema(from_frame(frame), target="y").inputs[0]
    assert (column.kind, column.summary) == ("number", f"0.5 to {N - 1}.5, median {N / 2:g}")


@pytest.mark.parametrize(
    ("other", "expected"),
    [(["0.5", "7.25", "3"], 1.0), (["0,5", "7,25", "3"], 1e-3)],
)
def test_other_columns_settle_it(other: list[str], expected: float, tmp_path: Path) -> None:
    values = numbers(0, 1000, 90_000)
    columns = {"v": [f"{v:,.0f}" for v in values], "x": other * (N // 3), "y": list(range(N))}
    table = read_table(written(columns, tmp_path / "t.csv", ";"))
    schema = infer_schema(table, target="v")
    (target,) = [column for column in schema.columns if column.role == "target"]
    assert target.dress is not None
    assert target.dress.read(table.column("v")).to_list() == pytest.approx([v * expected for v in values])


def test_points_are_thousands_where_others_have_a_decimal_comma(tmp_path: Path) -> None:
    columns = {"v": [f"{i + 1}.{100 + 3 * i}" for i in range(N)], "x": ["0,5", "7,25", "3"] * (N // 3)}
    path = written({**columns, "y": ["a", "b"] * (N // 2)}, tmp_path / "t.csv", ";")
    table = read_table(path)
    column = next(one for one in infer_schema(table, target="y").columns if one.name == "v")
    assert (
        column.summary
        == f"1100 to {N}{100 + 3 * (N - 1)}, median {np.median([1000 * (i + 1) + 100 + 3 * i for i in range(N)]):.6g}"
    )
    # Without the other column they are what they are to a program.
    alone = infer_schema(
        read_table(written({"v": columns["v"], "y": ["a", "b"] * (N // 2)}, tmp_path / "u.csv", ";")),
        target="y",
    )
    assert alone.columns[0].summary.startswith("1.1 to ")


@pytest.mark.parametrize(
    ("cells", "units"),
    [
        (["3 kg", "7 lb", "5 kg", "1 lb"], "kg, lb"),
        (["$3", "€7", "$5", "€4"], "$, €"),
        (["12 EUR", "$5", "7 EUR"], "$, EUR"),
        (["3 mW", "7 MW", "5 mW", "2 MW", "4 mW"], "mW, MW"),
        (["3 kb", "7 kB", "5 kb", "2 kB", "9 kb"], "kb, kB"),
    ],
)
def test_several_units_are_a_category(cells: list[str], units: str) -> None:
    frame = {"v": (cells * N)[:N], "y": [0.5 * i for i in range(N)]}
    schema = infer_schema(from_frame(frame), target="y")
    assert schema.inputs[0].kind == "category"
    assert schema.notes == (
        f"column 'v' has numbers with several units or currencies ({units}), so it is a category",
    )


def test_a_target_of_several_units_is_refused() -> None:
    frame = {"x": [i % 7 for i in range(N)], "v": [f"{i}.5{'KM'[i % 2]}" for i in range(N)]}
    with pytest.raises(
        TableError, match=r"several units or currencies \(K, M\): write them in one, or ask for task="
    ):
        train(frame, "v", **SMALL)
    left_out = infer_schema(from_frame({**frame, "y": frame["x"]}), target="y").left_out
    assert left_out[0].reason.endswith(
        "nearly one for each, numbers with several units or currencies (K, M)"
    ) or left_out[0].reason.endswith(
        "different value in every row, numbers with several units or currencies (K, M)"
    )


@pytest.mark.parametrize("written", ["{}", "${}", "{} kg"])
def test_one_word_among_numbers_is_said(written: str) -> None:
    cells = ["TBD" if i % 7 == 2 else written.format(i + 0.5) for i in range(N)]
    schema = infer_schema(from_frame({"v": cells * 2, "y": [0.5 * i for i in range(2 * N)]}), target="y")
    count = 2 * sum(cell == "TBD" for cell in cells)
    assert schema.notes == (
        f"column 'v' is a number in {2 * N - count} rows and 'TBD' in {count}, so it is no column of numbers; if that means a "
        "missing cell, name the word as missing",
    )


@pytest.mark.parametrize(
    "cells", [["1½", "2½", "7¼"], ["5²", "3²", "2²"], ["0:1", "3:2", "2:2"], ["1_000", "2_000", "5_100"]]
)
def test_what_is_no_number_stays_a_category(cells: list[str]) -> None:
    schema = infer_schema(from_frame({"v": cells * 16, "y": [0.5 * i for i in range(48)]}), target="y")
    assert schema.inputs[0].kind == "category"


@pytest.mark.parametrize("kind", ["number", "category", "text", "leave-out", "date"])
def test_kinds_by_hand(kind: str, tmp_path: Path) -> None:
    codes = [f"0{10 + i % 6}" for i in range(N)]
    dates = [f"2024-0{1 + i % 9}-11" for i in range(N)]
    columns = {
        "a": dates if kind == "date" else codes,
        "b": [i % 4 for i in range(N)],
        "y": [0.5 * i for i in range(N)],
    }
    path = written(columns, tmp_path / "t.csv")
    models = [train(path, "y", kinds={"a": kind}, **SMALL)]
    made = TableRegressor(kinds={"a": kind}, **SMALL).fit(
        pd.DataFrame({"a": columns["a"], "b": columns["b"]}), columns["y"]
    )
    expected = {"leave-out": "left out", "date": "datetime"}.get(kind, kind)
    for schema in (models[0].prepared.schema, made.schema_):
        column = schema.columns[0]
        assert (column.role if kind == "leave-out" else column.kind) == expected
    column = models[0].model.encoder.columns[0]
    if kind == "category":
        assert column.levels == tuple(f"0{10 + i}" for i in range(6))
    if kind == "text":
        assert column.words is not None
        assert {label for label in column.words.labels if "…" not in label} == {
            f"0{10 + i}" for i in range(6)
        }
    everywhere(
        models[0].model,
        path,
        tmp_path / "m.safetensors",
        {"a": columns["a"][0], "b": 0},
        [c.name for c in models[0].model.encoder.columns],
    )


def moments() -> list[datetime]:
    return [datetime(2019, 11, 13, 21, 7) + timedelta(days=37 * i, hours=5 * i) for i in range(N)]


DATES = [
    ("%b %d, %Y", 24), ("%B %d, %Y", 24), ("%d %b %Y", 24), ("%a, %d %b %Y %H:%M:%S", 0), ("%d-%b-%y", 24),
    ("%m/%d/%Y %I:%M %p", 0),
    ("%Y-%m-%d %I:%M:%S %p", 0), ("%Y-%m-%dT%H:%M:%S+05:30", 0), ("%Y-%m-%d %H:%M:%S.000Z", 0), ("%Y-%m-%dT%H:%M-0800", 0),
    ("%d/%m/%y", 24), ("%m-%d-%Y", 24), ("%Y.%m.%d %H:%M", 0), ("%d.%m.%y %H:%M", 0), ("%d.%m.%Y, %H:%M", 0),
    ("%d. %m. %Y", 24), ("%d/%b/%Y:%H:%M:%S +0000", 0), ("%a %b %d %H:%M:%S %Y", 0), ("%Y%m%dT%H%M%SZ", 0), ("%d%b%Y", 24),
    ("%Y年%m月%d日", 24), ("%Y-%m-%d %H:%M:%S,000", 0), ("%Y-%m-%d %H:%M:%S CEST", 0), ("%A %Y/%m/%d", 24),
    ("%d\u00a0%B\u00a0%Y %I:%M\u202f%p", 0), ("%B %dth, %Y", 24), ("%dth of %B %Y", 24),
    ("German", 24), ("Spanish", 24), ("Russian", 24), ("French", 24), ("Polish", 24),
]  # fmt: skip
LOCAL = {
    "German": "{d}. {m} {y}: Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "Spanish": "{d} de {m} de {y}: enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "Russian": "{d} {m} {y}: янв. февр. марта АПР мая июня Июля авг сент окт. нояб декабря",
    "French": "{d:02} {m} {y}: janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "Polish": "{d} {m} {y}: stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
}


def spelled(moment: datetime, spelling: str) -> str:
    """A moment as strftime writes it, or as a language does."""
    if spelling not in LOCAL:
        return moment.strftime(spelling)
    pattern, _, names = LOCAL[spelling].partition(": ")
    return pattern.format(d=moment.day, m=names.split()[moment.month - 1], y=moment.year)


@pytest.mark.parametrize(("spelling", "rounded"), one_in(5, DATES))
def test_dates(spelling: str, rounded: int, tmp_path: Path) -> None:
    said = moments()
    cells = [spelled(moment, spelling) for moment in said]
    real = [moment.replace(hour=0, minute=0) if rounded else moment for moment in said]
    y = [0.25 * i for i in range(N)]
    path = written({"d": cells, "y": y}, tmp_path / "t.csv")
    trained = train(path, "y", **SMALL)
    (column,) = trained.prepared.schema.inputs
    assert column.kind == "datetime"
    plain = from_frame({"d": real, "y": y})
    expected = encoded(plain, infer_schema(plain, target="y"))
    assert encoded(read_table(path), trained.prepared.schema).tolist() == expected.tolist()
    everywhere(trained.model, path, tmp_path / "m.safetensors", {"d": cells[0]}, ["d"])
    answers = trained.model.predict(path).labels.tolist()
    assert trained.model.predict({"d": real}).labels.tolist() == answers
    assert TableRegressor(**SMALL).fit({"d": cells}, y).schema_.inputs[0].kind == "datetime"
    classifier = TableClassifier(**SMALL).fit(pd.DataFrame({"d": cells}), ["p", "q"] * (N // 2))
    assert classifier.predict({"d": cells}).tolist() == classifier.predict({"d": real}).tolist()


def test_dates_with_and_without_a_time(tmp_path: Path) -> None:
    said = [moment.replace(hour=0, minute=0) if i % 3 else moment for i, moment in enumerate(moments())]
    for long in ("%Y-%m-%d %H:%M", "%d.%m.%Y %I:%M %p"):
        cells = [moment.strftime(long if moment.hour else long[:8]) for moment in said]
        (column,) = infer_schema(
            from_frame({"d": cells, "y": [0.5 * i for i in range(N)]}), target="y"
        ).inputs
        assert column.kind == "datetime"
        assert column.summary == f"{min(said):%Y-%m-%d %H:%M} to {max(said):%Y-%m-%d %H:%M}"


def test_years_of_two_digits_that_may_be_days(tmp_path: Path) -> None:
    cells = [f"{15 + i % 9}/{1 + i % 12:02}/{10 + i % 17}" for i in range(N)]
    frame = {"d": cells, "y": [0.5 * i for i in range(N)]}
    (note,) = infer_schema(from_frame(frame), target="y").notes
    assert (
        note
        == f"column 'd': in dates such as {cells[0]!r} the day is taken to be first; dates=year-first takes the year"
    )
    trained = train(frame, "y", dates="year-first", **SMALL)
    assert trained.model.encoder.columns[0].spelling == "%y/%m/%d"
    everywhere(trained.model, frame, tmp_path / "m.safetensors", {"d": cells[0]}, ["d"])


def test_dates_with_two_readings(tmp_path: Path) -> None:
    cells = [f"{1 + i % 12:02}/{1 + i % 11:02}/2021" for i in range(N)]
    columns = {"d": cells, "y": [0.5 * i for i in range(N)]}
    path = written(columns, tmp_path / "t.csv")
    trained = train(path, "y", **SMALL)
    (note, *_) = (one for one in trained.prepared.schema.notes if "'d'" in one)
    assert (
        note
        == "column 'd': in dates such as '01/01/2021' the day is taken to be first; dates=month-first takes the month"
    )
    spellings = {None: "%d/%m/%Y", "day-first": "%d/%m/%Y", "month-first": "%m/%d/%Y"}
    for order, spelling in spellings.items():
        model = train(path, "y", dates=order, **SMALL).model
        assert model.encoder.columns[0].spelling == spelling
        everywhere(model, path, tmp_path / f"{order}.safetensors", {"d": cells[0]}, ["d"])
        assert (
            TableRegressor(dates=order, **SMALL).fit({"d": cells}, columns["y"]).schema_.inputs[0].spelling
            == spelling
        )
    # Another column of dates may show the order.
    more = {**columns, "e": [f"{1 + i % 12:02}/{13 + i % 15}/2021" for i in range(N)]}
    schema = infer_schema(from_frame(more), target="y")
    assert [column.spelling for column in schema.inputs] == ["%m/%d/%Y"] * 2
    assert schema.notes == ()


WORDS = ["Yes", "no", "NO", " yes", "YES\t", "no "]


def test_words_for_true_and_false(tmp_path: Path) -> None:
    cells = (WORDS * N)[:N]
    truth = [cell.strip().lower() == "yes" for cell in cells]
    x = [i % 7 for i in range(N)]
    path = written({"x": x, "b": cells}, tmp_path / "t.csv", ",")
    trained = train(path, "b", **SMALL)
    model = trained.model
    (first, second) = model.target.labels
    assert {str(first).lower(), str(second).lower()} == {"yes", "no"}
    assert model.target.codes(model.table(path)).tolist() == [
        int(said == (str(second).lower() == "yes")) for said in truth
    ]
    assert any("case doesn't count" in note for note in trained.prepared.schema.notes)
    everywhere(model, path, tmp_path / "m.safetensors", {"x": 0.0}, ["x"])
    classifier = TableClassifier(**SMALL).fit(pd.DataFrame({"x": x}), cells)
    assert {word.lower() for word in classifier.classes_} == {"no", "yes"}
    predicted = classifier.predict({"x": x})
    right = np.mean([(word.lower() == "yes") == said for word, said in zip(predicted, truth, strict=True)])
    assert classifier.score(pd.DataFrame({"x": x}), cells) == right
    # As an input they are one truth value, wherever they stand.
    schema = infer_schema(from_frame({"b": cells, "y": x}), target="y")
    assert schema.inputs[0].kind == "boolean"


def test_infinite_numbers_are_missing_cells(tmp_path: Path) -> None:
    v = [float("inf") if i % 9 == 3 else float(i) for i in range(N)]
    y = [0.5 * i for i in range(N)]
    frame = pl.DataFrame({"v": v, "y": y})
    frame.write_parquet(tmp_path / "t.parquet")
    count = sum(i % 9 == 3 for i in range(N))
    expected = f"column 'v': {count} infinite numbers are missing cells (the first: 'inf' in "
    for source in (
        str(tmp_path / "t.parquet"),
        written({"v": v, "y": y}, tmp_path / "t.csv"),
        frame,
        frame.to_pandas(),
    ):
        trained = train(source, "y", **SMALL)
        assert any(note.startswith(expected) for note in trained.prepared.schema.notes)
        assert trained.model.encoder.inputs[1].name == "v is missing"
        with pytest.raises(TableError, match="'inf' is not a finite number"):
            train(source, "y", infinite="refuse", **SMALL)
    everywhere(trained.model, frame, tmp_path / "m.safetensors", {"v": v[0]}, ["v"])
    gap = trained.model.predict({"v": [None]}).labels.tolist()
    assert trained.model.predict({"v": [float("-inf")]}).labels.tolist() == gap
    assert (
        trained.model.predictor()({"v": float("inf")}).tolist()
        == trained.model.predictor()({"v": None}).tolist()
    )
    assert (
        TableRegressor(**SMALL).fit(pd.DataFrame({"v": v}), y).model_.encoder.inputs[1].name == "v is missing"
    )
    with pytest.raises(TableError, match="not a finite number"):
        TableRegressor(infinite="refuse", **SMALL).fit(pd.DataFrame({"v": v}), y)


# ---- types of frames


CODES = [7 * (i % 4) + 2 for i in range(N)]


def _typed() -> dict[str, tuple[Any, str]]:
    """Frames of one column ``v`` that say what it is, and the kind that is kept."""
    ordered = pd.Categorical.from_codes([i % 3 for i in range(N)], ["cold", "mild", "hot"], ordered=True)
    spread, days = np.linspace(-4, 4, N), ["2021-03-04", "2022-05-06"] * (N // 2)
    breaks = pd.arrays.IntervalArray.from_breaks(list(range(4)))
    said: dict[str, tuple[Any, str]] = {
        "categories of whole numbers": (pd.DataFrame({"v": pd.Categorical(CODES)}), "category"),
        "categories of floats": (pd.DataFrame({"v": pd.Categorical([0.5 * code for code in CODES])}), "category"),
        "categories of truth values": (pd.DataFrame({"v": pd.Categorical([code > 9 for code in CODES])}), "category"),
        "categories of dates": (pd.DataFrame({"v": pd.Categorical(pd.to_datetime(days))}), "category"),
        "ordered": (pd.DataFrame({"v": ordered}), "category"),
        "intervals": (pd.DataFrame({"v": pd.cut(pd.Series(spread), 5)}), "category"),
        "an interval array": (pd.DataFrame({"v": breaks.take([i % 3 for i in range(N)])}), "category"),
        "periods": (pd.DataFrame({"v": pd.period_range("2019-02", periods=N, freq="M")}), "datetime"),
        "sparse": (pd.DataFrame({"v": pd.arrays.SparseArray([i % 5 for i in range(N)])}), "number"),
        "durations": (pd.DataFrame({"v": pd.to_timedelta([i % 9 for i in range(N)], unit="h")}), "number"),
        "whole numbers with gaps": (pd.DataFrame({"v": pd.array([None, *range(N - 1)], "Int16")}), "number"),
        "Arrow's numbers in pandas": (pd.DataFrame({"v": pd.Series(CODES, dtype="int32[pyarrow]")}), "number"),
        "pandas' text": (pd.DataFrame({"v": pd.Series(["3", "4", "5"] * (N // 3), dtype="string")}), "category"),
        "polars' categories": (pl.DataFrame({"v": pl.Series(list(map(str, CODES)), dtype=pl.Categorical)}), "category"),
        "polars' enum": (pl.DataFrame({"v": pl.Series(["1", "2"] * (N // 2), dtype=pl.Enum(["2", "1"]))}), "category"),
        "a dictionary of Arrow": (pa.table({"v": pa.array(CODES).dictionary_encode()}), "category"),
    }  # fmt: skip
    return said


@pytest.mark.parametrize("name", one_in(5, _typed()))
def test_types_of_frames(name: str, tmp_path: Path) -> None:
    frame, kind = _typed()[name]
    y = [0.25 * i for i in range(N)]
    table = with_columns(from_frame(frame), {"y": np.array(y)})
    trained = train(table, "y", **SMALL)
    (column,) = trained.prepared.schema.inputs
    assert column.kind == kind
    model = trained.model
    first = table.frame.row(0, named=True)
    everywhere(model, table, tmp_path / "m.safetensors", {"v": first["v"]}, ["v"])
    answers = model.predict(frame).labels.tolist()
    for estimator in (
        TableRegressor(**SMALL).fit(frame, y),
        TableClassifier(**SMALL).fit(frame, ["p", "q"] * (N // 2)),
    ):
        assert estimator.schema_.inputs[0].kind == kind
        assert len(estimator.predict(frame)) == N
    # A file keeps the type where its format does.
    if (
        isinstance(frame, pd.DataFrame)
        and "interval" not in name
        and name not in ("periods", "sparse", "categories of truth values")
    ):
        for suffix, write in ((".parquet", pd.DataFrame.to_parquet), (".feather", pd.DataFrame.to_feather)):
            write(frame, tmp_path / f"t{suffix}")
            found = read_table(tmp_path / f"t{suffix}")
            assert model.predict(found).labels.tolist() == answers
            schema = infer_schema(with_columns(found, {"y": np.array(y)}), target="y")
            assert schema.inputs[0].kind == kind


def test_numbers_that_name_categories_are_told_apart() -> None:
    v = [3, 1, 2, 5] * 60
    y = [{1: 4.0, 2: -1.0, 3: 2.5, 5: 0.0}[code] for code in v]
    frame = pd.DataFrame({"v": pd.Categorical(v), "y": y})
    assert train(frame, "y", epochs=150, hidden=[8], members=1).evaluation.scores["r2"] > 0.99


@pytest.mark.parametrize("named", [None, "key", "a name"])
def test_a_saved_index_is_no_input(named: str | None, tmp_path: Path) -> None:
    order = np.random.default_rng(3).permutation(N) * 3
    frame = pd.DataFrame(
        {"v": [i % 5 for i in range(N)], "y": [0.5 * i for i in range(N)]}, index=pd.Index(order, name=named)
    )
    frame.to_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert table.columns == ("v", "y")
    assert table.notes == (
        f"{named or '__index_level_0__'}: the saved index of a pandas frame, which is no input",
    )
    if named != "a name":
        frame.to_csv(tmp_path / "t.csv")
        assert [
            column.name for column in infer_schema(read_table(tmp_path / "t.csv"), target="y").inputs
        ] == ["v"]
        again = pd.read_csv(tmp_path / "t.csv")
        assert [column.name for column in infer_schema(from_frame(again), target="y").inputs] == ["v"]


@pytest.mark.parametrize(
    "made",
    [
        pl.Series([2**53 + 3 * i for i in range(N)]),
        pl.Series([2**63 + 5**9 * i for i in range(N)], dtype=pl.UInt64),
    ],
)
def test_whole_numbers_that_floats_do_not_have_are_said(made: pl.Series, tmp_path: Path) -> None:
    frame = pl.DataFrame({"v": made, "y": [0.5 * i for i in range(N)]})
    note = "column 'v' has whole numbers beyond 2^53, of which only the first 15 digits count; as text they would be kept"
    frame.write_parquet(tmp_path / "t.parquet")
    for source in (frame, frame.to_pandas(), tmp_path / "t.parquet"):
        assert note in infer_schema(Reading().table(source), target="y").notes


# ---- files


FRAME = pl.DataFrame({
    "v": [None if i % 9 == 4 else 0.5 * i for i in range(N)], "c": ["uvw"[i % 3] for i in range(N)],
    "y": ["one", "two"] * (N // 2),
})  # fmt: skip


def _csv(path: Path) -> bytes:
    return FRAME.write_csv().encode()


def _parquet(frame: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.write_parquet(out)
    return out.getvalue()


def _stream(write: Callable[[pl.DataFrame, Any], Any]) -> Callable[[Path], bytes]:
    def made(path: Path) -> bytes:
        out = io.BytesIO()
        write(FRAME, out)
        return out.getvalue()

    return made


def _zst(path: Path) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(_csv(path))
    return sink.getvalue().to_pybytes()


FILES: dict[str, Callable[[Path], bytes]] = {
    "t.arrow": _stream(pl.DataFrame.write_ipc),
    "t.feather": _stream(pl.DataFrame.write_ipc),
    "stream.arrows": _stream(pl.DataFrame.write_ipc_stream),
    "t.ipc": _stream(lambda frame, out: frame.write_ipc(out, compression="zstd")),
    "t.parquet": lambda path: _parquet(FRAME),
    "t.ndjson": lambda path: FRAME.write_ndjson().encode(),
    "t.json": lambda path: json.dumps(FRAME.rows(named=True), indent=1).encode(),
    "noending": lambda path: json.dumps(FRAME.rows(named=True)).encode(),
    "t.csv.gz": lambda path: gzip.compress(_csv(path)),
    "t.csv.bz2": lambda path: bz2.compress(_csv(path)),
    "t.csv.xz": lambda path: lzma.compress(_csv(path)),
    "t.csv.zst": _zst,
    "t.ndjson.bz2": lambda path: bz2.compress(FRAME.write_ndjson().encode()),
    "t.parquet.gz": lambda path: gzip.compress(_parquet(FRAME)),
}


def same_as_frame(source: Any, tmp_path: Path) -> None:
    """A source goes through every door, and says what the frame says."""
    trained = train(source, "y", **SMALL)
    assert trained.model.predict(source).labels.tolist() == trained.model.predict(FRAME).labels.tolist()
    assert train(FRAME, "y", **SMALL).model.encoder == trained.model.encoder
    everywhere(trained.model, source, tmp_path / "m.safetensors", FRAME.row(0, named=True), ["v", "c"])
    # A file's frame is what both estimators take.
    X, own = read_table(source).frame.select("v", "c"), FRAME.drop("y")
    for estimator, y in (
        (TableClassifier(**SMALL, random_state=0), FRAME["y"]),
        (TableRegressor(**SMALL, random_state=0), pl.Series(range(N))),
    ):
        answers = estimator.fit(own, y).predict(own).tolist()
        assert estimator.predict(X).tolist() == answers
        assert estimator.fit(X, y).predict(own).tolist() == answers


@pytest.mark.parametrize("name", one_in(5, FILES))
def test_files(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name](path))
    same_as_frame(str(path), tmp_path)


def test_a_spreadsheet(tmp_path: Path) -> None:
    fastexcel = pytest.importorskip("fastexcel")
    writer = pytest.importorskip("xlsxwriter")
    assert fastexcel
    with writer.Workbook(str(tmp_path / "t.xlsx")) as book:
        FRAME.write_excel(book, "first")
        book.add_worksheet("other")
    assert read_table(tmp_path / "t.xlsx").notes == ("the sheet 'first' was read, the first of first, other",)
    same_as_frame(str(tmp_path / "t.xlsx"), tmp_path)


def test_a_spreadsheet_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    (tmp_path / "t.xlsx").write_bytes(b"PK\3\4 xl/workbook.xml")
    with pytest.raises(
        TableError, match=r"is a spreadsheet, for which the package fastexcel is missing; .*\[excel\]"
    ):
        read_table(tmp_path / "t.xlsx")


@pytest.mark.parametrize("kind", ["csv", "parquet", "ndjson"])
def test_a_table_in_parts(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    (folder / "deep").mkdir(parents=True)
    for place, name in enumerate(("a", "b", "deep/c")):
        part = FRAME[16 * place : 16 * (place + 1)]
        part = part if place != 1 else part.select("y", "v", "c")
        getattr(part, f"write_{kind}")(folder / f"{name}.{kind}")
    (folder / "_SUCCESS").touch()
    (folder / ".hidden.csv").write_text("no\n1\n")
    files = [str(folder / f"{name}.{kind}") for name in ("a", "b", "deep/c")]
    for source in (str(folder), str(folder / "**" / f"*.{kind}"), files):
        same_as_frame(source, tmp_path)
    table = read_table(folder)
    assert table.name == f"{folder} (3 files)"
    assert (
        table.place(20)
        == f"{'row 5' if kind == 'parquet' else 'line 6' if kind == 'csv' else 'line 5'} of {files[1]}"
    )
    assert table.take([40, 20]).place(1).endswith(f"of {files[1]}")
    FRAME.drop("c")[:5].write_csv(folder / "z.csv")
    with pytest.raises(TableError, match=r"z.csv: has not the columns of .*lacking: 'c'; more: none"):
        read_table([files[0] if kind == "csv" else _as_csv(folder), folder / "z.csv"])


def _as_csv(folder: Path) -> str:
    FRAME.write_csv(folder / "w.csv")
    return str(folder / "w.csv")


OTHERS = {
    "t.dta": b"<stata_dta><header>", "old.dta": b"\x73\1\0\0", "t.sas7bdat": b"\0" * 12 + b"\xc2\xea\x81\x60",
    "t.xpt": b"HEADER RECORD*******LIBRARY", "t.sav": b"$FL2@(#)", "t.rds": gzip.compress(b"X\n\0\0"),
    "t.h5": b"\x89HDF\r\n\x1a\n", "t.pkl": b"\x80\4\x95\0", "t.orc": b"ORC\0", "t.avro": b"Obj\1", "t.npy": b"\x93NUMPY\1\0",
    "t.db": b"SQLite format 3\0", "t.duckdb": b"\0" * 8 + b"DUCK\0", "t.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "t.pdf": b"%PDF-1.7", "t.html": b"<!DOCTYPE html>", "t.tar": b"a" * 257 + b"ustar\0", "t.7z": b"7z\xbc\xaf\x27\x1c",
    "t.zip": b"PK\3\4 data.csv", "t.png": b"\x89PNG\r\n\x1a\n", "t.csv.lz4": b"\x04\x22\x4d\x18\0",
    "t.csv.sz": b"\xff\6\0\0sNaPpY",
    "t.lzma": lzma.compress(b"a,b\n1,2\n", format=lzma.FORMAT_ALONE), "t.mdb": b"\0\1\0\0Standard Jet DB\0",
    "t.por": b"ASCII SPSS PORT FILE",
    "t.mat": b"MATLAB 5.0 MAT-file", "t.arff": b"@RELATION x\n@DATA\n1\n", "t.yaml": b"- a: 1\n", "t.ipynb": b'{"cells": []}',
    "t.safetensors": b"\2\0\0\0\0\0\0\0{}", "t.sql": b"insert into t values (1);",
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_other_programs_files_are_refused_by_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(OTHERS[name])
    with pytest.raises(TableError, match=f"{name}: is (a|an) .*; ") as caught:
        read_table(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_what_is_packed_twice_is_said(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(bz2.compress(b"a,b\n1,2\n")))
    with pytest.raises(TableError, match=r"is compressed twice, .*; unpack it once"):
        read_table(tmp_path / "t.csv.gz")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("sep=;\r\nv;y\r\n1,5;2\r\n", [("1,5", 2)]),
        ('"sep=|"\nv|y\n1|2\n', [(1, 2)]),
        ("v,y\n1,2\n3,4\n\x1a", [(1, 2), (3, 4)]),
        (' [ {"v": 1, "y": 2},\n{"v": 3, "y": 4}]', [(1, 2), (3, 4)]),
    ],
)
def test_what_programs_put_around_a_table(text: str, rows: list[Any], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text, newline="")
    table = read_table(tmp_path / "t.csv")
    assert (table.columns, table.frame.rows()) == (("v", "y"), rows)
    if "sep" in text:
        assert table.place(0) == "line 3"


@pytest.mark.parametrize("above", ["Sales of the year\n", "# made by a program\n# on a day\n"])
def test_lines_above_the_names_are_said(above: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(above + "".join(f"{i};{i % 3};x\n" for i in range(9)))
    with pytest.raises(
        TableError,
        match="most lines have 3 fields with ';', and the first has none: leave out what stands above",
    ):
        read_table(tmp_path / "t.csv")
    assert read_table(tmp_path / "t.csv", delimiter="|").columns == (above.split("\n")[0],)


@pytest.mark.parametrize("orient", ["split", "index", "columns", "table"])
def test_json_in_another_layout_is_said(orient: Any, tmp_path: Path) -> None:
    FRAME.to_pandas().to_json(tmp_path / "t.json", orient=orient)
    with pytest.raises(
        TableError, match=r"is one object, whose .* holds many; a list of objects .* orient='records'"
    ):
        read_table(tmp_path / "t.json")
    (tmp_path / "u.json").write_text('{"v": 1, "tags": ["a", "b"]}')
    assert read_table(tmp_path / "u.json").n_rows == 1


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_parts_without_rows_and_folders_that_say_a_column(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "sales"
    for place, year in enumerate((2019, 2023)):
        (folder / f"year={year}").mkdir(parents=True)
        getattr(FRAME[24 * place : 24 * (place + 1)], f"write_{kind}")(folder / f"year={year}" / f"a.{kind}")
    getattr(FRAME.head(0), f"write_{kind}")(folder / "year=2019" / f"b.{kind}")
    table = read_table(folder)
    assert table.frame.select(FRAME.columns).equals(FRAME)
    assert table.frame["year"].to_list() == [2019] * 24 + [2023] * 24
    assert table.text("year").to_list() == ["2019"] * 24 + ["2023"] * 24
    assert "year: as the names of the folders say" in table.notes
    assert any(note.startswith("1 file has no row (the first: ") for note in table.notes)
    trained = train(str(folder), "y", **SMALL)
    everywhere(
        trained.model,
        str(folder),
        tmp_path / "m.safetensors",
        table.frame.row(0, named=True),
        ["v", "c", "year"],
    )
    with pytest.raises(TableError, match="no row"):
        read_table([folder / "year=2019" / f"b.{kind}"] * 2)


def test_a_lake_is_no_folder_of_parts(tmp_path: Path) -> None:
    (tmp_path / "_delta_log").mkdir()
    FRAME.write_parquet(tmp_path / "part.parquet")
    with pytest.raises(
        TableError, match="is a Delta Lake table, whose log says which files count; read it with"
    ):
        read_table(tmp_path)


@pytest.mark.parametrize("url", ["https://a.org/t.csv", "s3://bucket/t.parquet", "ftp://b.net/t"])
def test_a_url_is_refused_as_one(url: str) -> None:
    with pytest.raises(TableError, match="is a URL, and nothing is fetched here; download it first"):
        read_table(url)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_what_unpacks_to_too_much_is_refused(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(pack(b"a,b\n" + b"1,2\n" * 3000))
    with pytest.raises(
        TableError, match=r"unpack to more than 10,240, which is the limit; .*unpack_limit='8G'"
    ):
        read_table(tmp_path / "t.csv", unpack_limit="10K")
    assert read_table(tmp_path / "t.csv", unpack_limit="1M").n_rows == 3000
    with pytest.raises(SettingsError, match="must be a number of bytes"):
        read_table(tmp_path / "t.csv", unpack_limit="much")


def test_long_cells(tmp_path: Path) -> None:
    long = "x y" * 50_000
    for header, cell in (("a", long), ("a", f'"{long}, and more"'), (long, "b")):
        lines = "\n".join(f"{i % 4},{i}" for i in range(N))
        (tmp_path / "t.csv").write_text(f"{header},y\n{cell},1\n{lines}\n")
        table = read_table(tmp_path / "t.csv")
        assert (table.columns, table.n_rows) == ((header, "y"), N + 1)
        assert table.cell(0, header) == cell.strip('"')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": "\\udfff"}', "column 'a': '\\\\udfff' has half a character"),
        ('{"\\ud812": 1}', "the key '\\\\ud812' has half a character"),
        ('{"a": 1, "b": 2, "a": 3}', "line 1: the key 'a' is there twice"),
        ('[{"a": 1}, 7]', "item 2 of the list is no object"),
    ],
)
def test_records_that_are_none(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(TableError, match=words):
        read_table(tmp_path / "t.json")


@pytest.mark.slow
def test_ever_new_keys_take_no_time(tmp_path: Path) -> None:
    lines = [json.dumps({f"k{i}": i, "y": 1}) for i in range(15_000)]
    (tmp_path / "t.ndjson").write_text("\n".join(lines))
    with pytest.raises(TableError, match="its 15,000 objects have 15,001 different keys"):
        read_table(tmp_path / "t.ndjson")
    (tmp_path / "u.ndjson").write_text("\n".join(json.dumps({f"k{i % 50}": i, "y": 1}) for i in range(500)))
    assert read_table(tmp_path / "u.ndjson").frame.null_count().row(0) == (490, 0, *(490,) * 49)


def test_too_many_columns(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(",".join(f"c{i}" for i in range(100_001)) + "\n1\n")
    with pytest.raises(TableError, match="has 100,001 columns, and at most 100,000 are read"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("encoding", ["punycode", "undefined", "idna", "rot13", "base64", "nonsense"])
def test_encodings_that_are_none(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SettingsError, match=f"encoding '{encoding}' is unknown: choose utf-8"):
        read_table(tmp_path / "t.csv", encoding=encoding)
