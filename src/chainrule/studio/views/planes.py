"""The plane of two columns: what the network answers, or what one of its neurons is, at every place of a grid."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._kept import cached_property
from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError
from chainrule.explain.trace.address import Address
from chainrule.model.model import Prediction
from chainrule.model.scoring import of_target
from chainrule.plots.contour import contours
from chainrule.plots.ticks import linear_ticks, short_number
from chainrule.studio.protocol.packing import packed_as
from chainrule.studio.shown.answers import number_or_none
from chainrule.studio.shown.drawing import Drawing
from chainrule.studio.training.course import Course
from chainrule.studio.views.axes import PlaneAxis, axis_names, axis_of, base_row
from chainrule.tables.encoding.target import TargetEncoder
from chainrule.tables.table import Table, suggestion

SIDE = 100
"""The places on a side of a grid."""

SMALL_SIDE = 24
"""Those of a neuron's small picture."""

MOST_WORK, QUICK_WORK = 400_000_000, 60_000_000
"""The most products of a picture, and of one while something plays: a larger network gets a coarser grid."""

MOST_POINTS = 600
"""The most rows that are drawn as points."""

MOST_SHARES = 12
"""The most classes all of whose probabilities are told; of more the surest class's."""

LEVELS = 8
"""About how many lines of equal height a surface has."""

MOST_GRIDS = 6


class PlaneGrid(NamedTuple):
    """A grid's places on both axes, and its rows as the network takes them (ny · nx, d), those of the lowest y first."""

    x: FloatArray
    y: FloatArray
    rows: FloatArray
    held: str


class Heights(NamedTuple):
    """What is drawn over a plane: ``values`` (k, ny, nx), each place's class (ny, nx) where there are classes, and lines."""

    kind: str
    title: str
    unit: str
    values: FloatArray
    classes: tuple[str, ...] = ()
    codes: IntArray | None = None
    lines: Sequence[tuple[str, Sequence[tuple[float, float]]]] = ()


