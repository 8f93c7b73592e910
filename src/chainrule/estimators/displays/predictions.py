"""Displays of predictions beside the truth, of any estimator with `predict`, or of a model and a table.

scikit-learn's own `ConfusionMatrixDisplay`, `RocCurveDisplay`, `PrecisionRecallDisplay`, `CalibrationDisplay` and
`PredictionErrorDisplay` work on the estimators, too; values that both have are called as theirs.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from chainrule.errors import SettingsError
from chainrule.estimators.displays.answered import Answered, answers_of_estimator, answers_of_model
from chainrule.estimators.displays.display import DrawnDisplay, Shows
from chainrule.estimators.displays.slices import scored_slices
from chainrule.model.model import Model
from chainrule.model.source import Source
from chainrule.plots.kinds.calibration import BINS, calibration_chart
from chainrule.plots.kinds.classes import confusion_chart, precision_recall_chart, roc_chart
from chainrule.plots.kinds.regression import predicted_chart, residuals_chart
from chainrule.plots.kinds.scores import slices_chart


class AnswersDisplay(DrawnDisplay):
    """What displays of predictions have in common; ``draws`` makes one of the answers."""

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        target: str | int | None = None,
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Return the display of a fitted estimator's predictions.

        Parameters
        ----------
        estimator : estimator
            Anything fitted that predicts.
        X : array-like or frame of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            What is true of them.
        target : str or int, default=None
            Of several columns of y: the one that it is about.
        ax : matplotlib axes, default=None
            Where to draw at once; `plot` does it later.
        **options
            Those of the class.

        Returns
        -------
        display : display
            With the values as attributes.
        """
        return cls._of(cls._draws(answers_of_estimator(estimator, X, y, target), **options), ax)

    @classmethod
    def from_model(
        cls, model: Model, table: Source, *, target: str | None = None, ax: Any = None, **options: Any
    ) -> Self:
        """Return the display of a model's predictions for the rows of a table that have a target.

        Parameters
        ----------
        model : Model
            What `chainrule.train` or `chainrule.load` gives.
        table : str, path, frame or Table
            With the target.
        target : str, default=None
            Of several: the one that it is about.
        ax : matplotlib axes, default=None
            Where to draw at once; `plot` does it later.
        **options
            Those of the class.

        Returns
        -------
        display : display
            With the values as attributes.
        """
        return cls._of(cls._draws(answers_of_model(model, table, target), **options), ax)


def _confusion(of: Answered) -> Shows:
    k = len(of.labels)
    counts = np.bincount(of.truth * k + of.predicted, minlength=k * k).reshape(k, k)
    values = {"confusion_matrix": counts, "display_labels": np.array(of.classes)}
    return Shows(confusion_chart(of.truth, of.predicted, of.classes), values)


def _against_others(of: Answered) -> list[tuple[Any, Any, Any]]:
    """Return name, whether each row is of it and its score, for each class, of two the second."""
    scores = of.scored
    if scores.ndim == 1:
        scores = np.stack([-scores, scores], axis=1)
    wanted = [1] if len(of.classes) == 2 else range(len(of.classes))
    made = [(of.classes[i], of.truth == i, scores[:, i]) for i in wanted]
    return [one for one in made if 0 < one[1].sum() < len(of.truth)]


def _roc(of: Answered) -> Shows:
    from sklearn.metrics import roc_auc_score, roc_curve

    found: dict[str, dict[Any, Any]] = {name: {} for name in ("fpr", "tpr", "thresholds", "roc_auc")}
    for name, is_true, score in _against_others(of):
        for key, values in zip(("fpr", "tpr", "thresholds"), roc_curve(is_true, score), strict=True):
            found[key][name] = values
        found["roc_auc"][name] = float(roc_auc_score(is_true, score))
    return Shows(roc_chart(of.truth, of.scored, of.classes), found)


