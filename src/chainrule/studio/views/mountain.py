"""The mountain: the cost over two weights, or over the plane of the path, with the training's path at its true cost.

A surface is a slice through all parameters, and the path runs in all of them: so every step is told with its true cost and with
the surface's at its place. The difference is the stem that is drawn, the error of the picture. A. Antognini, J. Sohl-Dickstein,
"PCA of high dimensional random walks with comparison to neural network training", 2018, tell why the variance has to be said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.engines.base import of_member
from chainrule.errors import SettingsError
from chainrule.explain.costs import costs_of, place_of_parameter
from chainrule.plots.ticks import short_number
from chainrule.studio.shown.answers import number_or_none
from chainrule.studio.shown.looking import Look
from chainrule.studio.training.course import Course
from chainrule.studio.training.tape import Tape
from chainrule.studio.views.hillplane import (
    HillPlane,
    Kind,
    PathSteps,
    plane_of_path,
    plane_of_weights,
    window_of,
)
from chainrule.studio.views.hilltold import path_told, side_told, surface_told
from chainrule.studio.views.race import Race, raced

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

MOST_NAMED = 600
"""The most parameters that can be chosen from by their addresses."""

FLAT = 1e-9
"""Which part of the surface's height a step may be off it before stems are worth a word."""


@dataclass(frozen=True)
class CostRows:
    """The rows whose cost is the mountain's: inputs, targets, weights, dropout masks, and what they are in words."""

    x: FloatArray
    y: FloatArray
    weights: FloatArray | None
    masks: Any
    words: str


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

        plane = (
            plane_of_path(flat, states, look.whole_gradient)
            if kind == "path"
            else plane_of_weights(flat, chosen, (layout.address(chosen[0]), layout.address(chosen[1])))
        )
        races = self._race(query, plane, rows, look) if kind == "race" else ()
        shown = [states] if kind != "race" else [states[-1:], *(race.states for race in races)]
        (x_low, x_high), (y_low, y_high) = window_of(plane, shown, query.get("zoom", 0), steps, kind)
        side = self._side(len(rows.x), quick)
        x, y = np.linspace(x_low, x_high, side), np.linspace(y_low, y_high, side)
        across, up = np.tile(x, side), np.repeat(y, side)
        heights = cost(plane.flats(across, up)).reshape(side, side)
        here = float(cost(flat[None])[0])
        on = float(cost(plane.flats(*(np.array([v]) for v in plane.at)))[0])
        told = surface_told(x, y, heights)
        paths = []
        if kind != "race" and len(states) > 1:
            paths.append(path_told("training", "", plane, states, numbers, cost))
        paths += [
            path_told(race.name, race.words, plane, race.states, range(len(race.states)), cost)
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
            "x": side_told(x, plane.names[0]),
            "y": side_told(y, plane.names[1]),
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


def _two_numbers(text: str) -> FloatArray:
    try:
        found = np.array([float(part) for part in text.split(",")])
    except ValueError:
        found = np.zeros(0)
    if found.shape != (2,) or not np.isfinite(found).all():
        raise SettingsError(f"the start is two numbers such as 0.3,-1, not {text!r}")
    return found
