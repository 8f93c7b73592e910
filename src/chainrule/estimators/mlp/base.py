"""What `MLPClassifier` and `MLPRegressor` share: fitting and prediction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self, TypeVar, cast

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from chainrule._doors import PYTHON, through
from chainrule._files import PathLike
from chainrule._types import FloatArray
from chainrule.engines.cpu.engine import CpuEngine
from chainrule.equations.answers import Answers
from chainrule.equations.network import Network
from chainrule.errors import FormulaError
from chainrule.estimators import files as _saving
from chainrule.estimators.callbacks import Messages
from chainrule.estimators.checkpoints import resumed
from chainrule.estimators.mlp import inspection as _inspection
from chainrule.estimators.mlp.fitted import describe, is_over, record, start_again
from chainrule.estimators.mlp.fitting import Fitting, Rows, Start, initial, prepare
from chainrule.estimators.mlp.inputs import Filling, blocks, dense, fitted_filling, read
from chainrule.estimators.mlp.network import Design, Kind, design
from chainrule.estimators.mlp.plan import check_together, is_stochastic
from chainrule.estimators.parameters import ParameterError, check_parameters
from chainrule.training.callbacks import as_callbacks
from chainrule.training.checkpoint import Checkpoint
from chainrule.training.scores.temperature import at_temperature

PARAMETERS: Mapping[str, str] = {
    "epochs": "max_iter",
    "hidden": "hidden_layer_sizes",
    "learning_rate": "learning_rate_init",
    "optimizer": "solver",
    "validation_share": "validation_fraction",
}
"""What messages call otherwise than scikit-learn does."""

F = TypeVar("F", bound=Callable[..., Any])


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


def _partly(estimator: Any) -> bool:
    """Whether there is `partial_fit`; raises AttributeError, in scikit-learn's words, where there isn't."""
    if not is_stochastic(estimator):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


def available(check: Callable[[Any], bool]) -> Callable[[F], F]:
    """Return a decorator for a method that is there only where ``check(estimator)`` doesn't raise AttributeError."""
    return cast("Callable[[F], F]", available_if(check))


stochastic_only = available(_partly)


def _weights(given: Any, X: Any) -> FloatArray | None:
    """Return the rows' weights (n,); raises ValueError where they are all 0."""
    if given is None:
        return None
    weights: FloatArray = _check_sample_weight(given, X)
    return weights


