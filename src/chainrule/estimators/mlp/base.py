"""What `MLPClassifier` and `MLPRegressor` share: fitting and prediction."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self, TypeVar, cast

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from chainrule._doors import PYTHON, through
from chainrule._files import PathLike
from chainrule._types import FloatArray
from chainrule.engines.cpu.engine import CpuEngine
from chainrule.equations.answers import Answers
from chainrule.errors import FormulaError
from chainrule.estimators.base import Given
from chainrule.estimators.callbacks import watch_of
from chainrule.estimators.files import Arrays, Description
from chainrule.estimators.mlp.fitted import Messages, is_over, keep, set_description, start_again, start_from
from chainrule.estimators.mlp.fitting import Beginning, Fitting, NetworkRows, fitting_of, initial
from chainrule.estimators.mlp.inputs import dense, dense_blocks, fitted_filling, read
from chainrule.estimators.mlp.inspection import Inspected
from chainrule.estimators.mlp.network import Kind, design
from chainrule.estimators.mlp.plan import check_lbfgs, is_stochastic
from chainrule.estimators.parameters import ParameterError, check_parameters
from chainrule.training.callbacks import NetworkMonitor
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
    return None if given is None else np.asarray(_check_sample_weight(given, X))


class BaseMLP(Inspected):
    """Fitting and prediction of both estimators; how targets are read is what differs."""

    _texts: ClassVar[Mapping[str, str]] = {
        "readers": "`load` reads it",
        "loaded": "Fitted; `partial_fit` goes on with its optimizer's state.",
    }

    loss_curve_: list[float]
    temperature_: float
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

    @abstractmethod
    def _said(self, outputs: FloatArray) -> Any:
        """Return outputs (n, n_out) as predictions."""

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
        """Train on rows and their {targets}.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows. A sparse X is made dense for training.
        y : array-like of shape {shape}
            Their {targets}{or_labels}.
        {weights}
        X_val, y_val : array-like, default=None
            Validation rows of your own: watched by early stopping instead of a share of X.
        {weights_val}
        resume : str or path, default=None
            A file of `SaveCheckpoint` to go on from, with the same parameters and data.

        Returns
        -------
        self : {name}
            The fitted {kind}.
        """
        return self._fit(Given(X, y, sample_weight, X_val, y_val, sample_weight_val, resume))

    def _fit(self, given: Given) -> Self:
        try:
            check_parameters(self)
            check_lbfgs(self)
            self._check_given(given)
            with through(PYTHON, PARAMETERS):
                return self._fit_checked(given)
        except FormulaError as error:
            # scikit-learn's users expect a ValueError of a parameter that can't be.
            raise ParameterError(str(error)) from error

    def _check_given(self, given: Given) -> None:
        given.check()
        own_rows, stochastic = given.X_val is not None, is_stochastic(self)
        if given.only_one and self.early_stopping and not own_rows:
            raise ParameterError(
                "partial_fit does not support early_stopping=True without rows to watch: give it X_val and y_val"
            )
        if given.resume is not None and not stochastic:
            raise ParameterError("solver 'lbfgs' can't go on from a checkpoint: leave resume out")
        if given.resume is not None and self.warm_start and hasattr(self, "coefs_"):
            raise ParameterError(
                "warm_start goes on from coefs_, resume from a checkpoint: choose one of them"
            )
        if getattr(self, "calibrate", False) and not (own_rows or (self.early_stopping and stochastic)):
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
        fitting = fitting_of(
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
    ) -> Beginning:
        """Return where the training begins, and take the network that the parameters describe."""
        kind, n_classes, n_outputs = self._problem()
        n_inputs = n_features if self._filling is None else self._filling.n_inputs
        wanted = design(self, n_inputs, n_classes, n_outputs, kind)
        if not first:
            flat = self._flat(wanted)
            self._design = wanted
            return start_again(self, flat, only_one=given.only_one)
        self._design = wanted
        start = Beginning(initial(wanted, random, dtype))
        return start if given.resume is None else start_from(given.resume, self, start)

    def _train(self, fitting: Fitting) -> None:
        self._before(fitting)
        self._seed = fitting.start.seed
        callbacks = self._begin(fitting)
        messages = Messages(fitting, self.tol, self.n_iter_no_change) if self.verbose else None
        result = fitting.run(callbacks if messages is None else [messages, *callbacks])
        if messages is not None and result.stopped == "early stopping":
            messages.stopped()
        keep(self, fitting, result)
        self._after(fitting)

    def _finish(self) -> Self:
        """Set the attributes that follow from given weights."""
        kind, n_classes, n_outputs = self._problem()
        self._design = design(self, self.n_features_in_, n_classes, n_outputs, kind)
        self._flat()
        set_description(self)
        self.n_iter_ = self.t_ = 0
        self.loss_curve_ = []
        return self

    def _monitor(self, training: Fitting, X: Any, y: Any, metric: Any, **stopping: Any) -> NetworkMonitor:
        rows = self._rows(X, y, None, training.engine.dtype)
        return NetworkMonitor(rows.x, rows.y, watch_of(metric, self._answers()), **stopping)

    def _identity(self, training: Fitting) -> tuple[Arrays, Description]:
        before, data = training.start.before, training.data
        return {"train": data.train, "validation": data.validation}, {
            "seed": training.start.seed,
            "design": training.design.to_dict(),
            "before": None if before is None else before.to_dict(),
        }

    def _rows(
        self, X: Any, y: Any, weights: Any, dtype: Any, of_classes: FloatArray | None = None
    ) -> NetworkRows:
        """Return more rows as the network has them."""
        X, y = self._read(X, y, reset=False)
        return self._as_rows(X, y, _weights(weights, X), dtype, of_classes)

    def _as_rows(
        self, X: Any, y: Any, weights: FloatArray | None, dtype: Any, of_classes: FloatArray | None
    ) -> NetworkRows:
        """Return validated rows as the network has them."""
        x = dense(X, self._filling, dtype)
        return NetworkRows(x, self._targets(y, dtype), self._weighed(y, weights, of_classes))

    # ---- prediction

    def predict(self, X: Any) -> Any:
        """Return the {targets} of rows.

        Parameters
        ----------
        {X}

        Returns
        -------
        y : ndarray of shape {shape}
            Their {targets}.
        """
        return self._said(self._outputs(X))

    def _outputs(self, X: Any) -> FloatArray:
        """Return the network's outputs (n, n_out), at its temperature, for rows as the user has them."""
        check_is_fitted(self)
        X = read(self, X, reset=False)
        flat, network = self._flat()[None], self._design.network
        if hasattr(self, "temperature_"):
            flat = at_temperature(network, flat, self.temperature_)
        engine = CpuEngine(flat.dtype, self.threads)
        parts = [engine.predict(network, flat, x)[0] for x in dense_blocks(X, self._filling, flat.dtype)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks of an estimator."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self.missing != "error"
        return tags
