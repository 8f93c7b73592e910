"""A fitted perceptron as a model of a table, so that all that looks into models looks into perceptrons, too."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule._types import FloatArray
from chainrule.engines import JUDGE
from chainrule.errors import SettingsError
from chainrule.estimators.mlp.inputs import validated
from chainrule.estimators.table.data import as_table, columns_of, renamed, target_names
from chainrule.model.group import Group
from chainrule.model.model import Model
from chainrule.model.source import Reading
from chainrule.tables.encoding.columns import VALUE, ColumnEncoder, Part
from chainrule.tables.encoding.encode import Encoder
from chainrule.tables.encoding.target import TargetEncoder
from chainrule.tables.encoding.targets import Target, Targets
from chainrule.tables.table import Table, with_columns


class _InFloat64(Model):
    """A model that predicts in float64, as perceptrons do: a model file's engine does it in float32."""

    @property
    def engine(self) -> str:
        return JUDGE


def model_of(estimator: Any, target: Any = None, rows: Table | None = None) -> Model:
    """Return a fitted perceptron as a model: its columns are numbers without scaling, and missing ones are filled as in it.

    ``target`` is a y, whose own names its targets have; the medians of ``rows`` are the typical cells of an estimator that
    knows no missing ones. A column's indicator of missing values stands behind the column, so
    the rows of the first weights have another order than ``coefs_``. Raises SettingsError where there is a single class.
    """
    check_is_fitted(estimator)
    filling, names = estimator._filling, column_names(estimator)
    flat, network = np.array(estimator._at_temperature()), estimator._design.network
    means = filling.means if filling is not None else _medians(rows, names)
    told = () if filling is None else tuple(filling.indicators.tolist())
    columns = tuple(_number(name, float(means[j]), is_told=j in told) for j, name in enumerate(names))
    if told:
        # Ours has each indicator behind its column, the perceptron all of them at the end.
        order = [
            place for j in range(len(names)) for place in (j, *([len(names) + told.index(j)] * (j in told)))
        ]
        flat = _with_inputs_in(estimator, flat, order)
    return _InFloat64((Group(network, flat[None]),), Encoder("none", columns), _target(estimator, target))


def model_of_inputs(estimator: Any) -> Model:
    """Return a fitted perceptron as a model of its network's own inputs, in their order: indicators of missing values last.

    Raises SettingsError where there is a single class.
    """
    flat, network = np.array(estimator._at_temperature()), estimator._design.network
    columns = tuple(_number(f"x{place}") for place in range(network.n_inputs))
    return _InFloat64((Group(network, flat[None]),), Encoder("none", columns), _target(estimator, None))


def _number(name: str, filled: float = 0.0, *, is_told: bool = False) -> ColumnEncoder:
    """Return a column of numbers as they are; missing ones are ``filled``, and told by an input of their own."""
    return ColumnEncoder(name, "number", (Part(VALUE, "none", {}, filled, True),), (), False, is_told, "")


def _medians(rows: Table | None, names: list[str]) -> FloatArray:
    if rows is None:
        return np.zeros(len(names))
    return np.array([np.median(rows.column(name).cast(float).to_numpy()) for name in names])


def rows_of(estimator: Any, X: Any, y: Any = None) -> Table:
    """Return rows, and their targets if given, as a table of `model_of`; raises ValueError where they don't fit."""
    checked = validated(estimator, X, reset=False)
    made = checked if isinstance(checked, np.ndarray) else checked.toarray()
    table = renamed(as_table(made, Reading()), column_names(estimator))
    if y is None:
        return table
    given = np.asarray(y)
    given = given.ravel() if given.ndim == 2 and given.shape[1] == 1 else given
    return with_columns(table, columns_of(_names(estimator, y), given))


def column_names(estimator: Any) -> list[str]:
    """Return the columns' names, those of the training's frame, or as scikit-learn has them ``x0`` and so on."""
    known = getattr(estimator, "feature_names_in_", None)
    return (
        [f"x{place}" for place in range(estimator.n_features_in_)] if known is None else list(map(str, known))
    )


def _names(estimator: Any, y: Any) -> tuple[str, ...]:
    """Return the targets' names, those of a y or ``target``."""
    count = estimator._design.sizes[-1] if estimator._design.kind != "class" else 1
    return target_names(np.zeros((1, count)) if y is None else y, column_names(estimator))


def _target(estimator: Any, y: Any) -> Target:
    kind, names = estimator._design.kind, _names(estimator, y)
    if kind == "class":
        labels = tuple(np.asarray(estimator.classes_).tolist())
        if len(labels) < 2:
            raise SettingsError(
                f"the estimator knows the class {labels[0]} alone, so there is nothing to look into"
            )
        return TargetEncoder(names[0], "classification", labels, "none", {})
    task = "regression" if kind == "number" else "classification"
    labels = () if kind == "number" else (0, 1)
    parts = tuple(TargetEncoder(name, task, labels, "none", {}) for name in names)
    return parts[0] if len(parts) == 1 else Targets(parts)


def _with_inputs_in(estimator: Any, flat: FloatArray, order: list[int]) -> FloatArray:
    layout = estimator._design.layout
    arrays = {number: dict(own) for number, own in layout.unflatten(flat).items()}
    arrays[1]["W"] = arrays[1]["W"][order]
    return np.asarray(layout.flatten(arrays), flat.dtype)
