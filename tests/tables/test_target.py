"""The target there and back: labels keep their type, numbers their units."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.errors import ModelFileError, SettingsError, TableError
from chainrule.formula.parse import parse
from chainrule.tables.encoding.target import TargetEncoder, fit_target
from chainrule.tables.files.read import read_table
from chainrule.tables.schema import infer_schema, labeled_rows
from chainrule.tables.table import Table, from_frame
from effort import many

from .conftest import Write

EXAMPLES = Path(__file__).parents[2] / "examples"


def fit(cells: list[object] | pl.Series, task: str | None = None, **options: object) -> TargetEncoder:
    table = from_frame({"x": [i * i for i in range(len(cells))], "y": cells}, "t")
    return fit_target(table, infer_schema(table, target="y", task=task), **options)  # type: ignore[arg-type]


def new(cells: list[object]) -> Table:
    return from_frame({"y": cells}, "new")


def test_penguins() -> None:
    table = read_table(EXAMPLES / "penguins.csv")
    target = fit_target(table, infer_schema(table, target="species"))
    assert target.labels == ("Adelie", "Chinstrap", "Gentoo")
    hot = target.transform(table)
    assert hot.sum(axis=0).tolist() == [152, 68, 124]
    assert (target.decode(hot) == table.frame.get_column("species").to_numpy()).all()


def test_the_article_s_target() -> None:
    table = read_table(EXAMPLES / "abc.csv")
    target = fit_target(table, infer_schema(table, target="Target"), scaling="minmax")
    assert target.formula == "(v - low)/(high - low)"
    assert target.inverse_formula == "y*(high - low) + low"
    scaled = target.transform(table)
    assert scaled.shape == (10, 1)
    assert scaled[:3, 0].round(6).tolist() == [1, 0.888889, 0.777778]
    np.testing.assert_allclose(target.inverse(scaled)[:, 0], range(100, 0, -10), rtol=1e-15)


@pytest.mark.parametrize(
    ("cells", "labels", "kind"),
    [
        (["b", "a", "b"], ("a", "b"), "U"),
        ([3, 10, 3, 3, 10], (3, 10), "i"),
        ([True, False, True], (False, True), "b"),
        (["Yes", "no", "no"], ("Yes", "no"), "U"),
        ([1.0, 2.0, 2.0], (1.0, 2.0), "f"),
    ],
)
def test_labels_keep_their_type(cells: list[object], labels: tuple[object, ...], kind: str) -> None:
    target = fit(cells)
    assert target.labels == labels
    assert [type(label) for label in target.labels] == [type(label) for label in labels]
    again = TargetEncoder.from_dict(json.loads(json.dumps(target.to_dict())))
    assert again == target
    decoded = again.decode(again.transform(new(cells)))
    assert decoded.dtype.kind == kind
    assert decoded.tolist() == cells
    single = again.transform(new(cells), single=True)
    assert single[:, 0].tolist() == [float(cell == labels[1]) for cell in cells]
    assert again.decode(single).tolist() == cells


def test_labels_match_however_they_are_written(write: Write) -> None:
    assert fit([0, 1, 1, 0]).codes(new(["1", "0"])).tolist() == [1, 0]
    assert fit([0, 1, 1, 0]).codes(new([1.0, 0.0])).tolist() == [1, 0]
    assert fit([True, False, True]).codes(new(["True", "no", "1"])).tolist() == [1, 0, 1]
    text = fit(["1", "x", "1"])
    assert text.codes(read_table(write("y\n1\n1\n"))).tolist() == [0, 0]
    # Far beyond 2^53, where floats can't tell them apart.
    large = [2**60, 2**60 + 1, 2**60]
    assert fit(large).codes(new(large)).tolist() == [0, 1, 0]


def test_decode() -> None:
    target = fit(["b", "a", "b"])
    assert target.decode(np.array([[0.2, 0.8], [0.5, 0.5]])).tolist() == ["b", "a"]
    assert target.decode([0.5, 0.500001]).tolist() == ["a", "b"]
    three = fit(["b", "a", "c", "c"])
    assert three.decode([[0.1, 0.2, 0.7]]).tolist() == ["c"]
    for shape in ((2,), (2, 1), (2, 2), (2, 4)):
        with pytest.raises(SettingsError, match=r"probabilities of shape .* don't fit 3 classes"):
            three.decode(np.zeros(shape))
    with pytest.raises(SettingsError, match="3 classes don't go into a single column; only two do"):
        three.transform(new(["a"]), single=True)
    with pytest.raises(SettingsError, match="the target 'y' has classes, not numbers; use decode"):
        three.inverse([1.0])


def test_numbers() -> None:
    # Mean 3, population standard deviation sqrt((4+1+0+9)/4).
    target = fit([1.0, 2.0, 3.0, 6.0])
    assert target.parameters == pytest.approx({"mean": 3, "std": 3.5**0.5})
    assert target.transform(new([3.0]))[0, 0] == 0
    assert target.inverse(np.array([[0.0], [1.0]]))[:, 0].tolist() == pytest.approx([3.0, 3.0 + 3.5**0.5])
    assert fit([1.5, 2.0, 6.0], scaling="none").transform(new([7.0])).tolist() == [[7.0]]
    with pytest.raises(
        SettingsError, match="the scaling of the target is 'robust'; it is one of standard, minmax, none"
    ):
        fit([1.5, 2.0, 6.0], scaling="robust")
    with pytest.raises(SettingsError, match="the target 'y' has classes, which are not scaled"):
        fit(["a", "b", "a"], scaling="standard")
    with pytest.raises(SettingsError, match="only two classes go into a single column"):
        target.transform(new([3.0]), single=True)
    with pytest.raises(SettingsError, match="it has no classes"):
        target.codes(new([3.0]))


@given(
    st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=10).filter(
        lambda v: max(v) - min(v) > 1e-6 * max(map(abs, v))
    ),
    st.sampled_from(["standard", "minmax", "none"]),
)
def test_numbers_come_back(cells: list[float], scaling: str) -> None:
    target = fit(pl.Series(cells, dtype=pl.Float64), "regression", scaling=scaling)
    again = TargetEncoder.from_dict(json.loads(json.dumps(target.to_dict())))
    back = again.inverse(target.transform(new(cells)))[:, 0]
    np.testing.assert_allclose(back, cells, rtol=1e-9, atol=1e-12 * max(map(abs, cells)))


@pytest.mark.parametrize(
    ("train", "cells", "expected"),
    [
        (["a", "b", "a"], ["a", "c"], "new: row 2, column 'y': 'c' is none of the classes that were trained (a, b); "
         "correct it or leave the row out"),
        ([0, 1, 1], [0, 7], "new: row 2, column 'y': '7' is none of the classes that were trained (0, 1); correct it or "
         "leave the row out"),
        (["a", "b", "a"], ["a", None], "new: row 2, column 'y': the target is missing; leave the row out"),
        ([1.5, 2, 3], [1.0, None], "new: row 2, column 'y': the target is missing; leave the row out"),
        ([1.5, 2, 3], ["1", "x"], "new: row 2, column 'y': 'x' is not a number; correct it, or name it as missing with "
         "missing=['x']"),
        ([1e-300, 2e-300, 5e-300], [1e300], "new: row 1, column 'y': '1e+300' is too large to be scaled; correct it or "
         "leave the row out"),
    ],
)  # fmt: skip
def test_bad_cells(train: list[object], cells: list[object], expected: str) -> None:
    with pytest.raises(TableError) as caught:
        fit(train).transform(new(cells))
    assert str(caught.value) == expected


def test_only_labeled_training_rows() -> None:
    table = from_frame({"x": [1, 4, 9, 16, 25], "y": ["a", None, "b", "a", "c"]}, "t")
    schema = infer_schema(table, target="y")
    with pytest.raises(TableError, match=r"^t: row 2, column 'y': the target is missing; leave the row out$"):
        fit_target(table, schema)
    assert fit_target(table, schema, rows=labeled_rows(table, schema)).labels == ("a", "b", "c")
    assert fit_target(table, schema, rows=[0, 2]).labels == ("a", "b")
    with pytest.raises(TableError) as caught:
        fit_target(table, schema, rows=[0, 3])
    same = "the target 'y' is 'a' in every training row"
    assert str(caught.value) == f"t: {same}, so there is nothing to learn; give rows with another target"
    with pytest.raises(SettingsError, match="there are no training rows"):
        fit_target(table, schema, rows=[])
    with pytest.raises(SettingsError, match="the schema has no target"):
        fit_target(table, infer_schema(table))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from(["none", "minmax"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.data())
def test_hostile_targets(data: st.DataObject) -> None:
    cells, clamp = data.draw(
        st.sampled_from(
            [
                (["a", "b", "a"], False),
                ([1.5, 2, 3], False),
                ([1.5, 2, 3], True),
                ([True, False, True], False),
            ]
        )
    )
    good = fit(cells, clamp=clamp).to_dict()
    hostile = json.loads(json.dumps(good))
    spot = data.draw(
        st.sampled_from([hostile, hostile["parameters"] or hostile, hostile.get("clamp", hostile)])
    )
    spot[data.draw(st.sampled_from([*sorted(spot), "extra"]))] = data.draw(JSON)
    try:
        target = TargetEncoder.from_dict(hostile)
    except ModelFileError as error:
        if not str(error).startswith("target"):
            raise
        return
    if target.task == "regression":
        assert np.isfinite(target.inverse([0.0, 1.0])).all()
    else:
        assert target.decode(np.eye(target.n_classes)).tolist() == list(target.labels)


@pytest.mark.parametrize(
    "labels", [["b", "a"], ["a"], [], ["a", "a"], ["a", 1], [1, 1.5], [None, "a"], "ab", [2**63, 2**64]]
)
def test_bad_labels(labels: object) -> None:
    good = fit(["a", "b", "a"]).to_dict()
    with pytest.raises(ModelFileError, match=r"^target.labels"):
        TargetEncoder.from_dict({**good, "labels": labels})


# ---- the clamp


@pytest.mark.parametrize(
    ("scaling", "outputs", "raw"),
    [
        ("none", [-1.0, 2.0, 4.0, 8.0, 9.0], [-1, 2, 4, 8, 9]),
        ("minmax", [-0.5, 0.0, 0.5, 1.0, 2.0], [-1, 2, 5, 8, 14]),
        # Mean (2 + 2 + 6 + 6 + 4)/5 = 4, population variance (4 + 4 + 4 + 4 + 0)/5 = 3.2.
        ("standard", [-2.0, 0.0, 2.0], [4 - 2 * 3.2**0.5, 4, 4 + 2 * 3.2**0.5]),
    ],
)
def test_answers_are_drawn_in_to_the_numbers_of_the_rows(
    scaling: str, outputs: list[float], raw: list[float]
) -> None:
    cells: list[object] = [2.0, 2.0, 6.0, 6.0, 4.0] if scaling == "standard" else [2.0, 2.5, 8.0]
    plain, made = (fit(cells, "regression", scaling=scaling, clamp=clamp) for clamp in (False, True))
    low, high = min(cells), max(cells)  # type: ignore[type-var]
    assert made.clamp == {"lowest": low, "highest": high}
    assert plain.inverse(outputs).tolist() == made.undo(outputs).tolist() == pytest.approx(raw)
    want = [low if v < low else high if v > high else v for v in plain.inverse(outputs)]  # type: ignore[operator]
    assert made.inverse(outputs).tolist() == want
    assert made.undo(made.drawn_in(outputs)).tolist() == pytest.approx(want)
    at = made.clamped_at(outputs)
    assert [None if np.isnan(v) else v for v in at] == [
        low if v < low else high if v > high else None  # type: ignore[operator]
        for v in raw
    ]
    assert np.isnan(plain.clamped_at(outputs)).all()
    # The formula that is shown is what is computed.
    formula = parse(made.inverse_formula)
    given = {"y": np.array(outputs), **made.inverse_parameters}
    assert formula.evaluate_like(given, given["y"], np).tolist() == want
    # What the network is trained on has no clamp.
    assert made.transform(new([100.0])).tolist() == plain.transform(new([100.0])).tolist()


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=8).filter(lambda v: max(v) - min(v) > 1e-3),
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=8),
    st.sampled_from(["standard", "minmax", "none"]),
)
@settings(max_examples=many(40))
def test_every_answer_lies_within_and_those_inside_are_the_same(
    cells: list[float], outputs: list[float], scaling: str
) -> None:
    series = pl.Series(cells, dtype=pl.Float64)
    plain, made = (fit(series, "regression", scaling=scaling, clamp=clamp) for clamp in (False, True))
    made = TargetEncoder.from_dict(json.loads(json.dumps(made.to_dict())))
    raw, answers = plain.inverse(outputs), made.inverse(outputs)
    assert ((min(cells) <= answers) & (answers <= max(cells))).all()
    inside = (min(cells) <= raw) & (raw <= max(cells))
    assert answers[inside].tobytes() == raw[inside].tobytes()
    assert np.isnan(made.clamped_at(outputs)).tolist() == inside.tolist()


def test_the_clamp_in_files() -> None:
    plain, made = (fit([1.5, 2.0, 6.0], clamp=clamp).to_dict() for clamp in (False, True))
    assert "clamp" not in plain  # as files were before there was one
    assert made == {**plain, "clamp": {"lowest": 1.5, "highest": 6.0}}
    assert TargetEncoder.from_dict(plain).clamp is None
    for bad in (
        None,
        {},
        {"lowest": 1.0},
        {"lowest": 2.5, "highest": 2.0},
        {"lowest": 0, "highest": "1"},
        {"lowest": 0, "highest": float("nan")},
    ):
        with pytest.raises(ModelFileError, match=r"^target\.clamp"):
            TargetEncoder.from_dict({**plain, "clamp": bad})
    with pytest.raises(ModelFileError, match=r"^target\.clamp: classes have no clamp"):
        TargetEncoder.from_dict({**fit(["a", "b", "a"]).to_dict(), "clamp": made["clamp"]})
    with pytest.raises(
        SettingsError, match=r"^clamp is for numbers, and the target 'y' has classes: leave it out$"
    ):
        fit(["a", "b", "a"], clamp=True)
