"""Our own baselines and rankings beside scikit-learn's, and that training needs none of it."""

import subprocess
import sys
import warnings
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import random_array
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from chainrule._ranking import ranked
from chainrule.training.scores.baselines import class_answers, number_answers
from chainrule.training.scores.metrics import auc, average_precision, log_loss
from effort import many, one_in


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n_classes", "size"), one_in(3, list(product([2, 3, 5], [1.0, 1e-3, 10.0]))))
def test_logistic_regression_is_scikit_learns(n_classes: int, size: float, weighted: bool) -> None:
    rng = np.random.default_rng(n_classes)
    x = rng.normal(size=(400, 6)) * np.array([1, 1, size, 1, 1, 1])
    y = (
        x[:, :n_classes] / np.abs(x[:, :n_classes]).max(axis=0) + rng.gumbel(size=(400, n_classes)) / 4
    ).argmax(1)
    weights = rng.uniform(0, 3, 300) if weighted else None
    found = class_answers(x[:300], y[:300], x[300:], n_classes, weights)["logistic regression"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may not end within its iterations, and neither do we
        judge = LogisticRegression(max_iter=1000).fit(x[:300], y[:300], weights)
    wanted = judge.predict_proba(x[300:])
    assert found["labels"].tolist() == judge.predict(x[300:]).tolist()
    assert log_loss(y[300:], found["probabilities"]) == pytest.approx(log_loss(y[300:], wanted), abs=1e-6)
    np.testing.assert_allclose(found["probabilities"].sum(axis=1), 1, rtol=1e-14)


def test_its_penalty_is_that_of_the_slopes_alone() -> None:
    # One input that says nothing: the least cost has no slope, and the level of three to one.
    x, y = np.array([[1.0], [-1.0]] * 8), np.array([0] * 12 + [1] * 4)
    x[12:] = [[1.0], [-1.0], [1.0], [-1.0]]
    found = class_answers(x, y, np.array([[5.0]]), 2)["logistic regression"]["probabilities"]
    assert found == pytest.approx(np.array([[0.75, 0.25]]), abs=1e-4)


def test_classes_without_rows_have_no_share_and_blocks_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(90, 3)), rng.choice([1, 3, 4], 90)
    whole = class_answers(x, y, x, 6)["logistic regression"]["probabilities"]
    assert not whole[:, [0, 2, 5]].any()
    monkeypatch.setattr("chainrule.training.starts.linear_cost.BLOCK", 60)
    parts = class_answers(x, y, x, 6)["logistic regression"]["probabilities"]
    np.testing.assert_allclose(parts, whole, atol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "d"), [(60, 4), (20, 30)])
def test_linear_regression_is_scikit_learns(n: int, d: int, weighted: bool) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(n + 9, d))
    x[:, 1] = 2 * x[:, 0]  # the smallest of many solutions
    y, weights = x[:, 0] + rng.normal(size=n + 9), rng.uniform(0, 2, n) if weighted else None
    found = number_answers(x[:n], y[:n], x[n:], weights)["linear regression"]["numbers"]
    wanted = LinearRegression().fit(x[:n], y[:n], weights).predict(x[n:])
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.02, 0.9], ids=["mostly 0", "dense"])
def test_linear_regression_of_many_inputs_is_scikit_learns(share: float) -> None:
    x = random_array((300, 520), density=share, rng=np.random.default_rng(5)).toarray()
    y = x[:, :5].sum(axis=1) + np.random.default_rng(6).normal(size=300)
    found = number_answers(x[:250], y[:250], x[250:])["linear regression"]["numbers"]
    wanted = LinearRegression().fit(x[:250], y[:250]).predict(x[250:])
    np.testing.assert_allclose(found, wanted, atol=1e-2 * np.std(wanted))


rows = st.integers(2, 30).flatmap(
    lambda n: st.tuples(
        st.lists(st.booleans(), min_size=n, max_size=n),
        st.lists(
            st.sampled_from([0.0, 0.1, 0.25, 1 / 3, 0.5, 0.5 + 1e-16, 0.9, 1.0]), min_size=n, max_size=n
        ),
        st.one_of(st.none(), st.lists(st.floats(0.1, 9), min_size=n, max_size=n)),
    )
)


@given(rows)
@settings(max_examples=many(25))
def test_areas_are_scikit_learns(made: tuple[Any, ...]) -> None:
    positive, scores, weights = (None if one is None else np.array(one) for one in made)
    assert positive is not None
    assert scores is not None
    if positive.any() and not positive.all():
        found = ranked(positive, scores, weights)
        assert found.area == pytest.approx(roc_auc_score(positive, scores, sample_weight=weights), abs=1e-12)
        assert found.average_precision == pytest.approx(
            average_precision_score(positive, scores, sample_weight=weights), abs=1e-12
        )
        falls, rises = found.roc
        assert float(np.trapezoid(rises, falls)) == pytest.approx(found.area, abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_area_of_several_classes_is_scikit_learns(weighted: bool) -> None:
    rng = np.random.default_rng(7)
    y, p = rng.integers(0, 4, 200), rng.dirichlet(np.ones(4), 200).round(2) + 0.01
    p /= p.sum(axis=1, keepdims=True)
    weights = rng.uniform(0, 2, 200) if weighted else None
    rows = p / p.sum(axis=1, keepdims=True)  # rounded once more, as there
    wanted = roc_auc_score(y, rows, multi_class="ovr", labels=range(4), sample_weight=weights)
    assert auc(y, p, weights) == pytest.approx(wanted, abs=1e-12)
    each = [average_precision_score(y == c, p[:, c], sample_weight=weights) for c in range(4)]
    assert average_precision(y, p, weights) == pytest.approx(np.mean(each), abs=1e-12)


@pytest.mark.slow
def test_training_from_the_command_line_needs_neither_scikit_learn_nor_pandas(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("x,c,y,z\n" + "\n".join(f"{i % 7},{'uvw'[i % 3]},{'ab'[i % 2]},{i}" for i in range(60)))
    code = """
import sys
from chainrule.cli import main
words = ["train", sys.argv[1], "--out", sys.argv[2], "--overwrite", "--quiet", "--epochs", "2", "--hidden", "3", "--drop"]
for target, other in ("yz", "zy"):
    assert main([*words, other, "--target", target, "--report", sys.argv[2] + ".html"]) in (0, None)
    print(sorted(sys.modules.keys() & {"sklearn", "pandas", "pyarrow", "joblib", "matplotlib"}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(table), str(tmp_path / "m.safetensors")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stdout
