"""The controls of the page, made from the settings' own fields, and what comes back from them.

No control reads a file: which table it is, is said on the command line alone. What is refused is refused by the settings
themselves, in the words of the form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chainrule._doors import FORM
from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.initializers import INITIALIZERS
from chainrule.equations.losses import LOSSES
from chainrule.equations.optimizers import OPTIMIZERS
from chainrule.equations.schedules import SCHEDULES, STRENGTHS
from chainrule.errors import SettingsError
from chainrule.fitting.question import Question
from chainrule.studio.training.course import LESSON_EPOCHS, Course
from chainrule.studio.training.opening import SMALL, asked_of, course_of
from chainrule.tables.kinds import INPUT_KINDS
from chainrule.tables.table import suggestion
from chainrule.training.settings.fields import Setting, listed
from chainrule.training.settings.record import Settings

FIRST = (
    "target", "inputs", "hidden", "activation", "loss", "optimizer", "learning_rate", "batch_size", "epochs", "l2",
    "weight_decay", "dropout", "seed",
)  # fmt: skip
"""What a page shows at once; the rest is folded away."""

NOT_HERE = (
    "test_file", "teacher", "weights_from", "time_limit", "search", "refit", "initial", "frozen", "rate_factors", "recipe",
    "weights", "kinds",
)  # fmt: skip
"""What has no control: it reads a file, needs a clock or trains twice, has a place of its own, or is told by address."""

NAMES: Mapping[str, Mapping[str, Any]] = {
    "activation": ACTIVATIONS, "output_activation": ACTIVATIONS, "init": INITIALIZERS, "loss": LOSSES, "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES, "regularization_schedule": STRENGTHS,
}  # fmt: skip
"""The registries whose names are proposed for a setting."""

OF_LESSONS = ("optimizer", "learning_rate", "epochs")
"""What can be changed in a lesson's network, beside which of them it is."""

_KINDS = {
    "whole": "number",
    "number": "number",
    "flag": "flag",
    "choice": "choice",
    "sizes": "list",
    "columns": "columns",
}


def form_fields(course: Course) -> list[dict[str, Any]]:
    """Return the groups of controls for what was asked for, with the values that it has."""
    asked = asked_of(course)
    if asked.lesson is not None:
        return [{"group": "lesson", "fields": _lesson_fields(course)}]
    if asked.question is None:
        return []
    groups: dict[str, list[dict[str, Any]]] = {}
    for one, holder in _settings(asked.question, asked.settings):
        groups.setdefault(one.group, []).append(_field(one, getattr(holder, one.name), course))
    return [{"group": group, "fields": sorted(fields, key=_place)} for group, fields in groups.items()]


def built(course: Course, command: Mapping[str, Any]) -> Course:
    """Return the training that a ``build`` command asks for, from what the present one was asked for by.

    ``settings`` are changes by name, null for what is to be chosen again; ``recipe`` begins with the small network or the full
    recipe. Raises SettingsError or TableError for what can't be.
    """
    asked = asked_of(course)
    changes = dict(command.get("settings") or {})
    if asked.lesson is not None:
        return course_of(_lesson_changed(course, changes))
    if asked.question is None:
        return course_of(asked)
    question, settings = asked.question, asked.settings
    if recipe := command.get("recipe"):
        settings = Settings(**(SMALL if recipe == "small" else {}), seed=settings.seed)
    known = {one.name: (one, type(holder)) for one, holder in _settings(question, settings)}
    read: dict[type[Any], dict[str, Any]] = {Question: {}, Settings: {}}
    for name in ("target", "inputs"):
        if name in command:
            changes[name] = command[name]
    for name, value in changes.items():
        if name not in known:
            raise SettingsError(f"there is no control {name!r}; {suggestion(name, list(known), 'controls')}")
        one, of = known[name]
        read[of][name] = _read(one, value)
    target = read[Question].get("target")
    if target is not None and target != question.target:
        # What was said about the target before is about another column.
        read[Question] = {"task": None, "target_scaling": None, "inputs": None, **read[Question]}
    if recipe is None:
        _one_member(settings, read[Settings])
    return course_of(
        replace(
            asked, question=replace(question, **read[Question]), settings=replace(settings, **read[Settings])
        )
    )


def _one_member(settings: Settings, changes: dict[str, Any]) -> None:
    """Keep the small network small: hidden layers that are chosen anew are as small as at the beginning."""
    if settings.members == SMALL["members"] and "hidden" in changes and changes["hidden"] is None:
        changes["hidden"] = SMALL["hidden"]


def _settings(question: Question, settings: Settings) -> list[tuple[Setting, Any]]:
    both = [(one, holder) for holder in (question, settings) for one in listed(type(holder))]
    return [(one, holder) for one, holder in both if one.name not in NOT_HERE]


def _place(field: Mapping[str, Any]) -> int:
    return FIRST.index(field["name"]) if field["name"] in FIRST else len(FIRST)


def _field(one: Setting, value: Any, course: Course) -> dict[str, Any]:
    """Return a control of a page."""
    kind = _KINDS.get(one.kind.name, "text")
    if one.name == "target":
        kind = "column"
    choices = list(one.kind.choices)
    if kind in ("column", "columns"):
        choices = _columns(course)
    elif one.name in NAMES:
        choices = _names(NAMES[one.name])
    found: dict[str, Any] = {
        "name": one.name, "label": FORM.setting(one.name), "kind": kind, "value": _shown(one, value),
        "unset": _unset(one, course), "help": one.said(FORM), "more": one.name not in FIRST,
    }  # fmt: skip
    return {**found, "choices": choices} if choices else found


