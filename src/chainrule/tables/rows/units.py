"""Divide rows that belong together: units of rows that are never parted, and rows in the order of time."""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np

from chainrule._types import Array, FloatArray, IntArray
from chainrule.errors import SettingsError
from chainrule.tables.rows.split import (
    Folds,
    drawn_order,
    split_folds,
    split_rows,
    strata_codes,
    wanted_of_each,
)

MOST_CELLS = 20_000_000
"""Units of many classes are balanced by class up to so many units times classes, larger ones by their rows alone."""


def split_units(
    units: IntArray, share: float, seed: int, strata: Array | None = None, *, stream: int = 0
) -> tuple[IntArray, IntArray]:
    """Divide rows into training and test rows, both sorted, so that no unit is on both sides; ``units`` (n,) are numbers.

    Where each row is a unit of its own this is `split_rows`. Units are drawn in the same way, and one is taken for the test
    where that brings the test rows nearer to the number that `split_rows` would take, of each class of the ``strata``. Each
    class keeps a unit for training. At least one unit is taken if ``share`` > 0 and one can be; else the test is empty.

    >>> train, test = split_units(np.array([0, 0, 1, 1, 2, 2, 3, 3]), 0.25, seed=0)
    >>> len(train), len(test), len(set(test // 2))
    (6, 2, 1)
    """
    n = len(units)
    _, places, of_row, sizes = np.unique(units, return_index=True, return_inverse=True, return_counts=True)
    if n == 0 or sizes.max() == 1:
        return split_rows(n, share, seed, strata, stream=stream)
    codes = np.zeros(n, np.int64) if strata is None else strata_codes(strata, n)
    # A unit is drawn by its first row, so that large units are no likelier than small ones.
    ranks = np.empty(n, np.int64)
    ranks[drawn_order(n, seed, stream)] = np.arange(n)
    drawn = np.argsort(ranks[places], kind="stable")
    wanted = wanted_of_each(n, share, None if strata is None else np.bincount(codes))
    counts = _counts(of_row, codes, len(sizes))
    wanted = wanted if counts.shape[1] == len(wanted) else np.array([wanted.sum()])
    taken = _taken(counts, drawn, wanted)
    if share > 0 and not taken.any():
        taken = _smallest(counts, drawn)
    is_test = taken[of_row]
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def _counts(of_row: IntArray, codes: IntArray, n_units: int) -> IntArray:
    """Return the rows of each unit by class (units, classes), or in all (units, 1) where that is too much."""
    n_classes = int(codes.max()) + 1
    if n_units * n_classes > MOST_CELLS:
        codes, n_classes = np.zeros_like(codes), 1
    return np.bincount(of_row * n_classes + codes, minlength=n_units * n_classes).reshape(n_units, n_classes)


def _taken(counts: IntArray, drawn: IntArray, wanted: IntArray) -> Array:
    """Return which units (units,) are taken, one after the other as they are drawn, each where it brings all nearer."""
    taken = np.zeros(len(counts), np.bool_)
    if (np.count_nonzero(counts, axis=1) == 1).all():
        for c in range(counts.shape[1]):
            own = drawn[counts[drawn, c] > 0]
            size = counts[own, c]
            nearer = np.cumsum(size) - size / 2 < wanted[c]
            nearer[np.flatnonzero(nearer)[len(own) - 1 :]] = False  # the last unit of a class stays
            taken[own[nearer]] = True
        return taken
    found, left = np.zeros(counts.shape[1], np.int64), counts.sum(axis=0)
    weights = 1 / np.maximum(wanted, 1)
    for unit in drawn:
        more = counts[unit]
        nearer = (weights * ((found + more - wanted) ** 2 - (found - wanted) ** 2)).sum() < 0
        if nearer and (left[more > 0] > more[more > 0]).all():
            taken[unit] = True
            found, left = found + more, left - more
    return taken


def _smallest(counts: IntArray, drawn: IntArray) -> Array:
    """Return the smallest unit alone of those that leave each of their classes to the others; none where there is none."""
    taken, left = np.zeros(len(counts), np.bool_), counts.sum(axis=0)
    fits = ((counts == 0) | (counts < left)).all(axis=1)
    able = drawn[fits[drawn]]
    if len(able):
        taken[able[np.argmin(counts[able].sum(axis=1))]] = True
    return taken


def deal_units(units: IntArray, k: int, seed: int, strata: Array | None = None, *, stream: int = 0) -> Folds:
    """Deal units of rows out to k folds; where each row is a unit of its own this is `split_folds`.

    Units of several rows come first, the largest before the smaller ones, each to the fold that has the fewest rows of its
    classes; then single rows as `split_folds` deals them out. Raises SettingsError for fewer units than folds.

    >>> deal_units(np.array([0, 0, 1, 1, 2, 2, 2]), 2, seed=0).own[[0, 2]].tolist() != [0, 0]
    True
    """
    n = len(units)
    _, places, of_row, sizes = np.unique(units, return_index=True, return_inverse=True, return_counts=True)
    if n == 0 or sizes.max() == 1:
        return split_folds(n, k, seed, strata, stream=stream)
    if not 2 <= k <= len(sizes):
        raise SettingsError(
            f"{len(sizes)} units of rows can't be dealt out to {k} folds: there are at least 2, and as many units as folds"
        )
    codes = np.zeros(n, np.int64) if strata is None else strata_codes(strata, n)
    order = drawn_order(n, seed, stream)
    ranks = np.empty(n, np.int64)
    ranks[order] = np.arange(n)
    counts = _counts(of_row, codes, len(sizes))
    share = counts / counts.sum(axis=0)
    filled, rows = np.zeros((k, counts.shape[1])), np.zeros(k)
    fold = np.full(len(sizes), -1, np.int64)
    several = np.flatnonzero(sizes > 1)
    for unit in several[np.lexsort((ranks[places[several]], -sizes[several]))]:
        # What a fold has of the unit's classes, then what it has in all.
        chosen = int(np.lexsort((rows, filled @ share[unit]))[0])
        fold[unit] = chosen
        filled[chosen] += share[unit]
        rows[chosen] += sizes[unit]
    own = fold[of_row]
    single = order[own[order] < 0]
    if len(single):
        single = single[np.argsort(codes[single], kind="stable")]
        own[single] = _filled_up(rows.astype(np.int64), len(single))
    return folds_of(own, k)


