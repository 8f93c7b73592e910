"""Calibration by temperature: one number that makes a classifier's probabilities neither too bold nor too timid."""

from __future__ import annotations

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError

LOWEST, HIGHEST = 1e-2, 1e2
"""The temperatures that are looked at: where rows are all right, the best would be 0."""


def tempered(probabilities: FloatArray, temperature: float) -> FloatArray:
    """Return probabilities (n, classes) at a temperature: p_c^(1/T), divided by their sum.

    That is softmax(z/T) where p is softmax(z), and sigmoid(z/T) for two classes. T > 1 takes certainty away, T < 1
    adds some; which class is likeliest stays.

    Source: Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", ICML 2017.
    """
    if temperature == 1:
        return probabilities
    logs = np.log(_bounded(probabilities)) / temperature
    scaled = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(scaled / scaled.sum(axis=1, keepdims=True), probabilities.dtype)


def tempered_labels(probabilities: FloatArray, temperature: float) -> FloatArray:
    """Return probabilities (n, labels) of labels that exclude nothing, each at the temperature on its own."""
    pairs = np.stack([1 - probabilities, probabilities], axis=-1)
    return tempered(pairs.reshape(-1, 2), temperature)[:, 1].reshape(probabilities.shape)


def fitted_temperature(
    probabilities: FloatArray, codes: IntArray, weights: FloatArray | None = None
) -> float:
    """Return the temperature with the least mean log-loss on rows that the network was not trained on.

    ``probabilities`` (n, classes) are the network's, ``codes`` (n,) the true classes, ``weights`` (n,) the rows'.
    The log-loss is convex in 1/T. Raises SettingsError where there are no rows.
    """
    from scipy.optimize import minimize_scalar

    if not len(codes):
        raise SettingsError("there are no validation rows to calibrate on")
    logs = np.log(_bounded(np.asarray(probabilities, np.float64)))
    of_true = logs[np.arange(len(codes)), codes]
    shares = np.full(len(codes), 1 / len(codes)) if weights is None else weights / np.sum(weights)

    def loss(inverse: float) -> float:
        scaled = inverse * logs
        top = scaled.max(axis=1)
        total = np.log(np.exp(scaled - top[:, None]).sum(axis=1)) + top
        return float(np.sum(shares * (total - inverse * of_true)))

    # In 1/T, where the loss has one minimum.
    found = minimize_scalar(loss, bounds=(1 / HIGHEST, 1 / LOWEST), method="bounded", options={"xatol": 1e-6})
    return float(1 / found.x)


def fitted_temperature_of_labels(
    probabilities: FloatArray, codes: IntArray, weights: FloatArray | None = None
) -> float:
    """Return the same for labels that exclude nothing: ``probabilities`` and ``codes`` (n, labels)."""
    pairs = np.stack([1 - probabilities, probabilities], axis=-1).reshape(-1, 2)
    of_pairs = None if weights is None else np.repeat(weights, codes.shape[1])
    return fitted_temperature(pairs, codes.reshape(-1), of_pairs)


def _bounded(probabilities: FloatArray) -> FloatArray:
    """Keep probabilities away from 0 by the float's smallest normal number, so that their logarithm is finite."""
    return np.maximum(probabilities, np.finfo(probabilities.dtype).tiny)
