"""Estimators of given weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from chainrule._types import FloatArray
from chainrule.estimators.parameters import ParameterError, check_parameters

E = TypeVar("E")


def given_network(
    cls: type[E], coefs: Sequence[Any], intercepts: Sequence[Any], parameters: Mapping[str, Any]
) -> E:
    """Return an estimator that holds copies of given weights (n_in, n_out) and biases (n_out,) of each layer.

    Raises ParameterError where they don't fit together.
    """
    if "hidden_layer_sizes" in parameters:
        raise ParameterError("hidden_layer_sizes follow from the weights: leave them out")
    if parameters.get("missing", "error") != "error":
        raise ParameterError("missing: a network of given weights knows no mean of a column: leave it out")
    dtype = parameters.get("dtype") or np.result_type(*(np.asarray(W).dtype for W in coefs))
    kind = np.float32 if np.dtype(dtype) == np.float32 else np.float64
    weights: list[FloatArray] = [np.array(W, kind, ndmin=2) for W in coefs]
    biases: list[FloatArray] = [np.array(b, kind, ndmin=1) for b in intercepts]
    if not weights or len(weights) != len(biases):
        raise ParameterError(
            f"{len(weights)} coefs and {len(biases)} intercepts don't make layers: give one of each a layer"
        )
    for number, (W, b) in enumerate(zip(weights, biases, strict=True), 1):
        if W.ndim != 2 or b.shape != W.shape[1:]:
            raise ParameterError(
                f"layer {number}: coefs of shape {W.shape} and intercepts of {b.shape} don't fit: (n_in, n_out) and "
                "(n_out,) are needed"
            )
        if not (np.isfinite(W).all() and np.isfinite(b).all()):
            raise ParameterError(f"layer {number} has weights that are not finite")
    for number, (one, two) in enumerate(pairwise(weights), 1):
        if one.shape[1] != two.shape[0]:
            raise ParameterError(
                f"layer {number} has {one.shape[1]} outputs, but layer {number + 1} takes {two.shape[0]}"
            )
    build: Any = cls
    made = build(hidden_layer_sizes=tuple(len(b) for b in biases[:-1]), **parameters)
    check_parameters(made)
    made.coefs_, made.intercepts_ = weights, biases
    made.n_features_in_ = len(weights[0])
    estimator: E = made
    return estimator
