"""The encoder: hand-worked numbers, NumPy as the judge, extremes, strangers in new tables, hostile files."""

import json
import math
from datetime import datetime, time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.errors import ChainruleError, ModelFileError, SettingsError, TableError
from chainrule.formula.parse import parse
from chainrule.tables.encoding.encode import Encoder, fit_encoder
from chainrule.tables.encoding.scalings import SCALINGS
from chainrule.tables.files.read import read_table
from chainrule.tables.schema import infer_schema
from chainrule.tables.table import Table, from_frame
from effort import many

from .conftest import Write

EXAMPLES = Path(__file__).parents[2] / "examples"


def fit(frame: Table | dict[str, object], **options: object) -> Encoder:
    table = frame if isinstance(frame, Table) else from_frame(frame)
    schema_options = {k: options.pop(k) for k in ("inputs", "kinds", "max_levels", "target") if k in options}
    return fit_encoder(table, infer_schema(table, **schema_options), **options)  # type: ignore[arg-type]


def column(encoder: Encoder, frame: dict[str, object], j: int = 0) -> list[float]:
    return encoder.transform(from_frame(frame, "new.csv"))[:, j].tolist()


def message(encoder: Encoder, table: Table) -> str:
    with pytest.raises(TableError) as caught:
        encoder.transform(table)
    return str(caught.value)


def test_the_article_s_table() -> None:
    # (100-10)/90 = 1, (90-10)/90 = 0.888889, … , 0: the table of article 1.
    encoder = fit(read_table(EXAMPLES / "abc.csv"), scaling="minmax", target="Target")
    encoded = encoder.transform(read_table(EXAMPLES / "abc.csv"))
    steps = [1, 0.888889, 0.777778, 0.666667, 0.555556, 0.444444, 0.333333, 0.222222, 0.111111, 0]
    assert encoded.round(6).tolist() == [[step] * 3 for step in steps]
    assert [(i.name, i.column, i.formula, i.parameters) for i in encoder.inputs] == [
        (name, name, "(v - low)/(high - low)", {"low": 10.0, "high": 100.0}) for name in "ABC"
    ]


@pytest.mark.parametrize(
    ("scaling", "expected"),
    [
        # Of 1, 2, 3, 4, 10: mean 4, population variance (9+4+1+0+36)/5 = 10.
        ("standard", [-3 / 10**0.5, -2 / 10**0.5, -1 / 10**0.5, 0, 6 / 10**0.5]),
        # Median 3, quartiles 2 and 4: u = -1, -1/2, 0, 1/2, 7/2, then u/sqrt(1+(u/3)^2).
        (
            "robust",
            [
                -1 / (10 / 9) ** 0.5,
                -0.5 / (37 / 36) ** 0.5,
                0,
                0.5 / (37 / 36) ** 0.5,
                3.5 / (85 / 36) ** 0.5,
            ],
        ),
        ("minmax", [0, 1 / 9, 2 / 9, 3 / 9, 1]),
        ("none", [1, 2, 3, 4, 10]),
    ],
)
def test_scalings_by_hand(scaling: str, expected: list[float]) -> None:
    encoder = fit({"x": [1, 2, 3, 4, 10]}, scaling=scaling)
    assert column(encoder, {"x": [1, 2, 3, 4, 10]}) == pytest.approx(expected, rel=1e-15, abs=1e-16)


def test_robust_without_distance_of_the_quartiles() -> None:
    # Quartiles 5 and 5, so half the range: (9-1)/2 = 4.
    encoder = fit({"x": [1, 5, 5, 5, 5, 5, 9]})
    assert encoder.inputs[0].parameters == {"median": 5.0, "scale": 4.0}
    assert column(encoder, {"x": [9]}) == [1 / math.sqrt(1 + 1 / 9)]


