"""Small boosted trees: where they divide the rows, and whether the target slopes there or jumps."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from chainrule._random import Purpose, random_words
from chainrule._types import FloatArray, IntArray

ROUNDS, RATE = 80, 0.15
"""So many trees, one after the other, each taking this part of what it explains off what is left."""

ROWS, COLUMNS = 0.7, 0.5
"""The share of the rows that a tree sees, and of the columns where there are more than `FEW`."""

FEW = 8

DRAWN = 8
"""Rows and columns are drawn for so many trees together."""

FEWEST = 10
"""Each side of a split has at least so many of the tree's rows."""

BINS = 128
"""A column's values are told apart by at most so many less one thresholds."""

ROUNDING = 1e-9
"""What a split takes off the squares is more than this share of them, or it is none; no line leaves less of them."""

SLOPE, JUMP = 0.03, 0.003
"""The share of the rows, on both sides of a split, within which the target changes there: by a slope, or by a jump."""

CHANCE = 0.01
"""A jump is one where a slope is less than this times as likely."""

BESIDE, DIFFERENT = 40, 10
"""Fewer rows beside a split tell no jump, nor do fewer different values."""

BIN, KNOWN = 0.008, 0.006
"""Within which share of the rows of a threshold, which is known to a bin, places of a change are tried, and found."""


class Cut(NamedTuple):
    """Where a column is divided, and the ``gain``: what the splits there would each take off the squares of their tree's rows."""

    column: int
    threshold: float
    gain: float


class _Binned(NamedTuple):
    """Columns as numbers of bins: ``codes`` (n, d), each column's from `BINS` times its place on, and the thresholds between."""

    codes: IntArray
    thresholds: list[FloatArray]


class _Split(NamedTuple):
    """A column, the bin after which it is divided, and the rows on both sides: all, and those that the tree has seen."""

    column: int
    after: int
    sides: tuple[IntArray, IntArray]
    seen: tuple[IntArray, IntArray]


class Boosted(NamedTuple):
    """Trees of two levels, each fitted to what those before it leave of a target; see `boosted`.

    ``target`` (n, n_out) is the one they were fitted to, less its mean and by its deviation, ``weights`` (n,) have the mean 1.
    A tree t divides by ``columns`` (t, 3), after ``bins`` (t, 3): at the root, then what lies below and above; its leaves
    answer ``values`` (t, 4, n_out), from below to above. A place where nothing is divided has a bin that no code is beyond.
    """

    x: FloatArray
    target: FloatArray
    weights: FloatArray
    binned: _Binned
    cuts: list[Cut]
    columns: IntArray
    bins: IntArray
    values: FloatArray

    def answers(self, codes: IntArray) -> FloatArray:
        """Return what all trees together answer for rows by their bins (r, d): (r, n_out)."""
        beyond = codes[:, self.columns] > self.bins + BINS * self.columns
        below = np.where(beyond[..., 1], 1, 0)
        leaf = np.where(beyond[..., 0], np.where(beyond[..., 2], 3, 2), below)
        found: FloatArray = self.values[np.arange(len(self.values)), leaf].sum(axis=1)
        return found

    def jump(self, column: int, threshold: float) -> float | None:
        """Return where the target jumps at a split; None where a slope says as much of it.

        Of the rows within twice `SLOPE` of the threshold, by their rank in the column, the target is taken less what the
        trees answer with the column held right below it: what is left is what the column does there. Two broken lines are
        fitted by least squares, level but for a rise around a place between two values near the threshold: within `SLOPE` of
        it on both sides, or within `JUMP`, each with the place and the rise that suit it best. With errors that are normal,
        the logarithm of how often more likely the steeper is than the other is r/2 · ln(their sums of squares, by each other);
        r are the rows, of weights w (Σw)²/Σw² (Kish, "Survey sampling", 1965). It has to be more than 1/`CHANCE` times as
        likely, and its place has to lie within `KNOWN` of the threshold.
        """
        values = self.x[:, column]
        ordered, n = np.sort(values), len(values)
        ranks = (np.searchsorted(ordered, values) + np.searchsorted(ordered, values, "right")) / (2 * n)
        at = int(np.searchsorted(ordered, threshold))
        rows = np.flatnonzero(np.abs(ranks - at / n) <= 2 * SLOPE)
        if len(rows) < BESIDE or len(np.unique(ranks[rows])) < DIFFERENT:
            return None
        near = np.arange(max(1, math.ceil(at - BIN * n)), min(n - 1, math.floor(at + BIN * n)) + 1)
        places = near[ordered[near - 1] < ordered[near]]  # so many rows lie below
        # Of places that are as good the nearest.
        places = places[np.argsort(np.abs(places - at), kind="stable")]
        codes = self.binned.codes[rows]
        codes[:, column] = BINS * column + np.searchsorted(self.binned.thresholds[column], threshold)
        w = self.weights[rows]
        left = self.target[rows] - self.answers(codes)
        left -= w @ left / w.sum()
        by_slope, _ = _rise(ranks[rows], left, w, places / n, SLOPE)
        by_jump, best = _rise(ranks[rows], left, w, places / n, JUMP)
        least = max(ROUNDING * float(np.sum(left**2 * w[:, None])), 1e-300)
        odds = w.sum() ** 2 / np.sum(w**2) / 2 * math.log(max(by_slope, least) / max(by_jump, least))
        place = int(places[best])
        if not odds > -math.log(CHANCE) or abs(place - at) > KNOWN * n:
            return None
        return float(ordered[place - 1] + (ordered[place] - ordered[place - 1]) / 2)


