"""Estimators, mistakes in Python and the ablation, recorded."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

import chainrule
from benchmarks.golden.cases import NUMBERS, SHARED, SMALL, WHOLE, P, Parts, words
from benchmarks.golden.parts import Work, _history, _shop, arrays, model_file, plain

# ---- estimators

ATTRIBUTES = words(
    "n_iter_ t_ loss_ best_loss_ best_validation_score_ loss_curve_ validation_scores_ validation_loss_curve_ learning_rate_ "
    "stopped_ temperature_ n_layers_ n_outputs_ out_activation_ n_features_in_ notes_"
)
# fmt: off
FIVE: Mapping[str, Any] = {"hidden_layer_sizes": (5,)}
MLP_BOTH: Mapping[str, Mapping[str, Any]] = {
    "defaults": {"max_iter": 12}, "float32": {"max_iter": 8, "dtype": "float32"},
    "lbfgs": {"solver": "lbfgs", "max_iter": 15, **FIVE}, "none": {"hidden_layer_sizes": (), "max_iter": 5, "threads": 1},
    "sgd": {"solver": "sgd", "max_iter": 8, "learning_rate": "invscaling", "activation": "tanh", **FIVE},
    "adaptive": {"solver": "sgd", "max_iter": 25, "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 2, **FIVE},
    "early": {"early_stopping": True, "max_iter": 20, "n_iter_no_change": 3, "learning_rate_init": 0.02, **FIVE},
    "logistic": {"activation": "logistic", "max_iter": 5, "batch_size": 17, "shuffle": False, "hidden_layer_sizes": (7, 5)},
    "ours": {"activation": ["mish", "leaky_relu(alpha=0.1)"], "hidden_layer_sizes": (6, 4), "dropout": 0.1, "clip_norm": 0.5,
             "solver": "adamw", "weight_decay": 0.05, "learning_rate": "cosine", "warmup": 1, "max_iter": 6},
    "frozen": {"max_iter": 4, "frozen": ["b[1]", "W[1][1,2]"], "solver": "rmsprop(rho=0.95)", "stopping_metric": "loss",
               "early_stopping": True, **FIVE}}
MLP_CLASSES: Mapping[str, Mapping[str, Any]] = {
    "weighted": {"class_weight": "balanced"}, "calibrated": {"calibrate": True, "early_stopping": True},
    "hinge": {"loss": "hinge"},
    "smoothed": {"loss": "categorical_cross_entropy(label_smoothing=0.1)", "activation": "z/(1+abs(z))"}}
MLP_NUMBERS: Mapping[str, Mapping[str, Any]] = {
    name: {"loss": name} for name in ("poisson", "absolute_error", "huber(delta=0.5)", "log(1 + (a-y)^2)")}
# fmt: on
TABLES: Mapping[str, Mapping[str, Any]] = {
    "fast": {"fast": True, "epochs": 6},
    "small": {"hidden": [6], "members": 2, "epochs": 4},
    "everything": NUMBERS,
    "stage": {**WHOLE, "hidden": [5], "members": 2, "epochs": 3, "kinds": {"opened": "category"}},
    "tabm": SHARED,
    "bagging": {"hidden": [5], "members": 3, "epochs": 4, "bagging": True, "stop_together": True},
    "lbfgs": {
        "hidden": [5],
        "members": 1,
        "epochs": 8,
        "optimizer": "lbfgs",
        "scaling": "minmax",
        "refit": True,
    },
    "reference": {"hidden": [5], "members": 1, "epochs": 2, "engine": "reference"},
}


def fitted(estimator: Any, X: Any, work: Work) -> Parts:
    """Return all there is of a fitted estimator: attributes, predictions, and its file."""
    path = work.folder / "fitted.estimator"
    found = {
        f"{name}[{i}]": a
        for name in ("coefs_", "intercepts_")
        for i, a in enumerate(getattr(estimator, name, []))
    }
    for name in ("predict", "predict_proba", "decision_function"):
        if hasattr(estimator, name):
            found[name] = getattr(estimator, name)(X)
    if getattr(estimator, "intervals_", None) is not None:
        found["quantiles"] = estimator.predict(X, quantiles=[0.1, 0.5, 0.9])
        found["interval"] = estimator.predict_interval(X, coverage=0.7)
    with warnings.catch_warnings(record=True) as left_out:
        warnings.simplefilter("always")
        estimator.save(path, overwrite=True)
    again = type(estimator).load(path).predict(X)
    known = {name: getattr(estimator, name) for name in ATTRIBUTES if hasattr(estimator, name)}
    if hasattr(estimator, "history_"):
        known["history_"] = _history(estimator.history_)
    known["the file predicts the same"] = bool((again == estimator.predict(X)).all())
    known["left out of the file"] = [str(warning.message) for warning in left_out]
    return {"attributes": plain(known), "predictions": arrays(found), **model_file(path)}


def _iris() -> tuple[Any, Any]:
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    return X[::2], y[::2]


def _diabetes() -> tuple[Any, Any]:
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True)
    return 10 * X[:120], y[:120] / 100


def _shop_frame(target: str) -> tuple[dict[str, list[Any]], np.ndarray[Any, Any]]:
    rows = list(_shop())
    columns = {name: [None if row[name] == "" else row[name] for row in rows] for name in rows[0]}
    inputs = {name: column for name, column in columns.items() if name not in ("price", "kind", "sold")}
    return inputs, np.array(columns[target])


def mlp(kind: str, words: Mapping[str, Any], work: Work) -> Parts:
    """Return a perceptron of scikit-learn's interface, fitted."""
    (X, y), made = (
        (_iris(), chainrule.MLPClassifier) if kind == "classes" else (_diabetes(), chainrule.MLPRegressor)
    )
    return fitted(made(random_state=3, **words).fit(X, y), X, work)


