"""Moves that train: some epochs with a table of what changes, several networks side by side, Rosenblatt's verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import SettingsError
from chainrule.explain.derive.grid import Grid
from chainrule.explain.show.document import Block, Picture, Words
from chainrule.lessons.fields import Field, listing, toml_flag, toml_number, toml_text, toml_whole
from chainrule.lessons.moves.base import Move, MoveResult, Scene
from chainrule.lessons.moves.pictures import curves_picture
from chainrule.lessons.numbers import Numbers, mistakes
from chainrule.lessons.setup import Setup
from chainrule.plots.chart import Chart
from chainrule.plots.kinds.curves import curves_chart
from chainrule.training.scores.baselines import linearly_separable

MOST_EPOCHS = 1_000_000

POINTS = 60
"""How many points the curves of trainings have, besides where they begin."""

FEWEST = 5
"""The fewest points of a curve of the cost."""

HEIGHT = 15
"""The lines of their picture."""


def milestones(last: int) -> tuple[int, ...]:
    """Return where a table of a training has its lines: 1, 2, 5, 10, 20, … and the last.

    >>> milestones(30)
    (1, 2, 5, 10, 20, 30)
    """
    marks = {unit * 10**power for power in range(7) for unit in (1, 2, 5)}
    return tuple(sorted({mark for mark in marks if mark < last} | {last}))


def train_network(scene: Scene) -> MoveResult:
    """Train on, and show what is asked for as it changes."""
    setup = scene.setup
    if (scene["epochs"] is None) == (scene["steps"] is None):
        raise SettingsError("give epochs, or steps for single updates")
    of_epochs = {"patience": scene["patience"], "until_right": scene["until_right"]}
    if scene["steps"] and any(of_epochs.values()):
        raise SettingsError(f"{' and '.join(of_epochs)} are for epochs; give those instead of steps")
    if scene["tolerance"] and not scene["patience"]:
        raise SettingsError("tolerance says what patience waits for; give patience, too")
    columns = tuple(scene["columns"])
    last = scene["epochs"] or scene["steps"]
    unit = "epoch" if scene["epochs"] else "update"
    begun = setup.epochs if scene["epochs"] else setup.state.t
    _check_shown(scene["show"], begun, last, unit)
    marks = frozenset(scene["show"] or (begun + mark for mark in milestones(last)))
    drawn = _drawn_epochs(begun, scene["epochs"] or 0)
    lines: list[tuple[str, ...]] = []
    costs = {begun: setup.cost(setup.training)}

    def note(made: int) -> None:
        numbers = Numbers(setup, scene["rows"])
        lines.append((str(made), *(scene.number(numbers[name]) for name in columns)))

    def watch(epoch: int) -> bool:
        if epoch in drawn:
            costs[epoch] = setup.cost(setup.training)
        done = scene["until_right"] and mistakes(setup, setup.training) == 0
        if epoch in marks or done:
            note(epoch)
        return bool(done)

    note(begun)
    words = ""
    if scene["steps"]:
        for made in range(1, scene["steps"] + 1):
            setup.step()
            if begun + made in marks:
                note(begun + made)
    else:
        stops = {"patience": scene["patience"], "tolerance": scene["tolerance"]}
        watched = None if scene["until_right"] else marks | drawn
        stopped = setup.train(scene["epochs"], **stops, watch=watch, marks=watched)
        if lines[-1][0] != str(setup.epochs):
            note(setup.epochs)
        words = _ending(scene, stopped)
    blocks: list[Block] = [Grid((unit, *columns), tuple(lines))]
    blocks += [Words(words)] if words else []
    if len(costs) >= FEWEST:
        blocks.append(Picture(cost_chart(costs)))
    return MoveResult(blocks)


def _drawn_epochs(begun: int, epochs: int) -> frozenset[int]:
    """Return at which epochs the cost is taken for its curve: at most every tenth, and none where those would be few."""
    count = min(POINTS, epochs // 10)
    return (
        frozenset(begun + round(n * epochs / count) for n in range(1, count + 1))
        if count >= FEWEST
        else frozenset()
    )


def cost_chart(costs: Mapping[int, float], unit: str = "epoch") -> Chart:
    """Return the curve of a cost over the epochs or updates after which it was taken."""
    title = f"The cost, {unit} by {unit}"
    return curves_chart(
        {"cost": list(costs.values())}, x=list(costs), title=title, x_label=unit, y_label="cost"
    )


def _check_shown(show: Sequence[int] | None, begun: int, last: int, unit: str) -> None:
    for mark in show or ():
        if not begun < mark <= begun + last:
            raise SettingsError(f"show: {mark} is none of this step's {unit}s, {begun + 1} to {begun + last}")


def _ending(scene: Scene, stopped: str) -> str:
    """Say why a training ended, where that is news."""
    epochs, setup = scene.setup.epochs, scene.setup
    if stopped == "early stopping":
        fallen = f" by more than {scene['tolerance']:g}" if scene["tolerance"] else ""
        waited = f"{scene['patience']} epoch{'s' * (scene['patience'] != 1)}"
        return f"Stopped after epoch {epochs}: in {waited} the cost had not fallen{fallen}."
    if not scene["until_right"]:
        return ""
    wrong = mistakes(setup, setup.training)
    if not wrong:
        return f"All {len(setup.training)} rows are right after epoch {epochs}, so the rule changes nothing any more."
    return f"After {epochs} epochs {wrong} of {len(setup.training)} rows are still wrong."


def compare_trainings(scene: Scene) -> MoveResult:
    """Train several networks equally long, and show one number of each side by side."""
    names: Sequence[str] = scene["networks"]
    for name in names:
        if name not in scene.setups:
            raise SettingsError(f"there is no network {name!r}; there are {', '.join(scene.setups)}")
    _check_shown(scene["show"], 0, scene["epochs"], "epoch")
    marks = scene["show"] or milestones(scene["epochs"])
    drawn = tuple(sorted({round(n * scene["epochs"] / POINTS) for n in range(1, POINTS + 1)} - {0}))
    looked_at = sorted({*marks, *(drawn if scene["curves"] else ()), scene["epochs"]})
    found = {
        name: dict(zip((0, *looked_at), _values(scene.setups[name], looked_at, scene["number"]), strict=True))
        for name in names
    }
    rows = tuple(
        (str(epoch), *(scene.number(column[epoch]) for column in found.values())) for epoch in (0, *marks)
    )
    blocks: list[Block] = [Grid(("epoch", *names), rows, caption=scene["number"])]
    if scene["curves"]:
        x = np.array((0, *drawn), np.float64)
        curves = {name: np.array([column[epoch] for epoch in (0, *drawn)]) for name, column in found.items()}
        title = f"{scene['number']} of {', '.join(names)}"
        chart = curves_chart(curves, x=x.tolist(), title=title, y_label=scene["number"])
        how: dict[str, Any] = {"labels": ("epochs", scene["number"]), "lines": HEIGHT, "chart": chart}
        blocks.append(curves_picture(x, curves, number=scene.number, **how))
    known = {f"{name}.{scene['number']}": column[scene["epochs"]] for name, column in found.items()}
    return MoveResult(blocks, known)


def _values(setup: Setup, marks: Sequence[int], name: str) -> list[float]:
    """Train a network, and return a number of it at the beginning and after the epochs ``marks``."""
    begun = setup.epochs
    found = [Numbers(setup)[name]]

    def watched(epoch: int) -> bool:
        found.append(Numbers(setup)[name])
        return False

    setup.train(marks[-1], watch=watched, marks=[begun + mark for mark in marks])
    return found


def separable(scene: Scene) -> MoveResult:
    """Say whether any line, plane … parts the two classes: whether one neuron can learn them."""
    setup = scene.setup
    if setup.y is None or setup.y.shape[1] != 1:
        raise SettingsError("whether classes can be parted is asked of one output with targets 0 and 1")
    y = (setup.y[setup.training, 0] > 0.5).astype(int)
    found = linearly_separable(setup.x[setup.training], y)
    what = {1: "point", 2: "line", 3: "plane"}.get(setup.x.shape[1], "hyperplane")
    words = (
        f"A {what} parts the two classes, so one neuron can learn them, and Rosenblatt's rule finds such a {what} "
        "after finitely many corrections."
        if found
        else f"No {what} parts the two classes, so no single neuron can learn them: whatever its weights, at least "
        "one row stays wrong."
    )
    return MoveResult([Words(words)], {"separable": float(found)})


TRAINING: dict[str, Move] = {
    "train": Move(
        train_network,
        {
            "epochs": Field(toml_whole(1, MOST_EPOCHS), "how many times all training rows are gone through"),
            "steps": Field(toml_whole(1, MOST_EPOCHS), "how many single updates are made, instead of epochs"),
            "columns": Field(listing(toml_text), "names of the numbers in the table", ("cost",)),
            "show": Field(
                listing(toml_whole(1)), "which epochs or updates have a line, from the lesson's beginning"
            ),
            "patience": Field(toml_whole(1), "stop when the cost has not fallen for so many epochs"),
            "tolerance": Field(toml_number, "what counts as fallen: by more than this", 0.0),
            "until_right": Field(toml_flag, "stop when no row is in the wrong class", False),
        },
        trains=True,
    ),
    "compare": Move(
        compare_trainings,
        {
            "networks": Field(listing(toml_text, least=2), "names of the networks", required=True),
            "epochs": Field(toml_whole(1, MOST_EPOCHS), "how long each is trained", required=True),
            "number": Field(toml_text, "the name of the number that is shown", "cost"),
            "show": Field(listing(toml_whole(1)), "which of these epochs have a line"),
            "curves": Field(toml_flag, "the same as a picture of curves", False),
        },
        numbers=r".+\..+",
        trains=True,
    ),
    "separable": Move(separable, numbers="separable"),
}
