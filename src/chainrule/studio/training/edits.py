"""What can be changed in a training by hand: a number, a frozen mark, a setting, a layer's activation, cells of a row, a row.

An edit takes a draft, a course whose ``start`` is where one stands, to another one; nothing of the draft itself changes, so the
training that it comes from stays what it was.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._numbers import number_text
from chainrule._types import FloatArray
from chainrule.equations.activations import ACTIVATIONS, activation
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout, TabMLayout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.explain.trace.address import PARAMETERS, Address
from chainrule.studio.training.course import Course, course_from
from chainrule.studio.training.edited_rows import cells_set, row_added
from chainrule.tables.table import suggestion
from chainrule.training.settings.fields import listed
from chainrule.training.settings.record import Settings

MOST_EDITS = 200
"""The most edits of one command, and of one branch."""


@dataclass(frozen=True)
class Edited:
    """An edit that was made: in words, with the address it is about (None where it is about none), and what was and is there.

    ``about``: what of; ``row``: the row that it is in; ``structural``: the network is drawn otherwise, or there is another row.
    """

    about: str
    address: str | None
    old: str
    new: str
    row: int | None = None
    structural: bool = False

    @property
    def words(self) -> str:
        """What was done."""
        if not self.old:
            return f"{self.about} {self.new}"
        return f"{self.about} from {_short(self.old)} to {_short(self.new)}"


def _short(text: str) -> str:
    """Return a number that is told in all its digits with fewer."""
    try:
        return number_text(float(text))
    except ValueError:
        return text


def as_one_edit(edits: Sequence[Edited]) -> list[Edited]:
    """Return edits where those about the same are one, from what stood there first to what stands there now."""
    found: dict[str, Edited] = {}
    for one in edits:
        first = found.pop(one.about, one)
        found[one.about] = replace(one, old=first.old)
    return [one for one in found.values() if one.old != one.new] or list(found.values())


Change = tuple[Course, Edited]


def edited(course: Course, edits: Sequence[Mapping[str, Any]], member: int) -> tuple[Course, list[Edited]]:
    """Return the training that begins where a course does, with edits made one after the other; ``member`` is from 0.

    Raises SettingsError or TableError for what can't be.
    """
    if not 0 < len(edits) <= MOST_EDITS:
        raise SettingsError(f"{len(edits)} edits: give 1 to {MOST_EDITS} at once")
    made = []
    for edit in _one_by_one(edits):
        course, one = _KINDS[str(edit["kind"])](course, edit, member)
        made.append(one)
    return course_from(course), made


def _one_by_one(edits: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield edits, of several cells of a row each by itself, so that each can be told of by itself."""
    for edit in edits:
        if edit["kind"] == "cells" and edit.get("cells"):
            yield from ({**edit, "cells": {name: cell}} for name, cell in edit["cells"].items())
        else:
            yield edit


# ---- a number


def _number(course: Course, edit: Mapping[str, Any], member: int) -> Change:
    place, value = _parameter(course, edit), edit.get("value")
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise SettingsError(f"{place} is set to a number, not to {value!r}")
    layout = course.layout
    old = member_rows_of(course)[member][layout.place(place.number, _own(place), "address")]
    start = np.array(course.start)
    if course.shares:
        start[0] = _shared(course, place, float(value), member)
    else:
        start[member, layout.place(place.number, _own(place), "address")] = value
    course = replace(course, start=start)
    new = member_rows_of(course)[member][layout.place(place.number, _own(place), "address")]
    return course, Edited(str(place), str(place), repr(float(old)), repr(float(new)))


def member_rows_of(course: Course) -> FloatArray:
    """Return the parameters (k, p) that each member begins with."""
    if not course.shares:
        return course.start
    return np.asarray(TabMLayout.of_theta(course.network, course.start).expand(course.start[0]))


def _shared(course: Course, place: Address, value: float, member: int) -> FloatArray:
    """Return what members share (q,) with one member's number set; where all have a weight together, theirs changes with it."""
    layout = TabMLayout.of_theta(course.network, course.start)
    theta = np.array(course.start[0])
    slot = layout.slot(place.number, place.name)
    index = tuple(i - 1 for i in place.index)
    if len(slot.shape) > len(index):
        theta[slot.start + int(np.ravel_multi_index((member, *index), slot.shape))] = value
        return theta
    if place.number and place.name == "W":
        i, j = index
        r, s = (layout.slot(place.number, name) for name in ("r", "s"))
        factor = theta[r.start + int(np.ravel_multi_index((member, i), r.shape))]
        factor = factor * theta[s.start + int(np.ravel_multi_index((member, j), s.shape))]
        if factor == 0:
            raise SettingsError(
                f"{place}: the member's factors of the shared weight are 0, whatever the weight; set another one"
            )
        value = value / factor
    theta[slot.start + int(np.ravel_multi_index(index, slot.shape))] = value
    return theta


