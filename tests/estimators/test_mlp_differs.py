"""What docs/sklearn.md says is otherwise than in scikit-learn, and isn't shown by a test elsewhere."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix, issparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor

from chainrule import MLPClassifier, MLPRegressor

X = np.random.default_rng(5).normal(size=(30, 3))
SMALL = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


def test_labels_that_are_objects_stay_objects():
    y = np.array(["left", "right", "up"] * 10, dtype=object)
    ours, theirs = (kind(**SMALL).fit(X, y) for kind in (MLPClassifier, TheirClassifier))
    assert (theirs.classes_.dtype.kind, theirs.predict(X).dtype.kind) == ("U", "U")
    assert ours.classes_.dtype == ours.predict(X).dtype == object
    assert ours.classes_.tolist() == theirs.classes_.tolist()


def test_sparse_labels_are_predicted_dense():
    y = csr_matrix((X > 0).astype(int))
    ours, theirs = (kind(**SMALL).fit(X, y).predict(X) for kind in (MLPClassifier, TheirClassifier))
    assert issparse(theirs)
    assert isinstance(ours, np.ndarray)
    assert ours.shape == theirs.shape


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("dtype", "size"), [("float32", 1e20), ("float32", 3e25), ("float64", 1e170)])
def test_targets_whose_loss_overflows_are_named(dtype, size):
    x, y = X.astype(dtype), X[:, 0] * size
    assert TheirRegressor(**SMALL).fit(x, y.astype(dtype)).loss_ == np.inf
    largest = f"{np.abs(y).max():.3g}".replace("+", r"\+")
    scale = rf"scale y, whose largest value is {largest}\."
    for words in ({}, {"solver": "sgd"}):
        with pytest.raises(ValueError, match=rf"The target may contain large values.* {scale}$"):
            MLPRegressor(**SMALL, **words).fit(x, y)
    with pytest.warns(ConvergenceWarning, match=rf"{scale} The best weights before were kept"):
        MLPRegressor(**SMALL, early_stopping=True, validation_fraction=0.2).fit(x, y)


@pytest.mark.filterwarnings("ignore")
def test_inputs_that_are_the_larger_are_named():
    for estimator, y in (
        (MLPRegressor(**SMALL), X[:, 0]),
        (MLPClassifier(**SMALL, solver="sgd"), X[:, 0] > 0),
    ):
        with pytest.raises(
            ValueError, match=r"The input data may contain large values.* scale the inputs\.$"
        ):
            estimator.fit(X * 1e200, y)
