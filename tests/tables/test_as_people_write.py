"""Tables as people have them, from the file to the answer: each dress, spelling, word and type through every door.

What a column says is known here as plain numbers, dates or words; whatever it is dressed in, the network has to see those.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from chainrule import TableClassifier, TableRegressor, load, train
from chainrule.errors import TableError
from chainrule.explain.trace.sources import trace_rows, trace_steps
from chainrule.model.model import Model
from chainrule.tables.encode import fit_encoder
from chainrule.tables.read import read_table
from chainrule.tables.schema import Schema, infer_schema
from chainrule.tables.table import Table, from_frame
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
    model.save(path)
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
    ],
)
def test_several_units_are_a_category(cells: list[str], units: str) -> None:
    frame = {"v": (cells * N)[:N], "y": [0.5 * i for i in range(N)]}
    schema = infer_schema(from_frame(frame), target="y")
    assert schema.inputs[0].kind == "category"
    assert schema.notes == (
        f"column 'v' has numbers with several units or currencies ({units}), so it is a category",
    )


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
    expected = {"leave-out": "left out", "date": "datetime", "text": "category"}.get(kind, kind)
    for schema in (models[0].prepared.schema, made.schema_):
        column = schema.columns[0]
        assert (column.role if kind == "leave-out" else column.kind) == expected
    if kind in ("text", "category"):
        assert models[0].model.encoder.columns[0].levels == tuple(f"0{10 + i}" for i in range(6))
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
    ("%d/%m/%y", 24), ("%m-%d-%Y", 24), ("%Y.%m.%d %H:%M", 0), ("%d.%m.%y %H:%M", 0),
]  # fmt: skip


@pytest.mark.parametrize(("spelling", "rounded"), one_in(5, DATES))
def test_dates(spelling: str, rounded: int, tmp_path: Path) -> None:
    said = moments()
    cells = [moment.strftime(spelling) for moment in said]
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


def test_dates_with_two_readings(tmp_path: Path) -> None:
    cells = [f"{1 + i % 12:02}/{1 + i % 11:02}/2021" for i in range(N)]
    columns = {"d": cells, "y": [0.5 * i for i in range(N)]}
    path = written(columns, tmp_path / "t.csv")
    trained = train(path, "y", **SMALL)
    (note,) = (one for one in trained.prepared.schema.notes if "'d'" in one)
    assert (
        note
        == "column 'd': in dates such as '01/01/2021' the day is taken to be first; dates month-first changes that"
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
