"""`MLPRegressor`: scikit-learn's multi-layer perceptron for numbers, and what its users were refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from chainrule._types import FloatArray
from chainrule.estimators.base import Given
from chainrule.estimators.docs import documented
from chainrule.estimators.mlp.base import BaseMLP, stochastic_only
from chainrule.estimators.mlp.inputs import as_dtype
from chainrule.estimators.mlp.network import Kind
from chainrule.estimators.parameters import store
from chainrule.estimators.scored import ScoredNumbers


@documented
class MLPRegressor(ScoredNumbers, BaseMLP):
    """Multi-layer perceptron regressor: scikit-learn's, trained by chainrule's engine.

    Every parameter, default, attribute and method of `sklearn.neural_network.MLPRegressor` is here and means the
    same; those after ``max_fun`` are more. Only ``loss``, ``hidden_layer_sizes`` and ``activation`` may be positional.

    Parameters
    ----------
    loss : str, default='squared_error'
        'squared_error' (half of it, as in scikit-learn), 'poisson' (the deviance, with exp as output activation),
        'absolute_error', any other of `chainrule.equations.losses.LOSSES` such as 'huber(delta=2)' or
        'quantile(q=0.9)', or a formula in ``a`` and ``y``.
    {scikit_learn}
    {ours}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MLPClassifier : The same for classes.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import MLPRegressor
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> reg = MLPRegressor("squared_error", (20,), "tanh", solver="lbfgs", random_state=1).fit(X, X[:, 0] ** 2)
    >>> bool(reg.score(X, X[:, 0] ** 2) > 0.99)
    True
    """

    _texts: ClassVar[Mapping[str, str]] = {
        "kind": "regressor",
        "targets": "numbers",
        "or_labels": "",
        "shape": "(n_samples,) or (n_samples, n_outputs)",
    }

    n_outputs_: int

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        output_activation: Any = None,
        weight_decay: float | None = None,
        clip_norm: float | None = None,
        warmup: float = 0,
        stopping_metric: Any = None,
        callbacks: Any = None,
        frozen: Sequence[str] = (),
        missing: str = "error",
        dtype: Any = None,
        threads: int | None = None,
    ) -> None:
        store(self, locals())

    @classmethod
    def from_weights(cls, coefs: Sequence[Any], intercepts: Sequence[Any], **parameters: Any) -> Self:
        """Return a regressor with given weights, ready to predict without `fit`.

        Parameters
        ----------
        {layers}
        {network}
        """
        made = cls._given(coefs, intercepts, parameters)
        made.n_outputs_ = len(made.intercepts_[-1])
        return made._finish()

    @stochastic_only
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        *,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train for one epoch on some rows, with the optimizer's state that there is.

        Parameters
        ----------
        {X}
        y : array-like of shape {shape}
            Their {targets}.
        {weights}
        {watched}
        """
        return self._fit(Given(X, y, sample_weight, X_val, y_val, sample_weight_val, only_one=True))

    def _said(self, outputs: FloatArray) -> FloatArray:
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def _problem(self) -> tuple[Kind, int, int]:
        return "number", 0, self.n_outputs_

    def _learn_targets(self, y: Any, given: Given, *, first: bool) -> None:
        n_targets = 1 if y.ndim == 1 else y.shape[1]
        if not first and n_targets != self.n_outputs_:
            raise ValueError(f"y has {n_targets} columns, but the network was trained for {self.n_outputs_}")
        self.n_outputs_ = n_targets
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError(f"loss='poisson' is for y of at least 0, but the least is {np.min(y)}")

    def _targets(self, y: Any, dtype: Any) -> FloatArray:
        return as_dtype(np.asarray(y if y.ndim == 2 else y[:, None]), dtype, "y")
