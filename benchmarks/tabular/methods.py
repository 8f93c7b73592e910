"""The methods: how each is fitted with its defaults, and how it predicts.

A method sees the training rows only; one function scores them all (`score`). Text columns are categories.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder

import chainrule
from benchmarks.tabular.columns import Array, Columns
from benchmarks.tabular.tables import TARGET, Split, TaskName
from benchmarks.tabular.words import Texts, fitted
from chainrule.errors import ChainruleError

TASKS = {"class": "classification", "reg": "regression"}
"""The words of the results for chainrule's."""


class Answer(NamedTuple):
    """Predictions: ``values`` (n,) are labels or numbers; ``probabilities`` (n, k) of ``classes`` where there are any."""

    values: Array
    probabilities: Array | None = None
    classes: Sequence[Any] = ()


Predict = Callable[[pl.DataFrame], Answer]
Fit = Callable[[pl.DataFrame, TaskName, int], Predict]


@dataclass(frozen=True)
class Method:
    """A way to predict: ``fit(training rows, task, seed)`` returns what predicts rows.

    ``seeded``: whether the seed makes a difference. ``absent``: why it can't be run here, in one line.
    """

    name: str
    about: str
    fit: Fit
    ours: bool = False
    seeded: bool = True
    absent: Callable[[], str | None] = lambda: None


def ours(name: str, about: str, **settings: Any) -> Method:
    """Return chainrule with some settings as a method."""
    return Method(name, about, partial(_chainrule, settings), ours=True, absent=partial(_unknown, settings))


def measure(method: Method, split: Split, seed: int) -> dict[str, Any]:
    """Fit on the training rows, score on the others, and return the result as plain data; the clock runs for the fit.

    ``cpu_s``: the processor's seconds of the fit, all threads together, which other work on the machine changes less.
    """
    result: dict[str, Any] = {"table": split.name, "method": method.name, "task": split.task, "seed": seed}
    if method.ours:
        result["ours"] = True
    begun, worked = time.perf_counter(), time.process_time()
    try:
        predict = method.fit(split.train, split.task, seed)
        result["fit_s"] = round(time.perf_counter() - begun, 3)
        result["cpu_s"] = round(time.process_time() - worked, 3)
        return result | score(predict(split.test.drop(TARGET)), split)
    except ChainruleError as error:
        return result | {"failed": str(error)}


def score(answer: Answer, split: Split) -> dict[str, float | None]:
    """Return error and log-loss of classes, or RMSE and RMSE / standard deviation of the scored rows' target."""
    truth = split.test[TARGET].to_numpy()
    if split.task == "class":
        error = float(np.mean(np.asarray(answer.values, object) != truth.astype(object)))
        return {"error": error, "logloss": log_loss(truth, answer)}
    rmse = float(np.sqrt(np.mean((np.asarray(answer.values, float) - truth) ** 2)))
    return {"rmse": rmse, "nrmse": rmse / float(np.std(truth))}


def log_loss(truth: Array, answer: Answer) -> float | None:
    """Return -mean ln p(true class), p at least 2.2e-16; a class that training did not have has p = 0."""
    if answer.probabilities is None:
        return None
    place = {label: column for column, label in enumerate(answer.classes)}
    p = np.asarray(answer.probabilities, float)
    found = np.array([p[row, place[label]] if label in place else 0.0 for row, label in enumerate(truth)])
    return float(-np.mean(np.log(np.clip(found, np.finfo(float).eps, 1.0))))


def warm_up() -> None:
    """Train chainrule on a few rows, so that compiling counts in no table's seconds."""
    x = list(range(40))
    for target in (["a", "b"] * 20, [float(value % 7) for value in x]):
        chainrule.train({"x": x, TARGET: target}, TARGET, hidden=[4], epochs=2)


def _chainrule(settings: dict[str, Any], train: pl.DataFrame, task: TaskName, seed: int) -> Predict:
    # Without rows to test on there are no baselines to fit, which are none of the method's seconds.
    fitted = chainrule.train(train, TARGET, task=TASKS[task], test_share=0, seed=seed, **settings)  # type: ignore[arg-type]
    model = fitted.model

    def predict(rows: pl.DataFrame) -> Answer:
        found = model.predict(rows)
        return Answer(found.labels, found.probabilities, model.target.labels)

    return predict


