"""The mountain: the cost over two weights, or over the plane of the path, with the training's path at its true cost.

A surface is a slice through all parameters, and the path runs in all of them: so every step is told with its true cost and with
the surface's at its place. The difference is the stem that is drawn, the error of the picture. A. Antognini, J. Sohl-Dickstein,
"PCA of high dimensional random walks with comparison to neural network training", 2018, tell why the variance has to be said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule._types import FloatArray
from chainrule.engines.base import of_member
from chainrule.errors import SettingsError
from chainrule.explain.costs import costs_of, place_of_parameter
from chainrule.plots.axes import Axis
from chainrule.plots.contour import contours
from chainrule.plots.kinds.mountain import shown_costs
from chainrule.plots.ticks import short_number, ticks
from chainrule.studio.answers import number_or_none
from chainrule.studio.course import Course
from chainrule.studio.looking import Look
from chainrule.studio.packing import packed_as
from chainrule.studio.race import Race, raced
from chainrule.studio.tape import Tape

SIDE, QUICK_SIDE, LEAST_SIDE = 49, 29, 13
"""The places on a side of a surface; of one while something plays; at least."""

MOST_WORK, QUICK_WORK = 500_000_000, 60_000_000
"""The most products of a surface, and of one while something plays."""

MOST_ROWS, FEWEST_ROWS = 2000, 256
"""The most rows whose cost is taken, and the fewest of a large table, evenly drawn."""

MOST_STEPS = 160
"""The most steps of a path."""

EACH_UPDATE = 60
"""Up to so many updates each is a step of the path; of more, the epochs are."""

LEVELS = 12
MOST_NAMED = 600
"""The most parameters that can be chosen from by their addresses."""

FLAT = 1e-9
"""Which part of the surface's height a step may be off it before stems are worth a word."""

ROOM = 0.35
"""How much room a window has around the path, as a share of its size."""

Kind = Literal["slice", "path", "race"]


@dataclass(frozen=True)
class CostRows:
    """The rows whose cost is the mountain's: inputs, targets, weights, dropout masks, and what they are in words."""

    x: FloatArray
    y: FloatArray
    weights: FloatArray | None
    masks: Any
    words: str


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


