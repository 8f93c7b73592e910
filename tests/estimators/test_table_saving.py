"""A fitted estimator in a file that can't run code, and back."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import chainrule
from chainrule import TableClassifier, TableRegressor
from chainrule.errors import ModelFileError, OutputError
from chainrule.model.file import read_model_file, write_model_file

QUICK: dict[str, Any] = {"hidden": [4], "members": 2, "epochs": 4, "random_state": 0, "engine": "reference"}
FRAME = pd.DataFrame({"x": np.arange(40.0) % 7, "c": ["u", "v", None, "w"] * 10})
NAMES = np.array(["a", "b"] * 20)


def saved(tmp_path, made):
    made.save(tmp_path / "m")
    return type(made).load(tmp_path / "m")


@pytest.mark.parametrize(
    "y", [NAMES, [True, False] * 20, [1, 2] * 20, [1.0, 3.0] * 20, pd.Series(NAMES, name="kind")], ids=str
)
def test_a_classifier_read_back_is_the_same(tmp_path, y):
    words = {"class_weight": {y[0]: 2.0}, "calibrate": True, "kinds": {"x": "category"}, "missing": ["?"]}
    made = TableClassifier(**QUICK, **words, activation=["tanh"]).fit(FRAME, y)
    found = saved(tmp_path, made)
    assert np.array_equal(found.predict_proba(FRAME), made.predict_proba(FRAME))
    assert found.predict(FRAME).tolist() == made.predict(FRAME).tolist()
    assert found.classes_.tolist() == made.classes_.tolist()
    assert found.classes_.dtype.kind == made.classes_.dtype.kind.replace("O", "U")
    assert found.get_params() == made.get_params()
    assert found.temperature_ == made.temperature_
    assert (found.schema_, found.notes_, found.n_iter_) == (made.schema_, made.notes_, made.n_iter_)
    assert found.loss_curve_ == made.loss_curve_
    assert found.validation_loss_curve_ == made.validation_loss_curve_
    assert list(found.feature_names_in_) == ["x", "c"]
    again = clone(found).fit(FRAME, y)
    assert np.array_equal(again.model_.parameters, made.model_.parameters)


def test_a_regressor_read_back_is_the_same(tmp_path):
    x, y = FRAME[["x"]].to_numpy(), np.arange(40.0)
    made = TableRegressor(**QUICK).fit(x, y)
    found = saved(tmp_path, made)
    assert np.array_equal(found.predict(x), made.predict(x))
    assert np.array_equal(found.predict(x, quantiles=[0.3, 0.7]), made.predict(x, quantiles=[0.3, 0.7]))
    assert not hasattr(found, "feature_names_in_")
    assert found.n_features_in_ == 1
    without = TableRegressor(**QUICK, early_stopping=False).fit(x, y)
    without.save(tmp_path / "m", overwrite=True)
    assert TableRegressor.load(tmp_path / "m").intervals_ is None


def test_the_file_is_a_model_too(tmp_path):
    made = TableClassifier(**QUICK).fit(FRAME, pd.Series(NAMES, name="kind"))
    made.save(tmp_path / "m")
    model = chainrule.load(tmp_path / "m")
    assert np.array_equal(model.predict(FRAME).probabilities, made.predict_proba(FRAME))
    assert model.evaluate(FRAME.assign(kind=NAMES)).scores["accuracy"] == made.score(FRAME, NAMES)


def test_the_same_seed_gives_the_same_file(tmp_path):
    for name in ("one", "two"):
        TableRegressor(**QUICK).fit(FRAME, np.arange(40.0)).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_what_is_code_is_left_out_with_a_warning(tmp_path):
    made = TableClassifier(
        **{**QUICK, "random_state": np.random.RandomState(0)},
        callbacks=[bool],
        stopping_metric=lambda y, p: 0.5,
    )
    with pytest.warns(UserWarning, match="the network has learned nothing"):
        made.fit(FRAME, NAMES)
    line = (
        "^callbacks, random_state, stopping_metric can't be written to a file that holds no code: left out$"
    )
    with pytest.warns(UserWarning, match=line):
        made.save(tmp_path / "m")
    found = TableClassifier.load(tmp_path / "m")
    assert found.callbacks is found.random_state is found.stopping_metric is None
    assert np.array_equal(found.predict_proba(FRAME), made.predict_proba(FRAME))


def test_a_file_that_exists_is_kept(tmp_path):
    made = TableClassifier(**QUICK).fit(FRAME, NAMES)
    made.save(tmp_path / "m")
    with pytest.raises(OutputError, match="m"):
        made.save(tmp_path / "m")
    made.save(tmp_path / "m", overwrite=True)


def test_another_file_is_refused(tmp_path):
    made = TableClassifier(**QUICK).fit(FRAME, NAMES)
    made.save(tmp_path / "m")
    made.model_.save(tmp_path / "model")
    with pytest.raises(ModelFileError, match="m holds TableClassifier, not a TableRegressor"):
        TableRegressor.load(tmp_path / "m")
    with pytest.raises(
        ModelFileError, match=r"model holds a model, which chainrule\.load reads, not a TableClassifier"
    ):
        TableClassifier.load(tmp_path / "model")
    with pytest.raises(ModelFileError):
        TableClassifier.load(tmp_path / "nothing")


CHANGES: dict[str, Any] = {
    "fitted": None,
    "fitted.parameters": {"shape": [4]},
    "fitted.parameters.class_weight": {"pairs": [1]},
    "fitted.schema": {},
    "fitted.notes": [1],
    "fitted.history": [[1, 0.5]],
    "fitted.history ": [[]],
    "fitted.history  ": {},
    "fitted.n_features": 9,
    "fitted.n_features ": 3,
    "fitted.named": "yes",
    "fitted.more": {"intervals": 1},
    "target": None,
}


@pytest.mark.parametrize("place", CHANGES)
def test_nonsense_is_one_line(tmp_path, place):
    TableClassifier(**QUICK).fit(FRAME, NAMES).save(tmp_path / "good")
    arrays, description = read_model_file(tmp_path / "good")
    part = description = json.loads(json.dumps(description))
    *path, last = place.strip().split(".")
    for name in path:
        part = part[name]
    part[last] = CHANGES[place]
    write_model_file(tmp_path / "bad", arrays, description)
    with pytest.raises(ModelFileError, match="bad is not a TableClassifier that chainrule") as caught:
        TableClassifier.load(tmp_path / "bad")
    assert "\n" not in str(caught.value)
