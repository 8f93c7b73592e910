"""Estimators and checkpoints in files, pickles and copies: what comes back goes on as if nothing had happened."""

import copy
import json
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

from chainrule import MLPClassifier, MLPRegressor
from chainrule.errors import ModelFileError, OutputError
from chainrule.estimators import SaveCheckpoint
from chainrule.model.file import read_model_file, write_model_file

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, CLASS = load_iris(return_X_y=True)
ORDER = np.random.default_rng(0).permutation(150)
X, CLASS = X[ORDER], CLASS[ORDER]
HOLES = np.where(np.random.default_rng(1).random(X.shape) < 0.1, np.nan, X)
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"])
OPTIONS = {"hidden_layer_sizes": (6, 5), "max_iter": 12, "random_state": 3, "learning_rate_init": 0.02}


def classifier(**options):
    return MLPClassifier(**{**OPTIONS, **options})


def regressor(**options):
    return MLPRegressor(**{**OPTIONS, **options})


FITTED = {
    "numbers as classes": lambda: classifier().fit(X, CLASS),
    "text as classes": lambda: classifier(class_weight={"b": 2}).fit(FRAME, np.array(list("abc"))[CLASS]),
    "objects as classes": lambda: classifier().fit(X, np.array(list("abc"), object)[CLASS]),
    "yes or no": lambda: classifier(dtype="float32", class_weight={True: 3}).fit(X, CLASS == 1),
    "labels": lambda: classifier(calibrate=True, early_stopping=True).fit(X, np.c_[CLASS == 1, CLASS == 2].astype(int)),
    "a number": lambda: regressor(loss="huber", solver="sgd", n_iter_no_change=np.inf).fit(X, CLASS * 1.5),
    "two numbers": lambda: regressor(activation=["mish", "sin(z)"], dropout=(0.1, 0.0)).fit(X, np.c_[CLASS, CLASS]),
    "missing values": lambda: regressor(missing="mean+indicator", frozen=["b[2]"]).fit(HOLES, CLASS),
    "lbfgs": lambda: regressor(solver="lbfgs").fit(X, CLASS),
    "partial fit": lambda: classifier().partial_fit(X, CLASS, classes=[0, 1, 2]),
    "given weights": lambda: MLPClassifier.from_weights([np.eye(4)[:, :3]], [np.zeros(3)], random_state=0),
}  # fmt: skip


def rows(name):
    return {"missing values": HOLES, "text as classes": FRAME}.get(name, X)


def through_a_file(model, path):
    model.save(path)
    return type(model).load(path)


WAYS = {
    "file": through_a_file,
    "pickle": lambda model, _: pickle.loads(pickle.dumps(model)),
    "joblib": lambda model, path: (joblib.dump(model, path), joblib.load(path))[1],
    "copy": lambda model, _: copy.deepcopy(model),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FITTED)
def test_what_comes_back_answers_the_same_and_goes_on_the_same(name, way, tmp_path):
    model = FITTED[name]()
    again = WAYS[way](model, tmp_path / "model")
    x = rows(name)
    for method in ("predict", "predict_proba"):
        if hasattr(model, method):
            one, other = getattr(model, method)(x), getattr(again, method)(x)
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype
    for attribute, value in vars(model).items():
        if attribute.endswith("_") and not attribute.startswith("_") and attribute != "coefs_":
            np.testing.assert_equal(getattr(again, attribute), value, err_msg=attribute)
    for parameter, value in model.get_params().items():
        # A list comes back from a file as a tuple.
        want = tuple(value) if isinstance(value, list) and way == "file" else value
        assert again.get_params()[parameter] == want
    if name in ("lbfgs", "labels"):
        return
    y = model.predict(x)
    for estimator in (model, again):
        estimator.set_params(early_stopping=False).partial_fit(x, y)
    np.testing.assert_array_equal(model.coefs_[0], again.coefs_[0])
    assert model.loss_curve_ == again.loss_curve_


def test_a_file_is_arrays_and_plain_data(tmp_path):
    path = tmp_path / "model.safetensors"
    FITTED["text as classes"]().save(path)
    with safe_open(path, "np") as file:
        assert file.get_tensor("parameters").dtype == np.float64
        description = json.loads(file.metadata()["description"])
    assert description["estimator"] == "MLPClassifier"
    assert description["classes"]["names"] == ["a", "b", "c"]
    assert description["features"] == ["a", "b", "c", "d"]


