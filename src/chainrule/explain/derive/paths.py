"""The path form: every path from a weight to the cost as a product of local derivatives, and their sum.

A network of any depth has too many paths to list. The largest are found without listing the others, by a best-first
search: the most that any way on from a neuron can be is known beforehand, layer by layer from the output. What all
the other paths add up to is exact, too: where a way leaves the shown paths, all ways on from there together are the
delta of the neuron it leads to.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrule._doors import setting
from chainrule._types import IntArray
from chainrule.errors import SettingsError
from chainrule.explain.derive.backward import gradients_of
from chainrule.explain.derive.forward import entered, entering, weight
from chainrule.explain.derive.lines import Line
from chainrule.explain.derive.stage import ways_in
from chainrule.explain.derive.writer import Writer, added
from chainrule.explain.trace.address import FACTORS, Address
from chainrule.formula.nodes import Symbol
from chainrule.formula.rounding import UNIT

MOST_PATHS = 12
"""The most paths that are all shown; of more, two fewer and the rest."""


@dataclass(frozen=True)
class Start:
    """Where paths begin: neuron (from 0) of a layer, reached with the factors ``before``, whose product is ``value``."""

    row: int | None
    layer: int
    neuron: int
    before: tuple[Address, ...]
    value: float


@dataclass(frozen=True)
class Path:
    """A path, or its beginning: its start, the neurons (from 0) of the following layers, the product of its factors."""

    start: Start
    neurons: tuple[int, ...]
    value: float

    @property
    def last(self) -> tuple[int, int]:
        """Its last neuron: the layer, and the neuron (from 0)."""
        return self.start.layer + len(self.neurons), (self.start.neuron, *self.neurons)[-1]


class Ways:
    """The local derivatives of one row, and what the ways on from each neuron can come to.

    For layer l (item l-1): ``local`` f' r, at the output layer the whole derivative by z; ``most`` the largest |product|
    of any way on from a neuron; ``mass`` the sum of all |products|, which bounds what rounding can do.
    """

    def __init__(self, writer: Writer, row: int | None) -> None:
        step, network = writer.step, writer.network
        self.network = network
        index = 0 if row is None else step.rows.index(row)
        self.weights = [
            layer.by_entered(writer.arrays[number]) for number, layer in enumerate(network.layers, 1)
        ]
        back = gradients_of(step).layers
        self.deltas = [layer.delta[index] for layer in back]
        hidden = zip(step.record.layers[:-1], back[:-1], strict=True)
        self.local = [*(layer.passed_on(made)[index] for made, layer in hidden), self.deltas[-1]]
        self.most = [np.abs(self.local[-1])]
        self.mass = [np.abs(self.local[-1])]
        for layer in range(len(self.local) - 1, 0, -1):
            steep = np.abs(self.weights[layer])
            own = np.abs(self.local[layer - 1])
            self.most.append(own * np.max(steep * self.most[-1], axis=1))
            self.mass.append(own * (steep @ self.mass[-1]))
        self.most.reverse()
        self.mass.reverse()
        self._orders: dict[tuple[int, int], IntArray] = {}

    def order(self, layer: int, neuron: int) -> IntArray:
        """Return the neurons of the next layer, the one with the largest way on first."""
        if (layer, neuron) not in self._orders:
            promise = np.abs(self.weights[layer][neuron]) * self.most[layer]
            onto = np.arange(len(promise))
            if self.network.layers[layer].product.enters != "i":
                onto = onto[neuron : neuron + 1]
            self._orders[layer, neuron] = onto[np.argsort(-promise[onto], kind="stable")]
        return self._orders[layer, neuron]


def starts_of(writer: Writer, place: Address) -> list[Start]:
    """Return where the paths of a derivative begin: at its neurons, for each row."""
    layer = 1 if place.name == "dC/dx" or place.layer == 0 else place.number
    scale = _scale(writer, layer)
    has_stage = writer.network.features is not None
    found: list[Start] = []
    for row in writer.rows_of(place):
        if place.name == "dC/dx" or (has_stage and place.layer == 0):
            weights = writer.network.layers[0].by_entered(writer.arrays[1])
            for i, factors in ways_in(writer, place, row) if has_stage else [(place.index[0], [])]:
                value = _product(writer, factors)
                for j in entered(writer, 1, i):
                    before = (*factors, weight(writer, 1, i, j), *scale)
                    found.append(Start(row, 1, j - 1, before, value * float(weights[i - 1, j - 1])))
            if place.name == "dC/dx" and writer.network.output.linear_path:
                last, n_out = len(writer.network.layers), writer.network.output.n_out
                straight = [writer.at("S", last, place.index[0], j) for j in range(1, n_out + 1)]
                found += [Start(row, last, j, (s,), writer.number(s)) for j, s in enumerate(straight)]
        elif place.parameter == "S":
            before = (writer.at("x", None, place.index[0], row=row),)
            found.append(Start(row, layer, place.index[-1] - 1, before, _product(writer, before)))
        elif place.parameter in FACTORS:
            before = (entering(writer, layer, place.index[0], row), *scale)
            found.append(Start(row, layer, place.index[-1] - 1, before, _product(writer, before)))
        elif place.name == "dC/db" and writer.network.layers[layer - 1].bias == "layer":
            found += [Start(row, layer, j, (), 1.0) for j in range(writer.network.sizes[layer])]
        else:
            found.append(Start(row, layer, place.index[0] - 1, (), 1.0))
    return found


def _scale(writer: Writer, layer: int) -> tuple[Address, ...]:
    """Return the address of a layer's scale, where it has one."""
    is_scaled = writer.network.layers[layer - 1].parametrization != "standard"
    return (writer.at("scale", layer),) if is_scaled else ()


