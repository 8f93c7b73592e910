"""The hello as plain data: what a page is told once of each training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule._version import __version__
from chainrule.explain.notation.record import notation, notation_names
from chainrule.studio.protocol.messages import PROTOCOL
from chainrule.studio.shown.drawing import Drawing
from chainrule.studio.training.course import Course
from chainrule.studio.training.walk import GRAINS

MOST_ROWS = 2000
"""The most rows whose numbers a page is told, to pick from."""

MOST_WORDS = 50
"""The most words of a column that a page is told, to choose from."""

UNITS = {"classification": "probability", "regression": "the target's own units"}


def hello(
    course: Course,
    drawn: Drawing,
    steps_per_epoch: int,
    generation: int,
    form: Sequence[Any],
    command: str | None,
) -> dict[str, Any]:
    """Return what a page is told of a course, once for each that is built."""
    prepared, n = course.prepared, course.n_training
    validation = len(course.numbers) - n
    return {
        "protocol": PROTOCOL,
        "version": __version__,
        "title": course.title,
        "generation": generation,
        "source": {"kind": course.kind, "name": course.name, "rows": len(course.numbers), "command": command},
        "columns": _columns(course),
        "target": _target(course),
        "rows": {
            "training": n,
            "validation": validation,
            "test": 0 if prepared is None else prepared.tested.n_rows,
            "numbers": sorted(int(number) for number in course.numbers[:MOST_ROWS]),
        },
        "form": list(form),
        "network": dict(drawn.told),
        "cells": course.encoded,
        "grains": list(GRAINS),
        "notations": [{"name": name, "title": _title(name)} for name in notation_names()],
        "members": course.members,
        "steps_per_epoch": steps_per_epoch,
        "epochs": course.plan.longest,
        "unit": "" if course.reads is None else UNITS[course.reads.task],
        "limits": {},
        "notes": list(course.notes),
    }


def _title(name: str) -> str:
    summary = notation(name).summary
    return summary if name == "ours" else f"{name.replace('-', ' ').capitalize()}: {summary}"


def _columns(course: Course) -> list[dict[str, Any]]:
    if course.prepared is None:
        if course.reads is None:
            return []
        kinds = ((one.name, one.kind) for one in course.reads.encoder.columns)
        return [
            {"name": name, "kind": kind, "gaps": 0, "used": True, "why": "", "note": "", "words": []}
            for name, kind in kinds
        ]
    levels = {
        column.name: list(map(str, column.levels[:MOST_WORDS]))
        for column in course.prepared.encoder.columns
        if column.kind == "category"
    }
    # What is said of the target would tell of the test rows, too.
    return [
        {
            "name": one.name,
            "kind": one.kind,
            "gaps": int(one.n_missing),
            "used": one.role == "input",
            "why": "the target" if one.role == "target" else one.reason,
            "note": "" if one.role == "target" else one.summary,
            "words": levels.get(one.name, []),
        }
        for one in course.prepared.schema.columns
    ]


def _target(course: Course) -> dict[str, Any]:
    model = course.reads
    if model is None:
        return {"names": list(course.outputs), "task": "regression", "classes": []}
    classes = [str(label) for label in model.target.labels] if model.target.n_classes else []
    return {"names": list(model.target.names), "task": model.task, "classes": classes}
