"""First step: read the table, and understand its columns and rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule._doors import setting
from chainrule._memory import give_back
from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError, TableError
from chainrule.fitting.by_hand import with_weights_from
from chainrule.fitting.prepared import Read
from chainrule.fitting.question import Question
from chainrule.fitting.teacher import teacher_table
from chainrule.model.source import Source
from chainrule.tables.cells import known_rows, located, no_row
from chainrule.tables.kinds import weight_cells
from chainrule.tables.schema import Schema, infer_schema, labeled_rows
from chainrule.tables.table import MANY, Table, suggestion
from chainrule.training.budget import Budget
from chainrule.training.scores.weights import check_range
from chainrule.training.settings.recipe import why_plain
from chainrule.training.settings.record import Settings


def read(question: Question, settings: Settings) -> Read:
    """Return the tables of a question with their columns understood, and the rows that can be used.

    Raises TableError for what can't be read or learned from, SettingsError for columns that aren't there.
    """
    settings = with_weights_from(settings)
    budget = None if settings.time_limit is None else Budget(settings.time_limit)
    if question.validation is not None:
        settings = _validated(settings)
    table = question.reading.table(question.table)
    if table.n_rows * len(table.columns) >= MANY:
        give_back()
    # Levels of their own for all that occur are for who looks them up; one-hot they would be a matrix of weights.
    wide = not why_plain(settings) and settings.category_embedding != "none"
    schema = _schema(table, question, wide=wide)
    usable, row_weights, notes = labeled_rows(table, schema), None, list(schema.notes)
    if question.weights is not None:
        row_weights, usable = _weighed(table, question.weights, usable, notes)
    scored = _labeled(question.test_file, question, notes)
    watched = _labeled(question.validation, question, notes)
    teacher = None if question.teacher is None else teacher_table(question.teacher, question.reading, table)
    schema = replace(schema, notes=tuple(notes))
    return Read(
        question=question, settings=settings, budget=budget, table=table, schema=schema,
        usable=usable, row_weights=row_weights, scored=scored, watched=watched, teacher=teacher,
    )  # fmt: skip


def _validated(settings: Settings) -> Settings:
    """Return the settings for a table whose validation rows are given; raises SettingsError for those that need others."""
    if settings.refit:
        why = f"{setting('refit')} trains again on the validation rows of this table, and others are given"
        raise SettingsError(f"{why}: leave one of them out")
    other = None
    if settings.bagging:
        other = f"with {setting('bagging')} each member holds out its own fold"
    elif settings.validation_share is not None:
        other = f"a {setting('validation_share')}"
    if other is not None:
        raise SettingsError(f"validation rows are given, and {other} of the others: leave one of them out")
    return replace(settings, validation_share=0.0)


def _schema(table: Table, question: Question, *, wide: bool) -> Schema:
    """Return the table's schema, the column of row weights left out of the inputs."""
    targets, inputs, weights = question.targets, question.inputs, question.weights
    drop, task, kinds = question.drop, question.task, question.kinds
    parted = question.rule.column if question.rule.by != "time" else None
    if question.rule.column in targets:
        raise SettingsError(f"{question.rule.column!r} is the target, so rows can't be split by it")
    if parted is not None and parted in table.columns and parted not in (inputs or ()):
        drop = [*drop, parted]
    if weights is not None:
        drop = [*drop, weights]
        if weights not in table.columns:
            hint = suggestion(weights, table.columns)
            raise TableError(f"{table.name}: the column of weights {weights!r} is not there; {hint}")
        if weights in targets or weights in (inputs or ()):
            role = "the target" if weights in targets else "an input"
            raise SettingsError(f"{weights!r} is {role}, so it can't hold the rows' weights as well")
    schema = infer_schema(table, target=targets, inputs=inputs, drop=drop, task=task, kinds=kinds, wide=wide)
    reasons = {
        weights: "it holds the weights of the rows",
        parted: f"rows are split by it ({question.rule.by})",
    }
    if weights is not None and weights == parted:
        raise SettingsError(f"{weights!r} holds the rows' weights, so rows can't be split by it")
    columns = tuple(
        replace(c, reason=reasons[c.name]) if c.name in reasons and c.role == "left out" else c
        for c in schema.columns
    )
    return replace(schema, columns=columns)


def _weighed(table: Table, name: str, known: IntArray, notes: list[str]) -> tuple[FloatArray, IntArray]:
    """Return the weights of all rows (n,), and the ``known`` rows that have one above 0; note how many have none.

    Raises TableError for a weight that is missing or negative, and where all are 0.
    """
    weights = weight_cells(table, name)
    wrong = ~(weights >= 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        what = "the weight is missing" if np.isnan(weights[row]) else "is negative, which no weight can be"
        raise TableError(f"{located(table, row, name)} {what}; write 0 to leave the row out")
    left = known[weights[known] > 0]
    if not len(left):
        why = f"column {name!r}: every weight is 0, so there is nothing to learn from"
        raise TableError(f"{table.name}: {why}; give rows that count a weight above 0")
    check_range(weights[left], f"{table.name}: column {name!r}")
    lost = len(known) - len(left)
    if lost:
        has = "row has" if lost == 1 else "rows have"
        notes.append(f"{lost} {has} the weight 0, and are left out of training and score")
    return weights, left


def _labeled(source: Source | None, question: Question, notes: list[str]) -> Table | None:
    """Return the rows of a table that have a target, with notes about it; raises TableError where there are none."""
    if source is None:
        return None
    table = question.reading.table(source)
    rows = known_rows(table, question.targets)
    if not len(rows):
        raise TableError(no_row(table, question.targets))
    notes += [f"{table.name}: {note}" for note in table.notes]
    lost = table.n_rows - len(rows)
    if lost:
        has = "row has" if lost == 1 else "rows have"
        what = "no target" if len(question.targets) == 1 else "not all targets"
        notes.append(f"{table.name}: {lost} {has} {what}, and can't be scored on")
    return table.picked(rows)
