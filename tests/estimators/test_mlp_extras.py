"""What users of scikit-learn's perceptrons were refused, one test or more for each."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_iris, make_classification, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from chainrule import Dense, MLPClassifier, MLPRegressor, Network
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.layout import Layout
from chainrule.equations.losses import LOSSES
from chainrule.equations.optimizers import OPTIMIZERS
from chainrule.equations.schedules import SCHEDULES
from chainrule.estimators import MetricMonitor, ProgressBar
from chainrule.training.scores.metrics import Metric

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, CLASS = load_iris(return_X_y=True)
ORDER = np.random.default_rng(0).permutation(150)
X, CLASS = X[ORDER], CLASS[ORDER]
Z = (X - X.mean(0)) / X.std(0)
NUMBER = Z[:, 0] * 2 - Z[:, 1] ** 2
LABELS = make_multilabel_classification(150, 4, n_classes=3, random_state=0)[1]


def classifier(**options):
    return MLPClassifier(**{"hidden_layer_sizes": (8,), "max_iter": 30, "random_state": 1, **options})


def regressor(**options):
    return MLPRegressor(
        **{
            "hidden_layer_sizes": (8,),
            "max_iter": 30,
            "random_state": 1,
            "learning_rate_init": 0.02,
            **options,
        }
    )


def same(one, other, rtol=0.0):
    for a, b in zip([*one.coefs_, *one.intercepts_], [*other.coefs_, *other.intercepts_], strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


def differ(one, other):
    return any((a != b).any() for a, b in zip(one.coefs_, other.coefs_, strict=True))


# ---- class weights


def test_class_weights_are_weights_of_their_rows():
    by_hand = np.where(CLASS == 1, 5.0, np.where(CLASS == 2, 0.5, 1.0))
    weights = np.random.default_rng(1).uniform(0.5, 2, 150)
    for given in (None, weights):
        one = classifier(class_weight={1: 5, 2: 0.5}).fit(Z, CLASS, given)
        other = classifier().fit(Z, CLASS, by_hand if given is None else by_hand * given)
        same(one, other)


def test_balanced_classes_find_the_rare_one():
    x, y = make_classification(400, 5, weights=[0.95], class_sep=0.6, flip_y=0.02, random_state=0)
    plain, balanced = (
        classifier(class_weight=w, learning_rate_init=0.01, max_iter=60).fit(x, y) for w in (None, "balanced")
    )
    found = [np.mean(model.predict(x)[y == 1] == 1) for model in (plain, balanced)]
    assert found[1] > found[0] + 0.2
    names = np.array(["no", "yes"])[y]
    named = classifier(class_weight={"yes": 19.0}, learning_rate_init=0.01, max_iter=60).fit(x, names)
    assert np.mean(named.predict(x)[y == 1] == "yes") > found[0] + 0.2


@pytest.mark.parametrize("given", [True, False], ids=["given", "split off"])
def test_class_weights_weigh_validation_rows_as_they_do_training_rows(given):
    """So that what is watched is what is minimized."""
    weights = np.linspace(0.1, 2, 150)
    by_hand = np.where(CLASS == 0, 50.0, 1.0) * weights
    options = {"early_stopping": True, "stopping_metric": "loss", "max_iter": 5, "class_weight": {0: 50}}
    held = {"X_val": Z[:40], "y_val": CLASS[:40]} if given else {}
    one = classifier(**options).fit(
        Z, CLASS, weights, **held, **({"sample_weight_val": weights[:40]} if given else {})
    )
    other = classifier(**options | {"class_weight": None}).fit(
        Z, CLASS, by_hand, **held, **({"sample_weight_val": by_hand[:40]} if given else {})
    )
    same(one, other)
    assert one.validation_loss_curve_ == pytest.approx(other.validation_loss_curve_, rel=1e-12)


def test_balanced_weights_of_validation_rows_are_those_of_training():
    held = Z[CLASS < 2], CLASS[CLASS < 2]
    one = classifier(class_weight="balanced", max_iter=3).fit(Z[30:], CLASS[30:], None, *held)
    shares = 120 / (3 * np.bincount(CLASS[30:]))
    other = classifier(class_weight=dict(enumerate(shares)), max_iter=3).fit(Z[30:], CLASS[30:], None, *held)
    assert one.validation_loss_curve_ == pytest.approx(other.validation_loss_curve_, rel=1e-12)


def test_class_weights_that_leave_nothing():
    with pytest.raises(ValueError, match="class_weight gives every training row the weight 0"):
        classifier(class_weight={0: 0, 1: 0, 2: 0}).fit(Z, CLASS)
    with pytest.raises(ValueError, match="partial_fit sees only some: give a weight for each class"):
        classifier(class_weight="balanced").partial_fit(Z, CLASS, classes=[0, 1, 2])
    classifier(class_weight={0: 2}).partial_fit(Z, CLASS, classes=[0, 1, 2])


# ---- dropout, activations, losses, optimizers, schedules, clipping


def test_dropout_drops_in_training_only():
    plain, dropped = (classifier(dropout=share).fit(Z, CLASS) for share in (0.0, 0.5))
    assert differ(plain, dropped)
    np.testing.assert_array_equal(dropped.predict_proba(Z), dropped.predict_proba(Z))
    assert dropped.network_.layers[0].dropout == 0.5
    each = classifier(hidden_layer_sizes=(6, 5), dropout=[0.2, 0.0]).fit(Z, CLASS)
    assert [layer.dropout for layer in each.network_.layers] == [0.2, 0.0, 0.0]


@pytest.mark.parametrize(
    "name", [n for n, record in ACTIVATIONS.items() if not record.output_only] + ["z/(1+abs(z))"]
)
def test_any_activation(name):
    model = classifier(activation=name, max_iter=2).fit(Z, CLASS)
    layers = model.layer_outputs(Z)
    record = model.network_.layers[0].activation
    np.testing.assert_allclose(layers[0].a, record(layers[0].z, np), rtol=1e-12)
    assert model.network_.output.activation.name == "softmax"


def test_an_activation_for_each_layer():
    model = regressor(hidden_layer_sizes=(5, 4, 3), activation=["mish", "leaky_relu(alpha=0.2)", "sin(z)"])
    model.fit(Z, NUMBER)
    specs = [layer.activation.spec for layer in model.network_.layers]
    assert specs == ["mish", "leaky_relu(alpha=0.2)", "sin(z)", "identity"]


@pytest.mark.parametrize("loss", [n for n, r in LOSSES.items() if r.targets == "number"] + ["log(1+(a-y)^2)"])
def test_any_loss_for_numbers(loss):
    model = regressor(loss=loss, max_iter=120).fit(Z, NUMBER)
    assert model.loss_curve_[-1] < 0.6 * model.loss_curve_[0]
    # The curve says that loss: of the weights at the start, for one batch.
    begin = regressor(loss=loss, max_iter=1, alpha=0, learning_rate_init=1e-300).fit(Z, NUMBER)
    record = begin.network_.loss
    want = record.value(begin.predict(Z)[:, None], NUMBER[:, None], np).mean()
    assert begin.loss_ == pytest.approx(want, rel=1e-9)


def test_absolute_errors_and_quantiles_are_what_they_say():
    rng = np.random.default_rng(2)
    x = np.ones((2000, 1))
    y = rng.exponential(1, 2000)
    for loss, want in (("absolute_error", 0.5), ("quantile(q=0.9)", 0.9), ("huber(delta=0.01)", 0.5)):
        model = regressor(
            loss=loss, hidden_layer_sizes=(2,), activation="identity", max_iter=150, tol=0, alpha=0
        )
        q = model.fit(x, y).predict(x[:1])[0]
        assert np.mean(y < q) == pytest.approx(want, abs=0.03)


@pytest.mark.parametrize("loss", [n for n, r in LOSSES.items() if r.targets in ("zero_one", "one_hot")])
@pytest.mark.parametrize("y", [CLASS, np.where(CLASS == 0, "a", "b")], ids=["three", "two"])
def test_any_loss_for_classes(loss, y):
    solver = "perceptron" if loss == "perceptron" else "adam"
    hidden = () if loss == "perceptron" else (8,)
    model = classifier(
        loss=loss, solver=solver, hidden_layer_sizes=hidden, max_iter=150, learning_rate_init=0.02
    )
    model.fit(Z, y)
    # Several perceptrons can all say 0 or all say 1.
    assert model.score(Z, y) > (0.7 if loss == "perceptron" else 0.9)
    assert model.n_outputs_ == (3 if len(set(y)) == 3 else 2 if loss.startswith("categorical") else 1)
    if loss in ("hinge", "perceptron"):
        assert not hasattr(model, "predict_proba")
        with pytest.raises(AttributeError) as caught:
            model.predict_log_proba  # noqa: B018
        assert "give no probabilities: choose loss='log_loss'" in str(caught.value.__cause__)
    else:
        np.testing.assert_allclose(model.predict_proba(Z).sum(1), 1, rtol=1e-12)


def test_an_own_formula_as_a_classifiers_loss():
    model = classifier(loss="(a-y)^2 + 0.1*(a-y)^4", learning_rate_init=0.05, max_iter=150).fit(Z, CLASS)
    assert model.out_activation_ == "softmax"
    assert model.score(Z, CLASS) > 0.9
    two = classifier(loss="(a-y)^2", learning_rate_init=0.05).fit(Z, CLASS == 0)
    assert two.out_activation_ == "logistic"
    assert two.predict(Z).dtype == bool


def test_a_class_that_is_alone_is_certain():
    model = classifier(max_iter=2).fit(Z, np.full(150, "only"))
    assert model.classes_.tolist() == ["only"]
    assert set(model.predict(Z)) == {"only"}
    np.testing.assert_array_equal(model.predict_proba(Z), np.ones((150, 1)))


def test_a_negative_number_with_an_output_that_cannot_reach_it():
    model = regressor(output_activation="softplus", max_iter=200).fit(Z, np.abs(NUMBER))
    assert (model.predict(Z) > 0).all()
    assert model.out_activation_ == "softplus"


@pytest.mark.parametrize("solver", [n for n in OPTIMIZERS if n != "perceptron"] + ["adamw(beta1=0.8)"])
def test_any_optimizer(solver):
    model = regressor(solver=solver, max_iter=60, tol=0).fit(Z, NUMBER)
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0]


def test_an_optimizers_own_words_go_before_scikit_learns_parameters():
    one = regressor(solver="adam_epsilon_hat", beta_1=0.8).fit(Z, NUMBER)
    other = regressor(solver="adam", beta_1=0.8).fit(Z, NUMBER)
    same(one, other)
    same(regressor(solver="adam_epsilon_hat(beta1=0.8)", beta_1=0.3).fit(Z, NUMBER), other)
    same(
        regressor(solver="nesterov(mu=0.5)").fit(Z, NUMBER),
        regressor(solver="sgd", momentum=0.5).fit(Z, NUMBER),
    )


def test_weight_decay_is_decoupled():
    plain, default = (regressor(solver=s, alpha=0).fit(Z, NUMBER) for s in ("adam", "adamw"))
    none = regressor(solver="adamw", weight_decay=0.0, alpha=0, epsilon=1e-30).fit(Z, NUMBER)
    much = regressor(solver="adamw", weight_decay=1.0, alpha=0).fit(Z, NUMBER)
    sizes = [sum((W**2).sum() for W in model.coefs_) for model in (plain, default, much)]
    assert sizes[0] > sizes[1] > sizes[2]
    bare = regressor(solver="adam", alpha=0, epsilon=1e-30).fit(Z, NUMBER)
    np.testing.assert_allclose(none.coefs_[0], bare.coefs_[0], rtol=1e-9)


@pytest.mark.parametrize("schedule", [n for n in SCHEDULES if n != "constant"] + ["step(every=3, gamma=0.1)"])
def test_any_schedule(schedule):
    model = regressor(learning_rate=schedule, max_iter=20, tol=0, n_iter_no_change=50, batch_size=150)
    seen = []
    model.set_params(callbacks=lambda state: seen.append(state.line.learning_rate)).fit(Z, NUMBER)
    assert model.learning_rate_ == seen[-1]
    name = schedule.partition("(")[0]
    if name != "plateau":
        record = SCHEDULES[name]
        if "(" in schedule:
            record = replace(record, parameters={"every": 3.0, "gamma": 0.1})
        want = [record.rates(0.02, np.array([float(t)]), 20, t, 0, 0, np)[0] for t in range(20)]
        np.testing.assert_allclose(seen, want, rtol=1e-12)


def test_a_warm_up_rises_over_its_epochs():
    seen = []
    regressor(warmup=4, max_iter=6, callbacks=[lambda state: seen.append(state.line.learning_rate)]).fit(
        Z, NUMBER
    )
    np.testing.assert_allclose(seen, [0.005, 0.01, 0.015, 0.02, 0.02, 0.02], rtol=1e-12)


def test_clipping_bounds_a_step():
    model = regressor(solver="sgd", momentum=0, clip_norm=0.5, learning_rate_init=0.1, max_iter=1, alpha=0)
    begin = regressor(max_iter=1, learning_rate_init=1e-300).fit(Z, NUMBER * 1e6)
    model.fit(Z, NUMBER * 1e6)
    moved = np.sqrt(
        sum(
            ((a - b) ** 2).sum()
            for a, b in zip(
                [*model.coefs_, *model.intercepts_], [*begin.coefs_, *begin.intercepts_], strict=True
            )
        )
    )
    assert moved == pytest.approx(0.05, rel=1e-6)


# ---- validation rows, early stopping, callbacks


def test_own_validation_rows_are_watched():
    x, y, held = Z[:110], NUMBER[:110], (Z[110:], NUMBER[110:])
    weights = np.linspace(0.5, 2, 40)
    model = regressor(early_stopping=True, n_iter_no_change=3, max_iter=300, alpha=0.1)
    model.fit(x, y, None, *held, sample_weight_val=weights)
    # What was kept has the best score and the loss that the curve says, with the weights.
    assert model.score(*held, sample_weight=weights) == pytest.approx(model.best_validation_score_, rel=1e-12)
    at = int(np.argmax(model.validation_scores_))
    half = np.average((model.predict(held[0]) - held[1]) ** 2 / 2, weights=weights)
    assert model.validation_loss_curve_[at] == pytest.approx(half, rel=1e-12)
    assert model.t_ == 110 * model.n_iter_


def test_own_validation_rows_without_early_stopping_are_only_shown():
    plain = regressor().fit(Z[:110], NUMBER[:110])
    shown = regressor().fit(Z[:110], NUMBER[:110], X_val=Z[110:], y_val=NUMBER[110:])
    same(plain, shown)
    assert len(shown.validation_loss_curve_) == shown.n_iter_
    assert shown.validation_scores_ is None
    assert plain.validation_loss_curve_ is None


@pytest.mark.parametrize("metric", ["loss", "mae", "r2", "rmse", "own", "record"])
def test_early_stopping_on_any_metric(metric):
    def worst(y, predicted):
        return -np.abs(y - predicted).max()

    given = {
        "own": worst,
        "record": Metric("worst", "largest error", lambda y, p, w: -worst(y, p), "numbers", False),
    }
    model = regressor(
        early_stopping=True, stopping_metric=given.get(metric, metric), n_iter_no_change=5, max_iter=200
    )
    held = Z[100:], NUMBER[100:]
    model.fit(Z[:100], NUMBER[:100], X_val=held[0], y_val=held[1])
    predicted = model.predict(held[0])
    error = predicted - held[1]
    want = {
        "loss": np.mean(error**2) / 2, "mae": np.mean(np.abs(error)), "r2": model.score(*held),
        "rmse": np.sqrt(np.mean(error**2)), "own": -np.abs(error).max(), "record": np.abs(error).max(),
    }[metric]  # fmt: skip
    assert model.best_validation_score_ == pytest.approx(want, rel=1e-9)
    better = max if metric in ("r2", "own") else min
    assert model.best_validation_score_ == better(model.validation_scores_)


def test_early_stopping_of_classes_on_log_loss_is_that_of_the_loss():
    options = {
        "early_stopping": True,
        "learning_rate_init": 0.05,
        "n_iter_no_change": 5,
        "alpha": 0,
        "max_iter": 100,
    }
    one = classifier(stopping_metric="log_loss", **options).fit(Z, CLASS)
    other = classifier(stopping_metric="loss", **options).fit(Z, CLASS)
    np.testing.assert_allclose(one.validation_scores_, other.validation_scores_, rtol=1e-9)
    same(one, other)
    named = classifier(stopping_metric=lambda y, p: np.mean(y == p), **options).fit(
        Z, np.array(list("abc"))[CLASS]
    )
    plain = classifier(**options).fit(Z, np.array(list("abc"))[CLASS])
    assert named.validation_scores_ == plain.validation_scores_


def test_callbacks_see_epochs_and_may_end_training():
    seen = []

    def stop(state):
        seen.append((state.line.epoch, state.epochs, state.line.training_loss))
        return state.line.epoch == 7

    model = regressor(callbacks=[stop]).fit(Z, NUMBER)
    assert model.stopped_ == "callback"
    assert model.n_iter_ == 7 == len(seen)
    assert [loss for *_, loss in seen] == pytest.approx(model.loss_curve_)
    with pytest.raises(ValueError, match="can't be called"):
        regressor(callbacks=[3]).fit(Z, NUMBER)


def test_a_callback_that_ends_training_at_once_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regressor(callbacks=lambda state: True, max_iter=1).fit(Z, NUMBER)


def test_a_metric_monitor_follows_rows_of_its_own(capsys):
    monitor = MetricMonitor(Z[120:], CLASS[120:])
    model = classifier(callbacks=[monitor, ProgressBar(shown=False)]).fit(Z[:120], CLASS[:120])
    assert len(monitor.curve) == model.n_iter_
    assert monitor.curve[-1] == model.score(Z[120:], CLASS[120:])
    loss = MetricMonitor(Z[120:], CLASS[120:], "log_loss", patience=3, tolerance=10)
    model = classifier(callbacks=loss).fit(Z[:120], CLASS[:120])
    assert model.stopped_ == "callback"
    assert len(loss.curve) == 4
    assert monitor._monitor is loss._monitor is None  # so that pickles hold the rows once
    again = MetricMonitor(Z, NUMBER, "mae")
    regressor(callbacks=again).fit(Z, NUMBER)
    regressor(callbacks=again, max_iter=5).fit(Z, NUMBER)
    assert len(again.curve) == 5


# ---- given and frozen weights, and what is inside


def test_a_network_of_given_weights_answers_without_fit():
    coefs = [np.array([[1.0, -1.0], [0.5, 2.0]]), np.array([[1.0], [-3.0]])]
    model = MLPClassifier.from_weights(coefs, [[0.0, 0.1], [0.2]], classes=["no", "yes"])
    # h = relu([1.5, 1.1]) for x = (1, 1): z = 1.5 - 3.3 + .2 = -1.6.
    p = model.predict_proba([[1.0, 1.0]])
    np.testing.assert_allclose(p, [[1 - 1 / (1 + np.exp(1.6)), 1 / (1 + np.exp(1.6))]], rtol=1e-12)
    assert model.predict([[1.0, 1.0]]).tolist() == ["no"]
    assert (model.n_layers_, model.n_outputs_, model.out_activation_) == (3, 1, "logistic")
    number = MLPRegressor.from_weights(coefs, [[0.0, 0.1], [0.2]], activation="tanh")
    np.testing.assert_allclose(number.predict([[1.0, 1.0]]), np.tanh([1.5, 1.1]) @ [1, -3] + 0.2, rtol=1e-12)
    three = MLPClassifier.from_weights([np.eye(3)], [np.zeros(3)])
    assert three.predict([[0, 5, 1], [3, 1, 2]]).tolist() == [1, 0]
    labels = MLPClassifier.from_weights([np.eye(3)], [np.zeros(3)], multilabel=True)
    assert labels.predict([[-1, 5, 1]]).tolist() == [[0, 1, 1]]
    assert (
        MLPRegressor.from_weights([np.eye(2, dtype=np.float32)], [np.zeros(2)], dtype="float32")
        .predict([[1, 2]])
        .dtype
        == np.float32
    )


def test_the_weights_of_scikit_learns_give_its_predictions():
    from sklearn.neural_network import MLPClassifier as Theirs

    theirs = Theirs((5, 4), "tanh", max_iter=20, random_state=0).fit(Z, CLASS)
    ours = MLPClassifier.from_weights(
        theirs.coefs_, theirs.intercepts_, classes=theirs.classes_, activation="tanh"
    )
    np.testing.assert_allclose(ours.predict_proba(Z), theirs.predict_proba(Z), rtol=1e-12)


def test_training_goes_on_from_given_weights():
    first = regressor(max_iter=10).fit(Z, NUMBER)
    given = MLPRegressor.from_weights(
        first.coefs_, first.intercepts_, warm_start=True, max_iter=5, random_state=1, learning_rate_init=0.02
    )
    given.fit(Z, NUMBER)
    warm = regressor(max_iter=10, warm_start=True).fit(Z, NUMBER)
    warm.set_params(max_iter=5).fit(Z, NUMBER)
    same(given, warm)
    part = MLPClassifier.from_weights([np.ones((4, 3))], [np.zeros(3)], classes=[0, 1, 2], random_state=0)
    part.partial_fit(Z, CLASS)
    assert part.n_iter_ == 1


@pytest.mark.parametrize(
    ("coefs", "intercepts", "options", "words"),
    [
        ([np.eye(2)], [np.zeros(3)], {}, "layer 1: coefs of shape"),
        ([np.eye(2), np.ones((3, 1))], [np.zeros(2), [0]], {}, "layer 1 has 2 outputs, but layer 2 takes 3"),
        ([np.eye(2)], [], {}, "1 coefs and 0 intercepts"),
        ([np.eye(2) * np.nan], [np.zeros(2)], {}, "not finite"),
        ([np.eye(3)], [np.zeros(3)], {"classes": ["a", "b"]}, "3 outputs stand for 3 classes, but 2"),
        ([np.eye(3)], [np.zeros(3)], {"classes": ["b", "a", "c"]}, "must be sorted"),
        ([np.eye(3)], [np.zeros(3)], {"hidden_layer_sizes": (3,)}, "follow from the weights"),
        ([np.eye(3)], [np.zeros(3)], {"missing": "mean"}, "knows no mean"),
        ([np.eye(3)], [np.zeros(3)], {"activation": "rellu"}, "did you mean"),
    ],
    ids=["shape", "chain", "count", "nan", "classes", "order", "sizes", "missing", "activation"],
)
def test_weights_that_make_no_network_are_refused(coefs, intercepts, options, words):
    if options.get("activation"):
        coefs, intercepts = [np.eye(3), np.eye(3)], [np.zeros(3), np.zeros(3)]
    with pytest.raises(ValueError, match=words):
        MLPClassifier.from_weights(coefs, intercepts, **options)


def test_frozen_weights_stay():
    first = regressor(hidden_layer_sizes=(6, 5), max_iter=5).fit(Z, NUMBER)
    given = MLPRegressor.from_weights(
        first.coefs_, first.intercepts_, warm_start=True, frozen=["W[1]", "b[1]", "W[2][2,3]"], max_iter=20
    )
    given.fit(Z, NUMBER)
    np.testing.assert_array_equal(given.coefs_[0], first.coefs_[0])
    np.testing.assert_array_equal(given.intercepts_[0], first.intercepts_[0])
    changed = given.coefs_[1] != first.coefs_[1]
    assert not changed[1, 2]
    assert changed.sum() > 20
    for solver in ("lbfgs", "sgd"):
        model = regressor(solver=solver, frozen="b[2]", max_iter=3).fit(Z, NUMBER)
        begin = regressor(max_iter=1, learning_rate_init=1e-300).fit(Z, NUMBER)
        np.testing.assert_array_equal(model.intercepts_[1], begin.intercepts_[1])
    for wrong in ("W[3]", "V[1]", "W", "W[1][9,9]"):
        with pytest.raises(ValueError, match="frozen"):
            regressor(frozen=[wrong]).fit(Z, NUMBER)


def test_layer_outputs_are_the_networks_numbers():
    model = classifier(hidden_layer_sizes=(6, 5), activation="tanh").fit(Z, CLASS)
    layers = model.layer_outputs(Z[:7])
    h = Z[:7]
    for layer, W, b in zip(layers, model.coefs_, model.intercepts_, strict=True):
        np.testing.assert_allclose(layer.z, h @ W + b, rtol=1e-12, atol=1e-14)
        h = layer.a
    np.testing.assert_allclose(layers[1].a, np.tanh(layers[1].z), rtol=1e-14)
    np.testing.assert_allclose(h, model.predict_proba(Z[:7]), rtol=1e-12)


@pytest.mark.parametrize("kind", ["classes", "labels", "number"])
def test_gradients_are_those_of_the_loss(kind):
    model = {
        "classes": classifier().fit(Z, CLASS),
        "labels": classifier(activation="tanh").fit(Z, LABELS),
        "number": regressor(loss="huber", activation="mish").fit(Z, NUMBER),
    }[kind]
    y = {"classes": CLASS, "labels": LABELS, "number": NUMBER}[kind]
    weights = np.linspace(0.5, 2, 150)
    found = model.gradients(Z, y, weights)
    rng = np.random.default_rng(5)
    # Central differences along random directions in all weights and inputs at once.
    for _ in range(3):
        directions = [rng.normal(size=g.shape) for g in (*found.coefs, *found.intercepts)]
        into = rng.normal(size=Z.shape)
        slope = (
            sum((g * d).sum() for g, d in zip((*found.coefs, *found.intercepts), directions, strict=True))
            + (found.inputs * into).sum()
        )
        losses = []
        begin = [array.copy() for array in (*model.coefs_, *model.intercepts_)]
        for sign in (1, -1):
            for array, start, d in zip((*model.coefs_, *model.intercepts_), begin, directions, strict=True):
                array[:] = start + sign * 1e-6 * d
            losses.append(model.gradients(Z + sign * 1e-6 * into, y, weights).loss)
        for array, start in zip((*model.coefs_, *model.intercepts_), begin, strict=True):
            array[:] = start
        assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(slope, rel=1e-5, abs=1e-8)


def test_the_fitted_network_is_a_network():
    model = classifier(activation="mish", dropout=0.1).fit(Z, CLASS)
    assert model.network_ == Network(
        [4, Dense(8, "mish", dropout=0.1), Dense(3, "softmax")], "categorical_cross_entropy"
    )
    flat = Layout(model.network_).flatten(
        {
            number: {"W": W, "b": b}
            for number, (W, b) in enumerate(zip(model.coefs_, model.intercepts_, strict=True), 1)
        }
    )
    outputs = ReferenceEngine().predict(model.network_, flat[None], Z)[0]
    np.testing.assert_allclose(outputs, model.predict_proba(Z), rtol=1e-12)
    for name in ("network_", "classes_", "coefs_"):
        assert not hasattr(MLPClassifier(), name)
    with pytest.raises(NotFittedError):
        MLPClassifier().layer_outputs(Z)


# ---- missing values, kinds of X, precision, threads


def with_holes():
    x = Z.copy()
    holes = np.random.default_rng(3).random((150, 4)) < 0.2
    holes[:, 3] = False
    x[holes] = np.nan
    return x, holes


def test_missing_values_are_refused_unless_it_is_said_what_they_mean():
    x, holes = with_holes()
    with pytest.raises(ValueError, match="NaN"):
        regressor().fit(x, NUMBER)
    weights = np.linspace(0.1, 2, 150)
    means = np.array([np.average(x[~h, j], weights=weights[~h]) for j, h in enumerate(holes.T)])
    filled = np.where(holes, means, x)
    one = regressor(missing="mean").fit(x, NUMBER, weights)
    same(one, regressor().fit(filled, NUMBER, weights), 1e-9)
    np.testing.assert_allclose(one.predict(x), one.predict(filled), rtol=1e-9)
    both = regressor(missing="mean+indicator").fit(x, NUMBER, weights)
    wide = np.c_[filled, holes[:, :3]]
    same(both, regressor().fit(wide, NUMBER, weights), 1e-9)
    assert (both.n_features_in_, both.coefs_[0].shape) == (4, (7, 8))
    # The column without a hole in training has no indicator, and its mean where one comes later.
    later = Z[:2].copy()
    later[:, 3] = np.nan
    want = later.copy()
    want[:, 3] = np.average(Z[:, 3], weights=weights)
    np.testing.assert_allclose(both.predict(later), both.predict(want), rtol=1e-9)
    assert both.layer_outputs(x)[0].z.shape == (150, 8)
    assert both.gradients(x, NUMBER).inputs.shape == (150, 7)
    with pytest.raises(ValueError, match="infinity"):
        both.predict(np.full((1, 4), np.inf))


def test_a_column_without_any_value_is_0():
    x = Z.copy()
    x[:, 1] = np.nan
    empty = Z.copy()
    empty[:, 1] = 0
    same(regressor(missing="mean").fit(x, NUMBER), regressor().fit(empty, NUMBER))


def test_partial_fit_keeps_the_first_means():
    x, _ = with_holes()
    model = regressor(missing="mean+indicator")
    model.partial_fit(x[:100], NUMBER[:100])
    means = model._filling.means.copy()
    model.partial_fit(x[100:] + 50, NUMBER[100:])
    np.testing.assert_array_equal(model._filling.means, means)


@pytest.mark.parametrize("kind", ["pandas", "polars", "csr", "csc", "list"])
def test_any_kind_of_table_gives_the_same(kind, monkeypatch):
    names = ["a", "b", "c", "d"]
    x = {
        "pandas": lambda: pd.DataFrame(Z, columns=names),
        "polars": lambda: pl.DataFrame(Z, schema=names),
        "csr": lambda: sp.csr_matrix(Z),
        "csc": lambda: sp.csc_array(Z),
        "list": lambda: Z.tolist(),
    }[kind]()
    y = {"pandas": pd.Series(CLASS), "polars": pl.Series(CLASS)}.get(kind, CLASS)
    model, plain = classifier().fit(x, y), classifier().fit(Z, CLASS)
    same(model, plain)
    monkeypatch.setattr("chainrule.estimators.mlp.inputs.MOST_CELLS", 44)  # eleven rows
    np.testing.assert_array_equal(model.predict_proba(x), plain.predict_proba(Z))
    if kind in ("pandas", "polars"):
        assert model.feature_names_in_.tolist() == names


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_precision_is_the_one_asked_for(solver):
    for x, asked, want in (
        (Z, None, np.float64), (Z, "float32", np.float32), (Z.astype(np.float32), None, np.float32),
        (Z.astype(np.float32), "float64", np.float64), (np.rint(Z).astype(int), None, np.float64),
        (Z, np.float32, np.float32),
    ):  # fmt: skip
        model = regressor(dtype=asked, solver=solver, max_iter=3).fit(x, NUMBER)
        assert {array.dtype for array in (*model.coefs_, *model.intercepts_)} == {np.dtype(want)}
        assert model.predict(x).dtype == want


def test_any_number_of_threads_gives_the_same_bits():
    x = np.random.default_rng(0).normal(size=(600, 60))
    y = x[:, :2].sum(1)
    models = [
        regressor(hidden_layer_sizes=(300, 50), batch_size=300, max_iter=2, dropout=0.1, threads=n).fit(x, y)
        for n in (1, 2, 3)
    ]
    for model in models[1:]:
        same(model, models[0])
        np.testing.assert_array_equal(model.predict(x), models[0].predict(x))


# ---- partial_fit with early stopping


def test_partial_fit_can_be_stopped_early():
    held = Z[100:], NUMBER[100:]
    model = regressor(early_stopping=True, n_iter_no_change=2, learning_rate_init=0.3, tol=0.01)
    scores = []
    for _ in range(200):
        model.partial_fit(Z[:100], NUMBER[:100], X_val=held[0], y_val=held[1])
        scores.append(model.validation_scores_[-1])
        if model.stopped_ == "early stopping":
            break
        # Until then the weights are the current ones.
        assert model.score(*held) == pytest.approx(scores[-1], rel=1e-12)
    assert 3 < len(scores) < 200
    assert model.validation_scores_ == scores
    assert model.score(*held) == pytest.approx(max(scores), rel=1e-12)
    assert model.best_validation_score_ == max(scores)
    before = model.coefs_[0].copy()
    with pytest.warns(ConvergenceWarning, match="changes nothing"):
        model.partial_fit(Z[:100], NUMBER[:100], X_val=held[0], y_val=held[1])
    np.testing.assert_array_equal(model.coefs_[0], before)
    # It is the same training as fit's on the same rows.
    whole = regressor(early_stopping=True, n_iter_no_change=2, learning_rate_init=0.3, tol=0.01, max_iter=200)
    same(whole.fit(Z[:100], NUMBER[:100], X_val=held[0], y_val=held[1]), model)


def test_partial_fit_after_an_early_stop_of_fit_begins_to_watch_anew():
    model = regressor(early_stopping=True, n_iter_no_change=2, max_iter=300).fit(Z, NUMBER)
    assert model.stopped_ == "early stopping"
    model.partial_fit(Z, NUMBER, X_val=Z, y_val=NUMBER)
    assert model.stopped_ == "epochs"


# ---- calibration


def noisy(n=1500, classes=2):
    rng = np.random.default_rng(7)
    x = rng.normal(size=(n, 6))
    logits = x[:, :classes] * 1.0
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return x, np.array([rng.choice(classes, p=row) for row in p])


@pytest.mark.parametrize("classes", [2, 3])
def test_a_temperature_mends_overfitted_probabilities(classes):
    from sklearn.metrics import log_loss

    x, y = noisy(classes=classes)
    options = {"hidden_layer_sizes": (40,), "max_iter": 150, "learning_rate_init": 0.01, "tol": 0}
    rows = slice(0, 300), slice(300, 700), slice(700, None)
    model = classifier(calibrate=True, **options)
    model.fit(x[rows[0]], y[rows[0]], X_val=x[rows[1]], y_val=y[rows[1]])
    plain = classifier(**options).fit(x[rows[0]], y[rows[0]])
    same(model, plain)
    assert model.temperature_ > 1.5
    test = x[rows[2]], y[rows[2]]
    assert log_loss(test[1], model.predict_proba(test[0])) < 0.8 * log_loss(
        test[1], plain.predict_proba(test[0])
    )
    np.testing.assert_array_equal(model.predict(test[0]), plain.predict(test[0]))
    # Softmax of z / T, from the layer's own z.
    z = model.layer_outputs(test[0])[-1].z / model.temperature_
    z = np.c_[np.zeros(len(z)), z] if classes == 2 else z
    want = np.exp(z - z.max(1, keepdims=True))
    np.testing.assert_allclose(model.predict_proba(test[0]), want / want.sum(1, keepdims=True), rtol=1e-9)


def test_calibration_of_labels_and_with_early_stopping():
    model = classifier(calibrate=True, early_stopping=True, max_iter=300, learning_rate_init=0.02).fit(
        Z, LABELS
    )
    assert 0.05 < model.temperature_ < 20
    z = model.layer_outputs(Z)[-1].z
    np.testing.assert_allclose(model.predict_proba(Z), 1 / (1 + np.exp(-z / model.temperature_)), rtol=1e-9)
    with pytest.raises(ValueError, match="calibrate=True needs validation rows"):
        classifier(calibrate=True).fit(Z, CLASS)
    with pytest.raises(ValueError, match="hinge with outputs identity gives no probabilities to calibrate"):
        classifier(calibrate=True, loss="hinge", early_stopping=True).fit(Z, CLASS)


def test_a_few_rows_that_are_all_right_make_no_network_sure():
    """30 rows, all right, are worth a chance of about 1 in 60 of another class, not one in a billion."""
    x = np.linspace(-1, 1, 200)[:, None]
    held = np.linspace(-0.9, 0.9, 30)[:, None]
    options = {"calibrate": True, "max_iter": 200, "learning_rate_init": 0.02, "tol": 0}
    model = classifier(**options).fit(x, x[:, 0] > 0, X_val=held, y_val=held[:, 0] > 0)
    assert model.score(held, held[:, 0] > 0) == 1
    assert 1 / 240 < model.predict_proba(held).min(axis=1).mean() < 1 / 15


def test_float32_does_not_lose_the_doubt_in_a_sure_row():
    """sigmoid(18) is 1 in float32, and 1 - 1 has no logarithm: at T = 2 the doubt is sigmoid(-9), not nothing."""
    model = classifier(calibrate=True, dtype="float32", max_iter=2).fit(
        Z, CLASS == 1, X_val=Z, y_val=CLASS == 1
    )
    model.coefs_[0][:] = 0
    model.coefs_[1][:] = 0
    model.intercepts_[1][:] = 18
    model.temperature_ = 2.0
    assert model.predict_proba(Z[:1])[0, 0] == pytest.approx(1 / (1 + np.exp(9)), rel=1e-3)
