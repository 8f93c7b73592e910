"""The record that a training is prepared in: each step of `prepare` takes the one before it and adds what it has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from chainrule._doors import setting
from chainrule._kept import cached_property
from chainrule._types import FloatArray, IntArray
from chainrule.fitting.question import Question
from chainrule.fitting.rows import FOLDS_STREAM, strata_of
from chainrule.tables.encoding.encode import Encoder
from chainrule.tables.encoding.encoded_rows import EncodedRows
from chainrule.tables.encoding.targets import Target
from chainrule.tables.rows.parting import Parting
from chainrule.tables.rows.split import Folds
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table
from chainrule.training.budget import Budget
from chainrule.training.settings.record import InputGroup, Problem, Settings
from chainrule.training.settings.resolve import Resolved


class Rows(NamedTuple):
    """Rows as the network sees them: ``x`` (n, d), ``y`` (n, n_out), ``weights`` (n,) or None."""

    x: FloatArray
    y: FloatArray
    weights: FloatArray | None


@dataclass(frozen=True, eq=False)
class Arrays:
    """All rows as the network sees them, ``x`` (n, d), ``y`` (n, n_out) and ``weights`` (n,) or None.

    The first ``n_training`` are the training rows; then come validation rows, those that were split off first: they are
    in the ``n_fitted``, too. ``x_test`` (m, d) are the rows of the score. Inputs of a large table are `EncodedRows`, which are
    made when they are asked for. ``class_weights`` (classes,) are in the weights. ``taught`` (n_fitted, n_out) is what a teacher
    says of the table's own rows, which the network learns in place of ``y``.
    """

    x: FloatArray
    y: FloatArray
    weights: FloatArray | None
    x_test: FloatArray
    n_training: int
    n_fitted: int
    class_weights: FloatArray | None = None
    taught: FloatArray | None = None

    @property
    def are_large(self) -> bool:
        """Whether the inputs are too large to be kept as they are, so that what is done with goes at once."""
        return isinstance(self.x, EncodedRows)

    @property
    def training(self) -> Rows:
        """The training rows."""
        return self._first(self.n_training)

    @property
    def fitted(self) -> Rows:
        """The training rows and the validation rows that were split off, the table's own."""
        return self._first(self.n_fitted)

    def _first(self, n: int) -> Rows:
        return Rows(self.x[:n], self.y[:n], None if self.weights is None else self.weights[:n])


@dataclass(frozen=True, kw_only=True, eq=False)
class Read:
    """A table read and understood.

    ``usable`` are the rows that have a target, and a weight above 0 where they have one of the ``row_weights``;
    ``scored`` and ``watched`` the rows of the score and the validation rows, where they are tables of their own. ``teacher``
    has another program's answers for the table's rows.
    ``budget`` is the time that is left, where it is limited.
    """

    question: Question
    settings: Settings
    budget: Budget | None
    table: Table
    schema: Schema
    usable: IntArray
    row_weights: FloatArray | None
    scored: Table | None
    watched: Table | None
    teacher: Table | None = None

    @property
    def by_class(self) -> bool:
        """Whether the target is a class."""
        return self.schema.task == "classification"


@dataclass(frozen=True, kw_only=True, eq=False)
class Split(Read):
    """The rows of the score are set aside: ``tested``. ``left`` are the usable rows that aren't among them.

    ``parting`` is the rule by which that was done, and by which ``left`` is parted from here on.
    """

    parting: Parting
    tested: Table
    left: IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Encoded(Split):
    """The inputs have become numbers; ``groups`` say what they are."""

    encoder: Encoder
    groups: tuple[InputGroup, ...]


@dataclass(frozen=True)
class Leak:
    """A column that alone nearly tells the target, and the share of errors or variance that it leaves out of fold."""

    column: str
    target: str
    left: float
    is_class: bool

    @property
    def words(self) -> str:
        """What it does, and what to do."""
        what = "of the errors of the most frequent class" if self.is_class else "of the variance"
        return (
            f"column {self.column!r} alone nearly tells {self.target}, out of fold it leaves {self.left:.1%} {what}: if it isn't "
            f"known before the target, leave it out ({setting('drop', [self.column])})"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared(Encoded):
    """Everything is chosen, and training can begin: what the command line reports first.

    ``problem`` is what the recipe looked at; the training rows followed by the validation rows that were split off are at these
    ``places`` (from 0) in the table. ``notes`` say what is odd, and what a time limit has cost;
    ``leaks`` are columns that alone nearly tell a target.
    """

    target: Target
    problem: Problem
    resolved: Resolved
    places: IntArray
    arrays: Arrays
    notes: tuple[str, ...] = ()
    leaks: tuple[Leak, ...] = ()

    @property
    def rows(self) -> dict[str, int]:
        """How many rows are used for what."""
        n = self.arrays.n_training
        return {"training": n, "validation": len(self.arrays.x) - n, "test": self.tested.n_rows}

    @cached_property
    def fitted(self) -> Table:
        """The training rows, followed by the validation rows that were split off."""
        return self.table.take(self.places)

    @cached_property
    def fitted_targets(self) -> Table:
        """The targets of these rows alone: of a large table all columns are not wanted twice."""
        return self.table.narrowed(self.target.names).take(self.places)

    @cached_property
    def folds(self) -> Folds | None:
        """The folds of the fitted rows, with a line for each member with bagging, else None."""
        if not self.resolved.bagging:
            return None
        strata = strata_of(self.table, self.target.names, self.places, by_class=self.by_class)
        resolved, seed = self.resolved, self.resolved.steps.seed
        dealt = self.parting.dealt(self.places, resolved.folds, seed, strata, FOLDS_STREAM)
        return dealt.repeated(resolved.fold_members)