class Planes:
    """The planes of one course; axes and grids are kept. ``ends`` are those of axes, shared with branches of the training."""

    def __init__(
        self, course: Course, drawn: Drawing, ends: dict[str, tuple[float, float]] | None = None
    ) -> None:
        self._course, self._drawn = course, drawn
        self._ends = {} if ends is None else ends
        self._axes: dict[str, PlaneAxis] = {}
        self._lock = Lock()
        self._grids: OrderedDict[tuple[Any, ...], PlaneGrid] = OrderedDict()

    @one_blas_thread()
    def plane(self, query: Mapping[str, Any], parameters: FloatArray, t: int, member: int) -> dict[str, Any]:
        """Return a plane as plain data.

        ``query``: the columns ``x`` and ``y``, the ``row`` at whose cells the others are held (typical ones without), what to
        ``show`` (``answer``, a target or a neuron's address), whether the ``points`` and the small pictures (``heat``) are
        wanted, whether it has to be ``quick``, and at most how many places a ``side`` has. ``parameters`` (k, p) are those of
        all members after ``t`` updates, or of the one from 0 that is looked at; a neuron is that ``member``'s, the answer the
        mean's. Raises SettingsError for what isn't there.
        """
        names, quick = self._columns(query), bool(query.get("quick"))
        with self._lock:
            axes = tuple(self._axis(name) for name in names)
        side = min(self._side(quick, len(parameters)), query.get("side", SIDE))
        grid = self._grid(axes, query.get("row"), side)
        show = query.get("show") or "answer"
        found = (
            self._neuron(show, grid, parameters, member)
            if "[" in show
            else self._answer(show, grid, parameters)
        )
        if "words" not in {axis.kind for axis in axes} and (not quick or found.kind in ("classes", "share")):
            found = found._replace(lines=_lines(found, grid))
        finite = found.values[np.isfinite(found.values)]
        told: dict[str, Any] = {
            "t": t,
            "x": {**axes[0].told(), "side": len(grid.x)},
            "y": {**axes[1].told(), "side": len(grid.y)},
            "show": show,
            "kind": found.kind,
            "title": found.title,
            "unit": found.unit,
            "classes": list(found.classes),
            "values": packed_as(found.values, "float32" if quick or "side" in query else "float64"),
            "codes": None if found.codes is None else packed_as(found.codes, "int8"),
            "low": number_or_none(float(finite.min())) if finite.size else None,
            "high": number_or_none(float(finite.max())) if finite.size else None,
            "lines": [{"label": label, "points": packed_as(np.array(line), "float32")} for label, line in found.lines],
            "held": grid.held,
        }  # fmt: skip
        if query.get("points"):
            told |= {"columns": list(axis_names(self._course)), "shows": self._shows()}
            told["points"] = self._points(axes, show)
        if query.get("heat"):
            told["heats"] = self._heats(axes, query.get("row"), parameters, member)
        return told

    # ---- where

    def _columns(self, query: Mapping[str, Any]) -> tuple[str, str]:
        names = axis_names(self._course)
        if len(names) < 2:
            raise SettingsError(
                "a plane has two columns, and this network has one: see how it depends on it in a report"
            )
        x = query.get("x") or names[0]
        y = query.get("y") or next(name for name in names if name != x)
        if x == y:
            raise SettingsError(f"{x!r} can't be both axes: choose another column for one of them")
        return x, y

    def _axis(self, name: str) -> PlaneAxis:
        if name not in self._axes:
            self._axes[name] = made = axis_of(self._course, name, self._ends.get(name))
            self._ends[name] = (made.low, made.high)
        return self._axes[name]

    def _side(self, quick: bool, members: int) -> int:
        work = (QUICK_WORK if quick else MOST_WORK) / max(1, self._course.layout.size * members)
        return int(min(SIDE, max(SMALL_SIDE // 2, np.sqrt(work))))

    def _grid(self, axes: tuple[PlaneAxis, ...], row: int | None, side: int) -> PlaneGrid:
        key = (axes[0].name, axes[1].name, row, side)
        with self._lock:
            return self._made(axes, row, side, key)

    def _made(
        self, axes: tuple[PlaneAxis, ...], row: int | None, side: int, key: tuple[Any, ...]
    ) -> PlaneGrid:
        if key not in self._grids:
            base, held = base_row(self._course, row, (axes[0].name, axes[1].name))
            x, y = (axis.places(side) for axis in axes)
            rows = np.repeat(base[None], len(x) * len(y), axis=0)
            rows[:, axes[0].own] = np.tile(axes[0].inputs(x), (len(y), 1))
            rows[:, axes[1].own] = np.repeat(axes[1].inputs(y), len(x), axis=0)
            self._grids[key] = PlaneGrid(x, y, rows, held)
            while len(self._grids) > MOST_GRIDS:
                self._grids.popitem(last=False)
        self._grids.move_to_end(key)
        return self._grids[key]

    # ---- what

    def _shows(self) -> list[dict[str, str]]:
        """Return what can be shown: the answers, then the neurons that are drawn."""
        course, model = self._course, self._course.reads
        if model is None:
            made = [
                {"name": name, "title": self._titled(f"a[{len(course.network.layers)}][{j}]", "output", name)}
                for j, name in enumerate(course.outputs, 1)
            ]
        elif len(model.target.names) > 1:
            made = [{"name": name, "title": name} for name in model.target.names]
        else:
            made = [{"name": "answer", "title": f"the answer, {model.target.names[0]}"}]
        last = len(course.network.layers)
        neurons = [one for one in self._drawn.told["neurons"] if 0 < one["layer"] < last]
        return [
            *made,
            *(
                {"name": one["address"], "title": self._titled(one["address"], "neuron", "")}
                for one in neurons
            ),
        ]

    def _titled(self, address: str, what: str, otherwise: str) -> str:
        """Return what a neuron is called where it is drawn: o1 of an article's, else its name or its address."""
        named = {one["address"]: one["name"] for one in self._drawn.told["neurons"]}
        return f"{what} {named.get(address) or otherwise or address}"

    @cached_property
    def _answers(self) -> tuple[str, ...]:
        model = self._course.reads
        return self._course.outputs if model is None else tuple(model.target.names)

    def _place(self, show: str) -> int:
        if show == "answer":
            return 0
        if show not in self._answers:
            raise SettingsError(f"there is no answer {show!r}; {suggestion(show, list(self._answers))}")
        return self._answers.index(show)

    def _answer(self, show: str, grid: PlaneGrid, parameters: FloatArray) -> Heights:
        course, model, place = self._course, self._course.reads, self._place(show)
        shape = (len(grid.y), len(grid.x))
        mean = course.engine.predict(course.network, parameters, grid.rows).mean(axis=0).astype(np.float64)
        name = self._answers[place]
        if model is None:
            title = self._titled(f"a[{len(course.network.layers)}][{place + 1}]", "output", name)
            return Heights("number", title, name, mean[:, place].reshape(1, *shape))
        made = of_target(model.answer_of(mean), place)
        if made.codes is None:
            numbers = np.asarray(made.labels, np.float64).reshape(1, *shape)
            return Heights("number", name, name, numbers)
        return self._classes(name, made, place, shape)

    def _classes(self, name: str, made: Prediction, place: int, shape: tuple[int, int]) -> Heights:
        assert self._course.reads is not None
        assert made.codes is not None
        labels = tuple(map(str, self._course.reads.target.parts[place].labels))
        codes = np.asarray(made.codes, np.int64)
        each = np.eye(len(labels))[codes] if made.probabilities is None else np.asarray(made.probabilities)
        values = each.T.reshape(-1, *shape)
        if len(labels) == 2:
            title = f"probability of {name} = {labels[1]}"
            return Heights("share", title, "probability", values[1:], labels, codes.reshape(shape))
        if len(labels) > MOST_SHARES:
            values = values.max(axis=0, keepdims=True)
        return Heights("classes", f"the class of {name}", "probability", values, labels, codes.reshape(shape))

    def _neuron(self, show: str, grid: PlaneGrid, parameters: FloatArray, member: int) -> Heights:
        address = Address.parse(show)
        layer, network = address.layer, self._course.network
        if address.name != "a" or not layer or layer > len(network.layers) or len(address.index) != 1:
            raise SettingsError(f"{show} is no neuron: name one such as a[1][1]")
        j = address.index[0]
        if not 1 <= j <= network.sizes[layer]:
            raise SettingsError(f"{show}: layer {layer} has {network.sizes[layer]} neurons")
        flat = parameters[min(member, len(parameters) - 1)]
        values = self._activations(flat, grid.rows)[layer - 1][:, j - 1]
        return Heights(
            "neuron", self._titled(show, "neuron", ""), show, values.reshape(1, len(grid.y), len(grid.x))
        )

    def _activations(self, flat: FloatArray, rows: FloatArray) -> list[FloatArray]:
        """Return every layer's activations (n, n_out) of a member for rows, as a trace has them."""
        course = self._course
        with np.errstate(all="ignore"):
            record = course.network.forward(course.layout.unflatten(np.asarray(flat, np.float64)), rows, np)
        return [layer.a for layer in record.layers]

    def _heats(
        self, axes: tuple[PlaneAxis, ...], row: int | None, parameters: FloatArray, member: int
    ) -> dict[str, Any]:
        """Return a small picture of each neuron that is drawn, in shares of -127 to 127 of its largest number."""
        side = min(SMALL_SIDE, self._side(True, 1))
        grid = self._grid(axes, row, side)
        layers = self._activations(parameters[min(member, len(parameters) - 1)], grid.rows)
        shape = (len(grid.y), len(grid.x))
        each = [
            (grid.rows if layer == 0 else layers[layer - 1])[:, j].reshape(shape)
            for layer, j in self._drawn.neurons
        ]
        found = np.array(each).reshape(-1, *shape)
        most = np.max(np.abs(np.where(np.isfinite(found), found, 0.0)), axis=(1, 2), initial=0.0)
        shares = np.nan_to_num(127 * found / np.where(most > 0, most, 1.0)[:, None, None])
        return {
            "pictures": packed_as(np.rint(shares), "int8"),
            "largest": [number_or_none(float(one)) for one in most],
        }

    # ---- the rows

    def _points(self, axes: tuple[PlaneAxis, ...], show: str) -> dict[str, Any]:
        """Return rows as points, with their numbers, the part they belong to, and their class or number of the target."""
        course, model = self._course, self._course.reads
        known = np.isfinite(axes[0].rows) & np.isfinite(axes[1].rows)
        rows = np.flatnonzero(known)
        chosen = rows[
            np.unique(np.linspace(0, max(0, len(rows) - 1), min(MOST_POINTS, len(rows))).astype(np.int64))
        ]
        place = 0 if "[" in show else self._place(show)
        truth = course.data.y[chosen, min(place, course.data.y.shape[1] - 1)].astype(np.float64)
        if model is not None and course.rows is not None:
            kept = chosen < course.rows.n_rows
            truth[kept] = _truth(model.target.parts[place], course.rows.take(chosen[kept]))
            for one, table in course.own_rows.items():
                truth[chosen == one] = _truth(model.target.parts[place], table)
        trained = np.isin(chosen, course.data.train)
        return {
            "rows": [int(course.numbers[one]) for one in chosen],
            "of": int(known.sum()),
            "x": [float(axes[0].rows[one]) for one in chosen],
            "y": [float(axes[1].rows[one]) for one in chosen],
            "training": trained.tolist(),
            "truth": [number_or_none(float(one)) for one in truth],
            "classes": [] if model is None else list(map(str, model.target.parts[place].labels or ())),
        }


def _truth(target: TargetEncoder, table: Table) -> FloatArray:
    """Return the class by number, or the number, that each row of a table has in a target, (n,)."""
    return np.asarray(target.codes(table) if target.n_classes else target.numbers(table), np.float64)


def _lines(found: Heights, grid: PlaneGrid) -> list[tuple[str, Sequence[tuple[float, float]]]]:
    """Return the lines that part classes, or those of equal height, each with what stands on it."""
    values, x, y = found.values, grid.x, grid.y
    if len(x) < 2 or len(y) < 2:
        return []
    if found.kind == "share":
        assert found.codes is not None
        # A threshold of one's own parts classes elsewhere than at one half.
        plain = bool(np.all((values[0] > 0.5) == (found.codes == 1)))
        return _traced(x, y, values[0] if plain else found.codes, [0.5], [""])
    if found.kind == "classes":
        assert found.codes is not None
        made: list[tuple[str, Sequence[tuple[float, float]]]] = []
        for i in np.unique(found.codes):
            if len(values) > 1 and np.array_equal(values.argmax(axis=0), found.codes):
                height = values[i] - np.delete(values, i, axis=0).max(axis=0)
                made += _traced(x, y, height, [0.0], [""])
            else:
                made += _traced(x, y, found.codes == i, [0.5], [""])
        return made
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if not np.isfinite(high - low) or high <= low:
        return []
    levels = [float(level) for level in linear_ticks(low, high, LEVELS)]
    return _traced(x, y, values[0], levels, [short_number(level) for level in levels])


def _traced(
    x: FloatArray, y: FloatArray, heights: Any, levels: Sequence[float], labels: Sequence[str]
) -> list[tuple[str, Sequence[tuple[float, float]]]]:
    made = contours(x, y, np.asarray(heights, np.float64), levels)
    words = dict(zip(levels, labels, strict=True))
    return [
        (words[level], list(zip(xs, ys, strict=True)))
        for level, xs, ys in zip(made.levels, made.x, made.y, strict=True)
    ]
