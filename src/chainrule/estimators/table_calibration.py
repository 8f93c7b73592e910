"""Calibration of a trained model by temperature, written into the parameters of its output layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.engines.base import Layout
from chainrule.errors import SettingsError
from chainrule.model.model import Model

LOWEST, HIGHEST = 0.05, 20.0
"""The temperatures that are looked at: where all rows are right, the best would be 0."""


def at_temperature(model: Model, temperature: float) -> Model:
    """Return the model whose output layer's weights and biases are divided by the temperature.

    That divides its z, so softmax(z) becomes softmax(z/T) and sigmoid(z) sigmoid(z/T) in every member: T > 1 takes
    certainty away, T < 1 adds some.
    """
    layout = Layout(model.network)
    parameters = np.array(model.parameters)
    for slot in layout.slots:
        if slot.layer == len(model.network.layers):
            parameters[:, slot.start : slot.stop] /= temperature
    return replace(model, parameters=parameters, card={**model.card, "temperature": temperature})


def calibrated(
    model: Model, x: FloatArray, codes: IntArray, weights: FloatArray | None
) -> tuple[Model, float]:
    """Return the model at the temperature with the least log-loss on rows it was not trained on, and that temperature.

    ``x`` (n, d) are encoded rows, ``codes`` (n,) their classes, ``weights`` (n,) theirs. All members have the same
    temperature, found for the mean of their probabilities. Half a row of no particular class is added to the n, since a
    few rows that are all right would make a network sure of everything. Raises SettingsError where there are no such
    rows, or no probabilities.

    Sources: Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", ICML 2017; for ensembles, Rahaman
    & Thiery, "Uncertainty quantification and deep ensembles", NeurIPS 2021; for the half row, Krichevsky & Trofimov,
    "The performance of universal encoding", IEEE Transactions on Information Theory 27, 1981.
    """
    from scipy.optimize import minimize_scalar

    if not len(codes):
        raise SettingsError(
            "calibrate=True needs validation rows: set validation_share, or give X_val and y_val"
        )
    if not model.gives_probabilities:
        raise SettingsError(
            f"the loss {model.network.loss.name} gives no probabilities to calibrate: set calibrate=False"
        )

    shares = np.full(len(codes), 1 / len(codes)) if weights is None else weights / np.sum(weights)
    # Half a row more that may be of any class: else rows that are all right would say T = 0.
    smooth = 0.5 / (len(codes) + 0.5)

    def loss(logarithm: float) -> float:
        probabilities = at_temperature(model, float(np.exp(logarithm))).answer(x).probabilities
        assert probabilities is not None
        logs = np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
        of_true, of_any = logs[np.arange(len(codes)), codes], logs.mean(axis=1)
        return -float(np.sum(shares * ((1 - smooth) * of_true + smooth * of_any)))

    found = minimize_scalar(
        loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded", options={"xatol": 1e-3}
    )
    temperature = float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0
    return at_temperature(model, temperature), temperature
