"""Pickles say which version they are of, and skops reads and writes all four estimators."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule
from chainrule import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor
from chainrule.errors import InconsistentVersionWarning

N = 40
X = np.random.default_rng(3).normal(size=(N, 3))
NUMBERS = X @ [1.0, -2.0, 0.5]
CLASSES = np.where(NUMBERS > 0, "high", "low")
FRAME = {
    "a": X[:, 0],
    "b": X[:, 1],
    "day": np.arange("2024-01-01", "2024-02-10", dtype="datetime64[D]"),
    "c": CLASSES,
}
SMALL = {"hidden_layer_sizes": (3,), "max_iter": 3, "random_state": 0}
OF_TABLES = {"hidden": [3], "epochs": 3, "engine": "reference", "random_state": 0}


def fitted():
    """One of each, each with what it keeps besides where there is something."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "mlp classes": (MLPClassifier(**SMALL, early_stopping=True, calibrate=True).fit(X, CLASSES), X),
            "mlp numbers": (MLPRegressor(**SMALL, missing="mean+indicator").fit(X, NUMBERS), X),
            "table classes": (TableClassifier(**OF_TABLES, class_weight="balanced").fit(X, CLASSES), X),
            "table numbers": (TableRegressor(**OF_TABLES).fit(FRAME, NUMBERS), FRAME),
            "recipe": (
                TableRegressor(epochs=2, engine="reference", random_state=1, members=2).fit(FRAME, NUMBERS),
                FRAME,
            ),
            "pipeline": (make_pipeline(StandardScaler(), TableClassifier(**OF_TABLES)).fit(X, CLASSES), X),
            "tabm": (TableClassifier(**OF_TABLES, sharing="tabm", members=2).fit(FRAME, CLASSES), FRAME),
        }


@pytest.fixture(scope="module")
def made():
    return fitted()


NAMES = ("mlp classes", "mlp numbers", "table classes", "table numbers", "recipe", "pipeline", "tabm")


@pytest.mark.parametrize("name", NAMES)
def test_skops_and_pickle_keep_all(made, name):
    one, rows = made[name]
    data = skops.io.dumps(one)
    trusted = skops.io.get_untrusted_types(data=data)
    assert all(kind.startswith("chainrule.") for kind in trusted)
    for again in (
        skops.io.loads(data, trusted=trusted),
        pickle.loads(pickle.dumps(one)),
        copy.deepcopy(one),
    ):
        assert again.predict(rows).tolist() == one.predict(rows).tolist()
        assert again.get_params().keys() == one.get_params().keys()
        assert not hasattr(again, "_chainrule_version")
    if name == "table numbers":
        assert again.predict(rows, quantiles=[0.5]).tolist() == one.predict(rows, quantiles=[0.5]).tolist()
        assert again.history_ == one.history_
    if name != "pipeline":
        assert vars(clone(again)).keys() == vars(clone(one)).keys()


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor, TableClassifier, TableRegressor])
def test_skops_and_pickle_keep_one_that_is_not_fitted(kind):
    one = kind(random_state=3)
    data = skops.io.dumps(one)
    for again in (
        skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data)),
        pickle.loads(pickle.dumps(one)),
    ):
        assert again.get_params() == one.get_params()


@pytest.mark.parametrize("name", [*NAMES, "model"])
@pytest.mark.parametrize("version", ["0.0.1", "9.1.0", None])
def test_a_pickle_of_another_version_warns(made, name, version, monkeypatch):
    one = made["table numbers"][0].model_ if name == "model" else made[name][0]
    if version is None:
        if name in ("model", "pipeline"):
            pytest.skip("has always said its version, or is scikit-learn's own")
        state = one.__getstate__()
        del state["_chainrule_version"]
        again = type(one).__new__(type(one))
        with pytest.warns(InconsistentVersionWarning, match="was pickled by an older chainrule"):
            again.__setstate__(state)
        return
    for module in ("estimators.base", "model.model"):
        monkeypatch.setattr(f"chainrule.{module}.__version__", version)
    data = pickle.dumps(one)
    monkeypatch.undo()
    with pytest.warns(
        InconsistentVersionWarning, match=rf"was pickled by chainrule {version}, and is read by"
    ) as seen:
        again = pickle.loads(data)
    assert len(seen) == 1
    rows = FRAME if name == "model" else made[name][1]
    assert (
        getattr(again.predict(rows), "labels", again.predict(rows)).tolist()
        == getattr(one.predict(rows), "labels", one.predict(rows)).tolist()
    )


def test_a_file_of_another_version_does_not(made, tmp_path, monkeypatch):
    monkeypatch.setattr("chainrule.model.model.__version__", "0.0.1")
    made["table numbers"][0].save(tmp_path / "m")
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TableRegressor.load(tmp_path / "m")
        chainrule.load(tmp_path / "m")
