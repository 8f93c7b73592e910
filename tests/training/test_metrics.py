"""Scores and baselines against numbers worked by hand."""

import json
import math
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule.training.scores.baselines import class_answers, linearly_separable, number_answers
from chainrule.training.scores.metrics import METRICS, PRIMARY, confusion, metrics_table, scores

# Three of class 0, one of class 1; one of class 0 taken for 1.
Y, GUESSED = np.array([0, 0, 0, 1]), np.array([0, 1, 0, 1])


def test_accuracy_counts_rows_and_balanced_accuracy_classes():
    assert scores(Y, labels=GUESSED, probabilities=None) == {
        "accuracy": 0.75,
        "balanced_accuracy": pytest.approx((2 / 3 + 1) / 2),
    }
    # A class without rows has no recall to be averaged.
    assert scores(Y, labels=GUESSED, probabilities=np.full((4, 3), 1 / 3))[
        "balanced_accuracy"
    ] == pytest.approx(5 / 6)


def test_log_loss_and_auc_of_hand():
    ones = np.array([0.1, 0.8, 0.2, 0.5])
    found = scores(Y, labels=GUESSED, probabilities=np.column_stack([1 - ones, ones]))
    assert found["log_loss"] == pytest.approx(
        -(math.log(0.9) + math.log(0.2) + math.log(0.8) + math.log(0.5)) / 4
    )
    assert found["auc"] == pytest.approx(2 / 3)  # .5 is above .1 and .2, below .8
    # Three classes, one against the rest: class 0 beats both others (1), class 1 beats one of two (.5), class 2 both (1).
    y = np.array([0, 1, 2])
    p = np.array([[0.6, 0.3, 0.1], [0.3, 0.35, 0.35], [0.1, 0.4, 0.5]])
    of_three = scores(y, labels=np.argmax(p, axis=1), probabilities=p)
    assert of_three["auc"] == pytest.approx((1 + 0.5 + 1) / 3)
    assert of_three["log_loss"] == pytest.approx(-(math.log(0.6) + math.log(0.35) + math.log(0.5)) / 3)


def test_shares_that_do_not_add_up_are_made_to():
    p = np.array([[1.0, 3.0], [2.0, 2.0]])
    found = scores(np.array([1, 0]), labels=np.array([1, 0]), probabilities=p)
    assert found["log_loss"] == pytest.approx(-(math.log(0.75) + math.log(0.5)) / 2)


def test_there_is_no_auc_where_a_class_has_no_row():
    p = np.full((2, 2), 0.5)
    assert "auc" not in scores(np.array([1, 1]), labels=np.array([1, 1]), probabilities=p)
    of_three = np.full((2, 3), 1 / 3)
    assert "auc" not in scores(np.array([0, 1]), labels=np.array([1, 1]), probabilities=of_three)


def test_the_confusion_matrix_has_true_classes_in_its_rows():
    got = confusion(np.array([0, 0, 2, 2, 2]), np.array([0, 1, 2, 2, 0]), 4)
    assert got.tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 2, 0], [0, 0, 0, 0]]


def test_scores_of_numbers_of_hand():
    # errors 1, -2, 3, 0: squares 14, sizes 6, median 1.5; targets 0, 2, 4, 6 spread 20
    found = scores(np.array([0.0, 2.0, 4.0, 6.0]), numbers=np.array([1.0, 0.0, 7.0, 6.0]))
    want = {"rmse": math.sqrt(3.5), "mae": 1.5, "median_absolute_error": 1.5, "r2": 1 - 14 / 20}
    assert found == {name: pytest.approx(value, rel=1e-14) for name, value in want.items()}


@given(st.floats(-1e6, 1e6), st.integers(1, 9))
def test_equal_targets_have_no_r2(value, n):
    found = scores(np.full(n, value), numbers=np.zeros(n))
    assert set(found) == {"rmse", "mae", "median_absolute_error"}


def test_huge_errors_have_a_size():
    found = scores(np.array([1e200, -1e200]), numbers=np.array([0.0, 0.0]))
    assert found["rmse"] == pytest.approx(1e200)
    assert found["r2"] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("scale", [1e-308, 3e-200, 1e-160, 1.0, 7e155, 1e290, 4e307])
