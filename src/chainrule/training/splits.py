"""The start of layer 1: some of its neurons begin to bend where small boosted trees divide the member's rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._random import Purpose, random_words
from chainrule._types import FloatArray, IntArray
from chainrule.engines.base import Data
from chainrule.equations.features import Features
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.training.settings.at_splits import neurons_at_splits
from chainrule.training.settings.recipe import MANY_LEVELS
from chainrule.training.waves import evenly_taken

ROUNDS, RATE = 80, 0.15
"""So many trees, one after the other, each taking this part of what it explains off what is left."""

ROWS, COLUMNS = 0.7, 0.5
"""The share of the rows that a tree sees, and of the columns where there are more than `FEW`."""

FEW = 8

MOST_ROWS = 2_000
"""At most this many of a member's rows are looked at, evenly taken."""

FEWEST = 10
"""Each side of a split has at least so many of the tree's rows."""

BINS = 128
"""A column's values are told apart by at most so many less one thresholds."""

LEFT_OUT = 1e-6
"""A number whose scale is no more than this hardly enters layer 1."""

ROUNDING = 1e-9
"""What a split takes off the squares is more than this share of them, or it is none."""

MOST_OTHERS = 200
"""Beside the numbers trees see the other inputs, where there are at most so many of them."""

APART, REACH = 0.01, 0.03
"""Splits of one number lie at least this share of the rows apart; a neuron's z goes through 1 within twice this share of them."""

STEEPEST = 20.0
"""The most that z rises by where its number rises by 1."""

KEPT = 0.3
"""The part of a neuron's drawn weights that is kept beside the one at its number."""


class Cut(NamedTuple):
    """Where a column is divided, and the ``gain``: what the splits there would each take off the squares of their tree's rows."""

    column: int
    threshold: float
    gain: float


class _Binned(NamedTuple):
    """Columns as numbers of bins: ``codes`` (n, d), each column's from `BINS` times its place on, and the thresholds between."""

    codes: IntArray
    thresholds: list[FloatArray]