def table(kind: str, words: Mapping[str, Any], work: Work) -> Parts:
    """Return an estimator of raw tables, fitted."""
    X, y = _shop_frame(kind)
    made = chainrule.TableClassifier if kind == "kind" else chainrule.TableRegressor
    return fitted(made(random_state=5, **words).fit(X, y), X, work)


def others(work: Work) -> Iterator[tuple[str, Callable[[], Parts]]]:
    """Yield what estimators can do besides: weights, rows to watch, several outputs, going on, looking inside."""
    classifier, regressor = chainrule.MLPClassifier, chainrule.MLPRegressor
    (X, y), (numbers, values) = _iris(), _diabetes()
    small: dict[str, Any] = {**FIVE, "random_state": 1, "max_iter": 5}
    weights = 1.0 + np.arange(len(y)) % 3
    holes = np.where(np.random.default_rng(1).random(X.shape) < 0.1, np.nan, X)
    several = np.stack([y == 0, y == 1, X[:, 0] > 5.5], axis=1).astype(int)
    pairs, singles = np.stack([values, values**2], axis=1), numbers.astype(np.float32)
    names = np.array(["a", "b", "c"])[y]
    own = {"X_val": X[1::3], "y_val": y[1::3], "sample_weight": weights}
    yield "binary", lambda: fitted(classifier(**small).fit(X, names == "a"), X, work)
    yield "names", lambda: fitted(classifier(**small, class_weight={"a": 3.0}).fit(X, names), X, work)
    yield "several labels", lambda: fitted(classifier(**small).fit(X, several), X, work)
    yield "several numbers", lambda: fitted(regressor(**small).fit(numbers, pairs), numbers, work)
    yield "missing", lambda: fitted(classifier(**small, missing="mean+indicator").fit(holes, y), holes, work)
    watching, exactly = classifier(**small, early_stopping=True), classifier(**{**small, "solver": "lbfgs"})
    yield "rows of its own", lambda: fitted(watching.fit(X, y, **own), X, work)
    yield "weights", lambda: fitted(exactly.fit(X, y, sample_weight=weights), X, work)
    yield "float32 rows", lambda: fitted(regressor(**small).fit(singles, values), singles, work)

    def partly() -> Parts:
        made = classifier(**small)
        for part in (slice(0, 30), slice(30, 75), slice(10, 60)):
            made.partial_fit(X[part], y[part], classes=[0, 1, 2])
        return fitted(made, X, work)

    def warm() -> Parts:
        made = regressor(**{**small, "warm_start": True}).fit(numbers, values)
        return fitted(made.set_params(max_iter=3).fit(numbers, values), numbers, work)

    def given() -> Parts:
        made = classifier.from_weights([[[1.0], [2.0]]], [[0.5]], classes=["no", "yes"])
        gradients = made.gradients([[1.0, -1.0]], ["yes"])
        inside = {"z": made.layer_outputs([[1.0, -1.0]])[0][0], "coefs": gradients.coefs[0]}
        return {**fitted(made, [[1.0, -1.0], [0.5, 2.0]], work), "inside": arrays(inside)}

    def resumed() -> Parts:
        from chainrule.estimators.callbacks import SaveCheckpoint

        path, given = work.folder / "fitted.checkpoint", {**small, "max_iter": 8, "tol": 0.0}
        callbacks = [SaveCheckpoint(path, every=3), lambda state: state.line.epoch == 5]
        classifier(**given, callbacks=callbacks).fit(X, y)
        parts = fitted(classifier(**given).fit(X, y, resume=path), X, work)
        return {**parts, "checkpoint": model_file(path)["file"]}

    def table_more() -> Parts:
        rows, kinds = _shop_frame("kind")
        given: dict[str, Any] = {"hidden": [5], "members": 2, "epochs": 4, "class_weight": "balanced"}
        given |= {"stopping_metric": "auc", "calibrate": True, "random_state": np.random.RandomState(4)}
        made = chainrule.TableClassifier(**given)
        watched = {name: column[:40] for name, column in rows.items()}
        return fitted(
            made.fit(rows, kinds, sample_weight=np.arange(150) % 3, X_val=watched, y_val=kinds[:40]),
            rows,
            work,
        )

    def intervals() -> Parts:
        rows, prices = _shop_frame("price")
        made = chainrule.TableRegressor(
            hidden=[5], members=2, epochs=4, early_stopping=False, random_state=2
        ).fit(rows, prices)
        return fitted(made.fit_intervals(rows, prices), rows, work)

    for work_of in (partly, warm, given, resumed, table_more, intervals):
        yield work_of.__name__, work_of


