"""Weights of rows that can't be are refused before any training, in scikit-learn's words, by all four estimators."""

import warnings
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning, UndefinedMetricWarning
from sklearn.metrics import accuracy_score, r2_score

import chainrule
from chainrule import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor
from chainrule.errors import ChainruleError
from chainrule.estimators.callbacks import MetricMonitor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

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


# ---- what is no weight, and what may be said of rows that weigh something

NO_NUMBERS = {
    "complex": (np.full(N, 2 - 3j), r"row 1: \(2-3j\) is no weight"),
    "text": (["1"] * 4 + ["heavy"] * (N - 4), "row 5: 'heavy' is no weight"),
    "a hole": ([1.0] * 6 + [None] * (N - 6), "row 7: None is no weight"),
    "a word": ("balanced", "'balanced' is no weight"),
    "days": (np.full(N, np.datetime64("2024-03-01")), "row 1: .* is no weight"),
}


@pytest.mark.parametrize("fit", [*FITS, *(f"watched {name}" for name in WATCHED)])
@pytest.mark.parametrize("weights", NO_NUMBERS)
def test_what_is_no_number_is_named_by_its_place(fit, weights):
    given, message = NO_NUMBERS[weights]
    name = "sample_weight_val" if fit.startswith("watched ") else "sample_weight"
    with pytest.raises(ValueError, match=f"{name}: {message}; give each row a number of at least 0"):
        {**FITS, **{f"watched {one}": fit for one, fit in WATCHED.items()}}[fit](given)


@pytest.fixture(scope="module")
def fitted():
    return {
        name: FITS[name](None) for name in ("classifier", "regressor", "table classifier", "table regressor")
    }


@pytest.mark.parametrize("weights", [*REFUSED, *NO_NUMBERS])
def test_a_score_refuses_the_weights_that_a_training_does(fitted, weights):
    given, message = {**REFUSED, **NO_NUMBERS}[weights]
    for name, made in fitted.items():
        with pytest.raises(ValueError, match=message.format("sample_weight")):
            made.score(X, CODES if "classifier" in name else NUMBERS, given)


def test_a_score_is_scikit_learns(fitted):
    weights = np.arange(N) % 4
    for name, made in fitted.items():
        y, of = (CODES, accuracy_score) if "classifier" in name else (NUMBERS, r2_score)
        for own in (None, weights):
            assert made.score(X, y, own) == pytest.approx(of(y, made.predict(X), sample_weight=own), rel=1e-6)


def test_r2_of_one_row_that_counts_is_unknown(fitted):
    one = (np.arange(N) == 4).astype(float)
    for name in ("regressor", "table regressor"):
        with pytest.warns(UndefinedMetricWarning, match="less than two samples that count"):
            assert np.isnan(fitted[name].score(X, NUMBERS, one))


@pytest.mark.parametrize("scale", [1e-300, 1e-180, 1e200, 1e300])
def test_r2_of_numbers_of_any_size(scale):
    for made in (TableRegressor(**OF_TABLES), ConstantNumbers()):
        made.fit(X, NUMBERS * scale)
        errors = (made.predict(X) / scale) - NUMBERS
        want = 1 - (errors**2).sum() / ((NUMBERS - NUMBERS.mean()) ** 2).sum()
        assert made.score(X, NUMBERS * scale) == pytest.approx(want, rel=1e-9, abs=1e-12)


class ConstantNumbers(MLPRegressor):
    """Its answer is the mean, whatever the size of y."""

    def fit(self, X, y):
        self.mean = y[3]
        return self

    def predict(self, X):
        return np.full(len(X), self.mean)


# ---- rows that are watched

FEW = {
    "mlp": lambda y, w: MLPRegressor(**SMALL, early_stopping=True).fit(X, NUMBERS, X_val=X, y_val=y, sample_weight_val=w),
    "table": lambda y, w: TableRegressor(**{**OF_TABLES, "early_stopping": True}, watch="r2").fit(
        X, NUMBERS, X_val=X, y_val=y, sample_weight_val=w
    ),
    "metric": lambda y, w: TableRegressor(**{**OF_TABLES, "early_stopping": True}, stopping_metric="r2").fit(
        X, NUMBERS, X_val=X, y_val=y, sample_weight_val=w
    ),
    "monitor": lambda y, w: MLPRegressor(
        **SMALL, callbacks=MetricMonitor(X[4:5] if w is not None else X, y[4:5] if w is not None else y, patience=3)
    ).fit(X, NUMBERS),
}  # fmt: skip


@pytest.mark.parametrize("fit", FEW)
@pytest.mark.parametrize("alike", ["one counts", "same targets"])
def test_r2_is_not_watched_on_targets_that_do_not_differ(fit, alike):
    weights = (np.arange(N) == 4) * 2.5 if alike == "one counts" else None
    y = NUMBERS if alike == "one counts" else np.full(N, 0.1)
    with pytest.raises(
        ValueError, match=r"R² is a score of rows whose targets differ, and the .* target: .*='loss'"
    ):
        FEW[fit](y, weights)


def test_one_target_in_all_rows_is_trained_on_as_in_scikit_learn():
    made = MLPRegressor(**SMALL, early_stopping=True).fit(X, np.full(N, 2.5))
    assert made.validation_scores_ == [0.0, 0.0]


def test_the_area_under_the_curve_is_not_watched_without_a_class():
    rows = CODES == 1
    with pytest.raises(ValueError, match="AUC is a score of rows of every class, and the 15 validation rows"):
        MLPClassifier(**SMALL, early_stopping=True, stopping_metric="auc").fit(
            X, CODES, X_val=X[rows], y_val=CODES[rows]
        )


