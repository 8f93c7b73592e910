"""What displays look into: a model and a table, those of any of the four estimators too, also last in a pipeline."""

from __future__ import annotations

from typing import Any, NamedTuple

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from chainrule.errors import SettingsError
from chainrule.estimators.mlp.as_model import model_of, rows_of
from chainrule.estimators.mlp.base import BaseMLP
from chainrule.estimators.table.base import BaseTable
from chainrule.estimators.table.data import container
from chainrule.model.model import Model
from chainrule.model.source import Source
from chainrule.tables.table import Table


class LookedInto(NamedTuple):
    """A model, and the rows that it is shown with, where some are given.

    ``typical`` says what its typical cells are, where they aren't the medians of the training rows.
    """

    model: Model
    table: Table | None
    typical: str = ""

    def rows(self, what: str) -> Table:
        """Return the rows; raises SettingsError where none are given."""
        if self.table is None:
            raise SettingsError(f"{what} is about rows: give them, with their targets, too")
        return self.table


def of_estimator(estimator: Any, X: Any = None, y: Any = None) -> LookedInto:
    """Return the model within an estimator, and rows as its table.

    Of a search it is the best estimator; of a pipeline the last step, with the columns that the steps before make. Raises
    SettingsError for what isn't one of ours.
    """
    while not isinstance(estimator, BaseMLP | BaseTable):
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, Pipeline):
            estimator, X = _last_step(estimator, X)
        else:
            raise SettingsError(
                f"{type(estimator).__name__} has no network to look into: give one of chainrule's four estimators, fitted, or a "
                "pipeline that ends in one"
            )
    check_is_fitted(estimator)
    if isinstance(estimator, BaseMLP):
        table = None if X is None else rows_of(estimator, X, y)
        known = "medians of these rows" if estimator._filling is None else "means of the training rows"
        return LookedInto(model_of(estimator, y, table), table, known)
    if X is None:
        return LookedInto(estimator.model_, None)
    if y is None:
        return LookedInto(estimator.model_, estimator._table(X))
    names = [column.name for column in estimator.schema_.columns[: estimator.n_features_in_]]
    model = estimator.model_
    return LookedInto(model, estimator._labeled(container(X), y, names, model.reading, model.target.names))


def of_model(model: Model, table: Source | None = None) -> LookedInto:
    """Return a model, and the rows of a source as its table."""
    return LookedInto(model, None if table is None else model.table(table))


def _last_step(pipeline: Pipeline, X: Any) -> tuple[BaseEstimator, Any]:
    if len(pipeline.steps) > 1 and X is not None:
        X = pipeline[:-1].transform(X)
    return pipeline.steps[-1][1], X
