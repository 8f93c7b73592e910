"""What is asked of a table: the column to be predicted, from which others, and on which rows the answers are scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from chainrule.errors import SettingsError
from chainrule.model.source import Reading, Source
from chainrule.tables.table import suggestion
from chainrule.training.settings.record import Settings, Task

TEST_SHARE = 0.2
"""The share of the rows that is held out for the score where nothing else is asked for."""


@dataclass(frozen=True, eq=False)
class Question:
    """A table and what is to be learned from it; how, is what `Settings` say.

    ``target``: the column to predict; ``inputs``: the columns to learn from (None: all that are fit), without those of
    ``drop``; ``weights``: a column with the rows' weights in training, which is no input, and whose rows of weight 0 are
    left out; ``kinds``: of columns, as `infer_schema` has them; ``scaling``: of number inputs, ``target_scaling``: of a
    number target (None: what suits the output).

    ``test_share`` of the rows are held out for the score (of classes, that share of each; None: 0.2), or the score is on
    ``test_file``; ``test_seed`` draws them, instead of the settings' seed. ``validation`` is a table of the validation
    rows, which all weigh 1, instead of a share of this one. ``reading``: how all of these tables are read.
    """

    table: Source
    target: str
    task: Task | None = None
    inputs: Sequence[str] | None = None
    drop: Sequence[str] = ()
    weights: str | None = None
    scaling: str = "robust"
    target_scaling: str | None = None
    test_share: float | None = None
    test_file: Source | None = None
    validation: Source | None = None
    kinds: Mapping[str, str] | None = None
    reading: Reading = field(default_factory=Reading)
    test_seed: int | None = None

    def __post_init__(self) -> None:
        share = self.test_share
        if self.test_file is not None and share is not None:
            raise SettingsError(
                "the score is on --test-share of the rows or on --test-file: leave one of them out"
            )
        if share is not None and (
            isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1
        ):
            raise SettingsError(f"test-share {share!r} must be at least 0 and less than 1, such as 0.2")

    @property
    def share(self) -> float:
        """The share of the table's rows that is held out for the score."""
        if self.test_file is not None:
            return 0.0
        return TEST_SHARE if self.test_share is None else self.test_share

    def opened(self) -> Question:
        """Return the question with its tables read, to be asked more than once: one may be standard input."""
        sources = {name: getattr(self, name) for name in ("table", "test_file", "validation")}
        tables: dict[str, Any] = {
            name: self.reading.table(source) for name, source in sources.items() if source is not None
        }
        return replace(self, **tables)


READING = ("delimiter", "decimal", "encoding", "missing")
"""The words about how a table is read."""


def asked(table: Source, target: str, words: Mapping[str, Any]) -> tuple[Question, Settings]:
    """Return the question and the settings that words are about; raises SettingsError for one that is of neither."""
    own = {one.name for one in fields(Question)} - {"reading"}
    known = [one.name for one in fields(Settings)]
    for name in words:
        if name not in own and name not in known and name not in READING:
            raise SettingsError(f"there is no setting {name!r}; {suggestion(name, known)}")
    reading = Reading().changed(*(words.get(name) for name in READING))
    question = {name: value for name, value in words.items() if name in own}
    settings = {name: value for name, value in words.items() if name in known}
    return Question(table, target, **question, reading=reading), Settings(**settings)