def _product(writer: Writer, places: Sequence[Address]) -> float:
    return math.prod(map(writer.number, places))


def count_paths(writer: Writer, starts: Sequence[Start]) -> int:
    """Return the number of paths from the starts to the cost."""
    onto = [len(entered(writer, number, 1)) for number in range(1, len(writer.network.layers) + 1)]
    return sum(math.prod(onto[start.layer :]) for start in starts)


def largest_paths(starts: Sequence[Start], ways: dict[int | None, Ways], most: int) -> list[Path]:
    """Return the ``most`` paths with the largest |product|, in that order, without looking at all of them."""
    ticket = itertools.count()
    heap: list[tuple[float, int, Path, int]] = []
    found: list[Path] = []

    def push(path: Path, promise: float, place: int) -> None:
        heapq.heappush(heap, (-float(promise), next(ticket), path, place))

    def offer(path: Path, place: int) -> None:
        """Offer the way on from a path to the ``place``-th best neuron."""
        way, (layer, at) = ways[path.start.row], path.last
        order = way.order(layer, at)
        if place < len(order):
            onto = int(order[place])
            push(path, abs(path.value * way.weights[layer][at, onto]) * way.most[layer][onto], place)

    def reach(path: Path) -> None:
        """Go on through the last neuron, or finish at the output layer."""
        way, (layer, at) = ways[path.start.row], path.last
        through = replace(path, value=path.value * float(way.local[layer - 1][at]))
        if layer == len(way.local):
            found.append(through)
        else:
            offer(through, 0)

    for start in starts:
        most_on = ways[start.row].most[start.layer - 1][start.neuron]
        push(Path(start, (), start.value), abs(start.value) * most_on, -1)
    while heap and len(found) < most:
        _, _, path, place = heapq.heappop(heap)
        if place < 0:
            reach(path)
            continue
        way, (layer, at) = ways[path.start.row], path.last
        onto = int(way.order(layer, at)[place])
        offer(path, place + 1)
        value = path.value * float(way.weights[layer][at, onto])
        reach(Path(path.start, (*path.neurons, onto), value))
    return found


