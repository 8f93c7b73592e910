"""The cost over the two weights that a network needs most: an exact slice, all other parameters held where they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError
from chainrule.explain.check.batch import Batch
from chainrule.explain.costs import costs_of
from chainrule.plots.chart import Chart
from chainrule.plots.kinds.mountain import mountain_chart

SIDE = 25
"""The places on a side of a slice: odd, so that where the weights stand is one of them."""

TRIED = 40
"""The weights that are set to 0 in turn, to find those that are needed most."""

REACH = 1.5
"""How far a slice goes to each side, as a multiple of the larger of its two weights, so that 0 is on it."""


@dataclass(frozen=True, eq=False)
class CostSlice:
    """The ``costs`` (side of ``second``, side of ``first``) over two weights, named by ``addresses``.

    They stand ``at`` two numbers, where the cost is ``cost``; ``without`` are the costs with one or the other set to 0.
    """

    addresses: tuple[str, str]
    first: FloatArray
    second: FloatArray
    costs: FloatArray
    at: tuple[float, float]
    cost: float
    without: tuple[float, float]

    def chart(self) -> Chart:
        """Return the picture: lines of equal cost, and where training left the two weights."""
        one, other = self.addresses
        return mountain_chart(
            self.first, self.second, self.costs, stands=self.at, x_name=one, y_name=other, levels=5,
            title=f"The cost over {one} and {other}",
        )  # fmt: skip


def needed_weights(batch: Batch) -> tuple[IntArray, FloatArray]:
    """Return the places of weights by how much the cost rises when each is set to 0, and these costs; the most first.

    Of the many, those `TRIED` are tried for which |w| · Σ |the rows' parts of ∂C/∂w| is largest, which bounds what they can
    do to first order.
    """
    layout = batch.layout
    weights = np.concatenate(
        [np.arange(slot.start, slot.stop) for slot in layout.slots if slot.layer and slot.decays]
    )
    bound = np.abs(batch.flat) * batch.size_of_terms
    tried = weights[np.argsort(-bound[weights], kind="stable")[:TRIED]]
    without = np.repeat(batch.flat[None], len(tried), axis=0)
    without[np.arange(len(tried)), tried] = 0.0
    costs = costs_of(layout, without, batch.x, batch.y, batch.weights)
    order = np.argsort(-costs, kind="stable")
    return tried[order], costs[order]


@np.errstate(all="ignore")
def cost_slice(batch: Batch, side: int = SIDE) -> CostSlice:
    """Return the cost of a batch's rows over the two weights that are needed most.

    Raises SettingsError for a network of fewer than two weights.
    """
    layout, (places, without) = batch.layout, needed_weights(batch)
    if len(places) < 2:
        raise SettingsError("a slice has two weights, and this network has fewer")
    one, other = (int(place) for place in places[:2])
    at = float(batch.flat[one]), float(batch.flat[other])
    half = REACH * (max(map(abs, at)) or 1.0)
    steps = np.linspace(-half, half, side)
    first, second = at[0] + steps, at[1] + steps
    # The parameters of one line of places at a time: all would be a gigabyte of a large network.
    flats = np.repeat(batch.flat[None], side, axis=0)
    flats[:, one] = first
    costs = np.empty((side, side))
    for line, height in enumerate(second):
        flats[:, other] = height
        costs[line] = costs_of(layout, flats, batch.x, batch.y, batch.weights)
    here = float(costs_of(layout, batch.flat[None], batch.x, batch.y, batch.weights)[0])
    addresses = layout.address(one), layout.address(other)
    return CostSlice(addresses, first, second, costs, at, here, (float(without[0]), float(without[1])))
