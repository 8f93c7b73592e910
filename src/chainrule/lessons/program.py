"""A lesson as a program in plain Python: a text whose numbers are the lesson's own set-up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import ChainruleError, SettingsError
from chainrule.explain.notation.naming import Naming
from chainrule.explain.notation.record import Notation, notation
from chainrule.explain.program.plain import literal
from chainrule.lessons.lesson import Lesson
from chainrule.lessons.runner import setups_of
from chainrule.lessons.setup import Setup

PLACE = re.compile(r"\{\{\s*(.+?)\s*\}\}")
"""Where a number of the set-up goes: ``{{ W[2][1,1] }}``."""

LARGEST_TEXT = 100_000


def lesson_program(lesson: Lesson) -> str:
    """Return the program of a lesson, which imports nothing but math.

    Its text stands beside the lesson; in double braces are addresses of the network before its first step, whole arrays as
    lists (``W[1]^T`` turned), ``rows x`` and ``rows y``, ``column A`` of the table, ``training`` and ``test`` (numbers of rows),
    and ``epochs`` and ``show`` of the network's first training. Raises SettingsError for a lesson without a program, or one
    whose text names what isn't there.
    """
    plan = lesson.program
    if plan is None:
        remedy = "article-1 to article-5 have one, and chainrule explain writes that of a model"
        raise SettingsError(f"{lesson.where.file}: the lesson has no program: {remedy}")
    where = lesson.where.at("program")
    path = lesson.folder / plan["file"]
    try:
        text = path.read_text("utf-8") if path.stat().st_size <= LARGEST_TEXT else None
    except (OSError, UnicodeDecodeError) as error:
        raise where.wrong(f"{plan['file']} can't be read as text: {error}") from error
    if text is None:
        raise where.wrong(f"{plan['file']} is longer than the {LARGEST_TEXT:,} bytes that a program may have")
    setups, own = setups_of(lesson), notation(lesson.notation)
    setup = setups[plan["network"] or next(iter(setups))]
    trained = [
        step.values for step in lesson.steps if step.move == "train" and _is_of(step.values, setup, setups)
    ]

    def value(found: re.Match[str]) -> str:
        try:
            return _written(
                _value(
                    found[1], setup, {**plan, **(trained[0] if trained and not plan["epochs"] else {})}, own
                )
            )
        except ChainruleError as error:
            raise where.wrong(f"{plan['file']}: {found[0]}: {error}") from error

    return PLACE.sub(value, text)


def _is_of(values: Any, setup: Setup, setups: dict[str, Setup]) -> bool:
    return (values["network"] or next(iter(setups))) == setup.name


def _value(name: str, setup: Setup, plan: Any, own: Notation) -> Any:
    """Return what a name stands for: a number, or nested lists of them."""
    word, _, rest = name.partition(" ")
    if name in ("epochs", "show"):
        if plan.get(name) is None:
            raise SettingsError(f"no training of network {setup.name!r} says it; give {name}")
        return plan[name]
    if word == "rows" and rest in ("x", "y"):
        return (setup.x if rest == "x" else setup.targets("the program needs")).tolist()
    if name in ("training", "test"):
        return [int(row) + 1 for row in getattr(setup, name)]
    if word == "column":
        if setup.cells is None:
            raise SettingsError(f"the rows of network {setup.name!r} come from no table")
        return setup.cells.table.column(rest).to_list()
    turned = name.endswith("^T")
    place = Naming(own, setup.network).read(name.removesuffix("^T"))
    array = np.asarray(setup.trace([1]).array(place) if place.is_whole else setup.trace([1])[place])
    return (array.T if turned else array).tolist()


def _written(value: Any) -> str:
    """Return a number, or nested lists of numbers, as a program has it."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SettingsError(f"{value!r} is no number")
    return literal(float(value))