def test_statistics_come_from_the_training_rows_alone() -> None:
    table = from_frame({"x": [1.0, 3.0, 1000.0, None], "c": ["a", "b", "z", "a"]})
    encoder = fit(table, rows=[0, 1], scaling="standard")
    assert encoder.inputs[0].parameters == {"mean": 2.0, "std": 1.0}
    assert [i.name for i in encoder.inputs] == ["x", "c: a", "c: b", "c: other"]
    # Row 2: z was never seen. Row 3: x is missing, and the median of 1 and 3 is the mean.
    assert encoder.transform(table).tolist() == [[-1, 1, 0, 0], [1, 0, 1, 0], [998, 0, 0, 1], [0, 1, 0, 0]]


def test_missing_numbers() -> None:
    encoder = fit({"x": [1.0, None, 2.0, 6.0]}, scaling="minmax")
    assert [i.name for i in encoder.inputs] == ["x", "x is missing"]
    assert encoder.inputs[1].formula == "[x is missing]"
    # The median is 2: (2-1)/5.
    assert encoder.transform(from_frame({"x": [None, 6]})).tolist() == [[0.2, 1], [1, 0]]
    # A column that had none missing has no indicator, and takes the median all the same.
    assert fit({"x": [1.0, 2.0, 6.0]}, scaling="minmax").transform(from_frame({"x": [None, 1]})).tolist() == [
        [0.2],
        [0],
    ]
    assert fit({"x": [1.0, 2.0, 6.0]}, scaling="none").transform(from_frame({"x": ["NA"]})).tolist() == [
        [2.0]
    ]


def test_categories() -> None:
    encoder = fit({"c": ["b", "a", None, "b", "a"]})
    assert [i.name for i in encoder.inputs] == ["c: a", "c: b", "c: missing", "c: other"]
    assert [i.formula for i in encoder.inputs] == [
        '[c = "a"]',
        '[c = "b"]',
        "[c is missing]",
        "[c is none of these]",
    ]
    assert [i.seen for i in encoder.inputs] == [True, True, True, False]
    assert encoder.transform(from_frame({"c": ["b", "zzz", None, "a"]})).tolist() == [
        [0, 1, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 1, 0],
        [1, 0, 0, 0],
    ]
    # Where no cell was missing in training, a missing one is something never seen.
    strict = fit({"c": ["b", "a", "b", "a"]})
    assert strict.transform(from_frame({"c": [None, "a"]})).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_levels_called_missing_and_other() -> None:
    encoder = fit({"c": ["missing", "other", "missing", "other", None]})
    assert [i.name for i in encoder.inputs] == ["c: missing", "c: other", "c: (missing)", "c: (other)"]


def test_rare_levels_share_an_input() -> None:
    cells = ["a"] * 4 + ["b"] * 3 + ["c"] * 2 + ["d"] * 2 + ["e"]
    encoder = fit({"c": cells}, max_levels=3)
    # c and d are equally frequent; the alphabet decides.
    assert [i.name for i in encoder.inputs] == ["c: a", "c: b", "c: c", "c: other"]
    assert encoder.inputs[-1].seen
    assert encoder.transform(from_frame({"c": ["d", "e", "c"]}))[:, 2:].tolist() == [[0, 1], [0, 1], [1, 0]]


def test_numbers_as_categories_match_however_they_are_written(write: Write) -> None:
    text = read_table(write("c,y\n007,1\nA,2\n1.50,3\n007,1\nA,1\n1.50,1\n"))
    encoder = fit(text, inputs=["c"])
    assert [i.name for i in encoder.inputs[:3]] == ["c: 007", "c: 1.50", "c: A"]
    # In the new table the column is all numbers, but the cells are still compared as they are written.
    new = read_table(write("c\n007\n1.50\n7\n"))
    assert new.frame.get_column("c").dtype == pl.Float64
    assert encoder.transform(new).tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]
    # Numbers made a category by hand are compared as numbers too: 1.0 is 1.
    numbers = fit({"c": [1, 2, 1, 2]}, kinds={"c": "category"})
    assert numbers.transform(read_table(write("c\n1.0\n2\n2.5\n"))).tolist() == [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
    ]


