"""What `MLPClassifier` and `MLPRegressor` share: fitting and prediction."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import is_regressor
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, column_or_1d

from chainrule._doors import PYTHON, through
from chainrule._types import FloatArray
from chainrule.engines import ENGINES, engine_named
from chainrule.equations.answers import Answers
from chainrule.errors import FormulaError
from chainrule.estimators.base import Given, available, checked_weights
from chainrule.estimators.callbacks import watch_of
from chainrule.estimators.files import Arrays, Description
from chainrule.estimators.mlp.classes import AnyArray
from chainrule.estimators.mlp.fitted import Messages, is_over, keep, set_description, start_again, start_from
from chainrule.estimators.mlp.fitting import Beginning, Fitting, NetworkRows, fitting_of, initial
from chainrule.estimators.mlp.inputs import dense, dense_blocks, fitted_filling, validated
from chainrule.estimators.mlp.inspection import Inspected
from chainrule.estimators.mlp.network import Kind, design, given_layers
from chainrule.estimators.mlp.plan import check_lbfgs, is_stochastic
from chainrule.estimators.parameters import ParameterError, check_parameters
from chainrule.model.file import check_writable
from chainrule.training.callbacks import NetworkMonitor
from chainrule.training.scores.temperature import at_temperature, check_calibrates, fitted_temperature

if TYPE_CHECKING:
    from chainrule.explain.columns.importance import Importance

PARAMETERS: Mapping[str, str] = {
    "epochs": "max_iter",
    "hidden": "hidden_layer_sizes",
    "learning_rate": "learning_rate_init",
    "optimizer": "solver",
    "validation_share": "validation_fraction",
    "watch": "stopping_metric",
}
"""What messages call otherwise than scikit-learn does."""

Weighing = Callable[[Any, FloatArray | None], FloatArray | None]


def _partly(estimator: Any) -> bool:
    """Whether there is `partial_fit`; raises AttributeError, in scikit-learn's words, where there isn't."""
    if not is_stochastic(estimator):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


stochastic_only = available(_partly)


class BaseMLP(Inspected):
    """Fitting and prediction of both estimators; how targets are read is what differs."""

    _texts: ClassVar[Mapping[str, str]] = {
        "fit": "Train on rows and their {targets}",
        "X_fit": "{array-like, sparse matrix} of shape (n_samples, n_features)",
        "rows_fit": "The rows. A sparse X is made dense for training.",
        "y_fit": "Their {targets}{or_labels}.",
        "weights_fit": "Their weights.",
        "rows_val": """
X_val, y_val : array-like, default=None
    Validation rows of your own: watched by early stopping instead of a share of X.
