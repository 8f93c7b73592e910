"""A linear model by the equations of a network without hidden layers: its cost on rows, and what minimizes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.equations.network import Network

BLOCK = 2**22
"""About the most numbers of outputs that are worked out at once."""

FEWEST_STEPS, MOST_STEPS, WORK = 30, 100, 2**24
"""L-BFGS makes at the least and at the most so many steps for the start of a training: as many as go over `WORK` inputs."""


@dataclass(frozen=True)
class Slopes:
    """A linear model: slopes ``S`` (d, n_out), ``b`` (n_out,), and by how much each input entered, ``scale`` (d,), or 1."""

    S: FloatArray
    b: FloatArray
    scale: FloatArray | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class LinearCost:
    """The network without its hidden layers: the cost of x S + b on rows, and what minimizes it with a penalty.

    ``x`` (n, d), dense or sparse, ``y`` (n, n_out), ``weights`` (n,) that add up to 1; ``network`` has output and loss.
    ``scale`` (d,), 1 without any: by how much each input enters, so its slope is that much T and T is what is penalized;
    where it is 0 there is no slope.
    """

    network: Network
    x: Any
    y: FloatArray
    weights: FloatArray
    scale: FloatArray | None = None

    def outputs(self, line: Slopes, x: Any) -> FloatArray:
        """Return the outputs (n, n_out) of a line for rows x (n, d)."""
        return np.asarray(self.network.output.activation(x @ line.S + line.b, np))

    def cost(self, line: Slopes) -> float:
        """Return the rows' mean loss."""
        return sum(float(w @ self._of_rows(x @ line.S + line.b, y)[1]) for x, y, w in self._blocks())

    def _blocks(self) -> Iterator[tuple[Any, FloatArray, FloatArray]]:
        """Yield the rows in order, in blocks: x, y in float64, and weights."""
        n, n_out = self.y.shape
        size = max(1, BLOCK // n_out)
        for start in range(0, n, size):
            cut = slice(start, start + size)
            x = self.x if size >= n else self.x[cut]
            yield x, np.asarray(self.y[cut], np.float64), self.weights[cut]

    def _of_rows(self, z: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the outputs (n, n_out) of weighted sums, and the rows' losses (n,)."""
        output = self.network.output.activation
        a = output(z, np)
        return a, self.network.loss.of_rows(z, a, y, output, np)

    @property
    def ends(self) -> dict[str, Any]:
        """When L-BFGS ends for the start of a training, which goes on from there: of many numbers to about three digits."""
        numbers = self.x.size  # those that aren't 0, of a sparse table
        most = min(MOST_STEPS, max(FEWEST_STEPS, WORK // max(1, numbers)))
        return {"maxiter": most, "ftol": 1e-6 if most == FEWEST_STEPS else 1e-9}

    def solved(self, strength: float, start: Slopes, ends: Mapping[str, Any] | None = None) -> Slopes:
        """Return S = scale · T and b of the least mean loss + strength · sum of T², from L-BFGS begun at a line.

        ``ends`` are SciPy's options that say when it is found, `ends` without any.
        """
        from scipy.optimize import minimize

        d, n_out = start.S.shape
        output, loss = self.network.output.activation, self.network.loss
        scale = np.ones((d, 1)) if self.scale is None else self.scale[:, None]

        def line_of(flat: FloatArray) -> Slopes:
            return Slopes(scale * flat[: d * n_out].reshape(d, n_out), flat[d * n_out :], scale=self.scale)

        def cost_and_slope(flat: FloatArray) -> tuple[float, FloatArray]:
            line, T = line_of(flat), flat[: d * n_out].reshape(d, n_out)
            cost, by_T, by_b = strength * float(np.sum(T**2)), 2 * strength * T, np.zeros(n_out)
            for x, y, w in self._blocks():
                z = x @ line.S + line.b
                a, losses = self._of_rows(z, y)
                delta = loss.delta(z, a, y, output, np) * w[:, None]
                by_T = by_T + scale * (x.T @ delta)
                by_b += delta.sum(axis=0)
                cost += float(w @ losses)
            return cost, np.concatenate([by_T.reshape(-1), by_b])

        begun = np.concatenate([(start.S / np.where(scale > 0, scale, np.inf)).reshape(-1), start.b])
        return line_of(
            minimize(cost_and_slope, begun, jac=True, method="L-BFGS-B", options=dict(ends or self.ends)).x
        )
