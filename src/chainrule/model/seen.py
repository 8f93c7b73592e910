"""What a model's training saw of each column, in a few numbers, and how far a new table lies outside it.

Of numbers and dates these are the edges of ten quantile bins and the rows in each, of categories the rows of each level that has
an input, of texts the rows with a word that counts and those with none. The outer edges are rounded outward.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np
import polars as pl

from chainrule._plain import IF_SET, Count, Plain
from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError, TableError
from chainrule.tables.cells import LEVEL_MISSING, LEVEL_UNSEEN, boolean_cells, date_cells
from chainrule.tables.encoding.columns import ColumnEncoder
from chainrule.tables.encoding.encode import Encoder
from chainrule.tables.spelling.spellings import is_time_only
from chainrule.tables.table import Table

BINS = 10

MOST_COLUMNS = 1000
"""The most columns of which a card tells what was seen."""

LEAST_SHARE = 0.05
"""The share of a column's cells from which on a note is made of those outside what training saw."""

CHANCE = 0.001
"""The probability below which so many cells outside are no accident of rows like those of the training."""

FAR = 0.05
"""How much less likely a number is to lie outside by more than the width of what was seen than to lie outside at all."""

POWER = 0.2
"""How far, in powers of ten, a ratio of numbers may be from a power of ten that tells of another unit."""

FEWEST = 10
"""The fewest numbers of which is said that they all lie close together."""

MICROSECONDS = 86_400e6


@dataclass(frozen=True)
class SeenColumn(Plain):
    """A column's training rows: ``rows`` in all, ``missing`` ones, and of the others the ``counts`` in bins or of levels.

    ``edges``: of the bins, one more than ``counts``; empty of categories and truth values, whose counts are those of the
    levels in the encoder's order, of false and true, and last of all others.
    """

    rows: Count
    missing: Count
    edges: Annotated[tuple[float, ...], IF_SET] = ()
    counts: tuple[Count, ...] = ()

    def __post_init__(self) -> None:
        if self.edges and (len(self.edges) != len(self.counts) + 1 or list(self.edges) != sorted(self.edges)):
            raise SettingsError("edges: one more than counts, in order, are expected")


Seen: TypeAlias = Mapping[str, SeenColumn]
"""What was seen of each column, by its name."""


def seen_columns(encoder: Encoder, table: Table, rows: IntArray) -> dict[str, SeenColumn]:
    """Return what the training ``rows`` of a table have in the columns of an encoder."""
    columns = encoder.columns[:MOST_COLUMNS]
    return {column.name: _seen(column, table.narrowed([column.name]).take(rows)) for column in columns}


def _seen(column: ColumnEncoder, table: Table) -> SeenColumn:
    n = table.n_rows
    if column.kind in ("number", "datetime"):
        values = _numbers(column, table)
        known = values[~np.isnan(values)]
        if not len(known):
            return SeenColumn(n, n)
        edges = _edges(known)
        counts = np.histogram(known, edges)[0]
        return SeenColumn(n, n - len(known), tuple(edges.tolist()), tuple(counts.tolist()))
    codes, n_levels = _codes(column, table)
    known_codes = codes[codes >= 0]
    counts = np.bincount(known_codes, minlength=n_levels + 1)
    return SeenColumn(n, int((codes < 0).sum()), (), tuple(counts.tolist()))


def _edges(known: FloatArray) -> FloatArray:
    """Return the different edges of quantile bins; the outer ones rounded outward by up to a tenth of their distance."""
    with np.errstate(over="ignore"):
        edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)))
    low, high = float(edges[0]), float(edges[-1])
    size = max(high - low, abs(high) * 1e-6, abs(low) * 1e-6, np.finfo(np.float64).tiny * 1e6)
    if not math.isfinite(size):
        return np.array([-np.finfo(np.float64).max, np.finfo(np.float64).max])
    grid = 10.0 ** (math.floor(math.log10(size)) - 2)
    down, up = math.floor(low / grid) * grid, math.ceil(high / grid) * grid
    inner = edges[1:-1] if len(edges) > 2 else edges[:0]
    return np.unique(np.concatenate([[min(down, low)], inner, [max(up, high, low + grid)]]))


def _numbers(column: ColumnEncoder, table: Table) -> FloatArray:
    """Return a column's numbers, or its dates as days since 1970 or times as shares of a day; NaN where missing."""
    if column.kind == "number":
        return column.numbers(table)
    dates = date_cells(table, column.name, column.spelling)
    unit = MICROSECONDS
    if dates.dtype == pl.Time:
        unit *= 1000  # which is in nanoseconds
    else:
        dates = dates.cast(pl.Datetime("us"))
    found: FloatArray = dates.to_physical().cast(pl.Float64).fill_null(float("nan")).to_numpy() / unit
    return found


def _codes(column: ColumnEncoder, table: Table) -> tuple[IntArray, int]:
    """Return each cell's place among the levels, that after the last of any other, -1 where missing; and how many there are."""
    if column.kind == "boolean":
        values = boolean_cells(table, column.name)
        return np.where(np.isnan(values), -1, np.nan_to_num(values)).astype(np.int64), 2
    if column.words is not None:
        whole = column.words.whole_words
        cells = column.words.hashing.column(table, column.name)
        # Pieces of words tell little: texts of another kind have them, too.
        found = [-1 if counted is None else int(whole.isdisjoint(counted[0])) for counted in cells]
        return np.array(found, np.int64), 1
    codes, n = column.looked_up(table), len(column.levels)
    return np.where(codes == LEVEL_MISSING, -1, np.where(codes == LEVEL_UNSEEN, n, codes)), n


