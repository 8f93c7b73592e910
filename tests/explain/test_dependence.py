"""Partial dependence: against scikit-learn's, worked by hand, and for every kind of column."""

import math

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import partial_dependence
from tests.explain.mixed import table

import chainrule
from chainrule.errors import SettingsError
from chainrule.explain.columns.dependence import Dependence, Interaction, dependence, joint_share
from chainrule.explain.columns.dependence_shown import dependence_document, dependence_picture
from chainrule.explain.show import render

FEW = {"engine": "reference", "members": 2, "epochs": 20, "hidden": [6]}


@pytest.fixture(scope="module")
def number():
    frame = table()
    return chainrule.train(frame, "y", **FEW).model, frame


@pytest.fixture(scope="module")
def classes():
    frame = table()
    y = pl.Series("y", ["low" if v < 15 else "high" if v > 22 else "middle" for v in frame["y"]])
    return chainrule.train(frame.with_columns(y), "y", **FEW).model, frame


class Answering(RegressorMixin, BaseEstimator):
    """A model's answers on two number columns, as scikit-learn asks for them."""

    def __init__(self, model=None):
        self.model = model
        self.fitted_ = True

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.model.predict({"a": X[:, 0], "b": X[:, 1]}).labels


def test_it_is_scikit_learns_for_one_column_and_for_two():
    draws = np.random.default_rng(5)
    x = draws.integers(-4, 5, (60, 2)).astype(float)  # few values: then both take them as they are
    rows = {"a": x[:, 0], "b": x[:, 1], "y": np.sin(x[:, 0]) * x[:, 1]}
    model = chainrule.train(rows, "y", **FEW).model
    places = [-1.0, 0.25, 2.0]
    found = dependence(model, rows, "a", places=places)
    other = partial_dependence(
        Answering(model), x, [0], kind="both", custom_values={0: np.array(places)}, method="brute"
    )
    np.testing.assert_allclose(found.curves[0].mean, other["average"][0], rtol=1e-6)
    np.testing.assert_allclose(found.curves[0].lines, other["individual"][0], rtol=1e-6)
    both = dependence(model, rows, ["a", "b"])
    other = partial_dependence(Answering(model), x, [(0, 1)], method="brute", grid_resolution=12)
    assert both.first.values == tuple(other["grid_values"][0])
    np.testing.assert_allclose(np.array(both.surfaces[0].mean).T, other["average"][0], rtol=1e-6)


