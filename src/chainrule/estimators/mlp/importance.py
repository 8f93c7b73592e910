"""The importance of a perceptron's columns, by the same functions as that of a model of tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.engines import ENGINES, engine_named
from chainrule.errors import SettingsError
from chainrule.estimators.callbacks import watch_of
from chainrule.estimators.mlp.as_model import column_names, model_of_inputs
from chainrule.estimators.mlp.inputs import dense
from chainrule.explain.columns.importance import Asked, Importance, measured
from chainrule.explain.columns.permuted import Scored
from chainrule.explain.columns.rows import MOST_ROWS, drawn
from chainrule.model.model import Model
from chainrule.tables.encoding.target import TargetEncoder
from chainrule.training.scores.metrics import PRIMARY

TARGET = "y"


def importance_of(
    estimator: Any, X: Any, y: Any, *, metric: str | None, seed: int, methods: tuple[Any, ...], **how: Any
) -> Importance:
    """Return the importance of the columns of validated rows; raises SettingsError for words that don't fit."""
    answers = estimator._answers()
    task = "regression" if answers.kind == "number" else "classification"
    judge = watch_of(PRIMARY[task] if metric is None else metric, answers)
    rows = drawn(np.arange(X.shape[0]), MOST_ROWS, seed)
    x = dense(X[rows], estimator._filling, np.float64)
    flat, network = estimator._at_temperature(), estimator._design.network
    engine = engine_named(ENGINES[0], dtype=flat.dtype, threads=estimator.threads)

    def outputs(rows: FloatArray) -> FloatArray:
        made = engine.predict(network, flat[None], rows.astype(flat.dtype))[0]
        return np.asarray(made, np.float64)

    names = column_names(estimator)
    asked = Asked(names, _inputs(estimator, len(names)), seed=seed, methods=methods, **how)
    scored = Scored(estimator._targets(y[rows], np.float64), outputs, judge, judge.metric.greater_is_better)
    of = f"{len(rows):,} rows"
    if len(rows) < X.shape[0]:
        of = f"{len(rows):,} of the {X.shape[0]:,} rows, drawn with seed {seed}"
    words = (judge.metric.name, judge.metric.words)
    model = _model(estimator) if "attribution" in asked.methods else None
    return measured(asked, scored, x, words, of, model, np.median(x, axis=0), TARGET)


def _inputs(estimator: Any, count: int) -> list[Any]:
    """Return the places of each column's inputs: its own, and its word for a missing value where it has one."""
    filling = estimator._filling
    words = [] if filling is None else filling.indicators.tolist()
    found = []
    for place in range(count):
        more = [count + words.index(place)] if place in words else []
        found.append(np.array([place, *more]))
    return found


def _model(estimator: Any) -> Model:
    """Return the network as a model of its inputs, to be asked what it attributes; SettingsError for several answers a row."""
    kind = estimator._answers().kind
    if kind == "labels" or (kind == "number" and estimator._design.network.output.n_out > 1):
        raise SettingsError(
            "attributions are of one answer a row, and y has several columns: use method='permutation', or an estimator for "
            "each of them"
        )
    model = model_of_inputs(estimator)
    assert isinstance(model.target, TargetEncoder)  # there is one answer
    return replace(model, target=replace(model.target, name=TARGET))
