"""What early stopping can watch: metrics against scikit-learn, and how outputs are read."""

import numpy as np
import pytest
import sklearn.metrics as judge
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chainrule.equations.answers import Answers
from chainrule.errors import SettingsError
from chainrule.training.scores.metrics import METRICS, Metric, metric
from chainrule.training.scores.watch import watch

RNG = np.random.default_rng(3)
CODES, N_CLASSES = RNG.integers(0, 3, 40), 3
ONE_HOT = np.eye(3)[CODES]
P = RNG.dirichlet(np.ones(3), 40)
WEIGHTS = RNG.uniform(0.1, 2, 40)
Y, PREDICTED = RNG.normal(size=(40, 2)), RNG.normal(size=(40, 2))


def of_classes(name, w):
    return {
        "accuracy": lambda: judge.accuracy_score(CODES, P.argmax(1), sample_weight=w),
        "balanced_accuracy": lambda: judge.balanced_accuracy_score(CODES, P.argmax(1), sample_weight=w),
        "log_loss": lambda: judge.log_loss(CODES, P, sample_weight=w),
        "auc": lambda: judge.roc_auc_score(CODES, P, multi_class="ovr", sample_weight=w),
        "f1": lambda: judge.f1_score(CODES, P.argmax(1), average="macro", sample_weight=w),
        "precision": lambda: judge.precision_score(CODES, P.argmax(1), average="macro", sample_weight=w),
        "recall": lambda: judge.recall_score(CODES, P.argmax(1), average="macro", sample_weight=w),
        "average_precision": lambda: judge.average_precision_score(
            ONE_HOT, P, average="macro", sample_weight=w
        ),
    }[name]()


def of_numbers(name, w):
    return {
        "rmse": lambda: judge.root_mean_squared_error(Y, PREDICTED, sample_weight=w),
        "mae": lambda: judge.mean_absolute_error(Y, PREDICTED, sample_weight=w),
        "median_absolute_error": lambda: judge.median_absolute_error(Y, PREDICTED, sample_weight=w),
        "r2": lambda: judge.r2_score(Y, PREDICTED, sample_weight=w),
    }[name]()


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", [name for name, record in METRICS.items() if record.shown])
def test_metrics_are_scikit_learns(name, weights):
    if METRICS[name].of == "numbers":
        got = watch(name, Answers("number"))(Y, PREDICTED, weights)
        want = of_numbers(name, weights)
    else:
        got, want = watch(name, Answers("class"))(ONE_HOT, P, weights), of_classes(name, weights)
    assert got == pytest.approx(want, rel=1e-12)


def test_every_metric_has_its_direction():
    # The scorers of scikit-learn say by their sign which way is better.
    theirs = {
        "accuracy": "accuracy", "balanced_accuracy": "balanced_accuracy", "log_loss": "neg_log_loss", "auc": "roc_auc",
        "f1": "f1", "precision": "precision", "recall": "recall", "average_precision": "average_precision",
        "rmse": "neg_root_mean_squared_error", "mae": "neg_mean_absolute_error",
        "median_absolute_error": "neg_median_absolute_error", "r2": "r2",
    }  # fmt: skip
    assert not METRICS["refinement"].greater_is_better  # a log-loss
    assert {*theirs, "refinement"} == set(METRICS)
    for name, record in METRICS.items():
        if name == "refinement":
            continue
        assert record.greater_is_better == (not theirs[name].startswith("neg_"))
        assert theirs[name] in judge.get_scorer_names()


def test_a_weighted_median_of_equal_weights_is_the_median(rng):
    for n in (1, 2, 5, 8):
        y, p = np.zeros((n, 1)), rng.normal(size=(n, 1))
        found = METRICS["median_absolute_error"].function
        assert found(y, p, np.full(n, 0.3)) == pytest.approx(float(np.median(np.abs(p))), rel=1e-15)


def test_r2_of_equal_targets_is_scikit_learns():
    y = np.full((4, 1), 2.0)
    for p in (y, y + 1):
        assert METRICS["r2"].function(y, p, None) == judge.r2_score(y, p)


