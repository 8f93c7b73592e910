"""Raw tables in, classes and numbers out: whatever the container, and with the model that `chainrule.train` makes."""

import datetime
import inspect
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.model_selection import cross_validate

import chainrule
from chainrule import Settings, TableClassifier, TableRegressor
from chainrule.errors import SettingsError, TableError

PENGUINS = pd.read_csv(Path(__file__).parents[2] / "examples" / "penguins.csv")
X, Y = PENGUINS.drop(columns="species"), PENGUINS["species"]
QUICK: dict[str, Any] = {"hidden": [4], "members": 2, "epochs": 3, "engine": "reference", "random_state": 0}


def classifier(**words: Any) -> TableClassifier:
    return TableClassifier(**{**QUICK, **words})


def regressor(**words: Any) -> TableRegressor:
    return TableRegressor(**{**QUICK, **words})


def numbers(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(5).normal(size=(n, 3))
    return x, 2 * x[:, 0] - x[:, 1]


# ---- the same model as chainrule.train


@pytest.mark.parametrize(
    "words", [{}, {"dropout": 0.2, "activation": "mish", "scaling": "minmax"}, {"optimizer": "lbfgs"}]
)
def test_the_model_is_the_one_that_train_makes(words):
    asked = {**QUICK, **words, "random_state": 7}
    ours = TableClassifier(**asked).fit(X, Y)
    seed = asked.pop("random_state")
    theirs = chainrule.train(PENGUINS, "species", test_share=0, seed=seed, **asked)
    assert np.array_equal(ours.model_.parameters, theirs.model.parameters)
    assert ours.model_.encoder == theirs.model.encoder
    said = (*theirs.prepared.schema.notes, *theirs.notes)
    assert ours.notes_ == said
    assert ours.score(X, Y) == theirs.model.evaluate(PENGUINS).scores["accuracy"]
    assert np.array_equal(ours.predict_proba(X), theirs.model.predict(PENGUINS).probabilities)


def test_a_regressor_is_the_one_that_train_makes():
    x = PENGUINS.drop(columns="body_mass_g")[PENGUINS["body_mass_g"].notna()]
    y = PENGUINS["body_mass_g"].dropna()
    ours = regressor(target_scaling="minmax").fit(x, y)
    words = {**QUICK, "seed": QUICK["random_state"]}
    words.pop("random_state")
    table = x.assign(body_mass_g=y)
    theirs = chainrule.train(table, "body_mass_g", test_share=0, target_scaling="minmax", **words)
    assert np.array_equal(ours.predict(x), theirs.model.predict(table).labels)
    assert ours.model_.target.name == "body_mass_g"


FOR_CLASSES = ("calibrate", "class_weight", "label_smoothing", "threshold")


@pytest.mark.parametrize("kind", [TableClassifier, TableRegressor])
def test_every_setting_is_a_parameter_with_its_default(kind):
    parameters = inspect.signature(kind).parameters
    for name, field in Settings.__dataclass_fields__.items():
        foreign = ("clamp",) if kind is TableClassifier else FOR_CLASSES
        if name not in ("seed", *foreign):
            assert parameters[name].default == field.default, name
    made = kind()
    for name, parameter in parameters.items():
        assert parameter.kind == inspect.Parameter.KEYWORD_ONLY
        assert getattr(made, name) == parameter.default
    only = {*FOR_CLASSES} if kind is TableClassifier else {"target_scaling", "clamp"}
    shared = set(inspect.signature(TableClassifier).parameters) & set(
        inspect.signature(TableRegressor).parameters
    )
    assert set(parameters) - shared == only


# What changes the model where nothing else does: a parameter that is accepted and ignored would fail here.
CHANGES: dict[str, Any] = {
    "hidden": [5], "activation": "tanh", "output_activation": "sigmoid", "loss": "binary_cross_entropy",
    "optimizer": "sgd", "learning_rate": 0.5, "schedule": "cosine", "warmup": 2, "momentum": 0.5, "batch_size": 7,
    "epochs": 4, "weight_decay": 0.5, "l1": 0.1, "l2": 0.1, "dropout": 0.5, "clip_norm": 1e-3, "bias": "none",
    "init": "he_normal", "validation_share": 0.4, "members": 3, "sharing": "tabm", "scaling": "minmax",
    "class_weight": {"Gentoo": 9}, "kinds": {"year": "category"}, "missing": ("Dream",), "random_state": 1,
    "calibrate": True, "watch": "error", "bagging": True, "refit": True, "callbacks": lambda state: True, "engine": "cpu",
    "rate_factors": {"b": 0.1}, "activation_mix": True, "parametrization": "ntk",
    "numeric_embedding": "periodic", "scaling_layer": True, "linear_path": True, "label_smoothing": 0.3,
    "initial": {"W[1]": 0.1}, "frozen": ["W[1]"], "shuffle": False,
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_every_parameter_changes_the_model(name):
    one = classifier().fit(X, Y)
    other = classifier(**{name: CHANGES[name]}).fit(X, Y)
    assert not np.array_equal(one.predict_proba(X), other.predict_proba(X))


def test_a_category_of_many_levels_is_embedded():
    x = {"k": [f"L{i % 12}" for i in range(60)]}
    y = [float(i % 12) for i in range(60)]
    one, other = (regressor(category_embedding=kind).fit(x, y) for kind in (None, "learned"))
    assert one.model_.network.features is None
    assert other.model_.network.sizes[0] == 8
    assert not np.array_equal(one.predict(x), other.predict(x))


def test_the_parameters_left_end_the_training_otherwise():
    known = {
        "category_embedding",
        "regularization_schedule",
        "early_stopping",
        "fitted_start",
        "fast",
        "fold_members",
        "groups",
        "patience",
        "more_waves",
        "recipe",
        "search",
        "tolerance",
        "time",
        "split",
        "split_start",
        "stop_together",
        "stopping_metric",
        "threads",
        "threshold",
        "time_limit",
        "weights_from",
    }
    # How text is read, which penguins don't need: tests/tables/test_as_people_write.py.
    known |= {"decimal", "thousands", "dates", "infinite"}
    assert set(CHANGES) | known == set(TableClassifier().get_params())
    x, y = numbers(80)
    long: dict[str, Any] = {"epochs": 40, "learning_rate": 0.2, "members": 1}
    ends = {
        key: regressor(**long, **words).fit(x, y).n_iter_
        for key, words in {
            "plain": {},
            "off": {"early_stopping": False},
            "patience": {"patience": 1},
            "tolerance": {"tolerance": 10.0},
        }.items()
    }
    with pytest.warns(ConvergenceWarning, match="the network has learned nothing"):
        never = regressor(**long, stopping_metric=lambda y, p: 1.0, patience=3).fit(x, y)
    assert ends["off"] == ends["plain"] == 40
    assert ends["patience"] < 40
    assert ends["tolerance"] == 20  # the recipe's patience
    assert never.n_iter_ == 3  # a metric that never gets better


def test_the_recipe_leaves_what_is_watched_to_a_stopping_metric():
    words: dict[str, Any] = {"fast": True, "epochs": 2, "engine": "reference", "random_state": 0}
    x, y = numbers()
    for metric in ("loss", "accuracy", lambda y, answer: float(np.mean(y == answer))):
        made = TableClassifier(**words, stopping_metric=metric).fit(x, y > 0)
        assert made.model_.card.get("watch") is None
    assert TableClassifier(**words).fit(x, y > 0).model_.card["watch"] == "refinement"


def test_the_target_scaling_changes_the_model():
    x, y = numbers()
    assert not np.array_equal(
        regressor().fit(x, y).predict(x), regressor(target_scaling="none").fit(x, y).predict(x)
    )


# ---- containers


def containers() -> dict[str, Any]:
    frame = X.drop(columns=["island", "sex"])
    return {
        "pandas": frame,
        "polars": pl.from_pandas(frame),
        "lazy": pl.from_pandas(frame).lazy(),
        "arrow": pl.from_pandas(frame).to_arrow(),
        "dict": {name: frame[name].tolist() for name in frame},
        "arrow types": frame.convert_dtypes(dtype_backend="pyarrow"),
        "pandas' own missing value": frame.convert_dtypes(),
        "array": frame.to_numpy(),
        "objects": frame.astype(object).to_numpy(),
        "lists": frame.to_numpy().tolist(),
        "float32": frame.to_numpy().astype(np.float32),
        "column order": np.asfortranarray(frame.to_numpy()),
    }


@pytest.mark.parametrize("name", containers())
def test_every_container_gives_the_same_network(name):
    made = classifier(threads=None).fit(containers()[name], Y)
    expected = classifier().fit(containers()["pandas"], Y)
    tolerance = 1e-5 if name == "float32" else 0
    assert np.allclose(
        made.predict_proba(containers()[name]), expected.predict_proba(containers()["pandas"]), atol=tolerance
    )


def test_sparse_matrices_are_made_dense():
    x, y = numbers()
    x[x < 0.5] = 0
    expected = regressor().fit(x, y).predict(x)
    for kind in (sp.csr_array, sp.csc_matrix, sp.dok_array, sp.coo_array):
        assert np.array_equal(regressor().fit(kind(x), y).predict(kind(x)), expected)


def test_lists_of_text_and_numbers_keep_their_numbers():
    rows = [["a", 1.5], ["b", 2.5], ["a", None], ["c", 4.0]] * 10
    made = classifier().fit(rows, [0, 1, 0, 1] * 10)
    assert [column.kind for column in made.schema_.columns[:2]] == ["category", "number"]
    assert made.predict([["b", 2.5], ["z", "3"]]).shape == (2,)


def test_dates_and_everything_else_a_frame_holds():
    day = datetime.date(2024, 1, 1)
    frame = pl.DataFrame(
        {
            "when": [day + datetime.timedelta(days=9 * i) for i in range(60)],
            "flag": [i % 2 == 0 for i in range(60)],
            "level": pl.Series(["low", "high", None] * 20, dtype=pl.Categorical),
            "text": [f"2024-03-{1 + i % 28:02}" for i in range(60)],
            "customer_id": range(60),
            "always": [1.0] * 60,
            "tags": [["a"]] * 60,
        }
    )
    made = regressor().fit(frame, np.arange(60.0))
    kinds = {column.name: column.kind for column in made.schema_.columns}
    assert kinds == {
        "when": "datetime", "flag": "boolean", "level": "category", "text": "datetime", "customer_id": "identifier",
        "always": "constant", "tags": "nested", "target": "number",
    }  # fmt: skip
    assert {c.name for c in made.schema_.left_out} == {"customer_id", "always", "tags"}
    assert all(column.reason for column in made.schema_.left_out)
    assert np.isfinite(made.predict(frame.drop("customer_id", "always", "tags"))).all()


def test_kinds_and_words_for_missing_are_set_by_hand():
    frame = {"code": [1, 2, 3] * 10, "key": [f"k{i % 29}" for i in range(30)], "size": ["1", "-", "3"] * 10}
    plain = classifier().fit(frame, ["a", "b", "b"] * 10)
    assert [c.kind for c in plain.schema_.columns[:3]] == ["number", "identifier", "category"]
    by_hand = classifier(kinds={"code": "category", "key": "category", "size": "number"}, missing=["-"])
    made = by_hand.fit(frame, ["a", "b", "b"] * 10)
    assert [c.kind for c in made.schema_.columns[:3]] == ["category", "category", "number"]
    assert [c.role for c in made.schema_.columns[:3]] == ["input"] * 3
    assert made.predict({"code": [1], "key": ["?"], "size": ["-"]}).shape == (1,)
    with pytest.raises(SettingsError, match="the kind of 'code' is 'whole'; it is one of"):
        classifier(kinds={"code": "whole"}).fit(frame, ["a", "b", "b"] * 10)
    with pytest.raises(SettingsError, match="missing '-' must be a list of words"):
        classifier(missing="-").fit(frame, ["a", "b", "b"] * 10)


# ---- columns by name


def test_columns_are_found_by_name():
    made = classifier().fit(X, Y)
    expected = made.predict_proba(X)
    assert list(made.feature_names_in_) == list(X.columns)
    assert made.n_features_in_ == 7
    assert np.array_equal(made.predict_proba(X[X.columns[::-1]]), expected)
    assert np.array_equal(made.predict_proba(X.assign(other=1)), expected)
    assert np.array_equal(
        made.predict_proba({name: X[name].tolist() for name in reversed(X.columns)}), expected
    )


def test_a_missing_column_is_one_clear_line():
    with pytest.raises(TableError) as caught:
        classifier().fit(X, Y).predict(X.drop(columns="sex"))
    assert str(caught.value) == (
        "X: the column 'sex' that the model was trained on is not there; the columns are island, bill_length_mm, "
        "bill_depth_mm, flipper_length_mm, body_mass_g, year"
    )


def test_columns_without_names_are_found_by_place():
    x, y = numbers()
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    with_names, without = regressor().fit(frame, y), regressor().fit(x, y)
    with pytest.warns(
        UserWarning, match="X does not have valid feature names, but TableRegressor was fitted with"
    ):
        assert np.array_equal(with_names.predict(x), with_names.predict(frame))
    with pytest.warns(UserWarning, match="X has feature names, but TableRegressor was fitted without"):
        assert np.array_equal(without.predict(frame), without.predict(x))
    numbered = pd.DataFrame(x)
    assert np.array_equal(regressor().fit(numbered, y).predict(numbered), without.predict(x))
    swapped = pd.DataFrame(x, columns=["column_2", "column_1", "column_3"])
    with pytest.warns(UserWarning, match="X has feature names, but TableRegressor was fitted without"):
        assert np.array_equal(without.predict(swapped), without.predict(x))
    assert not hasattr(without, "feature_names_in_")
    with pytest.raises(ValueError, match="X has 2 features, but TableRegressor is expecting 3"):
        without.predict(x[:, :2])
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        without.predict(x[0])


def test_unseen_categories_are_predicted():
    made = classifier().fit(X, Y)
    new = X.head(2).assign(island="Atlantis")
    assert set(made.predict(new)) <= set(made.classes_)


def test_cells_of_another_kind_are_named():
    made = classifier().fit(X, Y)
    new = X.head(3).astype({"body_mass_g": object})
    new.loc[1, "body_mass_g"] = "heavy"
    with pytest.raises(TableError, match="X: row 2, column 'body_mass_g': 'heavy' is not a number"):
        made.predict(new)


# ---- targets


@pytest.mark.parametrize(
    "labels",
    [
        ["b", "a"],
        [2, 1],
        [True, False],
        [2.0, 1.0],
        [-3, 7],
        ["None", "NA"],
        ["b a", "a b"],
        ["1", "01"],
        ["A", "a"],
    ],
    ids=repr,
)
@pytest.mark.parametrize("series", [list, np.array, pd.Series, pl.Series])
def test_classes_are_what_y_holds(labels, series):
    y = series(labels * 20)
    made = classifier(epochs=30, learning_rate=0.2).fit({"x": [0, 1] * 20}, y)
    assert made.classes_.tolist() == sorted(labels)
    predicted = made.predict({"x": [0, 1]})
    assert predicted.tolist() == labels
    assert predicted.dtype == made.classes_.dtype
    assert made.predict_proba({"x": [0, 1]}).argmax(axis=1).tolist() == [
        sorted(labels).index(v) for v in labels
    ]


def test_categories_and_whole_numbers_of_pandas_and_polars_are_classes():
    x = {"x": [0, 1, 2] * 10}
    for y, classes in (
        (pd.Series(["c", "a", "b"] * 10, dtype="category"), ["a", "b", "c"]),
        (pd.Series([3, 1, 2] * 10, dtype="Int64"), [1, 2, 3]),
        (pd.Series([True, False, True] * 10, dtype="boolean"), [False, True]),
        (pl.Series(["c", "a", "b"] * 10, dtype=pl.Enum(["c", "b", "a"])), ["a", "b", "c"]),
    ):
        assert classifier().fit(x, y).classes_.tolist() == classes


@pytest.mark.parametrize(
    ("y", "line"),
    [
        (["a", None] * 20, "y: row 2: the target is missing; leave the row out"),
        (pd.Series(["a", pd.NA] * 20), "y: row 2: the target is missing; leave the row out"),
        ([1.0, np.nan] * 20, "Input y contains NaN"),
        ([1, "a"] * 20, "y: Unknown label type: row 1 is 1 and row 2 is 'a'; classes are all text"),
        ([0.5, 1.7, 2.2, 3.9] * 10, "Unknown label type"),
        (["a"] * 40, "y: every row is of the class a, so there is nothing to learn"),
        (np.array(["2024-01-01", "2024-01-02"] * 20, "datetime64[D]"), "y: holds dates or durations"),
        (
            [datetime.date(2024, 1, 1), datetime.date(2024, 1, 2)] * 20,
            "y: Unknown label type: row 1 is datetime",
        ),
        (["a", "b"] * 19, "inconsistent numbers of samples"),
        (np.array([["a", "b"]] * 40), "y: has 2 columns, and TableClassifier learns one target"),
        (None, "requires y to be passed"),
    ],
)
def test_what_is_no_class_is_refused(y, line):
    frame = {"x": [0, 1] * 20}
    with pytest.raises(ValueError, match=line):
        classifier().fit([[a, 2] for a in frame["x"]] if isinstance(y, list) and len(y) == 38 else frame, y)


def test_what_is_no_number_is_refused():
    x, y = numbers(20)
    with pytest.raises(
        TableError, match="y: could not convert string to float: 'a'; TableRegressor predicts numbers"
    ):
        regressor().fit(x, ["a"] * 20)
    with pytest.raises(ValueError, match="Input y contains infinity"):
        regressor().fit(x, [np.inf, *y[1:]])
    with pytest.raises(TableError, match="y: every row is 1, so there is nothing to learn"):
        regressor().fit(x, np.ones(20))
    with pytest.warns(DataConversionWarning):
        regressor().fit(x, y[:, None])


def test_the_target_is_called_as_y_is():
    x, y = numbers()
    named = regressor().fit(pd.DataFrame(x, columns=["price", "b", "c"]), pd.Series(y, name="price"))
    assert named.model_.target.name == "price_"
    assert regressor().fit(x, pl.Series("price", y)).model_.target.name == "price"
    assert regressor().fit({"target": x[:, 0]}, y).model_.target.name == "target_"


# ---- what else is refused


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ({"epochs": 0}, "epochs 0 must be a whole number, at least 1"),
        ({"hidden": "64"}, "hidden '64' must be whole numbers of neurons"),
        ({"scaling": "log"}, "scaling 'log' is unknown: choose robust"),
        ({"random_state": -1}, "random_state -1 must be a whole number, at least 0"),
        ({"random_state": "x"}, "cannot be used to seed"),
        ({"engine": "gpu"}, "unknown engine 'gpu': choose cpu, reference"),
        ({"threads": 0, "engine": "cpu"}, "threads 0 must be a whole number, at least 1"),
        ({"threads": 2}, "the reference engine works on one thread"),
        ({"callbacks": [1]}, "callback 1 can't be called"),
        ({"loss": "poisson"}, "loss='poisson' is for counts, but the target is a class"),
    ],
)
def test_a_parameter_that_cannot_be_is_one_line(words, line):
    made = classifier(**words)  # not before fit
    with pytest.raises(ValueError, match=line):
        made.fit(X, Y)


