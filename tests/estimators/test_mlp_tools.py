"""scikit-learn's tools on the perceptrons: pipelines, searches, ensembles, routing, output containers, displays."""

import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate, learning_curve
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import estimator_html_repr

from chainrule import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, CLASS = load_iris(return_X_y=True)
OPTIONS = {"hidden_layer_sizes": (8,), "learning_rate_init": 0.02, "max_iter": 60, "random_state": 1}


def classifier(**options):
    return MLPClassifier(**{**OPTIONS, **options})


def regressor(**options):
    return MLPRegressor(**{**OPTIONS, **options})


def test_in_a_pipeline_with_columns_and_a_search_on_two_processes():
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["color"] = np.array(["red", "green", "blue"])[CLASS]
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), list("ab")), ("words", OneHotEncoder(), ["color"])]
    )
    model = Pipeline([("columns", columns), ("network", classifier())])
    search = GridSearchCV(
        model, {"network__activation": ["tanh", "mish"], "network__alpha": [1e-4, 1e-2]}, cv=3, n_jobs=2
    )
    search.fit(frame, CLASS)
    assert search.best_score_ > 0.95
    alone = GridSearchCV(model, search.param_grid, cv=3).fit(frame, CLASS)
    np.testing.assert_array_equal(alone.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"])


def test_in_cross_validation_and_learning_curves():
    model = make_pipeline(StandardScaler(), classifier())
    assert cross_val_score(model, X, CLASS).mean() > 0.9
    found = cross_validate(
        make_pipeline(StandardScaler(), regressor()), X, CLASS, scoring=["r2", "neg_mean_squared_error"], cv=3
    )
    assert len(found["test_r2"]) == 3
    _, _, scores = learning_curve(model, X, CLASS, shuffle=True, random_state=0, cv=3, train_sizes=[0.3, 1.0])
    assert scores.shape == (2, 3)
    incremental = learning_curve(
        classifier(), X, CLASS, shuffle=True, random_state=0, cv=3, train_sizes=[0.3, 1.0],
        exploit_incremental_learning=True,
    )  # fmt: skip
    assert incremental[1].shape == (2, 3)


def test_in_ensembles_and_calibration():
    z = StandardScaler().fit_transform(X)
    for model in (
        CalibratedClassifierCV(classifier(), cv=3),
        BaggingClassifier(classifier(), n_estimators=3, random_state=0),
        StackingClassifier([("one", classifier()), ("two", classifier(activation="tanh"))], cv=3),
    ):
        assert model.fit(z, CLASS).score(z, CLASS) > 0.9
        assert model.predict_proba(z).shape == (150, 3)
    assert MultiOutputClassifier(classifier()).fit(z, np.c_[CLASS, CLASS]).predict(z).shape == (150, 2)
    voting = VotingRegressor([("one", regressor()), ("two", regressor(alpha=1))]).fit(z, CLASS)
    assert voting.score(z, CLASS) > 0.8


def test_in_permutation_importance():
    x = np.random.default_rng(0).normal(size=(200, 3))
    model = regressor(max_iter=150).fit(x, 3 * x[:, 1])
    importances = permutation_importance(model, x, 3 * x[:, 1], n_repeats=3, random_state=0).importances_mean
    assert importances[1] > 1 > 10 * abs(importances[[0, 2]]).max()


def test_sample_weights_are_routed():
    weights = np.random.default_rng(0).uniform(0.1, 3, 150)
    with sklearn.config_context(enable_metadata_routing=True):
        model = regressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        routed = cross_validate(
            model, X, CLASS, params={"sample_weight": weights}, cv=2, return_estimator=True
        )
        pipe = make_pipeline(
            StandardScaler(with_mean=False, with_std=False).set_fit_request(sample_weight=False), model
        )
        pipe.fit(X, CLASS, sample_weight=weights)
    direct = regressor().fit(X[75:], CLASS[75:], weights[75:])
    np.testing.assert_array_equal(routed["estimator"][0].coefs_[0], direct.coefs_[0])
    assert routed["test_score"][0] == direct.score(X[:75], CLASS[:75], weights[:75])
    np.testing.assert_array_equal(pipe[-1].coefs_[0], regressor().fit(X, CLASS, weights).coefs_[0])
    with sklearn.config_context(enable_metadata_routing=True):
        classifier().set_fit_request(X_val=True, y_val=True).set_partial_fit_request(classes=True)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_names_of_columns_are_checked(make):
    frame = make({name: X[:, place] for place, name in enumerate("abcd")})
    scaled = StandardScaler().set_output(transform="pandas" if make is pd.DataFrame else "polars")
    pipe = make_pipeline(scaled, classifier()).fit(frame, CLASS)
    assert pipe[-1].feature_names_in_.tolist() == list("abcd")
    model = classifier().fit(frame, CLASS)
    wrong = make({name: X[:, place] for place, name in enumerate("abce")})
    with pytest.raises(ValueError, match="feature names"):
        model.predict(wrong)
    with pytest.warns(UserWarning, match="feature names"):
        model.predict(X)


def test_copies_and_displays():
    model = classifier(alpha=0.5, dropout=0.1)
    assert clone(model).get_params() == model.get_params()
    assert "MLPClassifier(alpha=0.5, dropout=0.1" in repr(model)
    assert repr(MLPRegressor()) == "MLPRegressor()"
    html = estimator_html_repr(make_pipeline(StandardScaler(), model.fit(X, CLASS)))
    assert "MLPClassifier" in html
    assert "dropout" in html
    assert model.set_params(alpha=1.0).alpha == 1.0


def test_importing_chainrule_does_not_import_scikit_learn():
    code = "import chainrule, sys; assert 'sklearn' not in sys.modules; chainrule.MLPClassifier; assert 'sklearn' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    code = "import chainrule.cli, sys; assert not {'sklearn', 'chainrule.estimators'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_has_every_parameter_and_attribute():
    for cls in (MLPClassifier, MLPRegressor):
        text = cls.__doc__
        assert "{" not in text.replace("{'", "")
        for name in cls().get_params():
            assert f"\n{name} : " in text, name
        fitted = cls(**OPTIONS).fit(X, CLASS)
        for name in [n for n in vars(fitted) if n.endswith("_") and not n.startswith("_")] + ["network_"]:
            if name not in ("feature_names_in_",):
                assert f"\n{name} : " in text, name
        for method in ("fit", "predict", "partial_fit", "layer_outputs", "gradients", "from_weights"):
            assert "Parameters\n" in getattr(cls, method).__doc__
            assert "Returns\n" in getattr(cls, method).__doc__