def _parameter(course: Course, edit: Mapping[str, Any]) -> Address:
    """Return the address of one parameter; raises SettingsError for anything else."""
    place = replace(Address.parse(str(edit.get("address", ""))), step=None, row=None, member=None)
    if place.name not in PARAMETERS or place.is_whole:
        raise SettingsError(f"{place} can't be set: a weight or a bias can, such as W[1][1,2] or b[1][2]")
    if place.number >= len(course.network.layers) + 1:
        raise SettingsError(
            f"{place}: there is no layer {place.number}: choose 1 to {len(course.network.layers)}"
        )
    course.layout.place(place.number, _own(place), "address")
    return place


def _own(place: Address) -> str:
    return f"{place.name}[{','.join(map(str, place.index))}]"


# ---- a frozen mark


def _frozen(course: Course, edit: Mapping[str, Any], member: int) -> Change:
    place, frozen = _parameter(course, edit), bool(edit.get("frozen"))
    if not place.number:
        raise SettingsError(f"{place}: the feature stage can't be frozen; freeze parameters of a layer")
    layer = course.network.layers[place.number - 1]
    names = _frozen_names(course.layout, place.number, layer)
    was = _own(place) in names
    names = [name for name in names if name != _own(place)] + [_own(place)] * frozen
    course = _with_layer(course, place.number, replace(layer, frozen=tuple(names)))
    words = ("trained", "frozen")
    # The mark has an address of its own: the number there is what it was.
    return course, Edited(f"the mark of {place}", None, words[was], words[frozen])


def _frozen_names(layout: Layout, number: int, layer: Dense) -> list[str]:
    """Return what is frozen in a layer, each number by its own name."""
    names = []
    for slot in layout.slots:
        if slot.layer == number and layer.frozen:
            free = layout.free[slot.start : slot.stop].reshape(slot.shape)
            names += [
                f"{slot.name}[{','.join(str(i + 1) for i in at)}]" for at in np.argwhere(free == 0).tolist()
            ]
    return names


def _with_layer(course: Course, number: int, layer: Dense) -> Course:
    network = course.network
    layers = [*network.layers[: number - 1], layer, *network.layers[number:]]
    made = Network([network.n_inputs, *layers], network.loss, network.reduction, network.features)
    return replace(course, network=made)


# ---- an activation


def _activation(course: Course, edit: Mapping[str, Any], member: int) -> Change:
    number, name = edit.get("layer"), str(edit.get("name", ""))
    hidden = len(course.network.layers) - 1
    if not isinstance(number, int) or not 1 <= number <= hidden:
        if number == hidden + 1:
            raise SettingsError(
                "the output's activation goes with the loss, so it stays; change the activation of a hidden layer"
            )
        raise SettingsError(f"there is no hidden layer {number}: there are {hidden}")
    layer = course.network.layers[number - 1]
    if not re.fullmatch(r"\w+", name) or name not in ACTIVATIONS:
        known = [key for key, record in ACTIVATIONS.items() if not record.output_only]
        raise SettingsError(f"there is no activation {name!r}; {suggestion(name, known, 'activations')}")
    old = layer.activation.spec
    course = _with_layer(course, number, replace(layer, activation=activation(name)))
    return course, Edited(f"the activation of layer {number}", None, old, name, structural=True)


# ---- a setting


def _setting(course: Course, edit: Mapping[str, Any], member: int) -> Change:
    name, value = str(edit.get("name", "")), edit.get("value")
    if name not in _SETTINGS:
        raise SettingsError(
            f"{name!r} can't be set on the way; {suggestion(name, list(_SETTINGS), 'settings')}"
        )
    known = {one.name: one for one in listed(Settings)}
    if isinstance(value, float) and value.is_integer() and name in ("batch_size", "epochs"):
        value = int(value)
    known[name].check(value)
    old, change = _SETTINGS[name]
    before, course = old(course), change(course, value)
    after = old(course)
    return course, Edited(name.replace("_", " "), _ADDRESSES.get(name), _told(before), _told(after))


