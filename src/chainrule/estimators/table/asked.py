"""What an estimator asks of a table, without training: for those who train it elsewhere, step by step."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone

from chainrule._doors import PYTHON, through
from chainrule.estimators.base import Given
from chainrule.estimators.table.base import PARAMETERS, BaseTable
from chainrule.fitting.question import Question
from chainrule.training.settings.record import Settings


def question_of(estimator: BaseTable, X: Any, y: Any) -> tuple[Question, Settings]:
    """Return the question and the settings that ``estimator.fit(X, y)`` trains with; the estimator stays as it is."""
    own = clone(estimator)
    with through(PYTHON, PARAMETERS):
        return own._question(Given(X, y)), own._settings(own._seed())
