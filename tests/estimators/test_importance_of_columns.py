"""``importance`` of the four estimators: against asking them again with columns shuffled, and where the answer is known."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.metrics import log_loss

from chainrule import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor
from chainrule._random import Purpose, generator
from chainrule.errors import SettingsError
from chainrule.explain.columns.permuted import ORDERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, CLASS = load_iris(return_X_y=True)
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"])
QUICK = {"engine": "reference", "hidden": [6], "members": 1, "epochs": 20, "random_state": 0}


def order(column: int, repeat: int, n: int = 150) -> np.ndarray:
    return generator(0, Purpose.SPLIT, ORDERS, column, repeat).permutation(n)


def shuffled(frame: pd.DataFrame, column: int, repeat: int) -> pd.DataFrame:
    made = frame.copy()
    made.iloc[:, column] = frame.iloc[order(column, repeat), column].to_numpy()
    return made


def estimators():
    network = {"hidden_layer_sizes": (6,), "max_iter": 40, "random_state": 0}
    yield MLPClassifier(**network), CLASS, "accuracy", 1
    yield MLPRegressor(**network), CLASS.astype(float), "rmse", -1
    yield TableClassifier(**QUICK), np.array(["s", "v", "w"])[CLASS], "accuracy", 1
    yield TableRegressor(**QUICK), CLASS.astype(float), "rmse", -1


@pytest.mark.parametrize(
    ("estimator", "y", "metric", "sign"), list(estimators()), ids=lambda value: type(value).__name__
)
def test_drops_are_those_of_asking_again_with_the_column_shuffled(estimator, y, metric, sign):
    estimator.fit(FRAME, y)
    found = estimator.importance(FRAME, y, n_repeats=3)
    assert (found.names, found.metric, found.rows) == (("a", "b", "c", "d"), metric, 150)

    def score(frame):
        said = estimator.predict(frame)
        return float(np.mean(said == y)) if sign > 0 else -math.sqrt(np.mean((said - y) ** 2))

    for column in (0, 2):
        expected = [score(FRAME) - score(shuffled(FRAME, column, repeat)) for repeat in range(3)]
        np.testing.assert_allclose(found.columns[column].repeats, expected, rtol=1e-5, atol=1e-7)
    assert found.values.tolist() == [one.drop for one in found.columns]


def test_it_is_about_what_scikit_learns_is():
    model = MLPRegressor(hidden_layer_sizes=(8,), max_iter=100, random_state=0).fit(X, X[:, 2] * 2)
    found = model.importance(X, X[:, 2] * 2, metric="r2", n_repeats=30)
    other = permutation_importance(model, X, X[:, 2] * 2, n_repeats=30, random_state=0)
    np.testing.assert_allclose(found.values, other.importances_mean, atol=0.1)
    assert found.names == ("x0", "x1", "x2", "x3")


def test_another_score_is_counted_as_scikit_learn_counts_it():
    model = MLPClassifier(hidden_layer_sizes=(6,), max_iter=40, random_state=0).fit(X, CLASS)
    found = model.importance(X, CLASS, metric="log_loss", n_repeats=1)
    p = model.predict_proba(X).astype(float)
    assert found.score == pytest.approx(log_loss(CLASS, p / p.sum(axis=1, keepdims=True)), rel=1e-5)
    again = model.predict_proba(np.asarray(shuffled(FRAME, 3, 0))).astype(float)
    again /= again.sum(axis=1, keepdims=True)
    assert found["x3"].drop == pytest.approx(log_loss(CLASS, again) - found.score, rel=1e-4)


def test_a_missing_value_goes_with_its_cell():
    gaps = FRAME.mask(np.random.default_rng(0).random(FRAME.shape) < 0.2)
    gaps["d"] = FRAME["d"]
    model = MLPRegressor(hidden_layer_sizes=(6,), max_iter=40, random_state=0, missing="mean+indicator").fit(
        gaps, X[:, 2]
    )
    found = model.importance(gaps, X[:, 2], n_repeats=2)
    for repeat in range(2):
        said = model.predict(shuffled(gaps, 2, repeat))
        expected = math.sqrt(np.mean((said - X[:, 2]) ** 2)) - found.score
        assert found["c"].repeats[repeat] == pytest.approx(expected, rel=1e-5)


def test_attributions_of_a_linear_network_are_slope_times_way():
    slopes = np.array([[2.0], [0.0], [-1.0], [0.5]])
    model = MLPRegressor.from_weights([slopes], [np.array([1.0])])
    found = model.importance(X, X[:, 0], method="attribution")
    expected = np.abs(slopes[:, 0] * (X - np.median(X, axis=0))).mean(axis=0)
    np.testing.assert_allclose(found.values, expected, rtol=1e-6)
    assert found.quantity == "y"
    assert math.isnan(found["x0"].drop)


@pytest.mark.parametrize("kind", [MLPClassifier, TableClassifier])
def test_attributions_of_classes_are_of_the_predicted_one(kind):
    model = kind(**(QUICK if kind is TableClassifier else {"max_iter": 40, "random_state": 0})).fit(X, CLASS)
    found = model.importance(X, CLASS, method="attribution")
    assert found.quantity == "the probability of the predicted class"
    assert (found.values >= 0).all()
    assert found.missed < 0.02
    two = kind(**(QUICK if kind is TableClassifier else {"max_iter": 40, "random_state": 0}))
    assert (two.fit(X, CLASS > 0).importance(X, CLASS > 0, method="attribution").values > 0).any()


def test_groups_and_interchangeable_columns():
    twin = FRAME.assign(e=FRAME["c"] * 10)
    model = MLPClassifier(hidden_layer_sizes=(6,), max_iter=40, random_state=0).fit(twin, CLASS)
    found = model.importance(twin, CLASS, groups=[["a", "b"]], n_repeats=2)
    assert found.names == ("a + b", "c", "d", "e")
    assert {"c", "e"} <= set(found.interchangeable[0].columns)


def test_several_answers_a_row_are_scored_and_not_attributed():
    y = np.column_stack([CLASS, X[:, 0]])
    model = MLPRegressor(hidden_layer_sizes=(6,), max_iter=20, random_state=0).fit(X, y)
    assert len(model.importance(X, y, n_repeats=1).values) == 4
    with pytest.raises(
        SettingsError, match="attributions are of one answer a row, and y has several columns"
    ):
        model.importance(X, y, method="attribution")
    labels = np.column_stack([CLASS == 0, CLASS == 2]).astype(int)
    found = (
        MLPClassifier(hidden_layer_sizes=(6,), max_iter=20, random_state=0)
        .fit(X, labels)
        .importance(X, labels, n_repeats=1)
    )
    assert found.metric == "accuracy"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"method": "shap"}, "method='shap' is unknown: choose permutation or attribution"),
        ({"n_repeats": 0}, "n_repeats=0 must be a whole number, at least 1"),
        ({"groups": [["z"]]}, "groups: 'z' is no input of the model; the columns are a, b, c, d"),
        ({"metric": "rmse"}, "rmse"),
    ],
)
@pytest.mark.parametrize("place", [0, 2])
def test_what_can_not_be_done_is_said_in_the_words_of_the_parameters(words, said, place):
    estimator, y, *_ = list(estimators())[place]
    estimator.fit(FRAME, y)
    with pytest.raises(SettingsError) as error:
        estimator.importance(FRAME, y, **words)
    assert said in str(error.value)


def test_it_is_asked_after_fit():
    with pytest.raises(NotFittedError):
        MLPClassifier().importance(X, CLASS)
    with pytest.raises(NotFittedError):
        TableClassifier().importance(X, CLASS)