def test_booleans(write: Write) -> None:
    encoder = fit({"b": ["yes", "no", None, "Yes"]})
    assert [(i.name, i.formula) for i in encoder.inputs] == [("b", "v"), ("b is missing", "[b is missing]")]
    new = from_frame({"b": ["NO", "true", None, "FALSE"]})
    assert encoder.transform(new).tolist() == [[0, 0], [1, 0], [1, 1], [0, 0]]
    assert encoder.transform(from_frame({"b": [True, False]})).tolist() == [[1, 0], [0, 0]]
    assert encoder.transform(read_table(write("b\n1\n0\n"))).tolist() == [[1, 0], [0, 0]]
    assert message(encoder, read_table(write("b\nyes\nperhaps\n"))) == (
        "t.csv: line 3, column 'b': 'perhaps' is not a truth value (true, yes, 1, false, no, 0); correct it, or name "
        "it as missing with missing=['perhaps']"
    )


def test_dates_by_hand() -> None:
    # 2024-01-01 was a Monday, 2024-02-29 a Thursday; 1970-01-01 + 19723 days = 2024-01-01.
    frame = {"d": ["2024-01-01 06:00", "2024-02-29 18:30", None, "2023-12-31 00:00"]}
    encoder = fit(frame, scaling="none")
    names = [i.name.removeprefix("d: ") for i in encoder.inputs]
    assert names == [
        *("year", "month (sine)", "month (cosine)", "day of the month"),
        *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        *("hour (sine)", "hour (cosine)", "days elapsed", "d is missing"),
    ]
    rows = encoder.transform(from_frame(frame))
    first = dict(zip(names, rows[0].tolist(), strict=True))
    assert first["year"] == 2024
    assert first["month (sine)"] == pytest.approx(0.5)
    assert first["month (cosine)"] == pytest.approx(math.sqrt(3) / 2)
    assert first["day of the month"] == 1
    assert [name for name in names[4:11] if first[name]] == ["Monday"]
    assert first["hour (sine)"] == pytest.approx(1)
    assert first["hour (cosine)"] == pytest.approx(0, abs=1e-15)
    assert first["days elapsed"] == 19723.25
    second = dict(zip(names, rows[1].tolist(), strict=True))
    assert second["Thursday"] == 1
    assert second["hour (sine)"] == pytest.approx(math.sin(2 * math.pi * 18.5 / 24))
    # A missing date is the middle one, 2024-01-01 06:00, and says so.
    assert rows[2].tolist() == [*rows[0].tolist()[:-1], 1]
    assert {i.name: i.seen for i in encoder.inputs}["d: Tuesday"] is False


def test_dates_in_other_clothes(write: Write) -> None:
    encoder = fit({"d": ["31/12/2023", "01/02/2024", "05/02/2024"]}, scaling="none")
    names = [i.name for i in encoder.inputs]
    days = names.index("d: days elapsed")
    # Read by the spelling of training, day first, though these could be either; or as ISO; or as dates.
    expected = [(datetime(2024, 2, 1) - datetime(1970, 1, 1)).days]
    for frame in ({"d": ["01/02/2024"]}, {"d": ["2024-02-01"]}, {"d": [datetime(2024, 2, 1)]}):
        assert column(encoder, frame, days) == expected
    assert message(encoder, read_table(write("d,z\n01/02/2024,1\n2024-13-01,1\n"))) == (
        "t.csv: line 3, column 'd': '2024-13-01' is not a date or time such as 2024-12-31; correct it, or name it as "
        "missing with missing=['2024-13-01']"
    )
    assert message(encoder, from_frame({"d": [3, 4]}, "new")) == (
        "new: row 1, column 'd': '3' is not a date or time such as 2024-12-31; correct it, or make it missing"
    )


def test_times() -> None:
    encoder = fit({"t": [time(6), time(12), None]})
    assert [i.name for i in encoder.inputs] == ["t: hour (sine)", "t: hour (cosine)", "t is missing"]
    for cells in ([time(18)], ["18:00"], ["18:00:00"], [datetime(2024, 1, 1, 18)]):
        assert encoder.transform(from_frame({"t": cells}))[0].tolist() == pytest.approx([-1, 0, 0], abs=1e-12)


