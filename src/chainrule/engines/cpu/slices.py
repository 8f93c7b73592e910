"""How parameters, rows and groups are cut up and shared out to threads."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from chainrule._types import IntArray
from chainrule.engines.cpu.kernels import columns as at
from chainrule.engines.cpu.tables import BLOCK
from chainrule.equations.layout import Layout

SLICE = 32_768
"""Parameters in a slice, about: a quarter of a megabyte with gradient and optimizer state."""


def rows_of_a_block(rows: int, *, split: bool) -> int:
    """Return the rows of a block: half the batch where two threads share a step, few enough for a core's own cache."""
    return max(1, min(-(-rows // 2), BLOCK // 2) if split else min(rows, BLOCK))


def cut_into_slices(layout: Layout, *, split: bool, separate: bool) -> IntArray:
    """Return the slices of the parameters that are updated in one go: first, last, and whether they decay.

    ``separate``: arrays are treated differently, so each has slices of its own.
    """
    ranges = [(0, layout.size, 1)]
    if separate:
        ranges = [(slot.start, slot.stop, int(slot.decays)) for slot in layout.slots]
    size = min(SLICE, max(1024, layout.size // 8)) if split else layout.size
    found = []
    for start, stop, decaying in ranges:
        count = max(1, round((stop - start) / size))
        edges = [start + (stop - start) * part // count for part in range(count + 1)]
        found += [(first, last, decaying) for first, last in pairwise(edges)]
    return np.array(found, np.int64)


def shared_out(slices: IntArray, threads: int) -> IntArray:
    """Return where each thread's slices begin: neighbors, and about the same number of parameters each."""
    sizes = slices[:, at.STOP] - slices[:, at.START]
    middles = (np.cumsum(sizes) - sizes / 2) / sizes.sum()
    return np.array([np.searchsorted(middles, part / threads) for part in range(threads + 1)], np.int64)
