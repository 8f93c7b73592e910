"""The part of a report about the table: its columns with their gaps and distributions, what is left out and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from chainrule.explain.show.document import Block, Facts, Picture, TableBlock, Words, more, notes
from chainrule.plots.kinds.columns import MOST_WORDS, Counted, columns_chart
from chainrule.reports.part import ReportPart
from chainrule.reports.reported import Reported
from chainrule.reports.words import rows_shown
from chainrule.tables.cells import date_cells, number_cells
from chainrule.tables.schema import Column
from chainrule.tables.spelling.values import level_counts
from chainrule.tables.table import Table

MOST_COLUMNS = 60
"""The most columns of the table of columns; the JSON has all."""

MOST_DRAWN = 24
"""The most columns that are drawn."""

BINS = 16
"""The bins of a histogram."""

GAPS = 0.3
"""From this share of missing cells on an input is named in the first paragraph."""

YEAR = 365.2425 * 86_400e6


def data_part(subject: Reported) -> ReportPart:
    """Return what the table holds: kinds, gaps, distributions, what is left out and why, notes."""
    table = subject.table
    used = [column for column in subject.columns if column.role != "left out"]
    used.sort(key=lambda column: column.role != "target")
    left = [column for column in subject.columns if column.role == "left out"]
    counted = {
        one.name: counts for one in used[:MOST_DRAWN] if (counts := distribution(table, one)) is not None
    }
    blocks: list[Block] = []
    if counted:
        targets = subject.model.target.names
        gaps = {one.name: one.n_missing for one in used}
        title = (
            "Distributions of the target and the inputs" if set(targets) & set(counted) else "Distributions"
        )
        blocks.append(Picture(columns_chart(counted, missing=gaps, marked=targets, title=title)))
        if rest := more(len(used) - len(used[:MOST_DRAWN]), "columns are not drawn"):
            blocks.append(Words(rest, "dim"))
    blocks.append(_table(used))
    if left:
        facts = tuple(("left out:", column.name, column.reason) for column in left[:MOST_COLUMNS])
        blocks.append(Facts(facts))
        if rest := more(len(left) - MOST_COLUMNS, "columns left out"):
            blocks.append(Words(rest, "dim"))
    blocks += notes(subject.notes)
    data = {
        "table": table.name,
        "rows": table.n_rows,
        "columns": [column.to_dict() for column in subject.columns],
        "distributions": {name: _plain(found) for name, found in counted.items()},
        "notes": list(subject.notes),
    }
    first = Words(f"{table.name} has {rows_shown(table.n_rows)} and {len(subject.columns):,} columns.")
    return ReportPart("table", "The table", (first, *blocks), data, tuple(_doubts(subject, used)))


def _table(used: list[Column]) -> TableBlock:
    rows = tuple(
        (one.name, one.kind, one.role, f"{one.n_missing:,}" if one.n_missing else "", one.summary)
        for one in used[:MOST_COLUMNS]
    )
    headers = ("column", "kind", "role", "missing", "values")
    return TableBlock(headers, rows, (3,), more(len(used) - MOST_COLUMNS, "columns, in its JSON"))


def _doubts(subject: Reported, used: list[Column]) -> Iterator[str]:
    rows = subject.table.n_rows
    for one in used:
        if one.role == "input" and one.n_missing > GAPS * rows:
            yield f"in {one.n_missing / rows:.0%} of the rows {one.name} is missing"


def distribution(table: Table, column: Column) -> Counted | None:
    """Return the counts of a column: of its most frequent words, or of the bins of its numbers; None where it has no cells."""
    name, kind = column.name, column.kind
    cells = table.column(name)
    if kind == "datetime":
        times = date_cells(table, name, column.spelling).drop_nulls()
        if not len(times):
            return None
        whole = times.to_physical().cast(pl.Float64).to_numpy()
        return _histogram(whole / 3600e9 if times.dtype == pl.Time else 1970 + whole / YEAR)
    if kind == "number" or (cells.dtype.is_numeric() and cells.n_unique() > MOST_WORDS):
        values = number_cells(table, name, column.dress)
        return _histogram(values[np.isfinite(values)])
    counts = level_counts(cells.drop_nulls())
    if not counts.height:
        return None
    rows = list(counts.head(MOST_WORDS).iter_rows())
    rest = int(counts.get_column(counts.columns[1]).sum()) - sum(n for _, n in rows)
    if rest:
        rows.append((f"{counts.height - MOST_WORDS} others", rest))
    return [_short(str(word)) for word, _ in rows], np.array([n for _, n in rows])


def _histogram(values: Any) -> Counted | None:
    if not len(values):
        return None
    counts, edges = np.histogram(values, bins=BINS)
    return edges, counts


def _short(word: str, most: int = 18) -> str:
    return word if len(word) <= most else word[: most - 1] + "…"


def _plain(found: Counted) -> dict[str, Any]:
    places, counts = found
    words = len(places) > 0 and isinstance(places[0], str)
    return {
        "words" if words else "edges": list(map(str if words else float, places)),
        "counts": np.asarray(counts).tolist(),
    }