""",
        "weights_of": "The weights of those.",
        "self": "{name}",
        "done": "The fitted {kind}.",
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
    def _targets(self, y: Any, dtype: Any) -> FloatArray:
        """Return validated targets as what the outputs should say, (n, n_out)."""

    @abstractmethod
    def _problem(self) -> tuple[Kind, int, int]:
        """Return how outputs are read, the number of classes (0 for numbers), and the columns of the targets."""

    @abstractmethod
    def _said(self, outputs: FloatArray) -> AnyArray:
        """Return outputs (n, n_out) as predictions."""

    def _answers(self) -> Answers:
        return self._design.answers(getattr(self, "classes_", None))

    def _read(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
        """Return X and y as scikit-learn validates them, a column vector as (n,), with its warning."""
        X, y = validated(self, X, y, reset=reset, multi_output=True, y_numeric=is_regressor(self))
        if hasattr(y, "toarray"):
            y = y.toarray()
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _weighing(self, y: Any, weights: FloatArray | None) -> Weighing:
        """Return what puts the classes' weights, for training rows y and their weights, into the weights of rows."""
        return lambda y, weights: weights

    # ---- fitting

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
        weights = checked_weights(given.sample_weight, X, dtype=None)
        self._learn_targets(y, given, first=first)
        random = check_random_state(self.random_state)
        if first:
            self._filling = fitted_filling(X, weights, self.missing)
        dtype = np.dtype(self.dtype or X.dtype) if first else self.coefs_[0].dtype
        start = self._start(X.shape[1], random, dtype, given, first=first)
        weigh = self._weighing(y, weights)
        rows = self._as_rows(X, y, weights, dtype, weigh)
        validation = None
        if given.X_val is not None:
            own = given.X_val, given.y_val, given.sample_weight_val
            validation = self._rows(*own, dtype, weigh, "sample_weight_val")
        by = given.weighing(getattr(self, "class_weight", None))
        self._train(fitting_of(self, rows, validation, random, start, dtype, by, only_one=given.only_one))
        return self

    def _start(
        self, n_features: int, random: np.random.RandomState, dtype: Any, given: Given, *, first: bool
    ) -> Beginning:
        """Return where the training begins, and take the network that the parameters describe."""
        n_inputs = n_features if self._filling is None else self._filling.n_inputs
        wanted = design(self, n_inputs, *self._problem())
        check_writable(wanted.to_dict(), wanted.network.n_parameters, itemsize=np.dtype(dtype).itemsize)
        flat = None if first else self._flat(wanted)
        self._design = wanted
        if flat is not None:
            return start_again(self, flat, only_one=given.only_one)
        start = Beginning(initial(wanted, random, dtype))
        return start if given.resume is None else start_from(given.resume, self, start)

    def _train(self, fitting: Fitting) -> None:
        calibrates = getattr(self, "calibrate", False)
        if calibrates:
            check_calibrates(fitting.design.network, len(fitting.data.validation))
        self._seed = fitting.start.seed
        callbacks = self._begin(fitting)
        messages = [Messages(fitting, self.tol, self.n_iter_no_change)] if self.verbose else []
        result = fitting.run([*messages, *callbacks])
        if result.stopped == "early stopping":
            for one in messages:
                one.stopped()
        keep(self, fitting, result)
        self.__dict__.pop("temperature_", None)
        if calibrates:
            data, rows = fitting.data, fitting.data.validation
            weights = None if data.weights is None else data.weights[rows]
            self.temperature_ = fitted_temperature(
                self._design.network, self._flat()[None], data.x[rows], data.y[rows], self._answers(), weights
            )

    @classmethod
    def _given(cls, coefs: Sequence[Any], intercepts: Sequence[Any], parameters: Mapping[str, Any]) -> Self:
        """Return an estimator of given weights, before `_finish`."""
        weights, biases = given_layers(coefs, intercepts, parameters)
        made = cls(hidden_layer_sizes=tuple(len(b) for b in biases[:-1]), **parameters)
        check_parameters(made)
        made.coefs_, made.intercepts_, made.n_features_in_ = weights, biases, len(weights[0])
        return made

    def _finish(self) -> Self:
        """Set the attributes that follow from given weights."""
        self._design = design(self, self.n_features_in_, *self._problem())
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
        self,
        X: Any,
        y: Any,
        weights: Any,
        dtype: Any,
        weigh: Weighing = lambda y, weights: weights,
        name: str = "sample_weight",
    ) -> NetworkRows:
        """Return more rows as the network has them."""
        X, y = self._read(X, y, reset=False)
        return self._as_rows(X, y, checked_weights(weights, X, name, None), dtype, weigh)

    def _as_rows(
        self, X: Any, y: Any, weights: FloatArray | None, dtype: Any, weigh: Weighing
    ) -> NetworkRows:
        """Return validated rows as the network has them."""
        return NetworkRows(dense(X, self._filling, dtype), self._targets(y, dtype), weigh(y, weights))

    # ---- prediction

    def predict(self, X: Any) -> AnyArray:
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
        X = validated(self, X, reset=False)
        flat, network = self._at_temperature()[None], self._design.network
        engine = engine_named(ENGINES[0], dtype=flat.dtype, threads=self.threads)
        parts = [engine.predict(network, flat, x)[0] for x in dense_blocks(X, self._filling, flat.dtype)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _at_temperature(self) -> FloatArray:
        """Return the parameters (p,) that predictions are made with."""
        flat = self._flat()
        tempered = hasattr(self, "temperature_")
        return at_temperature(self._design.network, flat, self.temperature_) if tempered else flat

    def _importance(self, X: Any, y: Any, **how: Any) -> Importance:
        from chainrule.estimators.mlp.importance import importance_of

        with through(PYTHON, {**PARAMETERS, "repeats": "n_repeats", "group": "groups"}):
            X, y = self._read(X, y, reset=False)
            return importance_of(self, X, y, **how)

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks of an estimator."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self.missing != "error"
        return tags