def _told(value: Any) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


_ADDRESSES = {"learning_rate": "eta"}


def _of_plan(name: str) -> tuple[Callable[[Course], Any], Callable[[Course, Any], Course]]:
    return (
        lambda course: getattr(course.plan, name),
        lambda course, value: replace(course, plan=replace(course.plan, **{name: _needed(name, value)})),
    )


def _without_more_waves(
    name: str,
) -> tuple[Callable[[Course], Any], Callable[[Course, Any], Course]]:
    """Return what reads and sets a setting of the plan with which a course has exactly its epochs."""
    get, change = _of_plan(name)

    def changed(course: Course, value: Any) -> Course:
        course = change(course, value)
        return replace(course, plan=course.plan.exactly(course.plan.epochs))

    return get, changed


def _of_steps(
    name: str, otherwise: Any = 0.0
) -> tuple[Callable[[Course], Any], Callable[[Course, Any], Course]]:
    def change(course: Course, value: Any) -> Course:
        return replace(
            course, settings=replace(course.settings, **{name: otherwise if value is None else value})
        )

    return lambda course: getattr(course.settings, name), change


def _needed(name: str, value: Any) -> Any:
    if value is None:
        raise SettingsError(f"{name.replace('_', ' ')} is a number: give one")
    return value


def _optimizer_of(course: Course, value: Any) -> Course:
    method = optimizer(str(value))
    if method.searches:
        raise SettingsError(f"{method.name} takes no steps that can be shown; choose sgd, momentum or adam")
    return replace(course, settings=replace(course.settings, optimizer=method))


def _dropout(course: Course) -> float:
    return max((layer.dropout for layer in course.network.layers), default=0.0)


def _with_dropout(course: Course, value: Any) -> Course:
    for number, layer in enumerate(course.network.layers[:-1], 1):
        course = _with_layer(course, number, replace(layer, dropout=float(_needed("dropout", value))))
    return course


_SETTINGS: Mapping[str, tuple[Callable[[Course], Any], Callable[[Course, Any], Course]]] = {
    "learning_rate": _of_plan("learning_rate"),
    # Who says how long it takes means just that.
    "epochs": _without_more_waves("epochs"),
    "patience": _of_plan("patience"),
    "early_stopping": _without_more_waves("early_stopping"),
    "clip_norm": _of_steps("clip_norm", None),
    "l1": _of_steps("l1"),
    "l2": _of_steps("l2"),
    "weight_decay": _of_steps("weight_decay"),
    "batch_size": _of_steps("batch_size", 32),
    "optimizer": (lambda course: course.settings.optimizer.spec, _optimizer_of),
    "dropout": (_dropout, _with_dropout),
}
"""The settings that can be changed on the way: how each is read from a course, and set in one."""


def changeable_settings() -> dict[str, Callable[[Course], Any]]:
    """Return by its name how each setting that can be changed on the way is read from a course."""
    return {name: own for name, (own, _) in _SETTINGS.items()}


# ---- rows


def _cells(course: Course, edit: Mapping[str, Any], member: int) -> Change:
    number, cells = edit.get("row"), _cells_of(edit)
    if number not in course.places:
        raise SettingsError(f"row {number} is none of the rows that are trained on or watched")
    made, changes = cells_set(course, course.places[number], cells)
    ((name, old, new),) = changes
    return made, Edited(f"row {number}: {name}", None, old, new, row=number)


def _added(course: Course, edit: Mapping[str, Any], member: int) -> Change:
    like = edit.get("row")
    if like is not None and like not in course.places:
        raise SettingsError(f"row {like} is none of the rows that are trained on or watched")
    made = row_added(course, None if like is None else course.places[like], edit.get("cells") or {})
    number = int(made.numbers[-1])
    return made, Edited(f"row {number}", None, "", "is added", row=number, structural=True)


def _cells_of(edit: Mapping[str, Any]) -> Mapping[str, Any]:
    cells = edit.get("cells")
    if not cells:
        raise SettingsError("no cell is named: give one or more by the names of their columns")
    found: Mapping[str, Any] = cells
    return found


_KINDS: Mapping[str, Callable[[Course, Mapping[str, Any], int], Change]] = {
    "number": _number,
    "frozen": _frozen,
    "activation": _activation,
    "setting": _setting,
    "cells": _cells,
    "row": _added,
}