def cuts(
    x: FloatArray, y: FloatArray, weights: FloatArray | None = None, *, seed: int = 0, member: int = 0
) -> list[Cut]:
    """Return where trees on ``x`` (n, d) divide the rows to tell ``y`` (n, n_out), the most helpful first.

    Trees of two levels are fitted to what those before them leave, each by a share of the rows and columns that Philox draws
    by ``seed`` and ``member``; a split makes the (by ``weights`` (n,) weighted) squares around the two means least. Splits at
    one threshold of a column count together.
    Source: Friedman, "Greedy function approximation: a gradient boosting machine", 2001, with subsamples (2002).
    """
    n, d = x.shape
    if n < 4 * FEWEST:
        return []
    binned = _in_bins(x)
    w = np.ones(n)
    if weights is not None:
        w = weights / weights.max()
        w /= w.mean()
    left = y - np.average(y, axis=0, weights=w)
    size = np.sqrt(np.average(left**2, weights=w, axis=0))
    left = left / np.where(size > 0, size, 1.0)
    gains: dict[tuple[int, int], float] = {}
    for turn in range(ROUNDS):
        words = random_words(seed, Purpose.SPLITS, 0, turn, member, (n + d + 3) // 4)
        picked = np.flatnonzero(words[:n] < ROWS * 2**32)
        columns = np.arange(d) if d <= FEW else np.sort(np.argsort(words[n : n + d])[: round(COLUMNS * d)])
        parts = _tree(binned, left, None if weights is None else w, picked, columns, gains)
        if len(parts) == 1 and len(columns) == d:
            break
        if len(parts) == 1:
            continue  # none of the columns drawn divides these rows
        for own in parts:
            seen = own[words[own] < ROWS * 2**32]
            left[own] -= RATE * np.average(left[seen], axis=0, weights=w[seen])
    found = [
        Cut(column, float(binned.thresholds[column][after]), gain) for (column, after), gain in gains.items()
    ]
    return sorted(found, key=lambda cut: (-cut.gain, cut.column, cut.threshold))


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


def _tree(
    binned: _Binned,
    left: FloatArray,
    w: FloatArray | None,
    picked: IntArray,
    columns: IntArray,
    gains: dict[tuple[int, int], float],
) -> list[IntArray]:
    """Return the rows of each leaf of a tree of two levels fitted to the rows ``picked``, and add its gains to ``gains``."""
    whole = _sums(binned, left, w, picked, columns)
    parts: list[IntArray] = [np.arange(len(left))]
    first = _divided(binned, parts[0], picked, columns, whole, gains)
    if first is None:
        return parts
    (below, above), (seen_below, seen_above) = first
    # What both sides have together is known: only the smaller one is added up.
    few_below = len(seen_below) <= len(seen_above)
    few = _sums(binned, left, w, seen_below if few_below else seen_above, columns)
    parts = []
    for own, seen, small in ((below, seen_below, few_below), (above, seen_above, not few_below)):
        again = _divided(binned, own, seen, columns, few if small else whole - few, gains)
        parts += [own] if again is None else again[0]
    return parts


def _sums(
    binned: _Binned, left: FloatArray, w: FloatArray | None, rows: IntArray, columns: IntArray
) -> FloatArray:
    """Return sums over ``rows`` up to each bin, (2 + n_out + 1, columns, bins): of rows, weights, targets, and their squares.

    Without weights these count as the rows do.
    """
    flat, length = binned.codes[rows], len(binned.thresholds) * BINS
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


def _divided(
    binned: _Binned,
    rows: IntArray,
    seen: IntArray,
    columns: IntArray,
    sums: FloatArray,
    gains: dict[tuple[int, int], float],
) -> tuple[list[IntArray], list[IntArray]] | None:
    """Return ``rows``, and those ``seen``, on both sides of the best split by their ``sums``; None where nothing is gained."""
    counts, weight, *targets, squares = sums
    allowed = (counts >= FEWEST) & (counts[:, -1:] - counts >= FEWEST)
    allowed &= (weight > 0) & (weight < weight[:, -1:])
    # Of thresholds that divide the rows seen alike the first is meant, whatever rounding makes of their gains.
    allowed &= np.diff(counts, axis=1, prepend=0.0) > 0
    if not allowed.any():
        return None
    below, above = (np.where(allowed, part, 1.0) for part in (weight, weight[:, -1:] - weight))
    gain = np.zeros(counts.shape)
    for s in targets:
        gain += s**2 / below + (s[:, -1:] - s) ** 2 / above - s[:, -1:] ** 2 / weight[:, -1:]
    gain = np.where(allowed, gain, 0.0)
    place, after = np.unravel_index(int(np.argmax(gain)), gain.shape)
    best = float(gain[place, after])
    if not best > ROUNDING * float(squares[0, 0]):
        return None
    key = int(columns[place]), int(after)
    gains[key] = gains.get(key, 0.0) + best
    codes = binned.codes[:, key[0]] > key[1] + BINS * key[0]
    return [rows[~codes[rows]], rows[codes[rows]]], [seen[~codes[seen]], seen[codes[seen]]]


@one_blas_thread()
def on_splits(
    network: Network, start: FloatArray, data: Data, sharing: str, share: float, seed: int
) -> FloatArray:
    """Return the parameters with which a training begins, (k, p), with layer 1's first neurons at the member's `cuts`.

    These are up to ``share`` of the layer's neurons. Of one whose number x is divided at t::

        W[1] = 0.3 of what was drawn, but ±s at x itself        b[1] = -(±s · t)

    (in the parametrization ntk ±s · sqrt(n_in)), so the number's part of z is 0 at the split; ± changes from neuron to neuron,
    and s is such that it rises by 1 from 3 % of the rows below t to 3 % above it, 20 at most. Trees are of what a linear path
    leaves of the targets (for classes: of what its probabilities leave), on the numbers and, where these are few, the other
    inputs.
    A scaling layer's s is divided out of W. Nothing is changed where `why_no_splits` has a reason.
    Sources: Friedman, "Multivariate adaptive regression splines", 1991; Humbird, Peterson & McClarren, "Deep neural network
    initialization with decision trees", 2019.
    """
    features, first, output = network.features, network.layers[0], network.output
    most = neurons_at_splits(network, share, sharing)
    if not most or features is None:
        return start
    made = start.copy()
    parameters = Layout(network).unflatten(made)
    numbers, others = features.column_map.numbers, _others(features)
    columns = np.concatenate([numbers, others])
    copies = features.column_map.copies
    places = [copies[column] for column in numbers.tolist()]
    lines, product = np.atleast_2d(data.train), first.scale(len(parameters[1]["W"][0]))
    for member in range(len(made)):
        rows = evenly_taken(lines[member if len(lines) > 1 else 0], MOST_ROWS)
        x = np.asarray(data.x[rows], np.float64)
        y = np.asarray(data.y[rows], np.float64)
        last = {name: array[member] for name, array in parameters[len(network.layers)].items()}
        if "S" in last:
            y = y - output.activation(x @ last["S"] + last.get("b", 0.0), np)
        weights = None if data.weights is None else np.asarray(data.weights[rows], np.float64)
        if weights is not None:
            x, y, weights = x[weights > 0], y[weights > 0], weights[weights > 0]
        if not np.isfinite(np.sum(y**2)) or not np.isfinite(np.sum(x[:, columns] ** 2)):
            continue
        W, b = parameters[1]["W"][member], parameters[1]["b"][member]
        scales = parameters[0]["s"][member][places] if features.scale else np.ones(len(places))
        ordered = np.sort(x[:, numbers], axis=0)
        found = cuts(x[:, columns], y, weights, seed=seed, member=member)
        for neuron, (number, threshold, slope) in enumerate(_neurons(found, ordered, scales, most)):
            sign = 1.0 if neuron % 2 == 0 else -1.0
            W[:, neuron] *= KEPT
            W[places[number], neuron] = sign * slope / (product * scales[number])
            b[neuron] = -sign * slope * threshold
    return made


def _neurons(
    found: list[Cut], ordered: FloatArray, scales: FloatArray, most: int
) -> Iterator[tuple[int, float, float]]:
    """Yield number, threshold and slope of up to ``most`` neurons, by the numbers' values in order (n, G).

    A number that a scaling layer leaves out, by a scale of 0, has none.
    """
    n, numbers = ordered.shape
    taken: list[tuple[int, float]] = []
    for column, threshold, _ in found:
        if column >= numbers or not scales[column] > LEFT_OUT:
            continue
        values = ordered[:, column]
        rank = float(np.searchsorted(values, threshold)) / n
        if any(column == other and abs(rank - at) < APART for other, at in taken):
            continue
        taken.append((column, rank))
        low, high = (values[min(n - 1, max(0, int(n * place)))] for place in (rank - REACH, rank + REACH))
        yield column, threshold, min(STEEPEST, 1 / max(float(high - low), 1e-9))
        if len(taken) == most:
            return


def _others(features: Features) -> IntArray:
    """Return the inputs that are no embedded numbers, of categories those that aren't wide; none where they are many."""
    kept = features.column_map.is_number == 0
    for columns in features.column_map.levels:
        if columns.stop - columns.start >= MANY_LEVELS:
            kept[columns] = False
    found = np.flatnonzero(kept)
    return found if len(found) <= MOST_OTHERS else found[:0]
