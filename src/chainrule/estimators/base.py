"""What all four estimators share: what `fit` is given, callbacks, and files."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from os import fspath
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, TypeVar, cast

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from chainrule._files import PathLike
from chainrule._types import FloatArray
from chainrule._version import __version__, check_version
from chainrule.errors import ChainruleError, ModelFileError, TableError
from chainrule.estimators.files import NAME, Arrays, Description
from chainrule.estimators.parameters import ParameterError
from chainrule.model.file import read_model_file, write_model_file
from chainrule.training.callbacks import NetworkMonitor, as_callbacks
from chainrule.training.result import Callback
from chainrule.training.scores.weights import check_range

if TYPE_CHECKING:
    from chainrule.explain.columns.importance import Importance

INTERRUPTED = "Training interrupted by user."
"""What is warned of where Ctrl-C ended a training, in scikit-learn's words."""

F = TypeVar("F", bound=Callable[..., Any])


def available(check: Callable[[Any], bool]) -> Callable[[F], F]:
    """Return a decorator for a method that is there only where ``check(estimator)`` doesn't raise AttributeError."""
    return cast("Callable[[F], F]", available_if(check))


def checked_weights(
    weights: Any, X: Any, name: str = "sample_weight", dtype: Any = np.float64
) -> FloatArray | None:
    """Return the rows' weights (n,), None where there are none.

    Raises ValueError, naming them, for one that is no number, below 0 or not finite, and where all are 0.
    """
    if weights is None:
        return None
    _check_numbers(weights, name)
    try:
        checked: FloatArray = _check_sample_weight(weights, X, dtype=dtype, ensure_non_negative=True)
    except ValueError as error:
        raise ValueError(str(error).replace("sample_weight", name)) from error
    if not checked.any():
        raise TableError(f"{name}: every weight is 0; give rows that count a weight above 0")
    check_range(checked, name, checked.dtype)
    return checked


def _check_numbers(weights: Any, name: str) -> None:
    """Raise TableError for a weight that is no real number, by its place."""
    values = np.asarray(weights)
    if values.dtype.kind in "biuf" or values.ndim > 1:
        return
    for row, value in enumerate(np.atleast_1d(values).tolist()):
        try:
            number = not isinstance(value, complex) and values.dtype.kind not in "mM"
            number = number and math.isfinite(float(value))
        except (TypeError, ValueError):
            number = False
        if not number:
            place = f"row {row + 1}: " if values.ndim else ""
            raise TableError(f"{name}: {place}{value!r} is no weight; give each row a number of at least 0")


_VERSION = "_chainrule_version"


class Given(NamedTuple):
    """What `fit` or `partial_fit` was called with; ``only_one``: one epoch, going on from what there is."""

    X: Any
    y: Any
    sample_weight: Any = None
    X_val: Any = None
    y_val: Any = None
    sample_weight_val: Any = None
    resume: PathLike | None = None
    classes: Any = None
    only_one: bool = False
    teacher: Any = None

    def weighing(self, class_weight: Any) -> list[str]:
        """Return the names of what gives the rows their weights, beside weights of classes."""
        named = {"sample_weight": self.sample_weight, "sample_weight_val": self.sample_weight_val}
        return [name for name, given in {**named, "class_weight": class_weight}.items() if given is not None]

    def check(self) -> None:
        """Raise ParameterError for validation rows that are there in part only."""
        if (self.X_val is None) != (self.y_val is None):
            raise ParameterError("X_val and y_val belong together: give both, or neither")
        if self.sample_weight_val is not None and self.X_val is None:
            raise ParameterError("sample_weight_val weighs the rows of X_val: give X_val and y_val")


