"""scikit-learn's own checks of `TableClassifier` and `TableRegressor`, and its tools with them inside."""

import pickle
from io import BytesIO
from typing import Any

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import config_context
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule import TableClassifier, TableRegressor

QUICK: dict[str, Any] = {"hidden": [16], "members": 1, "epochs": 60, "learning_rate": 0.02, "threads": 1}

UNWEIGHED = (
    "the split, the batches and the scaling are of rows; where they aren't, the test below has them equal"
)

EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": UNWEIGHED,
    "check_sample_weight_equivalence_on_sparse_data": UNWEIGHED,
}


@pytest.mark.filterwarnings(
    "ignore:no epoch was better:sklearn.exceptions.ConvergenceWarning"
)  # noise is no task
@parametrize_with_checks(
    [TableClassifier(**QUICK), TableRegressor(**QUICK)], expected_failed_checks=lambda estimator: EXPECTED
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("rows", ["dense", "sparse"])
@pytest.mark.parametrize("made", [TableClassifier, TableRegressor])
def test_a_row_of_weight_two_is_two_rows_where_nothing_is_drawn_or_scaled(made, rows):
    words: dict[str, Any] = {
        "optimizer": "lbfgs",
        "engine": "reference",
        "scaling": "none",
        "early_stopping": False,
    }
    if made is TableRegressor:
        words["target_scaling"] = "none"
    estimator = made(hidden=[4], members=1, epochs=20, **words)
    getattr(estimator_checks, f"check_sample_weight_equivalence_on_{rows}_data")(made.__name__, estimator)


def test_tags_say_what_comes_in():
    for estimator, is_kind in ((TableClassifier(), is_classifier), (TableRegressor(), is_regressor)):
        tags = get_tags(estimator)
        assert is_kind(estimator)
        assert tags.input_tags.allow_nan
        assert tags.input_tags.string
        assert tags.input_tags.categorical
        assert tags.input_tags.sparse
        assert tags.target_tags.required
        assert tags.target_tags.multi_output == is_regressor(estimator)


# ---- inside scikit-learn's tools

N = 80
SIZE = np.linspace(0, 1, N)
FRAME = pd.DataFrame(
    {
        "size": np.where(np.arange(N) % 9 == 0, np.nan, SIZE),
        "color": np.array(["red", "green", "blue", None], dtype=object)[np.arange(N) % 4],
        "noise": np.random.default_rng(0).normal(size=N),
    }
).sample(frac=1, random_state=0)
KINDS = pd.Series(np.where(SIZE > 0.5, "large", "small"), index=range(N)).loc[FRAME.index]
NUMBERS = pd.Series(SIZE * 10, index=range(N)).loc[FRAME.index]


def classifier(**words: Any) -> TableClassifier:
    return TableClassifier(**{**QUICK, "random_state": 0, **words})


def regressor(**words: Any) -> TableRegressor:
    return TableRegressor(**{**QUICK, "random_state": 0, **words})


def test_cross_validation_of_a_raw_table():
    assert cross_val_score(classifier(), FRAME, KINDS, cv=3).mean() > 0.8
    assert cross_val_score(classifier(), FRAME, KINDS, cv=3, scoring="roc_auc").mean() > 0.9
    assert cross_val_predict(classifier(), FRAME, KINDS, cv=3, method="predict_proba").shape == (N, 2)
    assert cross_val_score(regressor(), pl.from_pandas(FRAME), NUMBERS.to_numpy(), cv=3).mean() > 0.5


GRID = {"hidden": [[4], [8]], "scaling": ["robust", "minmax"], "learning_rate": np.array([0.02])}


def test_a_grid_search_of_a_raw_table():
    search = GridSearchCV(classifier(epochs=20), GRID, cv=2).fit(FRAME, KINDS)
    assert search.best_params_["hidden"] in ([4], [8])
    assert search.predict(FRAME).shape == (N,)


@pytest.mark.slow
def test_a_grid_search_on_two_processes_finds_the_same():
    one, two = (GridSearchCV(classifier(epochs=20), GRID, cv=2, n_jobs=n).fit(FRAME, KINDS) for n in (1, 2))
    assert np.array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])


