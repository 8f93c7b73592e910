"""Planes among the parameters: of two weights, and the one that a training's path lies in best; how far a picture of one goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from chainrule._types import FloatArray
from chainrule.errors import SettingsError

ROOM = 0.35
"""How much room a window has around the path, as a share of its size."""

MOST_ZOOM = 12
"""The most steps nearer or farther, of which two make it half or twice as wide."""

Kind = Literal["slice", "path", "race"]


@dataclass(frozen=True, eq=False)
class PathSteps:
    """The updates after which the path's steps are, the parameters (m, p) there, and those of the whole training so far."""

    numbers: tuple[int, ...]
    states: FloatArray
    whole: FloatArray


@dataclass(frozen=True)
class HillPlane:
    """A plane among the parameters: all that are ``origin`` + X · ``first`` + Y · ``second``, each (p,).

    The directions are orthonormal. ``at`` has X and Y of where the parameters stand.
    """

    origin: FloatArray
    first: FloatArray
    second: FloatArray
    names: tuple[str, str]
    at: tuple[float, float]
    said: tuple[str, ...] = ()

    def flats(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return the parameters (k, p) at places (k,), (k,)."""
        return self.origin + np.multiply.outer(x, self.first) + np.multiply.outer(y, self.second)

    def places(self, flats: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return X and Y (k,) of the nearest place to each of some parameters (k, p)."""
        away = flats - self.origin
        return away @ self.first, away @ self.second


def plane_of_weights(flat: FloatArray, chosen: tuple[int, int], names: tuple[str, str]) -> HillPlane:
    """Return the plane of two parameters, by their places, through where all stand (p,)."""
    axes = np.zeros((2, len(flat)))
    axes[0, chosen[0]] = axes[1, chosen[1]] = 1.0
    origin = flat.copy()
    origin[list(chosen)] = 0.0
    return HillPlane(origin, axes[0], axes[1], names, (float(flat[chosen[0]]), float(flat[chosen[1]])))


def plane_of_path(flat: FloatArray, states: FloatArray, gradient: FloatArray | None) -> HillPlane:
    """Return the plane through where the parameters stand in which the steps' squared distances from there are largest."""
    if len(states) < 2:
        raise SettingsError("the path begins with the first update: press Play, or look at two weights")
    away = states - flat
    _, sizes, axes = np.linalg.svd(away, full_matrices=False)
    shares = sizes**2 / max(float(np.sum(sizes**2)), 1e-300)
    if len(axes) < 2 or sizes[1] <= 1e-12 * sizes[0]:
        axes, shares = _second(axes[0], gradient), np.array([1.0, 0.0])
    first, second = axes[:2]
    x, y = away @ first, away @ second
    # The start is on the left, and the path bends upwards, whatever the signs that were found.
    first = -first if x[0] > 0 else first
    second = -second if y[np.argmax(np.abs(y))] < 0 else second
    both = f"The plane holds {_percent(shares[:2].sum())} of the path's squared distances from here."
    names = (f"1st direction, {_percent(shares[0])}", f"2nd direction, {_percent(shares[1])}")
    return HillPlane(flat, first, second, names, (0.0, 0.0), (both,))


def _second(first: FloatArray, gradient: FloatArray | None) -> FloatArray:
    """Return a direction with another across it: along the gradient where that leads elsewhere, else along one parameter."""
    for way in (gradient, *np.eye(min(3, len(first)), len(first))):
        if way is None or not np.isfinite(way).all():
            continue
        rest = way - (way @ first) * first
        length = float(np.linalg.norm(rest))
        if length > 1e-9 * max(1e-300, float(np.linalg.norm(way))):
            return np.stack([first, rest / length])
    raise SettingsError("a plane has two directions, and this network has one parameter: look at one weight")


def window_of(
    plane: HillPlane, shown: list[FloatArray], zoom: int, steps: PathSteps, kind: Kind
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ends of both axes: as far as the paths go and some more; of a slice those of the whole training so far."""
    if abs(zoom) > MOST_ZOOM:
        raise SettingsError(f"zoom {zoom} is out of reach: from -{MOST_ZOOM} to {MOST_ZOOM}")
    kept = [*shown, steps.whole] if kind == "slice" else shown
    each = [plane.places(states) for states in kept]
    ends = []
    for k in (0, 1):
        values = np.concatenate([*(one[k] for one in each), [plane.at[k]]])
        values = values[np.isfinite(values)]
        low, high = float(values.min()), float(values.max())
        ends.append(((low + high) / 2, (high - low) / 2))
    least = 0.02 * max(size for _, size in ends) if kind == "path" else 1 / (1 + ROOM)
    widest = max(max(size for _, size in ends) * (1 + ROOM), least, 1e-6)
    factor = 2.0 ** (-zoom / 2)
    found = []
    for middle, size in ends:
        # Both axes of a slice are equally long, so that a step looks as long as it is.
        half = (widest if kind != "path" else max(size * (1 + ROOM), 0.3 * widest)) * factor
        found.append((middle - half, middle + half))
    return found[0], found[1]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