def test_a_score_that_is_watched_is_never_minus_zero():
    """R² of a network that stays at the mean of the targets: 0, with no sign."""
    flat = {"frozen": ("W[1]", "b[1]", "W[2]", "b[2]")}
    made = MLPRegressor.from_weights([np.zeros((3, 2)), np.zeros((2, 1))], [np.zeros(2), np.zeros(1)], **flat)
    made.set_params(early_stopping=True, warm_start=True, max_iter=3)
    y = np.tile([-1.0, 1.0], N // 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.fit(X, y, X_val=X, y_val=y)
    seen = [*made.validation_scores_, made.best_validation_score_]
    assert seen == [0.0] * len(seen)
    assert not np.signbit(seen).any()


# ---- remedies


@pytest.mark.parametrize(
    ("weights", "remedy"),
    [
        ([1e308] * N, r"divide them all by the largest, 1e\+308$"),
        ([2e-309] * N, "divide them all by the largest, 2e-309$"),
        (
            [1e-310, *[4e2] * (N - 1)],
            r"the largest, 400, and give those below .*e-30\d, which count for nothing",
        ),
    ],
)
def test_the_remedy_of_weights_out_of_range_helps(weights, remedy):
    with pytest.raises(ValueError, match=remedy):
        MLPRegressor(**SMALL).fit(X, NUMBERS, weights)
    divided = np.array(weights) / max(weights)
    divided[divided < np.finfo(float).tiny] = 0
    assert MLPRegressor(**SMALL).fit(X, NUMBERS, divided).loss_ < np.inf


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
@pytest.mark.parametrize("weight", [1e-290, 3e-30])
def test_weights_so_small_that_only_the_penalty_would_count(solver, weight):
    with pytest.raises(ValueError, match=f"divide the weights by the largest, {weight:g}, or set alpha=0"):
        MLPRegressor(**SMALL, solver=solver).fit(X, NUMBERS, [weight] * N)
    made = MLPRegressor(**SMALL, solver=solver, alpha=0).fit(X, NUMBERS, [3e-30] * N)
    assert made.loss_ < np.var(NUMBERS)


@pytest.mark.parametrize("n_counted", [1, 3])
def test_rows_that_count_alone_decide_whether_there_is_something_to_learn(n_counted):
    weights = np.zeros(N)
    weights[:n_counted] = 2
    which = "the only row" if n_counted == 1 else "every row"
    for made, y, said in (
        (TableRegressor, np.r_[[7.5] * 3, NUMBERS[3:]], "is 7.5"),
        (TableClassifier, np.arange(N) // 5, "is of the class 0"),
    ):
        with pytest.raises(
            ValueError,
            match=f"^y: {which} that counts {said}, so there is nothing to learn; give .* a sample_weight",
        ):
            made(**OF_TABLES).fit(X, y, weights)
        with pytest.raises(ValueError, match=r"^y: every row is .*; give rows with another target$"):
            made(**OF_TABLES).fit(X, y * 0 + (1e20 if made is TableRegressor else 1))


def test_rows_that_count_are_named_for_a_column_of_weights():
    table = {"x": NUMBERS.tolist(), "y": NUMBERS.tolist(), "mass": [0.0] * (N - 1) + [2.0]}
    with pytest.raises(
        ChainruleError, match=r"in the only training row with a weight above 0 \(weights='mass'\)"
    ):
        chainrule.train(table, "y", weights="mass", hidden=[2], epochs=1, engine="reference", test_share=0)


@pytest.mark.parametrize("which", ["X", "y"])
def test_numbers_beyond_float32_are_named(which):
    far = {"X": X.copy(), "y": NUMBERS.copy()}
    far[which][(6, 1) if which == "X" else 6] = -2e200
    place = "row 7, column 2" if which == "X" else "row 7"
    message = rf"^{which}: {place}: -2e\+200 is beyond the largest number of float32, 3.4e\+38: scale {which}"
    with pytest.raises(ValueError, match=message):
        MLPRegressor(**SMALL, dtype="float32").fit(far["X"], far["y"])


@pytest.mark.parametrize("scale", [1e-250, 1e220])
def test_intervals_of_numbers_of_any_size(scale):
    """A target as it is, without a scaling: the errors' spread neither overflows nor underflows."""
    words = {**OF_TABLES, "epochs": 1, "target_scaling": "none", "validation_share": 0.3}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        made = TableRegressor(**words).fit(X, NUMBERS * scale)
    assert np.isfinite(made.intervals_.errors).all()
    low, high = made.predict_interval(X, coverage=0.5).T
    assert (low < high).all()


def test_a_target_beyond_an_engine_is_named_by_its_cell():
    table = {"x": NUMBERS.tolist(), "y": NUMBERS.tolist()}
    table["y"][6] = 3e200
    message = r"row 7, column 'y': '3e\+200' is beyond the largest number of float32, 3.4e\+38: scale it \(target_sc"
    with pytest.raises(ChainruleError, match=message):
        chainrule.train(table, "y", hidden=[2], epochs=1, target_scaling="none", test_share=0)


def test_a_training_that_diverges_by_its_target_speaks_of_it():
    table = {"x": NUMBERS.tolist(), "y": (NUMBERS * 1e200).tolist()}
    made = chainrule.train(table, "y", hidden=[2], epochs=2, target_scaling="none", engine="reference")
    assert any(
        "or scale the target, up to" in note and "target_scaling='standard'" in note for note in made.notes
    )


def test_a_class_that_is_too_large_a_number():
    with pytest.raises(ValueError, match=r"^y: row 2: 3e\+20 is too large for a class that is a number"):
        TableClassifier(**OF_TABLES).fit(X, np.where(CODES, 3e20, 1))
