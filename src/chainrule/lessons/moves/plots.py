"""Moves that draw, with signs and as plots: the plane with its two sides, the cost as a landscape with the path of descent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.errors import SettingsError
from chainrule.explain.costs import costs_of
from chainrule.explain.curve import cost_curve
from chainrule.explain.line import cost_line
from chainrule.explain.show.curve import curve_blocks
from chainrule.explain.show.document import Picture, Plot
from chainrule.explain.show.line import line_blocks
from chainrule.lessons.fields import Field, Where, listing, toml_text, toml_whole
from chainrule.lessons.moves.base import Move, MoveResult, Scene
from chainrule.lessons.moves.pictures import COLUMNS, LINES, Ends, framed, read_ends
from chainrule.lessons.setup import Setup
from chainrule.plots.chart import Chart
from chainrule.plots.kinds.boundary import boundary_chart
from chainrule.plots.kinds.mountain import mountain_chart
from chainrule.plots.kinds.surface import surface_chart

HEIGHTS = 10
"""How many bands of height a landscape has; every other one is filled with its number, from 0 on."""

DEEPEST = 1e-4
"""Where the cost is less than this part of the highest, the ground is level: at a minimum its logarithm has none."""

FINE = 41
"""The places that a plot has on each axis."""

OFF = 1e-9
"""Which part of the surface's height a step may be off it before stems show that."""

CLASSES = ".#*+"
POINTS = "oxvz"


def plane(scene: Scene) -> MoveResult:
    """Draw which class the network answers at every point of a plane, with the rows as points in it."""
    setup = scene.setup
    if setup.network.n_inputs != 2:
        raise SettingsError(f"the plane needs 2 inputs; network {setup.name!r} has {setup.network.n_inputs}")
    across, up = _span(scene, "across", setup.x[:, 0]), _span(scene, "up", setup.x[:, 1])
    answers = _classes(setup.outputs(_points(across, up)))
    if answers.max() >= len(CLASSES):
        raise SettingsError(f"the picture has signs for {len(CLASSES)} classes")
    signs = [[CLASSES[answer] for answer in line] for line in answers.reshape(LINES, COLUMNS)]
    targets = [] if setup.y is None else _classes(setup.y).tolist()
    for row, target in enumerate(targets):
        _put(signs, setup.x[row], across, up, POINTS[target])
    many = setup.network.output.n_out > 1
    last = max([*answers.tolist(), *targets, max(setup.network.output.n_out, 2) - 1])
    names = list(setup.class_names) or [f"output {c + 1}" if many else f"class {c}" for c in range(last + 1)]
    key = "answers: " + ", ".join(map("{} {}".format, CLASSES, names))
    if targets:
        key += "; rows: " + ", ".join(map("{} {}".format, POINTS, names))
    inputs = tuple(map(scene.name, setup.input_names))
    chart = _boundary(setup, across, up, names, targets, tuple(map(scene.small, setup.input_names)))
    return _picture(scene, signs, across, up, inputs, key, (chart,))


def _boundary(
    setup: Setup,
    across: Ends,
    up: Ends,
    classes: Sequence[str],
    targets: Sequence[int],
    names: tuple[str, ...],
) -> Chart:
    """Return the answers over the plane as a plot: probabilities where all are, else the class alone."""
    x, y, points = _fine(across, up)
    values = setup.outputs(points)
    if values.shape[1] == 1:
        values = np.concatenate([1 - values, values], axis=1)
    is_share = values.min() >= 0 and values.max() <= 1
    answers = values if is_share else np.eye(values.shape[1])[np.argmax(values, axis=1)]
    rows = (*setup.x.T, list(targets)) if targets else None
    shape = len(y), len(x), len(classes)
    return boundary_chart(
        x,
        y,
        answers.reshape(shape),
        x_name=names[0],
        y_name=names[1],
        classes=classes,
        points=rows,
        title=f"The answer over {names[0]} and {names[1]}",
    )


