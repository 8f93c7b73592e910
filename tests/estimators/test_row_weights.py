"""Weights of rows that can't be are refused before any training, in scikit-learn's words, by all four estimators."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chainrule
from chainrule import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor
from chainrule.errors import ChainruleError

N = 30
X = np.random.default_rng(0).normal(size=(N, 3))
CODES, NUMBERS = np.arange(N) % 2, X[:, 0]
SMALL = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}
OF_TABLES = {"hidden": [3], "epochs": 2, "engine": "reference", "random_state": 0, "early_stopping": False}

FITS = {
    "classifier": lambda w: MLPClassifier(**SMALL).fit(X, CODES, w),
    "classifier sgd": lambda w: MLPClassifier(**SMALL, solver="sgd", batch_size=1).fit(X, CODES, w),
    "classifier lbfgs": lambda w: MLPClassifier(**SMALL, solver="lbfgs").fit(X, CODES, w),
    "classifier float32": lambda w: MLPClassifier(**SMALL, dtype="float32", batch_size=2).fit(X, CODES, w),
    "classifier in part": lambda w: MLPClassifier(**SMALL).partial_fit(X, CODES, w, classes=[0, 1]),
    "classifier filled": lambda w: MLPClassifier(**SMALL, missing="mean").fit(X, CODES, w),
    "regressor": lambda w: MLPRegressor(**SMALL).fit(X, NUMBERS, w),
    "regressor lbfgs": lambda w: MLPRegressor(**SMALL, solver="lbfgs").fit(X, NUMBERS, w),
    "regressor in part": lambda w: MLPRegressor(**SMALL).partial_fit(X, NUMBERS, w),
    "table classifier": lambda w: TableClassifier(**OF_TABLES).fit(X, CODES, w),
    "table regressor": lambda w: TableRegressor(**OF_TABLES).fit(X, NUMBERS, w),
}
WATCHED = {
    "classifier": lambda w: MLPClassifier(**SMALL, early_stopping=True).fit(
        X, CODES, X_val=X, y_val=CODES, sample_weight_val=w
    ),
    "regressor": lambda w: MLPRegressor(**SMALL, early_stopping=True).fit(
        X, NUMBERS, X_val=X, y_val=NUMBERS, sample_weight_val=w
    ),
    "regressor in part": lambda w: MLPRegressor(**SMALL, early_stopping=True).partial_fit(
        X, NUMBERS, X_val=X, y_val=NUMBERS, sample_weight_val=w
    ),
    "table classifier": lambda w: TableClassifier(**OF_TABLES).fit(
        X, CODES, X_val=X, y_val=CODES, sample_weight_val=w
    ),
}
NEGATIVE, NOT_FINITE = "Negative values in data passed to `{}`", "Input {} contains (NaN|infinity)"
NOTHING, TOO_FAR = (
    "(at least one non-zero|every weight is 0)",
    "{}.* have no place in float(32|64): divide them all",
)
REFUSED = {
    "all negative": ([-2.0] * N, NEGATIVE),
    "one negative": ([1.0] * (N - 1) + [-1e-9], NEGATIVE),
    "sum of zero": ([3.0, -3.0] * (N // 2), NEGATIVE),
    "zero": ([0.0] * N, NOTHING),
    "zeros of both signs": ([0.0, -0.0] * (N // 2), NOTHING),
    "nan": ([1.0] * (N - 1) + [np.nan], NOT_FINITE),
    "infinite": ([np.inf] + [0.0] * (N - 1), NOT_FINITE),
    "too large": ([1e307] * N, TOO_FAR),
    "too small": ([3e-310] * N, TOO_FAR),
}


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("weights", REFUSED)
def test_weights_that_can_not_be(fit, weights):
    given, message = REFUSED[weights]
    with pytest.raises(ValueError, match=message.format("sample_weight")):
        FITS[fit](given)


@pytest.mark.parametrize("fit", WATCHED)
@pytest.mark.parametrize("weights", REFUSED)
def test_weights_of_validation_rows_that_can_not_be(fit, weights):
    given, message = REFUSED[weights]
    with pytest.raises(ValueError, match=message.format("sample_weight_val")):
        WATCHED[fit](given)


numbers = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-300, 1e300, 1e-40, 1e38, np.nan, np.inf, 5e-324]),
    st.floats(width=32),
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fit", [name for name in FITS if not name.startswith("table")])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(weights=st.lists(numbers, min_size=3, max_size=3))
def test_whatever_the_weights_training_says_something(fit, weights):
    made = None
    with suppress(ValueError):
        made = FITS[fit](np.resize(weights, N))
    if made is not None:
        assert np.isfinite(np.concatenate([array.ravel() for array in made.coefs_])).all()
        assert not np.isnan(made.loss_curve_).any()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("words", "given", "names", "what"),
    [
        ({"class_weight": {0: 0}}, [0.0, 2.0] * (N // 2), "", None),
        ({"class_weight": {0: 0}}, [2.0, 0.0] * (N // 2), "sample_weight and class_weight give", "training"),
        ({"class_weight": {0: 0, 1: 0}}, None, "class_weight gives", "training"),
        ({"class_weight": {1: 0}, "solver": "lbfgs"}, [0.0, 1.0] * (N // 2), "sample_weight and class_weight give", "training"),
        ({"early_stopping": True}, [1.0, 1.0, *[0.0] * (N - 2)], "sample_weight gives", "validation"),
        ({"early_stopping": True, "validation_fraction": 0.9}, [1.0, 1.0, *[0.0] * (N - 2)], "sample_weight gives", "training"),
    ],
)  # fmt: skip
def test_weights_of_rows_and_classes_together(words, given, names, what):
    seen = set()
    for seed in range(6):
        estimator = MLPClassifier(**{**SMALL, "random_state": seed, **words})
        try:
            estimator.fit(X, CODES, given)
        except ValueError as error:
            seen.add(str(error).partition(" row the weight 0")[0])
    assert seen >= ({f"{names} every {what}"} if what else set())
    assert seen or what is None


def test_validation_rows_of_a_class_that_counts_nothing():
    rows = CODES == 1
    for made in (
        MLPClassifier(**SMALL, early_stopping=True, class_weight={1: 0}),
        TableClassifier(**OF_TABLES, class_weight={1: 0}),
    ):
        with pytest.raises(
            ValueError, match="class_weight gives every validation row the weight 0, so there is nothing to w"
        ):
            made.fit(X, CODES, X_val=X[rows], y_val=CODES[rows])


@pytest.mark.parametrize("weight", [1e38, 1e-39, 1e300])
def test_a_column_of_weights_that_sums_to_what_is_no_number(weight):
    table = {"x": NUMBERS.tolist(), "y": CODES.astype(str).tolist(), "mass": [weight] * N}
    with pytest.raises(
        ChainruleError, match=r"column 'mass': sums of weights from .* have no place in float32"
    ):
        chainrule.train(table, "y", weights="mass", hidden=[2], epochs=1, engine="reference")


def test_the_gradient_of_rows_without_weight_is_refused():
    made = MLPRegressor(**SMALL).partial_fit(X, NUMBERS)
    for weights, message in ((REFUSED["zero"][0], NOTHING), (REFUSED["one negative"][0], NEGATIVE)):
        with pytest.raises(ValueError, match=message.format("sample_weight")):
            made.gradients(X, NUMBERS, weights)


@pytest.mark.parametrize(
    ("share", "n", "y", "message"),
    [
        (0.0, 30, np.arange(N) == 3, "The validation set is too small. Increase 'validation_fraction'"),
        (0.0, 30, CODES, "The validation set is too small. Increase 'validation_fraction'"),
        (0.03, 30, CODES, "The validation set is too small. Increase 'validation_fraction'"),
        (0.99, 30, CODES, "The training set is too small. Decrease 'validation_fraction'"),
        (0.97, 30, CODES, "The training set is too small. Decrease 'validation_fraction'"),
        (0.05, 30, np.arange(N) == 3, "The least populated class"),
    ],
)
def test_a_split_that_can_not_be_is_said_by_its_own_name(share, n, y, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**SMALL, early_stopping=True, validation_fraction=share).fit(X[:n], y[:n])
    if y is CODES and share != 0.97:
        with pytest.raises(ValueError, match=message):
            MLPRegressor(**SMALL, early_stopping=True, validation_fraction=share).fit(X, NUMBERS)