def test_what_never_varies_in_training_is_zero() -> None:
    table = from_frame(
        {"x": [0.1, 0.1, 0.1, 7.0], "n": [None, None, None, 3.0], "d": ["2024-01-01"] * 3 + [None]}
    )
    for scaling in SCALINGS:
        encoder = fit(table, rows=[0, 1, 2], scaling=scaling)
        x = encoder.transform(table)
        assert [i.name for i in encoder.inputs] == ["x", "n", "n is missing"]
        if scaling != "none":
            assert x[:, 0].tolist() == [0, 0, 0, 0]
            assert encoder.inputs[0].formula == "0"
            assert encoder.inputs[0].seen is False
        assert x[:, 1:].tolist() == [[0, 1], [0, 1], [0, 1], [0, 0]]


EXTREME = st.sampled_from(
    [1e308, -1e308, 1.7976931348623157e308, 5e-324, -5e-324, 0.0, -0.0, 1e154, 1e-160, 1.0, 3.0]
)


@given(
    st.lists(EXTREME | st.floats(allow_nan=False, allow_infinity=False) | st.none(), min_size=2, max_size=8),
    st.lists(EXTREME, min_size=1, max_size=4),
    st.sampled_from(sorted(SCALINGS)),
)
def test_every_finite_number_has_a_finite_input(
    train: list[float | None], new: list[float], scaling: str
) -> None:
    table = from_frame({"x": pl.Series(train, dtype=pl.Float64), "c": [0.5, *([1.0] * (len(train) - 1))]})
    schema = infer_schema(table)
    encoder = fit_encoder(table, schema, scaling=scaling)
    for frame in (table, from_frame({"x": new, "c": new})):
        for dtype in (np.float64, np.float32):
            x = encoder.transform(frame, dtype=dtype)
            assert x.dtype == dtype
            assert np.isfinite(x).all()
    assert Encoder.from_dict(json.loads(json.dumps(encoder.to_dict()))) == encoder


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30).filter(
        lambda values: max(values) - min(values) > 1e-3
    )
)
def test_scalings_against_numpy(values: list[float]) -> None:
    v = np.array(values)
    table = from_frame({"x": values})
    q25, median, q75 = np.percentile(v, [25, 50, 75])
    scale = q75 - q25 or (v.max() - v.min()) / 2
    with np.errstate(over="ignore"):  # where the quartiles are all but one number
        u = np.clip((v - median) / scale, -1e9, 1e9)
    judged = {
        "standard": (v - v.mean()) / v.std(),
        "minmax": (v - v.min()) / (v.max() - v.min()),
        "robust": u / np.sqrt(1 + (u / 3) ** 2),
        "none": v,
    }
    for scaling, expected in judged.items():
        # By hand, because a list of two columns may look like an identifier or a constant elsewhere.
        encoder = fit(table, scaling=scaling, kinds={"x": "number"})
        np.testing.assert_allclose(encoder.transform(table)[:, 0], expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=many(40))
@given(st.data())
def test_a_row_explained_is_the_row_encoded(data: st.DataObject) -> None:
    table = read_table(EXAMPLES / "penguins.csv")
    scaling = data.draw(st.sampled_from(sorted(SCALINGS)))
    encoder = fit(table, target="species", scaling=scaling)
    row = data.draw(st.integers(0, table.n_rows - 1))
    encoded = encoder.transform(table)
    explained = encoder.explain_row(table, row)
    assert [record.value for record in explained] == encoded[row].tolist()
    for record, neuron in zip(explained, encoder.inputs, strict=True):
        assert (record.input, record.column, record.formula) == (neuron.name, neuron.column, neuron.formula)
        assert record.cell == table.cell(row, record.column)
        if "v" in record.parameters:
            again = parse(record.formula).evaluate(record.parameters, np)
            assert again == pytest.approx(record.value, rel=1e-15)


