"""Columns that look as if rows belonged together, or came one after the other, where rows are split by chance."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import polars as pl

from chainrule._doors import setting
from chainrule._types import FloatArray
from chainrule.errors import TableError
from chainrule.fitting.prepared import Read
from chainrule.tables.rows.parting import times_of
from chainrule.tables.schema import Column
from chainrule.tables.spelling.spellings import is_time_only
from chainrule.tables.table import Table

OF_GROUPS = (
    "id pid uid patient subject person participant respondent customer client user member household family session visit "
    "hospital clinic school station device machine sensor engine vehicle group cluster batch animal speaker author writer "
    "player team store shop site plot case study experiment"
)
"""Words in a column's name that say that rows of one value belong together."""

OF_TIME = "date time timestamp datetime year month week day period quarter epoch tick"
"""Words in a column's name that say that rows came one after the other."""

OF_BIRTH = "birth born dob birthday birthdate"
"""Words in a column's name that say that its dates aren't those of the rows."""

FEWEST_GROUPS, FEWEST_TIMES = 10, 20
"""With fewer values a column names kinds of rows rather than groups of them, or seasons rather than times."""

BY_CHANCE = 1e-6
"""The probability below which one target for each value is no accident."""


def hints(found: Read) -> Iterator[str]:
    """Say of at most one column that it looks like groups, and of one that it looks like time, with the option for it."""
    used = (*found.schema.targets, found.question.weights)
    columns = [column for column in found.schema.columns if column.name not in used]
    n = len(found.usable)
    groups = next((column for column in columns if _are_groups(found, column)), None)
    if groups is not None:
        yield (
            f"column {groups.name!r} looks like groups of rows, {groups.n_unique:,} in {n:,} rows: if new rows will be of other "
            f"groups, {setting('groups', groups.name)} scores on such as training never saw"
        )
    times = next((column for column in columns if _is_time(found.table, column)), None)
    if times is not None:
        yield (
            f"column {times.name!r} looks like the time of rows: if new rows will be later ones, "
            f"{setting('time', times.name)} scores on the latest"
        )


def _words(name: str) -> set[str]:
    """Return the words of a name: ``patientID`` has patient and id."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return {word for part in parts for word in (part.lower(), part.lower().rstrip("s"))}


def _are_groups(found: Read, column: Column) -> bool:
    """Tell whether a column has several rows of each of many values, and a group's name, or one target for each value."""
    table, rows = found.table, found.usable
    if (
        column.kind not in ("category", "number", "boolean", "identifier", "text", "long text")
        or column.n_missing > len(rows) / 2
    ):
        return False
    values = table.column(column.name)
    if values.dtype.is_float() and not _are_whole(values):
        return False
    if not FEWEST_GROUPS <= column.n_unique <= len(rows) / 2:
        return False
    return bool(_words(column.name) & {*OF_GROUPS.split()}) or (
        2 * FEWEST_GROUPS <= column.n_unique <= len(rows) / 3 and _tells_the_target(found, column.name)
    )


def _are_whole(values: pl.Series) -> bool:
    known = values.drop_nulls()
    return bool((known == known.round()).all())


def _tells_the_target(found: Read, name: str) -> bool:
    """Tell whether all rows of each value have one target, as nothing but a group of rows has it."""
    own = found.table.frame.select([name, *found.question.targets])[found.usable].drop_nulls()
    levels = own.get_column(name).n_unique()
    if own.unique().height > levels:
        return False
    # As unlikely by chance as that so many further rows are like the first of their value, each of them by itself.
    shares = 0.5
    if found.by_class:
        counts = own.group_by(found.question.targets).len().get_column("len").to_numpy()
        shares = float(((counts / own.height) ** 2).sum())
    return bool(shares ** (own.height - levels) < BY_CHANCE)


def _is_time(table: Table, column: Column) -> bool:
    """Tell whether a column has many dates, or numbers of a time's name in the order of the rows."""
    words = _words(column.name)
    if column.n_unique < FEWEST_TIMES or words & {*OF_BIRTH.split()}:
        return False
    if column.kind == "datetime":
        return not is_time_only(column.spelling)
    return (
        column.kind in ("number", "identifier")
        and bool(words & {*OF_TIME.split()})
        and _in_order(table, column.name)
    )


def _in_order(table: Table, name: str) -> bool:
    try:
        times: FloatArray = times_of(table, name)
    except TableError:
        return False
    steps = np.diff(times[~np.isnan(times)])
    return len(steps) > 0 and bool((steps >= 0).all() or (steps <= 0).all())
