"""By how much the levels of wide categories enter the linear model that a linear path begins with: as far as it helps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.training.settings.recipe import MANY_LEVELS

BLOCK = 2**21
"""About how many numbers are looked at together."""

FACTORS = (0.0, 0.1, 0.3)
"""By how much the inputs of a wide category may enter, instead of 1."""

CHANCE = 4.0
"""A column stays where it makes the cost out of fold, of n rows, less by a share of more than this ÷ n: n times that is twice
the gain in log-likelihood of normal errors, and 4 seldom chance for the one variance that is chosen."""


OFTEN = 3
"""A category has rare levels where one is there in fewer of the rows than this on average."""


def wide_blocks(network: Network) -> list[slice]:
    """Return the inputs of each category, or text, that has at least `MANY_LEVELS` of them."""
    if network.features is None:
        return []
    levels = network.features.column_map.levels
    return [columns for columns in levels if columns.stop - columns.start >= MANY_LEVELS]


def drawn_in(
    blocks: Sequence[slice], inputs: int, rows: int, cost: Callable[[FloatArray], float], lowest: float
) -> FloatArray:
    """Return by how much each input enters (d,): of each block the factor of least ``cost`` out of fold, one after the other.

    One penalty for all slopes suits none where some inputs are there in every row, and the thousand levels of a category
    in one or two each: what is weak enough for those lets these follow chance. An input that enters g times as much has
    a penalty of 1/g² (the variances of the slopes of a mixed model); at 0 the column is left out. ``lowest`` is the cost
    with all at 1, ``rows`` how many are judged.
    """
    scale = np.ones(inputs)
    for block in blocks:
        costs = {1.0: lowest}
        for factor in FACTORS:
            scale[block] = factor
            costs[factor] = cost(scale)
        best = min(costs, key=costs.__getitem__)
        if not costs[best] < costs[0.0] * (1 - CHANCE / rows):
            best = 0.0
        scale[block], lowest = best, costs[best]
    return scale


def leave_out(
    network: Network, flat: FloatArray, scale: FloatArray | None, x: FloatArray, rows: IntArray
) -> None:
    """Take wide categories of rare levels that enter the linear model by 0 out of the hidden layers as well, in ``flat`` (…, p).

    Of a category whose levels have less than `OFTEN` of the ``rows`` each, on average, E and the weights of layer 1 begin at
    0, and stay there, as each is the other's slope: a network learns by heart what single rows hold. Nothing is changed
    where values of layer 1 are set by hand.
    """
    features, first = network.features, network.layers[0]
    if scale is None or features is None or first.initial or first.frozen:
        return
    places = features.column_map
    without = [
        place
        for place in zip(places.levels, places.level_rows, places.level_to, strict=True)
        if not scale[place[0]].any()
    ]
    if not without:
        return
    own, seen = Layout(network).unflatten(flat), np.zeros(len(without), np.int64)
    size = max(1, BLOCK // x.shape[1])
    for start in range(0, len(rows), size):
        block = np.asarray(x[rows[start : start + size]])
        seen += [np.count_nonzero(block[:, columns]) for columns, _, _ in without]
    for count, (columns, levels, outputs) in zip(seen, without, strict=True):
        if count >= OFTEN * (columns.stop - columns.start):
            continue
        own[0]["E"][..., levels, :] = 0.0
        own[1]["W"][..., outputs, :] = 0.0
