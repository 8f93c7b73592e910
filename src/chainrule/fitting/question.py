"""What is asked of a table: the column to be predicted, from which others, and on which rows the answers are scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, get_args

from chainrule._doors import setting as named
from chainrule.errors import SettingsError
from chainrule.model.source import READING, Reading, Source
from chainrule.tables.encoding.scalings import SCALINGS
from chainrule.tables.kinds import KINDS_BY_HAND
from chainrule.tables.rows.parting import By, SplitRule
from chainrule.tables.table import suggestion
from chainrule.tables.task import TASKS
from chainrule.training.settings.by_hand import ReadName
from chainrule.training.settings.fields import (
    REQUIRED,
    check_fields,
    choice,
    columns,
    free_text,
    kinds_by_column,
    listed,
    one_or_more_columns,
    option,
    share,
    source,
)
from chainrule.training.settings.record import SEED, Settings, Task

TEST_SHARE = 0.2
"""The share of the rows that is held out for the score where nothing else is asked for."""


@dataclass(frozen=True, eq=False)
class Question:
    """A table and what is to be learned from it; how, is what `Settings` say. The list, as `Settings` is one.

    ``validation`` is a table of the validation rows, which all weigh 1, instead of a share of this one. ``reading``: how all
    of these tables are read. ``test_seed`` draws the rows of the score, instead of the settings' seed. ``names`` reads the
    parameters that are set or frozen by hand, if they aren't addresses.
    """

    # fmt: off
    table: Source
    target: str | Sequence[str] = option(REQUIRED, one_or_more_columns(), "table", "COLUMN",
        "the column to predict; given again, another one", more="several are all numbers, or all of two classes")
    task: Task | None = option(None, choice(*TASKS), "table", "TASK",
        "classification or regression; found from the target if not given", unset="found from the target")
    inputs: Sequence[str] | None = option(None, columns(), "table", "A,B",
        "the columns to learn from; all that are fit if not given", unset="all that are fit")
    drop: Sequence[str] = option((), columns(), "table", "A,B", "columns to leave out")
    weights: str | None = option(None, free_text(), "table", "COLUMN",
        "a column with the rows' weights in training; it is no input", more="rows of weight 0 are left out", unset="none")
    test_share: float | None = option(None, share(), "table", "SHARE",
        f"of the rows, held out for the score (default {TEST_SHARE:g})", more="of classes, that share of each",
        unset=f"{TEST_SHARE:g}, but none with {{test_file}}")
    test_file: Source | None = option(None, source(), "table", "TABLE", "a table to score on instead of held-out rows",
        unset="none")
    teacher: Source | None = option(None, source(), "table", "TABLE",
        "another program's answers for the rows, which the network learns in place of the target",
        more="for each row, out of fold: a probability for each class, by its name, or the number, by the target's", unset="none",
        page="training.md#a-teacher")
    groups: str | None = option(None, free_text(), "table", "COLUMN",
        "a column whose equal values stay together: no patient, say, is in training and in the score", more="also in folds and "
        "validation rows; it is no input", unset="none", page="training.md#splits")
    time: str | None = option(None, free_text(), "table", "COLUMN",
        "a column of dates or numbers: the latest rows are the score's", more="and the latest of the others are watched",
        unset="none", page="training.md#splits")
    split: str | None = option(None, free_text(), "table", "COLUMN",
        "a column that says of each row train, validation or test; it is no input", unset="none", page="training.md#splits")
    scaling: str = option("robust", choice(*SCALINGS), "table", "NAME", "of number inputs (default robust); see {scalings}")
    target_scaling: str | None = option(None, choice(*SCALINGS), "table", "NAME",
        "of a number target; what suits the output if not given", unset="what suits the output")
    kinds: Mapping[str, str] | None = option(None, kinds_by_column(), "table", "COLUMN=KIND",
        "what a column is, whatever it looks like: " + ", ".join(KINDS_BY_HAND[:5]), more="boolean and datetime are kinds, too",
        unset="as they look")
    # fmt: on
    validation: Source | None = None
    reading: Reading = field(default_factory=Reading)
    test_seed: int | None = None
    names: ReadName | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        if self.test_seed is not None and (wrong := SEED.wrong(self.test_seed)):
            raise SettingsError(f"{named('test_seed')} {self.test_seed!r} {wrong}")
        given = [name for name in ("groups", "time", "split") if getattr(self, name) is not None]
        if len(given) > 1:
            one, other = map(named, given[:2])
            raise SettingsError(f"rows are split by {one} or by {other}: leave one of them out")
        if self.split is not None and (self.test_file is not None or self.test_share is not None):
            other = named("test_share" if self.test_file is None else "test_file")
            raise SettingsError(
                f"{named('split')} says which rows the score is on, and so does {other}: leave one of them out"
            )
        if self.test_file is not None and self.test_share is not None:
            raise SettingsError(
                f"the score is on {named('test_share')} of the rows or on {named('test_file')}: leave one of them out"
            )

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns to be predicted."""
        return (self.target,) if isinstance(self.target, str) else tuple(self.target)

    @property
    def rule(self) -> SplitRule:
        """By what the rows are parted."""
        for by in get_args(By):
            if (column := getattr(self, by, None)) is not None:
                return SplitRule(by, column)
        return SplitRule()

    @property
    def share(self) -> float:
        """The share of the table's rows that is held out for the score; 0 where the rows of the score are given."""
        if self.test_file is not None or self.split is not None:
            return 0.0
        return TEST_SHARE if self.test_share is None else self.test_share

    def opened(self) -> Question:
        """Return the question with its tables read, to be asked more than once: one may be standard input."""
        sources = ((name, getattr(self, name)) for name in ("table", "test_file", "validation", "teacher"))
        tables: dict[str, Any] = {name: self.reading.table(one) for name, one in sources if one is not None}
        return replace(self, **tables)


def asked(table: Source, target: str | Sequence[str], words: Mapping[str, Any]) -> tuple[Question, Settings]:
    """Return the question and the settings that words are about; raises SettingsError for one that is of neither."""
    own = {one.name for one in listed(Question)}
    known = [one.name for one in fields(Settings)]
    for name in words:
        if name not in own and name not in known and name not in READING:
            raise SettingsError(
                f"there is no setting {name!r}; {suggestion(name, [*known, *sorted(own), *READING], 'settings')}"
            )
    reading = Reading().changed(**{name: words.get(name) for name in READING})
    question = {name: value for name, value in words.items() if name in own}
    settings = {name: value for name, value in words.items() if name in known}
    return Question(table, target, **question, reading=reading), Settings(**settings)