def surface(scene: Scene) -> MoveResult:
    """Draw the cost over two parameters as a landscape, and the path that training takes in it; trains on."""
    setup = scene.setup
    names = scene["parameters"]
    places = [_place(setup, name) for name in names]
    across, up = scene["across"], scene["up"]
    flats = np.repeat(setup.flat[None], COLUMNS * LINES, axis=0)
    flats[:, places] = _points(across, up)
    costs = _costs(setup, flats)
    heights = np.log(np.maximum(costs, DEEPEST * np.max(costs)) + 1e-300)
    levels = np.floor((heights - heights.min()) / (np.ptp(heights) or 1.0) * (HEIGHTS - 1) + 0.5).astype(int)
    marks = [" " if level % 2 else str(level) for level in range(HEIGHTS)]
    signs = [[marks[level] for level in line] for line in levels.reshape(LINES, COLUMNS)]
    begun = setup.flat
    path = [begun]

    def watch(_: int) -> bool:
        path.append(setup.flat)
        return False

    setup.train(scene["epochs"], watch=watch)
    for point, sign in zip(path, f"A{'o' * (len(path) - 2)}Z", strict=True):
        _put(signs, point[places], across, up, sign)
    deep = max(float(costs.min()), DEEPEST * float(costs.max()))
    key = (
        f"heights of the cost from 0 ({deep:.2g} or less) to {HEIGHTS - 1} ({costs.max():.2g}), every other one blank; "
        f"the path from A to Z, o after each of {scene['epochs']} epochs"
    )
    charts = _landscape(setup, places, across, up, np.array(path), tuple(map(scene.small, names)), begun)
    return _picture(scene, signs, across, up, tuple(map(scene.name, names)), key, charts)


def _landscape(
    setup: Setup,
    places: Sequence[int],
    across: Ends,
    up: Ends,
    path: FloatArray,
    names: tuple[str, ...],
    begun: FloatArray,
) -> tuple[Chart, Chart]:
    """Return the cost over two parameters with the path (steps, parameters) over it: from above, and as a surface.

    The surface is a slice through where the training began, ``begun``; what the path is off it by is drawn.
    """
    x, y, points = _fine(across, up)

    def costs(flats: FloatArray, values: FloatArray) -> FloatArray:
        flats = flats.copy()
        flats[:, places] = values
        return _costs(setup, flats)

    heights = costs(np.repeat(begun[None], len(points), axis=0), points).reshape(len(y), len(x))
    seen = path[:, places]
    inside = np.all((seen >= [across[0], up[0]]) & (seen <= [across[1], up[1]]), axis=1)
    steps = seen[inside]
    named: dict[str, Any] = {"x_name": names[0], "y_name": names[1]}
    away = "" if inside.all() else f"{int((~inside).sum())} steps lie outside."
    above = mountain_chart(
        x, y, heights, path=tuple(steps.T), title="The cost from above", note=away, **named
    )
    true = _costs(setup, path[inside])
    on = costs(np.repeat(begun[None], len(steps), axis=0), steps)
    off = np.max(np.abs(true - on)) > OFF * float(np.ptp(heights))
    exact = "The network has these two parameters alone: the surface is the whole truth."
    return above, surface_chart(
        x,
        y,
        heights,
        path=(*steps.T, true),
        on_surface=on if off else None,
        title="The cost as a surface",
        note=exact if setup.layout.size == len(places) else "",
        **named,
    )


def over_one_weight(scene: Scene) -> MoveResult:
    """Draw the cost over one parameter with the others held, its tangent, and where the next step lands; makes no step."""
    trace = scene.setup.trace(scene["rows"])
    curve = cost_curve(trace, scene["parameter"], ends=scene["across"])
    known = {"landing": curve.landing, "landing_cost": curve.landing_cost, "tangent_cost": curve.tangent_cost}
    return MoveResult(curve_blocks(curve, scene.digits, scene.naming), {**known, "slope": curve.slope})


def along_the_step(scene: Scene) -> MoveResult:
    """Draw the cost along the gradient, or along the step itself, with what the gradient foretells of it; makes no step."""
    line = cost_line(scene.setup.trace(scene["rows"]), along=scene["along"])
    known = {"landing": line.landing, "landing_cost": line.landing_cost, "foretold": line.foretold}
    return MoveResult(line_blocks(line, scene.digits, scene.naming), {**known, "slope": line.slope})


