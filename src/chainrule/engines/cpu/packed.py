"""Rows as the compiled loops hold them: a category of many inputs, of which one is 1, as the place of that one.

What is worked out stays the same: x E and x S of such a row are the rows of E and S that the code names. Only the zeros are
neither kept nor multiplied.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.engines.cpu.tables import contiguous
from chainrule.equations.features import Features
from chainrule.equations.network import Network

FEWEST_CODED = 65
"""From so many inputs on a category is held as a code."""

BLOCK = 2**21
"""About how many numbers are packed at once."""


class Packed(NamedTuple):
    """Rows (n, numbers of a row) as they are held, and the places of the groups of the feature stage that are codes."""

    x: FloatArray
    codes: tuple[int, ...] = ()


def packed(network: Network, x: Any, dtype: Any) -> Packed:
    """Return rows ``x`` (n, d) as the loops take them; raises SettingsError for another number of inputs.

    A category is a code where each row has a single 1 among its inputs; else, as the words of a text, it stays as it is.
    """
    features, shape = network.features, (len(x), network.n_inputs)
    codes = _large(features)
    while features is not None and codes and np.shape(x) == shape:
        sizes = [1 if place in codes else group.size for place, group in enumerate(features.groups)]
        held: FloatArray = np.empty((len(x), sum(sizes)), dtype)
        size = max(1, BLOCK // network.n_inputs)
        for start in range(0, len(x), size):
            block = np.asarray(x[start : start + size], dtype)
            if several := _pack(features, codes, block, held[start : start + size]):
                # Most often the first rows tell, so that little is packed twice.
                codes = tuple(place for place in codes if place not in several)
                break
        else:
            return Packed(held, codes)
    return Packed(contiguous(x, dtype, shape, "inputs"))


def spread_out(network: Network, rows: Packed) -> FloatArray:
    """Return the inputs (n, d) of packed rows."""
    features = network.features
    if features is None or not rows.codes:
        return rows.x
    x: FloatArray = np.zeros((len(rows.x), network.n_inputs), rows.x.dtype)
    column = 0
    for place, (first, group) in enumerate(zip(_firsts(features), features.groups, strict=True)):
        if place in rows.codes:
            x[np.arange(len(x)), first + rows.x[:, column].astype(np.int64)] = 1
            column += 1
        else:
            x[:, first : first + group.size] = rows.x[:, column : column + group.size]
            column += group.size
    return x


def _large(features: Features | None) -> tuple[int, ...]:
    groups = () if features is None else features.groups
    return tuple(
        place for place, group in enumerate(groups) if group.kind == "category" and group.size >= FEWEST_CODED
    )


def _firsts(features: Features) -> list[int]:
    return list(accumulate((group.size for group in features.groups), initial=0))[:-1]


def _pack(features: Features, codes: tuple[int, ...], block: FloatArray, out: FloatArray) -> list[int]:
    """Write a block of rows as they are held; return the groups of which a code can't say what a row has."""
    column, several = 0, []
    for place, (first, group) in enumerate(zip(_firsts(features), features.groups, strict=True)):
        part = block[:, first : first + group.size]
        if place not in codes:
            out[:, column : column + group.size] = part
            column += group.size
            continue
        found: IntArray = part.argmax(axis=1)
        if (np.count_nonzero(part, axis=1) != 1).any() or (part[np.arange(len(part)), found] != 1).any():
            several.append(place)
        out[:, column] = found
        column += 1
    return several