def test_nothing_is_predicted_before_fit():
    for call in (classifier().predict, regressor().predict, classifier().predict_proba):
        with pytest.raises(NotFittedError):
            call(X)
    with pytest.raises(NotFittedError):
        regressor().predict(X, quantiles=0.5)
    with pytest.raises(NotFittedError):
        regressor().save("never.safetensors")


def test_numbers_of_numpy_are_numbers():
    made = classifier(
        hidden=np.array([4]),
        epochs=np.int64(3),
        learning_rate=np.float32(0.01),
        members=np.int32(2),
        random_state=np.int64(0),
    )
    assert np.array_equal(
        made.fit(X, Y).predict_proba(X),
        classifier(learning_rate=float(np.float32(0.01))).fit(X, Y).predict_proba(X),
    )


def test_the_seed_comes_from_random_state():
    x, y = numbers()
    same = [regressor(random_state=np.random.RandomState(3)).fit(x, y).predict(x) for _ in range(2)]
    assert np.array_equal(*same)
    state = np.random.RandomState(3)
    drawn = [regressor(random_state=state).fit(x, y).predict(x) for _ in range(2)]
    assert np.array_equal(drawn[0], same[0])
    assert not np.array_equal(*drawn)
    free = [regressor(random_state=None).fit(x, y).predict(x) for _ in range(2)]
    assert not np.array_equal(*free)


