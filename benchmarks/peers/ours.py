"""chainrule's cpu engine, float32, with the threads that it takes by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.cases import EPSILON, LEARNING_RATE, Array, CaseData, Parameters, TrainingCase
from benchmarks.peers.base import Predictor, Trainer
from chainrule.engines.base import Data, StepSettings
from chainrule.engines.cpu.engine import CpuEngine
from chainrule.engines.cpu.evaluate import CpuRowPredictor
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer


def network_of(sizes: Sequence[int], activation: str = "relu") -> Network:
    """Return the network with softmax and cross-entropy."""
    hidden = [Dense(size, activation) for size in sizes[1:-1]]
    return Network([sizes[0], *hidden, Dense(sizes[-1], "softmax")], "categorical_cross_entropy")


def flat(network: Network, members: Sequence[Parameters]) -> Array:
    """Return parameters as the engine takes them, (k, p)."""
    layout = Layout(network)
    return np.stack(
        [
            layout.flatten({number: {"W": w, "b": b} for number, (w, b) in enumerate(member, 1)})
            for member in members
        ]
    )


class _Trainer(Trainer):
    def __init__(self, case: TrainingCase, data: CaseData) -> None:
        self.network = network_of(case.sizes, case.activation)
        self.initial = flat(self.network, data.initial)
        self.data = Data(data.x, data.one_hot, np.arange(case.rows), np.arange(0))
        adam = optimizer("adam")
        if adam.parameters["epsilon"] != EPSILON:
            raise ValueError(f"Adam's epsilon is {adam.parameters['epsilon']}, not {EPSILON} as in the peers")
        self.settings = StepSettings(adam, case.batch)
        self.engine = CpuEngine(np.float32)
        self.rates = np.full(case.steps, LEARNING_RATE)
        self.members = tuple(range(case.members))
        self.reset()

    def reset(self) -> None:
        self.run = self.engine.start(self.network, self.initial, self.data, self.settings)
        self.epoch = 0

    def train(self, epochs: int) -> None:
        for _ in range(epochs):
            self.run.train_epoch(self.epoch, self.rates, self.members)
            self.epoch += 1

    def probabilities(self, x: Array) -> Array:
        return self.engine.predict(self.network, self.run.parameters, x)


class _BatchPredictor(Predictor):
    def __init__(self, sizes: Sequence[int], parameters: Parameters) -> None:
        self.network = network_of(sizes)
        self.parameters = flat(self.network, [parameters])
        self.engine = CpuEngine(np.float32)

    def __call__(self, rows: Any) -> Any:
        return self.engine.predict(self.network, self.parameters, rows)

    def result(self, output: Any) -> Array:
        return np.asarray(output[0])


class _CpuRowPredictor(Predictor):
    def __init__(self, sizes: Sequence[int], parameters: Parameters) -> None:
        network = network_of(sizes)
        self.predict = CpuRowPredictor(network, flat(network, [parameters]))

    def native(self, x: Array) -> Any:
        return x[0]

    def __call__(self, rows: Any) -> Any:
        return self.predict(rows)

    def result(self, output: Any) -> Array:
        return np.asarray(output)[None]


def trainers(case: TrainingCase, data: CaseData) -> list[Trainer]:
    """Return the engine's one form: all members in one call."""
    return [_Trainer(case, data)]


def batch_predictors(sizes: Sequence[int], parameters: Parameters) -> list[Predictor]:
    """Return `CpuEngine.predict`."""
    return [_BatchPredictor(sizes, parameters)]


def row_predictors(sizes: Sequence[int], parameters: Parameters) -> list[Predictor]:
    """Return `CpuRowPredictor`."""
    return [_CpuRowPredictor(sizes, parameters)]
