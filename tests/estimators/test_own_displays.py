"""Displays: their values are scikit-learn's and the engine's, their plots the same everywhere, and what can't be is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_iris
from sklearn.inspection import partial_dependence
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule
from chainrule import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor
from chainrule.errors import SettingsError, TableError
from chainrule.estimators import displays
from chainrule.estimators.mlp.as_model import model_of, rows_of
from chainrule.fitting.studies.ablation_records import Ablation, Ablations, Difference
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.marks import Intervals
from chainrule.plots.svg.draw import to_svg
from chainrule.training.settings.recipe import INGREDIENTS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DATA = load_iris(as_frame=True)
X = DATA.data.rename(columns=lambda name: name.removesuffix(" (cm)").replace(" ", "_"))
Y = DATA.target.map(dict(enumerate(DATA.target_names))).rename("species")
TWO, CODES = X[50:], (Y[50:] == "virginica").astype(int).rename("virginica")
LENGTH = X["petal_length"].rename("length")
OTHERS = X.drop(columns="petal_length")


@pytest.fixture(scope="module")
def made():
    """Fitted estimators by name, each with rows and targets."""
    mlp = {"max_iter": 60, "learning_rate_init": 0.02, "random_state": 0}
    table = {"hidden": [6], "members": 1, "epochs": 30, "random_state": 0}
    return {
        "mlp": (MLPClassifier((6,), **mlp).fit(X, Y), X, Y),
        "two": (MLPClassifier((6,), **mlp).fit(TWO, CODES), TWO, CODES),
        "table": (TableClassifier(**table).fit(X, Y), X, Y),
        "pipeline": (make_pipeline(StandardScaler(), MLPClassifier((6,), **mlp)).fit(X, Y), X, Y),
        "numbers": (MLPRegressor(hidden_layer_sizes=(6,), **mlp).fit(OTHERS, LENGTH), OTHERS, LENGTH),
        "table of numbers": (TableRegressor(**table).fit(OTHERS, LENGTH), OTHERS, LENGTH),
    }


OPTIONS = {
    "ActivationDisplay": {"neuron": 2, "row": 7},
    "BoundaryDisplay": {"columns": ("petal_width", "sepal_length")},
    "DependenceDisplay": {"columns": "petal_width"},
    "LearningDisplay": {"cv": 2, "train_sizes": [0.5, 1.0]},
    "NetworkDisplay": {"row": 7},
    "SlicesDisplay": {"column": "sepal_width"},
}
OF_CLASSES = {
    "ConfusionDisplay",
    "RocDisplay",
    "PrecisionRecallDisplay",
    "CalibrationDisplay",
    "BoundaryDisplay",
}
OF_NUMBERS = {"ResidualsDisplay", "PredictedDisplay"}
OF_RECORDS = {"Display", "SearchDisplay", "AblationDisplay", "LearningDisplay"}


def shown(name, made, **more):
    estimator, X, y = made
    given = () if name == "CurvesDisplay" else (X, y)
    return getattr(displays, name).from_estimator(estimator, *given, **{**OPTIONS.get(name, {}), **more})


SLOW = pytest.mark.slow
EACH = ["mlp", "table of numbers", pytest.param("table", marks=SLOW), pytest.param("numbers", marks=SLOW)]


@pytest.mark.parametrize("which", EACH)
def test_every_display_is_made_and_drawn_the_same_twice(made, which):
    others = OF_NUMBERS if made[which][2] is Y else OF_CLASSES
    for name in set(displays.__all__) - OF_RECORDS - others:
        display, again = (shown(name, made[which]) for _ in range(2))
        assert isinstance(display.chart, Chart | Charts)
        assert to_svg(display.chart) == to_svg(again.chart)
        assert display._repr_html_().startswith("<svg ")
        for value in display.values:
            assert getattr(display, value) is display.values[value]
        assert display.table().rows
    for name in others:
        with pytest.raises(SettingsError, match=r"is a number|has classes"):
            shown(name, made[which])


@pytest.mark.parametrize("which", ["mlp", "two", "table", "pipeline"])
def test_the_values_of_classes_are_scikit_learns(made, which):
    estimator, rows, y = made[which]
    probabilities, predicted = estimator.predict_proba(rows), estimator.predict(rows)
    confusion = shown("ConfusionDisplay", made[which])
    np.testing.assert_array_equal(confusion.confusion_matrix, metrics.confusion_matrix(y, predicted))
    assert confusion.display_labels.tolist() == estimator.classes_.tolist()
    roc, pr = shown("RocDisplay", made[which]), shown("PrecisionRecallDisplay", made[which])
    wanted = list(enumerate(estimator.classes_))[1 if len(estimator.classes_) == 2 else 0 :]
    assert list(roc.roc_auc) == [name for _, name in wanted]
    for place, name in wanted:
        is_true, score = y == name, probabilities[:, place]
        for found, expected in zip(
            (roc.fpr[name], roc.tpr[name], roc.thresholds[name]),
            metrics.roc_curve(is_true, score),
            strict=True,
        ):
            np.testing.assert_array_equal(found, expected)
        assert roc.roc_auc[name] == metrics.roc_auc_score(is_true, score)
        assert pr.average_precision[name] == metrics.average_precision_score(is_true, score)
        np.testing.assert_array_equal(pr.precision[name], metrics.precision_recall_curve(is_true, score)[0])
    last = estimator.classes_[-1]
    calibration = shown("CalibrationDisplay", made[which], label=last, bins=5)
    share, mean = calibration_curve(y == last, probabilities[:, -1], n_bins=5)
    np.testing.assert_array_equal(calibration.prob_true, share)
    np.testing.assert_array_equal(calibration.prob_pred, mean)


def test_of_more_than_two_classes_the_answered_one_is_calibrated(made):
    estimator, rows, y = made["mlp"]
    found = shown("CalibrationDisplay", made["mlp"])
    np.testing.assert_array_equal(found.y_prob, estimator.predict_proba(rows).max(axis=1))
    np.testing.assert_array_equal(found.y_true, estimator.predict(rows) == y)


def test_predictions_of_any_estimator_are_shown():
    model = LogisticRegression(max_iter=500).fit(X, Y)
    found = displays.ConfusionDisplay.from_estimator(model, X, Y)
    np.testing.assert_array_equal(found.confusion_matrix, metrics.confusion_matrix(Y, model.predict(X)))
    with pytest.raises(SettingsError, match="LogisticRegression has no network"):
        displays.NetworkDisplay.from_estimator(model, X)


def test_slices_are_scores_of_parts(made):
    estimator, rows, y = made["mlp"]
    found = shown("SlicesDisplay", made["mlp"])
    cuts = np.quantile(rows["sepal_width"], [0.25, 0.5, 0.75])
    right, part = estimator.predict(rows) == y, np.searchsorted(cuts, rows["sepal_width"])
    assert found.scores.tolist() == pytest.approx([right[part == i].mean() for i in range(4)])
    assert sum(found.counts) == 150
    assert found.overall == right.mean()
    assert (found.low <= found.scores).all()
    assert (found.scores <= found.high).all()
    numbers = shown("SlicesDisplay", made["numbers"])
    assert numbers.overall == pytest.approx(
        metrics.mean_absolute_error(LENGTH, made["numbers"][0].predict(OTHERS))
    )
    words = displays.SlicesDisplay.from_estimator(
        made["table"][0], X.assign(kind=["a", "b", None] * 50), Y, column="kind"
    )
    assert words.names == ("a", "b", "missing")


def test_a_perceptron_is_the_same_as_a_model(made):
    for which in ("mlp", "two", "numbers"):
        estimator, rows, y = made[which]
        model, table = model_of(estimator, y), rows_of(estimator, rows, y)
        answer = model.predict(table)
        if which == "numbers":
            np.testing.assert_allclose(answer.labels, estimator.predict(rows), rtol=1e-12)
        else:
            np.testing.assert_array_equal(answer.labels, estimator.predict(rows))
            np.testing.assert_allclose(answer.probabilities, estimator.predict_proba(rows), rtol=1e-12)
        ours, theirs = shown("GradientFlowDisplay", made[which]), estimator.gradients(rows, y)
        assert ours.cost == pytest.approx(theirs.loss, rel=1e-12)
        for one, other in zip(ours.gradients, theirs.coefs, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-14)
        network = shown("NetworkDisplay", made[which])
        for layer, values in zip(estimator.layer_outputs(rows)[:], network.activations[1:], strict=True):
            np.testing.assert_allclose(values, layer.a[7], rtol=1e-12)
        for one, other in zip(network.weights, estimator.coefs_, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("missing", ["mean", "mean+indicator"])
def test_missing_cells_several_targets_and_temperature_come_along(missing):
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(60, 3))
    rows[rng.random(rows.shape) < 0.2] = np.nan
    y = np.stack([rng.normal(size=60), rng.normal(size=60)], axis=1)
    numbers = MLPRegressor(hidden_layer_sizes=(4,), max_iter=5, missing=missing, random_state=1).fit(rows, y)
    found = model_of(numbers, y).predict(rows_of(numbers, rows, y)).labels
    np.testing.assert_allclose(found, numbers.predict(rows), rtol=1e-12)
    labels = MLPClassifier((4,), max_iter=5, missing=missing, random_state=1).fit(rows, (y > 0).astype(int))
    probabilities = model_of(labels).predict(rows_of(labels, rows)).probabilities
    np.testing.assert_allclose(probabilities, labels.predict_proba(rows), rtol=1e-12)
    warm = MLPClassifier(
        (4,), max_iter=5, missing=missing, random_state=1, calibrate=True, early_stopping=True
    ).fit(rows, y[:, 0] > 0)
    assert warm.temperature_ != 1
    probabilities = model_of(warm).predict(rows_of(warm, rows)).probabilities
    np.testing.assert_allclose(probabilities, warm.predict_proba(rows), rtol=1e-12)


def test_the_boundary_is_what_the_estimator_answers_there(made):
    for which in ("mlp", "table"):
        estimator, rows, _ = made[which]
        found = shown("BoundaryDisplay", made[which], row=3)
        for i, j in ((0, 0), (17, 40), (60, 60)):
            one = rows.iloc[[3]].assign(petal_width=found.xx0[i, j], sepal_length=found.xx1[i, j])
            np.testing.assert_allclose(found.response[i, j], estimator.predict_proba(one)[0], rtol=1e-9)


def test_dead_neurons_are_crossed_out_where_enough_rows_say_so(made):
    estimator = MLPClassifier.from_weights(
        [np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([[1.0], [1.0]])],
        [np.array([0.0, -1000.0]), np.array([0.0])],
    )
    rows = np.random.default_rng(0).random((40, 2))
    assert displays.NetworkDisplay.from_estimator(estimator, rows).flags[1].tolist() == ["", "dead"]
    assert displays.NetworkDisplay.from_estimator(estimator, rows[:10]).flags == {}
    assert displays.NetworkDisplay.from_estimator(estimator).weights[0].tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_the_tangent_stands_at_the_neurons_z(made):
    estimator, rows, _ = made["mlp"]
    z = estimator.layer_outputs(rows)[0].z[7, 1]
    at = shown("ActivationDisplay", made["mlp"]).at
    assert at == pytest.approx((z, max(z, 0.0), float(z > 0)), rel=1e-12)
    with pytest.raises(SettingsError, match="layer 1 has 1 to 6"):
        shown("ActivationDisplay", made["mlp"], neuron=7)


def test_curves_are_those_of_the_training(made):
    estimator = made["mlp"][0]
    found = displays.CurvesDisplay.from_estimator(made["pipeline"][0])
    assert found.curves["training"].tolist() == made["pipeline"][0][-1].loss_curve_
    table = displays.CurvesDisplay.from_estimator(made["table"][0], what="rate")
    assert table.curves["learning rate"].tolist() == [
        line.learning_rate for line in made["table"][0].history_
    ]
    with pytest.raises(SettingsError, match="no such curves"):
        displays.CurvesDisplay.from_estimator(estimator, what="rate")
    trained = chainrule.train(pd.concat([X, Y], axis=1), "species", hidden=[4], epochs=4, members=1)
    losses = displays.CurvesDisplay.from_trained(trained)
    assert losses.curves["validation"].tolist() == [line.validation_loss for line in trained.fit.history]
    for name in ("ConfusionDisplay", "NetworkDisplay", "ImportanceDisplay"):
        assert getattr(displays, name).from_model(trained.model, pd.concat([X, Y], axis=1)).table().rows


def test_a_search_and_a_learning_curve(made):
    model = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=8, random_state=0))
    grid = {"mlpclassifier__alpha": [1e-4, 1e-2], "mlpclassifier__activation": ["relu", "tanh"]}
    search = GridSearchCV(model, grid, cv=2).fit(X, Y)
    found = displays.SearchDisplay.from_estimator(search)
    np.testing.assert_array_equal(found.mean_test_score, search.cv_results_["mean_test_score"])
    assert found.best == search.best_index_
    assert [chart.title for chart in found.chart.charts] == ["activation", "alpha"]
    assert displays.NetworkDisplay.from_estimator(search).weights[0].shape == (4, 4)
    curve = displays.LearningDisplay.from_estimator(model, X, Y, cv=2, train_sizes=[0.5, 1.0], shuffle=True)
    assert curve.test_scores.shape == (2, 2)
    with pytest.raises(SettingsError, match="give a fitted search"):
        displays.SearchDisplay.from_estimator(model)


def test_matplotlib_draws_the_record(made):
    matplotlib = pytest.importorskip("matplotlib", reason="Matplotlib is not installed")
    matplotlib.use("Agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure, (left, right) = pyplot.subplots(1, 2)
    roc = shown("RocDisplay", made["two"], ax=left)
    assert roc.ax_ is left
    assert roc.figure_ is figure
    drawn = [line.get_ydata() for line in left.get_lines()]
    assert drawn[1].tolist() == list(roc.chart.marks[1].y)
    several = shown("CalibrationDisplay", made["two"], ax=right)
    assert len(several.ax_) == 2
    assert {one.figure for one in several.ax_} == {figure}
    with pytest.raises(SettingsError, match="2 axes were expected"):
        several.plot([left])
    with pytest.raises(SettingsError, match="placed by hand"):
        several.plot(figure.add_axes((0.1, 0.1, 0.2, 0.2)))
    pyplot.close("all")


def test_words_that_do_not_exist_are_refused(made):
    with pytest.raises(TypeError, match="colour"):
        shown("RocDisplay", made["two"], colour="red")
    with pytest.raises(AttributeError, match="it has fpr, tpr"):
        _ = shown("RocDisplay", made["two"]).precision


def test_what_is_found_of_columns_is_what_the_functions_find(made):
    estimator = made["table"][0]
    table = X.assign(species=Y)
    importance = displays.ImportanceDisplay.from_model(estimator.model_, table, repeats=2)
    found = chainrule.importance(estimator.model_, table, repeats=2)
    np.testing.assert_array_equal(importance.importances_mean, found.values)
    assert importance.importances.shape == (4, 2)
    perceptron = made["mlp"][0]
    ours = displays.ImportanceDisplay.from_estimator(perceptron, X, Y, repeats=2)
    np.testing.assert_allclose(
        ours.importances_mean, perceptron.importance(X, Y, n_repeats=2).values, rtol=1e-9
    )
    theirs = partial_dependence(perceptron, X, ["petal_width"], grid_resolution=5)
    places = theirs["grid_values"][0]
    ours = displays.DependenceDisplay.from_estimator(perceptron, X, columns="petal_width", places=places)
    np.testing.assert_allclose(np.stack(list(ours.average.values())), theirs["average"], rtol=1e-9)
    two = displays.DependenceDisplay.from_model(
        estimator.model_, table, columns=["petal_width", "sepal_width"]
    )
    surface = chainrule.dependence(estimator.model_, table, ["petal_width", "sepal_width"]).surfaces[0]
    np.testing.assert_array_equal(two.average[surface.quantity], np.array(surface.mean))
    attributions = shown("AttributionsDisplay", made["table"], row=7, label="virginica")
    added = attributions.value - attributions.baseline_value
    assert attributions.attributions.sum() == pytest.approx(added, rel=1e-5)
    assert attributions.value == pytest.approx(estimator.predict_proba(X.iloc[[7]])[0, 2], rel=1e-5)


@pytest.mark.parametrize(
    "form", [np.asarray, lambda rows: rows.to_numpy().tolist(), pl.from_pandas, sparse.csr_array]
)
def test_rows_may_come_in_any_form(form):
    clf = MLPClassifier((4,), max_iter=5, random_state=0).fit(form(X), Y)
    named = hasattr(clf, "feature_names_in_")
    column = "petal_width" if named else "x3"
    slices = displays.SlicesDisplay.from_estimator(clf, form(X), Y, column=column)
    assert sum(slices.counts) == 150
    network = displays.NetworkDisplay.from_estimator(clf, form(X), row=3)
    assert network.layers[0].names[3] == column
    np.testing.assert_allclose(network.activations[0], X.iloc[3])


def test_one_of_several_targets_is_named(made):
    y = pd.DataFrame({"a": LENGTH, "b": -LENGTH})
    several = MLPRegressor(hidden_layer_sizes=(3,), max_iter=5, random_state=0).fit(OTHERS, y)
    found = displays.ResidualsDisplay.from_estimator(several, OTHERS, y, target="b")
    np.testing.assert_allclose(found.residuals, -LENGTH - several.predict(OTHERS)[:, 1])
    for wrong in (None, "c", 2):
        with pytest.raises(SettingsError, match="a, b"):
            displays.ResidualsDisplay.from_estimator(several, OTHERS, y, target=wrong)
    labels = np.stack([Y == "setosa", Y == "virginica"], axis=1).astype(int)
    for made_of in (
        MLPClassifier((3,), max_iter=5, random_state=0),
        MultiOutputClassifier(MLPClassifier((3,), max_iter=5, random_state=0)),
    ):
        clf = made_of.fit(X, labels)
        roc = displays.RocDisplay.from_estimator(clf, X, labels, target=1)
        given = clf.predict_proba(X)
        score = given[1][:, 1] if isinstance(given, list) else given[:, 1]
        assert roc.roc_auc[1] == metrics.roc_auc_score(labels[:, 1], score)


def test_what_is_missing_is_named(made):
    estimator = made["table"][0]
    for name, said in (("GradientFlowDisplay", "species"), ("ActivationsDisplay", "about rows")):
        given = () if name == "ActivationsDisplay" else (X,)
        with pytest.raises((SettingsError, TableError), match=said):
            getattr(displays, name).from_estimator(estimator, *given)
    with pytest.raises(SettingsError, match="there is no row 151"):
        shown("NetworkDisplay", made["table"], row=150)
    with pytest.raises(SettingsError, match="two different ones"):
        shown("BoundaryDisplay", made["table"], columns=("petal_width", "petal_width"))
    with pytest.raises(SettingsError, match="there is no member 2"):
        shown("WeightsDisplay", made["table"], member=1)


def test_an_ablation_is_shown_with_two_standard_errors():
    names = iter(INGREDIENTS)
    parts = [
        Ablation(next(names), {"error": Difference(0.1, 0.1 + gain, gain, 0.01, 0.02)}, 2)
        for gain in (0.05, -0.01)
    ]
    parts.append(Ablation(next(names), {}, reason="not in this recipe"))
    found = displays.AblationDisplay.from_ablations(
        Ablations("classification", {"error": 0.1}, 1.0, 2, 50, tuple(parts))
    )
    assert found.ingredients.tolist() == [part.ingredient.name for part in parts[:2]]
    assert found.standard_errors["error"].tolist() == [0.02, 0.02]
    (intervals,) = [mark for mark in found.chart.marks if isinstance(mark, Intervals)]
    assert intervals.low == pytest.approx((0.01, -0.05))
    with pytest.raises(SettingsError, match="choose error"):
        displays.AblationDisplay.from_ablations(
            Ablations("classification", {}, 1.0, 2, 50, tuple(parts)), score="rmse"
        )


def test_every_display_is_on_the_page_of_plots():
    text = (Path(__file__).parents[2] / "docs" / "plots.md").read_text("utf-8")
    assert [name for name in displays.__all__ if name != "Display" and f"`{name}`" not in text] == []
    assert chainrule.displays is displays
    assert dir(displays) == displays.__all__
    with pytest.raises(AttributeError, match="NoDisplay"):
        _ = displays.NoDisplay


def test_a_notebook_draws_the_network_as_wide_as_it_is_laid_out(made):
    assert 'width="900"' in shown("NetworkDisplay", made["mlp"], width=900)._repr_html_()[:200]
    assert 'width="640"' in shown("NetworkDisplay", made["mlp"])._repr_html_()[:200]