@pytest.mark.parametrize("column", ["a", "word", "flag", "day", "hour"])
def test_each_place_is_the_mean_of_predictions_with_the_cell_set(number, column):
    model, frame = number
    found = dependence(model, frame, column)
    assert isinstance(found, Dependence)
    assert (found.rows, found.of) == (90, "90 rows of the table")
    curve, texts = found["y"], found.places.texts
    for place in {0, len(texts) // 2, len(texts) - 1}:
        cell = None if texts[place] == "missing" else texts[place]
        if column == "a":
            # The text is short, the value exact.
            cell = found.places.values[place]
        dtype = {"a": pl.Float64}.get(column, pl.String)
        changed = frame.with_columns(pl.Series(column, [cell] * 90, dtype=dtype))
        expected = model.predict(changed).labels
        np.testing.assert_allclose(curve.mean[place], expected.mean(), rtol=1e-5)
        lines = [line[place] for line in curve.lines]
        np.testing.assert_allclose(lines, expected[np.array(found.numbers) - 1], rtol=1e-5)
    if column == "a":
        gone = frame.with_columns(pl.Series("a", [None] * 90, dtype=pl.Float64))
        assert curve.missing == pytest.approx(model.predict(gone).labels.mean(), rel=1e-5)
    else:
        assert math.isnan(curve.missing)


def test_places_are_cells_of_the_table_as_they_are_written(number):
    model, frame = number
    assert dependence(model, frame, "word").places.texts == ("u", "v", "w")
    flag = dependence(model, frame, "flag").places
    assert (flag.texts, flag.counts) == (("false", "true"), ((~frame["flag"]).sum(), frame["flag"].sum()))
    day = dependence(model, frame, "day").places
    assert all(len(text) in (10, 19) for text in day.texts)
    assert day.values[0] == pytest.approx(2020, abs=0.1)
    assert day.values[-1] == pytest.approx(2021.9, abs=0.1)
    hour = dependence(model, frame, "hour").places
    assert set(hour.texts) <= {f"{h:02d}:30:00" for h in range(24)}
    a = dependence(model, frame, "a").places
    low, high = np.quantile(frame["a"].drop_nulls(), [0.01, 0.99])
    assert (len(a.values), a.values[0], a.values[-1]) == (41, pytest.approx(low), pytest.approx(high))


def test_every_class_has_its_probability_and_they_add_up(classes):
    model, frame = classes
    found = dependence(model, frame, "a")
    assert [curve.quantity for curve in found.curves] == ["P(y = high)", "P(y = low)", "P(y = middle)"]
    np.testing.assert_allclose(np.sum([curve.mean for curve in found.curves], axis=0), 1, atol=1e-6)
    one = dependence(model, frame, "a", label="low")
    assert one.curves == (found["P(y = low)"],)


def test_of_two_classes_the_second_is_asked_and_without_probabilities_the_share():
    frame = table().with_columns(pl.Series("y", ["no", "yes"] * 45))
    model = chainrule.train(frame, "y", **FEW).model
    assert [c.quantity for c in dependence(model, frame, "word").curves] == ["P(y = yes)"]
    assert [c.quantity for c in dependence(model, frame, "word", label="no").curves] == ["P(y = no)"]
    signed = chainrule.train(frame, "y", loss="hinge", recipe=False, **FEW).model
    found = dependence(signed, frame, "word").curves[0]
    assert found.quantity == "share of y = yes"
    shares = [
        (signed.predict(frame.with_columns(word=pl.lit(w))).labels == "yes").mean() for w in ("u", "v", "w")
    ]
    assert list(found.mean) == pytest.approx(shares)


def test_several_targets_have_a_curve_each():
    frame = table().with_columns(z=pl.col("y") * -1)
    model = chainrule.train(frame, ["y", "z"], **FEW).model
    assert [c.quantity for c in dependence(model, frame, "word").curves] == ["y", "z"]
    assert [c.quantity for c in dependence(model, frame, "word", target="z").curves] == ["z"]


def test_how_far_two_columns_act_together_is_known_for_sums_and_products():
    a, b = np.array([1.0, 2.0, 4.0]), np.array([0.0, 5.0])
    assert joint_share(np.add.outer(a, b)) == pytest.approx(0, abs=1e-15)
    # Centered, (a - 7/3)(b - 5/2) is what neither has by itself; 5/2 (a - 7/3) and 7/3 (b - 5/2) are the columns' own.
    da, db = ((a - a.mean()) ** 2).sum(), ((b - b.mean()) ** 2).sum()
    whole = da * db + 2 * 2.5**2 * da + 3 * (7 / 3) ** 2 * db
    assert joint_share(np.multiply.outer(a, b)) == pytest.approx(da * db / whole)
    assert math.isnan(joint_share(np.full((3, 2), 7.0)))


def test_rows_are_drawn_where_there_would_be_too_many_predictions(number, monkeypatch):
    model, frame = number
    monkeypatch.setattr("chainrule.explain.columns.dependence.MOST_PREDICTIONS", 60)
    found = dependence(model, frame, "word", seed=3)
    assert (found.rows, found.of) == (20, "20 of the 90 rows of the table, drawn with seed 3")


@pytest.mark.parametrize(
    ("columns", "words", "said"),
    [
        ("b", {}, "column: 'b' is no input of the model; the columns are a, word, flag, day, hour"),
        (["a", "word", "flag"], {}, "one column, or two different ones, are expected, not a, word, flag"),
        (["a", "a"], {}, "one column, or two different ones, are expected, not a, a"),
        ("word", {"places": [1.0]}, "places are for numbers, and 'word' is a category"),
        ("a", {"places": []}, "places: at least one number, and finite ones, are expected"),
        (["a", "word"], {"places": [1.0]}, "places are for one column"),
        ("a", {"label": "x"}, "the target 'y' is a number: leave out the class 'x'"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_line(number, columns, words, said):
    model, frame = number
    with pytest.raises(SettingsError) as error:
        dependence(model, frame, columns, **words)
    assert said in str(error.value)


def test_a_class_that_is_none_is_named(classes):
    with pytest.raises(SettingsError, match="'x' is no class of 'y': choose high, low, middle"):
        dependence(classes[0], classes[1], "a", label="x")


def test_records_are_plain_data(classes):
    model, frame = classes
    for columns, kind in (("word", Dependence), (["word", "flag"], Interaction)):
        found = dependence(model, frame, columns)
        assert repr(kind.from_dict(found.to_dict())) == repr(found)


def test_pictures_and_pages_have_the_numbers(classes):
    model, frame = classes
    for columns in ("a", "word", "day", "hour", ["a", "word"]):
        found = dependence(model, frame, columns)
        chart = dependence_picture(found)
        assert len(chart.charts) == 3
        document = dependence_document(found, "m", "t")
        page, text = render(document, "html"), render(document, "text")
        assert page.count('class="plot-figure"') == 1
        assert all(len(line) <= 100 for line in text.splitlines())
    curve = dependence(model, frame, "word").curves[0]
    dots = dependence_picture(dependence(model, frame, "word", label="high")).marks[1]
    assert (dots.names, dots.y) == (("u", "v", "w"), curve.mean)
    tiles = [one.marks[0] for one in chart.charts]
    assert tiles[0].values == tuple(np.ravel(found.surfaces[0].mean))
    assert len({(tile.low, tile.high) for tile in tiles}) == 1  # one legend for all of them
