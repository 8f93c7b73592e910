"""By what a table's rows are parted: the rule as a record, and the rule with a table, which parts its rows everywhere alike.

`SplitRule` is plain data, which a model's card keeps; `parting` looks the rule's column up in a table. What comes of it is
asked for every part that is made of rows: those of the score, those that early stopping watches, the folds of members, and
the folds of a cross-validation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import polars as pl

from chainrule._doors import setting
from chainrule._plain import IF_SET, Plain
from chainrule._types import Array, FloatArray, IntArray
from chainrule.errors import SettingsError, TableError
from chainrule.tables.cells import date_cells, located
from chainrule.tables.kinds import find_kind, weight_cells
from chainrule.tables.rows.equal import units_of_equal
from chainrule.tables.rows.split import Folds
from chainrule.tables.rows.units import (
    blocks_of_time,
    deal_units,
    dealt_evenly,
    folds_of,
    split_time,
    split_units,
)
from chainrule.tables.table import Table, suggestion

By = Literal["rows", "groups", "time", "split"]

USES = {
    "train": "training", "training": "training", "learn": "training",
    "valid": "validation", "validation": "validation", "val": "validation", "dev": "validation",
    "test": "test", "testing": "test", "holdout": "test",
}  # fmt: skip
"""What a column can say that a row is for, small letters or large."""


@dataclass(frozen=True)
class SplitRule(Plain, place="split"):
    """By what rows are parted.

    Each by itself (``rows``), or by a ``column``: of ``groups`` of rows that stay together, of ``time`` (later rows are
    tested), or of a ``split``, which says what each row is for. ``together``: equal rows are on one side.
    """

    by: By = "rows"
    column: Annotated[str | None, IF_SET] = None
    together: Annotated[bool, IF_SET] = False

    def __post_init__(self) -> None:
        if (self.by == "rows") != (self.column is None):
            raise SettingsError("column: rows are parted by a column, or each by itself")

    @property
    def words(self) -> str:
        """The rule in a few words."""
        told = {
            "rows": "by chance",
            "groups": f"by groups: rows of one {self.column} stay together",
            "time": f"by time: the latest by {self.column}",
            "split": f"as column {self.column} says",
        }
        return told[self.by] + ("; equal rows stay together" if self.together else "")


@dataclass(frozen=True, eq=False)
class Parting:
    """A rule with what it needs of a table of n rows: ``units`` (n,) that are never parted, ``times`` (n,), or ``uses`` (n,).

    All that is returned are rows of the table (from 0), sorted in each part. Rows that the rule's column says nothing of
    aren't ``known`` (n,).
    """

    rule: SplitRule
    known: Array
    units: IntArray | None = None
    times: FloatArray | None = None
    uses: Array | None = None

    def _marked(self, rows: IntArray, use: str) -> tuple[IntArray, IntArray] | None:
        """Return the rows that aren't for a use, and those that are; None where the rule doesn't say it of any."""
        if self.uses is None:
            return None
        marked = self.uses[rows] == use
        return rows[~marked], rows[marked]

    def _parted(
        self, rows: IntArray, share: float, seed: int, strata: Array | None, stream: int
    ) -> tuple[IntArray, IntArray]:
        if self.times is not None:
            first, second = split_time(self.times[rows], share)
        else:
            units = np.arange(len(rows)) if self.units is None else self.units[rows]
            first, second = split_units(units, share, seed, strata, stream=stream)
        return rows[first], rows[second]

    def tested(
        self, rows: IntArray, share: float, seed: int, strata: Array | None, stream: int
    ) -> tuple[IntArray, IntArray]:
        """Return the rows to learn from, and those of the score; raises TableError where the rule leaves none of either."""
        if self.uses is not None:
            left, test = self._marked(rows, "test") or (rows, rows[:0])
        else:
            left, test = self._parted(rows, share, seed, strata, stream)
            if share > 0 and not len(test) and self.rule.column is not None:
                raise TableError(self._why_none(rows))
        if not len(left[self.uses[left] == "training"] if self.uses is not None else left):
            raise TableError(
                f"no row is for training by column {self.rule.column!r}: write train in some rows of it"
            )
        return left, test

    def _why_none(self, rows: IntArray) -> str:
        name = self.rule.column
        if self.times is not None:
            return (
                f"all rows have one time in column {name!r}, so none are later: leave out {setting('time')}"
            )
        if self.units is not None and len(np.unique(self.units[rows])) < 2:
            return f"all rows are of one group in column {name!r}, so none can be held out: leave out {setting('groups')}"
        return (
            f"each group of column {name!r} has all rows of some class, so none can be held out: give more groups, or "
            f"leave out {setting('groups')}"
        )

    @property
    def watches(self) -> bool:
        """Whether the rule says which rows are for validation."""
        return self.uses is not None and bool((self.uses[self.known] == "validation").any())

    def validated(
        self, rows: IntArray, share: float, seed: int, strata: Array | None, stream: int
    ) -> tuple[IntArray, IntArray]:
        """Return the rows to train on, and those that are watched; there may be none of these."""
        if self.watches:
            return self._marked(rows, "validation") or (rows, rows[:0])
        return self._parted(rows, share, seed, strata, stream)

    def most_folds(self, rows: IntArray) -> int | None:
        """Return to how many folds rows can well be dealt out, each to be tested by what all others have learned.

        0 where they can't be by the rule; None: to any number.
        """
        if self.times is not None or self.watches:
            return 0
        if self.units is None or not len(rows):
            return None
        # Where a unit is much larger than a fold should be, a member would see too little of the rest.
        sizes = np.unique(self.units[rows], return_counts=True)[1]
        return int(min(len(sizes) // 2, 2 * len(rows) // sizes.max()))

    def dealt(self, rows: IntArray, k: int, seed: int, strata: Array | None, stream: int) -> Folds:
        """Return the folds of rows, by their places among them; raises SettingsError where the rule has none."""
        if self.times is not None or self.watches:
            raise SettingsError(
                f"with {setting('bagging')} rows are dealt out to folds, and they are split {self.rule.words}: leave it out"
            )
        units = np.arange(len(rows)) if self.units is None else self.units[rows]
        if k > (n := len(np.unique(units))):
            what = "groups" if self.rule.by == "groups" else "different rows"
            raise SettingsError(
                f"{setting('bagging')} needs {what} for {k} folds, and there are {n}: give fewer {setting('members')}"
            )
        return deal_units(units, k, seed, strata, stream=stream)

    def separated(self, rows: IntArray, k: int, seed: int, stream: int) -> list[IntArray] | None:
        """Return up to k parts of rows, by their places among them: units stay whole, and time is cut into blocks.

        There are fewer where there are fewer units or times; None where each row is by itself.
        """
        n = len(rows)
        own: IntArray
        if self.times is not None:
            _, of_row, counts = np.unique(self.times[rows], return_inverse=True, return_counts=True)
            own = np.asarray((np.cumsum(counts) - counts / 2) * k // n, np.int64)[of_row]
        else:
            if self.units is None or len(np.unique(self.units[rows])) == n:
                return None
            own = dealt_evenly(self.units[rows], k, seed, stream)
        return [np.flatnonzero(own == part) for part in np.unique(own)]

    def drawn(self, rows: IntArray, share: float, seed: int, strata: Array | None, stream: int) -> IntArray:
        """Return a share of the rows to learn from, drawn by the rule: by time the latest; given validation rows stay."""
        if not self.watches or self.uses is None:
            return np.sort(self._parted(rows, share, seed, strata, stream)[1])
        free = self.uses[rows] == "training"
        own = None if strata is None else strata[free]
        some = self._parted(rows[free], share, seed, own, stream)[1]
        return np.sort(np.concatenate([some, rows[~free]]))

    def crossed(
        self, rows: IntArray, k: int, seed: int, strata: Array | None, stream: int
    ) -> list[tuple[IntArray, IntArray]]:
        """Return k pairs of rows to learn from and rows of the score; raises SettingsError where there are too few.

        By time each block of rows is tested by what is before it. Where a column says what rows are for, those for training
        are dealt out: those for validation stay what they are, and those for the test stay unseen.
        """
        if self.times is not None:
            return [(rows[first], rows[second]) for first, second in blocks_of_time(self.times[rows], k)]
        free, beside = rows, rows[:0]
        if self.uses is not None:
            free, beside = rows[self.uses[rows] == "training"], rows[self.uses[rows] == "validation"]
            strata = None if strata is None else strata[self.uses[rows] == "training"]
        units = np.arange(len(free)) if self.units is None else self.units[free]
        if k > len(free) or (self.units is not None and k > len(np.unique(units))):
            what = "groups" if self.rule.by == "groups" else "different rows"
            raise SettingsError(f"{k} folds need as many {what}, and there are {len(np.unique(units))}")
        if k == len(free):
            own = folds_of(np.arange(k), k).own
        else:
            own = deal_units(units, k, seed, strata, stream=stream).own
        return [
            (np.sort(np.concatenate([free[own != fold], beside])), free[own == fold]) for fold in range(k)
        ]


def parting(table: Table, rule: SplitRule, cells: pl.DataFrame | None = None) -> Parting:
    """Return a rule with a table; raises TableError for a column that isn't there, or whose cells say nothing.

    ``cells``: those that equal rows are equal in, where these stay together.
    """
    everywhere = np.ones(table.n_rows, np.bool_)
    equal = units_of_equal(cells) if rule.together and cells is not None else None
    if rule.column is None:
        return Parting(rule, everywhere, units=equal)
    if rule.column not in table.columns:
        hint = suggestion(rule.column, table.columns)
        raise TableError(
            f"{table.name}: the column {rule.column!r} that rows are split by is not there; {hint}"
        )
    known = table.column(rule.column).is_not_null().to_numpy()
    if not known.any():
        raise TableError(f"{table.name}: column {rule.column!r} is empty, so no row can be split by it")
    if rule.by == "groups":
        codes = np.unique(table.text(rule.column).fill_null("").to_numpy(), return_inverse=True)[1]
        return Parting(rule, known, units=np.asarray(codes, np.int64))
    if rule.by == "time":
        return Parting(rule, known, times=times_of(table, rule.column))
    return Parting(rule, known, units=equal, uses=_uses(table, rule.column, known))


def times_of(table: Table, name: str) -> FloatArray:
    """Return a column of dates or numbers as numbers that grow with time (n,), NaN where it is missing.

    Raises TableError for a column of anything else.
    """
    found = find_kind(table, name)
    if found.kind == "text" and found.spelling:
        raise TableError(f"{table.name}: column {name!r} is no time: {found.reason}")
    if found.kind == "datetime" or found.spelling:
        dates = date_cells(table, name, found.spelling)
        return dates.to_physical().cast(pl.Float64).fill_null(float("nan")).to_numpy()
    if found.odd:
        raise TableError(f"{found.odd}, so it is no time; {found.remedy}")
    return weight_cells(table, name)


def _uses(table: Table, name: str, known: Array) -> Array:
    said = table.text(name)
    uses = (
        said.str.strip_chars().str.to_lowercase().replace_strict(USES, default=None, return_dtype=pl.String)
    )
    odd = known & uses.is_null().to_numpy()
    if odd.any():
        row = int(np.argmax(odd))
        raise TableError(
            f"{located(table, row, name)} is none of train, validation and test, which is what a column of "
            f"{setting('split')} says"
        )
    return uses.fill_null("").to_numpy()
