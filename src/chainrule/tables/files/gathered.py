"""Columns of delimited text that come block of rows by block: numbers where all cells are, in memory or written aside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from chainrule.tables.files.aside import Aside, AsideWriter, Frame, is_large
from chainrule.tables.spelling.values import to_typed


class Gathered:
    """The columns of a table, to which blocks of rows are added; where there will be many ``rows``, they are written aside.

    A block's column is text, or numbers that polars writes as the text was written. ``where`` begins what is said if there is
    no room for them.
    """

    def __init__(self, names: Sequence[str], rows: int, decimal: str, where: str) -> None:
        self.names = tuple(names)
        self.decimal = decimal
        self._parts: list[list[pl.Series]] = [[] for _ in names]
        self._aside = AsideWriter(self.names, where) if is_large(rows, len(names)) else None

    def add(self, block: Iterable[pl.Series]) -> None:
        """Add some rows: a series for each column."""
        for own, column in zip(self._parts, block, strict=True):
            own.append(column)
        if self._aside is not None and sum(map(len, self._parts[0])) >= self._aside.rows:
            self._aside.add(self._joined())

    def frames(self) -> tuple[Frame, Frame]:
        """Return the columns, numbers as such, and the text of those that isn't as polars writes it."""
        columns = self._joined()
        if self._aside is not None:
            if columns[0].len():
                self._aside.add(columns)
            return self._from_aside(self._aside.frame())
        kept = [column for column in columns if column.dtype == pl.String]
        typed = [
            to_typed(column, self.decimal) if column.dtype == pl.String else column for column in columns
        ]
        return pl.DataFrame(typed), pl.DataFrame(kept)

    def _from_aside(self, made: Aside) -> tuple[Frame, Frame]:
        typed, kept = {}, {}
        for name, pieces in made.pieces.items():
            kind = _kind((piece.dtype, piece.n_missing < piece.n) for piece in pieces)
            if kind != pl.String:
                typed[name] = made.cast(name, kind)
                continue
            kept[name] = made.cast(name, kind)
            column = to_typed(made.replaced(kept).get_column(name), self.decimal)
            typed[name] = kept[name] if column.dtype == kind else made.put(column)
        return made.replaced(typed), made.replaced(kept)

    def _joined(self) -> list[pl.Series]:
        """Return the columns of the blocks so far, numbers where all cells are, and forget the blocks."""
        made = []
        for name, own in zip(self.names, self._parts, strict=True):
            kind = _kind((part.dtype, part.null_count() < len(part)) for part in own)
            parts = [part.cast(kind) for part in own]
            own.clear()
            made.append(
                pl.concat(parts, rechunk=kind != pl.String).alias(name)
                if parts
                else pl.Series(name, [], kind)
            )
        return made


def _kind(parts: Iterable[tuple[pl.DataType, bool]]) -> pl.DataType:
    """Return the type of a column whose parts have these types, and cells: text where they differ."""
    kinds = {dtype for dtype, has_cells in parts if has_cells}
    return kinds.pop() if len(kinds) == 1 else pl.String()
