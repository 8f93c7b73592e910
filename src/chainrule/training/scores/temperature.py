"""Calibration by temperature: one number that makes a classifier's probabilities neither too bold nor too timid."""

from __future__ import annotations

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._doors import setting
from chainrule._types import FloatArray
from chainrule.equations.answers import Answers
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.errors import SettingsError

LOWEST, HIGHEST = 0.05, 20.0
"""The temperatures that are looked at."""

ROWS_AT_A_TIME = 4096
"""The rows whose hidden layers are held in memory together."""


def at_temperature(network: Network, parameters: FloatArray, temperature: float) -> FloatArray:
    """Return parameters (…, p) whose output layer's weights and biases are divided by the temperature.

    That divides its z, so softmax(z) becomes softmax(z/T) and sigmoid(z) sigmoid(z/T) in every member: T > 1 takes
    certainty away, T < 1 adds some; which class is likeliest stays.
    """
    made: FloatArray = np.array(parameters)
    for slot in Layout(network).slots:
        if slot.layer == len(network.layers):
            made[..., slot.start : slot.stop] /= temperature
    return made


def fitted_temperature(
    network: Network,
    parameters: FloatArray,
    x: FloatArray,
    y: FloatArray,
    answers: Answers,
    weights: FloatArray | None = None,
) -> float:
    """Return the temperature with the least log-loss on rows that the network was not trained on.

    ``parameters`` (k, p) are the members', all at the same temperature, found for the mean of their probabilities;
    ``x`` (n, d), ``y`` (n, n_out) and ``weights`` (n,) are the rows as the network has them. Half a row of no
    particular class is added to the n, since a few rows that are all right would make a network sure of everything.
    Several labels a row count as so many rows of two classes. Raises SettingsError where there are no rows, or no
    probabilities.

    Sources: Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", ICML 2017; for ensembles, Rahaman
    & Thiery, "Uncertainty quantification and deep ensembles", NeurIPS 2021; for the half row, Krichevsky & Trofimov,
    "The performance of universal encoding", IEEE Transactions on Information Theory 27, 1981.
    """
    return temperature_of(network, weighted_sums(network, parameters, x), y, answers, weights)


def temperature_of(
    network: Network,
    z: FloatArray,
    y: FloatArray,
    answers: Answers,
    weights: FloatArray | None = None,
    member_shares: FloatArray | None = None,
) -> float:
    """Return the same for the output layer's z (k, n, n_out), of which there are as many as members are asked.

    In z, unlike in a float32's p, 1 - p of a sure row is not yet 0. ``member_shares`` (k,) are what members count in the mean of
    their outputs, all the same if None.
    """
    # SciPy's optimizers take a third of a second to import.
    from scipy.optimize import minimize_scalar

    check_calibrates(network, len(y))
    z = np.asarray(z, np.float64)
    codes = answers.true_codes(y).reshape(-1)
    if weights is not None and answers.kind == "labels":
        weights = np.repeat(weights, y.shape[1])
    shares = np.full(len(codes), 1 / len(codes)) if weights is None else weights / np.sum(weights)
    smooth = 0.5 / (len(codes) + 0.5)

    def loss(logarithm: float) -> float:
        with np.errstate(over="ignore"):
            each = network.output.activation(z / np.exp(logarithm), np)
        a = np.mean(each, axis=0) if member_shares is None else np.tensordot(member_shares, each, axes=1)
        p = answers.probabilities(a)
        if answers.kind == "labels":
            p = np.stack([1 - p, p], axis=-1).reshape(-1, 2)
        logs = np.log(np.maximum(p, np.finfo(np.float64).eps))
        of_true, of_any = logs[np.arange(len(codes)), codes], logs.mean(axis=1)
        return -float(np.sum(shares * ((1 - smooth) * of_true + smooth * of_any)))

    bounds = (np.log(LOWEST), np.log(HIGHEST))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0


def check_calibrates(network: Network, n_rows: int) -> None:
    """Raise SettingsError where a network's outputs are no probabilities, or there are no validation rows."""
    if not n_rows:
        raise SettingsError(
            f"{setting('calibrate', True)} needs validation rows: set {setting('validation_share')}"
        )
    if network.loss.signed or network.output.activation.range != "(0, 1)":
        raise SettingsError(
            f"the loss {network.loss.name} with outputs {network.output.activation.name} gives no probabilities to "
            f"calibrate: leave {setting('calibrate', True)} out, or choose cross-entropy"
        )


@one_blas_thread()
def weighted_sums(network: Network, parameters: FloatArray, x: FloatArray) -> FloatArray:
    """Return the output layer's z (k, n, n_out) in float64, in which 1 - p of a sure row is not yet 0."""
    members = [Layout(network).unflatten(np.asarray(flat, np.float64)) for flat in parameters]
    rows = np.asarray(x, np.float64)
    blocks = [rows[start : start + ROWS_AT_A_TIME] for start in range(0, len(rows), ROWS_AT_A_TIME)]
    with np.errstate(over="ignore", invalid="ignore"):
        found = [[network.forward(own, block, np).layers[-1].z for block in blocks] for own in members]
        return np.stack([np.concatenate(parts) for parts in found])
