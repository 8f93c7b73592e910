"""Second step: set the rows of the score aside, before anything is learned from the others.

By what rule rows are parted is said once, by a `SplitRule`; from here on every part that is made of rows is asked of the
same `Parting`: the rows that early stopping watches and calibration is by, the folds of members, those of a cross-validation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import polars as pl

from chainrule._doors import setting
from chainrule.errors import SettingsError
from chainrule.fitting.honest.hints import hints
from chainrule.fitting.prepared import Read, Split
from chainrule.fitting.rows import TEST_STREAM, strata_of
from chainrule.tables.rows.equal import all_differ, are_copies, cells_of
from chainrule.tables.rows.parting import Parting, parting


def split(found: Read) -> Split:
    """Return the table in two: the rows of the score, by the rule unless they are a table of their own, and the rest."""
    found, rule = parted(found)
    question, table = found.question, found.table
    seed = found.settings.seed if question.test_seed is None else question.test_seed
    strata = strata_of(table, question.targets, found.usable, by_class=found.by_class)
    left, test = rule.tested(found.usable, question.share, seed, strata, TEST_STREAM)
    tested = table.picked(test) if found.scored is None else found.scored
    return Split(**vars(found), parting=rule, tested=tested, left=left)


def parted(found: Read) -> tuple[Read, Parting]:
    """Return the table without the rows that its rule says nothing of, and the rule with the table.

    Rows that are copies of each other stay together, where each row is parted by itself or as a column says.
    """
    question, table, schema = found.question, found.table, found.schema
    rule, cells = question.rule, None
    if rule.by in ("rows", "split") and len(found.usable) > 1:
        of = (table, schema.inputs, question.targets)
        if not all_differ(*of, found.usable, by_class=found.by_class):
            cells = cells_of(*of, by_class=found.by_class)
            if are_copies(_of(cells, found), len(question.targets)):
                rule = replace(rule, together=True)
    made = parting(table, rule, cells)
    if found.watched is not None and made.watches:
        raise SettingsError(
            f"validation rows are given, and {setting('split')} says of others that they are: leave one of them out"
        )
    if rule.by == "rows":
        found = _noted(found, hints(found))
    known = made.known[found.usable]
    lost = len(known) - int(known.sum())
    if lost:
        has = "row has" if lost == 1 else "rows have"
        note = f"{lost:,} {has} no value in {rule.column!r}, by which rows are split, and are left out"
        found = _noted(replace(found, usable=found.usable[known]), [note])
    return found, made


def _noted(found: Read, more: Iterable[str]) -> Read:
    """Return the table with more notes on it."""
    schema, more = found.schema, tuple(more)
    return found if not more else replace(found, schema=replace(schema, notes=(*schema.notes, *more)))


def _of(cells: pl.DataFrame, found: Read) -> pl.DataFrame:
    return cells if len(found.usable) == cells.height else cells[np.asarray(found.usable)]