def _unknown(settings: dict[str, Any]) -> str | None:
    unknown = [name for name in settings if name not in chainrule.Settings.__dataclass_fields__]
    return f"this chainrule has no setting {', '.join(unknown)}" if unknown else None


def _missing(package: str) -> str | None:
    return None if find_spec(package) else f"{package} is not installed"


def _predictor(model: Any, arrays: Callable[[pl.DataFrame], Any], task: TaskName) -> Predict:
    """Return what predicts with a fitted estimator of scikit-learn's manner."""

    def predict(rows: pl.DataFrame) -> Answer:
        if task == "reg":
            return Answer(np.ravel(model.predict(arrays(rows))))
        probabilities = np.asarray(model.predict_proba(arrays(rows)))
        classes = [str(label) for label in model.classes_]
        return Answer(np.array(classes, object)[probabilities.argmax(axis=1)], probabilities, classes)

    return predict


def _linear(train: pl.DataFrame, task: TaskName, seed: int) -> Predict:
    columns = Columns(train)
    model = LogisticRegression(max_iter=1000) if task == "class" else Ridge()
    return _predictor(model.fit(columns.dense(train), train[TARGET].to_numpy()), columns.dense, task)


def _target_linear(train: pl.DataFrame, task: TaskName, seed: int) -> Predict:
    columns = Columns(train)
    scaled = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000) if task == "class" else RidgeCV()
    )
    places = columns.places
    # Numbers are filled in as `dense` has them; a category is the mean of its rows' target, out of fold in training.
    encode = ColumnTransformer(
        [("categories", TargetEncoder(random_state=seed), places)],
        remainder=SimpleImputer(keep_empty_features=True),
    )
    model = make_pipeline(encode, scaled)
    return _predictor(model.fit(columns.plain(train), train[TARGET].to_numpy()), columns.plain, task)


def _neighbors(train: pl.DataFrame, task: TaskName, seed: int) -> Predict:
    columns = Columns(train)
    model = KNeighborsClassifier(15) if task == "class" else KNeighborsRegressor(15)
    return _predictor(model.fit(columns.dense(train), train[TARGET].to_numpy()), columns.dense, task)


def _words(tfidf: bool, trees: bool, train: pl.DataFrame, task: TaskName, seed: int) -> Predict:
    texts = Texts(train, tfidf=tfidf)
    return _predictor(fitted(texts, train, task, seed, trees=trees), texts.dense, task)


def _constant(train: pl.DataFrame, task: TaskName, seed: int) -> Predict:
    columns = Columns(train)
    model = DummyClassifier(strategy="prior") if task == "class" else DummyRegressor()
    return _predictor(model.fit(columns.dense(train), train[TARGET].to_numpy()), columns.dense, task)