# ---- mistakes in Python


# fmt: off
WRONG_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "unknown": {"hiden": [3]}, "hidden": {"hidden": "8"}, "bias": {"bias": "some"}, "seed": {"seed": 2**64}, "flag": {"refit": 1},
    "patience": {"hidden": [3], "patience": 2, "early_stopping": False}, "fast": {"fast": True, "hidden": [3]},
    "watch": {"watch": "what"}, "calibrate": {"loss": "hinge", "calibrate": True}, "clamp": {"clamp": True},
    "engine": {"engine": "gpu"}, "bagging": {"bagging": True, "members": 1}, "task": {"task": "regression"},
    "recipe": {"recipe": True, "optimizer": "lbfgs"}, "rates": {"rate_factors": {"q": 2}, "hidden": [3]},
    "together": {"stop_together": True, "hidden": [3], "members": 1}, "embedding": {"category_embedding": "learned"},
    "sharing": {"sharing": "tabm", "hidden": [3], "optimizer": "lbfgs"}}
WRONG_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "solver": {"solver": "adm"}, "activation": {"activation": "reluu"}, "loss": {"loss": "poisson"}, "alpha": {"alpha": -1},
    "layers": {"hidden_layer_sizes": (0,)}, "calibrate": {"calibrate": True}, "frozen": {"frozen": ["W[9]"]},
    "lbfgs": {"solver": "lbfgs", "dropout": 0.1}, "metric": {"early_stopping": True, "stopping_metric": "what"},
    "early": {"early_stopping": True, "validation_fraction": 2}, "dtype": {"dtype": "int8"}, "missing": {"missing": "some"}}