def dealt_evenly(units: IntArray, k: int, seed: int, stream: int) -> IntArray:
    """Return the part (n,) of each row where units are dealt out to k: the largest first, each to the part with fewest rows.

    Units of one size come in the order that is drawn. Of fewer units than k each is a part.

    >>> dealt_evenly(np.array([7, 7, 7, 8, 9, 9]), 2, seed=0, stream=0).tolist()
    [0, 0, 0, 1, 1, 1]
    """
    _, of_row, sizes = np.unique(units, return_inverse=True, return_counts=True)
    drawn = drawn_order(len(sizes), seed, stream)
    part = np.empty(len(sizes), np.int64)
    filled = [(0, place) for place in range(k)]
    for unit in drawn[np.argsort(-sizes[drawn], kind="stable")].tolist():
        rows, part[unit] = heappop(filled)
        heappush(filled, (rows + int(sizes[unit]), int(part[unit])))
    return np.asarray(part[of_row])


def _filled_up(rows: IntArray, n: int) -> IntArray:
    """Return the folds of n more rows, one after the other, so that all folds get as many rows as can be."""
    k, total = len(rows), int(rows.sum()) + n
    if rows.max() * k <= total:
        room = np.full(k, total // k) - rows
        room[np.argsort(-room, kind="stable")[: total % k]] += 1
        if (room >= 0).all():
            # Spread evenly over the rows to come, so that each class gets to each fold in the same proportion.
            at = np.concatenate([(np.arange(some) + 0.5) / some if some else np.empty(0) for some in room])
            folds = np.repeat(np.arange(k), room)
            return np.asarray(folds[np.argsort(at, kind="stable")])
    return np.arange(n) % k


def folds_of(own: IntArray, k: int) -> Folds:
    """Return the folds of rows whose fold (n,) is known; a smaller fold's rows are held out again, to be as many.

    So no row of another fold is among them. Raises SettingsError for a fold without rows.
    """
    sizes = np.bincount(own, minlength=k)
    if sizes.min() == 0:
        raise SettingsError(f"there are rows for {np.count_nonzero(sizes)} folds only, not for {k}")
    held = np.stack([np.sort(np.resize(np.flatnonzero(own == fold), sizes.max())) for fold in range(k)])
    return Folds(own, held)


def split_time(times: FloatArray, share: float) -> tuple[IntArray, IntArray]:
    """Divide rows into earlier and later ones, both sorted: no row of the second part is as early as one of the first.

    ``times`` (n,) are numbers without NaN. The cut is where the second part's number of rows is nearest to floor(share n
    + 1/2), at least 1, and between two times; where there is one time only, the second part is empty.

    >>> split_time(np.array([3.0, 1.0, 2.0, 3.0]), 0.25)[1].tolist()
    [0, 3]
    """
    n = len(times)
    first = np.arange(n)
    order = np.argsort(times, kind="stable")
    cuts = np.flatnonzero(np.diff(times[order])) + 1
    if share <= 0 or not len(cuts):
        return first, first[:0]
    later = n - cuts
    cut = cuts[np.argmin(np.abs(later - max(1, np.floor(share * n + 0.5))))]
    return np.sort(order[:cut]), np.sort(order[cut:])


def blocks_of_time(times: FloatArray, k: int) -> list[tuple[IntArray, IntArray]]:
    """Return k pairs of earlier and later rows, sorted: each block of time after the first is tested by all that is before it.

    The k + 1 blocks have about as many rows; rows of one time are in one block. Raises SettingsError for fewer times.

    >>> [(len(train), len(test)) for train, test in blocks_of_time(np.arange(6.0), 2)]
    [(2, 2), (4, 2)]
    """
    order = np.argsort(times, kind="stable")
    known, counts = np.unique(times, return_counts=True)
    if len(known) <= k:
        raise SettingsError(
            f"{k} folds in time need more than {k} different times, and there are {len(known)}"
        )
    ends = np.cumsum(counts)
    block = np.minimum((ends - counts / 2) * (k + 1) // len(times), k).astype(np.int64)
    # With few times some block may be left empty: then times are counted instead of rows.
    if len(np.unique(block)) <= k:
        block = np.arange(len(known)) * (k + 1) // len(known)
    of_row = np.repeat(block, counts)
    return [(np.sort(order[of_row < number]), np.sort(order[of_row == number])) for number in range(1, k + 1)]