@pytest.mark.parametrize("weighted", [False, True])
def test_scores_of_numbers_of_any_size(scale, weighted):
    """mpmath is the judge: whatever the size of the numbers, R² is the same and an error as large as it is."""
    rng = np.random.default_rng(5)
    y, p = rng.uniform(-4, 4, 30) * scale, rng.uniform(-4, 4, 30) * scale
    w = rng.integers(0, 4, 30).astype(float) if weighted else None
    with mpmath.workdps(40):
        of = [mpmath.mpf(one) for one in (np.ones(30) if w is None else w)]
        errors = [mpmath.mpf(a) - mpmath.mpf(b) for a, b in zip(p, y, strict=True)]
        total = mpmath.fsum(of)
        mean = mpmath.fsum(v * mpmath.mpf(a) for v, a in zip(of, y, strict=True)) / total
        squares = mpmath.fsum(v * e**2 for v, e in zip(of, errors, strict=True)) / total
        spread = mpmath.fsum(v * (mpmath.mpf(a) - mean) ** 2 for v, a in zip(of, y, strict=True)) / total
        want = {
            "rmse": float(mpmath.sqrt(squares)),
            "mae": float(mpmath.fsum(v * abs(e) for v, e in zip(of, errors, strict=True)) / total),
            "r2": float(1 - squares / spread),
        }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = {name: METRICS[name].function(y, p, w) for name in want}
        assert set(want) < set(scores(y, numbers=p))
    assert found == {name: pytest.approx(value, rel=1e-12) for name, value in want.items()}


def test_an_error_too_large_for_a_float_is_infinite_and_r2_isn_t():
    found = scores(np.array([1.5e308, -1.5e308]), numbers=np.array([-1.5e308, 1.5e308]))
    assert found["rmse"] == found["mae"] == math.inf
    assert found["r2"] == pytest.approx(-3)


def test_rows_without_weight_are_no_spread():
    y, p, w = np.array([0.1, 0.1, 0.1, 8.0]), np.array([0.1, 0.2, 0.0, 3.0]), np.array([1.0, 2.0, 3.0, 0.0])
    assert METRICS["r2"].function(y, p, w) == 0


def test_the_scores_that_are_compared_are_scores():
    of_classes = scores(Y, labels=GUESSED, probabilities=np.full((4, 2), 0.5))
    names = [*of_classes, *scores(Y, numbers=GUESSED)]
    assert names == [name for name, record in METRICS.items() if record.shown and not record.rare]
    assert set(PRIMARY.values()) <= set(names)


# ---- the list


def test_the_documentation_shows_the_list():
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text()
    assert metrics_table() in page, (
        "docs/training.md: replace the table of metrics by training.scores.metrics.metrics_table()"
    )


PLANTED = (
    """    Metric("planted", "planted share", lambda y, p, weights: float(np.mean(y == p)), "labels"),\n"""
)
LOOK = """
import json, sys
from contextlib import redirect_stdout
from io import StringIO
import chainrule
from chainrule.cli import main
from chainrule.equations.answers import Answers
from chainrule.training.scores.metrics import metrics_table
from chainrule.training.scores.watch import watch

def said(*words):
    with redirect_stdout(StringIO()) as text:
        main([str(word) for word in words])
    return text.getvalue()

csv, out = sys.argv[1:]
quick = ("--hidden", "2", "--epochs", "2", "--members", "1", "--engine", "reference", "--overwrite", "--watch", "planted")
train = ("train", csv, "--target", "y", "--out", out, *quick)
print(json.dumps({
    "home": chainrule.__file__,
    "train": json.loads(said(*train, "--json")),
    "report": said(*train),
    "evaluate": json.loads(said("evaluate", out, csv, "--json")),
    "described": said("describe", out),
    "watched": watch("planted", Answers("class")).metric.words,
    "table": metrics_table(),
}))
"""


def test_a_metric_is_one_line_in_one_file(tmp_path):
    """Plant one in a copy of the package: it is counted, reported, watched and documented, and nothing else is edited."""
    src = tmp_path / "src"
    shutil.copytree(
        Path(chainrule.__file__).parent, src / "chainrule", ignore=shutil.ignore_patterns("__pycache__")
    )
    file = src / "chainrule" / "training" / "scores" / "metrics.py"
    begin = "METRICS: Mapping[str, Metric] = _records(\n"
    text = file.read_text()
    assert text.count(begin) == 1
    file.write_text(text.replace(begin, begin + PLANTED))
    csv = tmp_path / "t.csv"
    csv.write_text("x,y\n" + "0,a\n1,b\n" * 20)
    environment = {**os.environ, "PYTHONPATH": str(src)}
    command = [sys.executable, "-c", LOOK, str(csv), str(tmp_path / "m.safetensors")]
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert found["home"].startswith(str(src))
    for result in (found["train"], found["evaluate"]):
        assert result["scores"]["planted"] == result["scores"]["accuracy"]
    assert {"planted"} <= set.intersection(*map(set, found["train"]["baselines"].values()))
    assert "planted" in found["train"]["training"]["scores"]
    assert found["train"]["training"]["watch"] == "planted"
    assert "planted share" in found["report"]
    assert "planted share" in found["described"]
    assert found["watched"] == "planted share"
    assert "| `planted` | planted share | labels | greater |" in found["table"]