def test_explain_row_by_hand() -> None:
    table = from_frame({"x": [10.0, 20.0, None], "c": ["u", "v", "u"]}, "t")
    encoder = fit(table, scaling="minmax")
    records = encoder.explain_row(table, 2)
    assert [(r.input, r.cell, dict(r.parameters), r.value) for r in records] == [
        ("x", None, {"v": 15.0, "low": 10.0, "high": 20.0}, 0.5),
        ("x is missing", None, {}, 1.0),
        ("c: u", "u", {}, 1.0),
        ("c: v", "u", {}, 0.0),
        ("c: other", "u", {}, 0.0),
    ]
    with pytest.raises(SettingsError, match="there is no row 3; the table has the rows 0 to 2"):
        encoder.explain_row(table, 3)


def test_a_new_table_is_checked(write: Write) -> None:
    encoder = fit(read_table(EXAMPLES / "penguins.csv"), target="species")
    header = "year,sex,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,extra"
    good = read_table(write(f"{header}\n2008,male,Dream,40,18,180,4000,zzz\n"))
    assert encoder.transform(good).shape == (1, 17)
    assert message(
        encoder, read_table(write(header.replace("island", "Island") + "\n" + "1," * 7 + "1"))
    ) == (
        "t.csv: the column 'island' that the model was trained on is not there; did you mean 'Island'? The columns "
        "are year, sex, Island, bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g, extra"
    )
    assert message(encoder, from_frame({"year": [1]}, "new")).startswith(
        "new: 6 columns 'island', 'bill_length_mm', 'bill_depth_mm', 'flipper_length_mm', 'body_mass_g', 'sex' that "
        "the model was trained on are not there; "
    )
    bad = read_table(write(f"{header}\n2008,male,Dream,40,18,180,heavy,1\n"))
    assert message(encoder, bad) == (
        "t.csv: line 2, column 'body_mass_g': 'heavy' is not a number; correct it, or name it as missing with "
        "missing=['heavy']"
    )
    line = f"{header}\n2008,male,Dream,40,18,180,-inf,1\n"
    gap = encoder.transform(read_table(write(line.replace("-inf", ""))))
    assert encoder.transform(read_table(write(line))).tolist() == gap.tolist()
    infinite = read_table(write(line), infinite="refuse")
    assert message(encoder, infinite) == (
        "t.csv: line 2, column 'body_mass_g': '-inf' is not a finite number (beyond ±1.8e308); correct it, or name it "
        "as missing with missing=['-inf']"
    )


def test_text_that_is_numbers_is_read_as_numbers(write: Write) -> None:
    encoder = fit({"x": [1, 2, 4]}, scaling="none")
    assert column(encoder, {"x": ["3", "4.5", None]}) == [3, 4.5, 2]
    assert column(encoder, {"x": [True, False]}) == [1, 0]
    # The decimal comma holds for cells that are read late, too.
    mixed = read_table(write("x;z\n1,5;1\n2.5;1\n"), decimal=",")
    assert message(encoder, mixed).startswith("t.csv: line 3, column 'x': '2.5' is not a number")


def test_settings() -> None:
    table = from_frame({"x": [1, 2, 4], "c": [1, 1, 1]})
    schema = infer_schema(table)
    with pytest.raises(SettingsError) as caught:
        fit_encoder(table, schema, scaling="log")
    assert str(caught.value) == "the scaling is 'log'; it is one of robust, standard, minmax, none"
    with pytest.raises(SettingsError, match="there are no training rows"):
        fit_encoder(table, schema, rows=[])
    with pytest.raises(SettingsError, match="the schema has no inputs"):
        fit_encoder(table, infer_schema(table, drop=["x"]))


def test_a_large_table_is_encoded_without_a_loop_over_rows() -> None:
    rng = np.random.default_rng(0)
    n = 200_000
    frame = {f"x{j}": rng.normal(size=n) for j in range(8)}
    table = from_frame(pl.DataFrame({**frame, "c": rng.choice(list("abcdef"), n), "y": rng.normal(size=n)}))
    encoder = fit(table, target="y")
    x = encoder.transform(table, dtype=np.float32)
    assert x.shape == (n, 15)
    # One level is on in every row.
    assert (x[:, 8:].sum(axis=1) == 1).all()