def _points(across: Ends, up: Ends) -> FloatArray:
    """Return the points (k, 2) of a picture's signs, line by line from above."""
    axes = np.linspace(*across, COLUMNS), np.linspace(*up[::-1], LINES)
    return np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)


def _fine(across: Ends, up: Ends) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the places of a plot on both axes (`FINE`,), and its points (`FINE`², 2) row by row from below."""
    x, y = np.linspace(*across, FINE), np.linspace(*up, FINE)
    return x, y, np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _span(scene: Scene, key: str, values: FloatArray) -> Ends:
    """Return the ends of an axis: as given, or the rows' with a margin."""
    if scene[key]:
        low, high = scene[key]
        return low, high
    low, high = float(values.min()), float(values.max())
    margin = (high - low or 1.0) / 4
    return low - margin, high + margin


def _classes(values: FloatArray) -> FloatArray:
    one = values.shape[1] == 1
    return (values[:, 0] > 0.5).astype(int) if one else np.argmax(values, axis=1)


def _put(signs: list[list[str]], point: FloatArray, across: Ends, up: Ends, sign: str) -> None:
    column = round((float(point[0]) - across[0]) / (across[1] - across[0]) * (COLUMNS - 1))
    line = round((up[1] - float(point[1])) / (up[1] - up[0]) * (LINES - 1))
    if 0 <= column < COLUMNS and 0 <= line < LINES:
        signs[line][column] = sign


def _picture(
    scene: Scene,
    signs: list[list[str]],
    across: Ends,
    up: Ends,
    names: Sequence[str],
    key: str,
    charts: Sequence[Chart],
) -> MoveResult:
    """Return a picture in signs, which pages draw as the first of the charts, and the others beside it."""
    lines = framed(signs, across, up, scene.number)
    made = Plot(lines, f"{names[0]} to the right, {names[1]} up; {key}", charts[0])
    return MoveResult([made, *map(Picture, charts[1:])])


def _place(setup: Setup, name: str) -> int:
    known = list(setup.parameters())
    if name not in known:
        raise SettingsError(f"{name!r} is no parameter; there are {', '.join(known[:12])}")
    return known.index(name)


def _costs(setup: Setup, flats: FloatArray) -> FloatArray:
    """Return the cost (k,) of the training rows for many parameters (k, p)."""
    y = setup.targets("the cost needs")[setup.training]
    return costs_of(setup.layout, flats, setup.x[setup.training], y)


def _way(value: Any, where: Where) -> str:
    found = toml_text(value, where)
    if found not in ("gradient", "step"):
        raise where.wrong(f"{found!r} is unknown: choose gradient or step")
    return found


def _two(value: Any, where: Where) -> tuple[str, str]:
    found = listing(toml_text)(value, where)
    if len(found) != 2 or found[0] == found[1]:
        raise where.wrong(f"{list(found)} must be two addresses, such as W[1][1,1] and W[1][2,1]")
    return found[0], found[1]


PLOTS: dict[str, Move] = {
    "curve": Move(
        over_one_weight,
        {
            "parameter": Field(toml_text, "the address of the parameter", required=True),
            "across": Field(read_ends, "the ends of its axis; some steps to either side if not given"),
        },
        "landing|landing_cost|tangent_cost|slope",
    ),
    "line": Move(
        along_the_step,
        {
            "along": Field(
                _way, "`gradient`: plain descent's step; or `step`: the optimizer's own", "gradient"
            )
        },
        "landing|landing_cost|foretold|slope",
    ),
    "plane": Move(
        plane,
        {
            "across": Field(read_ends, "the ends of the first input's axis; around the rows if not given"),
            "up": Field(read_ends, "the ends of the second input's axis"),
        },
    ),
    "surface": Move(
        surface,
        {
            "parameters": Field(_two, "addresses of the two parameters", required=True),
            "across": Field(read_ends, "the ends of the first parameter's axis", required=True),
            "up": Field(read_ends, "the ends of the second parameter's axis", required=True),
            "epochs": Field(toml_whole(1, 10_000), "how long the path is", 20),
        },
        trains=True,
    ),
}
