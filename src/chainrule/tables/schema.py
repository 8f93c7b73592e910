"""What the columns of a table are, which are inputs, and what the task is: plain data, JSON in and out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import polars as pl

from chainrule._doors import setting
from chainrule._plain import IF_SET, Count, Plain, one_of
from chainrule._types import IntArray
from chainrule.errors import SettingsError, TableError
from chainrule.tables.cells import boolean_cells, date_cells, known_rows, number_cells
from chainrule.tables.kinds import (
    INPUT_KINDS,
    KIND_WORDS,
    KINDS,
    KINDS_BY_HAND,
    LEAVE_OUT,
    ColumnKind,
    find_kind,
)
from chainrule.tables.spelling.dress import Dress
from chainrule.tables.spelling.dressing import find_duration
from chainrule.tables.spelling.spellings import DATE_FORMATS, read_dates
from chainrule.tables.spelling.values import level_counts
from chainrule.tables.table import Table, suggestion
from chainrule.tables.task import TASKS, class_notes, find_tasks

MAX_LEVELS = 64
"""The levels of a category that get an input each, the most frequent first; the others share one."""

MOST_LEVELS, MOST_CELLS = 8_000, 200_000_000
"""Where categories may be wide: the most levels of all of them, and the most numbers of a table of theirs, rows times levels."""

ONE_ROW = "the table has one row: nothing is held out, numbers enter as they are, and training goes on for all epochs"
"""What a training on a single row does without."""

AS_ASKED = "as asked for"
"""The reason for what was set by hand."""

ROLES = ("input", "target", "left out")


@dataclass(frozen=True)
class Column(Plain):
    """One column: its kind, its part in the task, and a summary of its cells.

    ``reason`` says why it is left out, or why it is in against its looks. ``spelling`` is how dates are
    written, ``dress`` how numbers are, where that is not as a program writes them. ``summary`` is lowest, highest and
    median number, or the most frequent levels with their counts.
    """

    name: str
    kind: Annotated[str, one_of(KINDS)]
    role: Annotated[str, one_of(ROLES)]
    reason: str
    n_missing: Count
    n_unique: Count
    summary: str
    spelling: Annotated[str, one_of(("", *DATE_FORMATS))] = ""
    dress: Annotated[Dress | None, IF_SET] = None


@dataclass(frozen=True)
class Schema(Plain):
    """The columns of a table with ``n_rows`` rows, the target and the task, each with the reason for it.

    ``more_targets`` are those after the first, where there are several.
    """

    columns: tuple[Column, ...]
    target: str | None
    task: Annotated[str, one_of(TASKS)] | None
    task_reason: str
    n_rows: Count
    max_levels: Count
    notes: tuple[str, ...]
    more_targets: Annotated[tuple[str, ...], IF_SET] = ()

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        targets = [column.name for column in self.columns if column.role == "target"]
        if len(set(names)) < len(names):
            raise SettingsError("columns: two columns have the same name")
        if sorted(targets) != sorted(self.targets):
            raise SettingsError("target: is not the one column with the role of the target")
        if (self.task is None) != (self.target is None):
            raise SettingsError("task: there is a task or a target, but not both")

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns to be predicted, in the order of the network's outputs; none without a target."""
        return () if self.target is None else (self.target, *self.more_targets)

    @property
    def target_dresses(self) -> tuple[Dress | None, ...]:
        """How the numbers of each target are written, None for those as a program writes them, and for classes."""
        by_name = {column.name: column.dress for column in self.columns}
        return tuple(by_name[name] if self.task == "regression" else None for name in self.targets)

    @property
    def inputs(self) -> tuple[Column, ...]:
        """The columns that are inputs, in the order of the table."""
        return tuple(column for column in self.columns if column.role == "input")

    @property
    def left_out(self) -> tuple[Column, ...]:
        """The columns that are left out, each with its reason."""
        return tuple(column for column in self.columns if column.role == "left out")


