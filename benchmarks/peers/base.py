"""What a library brings to a measurement."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.cases import Array


class Trainer(ABC):
    """A library's way to train a case; ``variant`` names its settings where there are several."""

    variant = ""

    @abstractmethod
    def reset(self) -> None:
        """Go back to the initial parameters and a fresh optimizer."""

    @abstractmethod
    def train(self, epochs: int) -> None:
        """Train for some epochs, with a new order of rows in each, and return when all is computed."""

    @abstractmethod
    def probabilities(self, x: Array) -> Array:
        """Return the trained networks' outputs, (n, c) or for several members (k, n, c)."""

    def seconds(self, epochs: int) -> float:
        """Return the seconds that ``epochs`` epochs take after a first one, which warms the caches, from fresh parameters."""
        self.reset()
        self.train(1)
        begun = time.perf_counter()
        self.train(epochs)
        return time.perf_counter() - begun


class OneAfterAnother(Trainer):
    """Several members trained one after the other."""

    def __init__(self, members: Sequence[Trainer]) -> None:
        self.members = list(members)
        self.variant = ", ".join(filter(None, ["one after the other", members[0].variant]))

    def reset(self) -> None:
        """Reset all."""
        for member in self.members:
            member.reset()

    def train(self, epochs: int) -> None:
        """Train all."""
        for member in self.members:
            member.train(epochs)

    def probabilities(self, x: Array) -> Array:
        """Stack the members' outputs."""
        return np.stack([member.probabilities(x) for member in self.members])

    def seconds(self, epochs: int) -> float:
        """Add up, since a member may have its own way to measure."""
        return sum(member.seconds(epochs) for member in self.members)


class Predictor(ABC):
    """A library's way to predict; what it is called with is its own kind of array already."""

    variant = ""

    def native(self, x: Array) -> Any:
        """Return float32 rows (n, d) as the library takes them, without copying where it can."""
        return x

    @abstractmethod
    def __call__(self, rows: Any) -> Any:
        """Return the probabilities of the rows."""

    def result(self, output: Any) -> Array:
        """Return an output as an array (n, c)."""
        return np.asarray(output)
