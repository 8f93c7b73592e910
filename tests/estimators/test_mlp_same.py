"""The same fit with either import: the same weights, curves, attributes, warnings and messages.

scikit-learn is the judge. Orders of shuffled rows differ, so most trainings here take the whole table or the rows
as they come; then the weights agree to rounding, epoch for epoch.
"""

import inspect
import warnings

import numpy as np
import pytest
import sklearn.neural_network as theirs
from sklearn.datasets import load_iris, make_multilabel_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

import chainrule

CLASSES = ["MLPClassifier", "MLPRegressor"]
ORDER = np.random.default_rng(0).permutation(150)
X, CLASS = load_iris(return_X_y=True)
X, CLASS = X[ORDER], CLASS[ORDER]
WEIGHTS = np.random.default_rng(1).uniform(0.2, 2, 150)
LABELS = make_multilabel_classification(150, 4, n_classes=3, random_state=0)[1]
TARGETS = {
    "classes": ("MLPClassifier", CLASS),
    "two classes": ("MLPClassifier", np.array(["yes", "no"])[(CLASS == 1).astype(int)]),
    "labels": ("MLPClassifier", LABELS),
    "number": ("MLPRegressor", CLASS.astype(float)),
    "numbers": ("MLPRegressor", np.c_[CLASS, CLASS == 1].astype(float)),
}
# All of these take the whole table in a step (iris has 150 rows, fewer than the default batch).
OPTIONS = {
    "adam": {},
    "adam, alpha": {"alpha": 1.0, "learning_rate_init": 0.01},
    "adam, betas": {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3},
    "logistic": {"activation": "logistic", "hidden_layer_sizes": (7, 5)},
    "tanh": {"activation": "tanh", "hidden_layer_sizes": 6},
    "identity": {"activation": "identity", "hidden_layer_sizes": np.array([3])},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "sgd, momentum": {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5},
    "sgd, no momentum": {"solver": "sgd", "momentum": 0},
    "sgd, full momentum": {"solver": "sgd", "momentum": 1, "max_iter": 8},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.2, "learning_rate_init": 0.3},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.02, "n_iter_no_change": 2, "max_iter": 200},
    "adam leaves adaptive out": {"learning_rate": "adaptive", "tol": 0.02, "n_iter_no_change": 2},
    "stops": {"tol": 0.01, "n_iter_no_change": 3},
    "goes on for ever": {"tol": 10, "n_iter_no_change": np.inf},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 4},
    "early stopping, adaptive": {
        "early_stopping": True, "solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 2, "max_iter": 90,
    },
    "early stopping, half": {"early_stopping": True, "validation_fraction": 0.5, "tol": 0.0, "alpha": 0.3},
}  # fmt: skip


def made(name, package, **options):
    home = theirs if package == "theirs" else chainrule
    return getattr(home, name)(**{"random_state": 3, "max_iter": 60, "hidden_layer_sizes": (9,), **options})


def both(target, options, **fit):
    name, y = TARGETS[target]
    found = []
    for package in ("theirs", "ours"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimator = made(name, package, **options).fit(X, y, **fit)
        found += [estimator, [(w.category, str(w.message)) for w in caught]]
    return found


def same_weights(one, other, rtol=1e-9):
    for a, b in zip([*one.coefs_, *one.intercepts_], [*other.coefs_, *other.intercepts_], strict=True):
        np.testing.assert_allclose(b, a, rtol=rtol, atol=rtol)
        assert b.dtype == a.dtype


def same_curves(one, other, rtol=1e-9):
    for name in ("loss_curve_", "validation_scores_"):
        a, b = getattr(one, name), getattr(other, name)
        if a is None:
            assert b is None
        else:
            np.testing.assert_allclose(b, a, rtol=rtol)
            assert isinstance(b, list)
    for name in ("loss_", "best_loss_", "best_validation_score_"):
        a, b = getattr(one, name), getattr(other, name)
        assert b == (None if a is None else pytest.approx(a, rel=rtol)), name
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(one, name) == getattr(other, name), name


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("options", OPTIONS)
def test_the_same_training(target, options):
    a, warned_a, b, warned_b = both(target, OPTIONS[options])
    same_weights(a, b)
    same_curves(a, b)
    assert warned_a == warned_b
    if TARGETS[target][0] == "MLPRegressor":
        np.testing.assert_allclose(b.predict(X), a.predict(X), rtol=1e-6)
    else:
        np.testing.assert_array_equal(b.predict(X), a.predict(X))
        np.testing.assert_allclose(b.predict_proba(X), a.predict_proba(X), rtol=1e-8)


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "numbers"])
@pytest.mark.parametrize("options", [{}, {"solver": "sgd"}, {"early_stopping": True, "alpha": 0.1}], ids=str)
def test_the_same_training_of_weighted_rows(target, options):
    weights = np.where(ORDER % 7 == 0, 0.0, WEIGHTS)
    a, _, b, _ = both(target, options, sample_weight=weights)
    same_weights(a, b)
    same_curves(a, b)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_the_same_training_batch_by_batch(target, solver):
    # Batches of 50 of 150 rows, as they come. The penalty in the curve is interpolated between epochs.
    a, _, b, _ = both(target, {"batch_size": 50, "shuffle": False, "solver": solver})
    same_weights(a, b)
    same_curves(a, b, rtol=1e-5)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("name", CLASSES)