class BaseMLP(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn has no types
    """Fitting and prediction of both estimators; how targets are read is what differs."""

    hidden_layer_sizes: Any
    activation: Any
    solver: Any
    max_iter: int
    random_state: Any
    verbose: int
    warm_start: bool
    early_stopping: bool
    tol: float
    n_iter_no_change: float
    callbacks: Any
    missing: str
    dtype: Any
    threads: int | None

    coefs_: list[FloatArray]
    intercepts_: list[FloatArray]
    n_features_in_: int
    n_iter_: int
    t_: int
    loss_curve_: list[float]
    temperature_: float
    _design: Design
    _filling: Filling | None = None
    _checkpoint: Checkpoint | None = None
    _seed: int = -1
    _watched: str = ""

    # ---- how targets are read

    @abstractmethod
    def _learn_targets(self, y: Any, given: Given, *, first: bool) -> None:
        """Learn the classes, or the number of outputs, from y as it came; raises ValueError where it can't be one."""

    @abstractmethod
    def _read(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
        """Return X and y as scikit-learn validates them."""

    @abstractmethod
    def _targets(self, y: Any, dtype: Any) -> FloatArray:
        """Return validated targets as what the outputs should say, (n, n_out)."""

    @abstractmethod
    def _problem(self) -> tuple[Kind, int, int]:
        """Return how outputs are read, the number of classes (0 for numbers), and the columns of the targets."""

    @abstractmethod
    def _answers(self) -> Answers:
        """Return how outputs are read, with the classes' names."""

    def _class_weights(self, y: Any, weights: FloatArray | None) -> FloatArray | None:
        """Return the weight of each class (classes,) for training rows of weights (n,), None where there are none."""
        return None

    def _weighed(
        self, y: Any, weights: FloatArray | None, of_classes: FloatArray | None
    ) -> FloatArray | None:
        """Return the rows' weights (n,) with those of their classes in them."""
        return weights

    def _before(self, fitting: Fitting) -> None:
        """Refuse a training that `_after` could do nothing with."""

    def _after(self, fitting: Fitting) -> None:
        """Do what is to be done after a training."""

    # ---- fitting

    def _fit(self, given: Given) -> Self:
        try:
            check_parameters(self)
            check_together(self)
            self._check_given(given)
            with through(PYTHON, PARAMETERS):
                return self._fit_checked(given)
        except FormulaError as error:
            # scikit-learn's users expect a ValueError of a parameter that can't be.
            raise ParameterError(str(error)) from error

    def _check_given(self, given: Given) -> None:
        own_rows = given.X_val is not None
        if own_rows != (given.y_val is not None):
            raise ParameterError("X_val and y_val belong together: give both, or neither")
        if given.sample_weight_val is not None and not own_rows:
            raise ParameterError("sample_weight_val weighs the rows of X_val: give X_val and y_val")
        if given.only_one and self.early_stopping and not own_rows:
            raise ParameterError(
                "partial_fit does not support early_stopping=True without rows to watch: give it X_val and y_val"
            )
        if given.resume is not None and not is_stochastic(self):
            raise ParameterError("solver 'lbfgs' can't go on from a checkpoint: leave resume out")
        if given.resume is not None and self.warm_start and hasattr(self, "coefs_"):
            raise ParameterError(
                "warm_start goes on from coefs_, resume from a checkpoint: choose one of them"
            )
        watches = own_rows or (self.early_stopping and is_stochastic(self))
        if getattr(self, "calibrate", False) and not watches:
            raise ParameterError(
                "calibrate=True needs validation rows: set early_stopping=True, or give X_val and y_val"
            )

    def _fit_checked(self, given: Given) -> Self:
        first = not hasattr(self, "coefs_") or not (self.warm_start or given.only_one)
        if not first and given.only_one and is_over(self):
            return self
        X, y = self._read(given.X, given.y, reset=first)
        weights = _weights(given.sample_weight, X)
        self._learn_targets(y, given, first=first)
        random = check_random_state(self.random_state)
        if first:
            self._filling = None
            if self.missing != "error":
                self._filling = fitted_filling(dense(X, None, X.dtype), weights, self.missing)
        dtype = np.dtype(self.dtype or X.dtype) if first else self.coefs_[0].dtype
        start = self._start(X.shape[1], random, dtype, given, first=first)
        of_classes = self._class_weights(y, weights)
        rows = self._as_rows(X, y, weights, dtype, of_classes)
        validation = None
        if given.X_val is not None:
            validation = self._rows(given.X_val, given.y_val, given.sample_weight_val, dtype, of_classes)
        fitting = prepare(
            self,
            self._design,
            rows,
            validation,
            random,
            start,
            names=self._answers().names,
            dtype=dtype,
            only_one=given.only_one,
        )
        self._train(fitting)
        return self

    def _start(
        self, n_features: int, random: np.random.RandomState, dtype: Any, given: Given, *, first: bool
    ) -> Start:
        """Return where the training begins, and take the network that the parameters describe."""
        kind, n_classes, n_outputs = self._problem()
        n_inputs = n_features if self._filling is None else self._filling.n_inputs
        wanted = design(self, n_inputs, n_classes, n_outputs, kind)
        if not first:
            flat = self._flat(wanted)
            self._design = wanted
            return start_again(self, flat, only_one=given.only_one)
        self._design = wanted
        start = Start(initial(wanted, random, dtype))
        if given.resume is not None:
            return resumed(given.resume, self, start)
        return start

    def _train(self, fitting: Fitting) -> None:
        self._before(fitting)
        self._seed = fitting.start.seed
        callbacks = as_callbacks(self.callbacks)
        for callback in callbacks:
            begin = getattr(callback, "begin", None)
            if begin is not None:
                begin(self, fitting)
        messages = Messages(fitting, self.tol, self.n_iter_no_change) if self.verbose else None
        result = fitting.run(callbacks if messages is None else [messages, *callbacks])
        if messages is not None and result.stopped == "early stopping":
            messages.stopped()
        record(self, fitting, result)
        self._after(fitting)

    def _finish(self) -> Self:
        """Set the attributes that follow from given weights."""
        kind, n_classes, n_outputs = self._problem()
        self._design = design(self, self.n_features_in_, n_classes, n_outputs, kind)
        self._flat()
        describe(self)
        self.n_iter_ = self.t_ = 0
        self.loss_curve_ = []
        return self

    def _rows(self, X: Any, y: Any, weights: Any, dtype: Any, of_classes: FloatArray | None = None) -> Rows:
        """Return more rows as the network has them."""
        X, y = self._read(X, y, reset=False)
        return self._as_rows(X, y, _weights(weights, X), dtype, of_classes)

    def _as_rows(
        self, X: Any, y: Any, weights: FloatArray | None, dtype: Any, of_classes: FloatArray | None
    ) -> Rows:
        """Return validated rows as the network has them."""
        x = dense(X, self._filling, dtype)
        return Rows(x, self._targets(y, dtype), self._weighed(y, weights, of_classes))

    def _flat(self, words: Design | None = None) -> FloatArray:
        """Return coefs_ and intercepts_ as one array (p,); raises ParameterError where they don't fit the network."""
        words = words or self._design
        layers = {
            number: {"W": np.asarray(W), "b": np.asarray(b)}
            for number, (W, b) in enumerate(zip(self.coefs_, self.intercepts_, strict=True), 1)
        }
        found = [tuple(array.shape for array in layer.values()) for layer in layers.values()]
        wanted = [tuple(shape for shape in layer.values()) for layer in words.network.shapes().values()]
        if found != wanted:
            raise ParameterError(
                f"coefs_ and intercepts_ have the shapes {found}, but the parameters and the data need {wanted}: "
                "set warm_start=False to begin anew"
            )
        return words.layout.flatten(layers)

    # ---- prediction

    def _outputs(self, X: Any) -> FloatArray:
        """Return the network's outputs (n, n_out), at its temperature, for rows as the user has them."""
        check_is_fitted(self)
        X = read(self, X, reset=False)
        flat = self._flat()[None]
        if hasattr(self, "temperature_"):
            flat = at_temperature(self._design.network, flat, self.temperature_)
        engine = CpuEngine(flat.dtype, self.threads)
        parts = [
            engine.predict(self._design.network, flat, x)[0] for x in blocks(X, self._filling, flat.dtype)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    # ---- what is open here

    @property
    def network_(self) -> Network:
        """The fitted network: its layers, activations and loss, as `chainrule.Network`."""
        check_is_fitted(self)
        return self._design.network

    def layer_outputs(self, X: Any) -> list[_inspection.LayerOutput]:
        """Return what every layer computes for some rows, in float64.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        layers : list of LayerOutput
            For each layer after the inputs ``z``, the weighted sums, and ``a = f(z)``, its outputs, both of shape
            (n_samples, n_neurons).
        """
        check_is_fitted(self)
        return _inspection.layer_outputs(self, read(self, X, reset=False))

    def gradients(self, X: Any, y: Any, sample_weight: Any = None) -> _inspection.LossGradients:
        """Return the loss on some rows and its partial derivatives, in float64.

        The loss is C = sum_i s_i loss_i with s_i = w_i / sum(w), or 1/n without weights; penalties are not in it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights.

        Returns
        -------
        gradients : LossGradients
            ``loss``; ``coefs`` and ``intercepts``, dC/dW and dC/db of each layer in the shapes of ``coefs_`` and
            ``intercepts_``; ``inputs``, dC/dx of shape (n_samples, n_inputs).
        """
        check_is_fitted(self)
        return _inspection.gradients(self, self._rows(X, y, sample_weight, np.float64))

    def save(self, path: PathLike, *, overwrite: bool = False) -> None:
        """Write the fitted estimator to one file that can't run code; `load` reads it.

        Callbacks, a metric that is a function, and a RandomState are code or no plain data: they are left out, with
        a warning. Raises OutputError where the file can't be written.

        Parameters
        ----------
        path : str or path
            The file.
        overwrite : bool, default=False
            Whether it may replace one that exists.
        """
        check_is_fitted(self)
        _saving.save(self, path, _saving.mlp_parts, overwrite=overwrite)

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
            Fitted; `partial_fit` goes on with its optimizer's state.
        """
        return _saving.load(cls, path, _saving.mlp_from_parts)

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks of an estimator."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self.missing != "error"
        return tags
