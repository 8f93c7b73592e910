"""Weights of classes against scikit-learn's, and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from chainrule.errors import SettingsError
from chainrule.training.scores.weights import class_weights, row_weights

NAMES = ["a", "b", "c"]


@given(st.lists(st.integers(0, 2), min_size=1, max_size=30))
def test_balanced_is_scikit_learns(codes):
    codes = np.array(codes)
    present = np.unique(codes)
    want = compute_class_weight("balanced", classes=present, y=codes)
    np.testing.assert_allclose(class_weights("balanced", codes, NAMES)[present], want, rtol=1e-14)
    np.testing.assert_allclose(
        row_weights("balanced", codes, NAMES), compute_sample_weight("balanced", codes), rtol=1e-14
    )


def test_balanced_classes_weigh_the_same_whatever_the_rows_do():
    codes, weights = np.array([0, 0, 0, 1, 2, 2]), np.array([1.0, 2.0, 3.0, 0.5, 1.0, 1.0])
    together = np.bincount(codes, row_weights("balanced", codes, NAMES, weights))
    np.testing.assert_allclose(together, weights.sum() / 3, rtol=1e-14)


def test_a_dict_weighs_those_it_names():
    codes = np.array([0, 1, 2, 1])
    assert row_weights({"b": 3}, codes, NAMES).tolist() == [1, 3, 1, 3]
    assert row_weights({"b": 3, "a": 0}, codes, NAMES, np.array([1, 2, 3, 4.0])).tolist() == [0, 6, 3, 12]
    weights = np.ones(4)
    assert row_weights(None, codes, NAMES, weights) is weights
    assert row_weights(None, codes, NAMES) is None


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("equal", "'equal' is unknown: write balanced"),
        ({"d": 1}, "the class 'd', but the classes are a, b, c"),
        ({"a": -1}, "-1 of the class 'a' must be a number of at least 0"),
        ({"a": float("nan")}, "must be a number"),
        ({"a": "2"}, "must be a number"),
        ([1, 2, 3], "must be balanced, or a weight for each class"),
    ],
)
def test_what_is_no_weight_is_refused(wanted, words):
    with pytest.raises(SettingsError, match=words):
        class_weights(wanted, np.array([0]), NAMES)
