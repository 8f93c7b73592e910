"""scikit-learn's own displays and its inspection work on the four estimators, and say what ours say."""

import numpy as np
import pytest
from sklearn.calibration import CalibrationDisplay
from sklearn.datasets import load_iris
from sklearn.inspection import (
    DecisionBoundaryDisplay,
    PartialDependenceDisplay,
    partial_dependence,
    permutation_importance,
)
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    DetCurveDisplay,
    PrecisionRecallDisplay,
    PredictionErrorDisplay,
    RocCurveDisplay,
)
from sklearn.model_selection import LearningCurveDisplay, ValidationCurveDisplay

from chainrule import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor, displays

matplotlib = pytest.importorskip("matplotlib", reason="Matplotlib is not installed")
matplotlib.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

DATA = load_iris(as_frame=True)
X = DATA.data.rename(columns=lambda name: name.removesuffix(" (cm)").replace(" ", "_"))[50:]
CLASS = DATA.target[50:].map({1: "versicolor", 2: "virginica"})
NUMBER, OTHERS = X["petal_length"], X.drop(columns="petal_length")
MLP = {"hidden_layer_sizes": (6,), "max_iter": 80, "learning_rate_init": 0.02, "random_state": 0}
TABLE = {"hidden": [6], "members": 1, "epochs": 40, "random_state": 0}
CLASSIFIERS = {"MLPClassifier": MLPClassifier(**MLP), "TableClassifier": TableClassifier(**TABLE)}
REGRESSORS = {"MLPRegressor": MLPRegressor(**MLP), "TableRegressor": TableRegressor(**TABLE)}


@pytest.fixture(scope="module")
def fitted():
    """The four estimators, fitted, by name."""
    classes = {name: one.fit(X, CLASS) for name, one in CLASSIFIERS.items()}
    return {**classes, **{name: one.fit(OTHERS, NUMBER) for name, one in REGRESSORS.items()}}


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_displays_of_classes(fitted, name):
    estimator = fitted[name]
    theirs = ConfusionMatrixDisplay.from_estimator(estimator, X, CLASS)
    ours = displays.ConfusionDisplay.from_estimator(estimator, X, CLASS)
    np.testing.assert_array_equal(theirs.confusion_matrix, ours.confusion_matrix)
    roc = RocCurveDisplay.from_estimator(estimator, X, CLASS)
    assert displays.RocDisplay.from_estimator(estimator, X, CLASS).roc_auc["virginica"] == pytest.approx(
        roc.roc_auc
    )
    curve = PrecisionRecallDisplay.from_estimator(estimator, X, CLASS)
    ours = displays.PrecisionRecallDisplay.from_estimator(estimator, X, CLASS)
    assert ours.average_precision["virginica"] == pytest.approx(curve.average_precision)
    bins = CalibrationDisplay.from_estimator(estimator, X, CLASS, n_bins=5)
    ours = displays.CalibrationDisplay.from_estimator(estimator, X, CLASS, bins=5)
    np.testing.assert_allclose(ours.prob_true, bins.prob_true)
    np.testing.assert_allclose(ours.prob_pred, bins.prob_pred)
    assert len(DetCurveDisplay.from_estimator(estimator, X, CLASS).fpr)


@pytest.mark.parametrize("name", REGRESSORS)
def test_displays_of_numbers(fitted, name):
    estimator = fitted[name]
    theirs = PredictionErrorDisplay.from_estimator(estimator, OTHERS, NUMBER)
    ours = displays.PredictedDisplay.from_estimator(estimator, OTHERS, NUMBER)
    np.testing.assert_allclose(theirs.y_pred, ours.y_pred)


@pytest.mark.parametrize("name", [*CLASSIFIERS, *REGRESSORS])
def test_inspection(fitted, name):
    estimator, (rows, y) = fitted[name], (X, CLASS) if name in CLASSIFIERS else (OTHERS, NUMBER)
    found = permutation_importance(estimator, rows, y, n_repeats=2, random_state=0)
    assert found.importances_mean.shape == (rows.shape[1],)
    assert len(PartialDependenceDisplay.from_estimator(estimator, rows, ["petal_width"], kind="both").axes_)
    # The same mean over the rows, at the same places.
    ours = displays.DependenceDisplay.from_estimator(estimator, rows, y, columns="petal_width")
    theirs = partial_dependence(
        estimator, rows, ["petal_width"], custom_values={"petal_width": ours.grid_values.astype(float)}
    )
    (average,) = ours.average.values()
    np.testing.assert_allclose(average, theirs["average"][0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("made", [MLPClassifier(**MLP), TableClassifier(**TABLE)], ids=list(CLASSIFIERS))
def test_a_decision_boundary_and_curves_of_trainings(made):
    two = X[["petal_length", "petal_width"]]
    fitted = made.fit(two, CLASS)
    theirs = DecisionBoundaryDisplay.from_estimator(
        fitted, two, response_method="predict_proba", grid_resolution=20
    )
    assert theirs.response.shape[:2] == (20, 20)
    curve = LearningCurveDisplay.from_estimator(
        made, two, CLASS, cv=2, train_sizes=[0.6, 1.0], shuffle=True, random_state=0
    )
    ours = displays.LearningDisplay.from_estimator(
        made, two, CLASS, cv=2, train_sizes=[0.6, 1.0], shuffle=True, random_state=0
    )
    np.testing.assert_array_equal(curve.test_scores, ours.test_scores)
    setting = "alpha" if isinstance(made, MLPClassifier) else "weight_decay"
    tried = ValidationCurveDisplay.from_estimator(
        made, two, CLASS, param_name=setting, param_range=[0.0, 0.1], cv=2
    )
    assert tried.test_scores.shape == (2, 2)