def drift_notes(encoder: Encoder, seen: Seen, table: Table) -> tuple[str, ...]:
    """Say of each column how many of a table's cells lie outside what training saw; nothing where that may be chance."""
    if not table.n_rows:
        return ()
    return tuple(
        f"column {column.name!r}: {said}"
        for column in encoder.columns
        if column.name in seen and column.name in table.columns
        for said in _drift(column, seen[column.name], table)
    )


def _drift(column: ColumnEncoder, seen: SeenColumn, table: Table) -> Iterator[str]:
    n = table.n_rows
    try:
        if column.kind in ("number", "datetime"):
            values = _numbers(column, table)
            known = values[~np.isnan(values)]
            missing = n - len(known)
            outside = np.zeros(0, np.bool_)
            if seen.edges:
                outside = (known < seen.edges[0]) | (known > seen.edges[-1])
            expected = 2.0
        else:
            codes, n_levels = _codes(column, table)
            known_codes = codes[codes >= 0]
            missing, outside = n - len(known_codes), known_codes == n_levels
            expected = 1.0 + (seen.counts[n_levels] if len(seen.counts) > n_levels else 0)
            known = np.zeros(0)
    except TableError:
        return  # which the prediction itself refuses, naming the cell
    if missing == n and seen.missing < seen.rows:
        yield f"all {n:,} cells are missing, in training {seen.missing / seen.rows:.0%} were"
        return
    before = (seen.missing + 1) / (seen.rows + 2)
    if _is_more(missing, n, before, seen.missing / seen.rows + LEAST_SHARE):
        yield f"{missing / n:.0%} of the cells are missing, in training {seen.missing / seen.rows:.0%} were"
    count, there = int(outside.sum()), n - missing
    chance = min(expected / (seen.rows - seen.missing + 1), 1.0)
    if _is_more(count, there, chance, LEAST_SHARE) or _is_more(
        _far(seen, known), there, FAR * chance, LEAST_SHARE
    ):
        which = f"{count / there:.0%} of the cells"
        if seen.edges:
            low, high = (_shown(column, edge) for edge in (seen.edges[0], seen.edges[-1]))
            yield f"{which} lie outside what training saw, {low} to {high}{_units(column, _power(seen, known))}"
        else:
            if column.words is not None:
                yield f"{which} have no word that training saw, and count as nothing"
            else:
                yield f"{which} are levels that training did not see, and count as other"
    elif column.kind == "number" and seen.edges and there >= FEWEST:
        yield from _in_one_bin(column, seen, known)


def _in_one_bin(column: ColumnEncoder, seen: SeenColumn, known: FloatArray) -> Iterator[str]:
    """Say where nearly all numbers are a hundredth or less of those of training, and so in one of its bins."""
    counts = np.histogram(known, seen.edges)[0]
    place = int(counts.argmax())
    before = seen.counts[place] / max(sum(seen.counts), 1)
    if (
        counts[place] >= (1 - LEAST_SHARE) * len(known)
        and before < 0.5
        and (power := _power(seen, known)) <= -2
    ):
        low, high = (_shown(column, edge) for edge in seen.edges[place : place + 2])
        yield (
            f"{counts[place] / len(known):.0%} of the cells lie in {low} to {high}, where {before:.0%} of training's were"
            f"{_units(column, power)}"
        )


def _far(seen: SeenColumn, known: FloatArray) -> int:
    """Return how many numbers lie outside by more than all that training saw is wide."""
    if not seen.edges:
        return 0
    low, high = seen.edges[0], seen.edges[-1]
    with np.errstate(over="ignore"):
        return int(((known < low - (high - low)) | (known > high + (high - low))).sum())


def _is_more(count: int, n: int, chance: float, least: float) -> bool:
    """Tell whether a share of n is at least so much, and more than rows with that chance each have but for `CHANCE`."""
    from scipy.special import bdtrc

    return count > 0 and count / n >= least and (chance < 1 and bdtrc(count - 1, n, chance) < CHANCE)


def _shown(column: ColumnEncoder, edge: float) -> str:
    if column.kind == "number":
        return f"{edge:.6g}"
    if is_time_only(column.spelling):
        return f"{int(edge * 24) % 24:02}:{int(edge * 1440) % 60:02}"
    return str(np.datetime64("1970-01-01") + np.timedelta64(math.floor(edge), "D"))


def _power(seen: SeenColumn, known: FloatArray) -> int:
    """Return by what power of ten numbers are larger than those of training, -3 for a thousandth; 0 where they are alike.

    The size of all but the outer tenths tells it, and their spread, where there are enough.
    """
    edges = np.asarray(seen.edges)
    inner = edges[[1, -2]] if len(edges) > 3 else edges[[0, -1]]
    with np.errstate(all="ignore"):
        own = np.quantile(known, [0.1, 0.9])
        ratios = [np.abs(own).max() / np.abs(inner).max()]
        if len(known) >= FEWEST:
            ratios.append(np.ptp(own) / np.ptp(inner))
        powers = np.log10(ratios)
    if not np.isfinite(powers).all():
        return 0
    near = np.round(powers)
    return int(near[0]) if (near == near[0]).all() and (np.abs(powers - near) <= POWER).all() else 0


def _units(column: ColumnEncoder, power: int) -> str:
    """Say that units may differ where numbers are larger or smaller by a power of ten."""
    if column.kind != "number" or power == 0:
        return ""
    way = "larger" if power > 0 else "smaller"
    return f"; they are about {10 ** abs(power):,} times {way}: is it another unit, or another decimal sign?"