def infer_schema(
    table: Table,
    *,
    target: str | Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
    drop: Collection[str] = (),
    task: str | None = None,
    kinds: Mapping[str, str] | None = None,
    max_levels: int = MAX_LEVELS,
    wide: bool = False,
) -> Schema:
    """Find the kind of every column, choose the inputs, and find the task.

    All columns but the target are inputs, except constants, identifiers, long text, lists, and those in ``drop``;
    ``target`` may be several, all numbers or all of two classes; ``inputs`` names the inputs instead, and lets identifiers
    and text in. ``kinds`` sets the kind of a column by hand: KINDS_BY_HAND; ``task`` sets the task. Each decision is given
    as a sentence. A category has at most ``max_levels`` levels with an input each; ``wide``: those of more levels share up to
    `MOST_LEVELS`, as far as there is room by `MOST_CELLS`. docs/tables.md has the rules and their thresholds. Raises
    TableError for columns that are not there, cells that are in the way, and targets that can't be learned;
    SettingsError for options that contradict each other.

    >>> from chainrule.tables.table import from_frame
    >>> schema = infer_schema(from_frame({"a": [1, 2, 4], "b": [7, 7, 7], "y": [0.5, 1, 2]}), target="y")
    >>> [(column.name, column.kind, column.role) for column in schema.columns]
    [('a', 'number', 'input'), ('b', 'constant', 'left out'), ('y', 'number', 'target')]
    >>> schema.task_reason
    'regression: the target is a number with 3 different values in 3 rows'
    """
    kinds = kinds or {}
    targets = (target,) if isinstance(target, str) else tuple(target or ())
    _check_names(table, targets, inputs, drop, kinds, max_levels)
    drop = [*drop, *(name for name, kind in kinds.items() if kind == LEAVE_OUT and name not in drop)]
    findings = {name: _find(table, name, kinds.get(name)) for name in table.columns}
    notes = list(table.notes)
    reason = ""
    if targets and table.n_rows == 1:
        notes.append(ONE_ROW)
    if targets:
        rows = known_rows(table, targets)
        task, reason = find_tasks(table, targets, findings, rows, task)
        notes += _target_notes(table, targets, task, rows)
    elif task is not None:
        raise SettingsError(f"the task is {task!r}, but no target is named")
    columns = [_column(table, name, findings[name], targets, inputs, drop) for name in table.columns]
    used = [column.name for column in columns if column.role != "left out"]
    notes += [findings[name].note for name in used if findings[name].note]
    if targets:
        columns = _with_inputs(table, columns)
    if wide and max_levels == MAX_LEVELS:
        max_levels = _wide_levels(table, columns)
    for column in columns:
        if column.role == "input":
            notes += _check_input(table, column, findings[column.name], max_levels)
        elif column.reason == findings[column.name].reason:
            notes += _odd_note(table, findings[column.name], "left out")
    first, more = (targets[0], targets[1:]) if targets else (None, ())
    return Schema(tuple(columns), first, task, reason, table.n_rows, max_levels, tuple(notes), more)


def labeled_rows(table: Table, schema: Schema) -> IntArray:
    """Return the rows whose targets are there, in order; raises TableError if a target's column is not."""
    if schema.target is None:
        raise SettingsError("the schema has no target")
    return known_rows(table, schema.targets)


