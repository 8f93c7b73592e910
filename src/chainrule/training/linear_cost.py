"""A linear model by the equations of a network without hidden layers: its cost on rows, and what minimizes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.equations.network import Network

BLOCK = 2**22
"""About the most numbers of outputs that are worked out at once."""

ROUGH: Mapping[str, Any] = MappingProxyType({"maxiter": 30, "ftol": 1e-6})
"""When L-BFGS ends for the start of a training, which goes on from there: a solution to three digits is a start as good."""


@dataclass(frozen=True)
class Slopes:
    """A linear model: slopes ``S`` (d, n_out) and ``b`` (n_out,)."""

    S: FloatArray
    b: FloatArray


@dataclass(frozen=True)
class LinearCost:
    """The network without its hidden layers: the cost of x S + b on rows, and what minimizes it with a penalty.

    ``x`` (n, d), dense or sparse, ``y`` (n, n_out), ``weights`` (n,) that add up to 1; ``network`` has output and loss.
    """

    network: Network
    x: Any
    y: FloatArray
    weights: FloatArray

    def outputs(self, line: Slopes, x: Any) -> FloatArray:
        """Return the outputs (n, n_out) of a line for rows x (n, d)."""
        return np.asarray(self.network.output.activation(x @ line.S + line.b, np))

    def cost(self, line: Slopes) -> float:
        """Return the rows' mean loss."""
        return sum(float(w @ self._losses(x @ line.S + line.b, y)) for x, y, w in self._blocks())

    def _blocks(self) -> Iterator[tuple[Any, FloatArray, FloatArray]]:
        """Yield the rows in order, in blocks: x, y in float64, and weights."""
        n, n_out = self.y.shape
        size = max(1, BLOCK // n_out)
        for start in range(0, n, size):
            cut = slice(start, start + size)
            x = self.x if size >= n else self.x[cut]
            yield x, np.asarray(self.y[cut], np.float64), self.weights[cut]

    def _losses(self, z: FloatArray, y: FloatArray) -> FloatArray:
        output = self.network.output.activation
        found: FloatArray = self.network.loss.of_rows(z, output(z, np), y, output, np)
        return found

    def solved(self, strength: float, start: Slopes, ends: Mapping[str, Any] = ROUGH) -> Slopes:
        """Return the slopes and b of the least mean loss + strength · sum of S², from L-BFGS begun at a line.

        ``ends`` are SciPy's options that say when it is found.
        """
        from scipy.optimize import minimize

        d, n_out = start.S.shape
        output, loss = self.network.output.activation, self.network.loss

        def line_of(flat: FloatArray) -> Slopes:
            return Slopes(flat[: d * n_out].reshape(d, n_out), flat[d * n_out :])

        def cost_and_slope(flat: FloatArray) -> tuple[float, FloatArray]:
            line = line_of(flat)
            cost, by_S, by_b = strength * float(np.sum(line.S**2)), 2 * strength * line.S, np.zeros(n_out)
            for x, y, w in self._blocks():
                z = x @ line.S + line.b
                delta = loss.delta(z, output(z, np), y, output, np) * w[:, None]
                by_S = by_S + x.T @ delta
                by_b += delta.sum(axis=0)
                cost += float(w @ self._losses(z, y))
            return cost, np.concatenate([by_S.reshape(-1), by_b])

        begun = np.concatenate([start.S.reshape(-1), start.b])
        return line_of(minimize(cost_and_slope, begun, jac=True, method="L-BFGS-B", options=dict(ends)).x)