def test_code_is_left_out_with_a_warning(tmp_path):
    model = regressor(callbacks=[lambda state: None], random_state=np.random.RandomState(0)).fit(X, CLASS)
    with pytest.warns(
        UserWarning, match="callbacks, random_state can't be written to a file that holds no code"
    ):
        model.save(tmp_path / "model")
    again = MLPRegressor.load(tmp_path / "model")
    assert again.callbacks is again.random_state is None
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_files_that_are_something_else_are_refused(tmp_path):
    path = tmp_path / "model"
    with pytest.raises(NotFittedError):
        MLPRegressor().save(path)
    regressor().fit(X, CLASS).save(path)
    with pytest.raises(OutputError, match="exists"):
        regressor().fit(X, CLASS).save(path)
    regressor(alpha=0.5).fit(X, CLASS).save(path, overwrite=True)
    assert MLPRegressor.load(path).alpha == 0.5
    with pytest.raises(ModelFileError, match="holds MLPRegressor, not a MLPClassifier"):
        MLPClassifier.load(path)
    with pytest.raises(ModelFileError, match="not a checkpoint of a MLPRegressor"):
        regressor().fit(X, CLASS, resume=path)
    arrays, data = read_model_file(path)
    for change, words in (
        ({"estimator_version": 3}, "upgrade"),
        ({"design": {}}, "can use"),
        ({"parameters": {"nonsense": 1}}, "nonsense"),
        ({"design": {**data["design"], "sizes": [4, 7, 5, 1]}}, "parameters of shape"),
        ({"fitted": []}, "can use"),
    ):
        write_model_file(path, arrays, {**data, **change}, overwrite=True)
        with pytest.raises(ModelFileError, match=words):
            MLPRegressor.load(path)
    with pytest.raises(ModelFileError, match="does not exist"):
        MLPRegressor.load(tmp_path / "nothing")


def test_a_clone_has_the_parameters_and_nothing_learned():
    model = classifier(class_weight={0: 2.0}, dropout=(0.1, 0.2)).fit(X, CLASS)
    again = clone(model)
    assert again.get_params() == model.get_params()
    assert not any(name.endswith("_") for name in vars(again))


# ---- checkpoints


@pytest.mark.parametrize(
    "options", [{}, {"early_stopping": True}, {"solver": "sgd", "learning_rate": "invscaling"}], ids=str
)
@pytest.mark.parametrize("seed", [3, None])
def test_a_training_cut_short_goes_on_to_the_same_bits(options, seed, tmp_path):
    path = tmp_path / "checkpoint"
    # Without a random_state, the one that was drawn is in the file.
    np.random.seed(5)
    whole = regressor(random_state=seed, batch_size=20, **options).fit(X, CLASS)
    np.random.seed(5)
    saving = SaveCheckpoint(path, every=4)

    def cut(state):
        return state.line.epoch == 7

    regressor(random_state=seed, batch_size=20, callbacks=[saving, cut], **options).fit(X, CLASS)
    again = regressor(random_state=seed, batch_size=20, **options).fit(X, CLASS, resume=path)
    for one, other in zip(
        [*whole.coefs_, *whole.intercepts_], [*again.coefs_, *again.intercepts_], strict=True
    ):
        np.testing.assert_array_equal(one, other)
    for name in ("loss_curve_", "validation_scores_", "best_validation_score_", "n_iter_", "t_", "stopped_"):
        assert getattr(whole, name) == getattr(again, name), name


def test_a_pickle_holds_no_rows(tmp_path):
    saving = SaveCheckpoint(tmp_path / "checkpoint")
    model = regressor(callbacks=[saving]).fit(np.tile(X, (200, 1)), np.tile(CLASS, 200))
    assert saving._training is None
    assert len(pickle.dumps(model)) < 50_000


def test_a_checkpoint_of_own_validation_rows(tmp_path):
    path = tmp_path / "checkpoint"
    held = X[100:], CLASS[100:]
    options = {"early_stopping": True, "batch_size": 20}
    whole = classifier(**options).fit(X[:100], CLASS[:100], None, *held)
    short = classifier(callbacks=SaveCheckpoint(path), **options).set_params(max_iter=5)
    short.fit(X[:100], CLASS[:100], None, *held)
    again = classifier(**options).fit(X[:100], CLASS[:100], None, *held, resume=path)
    np.testing.assert_array_equal(whole.coefs_[0], again.coefs_[0])
    with pytest.raises(ValueError, match="give all that it was made with, X_val too"):
        classifier(**options).fit(X[:100], CLASS[:100], resume=path)


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    path = tmp_path / "checkpoint"
    regressor(callbacks=SaveCheckpoint(path, every=5)).fit(X, CLASS)
    with pytest.raises(ValueError, match="another network"):
        regressor(hidden_layer_sizes=(3,)).fit(X, CLASS, resume=path)
    with pytest.raises(ModelFileError, match="not a checkpoint of a MLPClassifier"):
        classifier().fit(X, CLASS, resume=path)
    with pytest.raises(ValueError, match="goes on from"):
        regressor(solver="sgd", momentum=0).fit(X, CLASS, resume=path)
    with pytest.raises(ValueError, match="at least 1"):
        SaveCheckpoint(path, every=0)
    with pytest.raises(ValueError, match="'lbfgs' can't go on from a checkpoint"):
        regressor(solver="lbfgs").fit(X, CLASS, resume=path)
    with pytest.raises(ValueError, match="choose one of them"):
        regressor(warm_start=True).fit(X, CLASS).fit(X, CLASS, resume=path)
    with pytest.raises(ValueError, match="give it to an estimator"):
        SaveCheckpoint(path)(None)
