"""What the checks share: the batch, the gradient under test, and a check's result as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._kept import cached_property
from chainrule._types import Array, FloatArray, IntArray
from chainrule.equations.layout import Layout
from chainrule.equations.losses import row_shares
from chainrule.equations.network import Gradients, Network, Parameters, Record
from chainrule.errors import SettingsError
from chainrule.explain.trace.address import Address

GradientFunction = Callable[[Network, Parameters, FloatArray, FloatArray, FloatArray | None], Parameters]
"""What can be checked: (network, parameters, x, y, row weights or None) to dC/dW and dC/db by the layer's number and name."""

MOST_NUMBERS = 4_000_000
"""The most numbers that are held for parameters moved one at a time."""


@np.errstate(all="ignore")
def network_gradient(
    network: Network, p: Parameters, x: FloatArray, y: FloatArray, weights: FloatArray | None
) -> Parameters:
    """Return the gradient of the cost as chainrule computes it: forward, then backward."""
    return network.backward(p, network.forward(p, x, np), y, np, weights).parameters


@dataclass(frozen=True)
class Batch:
    """One member network with the rows it is checked on, all in float64, without dropout.

    ``flat`` (p,), ``x`` (n, d), ``y`` (n, n_out), ``weights`` (n,) or None; ``rows`` are the rows' numbers in their
    table, from 1.
    """

    network: Network
    flat: FloatArray
    x: FloatArray
    y: FloatArray
    weights: FloatArray | None
    rows: tuple[int, ...]

    @cached_property
    def layout(self) -> Layout:
        """The flat layout of the parameters."""
        return Layout(self.network)

    @cached_property
    def p(self) -> dict[int, dict[str, Array]]:
        """The parameters by layer and name."""
        return self.layout.unflatten(self.flat)

    def weight_matrix(self, index: int) -> FloatArray:
        """Return what each number that enters layer ``index`` (from 0) is multiplied by on its way to each neuron."""
        return np.asarray(self.network.layers[index].weights(self.p[index + 1]))

    def unsigned(self, number: int) -> dict[str, Array]:
        """Return the parameters of layer ``number`` without their signs."""
        return {name: np.abs(array) for name, array in self.p[number].items()}

    def terms_of_z(self, number: int) -> FloatArray:
        """Return the terms of each z of layer ``number`` added without their signs, (n, n_out)."""
        layer, entering = self.network.layers[number - 1], np.abs(self.record.entering(number))
        beside = (np.abs(self.x),) if layer.linear_path else ()
        return np.asarray(layer.weighted_sum(self.unsigned(number), entering, np, *beside))

    @cached_property
    @np.errstate(all="ignore")
    def record(self) -> Record:
        """Every z and a."""
        return self.network.forward(self.p, self.x, np)

    @cached_property
    @np.errstate(all="ignore")
    def gradients(self) -> Gradients:
        """Every delta and gradient as chainrule computes them."""
        return self.network.backward(self.p, self.record, self.y, np, self.weights)

    @cached_property
    def gradient(self) -> FloatArray:
        """The gradient as chainrule computes it, (p,)."""
        return self.layout.flatten(self.gradients.parameters)

    @cached_property
    @np.errstate(all="ignore")
    def size_of_terms(self) -> FloatArray:
        """The gradient's terms added without their signs, (p,): what rounding and cancellation are measured by."""
        return self.layout.flatten(self.network.sizes_of_terms(self.p, self.record, self.gradients, np))

    @cached_property
    def size_of_roundings(self) -> FloatArray:
        """What one rounding (eps = 1) of the outputs and targets may change in the gradient, (p,).

        delta of the output is a difference such as a - y, and where it is small its rounding is that of a and y; from
        there it goes back as backward does, with all terms added without their signs.
        """
        back, last = self.gradients.layers[-1], self.record.layers[-1]
        shares = row_shares(len(self.x), self.weights, self.network.reduction, last.a, np)
        delta = (np.abs(last.a) + np.abs(self.y)) * shares[:, None]
        if back.slope is not None and self.network.output.activation.name not in self.network.loss.links:
            delta = delta * np.abs(back.slope)
        delta = delta + np.abs(back.delta)
        sizes = self.network.sizes_of_terms(self.p, self.record, self.gradients, np, delta)
        return self.layout.flatten(sizes)

    def part(self, rows: int) -> Batch:
        """Return the batch of the first rows alone."""
        weights = None if self.weights is None else self.weights[:rows]
        return replace(self, x=self.x[:rows], y=self.y[:rows], weights=weights, rows=self.rows[:rows])

    @np.errstate(all="ignore")
    def costs(self, flats: FloatArray) -> FloatArray:
        """Return the cost (m,) for each of the parameters ``flats`` (m, p), in blocks that bound the memory."""
        found = []
        for some in blocks(len(flats), self.flat.size + len(self.x) * sum(self.network.sizes)):
            record = self.network.forward(self.layout.unflatten(flats[some]), self.x, np)
            found.append(self.network.cost(record, self.y, np, self.weights))
        return np.concatenate(found)

    def address(self, index: int) -> str:
        """Return the address of a derivative by the parameter at a flat index: dC/dW[2][1,3]."""
        return f"dC/d{self.layout.address(index)}"

    def at(self, name: str, number: int, place: int) -> str:
        """Return the address of a number by its place among those (n, n_out) of layer ``number``: z[1][3]@row=17."""
        row, neuron = divmod(place, self.network.sizes[number])
        return str(Address(name, number, (neuron + 1,), row=self.rows[row]))


def not_dense(batch: Batch) -> str:
    """Return why a check that is written for dense layers can't be made, "" where it can."""
    if kinds := dict.fromkeys(layer.kind for layer in batch.network.layers if layer.kind != "dense"):
        return f"it is written for dense layers, and the network has some of kind {', '.join(kinds)}"
    return ""


def _outline(found: Mapping[Any, Any]) -> str:
    return f"{{{', '.join(f'{number!r}: …' for number in found)}}}"


def blocks(n: int, numbers_each: int) -> list[IntArray]:
    """Return 0 … n-1 in blocks of which each holds at most MOST_NUMBERS."""
    size = max(1, MOST_NUMBERS // max(1, numbers_each))
    return np.array_split(np.arange(n), -(-n // size)) if n else []


def flat_gradient(batch: Batch, found: Parameters) -> tuple[FloatArray, tuple[str, ...]]:
    """Return a gradient of arrays by name as flat (p,), and what is odd about its shapes.

    An array of a wrong shape with the right number of numbers is taken as they come; a missing one is 0. Raises
    SettingsError where neither helps.
    """
    wanted = batch.network.shapes()
    if not isinstance(found, Mapping) or set(found) != set(wanted):
        raise SettingsError(
            "the gradient function should return each layer's arrays by number, "
            f"{_outline(wanted)}, not {_outline(found) if isinstance(found, Mapping) else f'a {type(found).__name__}'}"
        )
    flat = np.zeros(batch.layout.size)
    odd = []
    for slot in batch.layout.slots:
        what = f"dC/d{slot.name}[{slot.layer}]"
        if slot.name not in found[slot.layer]:
            odd.append(f"{what} is not there; it is taken as 0")
            continue
        array = np.asarray(found[slot.layer][slot.name], np.float64)
        if array.size != slot.stop - slot.start:
            raise SettingsError(
                f"the gradient function returned {what} with the shape {array.shape}; {slot.shape} is expected"
            )
        if array.shape != slot.shape:
            odd.append(f"{what} has the shape {array.shape}; {slot.shape} is expected")
        flat[slot.start : slot.stop] = array.reshape(-1)
    return flat, tuple(odd)
