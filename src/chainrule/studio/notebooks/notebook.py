"""The studio's front doors in Python: a trained model, or an estimator and its rows, as a page in the notebook's cell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.errors import SettingsError
from chainrule.fitting.score import Trained
from chainrule.model.model import Model

if TYPE_CHECKING:
    from chainrule.studio.notebooks.widget import StudioWidget
    from chainrule.studio.training.course import Course

HEIGHT = 760
"""The pixels that the page is high."""


def show_model(model: Model | Trained | str, table: Any = None, *, height: int = HEIGHT) -> StudioWidget:
    """Return a trained model as a page to look into: its training replayed, step by step, each number explained.

    ``model`` is what `train` returned, a model, or its file; ``table`` what it was trained on: a file, a frame or a dict of
    columns, which what `train` returned has with it. Raises SettingsError for a model that can't be replayed, or whose table
    isn't there, and ImportError, with what to install, where there are no widgets.
    """
    made = _widget()
    from chainrule.studio.training.course import courses_of_model
    from chainrule.studio.training.opening import AskedFor, opened_by

    if isinstance(model, Trained):
        table = model.prepared.table if table is None else table
        model = model.model
    file = model if isinstance(model, str | Path) else None
    if file is not None:
        model = Model.load(file)
    assert isinstance(model, Model)
    if table is None:
        told = (model.card or {}).get("table")
        if not told or not Path(told).is_file():
            raise SettingsError(
                "the table that it was trained on isn't with the model: name it, as in show(model, 'table.csv')"
            )
        table = told
    name = str(table) if isinstance(table, str | Path) else ""
    course = courses_of_model(model, model.table(table), name or "a model")
    asked = AskedFor(file=name, model=model, model_file=None if file is None else str(file))
    return made(opened_by(course, asked), height)


def studio_of(estimator: Any, X: Any, y: Any, *, height: int = HEIGHT) -> StudioWidget:
    """Return the training of an estimator on rows as a page in a notebook: it waits there, and goes on as one plays it.

    ``estimator`` is a TableClassifier or TableRegressor, fitted or not, and stays as it is; ``widget.model`` is the model
    when the training has ended. Raises ParameterError, TableError or SettingsError for what can't be trained, and
    ImportError, with what to install, where there are no widgets.
    """
    made = _widget()
    from chainrule.estimators.table.asked import question_of
    from chainrule.estimators.table.base import BaseTable
    from chainrule.studio.training.opening import AskedFor, course_of

    if not isinstance(estimator, BaseTable):
        raise SettingsError(
            f"a studio is made of a TableClassifier or a TableRegressor, not of {type(estimator).__name__}"
        )
    question, settings = question_of(estimator, X, y)
    course: Course = course_of(AskedFor(question, settings))
    return made(course, height)


def _widget() -> type[StudioWidget]:
    try:
        from chainrule.studio.notebooks.widget import StudioWidget
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] not in (
            "anywidget",
            "traitlets",
            "ipywidgets",
            "IPython",
        ):
            raise
        raise ImportError("widgets need anywidget: pip install 'chainrule[notebook]'") from error
    return StudioWidget
