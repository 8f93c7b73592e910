"""However long a training was, it can be written; and files from when histories were plain data are read."""

from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule import MLPClassifier, TableRegressor
from chainrule.errors import ModelFileError
from chainrule.estimators.callbacks import read_checkpoint
from chainrule.model.file import read_model_file, write_model_file
from chainrule.training.checkpoint import Checkpoint, Epoch, history_from_bits, history_to_bits

HERE = Path(__file__).parent
X = np.linspace(-1, 1, 24).reshape(12, 2)
LONG = 1500
"""More epochs than have room in a description that may hold so many values, as here."""


@pytest.fixture
def little_room(monkeypatch) -> None:
    monkeypatch.setattr("chainrule.model._strict_json.MAX_VALUES", LONG)


def lines(n: int) -> list[Epoch]:
    return [Epoch(i, 1 / i, float("nan"), 0.1, float("inf") if i % 2 else 2.0, -i) for i in range(1, n + 1)]


def same(one: list[Epoch], other: list[Epoch]) -> bool:
    """Tell whether histories are equal, NaN being itself, and what is not finite NaN."""
    first, second = (np.array(history, float) for history in (one, other))
    first[~np.isfinite(first)] = np.nan
    return np.array_equal(first, second, equal_nan=True)


def test_a_history_is_bits_of_its_numbers():
    for history in ([], lines(1), lines(7)):
        bits = history_to_bits(history)
        again = history_from_bits(bits, "history")
        assert same(history, again) or not history
        assert len(again) == len(history)
        assert all(type(line.epoch) is int for line in again)
        assert history_to_bits(again).tobytes() == bits.tobytes()


def test_a_long_training_of_a_table_is_written(tmp_path, little_room):
    made = TableRegressor(hidden=[2], epochs=1, members=1, engine="reference").fit(X, X[:, 0])
    made._keep_history(lines(LONG))
    made.save(tmp_path / "m")
    again = TableRegressor.load(tmp_path / "m")
    assert same([line._replace(seconds=np.nan) for line in made.history_], again.history_)
    assert again.n_iter_ == LONG
    assert chainrule.load(tmp_path / "m").to_dict() == made.model_.to_dict()


def test_a_long_training_of_a_perceptron_is_written(tmp_path, little_room):
    made = MLPClassifier((2,), max_iter=1, solver="sgd", learning_rate_init=1e-9, callbacks=[])
    with pytest.warns(UserWarning, match="converge"):
        made.fit(X, [0, 1] * 6)
    made.loss_curve_ = made.validation_loss_curve_ = [line.training_loss for line in lines(LONG)]
    made._checkpoint = Checkpoint(**{**vars(made._checkpoint), "history": tuple(lines(LONG))})
    made.save(tmp_path / "m")
    again = MLPClassifier.load(tmp_path / "m")
    assert (again.loss_curve_, again.validation_loss_curve_) == (
        made.loss_curve_,
        made.validation_loss_curve_,
    )
    assert again.validation_scores_ is None
    assert same(made._checkpoint.history, again._checkpoint.history)
    arrays, data = read_model_file(tmp_path / "m")
    for wrong in (np.ones(3), np.ones((2, 2), np.uint64)):
        write_model_file(tmp_path / "n", {**arrays, "fitted.loss_curve_": wrong}, data, overwrite=True)
        with pytest.raises(ModelFileError, match="loss_curve_: an array of bits is expected"):
            MLPClassifier.load(tmp_path / "n")


def test_files_of_the_first_version():
    model = MLPClassifier.load(HERE / "mlp-1.safetensors")
    assert model.loss_curve_ == [0.7475758895524202, 0.7472583928289742, 0.7469414561531413]
    assert model.validation_loss_curve_ == [0.7521917449891636, 0.7519529720749158, 0.7517144582011946]
    assert model.validation_scores_ == [1 / 3] * 3
    np.testing.assert_allclose(model.predict_proba(X[:1]), [[0.66674103, 0.33325897]], rtol=1e-7)
    table = TableRegressor.load(HERE / "table-1.safetensors")
    assert table.loss_curve_ == [0.9838725510479479, 0.9800684589495605, 0.9762743247121886]
    assert np.isnan(table.history_[1].seconds)
    np.testing.assert_allclose(table.predict(X[:2]), [0.71823939, 0.58218213], rtol=1e-7)
    *_, point = read_checkpoint(HERE / "checkpoint-1.safetensors", MLPClassifier())
    assert [line.training_loss for line in point.history] == model.loss_curve_
    assert [line.epoch for line in point.history] == [1, 2, 3]


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_training_goes_on_from_a_checkpoint_of_the_first_version():
    words = {"max_iter": 3, "random_state": 1, "early_stopping": True, "validation_fraction": 0.25}
    y = ["a", "b", "b"] * 4
    whole = MLPClassifier((2,), **words).fit(X, y)
    ended = MLPClassifier((2,), **words).fit(X, y, resume=HERE / "checkpoint-1.safetensors")
    assert ended.loss_curve_ == whole.loss_curve_
