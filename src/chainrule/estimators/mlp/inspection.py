"""Looking into a fitted estimator: every layer's numbers and the loss's gradient, by the equations in float64."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._types import FloatArray
from chainrule.estimators.mlp.fitting import Rows
from chainrule.estimators.mlp.inputs import dense


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


@one_blas_thread()
def layer_outputs(estimator: Any, X: Any) -> list[LayerOutput]:
    """Return what every layer computes for validated rows."""
    x = dense(X, estimator._filling, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        made = estimator.network_.forward(_parameters(estimator), x, np)
    return [LayerOutput(layer.z, layer.a) for layer in made.layers]


@one_blas_thread()
def gradients(estimator: Any, rows: Rows) -> LossGradients:
    """Return the loss of rows as the network has them, and its gradient."""
    p, network = _parameters(estimator), estimator.network_
    x, y = (np.asarray(array, np.float64) for array in (rows.x, rows.y))
    weights = None if rows.weights is None else np.asarray(rows.weights, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        made = network.backward(p, network.forward(p, x, np), y, np, weights)
    by_layer = made.parameters.values()
    return LossGradients(float(made.cost), [g["W"] for g in by_layer], [g["b"] for g in by_layer], made.x)


def _parameters(estimator: Any) -> dict[int, dict[str, FloatArray]]:
    flat = np.asarray(estimator._flat(), np.float64)
    made: dict[int, dict[str, FloatArray]] = estimator._design.layout.unflatten(flat)
    return made