# fmt: on


def python_mistakes() -> Mapping[str, Callable[[], Any]]:
    """Return what users do wrong in Python, each with the class and the message of its error recorded."""
    train, classifier, regressor = chainrule.train, chainrule.MLPClassifier, chainrule.MLPRegressor
    tables, (X, y), (rows, kinds) = chainrule.TableClassifier, _iris(), _shop_frame("kind")
    counted = np.arange(float(len(kinds)))

    def fit(kind: Any, given: Mapping[str, Any], X: Any, y: Any) -> Any:
        return kind(**given).fit(X, y)

    def one_epoch(kind: Any) -> Any:
        return kind(hidden=[3], epochs=1, members=1, random_state=0)

    found: dict[str, Callable[[], Any]] = {}
    for name, given in WRONG_SETTINGS.items():
        found[f"train {name}"] = partial(train, P, "species", **given)
        if name not in ("unknown", "clamp", "task", "seed", "engine"):
            found[f"TableClassifier {name}"] = partial(fit, tables, given, rows, kinds)
    for name, given in WRONG_PARAMETERS.items():
        found[f"MLPClassifier {name}"] = partial(fit, classifier, given, X, y)
    return found | {
        "train without target": lambda: train(P, "specie"),
        "train absent": lambda: train("absent.csv", "y"),
        "train columns": lambda: train({"a": [1, 2], "y": [1]}, "y"),
        "load absent": lambda: chainrule.load("absent.safetensors"),
        "load table": lambda: chainrule.load(P),
        "read_table absent": lambda: chainrule.read_table("absent.csv"),
        "predict columns": lambda: train(P, "species", **SMALL).model.predict({"island": ["Biscoe"]}),
        "ablate plain": lambda: chainrule.ablate(P, "species", hidden=[3]),
        "network": lambda: chainrule.Network([2, chainrule.Dense(3, "reluu")]),
        "network loss": lambda: chainrule.Network([2, chainrule.Dense(3)], loss="huuber"),
        "formula": lambda: chainrule.Dense(3, "open('x')"),
        "validation": lambda: classifier().fit(X, y, X_val=X),
        "not fitted": lambda: classifier().predict(X),
        "columns": lambda: classifier(max_iter=1).fit(X, y).predict(X[:, :2]),
        "NaN": lambda: classifier().fit(np.full((4, 2), np.nan), [0, 1, 0, 1]),
        "classes": lambda: classifier().fit(X, X[:, 0]),
        "regressor loss": lambda: regressor("hinge").fit(X, y),
        "raw columns": lambda: one_epoch(tables).fit(rows, kinds).predict({"city": ["Bern"]}),
        "raw other": lambda: tables.load(P),
        "quantiles": lambda: (
            one_epoch(chainrule.TableRegressor).fit(rows, counted).predict(rows, quantiles=2)
        ),
    }


def mistakes() -> Parts:
    """Return class and message of the error that each mistake raises."""
    said = {}
    for name, make in python_mistakes().items():
        try:
            made = make()
        except (chainrule.ChainruleError, ValueError, TypeError, AttributeError, OSError) as error:
            said[name] = f"{type(error).__name__}: {error}"
        else:
            said[name] = f"no error, but {type(made).__name__}"
    return {"messages": plain(said)}


def ablation() -> Parts:
    """Return an ablation's scores and verdicts."""
    found = chainrule.ablate(P, "body_mass_g", seeds=2, fast=True, epochs=2, members=2)
    return {"ablation": plain(found.to_dict())}
