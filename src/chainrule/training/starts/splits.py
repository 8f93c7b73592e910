"""The start of layer 1: some of its neurons begin to bend where small boosted trees divide the member's rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._types import FloatArray, IntArray
from chainrule.engines.base import Data
from chainrule.equations.features import Features
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.training.settings.at_splits import neurons_at_splits
from chainrule.training.settings.recipe import MANY_LEVELS
from chainrule.training.starts.trees import JUMP, SLOPE, Boosted, boosted
from chainrule.training.starts.waves import evenly_taken

MOST_ROWS = 2_000
"""At most this many of a member's rows are looked at, evenly taken."""

LEFT_OUT = 1e-6
"""A number whose scale is no more than this hardly enters layer 1."""

MOST_OTHERS = 200
"""Beside the numbers trees see the other inputs, where there are at most so many of them."""

APART = 0.01
"""Splits of one number lie at least this share of the rows apart."""

STEEPEST, STEEPEST_JUMP = 20.0, 60.0
"""The most that z rises by where its number rises by 1."""

KEPT = 0.3
"""The part of a neuron's drawn weights that is kept beside the one at its number."""


@one_blas_thread()
def on_splits(
    network: Network, start: FloatArray, data: Data, sharing: str, share: float, seed: int
) -> FloatArray:
    """Return the parameters with which a training begins, (k, p), with layer 1's first neurons at splits of the member's rows.

    These are up to ``share`` of the layer's neurons. Of one whose number x is divided at t::

        W[1] = 0.3 of what was drawn, but ±s at x itself        b[1] = -(±s · t)

    (in the parametrization ntk ±s · sqrt(n_in)), so the number's part of z is 0 at the split; ± changes from neuron to neuron,
    and s is such that it rises by 1 from 3 % of the rows below t to 3 % above it, 20 at most; where the target jumps
    (`Boosted.jump`) t is the jump's place, and s such for 0.3 %, 60 at most. Trees are `boosted` on what a linear path leaves
    of the targets (for classes: on what its probabilities leave), by the numbers and, where these are few, the other inputs.
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
        if not len(x) or not np.isfinite(np.sum(y**2)) or not np.isfinite(np.sum(x[:, columns] ** 2)):
            continue
        W, b = parameters[1]["W"][member], parameters[1]["b"][member]
        scales = parameters[0]["s"][member][places] if features.scale else np.ones(len(places))
        ordered = np.sort(x[:, numbers], axis=0)
        trees = boosted(x[:, columns], y, weights, seed=seed, member=member)
        for neuron, (number, threshold, slope) in enumerate(_neurons(trees, ordered, scales, most)):
            sign = 1.0 if neuron % 2 == 0 else -1.0
            W[:, neuron] *= KEPT
            W[places[number], neuron] = sign * slope / (product * scales[number])
            b[neuron] = -sign * slope * threshold
    return made


def _neurons(
    trees: Boosted, ordered: FloatArray, scales: FloatArray, most: int
) -> Iterator[tuple[int, float, float]]:
    """Yield number, threshold and slope of up to ``most`` neurons, by the numbers' values in order (n, G).

    A number that a scaling layer leaves out, by a scale of 0, has none.
    """
    n, numbers = ordered.shape
    taken: list[tuple[int, float]] = []

    def rank_of(column: int, threshold: float) -> float | None:
        """Return the share of the rows below a threshold; None where a neuron is near."""
        rank = float(np.searchsorted(ordered[:, column], threshold)) / n
        return None if any(column == other and abs(rank - at) < APART for other, at in taken) else rank

    for column, threshold, _ in trees.cuts:
        if len(taken) == most:
            return
        if column >= numbers or not scales[column] > LEFT_OUT or rank_of(column, threshold) is None:
            continue
        jump = trees.jump(column, threshold)
        reach, steepest = (SLOPE, STEEPEST) if jump is None else (JUMP, STEEPEST_JUMP)
        place = threshold if jump is None else jump
        rank = rank_of(column, place)
        if rank is None:
            continue
        taken.append((column, rank))
        values = ordered[:, column]
        low, high = (values[min(n - 1, max(0, int(n * at)))] for at in (rank - reach, rank + reach))
        yield column, place, min(steepest, 1 / max(float(high - low), 1e-9))


def _others(features: Features) -> IntArray:
    """Return the inputs that are no embedded numbers, of categories those that aren't wide; none where they are many."""
    kept = features.column_map.is_number == 0
    for columns in features.column_map.levels:
        if columns.stop - columns.start >= MANY_LEVELS:
            kept[columns] = False
    found = np.flatnonzero(kept)
    return found if len(found) <= MOST_OTHERS else found[:0]