def _shown(one: Setting, value: Any) -> Any:
    """Return a value as a control has it."""
    if one.kind.name == "weights" and isinstance(value, Mapping):
        return ", ".join(f"{name}={weight:g}" for name, weight in value.items())
    if one.kind.name in ("sizes", "texts") and value is not None:
        return value if isinstance(value, str) else ", ".join(map(str, value)) or "none"
    if one.kind.name == "columns" and value is not None:
        return (
            [value]
            if isinstance(value, str) and one.name != "target"
            else value
            if isinstance(value, str)
            else list(value)
        )
    return value


def _unset(one: Setting, course: Course) -> str:
    """Return what becomes of a setting that isn't given: what was chosen, else in words."""
    prepared = course.prepared
    if prepared is not None and one.default is None:
        chosen = getattr(prepared.resolved.settings, one.name, None)
        if one.name == "learning_rate":
            chosen = prepared.resolved.plan.learning_rate
        if chosen is not None:
            shown = _shown(one, chosen)
            return f"chosen: {'yes' if shown is True else 'no' if shown is False else shown}"
    return one.said(FORM, one.unset)


def _columns(course: Course) -> list[str]:
    prepared = course.prepared
    if prepared is None:
        return []
    return [
        column.name
        for column in prepared.schema.columns
        if column.kind in INPUT_KINDS or column.role == "target"
    ]


def _names(registry: Mapping[str, Any]) -> list[str]:
    return [key for key, record in registry.items() if not getattr(record, "searches", False)]


# ---- what comes back


def _read(one: Setting, value: Any) -> Any:
    """Return a value as the setting has it; the setting itself says what is wrong with it."""
    if value is None or (isinstance(value, str) and not value.strip() and one.kind.name != "columns"):
        return one.default
    reader = _READERS.get(one.kind.name)
    return value if reader is None else reader(value)


def _number(value: Any) -> Any:
    """Return a number as such, so that ``0.5`` in a text field is one."""
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def _weights(value: Any) -> Any:
    """Return weights by class from a text such as ``yes=5, no=1``; balanced as it is."""
    if not isinstance(value, str) or "=" not in value:
        return value
    pairs = (part.partition("=") for part in value.split(",") if part.strip())
    return {name.strip(): _number(weight.strip()) for name, _, weight in pairs}


def _whole(value: Any) -> Any:
    """Return a whole number as such: a page's numbers are all of one kind."""
    found = _number(value)
    return int(found) if isinstance(found, float) and found.is_integer() else found


def _sizes(value: Any) -> Any:
    if not isinstance(value, str):
        return tuple(map(_whole, value)) if isinstance(value, list) else value
    if value.strip().lower() == "none":
        return ()
    return tuple(_whole(part.strip()) for part in value.split(","))


def _texts(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, str):
        return value
    parts = _split(value)
    return parts[0] if len(parts) == 1 else tuple(parts)


def _split(text: str) -> list[str]:
    """Split at commas outside brackets."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "whole": _whole, "number": _number, "rows": _whole, "sizes": _sizes, "texts": _texts, "columns": _tuple,
    "threshold": _number, "weights": _weights,
}  # fmt: skip


# ---- lessons


def _lesson_fields(course: Course) -> list[dict[str, Any]]:
    asked = asked_of(course)
    assert asked.lesson is not None
    names = list(asked.lesson.networks)
    values = {"optimizer": asked.changed.get("optimizer"), "learning_rate": asked.changed.get("learning_rate"),
              "epochs": asked.changed.get("epochs")}  # fmt: skip
    unset = {"optimizer": f"the lesson's: {course.settings.optimizer.spec}", "epochs": str(LESSON_EPOCHS),
             "learning_rate": f"the lesson's: {course.plan.learning_rate:g}"}  # fmt: skip
    found: list[dict[str, Any]] = [
        {"name": "network", "label": "network", "kind": "choice", "value": asked.network, "choices": names, "unset": "",
         "titles": [f"“{name}”" for name in names], "help": "which of the lesson's networks", "more": False}
    ]  # fmt: skip
    for one in listed(Settings):
        if one.name in OF_LESSONS:
            found.append({**_field(one, values[one.name], course), "unset": unset[one.name]})
    return found


def _lesson_changed(course: Course, changes: Mapping[str, Any]) -> Any:
    asked = asked_of(course)
    known = {one.name: one for one in listed(Settings) if one.name in OF_LESSONS}
    changed = dict(asked.changed)
    network = asked.network
    for name, value in changes.items():
        if name == "network":
            network, changed = str(value), {}
        elif name in known:
            changed[name] = _read(known[name], value)
            known[name].check(changed[name])
        else:
            raise SettingsError(
                f"there is no control {name!r}; {suggestion(name, ['network', *known], 'controls')}"
            )
    return replace(
        asked, network=network, changed={name: value for name, value in changed.items() if value is not None}
    )


def control_names(fields: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of all controls in groups of them."""
    return [field["name"] for group in fields for field in group["fields"]]