def _rise(
    ranks: FloatArray, left: FloatArray, w: FloatArray, places: FloatArray, reach: float
) -> tuple[float, int]:
    """Return the squares that a rise within ``reach`` of one of the ``places`` leaves of ``left`` (r, n_out), and which it is.

    The mean of ``left`` by the weights is 0.
    """
    rise = np.clip((ranks - places[:, None]) / (2 * reach) + 0.5, 0.0, 1.0)
    rise -= (rise @ w / w.sum())[:, None]
    squares = rise**2 @ w
    told = squares > ROUNDING * w.sum()  # not all rows on one side
    explained = np.where(told, np.sum(((rise * w) @ left) ** 2, axis=1) / np.where(told, squares, 1.0), 0.0)
    best = int(np.argmax(explained > (1 - ROUNDING) * explained.max()))
    return float(np.sum(left**2 * w[:, None]) - explained[best]), best


def boosted(
    x: FloatArray, y: FloatArray, weights: FloatArray | None = None, *, seed: int = 0, member: int = 0
) -> Boosted:
    """Return trees on ``x`` (n, d) that tell ``y`` (n, n_out).

    Trees of two levels are fitted to what those before them leave, each by a share of the rows and columns that Philox draws
    by ``seed`` and ``member``; a split makes the (by ``weights`` (n,) weighted) squares around the two means least.
    Of fewer than four times `FEWEST` rows there are none.
    Source: Friedman, "Greedy function approximation: a gradient boosting machine", 2001, with subsamples (2002).
    """
    n, d = x.shape
    w = np.ones(n)
    if weights is not None:
        w = weights / weights.max()
        w /= w.mean()
    target = y - np.average(y, axis=0, weights=w)
    size = np.sqrt(np.average(target**2, weights=w, axis=0))
    target = target / np.where(size > 0, size, 1.0)
    grower = _Grower(_in_bins(x), target.copy(), None if weights is None else w)
    for turn in range(ROUNDS if n >= 4 * FEWEST else 0):
        if turn % DRAWN == 0:
            turns = np.arange(turn, turn + DRAWN)
            drawn = random_words(seed, Purpose.SPLITS, 0, turns, member, (n + d + 3) // 4)
        words = drawn[turn % DRAWN]
        picked = np.flatnonzero(words[:n] < ROWS * 2**32)
        columns = np.arange(d) if d <= FEW else np.sort(np.argsort(words[n : n + d])[: round(COLUMNS * d)])
        if not grower.grow(picked, columns) and len(columns) == d:
            break
    return grower.grown(x, target, w)


def _in_bins(x: FloatArray) -> _Binned:
    codes, thresholds = np.empty(x.shape, np.int64), []
    for j, column in enumerate(x.T):
        values = np.unique(column)
        if len(values) > BINS:
            values = np.unique(np.quantile(column, np.linspace(0, 1, BINS), method="nearest"))
        between = values[:-1] + (values[1:] - values[:-1]) / 2
        thresholds.append(between)
        codes[:, j] = np.searchsorted(between, column) + BINS * j
    return _Binned(codes, thresholds)


class _Grower:
    """Grows trees one after the other on what is ``left`` (n, n_out); without weights ``w`` (n,) rows count alike."""

    def __init__(self, binned: _Binned, left: FloatArray, w: FloatArray | None) -> None:
        self._binned = binned
        self._left = left
        self._w = w
        self._gains: dict[tuple[int, int], float] = {}
        self._columns: list[list[int]] = []
        self._bins: list[list[int]] = []
        self._values: list[FloatArray] = []

    def grown(self, x: FloatArray, target: FloatArray, w: FloatArray) -> Boosted:
        """Return all trees."""
        found = [
            Cut(column, float(self._binned.thresholds[column][after]), gain)
            for (column, after), gain in self._gains.items()
        ]
        found.sort(key=lambda cut: (-cut.gain, cut.column, cut.threshold))
        return Boosted(
            x, target, w, self._binned, found,
            np.array(self._columns, np.int64).reshape(-1, 3), np.array(self._bins, np.int64).reshape(-1, 3),
            np.array(self._values, np.float64).reshape(-1, 4, target.shape[1]),
        )  # fmt: skip

    def grow(self, picked: IntArray, columns: IntArray) -> bool:
        """Fit a tree of two levels by the rows ``picked``, and take its share off what is left; False where none divides them."""
        whole = self._sums(picked, columns)
        root = self._divided(np.arange(len(self._left)), picked, columns, whole)
        if root is None:
            return False
        # What both sides have together is known: only the smaller one is added up.
        small = 0 if len(root.seen[0]) <= len(root.seen[1]) else 1
        few = self._sums(root.seen[small], columns)
        splits: list[_Split | None] = [root]
        leaves: list[tuple[IntArray, IntArray]] = []
        for side, (own, seen) in enumerate(zip(root.sides, root.seen, strict=True)):
            split = self._divided(own, seen, columns, few if side == small else whole - few)
            splits.append(split)
            # Where nothing is divided there is one leaf, and a second that no row reaches.
            halves = ((own, own[:0]), (seen, seen)) if split is None else (split.sides, split.seen)
            leaves += zip(*halves, strict=True)
        values = np.stack([RATE * self._mean(seen) for _, seen in leaves])
        for (own, _), value in zip(leaves, values, strict=True):
            self._left[own] -= value
        self._columns.append([0 if one is None else one.column for one in splits])
        self._bins.append([BINS if one is None else one.after for one in splits])
        self._values.append(values)
        return True

    def _mean(self, rows: IntArray) -> FloatArray:
        """Return what is left on average (n_out,)."""
        left = self._left[rows]
        if self._w is None:
            return np.asarray(left.sum(axis=0) / len(rows))
        return np.asarray((left * self._w[rows, None]).sum(axis=0) / self._w[rows].sum())

    def _sums(self, rows: IntArray, columns: IntArray) -> FloatArray:
        """Return sums over ``rows`` up to each bin, (2 + n_out + 1, columns, bins): of rows, weights, targets, and their squares.

        Without weights these count as the rows do.
        """
        left, w = self._left, self._w
        flat, length = self._binned.codes[rows], len(self._binned.thresholds) * BINS
        flat = (flat[:, columns] if len(columns) < flat.shape[1] else flat).ravel()

        def summed(of_rows: FloatArray | None) -> FloatArray:
            repeated = None if of_rows is None else np.repeat(of_rows, len(columns))
            every = np.bincount(flat, repeated, length).reshape(-1, BINS)[columns]
            return np.cumsum(every, axis=1, dtype=np.float64)

        counts = summed(None)
        of_rows = left[rows] if w is None else left[rows] * w[rows, None]
        squares = np.full(counts.shape, float(np.sum(of_rows * left[rows])))
        weight = counts if w is None else summed(w[rows])
        return np.stack([counts, weight, *(summed(target) for target in of_rows.T), squares])

    def _divided(self, rows: IntArray, seen: IntArray, columns: IntArray, sums: FloatArray) -> _Split | None:
        """Return the best split of ``rows``, and of those ``seen``, by these ones' ``sums``; None where nothing is gained."""
        counts = sums[0]
        allowed = (counts >= FEWEST) & (counts <= counts[0, -1] - FEWEST)
        # Of thresholds that divide the rows seen alike the first is meant, whatever rounding makes of their gains.
        allowed[:, 1:] &= counts[:, 1:] > counts[:, :-1]
        if self._w is not None:
            allowed &= (sums[1] > 0) & (sums[1] < sums[1][:, -1:])
        place, after = np.nonzero(allowed)
        if not len(place):
            return None
        (_, below, *targets, squares), (_, weight, *ends, _) = sums[:, place, after], sums[:, place, -1]
        above = weight - below
        gain = np.zeros(len(place))
        for s, end in zip(targets, ends, strict=True):
            gain += s**2 / below + (end - s) ** 2 / above - end**2 / weight
        at = int(np.argmax(gain))
        best = float(gain[at])
        if not best > ROUNDING * float(squares[0]):
            return None
        key = int(columns[place[at]]), int(after[at])
        self._gains[key] = self._gains.get(key, 0.0) + best
        codes = self._binned.codes[:, key[0]] > key[1] + BINS * key[0]
        sides = (rows[~codes[rows]], rows[codes[rows]])
        return _Split(*key, sides, (seen[~codes[seen]], seen[codes[seen]]))
