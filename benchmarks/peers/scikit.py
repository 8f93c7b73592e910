"""scikit-learn's MLPClassifier as it is: its own initial weights, its own threads."""

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
    hidden: Sequence[int], batch: int, epochs: int, activation: str = "relu", seed: int = 0
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
        n_iter_no_change=epochs + 1,
        random_state=seed,
    )


def fit(model: MLPClassifier, x: Any, labels: Any) -> None:
    """Fit without the warning that so many epochs don't converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, labels)


class _Trainer(Trainer):
    """Times the difference of two fits, so that checking the input and drawing weights don't count."""

    def __init__(self, case: TrainingCase, data: CaseData, seed: int) -> None:
        if case.activation not in ACTIVATIONS:
            raise AbsentError(f"has no {case.activation}")
        self.case, self.data, self.seed = case, data, seed

    def reset(self) -> None:
        pass

    def train(self, epochs: int) -> None:
        case = self.case
        self.model = classifier(
            case.sizes[1:-1], case.batch, epochs, ACTIVATIONS[case.activation], seed=self.seed
        )
        fit(self.model, self.data.x, self.data.labels)

    def seconds(self, epochs: int) -> float:
        begun = time.perf_counter()
        self.train(1)
        first = time.perf_counter()
        self.train(1 + epochs)
        return (time.perf_counter() - first) - (first - begun)

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
    members = [_Trainer(case, data, seed) for seed in range(case.members)]
    return [members[0] if case.members == 1 else OneAfterAnother(members)]


def batch_predictors(sizes: Sequence[int], parameters: Parameters) -> list[Predictor]:
    """Return predict_proba."""
    return [_Predictor(sizes, parameters)]


row_predictors = batch_predictors
