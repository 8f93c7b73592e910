"""Values that parameters can't have, and calls that make no sense: one line each, as ValueError."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from chainrule import MLPClassifier, MLPRegressor
from chainrule.errors import SettingsError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, CLASS = load_iris(return_X_y=True)

WRONG = {
    "hidden_layer_sizes": ["8", 2.5, (3, 2.0), None, (True,)],
    "activation": [None, 3, ["tanh", 3], "rellu", "z +"],
    "output_activation": [3, "softmaxx"],
    "loss": [None, "squared", "abs(a)"],
    "solver": [None, "newton"],
    "alpha": [-1, "1", np.nan, None],
    "batch_size": [0, -3, 2.5, "all", True],
    "learning_rate": [0.1, "fast"],
    "learning_rate_init": [0, -1, "0.1"],
    "power_t": [-0.1],
    "max_iter": [0, 2.5, None],
    "shuffle": [1, "yes"],
    "random_state": [-1, "seed", np.random.default_rng(0), 2**32],
    "tol": [-1e-3],
    "verbose": [-1, "yes"],
    "warm_start": [1],
    "momentum": [-0.1, 1.1],
    "nesterovs_momentum": [0],
    "early_stopping": ["yes"],
    "validation_fraction": [-0.1, 1],
    "beta_1": [1, -0.1],
    "beta_2": [1.0],
    "epsilon": [0],
    "n_iter_no_change": [0, 2.5, -np.inf],
    "max_fun": [0],
    "class_weight": ["equal", 3, {7: 1}, {0: -1}],
    "calibrate": [1],
    "dropout": [1, -0.1, (0.1, 0.2), "half"],
    "weight_decay": [-1, "a"],
    "clip_norm": [0, -1],
    "warmup": [-1],
    "stopping_metric": [3, "acuracy", "loss"],
    "callbacks": [3, [3]],
    "frozen": [3, [3], "W", ["W[9]"]],
    "missing": ["median", None],
    "dtype": ["float16", int],
    "threads": [0, 1.5, "all"],
}


def test_every_parameter_is_here():
    assert set(WRONG) == set(MLPClassifier().get_params()) >= set(MLPRegressor().get_params())


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values], ids=str
)
def test_a_value_that_cannot_be_is_refused_by_name(name, value):
    model = MLPClassifier(max_iter=1)
    with pytest.raises(SettingsError) as caught:
        model.set_params(**{name: value}).fit(X, CLASS)
    assert isinstance(caught.value, ValueError)
    text = str(caught.value)
    assert "\n" not in text
    # "callback 3", "layer 9"; else the parameter itself, or what it is.
    words = {
        "callbacks": "callback",
        "output_activation": "activation",
        "solver": "solver",
        "learning_rate": "learning_rate",
    }
    known = (words.get(name, name), "optimizer", "schedule", "metric", "loss")
    assert any(word in text for word in known), text
    assert not hasattr(model, "coefs_")


def test_numpys_numbers_are_numbers():
    model = MLPClassifier(
        hidden_layer_sizes=np.array([4]), max_iter=np.int64(2), alpha=np.float32(0.1), shuffle=np.bool_(True),
        batch_size=np.int32(50), n_iter_no_change=np.int64(3), random_state=np.int64(0), max_fun=np.int64(3),
    )  # fmt: skip
    model.fit(X, CLASS)
    assert MLPClassifier((), solver="sgd", max_iter=2).fit(X, CLASS).n_layers_ == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"solver": "lbfgs", "dropout": 0.1}, "dropout can't be used with it"),
        ({"solver": "lbfgs", "clip_norm": 1.0}, "clip_norm can't be used"),
        ({"solver": "lbfgs", "weight_decay": 0.1}, "weight_decay can't be used"),
        ({"solver": "lbfgs", "warmup": 2}, "warmup can't be used"),
        ({"stopping_metric": "loss"}, "stopping_metric would have no effect: set early_stopping=True"),
        ({"solver": "gradient_descent", "batch_size": 20}, "gradient_descent sees the whole table"),
        ({"activation": ["tanh"], "hidden_layer_sizes": (3, 2)}, "activation has 1 values for 2 hidden layers"),
        ({"activation": "softmax"}, "softmax in layer 1"),
        ({"output_activation": "softmax", "hidden_layer_sizes": (3,)}, None),
        ({"loss": "poisson"}, "for counts, but the target is a class"),
        ({"early_stopping": True, "stopping_metric": "r2"}, "r2 doesn't fit classes"),
    ],
    ids=str,
)  # fmt: skip
def test_parameters_that_contradict_each_other(options, words):
    model = MLPClassifier(max_iter=1, **options)
    if words is None:
        assert model.fit(X, CLASS).out_activation_ == "softmax"
        return
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        model.fit(X, CLASS)


def test_what_does_not_fit_the_task():
    with pytest.raises(ValueError, match="softmax of one output is always 1"):
        MLPClassifier(output_activation="softmax").fit(X, CLASS == 1)
    with pytest.raises(ValueError, match="gives a row one label, not several"):
        MLPClassifier(output_activation="softmax").fit(X, np.c_[CLASS == 1, CLASS == 2])
    with pytest.raises(ValueError, match="rows have several labels"):
        MLPClassifier(loss="categorical_cross_entropy").fit(X, np.c_[CLASS == 1, CLASS == 2])
    with pytest.raises(ValueError, match="is for classes, but the target is a number"):
        MLPRegressor("hinge").fit(X, CLASS)
    with pytest.raises(ValueError, match="class_weight is for one class a row"):
        MLPClassifier(class_weight="balanced").fit(X, np.c_[CLASS == 1, CLASS == 2])
    with pytest.raises(ValueError, match="at least one non-zero"):
        MLPClassifier().fit(X, CLASS, np.zeros(150))
    with pytest.raises(ValueError, match="continuous"):
        MLPClassifier().fit(X, CLASS + 0.5)


def test_validation_rows_that_make_no_sense():
    model = MLPClassifier(max_iter=1)
    with pytest.raises(ValueError, match="belong together"):
        model.fit(X, CLASS, X_val=X)
    with pytest.raises(ValueError, match="weighs the rows of X_val"):
        model.fit(X, CLASS, sample_weight_val=np.ones(3))
    with pytest.raises(ValueError, match="classes not in"):
        model.fit(X, CLASS, X_val=X, y_val=CLASS + 1)
    with pytest.raises(ValueError, match="features"):
        model.fit(X, CLASS, X_val=X[:, :2], y_val=CLASS)


def test_a_warm_start_of_another_shape_is_refused():
    model = MLPRegressor("squared_error", (5,), warm_start=True, max_iter=1).fit(X, CLASS)
    with pytest.raises(ValueError, match="set warm_start=False"):
        model.set_params(hidden_layer_sizes=(6,)).fit(X, CLASS)
    with pytest.raises(ValueError, match="2 columns, but the network was trained for 1"):
        model.set_params(hidden_layer_sizes=(5,)).fit(X, np.c_[CLASS, CLASS])


def test_a_divergence_says_where_and_what_to_do():
    with pytest.raises(
        ValueError, match=r"Solver produced non-finite .* Step \d+ made layer . overflow .*learning_rate_init"
    ):
        MLPRegressor(
            "squared_error", (5,), "identity", solver="sgd", learning_rate_init=1e200, random_state=0
        ).fit(X, CLASS)


@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")
def test_a_divergence_under_early_stopping_keeps_the_best_and_warns():
    model = MLPRegressor(
        "squared_error",
        (5,),
        "identity",
        solver="sgd",
        learning_rate_init=1e200,
        random_state=0,
        early_stopping=True,
    )
    with pytest.warns(UserWarning, match="The best weights before were kept"):
        model.fit(X, CLASS)
    assert model.stopped_ == "diverged"
    assert np.isfinite(model.predict(X)).all()
    assert np.isnan(model.validation_scores_[-1])


def test_ctrl_c_keeps_what_there_is():
    def interrupt(state):
        if state.line.epoch == 3:
            raise KeyboardInterrupt

    model = MLPRegressor("squared_error", (5,), callbacks=interrupt, random_state=0)
    with pytest.warns(UserWarning, match="Training interrupted by user."):
        model.fit(X, CLASS)
    assert (model.n_iter_, model.stopped_) == (3, "interrupted")
    model.set_params(callbacks=None).partial_fit(X, CLASS)