MIXED = {
    "x": [1.0, None, 4.0, 6.0],
    "c": ["u", "v", "u", None],
    "b": [True, False, None, True],
    "d": ["2024-01-01", "2024-03-01", None, "2023-01-05"],
    "t": ["10:00", "11:30", "12:00", "12:00"],
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(
        ["number", "category", "minmax", "none", "sine", "value", "year", "%Y-%m-%d", 0, 1e308]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


GOOD = [json.dumps(fit(MIXED, scaling=scaling).to_dict()) for scaling in SCALINGS]


def spots(value: object) -> list[dict[str, object]]:
    """Every object inside the JSON data, itself included."""
    if isinstance(value, dict):
        return [value, *[spot for part in value.values() for spot in spots(part)]]
    return [spot for part in value for spot in spots(part)] if isinstance(value, list) else []


def test_json_round_trip_is_bit_identical() -> None:
    for scaling in SCALINGS:
        encoder = fit(MIXED, scaling=scaling)
        again = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
        assert again == encoder
        assert again.transform(from_frame(MIXED)).tobytes() == encoder.transform(from_frame(MIXED)).tobytes()


@settings(max_examples=many(250))
@given(st.data())
def test_hostile_encoders(data: st.DataObject) -> None:
    hostile = json.loads(data.draw(st.sampled_from(GOOD)))
    spot = data.draw(st.sampled_from([spot for spot in spots(hostile) if spot]))
    key = data.draw(st.sampled_from(sorted(spot)))
    if data.draw(st.booleans()):
        spot[key] = data.draw(JSON)
    else:
        del spot[key]
    try:
        encoder = Encoder.from_dict(hostile)
    except ModelFileError as error:
        if not str(error).startswith("encoder"):
            raise
        return
    # What is let through can be used: finite numbers, or a clear error about the table.
    try:
        assert np.isfinite(encoder.transform(from_frame(MIXED))).all()
    except ChainruleError:
        return


@given(JSON)
def test_no_encoder_at_all(value: object) -> None:
    with pytest.raises(ModelFileError):
        Encoder.from_dict(value)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (["columns"], [], "encoder.columns: there is no column"),
        (["scaling"], "log", "encoder.scaling: 'log' is not one of minmax, none, robust, standard"),
        (["columns", 0, "parts", 0, "parameters", "std"], 0, "encoder.columns[0].parts[0].parameters: standard can't be "
         "computed with {'mean': 2.0, 'std': 0.0}"),
        (["columns", 0, "parts", 0, "parameters", "mean"], math.nan, "encoder.columns[0].parts[0].parameters.mean: a "
         "finite number was expected, not nan"),
        (["columns", 0, "parts", 0, "parameters", "mean"], True, "encoder.columns[0].parts[0].parameters.mean: a "
         "finite number was expected, not true"),
        (["columns", 0, "parts", 0, "parameters"], {"mean": 1}, "encoder.columns[0].parts[0].parameters: 'std' is not "
         "there"),
        (["columns", 0, "extra"], 1, "encoder.columns[0]: 'extra' is not known here"),
        (["columns", 0, "kind"], "nested", "encoder.columns[0].kind: 'nested' is not one of boolean, category, datetime, "
         "number, text"),
        (["columns", 0, "kind"], "text", "encoder.columns[0].words: a text has words, and nothing else has"),
        (["columns", 0, "levels"], ["u"], "encoder.columns[0].levels: levels are different, and of a category only"),
    ],
)  # fmt: skip
def test_nonsense_is_named(path: list[str | int], value: object, expected: str) -> None:
    hostile = json.loads(json.dumps(fit({"x": [1.0, 2.0, 3.0]}, scaling="standard").to_dict()))
    spot = hostile
    for key in path[:-1]:
        spot = spot[key]
    spot[path[-1]] = value
    with pytest.raises(ModelFileError) as caught:
        Encoder.from_dict(hostile)
    assert str(caught.value) == expected
