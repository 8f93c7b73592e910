"""What was there before an edit: the numbers of the training that a branch comes from, where they are others."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.studio.protocol.packing import packed_as
from chainrule.studio.shown.frames import MOST_NAMES
from chainrule.studio.shown.looking import Look
from chainrule.studio.training.made import Made
from chainrule.studio.training.walk import WalkPlace

LARGE = {"neurons": ("a",), "edges": ("weight",), "biases": ("weight",)}
"""What is told of a network with many marks."""


def was_there(before: Made, at: int, made: Made, look: Look, place: WalkPlace) -> dict[str, Any]:
    """Return a frame's numbers as they were before the edits, at the same place, on the same rows, of the same member.

    Arrays have NaN where nothing changed; a cost, loss or answer is there whether it did or not, None where a row is new.
    What the update makes of them isn't compared: it has no memory of the updates before here.
    """
    row = look.row if look.row in before.course.places else None
    old = before.lookout.on_rows_of(look, at, row)
    told: dict[str, Any] = {**before.framer.frame_numbers(old, place), "cost_new": None}
    whole = len(old.rows) == len(look.rows)
    if not whole:
        told["cost"] = None
    if row is None:
        told |= {"row_loss": None, "answer": None}
    skipped = (
        {"change"} | (set() if whole else {"gradient"}) | ({"weight"} if place.phase == "update" else set())
    )
    arrays = before.framer.numbers(old, place.index)
    now = made.framer.numbers(look, place.index)
    drawn = made.drawn.told
    large = len(drawn["neurons"]) + len(drawn["edges"]["list"]) > MOST_NAMES
    changed: dict[str, dict[str, Any]] = {}
    for kind, found in arrays.items():
        changed[kind] = {}
        for name, values in found.items():
            if name in skipped or (large and name not in LARGE[kind]) or (row is None and kind == "neurons"):
                continue
            other = _where_other(values, now[kind][name])
            if other is not None:
                changed[kind][name] = packed_as(other, "float64")
    return {**told, "arrays": changed}


def _where_other(old: FloatArray, new: FloatArray) -> FloatArray | None:
    """Return the old numbers where they are others than the new ones, NaN elsewhere; None where none is."""
    if old.shape != new.shape:
        return None
    other = (old != new) & ~(np.isnan(old) | np.isnan(new))
    return np.where(other, old, np.nan) if other.any() else None
