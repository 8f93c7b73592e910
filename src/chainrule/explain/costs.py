"""The cost of the same rows for many parameters: what surfaces, slices and lines of the cost are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._types import FloatArray
from chainrule.equations.layout import Layout
from chainrule.errors import SettingsError
from chainrule.explain.trace.address import PARAMETERS, Address

MOST_NUMBERS = 2_000_000
"""The most numbers of a layer that are held at a time."""


@one_blas_thread()
def costs_of(
    layout: Layout,
    flats: FloatArray,
    x: FloatArray,
    y: FloatArray,
    weights: FloatArray | None = None,
    masks: Sequence[FloatArray | None] | None = None,
) -> FloatArray:
    """Return the cost (k,) of rows ``x`` (n, d) with targets ``y`` for each of some parameters (k, p); no penalties.

    Worked out by the equations in float64, some at a time. Where it isn't finite it is infinite or NaN.

    >>> from chainrule import Dense, Network
    >>> layout = Layout(Network([1, Dense(1)]))
    >>> costs_of(layout, np.array([[3.0, 0.0], [1.0, 0.0]]), np.array([[1.0]]), np.array([[1.0]])).tolist()
    [2.0, 0.0]
    """
    network = layout.network
    size = max(1, MOST_NUMBERS // max(1, len(x) * max(network.sizes)))
    found = np.empty(len(flats))
    with np.errstate(all="ignore"):
        for start in range(0, len(flats), size):
            p = layout.unflatten(np.asarray(flats[start : start + size], np.float64))
            record = network.forward(p, x, np, masks)
            found[start : start + size] = network.cost(record, y, np, weights)
    return found


def place_of_parameter(layout: Layout, address: str | Address) -> int:
    """Return where a parameter lies among the flat ones; raises SettingsError for an address that is no single parameter."""
    place = Address.parse(address)
    shapes = layout.network.shapes()
    if place.name not in PARAMETERS or place.is_whole or place.layer not in shapes:
        raise SettingsError(f"{place} is no parameter of this network: name one such as W[1][1,1] or b[1][1]")
    if place.name not in shapes[place.layer]:
        raise SettingsError(f"layer {place.layer} has no {place.name}")
    slot = layout.slot(place.layer, place.name)
    if len(place.index) != len(slot.shape) or not all(
        1 <= i <= n for i, n in zip(place.index, slot.shape, strict=True)
    ):
        size = ",".join(map(str, slot.shape))
        raise SettingsError(f"{place} isn't there: {place.name}[{place.layer}] goes to [{size}]")
    return slot.start + int(np.ravel_multi_index([i - 1 for i in place.index], slot.shape))
