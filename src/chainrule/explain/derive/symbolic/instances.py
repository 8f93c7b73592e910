"""Statements in indexed symbols put to the test: both sides worked out on random networks, for all layers and neurons."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.equations.losses import Loss
from chainrule.equations.network import Network
from chainrule.explain.derive.lines import Instances, Range, Statement
from chainrule.explain.derive.symbolic.interpreter import Instance, Interpreter, Misfit, Passed, along
from chainrule.explain.derive.symbolic.letters import Letters
from chainrule.formula.nodes import SumOver, nodes_in

TOLERANCE = 1e-12
"""How far the sides of a statement may differ, as a share of 1 and their size."""

NETWORKS, ROWS, TRIES = 5, 3, 50

SIZES = (2, 3, 4, 5)
"""The numbers of neurons, of neighbors never the same: a wrong index or a missing transpose then fits no array."""


def instances(
    network_of: Callable[[Sequence[int]], Network], layers: int, seed: int = 0
) -> Iterator[Instance]:
    """Yield `NETWORKS` networks of so many layers, the inputs among them; ``network_of`` makes one of its sizes."""
    rng = np.random.default_rng(seed)
    for _ in range(NETWORKS):
        sizes = [int(rng.choice(SIZES))]
        while len(sizes) < layers:
            sizes.append(int(rng.choice([size for size in SIZES if size != sizes[-1]])))
        network = network_of(sizes)
        for _ in range(TRIES):
            made = _instance(network, rng)
            if made is not None:
                yield made
                break


def _instance(network: Network, rng: np.random.Generator) -> Instance | None:
    """Return random numbers for a network; None where its cost has no finite value at them."""
    p = {
        number: {name: rng.normal(size=shape) * 0.7 for name, shape in shapes.items()}
        for number, shapes in network.shapes().items()
    }
    x = rng.normal(size=(ROWS, network.n_inputs))
    y = _targets(network.loss, rng, (ROWS, network.output.n_out))
    found = [_run(network, p, x[row : row + 1], y[row : row + 1]) for row in range(ROWS)]
    # The engine has 0 log a = 0 even where log a is no number; a formula hasn't.
    loss, a = network.loss, np.concatenate([run.record.a for run in found])
    terms = loss.formula.evaluate_like({"a": a, "y": y, **loss.parameters}, a, np)
    if not np.isfinite(terms).all():
        return None
    if not all(math.isfinite(run.gradients.cost) and np.isfinite(run.gradients.x).all() for run in found):
        return None
    return Instance(network, p, y[0], tuple(found), _run(network, p, x, y))


def instance_of(network: Network, p: Any, x: Any, y: Any) -> Instance:
    """Return a network's own numbers: parameters ``p`` by layer, rows ``x`` (n, d) with targets ``y`` (n, n_out)."""
    rows = tuple(_run(network, p, x[row : row + 1], y[row : row + 1]) for row in range(len(x)))
    return Instance(network, p, y[0], rows, _run(network, p, x, y))


def _run(network: Network, p: Any, x: Any, y: Any) -> Passed:
    record = network.forward(p, x, np)
    return Passed(record, network.backward(p, record, y, np))


def _targets(loss: Loss, rng: np.random.Generator, shape: tuple[int, int]) -> Any:
    match loss.targets:
        case "one_hot":
            return np.eye(shape[1])[rng.integers(0, shape[1], shape[0])]
        case "zero_one":
            return rng.integers(0, 2, shape).astype(float)
        case "nonnegative":
            return rng.poisson(2.0, shape).astype(float)
    return rng.normal(size=shape)


def tried(statement: Statement, letters: Letters, made: Sequence[Instance], *, of_batch: bool) -> Instances:
    """Return how a statement did on networks: every layer and every neuron in its ranges is an instance."""
    count = wrong = 0
    worst = 0.0
    for each in made:
        reading = Interpreter(letters, each, of_batch)
        for at, axes in _places(statement, reading):
            try:
                here, off, largest = _compared(statement, reading, at, axes)
            except (Misfit, IndexError, ValueError):
                # An index beyond its layer, or arrays that don't fit: there is nothing that this could be equal to.
                here, off, largest = 1, 1, math.inf
            count, wrong, worst = count + here, wrong + off, max(worst, largest)
    return Instances(count, wrong, worst, TOLERANCE, "the engine's number")


def _places(statement: Statement, reading: Interpreter) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Yield the values of a statement's indices: layers one by one, neurons and rows each along an axis."""
    layer = reading.letters.layer
    sums = {node.index for side in statement.sides for node in nodes_in(side) if isinstance(node, SumOver)}
    free = [given.index for given in statement.ranges if given.index != layer]
    axes = (*free, *sorted(sums - set(free)))

    def bounds(given: Range, at: Mapping[str, Any]) -> tuple[int, int]:
        return int(reading.evaluate(given.first, at)), int(reading.evaluate(given.last, at))

    own = [given for given in statement.ranges if given.index == layer]
    first, last = bounds(own[0], reading.names) if own else (0, 0)
    for number in range(first, last + 1):
        at: dict[str, Any] = {**reading.names, **({layer: number} if own else {})}
        for given in statement.ranges:
            if given.index != layer:
                at[given.index] = along(axes, given.index, *bounds(given, at))
        yield at, axes


@np.errstate(all="ignore")
def _compared(
    statement: Statement, reading: Interpreter, at: Mapping[str, Any], axes: tuple[str, ...]
) -> tuple[int, int, float]:
    """Return of how many numbers on the left how many differ from a right side, and by how much at most."""
    for given in statement.shapes:
        shape = tuple(int(reading.evaluate(size, at)) for size in (given.rows, given.columns))
        if np.shape(reading.evaluate(given.array, at)) != shape:
            raise Misfit("an array has another shape")
    left = np.asarray(reading.evaluate(statement.left, at, axes), float)
    free = [given.index for given in statement.ranges if given.index in axes]
    whole = tuple(at[axis].size if axis in free else 1 for axis in axes)
    if axes:
        left = np.broadcast_to(left, whole)
    wrong, worst = np.zeros(left.shape, bool), 0.0
    for side in statement.sides:
        right = np.asarray(reading.evaluate(side, at, axes), float)
        if axes:
            right = np.broadcast_to(right, whole)
        if right.shape != left.shape:
            raise Misfit("the sides have other shapes")
        off = np.abs(left - right) / (1 + np.abs(left))
        wrong |= ~(off <= TOLERANCE)
        worst = max(worst, float(np.max(np.nan_to_num(off, nan=math.inf))))
    return left.size, int(wrong.sum()), worst
