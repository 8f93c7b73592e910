"""Looking into a fitted estimator: every layer's numbers and the loss's gradient, by the equations in float64."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule._blas import one_blas_thread
from chainrule._types import FloatArray
from chainrule.equations.network import Network
from chainrule.estimators.mlp.inputs import dense, validated
from chainrule.estimators.mlp.saved import SavedMLP


class LayerOutput(NamedTuple):
    """What a layer computes for n rows: the weighted sums ``z`` and the outputs ``a = f(z)``, (n, n_neurons)."""

    z: FloatArray
    a: FloatArray


class LossGradients(NamedTuple):
    """The loss of some rows, and its partial derivatives in the shapes of coefs_, intercepts_ and the inputs."""

    loss: float
    coefs: list[FloatArray]
    intercepts: list[FloatArray]
    inputs: FloatArray


class Inspected(SavedMLP):
    """What is open in a fitted perceptron."""

    @property
    def network_(self) -> Network:
        """The fitted network: its layers, activations and loss, as `chainrule.Network`."""
        check_is_fitted(self)
        return self._design.network

    def layer_outputs(self, X: Any) -> list[LayerOutput]:
        """Return what every layer computes for some rows, in float64.

        Parameters
        ----------
        {X}

        Returns
        -------
        layers : list of LayerOutput
            For each layer after the inputs ``z``, the weighted sums, and ``a = f(z)``, its outputs, both of shape
            (n_samples, n_neurons).
        """
        check_is_fitted(self)
        x = dense(validated(self, X, reset=False), self._filling, np.float64)
        with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
            made = self.network_.forward(self._layers(), x, np)
        return [LayerOutput(layer.z, layer.a) for layer in made.layers]

    def gradients(self, X: Any, y: Any, sample_weight: Any = None) -> LossGradients:
        """Return the loss on some rows and its partial derivatives, in float64.

        The loss is C = sum_i s_i loss_i with s_i = w_i / sum(w), or 1/n without weights; penalties are not in it.

        Parameters
        ----------
        {X}
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        {weights}

        Returns
        -------
        gradients : LossGradients
            ``loss``; ``coefs`` and ``intercepts``, dC/dW and dC/db of each layer in the shapes of ``coefs_`` and
            ``intercepts_``; ``inputs``, dC/dx of shape (n_samples, n_inputs).
        """
        check_is_fitted(self)
        rows, network, p = self._rows(X, y, sample_weight, np.float64), self.network_, self._layers()
        x, y = (np.asarray(array, np.float64) for array in (rows.x, rows.y))
        weights = None if rows.weights is None else np.asarray(rows.weights, np.float64)
        with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
            made = network.backward(p, network.forward(p, x, np), y, np, weights)
        by_layer = made.parameters.values()
        return LossGradients(float(made.cost), [g["W"] for g in by_layer], [g["b"] for g in by_layer], made.x)

    def _layers(self) -> dict[int, dict[str, FloatArray]]:
        return self._design.layout.unflatten(np.asarray(self._flat(), np.float64))