def _precision_recall(of: Answered) -> Shows:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    parts = ("precision", "recall", "thresholds")
    found: dict[str, dict[Any, Any]] = {name: {} for name in (*parts, "average_precision")}
    for name, is_true, score in _against_others(of):
        for key, values in zip(parts, precision_recall_curve(is_true, score), strict=True):
            found[key][name] = values
        found["average_precision"][name] = float(average_precision_score(is_true, score))
    return Shows(precision_recall_chart(of.truth, of.scored, of.classes), found)


def _calibration(of: Answered, *, label: Any = None, bins: int = BINS) -> Shows:
    from sklearn.calibration import calibration_curve

    scores, classes = of.scored, of.classes
    if scores.ndim == 1:
        scores = np.stack([1 - scores, scores], axis=1)
    if not ((scores >= 0) & (scores <= 1)).all():
        raise SettingsError("the scores are no probabilities: choose an estimator with predict_proba")
    if label is not None and label not in classes:
        raise SettingsError(f"label: {label!r} is no class: choose {', '.join(map(str, classes))}")
    if label is None and len(classes) > 2:
        probability, is_true = scores.max(axis=1), of.truth == scores.argmax(axis=1)
        title = "Calibration of the class that is answered"
    else:
        place = 1 if label is None else classes.index(label)
        probability, is_true = scores[:, place], of.truth == place
        title = f"Calibration of {classes[place]}"
    share, mean = calibration_curve(is_true, probability, n_bins=bins)
    values = {"prob_true": share, "prob_pred": mean, "y_true": is_true, "y_prob": probability}
    return Shows(calibration_chart(is_true, probability, bins=bins, title=title), values)


def _residuals(of: Answered) -> Shows:
    truth, predicted = of.numbers()
    values = {"y_true": truth, "y_pred": predicted, "residuals": truth - predicted}
    return Shows(residuals_chart(truth, predicted, target=of.target), values)


def _predicted(of: Answered) -> Shows:
    truth, predicted = of.numbers()
    return Shows(predicted_chart(truth, predicted, target=of.target), {"y_true": truth, "y_pred": predicted})


def _slices(of: Answered, *, column: str) -> Shows:
    found = scored_slices(of, column)
    chart = slices_chart(
        found.names,
        found.scores,
        found.low,
        found.high,
        overall=found.overall,
        counts=found.counts,
        score=found.score,
        title=f"By {column}",
    )
    return Shows(chart, found._asdict())


class ConfusionDisplay(AnswersDisplay, draws=_confusion):
    """True by predicted classes: ``confusion_matrix`` (classes, classes) counts, rows are the true ones of ``display_labels``."""


class RocDisplay(AnswersDisplay, draws=_roc):
    """True by false positive rates, each class against the others: ``fpr``, ``tpr``, ``thresholds`` and ``roc_auc`` by class.

    Of two classes it is the second.
    """


class PrecisionRecallDisplay(AnswersDisplay, draws=_precision_recall):
    """Precision by recall, each class against the others: ``precision``, ``recall``, ``average_precision`` by class."""


class CalibrationDisplay(AnswersDisplay, draws=_calibration):
    """The share that came true by predicted probability: ``prob_true`` and ``prob_pred`` of each bin that has rows.

    ``label``: the class, of two the second if not told, of more the one that is answered for each row. ``bins`` of equal width.
    """


class ResidualsDisplay(AnswersDisplay, draws=_residuals):
    """Truth minus prediction by prediction: ``y_true``, ``y_pred``, ``residuals`` (n,)."""


class PredictedDisplay(AnswersDisplay, draws=_predicted):
    """Predictions against the truth: ``y_true``, ``y_pred`` (n,)."""


class SlicesDisplay(AnswersDisplay, draws=_slices):
    """The score of the rows of each value of a ``column``, numbers in quarters: ``names``, ``scores``, ``counts`` (slices,).

    ``low`` and ``high`` are 95 % intervals, ``overall`` the score of all. Classes have the accuracy with Wilson's interval,
    numbers the mean absolute error with Student's.
    """