def test_the_same_initial_weights_from_the_same_random_state(name, solver):
    y = CLASS.astype(float) if name == "MLPRegressor" else CLASS
    for activation in ("relu", "logistic"):
        options = {
            "activation": activation,
            "hidden_layer_sizes": (5, 3),
            "max_iter": 1,
            "learning_rate_init": 1e-300,
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            a, b = (made(name, package, **options).fit(X, y) for package in ("theirs", "ours"))
        same_weights(a, b, rtol=1e-15)


@pytest.mark.parametrize("target", ["classes", "two classes", "labels", "number"])
def test_lbfgs_finds_as_good_a_minimum(target):
    options = {
        "solver": "lbfgs",
        "hidden_layer_sizes": (4,),
        "activation": "tanh",
        "alpha": 0.5,
        "max_iter": 2000,
    }
    with threadpool_limits(1):  # several threads take scikit-learn's short vectors minutes
        a, _, b, _ = both(target, options)
    assert b.loss_ <= a.loss_ * 1.02
    assert b.stopped_ == "converged"
    assert b.loss_curve_[-1] == b.loss_


def test_lbfgs_says_when_it_was_not_enough():
    a, warned_a, b, warned_b = both("classes", {"solver": "lbfgs", "max_iter": 3})
    assert a.n_iter_ == b.n_iter_ == 3
    assert (
        [category for category, _ in warned_a]
        == [category for category, _ in warned_b]
        == [ConvergenceWarning]
    )
    assert warned_b[0][1].startswith("lbfgs failed to converge after 3 iteration(s)")
    same_weights(a, b, rtol=1e-6)
    _, _, b, _ = both("classes", {"solver": "lbfgs", "max_fun": 4, "max_iter": 1000})
    assert b.n_iter_ <= 4


def test_poisson_is_the_same_deviance():
    rng = np.random.default_rng(4)
    for y in (rng.poisson(3, 150), rng.poisson(2, (150, 2))):
        a, b = (
            _quiet(made("MLPRegressor", package, loss="poisson", tol=0), X, y * 1.0)
            for package in ("theirs", "ours")
        )
        same_weights(a, b)
        same_curves(a, b)
        np.testing.assert_allclose(a.predict(X), b.predict(X), rtol=1e-9)
    with pytest.raises(ValueError, match="at least 0"):
        made("MLPRegressor", "ours", loss="poisson").fit(X, -np.ones(150))


def _quiet(estimator, *args, how="fit", **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return getattr(estimator, how)(*args, **kwargs)


# ---- going on


@pytest.mark.parametrize("options", ["adam", "sgd", "invscaling", "adaptive", "stops"])
@pytest.mark.parametrize("target", ["classes", "number"])
def test_partial_fit_is_the_same(target, options):
    name, y = TARGETS[target]
    more = {"classes": np.unique(CLASS)} if target == "classes" else {}
    a, b = (made(name, package, **OPTIONS[options]) for package in ("theirs", "ours"))
    for number in range(25):
        rows = slice(None) if number % 3 else slice(0, 90)
        for estimator in (a, b):
            estimator.partial_fit(X[rows], y[rows], **(more if number == 0 else {}))
    same_weights(a, b)
    same_curves(a, b)


@pytest.mark.parametrize("options", ["adam", "sgd", "invscaling", "stops"])
@pytest.mark.parametrize("target", ["classes", "number"])
def test_a_warm_start_is_the_same(target, options):
    name, y = TARGETS[target]
    a, b = (made(name, package, warm_start=True, **OPTIONS[options]) for package in ("theirs", "ours"))
    for epochs in (7, 4, 9):
        for estimator in (a, b):
            _quiet(estimator.set_params(max_iter=epochs), X, y)
    same_weights(a, b)
    same_curves(a, b)


def test_a_warm_start_with_early_stopping_is_the_same_but_keeps_the_best():
    # scikit-learn trains on in the very arrays in which it keeps its best weights, and so loses them.
    options = {"warm_start": True, "early_stopping": True, "max_iter": 7, "learning_rate_init": 0.05}
    a, b = (
        _quiet(made("MLPRegressor", package, **options), X, CLASS * 1.0) for package in ("theirs", "ours")
    )
    same_weights(a, b)
    for estimator in (a, b):
        _quiet(estimator.set_params(learning_rate_init=5.0), X, CLASS * 1.0)
    same_curves(a, b)
    assert max(b.validation_scores_) == b.best_validation_score_ > b.validation_scores_[-1]


def test_partial_fit_after_fit_and_fit_after_partial_fit_are_the_same():
    a, b = (made("MLPClassifier", package, max_iter=5) for package in ("theirs", "ours"))
    for estimator in (a, b):
        _quiet(estimator, X, CLASS)
        estimator.partial_fit(X, CLASS)
        estimator.partial_fit(X[:80], CLASS[:80], sample_weight=WEIGHTS[:80])
    same_weights(a, b)
    same_curves(a, b)
    for estimator in (a, b):
        _quiet(estimator, X, CLASS)
    same_weights(a, b)
    same_curves(a, b)


def test_weights_changed_by_hand_are_the_ones_that_count():
    a, b = (_quiet(made("MLPRegressor", package), X, CLASS * 1.0) for package in ("theirs", "ours"))
    for estimator in (a, b):
        estimator.coefs_[0][:] = 0.25
        estimator.intercepts_[1] = np.array([0.5])
    np.testing.assert_allclose(a.predict(X), b.predict(X), rtol=1e-12)
    for estimator in (a, b):
        estimator.partial_fit(X, CLASS * 1.0)
    same_weights(a, b)


# ---- what is seen


@pytest.mark.parametrize("options", ["stops", "adaptive", "early stopping"])
def test_the_same_messages(options, capsys):
    for package in ("theirs", "ours"):
        _quiet(made("MLPClassifier", package, verbose=True, **OPTIONS[options]), X, CLASS)
        text = capsys.readouterr().out
        if package == "theirs":
            want = text
    assert len(want.splitlines()) > 4
    assert text == want


@pytest.mark.parametrize("name", CLASSES)
def test_the_same_parameters_and_defaults_and_ours_after_them(name):
    a, b = (inspect.signature(getattr(home, name)).parameters for home in (theirs, chainrule))
    assert list(b)[: len(a)] == list(a)
    for parameter in a:
        assert a[parameter].default == b[parameter].default
        assert a[parameter].kind == b[parameter].kind
    for method in ("fit", "partial_fit"):
        a, b = (
            inspect.signature(getattr(getattr(home, name), method)).parameters for home in (theirs, chainrule)
        )
        assert list(b)[: len(a)] == list(a)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_every_public_name_is_there(name, solver):
    a, b = (_quiet(made(name, package, solver=solver), X, CLASS) for package in ("theirs", "ours"))
    # scikit-learn's regressor shows a partial_fit with lbfgs too, which then fails.
    known = {n for n in dir(b) if not n.startswith("_")} | ({"partial_fit"} if solver == "lbfgs" else set())
    assert {n for n in dir(a) if not n.startswith("_")} <= known
    frames = [set(vars(e)) | {"classes_"} for e in (a, b)]
    assert {n for n in frames[0] if n.endswith("_") and not n.startswith("_")} <= frames[1]


def test_the_gradient_is_scikit_learns():
    a, b = (
        _quiet(made("MLPClassifier", package, alpha=0.0, max_iter=3), X, CLASS)
        for package in ("theirs", "ours")
    )
    onehot = np.eye(3)[CLASS]
    sizes = [len(a.coefs_[0]), *(len(layer) for layer in a.intercepts_)]
    activations, deltas = [X, *([None] * 2)], [None] * 2
    coefs = [np.empty_like(W) for W in a.coefs_]
    biases = [np.empty(n) for n in sizes[1:]]
    for weights in (None, WEIGHTS):
        loss, coefs, biases = a._backprop(X, onehot, weights, activations, deltas, coefs, biases)
        found = b.gradients(X, CLASS, weights)
        assert found.loss == pytest.approx(loss, rel=1e-12)
        for got, want in zip([*found.coefs, *found.intercepts], [*coefs, *biases], strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


def test_a_target_of_several_numbers_is_learned():
    x, y = make_regression(120, 4, n_targets=3, random_state=0)
    model = chainrule.MLPRegressor("squared_error", (30,), solver="lbfgs", max_iter=300, random_state=0)
    _quiet(model, x, y)
    assert model.predict(x).shape == (120, 3)
    assert model.score(x, y) > 0.99
