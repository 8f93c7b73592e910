"""Rows of the score that training learned from all the same: how many, and the score without them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule._types import BoolArray
from chainrule.fitting.prepared import Prepared
from chainrule.model.model import Evaluation, Model, Prediction
from chainrule.tables.rows.equal import are_copies, cells_of, found_in
from chainrule.tables.table import Table


@dataclass(frozen=True)
class Shared:
    """``rows`` of the score that are equal to rows that training saw, and the scores ``without`` them, None if none are left."""

    rows: int
    of: int
    without: Evaluation | None

    @property
    def part(self) -> str:
        """How many in a word: all, or a number."""
        return "all" if self.rows == self.of else f"{self.rows:,}"

    @property
    def words(self) -> str:
        """What to make of it, in a sentence."""
        if self.rows == self.of:
            which = (
                "the one row of the score is" if self.of == 1 else f"all {self.of:,} rows of the score are"
            )
            return f"{which} equal to rows it was trained on, so the score says nothing of new rows: score on others"
        are = "row of the score is" if self.rows == 1 else "rows of the score are"
        return f"{self.rows:,} of {self.of:,} {are} equal to rows it was trained on: what counts is the score without them"


def shared_rows(prepared: Prepared) -> BoolArray:
    """Return which rows of the score are equal, in all inputs and the target, to rows that training saw.

    None are where equal rows stay together anyhow, and where rows coincide as a matter of course, unless the two tables are
    the same.
    """
    tested, question = prepared.tested, prepared.question
    none: BoolArray = np.zeros(tested.n_rows, np.bool_)
    if not tested.n_rows or (prepared.scored is None and prepared.parting.rule.by == "rows"):
        return none

    def cells(table: Table) -> pl.DataFrame:
        return cells_of(table, prepared.schema.inputs, question.targets, by_class=prepared.by_class)

    scored, learned = cells(tested), cells(prepared.table.picked(prepared.left))
    if prepared.watched is not None:
        learned = pl.concat([learned, cells(prepared.watched)], how="vertical_relaxed")
    found = found_in(scored, learned)
    if not found.any():
        return none
    names = scored.columns
    same = scored.height == learned.height and scored.sort(names).equals(learned.sort(names))
    both = pl.concat([learned, scored], how="vertical_relaxed")
    return found if same or are_copies(both, len(question.targets)) else none


def shared_of(prepared: Prepared, model: Model, answered: Prediction) -> Shared | None:
    """Return what is shared by the score and the training, given the answers for the rows of the score; None for nothing."""
    found = shared_rows(prepared)
    if not found.any():
        return None
    rows = np.flatnonzero(~found)
    without = None
    if len(rows):
        without = model.score(answered.of_rows(rows), prepared.tested.take(rows))
    return Shared(int(found.sum()), len(found), without)
