"""The start of periodic embeddings: cosines of the frequencies that the target is seen to swing with."""

from __future__ import annotations

import math
import threading

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._types import FloatArray, IntArray
from chainrule.engines.base import Data
from chainrule.engines.threads import on_threads, thread_count
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network

MOST_SWINGS = 128
"""The most half periods from a number's lowest to its highest value."""

MOST_ROWS = 4_000
"""At most this many of a member's rows are looked at, evenly taken."""

CHANCE = 0.01
"""How often chance alone may give a number such a cosine."""

BEYOND = 3.0
"""Frequencies up to so many of their standard deviations are there by chance anyway."""


SPANS = (1e-30, 1e30)
"""From the lowest to the highest value a number's range has to be between these: beyond, frequencies have no place in float32."""


def swings(
    x: FloatArray, y: FloatArray, most: int, weights: FloatArray | None = None
) -> list[tuple[float, float]]:
    """Return frequency and phase of up to ``most`` cosines of ``x`` (n,) that tell of ``y`` (n, n_out), the best first.

    Of the frequencies j/(2 · range of x), j = 1, 2, … (fewer than the different values of x, at most `MOST_SWINGS`), the
    cosine and sine are taken that explain most of what is left of y; what is left is then y without all that were taken, a
    constant and x, by least squares. It ends where the share R² that they explain could be by chance: of J frequencies, with
    the explained share of one known to be distributed as a beta, J · n_out · (1 - R²)^((n - 3)/2) > `CHANCE`. All sums are
    weighted by ``weights`` (n,) of the rows, if given. Rows of one value of x are taken together, with their weights' sum and
    their mean y: around that no function of x explains anything.
    Sources: Pati, Rezaiifar & Krishnaprasad, "Orthogonal matching pursuit", 1993; Scargle, "Studies in astronomical
    time series analysis II", 1982.
    """
    w = np.ones(len(x)) if weights is None else weights / (weights.max(initial=0.0) or 1.0)
    x, y, w = x[w > 0], y[w > 0], w[w > 0]
    n, (values, place) = len(x), np.unique(x, return_inverse=True)
    different = len(values)
    low, high = (float(x.min()), float(x.max())) if n else (0.0, 0.0)
    count = min(MOST_SWINGS, different - 1)
    with np.errstate(over="ignore"):
        of_normal_size = SPANS[0] < high - low < SPANS[1] and np.isfinite(np.sum(y**2))
    if n < 20 or count < 3 or not of_normal_size:
        return []
    within = np.zeros(y.shape[1])
    if different < n:
        of_rows, w = w[:, None], np.bincount(place, w)
        means = np.stack([np.bincount(place, target) for target in (y * of_rows).T], axis=1) / w[:, None]
        within = np.sum(of_rows * (y - means[place]) ** 2, axis=0)
        x, y = values, means
    root = np.sqrt(w)
    frequencies = np.arange(1, count + 1) / (2 * (high - low))
    # Powers of one turn, for cosines of their own would take most of the time.
    turns = np.cumprod(np.repeat(np.exp(2j * math.pi * frequencies[0] * x)[None], count, axis=0), axis=0)
    waves = np.stack([turns.real, turns.imag])
    waves -= np.average(waves, axis=2, weights=w, keepdims=True)
    waves *= root
    squares = np.stack([[np.vecdot(one, other) for other in waves] for one in waves]).transpose(2, 0, 1)
    inverse = np.linalg.pinv(squares, hermitian=True)
    taken: list[FloatArray] = [root, x * root]
    found: list[tuple[float, float]] = []
    left, y = (y - np.average(y, axis=0, weights=w)) * root[:, None], y * root[:, None]
    spread = np.sum(left**2, axis=0) + within
    while len(found) < most:
        basis = np.stack(taken, axis=1)
        solution = np.linalg.lstsq(basis, y, rcond=None)[0]
        left = y - basis @ solution
        total = np.sum(left**2, axis=0) + within
        if not (total > 1e-9 * spread).any():
            break
        along = np.stack([one @ left for one in waves], axis=-1)
        shares = np.sum((along @ inverse) * along, axis=-1) / np.maximum(total, 1e-300)
        shares[:, total <= 1e-9 * spread] = 0.0
        best, output = np.unravel_index(int(np.argmax(shares)), shares.shape)
        share = min(float(shares[best, output]), 1 - 1e-12)
        if math.log(count * y.shape[1]) + (n - 3) / 2 * math.log1p(-share) > math.log(CHANCE):
            break
        a, b = inverse[best] @ along[best, output]
        found.append((float(frequencies[best]), float(math.atan2(-b, a))))
        taken += list(waves[:, best])
    return found