# ---- baselines


def class_baselines(x, y, x_test, y_test, n_classes, weights=None):
    found = class_answers(x, y, x_test, n_classes, weights)
    return {name: scores(y_test, **answers) for name, answers in found.items()}


def number_baselines(x, y, x_test, y_test, weights=None):
    found = number_answers(x, y, x_test, weights)
    return {name: scores(y_test, **answers) for name, answers in found.items()}


def test_the_majority_class_has_the_classes_shares():
    x = np.zeros((4, 0))
    found = class_baselines(x, np.array([1, 1, 1, 0]), x[:2], np.array([1, 0]), 2)
    assert set(found) == {"majority class"}
    assert found["majority class"]["accuracy"] == 0.5
    assert found["majority class"]["log_loss"] == pytest.approx(-(math.log(0.75) + math.log(0.25)) / 2)
    # With weights 1, 1, 1, 9 it is class 0, with a share of 9/12.
    weighed = class_baselines(x, np.array([1, 1, 1, 0]), x[:1], np.array([0]), 2, np.array([1.0, 1, 1, 9]))
    assert weighed["majority class"]["accuracy"] == 1.0
    assert weighed["majority class"]["log_loss"] == pytest.approx(-math.log(0.75))


def test_logistic_regression_separates_what_a_line_separates():
    x = np.array([[-2.0], [-1.0], [1.0], [2.0]] * 5)
    y = (x[:, 0] > 0).astype(int)
    found = class_baselines(x, y, x, y, 2)
    assert found["logistic regression"]["accuracy"] == 1.0
    assert found["logistic regression"]["auc"] == 1.0
    # Class 1 of three has no training row: it gets probability 0, and its column is there.
    sparse = class_baselines(x, y * 2, x, y * 2, 3)
    assert sparse["logistic regression"]["accuracy"] == 1.0


def test_one_class_alone_has_no_logistic_regression():
    x = np.arange(4.0)[:, None]
    found = class_baselines(x, np.array([1, 1, 1, 1]), x, np.array([0, 1, 1, 1]), 2)
    assert set(found) == {"majority class"}


def test_the_baselines_of_numbers():
    x = np.array([[0.0], [1.0], [2.0], [3.0]])
    y = 2 * x[:, 0] + 1  # mean 4
    found = number_baselines(x, y, np.array([[10.0]]), np.array([22.0]))
    assert found["mean"]["rmse"] == 18.0
    assert found["linear regression"]["rmse"] == pytest.approx(1.0)  # 21 for 22
    weights = np.array([0.0, 0.0, 1.0, 3.0])  # mean (5 + 21)/4 = 6.5
    weighed = number_baselines(x, y, np.array([[10.0]]), np.array([22.0]), weights)
    assert weighed["mean"]["mae"] == pytest.approx(15.5)
    assert set(number_baselines(np.zeros((4, 0)), y, np.zeros((1, 0)), np.array([1.0]))) == {"mean"}


def test_weights_reach_linear_regression():
    # Through (0, 0), (1, 1) and (1, 3) with weights 1, 1, 3 runs y = 2.5 x.
    x, y = np.array([[0.0], [1.0], [1.0]]), np.array([0.0, 1.0, 3.0])
    found = number_baselines(x, y, np.array([[2.0]]), np.array([0.0]), np.array([1.0, 1.0, 3.0]))
    assert found["linear regression"]["rmse"] == pytest.approx(5.0)


CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def test_of_sixteen_truth_tables_two_are_not_separable():
    tables = [np.array([(number >> k) & 1 for k in range(4)]) for number in range(16)]
    found = [table.tolist() for table in tables if not linearly_separable(CORNERS, table)]
    assert sorted(found) == [[0, 1, 1, 0], [1, 0, 0, 1]]


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(2, 12))
def test_what_a_plane_made_is_separable_until_a_row_contradicts_it(seed, d, n):
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(n, d)), rng.normal(size=d)
    x[0] = w  # far on one side
    y = (x @ w + 0.1 > 0).astype(int)
    assert linearly_separable(x, y)
    assert not linearly_separable(np.vstack([x, x[:1]]), np.append(y, 1 - y[0]))
