"""From which place of an update on each number is known: what hasn't been worked out yet is NaN in a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule._types import IntArray
from chainrule.equations.layout import Layout
from chainrule.studio.shown.drawing import Drawing
from chainrule.studio.training.walk import UpdateWalk, WalkSection

NEVER = 2**62
"""The place of what is never known: the slope of softmax, the bias of a layer without."""


@dataclass(frozen=True, eq=False)
class Known:
    """The places from which on the numbers of a drawing are known, in its order.

    Of parameters ``row`` is where the row's part of the derivative is known, ``whole`` where the batch's is, ``new`` where the
    update is made.
    """

    a: IntArray
    z: IntArray
    delta: IntArray
    slope: IntArray
    edges_row: IntArray
    edges_whole: IntArray
    edges_new: IntArray
    biases_row: IntArray
    biases_whole: IntArray
    biases_new: IntArray

    @property
    def parameters(self) -> dict[str, tuple[IntArray, IntArray, IntArray]]:
        """From which place on the row's part, the batch's derivative and the new number are known, of edges and of biases."""
        return {
            "edges": (self.edges_row, self.edges_whole, self.edges_new),
            "biases": (self.biases_row, self.biases_whole, self.biases_new),
        }


def known_from(walk: UpdateWalk, drawn: Drawing) -> Known:
    """Return from which place on each number of a drawing is known."""
    layout = Layout(walk.network)
    neurons = [_of_neuron(walk, layer, j) for layer, j in drawn.neurons]
    a, z, delta, slope = (np.array(column, np.int64) for column in zip(*neurons, strict=True))
    edges = _of_parameters(walk, layout, drawn.edges)
    biases = _of_parameters(walk, layout, drawn.biases)
    return Known(a, z, delta, slope, *edges, *biases)


def _at(section: WalkSection | None, j: int, step: int) -> int:
    """Return the place of a neuron's step, counted from the end of its places."""
    if section is None:
        return NEVER
    return section.start + (j + 1) * section.per_neuron + step


def _of_neuron(walk: UpdateWalk, layer: int, j: int) -> tuple[int, int, int, int]:
    """Return the places of a, z, delta and the slope of a neuron."""
    if layer == 0:
        cells = walk.find("cell", 0, "x")
        return (0 if cells is None else cells.start + j), NEVER, NEVER, NEVER
    sums, own = walk.find("forward", layer, "z"), walk.find("forward", layer, "a")
    assert sums is not None
    z = sums.start + j * sums.per_neuron + sums.terms
    a = z + 1 if own is None else own.start + j * own.per_neuron
    delta = _at(walk.find("backward", layer, "delta"), j, -1)
    slope = delta - 1 if own is None else NEVER
    return a, z, delta, slope


def _of_parameters(walk: UpdateWalk, layout: Layout, flat: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return the places of parameters by their flat places: of the row's part, the batch's and the update."""
    found = np.full((3, len(flat)), NEVER, np.int64)
    for slot in layout.slots:
        inside = (flat >= slot.start) & (flat < slot.stop)
        if not inside.any() or not slot.layer:
            continue
        place = np.unravel_index(flat[inside] - slot.start, slot.shape)
        i, j = (place[0], place[1]) if len(place) == 2 else (np.zeros_like(place[0]), place[0])
        back = walk.find("backward", slot.layer, f"dC/d{slot.name}")
        change = walk.find("update", slot.layer, f"dC/d{slot.name}")
        if back is not None:
            found[0, inside] = back.start + j * back.per_neuron + i
        if change is not None:
            found[1, inside] = change.start + j * change.per_neuron + 2 * i
            found[2, inside] = found[1, inside] + 1
    return found[0], found[1], found[2]