def summed(
    x: FloatArray, y: FloatArray, found: list[tuple[float, float]], weights: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return V (m, n_out) and c (n_out,) with which m cosines of ``x`` (n,) add up to what they tell of ``y`` (n, n_out).

    That is their part of the least-squares solution with a constant and x, of mean 0 and standard deviation 1 over the rows.
    """
    share = np.full(len(x), 1 / len(x)) if weights is None else weights / weights.sum()
    root = np.sqrt(share)[:, None]
    cosines = np.stack([np.cos(2 * math.pi * f * x + phi) for f, phi in found], axis=1)
    basis = np.concatenate([np.ones((len(x), 1)), x[:, None], cosines], axis=1)
    V = np.linalg.lstsq(basis * root, y * root, rcond=None)[0][2:]
    mean = share @ (cosines @ V)
    size = np.sqrt(share @ (cosines @ V - mean) ** 2)
    size[size == 0] = 1.0
    return V / size, -mean / size


def evenly_taken(rows: IntArray, most: int) -> IntArray:
    """Return rows, or so many of them, evenly taken."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.int64)]


@one_blas_thread()
def on_waves(network: Network, start: FloatArray, data: Data, sharing: str = "none") -> FloatArray:
    """Return the parameters with which a training begins, (k, p), with some cosines of the embedded numbers by the rows.

    Of a number's K cosines up to 3/4 K take frequency and phase of `swings` on the member's own training rows, as far as
    these are beyond those that chance gives, 3 of their standard deviations. Where the output is linear, the number's first
    sum (of several targets the first ones) begins with what these cosines add up to, `summed`. Nothing is changed without
    embedded numbers, nor of members that share.
    """
    features = network.features
    if features is None or not features.columns_of("number") or sharing != "none":
        return start
    lines = np.atleast_2d(data.train)
    made = start.copy()
    own, columns = Layout(network).unflatten(made)[0], features.column_map.numbers
    K = features.waves
    sums = features.width if network.output.activation.name == "identity" else 0
    blocks = []
    for rows in lines:
        some = evenly_taken(rows, MOST_ROWS)
        weights = None if data.weights is None else np.asarray(data.weights[some], np.float64)
        blocks.append(
            (np.asarray(data.x[some], np.float64)[:, columns], np.asarray(data.y[some], np.float64), weights)
        )
    threads, stopped = min(len(lines), thread_count(None)), threading.Event()

    def fit_lines(first: int) -> None:
        for line in range(first, len(lines), threads):
            x, y, weights = blocks[line]
            of_line = [line] if len(lines) > 1 else slice(None)
            for number, found in enumerate(_of_numbers(x, y, 3 * K // 4, weights, stopped)):
                fast = [one for one in found if one[0] > BEYOND * features.std]
                if fast and sums:
                    V, c = (each[..., :sums] for each in summed(x[:, number], y, fast, weights))
                    own["V"][of_line, number, :, : len(c)] = 0.0
                    own["V"][of_line, number, K - len(fast) :, : len(c)] = V[::-1]
                    own["c"][of_line, number, : len(c)] = c
                for place, (frequency, phase) in enumerate(fast):
                    own["f"][of_line, number, K - 1 - place] = frequency
                    own["phi"][of_line, number, K - 1 - place] = phase

    # Each member's part is its own, so it doesn't matter which thread makes it.
    on_threads(threads, fit_lines, stopped.set)
    return made


def _of_numbers(
    x: FloatArray,
    y: FloatArray,
    most: int,
    weights: FloatArray | None = None,
    stopped: threading.Event | None = None,
) -> list[list[tuple[float, float]]]:
    """Return the swings of each number of ``x`` (n, G), of what the others' swings and all numbers leave of y.

    Once ``stopped`` is set none are looked for any more.
    """

    def swings_of(column: FloatArray, target: FloatArray) -> list[tuple[float, float]]:
        return [] if stopped is not None and stopped.is_set() else swings(column, target, most, weights)

    found = [swings_of(column, y) for column in x.T]
    if len(found) < 2 or not any(found):
        return found
    parts = [
        np.stack([column, *(np.cos(2 * math.pi * f * column + phi) for f, phi in own)], axis=1)
        for column, own in zip(x.T, found, strict=True)
    ]
    basis = np.concatenate([np.ones((len(x), 1)), *parts], axis=1)
    if basis.shape[1] > len(x) // 2:
        return found
    root = 1.0 if weights is None else np.sqrt(weights)[:, None]
    solution = np.linalg.lstsq(basis * root, y * root, rcond=None)[0]
    left = y - basis @ solution
    ends = 1 + np.cumsum([part.shape[1] for part in parts])
    again = []
    for column, part, end in zip(x.T, parts, ends, strict=True):
        own = left + part @ solution[end - part.shape[1] : end]
        again.append(swings_of(column, own))
    return again
