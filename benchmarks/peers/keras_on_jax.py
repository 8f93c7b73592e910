"""Keras 3 on JAX: model.fit without callbacks, one and several steps an execution."""

from __future__ import annotations

import os
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import keras  # after the settings that it reads
import numpy as np

from benchmarks.cases import EPSILON, LEARNING_RATE, Array, CaseData, TrainingCase
from benchmarks.peers.base import Trainer
from benchmarks.timing import AbsentError


class _Trainer(Trainer):
    def __init__(self, case: TrainingCase, data: CaseData, steps_per_execution: int) -> None:
        self.case, self.data = case, data
        self.variant = f"{steps_per_execution} step{'s' if steps_per_execution > 1 else ''} an execution"
        hidden = [keras.layers.Dense(size, activation=case.activation) for size in case.sizes[1:-1]]
        self.model = keras.Sequential(
            [keras.Input((case.sizes[0],)), *hidden, keras.layers.Dense(case.sizes[-1])]
        )
        self.model.compile(
            optimizer=keras.optimizers.Adam(LEARNING_RATE, epsilon=EPSILON),
            loss=keras.losses.CategoricalCrossentropy(from_logits=True),
            jit_compile=True,
            steps_per_execution=steps_per_execution,
        )
        self.model.optimizer.build(self.model.trainable_variables)
        self.fresh: list[Any] = [np.array(variable) for variable in self.model.optimizer.variables]

    def reset(self) -> None:
        self.model.set_weights([array for layer in self.data.initial[0] for array in layer])
        for variable, value in zip(self.model.optimizer.variables, self.fresh, strict=True):
            variable.assign(value)

    def train(self, epochs: int) -> None:
        self.model.fit(
            self.data.x, self.data.one_hot, batch_size=self.case.batch, epochs=epochs, verbose=0, shuffle=True
        )

    def probabilities(self, x: Array) -> Array:
        return np.asarray(keras.ops.softmax(self.model(x)))


def trainers(case: TrainingCase, data: CaseData) -> list[Trainer]:
    """Return fit with 1 and with 16 steps an execution."""
    if case.members > 1:
        raise AbsentError("measured with one member only")
    return [_Trainer(case, data, 1), _Trainer(case, data, 16)]