class Mountain:
    """The mountains of one course; the path's states are kept."""

    def __init__(self, course: Course, tape: Tape) -> None:
        self._course, self._tape = course, tape

    def steps(self, look: Look) -> PathSteps:
        """Return the path up to a look, and the training's so far; whoever asks keeps others off the tape meanwhile."""
        numbers = self._numbers(look.t)
        whole = self._states(look.member, self._numbers(self._tape.frontier))
        return PathSteps(tuple(numbers), self._states(look.member, numbers), whole)

    def hill(self, query: Mapping[str, Any], look: Look, steps: PathSteps) -> dict[str, Any]:
        """Return a surface with paths as plain data; ``steps`` are those of the look.

        ``query``: the ``kind`` (``slice`` through two weights, ``path``: the plane that the path lies in best, ``race``: a slice
        with descents of several optimizers from a start), the weights' addresses ``a`` and ``b``, which ``rows`` the cost is of,
        how far to ``zoom``, of a race its ``start`` ("0.3,-1"), its ``steps`` and its ``pace``; whether it must be ``quick``.
        Raises SettingsError for what there isn't.
        """
        layout = self._course.layout
        kind: Kind = query.get("kind") or "slice"
        quick = bool(query.get("quick"))
        rows = self._rows(query.get("rows") or "training", look, quick)
        flat = np.asarray(look.state.parameters, np.float64)
        numbers, states = list(steps.numbers), steps.states
        chosen = self._chosen(query)

        def cost(flats: FloatArray) -> FloatArray:
            return costs_of(layout, flats, rows.x, rows.y, rows.weights, rows.masks)

        plane = self._of_path(flat, states, look) if kind == "path" else self._of_weights(flat, chosen)
        races = self._race(query, plane, rows, look) if kind == "race" else ()
        shown = [states] if kind != "race" else [states[-1:], *(race.states for race in races)]
        (x_low, x_high), (y_low, y_high) = self._window(plane, shown, query.get("zoom", 0), steps, kind)
        side = self._side(len(rows.x), quick)
        x, y = np.linspace(x_low, x_high, side), np.linspace(y_low, y_high, side)
        across, up = np.tile(x, side), np.repeat(y, side)
        heights = cost(plane.flats(across, up)).reshape(side, side)
        here = float(cost(flat[None])[0])
        on = float(cost(plane.flats(*(np.array([v]) for v in plane.at)))[0])
        told = _surface(x, y, heights)
        paths = []
        if kind != "race" and len(states) > 1:
            paths.append(_path_told("training", "", plane, states, numbers, cost))
        paths += [
            _path_told(race.name, race.words, plane, race.states, range(len(race.states)), cost)
            for race in races
        ]
        whole = (kind != "path" and self._is_whole(chosen)) or layout.size == 2
        scale = (
            max(1e-300, float(np.ptp(heights[np.isfinite(heights)]))) if np.isfinite(heights).any() else 1.0
        )
        return {
            "t": look.t,
            "kind": kind,
            "a": layout.address(chosen[0]),
            "b": layout.address(chosen[1]),
            "parameters": [layout.address(i) for i in range(min(layout.size, MOST_NAMED))],
            "x": _side(x, plane.names[0]),
            "y": _side(y, plane.names[1]),
            **told,
            "here": {"x": plane.at[0], "y": plane.at[1], "cost": number_or_none(here), "surface": number_or_none(on)},
            "paths": paths,
            "whole": whole,
            "rows": rows.words,
            "said": [*plane.said, *self._said(kind, numbers, paths, whole, scale, look), *(race.told for race in races)],
        }  # fmt: skip

    # ---- what it is the cost of

    def _rows(self, which: str, look: Look, quick: bool) -> CostRows:
        course, data = self._course, self._course.data
        if which == "batch":
            if look.batch is None:
                raise SettingsError("no update follows here, so there is no batch: choose the training rows")
            step = look.batch.steps[0]
            assert step.y is not None
            masks = [layer.mask for layer in step.record.layers]
            many = len(step.rows)
            words = (
                f"the {many:,} rows of the next batch" if many > 1 else f"row {step.rows[0]}, the next batch"
            )
            return CostRows(step.record.x, step.y, step.weights, masks, words)
        rows = of_member(data.train, look.member)
        work = (QUICK_WORK if quick else MOST_WORK) / max(1, course.layout.size) / LEAST_SIDE**2
        most = int(max(FEWEST_ROWS, min(MOST_ROWS, work)))
        words = f"the {len(rows):,} training rows" if len(rows) > 1 else "the one training row"
        if len(rows) > most:
            words = f"{most:,} of the {len(rows):,} training rows, evenly drawn"
            rows = rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
        if any(layer.dropout for layer in course.network.layers):
            words += ", without dropout"
        weights = None if data.weights is None else data.weights[rows]
        return CostRows(data.x[rows], data.y[rows], weights, None, words)

    def _side(self, rows: int, quick: bool) -> int:
        work = (QUICK_WORK if quick else MOST_WORK) / max(1, self._course.layout.size * rows)
        return int(max(LEAST_SIDE, min(QUICK_SIDE if quick else SIDE, np.sqrt(work)))) | 1

    # ---- where it is

    def _chosen(self, query: Mapping[str, Any]) -> tuple[int, int]:
        """Return the places of the two parameters; without a choice the first weights of the first and the last layer."""
        layout = self._course.layout
        if layout.size < 2:
            raise SettingsError(
                "a surface has two weights, and this network has one parameter: look at one weight"
            )
        firsts = [slot.start for slot in layout.slots if slot.decays] or [0]
        a = place_of_parameter(layout, query["a"]) if query.get("a") else firsts[0]
        spare = firsts[-1] if firsts[-1] != a else (a + 1) % layout.size
        b = place_of_parameter(layout, query["b"]) if query.get("b") else spare
        if a == b:
            raise SettingsError(
                f"{layout.address(a)} can't be both axes: choose another weight for one of them"
            )
        return a, b

    def _of_weights(self, flat: FloatArray, chosen: tuple[int, int]) -> HillPlane:
        axes = np.zeros((2, len(flat)))
        axes[0, chosen[0]] = axes[1, chosen[1]] = 1.0
        origin = flat.copy()
        origin[list(chosen)] = 0.0
        names = (self._course.layout.address(chosen[0]), self._course.layout.address(chosen[1]))
        return HillPlane(origin, axes[0], axes[1], names, (float(flat[chosen[0]]), float(flat[chosen[1]])))

    def _of_path(self, flat: FloatArray, states: FloatArray, look: Look) -> HillPlane:
        """Return the plane through where the parameters stand in which the steps' squared distances from there are largest."""
        if len(states) < 2:
            raise SettingsError("the path begins with the first update: press Play, or look at two weights")
        away = states - flat
        _, sizes, axes = np.linalg.svd(away, full_matrices=False)
        shares = sizes**2 / max(float(np.sum(sizes**2)), 1e-300)
        if len(axes) < 2 or sizes[1] <= 1e-12 * sizes[0]:
            axes, shares = _second(axes[0], look.whole_gradient), np.array([1.0, 0.0])
        first, second = axes[:2]
        x, y = away @ first, away @ second
        # The start is on the left, and the path bends upwards, whatever the signs that were found.
        first = -first if x[0] > 0 else first
        second = -second if y[np.argmax(np.abs(y))] < 0 else second
        both = f"The plane holds {_percent(shares[:2].sum())} of the path's squared distances from here."
        names = (f"1st direction, {_percent(shares[0])}", f"2nd direction, {_percent(shares[1])}")
        return HillPlane(flat, first, second, names, (0.0, 0.0), (both,))

    def _window(
        self, plane: HillPlane, shown: list[FloatArray], zoom: int, steps: PathSteps, kind: Kind
    ) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the ends of both axes: as far as the paths go and some more; of a slice those of the whole training so far."""
        if not -12 <= zoom <= 12:
            raise SettingsError(f"zoom {zoom} is out of reach: from -12 to 12")
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

    # ---- the path

    def _numbers(self, t: int) -> list[int]:
        """Return the updates after which the path's steps are: each, or the epochs' ends, at most so many, and ``t``."""
        per = self._tape.steps_per_epoch
        every = 1 if per == 1 or t <= EACH_UPDATE else per
        count = t // every + 1
        thin = max(1, -(-count // MOST_STEPS))
        found = list(range(0, t + 1, every * thin))
        return found if found[-1] == t else [*found, t]

    def _states(self, member: int, numbers: list[int]) -> FloatArray:
        return np.stack([np.asarray(self._tape.state(t, member).parameters, np.float64) for t in numbers])

    def _race(
        self, query: Mapping[str, Any], plane: HillPlane, rows: CostRows, look: Look
    ) -> tuple[Race, ...]:
        start = np.array(plane.at) if not query.get("start") else _two_numbers(query["start"])
        flat = plane.flats(start[:1], start[1:])[0]
        steps, pace = query.get("steps", 40), query.get("pace", 0)
        if not 1 <= steps <= 400:
            raise SettingsError(f"{steps} steps can't be shown: from 1 to 400")
        if not -20 <= pace <= 20:
            raise SettingsError(f"pace {pace} is out of reach: from -20 to 20")
        return raced(self._course, flat, rows.x, rows.y, rows.weights, look.eta, steps, 2.0 ** (pace / 2))

    # ---- what is said

    def _is_whole(self, chosen: tuple[int, int]) -> bool:
        """Tell whether nothing but the two parameters ever moves, so that the slice is all that there is."""
        free = np.flatnonzero(self._course.layout.free)
        return set(free.tolist()) <= set(chosen)

    def _said(
        self,
        kind: Kind,
        numbers: list[int],
        paths: list[dict[str, Any]],
        whole: bool,
        scale: float,
        look: Look,
    ) -> list[str]:
        said = []
        if whole:
            said.append("Only these two parameters move: the surface is the whole truth.")
        elif kind == "slice":
            others = self._course.layout.size - 2
            which = "the other parameter is" if others == 1 else f"the other {others:,} parameters are"
            said.append(f"An exact slice: {which} held where {'it is' if others == 1 else 'they are'} now.")
        if kind == "race":
            said.append("Each descends on the cost of all these rows; their first steps are equally long.")
        elif len(numbers) > 1:
            gaps = set(np.diff(numbers).tolist())
            per = self._tape.steps_per_epoch
            each = max(gaps)
            what = "an update" if each == 1 else f"{each:,} updates"
            if per > 1 and each % per == 0:
                what = "an epoch" if each == per else f"{each // per:,} epochs"
            said.append(f"A step of the path is {what}, drawn at its true cost.")
        off = [
            abs(a - b)
            for path in paths
            for a, b in zip(path["cost"], path["surface"], strict=True)
            if a is not None and b is not None
        ]
        if off and max(off) > FLAT * scale:
            said.append(
                f"The longest stem is {short_number(max(off), 4)}: so far is the surface from the truth there."
            )
        elif off and not whole:
            said.append("No step is off the surface.")
        return said


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


def _path_told(
    name: str,
    words: str,
    plane: HillPlane,
    states: FloatArray,
    numbers: Any,
    cost: Callable[[FloatArray], FloatArray],
) -> dict[str, Any]:
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


def _surface(x: FloatArray, y: FloatArray, heights: FloatArray) -> dict[str, Any]:
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


def _side(values: FloatArray, name: str) -> dict[str, Any]:
    low, high = float(values[0]), float(values[-1])
    marks = [{"at": float(at), "words": short_number(float(at))} for at in ticks(Axis(low, high), 5)]
    return {"name": name, "kind": "number", "low": low, "high": high, "ticks": marks, "side": len(values)}


def _two_numbers(text: str) -> FloatArray:
    try:
        found = np.array([float(part) for part in text.split(",")])
    except ValueError:
        found = np.zeros(0)
    if found.shape != (2,) or not np.isfinite(found).all():
        raise SettingsError(f"the start is two numbers such as 0.3,-1, not {text!r}")
    return found


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