def _check_names(
    table: Table,
    targets: Sequence[str],
    inputs: Sequence[str] | None,
    drop: Collection[str],
    kinds: Mapping[str, str],
    max_levels: int,
) -> None:
    inputs = inputs or ()
    named: dict[str, Collection[str]] = {
        "target": targets,
        "input": inputs,
        "column to drop": drop,
        "column with a kind of its own": kinds,
    }
    known = set(table.columns)
    for what, names in named.items():
        for name in names:
            if name not in known:
                hint = suggestion(name, table.columns)
                raise TableError(f"{table.name}: the {what} {name!r} is not there; {hint}")
    for names, what in ((inputs, "an input as well"), (drop, "dropped")):
        for target in targets:
            if target in names:
                which = "the target" if len(targets) == 1 else "a target"
                raise SettingsError(f"{target!r} is {which}, so it can't be {what}")
    for place, name in enumerate(targets):
        if name in targets[:place]:
            raise SettingsError(f"{name!r} is named as a target twice: leave one of them out")
    for name in inputs:
        if name in drop:
            raise SettingsError(f"{name!r} is named as an input and to be dropped; choose one")
    for name, kind in kinds.items():
        if kind not in KINDS_BY_HAND:
            raise SettingsError(f"the kind of {name!r} is {kind!r}; it is one of {', '.join(KINDS_BY_HAND)}")
    if max_levels < 1:
        raise SettingsError(f"max_levels is {max_levels}; it is at least 1")


def _find(table: Table, name: str, kind: str | None) -> ColumnKind:
    finding = find_kind(table, name)
    if table.n_rows == 1 and finding.kind == "constant" and table.column(name).dtype.is_numeric():
        # A single row, worked by hand: its numbers are all that there is.
        finding = replace(finding, kind="number" if finding.n_unique else finding.kind, reason="")
    if kind is None or finding.kind in ("constant", "nested"):
        return finding
    kind = KIND_WORDS.get(kind, kind)
    if kind == finding.kind:
        return replace(finding, odd="")
    spelling = (finding.spelling or DATE_FORMATS[0]) if kind == "datetime" else ""
    note = finding.note if kind == "datetime" else ""
    if kind == "number" and finding.kind == "datetime" and table.column(name).dtype == pl.String:
        finding = replace(finding, kind="number", found=find_duration(table.column(name), asked=True))
    if kind == "number" and finding.found is not None and finding.found.dress is not None:
        note = finding.found.say(name)
    return replace(finding, kind=kind, reason=AS_ASKED, spelling=spelling, odd="", note=note)


def _column(
    table: Table,
    name: str,
    finding: ColumnKind,
    targets: Sequence[str],
    inputs: Sequence[str] | None,
    drop: Collection[str],
) -> Column:
    kind, role, reason = finding.kind, "input", finding.reason
    if name in targets:
        role = "target"
        kind, reason = ("category", "") if kind == "text" else (kind, reason)
    elif name in drop:
        role, reason = "left out", "dropped, as asked for"
    elif inputs is not None and name not in inputs:
        role, reason = "left out", "not among the inputs asked for"
    elif finding.odd and finding.odd_is_error:
        raise TableError(f"{finding.odd}; {finding.remedy}")
    elif kind not in INPUT_KINDS:
        if inputs is not None and kind == "nested":
            raise TableError(f"{table.name}: {name!r} can't be an input: {reason}")
        if inputs is not None and kind in ("identifier", "long text"):
            is_number = table.column(name).dtype.is_numeric() or finding.found is not None
            kind = "text" if kind == "long text" else "number" if is_number else "category"
            reason = f"an input, as asked for, though {reason}"
        else:
            role = "left out"
    if kind in ("number", "category") and finding.kind == "identifier" and role == "input":
        finding = replace(finding, kind=kind)
    summary = summary_of(table, name, kind, finding.spelling, finding.dress)
    counts = (finding.n_missing, finding.n_unique)
    return Column(name, kind, role, reason, *counts, summary, finding.spelling, finding.dress)


def _with_inputs(table: Table, columns: list[Column]) -> list[Column]:
    """Let identifiers in where nothing else is left: a table of two columns may well count its rows."""
    if any(column.role == "input" for column in columns):
        return columns
    counts = [
        c.kind == "identifier" and c.reason.startswith("it only") and table.column(c.name).dtype.is_integer()
        for c in columns
    ]
    if not any(counts):
        reasons = "; ".join(f"{c.name}: {c.reason}" for c in columns[:10] if c.role == "left out")
        why = f"no column is left to be an input ({reasons or 'there is only the target'})"
        raise TableError(f"{table.name}: {why}; name some with {setting('inputs')}")
    return [
        replace(c, kind="number", role="input", reason=f"the only input there is, though {c.reason}")
        if is_one
        else c
        for c, is_one in zip(columns, counts, strict=True)
    ]


