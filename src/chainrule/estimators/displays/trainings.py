"""Displays of trainings: curves over the epochs, scores by rows, settings tried, what each part of the recipe adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np

from chainrule.errors import SettingsError
from chainrule.estimators.displays.display import Display, Shows
from chainrule.fitting.score import Trained
from chainrule.fitting.studies.ablation_records import Ablations
from chainrule.plots.kinds.curves import curves_chart
from chainrule.plots.kinds.search import learning_chart, search_chart
from chainrule.reports.ablation import ablation_charts
from chainrule.training.checkpoint import Epoch

What = Literal["loss", "watched", "rate", "gradient"]

_SERIES: Mapping[What, tuple[tuple[tuple[str, str], ...], str, str]] = {
    "loss": ((("training", "training_loss"), ("validation", "validation_loss")), "Loss by epoch", "loss"),
    "watched": ((("watched", "watched"),), "What early stopping watches", "watched"),
    "rate": ((("learning rate", "learning_rate"),), "Learning rate by epoch", "learning rate"),
    "gradient": (
        (("largest |gradient|", "steepest"),),
        "Largest number of the gradient by epoch",
        "|gradient|",
    ),
}
"""The curves of each kind: their names and where a line of the history has them, the title, the axis."""

_OF_MLP: Mapping[str, str] = {
    "training_loss": "loss_curve_",
    "validation_loss": "validation_loss_curve_",
    "watched": "validation_scores_",
}
"""What the perceptrons, which keep no history but scikit-learn's attributes, have instead."""


class CurvesDisplay(Display):
    """Curves over the epochs: ``epochs``, and by name ``curves``; the ``best`` epoch, where it is known.

    ``what``: ``loss`` (training and validation), ``watched`` (what early stopping looks at), ``rate`` (the learning rate),
    ``gradient`` (the largest absolute number of the gradient in each epoch's last step).
    """

    @classmethod
    def from_estimator(cls, estimator: Any, *, what: What = "loss", ax: Any = None) -> Self:
        """Return the curves of a fitted estimator, the last step of a pipeline too.

        Parameters
        ----------
        estimator : estimator
            One of chainrule's four, or scikit-learn's perceptrons.
        what : {'loss', 'watched', 'rate', 'gradient'}, default='loss'
            Which curves; the perceptrons keep no learning rates and gradients.
        ax : matplotlib axes, default=None
            Where to draw at once.

        Returns
        -------
        display : display
            With the values as attributes.
        """
        while hasattr(estimator, "best_estimator_") or hasattr(estimator, "steps"):
            estimator = getattr(estimator, "best_estimator_", None) or estimator.steps[-1][1]
        if hasattr(estimator, "history_"):
            card = estimator.model_.card
            return cls._of(_of_history(estimator.history_, card.get("best_epochs"), what), ax)
        if not hasattr(estimator, "loss_curve_"):
            raise SettingsError(
                f"{type(estimator).__name__} has no curves: fit it, or give one of chainrule's estimators"
            )
        found = {
            name: getattr(estimator, _OF_MLP[key], None) for name, key in _checked(what)[0] if key in _OF_MLP
        }
        return cls._of(_curves({name: values for name, values in found.items() if values}, (), what), ax)

    @classmethod
    def from_trained(cls, trained: Trained, *, what: What = "loss", ax: Any = None) -> Self:
        """Return the curves of what `chainrule.train` returns; a model alone doesn't keep them.

        Parameters
        ----------
        trained : Trained
            The trained model with how its training went.
        what : {'loss', 'watched', 'rate', 'gradient'}, default='loss'
            Which curves.
        ax : matplotlib axes, default=None
            Where to draw at once.

        Returns
        -------
        display : display
            With the values as attributes.
        """
        run = trained.fit.watched
        return cls._of(_of_history(run.history, run.best_epochs, what), ax)


def _checked(what: What) -> tuple[tuple[tuple[str, str], ...], str, str]:
    if what not in _SERIES:
        raise SettingsError(f"what: {what!r} is no kind of curves: choose {', '.join(_SERIES)}")
    return _SERIES[what]


def _of_history(history: Sequence[Epoch], best: Sequence[int] | None, what: What) -> Shows:
    series = {name: [getattr(line, key) for line in history] for name, key in _checked(what)[0]}
    known = {name: values for name, values in series.items() if not np.isnan(values).all()}
    return _curves(known, best or (), what)


def _curves(series: Mapping[str, Sequence[float]], best: Sequence[int], what: What) -> Shows:
    _, title, label = _checked(what)
    if not series:
        raise SettingsError(f"{what}: there are no such curves; there are those of the loss")
    arrays = {name: np.asarray(values, np.float64) for name, values in series.items()}
    # Members have a best epoch each; one line is drawn where they agree.
    agreed = float(best[0]) if len(set(best)) == 1 and best[0] else None
    chart = curves_chart(arrays, best=agreed, title=title, y_label=label)
    epochs = np.arange(1, max(map(len, arrays.values())) + 1)
    return Shows(chart, {"epochs": epochs, "curves": arrays, "best": tuple(best)})


