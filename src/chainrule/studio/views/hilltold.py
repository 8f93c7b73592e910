"""A mountain as plain data: its surface with lines of equal cost, its axes, and paths at their true costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.errors import SettingsError
from chainrule.plots.axes import Axis
from chainrule.plots.contour import contours
from chainrule.plots.kinds.mountain import shown_costs
from chainrule.plots.ticks import short_number, ticks
from chainrule.studio.protocol.packing import packed_as
from chainrule.studio.shown.answers import number_or_none
from chainrule.studio.views.hillplane import HillPlane

LEVELS = 12
"""About how many lines of equal cost a surface has."""


def path_told(
    name: str,
    words: str,
    plane: HillPlane,
    states: FloatArray,
    numbers: Any,
    cost: Callable[[FloatArray], FloatArray],
) -> dict[str, Any]:
    """Return a path's places on the plane, with the true cost of each step and the surface's there."""
    x, y = plane.places(states)
    true, on = cost(states), cost(plane.flats(x, y))
    return {
        "name": name,
        "words": words,
        "steps": [int(t) for t in numbers],
        "x": [float(v) for v in x],
        "y": [float(v) for v in y],
        "cost": [number_or_none(float(v)) for v in true],
        "surface": [number_or_none(float(v)) for v in on],
    }


def surface_told(x: FloatArray, y: FloatArray, heights: FloatArray) -> dict[str, Any]:
    """Return the heights, the shares of their color, and their lines."""
    finite = heights[np.isfinite(heights)]
    if not finite.size:
        raise SettingsError("the cost is infinite everywhere here: zoom in, or choose other weights")
    low, high = float(finite.min()), float(finite.max())
    known = np.where(np.isfinite(heights), heights, high)
    shown, legend = shown_costs(known)
    least, most = float(shown.min()), float(shown.max())
    shares = (shown - least) / ((most - least) or 1.0)
    by_log = shown is not known
    axis = Axis(low, high, scale="log" if by_log else "linear")
    levels = [float(level) for level in ticks(axis, LEVELS)] if high > low else []
    made = contours(x, y, known, levels)
    lines = [
        {
            "label": short_number(level),
            "points": packed_as(np.array(list(zip(xs, ys, strict=True))), "float32"),
        }
        for level, xs, ys in zip(made.levels, made.x, made.y, strict=True)
    ]
    return {
        "heights": packed_as(heights, "float64"),
        "shares": packed_as(shares, "float32"),
        "low": low,
        "high": high,
        "legend": legend,
        "lines": lines,
    }


def side_told(values: FloatArray, name: str) -> dict[str, Any]:
    """Return an axis of a surface with its marks."""
    low, high = float(values[0]), float(values[-1])
    marks = [{"at": float(at), "words": short_number(float(at))} for at in ticks(Axis(low, high), 5)]
    return {"name": name, "kind": "number", "low": low, "high": high, "ticks": marks, "side": len(values)}