def _wide_levels(table: Table, columns: Sequence[Column]) -> int:
    """Return the most levels of a category where those of many levels may be wide."""
    large = sum(
        column.role == "input" and column.kind == "category" and column.n_unique > MAX_LEVELS
        for column in columns
    )
    room = min(MOST_LEVELS, MOST_CELLS // max(1, table.n_rows))
    return max(MAX_LEVELS, room // max(1, large)) if large else MAX_LEVELS


def _check_input(table: Table, column: Column, finding: ColumnKind, max_levels: int) -> list[str]:
    """Raise TableError about a cell that is not of its column's kind; return what is worth a note."""
    if finding.odd:
        return _odd_note(table, finding, "a category")
    if column.kind == "number":
        number_cells(table, column.name, column.dress)
    elif column.kind == "boolean":
        boolean_cells(table, column.name)
    elif column.kind == "datetime":
        date_cells(table, column.name, column.spelling)
    elif column.kind == "category" and column.n_unique > max_levels:
        shared = f"the {max_levels} most frequent have an input each, the others share one"
        return [f"column {column.name!r} has {column.n_unique} levels: {shared}"]
    return []


def _odd_note(table: Table, finding: ColumnKind, what: str) -> list[str]:
    if not finding.odd:
        return []
    # A note is kept with the model, so it is in no door's words.
    odd = finding.odd.removeprefix(f"{table.name}: ")
    return [f"{odd}; correct it, or make it missing; as it is, it is {what}"]


def _target_notes(table: Table, targets: Sequence[str], task: str, rows: IntArray) -> list[str]:
    notes = []
    lacking = table.n_rows - len(rows)
    if lacking:
        first = table.place(int(np.setdiff1d(np.arange(table.n_rows), rows)[0]))
        are = "row has" if lacking == 1 else "rows have"
        what = "no target" if len(targets) == 1 else "not all targets"
        notes.append(f"{lacking} {are} {what} (the first is {first}) and can't be learned from")
    if task == "classification":
        for target in targets:
            notes += class_notes(table, target, rows)
    return notes


def summary_of(table: Table, name: str, kind: str, spelling: str, dress: Dress | None = None) -> str:
    """Return a column's cells in a few words: lowest, highest and median number, or the most frequent levels with counts."""
    column = table.column(name)
    column = column.drop_nulls() if column.null_count() else column
    if kind == "nested" or not len(column):
        return ""
    if dress is not None:
        column = pl.Series(number_cells(table, name, dress), nan_to_null=True).drop_nulls()
    if column.dtype.is_numeric() and kind != "category":
        # Infinite numbers are refused where they are used; in a column that is left out they may stay.
        with np.errstate(invalid="ignore", over="ignore"):
            values = column.cast(pl.Float64).to_numpy()
            low, median, high = values.min(), np.median(values), values.max()
        return f"{low:.6g} to {high:.6g}, median {median:.6g}"
    if kind == "datetime":
        return _span(column if column.dtype != pl.String else read_dates(column, spelling))
    counts = level_counts(column)
    top = [
        f"{level if len(level) <= 24 else level[:23] + '…'} {count}"
        for level, count in counts.head(3).iter_rows()
    ]
    more = f", {counts.height - 3} more" if counts.height > 3 else ""
    return ", ".join(top) + more


def _span(dates: pl.Series) -> str:
    ends = dates.drop_nulls().sort()
    if not len(ends):
        return ""
    if dates.dtype == pl.Time:
        return f"{ends[0]:%H:%M} to {ends[-1]:%H:%M}"
    spelling = "%Y-%m-%d %H:%M" if (ends.dt.time().cast(pl.Int64) > 0).any() else "%Y-%m-%d"
    return f"{ends[0]:{spelling}} to {ends[-1]:{spelling}}"