def _mlp(options: dict[str, Any], train: pl.DataFrame, task: TaskName, seed: int) -> Predict:
    columns = Columns(train)
    if task == "class":
        model = MLPClassifier(random_state=seed, **options)
    else:
        model = TransformedTargetRegressor(
            MLPRegressor(random_state=seed, **options), transformer=StandardScaler()
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return _predictor(model.fit(columns.dense(train), train[TARGET].to_numpy()), columns.dense, task)


def _histgb(train: pl.DataFrame, task: TaskName, seed: int) -> Predict:
    columns = Columns(train)
    cls = HistGradientBoostingClassifier if task == "class" else HistGradientBoostingRegressor
    model = cls(
        categorical_features=columns.places or None, early_stopping=True, max_iter=500, random_state=seed
    )
    return _predictor(model.fit(columns.codes(train), train[TARGET].to_numpy()), columns.codes, task)


def _lgbm(train: pl.DataFrame, task: TaskName, seed: int) -> Predict:
    import lightgbm

    columns = Columns(train)
    cls = lightgbm.LGBMClassifier if task == "class" else lightgbm.LGBMRegressor
    model = cls(random_state=seed, verbosity=-1)
    model.fit(columns.codes(train), train[TARGET].to_numpy(), categorical_feature=columns.places)
    return _predictor(model, columns.codes, task)


def _catboost(train: pl.DataFrame, task: TaskName, seed: int) -> Predict:
    import catboost

    columns = Columns(train)
    arrays = columns.pandas
    cls = catboost.CatBoostClassifier if task == "class" else catboost.CatBoostRegressor
    model = cls(random_seed=seed, verbose=False, allow_writing_files=False)
    model.fit(arrays(train), train[TARGET].to_numpy(), cat_features=columns.categories)
    return _predictor(model, arrays, task)


def _xgboost(train: pl.DataFrame, task: TaskName, seed: int) -> Predict:
    import xgboost

    columns = Columns(train)
    arrays = partial(columns.pandas, kind="category", known=True)
    target = train[TARGET].to_numpy()
    if task == "reg":
        model = xgboost.XGBRegressor(random_state=seed, enable_categorical=True)
        return _predictor(model.fit(arrays(train), target), arrays, task)
    # It takes classes by number.
    classes, codes = np.unique(target.astype(str), return_inverse=True)
    coded = xgboost.XGBClassifier(random_state=seed, enable_categorical=True).fit(arrays(train), codes)

    def predict(rows: pl.DataFrame) -> Answer:
        probabilities = np.asarray(coded.predict_proba(arrays(rows)))
        return Answer(classes.astype(object)[probabilities.argmax(axis=1)], probabilities, classes.tolist())

    return predict


def _pytabkit(name: str, train: pl.DataFrame, task: TaskName, seed: int) -> Predict:
    from pytabkit.models.sklearn import sklearn_interfaces

    columns = Columns(train)
    # Columns of strings that are not of the kind "category" fail its check for numbers.
    arrays = partial(columns.pandas, kind="category", medians=True)
    model = getattr(sklearn_interfaces, f"{name}_{'Classifier' if task == 'class' else 'Regressor'}")(
        random_state=seed
    )
    model.fit(arrays(train), train[TARGET].to_numpy(), cat_col_names=columns.categories)
    return _predictor(model, arrays, task)


EARLY = {"hidden_layer_sizes": (256, 256), "early_stopping": True, "max_iter": 500, "n_iter_no_change": 20}

METHODS = {
    method.name: method
    for method in (
        ours("chainrule", "train with its defaults"),
        ours("chainrule-fast", "train with fast=True", fast=True),
        Method("linear", "LogisticRegression, Ridge", _linear, seeded=False),
        Method("target-linear", "the same, categories by TargetEncoder", _target_linear),
        Method(
            "words-linear",
            "a bag of words, LogisticRegression, RidgeCV",
            partial(_words, False, False),
            seeded=False,
        ),
        Method("tfidf-linear", "TF-IDF, the same", partial(_words, True, False), seeded=False),
        Method("words-histgb", "a bag of words, HistGradientBoosting", partial(_words, False, True)),
        Method("knn", "the 15 nearest neighbors", _neighbors, seeded=False),
        Method("constant", "the most frequent class, the mean", _constant, seeded=False),
        Method("sk-mlp", "MLPClassifier, MLPRegressor", partial(_mlp, {})),
        Method("sk-mlp-es", "the same, (256, 256) and early stopping", partial(_mlp, EARLY)),
        Method("histgb", "HistGradientBoosting, early stopping", _histgb),
        Method("lgbm", "LightGBM", _lgbm, absent=partial(_missing, "lightgbm")),
        Method("catboost", "CatBoost", _catboost, absent=partial(_missing, "catboost")),
        Method("xgboost", "XGBoost", _xgboost, absent=partial(_missing, "xgboost")),
        Method(
            "realmlp",
            "RealMLP-TD of pytabkit",
            partial(_pytabkit, "RealMLP_TD"),
            absent=partial(_missing, "pytabkit"),
        ),
        Method(
            "tabm", "TabM-D of pytabkit", partial(_pytabkit, "TabM_D"), absent=partial(_missing, "pytabkit")
        ),
    )
}