def rest_of(starts: Sequence[Start], shown: Sequence[Path], ways: dict[int | None, Ways]) -> float:
    """Return the exact sum of all paths that are not shown."""
    parts: list[float] = []

    def leave(way: Ways, layer: int, at: int, before: float, tails: list[tuple[int, ...]]) -> None:
        """Add up the ways that leave the shown paths at a neuron, and go on along those that don't."""
        if layer == len(way.local):
            return
        product = before * float(way.local[layer - 1][at])
        weights = way.weights[layer][at]
        ahead = weights * way.deltas[layer]
        followed = sorted({tail[0] for tail in tails})
        parts.append(product * float(np.sum(np.delete(ahead, followed))))
        for onto in followed:
            rest = [tail[1:] for tail in tails if tail[0] == onto]
            leave(way, layer + 1, onto, product * float(weights[onto]), rest)

    for start in starts:
        way = ways[start.row]
        tails = [path.neurons for path in shown if path.start is start]
        if tails:
            leave(way, start.layer, start.neuron, start.value, tails)
        else:
            parts.append(start.value * float(way.deltas[start.layer - 1][start.neuron]))
    return math.fsum(parts) if all(math.isfinite(part) for part in parts) else sum(parts)


def factors_of(writer: Writer, path: Path) -> list[Address]:
    """Return a path's factors from the cost back to where it starts."""
    start, network = path.start, writer.network
    row, last = start.row, len(network.layers)
    found = list(start.before)
    at = start.neuron
    for layer, onto in enumerate((*path.neurons, None), start.layer):
        if layer == last:
            linked = network.output.activation.name in network.loss.links
            whole = linked or not network.output.activation.elementwise
            names = ("delta",) if whole else ("f'", "dC/da")
            found += [writer.at(name, last, at + 1, row=row) for name in names]
        elif onto is not None:
            if writer.step.record.layers[layer - 1].mask is not None:
                found.append(writer.at("r", layer, at + 1, row=row))
            found.append(writer.at("f'", layer, at + 1, row=row))
            found += [weight(writer, layer + 1, at + 1, onto + 1), *_scale(writer, layer + 1)]
            at = onto
    return list(reversed(found))


def found_paths(
    writer: Writer, place: Address, most: int = MOST_PATHS
) -> tuple[list[Path], float, int, float]:
    """Return the largest paths of a derivative, the sum of the others, the number of all, and the sum of |products|."""
    starts = starts_of(writer, place)
    ways = {row: Ways(writer, row) for row in dict.fromkeys(start.row for start in starts)}
    total = count_paths(writer, starts)
    shown = largest_paths(starts, ways, total if total <= MOST_PATHS else most)
    rest = rest_of(starts, shown, ways) if total > len(shown) else 0.0
    mass = sum(abs(s.value) * float(ways[s.row].mass[s.layer - 1][s.neuron]) for s in starts)
    return shown, rest, total, mass


def path_lines(writer: Writer, place: Address, most: int = MOST_PATHS - 2) -> list[Line]:
    """Return a line for each of the largest paths, and the line of their sum with the exact rest."""
    shown, rest, total, mass = found_paths(writer, place, most)
    if writer.hand is not None and total > len(shown):
        raise SettingsError(
            f"{place}: {total:,} paths are too many to be written out by hand, at most {MOST_PATHS} are; choose "
            f"{setting('form', 'short')}"
        )
    several = len(writer.step.rows) > 1 and place.row is None
    slack = 4 * UNIT * mass * (sum(writer.network.sizes) + len(writer.step.rows))
    products = [writer.product(factors_of(writer, path)) for path in shown]
    if total == 1:
        return [writer.line(f"the only path: {_way(shown[0], several)}", place, products[0], slack=slack)]
    lines = [
        writer.line(f"path {number}: {_way(path, several)}", None, product, label=f"P_{number}")
        for number, (path, product) in enumerate(zip(shown, products, strict=True), 1)
    ]
    names, values, note = [line.label for line in lines], {}, ""
    if total > len(shown):
        names, values = [*names, "rest"], {"rest": rest}
        note = f"rest: the other {total - len(shown):,} paths, added up exactly"
    words = f"the sum over all {total:,} paths"
    node = added([Symbol(name) for name in names])
    return [*lines, writer.line(words, place, node, values, slack=slack, note=note)]


def _way(path: Path, several: bool) -> str:
    """Return a path in words: neuron 2 of layer 1 → neuron 1 of layer 2 → cost."""
    neurons = (path.start.neuron, *path.neurons)
    steps = [f"neuron {at + 1} of layer {layer}" for layer, at in enumerate(neurons, path.start.layer)]
    where = f"row {path.start.row}: " if several else ""
    return where + " → ".join([*steps, "cost"])
