"""scikit-learn's Displays, partial dependence and shap's explainers on the four estimators."""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibrationDisplay
from sklearn.datasets import load_iris
from sklearn.inspection import DecisionBoundaryDisplay, PartialDependenceDisplay, partial_dependence
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    DetCurveDisplay,
    PrecisionRecallDisplay,
    PredictionErrorDisplay,
    RocCurveDisplay,
)  # fmt: skip
from sklearn.model_selection import LearningCurveDisplay, ValidationCurveDisplay

from chainrule import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor, dependence

matplotlib = pytest.importorskip("matplotlib", reason="Matplotlib is not installed")
matplotlib.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, CLASS = load_iris(return_X_y=True)
TWO = CLASS[50:] == 2
QUICK = {"engine": "reference", "hidden": [6], "members": 1, "epochs": 20, "random_state": 0}
NETWORK = {"hidden_layer_sizes": (6,), "learning_rate_init": 0.02, "max_iter": 60, "random_state": 0}


def made(name: str):
    return {
        "MLPClassifier": lambda: MLPClassifier(**NETWORK),
        "MLPRegressor": lambda: MLPRegressor(**NETWORK),
        "TableClassifier": lambda: TableClassifier(**QUICK),
        "TableRegressor": lambda: TableRegressor(**QUICK),
    }[name]()


@pytest.fixture
def ax():
    figure, axes = pyplot.subplots()
    yield axes
    pyplot.close(figure)
    pyplot.close("all")


@pytest.mark.parametrize("name", ["MLPClassifier", "TableClassifier"])
def test_displays_of_classes(name, ax):
    model = made(name).fit(X, CLASS)
    shown = ConfusionMatrixDisplay.from_estimator(model, X, CLASS, ax=ax)
    predicted = model.predict(X)
    expected = [[np.sum((i == CLASS) & (predicted == j)) for j in range(3)] for i in range(3)]
    np.testing.assert_array_equal(shown.confusion_matrix, expected)
    two = made(name).fit(X[50:], TWO)
    for display in (RocCurveDisplay, PrecisionRecallDisplay, DetCurveDisplay, CalibrationDisplay):
        _, own = pyplot.subplots()
        display.from_estimator(two, X[50:], TWO, ax=own)
    flat = made(name).fit(X[:, 2:], CLASS)
    boundary = DecisionBoundaryDisplay.from_estimator(
        flat, X[:, 2:], response_method="predict", grid_resolution=10
    )
    assert boundary.response.shape == (10, 10)


@pytest.mark.parametrize("name", ["MLPRegressor", "TableRegressor"])
def test_displays_of_numbers(name, ax):
    model = made(name).fit(X[:, :3], X[:, 3])
    shown = PredictionErrorDisplay.from_estimator(model, X[:, :3], X[:, 3], ax=ax)
    np.testing.assert_allclose(shown.y_pred, model.predict(X[:, :3]))


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor", "TableClassifier", "TableRegressor"])
def test_partial_dependence_and_its_display(name, ax):
    numbers = name.endswith("Regressor")
    y = X[:, 3] if numbers else CLASS
    model = made(name).fit(X[:, :3], y)
    places = np.array([1.5, 4.0])
    found = partial_dependence(model, X[:, :3], [2], custom_values={2: places}, method="brute", kind="both")
    changed = X[:, :3].copy()
    changed[:, 2] = 4.0
    said = model.predict(changed)[None] if numbers else model.predict_proba(changed).T
    np.testing.assert_allclose(found["individual"][..., 1], said, rtol=1e-5)
    which = {} if numbers else {"target": 1}
    PartialDependenceDisplay.from_estimator(model, X[:, :3], [0, (1, 2)], grid_resolution=4, **which)
    if name.startswith("Table"):
        own = dependence(model.model_, model._table(X[:, :3]), "column_3", places=places)
        means = np.array([curve.mean for curve in own.curves])
        np.testing.assert_allclose(means, found["average"], rtol=1e-5)


def test_displays_of_curves(ax):
    frame = pd.DataFrame(X, columns=list("abcd"))
    LearningCurveDisplay.from_estimator(
        made("TableClassifier"), frame, CLASS, train_sizes=[0.5, 1.0], cv=2, ax=ax
    )
    ValidationCurveDisplay.from_estimator(
        made("MLPClassifier"), X, CLASS, param_name="alpha", param_range=[1e-4, 1.0], cv=2
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
class TestShap:
    """shap's explainers that ask a model for predictions."""

    def test_a_linear_network_has_the_values_known_for_linear_models(self):
        shap = pytest.importorskip("shap", reason="shap is not installed")
        slopes = np.array([2.0, 0.0, -1.0, 0.5])
        model = MLPRegressor.from_weights([slopes[:, None]], [np.array([1.0])])
        background = X[::10]
        expected = slopes * (X[:5] - background.mean(axis=0))
        found = shap.KernelExplainer(model.predict, background).shap_values(X[:5], silent=True)
        np.testing.assert_allclose(found, expected, atol=1e-5)
        exact = shap.Explainer(model.predict, shap.maskers.Independent(background))(X[:5])
        np.testing.assert_allclose(exact.values, expected, atol=1e-5)

    @pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor", "TableClassifier", "TableRegressor"])
    def test_values_add_up_to_the_prediction(self, name):
        shap = pytest.importorskip("shap", reason="shap is not installed")
        numbers = name.endswith("Regressor")
        model = made(name).fit(X[:, :3], X[:, 3] if numbers else CLASS)
        asked = model.predict if numbers else model.predict_proba
        background = X[::15, :3]
        kinds = [shap.PermutationExplainer, shap.explainers.Exact]
        for kind in [*kinds, shap.SamplingExplainer] if numbers else kinds:
            found = kind(asked, background)(X[:4, :3])
            total = found.base_values + found.values.sum(axis=1)
            np.testing.assert_allclose(total, asked(X[:4, :3]), atol=1e-4)