class Trainable(BaseEstimator, ABC):
    """An estimator that is trained on rows, whose trainings call callbacks, and that can be written to a file."""

    _texts: ClassVar[Mapping[str, str]] = {}
    callbacks: Any

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        *,
        sample_weight_val: Any = None,
        resume: PathLike | None = None,
    ) -> Self:
        """{fit}.

        Parameters
        ----------
        X : {X_fit}
            {rows_fit}
        y : array-like of shape {shape}
            {y_fit}
        sample_weight : array-like of shape (n_samples,), default=None
            {weights_fit}
        {rows_val}
        sample_weight_val : array-like of shape (n_validation_samples,), default=None
            {weights_of}
        resume : str or path, default=None
            A file of `SaveCheckpoint` to go on from, with the same parameters and data.

        Returns
        -------
        self : {self}
            {done}
        """
        return self._fit(Given(X, y, sample_weight, X_val, y_val, sample_weight_val, resume))

    @abstractmethod
    def _fit(self, given: Given) -> Self:
        """Train."""

    def _begin(self, training: Any) -> list[Callback]:
        """Return the callbacks, after those that ask for it were told what is going to be trained."""
        callbacks = as_callbacks(self.callbacks)
        for callback in callbacks:
            getattr(callback, "begin", lambda *_: None)(self, training)
        return callbacks

    @abstractmethod
    def _monitor(self, training: Any, X: Any, y: Any, metric: Any, **stopping: Any) -> NetworkMonitor:
        """Return what computes a metric on rows as the user has them; None is accuracy for classes, R² for numbers."""

    @abstractmethod
    def _identity(self, training: Any) -> tuple[Arrays, Description]:
        """Return what has to be the same for a training to go on to the same bits, as arrays and plain data."""

    @abstractmethod
    def _parts(self) -> tuple[Arrays, Description]:
        """Return the fitted estimator as arrays and plain data."""

    @classmethod
    @abstractmethod
    def _from_parts(cls, arrays: Arrays, data: Description) -> Self:
        """Return the estimator of `_parts`; raises an error for anything else."""

    @abstractmethod
    def _importance(self, X: Any, y: Any, **how: Any) -> Importance:
        """Return the importance of columns on rows as the user has them."""

    def importance(
        self,
        X: Any,
        y: Any,
        *,
        method: str = "permutation",
        metric: str | None = None,
        groups: Sequence[Sequence[str]] = (),
        n_repeats: int | None = None,
        random_state: Any = 0,
    ) -> Importance:
        """Return how much the fitted estimator needs each column, best on rows that it was not trained on.

        Parameters
        ----------
        X : array-like, sparse matrix or what `predict` takes, of shape (n_samples, n_features)
            The rows; of more than 20,000 so many are drawn.
        y : array-like
            Their targets.
        method : {'permutation', 'attribution'}, default='permutation'
            What shuffling a column costs in score, or the mean of absolute attributions to the predictions of at most
            500 rows.
        metric : str, default=None
            The score, of classes such as 'accuracy' (None) or 'log_loss', of numbers such as 'rmse' (None) or 'r2'.
        groups : sequence of sequences of str, default=()
            Columns that are shuffled together, by name; without names they are x0, x1 and so on, or column_1 for
            the table estimators.
        n_repeats : int, default=None
            The shuffles of each column; None: 10, of more than 6,000 rows fewer.
        random_state : int, RandomState or None, default=0
            Of the shuffles.

        Returns
        -------
        importance : chainrule.explain.columns.importance.Importance
            ``names``, ``values`` as an array, and for each column in ``columns`` the drop with a 95 % interval;
            ``interchangeable`` columns. docs/understanding.md has the formulas.
        """
        check_is_fitted(self)
        whole = isinstance(random_state, int | np.integer) and not isinstance(random_state, bool)
        seed = random_state if whole else check_random_state(random_state).randint(np.iinfo(np.int32).max)
        return self._importance(
            X,
            y,
            metric=metric,
            groups=groups,
            repeats=n_repeats,
            seed=int(seed),
            methods=(method,),
        )

    def __getstate__(self) -> dict[str, Any]:
        """Return what pickle keeps, with the version that it is of."""
        return {**super().__getstate__(), _VERSION: __version__}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Take what pickle has kept, with a warning where it is of another version."""
        own = dict(state)
        check_version(type(self).__name__, own.pop(_VERSION, None))
        super().__setstate__(own)

    def save(self, path: PathLike, *, overwrite: bool = False) -> None:
        """Write the fitted estimator to one file that can't run code; {readers}.

        Callbacks, a metric that is a function, and a RandomState are left out, with a warning. Raises OutputError
        where the file can't be written.

        Parameters
        ----------
        path : str or path
            The file.
        overwrite : bool, default=False
            Whether it may replace one that exists.
        """
        check_is_fitted(self)
        arrays, description = self._parts()
        description[NAME] = type(self).__name__
        write_model_file(path, arrays, description, overwrite=overwrite, read=self._made)

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Return the estimator that `save` wrote; raises ModelFileError where the file holds none of this class.

        Parameters
        ----------
        path : str or path
            The file.

        Returns
        -------
        estimator : estimator
            {loaded}
        """
        arrays, data = read_model_file(path)
        if data.get(NAME) != cls.__name__:
            what = data.get(NAME) or "a model, which chainrule.load reads"
            raise ModelFileError(f"{fspath(path)} holds {what}, not a {cls.__name__}")
        try:
            return cls._made(data, arrays)
        except ModelFileError as error:
            raise ModelFileError(f"{fspath(path)} {error}") from error

    @classmethod
    def _made(cls, data: Mapping[str, Any], arrays: Mapping[str, Any]) -> Self:
        """Return the estimator of a file's parts; raises ModelFileError for anything else."""
        try:
            return cls._from_parts(dict(arrays), dict(data))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, ChainruleError) as error:
            what = f"is not a {cls.__name__} that chainrule {__version__} can use"
            raise ModelFileError(f"{what}: {error}") from error
