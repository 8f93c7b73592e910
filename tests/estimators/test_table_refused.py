"""What users of scikit-learn's networks were refused, where it concerns raw tables: each has a test."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning

from chainrule import TableClassifier, TableRegressor
from chainrule.errors import ModelFileError, SettingsError, TableError
from chainrule.estimators import MetricMonitor, ProgressBar, SaveCheckpoint
from chainrule.fitting.question import Question
from chainrule.fitting.train import prepare
from chainrule.training.scores.metrics import log_loss
from chainrule.training.scores.temperature import at_temperature

QUICK: dict[str, Any] = {"hidden": [8], "members": 2, "epochs": 30, "learning_rate": 0.02, "random_state": 0}


def classifier(**words: Any) -> TableClassifier:
    return TableClassifier(**{**QUICK, **words})


def regressor(**words: Any) -> TableRegressor:
    return TableRegressor(**{**QUICK, **words})


def classes(n: int = 200, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """One row in five is rare; numbers, a category and missing values tell it, with noise."""
    random = np.random.default_rng(seed)
    rare = random.random(n) < 0.2
    x = random.normal(size=n) + rare
    frame = pd.DataFrame(
        {"x": np.where(random.random(n) < 0.1, np.nan, x), "c": np.where(random.random(n) < 0.5, "u", None)}
    )
    return frame, np.where(rare, "rare", "usual")


def numbers(n: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 2))
    return x, 3 * x[:, 0] + random.normal(size=n)


# ---- weights of classes


def test_class_weights_find_the_rare_class():
    frame, y = classes()
    plain, balanced = classifier().fit(frame, y), classifier(class_weight="balanced").fit(frame, y)
    found = [np.mean(made.predict(frame)[y == "rare"] == "rare") for made in (plain, balanced)]
    assert found[1] > found[0] + 0.2
    by_hand = classifier(
        class_weight={"rare": 200 / (2 * sum(y == "rare")), "usual": 200 / (2 * sum(y == "usual"))}
    )
    assert np.allclose(by_hand.fit(frame, y).predict_proba(frame), balanced.predict_proba(frame), atol=1e-5)


def test_class_weights_multiply_the_rows_weights():
    frame, y = classes()
    weights = np.where(np.arange(200) % 2, 1.0, 2.0)
    one = classifier(class_weight={"rare": 3}).fit(frame, y, sample_weight=weights)
    other = classifier().fit(frame, y, sample_weight=weights * np.where(y == "rare", 3, 1))
    assert np.array_equal(one.model_.parameters, other.model_.parameters)
    number = np.where(y == "rare", 0, 1)
    numbered = classifier(class_weight={0: 3}).fit(frame, number, sample_weight=weights)
    assert np.array_equal(numbered.model_.parameters, one.model_.parameters)


def test_a_class_weight_of_no_class_is_refused():
    frame, y = classes()
    with pytest.raises(
        SettingsError, match="class_weight names the class 'rar', but the classes are rare, usual"
    ):
        classifier(class_weight={"rar": 2}).fit(frame, y)
    with pytest.raises(SettingsError, match="class_weight 'equal' is unknown: write balanced"):
        classifier(class_weight="equal").fit(frame, y)


def test_own_validation_rows_have_no_say_in_what_is_balanced():
    frame, y = classes()
    usual = y == "usual"
    made = [
        classifier(class_weight="balanced", early_stopping=False, epochs=3).fit(
            frame, y, X_val=frame[rows], y_val=y[rows]
        )
        for rows in (usual, ~usual)
    ]
    assert np.array_equal(made[0].model_.parameters, made[1].model_.parameters)
    with pytest.raises(SettingsError, match="class_weight gives every training row the weight 0"):
        classifier(class_weight={"rare": 0, "usual": 0}).fit(frame, y)


def test_weights_of_rows():
    x, y = numbers()
    weights = np.zeros(200)
    weights[:50] = 1
    made = regressor().fit(x, y, sample_weight=weights)
    assert made.model_.card["rows"]["training"] + made.model_.card["rows"]["validation"] == 50
    assert np.array_equal(
        made.model_.parameters, regressor().fit(x[:50], y[:50], sample_weight=np.ones(50)).model_.parameters
    )
    assert "150 rows have the weight 0, and are left out of training and score" in made.notes_
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        regressor().fit(x, y, sample_weight=weights - 1)
    with pytest.raises(ValueError, match="sample_weight"):
        regressor().fit(x, y, sample_weight=weights[:3])
    with pytest.raises(ValueError, match="zero"):
        regressor().fit(x, y, sample_weight=np.zeros(200))


# ---- activations, losses, optimizers


@pytest.mark.parametrize(
    "words",
    [
        {"dropout": 0.3},
        {"activation": "leaky_relu"},
        {"activation": "mish"},
        {"hidden": [8, 4], "activation": ["tanh", "leaky_relu(alpha=0.2)"]},
        {"activation": "z/(1+abs(z))"},
        {"loss": "mean_absolute_error"},
        {"loss": "huber(delta=0.5)"},
        {"loss": "log(1 + (a-y)^2)"},
        {"optimizer": "adamw", "weight_decay": 0.1},
        {"schedule": "cosine", "warmup": 3},
        {"clip_norm": 1.0},
    ],
    ids=str,
)
def test_what_can_be_chosen_learns(words):
    x, y = numbers()
    made = regressor(**{"epochs": 60, **words}).fit(x, y)
    assert made.score(x, y) > 0.7  # of 0.9 that the noise leaves
    if "activation" in words:
        last = words["activation"] if isinstance(words["activation"], str) else words["activation"][-1]
        assert made.model_.network.layers[-2].activation.spec == last.replace("alpha=0.2", "alpha=0.2")


def test_a_quantile_loss_predicts_that_quantile():
    below = []
    for seed in range(6):
        made = regressor(loss="quantile(q=0.9)", epochs=60, random_state=seed).fit(*numbers(600, seed))
        new, true = numbers(2000, seed=100 + seed)
        below.append([np.mean(true < made.predict(new)), np.mean(true < made.predict(new, quantiles=0.9))])
    assert np.mean(below, axis=0) == pytest.approx(0.9, abs=0.035)


def test_a_loss_without_probabilities_has_no_predict_proba():
    frame, y = classes()
    made = classifier(loss="hinge")
    assert made.fit(frame, y).predict(frame).shape == (200,)
    assert not hasattr(made, "predict_proba")
    with pytest.raises(AttributeError) as caught:
        made.predict_proba(frame)
    assert str(caught.value.__cause__) == "the loss hinge gives no probabilities; choose another loss"
    with pytest.raises(
        SettingsError, match="the loss hinge with outputs identity gives no probabilities to calibrate"
    ):
        classifier(loss="hinge", calibrate=True).fit(frame, y)


# ---- validation rows of one's own


def test_own_validation_rows_are_what_is_watched():
    x, y = numbers()
    x_val, y_val = numbers(30, seed=1)
    made = regressor().fit(x, y, X_val=x_val, y_val=y_val)
    assert made.model_.card["rows"] == {"training": 200, "validation": 30, "test": 0}
    # The loss that is watched, from the model itself: the mean of the members' squared errors of scaled targets.
    encoded = made.model_.encoder.transform(made._table(x_val))
    scaled = (y_val - y.mean()) / y.std()
    last = regressor(early_stopping=False).fit(x, y, X_val=x_val, y_val=y_val)
    losses = ((last.model_.outputs(encoded)[:, :, 0] - scaled) ** 2).mean()
    assert last.validation_loss_curve_[-1] == pytest.approx(losses, rel=1e-4)
    best = ((made.model_.outputs(encoded)[:, :, 0] - scaled) ** 2).mean(axis=1)
    assert best.mean() <= min(made.validation_loss_curve_) + 1e-6


def test_own_validation_rows_are_not_learned_from():
    """Absurd ones, in another order of columns, change neither the encoder nor, unwatched, the network."""
    frame, y = classes()
    absurd = pd.DataFrame({"c": ["never seen", None], "x": [1e6, -1e6]})
    words: dict[str, Any] = {"early_stopping": False, "epochs": 5}
    alone = classifier(**words, validation_share=0.0).fit(frame, y)
    made = classifier(**words).fit(frame, y, X_val=absurd, y_val=["rare", "usual"])
    assert made.model_.encoder == alone.model_.encoder
    assert made.schema_ == alone.schema_
    assert np.array_equal(made.model_.parameters, alone.model_.parameters)
    assert np.isnan(alone.validation_loss_curve_).all()
    assert np.isfinite(made.validation_loss_curve_).all()


def test_own_validation_rows_stop_the_training():
    x, y = numbers()
    with pytest.warns(ConvergenceWarning, match="the network has learned nothing"):
        wrong = regressor(epochs=100, patience=5).fit(x, y, X_val=x[:40], y_val=-y[:40])
    assert wrong.n_iter_ < 20
    right = regressor(epochs=100, patience=5).fit(x, y, X_val=x[:40], y_val=y[:40])
    assert right.score(x, y) > wrong.score(x, y)


def test_own_validation_rows_that_cannot_be_are_refused():
    frame, y = classes()
    with pytest.raises(SettingsError, match="X_val and y_val belong together: give both, or neither"):
        classifier().fit(frame, y, X_val=frame)
    with pytest.raises(
        SettingsError, match="validation rows are given, and a validation_share of the others"
    ):
        classifier(validation_share=0.1).fit(frame, y, X_val=frame, y_val=y)
    with pytest.raises(
        TableError, match="X_val: row 1, column 'target': 'other' is none of the classes that were"
    ):
        classifier().fit(frame, y, X_val=frame[:1], y_val=["other"])
    with pytest.raises(TableError, match="X_val: the column 'x' that the model was trained on is not there"):
        classifier().fit(frame, y, X_val=frame[["c"]], y_val=y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier().fit(frame, y, X_val=frame[:2], y_val=y)


def test_a_prepared_table_takes_validation_rows_and_kinds():
    table = {"x": [1.0, 2.0, 3.0, 4.0] * 5, "code": [1, 2] * 10, "y": [1.5, 2.5, 3.0, 4.0] * 5}
    rows = {"y": [2.0, None], "code": [2, 1], "x": [2.0, 3.0]}
    found = prepare(Question(table, "y", test_share=0.25, validation=rows, kinds={"code": "category"}))
    assert found.rows == {"training": 15, "validation": 1, "test": 5}
    assert found.arrays.x.shape == (16, found.encoder.n_inputs)
    assert found.schema.notes[-1] == "the table: 1 row has no target, and can't be scored on"
    assert {column.name: column.kind for column in found.schema.columns}["code"] == "category"


def test_weights_of_own_validation_rows():
    frame, y = classes()
    rows, true = frame[:40], y[:40]
    twice = np.where(np.arange(40) < 10, 2.0, 1.0)
    words: dict[str, Any] = {"epochs": 4, "early_stopping": False}
    weighed = classifier(**words).fit(frame, y, X_val=rows, y_val=true, sample_weight_val=twice)
    repeated = classifier(**words).fit(
        frame, y, X_val=pd.concat([rows, rows[:10]]), y_val=np.append(true, true[:10])
    )
    plain = classifier(**words).fit(frame, y, X_val=rows, y_val=true)
    assert weighed.validation_loss_curve_ == pytest.approx(repeated.validation_loss_curve_, rel=1e-5)
    assert weighed.validation_loss_curve_ != pytest.approx(plain.validation_loss_curve_, rel=1e-4)
    with pytest.raises(SettingsError, match="sample_weight_val weighs the rows of X_val"):
        classifier().fit(frame, y, sample_weight_val=twice)


def test_errors_name_parameters_rather_than_options():
    frame, y = classes()
    for words, said in (
        ({"learning_rate": -1}, "^learning_rate -1 must be"),
        ({"optimizer": "lbfgs", "dropout": 0.1}, "so dropout can't be used with it$"),
        (
            {"early_stopping": False, "patience": 3},
            "^patience would have no effect: .* or add early_stopping=True$",
        ),
    ):
        with pytest.raises(SettingsError, match=said):
            classifier(**words).fit(frame, y)
    with pytest.raises(TableError, match=r"'x' is not a number; .* as missing with missing=\['x'\]$"):
        classifier(kinds={"a": "number"}).fit({"a": ["1", "x"] * 20}, ["p", "q"] * 20)
    few = TableClassifier(epochs=1, members=1, random_state=1).fit(frame, y)
    assert few.notes_[-1] == "the loss was still falling at the last epoch: more epochs may help"
    with pytest.raises(SettingsError, match="callback ProgressBar is a class: give an object of it"):
        classifier(callbacks=ProgressBar).fit(frame, y)


# ---- curves, metrics, callbacks


def test_the_validation_loss_has_a_curve():
    x, y = numbers()
    made = regressor().fit(x, y)
    assert (
        made.n_iter_ == len(made.loss_curve_) == len(made.validation_loss_curve_) == len(made.history_) == 30
    )
    assert made.validation_loss_curve_[-1] < made.validation_loss_curve_[0]
    assert [line.validation_loss for line in made.history_] == made.validation_loss_curve_


def test_early_stopping_watches_any_metric():
    frame, y = classes(400)
    made = classifier(stopping_metric="balanced_accuracy", members=1, random_state=3).fit(frame, y)
    watched = [line.watched for line in made.history_]
    (best,) = made.model_.card["best_epochs"]
    assert watched[best - 1] == max(watched)
    same = classifier(stopping_metric="loss", members=1).fit(frame, y)
    assert np.array_equal(same.predict_proba(frame), classifier(members=1).fit(frame, y).predict_proba(frame))


def test_a_metric_of_numbers_is_in_the_units_of_y():
    x, y = numbers()
    y = 1000 + 100 * y
    seen = []

    def largest_error(true, predicted):
        seen.append((true.min(), true.max()))
        return -np.abs(true - predicted).max()

    made = regressor(stopping_metric=largest_error).fit(x, y, X_val=x[:50], y_val=y[:50])
    assert seen[0] == pytest.approx((y[:50].min(), y[:50].max()))
    assert max(line.watched for line in made.history_) > -500
    rmse = regressor(stopping_metric="rmse", members=1, early_stopping=True).fit(
        x, y, X_val=x[:50], y_val=y[:50]
    )
    assert min(line.watched for line in rmse.history_) == pytest.approx(
        np.sqrt(np.mean((rmse.predict(x[:50]) - y[:50]) ** 2)), rel=1e-3
    )


def test_a_metric_of_classes_gets_their_names():
    frame, y = classes()
    named = []

    def metric(true, predicted):
        named.append(set(true) | set(predicted))
        return float(np.mean(true == predicted))

    classifier(stopping_metric=metric).fit(frame, y)
    assert set.union(*named) == {"rare", "usual"}


def test_a_metric_that_cannot_be_is_refused():
    frame, y = classes()
    with pytest.raises(SettingsError, match="stopping_metric would have no effect: early stopping is off"):
        classifier(stopping_metric="auc", early_stopping=False).fit(frame, y)
    with pytest.raises(SettingsError, match="metric rmse doesn't fit classes: choose loss, accuracy"):
        classifier(stopping_metric="rmse").fit(frame, y)
    with pytest.raises(SettingsError, match="accurcy"):
        classifier(stopping_metric="accurcy").fit(frame, y)


def test_callbacks_see_every_epoch_and_end_the_training():
    x, y = numbers()
    seen = []
    made = regressor(callbacks=lambda state: seen.append(state.line.epoch) or state.line.epoch == 4).fit(x, y)
    assert seen == [1, 2, 3, 4]
    assert made.model_.card["stopped"] == "callback"
    both: list[int] = []
    regressor(callbacks=[lambda state: both.append(1), lambda state: both.append(2)], epochs=2).fit(x, y)
    assert both == [1, 2, 1, 2]
    regressor(callbacks=ProgressBar(shown=False), epochs=2).fit(x, y)


def test_a_monitor_watches_rows_of_its_own_in_the_units_of_y():
    x, y = numbers()
    y = 1000 + 100 * y
    new, true = numbers(50, seed=1)
    true = 1000 + 100 * true
    monitor = MetricMonitor(new, true, "mae")
    made = regressor(callbacks=monitor, early_stopping=False).fit(x, y)
    assert len(monitor.curve) == 30
    assert monitor.curve[-1] == pytest.approx(np.abs(made.predict(new) - true).mean(), rel=1e-4)
    frame, names = classes()
    accuracy = MetricMonitor(frame, names, patience=1)
    stopped = classifier(callbacks=accuracy, epochs=200).fit(frame, names)
    assert stopped.model_.card["stopped"] == "callback"
    assert 0 <= accuracy.curve[-1] <= 1


@pytest.mark.parametrize("seed", [0, None])
def test_a_training_cut_short_goes_on_to_the_same_bits(seed, tmp_path):
    """Without a random_state, the one that was drawn is in the file."""
    path = tmp_path / "checkpoint"
    frame, y = classes()
    words: dict[str, Any] = {"random_state": seed, "dropout": 0.1, "class_weight": {"rare": 3}}
    np.random.seed(5)
    whole = classifier(**words).fit(frame, y)
    np.random.seed(5)
    saving = SaveCheckpoint(path, every=4)
    classifier(**words, callbacks=[saving, lambda state: state.line.epoch == 11]).fit(frame, y)
    again = classifier(**words).fit(frame, y, resume=path)
    np.testing.assert_array_equal(whole.model_.parameters, again.model_.parameters)
    assert whole.loss_curve_ == again.loss_curve_
    assert pickle.loads(pickle.dumps(saving)).path == path
    # What the checkpoint is not of.
    for other, made in (
        ("network", classifier(**words | {"hidden": [9]})),
        ("members", classifier(**words | {"members": 3})),
        ("stop_together", classifier(**words | {"stop_together": True})),
        ("watch", classifier(**words | {"watch": "error"})),
        ("watch", classifier(**words | {"stopping_metric": "accuracy"})),
    ):
        with pytest.raises(SettingsError, match=f"another training, whose {other} differed: fit with"):
            made.fit(frame, y, resume=path)
    with pytest.raises(SettingsError, match="whose data differed: fit with"):
        classifier(**words).fit(frame.assign(x=1 - frame["x"]), y, resume=path)
    with pytest.raises(ModelFileError, match="not a checkpoint of a TableRegressor"):
        regressor().fit(*numbers(), resume=path)
    saving = SaveCheckpoint(tmp_path / "numbers")
    regressor(callbacks=[saving], random_state=0).fit(*numbers())
    with pytest.raises(SettingsError, match="another training, whose clamp differed: fit with"):
        regressor(clamp=True, random_state=0).fit(*numbers(), resume=saving.path)
    whole.save(tmp_path / "model")
    with pytest.raises(ModelFileError, match="not a checkpoint of a TableClassifier"):
        classifier().fit(frame, y, resume=tmp_path / "model")


# ---- the same numbers, and probabilities that can be trusted


def test_any_number_of_threads_gives_the_same_bits():
    frame, y = classes()
    made = [classifier(threads=n, dropout=0.2, batch_size=16).fit(frame, y) for n in (1, 2, None)]
    assert all(np.array_equal(one.model_.parameters, made[0].model_.parameters) for one in made)
    assert all(np.array_equal(one.predict_proba(frame), made[0].predict_proba(frame)) for one in made)


def test_calibration_makes_the_log_loss_on_validation_rows_as_small_as_it_can_be():
    """A network trained too long on noise is too sure; the temperature found is the one that a grid finds."""
    frame, y = classes(100)
    rows, true = classes(300, seed=1)
    words: dict[str, Any] = {"hidden": [64, 64], "early_stopping": False, "epochs": 200, "members": 1}
    bold = classifier(**words).fit(frame, y, X_val=rows, y_val=true)
    made = classifier(**words, calibrate=True).fit(frame, y, X_val=rows, y_val=true)
    codes = np.searchsorted(made.classes_, true)
    assert bold.temperature_ == 1
    assert made.temperature_ > 1.2
    assert made.model_.card["temperature"] == made.temperature_
    assert bold.model_.card["temperature"] is None
    plain = bold.model_
    at = {
        t: plain.with_parameters(lambda group, t=t: at_temperature(group.network, group.parameters, t))
        for t in np.geomspace(0.5, 20, 60)
    }
    losses = {t: log_loss(codes, model.predict(rows).probabilities) for t, model in at.items()}
    best = log_loss(codes, made.predict_proba(rows))
    assert best <= min(losses.values()) + 1e-3  # half a row of 300 is not theirs
    assert best < log_loss(codes, bold.predict_proba(rows)) - 0.05
    # On new rows too; and one member's probability is sigmoid(z/T).
    new, names = classes(1000, seed=2)
    places = np.searchsorted(made.classes_, names)
    assert log_loss(places, made.predict_proba(new)) < log_loss(places, bold.predict_proba(new))
    x = made.model_.encoder.transform(made._table(new))
    z = np.log(bold.model_.outputs(x) / (1 - bold.model_.outputs(x)))
    assert made.model_.outputs(x) == pytest.approx(expit(z / made.temperature_), abs=1e-4)


def test_a_few_rows_that_are_all_right_make_no_network_sure():
    """30 validation rows are worth a chance of about 1 in 60 of another class, not one in a billion."""
    x = np.linspace(-1, 1, 200)
    y = x > 0
    words: dict[str, Any] = {"epochs": 100, "early_stopping": False, "calibrate": True}
    made = classifier(**words).fit(
        x[:, None], y, X_val=np.linspace(-0.9, 0.9, 30)[:, None], y_val=[False] * 15 + [True] * 15
    )
    assert made.score(x[:, None], y) > 0.99
    doubt = made.predict_proba(np.linspace(-0.9, 0.9, 30)[:, None]).min(axis=1).mean()
    assert 1 / 240 < doubt < 1 / 15


def test_calibration_needs_validation_rows():
    frame, y = classes()
    with pytest.raises(SettingsError, match="calibrate needs validation rows: set validation_share"):
        classifier(calibrate=True, early_stopping=False).fit(frame, y)