def test_a_training_that_failed_is_a_warning():
    x, y = numbers()
    with pytest.warns(ConvergenceWarning, match="training diverged in step"):
        regressor(optimizer="sgd", learning_rate=1e8, epochs=20, members=1, loss="(a-y)^4").fit(x, y)


def test_fitting_again_forgets_what_was():
    x, y = numbers()
    made = regressor().fit(pd.DataFrame(x, columns=["a", "b", "c"]), y)
    made.fit(x[:, :2], y)
    assert made.n_features_in_ == 2
    assert not hasattr(made, "feature_names_in_")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert made.predict(x[:, :2]).shape == (60,)


def test_a_training_that_fails_leaves_nothing_that_answers():
    made = classifier().fit(X, Y)
    with pytest.raises(SettingsError, match="epochs 0"):
        made.set_params(epochs=0).fit(X, Y)
    with pytest.raises(NotFittedError):
        made.predict(X)


def test_the_model_is_one_to_ask():
    made = classifier().fit(X, Y)
    scores = made.model_.evaluate(X.assign(species=Y)).scores
    assert scores["accuracy"] == made.score(X, Y)
    assert made.model_.layers(member=1)[0]["W"].shape == (made.model_.encoder.n_inputs, 4)


# ---- a teacher


def taught_classes() -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(6)
    a = rng.normal(size=90)
    p = 1 / (1 + np.exp(-2 * a))
    return (
        {"a": a, "b": rng.normal(size=90)},
        np.where(rng.random(90) < p, "yes", "no"),
        np.stack([1 - p, p], axis=1),
    )


