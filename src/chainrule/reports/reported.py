"""What a report is about: a model, a table, the rows that are scored, and what is known of the training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chainrule._kept import cached_property
from chainrule.errors import TableError
from chainrule.explain.columns.rows import MOST_ROWS, Looked, drawn
from chainrule.fitting.replay import RowsByUse, rows_by_use
from chainrule.fitting.score import Trained, baseline_answers, baseline_scores
from chainrule.fitting.studies.ablation_records import Ablations
from chainrule.fitting.studies.learning import LearningCurve
from chainrule.model.model import Evaluation, Model, Prediction
from chainrule.tables.kinds import find_kind
from chainrule.tables.schema import Column, summary_of
from chainrule.tables.table import Table
from chainrule.training.checkpoint import Epoch
from chainrule.training.scores.baselines import Answered
from chainrule.training.scores.metrics import Scores

HELD_OUT = "held out of the training"
FLATTERS = "which it was trained on: that flatters"
NO_INPUT = "not an input of this model"


@dataclass(frozen=True, eq=False)
class Reported:
    """A model and a table, with what each part of a report asks of them; all of it is worked out once, when it is asked for.

    ``name`` is the model's file, ``command`` what makes the report again; ``seed`` draws rows. ``trained`` is the training,
    where the report comes from one; ``epochs`` are its curves, where they are known.
    """

    model: Model
    table: Table
    name: str
    command: str
    seed: int = 0
    trained: Trained | None = None
    epochs: tuple[Epoch, ...] = ()
    ablation: Ablations | None = None
    learning: LearningCurve | None = None

    @cached_property
    def has_target(self) -> bool:
        """Whether the table has the target, in at least two rows."""
        if not set(self.model.target.names) <= set(self.table.columns):
            return False
        return len(self.model.target.known(self.table)) > 1

    @cached_property
    def use(self) -> RowsByUse | None:
        """Which rows of the table the training used for what; None where the table isn't the training's."""
        if not self.model.card or not self.has_target:
            return None
        try:
            return rows_by_use(self.model, self.table)
        except TableError:
            return None

    @cached_property
    def scored(self) -> Looked:
        """The rows that are scored, all of them; those without a target where none has one."""
        table = self.table
        if self.trained is not None:
            held = self.trained.held_out
            part = self.trained.prepared.tested if held else self.trained.prepared.fitted
            return _all_of(part, HELD_OUT if held else FLATTERS)
        if not self.has_target:
            return Looked(table, np.arange(table.n_rows), f"{table.n_rows:,} rows of {table.name}")
        rows, which = self.model.target.known(table), ""
        if self.use is not None:
            held_out = len(self.use.test) > 0
            rows, which = (self.use.test, HELD_OUT) if held_out else (rows, FLATTERS)
        words = f"{len(rows):,} row{'s' * (len(rows) != 1)} of {table.name}"
        return Looked(table, rows, f"{words}, {which}" if which else words)

    @property
    def held_out(self) -> bool:
        """Whether it is known that the scored rows are none of the training's."""
        return HELD_OUT in self.scored.words

    @property
    def flatters(self) -> bool:
        """Whether the scored rows are those of the training."""
        return FLATTERS in self.scored.words

    @cached_property
    def part(self) -> Table:
        """The table of the scored rows."""
        return self.scored.part

    @cached_property
    def prediction(self) -> Prediction:
        """The predictions for the scored rows."""
        return self.model.predict(self.part)

    @cached_property
    def evaluation(self) -> Evaluation | None:
        """The scores, None without a target."""
        return self.model.score(self.prediction, self.part) if self.has_target or self.trained else None

    @cached_property
    def baseline_answers(self) -> tuple[Mapping[str, Answered], ...]:
        """What the baselines answer for the scored rows, by target; empty where the training's rows aren't known."""
        trained, target = self.trained, self.model.target
        if trained is not None:
            if not trained.baselines:
                return ()
            arrays, fitted = trained.prepared.arrays, trained.prepared.fitted
            return baseline_answers(target, fitted, arrays.fitted.x, arrays.x_test, arrays.fitted.weights)
        use = self.use
        if use is None or not len(use.test):
            return ()
        fitted = self.table.take(np.concatenate([use.training, use.validation]))
        x, x_test = self.model.encoder.transform(fitted), self.model.encoder.transform(self.part)
        return baseline_answers(target, fitted, x, x_test, use.weights_of_fitted)

    @cached_property
    def baselines(self) -> Mapping[str, Scores]:
        """The scores of the baselines on the scored rows; empty where the training's rows aren't known."""
        if self.trained is not None:
            return self.trained.baselines
        answers = self.baseline_answers
        return baseline_scores(self.model.target, self.part, answers) if answers else {}

    @cached_property
    def sample(self) -> Looked:
        """The rows that predictions are repeated on: the scored ones, or of more than 20,000 so many, drawn by the seed."""
        part = self.part
        rows = drawn(np.arange(part.n_rows), MOST_ROWS, self.seed)
        if len(rows) == part.n_rows:
            return Looked(part, rows, self.scored.words)
        given, _, which = self.scored.words.partition(", ")
        words = f"{len(rows):,} of the {given}, drawn with seed {self.seed}"
        return Looked(part, rows, f"{words}, {which}" if which else words)

    @cached_property
    def around(self) -> Table:
        """The table that a row is compared with: all of it, or the drawn rows where that is more than 20,000."""
        return self.table if self.table.n_rows <= MOST_ROWS else self.sample.part

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the table: kind, part in the task, gaps, a summary."""
        if self.trained is not None:
            return self.trained.prepared.schema.columns
        return tuple(self._column(name) for name in self.table.columns)

    def _column(self, name: str) -> Column:
        found, table = find_kind(self.table, name), self.table
        inputs = {column.name: column for column in self.model.encoder.columns}
        kind, role, reason = found.kind, "left out", found.reason or NO_INPUT
        spelling, dress = found.spelling, found.dress
        if name in inputs:
            one = inputs[name]
            kind, role, reason, spelling, dress = one.kind, "input", "", one.spelling, one.dress
        for part in self.model.target.parts:
            if part.name == name:
                role, reason = "target", ""
                if not part.n_classes:
                    kind, dress = "number", part.dress
        summary = summary_of(table, name, kind, spelling, dress)
        return Column(name, kind, role, reason, found.n_missing, found.n_unique, summary, spelling, dress)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth a note about the table and the training."""
        if self.trained is None:
            return self.table.notes
        return (*self.trained.prepared.schema.notes, *self.trained.notes)

    def number(self, row: int) -> int:
        """Return the place (from 1) in the table of a scored row (from 0)."""
        return row + 1 if self.part.rows is None else int(self.part.rows[row]) + 1


def _all_of(part: Table, which: str) -> Looked:
    words = f"{part.n_rows:,} row{'s' * (part.n_rows != 1)} of {part.name}, {which}"
    return Looked(part, np.arange(part.n_rows), words)
