"""Rows with what is true of them and what is predicted, of any of scikit-learn's estimators or of a model."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.base import is_classifier

from chainrule._types import FloatArray
from chainrule.errors import SettingsError, TableError
from chainrule.estimators.table.base import BaseTable
from chainrule.estimators.table.data import as_table, container, is_frame, renamed, target_names
from chainrule.model.model import Model
from chainrule.model.scoring import of_target
from chainrule.model.source import Reading, Source
from chainrule.tables.cells import no_row
from chainrule.tables.table import Table, suggestion


class Answered(NamedTuple):
    """Rows and answers: ``truth`` and ``predicted`` (n,) are places among ``classes``, or numbers where there are none.

    ``scores`` are probabilities or other scores, (n, classes) or of two classes that of the second (n,); None where there are
    none. ``source`` are the rows as they were given; ``counted``: an array's columns are called ``column_1`` and so on,
    as the table estimators call them.
    """

    truth: Any
    predicted: Any
    scores: FloatArray | None
    classes: tuple[Any, ...]
    target: str
    source: Any
    counted: bool = False

    @property
    def rows(self) -> Table:
        """The rows as a table; an array's columns are called as the estimator calls them, else ``x0`` and so on."""
        if isinstance(self.source, Table):
            return self.source
        rows = container(self.source)
        if is_frame(rows):
            return as_table(rows, Reading())
        table = as_table(np.asarray(rows), Reading())
        return table if self.counted else renamed(table, [f"x{place}" for place in range(len(table.columns))])

    @property
    def labels(self) -> tuple[Any, ...]:
        """The classes; raises SettingsError where the answers are numbers."""
        if not self.classes:
            raise SettingsError(
                f"{self.target!r} is a number, and this is about classes: see ResidualsDisplay, PredictedDisplay"
            )
        return self.classes

    @property
    def scored(self) -> FloatArray:
        """The scores of classes; raises SettingsError where there are none."""
        if not self.labels or self.scores is None:
            raise SettingsError(
                "there are no probabilities: choose a loss that gives them, or a ConfusionDisplay"
            )
        return self.scores

    def numbers(self) -> tuple[FloatArray, FloatArray]:
        """Return truth and predictions as numbers; raises SettingsError where they are classes."""
        if self.classes:
            raise SettingsError(
                f"{self.target!r} has classes, and this is about numbers: see ConfusionDisplay, RocDisplay"
            )
        return np.asarray(self.truth, np.float64), np.asarray(self.predicted, np.float64)


def answers_of_estimator(estimator: Any, X: Any, y: Any, target: str | int | None = None) -> Answered:
    """Return the answers of a fitted estimator to rows; ``target`` names one of several columns of y, or its place from 0."""
    predicted = np.asarray(estimator.predict(X))
    classifies, counted = is_classifier(estimator), isinstance(estimator, BaseTable)
    scores = _scores(estimator, X) if classifies else None
    known = tuple(np.asarray(estimator.classes_).tolist()) if classifies else ()
    given, names = np.asarray(y), target_names(y, ())
    name = names[0]
    if predicted.ndim == 2 and predicted.shape[1] > 1:
        place = _place(names, target)
        name, given, predicted = names[place], given[:, place], predicted[:, place]
        if classifies:
            known, scores = (0, 1), None if scores is None else np.asarray(scores)[:, place]
    given, predicted = given.ravel(), predicted.ravel()
    if not classifies:
        return Answered(np.asarray(given, np.float64), predicted, None, (), name, X, counted)
    truth, codes = (
        _codes(values, known, what) for values, what in ((given, "y"), (predicted, "predictions"))
    )
    return Answered(truth, codes, scores, known, name, X, counted)


def answers_of_model(model: Model, table: Source, target: str | None = None) -> Answered:
    """Return the answers of a model to the rows of a table that have a target; ``target`` names one of several."""
    read = model.table(table)
    part = read.take(model.target.known(read))
    if not part.n_rows:
        raise TableError(no_row(read, model.target.names))
    place = _place(model.target.names, target)
    one, made = model.target.parts[place], of_target(model.predict(part), place)
    if made.codes is None:
        return Answered(one.numbers(part), made.labels, None, (), one.name, part)
    return Answered(one.codes(part), made.codes, made.probabilities, tuple(one.labels), one.name, part)


def _scores(estimator: Any, X: Any) -> FloatArray | None:
    """Return the probabilities of classes, or what a classifier has in their place."""
    for name in ("predict_proba", "decision_function"):
        if hasattr(estimator, name):
            found = getattr(estimator, name)(X)
            if isinstance(found, list):  # of several targets, each with its two classes
                found = np.stack([np.asarray(one)[:, -1] for one in found], axis=1)
            return np.asarray(found, np.float64)
    return None


def _place(names: tuple[str, ...], target: str | int | None) -> int:
    if target is None and len(names) == 1:
        return 0
    if isinstance(target, int) and 0 <= target < len(names):
        return target
    if target in names:
        return names.index(str(target))
    if target is None:
        raise SettingsError(f"there are {len(names)} targets: name one by target, {', '.join(names)}")
    raise SettingsError(f"target: {target!r} is none; {suggestion(str(target), list(names), 'targets')}")


def _codes(values: Any, classes: tuple[Any, ...], what: str) -> Any:
    places = {name: place for place, name in enumerate(classes)}
    codes = np.array([places.get(value, -1) for value in values.tolist()], np.int64)
    unknown = np.flatnonzero(codes < 0)
    if len(unknown):
        row = int(unknown[0])
        named = ", ".join(map(str, classes[:20]))
        raise SettingsError(
            f"{what}: row {row + 1} has {values.tolist()[row]!r}, which is none of the classes {named}; leave the row out"
        )
    return codes