@pytest.mark.parametrize("labels", [("no", "yes"), (0, 1), (False, True), (1.0, 2.0), (10, 9)], ids=str)
def test_a_teacher_s_array_has_the_classes_in_their_order(labels):
    x, y, p = taught_classes()
    codes = np.where(y == "yes", labels[1], labels[0])
    order = p if labels[0] < labels[1] else p[:, ::-1]
    model = classifier(epochs=2).fit(x, codes, teacher=order)
    named = {str(label): p[:, place] for place, label in enumerate(labels)}
    again = classifier(epochs=2).fit(x, codes, teacher=named)
    np.testing.assert_array_equal(model.predict_proba(x), again.predict_proba(x))
    assert model.model_.card["taught"]
    milder = classifier(epochs=2).fit(x, codes, teacher=0.5 * order + 0.25)
    assert not np.array_equal(model.predict_proba(x), milder.predict_proba(x))
    with pytest.warns(ConvergenceWarning, match="the network has learned nothing"):
        classifier(epochs=2).fit(x, codes, teacher=order[:, ::-1])  # the target says that this is no progress
    alone = classifier(epochs=2).fit(x, codes)
    assert not np.array_equal(model.predict_proba(x), alone.predict_proba(x))


def test_a_teacher_of_numbers_is_an_array_a_frame_or_a_file(tmp_path):
    x, _, p = taught_classes()
    y = x["a"] + np.random.default_rng(1).normal(size=90)
    pl.DataFrame({"target": p[:, 1]}).write_csv(tmp_path / "t.csv")
    made = [
        regressor(epochs=2).fit(x, y, teacher=teacher).predict(x)
        for teacher in (p[:, 1], p[:, 1:], {"target": p[:, 1]}, str(tmp_path / "t.csv"), tmp_path / "t.csv")
    ]
    for other in made[1:]:
        np.testing.assert_allclose(made[0], other, rtol=1e-12)
    assert not np.array_equal(made[0], regressor(epochs=2).fit(x, y).predict(x))


def test_a_teacher_s_array_of_another_shape_is_refused():
    x, y, p = taught_classes()
    for teacher, said in (
        (p[:, 0], r"teacher has shape \(90, 1\), and \(n_samples, 2\) is expected: no, yes"),
        (p[1:], "teacher has 89 rows of answers, and X has 90"),
        ([["a", "b"]] * 90, "teacher: has something that is no number"),
        (2 * p, "is no probability"),
    ):
        with pytest.raises(ValueError, match=said):
            classifier().fit(x, y, teacher=teacher)


def test_a_teacher_is_parted_with_the_rows_in_a_cross_validation():
    x, y, p = taught_classes()
    with config_context(enable_metadata_routing=True):
        model = classifier(epochs=2, hidden=[2]).set_fit_request(teacher=True)
        frame = pl.DataFrame(x).to_numpy()
        found = cross_validate(
            model, frame, y, cv=2, params={"teacher": p}, error_score="raise", return_estimator=True
        )
    assert all(one.model_.card["taught"] for one in found["estimator"])