def test_pipelines_and_column_transformers():
    for output in ("default", "pandas", "polars"):
        columns = ColumnTransformer(
            [
                ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["size", "noise"]),
                ("colors", OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["color"]),
            ]
        ).set_output(transform=output)
        pipeline = make_pipeline(columns, classifier()).fit(FRAME, KINDS)
        assert pipeline.score(FRAME, KINDS) > 0.8
        assert hasattr(pipeline[-1], "feature_names_in_") == (output != "default")
    sparse = make_pipeline(
        ColumnTransformer([("colors", OneHotEncoder(sparse_output=True), ["color"])], sparse_threshold=1.0),
        classifier(),
    )
    assert sparse.fit(FRAME, KINDS).predict(FRAME).shape == (N,)
    same = make_pipeline(FunctionTransformer(), regressor()).fit(FRAME, NUMBERS)
    assert same.predict(FRAME, quantiles=0.5).shape == (N,)


def test_meta_estimators():
    calibrated = CalibratedClassifierCV(classifier(epochs=20), cv=2, method="sigmoid").fit(FRAME, KINDS)
    assert calibrated.predict_proba(FRAME).shape == (N, 2)
    bagged = BaggingClassifier(classifier(epochs=20), n_estimators=2, random_state=0)
    numbers = FRAME[["size", "noise"]]
    assert bagged.fit(numbers.to_numpy(), KINDS).score(numbers.to_numpy(), KINDS) > 0.8
    assert BaggingRegressor(regressor(), n_estimators=2).fit(numbers.to_numpy(), NUMBERS).predict(
        numbers.to_numpy()
    ).shape == (N,)
    voted = VotingClassifier([("a", classifier(epochs=20)), ("b", classifier(hidden=[8]))], voting="soft")
    assert voted.fit(FRAME, KINDS).score(FRAME, KINDS) > 0.8
    assert OneVsRestClassifier(classifier(epochs=20)).fit(
        FRAME, FRAME["color"].fillna("none")
    ).classes_.shape == (4,)
    logarithm = TransformedTargetRegressor(regressor(), func=np.log1p, inverse_func=np.expm1)
    assert logarithm.fit(FRAME, NUMBERS).predict(FRAME).shape == (N,)


def test_permutation_importance_finds_the_column_that_counts():
    made = classifier().fit(FRAME, KINDS)
    found = permutation_importance(made, FRAME, KINDS, n_repeats=3, random_state=0)
    assert FRAME.columns[np.argmax(found.importances_mean)] == "size"


def test_weights_are_routed():
    weights = np.where(KINDS == "large", 1.0, 0.1)
    with config_context(enable_metadata_routing=True):
        asks = classifier().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        found = cross_validate(
            asks, FRAME, KINDS, cv=2, params={"sample_weight": weights}, return_estimator=True
        )
        ignores = classifier().set_fit_request(sample_weight=False).set_score_request(sample_weight=False)
        other = cross_validate(ignores, FRAME, KINDS, cv=2, return_estimator=True)
    assert found["estimator"][0].model_.card["weights"] == "sample_weight"
    assert other["estimator"][0].model_.card["weights"] is None


def test_clone_and_parameters_round_trip():
    made = classifier(class_weight={"small": 2.0}, hidden=(4, 4), callbacks=[bool])
    copied = clone(made.fit(FRAME, KINDS))
    assert not hasattr(copied, "model_")
    assert copied.get_params() == made.get_params()
    assert copied is not made
    assert made.set_params(epochs=3, hidden=[5]).epochs == 3
    with pytest.raises(ValueError, match="Invalid parameter 'layers'"):
        made.set_params(layers=[3])


def test_it_is_shown_as_scikit_learn_shows_estimators():
    made = classifier(calibrate=True)
    assert repr(made).startswith("TableClassifier(calibrate=True, epochs=60, hidden=[16],")
    for html in (made._repr_html_(), made.fit(FRAME, KINDS)._repr_html_()):
        assert "TableClassifier" in html


@pytest.mark.parametrize("tool", ["pickle", "joblib"])
def test_pickle_and_joblib_keep_the_fitted_estimator(tool):
    for made in (
        classifier(calibrate=True, members=2).fit(FRAME, KINDS),
        regressor(activation="z/(1+abs(z))").fit(FRAME, NUMBERS),
    ):
        if tool == "pickle":
            copied = pickle.loads(pickle.dumps(made))
        else:
            file = BytesIO()
            joblib.dump(made, file)
            file.seek(0)
            copied = joblib.load(file)
        assert np.array_equal(copied.predict(FRAME), made.predict(FRAME))
        assert copied.get_params() == made.get_params()
        assert copied.notes_ == made.notes_
        assert copied.history_ == made.history_ or np.isnan(made.history_[0].watched)
    assert np.array_equal(
        copied.predict(FRAME, quantiles=[0.3, 0.7]), made.predict(FRAME, quantiles=[0.3, 0.7])
    )