class LearningDisplay(Display):
    """Scores by the number of rows trained on: ``train_sizes`` (sizes,), ``train_scores`` and ``test_scores`` (sizes, folds)."""

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, score: str = "score", ax: Any = None, **words: Any
    ) -> Self:
        """Return the learning curve that scikit-learn's `learning_curve` makes by training again and again.

        Parameters
        ----------
        estimator : estimator
            Any; it is cloned.
        X : array-like or frame of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            Their targets.
        score : str, default='score'
            What the score is called.
        ax : matplotlib axes, default=None
            Where to draw at once.
        **words
            Those of `sklearn.model_selection.learning_curve`: ``cv``, ``scoring``, ``train_sizes``, …

        Returns
        -------
        display : display
            Bands are the lowest and the highest fold.
        """
        from sklearn.model_selection import learning_curve

        sizes, train, test = learning_curve(estimator, X, y, **words)[:3]
        made = {
            name: (scores.mean(axis=1), scores.min(axis=1), scores.max(axis=1))
            for name, scores in (("training", train), ("held out", test))
        }
        values = {"train_sizes": sizes, "train_scores": train, "test_scores": test}
        return cls._of(Shows(learning_chart(sizes, made, score=score), values), ax)


class SearchDisplay(Display):
    """The score of each candidate of a search by each setting.

    ``settings``: all tried, by name; ``mean_test_score`` (candidates,); ``best``: the place of the best.
    """

    @classmethod
    def from_estimator(cls, search: Any, *, metric: str = "score", ax: Any = None) -> Self:
        """Return what a fitted search of scikit-learn tried.

        Parameters
        ----------
        search : GridSearchCV, RandomizedSearchCV or what else has ``cv_results_``
            Fitted.
        metric : str, default='score'
            With several metrics the one that is shown.
        ax : matplotlib axes, default=None
            Whose place the plots take at once, or one for each setting that varies.

        Returns
        -------
        display : display
            With the values as attributes. Raises SettingsError where there is one candidate.
        """
        results = getattr(search, "cv_results_", None)
        if results is None:
            raise SettingsError(
                f"{type(search).__name__} has tried nothing: give a fitted search such as GridSearchCV"
            )
        scores = results.get(f"mean_test_{metric}")
        if scores is None:
            known = [name.removeprefix("mean_test_") for name in results if name.startswith("mean_test_")]
            raise SettingsError(f"metric: the search has no {metric!r}: choose {', '.join(known)}")
        names = {name: name.removeprefix("param_") for name in results if name.startswith("param_")}
        tried = {short: [_plain(value) for value in results[name]] for name, short in names.items()}
        varied = {name: values for name, values in tried.items() if len(set(map(str, values))) > 1}
        if not varied:
            raise SettingsError("the search has tried one candidate alone, so there is nothing to compare")
        chart = search_chart(_named(varied), scores, score=f"mean test {metric}", better="more")
        found = {"settings": tried, "mean_test_score": np.asarray(scores), "best": int(np.nanargmax(scores))}
        return cls._of(Shows(chart, found), ax)


def _plain(value: Any) -> Any:
    """Return a setting as a number or a word."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, int | float | str) else str(value)


def _named(settings: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Return the settings by the last part of their names, ``alpha`` of ``mlp__alpha``, where that tells them apart."""
    short = [name.rpartition("__")[2] for name in settings]
    return dict(zip(short if len(set(short)) == len(short) else settings, settings.values(), strict=True))


class AblationDisplay(Display):
    """What each ingredient of the recipe adds: by score the ``differences`` without it and their ``standard_errors``.

    The order is that of ``ingredients``.
    """

    @classmethod
    def from_ablations(cls, ablations: Ablations, *, score: str | None = None, ax: Any = None) -> Self:
        """Return what `chainrule.ablate` has found.

        Parameters
        ----------
        ablations : Ablations
            With the differences of each ingredient.
        score : str, default=None
            The one that is shown; all if None.
        ax : matplotlib axes, default=None
            Whose place the plots take at once.

        Returns
        -------
        display : display
            Intervals are two standard errors, as the verdicts have them.
        """
        taken = [one for one in ablations.ingredients if one.reason is None]
        if not taken:
            raise SettingsError("no ingredient was taken out, so there is nothing to compare")
        known = list(taken[0].differences)
        if score is not None and score not in known:
            raise SettingsError(f"score: {score!r} is none of the ablation's: choose {', '.join(known)}")
        shown = known if score is None else [score]
        chart = ablation_charts(ablations, shown)
        assert chart is not None  # something was taken out
        found = {name: [one.differences[name] for one in taken] for name in shown}
        sizes = {name: np.array([one.value for one in each]) for name, each in found.items()}
        errors = {name: np.array([one.standard_error for one in each]) for name, each in found.items()}
        names = [one.ingredient.name for one in taken]
        values = {"ingredients": np.array(names), "differences": sizes, "standard_errors": errors}
        return cls._of(Shows(chart, values), ax)