@given(arrays(float, (6, 1), elements=st.floats(-10, 10)), st.booleans())
def test_one_output_decides_between_two_classes(outputs, signed):
    codes = Answers("class", signed).codes(outputs)
    assert codes.shape == (6,)
    assert (codes == (outputs[:, 0] > (0 if signed else 0.5))).all()


def test_outputs_are_read_as_what_they_stand_for():
    outputs = np.array([[0.2, 0.7, 0.6], [0.9, 0.1, 0.0]])
    assert Answers("class").codes(outputs).tolist() == [1, 0]
    assert Answers("labels").codes(outputs).tolist() == [[0, 1, 1], [1, 0, 0]]
    assert Answers("labels").codes(np.array([[0.7], [0.3]])).tolist() == [[1], [0]]
    assert Answers("class").probabilities(np.array([[0.25]])).tolist() == [[0.75, 0.25]]
    # Targets are 0 and 1 whatever the outputs' threshold.
    assert Answers("class", signed=True).true_codes(np.array([[0.0], [1.0]])).tolist() == [0, 1]


def test_several_labels_are_right_only_together():
    y = np.array([[1.0, 0.0], [1.0, 1.0]])
    value = watch("accuracy", Answers("labels"))(y, np.array([[0.9, 0.2], [0.9, 0.2]]), None)
    assert value == 0.5 == judge.accuracy_score(y, [[1, 0], [1, 0]])


def test_a_function_of_the_users_gets_names_and_predictions():
    seen = []

    def score(y, predicted):
        seen.append((y.tolist(), predicted.tolist()))
        return 7

    names = np.array(["a", "b", "c"])
    assert watch(score, Answers("class", names=names))(ONE_HOT[:2], P[:2], None) == 7.0
    assert seen.pop() == (names[CODES[:2]].tolist(), names[P[:2].argmax(1)].tolist())
    watch(score, Answers("number"))(Y[:2, :1], PREDICTED[:2, :1], None)
    assert seen.pop() == (Y[:2, 0].tolist(), PREDICTED[:2, 0].tolist())
    watch(score, Answers("number"))(Y[:2], PREDICTED[:2], None)
    assert np.shape(seen.pop()) == (2, 2, 2)


def test_a_metric_of_the_users_own_says_what_it_compares():
    brier = Metric(
        "brier", "Brier score", lambda y, p, w: float(np.mean((p[:, 1] - y) ** 2)), "probabilities", False
    )
    y, a = np.array([[1.0], [0.0]]), np.array([[0.75], [0.5]])
    assert watch(brier, Answers("class"))(y, a, None) == pytest.approx((0.0625 + 0.25) / 2)


def test_outputs_that_overflowed_have_no_score():
    assert np.isnan(watch("r2", Answers("number"))(Y, PREDICTED * np.inf, None))


@pytest.mark.parametrize(
    ("spec", "answers", "words"),
    [
        ("r2", Answers("class"), ["r2", "classes", "accuracy"]),
        ("accuracy", Answers("number"), ["accuracy", "numbers", "rmse"]),
        ("auc", Answers("labels"), ["auc", "several labels", "accuracy"]),
        ("log_loss", Answers("class", signed=True), ["log_loss", "without probabilities", "balanced_accuracy"]),
        ("acuracy", Answers("class"), ["acuracy", "did you mean accuracy?"]),
        (3, Answers("class"), ["3", "a name or a function"]),
    ],
    ids=["r2", "accuracy", "labels", "signed", "typo", "number"],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_one_line(spec, answers, words):
    with pytest.raises(SettingsError) as caught:
        watch(spec, answers)
    text = str(caught.value)
    assert "\n" not in text
    assert all(word in text for word in words), text


def test_metric_returns_what_it_is_given():
    assert metric("auc") is METRICS["auc"]
    assert metric(METRICS["auc"]) is METRICS["auc"]
    assert metric(max).name == "max"
