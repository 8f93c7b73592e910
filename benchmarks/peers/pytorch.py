"""PyTorch, eager: batches are views of a table that is a tensor already; fused Adam; one thread and all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from benchmarks.cases import EPSILON, LEARNING_RATE, Array, CaseData, Parameters, TrainingCase
from benchmarks.peers.base import OneAfterAnother, Predictor, Trainer
from chainrule.engines.threads import thread_count

ACTIVATIONS = {"relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid, "selu": torch.nn.SELU}
CHUNK = 5000
"""Rows at a time in the predictor that keeps what it computes in cache."""


def thread_counts() -> list[int]:
    """Return one thread and all."""
    return sorted({1, thread_count()})


def named(threads: int) -> str:
    """Return a number of threads in words."""
    return f"{threads} thread{'s' if threads > 1 else ''}"


def model_of(sizes: Sequence[int], activation: str) -> torch.nn.Sequential:
    """Return the network up to the logits."""
    layers: list[torch.nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [torch.nn.Linear(n_in, n_out), ACTIVATIONS[activation]()]
    return torch.nn.Sequential(*layers[:-1])


def set_parameters(model: torch.nn.Sequential, parameters: Parameters) -> None:
    """Copy the given parameters into a model."""
    linear = [layer for layer in model if isinstance(layer, torch.nn.Linear)]
    with torch.no_grad():
        for layer, (w, b) in zip(linear, parameters, strict=True):
            layer.weight.copy_(torch.from_numpy(w.T))
            layer.bias.copy_(torch.from_numpy(b))


def adam(parameters: Any) -> torch.optim.Optimizer:
    """Return Adam in one fused loop."""
    return torch.optim.Adam(parameters, lr=LEARNING_RATE, eps=EPSILON, fused=True)


class EagerTrainer(Trainer):
    """A Sequential trained in the usual loop."""

    def __init__(self, case: TrainingCase, data: CaseData, threads: int, member: int = 0) -> None:
        self.batch, self.threads, self.initial = case.batch, threads, data.initial[member]
        self.x: Any = torch.from_numpy(data.x)
        self.y: Any = torch.from_numpy(data.labels)
        self.model = model_of(case.sizes, case.activation)
        self.variant = named(threads)
        self.loss: Callable[[Any, Any], Any] = self._loss

    def _loss(self, x: Any, y: Any) -> Any:
        return functional.cross_entropy(self.model(x), y)

    def reset(self) -> None:
        """Copy the initial parameters and make a new optimizer."""
        set_parameters(self.model, self.initial)
        self.optimizer = adam(self.model.parameters())

    def train(self, epochs: int) -> None:
        """Gather the rows of an epoch at once; its batches are views."""
        torch.set_num_threads(self.threads)
        loss, optimizer = self.loss, self.optimizer
        for _ in range(epochs):
            order = torch.randperm(len(self.x))
            batches = zip(self.x[order].split(self.batch), self.y[order].split(self.batch), strict=True)
            for x, y in batches:
                optimizer.zero_grad(set_to_none=True)
                loss(x, y).backward()
                optimizer.step()

    def probabilities(self, x: Array) -> Array:
        """Return softmax of the logits."""
        with torch.inference_mode():
            return np.asarray(torch.softmax(self.model(torch.from_numpy(x)), 1).numpy())


class _Stacked(Trainer):
    """All members in one batched matrix product each."""

    def __init__(self, case: TrainingCase, data: CaseData, threads: int) -> None:
        self.batch, self.threads, self.initial = case.batch, threads, data.initial
        self.x: Any = torch.from_numpy(data.x)
        self.y: Any = torch.from_numpy(data.labels)
        self.activation = ACTIVATIONS[case.activation]()
        self.variant = f"batched products, {named(threads)}"

    def reset(self) -> None:
        self.parameters: list[tuple[Any, Any]] = []
        for arrays in zip(*self.initial, strict=True):
            w = torch.from_numpy(np.stack([w for w, _ in arrays])).requires_grad_()
            b = torch.from_numpy(np.stack([b for _, b in arrays])[:, None]).requires_grad_()
            self.parameters.append((w, b))
        self.optimizer = adam([array for layer in self.parameters for array in layer])

    def _logits(self, h: Any) -> Any:
        for w, b in self.parameters[:-1]:
            h = self.activation(torch.baddbmm(b, h, w))
        w, b = self.parameters[-1]
        return torch.baddbmm(b, h, w)

    def train(self, epochs: int) -> None:
        torch.set_num_threads(self.threads)
        members = len(self.initial)
        for _ in range(epochs):
            orders = torch.stack([torch.randperm(len(self.x)) for _ in range(members)])
            batches = zip(
                self.x[orders].split(self.batch, 1), self.y[orders].split(self.batch, 1), strict=True
            )
            for x, y in batches:
                self.optimizer.zero_grad(set_to_none=True)
                # The mean over all members' rows, times members: each member's gradient is that of its own mean.
                loss: Any = functional.cross_entropy(self._logits(x).flatten(0, 1), y.flatten()) * members
                loss.backward()
                self.optimizer.step()

    def probabilities(self, x: Array) -> Array:
        with torch.inference_mode():
            rows = torch.from_numpy(x).expand(len(self.initial), -1, -1)
            return np.asarray(torch.softmax(self._logits(rows), 2).numpy())


class _Predictor(Predictor):
    def __init__(
        self, sizes: Sequence[int], parameters: Parameters, threads: int, chunk: int | None = None
    ) -> None:
        self.model = model_of(sizes, "relu").eval()
        set_parameters(self.model, parameters)
        self.threads, self.chunk = threads, chunk
        self.variant = f"{'whole' if chunk is None else f'{chunk} rows at a time'}, {named(threads)}"

    def native(self, x: Array) -> Any:
        return torch.from_numpy(x)

    def __call__(self, rows: Any) -> Any:
        torch.set_num_threads(self.threads)
        with torch.inference_mode():
            if self.chunk is None:
                return torch.softmax(self.model(rows), 1)
            return torch.cat([torch.softmax(self.model(part), 1) for part in rows.split(self.chunk)])


class _RowModule(_Predictor):
    def __init__(self, sizes: Sequence[int], parameters: Parameters) -> None:
        super().__init__(sizes, parameters, 1)
        self.variant = "nn.Sequential"

    def __call__(self, rows: Any) -> Any:
        with torch.inference_mode():
            return torch.softmax(self.model(rows), 1)


class _RowFunctions(Predictor):
    """The same without modules, whose calls cost more than the arithmetic of one row."""

    variant = "torch.addmm"

    def __init__(self, parameters: Parameters) -> None:
        torch.set_num_threads(1)
        self.parameters = [(torch.from_numpy(w), torch.from_numpy(b)) for w, b in parameters]

    def native(self, x: Array) -> Any:
        return torch.from_numpy(x)

    def __call__(self, rows: Any) -> Any:
        with torch.inference_mode():
            for w, b in self.parameters[:-1]:
                rows = torch.addmm(b, rows, w).relu_()
            w, b = self.parameters[-1]
            return torch.addmm(b, rows, w).softmax(1)


def trainers(case: TrainingCase, data: CaseData) -> list[Trainer]:
    """Return the usual loop on one thread and on all; members also in batched products."""
    found: list[Trainer] = []
    for threads in thread_counts():
        members = [EagerTrainer(case, data, threads, member) for member in range(case.members)]
        if case.members == 1:
            found.append(members[0])
        else:
            found += [OneAfterAnother(members), _Stacked(case, data, threads)]
    return found


def batch_predictors(sizes: Sequence[int], parameters: Parameters) -> list[Predictor]:
    """Return the whole table at once and in chunks, on one thread and on all."""
    return [
        _Predictor(sizes, parameters, threads, chunk)
        for threads in thread_counts()
        for chunk in (None, CHUNK)
    ]


def row_predictors(sizes: Sequence[int], parameters: Parameters) -> list[Predictor]:
    """Return modules and bare functions, on one thread."""
    return [_RowModule(sizes, parameters), _RowFunctions(parameters)]
