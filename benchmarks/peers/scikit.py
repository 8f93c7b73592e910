"""scikit-learn's MLPClassifier as it is, from the same initial weights as the others."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks.cases import EPSILON, LEARNING_RATE, Array, CaseData, Parameters, TrainingCase
from benchmarks.peers.base import OneAfterAnother, Predictor, Trainer
from benchmarks.timing import AbsentError

ACTIVATIONS = {"relu": "relu", "sigmoid": "logistic"}


def classifier(
    hidden: Sequence[int], batch: int, epochs: int, activation: str = "relu", **others: Any
) -> MLPClassifier:
    """Return a classifier that makes exactly ``epochs`` epochs and has no penalty."""
    return MLPClassifier(
        tuple(hidden),
        activation=activation,
        alpha=0.0,
        batch_size=batch,
        learning_rate_init=LEARNING_RATE,
        epsilon=EPSILON,
        max_iter=epochs,
        tol=0.0,
        n_iter_no_change=1_000_000,
        random_state=0,
        **others,
    )


def fit(model: MLPClassifier, x: Any, labels: Any) -> None:
    """Fit without the warning that so many epochs don't converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, labels)


class _Trainer(Trainer):
    """Times the difference of two fits, so that checking the input and making an optimizer don't count."""

    def __init__(self, case: TrainingCase, data: CaseData, member: int) -> None:
        if case.activation not in ACTIVATIONS:
            raise AbsentError(f"has no {case.activation}")
        self.data, self.initial = data, data.initial[member]
        name = ACTIVATIONS[case.activation]
        self.model = classifier(case.sizes[1:-1], case.batch, 1, name, warm_start=True)
        fit(self.model, data.x, data.labels)

    def reset(self) -> None:
        weights, biases = [w.copy() for w, _ in self.initial], [b.copy() for _, b in self.initial]
        if len(biases[-1]) == 2:
            # Two classes have one logistic neuron here: softmax of two is the logistic function of their difference.
            weights[-1], biases[-1] = weights[-1][:, 1:] - weights[-1][:, :1], biases[-1][1:] - biases[-1][:1]
        self.model.coefs_, self.model.intercepts_ = weights, biases

    def train(self, epochs: int) -> None:
        # A warm start keeps the weights, and makes a fresh optimizer.
        self.model.set_params(max_iter=epochs)
        fit(self.model, self.data.x, self.data.labels)

    def seconds(self, epochs: int) -> float:
        spent = []
        for each in (1, 1 + epochs):
            self.reset()
            begun = time.perf_counter()
            self.train(each)
            spent.append(time.perf_counter() - begun)
        return spent[1] - spent[0]

    def probabilities(self, x: Array) -> Array:
        return np.asarray(self.model.predict_proba(x))


class _Predictor(Predictor):
    def __init__(self, sizes: Sequence[int], parameters: Parameters) -> None:
        n_classes = sizes[-1]
        x = np.zeros((n_classes, sizes[0]), np.float32)
        self.model = classifier(sizes[1:-1], n_classes, 1)
        fit(self.model, x, np.arange(n_classes))
        self.model.coefs_ = [w for w, _ in parameters]
        self.model.intercepts_ = [b for _, b in parameters]

    def __call__(self, rows: Any) -> Any:
        return self.model.predict_proba(rows)


def trainers(case: TrainingCase, data: CaseData) -> list[Trainer]:
    """Return the classifier; two classes have one output neuron there."""
    members = [_Trainer(case, data, member) for member in range(case.members)]
    return [members[0] if case.members == 1 else OneAfterAnother(members)]


def batch_predictors(sizes: Sequence[int], parameters: Parameters) -> list[Predictor]:
    """Return predict_proba."""
    return [_Predictor(sizes, parameters)]


row_predictors = batch_predictors
