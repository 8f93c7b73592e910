"""The work that all libraries do: sizes, data, initial parameters, and how many floating-point operations it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Parameters: TypeAlias = list[tuple[Array, Array]]
"""For each layer W (n_in, n_out) and b (n_out,), float32."""

LEARNING_RATE = 1e-3
EPSILON = 1e-8
"""Adam's, in every library; the decay rates are everybody's default, 0.9 and 0.999."""


def multiply_adds(sizes: Sequence[int]) -> int:
    """Return the multiply-adds of one row's way through the network: the sum over layers of n_in · n_out."""
    return sum(n_in * n_out for n_in, n_out in pairwise(sizes))


def prediction_flops(sizes: Sequence[int], rows: int) -> int:
    """Return the operations of the matrix products of a prediction: 2 · rows · sum(n_in · n_out)."""
    return 2 * rows * multiply_adds(sizes)


def training_flops(sizes: Sequence[int], batch: int) -> int:
    """Return the operations of the matrix products of a training step.

    2 · batch · sum(n_in · n_out) each for z = h W, dC/dW = hᵀ delta and dC/dh = delta Wᵀ; the first layer's dC/dh, which
    nobody needs, is left out: 6 · batch · sum(n_in · n_out) - 2 · batch · n_0 · n_1.
    """
    return 6 * batch * multiply_adds(sizes) - 2 * batch * sizes[0] * sizes[1]


@dataclass(frozen=True)
class TrainingCase:
    """A network trained for some epochs with Adam on softmax and cross-entropy, in float32."""

    sizes: tuple[int, ...]
    batch: int
    steps: int
    epochs: int
    activation: str = "relu"
    members: int = 1

    @property
    def rows(self) -> int:
        """Whole batches, so that every library makes the same number of steps."""
        return self.batch * self.steps

    @property
    def shape(self) -> str:
        """The sizes as one word."""
        return "-".join(map(str, self.sizes))

    @property
    def name(self) -> str:
        """What the results call it."""
        members = f", {self.members} members" if self.members > 1 else ""
        return f"train {self.shape}, batch {self.batch}, {self.activation}{members}"


@dataclass(frozen=True)
class CaseData:
    """Rows ``x`` (n, d), their classes as numbers (n,) and one-hot (n, c), and initial parameters of each member."""

    x: Array
    labels: Array
    one_hot: Array
    initial: list[Parameters]


TRAINING_CASES = (
    TrainingCase((3, 4, 2), 1, steps=1000, epochs=3),
    TrainingCase((3, 4, 2), 32, steps=64, epochs=60),
    TrainingCase((20, 64, 64, 4), 32, steps=64, epochs=12),
    TrainingCase((20, 64, 64, 4), 256, steps=32, epochs=10),
    TrainingCase((20, 64, 64, 4), 256, steps=32, epochs=10, activation="sigmoid"),
    TrainingCase((20, 64, 64, 4), 256, steps=32, epochs=10, activation="selu"),
    TrainingCase((54, 256, 256, 256, 7), 256, steps=32, epochs=3),
    TrainingCase((784, 256, 128, 10), 128, steps=32, epochs=4),
    TrainingCase((100, 512, 512, 512, 10), 256, steps=32, epochs=2),
)
MEMBER_CASES = (TrainingCase((20, 64, 64, 4), 32, steps=64, epochs=3, members=10),)
MANY_ROWS = ((54, 256, 256, 256, 7), 100_000)
ONE_ROW = (20, 64, 64, 4)


def make_parameters(sizes: Sequence[int], activation: str, rng: np.random.Generator) -> Parameters:
    """Return normal weights of variance 2/n_in for ReLU and 1/n_in otherwise, and biases of 0."""
    gain = 2.0 if activation == "relu" else 1.0
    return [
        (
            (rng.standard_normal((n_in, n_out)) * np.sqrt(gain / n_in)).astype(np.float32),
            np.zeros(n_out, np.float32),
        )
        for n_in, n_out in pairwise(sizes)
    ]


def make_data(case: TrainingCase) -> CaseData:
    """Return rows whose classes a noisy random network of tanh neurons decides, so that there is something to learn."""
    rng = np.random.default_rng(len(case.sizes) * 1000 + case.batch)
    d, n_classes = case.sizes[0], case.sizes[-1]
    x = rng.standard_normal((case.rows, d)).astype(np.float32)
    hidden = np.tanh(2 * x @ rng.standard_normal((d, 12)) / np.sqrt(d))
    scores = 3 * hidden @ rng.standard_normal((12, n_classes)) + rng.gumbel(size=(case.rows, n_classes))
    labels = np.argmax(scores, axis=1)
    labels[:n_classes] = np.arange(n_classes)
    one_hot = np.eye(n_classes, dtype=np.float32)[labels]
    initial = [make_parameters(case.sizes, case.activation, rng) for _ in range(case.members)]
    return CaseData(x, labels, one_hot, initial)


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def forward(x: Array, parameters: Parameters, activation: str) -> Array:
    """Return the class probabilities (n, c) in float64: the judge of every library's predictions."""
    h = x.astype(np.float64)
    for w, b in parameters[:-1]:
        z = h @ w + b
        if activation == "relu":
            h = np.maximum(z, 0)
        elif activation == "sigmoid":
            h = 1 / (1 + np.exp(-z))
        else:
            h = _SELU_SCALE * np.where(z > 0, z, _SELU_ALPHA * np.expm1(np.minimum(z, 0)))
    w, b = parameters[-1]
    z = h @ w + b
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def cross_entropy(probabilities: Array, labels: Array) -> float:
    """Return the mean of -log p(right class), over rows and members; ``probabilities`` (…, n, c)."""
    p = probabilities[..., np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(p, 1e-300)).mean())
