"""Large layers as blocks: small pictures of their weights, gradients, changes and activations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.studio.protocol.packing import packed_as
from chainrule.studio.shown.answers import number_or_none
from chainrule.studio.shown.drawing import Drawing
from chainrule.studio.shown.looking import Look
from chainrule.studio.training.walk import WalkPlace

BLOCK_SIDE = 48
"""The most rows and columns of a block's pictures."""

AFTER_FORWARD = ("answer", "loss", "backward", "update")
"""The passes in which all activations are known."""


def blocks_shown(
    drawn: Drawing, look: Look, place: WalkPlace, *, quick: bool = False
) -> list[dict[str, Any]]:
    """Return for each block small pictures of what is known of it at a place: weights into it, gradient, change, activations.

    ``quick``: without the last change where it would take a replay.
    """
    blocks = drawn.told["blocks"]
    if not blocks:
        return []
    whole = _whole_at(look, place, quick=quick)
    return [
        {"layer": block["layer"], "pictures": _block_pictures(look, place, block["layer"], whole)}
        for block in blocks
    ]


def _whole_at(look: Look, place: WalkPlace, *, quick: bool) -> dict[str, FloatArray]:
    """Return the weights, and of gradient and change of all parameters (p,) what is known at a place."""
    weights: FloatArray = np.asarray(look.state.parameters, np.float64)
    gradient = change = None
    if place.index == 0:
        gradient, change = look.whole_gradient, None if quick and not look.knows_last else look.last_change
    elif place.phase == "update":
        gradient = look.whole_gradient
        if place.step == "C_new" and look.new is not None:
            weights, change = look.new, look.new - weights
    found = {"weight": weights, "gradient": gradient, "change": change}
    return {name: flat for name, flat in found.items() if flat is not None}


def _block_pictures(
    look: Look, place: WalkPlace, number: int, whole: Mapping[str, FloatArray]
) -> dict[str, Any]:
    layout, step = look.course.layout, look.step
    made = {}
    if number:
        slot = layout.slot(number, look.course.network.layers[number - 1].product.name)
        for name, flat in whole.items():
            made[name] = _block_picture(np.atleast_2d(flat[slot.start : slot.stop].reshape(slot.shape)))
    if place.phase in ("rest", *AFTER_FORWARD) or (place.phase == "forward" and place.layer > number):
        a = (step.record.layers[number - 1].a if number else step.record.x)[look.index]
        columns = math.ceil(math.sqrt(len(a)))
        grid = np.zeros(columns * math.ceil(len(a) / columns))
        grid[: len(a)] = a
        made["activation"] = _block_picture(grid.reshape(-1, columns))
    return made


def _block_picture(array: FloatArray) -> dict[str, Any]:
    """Return an array in shares of its largest number, -127 to 127: of each patch what is farthest from 0."""
    small = shrunk(array, BLOCK_SIDE)
    largest = float(np.abs(small).max(initial=0.0))
    shares = np.zeros(small.shape, np.int8)
    if math.isfinite(largest) and largest:
        shares = np.rint(127 * small / largest).astype(np.int8)
    return {"largest": number_or_none(largest), "shares": packed_as(shares, "int8")}


def shrunk(array: FloatArray, side: int) -> FloatArray:
    """Return an array (rows, columns) with at most so many of each: of each patch the number that is farthest from 0.

    >>> shrunk(np.array([[1.0, -3.0, 2.0, 0.5]]), 2).tolist()
    [[-3.0, 2.0]]
    """
    for axis in (0, 1):
        size = array.shape[axis]
        if size > side:
            cuts = np.linspace(0, size, side, endpoint=False).astype(np.int64)
            low, high = np.minimum.reduceat(array, cuts, axis), np.maximum.reduceat(array, cuts, axis)
            array = np.where(-low > high, low, high)
    return array
