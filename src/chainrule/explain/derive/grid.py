"""A table on a page or in a terminal: headers, and rows of words and numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from chainrule._numbers import number_to_data
from chainrule._plain import IF_SET, Form, Plain, read_any_number, read_record, read_text

GAP = "  "


def _cell_to_data(cell: str | float) -> Any:
    return {"text": cell} if isinstance(cell, str) else number_to_data(cell)


def _read_cell(data: object, where: str) -> str | float:
    if isinstance(data, dict):
        return read_text(read_record(data, where, ("text",))["text"], where)
    return read_any_number(data, where)


Cell: TypeAlias = Annotated[str | float, Form(_cell_to_data, _read_cell)]
"""What stands in a table; in plain data a number is itself, with all its digits, and a text is ``{"text": …}``."""


@dataclass(frozen=True)
class Grid(Plain, names=("caption", "headers", "rows", "words", "formulas")):
    """A table; a cell is a text, or a number that is shown with as many digits as all others.

    Columns whose header is in ``words`` are aligned to the left, numbers to the right; texts in those of ``formulas`` are
    formulas.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: tuple[str, ...] = ()
    caption: str = ""
    formulas: Annotated[tuple[str, ...], IF_SET] = ()

    def texts(self, number: Callable[[float], str]) -> list[tuple[str, ...]]:
        """Return the rows with their numbers as text."""
        return [tuple(cell if isinstance(cell, str) else number(cell) for cell in row) for row in self.rows]


def grid_rows(grid: Grid, width: int, number: Callable[[float], str]) -> Iterator[list[tuple[str, str]]]:
    """Yield the lines of a table in styled pieces; what is wider than ``width`` is parted into tables."""
    if grid.caption:
        for line in textwrap.wrap(grid.caption, width, break_on_hyphens=False):
            yield [(line, "dim")]
    table = [grid.headers, *grid.texts(number)]
    sizes = [max(len(row[i]) for row in table) for i in range(len(grid.headers))]
    left = [header in grid.words for header in grid.headers]
    for place, group in enumerate(_groups(sizes, width)):
        if place:
            yield []
        for line_number, row in enumerate(table):
            cells = [row[i].ljust(sizes[i]) if left[i] else row[i].rjust(sizes[i]) for i in group]
            yield [(f"  {GAP.join(cells)}", "" if line_number else "rule")]


def _groups(sizes: list[int], width: int) -> list[list[int]]:
    """Divide columns into tables one below the other where they don't fit side by side; each begins with the first."""
    groups: list[list[int]] = [[0]]
    for column in range(1, len(sizes)):
        wide = 2 + sum(sizes[i] + len(GAP) for i in groups[-1]) + sizes[column]
        if wide > width and len(groups[-1]) > 1:
            groups.append([0])
        groups[-1].append(column)
    return groups
