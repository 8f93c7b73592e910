"""JAX: a whole epoch is one compiled call, a scan over the batches' row numbers, with its state donated."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax  # after the setting that it reads
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.flatten_util import ravel_pytree

from benchmarks.cases import EPSILON, LEARNING_RATE, Array, CaseData, Parameters, TrainingCase
from benchmarks.peers.base import Predictor, Trainer

ACTIVATIONS = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "selu": jax.nn.selu}
CHUNK = 5000
_ready: Any = jax.block_until_ready


def logits(parameters: Any, x: Any, activation: Callable[[Any], Any]) -> Any:
    """Return the network's outputs before softmax."""
    for w, b in parameters[:-1]:
        x = activation(x @ w + b)
    w, b = parameters[-1]
    return x @ w + b


def _step(state: Any, x: Any, y: Any, activation: Callable[[Any], Any], unravel: Callable[[Any], Any]) -> Any:
    """One step of Adam, on parameters as a tree of arrays or, with ``unravel``, as one flat array."""
    p, m, v, t = state

    def cost(p: Any) -> Any:
        return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(logits(unravel(p), x, activation)), -1))

    g = jax.grad(cost)(p)
    t = t + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    c1, c2 = 1 - 0.9**t, 1 - 0.999**t
    p = jax.tree.map(lambda p, m, v: p - LEARNING_RATE * (m / c1) / (jnp.sqrt(v / c2) + EPSILON), p, m, v)
    return p, m, v, t


class _Trainer(Trainer):
    def __init__(
        self, case: TrainingCase, data: CaseData, *, flat: bool = False, unroll: int = 1, many: str = ""
    ) -> None:
        self.case, self.data, self.many = case, data, many
        self.x, self.y = jnp.asarray(data.x), jnp.asarray(data.one_hot)
        self.flat = flat
        self.unravel: Callable[[Any], Any] = lambda p: p
        if flat:
            self.unravel = ravel_pytree(data.initial[0])[1]
        self.variant = ", ".join(
            filter(
                None,
                [many, "flat parameters" if flat else "", f"{unroll} steps unrolled" if unroll > 1 else ""],
            )
        )
        self.variant = self.variant or "scan"
        self.rng = np.random.default_rng(1)
        step = partial(_step, activation=ACTIVATIONS[case.activation], unravel=self.unravel)

        def epoch(state: Any, x: Any, y: Any, order: Any) -> Any:
            rows = order.reshape(case.steps, case.batch)
            return lax.scan(lambda s, i: (step(s, x[i], y[i]), None), state, rows, unroll=unroll)[0]

        def members(state: Any, x: Any, y: Any, orders: Any) -> Any:
            if many == "vmap":
                return jax.vmap(epoch, (0, None, None, 0))(state, x, y, orders)
            return lax.map(lambda each: epoch(each[0], x, y, each[1]), (state, orders))

        self.epoch = jax.jit(members if many else epoch, donate_argnums=0)

    def reset(self) -> None:
        starts = [
            ravel_pytree(p)[0] if self.flat else jax.tree.map(jnp.asarray, p) for p in self.data.initial
        ]
        start = jax.tree.map(lambda *leaves: jnp.stack(leaves), *starts) if self.many else starts[0]
        # A copy: the state is donated, and arrays made from NumPy's may share memory with them.
        p, m, v = (jax.tree.map(lambda leaf, k=k: leaf * k, start) for k in (1.0, 0.0, 0.0))
        t = jnp.zeros(self.case.members) if self.many else jnp.zeros(())
        self.state = _ready((p, m, v, t))

    def train(self, epochs: int) -> None:
        for _ in range(epochs):
            orders = [self.rng.permutation(self.case.rows).astype(np.int32) for _ in range(self.case.members)]
            order = np.stack(orders) if self.many else orders[0]
            self.state = self.epoch(self.state, self.x, self.y, order)
        _ready(self.state)

    def probabilities(self, x: Array) -> Array:
        activation = ACTIVATIONS[self.case.activation]

        def one(p: Any) -> Any:
            return jax.nn.softmax(logits(self.unravel(p), jnp.asarray(x), activation))

        return np.asarray(jax.vmap(one)(self.state[0]) if self.many else one(self.state[0]))


class _Predictor(Predictor):
    def __init__(self, parameters: Parameters, chunk: int | None = None) -> None:
        self.chunk = chunk
        self.variant = "whole" if chunk is None else f"{chunk} rows at a time"
        p = jax.tree.map(jnp.asarray, parameters)
        self.predict = jax.jit(lambda x: jax.nn.softmax(logits(p, x, jax.nn.relu)))

    def native(self, x: Array) -> Any:
        if self.chunk is None:
            return jnp.asarray(x)
        return [jnp.asarray(x[first : first + self.chunk]) for first in range(0, len(x), self.chunk)]

    def __call__(self, rows: Any) -> Any:
        if self.chunk is None:
            return self.predict(rows).block_until_ready()
        return np.concatenate([np.asarray(part) for part in [self.predict(part) for part in rows]])


def trainers(case: TrainingCase, data: CaseData) -> list[Trainer]:
    """Return the scan plain, with unrolled steps, and with all parameters in one array; members by vmap and by map."""
    if case.members > 1:
        return [
            _Trainer(case, data, many="vmap"),
            _Trainer(case, data, many="map"),
            _Trainer(case, data, many="map", flat=True),
        ]
    return [_Trainer(case, data), _Trainer(case, data, unroll=4), _Trainer(case, data, flat=True)]


def batch_predictors(sizes: Sequence[int], parameters: Parameters) -> list[Predictor]:
    """Return the whole table at once and in chunks."""
    return [_Predictor(parameters), _Predictor(parameters, CHUNK)]


def row_predictors(sizes: Sequence[int], parameters: Parameters) -> list[Predictor]:
    """Return one compiled call."""
    return [_Predictor(parameters)]
